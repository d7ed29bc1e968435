"""What can't be used or reached, or breaks outside of the harness: one clear message, exit code 2, no traceback."""

import re
import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from run_support import EMBEDDED, Done, command, own_tests, process_driver, profile, pytest_command, run

from conformance.cli import main

PLAN = """
title = "Mine"
edition = 1
[[proof]]
name = "mine"
asks = "Does it boot?"
cases = ["TC_B_30_CS"]
"""
LINK = "async def test_link(csms): assert csms.link\n"


def assert_one_message(done: Done, *parts: str) -> str:
    """Exit code 2, no traceback, and one message that has all the parts in it and is said in full once."""
    text = done.text.replace("\n", " ")
    assert done.code == 2, done.text
    assert "Traceback" not in text
    assert "INTERNALERROR" not in text
    for part in parts:
        assert text.count(part) == 1, f"{part!r} in: {done.text}"
    return text


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Runs `ocpp-conformance` in this process: for what ends before there is a system under test."""
    monkeypatch.chdir(tmp_path)

    def run_here(*words: str) -> Done:
        try:
            code = main(words)
        except SystemExit as ended:
            code = ended.code
        captured = capfd.readouterr()
        return Done(code, captured.out, captured.err, tmp_path / "reports")

    return run_here


@pytest.fixture
def pytest_here(here: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """Runs `pytest` in this process: for what ends once the tests are collected."""
    monkeypatch.delitem(sys.modules, "test_own", raising=False)
    monkeypatch.setattr("test_bad_input.main", lambda words: int(pytest.main(["--import-mode=importlib", *words])))
    return lambda *words: here("-p", "no:cacheprovider", "-W", "ignore", *words)


# -- before anything runs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("port = 0", "prot = 0", ["sut.toml: [listen] prot: unknown key; did you mean port?"]),
        ("port = 0", 'port = "any"', ['sut.toml: [listen] port: expected an integer, got "any"; mend it']),
        ('name = "Reference station"', "", ["sut.toml: [sut] name: expected a value, got none; add it"]),
        ('role = "station"', "role = ", ["sut.toml: line 3: not valid TOML"]),
        ('versions = ["2.0.1", "1.6"]', 'versions = ["2.0.1", "2.1"]', ["sut.toml: [", "1.6", "expected"]),
        ('kind = "embedded"', 'kind = "magic"', ["sut.toml: [driver] kind: expected", 'got "magic"']),
    ],
)
def test_profile(here: Callable[..., Done], tmp_path: Path, old: str, new: str, parts: list[str]) -> None:
    text = EMBEDDED.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "sut.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    done = here("run", "--sut", "sut.toml")
    assert done.code == 2
    assert "Traceback" not in done.text
    for part in parts:
        assert part in done.text
    assert not done.reports.exists()


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("edition = 1", "edition = 1\neditor = 2", "mine.toml: Object contains unknown field `editor`"),
        ("edition = 1", 'edition = "one"', "mine.toml: Expected `int`, got `str` - at `$.edition`"),
        ("edition = 1", "", "mine.toml: Object missing required field `edition`"),
        ("edition = 1", "edition = ", "mine.toml: not valid TOML"),
        ("TC_B_30_CS", "TC_B_3O_CS", "mine.toml: [[proof]] cases: no case is called TC_B_3O_CS; did you mean TC_B_"),
        (PLAN, PLAN + PLAN.partition("edition = 1")[2], "mine.toml: [[proof]] name must be unique, got mine, mine"),
    ],
)
def test_plan(here: Callable[..., Done], tmp_path: Path, old: str, new: str, part: str) -> None:
    (tmp_path / "mine.toml").write_text(PLAN.replace(old, new, 1), encoding="utf-8")
    done = here("run", "--sut", "embedded", "--plan", "mine.toml")
    assert_one_message(done, part)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--sut", "nosuch.toml"], "nosuch.toml: no such file; name a profile in TOML"),
        (["--sut", "."], ".: the file can't be read (Is a directory)"),
        (["--sut", "embedded", "--plan", "nosuch.toml"], "nosuch.toml: the plan can't be read"),
        (["--sut", "embedded", "--gate", "Z"], "--gate: expected one of A, B, C, D, F, got 'Z'"),
        (["--sut", "embedded", "--gate", "NG"], "--gate: expected one of A, B, C, D, F, got 'NG'"),
        (["--sut", "embedded", "--proof", "boots"], "has boot, transactions, smart-charging, configuration"),
        (
            ["--sut", "embedded", "--proof", "coexistence"],
            "no case for a station of OCPP 2.0.1 or a station of OCPP 1.6 or a CSMS of OCPP 2.0.1 or ",
        ),
        (["--sut", "embedded", "--reports", "a-file"], "a-file: the reports can't be written there (Not a directory)"),
        (["--sut", "embedded", "--reports", "/proc/none"], "/proc/none: the reports can't be written there ("),
        (["--sut", "embedded", "-k", "no_such_case"], "nothing to run: -k 'no_such_case' selects none of "),
        (["--sut", "embedded", "-k", "a and"], "Wrong expression passed to '-k': a and"),
        (["--sut", "embedded", "--colour"], "unrecognized arguments: --colour"),
        ([], "the following arguments are required: --sut"),
    ],
)
def test_options(here: Callable[..., Done], tmp_path: Path, words: list[str], part: str) -> None:
    (tmp_path / "a-file").touch()
    done = here("run", *words)
    assert_one_message(done, part)
    assert not list(done.reports.glob("*/result.json"))


def test_nothing_stays_of_a_run_in_which_nothing_was_tried(tmp_path: Path) -> None:
    done = run(command("run", "--sut", "embedded", "-k", "no_such_case"), tmp_path)
    assert_one_message(done, "`ocpp-conformance cases` lists them")
    assert list(done.reports.iterdir()) == []


def test_fixtures_without_a_system_under_test(pytest_here: Callable[..., Done], tmp_path: Path) -> None:
    own_tests(tmp_path, LINK + "def test_sum(): assert 1\n")
    done = pytest_here()
    assert_one_message(done, "test_own.py::test_link for instance: name its profile with --ocpp-sut=FILE")
    left_out = pytest_here("-m", "not ocpp")
    assert (left_out.code, "1 passed, 1 deselected" in left_out.out) == (0, True)


def test_two_cases_of_one_id(pytest_here: Callable[..., Done], tmp_path: Path) -> None:
    text = (
        "from conformance.cases.case import case\n@case('{}', 'x', requirements=['X'])\nasync def test_it(csms): pass\n"
    )
    own_tests(tmp_path, text.format("TC_B_01_CS"), "test_copy.py")
    done = pytest_here("--ocpp-sut=embedded", "test_copy.py")
    assert_one_message(done, "test_copy.py: the case id TC_B_01_CS is taken by one in ")
    own_tests(tmp_path, text.format("ACME_1"), "test_one.py")
    own_tests(tmp_path, text.format("ACME_1"), "test_two.py")
    done = pytest_here("--ocpp-sut=embedded", "test_one.py", "test_two.py")
    assert_one_message(done, "test_two.py: the case id ACME_1 is taken by one in ")


DECLARED = """
from conformance.cases.case import case

{declarations}
async def test_it(spec): pass
"""
ONE = '@case("ACME_1_CS", "x", requirements=["ACME-1"])'


@pytest.mark.parametrize(
    ("declarations", "message"),
    [
        (
            '@case("ACME_1_CSMS", "x", versions=["1.6"], requirements=["CSMS.RESET.01"])',
            "ACME_1_CSMS: CSMS.RESET.01 may mean 16.RESET.11 or 16.RESET.12 in OCPP 1.6: declare which",
        ),
        (
            '@case("ACME_1_CS", "x", requirements=["16.BOOT.07"])',
            "ACME_1_CS: OCPP 2.0.1 has none of the requirements that it declares",
        ),
        (
            '@case("ACME_1_CS", "x", requirements=["ACME-1"], needs="reset-evsse")',
            "ACME_1_CS: needs = 'reset-evsse': no feature is called 'reset-evsse'",
        ),
        (
            f'{ONE}\n@case("ACME_2_CS", "x", requirements=["ACME-1"])',
            "ValueError: ACME_1_CS: the function is ACME_2_CS already for that role and version",
        ),
        (
            f"{ONE}\n{ONE.replace('x', 'y')}",
            "ValueError: ACME_1_CS: the function is declared that twice; name all versions in one declaration",
        ),
        ('@case("ACME_1_CS", "x", requirements=[])', "ACME_1_CS: a case must name at least one requirement"),
    ],
)
@pytest.mark.parametrize("word", ["--ocpp-sut=embedded", "--prove"])
def test_a_declaration_that_is_not_clear(
    pytest_here: Callable[..., Done], tmp_path: Path, word: str, declarations: str, message: str
) -> None:
    own_tests(tmp_path, DECLARED.format(declarations=declarations))
    done = pytest_here(word, "test_own.py")
    assert done.code == 2, done.text
    assert message in done.text
    assert "INTERNALERROR" not in done.text
    assert not list(done.reports.glob("*/result.json"))


def test_a_file_that_is_no_python(pytest_here: Callable[..., Done], tmp_path: Path) -> None:
    own_tests(tmp_path, LINK, "test_good.py")
    own_tests(tmp_path, "def test_two(:\n", "test_broken.py")
    done = pytest_here("--ocpp-sut=embedded", "test_good.py", "test_broken.py")
    assert done.code == 2
    assert "SyntaxError" in done.out


def test_a_system_of_somebodys_is_not_spread_over_processes(pytest_here: Callable[..., Done], tmp_path: Path) -> None:
    profile(tmp_path / "mini.toml", driver=process_driver())
    done = pytest_here("--ocpp-sut=mini.toml", "-n", "2")
    assert_one_message(done, "only the embedded references can be judged side by side")
    assert not list(done.reports.glob("*/result.json"))


def test_collecting_only_leaves_nothing_behind(pytest_here: Callable[..., Done], tmp_path: Path) -> None:
    done = pytest_here("--ocpp-sut=embedded", "--collect-only", "-q")
    assert done.code == 0
    assert "test_cold_boot_cs.py::test_accepted" in done.out
    assert list(tmp_path.iterdir()) == []


def test_proving_needs_the_reference(pytest_here: Callable[..., Done], tmp_path: Path) -> None:
    profile(tmp_path / "mini.toml", driver=process_driver())
    done = pytest_here("--prove", "--ocpp-sut=mini.toml")
    assert_one_message(done, "--prove: expected the references and their mutants, got mini.toml")


@pytest.mark.parametrize("words", [["report"], ["report", "20200101"], ["report", "--reports", "a-file"]])
def test_report_without_a_run(here: Callable[..., Done], tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "a-file").touch()
    done = here(*words)
    assert_one_message(done, "no run ")
    assert done.out == ""


# -- the address ------------------------------------------------------------------------------------------------------


def test_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path = profile(tmp_path / "sut.toml")
        path.write_text(path.read_text(encoding="utf-8").replace("port = 0", f"port = {port}"), encoding="utf-8")
        done = run(command("run", "--sut", "sut.toml", "-k", "TC_B_30_CS"), tmp_path)
    assert_one_message(done, f"can't listen on 127.0.0.1 port {port}: Address already in use; free the address")
    assert done.result["complete"] is False
    assert "Address already in use" in done.result["notes"][0]
    assert done.result["cases"] == []


@pytest.mark.parametrize("host", ["203.0.113.1", "no-such-host.invalid"])
def test_address_that_is_not_ours(tmp_path: Path, host: str) -> None:
    path = profile(tmp_path / "sut.toml")
    path.write_text(path.read_text(encoding="utf-8").replace("127.0.0.1", host), encoding="utf-8")
    done = run(command("run", "--sut", "sut.toml", "-k", "TC_B_30_CS"), tmp_path)
    assert_one_message(done, f"can't listen on {host} port 0", "set another host or port under [listen] in the profile")


# -- who comes, and who does not, and drivers that fail --------------------------------------------------------------

STRANGERS = {
    "identity=CS002": "Instead came /ocpp/CS002 offering ocpp2.0.1 (answered HTTP 404)",
    "path=/steve": "Instead came /steve/CS001 offering ocpp2.0.1 (answered HTTP 404)",
    "subprotocol=ocpp1.6": "Instead came /ocpp/CS001 offering ocpp1.6",
}
TWO_STEPS = """
async def test_kills(csms):
    await csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})

async def test_after(csms):
    assert csms.link
"""
DIES_LATER = "import threading; threading.Event().wait(0.8); print('no route'); raise SystemExit(3)"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Done]]:
    """The runs of this part by name: they mostly wait, and do so together."""
    own = pytest_command("--ocpp-sut=sut.toml", "-W", "ignore", "test_own.py")
    one = command("run", "--sut", "sut.toml", "-k", "TC_B_30_CS")
    later = f'kind = "process"\nprotocol = "none"\ncommand = ["{sys.executable}", "station.py"]'
    started: dict[str, Future[Done]] = {}
    with ThreadPoolExecutor(3) as pool:

        def start(name: str, words: list[str], driver: str, **timing: float) -> None:
            folder = tmp_path_factory.mktemp("bad")
            own_tests(folder, TWO_STEPS)
            own_tests(folder, DIES_LATER, "station.py")
            profile(folder / "sut.toml", driver=driver, **timing)
            started[name] = pool.submit(run, words, folder)

        for word in STRANGERS:
            start(word, one, process_driver(word), connect=1.5)
        start("nobody", one, 'kind = "none"', connect=0.3)
        for protocol in ("none", "jsonl"):
            start(f"exits, {protocol}", one, process_driver("exit=5", "say=no licence", protocol=protocol))
        start("garbage", one, process_driver("say=Hello!", "deaf=1", protocol="jsonl"), action=4.0)
        start("dies later", one, later, connect=600)
        start("dies", own, process_driver("die=TriggerMessage"), reconnect=600)
        for_good = process_driver("die=TriggerMessage", "jsonl=1", protocol="jsonl")
        start("dies for good", own, for_good, reconnect=600)
        yield lambda name: started[name].result()


@pytest.mark.parametrize(("word", "came"), STRANGERS.items())
def test_somebody_else_connects(runs: Callable[[str], Done], word: str, came: str) -> None:
    done = runs(word)
    text = assert_one_message(done, came, "for 1.5 s (subprotocol ocpp2.0.1)")
    assert re.search(r"listened on ws://127\.0\.0\.1:\d+/ocpp/CS001 for", text)
    assert any(line["kind"] == "handshake" for line in done.transcript())
    assert done.result["complete"] is False


def test_nobody_connects(runs: Callable[[str], Done]) -> None:
    done = runs("nobody")
    assert_one_message(done, "no station connected", "for 0.3 s (subprotocol ocpp2.0.1), and nobody came. Point the")
    assert re.search(r"listening for the station at ws://127\.0\.0\.1:\d+/ocpp/CS001", done.out)


@pytest.mark.parametrize("protocol", ["none", "jsonl"])
def test_driver_that_exits_at_once(runs: Callable[[str], Done], protocol: str) -> None:
    done = runs(f"exits, {protocol}")
    text = assert_one_message(done, "ended with exit code 5")  # before it counts as started, or just after
    assert "no licence" in text
    assert done.result["notes"]


def test_driver_that_prints_garbage(runs: Callable[[str], Done]) -> None:
    assert_one_message(runs("garbage"), "the driver program was not ready within 4 s", "Hello!")


def test_driver_that_dies_before_it_connects(runs: Callable[[str], Done]) -> None:
    """It is not waited for once it is gone."""
    text = assert_one_message(runs("dies later"), "the driver program ended with exit code 3")
    assert "no route" in text
    assert "no station connected" in text


def test_driver_that_dies_in_a_run_and_can_be_started_again(runs: Callable[[str], Done]) -> None:
    done = runs("dies")
    assert done.verdicts() == {"test_kills": "INCONCLUSIVE", "test_after": "PASS"}, done.text
    assert "the driver program ended with exit code 7" in done.case("test_kills")["reason"]
    assert "out of smoke" in done.text
    assert done.code == 1


def test_driver_that_dies_in_a_run_for_good(runs: Callable[[str], Done]) -> None:
    done = runs("dies for good")
    assert done.verdicts() == {"test_kills": "INCONCLUSIVE", "test_after": "INCONCLUSIVE"}, done.text
    reason = done.case("test_after")["reason"]
    assert reason.startswith("the starting state could not be reached: ")
    assert "the driver program ended with exit code 7" in reason
    assert done.code == 1


def test_driver_that_is_not_there(tmp_path: Path) -> None:
    profile(tmp_path / "mini.toml", driver='kind = "process"\ncommand = ["./no-such-program"]')
    done = run(command("run", "--sut", "mini.toml", "-k", "TC_B_30_CS"), tmp_path)
    assert_one_message(done, "no-such-program can't be started in ")
