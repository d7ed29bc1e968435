"""The tables of what cases tried one by one: setpoints, settings, and what was shown in TLS, by role and version."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from conformance.cases.setpoint import Outcome, Setpoint
from conformance.cases.tried import Fate, Tried
from conformance.cases.verdict import Verdict
from conformance.cases.zoo import Reception, Shown
from conformance.report import view
from conformance.report.result import CaseRow, RunResult

T = TypeVar("T")

NOT_MEASURED = "not measured"
_OUTCOME = 26
"""How wide the last column of a table in plain text is."""


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """A column: its head, its text, and how wide it is in plain text and, if it is there at all, in the terminal.

    In plain text one without a width stands below its line, with the reason.
    """

    head: str
    text: Callable[[T], str]
    width: int
    narrow: int = 0


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """What a table is about, and how it is told.

    `noun` is what one of its lines is called, `about` says what the table shows, `legend` what its figures are. `of`
    takes the lines out of a case; of each, `outcome`, `verdict` and `why` say what came of it, and `means` explains the
    outcomes. Lines that came to `apart` are told below the table by their reasons, under the name that `named` gives
    them; unless `rows_of_those` is set, they are not in the table. The terminal has no table of a kind that is `brief`:
    what is wrong alone. With `verdicts` they stand beside outcomes that do not say by themselves what they are worth.
    """

    title: str
    noun: str
    about: str
    columns: tuple[Column[T], ...]
    head: str
    of: Callable[[CaseRow], tuple[T, ...]]
    outcome: Callable[[T], StrEnum]
    verdict: Callable[[T], Verdict]
    why: Callable[[T], str]
    means: Mapping[StrEnum, str]
    apart: StrEnum
    named: Callable[[CaseRow, T], str]
    legend: str = ""
    rows_of_those: bool = True
    brief: bool = False
    verdicts: bool = False

    def came_to(self, each: T) -> str:
        """What came of it: `ignored`, `accepted: FAIL`."""
        verdict = self.verdict(each)
        told = f": {verdict}" if self.verdicts and verdict in (Verdict.FAIL, Verdict.WARN) else ""
        return f"{self.outcome(each).value}{told}"

    @property
    def narrow(self) -> tuple[Column[T], ...]:
        """The columns that the terminal has."""
        return tuple(each for each in self.columns if each.narrow)


@dataclass(frozen=True, slots=True)
class Table(Generic[T]):
    """The lines of one role and version, or of one case: each with the case that it is from."""

    kind: Kind[T]
    where: str
    rows: tuple[tuple[CaseRow, T], ...]

    @property
    def total(self) -> str:
        """How many came to what, in words."""
        found = [self.kind.outcome(each) for _, each in self.rows]
        counts = ", ".join(f"{found.count(outcome)} {outcome}" for outcome in self.kind.means if outcome in found)
        return f"{view.plural(len(self.rows), self.kind.noun)}: {counts}"

    def cases(self) -> Iterator[tuple[CaseRow, tuple[T, ...]]]:
        """The lines of each case, in their order; a case that has none to show is left out."""
        shown = [(row, each) for row, each in self.rows if self.kind.rows_of_those or not self._is_apart(each)]
        cases = {row.id: row for row, _ in shown}
        for id_, row in cases.items():
            yield row, tuple(each for other, each in shown if other.id == id_)

    def faults(self) -> list[tuple[CaseRow, T]]:
        """Those that something is wrong with."""
        return [(row, each) for row, each in self.rows if self.kind.verdict(each) is Verdict.FAIL]

    def apart(self) -> dict[str, list[str]]:
        """Which are told apart from the others, by the reason."""
        found: dict[str, list[str]] = {}
        for row, each in self.rows:
            if self._is_apart(each):
                names = found.setdefault(self.kind.why(each) or "no reason given", [])
                names += [name for name in [self.kind.named(row, each)] if name not in names]
        return found

    def left_out(self) -> dict[str, list[str]]:
        """Those of them that are not in the table."""
        return {} if self.kind.rows_of_those else self.apart()

    def _is_apart(self, each: T) -> bool:
        return self.kind.outcome(each) is self.kind.apart


def tables(result: RunResult, kind: Kind[T]) -> list[Table[T]]:
    """A table for each role and version that has anything for it, in their order."""
    found: dict[tuple[str, str], dict[str, CaseRow]] = {}
    for row in result.cases:
        if kind.of(row):
            found.setdefault((row.role, row.version), {}).setdefault(row.id, row)
    return [_table(kind, *cases.values()) for cases in found.values()]


def of_case(row: CaseRow, kind: Kind[T]) -> Table[T] | None:
    """The table of one case, if it has anything for it."""
    return _table(kind, row) if kind.of(row) else None


def _table(kind: Kind[T], *cases: CaseRow) -> Table[T]:
    where = view.place(cases[0].role, cases[0].version)
    return Table(kind, where, tuple((row, each) for row in cases for each in kind.of(row)))


def as_text(table: Table[T]) -> str:
    """The table as plain text, with the reasons."""
    kind = table.kind
    beside, below = ([each for each in kind.columns if bool(each.width) is wide] for wide in (True, False))
    widths = (*(column.width for column in beside), _OUTCOME)
    lines = [f"{kind.title}, {table.where}{f'; {kind.legend}' if kind.legend else ''}", ""]
    lines.append(_line((*(column.head for column in beside), kind.head), widths))
    for _, found in table.cases():
        for each in found:
            lines.append(_line((*(column.text(each) for column in beside), kind.came_to(each)), widths))
            more = [*(column.text(each) for column in below), kind.why(each)]
            lines += [f"    {view.one_line(told, 400)}" for told in ["; ".join(filter(None, more))] if told]
    apart = [f"{kind.apart}, {why}: {', '.join(names)}" for why, names in table.left_out().items()]
    return "\n".join([*lines, *(["", *apart] if apart else []), "", table.total]) + "\n"


def _line(cells: tuple[str, ...], widths: tuple[int, ...]) -> str:
    shown = zip(cells, widths, strict=True)
    return " ".join(view.one_line(cell, width).ljust(width) for cell, width in shown).rstrip()


# -- what became of charging limits -----------------------------------------------------------------------------------


def number(value: float | None, unit: str, nothing: str) -> str:
    """`16 A`, `10.5 A`, `11040 W`."""
    return nothing if value is None else f"{value:.1f}".removesuffix(".0") + f" {unit}"


def _reported(each: Setpoint) -> str:
    return number(each.reported, each.unit, "no limit" if each.known else "not asked")


SETPOINTS: Kind[Setpoint] = Kind(
    title="Setpoints",
    noun="setpoint",
    about="What became of each charging limit that was asked for",
    legend="asked for, reported by the composite schedule and drawn: amperes in each phase, or watts",
    columns=(
        Column("setpoint", lambda each: each.what, 44, 40),
        Column("answer", lambda each: each.answer, 22),
        Column("asked", lambda each: number(each.asked, each.unit, "no limit"), 10, 9),
        Column("reported", _reported, 10, 9),
        Column("drawn", lambda each: number(each.drawn, each.unit, NOT_MEASURED), 13, 13),
    ),
    head="outcome",
    of=lambda row: row.setpoints,
    outcome=lambda each: each.outcome,
    verdict=lambda each: each.outcome.verdict,
    why=lambda each: each.reason,
    means={
        Outcome.ENFORCED: "the composite schedule says so, and the current drawn keeps to it",
        Outcome.REJECTED: "refused, and nothing changed",
        Outcome.DOWNGRADED: "a stricter or coarser limit than asked, the same each time it is asked",
        Outcome.NOT_JUDGED: "the current could not be seen",
        Outcome.CONTRADICTED: "the station does something else than it says",
        Outcome.IGNORED: "accepted, and not kept to",
    },
    apart=Outcome.NOT_JUDGED,
    named=lambda row, each: f"{row.id} {each.what}",
)


# -- what became of settings ------------------------------------------------------------------------------------------

TRIED: Kind[Tried] = Kind(
    title="Settings tried",
    noun="trial",
    about="Which settings were changed for the length of a case, and what became of them",
    columns=(
        Column("setting", lambda each: each.name, 46),
        Column("was", lambda each: each.was, 24),
        Column("set to", lambda each: each.set_to, 24),
        Column("answer", lambda each: each.answer, 15),
    ),
    head="what became of it",
    of=lambda row: row.tried,
    outcome=lambda each: each.fate,
    verdict=lambda each: Verdict.FAIL if each.fate.faulty else Verdict.PASS,
    why=lambda each: each.why,
    means={
        Fate.KEPT: "took another value, had it after a restart, and was put back",
        Fate.TAKEN: "took another value, and was put back",
        Fate.GUARDED: "refused every value that it can't have",
        Fate.LEFT_ALONE: "not safe to change, or not known to be",
        Fate.STUCK: "can be written, by what it says, and took no value",
        Fate.UNKEPT: "was changed, and did not stay so",
        Fate.UNTRUE: "is not what the station answered that it is",
        Fate.TOOK_WRONG: "took a value that it can't have",
        Fate.NOT_BACK: "does not have the value again that it had: set it by hand",
    },
    apart=Fate.LEFT_ALONE,
    named=lambda _, each: each.name,
    rows_of_those=False,
    brief=True,
)


# -- what was shown in TLS --------------------------------------------------------------------------------------------

_ASKS = {"must": "must refuse", "should": "should refuse", "may": "may refuse", "must not": "must accept"}

SHOWN: Kind[Shown] = Kind(
    title="Who was let in",
    noun="handshake",
    about="Certificates, versions and suites of TLS that are good, and some that are wrong in one way each",
    legend="alert: of the system under test; event: what it told over OCPP; (3): in security profile 3",
    columns=(
        Column("shown", lambda each: each.what, 32, 28),
        Column("what is wrong with it", lambda each: each.wrong or "nothing", 0),
        Column("rule", lambda each: _ASKS[each.refuses], 0),
        Column("alert", lambda each: each.alert or "-", 24, 20),
        Column("security event", lambda each: each.event or "-", 32, 31),
    ),
    head="outcome",
    of=lambda row: row.shown,
    outcome=lambda each: each.outcome,
    verdict=lambda each: each.verdict,
    why=lambda each: each.why,
    means={
        Reception.REFUSED: "no message of OCPP went over the connection",
        Reception.ACCEPTED: "the connection came about",
        Reception.NOT_JUDGED: "nobody could see what came of it",
    },
    apart=Reception.NOT_JUDGED,
    named=lambda _, each: each.what,
    verdicts=True,
)

KINDS: tuple[Kind[Any], ...] = (SETPOINTS, TRIED, SHOWN)
"""All of them, in the order of the report."""
