"""Mutants that are told of transactions: starts, ends and what comes between, late, again, in bulk, out of order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

from conformance.reference.csms import ReferenceCsms
from conformance.reference.csms.base import Link
from conformance.reference.csms.config import TokenSetup
from conformance.reference.csms.records import StationRecord, Transaction
from conformance.reference.csms.rpc import Call, Payload, RpcError


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


class KnowsNoLoosePlug(ReferenceCsms):
    """Does not take it that a connector is free while a transaction goes on."""

    breaks = "CSMS.STATUS.01"
    also = ("J.ANSWER.01",)
    versions = ("2.0.1",)

    def note_status(
        self, station: StationRecord, evse_id: int, connector_id: int, status: str, request: Payload
    ) -> None:
        """Wait for its end."""
        busy = any(one.evse_id == evse_id and one.started and not one.ended for one in station.transactions.values())
        if status == "Available" and busy:
            raise RpcError("InternalError", "there is a transaction")
        super().note_status(station, evse_id, connector_id, status, request)


class KnowsNoSuspension(KnowsNoOccupied):
    """Does not take it that a transaction is suspended."""

    breaks = "16.STATUS.08"
    also = ("J.ANSWER.01",)
    versions = ("1.6",)
    unknown = frozenset({"SuspendedEV", "SuspendedEVSE"})


# -- offline ----------------------------------------------------------------------------------------------------------


def hours_ago(written: str) -> float:
    """Return how many hours lie between a time on the wire and now."""
    return (datetime.now(UTC) - datetime.fromisoformat(written)).total_seconds() / 3600


class TakesNoOldStarts(Refusing):
    """Takes no transaction that started hours ago."""

    breaks = "CSMS.START.01"

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Think that it is over."""
        return event["eventType"] == "Started" and hours_ago(event["timestamp"]) > 1

    def objects16(self, station: StationRecord, action: str, request: Payload) -> bool:  # noqa: ARG002
        """Think that it is over."""
        return action == "StartTransaction" and hours_ago(request["timestamp"]) > 1


class TakesNoOldEnds(Refusing):
    """Takes no end of hours ago."""

    breaks = "CSMS.STOP.01"

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Think that it has heard of that."""
        return event["eventType"] == "Ended" and hours_ago(event["timestamp"]) > 1

    def objects16(self, station: StationRecord, action: str, request: Payload) -> bool:  # noqa: ARG002
        """Think that it has heard of that."""
        return action == "StopTransaction" and hours_ago(request["timestamp"]) > 1


class TrustsWhatIsOld(ReferenceCsms):
    """Accepts whatever token a transaction of hours ago has started with: it is too late anyway."""

    breaks = "E01.FR.12"

    def on201_transaction_event(self, station: StationRecord, request: Payload) -> Payload:
        """Look nothing up."""
        answer = super().on201_transaction_event(station, request)
        old = "idTokenInfo" in answer and hours_ago(request["timestamp"]) > 1
        return {"idTokenInfo": {"status": "Accepted"}} if old else answer

    def on16_start_transaction(self, station: StationRecord, request: Payload) -> Payload:
        """Look nothing up."""
        answer = super().on16_start_transaction(station, request)
        return answer | {"idTagInfo": {"status": "Accepted"}} if hours_ago(request["timestamp"]) > 1 else answer


class DoubtsWhatIsOld(ReferenceCsms):
    """Calls the token invalid by which a transaction of hours ago has started."""

    breaks = "E01.FR.12"

    def on201_transaction_event(self, station: StationRecord, request: Payload) -> Payload:
        """Look nothing up."""
        answer = super().on201_transaction_event(station, request)
        old = "idTokenInfo" in answer and hours_ago(request["timestamp"]) > 1
        return {"idTokenInfo": {"status": "Invalid"}} if old else answer

    def on16_start_transaction(self, station: StationRecord, request: Payload) -> Payload:
        """Look nothing up."""
        answer = super().on16_start_transaction(station, request)
        return answer | {"idTagInfo": {"status": "Invalid"}} if hours_ago(request["timestamp"]) > 1 else answer


class TakesAHundred(Refusing):
    """Takes a hundred messages of a transaction, and no more."""

    breaks = "CSMS.TX.02"
    most = 100

    def objects(self, station: StationRecord, event: Payload) -> bool:
        """Have no more room."""
        known = station.transactions.get(event["transactionInfo"]["transactionId"])
        return known is not None and len(known.events) >= self.most

    def objects16(self, station: StationRecord, action: str, request: Payload) -> bool:  # noqa: ARG002
        """Have no more room."""
        known = station.transactions.get(request.get("transactionId", ""))
        return known is not None and len(known.events) >= self.most


# -- again ------------------------------------------------------------------------------------------------------------


class TakesNothingTwice(Refusing):
    """Refuses what it has been told before."""

    breaks = "CSMS.TX.01"

    def objects(self, station: StationRecord, event: Payload) -> bool:
        """Have it already."""
        known = station.transactions.get(event["transactionInfo"]["transactionId"])
        return known is not None and event in known.events.values()

    def objects16(self, station: StationRecord, action: str, request: Payload) -> bool:  # noqa: ARG002
        """Have it already."""
        return any(request in one.events.values() for one in station.transactions.values())


class TakesNoSecondEnd(Refusing):
    """Refuses the end of a transaction that is over."""

    breaks = "CSMS.TX.01"

    def objects(self, station: StationRecord, event: Payload) -> bool:
        """Have nothing to end."""
        known = station.transactions.get(event["transactionInfo"]["transactionId"])
        return event["eventType"] == "Ended" and known is not None and known.ended

    def objects16(self, station: StationRecord, action: str, request: Payload) -> bool:
        """Have nothing to end."""
        known = station.transactions.get(request.get("transactionId", ""))
        late = known is not None and known.transaction_id != -1 and known.ended
        return action == "StopTransaction" and late


class TakesNoIdTwice(ReferenceCsms):
    """Refuses a call that has the message id of an earlier one, although a repeat may."""

    breaks = "CSMS.TX.01"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.ids: set[str] = set()

    def dispatch(self, link: Link, call: Call) -> Payload:
        """Keep them all."""
        if call.message_id in self.ids:
            raise RpcError("RpcFrameworkError", "this id was there before")
        self.ids.add(call.message_id)
        return super().dispatch(link, call)


class TakesARepeatForAnother(ReferenceCsms):
    """Takes a start that comes again for one of another transaction with the same token."""

    breaks = "CSMS.TX.06"

    def on201_transaction_event(self, station: StationRecord, request: Payload) -> Payload:
        """Look at the token only."""
        known = station.transactions.get(request["transactionInfo"]["transactionId"])
        again = request["eventType"] == "Started" and known is not None and known.started
        answer = super().on201_transaction_event(station, request)
        return {"idTokenInfo": {"status": "ConcurrentTx"}} if again and answer else answer

    def on16_start_transaction(self, station: StationRecord, request: Payload) -> Payload:
        """Look at the token only."""
        again = self.same_start(station, request) is not None
        answer = super().on16_start_transaction(station, request)
        return answer | {"idTagInfo": {"status": "ConcurrentTx"}} if again else answer


class StartsARepeat(ReferenceCsms):
    """Gives a start that comes again another transaction id."""

    breaks = "CSMS.TX.06"
    versions = ("1.6",)

    def same_start(self, station: StationRecord, request: Payload) -> Transaction | None:  # noqa: ARG002
        """Compare nothing."""
        return None


class SaysNothingToAnEndAgain(ReferenceCsms):
    """Leaves out the status of the token where an end comes again."""

    breaks = "CSMS.TX.06"

    def on201_transaction_event(self, station: StationRecord, request: Payload) -> Payload:
        """Have said it."""
        known = station.transactions.get(request["transactionInfo"]["transactionId"])
        again = request["eventType"] == "Ended" and known is not None and known.ended
        answer = super().on201_transaction_event(station, request)
        return {} if again else answer

    def on16_stop_transaction(self, station: StationRecord, request: Payload) -> Payload:
        """Have said it."""
        known = station.transactions.get(request["transactionId"])
        again = known is not None and known.ended
        answer = super().on16_stop_transaction(station, request)
        return {} if again else answer


# -- out of order -----------------------------------------------------------------------------------------------------


class TakesNothingAfterTheEnd(Refusing):
    """Takes nothing in between once a transaction is over."""

    breaks = "CSMS.TX.02"

    def objects(self, station: StationRecord, event: Payload) -> bool:
        """Have closed the books."""
        known = station.transactions.get(event["transactionInfo"]["transactionId"])
        return event["eventType"] == "Updated" and known is not None and known.ended

    def objects16(self, station: StationRecord, action: str, request: Payload) -> bool:
        """Have closed the books."""
        known = station.transactions.get(request.get("transactionId", ""))
        late = known is not None and known.transaction_id != -1 and known.ended
        return action == "MeterValues" and late


class TakesNoStartAfterTheEnd(Refusing):
    """Takes no start of a transaction of which it has heard the end."""

    breaks = "CSMS.TX.02"
    versions = ("2.0.1",)

    def objects(self, station: StationRecord, event: Payload) -> bool:
        """Wonder what is to start."""
        known = station.transactions.get(event["transactionInfo"]["transactionId"])
        return event["eventType"] == "Started" and known is not None and known.ended and not known.started


class Jealous(ReferenceCsms):
    """Lets a token take part in one transaction at a time; by itself it is as compliant as the reference."""

    def is_charging(self, id_token: str, token: TokenSetup, starting: Transaction) -> bool:
        """Ask it of every token."""
        return super().is_charging(id_token, replace(token, single=True), starting)


class RaisesTheDead(Jealous):
    """Takes a transaction that is over for one that goes on, when something comes late."""

    breaks = "CSMS.TX.03"

    def on201_transaction_event(self, station: StationRecord, request: Payload) -> Payload:
        """Go by what came last."""
        answer = super().on201_transaction_event(station, request)
        known = self.transaction_of(station, request["transactionInfo"]["transactionId"])
        known.ended = request["eventType"] == "Ended"
        return answer

    def on16_meter_values(self, station: StationRecord, request: Payload) -> Payload:
        """Go by what came last."""
        known = station.transactions.get(request.get("transactionId", ""))
        if known is not None:
            known.ended = False
        return super().on16_meter_values(station, request)

    def on16_stop_transaction(self, station: StationRecord, request: Payload) -> Payload:
        """Go by what came last."""
        answer = super().on16_stop_transaction(station, request)
        station.transactions[request["transactionId"]].ended = True
        return answer


class LeavesARepeatRunning(Jealous):
    """Takes a start that comes again for another transaction, which never ends."""

    breaks = "CSMS.TX.03"
    versions = ("1.6",)

    def same_start(self, station: StationRecord, request: Payload) -> Transaction | None:  # noqa: ARG002
        """Compare nothing."""
        return None


# -- over connections -------------------------------------------------------------------------------------------------


class ForgetsWithTheConnection(Refusing):
    """Takes no more of a transaction that started on an earlier connection."""

    breaks = "CSMS.TX.05"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.earlier: set[str | int] = set()

    def replace_link(self, link: Link) -> None:
        """Close the books."""
        self.earlier |= set(link.station.transactions)
        super().replace_link(link)

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Know nothing of it."""
        return event["transactionInfo"]["transactionId"] in self.earlier

    def objects16(self, station: StationRecord, action: str, request: Payload) -> bool:  # noqa: ARG002
        """Know nothing of it."""
        return request.get("transactionId", "") in self.earlier


# -- in doubt ---------------------------------------------------------------------------------------------------------


class WantsToKnowItsTransactions(Refusing):
    """Takes nothing of a transaction that it does not know."""

    breaks = "CSMS.TX.04"
    also = ("CSMS.TX.02",)

    def objects(self, station: StationRecord, event: Payload) -> bool:
        """Want the start first."""
        known = event["transactionInfo"]["transactionId"] in station.transactions
        return event["eventType"] != "Started" and not known

    def objects16(self, station: StationRecord, action: str, request: Payload) -> bool:
        """Want the start first."""
        number = request.get("transactionId", -1)
        return action != "StartTransaction" and number != -1 and number not in station.transactions


class WantsAnId(Refusing):
    """Takes nothing with the transaction id -1."""

    breaks = "16.TX.41"
    versions = ("1.6",)

    def objects16(self, station: StationRecord, action: str, request: Payload) -> bool:  # noqa: ARG002
        """Want one that it has given."""
        return request.get("transactionId") == -1


class WantsOneEndWithoutAnId(Refusing):
    """Takes the end of one transaction with the id -1, and of no other one."""

    breaks = "16.TX.41"
    versions = ("1.6",)

    def objects16(self, station: StationRecord, action: str, request: Payload) -> bool:
        """Think that it has ended."""
        return action == "StopTransaction" and request["transactionId"] == -1 and -1 in station.transactions


class WantsThePresent(Refusing):
    """Takes nothing that is dated more than a day ago, or ahead."""

    breaks = "CSMS.TX.04"
    earliest, latest = 24.0, -0.1

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Look at the time."""
        return not self.latest <= hours_ago(event["timestamp"]) <= self.earliest

    def objects16(self, station: StationRecord, action: str, request: Payload) -> bool:  # noqa: ARG002
        """Look at the time."""
        return "timestamp" in request and not self.latest <= hours_ago(request["timestamp"]) <= self.earliest


class WantsGrowingReadings(Refusing):
    """Takes no reading that is below nothing, and no end that shows next to nothing."""

    breaks = "CSMS.TX.04"

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Look at the registers."""
        told = [float(each["value"]) for value in event.get("meterValue", []) for each in value["sampledValue"]]
        return any(each < 0 for each in told)

    def objects16(self, station: StationRecord, action: str, request: Payload) -> bool:  # noqa: ARG002
        """Look at the registers."""
        return action == "StopTransaction" and request["meterStop"] <= 0


class StumblesOverText(ReferenceCsms):
    """Reads every value of a meter as a number, and stumbles if it is none."""

    breaks = "CSMS.TX.04"
    also = ("J01.FR.18",)
    versions = ("1.6",)

    def on16_meter_values(self, station: StationRecord, request: Payload) -> Payload:
        """Calculate."""
        for value in request["meterValue"]:
            sum(float(each["value"]) for each in value["sampledValue"])
        return super().on16_meter_values(station, request)


class WantsEveryNumber(Refusing):
    """Takes no event whose number leaves a gap."""

    breaks = "CSMS.TX.04"
    also = ("CSMS.TX.02", "J02.FR.19", "CSMS.STOP.01", "CSMS.TX.05")
    versions = ("2.0.1",)

    def objects(self, station: StationRecord, event: Payload) -> bool:
        """Count."""
        known = station.transactions.get(event["transactionInfo"]["transactionId"])
        numbers = [] if known is None else known.sequence
        return bool(numbers) and event["seqNo"] > numbers[-1] + 1_000
