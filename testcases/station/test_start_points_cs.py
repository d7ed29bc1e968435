"""Use case E01: each start point opens a transaction when it is reached, and not before."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms import CsmsPeer
from conformance.peers.received import Received
from conformance.peers.scenes import vacated
from conformance.peers.transaction_scenes import (
    ASK_THE_CSMS,
    CONNECTED,
    Course,
    as_far_as_possible,
    authorize,
    check_place,
    check_state,
    check_token,
    check_trigger,
    driven_out,
    in_words,
    judge_card_shown,
    kind,
    present,
    remote_number,
    somebody_plugs_in,
    start_points,
)
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile

BY_PLUG = ("CablePluggedIn", "ChargingStateChanged", "Authorized", "RemoteStart")
"""What may have opened a transaction that a plug completes: the reasons overlap (E02.FR.17, E02.FR.20, F02.FR.21)."""


@case(
    "TC_E_09_CS",
    "Start point EVConnected: the plug opens the transaction, the driver is told later",
    requirements=["E01.FR.02", "E01.FR.10", "E01.FR.15", "E01.FR.16", "E01.FR.18"],
    severity=Severity.CRITICAL,
    needs="start-point-ev-connected and (configurable-start-point or not start-point-parking-bay-occupancy)",
)
async def test_ev_connected(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Plug in, authorize, and charge."""
    token = profile.parameters.valid_id_token.payload
    async with _course(station, csms, profile, "EVConnected") as course:
        await station.plug_in(*course.connector)
        with spec.must("E01.FR.02"):
            started = await course.started()
        with spec("E01.FR.15"):
            check_trigger(started, "CablePluggedIn", "ChargingStateChanged")
        with spec("E01.FR.16"):
            check_place(started, course.connector)
        with spec("E01.FR.18"):
            check_state(started, "EVConnected")
        how = await authorize(station, csms, course.connector, token)
        with spec.must("E01.FR.10"):
            authorized = await course.authorized(after=started)
            check_token(authorized, token)
        with spec("E01.FR.15"):
            check_trigger(authorized, "Authorized" if how == "local" else "RemoteStart")
        with spec("E01.FR.18"):
            await course.shows("Charging", after=started)


@case(
    "TC_E_10_CS",
    "Start point Authorized, with a card: the driver opens the transaction, the plug is told later",
    requirements=["E01.FR.03", "E01.FR.10", "E01.FR.15", "E01.FR.16", "E01.FR.18", "C01.FR.02"],
    severity=Severity.CRITICAL,
    needs="start-point-authorized and (C-30 - C-35 or ISO 15118 support)",
)
async def test_authorized_local(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Present the card, plug in, and charge."""
    token = profile.parameters.valid_id_token.payload
    async with as_far_as_possible(csms, ASK_THE_CSMS), _course(station, csms, profile, "Authorized") as course:
        await present(station, course.connector, token)
        with spec.must("E01.FR.03"):
            started = await course.started()
        await judge_card_shown(csms, spec, profile, token, after=course.since, before=started)
        with spec("E01.FR.15"):
            check_trigger(started, "Authorized")
        with spec("E01.FR.10"):
            check_token(await course.authorized(), token)
        mark = csms.now
        await station.plug_in(*course.connector)
        with spec.must("E01.FR.18"):
            plugged = await course.shows(*CONNECTED, after=mark)
        with spec("E01.FR.15"):
            check_trigger(plugged, "CablePluggedIn", "ChargingStateChanged")
        with spec("E01.FR.16"):
            check_place(plugged, course.connector)
        with spec("E01.FR.18"):
            await course.shows("Charging", after=mark)


@case(
    "TC_E_13_CS",
    "Start point Authorized, by a remote start: the request opens the transaction, and is named in it",
    requirements=["E01.FR.03", "E01.FR.16", "F01.FR.04", "F01.FR.19", "F02.FR.01"],
    severity=Severity.CRITICAL,
    needs="start-point-authorized",
)
async def test_authorized_remote(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Start remotely; plug in and charge where somebody can plug in."""
    token = profile.parameters.valid_id_token.payload
    async with _course(station, csms, profile, "Authorized") as course:
        number = remote_number()
        answer = await csms.speak.remote_start(token, course.connector, number)
        assert answer["status"] == "Accepted", f"the remote start was answered {answer['status']}"
        with spec.must("E01.FR.03"):
            started = await course.started()
        with spec("F01.FR.19"):
            check_trigger(started, "RemoteStart")
        with spec("F01.FR.04"):
            check_token(await course.authorized(), token)
        with spec("F02.FR.01"):
            got = started["transactionInfo"]["remoteStartId"]
            assert got == number, f"the remote start had the number {number}, and the transaction names {got}"
        if not station.can("plug_in"):
            spec.unproven("E01.FR.16", "the driver can't plug in an EV")
            return
        mark = csms.now
        await station.plug_in(*course.connector)
        plugged = await course.shows(*CONNECTED, after=mark)
        with spec("E01.FR.16"):
            check_place(plugged, course.connector)
        await course.shows("Charging", after=mark)


@case(
    "TC_E_01_CS",
    "Start point PowerPathClosed: a driver and a plug together open the transaction",
    requirements=["E01.FR.05", "E01.FR.10", "E01.FR.15", "E01.FR.16", "E01.FR.18"],
    severity=Severity.CRITICAL,
    needs="start-point-power-path-closed and (configurable-start-point or not (start-point-ev-connected"
    " or start-point-authorized or start-point-data-signed or start-point-parking-bay-occupancy))",
)
async def test_power_path_closed(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Authorize, see that nothing is opened yet, plug in, and charge."""
    token = profile.parameters.valid_id_token.payload
    async with _course(station, csms, profile, "PowerPathClosed") as course:
        somebody_plugs_in(station)
        how = await authorize(station, csms, course.connector, token)
        with spec.must("E01.FR.05"):
            await _not_yet(course, profile)
        await station.plug_in(*course.connector)
        with spec.must("E01.FR.05"):
            started = await course.started()
        with spec("E01.FR.15"):
            check_trigger(started, *(BY_PLUG if how == "remote" else BY_PLUG[:-1]))
        with spec("E01.FR.10"):
            check_token(await course.authorized(), token)
        with spec("E01.FR.16"):
            check_place(started, course.connector)
        with spec("E01.FR.18"):
            check_state(started, *CONNECTED)
            await course.shows("Charging")


@case(
    "TC_E_02_CS",
    "Start point EnergyTransfer: the flow of energy opens the transaction",
    requirements=["E01.FR.06", "E01.FR.10", "E01.FR.15", "E01.FR.16"],
    severity=Severity.NORMAL,
    needs="start-point-energy-transfer and (configurable-start-point or not (start-point-ev-connected"
    " or start-point-authorized or start-point-data-signed or start-point-power-path-closed"
    " or start-point-parking-bay-occupancy))",
)
async def test_energy_transfer(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Authorize, see that nothing is opened yet, plug in, and charge."""
    token = profile.parameters.valid_id_token.payload
    async with _course(station, csms, profile, "EnergyTransfer") as course:
        somebody_plugs_in(station)
        how = await authorize(station, csms, course.connector, token)
        with spec.must("E01.FR.06"):
            await _not_yet(course, profile)
        await station.plug_in(*course.connector)
        with spec.must("E01.FR.06"):
            started = await course.started()
            check_state(started, "Charging")
        with spec("E01.FR.15"):
            check_trigger(started, *(["RemoteStart"] if how == "remote" else ["ChargingStateChanged", "Authorized"]))
        with spec("E01.FR.10"):
            check_token(await course.authorized(), token)
        with spec("E01.FR.16"):
            check_place(started, course.connector)


@case(
    "TC_E_11_CS",
    "Start point DataSigned: the first signed reading opens the transaction, and is in it",
    requirements=["E01.FR.04", "E01.FR.10", "E01.FR.15", "E01.FR.16", "E01.FR.18"],
    severity=Severity.NORMAL,
    needs="start-point-data-signed and (configurable-start-point or not (start-point-ev-connected"
    " or start-point-authorized or start-point-parking-bay-occupancy))",
)
async def test_data_signed(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Authorize, see that nothing is opened yet, plug in, and charge."""
    token = profile.parameters.valid_id_token.payload
    settings = {("SampledDataCtrlr", "SignReadings"): "true"}
    async with as_far_as_possible(csms, settings), _course(station, csms, profile, "DataSigned") as course:
        somebody_plugs_in(station)
        how = await authorize(station, csms, course.connector, token)
        with spec.must("E01.FR.04"):
            await _not_yet(course, profile)
        await station.plug_in(*course.connector)
        with spec.must("E01.FR.04"):
            started = await course.started()
            assert _signed(started), f"{in_words(started)} has no signed reading with the context Transaction.Begin"
        with spec("E01.FR.15"):
            check_trigger(started, "SignedDataReceived", *(["RemoteStart"] if how == "remote" else []))
        with spec("E01.FR.10"):
            check_token(await course.authorized(), token)
        with spec("E01.FR.16"):
            check_place(started, course.connector)
        with spec("E01.FR.18"):
            await course.shows("Charging")


@case(
    "TC_E_12_CS",
    "Start point ParkingBayOccupancy: an EV in the bay opens the transaction",
    requirements=["E01.FR.01", "E01.FR.10", "E01.FR.15", "E01.FR.16", "E01.FR.18"],
    severity=Severity.NORMAL,
    needs="start-point-parking-bay-occupancy",
)
async def test_parking_bay(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Drive in, authorize, plug in, and charge."""
    token = profile.parameters.valid_id_token.payload
    async with _course(station, csms, profile, "ParkingBayOccupancy") as course, driven_out(station, course.connector):
        await station.ev_arrive(course.connector[0])
        with spec.must("E01.FR.01"):
            started = await course.started()
        with spec("E01.FR.15"):
            check_trigger(started, "EVDetected")
        how = await authorize(station, csms, course.connector, token)
        with spec.must("E01.FR.10"):
            authorized = await course.authorized(after=started)
            check_token(authorized, token)
        with spec("E01.FR.15"):
            check_trigger(authorized, "Authorized" if how == "local" else "RemoteStart")
        mark = csms.now
        await station.plug_in(*course.connector)
        with spec.must("E01.FR.18"):
            plugged = await course.shows(*CONNECTED, after=mark)
            await course.shows("Charging", after=mark)
        with spec("E01.FR.16"):
            check_place(plugged, course.connector)


# -- the steps --------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _course(station: StationDriver, csms: CsmsPeer, profile: SutProfile, point: str) -> AsyncIterator[Course]:
    """Nothing goes on at the first connector, and transactions start at this point."""
    async with start_points(station, csms, point), vacated(station, csms):
        yield Course(csms, profile.connectors[0])


async def _not_yet(course: Course, profile: SutProfile) -> None:
    """See that no transaction is opened before the point is reached."""
    await course.none("a transaction", lambda event: kind(event) == "Started", for_=profile.timing.settle)


def _signed(event: Received) -> bool:
    """Whether an event has a signed reading of the beginning."""
    return any(
        sample.get("context") == "Transaction.Begin" and sample.get("signedMeterValue")
        for value in event.get("meterValue", [])
        for sample in value.get("sampledValue", [])
    )
