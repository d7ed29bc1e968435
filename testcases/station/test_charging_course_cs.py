"""Use cases E02, E03, E07 and C01: the course of a charging from plug and card to the end, for any start points."""

from contextlib import suppress

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms import CsmsPeer
from conformance.peers.received import NotSeen
from conformance.peers.scenes import charging, configured, connectors_show, pull_plug, vacated
from conformance.peers.transaction_scenes import (
    ASK_THE_CSMS,
    CONNECTED,
    EARLY,
    ENDS_WITH_DRIVER,
    HARMLESS,
    Course,
    as_far_as_possible,
    authorize,
    check_place,
    check_reason,
    check_token,
    check_trigger,
    judge_card_shown,
    judge_plug_timeout,
    points,
    present,
    somebody_plugs_in,
    state,
    time_for_the_plug,
)
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile

LOCAL = "(C-30 - C-35 or ISO 15118 support)"


@case(
    "TC_E_03_CS",
    "Plug first, then the card: the station tells of both, and charges",
    requirements=["E02.FR.01", "E02.FR.05", "E02.FR.06", "E02.FR.13", "E02.FR.15", "C01.FR.02"],
    severity=Severity.BLOCKER,
    needs=f"not cable-lock-before-authorization and {LOCAL}",
)
async def test_plug_first(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Plug in, present the card, and charge."""
    token, connector = profile.parameters.valid_id_token.payload, profile.connectors[0]
    async with as_far_as_possible(csms, ASK_THE_CSMS), vacated(station, csms):
        by_plug = await points(csms, "TxStartPoint") & {"EVConnected", "ParkingBayOccupancy"}
        course = Course(csms, connector)
        await station.plug_in(*connector)
        with spec("E02.FR.05"):
            await connectors_show(csms, [connector], "Occupied", after=course.since)
        if "EVConnected" in by_plug:
            with spec.must("E02.FR.06"):
                plugged = await course.shows(*CONNECTED)
            with spec("E02.FR.15"):
                check_trigger(plugged, "CablePluggedIn", "ChargingStateChanged")
        else:
            spec.excuse("E02.FR.06", "EVConnected is no start point")
        mark = csms.now
        await present(station, connector, token)
        with spec.must("E02.FR.01"):
            authorized = await course.authorized(after=mark)
            check_token(authorized, token)
            check_trigger(authorized, "Authorized", *(() if by_plug else ("ChargingStateChanged",)))
        with spec.must("E02.FR.13"):
            energy = await course.shows("Charging", after=mark)
        with spec("E02.FR.15"):
            check_trigger(energy, "ChargingStateChanged", "Authorized")
        await judge_card_shown(csms, spec, profile, token, after=mark, before=authorized)


@case(
    "TC_E_04_CS",
    "Card first, then the plug: the station tells of both, and charges",
    requirements=["E03.FR.01", "E03.FR.12", "E01.FR.16", "C01.FR.02"],
    severity=Severity.BLOCKER,
    needs="C-30 or C-31 or C-32 or C-33 or C-35",
)
async def test_card_first(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Present the card, plug in, and charge."""
    somebody_plugs_in(station)
    token, connector = profile.parameters.valid_id_token.payload, profile.connectors[0]
    async with as_far_as_possible(csms, ASK_THE_CSMS), vacated(station, csms):
        early = await points(csms, "TxStartPoint") & EARLY
        course = Course(csms, connector)
        await present(station, connector, token)
        if early:
            with spec.must("E03.FR.01"):
                authorized = await course.authorized()
            with spec("E03.FR.12"):
                check_trigger(authorized, "Authorized")
        else:
            with suppress(NotSeen):
                await csms.until(lambda: bool(csms.seen("Authorize", after=course.since)), "", within=_settle(profile))
        mark = csms.now
        await station.plug_in(*connector)
        with spec.must("E03.FR.12"):
            plugged = await course.shows(*CONNECTED, after=mark)
            check_trigger(plugged, "CablePluggedIn", "ChargingStateChanged", *(() if early else ("Authorized",)))
            await course.shows("Charging", after=mark)
        with spec("E01.FR.16"):
            check_place(plugged, connector)
        with spec.must("E03.FR.01"):
            authorized = await course.authorized()
            check_token(authorized, token)
        await judge_card_shown(csms, spec, profile, token, after=course.since, before=authorized)


@case(
    "TC_E_05_CS",
    "Card first, and no plug in time: the authorization ends, and the next driver can charge",
    requirements=["E03.FR.05", "C01.FR.26"],
    severity=Severity.CRITICAL,
    needs=LOCAL,
)
async def test_no_plug_in_time(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Authorize, wait, authorize again, plug in, and charge."""
    somebody_plugs_in(station)
    token, connector = profile.parameters.valid_id_token.payload, profile.connectors[0]
    async with as_far_as_possible(csms, ASK_THE_CSMS), vacated(station, csms):
        course = Course(csms, connector)
        async with time_for_the_plug(csms) as seconds:
            assert seconds < profile.timing.case, f"EVConnectionTimeOut can't be set below {seconds:g} s"
            await authorize(station, csms, connector, token)
            await judge_plug_timeout(csms, spec, profile, course, within=seconds + profile.timing.answer)
        mark = csms.now
        await authorize(station, csms, connector, token)
        if await points(csms, "TxStartPoint") & EARLY:
            with spec.must("C01.FR.26"):
                await course.authorized(after=mark)
        await station.plug_in(*connector)
        with spec("C01.FR.26"):
            await course.shows("Charging", after=mark)


@case(
    "TC_E_52_CS",
    "DisableRemoteAuthorization: the CSMS is not asked about a card, and an unknown one gets no energy",
    requirements=["AUTH.REMOTE.01"],
    severity=Severity.NORMAL,
    needs="no-remote-authorization and (C-30 or C-31 or C-32) and (authorization-cache or local-authorization-list)",
)
async def test_nobody_asked(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Empty the cache, present a card that the station does not know, and plug in."""
    token, connector = profile.parameters.invalid_id_token.payload, profile.connectors[0]
    async with configured(csms, {("AuthCtrlr", "DisableRemoteAuthorization"): "true"}), vacated(station, csms):
        if profile.claims("authorization-cache"):
            await csms.call("ClearCache", {})
        course = Course(csms, connector)
        await present(station, connector, token)
        await csms.silence(for_=profile.timing.settle, allow=(*HARMLESS, "Authorize"))
        await station.plug_in(*connector)
        with spec("AUTH.REMOTE.01"):
            await course.none("energy", lambda event: state(event) == "Charging", for_=profile.timing.settle)
            asked = csms.seen("Authorize", after=course.since)
            csms.touch(*asked)
            assert not asked, "with DisableRemoteAuthorization the CSMS was asked about a card"


@case(
    "TC_E_38_CS",
    "An EV that is not ready: the station tells of it, and charges once it is",
    requirements=["E01.FR.15", "E01.FR.18", "E01.FR.19"],
    severity=Severity.NORMAL,
    needs='not start-point-energy-transfer and NOT Product Subtype "Mode 1/2-only Charging Station"',
)
async def test_ev_not_ready(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Authorize, plug in an EV that asks for no energy, and let it ask."""
    somebody_plugs_in(station)
    token, connector = profile.parameters.valid_id_token.payload, profile.connectors[0]
    async with vacated(station, csms):
        course = Course(csms, connector)
        await authorize(station, csms, connector, token)
        await station.ev_suspend(connector[0])
        mark = csms.now
        await station.plug_in(*connector)
        with spec.must("E01.FR.19"):
            suspended = await course.shows("SuspendedEV", after=mark)
        with spec("E01.FR.15"):
            check_trigger(suspended, "ChargingStateChanged", "CablePluggedIn")
        await station.ev_ready(connector[0])
        with spec("E01.FR.18"):
            await course.shows("Charging", after=suspended)


@case(
    "TC_E_06_CS",
    "The card that began the charging ends it, without a question to the CSMS",
    requirements=["C01.FR.03", "E07.FR.02", "E07.FR.05", "E06.FR.15"],
    severity=Severity.BLOCKER,
    needs="C-30 or C-31 or C-32 or C-35",
)
async def test_local_stop(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, present the card again, and pull the plug."""
    token, connector = profile.parameters.valid_id_token.payload, profile.connectors[0]
    async with as_far_as_possible(csms, ASK_THE_CSMS), vacated(station, csms):
        with_driver = await points(csms, "TxStopPoint") & ENDS_WITH_DRIVER
        await charging(station, csms, connector, token)
        course = Course(csms, connector)
        await present(station, connector, token)
        with spec.must("E07.FR.02"):
            stopped = await course.triggered("StopAuthorized")
            if "idToken" in stopped:
                check_token(stopped, token)
        with spec("C01.FR.03"):
            asked = csms.seen("Authorize", after=course.since)
            csms.touch(*asked)
            assert not asked, "the card that began the charging was shown to the CSMS before it could end it"
        if with_driver:
            with spec.must("E06.FR.15"):
                ended = await course.ended()
                check_trigger(ended, "StopAuthorized", "ChargingStateChanged")
        assert await pull_plug(station, connector) or with_driver, "the driver can't pull the plug"
        if not with_driver:
            with spec.must("E06.FR.15"):
                ended = await course.ended()
                check_trigger(ended, "EVCommunicationLost", "EVDeparted", "StopAuthorized", "ChargingStateChanged")
        with spec("E07.FR.05"):
            check_reason(ended, "Local", may_be_left_out=True)


def _settle(profile: SutProfile) -> float:
    return profile.timing.settle
