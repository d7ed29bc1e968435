"""A limit over time, and how one differs from another."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise

from conformance.oracles.charging.profile import Unit

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Step:
    """From when on, which limit holds, None for none that anybody set.

    `least` is the lowest that a compliant station may say where the documents leave it a choice, else the same.
    """

    start: datetime
    limit: Fraction | None
    least: Fraction | None


@dataclass(frozen=True, slots=True)
class Course:
    """A piecewise constant limit from `first` to before `last`, in amperes per phase or in watts.

    The first step starts at `first`; no two neighbours are equal.
    """

    first: datetime
    last: datetime
    unit: Unit
    steps: tuple[Step, ...]

    @staticmethod
    def of(first: datetime, last: datetime, unit: Unit, steps: Iterable[Step]) -> "Course":
        """Of steps in order, neighbours that are equal made one."""
        kept: list[Step] = []
        for each in steps:
            if not kept or (kept[-1].limit, kept[-1].least) != (each.limit, each.least):
                kept.append(each)
        return Course(first, last, unit, tuple(kept))

    def at(self, moment: datetime) -> Fraction | None:
        """The limit at a moment; None where nobody set one, and outside of the course."""
        step = self._step(moment)
        return None if step is None else step.limit

    def least(self, moment: datetime) -> Fraction | None:
        """The lowest limit that a compliant station may say; None as `at` has it."""
        step = self._step(moment)
        return None if step is None else step.least

    @property
    def edges(self) -> list[datetime]:
        """Where the limit changes, the first and the last moment included."""
        return [self.first, *(each.start for each in self.steps if each.start > self.first), self.last]

    def between(self, first: datetime, last: datetime) -> "Course":
        """The part of it between two moments."""
        first, last = max(first, self.first), min(last, self.last)
        begun = self._step(first)
        steps = [] if begun is None else [Step(first, begun.limit, begun.least)]
        return Course(first, last, self.unit, (*steps, *(each for each in self.steps if first < each.start < last)))

    def _step(self, moment: datetime) -> Step | None:
        if not self.first <= moment < self.last:
            return None
        place = bisect_right(self.steps, moment, key=lambda each: each.start)
        return self.steps[place - 1] if place else None


def differences(
    reported: Course,
    expected: Course,
    *,
    tolerance: float | Fraction = Fraction(1, 10),
    edge: float | timedelta = timedelta(seconds=1),
) -> list[str]:
    """Where one course says another limit than is expected, in words; empty where both agree.

    What is less than `edge` (seconds) away from a change that is expected is left out, and so is everything for which
    nobody set a limit: what a station can do at most is its own affair. `tolerance` is in the unit of the courses.
    """
    if reported.unit != expected.unit:
        return [f"the limits are in {reported.unit}, expected in {expected.unit}"]
    edge = edge if isinstance(edge, timedelta) else timedelta(seconds=edge)
    slack = Fraction(tolerance)
    found = []
    for begin, end in _stretches(expected.edges, edge):
        for since, until in _parts(begin, end, reported.edges):
            limit, least, told = expected.at(since), expected.least(since), reported.at(since)
            if limit is None or least is None:
                continue
            if told is None or not least - slack <= told <= limit + slack:
                found.append((since, until, told, limit, least))
    words = [_words(each, expected) for each in found[:_NAMED]]
    return words if len(found) <= _NAMED else [*words, f"and {len(found) - _NAMED} more"]


def _stretches(edges: Sequence[datetime], edge: timedelta) -> list[tuple[datetime, datetime]]:
    """What lies between edges, less what is near to one."""
    return [(one + edge, other - edge) for one, other in pairwise(edges) if other - one > 2 * edge]


def _parts(begin: datetime, end: datetime, edges: Sequence[datetime]) -> list[tuple[datetime, datetime]]:
    inner = [begin, *(each for each in sorted(edges) if begin < each < end), end]
    return list(pairwise(inner))


def _words(
    found: tuple[datetime, datetime, Fraction | None, Fraction, Fraction],
    expected: Course,
) -> str:
    since, until, told, limit, least = found
    offset = (since - expected.first).total_seconds()
    wanted = f"{shown(limit)} {expected.unit}"
    if least < limit:
        wanted = f"{shown(least)} to {wanted}"
    got = "nothing" if told is None else f"{shown(told)} {expected.unit}"
    return f"from second {offset:g} on, for {(until - since).total_seconds():g} s: expected {wanted}, got {got}"


def shown(number: Fraction) -> str:
    """A number for people, rounded to three digits after the point."""
    return f"{float(round(number, 3)):g}" if abs(number) < 10**5 else f"{float(round(number, 1)):.1f}"
