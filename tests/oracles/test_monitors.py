"""Reports of monitors and events, read without a wire."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.oracles.monitors import events_in, monitors_in, out_of_order, place

WHERE: dict[str, Any] = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}}


def entry(number: int, **more: Any) -> dict[str, Any]:
    monitor = {"id": number, "transaction": False, "value": 1, "type": "Delta", "severity": 8, **more}
    return {**WHERE, "variableMonitoring": [monitor]}


def test_monitors_are_found_in_every_part() -> None:
    found = monitors_in([{"monitor": [entry(1), entry(2, type="Periodic", severity=3)]}, {}, {"monitor": [entry(3)]}])
    assert [each.id for each in found] == [1, 2, 3]
    assert (found[1].kind, found[1].severity) == ("Periodic", 3)
    assert found[0].is_on(WHERE)
    assert found[0].is_like(found[2])
    assert not found[0].is_like(found[1])


def test_an_event_says_what_it_is_about() -> None:
    data = {**WHERE, "trigger": "Alerting", "actualValue": "7", "cleared": True, "variableMonitoringId": 4}
    plain = {**WHERE, "trigger": "Delta", "actualValue": "8"}
    (first, second) = events_in([{"eventData": [data, plain]}])
    assert (first.monitor, first.trigger, first.value, first.cleared) == (4, "Alerting", "7", True)
    assert (second.monitor, second.cleared) == (None, False)
    assert first.is_on(WHERE)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({"component": {"name": "evse", "evse": {"id": 1}}, "variable": {"name": "POWER"}}, True),
        ({"component": {"name": "EVSE", "instance": "No. 1", "evse": {"id": 1}}, "variable": {"name": "Power"}}, True),
        ({"component": {"name": "EVSE", "evse": {"id": 2}}, "variable": {"name": "Power"}}, False),
        ({"component": {"name": "EVSE"}, "variable": {"name": "Power"}}, False),
        ({"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power", "instance": "x"}}, False),
    ],
)
def test_places_are_compared_as_names_are(other: dict[str, Any], same: bool) -> None:  # noqa: FBT001 -- a table
    assert (place(other["component"], other["variable"]) == place(WHERE["component"], WHERE["variable"])) is same


@given(st.lists(st.integers(-1, 4)))
def test_parts_are_numbered_from_nought(numbers: list[int]) -> None:
    wrong = out_of_order([{"seqNo": number} for number in numbers])
    assert bool(wrong) != all(number == index for index, number in enumerate(numbers))
