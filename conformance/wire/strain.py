"""Connections that mean no good, or ask too much: what a server has to bear of people whom it does not know.

They go by raw sockets, since a link would not say such things, and leave no entries in the transcript: there are too
many, and what they are told is no matter. What matters is whether others are served meanwhile.
"""

import asyncio
import base64
import os
import socket
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from conformance.wire.hello import hello
from conformance.wire.tls import ClientTls, context_of

_SHORT = 0.25
"""Seconds that an answer is waited for where none is needed."""
_PIECE = 1 << 16
_SWITCHED = " 101"
_TEXT, _CLOSE, _MASKED, _LONG = 0x81, 0x88, 0x80, 127
_NO_MASK = bytes(4)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server listens for WebSocket: the whole address; `tls` for wss, user and password where they are due."""

    url: str
    subprotocol: str
    tls: ClientTls | None = None
    credentials: tuple[str, str | bytes] | None = field(default=None, repr=False)

    async def reach(self, *, plainly: bool = False) -> Streams:
        """Connect, with TLS where it is due and not `plainly` without; raises OSError, of which ssl.SSLError is one."""
        split = urlsplit(self.url)
        secure = split.scheme == "wss"
        port = split.port or (443 if secure else 80)
        if not secure or plainly or self.tls is None:
            return await asyncio.open_connection(split.hostname, port)
        name = split.hostname if self.tls.server_name is None else self.tls.server_name
        return await asyncio.open_connection(split.hostname, port, ssl=context_of(self.tls), server_hostname=name or "")

    def request(self, *, query: str = "", headers: Sequence[tuple[str, str]] = ()) -> bytes:
        """The request for an upgrade as it should be, but for a query in its first line, and with more headers."""
        split = urlsplit(self.url)
        fields = [
            ("Host", split.netloc),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", base64.b64encode(os.urandom(16)).decode()),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Protocol", self.subprotocol),
        ]
        if self.credentials is not None:
            user, password = self.credentials
            told = password if isinstance(password, bytes) else password.encode()
            fields.append(("Authorization", "Basic " + base64.b64encode(user.encode() + b":" + told).decode()))
        lines = "".join(f"{name}: {value}\r\n" for name, value in (*fields, *headers))
        return f"GET {split.path}{f'?{query}' if query else ''} HTTP/1.1\r\n{lines}\r\n".encode()


# -- handshakes that fail ---------------------------------------------------------------------------------------------


async def fail(place: Place, count: int, *, at_once: int = 20) -> Counter[str]:
    """Make handshakes that fail, `count` in all and so many at once; how many of each kind there were."""
    done: Counter[str] = Counter()
    waiting = iter(range(count))
    kinds = _BAD_TLS if urlsplit(place.url).scheme == "wss" else _BAD_HTTP

    async def some() -> None:
        for number in waiting:
            kind, words, leaves = kinds[number % len(kinds)]
            with suppress(OSError, TimeoutError):
                await _bad(place, words, leaves=leaves)
            done[kind] += 1

    await asyncio.gather(*(some() for _ in range(at_once)))
    return done


async def _bad(place: Place, words: bytes | None, *, leaves: bool) -> None:
    """Say something bad, or without words shake hands with what the server can't like; then listen, or just leave."""
    if words is None:
        async with asyncio.timeout(_SHORT * 8):
            reader, writer = await replace(place, tls=_stranger(place)).reach()
    else:
        reader, writer = await place.reach(plainly=True)
    try:
        if words:
            writer.write(words)
        if not leaves:
            await asyncio.wait_for(reader.read(_PIECE), _SHORT)
    finally:
        writer.transport.abort()


def _stranger(place: Place) -> ClientTls:
    """Somebody who trusts nobody, so that TLS fails."""
    assert place.tls is not None
    return replace(place.tls, roots=place.tls.roots, chain=None, server_name="nobody.invalid", newest="1.2")


_OLD = hello(versions=("TLSv1.0",), suites=("TLS_RSA_WITH_AES_128_CBC_SHA",))
_GOOD = hello()
_BAD_TLS: tuple[tuple[str, bytes | None, bool], ...] = (
    ("rubbish", bytes(range(256)), False),
    ("plain HTTP", b"GET / HTTP/1.1\r\nHost: somewhere\r\n\r\n", False),
    ("TLS 1.0", _OLD, False),
    ("a hello and nothing more", _GOOD, False),
    ("half a hello", _GOOD[:40], True),
    ("nothing at all", b"", True),
    ("a hello with a broken end", _GOOD[:-20] + bytes(20), False),
    ("a certificate that is for somebody else", None, False),
)
_BAD_HTTP: tuple[tuple[str, bytes | None, bool], ...] = (
    ("rubbish", bytes(range(256)), False),
    ("no upgrade", b"GET / HTTP/1.1\r\nHost: somewhere\r\n\r\n", False),
    ("half a request", b"GET /ocpp", True),
    ("nothing at all", b"", True),
    ("a hello of TLS", _GOOD, True),
)


# -- connections that are begun and never finished --------------------------------------------------------------------


@asynccontextmanager
async def held(place: Place, count: int, words: bytes = b"", *, plainly: bool = True) -> AsyncIterator[int]:
    """Connect so many times, say the same words each time, and nothing more for the length of a block.

    Gives how many connections there are. What the server does about them is its own affair.
    """
    opened: list[asyncio.StreamWriter] = []

    async def one() -> None:
        with suppress(OSError):
            _, writer = await place.reach(plainly=plainly)
            opened.append(writer)
            writer.write(words)

    try:
        await asyncio.gather(*(one() for _ in range(count)))
        yield len(opened)
    finally:
        for writer in opened:
            writer.transport.abort()


# -- TLS sessions that are resumed ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Resumed:
    """What was answered to an upgrade where a session was begun, and where it was resumed; "" is the end.

    `resumed` says whether the server went along with that, or began a session anew, and `heard` what came after the
    second upgrade, as it is on the wire.
    """

    first: str
    then: str
    resumed: bool
    heard: str


async def resume(begin: Place, then: Place, *, says: str = "", within: float, patience: float = 0) -> Resumed:
    """Ask for an upgrade, leave, ask at another place with the session kept, and say something there.

    In TLS 1.2, where a session comes with the handshake, and with a server that has none in TLS 1.3. asyncio keeps no
    sessions, so this is done with sockets that wait, in a thread. Where HTTP refuses the second upgrade, it is asked
    for again for `patience` seconds. Raises OSError where no session is begun.
    """
    context, session, first = await asyncio.to_thread(_begun, begin, within)
    deadline = time.monotonic() + patience
    while True:
        came = await asyncio.to_thread(_come_back, context, then, session, says, within)
        if not came.then or _SWITCHED in came.then or time.monotonic() + _SHORT > deadline:
            return replace(came, first=first)
        await asyncio.sleep(_SHORT)


def _begun(place: Place, within: float) -> tuple[ssl.SSLContext, ssl.SSLSession | None, str]:
    """A session, with what it is good for, and the answer to the upgrade."""
    assert place.tls is not None
    context = context_of(replace(place.tls, newest="1.2"))
    try:
        connection = _shaken(context, place, None, within)
    except ssl.SSLError:
        context = context_of(place.tls)
        connection = _shaken(context, place, None, within)
    with connection:
        first = _asked(connection, place.request())
        return context, connection.session, first


def _come_back(
    context: ssl.SSLContext, place: Place, session: ssl.SSLSession | None, says: str, within: float
) -> Resumed:
    try:
        connection = _shaken(context, place, session, within)
    except OSError:
        return Resumed("", "", resumed=False, heard="")
    with connection:
        answer = _asked(connection, place.request())
        heard = _heard(connection, says) if says and _SWITCHED in answer else ""
        return Resumed("", answer, bool(connection.session_reused), heard)


def _shaken(context: ssl.SSLContext, place: Place, session: ssl.SSLSession | None, within: float) -> ssl.SSLSocket:
    split = urlsplit(place.url)
    raw = socket.create_connection((split.hostname or "", split.port or 443), within)
    return context.wrap_socket(raw, server_hostname=split.hostname, session=session)


def _asked(connection: ssl.SSLSocket, request: bytes) -> str:
    """The first line of the answer."""
    try:
        connection.sendall(request)
        return connection.recv(_PIECE).partition(b"\r\n")[0].decode("latin-1")
    except OSError:
        return ""


def _heard(connection: ssl.SSLSocket, says: str) -> str:
    """What comes after a text is said: up to the end, or until nothing has come for a while."""
    came = b""
    with suppress(OSError):
        connection.sendall(_frame(says))
        connection.settimeout(_SHORT * 4)
        while piece := connection.recv(_PIECE):
            came += piece
    return came.decode("utf-8", "replace")


# -- sizes that nobody needs ------------------------------------------------------------------------------------------


async def answer_to(place: Place, request: bytes, *, within: float) -> str:
    """Say a request and return the first line of what comes back, "" where that is the end; raises TimeoutError."""
    reader, writer = await place.reach()
    try:
        async with asyncio.timeout(within):
            with suppress(ConnectionError):
                writer.write(request)
                await writer.drain()
            return await _line(reader)
    finally:
        writer.transport.abort()


async def _line(reader: asyncio.StreamReader) -> str:
    try:
        return (await reader.readline()).decode("latin-1").strip()
    except ConnectionError:
        return ""


async def _upgraded(place: Place, within: float) -> Streams:
    """A WebSocket connection; raises OSError where the server does not open it."""
    reader, writer = await place.reach()
    async with asyncio.timeout(within):
        writer.write(place.request())
        came = await reader.readuntil(b"\r\n\r\n")
    line = came.partition(b"\r\n")[0].decode("latin-1")
    if _SWITCHED not in line:
        writer.transport.abort()
        raise ConnectionError(f"the upgrade was answered {line}")
    return reader, writer


async def bears_frame(place: Place, announced: int, sent: int, *, within: float) -> bool:
    """Begin a frame of `announced` bytes, send `sent` of them: whether the server still listens after `within` s."""
    reader, writer = await _upgraded(place, within)
    try:
        async with asyncio.timeout(within):
            pouring = asyncio.ensure_future(_pour(writer, announced, sent))
            try:
                await _ends(reader)  # which may come while nobody takes in any more of the frame
            finally:
                pouring.cancel()
    except ConnectionError:
        return False
    except TimeoutError:
        return True
    else:
        return False
    finally:
        writer.transport.abort()


async def _pour(writer: asyncio.StreamWriter, announced: int, sent: int) -> None:
    """Begin a frame of `announced` bytes, and send so many of them."""
    piece = b" " * _PIECE
    with suppress(ConnectionError):
        writer.write(bytes((_TEXT, _MASKED | _LONG)) + announced.to_bytes(8, "big") + _NO_MASK)
        for _ in range(sent // _PIECE):
            writer.write(piece)
            await writer.drain()


async def _ends(reader: asyncio.StreamReader) -> None:
    """Wait for a close frame or the end of the connection; calls and pings may come before."""
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            first, second = await reader.readexactly(2)
            if first == _CLOSE:
                return
            size = second
            if second >= _LONG - 1:
                size = int.from_bytes(await reader.readexactly(2 if second == _LONG - 1 else 8), "big")
            await reader.readexactly(size)


# -- too much at once -------------------------------------------------------------------------------------------------


@asynccontextmanager
async def flooding(place: Place, texts: Sequence[str], *, within: float) -> AsyncIterator[None]:
    """Send all of these, one after the other without waiting, and take in what comes, while a block goes on."""
    reader, writer = await _upgraded(place, within)

    async def pour() -> None:
        with suppress(ConnectionError):
            for text in texts:
                writer.write(_frame(text))
                await writer.drain()

    async def drain() -> None:
        with suppress(ConnectionError):
            while await reader.read(_PIECE):
                pass

    tasks = [asyncio.ensure_future(each()) for each in (pour, drain)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        writer.transport.abort()


def _frame(text: str) -> bytes:
    data = text.encode()
    size = len(data)
    if size < _LONG - 1:
        return bytes((_TEXT, _MASKED | size)) + _NO_MASK + data
    return bytes((_TEXT, _MASKED | (_LONG - 1))) + size.to_bytes(2, "big") + _NO_MASK + data
