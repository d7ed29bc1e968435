"""What Allure is told about a case and a run.

allure-pytest takes the name, the description and the id of a test from its function, at various moments of its life.
So `label_case` only notes what to say, under a label, and a hook says it when Allure writes the test to disk: it may be
called in any phase of a test.
"""

import hashlib
import json
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import allure
import allure_commons
from allure_commons.model2 import Label, StatusDetails

from conformance.cases.verdict import Verdict
from conformance.report import chart, matrix, tables, view
from conformance.report.result import CaseRow, FindingRow, RunResult

_NOTED = "conformance"
_OWN = (
    "epic",
    "feature",
    "story",
    "parentSuite",
    "suite",
    "subSuite",
    "severity",
    "tag",
    "package",
    "framework",
    "host",
    "language",
)
_BLOCKS = {
    "A": "Security",
    "B": "Provisioning",
    "C": "Authorization",
    "D": "Local authorization list",
    "E": "Transactions",
    "F": "Remote control",
    "G": "Availability",
    "H": "Reservation",
    "I": "Tariff and cost",
    "J": "Meter values",
    "K": "Smart charging",
    "L": "Firmware management",
    "M": "Certificate management",
    "N": "Diagnostics",
    "O": "Display message",
    "P": "Data transfer",
    "Q": "Bidirectional power transfer",
    "R": "DER control",
    "S": "Battery swapping",
}
_LONGEST = 1000

CATEGORIES = [
    {"name": "FAIL: a requirement was not met", "matchedStatuses": ["failed"]},
    {
        "name": "ERROR: the harness broke, or did not look",
        "matchedStatuses": ["broken"],
        "messageRegex": r"^ERROR\b[\s\S]*",
    },
    {"name": "INCONCLUSIVE: could not be judged", "matchedStatuses": ["broken"]},
    {"name": "NOT APPLICABLE: not claimed", "matchedStatuses": ["skipped"]},
]
"""How Allure sorts what did not pass; the first that fits counts."""


class _Teller:
    """Completes the tests of which there is something to say, just before they are written."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[CaseRow, str]] = {}

    @allure_commons.hookimpl(tryfirst=True)
    def report_result(self, result: Any) -> None:
        """Say what was noted about this test."""
        noted = [label.value for label in result.labels if label.name == _NOTED and label.value in self.rows]
        if noted:
            _complete(result, *self.rows.pop(noted[-1]))


_TELLER = _Teller()


def label_case(row: CaseRow, name: str = "") -> None:
    """Give the current test its title, place, labels and description in Allure, and an id that stays the same.

    `name` is its id unless given: with the part that a case judges, where that is not its own.
    """
    if not allure_commons.plugin_manager.is_registered(_TELLER):
        allure_commons.plugin_manager.register(_TELLER)
    name = name or row.id
    key = f"{name} {row.role} {row.version}"
    _TELLER.rows[key] = row, name
    allure.dynamic.label(_NOTED, key)  # type: ignore[no-untyped-call]


def attach(row: CaseRow, trace: str) -> None:
    """Attach the findings and the wire trace to the current test."""
    if row.findings:
        allure.attach(findings_text(row.findings), "findings", allure.attachment_type.TEXT)
    table = matrix.of_case(row)
    if table is not None:
        allure.attach(matrix.as_text(table), matrix.TITLE.lower(), allure.attachment_type.TEXT)
    for kind in tables.KINDS:
        tried = tables.of_case(row, kind)
        if tried is not None:
            allure.attach(tables.as_text(tried), kind.title.lower(), allure.attachment_type.TEXT)
    for each in row.charts:
        allure.attach(chart.svg(each), view.one_line(each.title, 80), allure.attachment_type.SVG)
    allure.attach(trace, "wire trace", allure.attachment_type.TEXT)


def findings_text(findings: Iterable[FindingRow]) -> str:
    """The findings of a case, those that matter most first."""
    return "\n".join(_finding(each) for each in sorted(findings, key=lambda each: -each.verdict.rank))


def write_run_files(results: Path, result: RunResult) -> None:
    """Write environment.properties, categories.json and executor.json into `allure-results`; raises OSError."""
    results.mkdir(parents=True, exist_ok=True)
    properties = "".join(f"{_property(name)}={_property(value)}\n" for name, value in _facts(result).items())
    (results / "environment.properties").write_text(properties, encoding="ascii", newline="\n")
    (results / "categories.json").write_text(json.dumps(CATEGORIES, indent=2) + "\n", encoding="utf-8")
    executor = {
        "name": "ocpp-conformance",
        "type": "ocpp-conformance",
        "buildName": view.one_line(f"{result.plan}, {result.started}", 120),
        "reportName": f"OCPP conformance: overall grade {result.overall}",
    }
    (results / "executor.json").write_text(json.dumps(executor, indent=2) + "\n", encoding="utf-8")


def grades(result: RunResult) -> dict[str, str]:
    """The overall grade and that of each proof, as named lines."""
    incomplete = "" if result.complete else ", INCOMPLETE run"
    shown = {"Overall grade": f"{result.overall}, of {view.graded_of_all(result)}{incomplete}"}
    places = view.places(result)
    for proof in result.proofs:
        if not proof.reason:
            bounds = view.could_be(proof)
            name = proof.proof if len(places) == 1 else f"{proof.proof}, {view.place(proof.role, proof.version)}"
            known = f"{proof.judged} of {proof.planned} judged"
            shown[name] = f"{proof.grade}{f' ({bounds})' if bounds else ''}: {known}"
    return shown


def _facts(result: RunResult) -> dict[str, str]:
    """What was tested by what."""
    facts = {label: view.one_line(value, 200) for label, value in view.sut_facts(result)}
    return facts | {
        "Plan": view.one_line(result.plan, 200),
        "Plan digest": result.plan_digest,
        "Harness": view.one_line(view.harness(result), 200),
        "Python": platform.python_version(),
        "Started": result.started,
    }


def _finding(finding: FindingRow) -> str:
    about = f"{finding.verdict} {finding.requirement} ({finding.level}, {finding.clause})"
    below = (finding.says, finding.message, view.frames_text(finding.frames))
    return "".join(
        [f"{view.one_line(about, _LONGEST)}\n", *(f"    {view.one_line(text, _LONGEST)}\n" for text in below if text)]
    )


def _complete(result: Any, row: CaseRow, name: str) -> None:
    """Put into one of Allure's own results what we know of the case."""
    unique = f"{name} {row.role} {row.version}"
    result.name = view.one_line(f"{name}: {row.title}", 200)
    result.fullName = unique
    result.titlePath = [row.role, row.version, row.proof]
    result.testCaseId = _digest(unique)
    result.historyId = _digest(f"{unique} run")
    result.description = _description(row)
    result.descriptionHtml = None
    result.parameters = [each for each in result.parameters if not each.name.startswith(("_", "ocpp_"))]
    result.labels = [
        *(label for label in result.labels if label.name not in (*_OWN, _NOTED)),
        *(Label(name=name, value=value) for name, value in _labels(row)),
    ]
    if row.verdict is not Verdict.PASS:
        result.statusDetails = result.statusDetails or StatusDetails()
        result.statusDetails.message = _message(row)
        if row.verdict is not Verdict.ERROR:
            result.statusDetails.trace = None


def _message(row: CaseRow) -> str:
    """The verdict, and what led to it: what Allure shows beside a case, and sorts by."""
    said = [f"{each.requirement}: {each.message}" for each in row.findings if each.verdict is row.verdict]
    return "\n".join([str(row.verdict), *(view.one_line(line, _LONGEST) for line in (said or [row.reason]) if line)])


def _labels(row: CaseRow) -> list[tuple[str, str]]:
    requirements = list(dict.fromkeys(finding.requirement for finding in row.findings))
    return [
        ("epic", row.proof),
        ("feature", _block(row)),
        ("story", _use_case(row)),
        ("parentSuite", view.place(row.role, row.version)),
        ("suite", row.proof),
        ("subSuite", _block(row)),
        ("severity", str(row.severity)),
        ("verdict", str(row.verdict)),
        ("package", f"{row.role}.{row.proof}"),
        ("framework", "ocpp-conformance"),
        *(("tag", requirement) for requirement in requirements),
        *((("tag", "WARN"),) if row.verdict is Verdict.WARN else ()),
    ]


def _letter(row: CaseRow) -> str:
    """The functional block: from an official id, or else from the first requirement."""
    parts = row.id.split("_")
    if row.official and len(parts) > 1 and parts[1] in _BLOCKS:
        return parts[1]
    first = _first_requirement(row)
    return first[0] if first and first[0] in _BLOCKS and first[1:2].isdigit() else ""


def _block(row: CaseRow) -> str:
    letter = _letter(row)
    return f"{letter} {_BLOCKS[letter]}" if letter else "General"


def _use_case(row: CaseRow) -> str:
    """`B01` for instance, or the id of the case where no requirement says so."""
    if not row.findings and row.verdict is Verdict.NOT_APPLICABLE:
        return "not applicable"
    head = _first_requirement(row).partition(".")[0]
    return head if len(head) == len("B01") and head[0] in _BLOCKS and head[1:].isdigit() else row.id


def _first_requirement(row: CaseRow) -> str:
    return next((finding.requirement for finding in row.findings), "")


def _description(row: CaseRow) -> str:
    """Markdown: the verdict, why, and the requirements with what they say."""
    lines = [f"**{row.verdict}**{f': {_plain(row.reason)}' if row.reason else ''}", ""]
    for each in row.findings:
        about = ", ".join(_plain(part) for part in (each.level, each.clause) if part)
        says = f": {_plain(each.says)}" if each.says else ""
        lines.append(f"- **{_plain(each.requirement)} {each.verdict}** ({about}){says}")
    return "\n".join(lines)


def _plain(text: str) -> str:
    """A text that means nothing to Markdown or HTML."""
    line = view.one_line(text, 300)
    return "".join(f"&#{ord(each)};" if each in "|\\`*_[]<>&!#~" else each for each in line)


def _property(text: str) -> str:
    """A name or a value in Java's properties format."""
    line = "".join(f"\\{each}" if each in "\\=:#! " else each for each in view.one_line(text, 300))
    return "".join(each if each.isascii() else f"\\u{ord(each):04x}" for each in line)


def _digest(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
