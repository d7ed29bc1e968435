"""Whether a proving run is judged right."""

import pytest

from conformance.cases.case import Case
from conformance.cases.proving import CONTROL, OTHERS, REFERENCE, Breaks, Trial, prove, together
from conformance.cases.verdict import Verdict

TARGET = "station 2.0.1"
CASE = Case("TC_1", "one", requirements=("R1", "R2"))
MUTANTS = {"breaks-one": Breaks(("R1",)), "breaks-two": Breaks(("R2",), also=("R1",)), "untried": Breaks(("R9",))}
GOOD = [
    Trial(TARGET, "TC_1", REFERENCE, Verdict.PASS, ()),
    Trial(TARGET, "TC_1", CONTROL, Verdict.PASS, ()),
    Trial(TARGET, "TC_1", "breaks-one", Verdict.FAIL, ("R1",)),
    Trial(TARGET, "TC_1", "breaks-two", Verdict.FAIL, ("R1", "R2")),
]


def replaced(place: int, *, variant: str, verdict: Verdict, blamed: tuple[str, ...], reason: str = "") -> list[Trial]:
    return [*GOOD[:place], Trial(TARGET, "TC_1", variant, verdict, blamed, reason), *GOOD[place + 1 :]]


def test_everything_is_proven() -> None:
    proving = prove([CASE], MUTANTS, GOOD)
    assert proving.clean
    assert (proving.requirements, proving.proven) == (2, 2)
    assert (proving.survivors, proving.wrongly_blamed, proving.reference_failures) == ((), (), ())


def test_a_warning_is_blame_too() -> None:
    assert prove([CASE], MUTANTS, replaced(2, variant="breaks-one", verdict=Verdict.WARN, blamed=("R1",))).clean


def test_a_survivor() -> None:
    proving = prove([CASE], MUTANTS, replaced(2, variant="breaks-one", verdict=Verdict.PASS, blamed=()))
    assert not proving.clean
    assert proving.proven == 1
    assert proving.survivors == (
        "TC_1: no mutant is blamed for R1",
        "breaks-one (breaks R1) is never blamed",
    )


def test_a_mutant_that_only_a_case_that_was_left_out_may_find_out() -> None:
    mutants = {**MUTANTS, "breaks-it-elsewhere": Breaks(("R1",))}
    trials = [*GOOD, Trial(TARGET, "TC_1", "breaks-it-elsewhere", Verdict.PASS, ())]
    assert prove([CASE], mutants, trials).survivors == ("breaks-it-elsewhere (breaks R1) is never blamed",)
    assert prove([CASE], mutants, trials, [Case("TC_2", "two", requirements=("R1",))]).clean


def test_a_mutant_that_one_case_lets_pass_and_another_finds_out() -> None:
    """It is no survivor, but the first case has nothing that proves it."""
    other = Case("TC_2", "two", requirements=("R1",))
    trials = [*GOOD, *(Trial(TARGET, "TC_2", each, Verdict.PASS, ()) for each in (REFERENCE, CONTROL, "breaks-one"))]
    proving = prove([CASE, other], MUTANTS, trials)
    assert proving.survivors == ("TC_2: no mutant is blamed for R1",)
    assert (proving.requirements, proving.proven) == (3, 2)


def test_two_mutants_of_a_requirement_must_both_be_found_out() -> None:
    mutants = {**MUTANTS, "breaks-one-otherwise": Breaks(("R1",))}
    proving = prove([CASE], mutants, [*GOOD, Trial(TARGET, "TC_1", "breaks-one-otherwise", Verdict.PASS, ())])
    assert proving.proven == 2
    assert proving.survivors == ("breaks-one-otherwise (breaks R1) is never blamed",)


def test_wrong_blame() -> None:
    trials = replaced(2, variant="breaks-one", verdict=Verdict.FAIL, blamed=("R1", "R2"), reason="both")
    proving = prove([CASE], MUTANTS, trials)
    assert proving.proven == 2
    assert proving.wrongly_blamed == ("TC_1 blames breaks-one (breaks R1) for R2: both",)
    assert not proving.clean


def test_blame_for_something_else_altogether() -> None:
    proving = prove([CASE], MUTANTS, replaced(2, variant="breaks-one", verdict=Verdict.FAIL, blamed=("R2",)))
    assert proving.proven == 1
    assert len(proving.wrongly_blamed) == 1
    assert "breaks-one (breaks R1) is never blamed" in proving.survivors


@pytest.mark.parametrize("blamed", [(), ("R1",)])
def test_an_error_on_a_mutant(blamed: tuple[str, ...]) -> None:
    trials = replaced(2, variant="breaks-one", verdict=Verdict.ERROR, blamed=blamed, reason="KeyError: 'x'")
    proving = prove([CASE], MUTANTS, trials)
    assert proving.wrongly_blamed == ("TC_1 on breaks-one: ERROR KeyError: 'x'",)
    assert not proving.clean


@pytest.mark.parametrize("verdict", [each for each in Verdict if each is not Verdict.PASS])
@pytest.mark.parametrize("place", [0, 1])
def test_the_reference_and_the_control_must_pass(place: int, verdict: Verdict) -> None:
    variant = (REFERENCE, CONTROL)[place]
    trials = replaced(place, variant=variant, verdict=verdict, blamed=("R1",), reason="why")
    proving = prove([CASE], MUTANTS, trials)
    assert proving.reference_failures == (f"TC_1 on the {variant}: {verdict} R1 (why)",)
    assert not proving.clean


def test_the_plain_station_must_pass_too() -> None:
    trials = [*GOOD, Trial(TARGET, "TC_1", OTHERS[0], Verdict.FAIL, ("R1",))]
    assert len(prove([CASE], MUTANTS, trials).reference_failures) == 1


def test_an_inconclusive_mutant_proves_nothing() -> None:
    proving = prove([CASE], MUTANTS, replaced(2, variant="breaks-one", verdict=Verdict.INCONCLUSIVE, blamed=()))
    assert (proving.proven, proving.wrongly_blamed) == (1, ())
    assert not proving.clean


def test_no_trials() -> None:
    proving = prove([CASE], MUTANTS, [])
    assert (proving.requirements, proving.proven, len(proving.survivors)) == (2, 0, 2)
    assert not proving.clean


def test_a_requirement_that_a_version_splits_is_proven_by_either_part() -> None:
    case = Case("TC_3", "three", requirements=("R1b",))
    mutants = {"breaks-both": Breaks(("R1a", "R1b"))}
    trials = [Trial(TARGET, "TC_3", "breaks-both", Verdict.FAIL, ("R1b",))]
    assert prove([case], mutants, trials).clean


def test_targets_are_added_up_and_named() -> None:
    good = prove([CASE], MUTANTS, GOOD)
    bad = prove([CASE], MUTANTS, replaced(1, variant=CONTROL, verdict=Verdict.FAIL, blamed=("R1",)))
    both = together({"station 2.0.1": good, "csms 1.6": bad})
    assert (both.requirements, both.proven) == (4, 4)
    assert both.reference_failures == ("csms 1.6: TC_1 on the control: FAIL R1",)
    assert not both.clean
    assert together({}).clean
