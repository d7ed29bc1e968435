"""The scenes, over a station that speaks OCPP 1.6."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from conformance.files import data
from conformance.peers import scenes
from conformance.peers import scenes_v16 as steps
from conformance.peers.csms import CsmsPeer, CsmsServer
from conformance.peers.csms_dialect import STATION
from conformance.peers.peer import Patience
from conformance.peers.received import NotSeen
from conformance.peers.replies import Silence
from conformance.peers.v16 import boot, started
from conformance.reference.station16 import ReferenceStation16, StationConfig16
from conformance.sut.drivers import Context, StationDriver, Unsupported
from conformance.sut.profile import load_profile
from conformance.wire.transcript import Transcript

TOKEN = {"idToken": "TAG1", "type": "ISO14443"}
OTHER = {"idToken": "TAG2", "type": "ISO14443"}
EVERY = frozenset({"power_off", "power_on", "plug_in", "unplug", "present_id_token"})
CONNECTORS = [(1, 1), (1, 2), (2, 1)]
SOON = 1.0
SETTLE = 0.1
REFERENCE = load_profile(data("fixtures/profiles/reference-station.toml")).in_version("1.6")


class Hands:
    """Operates a 1.6 reference station, with only so many actions."""

    trouble = ""

    def __init__(self, able: frozenset[str]) -> None:
        self.able = able
        self.station: ReferenceStation16 | None = None

    def can(self, action: str) -> bool:
        return action in self.able

    async def start(self, context: Context) -> None:
        config = StationConfig16(csms_url=context.csms_url, back_off_minimum=0.1, back_off_spread=0)
        self.station = ReferenceStation16(config)
        await self.station.power_on()

    async def stop(self) -> None:
        if self.station is not None:
            await self.station.power_off()

    async def act(self, action: str, **args: object) -> None:
        if action not in self.able:
            raise Unsupported(action, "not with these hands")
        await getattr(self.station, action)(**args)


@dataclass
class Bench:
    station: StationDriver
    csms: CsmsPeer
    reference: ReferenceStation16

    def transactions(self) -> list[str]:
        running = [place.session.transaction for place in self.reference.connectors.values()]
        return [str(each.id) for each in running if each is not None]


@asynccontextmanager
async def bench(
    able: frozenset[str] = EVERY, *, script: Callable[[CsmsPeer], None] | None = None
) -> AsyncIterator[Bench]:
    server = CsmsServer(
        Transcript(),
        host="127.0.0.1",
        port=0,
        path="/ocpp",
        versions=["1.6"],
        patience=Patience(answer=SOON, default=SOON, actions={"connection": SOON}),
    )
    await server.start()
    csms = server.peer("CS001", connectors=CONNECTORS)
    if script is not None:
        script(csms)
    hands = Hands(able)
    driver = StationDriver(hands, ceiling=5)
    await driver.start(Context(csms_url=server.url, identity="CS001", folder=Path(), note=lambda *_, **__: None))
    try:
        await scenes.first_boot(csms, within=SOON)
        await scenes.all_connectors_reported(csms, [*CONNECTORS, STATION], after=0, within=SOON)
        assert hands.station is not None
        yield Bench(driver, csms, hands.station)
    finally:
        await driver.stop()
        await server.stop()


@pytest.mark.parametrize("place", CONNECTORS)
@pytest.mark.parametrize("able", [EVERY, EVERY - {"present_id_token"}], ids=["card", "remote"])
async def test_a_transaction_runs_and_ends(able: frozenset[str], place: scenes.Connector) -> None:
    async with bench(able) as on:
        session = await scenes.charging(on.station, on.csms, place, TOKEN)
        assert scenes.running(on.csms) == [session.transaction_id]
        await scenes.responsive(on.csms)
        assert on.transactions() == [session.transaction_id]
        assert session.event["connectorId"] == CONNECTORS.index(place) + 1
        event = await scenes.stop_charging(on.station, on.csms, session, TOKEN)
        assert event.action == "StopTransaction"
        assert event["reason"] == ("Local" if "present_id_token" in able else "Remote")
        assert on.station.plugged == set()
        await on.csms.until(lambda: scenes.running(on.csms) == [], "the answer to the stop", within=SOON)
        assert on.transactions() == []


async def test_no_transaction_without_a_plug() -> None:
    async with bench(frozenset()) as on:
        with pytest.raises(NotSeen, match=r"no transaction came to run on connector 3 \(nobody could plug"):
            await scenes.transaction(on.station, on.csms, (2, 1), TOKEN)


async def test_ready_ends_what_a_case_left_behind() -> None:
    async with bench() as on:
        await scenes.charging(on.station, on.csms, (1, 1), TOKEN)
        await scenes.charging(on.station, on.csms, (2, 1), OTHER)
        on.csms.begin()
        await scenes.ready(on.station, on.csms, patience=SOON, settle=SETTLE)
        assert on.transactions() == scenes.running(on.csms) == []
        assert on.station.plugged == set()


async def test_ready_stops_remotely_what_goes_on_without_a_plug() -> None:
    async with bench() as on:
        await scenes.write_setting(on.csms, "StopTransactionOnEVSideDisconnect", "false")
        await scenes.charging(on.station, on.csms, (1, 1), TOKEN)
        mark = on.csms.now
        await scenes.ready(on.station, on.csms, patience=SOON, settle=SETTLE)
        assert on.csms.seen("StopTransaction", after=mark)[0]["reason"] == "Remote"
        assert on.transactions() == []


async def test_a_transaction_that_the_station_lost_is_written_off_once() -> None:
    async with bench(EVERY - {"unplug"}) as on:
        session = await scenes.charging(on.station, on.csms, (1, 1), TOKEN)
        place = on.reference.connectors[1]
        place.session = type(place.session)()
        on.station.plugged.clear()
        await scenes.ready(on.station, on.csms, patience=SOON, settle=SETTLE)
        assert on.csms.written_off == {session.transaction_id}
        asked = on.csms.now
        await scenes.ready(on.station, on.csms, patience=SOON, settle=SETTLE)
        assert on.csms.now == asked


async def test_a_start_that_was_told_twice_is_one_transaction() -> None:
    async with bench() as on:
        await scenes.write_setting(on.csms, "TransactionMessageRetryInterval", "0")
        await scenes.write_setting(on.csms, "MessageTimeout", "1")
        on.csms.answer("StartTransaction", Silence(), started(transaction_id=4711))
        on.csms.patience = Patience(answer=SOON, default=5, actions={})
        session = await scenes.transaction(on.station, on.csms, (1, 1), TOKEN)
        assert scenes.running(on.csms) == [session.transaction_id] == ["4711"]
        assert len(on.csms.seen("StartTransaction")) == 2
        await scenes.stop_charging(on.station, on.csms, session, TOKEN)


@pytest.mark.parametrize("able", [EVERY, EVERY - {"power_on"}], ids=["mains", "reset"])
async def test_reboot(able: frozenset[str]) -> None:
    async with bench(able) as on:
        came = await scenes.reboot(on.station, on.csms)
        assert came.how == ("power cycle" if able == EVERY else "reset")
        vendor, model = on.csms.speak.identity(came.notification)
        assert (vendor, model) == ("Halfmoon Charging", "Tideway 22")
        statuses = await scenes.settled_statuses(
            on.csms, [*CONNECTORS, STATION], after=came.notification, settle=SETTLE
        )
        assert {each.status for each in statuses.values()} == {"Available"}


async def test_ready_waits_for_a_boot_to_be_accepted() -> None:
    async with bench(script=lambda csms: csms.answer("BootNotification", boot("Pending", interval=1))) as on:
        await scenes.ready(on.station, on.csms, patience=3, settle=SETTLE)
        assert on.csms.registration == "Accepted"


async def test_power_up_after_an_outage() -> None:
    async with bench() as on:
        await on.station.power_off()
        await on.csms.disconnected()
        mark = on.csms.now
        await scenes.power_up(on.csms, on.station.power_on, patience=SOON, settle=SETTLE)
        assert on.csms.seen("StatusNotification", after=mark)
        await scenes.responsive(on.csms)
        assert on.csms.link is not None


async def test_a_reset_that_is_never_carried_out_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench() as on:

        async def nothing(_: str) -> None:
            pass

        monkeypatch.setattr(on.reference, "carry_out_reset", nothing)
        assert (await on.csms.speak.reset("idle"))["status"] == "Accepted"
        assert scenes.reset_to_come(on.csms)
        await scenes.ready(on.station, on.csms, patience=SOON, settle=SETTLE)
        assert not scenes.reset_to_come(on.csms)


@pytest.mark.parametrize(
    ("place", "concerned"),
    [(None, [*CONNECTORS, STATION]), (1, [(1, 1), (1, 2)]), ((2, 1), [(2, 1)])],
    ids=["station", "evse", "connector"],
)
async def test_what_is_made_inoperative_is_operative_again(
    place: int | scenes.Connector | None, concerned: list[scenes.Connector]
) -> None:
    async with bench() as on:
        async with scenes.inoperative(on.csms, concerned, place=place):
            came = await scenes.reboot(on.station, on.csms)
            everywhere = [*CONNECTORS, STATION]
            shown = await scenes.settled_statuses(on.csms, everywhere, after=came.notification, settle=SETTLE)
            assert {each for each in everywhere if shown[each].status == "Unavailable"} == set(concerned)
            mark = on.csms.now
        await scenes.connectors_show(on.csms, concerned, "Available", after=mark)
        with pytest.raises(NotSeen, match=r"connector 3: (Available|not reported)"):
            await scenes.connectors_show(on.csms, [(2, 1)], "Preparing", after=mark)


@pytest.mark.parametrize("setting", ["HeartbeatInterval", ("OCPPCommCtrlr", "HeartbeatInterval")])
async def test_settings_are_put_back(setting: str | tuple[str, str]) -> None:
    async with bench() as on:
        before = await on.csms.speak.read(setting)
        async with scenes.configured(on.csms, {setting: "77"}):
            assert await on.csms.speak.read("heartbeatINTERVAL") == "77"
        assert await on.csms.speak.read(setting) == before
        with pytest.raises(AssertionError, match="HeartbeatInterval = soon was answered Rejected"):
            await scenes.write_setting(on.csms, setting, "soon")


async def test_a_setting_that_there_is_not() -> None:
    async with bench() as on:
        with pytest.raises(AssertionError, match="Testing can't be read"):
            await on.csms.speak.read("Testing")
        with pytest.raises(AssertionError, match=r"no key like the variable OCPPCommCtrlr\.OfflineThreshold"):
            await on.csms.speak.read(("OCPPCommCtrlr", "OfflineThreshold"))


async def test_a_trigger_for_one_connector() -> None:
    async with bench() as on:
        mark = on.csms.now
        assert (await on.csms.speak.trigger("StatusNotification", (1, 2)))["status"] == "Accepted"
        await scenes.all_connectors_reported(on.csms, [(1, 2)], after=mark)
        assert [each.connector for each in on.csms.speak.statuses(on.csms.traffic(after=mark))] == [(1, 2)]


def test_a_number_that_nobody_claimed_is_no_connector_of_the_profile() -> None:
    peer = CsmsPeer("CS001", Transcript(), Patience(1, 1, {}), {"1.6": {}}, CONNECTORS)
    assert peer.speak.name((1, 2)) == "connector 2"
    assert peer.speak.name((4, 0)) == "connector 4"
    assert peer.speak.name(STATION) == "the station (connector 0)"


# -- steps of the cases of charging -----------------------------------------------------------------------------------


async def test_a_status_is_told_of_by_its_connector() -> None:
    async with bench() as there:
        mark = there.csms.now
        await there.station.plug_in(1, 2)
        told = await steps.shows(there.csms, (1, 2), "Preparing", after=mark)
        assert told["connectorId"] == 2
        with pytest.raises(NotSeen, match="Charging was not reported for connector 2; reported was nothing"):
            await steps.shows(there.csms, (1, 2), "Charging", after=told, within=SETTLE)


async def test_a_start_that_was_met_with_silence_is_answered_later() -> None:
    async with bench(script=lambda csms: csms.answer("StartTransaction", Silence())) as there:
        await there.station.plug_in(1, 1)
        await there.station.present_id_token(1, "TAG1")
        start = await steps.started(there.csms, (1, 1), after=0)
        there.csms.reply(start, started(transaction_id=4711))
        await there.csms.answered(start, within=SOON)
        await there.csms.speak.question()
        assert there.transactions() == ["4711"]
        link = there.csms.link
        assert link is not None
        link.abort()
        await there.csms.disconnected()
        with pytest.raises(NotSeen, match="there is nobody to answer"):
            there.csms.reply(start)


async def test_what_starts_is_not_overlooked() -> None:
    async with bench() as there:
        mark = there.csms.now
        await steps.nothing_starts(there.csms, after=mark, for_=SETTLE)
        await there.station.plug_in(1, 1)
        await there.station.present_id_token(1, "TAG1")
        with pytest.raises(AssertionError, match="a transaction was started on connector 1 for TAG1"):
            await steps.nothing_starts(there.csms, after=mark, for_=SOON)


async def test_settings_that_are_not_there_are_left_out() -> None:
    async with bench() as there:
        csms = there.csms
        async with steps.set_where_possible(csms, {"MaxEnergyOnInvalidId": "0", "LocalPreAuthorize": "true"}):
            assert await steps.read_flag(csms, "LocalPreAuthorize")
        assert await steps.readable(csms, "LocalPreAuthorize") == "false"
        assert await steps.readable(csms, "MaxEnergyOnInvalidId") is None


async def test_a_break_is_mended() -> None:
    able = EVERY | {"set_fault"}
    async with bench(able) as there:
        async with steps.broken(there.station, (1, 2), steps.LOCK_FAILURE):
            await there.station.plug_in(1, 2)
            mark = there.csms.now
            await there.station.present_id_token(1, "TAG1")
            told = await steps.shows(there.csms, (1, 2), "Faulted", after=mark)
            assert told["errorCode"] == steps.LOCK_FAILURE
            assert there.transactions() == []
        await steps.shows(there.csms, (1, 2), "Preparing", "Available", after=told)


@pytest.mark.parametrize("unknown", [True, False])
async def test_drivers_are_let_in_offline(*, unknown: bool) -> None:
    """By whatever the station claims."""
    claims = {"offline-authorization": True, "offline-unknown-ids": unknown, "authorization-cache": True}
    profile = msgspec.structs.replace(REFERENCE, features=claims)
    async with bench() as there:
        async with steps.let_in_offline(there.csms, profile):
            station = there.reference
            assert station.authorize_offline(profile.parameters.valid_id_token.id_token)["status"] == "Accepted"
            assert bool(station.local_list) is not unknown
        assert not there.reference.local_list


async def test_nobody_is_let_in_offline_by_what_is_not_claimed() -> None:
    profile = msgspec.structs.replace(REFERENCE, features={}, functional_profiles=("Core",))
    async with bench() as there:
        with pytest.raises(AssertionError, match="nothing is claimed"):
            async with steps.let_in_offline(there.csms, profile):
                pass


def test_connectors_are_known_by_their_types() -> None:
    assert steps.socket(REFERENCE) == (1, 2)
    assert steps.cable(REFERENCE) == (1, 1)


async def test_times_are_read() -> None:
    assert steps.moment({"timestamp": "2026-01-02T03:04:05Z"}).year == 2026
    with pytest.raises(AssertionError, match="'yesterday' is no time"):
        steps.moment({"timestamp": "yesterday"})
