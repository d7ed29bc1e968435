"""Mutants of resets: what is asked of whom, and how a station is met that has ended a transaction, or is back."""

from __future__ import annotations

from typing import Any

from conformance.reference.csms import ReferenceCsms
from conformance.reference.csms.records import StationRecord
from conformance.reference.csms.rpc import Payload, RpcError
from conformance.reference.mutants_csms.boot import Impatient

_OPPOSITE = {"OnIdle": "Immediate", "Immediate": "OnIdle", "Soft": "Hard", "Hard": "Soft"}
_RESETS = ("ImmediateReset", "HardReset", "SoftReset")


# -- what is asked ----------------------------------------------------------------------------------------------------


class ResetsTheOtherWay(ReferenceCsms):
    """Resets a station at once where that can wait, and the other way round."""

    breaks = "CSMS.RESET.01"

    def prepare_reset(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Mix the types up."""
        return [payload if "evseId" in payload else payload | {"type": _OPPOSITE[payload["type"]]}]


class ResetsTheFirstEvse(ReferenceCsms):
    """Resets the first EVSE only, where the whole station is meant."""

    breaks = "CSMS.RESET.01"
    versions = ("2.0.1",)

    def prepare_reset(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Never leave the EVSE out."""
        return [{"evseId": 1} | payload]


class ResetsNothing(ReferenceCsms):
    """Has a button for resets that does nothing."""

    breaks = "CSMS.RESET.01"
    also = ("CSMS.RESET.02",)

    def prepare_reset(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Send nothing."""
        return []


class ResetsTheWholeStation(ReferenceCsms):
    """Resets the station where one EVSE is meant."""

    breaks = "CSMS.RESET.02"
    versions = ("2.0.1",)

    def prepare_reset(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Leave the EVSE out."""
        return [{"type": payload["type"]}]


class ResetsAnotherEvse(ReferenceCsms):
    """Resets the EVSE after the one that is meant."""

    breaks = "CSMS.RESET.02"
    versions = ("2.0.1",)

    def prepare_reset(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Count from 0."""
        return [payload | {"evseId": payload["evseId"] + 1}] if "evseId" in payload else [payload]


class ResetsAnEvseTheOtherWay(ReferenceCsms):
    """Resets an EVSE at once where that can wait, and the other way round."""

    breaks = "CSMS.RESET.02"
    versions = ("2.0.1",)

    def prepare_reset(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Mix the types up."""
        return [payload | {"type": _OPPOSITE[payload["type"]]} if "evseId" in payload else payload]


# -- the boot after it ------------------------------------------------------------------------------------------------


class RejectsWhomItReset(Impatient):
    """Rejects the boot of a station that it has reset."""

    breaks = "CSMS.BOOT.01"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.reset: set[str] = set()

    def learn_reset(self, station: StationRecord, _payload: Payload, answer: Payload) -> None:
        """Keep in mind who it was."""
        if answer["status"] in ("Accepted", "Scheduled"):
            self.reset.add(station.identity)

    def registration_for(self, station: StationRecord) -> str:
        """Wonder where it comes from."""
        return "Rejected" if station.identity in self.reset else super().registration_for(station)


class RejectsWhoIsCharging(Impatient):
    """Rejects the boot of a station of which it knows a transaction that is not over."""

    breaks = "CSMS.BOOT.01"

    def registration_for(self, station: StationRecord) -> str:
        """Wonder how it can boot."""
        charging = any(transaction.started and not transaction.ended for transaction in station.transactions.values())
        return "Rejected" if charging else super().registration_for(station)


class RefusesStatesAfterABoot(ReferenceCsms):
    """Takes the state of a connector only until a station boots a second time."""

    breaks = "J.ANSWER.01"
    also = ("CSMS.STATUS.01", "16.STATUS.08")

    def note_status(
        self, station: StationRecord, evse_id: int, connector_id: int, status: str, request: Payload
    ) -> None:
        """Stumble over what is there already."""
        if station.boots > 1:
            raise RpcError("InternalError", "this connector is there already")
        super().note_status(station, evse_id, connector_id, status, request)


class RefusesUnavailable(ReferenceCsms):
    """Does not take it that a connector is unavailable."""

    breaks = "J.ANSWER.01"
    also = ("CSMS.STATUS.01",)
    versions = ("2.0.1",)

    def note_status(
        self, station: StationRecord, evse_id: int, connector_id: int, status: str, request: Payload
    ) -> None:
        """Want it to be of use."""
        if status == "Unavailable":
            raise RpcError("InternalError", "nobody has made it unavailable")
        super().note_status(station, evse_id, connector_id, status, request)


# -- the transaction --------------------------------------------------------------------------------------------------


class ForgetsTheTokenThatStops(ReferenceCsms):
    """Leaves out the status of the token by which a driver stops."""

    breaks = "E01.FR.12"
    versions = ("2.0.1",)

    def on201_transaction_event(self, station: StationRecord, request: Payload) -> Payload:
        """Think that a driver who stops needs no answer."""
        answer = super().on201_transaction_event(station, request)
        return {} if request["triggerReason"] == "StopAuthorized" else answer


class RefusesTheEndByReset(ReferenceCsms):
    """Does not take the end of a transaction that a reset has brought about."""

    breaks = "J.ANSWER.01"

    def on201_transaction_event(self, station: StationRecord, request: Payload) -> Payload:
        """Know fewer reasons than there are."""
        if request["transactionInfo"].get("stoppedReason") in _RESETS:
            raise RpcError("InternalError", "unknown reason")
        return super().on201_transaction_event(station, request)

    def on16_stop_transaction(self, station: StationRecord, request: Payload) -> Payload:
        """Know fewer reasons than there are."""
        if request.get("reason") in _RESETS:
            raise RpcError("InternalError", "unknown reason")
        return super().on16_stop_transaction(station, request)


class RefusesTheEndByPlug(ReferenceCsms):
    """Does not take the end of a transaction by the plug alone."""

    breaks = "J.ANSWER.01"
    versions = ("2.0.1",)

    def on201_transaction_event(self, station: StationRecord, request: Payload) -> Payload:
        """Know fewer reasons than there are."""
        if request["transactionInfo"].get("stoppedReason") == "EVDisconnected":
            raise RpcError("InternalError", "unknown reason")
        return super().on201_transaction_event(station, request)


class RefusesTheEndByPowerLoss(ReferenceCsms):
    """Does not take the end of a transaction that comes after the boot by which it was forgotten."""

    breaks = "16.POWER.04"
    versions = ("1.6",)

    def on16_stop_transaction(self, station: StationRecord, request: Payload) -> Payload:
        """Know only those of the present session."""
        if request.get("reason") == "PowerLoss":
            raise RpcError("InternalError", "no such transaction")
        return super().on16_stop_transaction(station, request)
