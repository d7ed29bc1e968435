"""`ocpp-conformance inventory`, as its users run it: taking a baseline, seeing drift, and what can't be used."""

import json
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from run_support import Done, process_driver, profile

from conformance.cases.baseline import load, loads
from conformance.cli import main
from conformance.files import data
from conformance.peers.journal import Change, Journal, journal_path


@pytest.fixture
def inventory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Runs the command in this process, in a folder of its own with the profile sut.toml."""
    monkeypatch.chdir(tmp_path)
    profile(tmp_path / "sut.toml", versions=("2.0.1", "1.6"))

    def run_here(*words: str, sut: str = "sut.toml") -> Done:
        try:
            code = main(["inventory", "--sut", sut, *words])
        except SystemExit as ended:
            code = ended.code
        captured = capfd.readouterr()
        return Done(code, captured.out, captured.err, tmp_path / "reports")

    return run_here


def edit(path: Path, name: str, line: str | None) -> None:
    """Put another line in place of the one of this name, or none."""
    text = path.read_text(encoding="utf-8")
    edited, count = re.subn(
        rf"^{re.escape(json.dumps(name))} = .*\n", f'"{name}" = {line}\n' if line else "", text, flags=re.MULTILINE
    )
    assert count == 1
    path.write_text(edited, encoding="utf-8")


def test_what_a_run_has_left_behind_is_told(inventory, tmp_path):
    journal = journal_path(tmp_path / "reports", "CS001", "1.6")
    Journal(journal).open(Change("key HeartbeatInterval", "300"))
    done = inventory("--ocpp", "1.6", "--json")
    assert done.code == 0, done.text
    assert "a run has not put back key HeartbeatInterval" in done.err
    assert journal.exists()


def test_a_baseline_is_taken_and_nothing_has_drifted(inventory, tmp_path):
    done = inventory("--save", "b.toml")
    assert done.code == 0, done.text
    assert "b.toml:" in done.err
    assert "lines taken" in done.err
    baseline = load(tmp_path / "b.toml")
    assert baseline.keys["AuthorizationKey"].secret
    assert baseline.variables["SecurityCtrlr.BasicAuthPassword"].secret
    assert baseline.variables["OCPPCommCtrlr.OfflineThreshold"].value is not None
    done = inventory("--against", "b.toml")
    assert done.code == 0, done.text
    assert "OCPP 2.0.1: no drift from b.toml" in done.out
    assert "OCPP 1.6: no drift from b.toml" in done.out


def test_drift_is_shown_line_by_line(inventory, tmp_path):
    path = tmp_path / "b.toml"
    inventory("--save", "b.toml", "--ocpp", "2.0.1")
    edit(
        path,
        "OCPPCommCtrlr.OfflineThreshold",
        '{ value = "7", mutability = "ReadOnly", limits = { type = "integer" } }',
    )
    edit(path, "TxCtrlr.EVConnectionTimeOut", None)
    edit(path, "TxCtrlr.StopTxOnInvalidId", '{ value = true }\n"Vendor.Gone" = 1')
    done = inventory("--against", "b.toml", "--ocpp", "2.0.1")
    assert done.code == 1, done.text
    assert "OCPP 2.0.1: 5 drifts from b.toml" in done.out
    assert [re.split(r"\s+", line.strip(), maxsplit=1)[0] for line in done.out.splitlines()[1:]] == [
        "missing",
        "added",
        "value",
        "mutability",
        "limits",
    ]
    assert "OCPPCommCtrlr.OfflineThreshold: '7' → '60'" in done.out
    told = inventory("--against", "b.toml", "--ocpp", "2.0.1", "--json")
    assert told.code == 1
    [row] = json.loads(told.out)
    assert row["version"] == "2.0.1"
    assert {"kind": "missing", "name": "Vendor.Gone", "expected": "", "found": ""} in row["drifts"]


def test_bringing_up_to_date_keeps_what_was_loosened(inventory, tmp_path):
    path = tmp_path / "b.toml"
    inventory("--save", "b.toml", "--ocpp", "1.6")
    edit(path, "ConnectionTimeOut", "{ from = 1, to = 600 }")
    edit(path, "ResetRetries", '"99"')
    done = inventory("--save", "b.toml")
    assert "brought up to date" in done.err
    baseline = load(path)
    assert (baseline.keys["ConnectionTimeOut"].least, baseline.keys["ConnectionTimeOut"].most) == (1, 600)
    assert baseline.keys["ResetRetries"].value == "1"
    assert baseline.variables


def test_a_baseline_of_one_version_serves_the_other(inventory, tmp_path):
    (tmp_path / "b.toml").write_text(
        '[keys]\nResetRetries = 1\nConnectionTimeOut = "61"\nNumberOfConnectors = 3\n', encoding="utf-8"
    )
    done = inventory("--against", "b.toml", "--ocpp", "2.0.1")
    assert done.code == 1, done.text
    assert "OCPP 2.0.1: 1 drift from b.toml, 2 lines compared" in done.out
    assert "TxCtrlr.EVConnectionTimeOut (ConnectionTimeOut): '61' → '60'" in done.out
    assert "not compared, OCPP 2.0.1 has no such thing: NumberOfConnectors" in done.out


def test_without_a_file_everything_is_listed(inventory):
    done = inventory("--ocpp", "1.6")
    assert done.code == 0
    assert re.search(r"^  ResetRetries +ReadWrite +'1'$", done.out, re.MULTILINE)
    assert re.search(r"^  AuthorizationKey +ReadWrite +\(secret\)$", done.out, re.MULTILINE)
    done = inventory("--ocpp", "2.0.1", "--json")
    rows = {row["name"]: row for row in json.loads(done.out)}
    assert rows["OCPPCommCtrlr.OfflineThreshold"]["limits"]["type"] == "integer"
    assert rows["SecurityCtrlr.BasicAuthPassword"]["value"] is None


def test_what_is_not_listed_is_asked_for_by_its_name(inventory, tmp_path):
    driver = process_driver("--with", "nothing")  # the program ends at once, so the station never comes
    profile(tmp_path / "sut.toml", driver=driver, connect=0.5)
    done = inventory()
    assert done.code == 2
    assert "OCPP 2.0.1:" in done.err


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--against", "none.toml"], ["none.toml: No such file", "--save"]),
        (["--against", "broken.toml"], ["broken.toml: not valid TOML"]),
        (["--save", "broken.toml"], ["--save: expected a baseline or no file yet", "broken.toml: not valid TOML"]),
        (["--save", "nowhere/b.toml"], ["--save: expected a folder that can be written to", "nowhere"]),
        (["--ocpp", "3.0"], ["--ocpp: expected 2.0.1 or 1.6", "got 3.0"]),
    ],
)
def test_bad_input_is_one_message(inventory, tmp_path, words, parts):
    (tmp_path / "broken.toml").write_text("[", encoding="utf-8")
    done = inventory(*words)
    assert done.code == 2
    assert "Traceback" not in done.text
    assert len(done.err.splitlines()) == 1
    for part in parts:
        assert part in done.err


def test_a_profile_that_can_not_be_used(inventory, tmp_path):
    assert "no such file" in inventory(sut="none.toml").err
    profile(tmp_path / "csms.toml", role="csms")
    done = inventory(sut="csms.toml")
    assert done.code == 2
    assert "expected the profile of a station" in done.err


def test_an_address_that_is_taken(inventory, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        text = (tmp_path / "sut.toml").read_text(encoding="utf-8")
        (tmp_path / "sut.toml").write_text(
            text.replace("port = 0", f"port = {taken.getsockname()[1]}"), encoding="utf-8"
        )
        done = inventory("--ocpp", "1.6")
    assert done.code == 2
    assert "free the address" in done.err


def test_a_baseline_in_a_profile(inventory, tmp_path):
    text = (tmp_path / "sut.toml").read_text(encoding="utf-8")
    named = text.replace("[parameters]\n", '[parameters]\nbaseline = "mine.toml"\n')
    (tmp_path / "sut.toml").write_text(named, encoding="utf-8")
    done = inventory()
    assert done.code == 2
    assert "[parameters] baseline:" in done.err
    assert "mine.toml: No such file" in done.err
    (tmp_path / "sut.toml").write_text(
        text.replace("[features]\n", "[features]\nconfiguration-baseline = true\n"), encoding="utf-8"
    )
    assert "write [parameters] baseline" in inventory().err


def test_the_examples_of_the_guide_load():
    guide = data("fixtures").parent / "docs" / "inventory.md"
    [example] = re.findall(r"```toml\n(# lab\.toml\n.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
    baseline = loads(example)
    assert baseline.variables["TxCtrlr.StopTxOnInvalidId"].value is True
    assert (baseline.variables["Display(1).Backlight[Night]"].least, baseline.unlisted) == (0, "drift")
