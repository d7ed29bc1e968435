"""Mutants of the end of transactions: stop points, reasons, an EV that leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.mutants.charging import EndIsAReading
from conformance.reference.mutants.control import Plain
from conformance.reference.station import ReferenceStation

if TYPE_CHECKING:
    from conformance.reference.station.base import Evse, Session, Transaction
    from conformance.reference.station.rpc import Payload


# -- stop points


class NoEndByDriver(ReferenceStation):
    """Does not end a transaction with the authorization, though Authorized is a stop point."""

    breaks = "E06.FR.03"

    def stops_with(self, points: set[str]) -> bool:
        """Overlook it."""
        return super().stops_with(points - {"Authorized"})


class NoEndByPowerPath(ReferenceStation):
    """Ends a transaction neither with the authorization nor with the connection, though the stop point is both."""

    breaks = "E06.FR.06"

    def stops_with(self, points: set[str]) -> bool:
        """Overlook it."""
        return super().stops_with(points - {"PowerPathClosed"})


class NoEndByEnergy(ReferenceStation):
    """Does not end a transaction when energy no longer flows, though that is the stop point."""

    breaks = "E06.FR.07"

    def stops_with(self, points: set[str]) -> bool:
        """Overlook it."""
        return super().stops_with(points - {"EnergyTransfer"})


class PlugOutGoesOn(ReferenceStation):
    """Does not end a transaction when the plug is out, though EVConnected is a stop point."""

    breaks = "E06.FR.02"

    def end_transaction(
        self, place: Evse, trigger: str, reason: str, *, token: Payload | None = None, connector: int | None = None
    ) -> None:
        """Tell it, and go on."""
        if trigger == "EVCommunicationLost":
            self.send_event(place, "Updated", trigger, token=token, connector=connector)
        else:
            super().end_transaction(place, trigger, reason, token=token, connector=connector)


class EndsWithDriver(ReferenceStation):
    """Ends a transaction with the authorization, though the stop point is EVConnected."""

    breaks = "E06.FR.02"

    def stops_with(self, points: set[str]) -> bool:
        """Take it for PowerPathClosed."""
        return super().stops_with(points | {"EVConnected"} if "Authorized" in points else points)


class EndsWithoutBay(ReferenceStation):
    """Ends a transaction when the plug is out, though the stop point is the parking bay."""

    breaks = "E06.FR.01"

    def stops_with(self, points: set[str]) -> bool:
        """Take it for EVConnected too."""
        return super().stops_with(points | {"ParkingBayOccupancy"} if "EVConnected" in points else points)


class BayLeftGoesOn(ReferenceStation):
    """Does not end a transaction when the EV has left the parking bay, though that is the stop point."""

    breaks = "E06.FR.01"

    def stops_with(self, points: set[str]) -> bool:
        """Overlook it."""
        return super().stops_with(points - {"ParkingBayOccupancy"})


class RefusedGoesOn(ReferenceStation):
    """Goes on charging for a token that the CSMS refuses."""

    breaks = "E06.FR.04"

    def deauthorize(self, place: Evse) -> None:
        """Overlook it."""


class RefusedIsRemote(ReferenceStation):
    """Calls a transaction whose token the CSMS refuses stopped remotely."""

    breaks = "C15.FR.04"

    def transaction_info(self, place: Evse, transaction: Transaction, event_type: str) -> Payload:
        """Name another."""
        info = super().transaction_info(place, transaction, event_type)
        return {**info, "stoppedReason": "Remote"} if info.get("stoppedReason") == "DeAuthorized" else info


class RefusedIsState(ReferenceStation):
    """Calls the end of a transaction whose token the CSMS refuses a change of the charging state."""

    breaks = "C15.FR.04"

    def event_payload(self, place: Evse, event_type: str, trigger: str, connector: int | None = None) -> Payload:
        """Give another reason."""
        return super().event_payload(
            place, event_type, "ChargingStateChanged" if trigger == "Deauthorized" else trigger, connector
        )


# -- what is told of the end


class NoReason(ReferenceStation):
    """Never says why a transaction ended."""

    breaks = "E06.FR.08"
    also: tuple[str, ...] = ("E03.FR.05", "E05.FR.10", "E07.FR.06", "F03.FR.03")

    def transaction_info(self, place: Evse, transaction: Transaction, event_type: str) -> Payload:
        """Leave it out."""
        info = super().transaction_info(place, transaction, event_type)
        return {key: value for key, value in info.items() if key != "stoppedReason"}


class RemoteStopRefused(ReferenceStation):
    """Rejects a remote stop, and stops."""

    breaks = "F03.FR.07"

    def on_request_stop_transaction(self, request: Payload) -> Payload:
        """Say no."""
        super().on_request_stop_transaction(request)
        return {"status": "Rejected"}


class RemoteStopWithoutReason(ReferenceStation):
    """Does not say that a transaction was stopped remotely."""

    breaks = "F03.FR.03"

    def transaction_info(self, place: Evse, transaction: Transaction, event_type: str) -> Payload:
        """Leave that reason out."""
        info = super().transaction_info(place, transaction, event_type)
        return {key: value for key, value in info.items() if key != "stoppedReason" or value != "Remote"}


class RemoteStopIsACard(ReferenceStation):
    """Calls a remote stop a card."""

    breaks = "F03.FR.03"
    also = ("F03.FR.09",)

    def event_payload(self, place: Evse, event_type: str, trigger: str, connector: int | None = None) -> Payload:
        """Give another reason."""
        return super().event_payload(
            place, event_type, "StopAuthorized" if trigger == "RemoteStop" else trigger, connector
        )


class ConnectedWithoutPlug(ReferenceStation):
    """Says that an EV is connected when its plug is out."""

    breaks = "E01.FR.18"
    also: tuple[str, ...] = ("TX.STATE.01",)

    def event_payload(self, place: Evse, event_type: str, trigger: str, connector: int | None = None) -> Payload:
        """Forget the plug."""
        event = super().event_payload(place, event_type, trigger, connector)
        if trigger == "EVCommunicationLost":
            event["transactionInfo"]["chargingState"] = "EVConnected"
        return event


# -- an EV that leaves


class DriverOutlastsEv(ReferenceStation):
    """Keeps the driver authorized without the EV, whatever StopTxOnEVSideDisconnect says."""

    breaks = "E09.FR.01"

    def cable_unplugged(self, place: Evse, connector: int) -> None:
        """Go on."""
        transaction = place.session.transaction
        if transaction is not None and place.session.authorized:
            transaction.charging_state = "Idle"
            self.send_event(place, "Updated", "EVCommunicationLost", connector=connector)
            transaction.connector = None
        else:
            super().cable_unplugged(place, connector)


class EnergyForAnyEv(ReferenceStation):
    """Gives energy to an EV that was disconnected and comes back, whatever StopTxOnEVSideDisconnect says."""

    breaks = "E09.FR.01"

    def cable_unplugged(self, place: Evse, connector: int) -> None:
        """Remember the driver."""
        token = place.session.token
        super().cable_unplugged(place, connector)
        place.session.token = token


class CableStuck(ReferenceStation):
    """Keeps the cable locked when the EV is disconnected, though it should let it go."""

    breaks = "E09.FR.02"

    def token_that_unlocks(self, place: Evse) -> Payload | None:  # noqa: ARG002
        """Nobody's."""
        return {"idToken": "nobody", "type": "Central"}


class CableStuckForGood(CableStuck):
    """Keeps the cable locked when the EV is disconnected, whoever comes."""

    breaks = "E09.FR.03"


class CableFree(ReferenceStation):
    """Lets the cable go when the EV is disconnected, though it should keep it."""

    breaks = "E09.FR.03"

    def token_that_unlocks(self, place: Evse) -> Payload | None:  # noqa: ARG002
        """Anybody's."""
        return None


class CableFreeInSuspension(CableFree):
    """Lets the cable go while a transaction is suspended."""

    breaks = "E10.FR.01"


class NoSuspension(ReferenceStation):
    """Ends every transaction whose EV leaves."""

    breaks = "TX.SUSPEND.01"

    def cable_unplugged(self, place: Evse, connector: int) -> None:
        """End it."""
        if place.session.transaction is not None:
            place.session.transaction.charging_state = "Idle"
        self.end_transaction(place, "EVCommunicationLost", "EVDisconnected", connector=connector)


class SuspensionIsACharge(ReferenceStation):
    """Says that energy flows while the EV is away."""

    breaks = "TX.SUSPEND.01"

    def event_payload(self, place: Evse, event_type: str, trigger: str, connector: int | None = None) -> Payload:
        """Forget the plug."""
        event = super().event_payload(place, event_type, trigger, connector)
        if trigger == "EVCommunicationLost":
            event["transactionInfo"]["chargingState"] = "Charging"
        return event


class NoResumption(ReferenceStation):
    """Gives no energy to an EV that comes back."""

    breaks = "TX.RESUME.01"

    def cable_unplugged(self, place: Evse, connector: int) -> None:
        """Forget the driver."""
        super().cable_unplugged(place, connector)
        place.session.token = None


class AnotherTransactionForResumption(ReferenceStation):
    """Begins another transaction for an EV that comes back."""

    breaks = "TX.RESUME.01"

    def cable_plugged_in(self, place: Evse) -> None:
        """Forget the transaction."""
        if place.session.transaction is not None and place.session.transaction.charging_state == "Idle":
            place.session.transaction = None
        super().cable_plugged_in(place)


class WaitsForTheEv(ReferenceStation):
    """Waits without end for an EV that was disconnected."""

    breaks = "E10.FR.02"

    async def await_cable(self, place: Evse, session: Session) -> None:
        """Do nothing."""


# -- the same for those that give DC


class NoReasonForDc(NoReason, Plain):
    """Never says why a transaction ended, and gives DC."""

    breaks = "E06.FR.08"


class PlugOutGoesOnForDc(PlugOutGoesOn, Plain):
    """Does not end a transaction when the plug is out, and gives DC."""

    breaks = "E06.FR.02"


class EndIsAReadingForDc(EndIsAReading, Plain):
    """Ends a transaction with a clock-aligned reading, and gives DC."""

    breaks = "E06.FR.15"


class ConnectedWithoutPlugForDc(ConnectedWithoutPlug, Plain):
    """Says that an EV is connected when its plug is out, and gives DC."""

    breaks = "E01.FR.18"


# -- an EV that speaks ISO 15118


class EvStopGoesOn(Plain):
    """Does not end a transaction that the EV has ended."""

    breaks = "E15.FR.04"

    def end_transaction(
        self, place: Evse, trigger: str, reason: str, *, token: Payload | None = None, connector: int | None = None
    ) -> None:
        """Tell it, and go on."""
        if reason == "StoppedByEV":
            self.send_event(place, "Updated", trigger, token=token, connector=connector)
        else:
            super().end_transaction(place, trigger, reason, token=token, connector=connector)


class EvStopIsLocal(Plain):
    """Calls a transaction that the EV has ended ended by its driver."""

    breaks = "E15.FR.04"

    def transaction_info(self, place: Evse, transaction: Transaction, event_type: str) -> Payload:
        """Name another."""
        info = super().transaction_info(place, transaction, event_type)
        return {**info, "stoppedReason": "Local"} if info.get("stoppedReason") == "StoppedByEV" else info


class EvStopEndsAll(Plain):
    """Ends a transaction that the EV has ended, though the stop point is EVConnected."""

    breaks = "E15.FR.05"

    def stops_with(self, points: set[str]) -> bool:
        """Take it for PowerPathClosed."""
        return super().stops_with(points | {"EVConnected"} if "Authorized" in points else points)


class EvStopIsState(Plain):
    """Calls the end of a session by the EV a change of the charging state."""

    breaks = "E15.FR.05"
    also = ("E15.FR.04",)

    def event_payload(self, place: Evse, event_type: str, trigger: str, connector: int | None = None) -> Payload:
        """Give another reason."""
        return super().event_payload(
            place, event_type, "ChargingStateChanged" if trigger == "StopAuthorized" else trigger, connector
        )
