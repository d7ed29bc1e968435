"""Whether the times that somebody tells are those of the present, by what a clock of our own showed meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations

RESOLUTION = timedelta(seconds=1)
"""A time may be written in whole seconds, and is then up to this much in the past."""

PRESENT = timedelta(minutes=5)
"""No document says how far off a time may be and still be that of the present; what is further off is not."""

STANDSTILL = timedelta(seconds=2)
"""A clock that shows the same after this long does not run."""

_STEP = timedelta(minutes=15)
_ZONES = timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class Reading:
    """A time that was told, and when our own clock says that it was asked for and came; all of them aware."""

    told: datetime
    asked: datetime
    came: datetime

    @property
    def error(self) -> timedelta:
        """How far it is off what it can have been, resolution and way included; negative where it is late."""
        if self.told < self.asked - RESOLUTION:
            return self.told - (self.asked - RESOLUTION)
        return max(self.told - self.came, timedelta())


def not_the_present(readings: Sequence[Reading]) -> str:
    """Why these times, in the order in which they were told, can't all be those of the present; empty if they can."""
    for each in readings:
        if abs(each.error) > PRESENT:
            return f"{_off(each.error)} off{_hint(each.error)}"
    for one, other in combinations(readings, 2):
        if other.told < one.told - RESOLUTION:
            return f"going back: first {one.told.isoformat()}, then {other.told.isoformat()}"
        if other.told == one.told and other.asked - one.came >= STANDSTILL:
            return f"standing still: {one.told.isoformat()} again after {_off(other.asked - one.came)}"
    return ""


def _off(error: timedelta) -> str:
    return f"{abs(error).total_seconds():.1f} s"


def _hint(error: timedelta) -> str:
    """What an error of a multiple of a quarter of an hour may come from."""
    steps = round(error / _STEP)
    if abs(error) > _ZONES or steps == 0 or abs(error - steps * _STEP) > 2 * RESOLUTION:
        return ""
    return f": {steps / 4:+g} h, as if it were the time of a zone"
