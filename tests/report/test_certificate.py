import re
from html.parser import HTMLParser

import pytest
from report_support import FOUR, HOSTILE, PLACES, at, case, finding, result

from conformance.cases.verdict import Severity, Verdict
from conformance.report.certificate import certificate, write_certificate


class _Page(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.loads, self.texts, self.open = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)
        self.loads += [
            value for name, value in attrs if name in ("src", "href", "srcset", "action") or name[:2] == "on"
        ]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


def page(*cases, **given):
    return _Page(certificate(result(*cases, **given)))


def test_page_of_a_clean_run_says_what_was_tested_and_the_grades():
    shown = page(case())
    for said in (
        "OCPP conformance report",
        "ACME Wallbox",
        "Firmware 1.2",
        "Versions 1.6, 2.0.1",
        "2026-10-03 10:00 UTC to 2026-10-03 12:42 UTC",
        "ocpp-conformance 0.1.0",
        "sha256:abc",
        "overall: the weakest of 1 of 2 proofs",
        "judged 1 of 1",
        "gate B: met",
        "Not graded, no cases: security",
        "not a certification by anyone",
        "Open Charge Alliance",
    ):
        assert said in shown.text
    assert "Incomplete" not in shown.text
    assert "Failed" not in shown.text
    assert not shown.open


def test_page_never_says_that_anybody_is_certified_nor_shows_what_it_does_not_know():
    html = certificate(result(case()))
    assert "certified" not in html
    assert "geheim" not in html


def test_page_loads_nothing_and_runs_nothing():
    shown = page(case(verdict=Verdict.FAIL))
    assert not shown.loads
    assert not {"script", "link", "img", "iframe", "object"} & set(shown.tags)
    assert "default-src 'none'" in certificate(result(case()))
    assert not re.search(r"url\(|@import|https?:", certificate(result(case())))


@pytest.mark.parametrize(
    "where", ["message", "title", "reason", "sut", "plan", "note", "harness", "says", "proof", "started"]
)
def test_hostile_text_stays_text_wherever_it_stands(where):
    rows = {
        "message": case(verdict=Verdict.FAIL, findings=[finding(verdict=Verdict.FAIL, message=HOSTILE)]),
        "title": case(verdict=Verdict.FAIL, title=HOSTILE),
        "reason": case(verdict=Verdict.NOT_APPLICABLE, reason=HOSTILE),
        "says": case(verdict=Verdict.FAIL, findings=[finding(verdict=Verdict.FAIL, says=HOSTILE)]),
        "proof": case(verdict=Verdict.FAIL, proof=HOSTILE),
    }
    given = {
        "sut": {"sut": {"vendor": HOSTILE}},
        "plan": {"plan": HOSTILE},
        "note": {"notes": (HOSTILE,)},
        "harness": {"harness": {"name": HOSTILE}},
        "started": {"started": HOSTILE},
    }
    html = certificate(result(rows.get(where, case()), **given.get(where, {})))
    shown = _Page(html)
    assert "script" not in shown.tags
    assert "<script>alert('x')</script>\\x1b[31m\\u202e" in shown.text
    assert "\x1b" not in html
    assert "\u202e" not in html


def test_failures_come_worst_first_with_everything_needed_to_look_them_up():
    minor = case("TC_B_01_CS", Verdict.FAIL, severity=Severity.MINOR)
    blocker = case(
        "TC_B_02_CS",
        Verdict.FAIL,
        [finding("B02.FR.05", Verdict.FAIL, "expected Rejected, got Accepted", (12, 14)), finding("B02.FR.01")],
        severity=Severity.BLOCKER,
    )
    text = page(minor, blocker).text
    assert text.index("TC_B_02_CS") < text.index("TC_B_01_CS")
    assert "B02.FR.05 (SHALL, 2.0.1 part 2, B01): Our own words. expected Rejected, got Accepted" in text
    assert "Evidence: frames 12, 14 of transcript.jsonl" in text
    assert "B02.FR.01" not in text
    assert "gate B: not met" in text


def test_failure_in_a_case_that_then_broke_is_shown_as_a_failure_too():
    text = page(
        case(verdict=Verdict.ERROR, findings=[finding(verdict=Verdict.FAIL, message="wrong")], reason="KeyError")
    ).text
    assert "Failed (1)" in text
    assert "Not judged, and why (1)" in text


def test_warnings_unproven_and_excluded_cases_say_why():
    text = page(
        case("TC_B_03_CS", Verdict.WARN, [finding(verdict=Verdict.WARN, message="too eager", level="SHOULD")]),
        case("TC_B_04_CS", Verdict.INCONCLUSIVE, (), reason="nobody plugged in"),
        case("TC_B_05_CS", Verdict.NOT_APPLICABLE, (), reason="reset-evse is not claimed"),
        case("TC_B_06_CS", Verdict.NOT_APPLICABLE, (), reason="reset-evse is not claimed"),
        case("TC_B_07_CS", Verdict.NOT_APPLICABLE, ()),
    ).text
    assert "Warnings" in text
    assert "too eager" in text
    assert "nobody plugged in" in text
    assert "Not applicable (3)" in text
    assert "reset-evse is not claimed: TC_B_05_CS, TC_B_06_CS" in text
    assert "no reason given: TC_B_07_CS" in text
    assert "could be B" in text
    assert "1 case unproven" in text


def test_incomplete_run_says_so_and_counts_what_never_ran():
    text = page(case(), not_run=3).text
    assert "Incomplete run" in text
    assert "3 cases not run" in text
    assert "unproven" not in text.partition("How to read this")[0]


def test_undecided_proof_shows_both_bounds():
    assert "A to F" in page(case(verdict=Verdict.INCONCLUSIVE, findings=(), severity=Severity.BLOCKER)).text


def test_each_role_and_version_has_its_column():
    text = page(case(), case(version="1.6", proof="coexistence"), case(role="csms")).text
    assert "Station OCPP 2.0.1" in text
    assert "Station OCPP 1.6" in text
    assert "CSMS OCPP 2.0.1" in text
    assert "not asked" in text


def test_proof_graded_in_one_role_only_says_so_in_its_cell():
    one = result(case(proof="security", role="csms"))
    assert "not graded: no cases" in _Page(certificate(one)).text


def test_two_systems_in_two_versions():
    wrong = [finding("16.BOOT.04", Verdict.FAIL, "too early", (3, 4))]
    html = certificate(
        result(
            *(at(place) for place in PLACES[:3]),
            at(PLACES[1], "TC_001_CS", Verdict.FAIL, findings=wrong),
            at(PLACES[3], "TC_001_CSMS", Verdict.NOT_APPLICABLE, findings=(), reason="not claimed"),
            **FOUR,
        )
    )
    text = _Page(html).text
    assert "ACME Wallbox 11 (firmware 1.2) and Volta Cloud: Minimum proof" in text
    tested = text.partition("What was tested")[2].partition("Grades")[0]
    station, _, csms = tested.partition("CSMS Name")
    assert "Station Name Wallbox Vendor ACME Model Wallbox 11 Firmware 1.2 Versions 2.0.1, 1.6" in station
    assert "Cloud Vendor Volta Identity CS-7 Versions 2.0.1, 1.6 Tested" in csms
    assert "Proof Station OCPP 2.0.1 Station OCPP 1.6 CSMS OCPP 2.0.1 CSMS OCPP 1.6" in text
    assert "A judged 1 of 1 C judged 2 of 2 A judged 1 of 1 not graded: no case applies" in text
    assert "(normal, boot, station 1.6)" in text
    assert "frames 3, 4 of transcript-station-1.6.jsonl" in text
    assert 'class="proofs many"' in html
    assert "overall: the weakest of 3 of 5 proofs" in text


def test_a_finding_points_into_the_transcript_of_its_part():
    seen = [finding(verdict=Verdict.FAIL, frames=(3,), part="boot"), finding("B01.FR.05", Verdict.FAIL, frames=(4,))]
    files = {"station 2.0.1 boot": "transcript-boot.jsonl", "station 2.0.1": "transcript.jsonl"}
    text = page(case(verdict=Verdict.FAIL, findings=seen), transcripts=files).text
    assert "Evidence: frame 3 of transcript-boot.jsonl" in text
    assert "Evidence: frame 4 of transcript.jsonl" in text


def test_a_transcript_that_is_not_named_is_the_transcript():
    one = [finding(verdict=Verdict.FAIL, frames=(3,))]
    assert "Evidence: frame 3 of the transcript" in page(case(verdict=Verdict.FAIL, findings=one), transcripts={}).text


def test_long_messages_and_long_lists_are_cut():
    many = [finding(f"B01.FR.{number:02}", Verdict.FAIL, "x" * 5000) for number in range(40)]
    shown = page(*(case(f"TC_B_{number}_CS", Verdict.FAIL, many) for number in range(160)))
    assert "… and 30 more findings in result.json" in shown.text
    assert "… and 10 more cases in result.json" in shown.text
    assert "x" * 401 not in shown.text


def test_case_in_two_proofs_fails_once():
    text = page(case(verdict=Verdict.FAIL), case(verdict=Verdict.FAIL, proof="coexistence")).text
    assert "Failed (1)" in text
    assert "(normal, boot, coexistence, station 2.0.1)" in text
    assert "0 passed, 0 warned, 1 failed" in text


def test_time_without_a_zone_is_shown_as_it_is():
    assert "2026-10-03 12:00 to" in page(case(), started="2026-10-03T12:00:00").text


def test_nothing_ran():
    shown = page(complete=False)
    assert "NG" in shown.text
    assert "Incomplete run" in shown.text


def test_written_page_is_utf_8(tmp_path):
    write_certificate(result(case(title="Kaltstart: grün")), tmp_path / "certificate.html")
    assert "“OCPP”" in (tmp_path / "certificate.html").read_text(encoding="utf-8")
