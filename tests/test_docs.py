"""The guides for newcomers: their examples are run as they stand there."""

import asyncio
import json
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from run_support import Done, command, own_tests, pytest_command, run

from conformance.files import data
from conformance.sut.drivers import Context, create_csms_driver
from conformance.sut.profile import load_profile

ROOT = data("testcases").parent
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".*", "reports")


def documented(document: str) -> dict[str, str]:
    """The code blocks of a guide that begin with a comment, by what that says: mostly the name of a file."""
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:python|toml)\n# ([^\n]*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return {name: f"# {name}\n{block}" for name, block in blocks}


def commands(document: str) -> list[list[str]]:
    """The commands that a guide has its reader run."""
    lines = (ROOT / "docs" / document).read_text(encoding="utf-8").splitlines()
    found = [line.removeprefix("$ ocpp-conformance ") for line in lines if line.startswith("$ ocpp-conformance ")]
    return [re.findall(r'"[^"]*"|\S+', each) for each in found]


# -- a case -----------------------------------------------------------------------------------------------------------

CASE = documented("writing-a-case.md")
PLAN = "testcases/plans/minimum-proof.toml"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with the example of the guide in it."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("conformance", "testcases", "fixtures", "certs"):
        shutil.copytree(ROOT / name, folder / name, ignore=LEFT_OUT)
    for name, text in CASE.items():
        if name != PLAN:
            assert not (folder / name).exists(), f"the guide would overwrite {name}"
            (folder / name).write_text(text, encoding="utf-8")
    plan = (folder / PLAN).read_text(encoding="utf-8")
    [line] = CASE[PLAN].splitlines()[1:]
    (folder / PLAN).write_text(plan.replace("cases = [\n", f"cases = [\n{line}\n", 1), encoding="utf-8")
    return folder


def test_the_example_of_a_case(project: Path) -> None:
    done = run(command(*commands("writing-a-case.md")[0]), project)
    assert done.result["complete"] is False  # the rest of the plan was not asked for
    rows = {version: done.case("AVAILABILITY_AGAIN_CS", f"station {version}") for version in ("2.0.1", "1.6")}
    judged = {version: [each["requirement"] for each in row["findings"]] for version, row in rows.items()}
    assert judged == {"2.0.1": ["G03.FR.03"], "1.6": ["16.AVAIL.02"]}
    assert {row["verdict"] for row in rows.values()} == {"PASS"}
    assert {row["proof"] for row in rows.values()} == {"boot"}


def test_it_is_proven(project: Path) -> None:
    done = run(command(*commands("writing-a-case.md")[1], "--json"), project)
    proving = json.loads(done.out)
    assert (proving["proven"], proving["requirements"]) == (2, 2), done.text
    assert not proving["wrongly_blamed"]
    assert not proving["reference_failures"]


def test_it_is_not_in_the_way_of_the_real_ones() -> None:
    taken = [path for path in (ROOT / "testcases").rglob("*.py") if "AVAILABILITY_AGAIN_CS" in path.read_text("utf-8")]
    assert not taken


def test_what_the_guide_says_of_the_output() -> None:
    text = (ROOT / "docs" / "writing-a-case.md").read_text(encoding="utf-8")
    assert "2 of 2 requirements of cases proven by a mutant" in text
    assert len(commands("writing-a-case.md")) == 2


# -- a driver for a CSMS ----------------------------------------------------------------------------------------------

DRIVER = documented("writing-a-driver.md")


@contextmanager
def an_api() -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """A back office that does whatever it is asked; its port, and what that was."""
    asked: list[dict[str, Any]] = []

    class Office(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(
                {
                    "method": self.command,
                    "path": self.path,
                    "body": json.loads(body),
                    "authorization": self.headers["Authorization"],
                }
            )
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_PUT = do_POST  # noqa: N815 -- so it is called

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Office)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_port, asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def test_the_driver_of_a_csms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_CSMS_TOKEN", "open-sesame")
    with an_api() as (port, asked):
        path = tmp_path / "my-csms.toml"
        path.write_text(DRIVER["my-csms.toml"].replace("127.0.0.1:8080", f"127.0.0.1:{port}"), encoding="utf-8")
        profile = load_profile(path)
        driver = create_csms_driver(profile)
        assert profile.dial is not None
        await driver.start(
            Context(
                csms_url=profile.dial.url, identity=profile.identity, folder=tmp_path, note=lambda text, **detail: None
            )
        )
        try:
            await asyncio.wait_for(driver.command("Reset", {"type": "Immediate", "evseId": 1}), 10)
            await asyncio.wait_for(driver.add_token("04E91C5A", "ISO14443"), 10)
        finally:
            await driver.stop()
    head = {"authorization": "Bearer open-sesame"}
    assert asked == [
        {
            "method": "POST",
            "path": "/api/stations/CS-0042/commands/Reset",
            "body": {"type": "Immediate", "evseId": 1},
            **head,
        },
        {"method": "PUT", "path": "/api/tokens/04E91C5A", "body": {"type": "ISO14443", "blocked": False}, **head},
    ]


def test_it_is_about_twenty_lines_long() -> None:
    lines = [line for line in DRIVER["my-csms.toml"].splitlines() if line.strip() and not line.startswith("#")]
    assert len(lines) <= 25


# -- a driver for a station -------------------------------------------------------------------------------------------

STATION = f"""#!{sys.executable}
import os, sys
held, other = os.pipe()
os.set_inheritable(other, True)
os.dup2(held, 0)
os.execv({sys.executable!r}, [{sys.executable!r}, "-m", "conformance.reference.station",
    "--csms-url", sys.argv[1], "--identity", sys.argv[2]])
"""
"""The station of the guide's reader: it takes an address and an identity, and runs until it is killed."""

PLUGS = """
async def test_plugs(station, csms, spec):
    '''A plug goes in.'''
    await station.plug_in(evse=1, connector=1)
    await station.power_cycle()
    with spec("MINE-1"):
        await csms.expect("BootNotification")
"""


@pytest.fixture
def workshop(tmp_path: Path) -> Path:
    """A folder with the reader's station in it."""
    station = tmp_path / "my-station"
    station.write_text(STATION, encoding="utf-8")
    station.chmod(0o755)
    return tmp_path


def on_my_station(workshop: Path, *words: str, text: str) -> Done:
    (workshop / "my-station.toml").write_text(text, encoding="utf-8")
    return run(pytest_command("--ocpp-sut=my-station.toml", *words), workshop)


def test_a_station_that_is_started_and_killed(workshop: Path) -> None:
    done = on_my_station(workshop, "-k", "station-2.0.1-TC_B_01_CS", text=DRIVER["my-station.toml"])
    assert done.verdicts()["TC_B_01_CS"] == "PASS", done.text


def test_a_station_with_hands(workshop: Path) -> None:
    (workshop / "my_hands.py").write_text(DRIVER["my_hands.py"], encoding="utf-8")
    head = DRIVER["my-station.toml"].partition("[driver]")[0]
    own_tests(workshop, PLUGS, "test_plugs.py")
    done = on_my_station(workshop, "test_plugs.py", text=head + DRIVER["instead, in my-station.toml"])
    assert done.verdicts()["test_plugs"] == "PASS", done.text
    assert (workshop / "commands.txt").read_text(encoding="utf-8") == "plug 1.1\n"
