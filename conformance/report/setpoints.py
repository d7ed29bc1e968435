"""The table of setpoints: what became of each charging limit, by role and version."""

from collections.abc import Iterator
from dataclasses import dataclass

from conformance.cases.setpoint import Outcome, Setpoint, counted
from conformance.report import view
from conformance.report.result import CaseRow, RunResult

TITLE = "Setpoints"
LEGEND = "asked for, reported by the composite schedule and drawn: amperes in each phase, or watts"
NOT_MEASURED = "not measured"
MEANS = {
    Outcome.ENFORCED: "the composite schedule says so, and the current drawn keeps to it",
    Outcome.REJECTED: "refused, and nothing changed",
    Outcome.DOWNGRADED: "a stricter or coarser limit than asked, the same each time it is asked",
    Outcome.NOT_JUDGED: "the current could not be seen",
    Outcome.CONTRADICTED: "the station does something else than it says",
    Outcome.IGNORED: "accepted, and not kept to",
}


@dataclass(frozen=True, slots=True)
class Table:
    """The setpoints of one role and version, or of one case: each with the case that asked for it."""

    where: str
    rows: tuple[tuple[CaseRow, Setpoint], ...]

    @property
    def total(self) -> str:
        """How many came to what, in words."""
        found = counted(setpoint for _, setpoint in self.rows)
        counts = ", ".join(f"{number} {outcome}" for outcome, number in found.items())
        return f"{view.plural(len(self.rows), 'setpoint')}: {counts}"

    def cases(self) -> Iterator[tuple[CaseRow, tuple[Setpoint, ...]]]:
        """The setpoints of each case, in their order."""
        cases = {row.id: row for row, _ in self.rows}
        for id_, row in cases.items():
            yield row, tuple(setpoint for other, setpoint in self.rows if other.id == id_)

    def unjudged(self) -> dict[str, list[str]]:
        """Which setpoints could not be judged, by the reason."""
        found: dict[str, list[str]] = {}
        for row, setpoint in self.rows:
            if setpoint.outcome is Outcome.NOT_JUDGED:
                found.setdefault(setpoint.reason or "no reason given", []).append(f"{row.id} {setpoint.what}")
        return found


def tables(result: RunResult) -> list[Table]:
    """A table for each role and version in which limits were asked for, in their order."""
    found: dict[tuple[str, str], dict[str, CaseRow]] = {}
    for row in result.cases:
        if row.setpoints:
            found.setdefault((row.role, row.version), {}).setdefault(row.id, row)
    return [_table(view.place(*place), *cases.values()) for place, cases in found.items()]


def of_case(row: CaseRow) -> Table | None:
    """The table of one case, if it asked for limits."""
    return _table(view.place(row.role, row.version), row) if row.setpoints else None


def _table(where: str, *cases: CaseRow) -> Table:
    return Table(where, tuple((row, each) for row in cases for each in row.setpoints))


def figures(setpoint: Setpoint) -> tuple[str, str, str]:
    """Asked for, reported and drawn, as people write them: `16 A`, `no limit`, `not measured`."""
    return (
        number(setpoint.asked, setpoint.unit, "no limit"),
        number(setpoint.reported, setpoint.unit, "no limit" if setpoint.known else "not asked"),
        number(setpoint.drawn, setpoint.unit, NOT_MEASURED),
    )


def number(value: float | None, unit: str, nothing: str) -> str:
    """`16 A`, `10.5 A`, `11040 W`."""
    return nothing if value is None else f"{value:.1f}".removesuffix(".0") + f" {unit}"


def case_lines(setpoints: tuple[Setpoint, ...], *, widths: tuple[int, ...]) -> Iterator[tuple[str, Outcome]]:
    """Setpoints as lines of text, each with its outcome: what, asked, reported, drawn, and what came of it."""
    for each in setpoints:
        cells = (each.what, *figures(each), each.outcome.value)
        line = " ".join(view.one_line(cell, width).ljust(width) for cell, width in zip(cells, widths, strict=True))
        yield line.rstrip(), each.outcome


HEADS = ("setpoint", "asked", "reported", "drawn", "outcome")


def as_text(table: Table) -> str:
    """The table as plain text, with what the station answered and why."""
    widths = (44, 10, 10, 13, 16)
    lines = [f"{TITLE}, {table.where}; {LEGEND}", ""]
    lines.append(" ".join(head.ljust(width) for head, width in zip(HEADS, widths, strict=True)).rstrip())
    for _, setpoints in table.cases():
        for (line, _), each in zip(case_lines(setpoints, widths=widths), setpoints, strict=True):
            said = "; ".join(filter(None, (f"answered {each.answer}" if each.answer else "", each.reason)))
            lines += [line, *([f"    {view.one_line(said, 400)}"] if said else [])]
    return "\n".join([*lines, "", table.total]) + "\n"
