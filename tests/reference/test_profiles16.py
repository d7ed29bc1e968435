"""What a charging profile of the 1.6 reference station allows at a moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.reference.station16.profiles import ANYTHING, Allowance, Profile

NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)
HOUR = 3600


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def profile(*periods: tuple[float, ...], start: datetime | None = NOON, unit: str = "A", **fields: Any) -> Profile:
    schedule: dict[str, Any] = {
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [
            dict(zip(("startPeriod", "limit", "numberPhases"), each, strict=False)) for each in periods
        ],
    }
    if start is not None:
        schedule["startSchedule"] = start.isoformat()
    if "duration" in fields:
        schedule["duration"] = fields.pop("duration")
    payload = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": schedule,
        **fields,
    }
    return Profile(1, payload)


def amperes(which: Profile, *seconds: float, began: datetime = NOON) -> list[float | None]:
    found = [which.allowance(at(each), began) for each in seconds]
    return [None if each is None else each.amperes for each in found]


def test_the_last_period_that_has_begun_holds_until_the_duration_is_over() -> None:
    plain = profile((0, 10), (60, 8), (120, 6))
    assert amperes(plain, -1, 0, 59, 60, 119.9, 120, 9e6) == [None, 10, 10, 8, 8, 6, 6]
    assert amperes(profile((0, 10), (60, 8), duration=90), 89, 90) == [8, None]
    assert amperes(profile((0, 10), (60, 8), duration=30), 29, 30, 60) == [10, None, None]


def test_it_says_nothing_outside_of_its_validity() -> None:
    bounded = profile((0, 10), validFrom=at(10).isoformat(), validTo=at(20).isoformat())
    assert amperes(bounded, 9, 10, 19, 20) == [None, 10, 10, None]


@pytest.mark.parametrize(("kind", "start"), [("Relative", None), ("Relative", NOON), ("Absolute", None)])
def test_without_a_start_it_begins_with_the_transaction(kind: str, start: datetime | None) -> None:
    relative = profile((0, 10), (60, 8), start=start, chargingProfileKind=kind)
    assert amperes(relative, 99, 100, 160, began=at(100)) == [None, 10, 8]


@pytest.mark.parametrize(("recurrency", "hours"), [("Daily", 24), ("Weekly", 24 * 7)])
def test_it_recurs(recurrency: str, hours: int) -> None:
    recurring = profile(
        (0, 10), (HOUR, 8), duration=2 * HOUR, chargingProfileKind="Recurring", recurrencyKind=recurrency
    )
    cycle = hours * HOUR
    assert amperes(recurring, -1, 0, HOUR, 2 * HOUR) == [None, 10, 8, None]
    assert amperes(recurring, cycle - 1, cycle, 5 * cycle + HOUR, 5 * cycle + 2 * HOUR) == [None, 10, 8, None]


def test_what_is_longer_than_the_recurrence_is_cut_off() -> None:
    day = 24 * HOUR
    recurring = profile(
        (0, 10), (day + 1, 6), duration=2 * day, chargingProfileKind="Recurring", recurrencyKind="Daily"
    )
    assert amperes(recurring, day - 1, day, day + 2) == [10, 10, 10]


@given(st.lists(st.tuples(st.integers(1, 500), st.integers(0, 32)), max_size=5), st.integers(1, 800), st.booleans())
def test_between_its_changes_the_limit_stays(gaps: list[tuple[int, int]], duration: int, recurs: bool) -> None:  # noqa: FBT001
    starts, periods = 0, [(0, 16)]
    for gap, limit in gaps:
        starts += gap
        periods.append((starts, limit))
    kind = {"chargingProfileKind": "Recurring", "recurrencyKind": "Daily"} if recurs else {}
    some = profile(*periods, duration=duration, validTo=at(700).isoformat(), **kind)
    first, last = at(-10), at(24 * HOUR + 1000)
    edges = [first, *sorted(set(some.changes(first, last, NOON))), last]
    for begin, end in pairwise(edges):
        inside = {begin + (end - begin) * part / 8 for part in range(8)}
        assert len({some.allowance(moment, NOON) for moment in inside}) == 1


def test_watts_are_for_all_phases_together_and_amperes_for_each() -> None:
    assert Allowance(watts=6900).current(3) == 10
    assert Allowance(watts=2300).current(1) == 10
    assert Allowance(watts=2300, phases=1).current(3) == 10
    assert Allowance(amperes=10).power(3) == 6900
    assert Allowance(amperes=10, phases=1).power(3) == 2300
    assert Allowance(amperes=10).lines(0) == 1


def test_two_allowances_allow_what_both_do() -> None:
    both = Allowance(amperes=16) & Allowance(watts=6900, phases=2)
    assert both == Allowance(16, 6900, 2)
    assert both.current(3) == 15
    assert ANYTHING & both == both
