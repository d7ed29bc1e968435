"""The shape of result.json, and the words that pages and terminal share."""

import pytest
from report_support import CSMS, FOUR, PLACES, STATION, at, case, result

from conformance.cases.verdict import Verdict
from conformance.report import view
from conformance.report.result import load_result


def test_what_was_saved_is_what_is_loaded(tmp_path):
    four = result(*(at(place) for place in PLACES), notes=("one",), **FOUR)
    four.save(tmp_path / "result.json")
    assert load_result(tmp_path / "result.json") == four


@pytest.mark.parametrize("content", [b"", b"{}", b'{"plan": 3}', b"\xff"])
def test_a_file_that_is_no_result(tmp_path, content):
    (tmp_path / "result.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        load_result(tmp_path / "result.json")


@pytest.mark.parametrize(
    ("sut", "name"),
    [
        (STATION, "ACME Wallbox 11 (firmware 1.2)"),
        (CSMS, "Volta Cloud"),
        ({"name": "Box"}, "Box"),
        ({"name": "ACME box", "vendor": "Acme"}, "ACME box"),
        ({"vendor": "ACME", "firmware": "1"}, "ACME (firmware 1)"),
        ({"firmware": "1"}, "the system under test (firmware 1)"),
        ({}, "the system under test"),
    ],
)
def test_name(sut, name):
    assert view.sut_name(sut) == name


def test_name_of_nothing_and_of_several():
    assert view.name(result(case(), suts=())) == "the system under test"
    assert view.name(result(case(), **FOUR)) == "ACME Wallbox 11 (firmware 1.2) and Volta Cloud"


def test_a_case_counts_once_for_each_place():
    rows = [at(place, proof=proof) for place in PLACES for proof in ("boot", "coexistence")]
    assert view.count(result(*rows, **FOUR), Verdict.PASS) == 4


def test_cases_that_were_not_judged_and_such_that_never_ran():
    one = result(case(), case("TC_B_02_CS", Verdict.INCONCLUSIVE, findings=()), not_run=2)
    [boot] = [proof for proof in one.proofs if proof.proof == "boot"]
    assert view.unjudged(one, boot) == ["1 case unproven", "2 cases not run"]
    settled = result(case())
    assert view.unjudged(settled, settled.proofs[0]) == []
