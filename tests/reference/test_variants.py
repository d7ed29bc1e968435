"""The registry of references, controls and mutants."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from conformance.cases.proving import OTHERS
from conformance.reference.mutants.control import Plain
from conformance.reference.variants import claims_of, mutants_in, name_of, named, variants

if TYPE_CHECKING:
    from pathlib import Path

FAMILIES = [("station", "2.0.1"), ("station", "1.6"), ("csms", "2.0.1"), ("csms", "1.6")]
MODULE = """
from conformance.reference.csms import ReferenceCsms
class LosesKeys(ReferenceCsms):
    breaks = "X.1"
class OfOneVersion(LosesKeys):
    breaks = "X.2"
    versions = ("1.6",)
class Helper(LosesKeys):
    pass
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    made = ModuleType("some_mutants")
    made.__path__ = [str(tmp_path)]
    monkeypatch.setitem(sys.modules, "some_mutants", made)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "one.py").write_text(MODULE)
    yield made
    for name in [name for name in sys.modules if name.startswith("some_mutants.")]:
        del sys.modules[name]


@pytest.mark.parametrize("family", FAMILIES, ids=" ".join)
def test_every_family(family: tuple[str, str]) -> None:
    known = variants(*family)
    assert list(known.mutants) == sorted(known.mutants)
    for name, mutant in known.mutants.items():
        assert name_of(mutant) == name
        assert issubclass(mutant, known.reference)
        assert mutant.__doc__
    for other in (known.control, *known.others.values()):
        assert issubclass(other, known.reference)
        assert other not in known.mutants.values()
    assert set(known.others) <= set(OTHERS)


def test_unknown_family() -> None:
    with pytest.raises(ValueError, match=r"expected one of station 2\.0\.1, .*; got station 3\.0"):
        variants("station", "3.0")


def test_only_what_breaks_something_itself_is_a_mutant(package: ModuleType) -> None:
    assert sorted(mutants_in(package)) == ["loses-keys", "of-one-version"]


def test_versions(package: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.reference.variants.mutants_in", lambda _: mutants_in(package))
    chosen = variants.__wrapped__
    assert list(chosen("csms", "2.0.1").mutants) == ["loses-keys"]
    assert list(chosen("csms", "1.6").mutants) == ["loses-keys", "of-one-version"]


def test_two_of_one_name(package: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "two.py").write_text(MODULE)
    with pytest.raises(ValueError, match=r"two mutants are called loses-keys: some_mutants\.one, some_mutants\.two"):
        mutants_in(package)


def test_by_name() -> None:
    known = variants("station", "1.6")
    assert named(None, "station", "1.6") is known.reference
    assert named("control16", "station", "1.6") is known.control
    assert named("clock-not-set", "station", "1.6") is known.mutants["clock-not-set"]
    assert named("plain", "station", "2.0.1") is Plain
    with pytest.raises(ValueError, match=r"expected one of .*clock-not-set, .*; got nonsense"):
        named("nonsense", "station", "1.6")


def test_names_and_claims() -> None:
    assert name_of(type("BreaksEVSEList", (), {})) == "breaks-evse-list"
    assert claims_of(Plain)["reset-evse"] is False
    assert claims_of(variants("station", "1.6").control) == {}
