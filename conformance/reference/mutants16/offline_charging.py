"""Mutants of a 1.6 station whose messages about transactions can't be delivered at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.reference.station.rpc import ConnectionLostError
from conformance.reference.station16 import ReferenceStation16

if TYPE_CHECKING:
    from conformance.reference.station.messaging import Job
    from conformance.reference.station.rpc import Payload
    from conformance.reference.station16.base import Connector, Transaction

CAPACITY = 50
FEW_SECONDS = 1.0


# -- kept and sent ----------------------------------------------------------------------------------------------------


class _Forgetful(ReferenceStation16):
    """Keeps nothing of some kinds while it is offline."""

    forgotten: tuple[str, ...] = ()

    def send_surely(self, action: str, payload: Payload, **notes: Any) -> None:
        """Drop what can't be sent now."""
        if self.link is None and action in self.forgotten:
            return
        super().send_surely(action, payload, **notes)


class OfflineTransactionsLost(_Forgetful):
    """Keeps nothing that it would have told of transactions while it is offline."""

    breaks = "16.TX.35"
    also = ("16.TX.08", "16.TX.10")
    forgotten = ("StartTransaction", "StopTransaction", "MeterValues")


class OfflineStopsLost(_Forgetful):
    """Keeps no StopTransaction while it is offline."""

    breaks = "16.TX.35"
    also = ("16.TX.08",)
    forgotten = ("StopTransaction",)


class OfflineSamplesLost(_Forgetful):
    """Keeps no meter values while it is offline."""

    breaks = "16.TX.35"
    forgotten = ("MeterValues",)


class QueueTooShort(ReferenceStation16):
    """Keeps the last messages only, when there are many."""

    breaks = "16.TX.35"
    also = ("16.TX.10",)

    def send_surely(self, action: str, payload: Payload, **notes: Any) -> None:
        """Drop the oldest."""
        super().send_surely(action, payload, **notes)
        while len(self.outbox) > CAPACITY:
            self._remove(next(job for job in self._jobs if job.entry is self.outbox[0]))


class QueueLostWithPower(ReferenceStation16):
    """Keeps what it has to tell where the power does not last."""

    breaks = "16.TX.76"

    def start_up(self) -> None:
        """Begin with nothing."""
        self.outbox.clear()
        super().start_up()


class _Shuffling(ReferenceStation16):
    """Puts what it has kept into another order when it is back."""

    def after_reconnect(self, offline_seconds: float) -> None:
        """Shuffle."""
        super().after_reconnect(offline_seconds)
        self.shuffle()

    def shuffle(self) -> None:
        """Leave it as it is."""


class NewestFirst(_Shuffling):
    """Begins with the newest of what it has kept."""

    breaks = "16.TX.36"
    also = ("16.TX.10",)

    def shuffle(self) -> None:
        """Turn it round."""
        self._jobs.reverse()


class ByTheClock(_Shuffling):
    """Sends what it has kept in the order of the times that it bears."""

    breaks = "16.TX.36"

    def shuffle(self) -> None:
        """Sort."""
        self._jobs.sort(key=lambda job: str(job.payload.get("timestamp", "")))


class StopsAtOnce(ReferenceStation16):
    """Sends a StopTransaction at once, whatever waits before it."""

    breaks = "16.TX.36"
    also = ("16.TX.10",)

    async def transmit(self, frame: str) -> None:
        """Let no answer be waited for that is not StopTransaction's."""
        await super().transmit(frame)
        if '"StartTransaction"' in frame:
            self.start_sent = True

    start_sent = False

    def stop_transaction(self, connector: Connector, reason: str, id_tag: str | None = None) -> None:
        """Give up waiting for the answer to StartTransaction."""
        transaction = connector.session.transaction
        unknown = transaction is not None and transaction.id is None
        super().stop_transaction(connector, reason, id_tag)
        if unknown and self.link is not None and self._open is not None and not self._open[1].done():
            self._open[1].set_result(None)
            if self._current is not None:
                self._remove(self._current)


class StampedWhenSent(_Shuffling):
    """Gives what it has kept the time at which it sends it."""

    breaks = "16.TX.TIME.01"

    def shuffle(self) -> None:
        """Date it anew."""
        for entry in self.outbox:
            if "timestamp" in entry["payload"]:
                entry["payload"]["timestamp"] = self.clock.stamp()


# -- ids --------------------------------------------------------------------------------------------------------------


class IdNotPassedOn(ReferenceStation16):
    """Does not give the id of a transaction to what was kept for it."""

    breaks = "16.TX.10"

    def transaction_id_known(self, number: int, transaction_id: int) -> None:
        """Restore what waited."""
        kept = [(entry, entry["payload"].get("transactionId")) for entry in self.outbox]
        super().transaction_id_known(number, transaction_id)
        for entry, known in kept:
            if known is not None:
                entry["payload"]["transactionId"] = known
            elif entry["action"] != "StartTransaction":
                entry["payload"].pop("transactionId", None)


class IdGivenToAll(ReferenceStation16):
    """Gives the id of a transaction to everything that waits."""

    breaks = "16.TX.10"

    def transaction_id_known(self, number: int, transaction_id: int) -> None:
        """Mix up transactions, once and for all."""
        super().transaction_id_known(number, transaction_id)
        for entry in self.outbox:
            if entry["action"] != "StartTransaction":
                entry["payload"]["transactionId"] = transaction_id
                entry["transaction"] = -1


class FirstIdKept(ReferenceStation16):
    """Keeps to the first id that it was ever given."""

    breaks = "16.TX.10"
    also = ("16.TX.08",)
    first: int | None = None

    def transaction_id_known(self, number: int, transaction_id: int) -> None:
        """Take no other."""
        self.first = transaction_id if self.first is None else self.first
        super().transaction_id_known(number, self.first)


class NoIdCalledZero(ReferenceStation16):
    """Calls a transaction 0 that was given no id."""

    breaks = "16.TX.40"

    def transaction_id_known(self, number: int, transaction_id: int) -> None:
        """Put 0 for -1."""
        super().transaction_id_known(number, max(transaction_id, 0))


# -- again ------------------------------------------------------------------------------------------------------------


class NeverTriesAgain(ReferenceStation16):
    """Sends every message once."""

    breaks = "16.TX.37"

    def retry_wait(self, action: str, attempts: int) -> float | None:
        """Give up."""
        return None if self.is_transaction_message(action) else super().retry_wait(action, attempts)


class TriesOnceLess(ReferenceStation16):
    """Takes the number of attempts for one more than it is."""

    breaks = "16.TX.37"

    def retry_wait(self, action: str, attempts: int) -> float | None:
        """Give up early."""
        fewer = self.is_transaction_message(action) and attempts >= 2  # noqa: PLR2004
        return None if fewer else super().retry_wait(action, attempts)


class PausesAlike(ReferenceStation16):
    """Takes the same pause before every attempt."""

    breaks = "16.TX.38"

    def retry_wait(self, action: str, attempts: int) -> float | None:
        """Never let it grow."""
        wait = super().retry_wait(action, attempts)
        return wait if wait is None or not self.is_transaction_message(action) else wait / attempts


class PausesTooLong(ReferenceStation16):
    """Adds a few seconds to every pause."""

    breaks = "16.TX.38"

    def retry_wait(self, action: str, attempts: int) -> float | None:
        """Wait on."""
        wait = super().retry_wait(action, attempts)
        return wait if wait is None else wait + 1.5 * FEW_SECONDS


class NeverGivesUp(ReferenceStation16):
    """Sends a message again until it is taken."""

    breaks = "16.TX.39"
    also = ("16.TX.40",)

    def retry_wait(self, action: str, attempts: int) -> float | None:
        """Go on."""
        if not self.is_transaction_message(action):
            return super().retry_wait(action, attempts)
        return self.configuration.number("TransactionMessageRetryInterval") * attempts


class StuckAfterFailure(ReferenceStation16):
    """Gives a message up, and every one after it."""

    breaks = "16.TX.39"

    def entry_given_up(self, entry: Payload) -> None:
        """Send no more of them."""
        super().entry_given_up(entry)
        self.stuck = True

    stuck = False

    def send_surely(self, action: str, payload: Payload, **notes: Any) -> None:
        """Keep it."""
        if not (self.stuck and self.is_transaction_message(action)):
            super().send_surely(action, payload, **notes)


class RepeatDatedAnew(ReferenceStation16):
    """Gives a message that it sends again the time of then."""

    breaks = "16.TX.REPEAT.01"
    also = ("16.TX.37",)  # a stop without an id and with another time is another stop, and the first one is given up

    async def _deliver(self, job: Job) -> None:
        """Date it anew."""
        if job.entry is not None and "timestamp" in job.payload:
            if job.entry.get("sent"):
                job.payload["timestamp"] = self.clock.stamp()
            job.entry["sent"] = True
        await super()._deliver(job)


class LostWithConnection(ReferenceStation16):
    """Takes a message for delivered whose answer was lost with the connection."""

    breaks = "16.TX.78"

    def _plan_retry(self, job: Job, entry: Payload, problem: Exception) -> None:
        """Forget it."""
        if isinstance(problem, ConnectionLostError) and self.is_transaction_message(job.action):
            self._remove(job)
            return
        super()._plan_retry(job, entry, problem)


# -- tokens -----------------------------------------------------------------------------------------------------------


class InvalidTokenGoesOn(ReferenceStation16):
    """Lets a transaction go on whose token was refused, where it shall be stopped."""

    breaks = "16.TX.33"

    def deauthorize(self, connector: Connector) -> None:
        """Do nothing."""
        if not self.configuration.flag("StopTransactionOnInvalidId"):
            super().deauthorize(connector)


class InvalidTokenCalledLocal(ReferenceStation16):
    """Calls the end of a transaction whose token was refused the driver's own."""

    breaks = "16.TX.33"

    def stop_payload(self, connector: Connector, transaction: Transaction, reason: str, id_tag: str | None) -> Payload:
        """Give another reason."""
        told = "Local" if reason == "DeAuthorized" else reason
        return super().stop_payload(connector, transaction, told, id_tag)


class InvalidTokenCharges(ReferenceStation16):
    """Lets energy flow for a token that was refused."""

    breaks = "16.TX.34"

    def deauthorize(self, connector: Connector) -> None:
        """Do nothing."""
        if self.configuration.flag("StopTransactionOnInvalidId"):
            super().deauthorize(connector)


class InvalidTokenStops(ReferenceStation16):
    """Stops a transaction whose token was refused, where it shall go on without energy."""

    breaks = "16.TX.34"

    def deauthorize(self, connector: Connector) -> None:
        """Stop it."""
        self.stop_transaction(connector, "DeAuthorized")


class OwnStopCalledOther(ReferenceStation16):
    """Gives the reason Other for what the driver has stopped."""

    breaks = "16.TX.12"

    def stop_payload(self, connector: Connector, transaction: Transaction, reason: str, id_tag: str | None) -> Payload:
        """Give no reason worth the name."""
        return super().stop_payload(connector, transaction, "Other" if reason == "Local" else reason, id_tag)
