"""One charging profile of either version, and what it says at a moment."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any, Literal

from conformance.oracles.charging.site import exact
from conformance.wire.schemas import parse_timestamp

Unit = Literal["A", "W"]

STATION_MAX = "ChargingStationMaxProfile"
EXTERNAL = "ChargingStationExternalConstraints"
TX_DEFAULT = "TxDefaultProfile"
TX = "TxProfile"

_PURPOSES = {each: each for each in (STATION_MAX, EXTERNAL, TX_DEFAULT, TX)} | {"ChargePointMaxProfile": STATION_MAX}
_KINDS = ("Absolute", "Recurring", "Relative")
_CYCLES = {"Daily": timedelta(days=1), "Weekly": timedelta(weeks=1)}


@dataclass(frozen=True, slots=True)
class Period:
    """From when on, in seconds of its schedule, up to how much may be drawn, and on how many phases if it says so."""

    start: int
    limit: Fraction
    phases: int | None = None


@dataclass(frozen=True, slots=True)
class ChargingProfile:
    """A charging profile with its schedule, the first if it has several (the others are for ISO 15118).

    The purpose is named as in 2.0.1: the ChargePointMaxProfile of 1.6 is the ChargingStationMaxProfile.
    """

    id: int
    purpose: str
    stack_level: int
    kind: str
    unit: Unit
    periods: tuple[Period, ...]
    start: datetime | None = None
    duration: int | None = None
    cycle: timedelta | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    transaction: object = None
    least_rate: Fraction | None = None

    @staticmethod
    def read(payload: Mapping[str, Any]) -> "ChargingProfile":
        """Read a profile as SetChargingProfile of either version carries it; ValueError where it can't be read."""
        try:
            return _read(payload)
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f"not a charging profile, for want of {error}: {payload!r}") from None

    def of(self, transaction: object) -> "ChargingProfile":
        """The same profile, for this transaction."""
        return replace(self, transaction=transaction)

    def valid(self, moment: datetime) -> bool:
        """Whether it is valid: from validFrom on (K01.FR.36), until before validTo (FR.37), unbounded else (FR.10)."""
        return (self.valid_from is None or self.valid_from <= moment) and (
            self.valid_to is None or moment < self.valid_to
        )

    def period(self, moment: datetime, began: datetime) -> Period | None:
        """The period that is in force, None where the profile says nothing; a relative schedule starts at `began`."""
        if not self.valid(moment):
            return None
        elapsed = moment - self._origin(began)
        if elapsed < timedelta():  # K01.FR.30
            return None
        if self.cycle is not None:
            elapsed %= self.cycle
        if self.duration is not None and elapsed >= timedelta(seconds=self.duration):  # K01.FR.11, 13
            return None
        begun = [each for each in self.periods if timedelta(seconds=each.start) <= elapsed]
        return begun[-1]

    def edges(self, first: datetime, last: datetime, began: datetime) -> Iterator[datetime]:
        """Every moment between two where it may begin to say something else."""
        inner = [timedelta(seconds=each.start) for each in self.periods]
        if self.duration is not None:
            inner.append(timedelta(seconds=self.duration))
        found = [each for each in (self.valid_from, self.valid_to) if each is not None]
        for start in self._starts(first, last, began):
            found += [start + each for each in inner if self.cycle is None or each < self.cycle]
        yield from (each for each in found if first < each < last)

    def _starts(self, first: datetime, last: datetime, began: datetime) -> Iterator[datetime]:
        """Every start of the schedule that matters between two moments."""
        start = self._origin(began)
        if self.cycle is None:
            yield start
            return
        start += max((first - start) // self.cycle, 0) * self.cycle
        while start < last:
            yield start
            start += self.cycle

    def _origin(self, began: datetime) -> datetime:
        return began if self.kind == "Relative" or self.start is None else self.start


def _read(payload: Mapping[str, Any]) -> ChargingProfile:
    schedules = payload["chargingSchedule"]
    schedule = schedules if isinstance(schedules, Mapping) else schedules[0]
    kind, recurrency = payload["chargingProfileKind"], str(payload.get("recurrencyKind"))
    if kind not in _KINDS:
        raise ValueError(f"expected a chargingProfileKind of {', '.join(_KINDS)}, got {kind!r}")
    if payload["chargingProfilePurpose"] not in _PURPOSES:
        raise ValueError(f"expected a known chargingProfilePurpose, got {payload['chargingProfilePurpose']!r}")
    if kind == "Recurring" and recurrency not in _CYCLES:
        raise ValueError(f"expected a recurrencyKind of {', '.join(_CYCLES)}, got {recurrency}")
    start, least = _time(schedule, "startSchedule"), schedule.get("minChargingRate")
    if kind == "Recurring" and start is None:
        raise ValueError("expected a startSchedule, since the schedule recurs")
    duration = schedule.get("duration")
    return ChargingProfile(
        id=_whole(payload["id"] if "id" in payload else payload["chargingProfileId"]),
        purpose=_PURPOSES[payload["chargingProfilePurpose"]],
        stack_level=_whole(payload["stackLevel"]),
        kind=kind,
        unit=unit(schedule),
        periods=_periods(schedule["chargingSchedulePeriod"]),
        start=start,
        duration=None if duration is None else _whole(duration),
        cycle=_CYCLES[recurrency] if kind == "Recurring" else None,
        valid_from=_time(payload, "validFrom"),
        valid_to=_time(payload, "validTo"),
        transaction=payload.get("transactionId"),
        least_rate=None if least is None else exact(least),
    )


def periods(listed: Sequence[Mapping[str, Any]]) -> list[Period]:
    """The periods of a schedule as they are listed; raises ValueError for what is no period."""
    found = []
    for each in listed:
        phases = each.get("numberPhases")
        whole = None if phases is None else _whole(phases)
        found.append(Period(_whole(each["startPeriod"]), exact(each["limit"]), whole))
    if not found:
        raise ValueError("expected at least one period in the schedule, got none")
    return found


def unit(schedule: Mapping[str, Any]) -> Unit:
    """The unit of a schedule's limits; raises ValueError for any other than A and W."""
    told = schedule["chargingRateUnit"]
    if told == "A":
        return "A"
    if told == "W":
        return "W"
    raise ValueError(f"expected a chargingRateUnit of A or W, got {told!r}")


def _periods(listed: Sequence[Mapping[str, Any]]) -> tuple[Period, ...]:
    """In the order that the documents ask for; raises ValueError if they are in another (K01.FR.31, 35)."""
    found = periods(listed)
    if found[0].start != 0:
        raise ValueError(f"expected the first period to start at 0, got {found[0].start}")
    if any(one.start >= other.start for one, other in pairwise(found)):
        raise ValueError(f"expected periods in the order of their starts, got {[each.start for each in found]}")
    return tuple(found)


def _time(fields: Mapping[str, Any], name: str) -> datetime | None:
    told = fields.get(name)
    if told is None:
        return None
    moment = parse_timestamp(told) if isinstance(told, str) else None
    if moment is None:
        raise ValueError(f"expected {name} to be a time with an offset, got {told!r}")
    return moment


def _whole(number: object) -> int:
    value = exact(number)
    if value.denominator != 1:
        raise ValueError(f"expected a whole number, got {number!r}")
    return int(value)
