"""What became of a setpoint, and what a meter says of the current."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from conformance.cases.setpoint import Outcome
from conformance.oracles.charging.drawn import Sample, Wiring, current, readings
from conformance.oracles.charging.outcome import (
    Allowance,
    Current,
    Judged,
    Seen,
    Told,
    judge,
    reported_otherwise,
    total,
)

ALLOWANCE = Allowance(amperes=1, percent=5)
UNKNOWN = Told(None, known=False)
FULL = Told(32.0)


def at(*amperes):
    return tuple(Current.exactly(each) for each in amperes)


KEPT = Seen(asked=16, accepted=True, before=FULL, after=Told(16.0), drawn=at(15.9, 16.2), load=32.0, capacity=32.0)


@pytest.mark.parametrize(
    ("change", "outcome", "told", "kept"),
    [
        ({}, "enforced", True, True),
        ({"drawn": at(16.9)}, "enforced", True, True),
        ({"drawn": at(16, 17.5)}, "silently ignored", True, False),
        ({"drawn": ()}, "not judged", True, None),
        ({"load": None}, "not judged", True, None),
        ({"load": 15.0, "drawn": at(15.0)}, "not judged", True, None),
        ({"drawn": (Current(6, 18),)}, "not judged", True, None),
        ({"drawn": (Current(18, 50),)}, "silently ignored", True, False),
        # nothing in the schedule
        ({"after": Told(None), "drawn": ()}, "silently ignored", False, None),
        ({"after": FULL, "drawn": at(32)}, "silently ignored", False, False),
        ({"after": Told(None)}, "enforced", False, True),
        # nobody could ask for it
        ({"after": UNKNOWN}, "enforced", None, True),
        ({"after": UNKNOWN, "drawn": at(32)}, "silently ignored", None, False),
        ({"after": UNKNOWN, "drawn": ()}, "not judged", None, None),
        # another limit than asked
        ({"after": Told(15.0), "again": Told(15.0)}, "downgraded", True, True),
        ({"after": Told(15.0), "again": Told(14.0)}, "contradicted", False, True),
        ({"after": Told(15.0), "again": Told(None)}, "contradicted", False, True),
        ({"after": Told(15.0), "again": Told(15.0), "drawn": ()}, "not judged", True, None),
        ({"after": Told(17.0), "again": Told(17.0), "drawn": at(17.5)}, "downgraded", True, True),
        ({"after": Told(17.2), "again": Told(17.2), "drawn": at(15.0)}, "enforced", False, True),
        ({"asked": 20, "before": Told(10.0), "after": Told(10.0), "drawn": ()}, "silently ignored", False, None),
        ({"after": Told(0.0), "least": 0.0, "drawn": at(0)}, "enforced", True, True),
        # more than the EVSE has
        ({"asked": 40, "least": 32, "after": FULL, "drawn": at(32)}, "enforced", True, True),
        ({"asked": 40, "least": 32, "after": Told(40.0), "drawn": at(32)}, "enforced", True, True),
        # refused
        (
            {"accepted": False, "after": FULL, "drawn": at(32), "drawn_before": Current.exactly(32)},
            "rejected",
            None,
            None,
        ),
        ({"accepted": False, "after": FULL, "drawn": ()}, "rejected", None, None),
        # a current that is anything but the limit that was rejected has fallen for another reason
        ({"accepted": False, "after": FULL, "drawn": at(6.8, 6.9), "drawn_before": at(25)[0]}, "rejected", None, None),
        ({"accepted": False, "after": FULL, "drawn": at(13, 16), "drawn_before": at(25)[0]}, "rejected", None, None),
        ({"accepted": False}, "contradicted", False, None),
        (
            {"accepted": False, "after": FULL, "drawn": at(16), "drawn_before": Current.exactly(32)},
            "contradicted",
            None,
            False,
        ),
        ({"accepted": False, "before": UNKNOWN, "after": UNKNOWN, "drawn": ()}, "not judged", None, None),
    ],
)
def test_what_becomes_of_a_setpoint(change, outcome, told, kept):
    judged = judge(replace(KEPT, **change), ALLOWANCE)
    assert (judged.outcome.value, judged.told, judged.kept) == (outcome, told, kept), judged


def test_why():
    assert judge(replace(KEPT, drawn=at(20)), ALLOWANCE).reason == "20 A is drawn where 16 A is the limit"
    asked_twice = judge(replace(KEPT, after=Told(15.0), again=Told(14.5)), ALLOWANCE)
    assert asked_twice.reason == "the schedule says 15 A, and the same asked once more, the schedule says 14.5 A"
    silent = Told(None, "GetCompositeSchedule was answered with CALLERROR NotSupported")
    assert judge(replace(KEPT, after=silent, drawn=()), ALLOWANCE).reason == silent.why
    assert judge(KEPT, ALLOWANCE) == Judged(Outcome.ENFORCED, told=True, kept=True)


def test_when_it_matters_what_is_said_the_second_time():
    assert reported_otherwise(replace(KEPT, after=Told(15.0)))
    assert not reported_otherwise(KEPT)
    assert not reported_otherwise(replace(KEPT, after=Told(None)))
    assert not reported_otherwise(replace(KEPT, accepted=False, after=Told(15.0)))


LIMITS = some.floats(0, 63)
TOLD = some.builds(Told, some.none() | LIMITS, known=some.booleans())
CURRENTS = some.lists(LIMITS, max_size=3).map(lambda each: at(*each))
SEEN = some.builds(
    Seen,
    asked=LIMITS,
    accepted=some.booleans(),
    after=TOLD,
    before=TOLD,
    again=some.none() | TOLD,
    drawn=CURRENTS,
    drawn_before=some.none() | LIMITS.map(Current.exactly),
    load=some.none() | LIMITS,
    capacity=some.none() | LIMITS,
)


@given(SEEN)
def test_nothing_that_draws_too_much_passes(seen):
    judged = judge(seen, ALLOWANCE)
    most = ALLOWANCE.above(seen.asked + 1.0)
    if seen.accepted and any(each.least > most for each in seen.drawn):
        assert judged.outcome in (Outcome.IGNORED, Outcome.CONTRADICTED)
    if judged.outcome in (Outcome.ENFORCED, Outcome.DOWNGRADED):
        assert seen.accepted
        assert seen.drawn
        assert judged.kept


@given(SEEN)
def test_without_a_measurement_nothing_is_called_enforced(seen):
    judged = judge(replace(seen, drawn=(), drawn_before=None), ALLOWANCE)
    assert judged.outcome not in (Outcome.ENFORCED, Outcome.DOWNGRADED)
    assert judged.kept is None


@given(SEEN)
def test_a_miss_has_a_reason(seen):
    judged = judge(seen, ALLOWANCE)
    if judged.outcome not in (Outcome.ENFORCED, Outcome.REJECTED):
        assert judged.reason


# -- meters -----------------------------------------------------------------------------------------------------------

THREE = Wiring(phases=3, voltage=230, capacity=32)


def amperes(value, phase=""):
    return Sample("Current.Import", value, phase)


def watts(value, phase=""):
    return Sample("Power.Active.Import", value, phase)


@pytest.mark.parametrize(
    ("samples", "wiring", "expected"),
    [
        ([amperes(16, "L1"), amperes(15, "L2"), amperes(14, "L3-N")], THREE, (16, 16)),
        ([amperes(16, "L1"), amperes(48), watts(11040)], THREE, (16, 16)),
        ([amperes(16), watts(11040)], THREE, (16, 16)),
        ([amperes(48), watts(11040)], THREE, (16, 24)),
        ([amperes(16)], THREE, (16 / 3, 16)),
        ([amperes(16)], replace(THREE, phases=1), (16, 16)),
        ([amperes(0)], THREE, (0, 0)),
        ([watts(22000)], THREE, (22000 / 690, 22000 / 690)),
        ([watts(11040)], replace(THREE, used=3), (16, 16)),
        ([watts(11040)], THREE, (16, 24)),
        ([watts(3680)], THREE, (3680 / 690, 16)),
        ([watts(3680, "L1"), watts(3680, "L2"), watts(3680, "L3")], replace(THREE, used=3), (16, 16)),
        ([watts(40_000)], Wiring(phases=0, voltage=400), (100, 100)),
        ([Sample("Voltage", 230)], THREE, None),
        ([Sample("Current.Offered", 16)], THREE, (16, 16)),
        ([Sample("Current.Offered", 32), amperes(16, "L1")], THREE, (16, 16)),
        ([], THREE, None),
    ],
)
def test_what_flows_in_each_phase(samples, wiring, expected):
    found = current(samples, wiring)
    assert (found and (found.least, found.most)) == (expected and pytest.approx(expected))


@given(some.floats(6, 32), some.sampled_from([1, 2, 3]), some.sampled_from(["lines", "each", "sum", "power"]))
def test_the_truth_lies_between_least_and_most(flowing, used, how):
    power = flowing * 230 * used
    samples = {
        "lines": [amperes(flowing, f"L{line + 1}") for line in range(used)],
        "each": [amperes(flowing), watts(power)],
        "sum": [amperes(flowing * used), watts(power)],
        "power": [watts(power)],
    }[how]
    found = current(samples, THREE)
    assert found.least <= flowing * 1.001
    assert found.most >= flowing * 0.999


def test_meter_values_of_either_version():
    one = {
        "timestamp": "2026-01-01T00:00:00Z",
        "sampledValue": [
            {"value": "11.04", "measurand": "Power.Active.Import", "unit": "kW"},
            {"value": "16.0", "measurand": "Current.Import", "unit": "A"},
            {"value": "many", "measurand": "Current.Import"},
        ],
    }
    other = {
        "timestamp": "2026-01-01T00:00:10Z",
        "sampledValue": [
            {"value": 1104, "measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "W", "multiplier": 1}},
            {"value": 16, "measurand": "Current.Import", "phase": "L1"},
            {"value": 99, "measurand": "Current.Import", "location": "EV", "phase": "L1"},
            {"value": True, "measurand": "Current.Import", "phase": "L2"},
        ],
    }
    energy = {"timestamp": "2026-01-01T00:00:20Z", "sampledValue": [{"value": 7}]}
    broken = [{"timestamp": "yesterday", "sampledValue": []}, {"timestamp": "2026-01-01T00:00:00Z"}, 3]
    found = readings({"meterValue": [one, other, energy, *broken]}, THREE)
    assert [(each.current, each.watts) for each in found] == [
        (Current.exactly(16), pytest.approx(11040)),
        (Current.exactly(16), pytest.approx(11040)),
    ]
    assert readings({}, THREE) == []


def test_power_shows_how_many_phases_are_used():
    assert [THREE.shown_by(each) for each in (0, 7000, 9000, 22000, 99_000)] == [1, 1, 2, 3, 3]
    assert replace(THREE, capacity=None).shown_by(22000) == 1


def test_several_evses_together():
    assert total([Current(1, 2), Current(3, 4)]) == Current(4, 6)
