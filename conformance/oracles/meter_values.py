"""Meter values as a station told them: what was read, when, why, and whether an interval was kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import isfinite
from typing import Any

from conformance.wire.schemas import parse_timestamp

DEFAULT_MEASURAND = "Energy.Active.Import.Register"
"""What a sampled value is of that names no measurand (Part 2, MeasurandEnumType)."""

DEFAULT_CONTEXT = "Sample.Periodic"
"""Why a sampled value was taken that does not say (Part 2, ReadingContextEnumType)."""

MONITORED: Mapping[str, str] = {
    "EnergyImportRegister": DEFAULT_MEASURAND,
    "EnergyExportRegister": "Energy.Active.Export.Register",
    "Power": "Power.Active.Import",
    "ACCurrent": "Current.Import",
    "DCCurrent": "Current.Import",
    "ACVoltage": "Voltage",
    "DCVoltage": "Voltage",
    "Frequency": "Frequency",
    "StateOfCharge": "SoC",
}
"""Standard variables (Part 2, appendices) that show what a measurand is of; no document pairs the two."""

_QUANTITIES = {name.casefold(): measurand for name, measurand in MONITORED.items()}
_QUANTITIES |= {measurand.casefold(): measurand for measurand in MONITORED.values()}

OF_THE_EV = frozenset({"SoC"})
"""Measurands that can only be had while an EV that tells them is connected."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One sampled value: of what, why, and when; `signed` is its signedMeterValue, if it has one.

    `context` is empty where the message has no place for it.
    """

    at: datetime
    measurand: str
    context: str
    value: float | None
    signed: Mapping[str, Any] | None


def readings(message: Mapping[str, Any]) -> list[Reading]:
    """Every sampled value of a message whose time can be read.

    These are in `meterValue` of MeterValues and TransactionEvent requests, and in `eventData` of a NotifyEvent request
    as far as that was due by the time (Part 5 lets a station tell what its clock has it read by either).
    """
    found = [_monitored(each) for each in events_of(message)]
    for each in _dicts(message.get("meterValue")):
        at = parse_timestamp(str(each.get("timestamp")))
        if at is not None:
            found += [_reading(at, sample) for sample in _dicts(each.get("sampledValue"))]
    return found


def events_of(message: Mapping[str, Any], evse: int | None = None) -> list[Mapping[str, Any]]:
    """The readings among the events of a NotifyEvent request, in their own form: of any EVSE or of one."""
    found = []
    for each in _dicts(message.get("eventData")):
        component, variable = each.get("component"), each.get("variable")
        if not isinstance(component, dict) or not isinstance(variable, dict) or each.get("trigger") != "Periodic":
            continue
        place = component.get("evse")
        there = place.get("id") if isinstance(place, dict) else None
        known = str(variable.get("name")).casefold() in _QUANTITIES
        if known and there is not None and evse in (None, there) and parse_timestamp(str(each.get("timestamp"))):
            found.append(each)
    return found


def _monitored(event: Mapping[str, Any]) -> Reading:
    at = parse_timestamp(str(event["timestamp"]))
    assert at is not None
    try:
        value: float | None = float(event["actualValue"])
    except (KeyError, TypeError, ValueError):
        value = None
    return Reading(at, _QUANTITIES[event["variable"]["name"].casefold()], "", value, None)


def _reading(at: datetime, sample: Mapping[str, Any]) -> Reading:
    value, signed = sample.get("value"), sample.get("signedMeterValue")
    return Reading(
        at,
        str(sample.get("measurand", DEFAULT_MEASURAND)),
        str(sample.get("context", DEFAULT_CONTEXT)),
        float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None,
        signed if isinstance(signed, dict) else None,
    )


def sampled_number(value: object) -> float | None:
    """The value of a sample as a number, None where it is none: 1.6 writes it as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if isfinite(number) else None


def _dicts(items: object) -> list[Mapping[str, Any]]:
    return [each for each in items if isinstance(each, dict)] if isinstance(items, list) else []


def moments(found: Iterable[Reading], *, tolerance: float) -> list[datetime]:
    """When readings were taken, in order; those within `tolerance` seconds of the first of a moment belong to it."""
    together: list[datetime] = []
    for at in sorted(each.at for each in found):
        if not together or at - together[-1] > timedelta(seconds=tolerance):
            together.append(at)
    return together


def lacking(found: Iterable[Reading], measurands: Iterable[str]) -> list[str]:
    """Which measurands there is no reading of; none where all came in NotifyEvents, whose variables no rule names."""
    found = list(found)
    there = {each.measurand for each in found}
    if found and not any(each.context for each in found):
        return []
    return [each for each in measurands if each not in there]


def off_interval(times: list[datetime], interval: float, *, tolerance: float) -> str:
    """Why moments do not follow each other by an interval, in seconds; empty where they do."""
    for earlier, later in pairwise(times):
        passed = (later - earlier).total_seconds()
        if abs(passed - interval) > tolerance:
            return f"between {clock_time(earlier)} and {clock_time(later)} {passed:.1f} s passed, not {interval:g} s"
    return ""


def off_the_day(times: Iterable[datetime], interval: float, *, tolerance: float) -> str:
    """Why moments are not multiples of an interval, in seconds, into their day (UTC); empty where they are."""
    for each in times:
        midnight = each.replace(hour=0, minute=0, second=0, microsecond=0)
        past = (each - midnight).total_seconds() % interval
        if min(past, interval - past) > tolerance:
            return f"{clock_time(each)} is {past:.1f} s past a multiple of {interval:g} s since midnight"
    return ""


def clock_time(at: datetime) -> str:
    """The time of day, for a message."""
    return at.strftime("%H:%M:%S.%f")[:-5]
