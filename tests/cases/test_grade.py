"""Grades against a second, naive reading of the rules, and by the properties that they must have."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.cases.grade import Grade, Graded, Outcome, grade, weakest
from conformance.cases.verdict import Severity, Verdict

DECIDED = (Verdict.PASS, Verdict.WARN, Verdict.FAIL)
UNPROVEN = (Verdict.INCONCLUSIVE, Verdict.ERROR, None)
LETTERS = "ABCDF"
OF_A_FAILURE = {"minor": "B", "normal": "C", "critical": "D", "blocker": "F"}


@st.composite
def outcomes(draw, verdicts=(*DECIDED, *UNPROVEN, Verdict.NOT_APPLICABLE)):
    """What a case can come to: what was found for certain says something of its own only where it is unproven."""
    verdict = draw(st.sampled_from(verdicts))
    if verdict is None:
        found = Verdict.PASS
    elif verdict in UNPROVEN:
        found = draw(st.sampled_from((Verdict.NOT_APPLICABLE, *DECIDED)))
    else:
        found = verdict
    planned = draw(st.integers(1, 5))
    judged = 0 if verdict is None else draw(st.integers(0, planned))
    return Outcome(draw(st.sampled_from(Severity)), verdict, found, judged, planned)


proofs = st.lists(outcomes(), max_size=6)


def worst_that_failed(decided):
    """The grade of cases which all have an answer, straight from the sentence in the design."""
    letters = ["A"]
    for severity, verdict in decided:
        if verdict == "FAIL":
            letters.append(OF_A_FAILURE[severity])
        if verdict == "WARN":
            letters.append("B")
    return max(letters)


def completions(outcome):
    """Everything that a case may turn out to be once it is proven: no better than what was found already."""
    if outcome.verdict in DECIDED:
        return [(outcome.severity, outcome.verdict)]
    return [
        (outcome.severity, word)
        for word in ("PASS", "WARN", "FAIL")
        if outcome.found == "NOT_APPLICABLE"
        or ("PASS", "WARN", "FAIL").index(word) >= ("PASS", "WARN", "FAIL").index(outcome.found)
    ]


@given(proofs)
def test_bounds_are_the_worst_and_the_best_of_all_completions(cases):
    graded = grade(cases)
    applicable = [each for each in cases if each.verdict != "NOT_APPLICABLE"]
    if not applicable:
        assert graded.grade is graded.lower is graded.upper is Grade.NG
        assert graded.reason
        return
    possible = {worst_that_failed(each) for each in product(*map(completions, applicable))}
    assert graded.lower == max(possible)
    assert graded.upper == min(possible)
    assert graded.grade == ("NG" if max(possible) == "F" and min(possible) != "F" else max(possible))
    assert not graded.reason


@given(proofs)
def test_grade_is_not_given_exactly_where_a_blocker_is_undecided(cases):
    graded = grade(cases)
    assert graded.upper.rank <= graded.lower.rank
    if not graded.reason:
        assert (graded.grade is Grade.NG) == (graded.lower is Grade.F and graded.upper is not Grade.F)
        assert graded.grade in (graded.lower, Grade.NG)


@given(proofs, st.randoms(use_true_random=False))
def test_order_does_not_matter(cases, random):
    shuffled = list(cases)
    random.shuffle(shuffled)
    assert grade(shuffled) == grade(cases)


@given(proofs)
def test_coverage_counts_what_applies(cases):
    graded = grade(cases)
    applicable = [each for each in cases if each.verdict is not Verdict.NOT_APPLICABLE]
    assert graded.planned == sum(each.planned for each in applicable)
    assert graded.judged == sum(each.judged for each in applicable)
    assert graded.unproven == sum(each.verdict in UNPROVEN for each in applicable)


WORSE = {
    Verdict.PASS: (Verdict.WARN, Verdict.INCONCLUSIVE, Verdict.FAIL, Verdict.ERROR, None),
    Verdict.WARN: (Verdict.INCONCLUSIVE, Verdict.FAIL, Verdict.ERROR, None),
    Verdict.INCONCLUSIVE: (Verdict.FAIL, Verdict.ERROR, None),
    Verdict.FAIL: (Verdict.ERROR, None),
    Verdict.ERROR: (None,),
    None: (),
}


def worsened(outcome):
    """Every way in which one case can come out worse, whatever of what was found is still known then."""
    for verdict in WORSE[outcome.verdict]:
        if verdict in DECIDED:
            yield replace(outcome, verdict=verdict, found=verdict)
        elif verdict is None:
            yield replace(outcome, verdict=None, found=Verdict.PASS, judged=0)
        else:
            yield from (replace(outcome, verdict=verdict, found=found) for found in DECIDED)
    for severity in list(Severity)[outcome.severity.rank + 1 :]:
        yield replace(outcome, severity=severity)


@given(proofs, outcomes(verdicts=(*DECIDED, *UNPROVEN)))
def test_worsening_any_outcome_never_improves_the_grade(others, one):
    before = grade([*others, one])
    for worse in worsened(one):
        after = grade([*others, worse])
        assert after.grade.rank >= before.grade.rank
        assert after.lower.rank >= before.lower.rank
        for gate in LETTERS:
            assert before.grade.passes(Grade(gate)) or not after.grade.passes(Grade(gate))


@given(proofs, outcomes(verdicts=(*DECIDED, *UNPROVEN)))
def test_another_case_never_improves_the_grade(others, one):
    before, after = grade(others), grade([*others, one])
    if not before.reason:
        assert after.grade.rank >= before.grade.rank
        assert after.lower.rank >= before.lower.rank
        assert after.upper.rank >= before.upper.rank


@given(st.lists(proofs, max_size=4))
def test_overall_is_the_weakest_proof_that_has_cases(plan):
    graded = [grade(cases) for cases in plan]
    overall = weakest(graded)
    with_cases = [each for each in graded if not each.reason]
    assert (overall is None) == (not with_cases)
    if overall is not None:
        assert overall in with_cases
        assert overall.grade.rank == max(each.grade.rank for each in with_cases)
        assert weakest(graded[::-1]).grade is overall.grade


def test_gates():
    assert Grade.B.passes(Grade.B)
    assert Grade.A.passes(Grade.C)
    assert not Grade.C.passes(Grade.B)
    assert not any(Grade.NG.passes(Grade(gate)) for gate in "ABCD")
    assert Grade.NG.passes(Grade.F), "else a case that turned out to fail would open the gate"


@pytest.mark.parametrize(
    ("cases", "said"),
    [
        ([], "not graded: no cases"),
        ([Outcome(Severity.NORMAL, Verdict.NOT_APPLICABLE)], "not graded: no case applies"),
        ([Outcome(Severity.NORMAL, Verdict.PASS, judged=4, planned=4)], "A: 4 of 4 requirement checks judged"),
        (
            [Outcome(Severity.NORMAL, None, planned=2), Outcome(Severity.MINOR, Verdict.PASS, judged=62, planned=62)],
            "C, could be A: 1 case unproven; 62 of 64 requirement checks judged",
        ),
        (
            [Outcome(Severity.BLOCKER, Verdict.ERROR, planned=3), Outcome(Severity.MINOR, None, planned=1)],
            "not graded: could be F or A, 2 cases unproven; 0 of 4 requirement checks judged",
        ),
    ],
)
def test_a_grade_in_one_line(cases, said):
    assert str(grade(cases)) == said


def test_graded_is_plain_data():
    assert grade([]) == Graded(Grade.NG, Grade.NG, Grade.NG, 0, 0, 0, "no cases")
