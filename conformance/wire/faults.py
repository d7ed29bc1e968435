"""A bad network on purpose, at the harness's end; each fault is a context manager and in the transcript.

A fault is switched on when its block is entered, off when it is left, and both are entries of the kind `fault`; so is
each time that it strikes a message. The same fault can't be on twice at a time.

A message of the station is its call, whichever end it is at: what is lost, cut off or answered with an error is what
the CSMS says to that.
"""

import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import Any, Literal

from conformance.wire.connection import Line, Link
from conformance.wire.frames import Call, CallError, CallResult, decode, encode_error
from conformance.wire.link import Listener, Refuse
from conformance.wire.transcript import Entry, Transcript

Drop = Literal["close", "reset", "fin", "keep"]
"""What becomes of the connections that exist: a close frame (1001), RST, FIN without a close frame, or nothing."""

Which = Callable[[Mapping[str, Any]], bool]
"""Which messages of an action a fault strikes, by their payload."""

Struck = Callable[[Link, Entry], None]


class Faults:
    """What can go wrong between a station and a CSMS, whichever of them the harness is."""

    def __init__(self, line: Line, transcript: Transcript) -> None:
        self.line = line
        self.transcript = transcript
        self._on: set[str] = set()

    # -- connections --------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def reset(self) -> AsyncIterator[Entry]:
        """Every connection is reset (RST) at the beginning; new ones are let through."""
        async with self._fault("reset") as begin:
            self._drop("reset")
            yield begin

    @asynccontextmanager
    async def fin(self) -> AsyncIterator[Entry]:
        """Every TCP connection is ended (FIN) without a close frame at the beginning; new ones are let through."""
        async with self._fault("fin") as begin:
            self._drop("fin")
            yield begin

    @asynccontextmanager
    async def stalled(self) -> AsyncIterator[Entry]:
        """A black hole: nothing is read, what the harness sends is dropped, new TCP connections get no answer.

        What the other end sends meanwhile is read at the end, as far as its buffers and ours hold it.
        """
        async with self._fault("stalled") as begin:
            self.line.stalled = True
            for link in self.line.links:
                link.stall()
            try:
                yield begin
            finally:
                self.line.stalled = False
                for link in self.line.links:
                    link.unstall()

    @asynccontextmanager
    async def slow_handshake(self, seconds: float) -> AsyncIterator[Entry]:
        """Whatever belongs to the opening of a connection takes so many seconds longer."""
        async with self._fault("slow_handshake", seconds=seconds) as begin:
            self.line.opening = seconds
            try:
                yield begin
            finally:
                self.line.opening = 0.0
                self._hasten()

    @asynccontextmanager
    async def no_pong(self) -> AsyncIterator[Entry]:
        """No ping is answered; everything else goes its way."""
        async with self._fault("no_pong") as begin:
            self.line.pongs = False
            try:
                yield begin
            finally:
                self.line.pongs = True

    # -- speed --------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def delayed(self, seconds: float, *, jitter: float = 0.0, seed: int = 0) -> AsyncIterator[Entry]:
        """Whatever goes through, in either direction, takes so many seconds, and up to `jitter` more; in its order.

        The same seed gives the same times.
        """
        chance = random.Random(seed)
        async with self._fault("delayed", seconds=seconds, jitter=jitter, seed=seed) as begin:
            self.line.delay = lambda: seconds + chance.random() * jitter
            try:
                yield begin
            finally:
                self.line.delay = None
                self._hasten()

    @asynccontextmanager
    async def narrow(self, bytes_per_second: float) -> AsyncIterator[Entry]:
        """So many bytes go through in a second, in each direction, and in small pieces where the harness sends."""
        async with self._fault("narrow", bytes_per_second=bytes_per_second) as begin:
            self.line.rate = bytes_per_second
            try:
                yield begin
            finally:
                self.line.rate = None
                self._hasten()

    # -- messages -----------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def unanswered(
        self, action: str, count: int | None = None, *, which: Which | None = None
    ) -> AsyncIterator[Entry]:
        """A message of the station is delivered, and its answer never comes: for the first `count`, or for all."""
        async with self._fault("unanswered", action=action, count=count) as begin:
            with self._answers("unanswered", action, count, which, lambda _link, _entry: None):
                yield begin

    @asynccontextmanager
    async def reset_before_answer(
        self, action: str, count: int | None = None, *, which: Which | None = None
    ) -> AsyncIterator[Entry]:
        """A message of the station is delivered, and the connection reset before its answer comes."""
        async with self._fault("reset_before_answer", action=action, count=count) as begin:
            with self._answers("reset_before_answer", action, count, which, lambda link, _: link.abort()):
                yield begin

    # -- for the roles ------------------------------------------------------------------------------------------------

    def _answers(
        self, fault: str, action: str, count: int | None, which: Which | None, then: Struck
    ) -> AbstractContextManager[None]:
        """Strike the place where the answer to a message of the station is lost."""
        raise NotImplementedError

    @contextmanager
    def _striking(
        self, fault: str, count: int | None, wanted: Callable[[Link, Entry], bool], then: Struck
    ) -> Iterator[None]:
        """Keep frames that come and are wanted from the harness, `count` at most, and do something about each."""
        struck = 0

        def strike(link: Link, entry: Entry) -> bool:
            nonlocal struck
            if (count is not None and struck >= count) or not wanted(link, entry):
                return False
            struck += 1
            self._strikes(fault, entry.n, link)
            then(link, entry)
            return True

        self.line.strikes.append(strike)
        try:
            yield
        finally:
            self.line.strikes.remove(strike)

    @contextmanager
    def _breaking(self, fault: str, count: int | None, wanted: Callable[[Link, str], bool]) -> Iterator[None]:
        """Cut off texts that go out and are wanted, `count` at most."""
        struck = 0

        def cut(link: Link, text: str) -> bool:
            nonlocal struck
            if (count is not None and struck >= count) or not wanted(link, text):
                return False
            struck += 1
            self._strikes(fault, len(self.transcript.entries) + 1, link)
            return True

        self.line.breaks.append(cut)
        try:
            yield
        finally:
            self.line.breaks.remove(cut)

    def _strikes(self, fault: str, frame: int, link: Link) -> None:
        self.transcript.add(
            "fault",
            link=link.number,
            station=link.identity or None,
            sender="harness",
            detail={"fault": fault, "phase": "strikes", "frame": frame},
        )

    @asynccontextmanager
    async def _fault(self, name: str, **given: Any) -> AsyncIterator[Entry]:
        if name in self._on:
            raise RuntimeError(f"the network is {name} already")
        self._on.add(name)
        begin = self.transcript.add("fault", sender="harness", detail={"fault": name, "phase": "begin", **given})
        try:
            yield begin
        finally:
            self._on.discard(name)
            self.transcript.add("fault", sender="harness", detail={"fault": name, "phase": "end", **given})

    def _hasten(self) -> None:
        for link in self.line.links:
            link.hasten()

    def _drop(self, how: Drop) -> None:
        for link in self.line.links:
            match how:
                case "close":
                    link.start_close(1001, "out of service")
                case "reset":
                    link.abort()
                case "fin":
                    link.fin()
                case "keep":
                    pass


class Network(Faults):
    """What can go wrong between a station under test and the harness as its CSMS."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener.line, listener.transcript)
        self.listener = listener

    @asynccontextmanager
    async def refused(self, drop: Drop = "reset") -> AsyncIterator[Entry]:
        """Nobody listens: TCP connections are refused. Attempts can't be seen then; those of `turned_away` can.

        Raises OSError at the end if the address can't be had again.
        """
        async with self._fault("refused", drop=drop) as begin:
            await self.listener.pause()
            try:
                self._drop(drop)
                yield begin
            finally:
                await self.listener.resume()

    @asynccontextmanager
    async def turned_away(
        self, status: int = 503, drop: Drop = "close", *, reason: str = "out of service"
    ) -> AsyncIterator[Entry]:
        """TCP connections are taken in, but every upgrade is answered with this HTTP status, 401 for instance."""
        async with self._fault("turned_away", status=status, drop=drop) as begin:
            self.listener.turned_away = Refuse(status, reason)
            try:
                self._drop(drop)
                yield begin
            finally:
                self.listener.turned_away = None

    @asynccontextmanager
    async def cut(self, action: str, count: int | None = None, *, which: Which | None = None) -> AsyncIterator[Entry]:
        """The connection ends (FIN) in the middle of the answer to a message of the station."""
        asked: set[tuple[int, str]] = set()

        def noted(link: Link, entry: Entry) -> bool:
            if _is_call(entry, action, which):
                assert isinstance(entry.frame, Call)
                asked.add((link.number, entry.frame.message_id))
            return False

        def wanted(link: Link, text: str) -> bool:
            frame = decode(text) if asked else None
            return isinstance(frame, CallResult | CallError) and (link.number, frame.message_id) in asked

        async with self._fault("cut", action=action, count=count) as begin:
            self.line.strikes.append(noted)
            try:
                with self._breaking("cut", count, wanted):
                    yield begin
            finally:
                self.line.strikes.remove(noted)

    @asynccontextmanager
    async def erring(
        self, action: str, count: int | None = None, *, code: str = "InternalError", which: Which | None = None
    ) -> AsyncIterator[Entry]:
        """A message of the station is answered with a CALLERROR: the first `count`, or all."""

        def refuse(link: Link, entry: Entry) -> None:
            assert isinstance(entry.frame, Call)
            if link.is_open:
                link.send(encode_error(entry.frame.message_id, code, "out of order", {}))

        async with self._fault("erring", action=action, count=count, code=code) as begin:
            with self._answers("erring", action, count, which, refuse):
                yield begin

    def _answers(
        self, fault: str, action: str, count: int | None, which: Which | None, then: Struck
    ) -> AbstractContextManager[None]:
        return self._striking(fault, count, lambda _, entry: _is_call(entry, action, which), then)


class StationNetwork(Faults):
    """What can go wrong between the harness as a station and the CSMS under test."""

    @asynccontextmanager
    async def refused(self, drop: Drop = "reset") -> AsyncIterator[Entry]:
        """There is no way to the CSMS: whoever dials is refused."""
        async with self._fault("refused", drop=drop) as begin:
            self.line.away = True
            try:
                self._drop(drop)
                yield begin
            finally:
                self.line.away = False

    @asynccontextmanager
    async def cut(self, action: str, count: int | None = None, *, which: Which | None = None) -> AsyncIterator[Entry]:
        """The connection ends (FIN) in the middle of a message of the station, which the CSMS never gets."""

        def wanted(_: Link, text: str) -> bool:
            frame = decode(text)
            return isinstance(frame, Call) and frame.action == action and (which is None or which(frame.payload))

        async with self._fault("cut", action=action, count=count) as begin:
            with self._breaking("cut", count, wanted):
                yield begin

    def _answers(
        self, fault: str, action: str, count: int | None, which: Which | None, then: Struck
    ) -> AbstractContextManager[None]:
        def wanted(_: Link, entry: Entry) -> bool:
            exchange = self.transcript.exchange(entry) if isinstance(entry.frame, CallResult | CallError) else None
            return exchange is not None and _is_call(exchange.call, action, which)

        return self._striking(fault, count, wanted, then)


def _is_call(entry: Entry, action: str, which: Which | None) -> bool:
    frame = entry.frame
    return isinstance(frame, Call) and frame.action == action and (which is None or which(frame.payload))
