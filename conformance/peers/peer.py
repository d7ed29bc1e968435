"""One end of an OCPP link, whichever it is: answers by default, can be scripted, and waits for what a case expects."""

import asyncio
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.oracles import wire
from conformance.peers.received import NoAnswer, NotSeen, Received, Refused
from conformance.peers.replies import Answer, Error, Held, Late, Raw, Silence
from conformance.wire.frames import Call, CallError, CallResult, Malformed, encode_call, encode_error, encode_result
from conformance.wire.link import Link
from conformance.wire.schemas import VERSIONS
from conformance.wire.transcript import Entry, Transcript

Default = Callable[[Mapping[str, Any]], Mapping[str, Any]]

MALFORMED_CODE = {"1.6": "FormationViolation"}
"""The CALLERROR code for what is no proper CALL, by version, where that is not RpcFrameworkError."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a peer is waiting for: shown as progress."""

    what: str
    since: float
    within: float


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds: `answer` for the answer to a call, `default` and `actions` for a call to come."""

    answer: float
    default: float
    actions: Mapping[str, float]

    def for_action(self, action: str) -> float:
        """How long a call of this action may take to come."""
        return self.actions.get(action, self.default)


class Peer:
    """The harness's end of the link to one system under test.

    It survives any number of connections: calls and expectations are about the system under test, not about one
    WebSocket. What a case did not ask for is answered by `defaults`, which are by version and then by action, and
    recorded; a connection without a version counts as one of the first.
    """

    def __init__(
        self,
        identity: str,
        transcript: Transcript,
        patience: Patience,
        defaults: Mapping[str, Mapping[str, Default]],
    ) -> None:
        self.identity = identity
        self.transcript = transcript
        self.patience = patience
        self.link: Link | None = None
        self.waiting: Waiting | None = None
        self.waited = 0.0
        self.remarks: list[str] = []
        """What people should know of this run, beside what is found in it."""
        self._defaults = defaults
        self._scripts: dict[str, deque[Answer]] = defaultdict(deque)
        self._standing: dict[str, Answer] = {}
        self._pending: dict[str, asyncio.Future[Entry]] = {}
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()
        self._background: set[asyncio.Task[None]] = set()
        self.case = ""
        """The case that runs."""
        self._mark = 0
        self._consumed: set[int] = set()
        self._touched: list[int] = []
        transcript.watch(self._noticed)

    # -- the life of a case ---------------------------------------------------------------------------------------

    def begin(self, case: str = "") -> None:
        """Start a case: what came before is no longer awaited, scripts are gone."""
        self.case = case
        self._mark = len(self.transcript.entries)
        self._consumed.clear()
        self._touched.clear()
        self._scripts.clear()
        self._standing.clear()
        self.waited = 0.0

    @property
    def unused(self) -> dict[str, int]:
        """Scripted answers that nobody asked for, by action."""
        return {action: len(answers) for action, answers in self._scripts.items() if answers}

    def touched(self) -> tuple[int, ...]:
        """The transcript entries that the case has looked at since the last call of this method."""
        numbers = tuple(dict.fromkeys(self._touched))
        self._touched.clear()
        return numbers

    def touch(self, *entries: Entry | Received) -> None:
        """Name entries as evidence for what is being judged."""
        self._touched.extend(each.n for each in entries)

    @property
    def now(self) -> int:
        """The number that the next entry of the transcript will get: a mark for `after` and `since`."""
        return len(self.transcript.entries)

    # -- what a case scripts --------------------------------------------------------------------------------------

    def answer(self, action: str, *answers: Answer) -> None:
        """Answer the next calls of `action` with these, one each, then by default again.

        An answer is a payload, a function from the call's payload to one, or an `Error`, `Raw`, `Silence`, `Late`.
        """
        self._scripts[action] = deque(answers)
        self._standing.pop(action, None)

    def keep_answering(self, action: str, answer: Answer) -> None:
        """Answer every call of `action` with this, until the case ends or `answer` says otherwise."""
        self._scripts.pop(action, None)
        self._standing[action] = answer

    # -- what a case does -----------------------------------------------------------------------------------------

    async def call(self, action: str, payload: Mapping[str, Any], *, within: float | None = None) -> Received:
        """Call the system under test and return the payload of its answer.

        Raises Refused when it answers with a CALLERROR, NoAnswer when it does not answer within so many seconds.
        """
        entry = await self.attempt(action, payload, within=within)
        if isinstance(entry.frame, CallResult):
            return Received(entry.frame.payload, entry, f"the answer to {action}")
        raise Refused(action, entry)

    async def call_error(self, action: str, payload: Mapping[str, Any], *, within: float | None = None) -> Refused:
        """Call the system under test where it has to refuse with a CALLERROR, and return that.

        Raises AssertionError when it answers with a CALLRESULT, NoAnswer when it does not answer.
        """
        entry = await self.attempt(action, payload, within=within)
        if wire.refusal_code(entry):
            return Refused(action, entry)
        raise AssertionError(f"{action} had to be refused with a CALLERROR, and was answered: {_short(entry)}")

    async def attempt(self, action: str, payload: Mapping[str, Any], *, within: float | None = None) -> Entry:
        """Call the system under test and return the entry of whatever answer it gives; raises NoAnswer."""
        message_id = str(uuid.uuid4())
        return await self.send_raw(
            encode_call(message_id, action, payload), message_id, what=f"the answer to {action}", within=within
        )

    async def send_raw(self, text: str, message_id: str, *, what: str, within: float | None = None) -> Entry:
        """Send any text and wait for an answer that carries `message_id`; raises NoAnswer."""
        limit = self.patience.answer if within is None else within
        async with self._turn:
            link = await self.connected(within=limit)
            with self._wait(what, limit):
                answer = await self._exchange(link, text, message_id, what=what, within=limit)
        self.touch(answer)
        return answer

    async def _exchange(  # noqa: PLR0913 -- internal, by keyword
        self, link: Link, text: str, message_id: str, *, what: str, within: float, evidence: bool = True
    ) -> Entry:
        """Send a text on a link and wait for the answer to it, while it is this peer's turn."""
        future: asyncio.Future[Entry] = asyncio.get_running_loop().create_future()
        self._pending[message_id] = future
        try:
            sent = link.send(text)
            if evidence:
                self.touch(sent)
            done, _ = await asyncio.wait({future}, timeout=within)
            if not done:
                raise NoAnswer(f"{what} did not come within {within:g} s")
            return future.result()
        finally:
            self._pending.pop(message_id, None)

    async def connected(self, *, within: float | None = None) -> Link:
        """Wait until there is a connection; raises NotSeen."""
        limit = self.patience.for_action("connection") if within is None else within
        await self._until(lambda: self.link is not None and self.link.is_open, "a connection", limit)
        assert self.link is not None
        return self.link

    async def disconnected(self, *, within: float | None = None) -> None:
        """Wait until there is no connection; raises NotSeen."""
        limit = self.patience.for_action("connection") if within is None else within
        await self._until(lambda: self.link is None, "the end of the connection", limit)

    async def expect(
        self,
        action: str,
        *,
        within: float | None = None,
        where: Callable[[Received], bool] | None = None,
        after: Received | Entry | int | None = None,
        before: Received | Entry | None = None,
        **fields: object,
    ) -> Received:
        """Wait for a call of `action` from the system under test, and take it: no call satisfies two expectations.

        Calls that came since the case began count. `fields` must equal those of the payload, `where` must hold;
        `after` and `before` bound its place in the transcript. Raises NotSeen after `within` seconds.
        """
        limit = self.patience.for_action(action) if within is None else within
        first = self._first(after)
        found: list[Received] = []

        def look() -> bool:
            for message in self._calls(action, first):
                if before is not None and message.n >= before.n:
                    break
                if message.n in self._consumed or not _matches(message, fields, where):
                    continue
                found.append(message)
                return True
            return False

        wanted = _wanted(action, fields)
        try:
            await self._until(look, wanted, limit)
        except NotSeen as missing:
            raise NotSeen(f"{missing}; {self._instead(action, first)}") from None
        message = found[-1]
        self._consumed.add(message.n)
        self.touch(message)
        return message

    def seen(
        self, action: str, *, after: Received | Entry | int | None = None, before: Received | Entry | None = None
    ) -> list[Received]:
        """The calls of `action` that have come since the case began, taken or not, without waiting."""
        last = self.now if before is None else before.n
        return [message for message in self._calls(action, self._first(after)) if message.n < last]

    def traffic(
        self, *, after: Received | Entry | int | None = None, before: Received | Entry | int | None = None
    ) -> list[Received]:
        """Every call, whatever its action, that the system under test has made since the case began."""
        last = self.now if before is None else (before if isinstance(before, int) else before.n)
        return [message for message in self._calls(None, self._first(after)) if message.n < last]

    async def silence(
        self, *, for_: float, allow: Iterable[str] = (), since: Received | Entry | int | None = None
    ) -> None:
        """Watch for so many seconds that no call comes but those in `allow`; AssertionError if one does."""
        allowed = frozenset(allow)
        first = self.now if since is None else self._first(since)

        def intruder() -> Received | None:
            calls = self._calls(None, first)
            return next((each for each in calls if each.action not in allowed), None)

        try:
            await self._until(lambda: intruder() is not None, f"nothing to come for {for_:g} s", for_)
        except NotSeen:
            return
        broken = intruder()
        assert broken is not None
        self.touch(broken)
        raise AssertionError(f"nothing may be sent here, and {_short(broken.entry)} came")

    def opened(self, message: Received) -> int | None:
        """The number of the entry by which the connection of a message was opened in this case, if it was."""
        for entry in self.transcript.entries[self._mark : message.n]:
            if entry.kind == "open" and entry.link == message.entry.link:
                return entry.n
        return None

    async def answered(self, message: Received, *, within: float) -> Entry:
        """Wait until this peer has answered a call, and return the answer's entry; raises NotSeen."""

        def answer() -> Entry | None:
            exchange = self.transcript.exchange(message.entry)
            return exchange.answer if exchange else None

        await self._until(lambda: answer() is not None, f"the answer to {message.action}", within)
        found = answer()
        assert found is not None
        return found

    def reply(self, message: Received, answer: Answer | None = None) -> None:
        """Answer a call that was met with silence so far; with None by default.

        Raises NotSeen where the connection that it came on is gone.
        """
        link, frame = self.link, message.entry.frame
        if link is None or link.number != message.entry.link:
            raise NotSeen(f"the connection on which {message.action} came is gone: there is nobody to answer")
        assert isinstance(frame, Call)
        self._give(link, frame, self.default_answer(frame, self.version_of(link)) if answer is None else answer)

    async def until(self, condition: Callable[[], bool], what: str, *, within: float) -> None:
        """Wait until a condition over the transcript holds; raises NotSeen naming `what`."""
        await self._until(condition, what, within)

    # -- the link ---------------------------------------------------------------------------------------------------

    def attach(self, link: Link) -> None:
        """Take over a new connection; an older one of the same identity is closed: the newest is the living one."""
        older, self.link = self.link, link
        if older is not None:
            older.start_close(1000, "replaced by a newer connection")
        self._changed.set()

    def detach(self, link: Link) -> None:
        """Forget a connection that has ended, and what was asked on it."""
        if self.link is not link:
            return
        self.link = None
        for future in self._pending.values():
            if not future.done():
                future.set_exception(NoAnswer("the connection ended before the answer came"))
        self._changed.set()

    def received(self, link: Link, entry: Entry) -> None:
        """Take a frame from the wire: answer a call, hand an answer to who asked."""
        match entry.frame:
            case Call() as call:
                self._answer_call(link, call)
            case CallResult(message_id=message_id) | CallError(message_id=message_id):
                future = self._pending.get(message_id)
                if future is not None and not future.done():
                    future.set_result(entry)
            case Malformed() as broken:
                self._answer_malformed(link, broken)
                self._take_malformed_answer(entry, broken)
            case _:
                pass

    async def close(self) -> None:
        """Stop answering and let go of everything."""
        self.transcript.unwatch(self._noticed)
        for task in tuple(self._background):
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    def default_answer(self, call: Call, version: str) -> Answer:
        """What a compliant peer says to this call, in this version of OCPP."""
        default = self._defaults.get(version, {}).get(call.action)
        return refusal(call, version) if default is None else default

    def gave(self, call: Call, answer: Mapping[str, Any]) -> None:
        """Take note of an answer that has just been given; a hook for what a role keeps in mind."""

    def _answer_call(self, link: Link, call: Call) -> None:
        script = self._scripts.get(call.action)
        if script:
            answer = script.popleft()
        elif call.action in self._standing:
            answer = self._standing[call.action]
        else:
            answer = self.default_answer(call, self.version_of(link))
        self._give(link, call, answer)

    def version_of(self, link: Link) -> str:
        """The version of OCPP that is spoken on a link; the first of the peer's own where none was agreed on."""
        return next(iter(self._defaults)) if link.version is None else link.version.name

    def _give(self, link: Link, call: Call, answer: Answer) -> None:
        match answer:
            case Silence():
                return
            case Raw(text):
                link.send(text.replace("{id}", call.message_id))
            case Error(code, description, details):
                link.send(encode_error(call.message_id, code, description, dict(details)))
            case Late(seconds, then):
                self._in_background(self._give_late(link, call, seconds, then))
            case Held(until):
                self._in_background(self._give_when(link, call, until))
            case _:
                chosen = answer(call.payload) if callable(answer) else answer
                if not isinstance(chosen, Mapping):
                    self._give(link, call, chosen)
                    return
                link.send(encode_result(call.message_id, chosen))
                self.gave(call, chosen)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _give_late(self, link: Link, call: Call, seconds: float, then: Answer | None) -> None:
        await asyncio.sleep(seconds)
        if link.is_open:
            self._give(link, call, self.default_answer(call, self.version_of(link)) if then is None else then)

    async def _give_when(self, link: Link, call: Call, until: asyncio.Event) -> None:
        await until.wait()
        if link.is_open:
            self._give(link, call, self.default_answer(call, self.version_of(link)))

    def _answer_malformed(self, link: Link, broken: Malformed) -> None:
        """Answer a broken CALL with a CALLERROR; a broken answer gets none, or the two would never stop."""
        if broken.message_type in (None, 2):
            code = MALFORMED_CODE.get(self.version_of(link), "RpcFrameworkError")
            link.send(encode_error(broken.message_id or "-1", code, broken.reason[:255], {}))

    def _take_malformed_answer(self, entry: Entry, broken: Malformed) -> None:
        """Tell who asked that an answer has come which is none; a wait for another would be in vain.

        A CALLERROR of which the code can be read says what there is to say: its form is judged elsewhere.
        """
        future = self._pending.get(broken.message_id or "") if broken.message_type in (3, 4) else None
        if future is None or future.done():
            return
        if wire.refusal_code(entry):
            future.set_result(entry)
        else:
            future.set_exception(NoAnswer(f"the answer is not well-formed: {broken.reason}"))

    # -- waiting ------------------------------------------------------------------------------------------------------

    def _noticed(self, entry: Entry) -> None:
        if entry.station in (None, self.identity):
            self._changed.set()

    async def _until(self, condition: Callable[[], bool], what: str, within: float) -> None:
        deadline = time.monotonic() + within
        with self._wait(what, within):
            while not condition():
                self._changed.clear()
                left = deadline - time.monotonic()
                if left <= 0:
                    raise NotSeen(f"{what} did not come within {within:g} s")
                try:
                    async with asyncio.timeout(left):
                        await self._changed.wait()
                except TimeoutError:
                    continue

    def _wait(self, what: str, within: float) -> "_Wait":
        return _Wait(self, Waiting(what, time.monotonic(), within))

    def _first(self, after: Received | Entry | int | None) -> int:
        if after is None:
            return self._mark
        return after if isinstance(after, int) else after.n + 1

    def _calls(self, action: str | None, first: int) -> list[Received]:
        """The calls of the system under test from entry `first` on."""
        return [
            Received(entry.frame.payload, entry, f"{entry.frame.action}")
            for entry in self.transcript.entries[first:]
            if entry.sender == "sut"
            and entry.station == self.identity
            and isinstance(entry.frame, Call)
            and action in (None, entry.frame.action)
        ]

    def _instead(self, action: str, first: int) -> str:
        same = [message for message in self._calls(action, first) if message.n not in self._consumed]
        if same:
            self.touch(same[-1])
            return f"the last {action} was {_short(same[-1].entry)}"
        others = [message.entry for message in self._calls(None, first)]
        if not others:
            return "nothing came" + ("" if self.link is not None else ", and there is no connection")
        names = dict.fromkeys(entry.frame.action for entry in others if isinstance(entry.frame, Call))
        return f"what came: {', '.join(names)}"


class _Wait:
    """Shows what a peer waits for, and adds up how long."""

    def __init__(self, peer: Peer, waiting: Waiting) -> None:
        self._peer = peer
        self._waiting = waiting
        self._outer: Waiting | None = None

    def __enter__(self) -> None:
        self._outer, self._peer.waiting = self._peer.waiting, self._waiting

    def __exit__(self, *_: object) -> None:
        self._peer.waiting = self._outer
        if self._outer is None:
            self._peer.waited += time.monotonic() - self._waiting.since


def refusal(call: Call, version: str) -> Error:
    """The CALLERROR for an action that a peer does not serve: known to its version, or to none (Part 4 §4.3)."""
    if version in VERSIONS and call.action in VERSIONS[version].actions:
        return Error("NotSupported", f"{call.action} is not for this end of the link")
    return Error("NotImplemented", f"OCPP {version} has no {call.action}"[:255])


def _matches(message: Received, fields: Mapping[str, object], where: Callable[[Received], bool] | None) -> bool:
    if any(name not in message or message[name] != value for name, value in fields.items()):
        return False
    if where is None:
        return True
    try:
        return where(message)
    except (AssertionError, LookupError, TypeError, AttributeError):
        return False  # a message of another shape is another message


def _wanted(action: str, fields: Mapping[str, object]) -> str:
    if not fields:
        return action
    return f"{action} with {', '.join(f'{name}={value}' for name, value in fields.items())}"


_SHOWN = 200


def _short(entry: Entry) -> str:
    """A frame in one line, for a message."""
    text = entry.text
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
