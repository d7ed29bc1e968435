"""A chart of a limit and of what was drawn, as SVG that reads in black and white."""

import math
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from conformance.cases.setpoint import Chart, Drawn, Series
from conformance.report import view

_WIDTH, _HEIGHT = 520, 205
_LEFT, _RIGHT, _BOTTOM = 42, 104, 30
_TITLE, _TOP = 20, 30
_ROW = 14
_APART = 13.0
_TICKS = 5
_LOOK: dict[Drawn, str] = {
    "limit": 'stroke="#b3bbc4" stroke-width="6"',
    "reported": 'stroke="#123f78" stroke-width="1.7" stroke-dasharray="7 4"',
    "drawn": 'stroke="#b3261e" stroke-width="1.1"',
}
_TINT: dict[Drawn, str] = {"limit": "#57606a", "reported": "#123f78", "drawn": "#b3261e"}
_MARKERS = ("circle", "square", "triangle")
_FONT = "system-ui, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
_LONGEST = 26
_BOLD = 0.68
"""How wide a bold letter is, at most and on the average, in parts of its size."""


def svg(chart: Chart, *, alone: bool = True) -> str:
    """The chart as one SVG element that needs nothing else; where it is not `alone`, its caption is beside it."""
    scale = _Scale(chart)
    lines = _named(chart.series)
    about = f"{chart.title}: {', '.join(name for name, _ in lines)}"
    rows = _rows(chart) if alone else []
    above = _TITLE if alone else 0
    height = above + _HEIGHT + _ROW * len(rows)
    size = f'viewBox="0 {-above} {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    title = view.one_line(chart.title, 76)
    letters = round(min(12.5, _WIDTH / max(len(title) * _BOLD, 1)), 1)
    head = f'<text x="2" y="-6" font-size="{letters}" font-weight="600">{escape(title)}</text>' if alone else ""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{_FONT}" font-size="11.5">',
        f"<title>{_text(about, 300)}</title>",
        f'<rect y="{-above}" width="{_WIDTH}" height="{height}" fill="#fff"/>',
        head,
        *_grid(scale, chart.unit),
        *_marks(chart, scale),
        *_series(chart.series, scale),
        *_labels(lines, scale),
        *(f'<text x="2" y="{_HEIGHT + 6 + _ROW * row}" font-size="11">{escape(line)}</text>' for row, line in rows),
        "</svg>",
    ]
    return "".join(parts)


def key(chart: Chart) -> str:
    """What the numbers in the chart mean, as one line."""
    return " · ".join(f"{number}: {view.one_line(text, 60)}" for number, (_, text) in enumerate(chart.marks, start=1))


class _Scale:
    """Where a moment and a value lie on the drawing."""

    def __init__(self, chart: Chart) -> None:
        points = [point for series in chart.series for point in series.points]
        times = [at for at, _ in points if math.isfinite(at)]
        times += [at for at, _ in chart.marks if math.isfinite(at)]
        values = [value for _, value in points if value is not None and math.isfinite(value)]
        self.first = min(times, default=0.0)
        self.last = max(max(times, default=0.0), self.first + 1e-3)
        self.top = _above(max([*values, 1e-3]) * 1.08)

    def x(self, at: float) -> float:
        return _LEFT + (at - self.first) / (self.last - self.first) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return _HEIGHT - _BOTTOM - value / self.top * (_HEIGHT - _TOP - _BOTTOM)

    def seconds(self) -> list[float]:
        step = _step(self.last - self.first)
        first = math.ceil(self.first / step)
        return [number * step for number in range(first, math.floor(self.last / step) + 1)]

    def values(self) -> list[float]:
        step = _step(self.top)
        return [number * step for number in range(math.floor(self.top / step + 1e-9) + 1)]


def _step(span: float) -> float:
    """A round distance between ticks of which a span has some five."""
    rough = span / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * each for each in (1, 2, 5, 10) if power * each >= rough * 0.999)


def _above(value: float) -> float:
    """The next round number."""
    step = _step(value)
    return math.ceil(value / step) * step


def _grid(scale: _Scale, unit: str) -> Iterator[str]:
    low, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    for value in scale.values():
        y = scale.y(value)
        shade = "#16191d" if value == 0 else "#d5dae0"
        yield f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="{shade}" stroke-width=".6"/>'
        named = f"{value:g} {_text(unit, 4)}" if value == scale.values()[-1] else f"{value:g}"
        yield f'<text x="{_LEFT - 5}" y="{y + 3.5:.1f}" text-anchor="end" fill="#444c56">{named}</text>'
    for at in scale.seconds():
        x = scale.x(at)
        yield f'<line x1="{x:.1f}" y1="{low}" x2="{x:.1f}" y2="{low + 4}" stroke="#16191d" stroke-width=".6"/>'
        yield f'<text x="{x:.1f}" y="{low + 15}" text-anchor="middle" fill="#444c56">{at:g}</text>'
    yield f'<text x="{right + 6}" y="{low + 15}" fill="#444c56">s</text>'


def _marks(chart: Chart, scale: _Scale) -> Iterator[str]:
    """A number for what was done at a moment; those at about the same place are told together."""
    for number, x in _spread(chart, scale):
        at = scale.x(chart.marks[number][0])
        yield (
            f'<line x1="{at:.1f}" y1="{_TOP - 8}" x2="{at:.1f}" y2="{_HEIGHT - _BOTTOM}" stroke="#57606a" '
            'stroke-width=".6" stroke-dasharray="1.5 2.5"/>'
        )
        yield f'<circle cx="{x:.1f}" cy="{_TOP - 15}" r="6.5" fill="#fff" stroke="#57606a" stroke-width=".7"/>'
        yield f'<text x="{x:.1f}" y="{_TOP - 11.8}" font-size="9" text-anchor="middle">{number + 1}</text>'


def _spread(chart: Chart, scale: _Scale) -> Iterator[tuple[int, float]]:
    """The number of each mark, and where it goes so that none lies upon another."""
    last = -math.inf
    for number, (at, _) in enumerate(chart.marks):
        last = max(scale.x(at), last + _APART + 1)
        yield number, last


def _rows(chart: Chart) -> list[tuple[int, str]]:
    """What the numbers mean, in numbered rows that fit."""
    return list(enumerate(textwrap.wrap(key(chart), _WIDTH // 6)))


def _series(series: Sequence[Series], scale: _Scale) -> Iterator[str]:
    for each in sorted(series, key=lambda one: ("limit", "reported", "drawn").index(one.kind)):
        path = _path(each, scale)
        if path:
            yield f'<path d="{path}" fill="none" stroke-linejoin="round" {_LOOK[each.kind]}/>'
        if each.kind == "drawn":
            marker = _MARKERS[_place(series, each) % len(_MARKERS)]
            yield from (_marker(marker, scale.x(at), scale.y(value)) for at, value in _known(each))


def _place(series: Sequence[Series], one: Series) -> int:
    """Which of the lines of its kind it is."""
    return [each for each in series if each.kind == one.kind].index(one)


def _known(series: Series) -> list[tuple[float, float]]:
    return [(at, value) for at, value in series.points if value is not None]


def _path(series: Series, scale: _Scale) -> str:
    """The line: in steps but for what was drawn, with gaps where there is nothing."""
    found, before = "", None
    for at, value in series.points:
        x = scale.x(at)
        if before is not None and series.kind != "drawn":
            found += f"H{x:.1f}"
        if value is not None:
            y = scale.y(value)
            found += f"M{x:.1f} {y:.1f}" if before is None else f"L{x:.1f} {y:.1f}"
        before = value
    return found


def _marker(shape: str, x: float, y: float) -> str:
    look = 'fill="#fff" stroke="#b3261e" stroke-width="1.1"'
    match shape:
        case "circle":
            return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" {look}/>'
        case "square":
            return f'<rect x="{x - 2.4:.1f}" y="{y - 2.4:.1f}" width="4.8" height="4.8" {look}/>'
    return f'<path d="M{x:.1f} {y - 3:.1f}l3 5.2h-6z" {look}/>'


def _named(series: Sequence[Series]) -> list[tuple[str, Series]]:
    """Each line with what it is called."""
    return [(f"{each.kind}, {each.name}" if each.name else each.kind, each) for each in series if _known(each)]


def _labels(lines: Iterable[tuple[str, Series]], scale: _Scale) -> Iterator[str]:
    """The name of each line where it ends, moved apart where they would overlap, and up where they would fall out."""
    ends = sorted((scale.y(_known(series)[-1][1]), name, series.kind) for name, series in lines)
    places: list[float] = []
    for y, _, _ in ends:
        places.append(max([y + 3.5, *(each + _APART for each in places[-1:])]))
    lift = max([0.0, *(each - (_HEIGHT - _BOTTOM) for each in places[-1:])])
    for (_, name, kind), place in zip(ends, places, strict=True):
        at = f'x="{_WIDTH - _RIGHT + 6}" y="{place - lift:.1f}"'
        yield f'<text {at} font-weight="600" fill="{_TINT[kind]}">{_text(name, _LONGEST)}</text>'


def _text(value: str, limit: int) -> str:
    return escape(view.one_line(value, limit))
