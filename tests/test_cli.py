"""`ocpp-conformance cases`, and what its parser says."""

import json
from collections.abc import Callable, Sequence
from types import SimpleNamespace

import pytest
from run_support import command, run

from conformance.cases.plan import load_plan
from conformance.cases.proving import Proving
from conformance.cli import _Keep, main
from conformance.files import data
from conformance.plugin import BELOW_GATE, OK, PROVING

KEYS = {"id", "title", "role", "versions", "proof", "severity", "requirements", "needs", "official"}


@pytest.fixture
def out(capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What a command that succeeds prints."""

    def printed(*words: str) -> str:
        assert main(words) == 0
        return capfd.readouterr().out

    return printed


@pytest.fixture
def rows(out: Callable[..., str]) -> list[dict]:
    return json.loads(out("cases", "--json"))


def test_cases_as_json(rows: list[dict]) -> None:
    assert len(rows) > 20
    assert all(row.keys() == KEYS for row in rows)
    [boot] = [row for row in rows if row["id"] == "TC_B_01_CS"]
    assert boot == {
        "id": "TC_B_01_CS",
        "title": boot["title"],
        "role": "station",
        "versions": ["2.0.1"],
        "proof": "boot",
        "severity": "blocker",
        "requirements": ["B01.FR.01", "B01.FR.05", "B01.FR.09"],
        "needs": "",
        "official": True,
    }


def test_every_case_is_in_the_plan(rows: list[dict]) -> None:
    proofs = {proof.name for proof in load_plan(data("testcases/plans/minimum-proof.toml")).proof}
    assert [row["id"] for row in rows if row["proof"] not in proofs] == []


def test_a_table_for_people(out: Callable[..., str], rows: list[dict]) -> None:
    table = out("cases")
    assert all(row["id"] in table and row["title"] in table for row in rows)
    conditional = [row["needs"] for row in rows if row["needs"]]
    assert all(f"only with: {needs}" in table for needs in conditional)


def test_as_a_program(tmp_path) -> None:
    done = run(command("cases", "--json"), tmp_path)
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["prove", "--help"], ["report", "--help"]])
def test_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0
    assert "usage: ocpp-conformance" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["prove"], ["run", "--sut", "embedded"]])
def test_what_it_takes_to_be_spread(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    monkeypatch.setattr("conformance.cli.find_spec", lambda _: None)
    assert main([*words, "-n", "2"]) == 2
    assert "expected pytest-xdist to be installed" in capsys.readouterr().err


def test_nobody_reads_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_: str) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("sys.stdout.write", closed)
    assert main(["cases"]) == 0


@pytest.mark.parametrize(
    ("survivors", "again"),
    [
        (["station 1.6: TC_032_1_CS: no mutant is blamed for 16.TX.08"], {"TC_032_1_CS"}),
        (["station 1.6: ends-twice (breaks 16.POWER.02) is never blamed"], {"TC_032_1_CS", "TC_032_2_CS"}),
        (["station 1.6: TC_032_1_CS: no mutant is blamed for X", "x (breaks NOTHING-KNOWN) is never blamed"], set()),
    ],
)
def test_which_cases_are_proven_once_more(survivors: list[str], again: set[str]) -> None:
    kept = _Keep()
    kept.proving = {"requirements": 3, "survivors": survivors, "wrongly_blamed": [], "reference_failures": []}
    assert set(kept.doubtful()) == again


def test_what_is_proven_once_more_counts_with_the_rest(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    survivor = "station 1.6: TC_032_1_CS: no mutant is blamed for 16.TX.08"
    rounds = [(BELOW_GATE, Proving(1421, 1420, (survivor,), (), ())), (OK, Proving(8, 8, (), (), ()))]

    def one_round(options: Sequence[str], plugins: Sequence[_Keep]) -> int:
        code, result = rounds.pop(0)
        plugins[0].pytest_unconfigure(SimpleNamespace(stash={PROVING: result}))  # type: ignore[arg-type]
        return code

    monkeypatch.setattr("conformance.cli._pytest", one_round)
    assert main(["prove", "--again", "--json"]) == OK
    said = capfd.readouterr().out
    assert "together: 1421 of 1421 proven" in said
    told = json.loads(said[said.index("{") :])
    assert (told["requirements"], told["proven"], told["survivors"]) == (1421, 1421, [])
