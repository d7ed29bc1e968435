"""A bad network on purpose."""

import asyncio
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from wire_support import BOOT, PATIENCE, Raw, Serve, of, seen, url

from conformance.wire.faults import Network
from conformance.wire.frames import Call, CallResult, decode
from conformance.wire.link import LinkOptions
from conformance.wire.transcript import Transcript


def faults(transcript: Transcript) -> list[tuple[Any, ...]]:
    return [(each.detail["fault"], each.detail["phase"]) for each in transcript.entries if each.kind == "fault"]


@pytest.mark.parametrize(
    ("drop", "how"), [("close", "close frame"), ("reset", "reset"), ("fin", "eof"), ("keep", None)]
)
async def test_refused(serve: Serve, transcript: Transcript, drop: Any, how: str | None) -> None:
    async with serve() as listener:
        network = Network(listener)
        async with connect(url(listener), subprotocols=["ocpp2.0.1"]) as station:
            async with network.refused(drop) as begin:
                assert begin.detail == {"fault": "refused", "phase": "begin", "drop": drop}
                with pytest.raises(ConnectionRefusedError):
                    await Raw.open(listener)
                if how is None:
                    await station.send(BOOT)
                    await station.recv()
                else:
                    with pytest.raises(ConnectionClosed):
                        await station.recv()
                    await seen(transcript, of("close", how=how, by="harness"))
            async with connect(url(listener), subprotocols=["ocpp2.0.1"]) as again:
                await again.send(BOOT)
                await again.recv()
    assert faults(transcript) == [("refused", "begin"), ("refused", "end")]


async def test_turned_away_leaves_the_attempts_in_the_transcript(serve: Serve, transcript: Transcript) -> None:
    async with serve() as listener:
        network = Network(listener)
        station = await connect(url(listener), subprotocols=["ocpp2.0.1"])
        async with network.turned_away(503) as begin:
            with pytest.raises(ConnectionClosed):
                await station.recv()
            assert station.close_code == 1001
            for _ in range(2):
                with pytest.raises(InvalidStatus):
                    await connect(url(listener), subprotocols=["ocpp2.0.1"])
        async with connect(url(listener), subprotocols=["ocpp2.0.1"]):
            pass
    attempts = [each for each in transcript.since(begin.n) if each.kind == "handshake"]
    assert [each.detail["status"] for each in attempts] == [503, 503, 101]
    assert attempts[0].at < attempts[1].at
    assert attempts[0].detail["error"] == "out of service"
    assert faults(transcript) == [("turned_away", "begin"), ("turned_away", "end")]


async def test_stalled_is_a_black_hole_until_it_ends(serve: Serve, transcript: Transcript) -> None:
    async with serve(options=LinkOptions(handshake_timeout=0.05, ping_interval=0.01, ping_timeout=1)) as listener:
        network = Network(listener)
        async with connect(url(listener), subprotocols=["ocpp2.0.1"], ping_interval=None) as station:
            [link] = listener.links
            async with network.stalled() as begin:
                await station.send(BOOT)
                waiting = asyncio.ensure_future(connect(url(listener), subprotocols=["ocpp2.0.1"]))
                dropped = link.send('[2,"1","Reset",{"type":"Immediate"}]')
                link.ping(b"dropped")
                link.pong(b"dropped")
                assert dropped.detail == {"dropped": True}
                while len(listener.connections) < 2:  # noqa: ASYNC110 -- the kernel accepts when it likes
                    await asyncio.sleep(0)
                link.stall()
                loop = asyncio.get_running_loop()
                passed = loop.create_future()
                loop.call_later(0.1, passed.set_result, None)
                await passed
                assert [each.kind for each in transcript.since(begin.n + 1)] == ["frame", "ping", "pong"]
                assert not waiting.done()
            link.unstall()
            async with asyncio.timeout(PATIENCE):
                assert isinstance(decode(await station.recv()), CallResult)
                await (await waiting).close()
            link.send('[2,"2","Reset",{"type":"Immediate"}]')
            answer = decode(await station.recv())
            assert isinstance(answer, Call)
            assert answer.message_id == "2"
    assert faults(transcript) == [("stalled", "begin"), ("stalled", "end")]


async def test_a_stalled_link_can_only_be_reset(serve: Serve, transcript: Transcript) -> None:
    async with serve() as listener:
        network = Network(listener)
        async with connect(url(listener), subprotocols=["ocpp2.0.1"]) as station:
            async with network.stalled():
                [link] = listener.links
                await link.close()
            with pytest.raises(ConnectionClosed):
                await station.recv()
        assert transcript.entries[-2].detail["how"] == "reset"


async def test_bytes_that_come_while_stalled_are_kept(serve: Serve, transcript: Transcript) -> None:
    async with serve() as listener:
        raw = await Raw.open(listener, upgrade=True)
        [link] = listener.links
        link.stall()
        link.data_received(b"\x89\x80\x00\x00\x00\x00")
        assert transcript.entries[-1].kind == "open"
        link.unstall()
        assert [entry.kind for entry in transcript.since(2)] == ["ping", "pong"]
        await raw.close()


async def test_a_fault_ends_whatever_happens_in_it(serve: Serve, transcript: Transcript) -> None:
    async with serve() as listener:
        network = Network(listener)
        for fault in (network.refused, network.turned_away, network.stalled):
            with pytest.raises(ZeroDivisionError):
                async with fault():
                    raise ZeroDivisionError
        assert listener.is_listening
        assert listener.turned_away is None
        assert not listener.stalled
    assert len(faults(transcript)) == 6


async def test_a_fault_is_on_once_at_a_time(serve: Serve) -> None:
    async with serve() as listener:
        network = Network(listener)
        async with network.refused(), network.turned_away():
            with pytest.raises(RuntimeError, match="refused already"):
                async with network.refused():
                    pass
            assert not listener.is_listening
        assert listener.is_listening
