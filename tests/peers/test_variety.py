"""What the harness's station says in all its variety has to be right itself, or a CSMS would be blamed for nothing."""

from collections.abc import Iterator

import pytest

from conformance.oracles.clock import PRESENT
from conformance.peers import variety
from conformance.peers.peer import Patience
from conformance.peers.station import StationPeer
from conformance.wire.frames import decode, encode_call
from conformance.wire.schemas import VERSIONS, check_frame, parse_timestamp
from conformance.wire.transcript import Transcript

TOKEN = {"idToken": "04E91C5A2B6C80", "type": "ISO14443"}


@pytest.fixture(params=["2.0.1", "1.6"])
def version(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def station(version: str) -> StationPeer:
    patience = Patience(answer=1, default=1, actions={})
    return StationPeer("CS001" * 9, Transcript(), patience, url="", versions=[version])


def everything(station: StationPeer) -> Iterator[tuple[str, variety.Said]]:
    for words, payload in variety.boots(station).items():
        yield words, ("BootNotification", payload)
    yield from variety.states(station)
    yield from variety.times(station)
    yield from variety.strange_times(station)
    yield from variety.security_events(station)
    for said in variety.premature(station, TOKEN):
        yield "too early", said


async def test_all_of_it_is_valid(station: StationPeer, version: str) -> None:
    for words, (action, payload) in everything(station):
        problems = check_frame(VERSIONS[version], decode(encode_call("1", action, payload)), action)
        assert not problems, f"{words}: {problems[0]}"


async def test_nothing_is_empty(station: StationPeer) -> None:
    def hollow(value: object) -> bool:
        if isinstance(value, dict):
            return not value or any(hollow(each) for each in value.values())
        return value in (None, [])

    for words, (action, payload) in everything(station):
        plain = {key: value for key, value in payload.items() if key != "customData"}
        assert action == "Heartbeat" or not hollow(plain) or "customData" in str(plain), words


async def test_all_times_are_the_same_moment(station: StationPeer) -> None:
    moments = {parse_timestamp(payload["timestamp"]) for _, (_, payload) in variety.times(station)}
    assert None not in moments
    assert max(moments) - min(moments) < PRESENT / 100
    assert len({payload["timestamp"] for _, (_, payload) in variety.times(station)}) == 6


async def test_the_last_state_of_every_connector_is_available(station: StationPeer) -> None:
    last: dict[object, str] = {}
    for _, (action, payload) in variety.states(station):
        if action == "StatusNotification":
            place = payload.get("evseId"), payload["connectorId"]
            last[place] = payload.get("connectorStatus") or payload["status"]
    assert set(last.values()) == {"Available"}
    assert len(last) >= len(station.equipment.connectors)


async def test_every_reason_is_told() -> None:
    station = StationPeer("CS001", Transcript(), Patience(1, 1, {}), url="", versions=["2.0.1"])
    reasons = {payload["reason"] for payload in variety.boots(station).values()}
    assert len(reasons) == 9
