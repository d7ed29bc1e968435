"""What a run found, in the terminal: a verdict that a stranger can read."""

import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from conformance.cases.grade import Grade
from conformance.cases.verdict import Verdict
from conformance.report import view
from conformance.report.result import ProofRow, RunResult

Line = tuple[str, str]
"""A text and its style: the name of one of pytest's markups, or nothing."""

_WIDTH = 100
_COLUMNS = (20, 8, 6, 6, 9, 44)
_MOST_CASES = 12
_MOST_FINDINGS = 4
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
        *_section("FAIL", "red", view.failed(result)),
        *_section("WARN", "yellow", view.warned(result)),
        *_section("NOT JUDGED", "yellow", view.unproven(result), reasons=True),
        *_end(result),
    ]
    lines = [(_fit(text, _WIDTH), style) for text, style in lines]
    return lines if run_dir is None else [*lines, (f"Report: {run_dir / 'certificate.html'}", "")]


def _heading(result: RunResult) -> Iterator[Line]:
    yield f"{view.one_line(view.name(result), 72)} against {view.one_line(result.plan, 40)}", "bold"
    if not result.complete:
        yield "INCOMPLETE RUN: not every case of the plan ran; what did not run counts as not judged", "red"
    for note in result.notes[:5]:
        yield f"note: {view.one_line(note, _WIDTH - 6)}", ""


def _grades(result: RunResult) -> Iterator[Line]:
    graded = [proof for proof in result.proofs if not proof.reason]
    places = view.places(result)
    if len(places) > 1:
        yield from _side_by_side(result, places)
        return
    if graded:
        yield "", ""
        yield _row("proof", "role", "OCPP", "grade", "could be", "checks judged"), "bold"
    for proof in graded:
        bounds = view.could_be(proof).removeprefix("could be ") or "-"
        yield (
            _row(proof.proof, proof.role, proof.version, proof.grade, bounds, _coverage(result, proof)),
            _STYLES[proof.grade],
        )
    for reason, names in view.ungraded(result).items():
        yield f"  not graded, {view.one_line(reason, 40)}: {', '.join(names)}", "light"


def _side_by_side(result: RunResult, places: list[tuple[str, str]]) -> Iterator[Line]:
    """One line for each proof and one column for each role and version, with the grade and the checks judged."""
    cells = {(proof.proof, proof.role, proof.version): proof for proof in result.proofs if not proof.reason}
    widths = (16, *(19 for _ in places))
    yield "", ""
    yield _cells(("proof", *(f"{role} {version}" for role, version in places)), widths), "bold"
    for name in dict.fromkeys(proof.proof for proof in result.proofs):
        row = [cells.get((name, *place)) for place in places]
        found = [proof for proof in row if proof is not None]
        if found:
            worst = max((proof.grade for proof in found), key=list(Grade).index)
            yield _cells((name, *(_grade_cell(proof) for proof in row)), widths), _STYLES[worst]
    for reason, names in view.ungraded(result).items():
        yield f"  not graded, {view.one_line(reason, 40)}: {', '.join(names)}", "light"


def _grade_cell(proof: ProofRow | None) -> str:
    if proof is None:
        return "-"
    return f"{proof.grade:<2} {proof.judged} of {proof.planned}{' *' if proof.unproven else ''}"


def _cells(cells: Iterable[str], widths: Iterable[int]) -> str:
    return "  " + " ".join(_pad(cell, width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _row(*cells: str) -> str:
    return _cells(cells, _COLUMNS)


def _coverage(result: RunResult, proof: ProofRow) -> str:
    coverage = f"{proof.judged} of {proof.planned}"
    missing = view.not_run(result, proof)
    if proof.unproven:
        coverage += f" ({view.plural(proof.unproven, 'case')} unproven"
        coverage += f", {missing} not run)" if missing else ")"
    return coverage


def _section(title: str, style: str, cases: list[view.Shown], *, reasons: bool = False) -> Iterator[Line]:
    if not cases:
        return
    yield "", ""
    yield title, style
    for each in cases[:_MOST_CASES]:
        what = view.one_line(each.row.title, 52)
        yield f"  {view.one_line(each.row.id, 24)}  {what}  ({each.where}, {each.row.severity})", style
        if (reasons or not each.findings) and each.row.reason:
            yield f"    {view.one_line(each.row.reason, _WIDTH)}", ""
        for finding in each.findings[:_MOST_FINDINGS]:
            yield _pointing(finding.requirement, finding.message, finding.frames), ""
        if len(each.findings) > _MOST_FINDINGS:
            yield f"    … and {len(each.findings) - _MOST_FINDINGS} more in certificate.html", "light"
    if len(cases) > _MOST_CASES:
        yield f"  … and {view.plural(len(cases) - _MOST_CASES, 'more case')} in certificate.html", "light"


def _pointing(requirement: str, message: str, frames: tuple[int, ...]) -> str:
    """A finding on one line, whose frame numbers survive however long its message is."""
    start = f"    {view.one_line(requirement, 24)}: "
    where = view.frames_text(frames, most=3)
    end = f" [{where}]" if where else ""
    return start + _fit(view.one_line(message or "no message", _WIDTH), _WIDTH - _columns(start) - len(end)) + end


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
