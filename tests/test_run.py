"""A run as a whole, from the command line and from pytest: what it writes, what it says, and its exit code."""

import json
import re
import resource
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from run_support import (
    PATIENCE,
    Done,
    command,
    environment,
    own_tests,
    process_driver,
    profile,
    pytest_command,
    run,
)

ONE_PROOF = """
title = "Small"
edition = 1
[[proof]]
name = "small"
asks = "Does it boot?"
cases = ["TC_B_01_CS", "TC_B_30_CS", "WIRE_FRAMING_CS"]
[[proof]]
name = "rest"
asks = "Does anything else work?"
"""

UNRELATED = """
import asyncio
import pytest

pytestmark = pytest.mark.filterwarnings("ignore")

def test_nothing_to_do_with_it():
    assert True

@pytest.mark.asyncio
async def test_in_a_loop_of_its_own():
    assert not hasattr(asyncio.get_running_loop(), "seen")
    asyncio.get_running_loop().seen = True if hasattr(asyncio.get_running_loop(), "__dict__") else None
"""
CHOSEN = "station-2.0.1-TC_B_01_CS"
NO_DIRT = "ignore::pytest.PytestDeprecationWarning"


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """`ocpp-conformance run --sut embedded -k station-2.0.1-TC_B_01_CS`."""
    return run(command("run", "--sut", "embedded", "-k", CHOSEN), tmp_path_factory.mktemp("embedded"))


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The same by pytest, from a folder with settings and tests of its own."""
    folder = tmp_path_factory.mktemp("plain")
    own_tests(folder, "def test_other(): raise AssertionError('nobody asked for this one')", "test_other.py")
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_mode = strict\nfilterwarnings = error\n", encoding="utf-8")
    words = ["--ocpp-sut=embedded", "-k", CHOSEN, "-W", NO_DIRT]
    return run(pytest_command(*words), folder)


# -- what a run leaves ------------------------------------------------------------------------------------------------


def test_result(embedded: Done) -> None:
    result = embedded.result
    boot = next(proof for proof in result["proofs"] if proof["proof"] == "boot")
    assert boot["role"] == "station"
    assert boot["version"] == "2.0.1"
    assert {"grade", "lower", "upper"} <= boot.keys()
    assert 0 < boot["judged"] < boot["planned"]
    row = embedded.case("TC_B_01_CS")
    assert (row["role"], row["version"], row["proof"], row["verdict"]) == ("station", "2.0.1", "boot", "PASS")
    assert {finding["requirement"] for finding in row["findings"]} == {"B01.FR.01", "B01.FR.05", "B01.FR.09"}
    assert result["plan_digest"].startswith("sha256:")
    assert [sut["identity"] for sut in result["suts"]] == ["CS001", "CS001"]
    assert result["harness"]["name"] == "ocpp-conformance"
    assert result["complete"] is False  # the rest of the plan was not selected
    assert embedded.code == 1
    assert "INCOMPLETE RUN" in embedded.out


def test_a_selection_takes_the_always_on_cases_along(embedded: Done) -> None:
    assert next(iter(embedded.verdicts())) == "TC_B_01_CS"
    assert {"WIRE_FRAMING_CS", "WIRE_MESSAGE_IDS_CS", "WIRE_PAYLOADS_CS"} <= embedded.verdicts().keys()
    assert set(embedded.verdicts().values()) == {"PASS"}


def test_transcript(embedded: Done) -> None:
    lines = embedded.transcript()
    assert [line["n"] for line in lines] == list(range(len(lines)))
    assert next(line["detail"]["headers"]["Host"] for line in lines if line["kind"] == "handshake")
    actions = [line["frame"]["action"] for line in lines if line["kind"] == "frame"]
    assert "BootNotification" in actions
    row = embedded.case("TC_B_01_CS")
    frames = [n for finding in row["findings"] for n in finding["frames"]]
    assert frames
    assert all(row["first"] <= n < row["last"] for n in frames)


def test_allure(embedded: Done) -> None:
    results = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in (embedded.folder / "allure-results").glob("*-result.json")
    ]
    [boot] = [each for each in results if each["name"].startswith("TC_B_01_CS")]
    labels = {(label["name"], label["value"]) for label in boot["labels"]}
    assert {("epic", "boot"), ("feature", "B Provisioning"), ("story", "B01"), ("severity", "blocker")} <= labels
    assert ("tag", "B01.FR.05") in labels
    assert not boot.get("parameters")
    attached = {each["name"]: embedded.folder / "allure-results" / each["source"] for each in boot["attachments"]}
    assert "B01.FR.05" in attached["findings"].read_text(encoding="utf-8")
    assert "BootNotification" in attached["wire trace"].read_text(encoding="utf-8")
    for name in ("environment.properties", "categories.json", "executor.json"):
        assert (embedded.folder / "allure-results" / name).is_file()


def test_the_other_files(embedded: Done) -> None:
    assert "TC_B_01_CS" in (embedded.folder / "junit.xml").read_text(encoding="utf-8")
    assert "Reference station" in (embedded.folder / "certificate.html").read_text(encoding="utf-8") or (
        "Tideway" in (embedded.folder / "certificate.html").read_text(encoding="utf-8")
    )
    assert str(embedded.folder.name) in embedded.out
    assert (embedded.reports / "latest").resolve().parent == embedded.reports.resolve()


def test_the_same_by_pytest_alone(embedded: Done, plain: Done) -> None:
    assert plain.verdicts() == embedded.verdicts(), plain.text
    assert plain.code == embedded.code
    for name in ("plan_digest", "proofs", "gate", "overall", "suts", "transcripts"):
        assert plain.result[name] == embedded.result[name]
    left = [{path.suffix for path in done.folder.iterdir()} for done in (plain, embedded)]
    assert left[0] == left[1]


def test_pytest_with_the_path_of_a_shipped_case(tmp_path: Path) -> None:
    from conformance import suite

    path = suite.folder() / "station" / "test_cold_boot_cs.py"
    done = run(pytest_command("--ocpp-sut=embedded", f"{path}::test_accepted"), tmp_path)
    assert done.verdicts("station 2.0.1")["TC_B_01_CS"] == "PASS"
    assert {row["title"] for row in done.rows("station 2.0.1")} == {done.case("TC_B_01_CS")["title"]}
    assert done.case("TC_B_01_CS")["proof"] == "boot"


# -- exit codes -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def small_plan(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A whole run of a plan of the user's own."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "small.toml").write_text(ONE_PROOF, encoding="utf-8")
    return run(command("run", "--sut", "embedded", "--plan", "small.toml", "--gate", "a"), folder)


def test_at_the_gate(small_plan: Done) -> None:
    assert small_plan.code == 0, small_plan.text
    assert small_plan.result["complete"] is True
    assert list(small_plan.verdicts("station 2.0.1")) == ["TC_B_01_CS", "TC_B_30_CS", "WIRE_FRAMING_CS"]
    assert small_plan.grades()["small of station 2.0.1"] == "A"
    assert set(small_plan.grades().values()) == {"A"}
    assert [proof["proof"] for proof in small_plan.result["proofs"]] == ["small", "rest"] * 4
    assert "Gate A met" in small_plan.out
    assert "Stopped" not in small_plan.out


def test_lines_of_the_command_line(small_plan: Done) -> None:
    assert re.search(r"^PASS +station 2\.0\.1 +TC_B_30_CS +\d+\.\d\d s$", small_plan.out, re.MULTILINE)
    assert "Traceback" not in small_plan.text


VERDICTS = """
import pytest
from conformance.cases.case import case
from conformance.cases.verdict import Severity


def declared(id, *requirements, **more):
    return case(id, id, requirements=requirements or ["ACME-1"], **more)


@declared("PASSES")
async def test_passes(csms, spec):
    with spec("ACME-1"):
        answer = await csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
        assert answer["status"] == "Accepted"


@declared("FAILS", "ACME-1", "ACME-2", severity=Severity.MINOR)
async def test_fails(csms, spec):
    with spec("ACME-1"):
        answer = await csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
        assert answer["status"] == "Rejected", f"the trigger was {answer['status']}"
    with spec("ACME-2"):
        assert 1 + 1 == 2


@declared("FAILS_BARE")
async def test_fails_bare(csms, spec):
    one, two = "this long text", "that other text"
    with spec("ACME-1"):
        assert one == two


@declared("WARNS", "BOOT.REASON.02")
async def test_warns(csms, spec):
    with spec("BOOT.REASON.02"):
        raise AssertionError("only recommended")


@declared("STEP_FAILS")
async def test_step_fails(csms, spec):
    await csms.expect("LogStatusNotification", within=0.05)
    with spec("ACME-1"):
        pass


@declared("PRECONDITION_FAILS")
async def test_precondition_fails(csms, spec):
    assert csms.link is None, "there is a link"
    with spec("ACME-1"):
        pass


@declared("BREAKS")
async def test_breaks(csms, spec):
    with spec("ACME-1"):
        pass
    {}["no such key"]


@declared("LOOKS_AWAY", "ACME-1", "ACME-2")
async def test_looks_away(csms, spec):
    with spec("ACME-1"):
        pass


@declared("JUDGES_MORE")
async def test_judges_more(csms, spec):
    with spec("ACME-99"):
        pass


@declared("DOES_NOT_APPLY", needs="NOT reset-evse")
async def test_does_not_apply(csms, spec):
    raise RuntimeError("never comes here")


@declared("ENDS_EARLY", "ACME-1", "ACME-2")
async def test_ends_early(csms, spec):
    with spec.must("ACME-1"):
        raise AssertionError("no use going on")
    raise RuntimeError("never comes here")


@declared("EXCUSED")
async def test_excused(csms, spec):
    spec.excuse("ACME-1", "the documents allow it")


@declared("UNPROVEN")
async def test_unproven(csms, spec):
    spec.unproven("ACME-1", "the meter can't be read")


@declared("SKIPS")
async def test_skips(csms, spec):
    pytest.skip("not today")


async def test_plain_pass(csms):
    assert csms.link is not None


async def test_plain_fail(csms):
    assert csms.link is None, "the link is there"


async def test_plain_step(csms):
    await csms.expect("LogStatusNotification", within=0.05)


async def test_plain_call_to_fail(csms):
    pytest.fail("I say so")


async def test_plain_skip(csms):
    pytest.skip("not today")


@pytest.fixture
def broken_fixture(csms):
    raise KeyError("broken fixture")


@pytest.fixture
def broken_after(csms):
    yield
    raise KeyError("broken after")


async def test_fixture_breaks(broken_fixture):
    pass


async def test_teardown_breaks(broken_after):
    pass


@declared("HANGS", "ACME-1", "ACME-2")
async def test_hangs(csms, spec):
    import asyncio

    with spec("ACME-1"):
        pass
    await asyncio.Event().wait()  # HERE


@declared("HANGS_NOT_ITSELF")
async def test_own_timeout(csms, spec):
    import asyncio

    with spec("ACME-1"):
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()


@declared("COMES_AFTER")
async def test_comes_after(csms, spec):
    with spec("ACME-1"):
        assert csms.link is not None


def test_not_a_case():
    assert True
"""

EXPECTED = {
    "PASSES": "PASS",
    "FAILS": "FAIL",
    "FAILS_BARE": "FAIL",
    "WARNS": "WARN",
    "STEP_FAILS": "INCONCLUSIVE",
    "PRECONDITION_FAILS": "INCONCLUSIVE",
    "BREAKS": "ERROR",
    "LOOKS_AWAY": "ERROR",
    "JUDGES_MORE": "ERROR",
    "DOES_NOT_APPLY": "NOT_APPLICABLE",
    "ENDS_EARLY": "FAIL",
    "EXCUSED": "PASS",
    "UNPROVEN": "INCONCLUSIVE",
    "SKIPS": "INCONCLUSIVE",
    "test_plain_pass": "PASS",
    "test_plain_fail": "FAIL",
    "test_plain_step": "INCONCLUSIVE",
    "test_plain_call_to_fail": "FAIL",
    "test_plain_skip": "NOT_APPLICABLE",
    "test_fixture_breaks": "ERROR",
    "test_teardown_breaks": "ERROR",
    "HANGS": "INCONCLUSIVE",
    "HANGS_NOT_ITSELF": "ERROR",
    "COMES_AFTER": "PASS",
}
OUTCOMES = {"PASS": "passed", "WARN": "passed", "NOT_APPLICABLE": "skipped"}


@pytest.fixture(scope="session")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """One run with a case for every verdict and every way to it."""
    folder = tmp_path_factory.mktemp("verdicts")
    own_tests(folder, VERDICTS)
    profile(folder / "quick.toml", case=0.5)
    return run(pytest_command("--ocpp-sut=quick.toml", "-W", "ignore", "-v", "--tb=short", "test_own.py"), folder)


@pytest.mark.parametrize(("id_", "verdict"), EXPECTED.items())
def test_verdict(verdicts: Done, id_: str, verdict: str) -> None:
    assert verdicts.verdicts().get(id_) == verdict, verdicts.text
    xml = (verdicts.folder / "junit.xml").read_text(encoding="utf-8")
    case = re.search(
        rf'<testcase (?:(?!</testcase>).)*?value="(?:test_own.py::)?{id_}"(?:(?!</testcase>).)*', xml, re.DOTALL
    )
    assert case is not None
    outcome = "skipped" if "<skipped" in case[0] else "failed" if re.search("<failure|<error", case[0]) else "passed"
    expected = "skipped" if id_ == "SKIPS" else OUTCOMES.get(verdict, "failed")  # pytest's own word for a skip stays
    assert outcome == expected


def test_nothing_but_cases_is_in_the_result(verdicts: Done) -> None:
    assert verdicts.verdicts().keys() == EXPECTED.keys()
    assert {row["proof"] for row in verdicts.result["cases"]} == {"own cases"}
    assert verdicts.result["complete"] is True


@pytest.mark.parametrize(
    ("id_", "reason"),
    [
        ("FAILS", "ACME-1: the trigger was Accepted"),
        ("STEP_FAILS", "LogStatusNotification did not come within 0.05 s"),
        ("PRECONDITION_FAILS", "there is a link"),
        ("BREAKS", "KeyError: 'no such key'"),
        ("LOOKS_AWAY", "ACME-2: declared by the case, but never judged"),
        ("JUDGES_MORE", "add it to `requirements` of the case"),
        ("DOES_NOT_APPLY", "reset-evse"),
        ("ENDS_EARLY", "ACME-1: no use going on"),
        ("UNPROVEN", "ACME-1: the meter can't be read"),
        ("SKIPS", "skipped: not today"),
        ("test_plain_fail", "the link is there"),
        ("test_plain_call_to_fail", "I say so"),
        ("test_fixture_breaks", "KeyError: 'broken fixture'"),
        ("test_teardown_breaks", "after the case: KeyError: 'broken after'"),
        (
            "HANGS",
            "the case did not end within 0.5 s ([timing] case of the profile); it had come to test_own.py, line ",
        ),
        ("HANGS_NOT_ITSELF", "TimeoutError"),
    ],
)
def test_reason(verdicts: Done, id_: str, reason: str) -> None:
    assert reason in verdicts.case(id_)["reason"]


def test_a_case_that_hangs_is_said_to_hang_where_it_does(verdicts: Done) -> None:
    line = next(number for number, text in enumerate(VERDICTS.splitlines(), 1) if "# HERE" in text)
    assert verdicts.case("HANGS")["reason"].endswith(f"line {line}")
    assert [finding["verdict"] for finding in verdicts.case("HANGS")["findings"]] == ["PASS"]


def test_findings_go_on_after_a_miss(verdicts: Done) -> None:
    findings = {each["requirement"]: each["verdict"] for each in verdicts.case("FAILS")["findings"]}
    assert findings == {"ACME-1": "FAIL", "ACME-2": "PASS"}
    assert [each["verdict"] for each in verdicts.case("EXCUSED")["findings"]] == ["NOT_APPLICABLE"]


def test_messages_come_without_the_comparison_of_pytest(verdicts: Done) -> None:
    [finding] = [each for each in verdicts.case("FAILS")["findings"] if each["verdict"] == "FAIL"]
    assert finding["message"] == "the trigger was Accepted"
    assert verdicts.case("test_plain_fail")["reason"] == "the link is there"
    assert "'Accepted' == 'Rejected'" not in verdicts.text
    [bare] = verdicts.case("FAILS_BARE")["findings"]
    assert bare["message"].startswith("assert 'this long text' == ") or bare["message"] == "this long text"


def test_an_error_of_the_harness_is_said_so(verdicts: Done) -> None:
    assert verdicts.code == 3
    assert "The harness itself failed in " in verdicts.out
    for id_ in ("BREAKS", "LOOKS_AWAY", "test_teardown_breaks"):
        assert id_ in verdicts.out.partition("The harness itself failed in ")[2]


def test_every_case_has_its_evidence(verdicts: Done) -> None:
    folder = verdicts.folder / "allure-results"
    results = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*-result.json")]
    statuses = {each["name"].partition(":")[0]: each["status"] for each in results}
    assert statuses["FAILS"] == "failed"
    assert statuses["STEP_FAILS"] == "broken"
    assert statuses["BREAKS"] == "broken"
    assert statuses["DOES_NOT_APPLY"] == "skipped"
    assert statuses["WARNS"] == "passed"
    [fails] = [each for each in results if each["name"].startswith("FAILS:")]
    assert {each["name"] for each in fails["attachments"]} >= {"findings", "wire trace"}


def test_a_test_that_is_no_case_can_fail_the_run_and_changes_no_grade(tmp_path: Path) -> None:
    own_tests(tmp_path, "async def test_link(csms): assert csms.link\n", "test_link.py")
    own_tests(tmp_path, UNRELATED + "\ndef test_sum(): assert 1 + 1 == 3\n", "test_sum.py")
    done = run(pytest_command("--ocpp-sut=embedded", "-W", "ignore", "."), tmp_path)
    assert done.code == 1
    assert done.verdicts() == {"test_link": "PASS"}
    assert done.result["overall"] == "A"
    assert "1 of the tests that are no cases failed" in done.out
    assert "3 passed" in done.out


@pytest.mark.parametrize(("gate", "code"), [("D", 0), ("C", 1)])
def test_below_the_gate(tmp_path: Path, gate: str, code: int) -> None:
    own_tests(tmp_path, VERDICTS)
    words = ["--ocpp-sut=embedded", "-W", "ignore", f"--ocpp-gate={gate}", "test_own.py", "-k", "FAILS and not STEP"]
    text = VERDICTS.replace("Severity.MINOR", "Severity.CRITICAL")
    own_tests(tmp_path, text)
    done = run(pytest_command(*words, "-k", "test_fails and not bare"), tmp_path)
    assert done.verdicts() == {"FAILS": "FAIL"}
    assert (done.code, done.result["overall"]) == (code, "D")


# -- stopping ---------------------------------------------------------------------------------------------------------

WAITS = """
async def test_before(csms):
    assert csms.link is not None

async def test_waits(csms):
    answer = await csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
    await csms.expect("LogStatusNotification", within=600)

async def test_never(csms):
    pass
"""


@contextmanager
def waiting(folder: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A run that has come to a case that waits, and said so."""
    own_tests(folder, WAITS)
    words = pytest_command("--ocpp-sut=embedded", "-W", "ignore", "--ocpp-progress=0.05", "test_own.py")
    program = subprocess.Popen(
        words,
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # a job in the background inherits it ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 -- no threads here
    )
    said: list[str] = []
    try:
        assert program.stdout is not None
        for line in program.stdout:
            said.append(line)
            if "waiting for LogStatusNotification" in line:
                break
        yield program, said
    finally:
        program.kill()
        program.wait(PATIENCE)
        assert program.stdout is not None
        program.stdout.close()


def test_interrupted(tmp_path: Path) -> None:
    with waiting(tmp_path) as (program, said):
        assert re.search(
            r"… test_own.py::test_waits: waiting for LogStatusNotification, \d+ s of at most 600 s", said[-1]
        )
        program.send_signal(signal.SIGINT)
        rest, _ = program.communicate(timeout=PATIENCE)
    done = Done(program.returncode, "".join(said) + rest, "", tmp_path / "reports")
    assert done.code == 2, done.out
    assert done.verdicts() == {"test_before": "PASS"}
    assert done.result["complete"] is False
    assert "Stopped before the end" in done.out
    assert "INCOMPLETE RUN" in done.out
    assert "Traceback" not in done.out
    for name in ("certificate.html", "junit.xml"):
        assert (done.folder / name).is_file()


@pytest.mark.parametrize("hook", ["pytest_sessionfinish", "pytest_terminal_summary"])
@pytest.mark.parametrize("first", [True, False], ids=["the second", "the first"])
def test_interrupted_while_it_is_written_down(tmp_path: Path, hook: str, *, first: bool) -> None:
    """Ctrl-C again after a run was stopped, or for the first time after it was over: nothing is lost."""
    wait = "import os, signal\n\nasync def test_stops(csms):\n    os.kill(os.getpid(), signal.SIGINT)\n"
    own_tests(tmp_path, wait if first else "async def test_before(csms):\n    assert csms.link is not None\n")
    again = f"import os, signal\n\ndef {hook}():\n    os.kill(os.getpid(), signal.SIGINT)\n"
    own_tests(tmp_path, again, "conftest.py")
    words = pytest_command("--ocpp-sut=embedded", "-W", "ignore", "test_own.py")
    # a job in the background inherits it ignored
    done = run(words, tmp_path, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    assert done.code == (2 if first else 0), done.text
    assert "Traceback" not in done.text
    assert done.text.count("the report is being written; press Ctrl-C once more") == 1
    assert done.result["complete"] is not first
    for name in ("certificate.html", "junit.xml"):
        assert (done.folder / name).is_file()


def test_terminated(tmp_path: Path) -> None:
    """What `timeout` and CI systems send counts as Ctrl-C: what was seen until then is reported."""
    words = command("run", "--sut", "embedded", "-k", "csms-2.0.1 and (TC_B_01 or UNANSWERED_COMMAND)")
    program = subprocess.Popen(
        words, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    said: list[str] = []
    try:
        assert program.stdout is not None
        for line in program.stdout:
            said.append(line)
            if line.startswith("PASS"):
                break
        program.terminate()
        rest, _ = program.communicate(timeout=PATIENCE)
    finally:
        program.kill()
    assert "Stopped before the end" in rest, said
    assert "Traceback" not in rest
    done = Done(program.returncode, rest, "", tmp_path / "reports")
    assert done.code == 2
    assert done.result["complete"] is False


GONE = """
from conformance.cases.case import case

@case("ONE_CS", "…", requirements=["J.ANSWER.01"])
async def test_one(csms, spec):
    with spec("J.ANSWER.01"):
        await csms.attempt("Reset", {"type": "Immediate"})

""" + "".join(
    f"""
@case("NEXT_{number}_CS", "…", requirements=["J.ANSWER.01"])
async def test_next_{number}(csms, spec):
    with spec("J.ANSWER.01"):
        assert await csms.attempt("Heartbeat", {{}})
"""
    for number in range(6)
)


def test_a_station_that_is_gone_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    """It dies of the first case; three more wait for it, and the others are told that it is gone."""
    own_tests(tmp_path, GONE)
    path = profile(
        tmp_path / "gone.toml", driver=process_driver("die=Reset", "jsonl=1", protocol="jsonl"), reconnect=1.0
    )
    done = run(pytest_command(f"--ocpp-sut={path}", "-W", "ignore", "test_own.py"), tmp_path)
    reasons = [done.case(f"NEXT_{number}_CS")["reason"] for number in range(6)]
    assert all("the starting state could not be reached" in each for each in reasons[:3]), reasons
    assert all("is gone, and is not waited for any more" in each for each in reasons[3:]), reasons
    assert "did not come back in 3 cases, NEXT_2_CS the last" in done.out
    assert any("did not come back in 3 cases" in each for each in done.result["notes"])


def test_nothing_told_is_nothing_judged(tmp_path: Path) -> None:
    """A station without a transaction has not passed the judgement of all of them, where that was asked for."""
    path = profile(tmp_path / "mute.toml", driver=process_driver(), reconnect=1.0)
    done = run(command("run", "--sut", str(path), "-k", "TRANSACTIONS_TOLD_REASONS_CS"), tmp_path)
    assert done.verdicts()["TRANSACTIONS_TOLD_REASONS_CS"] == "INCONCLUSIVE", done.text
    assert "no transaction was told of" in str(done.case("TRANSACTIONS_TOLD_REASONS_CS")["findings"])


def test_killed(tmp_path: Path) -> None:
    with waiting(tmp_path) as (program, _):
        program.kill()
        program.wait(PATIENCE)
    [file] = (tmp_path / "reports").glob("*/transcript-station-2.0.1.jsonl")
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    actions = [line["frame"]["action"] for line in lines if line["kind"] == "frame"]
    assert "BootNotification" in actions
    assert "TriggerMessage" in actions
    assert actions[-2] == "Heartbeat"


def _no_more_than(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize(
    ("size", "why"),
    [
        (1_500, r"the test certificates can't be written to \S+ \(File too large\); make room"),
        (5_000, r"the report can't be written \(File too large\); make room and run again"),
    ],
)
def test_disk_full(tmp_path: Path, size: int, why: str) -> None:
    """1500 bytes: not even the certificates have room. 5000: the transcript fills it up after the first case."""
    own_tests(tmp_path, WAITS.replace("within=600", "within=0.1"))
    words = pytest_command("--ocpp-sut=embedded", "-W", "ignore", "test_own.py")
    unmeasured = {"COVERAGE_PROCESS_CONFIG": "", "COVERAGE_PROCESS_START": ""}  # its data would not fit either
    done = run(words, tmp_path, env=unmeasured, preexec_fn=lambda: _no_more_than(size))
    assert done.code == 2, done.text
    assert re.search(why, done.text.replace("\n", " ")), done.text
    assert "Traceback" not in done.text
    assert "INTERNALERROR" not in done.text
    if size < 5_000:
        return
    folder = next(each for each in (tmp_path / "reports").iterdir() if each.name != "latest")
    lines = (folder / "transcript-station-2.0.1.jsonl").read_text(encoding="utf-8").splitlines()
    assert "BootNotification" in "".join(lines)
    assert [json.loads(line)["n"] for line in lines[:-1]] == list(range(len(lines) - 1))


# -- two stations -----------------------------------------------------------------------------------------------------


def test_two_stations_judged_side_by_side(tmp_path: Path) -> None:
    """Two runs at once, with the same folder for their reports."""
    own_tests(tmp_path, "async def test_identity(csms, profile): assert csms.identity == profile.identity\n")
    for identity in ("CS001", "Säule 2"):
        path = profile(tmp_path / f"{identity[-1]}.toml", driver=process_driver())
        path.write_text(path.read_text(encoding="utf-8").replace('"CS001"', f'"{identity}"'), encoding="utf-8")
    words = [pytest_command(f"--ocpp-sut={name}.toml", "-W", "ignore", "test_own.py") for name in ("1", "2")]
    with ThreadPoolExecutor() as pool:
        first, second = pool.map(lambda each: run(each, tmp_path), words)
    assert (first.code, second.code) == (0, 0), first.text + second.text
    results = [json.loads(path.read_text(encoding="utf-8")) for path in (tmp_path / "reports").glob("2*/result.json")]
    assert {result["suts"][0]["identity"] for result in results} == {"CS001", "Säule 2"}
    assert all(result["overall"] == "A" for result in results)


TWO_STATIONS = """
import asyncio, json
from websockets.asyncio.client import connect


async def test_two(rig, csms):
    other = rig.server.peer("CS-2")
    async with connect(f"{rig.server.url}/CS-2", subprotocols=["ocpp2.0.1"]) as socket:
        await other.connected()
        ask = asyncio.ensure_future(other.call("Reset", {"type": "OnIdle"}))
        _, id, action, payload = json.loads(await socket.recv())
        await socket.send(json.dumps([3, id, {"status": "Scheduled"}]))
        assert (await ask)["status"] == "Scheduled"
        answer = await csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
        await socket.send(json.dumps([2, "1", "Heartbeat", {}]))
        beat, other_beat = await csms.expect("Heartbeat", after=answer), await other.expect("Heartbeat")
        assert (beat.entry.station, other_beat.entry.station) == ("CS001", "CS-2")
        assert csms.link is not other.link


async def test_stranger(rig, csms):
    link = csms.link
    try:
        async with connect(f"{rig.server.url}/CS-99", subprotocols=["ocpp2.0.1"]):
            raise RuntimeError("let in")
    except Exception as refused:
        assert "404" in str(refused), refused
    assert csms.link is link
"""


def test_two_stations_in_one_run(tmp_path: Path) -> None:
    own_tests(tmp_path, TWO_STATIONS)
    done = run(pytest_command("--ocpp-sut=embedded", "-W", "ignore", "test_own.py"), tmp_path)
    assert done.verdicts() == {"test_two": "PASS", "test_stranger": "PASS"}, done.text


# -- secrets ----------------------------------------------------------------------------------------------------------

LEAKS = """
async def test_leaks(csms, profile, spec):
    with spec("ACME-1"):
        raise AssertionError(f"found {profile.password().reveal()}")

async def test_leaks_outside(csms, profile):
    raise AssertionError(f"found {profile.password().reveal()}")

async def test_sets_it(csms, profile):
    item = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    await csms.call("SetVariables", {"setVariableData": [item | {"attributeValue": profile.password().reveal()}]})
"""


def test_the_password_is_nowhere(tmp_path: Path) -> None:
    password = "open-sesame-0815-x"
    path = profile(tmp_path / "safe.toml")
    path.write_text(
        path.read_text(encoding="utf-8") + '\n[credentials]\npassword_env = "BOX_PASSWORD"\n', encoding="utf-8"
    )
    own_tests(tmp_path, LEAKS)
    words = pytest_command("--ocpp-sut=safe.toml", "-W", "ignore", "-v", "test_own.py")
    done = run(words, tmp_path, env={"BOX_PASSWORD": password})
    assert done.verdicts()["test_sets_it"] == "PASS", done.text
    assert any(line["kind"] == "handshake" and "uthorization" in json.dumps(line) for line in done.transcript())
    encoded = "Q1MwMDE6"  # "CS001:" in base64
    files = [each for each in done.folder.rglob("*") if each.is_file()]
    leaks = [
        each.name for each in files if password.encode() in each.read_bytes() or encoded.encode() in each.read_bytes()
    ]
    assert leaks == []
    assert password not in done.text
    assert "found <secret>" in done.case("test_leaks")["reason"]
    assert len(files) > 10
