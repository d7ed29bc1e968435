"""Transactions told message by message, to the reference CSMS, and how answers to them are judged."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conformance.cases.case import Case
from conformance.cases.catalogue import catalogue
from conformance.cases.spec import CaseOver, Spec
from conformance.cases.verdict import Verdict
from conformance.peers import tellings
from conformance.peers.csms_scenes import judged
from conformance.peers.peer import Patience
from conformance.peers.received import Refused
from conformance.peers.station import StationPeer
from conformance.reference.csms import CsmsConfig, ReferenceCsms, StationSetup
from conformance.reference.csms.config import TokenSetup
from conformance.sut.profile import load_profile, resolve
from conformance.wire.frames import Call
from conformance.wire.schemas import VERSIONS, check_call
from conformance.wire.transcript import Transcript

SOON = 3.0
VERSIONS_SPOKEN = ("2.0.1", "1.6")
PROFILE = load_profile(resolve("reference-csms"))
GOOD = PROFILE.parameters.valid_id_token
RULES = ("CSMS.START.01", "J02.FR.19", "CSMS.STOP.01", "J01.FR.18", "E01.FR.12")
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@asynccontextmanager
async def connected(version: str, csms: ReferenceCsms | None = None) -> AsyncIterator[StationPeer]:
    config = CsmsConfig(stations={"CS001": StationSetup()}, tokens={GOOD.id_token: TokenSetup()})
    csms = csms or ReferenceCsms(config)
    await csms.start()
    patience = Patience(answer=SOON, default=SOON, actions={"connection": SOON})
    station = StationPeer("CS001", Transcript(), patience, url=csms.url, versions=(version,), heartbeats=False)
    try:
        await station.bring_up()
        yield station
    finally:
        await station.close()
        await csms.stop()


def spec_of(version: str, *rules: str) -> Spec:
    book = catalogue(version)
    return Spec(Case("A_CASE_CSMS", "a case", role="csms", requirements=book.judged(rules)), book)


def sent(station: StationPeer, action: str) -> list[dict[str, Any]]:
    frames = station.transcript.frames(sender="harness", station="CS001", kind=Call, action=action)
    return [dict(each.frame.payload) for each in frames if isinstance(each.frame, Call)]


@contextmanager
def by_the_schema(station: StationPeer) -> Iterator[None]:
    """Everything that the station says within the block is right by the schema."""
    mark = station.now
    yield
    version = VERSIONS[station.version_of(station.link)] if station.link else None
    assert version is not None
    for entry in station.transcript.since(mark):
        if entry.sender == "harness" and isinstance(entry.frame, Call):
            assert not check_call(version, entry.frame), entry.text


@pytest.mark.parametrize("version", VERSIONS_SPOKEN)
async def test_a_recorded_transaction_is_told_in_any_order(version: str) -> None:
    async with connected(version) as station:
        evse = station.equipment.evses[0]
        record = tellings.recorded(station, evse, GOOD.payload, began=BEGAN, offline=True)
        with by_the_schema(station):
            first = await tellings.tell(station, record, record.start())
            late = record.update()
            last = await tellings.tell(station, record, record.end())
            assert await tellings.told_all(station, record, [late]) == []
        assert tellings.token_status(first) == tellings.token_status(last) == "Accepted"
        assert evse.transaction is None
        assert record.running.ended
        following = tellings.recorded(station, evse, GOOD.payload)
        assert following.running.meter_start > record.running.meter_start


async def test_numbers_and_times_go_on_with_what_is_made_not_with_what_is_told() -> None:
    async with connected("2.0.1") as station:
        record = tellings.recorded(station, station.equipment.evses[0], GOOD.payload, began=BEGAN)
        messages = [record.start(), record.update(), record.end("EVDisconnected")]
        assert await tellings.told_all(station, record, reversed(messages)) == []
        told = sent(station, "TransactionEvent")
        assert [each["seqNo"] for each in told] == [2, 1, 0]
        times = [datetime.fromisoformat(each["timestamp"]) for each in told]
        assert times == [BEGAN + timedelta(minutes=2), BEGAN + timedelta(minutes=1), BEGAN]
        assert all("offline" not in each for each in told)


async def test_the_id_of_1_6_is_that_of_the_answer_and_minus_one_before_it() -> None:
    async with connected("1.6") as station:
        record = tellings.recorded(station, station.equipment.evses[0], GOOD.payload)
        start, update = record.start(), record.update()
        await tellings.tell(station, record, update)
        answer = await tellings.tell(station, record, start)
        await tellings.tell(station, record, start, number=False)
        await tellings.tell(station, record, update)
        numbers = [each["transactionId"] for each in sent(station, "MeterValues")]
        assert numbers == [-1, answer["transactionId"]]
        await tellings.tell(station, record, record.end())


@pytest.mark.parametrize("version", VERSIONS_SPOKEN)
async def test_everything_odd_is_right_by_the_schema(version: str) -> None:
    async with connected(version) as station:
        with by_the_schema(station):
            record = tellings.recorded(station, station.equipment.evses[0], GOOD.payload)
            messages = [record.start(), *record.odd_updates(), record.end()]
            assert await tellings.told_all(station, record, messages) == []
            for fields in record.odd_ends():
                record = tellings.recorded(station, station.equipment.evses[0], GOOD.payload)
                assert await tellings.told_all(station, record, [record.start(), record.end(**fields)]) == []
            for why in tellings.ends(station):
                record = tellings.recorded(station, station.equipment.evses[0], GOOD.payload)
                assert await tellings.told_all(station, record, [record.start(), record.end(why)]) == []
            for values in tellings.values_of_every_kind(station, station.equipment.evses[0]).values():
                await station.call("MeterValues", values)
            for values in tellings.idle_values(station, station.equipment.evses):
                await station.call("MeterValues", values)


class Deaf(ReferenceCsms):
    """Takes no ends."""

    def on201_transaction_event(self, station: Any, request: Any) -> Any:
        if request["eventType"] == "Ended":
            raise ValueError
        return super().on201_transaction_event(station, request)


def deaf() -> Deaf:
    return Deaf(CsmsConfig(stations={"CS001": StationSetup()}))


async def test_what_is_refused_is_told_in_words() -> None:
    async with connected("2.0.1", deaf()) as station:
        record = tellings.recorded(station, station.equipment.evses[0], GOOD.payload)
        with pytest.raises(Refused):
            await tellings.tell(station, record, record.end())
        record = tellings.recorded(station, station.equipment.evses[0], GOOD.payload)
        (wrong,) = await tellings.told_all(station, record, [record.start(), record.end()])
        assert wrong.startswith("the end: TransactionEvent was answered with CALLERROR InternalError")
        await station.disconnect()
        station.patience = Patience(answer=0.01, default=0.01, actions={})
        (gone,) = await tellings.told_all(station, record, [record.update()])
        assert "did not come" in gone


@pytest.mark.parametrize("version", VERSIONS_SPOKEN)
async def test_right_answers_pass(version: str) -> None:
    async with connected(version) as station:
        spec = spec_of(version, *RULES)
        record = tellings.recorded(station, station.equipment.evses[0], GOOD.payload)
        async with judged(station, spec, PROFILE):
            for told in (record.start(), record.update(), record.end()):
                await tellings.tell(station, record, told)
        assert {each.verdict for each in spec.findings} == {Verdict.PASS}


async def test_an_event_is_judged_by_the_sharpest_rule_that_is_declared() -> None:
    async with connected("2.0.1") as station:
        spec = spec_of("2.0.1", "J02.FR.19", "CSMS.STOP.01")
        record = tellings.recorded(station, station.equipment.evses[0], GOOD.payload)
        async with judged(station, spec, PROFILE):
            await tellings.tell(station, record, record.start())
        assert spec.judged == {"J02.FR.19"}
        assert spec.declares("CSMS.STOP.01")
        assert not spec.declares("16.TX.41")
        await tellings.tell(station, record, record.end())


async def test_a_wrong_answer_ends_the_case() -> None:
    async with connected("2.0.1", deaf()) as station:
        spec = spec_of("2.0.1", "CSMS.STOP.01")
        record = tellings.recorded(station, station.equipment.evses[0], GOOD.payload)
        with pytest.raises(CaseOver):
            async with judged(station, spec, PROFILE):
                await tellings.tell(station, record, record.end())
        assert [each.verdict for each in spec.findings] == [Verdict.FAIL]


async def test_a_stumble_over_something_else_is_raised() -> None:
    async with connected("2.0.1", deaf()) as station:
        spec = spec_of("2.0.1", "CSMS.START.01")
        record = tellings.recorded(station, station.equipment.evses[0], GOOD.payload)
        with pytest.raises(Refused):
            async with judged(station, spec, PROFILE):
                await tellings.tell(station, record, record.end())
        assert spec.findings == []


@pytest.mark.parametrize(
    ("answer", "status", "group"),
    [
        ({"idTokenInfo": {"status": "Accepted", "groupIdToken": {"idToken": "G", "type": "Central"}}}, "Accepted", "G"),
        ({"idTagInfo": {"status": "Blocked", "parentIdTag": "P"}}, "Blocked", "P"),
        ({}, None, None),
    ],
)
def test_what_an_answer_says_of_the_token(answer: Any, status: str | None, group: str | None) -> None:
    assert tellings.token_status(answer) == status
    assert tellings.token_group(answer) == group
