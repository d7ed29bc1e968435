"""One run: what it was asked to do, what it found, and the folder that it leaves behind."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from importlib.metadata import version
from pathlib import Path

from conformance import suite
from conformance.cases.applicability import ExpressionError, evaluate
from conformance.cases.case import Case
from conformance.cases.catalogue import catalogue
from conformance.cases.grade import Grade, Graded, Outcome, grade, weakest
from conformance.cases.plan import Plan, PlanError, load_plan
from conformance.cases.verdict import Finding, Verdict
from conformance.files import data
from conformance.report.certificate import write_certificate
from conformance.report.latest import point_latest
from conformance.report.result import CaseRow, FindingRow, ProofRow, RunResult
from conformance.sut.profile import ProfileError, SutProfile, load_profile, resolve
from conformance.wire.transcript import JsonLinesSink, Transcript

OWN_CASES = "own cases"
_OWN_ASKS = "What the cases outside of the plan ask."


class BadInputError(Exception):
    """What the user gave can't be used: one message, with what was expected, what came and what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line asked for."""

    sut: str
    plan: str | None = None
    proofs: tuple[str, ...] = ()
    gate: str = "B"
    reports: str = "reports"


@dataclass(slots=True)
class Ran:
    """A case that has come to an end."""

    case: Case
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    seconds: float = 0.0
    waited: float = 0.0
    first: int = 0
    last: int = 0


@dataclass
class Run:
    """A run against one system under test.

    Raises BadInputError for a profile, plan, proof, gate or reports folder that can't be used.
    """

    settings: Settings
    profile: SutProfile = field(init=False)
    plan: Plan = field(init=False)
    gate: Grade = field(init=False)
    folder: Path = field(init=False)
    transcript: Transcript = field(init=False)
    sink: JsonLinesSink = field(init=False)
    cases: dict[str, Case] = field(init=False)
    ran: dict[str, Ran] = field(default_factory=dict)
    chosen: list[str] = field(default_factory=list)
    """The ids of the cases that are to run."""
    notes: list[str] = field(default_factory=list)
    judges_plan: bool = True
    """Whether the plan was asked for; not where somebody runs tests of their own that are in no plan."""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        try:
            self.profile = load_profile(resolve(self.settings.sut))
            self.plan = load_plan(_plan_path(self.settings.plan))
        except (ProfileError, PlanError) as error:
            raise BadInputError(str(error)) from error
        self.cases = dict(suite.all_cases())
        self.gate = _gate(self.settings.gate)
        _known_proofs(self.plan, self.settings.proofs)
        self._judgeable()
        self.folder = _new_folder(Path(self.settings.reports), self.profile, self.started)
        self.sink = JsonLinesSink(self.folder / "transcript.jsonl")
        self.transcript = Transcript(sink=self.sink)
        self.transcript.redact(self.profile.secrets())

    # -- which cases ------------------------------------------------------------------------------------------------

    def _judgeable(self) -> None:
        """Raise BadInputError where the harness has nothing to judge this kind of system by."""
        if not any(self.concerns(case) for case in self.cases.values()):
            kinds = sorted({f"a {case.role} of OCPP {each}" for case in self.cases.values() for each in case.versions})
            raise BadInputError(
                f"{self.settings.sut}: expected {' or '.join(kinds)}, got a {self.profile.role} of OCPP "
                f"{self.version}, for which there are no cases yet; change role or versions"
            )

    def collected(self, found: Iterable[tuple[Case, Path, str]]) -> None:
        """Take up the cases that pytest found, with the file and the function of each.

        Raises BadInputError where two have the same id, or where the plan names a case that is nowhere.
        """
        shipped = suite.folder().resolve()
        places: dict[str, tuple[Path, str]] = {}
        for case, path, function in found:
            first = places.setdefault(case.id, (path, function))
            if case.id in suite.all_cases() and shipped not in path.resolve().parents:
                first = (shipped, function)
            if first != (path, function):
                raise BadInputError(f"{path}: the case id {case.id} is taken by one in {first[0]}; give it another")
            self.cases[case.id] = case
        self.judges_plan = any(id_ in places for id_ in self.planned())
        for id_ in self.plan.case_ids():
            if id_ not in self.cases:
                near = get_close_matches(id_, self.cases, n=1)
                hint = f"did you mean {near[0]}?" if near else "`ocpp-conformance cases` lists them"
                raise BadInputError(
                    f"{_plan_path(self.settings.plan)}: [[proof]] cases: no case is called {id_}; {hint}"
                )

    def own_case(self, id_: str, text: str) -> Case:
        """The case that a test is when nobody declared it one: it names no requirements."""
        return Case(id_, text.strip().splitlines()[0], self.profile.role, self.profile.versions)

    def wants(self, case: Case) -> bool:
        """Whether to run a case: one that the plan asks for, or one of the user's own, if it is about this system."""
        return self.concerns(case) and (case.id not in suite.all_cases() or case.id in self.planned())

    @property
    def version(self) -> str:
        """The version of OCPP that is judged."""
        return self.profile.versions[0]

    def concerns(self, case: Case) -> bool:
        """Whether a case is about the role and the version of the profile."""
        return case.role == self.profile.role and self.version in case.versions

    def planned(self) -> list[str]:
        """The ids of the cases that this run was asked for, in the plan's order, those that are always on last."""
        ids = [
            id_
            for id_ in self.plan.case_ids(self.settings.proofs)
            if id_ in self.cases and self.concerns(self.cases[id_])
        ]
        return sorted(ids, key=lambda id_: self.cases[id_].always_on)

    def excluded(self, case: Case, claims: Mapping[str, bool] | None = None) -> str:
        """Which claim of the profile, or of `claims` that go before it, excludes the case; empty where it applies."""
        if not case.needs:
            return ""
        try:
            applies = evaluate(case.needs, self.profile.claims_map() | dict(claims or {}), self.profile.role)
        except ExpressionError as error:
            raise BadInputError(f"{case.id}: needs = {case.needs!r}: {error}") from error
        return "" if applies else applies.reason

    # -- what came of them --------------------------------------------------------------------------------------------

    def record(self, ran: Ran) -> None:
        """Keep what a case came to; of two runs of one case the worse one counts: a retry never improves a verdict."""
        before = self.ran.get(ran.case.id)
        if before is None or ran.verdict.rank >= before.verdict.rank:
            self.ran[ran.case.id] = ran
        self.cases.setdefault(ran.case.id, ran.case)

    def row(self, ran: Ran, proof: str) -> CaseRow:
        """A case as it stands in the result."""
        case = ran.case
        return CaseRow(
            id=case.id,
            title=case.title,
            role=case.role,
            version=self.version,
            proof=proof,
            severity=case.severity,
            official=case.official,
            verdict=ran.verdict,
            findings=tuple(self._finding(each) for each in ran.findings),
            reason=self.transcript.secrets.text(ran.reason),
            seconds=round(ran.seconds, 3),
            waited=round(ran.waited, 3),
            first=ran.first,
            last=ran.last,
        )

    def result(self, *, complete: bool) -> RunResult:
        """Everything found so far, graded."""
        proofs: list[ProofRow] = []
        rows: list[CaseRow] = []
        graded: list[Graded] = []
        for proof, asks, ids in self._proofs():
            earned = grade([self._outcome(id_) for id_ in ids])
            graded.append(earned)
            rows += [self.row(self.ran[id_], proof) for id_ in ids if id_ in self.ran]
            proofs.append(ProofRow.of(earned, proof=proof, asks=asks, role=self.profile.role, version=self.version))
        overall = weakest(graded)
        return RunResult(
            plan=self.plan.title,
            plan_digest=self.plan.digest(self.cases),
            sut=self.profile.describe(),
            harness={"name": "ocpp-conformance", "version": version("ocpp-conformance")},
            started=_text(self.started),
            finished=_text(datetime.now(UTC)),
            complete=complete and all(id_ in self.ran for id_ in self._due()),
            gate=self.gate,
            overall=overall.grade if overall else Grade.NG,
            proofs=tuple(proofs),
            cases=tuple(rows),
            notes=tuple(self.notes),
        )

    def finish(self, *, complete: bool) -> RunResult:
        """Write the result, the page and the pointer to the newest run; raises OSError where that can't be done."""
        self.sink.close()
        result = self.result(complete=complete)
        result.save(self.folder / "result.json")
        write_certificate(result, self.folder / "certificate.html")
        point_latest(Path(self.settings.reports), self.folder)
        return result

    def stop(self, message: str) -> str:
        """Note why the run ends early; returns the message."""
        self.notes.append(self.transcript.secrets.text(message))
        return self.notes[-1]

    def discard(self) -> None:
        """Remove the folder of a run in which nothing was tried."""
        self.sink.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _due(self) -> Iterable[str]:
        return dict.fromkeys([*(self.planned() if self.judges_plan else ()), *self.chosen])

    def _proofs(self) -> Iterable[tuple[str, str, Sequence[str]]]:
        for proof in self.plan.proof if self.judges_plan else ():
            if self.settings.proofs and proof.name not in self.settings.proofs:
                continue
            yield (
                proof.name,
                proof.asks,
                [id_ for id_ in proof.cases if id_ in self.cases and self.concerns(self.cases[id_])],
            )
        own = [id_ for id_ in dict.fromkeys([*self.chosen, *self.ran]) if self.plan.proof_of(id_) is None]
        if own:
            yield OWN_CASES, _OWN_ASKS, own

    def _outcome(self, id_: str) -> Outcome:
        case = self.cases[id_]
        ran = self.ran.get(id_)
        planned = len(case.requirements)
        if ran is None:
            return Outcome(case.severity, None, planned=planned)
        decided = [each for each in ran.findings if each.verdict in (Verdict.PASS, Verdict.WARN, Verdict.FAIL)]
        requirements = case.requirements or tuple({each.requirement for each in ran.findings})
        return Outcome(
            severity=case.severity,
            verdict=ran.verdict,
            found=Verdict.worst((each.verdict for each in decided), Verdict.PASS),
            judged=len({each.requirement for each in decided}),
            planned=len(requirements),
        )

    def _finding(self, finding: Finding) -> FindingRow:
        requirement = catalogue(self.version)[finding.requirement]
        return FindingRow(
            requirement=finding.requirement,
            verdict=finding.verdict,
            message=self.transcript.secrets.text(finding.message),
            level=requirement.level,
            clause=requirement.clause,
            says=requirement.says,
            frames=finding.frames,
        )


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _plan_path(plan: str | None) -> Path:
    return Path(plan) if plan else data("testcases/plans/minimum-proof.toml")


def _gate(word: str) -> Grade:
    allowed = [each for each in Grade if each is not Grade.NG]
    if word.upper() not in allowed:
        raise BadInputError(f"--gate: expected one of {', '.join(allowed)}, got {word!r}")
    return Grade(word.upper())


def _known_proofs(plan: Plan, proofs: Iterable[str]) -> None:
    names = [proof.name for proof in plan.proof]
    for name in proofs:
        if name not in names:
            raise BadInputError(f"--proof: the plan {plan.title!r} has {', '.join(names)}, got {name!r}")


def _new_folder(reports: Path, profile: SutProfile, started: datetime) -> Path:
    """A folder of its own for this run; raises BadInputError where none can be made or written to."""
    stem = f"{started:%Y%m%dT%H%M%SZ}-{_slug(profile)}"
    for number in range(1000):
        folder = reports / (stem if number == 0 else f"{stem}-{number}")
        try:
            folder.mkdir(parents=True)
            (folder / "transcript.jsonl").touch()
        except FileExistsError:
            if reports.is_dir():
                continue
            raise BadInputError(f"{reports}: expected a folder for the reports, and it is a file") from None
        except OSError as error:
            raise BadInputError(
                f"{reports}: the reports can't be written there ({error.strerror}); choose another folder with "
                f"--reports"
            ) from error
        return folder
    raise BadInputError(f"{reports}: a thousand runs started within one second; clear the folder")


def _slug(profile: SutProfile) -> str:
    words = f"{profile.sut.name} {'-'.join(profile.versions)}".lower()
    return "".join(each if each.isalnum() or each in ".-" else "-" for each in words).strip("-")[:60]
