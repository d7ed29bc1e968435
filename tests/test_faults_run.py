"""The matrix of faults and moments: made in full on the references, with what can't be made, and with what fails."""

from pathlib import Path

import pytest
from run_support import Done, command, own_tests, pytest_command, run

from conformance.cases.matrix import MOMENTS

CHOSEN = (
    "(station-1.6 and FAULT_OUTAGE_CS) or "
    "(csms-2.0.1 and (FAULT_OUTAGE or FAULT_HALF_OPEN or FAULT_SLOW or FAULT_CUT_OFF)) or "
    "(csms-1.6 and (FAULT_DROPPED or FAULT_NO_ANSWER))"
)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Some of the cases, at every moment that they have."""
    words = command("run", "--sut", "embedded", "--fault-matrix", "-k", CHOSEN)
    return run(words, tmp_path_factory.mktemp("matrix"))


def cells(done: Done, case_id: str) -> dict[tuple[str, str], str]:
    return {(each["fault"], each["moment"]): each["verdict"] for each in done.case(case_id)["cells"]}


def test_every_moment_of_an_outage(full: Done) -> None:
    for case_id in ("FAULT_OUTAGE_CS", "FAULT_OUTAGE_CSMS"):
        found = cells(full, case_id)
        assert {moment for _, moment in found} == set(MOMENTS)
        assert set(found.values()) == {"PASS"}, full.text


def test_both_faults_of_a_case(full: Done) -> None:
    assert {fault for fault, _ in cells(full, "FAULT_CUT_OFF_CSMS")} == {"answer reset", "message cut"}
    assert set(full.verdicts().values()) == {"PASS"}, full.text


def test_the_tables_are_shown(full: Done) -> None:
    for where in ("station 1.6", "CSMS 2.0.1", "CSMS 1.6"):
        assert f"Faults and moments, {where}" in full.out
    assert '<table class="matrix">' in (full.folder / "certificate.html").read_text(encoding="utf-8")
    attached = [path.read_text(encoding="utf-8") for path in (full.folder / "allure-results").glob("*-attachment.txt")]
    assert any(text.startswith("Faults and moments, CSMS 1.6") for text in attached)


OWN = """
from conformance.cases.case import case
from conformance.oracles.transactions.ledger import Ledger
from conformance.peers.fault_scenes import AGAIN, LOST, Lasting, Striking, Trials, trials


@case("NOBODY_THERE_CS", "Nobody can do anything at the station", requirements=[LOST])
async def test_nobody(station, csms, network, spec, profile, monkeypatch):
    monkeypatch.setattr(station, "can", lambda action: False)
    async with trials(station, csms, network, spec, profile) as trial:
        await trial.make(Lasting("outage", network.refused), "not started")
        await trial.make(Striking("no answer", network.unanswered), "not started")


@case("FORGETS_CS", "Nothing is repeated, and nobody knows how often", versions=["1.6"], requirements=[AGAIN])
async def test_forgets(station, csms, network, spec, profile, monkeypatch):
    known = Ledger.setting
    monkeypatch.setattr(Ledger, "setting", lambda self, key, *at: None if key == "attempts" else known(self, key, *at))
    monkeypatch.setattr(Trials, "_repeated", lambda self: False)
    async with trials(station, csms, network, spec, profile) as trial:
        await trial.make(Striking("no answer", network.unanswered), "end told")


@case("USUAL_CS", "Two moments unless more are asked for", requirements=[LOST])
async def test_usual(spec, moments):
    with spec(LOST):
        assert moments("charging", "at stop", "resuming") == ("charging", "at stop")
        assert moments("charging", "at stop", usual=1) == ("charging",)
"""


def test_what_can_not_be_made_is_not_judged(tmp_path: Path) -> None:
    own_tests(tmp_path, OWN)
    done = run(pytest_command("--ocpp-sut=embedded", "-W", "ignore", "test_own.py"), tmp_path)
    assert done.verdicts()["USUAL_CS"] == "PASS", done.text
    assert done.verdicts()["NOBODY_THERE_CS"] == "INCONCLUSIVE"
    first, second = done.case("NOBODY_THERE_CS")["cells"]
    assert (first["verdict"], first["reason"]) == ("INCONCLUSIVE", "the driver can't plug_in or present_id_token")
    assert second["reason"] == "there is no message yet"
    assert "not judged: outage not started: the driver can't plug_in or present_id_token" in done.out
    assert done.verdicts()["FORGETS_CS"] == "INCONCLUSIVE"
    assert "StopTransaction did not come again" in done.case("FORGETS_CS")["cells"][0]["reason"]


@pytest.mark.parametrize("chosen", ["station-2.0.1 and FAULT_CALLERROR_CS", "csms-1.6 and FAULT_NO_ANSWER_CSMS"])
def test_what_does_not_bear_it_is_found_out(tmp_path: Path, chosen: str) -> None:
    done = run(command("prove", "-k", chosen), tmp_path)
    assert done.code == 0, done.text
    assert "2 of 2 requirements of cases proven by a mutant" in done.out
