import pytest

from conformance.cases.case import Case
from conformance.cases.catalogue import Catalogue, Level, Requirement, catalogue
from conformance.cases.spec import CaseOver, Counted, Spec, UndeclaredRequirementError, conclude
from conformance.cases.verdict import Finding, Verdict

CATALOGUE = Catalogue(
    "2.0.1",
    {
        "B01.FR.01": Requirement("B01.FR.01", Level.SHALL, "B01", "It shall.", "2.0.1"),
        "B01.FR.02": Requirement("B01.FR.02", Level.SHOULD, "B01", "It should.", "2.0.1"),
        "B01.FR.03": Requirement(
            "B01.FR.03", Level.SHALL, "B01", "It shall.", "2.0.1", unclear="the documents disagree"
        ),
    },
)
CASE = Case("TC_B_01_CS", "Cold boot", requirements=("B01.FR.01", "B01.FR.02"))


@pytest.fixture
def spec():
    return Spec(CASE, CATALOGUE)


def found(spec):
    return [(each.requirement, each.verdict, each.message) for each in spec.findings]


def test_everything_met_is_a_pass(spec):
    for requirement in CASE.requirements:
        with spec(requirement):
            pass
    assert conclude(spec, finished=True) is Verdict.PASS
    assert spec.judged == {"B01.FR.01", "B01.FR.02"}


def test_a_missed_shall_fails_and_the_case_goes_on(spec):
    with spec("B01.FR.01"):
        raise AssertionError("expected Rejected, got Accepted")
    with spec("B01.FR.02"):
        pass
    assert found(spec)[0] == ("B01.FR.01", Verdict.FAIL, "expected Rejected, got Accepted")
    assert conclude(spec, finished=True) is Verdict.FAIL


@pytest.mark.parametrize("requirement", ["B01.FR.02", "B01.FR.03"])
def test_a_missed_should_or_an_unclear_shall_only_warns(requirement):
    spec = Spec(Case("X", "x", requirements=(requirement,)), CATALOGUE)
    with spec(requirement):
        raise AssertionError("no")
    assert conclude(spec, finished=True) is Verdict.WARN


def test_a_missed_must_ends_the_case_even_where_it_only_warns(spec):
    with pytest.raises(CaseOver), spec.must("B01.FR.02"):
        raise AssertionError("no")
    assert conclude(spec, finished=False) is Verdict.WARN


def test_a_requirement_that_the_catalogue_does_not_know_binds():
    spec = Spec(Case("X", "x", requirements=("VENDOR-7",)), CATALOGUE)
    with spec("VENDOR-7"):
        raise AssertionError
    assert conclude(spec, finished=True) is Verdict.FAIL


def test_a_missed_must_ends_the_case_and_judges_nothing_else(spec):
    with pytest.raises(CaseOver, match=r"B01\.FR\.01"), spec.must("B01.FR.01"):
        raise AssertionError("no boot")
    assert conclude(spec, finished=False) is Verdict.FAIL
    assert spec.judged == {"B01.FR.01"}


def test_a_met_must_goes_on(spec):
    with spec.must("B01.FR.01"):
        pass
    assert found(spec) == [("B01.FR.01", Verdict.PASS, "")]


def test_what_was_declared_and_never_judged_is_an_error(spec):
    with spec("B01.FR.01"):
        pass
    assert conclude(spec, finished=True) is Verdict.ERROR
    assert found(spec)[-1] == ("B01.FR.02", Verdict.ERROR, "declared by the case, but never judged")


def test_a_case_can_not_pass_by_not_looking(spec):
    assert conclude(spec, finished=True) is Verdict.ERROR
    assert len(spec.findings) == 2


@pytest.mark.parametrize("judge", ["__call__", "must"])
def test_an_undeclared_requirement_is_a_mistake_in_the_case(spec, judge):
    with pytest.raises(UndeclaredRequirementError, match=r"TC_B_01_CS judges B99\.FR\.01 without declaring it"):  # noqa: SIM117
        with getattr(spec, judge)("B99.FR.01"):
            raise AssertionError("never reached")
    assert not spec.findings


@pytest.mark.parametrize("note", ["excuse", "unproven", "warn"])
def test_a_note_on_an_undeclared_requirement_is_a_mistake_too(spec, note):
    with pytest.raises(UndeclaredRequirementError):
        getattr(spec, note)("B99.FR.01", "because")


def test_a_case_without_declarations_may_judge_anything():
    spec = Spec(Case("own", "a test of the user's own"), CATALOGUE)
    with spec("B01.FR.01"):
        pass
    assert conclude(spec, finished=True) is Verdict.PASS


def test_an_excused_requirement_counts_as_looked_at(spec):
    spec.excuse("B01.FR.02", "the station may boot without")
    with spec("B01.FR.01"):
        pass
    assert found(spec)[0] == ("B01.FR.02", Verdict.NOT_APPLICABLE, "the station may boot without")
    assert conclude(spec, finished=True) is Verdict.PASS


def test_unproven_and_warned(spec):
    spec.warn("B01.FR.01", "legal, but odd")
    assert conclude(spec, finished=False) is Verdict.WARN
    spec.unproven("B01.FR.02", "nobody plugged in")
    assert conclude(spec, finished=True) is Verdict.INCONCLUSIVE


def test_the_worst_finding_of_one_requirement_counts(spec):
    for miss in (True, False):
        with spec("B01.FR.01"):
            assert not miss
    with spec("B01.FR.02"):
        pass
    assert conclude(spec, finished=True) is Verdict.FAIL


@pytest.mark.parametrize(
    "stumble", [KeyError("status"), TypeError("x"), ValueError("x"), AttributeError("x"), IndexError()]
)
def test_stumbling_over_a_broken_payload_is_the_fault_of_who_sent_it(stumble):
    spec = Spec(CASE, CATALOGUE, malformed=lambda: "BootNotification: status is missing")
    with spec("B01.FR.01"):
        raise stumble
    assert found(spec)[0][1] is Verdict.FAIL
    assert found(spec)[0][2].startswith(f"BootNotification: status is missing ({type(stumble).__name__}")


def test_stumbling_in_a_must_ends_the_case():
    spec = Spec(CASE, CATALOGUE, malformed=lambda: "status is missing")
    with pytest.raises(CaseOver), spec.must("B01.FR.02"):
        raise KeyError("status")
    assert conclude(spec, finished=False) is Verdict.WARN


def test_stumbling_over_a_sound_payload_is_a_fault_of_the_harness(spec):
    with pytest.raises(KeyError), spec("B01.FR.01"):
        raise KeyError("status")
    assert not spec.findings


def test_any_other_error_goes_through():
    spec = Spec(CASE, CATALOGUE, malformed=lambda: "status is missing")
    with pytest.raises(RuntimeError), spec("B01.FR.01"):
        raise RuntimeError
    assert not spec.findings


def test_a_finding_points_at_the_frames_that_were_looked_at_in_its_block():
    touched = iter([(1, 2), (3, 4), (5,), (6,)])
    spec = Spec(CASE, CATALOGUE, touched=lambda: next(touched))
    with spec("B01.FR.01"):
        pass
    with spec("B01.FR.02"):
        pass
    assert spec.findings == [
        Finding("B01.FR.01", Verdict.PASS, "", (3, 4)),
        Finding("B01.FR.02", Verdict.PASS, "", (6,)),
    ]


# -- names of another edition -----------------------------------------------------------------------------------------


def in_version(version, *requirements):
    case = Case("X", "x", versions=("2.0.1", "1.6"), requirements=requirements)
    return Spec(case.for_version(version), catalogue(version))


@pytest.mark.parametrize(("version", "id_"), [("2.0.1", "B01.FR.08"), ("1.6", "16.BOOT.04")])
@pytest.mark.parametrize("name", ["B01.FR.08", "16.BOOT.04"])
@pytest.mark.parametrize("declared", ["B01.FR.08", "16.BOOT.04"])
def test_a_rule_may_be_named_as_it_is_called_in_either_edition(version, id_, name, declared):
    spec = in_version(version, declared)
    with spec(name):
        raise AssertionError("too early")
    assert found(spec) == [(id_, Verdict.FAIL, "too early")]
    assert conclude(spec, finished=True) is Verdict.FAIL


def test_each_edition_judges_by_its_own_level():
    verdicts = {}
    for version in ("2.0.1", "1.6"):
        spec = in_version(version, "B02.FR.04")
        with spec("B02.FR.04"):
            raise AssertionError("ignored")
        verdicts[version] = conclude(spec, finished=True)
    assert verdicts == {"2.0.1": Verdict.FAIL, "1.6": Verdict.WARN}


@pytest.mark.parametrize("note", ["excuse", "unproven", "warn"])
def test_a_note_goes_by_the_id_of_the_version(note):
    spec = in_version("1.6", "B01.FR.08")
    getattr(spec, note)("B01.FR.08", "because")
    assert [each.requirement for each in spec.findings] == ["16.BOOT.04"]


def test_what_the_version_has_no_rule_for_is_not_judged():
    spec = in_version("2.0.1", "B01.FR.08", "16.BOOT.07")
    with spec("16.BOOT.07"):
        raise AssertionError("not asked for here")
    spec.excuse("16.BOOT.07", "because")
    spec.unproven("16.BOOT.07", "because")
    with spec("B01.FR.08"):
        pass
    assert found(spec) == [("B01.FR.08", Verdict.PASS, "")]
    assert conclude(spec, finished=True) is Verdict.PASS


def test_a_must_that_the_version_has_no_rule_for_still_ends_the_case():
    """What comes after it needs what it looks for, whoever asks for that."""
    spec = in_version("2.0.1", "B01.FR.08", "16.BOOT.07")
    with pytest.raises(CaseOver), spec.must("16.BOOT.07"):
        raise AssertionError("no")
    assert not spec.findings


def test_a_name_that_means_the_one_that_is_declared():
    spec = in_version("1.6", "16.RESET.12")
    with spec("CSMS.RESET.01"):
        pass
    assert spec.judged == {"16.RESET.12"}


def test_a_name_that_may_mean_several_that_are_declared():
    spec = in_version("1.6", "16.RESET.11", "16.RESET.12")
    with pytest.raises(UndeclaredRequirementError, match=r"may mean 16\.RESET\.11 or 16\.RESET\.12: name the one"):  # noqa: SIM117
        with spec("CSMS.RESET.01"):
            raise AssertionError("never reached")


def test_a_test_that_declares_nothing_judges_by_the_rules_of_the_version():
    own = Case("own", "a test of the user's own", versions=("2.0.1",))
    spec = Spec(own, catalogue("2.0.1"))
    with spec("16.BOOT.04"):
        pass
    with spec("16.BOOT.07"):
        raise AssertionError("not a rule of 2.0.1")
    assert spec.judged == {"B01.FR.08"}
    other = Spec(own, catalogue("1.6"))
    with pytest.raises(UndeclaredRequirementError, match="name the one that is meant"), other("CSMS.RESET.01"):
        raise AssertionError("never reached")


@pytest.mark.parametrize(
    ("requirement", "entry", "case"),
    [
        ("B01.FR.01", 10, "X"),
        ("B01.FR.01", 19, "X"),
        ("B01.FR.01", 20, ""),
        ("B01.FR.01", 9, ""),
        ("B01.FR.02", 10, ""),
    ],
)
def test_what_another_case_has_found_in_its_part_of_the_transcript(requirement, entry, case):
    spec = Spec(CASE, CATALOGUE, counted=[Counted("X", "B01.FR.01", 10, 20)])
    assert spec.counted(requirement, entry) == case
