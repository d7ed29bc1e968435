"""Mutants of what the CSMS makes of availability and network profiles, and of statuses that come of it."""

from __future__ import annotations

import json

from conformance.reference.csms import ReferenceCsms
from conformance.reference.csms.base import Link
from conformance.reference.csms.records import StationRecord
from conformance.reference.csms.rpc import Call, Payload, RpcError
from conformance.reference.mutants_csms.commands import Sulking

_OPPOSITE = {"Operative": "Inoperative", "Inoperative": "Operative"}


class ChangesTheOtherWay(ReferenceCsms):
    """Takes into use what was to be taken out of it, and the other way round."""

    breaks = "CSMS.AVAIL.01"

    def prepare_change_availability(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Mix them up."""
        return [{key: _OPPOSITE.get(value, value) if key != "evse" else value for key, value in payload.items()}]


class ChangesTheWholeStation(ReferenceCsms):
    """Takes the whole station where a part of it is meant."""

    breaks = "CSMS.AVAIL.01"

    def prepare_change_availability(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Name no part."""
        if "connectorId" in payload:
            return [payload | {"connectorId": 0}]
        return [{key: value for key, value in payload.items() if key != "evse"}]


class ChangesAllOfTheEvse(ReferenceCsms):
    """Takes an EVSE where one connector of it is meant."""

    breaks = "CSMS.AVAIL.01"
    versions = ("2.0.1",)

    def prepare_change_availability(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Name no connector."""
        return [payload | ({"evse": {"id": payload["evse"]["id"]}} if "evse" in payload else {})]


class ChangesTheFirstEvse(ReferenceCsms):
    """Takes the first EVSE where the whole station is meant."""

    breaks = "CSMS.AVAIL.01"
    versions = ("2.0.1",)

    def prepare_change_availability(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Never leave the EVSE out."""
        return [{"evse": {"id": 1}} | payload]


class KnowsNoUnavailable(ReferenceCsms):
    """Refuses to hear that a connector is out of use."""

    breaks = "CSMS.STATUS.01"
    also: tuple[str, ...] = ("J.ANSWER.01",)
    refused = ("Unavailable",)

    def note_status(
        self, station: StationRecord, evse_id: int, connector_id: int, status: str, request: Payload
    ) -> None:
        """Close one's eyes."""
        if status in self.refused:
            raise RpcError("PropertyConstraintViolation", "no such status")
        super().note_status(station, evse_id, connector_id, status, request)


class UnavailableUnanswered(KnowsNoUnavailable):
    """Answers with an error when a connector is out of use."""

    breaks = "J.ANSWER.01"
    also = ("CSMS.STATUS.01",)


class NeverBack(ReferenceCsms):
    """Refuses to hear that a connector is in use that was not."""

    breaks = "CSMS.STATUS.01"
    also = ("J.ANSWER.01",)

    def note_status(
        self, station: StationRecord, evse_id: int, connector_id: int, status: str, request: Payload
    ) -> None:
        """Look at the last status."""
        last = station.connectors.get((evse_id, connector_id), {}).get("status")
        if last == "Unavailable" and status == "Available":
            raise RpcError("PropertyConstraintViolation", "it is out of use")
        super().note_status(station, evse_id, connector_id, status, request)


class KnowsNoLocks(ReferenceCsms):
    """Refuses to hear of a lock."""

    breaks = "G05.FR.03"
    versions = ("2.0.1",)

    def check_call(self, link: Link, call: Call) -> None:
        """Look for one."""
        super().check_call(link, call)
        if "RetentionLock" in json.dumps(call.payload):
            raise RpcError("PropertyConstraintViolation", "no such component")


class SetsAnotherSlot(ReferenceCsms):
    """Sets a network profile in the first slot, whichever is meant."""

    breaks = "CSMS.NETWORK.01"
    versions = ("2.0.1",)

    def prepare_set_network_profile(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Overwrite what is in use."""
        return [payload | {"configurationSlot": 0}]


class SetsAnotherAddress(ReferenceCsms):
    """Sets a network profile that leads back to itself."""

    breaks = "CSMS.NETWORK.01"
    versions = ("2.0.1",)

    def prepare_set_network_profile(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Let nobody go."""
        return [payload | {"connectionData": payload["connectionData"] | {"ocppCsmsUrl": "ws://here.example.com"}}]


class GivesUpOnNetworks(Sulking):
    """Sends no more commands once a network profile could not be set."""

    breaks = "CSMS.COMMAND.01"
    versions = ("2.0.1",)

    def learn_set_network_profile(self, station: StationRecord, _payload: Payload, answer: Payload) -> None:
        """Take it personally."""
        if answer["status"] != "Accepted":
            self.sulk(station)


class WritesAtLength(ReferenceCsms):
    """Puts as many items into a request as the station takes, however long that gets."""

    breaks = "CSMS.BYTES.01"
    versions = ("2.0.1",)

    def bytes_per_message(self, station: StationRecord, action: str) -> int | None:  # noqa: ARG002
        """Know of no limit."""
        return None
