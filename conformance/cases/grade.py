"""The grade of a proof is set by the worst thing that failed in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from conformance.cases.verdict import Severity, Verdict


class Grade(StrEnum):
    """From A (nothing failed) to F (what the proof exists for failed); NG: not graded."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    F = "F"
    NG = "NG"

    @property
    def rank(self) -> int:
        """0 for A up to 4 for F; a proof that is not graded ranks with F: that is what it may turn out to be."""
        return min(list(Grade).index(self), _F_RANK)

    def passes(self, gate: "Grade") -> bool:
        """Whether this grade is as good as `gate` or better; one that is not given counts as F."""
        return self.rank <= gate.rank


_F_RANK = 4
_FAILED = {Severity.MINOR: Grade.B, Severity.NORMAL: Grade.C, Severity.CRITICAL: Grade.D, Severity.BLOCKER: Grade.F}
_UNPROVEN = (Verdict.INCONCLUSIVE, Verdict.ERROR)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one case of a proof came to.

    `verdict` is None for a case that did not run. `found` is the worst that was found out for certain before a case
    became inconclusive (a WARN for instance), `judged` of `planned` its requirements that have a verdict.
    """

    severity: Severity
    verdict: Verdict | None
    found: Verdict = Verdict.PASS
    judged: int = 0
    planned: int = 0


@dataclass(frozen=True, slots=True)
class Graded:
    """A grade with its bounds and its coverage.

    `lower` counts what is unproven as failed, `upper` as passed. `judged` and `planned` count requirements, once for
    each case that asks for them; those of cases that do not apply are in neither.
    """

    grade: Grade
    lower: Grade
    upper: Grade
    judged: int
    planned: int
    unproven: int
    reason: str = ""

    def __str__(self) -> str:
        """One line for people: the grade, what it could be, and the coverage."""
        if self.reason:
            return f"not graded: {self.reason}"
        coverage = f"{self.judged} of {self.planned} requirement checks judged"
        unproven = f"{self.unproven} {'case' if self.unproven == 1 else 'cases'} unproven"
        if self.grade is Grade.NG:
            return f"not graded: could be {self.lower} or {self.upper}, {unproven}; {coverage}"
        if self.lower is not self.upper:
            return f"{self.grade}, could be {self.upper}: {unproven}; {coverage}"
        return f"{self.grade}: {coverage}"


def grade(outcomes: Sequence[Outcome]) -> Graded:
    """Grade one proof from the outcomes of its cases; the order does not matter."""
    applicable = [each for each in outcomes if each.verdict is not Verdict.NOT_APPLICABLE]
    if not applicable:
        reason = "no case applies" if outcomes else "no cases"
        return Graded(Grade.NG, Grade.NG, Grade.NG, 0, 0, 0, reason)
    lower = max((_bound(each, unproven_fails=True) for each in applicable), key=lambda each: each.rank)
    upper = max((_bound(each, unproven_fails=False) for each in applicable), key=lambda each: each.rank)
    undecided = lower is Grade.F and upper is not Grade.F
    return Graded(
        grade=Grade.NG if undecided else lower,
        lower=lower,
        upper=upper,
        judged=sum(each.judged for each in applicable),
        planned=sum(each.planned for each in applicable),
        unproven=sum(each.verdict is None or each.verdict in _UNPROVEN for each in applicable),
    )


def _bound(outcome: Outcome, *, unproven_fails: bool) -> Grade:
    if outcome.verdict is Verdict.FAIL:
        return _FAILED[outcome.severity]
    unproven = outcome.verdict is None or outcome.verdict in _UNPROVEN
    if unproven and (unproven_fails or outcome.found is Verdict.FAIL):
        return _FAILED[outcome.severity]
    return Grade.B if Verdict.WARN in (outcome.verdict, outcome.found) else Grade.A


def weakest(proofs: Sequence[Graded]) -> Graded | None:
    """The overall grade: that of the weakest proof, of those that have cases."""
    return max((each for each in proofs if not each.reason), key=_weakness, default=None)


def _weakness(graded: Graded) -> tuple[int, bool, int]:
    return graded.grade.rank, graded.grade is Grade.NG, graded.upper.rank
