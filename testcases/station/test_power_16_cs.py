"""OCPP 1.6, chapters 4.10 and 5.2: the mains fail, and come back."""

from contextlib import suppress

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms import CsmsPeer
from conformance.peers.received import NotSeen, Received
from conformance.peers.scenes import (
    Charging,
    all_connectors_reported,
    charging,
    connectors_show,
    latest_statuses,
    responsive,
    settled_statuses,
    stop_authorized,
    vacated,
)
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile


@case(
    "TC_034_CS",
    "A station that was made unavailable as a whole is unavailable again after a power cut",
    versions=["1.6"],
    requirements=["16.AVAIL.05", "16.AVAIL.06", "16.BOOT.03", "16.STATUS.04"],
    severity=Severity.CRITICAL,
)
async def test_unavailable_persists(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Take it out of use by connector 0, which is that of all, and switch it off and on."""
    told = latest_statuses(csms, after=0)  # a station that never tells its own status fails elsewhere for that
    places = (*profile.connectors, *(each for each in csms.speak.own_places if each in told))
    mark = csms.now
    status = await csms.speak.change_availability(None, operative=False)
    try:
        assert status == "Accepted", f"ChangeAvailability Inoperative was answered {status}"
        with spec.must("16.AVAIL.05"):
            await connectors_show(csms, places, "Unavailable", after=mark)
        boot = await _power_cut(station, csms, spec)
        statuses = await settled_statuses(csms, profile.connectors, after=boot, settle=profile.timing.settle)
        for requirement in ("16.AVAIL.06", "16.STATUS.04"):
            with spec(requirement):
                for place in (each for each in places if each in statuses):
                    csms.touch(statuses[place].message)
                    assert statuses[place].status == "Unavailable", (
                        f"the station was made inoperative, and {csms.speak.name(place)} was "
                        f"{statuses[place].status} after the power was back"
                    )
    finally:
        await _in_use_again(csms)


async def _in_use_again(csms: CsmsPeer) -> None:
    """Take the station into use again, as far as it can be had."""
    with suppress(AssertionError):
        await csms.connected()
        await csms.speak.change_availability(None, operative=True)


@case(
    "TC_032_2_CS",
    "Power cut during a transaction: it is ended when the power is back, or goes on",
    versions=["1.6"],
    needs="not back-up-power",
    requirements=[
        *("16.BOOT.03", "16.BOOT.06", "16.POWER.01", "16.POWER.02", "16.POWER.03", "16.TX.08", "16.TX.10", "16.TX.11"),
    ],
    severity=Severity.CRITICAL,
)
async def test_stop_after_power_cut(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, switch it off and on, and see what becomes of the transaction; if it goes on, let the driver end it."""
    token = profile.parameters.valid_id_token.payload
    async with vacated(station, csms):
        session = await charging(station, csms, profile.connectors[0], token)
        boot = await _power_cut(station, csms, spec)
        with spec("16.BOOT.06"):
            await all_connectors_reported(csms, profile.connectors, after=boot)

        def decided() -> bool:
            return bool(csms.seen("StopTransaction", after=boot)) or _charges(csms, session, boot)

        with spec.must("16.POWER.01"):
            await csms.until(
                decided,
                "the end of the transaction, or its resumption",
                within=csms.patience.for_action("StatusNotification"),
            )
        resumed = not csms.seen("StopTransaction", after=boot)
        with spec("16.POWER.03"):
            await _shows(csms, session, boot, profile, "Charging" if resumed else "Preparing", "Preparing", "Finishing")
        if resumed:
            spec.excuse("16.POWER.02", "the transaction was resumed when the power was back")
            await stop_authorized(station, csms, session, token)
        stop = await csms.expect("StopTransaction", after=session.event)
        if not resumed:
            with spec("16.POWER.02"):
                assert stop.get("reason") == "PowerLoss", f"the reason of the StopTransaction is {stop.get('reason')}"
        with spec("16.TX.11"):
            by_card = resumed and station.can("present_id_token")
            assert "reason" in stop or by_card, "the reason of the StopTransaction is left out, which means Local"
        await _judge_one_stop(csms, spec, profile, session)


@case(
    "TC_032_1_CS",
    "Power cut during a transaction: with the power that it has left, the station ends it first",
    versions=["1.6"],
    needs="back-up-power",
    requirements=[
        *("16.BOOT.03", "16.BOOT.06", "16.POWER.01", "16.POWER.02", "16.POWER.03", "16.TX.08", "16.TX.10", "16.TX.11"),
    ],
    severity=Severity.CRITICAL,
)
async def test_stop_before_power_cut(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, and switch it off and on; what could not be sent in time may come afterwards."""
    async with vacated(station, csms):
        session = await charging(station, csms, profile.connectors[0], profile.parameters.valid_id_token.payload)
        boot = await _power_cut(station, csms, spec)
        with spec("16.BOOT.06"):
            await all_connectors_reported(csms, profile.connectors, after=boot)
        with spec.must("16.POWER.01"):
            stop = await csms.expect("StopTransaction", after=session.event)
        with spec("16.POWER.02"):
            assert stop.get("reason") == "PowerLoss", f"the reason of the StopTransaction is {stop.get('reason')}"
        with spec("16.TX.11"):
            assert "reason" in stop, "the reason of the StopTransaction is left out, which means Local"
        with spec("16.POWER.03"):
            await _shows(csms, session, boot, profile, "Preparing", "Finishing")
        await _judge_one_stop(csms, spec, profile, session)


# -- what these cases have in common ----------------------------------------------------------------------------------


async def _power_cut(station: StationDriver, csms: CsmsPeer, spec: Spec) -> Received:
    """Switch the mains off and on; the BootNotification after that. Only a power cut will do here, no reset."""
    await responsive(csms)  # with its answer the station has had all that it was told before
    mark = csms.now
    await station.power_cycle()
    with spec.must("16.BOOT.03"):
        return await csms.expect("BootNotification", after=mark)
    raise AssertionError("unreachable: a miss ends the case")


def _charges(csms: CsmsPeer, session: Charging, boot: Received) -> bool:
    """Whether the connector of the transaction was last reported as Charging since the boot."""
    shown = latest_statuses(csms, after=boot).get(session.connector)
    return shown is not None and shown.status == "Charging"


async def _shows(csms: CsmsPeer, session: Charging, boot: Received, profile: SutProfile, *allowed: str) -> None:
    """The connector where the plug is still in ends up in one of these statuses."""
    statuses = await settled_statuses(csms, [session.connector], after=boot, settle=profile.timing.settle)
    shown = statuses[session.connector]
    csms.touch(shown.message)
    assert shown.status in allowed, (
        f"{csms.speak.name(session.connector)}, where an EV is plugged in, was {shown.status} after the power was back"
    )


async def _judge_one_stop(csms: CsmsPeer, spec: Spec, profile: SutProfile, session: Charging) -> None:
    """The transaction was ended once, by its own id; the same message again is a repeat."""
    with suppress(NotSeen):
        await csms.until(
            lambda: len(csms.seen("StopTransaction", after=session.event)) > 1,
            "no other StopTransaction",
            within=profile.timing.settle,
        )
    stops = csms.seen("StopTransaction", after=session.event)
    with spec("16.TX.10"):
        csms.touch(*stops)
        ids = {str(each.get("transactionId")) for each in stops}
        assert ids == {session.transaction_id}, (
            f"the transaction was given the id {session.transaction_id}, and its end names {', '.join(sorted(ids))}"
        )
    with spec("16.TX.08"):
        csms.touch(*stops)
        ends = {(each.get("transactionId"), each.get("timestamp")) for each in stops}
        assert len(ends) == 1, f"the transaction was ended {len(ends)} times"
