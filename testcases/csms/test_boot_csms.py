"""The boot as a CSMS has to handle it: who is taken on, what is said before, times, states, security events."""

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.clock import Reading, not_the_present
from conformance.peers import v16, v201
from conformance.peers.csms_boot import (
    GONE,
    AnotherStation,
    booted_after,
    boots_until_accepted,
    gone,
    is_interval,
    listed,
    none_came,
    pause,
    provisioned,
    put_off,
    reading,
    refused_with,
    served,
    taken,
)
from conformance.peers.csms_scenes import accepting, base_report, commanded, reads, station_201, trigger
from conformance.peers.received import NoAnswer, Received, Refused
from conformance.peers.station import StationPeer
from conformance.peers.variety import Said, boots, premature, security_events, states, strange_times, times
from conformance.sut.drivers import CsmsDriver
from conformance.sut.profile import SutProfile

STATUSES = ("Accepted", "Pending", "Rejected")


# -- accepted ---------------------------------------------------------------------------------------------------------


@case(
    "TC_B_01_CSMS",
    "A station that the CSMS knows boots, and is accepted",
    requirements=["CSMS.BOOT.01", "B01.FR.02", "BOOT.TIME.01", "CSMS.STATUS.01", "G02.FR.03"],
    severity=Severity.BLOCKER,
)
@case(
    "TC_001_CSMS",
    "A charge point that the central system knows boots, and is accepted",
    versions=["1.6"],
    requirements=["16.BOOT.25", "16.BOOT.02", "16.BOOT.09", "16.STATUS.08", "16.HEARTBEAT.02"],
    severity=Severity.BLOCKER,
)
async def test_accepted(station: StationPeer, spec: Spec, profile: SutProfile) -> None:
    """Come as after power-on; being put off first is a lawful way to be taken on."""
    await station.disconnect()
    await station.connect()
    with spec.must("B01.FR.02"):
        answer = await station.boot()
        assert answer["status"] in STATUSES, f"the boot was answered {answer['status']}"
    with spec("BOOT.TIME.01"):
        _tells_time_and_interval(station, answer)
    with spec.must("CSMS.BOOT.01"):
        last = await boots_until_accepted(station, profile, answer)
        assert last["status"] == "Accepted", f"the boot of a station that is known was answered {last['status']}"
    with spec("CSMS.STATUS.01"):
        await station.report_all_connectors()
    with spec("G02.FR.03"):
        wrong = not_the_present([reading(station, await station.heartbeat())])
        assert not wrong, f"the time in the answer to a heartbeat is {wrong}"


def _tells_time_and_interval(station: StationPeer, answer: Received) -> None:
    wrong = not_the_present([reading(station, answer)])
    assert not wrong, f"the time in the answer to the boot is {wrong}"
    assert is_interval(answer["interval"]), f"the interval is {answer['interval']}, which is no number of seconds"


@case(
    "BOOT_VARIETY_CSMS",
    "Whatever a station tells of itself at boot, within the schema, it gets an answer",
    versions=["2.0.1", "1.6"],
    requirements=["B01.FR.02", "BOOT.TIME.01"],
    severity=Severity.CRITICAL,
)
async def test_boot_variety(station: StationPeer, spec: Spec) -> None:
    """Boot with as little and as much as there may be; whether it is accepted each time is up to the CSMS."""
    wrong, untold = [], []
    for words, payload in boots(station).items():
        if station.link is None:  # a CSMS may hang up on whom it has rejected
            await station.connect()
        try:
            answer = await station.call("BootNotification", payload)
        except Refused as missed:
            wrong.append(f"{words}: {missed}")
            continue
        except NoAnswer as missed:
            wrong.append(f"{words}: {missed}")
            break
        if answer.get("status") not in STATUSES:
            wrong.append(f"{words}: the boot was answered {answer.get('status')}")
        if not (answer.get("currentTime") and is_interval(answer.get("interval"))):
            untold.append(f"{words}: {answer}")
    with spec("B01.FR.02"):
        assert not wrong, listed(wrong)
    with spec("BOOT.TIME.01"):
        assert not untold, listed(untold)


@case(
    "BOOT_AGAIN_CSMS",
    "A station that boots again on the connection that it has is taken on again",
    versions=["2.0.1", "1.6"],
    requirements=["CSMS.BOOT.01", "CSMS.STATUS.01"],
    severity=Severity.NORMAL,
)
async def test_boot_again(station: StationPeer, spec: Spec, profile: SutProfile) -> None:
    """As a station does whose application restarts while its modem holds the connection."""
    link = await station.connected()
    for _ in range(2):
        with spec.must("CSMS.BOOT.01"):
            last = await boots_until_accepted(station, profile, await station.boot("Watchdog"))
            assert last["status"] == "Accepted", f"a boot on the same connection was answered {last['status']}"
            assert station.link is link, "the connection was closed by the CSMS over another boot"
        with spec("CSMS.STATUS.01"):
            await station.report_all_connectors()


# -- pending ----------------------------------------------------------------------------------------------------------


@case(
    "TC_B_02_CSMS",
    "A station that is put on Pending is kept on the line, and accepted later",
    requirements=["BOOT.TIME.01", "B02.FR.06", "CSMS.BOOT.02", "CSMS.STATUS.01"],
    severity=Severity.CRITICAL,
    needs="boot-pending",
)
@case(
    "BOOT_PENDING_CSMS",
    "A charge point that is put on Pending is kept on the line, and accepted later",
    versions=["1.6"],
    requirements=["16.BOOT.09", "16.BOOT.17", "16.BOOT.27", "16.STATUS.08"],
    severity=Severity.CRITICAL,
    needs="boot-pending",
)
async def test_pending(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Answer whatever it asks meanwhile; how often it says Pending is up to the CSMS."""
    async with put_off(csms, station, profile, "Pending") as pending:
        with spec("BOOT.TIME.01"):
            _tells_time_and_interval(station, pending)
    with spec.must("CSMS.BOOT.02"):
        last = await boots_until_accepted(station, profile, pending)
        assert last["status"] == "Accepted", f"the last boot after Pending was answered {last['status']}"
    with spec("B02.FR.06"):
        since = station.transcript.since(pending.n)
        closed = [each for each in since if each.kind == "close" and each.link == pending.entry.link]
        station.touch(*closed)
        assert not closed, f"the connection was closed while the boot was pending: {closed[0].detail['reason']}"
    with spec("CSMS.STATUS.01"):
        await station.report_all_connectors()


@case(
    "TC_B_30_CSMS",
    "What a station says before it is accepted is refused as a breach of security",
    requirements=["B02.FR.09", "B01.FR.10"],
    severity=Severity.CRITICAL,
    needs="boot-pending or not (refuses-unknown-stations or accepts-unknown-stations)",
)
@case(
    "BOOT_PENDING_TRAFFIC_CSMS",
    "What a charge point says before it is accepted is refused as a breach of security",
    versions=["1.6"],
    requirements=["16.BOOT.22"],
    severity=Severity.NORMAL,
    needs="boot-pending or not (refuses-unknown-stations or accepts-unknown-stations)",
)
async def test_pending_traffic(
    station: StationPeer, csms: CsmsDriver, another_station: AnotherStation, spec: Spec, profile: SutProfile
) -> None:
    """One message of each kind while pending; without that claim, by a station that the CSMS does not know."""
    token = profile.parameters.valid_id_token.payload
    if profile.claims("boot-pending"):
        async with put_off(csms, station, profile, "Pending") as pending:
            wrong = await refused_with(station, premature(station, token), "SecurityError")
            _judge_premature(spec, wrong, "B02.FR.09", "B01.FR.10")
        await boots_until_accepted(station, profile, pending)
        return
    stranger = another_station(profile.parameters.unknown_identity)
    await stranger.connect()
    status = (await stranger.boot())["status"]
    assert status in ("Pending", "Rejected"), f"a station that the CSMS does not know was answered {status}"
    if status == "Pending":
        wrong = await refused_with(stranger, premature(stranger, token), "SecurityError")
        _judge_premature(spec, wrong, "B02.FR.09", "B01.FR.10")
    else:
        spec.excuse("B02.FR.09", "the station was rejected, not put on Pending")
        await _judge_rejected(stranger, spec, profile, "B01.FR.10")


def _judge_premature(spec: Spec, wrong: list[str], *requirements: str) -> None:
    for each in requirements:
        with spec(each):
            assert not wrong, f"expected CALLERROR SecurityError, but {listed(wrong)}"


async def _judge_rejected(station: StationPeer, spec: Spec, profile: SutProfile, *requirements: str) -> None:
    """Have a rejected station speak; with a CSMS that hangs up on it, only what was answered before that counts."""
    link, wrong = station.link, [GONE]
    if link is not None and not await gone(station, link, within=profile.timing.settle):
        said = premature(station, profile.parameters.valid_id_token.payload)
        wrong = await refused_with(station, said, "SecurityError")
    if wrong and wrong[-1].endswith(GONE):
        wrong.pop()
        if not wrong:
            for each in requirements:
                spec.unproven(each, "the CSMS closes the connection of a station that it rejects")
            return
    _judge_premature(spec, wrong, *requirements)


@case(
    "BOOT_PENDING_ASKED_CSMS",
    "What the CSMS asks a pending station for, it takes",
    requirements=["J.ANSWER.01"],
    severity=Severity.NORMAL,
    needs="boot-pending",
)
async def test_pending_asked(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """While pending, have it ask for a report and for the state of a connector, and send both."""
    dialect = station_201(station)
    place = station.equipment.connectors[0]
    inventory = base_report("FullInventory")
    state = trigger(station, "StatusNotification", evse=place[0].id, connector=place[1].id)
    for command in (inventory, state):
        station.keep_answering(command.action, accepting(command, otherwise={"status": "Accepted"}))
    async with put_off(csms, station, profile, "Pending") as pending:
        asked = await commanded(csms, station, profile, inventory)
        some = dialect.report_parts(asked["requestId"], dialect.model.variables[:25])
        said: list[tuple[str, Said]] = [
            (f"part {part['seqNo']} of the report", ("NotifyReport", part)) for part in some
        ]
        wrong = await taken(station, said)
        await commanded(csms, station, profile, state)
        told = v201.status_notification(place[0].id, place[1].id, "Available")
        wrong += await taken(station, [("the state that was triggered", ("StatusNotification", told))])
        with spec("J.ANSWER.01"):
            assert not wrong, f"what the CSMS has asked for while pending was refused: {listed(wrong)}"
    await boots_until_accepted(station, profile, pending)


@case(
    "TC_B_31_CSMS",
    "A pending station is asked to boot before its time, and is accepted",
    requirements=["CSMS.TRIGGER.01", "CSMS.BOOT.02"],
    severity=Severity.NORMAL,
    needs="boot-pending",
)
@case(
    "BOOT_TRIGGERED_CSMS",
    "A pending charge point is asked to boot before its time, and is accepted",
    versions=["1.6"],
    requirements=["16.TRIGGER.12", "16.BOOT.27"],
    severity=Severity.NORMAL,
    needs="boot-pending and remote-trigger",
)
async def test_triggered_boot(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """An operator has it boot again; it does so at once."""
    async with put_off(csms, station, profile, "Pending") as pending:
        await csms.set_registration("Accepted")
        with spec.must("CSMS.TRIGGER.01"):
            await commanded(csms, station, profile, trigger(station, "BootNotification"))
        with spec("CSMS.BOOT.02"):
            await booted_after(station, pending, within=profile.timing.answer)
            last = await boots_until_accepted(station, profile, station.booted or pending)
            assert last["status"] == "Accepted", f"the boot that was asked for was answered {last['status']}"


@case(
    "BOOT_PENDING_NO_START_CSMS",
    "A pending charge point is not asked to start or stop a transaction",
    versions=["1.6"],
    requirements=["16.BOOT.20"],
    severity=Severity.NORMAL,
    needs="boot-pending",
)
async def test_pending_no_start(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """An operator asks for a remote start and a remote stop; they have to wait, or to be refused."""
    for action in ("RemoteStartTransaction", "RemoteStopTransaction"):
        station.keep_answering(action, {"status": "Rejected"})
    async with put_off(csms, station, profile, "Pending") as pending:
        tasks = [
            csms.launch("RemoteStartTransaction", v16.remote_start(profile.parameters.valid_id_token.id_token)),
            csms.launch("RemoteStopTransaction", {"transactionId": 1}),
        ]
        with spec("16.BOOT.20"):
            await none_came(
                station,
                *("RemoteStartTransaction", "RemoteStopTransaction"),
                since=pending.n,
                for_=profile.timing.settle,
            )
    await boots_until_accepted(station, profile, pending)
    for each in tasks:
        each.cancel()


# -- rejected ---------------------------------------------------------------------------------------------------------


@case(
    "BOOT_REJECTED_CSMS",
    "A station that was rejected hears nothing from the CSMS, and is heard again when it boots",
    versions=["2.0.1", "1.6"],
    requirements=["B03.FR.03", "CSMS.BOOT.01"],
    severity=Severity.NORMAL,
    needs="boot-rejected",
)
async def test_rejected(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """An operator asks for something meanwhile; it has to wait for the next boot, or to be refused."""
    read = reads(station)[0]
    async with put_off(csms, station, profile, "Rejected") as rejected:
        task = csms.launch(read.action, read.payload)
        with spec("B03.FR.03"):
            await none_came(station, since=rejected.n, for_=profile.timing.settle)
    with spec("CSMS.BOOT.01"):
        last = await boots_until_accepted(station, profile, rejected)
        assert last["status"] == "Accepted", f"the last boot after Rejected was answered {last['status']}"
    task.cancel()


@case(
    "BOOT_REJECTED_TRAFFIC_CSMS",
    "What a rejected station says is refused as a breach of security",
    versions=["2.0.1", "1.6"],
    requirements=["B03.FR.07", "B01.FR.10"],
    severity=Severity.CRITICAL,
    needs="boot-rejected",
)
async def test_rejected_traffic(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """One message of each kind; a CSMS that hangs up on whom it has rejected can't be asked."""
    async with put_off(csms, station, profile, "Rejected") as rejected:
        await _judge_rejected(station, spec, profile, "B03.FR.07", "B01.FR.10")
    await boots_until_accepted(station, profile, rejected)


# -- before any boot --------------------------------------------------------------------------------------------------


@case(
    "SPEAKS_BEFORE_BOOT_CSMS",
    "A station that was never seen and speaks before it boots is not served, and is once it has booted",
    versions=["2.0.1", "1.6"],
    requirements=["B01.FR.10", "CSMS.BOOT.01"],
    severity=Severity.MINOR,
)
async def test_speaks_before_boot(
    csms: CsmsDriver, another_station: AnotherStation, spec: Spec, profile: SutProfile
) -> None:
    """A station that comes back need not boot, so what is said before it can only be doubted of one that is new."""
    identity = f"{profile.parameters.unknown_identity[:40]}-NEW"
    async with provisioned(csms, identity, another_station, profile) as station:
        await station.connect()
        wrong = await refused_with(station, [("Heartbeat", {})], "SecurityError")
        if wrong:
            spec.warn("B01.FR.10", f"a station that had never booted: {listed(wrong)}")
        else:
            _judge_premature(spec, wrong, "B01.FR.10")
        if station.link is None:
            await station.connect()
        with spec("CSMS.BOOT.01"):
            last = await boots_until_accepted(station, profile, await station.boot())
            assert last["status"] == "Accepted", f"the boot of a new station was answered {last['status']}"
            await served(station)


# -- times ------------------------------------------------------------------------------------------------------------


@case(
    "TIME_CSMS",
    "The times that the CSMS tells are those of the present, whatever a station's own clock shows",
    versions=["2.0.1", "1.6"],
    requirements=["BOOT.TIME.01", "G02.FR.03", "CSMS.TIME.01"],
    severity=Severity.CRITICAL,
)
async def test_times(station: StationPeer, spec: Spec, profile: SutProfile) -> None:
    """Three boots and three heartbeats over two seconds, with states in between that are dated by a wrong clock."""
    from_boots, from_heartbeats = list[Reading](), list[Reading]()
    for n, wrongly_dated in zip(range(_READINGS), strange_times(station), strict=False):
        if n:
            await pause(station, "the CSMS's clock to move on", _BETWEEN)
        with spec("BOOT.TIME.01"):
            from_boots.append(reading(station, await station.boot()))
        await taken(station, [wrongly_dated])
        with spec("G02.FR.03"):
            from_heartbeats.append(reading(station, await station.heartbeat()))
    for requirement, what, told in (
        ("BOOT.TIME.01", "boots", from_boots),
        ("G02.FR.03", "heartbeats", from_heartbeats),
    ):
        with spec(requirement):
            wrong = not_the_present(told)
            assert not wrong, f"the times in the answers to {what} are {wrong}"
    with spec("CSMS.TIME.01"):
        worst = max((each.error.total_seconds() for each in (*from_boots, *from_heartbeats)), key=abs, default=None)
        assert worst is not None, "no time was told"
        assert abs(worst) <= profile.timing.clock, (
            f"the CSMS's clock is {abs(worst):.1f} s {'fast' if worst > 0 else 'slow'} by that of this computer"
        )


_READINGS = 3
_BETWEEN = 1.05
"""Seconds, so that the first and the last time have to differ even if they are written in whole seconds."""


# -- states -----------------------------------------------------------------------------------------------------------


@case(
    "STATUS_VARIETY_CSMS",
    "Every state of a connector is taken, in whatever way it is told",
    versions=["2.0.1", "1.6"],
    requirements=["CSMS.STATUS.01"],
    severity=Severity.CRITICAL,
)
async def test_states(station: StationPeer, spec: Spec) -> None:
    """All of them, of each connector."""
    wrong = await taken(station, states(station))
    with spec("CSMS.STATUS.01"):
        assert not wrong, listed(wrong)


@case(
    "STATUS_TIMES_CSMS",
    "A state is taken however its time is written, and even if the station's clock is wrong",
    versions=["2.0.1", "1.6"],
    requirements=["16J.TIME.02", "CSMS.STATUS.01"],
    severity=Severity.NORMAL,
)
async def test_state_times(station: StationPeer, spec: Spec) -> None:
    """With and without fractions and offsets; then as a station that has lost its time."""
    written, wrong = await taken(station, times(station)), await taken(station, strange_times(station))
    with spec("16J.TIME.02"):
        assert not written, listed(written)
    with spec("CSMS.STATUS.01"):
        assert not written + wrong, listed(written + wrong)


# -- security events --------------------------------------------------------------------------------------------------


@case(
    "SECURITY_EVENT_CSMS",
    "Security events are acknowledged",
    requirements=["A04.FR.03"],
    severity=Severity.NORMAL,
)
@case(
    "SECURITY_EXTENSION_EVENT_CSMS",
    "Security events are acknowledged, where the central system knows the security extension",
    versions=["1.6"],
    requirements=["16S.A04.FR.03"],
    severity=Severity.NORMAL,
    needs="security-extension",
)
async def test_security_events(station: StationPeer, spec: Spec) -> None:
    """One that the documents name, one that they don't, and one of full length."""
    wrong = await taken(station, security_events(station))
    with spec("A04.FR.03"):
        assert not wrong, listed(wrong)
