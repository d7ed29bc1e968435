"""Use cases E06, E09 and E10: each stop point ends a transaction when it is reached, and not before."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms import CsmsPeer
from conformance.peers.replies import Chosen
from conformance.peers.scenes import Charging, Connector, charging, connectors_show, vacated
from conformance.peers.transaction_scenes import (
    CONNECTED,
    ENDS_WITH_DRIVER,
    EVENT,
    HARMLESS,
    Course,
    as_far_as_possible,
    authorize,
    by_default,
    check_reason,
    check_state,
    check_trigger,
    comes_out,
    detachable,
    disconnect_ev,
    driven_out,
    fixed,
    judge_plug_timeout,
    kind,
    let_go,
    offline,
    points,
    present,
    somebody_plugs_in,
    state,
    stop_points,
    time_for_the_plug,
    trigger,
)
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile
from conformance.wire.faults import Network

LOCAL_STOP = "(C-30 or C-31 or C-32 or C-35)"
MODE_3_OR_LESS = '(mode-3 or Product Subtype "Mode 1/2-only Charging Station")'
MORE_THAN_MODE_2 = 'mode-3 and NOT Product Subtype "Mode 1/2-only Charging Station"'
STOP_ON_DISCONNECT = ("TxCtrlr", "StopTxOnEVSideDisconnect")
UNLOCK_ON_DISCONNECT = ("OCPPCommCtrlr", "UnlockOnEVSideDisconnect")
_FEATURE = {
    "Authorized": "stop-point-authorized",
    "PowerPathClosed": "stop-point-power-path-closed",
    "EVConnected": "stop-point-ev-connected",
}
STAYS_AUTHORIZED = {STOP_ON_DISCONNECT: "false"}


# -- the driver ends it -----------------------------------------------------------------------------------------------


@case(
    "TC_E_15_CS",
    "Stop point Authorized: the card ends the transaction",
    requirements=["E06.FR.03", "E06.FR.15", "E07.FR.05"],
    severity=Severity.CRITICAL,
    needs=f"stop-point-authorized and {LOCAL_STOP}",
)
async def test_authorized_local(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, and present the card again."""
    async with _charging(station, csms, profile, "Authorized") as (course, _):
        await _card_ends_it(station, spec, profile, course, "E06.FR.03")


@case(
    "TC_E_07_CS",
    "Stop point PowerPathClosed: the card ends the transaction",
    requirements=["E06.FR.06", "E06.FR.15", "E07.FR.05"],
    severity=Severity.CRITICAL,
    needs=f"stop-point-power-path-closed and (configurable-stop-point or not stop-point-authorized) and {LOCAL_STOP}",
)
async def test_power_path_local(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, and present the card again."""
    async with _charging(station, csms, profile, "PowerPathClosed") as (course, _):
        await _card_ends_it(station, spec, profile, course, "E06.FR.06")


@case(
    "TC_E_08_CS",
    "Stop point EnergyTransfer: the card ends the flow of energy, and that the transaction",
    requirements=["E06.FR.07", "E06.FR.15", "E07.FR.05"],
    severity=Severity.NORMAL,
    needs="stop-point-energy-transfer and (configurable-stop-point or"
    f" not (stop-point-authorized or stop-point-power-path-closed)) and {LOCAL_STOP}",
)
async def test_energy_local(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, and let the driver end it, as he can."""
    token = profile.parameters.valid_id_token.payload
    async with _charging(station, csms, profile, "EnergyTransfer") as (course, session):
        how = await let_go(station, csms, session, token)
        with spec.must("E06.FR.07"):
            ended = await course.ended()
        with spec("E06.FR.15"):
            await course.triggered("StopAuthorized" if how == "local" else "RemoteStop")
            check_trigger(ended, "StopAuthorized" if how == "local" else "RemoteStop", "ChargingStateChanged")
        with spec("E07.FR.05"):
            check_reason(ended, "Local" if how == "local" else "Remote", may_be_left_out=how == "local")


@case(
    "TC_E_21_CS",
    "Stop point Authorized: a remote stop ends the transaction",
    requirements=["E06.FR.03", "F03.FR.03", "F03.FR.07"],
    severity=Severity.CRITICAL,
    needs="stop-point-authorized",
)
async def test_authorized_remote(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, and stop remotely."""
    async with _charging(station, csms, profile, "Authorized") as (course, session):
        with spec.must("F03.FR.07"):
            answer = await csms.speak.remote_stop(session.transaction_id)
            assert answer["status"] == "Accepted", f"the remote stop was answered {answer['status']}"
        with spec.must("E06.FR.03"):
            ended = await course.ended()
        with spec("F03.FR.03"):
            await course.triggered("RemoteStop")
            check_trigger(ended, "RemoteStop", "ChargingStateChanged")
            check_reason(ended, "Remote")


@case(
    "TC_E_35_CS",
    "Stop point PowerPathClosed: a remote stop ends the transaction",
    requirements=["E06.FR.06", "E06.FR.08", "E06.FR.15"],
    severity=Severity.CRITICAL,
    needs="stop-point-power-path-closed and (configurable-stop-point or not stop-point-authorized)",
)
async def test_power_path_remote(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, and stop remotely."""
    async with _charging(station, csms, profile, "PowerPathClosed") as (course, session):
        answer = await csms.speak.remote_stop(session.transaction_id)
        assert answer["status"] == "Accepted", f"the remote stop was answered {answer['status']}"
        with spec.must("E06.FR.06"):
            ended = await course.ended()
        with spec("E06.FR.15"):
            await course.triggered("RemoteStop")
            check_trigger(ended, "RemoteStop", "ChargingStateChanged")
        with spec("E06.FR.08"):
            check_reason(ended, "Remote")


# -- the authorization is taken away ----------------------------------------------------------------------------------


@case(
    "TC_E_16_CS",
    "A token that was accepted offline and is refused by the CSMS: the transaction ends",
    requirements=["E06.FR.04", "C15.FR.04"],
    severity=Severity.CRITICAL,
    needs="(stop-point-authorized or stop-point-power-path-closed) and (C-30 - C-32 or ISO 15118 support)"
    " and offline-authorization",
)
async def test_refused_later(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Begin a charging offline, let the station back in, and refuse the token that it tells."""
    token, connector = profile.parameters.valid_id_token.payload, profile.connectors[0]
    point = "Authorized" if profile.claims("stop-point-authorized") else "PowerPathClosed"
    settings = {
        ("AuthCtrlr", "OfflineTxForUnknownIdEnabled"): "true",
        ("AuthCtrlr", "LocalAuthorizeOffline"): "true",
        ("TxCtrlr", "StopTxOnInvalidId"): "true",
    }
    async with stop_points(station, csms, point), as_far_as_possible(csms, settings), vacated(station, csms):
        course = Course(csms, connector)
        async with offline(csms, network, profile):
            await station.plug_in(*connector)
            await present(station, connector, token)
            csms.keep_answering(EVENT, _refused)
        told = await course.authorized()
        with spec.must("E06.FR.04"):
            ended = await course.ended(after=told)
        with spec("C15.FR.04"):
            check_trigger(ended, "Deauthorized")
            check_reason(ended, "DeAuthorized")


@case(
    "TC_E_39_CS",
    "Stop point Authorized, and no plug in time: the transaction ends, and a plug that comes later gets no energy",
    requirements=["E03.FR.05", "C01.FR.26"],
    severity=Severity.CRITICAL,
    needs="stop-point-authorized",
)
async def test_no_plug_in_time(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Authorize, wait, and plug in."""
    somebody_plugs_in(station)
    token, connector = profile.parameters.valid_id_token.payload, profile.connectors[0]
    async with (
        stop_points(station, csms, "Authorized"),
        time_for_the_plug(csms) as seconds,
        vacated(station, csms),
    ):
        assert seconds < profile.timing.case, f"EVConnectionTimeOut can't be set below {seconds:g} s"
        course = Course(csms, connector)
        await authorize(station, csms, connector, token)
        await judge_plug_timeout(csms, spec, profile, course, within=seconds + profile.timing.answer)
        mark = csms.now
        await station.plug_in(*connector)
        with spec("C01.FR.26"):
            await course.none(
                "energy", lambda event: state(event) == "Charging", for_=profile.timing.settle, after=mark
            )


# -- the connection with the EV is lost -------------------------------------------------------------------------------


@case(
    "TC_E_14_CS",
    "Stop point EVConnected: the transaction ends when the plug is out, and not when the driver ends the charging",
    requirements=["E06.FR.02", "E06.FR.15", "E07.FR.05", "E01.FR.18"],
    severity=Severity.CRITICAL,
    needs="detachable-cable and stop-point-ev-connected and (configurable-stop-point or"
    " not (stop-point-authorized or stop-point-power-path-closed or stop-point-energy-transfer))",
)
async def test_ev_connected(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, end the charging, see that the transaction goes on, and pull the plug."""
    token = profile.parameters.valid_id_token.payload
    async with _charging(station, csms, profile, "EVConnected", at=detachable(profile)) as (course, session):
        how = await let_go(station, csms, session, token)
        with spec.must("E06.FR.02"):
            await course.triggered("StopAuthorized" if how == "local" else "RemoteStop")
            await course.none("the end", lambda event: kind(event) == "Ended", for_=profile.timing.settle)
        mark = csms.now
        await station.unplug(*course.connector)
        with spec.must("E06.FR.02"):
            ended = await course.ended(after=mark)
        with spec("E06.FR.15"):
            check_trigger(ended, "EVCommunicationLost")
        with spec("E01.FR.18"):
            check_state(ended, "Idle")
        with spec("E07.FR.05"):
            check_reason(
                ended, "Local" if how == "local" else "Remote", "EVDisconnected", may_be_left_out=how == "local"
            )


@case(
    "TC_E_20_CS",
    "Stop point EVConnected: the transaction ends when the EV is disconnected at its own side",
    requirements=["E06.FR.02", "E06.FR.08", "E06.FR.15", "E01.FR.18"],
    severity=Severity.CRITICAL,
    needs="stop-point-ev-connected and not (not configurable-stop-point and (stop-point-power-path-closed or"
    " stop-point-energy-transfer)) and not (not keep-authorization-on-ev-disconnect and not configurable-stop-point"
    f" and stop-point-authorized) and {MODE_3_OR_LESS}",
)
async def test_ev_side(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, let the EV stop, and disconnect it."""
    async with _charging(station, csms, profile, "EVConnected", STAYS_AUTHORIZED, at=fixed(profile)) as (course, _):
        await _ev_disconnects(station, spec, profile, course, "E06.FR.02", "EVDisconnected")


@case(
    "TC_E_54_CS",
    "Stop point EVConnected: the transaction ends when an EV that speaks ISO 15118 is disconnected at its own side",
    requirements=["E06.FR.02", "E06.FR.08", "E06.FR.15", "E01.FR.18"],
    severity=Severity.CRITICAL,
    needs="stop-point-ev-connected and not (not configurable-stop-point and (stop-point-authorized or"
    " stop-point-power-path-closed or stop-point-energy-transfer)) and (dc or ISO 15118 support)"
    ' and NOT Product Subtype "Mode 1/2-only Charging Station"',
)
async def test_ev_side_15118(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, let the EV stop, and disconnect it: it may have said that it leaves."""
    async with _charging(station, csms, profile, "EVConnected", STAYS_AUTHORIZED, at=fixed(profile)) as (course, _):
        await _ev_disconnects(station, spec, profile, course, "E06.FR.02", "EVDisconnected", "StoppedByEV")


@case(
    "TC_E_37_CS",
    "Stop point PowerPathClosed: the transaction ends when the EV is disconnected at its own side",
    requirements=["E06.FR.06", "E06.FR.08", "E06.FR.15", "E01.FR.18"],
    severity=Severity.CRITICAL,
    needs="stop-point-power-path-closed and (configurable-stop-point or"
    f" not (stop-point-ev-connected or stop-point-energy-transfer)) and {MODE_3_OR_LESS}",
)
async def test_power_path_ev_side(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, let the EV stop, and disconnect it."""
    async with _charging(station, csms, profile, "PowerPathClosed", STAYS_AUTHORIZED, at=fixed(profile)) as (course, _):
        await _ev_disconnects(station, spec, profile, course, "E06.FR.06", "EVDisconnected", "StoppedByEV")


@case(
    "TC_E_17_CS",
    "StopTxOnEVSideDisconnect and stop point Authorized: the transaction ends when the EV is disconnected",
    requirements=["E09.FR.01", "E06.FR.08", "E06.FR.15", "E01.FR.18"],
    severity=Severity.CRITICAL,
    needs="stop-point-authorized and drop-authorization-on-ev-disconnect and mode-3 and not (not"
    " configurable-stop-point and (stop-point-ev-connected or stop-point-power-path-closed or"
    " stop-point-energy-transfer))",
)
async def test_deauthorized_ev_side(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, and disconnect the EV."""
    settings = {STOP_ON_DISCONNECT: "true", UNLOCK_ON_DISCONNECT: "false"}
    async with _charging(station, csms, profile, "Authorized", settings, at=fixed(profile)) as (course, _):
        await disconnect_ev(station, profile, course.connector)
        with spec.must("E09.FR.01"):
            ended = await course.ended()
        with spec("E06.FR.15"):
            check_trigger(ended, "EVCommunicationLost")
        with spec("E01.FR.18"):
            check_state(ended, "Idle")
        with spec("E06.FR.08"):
            check_reason(ended, "EVDisconnected")


@case(
    "TC_E_22_CS",
    "Stop point EnergyTransfer: the transaction ends when the EV takes no more energy",
    requirements=["E06.FR.07", "E06.FR.08", "E06.FR.15"],
    severity=Severity.NORMAL,
    needs="stop-point-energy-transfer",
)
async def test_energy_ev(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, and let the EV stop."""
    async with _charging(station, csms, profile, "EnergyTransfer") as (course, _):
        await station.ev_suspend(course.connector[0])
        with spec.must("E06.FR.07"):
            ended = await course.ended()
        with spec("E06.FR.15"):
            check_trigger(ended, "ChargingStateChanged")
        with spec("E06.FR.08"):
            check_reason(ended, "StoppedByEV")


@case(
    "TC_E_19_CS",
    "Stop point ParkingBayOccupancy: the transaction ends when the EV has left the bay, and not when the plug is out",
    requirements=["E06.FR.01", "E06.FR.15", "E07.FR.05"],
    severity=Severity.NORMAL,
    needs="stop-point-parking-bay-occupancy and (configurable-stop-point or not (stop-point-ev-connected or"
    " stop-point-authorized or stop-point-power-path-closed or stop-point-energy-transfer))",
)
async def test_parking_bay(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Drive in, charge, end the charging, pull the plug, see that the transaction goes on, and drive out."""
    token, connector = profile.parameters.valid_id_token.payload, profile.connectors[0]
    async with driven_out(station, connector):
        await station.ev_arrive(connector[0])
        async with stop_points(station, csms, "ParkingBayOccupancy"), vacated(station, csms):
            session = await charging(station, csms, connector, token)
            course = Course(csms, connector)
            how = await let_go(station, csms, session, token)
            await course.triggered("StopAuthorized" if how == "local" else "RemoteStop")
            await station.unplug(*connector)
            with spec.must("E06.FR.01"):
                await course.none("the end", lambda event: kind(event) == "Ended", for_=profile.timing.settle)
            mark = csms.now
            await station.ev_depart(connector[0])
            with spec.must("E06.FR.01"):
                ended = await course.ended(after=mark)
            with spec("E06.FR.15"):
                check_trigger(ended, "EVDeparted")
            with spec("E07.FR.05"):
                check_reason(ended, "Local" if how == "local" else "Remote", may_be_left_out=how == "local")


@case(
    "TC_E_46_CS",
    "An EV that speaks ISO 15118 ends the charging itself: the transaction ends, if a stop point says so",
    requirements=["E15.FR.04", "E15.FR.05"],
    severity=Severity.NORMAL,
    needs="ISO 15118 support",
)
async def test_ev_ends_it(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, and let the EV end its session, with one stop point after the other."""
    for point, feature in _FEATURE.items():
        if not profile.claims(feature):
            continue
        async with _charging(station, csms, profile, point) as (course, _):
            reached = await points(csms, "TxStopPoint") & ENDS_WITH_DRIVER
            await station.ev_stop(course.connector[0])
            with spec("E15.FR.04" if reached else "E15.FR.05"):
                stopped = await course.triggered("StopAuthorized")
                if reached:
                    assert kind(stopped) == "Ended", f"expected the end of the transaction, got {course.told()}"
                    check_reason(stopped, "StoppedByEV")
                else:
                    assert kind(stopped) == "Updated", f"expected that the transaction goes on, got {course.told()}"
    for requirement in {"E15.FR.04", "E15.FR.05"} - spec.judged:
        spec.excuse(requirement, "the station has no stop points for which this was to be seen")


# -- the EV is disconnected for a while -------------------------------------------------------------------------------


@case(
    "TC_E_26_CS",
    "Without StopTxOnEVSideDisconnect: the transaction is suspended while the EV is disconnected, and goes on then",
    requirements=["TX.SUSPEND.01", "TX.RESUME.01", "E02.FR.15"],
    severity=Severity.CRITICAL,
    needs="(stop-point-authorized or stop-point-parking-bay-occupancy) and (configurable-stop-point or not"
    " (stop-point-ev-connected or stop-point-power-path-closed or stop-point-energy-transfer))"
    f" and keep-authorization-on-ev-disconnect and stays-locked-on-ev-disconnect and {MORE_THAN_MODE_2}",
)
async def test_suspended(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, disconnect the EV, and connect it again."""
    async with _kept_authorized(station, csms, profile) as (course, _):
        await disconnect_ev(station, profile, course.connector)
        with spec.must("TX.SUSPEND.01"):
            lost = await course.triggered("EVCommunicationLost")
            assert kind(lost) == "Updated", f"expected that the transaction goes on, got {course.told()}"
            check_state(lost, "Idle")
        mark = csms.now
        await station.plug_in(*course.connector)
        with spec.must("TX.RESUME.01"):
            back = await course.shows(*CONNECTED, after=mark)
            energy = await course.shows("Charging", after=mark)
            for event in (back, energy):
                assert kind(event) == "Updated", f"expected that the same transaction goes on, got {course.told()}"
        with spec("E02.FR.15"):
            check_trigger(back, "CablePluggedIn")
            check_trigger(energy, "ChargingStateChanged", "CablePluggedIn")


@case(
    "TC_E_27_CS",
    "Without StopTxOnEVSideDisconnect: with a fixed cable the wait for the EV comes to an end",
    requirements=["TX.SUSPEND.01", "E10.FR.02"],
    severity=Severity.NORMAL,
    needs="(stop-point-authorized or stop-point-parking-bay-occupancy) and (configurable-stop-point or not"
    " (stop-point-ev-connected or stop-point-power-path-closed or stop-point-energy-transfer))"
    " and keep-authorization-on-ev-disconnect and stays-locked-on-ev-disconnect and fixed-cable"
    f" and {MORE_THAN_MODE_2}",
)
async def test_suspended_too_long(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, disconnect the EV, and wait."""
    async with _kept_authorized(station, csms, profile) as (course, _), time_for_the_plug(csms) as seconds:
        assert seconds < profile.timing.case, f"EVConnectionTimeOut can't be set below {seconds:g} s"
        await disconnect_ev(station, profile, course.connector)
        with spec.must("TX.SUSPEND.01"):
            lost = await course.triggered("EVCommunicationLost")
            assert kind(lost) == "Updated", f"expected that the transaction goes on, got {course.told()}"
        with spec("E10.FR.02"):
            over = await course.event(
                "the end of the wait for the EV",
                lambda event: trigger(event) == "EVConnectTimeout" or kind(event) == "Ended",
                after=lost,
                within=seconds + profile.timing.answer,
            )
            if profile.claims("stop-point-authorized"):
                assert kind(over) == "Ended", f"expected the end of the transaction, got {course.told(after=lost)}"
                check_trigger(over, "EVConnectTimeout", "EVCommunicationLost")
                check_reason(over, "Timeout", "EVDisconnected")


@case(
    "TC_E_24_CS",
    "StopTxOnEVSideDisconnect and UnlockOnEVSideDisconnect: the EV is disconnected, and the cable is free",
    requirements=["E09.FR.01", "E09.FR.02"],
    severity=Severity.NORMAL,
    needs="detachable-cable and drop-authorization-on-ev-disconnect and unlocks-on-ev-disconnect"
    f" and {MORE_THAN_MODE_2}",
)
async def test_unlocked(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, disconnect the EV, connect it again, disconnect it, and pull the cable out."""
    settings = {STOP_ON_DISCONNECT: "true", UNLOCK_ON_DISCONNECT: "true"}
    async with _charging_anyhow(station, csms, profile, settings, at=detachable(profile)) as course:
        await _deauthorized_by_disconnection(station, spec, profile, course)
        mark = csms.now
        with spec("E09.FR.02"):
            assert await comes_out(station, course.connector), "the cable can't be pulled out of its socket"
            await connectors_show(csms, [course.connector], "Available", after=mark)


@case(
    "TC_E_25_CS",
    "StopTxOnEVSideDisconnect without UnlockOnEVSideDisconnect: the EV is disconnected, and the cable stays locked",
    requirements=["E09.FR.01", "E09.FR.03"],
    severity=Severity.NORMAL,
    needs=f"drop-authorization-on-ev-disconnect and stays-locked-on-ev-disconnect and {MODE_3_OR_LESS}",
)
async def test_locked(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, disconnect the EV, connect and disconnect it again; pull the cable out before and after the card."""
    settings = {STOP_ON_DISCONNECT: "true", UNLOCK_ON_DISCONNECT: "false"}
    async with _charging_anyhow(station, csms, profile, settings, at=detachable(profile)) as course:
        await _deauthorized_by_disconnection(station, spec, profile, course)
        if not profile.claims("detachable-cable"):
            spec.excuse("E09.FR.03", "the cable is a part of the station")
            return
        await _card_unlocks(station, csms, spec, profile, course, "E09.FR.03")


@case(
    "CABLE_STAYS_LOCKED_CS",
    "Without StopTxOnEVSideDisconnect: the cable of an EV that was disconnected is locked until the card is presented",
    requirements=["E10.FR.01"],
    severity=Severity.NORMAL,
    needs="detachable-cable and keep-authorization-on-ev-disconnect and stays-locked-on-ev-disconnect"
    f" and stop-point-authorized and {MORE_THAN_MODE_2}",
)
async def test_suspended_locked(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, disconnect the EV, and pull the cable out before and after the card."""
    async with _kept_authorized(station, csms, profile, at=detachable(profile)) as (course, _):
        await disconnect_ev(station, profile, course.connector)
        await course.triggered("EVCommunicationLost")
        await _card_unlocks(station, csms, spec, profile, course, "E10.FR.01")


# -- the steps --------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _charging(  # noqa: PLR0913 -- by keyword
    station: StationDriver,
    csms: CsmsPeer,
    profile: SutProfile,
    point: str,
    settings: Mapping[tuple[str, str], str] | None = None,
    *,
    at: Connector | None = None,
) -> AsyncIterator[tuple[Course, Charging]]:
    """An EV charges at the first connector, or at this one; transactions stop at this point."""
    if at is not None:  # a transaction that only a plug can end would stay
        somebody_plugs_in(station)
    connector = profile.connectors[0] if at is None else at
    async with (
        stop_points(station, csms, point),
        as_far_as_possible(csms, settings or {}),
        vacated(station, csms),
    ):
        session = await charging(station, csms, connector, profile.parameters.valid_id_token.payload)
        yield Course(csms, connector), session


@asynccontextmanager
async def _kept_authorized(
    station: StationDriver, csms: CsmsPeer, profile: SutProfile, *, at: Connector | None = None
) -> AsyncIterator[tuple[Course, Charging]]:
    """An EV charges, and the driver stays authorized without it."""
    point = "Authorized" if profile.claims("stop-point-authorized") else "ParkingBayOccupancy"
    settings = {STOP_ON_DISCONNECT: "false", UNLOCK_ON_DISCONNECT: "false"}
    async with _charging(station, csms, profile, point, settings, at=at or fixed(profile)) as both:
        yield both


@asynccontextmanager
async def _charging_anyhow(
    station: StationDriver,
    csms: CsmsPeer,
    profile: SutProfile,
    settings: Mapping[tuple[str, str], str],
    *,
    at: Connector,
) -> AsyncIterator[Course]:
    """An EV charges; transactions stop where they ever do."""
    somebody_plugs_in(station)
    async with as_far_as_possible(csms, settings), vacated(station, csms):
        await charging(station, csms, at, profile.parameters.valid_id_token.payload)
        yield Course(csms, at)


async def _deauthorized_by_disconnection(
    station: StationDriver, spec: Spec, profile: SutProfile, course: Course
) -> None:
    """Disconnect the EV, see that it gets no energy when it comes back, and disconnect it again."""
    await disconnect_ev(station, profile, course.connector)
    with spec.must("E09.FR.01"):
        lost = await course.triggered("EVCommunicationLost")
        check_state(lost, "Idle")
    await station.plug_in(*course.connector)
    with spec("E09.FR.01"):
        await course.none("energy", lambda event: state(event) == "Charging", for_=profile.timing.settle, after=lost)
    await disconnect_ev(station, profile, course.connector)


async def _card_unlocks(  # noqa: PLR0913
    station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile, course: Course, requirement: str
) -> None:
    """Try to pull the cable out, present the card that began the charging, and pull it out."""
    with spec.must(requirement):
        assert not await comes_out(station, course.connector), "the cable could be pulled out without the card"
    mark = csms.now
    await present(station, course.connector, profile.parameters.valid_id_token.payload)
    await csms.silence(for_=profile.timing.settle, allow=(*HARMLESS, "Authorize"))
    with spec(requirement):
        assert await comes_out(station, course.connector), "with the card presented the cable can't be pulled out"
        await connectors_show(csms, [course.connector], "Available", after=mark)


async def _card_ends_it(
    station: StationDriver, spec: Spec, profile: SutProfile, course: Course, requirement: str
) -> None:
    """Present the card again, and judge the end; it may be told in two steps (E07)."""
    await present(station, course.connector, profile.parameters.valid_id_token.payload)
    with spec.must(requirement):
        ended = await course.ended()
    with spec("E06.FR.15"):
        await course.triggered("StopAuthorized")
        check_trigger(ended, "StopAuthorized", "ChargingStateChanged")
    with spec("E07.FR.05"):
        check_reason(ended, "Local", may_be_left_out=True)


async def _ev_disconnects(
    station: StationDriver, spec: Spec, profile: SutProfile, course: Course, requirement: str, *reasons: str
) -> None:
    """Let the EV stop, where somebody can do that, disconnect it, and judge the end."""
    if station.can("ev_suspend"):
        await station.ev_suspend(course.connector[0])
        await course.shows("SuspendedEV", "EVConnected")
    await disconnect_ev(station, profile, course.connector)
    with spec.must(requirement):
        ended = await course.ended()
    with spec("E06.FR.15"):
        check_trigger(ended, "EVCommunicationLost")
    with spec("E01.FR.18"):
        check_state(ended, "Idle")
    with spec("E06.FR.08"):
        check_reason(ended, *reasons)


def _refused(event: Mapping[str, Any]) -> Chosen:
    """Refuse the token that an event names."""
    return {"idTokenInfo": {"status": "Invalid"}} if "idToken" in event else by_default(event)
