"""Whatever bytes come, the listener lives, nothing is raised, and a good station is still served."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.frames import Frame, Opcode
from wire_support import BOOT, UPGRADE, admit, answer_boot, url

from conformance.wire.link import LinkOptions, Listener
from conformance.wire.transcript import Transcript

DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
HANDSHAKES = [UPGRADE + b"\r\n", UPGRADE + DEFLATE + b"\r\n", UPGRADE.replace(b"ocpp2.0.1", b"ocpp0.1") + b"\r\n"]
FRAMES = [
    Frame(opcode, data, fin).serialize(mask=True)
    for opcode, data, fin in [
        (Opcode.TEXT, BOOT.encode(), True),
        (Opcode.TEXT, b'[3,"1",{}]', True),
        (Opcode.TEXT, BOOT.encode()[:20], False),
        (Opcode.CONT, BOOT.encode()[20:], True),
        (Opcode.BINARY, b"\x00\xff" * 70, True),
        (Opcode.PING, b"ping", True),
        (Opcode.PONG, b"", True),
        (Opcode.CLOSE, b"\x03\xe8bye", True),
        (Opcode.CLOSE, b"", True),
    ]
]


@st.composite
def mutated(draw: Callable[..., Any], whole: st.SearchStrategy[bytes]) -> bytes:
    """Bytes with up to four places overwritten, cut out or stuffed."""
    data = bytearray(draw(whole))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        data[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(data)


conversations = st.lists(
    st.one_of(
        mutated(st.sampled_from(HANDSHAKES)),
        mutated(st.lists(st.sampled_from(FRAMES), max_size=4).map(b"".join)),
        st.binary(max_size=40),
    ),
    max_size=3,
)
ends = st.sampled_from(["eof", "close", "reset"])


@asynccontextmanager
async def running() -> AsyncIterator[tuple[Listener, Transcript, list[dict[str, Any]]]]:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    transcript = Transcript()
    options = LinkOptions(max_size=2000, close_timeout=0.5)
    listener = Listener("127.0.0.1", 0, admit, transcript, options=options, on_frame=answer_boot)
    await listener.start()
    try:
        yield listener, transcript, complaints
    finally:
        await listener.stop(grace=0.1)


async def hostile(listener: Listener, chunks: list[bytes], end: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    try:
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
        if end == "eof":
            writer.write_eof()
            async with asyncio.timeout(5):
                await reader.read()
        elif end == "reset":
            writer.transport.abort()
    except (ConnectionError, OSError):
        pass
    finally:
        writer.close()


async def good(listener: Listener) -> None:
    async with asyncio.timeout(5), connect(url(listener), subprotocols=["ocpp2.0.1"]) as station:  # type: ignore[list-item]
        await station.send(BOOT)
        assert '"Accepted"' in str(await station.recv())


def check(conversation: list[list[bytes]], end: str) -> None:
    async def session() -> None:
        async with running() as (listener, transcript, complaints):
            for chunks in conversation:
                await hostile(listener, chunks, end)
            await good(listener)
        assert complaints == []
        attempts = [entry for entry in transcript.entries if entry.kind == "handshake"]
        assert len(attempts) == len({entry.link for entry in transcript.entries if entry.link is not None})
        for entry in transcript.entries:
            entry.to_json()

    asyncio.run(session())


settled = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@settled
@given(
    st.lists(
        st.builds(lambda rest, start: [start, *rest], conversations, mutated(st.sampled_from(HANDSHAKES))), max_size=4
    ),
    ends,
)
def test_mutated_handshakes(conversation: list[list[bytes]], end: str) -> None:
    check(conversation, end)


@settled
@given(
    st.lists(st.builds(lambda rest, start: [start, *rest], conversations, st.sampled_from(HANDSHAKES)), max_size=4),
    ends,
)
def test_mutated_frames_after_a_good_handshake(conversation: list[list[bytes]], end: str) -> None:
    check(conversation, end)


@settled
@given(st.lists(st.lists(st.binary(max_size=200), max_size=3), max_size=4), ends)
def test_any_bytes(conversation: list[list[bytes]], end: str) -> None:
    check(conversation, end)


@pytest.mark.parametrize("stop", [1, 40, len(HANDSHAKES[0]), len(HANDSHAKES[0]) + 5, None])
def test_a_handshake_and_frames_byte_by_byte(stop: int | None) -> None:
    data = (HANDSHAKES[0] + b"".join(FRAMES))[:stop]
    check([[bytes([byte]) for byte in data]], "eof")
