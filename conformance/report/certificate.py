"""The conformance report to hand over: one page of HTML that prints on A4 and needs no network.

Whatever came over the wire is hostile text here: every value goes through `_text`, and the page allows no scripts.
"""

import datetime as dt
from collections.abc import Iterable
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from conformance.cases.grade import Grade
from conformance.cases.matrix import Cell
from conformance.cases.setpoint import Chart
from conformance.cases.verdict import Verdict
from conformance.report import chart, matrix, tables, view
from conformance.report.result import CaseRow, FindingRow, ProofRow, RunResult

_TEMPLATE = Path(__file__).with_name("certificate.html.tmpl")
_LONGEST_MESSAGE = 400
_LONGEST_VALUE = 120
_MOST_FINDINGS = 10
_MOST_CASES = 150
_UNBROKEN = 4
_ABREAST = 2
_DISCLAIMER = (
    "This conformance report says what one run of a test harness found in one sample on one day. It is not a "
    "certification by anyone, it was neither issued nor endorsed by the Open Charge Alliance, and it does not replace "
    "the OCPP certification programme. “OCPP” is the name of a protocol of the Open Charge Alliance."
)


def write_certificate(result: RunResult, path: Path) -> None:
    """Write the conformance report as one self-contained HTML page; raises OSError."""
    path.write_text(certificate(result), encoding="utf-8", newline="\n")


def certificate(result: RunResult) -> str:
    """The conformance report as HTML."""
    template = Template(_TEMPLATE.read_text(encoding="utf-8"))
    body = [
        _head(result),
        _banner(result),
        _facts(result),
        _grades(result),
        _failures(result),
        _warnings(result),
        _open(result),
        _matrices(result),
        *(_tried(result, kind) for kind in tables.KINDS),
        _excluded(result),
        _reading(),
        f"<footer>{escape(_DISCLAIMER)}</footer>",
    ]
    return template.substitute(title=f"OCPP conformance report: {_name(result)}", body="\n".join(filter(None, body)))


def _text(value: object, limit: int = _LONGEST_VALUE) -> str:
    return escape(view.one_line(str(value), limit))


def _name(result: RunResult) -> str:
    return _text(view.name(result), 120)


def _badge(grade: Grade) -> str:
    return f'<span class="grade {grade}">{grade}</span>'


def _head(result: RunResult) -> str:
    gate = "met" if result.overall.passes(result.gate) else "not met"
    return (
        f"<header><div><h1>OCPP conformance report</h1>"
        f'<p class="lead">{_name(result)}: {_text(result.plan)}</p></div>'
        f'<div class="overall">{_badge(result.overall)}'
        f"<small>overall: the weakest<br>of {view.graded_of_all(result)}<br>"
        f"gate {result.gate}: {gate}</small></div></header>"
    )


def _banner(result: RunResult) -> str:
    banner = ""
    if not result.complete:
        banner = (
            '<p class="banner">Incomplete run: not every case that the plan asks for ran. '
            "What did not run counts as not judged.</p>"
        )
    return banner + "".join(f'<p class="note">Note: {_text(note, 300)}</p>' for note in result.notes)


def _facts(result: RunResult) -> str:
    run = [
        ("Tested", f"{_moment(result.started)} to {_moment(result.finished)}"),
        ("Harness", _text(view.harness(result), 300)),
        ("Plan", f"{_text(result.plan)}<br><small>{_text(result.plan_digest)}</small>"),
    ]
    suts = [[(label, _text(value)) for label, value in view.facts(sut)] for sut in result.suts]
    if len(suts) == 1:
        known = [*suts[0], *run]
        half = (len(known) + 1) // 2
        return f"<h2>What was tested</h2>{_beside(_table(known[:half]), _table(known[half:]))}"
    columns = [
        f"<h3>{_text(view.heading(sut.get('role', '')))}</h3>{_table(each for each in known if each[0] != 'Role')}"
        for sut, known in zip(result.suts, suts, strict=True)
    ]
    return f'<h2>What was tested</h2>{_beside(*columns)}<div class="run">{_table(run)}</div>'


def _beside(*tables: str) -> str:
    return f'<table class="halves"><tr>{"".join(f"<td>{table}</td>" for table in tables)}</tr></table>'


def _table(facts: Iterable[tuple[str, str]]) -> str:
    rows = "".join(f"<tr><td>{label}</td><td>{value}</td></tr>" for label, value in facts)
    return f'<table class="facts">{rows}</table>'


def _moment(iso: str) -> str:
    """A time for people, in UTC, or the text as it is where it is none."""
    try:
        moment = dt.datetime.fromisoformat(iso)
    except ValueError:
        return _text(iso)
    if moment.tzinfo is None:
        return f"{moment:%Y-%m-%d %H:%M}"
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def _grades(result: RunResult) -> str:
    places = view.places(result)
    cells = {(proof.proof, proof.role, proof.version): proof for proof in result.proofs}
    asks = {proof.proof: proof.asks for proof in result.proofs}
    graded = [name for name in asks if any(row.proof == name and not row.reason for row in result.proofs)]
    heads = "".join(
        f"<th>{_text(view.heading(role))}<small>OCPP {_text(version)}</small></th>" for role, version in places
    )
    rows = [
        f"<tr><td><b>{_text(name)}</b><small>{_text(asks[name], 200)}</small></td>"
        + "".join(f"<td>{_cell(result, cells.get((name, *place)))}</td>" for place in places)
        + "</tr>"
        for name in graded
    ]
    many = " many" if len(places) > _ABREAST else ""
    table = f'<table class="proofs{many}"><tr><th>Proof</th>{heads}</tr>{"".join(rows)}</table>' if rows else ""
    modest = "".join(
        f'<p class="none note">Not graded, {_text(reason)}: {_text(", ".join(names), 300)}</p>'
        for reason, names in view.ungraded(result).items()
    )
    counts = (
        f"{view.count(result, Verdict.PASS)} passed, {view.count(result, Verdict.WARN)} warned, "
        f"{view.count(result, Verdict.FAIL)} failed, {view.count(result, *view.UNPROVEN)} not judged, "
        f"{view.count(result, Verdict.NOT_APPLICABLE)} not applicable"
    )
    return f'<h2>Grades</h2>{table}{modest}<p class="note">Cases: {counts}.</p>'


def _cell(result: RunResult, proof: ProofRow | None) -> str:
    if proof is None:
        return '<span class="none">not asked</span>'
    if proof.reason:
        return f'<span class="none">not graded: {_text(proof.reason)}</span>'
    lines = [view.could_be(proof), f"judged {proof.judged} of {proof.planned}", *view.unjudged(result, proof)]
    said = "<br>".join(filter(None, lines))
    return f'<div class="cell">{_badge(proof.grade)}<small>{said}</small></div>'


def _matrices(result: RunResult) -> str:
    shown = "".join(_matrix(each) for each in matrix.matrices(result))
    if not shown:
        return ""
    return (
        f'<h2>{matrix.TITLE}</h2><p class="says">What the network did at which moment of a transaction, and what '
        f"became of it; {matrix.LEGEND.replace('·', ' · ')}. A dash: not made in this run.</p>{shown}"
    )


def _matrix(each: matrix.Matrix) -> str:
    heads = "".join(f"<th>{_text(moment)}</th>" for moment in each.moments)
    rows = "".join(
        f"<tr><td>{_text(fault)}</td>{''.join(f'<td>{_outcome(cell)}</td>' for cell in cells)}</tr>"
        for fault, cells in each.rows
    )
    reasons = "".join(
        f"<p>{matrix.NOT_JUDGED}: {_text(', '.join(places), 400)}: {_text(reason, 300)}</p>"
        for reason, places in each.unjudged().items()
    )
    return (
        f'<h3>{_text(each.where)}</h3><table class="matrix"><thead><tr><th>Fault</th>{heads}</tr></thead>{rows}</table>'
        f'<div class="compact"><p>{_text(each.total)}</p>{reasons}</div>'
    )


def _outcome(cell: Cell | None) -> str:
    figures = _text(matrix.figures(cell).replace("·", " · "))
    if cell is None or figures == matrix.NOT_JUDGED:
        return f'<span class="none">{figures}</span>'
    return f'<b class="{cell.verdict}">{cell.verdict}</b><small>{figures}</small>'


def _tried(result: RunResult, kind: tables.Kind[Any]) -> str:
    shown = "".join(_tried_table(each) for each in tables.tables(result, kind))
    if not shown:
        return ""
    means = " · ".join(f"<b>{outcome.value}</b>: {means}" for outcome, means in kind.means.items())
    about = f"{kind.about}{f'; {kind.legend}' if kind.legend else ''}"
    return f'<h2>{kind.title}</h2><p class="says">{about}.</p><p class="says">{means}.</p>{shown}'


def _tried_table(table: tables.Table[Any]) -> str:
    kind = table.kind
    names = (*(column.head for column in kind.columns), kind.head)
    heads = "".join(f"<th>{_text(name.capitalize())}</th>" for name in names)
    body = "".join(_tried_rows(kind, row, found) for row, found in table.cases())
    apart = "".join(
        f"<p><b>{kind.apart}</b>, {_text(why, 300)}: {_text(', '.join(those), 2000)}</p>"
        for why, those in table.left_out().items()
    )
    charted = [each for row, _ in table.cases() for each in row.charts] if kind is tables.SETPOINTS else []
    charts = "".join(_chart(each) for each in charted)
    return (
        f'<h3>{_text(table.where)}</h3><table class="matrix tried {kind.noun}"><thead><tr>{heads}</tr></thead>{body}'
        f'</table><div class="compact"><p>{_text(table.total, 200)}</p>{apart}</div>'
        + (f'<div class="charts">{charts}</div>' if charts else "")
    )


def _tried_rows(kind: tables.Kind[Any], row: CaseRow, found: Iterable[Any]) -> str:
    span = len(kind.columns) + 1
    head = f'<tr class="of"><td colspan="{span}"><b>{_text(row.id)}</b> {_text(row.title, 200)}</td></tr>'
    return head + "".join(_tried_row(kind, each) for each in found)


def _tried_row(kind: tables.Kind[Any], each: Any) -> str:
    cells = "".join(f"<td>{_text(column.text(each))}</td>" for column in kind.columns)
    why = f"<small>{_text(kind.why(each), 300)}</small>" if kind.why(each) else ""
    return f'<tr>{cells}<td><b class="{kind.verdict(each)}">{kind.came_to(each)}</b>{why}</td></tr>'


def _chart(each: Chart) -> str:
    caption = f"<b>{_text(each.title)}</b><small>{_text(chart.key(each), 600)}</small>"
    return f"<figure>{chart.svg(each, alone=False)}<figcaption>{caption}</figcaption></figure>"


def _failures(result: RunResult) -> str:
    return _cases("Failed", "fail", view.failed(result), result)


def _warnings(result: RunResult) -> str:
    title = "Warnings: recommendations missed, or rules that the documents leave open"
    return _cases(title, "warn", view.warned(result), result)


def _open(result: RunResult) -> str:
    return _cases("Not judged, and why", "open", view.unproven(result), result)


def _cases(title: str, kind: str, cases: list[view.Shown], result: RunResult) -> str:
    if not cases:
        return ""
    shown = "".join(_case(kind, each, result) for each in cases[:_MOST_CASES])
    more = len(cases) - _MOST_CASES
    rest = f'<p class="more">… and {view.plural(more, "more case")} in result.json</p>' if more > 0 else ""
    return f"<h2>{title} ({len(cases)})</h2>{shown}{rest}"


def _case(kind: str, shown: view.Shown, result: RunResult) -> str:
    row = shown.row
    about = f"{row.severity}, {', '.join(shown.proofs)}, {shown.where}"
    reason = f"<p>{_text(row.reason, _LONGEST_MESSAGE)}</p>" if row.reason and kind != "warn" else ""
    findings = "".join(_finding(each, result.transcript(row, each.part)) for each in shown.findings[:_MOST_FINDINGS])
    more = len(shown.findings) - _MOST_FINDINGS
    rest = f'<p class="more">… and {view.plural(more, "more finding")} in result.json</p>' if more > 0 else ""
    flows = " long" if len(shown.findings) > _UNBROKEN else ""
    return (
        f'<div class="case {kind}{flows}"><h3>{_text(row.id)} {_text(row.title, 200)} '
        f"<small>({_text(about, 200)})</small></h3>{reason}{findings}{rest}</div>"
    )


def _finding(finding: FindingRow, transcript: str) -> str:
    level = f"{finding.level}, {finding.clause}" if finding.clause else finding.level
    says = f": <span class='says'>{_text(finding.says, 300)}</span>" if finding.says else ""
    where = view.frames_text(finding.frames)
    seen = f"<p class='says'>Evidence: {where} of {_text(transcript)}</p>" if where else ""
    message = f'<p class="message">{_text(finding.message, _LONGEST_MESSAGE)}</p>' if finding.message else ""
    return f'<div class="finding"><b>{_text(finding.requirement)}</b> ({_text(level)}){says}{message}{seen}</div>'


def _excluded(result: RunResult) -> str:
    reasons = view.not_applicable(result)
    if not reasons:
        return ""
    lines = "".join(f"<p>{_text(reason, 200)}: {_ids(ids)}</p>" for reason, ids in reasons.items())
    number = view.count(result, Verdict.NOT_APPLICABLE)
    return (
        f"<h2>Not applicable ({number})</h2>"
        f'<div class="compact"><p class="says">By what the system claims, not by what was found:</p>{lines}</div>'
    )


def _ids(ids: Iterable[str]) -> str:
    return _text(", ".join(ids), 3000)


def _reading() -> str:
    means = " · ".join(f"<b>{grade}</b> {escape(view.MEANS[grade])}" for grade in Grade)
    return (
        '<div class="read"><h2>How to read this</h2>'
        "<p>The grade of a proof is set by the worst thing that failed in it; the overall grade is that of the "
        "weakest proof.</p>"
        f"<p>{means}.</p>"
        "<p>“Could be” counts what is unproven as passed, the grade itself as failed. “Judged x of y” are checks of "
        "requirements; those that do not apply are in neither number.</p>"
        "<p>Only grades under the same plan digest can be compared. Evidence is numbered by the entries of the "
        "transcript that it is in, beside this page.</p></div>"
    )
