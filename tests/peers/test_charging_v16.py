"""The scenes of smart charging in OCPP 1.6, over the reference station."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from conformance.oracles.charging import Course
from conformance.peers import scenes
from conformance.peers.charging_v16 import (
    DEFAULT,
    MAXIMUM,
    OF_TRANSACTION,
    Abilities,
    Profiles,
    ago,
    smart_charging,
)
from conformance.peers.csms import CsmsPeer
from conformance.peers.csms_dialect import STATION
from conformance.peers.csms_v16 import Csms16
from conformance.sut.profile import SutProfile
from tests.peers.test_scenes_v16 import CONNECTORS, REFERENCE, TOKEN, Bench, bench

SPOT = CONNECTORS[0]
ABLE = Abilities(frozenset({"A", "W"}), top_level=8, periods=24, profiles=12)


@asynccontextmanager
async def charging_bench() -> AsyncIterator[tuple[Bench, Profiles]]:
    async with bench() as on, smart_charging(on.station, on.csms, REFERENCE) as profiles:
        yield on, profiles


def told(profile: SutProfile = REFERENCE, abilities: Abilities = ABLE) -> Profiles:
    """Profiles of a station that nobody asks."""
    csms = SimpleNamespace()
    csms.speak = Csms16(cast(Any, csms), CONNECTORS)
    return Profiles(cast(CsmsPeer, csms), profile, abilities)


def with_evse(**fields: Any) -> SutProfile:
    evses = tuple(msgspec.structs.replace(each, **fields) for each in REFERENCE.evse)
    return msgspec.structs.replace(REFERENCE, evse=evses)


@pytest.mark.parametrize(
    ("fields", "units", "unit", "limits"),
    [
        ({}, "AW", "A", (6, 8, 26)),
        ({}, "W", "W", (4140, 5520, 17_940)),
        ({"max_power_w": None}, "A", "A", (6, 7, 16)),
        ({"max_power_w": 3680.0, "phases": 1}, "A", "A", (6, 7, 16)),
        ({"max_power_w": 5520.0}, "A", "A", (6, 6.2, 8)),
        ({"max_power_w": 50_000.0, "phases": 0}, "AW", "W", (1380, 6210, 49_680)),
        ({"max_power_w": 50_000.0, "phases": 0}, "A", "A", (6, 27, 216)),
    ],
)
def test_limits_lie_between_the_least_and_the_most(
    fields: dict[str, Any], units: str, unit: str, limits: tuple[float, ...]
) -> None:
    profiles = told(with_evse(**fields), replace(ABLE, units=frozenset(cast(Any, units))))
    assert profiles.unit == unit
    assert tuple(profiles.limit(step) for step in (0, 1, 10)) == limits


def test_a_draft_names_the_phases_where_they_are_not_three() -> None:
    one = told(with_evse(phases=1, max_power_w=3680.0)).drafted(DEFAULT, steps=[(0, 0)], kind="Relative")
    assert one["chargingSchedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 6, "numberPhases": 1}]
    assert "startSchedule" not in one["chargingSchedule"]
    three = told().drafted(DEFAULT, steps=[(0, 0)], unit="W")
    assert three["chargingSchedule"]["chargingRateUnit"] == "W"
    assert "startSchedule" in three["chargingSchedule"]
    assert three["chargingProfileId"] != one["chargingProfileId"]


def test_a_level_is_no_higher_than_the_highest() -> None:
    assert [told().level(1), told(abilities=replace(ABLE, top_level=0)).level(1)] == [1, 0]


async def test_what_was_accepted_is_what_is_expected() -> None:
    async with charging_bench() as (on, profiles):
        assert profiles.can == ABLE
        await profiles.set(STATION, MAXIMUM, steps=[(0, 6)])
        kept = await profiles.set(SPOT, DEFAULT, start=ago(1), steps=[(0, 2), (600, 3)])
        answer = await profiles.composite(SPOT)
        profiles.check(answer, SPOT)
        profiles.check(answer, SPOT, part=(700, 900))
        profiles.check_frame(answer, SPOT, 3600)
        assert [each.connector for each in on.reference.profiles] == [0, 1]
        assert await profiles.clear(id=kept["chargingProfileId"]) == "Accepted"
        assert await profiles.clear(spot=SPOT, purpose=DEFAULT) == "Unknown"
        profiles.check(await profiles.composite(SPOT), SPOT)
        profiles.record(SPOT, profiles.drafted(DEFAULT, steps=[(0, 1)]))
        answer = await profiles.composite(SPOT)
        with pytest.raises(AssertionError, match=r"expected .* got"):
            profiles.check(answer, SPOT)
    assert on.reference.profiles == []


async def test_a_profile_of_a_transaction_is_expected_in_it() -> None:
    async with charging_bench() as (on, profiles):
        session = await scenes.charging(on.station, on.csms, SPOT, TOKEN)
        await profiles.set(SPOT, OF_TRANSACTION, session=session, steps=[(0, 4)], transaction=session.transaction_id)
        answer = await profiles.composite(SPOT)
        profiles.check(answer, SPOT, session)
        assert on.reference.currents_drawn(1) == pytest.approx([14] * 3)
    assert on.reference.profiles == []
    assert on.transactions() == []


async def test_what_is_refused_is_not_expected() -> None:
    async with charging_bench() as (_, profiles):
        before = await profiles.account(SPOT)
        assert await profiles.outcome(SPOT, profiles.drafted(MAXIMUM)) == "Rejected"
        outcome = await profiles.outcome((9, 1), profiles.drafted(DEFAULT))
        assert outcome == "CALLERROR PropertyConstraintViolation"
        assert profiles.book.entries == []
        profiles.check_same(await profiles.account(SPOT), before)
        with pytest.raises(AssertionError, match="SetChargingProfile of a TxProfile was answered Rejected"):
            await profiles.set(SPOT, OF_TRANSACTION)


async def test_two_accounts_are_compared_in_part() -> None:
    async with charging_bench() as (_, profiles):
        before = await profiles.account(SPOT)
        await profiles.set(SPOT, DEFAULT, start=ago(1), duration=601, steps=[(0, 2)])
        after = await profiles.account(SPOT)
        profiles.check_same(after, before, part=(700, 3600))
        with pytest.raises(AssertionError, match="expected"):
            profiles.check_same(after, before)
        assert await profiles.account((9, 1)) is None
        profiles.check_same(None, None)
        for one, other in ((None, before), (before, None)):
            with pytest.raises(AssertionError, match="a schedule was"):
                profiles.check_same(one, cast(Course | None, other))


async def test_a_schedule_of_another_time_is_no_answer() -> None:
    async with charging_bench() as (_, profiles):
        answer = await profiles.composite(SPOT, 60)
        profiles.check_frame(answer, SPOT, 300)  # as nothing holds afterwards
        await profiles.set(SPOT, DEFAULT, steps=[(0, 2)])
        with pytest.raises(AssertionError, match="asked for 300 s, the schedule is about 60 s"):
            profiles.check_frame(answer, SPOT, 300)
        with pytest.raises(AssertionError, match="expected a schedule of 3, got one of 1"):
            profiles.check_frame(answer, CONNECTORS[2], 60)
        answer["scheduleStart"] = "2020-01-01T00:00:00Z"
        with pytest.raises(AssertionError, match="away from when it was asked for"):
            profiles.check_frame(answer, SPOT, 60)
        with pytest.raises(AssertionError, match="GetCompositeSchedule was answered Rejected"):
            await profiles.composite((9, 1))


async def test_a_station_that_does_not_say_what_it_can_is_asked_for_what_any_can() -> None:
    async with bench() as on:
        on.reference.configuration["ChargingScheduleMaxPeriods"].value = "many"
        on.reference.configuration["MaxChargingProfilesInstalled"].value = ""
        async with smart_charging(on.station, on.csms, REFERENCE) as profiles:
            assert profiles.can.periods == 1
            assert profiles.can.profiles is None
