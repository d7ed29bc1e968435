"""One WebSocket connection, on the sans-I/O core of `websockets`: every byte's meaning goes into the transcript.

A link asks of its transport what `asyncio.Transport` offers and nothing more, so that TLS can stand between the two.
Nothing that the other end sends makes a link raise. What the harness's own callbacks raise goes to the loop's
exception handler, and the link lives on.
"""

import asyncio
import contextlib
import logging
import os
import socket
import struct
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from websockets.client import ClientProtocol
from websockets.exceptions import ProtocolError
from websockets.frames import Frame as WebSocketFrame
from websockets.frames import Opcode
from websockets.http11 import Request, Response
from websockets.protocol import Protocol, State
from websockets.server import ServerProtocol

from conformance.wire.frames import CallResult, Frame, Malformed, decode
from conformance.wire.schemas import BY_SUBPROTOCOL, Problem, Version, check_frame
from conformance.wire.tls import SecuredLink
from conformance.wire.transcript import Entry, Kind, Sender, Transcript

quiet = logging.getLogger("conformance.wire.websockets")
"""The logger of the core, which says nothing: what matters is in the transcript."""
quiet.setLevel(logging.CRITICAL + 1)

_WRITE_BUFFER = 1 << 20
_SHOWN = 500
_CAUSES = 4
_PIECE = 64


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """How a link behaves; times in seconds, sizes in bytes, None for never.

    `ping_timeout` ends a connection whose ping was not answered in time; `max_size` bounds a message after
    decompression (a longer one ends the connection with 1009).
    """

    compression: bool = True
    auto_pong: bool = True
    ping_interval: float | None = None
    ping_timeout: float | None = None
    handshake_timeout: float = 10.0
    close_timeout: float = 10.0
    max_size: int = 16 << 20


class LinkClosed(ConnectionError):  # noqa: N818 -- reads as what happened
    """A link was to send something but is not open."""


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Whom a link tells, each optional; they run within the loop and must not block."""

    on_handshake: Callable[[Entry], None] | None = None
    on_open: "Callable[[Link], None] | None" = None
    on_frame: "Callable[[Link, Entry], None] | None" = None
    on_close: "Callable[[Link, Entry], None] | None" = None


class Line:
    """What lies between the two ends, and what is wrong with it at the moment; the links on it ask it.

    `stalled`: nothing goes through. `away`: there is no way to the other end, so that the harness can't dial. `pongs`:
    whether pings are answered. `delay` gives the seconds that the next piece is on its way, `rate` is how many bytes go
    through in a second, `opening` how many seconds each part of a handshake takes. `strikes` are asked about each frame
    that has come, and keep it from the harness by saying so; `breaks` about each that is to go out, which is then cut
    off in its middle.
    """

    def __init__(self) -> None:
        self.stalled = False
        self.away = False
        self.pongs = True
        self.delay: Callable[[], float] | None = None
        self.rate: float | None = None
        self.opening = 0.0
        self.strikes: list[Callable[[Link, Entry], bool]] = []
        self.breaks: list[Callable[[Link, str], bool]] = []
        self._links: dict[int, Link] = {}

    @property
    def links(self) -> "tuple[Link, ...]":
        """Every TCP connection, oldest first: open, in its handshake or about to end."""
        return tuple(self._links.values())

    def joined(self, link: "Link") -> None:
        """Take note of a TCP connection."""
        self._links[link.number] = link

    def left(self, link: "Link") -> None:
        """Take note that a TCP connection is gone."""
        self._links.pop(link.number, None)

    def seconds(self, size: int, *, opening: bool) -> float:
        """How long a piece of so many bytes takes; `opening`: it is part of a handshake."""
        delay = self.delay() if self.delay is not None else 0.0
        rate = size / self.rate if self.rate is not None else 0.0
        return delay + rate + (self.opening if opening else 0.0)

    def pieces(self, data: bytes) -> list[bytes]:
        """The pieces in which bytes go out: small ones on a narrow line."""
        size = len(data) if self.rate is None else _PIECE
        return [data[each : each + size] for each in range(0, len(data), size)]

    def keeps(self, link: "Link", entry: Entry) -> bool:
        """Whether a frame that has come is kept from the harness."""
        return any(strike(link, entry) for strike in tuple(self.strikes))

    def cuts(self, link: "Link", text: str) -> bool:
        """Whether a text that is to go out is cut off."""
        return any(each(link, text) for each in tuple(self.breaks))


class Slowly:
    """One direction of a link: what is pushed goes on in its order, each piece when its time has come."""

    def __init__(self, loop: asyncio.AbstractEventLoop, go: Callable[[bytes], None]) -> None:
        self._loop = loop
        self._go = go
        self._waiting: deque[bytes] = deque()
        self._timers: deque[asyncio.TimerHandle] = deque()
        self._last = 0.0

    def push(self, data: bytes, seconds: float) -> None:
        """Let bytes go on after so many seconds, and after those before them."""
        if not self._waiting and seconds <= 0:
            self._go(data)
            return
        self._last = max(self._last, self._loop.time()) + seconds
        self._waiting.append(data)
        self._timers.append(self._loop.call_at(self._last, self._due))

    def flush(self) -> None:
        """Let all of them go on now."""
        waiting = tuple(self._waiting)
        self.clear()
        for data in waiting:
            self._go(data)

    def clear(self) -> None:
        """Forget all of them."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._waiting.clear()
        self._last = 0.0

    def _due(self) -> None:
        self._timers.popleft()
        self._go(self._waiting.popleft())


class Link(SecuredLink):
    """One WebSocket connection. Made by a `Listener` or by `dial`, not by hand.

    `tls` is the entry of its TLS handshake, None without TLS; `peer_chain` what the other end showed in it, in PEM.
    """

    sender: Sender = "harness"
    other: Sender = "sut"
    _caller: Sender = "harness"

    def __init__(
        self,
        protocol: ServerProtocol | ClientProtocol,
        transcript: Transcript,
        options: LinkOptions,
        callbacks: Callbacks,
        line: Line,
    ) -> None:
        self.number = transcript.new_link()
        self.transcript = transcript
        self.options = options
        self.line = line
        self.auto_pong = options.auto_pong
        self.path = ""
        self.prefix = ""
        self.identity = ""
        self.remote = ""
        self.subprotocol: str | None = None
        self.version: Version | None = None
        self.closed: Entry | None = None
        self.tls: Entry | None = None
        self.peer_chain: tuple[str, ...] = ()
        self._protocol = protocol
        self._callbacks = callbacks
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._received = 0
        self._handshake: Entry | None = None
        self._upgraded = False
        self._opened = False
        self._stalled = False
        self._held: list[bytes] = []
        self._coming = Slowly(self._loop, self._take_in)
        self._going = Slowly(self._loop, self._hand_over)
        self._corked = False
        self._writing_paused = False
        self._parts: list[bytes] = []
        self._part_opcode = Opcode.TEXT
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._pings = 0
        self._changed = asyncio.Event()
        self._lost = asyncio.Event()
        self._handshaken = asyncio.Event()

    def __repr__(self) -> str:
        return f"<Link {self.number} {self.identity!r} {self.subprotocol} {'open' if self.is_open else 'not open'}>"

    # -- what a peer does ---------------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether frames can be sent."""
        return self._opened and self.closed is None and self._protocol.state is State.OPEN

    def send(self, text: str) -> Entry:
        """Send a text message as it is, a proper frame or not, and return its entry.

        Raises LinkClosed when the link is not open, ValueError for text that UTF-8 can't hold.
        """
        if not self.is_open:
            raise LinkClosed(f"connection {self.number} is not open")
        data = text.encode()
        cut = self.line.cuts(self, text)
        entry = self._record(text, self.sender, {"dropped": True} if cut else self._fate)
        if not self._stalled and self.is_open:
            if cut:
                self._break_off(data)
            else:
                self._protocol.send_text(data)
                self._flush()
        return entry

    def send_binary(self, data: bytes) -> Entry:
        """Send a binary message, which OCPP-J does not have, and return its entry. Raises LinkClosed."""
        if not self.is_open:
            raise LinkClosed(f"connection {self.number} is not open")
        entry = self._record_frame(decode(data), self.sender, self._fate)
        if not self._stalled and self.is_open:
            self._protocol.send_binary(data)
            self._flush()
        return entry

    def send_in_parts(self, *parts: str, ping: bytes = b"") -> Entry:
        """Send a text message in so many WebSocket frames, with a ping after the first, and return its entry.

        Raises as `send` does.
        """
        if not self.is_open:
            raise LinkClosed(f"connection {self.number} is not open")
        first, *more = (part.encode() for part in parts)
        entry = self._record("".join(parts), self.sender, self._fate)
        if self._stalled or not self.is_open:
            return entry
        self._protocol.send_text(first, fin=not more)
        self.ping(ping)
        for number, part in enumerate(more, start=1):
            self._protocol.send_continuation(part, fin=number == len(more))
        self._flush()
        return entry

    def ping(self, data: bytes = b"") -> Entry:
        """Send a ping, with up to 125 bytes, and return its entry. Raises LinkClosed when the link is not open."""
        if not self.is_open:
            raise LinkClosed(f"connection {self.number} is not open")
        entry = self._add(
            "ping", self.sender, detail={"data": shown(data), **({"dropped": True} if self._stalled else {})}
        )
        if not self._stalled and self.is_open:
            self._protocol.send_ping(data)
            self._flush()
        return entry

    def pong(self, data: bytes = b"") -> Entry:
        """Send a pong, asked for or not. Raises LinkClosed when the link is not open."""
        if not self.is_open:
            raise LinkClosed(f"connection {self.number} is not open")
        entry = self._add(
            "pong", self.sender, detail={"data": shown(data), **({"dropped": True} if self._stalled else {})}
        )
        if not self._stalled and self.is_open:
            self._protocol.send_pong(data)
            self._flush()
        return entry

    @property
    def answers_pings(self) -> bool:
        """Whether a ping is answered with a pong."""
        return self.auto_pong and self.line.pongs

    @property
    def _fate(self) -> Mapping[str, Any]:
        """What becomes of what is sent now."""
        return {"dropped": True} if self._stalled else {}

    async def drain(self) -> None:
        """Wait until the other end has taken in enough for more to be sent, or the connection is gone."""
        while self._writing_paused and not self._lost.is_set():
            self._changed.clear()
            await self._changed.wait()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close with a close frame and wait for the answer, for `close_timeout` seconds at most.

        What `start_close` says holds here.
        """
        self.start_close(code, reason)
        await self.wait_closed()

    def start_close(self, code: int = 1000, reason: str = "") -> None:
        """Send a close frame; the connection is reset if its answer takes longer than `close_timeout`.

        A link that is stalled or still in its handshake is reset at once; one that is closing is left alone. Raises
        ValueError for a code that a close frame can't hold.
        """
        if self._stalled or not self._opened:
            self.abort()
        elif self.is_open:
            try:
                self._protocol.send_close(code, _fitting(reason))
            except ProtocolError as error:
                raise ValueError(f"a close frame can't hold the code {code}") from error
            self._flush()

    async def wait_closed(self) -> None:
        """Wait until the TCP connection is gone."""
        await self._lost.wait()

    def abort(self) -> None:
        """Reset the TCP connection (RST, where the platform can)."""
        if self._lost.is_set():
            return
        self._record_end(by=self.sender, how="reset", error=None)
        self._going.clear()
        if self._transport is None:
            self._lost.set()
            return
        _linger_zero(self._transport)
        self._transport.abort()

    def fin(self) -> None:
        """End the TCP connection (FIN) without a close frame."""
        if self._transport is None or self._lost.is_set():
            return
        self._record_end(by=self.sender, how="eof", error=None)
        self._going.flush()
        self._transport.close()

    # -- faults -------------------------------------------------------------------------------------------------------

    def stall(self) -> None:
        """Neither read nor write from now on: what the other end sends waits, what is sent here is dropped."""
        if self._stalled:
            return
        self._stalled = True
        self._coming.flush()
        self._going.clear()
        self._cancel("handshake", "pong")
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def unstall(self) -> None:
        """Read and write again, beginning with what has been waiting."""
        if not self._stalled:
            return
        self._stalled = False
        if self._handshake is None:
            self._later("handshake", self.options.handshake_timeout, self._handshake_late)
        held, self._held = self._held, []
        for data in held:
            self.data_received(data)
        self._resume_reading()

    def hasten(self) -> None:
        """Let go at once of what was held up in either direction."""
        self._coming.flush()
        self._going.flush()

    # -- what asyncio calls -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TCP is there; the handshake begins."""
        self._transport = transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self.line.joined(self)
        transport.set_write_buffer_limits(high=_WRITE_BUFFER)
        self.remote = _address(transport.get_extra_info("peername"))
        if self.line.stalled:
            self.stall()
        if self._stalled:
            transport.pause_reading()
        else:
            self._later("handshake", self.options.handshake_timeout, self._handshake_late)

    def secured(self, detail: Mapping[str, Any], chain: tuple[str, ...]) -> None:
        """Take note of a TLS handshake, good or not, or of an alert that came later and ended the connection."""
        entry = self._add("tls", self._caller, detail=detail)
        if "late" not in detail:
            self.tls, self.peer_chain = entry, chain
        if detail["ok"]:
            return
        error = f"TLS: {detail['alert_received'] or detail['alert_sent'] or detail['error']}"
        if self._handshake is None:
            self._handshake_failed(error)
        else:
            self._record_end(by=None, how="eof", error=error)

    def data_received(self, data: bytes) -> None:
        """Take in bytes, whatever they are."""
        self._coming.push(data, self.line.seconds(len(data), opening=not self._opened))

    def _take_in(self, data: bytes) -> None:
        if self._stalled:
            self._held.append(data)
            return
        self._received += len(data)
        self._corked = True
        try:
            self._protocol.receive_data(data)
            self._take_events()
        except Exception as error:  # noqa: BLE001 -- nothing that comes in may take the harness down
            self._broke(error)
        finally:
            self._corked = False
        self._flush()

    def eof_received(self) -> bool | None:
        """The other end will send no more."""
        self._coming.flush()
        if not self._stalled:
            self._end_of_stream(None)
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        """TCP is gone."""
        self._coming.flush()
        self._going.clear()
        self.line.left(self)
        try:
            self._end_of_stream(exc)
        finally:
            self._cancel(*self._timers)
            self._lost.set()
            self._changed.set()

    def pause_writing(self) -> None:
        """The other end reads too slowly: take in nothing more, so that what waits stays bounded."""
        self._writing_paused = True
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The other end has caught up."""
        self._writing_paused = False
        self._changed.set()
        self._resume_reading()

    # -- inside: coming in --------------------------------------------------------------------------------------------

    def _take_events(self) -> None:
        for event in self._protocol.events_received():
            if isinstance(event, WebSocketFrame):
                if self.closed is None:
                    self._take_frame(event)
            else:
                self._take_handshake(event)
        if self._handshake is None:
            if self._protocol.handshake_exc is not None:
                self._handshake_failed(in_words(self._protocol.handshake_exc))
        elif self._protocol.parser_exc is not None:
            self._violated(self._protocol.parser_exc)

    def _take_handshake(self, event: Request | Response) -> None:
        raise NotImplementedError

    def _take_frame(self, frame: WebSocketFrame) -> None:
        opcode = frame.opcode
        if opcode is Opcode.CLOSE:
            self._record_end(by=None, how="close frame", error=None)
        elif opcode is Opcode.PING:
            data = shown(bytes(frame.data))
            self._add("ping", self.other, detail={"data": data})
            if self.answers_pings:
                self._add("pong", self.sender, detail={"data": data})
        elif opcode is Opcode.PONG:
            self._add("pong", self.other, detail={"data": shown(bytes(frame.data))})
            self._cancel("pong")
        else:
            self._take_data(frame)

    def _take_data(self, frame: WebSocketFrame) -> None:
        """Take in a message, or a fragment of one."""
        if frame.opcode is not Opcode.CONT:
            self._part_opcode = frame.opcode
        if frame.fin and not self._parts:
            self._take_message(frame.data)
            return
        self._parts.append(bytes(frame.data))
        if frame.fin:
            parts, self._parts = self._parts, []
            self._take_message(b"".join(parts))

    def _take_message(self, data: bytes | bytearray | memoryview) -> None:
        entry: Entry
        if self._part_opcode is Opcode.TEXT:
            try:
                text = str(data, "utf-8")
            except UnicodeDecodeError as error:
                raw = bytes(data).decode("utf-8", "backslashreplace")
                self._record_frame(Malformed("not UTF-8", None, raw), self.other, None)
                self._protocol.fail(1007, "not UTF-8")
                self._violated(error)
                return
            entry = self._record(text, self.other, None)
        else:
            entry = self._record_frame(decode(bytes(data)), self.other, None)
        if self.line.keeps(self, entry):
            return
        if self._callbacks.on_frame is not None:
            self._tell(self._callbacks.on_frame, self, entry)

    def _violated(self, error: Exception) -> None:
        """The other end broke the WebSocket protocol, which has ended the connection."""
        if not isinstance(error, EOFError):
            self._record_end(by=self.sender, how="close frame", error=in_words(error))

    def _end_of_stream(self, error: Exception | None) -> None:
        with contextlib.suppress(AssertionError, StopIteration):
            self._protocol.receive_eof()
        how = "eof" if error is None else "reset"
        if self._handshake is None:
            end = "the connection was reset" if error is not None else "the connection ended"
            self._handshake_failed(f"{end} before the handshake was complete, after {self._received} bytes")
        else:
            self._record_end(by=None, how=how, error=None if error is None else str(error))
        if error is None:
            self._flush()

    def _handshake_late(self) -> None:
        limit = self.options.handshake_timeout
        self._handshake_failed(f"no complete handshake within {limit:g} s, {self._received} bytes came")
        assert self._transport is not None
        self._transport.abort()

    def _handshake_failed(self, error: str) -> None:
        status = getattr(self._protocol, "status", None)
        self._record_handshake(status=status, error=error, received=self._received)

    # -- inside: going out --------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Hand over what the protocol has to say, in one write."""
        transport = self._transport
        if self._corked or transport is None:
            return
        pending = self._protocol.data_to_send()
        if not pending or transport.is_closing():
            return
        end = pending[-1] == b""
        data = b"".join(pending) if len(pending) > 1 else pending[0]
        if data:
            for piece in self.line.pieces(data):
                self._going.push(piece, self.line.seconds(len(piece), opening=not self._opened))
        if end:
            self._going.flush()
            self._end_writing(transport)
        if self._protocol.close_expected():
            self._later("close", self.options.close_timeout, self._close_late, replace=False)

    def _hand_over(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _break_off(self, text: bytes) -> None:
        """Send the first half of a text message, and end the TCP connection."""
        before = b"".join(self._protocol.data_to_send())
        self._protocol.send_text(text)
        data = b"".join(self._protocol.data_to_send())
        self._going.push(before + data[: len(data) // 2], 0.0)
        self.fin()

    def _end_writing(self, transport: asyncio.Transport) -> None:
        if not transport.can_write_eof():
            transport.close()
            return
        try:
            transport.write_eof()
        except OSError:
            transport.abort()

    def _close_late(self) -> None:
        error = f"no answer to the close frame within {self.options.close_timeout:g} s"
        self._record_end(by=self.sender, how="timeout", error=error)
        if self._transport is not None:
            self._transport.abort()

    def _resume_reading(self) -> None:
        if self._transport is not None and not (
            self._stalled or self._writing_paused or self._transport.is_closing() or self._lost.is_set()
        ):
            self._transport.resume_reading()

    # -- inside: keepalive --------------------------------------------------------------------------------------------

    def _keepalive(self) -> None:
        interval = self.options.ping_interval
        if interval is None or not self.is_open:
            return
        self._later("ping", interval, self._keepalive)
        if self._stalled:
            return
        self._pings += 1
        self.ping(b"%d" % self._pings)
        if self.options.ping_timeout is not None:
            self._later("pong", self.options.ping_timeout, self._pong_late, replace=False)

    def _pong_late(self) -> None:
        error = f"no pong within {self.options.ping_timeout:g} s"
        self._record_end(by=self.sender, how="timeout", error=error)
        if self._transport is not None:
            self._transport.abort()

    # -- inside: recording --------------------------------------------------------------------------------------------

    def _add(
        self,
        kind: Kind,
        sender: Sender | None,
        *,
        frame: Frame | None = None,
        problems: tuple[Problem, ...] = (),
        detail: Mapping[str, Any] | None = None,
    ) -> Entry:
        """Append an entry; a watcher that raises is the loop's affair, the entry is there all the same."""
        transcript = self.transcript
        number = len(transcript.entries)
        try:
            return transcript.add(
                kind,
                link=self.number,
                station=self.identity or None,
                sender=sender,
                frame=frame,
                problems=problems,
                detail=detail,
            )
        except Exception as error:
            if len(transcript.entries) == number:
                raise
            self._report(error, "a watcher of the transcript failed")
            return transcript.entries[number]

    def _record(self, text: str, sender: Sender, detail: Mapping[str, Any] | None) -> Entry:
        version = self.version
        if version is None:
            return self._record_frame(decode(text), sender, detail)
        frame = decode(text, version.message_types, null_for_nothing=version.null_for_nothing)
        return self._record_frame(frame, sender, detail)

    def _record_frame(self, frame: Frame, sender: Sender, detail: Mapping[str, Any] | None) -> Entry:
        action: str | None = None
        if type(frame) is CallResult:
            asker = self.other if sender == self.sender else self.sender
            call = self.transcript.asked(self.number, asker, frame.message_id)
            action = getattr(call.frame, "action", None) if call is not None else None
        problems = check_frame(self.version, frame, action)
        return self._add("frame", sender, frame=frame, problems=problems, detail=detail)

    def _record_handshake(self, *, status: int | None, error: str | None, **detail: Any) -> None:
        if self.given_up is not None and error is not None:
            self.given_up(error)
        if self._handshake is not None:
            return
        self._cancel("handshake")
        everything = {
            "path": self.path,
            "identity": self.identity,
            "offered": (),
            "chosen": None,
            "headers": {},
            "remote": self.remote,
            "compression": False,
            **detail,
            "status": status,
            "error": error,
        }
        self._handshake = self._add("handshake", self._caller, detail=everything)
        self._handshaken.set()
        if self._callbacks.on_handshake is not None:
            self._tell(self._callbacks.on_handshake, self._handshake)

    def _open(self, subprotocol: str | None) -> None:
        self._upgraded = self._opened = True
        self.subprotocol = subprotocol
        self.version = BY_SUBPROTOCOL.get(subprotocol or "")
        name = self.version.name if self.version is not None else None
        self._add("open", None, detail={"subprotocol": subprotocol, "version": name})
        if self.options.ping_interval is not None:
            self._later("ping", self.options.ping_interval, self._keepalive)
        if self._callbacks.on_open is not None:
            self._tell(self._callbacks.on_open, self)

    def _record_end(self, *, by: Sender | None, how: str, error: str | None) -> None:
        """Note the end of the connection, once; without `by`, whoever sent a close frame first, else the other end."""
        if self._handshake is None:
            self._handshake_failed(f"the harness ended the connection ({how})")
        elif self.closed is None and self._upgraded:
            self._record_close(by=by, how=how, error=error)

    def _record_close(self, *, by: Sender | None, how: str, error: str | None) -> None:
        sent, received = self._protocol.close_sent, self._protocol.close_rcvd
        ours_first = sent is not None and not self._protocol.close_rcvd_then_sent
        if by is None:
            by = self.sender if ours_first else self.other
        first = sent if ours_first else received
        detail: dict[str, Any] = {
            "code": 1006 if first is None else int(first.code),
            "reason": "" if first is None else first.reason,
            "by": by,
            "how": how,
            "error": error,
        }
        if ours_first and received is not None:
            detail["answer"] = int(received.code)
        self._cancel("ping", "pong")
        self.closed = self._add("close", by, detail=detail)
        self._changed.set()
        if self._opened and self._callbacks.on_close is not None:
            self._tell(self._callbacks.on_close, self, self.closed)

    def _broke(self, error: Exception) -> None:
        """A defect of the harness or of the library: not of the other end, so it is shown, and the link ended."""
        self._report(error, "the connection could not be handled")
        self._add("note", self.sender, detail={"text": f"the harness failed on this connection: {error!r}"})
        if self._transport is not None:
            self._transport.abort()

    def _tell(self, callback: Callable[..., None], *arguments: object) -> None:
        try:
            callback(*arguments)
        except LinkClosed as error:  # the other end was gone before it could be answered
            self._add("note", self.sender, detail={"text": str(error)})
        except Exception as error:  # noqa: BLE001 -- the harness's own code
            self._report(error, f"{getattr(callback, '__qualname__', callback)} failed")

    def _report(self, error: Exception, what: str) -> None:
        context = {"message": f"connection {self.number}: {what}", "exception": error, "protocol": self}
        self._loop.call_exception_handler(context)

    # -- inside: timers -----------------------------------------------------------------------------------------------

    def _later(self, name: str, seconds: float, callback: Callable[[], None], *, replace: bool = True) -> None:
        if name in self._timers:
            if not replace:
                return
            self._timers[name].cancel()
        self._timers[name] = self._loop.call_later(seconds, self._due, name, callback)

    def _due(self, name: str, callback: Callable[[], None]) -> None:
        self._timers.pop(name, None)
        callback()

    def _cancel(self, *names: str) -> None:
        for name in names:
            timer = self._timers.pop(name, None)
            if timer is not None:
                timer.cancel()


class Core(Protocol):
    """The sans-I/O core, but pings are answered only while the link wants that."""

    link: Link

    def recv_frame(self, frame: WebSocketFrame) -> None:
        """Take in a frame."""
        if frame.opcode is Opcode.PING and not self.link.answers_pings:
            self.events.append(frame)
        else:
            super().recv_frame(frame)


def _linger_zero(transport: asyncio.Transport) -> None:
    """Make the end of a TCP connection a reset, where the socket lets us."""
    given = transport.get_extra_info("socket")
    if given is None:
        return
    value = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
    with contextlib.suppress(OSError, AttributeError, NotImplementedError, TypeError):
        given.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, value)


def _address(peer: object) -> str:
    if isinstance(peer, tuple) and len(peer) >= 2:  # noqa: PLR2004 -- host and port
        return f"[{peer[0]}]:{peer[1]}" if ":" in str(peer[0]) else f"{peer[0]}:{peer[1]}"
    return "" if peer is None else str(peer)


def shown(data: bytes) -> str:
    """Bytes as text for a person, shortened."""
    text = data[:_SHOWN].decode("utf-8", "backslashreplace")
    return text if len(data) <= _SHOWN else f"{text}…"


def _fitting(reason: str) -> str:
    """As much of a reason as a close frame holds: 123 bytes."""
    return reason.encode()[:123].decode("utf-8", "ignore")


def in_words(error: BaseException) -> str:
    """An error in words, with what caused it."""
    parts: list[str] = []
    each: BaseException | None = error
    while each is not None and len(parts) < _CAUSES:
        text = str(each) or type(each).__name__
        if text not in parts:
            parts.append(text)
        each = each.__cause__
    return "; ".join(parts)[:_SHOWN]
