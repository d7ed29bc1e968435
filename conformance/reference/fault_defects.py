"""Defects of stations of either version that show when the network fails; each is mixed into a reference station."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from conformance.reference.station.messaging import Exchange
from conformance.reference.station.rpc import ConnectionLostError

if TYPE_CHECKING:
    from conformance.reference.station.messaging import Job
    from conformance.reference.station.rpc import Payload

SLOW = 0.25
"""Seconds after which an answer is slow to an impatient station."""


class KeepsNothing(Exchange):
    """Keeps no message about a transaction while there is no connection."""

    def send_surely(self, action: str, payload: Payload, **notes: Any) -> None:
        """Keep nothing without a link."""
        if self.link is not None or not self.is_transaction_message(action):
            super().send_surely(action, payload, **notes)


class DropsWhatIsUnderWay(Exchange):
    """Takes a message for delivered once it was sent, although the connection went before the answer."""

    def _plan_retry(self, job: Job, entry: Payload, problem: Exception) -> None:
        if isinstance(problem, ConnectionLostError) and self.is_transaction_message(job.action):
            self._remove(job)
            self.entry_given_up(entry)
        else:
            super()._plan_retry(job, entry, problem)


class Tires(Exchange):
    """Does not tell the end of a transaction any more once an answer has taken its time."""

    _sent = 0.0
    _tired = False

    async def _deliver(self, job: Job) -> None:
        self._sent = asyncio.get_running_loop().time()
        await super()._deliver(job)

    def _succeeded(self, job: Job, result: Payload) -> None:
        self._tired = self._tired or asyncio.get_running_loop().time() - self._sent > SLOW
        super()._succeeded(job, result)

    def send_surely(self, action: str, payload: Payload, **notes: Any) -> None:
        """Have lost heart."""
        if not (self._tired and (action == "StopTransaction" or payload.get("eventType") == "Ended")):
            super().send_surely(action, payload, **notes)


class NeverRepeats(Exchange):
    """Sends a message once, whatever is answered to it, or not."""

    def retry_wait(self, action: str, attempts: int) -> float | None:
        """Give up at once."""
        return None if self.is_transaction_message(action) else super().retry_wait(action, attempts)


class ChangesWhatItRepeats(Exchange):
    """Sends a message about a transaction otherwise the second time."""

    _under_way: tuple[Payload, ...] = ()

    async def _deliver(self, job: Job) -> None:
        if job.entry is not None and self.is_transaction_message(job.action):
            if any(each is job.entry for each in self._under_way):
                self.change(job.payload)
            self._under_way = (*self._under_way, job.entry)
        await super()._deliver(job)

    def change(self, payload: Payload) -> None:
        """Change what is sent again."""
        raise NotImplementedError


class TellsAgain(Exchange):
    """Sends every message about a transaction twice, once it has lost its connection."""

    _lost = False

    def disconnected(self) -> None:
        """Trust nobody any more."""
        super().disconnected()
        self._lost = True

    def _succeeded(self, job: Job, result: Payload) -> None:
        super()._succeeded(job, result)
        notes = dict(job.entry or {"again": True})
        if self._lost and self.is_transaction_message(job.action) and not notes.get("again"):
            notes |= {"again": True}
            self.send_surely(notes.pop("action"), notes.pop("payload"), **notes)


class Impatient(Exchange):
    """Sends a message about a transaction again when the answer does not come at once."""

    async def transmit(self, frame: str) -> None:
        """Send, and look again soon."""
        await super().transmit(frame)
        waiting, job = self._open, self._current
        if waiting is not None and job is not None and self.is_transaction_message(job.action) and waiting[0] in frame:
            self.tasks.start(self._send_again(frame, waiting[1]))

    async def _send_again(self, frame: str, answered: asyncio.Future[None]) -> None:
        done, _ = await asyncio.wait({answered}, timeout=SLOW)
        if not done and self.link is not None:
            await super().transmit(frame)
