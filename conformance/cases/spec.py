"""`with spec("B01.FR.05"):` turns plain asserts into findings."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from conformance.cases.case import Case
from conformance.cases.catalogue import Catalogue
from conformance.cases.matrix import Cell
from conformance.cases.setpoint import Chart, Setpoint
from conformance.cases.tried import Tried
from conformance.cases.verdict import Finding, Verdict
from conformance.cases.zoo import Shown


class CaseOver(Exception):  # noqa: N818 -- not an error: the case has said all it can
    """A requirement that had to hold did not; the rest of the case would say nothing."""


class UndeclaredRequirementError(Exception):
    """A case judged a requirement that it does not declare: a mistake in the case."""


Touched = Callable[[], tuple[int, ...]]
"""Gives the numbers of the transcript entries that the case has looked at since the last call."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A requirement that another case has found broken, and that case's part of the transcript."""

    case: str
    requirement: str
    first: int
    last: int


_FEW = 4

_BROKEN_PAYLOAD = (LookupError, TypeError, ValueError, AttributeError)


class Spec:
    """Collects the findings of one case."""

    def __init__(
        self,
        case: Case,
        catalogue: Catalogue,
        *,
        touched: Touched = tuple,
        malformed: Callable[[], str] = str,
        counted: Sequence[Counted] = (),
    ) -> None:
        """Judge `case` by the levels in `catalogue`.

        `malformed` says what is wrong, by the schema, with the messages that the case looked at, or nothing: a case
        that stumbles over such a message has found a fault of the SUT, not one of the harness. `counted` is what other
        cases have found already, for one that judges the whole transcript.
        """
        self.case = case
        self.findings: list[Finding] = []
        self.cells: list[Cell] = []
        """What the case found for the table of faults and moments."""
        self.setpoints: list[Setpoint] = []
        """What became of the charging limits that the case asked for."""
        self.charts: list[Chart] = []
        """How they were kept over time."""
        self.tried: list[Tried] = []
        """What became of the settings that the case changed, and which it left alone."""
        self.shown: list[Shown] = []
        """What became of the certificates, versions and suites of TLS that the case showed."""
        self._recent: tuple[int, ...] = ()
        self._catalogue = catalogue
        self._touched = touched
        self._malformed = malformed
        self._counted = counted

    @contextmanager
    def __call__(self, requirement: str) -> Iterator[None]:
        """Judge one requirement: an assertion that fails is noted, and the case goes on after the block.

        Here and below a requirement may be named by its id in any version of OCPP. Where the version that is spoken has
        no such rule, nothing is noted.
        """
        yield from self._block(requirement, must=False)

    @contextmanager
    def must(self, requirement: str) -> Iterator[None]:
        """Judge one requirement without which the rest of the case says nothing: a miss ends the case."""
        yield from self._block(requirement, must=True)

    def excuse(self, requirement: str, because: str) -> None:
        """Say that a declared requirement does not bind in what just happened: the documents allow this branch."""
        self._note(requirement, Verdict.NOT_APPLICABLE, because)

    def unproven(self, requirement: str, because: str) -> None:
        """Say that a declared requirement could not be judged."""
        self._note(requirement, Verdict.INCONCLUSIVE, because)

    def warn(self, requirement: str, message: str) -> None:
        """Note something short of a violation: the documents leave it open, and a buyer wants to know."""
        self._note(requirement, Verdict.WARN, message)

    def declares(self, requirement: str) -> bool:
        """Whether the case declares this, by its id in any version, and the version that is spoken has such a rule."""
        return any(each in self.case.requirements for each in self._catalogue.named(requirement))

    def counted(self, requirement: str, entry: int) -> str:
        """The case that has this entry of the transcript to show for what breaks this requirement; empty if none has.

        Nothing is told twice: what a scenario led to is found by the case that is about it.
        """
        name = self._name(requirement)
        here = (each for each in self._counted if each.requirement == name and each.first <= entry < each.last)
        return next((each.case for each in here), "")

    @property
    def judged(self) -> frozenset[str]:
        """The requirements with a finding."""
        return frozenset(finding.requirement for finding in self.findings)

    def _block(self, requirement: str, *, must: bool) -> Iterator[None]:
        self._name(requirement)
        self._recent = self._touched() or self._recent
        try:
            yield
        except AssertionError as miss:
            self._missed(requirement, said(miss))
            if must:
                raise CaseOver(requirement) from miss
        except _BROKEN_PAYLOAD as stumble:
            wrong = self._malformed()
            if not wrong:
                raise
            self._missed(requirement, f"{wrong} ({type(stumble).__name__}: {stumble})")
            if must:
                raise CaseOver(requirement) from stumble
        else:
            self._note(requirement, Verdict.PASS, "")

    def _missed(self, requirement: str, message: str) -> None:
        name = self._name(requirement)
        if name is not None:
            self._note(name, Verdict.FAIL if self._catalogue[name].binding else Verdict.WARN, message)

    def _note(self, requirement: str, verdict: Verdict, message: str) -> None:
        """Note a finding; one whose block looked at nothing new is about what was looked at last before it."""
        name = self._name(requirement)
        touched = self._touched()
        self._recent = touched or self._recent
        if name is not None:
            self.findings.append(Finding(name, verdict, message, touched or self._recent[-_FEW:]))

    def _name(self, requirement: str) -> str | None:
        """The id of a requirement in the version that is spoken, None where that has no such rule."""
        means = self._catalogue.named(requirement)
        declared = self.case.requirements
        if not means:
            return None
        chosen = [each for each in means if each in declared or not declared]
        if len(chosen) == 1:
            return chosen[0]
        if chosen:
            raise UndeclaredRequirementError(
                f"{self.case.id} judges {requirement}, which may mean {' or '.join(chosen)}: name the one that is meant"
            )
        raise UndeclaredRequirementError(
            f"{self.case.id} judges {requirement} without declaring it: add it to `requirements` of the case"
        )


def said(miss: AssertionError) -> str:
    """What an assertion says in its own words, without the comparison that pytest adds to them."""
    message, rewritten, comparison = str(miss).partition("\nassert ")
    return message if rewritten else comparison or message


def conclude(spec: Spec, *, finished: bool) -> Verdict:
    """The verdict of a case: its worst finding. What was excused is no fault, and no reason to leave the case out.

    A case that ran to its end (`finished`) without judging everything that it declares is an ERROR: nobody may pass
    by not being looked at.
    """
    missing = [each for each in spec.case.requirements if each not in spec.judged]
    if finished:
        spec.findings.extend(Finding(each, Verdict.ERROR, "declared by the case, but never judged") for each in missing)
    decided = (each.verdict for each in spec.findings if each.verdict is not Verdict.NOT_APPLICABLE)
    return Verdict.worst(decided, Verdict.PASS)
