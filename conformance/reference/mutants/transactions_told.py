"""Mutants of what is told of transactions: lost, doubled, out of order, at the wrong time, for the wrong reason."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from conformance.reference.station import ReferenceStation
from conformance.reference.station.rpc import ConnectionLostError

if TYPE_CHECKING:
    from conformance.reference.station.base import Evse, Transaction
    from conformance.reference.station.messaging import Job
    from conformance.reference.station.rpc import Payload

REGISTER = "Energy.Active.Import.Register"


# -- nothing lost, nothing twice


class EndedNeverTold(ReferenceStation):
    """Never tells that a transaction has ended."""

    breaks = "TX.WHOLE.01"

    def deliver_event(self, event: Payload) -> None:
        """Leave out Ended."""
        if event["eventType"] != "Ended":
            super().deliver_event(event)


class StartedNeverTold(ReferenceStation):
    """Never tells that a transaction has begun."""

    breaks = "TX.WHOLE.01"

    def deliver_event(self, event: Payload) -> None:
        """Leave out Started."""
        if event["eventType"] != "Started":
            super().deliver_event(event)


class NumberSkipped(ReferenceStation):
    """Counts one event too many."""

    breaks = "E01.FR.07"

    def next_sequence_number(self, transaction: Transaction) -> int:  # type: ignore[override]
        """Leave out 1."""
        if transaction.sequence == 1 and not self.is_offline():
            transaction.sequence = 2
        return super().next_sequence_number(transaction)


class NumberUsedTwice(ReferenceStation):
    """Gives two events the same number."""

    breaks = "E01.FR.07"

    def next_sequence_number(self, transaction: Transaction) -> int:  # type: ignore[override]
        """Give 1 twice."""
        number = super().next_sequence_number(transaction)
        return number if number < 2 else number - 1  # noqa: PLR2004 -- the one after it


class UpdatesOfflineForgotten(ReferenceStation):
    """Keeps only the first and the last event of a transaction while offline."""

    breaks = "E04.FR.01"

    def deliver_event(self, event: Payload) -> None:
        """Leave out the course."""
        if event["eventType"] != "Updated" or not self.is_offline():
            super().deliver_event(event)


class CutEventForgotten(ReferenceStation):
    """Takes an event for delivered that was on its way when the connection was lost."""

    breaks = "E04.FR.02"

    def _plan_retry(self, job: Job, entry: Payload, problem: Exception) -> None:
        """Drop it."""
        if isinstance(problem, ConnectionLostError):
            self._remove(job)
        else:
            super()._plan_retry(job, entry, problem)


class StartedTwice(ReferenceStation):
    """Begins a transaction a second time when the driver is authorized."""

    breaks = "TX.START.01"

    def deliver_event(self, event: Payload) -> None:
        """Call the authorization a start."""
        if event["eventType"] == "Updated" and event["triggerReason"] == "Authorized":
            event = {**event, "eventType": "Started"}
        super().deliver_event(event)


class EndedTwice(ReferenceStation):
    """Ends a transaction twice."""

    breaks = "TX.END.01"

    def deliver_event(self, event: Payload) -> None:
        """Send another Ended."""
        super().deliver_event(event)
        if event["eventType"] == "Ended":
            super().deliver_event({**event, "seqNo": event["seqNo"] + 1})


class UpdateAfterEnded(ReferenceStation):
    """Has more to tell of a transaction that has ended."""

    breaks = "TX.TYPE.01"

    def deliver_event(self, event: Payload) -> None:
        """Send an Updated after Ended."""
        super().deliver_event(event)
        if event["eventType"] == "Ended":
            super().deliver_event({**event, "eventType": "Updated", "seqNo": event["seqNo"] + 1})


class TransactionIdUsedAgain(ReferenceStation):
    """Calls all transactions by one id."""

    breaks = "E01.FR.08"

    def new_transaction_id(self) -> str:
        """Know only one."""
        return "the-transaction"


class TransactionsOverlap(ReferenceStation):
    """Ends a transaction only after the next one on the EVSE has begun."""

    breaks = "E01.FR.14"
    _held: Payload | None = None

    def deliver_event(self, event: Payload) -> None:
        """Hold Ended back until a second after the next Started."""
        if event["eventType"] == "Ended":
            self._held = event
            return
        super().deliver_event(event)
        held = self._held
        if event["eventType"] == "Started" and held is not None and held["evse"]["id"] == event["evse"]["id"]:
            self._held = None
            self.tasks.start(self._end(held))

    async def _end(self, event: Payload) -> None:
        await asyncio.sleep(1)
        super().deliver_event({**event, "timestamp": self.clock.stamp()})


class EventsOutOfOrder(ReferenceStation):
    """Sends the second event of a transaction after the third."""

    breaks = "TX.ORDER.01"
    _held: Payload | None = None

    def deliver_event(self, event: Payload) -> None:
        """Wait for the third."""
        if event["seqNo"] == 1:
            self._held = event
            return
        super().deliver_event(event)
        if self._held is not None:
            held, self._held = self._held, None
            super().deliver_event(held)


# -- offline, and when


class OfflineNotMarked(ReferenceStation):
    """Does not say that an event happened offline."""

    breaks = "E04.FR.03"

    def is_offline(self) -> bool:
        """Believe itself online."""
        return False


class QueuedNotMarkedOffline(ReferenceStation):
    """Marks only the event that was on its way when the connection is lost, not those behind it."""

    breaks = "E11.FR.07"

    def flag_queued_events_offline(self) -> None:
        """Mark one."""
        if self._current is not None and self._current.action == "TransactionEvent":
            self._current.payload["offline"] = True


class UnderWayNotMarkedOffline(ReferenceStation):
    """Marks what is queued when the connection is lost, but not the event that was on its way."""

    breaks = "TX.OFFLINE.02"

    def flag_queued_events_offline(self) -> None:
        """Mark all but one."""
        under_way = None if self._current is None else self._current.payload
        for event in self.queued_events():
            if event is not under_way:
                event["offline"] = True


class AlwaysMarkedOffline(ReferenceStation):
    """Marks every event offline."""

    breaks = "TX.OFFLINE.01"

    def is_offline(self) -> bool:
        """Believe itself offline."""
        return True


class EventsStampedWhenSent(ReferenceStation):
    """Gives events the time at which they are sent."""

    breaks = "TX.TIME.01"

    async def _deliver(self, job: Job) -> None:
        """Stamp it now."""
        if job.action == "TransactionEvent":
            job.payload["timestamp"] = self.clock.stamp()
        await super()._deliver(job)


class EndedStampedWithBegin(ReferenceStation):
    """Gives Ended the time of Started."""

    breaks = "TX.TIME.02"
    _started: Payload | None = None

    def deliver_event(self, event: Payload) -> None:
        """Keep the time of Started for Ended."""
        if event["eventType"] == "Started":
            self._started = event
        if event["eventType"] == "Ended" and self._started is not None:
            offline = {"offline": True} if self._started.get("offline") or event.get("offline") else {}
            event = {**event, "timestamp": self._started["timestamp"], **offline}
        super().deliver_event(event)


# -- again


class RepeatStampedAnew(ReferenceStation):
    """Gives an event another time when it is sent again."""

    breaks = "TX.REPEAT.01"

    async def _deliver(self, job: Job) -> None:
        """Stamp a repeat."""
        if job.action == "TransactionEvent" and job.entry is not None and job.entry["attempts"]:
            job.payload["timestamp"] = self.clock.stamp()
        await super()._deliver(job)


class AcknowledgedSentAgain(ReferenceStation):
    """Sends Ended twice, just to be sure."""

    breaks = "TX.DOUBLE.01"

    def deliver_event(self, event: Payload) -> None:
        """Queue Ended twice."""
        super().deliver_event(event)
        if event["eventType"] == "Ended":
            super().deliver_event(dict(event))


class FailedNeverSentAgain(ReferenceStation):
    """Gives up an event with its first failure."""

    breaks = "E13.FR.02"

    def retry_wait(self, action: str, attempts: int) -> float | None:  # noqa: ARG002
        """Never try again."""
        return None


class NoPauseBeforeRepeat(ReferenceStation):
    """Sends an event that failed again at once."""

    breaks = "E13.FR.03"

    def retry_wait(self, action: str, attempts: int) -> float | None:
        """Take no pause."""
        return None if super().retry_wait(action, attempts) is None else 0.0


class PauseNeverGrows(ReferenceStation):
    """Takes the same pause before each repeat."""

    breaks = "E13.FR.03"

    def retry_wait(self, action: str, attempts: int) -> float | None:
        """Take the interval as it is."""
        wait = super().retry_wait(action, attempts)
        return None if wait is None else wait / attempts


class PauseTooLong(ReferenceStation):
    """Takes two seconds more than it should before each repeat."""

    breaks = "E13.FR.03"

    def retry_wait(self, action: str, attempts: int) -> float | None:
        """Wait longer."""
        wait = super().retry_wait(action, attempts)
        return None if wait is None else wait + 2


class NeverGivesUp(ReferenceStation):
    """Sends an event again until it is processed, however often it fails."""

    breaks = "E13.FR.04"

    def retry_wait(self, action: str, attempts: int) -> float | None:
        """Know no last attempt."""
        if action != "TransactionEvent":
            return super().retry_wait(action, attempts)
        return self.model.number("OCPPCommCtrlr", "MessageAttemptInterval", "TransactionEvent") * attempts


# -- why


class TokenNeverTold(ReferenceStation):
    """Never tells whose transaction it is."""

    breaks = "E01.FR.10"

    def token_to_send(self, place: Evse) -> Payload | None:  # noqa: ARG002
        """Keep the token."""
        return None


class StartedByTheClock(ReferenceStation):
    """Says that a transaction began because it was time for a meter reading."""

    breaks = "E01.FR.15"

    def deliver_event(self, event: Payload) -> None:
        """Give a wrong reason."""
        if event["eventType"] == "Started":
            event = {**event, "triggerReason": "MeterValuePeriodic"}
        super().deliver_event(event)


class CommandNobodyGave(ReferenceStation):
    """Says that the charging state changed because of an UnlockConnector that never came."""

    breaks = "E01.FR.15"

    def deliver_event(self, event: Payload) -> None:
        """Give a wrong reason."""
        if event["triggerReason"] == "ChargingStateChanged":
            event = {**event, "triggerReason": "UnlockCommand"}
        super().deliver_event(event)


class ConnectorNeverTold(ReferenceStation):
    """Never tells to which connector the EV is connected."""

    breaks = "E01.FR.16"

    @staticmethod
    def event_place(transaction: Transaction, connector: int | None) -> Payload:  # noqa: ARG004
        """Name the EVSE only."""
        return {"id": transaction.evse}


class ChangedStateUntold(ReferenceStation):
    """Says that the charging state changed, and not to what."""

    breaks = "E01.FR.18"

    def deliver_event(self, event: Payload) -> None:
        """Leave out the state."""
        if event["triggerReason"] == "ChargingStateChanged":
            info = {name: value for name, value in event["transactionInfo"].items() if name != "chargingState"}
            event = {**event, "transactionInfo": info}
        super().deliver_event(event)


class IdleWithTheCableIn(ReferenceStation):
    """Says that no EV is connected, in the event that tells of its cable."""

    breaks = "TX.STATE.01"

    def deliver_event(self, event: Payload) -> None:
        """Say Idle."""
        if event["triggerReason"] == "CablePluggedIn":
            event = {**event, "transactionInfo": {**event["transactionInfo"], "chargingState": "Idle"}}
        super().deliver_event(event)


class SameStateChanged(ReferenceStation):
    """Says twice that the charging state has changed, to the same."""

    breaks = "TX.TRIGGER.01"

    def settle_charging_state(self, place: Evse) -> None:
        """Say it again."""
        transaction = place.session.transaction
        before = None if transaction is None else transaction.charging_state
        super().settle_charging_state(place)
        if transaction is not None and transaction.charging_state != before:
            self.send_event(place, "Updated", "ChargingStateChanged")


class _OtherReason(ReferenceStation):
    """Gives another reason why a transaction ended."""

    wrong = ("", "")

    def deliver_event(self, event: Payload) -> None:
        """Replace one reason, by none where it is empty."""
        info, (right, instead) = dict(event["transactionInfo"]), self.wrong
        if info.get("stoppedReason") == right:
            del info["stoppedReason"]
            event = {**event, "transactionInfo": info | ({"stoppedReason": instead} if instead else {})}
        super().deliver_event(event)


class NobodyCameUnexplained(_OtherReason):
    """Ends a transaction for which nobody plugged in as if a driver had."""

    breaks = "E03.FR.05"
    wrong = ("Timeout", "Local")


class DeauthorizedForOtherReasons(_OtherReason):
    """Does not say that a transaction ended because its token was not accepted."""

    breaks = "E05.FR.10"
    wrong = ("DeAuthorized", "Other")


class ResetUnexplained(_OtherReason):
    """Does not say why a reset ended a transaction."""

    breaks = "E06.FR.08"
    wrong = ("ImmediateReset", "")


class DepartureUnexplained(_OtherReason):
    """Does not say that a transaction ended because the EV was gone."""

    breaks = "E07.FR.06"
    wrong = ("EVDisconnected", "")


class RemoteStopUnexplained(_OtherReason):
    """Does not say that a transaction was stopped remotely."""

    breaks = "F03.FR.03"
    wrong = ("Remote", "")


# -- the meter


class RegisterFallsAtTheEnd(ReferenceStation):
    """Has its meter at nought at the end of a transaction."""

    breaks = "J02.FR.16"

    def meter_values(self, place: Evse, context: str, setting: tuple[str, str]) -> list[Payload]:
        """Read nought at the end."""
        values = super().meter_values(place, context, setting)
        for sample in _registers(values):
            if context == "Transaction.End":
                sample["value"] = 0
        return values


class RegisterBeginsAnew(ReferenceStation):
    """Counts the energy of each transaction from nought."""

    breaks = "J02.FR.17"
    _begin = 0.0

    def meter_values(self, place: Evse, context: str, setting: tuple[str, str]) -> list[Payload]:
        """Take off what was there at the begin."""
        values = super().meter_values(place, context, setting)
        for sample in _registers(values):
            if context == "Transaction.Begin":
                self._begin = sample["value"]
            sample["value"] -= self._begin
        return values


class BillDiffersFromReport(ReferenceStation):
    """Has another reading of the begin in Ended than it had in Started."""

    breaks = "TX.METER.01"
    _begin: Payload | None = None

    def event_meter_values(self, place: Evse, event_type: str, trigger: str) -> list[Payload]:
        """Take off two watt-hours of what is billed."""
        values = super().event_meter_values(place, event_type, trigger)
        if event_type == "Started" and values:
            self._begin = values[0]
        if event_type != "Ended" or self._begin is None:
            return values
        samples = [{**sample, "value": sample["value"] - 2} for sample in self._begin["sampledValue"]]
        return [{**self._begin, "sampledValue": samples}, *values]


class BeginUnmeasured(ReferenceStation):
    """Has no meter values in Started."""

    breaks = "E01.FR.09"

    def event_meter_values(self, place: Evse, event_type: str, trigger: str) -> list[Payload]:
        """Read no meter."""
        return [] if event_type == "Started" else super().event_meter_values(place, event_type, trigger)


class EndUnmeasured(ReferenceStation):
    """Has no meter values in Ended."""

    breaks = "E06.FR.11"
    also = ("METER.ENDED.02",)

    def event_meter_values(self, place: Evse, event_type: str, trigger: str) -> list[Payload]:
        """Read no meter."""
        return [] if event_type == "Ended" else super().event_meter_values(place, event_type, trigger)


def _registers(values: list[Payload]) -> list[Payload]:
    return [sample for value in values for sample in value["sampledValue"] if sample["measurand"] == REGISTER]
