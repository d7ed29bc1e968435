"""Results of runs to report on."""

from conformance.cases.grade import Grade, Outcome, grade, weakest
from conformance.cases.verdict import Severity, Verdict
from conformance.report.result import CaseRow, FindingRow, ProofRow, RunResult

HOSTILE = "got <script>alert('x')</script>\x1b[31m\u202e\n& more"


def finding(requirement="B01.FR.01", verdict=Verdict.PASS, message="", frames=(), **given):
    values = {"level": "SHALL", "clause": "2.0.1 part 2, B01", "says": "Our own words.", **given}
    return FindingRow(requirement=requirement, verdict=verdict, message=message, frames=tuple(frames), **values)


def at(place, case_id="TC_B_01_CS", verdict=Verdict.PASS, **given):
    """A case of one of PLACES."""
    return case(case_id, verdict, role=place[0], version=place[1], **given)


def case(case_id="TC_B_01_CS", verdict=Verdict.PASS, findings=None, **given):
    if findings is None:
        findings = (finding(verdict=verdict, message="" if verdict is Verdict.PASS else f"message of {case_id}"),)
    values = {
        "title": "Cold boot",
        "role": "station",
        "version": "2.0.1",
        "proof": "boot",
        "severity": Severity.NORMAL,
        "official": case_id.startswith("TC_"),
        **given,
    }
    return CaseRow(id=case_id, verdict=verdict, findings=tuple(findings), **values)


STATION = {
    "name": "Wallbox",
    "vendor": "ACME",
    "model": "Wallbox 11",
    "firmware": "1.2",
    "role": "station",
    "versions": ["2.0.1", "1.6"],
}
CSMS = {"name": "Cloud", "vendor": "Volta", "identity": "CS-7", "role": "csms", "versions": ["2.0.1", "1.6"]}
PLACES = [(role, version) for role in ("station", "csms") for version in ("2.0.1", "1.6")]
FOUR = {
    "suts": (STATION, CSMS),
    "transcripts": {f"{role} {version}": f"transcript-{role}-{version}.jsonl" for role, version in PLACES},
}
"""What else is different in a run against two systems in two versions."""


def result(*cases, not_run=0, **given):
    """A run of these cases, graded by the grades themselves, and an empty proof beside them."""
    places = dict.fromkeys((row.proof, row.role, row.version) for row in cases)
    rows = []
    for proof, role, version in places:
        outcomes = [
            Outcome(
                row.severity,
                row.verdict,
                Verdict.worst((each.verdict for each in row.findings if each.verdict.rank < 3), Verdict.PASS),
                len(row.findings),
                len(row.findings),
            )
            for row in cases
            if (row.proof, row.role, row.version) == (proof, role, version)
        ]
        outcomes += [Outcome(Severity.NORMAL, None, planned=2)] * not_run
        graded = grade(outcomes)
        rows.append((graded, ProofRow.of(graded, proof=proof, asks=f"Does {proof} hold?", role=role, version=version)))
    empty = ProofRow.of(grade([]), proof="security", asks="Who gets in?", role="station", version="2.0.1")
    overall = weakest([graded for graded, _ in rows])
    values = {
        "plan": "Minimum proof",
        "plan_digest": "sha256:abc",
        "transcripts": {"station 2.0.1": "transcript.jsonl"},
        "sut": {
            "vendor": "ACME",
            "model": "Wallbox",
            "firmware": "1.2",
            "versions": ["1.6", "2.0.1"],
            "password": "geheim",
        },
        "harness": {"name": "ocpp-conformance", "version": "0.1.0"},
        "started": "2026-10-03T12:00:00+02:00",
        "finished": "2026-10-03T12:42:10Z",
        "complete": not not_run,
        "gate": Grade.B,
        "overall": overall.grade if overall else Grade.NG,
        **given,
    }
    only = values.pop("sut")
    values.setdefault("suts", (only,))
    return RunResult(proofs=(*(row for _, row in rows), empty), cases=tuple(cases), **values)
