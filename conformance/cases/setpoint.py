"""What became of each limit that a station was asked to keep: the setpoints of a case, and its charts."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from conformance.cases.verdict import Verdict

Unit = Literal["A", "W"]
"""Amperes in each phase, or watts over all of them."""


class Outcome(StrEnum):
    """What became of a setpoint; the first three are what a buyer can live with.

    `CONTRADICTED` is a station that does something else than it says: it rejects a limit and applies it, or tells of
    another each time that the same is asked. `NOT_JUDGED`: whether it is enforced could not be seen.
    """

    ENFORCED = "enforced"
    REJECTED = "rejected"
    DOWNGRADED = "downgraded"
    NOT_JUDGED = "not judged"
    CONTRADICTED = "contradicted"
    IGNORED = "silently ignored"

    @property
    def verdict(self) -> Verdict:
        """What it comes to for the station."""
        return _VERDICTS.get(self, Verdict.PASS)


_VERDICTS = {
    Outcome.NOT_JUDGED: Verdict.INCONCLUSIVE,
    Outcome.CONTRADICTED: Verdict.FAIL,
    Outcome.IGNORED: Verdict.FAIL,
}


@dataclass(frozen=True, slots=True)
class Setpoint:
    """One limit that was asked for, and what became of it.

    `asked`, `reported` (the composite schedule of that moment) and `drawn` are in `unit`; None where there is no limit,
    none was reported, or nothing could be measured. `answer` is what the station said, with its reason if it gave one;
    `reason` says why it came to `outcome`, where that needs words. `known` is false where nobody could ask what the
    station reports.
    """

    what: str
    asked: float | None
    outcome: Outcome
    answer: str = ""
    reported: float | None = None
    drawn: float | None = None
    unit: Unit = "A"
    reason: str = ""
    known: bool = True


Drawn = Literal["limit", "reported", "drawn"]
"""What a line of a chart is: the limit that holds by the rules, what the station reports, what the EV really draws."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart: `points` are seconds and values, None where there is no limit or nothing is reported.

    A limit, and what is reported, holds from its point to the next one. `name` tells lines of one kind apart.
    """

    kind: Drawn
    points: tuple[tuple[float, float | None], ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A limit, what was reported of it and what was drawn, over time; `marks` say what was done when."""

    title: str
    series: tuple[Series, ...]
    unit: Unit = "A"
    marks: tuple[tuple[float, str], ...] = ()
