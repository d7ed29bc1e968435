"""Times that are those of the present, and times that are not."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.oracles.clock import PRESENT, RESOLUTION, Reading, not_the_present

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)


def reading(told: float, *, at: float = 0.0, way: float = 0.5) -> Reading:
    """A time of so many seconds past noon, asked for at another."""
    asked = NOON + timedelta(seconds=at)
    return Reading(NOON + timedelta(seconds=told), asked, asked + timedelta(seconds=way))


@pytest.mark.parametrize("told", [-1.0, -0.3, 0.0, 0.5])
def test_a_time_within_the_way_and_the_resolution_is_right(told: float) -> None:
    assert reading(told).error == timedelta()


def test_errors_have_a_sign() -> None:
    assert reading(-3).error == timedelta(seconds=-2)
    assert reading(3).error == timedelta(seconds=2.5)


@given(st.floats(-1e6, 1e6), st.floats(0, 100))
def test_an_error_is_the_distance_to_the_nearest_right_time(told: float, way: float) -> None:
    one = reading(told, way=way)
    nearest = min(max(one.told, one.asked - RESOLUTION), one.came)
    assert one.error == one.told - nearest


def test_small_errors_are_still_the_present() -> None:
    assert not_the_present([reading(-200), reading(-190, at=10)]) == ""


@given(st.lists(st.integers(0, 20), min_size=1), st.floats(-290, 290))
def test_a_clock_that_runs_is_right_wherever_it_stands(pauses: list[int], off: float) -> None:
    at, readings = 0, []
    for pause in pauses:
        at += pause
        readings.append(reading(int(at + off), at=at))
    assert not_the_present(readings) == ""


@pytest.mark.parametrize(("told", "hint"), [(7200, "+2 h"), (-12600, "-3.5 h"), (1000, ""), (90000, "")])
def test_a_time_far_off_is_not_the_present(told: float, hint: str) -> None:
    found = not_the_present([reading(told)])
    assert "off" in found
    assert ("zone" in found) is bool(hint)
    assert hint in found


def test_a_clock_that_stands_still() -> None:
    assert not_the_present([reading(0), reading(0, at=1)]) == ""
    assert "standing still" in not_the_present([reading(0), reading(0, at=3)])


def test_a_clock_that_goes_back() -> None:
    assert "going back" in not_the_present([reading(0), reading(-2, at=1)])
    assert not_the_present([reading(0), reading(-0.5, at=1)]) == ""


def test_the_limit() -> None:
    just = PRESENT.total_seconds()
    assert not_the_present([reading(0.5 + just)]) == ""
    assert not_the_present([reading(0.6 + just)]) != ""
