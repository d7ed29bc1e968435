"""Use cases E04, E11 and E12: transactions while the CSMS is out of reach, and what comes of them afterwards."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.event_order import lost, lost_in_a_row, out_of_order, starts, told_events
from conformance.peers.csms import CsmsPeer
from conformance.peers.outages import (
    moment,
    offline,
    passed,
    plug_and_present,
    present_and_unplug,
    something_happens,
)
from conformance.peers.received import NotSeen, Received
from conformance.peers.replies import Late, Silence
from conformance.peers.scenes import (
    Charging,
    all_connectors_reported,
    charging,
    configured,
    power_up,
    read_variable,
    restart,
    stop_charging,
    transaction,
    vacated,
)
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile
from conformance.wire.faults import Network
from conformance.wire.frames import Call
from conformance.wire.schemas import parse_timestamp
from conformance.wire.transcript import Entry

EVENT = "TransactionEvent"
LOCAL = "(local-start-iso14443 or local-start-iso15693 or local-start-keycode)"
UNKNOWN = f"offline-unknown-ids and {LOCAL}"
THRESHOLD = ("OCPPCommCtrlr", "OfflineThreshold")
SAMPLING = ("SampledDataCtrlr", "TxUpdatedInterval")
ANYBODY = {
    ("AuthCtrlr", "OfflineTxForUnknownIdEnabled"): "true",
    ("AuthCtrlr", "LocalAuthorizeOffline"): "true",
}
"""What lets a driver start while the station is offline."""

MANY = 200
QUICK = 0.05
"""What is done in so many seconds is done by no person."""


# -- whole transactions -----------------------------------------------------------------------------------------------


@case(
    "OFFLINE_TRANSACTION_CS",
    "A transaction that begins and ends offline is told afterwards, all of it",
    needs=UNKNOWN,
    requirements=["E04.FR.01", "E04.FR.02", "E04.FR.03", "OFFLINE.ORDER.01"],
    severity=Severity.BLOCKER,
)
async def test_whole_transaction(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Start and stop with a card while it is cut off."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with vacated(station, csms), configured(csms, ANYBODY):
        mark = csms.now
        async with offline(csms, network, profile):
            await plug_and_present(station, csms, spot, token, profile)
            await present_and_unplug(station, csms, spot, token, profile)
        with spec.must("E04.FR.02"):
            over = await csms.expect(EVENT, eventType="Ended", after=mark)
        told = await all_of(csms, over["transactionInfo"]["transactionId"], profile)
        with spec("E04.FR.01"):
            judge_whole(csms, told)
        with spec("OFFLINE.ORDER.01"):
            wrong = out_of_order(told_events(told))
            assert not wrong, wrong
        with spec("E04.FR.03"):
            judge_flags(csms, told)


@case(
    "TWO_OFFLINE_TRANSACTIONS_CS",
    "Two transactions in one outage are told afterwards, each by itself",
    needs=UNKNOWN,
    requirements=["E01.FR.08", "E04.FR.01", "E04.FR.02"],
    severity=Severity.CRITICAL,
)
async def test_two_transactions(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """One driver after the other on the same connector, while nobody listens."""
    spot = profile.connectors[0]
    tokens = (profile.parameters.valid_id_token.payload, profile.parameters.other_valid_id_token.payload)
    async with vacated(station, csms), configured(csms, ANYBODY):
        mark = csms.now
        async with offline(csms, network, profile, listening=False):
            for token in tokens:
                await plug_and_present(station, csms, spot, token, profile)
                await present_and_unplug(station, csms, spot, token, profile)
        with spec.must("E04.FR.02"):
            first = await csms.expect(EVENT, eventType="Ended", after=mark)
            second = await csms.expect(EVENT, eventType="Ended", after=first)
        identifiers = [each["transactionInfo"]["transactionId"] for each in (first, second)]
        with spec.must("E01.FR.08"):
            assert identifiers[0] != identifiers[1], f"both transactions are called {identifiers[0]}"
            judge_new(csms, identifiers[1], since=second)
        with spec("E04.FR.01"):
            for identifier in identifiers:
                judge_whole(csms, await all_of(csms, identifier, profile))


@case(
    "TWO_EVSES_OFFLINE_CS",
    "Transactions on two EVSEs at once in an outage are told afterwards, each on its own EVSE",
    needs=f"evses > 1 and {UNKNOWN}",
    requirements=["E01.FR.16", "E04.FR.01", "E04.FR.02"],
    severity=Severity.CRITICAL,
)
async def test_two_evses(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Start on one, start on the other, stop on the one, stop on the other."""
    spots = [next(each for each in profile.connectors if each[0] == evse.id) for evse in profile.evse[:2]]
    tokens = (profile.parameters.valid_id_token.payload, profile.parameters.other_valid_id_token.payload)
    async with vacated(station, csms), configured(csms, ANYBODY):
        mark = csms.now
        async with offline(csms, network, profile):
            for spot, token in zip(spots, tokens, strict=True):
                await plug_and_present(station, csms, spot, token, profile)
            for spot, token in zip(spots, tokens, strict=True):
                await present_and_unplug(station, csms, spot, token, profile)
        with spec.must("E04.FR.02"):
            first = await csms.expect(EVENT, eventType="Ended", after=mark)
            second = await csms.expect(EVENT, eventType="Ended", after=mark)
        transactions = [
            await all_of(csms, each["transactionInfo"]["transactionId"], profile) for each in (first, second)
        ]
        with spec("E04.FR.01"):
            for told in transactions:
                judge_whole(csms, told)
        with spec("E01.FR.16"):
            named = sorted({(each["evse"]["id"], each["evse"].get("connectorId")) for each in _placed(transactions)})
            assert [each for each in named if each[1] is not None] == sorted(spots), (
                f"the drivers used {sorted(spots)}, and the events name {named}"
            )


def _placed(transactions: list[list[Received]]) -> list[Received]:
    return [each for told in transactions for each in told if "evse" in each]


# -- an outage in a transaction ---------------------------------------------------------------------------------------


@case(
    "LONG_OUTAGE_IN_TRANSACTION_CS",
    "An outage longer than OfflineThreshold costs a running transaction nothing",
    requirements=["B04.FR.01", "E11.FR.01", "E11.FR.02"],
    severity=Severity.BLOCKER,
)
async def test_long_outage(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Charge, cut it off for longer than the threshold, have something happen meanwhile, come back, and stop."""
    threshold = 1
    async with vacated(station, csms), configured(csms, _sampled(profile) | {THRESHOLD: str(threshold)}):
        session = await charging(station, csms, profile.connectors[0], profile.parameters.valid_id_token.payload)
        mark = csms.now
        async with offline(csms, network, profile, listening=False):
            await something_happens(station, csms, session.connector[0], profile)
            await passed(csms, threshold + profile.timing.tolerance, "the threshold to be behind")
        with spec("B04.FR.01"):
            await all_connectors_reported(csms, profile.connectors, after=mark)
        await _goes_on(station, csms, spec, session, profile, mark)


@case(
    "SHORT_OUTAGE_IN_TRANSACTION_CS",
    "An outage shorter than OfflineThreshold costs a running transaction nothing",
    requirements=["E11.FR.01", "E11.FR.02"],
    severity=Severity.BLOCKER,
)
async def test_short_outage(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Charge, cut it off, have something happen meanwhile, let it come back as soon as it likes, and stop."""
    threshold = 4 * int(profile.timing.reconnect)
    async with vacated(station, csms), configured(csms, _sampled(profile) | {THRESHOLD: str(threshold)}):
        session = await charging(station, csms, profile.connectors[0], profile.parameters.valid_id_token.payload)
        mark = csms.now
        async with offline(csms, network, profile):
            await something_happens(station, csms, session.connector[0], profile)
        await _goes_on(station, csms, spec, session, profile, mark)


def _sampled(profile: SutProfile) -> dict[tuple[str, str], str]:
    """Have the meter read often enough for something to happen in any outage."""
    return {SAMPLING: f"{profile.parameters.meter_interval:g}"}


async def _goes_on(  # noqa: PLR0913 -- the fixtures of a case, and what it is about
    station: StationDriver, csms: CsmsPeer, spec: Spec, session: Charging, profile: SutProfile, mark: int
) -> None:
    """Wait for what was kept, end the transaction, and judge all that was told of it."""
    gone, back = outage(csms, mark)
    with spec.must("E11.FR.01"):
        kept = await kept_events(csms, session, gone, back, profile)
    with spec("E11.FR.02"):
        judge_flags(csms, kept)
    await stop_charging(station, csms, session, profile.parameters.valid_id_token.payload)
    with spec("E11.FR.01"):  # the token was due before the outage, and is judged where that is asked for
        judge_whole(csms, await all_of(csms, session.transaction_id, profile), token=False)


async def kept_events(
    csms: CsmsPeer, session: Charging, gone: Entry, back: Entry, profile: SutProfile
) -> list[Received]:
    """The events that happened in an outage, once the first of them has come; raises NotSeen."""
    end = back.utc - timedelta(seconds=profile.timing.tolerance)
    begin = gone.utc + timedelta(seconds=profile.timing.tolerance / 2)

    def found() -> list[Received]:
        told = events(csms, session.transaction_id, after=back.n)
        return [each for each in told if (at := time_of(each)) is not None and begin < at < end]

    await csms.until(lambda: bool(found()), "an event that happened in the outage", within=profile.timing.status)
    with suppress(NotSeen):
        await csms.until(lambda: False, "the rest of them", within=profile.timing.settle)
    return found()


@case(
    "QUEUED_EVENT_FLAGGED_CS",
    "An event that still waits when the connection goes is sent as an offline one",
    requirements=["E11.FR.07"],
    severity=Severity.NORMAL,
)
async def test_waiting_events(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Leave an event unanswered so that those after it have to wait, and cut the station off."""
    async with vacated(station, csms), configured(csms, _sampled(profile)):
        session = await charging(station, csms, profile.connectors[0], profile.parameters.valid_id_token.payload)
        csms.keep_answering(EVENT, Silence())
        for _ in range(1 if station.can("ev_suspend") else 2):  # one event to be sent, one that has to wait
            await something_happens(station, csms, session.connector[0], profile)
        await passed(csms, 2 * profile.timing.tolerance, "the events to be older than the outage")
        before = {numbered(each) for each in events(csms, session.transaction_id)}
        mark = csms.now
        async with offline(csms, network, profile):
            csms.answer(EVENT)
        gone, back = outage(csms, mark)
        with suppress(NotSeen):
            await csms.until(
                lambda: len(events(csms, session.transaction_id, after=back.n)) > 1,
                "what had to wait",
                within=profile.timing.status,
            )
        await moment(csms, profile)
        limit = gone.utc - timedelta(seconds=profile.timing.tolerance)
        waited = [
            each
            for each in events(csms, session.transaction_id, after=back.n)
            if numbered(each) not in before and (at := time_of(each)) is not None and at < limit
        ]
        if not waited:
            spec.unproven("E11.FR.07", "no event had to wait when the connection went")
            return
        with spec("E11.FR.07"):
            csms.touch(*waited)
            bare = [each for each in waited if each.get("offline") is not True]
            assert not bare, f"the event with seqNo {bare[0]['seqNo']} waited when the connection went, without offline"


@case(
    "POWER_LOSS_OFFLINE_CS",
    "A power cut while the station is offline costs nothing of what it kept",
    requirements=["E01.FR.08", "E11.FR.01", "E11.FR.02"],
    severity=Severity.BLOCKER,
)
async def test_power_loss(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Charge, cut it off, have something happen, cut the power, and let it come back to an open door."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with vacated(station, csms), configured(csms, _sampled(profile)):
        session = await charging(station, csms, spot, token)
        mark = csms.now
        async with network.turned_away():
            await csms.disconnected()
            await moment(csms, profile)
            await something_happens(station, csms, spot[0], profile)
            await station.power_off()
            await station.power_on()
        await power_up(csms, _already_on, patience=profile.timing.boot, settle=profile.timing.settle)
        gone, back = outage(csms, mark)
        with spec.must("E11.FR.01"):
            kept = await kept_events(csms, session, gone, back, profile)
        with spec("E11.FR.02"):
            judge_flags(csms, kept)
        async with vacated(station, csms):  # it may go on with the transaction, or have ended it
            pass
        with spec("E11.FR.01"):
            judge_gapless(csms, await all_of(csms, session.transaction_id, profile))
        after = await transaction(station, csms, spot, token)
        with spec("E01.FR.08"):
            judge_new(csms, after.transaction_id, since=after.event)


async def _already_on() -> None:
    """Do nothing: the mains are on."""


@case(
    "TRANSACTION_IDS_OVER_RESTART_CS",
    "No transaction after a restart has the id of one before it",
    requirements=["E01.FR.08"],
    severity=Severity.CRITICAL,
)
async def test_ids_over_restart(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, restart, and charge again."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with vacated(station, csms):
        await transaction(station, csms, spot, token)
    mark = csms.now
    timing = profile.timing
    await power_up(csms, lambda: _restarted(station, csms), patience=timing.boot, settle=timing.settle)
    with suppress(NotSeen):  # until then it may still be about to take note that it was accepted
        await all_connectors_reported(csms, profile.connectors, after=mark)
    async with vacated(station, csms):
        session = await transaction(station, csms, spot, token)
        with spec("E01.FR.08"):
            csms.touch(session.event)
            assert session.event.n > mark, "the transaction of before goes on"
            judge_new(csms, session.transaction_id, since=session.event)


async def _restarted(station: StationDriver, csms: CsmsPeer) -> None:
    await restart(station, csms)


@case(
    "ONE_TRANSACTION_PER_EVSE_CS",
    "A plug in the second connector of an EVSE starts nothing while the first is in use",
    requirements=["E01.FR.14"],
    severity=Severity.NORMAL,
)
async def test_one_per_evse(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge on one connector, and put a plug into the other."""
    pairs = [[each for each in profile.connectors if each[0] == evse.id] for evse in profile.evse]
    pair = next((each for each in pairs if len(each) > 1), None)
    if pair is None:
        spec.excuse("E01.FR.14", "no EVSE has more than one connector")
        return
    async with vacated(station, csms):
        session = await transaction(station, csms, pair[0], profile.parameters.valid_id_token.payload)
        mark = csms.now
        await station.plug_in(*pair[1])

        def others() -> list[Received]:
            told = [each for each in csms.seen(EVENT, after=mark) if each["eventType"] == "Started"]
            return [each for each in told if not csms.speak.of_transaction(each, session.transaction_id)]

        with suppress(NotSeen):
            await csms.until(lambda: bool(others()), "no other transaction", within=2 * profile.timing.settle)
        with spec("E01.FR.14"):
            csms.touch(*others())
            assert not others(), f"a second transaction began on EVSE {pair[0][0]}"


# -- many events ------------------------------------------------------------------------------------------------------


@case(
    "QUEUE_OF_MANY_EVENTS_CS",
    "Two hundred events of an outage are told afterwards, or thinned out evenly",
    requirements=["E04.FR.08", "E11.FR.01", "E11.FR.02", "OFFLINE.ORDER.01"],
    severity=Severity.CRITICAL,
)
async def test_many_events(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Have the EV pause and go on, or the meter read each second, as often as that takes."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with vacated(station, csms), configured(csms, {SAMPLING: "1"}):
        session = await charging(station, csms, spot, token)
        mark = csms.now
        async with offline(csms, network, profile):
            await _much_happens(station, csms, spot[0], profile)
        gone, back = outage(csms, mark)
        await _all_told(csms, session, back, profile)
        with spec.must("E11.FR.01"):
            kept = await kept_events(csms, session, gone, back, profile)
        with spec("E11.FR.02"):
            judge_flags(csms, kept)
        await stop_charging(station, csms, session, token)
        told = events(csms, session.transaction_id)
        missing = lost(told_events(told))
        with spec("E11.FR.01"):
            csms.touch(*told[-1:])
            kinds = [each["eventType"] for each in told]
            assert {"Started", "Ended"} <= set(kinds), "Started and Ended may not be left out, and were"
        with spec("OFFLINE.ORDER.01"):
            wrong = out_of_order(told_events(told))
            assert not wrong, wrong
        if missing:
            with spec("E04.FR.08"):
                csms.touch(*told[-1:])
                longest = lost_in_a_row(told_events(told))
                assert longest <= (len(missing) + len(told)) // 8, (
                    f"of {len(missing) + len(told)} events {len(missing)} were left out, {longest} of them in a row: "
                    f"one here and one there had to go"
                )
        else:
            spec.excuse("E04.FR.08", f"none of {len(told)} events was left out")


async def _much_happens(station: StationDriver, csms: CsmsPeer, evse: int, profile: SutProfile) -> None:
    """Have MANY events happen: by an EV that a machine moves, else by the meter for as long as a case may last."""
    if station.can("ev_suspend") and station.can("ev_ready"):
        begin = datetime.now(UTC)
        await station.ev_suspend(evse)
        await station.ev_ready(evse)
        if (datetime.now(UTC) - begin).total_seconds() < QUICK:
            for _ in range(MANY // 2 - 1):
                await station.ev_suspend(evse)
                await station.ev_ready(evse)
            await moment(csms, profile)
            return
    await passed(csms, min(MANY, profile.timing.case / 2), f"{MANY} readings of the meter")


async def _all_told(csms: CsmsPeer, session: Charging, back: Entry, profile: SutProfile) -> None:
    """Wait until no event has come for a while."""

    def count() -> int:
        return len(events(csms, session.transaction_id, after=back.n))

    last = -1
    while count() != last:
        last = count()
        await passed(csms, profile.timing.settle + profile.timing.tolerance, "more of what was kept")


# -- the clock --------------------------------------------------------------------------------------------------------


@case(
    "WRONG_CLOCK_OFFLINE_CS",
    "A clock that was wrong in an outage and is put right costs no event",
    requirements=["OFFLINE.CLOCK.01"],
    severity=Severity.NORMAL,
)
async def test_wrong_clock(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Tell it a time that is to come, cut it off, and put its clock right before it has told all that it kept."""
    shift = timedelta(seconds=profile.parameters.clock_shift)
    source = await read_variable(csms, "ClockCtrlr", "TimeSource")
    if source.split(",")[0].strip().lower() != "heartbeat":
        spec.unproven("OFFLINE.CLOCK.01", f"the station takes its time from {source}, and can't be told a wrong one")
        return
    async with vacated(station, csms), configured(csms, _sampled(profile)):
        session = await charging(station, csms, profile.connectors[0], profile.parameters.valid_id_token.payload)
        try:
            csms.keep_answering("Heartbeat", lambda _: {"currentTime": _stamp(shift)})
            await _heartbeat(csms, profile)
            shown = parse_timestamp(await read_variable(csms, "ClockCtrlr", "DateTime"))
            wrong = shown is not None and shown - datetime.now(UTC) > shift / 2
            async with offline(csms, network, profile):
                for _ in range(2):
                    await something_happens(station, csms, session.connector[0], profile)
                csms.keep_answering("Heartbeat", lambda _: {"currentTime": _stamp(timedelta())})
                csms.answer(EVENT, Late(profile.timing.settle))
            await _heartbeat(csms, profile)
        finally:
            csms.answer("Heartbeat")
        if not wrong:
            spec.unproven("OFFLINE.CLOCK.01", "the station did not take the wrong time that it was told")
            return
        await something_happens(station, csms, session.connector[0], profile)
        await stop_charging(station, csms, session, profile.parameters.valid_id_token.payload)
        with spec("OFFLINE.CLOCK.01"):
            judge_whole(csms, await all_of(csms, session.transaction_id, profile))


def _stamp(shift: timedelta) -> str:
    return (datetime.now(UTC) + shift).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def _heartbeat(csms: CsmsPeer, profile: SutProfile) -> None:
    """Have the station ask for the time, and take it."""
    mark = csms.now
    answer = await csms.speak.trigger("Heartbeat")
    assert answer["status"] == "Accepted", f"the trigger for a Heartbeat was answered {answer['status']}"
    beat = await csms.expect("Heartbeat", after=mark)
    await csms.answered(beat, within=profile.timing.answer)
    await moment(csms, profile)


# -- what was told ----------------------------------------------------------------------------------------------------


def events(csms: CsmsPeer, identifier: str, *, after: int | None = None) -> list[Received]:
    """The events of a transaction, as they came."""
    return [each for each in csms.seen(EVENT, after=after) if csms.speak.of_transaction(each, identifier)]


async def all_of(csms: CsmsPeer, identifier: str, profile: SutProfile) -> list[Received]:
    """The events of a transaction that has ended, once all of them have come, or nothing more does: in any order."""

    def complete() -> bool:
        told = events(csms, identifier)
        kinds = {each["eventType"] for each in told}
        return {"Started", "Ended"} <= kinds and not lost(told_events(told))

    while not complete():
        count = len(events(csms, identifier))
        with suppress(NotSeen):
            await csms.until(
                lambda count=count: complete() or len(events(csms, identifier)) > count,  # type: ignore[misc]
                "the rest of the transaction",
                within=profile.timing.settle + profile.timing.tolerance,
            )
        if len(events(csms, identifier)) == count:
            break
    return events(csms, identifier)


def time_of(event: Received) -> datetime | None:
    """When an event happened, by the station's clock."""
    return parse_timestamp(str(event["timestamp"]))


def numbered(event: Received) -> int:
    """The seqNo of an event."""
    number: int = event["seqNo"]
    return number


def outage(csms: CsmsPeer, mark: int) -> tuple[Entry, Entry]:
    """Where the connection was lost after `mark`, and where the station was let in again."""
    mine = [each for each in csms.transcript.entries[mark:] if each.station == csms.identity]
    gone = next(each for each in mine if each.kind == "close")
    return gone, next(each for each in mine if each.kind == "open" and each.n > gone.n)


# -- judging ----------------------------------------------------------------------------------------------------------


def judge_whole(csms: CsmsPeer, told: list[Received], *, token: bool = True) -> None:
    """Judge that nothing of a transaction is missing: Started, one number after the other, a token, and Ended."""
    judge_gapless(csms, told)
    kinds = [each["eventType"] for each in sorted(told, key=numbered)]
    assert kinds[:1] == ["Started"], f"the first event of the transaction is {kinds[0]}, not Started"
    assert kinds[-1:] == ["Ended"], f"the last event of the transaction is {kinds[-1]}, not Ended"
    assert not token or any("idToken" in each for each in told), (
        "no event of the transaction has the token of its driver"
    )


def judge_gapless(csms: CsmsPeer, told: Sequence[Received]) -> None:
    """Judge that no number is missing between the events of a transaction."""
    csms.touch(*told[-8:])
    missing = lost(told_events(told))
    assert not missing, f"{len(missing)} events were lost: there is none with seqNo {_numbers(missing)}"


def _numbers(missing: Sequence[int]) -> str:
    shown = ", ".join(str(each) for each in missing[:8])
    return shown if len(missing) <= 8 else f"{shown} …"


def judge_flags(csms: CsmsPeer, told: Sequence[Received]) -> None:
    """Judge that events that happened offline say so."""
    csms.touch(*told[:4])
    bare = [each for each in told if each.get("offline") is not True]
    assert not bare, f"the event with seqNo {bare[0]['seqNo']} happened offline, and does not say so"


def judge_new(csms: CsmsPeer, identifier: str, *, since: Received) -> None:
    """Judge that a transaction that has just begun is called as none before it in this run."""
    begun = [
        each.frame.payload
        for each in csms.transcript.entries
        if each.sender == "sut" and each.station == csms.identity and isinstance(each.frame, Call)
        if isinstance(each.frame.payload, dict) and each.frame.payload.get("eventType") == "Started"
        if each.frame.payload.get("transactionInfo", {}).get("transactionId") == identifier
    ]
    csms.touch(since)
    assert starts(begun) <= 1, f"{starts(begun)} transactions began with the id {identifier}"
