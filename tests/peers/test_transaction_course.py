"""The steps of a transaction over reference stations that can less, let less be set, or tell something else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.cases.case import Case
from conformance.cases.catalogue import catalogue
from conformance.cases.spec import CaseOver, Spec
from conformance.cases.verdict import Verdict
from conformance.peers import transaction_scenes as steps
from conformance.peers.csms import CsmsServer
from conformance.peers.peer import Patience
from conformance.peers.received import NotSeen
from conformance.peers.replies import Error, Held
from conformance.peers.scenes import all_connectors_reported, charging, first_boot
from conformance.reference.station import ReferenceStation, StationConfig
from conformance.sut.drivers import Context, DriverFailed, StationDriver, Unsupported
from conformance.sut.profile import load_profile, resolve
from conformance.wire.faults import Network
from conformance.wire.transcript import Transcript

TOKEN = {"idToken": "TAG1", "type": "ISO14443"}
EVERY = frozenset(
    {"plug_in", "unplug", "disconnect_ev", "present_id_token", "ev_ready", "ev_suspend", "ev_arrive", "ev_depart"}
)
PLACE, SOCKET = (1, 1), (1, 2)
SOON = 1.0
PROFILE = load_profile(resolve("reference-station")).in_version("2.0.1")
START = ("TxCtrlr", "TxStartPoint")


class Stubborn(ReferenceStation):
    """Answers each SetVariables as it is told to."""

    status = "Accepted"

    def write_attribute(self, item: dict[str, Any], attribute_type: str) -> Any:
        """Say that, and keep the value where that is a yes."""
        if self.status != "Rejected":
            super().write_attribute(item, attribute_type)
        return self.status, None


class Hands:
    """Operates a station with only so many actions; asked for others, it may find out only then."""

    trouble = ""

    def __init__(self, able: frozenset[str], *, admits: bool, made: type[ReferenceStation]) -> None:
        self.able, self.admits, self.made = able, admits, made
        self.station: ReferenceStation | None = None

    def can(self, action: str) -> bool:
        return action in (self.able if self.admits else EVERY)

    async def start(self, context: Context) -> None:
        self.station = self.made(StationConfig(csms_url=context.csms_url))
        await self.station.power_on()

    async def stop(self) -> None:
        if self.station is not None:
            await self.station.power_off()

    async def act(self, action: str, **args: object) -> None:
        if action not in self.able:
            raise Unsupported(action, "not with these hands")
        try:
            await getattr(self.station, action)(**args)
        except ValueError as error:
            raise DriverFailed(action, str(error)) from None


@asynccontextmanager
async def bench(
    able: frozenset[str] = EVERY, *, admits: bool = True, made: type[ReferenceStation] = ReferenceStation
) -> AsyncIterator[SimpleNamespace]:
    patience = Patience(answer=SOON, default=SOON, actions={"connection": 5, "BootNotification": 5})
    server = CsmsServer(Transcript(), host="127.0.0.1", port=0, path="/ocpp", versions=["2.0.1"], patience=patience)
    await server.start()
    csms = server.peer("CS001")
    hands = Hands(able, admits=admits, made=made)
    station = StationDriver(hands, ceiling=5)
    await station.start(Context(csms_url=server.url, identity="CS001", folder=Path(), note=lambda *_, **__: None))
    try:
        await first_boot(csms, within=SOON)
        await all_connectors_reported(csms, PROFILE.connectors, after=0, within=SOON)
        yield SimpleNamespace(station=station, csms=csms, reference=hands.station, network=Network(server.listener))
    finally:
        await station.stop()
        await server.stop()


def judged(requirement: str) -> Spec:
    return Spec(Case("X_CS", "x", requirements=(requirement,)), catalogue("2.0.1"))


# -- settings ---------------------------------------------------------------------------------------------------------


async def test_points_are_set_and_put_back() -> None:
    async with bench() as on:
        before = await steps.points(on.csms, "TxStartPoint")
        async with steps.start_points(on.station, on.csms, "EnergyTransfer"):
            assert await steps.points(on.csms, "TxStartPoint") == {"EnergyTransfer"}
            async with steps.start_points(on.station, on.csms, "EnergyTransfer"):
                pass
            assert await steps.points(on.csms, "TxStartPoint") == {"EnergyTransfer"}
        assert await steps.points(on.csms, "TxStartPoint") == before


async def test_points_that_need_a_reboot() -> None:
    class Slow(Stubborn):
        status = "RebootRequired"

    async with bench(made=Slow) as on:
        async with steps.stop_points(on.station, on.csms, "EVConnected"):
            assert len(on.csms.seen("BootNotification")) == 2
        assert len(on.csms.seen("BootNotification")) == 3


async def test_points_that_cannot_be_set() -> None:
    class Fixed(Stubborn):
        status = "Rejected"

    async with bench(made=Fixed) as on:
        async with steps.start_points(on.station, on.csms, "Authorized"):
            assert await steps.points(on.csms, "TxStartPoint") == {"EVConnected", "Authorized"}
        with pytest.raises(AssertionError, match="TxStartPoint = EnergyTransfer was answered Rejected"):
            async with steps.start_points(on.station, on.csms, "EnergyTransfer"):
                pass
        async with steps.as_far_as_possible(on.csms, {START: "Authorized", ("TxCtrlr", "Nonsense"): "1"}):
            assert await on.csms.speak.read(START) == "EVConnected,Authorized"
        async with steps.time_for_the_plug(on.csms) as seconds:
            assert seconds == 60
        async with steps.retries(on.csms, attempts=2, interval=1, silent=True) as found:
            assert found == steps.Retries(3, 5, 2)


async def test_times_are_set_and_put_back() -> None:
    async with bench() as on:
        async with steps.time_for_the_plug(on.csms) as seconds:
            assert seconds == 1
        assert await on.csms.speak.read(("TxCtrlr", "EVConnectionTimeOut")) == "60"
        async with steps.retries(on.csms, attempts=2, interval=1, silent=False) as found:
            assert found == steps.Retries(2, 1, 0)
            assert (found.pause(2), found.longest(), found.until_next()) == (2, 1, 0)
        async with steps.retries(on.csms, attempts=3, interval=5, silent=True) as found:
            assert found == steps.Retries(3, 5, 2)
        async with steps.sampled(on.station, on.csms, PROFILE) as seconds:
            assert seconds == 0


async def test_readings_stand_in_for_an_ev_that_nobody_can_pause() -> None:
    async with bench(EVERY - {"ev_suspend"}) as on, steps.sampled(on.station, on.csms, PROFILE) as seconds:
        assert seconds == 2
        await steps.something_happens(on.station, on.csms, PLACE, 0.01)
        await steps.something_happens(on.station, on.csms, PLACE, seconds, wait=False)


# -- driver and EV ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("able", "admits", "how"),
    [
        (EVERY, True, "local"),
        (EVERY - {"present_id_token"}, True, "remote"),
        (EVERY - {"present_id_token"}, False, "remote"),
    ],
)
async def test_a_driver_comes_and_goes(able: frozenset[str], how: str, *, admits: bool) -> None:
    async with bench(able, admits=admits) as on:
        course = steps.Course(on.csms, PLACE)
        assert await steps.authorize(on.station, on.csms, PLACE, TOKEN) == how
        started = await course.started()
        steps.check_token(started, TOKEN | {"idToken": "tag1"})
        await on.station.plug_in(*PLACE)
        event = await course.shows("Charging")
        steps.check_place(event, PLACE)
        session = steps.Charging(PLACE, steps.transaction_id(event), event)
        assert await steps.let_go(on.station, on.csms, session, TOKEN) == how
        ended = await course.ended()
        steps.check_trigger(ended, "StopAuthorized", "RemoteStop")
        steps.check_reason(ended, "Local", "Remote")
        steps.check_state(ended, "EVConnected")
        await course.none("another start", lambda event: steps.kind(event) == "Started", for_=0.05, after=ended)


async def test_numbers_are_not_used_twice() -> None:
    assert steps.remote_number() != steps.remote_number()


async def test_what_is_not_told() -> None:
    async with bench() as on:
        course = steps.Course(on.csms, PLACE)
        with pytest.raises(NotSeen, match=r"the start of a transaction did not come within 1 s; told was: nothing"):
            await course.started()
        await on.station.plug_in(2, 1)
        await steps.Course(on.csms, (2, 1)).event("anything", lambda _: True, after=0)
        assert course.events() == []
        await on.station.plug_in(*PLACE)
        started = await course.started()
        with pytest.raises(
            NotSeen, match=r"an event for Trigger did not .* told was: Started CablePluggedIn EVConnected"
        ):
            await course.triggered("Trigger")
        with pytest.raises(AssertionError, match="a start was not due, and the station told: Started CablePluggedIn"):
            await course.none("a start", lambda event: steps.kind(event) == "Started", for_=0.05)
        with pytest.raises(NotSeen, match="an event with the idToken"):
            await course.authorized(after=started)
        with pytest.raises(AssertionError, match="expected the triggerReason Authorized or RemoteStart in Started"):
            steps.check_trigger(started, "Authorized", "RemoteStart")
        with pytest.raises(AssertionError, match=r"expected the chargingState Idle .* got EVConnected"):
            steps.check_state(started, "Idle")
        with pytest.raises(AssertionError, match=r"expected the stoppedReason Local .* got none"):
            steps.check_reason(started, "Local")
        steps.check_reason(started, "Local", may_be_left_out=True)
        with pytest.raises(AssertionError, match=r"expected EVSE 2 connector 1 .* got EVSE 1 connector 1"):
            steps.check_place(started, (2, 1))
        with pytest.raises(AssertionError, match="has no `idToken`"):
            steps.check_token(started, TOKEN)


async def test_a_cable_that_an_ev_left() -> None:
    async with bench() as on:
        assert (steps.fixed(PROFILE), steps.detachable(PROFILE)) == (PLACE, SOCKET)
        async with steps.as_far_as_possible(on.csms, {("OCPPCommCtrlr", "UnlockOnEVSideDisconnect"): "false"}):
            for connector, locked in ((PLACE, False), (SOCKET, True)):
                await charging(on.station, on.csms, connector, TOKEN)
                await steps.disconnect_ev(on.station, PROFILE, connector)
                assert await steps.comes_out(on.station, connector) is not locked
        on.csms.begin()
        await steps.present(on.station, SOCKET, TOKEN)
        with pytest.raises(NotSeen):  # the card only unlocks
            await steps.Course(on.csms, SOCKET).event("anything", lambda _: True, within=0.1)
        assert await steps.comes_out(on.station, SOCKET)
        async with steps.driven_out(on.station, PLACE):
            await on.station.ev_arrive(1)
        assert not on.reference.evses[1].bay_occupied


async def test_offline_means_that_the_station_knows_it() -> None:
    async with bench() as on:
        async with steps.offline(on.csms, on.network, PROFILE):
            assert on.reference.link is None
        assert on.csms.link is not None


# -- what is judged ---------------------------------------------------------------------------------------------------


async def test_a_card_is_shown_to_the_csms() -> None:
    async with bench() as on:
        course = steps.Course(on.csms, PLACE)
        await steps.present(on.station, PLACE, TOKEN)
        started = await course.started()
        for since, verdict in ((course.since, Verdict.PASS), (started.n, Verdict.FAIL)):
            spec = judged("C01.FR.02")
            await steps.judge_card_shown(on.csms, spec, PROFILE, TOKEN, after=since, before=started)
            assert [each.verdict for each in spec.findings] == [verdict]


@pytest.mark.parametrize("early", [True, False])
async def test_a_plug_that_does_not_come(*, early: bool) -> None:
    async with bench() as on, steps.start_points(on.station, on.csms, "Authorized" if early else "EVConnected"):
        spec, course = judged("E03.FR.05"), steps.Course(on.csms, PLACE)
        async with steps.time_for_the_plug(on.csms) as seconds:
            await steps.authorize(on.station, on.csms, PLACE, TOKEN)
            within = seconds + PROFILE.timing.answer
            event = await steps.judge_plug_timeout(on.csms, spec, PROFILE, course, within=within)
        assert (event is not None) is early
        assert [each.verdict for each in spec.findings] == [Verdict.PASS if early else Verdict.NOT_APPLICABLE]


async def test_a_plug_that_is_waited_for_without_end() -> None:
    async with bench() as on:
        spec, course = judged("E03.FR.05"), steps.Course(on.csms, PLACE)
        with pytest.raises(CaseOver):
            await steps.judge_plug_timeout(on.csms, spec, PROFILE, course, within=0.05)


# -- answers ----------------------------------------------------------------------------------------------------------


async def test_an_event_that_is_not_accepted() -> None:
    async with bench() as on, steps.retries(on.csms, attempts=2, interval=1, silent=False):
        session = await charging(on.station, on.csms, PLACE, TOKEN)
        unaccepted = steps.Unaccepted(on.csms, session, Error("InternalError"), times=1)
        on.csms.keep_answering(steps.EVENT, unaccepted)
        await on.station.plug_in(2, 1)  # the event of another transaction is accepted
        await steps.something_happens(on.station, on.csms, PLACE, 0)
        await unaccepted.came(2, within=3)
        await unaccepted.followed(within=SOON)
        assert len(unaccepted.attempts) == 2
        assert [round(each) for each in unaccepted.pauses()] == [1]


async def test_an_answer_that_is_held_back() -> None:
    async with bench() as on:
        gate = asyncio.Event()
        on.csms.keep_answering(steps.EVENT, Held(gate))
        await on.station.plug_in(*PLACE)
        event = await steps.Course(on.csms, PLACE).event("the start", lambda _: True, after=0)
        with pytest.raises(NotSeen):
            await on.csms.answered(event, within=0.05)
        gate.set()
        await on.csms.answered(event, within=SOON)
