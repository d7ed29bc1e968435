"""A bad network on purpose."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from wire_support import BOOT, PATIENCE, Raw, Serve, of, seen, url

from conformance.wire.faults import Faults, Network, StationNetwork
from conformance.wire.frames import Call, CallError, CallResult, decode
from conformance.wire.link import Line, Link, LinkOptions, dial
from conformance.wire.transcript import Entry, Transcript


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
        assert not listener.line.stalled
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


# -- a station at the other end ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "how"), [("reset", "reset"), ("fin", "eof")])
async def test_the_connection_is_lost_once(serve: Serve, transcript: Transcript, name: str, how: str) -> None:
    async with serve() as listener:
        network = Network(listener)
        async with connect(url(listener), subprotocols=["ocpp2.0.1"]) as station:
            async with getattr(network, name)():
                with pytest.raises(ConnectionClosed):
                    await station.recv()
                async with connect(url(listener), subprotocols=["ocpp2.0.1"]) as again:
                    await again.send(BOOT)
                    await again.recv()
            await seen(transcript, of("close", how=how, by="harness"))
    assert faults(transcript) == [(name, "begin"), (name, "end")]


def another(message_id: str) -> str:
    return BOOT.replace("boot-1", message_id)


async def test_unanswered_is_delivered(serve: Serve, transcript: Transcript) -> None:
    async with serve() as listener:
        network = Network(listener)
        async with (
            connect(url(listener), subprotocols=["ocpp2.0.1"]) as station,
            network.unanswered("BootNotification", 1, which=lambda payload: payload["reason"] == "PowerUp"),
        ):
            await station.send(another("other").replace("PowerUp", "Unknown"))
            await station.send(another("lost"))
            await station.send(another("kept"))
            answers = [decode(await station.recv()), decode(await station.recv())]
    assert [each.message_id for each in answers] == ["other", "kept"]
    [lost] = [each for each in transcript.exchanges(action="BootNotification") if each.answer is None]
    [struck] = [each for each in transcript.entries if each.kind == "fault" and each.detail["phase"] == "strikes"]
    assert struck.detail == {"fault": "unanswered", "phase": "strikes", "frame": lost.call.n}


async def test_reset_before_the_answer(serve: Serve, transcript: Transcript) -> None:
    async with serve() as listener:
        network = Network(listener)
        async with network.reset_before_answer("BootNotification", 1):
            async with connect(url(listener), subprotocols=["ocpp2.0.1"]) as station:
                await station.send(BOOT)
                with pytest.raises(ConnectionClosed):
                    await station.recv()
            async with connect(url(listener), subprotocols=["ocpp2.0.1"]) as station:
                await station.send(BOOT)
                await station.recv()
    assert [each.answer is None for each in transcript.exchanges(action="BootNotification")] == [True, False]
    [close] = [each for each in transcript.entries if each.kind == "close" and each.detail["how"] == "reset"]
    assert close.detail["by"] == "harness"


async def test_an_answer_that_is_cut_off_answers_nothing(serve: Serve, transcript: Transcript) -> None:
    async with serve() as listener:
        network = Network(listener)
        async with network.cut("BootNotification", 1):
            raw = await Raw.open(listener, upgrade=True)
            raw.frame(1, b'[2,"h","Heartbeat",{}]')
            raw.frame(1, BOOT.encode())
            came = await raw.rest()
            await raw.close()
    [answer] = [each for each in transcript.entries if each.detail.get("dropped")]
    assert isinstance(answer.frame, CallResult)
    assert answer.text.encode()[:8] in came
    assert answer.text.encode() not in came
    exchange = transcript.exchange(answer)
    assert exchange is not None
    assert exchange.answer is None
    assert ("cut", "strikes") in faults(transcript)


async def test_erring(serve: Serve, transcript: Transcript) -> None:
    async with serve() as listener:
        network = Network(listener)
        async with (
            connect(url(listener), subprotocols=["ocpp2.0.1"]) as station,
            network.erring("BootNotification", 2, code="GenericError"),
        ):
            kinds = []
            for number in range(3):
                await station.send(another(str(number)))
                kinds.append(type(decode(await station.recv())))
    assert kinds == [CallError, CallError, CallResult]
    assert faults(transcript).count(("erring", "strikes")) == 2


async def test_no_pong(serve: Serve, transcript: Transcript) -> None:
    async with serve() as listener:
        network = Network(listener)
        async with connect(url(listener), subprotocols=["ocpp2.0.1"], ping_interval=None) as station:
            async with network.no_pong():
                lost = await station.ping(b"lost")
                await station.send(BOOT)
                await station.recv()
                assert not lost.done()
            await (await station.ping(b"kept"))
    assert [each.detail["data"] for each in transcript.entries if each.kind == "pong"] == ["kept"]


async def test_slow_handshake(serve: Serve, transcript: Transcript) -> None:
    async with serve() as listener:
        network = Network(listener)
        loop = asyncio.get_running_loop()
        async with network.slow_handshake(0.1):
            began = loop.time()
            async with connect(url(listener), subprotocols=["ocpp2.0.1"]) as station:
                opened = loop.time()
                await station.send(BOOT)
                await station.recv()
                assert opened - began >= 0.1
                assert loop.time() - opened < 0.1
        async with network.slow_handshake(60):
            waiting = asyncio.ensure_future(connect(url(listener), subprotocols=["ocpp2.0.1"]))
            while not listener.connections:  # noqa: ASYNC110 -- the kernel accepts when it likes
                await asyncio.sleep(0)
        await (await waiting).close()
    assert transcript.entries[0].detail == {"fault": "slow_handshake", "phase": "begin", "seconds": 0.1}


async def test_delayed_keeps_the_order_and_ends(serve: Serve) -> None:
    async with serve() as listener:
        network = Network(listener)
        loop = asyncio.get_running_loop()
        async with connect(url(listener), subprotocols=["ocpp2.0.1"]) as station:
            async with network.delayed(0.05, jitter=0.05, seed=7):
                began = loop.time()
                for number in range(5):
                    await station.send(another(str(number)))
                ids = [decode(await station.recv()).message_id for _ in range(5)]
                assert ids == ["0", "1", "2", "3", "4"]
                assert loop.time() - began >= 0.1
            async with network.delayed(60):
                await station.send(another("held"))
                while not listener.links[0]._coming._waiting:  # noqa: ASYNC110
                    await asyncio.sleep(0)
            assert decode(await station.recv()).message_id == "held"


async def test_a_seed_gives_the_same_times(serve: Serve) -> None:
    async with serve() as listener:
        network = Network(listener)
        drawn = []
        for seed in (1, 1, 2):
            async with network.delayed(0.0, jitter=1.0, seed=seed):
                drawn.append([network.line.seconds(1, opening=False) for _ in range(3)])
    assert drawn[0] == drawn[1] != drawn[2]


async def test_narrow(serve: Serve) -> None:
    async with serve() as listener:
        network = Network(listener)
        loop = asyncio.get_running_loop()
        async with connect(url(listener), subprotocols=["ocpp2.0.1"], compression=None) as station:
            async with network.narrow(2000):
                began = loop.time()
                await station.send(BOOT)
                answer = str(await station.recv())
                assert loop.time() - began >= (len(BOOT) + len(answer)) / 2000
            async with network.narrow(1):
                await station.send(BOOT)
            await station.recv()


async def test_what_is_under_way_is_lost_with_the_connection(serve: Serve, transcript: Transcript) -> None:
    async with serve() as listener:
        network = Network(listener)
        async with connect(url(listener), subprotocols=["ocpp2.0.1"]) as station, network.delayed(0.02):
            listener.links[0].send('[2,"1","Reset",{"type":"Immediate"}]')
            async with network.reset():
                with pytest.raises(ConnectionClosed):
                    await station.recv()
    assert [each.detail["how"] for each in transcript.entries if each.kind == "close"] == ["reset"]


# -- a CSMS at the other end ------------------------------------------------------------------------------------------


class Uplink:
    """The harness as a station, with its network; the listener is a CSMS."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.transcript = Transcript()
        self.network = StationNetwork(Line(), self.transcript)
        self.told: list[Entry] = []

    async def dial(self) -> Link:
        return await dial(
            self.address,
            ["ocpp2.0.1"],
            self.transcript,
            on_frame=lambda _, entry: self.told.append(entry),
            line=self.network.line,
        )


@pytest.fixture
async def uplink(serve: Serve) -> AsyncIterator[Uplink]:
    async with serve() as listener:
        yield Uplink(url(listener))


async def test_no_way_to_the_csms(uplink: Uplink) -> None:
    link = await uplink.dial()
    async with uplink.network.refused():
        assert not link.is_open
        with pytest.raises(ConnectionRefusedError):
            await uplink.dial()
    again = await uplink.dial()
    await again.close()
    statuses = [each.detail["status"] for each in uplink.transcript.entries if each.kind == "handshake"]
    assert statuses == [101, None, 101]


async def test_an_answer_of_the_csms_is_lost(uplink: Uplink) -> None:
    link = await uplink.dial()
    async with uplink.network.unanswered("BootNotification", 1):
        link.send(another("lost"))
        link.send(another("kept"))
        await seen(
            uplink.transcript,
            lambda entry: getattr(entry.frame, "message_id", "") == "kept" and entry.sender == "sut",
        )
        assert [each.frame.message_id for each in uplink.told if each.frame] == ["kept"]
    assert [each.answer is not None for each in uplink.transcript.exchanges()] == [True, True]  # the CSMS did answer
    await link.close()


async def test_reset_before_the_answer_of_the_csms(uplink: Uplink) -> None:
    link = await uplink.dial()
    async with uplink.network.reset_before_answer("BootNotification", 1):
        link.send(BOOT)
        await seen(uplink.transcript, of("close", how="reset", by="harness"))
    assert uplink.told == []


async def test_a_message_of_the_station_is_cut_off(uplink: Uplink, transcript: Transcript) -> None:
    link = await uplink.dial()
    async with uplink.network.cut("BootNotification", 1, which=lambda payload: payload["reason"] == "PowerUp"):
        sent = link.send(BOOT)
        assert sent.detail == {"dropped": True}
        assert not link.is_open
        await seen(transcript, of("close", how="eof"))
    assert transcript.frames() == []
    [struck] = [each for each in uplink.transcript.entries if each.detail.get("phase") == "strikes"]
    assert struck.detail["frame"] == sent.n


@pytest.mark.parametrize("name", ["stalled", "reset", "fin", "no_pong"])
async def test_the_same_names_for_both(uplink: Uplink, name: str) -> None:
    link = await uplink.dial()
    async with getattr(uplink.network, name)():
        pass
    assert link.is_open == (name in ("stalled", "no_pong"))
    await link.close()
    assert faults(uplink.transcript) == [(name, "begin"), (name, "end")]


async def test_who_dials_into_a_black_hole_waits(uplink: Uplink) -> None:
    async with uplink.network.stalled():
        waiting = asyncio.ensure_future(uplink.dial())
        while not uplink.network.line.links:  # noqa: ASYNC110 -- the kernel accepts when it likes
            await asyncio.sleep(0)
        assert not waiting.done()
    link = await waiting
    await link.close()


async def test_faults_without_a_role_have_no_messages() -> None:
    with pytest.raises(NotImplementedError):
        async with Faults(Line(), Transcript()).unanswered("BootNotification"):
            pass
