"""Whether the tests of the tests hold: each mutant blamed for exactly what it breaks, the reference for nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from conformance.cases.case import Case
from conformance.cases.verdict import Verdict

REFERENCE = "reference"
CONTROL = "control"
OTHERS = ("plain", "unmanaged")
"""Other compliant stations, for the cases that need one that can less."""
BLAME = (Verdict.FAIL, Verdict.WARN)


@dataclass(frozen=True, slots=True)
class Breaks:
    """What a mutant is meant to break: one requirement, and what unavoidably goes with it.

    The one requirement has several ids where a version of OCPP splits it.
    """

    requirements: tuple[str, ...]
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """What one case said of one variant of the reference; `target` is its role and version."""

    target: str
    case: str
    variant: str
    verdict: Verdict
    blamed: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Proving:
    """The result of a proving run.

    `requirements` counts the pairs of a case and a requirement that it declares; a pair is proven when a mutant of
    that requirement was blamed for it by that case.
    """

    requirements: int
    proven: int
    survivors: tuple[str, ...]
    wrongly_blamed: tuple[str, ...]
    reference_failures: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """Whether everything is proven and nobody is blamed wrongly."""
        return self.proven == self.requirements and not (
            self.survivors or self.wrongly_blamed or self.reference_failures
        )


def prove(
    cases: Iterable[Case], mutants: Mapping[str, Breaks], trials: Iterable[Trial], left_out: Iterable[Case] = ()
) -> Proving:
    """Judge the trials of the chosen cases.

    A survivor is a pair that no mutant proves, or a mutant that was tried and never blamed, unless a case that was left
    out may be the one that blames it.
    """
    elsewhere = {requirement for case in left_out for requirement in case.requirements}
    pairs = {(case.id, requirement) for case in cases for requirement in case.requirements}
    proven: set[tuple[str, str]] = set()
    caught: set[str] = set()
    tried: set[str] = set()
    wrongly: list[str] = []
    failures: list[str] = []
    for trial in trials:
        mutant = mutants.get(trial.variant)
        if mutant is None:
            if trial.verdict is not Verdict.PASS:
                failures.append(f"{trial.case} on the {trial.variant}: {trial.verdict} {_because(trial)}")
            continue
        tried.add(trial.variant)
        meant = set(mutant.requirements) & set(trial.blamed)
        if meant:
            proven |= {(trial.case, each) for each in meant}
            caught.add(trial.variant)
        wrong = sorted(set(trial.blamed) - {*mutant.requirements, *mutant.also})
        if wrong:
            wrongly.append(
                f"{trial.case} blames {trial.variant} (breaks {'/'.join(mutant.requirements)}) for {', '.join(wrong)}: "
                f"{trial.reason}"
            )
        elif trial.verdict is Verdict.ERROR:
            wrongly.append(f"{trial.case} on {trial.variant}: ERROR {trial.reason}")
    survivors = [f"{case}: no mutant is blamed for {requirement}" for case, requirement in sorted(pairs - proven)]
    survivors += [
        f"{name} (breaks {'/'.join(mutants[name].requirements)}) is never blamed"
        for name in sorted(tried - caught)
        if not elsewhere & set(mutants[name].requirements)
    ]
    return Proving(len(pairs), len(pairs & proven), tuple(survivors), tuple(wrongly), tuple(failures))


def together(parts: Mapping[str, Proving]) -> Proving:
    """Several results as one, by the target that each is about."""
    return Proving(
        sum(each.requirements for each in parts.values()),
        sum(each.proven for each in parts.values()),
        tuple(f"{target}: {line}" for target, each in parts.items() for line in each.survivors),
        tuple(f"{target}: {line}" for target, each in parts.items() for line in each.wrongly_blamed),
        tuple(f"{target}: {line}" for target, each in parts.items() for line in each.reference_failures),
    )


def _because(trial: Trial) -> str:
    return ", ".join(trial.blamed) + (f" ({trial.reason})" if trial.reason else "")
