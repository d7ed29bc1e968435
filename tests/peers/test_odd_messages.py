"""What the harness says out of order, and what it makes of the answers."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from conformance.cases.case import Case
from conformance.cases.catalogue import catalogue
from conformance.cases.spec import Spec
from conformance.peers.odd_messages import (
    CODES,
    Provoker,
    judge_not_served,
    judge_refusal,
    judge_unharmed,
    requests_to,
    unharmed,
    unreadable,
)
from conformance.peers.peer import Patience
from conformance.peers.station import StationPeer
from conformance.wire.frames import decode
from conformance.wire.schemas import VERSIONS, check_frame
from conformance.wire.transcript import Transcript

SOON = 2.0
PATIENCE = Patience(answer=SOON, default=SOON, actions={"connection": SOON})
TARGETS = [(role, version) for role in ("station", "csms") for version in ("2.0.1", "1.6")]
REQUIREMENTS = ("J.ANSWER.01", "J.ANSWER.02", "J.ANSWER.05", "J.ERROR.05", "CSMS.CONN.01")

Behaviour = Callable[[ServerConnection, Any], Any]


def a_profile(role: str = "csms", version: str = "2.0.1") -> Any:
    return SimpleNamespace(role=role, version=version, timing=SimpleNamespace(answer=SOON, settle=0.1))


@asynccontextmanager
async def against(behaviour: Behaviour) -> AsyncIterator[StationPeer]:
    """A station of the harness, connected to a CSMS that does this with each text."""

    async def handle(socket: ServerConnection) -> None:
        async for text in socket:
            await behaviour(socket, text)

    async with serve(handle, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp2.0.1")]) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ocpp"
        station = StationPeer("CS001", Transcript(), PATIENCE, url=url, back_off=0.01)
        await station.connect()
        try:
            yield station
        finally:
            await station.close()


async def answer(socket: ServerConnection, text: str, *, refuse: bool = False) -> None:
    _, message_id, *_ = json.loads(text)
    result = [3, message_id, {"currentTime": "2026-01-01T00:00:00Z"}]
    await socket.send(json.dumps([4, message_id, "FormatViolation", "", {}] if refuse else result))


def a_spec() -> Spec:
    return Spec(Case("X_CSMS", "x", "csms", ("2.0.1",), REQUIREMENTS), catalogue("2.0.1"))


def missed(spec: Spec) -> list[str]:
    return [each.requirement for each in spec.findings if each.verdict in ("FAIL", "WARN")]


# -- what is said


@pytest.mark.parametrize(("role", "version"), TARGETS)
def test_requests_are_as_odd_as_they_say(role: str, version: str) -> None:
    requests, spoken = requests_to(a_profile(role, version)), VERSIONS[version]

    def problems(action: str, payload: object) -> set[str]:
        frame = decode(json.dumps([2, "1", action, payload]), spoken.message_types)
        return {problem.keyword for problem in check_frame(spoken, frame)}

    for action, payload in [requests.plain, *requests.unoffered.values(), *requests.rare.values()]:
        assert problems(action, payload) == set()
    for action, _ in requests.unknown.values():
        assert action not in spoken.actions
    for action, payload in requests.bad.values():
        assert problems(action, payload) & {"required", "type"}
    for action, payload in requests.doubtful.values():
        found = problems(action, payload)
        assert found
        assert not found & {"required", "type"}


@pytest.mark.parametrize("version", ["2.0.1", "1.6"])
def test_codes_are_those_of_the_version(version: str) -> None:
    codes, known = CODES[version], VERSIONS[version].error_codes | VERSIONS[version].error_code_variants
    for each in (codes.unknown, codes.foreign, codes.unoffered, codes.payload, codes.no_object, codes.unknown_type):
        assert each <= known


def test_what_is_unreadable_has_its_ids() -> None:
    found = unreadable(("Heartbeat", {}))
    assert all("-1" in ids for ids in found.values())
    for text, ids in found.items():
        given = decode(text).message_id
        assert given is None or given in ids


# -- saying it


async def test_asks_and_is_answered() -> None:
    async with against(answer) as station:
        provoker = Provoker(station)
        found = await provoker.ask(("MakeCoffee", {"cups": 1}), within=SOON)
        assert found is not None
        assert found.text.startswith("[3,")
        assert provoker.hung_up == []


async def test_an_answer_to_something_else_is_none() -> None:
    async def late(socket: ServerConnection, text: str) -> None:
        if "MakeCoffee" not in text:
            await answer(socket, text)

    async with against(late) as station:
        asking = asyncio.ensure_future(Provoker(station).ask(("MakeCoffee", {}), within=0.2))
        await station.heartbeat()
        assert await asking is None


async def test_an_unreadable_message_is_answered_with_any_id() -> None:
    async def minus_one(socket: ServerConnection, _: str) -> None:
        await socket.send('[4,"-1","RpcFrameworkError","",{}]')

    async with against(minus_one) as station:
        found = await Provoker(station).say("coffee", within=SOON)
        assert found is not None
        assert found.frame is not None
        assert found.frame.message_id == "-1"


async def test_comes_back_when_it_was_hung_up_on() -> None:
    async def hang_up(socket: ServerConnection, text: str) -> None:
        if "MakeCoffee" in text:
            await socket.close(1002)
        else:
            await answer(socket, text)

    async with against(hang_up) as station:
        provoker, spec = Provoker(station), a_spec()
        assert await provoker.ask(("MakeCoffee", {}), within=SOON) is None
        await judge_unharmed(provoker, spec, a_profile())
        assert len(provoker.hung_up) == 1
        assert missed(spec) == ["CSMS.CONN.01"]
        spec = a_spec()
        await judge_unharmed(provoker, spec, a_profile(), may_hang_up=True)
        assert missed(spec) == []


async def test_what_was_lost_with_a_connection_is_said_again() -> None:
    """The end of a connection that one message leads to is not the fault of the next one."""

    async def refuse_and_go(socket: ServerConnection, text: str) -> None:
        await answer(socket, text, refuse=True)
        await socket.close(1002)

    async with against(refuse_and_go) as station:
        provoker = Provoker(station)
        for _ in range(3):
            assert await provoker.ask(("MakeCoffee", {}), within=SOON) is not None


async def test_one_that_does_not_come_back_serves_nobody() -> None:
    async def go(socket: ServerConnection, _: str) -> None:
        socket.transport.abort()

    async with against(go) as station:
        provoker, spec = Provoker(station), a_spec()
        await provoker.say("coffee", within=SOON)
        station.url = "ws://127.0.0.1:9/nobody"
        await judge_unharmed(provoker, spec, a_profile())
        assert missed(spec) == ["CSMS.CONN.01", "J.ANSWER.01"]


async def test_one_that_stays_away_is_told_nothing_more_and_judged_by_that() -> None:
    async def go(socket: ServerConnection, _: str) -> None:
        socket.transport.abort()

    async with against(go) as station:
        provoker, spec = Provoker(station), a_spec()
        async with unharmed(provoker, spec, a_profile()):
            await provoker.say("coffee", within=SOON)
            station.url = "ws://127.0.0.1:9/nobody"
            for _ in range(2):
                await provoker.say("tea", within=SOON)
            pytest.fail("there is nobody to say anything to")
        assert missed(spec) == ["CSMS.CONN.01", "J.ANSWER.01"]
        assert spec.judged == set(REQUIREMENTS)


async def test_silence_is_no_service() -> None:
    async def nothing(_: ServerConnection, __: str) -> None:
        return

    async with against(nothing) as station:
        spec = a_spec()
        await judge_unharmed(Provoker(station), spec, a_profile())
        assert missed(spec) == ["J.ANSWER.01"]


# -- judging it


@pytest.mark.parametrize(
    ("frame", "requirements"),
    [
        (None, ["J.ANSWER.02"]),
        ([3, "{id}", {}], ["J.ANSWER.05", "J.ANSWER.02"]),
        ([4, "{id}", "FormatViolation", "", {}], []),
        ([4, "{id}", "GenericError", "", {}], ["J.ERROR.05"]),
    ],
)
async def test_a_refusal_is_judged_by_its_code(frame: list[Any] | None, requirements: list[str]) -> None:
    async def reply(socket: ServerConnection, text: str) -> None:
        if frame is not None:
            await socket.send(json.dumps(frame).replace("{id}", json.loads(text)[1]))

    async with against(reply) as station:
        spec = a_spec()
        found = await Provoker(station).ask(("Heartbeat", []), within=0.3 if frame is None else SOON)
        judge_not_served(station, spec, found, what="that is odd")
        judge_refusal(station, spec, found, "J.ERROR.05", what="that is odd", allowed=CODES["2.0.1"].payload)
        assert missed(spec) == requirements
        assert spec.judged >= {"J.ANSWER.02", "J.ANSWER.05", "J.ERROR.05"}
