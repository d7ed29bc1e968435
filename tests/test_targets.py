"""Runs against several targets: one system in two versions, and two systems in two each."""

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from run_support import Done, command, own_tests, process_driver, profile, pytest_command, run

from conformance.files import data

STATION, STATION_16, CSMS, CSMS_16 = TARGETS = ("station 2.0.1", "station 1.6", "csms 2.0.1", "csms 1.6")
BOTH = ("2.0.1", "1.6")

# -- two systems in two versions --------------------------------------------------------------------------------------

OWN = """
from conformance.cases.case import case
from conformance.cases.verdict import Severity

SOFT = {"2.0.1": "OnIdle", "1.6": "Soft"}


@case("ACME_BEAT_CS", "It beats when asked to", requirements=["G02.FR.02"])
@case("ACME_BEAT_16_CS", "It beats when asked to", versions=["1.6"], requirements=["16.HEARTBEAT.01", "ACME-1"])
async def test_beat(csms, spec, profile):
    with spec("G02.FR.02"):
        answer = await csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
        await csms.expect("Heartbeat", after=answer)
    if profile.version == "1.6":
        with spec("ACME-1"):
            assert profile.functional_profiles[0] == "Core"


@case("ACME_LEVELS_CS", "Each edition has its own rules", versions=["2.0.1", "1.6"], severity=Severity.CRITICAL,
      requirements=["B02.FR.04", "16.BOOT.07"])
async def test_levels(csms, spec):
    with spec("16.BOOT.10"):
        raise AssertionError("a must in one, advice in the other")
    with spec("16.BOOT.07"):
        assert csms.link


@case("ACME_RESET_CSMS", "It passes a reset on", requirements=["CSMS.RESET.01"])
@case("ACME_RESET_16_CSMS", "It passes a reset on", versions=["1.6"], requirements=["16.RESET.12"])
async def test_reset(station, csms, spec, profile):
    with spec("CSMS.RESET.01"):
        await csms.command("Reset", {"type": SOFT[profile.version]})
        asked = await station.expect("Reset")
        assert asked["type"] == SOFT[profile.version]


@case("ACME_NEEDS_CSMS", "For those that claim it", versions=["2.0.1", "1.6"], requirements=["ACME-2"],
      needs="NOT boot-pending")
async def test_needs(station):
    raise RuntimeError("never comes here")


@case("ACME_SEEN_CS", "Everything that was said", versions=["2.0.1", "1.6"], requirements=["ACME-3"], always_on=True)
@case("ACME_SEEN_CSMS", "Everything that was said", versions=["2.0.1", "1.6"], requirements=["ACME-3"], always_on=True)
def test_seen(transcript, spec, profile):
    with spec("ACME-3"):
        spoken = {entry.detail["subprotocol"] for entry in transcript.entries if entry.kind == "open"}
        assert spoken == {"ocpp" + profile.version}


async def test_of_nobody(csms, profile):
    assert (profile.role, profile.version) == ("station", "2.0.1")
"""
PLAN = """
title = "What Acme asks for"
edition = 1

[[proof]]
name = "workflow"
asks = "Does the same workflow hold on both?"
cases = ["ACME_SEEN_CS", "ACME_SEEN_CSMS", "ACME_LEVELS_CS", "ACME_BEAT_CS", "ACME_BEAT_16_CS", "ACME_NEEDS_CSMS",
    "ACME_RESET_CSMS", "ACME_RESET_16_CSMS"]

[[proof]]
name = "claims"
asks = "Is what nobody claims left alone?"
cases = ["ACME_NEEDS_CSMS"]

[[proof]]
name = "later"
asks = "What is still to come?"
"""
VERDICTS = {
    STATION: {"ACME_LEVELS_CS": "FAIL", "ACME_BEAT_CS": "PASS", "ACME_SEEN_CS": "PASS"},
    STATION_16: {"ACME_LEVELS_CS": "WARN", "ACME_BEAT_16_CS": "PASS", "ACME_SEEN_CS": "PASS"},
    CSMS: {"ACME_NEEDS_CSMS": "NOT_APPLICABLE", "ACME_RESET_CSMS": "PASS", "ACME_SEEN_CSMS": "PASS"},
    CSMS_16: {"ACME_NEEDS_CSMS": "NOT_APPLICABLE", "ACME_RESET_16_CSMS": "PASS", "ACME_SEEN_CSMS": "PASS"},
}


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tests and a plan for every target."""
    folder = tmp_path_factory.mktemp("acme")
    own_tests(folder, OWN)
    (folder / "acme.toml").write_text(PLAN, encoding="utf-8")
    return folder


ACME = ("--ocpp-sut=embedded", "--ocpp-plan=acme.toml", "-W", "ignore", "test_own.py")


@pytest.fixture(scope="module")
def four(acme: Path) -> Done:
    """A run with everything that the harness carries with it to be judged."""
    return run(pytest_command(*ACME, "--ocpp-lines"), acme)


@pytest.mark.parametrize("target", TARGETS)
def test_each_target_has_its_cases_in_order(four: Done, target: str) -> None:
    mine = {row["id"]: row["verdict"] for row in four.rows(target) if row["proof"] == "workflow"}
    assert sorted(mine.items()) == sorted(VERDICTS[target].items()), four.text
    lines = re.findall(rf"^[A-Z_]+ +{target} +(ACME\w+) +\d+\.\d\d s$", four.out, re.MULTILINE | re.IGNORECASE)
    assert lines == [*VERDICTS[target]]


def test_the_targets_come_one_after_the_other(four: Done) -> None:
    lines = re.findall(r"^[A-Z_]+ +((?:station|CSMS) [\d.]+) +(?:ACME|test_own)", four.out, re.MULTILINE)
    assert list(dict.fromkeys(lines)) == ["station 2.0.1", "station 1.6", "CSMS 2.0.1", "CSMS 1.6"]
    assert sorted(lines, key=[*dict.fromkeys(lines)].index) == lines


def test_grades_of_each_target(four: Done) -> None:
    assert four.grades() == {
        "workflow of station 2.0.1": "D",
        "workflow of station 1.6": "B",
        "workflow of csms 2.0.1": "A",
        "workflow of csms 1.6": "A",
        "own cases of station 2.0.1": "A",
    }
    reasons = {
        (proof["proof"], f"{proof['role']} {proof['version']}"): proof["reason"]
        for proof in four.result["proofs"]
        if proof["reason"]
    }
    assert reasons == {
        **{("claims", target): "no cases" for target in (STATION, STATION_16)},
        **{("claims", target): "no case applies" for target in (CSMS, CSMS_16)},
        **{("later", target): "no cases" for target in TARGETS},
    }
    assert (four.result["overall"], four.code, four.result["complete"]) == ("D", 1, True)


def test_a_rule_goes_by_the_id_and_the_level_of_the_version(four: Done) -> None:
    found = {
        target: {each["requirement"]: (each["verdict"], each["level"]) for each in four.case(id_, target)["findings"]}
        for target, id_ in (
            (STATION, "ACME_LEVELS_CS"),
            (STATION_16, "ACME_LEVELS_CS"),
            (CSMS_16, "ACME_RESET_16_CSMS"),
        )
    }
    assert found == {
        STATION: {"B02.FR.04": ("FAIL", "SHALL")},
        STATION_16: {"16.BOOT.10": ("WARN", "SHOULD"), "16.BOOT.07": ("PASS", "SHALL")},
        CSMS_16: {"16.RESET.12": ("PASS", "SHALL")},
    }


def test_tests_of_nobody_are_about_the_first_target(four: Done) -> None:
    assert four.case("test_of_nobody") in four.rows(STATION)


def test_each_target_has_its_transcript(four: Done) -> None:
    assert four.result["transcripts"] == {target: f"transcript-{target.replace(' ', '-')}.jsonl" for target in TARGETS}
    for target in TARGETS:
        lines = four.transcript(target)
        assert [line["n"] for line in lines] == list(range(len(lines)))
        spoken = {each["detail"]["version"] for each in lines if each["kind"] == "open"}
        assert spoken == {target.split()[1]}
        for row in four.rows(target):
            assert all(row["first"] <= n < row["last"] for each in row["findings"] for n in each["frames"])
    asked = four.case("ACME_RESET_16_CSMS")["findings"][0]["frames"]
    assert {four.transcript(CSMS_16)[n]["frame"]["action"] for n in asked} == {"Reset"}


def test_the_table_has_them_side_by_side(four: Done) -> None:
    table = four.out.partition("= conformance =")[2]
    assert (
        "Halfmoon Charging Tideway 22 (firmware 3.8.1) and\nHalfmoon Charging Reference CSMS against What Acme" in table
    )
    for row in (
        "proof station 2.0.1 station 1.6 CSMS 2.0.1 CSMS 1.6",
        "workflow D 3 of 3 B 5 of 5 A 2 of 2 A 2 of 2",
        "own cases A 0 of 0 - - -",
        "not graded, no cases: claims (station 2.0.1), claims (station 1.6), later",
        "not graded, no case applies: claims (CSMS 2.0.1), claims (CSMS 1.6)",
    ):
        assert row in " ".join(table.split()), table
    assert max(len(line) for line in table.splitlines()[1:] if "certificate.html" not in line) <= 100


def test_the_certificate(four: Done) -> None:
    html = (four.folder / "certificate.html").read_text(encoding="utf-8")
    text = " ".join(re.sub(r"<[^>]*>", " ", html.partition("<body>")[2]).split())
    assert "Halfmoon Charging Tideway 22 (firmware 3.8.1) and Halfmoon Charging Reference CSMS: What Acme" in text
    assert "Station Name Reference station Vendor Halfmoon Charging Model Tideway 22" in text
    assert "CSMS Name Reference CSMS Vendor Halfmoon Charging Identity CS001 Versions 2.0.1, 1.6" in text
    assert "Proof Station OCPP 2.0.1 Station OCPP 1.6 CSMS OCPP 2.0.1 CSMS OCPP 1.6" in text
    assert "(critical, workflow, station 2.0.1)" in text
    assert "(critical, workflow, station 1.6)" in text


def test_allure_knows_them_apart(four: Done) -> None:
    folder = four.folder / "allure-results"
    lines = (folder / "environment.properties").read_text(encoding="ascii").replace("\\ ", " ").splitlines()
    facts = dict(line.split("=", 1) for line in lines)
    assert (facts["Station model"], facts["Station vendor"]) == ("Tideway 22", "Halfmoon Charging")
    assert (facts["CSMS name"], facts["CSMS versions"]) == ("Reference CSMS", "2.0.1, 1.6")
    results = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*-result.json")]
    assert len({each["historyId"] for each in results}) == len(results) == 13
    suites = [label["value"] for each in results for label in each["labels"] if label["name"] == "parentSuite"]
    assert {suite: suites.count(suite) for suite in suites} == {
        "station 2.0.1": 4,
        "station 1.6": 3,
        "CSMS 2.0.1": 3,
        "CSMS 1.6": 3,
    }
    assert not any(each.get("parameters") for each in results)


def test_junit_knows_them_apart(four: Done) -> None:
    xml = (four.folder / "junit.xml").read_text(encoding="utf-8")
    assert 'name="test_levels[station-1.6-ACME_LEVELS_CS]"' in xml
    assert xml.count('<property name="target" value="csms 1.6"') == 3


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("station-1.6", {STATION_16: VERDICTS[STATION_16]}),
        ("csms and needs", {target: VERDICTS[target] for target in (CSMS, CSMS_16)}),
        ("ACME_BEAT_CS", {STATION: VERDICTS[STATION]}),
    ],
)
def test_a_selection(acme: Path, tmp_path: Path, chosen: str, expected: dict[str, dict[str, str]]) -> None:
    """What is always on goes along with every target that has other cases, and with no other."""
    own_tests(tmp_path, OWN)
    (tmp_path / "acme.toml").write_text(PLAN, encoding="utf-8")
    done = run(pytest_command(*ACME, "-k", chosen), tmp_path)
    assert {target for target in TARGETS if done.rows(target)} == expected.keys()
    for target, verdicts in expected.items():
        for id_, verdict in done.verdicts(target).items():
            assert verdicts[id_] == verdict
        assert any(id_.startswith("ACME_SEEN") for id_ in done.verdicts(target))
    assert done.result["complete"] is False


def test_items_are_called_by_target_and_case(acme: Path) -> None:
    done = run(pytest_command(*ACME, "--collect-only", "-q"), acme)
    assert [line.partition("::")[2] for line in done.out.splitlines() if "::" in line] == [
        "test_levels[station-2.0.1-ACME_LEVELS_CS]",
        "test_beat[station-2.0.1-ACME_BEAT_CS]",
        "test_of_nobody",
        "test_seen[station-2.0.1-ACME_SEEN_CS]",
        "test_levels[station-1.6-ACME_LEVELS_CS]",
        "test_beat[station-1.6-ACME_BEAT_16_CS]",
        "test_seen[station-1.6-ACME_SEEN_CS]",
        "test_needs[csms-2.0.1-ACME_NEEDS_CSMS]",
        "test_reset[csms-2.0.1-ACME_RESET_CSMS]",
        "test_seen[csms-2.0.1-ACME_SEEN_CSMS]",
        "test_needs[csms-1.6-ACME_NEEDS_CSMS]",
        "test_reset[csms-1.6-ACME_RESET_16_CSMS]",
        "test_seen[csms-1.6-ACME_SEEN_CSMS]",
    ]


def test_shipped_cases_of_both_roles_and_versions(tmp_path: Path) -> None:
    done = run(command("run", "--sut", "embedded", "-k", "TC_B_01 or TC_001"), tmp_path)
    boots = ((STATION, "TC_B_01_CS"), (STATION_16, "TC_001_CS"), (CSMS, "TC_B_01_CSMS"), (CSMS_16, "TC_001_CSMS"))
    assert {done.case(id_, target)["verdict"] for target, id_ in boots} == {"PASS"}, done.text
    assert all(done.verdicts(target).keys() - {id_} for target, id_ in boots)  # those that are always on


# -- one that does not come in every version --------------------------------------------------------------------------

STEPS = """
from conformance.cases.case import case


@case("FIRST_CS", "Is there", versions=["2.0.1", "1.6"], requirements=["ACME-1"])
async def test_first(csms, spec, profile):
    with spec("ACME-1"):
        assert csms.link.subprotocol == "ocpp" + profile.version


@case("SECOND_CS", "Is still there", versions=["2.0.1", "1.6"], requirements=["ACME-1"])
async def test_second(csms, spec):
    with spec("ACME-1"):
        assert csms.link


@case("SEEN_CS", "Came at all", versions=["2.0.1", "1.6"], requirements=["ACME-1"], always_on=True)
async def test_seen(transcript, spec):
    with spec("ACME-1"):
        assert transcript.entries
"""
ALL_PASS = {"FIRST_CS": "PASS", "SECOND_CS": "PASS", "SEEN_CS": "PASS"}
NONE_JUDGED = dict.fromkeys(ALL_PASS, "INCONCLUSIVE")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Done]]:
    """The runs of this part by name: they mostly wait, and do so together."""
    started: dict[str, Future[Done]] = {}
    with ThreadPoolExecutor(3) as pool:

        def start(name: str, versions: tuple[str, ...], driver: str, *words: str) -> None:
            folder = tmp_path_factory.mktemp("versions")
            own_tests(folder, STEPS)
            profile(folder / "sut.toml", versions=versions, driver=driver, connect=1.5)
            whole = pytest_command("--ocpp-sut=sut.toml", "-W", "ignore", "test_own.py", *words)
            started[name] = pool.submit(run, whole, folder)

        speaks_new = process_driver("subprotocol=ocpp2.0.1")
        start("comes in the first", BOTH, speaks_new)
        start("comes in the second", BOTH, process_driver("subprotocol=ocpp1.6"))
        start("comes in none", BOTH, process_driver("identity=CS-77"))
        start("is not asked to come in the other", BOTH, process_driver("subprotocol=ocpp1.6"), "-k", "2.0.1")
        start("can't be started", BOTH, process_driver("exit=5", "say=no licence"))
        start("has a future", ("2.0.1", "2.1"), speaks_new)
        start("has nothing but a future", ("2.1",), speaks_new)
        yield lambda name: started[name].result()


@pytest.mark.parametrize(
    ("name", "missing", "offered", "expected"),
    [
        ("comes in the first", STATION_16, "ocpp2.0.1", {STATION: ALL_PASS, STATION_16: NONE_JUDGED}),
        ("comes in the second", STATION, "ocpp1.6", {STATION: NONE_JUDGED, STATION_16: ALL_PASS}),
    ],
)
def test_one_version_is_judged_where_the_other_never_comes(
    runs: Callable[[str], Done], name: str, missing: str, offered: str, expected: dict[str, dict[str, str]]
) -> None:
    done = runs(name)
    assert {target: done.verdicts(target) for target in expected} == expected, done.text
    [note] = done.result["notes"]
    assert note.startswith(f"{missing}: the station of the profile did not connect: listened on ws://127.0.0.1:")
    assert f"/ocpp/CS001 offering {offered}" in note
    first, *others = [row["reason"] for row in done.rows(missing)]
    assert first.startswith("the starting state could not be reached: the station of the profile did not connect")
    assert set(others) == {
        f"the starting state could not be reached: {missing} never came up before; the notes of the run say why"
    }
    assert all(row["seconds"] == 0 for row in done.rows(missing))
    assert done.result["complete"] is True
    assert sorted(done.grades().values()) == ["A", "C"]
    assert done.code == 1
    assert f"note: {missing}: the station of the profile did not connect" in done.out
    assert "Mend the profile or the station's settings" in " ".join(done.out.split())
    assert note[:80] in (done.folder / "certificate.html").read_text(encoding="utf-8")
    assert "Traceback" not in done.text


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("comes in none", "the station of the profile did not connect: "),
        ("can't be started", "the driver program ended with exit code 5"),
        ("is not asked to come in the other", "the station of the profile did not connect: "),
    ],
)
def test_one_that_comes_in_none_of_them_ends_the_run(runs: Callable[[str], Done], name: str, message: str) -> None:
    done = runs(name)
    assert done.code == 2, done.text
    assert done.result["complete"] is False
    assert all(message in note for note in done.result["notes"])
    assert re.search(rf"Exit: .*{message}", done.text)
    assert "Stopped before the end" in done.out
    assert "Traceback" not in done.text
    assert set(done.verdicts().values()) <= {"INCONCLUSIVE"}


def test_a_version_that_has_no_cases_yet(runs: Callable[[str], Done]) -> None:
    done = runs("has a future")
    assert done.verdicts() == ALL_PASS
    assert done.result["notes"] == ["a station of OCPP 2.1 is claimed, but not judged: there are no cases for it yet"]
    assert f"note: {done.result['notes'][0]}" in done.out
    assert done.result["transcripts"] == {STATION: "transcript.jsonl"}
    assert done.result["suts"][0]["versions"] == ["2.0.1", "2.1"]
    assert {proof["version"] for proof in done.result["proofs"]} == {"2.0.1"}
    assert done.code == 0


def test_no_version_that_has_cases(runs: Callable[[str], Done]) -> None:
    done = runs("has nothing but a future")
    assert done.code == 2
    assert "sut.toml: expected a CSMS of OCPP 1.6 or a CSMS of OCPP 2.0.1 or a station of OCPP 1.6 or" in done.text
    assert "got a station of OCPP 2.1, for which there are no cases yet; change role or versions" in done.text
    assert not done.reports.exists()


SEEN = """
from conformance.cases.case import case


@case("ACME_SEEN_CS", "Nothing is ever cleared", requirements=["ACME-1"], always_on=True)
async def test_seen(csms, spec, transcript):
    with spec("ACME-1"):
        seen = transcript.frames(sender="harness", action="ClearChargingProfile")
        csms.touch(*seen)
        assert not seen, "something was cleared"
"""


@pytest.fixture(scope="module")
def side_by_side(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Four cases of every kind of target in two proofs, and one of somebody's that is always on."""
    folder = tmp_path_factory.mktemp("side-by-side")
    own_tests(folder, SEEN)
    chosen = "TC_B_30_CS or TC_001_CS or TC_K_05_CS or ACME_SEEN_CS"
    shipped = str(data("testcases"))
    return run(
        pytest_command("--ocpp-sut=embedded", "-n", "3", "-W", "ignore", shipped, "test_own.py", "-k", chosen), folder
    )


def test_side_by_side(side_by_side: Done) -> None:
    """Each part in a process of its own comes to one report, and each transcript is of one process."""
    done = side_by_side
    ran = {(case["role"], case["version"]): case["verdict"] for case in done.result["cases"] if case["id"][:3] == "TC_"}
    assert set(ran) == {(role, version) for role in ("station", "csms") for version in ("2.0.1", "1.6")}, done.text
    assert set(ran.values()) == {"PASS"}
    transcripts = done.result["transcripts"]
    assert transcripts["station 1.6 smart-charging"] == "transcript-station-1.6-smart-charging.jsonl"
    assert {name.rsplit(" ", 1)[0] for name in transcripts} == set(TARGETS)
    for name in transcripts:
        assert [line["n"] for line in done.transcript(name)] == list(range(len(done.transcript(name))))
    assert "ocpp-ran" not in (done.folder / "junit.xml").read_text(encoding="utf-8")


def test_what_is_always_on_judges_every_part_and_is_told_once(side_by_side: Done) -> None:
    done = side_by_side
    framing = done.case("WIRE_FRAMING_CS", STATION)
    assert (framing["verdict"], framing["proof"]) == ("PASS", "boot")
    seen = done.case("ACME_SEEN_CS")
    assert (seen["verdict"], seen["part"]) == ("FAIL", "smart-charging"), done.text
    [finding] = seen["findings"]
    lines = done.transcript(f"{STATION} {finding['part']}")
    assert {lines[n]["frame"]["action"] for n in finding["frames"]} == {"ClearChargingProfile"}
    page = (done.folder / "certificate.html").read_text(encoding="utf-8")
    assert "of transcript-station-2.0.1-smart-charging.jsonl" in page
    names = [json.loads(each.read_text())["name"] for each in (done.folder / "allure-results").glob("*-result.json")]
    assert {name.partition(":")[0] for name in names} >= {"ACME_SEEN_CS", "ACME_SEEN_CS@smart-charging"}


def test_one_proof_side_by_side_is_in_one_piece(tmp_path: Path) -> None:
    words = ("--proof", "smart-charging", "-n", "2", "-k", "TC_K_05_CSMS")
    done = run(command("run", "--sut", "embedded", *words), tmp_path)
    assert done.result["transcripts"][CSMS] == "transcript-csms-2.0.1.jsonl", done.text
    assert done.case("TC_K_05_CSMS")["part"] == ""


def test_a_test_of_somebodys_side_by_side(tmp_path: Path) -> None:
    """It is judged as in one process: on the first target, and without the plan."""
    own_tests(tmp_path, "async def test_link(csms):\n    assert csms.link\n")
    done = run(pytest_command("--ocpp-sut=embedded", "-n", "2", "-W", "ignore", "test_own.py"), tmp_path)
    assert done.verdicts() == {"test_link": "PASS"}, done.text
    assert {proof["proof"] for proof in done.result["proofs"]} == {"own cases"}
    assert done.code == 0
