"""A first message of TLS made by hand, and what a server says to it: for what OpenSSL would never ask."""

import asyncio
import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass

from conformance.wire.tls_messages import read_client_hello, read_server_hello
from conformance.wire.tls_names import ALERTS, SUITE_NAMES, VERSIONS, named
from conformance.wire.transcript import Transcript

_CODES = {name: code for code, name in SUITE_NAMES.items()}
_VERSIONS = {name: code for code, name in VERSIONS.items()}
_COMPRESSIONS = {"null": 0, "DEFLATE": 1, "LZS": 64}
_HANDSHAKE, _ALERT, _HEADER = 22, 21, 5
_CLIENT_HELLO, _SERVER_HELLO = 1, 2
_TLS12, _TLS13 = 0x0303, 0x0304
_GROUPS = (29, 23, 24)
_SIGNATURES = (0x0403, 0x0503, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201)
_LONGEST = 1 << 16


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server said to a hello: its own (`version`, `suite`, `compression`), an alert, the end, or nothing."""

    version: str | None = None
    suite: str | None = None
    compression: str | None = None
    alert: str | None = None
    closed: bool = False

    @property
    def agreed(self) -> bool:
        """Whether the server went along."""
        return self.version is not None

    @property
    def silent(self) -> bool:
        """Whether nothing came, and the connection stayed."""
        return not (self.agreed or self.alert or self.closed)

    def __str__(self) -> str:
        if self.agreed:
            return f"a ServerHello with {self.version}, {self.suite}, compression {self.compression}"
        if self.alert is not None:
            return f"the alert {self.alert}"
        return "the end of the connection" if self.closed else "nothing"


def hello(
    versions: Sequence[str] = ("TLSv1.2",),
    suites: Sequence[str] = ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256"),
    compression: Sequence[str] = ("null",),
    server_name: str | None = None,
) -> bytes:
    """A ClientHello in a record, that offers just this: by the names of IANA, of RFC 8446 for TLS 1.3."""
    numbers = [_VERSIONS[each] for each in versions]
    codes = b"".join(_CODES[each].to_bytes(2, "big") for each in suites)
    extensions = [
        _extension(10, _sized(b"".join(each.to_bytes(2, "big") for each in _GROUPS), 2)),
        _extension(11, _sized(b"\0", 1)),
    ]
    if max(numbers) >= _TLS12:
        extensions.append(_extension(13, _sized(b"".join(each.to_bytes(2, "big") for each in _SIGNATURES), 2)))
    if server_name:
        extensions.append(_extension(0, _sized(b"\0" + _sized(server_name.encode("idna"), 2), 2)))
    if _TLS13 in numbers:
        extensions.append(_extension(43, _sized(b"".join(each.to_bytes(2, "big") for each in numbers), 1)))
        extensions.append(_extension(51, _sized(b"\0\x1d" + _sized(os.urandom(32), 2), 2)))
    body = (
        min(max(numbers), _TLS12).to_bytes(2, "big")
        + os.urandom(32)
        + _sized(b"", 1)
        + _sized(codes, 2)
        + _sized(bytes(_COMPRESSIONS[each] for each in compression), 1)
        + _sized(b"".join(extensions), 2)
    )
    message = bytes((_CLIENT_HELLO,)) + _sized(body, 3)
    return bytes((_HANDSHAKE,)) + min(*numbers, 0x0301).to_bytes(2, "big") + _sized(message, 2)


async def probe(host: str, port: int, data: bytes, transcript: Transcript, within: float) -> Reply:
    """Send bytes to a server over TCP, a hello or not, and return what it says within so many seconds.

    It is in the transcript as "tls", with `probe`. Raises OSError where there is no TCP connection.
    """
    link = transcript.new_link()
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(data)
        came, closed = await _answer(reader, within)
    finally:
        writer.transport.abort()
    reply = read_reply(came, closed=closed)
    asked = read_client_hello(data[_HEADER:]) if data[:1] == bytes((_HANDSHAKE,)) else None
    transcript.add(
        "tls",
        link=link,
        sender="harness",
        detail={
            "ok": False,
            "probe": True,
            "version": reply.version,
            "suite": reply.suite,
            "sni": None if asked is None else asked.server_name,
            "offered": {} if asked is None else asked.offered(),
            "alert_sent": None,
            "alert_received": reply.alert,
            "error": f"a probe of {len(data)} bytes got {reply}",
        },
    )
    return reply


def read_reply(came: bytes, *, closed: bool) -> Reply:
    """What a server said, from its first bytes; `closed`: it then ended the connection."""
    while len(came) >= _HEADER:
        kind, size = came[0], int.from_bytes(came[3:_HEADER], "big")
        record, came = came[_HEADER : _HEADER + size], came[_HEADER + size :]
        if kind == _ALERT and len(record) > 1:
            return Reply(alert=named(ALERTS, record[1]), closed=closed)
        if kind == _HANDSHAKE and record[:1] == bytes((_SERVER_HELLO,)):
            chosen = read_server_hello(record)
            names = {number: name for name, number in _COMPRESSIONS.items()}
            return Reply(
                named(VERSIONS, chosen.version),
                named(SUITE_NAMES, chosen.suite),
                named(names, chosen.compression),
                closed=closed,
            )
    return Reply(closed=closed)


async def _answer(reader: asyncio.StreamReader, within: float) -> tuple[bytes, bool]:
    """The bytes up to the end of the first record, or of the connection, or of the time; and whether that ended."""
    came = b""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within):
            while len(came) < _HEADER or len(came) < _HEADER + int.from_bytes(came[3:_HEADER], "big"):
                try:
                    piece = await reader.read(_LONGEST)
                except ConnectionError:
                    piece = b""
                if not piece:
                    return came, True
                came += piece
    return came, False


def _sized(data: bytes, size: int) -> bytes:
    return len(data).to_bytes(size, "big") + data


def _extension(number: int, data: bytes) -> bytes:
    return number.to_bytes(2, "big") + _sized(data, 2)
