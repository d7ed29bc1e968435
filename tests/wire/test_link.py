"""The harness as CSMS, against the `websockets` client and against plain sockets."""

import asyncio
import gc
import socket
import struct
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.frames import Frame, Opcode
from wire_support import BOOT, BOOTED, PATIENCE, UPGRADE, Raw, Serve, answer_boot, of, seen, url

from conformance.wire.frames import Call, CallResult, Malformed, decode
from conformance.wire.link import (
    Accept,
    HandshakeInfo,
    Link,
    LinkClosed,
    LinkOptions,
    Listener,
    Refuse,
    negotiate,
    split_path,
)
from conformance.wire.transcript import Entry, JsonLinesSink, Transcript


def kinds(transcript: Transcript) -> list[str]:
    return [entry.kind for entry in transcript.entries]


async def test_a_boot_is_answered_and_recorded(serve: Serve, transcript: Transcript) -> None:
    opened: list[Link] = []
    async with serve(on_open=opened.append) as listener, connect(url(listener), subprotocols=["ocpp2.0.1"]) as station:
        await station.send(BOOT)
        assert decode(await station.recv()) == CallResult("boot-1", BOOTED, "")
        [link] = listener.links
        assert opened == [link]
        assert (link.identity, link.prefix, link.path) == ("CS001", "/ocpp", "/ocpp/CS001")
        assert (link.subprotocol, link.is_open, link.number) == ("ocpp2.0.1", True, 1)
        assert link.version is not None
        assert link.version.name == "2.0.1"
        assert "CS001" in repr(link)
    assert kinds(transcript) == ["handshake", "open", "frame", "frame", "close"]
    handshake, opening, call, answer, close = transcript.entries
    assert (handshake.sender, handshake.station, handshake.link) == ("sut", "CS001", 1)
    assert handshake.detail["status"] == 101
    assert handshake.detail["offered"] == ("ocpp2.0.1",)
    assert handshake.detail["chosen"] == "ocpp2.0.1"
    assert handshake.detail["compression"] is True
    assert handshake.detail["error"] is None
    assert handshake.detail["remote"].startswith("127.0.0.1:")
    assert opening.detail == {"subprotocol": "ocpp2.0.1", "version": "2.0.1"}
    assert (call.sender, answer.sender, call.problems, answer.problems) == ("sut", "harness", (), ())
    assert isinstance(call.frame, Call)
    expected = {"code": 1000, "reason": "", "by": "sut", "how": "close frame", "error": None}
    assert (close.sender, close.detail) == ("sut", expected)
    assert not link.is_open
    assert link.closed is close


async def test_problems_are_noted_with_each_frame(serve: Serve, transcript: Transcript) -> None:
    async with (
        serve(on_frame=None) as listener,
        connect(url(listener), subprotocols=["ocpp1.6", "ocpp2.0.1"]) as station,
    ):
        await station.send('[2,"1","Heartbeat",{"x":1}]')
        await station.send('[6,"1","Heartbeat",{}]')
        await station.send("nonsense")
        await station.send(b"binary")
        await seen(transcript, lambda entry: len(transcript.frames()) == 4)
        [link] = listener.links
        link.send('[3,"1",{}]')
        link.send('[2,"2","Reset",{"type":"Immediate"}]')
        await station.send('[3,"2",{"status":"Odd"}]')
        await station.send('[3,"3",{"status":"Odd"}]')
        await seen(transcript, lambda entry: len(transcript.frames()) == 8)
    found = [[(problem.path, problem.keyword) for problem in entry.problems] for entry in transcript.frames()]
    assert found == [
        [("", "additionalProperties")],
        [("", "frame")],
        [("", "frame")],
        [("", "frame")],
        [("", "required")],
        [],
        [("/status", "enum")],
        [],
    ]
    assert transcript.frames()[1].frame == Malformed("unknown message type 6", "1", "", 6, "Heartbeat")
    assert transcript.frames()[3].frame == Malformed("binary frame", None, "")
    assert len(transcript.unasked()) == 1


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [(["ocpp2.0.1"], "ocpp2.0.1"), (["ocpp0.1", "ocpp1.6"], "ocpp1.6"), (["ocpp1.6", "ocpp2.0.1"], "ocpp2.0.1")],
)
async def test_the_first_common_subprotocol_is_chosen(serve: Serve, offered: list[Any], chosen: str) -> None:
    async with serve() as listener, connect(url(listener), subprotocols=offered) as station:
        assert station.subprotocol == chosen


@pytest.mark.parametrize("offered", [["ocpp0.1"], ["OCPP2.0.1"], None])
async def test_without_a_common_one_the_handshake_ends_and_the_connection_is_closed(
    serve: Serve, transcript: Transcript, offered: list[Any] | None
) -> None:
    async with serve() as listener, connect(url(listener), subprotocols=offered) as station:
        assert station.subprotocol is None
        with pytest.raises(ConnectionClosed) as closed:
            await station.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1002
        assert listener.links == ()
    handshake, close = transcript.entries
    assert (handshake.detail["status"], handshake.detail["chosen"]) == (101, None)
    assert handshake.detail["error"] == "no common subprotocol"
    assert (close.kind, close.detail["code"], close.detail["by"]) == ("close", 1002, "harness")


async def test_a_subprotocol_that_is_no_version_opens_without_schemas(serve: Serve, transcript: Transcript) -> None:
    async with (
        serve(admit=lambda _: Accept("ocpp9"), on_frame=None) as listener,
        connect(url(listener), subprotocols=["ocpp9"]) as station,  # type: ignore[list-item]
    ):
        await station.send('[6,"1","Anything",{}]')
        entry = await seen(transcript, of("frame"))
        assert (entry.problems, listener.links[0].version) == ((), None)


@pytest.mark.parametrize(("status", "line"), [(401, "401 Unauthorized"), (404, "404 Not Found"), (599, "599 ")])
async def test_a_refusal_is_an_http_status(serve: Serve, transcript: Transcript, status: int, line: str) -> None:
    def refuse(_: HandshakeInfo) -> Refuse:
        return Refuse(status, "not you", {"WWW-Authenticate": "Basic"})

    handshakes: list[Entry] = []
    async with serve(admit=refuse, on_handshake=handshakes.append) as listener:
        raw = await Raw.open(listener)
        raw.write(UPGRADE + b"\r\n")
        answer = (await raw.rest()).decode()
        await raw.close()
        with pytest.raises(InvalidStatus):
            await connect(url(listener), subprotocols=["ocpp2.0.1"])
    assert answer.startswith(f"HTTP/1.1 {line}")
    assert "WWW-Authenticate: Basic\r\n" in answer
    assert answer.endswith("not you\n")
    assert [entry.kind for entry in transcript.entries] == ["handshake", "handshake"]
    assert handshakes == list(transcript.entries)
    assert (handshakes[0].detail["status"], handshakes[0].detail["error"]) == (status, "not you")


async def test_what_a_station_asks_for(serve: Serve, transcript: Transcript) -> None:
    asked: list[HandshakeInfo] = []

    def noting(request: HandshakeInfo) -> Accept:
        asked.append(request)
        return Accept("ocpp2.0.1")

    async with serve(admit=noting) as listener:
        target = f"ws://RDAM%20123:pass%3Aw%C3%B6rd-16-long@127.0.0.1:{listener.port}/a/b/RDAM%20123?x=/y"
        async with connect(target, subprotocols=["ocpp2.0.1", "ocpp1.6"]):
            pass
    [request] = asked
    assert (request.path, request.prefix, request.identity) == ("/a/b/RDAM%20123?x=/y", "/a/b", "RDAM 123")
    assert request.subprotocols == ("ocpp2.0.1", "ocpp1.6")
    assert request.credentials == ("RDAM 123", "pass:wörd-16-long")
    assert request.problems == ()
    assert request.headers["Authorization"] == "Basic user=RDAM 123 password=<17 characters>"
    exported = repr(request) + "".join(str(entry) + repr(entry.to_json()) for entry in transcript.entries)
    assert "wörd" not in exported
    assert "cGFzcz" not in exported
    assert "cGFzczp3" not in repr([entry.detail for entry in transcript.entries])


@pytest.mark.parametrize(
    ("path", "split", "problems"),
    [
        ("/CS001", ("", "CS001"), 0),
        ("/ocpp/", ("/ocpp", ""), 1),
        ("/ocpp/a%2Fb", ("/ocpp", "a/b"), 0),
        ("/ocpp/a%3Ab", ("/ocpp", "a:b"), 1),
        ("/ocpp/" + "x" * 48, ("/ocpp", "x" * 48), 0),
        ("/ocpp/" + "x" * 49, ("/ocpp", "x" * 49), 1),
        ("/ocpp/%ff%C3%A9", ("/ocpp", "\\xffé"), 0),
        ("*", ("", "*"), 0),
    ],
)
async def test_the_identity_is_the_last_element_of_the_path(
    serve: Serve, transcript: Transcript, path: str, split: tuple[str, str], problems: int
) -> None:
    assert split_path(path) == split
    async with serve() as listener:
        raw = await Raw.open(listener)
        raw.write(UPGRADE.replace(b"/ocpp/CS001", path.encode()) + b"\r\n")
        handshake = await seen(transcript, of("handshake"))
        await raw.close()
    assert (handshake.detail["path"], handshake.detail["identity"]) == (path, split[1])
    assert len(handshake.detail.get("problems", ())) == problems


def test_subprotocols_are_negotiated_in_our_order() -> None:
    assert negotiate(["b", "a"], ["a", "b"]) == "a"
    assert negotiate(["B"], ["b"]) is None


async def test_fragments_and_control_frames_between_them(serve: Serve, transcript: Transcript) -> None:
    async with serve() as listener:
        raw = await Raw.open(listener, upgrade=True)
        data = '[2,"1","DataTransfer",{"vendorId":"é"}]'.encode()
        raw.frame(Opcode.TEXT, b"", fin=False)
        raw.frame(Opcode.CONT, data[:35], fin=False)
        raw.frame(Opcode.PING, b"hi")
        raw.frame(Opcode.CONT, data[35:])
        raw.frame(Opcode.BINARY, b"\x00", fin=False)
        raw.frame(Opcode.CONT, b"\xff")
        binary = await seen(transcript, lambda entry: entry.kind == "frame" and "binary" in repr(entry.frame))
        await raw.close()
    [call] = transcript.frames(kind=Call)
    assert call.text == data.decode()
    assert (binary.text, binary.frame) == ("\x00\\xff", Malformed("binary frame", None, ""))
    pings = [(entry.kind, entry.sender, entry.detail["data"]) for entry in transcript.entries if "ng" in entry.kind]
    assert pings == [("ping", "sut", "hi"), ("pong", "harness", "hi")]


@pytest.mark.parametrize(
    ("send", "code", "words"),
    [
        (lambda raw: raw.frame(Opcode.TEXT, b'["\xff"]'), 1007, "codec"),
        (lambda raw: raw.frame(Opcode.TEXT, b"x" * 2000), 1009, "2000 bytes"),
        (
            lambda raw: [raw.frame(Opcode.TEXT, b"x" * 600, fin=False), raw.frame(Opcode.CONT, b"x" * 600)],
            1009,
            "600 bytes",
        ),
        (lambda raw: raw.write(b"\x83\x80\x00\x00\x00\x00"), 1002, "invalid opcode"),
        (lambda raw: raw.write(b"\x81\x01x"), 1002, "masking"),
        (lambda raw: raw.frame(Opcode.CONT, b"x"), 1002, "continuation"),
        (lambda raw: raw.frame(Opcode.CLOSE, b"\x03"), 1002, "too short"),
        (lambda raw: raw.frame(Opcode.CLOSE, b"\x03\xe8\xff"), 1007, "invalid start byte"),
    ],
)
async def test_what_breaks_the_websocket_protocol_is_closed_and_said(
    serve: Serve, transcript: Transcript, send: Any, code: int, words: str
) -> None:
    closed: list[Entry] = []
    options = LinkOptions(max_size=1000)
    async with serve(options=options, on_close=lambda _, entry: closed.append(entry)) as listener:
        raw = await Raw.open(listener, upgrade=True)
        send(raw)
        answer = await raw.rest()
        await raw.close()
    assert struct.unpack("!H", answer[2:4]) == (code,)
    [close] = closed
    assert (close.detail["code"], close.detail["by"], close.detail["how"]) == (code, "harness", "close frame")
    assert words in close.detail["error"]
    if code == 1007 and words == "codec":
        [broken] = transcript.frames()
        assert broken.frame == Malformed("not UTF-8", None, "")
        assert broken.text == '["\\xff"]'


async def test_an_answer_that_comes_with_the_close_frame_is_handed_on(serve: Serve, transcript: Transcript) -> None:
    got: list[Entry] = []
    async with serve(on_frame=lambda _, entry: got.append(entry)) as listener:
        raw = await Raw.open(listener, upgrade=True)
        answer = Frame(Opcode.TEXT, b'[3,"1",{}]').serialize(mask=True)
        raw.write(answer + Frame(Opcode.CLOSE, b"\x03\xe8bye").serialize(mask=True) + answer)
        close = await seen(transcript, of("close", code=1000, reason="bye", by="sut"))
        assert got == transcript.frames()
        assert [entry.n for entry in got] == [close.n - 1]
        await raw.close()


async def test_a_call_that_can_not_be_answered_any_more_is_a_note(serve: Serve, transcript: Transcript) -> None:
    async with serve() as listener:
        raw = await Raw.open(listener, upgrade=True)
        raw.write(
            Frame(Opcode.TEXT, BOOT.encode()).serialize(mask=True)
            + Frame(Opcode.CLOSE, b"\x03\xe8").serialize(mask=True)
        )
        await seen(transcript, of("close", code=1000))
        await raw.close()
    assert [entry.kind for entry in transcript.entries] == ["handshake", "open", "frame", "note", "close"]


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", None, "valid HTTP request"),
        (b"hello\r\n\r\n", None, "invalid HTTP request line"),
        (b"GET / HTTP/2.0\r\n\r\n", None, "unsupported protocol"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 426, "Connection"),
        (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", 405, "POST"),
        (b"GET / HTTP/1.1\r\nA: " + b"x" * 9000, 431, "8192"),
        (b"GET /" + b"x" * 9000, 414, "8192"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200, 431, "128"),
        (UPGRADE.replace(b"13", b"12") + b"\r\n", 400, "Version"),
        (UPGRADE.replace(b"ocpp2.0.1", b"\xff,;") + b"\r\n", 400, "Protocol"),
        (UPGRADE + b"\r\n" + b"\x81\x01x", None, "before the handshake was complete"),
        (UPGRADE + b"\r\n" + Frame(Opcode.CLOSE, b"").serialize(mask=True), None, "before the handshake was complete"),
    ],
)
async def test_what_is_no_upgrade_is_a_failed_handshake(
    serve: Serve, transcript: Transcript, data: bytes, status: int | None, words: str
) -> None:
    async with serve() as listener:
        raw = await Raw.open(listener)
        raw.write(data)
        answer = await raw.rest()
        await raw.close()
        async with connect(url(listener), subprotocols=["ocpp2.0.1"]) as station:
            await station.send(BOOT)
            await station.recv()
    failed = transcript.entries[0]
    assert (failed.kind, failed.detail["status"]) == ("handshake", status)
    assert words in failed.detail["error"]
    if status is not None:
        assert answer.startswith(b"HTTP/1.1 %d " % status)


async def test_a_handshake_that_ends_half_way(serve: Serve, transcript: Transcript) -> None:
    async with serve() as listener:
        half = await Raw.open(listener)
        half.write(UPGRADE[:40])
        half.writer.write_eof()
        await half.rest()
        await half.close()
        reset = await Raw.open(listener)
        reset.write(UPGRADE[:40])
        await reset.writer.drain()
        reset.reset()
        await seen(transcript, lambda entry: entry.n == 1)
    first, second = transcript.entries
    assert first.detail["error"] == "the connection ended before the handshake was complete, after 40 bytes"
    assert "before the handshake was complete" in second.detail["error"]
    assert first.detail["status"] is None


async def test_nothing_for_too_long_is_a_failed_handshake(serve: Serve, transcript: Transcript) -> None:
    async with serve(options=LinkOptions(handshake_timeout=0.01)) as listener:
        raw = await Raw.open(listener)
        assert await raw.rest() == b""
        await raw.close()
    [entry] = transcript.entries
    assert entry.detail["error"] == "no complete handshake within 0.01 s, 0 bytes came"


async def test_ends_of_a_connection_without_a_close_frame(serve: Serve, transcript: Transcript) -> None:
    async with serve() as listener:
        raw = await Raw.open(listener, upgrade=True)
        raw.writer.write_eof()
        eof = await seen(transcript, of("close", how="eof"))
        await raw.close()
        raw = await Raw.open(listener, upgrade=True)
        raw.reset()
        reset = await seen(transcript, of("close", how="reset"))
    for entry in (eof, reset):
        assert (entry.detail["by"], entry.detail["code"], entry.sender) == ("sut", 1006, "sut")
    assert reset.detail["error"]


async def test_the_harness_ends_a_connection(serve: Serve, transcript: Transcript) -> None:
    async with serve() as listener:
        async with connect(url(listener), subprotocols=["ocpp2.0.1"]) as station:
            await listener.links[0].close(1001, "é" * 100)
            with pytest.raises(ConnectionClosed):
                await station.recv()
            assert station.close_code == 1001
            assert station.close_reason == "é" * 61
        async with connect(url(listener), subprotocols=["ocpp2.0.1"]) as station:
            listener.links[0].abort()
            with pytest.raises(ConnectionClosedError) as lost:
                await station.recv()
            assert isinstance(lost.value.__cause__, ConnectionResetError)
        async with connect(url(listener), subprotocols=["ocpp2.0.1"]) as station:
            listener.links[0].fin()
            with pytest.raises(ConnectionClosedError) as lost:
                await station.recv()
            assert isinstance(lost.value.__cause__, EOFError)
        link = listener.connections and listener.connections[0]
    closes = [entry for entry in transcript.entries if entry.kind == "close"]
    assert [(entry.detail["how"], entry.detail["by"]) for entry in closes] == [
        ("close frame", "harness"),
        ("reset", "harness"),
        ("eof", "harness"),
    ]
    assert closes[0].detail["answer"] == 1001
    assert not link


async def test_a_station_that_does_not_answer_the_close_frame_is_cut_off(serve: Serve, transcript: Transcript) -> None:
    async with serve(options=LinkOptions(close_timeout=0.01)) as listener:
        raw = await Raw.open(listener, upgrade=True)
        [link] = listener.links
        with pytest.raises(ValueError, match="1005"):
            link.start_close(1005)
        await link.close()
        link.abort()
        link.fin()
        await link.close()
        await raw.rest()
        await raw.close()
    close = transcript.entries[-1]
    assert (close.detail["how"], close.detail["by"], close.detail["code"]) == ("timeout", "harness", 1000)


async def test_nothing_can_be_sent_on_a_closed_link(serve: Serve) -> None:
    async with serve() as listener:
        async with connect(url(listener), subprotocols=["ocpp2.0.1"]):
            [link] = listener.links
            with pytest.raises(UnicodeEncodeError):
                link.send("\ud800")
        await link.wait_closed()
        await link.drain()
        for action in (lambda: link.send("x"), link.ping, link.pong):
            with pytest.raises(LinkClosed):
                action()


async def test_pings_and_pongs_both_ways(serve: Serve, transcript: Transcript) -> None:
    async with (
        serve(options=LinkOptions(auto_pong=False, ping_interval=0.01, ping_timeout=5)) as listener,
        connect(url(listener), subprotocols=["ocpp2.0.1"], ping_interval=None) as station,
    ):
        [link] = listener.links
        await seen(transcript, of("pong", data="2"))
        unanswered = await station.ping(b"anyone?")
        await seen(transcript, of("ping", data="anyone?"))
        assert not unanswered.done()
        link.auto_pong = True
        answered = await station.ping(b"now?")
        async with asyncio.timeout(PATIENCE):
            await answered
        link.pong(b"unasked")
        link.ping(b"mine")
        await seen(transcript, of("pong", data="mine"))
    assert not [entry for entry in transcript.entries if of("pong", data="anyone?")(entry)]


async def test_a_station_that_answers_no_ping_is_cut_off(serve: Serve, transcript: Transcript) -> None:
    async with serve(options=LinkOptions(ping_interval=0.01, ping_timeout=0.05)) as listener:
        raw = await Raw.open(listener, upgrade=True)
        close = await seen(transcript, of("close"))
        await raw.close()
    assert (close.detail["how"], close.detail["error"]) == ("timeout", "no pong within 0.05 s")


async def test_without_compression_none_is_agreed(serve: Serve, transcript: Transcript) -> None:
    async with (
        serve(options=LinkOptions(compression=False)) as listener,
        connect(url(listener), subprotocols=["ocpp2.0.1"]) as station,
    ):
        await station.send(BOOT)
        await station.recv()
        assert not station.protocol.extensions
    assert transcript.entries[0].detail["compression"] is False


async def test_a_decompression_bomb_is_too_big(serve: Serve, transcript: Transcript) -> None:
    async with (
        serve(options=LinkOptions(max_size=100_000)) as listener,
        connect(url(listener), subprotocols=["ocpp2.0.1"]) as station,
    ):
        await station.send("x" * 5_000_000)
        close = await seen(transcript, of("close"))
        assert close.detail["code"] == 1009


async def test_a_slow_reader_holds_back_the_sender_and_not_the_others(serve: Serve, transcript: Transcript) -> None:
    async with serve() as listener:
        slow = await Raw.open(listener, upgrade=True)
        [link] = listener.links
        slow.writer.transport.pause_reading()
        while not link._writing_paused:
            link.send("x" * 1_000_000)
        draining = asyncio.ensure_future(link.drain())
        slow.frame(Opcode.TEXT, b"unread")
        async with connect(url(listener), subprotocols=["ocpp2.0.1"]) as station:
            await station.send(BOOT)
            await station.recv()
        assert not draining.done()
        assert not [entry for entry in transcript.frames() if entry.text == "unread"]
        slow.writer.transport.resume_reading()
        reading = asyncio.ensure_future(slow.rest())
        async with asyncio.timeout(PATIENCE):
            await draining
        await seen(transcript, lambda entry: entry.text == "unread")
        link.abort()
        await reading
        await slow.close()


async def test_drain_ends_with_the_connection(serve: Serve) -> None:
    async with serve() as listener:
        slow = await Raw.open(listener, upgrade=True)
        [link] = listener.links
        slow.writer.transport.pause_reading()
        while not link._writing_paused:
            link.send("x" * 1_000_000)
        draining = asyncio.ensure_future(link.drain())
        await asyncio.sleep(0)
        link.abort()
        async with asyncio.timeout(PATIENCE):
            await draining
        await slow.close()


async def test_what_the_harness_itself_raises_is_told_and_the_link_lives(
    serve: Serve, transcript: Transcript, complaints: list[dict[str, Any]]
) -> None:
    def failing(link: Link, entry: Entry) -> None:
        if entry.text == "fail":
            raise ZeroDivisionError
        answer_boot(link, entry)

    def watching(entry: Entry) -> None:
        if entry.text == "watch":
            raise LookupError

    def admitting(request: HandshakeInfo) -> Accept:
        if request.identity == "CS002":
            raise ArithmeticError
        return Accept("ocpp2.0.1")

    transcript.watch(watching)
    async with serve(on_frame=failing, admit=admitting) as listener:
        with pytest.raises(InvalidStatus):
            await connect(url(listener, "/ocpp/CS002"), subprotocols=["ocpp2.0.1"])
        async with connect(url(listener), subprotocols=["ocpp2.0.1"]) as station:
            await station.send("fail")
            await station.send("watch")
            await station.send(BOOT)
            await station.recv()
    assert [type(each["exception"]) for each in complaints] == [ArithmeticError, ZeroDivisionError, LookupError]
    assert [entry.text for entry in transcript.frames()][:2] == ["fail", "watch"]
    complaints.clear()


async def test_a_defect_of_the_harness_ends_the_one_connection(
    serve: Serve, transcript: Transcript, complaints: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve() as listener, connect(url(listener), subprotocols=["ocpp2.0.1"]) as station:
        [link] = listener.links
        monkeypatch.setattr(link, "_take_frame", lambda _: 1 / 0)
        await station.send(BOOT)
        with pytest.raises(ConnectionClosed):
            await station.recv()
    assert [type(each["exception"]) for each in complaints] == [ZeroDivisionError]
    assert any("ZeroDivisionError" in entry.detail.get("text", "") for entry in transcript.entries)
    complaints.clear()


async def test_pause_refuses_and_resume_serves_on_the_same_port(serve: Serve) -> None:
    async with serve() as listener:
        port = listener.port
        async with connect(url(listener), subprotocols=["ocpp2.0.1"]) as station:
            await listener.pause()
            await listener.pause()
            assert not listener.is_listening
            with pytest.raises(ConnectionRefusedError):
                await Raw.open(listener)
            await station.send(BOOT)
            await station.recv()
            await listener.resume()
            await listener.resume()
        assert (listener.port, listener.is_listening) == (port, True)
        async with connect(url(listener), subprotocols=["ocpp2.0.1"]):
            pass


async def test_an_address_in_use_is_said_with_host_and_port(transcript: Transcript) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        listener = Listener("127.0.0.1", port, lambda _: Refuse(404), transcript)
        with pytest.raises(OSError, match=rf"can't listen on 127\.0\.0\.1 port {port}: "):
            await listener.start()
        assert not listener.is_listening
    with pytest.raises(OSError, match=r"can't listen on no-such-host\.invalid port 1: "):
        await Listener("no-such-host.invalid", 1, lambda _: Refuse(404), transcript).start()
    with pytest.raises(OSError, match=r"can't listen on 192\.0\.2\.1 port 0: "):
        await Listener("192.0.2.1", 0, lambda _: Refuse(404), transcript).start()


@pytest.mark.parametrize("host", ["localhost", ""])
async def test_every_address_of_a_host_has_the_same_port(transcript: Transcript, host: str) -> None:
    listener = Listener(host, 0, lambda _: Accept("ocpp2.0.1"), transcript)
    await listener.start()
    await listener.start()
    try:
        async with connect(f"ws://localhost:{listener.port}/CS001", subprotocols=["ocpp2.0.1"]):
            pass
    finally:
        await listener.stop()
        await listener.stop()


async def test_the_collector_runs_less_while_listening(transcript: Transcript) -> None:
    before = gc.get_threshold()
    listeners = [Listener("127.0.0.1", 0, lambda _: Refuse(404), transcript) for _ in range(2)]
    for listener in listeners:
        await listener.start()
    assert gc.get_threshold()[0] >= 50_000
    await listeners[0].stop()
    assert gc.get_threshold()[0] >= 50_000
    await listeners[1].stop()
    assert gc.get_threshold() == before


async def test_stop_closes_what_is_open_and_cuts_off_what_does_not_go(transcript: Transcript) -> None:
    listener = Listener("127.0.0.1", 0, lambda _: Accept("ocpp2.0.1"), transcript)
    await listener.start()
    station = await connect(url(listener), subprotocols=["ocpp2.0.1"])
    deaf = await Raw.open(listener, upgrade=True)
    silent = await Raw.open(listener)
    async with connect(url(listener), subprotocols=["ocpp2.0.1"]):
        assert len(listener.connections) == 4
    await listener.stop(grace=0.05)
    assert listener.connections == ()
    with pytest.raises(ConnectionClosed):
        await station.recv()
    assert station.close_code == 1001
    for raw in (deaf, silent):
        await raw.rest()
        await raw.close()
    hows = [(entry.link, entry.detail["how"]) for entry in transcript.entries if entry.kind == "close"]
    assert sorted(hows) == [(1, "close frame"), (2, "reset"), (4, "close frame")]
    [failed] = [entry for entry in transcript.entries if entry.link == 3]
    assert failed.detail["error"] == "the harness ended the connection (reset)"


async def test_the_file_of_a_run_reads_like_the_transcript(serve: Serve, transcript: Transcript, tmp_path: Any) -> None:
    transcript.sink = sink = JsonLinesSink(tmp_path / "wire.jsonl")
    async with serve() as listener, connect(url(listener), subprotocols=["ocpp2.0.1"]) as station:
        await station.send(BOOT)
        await station.recv()
    sink.close()
    lines = (tmp_path / "wire.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == len(transcript.entries)
    assert sink.failure is None


def test_it_works_on_uvloop_too(transcript: Transcript) -> None:
    uvloop = pytest.importorskip("uvloop")

    async def session() -> None:
        listener = Listener("127.0.0.1", 0, lambda _: Accept("ocpp2.0.1"), transcript, on_frame=answer_boot)
        await listener.start()
        async with connect(url(listener), subprotocols=["ocpp2.0.1"]) as station:
            await station.send(BOOT)
            await station.recv()
            await listener.pause()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", listener.port)
            await listener.resume()
            listener.links[0].stall()
            listener.links[0].unstall()
            listener.links[0].abort()
            with pytest.raises(ConnectionClosedError) as lost:
                await station.recv()
            assert isinstance(lost.value.__cause__, ConnectionResetError)
        raw = await Raw.open(listener, upgrade=True)
        raw.writer.write_eof()
        await seen(transcript, of("close", how="eof"))
        await raw.close()
        await listener.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(session())
