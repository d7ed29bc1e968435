"""What a run found, in the terminal: a verdict that a stranger can read."""

import textwrap
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from conformance.cases.grade import Grade
from conformance.cases.verdict import Verdict
from conformance.report import matrix, tables, view
from conformance.report.result import FindingRow, ProofRow, RunResult

Line = tuple[str, str]
"""A text and its style: the name of one of pytest's markups, or nothing."""

_WIDTH = 100
_COLUMNS = (20, 8, 6, 6, 9, 44)
_PROOF, _PLACE = 16, 19
_MOST_NOTES = 5
_LONGEST_NOTE = 400
_MOST_CASES = 12
_MOST_FINDINGS = 4
_OUTCOME = 16
_VERDICTS = {"FAIL": "red", "WARN": "yellow", "INCONCLUSIVE": "yellow"}
_STYLES = {
    Grade.A: "green",
    Grade.B: "green",
    Grade.C: "yellow",
    Grade.D: "red",
    Grade.F: "red",
    Grade.NG: "yellow",
}


def summary_lines(result: RunResult, *, run_dir: Path | None = None) -> list[Line]:
    """The verdict of a run in lines of at most 100 columns; the last one names the report if `run_dir` is given."""
    lines = [
        *_heading(result),
        *_grades(result),
        *_matrices(result),
        *(line for kind in tables.KINDS for line in _tried(result, kind)),
        *_section("FAIL", "red", view.failed(result)),
        *_section("WARN", "yellow", view.warned(result)),
        *_section("NOT JUDGED", "yellow", view.unproven(result), reasons=True),
        *_end(result),
    ]
    lines = [(_fit(text, _WIDTH), style) for text, style in lines]
    return lines if run_dir is None else [*lines, (f"Report: {run_dir / 'certificate.html'}", "")]


def _heading(result: RunResult) -> Iterator[Line]:
    *others, last = [view.sut_name(sut) for sut in result.suts] or [view.name(result)]
    for each in others:
        yield f"{view.one_line(each, _WIDTH - 4)} and", "bold"
    yield f"{view.one_line(last, 72)} against {view.one_line(result.plan, 40)}", "bold"
    if not result.complete:
        yield "INCOMPLETE RUN: not every case of the plan ran; what did not run counts as not judged", "red"
    for note in result.notes[:_MOST_NOTES]:
        lines = textwrap.wrap(f"note: {view.one_line(note, _LONGEST_NOTE)}", _WIDTH, subsequent_indent="  ")
        yield from ((line, "") for line in lines)


def _grades(result: RunResult) -> Iterator[Line]:
    places = view.places(result)
    yield from _side_by_side(result, places) if len(places) > 1 else _one_by_one(result)
    for reason, names in view.ungraded(result).items():
        yield f"  not graded, {view.one_line(reason, 40)}: {', '.join(names)}", "light"


def _one_by_one(result: RunResult) -> Iterator[Line]:
    """One line for each proof, with everything that there is to say about its grade."""
    graded = [proof for proof in result.proofs if not proof.reason]
    if graded:
        yield "", ""
        yield _row("proof", "role", "OCPP", "grade", "could be", "checks judged"), "bold"
    for proof in graded:
        bounds = view.could_be(proof).removeprefix("could be ") or "-"
        role = view.role_word(proof.role)
        cells = (proof.proof, role, proof.version, proof.grade, bounds, _coverage(result, proof))
        yield _row(*cells), _STYLES[proof.grade]


def _side_by_side(result: RunResult, places: list[tuple[str, str]]) -> Iterator[Line]:
    """One column for each role and version: the grade of each proof, the checks judged, and what it could still be."""
    cells = {(proof.proof, proof.role, proof.version): proof for proof in result.proofs}
    widths = (_PROOF, *(min(_PLACE, (_WIDTH - 2 - _PROOF) // len(places) - 1) for _ in places))
    yield "", ""
    yield _cells(("proof", *(view.place(*place) for place in places)), widths), "bold"
    graded = dict.fromkeys(proof.proof for proof in result.proofs if not proof.reason)
    for name in graded:
        row = [cells.get((name, *place)) for place in places]
        worst = max((proof.grade for proof in row if proof is not None and not proof.reason), key=list(Grade).index)
        yield _cells((name, *(_grade_cell(proof) for proof in row)), widths), _STYLES[worst]
        bounds = [view.could_be(proof) if proof is not None else "" for proof in row]
        if any(bounds):
            yield _cells(("", *bounds), widths), "light"
    if graded:
        yield "  beside each grade: checks judged", "light"


def _grade_cell(proof: ProofRow | None) -> str:
    if proof is None or proof.reason:
        return proof.reason if proof is not None else "-"
    return f"{proof.grade} {proof.judged} of {proof.planned}"


def _cells(cells: Iterable[str], widths: Iterable[int]) -> str:
    return "  " + " ".join(_pad(cell, width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _row(*cells: str) -> str:
    return _cells(cells, _COLUMNS)


def _coverage(result: RunResult, proof: ProofRow) -> str:
    unjudged = ", ".join(view.unjudged(result, proof))
    return f"{proof.judged} of {proof.planned}{f' ({unjudged})' if unjudged else ''}"


def _matrices(result: RunResult) -> Iterator[Line]:
    for each in matrix.matrices(result):
        yield "", ""
        yield f"{matrix.TITLE}, {each.where}", "bold"
        for text, worst in matrix.table_lines(each):
            yield f"  {text}", _VERDICTS.get(worst, "")
        yield f"  {each.total}", ""
        for reason, places in each.unjudged().items():
            about = f"{matrix.NOT_JUDGED}: {', '.join(places)}: {reason}"
            yield from _wrapped(view.one_line(about, _LONGEST_NOTE), "light")
    if any(row.cells for row in result.cases):
        yield f"  {matrix.LEGEND}", "light"


def _tried(result: RunResult, kind: tables.Kind[Any]) -> Iterator[Line]:
    found = tables.tables(result, kind)
    for table in found:
        yield "", ""
        yield f"{kind.title}, {table.where}", "bold"
        yield from _rows(table) if not kind.brief else ()
        yield from _wrapped(table.total, "")
        for row, each in table.faults() if kind.brief else ():
            about = f"{kind.named(row, each)} ({row.id}): {kind.why(each) or kind.outcome(each)}"
            yield from _wrapped(view.one_line(about, _LONGEST_NOTE), "red")
        for why, names in table.apart().items():
            about = f"{kind.apart}, {why}: {', '.join(names)}"
            yield from _wrapped(view.one_line(about, max(_WIDTH - 2, len(why) + 50)), "light")
    if found and kind.legend:
        yield f"  {kind.legend}", "light"


def _rows(table: tables.Table[Any]) -> Iterator[Line]:
    kind = table.kind
    widths = (*(column.narrow for column in kind.narrow), _OUTCOME)
    yield f"  {_cells((*(column.head for column in kind.narrow), kind.head), widths)}", "bold"
    for row, found in table.cases():
        yield f"  {view.one_line(row.id, 40)}", "light"
        for each in found:
            cells = (*(column.text(each) for column in kind.narrow), kind.came_to(each))
            yield f"  {_cells(cells, widths)}", _VERDICTS.get(kind.verdict(each), "")


def _wrapped(text: str, style: str) -> Iterator[Line]:
    lines = textwrap.wrap(text, _WIDTH - 2, subsequent_indent="  ")
    return ((f"  {line}", style) for line in lines)


def _section(title: str, style: str, cases: list[view.Shown], *, reasons: bool = False) -> Iterator[Line]:
    if not cases:
        return
    yield "", ""
    yield title, style
    for each in cases[:_MOST_CASES]:
        what = view.one_line(each.row.title, 52)
        yield f"  {view.one_line(each.row.id, 24)}  {what}  ({each.where}, {each.row.severity})", style
        if (reasons or not each.findings) and each.row.reason and not _told_below(each):
            yield f"    {view.one_line(each.row.reason, _WIDTH)}", ""
        for finding in each.findings[:_MOST_FINDINGS]:
            yield _pointing(finding), ""
        if len(each.findings) > _MOST_FINDINGS:
            yield f"    … and {len(each.findings) - _MOST_FINDINGS} more in certificate.html", "light"
    if len(cases) > _MOST_CASES:
        yield f"  … and {view.plural(len(cases) - _MOST_CASES, 'more case')} in certificate.html", "light"


def _told_below(each: view.Shown) -> bool:
    """Whether the reason for a verdict is the first of the findings, in the same words."""
    return any(each.row.reason == f"{finding.requirement}: {finding.message}" for finding in each.findings)


def _pointing(finding: FindingRow) -> str:
    """A finding on one line, whose frame numbers survive however long its message is."""
    start = f"    {view.one_line(finding.requirement, 24)}: "
    where = view.frames_text(finding.frames, most=3)
    end = f" [{where}{f' of {finding.part}' if finding.part else ''}]" if where else ""
    message = view.one_line(finding.message or "no message", _WIDTH)
    return start + _fit(message, _WIDTH - _columns(start) - len(end)) + end


def _end(result: RunResult) -> Iterator[Line]:
    counts = {
        "passed": view.count(result, Verdict.PASS),
        "warned": view.count(result, Verdict.WARN),
        "failed": view.count(result, Verdict.FAIL),
        "not judged": view.count(result, *view.UNPROVEN),
        "not applicable": view.count(result, Verdict.NOT_APPLICABLE),
    }
    counted = ", ".join(f"{number} {word}" for word, number in counts.items() if number)
    met = result.overall.passes(result.gate)
    yield "", ""
    yield f"{view.plural(sum(counts.values()), 'case')}: {counted}" if counted else "no case ran", ""
    yield (
        f"Overall grade {result.overall}, of {view.graded_of_all(result)}: {view.MEANS[result.overall]}",
        _STYLES[result.overall],
    )
    yield f"Gate {result.gate} {'met' if met else 'not met'}", "green" if met else "red"


def _fit(text: str, width: int) -> str:
    """The text, cut so that it takes no more than `width` columns."""
    if _columns(text) <= width:
        return text
    while _columns(text) > width - 1:
        text = text[:-1]
    return text.rstrip() + "…"


def _pad(text: str, width: int) -> str:
    fitted = _fit(view.one_line(text, width), width)
    return fitted + " " * (width - _columns(fitted))


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
