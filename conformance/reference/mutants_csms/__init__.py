"""Mutants of the reference CSMS: one deliberate defect each.

A mutant derives `ReferenceCsms`, overrides a method and says in its class body which requirement that breaks:
`breaks`, and in `also` what unavoidably goes with it. The docstring says what is wrong with it, its name on command
lines is the class name in kebab-case. Every module in this package is searched.
"""

from __future__ import annotations

import re
from importlib import import_module
from pkgutil import iter_modules

from conformance.reference.csms import ReferenceCsms
from conformance.reference.mutants_csms.control import Control

__all__ = ["CONTROL", "all_mutants", "name_of"]

CONTROL: type[ReferenceCsms] = Control

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def name_of(mutant: type[ReferenceCsms]) -> str:
    """Return the name of a mutant: its class name in kebab-case."""
    return _WORD_START.sub("-", mutant.__name__).lower()


def all_mutants() -> dict[str, type[ReferenceCsms]]:
    """Import every module of this package and return its mutants by name; the control is not one."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    found: dict[str, type[ReferenceCsms]] = {}
    for mutant in _descendants(ReferenceCsms):
        if mutant.__module__.startswith(f"{__name__}.") and vars(mutant).get("breaks"):
            name = name_of(mutant)
            if name in found and found[name] is not mutant:
                raise ValueError(f"two mutants are called {name}: {found[name].__module__}, {mutant.__module__}")
            found[name] = mutant
    return dict(sorted(found.items()))


def _descendants(parent: type[ReferenceCsms]) -> set[type[ReferenceCsms]]:
    """Return every class derived from `parent`."""
    children = set(parent.__subclasses__())
    return children.union(*(_descendants(child) for child in children))
