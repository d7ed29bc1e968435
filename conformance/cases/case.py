"""What a case is: an id, what it judges, for whom, and how much it matters."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from conformance.cases.verdict import Severity

Role = Literal["station", "csms"]
Function = TypeVar("Function", bound=Callable[..., Any])

ATTRIBUTE = "__ocpp_case__"


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario and the requirements that it judges.

    `needs` is an applicability expression over the claims of the profile, in readable names or official ids
    (`reset-evse and evses > 1`, `NOT C-56`); empty where the case applies to everyone.
    """

    id: str
    title: str
    role: Role = "station"
    versions: tuple[str, ...] = ("2.0.1",)
    requirements: tuple[str, ...] = ()
    severity: Severity = Severity.NORMAL
    needs: str = ""
    always_on: bool = False

    @property
    def official(self) -> bool:
        """Whether the id is one of the official test cases."""
        return self.id.startswith("TC_")


def case(  # noqa: PLR0913 -- a case is declared in one place, by keyword
    id: str,  # noqa: A002 -- the field's own word
    title: str,
    *,
    requirements: Iterable[str],
    severity: Severity = Severity.NORMAL,
    needs: str = "",
    versions: Iterable[str] = ("2.0.1",),
    role: Role | None = None,
    always_on: bool = False,
) -> Callable[[Function], Function]:
    """Declare a test function a case.

    The role is that of the system under test; unless given, an id ending in `_CSMS` means the CSMS, any other the
    station. `always_on` cases judge the transcript of the whole run and run last, whatever was selected.
    """
    declared = Case(
        id=id,
        title=title,
        role=role or ("csms" if id.endswith("_CSMS") else "station"),
        versions=tuple(versions),
        requirements=tuple(requirements),
        severity=severity,
        needs=needs,
        always_on=always_on,
    )
    if not declared.requirements:
        raise ValueError(f"{id}: a case must name at least one requirement that it judges")

    def mark(function: Function) -> Function:
        setattr(function, ATTRIBUTE, declared)
        return function

    return mark


def case_of(function: object) -> Case | None:
    """The case that a test function was declared to be, if any."""
    return getattr(function, ATTRIBUTE, None)
