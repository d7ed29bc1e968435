"""The chart of a limit, of what was reported and of what was drawn."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

from conformance.oracles.charging import Course, Step
from conformance.oracles.charging.recording import Recording

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds):
    return BEGIN + timedelta(seconds=seconds)


def course(first, *steps):
    return Course.of(
        at(first), at(3600), "A", [Step(at(since), Fraction(limit), Fraction(limit)) for since, limit in steps]
    )


def test_limits_change_by_their_own_schedule_and_by_the_next_one():
    record = Recording()
    record.flowed("EVSE 1", at(0), 31.88)
    record.limits = [(at(1), course(1, (1, 16), (3, 8), (9, 20))), (at(5), course(5, (5, 10)))]
    record.reports = [(at(2), course(2, (2, 160))), (at(4), None)]
    record.marks = [(at(1), "16 A"), (at(5), "10 A")]
    record.flowed("EVSE 1", at(6), 10.004)
    chart = record.chart("title", limit=float, report=lambda value: value / 10)
    limit, reported, drawn = chart.series
    assert limit.points == ((1, 16), (3, 8), (5, 10), (6, 10))
    assert reported.points == ((2, 16), (4, None), (6, None))
    assert (drawn.points, drawn.name) == (((0, 31.88), (6, 10)), "")
    assert chart.marks == ((1, "16 A"), (5, "10 A"))


def test_places_are_named_where_there_are_several_and_end_where_nothing_flows():
    record = Recording()
    record.flowed("EVSE 2", at(3), None)
    record.flowed("EVSE 2", at(1), 5)
    record.flowed("EVSE 1", at(2), 6)
    chart = record.chart("title", limit=float, report=float)
    assert [(each.name, each.points) for each in chart.series] == [
        ("EVSE 2", ((0, 5), (2, None))),
        ("EVSE 1", ((1, 6),)),
    ]


def test_nothing_makes_an_empty_chart():
    assert Recording().chart("title", limit=float, report=float).series == ()
