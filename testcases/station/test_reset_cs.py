"""Use cases B11 and B12: the CSMS resets the station or one EVSE of it, without and with transactions."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms import CsmsPeer
from conformance.peers.received import NoAnswer, NotSeen, Received
from conformance.peers.replies import Chosen, Silence
from conformance.peers.scenes import (
    Charging,
    all_connectors_reported,
    connectors_show,
    ended,
    inoperative,
    latest_statuses,
    pull_plug,
    read_variable,
    restart,
    running,
    settled_statuses,
    stop_authorized,
    transaction,
    vacated,
)
from conformance.peers.v201 import CSMS_ANSWERS
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile

CANNOT_NOW = "the station says that it can't reset at this moment (Rejected), so nothing can be seen of the reset"


# -- no transaction ---------------------------------------------------------------------------------------------------


@case(
    "TC_B_20_CS",
    "Reset when idle: the station restarts and boots as ever",
    requirements=["B11.FR.01", "B11.FR.03", "B11.FR.04", "B01.FR.03", "B01.FR.05"],
    severity=Severity.CRITICAL,
)
async def test_idle(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Nothing goes on, so OnIdle is at once; a station that is busy in other ways may put it off (B11.FR.07)."""
    with spec.must("B11.FR.01"):
        answer = await reset(csms, "OnIdle")
    assert answer["status"] != "Rejected", CANNOT_NOW
    boot = await restarted(csms, spec, answer)
    with spec("B01.FR.05"):
        await all_connectors_reported(csms, profile.connectors, after=boot)
    with spec("B11.FR.04"):
        booted_by_the_rules(csms, boot)


@case(
    "TC_B_23_CS",
    "An EVSE that was made unavailable is unavailable again after a reset",
    requirements=[
        "B11.FR.01",
        "B11.FR.02",
        "B11.FR.03",
        "B11.FR.04",
        "B01.FR.03",
        "B01.FR.07",
        "B01.FR.09",
        "G03.FR.08",
    ],
    severity=Severity.CRITICAL,
)
async def test_unavailable_persists(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Take one EVSE out of use, reset, and see what its connectors come to in the end."""
    evse = profile.evse[0].id
    connectors = [each for each in profile.connectors if each[0] == evse]
    async with inoperative(csms, connectors, place=evse):
        with spec.must("B11.FR.01"):
            answer = await reset(csms, "OnIdle")
        assert answer["status"] != "Rejected", CANNOT_NOW
        boot = await restarted(csms, spec, answer)
        with spec("B01.FR.09"):
            right = "RemoteReset" if answer["status"] == "Accepted" else "ScheduledReset"
            assert boot["reason"] in (right, "RemoteReset"), f"expected the boot reason {right}, got {boot['reason']}"
        with spec.must("B11.FR.04"):
            statuses = await settled_statuses(csms, connectors, after=boot, settle=profile.timing.settle)
            booted_by_the_rules(csms, boot)
        for requirement in ("B11.FR.02", "B01.FR.07", "G03.FR.08"):
            with spec(requirement):
                for connector in connectors:
                    csms.touch(statuses[connector].message)
                    assert statuses[connector].status == "Unavailable", (
                        f"EVSE {evse} was made inoperative, and connector {connector[1]} was "
                        f"{statuses[connector].status} after the reset"
                    )


@case(
    "TC_G_19_CS",
    "A single connector that was made unavailable stays so over a power cut or a reset",
    requirements=["G03.FR.08"],
    severity=Severity.NORMAL,
)
@case(
    "CONNECTOR_STAYS_UNAVAILABLE_CS",
    "A single connector that was made unavailable stays so over a power cut or a reset",
    versions=["1.6"],
    requirements=["16.AVAIL.06"],
    severity=Severity.NORMAL,
)
async def test_connector_stays_unavailable(
    station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile
) -> None:
    """One connector only; by its mains where the driver can, by an immediate reset where not."""
    connector = profile.connectors[0]
    async with inoperative(csms, [connector], place=connector):
        mark = csms.now
        how = await restart(station, csms)
        boot = await csms.expect("BootNotification", after=mark)
        statuses = await settled_statuses(csms, [connector], after=boot, settle=profile.timing.settle)
        with spec("G03.FR.08"):
            csms.touch(statuses[connector].message)
            assert statuses[connector].status == "Unavailable", (
                f"{csms.speak.name(connector)} was made inoperative, and was {statuses[connector].status} after a {how}"
            )


@case(
    "TC_G_21_CS",
    "A station that was made unavailable as a whole stays so over a power cut or a reset",
    requirements=["B01.FR.07", "G04.FR.09"],
    severity=Severity.NORMAL,
)
async def test_station_stays_unavailable(
    station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile
) -> None:
    """All of it; by its mains where the driver can, by an immediate reset where not."""
    async with inoperative(csms, profile.connectors):
        mark = csms.now
        how = await restart(station, csms)
        boot = await csms.expect("BootNotification", after=mark)
        statuses = await settled_statuses(csms, profile.connectors, after=boot, settle=profile.timing.settle)
        for requirement in ("B01.FR.07", "G04.FR.09"):
            with spec(requirement):
                for connector in profile.connectors:
                    csms.touch(statuses[connector].message)
                    assert statuses[connector].status == "Unavailable", (
                        f"the station was made inoperative, and {csms.speak.name(connector)} was "
                        f"{statuses[connector].status} after a {how}"
                    )


@case(
    "RESET_BOOT_REASON_CS",
    "Each reset brings one boot of its own, and the boot names the reset as its reason",
    requirements=["B01.FR.03", "B01.FR.09"],
    severity=Severity.NORMAL,
)
async def test_boot_reasons(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Reset it when idle, then at once; what comes after a reset that had to wait is judged by TC_B_21_CS."""
    for kind in ("OnIdle", "Immediate"):
        answer = await reset(csms, kind)
        assert answer["status"] == "Accepted", f"Reset {kind} of an idle station was answered {answer['status']}"
        with spec.must("B01.FR.03"):
            boot = await boot_after(csms, answer)
        with spec("B01.FR.09"):
            assert boot["reason"] == "RemoteReset", (
                f"expected the boot reason RemoteReset after Reset {kind}, got {boot['reason']}"
            )
        with suppress(NotSeen):
            await all_connectors_reported(csms, profile.connectors, after=boot)


# -- with transactions ------------------------------------------------------------------------------------------------


@case(
    "TC_B_21_CS",
    "Reset when idle, during a transaction: the station waits for its end, and restarts then",
    requirements=["B12.FR.01", "B12.FR.03", "B01.FR.03", "B01.FR.05", "B01.FR.09", "BOOT.REASON.01", "A04.FR.01"],
    severity=Severity.CRITICAL,
)
async def test_on_idle_in_transaction(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for the reset, see that nothing happens, and let the driver leave."""
    token = profile.parameters.valid_id_token.payload
    async with vacated(station, csms):
        session = await transaction(station, csms, profile.connectors[0], token)
        with spec.must("B12.FR.01"):
            answer = await reset(csms, "OnIdle")
            assert answer["status"] == "Scheduled", f"expected Scheduled, got {answer['status']}"
        with spec.must("B12.FR.03"):
            await goes_on(csms, session, answer, for_=profile.timing.settle)
        event = await leave(station, csms, spec, "B12.FR.03", session, token, answer)
        boot = await restarted_when_idle(station, csms, spec, event)
        judge_scheduled_reason(spec, boot)
        with spec("B01.FR.05"):
            await all_connectors_reported(csms, profile.connectors, after=boot)
        with spec("A04.FR.01"):
            await csms.expect(
                "SecurityEventNotification",
                where=lambda message: message["type"] in ("StartupOfTheDevice", "ResetOrReboot"),
                after=answer,
            )


@case(
    "TC_B_41_CS",
    "Reset when idle, during two transactions: the station waits for the last of them",
    requirements=["B12.FR.01", "B12.FR.03", "B01.FR.03", "B01.FR.05", "B01.FR.09", "BOOT.REASON.01"],
    severity=Severity.NORMAL,
    needs="evses > 1",
)
async def test_on_idle_in_two_transactions(
    station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile
) -> None:
    """End one, see that nothing happens, and end the other."""
    token, other_token = profile.parameters.valid_id_token.payload, profile.parameters.other_valid_id_token.payload
    place, other_place = ((evse.id, evse.connector[0].id) for evse in profile.evse[:2])
    async with vacated(station, csms):
        session = await transaction(station, csms, place, token)
        other = await transaction(station, csms, other_place, other_token)
        with spec.must("B12.FR.01"):
            answer = await reset(csms, "OnIdle")
            assert answer["status"] == "Scheduled", f"expected Scheduled, got {answer['status']}"
        await leave(station, csms, spec, "B12.FR.03", session, token, answer)
        with spec.must("B12.FR.03"):
            await goes_on(csms, other, answer, for_=profile.timing.settle)
        event = await leave(station, csms, spec, "B12.FR.03", other, other_token, answer)
        boot = await restarted_when_idle(station, csms, spec, event)
        judge_scheduled_reason(spec, boot)
        with spec("B01.FR.05"):
            await all_connectors_reported(csms, profile.connectors, after=boot)


@case(
    "TC_B_22_CS",
    "Immediate reset during a transaction: the station ends it, says so, and restarts",
    requirements=["B12.FR.02", "B12.FR.04", "B01.FR.03", "B01.FR.05", "B01.FR.09"],
    severity=Severity.CRITICAL,
)
async def test_immediate_in_transaction(
    station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile
) -> None:
    """The Ended event may cross the answer to the reset, and has to come before the restart."""
    connector = profile.connectors[0]
    async with vacated(station, csms):
        session = await transaction(station, csms, connector, profile.parameters.valid_id_token.payload)
        with spec.must("B12.FR.02"):
            answer = await reset(csms, "Immediate")
            assert answer["status"] in ("Accepted", "Rejected"), f"expected Accepted, got {answer['status']}"
        assert answer["status"] == "Accepted", CANNOT_NOW
        with spec.must("B01.FR.03"):
            boot = await boot_after(csms, answer)
        with spec("B12.FR.04"):
            ended_by_the_reset(await ended_before(csms, session, boot))
        with spec("B01.FR.09"):
            assert boot["reason"] == "RemoteReset", f"expected the boot reason RemoteReset, got {boot['reason']}"
        with spec("B01.FR.05"):
            await all_connectors_reported(csms, profile.connectors, after=boot)
            if connector in station.plugged:
                await connectors_show(csms, [connector], "Occupied", after=boot)


@case(
    "UNANSWERED_EVENT_OUTLASTS_RESET_CS",
    "An Ended event that nobody answered before an immediate reset is sent again after it",
    requirements=["B12.FR.05"],
    severity=Severity.CRITICAL,
)
async def test_unanswered_event(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Leave the Ended event without an answer for as long as the station has not booted again."""
    async with vacated(station, csms):
        session = await transaction(station, csms, profile.connectors[0], profile.parameters.valid_id_token.payload)
        mark = csms.now

        def hold_back(event: Mapping[str, Any]) -> Chosen:
            if event.get("eventType") == "Ended" and not csms.seen("BootNotification", after=mark):
                return Silence()
            return CSMS_ANSWERS["TransactionEvent"](event)

        csms.keep_answering("TransactionEvent", hold_back)
        with suppress(NoAnswer):  # which a station may hold back for as long as it waits itself; it has to restart
            answer = await reset(csms, "Immediate")
            assert answer["status"] == "Accepted", f"Reset Immediate was answered {answer['status']}"
        first = await ended(csms, session)
        with spec.must("B12.FR.05"):
            boot = await csms.expect("BootNotification", after=mark)
        assert first.entry.link != boot.entry.link, "the transaction was ended only after the restart"
        with spec("B12.FR.05"):
            await csms.expect(
                "TransactionEvent",
                eventType="Ended",
                seqNo=first["seqNo"],
                where=lambda message: message["transactionInfo"]["transactionId"] == session.transaction_id,
                after=boot,
                within=profile.timing.boot,
            )


# -- one EVSE ---------------------------------------------------------------------------------------------------------


@case(
    "TC_B_25_CS",
    "Reset of one EVSE: it goes and comes back, and the station stays",
    requirements=["B11.FR.01", "B11.FR.08", "B11.FR.10"],
    needs="reset-evse",
)
async def test_evse(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """What an EVSE does when it resets need not show; the station must not restart with it."""
    evse = profile.evse[0].id
    mark = csms.now
    with spec("B11.FR.10"):
        allowed = await read_variable(csms, "EVSE", "AllowReset", evse=evse)
        assert allowed.lower() == "true", f"EVSE {evse} can be reset by itself, and its AllowReset is {allowed}"
    with spec.must("B11.FR.01"):
        answer = await reset(csms, "OnIdle", evse=evse)
    assert answer["status"] != "Rejected", CANNOT_NOW
    with spec("B11.FR.08"):
        await no_restart(csms, answer, for_=profile.timing.settle)
        await comes_back(csms, profile, evse, after=mark)


@case(
    "TC_B_26_CS",
    "Reset of one EVSE when idle, during its transaction: the transaction ends in its normal way",
    requirements=["B12.FR.01", "B12.FR.07"],
    needs="reset-evse",
)
async def test_evse_on_idle_in_transaction(
    station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile
) -> None:
    """Ask for the reset, see that nothing happens, and let the driver leave."""
    token = profile.parameters.valid_id_token.payload
    connector = profile.connectors[0]
    async with vacated(station, csms):
        session = await transaction(station, csms, connector, token)
        mark = csms.now
        with spec.must("B12.FR.01"):
            answer = await reset(csms, "OnIdle", evse=connector[0])
            assert answer["status"] == "Scheduled", f"expected Scheduled, got {answer['status']}"
        with spec.must("B12.FR.07"):
            await goes_on(csms, session, answer, for_=profile.timing.settle)
        await leave(station, csms, spec, "B12.FR.07", session, token, answer)
        with suppress(NotSeen):
            await comes_back(csms, profile, connector[0], after=mark)


@case(
    "TC_B_27_CS",
    "Immediate reset of one EVSE during its transaction: the station ends it and says so",
    requirements=["B12.FR.02", "B12.FR.08"],
    needs="reset-evse",
)
async def test_evse_immediate_in_transaction(
    station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile
) -> None:
    """The Ended event may cross the answer to the reset."""
    connector = profile.connectors[0]
    async with vacated(station, csms):
        session = await transaction(station, csms, connector, profile.parameters.valid_id_token.payload)
        mark = csms.now
        with spec.must("B12.FR.02"):
            answer = await reset(csms, "Immediate", evse=connector[0])
            assert answer["status"] in ("Accepted", "Rejected"), f"expected Accepted, got {answer['status']}"
        assert answer["status"] == "Accepted", CANNOT_NOW
        with spec("B12.FR.08"):
            ended_by_the_reset(await ended(csms, session))
        with suppress(NotSeen):
            await comes_back(csms, profile, connector[0], after=mark)


@case(
    "TC_B_28_CS",
    "Reset of one EVSE where only the whole station can be reset: rejected",
    requirements=["B11.FR.01", "B11.FR.09"],
    needs="not reset-evse",
)
async def test_evse_not_supported(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Nothing goes on at the station."""
    with spec.must("B11.FR.01"):
        answer = await reset(csms, "OnIdle", evse=profile.evse[0].id)
    with spec("B11.FR.09"):
        assert answer["status"] == "Rejected", f"expected Rejected, got {answer['status']}"
    await sit_out(csms, answer)


@case(
    "TC_B_29_CS",
    "Reset of one EVSE where only the whole station can be reset, during a transaction: rejected",
    requirements=["B12.FR.09"],
    needs="not reset-evse",
)
async def test_evse_not_supported_in_transaction(
    station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile
) -> None:
    """The transaction goes on as if nothing had been asked."""
    connector = profile.connectors[0]
    async with vacated(station, csms):
        session = await transaction(station, csms, connector, profile.parameters.valid_id_token.payload)
        answer = None
        with spec("B12.FR.09"):
            answer = await reset(csms, "OnIdle", evse=connector[0])
            assert answer["status"] == "Rejected", f"expected Rejected, got {answer['status']}"
            await goes_on(csms, session, answer, for_=profile.timing.settle)
        if answer is not None:
            await sit_out(csms, answer)


# -- what these cases have in common ----------------------------------------------------------------------------------


async def reset(csms: CsmsPeer, kind: str, *, evse: int | None = None) -> Received:
    """Ask for a reset of the station, or of one EVSE; the answer, whatever its status."""
    return await csms.call("Reset", {"type": kind} | ({} if evse is None else {"evseId": evse}))


def left(csms: CsmsPeer, message: Received) -> bool:
    """Whether the connection on which this message came is not the present one."""
    return csms.link is None or csms.link.number != message.entry.link


async def boot_after(csms: CsmsPeer, before: Received) -> Received:
    """The BootNotification of the next restart, on a connection of its own."""
    boot = await csms.expect("BootNotification", after=before)
    assert boot.entry.link != before.entry.link, "a BootNotification came, and the connection was never broken"
    return boot


async def restarted(csms: CsmsPeer, spec: Spec, answer: Received) -> Received:
    """The BootNotification after a reset that was agreed to: the station goes down, and comes back."""
    with spec.must("B11.FR.03"):
        await csms.until(
            lambda: left(csms, answer) or bool(csms.seen("BootNotification", after=answer)),
            f"the restart after a Reset that was {answer['status']}",
            within=csms.patience.for_action("BootNotification"),
        )
    with spec.must("B01.FR.03"):
        return await boot_after(csms, answer)
    raise AssertionError("unreachable: a miss ends the case")


async def restarted_when_idle(station: StationDriver, csms: CsmsPeer, spec: Spec, event: Received) -> Received:
    """The BootNotification after a reset that waited for the transaction that this event ended.

    With a plug still in, the station may go on waiting (errata 2025-06).
    """
    try:
        await csms.until(
            lambda: left(csms, event), "the scheduled restart", within=csms.patience.for_action("BootNotification")
        )
    except NotSeen as missing:
        if not station.can("unplug"):
            raise NotSeen(f"{missing}, and nobody could pull the plug, with which a station may wait on") from None
        with spec.must("B12.FR.03"):
            raise
    with spec.must("B01.FR.03"):
        return await boot_after(csms, event)
    raise AssertionError("unreachable: a miss ends the case")


def booted_by_the_rules(csms: CsmsPeer, boot: Received) -> None:
    """The boot came first on its connection, and connector statuses after it."""
    opened = csms.opened(boot)
    assert opened is not None, "the connection of the BootNotification is older than the reset"
    first = csms.traffic(after=opened)[0]
    csms.touch(first)
    assert first.action == "BootNotification", f"the first message after the restart was {first.action}"
    assert csms.speak.statuses(csms.traffic(after=boot)), "no connector status followed the BootNotification"


async def no_restart(csms: CsmsPeer, answer: Received, *, for_: float) -> None:
    """Watch for so many seconds that the station does not restart; AssertionError if it does.

    A connection that breaks is no restart; a BootNotification on the next one is.
    """
    with suppress(NotSeen):
        await csms.until(lambda: left(csms, answer), "nothing to happen", within=for_)
    if left(csms, answer):
        with suppress(NotSeen):
            await csms.connected()
            await csms.until(
                lambda: bool(csms.traffic(after=_opened_since(csms, answer))),
                "what the station says after a lost connection",
                within=csms.patience.for_action("StatusNotification"),
            )
    boots = csms.seen("BootNotification", after=answer)
    csms.touch(*boots)
    assert not boots, "the station restarted, and had no leave to"


def _opened_since(csms: CsmsPeer, answer: Received) -> int:
    """The entry by which the next connection was opened; the end of the transcript while there is none."""
    later = csms.transcript.entries[answer.n :]
    return next((each.n for each in later if each.kind == "open" and each.station == csms.identity), csms.now)


async def goes_on(csms: CsmsPeer, session: Charging, answer: Received, *, for_: float) -> None:
    """Watch for so many seconds that a transaction goes on, and the station does not restart."""
    await no_restart(csms, answer, for_=for_)
    assert session.transaction_id in running(csms), "the reset ended the transaction"


async def leave(  # noqa: PLR0913 -- who leaves, where, and what is judged by it
    station: StationDriver,
    csms: CsmsPeer,
    spec: Spec,
    requirement: str,
    session: Charging,
    id_token: Mapping[str, str],
    answer: Received,
) -> Received:
    """Let the driver stop and drive away; the transaction has to end by that, before anything restarts."""
    await stop_authorized(station, csms, session, id_token)
    await pull_plug(station, session.connector)

    def decided() -> bool:
        return session.transaction_id not in running(csms) or bool(csms.seen("BootNotification", after=answer))

    within = csms.patience.for_action("TransactionEvent")
    await csms.until(decided, f"the end of transaction {session.transaction_id}", within=within)
    with spec.must(requirement):
        boots = csms.seen("BootNotification", after=answer)
        csms.touch(*boots)
        assert session.transaction_id not in running(csms), "the station restarted and did not end the transaction"
        event = await ended(csms, session)
        assert not boots or event.n < boots[0].n, "the station restarted before the transaction had ended"
        assert event["triggerReason"] != "ResetCommand", "the transaction was ended by the reset that had to wait"
        reason = event["transactionInfo"].get("stoppedReason")
        assert reason != "ImmediateReset", "the transaction was stopped for an immediate reset that nobody asked for"
    return event


async def ended_before(csms: CsmsPeer, session: Charging, boot: Received) -> Received:
    """The event that ended a transaction before the station restarted; AssertionError if there was none."""
    event = await ended(csms, session)
    assert event.entry.link != boot.entry.link, "the transaction was ended only after the restart"
    return event


def ended_by_the_reset(event: Received) -> None:
    """An Ended event says that an immediate reset was the reason (errata 2025-01)."""
    trigger, reason = event["triggerReason"], event["transactionInfo"].get("stoppedReason")
    assert trigger == "ResetCommand", f"expected triggerReason ResetCommand, got {trigger}"
    assert reason == "ImmediateReset", f"expected stoppedReason ImmediateReset, got {reason}"


def judge_scheduled_reason(spec: Spec, boot: Received) -> None:
    """The boot after a reset that waited: ScheduledReset; RemoteReset can be argued for."""
    reason = boot.get("reason")
    plausible = reason in ("ScheduledReset", "RemoteReset")
    with spec("B01.FR.09"):
        assert plausible, f"expected the boot reason ScheduledReset, got {reason}"
    if not plausible:
        spec.excuse("BOOT.REASON.01", "the reason is wrong in a worse way")
        return
    with spec("BOOT.REASON.01"):
        assert reason == "ScheduledReset", f"expected the boot reason ScheduledReset, got {reason}"


async def comes_back(csms: CsmsPeer, profile: SutProfile, evse: int, *, after: int) -> None:
    """Wait until no connector of the EVSE is Unavailable any more; raises NotSeen."""
    down = [
        connector
        for connector, shown in latest_statuses(csms, after=after).items()
        if connector[0] == evse and connector in profile.connectors and shown.status == "Unavailable"
    ]
    if down:
        await connectors_show(csms, down, "Available", "Occupied", "Reserved", "Faulted", after=after)


async def sit_out(csms: CsmsPeer, answer: Received) -> None:
    """Give a station that took a reset which it had to reject the time to come back."""
    if answer["status"] == "Rejected":
        return
    with suppress(NotSeen):
        await csms.until(lambda: left(csms, answer), "a restart", within=csms.patience.for_action("StatusNotification"))
        await csms.until(
            lambda: bool(csms.seen("BootNotification", after=answer)),
            "the boot after it",
            within=csms.patience.for_action("BootNotification"),
        )
