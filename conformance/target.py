"""One thing that a run judges: a system under test in one version of OCPP, and what was found of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, field, replace
from pathlib import Path

from conformance.cases.applicability import Claim, ExpressionError
from conformance.cases.case import Case, Role
from conformance.cases.catalogue import Catalogue, catalogue
from conformance.cases.grade import Outcome
from conformance.cases.matrix import Cell
from conformance.cases.setpoint import Chart, Setpoint
from conformance.cases.spec import Counted
from conformance.cases.tried import Tried
from conformance.cases.verdict import Finding, Verdict
from conformance.cases.zoo import Shown
from conformance.report.result import CaseRow, FindingRow
from conformance.sut.profile import SutProfile
from conformance.wire.transcript import JsonLinesSink, Transcript


class BadInputError(Exception):
    """What the user gave can't be used: one message, with what was expected, what came and what to do."""


@dataclass(slots=True)
class Ran:
    """A case that has come to an end, in a part of its target: `first` and `last` are of that part's transcript."""

    case: Case
    verdict: Verdict
    part: str = ""
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    seconds: float = 0.0
    waited: float = 0.0
    first: int = 0
    last: int = 0
    cells: tuple[Cell, ...] = ()
    setpoints: tuple[Setpoint, ...] = ()
    charts: tuple[Chart, ...] = ()
    tried: tuple[Tried, ...] = ()
    shown: tuple[Shown, ...] = ()


@dataclass(eq=False)
class Part:
    """Cases of a target that share one system under test and one transcript, and what came of them.

    A target is one such part, without a name, unless its proofs are judged side by side.
    """

    name: str
    file: Path
    """Where its transcript is written."""
    ran: dict[str, Ran] = field(default_factory=dict)
    sink: JsonLinesSink = field(init=False)
    transcript: Transcript = field(init=False)

    def __post_init__(self) -> None:
        self.sink = JsonLinesSink(self.file)
        self.transcript = Transcript(sink=self.sink)

    def record(self, ran: Ran) -> None:
        """Keep what a case came to; of two runs of one case the worse one counts: a retry never improves a verdict."""
        before = self.ran.get(ran.case.id)
        if before is None or ran.verdict.rank >= before.verdict.rank:
            self.ran[ran.case.id] = ran

    def counted(self, case: Case) -> list[Counted]:
        """What other cases have found, each in its own stretch of the transcript, that matter as much as this one."""
        return [
            Counted(ran.case.id, finding.requirement, ran.first, ran.last)
            for ran in self.ran.values()
            if not ran.case.always_on and ran.case.severity.rank >= case.severity.rank
            for finding in ran.findings
            if finding.verdict in (Verdict.FAIL, Verdict.WARN)
        ]


@dataclass(eq=False)
class Target:
    """A system under test in one version of OCPP: `profile` has that version only.

    `files` are where the transcripts of its parts are written, by the names of the parts.
    """

    profile: SutProfile
    files: InitVar[Mapping[str, Path]]
    cases: dict[str, Case] = field(default_factory=dict)
    """The cases that are about it, by id, with their requirements as they stand in its version."""
    chosen: list[str] = field(default_factory=list)
    """The ids of the cases that are to run."""
    parts: dict[str, Part] = field(init=False)

    def __post_init__(self, files: Mapping[str, Path]) -> None:
        self.parts = {name: Part(name, file) for name, file in files.items()}
        for part in self.parts.values():
            part.transcript.redact(self.profile.secrets())

    @property
    def role(self) -> Role:
        """Whether a station or a CSMS is under test."""
        return self.profile.role

    @property
    def version(self) -> str:
        """The version of OCPP that is judged."""
        return self.profile.version

    @property
    def name(self) -> str:
        """`station 1.6` for instance."""
        return f"{self.role} {self.version}"

    @property
    def catalogue(self) -> Catalogue:
        """The requirements of its version."""
        return catalogue(self.version)

    def concerns(self, case: Case) -> bool:
        """Whether a case is about its role and version."""
        return case.concerns(self.role, self.version)

    def take(self, case: Case) -> None:
        """Take up a case, if it is about this target; raises BadInputError where its declaration is not clear."""
        if not self.concerns(case):
            return
        try:
            mine = case.for_version(self.version)
        except ValueError as error:
            raise BadInputError(f"{error}") from None
        self.excluded(mine)
        self.cases[case.id] = mine

    def own_case(self, id_: str, text: str) -> Case:
        """The case that a test is when nobody declared it one: it names no requirements."""
        return Case(id_, text.strip().splitlines()[0], self.role, (self.version,))

    def excluded(self, case: Case, claims: Mapping[str, Claim] | None = None) -> str:
        """Which claim of the profile, or of `claims` that go before it, excludes the case; empty where it applies.

        Raises BadInputError where its condition makes no sense.
        """
        if not case.needs:
            return ""
        try:
            return self.profile.excluded_by(case.needs, claims or {})
        except ExpressionError as error:
            raise BadInputError(f"{case.id}: needs = {case.needs!r}: {error}") from error

    def choose(self, cases: Iterable[Case]) -> None:
        """These are to run; a test that nobody declared a case becomes one by this."""
        mine = {case.id: case for case in cases}
        self.chosen = list(mine)
        self.cases = mine | self.cases

    def due(self, ids: Iterable[str]) -> list[str]:
        """Which of these cases are about this target, in their order, those that are always on last."""
        return sorted((id_ for id_ in ids if id_ in self.cases), key=lambda id_: self.cases[id_].always_on)

    # -- what came of them --------------------------------------------------------------------------------------------

    @property
    def ran(self) -> dict[str, Ran]:
        """What became of its cases, by id; of one that is always on, in all parts together."""
        ids = dict.fromkeys(id_ for part in self.parts.values() for id_ in part.ran)
        return {id_: together([part.ran[id_] for part in self.parts.values() if id_ in part.ran]) for id_ in ids}

    def row(self, ran: Ran, proof: str) -> CaseRow:
        """A case as it stands in the result."""
        case, told = ran.case, self.parts[ran.part].transcript.secrets.text
        return CaseRow(
            id=case.id,
            title=case.title,
            role=case.role,
            version=self.version,
            proof=proof,
            severity=case.severity,
            official=case.official,
            verdict=ran.verdict,
            findings=tuple(self._findings(ran)),
            reason=told(ran.reason),
            seconds=round(ran.seconds, 3),
            waited=round(ran.waited, 3),
            first=ran.first,
            last=ran.last,
            part=ran.part,
            cells=tuple(_cell(each, told) for each in ran.cells),
            setpoints=tuple(_setpoint(each, told) for each in ran.setpoints),
            charts=ran.charts,
            tried=tuple(_tried(each, told) for each in ran.tried),
            shown=tuple(_shown(each, told) for each in ran.shown),
        )

    def outcome(self, id_: str, ran: Ran | None) -> Outcome:
        """What a case counts for in a grade, by what came of it."""
        case = self.cases[id_]
        if ran is None:
            return Outcome(case.severity, None, planned=len(case.requirements))
        decided = [each for each in ran.findings if each.verdict in (Verdict.PASS, Verdict.WARN, Verdict.FAIL)]
        requirements = case.requirements or tuple({each.requirement for each in ran.findings})
        return Outcome(
            severity=case.severity,
            verdict=ran.verdict,
            found=Verdict.worst((each.verdict for each in decided), Verdict.PASS),
            judged=len({each.requirement for each in decided}),
            planned=len(requirements),
        )

    def _findings(self, ran: Ran) -> Iterator[FindingRow]:
        for finding in ran.findings:
            requirement = self.catalogue[finding.requirement]
            yield FindingRow(
                requirement=finding.requirement,
                verdict=finding.verdict,
                message=self.parts[finding.part].transcript.secrets.text(finding.message),
                level=requirement.level,
                clause=requirement.clause,
                says=requirement.says,
                frames=finding.frames,
                part=finding.part,
            )


def together(runs: Sequence[Ran]) -> Ran:
    """What a case came to that has judged several parts: the worst that any has shown.

    What could not be judged in one part, or did not bind there, is as the others have it.
    """
    if len(runs) == 1:
        return runs[0]
    every = [finding for ran in runs for finding in ran.findings]
    best = {each.requirement: _WEIGHTS[0] for each in every}
    for each in every:
        best[each.requirement] = max(best[each.requirement], each.verdict, key=_WEIGHTS.index)
    telling = [each for each in every if each.verdict is best[each.requirement]]
    findings = {(each.requirement, each.message): each for each in reversed(telling)}
    unexplained = [ran.verdict for ran in runs if ran.verdict not in {each.verdict for each in ran.findings}]
    verdict = Verdict.worst([*best.values(), *unexplained], Verdict.PASS)
    shown = next((ran for ran in runs if ran.verdict is verdict), replace(runs[0], reason=""))
    return replace(
        shown,
        verdict=verdict,
        findings=tuple(reversed(findings.values())),
        seconds=sum(ran.seconds for ran in runs),
        waited=sum(ran.waited for ran in runs),
    )


_WEIGHTS = [
    Verdict.NOT_APPLICABLE,
    Verdict.INCONCLUSIVE,
    Verdict.PASS,
    Verdict.WARN,
    Verdict.FAIL,
    Verdict.ERROR,
]
"""Which of two verdicts on one requirement says more."""

_Told = Callable[[str], str]


def _cell(cell: Cell, told: _Told) -> Cell:
    kwh = None if cell.kwh_lost is None else round(cell.kwh_lost, 3)
    return replace(cell, kwh_lost=kwh, reason=told(cell.reason))


def _setpoint(setpoint: Setpoint, told: _Told) -> Setpoint:
    return replace(setpoint, answer=told(setpoint.answer), reason=told(setpoint.reason))


def _tried(tried: Tried, told: _Told) -> Tried:
    return replace(tried, was=told(tried.was), set_to=told(tried.set_to), why=told(tried.why))


def _shown(shown: Shown, told: _Told) -> Shown:
    return replace(shown, wrong=told(shown.wrong), why=told(shown.why))
