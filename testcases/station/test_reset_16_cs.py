"""OCPP 1.6, chapter 5.14: the Central System resets the station, softly or hard, without and with a transaction."""

from contextlib import suppress
from typing import Any

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms import CsmsPeer
from conformance.peers.csms_dialect import ResetKind
from conformance.peers.received import NoAnswer, NotSeen, Received
from conformance.peers.replies import Chosen, Silence
from conformance.peers.scenes import (
    Charging,
    Connector,
    ConnectorStatus,
    all_connectors_reported,
    connectors_show,
    latest_statuses,
    settled_statuses,
    transaction,
    vacated,
)
from conformance.peers.v16 import CSMS_ANSWERS
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile

CANNOT_NOW = "the station says that it can't reset at this moment (Rejected), so nothing can be seen of the reset"
PERSISTS = ("16.AVAIL.06", "16.RESET.09", "16.STATUS.04")


# -- no transaction ---------------------------------------------------------------------------------------------------


@case(
    "TC_013_CS",
    "Hard reset without a transaction: the station boots, and a connector that was unavailable is so again",
    versions=["1.6"],
    requirements=[
        *("16.AVAIL.01", "16.AVAIL.04", "16.AVAIL.06", "16.BOOT.03", "16.BOOT.06"),
        *("16.RESET.01", "16.RESET.02", "16.RESET.09", "16.STATUS.04"),
    ],
    severity=Severity.CRITICAL,
)
async def test_hard(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Take one connector out of use, reset, and see what it comes to in the end; then take it into use again."""
    spot = profile.connectors[0]
    await _out_of_use(csms, spec, spot)
    try:
        answer = await _reset(csms, spec, "now")
        boot = await _booted(csms, spec, answer)
        with spec("16.BOOT.06"):
            await all_connectors_reported(csms, profile.connectors, after=boot)
        statuses = await settled_statuses(csms, [spot], after=boot, settle=profile.timing.settle)
        _judge_persists(csms, spec, statuses[spot], "a hard reset")
    finally:
        await _in_use(csms, spec, spot)


@case(
    "TC_014_CS",
    "Soft reset without a transaction: the station starts anew, and a connector that was unavailable is so again",
    versions=["1.6"],
    requirements=[
        *("16.AVAIL.01", "16.AVAIL.04", "16.AVAIL.06", "16.BOOT.06"),
        *("16.RESET.01", "16.RESET.03", "16.RESET.09", "16.STATUS.04"),
    ],
    severity=Severity.CRITICAL,
)
async def test_soft(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """As the hard reset; a station that restarts its application only need not boot, and shows it in some other way."""
    spot = profile.connectors[0]
    await _out_of_use(csms, spec, spot)
    try:
        answer = await _reset(csms, spec, "idle")
        with spec("16.RESET.03"):
            await _left(csms, answer)
        boot = await _boot_or_nothing(csms, answer, profile)
        if boot is None:
            spec.excuse(
                "16.BOOT.06", "the station did not boot after the soft reset, which it may leave out (TC_014_CS)"
            )
            shown = await _asked_for_status(csms, spot, answer)
        else:
            with spec("16.BOOT.06"):
                await all_connectors_reported(csms, profile.connectors, after=boot)
            shown = (await settled_statuses(csms, [spot], after=boot, settle=profile.timing.settle))[spot]
        if shown is None:
            for requirement in PERSISTS:
                spec.unproven(requirement, "the station told no status after the soft reset, not even when asked")
        else:
            _judge_persists(csms, spec, shown, "a soft reset")
    finally:
        await _in_use(csms, spec, spot)


async def _out_of_use(csms: CsmsPeer, spec: Spec, spot: Connector) -> None:
    """Make a connector inoperative, and see that it is reported so."""
    mark = csms.now
    with spec.must("16.AVAIL.01"):
        status = await csms.speak.change_availability(spot, operative=False)
        assert status in ("Accepted", "Rejected", "Scheduled"), f"ChangeAvailability was answered {status}"
    try:
        assert status == "Accepted", f"ChangeAvailability Inoperative was answered {status}"
        with spec("16.AVAIL.04"):
            await connectors_show(csms, [spot], "Unavailable", after=mark)
    except BaseException:
        with suppress(AssertionError):
            await csms.speak.change_availability(spot, operative=True)
        raise


async def _in_use(csms: CsmsPeer, spec: Spec, spot: Connector) -> None:
    """Make a connector operative again, and see that it is reported so."""
    with suppress(AssertionError):
        await csms.connected()
        last = latest_statuses(csms, after=0).get(spot)
        changes = last is not None and last.status == "Unavailable"
        mark = csms.now
        status = await csms.speak.change_availability(spot, operative=True)

        def back() -> bool:
            shown = latest_statuses(csms, after=mark).get(spot)
            return shown is not None and shown.status != "Unavailable"

        if status == "Accepted" and changes:
            with spec("16.AVAIL.04"):
                within = csms.patience.for_action("StatusNotification")
                await csms.until(back, f"{csms.speak.name(spot)} to be in use again", within=within)


def _judge_persists(csms: CsmsPeer, spec: Spec, shown: ConnectorStatus, after: str) -> None:
    """The connector that was made inoperative is still Unavailable."""
    for requirement in PERSISTS:
        with spec(requirement):
            csms.touch(shown.message)
            assert shown.status == "Unavailable", (
                f"{csms.speak.name(shown.connector)} was made inoperative, and was {shown.status} after {after}"
            )


async def _asked_for_status(csms: CsmsPeer, spot: Connector, answer: Received) -> ConnectorStatus | None:
    """The status of a connector since the reset, asked for where it was not told; None where it can't be had."""
    told = latest_statuses(csms, after=answer).get(spot)
    if told is not None:
        return told
    with suppress(AssertionError):
        mark = csms.now
        if (await csms.speak.trigger("StatusNotification", spot))["status"] == "Accepted":
            return (await all_connectors_reported(csms, [spot], after=mark))[spot]
    return None


# -- with a transaction -----------------------------------------------------------------------------------------------


@case(
    "TC_015_CS",
    "Hard reset during a transaction: it is stopped before the restart or after it",
    versions=["1.6"],
    requirements=[
        *("16.BOOT.03", "16.BOOT.06", "16.RESET.01", "16.RESET.02", "16.RESET.05", "16.RESET.07", "16.RESET.10"),
        *("16.TX.10", "16.TX.11"),
    ],
    severity=Severity.CRITICAL,
)
async def test_hard_in_transaction(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """The station need not end the transaction in order, and says so when it can."""
    async with vacated(station, csms):
        session = await _transaction(station, csms, profile)
        answer = await _reset(csms, spec, "now")
        boot = await _booted(csms, spec, answer)
        with spec("16.BOOT.06"):
            await all_connectors_reported(csms, profile.connectors, after=boot)
        stop = None
        with spec("16.RESET.05"):
            stop = await csms.expect("StopTransaction", after=session.event)
        _judge_stop(csms, spec, session, stop, "16.RESET.07", "HardReset")
        await _judge_plugged(station, csms, spec, profile, session, boot)


@case(
    "TC_016_CS",
    "Soft reset during a transaction: it is stopped before the restart",
    versions=["1.6"],
    requirements=[
        *("16.BOOT.06", "16.RESET.01", "16.RESET.03", "16.RESET.04", "16.RESET.08", "16.RESET.10"),
        *("16.TX.10", "16.TX.11"),
    ],
    severity=Severity.CRITICAL,
)
async def test_soft_in_transaction(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """The StopTransaction may cross the answer to the reset, and has to come before the connection goes."""
    async with vacated(station, csms):
        session = await _transaction(station, csms, profile)
        answer = await _reset(csms, spec, "idle")
        with spec("16.RESET.03"):
            await _left(csms, answer)
        boot = await _boot_or_nothing(csms, answer, profile)
        stop = None
        with spec("16.RESET.04"):
            stop = await csms.expect("StopTransaction", after=session.event)
            assert stop.entry.link == session.event.entry.link, "the transaction was stopped only after the restart"
        _judge_stop(csms, spec, session, stop, "16.RESET.08", "SoftReset")
        if boot is None:
            for requirement in ("16.BOOT.06", "16.RESET.10"):
                spec.excuse(requirement, "the station did not boot after the soft reset, which it may (TC_016_CS)")
            return
        with spec("16.BOOT.06"):
            await all_connectors_reported(csms, profile.connectors, after=boot)
        await _judge_plugged(station, csms, spec, profile, session, boot)


@case(
    "UNANSWERED_STOP_OUTLASTS_RESET_CS",
    "A StopTransaction that nobody answered before a soft reset is sent again after it",
    versions=["1.6"],
    requirements=["16.RESET.06"],
    severity=Severity.CRITICAL,
)
async def test_unanswered_stop(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Leave it without an answer for as long as the station has not come back."""
    async with vacated(station, csms):
        session = await _transaction(station, csms, profile)

        def hold_back(request: Any) -> Chosen:
            link = csms.link
            if link is None or link.number == session.event.entry.link:
                return Silence()
            return CSMS_ANSWERS["StopTransaction"](request)

        csms.keep_answering("StopTransaction", hold_back)
        with suppress(NoAnswer):  # which a station may hold back for as long as it waits itself; it has to restart
            answer = await csms.speak.reset("idle")
            assert answer["status"] == "Accepted", CANNOT_NOW
        first = await csms.speak.ended(session.transaction_id, after=session.event)
        await csms.until(
            lambda: csms.link is not None and csms.link.number != first.entry.link,
            "the station to come back",
            within=csms.patience.for_action("BootNotification"),
        )
        with spec("16.RESET.06"):
            await csms.expect(
                "StopTransaction",
                transactionId=first["transactionId"],
                after=first,
                where=lambda message: message.entry.link != first.entry.link,
                within=profile.timing.boot,
            )


async def _transaction(station: StationDriver, csms: CsmsPeer, profile: SutProfile) -> Charging:
    return await transaction(station, csms, profile.connectors[0], profile.parameters.valid_id_token.payload)


def _judge_stop(  # noqa: PLR0913 -- what is judged, by which rule, and what is right
    csms: CsmsPeer, spec: Spec, session: Charging, stop: Received | None, requirement: str, right: str
) -> None:
    """The StopTransaction is that of the transaction, and says why."""
    if stop is None:
        for each in (requirement, "16.TX.10", "16.TX.11"):
            spec.excuse(each, "there was no StopTransaction to look at")
        return
    csms.touch(session.event, stop)
    with spec("16.TX.10"):
        given = stop.get("transactionId")
        assert str(given) == session.transaction_id, (
            f"the StopTransaction is for {given}, and the transaction was given {session.transaction_id}"
        )
    with spec("16.TX.11"):
        csms.touch(stop)
        assert "reason" in stop, f"the reason {right} is left out, which means Local"
    if "reason" not in stop:
        spec.excuse(requirement, "the reason is left out, which is wrong in a worse way")
        return
    with spec(requirement):
        csms.touch(stop)
        assert stop["reason"] == right, f"expected the reason {right}, got {stop['reason']}"


async def _judge_plugged(  # noqa: PLR0913 -- whose plug, where, and since when
    station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile, session: Charging, boot: Received
) -> None:
    """The connector where the plug is still in is Preparing or Finishing, or charges in a transaction of its own."""
    spot = session.connector
    if spot not in station.plugged:
        spec.excuse("16.RESET.10", "nobody could plug an EV in")
        return
    with spec("16.RESET.10"):
        shown = (await settled_statuses(csms, [spot], after=boot, settle=profile.timing.settle))[spot]
        csms.touch(shown.message)
        anew = bool(csms.seen("StartTransaction", after=boot))
        assert shown.status in ("Preparing", "Finishing") or (anew and shown.status in csms.speak.in_use), (
            f"{csms.speak.name(spot)}, where an EV is plugged in, was {shown.status} after the reset"
        )


# -- what these cases have in common ----------------------------------------------------------------------------------


async def _reset(csms: CsmsPeer, spec: Spec, kind: ResetKind) -> Received:
    """Ask for a reset, and go on where it is Accepted."""
    with spec.must("16.RESET.01"):
        answer = await csms.speak.reset(kind)
        assert answer["status"] in ("Accepted", "Rejected"), f"Reset was answered {answer['status']}"
    assert answer["status"] == "Accepted", CANNOT_NOW
    return answer


async def _left(csms: CsmsPeer, answer: Received) -> None:
    """Wait until the station goes down or boots; raises NotSeen."""
    await csms.until(
        lambda: (
            csms.link is None
            or csms.link.number != answer.entry.link
            or bool(csms.seen("BootNotification", after=answer))
        ),
        "the restart after a Reset that was Accepted",
        within=csms.patience.for_action("BootNotification"),
    )


async def _booted(csms: CsmsPeer, spec: Spec, answer: Received) -> Received:
    """The BootNotification after a hard reset."""
    with spec.must("16.RESET.02"):
        await _left(csms, answer)
    with spec.must("16.BOOT.03"):
        return await csms.expect("BootNotification", after=answer)
    raise AssertionError("unreachable: a miss ends the case")


async def _boot_or_nothing(csms: CsmsPeer, answer: Received, profile: SutProfile) -> Received | None:
    """The BootNotification after a soft reset, or None where the station comes back, or stays, without one."""
    with suppress(NotSeen):
        await csms.connected()
    try:
        return await csms.expect("BootNotification", after=answer, within=profile.timing.settle + profile.timing.answer)
    except NotSeen:
        return None
