"""The references of each role and version, their controls and their mutants.

A mutant derives the reference of its package, overrides a method and says in its class body which requirement that
breaks: `breaks`, and in `also` what unavoidably goes with it. Its docstring says what is wrong with it, its name on
command lines is the class name in kebab-case. A mutant of the CSMS serves both versions unless it has `versions`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from conformance.reference import mutants, mutants16, mutants_csms
from conformance.reference.csms import ReferenceCsms
from conformance.reference.mutants.control import Control, Plain, Unmanaged
from conformance.reference.mutants16.control import Control16, Plain16
from conformance.reference.mutants_csms.control import Control as ControlCsms
from conformance.reference.station import ReferenceStation
from conformance.reference.station16 import ReferenceStation16

_FAMILIES: dict[tuple[str, str], tuple[ModuleType, type, type, dict[str, type]]] = {
    ("station", "2.0.1"): (mutants, ReferenceStation, Control, {"plain": Plain, "unmanaged": Unmanaged}),
    ("station", "1.6"): (mutants16, ReferenceStation16, Control16, {"plain": Plain16}),
    ("csms", "2.0.1"): (mutants_csms, ReferenceCsms, ControlCsms, {}),
    ("csms", "1.6"): (mutants_csms, ReferenceCsms, ControlCsms, {}),
}
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True)
class Variants:
    """The compliant reference, others as compliant that differ where they may, and the mutants by name.

    `others` are compliant stations, by name, for the cases that need one that can less.
    """

    reference: type
    control: type
    others: dict[str, type]
    mutants: dict[str, type]


@cache
def variants(role: str, version: str) -> Variants:
    """Return the variants of "station" or "csms" for OCPP "2.0.1" or "1.6"; ValueError when there are none."""
    if (role, version) not in _FAMILIES:
        known = ", ".join(" ".join(family) for family in _FAMILIES)
        raise ValueError(f"expected one of {known}; got {role} {version}")
    package, reference, control, others = _FAMILIES[role, version]
    found = mutants_in(package)
    chosen = {name: found[name] for name in sorted(found) if version in getattr(found[name], "versions", (version,))}
    return Variants(reference, control, others, chosen)


def mutants_in(package: ModuleType) -> dict[str, type]:
    """Import every module of a package and return its mutants by name; ValueError when two have the same."""
    found: dict[str, type] = {}
    for info in iter_modules(package.__path__, f"{package.__name__}."):
        for each in vars(import_module(info.name)).values():
            if not (isinstance(each, type) and each.__module__ == info.name and vars(each).get("breaks")):
                continue
            other = found.setdefault(name_of(each), each)
            if other is not each:
                raise ValueError(f"two mutants are called {name_of(each)}: {other.__module__}, {each.__module__}")
    return found


def named(name: str | None, role: str, *versions: str) -> type:
    """Return the reference when there is no name, else its control or mutant of that name; ValueError for others."""
    of_role = [variants(role, version) for version in versions]
    if name is None:
        return of_role[0].reference
    known: dict[str, type] = {}
    for each in of_role:
        known |= each.mutants | {name_of(other): other for other in (each.control, *each.others.values())}
    if name not in known:
        raise ValueError(f"expected one of {', '.join(sorted(known))}; got {name}")
    return known[name]


def name_of(variant: type) -> str:
    """Return the name of a variant on command lines: its class name in kebab-case."""
    return _WORD_START.sub("-", variant.__name__).lower()


def claims_of(variant: type) -> dict[str, bool]:
    """Return what a variant can do other than its reference, by the names of features in a profile."""
    return dict(getattr(variant, "claims", {}))
