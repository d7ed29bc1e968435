"""The current of each phase, by what meter values say: per phase, over all of them, or as power alone."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from conformance.oracles.charging.outcome import Current
from conformance.oracles.meter_values import sampled_number
from conformance.wire.schemas import parse_timestamp

CURRENT, POWER, OFFERED = "Current.Import", "Power.Active.Import", "Current.Offered"
MEASURANDS = (CURRENT, POWER)
"""What tells how much is drawn; where a station tells neither, what it offers to the EV has to do."""

_LINES = {"L1", "L2", "L3", "L1-N", "L2-N", "L3-N"}
_KILO = {"kW": 1000.0, "W": 1.0, "A": 1.0}
_MARGIN = 1.1


@dataclass(frozen=True, slots=True)
class Wiring:
    """How an EVSE is wired: its phases (0 for direct current), the nominal voltage, what it delivers in each phase.

    `used` is over how many phases at least the EV charges, as far as its greatest power has shown it.
    """

    phases: int
    voltage: float
    capacity: float | None = None
    used: int = 1

    @property
    def lines(self) -> int:
        """The phases, one for direct current."""
        return max(self.phases, 1)

    def shown_by(self, watts: float) -> int:
        """Over how many phases an EV charges at least that takes so much power."""
        if self.capacity is None or self.capacity <= 0:
            return 1
        return max(1, min(self.lines, ceil(watts / (self.voltage * self.capacity * _MARGIN))))


@dataclass(frozen=True, slots=True)
class Reading:
    """One moment of a meter: the current, or None where it shows none, and the power if it shows that."""

    at: datetime
    current: Current | None
    watts: float | None = None


def readings(message: Mapping[str, Any], wiring: Wiring) -> list[Reading]:
    """What `meterValue` of a message of either version says of the current, moment by moment."""
    found = []
    for each in _dicts(message.get("meterValue")):
        at = parse_timestamp(str(each.get("timestamp")))
        if at is not None:
            samples = list(_samples(_dicts(each.get("sampledValue"))))
            found.append(Reading(at, current(samples, wiring), _power(samples)))
    return [each for each in found if each.current is not None]


@dataclass(frozen=True, slots=True)
class Sample:
    """One sampled value in amperes or watts; `phase` is empty where it is over all of them."""

    measurand: str
    value: float
    phase: str = ""


def current(samples: Iterable[Sample], wiring: Wiring) -> Current | None:
    """What flows in each phase, None where these say nothing of it.

    A current that names no phase may be that of each phase or the sum of all; the power beside it shows which.
    """
    samples = list(samples)
    lines = [each.value for each in samples if each.measurand == CURRENT and each.phase in _LINES]
    if lines:
        return Current.exactly(max(lines))
    overall = [each.value for each in samples if each.measurand == CURRENT and not each.phase]
    watts = _power(samples)
    if overall:
        return _overall(max(overall), watts, wiring)
    if watts is not None:
        return _by_power(watts, wiring)
    offered = [each.value for each in samples if each.measurand == OFFERED]
    return Current.exactly(max(offered)) if offered else None


def _overall(amperes: float, watts: float | None, wiring: Wiring) -> Current:
    """Of one current for all phases."""
    if wiring.lines == 1 or amperes == 0:
        return Current.exactly(amperes)
    if watts is not None and round(watts / (wiring.voltage * amperes)) > 1:
        return Current.exactly(amperes)  # the power is that of several phases with this current in each
    least = amperes / wiring.lines
    if wiring.capacity is not None and amperes > wiring.capacity * _MARGIN:
        return Current(least, amperes / max(wiring.used, 2))  # no phase can carry so much
    return Current(least, amperes)


def _by_power(watts: float, wiring: Wiring) -> Current:
    used = max(wiring.used, wiring.shown_by(watts))
    return Current(watts / (wiring.voltage * wiring.lines), watts / (wiring.voltage * used))


def _power(samples: Iterable[Sample]) -> float | None:
    """The power over all phases: as such, or the sum of what each of them is said to take."""
    powers = [each for each in samples if each.measurand == POWER]
    overall = [each.value for each in powers if not each.phase]
    lines = {each.phase: each.value for each in powers if each.phase in _LINES}
    return max(overall) if overall else sum(lines.values()) if lines else None


def _samples(sampled: Iterable[Mapping[str, Any]]) -> Iterator[Sample]:
    for each in sampled:
        unit = each.get("unitOfMeasure")
        unit = unit if isinstance(unit, Mapping) else {"unit": each.get("unit")}
        value, measurand = sampled_number(each.get("value")), each.get("measurand")
        if value is None or measurand not in (*MEASURANDS, OFFERED) or each.get("location") == "EV":
            continue
        multiplier = unit.get("multiplier")
        scale = 10.0**multiplier if isinstance(multiplier, int) and abs(multiplier) < 10 else 1.0  # noqa: PLR2004
        scale *= _KILO.get(str(unit.get("unit")), 1.0)
        yield Sample(str(measurand), value * scale, str(each.get("phase") or ""))


def _dicts(items: object) -> list[Mapping[str, Any]]:
    return [each for each in items if isinstance(each, Mapping)] if isinstance(items, list) else []
