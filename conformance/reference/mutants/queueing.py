"""Mutants of the delivery of transaction events: offline, refused, and what is said of the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station import ReferenceStation

if TYPE_CHECKING:
    from conformance.reference.station.base import Evse
    from conformance.reference.station.rpc import Payload

EVENT = "TransactionEvent"


# -- offline


class _Forgetful(ReferenceStation):
    """Loses some of what happens offline."""

    lost: tuple[str, ...] = ()

    def deliver_event(self, event: Payload) -> None:
        """Keep only the others."""
        if self.link is not None or event["eventType"] not in self.lost:
            super().deliver_event(event)


class UpdatesLostOffline(_Forgetful):
    """Loses what happens offline in a running transaction."""

    breaks = "E11.FR.01"
    lost = ("Updated",)


class StartLostOffline(_Forgetful):
    """Loses the beginning of a transaction offline."""

    breaks = "E12.FR.01"
    lost = ("Started",)


class EndLostOffline(_Forgetful):
    """Loses the end of a transaction offline."""

    breaks = "E08.FR.04"
    lost = ("Ended",)


class UpdatesLostBeforeEnd(_Forgetful):
    """Loses what happens offline before a transaction ends there."""

    breaks = "E08.FR.05"
    lost = ("Updated",)


class _Unmarked(ReferenceStation):
    """Marks nothing offline."""

    def is_offline(self) -> bool:
        """Never."""
        return False

    def flag_queued_events_offline(self) -> None:
        """Do nothing."""


class UpdatesNotMarkedOffline(_Unmarked):
    """Marks nothing offline in a running transaction."""

    breaks = "E11.FR.02"


class TransactionNotMarkedOffline(_Unmarked):
    """Marks nothing offline in a transaction that began there."""

    breaks = "E12.FR.02"


class EndNotMarkedOffline(_Unmarked):
    """Marks nothing offline in a transaction that ended there."""

    breaks = "E08.FR.07"


class NoStopOffline(ReferenceStation):
    """Knows no card while it is offline, not even that which began the charging."""

    breaks = "E08.FR.01"

    async def token_presented(self, place: Evse, token: Payload) -> None:
        """Overlook it."""
        if self.link is not None:
            await super().token_presented(place, token)


class NoGroupOffline(NoStopOffline):
    """Knows no card while it is offline, not even one of the same group."""

    breaks = "E08.FR.02"


# -- retries


class NeverRepeats(ReferenceStation):
    """Drops an event that is not accepted at the first attempt."""

    breaks = "E13.FR.02"

    def retry_wait(self, action: str, attempts: int) -> float | None:
        """Never."""
        return None if action == EVENT else super().retry_wait(action, attempts)


class RepeatsWhatWasAccepted(ReferenceStation):
    """Sends an event that was accepted at the second attempt a third time."""

    breaks = "E13.FR.02"

    def entry_delivered(self, entry: Payload, result: Payload) -> None:
        """Once more."""
        super().entry_delivered(entry, result)
        if entry["action"] == EVENT and entry["attempts"] == 1:
            self.send_surely(EVENT, entry["payload"])


class RepeatsAtOnce(ReferenceStation):
    """Makes no pause before it repeats an event."""

    breaks = "E13.FR.03"

    def retry_wait(self, action: str, attempts: int) -> float | None:
        """None."""
        wait = super().retry_wait(action, attempts)
        return wait if wait is None or action != EVENT else 0.0


class RepeatsEvenly(ReferenceStation):
    """Makes the same pause before each repetition."""

    breaks = "E13.FR.03"

    def retry_wait(self, action: str, attempts: int) -> float | None:
        """Do not multiply."""
        wait = super().retry_wait(action, attempts)
        return wait if wait is None or action != EVENT else wait / attempts


class RepeatsOnceMore(ReferenceStation):
    """Sends an event that is not accepted once more than was set."""

    breaks = "E13.FR.04"

    def retry_wait(self, action: str, attempts: int) -> float | None:
        """Count the repetitions only."""
        if action != EVENT:
            return super().retry_wait(action, attempts)
        if attempts > self.model.number("OCPPCommCtrlr", "MessageAttempts", EVENT):
            return None
        return self.model.number("OCPPCommCtrlr", "MessageAttemptInterval", EVENT) * attempts


class StuckAfterLastAttempt(ReferenceStation):
    """Sends nothing more of a transaction once an event was not accepted for the last time."""

    breaks = "E13.FR.04"

    def retry_wait(self, action: str, attempts: int) -> float | None:
        """Keep it for another day."""
        wait = super().retry_wait(action, attempts)
        return 86_400.0 if wait is None and action == EVENT else wait


# -- what is said of the queue


class _SaysOther(ReferenceStation):
    """Says something else of its queue or of a transaction."""

    def says(self, answer: Payload, request: Payload) -> Payload:
        """What it says instead."""
        raise NotImplementedError

    def on_get_transaction_status(self, request: Payload) -> Payload:
        """Say that."""
        return self.says(super().on_get_transaction_status(request), request)


class UnknownIsOngoing(_SaysOther):
    """Calls a transaction that it never had ongoing."""

    breaks = "E14.FR.01"

    def says(self, answer: Payload, request: Payload) -> Payload:  # noqa: ARG002
        """Say yes."""
        return {**answer, "ongoingIndicator": True}


class UnknownIsQueued(_SaysOther):
    """Says that events of a transaction that it never had are queued."""

    breaks = "E14.FR.01"

    def says(self, answer: Payload, request: Payload) -> Payload:  # noqa: ARG002
        """Say yes."""
        return {**answer, "messagesInQueue": True}


class RunningIsOver(_SaysOther):
    """Denies a transaction that runs."""

    breaks = "E14.FR.02"

    def says(self, answer: Payload, request: Payload) -> Payload:
        """Say no."""
        return {**answer, "ongoingIndicator": False} if "transactionId" in request else answer


class OverIsRunning(_SaysOther):
    """Calls a transaction that has ended ongoing."""

    breaks = "E14.FR.03"

    def says(self, answer: Payload, request: Payload) -> Payload:
        """Say yes."""
        return {**answer, "ongoingIndicator": True} if "transactionId" in request else answer


class QueueDenied(_SaysOther):
    """Denies that events of a transaction are queued."""

    breaks = "E14.FR.04"

    def says(self, answer: Payload, request: Payload) -> Payload:  # noqa: ARG002
        """Say no."""
        return {**answer, "messagesInQueue": False}


class QueueMadeUp(_SaysOther):
    """Says that events of a transaction are queued of which all was delivered."""

    breaks = "E14.FR.05"

    def says(self, answer: Payload, request: Payload) -> Payload:  # noqa: ARG002
        """Say yes."""
        return {**answer, "messagesInQueue": True}


class AlwaysOngoing(_SaysOther):
    """Says whether a transaction is ongoing when it was asked about none."""

    breaks = "E14.FR.06"

    def says(self, answer: Payload, request: Payload) -> Payload:  # noqa: ARG002
        """Say it."""
        return {"ongoingIndicator": False, **answer}


class AnyQueueDenied(QueueDenied):
    """Denies that any event is queued."""

    breaks = "E14.FR.07"


class AnyQueueMadeUp(QueueMadeUp):
    """Says that events are queued when all was delivered."""

    breaks = "E14.FR.08"
