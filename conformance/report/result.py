"""What a run found, as data: the shape of `result.json`, from which every page and table is made."""

from pathlib import Path
from typing import Any

import msgspec

from conformance.cases.grade import Grade, Graded
from conformance.cases.matrix import Cell
from conformance.cases.setpoint import Chart, Setpoint
from conformance.cases.tried import Tried
from conformance.cases.verdict import Severity, Verdict
from conformance.cases.zoo import Shown


class FindingRow(msgspec.Struct, frozen=True):
    """One requirement judged in one case.

    `frames` are numbers (`n`) of entries in the transcript of the case's role and version, and of `part`, where their
    proofs were judged side by side.
    """

    requirement: str
    verdict: Verdict
    message: str
    level: str
    clause: str
    says: str
    frames: tuple[int, ...] = ()
    part: str = ""


class CaseRow(msgspec.Struct, frozen=True):
    """One case in one proof.

    `reason` is what excluded it, what was missing, or what broke: one line. `seconds` is how long it ran, of which
    `waited` were spent waiting for the system under test. `first` and `last` bound its entries in the transcript of
    `part`, which is empty where the role and version have one transcript only.
    `cells` are its part of the table of faults and moments, `setpoints` the charging limits that it asked for, `charts`
    how those were kept over time, `tried` the settings that it changed or left alone, `shown` what it showed in TLS.
    """

    id: str
    title: str
    role: str
    version: str
    proof: str
    severity: Severity
    official: bool
    verdict: Verdict
    findings: tuple[FindingRow, ...]
    reason: str = ""
    seconds: float = 0.0
    waited: float = 0.0
    first: int = 0
    last: int = 0
    part: str = ""
    cells: tuple[Cell, ...] = ()
    setpoints: tuple[Setpoint, ...] = ()
    charts: tuple[Chart, ...] = ()
    tried: tuple[Tried, ...] = ()
    shown: tuple[Shown, ...] = ()


class ProofRow(msgspec.Struct, frozen=True):
    """One proof for one role and version: the grade, its bounds and its coverage. `reason` says why none was given."""

    proof: str
    asks: str
    role: str
    version: str
    grade: Grade
    lower: Grade
    upper: Grade
    judged: int
    planned: int
    unproven: int = 0
    reason: str = ""

    @classmethod
    def of(cls, graded: Graded, *, proof: str, asks: str, role: str, version: str) -> "ProofRow":
        """The row for a graded proof."""
        return cls(
            proof=proof,
            asks=asks,
            role=role,
            version=version,
            grade=graded.grade,
            lower=graded.lower,
            upper=graded.upper,
            judged=graded.judged,
            planned=graded.planned,
            unproven=graded.unproven,
            reason=graded.reason,
        )


class RunResult(msgspec.Struct, frozen=True):
    """A whole run. `complete` is false where cases that the plan asked for did not run; `notes` are for people.

    `transcripts` names the file of each role and version, `{"station 1.6": "transcript.jsonl"}` for instance; where
    proofs were judged side by side, that of each part of them, by `"station 1.6 boot"`.
    """

    plan: str
    plan_digest: str
    suts: tuple[dict[str, Any], ...]
    transcripts: dict[str, str]
    harness: dict[str, str]
    started: str
    finished: str
    complete: bool
    gate: Grade
    overall: Grade
    proofs: tuple[ProofRow, ...]
    cases: tuple[CaseRow, ...]
    notes: tuple[str, ...] = ()

    def transcript(self, row: CaseRow, part: str) -> str:
        """The file with the transcript of a case in a part of the run, in words where none is named."""
        return self.transcripts.get(f"{row.role} {row.version} {part}".rstrip(), "the transcript")

    def save(self, path: Path) -> None:
        """Write the result as indented JSON; raises OSError."""
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n")


def load_result(path: Path) -> RunResult:
    """Read a saved result; raises OSError, or ValueError with what is wrong."""
    return msgspec.json.decode(path.read_bytes(), type=RunResult)
