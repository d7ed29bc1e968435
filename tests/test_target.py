"""What a case came to that judges several parts of a target."""

import pytest

from conformance.cases.case import Case
from conformance.cases.verdict import Finding, Verdict
from conformance.target import Ran, together

CASE = Case("WIRE_CS", "What is always judged", always_on=True, requirements=("X-1", "X-2"))
PASS, WARN, FAIL, ERROR = Verdict.PASS, Verdict.WARN, Verdict.FAIL, Verdict.ERROR
OPEN, EXCUSED = Verdict.INCONCLUSIVE, Verdict.NOT_APPLICABLE


def ran(part: str, verdict: Verdict, *found: Verdict, reason: str = "") -> Ran:
    findings = tuple(
        Finding(f"X-{number}", each, "" if each is PASS else f"seen in {part}", (number,), part)
        for number, each in enumerate(found, 1)
    )
    return Ran(CASE, verdict, part, findings, reason, seconds=1, waited=0.5, first=3, last=9)


def told(whole: Ran) -> list[tuple[str, Verdict, str]]:
    return [(each.requirement, each.verdict, each.part) for each in whole.findings]


def test_one_part_is_as_it_is() -> None:
    only = ran("", FAIL, FAIL, FAIL, reason="X-1: seen")
    assert together([only]) is only


def test_the_worst_of_each_requirement_counts_and_points_into_its_part() -> None:
    whole = together([ran("boot", WARN, WARN, PASS), ran("charging", FAIL, PASS, FAIL, reason="X-2: seen")])
    assert told(whole) == [("X-1", WARN, "boot"), ("X-2", FAIL, "charging")]
    assert (whole.verdict, whole.part, whole.reason) == (FAIL, "charging", "X-2: seen")
    assert (whole.seconds, whole.waited, whole.first, whole.last) == (2, 1, 3, 9)


def test_what_is_wrong_in_two_parts_is_told_of_both() -> None:
    whole = together([ran("boot", FAIL, FAIL), ran("charging", FAIL, FAIL), ran("security", PASS, PASS)])
    assert told(whole) == [("X-1", FAIL, "boot"), ("X-1", FAIL, "charging")]


@pytest.mark.parametrize("parts", [(0, 1), (1, 0)])
def test_what_one_part_could_not_judge_is_as_the_other_has_it(parts: tuple[int, int]) -> None:
    both = [ran("boot", OPEN, OPEN, PASS, reason="X-1: nothing was sent"), ran("charging", PASS, PASS, EXCUSED)]
    whole = together([both[each] for each in parts])
    assert {(name, verdict) for name, verdict, _ in told(whole)} == {("X-1", PASS), ("X-2", PASS)}
    assert (whole.verdict, whole.reason) == (PASS, "")


def test_what_no_part_could_judge_stays_open() -> None:
    whole = together([ran("boot", OPEN, OPEN, EXCUSED, reason="why"), ran("charging", PASS, EXCUSED, EXCUSED)])
    assert [verdict for _, verdict, _ in told(whole)] == [OPEN, EXCUSED, EXCUSED]
    assert (whole.verdict, whole.reason) == (OPEN, "why")


@pytest.mark.parametrize("verdict", [OPEN, ERROR])
def test_a_part_that_broke_off_is_not_made_good_by_another(verdict: Verdict) -> None:
    whole = together([ran("boot", PASS, PASS, PASS), ran("charging", verdict, PASS, reason="it broke off")])
    assert (whole.verdict, whole.reason, whole.part) == (verdict, "it broke off", "charging")


def test_one_that_does_not_apply_does_so_in_no_part() -> None:
    assert together([ran("boot", EXCUSED, reason="no"), ran("charging", EXCUSED, reason="no")]).verdict is EXCUSED
