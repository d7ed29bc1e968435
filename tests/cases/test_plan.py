"""Plans: reading them, and that the shipped one and the shipped cases belong together."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from conformance import suite
from conformance.cases.case import Case
from conformance.cases.catalogue import catalogue
from conformance.cases.plan import Plan, PlanError, Proof, load_plan
from conformance.cases.verdict import Severity
from conformance.files import data

CASES = suite.all_cases()
SHIPPED = load_plan(data("testcases/plans/minimum-proof.toml"))
PROOFS = ["boot", "transactions", "smart-charging", "configuration", "security", "coexistence"]


# -- what is shipped --------------------------------------------------------------------------------------------------


def test_the_six_questions() -> None:
    assert [proof.name for proof in SHIPPED.proof] == PROOFS


def test_every_case_of_the_plan_exists() -> None:
    assert [id_ for id_ in SHIPPED.case_ids() if id_ not in CASES] == []


def test_every_case_is_in_one_proof() -> None:
    listed = Counter(id_ for proof in SHIPPED.proof for id_ in proof.cases)
    assert {id_: listed[id_] for id_ in CASES} == dict.fromkeys(CASES, 1)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_every_requirement_is_in_the_catalogue(case: Case) -> None:
    judged = {(version, each) for version in case.versions for each in case.for_version(version).requirements}
    assert {(version, each) for version, each in judged if each not in catalogue(version)} == set()
    assert {version for version, _ in judged} == {*case.versions}
    assert len(set(case.requirements)) == len(case.requirements)
    in_vain = [each for each in case.requirements if not any(catalogue(v).named(each) for v in case.versions)]
    assert in_vain == [], "none of the versions has such a rule"


def test_titles_tell_cases_apart() -> None:
    titles = Counter((case.title, case.role, version) for case in CASES.values() for version in case.versions)
    assert [title for title, count in titles.items() if count > 1] == []


def test_ids_say_whose_they_are() -> None:
    for case in CASES.values():
        assert case.id.endswith("_CS" if case.role == "station" else "_CSMS")


# -- reading ----------------------------------------------------------------------------------------------------------

GOOD = """
title = "Mine"
edition = 1
[[proof]]
name = "one"
asks = "?"
cases = ["A", "B"]
[[proof]]
name = "two"
asks = "?"
cases = ["B", "C"]
[[proof]]
name = "none"
asks = "?"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mine.toml"


def test_reads(path: Path) -> None:
    path.write_text(GOOD, encoding="utf-8")
    plan = load_plan(path)
    assert plan.case_ids() == ("A", "B", "C")
    assert plan.case_ids(["two"]) == ("B", "C")
    assert plan.case_ids(["two", "none"]) == ("B", "C")
    assert (plan.proof_of("B"), plan.proof_of("C"), plan.proof_of("D")) == ("one", "two", None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "the plan can't be read"),
        (b"\xff\xfe", "the plan can't be read"),
        (b"title =", "not valid TOML"),
        (b'title = "x"\nedition = 1', "required field `proof`"),
        (GOOD.replace("edition = 1", "edition = []").encode(), "Expected `int`, got `array` - at `$.edition`"),
        (GOOD.replace('"two"', '"one"').encode(), "[[proof]] name must be unique, got one, one, none"),
        (GOOD.replace("asks", "ask").encode(), "unknown field `ask`"),
    ],
)
def test_a_bad_plan_is_one_message(path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PlanError) as caught:
        load_plan(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


# -- the digest -------------------------------------------------------------------------------------------------------

ONE = Case("ONE", "one", requirements=("B01.FR.01", "B01.FR.05"))
PLAN = Plan("p", 1, (Proof("boot", "?", ("ONE",)),))


def test_what_decides_no_grade_changes_no_digest() -> None:
    digest = PLAN.digest({"ONE": ONE})
    assert digest == Plan("q", 2, (Proof("boot", "!", ("ONE",)),)).digest({"ONE": replace(ONE, title="other")})
    assert digest == PLAN.digest({"ONE": replace(ONE, requirements=ONE.requirements[::-1]), "TWO": ONE})


@pytest.mark.parametrize(
    "changed",
    [
        replace(ONE, severity=Severity.BLOCKER),
        replace(ONE, needs="reset-evse"),
        replace(ONE, requirements=("B01.FR.01",)),
        replace(ONE, role="csms"),
    ],
)
def test_what_decides_a_grade_changes_the_digest(changed: Case) -> None:
    assert PLAN.digest({"ONE": changed}) != PLAN.digest({"ONE": ONE})


def test_a_case_that_is_not_there_changes_the_digest() -> None:
    assert PLAN.digest({}) != PLAN.digest({"ONE": ONE})
    assert PLAN.digest({}).startswith("sha256:")
