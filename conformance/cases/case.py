"""What a case is: an id, what it judges, for whom, and how much it matters."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from conformance.cases.catalogue import catalogue
from conformance.cases.verdict import Severity

Role = Literal["station", "csms"]
Function = TypeVar("Function", bound=Callable[..., Any])

ATTRIBUTE = "__ocpp_cases__"


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario and the requirements that it judges.

    `requirements` may be named by their ids in any version: each version judges those that it has, by its own rules.
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

    def concerns(self, role: Role, version: str) -> bool:
        """Whether the case is about this kind of system under test."""
        return role == self.role and version in self.versions

    def for_version(self, version: str) -> "Case":
        """The case as it stands in one version of OCPP: its requirements by the ids that they have there.

        Raises ValueError where that is not clear, or where that version has none of them.
        """
        try:
            judged = catalogue(version).judged(self.requirements, self.role)
        except ValueError as error:
            raise ValueError(f"{self.id}: {error}") from None
        if self.requirements and not judged:
            raise ValueError(f"{self.id}: OCPP {version} has none of the requirements that it declares")
        return replace(self, versions=(version,), requirements=judged)


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

    A function may be declared several times, once for each kind of system under test that knows its scenario under an
    id of its own.
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
        others = cases_of(function)
        for other in others:
            if other.id == declared.id:
                raise ValueError(f"{id}: the function is declared that twice; name all versions in one declaration")
            if other.role == declared.role and set(other.versions) & set(declared.versions):
                raise ValueError(f"{id}: the function is {other.id} already for that role and version")
        setattr(function, ATTRIBUTE, (declared, *others))
        return function

    return mark


def cases_of(function: object) -> tuple[Case, ...]:
    """The cases that a test function was declared to be: one for each role and version at most."""
    return getattr(function, ATTRIBUTE, ())
