"""The RPC layer: one open call at a time, queues, answers to the CSMS (Part 4)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from websockets.exceptions import ConnectionClosed

from conformance.reference.station.base import StationBase, StationCore
from conformance.reference.station.rpc import (
    Answer,
    BadFrameError,
    Call,
    ConnectionLostError,
    NoAnswerError,
    NotSentError,
    Payload,
    RpcError,
    check_payload,
    decode,
    encode_call,
    encode_error,
    encode_result,
    known_actions,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from websockets.asyncio.client import ClientConnection

    from conformance.reference.station.config import StationConfig

logger = logging.getLogger(__name__)

SECURITY_EVENT_RETRY = 10.0
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass
class Job:
    """One call waiting for its turn; `entry` is its place in flash memory when it must not get lost."""

    action: str
    payload: Payload
    future: asyncio.Future[Payload] | None = None
    lost: Callable[[], None] | None = None
    entry: Payload | None = None
    not_before: float = 0.0


class Exchange(StationCore):
    """Sends calls one after the other and answers those of the CSMS, by the rules that all editions share."""

    def __init__(self, config: StationConfig) -> None:
        """Start without a link."""
        super().__init__(config)
        self.link: ClientConnection | None = None
        self.link_up = asyncio.Event()
        self.last_sent = 0.0
        self.drained = asyncio.Event()
        self._jobs: list[Job] = []
        self._wake = asyncio.Event()
        self._current: Job | None = None
        self._open: tuple[str, asyncio.Future[None]] | None = None
        self._follow_ups: list[Callable[[], Coroutine[Any, Any, None]]] = []

    # -- calls to the CSMS

    async def call(self, action: str, payload: Payload, *, asked: bool = False) -> Payload:
        """Send a call and return the result.

        `asked` marks what the CSMS told us to send, which is allowed before Accepted (B02.FR.02). Raises RpcError
        for a CALLERROR or an invalid result, TimeoutError, ConnectionLostError, or NotSentError.
        """
        if not self.may_send(action, asked=asked):
            raise NotSentError(action)
        if self.link is None:
            raise ConnectionLostError(action)
        future: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
        self._enqueue(Job(action, payload, future))
        return await future

    def send(
        self,
        action: str,
        payload: Payload,
        *,
        asked: bool = False,
        lost: Callable[[], None] | None = None,
    ) -> None:
        """Queue a call whose result doesn't matter; `lost` is called when it could not be delivered."""
        if self.link is not None and self.may_send(action, asked=asked):
            self._enqueue(Job(action, payload, lost=lost))
        elif lost is not None:
            lost()

    def send_surely(self, action: str, payload: Payload, **notes: Any) -> None:
        """Queue a call in flash memory, to be sent when there is a link and the CSMS has accepted the boot.

        `notes` stay with it in flash memory and are not sent.
        """
        entry = {"action": action, "payload": payload, "attempts": 0, **notes}
        self.outbox.append(entry)
        self._enqueue(Job(action, payload, entry=entry))

    def may_send(self, action: str, *, asked: bool = False) -> bool:
        """Tell whether the registration status lets a call go out (B01.FR.08, B02.FR.02, B03.FR.02)."""
        if action == "BootNotification" or self.accepted:
            return True
        return asked and self.registration == "Pending"

    @property
    def outbox(self) -> list[Payload]:
        """The persistent queue, in flash memory."""
        queue: list[Payload] = self.storage.setdefault("outbox", [])
        return queue

    def is_transaction_message(self, action: str) -> bool:
        """Tell whether a message belongs to a transaction: these are delivered in their order."""
        raise NotImplementedError

    def reload_outbox(self) -> None:
        """Forget what was queued before the boot, but for what flash memory holds."""
        self._jobs = [Job(entry["action"], entry["payload"], entry=entry) for entry in self.outbox]
        self._note_drained()

    def wake_sender(self) -> None:
        """Have the queue looked at again."""
        self._wake.set()

    def new_message_id(self) -> str:
        """Return an id that no other call of this station has, on any connection."""
        return str(uuid.uuid4())

    def message_timeout(self) -> float:
        """Return for how many seconds an answer is waited for."""
        raise NotImplementedError

    def _enqueue(self, job: Job) -> None:
        """Put a job in the queue."""
        self._jobs.append(job)
        self._note_drained()
        self._wake.set()

    def _note_drained(self) -> None:
        """Keep `drained` true exactly while no message of a transaction waits."""
        if any(self.is_transaction_message(entry["action"]) for entry in self.outbox):
            self.drained.clear()
        else:
            self.drained.set()

    def _next_job(self) -> Job | None:
        """Return what to send now: ordinary calls first, then the persistent queue in its order."""
        if self.link is None:
            return None
        now = asyncio.get_running_loop().time()
        blocked = False
        for job in sorted(self._jobs, key=lambda job: job.entry is not None):
            if job.entry is None:
                return job
            event = self.is_transaction_message(job.action)
            if not self.may_send(job.action) or (event and blocked):
                continue
            if job.not_before <= now:
                return job
            blocked = blocked or event
            asyncio.get_running_loop().call_at(job.not_before, self._wake.set)
        return None

    async def send_loop(self) -> None:
        """Deliver queued calls one by one, for as long as the station runs."""
        while True:
            job = self._next_job()
            if job is None:
                self._wake.clear()
                await self._wake.wait()
                continue
            await self._deliver(job)

    async def _deliver(self, job: Job) -> None:
        """Send one call, wait for its answer and settle the job."""
        message_id = self.new_message_id()
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._open, self._current = (message_id, answered), job
        try:
            await self.transmit(encode_call(message_id, job.action, job.payload))
            async with asyncio.timeout(self.message_timeout()):
                await answered
        except (TimeoutError, ConnectionLostError) as problem:
            self._failed(job, problem)
        finally:
            self._open = self._current = None

    def _succeeded(self, job: Job, result: Payload) -> None:
        """Act on a result, and hand it to whoever waits for it."""
        self._remove(job)
        if job.entry is not None:
            self.entry_delivered(job.entry, result)
        self.result_arrived(job.action, job.payload, result)
        if job.future is not None and not job.future.done():
            job.future.set_result(result)

    def _failed(self, job: Job, problem: Exception) -> None:
        """Hand over the error, or plan another attempt for what must not get lost."""
        if job.entry is not None:
            self._plan_retry(job, job.entry, problem)
            return
        self._remove(job)
        if job.future is not None and not job.future.done():
            job.future.set_exception(problem)
        if job.lost is not None:
            job.lost()

    def _plan_retry(self, job: Job, entry: Payload, problem: Exception) -> None:
        """Try a persistent message again, at once after a lost link, else after a pause."""
        if isinstance(problem, ConnectionLostError):
            return
        entry["attempts"] += 1
        wait = self.retry_wait(job.action, entry["attempts"]) if self.worth_retrying(job.action, problem) else None
        if wait is None:
            self._remove(job)
            self.entry_given_up(entry)
        else:
            job.not_before = asyncio.get_running_loop().time() + wait

    def retry_wait(self, action: str, attempts: int) -> float | None:
        """Return the pause in seconds before sending a message again, None to give it up."""
        raise NotImplementedError

    def worth_retrying(self, action: str, problem: Exception) -> bool:  # noqa: ARG002
        """Tell whether a persistent message that failed may fare better another time."""
        return True

    def entry_delivered(self, entry: Payload, result: Payload) -> None:
        """Hear that the CSMS has answered a persistent message."""

    def entry_given_up(self, entry: Payload) -> None:
        """Hear that a persistent message is not tried again."""

    def _remove(self, job: Job) -> None:
        """Take a job out of the queue and out of flash memory."""
        if job in self._jobs:
            self._jobs.remove(job)
        if job.entry is not None and job.entry in self.outbox:
            self.outbox.remove(job.entry)
        self._note_drained()

    def drop_link_jobs(self) -> None:
        """Fail every call that depended on the link, and flag queued events offline (E11.FR.07)."""
        if self._open is not None and self._current is not None and not self._open[1].done():
            self._open[1].set_result(None)
            self._failed(self._current, ConnectionLostError())
        for job in [job for job in self._jobs if job.entry is None and job is not self._current]:
            self._failed(job, ConnectionLostError())
        self.flag_queued_events_offline()

    def flag_queued_events_offline(self) -> None:
        """Mark what is still queued when the link drops, if the edition has a mark for it."""

    # -- calls from the CSMS

    async def transmit(self, frame: str) -> None:
        """Put a frame on the wire; raise ConnectionLostError without a link."""
        link = self.link
        if link is None:
            raise ConnectionLostError
        self.last_sent = asyncio.get_running_loop().time()
        try:
            await link.send(frame)
        except ConnectionClosed:
            self.note_link_lost(link)
            raise ConnectionLostError from None

    def note_link_lost(self, link: ClientConnection) -> None:
        """Stop using a link that turned out dead, before its reader notices too."""
        if self.link is link:
            self.link = None
            self.link_up.clear()

    async def receive(self, raw: str | bytes) -> None:
        """Take one message from the wire: settle a call of ours, or answer one of the CSMS."""
        try:
            frame = self.decode(raw)
        except BadFrameError as bad:
            if bad.error is not None:
                await self._reply(encode_error(bad.message_id, bad.error))
            return
        if isinstance(frame, Call):
            if (reply := self._answer_frame(frame)) is not None:
                await self._reply(reply)
            self._run_follow_ups()
        else:
            self._settle(frame)

    def _settle(self, answer: Answer) -> None:
        """Match an answer with the open call; anything else is ignored.

        What follows from it is done here, not in the task that waits: the next frame may already depend on it.
        """
        if self._open is None or self._current is None or self._open[0] != answer.message_id or self._open[1].done():
            return
        self._open[1].set_result(None)
        try:
            if isinstance(answer.result, RpcError):
                raise answer.result
            self.check_result(self._current.action, answer.result)
        except RpcError as error:
            self._failed(self._current, error)
        else:
            self._succeeded(self._current, answer.result)

    async def _reply(self, frame: str) -> None:
        """Send an answer; if the link has gone there is nobody to tell."""
        with contextlib.suppress(ConnectionLostError):
            await self.transmit(frame)

    def _answer_frame(self, call: Call) -> str | None:
        """Return the frame that answers a call, None when silence is due."""
        try:
            return encode_result(call.message_id, self.answer(call))
        except NoAnswerError:
            return None
        except RpcError as error:
            return encode_error(call.message_id, error)
        except Exception:
            logger.exception("the handler of %s failed", call.action)
            return encode_error(call.message_id, RpcError("InternalError", "the request could not be handled"))

    def answer(self, call: Call) -> Payload:
        """Return the result of a call from the CSMS, or raise the RpcError it deserves."""
        if self.registration == "Rejected":
            return self.answer_while_rejected(call)
        return self.dispatch(call)

    def answer_while_rejected(self, call: Call) -> Payload:
        """Do with a call what is due while the boot is rejected."""
        raise NotImplementedError

    def dispatch(self, call: Call) -> Payload:
        """Find the handler `on_<action>`, check the payload and run it."""
        if call.action not in self.known_actions():
            raise RpcError("NotImplemented", f"unknown action {call.action}")
        handler = getattr(self, "on_" + _CAPITAL.sub("_", call.action).lower(), None)
        if handler is None:
            raise RpcError("NotSupported", f"{call.action} is not supported")
        self.check_request(call.action, call.payload)
        self.check_message_limits(call)
        result: Payload = handler(call.payload)
        return result

    def decode(self, raw: str | bytes) -> Call | Answer:
        """Read one WebSocket message; raise BadFrameError for what is neither a call nor an answer."""
        raise NotImplementedError

    def known_actions(self) -> frozenset[str]:
        """Return every action of the edition, whoever may send it."""
        raise NotImplementedError

    def check_request(self, action: str, payload: object) -> None:
        """Raise the RpcError that the payload of a request deserves."""
        raise NotImplementedError

    def check_result(self, action: str, payload: object) -> None:
        """Raise the RpcError that the payload of a result deserves."""
        raise NotImplementedError

    def check_message_limits(self, call: Call) -> None:
        """Raise RpcError for a message with more items or bytes than announced."""

    def after_answer(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run `work` in the background, once the answer being made is on the wire."""
        self._follow_ups.append(work)

    def _run_follow_ups(self) -> None:
        """Start what the last handler put off."""
        follow_ups, self._follow_ups = self._follow_ups, []
        for work in follow_ups:
            self.tasks.start(work())


class Messaging(Exchange, StationBase):
    """The RPC layer of OCPP 2.0.1."""

    def decode(self, raw: str | bytes) -> Call | Answer:
        """Read one WebSocket message; raise BadFrameError for what is neither a call nor an answer."""
        return decode(raw)

    def known_actions(self) -> frozenset[str]:
        """Return every action of OCPP 2.0.1, whoever may send it."""
        return known_actions()

    def check_request(self, action: str, payload: object) -> None:
        """Raise the RpcError that the payload of a request deserves."""
        check_payload(f"{action}Request", payload)

    def check_result(self, action: str, payload: object) -> None:
        """Raise the RpcError that the payload of a result deserves."""
        check_payload(f"{action}Response", payload)

    def is_transaction_message(self, action: str) -> bool:
        """Tell whether a message belongs to a transaction: these are delivered in their order."""
        return action == "TransactionEvent"

    def queued_events(self, transaction_id: str | None = None) -> list[Payload]:
        """Return the TransactionEvents still to be delivered, of one transaction or of all."""
        events = [entry["payload"] for entry in self.outbox if entry["action"] == "TransactionEvent"]
        if transaction_id is None:
            return events
        return [event for event in events if event["transactionInfo"]["transactionId"] == transaction_id]

    def message_timeout(self) -> float:
        """Return for how many seconds an answer is waited for."""
        return self.model.number("OCPPCommCtrlr", "MessageTimeout", "Default")

    def retry_wait(self, action: str, attempts: int) -> float | None:
        """Return the pause in seconds before sending a message again, None to give it up (E13.FR.02-04)."""
        if action != "TransactionEvent":
            return SECURITY_EVENT_RETRY * attempts
        if attempts >= self.model.number("OCPPCommCtrlr", "MessageAttempts", "TransactionEvent"):
            return None
        return self.model.number("OCPPCommCtrlr", "MessageAttemptInterval", "TransactionEvent") * attempts

    def flag_queued_events_offline(self) -> None:
        """Mark what is still queued when the link drops (E11.FR.07)."""
        for event in self.queued_events():
            event["offline"] = True

    def answer_while_rejected(self, call: Call) -> Payload:
        """Refuse everything while the boot is rejected (B03.FR.08)."""
        raise RpcError("SecurityError", f"not registered, no {call.action}")
