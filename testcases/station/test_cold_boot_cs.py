"""Use cases B01, B02, B03: a station boots, and the CSMS accepts it, lets it wait, or turns it away."""

import contextlib
from datetime import UTC, datetime, timedelta

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms import CsmsPeer
from conformance.peers.received import NotSeen, Received
from conformance.peers.replies import Late
from conformance.peers.scenes import (
    all_connectors_reported,
    base_report,
    only_boots,
    read_variable,
    reboot,
    restart,
    write_setting,
)
from conformance.peers.v201 import boot, remote_start
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile
from conformance.wire.schemas import parse_timestamp


@case(
    "TC_B_01_CS",
    "Cold boot, accepted at once: the station introduces itself and reports every connector",
    requirements=["B01.FR.01", "B01.FR.05", "B01.FR.09"],
    severity=Severity.BLOCKER,
)
@case(
    "BOOT_ACCEPTED_CS",
    "Cold boot, accepted at once: the station introduces itself and reports itself and every connector",
    versions=["1.6"],
    requirements=["16.BOOT.01", "16.BOOT.06", "16.BOOT.07"],
    severity=Severity.BLOCKER,
)
async def test_accepted(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Restart it in whatever way it can be, and accept it."""
    mark = csms.now
    await restart(station, csms)
    with spec.must("B01.FR.01"):
        notification = await csms.expect("BootNotification", after=mark)
        vendor, model = csms.speak.identity(notification)
        assert vendor, "the station does not say who made it"
        assert model, "the station does not say what it is"
    with spec("B01.FR.09"):
        assert notification["reason"], "the BootNotification gives no reason"
    await _all_reported(csms, spec, profile, notification)


async def _all_reported(csms: CsmsPeer, spec: Spec, profile: SutProfile, accepted: Received) -> None:
    """After its boot was accepted the station reports every connector, and itself where it has a status."""
    with spec("B01.FR.05"):
        await all_connectors_reported(csms, profile.connectors, after=accepted)
    with spec("16.BOOT.07"):
        await all_connectors_reported(csms, csms.speak.own_places, after=accepted)


@case(
    "TC_B_02_CS",
    "Cold boot, pending first: the station can be set up, and does not work yet",
    requirements=[
        *("B02.FR.01", "B02.FR.02", "B02.FR.04", "B02.FR.05", "B02.FR.06"),
        *("B01.FR.05", "B01.FR.09", "F06.FR.10", "F06.FR.17"),
    ],
    severity=Severity.CRITICAL,
)
async def test_pending(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """While pending: read, write, ask for a report, try to start a transaction; then ask for the next boot."""
    interval = profile.parameters.pending_interval
    csms.keep_answering("BootNotification", boot("Pending", interval=interval))
    first = (await reboot(station, csms)).notification
    with only_boots(csms, spec, "B02.FR.02", after=first, or_else=("NotifyReport",)):
        accepted = await _set_up_while_pending(csms, spec, profile, first)
    assert accepted is not None, "the station did not boot again, so it could not be accepted"
    with spec("B01.FR.05"):
        await all_connectors_reported(csms, profile.connectors, after=accepted)
    with spec("F06.FR.17"):
        status = (await csms.call("TriggerMessage", {"requestedMessage": "BootNotification"}))["status"]
        assert status in ("Rejected", "NotImplemented"), f"an accepted station took another boot trigger: {status}"


async def _set_up_while_pending(csms: CsmsPeer, spec: Spec, profile: SutProfile, first: Received) -> Received | None:
    """What a CSMS does with one that is pending; the boot that it accepts, None where it asked for it in vain."""
    interval, link = profile.parameters.pending_interval, await csms.connected()
    with spec("B02.FR.01"):
        threshold = await read_variable(csms, "OCPPCommCtrlr", "OfflineThreshold")
        await write_setting(csms, ("OCPPCommCtrlr", "OfflineThreshold"), "300")
        assert await read_variable(csms, "OCPPCommCtrlr", "OfflineThreshold") == "300", "the value set was not kept"
        await write_setting(csms, ("OCPPCommCtrlr", "OfflineThreshold"), threshold)
        await base_report(csms, "FullInventory")
    with spec("B02.FR.05"):
        answer = await csms.call("RequestStartTransaction", remote_start(profile.parameters.valid_id_token.payload))
        assert answer["status"] == "Rejected", f"a remote start was {answer['status']} before the boot was"

    with spec("B02.FR.04"):
        last = first
        for again in csms.seen("BootNotification", after=first):
            csms.touch(last, again)
            _waited(last, again, interval, profile)
            last = again
    csms.answer("BootNotification", boot("Accepted", interval=profile.parameters.heartbeat_interval))
    accepted = await _boot_on_request(csms, spec, interval + profile.timing.boot)
    if accepted is not None:
        with spec("B02.FR.06"):
            assert csms.link is link, "the connection was closed while the boot was pending"
    return accepted


async def _boot_on_request(csms: CsmsPeer, spec: Spec, patience: float) -> Received | None:
    """Ask for the next boot, and wait for it; a station that does not take the trigger boots when its time comes."""
    mark = csms.now
    triggered = await csms.call("TriggerMessage", {"requestedMessage": "BootNotification"})
    notification = None
    if triggered["status"] != "Accepted":  # any answer will do (F06.FR.05); the interval runs on
        spec.excuse("F06.FR.10", f"the trigger was answered {triggered['status']}")
        spec.excuse("B01.FR.09", f"the trigger was answered {triggered['status']}")
        return await csms.expect("BootNotification", after=mark, within=patience)
    with spec("F06.FR.10"):
        notification = await csms.expect("BootNotification", after=mark, within=patience)
    if notification is None:
        spec.excuse("B01.FR.09", "the boot that was asked for did not come")
        return None
    with spec("B01.FR.09"):
        boots = csms.seen("BootNotification", after=mark)  # one that its time brought may have crossed the trigger
        csms.touch(*boots)
        reasons = [each["reason"] for each in boots]
        assert "Triggered" in reasons, f"after a trigger the reasons were {reasons}"
    return notification


@case(
    "TC_B_03_CS",
    "Cold boot, rejected first: the station keeps silent until it may ask again",
    requirements=["B03.FR.02", "B03.FR.06", "B01.FR.05"],
    severity=Severity.CRITICAL,
)
@case(
    "TC_001_CS",
    "Cold boot, rejected first: the station keeps silent until it may ask again, and then works",
    versions=["1.6"],
    requirements=["16.BOOT.06", "16.BOOT.07", "16.BOOT.13", "16.BOOT.28"],
    severity=Severity.BLOCKER,
)
async def test_rejected(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Reject it once; it may hang up meanwhile, but not speak."""
    interval = profile.parameters.pending_interval
    csms.answer("BootNotification", boot("Rejected", interval=interval))
    rejected = (await reboot(station, csms)).notification
    with only_boots(csms, spec, "B03.FR.02", after=rejected, for_=interval), spec.must("B03.FR.06"):
        again = await csms.expect("BootNotification", after=rejected, within=interval + profile.timing.boot)
    with spec("B03.FR.02"):
        csms.touch(rejected, again)
        _waited(rejected, again, interval, profile)
    await _all_reported(csms, spec, profile, again)


@case(
    "TC_B_30_CS",
    "Rejected: whatever the CSMS asks is refused for lack of permission",
    requirements=["B03.FR.08"],
    severity=Severity.NORMAL,
)
async def test_rejected_refuses_calls(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask a rejected station for its inventory; one that has hung up need not answer."""
    csms.answer("BootNotification", boot("Rejected", interval=profile.parameters.pending_interval))
    rejected = (await reboot(station, csms)).notification
    await csms.until(lambda: csms.registration == "Rejected", "the rejection to be sent", within=profile.timing.answer)
    with spec("B03.FR.08"):
        if csms.link is None:
            spec.excuse("B03.FR.08", "the station hung up after it was rejected, as it may (B03.FR.04)")
        else:
            refusal = await csms.call_error("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
            assert refusal.code == "SecurityError", f"expected CALLERROR SecurityError, got {refusal.code}"
    await csms.expect(
        "BootNotification", after=rejected, within=profile.parameters.pending_interval + profile.timing.boot
    )


@case(
    "BOOT_RETRY_INTERVAL_CS",
    "Pending: the station asks again when the interval is over, and not before",
    versions=["2.0.1", "1.6"],
    requirements=["B02.FR.04", "B02.FR.08"],
    severity=Severity.NORMAL,
)
async def test_pending_interval(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Leave it pending, and do nothing."""
    interval = profile.parameters.pending_interval
    csms.answer("BootNotification", boot("Pending", interval=interval))
    pending = (await reboot(station, csms)).notification
    with spec.must("B02.FR.08"):
        again = await csms.expect("BootNotification", after=pending, within=interval + profile.timing.boot)
    with spec("B02.FR.04"):
        _waited(pending, again, interval, profile)


@case(
    "BOOT_INTERVAL_ZERO_CS",
    "Told to wait 0 s, the station takes a pause of its own before it asks again",
    versions=["2.0.1", "1.6"],
    requirements=["B02.FR.02", "B02.FR.07", "B03.FR.02", "B03.FR.05"],
    severity=Severity.NORMAL,
)
async def test_interval_zero(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Let it wait, then turn it away, each time with an interval of 0; how long it waits then is its own business."""
    try:
        csms.keep_answering("BootNotification", boot("Pending", interval=0))
        first = (await reboot(station, csms)).notification
        with only_boots(csms, spec, "B02.FR.02", after=first):
            await _judge_pauses(csms, spec, "B02.FR.07", first, profile)
        if not station.can("power_cycle"):  # a station that was rejected can't be told to restart
            for each in ("B03.FR.02", "B03.FR.05"):
                spec.excuse(each, "nobody can switch the station's mains off, to have it back soon")
            return
        csms.keep_answering("BootNotification", boot("Rejected", interval=0))
        first = (await reboot(station, csms)).notification
        with only_boots(csms, spec, "B03.FR.02", after=first):
            await _judge_pauses(csms, spec, "B03.FR.05", first, profile)
    finally:
        csms.answer("BootNotification")
        await reboot(station, csms)


async def _judge_pauses(csms: CsmsPeer, spec: Spec, requirement: str, last: Received, profile: SutProfile) -> None:
    """Watch some boots for a flood; a station may start with short pauses, as long as it does not go on so.

    Requests of other kinds are no less of a flood, but a handful of them is none.
    """
    first, watched = last, max(profile.timing.settle, _SHORT_PAUSE + profile.timing.tolerance)
    boots = 0
    with contextlib.suppress(NotSeen):
        while boots < _BOOTS_WATCHED:
            last = await csms.expect("BootNotification", after=last, within=watched)
            boots += 1
    pause = (last.at - first.at) / boots if boots else watched
    told = f"told an interval of 0, the station booted {boots} times more, one every {pause:.2f} s"
    with spec(requirement):
        assert pause >= _FLOOD, told
        others = [each for each in csms.traffic(after=first) if each.action != "BootNotification"]
        apart = (others[-1].at - first.at) / len(others) if len(others) > _HANDFUL else watched
        csms.touch(*others[:_HANDFUL])
        assert apart >= _FLOOD, (
            f"told an interval of 0, the station sent {len(others)} other requests, one every {apart:.3f} s"
        )
    if _FLOOD <= pause < _SHORT_PAUSE:
        spec.warn(requirement, told)


_BOOTS_WATCHED = 4
_HANDFUL = 10
"""How many requests come at once without anybody calling it a flood: those that a boot that is accepted sets off."""
_FLOOD = 0.1
"""The mean time between requests, in seconds, that is a flood in anybody's eyes: the documents give no number."""
_SHORT_PAUSE = 1.0
"""The mean time between boots, in seconds, below which a buyer should know."""


def _waited(before: Received, again: Received, interval: int, profile: SutProfile) -> None:
    """Between two boots that nobody triggered lies the interval; no document bounds it from above."""
    pause = again.at - before.at
    assert again.get("reason") == "Triggered" or pause >= interval - profile.timing.tolerance, (
        f"the station booted again after {pause:.1f} s, and was told to wait {interval} s"
    )


@case(
    "BOOT_SILENT_UNTIL_ACCEPTED_CS",
    "Nothing but BootNotification is sent before the CSMS has answered it",
    versions=["2.0.1", "1.6"],
    requirements=["B01.FR.08"],
    severity=Severity.CRITICAL,
)
async def test_silent_until_accepted(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Let the answer to the boot take its time."""
    delay = profile.timing.settle
    csms.answer("BootNotification", Late(delay, boot("Accepted")))
    mark = csms.now
    await restart(station, csms)
    notification = await csms.expect("BootNotification", after=mark)
    with spec("B01.FR.08"):
        answer = await csms.answered(notification, within=delay + profile.timing.answer)
        for message in csms.traffic(after=mark, before=answer):
            first = csms.opened(notification) or notification.n  # what an old connection carried came before the boot
            if message.n > first and message.action != "BootNotification":
                csms.touch(message)
                raise AssertionError(f"{message.action} came before the BootNotification was answered")


@case(
    "BOOT_REASON_CS",
    "Each kind of boot names its own reason",
    requirements=["B01.FR.03", "B01.FR.09", "BOOT.REASON.02"],
    severity=Severity.MINOR,
)
async def test_boot_reasons(station: StationDriver, csms: CsmsPeer, spec: Spec) -> None:
    """Reset it over OCPP; switch it off and on, where that can be done."""
    mark = csms.now
    answer = await csms.call("Reset", {"type": "Immediate"})
    assert answer["status"] == "Accepted", f"Reset was answered {answer['status']}"
    with spec.must("B01.FR.03"):
        after_reset = await csms.expect("BootNotification", after=mark)
    with spec("B01.FR.09"):
        assert after_reset["reason"] == "RemoteReset", f"after a Reset the reason was {after_reset['reason']}"
    if not station.can("power_cycle"):
        spec.excuse("BOOT.REASON.02", "nobody can switch the station's mains off here")
        return
    mark = csms.now
    await station.power_cycle()
    with spec("B01.FR.03"):
        after_power = await csms.expect("BootNotification", after=mark)
    with spec("B01.FR.09"):
        assert after_power["reason"] in ("PowerUp", "Unknown"), f"after a power cycle: {after_power['reason']}"
    with spec("BOOT.REASON.02"):
        assert after_power["reason"] == "PowerUp", f"after a power cycle the reason was {after_power['reason']}"


@case(
    "BOOT_HEARTBEAT_INTERVAL_CS",
    "Heartbeats come at the interval that the CSMS gave at boot",
    versions=["2.0.1", "1.6"],
    requirements=["B01.FR.04", "G02.FR.02"],
    severity=Severity.NORMAL,
)
async def test_heartbeat_interval(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Accept it with a short interval, and watch three heartbeats; the first may come at once."""
    interval, tolerance = profile.parameters.heartbeat_interval, profile.timing.tolerance
    csms.answer("BootNotification", boot("Accepted", interval=interval))
    accepted = (await reboot(station, csms)).notification
    await all_connectors_reported(csms, profile.connectors, after=accepted)
    try:
        await csms.expect("Heartbeat", after=accepted, within=2 * interval + profile.timing.answer)
    except NotSeen:
        pings = [each for each in csms.transcript.since(accepted.n) if each.kind == "ping" and each.sender == "sut"]
        if pings:  # Part 4 has pings stand in for heartbeats, Part 2 does not
            spec.warn("G02.FR.02", f"{len(pings)} pings came, and no Heartbeat")
            spec.excuse("B01.FR.04", "there are no heartbeats to pace: the station pings instead")
            return
        spec.excuse("G02.FR.02", "no heartbeat came at all: see B01.FR.04")
        with spec("B01.FR.04"):
            raise
        return
    with spec("G02.FR.02"):
        first = await csms.expect("Heartbeat", after=accepted, within=2 * interval + profile.timing.answer)
        second = await csms.expect("Heartbeat", after=first, within=2 * interval + profile.timing.answer)
    with spec("B01.FR.04"):
        gap = second.at - first.at
        assert gap >= interval - tolerance, f"two heartbeats came {gap:.1f} s apart, the interval is {interval} s"
        last = csms.traffic(after=accepted, before=second)[-1]
        pause = second.at - last.at
        assert pause <= interval + tolerance, f"a heartbeat came {pause:.1f} s after {last.action}, not {interval} s"


@case(
    "BOOT_SECURITY_EVENT_CS",
    "A start of the station is notified as a security event",
    requirements=["A04.FR.01"],
    severity=Severity.MINOR,
)
@case(
    "BOOT_SECURITY_EVENT_16_CS",
    "A start of the station is notified as a security event",
    versions=["1.6"],
    needs="security-extension",
    requirements=["16S.A04.FR.01"],
    severity=Severity.MINOR,
)
async def test_security_event(station: StationDriver, csms: CsmsPeer, spec: Spec) -> None:
    """Restart it, accept it, and wait for the event; it may have been made before the clock was set."""
    accepted = (await reboot(station, csms)).notification
    with spec("A04.FR.01"):
        await csms.expect(
            "SecurityEventNotification",
            after=accepted,
            where=lambda event: event["type"] in ("StartupOfTheDevice", "ResetOrReboot"),
            within=csms.patience.for_action("StatusNotification"),
        )


@case(
    "BOOT_CLOCK_CS",
    "The station takes its time from the answer to its boot",
    requirements=["B01.FR.06"],
    severity=Severity.NORMAL,
)
async def test_clock(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Tell it at boot that it is some minutes later than it is, and read its clock; then put it right again."""
    shift = timedelta(seconds=profile.parameters.clock_shift)
    source = await read_variable(csms, "ClockCtrlr", "TimeSource")
    with spec("B01.FR.06"):
        if source.split(",")[0].strip().lower() != "heartbeat":  # further down the list it is only a fallback
            spec.excuse("B01.FR.06", f"the station takes its time from {source}")
        else:
            told = datetime.now(UTC) + shift
            csms.answer("BootNotification", boot("Accepted", time=told.isoformat(timespec="seconds")))
            csms.keep_answering("Heartbeat", lambda _: {"currentTime": _shifted(shift)})
            await reboot(station, csms)
            shown = parse_timestamp(await read_variable(csms, "ClockCtrlr", "DateTime"))
            error = abs(shown - datetime.now(UTC) - shift) if shown else None
            assert error is not None, "the station's DateTime is no time"
            assert error <= timedelta(seconds=profile.timing.tolerance + profile.timing.answer), (
                f"the station's clock is {error.total_seconds():.1f} s off the time that it was told"
            )
    csms.answer("Heartbeat")
    await reboot(station, csms)


def _shifted(shift: timedelta) -> str:
    return (datetime.now(UTC) + shift).isoformat(timespec="milliseconds")
