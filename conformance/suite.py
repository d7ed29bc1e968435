"""The cases that the harness ships: which there are, without running them."""

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from conformance.cases.case import Case, cases_of
from conformance.files import data

SETTINGS = "suite.ini"


def folder() -> Path:
    """The folder of the test cases."""
    return data("testcases")


@cache
def all_cases() -> dict[str, Case]:
    """Every case by its id; raises ValueError where two have the same."""
    found: dict[str, Case] = {}
    for path in sorted(folder().rglob("test_*.py")):
        for value in vars(_load(path)).values():
            for case in cases_of(value):
                if case.id in found:
                    raise ValueError(f"{path}: the case id {case.id} is taken already")
                found[case.id] = case
    return found


def _load(path: Path) -> ModuleType:
    name = f"_ocpp_suite_{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    return module
