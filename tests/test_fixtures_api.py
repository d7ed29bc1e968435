"""The fixtures as docs/fixtures.md promises them: its examples are run as they stand there."""

import json
import re
from pathlib import Path

import pytest
from run_support import Done, own_tests, process_driver, profile, pytest_command, run

from conformance.files import data
from conformance.wire.faults import Network

DOCUMENT = (data("testcases").parent / "docs" / "fixtures.md").read_text(encoding="utf-8")


def documented(name: str) -> str:
    """The code block that begins with a comment naming this file."""
    [block] = [each for each in re.findall(r"```\w+\n(.*?)```", DOCUMENT, re.DOTALL) if each.startswith(f"# {name}\n")]
    return block


def commands() -> list[list[str]]:
    return [line.removeprefix("$ pytest ").split() for line in DOCUMENT.splitlines() if line.startswith("$ pytest ")]


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of a vendor's: its profile, its tests, its plan, and settings that know nothing of ours."""
    folder = tmp_path_factory.mktemp("vendor")
    profile(folder / "my-station.toml")
    for name in ("test_outage.py", "test_acme.py"):
        own_tests(folder, documented(name), name)
    (folder / "acme.toml").write_text(documented("acme.toml"), encoding="utf-8")
    (folder / "pytest.ini").write_text(
        "[pytest]\nfilterwarnings =\n    error\n    ignore::pytest.PytestDeprecationWarning\n", encoding="utf-8"
    )
    own_tests(
        folder,
        "import asyncio\n\ndef test_sum(): assert 1 + 1 == 2\n\n@__import__('pytest').mark.asyncio\n"
        "async def test_sleepless(): await asyncio.wait_for(asyncio.Event().wait(), 0.01) if False else None\n",
        "test_others.py",
    )
    return folder


@pytest.fixture(scope="module")
def outage(vendor: Path) -> Done:
    """The first documented command."""
    return run(pytest_command(*commands()[0]), vendor)


def test_the_first_example_is_ten_lines_long() -> None:
    lines = documented("test_outage.py").strip().splitlines()[1:]
    assert len(lines) <= 10
    for name in ("csms", "station", "network", "spec"):
        assert any(f"{name}." in line or f"{name}(" in line for line in lines)


def test_the_first_example(outage: Done) -> None:
    assert outage.code == 0, outage.text
    row = outage.case("test_plugged_in_during_an_outage")
    assert (row["verdict"], row["proof"]) == ("PASS", "own cases")
    assert row["title"] == "What happened at a connector during an outage is told when the station is back."
    assert {each["requirement"]: (each["verdict"], each["level"]) for each in row["findings"]} == {
        "B04.FR.02": ("PASS", "SHALL"),
        "ACME-17": ("PASS", "SHALL"),
    }
    assert all(each["frames"] for each in row["findings"])
    [proof] = outage.result["proofs"]
    assert (proof["proof"], proof["grade"], proof["judged"], proof["planned"]) == ("own cases", "A", 2, 2)
    assert outage.result["complete"] is True


def test_its_evidence(outage: Done) -> None:
    kinds = [(line["kind"], line.get("detail", {}).get("phase")) for line in outage.transcript()]
    assert ("fault", "begin") in kinds
    assert ("fault", "end") in kinds
    allure = outage.folder / "allure-results"
    [result] = [json.loads(path.read_text(encoding="utf-8")) for path in allure.glob("*-result.json")]
    assert result["status"] == "passed"
    attached = {each["name"]: (allure / each["source"]).read_text(encoding="utf-8") for each in result["attachments"]}
    assert "ACME-17" in attached["findings"]
    assert "network fault: refused begin" in attached["wire trace"]
    assert "StatusNotification" in attached["wire trace"]
    for name in ("certificate.html", "junit.xml", "result.json", "transcript.jsonl"):
        assert (outage.folder / name).stat().st_size


def test_the_declared_example(vendor: Path) -> None:
    done = run(pytest_command(*commands()[1]), vendor)
    assert done.code == 0, done.text
    row = done.case("ACME_HEARTBEAT_CS")
    assert (row["verdict"], row["severity"], row["proof"]) == ("PASS", "critical", "acme")
    [proof] = done.result["proofs"]
    assert (proof["proof"], proof["asks"], proof["grade"]) == ("acme", "Does it do what Acme was promised?", "A")
    assert done.result["complete"] is True


def test_all_of_them_among_others(vendor: Path) -> None:
    done = run(pytest_command("--ocpp-sut=my-station.toml", "."), vendor)
    assert done.code == 0, done.text
    assert "4 passed" in done.out
    assert done.verdicts() == {"test_plugged_in_during_an_outage": "PASS", "ACME_HEARTBEAT_CS": "PASS"}


def test_a_station_that_fails(vendor: Path) -> None:
    """The same test file, against a station that reports nothing."""
    profile(
        vendor / "mini.toml", driver=process_driver("jsonl=1", protocol="jsonl"), status=0.3, answer=0.3, reconnect=5
    )
    own_tests(
        vendor, documented("test_outage.py").replace("network.refused()", "network.turned_away()"), "test_fails.py"
    )
    done = run(pytest_command("--ocpp-sut=mini.toml", "test_fails.py"), vendor)
    row = done.case("test_plugged_in_during_an_outage")
    assert row["verdict"] == "FAIL", done.text
    assert done.code == 1
    assert row["reason"].startswith(
        "B04.FR.02: StatusNotification with evseId=1, connectorId=1 did not come within 0.3 s"
    )
    assert "assert " not in done.out.partition("B04.FR.02 FAIL")[2]


EVERYTHING = '''
import pytest
import pytest_asyncio
from conformance.cases.spec import Spec
from conformance.peers.csms import CsmsPeer
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile
from conformance.wire.faults import Network
from conformance.wire.transcript import Transcript


def test_what_they_are(csms, station, network, spec, transcript, profile):
    """No coroutine, and a case all the same."""
    given = (csms, station, network, spec, transcript, profile)
    assert [type(each) for each in given] == [CsmsPeer, StationDriver, Network, Spec, Transcript, SutProfile]


@pytest_asyncio.fixture(loop_scope="session")
async def connector(csms):
    """A fixture of the vendor's that awaits ours."""
    await csms.call("ChangeAvailability", {"operationalStatus": "Operative"})
    return 1


async def test_through_a_fixture_of_theirs(connector):
    assert connector == 1


class TestInAClass:
    @pytest.mark.parametrize("evse", [1, 2])
    async def test_parameters(self, csms, station, evse):
        await station.plug_in(evse=evse)
        await csms.expect("StatusNotification", evseId=evse, connectorStatus="Occupied")


def test_no_coroutine_among_coroutines(csms, spec):
    """It shares their loop."""
    with spec("ACME-1"):
        assert csms.link is not None


async def test_nothing_is_left_of_the_one_before(csms, station):
    assert station.plugged == set()
    assert csms.seen("StatusNotification") == []
'''
OVERRIDDEN = """
import pytest

@pytest.fixture
def station():
    return "a weather station"

def test_theirs(station):
    assert station == "a weather station"
"""


def test_everything_else_that_is_promised(tmp_path: Path) -> None:
    own_tests(tmp_path, EVERYTHING)
    own_tests(tmp_path, OVERRIDDEN, "test_weather.py")
    done = run(pytest_command("--ocpp-sut=embedded", "-W", "ignore", "."), tmp_path)
    assert done.code == 0, done.text
    assert set(done.verdicts().values()) == {"PASS"}
    assert done.verdicts().keys() == {
        "test_what_they_are",
        "test_through_a_fixture_of_theirs",
        "test_parameters[1]",
        "test_parameters[2]",
        "test_no_coroutine_among_coroutines",
        "test_nothing_is_left_of_the_one_before",
    }
    assert "7 passed" in done.out


@pytest.mark.parametrize("fixture", re.findall(r"^\| `(\w+)` \| (?:the|what|turns)", DOCUMENT, re.MULTILINE))
def test_every_documented_fixture_is_there(fixture: str) -> None:
    from conformance import provide

    assert hasattr(provide, fixture)


@pytest.mark.parametrize("name", re.findall(r"`network\.(\w+)\(\)`", DOCUMENT))
def test_every_documented_fault_is_there(name: str) -> None:
    assert callable(getattr(Network, name))
