"""Mutants of the 1.6 station: the reference with one deliberate defect each.

A mutant derives `ReferenceStation16`, overrides a method and says in its class body which requirement that breaks:
`breaks`, and in `also` what unavoidably goes with it. The docstring says what is wrong with it, its name on command
lines is the class name in kebab-case. Every module in this package is searched.
"""

from __future__ import annotations

import re
from importlib import import_module
from pkgutil import iter_modules

from conformance.reference.mutants16.control import Control16
from conformance.reference.station16 import ReferenceStation16

__all__ = ["CONTROL", "all_mutants", "claims_of", "name_of"]

CONTROL: type[ReferenceStation16] = Control16

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def name_of(mutant: type[ReferenceStation16]) -> str:
    """Return the name of a mutant: its class name in kebab-case."""
    return _WORD_START.sub("-", mutant.__name__).lower()


def claims_of(variant: type[ReferenceStation16]) -> dict[str, bool]:
    """Return what a variant can do other than the reference station, by the names of features in a profile."""
    return dict(getattr(variant, "claims", {}))


def all_mutants() -> dict[str, type[ReferenceStation16]]:
    """Import every module of this package and return its mutants by name; the control is not one."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    found: dict[str, type[ReferenceStation16]] = {}
    for mutant in _descendants(ReferenceStation16):
        if mutant.__module__.startswith(f"{__name__}.") and vars(mutant).get("breaks"):
            name = name_of(mutant)
            if name in found and found[name] is not mutant:
                raise ValueError(f"two mutants are called {name}: {found[name].__module__}, {mutant.__module__}")
            found[name] = mutant
    return dict(sorted(found.items()))


def _descendants(parent: type[ReferenceStation16]) -> set[type[ReferenceStation16]]:
    """Return every class derived from `parent`."""
    children = set(parent.__subclasses__())
    return children.union(*(_descendants(child) for child in children))
