"""Mutants of transactions over an outage: what is kept, what is told of it, and in which order."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from conformance.reference.station import ReferenceStation
from conformance.reference.station.base import Transaction
from conformance.reference.station.clock import parse_moment

if TYPE_CHECKING:
    from conformance.reference.station.base import Evse
    from conformance.reference.station.config import StationConfig
    from conformance.reference.station.messaging import Job
    from conformance.reference.station.rpc import Payload

SMALL = 60


# -- what is kept -----------------------------------------------------------------------------------------------------


class UpdatedEventsDroppedOffline(ReferenceStation):
    """Keeps only the beginning and the end of a transaction that takes place offline."""

    breaks = "E04.FR.01"
    also = ("E11.FR.01",)

    def deliver_event(self, event: Payload) -> None:
        """Drop the rest."""
        if not (event.get("offline") and event["eventType"] == "Updated"):
            super().deliver_event(event)


class StartedDroppedOffline(ReferenceStation):
    """Forgets the beginning of a transaction that begins offline."""

    breaks = "E04.FR.01"
    also = ("TX.WHOLE.01",)

    def deliver_event(self, event: Payload) -> None:
        """Drop it."""
        if not (event.get("offline") and event["eventType"] == "Started"):
            super().deliver_event(event)


class OfflineEventsWaitForBoot(ReferenceStation):
    """Keeps what happens offline, and sends it only after the next boot."""

    breaks = "E04.FR.02"
    also = ("TX.WHOLE.01",)

    def deliver_event(self, event: Payload) -> None:
        """Put it aside."""
        if event.get("offline"):
            self.outbox.append({"action": "TransactionEvent", "payload": event, "attempts": 0})
        else:
            super().deliver_event(event)


class RunningTransactionNotKept(ReferenceStation):
    """Keeps nothing of what a transaction that began online has to tell offline."""

    breaks = "E11.FR.01"

    def deliver_event(self, event: Payload) -> None:
        """Drop it."""
        if not (event.get("offline") and event["eventType"] == "Updated"):
            super().deliver_event(event)


class FirstOfflineEventLost(ReferenceStation):
    """Loses the event by which it notices that it is offline."""

    breaks = "E11.FR.01"
    lost = False

    def disconnected(self) -> None:
        """Be about to lose one."""
        super().disconnected()
        self.lost = False

    def deliver_event(self, event: Payload) -> None:
        """Drop the first."""
        if event.get("offline") and not self.lost:
            self.lost = True
            return
        super().deliver_event(event)


class QueueLostWithPower(ReferenceStation):
    """Keeps what happens offline in memory that the power takes along."""

    breaks = "E11.FR.01"

    def start_up(self) -> None:
        """Begin with nothing to send."""
        self.outbox.clear()
        super().start_up()


# -- what is told of it -----------------------------------------------------------------------------------------------


class RunningTransactionNotFlagged(ReferenceStation):
    """Says offline only of transactions that began so."""

    breaks = "E11.FR.02"
    also = ("E04.FR.03",)

    def __init__(self, config: StationConfig) -> None:
        """Know no transaction that began offline."""
        super().__init__(config)
        self._began_offline: set[str] = set()

    def deliver_event(self, event: Payload) -> None:
        """Take the flag away from the others."""
        identifier = event["transactionInfo"]["transactionId"]
        if event["eventType"] == "Started" and event.get("offline"):
            self._began_offline.add(identifier)
        if identifier not in self._began_offline:
            event.pop("offline", None)
        super().deliver_event(event)


class OfflineSaidToBeFalse(ReferenceStation):
    """Says of every event that it did not happen offline."""

    breaks = "E11.FR.02"
    also = ("E04.FR.03", "E11.FR.07")

    def deliver_event(self, event: Payload) -> None:
        """Say so."""
        super().deliver_event(event | {"offline": False})

    def flag_queued_events_offline(self) -> None:
        """Leave it at that."""


class WaitingEventsNotFlagged(ReferenceStation):
    """Leaves events as they are that still wait when the connection goes."""

    breaks = "E11.FR.07"
    also = ("TX.OFFLINE.02",)

    def flag_queued_events_offline(self) -> None:
        """Do nothing."""


class OfflineIdsRepeated(ReferenceStation):
    """Calls every transaction that begins offline by one name."""

    breaks = "E01.FR.08"

    def new_transaction_id(self) -> str:
        """Have one for all of them."""
        return "OFFLINE-1" if self.is_offline() else super().new_transaction_id()


class TransactionIdsBeginAnew(ReferenceStation):
    """Numbers its transactions from 1 in every life."""

    breaks = "E01.FR.08"
    number = 0

    def start_up(self) -> None:
        """Begin anew."""
        self.number = 0
        super().start_up()

    def new_transaction_id(self) -> str:
        """Count."""
        self.number += 1
        return f"TX-{self.number}"


# -- in which order ---------------------------------------------------------------------------------------------------


class LastEventFirst(ReferenceStation):
    """Sends what it kept beginning with the last."""

    breaks = "OFFLINE.ORDER.01"

    def connected(self, offline_seconds: float | None) -> None:
        """Turn the queue round."""
        self._jobs.reverse()
        super().connected(offline_seconds)


class FutureEventsForgotten(ReferenceStation):
    """Throws away what it kept of times that are still to come, when its clock is put right."""

    breaks = "OFFLINE.CLOCK.01"

    def clock_was_set(self) -> None:
        """Look for such events."""
        super().clock_was_set()
        limit = self.clock.now() + timedelta(minutes=1)
        for job in [job for job in self._jobs if job.entry is not None and job is not self._current]:
            at = parse_moment(str(job.payload.get("timestamp")))
            if at is not None and at > limit:
                self._remove(job)


# -- when memory is short ---------------------------------------------------------------------------------------------


class OldestEventsDropped(ReferenceStation):
    """Has little memory, and drops what it kept first."""

    breaks = "E04.FR.08"

    def __init__(self, config: StationConfig) -> None:
        """Have room for a few."""
        super().__init__(config)
        config.queue_capacity = SMALL

    def events_to_drop(self, updated: list[Job]) -> list[Job]:
        """Drop the oldest half."""
        return updated[: len(updated) // 2]


class NewEventsNotKept(ReferenceStation):
    """Has little memory, and keeps nothing more when it is full."""

    breaks = "E04.FR.08"

    def __init__(self, config: StationConfig) -> None:
        """Have room for a few."""
        super().__init__(config)
        config.queue_capacity = SMALL

    def events_to_drop(self, updated: list[Job]) -> list[Job]:
        """Drop the new one."""
        return updated[-1:]


class NamesFirstEvseOffline(ReferenceStation):
    """Names the first EVSE in what happens offline, wherever it was."""

    breaks = "E01.FR.16"

    def event_payload(self, place: Evse, event_type: str, trigger: str, connector: int | None = None) -> Payload:
        """Name it."""
        event = super().event_payload(place, event_type, trigger, connector)
        return event | {"evse": event["evse"] | {"id": 1}} if event.get("offline") else event


class SecondTransactionOnEvse(ReferenceStation):
    """Starts a transaction for a plug in another connector of an EVSE that is in use."""

    breaks = "E01.FR.14"

    async def plug_in(self, evse: int, connector: int) -> None:
        """Start one more."""
        place = self.evses[evse]
        running = place.session.transaction
        if running is None or place.plugged in (None, connector):
            await super().plug_in(evse, connector)
            return
        place.session.transaction = Transaction(self.new_transaction_id(), evse, connector)
        self.send_event(place, "Started", "CablePluggedIn", connector=connector)
        self.send_event(place, "Ended", "EVCommunicationLost", connector=connector)
        place.session.transaction = running
