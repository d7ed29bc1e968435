import unicodedata
from pathlib import Path

import pytest
from report_support import FOUR, HOSTILE, PLACES, at, case, finding, result

from conformance.cases.verdict import Severity, Verdict
from conformance.report.terminal import summary_lines

MARKUP = {"", "red", "green", "yellow", "bold", "light"}


def text(*cases, **given):
    return "\n".join(line for line, _ in summary_lines(result(*cases, **given)))


def test_clean_run_in_a_few_lines():
    lines = summary_lines(result(case()), run_dir=Path("reports/x"))
    shown = "\n".join(line for line, _ in lines)
    assert "ACME Wallbox (firmware 1.2) against Minimum proof" in shown
    assert "boot                 station  2.0.1  A      -         1 of 1" in shown
    assert "not graded, no cases: security" in shown
    assert "1 case: 1 passed" in shown
    assert ("Overall grade A, of 1 of 2 proofs: nothing failed", "green") in lines
    assert ("Gate B met", "green") in lines
    assert lines[-1][0].endswith("certificate.html")
    assert len(lines) < 12


def test_failures_warnings_and_what_was_not_judged():
    shown = text(
        case("TC_B_01_CS", Verdict.FAIL, [finding("B01.FR.05", Verdict.FAIL, "expected A, got B", (3, 4))]),
        case("TC_B_02_CS", Verdict.WARN),
        case("TC_B_03_CS", Verdict.ERROR, (), reason="KeyError: 'status'", severity=Severity.BLOCKER),
        case("TC_B_04_CS", Verdict.NOT_APPLICABLE, (), reason="not claimed"),
        not_run=1,
    )
    assert "    B01.FR.05: expected A, got B [frames 3, 4]" in shown
    assert "message of TC_B_02_CS" in shown
    assert "    KeyError: 'status'" in shown
    assert "4 cases: 1 warned, 1 failed, 1 not judged, 1 not applicable" in shown
    assert "INCOMPLETE RUN" in shown
    assert "(1 case unproven, 1 case not run)" in shown
    assert "C to F" in shown
    assert "Gate B not met" in shown


def test_failed_case_without_a_finding_gives_its_reason():
    assert "    it went silent" in text(case(verdict=Verdict.FAIL, findings=(), reason="it went silent"))


def test_long_lists_are_capped():
    many = [finding(f"B01.FR.{number:02}", Verdict.FAIL, "wrong", range(20)) for number in range(9)]
    shown = text(*(case(f"TC_B_{number:02}_CS", Verdict.FAIL, many) for number in range(30)))
    assert "… and 18 more cases in certificate.html" in shown
    assert "… and 5 more in certificate.html" in shown
    assert "[frames 0, 1, 2 and 17 more]" in shown
    assert len(shown.splitlines()) < 100


@pytest.mark.parametrize("long", ["x" * 400, "充电" * 200, HOSTILE, HOSTILE * 50])
def test_no_line_is_wider_than_100_columns_or_commands_the_terminal(long):
    failing = finding(long, Verdict.FAIL, long, range(1000, 1100))
    row = case(long, Verdict.FAIL, [failing], title=long, proof=long, reason=long)
    broken = case(f"{long}2", Verdict.INCONCLUSIVE, (), reason=long)
    lines = summary_lines(result(row, broken, plan=long, notes=(long,), sut={"vendor": long, "firmware": long}))
    for line, style in lines:
        assert sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in line) <= 100
        assert line.isprintable()
        assert style in MARKUP
    assert any(line.endswith(" more]") for line, _ in lines)


def test_nothing_ran():
    shown = text(sut={})
    assert "the system under test" in shown
    assert "no case ran" in shown
    assert "Overall grade NG" in shown


def test_proof_that_is_graded_in_one_role_only():
    shown = text(case(proof="security", role="csms"))
    assert "  security         A 1 of 1            no cases" in shown
    assert "not graded" not in shown


def test_two_systems_in_two_versions():
    station, station_16, csms, csms_16 = PLACES
    lines = summary_lines(
        result(
            at(station),
            at(station_16, "TC_001_CS", Verdict.FAIL),
            at(csms),
            at(csms, "TC_B_02_CSMS", Verdict.INCONCLUSIVE, findings=(), reason="never came"),
            at(csms_16, "TC_001_CSMS", Verdict.NOT_APPLICABLE, findings=(), reason="not claimed"),
            at(csms_16, "TC_K_01_CSMS", proof="smart-charging"),
            **FOUR,
        )
    )
    shown = [line for line, _ in lines]
    assert shown[:2] == ["ACME Wallbox 11 (firmware 1.2) and", "Volta Cloud against Minimum proof"]
    assert shown[3:9] == [
        "  proof            station 2.0.1       station 1.6         CSMS 2.0.1          CSMS 1.6",
        "  boot             A 1 of 1            C 1 of 1            C 1 of 1            no case applies",
        "                                                           could be A",
        "  smart-charging   -                   -                   -                   A 1 of 1",
        "  beside each grade: checks judged",
        "  not graded, no cases: security",
    ]
    assert dict(lines)[shown[4]] == "yellow"
    assert any(line.endswith("(station 1.6, normal)") for line in shown)
    assert any(line.endswith("(CSMS 2.0.1, normal)") for line in shown)


def test_a_proof_that_was_graded_nowhere_for_several_reasons():
    rows = [at(PLACES[1], verdict=Verdict.NOT_APPLICABLE, findings=(), proof="security"), at(PLACES[0])]
    shown = text(*rows, **FOUR)
    assert "not graded, no cases: security (station 2.0.1)" in shown
    assert "not graded, no case applies: security (station 1.6)" in shown


def test_as_many_columns_as_there_are_still_fit():
    rows = [case(role=role, version=version) for role in ("station", "csms") for version in ("1.6", "2.0.1", "2.1")]
    [head] = [line for line, _ in summary_lines(result(*rows)) if line.startswith("  proof")]
    assert head.endswith("CSMS 2.1")
    assert len(head) <= 100


def test_a_long_note_goes_over_several_lines():
    note = "station 1.6: " + "nobody came " * 20
    shown = [line for line, _ in summary_lines(result(case(), notes=(note,)))]
    first = next(place for place, line in enumerate(shown) if line.startswith("note: station 1.6: nobody"))
    assert " ".join(line.strip() for line in shown[first : first + 3]).count("nobody came") == 20
    assert all(line.startswith("  ") for line in shown[first + 1 : first + 3])
