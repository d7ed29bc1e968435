"""Which fault a system under test bears at which moment of a transaction: the cells of one table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from conformance.cases.verdict import Verdict

Moment = Literal["not started", "start told", "charging", "suspended", "resuming", "at stop", "end told"]

MOMENTS: Sequence[Moment] = (
    "not started",
    "start told",
    "charging",
    "suspended",
    "resuming",
    "at stop",
    "end told",
)
"""When a fault begins: before the transaction starts, when its start was told and is not yet acknowledged, while it
charges or is suspended, before it resumes, before it stops, and when its end was told and is not yet acknowledged."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What came of one fault at one moment.

    `lost` and `doubled` count messages about transactions: those that never came, and those that came again although
    they were acknowledged. `kwh_lost` is the energy that can't be billed, None where it can't be told. `reason` says
    why a cell was not judged, or what failed.
    """

    fault: str
    moment: str
    verdict: Verdict
    lost: int = 0
    doubled: int = 0
    kwh_lost: float | None = 0.0
    reason: str = ""


def some(moments: Sequence[Moment], most: int | None) -> Sequence[Moment]:
    """The first so many of these moments, all of them where there is no limit."""
    return moments if most is None else moments[:most]


def in_order(moments: Iterable[str]) -> list[str]:
    """Moments as a transaction comes to them; those that are unknown here last."""
    known = {moment: place for place, moment in enumerate(MOMENTS)}
    return sorted(dict.fromkeys(moments), key=lambda each: known.get(each, len(known)))  # type: ignore[call-overload]
