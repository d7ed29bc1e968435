"""The transaction scenes over stations that begin and end transactions in different ways, and weaker drivers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from conformance.peers import scenes
from conformance.peers.csms import CsmsPeer, CsmsServer
from conformance.peers.peer import Patience
from conformance.peers.received import NotSeen
from conformance.peers.replies import Silence
from conformance.reference.station import ReferenceStation, StationConfig
from conformance.sut.drivers import Context, StationDriver, Unsupported
from conformance.wire.transcript import Transcript

TOKEN = {"idToken": "TAG1", "type": "ISO14443"}
EVERY = frozenset({"power_off", "power_on", "plug_in", "unplug", "present_id_token"})
PLACE = (1, 1)
SOON = 1.0


class Hands:
    """Operates a reference station, with only so many actions; an operator says "can't do" only when asked."""

    trouble = ""

    def __init__(self, able: frozenset[str], *, admits: bool) -> None:
        self.able, self.admits = able, admits
        self.station: ReferenceStation | None = None
        self.variables: dict[str, str] = {}

    def can(self, action: str) -> bool:
        return action in (self.able if self.admits else EVERY)

    async def start(self, context: Context) -> None:
        self.station = ReferenceStation(StationConfig(csms_url=context.csms_url, variables=self.variables))
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
    reference: ReferenceStation

    def transactions(self) -> list[str]:
        running = [place.session.transaction for place in self.reference.evses.values()]
        return [each.id for each in running if each is not None]


@asynccontextmanager
async def bench(
    able: frozenset[str] = EVERY, *, admits: bool = True, start: str = "EVConnected", stop: str = "EVConnected"
) -> AsyncIterator[Bench]:
    server = CsmsServer(
        Transcript(),
        host="127.0.0.1",
        port=0,
        path="/ocpp",
        versions=["2.0.1"],
        patience=Patience(answer=SOON, default=SOON, actions={"connection": SOON}),
    )
    await server.start()
    csms = server.peer("CS001")
    hands = Hands(able, admits=admits)
    hands.variables = {"TxCtrlr.TxStartPoint": start, "TxCtrlr.TxStopPoint": stop}
    driver = StationDriver(hands, ceiling=5)
    await driver.start(Context(csms_url=server.url, identity="CS001", folder=Path(), note=lambda *_, **__: None))
    try:
        await scenes.first_boot(csms, within=SOON)
        await scenes.all_connectors_reported(csms, [(1, 1), (1, 2), (2, 1)], after=0, within=SOON)
        assert hands.station is not None
        yield Bench(driver, csms, hands.station)
    finally:
        await driver.stop()
        await server.stop()


POINTS = ("EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer", "EVConnected,Authorized")


@pytest.mark.parametrize("start", POINTS)
@pytest.mark.parametrize("stop", POINTS)
@pytest.mark.parametrize("able", [EVERY, EVERY - {"present_id_token"}], ids=["card", "remote"])
async def test_a_transaction_runs_and_ends(able: frozenset[str], start: str, stop: str) -> None:
    async with bench(able, start=start, stop=stop) as on:
        session = await scenes.charging(on.station, on.csms, PLACE, TOKEN)
        assert on.transactions() == [session.transaction_id]
        assert on.station.plugged == {PLACE}
        event = await scenes.stop_charging(on.station, on.csms, session, TOKEN)
        assert event["eventType"] == "Ended"
        assert on.transactions() == []
        assert on.station.plugged == set()
        assert scenes.running(on.csms) == []


@pytest.mark.parametrize("admits", [True, False], ids=["cannot", "asked-and-cannot"])
async def test_hands_that_can_do_nothing_start_remotely(*, admits: bool) -> None:
    async with bench(frozenset(), admits=admits, start="Authorized", stop="Authorized") as on:
        session = await scenes.transaction(on.station, on.csms, PLACE, TOKEN)
        assert on.transactions() == [session.transaction_id]
        with pytest.raises(NotSeen, match="nobody could plug an EV in"):
            await scenes.charging(on.station, on.csms, (2, 1), TOKEN | {"idToken": "TAG2"})
        await scenes.ready(on.station, on.csms, patience=SOON, settle=SOON)
        assert on.transactions() == []


async def test_no_transaction_without_a_plug_where_it_starts_with_one() -> None:
    async with bench(frozenset(), start="EVConnected") as on:
        with pytest.raises(NotSeen, match=r"no transaction came to run on EVSE 1 connector 1 \(nobody could plug"):
            await scenes.transaction(on.station, on.csms, PLACE, TOKEN)


@pytest.mark.parametrize("stop", POINTS)
async def test_ready_ends_what_a_case_left_behind(stop: str) -> None:
    async with bench(stop=stop) as on:
        await scenes.charging(on.station, on.csms, PLACE, TOKEN)
        await scenes.charging(on.station, on.csms, (2, 1), TOKEN | {"idToken": "TAG2"})
        on.csms.begin()
        await scenes.ready(on.station, on.csms, patience=SOON, settle=SOON)
        assert on.transactions() == []
        assert on.station.plugged == set()


async def test_ready_stops_remotely_what_goes_on_without_a_plug() -> None:
    async with bench(start="Authorized", stop="Authorized") as on:
        on.reference.model.find(on_tx(), "StopTxOnEVSideDisconnect").value = "false"
        await scenes.charging(on.station, on.csms, PLACE, TOKEN)
        await scenes.ready(on.station, on.csms, patience=SOON, settle=SOON)
        assert on.transactions() == []


def on_tx():
    from conformance.reference.station.device_model import Component

    return Component("TxCtrlr")


async def test_a_transaction_that_the_station_lost_is_written_off_once() -> None:
    async with bench(EVERY - {"unplug"}) as on:
        session = await scenes.charging(on.station, on.csms, PLACE, TOKEN)
        place = on.reference.evses[1]
        place.session = type(place.session)()
        on.station.plugged.clear()
        await scenes.ready(on.station, on.csms, patience=SOON, settle=SOON)
        assert on.csms.written_off == {session.transaction_id}
        asked = on.csms.now
        await scenes.ready(on.station, on.csms, patience=SOON, settle=SOON)
        assert on.csms.now == asked


async def test_ready_sits_out_a_reset_that_waited_for_the_transaction() -> None:
    async with bench(stop="EVConnected") as on:
        await scenes.charging(on.station, on.csms, PLACE, TOKEN)
        answer = await on.csms.call("Reset", {"type": "OnIdle"})
        assert answer["status"] == "Scheduled"
        assert scenes.reset_to_come(on.csms)
        await scenes.ready(on.station, on.csms, patience=SOON, settle=SOON)
        assert on.csms.seen("BootNotification", after=answer)
        assert not scenes.reset_to_come(on.csms)
        assert on.csms.link is not None


async def test_a_reset_of_an_evse_is_no_reset_to_come() -> None:
    async with bench() as on:
        assert (await on.csms.call("Reset", {"type": "Immediate", "evseId": 1}))["status"] == "Accepted"
        assert not scenes.reset_to_come(on.csms)


async def test_the_station_may_be_left_as_it_is_when_it_is_gone() -> None:
    async with bench() as on:
        async with scenes.vacated(on.station, on.csms):
            await scenes.charging(on.station, on.csms, PLACE, TOKEN)
            await on.station.power_off()
            await on.csms.disconnected()
        assert on.csms.written_off == set()


async def test_an_answer_may_choose_to_be_silent() -> None:
    async with bench() as on:
        on.csms.keep_answering("Heartbeat", lambda _: Silence())
        await on.csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
        beat = await on.csms.expect("Heartbeat")
        with pytest.raises(NotSeen):
            await on.csms.answered(beat, within=0.1)


async def test_what_is_made_inoperative_is_operative_again() -> None:
    async with bench() as on:
        async with scenes.inoperative(on.csms, [(1, 1), (1, 2)], place=1):
            mark = on.csms.now
            await on.csms.call("Reset", {"type": "Immediate"})
            boot = await on.csms.expect("BootNotification", after=mark)
            statuses = await scenes.settled_statuses(on.csms, [(1, 1), (1, 2), (2, 1)], after=boot, settle=0.1)
            assert {place: each.status for place, each in statuses.items()} == {
                (1, 1): "Unavailable",
                (1, 2): "Unavailable",
                (2, 1): "Available",
            }
            mark = on.csms.now
        await scenes.connectors_show(on.csms, [(1, 1), (1, 2)], "Available", after=mark)
        with pytest.raises(NotSeen, match=r"EVSE 1 connector 1: Available"):
            async with asyncio.timeout(3):
                await scenes.connectors_show(on.csms, [(1, 1)], "Occupied", after=mark)
