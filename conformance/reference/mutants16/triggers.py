"""Mutants of TriggerMessage and ExtendedTriggerMessage."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from conformance.reference.station.rpc import RpcError
from conformance.reference.station16 import ReferenceStation16
from conformance.reference.station16.availability import STATION

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload
    from conformance.reference.station16.base import Connector
    from conformance.reference.station16.remote import Triggers, Work


async def _nothing() -> None:
    """Forget about it."""


class MessageBeforeAnswer(ReferenceStation16):
    """Sends what it was asked for, and answers then."""

    breaks = "16.TRIGGER.01"
    hurry = False

    def on_trigger_message(self, request: Payload) -> Payload:
        """Remember to hurry."""
        self.hurry = True
        return super().on_trigger_message(request)

    async def _reply(self, frame: str) -> None:
        """Let the message go first."""
        if self.hurry:
            self.hurry = False
            self.tasks.start(self.reply_late(frame))
        else:
            await super()._reply(frame)

    async def reply_late(self, frame: str) -> None:
        """Answer when the message is out."""
        await asyncio.sleep(0.1)
        await super()._reply(frame)


class TriggerRefused(ReferenceStation16):
    """Refuses TriggerMessage with a CALLERROR."""

    breaks = "16.TRIGGER.02"

    def on_trigger_message(self, request: Payload) -> Payload:  # noqa: ARG002
        """Refuse."""
        raise RpcError("NotSupported", "no TriggerMessage here")


class TriggerForgotten(ReferenceStation16):
    """Accepts to send a message, and doesn't."""

    breaks = "16.TRIGGER.03"
    also = ("16.TRIGGER.05", "16.TRIGGER.06", "16.TRIGGER.11")

    def on_trigger_message(self, request: Payload) -> Payload:
        """Answer, and drop what was to be done."""
        answer = super().on_trigger_message(request)
        self._follow_ups.clear()
        return answer


class UnknownTriggerAccepted(ReferenceStation16):
    """Accepts to send a message that nobody knows."""

    breaks = "16.TRIGGER.04"

    def check_request(self, action: str, payload: object) -> None:
        """Take any name."""
        if action != "TriggerMessage":
            super().check_request(action, payload)

    def trigger(self, triggers: Triggers, request: Payload) -> Payload:
        """Accept any name."""
        return super().trigger(triggers, request) if request["requestedMessage"] in triggers else {"status": "Accepted"}


class ConnectorOfHeartbeatMinded(ReferenceStation16):
    """Rejects a trigger for a heartbeat because it names a connector."""

    breaks = "16.TRIGGER.05"

    def trigger_heartbeat(self, number: int | None) -> list[Work]:
        """Mind the connector."""
        return super().trigger_heartbeat(number) if number is None else []


class TriggeredWithoutStation(ReferenceStation16):
    """Sends the status of its connectors when asked for all, and not its own."""

    breaks = "16.TRIGGER.06"

    def trigger_status(self, number: int | None) -> list[Work]:
        """Leave connector 0 out."""
        steps = super().trigger_status(number)
        return steps[1:] if number is None else steps


class FirstMeasurandOnly(ReferenceStation16):
    """Sends one measurand when asked for meter values, however many are set."""

    breaks = "16.TRIGGER.07"

    def meter_value(self, connector: Connector, context: str, key: str) -> list[Payload]:
        """Leave out all but the first."""
        values = super().meter_value(connector, context, key)
        if context != "Trigger":
            return values
        return [{**value, "sampledValue": value["sampledValue"][:1]} for value in values]


class TriggeredStatusIsOld(ReferenceStation16):
    """Tells when it is asked how its connectors were once."""

    breaks = "16.TRIGGER.08"

    def notify_status(self, number: int, *, asked: bool = False) -> None:
        """Call everything Available that was asked for."""
        if asked:
            self.send("StatusNotification", {**self.status_payload(number), "status": "Available"}, asked=True)
        else:
            super().notify_status(number)


class TakesBootTriggerWhenAccepted(ReferenceStation16):
    """Accepts a trigger for a BootNotification although the last one was accepted."""

    breaks = "16.TRIGGER.09"

    def trigger_boot(self, number: int | None) -> list[Work] | None:
        """Accept whenever asked, and send nothing."""
        return super().trigger_boot(number) or [_nothing]


class StationNotTriggered(ReferenceStation16):
    """Accepts to send its own status, and doesn't."""

    breaks = "16.TRIGGER.11"

    def trigger_status(self, number: int | None) -> list[Work]:
        """Forget connector 0."""
        return [_nothing] if number == STATION else super().trigger_status(number)


class ExtendedTriggerRefused(ReferenceStation16):
    """Refuses ExtendedTriggerMessage with a CALLERROR."""

    breaks = "16S.TRIGGER.01"

    def on_extended_trigger_message(self, request: Payload) -> Payload:  # noqa: ARG002
        """Refuse."""
        raise RpcError("NotSupported", "no ExtendedTriggerMessage here")


class ExtendedTriggerForgotten(ReferenceStation16):
    """Accepts an ExtendedTriggerMessage, and sends nothing."""

    breaks = "16S.TRIGGER.02"

    def on_extended_trigger_message(self, request: Payload) -> Payload:  # noqa: ARG002
        """Forget it."""
        return {"status": "Accepted"}
