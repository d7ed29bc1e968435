"""What an operator asks of a CSMS, whatever it is: one call at a time, ids, answers of every kind, and triggers."""

from contextlib import suppress

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles import commands as rules
from conformance.oracles.wire import Misses, message_ids
from conformance.peers.csms_boot import gone, rebooted
from conformance.peers.csms_scenes import (
    DEFAULT,
    Command,
    accepting,
    claimed_triggers,
    commanded,
    odd_answers,
    reads,
    trigger,
    writes,
)
from conformance.peers.received import NotSeen, Received
from conformance.peers.replies import Silence
from conformance.peers.station import StationPeer
from conformance.peers.wire_scenes import judge_misses
from conformance.sut.drivers import CsmsDriver, DriverFailed, Unsupported
from conformance.sut.profile import SutProfile
from conformance.wire.frames import Call
from conformance.wire.transcript import Transcript

REJECTED = {"status": "Rejected"}


# -- one at a time ----------------------------------------------------------------------------------------------------


@case(
    "ONE_OPEN_CALL_CSMS",
    "The CSMS sends its next call once the last one was answered, and answers the station meanwhile",
    versions=["2.0.1", "1.6"],
    requirements=["J.SYNC.01", "J.SYNC.02"],
    severity=Severity.CRITICAL,
)
async def test_one_open_call(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Ask for three things at once, hold the first answer back for less than the CSMS waits, and see what comes."""
    wanted = reads(station)[:3]
    any_of_them = Command(wanted[0].action, {}, lambda asked: any(each.fits(asked) for each in wanted))
    station.keep_answering(any_of_them.action, accepting(any_of_them, *[Silence()] * len(wanted)))
    mark = station.now
    for each in wanted:
        csms.launch(each.action, each.payload)
    first = await come(any_of_them, station, after=mark, within=profile.timing.command)
    with spec("J.SYNC.01"):
        await station.silence(for_=min(profile.timing.settle, profile.timing.call_timeout / 4), since=first)
    with spec("J.SYNC.02"):
        await station.call("Heartbeat", {}, within=profile.timing.call_timeout / 2)
    station.answer(first.action)
    for call in station.seen(first.action, after=mark):
        exchange = station.transcript.exchange(call.entry)
        if exchange is not None and exchange.answer is None:
            station.answer_at_last(call)
    with suppress(NotSeen):
        await station.until(lambda: all_came(wanted, station, mark), "the others", within=profile.timing.command)


@case(
    "UNANSWERED_COMMAND_CSMS",
    "A call that the station never answers does not keep the CSMS from sending others",
    versions=["2.0.1", "1.6"],
    requirements=["CSMS.SYNC.01"],
    severity=Severity.NORMAL,
)
async def test_unanswered(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Never answer one, wait for the next for as long as the CSMS takes to give up, and answer then after all."""
    lost, wanted = reads(station)[:2]
    station.keep_answering(lost.action, accepting(lost, Silence()))
    mark = station.now
    csms.launch(lost.action, lost.payload)
    unanswered = await come(lost, station, after=mark, within=profile.timing.command)
    csms.launch(wanted.action, wanted.payload)
    limit = profile.timing.call_timeout + profile.timing.command
    with spec("CSMS.SYNC.01"):
        await come_even_if_hung_up(csms, wanted, station, after=unanswered, within=limit)
        station.answer_at_last(unanswered)
        link = await station.connected()
        assert not await gone(station, link, within=profile.timing.settle), (
            "an answer that came late ended the connection"
        )
        await station.heartbeat()


async def come(command: Command, station: StationPeer, *, after: int | Received, within: float) -> Received:
    """Wait for a call that does this; raises NotSeen."""
    return await station.expect(command.action, where=command.fits, after=after, within=within)


def all_came(commands: list[Command], station: StationPeer, mark: int) -> bool:
    """Whether a call has come for each of these."""
    return all(any(each.fits(call) for call in station.seen(each.action, after=mark)) for each in commands)


async def come_even_if_hung_up(
    csms: CsmsDriver, command: Command, station: StationPeer, *, after: Received, within: float
) -> None:
    """Wait for a call; a CSMS that hangs up on a station that does not answer is dialled, and asked again.

    So is one from which nothing comes: its patience with a command may include the time that this stood in a queue.
    """
    with suppress(NotSeen):
        await station.until(
            lambda: (
                station.link is None or any(command.fits(call) for call in station.seen(command.action, after=after))
            ),
            f"{command} after one that was not answered",
            within=within,
        )
    if station.link is None:
        await station.come_back()
    if not any(command.fits(call) for call in station.seen(command.action, after=after)):
        csms.launch(command.action, command.payload)
    await come(command, station, after=after, within=within)


@case(
    "COMMAND_IDS_CSMS",
    "Every call of the CSMS has an id of its own, also on the next connection",
    versions=["2.0.1", "1.6"],
    requirements=["J.ID.02"],
    severity=Severity.NORMAL,
)
async def test_ids(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Have it send two commands, come back after a reboot, and have it send two others."""
    mark, wanted = station.now, reads(station)[:4]
    for each in wanted[:2]:
        await commanded(csms, station, profile, each)
    await rebooted(station, profile, "PowerUp")
    await station.report_all_connectors()
    for each in wanted[2:]:
        await commanded(csms, station, profile, each)
    judge(station, spec, {"J.ID.02": message_ids(station.transcript, station.identity)["J.ID.02"]}, since=mark)


# -- answers ----------------------------------------------------------------------------------------------------------


@case(
    "ANSWERS_OF_EVERY_KIND_CSMS",
    "Whatever a station answers to a command, within the schema, the CSMS can send others",
    versions=["2.0.1", "1.6"],
    requirements=["CSMS.COMMAND.01"],
    severity=Severity.CRITICAL,
)
async def test_answers(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Refusals of every kind, errors, and results with everything that is rare but right, one after the other."""
    await commanded(csms, station, profile, reads(station)[0])
    told = ""
    station.keep_answering("Reset", REJECTED)
    for odd in odd_answers(station):
        command = odd.command
        rest = REJECTED if command.action == "Reset" else DEFAULT
        station.keep_answering(command.action, accepting(command, odd.answer, otherwise=rest, others=rest))
        with spec.must("CSMS.COMMAND.01"):
            try:
                await commanded(csms, station, profile, command)
            except Unsupported:
                continue
            except NotSeen as missing:
                raise AssertionError(f"{missing}; before it, {told or 'nothing odd was answered'}") from missing
        told = f"{command} was answered with {odd.what}"
    with spec("CSMS.COMMAND.01"):
        await commanded(csms, station, profile, reads(station)[0])
        await station.heartbeat()


# -- triggers ---------------------------------------------------------------------------------------------------------


@case(
    "TRIGGER_CSMS",
    "Asked for messages of the station, the CSMS triggers each, and takes it",
    requirements=["CSMS.TRIGGER.01", "F06.FR.13", "J.ANSWER.01"],
    severity=Severity.NORMAL,
    needs="trigger-message",
)
@case(
    "TC_054_CSMS",
    "Asked for messages of the charge point, the central system triggers each, and takes it",
    versions=["1.6"],
    requirements=["16.TRIGGER.12", "16.TRIGGER.13", "16J.ANSWER.01"],
    severity=Severity.NORMAL,
    needs="remote-trigger and (trigger-meter-values or trigger-heartbeat or trigger-status-notification"
    " or trigger-diagnostics-status or trigger-firmware-status)",
)
async def test_trigger(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Each kind of message that a station may be asked for; the state of a connector needs that connector."""
    evse, connector = station.equipment.connectors[0]
    mark = station.now
    for message in claimed_triggers(station, profile):
        placed = message in ("StatusNotification", "MeterValues")
        command = trigger(station, message, evse=evse.id if placed else None, connector=connector.id)
        with spec.must("CSMS.TRIGGER.01"):
            asked = await commanded(csms, station, profile, command)
        if station.answered_with(asked).get("status") != "Accepted":
            spec.excuse("J.ANSWER.01", f"{message} was asked for in a way that a station can't serve")
            continue
        with spec("J.ANSWER.01"):
            await station.told(message, after=asked)
    judge(station, spec, rules.triggers(station.transcript, station.identity), since=mark)


@case(
    "TC_055_CSMS",
    "A trigger for a connector that does not exist is rejected, and the central system goes on",
    versions=["1.6"],
    requirements=["16.TRIGGER.12", "16.COMMAND.01"],
    severity=Severity.MINOR,
    needs="remote-trigger and trigger-unknown-connector",
)
async def test_trigger_rejected(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The connector after the last."""
    wanted = {"requestedMessage": "MeterValues", "connectorId": len(station.equipment.connectors) + 1}
    command = Command("TriggerMessage", wanted, lambda asked: all(asked[key] == wanted[key] for key in wanted))
    with spec.must("16.TRIGGER.12"):
        await commanded(csms, station, profile, command)
    with spec("16.COMMAND.01"):
        await commanded(csms, station, profile, reads(station)[0])
        await station.heartbeat()


@case(
    "TRIGGER_BOOT_CSMS",
    "Once it has accepted a boot, the CSMS does not trigger another, not even when asked to",
    requirements=["CSMS.TRIGGER.02"],
    severity=Severity.MINOR,
    needs="trigger-message",
)
@case(
    "TRIGGER_BOOT_16_CSMS",
    "Once it has accepted a boot, the central system does not trigger another, not even when asked to",
    versions=["1.6"],
    requirements=["16.TRIGGER.10"],
    severity=Severity.MINOR,
    needs="remote-trigger",
)
async def test_trigger_boot(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """What comes after it shows that it had its time."""
    mark = station.now
    with suppress(DriverFailed):
        await csms.command("TriggerMessage", {"requestedMessage": "BootNotification"})
    await commanded(csms, station, profile, reads(station)[0])
    judge(station, spec, rules.boots_triggered(station.transcript, station.identity), since=mark)


# -- always on --------------------------------------------------------------------------------------------------------


@case(
    "COMMANDS_BY_THE_RULES_CSMS",
    "What the CSMS sends of its own accord, or was asked for, keeps to the rules for it",
    versions=["2.0.1", "1.6"],
    requirements=["B05.FR.13", "F06.FR.13", "CSMS.TRIGGER.02", "16.TRIGGER.13"],
    severity=Severity.MINOR,
    always_on=True,
)
async def test_by_the_rules(
    station: StationPeer, csms: CsmsDriver, spec: Spec, transcript: Transcript, profile: SutProfile
) -> None:
    """Look at every trigger and every SetVariables of the session; where there was none, ask for one."""
    evse, connector = station.equipment.connectors[0]
    state = trigger(station, "StatusNotification", evse=evse.id, connector=connector.id)
    for command in (state, *writes(station)):
        if not transcript.frames(sender="sut", station=station.identity, kind=Call, action=command.action):
            with suppress(NotSeen, Unsupported, DriverFailed):
                await commanded(csms, station, profile, command)
    judge(station, spec, rules.triggers(transcript, station.identity), since=0)
    judge(station, spec, rules.boots_triggered(transcript, station.identity), since=0)
    judge(station, spec, rules.set_twice(transcript, station.identity), since=0)


def judge(station: StationPeer, spec: Spec, misses: Misses, *, since: int) -> None:
    """Turn what an oracle has found from entry `since` on into findings that point at the frames."""
    for requirement, found in misses.items():
        late = [miss for miss in found if miss.entries[-1].n >= since]
        judge_misses(station, spec, requirement, late)
