"""Declaring cases, and what they are in each version of OCPP."""

import re

import pytest

from conformance.cases.case import Case, case, cases_of
from conformance.cases.catalogue import Catalogue, Level, Requirement, catalogue


def row(id_: str, edition: str = "1.6", *, like: str = "", level: Level = Level.SHALL) -> Requirement:
    return Requirement(id_, level, "", "", edition, like=like)


def edition(*rows: Requirement) -> Catalogue:
    return Catalogue(rows[0].edition, {each.id: each for each in rows})


# -- declaring --------------------------------------------------------------------------------------------------------


def test_a_case() -> None:
    @case("TC_B_01_CS", "Cold boot", requirements=["B01.FR.01"])
    def test_boot() -> None: ...

    assert cases_of(test_boot) == (Case("TC_B_01_CS", "Cold boot", "station", ("2.0.1",), ("B01.FR.01",)),)
    assert cases_of(test_boot)[0].official
    assert cases_of(print) == ()


def test_several_declarations_of_one_function_in_the_order_in_which_they_stand() -> None:
    @case("ONE_CS", "one", requirements=["R"])
    @case("TWO_CS", "two", versions=["1.6"], requirements=["R"])
    @case("THREE_CSMS", "three", versions=["2.0.1", "1.6"], requirements=["R"])
    def test_it() -> None: ...

    found = cases_of(test_it)
    assert [each.id for each in found] == ["ONE_CS", "TWO_CS", "THREE_CSMS"]
    kinds = [(role, version) for role in ("station", "csms") for version in ("2.0.1", "1.6")]
    concerned = [[each.id for each in found if each.concerns(*kind)] for kind in kinds]
    assert concerned == [["ONE_CS"], ["TWO_CS"], ["THREE_CSMS"], ["THREE_CSMS"]]


@pytest.mark.parametrize(
    ("second", "versions", "message"),
    [
        ("TWO_CS", ["2.0.1"], "TWO_CS: the function is ONE_CS already for that role and version"),
        ("TWO_CS", ["1.6", "2.0.1"], "TWO_CS: the function is ONE_CS already for that role and version"),
        ("ONE_CS", ["1.6"], "ONE_CS: the function is declared that twice; name all versions in one declaration"),
    ],
)
def test_two_declarations_that_contradict_each_other(second: str, versions: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):

        @case(second, "two", versions=versions, requirements=["R"])
        @case("ONE_CS", "one", requirements=["R"])
        def test_it() -> None: ...


def test_the_role_can_be_said_where_the_id_does_not_say_it() -> None:
    @case("ACME-7", "x", requirements=["R"], role="csms")
    def test_it() -> None: ...

    assert cases_of(test_it)[0].role == "csms"


def test_a_case_that_judges_nothing() -> None:
    with pytest.raises(ValueError, match="ACME-7: a case must name at least one requirement"):
        case("ACME-7", "x", requirements=[])


# -- in one version ---------------------------------------------------------------------------------------------------


def test_requirements_by_the_ids_of_the_version() -> None:
    both = Case("X", "x", versions=("2.0.1", "1.6"), requirements=("B01.FR.08", "16.BOOT.07", "ACME-1"))
    old, new = both.for_version("1.6"), both.for_version("2.0.1")
    assert old == Case("X", "x", versions=("1.6",), requirements=("16.BOOT.04", "16.BOOT.07", "ACME-1"))
    assert new == Case("X", "x", versions=("2.0.1",), requirements=("B01.FR.08", "ACME-1"))
    assert Case("X", "x").for_version("1.6").requirements == ()


@pytest.mark.parametrize(
    ("requirement", "version", "message"),
    [
        ("16.BOOT.07", "2.0.1", "X: OCPP 2.0.1 has none of the requirements that it declares"),
        ("CSMS.RESET.01", "1.6", "X: CSMS.RESET.01 may mean 16.RESET.11 or 16.RESET.12 in OCPP 1.6: declare which"),
    ],
)
def test_a_declaration_that_is_not_clear_in_a_version(requirement: str, version: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Case("X", "x", versions=("2.0.1", "1.6"), requirements=(requirement,)).for_version(version)


# -- the catalogue ----------------------------------------------------------------------------------------------------


def test_names_of_the_other_edition() -> None:
    assert catalogue("1.6").named("B01.FR.08") == ("16.BOOT.04",)
    assert catalogue("2.0.1").named("16.BOOT.04") == ("B01.FR.08",)
    assert catalogue("2.0.1").named("16.BOOT.07") == ()
    assert catalogue("1.6").named("CSMS.RESET.01") == ("16.RESET.11", "16.RESET.12")
    for version in ("2.0.1", "1.6"):
        assert catalogue(version).named("ACME-1") == ("ACME-1",)


def test_one_of_several_is_meant_where_it_is_declared_by_its_own_id() -> None:
    assert catalogue("1.6").judged(["CSMS.RESET.01", "16.RESET.12"]) == ("16.RESET.12",)
    assert catalogue("1.6").judged(["K01.FR.16"], "station") == ("16.CP.21",)
    assert catalogue("1.6").judged(["K01.FR.16"], "csms") == ("16.PROFILECS.07",)
    assert catalogue("2.0.1").judged(["16.RESET.11", "16.RESET.12"]) == ("CSMS.RESET.01",)


def test_what_rows_are_like_are_rows_of_the_newer_edition() -> None:
    assert not [each.id for each in catalogue("2.0.1") if each.like]


def test_an_edition_of_which_nothing_is_known() -> None:
    future = catalogue("3.0")
    assert list(future) == []
    assert "B01.FR.01" not in future
    assert future["B01.FR.01"].binding


def test_a_rule_that_is_unclear_or_only_recommended_does_not_bind() -> None:
    own = edition(row("A"), row("B", level=Level.SHOULD), row("C"))
    assert own["A"].binding
    assert not own["B"].binding
    assert not Requirement("C", Level.SHALL, "", "", "1.6", unclear="two answers").binding
