"""The table of faults and moments, in the terminal, on the page and beside a case."""

from pathlib import Path

from report_support import HOSTILE, PLACES, at, case, result

from conformance.cases.matrix import MOMENTS, Cell, in_order, some
from conformance.cases.verdict import Verdict
from conformance.report import matrix
from conformance.report.certificate import certificate
from conformance.report.result import load_result
from conformance.report.terminal import summary_lines

CELLS = (
    Cell("outage", "at stop", Verdict.PASS),
    Cell("outage", "charging", Verdict.FAIL, lost=2, doubled=1, kwh_lost=0.25, reason="Ended never came"),
    Cell("outage", "resuming", Verdict.INCONCLUSIVE, reason="the driver can't ev_suspend"),
    Cell("no answer", "charging", Verdict.WARN, kwh_lost=None),
)
FAULTY = case("FAULT_OUTAGE_CS", Verdict.FAIL, cells=CELLS)


def shown(*cases):
    return [line for line, _ in summary_lines(result(*cases))]


def test_moments_are_in_their_order():
    assert in_order(["charging", "of my own", "not started", "charging"]) == ["not started", "charging", "of my own"]
    assert some(MOMENTS, None) == MOMENTS
    assert some(MOMENTS, 2) == ("not started", "start told")


def test_one_table_for_each_place():
    one, other = matrix.matrices(result(at(PLACES[0], cells=CELLS), at(PLACES[3], cells=CELLS[:1]), case("TC_B_02_CS")))
    assert (one.where, other.where) == ("station 2.0.1", "CSMS 1.6")
    assert one.moments == ("charging", "resuming", "at stop")
    assert [(fault, [cell and cell.verdict for cell in cells]) for fault, cells in one.rows] == [
        ("outage", [Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS]),
        ("no answer", [Verdict.WARN, None, None]),
    ]
    assert one.total == "3 cells judged: 2 events lost, 1 doubled, at least 0.250 kWh lost"
    assert other.total == "1 cell judged: 0 events lost, 0 doubled, 0.000 kWh lost"


def test_in_the_terminal():
    lines = shown(FAULTY)
    head = lines.index("Faults and moments, station 2.0.1")
    assert lines[head + 1 : head + 4] == [
        "  fault          charging    resuming    at stop",
        "  outage         ✗ 2·1·0.250 not judged  0·0·0.000",
        "  no answer      ! 0·0·?     -           -",
    ]
    assert "  not judged: outage resuming: the driver can't ev_suspend" in lines
    assert "  in each cell: events lost·events doubled·kWh that can't be billed" in lines
    assert not any("moments" in line for line in shown(case()))


def test_all_moments_fit_the_terminal():
    every = tuple(Cell("slow handshake", moment, Verdict.FAIL, 1, 1, 1.234) for moment in MOMENTS)
    assert all(len(line) <= 100 for line in shown(case(cells=every)))
    row = next(line for line in shown(case(cells=every)) if line.startswith("  slow handshake"))
    assert row.count("✗ 1·1·1.234") == len(MOMENTS)


def test_on_the_page():
    page = certificate(result(FAULTY))
    assert '<table class="matrix">' in page
    assert '<b class="FAIL">FAIL</b><small>2 · 1 · 0.250</small>' in page
    assert '<span class="none">not judged</span>' in page
    assert "not judged: outage resuming: the driver can&#x27;t ev_suspend" in page
    assert '<table class="matrix">' not in certificate(result(case()))


def test_hostile_text_is_harmless_there():
    page = certificate(result(case(cells=(Cell(HOSTILE, HOSTILE, Verdict.ERROR, reason=HOSTILE),))))
    assert "<script>" not in page


def test_beside_a_case():
    table = matrix.of_case(FAULTY)
    assert table is not None
    text = matrix.as_text(table)
    assert text.startswith("Faults and moments, station 2.0.1; in each cell: ")
    assert "✗ 2·1·0.250" in text
    assert matrix.of_case(case()) is None


def test_it_is_in_the_saved_result(tmp_path: Path):
    result(FAULTY).save(tmp_path / "result.json")
    assert load_result(tmp_path / "result.json").cases[0].cells == CELLS
