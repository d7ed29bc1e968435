"""Use cases E08 and E11 to E14: events that can't be delivered at once, and what the station says of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms import CsmsPeer
from conformance.peers.received import NotSeen, Received
from conformance.peers.replies import Error, Held, Silence
from conformance.peers.scenes import Charging, pull_plug, stop_charging, vacated
from conformance.peers.transaction_scenes import (
    CACHE,
    EVENT,
    HARMLESS,
    Course,
    Retries,
    Unaccepted,
    as_far_as_possible,
    in_words,
    offline,
    present,
    retries,
    sampled,
    something_happens,
    state,
    transaction_id,
    under_way,
)
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile
from conformance.wire.faults import Network

OFFLINE_CARD = "((offline-authorization and (C-30 - C-34 or ISO 15118 support)) or C-35)"
IN_GROUP = {"idTokenInfo": {"status": "Accepted", "groupIdToken": {"idToken": "FLEET-7", "type": "Central"}}}
ACCEPT_OFFLINE = {
    ("AuthCtrlr", "OfflineTxForUnknownIdEnabled"): "true",
    ("AuthCtrlr", "LocalAuthorizeOffline"): "true",
}


# -- GetTransactionStatus ---------------------------------------------------------------------------------------------


@case(
    "TC_E_28_CS",
    "Asked about a transaction that it never had, the station denies it",
    requirements=["E14.FR.01"],
    severity=Severity.NORMAL,
)
async def test_status_unknown(csms: CsmsPeer, spec: Spec) -> None:
    """Ask about an id that no station would give."""
    with spec("E14.FR.01"):
        answer = await _status(csms, "no-transaction-has-this-id-4711")
        assert answer["ongoingIndicator"] is False, "a transaction that never was is called ongoing"
        assert answer["messagesInQueue"] is False, "events of a transaction that never was are said to be queued"


@case(
    "TC_E_29_CS",
    "Asked about a transaction that runs and has events queued, the station says both",
    requirements=["E14.FR.02", "E14.FR.04"],
    severity=Severity.CRITICAL,
)
async def test_status_ongoing_queued(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Let events pile up offline, and ask before the first is answered."""
    async with _queue(station, csms, network, profile) as queue:
        answer = await _status(csms, queue.session.transaction_id)
        with spec("E14.FR.02"):
            assert answer["ongoingIndicator"] is True, "a transaction that runs is said not to be ongoing"
        await _judge_queued(csms, spec, "E14.FR.04", answer, queue)


@case(
    "TC_E_30_CS",
    "Asked about a transaction that runs and of which all was delivered, the station says so",
    requirements=["E14.FR.02", "E14.FR.05"],
    severity=Severity.NORMAL,
)
async def test_status_ongoing(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, and ask."""
    async with vacated(station, csms):
        session = await under_way(station, csms, profile.connectors[0], profile.parameters.valid_id_token.payload)
        answer = await _settled_status(csms, profile, session.transaction_id)
        with spec("E14.FR.02"):
            assert answer["ongoingIndicator"] is True, "a transaction that runs is said not to be ongoing"
        with spec("E14.FR.05"):
            assert answer["messagesInQueue"] is False, "all was delivered, and something is said to be queued"


@case(
    "TC_E_31_CS",
    "Asked about a transaction that has ended and has events queued, the station says both",
    requirements=["E14.FR.03", "E14.FR.04"],
    severity=Severity.CRITICAL,
    needs="NOT (NOT (C-30 - C-35) AND (NOT C-10.1 AND NOT C-10.3 AND NOT C-10.4 AND NOT C-10.5) AND NOT C-06.2)",
)
async def test_status_ended_queued(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Let the driver leave offline, and ask before the first event is answered."""
    async with _queue(station, csms, network, profile, leaves=True) as queue:
        answer = await _status(csms, queue.session.transaction_id)
        queue.gate.set()
        await queue.course.ended()  # where nobody could end it, nothing is to be judged
        with spec("E14.FR.03"):
            assert answer["ongoingIndicator"] is False, "a transaction that has ended is called ongoing"
        await _judge_queued(csms, spec, "E14.FR.04", answer, queue)


@case(
    "TC_E_32_CS",
    "Asked about a transaction that has ended and of which all was delivered, the station says so",
    requirements=["E14.FR.03", "E14.FR.05"],
    severity=Severity.NORMAL,
)
async def test_status_ended(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, leave, and ask."""
    token = profile.parameters.valid_id_token.payload
    async with vacated(station, csms):
        session = await under_way(station, csms, profile.connectors[0], token)
        await stop_charging(station, csms, session, token)
        answer = await _settled_status(csms, profile, session.transaction_id)
        with spec("E14.FR.03"):
            assert answer["ongoingIndicator"] is False, "a transaction that has ended is called ongoing"
        with spec("E14.FR.05"):
            assert answer["messagesInQueue"] is False, "all was delivered, and something is said to be queued"


@case(
    "TC_E_33_CS",
    "Asked about all transactions while events are queued, the station says so",
    requirements=["E14.FR.06", "E14.FR.07"],
    severity=Severity.NORMAL,
)
async def test_status_queued(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Let events pile up offline, and ask before the first is answered."""
    async with _queue(station, csms, network, profile) as queue:
        answer = await _status(csms)
        with spec("E14.FR.06"):
            assert "ongoingIndicator" not in answer, "asked about no transaction, the answer says that one is ongoing"
        await _judge_queued(csms, spec, "E14.FR.07", answer, queue)


@case(
    "TC_E_34_CS",
    "Asked about all transactions while nothing is queued, the station says so",
    requirements=["E14.FR.06", "E14.FR.08"],
    severity=Severity.NORMAL,
)
async def test_status(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask while nothing goes on."""
    answer = await _settled_status(csms, profile)
    with spec("E14.FR.06"):
        assert "ongoingIndicator" not in answer, "asked about no transaction, the answer says whether one is ongoing"
    with spec("E14.FR.08"):
        assert answer["messagesInQueue"] is False, "all was delivered, and something is said to be queued"


# -- offline ----------------------------------------------------------------------------------------------------------


@case(
    "TC_E_40_CS",
    "Offline during a charging: what happens is kept, and sent afterwards",
    requirements=["E11.FR.01", "E11.FR.02"],
    severity=Severity.BLOCKER,
)
async def test_offline_while_charging(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Charge, let something happen offline, and let the station back in."""
    async with sampled(station, csms, profile) as seconds, vacated(station, csms):
        session = await under_way(station, csms, profile.connectors[0], profile.parameters.valid_id_token.payload)
        async with offline(csms, network, profile):
            course = Course(csms, session.connector)
            await something_happens(station, csms, session.connector, seconds)
        with spec.must("E11.FR.01"):
            await course.event("an event that was kept", lambda event: transaction_id(event) == session.transaction_id)
            await _none_missing(csms, profile, session)
        with spec("E11.FR.02"):
            _marked_offline(csms, course.events()[0])


@case(
    "TC_E_43_CS",
    "A whole charging offline: all of it is kept, and sent afterwards",
    requirements=["E12.FR.01", "E12.FR.02"],
    severity=Severity.BLOCKER,
    needs=OFFLINE_CARD,
)
async def test_offline_charging(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Plug in, present the card, present it again, and pull the plug; then let the station back in."""
    token, connector = profile.parameters.valid_id_token.payload, profile.connectors[0]
    async with as_far_as_possible(csms, ACCEPT_OFFLINE), vacated(station, csms):
        async with offline(csms, network, profile):
            course = Course(csms, connector)
            await station.plug_in(*connector)
            await present(station, connector, token)
            await csms.silence(for_=profile.timing.settle)
            await present(station, connector, token)
            await csms.silence(for_=profile.timing.settle)
            await station.unplug(*connector)
        with spec.must("E12.FR.01"):
            await course.started()
            end = await course.ended()
        with spec("E12.FR.02"):
            _marked_offline(csms, *(event for event in course.events() if event.n <= end.n))


@case(
    "TC_E_44_CS",
    "Offline at the end of a charging: the card ends it, and the end is kept and sent afterwards",
    requirements=["E08.FR.01", "E08.FR.04", "E08.FR.05", "E08.FR.07"],
    severity=Severity.BLOCKER,
    needs="C-30 - C-35 or ISO 15118 support",
)
async def test_offline_stop(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Charge; offline present the card and pull the plug; then let the station back in."""
    token = profile.parameters.valid_id_token.payload
    async with sampled(station, csms, profile) as seconds, vacated(station, csms):
        session = await under_way(station, csms, profile.connectors[0], token)
        async with offline(csms, network, profile):
            course = Course(csms, session.connector)
            await something_happens(station, csms, session.connector, seconds)
            await present(station, session.connector, token)
            await csms.silence(for_=profile.timing.settle)
            await pull_plug(station, session.connector)
        await _judge_offline_stop(csms, spec, profile, session, course, "E08.FR.01")


@case(
    "TC_E_45_CS",
    "Offline at the end of a charging: a card of the same group ends it, and that is kept and sent afterwards",
    requirements=["E08.FR.02", "E08.FR.04", "E08.FR.05", "E08.FR.07"],
    severity=Severity.NORMAL,
    needs="(C-30 or C-31 or C-32) and (local-authorization-list or authorization-cache)",
)
async def test_offline_stop_by_group(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Have one card of a group in the cache, charge with the other, and present the first offline."""
    token, other = profile.parameters.valid_id_token.payload, profile.parameters.other_valid_id_token.payload
    settings = {CACHE: "true", ("AuthCtrlr", "LocalAuthorizeOffline"): "true"}
    async with as_far_as_possible(csms, settings), sampled(station, csms, profile) as seconds, vacated(station, csms):
        assert await csms.speak.read(CACHE) == "true", "no cache is in use, so the group of a card is not known offline"
        csms.keep_answering("Authorize", IN_GROUP)
        csms.keep_answering(EVENT, lambda event: IN_GROUP if "idToken" in event else {})
        first = await under_way(station, csms, profile.connectors[0], other)
        await stop_charging(station, csms, first, other)
        csms.keep_answering(EVENT, lambda event: IN_GROUP if "idToken" in event else {})
        session = await under_way(station, csms, profile.connectors[0], token)
        async with offline(csms, network, profile):
            course = Course(csms, session.connector)
            await something_happens(station, csms, session.connector, seconds)
            await present(station, session.connector, other)
            await csms.silence(for_=profile.timing.settle)
            await pull_plug(station, session.connector)
        await _judge_offline_stop(csms, spec, profile, session, course, "E08.FR.02")


# -- retries ----------------------------------------------------------------------------------------------------------


@case(
    "TC_E_41_CS",
    "An event that is never answered: sent as often as was set, dropped, and the next one follows",
    requirements=["E13.FR.02", "E13.FR.03", "E13.FR.04"],
    severity=Severity.CRITICAL,
)
async def test_never_answered(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Leave one event without an answer, whenever it comes."""
    await _never_accepted(station, csms, spec, profile, Silence(), attempts=2)


@case(
    "TC_E_50_CS",
    "An event that is always refused: sent as often as was set, dropped, and the next one follows",
    requirements=["E13.FR.02", "E13.FR.03", "E13.FR.04"],
    severity=Severity.CRITICAL,
)
async def test_always_refused(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Answer one event with a CALLERROR, whenever it comes."""
    await _never_accepted(station, csms, spec, profile, Error("InternalError", "not now"), attempts=3)


@case(
    "TC_E_42_CS",
    "An event that is answered at the second attempt: sent again after its time, and not a third time",
    requirements=["E13.FR.02", "E13.FR.03"],
    severity=Severity.CRITICAL,
)
async def test_answered_late(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Leave one event without an answer when it comes first."""
    await _accepted_at_last(station, csms, spec, profile, Silence())


@case(
    "TC_E_51_CS",
    "An event that is refused at first: sent again after its time, and not a third time",
    requirements=["E13.FR.02", "E13.FR.03"],
    severity=Severity.CRITICAL,
)
async def test_refused_once(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Answer one event with a CALLERROR when it comes first."""
    await _accepted_at_last(station, csms, spec, profile, Error("InternalError", "not now"))


# -- the steps --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Queue:
    """A transaction of which events are queued, and what holds the first of them back."""

    session: Charging
    course: Course
    gate: asyncio.Event


@asynccontextmanager
async def _queue(
    station: StationDriver, csms: CsmsPeer, network: Network, profile: SutProfile, *, leaves: bool = False
) -> AsyncIterator[_Queue]:
    """The station is back after something happened offline, and its first event gets no answer yet."""
    token, gate = profile.parameters.valid_id_token.payload, asyncio.Event()
    try:
        async with sampled(station, csms, profile) as seconds, vacated(station, csms):
            session = await under_way(station, csms, profile.connectors[0], token)
            async with offline(csms, network, profile):
                course = Course(csms, session.connector)
                await something_happens(station, csms, session.connector, seconds)
                if leaves:
                    await _leave(station, csms, profile, session)
                csms.keep_answering(EVENT, Held(gate))
            yield _Queue(session, course, gate)
            gate.set()
    finally:
        gate.set()


async def _leave(station: StationDriver, csms: CsmsPeer, profile: SutProfile, session: Charging) -> None:
    """End the charging with the card where that can be presented, with the EV where not, and pull the plug."""
    if station.can("present_id_token"):
        await present(station, session.connector, profile.parameters.valid_id_token.payload)
    elif station.can("ev_suspend"):
        await station.ev_suspend(session.connector[0])
    await csms.silence(for_=profile.timing.settle)
    await pull_plug(station, session.connector)


async def _status(csms: CsmsPeer, identifier: str | None = None) -> Received:
    """Ask about one transaction, or about none in particular."""
    return await csms.call("GetTransactionStatus", {} if identifier is None else {"transactionId": identifier})


async def _settled_status(csms: CsmsPeer, profile: SutProfile, identifier: str | None = None) -> Received:
    """Ask, and ask again where a last event may just have been on its way."""
    answer = await _status(csms, identifier)
    for _ in range(2):
        if answer["messagesInQueue"] is False:
            break
        await csms.silence(for_=profile.timing.settle, allow=HARMLESS)
        answer = await _status(csms, identifier)
    return answer


async def _judge_queued(csms: CsmsPeer, spec: Spec, requirement: str, answer: Received, queue: _Queue) -> None:
    """Judge whether the queue was owned up to: one event that waits for its answer only may count as delivered."""
    queue.gate.set()
    with suppress(NotSeen):
        await csms.until(lambda: len(queue.course.events()) > 1, "a second event", within=csms.patience.answer)
    if len(queue.course.events()) < 2:
        spec.unproven(requirement, "not more than one event was queued")
        return
    csms.touch(answer, *queue.course.events()[:2])
    with spec(requirement):
        assert answer["messagesInQueue"] is True, "events were queued, and the station said that none were"


async def _judge_offline_stop(  # noqa: PLR0913 -- what differs comes last
    csms: CsmsPeer, spec: Spec, profile: SutProfile, session: Charging, course: Course, requirement: str
) -> None:
    """Judge what the station sends of a transaction that a card ended offline."""
    with spec.must("E08.FR.04"):
        end = await course.ended()
    with spec(requirement):
        stopped = await course.triggered("StopAuthorized")
        after = [event for event in course.events() if event["seqNo"] >= stopped["seqNo"]]
        assert all(state(event) != "Charging" for event in after), f"energy flowed on: {course.told()}"
    with spec("E08.FR.05"):
        await _none_missing(csms, profile, session)
    with spec("E08.FR.07"):
        _marked_offline(csms, *(event for event in course.events() if event.n <= end.n))


async def _none_missing(csms: CsmsPeer, profile: SutProfile, session: Charging) -> None:
    """See that the events of a transaction have come without a gap, once none has come for a while."""

    def numbers() -> set[int]:
        mine = (event for event in csms.seen(EVENT) if transaction_id(event) == session.transaction_id)
        return {event["seqNo"] for event in mine}

    with suppress(NotSeen):
        await csms.until(lambda: not _gap(numbers()), "all events", within=profile.timing.answer)
    missing = _gap(numbers())
    assert not missing, f"the events {', '.join(map(str, missing))} of the transaction never came"


def _gap(numbers: set[int]) -> list[int]:
    return sorted(set(range(min(numbers), max(numbers) + 1)) - numbers)


def _marked_offline(csms: CsmsPeer, *events: Received) -> None:
    """Raise AssertionError where one of these is not marked offline."""
    for event in events:
        csms.touch(event)
        assert event.get("offline") is True, f"{in_words(event)} happened offline, and is not marked so"


async def _never_accepted(  # noqa: PLR0913 -- what differs comes last
    station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile, refusal: Error | Silence, attempts: int
) -> None:
    """Refuse one event whenever it comes, and judge how often it comes, when, and what comes after it."""
    async with _refused(station, csms, profile, refusal, attempts=attempts) as (unaccepted, setting):
        with spec.must("E13.FR.02"):
            await unaccepted.came(setting.attempts, within=setting.longest() + profile.timing.answer)
        with spec("E13.FR.04"):
            await unaccepted.followed(within=setting.until_next() + profile.timing.answer)
            count = len(unaccepted.attempts)
            assert count == setting.attempts, f"sent {count} times, with MessageAttempts = {setting.attempts}"
        with spec("E13.FR.03"):
            _judge_pauses(unaccepted, setting, profile)


async def _accepted_at_last(
    station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile, refusal: Error | Silence
) -> None:
    """Refuse one event when it comes first, and judge how often it comes, and when."""
    async with _refused(station, csms, profile, refusal, attempts=3, times=1) as (unaccepted, setting):
        with spec.must("E13.FR.02"):
            await unaccepted.came(2, within=setting.longest() + profile.timing.answer)
            await unaccepted.followed(within=setting.until_next() + profile.timing.answer)
            with suppress(NotSeen):
                await unaccepted.came(3, within=profile.timing.settle)
            assert len(unaccepted.attempts) == 2, "the event was answered, and sent again"
        with spec("E13.FR.03"):
            _judge_pauses(unaccepted, setting, profile)


@asynccontextmanager
async def _refused(  # noqa: PLR0913 -- by keyword
    station: StationDriver,
    csms: CsmsPeer,
    profile: SutProfile,
    refusal: Error | Silence,
    *,
    attempts: int,
    times: int | None = None,
) -> AsyncIterator[tuple[Unaccepted, Retries]]:
    """An EV charges, and the next event that the station tells of it is refused; others follow."""
    async with (
        retries(csms, attempts=attempts, interval=1, silent=isinstance(refusal, Silence)) as setting,
        sampled(station, csms, profile) as seconds,
        vacated(station, csms),
    ):
        enough = setting.attempts >= attempts and setting.longest() < profile.timing.case
        assert enough, f"with {setting} of its own the station can't be seen to repeat an event"
        session = await under_way(station, csms, profile.connectors[0], profile.parameters.valid_id_token.payload)
        unaccepted = Unaccepted(csms, session, refusal, times=times)
        csms.keep_answering(EVENT, unaccepted)
        await something_happens(station, csms, session.connector, seconds, wait=False)
        await unaccepted.came(1, within=seconds + profile.timing.answer)
        yield unaccepted, replace(setting, next_event=seconds)


def _judge_pauses(unaccepted: Unaccepted, setting: Retries, profile: SutProfile) -> None:
    """Raise AssertionError where a repetition came too soon or too late."""
    slack = profile.timing.tolerance + profile.timing.settle
    for number, pause in enumerate(unaccepted.pauses(), start=1):
        due = setting.pause(number)
        assert pause >= due - profile.timing.tolerance, f"repetition {number} came after {pause:.1f} s, not {due:g} s"
        assert pause <= due + slack, f"repetition {number} came after {pause:.1f} s, {due:g} s were due"
