"""Readings of meters as a station told them."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.oracles.meter_values import Reading, events_of, lacking, moments, off_interval, off_the_day, readings

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def reading(seconds: float, measurand: str = "Voltage") -> Reading:
    """One reading so many seconds after noon."""
    return Reading(NOON + timedelta(seconds=seconds), measurand, "Sample.Clock", 1.0, None)


def times(*seconds: float) -> list[datetime]:
    """Moments so many seconds after noon."""
    return [NOON + timedelta(seconds=each) for each in seconds]


def test_reads_every_sampled_value() -> None:
    """What is left out stands for its default."""
    signed = {"signedMeterData": "AA=="}
    message: dict[str, Any] = {
        "meterValue": [
            {
                "timestamp": "2026-05-04T12:00:00Z",
                "sampledValue": [
                    {"value": 7},
                    {"value": 230.1, "measurand": "Voltage", "context": "Sample.Clock", "signedMeterValue": signed},
                ],
            }
        ]
    }
    plain, voltage = readings(message)
    assert (plain.at, plain.measurand, plain.context, plain.value) == (
        NOON,
        "Energy.Active.Import.Register",
        "Sample.Periodic",
        7.0,
    )
    assert (voltage.measurand, voltage.context, voltage.signed) == ("Voltage", "Sample.Clock", signed)


def monitored(evse: int | None, variable: str, **told: Any) -> dict[str, Any]:
    """An event of a monitor that is due by the time."""
    place = {} if evse is None else {"evse": {"id": evse}}
    event = {"timestamp": "2026-05-04T12:00:00Z", "trigger": "Periodic", "actualValue": "4.5"}
    return event | {"component": {"name": "FiscalMetering"} | place, "variable": {"name": variable}} | told


def test_reads_what_was_monitored() -> None:
    """A NotifyEvent has no context; what it does not name by a standard variable is no reading."""
    events = [
        monitored(1, "energyImportRegister"),
        monitored(2, "Power", actualValue="much"),
        monitored(1, "Temperature"),
        monitored(None, "Power"),
        monitored(1, "Power", trigger="Alerting"),
        monitored(1, "Power", timestamp="yesterday"),
        {"variable": 4},
    ]
    message = {"eventData": events}
    energy, power = readings(message)
    assert energy == Reading(NOON, "Energy.Active.Import.Register", "", 4.5, None)
    assert (power.measurand, power.value) == ("Power.Active.Import", None)
    assert events_of(message, 2) == [events[1]]
    assert lacking([energy], ["Voltage", "Power.Factor"]) == []
    assert lacking([energy, reading(0)], ["Power.Factor"]) == ["Power.Factor"]


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"meterValue": None},
        {"meterValue": ["no object"]},
        {"meterValue": [{"sampledValue": [{"value": 1}]}]},
        {"meterValue": [{"timestamp": "yesterday", "sampledValue": [{"value": 1}]}]},
        {"meterValue": [{"timestamp": "2026-05-04T12:00:00Z", "sampledValue": 4}]},
    ],
)
def test_what_is_no_reading_is_left_out(message: dict[str, Any]) -> None:
    """Nothing that a station sends breaks the reading of it."""
    assert readings(message) == []


def test_a_value_that_is_no_number_is_kept_without_it() -> None:
    """It is still a reading, of a wrong shape."""
    message = {"meterValue": [{"timestamp": "2026-05-04T12:00:00Z", "sampledValue": [{"value": "7"}]}]}
    assert [each.value for each in readings(message)] == [None]


def test_moments_gather_what_belongs_together() -> None:
    """Parts of one reading, and EVSEs one after the other."""
    found = [reading(4.1), reading(0), reading(0.2), reading(2)]
    assert moments(found, tolerance=0.5) == times(0, 2, 4.1)


@given(st.lists(st.integers(0, 1000), max_size=30))
def test_no_two_moments_are_within_the_tolerance(tenths: list[int]) -> None:
    """And every reading belongs to one."""
    found = [reading(each / 10) for each in tenths]
    gathered = moments(found, tolerance=1.05)
    assert all(later - earlier > timedelta(seconds=1.05) for earlier, later in pairwise(gathered))
    assert all(any(timedelta() <= one.at - at <= timedelta(seconds=1.05) for at in gathered) for one in found)


def test_lacking() -> None:
    """In the order in which they were asked for."""
    assert lacking([reading(0, "SoC")], ["Voltage", "SoC", "Current.Import"]) == ["Voltage", "Current.Import"]


def test_off_interval() -> None:
    """Says where, and how far."""
    assert off_interval(times(0, 10, 20.4), 10, tolerance=0.5) == ""
    assert off_interval(times(0), 10, tolerance=0.5) == ""
    assert off_interval(times(0, 10, 15), 10, tolerance=0.5) == (
        "between 12:00:10.0 and 12:00:15.0 5.0 s passed, not 10 s"
    )


def test_off_the_day() -> None:
    """Early or late, by the shorter way round."""
    assert off_the_day(times(0.3, 899.8, 1800), 900, tolerance=0.5) == ""
    assert off_the_day(times(60), 900, tolerance=0.5) == "12:01:00.0 is 60.0 s past a multiple of 900 s since midnight"
