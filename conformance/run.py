"""One run: what it was asked to do, what it found, and the folder that it leaves behind."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from importlib.metadata import version
from itertools import product
from pathlib import Path

from conformance import suite
from conformance.cases.case import Case
from conformance.cases.grade import Grade, Graded, grade, weakest
from conformance.cases.plan import Plan, PlanError, load_plan
from conformance.files import data
from conformance.report import view
from conformance.report.certificate import write_certificate
from conformance.report.latest import point_latest
from conformance.report.result import CaseRow, ProofRow, RunResult
from conformance.sut.profile import ProfileError, SutProfile, load_profile, resolve_all
from conformance.target import BadInputError, Part, Target

OWN_CASES = "own cases"
_OWN_ASKS = "What the cases outside of the plan ask."


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line asked for."""

    sut: str
    plan: str | None = None
    proofs: tuple[str, ...] = ()
    gate: str = "B"
    reports: str = "reports"
    fault_matrix: bool = False
    side_by_side: bool = False
    """Whether the proofs of a target are judged apart from each other, each on a system under test of its own."""

    def takes(self, proof: str) -> bool:
        """Whether a proof was asked for."""
        return not self.proofs or proof in self.proofs


@dataclass
class Run:
    """A run against a system under test, in each of the versions that its profile names.

    Raises BadInputError for a profile, plan, proof, gate or reports folder that can't be used.
    """

    settings: Settings
    shared: str = ""
    """The folder of the run where another process has made it; this one writes transcripts there, and no report."""
    profiles: tuple[SutProfile, ...] = field(init=False)
    targets: tuple[Target, ...] = field(init=False)
    plan: Plan = field(init=False)
    gate: Grade = field(init=False)
    folder: Path = field(init=False)
    known: dict[str, Case] = field(init=False)
    """Every case that there is, whatever it is about."""
    notes: list[str] = field(default_factory=list)
    over: str = ""
    """Why the run ended early, where it did."""
    judges_plan: bool = True
    """Whether the plan was asked for; not where somebody runs tests of their own that are in no plan."""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        try:
            self.profiles = tuple(load_profile(path) for path in resolve_all(self.settings.sut))
            self.plan = load_plan(_plan_path(self.settings.plan))
        except (ProfileError, PlanError) as error:
            raise BadInputError(str(error)) from error
        self.known = dict(suite.all_cases())
        self.gate = _gate(self.settings.gate)
        _known_proofs(self.plan, self.settings.proofs)
        kinds = self._judgeable([profile.in_version(each) for profile in self.profiles for each in profile.versions])
        files = [self._transcripts(each, len(kinds)) for each in kinds]
        self.folder = (
            Path(self.shared)
            if self.shared
            else _new_folder(
                Path(self.settings.reports),
                _words(f"{each.sut.name} {'-'.join(each.versions)}" for each in self.profiles)[:60],
                self.started,
                [file for parts in files for file in parts.values()],
            )
        )
        self.targets = tuple(
            Target(kind, {name: self.folder / file for name, file in parts.items()})
            for kind, parts in zip(kinds, files, strict=True)
        )
        for target, case in product(self.targets, self.known.values()):
            target.take(case)

    # -- which cases ------------------------------------------------------------------------------------------------

    def _judgeable(self, kinds: Sequence[SutProfile]) -> list[SutProfile]:
        """Those that the harness has cases for; the others are noted. Raises BadInputError where none are left."""
        there = {(case.role, version) for case in self.known.values() for version in case.versions}
        able = [each for each in kinds if (each.role, each.version) in there]
        unable = [f"a {view.role_word(each.role)} of OCPP {each.version}" for each in kinds if each not in able]
        if not able:
            known = " or ".join(f"a {view.role_word(role)} of OCPP {version}" for role, version in sorted(there))
            raise BadInputError(
                f"{self.settings.sut}: expected {known}, got {' and '.join(unable)}, for which there are no cases yet; "
                f"change role or versions"
            )
        self.notes += [f"{each} is claimed, but not judged: there are no cases for it yet" for each in unable]
        return able

    def _transcripts(self, kind: SutProfile, kinds: int) -> Mapping[str, str]:
        """The names of the files that the transcripts of a target go to, by part."""
        proofs = [proof for proof in self.plan.proof if self.settings.takes(proof.name)]
        alone = {
            _words([proof.name]): None
            for proof in proofs
            for case in map(self.known.get, proof.cases)
            if case is not None and case.concerns(kind.role, kind.version) and not case.always_on
        }
        parts = alone if self.settings.side_by_side and len(alone) > 1 else {"": None}
        place = [] if kinds == 1 else [f"{kind.role}-{kind.version}"]
        return {part: "-".join(["transcript", *place, *([part] if part else [])]) + ".jsonl" for part in parts}

    def home(self, target: Target, id_: str) -> Part:
        """The part of a target that a case belongs to, by its proof; one that is always on judges the others too."""
        return target.parts.get(_words([self.plan.proof_of(id_) or ""]), next(iter(target.parts.values())))

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
            self.known[case.id] = case
            for target in self.targets:
                target.take(case)
        self.judges_plan = any(id_ in places for target in self.targets for id_ in self.planned(target))
        self.check_plan()

    def check_plan(self) -> None:
        """See that each case of the plan is known; raises BadInputError."""
        for id_ in self.plan.case_ids():
            if id_ not in self.known:
                near = get_close_matches(id_, self.known, n=1)
                hint = f"did you mean {near[0]}?" if near else "`ocpp-conformance cases` lists them"
                raise BadInputError(
                    f"{_plan_path(self.settings.plan)}: [[proof]] cases: no case is called {id_}; {hint}"
                )

    def wants(self, target: Target, case: Case) -> bool:
        """Whether to run a case: one that the plan asks for, or one of the user's own, if it is about this target."""
        return target.concerns(case) and (case.id not in suite.all_cases() or case.id in self.planned(target))

    def planned(self, target: Target) -> list[str]:
        """The ids of the cases that were asked for of a target, in the plan's order, those that are always on last."""
        return target.due(self.plan.case_ids(self.settings.proofs))

    # -- what came of them --------------------------------------------------------------------------------------------

    def result(self, *, complete: bool) -> RunResult:
        """Everything found so far, graded."""
        proofs: list[ProofRow] = []
        rows: list[CaseRow] = []
        graded: list[Graded] = []
        found = {target: target.ran for target in self.targets}
        for target, ran in found.items():
            for proof, asks, ids in self._proofs(target):
                earned = grade([target.outcome(id_, ran.get(id_)) for id_ in ids])
                graded.append(earned)
                rows += [target.row(ran[id_], proof) for id_ in ids if id_ in ran]
                proofs.append(ProofRow.of(earned, proof=proof, asks=asks, role=target.role, version=target.version))
        overall = weakest(graded)
        return RunResult(
            plan=self.plan.title,
            plan_digest=self.plan.digest(self.known),
            suts=tuple(profile.describe() for profile in self.profiles),
            transcripts={
                f"{target.name} {part.name}".rstrip(): part.file.name
                for target in self.targets
                for part in target.parts.values()
            },
            harness={"name": "ocpp-conformance", "version": version("ocpp-conformance")},
            started=_text(self.started),
            finished=_text(datetime.now(UTC)),
            complete=complete and all(id_ in ran for target, ran in found.items() for id_ in self._due(target)),
            gate=self.gate,
            overall=overall.grade if overall else Grade.NG,
            proofs=tuple(proofs),
            cases=tuple(rows),
            notes=tuple(self.notes),
        )

    def finish(self, *, complete: bool) -> RunResult:
        """Write the result, the page and the pointer to the newest run; raises OSError where that can't be done."""
        self.close()
        result = self.result(complete=complete)
        result.save(self.folder / "result.json")
        write_certificate(result, self.folder / "certificate.html")
        point_latest(Path(self.settings.reports), self.folder)
        return result

    def note(self, message: str) -> str:
        """Note something for people; returns it without secrets."""
        for part in self._parts():
            message = part.transcript.secrets.text(message)
        self.notes.append(message)
        return message

    def stop(self, message: str) -> str:
        """Note why the run ends early; returns it without secrets."""
        self.over = self.note(message)
        return self.over

    def close(self) -> None:
        """Write no more transcripts."""
        for part in self._parts():
            part.sink.close()

    def discard(self) -> None:
        """Remove the folder of a run in which nothing was tried."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _parts(self) -> Iterable[Part]:
        return (part for target in self.targets for part in target.parts.values())

    def _due(self, target: Target) -> Iterable[str]:
        return dict.fromkeys([*(self.planned(target) if self.judges_plan else ()), *target.chosen])

    def _proofs(self, target: Target) -> Iterable[tuple[str, str, Sequence[str]]]:
        for proof in self.plan.proof if self.judges_plan else ():
            if self.settings.takes(proof.name):
                yield proof.name, proof.asks, [id_ for id_ in proof.cases if id_ in target.cases]
        own = [id_ for id_ in dict.fromkeys([*target.chosen, *target.ran]) if self.plan.proof_of(id_) is None]
        if own:
            yield OWN_CASES, _OWN_ASKS, own


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


def _new_folder(reports: Path, name: str, started: datetime, files: Iterable[str]) -> Path:
    """A folder of its own for this run; raises BadInputError where it can't be made, or these files in it."""
    stem = f"{started:%Y%m%dT%H%M%SZ}-{name}"
    for number in range(1000):
        folder = reports / (stem if number == 0 else f"{stem}-{number}")
        try:
            folder.mkdir(parents=True)
            for file in files:
                (folder / file).touch()
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


def _words(names: Iterable[str]) -> str:
    """Names as part of the name of a file."""
    words = "-".join(names).lower()
    return "".join(each if each.isalnum() or each in ".-" else "-" for each in words).strip("-")
