"""How long a station may wait before it dials again."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conformance.oracles.backoff import (
    BackOff,
    Wait,
    bounds,
    one_doubling_short,
    rather_long,
    too_long,
    too_short,
    waits,
)
from conformance.wire.transcript import Clock, Entry, Transcript

SETTINGS = st.builds(BackOff, st.integers(0, 60), st.integers(0, 30), st.integers(0, 6))
STATION = "CS001"


def entries(*steps: tuple[str, float]) -> Transcript:
    """A transcript of these steps, each after so many seconds."""
    clock = {"now": 0.0}
    transcript = Transcript(Clock(monotonic=lambda: clock["now"]))
    for step, seconds in steps:
        clock["now"] += seconds
        if step == "lost":
            transcript.add("close", link=1, station=STATION, sender="harness", detail={})
        else:
            station = "other" if step == "stranger" else STATION
            error = "out of service" if step == "refused" else None
            transcript.add("handshake", link=1, station=station, sender="sut", detail={"error": error})
    return transcript


def wait(attempt: int, seconds: float) -> Wait:
    entry: Entry = entries(("lost", 0)).entries[0]
    return Wait(attempt, seconds, entry, entry)


def test_waits_are_measured_from_the_loss_and_from_each_refusal() -> None:
    transcript = entries(
        ("opened", 0), ("lost", 5), ("refused", 1), ("stranger", 0.5), ("opened", 1.5), ("lost", 9), ("opened", 3)
    )
    found = waits(transcript.entries, STATION, since=1)
    assert [(each.attempt, each.seconds) for each in found] == [(1, 1), (2, 2), (1, 3)]


def test_what_happened_before_is_left_out() -> None:
    transcript = entries(("lost", 0), ("refused", 1), ("opened", 2))
    assert [each.attempt for each in waits(transcript.entries, STATION, since=2)] == []


def test_the_example_of_the_official_case() -> None:
    settings = BackOff(10, 0, 2)
    assert [bounds(settings, n).low for n in (1, 2, 3, 4)] == [10, 20, 40, 40]
    assert [bounds(settings, n).lowest for n in (1, 2, 3, 4)] == [10, 20, 20, 20]
    assert [bounds(settings, n).wide for n in (1, 2, 3, 4)] == [10, 20, 40, 40]


def test_the_random_part_may_be_doubled_along() -> None:
    settings = BackOff(10, 5, 3)
    assert [bounds(settings, n).narrow for n in (1, 2, 3)] == [15, 25, 45]
    assert [bounds(settings, n).wide for n in (1, 2, 3)] == [15, 35, 75]


@pytest.mark.parametrize(("seconds", "short", "shorter"), [(19.4, True, True), (20, False, True), (38.5, False, False)])
def test_between_the_readings_of_the_last_doubling(seconds: float, *, short: bool, shorter: bool) -> None:
    settings = BackOff(10, 0, 2)
    assert bool(too_short(wait(3, seconds), settings, tolerance=0.5)) is (short and seconds < 19)
    assert bool(one_doubling_short(wait(3, seconds), settings, tolerance=0.5)) is shorter


def test_between_the_readings_of_the_random_part() -> None:
    settings = BackOff(10, 5, 3)
    assert not rather_long(wait(2, 25), settings, slack=0.5)
    assert rather_long(wait(2, 30), settings, slack=0.5)
    assert not too_long(wait(2, 30), settings, slack=0.5)
    assert too_long(wait(2, 36), settings, slack=0.5)


@given(
    settings=SETTINGS,
    chances=st.lists(st.floats(0, 1), min_size=1, max_size=8),
    random_part_doubles=st.booleans(),
    last_doubling_counts=st.booleans(),
)
def test_every_station_that_follows_either_reading_passes(
    *, settings: BackOff, chances: list[float], random_part_doubles: bool, last_doubling_counts: bool
) -> None:
    base, previous = float(settings.minimum), 0.0
    repeats = settings.repeats or 0
    doublings = repeats if last_doubling_counts else max(repeats - 1, 0)
    for attempt, chance in enumerate(chances, start=1):
        if 1 < attempt <= doublings + 1:
            base = (previous if random_part_doubles else base) * 2
        previous = base + chance * settings.spread
        assert not too_short(wait(attempt, previous), settings, tolerance=0.01)
        assert not too_long(wait(attempt, previous), settings, slack=0.01)
        if last_doubling_counts:
            assert not one_doubling_short(wait(attempt, previous), settings, tolerance=0.01)
            assert random_part_doubles or not rather_long(wait(attempt, previous), settings, slack=0.01)


@given(SETTINGS, st.integers(1, 8), st.floats(0, 10_000))
def test_the_readings_are_nested(settings: BackOff, attempt: int, seconds: float) -> None:
    found = bounds(settings, attempt)
    assert found.lowest <= found.low <= found.narrow <= found.wide
    each = wait(attempt, seconds)
    assume(too_short(each, settings, tolerance=0.5))
    assert one_doubling_short(each, settings, tolerance=0.5)
    assert not too_long(each, settings, slack=0.5)
