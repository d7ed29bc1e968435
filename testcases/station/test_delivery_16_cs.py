"""OCPP 1.6, chapter 3.7.1, and errata 3.18: messages about transactions that the Central System fails to answer."""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms import CsmsPeer
from conformance.peers.csms_dialect import Charging
from conformance.peers.received import NotSeen, Received
from conformance.peers.replies import Error, Silence
from conformance.peers.scenes import charging, configured, vacated
from conformance.peers.scenes_v16 import number, present, set_where_possible, started, stopped
from conformance.peers.v16 import started as start_answered
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile

ATTEMPTS = 3
FAILURE = Error("InternalError", "the service can't process this message at the moment")
ATTEMPTS_KEY, PAUSE_KEY = "TransactionMessageAttempts", "TransactionMessageRetryInterval"
QUIET = {"MeterValueSampleInterval": "0", "ClockAlignedDataInterval": "0"}


@case(
    "TRANSACTION_RETRIES_CS",
    "A message that fails is sent again as often as it is set, with pauses that grow, and given up then",
    versions=["1.6"],
    requirements=["16.TX.37", "16.TX.38", "16.TX.39"],
    severity=Severity.CRITICAL,
)
async def test_retries(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Refuse a StopTransaction with an error each time; then let another transaction start."""
    spot, token, pause = profile.connectors[0], profile.parameters.valid_id_token.payload, _pause(profile)
    async with vacated(station, csms), _retrying(csms, ATTEMPTS, pause):
        session = await charging(station, csms, spot, token)
        csms.keep_answering("StopTransaction", FAILURE)
        csms.written_off.add(session.transaction_id)  # nobody will take its end
        await csms.speak.remote_stop(session.transaction_id)
        sent: list[Received] = []
        with spec.must("16.TX.37"):
            for attempt in range(1, ATTEMPTS + 1):
                within = csms.patience.for_action("StopTransaction") + (attempt - 1) * pause
                sent.append(await stopped(csms, session, within=within))
        with spec("16.TX.38"):
            for attempt in range(1, ATTEMPTS):
                refused = await csms.answered(sent[attempt - 1], within=csms.patience.answer)
                csms.touch(sent[attempt - 1], sent[attempt])
                waited, due = sent[attempt].at - refused.at, attempt * pause
                slack = profile.timing.tolerance + profile.timing.settle
                assert due - profile.timing.tolerance <= waited <= due + slack, (
                    f"attempt {attempt + 1} came {waited:.1f} s after the one before it, and {due} s are due "
                    f"({PAUSE_KEY} {pause}, times {attempt})"
                )
        with spec("16.TX.39"):
            with suppress(NotSeen):
                within = ATTEMPTS * pause + profile.timing.tolerance + profile.timing.settle
                more = await stopped(csms, session, within=within)
                csms.touch(more)
                raise AssertionError(f"{ATTEMPTS_KEY} is {ATTEMPTS}, and the message was sent once more")
            csms.answer("StopTransaction")
            await _another(station, csms, profile, session)


async def _another(station: StationDriver, csms: CsmsPeer, profile: SutProfile, session: Charging) -> None:
    """Another transaction starts, and is told of; raises NotSeen."""
    if session.connector in station.plugged:
        await station.unplug(*session.connector)
    mark = csms.now
    token = profile.parameters.valid_id_token.payload
    if station.can("plug_in"):
        await station.plug_in(*session.connector)
    answer = await csms.speak.remote_start(token, session.connector, 0)
    assert answer["status"] == "Accepted", f"the remote start was answered {answer['status']}"
    await started(csms, session.connector, after=mark)


@case(
    "UNANSWERED_STOP_CS",
    "A message that gets no answer at all within MessageTimeout is sent again, the same as before",
    versions=["1.6"],
    requirements=["16.TX.37", "16.TX.REPEAT.01"],
)
async def test_unanswered(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Swallow the first StopTransaction; where the station has no such setting, its patience is not known."""
    timeout = math.ceil(max(2 * profile.timing.tolerance, 1))
    pause = _pause(profile)
    async with (
        vacated(station, csms),
        _retrying(csms, ATTEMPTS, pause),
        set_where_possible(csms, {"MessageTimeout": str(timeout)}),
    ):
        session = await charging(station, csms, profile.connectors[0], profile.parameters.valid_id_token.payload)
        csms.answer("StopTransaction", Silence())
        await csms.speak.remote_stop(session.transaction_id)
        first = await stopped(csms, session)
        patience = await _patience(csms, profile)
        with spec.must("16.TX.37"):
            second = await stopped(csms, session, within=patience + pause + csms.patience.default)
        _judge_same(csms, spec, first, second)


async def _patience(csms: CsmsPeer, profile: SutProfile) -> float:
    """How long the station waits for an answer, in seconds, as far as it says."""
    with suppress(AssertionError):
        return float(await csms.speak.read("MessageTimeout"))
    return profile.timing.reconnect


@case(
    "SWALLOWED_START_ANSWER_CS",
    "The answer to StartTransaction gets lost with the connection: it is sent again, and the new answer counts",
    versions=["1.6"],
    requirements=["16.TX.10", "16.TX.REPEAT.01", "16.TX.78"],
    severity=Severity.CRITICAL,
)
async def test_swallowed_start(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Take the first StartTransaction, say nothing, and hang up."""
    async with vacated(station, csms), set_where_possible(csms, QUIET):
        csms.answer("StartTransaction", Silence())
        first = await _begin(station, csms, profile)
        link = csms.link
        assert link is not None, "the station is gone before it could be hung up on"
        link.abort()
        await csms.disconnected()
        await csms.connected(within=profile.timing.reconnect)
        with spec.must("16.TX.78"):
            within = csms.patience.for_action("StartTransaction") + profile.timing.queue
            second = await csms.expect("StartTransaction", after=first, within=within, connectorId=first["connectorId"])
        _judge_same(csms, spec, first, second)
        session = await _session(csms, profile, second)
        await csms.speak.remote_stop(session.transaction_id)
        with spec("16.TX.10"):
            stop = await csms.expect("StopTransaction", after=second)
            _judge_id(stop, session)


@case(
    "LATE_START_ANSWER_CS",
    "StartTransaction is answered when the transaction is over: what waited behind it bears the id of the answer",
    versions=["1.6"],
    needs="local-stop",
    requirements=["16.TX.10", "16.TX.36"],
    severity=Severity.CRITICAL,
)
async def test_late_answer(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Keep the answer back until a sample was taken and the driver has stopped."""
    interval, spot = profile.parameters.meter_interval, profile.connectors[0]
    settings = {"MeterValueSampleInterval": str(interval), "ClockAlignedDataInterval": "0"}
    async with vacated(station, csms), configured(csms, settings):
        csms.answer("StartTransaction", Silence())
        start = await _begin(station, csms, profile)

        def told() -> list[Received]:
            return [
                each
                for each in csms.traffic(after=start)
                if each.action == "StopTransaction"
                or (each.action == "MeterValues" and each["connectorId"] == start["connectorId"])
            ]

        with suppress(NotSeen):  # nothing may come: it waits for the answer
            await csms.until(lambda: bool(told()), "nothing", within=interval + profile.timing.tolerance)
        await present(station, spot, profile.parameters.valid_id_token.payload)
        with suppress(NotSeen):
            await csms.until(lambda: bool(told()), "nothing", within=profile.timing.settle)
        with spec("16.TX.36"):
            early = told()
            csms.touch(start, *early)
            assert not early, f"{early[0].action} was sent before StartTransaction was answered"
        csms.reply(start, start_answered())
        session = await _session(csms, profile, start)
        with spec("16.TX.10"):
            await csms.expect("StopTransaction", after=start)
            csms.touch(*told())
            for each in told():
                _judge_id(each, session)


@case(
    "START_NEVER_TAKEN_CS",
    "StartTransaction fails for good: the rest of its transaction is told with the id -1",
    versions=["1.6"],
    needs="local-stop",
    requirements=["16.TX.40"],
)
async def test_start_never_taken(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Refuse it as often as the station is set to try; then let the driver stop."""
    attempts, pause = 2, _pause(profile)
    async with vacated(station, csms), _retrying(csms, attempts, pause):
        csms.keep_answering("StartTransaction", FAILURE)
        last = await _begin(station, csms, profile)
        for attempt in range(1, attempts):
            within = csms.patience.for_action("StartTransaction") + attempt * pause
            last = await csms.expect("StartTransaction", after=last, within=within)
        await csms.answered(last, within=csms.patience.answer)
        await present(station, profile.connectors[0], profile.parameters.valid_id_token.payload)
        with spec("16.TX.40"):
            stop = await csms.expect("StopTransaction", after=last)
            assert stop["transactionId"] == -1, (
                f"StartTransaction was never answered, and StopTransaction names {stop['transactionId']}"
            )


# -- what these cases have in common ----------------------------------------------------------------------------------


def _pause(profile: SutProfile) -> int:
    """A pause between two attempts that can be told from none and from two, in seconds."""
    return math.ceil(max(2 * profile.timing.tolerance, 1))


@asynccontextmanager
async def _retrying(csms: CsmsPeer, attempts: int, pause: int) -> AsyncIterator[None]:
    """Set how often and how fast a message is sent again, and have no others come in between."""
    settings = {ATTEMPTS_KEY: str(attempts), PAUSE_KEY: str(pause)}
    async with configured(csms, settings), set_where_possible(csms, QUIET):
        yield


async def _begin(station: StationDriver, csms: CsmsPeer, profile: SutProfile) -> Received:
    """Have a transaction start by the card, or from afar where nobody can show one; its StartTransaction."""
    spot, token, mark = profile.connectors[0], profile.parameters.valid_id_token.payload, csms.now
    if station.can("plug_in"):
        await station.plug_in(*spot)
    if station.can("present_id_token"):
        await present(station, spot, token)
    else:
        answer = await csms.speak.remote_start(token, spot, 0)
        assert answer["status"] == "Accepted", f"the remote start was answered {answer['status']}"
    return await csms.expect("StartTransaction", after=mark, connectorId=number(csms, spot))


async def _session(csms: CsmsPeer, profile: SutProfile, start: Received) -> Charging:
    """The transaction that StartTransaction was answered with."""
    answer = await csms.answered(start, within=csms.patience.answer)
    payload = getattr(answer.frame, "payload", {})
    return Charging(profile.connectors[0], str(payload["transactionId"]), start)


def _judge_id(message: Received, session: Charging) -> None:
    assert str(message.get("transactionId")) == session.transaction_id, (
        f"the transaction was given the id {session.transaction_id}, and {message.action} names "
        f"{message.get('transactionId', 'none')}"
    )


def _judge_same(csms: CsmsPeer, spec: Spec, first: Received, second: Received) -> None:
    """A repeat says the same as the first time."""
    with spec("16.TX.REPEAT.01"):
        csms.touch(first, second)
        names = [name for name in {**first, **second} if first.get(name) != second.get(name)]
        told = ", ".join(f"{name} was {first.get(name)} and is {second.get(name)}" for name in names)
        assert not names, f"sent again it says something else: {told}"
