"""Mutants of what is told of transactions: lost, doubled, out of order, at the wrong time, for the wrong reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.reference.station.rpc import ConnectionLostError
from conformance.reference.station16 import ReferenceStation16

if TYPE_CHECKING:
    from conformance.reference.station.messaging import Job
    from conformance.reference.station.rpc import Payload
    from conformance.reference.station16.base import Connector, Transaction


# -- nothing lost, nothing twice


class StartNeverTold16(ReferenceStation16):
    """Never tells that a transaction has begun."""

    breaks = "16.TX.04"

    def send_surely(self, action: str, payload: Payload, **notes: Any) -> None:
        """Leave out StartTransaction."""
        if action != "StartTransaction":
            super().send_surely(action, payload, **notes)


class StopNeverTold16(ReferenceStation16):
    """Never tells that a transaction has ended."""

    breaks = "16.TX.08"
    also = ("16.TX.76",)

    def send_surely(self, action: str, payload: Payload, **notes: Any) -> None:
        """Leave out StopTransaction."""
        if action != "StopTransaction":
            super().send_surely(action, payload, **notes)


class IdOfItsOwn16(ReferenceStation16):
    """Ends transactions by an id that the central system never gave."""

    breaks = "16.TX.10"
    also = ("16.TX.76",)

    def stop_payload(self, connector: Connector, transaction: Transaction, reason: str, id_tag: str | None) -> Payload:
        """Add some."""
        payload = super().stop_payload(connector, transaction, reason, id_tag)
        return {**payload, "transactionId": transaction.number + 900_000}

    def transaction_id_known(self, number: int, transaction_id: int) -> None:
        """Leave a StopTransaction that is queued as it is."""
        waiting = [entry for entry in self.outbox if entry["action"] == "StopTransaction"]
        before = [entry["payload"]["transactionId"] for entry in waiting]
        super().transaction_id_known(number, transaction_id)
        for entry, its in zip(waiting, before, strict=True):
            entry["payload"]["transactionId"] = its


class IdNotAdopted16(ReferenceStation16):
    """Ends transactions that it began offline without the id that it got for them since."""

    breaks = "16.TX.10"
    also = ("16.TX.76",)

    def stop_payload(self, connector: Connector, transaction: Transaction, reason: str, id_tag: str | None) -> Payload:
        """Know no id."""
        return {**super().stop_payload(connector, transaction, reason, id_tag), "transactionId": -1}

    def transaction_id_known(self, number: int, transaction_id: int) -> None:
        """Leave what is queued as it is."""
        connector = self.connector_of(number)
        if connector is not None and connector.session.transaction is not None:
            connector.session.transaction.id = transaction_id


class SamplesOfflineForgotten16(ReferenceStation16):
    """Keeps no meter values while offline."""

    breaks = "16.TX.35"

    def send_meter_values(self, connector: Connector, context: str, key: str) -> None:
        """Send them online only."""
        if self.link is not None:
            super().send_meter_values(connector, context, key)


class CutMessageForgotten16(ReferenceStation16):
    """Takes the end of a transaction for told once it was on its way, connection or not."""

    breaks = "16.TX.35"

    def _plan_retry(self, job: Job, entry: Payload, problem: Exception) -> None:
        """Drop it."""
        if isinstance(problem, ConnectionLostError):
            self._remove(job)
        else:
            super()._plan_retry(job, entry, problem)


class StopsFirst16(ReferenceStation16):
    """Sends the end of a transaction before the meter values that it has still to tell."""

    breaks = "16.TX.36"

    def _enqueue(self, job: Job) -> None:
        """Put a StopTransaction in front."""
        super()._enqueue(job)
        if job.action == "StopTransaction" and not any(each.action == "StartTransaction" for each in self._jobs):
            self._jobs.remove(job)
            self._jobs.insert(0, job)


class SamplesTooFarApart16(ReferenceStation16):
    """Takes samples at three times the interval."""

    breaks = "16.TX.43"
    also = ("16.TX.35",)

    def sample_interval(self) -> float:
        """Take longer."""
        return 3 * super().sample_interval()


# -- when


class StopStampedWhenSent16(ReferenceStation16):
    """Gives StopTransaction the time at which it is sent."""

    breaks = "16.TX.TIME.01"

    async def _deliver(self, job: Job) -> None:
        """Stamp it now."""
        if job.action == "StopTransaction":
            job.payload["timestamp"] = self.clock.stamp()
        await super()._deliver(job)


class StopsBeforeItStarts16(ReferenceStation16):
    """Gives StopTransaction a time of long ago."""

    breaks = "16.TX.TIME.02"
    also = ("16.TX.TIME.01",)

    def stop_payload(self, connector: Connector, transaction: Transaction, reason: str, id_tag: str | None) -> Payload:
        """Tell another time."""
        payload = super().stop_payload(connector, transaction, reason, id_tag)
        return {**payload, "timestamp": "2020-01-01T00:00:00Z"}


# -- again


class RepeatStampedAnew16(ReferenceStation16):
    """Gives StartTransaction another time when it is sent again."""

    breaks = "16.TX.REPEAT.01"

    async def _deliver(self, job: Job) -> None:
        """Stamp a repeat."""
        if job.action == "StartTransaction" and job.entry is not None and job.entry["attempts"]:
            job.payload["timestamp"] = self.clock.stamp()
        await super()._deliver(job)


class AcknowledgedSentAgain16(ReferenceStation16):
    """Sends StopTransaction again after it was acknowledged."""

    breaks = "16.TX.DOUBLE.01"

    def entry_delivered(self, entry: Payload, result: Payload) -> None:
        """Queue it once more."""
        super().entry_delivered(entry, result)
        if entry["action"] == "StopTransaction" and not entry.get("again"):
            self.send_surely("StopTransaction", entry["payload"], transaction=entry["transaction"], again=True)


class FailedNeverSentAgain16(ReferenceStation16):
    """Gives up a message with its first failure."""

    breaks = "16.TX.37"

    def retry_wait(self, action: str, attempts: int) -> float | None:  # noqa: ARG002
        """Never try again."""
        return None


class NoPauseBeforeRepeat16(ReferenceStation16):
    """Sends a message that failed again at once."""

    breaks = "16.TX.38"

    def retry_wait(self, action: str, attempts: int) -> float | None:
        """Take no pause."""
        return None if super().retry_wait(action, attempts) is None else 0.0


class PauseNeverGrows16(ReferenceStation16):
    """Takes the same pause before each repeat."""

    breaks = "16.TX.38"

    def retry_wait(self, action: str, attempts: int) -> float | None:
        """Take the interval as it is."""
        wait = super().retry_wait(action, attempts)
        return None if wait is None else wait / attempts


class NeverGivesUp16(ReferenceStation16):
    """Sends a message again until it is processed, however often it fails."""

    breaks = "16.TX.39"

    def retry_wait(self, action: str, attempts: int) -> float | None:
        """Know no last attempt."""
        if not self.is_transaction_message(action):
            return super().retry_wait(action, attempts)
        return self.configuration.number("TransactionMessageRetryInterval") * attempts


class NoughtForNoId16(ReferenceStation16):
    """Gives a transaction that never got an id the id 0."""

    breaks = "16.TX.40"

    def entry_given_up(self, entry: Payload) -> None:
        """Take 0."""
        super().entry_given_up(entry)
        if entry["action"] == "StartTransaction":
            self.transaction_id_known(entry["transaction"], 0)


# -- why


class RemoteStopUnexplained16(ReferenceStation16):
    """Gives no reason for a stop by a command."""

    breaks = "16.TX.11"

    def stop_payload(self, connector: Connector, transaction: Transaction, reason: str, id_tag: str | None) -> Payload:
        """Leave it out."""
        payload = super().stop_payload(connector, transaction, reason, id_tag)
        return {name: value for name, value in payload.items() if name != "reason" or value != "Remote"}


class RemoteStopCalledLocal16(ReferenceStation16):
    """Says that a driver stopped what a command did."""

    breaks = "16.TX.12"

    def stop_payload(self, connector: Connector, transaction: Transaction, reason: str, id_tag: str | None) -> Payload:
        """Say Local."""
        return super().stop_payload(connector, transaction, "Local" if reason == "Remote" else reason, id_tag)


class InvalidGoesOn16(ReferenceStation16):
    """Goes on with a transaction whose token turned out invalid."""

    breaks = "16.TX.33"

    def deauthorize(self, connector: Connector) -> None:
        """Obey only where the energy is to stop."""
        if not self.configuration.flag("StopTransactionOnInvalidId"):
            super().deauthorize(connector)


class InvalidGoesOnCharging16(ReferenceStation16):
    """Goes on charging where an invalid token is to stop the energy."""

    breaks = "16.TX.34"

    def deauthorize(self, connector: Connector) -> None:
        """Obey only where the transaction is to stop."""
        if self.configuration.flag("StopTransactionOnInvalidId"):
            super().deauthorize(connector)


# -- the meter


class StopBelowStart16(ReferenceStation16):
    """Has its meter at nought at the end of a transaction."""

    breaks = "16.TX.54"

    def stop_payload(self, connector: Connector, transaction: Transaction, reason: str, id_tag: str | None) -> Payload:
        """Read nought."""
        return {**super().stop_payload(connector, transaction, reason, id_tag), "meterStop": 0}


class BillDiffersFromReport16(ReferenceStation16):
    """Has another reading of the begin in the data of StopTransaction than it had in StartTransaction."""

    breaks = "16.TX.METER.01"

    def start_payload(self, connector: Connector, transaction: Transaction) -> Payload:
        """Keep another reading."""
        payload = super().start_payload(connector, transaction)
        sample = {"value": str(payload["meterStart"] - 5), "context": "Transaction.Begin", "unit": "Wh"}
        transaction.data.append({"timestamp": payload["timestamp"], "sampledValue": [sample]})
        return payload


class ValuesOfAnotherConnector16(ReferenceStation16):
    """Sends the meter values of a transaction as those of another connector."""

    breaks = "16.TX.METER.02"

    def meter_values_payload(self, connector: Connector, values: list[Payload]) -> Payload:
        """Name the next one."""
        return {**super().meter_values_payload(connector, values), "connectorId": connector.number + 1}
