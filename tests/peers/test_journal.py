"""What is open outlives whoever wrote it down."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.peers.journal import Change, Journal, journal_path

NAMES = ("variable A.B", "key Heartbeat", "the password of the station")


def test_what_is_open_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "CS001-1.6.jsonl"
    first = Journal(path)
    change = Change("variable A.B", "5", ("SetVariables", {"x": 1}), case="TC_X", at="now")
    first.open(change)
    first.open(Change("key K"))
    first.strike("KEY k")
    second = Journal(path)
    assert list(second) == [change]
    assert second.get("VARIABLE a.b") == change
    assert "variable A.B" in second
    second.close()
    assert path.exists()
    second.strike("variable A.B")
    second.close()
    assert not path.exists()
    Journal(path).close()


def test_a_line_that_was_not_finished_was_never_meant(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"what":"key A","was":"1"}\n{"what":"key B","wa')
    journal = Journal(path)
    assert [each.what for each in journal] == ["key A"]
    journal.open(Change("key C"))
    assert [each.what for each in Journal(path)] == ["key A", "key C"]


def test_a_line_that_makes_no_sense_keeps_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"was":"1"}\n\xff\n[]\n{"struck":7}\n\n{"struck":"key Z"}\n')
    journal = Journal(path)
    assert (list(journal), journal.unreadable) == ([], 4)
    journal.close()
    assert path.exists()


def test_without_a_file() -> None:
    journal = Journal()
    journal.open(Change("key A"))
    journal.strike("key B")
    journal.close()
    assert [each.what for each in journal] == ["key A"]


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(NAMES), st.text())))
def test_the_file_says_what_memory_says(tmp_path_factory: pytest.TempPathFactory, steps: list) -> None:
    path = tmp_path_factory.mktemp("journal") / "x.jsonl"
    journal = Journal(path)
    for opens, what, was in steps:
        if opens:
            journal.open(Change(what, was))
        else:
            journal.strike(what)
    assert list(Journal(path)) == list(journal)
    assert all(json.loads(line) for line in path.read_bytes().splitlines()) if path.exists() else True


def test_where_it_is(tmp_path: Path) -> None:
    assert journal_path(tmp_path, "a/b:c", "1.6") == tmp_path / "journal" / "a%2Fb%3Ac-1.6.jsonl"
    assert str(Change("key A")) == "key A, changed by a case at "
