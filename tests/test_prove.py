"""`ocpp-conformance prove`: each mutant of the reference must be found out."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from run_support import Done, command, own_tests, pytest_command, run

ONE = "station-2.0.1-TC_B_30_CS"
KEYS = {"requirements", "proven", "survivors", "wrongly_blamed", "reference_failures"}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Done]:
    """The same by one process and by two, which mostly wait."""
    words = {"alone": [], "spread": ["-n", "2"]}
    with ThreadPoolExecutor() as pool:
        started = {
            name: pool.submit(run, command("prove", "--json", "-k", ONE, *more), tmp_path_factory.mktemp("prove"))
            for name, more in words.items()
        }
        return {name: each.result() for name, each in started.items()}


@pytest.fixture(params=["alone", "spread"])
def proved(request: pytest.FixtureRequest, both: dict[str, Done]) -> Done:
    return both[request.param]


def test_standard_output_is_the_result_alone(proved: Done) -> None:
    proving = json.loads(proved.out)
    assert proving.keys() == KEYS
    assert proving == {
        "requirements": 1,
        "proven": 1,
        "survivors": [],
        "wrongly_blamed": [],
        "reference_failures": [],
    }
    assert proved.code == 0
    assert "1 of 1 requirements of cases proven by a mutant" in proved.err
    assert "Traceback" not in proved.err


def test_no_report_is_left(proved: Done) -> None:
    assert not proved.reports.exists()


UNPROVEN = """
from conformance.cases.case import case

@case("ACME_1", "Nobody breaks this", requirements=["ACME-1", "B03.FR.08"])
async def test_it(csms, spec):
    with spec("ACME-1"):
        assert csms.link
    with spec("B03.FR.08"):
        assert csms.link

@case("ACME_2", "Too strict", requirements=["B03.FR.08"])
async def test_too_strict(csms, spec):
    with spec("B03.FR.08"):
        raise AssertionError("nothing is good enough")
"""


def test_what_is_not_proven(tmp_path: Path) -> None:
    own_tests(tmp_path, UNPROVEN)
    done = run(pytest_command("--prove", "-W", "ignore", "test_own.py"), tmp_path)
    assert done.code == 1, done.text
    assert "survivor: station 2.0.1: ACME_1: no mutant is blamed for ACME-1" in done.out
    assert "survivor: station 2.0.1: ACME_1: no mutant is blamed for B03.FR.08" in done.out
    assert "reference: station 2.0.1: ACME_2 on the reference: FAIL B03.FR.08" in done.out
    assert "reference: station 2.0.1: ACME_2 on the control: FAIL B03.FR.08" in done.out


EVERYWHERE = """
from conformance.cases.case import case


@case("ACME_BOOT_CSMS", "Whoever comes back is taken on", versions=["2.0.1", "1.6"],
      requirements=["CSMS.BOOT.01", "B01.FR.02", "BOOT.TIME.01", "J.ANSWER.01"])
async def test_comes_back(station, spec):
    with spec("J.ANSWER.01"):
        pass
    with spec("BOOT.TIME.01"):
        pass
    with spec("B01.FR.02"):
        answer = await station.boot()
    with spec("CSMS.BOOT.01"):
        assert answer["status"] == "Accepted"


@case("ACME_REPORT_16_CS", "Connector 0 is reported, too", versions=["1.6"], requirements=["16.BOOT.07"])
async def test_reports(csms, station, spec):
    with spec("16.BOOT.07"):
        await station.power_cycle()
        boot = await csms.expect("BootNotification")
        await csms.expect("StatusNotification", after=boot, connectorId=0)
"""


def test_in_every_role_and_version(tmp_path: Path) -> None:
    """The variants that are run are those of the target, and what they break goes by the ids of its version."""
    own_tests(tmp_path, EVERYWHERE)
    listed = run(pytest_command("--prove", "--collect-only", "-q", "-W", "ignore", "test_own.py"), tmp_path)
    items = re.findall(r"\[(\w+-[\d.]+)-(ACME_\w+?)-([a-z-]+)\]", listed.out)
    for target in ("csms-2.0.1", "csms-1.6"):
        mine = [variant for where, case, variant in items if (where, case) == (target, "ACME_BOOT_CSMS")]
        assert mine[:2] == ["reference", "control"]
        assert "turns-away-who-comes-back" in mine
    chosen = ["-k", "reference or control or turns-away-who-comes-back or station-unreported"]
    done = run(pytest_command("--prove", "-W", "ignore", *chosen, "test_own.py"), tmp_path)
    assert ("station-1.6", "ACME_REPORT_16_CS", "station-unreported") in items
    assert not [item for item in items if item[0] == "station-2.0.1"]
    survivors = {line.removeprefix("survivor: ") for line in done.out.splitlines() if line.startswith("survivor: ")}
    nobody = {("csms 2.0.1", "B01.FR.02", "BOOT.TIME.01", "J.ANSWER.01"), ("csms 1.6", "16.BOOT.02", "16.BOOT.09")}
    expected = {f"{where}: ACME_BOOT_CSMS: no mutant is blamed for {each}" for where, *ids in nobody for each in ids}
    assert expected <= survivors, done.out
    assert not {line for line in survivors if "CSMS.BOOT.01" in line or "16.BOOT.25" in line or "16.BOOT.07" in line}
    assert "wrongly blamed" not in done.out
    assert "reference: " not in done.out
    assert done.code == 1


def test_what_is_no_case_proves_nothing(tmp_path: Path) -> None:
    """A test without a declaration runs, on what there is, and counts for nothing."""
    own_tests(tmp_path, "async def test_link(csms):\n    assert csms.link\n")
    done = run(pytest_command("--prove", "-W", "ignore", "test_own.py"), tmp_path)
    assert "0 of 0 requirements of cases proven by a mutant" in done.out, done.out
    assert "1 passed" in done.out


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_nothing_to_prove(tmp_path: Path, workers: tuple[str, ...]) -> None:
    done = run(command("prove", "--json", "-k", "no_such_case", *workers), tmp_path)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("selects none of") == 1
    assert "node down" not in done.err
