"""A small CSMS, a station that writes bytes, and waiting for the transcript instead of the clock."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from websockets.frames import Frame

from conformance.wire.frames import Call, encode_result
from conformance.wire.link import Accept, HandshakeInfo, Link, Listener, Refuse, negotiate
from conformance.wire.transcript import Entry, Transcript

PATIENCE = 5.0
BOOT = '[2,"boot-1","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}]'
BOOTED = {"currentTime": "2026-01-01T00:00:00Z", "interval": 300, "status": "Accepted"}

Serve = Callable[..., AbstractAsyncContextManager[Listener]]


def admit(request: HandshakeInfo) -> Accept | Refuse:
    return Accept(negotiate(request.subprotocols, ["ocpp2.0.1", "ocpp1.6"]))


def answer_boot(link: Link, entry: Entry) -> None:
    if isinstance(entry.frame, Call):
        link.send(encode_result(entry.frame.message_id, BOOTED))


async def seen(transcript: Transcript, wanted: Callable[[Entry], bool], since: int = 0) -> Entry:
    """The first entry that is wanted, from number `since` on, as soon as it is there."""
    came = asyncio.Event()
    transcript.watch(notice := lambda _: came.set())
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                for entry in transcript.since(since):
                    if wanted(entry):
                        return entry
                came.clear()
                await came.wait()
    finally:
        transcript.unwatch(notice)


def of(kind: str, **detail: Any) -> Callable[[Entry], bool]:
    """Whether an entry is of a kind and has these details."""
    return lambda entry: entry.kind == kind and all(entry.detail.get(name) == value for name, value in detail.items())


def url(listener: Listener, path: str = "/ocpp/CS001") -> str:
    return f"ws://127.0.0.1:{listener.port}{path}"


UPGRADE = (
    b"GET /ocpp/CS001 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: ocpp2.0.1\r\n"
)


class Raw:
    """A station that writes bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, listener: Listener, *, upgrade: bool = False, extra: bytes = b"") -> "Raw":
        raw = cls(*await asyncio.open_connection("127.0.0.1", listener.port))
        if upgrade:
            raw.write(UPGRADE + extra + b"\r\n")
            async with asyncio.timeout(PATIENCE):
                assert (await raw.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        return raw

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    def frame(self, opcode: Any, data: bytes, *, fin: bool = True) -> None:
        self.write(Frame(opcode, data, fin).serialize(mask=True))

    async def rest(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()

    def reset(self) -> None:
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
