"""The setpoints of a run and their charts: in the terminal, on the page and beside a case."""

import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as some
from report_support import HOSTILE, PLACES, at, case, result

from conformance.cases.setpoint import Chart, Outcome, Series, Setpoint
from conformance.cases.verdict import Verdict
from conformance.report import chart
from conformance.report.certificate import certificate
from conformance.report.result import load_result
from conformance.report.tables import SETPOINTS, as_text, of_case, tables
from conformance.report.terminal import summary_lines

ASKED = (
    Setpoint("16 A while it charges", 16, Outcome.ENFORCED, "Accepted", 16, 15.9),
    Setpoint("0 A", 0, Outcome.IGNORED, "Accepted", None, 31.9, reason="the EV still draws 31.9 A"),
    Setpoint("10.5 A", 10.5, Outcome.DOWNGRADED, "Accepted", 10, 9.9, reason="10 A, both times"),
    Setpoint("for another transaction", 8, Outcome.REJECTED, "Rejected (TxNotFound)", 16, 15.9),
    Setpoint("no limit", None, Outcome.NOT_JUDGED, "Accepted", reason="no meter values came"),
)
KEPT = Chart(
    "Limits set while an EV charges",
    (
        Series("limit", ((0, None), (1, 16.0), (4, 8.0), (8, 8.0))),
        Series("reported", ((1.2, 16.0), (4.2, 8.0), (8, 8.0))),
        Series("drawn", ((0.1, 31.9), (1.4, 16.0), (4.5, 15.9), (4.9, 7.9), (8, 7.9)), "EVSE 1"),
        Series("drawn", ((0.2, 12.0), (8, 12.0)), "EVSE 2"),
    ),
    marks=((1, "16 A is set"), (4, "8 A is set"), (4.1, "offline")),
)
ROW = case(
    "SETPOINT_CHARGING_CS", Verdict.FAIL, title="Limits set while an EV charges", setpoints=ASKED, charts=(KEPT,)
)


def shown(*cases):
    return [line for line, _ in summary_lines(result(*cases))]


def parsed(picture):
    return ET.fromstring(picture)


def test_each_outcome_has_its_verdict_and_its_meaning():
    assert [each.verdict for each in Outcome] == [
        Verdict.PASS,
        Verdict.PASS,
        Verdict.PASS,
        Verdict.INCONCLUSIVE,
        Verdict.FAIL,
        Verdict.FAIL,
    ]
    assert list(SETPOINTS.means) == list(Outcome)


def test_one_table_for_each_place():
    one, other = tables(
        result(at(PLACES[0], setpoints=ASKED), at(PLACES[1], setpoints=ASKED[:1]), case("TC_B_02_CS")), SETPOINTS
    )
    assert (one.where, other.where) == ("station 2.0.1", "station 1.6")
    assert one.total == ("5 setpoints: 1 enforced, 1 rejected, 1 downgraded, 1 not judged, 1 silently ignored")
    assert one.apart() == {"no meter values came": ["TC_B_01_CS no limit"]}
    assert other.total == "1 setpoint: 1 enforced"


def test_in_the_terminal():
    lines = shown(ROW)
    head = lines.index("Setpoints, station 2.0.1")
    found = [re.split(r"\s{2,}", line.strip()) for line in lines[head + 1 : head + 8]]
    assert found == [
        ["setpoint", "asked", "reported", "drawn", "outcome"],
        ["SETPOINT_CHARGING_CS"],
        ["16 A while it charges", "16 A", "16 A", "15.9 A", "enforced"],
        ["0 A", "0 A", "no limit", "31.9 A", "silently ignored"],
        ["10.5 A", "10.5 A", "10 A", "9.9 A", "downgraded"],
        ["for another transaction", "8 A", "16 A", "15.9 A", "rejected"],
        ["no limit", "no limit", "no limit", "not measured", "not judged"],
    ]
    assert "  not judged, no meter values came: SETPOINT_CHARGING_CS no limit" in lines
    assert all(len(line) <= 100 for line in lines)
    assert not any("Setpoints" in line for line in shown(case()))


def test_on_the_page():
    page = certificate(result(ROW))
    assert '<b class="FAIL">silently ignored</b><small>the EV still draws 31.9 A</small>' in page
    assert '<b class="PASS">enforced</b>' in page
    assert "<td>Rejected (TxNotFound)</td>" in page
    assert page.count("<svg ") == 1
    assert "<h2>Setpoints</h2>" not in certificate(result(case()))


def test_hostile_text_is_harmless_there():
    hostile = Chart(HOSTILE, (Series("drawn", ((0, 1),), HOSTILE),), marks=((0, HOSTILE),))
    asked = (Setpoint(HOSTILE, 1, Outcome.IGNORED, HOSTILE, reason=HOSTILE),)
    page = certificate(result(case(setpoints=asked, charts=(hostile,))))
    assert "<script>" not in page
    parsed(chart.svg(hostile))


def test_beside_a_case():
    table = of_case(ROW, SETPOINTS)
    assert table is not None
    text = as_text(table)
    assert "\n    the EV still draws 31.9 A\n" in text
    assert text.endswith("5 setpoints: 1 enforced, 1 rejected, 1 downgraded, 1 not judged, 1 silently ignored\n")
    assert of_case(case(), SETPOINTS) is None


def test_it_is_in_the_saved_result(tmp_path: Path):
    result(ROW).save(tmp_path / "result.json")
    again = load_result(tmp_path / "result.json").cases[0]
    assert (again.setpoints, again.charts) == (ASKED, (KEPT,))


def test_a_chart_names_its_lines_and_tells_them_apart_without_colour():
    texts = ["".join(each.itertext()) for each in parsed(chart.svg(KEPT)).iter() if each.tag.endswith("text")]
    assert {"limit", "reported", "drawn, EVSE 1", "drawn, EVSE 2"} <= set(texts)
    assert "1: 16 A is set · 2: 8 A is set · 3: offline" in texts
    picture = chart.svg(KEPT)
    assert "stroke-dasharray" in picture
    assert picture.count('<circle cx="') > len(KEPT.marks)
    assert "<rect x=" in picture


def test_labels_do_not_lie_upon_each_other():
    same = Chart("t", tuple(Series(kind, ((0, 8.0), (1, 8.0))) for kind in ("limit", "reported", "drawn")))
    labels = [each for each in parsed(chart.svg(same)).iter() if each.get("font-weight") == "600" and each.get("fill")]
    heights = sorted(float(each.attrib["y"]) for each in labels)
    assert len(heights) == 3
    assert all(later - earlier >= 12 for earlier, later in pairwise(heights))


VALUES = some.none() | some.floats(0, 1e5, allow_nan=False)
SERIES = some.builds(
    Series,
    some.sampled_from(["limit", "reported", "drawn"]),
    some.lists(some.tuples(some.floats(0, 1e5, allow_nan=False), VALUES), max_size=8).map(
        lambda points: tuple(sorted(points, key=lambda point: point[0]))
    ),
    some.text(max_size=5),
)
CHARTS = some.builds(
    Chart,
    some.text(max_size=20),
    some.lists(SERIES, max_size=4).map(tuple),
    some.sampled_from(["A", "W"]),
    some.lists(some.tuples(some.floats(0, 1e5, allow_nan=False), some.text(max_size=9)), max_size=4).map(tuple),
)


@given(CHARTS)
def test_any_chart_is_well_formed(given_chart):
    picture = parsed(chart.svg(given_chart))
    assert "nan" not in ET.tostring(picture, encoding="unicode").replace("title", "")[:60]
    for each in picture.iter():
        assert all("inf" not in value for name, value in each.attrib.items() if name in ("x", "y", "d", "cx", "cy"))


@given(some.lists(some.builds(Setpoint, some.text(max_size=9), VALUES, some.sampled_from(Outcome)), max_size=3))
def test_a_setpoint_survives_json(found):
    assert msgspec.json.decode(msgspec.json.encode(found), type=list[Setpoint]) == found
