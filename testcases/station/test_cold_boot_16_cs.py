"""OCPP 1.6, chapters 4.2 and 4.6: a station boots, is let wait or turned away, keeps in touch and sets its clock."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms import CsmsPeer
from conformance.peers.received import NoAnswer, NotSeen, Received
from conformance.peers.scenes import (
    all_connectors_reported,
    configured,
    only_boots,
    pull_plug,
    reboot,
    vacated,
    write_setting,
)
from conformance.peers.v16 import boot, get_configuration
from conformance.sut.drivers import StationDriver, Unsupported
from conformance.sut.profile import SutProfile
from conformance.wire.frames import CallResult
from conformance.wire.schemas import parse_timestamp

HEARTBEAT = "HeartbeatInterval"


@case(
    "TC_002_CS",
    "Cold boot, pending first: the station can be set up, and does not work yet",
    versions=["1.6"],
    requirements=[
        *("16.BOOT.06", "16.BOOT.07", "16.BOOT.10", "16.BOOT.11", "16.BOOT.17", "16.BOOT.18", "16.BOOT.19"),
    ],
    severity=Severity.CRITICAL,
)
async def test_pending(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """While pending: read a key, change it and read it again; then wait for the next boot."""
    csms.answer("BootNotification", boot("Pending", interval=profile.parameters.pending_interval))
    first = (await reboot(station, csms)).notification
    with only_boots(csms, spec, "16.BOOT.19", after=first):
        again, was = await _set_up_while_pending(csms, spec, profile, first)
    with spec("16.BOOT.17"):
        csms.touch(first, again)
        assert again.entry.link == first.entry.link, "the connection was closed while the boot was pending"
    with spec("16.BOOT.06"):
        await all_connectors_reported(csms, profile.connectors, after=again)
    with spec("16.BOOT.07"):
        await all_connectors_reported(csms, csms.speak.own_places, after=again)
    if was is not None:
        with suppress(AssertionError):
            await write_setting(csms, csms.speak.spare_setting, was)


async def _set_up_while_pending(
    csms: CsmsPeer, spec: Spec, profile: SutProfile, first: Received
) -> tuple[Received, str | None]:
    """Read a key, change it and wait for the next boot: that, and what the key was."""
    interval, setting = profile.parameters.pending_interval, csms.speak.spare_setting
    was = None
    with spec("16.BOOT.18"):
        was = await csms.speak.read(setting)
        other = "300" if was != "300" else "600"
        status = await csms.speak.write(setting, other)
        assert status in ("Accepted", "RebootRequired"), f"{setting} = {other} was answered {status} in Pending"
        kept = await csms.speak.read(setting)
        assert kept == other or status == "RebootRequired", f"{setting} was set to {other} and shows {kept}"
    with spec.must("16.BOOT.11"):
        again = await csms.expect("BootNotification", after=first, within=interval + profile.timing.boot)
    with spec("16.BOOT.10"):
        pause = again.at - first.at
        assert pause >= interval - profile.timing.tolerance, (
            f"the station booted again after {pause:.1f} s, and was told to wait {interval} s"
        )
    return again, was


@case(
    "PENDING_TRIGGER_CS",
    "Pending: the station boots when it is asked to, before its time has come",
    versions=["1.6"],
    needs="remote-trigger and trigger-boot-notification",
    requirements=["16.TRIGGER.01", "16.TRIGGER.02", "16.TRIGGER.03"],
)
async def test_trigger_while_pending(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Let it wait for long, and ask for its BootNotification at once; it may say that it will not."""
    interval = 2 * profile.parameters.pending_interval
    csms.answer("BootNotification", boot("Pending", interval=interval))
    first = (await reboot(station, csms)).notification
    with spec.must("16.TRIGGER.02"):
        answer = await csms.speak.trigger("BootNotification")
        status = answer["status"]
        assert status in ("Accepted", "Rejected", "NotImplemented"), f"the trigger was answered {status}"
    if status != "Accepted":
        await csms.expect("BootNotification", after=first, within=interval + profile.timing.boot)
        spec.excuse("16.TRIGGER.01", f"the trigger was answered {status}")
        spec.excuse("16.TRIGGER.03", f"the trigger was answered {status}")
        return
    with spec.must("16.TRIGGER.03"):
        again = await csms.expect("BootNotification", after=first, within=interval + profile.timing.boot)
    with spec("16.TRIGGER.01"):
        csms.touch(again, answer)
        assert again.n > answer.n, "the BootNotification came before the answer to the trigger"
    with spec("16.TRIGGER.03"):
        pause = again.at - first.at
        assert pause < interval - profile.timing.tolerance, (
            f"the boot that was asked for came {pause:.1f} s after the last, and {interval} s was its time anyway"
        )


@case(
    "PENDING_REMOTE_START_CS",
    "Pending: a transaction that is asked for before its time does not start (the CSMS breaks a rule here)",
    versions=["1.6"],
    requirements=["16.BOOT.21"],
    severity=Severity.MINOR,
)
async def test_remote_start_while_pending(
    station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile
) -> None:
    """Plug in, ask for a transaction, see what is told once the boot is accepted. Any answer will do, and none."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with vacated(station, csms):
        plugged = station.can("plug_in")
        if plugged:
            with suppress(Unsupported):
                await station.plug_in(*spot)
        plugged = spot in station.plugged
        csms.answer("BootNotification", boot("Pending", interval=profile.parameters.pending_interval))
        first = (await reboot(station, csms)).notification
        taken = False
        try:
            answer = await csms.speak.remote_start(token, spot, 1, within=profile.timing.settle)
            taken = answer.get("status") == "Accepted"
        except AssertionError:
            pass  # a CALLERROR, or silence
        try:
            await csms.until(
                lambda: len(csms.seen("BootNotification", after=first)) > 0 and csms.registration == "Accepted",
                "the boot to be accepted",
                within=profile.parameters.pending_interval + profile.timing.boot,
            )
        except NotSeen:
            if not csms.seen("StartTransaction", after=first):
                raise  # one that waits for its boot can't tell of a transaction
        with suppress(NotSeen):
            await csms.until(
                lambda: bool(csms.seen("StartTransaction", after=first)),
                "no transaction",
                within=profile.timing.settle,
            )
        started = csms.seen("StartTransaction", after=first)
        if taken and not plugged and not started:
            spec.unproven("16.BOOT.21", "the request was Accepted, and nobody could plug an EV in for it to start with")
            return
        with spec("16.BOOT.21"):
            csms.touch(*started)
            assert not started, "a transaction started for a request that came while the boot was pending"


@case(
    "REJECTED_NO_ANSWER_CS",
    "Rejected: the station does not serve the CSMS (which breaks a rule by asking)",
    versions=["1.6"],
    requirements=["16.BOOT.14"],
    severity=Severity.MINOR,
)
async def test_rejected_serves_nobody(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask it for a key: silence is right, a refusal does no harm, and it may have hung up."""
    csms.answer("BootNotification", boot("Rejected", interval=profile.parameters.pending_interval))
    rejected = (await reboot(station, csms)).notification
    await csms.until(lambda: csms.registration == "Rejected", "the rejection to be sent", within=profile.timing.answer)
    if csms.link is None:
        spec.excuse("16.BOOT.14", "the station hung up after it was rejected, as it may (16.BOOT.15)")
    else:
        with spec("16.BOOT.14"), suppress(NoAnswer):
            entry = await csms.attempt("GetConfiguration", get_configuration(HEARTBEAT), within=profile.timing.settle)
            assert not isinstance(entry.frame, CallResult), "a rejected station served a GetConfiguration"
    await csms.expect(
        "BootNotification", after=rejected, within=profile.parameters.pending_interval + profile.timing.boot
    )


# -- heartbeats -------------------------------------------------------------------------------------------------------


@case(
    "HEARTBEAT_INTERVAL_KEY_CS",
    "The key HeartbeatInterval shows the interval of the boot, and changes the pace",
    versions=["1.6"],
    requirements=["16.HEARTBEAT.07", "16.HEARTBEAT.08"],
)
async def test_heartbeat_key(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Accept it with one interval, set half of it, and watch two heartbeats."""
    interval, tolerance = profile.parameters.heartbeat_interval, profile.timing.tolerance
    csms.answer("BootNotification", boot("Accepted", interval=2 * interval))
    accepted = (await reboot(station, csms)).notification
    await all_connectors_reported(csms, profile.connectors, after=accepted)
    with spec("16.HEARTBEAT.07"):
        shown = await csms.speak.read(HEARTBEAT)
        assert shown == str(2 * interval), f"the boot was told {2 * interval} s, and {HEARTBEAT} shows {shown}"
    async with configured(csms, {HEARTBEAT: str(interval)}):
        mark = csms.now
        try:
            await csms.expect("Heartbeat", after=mark, within=4 * interval + profile.timing.answer)
        except NotSeen:
            spec.unproven("16.HEARTBEAT.08", "no heartbeat came whose pace could be seen")
            return
        with spec("16.HEARTBEAT.08"):
            first = csms.seen("Heartbeat", after=mark)[0]
            second = await csms.expect("Heartbeat", after=first, within=4 * interval + profile.timing.answer)
            gap = second.at - first.at
            assert gap >= interval - tolerance, f"two heartbeats came {gap:.1f} s apart, {HEARTBEAT} is {interval} s"
            last = csms.traffic(after=first.n, before=second)[-1]
            pause = second.at - last.at
            assert pause <= interval + tolerance, (
                f"a heartbeat came {pause:.1f} s after {last.action}, not {interval} s"
            )


# -- the clock --------------------------------------------------------------------------------------------------------


@case(
    "BOOT_CLOCK_16_CS",
    "The station takes its time from the answers to its boot and its heartbeats",
    versions=["1.6"],
    needs="remote-trigger",
    requirements=["16.BOOT.08", "16.HEARTBEAT.05"],
)
async def test_clock(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Tell it at boot that it is later than it is, with a heartbeat that it is earlier; each time see what it says."""
    shift = timedelta(seconds=profile.parameters.clock_shift)
    csms.answer("BootNotification", boot("Accepted", time=_now(shift)))
    csms.keep_answering("Heartbeat", lambda _: {"currentTime": _now(shift)})
    accepted = (await reboot(station, csms)).notification
    with suppress(NotSeen):
        await all_connectors_reported(csms, profile.connectors, after=accepted)
    try:
        await _judge_clock(station, csms, spec, profile, "16.BOOT.08", shift)
        csms.keep_answering("Heartbeat", lambda _: {"currentTime": _now(-shift)})
        mark = csms.now
        if (await csms.speak.trigger("Heartbeat"))["status"] != "Accepted":
            spec.unproven("16.HEARTBEAT.05", "the station does not send a heartbeat when it is asked for one")
            return
        beat = await csms.expect("Heartbeat", after=mark)
        await csms.answered(beat, within=profile.timing.answer)
        await _judge_clock(station, csms, spec, profile, "16.HEARTBEAT.05", -shift)
    finally:
        csms.answer("Heartbeat")
        await reboot(station, csms)


async def _judge_clock(  # noqa: PLR0913 -- who is asked, and what is judged by it
    station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile, requirement: str, shift: timedelta
) -> None:
    """Have the station tell the time, and see how far it is off what it was told."""
    told = await _something_dated(station, csms, profile)
    moment = parse_timestamp(str(_date(told))) if told is not None else None
    if told is None or moment is None:
        spec.unproven(requirement, "the station could not be brought to tell the time")
        return
    with spec(requirement):
        csms.touch(told)
        error = abs(moment - told.utc - shift)
        assert error <= timedelta(seconds=profile.timing.tolerance + profile.timing.answer), (
            f"the station's clock is {error.total_seconds():.1f} s off the time that it was told"
        )


async def _something_dated(station: StationDriver, csms: CsmsPeer, profile: SutProfile) -> Received | None:
    """A message with the time of now: meter values that were asked for, or the status of a connector plugged in."""
    mark = csms.now
    if (await csms.speak.trigger("MeterValues"))["status"] == "Accepted":
        with suppress(NotSeen):
            return await csms.expect("MeterValues", after=mark, where=lambda message: _date(message) is not None)
    if not station.can("plug_in"):
        return None
    spot = profile.connectors[0]
    try:
        await station.plug_in(*spot)
        with suppress(NotSeen):
            return await csms.expect("StatusNotification", after=mark, where=lambda message: "timestamp" in message)
    except Unsupported:
        pass
    finally:
        await pull_plug(station, spot)
    return None


def _date(message: Mapping[str, Any]) -> str | None:
    values = message.get("meterValue")
    found = values[-1].get("timestamp") if values else message.get("timestamp")
    return found if isinstance(found, str) else None


def _now(shift: timedelta) -> str:
    return (datetime.now(UTC) + shift).isoformat(timespec="milliseconds").replace("+00:00", "Z")
