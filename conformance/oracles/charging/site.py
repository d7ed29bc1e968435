"""What of a station a composite schedule depends on beside its charging profiles."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

DEFAULT_PHASES = 3
"""Assumed where a period of alternating current names no number of phases (K01.FR.49; OCPP 1.6 §7.14)."""


@dataclass(frozen=True, slots=True)
class EvseLimits:
    """How an EVSE is built: its phases, 0 for direct current, and its greatest power in watts, None if unknown."""

    phases: int = DEFAULT_PHASES
    watts: float | Fraction | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """How a station is built; in 1.6 each connector counts as an EVSE.

    `voltage` is the nominal one, between phase and neutral, or that of a battery where an EVSE gives direct current.
    `watts` is the greatest power of the whole station, None if unknown. `least_amperes` is the current per phase below
    which an EVSE of alternating current may just as well offer nothing (IEC 61851-1 knows none between 0 and 6 A).
    """

    evses: Mapping[int, EvseLimits]
    voltage: float | Fraction = 230
    watts: float | Fraction | None = None
    least_amperes: float | Fraction = 6


@dataclass(frozen=True, slots=True)
class Running:
    """A transaction: where it runs, its id in the version's own type, and when it was ready to deliver energy.

    `began` is where relative schedules start (K01.FR.42), which no station has to hit to the second.
    """

    evse: int
    transaction: object
    began: datetime


def exact(number: object) -> Fraction:
    """A JSON number as it was written: 8.1 is 81/10. Raises ValueError for anything else."""
    if isinstance(number, bool) or not isinstance(number, int | float | Fraction):
        raise ValueError(f"expected a number, got {number!r}")  # noqa: TRY004 -- it is what was read that is wrong
    return number if isinstance(number, Fraction) else Fraction(str(number))
