"""Mutants of what the CSMS sends: variables, settings, triggers, one call at a time, and what comes after an answer."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any

from conformance.reference.csms import ReferenceCsms
from conformance.reference.csms.base import Link
from conformance.reference.csms.records import Command, StationRecord
from conformance.reference.csms.rpc import Answer, ConnectionLostError, Payload, RpcError, check_response, encode_call

OFTEN = 1_000_000


class Sulking(ReferenceCsms):
    """Can be made never to send a command to a station again; by itself it is as compliant as the reference."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.sulking: set[str] = set()

    def sulk(self, station: StationRecord) -> None:
        """Send this station no more commands."""
        self.sulking.add(station.identity)

    def may_send(self, station: StationRecord, command: Command) -> bool:
        """Send nothing to whom it is cross with."""
        return station.identity not in self.sulking and super().may_send(station, command)


# -- variables --------------------------------------------------------------------------------------------------------


class ReadsAnotherVariable(ReferenceCsms):
    """Reads the heartbeat interval, whatever it is asked for."""

    breaks = "CSMS.GETVARIABLES.01"
    versions = ("2.0.1",)

    def prepare_get_variables(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Ask for something else."""
        other = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
        return super().prepare_get_variables(station, payload | {"getVariableData": [other]})


class ReadsTheTarget(ReferenceCsms):
    """Reads the target value of a variable instead of the actual one."""

    breaks = "CSMS.GETVARIABLES.01"
    versions = ("2.0.1",)

    def prepare_get_variables(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Name the wrong attribute."""
        items = [item | {"attributeType": "Target"} for item in payload["getVariableData"]]
        return super().prepare_get_variables(station, payload | {"getVariableData": items})


class ReadsOnlyTheFirst(ReferenceCsms):
    """Reads the first of several variables, and forgets the others."""

    breaks = "CSMS.GETVARIABLES.02"
    versions = ("2.0.1",)

    def prepare_get_variables(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Drop all others."""
        return super().prepare_get_variables(station, payload | {"getVariableData": payload["getVariableData"][:1]})


class ReadsOneByOne(ReferenceCsms):
    """Reads several variables in as many requests, although the station takes more at once."""

    breaks = "CSMS.GETVARIABLES.02"
    versions = ("2.0.1",)

    def prepare_get_variables(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Take each for itself."""
        return [{"getVariableData": [item]} for item in payload["getVariableData"]]


class SetsAnotherValue(ReferenceCsms):
    """Sets another value than it is asked to."""

    breaks = "CSMS.SETVARIABLES.01"
    versions = ("2.0.1",)

    def prepare_set_variables(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Add a digit."""
        items = [item | {"attributeValue": f"{item['attributeValue']}0"} for item in payload["setVariableData"]]
        return super().prepare_set_variables(station, payload | {"setVariableData": items})


class SetsTheTarget(ReferenceCsms):
    """Sets the target value of a variable instead of the actual one."""

    breaks = "CSMS.SETVARIABLES.01"
    versions = ("2.0.1",)

    def prepare_set_variables(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Name the wrong attribute."""
        items = [item | {"attributeType": "Target"} for item in payload["setVariableData"]]
        return super().prepare_set_variables(station, payload | {"setVariableData": items})


class SetsOnlyTheFirst(ReferenceCsms):
    """Sets the first of several variables, and forgets the others."""

    breaks = "CSMS.SETVARIABLES.02"
    versions = ("2.0.1",)

    def prepare_set_variables(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Drop all others."""
        return super().prepare_set_variables(station, payload | {"setVariableData": payload["setVariableData"][:1]})


class SetsOneByOne(ReferenceCsms):
    """Sets several variables in as many requests, although the station takes more at once."""

    breaks = "CSMS.SETVARIABLES.02"
    versions = ("2.0.1",)

    def prepare_set_variables(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Take each for itself."""
        return [{"setVariableData": [item]} for item in payload["setVariableData"]]


class RepeatsWhatItSets(ReferenceCsms):
    """Puts the first variable of every SetVariables into it once more."""

    breaks = "B05.FR.13"
    versions = ("2.0.1",)

    def prepare_set_variables(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Make sure of it."""
        made = super().prepare_set_variables(station, payload)
        return [each | {"setVariableData": [*each["setVariableData"], each["setVariableData"][0]]} for each in made]


class SetsAVariableTwice(ReferenceCsms):
    """Puts two values of one variable into one request, if its operator asks for both."""

    breaks = "B05.FR.13"
    versions = ("2.0.1",)

    def batches(self, items: list[Payload], limit: int | None) -> list[list[Payload]]:
        """Look at nothing but the limit."""
        at_once = limit or OFTEN
        return [items[at : at + at_once] for at in range(0, len(items), at_once)]


class ReadsTooManyAtOnce(ReferenceCsms):
    """Reads as many variables at once as the operator asked for."""

    breaks = "B06.FR.05"
    versions = ("2.0.1",)

    def items_per_message(self, station: StationRecord, action: str) -> int | None:
        """Know of no limit."""
        return None if action == "GetVariables" else super().items_per_message(station, action)


class SetsTooManyAtOnce(ReferenceCsms):
    """Sets as many variables at once as the operator asked for."""

    breaks = "B05.FR.11"
    versions = ("2.0.1",)

    def items_per_message(self, station: StationRecord, action: str) -> int | None:
        """Know of no limit."""
        return None if action == "SetVariables" else super().items_per_message(station, action)


class ReportsOnTooManyAtOnce(ReferenceCsms):
    """Asks for a report on as many variables at once as the operator asked for."""

    breaks = "B08.FR.06"
    versions = ("2.0.1",)

    def items_per_message(self, station: StationRecord, action: str) -> int | None:
        """Know of no limit."""
        return None if action == "GetReport" else super().items_per_message(station, action)


# -- settings of 1.6 --------------------------------------------------------------------------------------------------


class ReadsAllByName(ReferenceCsms):
    """Asked for all settings, reads those that it knows of."""

    breaks = "16.CONFIG.22"
    versions = ("1.6",)

    def prepare_get_configuration(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Never leave the keys out."""
        return super().prepare_get_configuration(station, {"key": ["HeartbeatInterval"]} | payload)


class ReadsAllInstead(ReferenceCsms):
    """Asked for one setting, reads all and looks for it."""

    breaks = "16.CONFIG.23"
    versions = ("1.6",)

    def prepare_get_configuration(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Name none."""
        return [{}]


class ReadsTheFirstKeysOnly(ReferenceCsms):
    """Asked for more settings than the station answers at once, forgets those that are too many."""

    breaks = "16.CONFIG.23"
    versions = ("1.6",)

    def prepare_get_configuration(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Send the first request."""
        return super().prepare_get_configuration(station, payload)[:1]


class ReadsTooManyKeysAtOnce(ReferenceCsms):
    """Asks for as many keys at once as the operator wants."""

    breaks = "16.CONFIG.07"
    versions = ("1.6",)

    def keys_per_message(self, station: StationRecord) -> int | None:  # noqa: ARG002
        """Know of no limit."""
        return None


class ChangesToAnotherValue(ReferenceCsms):
    """Changes a setting to another value than it is asked to."""

    breaks = "16.CHANGE.13"
    versions = ("1.6",)

    def prepare_change_configuration(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Add a digit."""
        return [payload | {"value": f"{payload['value']}0"}]


class GivesUpAfterARefusedChange(Sulking):
    """Sends no more commands once a station did not take a change."""

    breaks = "16.CHANGE.15"
    also = ("CSMS.COMMAND.01",)
    versions = ("1.6",)

    def learn_change_configuration(self, station: StationRecord, payload: Payload, answer: Payload) -> None:
        """Take it amiss."""
        super().learn_change_configuration(station, payload, answer)
        if answer["status"] in ("Rejected", "NotSupported"):
            self.sulk(station)


# -- after an answer --------------------------------------------------------------------------------------------------


class GivesUpAfterARefusal(Sulking):
    """Sends no more commands once one was answered with a status that refuses it."""

    breaks = "CSMS.COMMAND.01"
    also = ("16.CHANGE.15", "CSMS.REPORT.02")

    def learn(self, link: Link, action: str, payload: Payload, answer: Payload) -> None:
        """Take it amiss."""
        super().learn(link, action, payload, answer)
        if answer.get("status") in ("Rejected", "NotSupported", "NotImplemented"):
            self.sulk(link.station)


class GivesUpAfterAnError(Sulking):
    """Sends no more commands once one was answered with a CALLERROR."""

    breaks = "CSMS.COMMAND.01"
    also = ("CSMS.REPORT.02",)

    async def carry_out(self, link: Link, command: Command) -> None:
        """Take it amiss."""
        await super().carry_out(link, command)
        if command.state == "error":
            self.sulk(link.station)


class CountsOnAValue(Sulking):
    """Sends no more commands once it read something that has no value."""

    breaks = "CSMS.COMMAND.01"

    def learn_get_variables(self, station: StationRecord, payload: Payload, answer: Payload) -> None:
        """Stumble over what is not there."""
        super().learn_get_variables(station, payload, answer)
        if not all(result.get("attributeValue") for result in answer["getVariableResult"]):
            self.sulk(station)

    def learn_get_configuration(self, station: StationRecord, payload: Payload, answer: Payload) -> None:
        """Stumble over what is not there."""
        super().learn_get_configuration(station, payload, answer)
        if not all(entry.get("value") for entry in answer.get("configurationKey", [{}])):
            self.sulk(station)


# -- one call at a time -----------------------------------------------------------------------------------------------


class TwoOpenCalls(ReferenceCsms):
    """Sends the next call without waiting for the answer to the last one."""

    breaks = "J.SYNC.01"

    async def carry_out(self, link: Link, command: Command) -> None:
        """Don't wait."""
        self.tasks.start(super().carry_out(link, command))


class DeafWhileItWaits(ReferenceCsms):
    """Drops the calls of a station while it waits for an answer itself."""

    breaks = "J.SYNC.02"
    also = ("J.ANSWER.01", "J.ANSWER.02", "J.ANSWER.04")

    async def reply(self, link: Link, frame: str) -> None:
        """Say nothing."""
        if not link.open:
            await super().reply(link, frame)


class WaitsForEver(ReferenceCsms):
    """Never gives up a call that is not answered."""

    breaks = "CSMS.SYNC.01"

    async def call_once(self, link: Link, action: str, payload: Payload) -> Payload:
        """Wait until the link goes."""
        message_id = self.new_message_id()
        answered: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        link.open[message_id] = answered
        try:
            self.expect_from(link.station, action, payload)
            await self.transmit(link, encode_call(message_id, action, payload))
            answer = await answered
        finally:
            del link.open[message_id]
        if answer is None:
            raise ConnectionLostError
        if isinstance(answer.result, RpcError):
            raise answer.result
        check_response(link.dialect, action, answer.result)
        return answer.result


class HangsUpOnALateAnswer(ReferenceCsms):
    """Closes the connection when an answer comes that it no longer waits for."""

    breaks = "CSMS.SYNC.01"

    def settle(self, link: Link, answer: Answer) -> None:
        """Take it for an attack."""
        if answer.message_id not in link.open:
            self.tasks.start(link.connection.close(1008, "nobody asked for that"))
        super().settle(link, answer)


class CountsOnEachConnection(ReferenceCsms):
    """Numbers its calls, from 1 on each connection."""

    breaks = "J.ID.02"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.numbers = count(1)

    def replace_link(self, link: Link) -> None:
        """Begin again."""
        self.numbers = count(1)
        super().replace_link(link)

    def new_message_id(self) -> str:
        """Take the next number."""
        return str(next(self.numbers))


# -- triggers ---------------------------------------------------------------------------------------------------------


class TriggersSomethingElse(ReferenceCsms):
    """Triggers another message than it is asked to."""

    breaks = "CSMS.TRIGGER.01"

    def prepare_trigger_message(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Name the firmware's, or another for that."""
        other = "FirmwareStatusNotification"
        return [payload | {"requestedMessage": "MeterValues" if payload["requestedMessage"] == other else other}]


class TriggersNoConnector(ReferenceCsms):
    """Asks for a state without saying of which connector."""

    breaks = "F06.FR.13"
    versions = ("2.0.1",)

    def prepare_trigger_message(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Name the EVSE at most."""
        if "evse" in payload:
            return [payload | {"evse": {"id": payload["evse"]["id"]}}]
        return [payload]


class TriggersConnectorZero(ReferenceCsms):
    """Names connector 0 in whatever it triggers."""

    breaks = "16.TRIGGER.13"
    versions = ("1.6",)

    def prepare_trigger_message(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Mean the charge point."""
        return [payload | {"connectorId": 0}]


class TriggersABootWhenAsked(ReferenceCsms):
    """Triggers a boot of a station that was accepted, if its operator wants that."""

    breaks = "CSMS.TRIGGER.02"

    def triggers_boot_again(self, station: StationRecord, action: str, payload: Payload) -> bool:  # noqa: ARG002
        """See nothing wrong with it."""
        return False


class TriggersABootByItself(TriggersABootWhenAsked):
    """Triggers another boot as soon as it has accepted one."""

    breaks = "CSMS.TRIGGER.02"

    def on_boot_notification(self, station: StationRecord, request: Payload) -> Payload:
        """Make sure of it."""
        answer = super().on_boot_notification(station, request)
        if station.boots == 1:
            self.command(station.identity, "TriggerMessage", {"requestedMessage": "BootNotification"})
        return answer


class RefusesWhatItTriggered(ReferenceCsms):
    """Has no use for a firmware status that it asked for itself."""

    breaks = "J.ANSWER.01"

    def on_firmware_status_notification(self, station: StationRecord, request: Payload) -> Payload:
        """Expect an update to be on."""
        if request["status"] == "Idle":
            raise RpcError("InternalError", "no update is known")
        return super().on_firmware_status_notification(station, request)
