"""The table of settings: which were changed and what became of them, and which were left alone and why."""

from collections.abc import Iterator
from dataclasses import dataclass

from conformance.cases.tried import Fate, Tried, counted
from conformance.report import view
from conformance.report.result import CaseRow, RunResult

TITLE = "Settings tried"
MEANS = {
    Fate.KEPT: "took another value, had it after a restart, and was put back",
    Fate.TAKEN: "took another value, and was put back",
    Fate.GUARDED: "refused every value that it can't have",
    Fate.LEFT_ALONE: "not safe to change, or not known to be",
    Fate.STUCK: "can be written, by what it says, and took no value",
    Fate.UNKEPT: "was changed, and did not stay so",
    Fate.UNTRUE: "is not what the station answered that it is",
    Fate.TOOK_WRONG: "took a value that it can't have",
    Fate.NOT_BACK: "does not have the value again that it had: set it by hand",
}
HEADS = ("setting", "was", "set to", "answer", "what became of it")


@dataclass(frozen=True, slots=True)
class Table:
    """The settings of one role and version, or of one case: each with the case that tried it."""

    where: str
    rows: tuple[tuple[CaseRow, Tried], ...]

    @property
    def total(self) -> str:
        """How many came to what, in words."""
        counts = ", ".join(f"{number} {fate}" for fate, number in counted(each for _, each in self.rows).items())
        return f"{view.plural(len(self.rows), 'trial')}: {counts}"

    def cases(self) -> Iterator[tuple[CaseRow, tuple[Tried, ...]]]:
        """The settings of each case, in their order, but those that were left alone."""
        cases = {row.id: row for row, _ in self.rows}
        for id_, row in cases.items():
            yield row, tuple(each for other, each in self.rows if other.id == id_ and each.fate is not Fate.LEFT_ALONE)

    def faults(self) -> list[tuple[CaseRow, Tried]]:
        """Those that something is wrong with."""
        return [(row, each) for row, each in self.rows if each.fate.faulty]

    def left_alone(self) -> dict[str, list[str]]:
        """Which were left alone, by the reason."""
        found: dict[str, list[str]] = {}
        for _, each in self.rows:
            if each.fate is Fate.LEFT_ALONE and each.name not in found.setdefault(each.why, []):
                found[each.why].append(each.name)
        return found


def tables(result: RunResult) -> list[Table]:
    """A table for each role and version in which settings were tried, in their order."""
    found: dict[tuple[str, str], dict[str, CaseRow]] = {}
    for row in result.cases:
        if row.tried:
            found.setdefault((row.role, row.version), {}).setdefault(row.id, row)
    return [_table(view.place(*place), *cases.values()) for place, cases in found.items()]


def of_case(row: CaseRow) -> Table | None:
    """The table of one case, if it tried settings."""
    return _table(view.place(row.role, row.version), row) if row.tried else None


def _table(where: str, *cases: CaseRow) -> Table:
    return Table(where, tuple((row, each) for row in cases for each in row.tried))


def as_text(table: Table) -> str:
    """The table as plain text, with what was left alone and why."""
    widths = (46, 24, 24, 15, 24)
    lines = [f"{TITLE}, {table.where}", "", _line(HEADS, widths)]
    for _, tried in table.cases():
        for each in tried:
            lines.append(_line((each.name, each.was, each.set_to, each.answer, each.fate.value), widths))
            lines += [f"    {view.one_line(each.why, 400)}"] if each.why else []
    lines += ["", *(f"{Fate.LEFT_ALONE}, {why}: {', '.join(names)}" for why, names in table.left_alone().items())]
    return "\n".join([*lines, "", table.total]) + "\n"


def _line(cells: tuple[str, ...], widths: tuple[int, ...]) -> str:
    shown = zip(cells, widths, strict=True)
    return " ".join(view.one_line(cell, width).ljust(width) for cell, width in shown).rstrip()
