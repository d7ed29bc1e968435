"""The harness as a station, against its own listener and against the `websockets` server."""

import asyncio
import contextlib
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as websockets_serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from wire_support import BOOT, BOOTED, PATIENCE, Serve, of, seen, url

from conformance.wire.connection import Link
from conformance.wire.frames import CallResult, Malformed
from conformance.wire.link import Accept, HandshakeFailed, HandshakeInfo, LinkClosed, LinkOptions, Refuse, dial
from conformance.wire.transcript import Entry, Transcript


@pytest.fixture
def ours() -> Transcript:
    """The transcript of the station; the listener has another."""
    return Transcript()


async def test_both_ends_see_the_same(serve: Serve, transcript: Transcript, ours: Transcript) -> None:
    asked: list[HandshakeInfo] = []

    def admitting(request: HandshakeInfo) -> Accept:
        asked.append(request)
        return Accept("ocpp2.0.1")

    opened: list[Link] = []
    async with serve(admit=admitting) as listener:
        link = await dial(
            url(listener, "/ocpp/RDAM%20123"),
            ["ocpp2.0.1", "ocpp1.6"],
            ours,
            credentials=("RDAM 123", "0123456789abcdef"),
            headers=[("X-Extra", "1")],
            on_open=opened.append,
        )
        assert opened == [link]
        assert (link.identity, link.prefix, link.subprotocol, link.is_open) == ("RDAM 123", "/ocpp", "ocpp2.0.1", True)
        link.send(BOOT)
        answer = await seen(ours, lambda entry: isinstance(entry.frame, CallResult))
        assert answer.frame == CallResult("boot-1", BOOTED, "")
        link.ping(b"x")
        await seen(ours, of("pong", data="x"))
        await link.close(1000, "done")
    assert asked[0].credentials == ("RDAM 123", "0123456789abcdef")
    assert asked[0].headers["X-Extra"] == "1"
    assert [entry.kind for entry in ours.entries] == [entry.kind for entry in transcript.entries]
    assert [entry.sender for entry in ours.entries] == ["harness", None, "harness", "sut", "harness", "sut", "harness"]
    assert {entry.station for entry in ours.entries} == {"RDAM 123"}
    handshake, close = ours.entries[0], ours.entries[-1]
    assert (handshake.detail["status"], handshake.detail["chosen"]) == (101, "ocpp2.0.1")
    assert handshake.detail["offered"] == ("ocpp2.0.1", "ocpp1.6")
    assert handshake.detail["headers"]["Authorization"] == "Basic user=RDAM 123 password=<16 characters>"
    assert handshake.detail["response_headers"]["Sec-WebSocket-Protocol"] == "ocpp2.0.1"
    assert (close.detail["by"], close.detail["reason"], close.detail["answer"]) == ("harness", "done", 1000)
    assert transcript.entries[-1].detail["by"] == "sut"


async def test_an_identity_sent_as_the_password_stays_readable(serve: Serve, ours: Transcript) -> None:
    async with serve() as listener:
        await dial(f"ws://somebody:CS-000001@127.0.0.1:{listener.port}/CS-000001", ["ocpp2.0.1"], ours)
    assert {entry.to_json().get("station") for entry in ours.entries} == {"CS-000001"}


async def test_credentials_in_the_url_are_used_and_hidden(serve: Serve, ours: Transcript) -> None:
    asked: list[HandshakeInfo] = []

    def refusing(request: HandshakeInfo) -> Refuse:
        asked.append(request)
        return Refuse(401, "no")

    async with serve(admit=refusing) as listener:
        with pytest.raises(HandshakeFailed) as failed:
            await dial(f"ws://CS001:secret-in-url@127.0.0.1:{listener.port}/CS001", ["ocpp2.0.1"], ours)
    assert asked[0].credentials == ("CS001", "secret-in-url")
    assert failed.value.status == 401
    assert failed.value.entry is ours.entries[0]
    assert failed.value.entry.detail["body"] == "no\n"
    assert "secret-in-url" not in repr([entry.to_json() for entry in ours.entries])


async def test_credentials_that_are_given_come_before_those_of_the_url(serve: Serve, ours: Transcript) -> None:
    asked: list[HandshakeInfo] = []

    def refusing(request: HandshakeInfo) -> Refuse:
        asked.append(request)
        return Refuse(401)

    async with serve(admit=refusing) as listener:
        with pytest.raises(HandshakeFailed, match="401"):
            await dial(f"ws://a:b@127.0.0.1:{listener.port}/CS001", [], ours, credentials=("CS001", "given"))
    assert asked[0].credentials == ("CS001", "given")


async def test_password_bytes_are_sent_as_they_are(serve: Serve, ours: Transcript) -> None:
    asked: list[HandshakeInfo] = []

    def admitting(request: HandshakeInfo) -> Accept:
        asked.append(request)
        return Accept("ocpp1.6")

    async with serve(admit=admitting) as listener:
        link = await dial(url(listener), ["ocpp1.6"], ours, credentials=("CS001", b"\xff\x00"))
        await link.close()
    assert asked[0].credentials == ("CS001", "\\xff\x00")


async def test_a_csms_that_agrees_to_no_subprotocol_closes(serve: Serve, ours: Transcript) -> None:
    async with serve() as listener:
        link = await dial(url(listener), ["ocpp0.1"], ours)
        close = await seen(ours, of("close"))
        await link.wait_closed()
    assert (link.subprotocol, link.version) == (None, None)
    assert (close.detail["code"], close.detail["by"]) == (1002, "sut")


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1/x", "ws://user:secret-word@", "ws://h/#x", "ws://h:x/", "nonsense"]
)
async def test_what_is_no_url_of_a_websocket_is_said(ours: Transcript, target: str) -> None:
    with pytest.raises(ValueError, match="is no URL of a WebSocket") as failed:
        await dial(target, ["ocpp2.0.1"], ours)
    assert "secret-word" not in str(failed.value)
    assert len(ours.entries) == 0


async def test_tls_is_not_there_yet(ours: Transcript) -> None:
    with pytest.raises(ValueError, match="wss needs TLS"):
        await dial("wss://127.0.0.1/CS001", ["ocpp2.0.1"], ours)


async def test_a_refused_connection_is_an_attempt_too(serve: Serve, ours: Transcript) -> None:
    handshakes: list[Entry] = []
    async with serve() as listener:
        await listener.pause()
        with pytest.raises(ConnectionRefusedError):
            await dial(url(listener), ["ocpp2.0.1"], ours, on_handshake=handshakes.append)
    [attempt] = ours.entries
    assert handshakes == [attempt]
    assert (attempt.kind, attempt.sender, attempt.station, attempt.detail["status"]) == (
        "handshake",
        "harness",
        "CS001",
        None,
    )
    assert "Connect call failed" in attempt.detail["error"]


async def answering(data: bytes) -> asyncio.Server:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
        writer.write(data)
        writer.close()

    return await asyncio.start_server(connected, "127.0.0.1", 0)


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (b"", None, "the connection ended before the handshake was complete, after 0 bytes"),
        (b"SSH-2.0\r\n\r\n", None, "valid HTTP response"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", 404, "HTTP 404"),
        (b"HTTP/1.1 101 Sw\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", 101, "Sec-WebSocket-Accept"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"x" * 9000 + b"\r\n\r\n", None, "valid HTTP response"),
        (b"H" * 9000, None, "8192"),
    ],
)
async def test_what_a_server_can_say_instead(ours: Transcript, data: bytes, status: int | None, words: str) -> None:
    server = await answering(data)
    port = server.sockets[0].getsockname()[1]
    try:
        with pytest.raises(HandshakeFailed) as failed:
            async with asyncio.timeout(PATIENCE):
                await dial(f"ws://127.0.0.1:{port}/CS001", ["ocpp2.0.1"], ours)
    finally:
        server.close()
    assert (failed.value.status, len(ours.entries)) == (status, 1)
    assert words in str(failed.value)


async def test_a_silent_server_is_given_up(ours: Transcript) -> None:
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    target = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/CS001"
    try:
        with pytest.raises(HandshakeFailed, match="no complete handshake within"):
            await dial(target, ["ocpp2.0.1"], ours, options=LinkOptions(handshake_timeout=0.01))
        waiting = asyncio.ensure_future(dial(target, ["ocpp2.0.1"], ours))
        while len(held) < 2:  # noqa: ASYNC110 -- the server has nothing to wait on
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    finally:
        server.close()
        for writer in held:
            writer.transport.abort()
    assert ours.entries[-1].detail["error"] == "the harness ended the connection (reset)"


async def test_against_the_server_of_websockets(ours: Transcript) -> None:
    """The independent view: compression, fragments, pings, both ways of closing."""
    got: list[Any] = []

    async def csms(socket: ServerConnection) -> None:
        got.append(await socket.recv())
        await socket.send(
            ['[3,"boot', '-1",', '{"currentTime":"2026-01-01T00:00:00Z","interval":1,"status":"Accepted"}]']
        )
        await (await socket.ping(b"there?"))
        got.append(await socket.recv())
        await socket.close(4000, "enough")

    async with websockets_serve(csms, "127.0.0.1", 0, subprotocols=["ocpp2.0.1"]) as server:  # type: ignore[list-item]
        port = server.sockets[0].getsockname()[1]
        link = await dial(f"ws://127.0.0.1:{port}/CS001", ["ocpp2.0.1"], ours)
        link.send(BOOT)
        answer = await seen(ours, lambda entry: isinstance(entry.frame, CallResult))
        link.send("é" * 100_000)
        close = await seen(ours, of("close"))
        await link.wait_closed()
    assert got == [BOOT, "é" * 100_000]
    assert answer.problems == ()
    assert ours.entries[0].detail["compression"] is True
    assert (close.detail["code"], close.detail["reason"], close.detail["by"]) == (4000, "enough", "sut")
    assert [entry.sender for entry in ours.entries if entry.kind in ("ping", "pong")] == ["sut", "harness"]


async def test_the_server_of_websockets_without_compression(ours: Transcript) -> None:
    async def csms(socket: ServerConnection) -> None:
        with pytest.raises(ConnectionClosed):
            await socket.recv()

    def look(_: ServerConnection, request: Request) -> Response | None:
        assert "Sec-WebSocket-Extensions" not in request.headers
        return None

    async with websockets_serve(csms, "127.0.0.1", 0, process_request=look) as server:
        port = server.sockets[0].getsockname()[1]
        link = await dial(f"ws://127.0.0.1:{port}", [], ours, options=LinkOptions(compression=False))
        assert (link.identity, link.path, link.subprotocol) == ("", "/", None)
        await link.close(1001)


# -- odd frames


async def test_a_message_in_parts_with_a_ping_between(serve: Serve, transcript: Transcript, ours: Transcript) -> None:
    async with serve() as listener:
        link = await dial(url(listener), ["ocpp2.0.1"], ours)
        sent = link.send_in_parts(BOOT[:9], BOOT[9:40], BOOT[40:], ping=b"between")
        assert sent.text == BOOT
        await seen(ours, lambda entry: isinstance(entry.frame, CallResult))
        await seen(ours, of("pong", data="between"))
        link.send_in_parts(BOOT)
        assert [entry.text for entry in transcript.frames(sender="sut")] == [BOOT]
        await link.close()
        with pytest.raises(LinkClosed):
            link.send_in_parts(BOOT)


async def test_a_binary_message(serve: Serve, transcript: Transcript, ours: Transcript) -> None:
    async with serve() as listener:
        link = await dial(url(listener), ["ocpp2.0.1"], ours)
        sent = link.send_binary(BOOT.encode())
        assert sent.frame == Malformed("binary frame", "boot-1", "", 2, "BootNotification")
        came = await seen(transcript, lambda entry: entry.frame is not None)
        assert came.frame == sent.frame
        await link.close()
        with pytest.raises(LinkClosed):
            link.send_binary(b"")


async def test_odd_frames_into_a_stall_are_dropped(serve: Serve, transcript: Transcript, ours: Transcript) -> None:
    async with serve() as listener:
        link = await dial(url(listener), ["ocpp2.0.1"], ours)
        link.stall()
        assert link.send_binary(b"x").detail["dropped"]
        assert link.send_in_parts("x", "y").detail["dropped"]
        link.abort()
        await link.wait_closed()
    assert transcript.frames() == []
