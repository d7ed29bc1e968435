"""The CSMS peer as a station sees it: a plain `websockets` client, which shares no code with the wire layer."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from conformance.peers.csms import CsmsPeer, CsmsServer
from conformance.peers.peer import Patience
from conformance.peers.received import MissingField, NoAnswer, NotSeen, Received, Refused
from conformance.peers.replies import Error, Late, Raw, Silence
from conformance.peers.v201 import boot
from conformance.wire.transcript import Transcript

SOON = 2.0
BOOT = {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}}


@pytest.fixture
async def server() -> AsyncIterator[CsmsServer]:
    server = CsmsServer(
        Transcript(),
        host="127.0.0.1",
        port=0,
        path="/ocpp",
        versions=["2.0.1"],
        patience=Patience(answer=SOON, default=SOON, actions={"connection": SOON}),
    )
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def csms(server: CsmsServer) -> CsmsPeer:
    return server.peer("CS001")


class Station:
    """A few lines of station."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def ask(self, action: str, payload: dict, id_: str = "1") -> list:
        await self.socket.send(json.dumps([2, id_, action, payload]))
        return json.loads(await self.socket.recv())

    async def asked(self) -> list:
        return json.loads(await self.socket.recv())


@asynccontextmanager
async def station(server: CsmsServer, identity: str = "CS001", **options) -> AsyncIterator[Station]:
    options.setdefault("subprotocols", ["ocpp2.0.1"])
    async with connect(f"{server.url}/{identity}", **options) as socket:
        yield Station(socket)


async def test_answers_by_default(server: CsmsServer, csms: CsmsPeer) -> None:
    async with station(server) as one:
        kind, id_, payload = await one.ask("BootNotification", BOOT)
    assert (kind, id_, payload["status"]) == (3, "1", "Accepted")


async def test_scripted_answers_are_used_once_each(server: CsmsServer, csms: CsmsPeer) -> None:
    csms.answer("BootNotification", boot("Pending"), Error("InternalError", "no"), Raw('[3,"{id}",{"x":1}]'))
    async with station(server) as one:
        assert (await one.ask("BootNotification", BOOT))[2]["status"] == "Pending"
        assert (await one.ask("BootNotification", BOOT))[:3] == [4, "1", "InternalError"]
        assert await one.ask("BootNotification", BOOT) == [3, "1", {"x": 1}]
        assert (await one.ask("BootNotification", BOOT))[2]["status"] == "Accepted"
    assert csms.unused == {}


async def test_silence_and_delay(server: CsmsServer, csms: CsmsPeer) -> None:
    csms.answer("Heartbeat", Silence(), Late(0.01))
    async with station(server) as one:
        await one.socket.send(json.dumps([2, "a", "Heartbeat", {}]))
        assert (await one.ask("Heartbeat", {}, "b"))[1] == "b"


async def test_a_pending_station_may_not_send_what_nobody_asked_for(server: CsmsServer, csms: CsmsPeer) -> None:
    csms.answer("BootNotification", boot("Pending"))
    async with station(server) as one:
        await one.ask("BootNotification", BOOT)
        assert (await one.ask("Heartbeat", {}))[2] == "SecurityError"
        await one.ask("BootNotification", BOOT)
        assert "currentTime" in (await one.ask("Heartbeat", {}))[2]


async def test_calls_and_gets_the_answer(server: CsmsServer, csms: CsmsPeer) -> None:
    async with station(server) as one:
        call = asyncio.create_task(csms.call("Reset", {"type": "OnIdle"}))
        _, id_, action, payload = await one.asked()
        assert (action, payload) == ("Reset", {"type": "OnIdle"})
        await one.socket.send(json.dumps([3, id_, {"status": "Accepted"}]))
        answer = await call
    assert answer["status"] == "Accepted"
    with pytest.raises(MissingField, match="statusInfo"):
        _ = answer["statusInfo"]


async def test_a_callerror_is_raised_with_its_code(server: CsmsServer, csms: CsmsPeer) -> None:
    async with station(server) as one:
        call = asyncio.create_task(csms.call("Reset", {"type": "OnIdle"}))
        id_ = (await one.asked())[1]
        await one.socket.send(json.dumps([4, id_, "NotSupported", "", {}]))
        with pytest.raises(Refused, match="NotSupported"):
            await call


async def test_answers_a_call_while_it_waits_itself(server: CsmsServer, csms: CsmsPeer) -> None:
    async with station(server) as one:
        call = asyncio.create_task(csms.call("Reset", {"type": "OnIdle"}))
        id_ = (await one.asked())[1]
        assert (await one.ask("Heartbeat", {}))[0] == 3
        await one.socket.send(json.dumps([3, id_, {"status": "Accepted"}]))
        await call


async def test_no_answer_is_said_so(server: CsmsServer, csms: CsmsPeer) -> None:
    async with station(server):
        with pytest.raises(NoAnswer, match="Reset did not come within"):
            await csms.call("Reset", {"type": "OnIdle"}, within=0.05)


async def test_a_call_ends_with_its_connection(server: CsmsServer, csms: CsmsPeer) -> None:
    async with station(server) as one:
        call = asyncio.create_task(csms.call("Reset", {"type": "OnIdle"}))
        await one.asked()
    with pytest.raises(NoAnswer, match="connection ended"):
        await call


async def test_one_call_satisfies_one_expectation(server: CsmsServer, csms: CsmsPeer) -> None:
    async with station(server) as one:
        await one.ask("Heartbeat", {}, "1")
        await one.ask("Heartbeat", {}, "2")
    first = await csms.expect("Heartbeat")
    second = await csms.expect("Heartbeat")
    assert first.n < second.n
    with pytest.raises(NotSeen, match="Heartbeat did not come"):
        await csms.expect("Heartbeat", within=0.01)


async def test_expectations_can_be_bounded(server: CsmsServer, csms: CsmsPeer) -> None:
    async with station(server) as one:
        await one.ask("Heartbeat", {}, "1")
        await one.ask("BootNotification", BOOT, "2")
        await one.ask("Heartbeat", {}, "3")
    booted = await csms.expect("BootNotification", reason="PowerUp")
    assert (await csms.expect("Heartbeat", after=booted)).entry.frame.message_id == "3"
    assert (await csms.expect("Heartbeat", before=booted)).entry.frame.message_id == "1"


async def test_what_came_before_the_case_does_not_count(server: CsmsServer, csms: CsmsPeer) -> None:
    async with station(server) as one:
        await one.ask("Heartbeat", {})
        csms.begin()
        with pytest.raises(NotSeen):
            await csms.expect("Heartbeat", within=0.01)


async def test_a_miss_says_what_came_instead(server: CsmsServer, csms: CsmsPeer) -> None:
    async with station(server) as one:
        await one.ask("BootNotification", BOOT)
        with pytest.raises(NotSeen, match=r"with reason=RemoteReset .*the last BootNotification was .*PowerUp"):
            await csms.expect("BootNotification", reason="RemoteReset", within=0.01)


async def test_silence_is_broken_by_any_call_but_those_allowed(server: CsmsServer, csms: CsmsPeer) -> None:
    async with station(server) as one:
        await one.ask("Heartbeat", {})
        await csms.silence(for_=0.01, allow=["Heartbeat"], since=0)
        with pytest.raises(AssertionError, match="nothing may be sent here"):
            await csms.silence(for_=0.01, since=0)


async def test_two_stations_are_not_mixed(server: CsmsServer, csms: CsmsPeer) -> None:
    other = server.peer("CS 002/ü")
    other.answer("Heartbeat", Error("InternalError"))
    async with station(server) as one, station(server, "CS%20002%2F%C3%BC") as two:
        assert (await one.ask("Heartbeat", {}))[0] == 3
        assert (await two.ask("Heartbeat", {}))[0] == 4
        call = asyncio.create_task(other.call("ClearCache", {}))
        id_ = (await two.asked())[1]
        await two.socket.send(json.dumps([3, id_, {"status": "Accepted"}]))
        assert (await call)["status"] == "Accepted"
    assert len(csms.seen("Heartbeat")) == 1


async def test_the_same_identity_twice_leaves_the_newer_connection(server: CsmsServer, csms: CsmsPeer) -> None:
    async with station(server) as old, station(server) as new:
        with pytest.raises(ConnectionClosed):
            await old.socket.recv()
        assert (await new.ask("Heartbeat", {}))[0] == 3
        assert csms.link is not None


async def test_reconnects_at_any_time(server: CsmsServer, csms: CsmsPeer) -> None:
    for _ in range(3):
        async with station(server) as one:
            assert (await one.ask("Heartbeat", {}))[0] == 3
        await csms.disconnected(within=SOON)


@pytest.mark.parametrize("identity", ["CS999", "../CS001", "a/CS001"])
async def test_strangers_are_turned_away(server: CsmsServer, csms: CsmsPeer, identity: str) -> None:
    with pytest.raises(InvalidStatus, match="404"):
        async with station(server, identity):
            pass


async def test_no_common_subprotocol_closes_the_connection(server: CsmsServer, csms: CsmsPeer) -> None:
    async with connect(f"{server.url}/CS001", subprotocols=["ocpp1.6"]) as socket:
        assert socket.subprotocol is None
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    assert csms.link is None


async def test_the_password_is_asked_for(server: CsmsServer) -> None:
    server.peer("CS003", password="correct horse battery")
    with pytest.raises(InvalidStatus, match="401"):
        async with station(server, "CS003"):
            pass
    url = server.url.replace("ws://", "ws://CS003:correct%20horse%20battery@") + "/CS003"
    async with connect(url, subprotocols=["ocpp2.0.1"]) as socket:
        assert (await Station(socket).ask("Heartbeat", {}))[0] == 3


@pytest.mark.parametrize(
    ("text", "id_"),
    [("rubbish", "-1"), ("[]", "-1"), ('[2,"7"]', "7"), ('{"a":1}', "-1"), ('[2,"8","Heartbeat",[]]', "8")],
)
async def test_broken_frames_are_answered_and_the_connection_stays(
    server: CsmsServer, csms: CsmsPeer, text: str, id_: str
) -> None:
    async with station(server) as one:
        await one.socket.send(text)
        assert (await one.asked())[:2] == [4, id_]
        assert (await one.ask("Heartbeat", {}))[0] == 3


async def test_an_unknown_action_is_not_implemented(server: CsmsServer, csms: CsmsPeer) -> None:
    async with station(server) as one:
        assert (await one.ask("Fly", {}))[2] == "NotImplemented"


async def test_evidence_is_what_was_looked_at(server: CsmsServer, csms: CsmsPeer) -> None:
    async with station(server) as one:
        await one.ask("Heartbeat", {})
        beat: Received = await csms.expect("Heartbeat")
        assert csms.touched() == (beat.n,)
        assert csms.touched() == ()
