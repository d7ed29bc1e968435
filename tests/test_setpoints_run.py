"""Setpoints of stations that can't be measured, refuse, round, or say nothing: what becomes of them in a run."""

from pathlib import Path
from typing import Any

import pytest
from run_support import Done, own_tests, pytest_command, run

OWN = """
import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from conformance.cases.case import case
from conformance.peers.ammeter import Ammeter
from conformance.peers.outages import passed
from conformance.peers.transaction_scenes import offline
from conformance.peers.setpoints import DOWNGRADED, ENFORCED, METER, REJECTED, TOLD, setpoints
from conformance.reference.station import ReferenceStation
from conformance.reference.station.charging_profiles import ChargingProfile
from conformance.reference.station16 import ReferenceStation16
from conformance.sut.drivers import StationDriver

BOTH = ["2.0.1", "1.6"]


async def ask(station, csms, spec, profile, *parts):
    async with setpoints(station, csms, spec, profile) as trial:
        await trial.charge_unlimited()
        for part in parts:
            await trial.ask(f"part {part}", trial.amperes(part) + part % 0.1 * 5)


def without(monkeypatch, *actions):
    known = StationDriver.can
    monkeypatch.setattr(StationDriver, "can", lambda self, action: action not in actions and known(self, action))


@pytest.fixture
def blind(monkeypatch):
    async def nothing(self, **_):
        return None
    monkeypatch.setattr(Ammeter, "look", nothing)


@pytest.fixture
def forgetful(monkeypatch):
    monkeypatch.setattr(ReferenceStation, "install_charging_profile", lambda self, profile: None)


@case("THEIRS_CS", "What was there before, where nobody can ask for it", versions=["1.6"], requirements=["ACME-2"])
async def test_theirs(monkeypatch, csms, spec):
    monkeypatch.setattr(ReferenceStation16, "on_clear_charging_profile", lambda self, request: {"status": "Accepted"})
    with spec("ACME-2"):
        for _ in range(2):
            await csms.speak.clear_charging_profiles(purpose="TxDefaultProfile")
        assert len(csms.remarks) == 1


@case("BLIND_CS", "The current can't be seen", versions=BOTH, requirements=[TOLD, ENFORCED])
async def test_blind(blind, station, csms, spec, profile):
    await ask(station, csms, spec, profile, 0.5)


@case("FORGETFUL_CS", "Accepted, and nothing to be seen", requirements=[TOLD, ENFORCED])
async def test_forgetful(blind, forgetful, station, csms, spec, profile):
    await ask(station, csms, spec, profile, 0.5)


@case("SILENT_CS", "No composite schedule is to be had", requirements=[TOLD, ENFORCED])
async def test_silent(blind, forgetful, monkeypatch, station, csms, spec, profile):
    monkeypatch.setattr(ReferenceStation, "on_get_composite_schedule", lambda self, request: {"status": "Rejected"})
    await ask(station, csms, spec, profile, 0.5)


@case("REFUSES_CS", "Every limit is refused", requirements=[TOLD, ENFORCED, REJECTED, METER])
async def test_refuses(monkeypatch, station, csms, spec, profile):
    monkeypatch.setattr(ReferenceStation, "objection_to_charging_profile", lambda self, profile: "NoThanks")
    await ask(station, csms, spec, profile, 0.5)


@case("NO_REASON_CS", "Every limit is refused, for no reason", requirements=[TOLD, ENFORCED])
async def test_no_reason(monkeypatch, station, csms, spec, profile):
    monkeypatch.setattr(ReferenceStation, "on_set_charging_profile", lambda self, request: {"status": "Rejected"})
    await ask(station, csms, spec, profile, 0.5)


@case("ROUNDS_CS", "Whole amperes only", requirements=[TOLD, ENFORCED, DOWNGRADED])
async def test_rounds(monkeypatch, station, csms, spec, profile):
    install = ReferenceStation.install_charging_profile
    def rounded(self, profile):
        schedule = dict(profile.payload["chargingSchedule"][0])
        periods = [each | {"limit": math.floor(each["limit"])} for each in schedule["chargingSchedulePeriod"]]
        payload = profile.payload | {"chargingSchedule": [schedule | {"chargingSchedulePeriod": periods}]}
        install(self, ChargingProfile(profile.evse, payload))
    monkeypatch.setattr(ReferenceStation, "install_charging_profile", rounded)
    await ask(station, csms, spec, profile, 0.55)


@case("OWN_METER_ONLY_CS", "No other meter, and nothing told but when it is time", requirements=[TOLD, ENFORCED, METER])
async def test_own_meter_only(monkeypatch, station, csms, spec, profile):
    without(monkeypatch, "measure_load")
    monkeypatch.setattr(ReferenceStation, "on_trigger_message", lambda self, request: {"status": "Rejected"})
    await ask(station, csms, spec, profile, 0.5)


@case("NOT_HUNGRY_CS", "The EV wants less than the limit", requirements=[TOLD, ENFORCED])
async def test_not_hungry(station, csms, spec, profile):
    async with setpoints(station, csms, spec, profile) as trial:
        ride = await trial.charge()
        await station.set_load(ride.evse, 7000)
        await trial.unlimited(ride)
        await trial.ask("more than it wants", 20)


@case("SAMPLED_OFFLINE_CS", "What flowed offline is told afterwards", requirements=[TOLD, ENFORCED, "K06.FR.01"])
async def test_sampled_offline(monkeypatch, station, csms, network, spec, profile):
    without(monkeypatch, "measure_load")
    allowed, gone = ReferenceStation.allowed_rate, ReferenceStation.disconnected
    def free(self, place):
        return self.hardware_rate(place) if self.is_offline() else allowed(self, place)
    def disconnected(self):
        gone(self)
        self.limits_changed()
    monkeypatch.setattr(ReferenceStation, "allowed_rate", free)
    monkeypatch.setattr(ReferenceStation, "disconnected", disconnected)
    async with setpoints(station, csms, spec, profile) as trial:
        ride = await trial.charge_unlimited()
        await trial.ask("before", trial.amperes(0.3))
        mark, since = csms.now, datetime.now(UTC)
        async with offline(csms, network, profile):
            assert not await trial.shown_offline(ride, ride.evse, "K06.FR.01")
            await passed(csms, trial.sampled_within, "a sample to be taken")
        await trial.kept_offline(ride, "K06.FR.01", since=since, until=datetime.now(UTC), after=mark)


@case("IDLE_16_CS", "What an idle connector reports is open", versions=["1.6"], requirements=[TOLD, ENFORCED])
async def test_idle(monkeypatch, station, csms, spec, profile):
    tell = ReferenceStation16.on_get_composite_schedule
    def only_charging(self, request):
        connector = self.connectors.get(request["connectorId"])
        charging = connector is not None and connector.session.transaction is not None
        return tell(self, request) if charging else {"status": "Rejected"}
    monkeypatch.setattr(ReferenceStation16, "on_get_composite_schedule", only_charging)
    async with setpoints(station, csms, spec, profile) as trial:
        await trial.leave(await trial.charge_unlimited())
        await trial.ask("by default, before anybody charges", trial.amperes(0.3), purpose="TxDefaultProfile")
        await trial.charge()
        await trial.still("when one does")


@case("PUT_BACK_CS", "What was set before is there again", requirements=["ACME-1"])
async def test_put_back(station, csms, spec, profile):
    from conformance.peers.keeper import Keeper
    from conformance.peers.standing_profiles import set_aside
    speak = csms.speak
    when = {"periods": [(0, 13)], "start": "2026-01-01T00:00:00Z"}
    theirs = speak.charging_profile(id=4711, purpose="TxDefaultProfile", **when)
    await speak.set_charging_profile(1, theirs)
    csms.keeper = Keeper(csms)
    async with set_aside(csms):
        gone = await speak.clear_charging_profiles(id=4711)
    back = await speak.clear_charging_profiles(id=4711)
    with spec("ACME-1"):
        assert (gone["status"], back["status"]) == ("Unknown", "Accepted")


@case("BREAKS_OFF_CS", "What was found counts where the case comes to nothing", requirements=[TOLD, ENFORCED])
async def test_breaks_off(blind, forgetful, station, csms, spec, profile):
    async with setpoints(station, csms, spec, profile) as trial:
        await trial.charge_unlimited()
        await trial.ask("ignored", 16)
        assert False, "and then nothing went on"
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """All of them, in one run."""
    folder = tmp_path_factory.mktemp("setpoints")
    own_tests(folder, OWN)
    return run(pytest_command("--ocpp-sut=embedded", "-W", "ignore", "test_own.py"), folder)


def became(done: Done, case_id: str, target: str = "station 2.0.1") -> tuple[str, list[dict[str, Any]]]:
    row = done.case(case_id, target)
    return row["verdict"], row["setpoints"]


@pytest.mark.parametrize("target", ["station 2.0.1", "station 1.6"])
def test_what_can_not_be_measured_is_not_judged(done: Done, target: str) -> None:
    verdict, [asked] = became(done, "BLIND_CS", target)
    assert (verdict, asked["outcome"], asked["drawn"]) == ("INCONCLUSIVE", "not judged", None), done.text
    assert asked["reason"] == "the current could not be measured"
    found = {each["requirement"]: each["verdict"] for each in done.case("BLIND_CS", target)["findings"]}
    assert sorted(found.values()) == ["INCONCLUSIVE", "PASS"]


def test_the_schedule_alone_shows_that_it_is_ignored(done: Done) -> None:
    verdict, [asked] = became(done, "FORGETFUL_CS")
    assert (verdict, asked["answer"], asked["outcome"]) == ("FAIL", "Accepted", "silently ignored")
    verdict, [asked] = became(done, "SILENT_CS")
    assert (verdict, asked["outcome"], asked["reported"]) == ("FAIL", "silently ignored", None)
    assert asked["reason"] == "GetCompositeSchedule was answered Rejected, without a schedule"


def test_who_refuses_cleanly_does_not_fail(done: Done) -> None:
    verdict, [asked] = became(done, "REFUSES_CS")
    assert (verdict, asked["outcome"], asked["answer"]) == ("PASS", "rejected", "Rejected (NoThanks)"), done.text
    verdict, [asked] = became(done, "NO_REASON_CS")
    assert (verdict, asked["outcome"], asked["answer"]) == ("PASS", "rejected", "Rejected (no reason given)")


def test_who_rounds_the_same_way_each_time_downgrades(done: Done) -> None:
    verdict, [asked] = became(done, "ROUNDS_CS")
    assert (verdict, asked["outcome"]) == ("PASS", "downgraded"), done.text
    assert asked["reported"] < asked["asked"]


def test_the_own_meter_will_do(done: Done) -> None:
    verdict, [asked] = became(done, "OWN_METER_ONLY_CS")
    assert (verdict, asked["outcome"], asked["drawn"]) == ("PASS", "enforced", asked["asked"]), done.text


def test_an_ev_that_wants_less_shows_nothing(done: Done) -> None:
    verdict, [asked] = became(done, "NOT_HUNGRY_CS")
    assert (verdict, asked["outcome"]) == ("INCONCLUSIVE", "not judged")
    assert "nobody can see that it keeps to one" in asked["reason"]


def test_what_flowed_offline_is_judged_by_what_is_told_of_it(done: Done) -> None:
    verdict, [before, cut_off, *_] = became(done, "SAMPLED_OFFLINE_CS")
    assert (verdict, before["outcome"], cut_off["outcome"]) == ("FAIL", "enforced", "silently ignored"), done.text
    assert not cut_off["known"]


def test_what_an_idle_connector_of_16_reports_is_left_open(done: Done) -> None:
    verdict, [asked] = became(done, "IDLE_16_CS", "station 1.6")
    assert (verdict, asked["outcome"], asked["answer"]) == ("PASS", "enforced", "Accepted"), done.text


def test_what_was_set_before_is_put_back(done: Done) -> None:
    assert done.verdicts("station 2.0.1")["PUT_BACK_CS"] == "PASS", done.text


def test_what_can_not_be_put_back_is_remarked(done: Done) -> None:
    assert done.verdicts("station 1.6")["THEIRS_CS"] == "PASS", done.text
    [note] = [each for each in done.result["notes"] if "were removed" in each]
    assert note.startswith("charging profiles that the charge point had before the run were removed")
    assert "note: charging profiles that the charge point had" in done.out


def test_what_was_missed_before_a_case_broke_off_counts(done: Done) -> None:
    row = done.case("BREAKS_OFF_CS")
    assert row["verdict"] == "FAIL"
    assert "and then nothing went on" in row["reason"]


def test_tables_and_charts_are_shown(done: Done) -> None:
    page = (done.folder / "certificate.html").read_text(encoding="utf-8")
    assert page.count("<svg ") >= len({"station 2.0.1", "station 1.6"})
    assert "Setpoints, station 1.6" in done.out
    pictures = list(Path(done.folder / "allure-results").glob("*.svg"))
    assert pictures
    assert all(each.read_text(encoding="utf-8").startswith("<svg ") for each in pictures)
