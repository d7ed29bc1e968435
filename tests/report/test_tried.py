"""The settings that a run changed or left alone: in the terminal, on the page and beside a case."""

import msgspec
from report_support import HOSTILE, PLACES, at, case, result

from conformance.cases.tried import Fate, Tried
from conformance.cases.verdict import Verdict
from conformance.report.certificate import certificate
from conformance.report.result import CaseRow
from conformance.report.tables import TRIED as KIND
from conformance.report.tables import as_text, of_case, tables
from conformance.report.terminal import summary_lines

TRIED = (
    Tried("TxCtrlr.EVConnectionTimeOut", Fate.KEPT, "60", "120", "Accepted"),
    Tried("OCPPCommCtrlr.OfflineThreshold", Fate.NOT_BACK, "60", "300", "Accepted", "was 60, and reads 300"),
    Tried("SecurityCtrlr.Identity", Fate.LEFT_ALONE, why="it is who the station is"),
    Tried("SecurityCtrlr.SecurityProfile", Fate.LEFT_ALONE, why="it is who the station is"),
)


def shown(*cases):
    return [line for line, _ in summary_lines(result(*cases))]


def test_each_fate_has_its_meaning():
    assert list(KIND.means) == list(Fate)
    assert {each for each in Fate if each.faulty} == set(Fate) - {
        *(Fate.KEPT, Fate.TAKEN, Fate.GUARDED, Fate.LEFT_ALONE)
    }


def test_the_terminal_counts_them_and_names_what_is_wrong_and_what_was_left_alone():
    lines = shown(case("SETTINGS_CS", Verdict.FAIL, tried=TRIED))
    start = next(place for place, line in enumerate(lines) if line.startswith(KIND.title))
    text = "\n".join(lines[start:])
    assert "4 trials: 1 changed and kept, 2 left alone, 1 not put back" in text
    assert "OCPPCommCtrlr.OfflineThreshold (SETTINGS_CS): was 60, and reads 300" in text
    assert "it is who the station is: SecurityCtrlr.Identity, SecurityCtrlr.SecurityProfile" in text
    assert "EVConnectionTimeOut" not in text


def test_a_run_that_tried_nothing_says_nothing_of_it():
    assert not any(KIND.title in line for line in shown(case("TC_B_01_CS")))
    assert KIND.title not in certificate(result(case("TC_B_01_CS")))
    assert of_case(case("TC_B_01_CS"), KIND) is None


def test_the_page_shows_a_row_for_each_that_was_tried():
    page = certificate(result(case("SETTINGS_CS", Verdict.FAIL, tried=TRIED)))
    for text in ("TxCtrlr.EVConnectionTimeOut", "changed and kept", "was 60, and reads 300", "SecurityCtrlr.Identity"):
        assert text in page


def test_the_page_escapes_what_the_station_says():
    page = certificate(result(case("SETTINGS_CS", tried=(Tried(HOSTILE, Fate.KEPT, HOSTILE, HOSTILE, HOSTILE),))))
    assert "<script>alert" not in page


def test_each_role_and_version_has_its_table():
    one, other = tables(result(at(PLACES[0], tried=TRIED), at(PLACES[1], tried=TRIED[:1]), case("TC_B_02_CS")), KIND)
    assert one.where != other.where
    assert other.total == "1 trial: 1 changed and kept"


def test_as_text_it_has_everything():
    table = of_case(case("SETTINGS_CS", tried=TRIED), KIND)
    text = as_text(table)
    for each in ("EVConnectionTimeOut", "was 60, and reads 300", "left alone, it is who the station is", "4 trials"):
        assert each in text


def test_it_survives_being_written_down():
    row = case("SETTINGS_CS", tried=TRIED)
    assert msgspec.json.decode(msgspec.json.encode(row), type=CaseRow).tried == TRIED
