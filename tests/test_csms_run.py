"""A run with a CSMS under test: the starting state of its cases, its stations, and a CSMS that does not do."""

import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from run_support import Done, csms_process_driver, own_tests, profile, pytest_command, run

OWN = '''
import pytest
from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.oracles.wire import Miss
from conformance.peers.received import NoAnswer
from conformance.peers.station import NotConnected, StationPeer
from conformance.peers.wire_scenes import judge_misses
from conformance.sut.drivers import CsmsDriver
from conformance.sut.profile import SutProfile
from conformance.wire.frames import Call
from conformance.wire.transcript import Transcript

LEFT = []


async def test_what_they_are(station, csms, spec, transcript, profile, another_station):
    """Both ends, and what comes with them."""
    given = (station, csms, spec, transcript, profile, another_station("CS002"))
    assert [type(each) for each in given] == [StationPeer, CsmsDriver, Spec, Transcript, SutProfile, StationPeer]
    assert (profile.role, profile.version, profile.versions) == ("csms", "2.0.1", ("2.0.1",))


async def test_starting_state(station, transcript):
    told = [entry.frame.action for entry in transcript.entries if getattr(entry.frame, "action", None)]
    last = max(place for place, action in enumerate(told) if action == "BootNotification")
    assert set(told[last + 1 :]) == {"StatusNotification"}
    assert len(told[last + 1 :]) == sum(len(evse.connectors) for evse in station.equipment.evses)
    assert station.link is not None
    assert station.registration == "Accepted"
    assert not station.equipment.transactions
    assert station.touched() == ()


async def test_cold_start(station, spec):
    await station.disconnect()
    await station.connect()
    with spec("B01.FR.02"):
        answer = await station.boot()
        assert answer["status"] == "Accepted"


@case("ACME_TRIGGER_CSMS", "It asks for what its operator wants", requirements=["CSMS.TRIGGER.02", "ACME-1"])
async def test_command(station, csms, spec):
    with spec("CSMS.TRIGGER.02"):
        await csms.command("TriggerMessage", {"requestedMessage": "Heartbeat"})
        asked = await station.expect("TriggerMessage")
        assert asked["requestedMessage"] == "Heartbeat"
    with spec("ACME-1"):
        raise AssertionError("not as Acme wants it")


@case("ACME_SEEN_CSMS", "All that it ever asks for", requirements=["ACME-1"], always_on=True)
async def test_seen(station, spec, transcript):
    asked = transcript.frames(sender="sut", kind=Call, action="TriggerMessage")
    assert asked
    judge_misses(station, spec, "ACME-1", [Miss("a trigger", (each,)) for each in asked])


async def test_leaves_everything_open(station, another_station, profile):
    other = another_station("CS002")
    await other.connect()
    await other.boot()
    await station.start(id_token=profile.parameters.valid_id_token.payload)
    LEFT.extend([station, other])
    assert station.equipment.transactions


async def test_nothing_is_left_of_the_one_before(station, transcript):
    ended, other = LEFT
    assert other.link is None
    assert station is not ended
    assert not ended.equipment.transactions
    assert not station.equipment.transactions
    calls = [entry.frame for entry in transcript.entries if getattr(entry.frame, "action", "") == "TransactionEvent"]
    assert calls[-1].payload["eventType"] == "Ended"


async def test_leaves_in_anger(station, profile):
    await station.start(id_token=profile.parameters.valid_id_token.payload)
    await station.disconnect()


async def test_comes_back(station):
    assert station.link is not None


async def test_stranger(another_station):
    """What the case touched of another station is its evidence, too."""
    with pytest.raises(NotConnected) as refused:
        await another_station("NOBODY", password=None).connect()
    assert refused.value.status == 404


async def test_network(network, station):
    async with network.refused():
        await station.disconnected()
        with pytest.raises(NotConnected):
            await station.connect()
    await station.connect()
    async with network.unanswered("Heartbeat", count=1):
        with pytest.raises(NoAnswer):
            await station.call("Heartbeat", {}, within=0.2)
        await station.heartbeat()


async def test_broken(station):
    raise RuntimeError("broken on purpose")


async def test_not_supported(csms):
    await csms.set_registration("Pending", identity="CS-99")
'''
EXPECTED = {
    "test_what_they_are": "PASS",
    "test_starting_state": "PASS",
    "test_cold_start": "PASS",
    "ACME_TRIGGER_CSMS": "FAIL",
    "ACME_SEEN_CSMS": "PASS",
    "test_leaves_everything_open": "PASS",
    "test_nothing_is_left_of_the_one_before": "PASS",
    "test_leaves_in_anger": "PASS",
    "test_comes_back": "PASS",
    "test_stranger": "PASS",
    "test_network": "PASS",
    "test_broken": "ERROR",
    "test_not_supported": "INCONCLUSIVE",
}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Tests of one's own, on the embedded CSMS."""
    folder = tmp_path_factory.mktemp("csms")
    own_tests(folder, OWN)
    profile(folder / "csms.toml", role="csms")
    return run(pytest_command("--ocpp-sut=csms.toml", "-W", "ignore", "test_own.py"), folder)


@pytest.mark.parametrize(("name", "verdict"), EXPECTED.items())
def test_verdict(own: Done, name: str, verdict: str) -> None:
    assert own.verdicts().get(name) == verdict, own.text


def test_what_is_said_of_it(own: Done) -> None:
    assert own.verdicts().keys() == EXPECTED.keys()
    assert "ocpp: CSMS Reference CSMS as CS001, OCPP 2.0.1" in own.out
    assert own.result["transcripts"] == {"csms 2.0.1": "transcript.jsonl"}
    assert {(row["role"], row["version"]) for row in own.rows()} == {("csms", "2.0.1")}
    assert own.case("test_broken")["reason"] == "RuntimeError: broken on purpose"
    assert "set_registration: the reference CSMS can't do that" in own.case("test_not_supported")["reason"]
    assert own.code == 3  # test_broken


def test_its_evidence(own: Done) -> None:
    row = own.case("ACME_TRIGGER_CSMS")
    lines = own.transcript()
    seen = {finding["requirement"]: finding["frames"] for finding in row["findings"]}
    [asked] = [lines[n] for n in seen["CSMS.TRIGGER.02"] if lines[n].get("frame", {}).get("action") == "TriggerMessage"]
    assert asked["sender"] == "sut"
    assert row["first"] <= asked["n"] < row["last"]
    assert {line["station"] for line in lines if line["kind"] == "handshake"} == {"CS001", "CS002", "NOBODY"}


def test_what_a_case_has_found_is_not_counted_again(own: Done) -> None:
    [finding] = own.case("ACME_SEEN_CSMS")["findings"]
    assert finding["verdict"] == "NOT_APPLICABLE"
    assert finding["message"] == "all that breaks it was found by ACME_TRIGGER_CSMS"


STATION_ONLY = """
async def test_another(another_station):
    pass
"""


def test_another_station_is_for_a_csms(tmp_path: Path) -> None:
    own_tests(tmp_path, STATION_ONLY)
    profile(tmp_path / "sut.toml")
    done = run(pytest_command("--ocpp-sut=sut.toml", "-W", "ignore", "test_own.py"), tmp_path)
    assert done.case("test_another")["reason"] == "TypeError: another_station is for a CSMS under test"
    assert done.code == 3


# -- a CSMS that does not do ------------------------------------------------------------------------------------------

TWO_STEPS = """
async def test_kills(station):
    await station.call("DataTransfer", {"vendorId": "Acme"})

async def test_after(station, csms):
    await csms.command("ClearCache")
    await station.expect("ClearCache")
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Done]]:
    """The runs of this part by name: they mostly wait, and do so together."""
    started: dict[str, Future[Done]] = {}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    with ThreadPoolExecutor(3) as pool:

        def start(name: str, driver: str, top: str = "", **timing: float) -> None:
            folder = tmp_path_factory.mktemp("bad")
            own_tests(folder, TWO_STEPS)
            profile(folder / "sut.toml", role="csms", driver=driver, top=top, **timing)
            words = pytest_command("--ocpp-sut=sut.toml", "-W", "ignore", "test_own.py")
            started[name] = pool.submit(run, words, folder)

        dial = f'dial = {{ url = "ws://127.0.0.1:{free}/steve" }}'
        start("nobody", 'kind = "none"', dial, connect=0.5)
        start("refuses", csms_process_driver("refuse=401"), connect=0.5)
        start("old", csms_process_driver("speaks=ocpp1.6"), connect=0.5)
        start("exits", csms_process_driver("exit=5"))
        start("elsewhere", csms_process_driver(f"port={free}"), connect=0.5)
        start("holds", csms_process_driver("holds=0.5"), settle=5)
        start("dies", csms_process_driver("die=DataTransfer"))
        start("dies for good", csms_process_driver("die=DataTransfer", "exit=4", "once=alive"))
        start("is another man after", csms_process_driver("die=DataTransfer", "refuse=403", "once=alive"), connect=0.5)
        yield lambda name: started[name].result()


def assert_one_message(done: Done, *parts: str) -> str:
    text = done.text.replace("\n", " ")
    assert done.code == 2, done.text
    assert "Traceback" not in text
    for part in parts:
        assert text.count(part) == 1, f"{part!r} in: {done.text}"
    assert done.result["complete"] is False
    assert len(done.result["notes"]) == 1
    return text


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nobody", "no TCP connection .*Connection refused"),
        ("elsewhere", "no TCP connection .*Connection refused"),
        ("refuses", "HTTP 401"),
        ("old", "HTTP 400"),
    ],
)
def test_a_csms_that_never_lets_the_station_in(runs: Callable[[str], Done], name: str, reason: str) -> None:
    done = runs(name)
    text = assert_one_message(done, "the CSMS did not let the station in: dialled ", "Start the CSMS, make the station")
    [message] = done.result["notes"]
    assert re.search(
        r"dialled ws://127\.0\.0\.1:\d+/\w+/CS001 for 0\.5 s \(subprotocol ocpp2\.0\.1\), and .*" + reason, message
    )
    assert message in text


def test_a_csms_whose_driver_ends_at_once(runs: Callable[[str], Done]) -> None:
    text = assert_one_message(runs("exits"), "the driver could not start the system under test", "exit code 5")
    assert "no licence" in text


def test_a_csms_that_does_not_know_yet_that_the_station_has_left(runs: Callable[[str], Done]) -> None:
    """As behind something else that ends TLS: the next case waits a moment, and has its starting state."""
    done = runs("holds")
    assert done.code == 0, done.text


def test_a_csms_that_dies_is_started_again(runs: Callable[[str], Done]) -> None:
    done = runs("dies")
    assert done.verdicts() == {"test_kills": "INCONCLUSIVE", "test_after": "PASS"}, done.text
    assert "the driver program ended with exit code 7" in done.case("test_kills")["reason"]
    assert "out of memory" in done.case("test_kills")["reason"]
    assert done.code == 1


@pytest.mark.parametrize(("name", "why"), [("dies for good", "exit code 4"), ("is another man after", "HTTP 403")])
def test_a_csms_that_dies_for_good(runs: Callable[[str], Done], name: str, why: str) -> None:
    done = runs(name)
    assert done.verdicts() == {"test_kills": "INCONCLUSIVE", "test_after": "INCONCLUSIVE"}, done.text
    reason = done.case("test_after")["reason"]
    assert reason.startswith("the starting state could not be reached: ")
    assert why in reason
    assert done.code == 1
