"""What a run has changed at a station is put back by itself, and by the next run where it was killed."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from run_support import PATIENCE, Done, environment, own_tests, profile, pytest_command, run

PASSWORD, OTHER = "sixteen-letters-or", "quite-another-secret"

CHANGES = """
import pytest
from conformance.peers.scenes import configured

async def test_changes(csms, profile):
    speak = csms.speak
    await speak.change_availability(2, operative=False)
    await speak.set_charging_profile(
        1, speak.charging_profile(id=815, purpose="TxDefaultProfile", periods=[(0, 8)], start="2026-01-01T00:00:00Z")
    )
    async with configured(csms, {speak.spare_setting: "77"}):
        await csms.expect("LogStatusNotification", within=600)
"""

LOOKS = """
async def test_looks(csms):
    gone = await csms.speak.clear_charging_profiles(id=815)
    print("value", await csms.speak.read(csms.speak.spare_setting), "profile", gone["status"])
"""

SET_ASIDE = """
from conformance.peers.keeper import Keeper
from conformance.peers.standing_profiles import set_aside

async def test_sets_aside(csms):
    when = {"periods": [(0, 13)], "start": "2026-01-01T00:00:00Z"}
    await csms.speak.set_charging_profile(1, csms.speak.charging_profile(id=815, purpose="TxDefaultProfile", **when))
    csms.keeper.journal.strike("charging profile 815")
    csms.keeper = Keeper(csms, csms.keeper.journal)  # and it was another who set it
    async with set_aside(csms):
        await csms.expect("LogStatusNotification", within=600)
"""

SENT_AWAY = """
async def test_sends_away(rig, csms):
    away = await rig.server.listen_too(0)
    data = {
        "ocppVersion": "OCPP20", "ocppTransport": "JSON", "messageTimeout": 30, "securityProfile": 1,
        "ocppCsmsUrl": f"ws://127.0.0.1:{away.port}/ocpp", "ocppInterface": "Wired0",
    }
    answer = await csms.call("SetNetworkProfile", {"configurationSlot": 2, "connectionData": data})
    assert answer["status"] == "Accepted", answer
    await csms.speak.write(("OCPPCommCtrlr", "NetworkConfigurationPriority"), "2")
    await csms.speak.reset("idle")
    await csms.until(lambda: bool(away.links), "the station to be away", within=20)
    await csms.expect("LogStatusNotification", within=600)
"""

LEAVES = """
async def test_leaves(csms):
    await csms.speak.write(csms.speak.spare_setting, "77")

async def test_finds(csms):
    print("value", await csms.speak.read(csms.speak.spare_setting))
"""

PASSWORDS = f"""
from conformance.peers.v16 import change_configuration

async def test_changes(csms):
    answer = await csms.call("ChangeConfiguration", change_configuration("AuthorizationKey", "{OTHER.encode().hex()}"))
    assert answer["status"] == "Accepted"
    await csms.expect("LogStatusNotification", within=600)
"""


PROGRAM = """
from functools import partial
from conformance.reference.station.program import main

if {version!r} == "1.6":
    from conformance.reference.station16.config import StationConfig16
    quick = partial(StationConfig16, back_off_minimum=0.2, back_off_spread=0.1, back_off_doublings=0)
else:
    from conformance.reference.station.config import StationConfig
    waits = {{"OCPPCommCtrlr.RetryBackOffWaitMinimum": "0", "OCPPCommCtrlr.RetryBackOffRandomRange": "0"}}
    quick = partial(StationConfig, variables=waits)
main("station", {version!r}, quick)
"""
"""The reference station, which here dials again at once."""


@contextmanager
def station(folder: Path, version: str = "2.0.1", password: str = "") -> Iterator[Path]:
    """The reference station as a program that nobody operates, and the profile of it."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    folder.mkdir(exist_ok=True)
    path = profile(folder / "sut.toml", versions=(version,), driver='kind = "none"', connect=30, reconnect=20)
    text = path.read_text(encoding="utf-8").replace("port = 0", f"port = {port}")
    if password:
        text = text.replace("[driver]", '[credentials]\npassword_env = "PASSWORD_OF_STATION"\n\n[driver]')
    path.write_text(text, encoding="utf-8")
    code, url = PROGRAM.format(version=version), f"ws://127.0.0.1:{port}/ocpp"
    program = subprocess.Popen(
        [sys.executable, "-c", code, "--csms-url", url, "--identity", "CS001"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment({"OCPP_PASSWORD": password} if password else {}),
    )
    try:
        yield path
    finally:
        program.kill()
        program.communicate(timeout=PATIENCE)


def words(path: Path, *more: str) -> list[str]:
    """Run the tests beside a profile."""
    return pytest_command(f"--ocpp-sut={path}", "-W", "ignore", "--ocpp-progress=0.05", "-rP", "test_own.py", *more)


def stopped(path: Path, kind: signal.Signals, **env: str) -> Done:
    """A run that is ended by a signal in the middle of a case."""
    program = subprocess.Popen(
        words(path),
        cwd=path.parent,
        env=environment(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 -- no threads here
    )
    said: list[str] = []
    try:
        assert program.stdout is not None
        for line in program.stdout:
            said.append(line)
            if "waiting for LogStatusNotification" in line:
                break
        else:
            pytest.fail("".join(said))
        program.send_signal(kind)
        rest, _ = program.communicate(timeout=PATIENCE)
    finally:
        program.kill()
        program.communicate(timeout=PATIENCE)
    return Done(program.returncode, "".join(said) + rest, "", path.parent / "reports")


def journal(path: Path, version: str = "2.0.1") -> Path:
    """Where the journal of the station is."""
    return path.parent / "reports" / "journal" / f"CS001-{version}.jsonl"


@pytest.mark.parametrize("version", ["2.0.1", "1.6"])
def test_killed(tmp_path: Path, version: str) -> None:
    with station(tmp_path, version) as path:
        own_tests(tmp_path, CHANGES)
        stopped(path, signal.SIGKILL)
        noted = [json.loads(line) for line in journal(path, version).read_text(encoding="utf-8").splitlines()]
        assert [each["what"].split()[0] for each in noted] == ["availability", "charging", noted[2]["what"].split()[0]]
        assert all(each["case"].endswith("test_changes") for each in noted)
        own_tests(tmp_path, LOOKS)
        done = run(words(path), tmp_path)
    was = noted[2]["was"]
    assert was != "77"
    assert f"value {was} profile Unknown" in done.out
    [note] = done.result["notes"]
    assert note.startswith(f"station {version}: put back what an earlier run had left behind: ")
    assert f"{noted[2]['what']} (was {was})" in note
    assert "charging profile 815" in note
    assert "availability of" in note
    assert "putting back what an earlier run has changed" in done.out
    assert not journal(path, version).exists()


def test_charging_profiles_that_were_there(tmp_path: Path) -> None:
    with station(tmp_path) as path:
        own_tests(tmp_path, SET_ASIDE)
        stopped(path, signal.SIGKILL)
        own_tests(tmp_path, LOOKS)
        done = run(words(path), tmp_path)
    assert "profile Accepted" in done.out
    [note] = done.result["notes"]
    assert "charging profile 815, which was there before (was TxDefaultProfile)" in note


def test_a_station_that_was_sent_away(tmp_path: Path) -> None:
    with station(tmp_path) as path:
        own_tests(tmp_path, SENT_AWAY)
        stopped(path, signal.SIGKILL)
        own_tests(tmp_path, LOOKS)
        done = run(words(path), tmp_path)
    home, back = done.result["notes"]
    assert home == "station 2.0.1: the station was at another address of an earlier run, and is back"
    assert "variable OCPPCommCtrlr.NetworkConfigurationPriority (was 1" in back
    assert "network profile slot 2 (leads to ws://127.0.0.1:" in back
    assert not journal(path).exists()


def test_interrupted(tmp_path: Path) -> None:
    with station(tmp_path) as path:
        own_tests(tmp_path, CHANGES)
        done = stopped(path, signal.SIGINT)
        assert done.code == 2, done.out
        assert not journal(path).exists()
        own_tests(tmp_path, LOOKS)
        done = run(words(path), tmp_path)
    assert "value 77" not in done.out
    assert "profile Unknown" in done.out
    assert done.result["notes"] == []


def test_interrupted_before_all_is_put_back(tmp_path: Path) -> None:
    """What cannot be put back is in the report of that very run."""
    with station(tmp_path) as path:
        text = CHANGES.replace(
            "    speak = csms.speak\n",
            "    speak = csms.speak\n    from conformance.peers.journal import Change\n"
            "    csms.keeper.journal.open(Change('the colour of the station', 'blue'))\n",
        )
        own_tests(tmp_path, text)
        done = stopped(path, signal.SIGINT)
        assert "the colour of the station" in journal(path).read_text(encoding="utf-8")
    [note] = done.result["notes"]
    assert note.startswith("station 2.0.1: left behind: the colour of the station (was blue)")
    assert "what was there can't be read" in note
    assert "left behind: the colour" in done.out


def test_what_a_case_leaves_is_put_back_before_the_next(tmp_path: Path) -> None:
    own_tests(tmp_path, LEAVES)
    done = run(pytest_command("--ocpp-sut=embedded", "-W", "ignore", "-rP", "test_own.py"), tmp_path)
    assert "value " in done.out
    assert "value 77" not in done.out
    assert done.verdicts() == {"test_leaves": "PASS", "test_finds": "PASS"}


def test_what_cannot_be_put_back_is_named_and_kept(tmp_path: Path) -> None:
    with station(tmp_path) as path:
        kept = {"what": "variable AcmeCtrlr.Gone", "was": "5", "case": "TC_X", "at": "2026-11-21T10:00:00Z"}
        item = {"component": {"name": "AcmeCtrlr"}, "variable": {"name": "Gone"}, "attributeValue": "5"}
        kept["undo"] = ["SetVariables", {"setVariableData": [item]}]
        journal(path).parent.mkdir(parents=True)
        journal(path).write_text(json.dumps(kept) + "\nnonsense\n", encoding="utf-8")
        own_tests(tmp_path, LOOKS)
        done = run(words(path), tmp_path)
    for note in done.result["notes"][::2]:
        assert (
            "variable AcmeCtrlr.Gone (was 5), changed by TC_X at 2026-11-21T10:00:00Z: the station answered Unknown"
            in note
        )
        assert str(journal(path).name) in note
    assert len(done.result["notes"]) == 3
    assert "1 lines can't be read" in done.result["notes"][1]
    assert "AcmeCtrlr.Gone" in (done.folder / "certificate.html").read_text(encoding="utf-8")
    assert "AcmeCtrlr.Gone" in journal(path).read_text(encoding="utf-8")


def test_a_password_is_given_back_and_kept_nowhere(tmp_path: Path) -> None:
    env = {"PASSWORD_OF_STATION": PASSWORD}
    with station(tmp_path, "1.6", PASSWORD) as path:
        own_tests(tmp_path, PASSWORDS)
        stopped(path, signal.SIGKILL, **env)
        own_tests(tmp_path, LOOKS)
        [note] = run(words(path), tmp_path, env=env).result["notes"]
        again = run(words(path), tmp_path, env=env)
    assert "put back what an earlier run had left behind: the password of the station" in note
    assert again.result["notes"] == []
    kept = b"".join(each.read_bytes() for each in (tmp_path / "reports").rglob("*") if each.is_file())
    for secret in (PASSWORD, OTHER, OTHER.encode().hex()):
        assert secret.encode() not in kept
