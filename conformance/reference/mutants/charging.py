"""Mutants of the start of transactions, and of what is told while they go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.mutants.control import Plain
from conformance.reference.station import ReferenceStation

if TYPE_CHECKING:
    from conformance.reference.station.base import Evse, Session, Transaction
    from conformance.reference.station.rpc import Payload


# -- start points


class NoStartByPlug(ReferenceStation):
    """Does not open a transaction for a plug, though EVConnected is a start point."""

    breaks = "E01.FR.02"

    def start_points(self) -> set[str]:
        """Overlook it."""
        return super().start_points() - {"EVConnected"}


class NoStartByDriver(ReferenceStation):
    """Does not open a transaction for a driver, though Authorized is a start point."""

    breaks = "E01.FR.03"

    def start_points(self) -> set[str]:
        """Take it for PowerPathClosed."""
        points = super().start_points()
        return points - {"Authorized"} | {"PowerPathClosed"} if "Authorized" in points else points


class StartsByDriverAlone(ReferenceStation):
    """Opens a transaction for a driver without a plug, though the start point is PowerPathClosed."""

    breaks = "E01.FR.05"

    def should_start(self, place: Evse) -> bool:
        """Look at the driver only."""
        early = "PowerPathClosed" in self.start_points() and place.session.authorized
        return early or super().should_start(place)


class NoStartByPowerPath(ReferenceStation):
    """Does not open a transaction for driver and plug together, though the start point is PowerPathClosed."""

    breaks = "E01.FR.05"

    def start_points(self) -> set[str]:
        """Overlook it."""
        return super().start_points() - {"PowerPathClosed"}


class StartsBeforeEnergy(ReferenceStation):
    """Opens a transaction for driver and plug, and only then lets energy flow, though the start point is that."""

    breaks = "E01.FR.06"

    def starts_by_energy(self, place: Evse) -> bool:  # noqa: ARG002
        """Never."""
        return False


class NoStartByEnergy(ReferenceStation):
    """Does not open a transaction for the flow of energy, though EnergyTransfer is a start point."""

    breaks = "E01.FR.06"

    def start_points(self) -> set[str]:
        """Overlook it."""
        return super().start_points() - {"EnergyTransfer"}


class NoStartBySignature(ReferenceStation):
    """Does not open a transaction for a signed reading, though DataSigned is a start point."""

    breaks = "E01.FR.04"

    def start_points(self) -> set[str]:
        """Overlook it."""
        return super().start_points() - {"DataSigned"}


class StartsUnsigned(ReferenceStation):
    """Opens a transaction without a signed reading, though the start point is DataSigned."""

    breaks = "E01.FR.04"

    def event_meter_values(self, place: Evse, event_type: str, trigger: str) -> list[Payload]:
        """Leave the readings of the beginning out."""
        return [] if event_type == "Started" else super().event_meter_values(place, event_type, trigger)


class NoStartByBay(ReferenceStation):
    """Does not open a transaction for an EV in the bay, though ParkingBayOccupancy is a start point."""

    breaks = "E01.FR.01"

    def start_points(self) -> set[str]:
        """Overlook it."""
        return super().start_points() - {"ParkingBayOccupancy"}


# -- what is told


class NoToken(ReferenceStation):
    """Never says who charges."""

    breaks = "E01.FR.10"

    def token_to_send(self, place: Evse) -> Payload | None:  # noqa: ARG002
        """Nobody."""
        return None


class NoTokenOfRemoteStart(ReferenceStation):
    """Names another token than that of the remote start."""

    breaks = "F01.FR.04"

    def token_to_send(self, place: Evse) -> Payload | None:
        """Make one up."""
        token = super().token_to_send(place)
        return token if token is None else {"idToken": "", "type": "NoAuthorization"}


class EverythingIsAReading(ReferenceStation):
    """Calls the plug and the driver a clock-aligned reading."""

    breaks = "E01.FR.15"
    also = ("E02.FR.01", "E02.FR.15", "E03.FR.12")

    def event_payload(self, place: Evse, event_type: str, trigger: str, connector: int | None = None) -> Payload:
        """Give another reason."""
        event = super().event_payload(place, event_type, trigger, connector)
        right = trigger in ("ChargingStateChanged", "RemoteStop")
        return event if right else {**event, "triggerReason": "MeterValueClock"}


class EnergyCalledPlug(ReferenceStation):
    """Says that a plug opened the transaction that the flow of energy did."""

    breaks = "E01.FR.15"

    def event_payload(self, place: Evse, event_type: str, trigger: str, connector: int | None = None) -> Payload:
        """Give another reason."""
        wrong = event_type == "Started" and trigger == "ChargingStateChanged"
        return super().event_payload(place, event_type, "CablePluggedIn" if wrong else trigger, connector)


class NoConnector(ReferenceStation):
    """Names the EVSE and never the connector."""

    breaks = "E01.FR.16"

    @staticmethod
    def event_place(transaction: Transaction, connector: int | None) -> Payload:  # noqa: ARG004
        """The EVSE only."""
        return {"id": transaction.evse}


class ChargesInSilence(ReferenceStation):
    """Does not tell that energy begins to flow."""

    breaks = "E01.FR.18"
    also: tuple[str, ...] = ("E02.FR.13",)

    def settle_charging_state(self, place: Evse) -> None:
        """Switch the power, and say nothing."""
        transaction = place.session.transaction
        if transaction is not None:
            state = self.charging_state(place)
            place.meter.power = self.power_drawn(place) if state == "Charging" else 0
            transaction.charging_state = state


class NoChargingState(ReferenceStation):
    """Leaves the charging state out of the first event."""

    breaks = "E01.FR.18"

    def transaction_info(self, place: Evse, transaction: Transaction, event_type: str) -> Payload:
        """Leave it out."""
        info = super().transaction_info(place, transaction, event_type)
        if event_type == "Started":
            del info["chargingState"]
        return info


class CardNotAsked(ReferenceStation):
    """Lets anybody charge with any card."""

    breaks = "C01.FR.02"

    async def authorize(self, token: Payload) -> Payload:  # noqa: ARG002
        """Ask nobody."""
        return {"status": "Accepted"}


class RemoteStartIsACard(ReferenceStation):
    """Calls a remote start a card."""

    breaks = "F01.FR.19"

    def advance(self, place: Evse, trigger: str) -> None:
        """Forget how it came."""
        super().advance(place, "Authorized" if trigger == "RemoteStart" else trigger)


class NoRemoteStartId(ReferenceStation):
    """Does not say which remote start a transaction comes from."""

    breaks = "F02.FR.01"

    def transaction_info(self, place: Evse, transaction: Transaction, event_type: str) -> Payload:
        """Leave it out."""
        info = super().transaction_info(place, transaction, event_type)
        return {key: value for key, value in info.items() if key != "remoteStartId"}


# -- the course of a charging


class NoTokenAfterPlug(NoToken):
    """Never says who charges after the plug was in first."""

    breaks = "E02.FR.01"


class NoTokenAfterCard(NoToken):
    """Never says who charges after the card came first."""

    breaks = "E03.FR.01"


class CardCalledState(ReferenceStation):
    """Calls the card of a driver whose plug is in a change of the charging state."""

    breaks = "E02.FR.01"

    def event_payload(self, place: Evse, event_type: str, trigger: str, connector: int | None = None) -> Payload:
        """Give another reason."""
        return super().event_payload(
            place, event_type, "ChargingStateChanged" if trigger == "Authorized" else trigger, connector
        )


class PlugNotReported(ReferenceStation):
    """Does not report that a connector is occupied."""

    breaks = "E02.FR.05"

    def connector_status(self, evse: int, connector: int) -> str:
        """Call it Available."""
        status = super().connector_status(evse, connector)
        return "Available" if status == "Occupied" else status


class PlugNotTold(ReferenceStation):
    """Opens no transaction for a plug."""

    breaks = "E02.FR.06"

    def start_points(self) -> set[str]:
        """Overlook EVConnected."""
        return super().start_points() - {"EVConnected"} | {"Authorized"}


class EnergyNotToldAfterPlug(ChargesInSilence):
    """Does not tell that energy begins to flow after the plug was in first."""

    breaks = "E02.FR.13"
    also = ()


class EnergyCalledReading(ReferenceStation):
    """Calls the beginning of the energy flow a periodic reading."""

    breaks = "E02.FR.15"

    def event_payload(self, place: Evse, event_type: str, trigger: str, connector: int | None = None) -> Payload:
        """Give another reason."""
        return super().event_payload(
            place, event_type, "MeterValuePeriodic" if trigger == "ChargingStateChanged" else trigger, connector
        )


class PlugCalledReading(ReferenceStation):
    """Calls the plug a clock-aligned reading."""

    breaks = "E03.FR.12"

    def event_payload(self, place: Evse, event_type: str, trigger: str, connector: int | None = None) -> Payload:
        """Give another reason."""
        return super().event_payload(
            place, event_type, "MeterValueClock" if trigger == "CablePluggedIn" else trigger, connector
        )


class EnergyNotToldAfterCard(ChargesInSilence):
    """Does not tell that energy begins to flow after the card came first."""

    breaks = "E03.FR.12"
    also = ()


class WaitsForThePlug(ReferenceStation):
    """Waits for a plug without end."""

    breaks = "E03.FR.05"
    also = ("C01.FR.26", "F02.FR.07")

    async def await_cable(self, place: Evse, session: Session) -> None:
        """Do nothing."""


class TimeoutIsAnother(ReferenceStation):
    """Ends a transaction without a plug for no reason that could be named."""

    breaks = "E03.FR.05"
    also = ("F02.FR.07",)

    def transaction_info(self, place: Evse, transaction: Transaction, event_type: str) -> Payload:
        """Name another."""
        info = super().transaction_info(place, transaction, event_type)
        return {**info, "stoppedReason": "Other"} if info.get("stoppedReason") == "Timeout" else info


class DriverOutlastsTimeout(ReferenceStation):
    """Ends the transaction when no plug comes, and keeps the driver authorized."""

    breaks = "C01.FR.26"

    async def await_cable(self, place: Evse, session: Session) -> None:
        """Keep the token."""
        token = session.token
        await super().await_cable(place, session)
        if place.session is not session and place.plugged is None:
            place.session.token = token


class EvNotReadyIsEvse(Plain):
    """Blames itself for an EV that takes no energy."""

    breaks = "E01.FR.19"

    def charging_state(self, place: Evse) -> str:
        """Call it SuspendedEVSE."""
        state = super().charging_state(place)
        return "SuspendedEVSE" if state == "SuspendedEV" else state


class EvNotReadyIsReading(Plain):
    """Calls an EV that takes no energy a periodic reading."""

    breaks = "E01.FR.15"

    def event_payload(self, place: Evse, event_type: str, trigger: str, connector: int | None = None) -> Payload:
        """Give another reason."""
        return super().event_payload(
            place, event_type, "MeterValuePeriodic" if trigger == "ChargingStateChanged" else trigger, connector
        )


class EvReadyInSilence(Plain):
    """Does not tell that an EV which was not ready takes energy."""

    breaks = "E01.FR.18"

    async def ev_ready(self, evse: int) -> None:
        """Keep quiet."""
        self.evses[evse].suspended_by_ev = False


class StopAsksTheCsms(ReferenceStation):
    """Asks the CSMS about the card that ends a charging."""

    breaks = "C01.FR.03"

    async def token_presented(self, place: Evse, token: Payload) -> None:
        """Ask."""
        if place.session.token == token:
            await self.authorize(token)
        await super().token_presented(place, token)


class StopNotCalledStop(ReferenceStation):
    """Calls the card that ends a charging another authorization."""

    breaks = "E07.FR.02"

    def stop_authorized(self, place: Evse, trigger: str, reason: str, token: Payload | None = None) -> None:
        """Give another reason."""
        super().stop_authorized(place, "Authorized" if trigger == "StopAuthorized" else trigger, reason, token)


class StopNamesAnotherCard(ReferenceStation):
    """Names a card of its own when a driver ends a charging."""

    breaks = "E07.FR.02"

    def stop_authorized(self, place: Evse, trigger: str, reason: str, token: Payload | None = None) -> None:
        """Make one up."""
        super().stop_authorized(place, trigger, reason, token and {"idToken": "04FFFFFFFF", "type": "ISO14443"})


class LocalStopIsAnother(ReferenceStation):
    """Calls a charging that its driver ended stopped for another reason."""

    breaks = "E07.FR.05"

    def transaction_info(self, place: Evse, transaction: Transaction, event_type: str) -> Payload:
        """Name another."""
        info = super().transaction_info(place, transaction, event_type)
        return {**info, "stoppedReason": "Other"} if info.get("stoppedReason") == "Local" else info


class EndIsAReading(ReferenceStation):
    """Tells that a driver ended the charging, and then ends the transaction with a clock-aligned reading."""

    breaks = "E06.FR.15"

    def end_transaction(
        self, place: Evse, trigger: str, reason: str, *, token: Payload | None = None, connector: int | None = None
    ) -> None:
        """Use two events."""
        if place.session.transaction is not None:
            self.send_event(place, "Updated", trigger, token=token, connector=connector)
        super().end_transaction(place, "MeterValueClock", reason, connector=connector)


class AsksInSpite(ReferenceStation):
    """Asks the CSMS about cards, though DisableRemoteAuthorization is set."""

    breaks = "AUTH.REMOTE.01"

    def asks_nobody(self) -> bool:
        """Overlook it."""
        return False


class AnybodyUnasked(ReferenceStation):
    """Lets anybody charge while DisableRemoteAuthorization is set."""

    breaks = "AUTH.REMOTE.01"

    async def authorize(self, token: Payload) -> Payload:
        """Know everybody."""
        return {"status": "Accepted"} if self.asks_nobody() else await super().authorize(token)
