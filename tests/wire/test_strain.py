"""Connections that mean no good: that they do what they say, against small servers."""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from conformance.pki import Pki
from conformance.wire.strain import Place, answer_to, bears_frame, fail, flooding, held, resume
from conformance.wire.tls import ClientTls, ServerTls, TlsVersion, context_of

SOON = 5.0
SHORT = 0.3


@asynccontextmanager
async def websocket(**options: Any) -> AsyncIterator[tuple[Place, list[str]]]:
    """A WebSocket server, and what it is told."""
    told: list[str] = []

    async def note(connection: ServerConnection) -> None:
        async for message in connection:
            told.append(str(message))  # noqa: PERF401

    async with serve(note, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")], **options) as server:
        scheme = "wss" if "ssl" in options else "ws"
        yield Place(f"{scheme}://localhost:{port_of(server)}/CS1", "ocpp1.6", None, ("CS1", b"\xff:")), told


def port_of(server: Server | asyncio.Server) -> int:
    return int(next(iter(server.sockets)).getsockname()[1])


@asynccontextmanager
async def listener(tls: ServerTls | None = None) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that listens to everybody and says nothing."""
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            heard.append(await reader.read(1 << 16))
        writer.close()

    context = None if tls is None else context_of(tls)
    async with await asyncio.start_server(listen, "127.0.0.1", 0, ssl=context) as server:
        yield port_of(server), heard


async def test_a_request_as_it_should_be() -> None:
    async with websocket() as (place, _):
        assert "101" in await answer_to(place, place.request(), within=SOON)
        assert place.request(query="a=b", headers=(("X-More", "1"),)).startswith(b"GET /CS1?a=b HTTP/1.1\r\n")
        assert b"X-More: 1\r\n" in place.request(headers=(("X-More", "1"),))


async def test_a_request_of_absurd_size() -> None:
    async with websocket() as (place, _):
        answer = await answer_to(place, place.request(headers=(("X-Long", "x" * 100_000),)), within=SOON)
        assert " 101" not in answer


async def test_no_answer_to_a_request() -> None:
    async with listener() as (port, heard):
        place = Place(f"ws://127.0.0.1:{port}/CS1", "ocpp1.6")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(answer_to(place, b"", within=SHORT), SOON)
        assert heard == []


async def test_frames() -> None:
    async with websocket() as (place, _):
        assert not await bears_frame(place, 1 << 30, 1 << 20, within=SOON)
    async with websocket(max_size=None) as (place, _):
        assert await bears_frame(place, 1 << 30, 1 << 20, within=SHORT)


async def test_a_server_that_hangs_up_and_takes_in_nothing_more() -> None:
    """As something in front of a CSMS does that has nowhere left to send what comes."""

    there: list[asyncio.StreamWriter] = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"\x88\x02\x03\xf1")
        await writer.drain()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        place = Place(f"ws://localhost:{port_of(server)}/CS1", "ocpp1.6", None, None)
        assert not await bears_frame(place, 1 << 30, 32 << 20, within=SOON)
        there[0].transport.abort()
        await asyncio.wait([asyncio.ensure_future(there[0].wait_closed())])


async def test_no_frame_without_a_connection() -> None:
    async with websocket() as (place, _):
        wrong = Place(place.url, "ocpp9")
        with pytest.raises(ConnectionError):
            await bears_frame(wrong, 1 << 30, 0, within=SOON)


async def test_a_flood() -> None:
    async with websocket() as (place, told):
        async with flooding(place, ["x" * size for size in (1, 125, 126, 5000)] * 10, within=SOON):
            async with asyncio.timeout(SOON):
                while len(told) < 40:  # noqa: ASYNC110
                    await asyncio.sleep(0)
        assert {len(each) for each in told} == {1, 125, 126, 5000}


async def test_connections_are_held() -> None:
    async with listener() as (port, heard):
        async with held(Place(f"ws://127.0.0.1:{port}/", "ocpp1.6"), 7, b"GET") as opened:
            assert opened == 7
            async with asyncio.timeout(SOON):
                while len(heard) < 7:  # noqa: ASYNC110
                    await asyncio.sleep(0)
        assert heard == [b"GET"] * 7
    async with held(Place(f"ws://127.0.0.1:{port}/", "ocpp1.6"), 3) as opened:
        assert opened == 0


async def test_bad_handshakes_in_plain_http() -> None:
    async with websocket() as (place, told):
        done = await fail(place, 20)
        assert done == Counter(dict.fromkeys(done, 4))
        assert "101" in await answer_to(place, place.request(), within=SOON)
        assert told == []


async def test_bad_handshakes_with_tls() -> None:
    pki = Pki.new()
    async with listener(ServerTls(pki.server())) as (port, heard):
        place = Place(f"wss://localhost:{port}/", "ocpp1.6", ClientTls(pki.root))
        done = await fail(place, 16)
        assert sum(done.values()) == 16
        assert len(done) == 8
        assert not any(heard)


@pytest.mark.parametrize("oldest", ["1.2", "1.3"])
async def test_a_session_is_resumed(oldest: TlsVersion) -> None:
    """With TLS 1.3 alone, too, where it comes after the handshake."""
    pki = Pki.new()
    async with websocket(ssl=context_of(ServerTls(pki.server(), oldest=oldest))) as (there, told):
        place = replace(there, tls=ClientTls(pki.root))
        came = await resume(place, place, says="hello", within=SOON)
        assert "101" in came.first
        assert "101" in came.then
        assert came.resumed
        assert told == ["hello"]
        refused = await resume(place, replace(place, url=place.url.replace("/CS1", "/")), within=SOON)
        assert refused.heard == ""


async def test_who_comes_back_with_a_session_is_let_in_after_a_while() -> None:
    """As by a CSMS that does not know yet that the first connection has ended."""
    pki = Pki.new()
    answers = iter([None, HTTPStatus.CONFLICT, None])

    def admit(connection: ServerConnection, _: Request) -> Response | None:
        status = next(answers)
        return None if status is None else connection.respond(status, "busy\n")

    async with websocket(ssl=context_of(ServerTls(pki.server())), process_request=admit) as (there, _):
        place = replace(there, tls=ClientTls(pki.root))
        came = await resume(place, place, within=SOON, patience=SOON)
    assert (" 101" in came.first, " 101" in came.then, came.resumed) == (True, True, True)


async def test_who_comes_back_with_a_session_is_refused() -> None:
    """As by servers that never learnt where their sessions belong."""
    pki = Pki.new()
    context = context_of(ServerTls(pki.server()))
    answers = iter([None, ssl.ALERT_DESCRIPTION_INTERNAL_ERROR])
    context.sni_callback = lambda *_: next(answers)
    async with websocket(ssl=context) as (there, _):
        place = replace(there, tls=ClientTls(pki.root))
        came = await resume(place, place, within=SOON)
    assert " 101" in came.first
    assert (came.then, came.resumed, came.heard) == ("", False, "")


async def test_a_session_that_leads_nowhere() -> None:
    pki = Pki.new()
    async with listener(ServerTls(pki.server())) as (port, _):
        place = Place(f"wss://localhost:{port}/", "ocpp1.6", ClientTls(pki.root))
        came = await resume(place, place, says="hello", within=SOON)
        assert (came.first, came.then, came.heard) == ("", "", "")
