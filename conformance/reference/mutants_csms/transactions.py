"""Mutants that are told of transactions: starts, ends and what comes between, late, again, in bulk, out of order."""

from __future__ import annotations

from itertools import count
from typing import Any

from conformance.reference.csms import ReferenceCsms
from conformance.reference.csms.records import StationRecord
from conformance.reference.csms.rpc import Payload, RpcError


class Refusing(ReferenceCsms):
    """Can be made to refuse what it is told of transactions; by itself it is as compliant as the reference."""

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Tell whether a TransactionEvent is one that it does not take."""
        return False

    def on201_transaction_event(self, station: StationRecord, request: Payload) -> Payload:
        """Refuse it then."""
        if self.objects(station, request):
            raise RpcError("InternalError", "this is not how transactions go")
        return super().on201_transaction_event(station, request)

    def objects16(self, station: StationRecord, action: str, request: Payload) -> bool:  # noqa: ARG002
        """Tell whether a StartTransaction, MeterValues or StopTransaction is one that it does not take."""
        return False

    def on16_start_transaction(self, station: StationRecord, request: Payload) -> Payload:
        """Refuse it then."""
        self.object16(station, "StartTransaction", request)
        return super().on16_start_transaction(station, request)

    def on16_meter_values(self, station: StationRecord, request: Payload) -> Payload:
        """Refuse it then."""
        self.object16(station, "MeterValues", request)
        return super().on16_meter_values(station, request)

    def on16_stop_transaction(self, station: StationRecord, request: Payload) -> Payload:
        """Refuse it then."""
        self.object16(station, "StopTransaction", request)
        return super().on16_stop_transaction(station, request)

    def object16(self, station: StationRecord, action: str, request: Payload) -> None:
        """Raise the error."""
        if self.objects16(station, action, request):
            raise RpcError("InternalError", "this is not how transactions go")


def says(event: Payload, kind: str, trigger: str = "", *, state: str = "") -> bool:
    """Tell whether an event is of a kind, for a reason and in a charging state, as far as these are given."""
    told = event["transactionInfo"].get("chargingState", "")
    return event["eventType"] == kind and trigger in ("", event["triggerReason"]) and state in ("", told)


def stopped_by(event: Payload) -> str:
    """Return why a transaction has ended."""
    return str(event["transactionInfo"].get("stoppedReason", "Local"))


# -- starts -----------------------------------------------------------------------------------------------------------


class WantsADriverFirst(Refusing):
    """Takes no transaction that starts with the plug, before anybody is known."""

    breaks = "CSMS.START.01"
    versions = ("2.0.1",)

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Want a token."""
        return says(event, "Started", "CablePluggedIn")


class WantsAPlugFirst(Refusing):
    """Takes no transaction that starts when a car drives into the bay."""

    breaks = "CSMS.START.01"
    versions = ("2.0.1",)

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Want a plug."""
        return says(event, "Started", "EVDetected")


class WantsAnEvse(Refusing):
    """Takes no transaction of a driver that starts before the station knows where."""

    breaks = "CSMS.START.01"
    versions = ("2.0.1",)

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Want an EVSE."""
        return says(event, "Started", "Authorized") and "evse" not in event


class WantsNothingSigned(Refusing):
    """Takes no transaction that starts with signed data."""

    breaks = "CSMS.START.01"
    versions = ("2.0.1",)

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Have no use for it."""
        return says(event, "Started", "SignedDataReceived")


class WantsEnergyFirst(Refusing):
    """Takes no transaction that starts with the contactor."""

    breaks = "CSMS.START.01"
    versions = ("2.0.1",)

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Want some energy."""
        return says(event, "Started", "ChargingStateChanged", state="SuspendedEVSE")


class WantsNoEnergyYet(Refusing):
    """Takes no transaction that starts with energy."""

    breaks = "CSMS.START.01"
    versions = ("2.0.1",)

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Wonder what was before it."""
        return says(event, "Started", "ChargingStateChanged", state="Charging")


class WantsToBeAsked(Refusing):
    """Takes no transaction with a token that it was not asked about before."""

    breaks = "CSMS.START.01"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.asked: set[str] = set()

    def on201_authorize(self, station: StationRecord, request: Payload) -> Payload:
        """Keep in mind who that was."""
        self.asked.add(request["idToken"]["idToken"])
        return super().on201_authorize(station, request)

    def on16_authorize(self, station: StationRecord, request: Payload) -> Payload:
        """Keep in mind who that was."""
        self.asked.add(request["idTag"])
        return super().on16_authorize(station, request)

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Want to have let them in."""
        return event["eventType"] == "Started" and event.get("idToken", {}).get("idToken", "") not in {"", *self.asked}

    def objects16(self, station: StationRecord, action: str, request: Payload) -> bool:  # noqa: ARG002
        """Want to have let them in."""
        return action == "StartTransaction" and request["idTag"] not in self.asked


class WantsAFreeConnector(Refusing):
    """Takes no transaction at a connector that was said to be in preparation."""

    breaks = "16.TX.05"
    versions = ("1.6",)

    def objects16(self, station: StationRecord, action: str, request: Payload) -> bool:
        """Want it to be available."""
        known = {number: state for (_, number), state in station.connectors.items()}
        state = known.get(request.get("connectorId", 0), {})
        return action == "StartTransaction" and "Preparing" in state.values()


class CountsOn(Refusing):
    """Wants the numbers of a station's events to go on from one transaction to the next."""

    breaks = "CSMS.START.01"
    versions = ("2.0.1",)

    def objects(self, station: StationRecord, event: Payload) -> bool:
        """Want a number that has not been there."""
        others = [one for one in station.transactions.values() if one.ended]
        return event["eventType"] == "Started" and bool(others) and event["seqNo"] == 0


class OneIdForAll(ReferenceCsms):
    """Gives every transaction the same id."""

    breaks = "16.TX.49"
    versions = ("1.6",)

    def new_transaction_id(self) -> int:
        """Give the first."""
        return 1


class CountsFromZero(ReferenceCsms):
    """Gives its first transaction the id 0."""

    breaks = "16.TX.49"
    versions = ("1.6",)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.numbers = count(0)

    def new_transaction_id(self) -> int:
        """Begin with nothing."""
        return next(self.numbers)


# -- in between -------------------------------------------------------------------------------------------------------


class WantsATokenAtOnce(Refusing):
    """Takes no token in a transaction that has started without one."""

    breaks = "J02.FR.19"
    versions = ("2.0.1",)

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Want to know who it is from the beginning."""
        return says(event, "Updated", "Authorized")


class WantsThePlugAtOnce(Refusing):
    """Takes no plug in a transaction that has started without one."""

    breaks = "J02.FR.19"
    versions = ("2.0.1",)

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Want it in from the beginning."""
        return says(event, "Updated", "CablePluggedIn")


class KnowsNoReluctantCar(Refusing):
    """Does not take it that an EV suspends."""

    breaks = "J02.FR.19"
    versions = ("2.0.1",)

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Think that it wants energy."""
        return says(event, "Updated", state="SuspendedEV")


class KnowsNoLostCar(Refusing):
    """Does not take it that a transaction goes on without a car."""

    breaks = "J02.FR.19"
    versions = ("2.0.1",)

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Wait for its end."""
        return says(event, "Updated", "EVCommunicationLost")


# -- ends -------------------------------------------------------------------------------------------------------------


class KnowsNoDriver(Refusing):
    """Takes no end by the driver."""

    breaks = "CSMS.STOP.01"

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Know no such reason."""
        return says(event, "Ended", "StopAuthorized")

    def objects16(self, station: StationRecord, action: str, request: Payload) -> bool:  # noqa: ARG002
        """Know no such reason."""
        return action == "StopTransaction" and request.get("reason", "Local") == "Local"


class KnowsNoSlowEnd(Refusing):
    """Takes no end that comes later than what the driver has done."""

    breaks = "CSMS.STOP.01"
    versions = ("2.0.1",)

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Want it at once."""
        return says(event, "Ended", "ChargingStateChanged") and stopped_by(event) == "Local"


class KnowsNoFullCar(Refusing):
    """Takes no end by the EV."""

    breaks = "CSMS.STOP.01"
    versions = ("2.0.1",)

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Think that only drivers end transactions."""
        return event["eventType"] == "Ended" and stopped_by(event) == "StoppedByEV"


class KnowsNoPulledPlug(Refusing):
    """Takes no end by the plug."""

    breaks = "CSMS.STOP.01"

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Think that plugs are locked."""
        return event["eventType"] == "Ended" and stopped_by(event) == "EVDisconnected"

    def objects16(self, station: StationRecord, action: str, request: Payload) -> bool:  # noqa: ARG002
        """Think that plugs are locked."""
        return action == "StopTransaction" and request.get("reason") == "EVDisconnected"


class KnowsNoEmptyBay(Refusing):
    """Takes no end by a car that drives away."""

    breaks = "CSMS.STOP.01"
    versions = ("2.0.1",)

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Know no bays."""
        return says(event, "Ended", "EVDeparted")


class KnowsNoTimeout(Refusing):
    """Takes no end by a driver who never plugs in."""

    breaks = "CSMS.STOP.01"
    versions = ("2.0.1",)

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Wait for them."""
        return says(event, "Ended", "EVConnectTimeout")


class KnowsNoDeauthorization(Refusing):
    """Takes no end that it has brought about itself, by what it said of the token."""

    breaks = "CSMS.STOP.01"

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Know no such reason."""
        return event["eventType"] == "Ended" and stopped_by(event) == "DeAuthorized"

    def objects16(self, station: StationRecord, action: str, request: Payload) -> bool:  # noqa: ARG002
        """Know no such reason."""
        return action == "StopTransaction" and request.get("reason") == "DeAuthorized"


class KnowsNoMishaps(Refusing):
    """Takes no end that hardly ever happens."""

    breaks = "CSMS.STOP.01"

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Know fewer reasons than there are."""
        return event["eventType"] == "Ended" and stopped_by(event) in ("MasterPass", "GroundFault", "PowerQuality")

    def objects16(self, station: StationRecord, action: str, request: Payload) -> bool:  # noqa: ARG002
        """Know fewer reasons than there are."""
        return action == "StopTransaction" and request.get("reason") in ("Other", "EmergencyStop")


class KnowsNoRemoteEnd(Refusing):
    """Takes no end that an operator has asked for."""

    breaks = "CSMS.STOP.01"

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Be surprised."""
        return event["eventType"] == "Ended" and stopped_by(event) == "Remote"

    def objects16(self, station: StationRecord, action: str, request: Payload) -> bool:  # noqa: ARG002
        """Be surprised."""
        return action == "StopTransaction" and request.get("reason") == "Remote"


# -- states -----------------------------------------------------------------------------------------------------------


class KnowsNoOccupied(ReferenceCsms):
    """Does not take it that a plug is in a connector."""

    breaks = "CSMS.STATUS.01"
    also = ("J.ANSWER.01",)
    unknown = frozenset({"Occupied", "Preparing"})

    def note_status(
        self, station: StationRecord, evse_id: int, connector_id: int, status: str, request: Payload
    ) -> None:
        """Wait for the transaction."""
        if status in self.unknown:
            raise RpcError("InternalError", "there is no transaction")
        super().note_status(station, evse_id, connector_id, status, request)


class KnowsNoSuspension(KnowsNoOccupied):
    """Does not take it that a transaction is suspended."""

    breaks = "16.STATUS.08"
    also = ("J.ANSWER.01",)
    versions = ("1.6",)
    unknown = frozenset({"SuspendedEV", "SuspendedEVSE"})
