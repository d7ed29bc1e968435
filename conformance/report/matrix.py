"""The table of faults and moments: what came of each, by role and version."""

from collections.abc import Iterator
from dataclasses import dataclass

from conformance.cases.matrix import Cell, in_order
from conformance.cases.verdict import Verdict
from conformance.report import view
from conformance.report.result import CaseRow, RunResult

TITLE = "Faults and moments"
LEGEND = "in each cell: events lost·events doubled·kWh that can't be billed"
NOT_JUDGED = "not judged"

_JUDGED = (Verdict.PASS, Verdict.WARN, Verdict.FAIL)


@dataclass(frozen=True, slots=True)
class Matrix:
    """The cells of one role and version: `rows` are faults, with a cell for every moment, None where none was made."""

    where: str
    moments: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]

    def unjudged(self) -> dict[str, list[str]]:
        """Which cells could not be judged, by the reason."""
        found: dict[str, list[str]] = {}
        for fault, cells in self.rows:
            for cell in cells:
                if cell is not None and cell.verdict not in _JUDGED:
                    found.setdefault(cell.reason or "no reason given", []).append(f"{fault} {cell.moment}")
        return found

    @property
    def total(self) -> str:
        """What it all adds up to, in words."""
        judged = [each for _, cells in self.rows for each in cells if each is not None and each.verdict in _JUDGED]
        lost, doubled = sum(each.lost for each in judged), sum(each.doubled for each in judged)
        kwh = sum(each.kwh_lost or 0.0 for each in judged)
        least = "at least " if any(each.kwh_lost is None for each in judged) else ""
        return (
            f"{view.plural(len(judged), 'cell')} judged: {view.plural(lost, 'event')} lost, {doubled} doubled, "
            f"{least}{kwh:.3f} kWh lost"
        )


def matrices(result: RunResult) -> list[Matrix]:
    """A table for each role and version of which there are cells, in their order."""
    cells: dict[tuple[str, str], dict[tuple[str, str], Cell]] = {}
    for row in result.cases:
        for each in row.cells:
            cells.setdefault((row.role, row.version), {}).setdefault((each.fault, each.moment), each)
    return [_matrix(view.place(*place), found) for place, found in cells.items()]


def of_case(row: CaseRow) -> Matrix | None:
    """The table of one case, if it has one."""
    found = {(each.fault, each.moment): each for each in row.cells}
    return _matrix(view.place(row.role, row.version), found) if found else None


def _matrix(where: str, found: dict[tuple[str, str], Cell]) -> Matrix:
    moments = tuple(in_order(moment for _, moment in found))
    faults = dict.fromkeys(fault for fault, _ in found)
    rows = tuple((fault, tuple(found.get((fault, moment)) for moment in moments)) for fault in faults)
    return Matrix(where, moments, rows)


def figures(cell: Cell | None) -> str:
    """`0·0·0.000`: events lost, doubled, kWh lost."""
    if cell is None:
        return "-"
    if cell.verdict not in _JUDGED:
        return NOT_JUDGED
    return f"{cell.lost}·{cell.doubled}·{'?' if cell.kwh_lost is None else f'{cell.kwh_lost:.3f}'}"


def table_lines(matrix: Matrix) -> Iterator[tuple[str, str]]:
    """The table as lines of text, each with the verdict that is the worst of it or nothing."""
    yield _line("fault", list(matrix.moments)), ""
    for fault, cells in matrix.rows:
        shown = [f"{_MARKS.get(cell.verdict, '') if cell is not None else ''}{figures(cell)}" for cell in cells]
        worst = Verdict.worst((cell.verdict for cell in cells if cell is not None), Verdict.PASS)
        yield _line(fault, shown), str(worst)


_FAULT, _MOMENT = 14, 11
_MARKS = {Verdict.FAIL: "✗ ", Verdict.WARN: "! "}


def _line(head: str, cells: list[str]) -> str:
    return (view.one_line(head, _FAULT).ljust(_FAULT) + "".join(f" {cell:<{_MOMENT}}" for cell in cells)).rstrip()


def as_text(matrix: Matrix) -> str:
    """The table as plain text, with what it adds up to and what was not judged."""
    lines = [f"{TITLE}, {matrix.where}; {LEGEND}", "", *(text for text, _ in table_lines(matrix))]
    reasons = [f"{NOT_JUDGED}: {', '.join(places)}: {reason}" for reason, places in matrix.unjudged().items()]
    return "\n".join([*lines, "", matrix.total, *reasons]) + "\n"
