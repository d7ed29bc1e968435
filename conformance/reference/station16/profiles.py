"""Charging profiles as a 1.6 station keeps them, and what one of them allows at a moment (3.13, 5.16, 7.8-7.14)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import inf
from typing import TYPE_CHECKING

from conformance.reference.station.clock import parse_moment
from conformance.reference.station.meter import NOMINAL_VOLTAGE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from conformance.reference.station.rpc import Payload

CHARGE_POINT_MAX, TX_DEFAULT, TX = "ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"
ABSOLUTE, RECURRING, RELATIVE = "Absolute", "Recurring", "Relative"
CYCLES = {"Daily": timedelta(days=1), "Weekly": timedelta(weeks=1)}
UNITS = {"A": "Current", "W": "Power"}
ALL_PHASES = 3


@dataclass(frozen=True)
class Allowance:
    """What may be drawn: amperes per phase, watts in all, and the number of phases that may be used."""

    amperes: float = inf
    watts: float = inf
    phases: int = ALL_PHASES

    def __and__(self, other: Allowance) -> Allowance:
        """Return what both allow."""
        return Allowance(min(self.amperes, other.amperes), min(self.watts, other.watts), min(self.phases, other.phases))

    def lines(self, phases: int) -> int:
        """Return how many lines are used where there are so many phases; direct current has one."""
        return max(1, min(phases, self.phases))

    def current(self, phases: int) -> float:
        """Return the amperes per line where there are so many phases."""
        return min(self.amperes, self.watts / (NOMINAL_VOLTAGE * self.lines(phases)))

    def power(self, phases: int) -> float:
        """Return the watts in all where there are so many phases."""
        return min(self.watts, self.amperes * NOMINAL_VOLTAGE * self.lines(phases))


ANYTHING = Allowance()


@dataclass(frozen=True)
class Profile:
    """One installed charging profile. `transaction` is the station's own number of the one that a TxProfile is for."""

    connector: int
    payload: Payload
    transaction: int | None = None

    @property
    def id(self) -> int:
        """Return the chargingProfileId."""
        number: int = self.payload["chargingProfileId"]
        return number

    @property
    def purpose(self) -> str:
        """Return the chargingProfilePurpose."""
        purpose: str = self.payload["chargingProfilePurpose"]
        return purpose

    @property
    def level(self) -> int:
        """Return the stackLevel."""
        level: int = self.payload["stackLevel"]
        return level

    @property
    def schedule(self) -> Payload:
        """Return the chargingSchedule."""
        schedule: Payload = self.payload["chargingSchedule"]
        return schedule

    @property
    def record(self) -> Payload:
        """Return what flash memory keeps of it."""
        return {"connector": self.connector, "payload": self.payload, "transaction": self.transaction}

    @property
    def cycle(self) -> timedelta | None:
        """Return after what time it starts anew, None for never."""
        recurs = self.payload["chargingProfileKind"] == RECURRING
        return CYCLES[self.payload["recurrencyKind"]] if recurs else None

    def is_valid(self, moment: datetime) -> bool:
        """Tell whether a moment lies between validFrom and validTo."""
        first, last = (self._moment(self.payload, name) for name in ("validFrom", "validTo"))
        return (first is None or first <= moment) and (last is None or moment < last)

    def allowance(self, moment: datetime, began: datetime) -> Allowance | None:
        """Return what it allows at a moment in a transaction that began then, None when it says nothing."""
        if not self.is_valid(moment):
            return None
        start = self.start(moment, began)
        elapsed = (moment - start).total_seconds()
        if elapsed < 0 or elapsed >= self.schedule.get("duration", inf):
            return None
        period = [each for each in self.schedule["chargingSchedulePeriod"] if each["startPeriod"] <= elapsed][-1]
        phases: int = period.get("numberPhases", ALL_PHASES)
        if self.schedule["chargingRateUnit"] == "A":
            return Allowance(amperes=period["limit"], phases=phases)
        return Allowance(watts=period["limit"], phases=phases)

    def start(self, moment: datetime, began: datetime) -> datetime:
        """Return when the schedule that a moment belongs to started; it lies ahead if it has not started yet."""
        told = None if self.payload["chargingProfileKind"] == RELATIVE else self._moment(self.schedule, "startSchedule")
        start = began if told is None else told
        if self.cycle is None or moment < start:
            return start
        return start + (moment - start) // self.cycle * self.cycle

    def changes(self, first: datetime, last: datetime, began: datetime) -> Iterator[datetime]:
        """Return the moments after `first` and before `last` at which its limit may change."""
        return (moment for moment in self._changes(first, last, began) if first < moment < last)

    def _changes(self, first: datetime, last: datetime, began: datetime) -> Iterator[datetime]:
        """Return such moments, and others around."""
        for name in ("validFrom", "validTo"):
            if (told := self._moment(self.payload, name)) is not None:
                yield told
        start = self.start(first, began)
        offsets: list[int] = [each["startPeriod"] for each in self.schedule["chargingSchedulePeriod"]]
        if "duration" in self.schedule:
            offsets.append(self.schedule["duration"])
        while start < last:
            for offset in offsets:
                yield start + timedelta(seconds=offset)
            if self.cycle is None:
                return
            start += self.cycle

    def _moment(self, holder: Payload, name: str) -> datetime | None:
        """Return a moment that may be told."""
        return parse_moment(holder[name]) if name in holder else None
