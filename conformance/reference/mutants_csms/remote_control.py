"""Mutants whose operator starts, stops and asks about transactions, and unlocks connectors."""

from __future__ import annotations

from conformance.reference.csms import ReferenceCsms
from conformance.reference.csms.records import StationRecord
from conformance.reference.csms.rpc import Payload, RpcError
from conformance.reference.mutants_csms.commands import Sulking
from conformance.reference.mutants_csms.transactions import Refusing, says

_SOMEBODY = "04A0B0C0D0E0F0"

# -- starts and stops -------------------------------------------------------------------------------------------------


class StartsForSomebodyElse(ReferenceCsms):
    """Starts transactions with a token of its own."""

    breaks = "CSMS.REMOTESTART.01"

    def prepare_request_start_transaction(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Forget for whom it was."""
        named = payload | {"idToken": payload["idToken"] | {"idToken": _SOMEBODY}}
        return super().prepare_request_start_transaction(station, named)

    def prepare_remote_start_transaction(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Forget for whom it was."""
        return [payload | {"idTag": _SOMEBODY}]


class StartsAnywhere(ReferenceCsms):
    """Leaves it to the station where a transaction starts, although its operator has said where."""

    breaks = "CSMS.REMOTESTART.01"

    def prepare_request_start_transaction(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Leave the EVSE out."""
        kept = {name: value for name, value in payload.items() if name != "evseId"}
        return super().prepare_request_start_transaction(station, kept)

    def prepare_remote_start_transaction(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Leave the connector out."""
        return [{name: value for name, value in payload.items() if name != "connectorId"}]


class StopsAnotherTransaction(ReferenceCsms):
    """Stops another transaction than its operator wants to."""

    breaks = "F03.FR.01"

    def prepare_request_stop_transaction(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Mix them up."""
        return [payload | {"transactionId": payload["transactionId"][::-1]}]

    def prepare_remote_stop_transaction(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Mix them up."""
        return [payload | {"transactionId": payload["transactionId"] + 1}]


class StopsNothing(ReferenceCsms):
    """Has a button for stops that does nothing while somebody charges."""

    breaks = "F03.FR.01"

    def prepare_request_stop_transaction(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Send nothing."""
        return []

    def prepare_remote_stop_transaction(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Send nothing."""
        return []


# -- unlocking --------------------------------------------------------------------------------------------------------


class UnlocksTheNextOne(ReferenceCsms):
    """Unlocks the connector after the one that is meant."""

    breaks = "CSMS.UNLOCK.01"

    def prepare_unlock_connector(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Count from 0."""
        return [payload | {"connectorId": payload["connectorId"] + 1}]


class UnlocksTheFirstEvse(ReferenceCsms):
    """Unlocks a connector of the first EVSE, whichever is meant."""

    breaks = "CSMS.UNLOCK.01"

    def prepare_unlock_connector(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Know one only."""
        return [payload | ({"evseId": 1} if "evseId" in payload else {"connectorId": 1})]


class GivesUpOnAStuckLock(Sulking):
    """Sends no more commands once a connector did not open."""

    breaks = "CSMS.COMMAND.01"
    versions = ("1.6",)

    def learn_unlock_connector(self, station: StationRecord, _payload: Payload, answer: Payload) -> None:
        """Call somebody to look at it."""
        if answer["status"] == "UnlockFailed":
            self.sulk(station)


# -- how transactions stand -------------------------------------------------------------------------------------------


class AsksInGeneral(ReferenceCsms):
    """Asks whether anything is queued, where its operator wants to know of one transaction."""

    breaks = "CSMS.TXSTATUS.01"
    versions = ("2.0.1",)

    def prepare_get_transaction_status(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Leave the id out."""
        return [{}]


class AsksAboutTheFirst(ReferenceCsms):
    """Asks about a transaction, where its operator wants to know whether anything is queued."""

    breaks = "CSMS.TXSTATUS.02"
    versions = ("2.0.1",)

    def prepare_get_transaction_status(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Never leave the id out."""
        first = next(iter(station.transactions), "none-yet")
        return [{"transactionId": str(first)} | payload]


# -- what comes of it -------------------------------------------------------------------------------------------------


class SurprisedByItsStart(Refusing):
    """Takes no transaction that starts since it has asked for that."""

    breaks = "CSMS.START.01"
    versions = ("2.0.1",)

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Know no such reason."""
        return says(event, "Started", "RemoteStart")


class SurprisedByItsDriver(Refusing):
    """Takes no driver whom it has sent itself into a transaction that goes on."""

    breaks = "J02.FR.19"
    versions = ("2.0.1",)

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Know no such reason."""
        return says(event, "Updated", "RemoteStart")


class SurprisedByPatience(Refusing):
    """Does not take it that a transaction goes on although nobody has plugged in for long."""

    breaks = "J02.FR.19"
    versions = ("2.0.1",)

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Wait for its end."""
        return says(event, "Updated", "EVConnectTimeout")


class SurprisedByItsKey(Refusing):
    """Takes no end of a transaction since it had the connector unlocked."""

    breaks = "16.TX.09"
    versions = ("1.6",)

    def objects16(self, station: StationRecord, action: str, request: Payload) -> bool:  # noqa: ARG002
        """Know no such reason."""
        return action == "StopTransaction" and request.get("reason") == "UnlockCommand"


class FinishesWithTheEnd(ReferenceCsms):
    """Does not take it that a connector is finishing before the transaction has ended."""

    breaks = "16.STATUS.08"
    versions = ("1.6",)

    def note_status(
        self, station: StationRecord, evse_id: int, connector_id: int, status: str, request: Payload
    ) -> None:
        """Wait for its end."""
        busy = any(one.started and not one.ended for one in station.transactions.values())
        if status == "Finishing" and busy:
            raise RpcError("InternalError", "there is a transaction")
        super().note_status(station, evse_id, connector_id, status, request)
