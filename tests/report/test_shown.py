"""What a run showed in TLS, and who was let in: in the terminal, on the page and beside a case."""

import msgspec
import pytest
from report_support import HOSTILE, PLACES, at, case, result

from conformance.cases.verdict import Verdict
from conformance.cases.zoo import Reception, Shown
from conformance.pki import recipe
from conformance.report.certificate import certificate
from conformance.report.result import CaseRow
from conformance.report.tables import SHOWN, as_text, of_case, tables
from conformance.report.terminal import summary_lines

EVENT = "InvalidCsmsCertificate"
ROWS = (
    Shown("good, RSA", Reception.ACCEPTED, refuses="must not"),
    Shown("expired", Reception.REFUSED, "its time was over yesterday", alert="certificate_expired", event=EVENT),
    Shown("wrong-host", Reception.ACCEPTED, "it belongs to another host"),
    Shown("sha1", Reception.ACCEPTED, "it is signed with SHA-1", refuses="should"),
    Shown("revoked", Reception.ACCEPTED, "it has been revoked", refuses="may"),
    Shown("self-signed", Reception.REFUSED, "it is signed by itself", besides=Verdict.FAIL, why="no event came"),
    Shown("weak-key", Reception.NOT_JUDGED, "1024 bits", why="this machine can't show it"),
)
ROW = case("SERVER_ZOO_CS", Verdict.FAIL, title="Certificates that are not good", shown=ROWS)


@pytest.mark.parametrize(
    ("outcome", "refuses", "verdict"),
    [
        ("refused", "must", Verdict.PASS),
        ("refused", "should", Verdict.PASS),
        ("refused", "may", Verdict.PASS),
        ("refused", "must not", Verdict.FAIL),
        ("accepted", "must", Verdict.FAIL),
        ("accepted", "should", Verdict.WARN),
        ("accepted", "may", Verdict.PASS),
        ("accepted", "must not", Verdict.PASS),
        *(("not judged", each, Verdict.INCONCLUSIVE) for each in ("must", "should", "may", "must not")),
    ],
)
def test_what_it_comes_to(outcome, refuses, verdict):
    shown = Shown("x", Reception(outcome), refuses=refuses)
    assert shown.verdict is verdict
    assert Shown("x", Reception(outcome), refuses=refuses, besides=Verdict.FAIL).verdict is Verdict.FAIL


def test_the_recipe_says_it_in_the_same_words():
    for end in ("server", "station"):
        for member in recipe(end).values():
            row = Shown(member.name, Reception.REFUSED, member.wrong, member.refuses)
            assert row.verdict is Verdict.PASS
            assert len(member.name) <= 26
            assert len(member.wrong) <= 80


def test_one_table_for_each_place():
    one, other = tables(result(at(PLACES[0], shown=ROWS), at(PLACES[3], shown=ROWS[:2]), case("TC_B_02_CS")), SHOWN)
    assert (one.where, other.where) == ("station 2.0.1", "CSMS 1.6")
    assert one.total == "7 handshakes: 2 refused, 4 accepted, 1 not judged"
    assert other.total == "2 handshakes: 1 refused, 1 accepted"
    assert one.apart() == {"this machine can't show it": ["weak-key"]}
    assert [each.what for _, each in one.faults()] == ["wrong-host", "self-signed"]


def test_in_the_terminal():
    lines = summary_lines(result(ROW))
    texts = [line for line, _ in lines]
    head = texts.index("Who was let in, station 2.0.1")
    assert texts[head + 1].split() == ["shown", "alert", "security", "event", "outcome"]
    assert texts[head + 2].strip() == "SERVER_ZOO_CS"
    rows = [line.split() for line in texts[head + 3 : head + 10]]
    assert rows[1] == ["expired", "certificate_expired", EVENT, "refused"]
    assert rows[2] == ["wrong-host", "-", "-", "accepted:", "FAIL"]
    styles = {each.split()[0]: style for each, style in lines[head + 3 : head + 10]}
    assert (styles["expired"], styles["wrong-host"], styles["sha1"]) == ("", "red", "yellow")
    assert (styles["revoked"], styles["self-signed"], styles["weak-key"]) == ("", "red", "yellow")
    assert "  not judged, this machine can't show it: weak-key" in texts
    assert all(len(each) <= 100 for each in texts)
    assert not any(SHOWN.title in line for line, _ in summary_lines(result(case())))


def test_the_page_shows_a_row_for_each():
    page = certificate(result(ROW))
    for text in ("its time was over yesterday", "must refuse", "certificate_expired", EVENT, "no event came"):
        assert text in page
    assert '<b class="FAIL">accepted: FAIL</b>' in page
    assert '<b class="WARN">accepted: WARN</b>' in page
    assert '<b class="INCONCLUSIVE">not judged</b>' in page
    assert SHOWN.title not in certificate(result(case()))


def test_the_page_escapes_what_the_station_says():
    row = Shown(HOSTILE, Reception.REFUSED, HOSTILE, alert=HOSTILE, event=HOSTILE, why=HOSTILE)
    assert "<script>alert" not in certificate(result(case(shown=(row,))))


def test_as_text_it_has_everything():
    text = as_text(of_case(ROW, SHOWN))
    for each in (
        "expired",
        "its time was over yesterday",
        "must refuse",
        "certificate_expired",
        EVENT,
        "no event came",
    ):
        assert each in text
    assert text.endswith("7 handshakes: 2 refused, 4 accepted, 1 not judged\n")
    assert of_case(case(), SHOWN) is None


def test_it_survives_being_written_down():
    assert msgspec.json.decode(msgspec.json.encode(ROW), type=CaseRow).shown == ROWS
