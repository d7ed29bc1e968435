"""Meter readings in messages about transactions, in one unit (2.0.1: Part 2 2.32, 2.41, 2.49; 1.6: 7.33, 7.43)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from conformance.oracles.meter_values import sampled_number
from conformance.wire.schemas import parse_timestamp

ENERGY = "Energy.Active.Import.Register"
"""The measurand that is billed, and the one meant where none is named."""

BEGIN, END = "Transaction.Begin", "Transaction.End"
CLOCK, PERIODIC = "Sample.Clock", "Sample.Periodic"

RESOLUTION = 1.0
"""How far two readings of one register may differ in Wh without contradicting each other: some are whole numbers."""

_LARGEST_MULTIPLIER = 12


@dataclass(frozen=True, slots=True)
class Reading:
    """One sampled value: what was measured, when, why, and how much in the unit without a prefix, Wh for instance."""

    measurand: str
    phase: str
    location: str
    context: str
    time: datetime | None
    value: float

    @property
    def register(self) -> tuple[str, str, str]:
        """What tells the register that was read from another one."""
        return self.measurand, self.phase, self.location

    @property
    def is_energy(self) -> bool:
        """Whether it is what a bill is made of: the whole active energy that went to the EV."""
        return self.measurand == ENERGY and not self.phase and self.location == "Outlet"


def readings(meter_values: object) -> list[Reading]:
    """The numbers in an array of MeterValue, of either version; what can't be read is left out."""
    if not isinstance(meter_values, list):
        return []
    found: list[Reading] = []
    for value in meter_values:
        if isinstance(value, Mapping) and isinstance(value.get("sampledValue"), list):
            time = parse_timestamp(str(value.get("timestamp")))
            found += _samples(value["sampledValue"], time)
    return found


def energy(readings: Iterable[Reading]) -> list[Reading]:
    """The readings of the energy register among these, in the order of their times."""
    chosen = [each for each in readings if each.is_energy]
    return sorted(chosen, key=lambda each: each.time.timestamp() if each.time else 0.0)


def _samples(samples: Iterable[object], time: datetime | None) -> Iterator[Reading]:
    for sample in samples:
        if not isinstance(sample, Mapping) or sample.get("format") == "SignedData":
            continue
        number = sampled_number(sample.get("value"))
        if number is None:
            continue
        yield Reading(
            measurand=_text(sample.get("measurand")) or ENERGY,
            phase=_text(sample.get("phase")),
            location=_text(sample.get("location")) or "Outlet",
            context=_text(sample.get("context")) or PERIODIC,
            time=time,
            value=number * _factor(sample),
        )


def _factor(sample: Mapping[str, object]) -> float:
    """What a value has to be multiplied with: 1000 for a unit with k, and the power of ten that 2.0.1 may add."""
    unit, power = sample.get("unit"), 0
    measure = sample.get("unitOfMeasure")
    if isinstance(measure, Mapping):
        unit = measure.get("unit")
        given = measure.get("multiplier")
        power = given if isinstance(given, int) and abs(given) <= _LARGEST_MULTIPLIER else 0
    return (1000.0 if _text(unit).startswith("k") else 1.0) * 10.0**power


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
