"""Steps of cases about a CSMS: on the reference CSMS, and on a driver that does as it is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.peers import csms_scenes as scenes
from conformance.peers import v201
from conformance.peers.csms_boot import rebooted
from conformance.peers.peer import Patience
from conformance.peers.received import NotSeen, Refused
from conformance.peers.replies import Error, Silence
from conformance.peers.station import StationPeer
from conformance.reference.csms import CsmsConfig, ReferenceCsms, StationSetup
from conformance.sut.drivers import DriverFailed, Unsupported
from conformance.sut.profile import load_profile, resolve
from conformance.wire.transcript import Transcript

SOON = 3.0
PROFILE = load_profile(resolve("reference-csms"))
OFFLINE = v201.variable("OCPPCommCtrlr", "OfflineThreshold")


class Hands:
    """What a case has of a driver: it has the reference CSMS do what it is asked to, unless it is to fail."""

    def __init__(self, csms: ReferenceCsms) -> None:
        self.csms = csms
        self.error: Exception | None = None
        self.sends = True

    async def command(self, action: str, payload: Any, *, identity: str) -> None:
        if self.sends:
            await self.csms.command(identity, action, dict(payload)).done.wait()
        if self.error is not None:
            raise self.error

    async def add_token(self, id_token: str, type_: str) -> None:
        self.csms.set_token(id_token)


@asynccontextmanager
async def on(version: str) -> AsyncIterator[SimpleNamespace]:
    csms = ReferenceCsms(CsmsConfig(stations={"CS001": StationSetup()}, call_timeout=SOON))
    await csms.start()
    patience = Patience(answer=SOON, default=SOON, actions={"connection": SOON})
    station = StationPeer("CS001", Transcript(), patience, url=csms.url, versions=[version], back_off=0.01)
    try:
        await station.bring_up()
        station.begin()
        profile = PROFILE.in_version(version)
        yield SimpleNamespace(csms=csms, hands=Hands(csms), station=station, profile=profile)
        wrong = [each for each in station.transcript.entries if each.sender == "harness" and each.problems]
        assert not wrong, [(str(each), each.problems) for each in wrong]
    finally:
        await station.close()
        await csms.stop()


async def have(end: SimpleNamespace, command: scenes.Command, **options: Any) -> Any:
    return await scenes.commanded(end.hands, end.station, end.profile, command, **options)


@pytest.mark.parametrize("version", ["2.0.1", "1.6"])
async def test_every_command_comes_and_fits(version: str) -> None:
    async with on(version) as end:
        station = end.station
        wanted = [*scenes.reads(station), *scenes.writes(station)]
        wanted += [scenes.trigger(station, each, evse=1) for each in scenes.claimed_triggers(station, end.profile)]
        if version == "2.0.1":
            wanted += [scenes.base_report("SummaryInventory"), scenes.reset(station, "OnIdle", evse=2)]
            wanted += [scenes.custom_report(v201.variable("EVSE", "AvailabilityState", evse=1), criteria=["Problem"])]
        else:
            wanted += [scenes.get_configuration(), scenes.change_configuration("ConnectionTimeOut", "99")]
        for command in wanted:
            assert (await have(end, command)).action == command.action == str(command)
        others = [each for each in wanted if each is not wanted[0]]
        assert not any(
            each.fits(wanted[0].payload) for each in others if each.action == wanted[0].action and each.payload
        )


@pytest.mark.parametrize("version", ["2.0.1", "1.6"])
async def test_commands_are_told_from_others(version: str) -> None:
    async with on(version) as end:
        idle, now = (scenes.reset(end.station, each) for each in ("OnIdle", "Immediate"))
        assert idle.fits(idle.payload)
        assert not idle.fits(now.payload)
        assert not idle.fits({**idle.payload, "evseId": 1})
    read = scenes.get_variables(OFFLINE)
    assert read.fits({"getVariableData": [{**OFFLINE, "attributeType": "Actual"}]})
    assert read.fits({"getVariableData": [v201.variable("ocppcommctrlr", "OFFLINETHRESHOLD")]})
    assert not read.fits({"getVariableData": [{**OFFLINE, "attributeType": "Target"}]})
    report = scenes.custom_report(OFFLINE, criteria=["Active", "Problem"])
    assert report.fits({"componentCriteria": ["Problem", "Active"], "componentVariable": [OFFLINE]})
    assert not report.fits({"componentCriteria": ["Problem"], "componentVariable": [OFFLINE]})
    assert scenes.get_configuration().fits({"key": []})
    assert not scenes.get_configuration("A").fits({})
    assert scenes.get_configuration("A").fits({"key": ["b", "a"]})


@pytest.mark.parametrize("version", ["2.0.1", "1.6"])
async def test_transactions_are_asked_for_by_token_place_and_id(version: str) -> None:
    async with on(version) as end:
        station, token = end.station, PROFILE.parameters.valid_id_token
        end.hands.csms.set_token(token.id_token)
        here, there = station.equipment.evses
        start, elsewhere = (scenes.remote_start(station, token.payload, each) for each in (here, there))
        assert start.fits(start.payload)
        assert not start.fits(elsewhere.payload)
        assert scenes.remote_start(station, token.payload).fits(start.payload)
        assert not start.fits(scenes.remote_start(station, token.payload).payload)
        running = await scenes.charging(end.hands, station, end.profile, here)
        stop, lock = scenes.remote_stop(station, running), scenes.unlock(station, there)
        assert not scenes.unlock(station, here).fits(lock.payload)
        for command in (elsewhere, lock, stop):
            assert (await have(end, command)).action == command.action


async def test_one_transaction_is_asked_about_or_all() -> None:
    async with on("2.0.1") as end:
        running = await scenes.charging(end.hands, end.station, end.profile, end.station.equipment.evses[0])
        one, everything = scenes.transaction_status(running), scenes.transaction_status()
        assert not one.fits(everything.payload)
        assert not everything.fits(one.payload)
        for command in (one, everything):
            await have(end, command)


async def test_a_driver_that_fails_after_the_call_has_come_is_forgiven() -> None:
    async with on("2.0.1") as end:
        end.hands.error = DriverFailed("command", "the station refused")
        await have(end, scenes.get_variables(OFFLINE))
        end.hands.sends = False
        with pytest.raises(DriverFailed):
            await have(end, scenes.get_variables(OFFLINE))
        end.hands.error = Unsupported("command", "no button")
        with pytest.raises(Unsupported):
            await have(end, scenes.get_variables(OFFLINE))
        end.hands.error = None
        with pytest.raises(NotSeen):
            await have(end, scenes.get_variables(OFFLINE), within=0.01)


def test_answers_are_for_what_fits() -> None:
    command = scenes.base_report("FullInventory")
    answer = scenes.accepting(command, {"status": "Accepted"}, otherwise={"status": "Rejected"})
    full = {"reportBase": "FullInventory", "requestId": 1}
    assert [answer(full), answer(full)] == [{"status": "Accepted"}, {"status": "Rejected"}]
    assert answer({"reportBase": "SummaryInventory"}) is scenes.DEFAULT
    assert answer({}) is scenes.DEFAULT
    others = scenes.accepting(command, others=Error("InternalError"))
    assert others({"reportBase": 7}) == Error("InternalError")
    assert others(full) is scenes.DEFAULT


@pytest.mark.parametrize("version", ["2.0.1", "1.6"])
async def test_odd_answers_are_valid_and_all_taken(version: str) -> None:
    async with on(version) as end:
        odd = scenes.odd_answers(end.station)
        assert len(odd) > 10
        for each in odd:
            end.station.keep_answering(each.command.action, scenes.accepting(each.command, each.answer))
            await have(end, each.command)
        await end.station.heartbeat()


@pytest.mark.parametrize("version", ["2.0.1", "1.6"])
async def test_a_reboot_amid_a_transaction(version: str) -> None:
    async with on(version) as end:
        station, evse = end.station, end.station.equipment.evses[0]
        running = await scenes.charging(end.hands, station, end.profile, evse)
        assert running.charging_state == "Charging"
        station.equipment.end(running)
        await rebooted(station, end.profile, "PowerUp", how="reset")
        mark = station.now
        await station.report_all_connectors()
        await station.stop(running, "power loss")
        action = "StopTransaction" if version == "1.6" else "TransactionEvent"
        assert (await station.told(action, after=mark)).entry.n > mark
        assert end.csms.stations["CS001"].view()["transactions"][0]["stoppedReason"] == "PowerLoss"
        end.csms.provision("CS001", StationSetup(policy=("reject",), interval=1))
        with pytest.raises(AssertionError, match="answered Rejected"):
            await rebooted(station, end.profile, "PowerUp")


async def test_the_driver_stops_and_leaves() -> None:
    async with on("2.0.1") as end:
        station, evse = end.station, end.station.equipment.evses[0]
        running = await scenes.charging(end.hands, station, end.profile, evse)
        token = end.profile.parameters.valid_id_token.payload
        answer = await scenes.station_201(station).stop_energy(station.call, running, token)
        assert answer["idTokenInfo"]["status"] == "Accepted"
        assert evse.meter.watts == 0
        await station.unplug(evse.id, running.connector)
        assert running.ended
        with pytest.raises(AssertionError, match=r"not one of OCPP 1\.6"):
            scenes.station_16(station)
    async with on("1.6") as end:
        assert scenes.station_16(end.station).keys["NumberOfConnectors"].value == "2"
        with pytest.raises(AssertionError, match=r"not one of OCPP 2\.0\.1"):
            scenes.station_201(end.station)


async def test_an_answer_given_at_last() -> None:
    async with on("2.0.1") as end:
        station = end.station
        station.answer("GetVariables", Silence())
        going = asyncio.create_task(have(end, scenes.get_variables(OFFLINE)))
        call = await station.expect("GetVariables", where=lambda _: True)
        assert station.answered_with(call) == {}
        station.answer_at_last(call)
        assert station.answered_with(call)["getVariableResult"][0]["attributeValue"] == "300"
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)
        await station.disconnect()
        station.answer_at_last(call)


async def test_what_the_station_said_by_itself_and_how_it_was_answered() -> None:
    async with on("2.0.1") as end:
        mark = end.station.now
        end.station.later(say(end.station, "Heartbeat", {}))
        assert (await end.station.told("Heartbeat", after=mark))["currentTime"]
        end.station.later(say(end.station, "DataTransfer", {"vendorId": "a"}))
        end.station.later(say(end.station, "DataTransfer", {"vendorId": "b"}))
        await end.station.told("DataTransfer", after=mark, where=lambda sent: sent["vendorId"] == "b")
        with pytest.raises(NotSeen):
            await end.station.told("Authorize", after=mark, within=0)
        exi = {"iso15118SchemaVersion": "urn:iso:15118:2", "action": "Install", "exiRequest": "-"}
        end.station.later(say(end.station, "Get15118EVCertificate", exi))
        with pytest.raises(Refused, match="NotSupported"):
            await end.station.told("Get15118EVCertificate", after=mark)


def say(station: StationPeer, action: str, payload: dict) -> Callable[[], Any]:
    return lambda: station.say(action, payload)
