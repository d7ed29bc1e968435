import hashlib
import json
import re

import pytest
from report_support import FOUR, PLACES, at, case, result

from conformance.report.allure import CATEGORIES, grades, write_run_files

SUITE = """
import pytest
from conformance.cases.setpoint import Chart, Outcome, Series, Setpoint
from conformance.cases.verdict import Severity, Verdict
from conformance.report import allure
from conformance.report.result import CaseRow, FindingRow

class Unproven(Exception):
    pass

def said(id, verdict, *findings, **given):
    given = dict(title="Cold boot", role="station", version="2.0.1", proof="boot", severity=Severity.CRITICAL,
                 official=id.startswith("TC_")) | given
    row = CaseRow(id=id, verdict=verdict, findings=findings, **given)
    allure.label_case(row)
    allure.attach(row, "the trace")

def found(requirement, verdict, message=""):
    return FindingRow(requirement, verdict, message, "SHALL", "B01", "Our | own <b>words</b>.", (3,))

@pytest.fixture
def excluded():
    said("TC_B_02_CS", Verdict.NOT_APPLICABLE, reason="not claimed")
    pytest.skip("not claimed")

def test_failed():
    "What Allure would take for the description."
    said("TC_B_01_CS", Verdict.FAIL, found("B01.FR.05", Verdict.FAIL, "got Accepted"), found("B01.FR.01", Verdict.PASS))
    pytest.fail("noise", pytrace=False)

def test_skipped(excluded):
    "Never shown."

def test_warned():
    said("OCX_F_01", Verdict.WARN, found("F02.FR.01", Verdict.WARN, "too eager"), severity=Severity.MINOR)

def test_passed():
    said("own", Verdict.PASS, found("VENDOR-7", Verdict.PASS))

def test_limited():
    asked, kept = Setpoint("16 A", 16, Outcome.ENFORCED), Chart("Half the power", (Series("limit", ((0, 16), (1, 8))),))
    said("SETPOINT_CS", Verdict.PASS, found("VENDOR-8", Verdict.PASS), setpoints=(asked,), charts=(kept,))

def test_unproven():
    said("TC_K_60_CS", Verdict.INCONCLUSIVE, reason="nobody plugged in")
    raise Unproven("noise")

def test_broke():
    said("TC_K_61_CS", Verdict.ERROR, reason="KeyError: 'status'")
    {}["status"]

def test_of_somebody_else():
    pass
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What allure-pytest wrote about each test, by the id of the case; and the attachments, by file name."""
    folder = tmp_path_factory.mktemp("allure")
    (folder / "allure_sample.py").write_text(SUITE)
    results = folder / "allure-results"
    options = [
        "-p",
        "no:cacheprovider",
        "-p",
        "no:terminal",
        "-o",
        "asyncio_default_fixture_loop_scope=function",
        "--rootdir",
        str(folder),
        "--alluredir",
        str(results),
    ]
    pytest.main([*options, str(folder / "allure_sample.py")])
    tests = [json.loads(path.read_text(encoding="utf-8")) for path in results.glob("*-result.json")]
    files = {path.name: path.read_text(encoding="utf-8") for path in results.glob("*-attachment.*")}
    return {re.split("[: ]", test["name"])[0]: test for test in tests}, files


def labels(test, name):
    return [label["value"] for label in test["labels"] if label["name"] == name]


def test_a_case_has_its_title_place_and_lasting_id(told):
    test = told[0]["TC_B_01_CS"]
    assert test["name"] == "TC_B_01_CS: Cold boot"
    assert test["fullName"] == "TC_B_01_CS station 2.0.1"
    assert test["testCaseId"] == hashlib.md5(b"TC_B_01_CS station 2.0.1").hexdigest()
    assert test["historyId"] != test["testCaseId"]
    assert labels(test, "epic") == ["boot"]
    assert labels(test, "feature") == ["B Provisioning"]
    assert labels(test, "story") == ["B01"]
    assert labels(test, "parentSuite") == ["station 2.0.1"]
    assert labels(test, "suite") == ["boot"]
    assert labels(test, "severity") == ["critical"]
    assert labels(test, "verdict") == ["FAIL"]
    assert labels(test, "tag") == ["B01.FR.05", "B01.FR.01"]
    assert not labels(test, "conformance")
    assert not labels(test, "host")


def test_the_description_says_what_was_asked_in_our_words(told):
    description = told[0]["TC_B_01_CS"]["description"]
    assert description.startswith("**FAIL**")
    assert "- **B01.FR.05 FAIL** (SHALL, B01): Our &#124; own &#60;b&#62;words" in description
    assert "descriptionHtml" not in told[0]["TC_B_01_CS"]


@pytest.mark.parametrize(
    ("case_id", "status", "message"),
    [
        ("TC_B_01_CS", "failed", "FAIL\nB01.FR.05: got Accepted"),
        ("TC_B_02_CS", "skipped", "NOT_APPLICABLE\nnot claimed"),
        ("OCX_F_01", "passed", "WARN\nF02.FR.01: too eager"),
        ("TC_K_60_CS", "broken", "INCONCLUSIVE\nnobody plugged in"),
        ("TC_K_61_CS", "broken", "ERROR\nKeyError: 'status'"),
    ],
)
def test_status_and_message_follow_the_verdict(told, case_id, status, message):
    test = told[0][case_id]
    assert test["status"] == status
    assert test["statusDetails"]["message"] == message
    assert ("trace" in test["statusDetails"]) == (case_id == "TC_K_61_CS")


def test_a_passed_case_has_nothing_to_explain(told):
    assert told[0]["own"]["status"] == "passed"
    assert "statusDetails" not in told[0]["own"]


def test_block_and_use_case_come_from_the_id_or_the_requirements(told):
    where = {case_id: (labels(test, "feature"), labels(test, "story")) for case_id, test in told[0].items()}
    assert where["OCX_F_01"] == (["F Remote control"], ["F02"])
    assert where["own"] == (["General"], ["own"])
    assert where["TC_B_02_CS"] == (["B Provisioning"], ["not applicable"])
    assert where["TC_K_60_CS"] == (["K Smart charging"], ["TC_K_60_CS"])
    assert labels(told[0]["OCX_F_01"], "tag") == ["F02.FR.01", "WARN"]


def test_findings_and_trace_are_attached(told):
    tests, files = told
    named = {each["name"]: files[each["source"]] for each in tests["TC_B_01_CS"]["attachments"]}
    assert named["wire trace"] == "the trace"
    assert named["findings"].splitlines()[0] == "FAIL B01.FR.05 (SHALL, B01)"
    assert "    got Accepted\n    frame 3\n" in named["findings"]
    assert [each["name"] for each in tests["TC_K_60_CS"]["attachments"]] == ["wire trace"]


def test_setpoints_and_charts_are_attached(told):
    tests, files = told
    attached = {each["name"]: (each["type"], files[each["source"]]) for each in tests["SETPOINT_CS"]["attachments"]}
    assert "1 setpoint: 1 enforced" in attached["setpoints"][1]
    kind, picture = attached["Half the power"]
    assert kind == "image/svg+xml"
    assert picture.startswith("<svg ")


def test_tests_that_are_no_cases_stay_as_they_are(told):
    assert told[0]["test_of_somebody_else"]["fullName"].endswith("#test_of_somebody_else")


def test_run_files(tmp_path):
    one = result(case(), sut={"vendor": "ACME = 1", "model": "grün\n#"}, plan="Plan: one")
    write_run_files(tmp_path / "results", one)
    properties = (tmp_path / "results" / "environment.properties").read_text(encoding="ascii").splitlines()
    assert "Vendor=ACME\\ \\=\\ 1" in properties
    assert "Model=gr\\u00fcn\\ \\#" in properties
    assert "Plan=Plan\\:\\ one" in properties
    assert json.loads((tmp_path / "results" / "categories.json").read_text()) == CATEGORIES
    executor = json.loads((tmp_path / "results" / "executor.json").read_text())
    assert executor["reportName"] == "OCPP conformance: overall grade A"


def test_facts_and_grades_of_two_systems_in_two_versions(tmp_path):
    four = result(*(at(place) for place in PLACES), **FOUR)
    write_run_files(tmp_path, four)
    lines = (tmp_path / "environment.properties").read_text(encoding="ascii").splitlines()
    facts = dict(line.replace("\\ ", " ").split("=") for line in lines)
    assert facts["Station vendor"] == "ACME"
    assert facts["Station versions"] == "2.0.1, 1.6"
    assert facts["CSMS vendor"] == "Volta"
    assert facts["CSMS identity"] == "CS-7"
    assert not {"Vendor", "Station role", "CSMS role", "CSMS model"} & facts.keys()
    assert grades(four) == {"Overall grade": "A, of 4 of 5 proofs"} | {
        f"boot, {place}": "A: 1 of 1 judged" for place in ("station 2.0.1", "station 1.6", "CSMS 2.0.1", "CSMS 1.6")
    }


def test_categories_tell_errors_from_what_could_not_be_judged():
    matching = [each["name"] for each in CATEGORIES if re.match(each.get("messageRegex", ""), "ERROR\nx")]
    assert matching[1].startswith("ERROR")
    assert not re.match(CATEGORIES[1]["messageRegex"], "INCONCLUSIVE\nan ERROR of the driver")
