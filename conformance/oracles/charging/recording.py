"""What was asked of a station, what it reported and what was drawn: put down as it happens, drawn in the end."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from conformance.cases.setpoint import Chart, Drawn, Series
from conformance.oracles.charging.course import Course

_Moments = list[tuple[datetime, Course | None]]


@dataclass
class Recording:
    """Limits and reports each hold from their moment to the next one; what flows is known at its moments only."""

    limits: _Moments = field(default_factory=list)
    reports: _Moments = field(default_factory=list)
    drawn: dict[str, list[tuple[datetime, float | None]]] = field(default_factory=dict)
    marks: list[tuple[datetime, str]] = field(default_factory=list)

    def flowed(self, name: str, at: datetime, amperes: float | None) -> None:
        """What flows in a place by this name; None where it ends."""
        self.drawn.setdefault(name, []).append((at, amperes))

    def chart(self, title: str, *, limit: Callable[[float], float], report: Callable[[float], float]) -> Chart:
        """All of it; `limit` and `report` make amperes of the values of their courses."""
        times = [at for points in self.drawn.values() for at, _ in points]
        times += [at for at, _ in [*self.limits, *self.reports]]
        times += [at for at, _ in self.marks]
        if not times:
            return Chart(title, ())
        begin, end = min(times), max(times)
        several = len(self.drawn) > 1
        series = [
            _steps("limit", self.limits, begin, end, limit),
            _steps("reported", self.reports, begin, end, report),
            *(_dots(points, begin, name if several else "") for name, points in self.drawn.items()),
        ]
        marks = tuple((_since(begin, at), what) for at, what in self.marks)
        return Chart(title, tuple(each for each in series if each.points), marks=marks)


def _steps(
    kind: Drawn,
    found: Sequence[tuple[datetime, Course | None]],
    begin: datetime,
    end: datetime,
    scale: Callable[[float], float],
) -> Series:
    points: list[tuple[float, float | None]] = []
    ends = [*(at for at, _ in found[1:]), end]
    for (at, course), until in zip(found, ends, strict=False):
        inner = [] if course is None else [each.start for each in course.steps if at < each.start < until]
        for moment in (at, *inner):
            value = None if course is None else course.at(max(course.first, moment))
            points.append((_since(begin, moment), None if value is None else round(scale(float(value)), 2)))
    if points:
        points.append((_since(begin, end), points[-1][1]))
    return Series(kind, tuple(points))


def _dots(points: Iterable[tuple[datetime, float | None]], begin: datetime, name: str) -> Series:
    ordered = sorted(points, key=lambda each: each[0])
    return Series(
        "drawn",
        tuple((_since(begin, at), None if value is None else round(value, 2)) for at, value in ordered),
        name,
    )


def _since(begin: datetime, at: datetime) -> float:
    return round((at - begin).total_seconds(), 3)
