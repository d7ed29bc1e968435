"""OCPP-J, Part 4 chapters 3 and 4: what the station makes of odd messages, and how its own have to be.

The cases at the end are always on: they judge every frame of the whole session, whatever ran in it.
"""

import contextlib
import json
import uuid

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles import wire
from conformance.peers.csms import CsmsPeer
from conformance.peers.received import NotSeen
from conformance.peers.replies import Late
from conformance.peers.scenes import all_connectors_reported, base_report, reboot
from conformance.peers.v201 import get_variables, variable
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile
from conformance.wire.frames import UNREADABLE_ID, Call, CallError, CallResult, encode_call
from conformance.wire.link import Link
from conformance.wire.transcript import Entry, Transcript

READ = get_variables(variable("OCPPCommCtrlr", "HeartbeatInterval"))
PAYLOAD_CODES = frozenset(
    {
        "FormatViolation",
        "OccurrenceConstraintViolation",
        "PropertyConstraintViolation",
        "ProtocolError",
        "TypeConstraintViolation",
    }
)


# -- what it makes of odd messages -------------------------------------------------------------------------------------


@case(
    "UNKNOWN_ACTION_CS",
    "A request that OCPP does not have is refused as not implemented",
    requirements=["J.ANSWER.02", "J.ERROR.02", "J.CONN.01", "J.ANSWER.01"],
    severity=Severity.NORMAL,
)
async def test_unknown_action(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask it for coffee."""
    link = await csms.connected()
    answer = await _odd_call(csms, "MakeCoffee", {"cups": 1}, within=profile.timing.answer)
    _judge_refusal(csms, spec, answer, "J.ERROR.02", allowed=frozenset({"NotImplemented"}))
    await _judge_unharmed(csms, spec, link)


@case(
    "UNOFFERED_ACTION_CS",
    "A request that OCPP has, but not for a station, is refused as not supported",
    requirements=["J.ANSWER.02", "J.ERROR.03", "J.CONN.01", "J.ANSWER.01"],
    severity=Severity.MINOR,
)
async def test_unoffered_action(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Send it a Heartbeat, which only a station sends."""
    link = await csms.connected()
    answer = await _odd_call(csms, "Heartbeat", {}, within=profile.timing.answer)
    _judge_refusal(csms, spec, answer, "J.ERROR.03", allowed=frozenset({"NotSupported", "NotImplemented"}))
    await _judge_unharmed(csms, spec, link)


@case(
    "BAD_PAYLOAD_CS",
    "A request with a bad payload is refused, and does no harm",
    requirements=["J.ANSWER.02", "J.ERROR.05", "J.CONN.01", "J.ANSWER.01"],
    severity=Severity.NORMAL,
)
async def test_bad_payload(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for variables in ways that the schema forbids; one that does not answer once is not asked further."""
    link = await csms.connected()
    item = variable("OCPPCommCtrlr", "HeartbeatInterval")
    bad: dict[str, object] = {
        "a required field missing": {},
        "a field of the wrong type": {"getVariableData": "HeartbeatInterval"},
        "an empty list": {"getVariableData": []},
        "a text that is too long": {"getVariableData": [{**item, "variable": {"name": "x" * 51}}]},
        "a value outside of its enumeration": {"getVariableData": [{**item, "attributeType": "Imaginary"}]},
        "a field that does not exist": {"getVariableData": [item], "cups": 1},
        "an array for a payload": [],
    }
    for what, payload in bad.items():
        answer = await _odd_call(csms, "GetVariables", payload, within=profile.timing.answer)
        allowed = PAYLOAD_CODES if isinstance(payload, dict) else PAYLOAD_CODES | {"RpcFrameworkError"}
        _judge_refusal(csms, spec, answer, "J.ERROR.05", allowed=allowed, what=what)
        if answer is None:
            break
    await _judge_unharmed(csms, spec, link)


@case(
    "BROKEN_MESSAGE_CS",
    "What is no message at all is refused or ignored, and does no harm",
    requirements=["J.ID.04", "J.ERROR.06", "J.ERROR.07", "J.CONN.01", "J.ANSWER.01"],
    severity=Severity.NORMAL,
)
async def test_broken_message(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Send it text that is no JSON, and a message of a type that does not exist."""
    link = await csms.connected()
    for text in ("coffee", '{"coffee": "', "[2"):
        answer = await _odd(csms, text, within=profile.timing.settle)
        if answer is None:
            spec.excuse("J.ID.04", f"{text} was dropped, as it may be")
            spec.excuse("J.ERROR.07", f"{text} was dropped, as it may be")
            continue
        with spec("J.ERROR.07"):
            csms.touch(answer)
            assert _is_json(answer.text), f"the answer to broken JSON is broken itself: {answer.text[:200]}"
        with spec("J.ID.04"):
            csms.touch(answer)
            given = answer.frame.message_id if answer.frame is not None else None
            assert given == UNREADABLE_ID, f'the id of {text} can\'t be read, so "-1" is due, and {given!r} came'
    answer = await _odd(csms, json.dumps([9, str(uuid.uuid4()), "Heartbeat", {}]), within=profile.timing.settle)
    if answer is None:
        spec.excuse("J.ERROR.06", "the message of an unknown type was ignored, as it may be")
    else:
        with spec("J.ERROR.06"):
            csms.touch(answer)
            code = wire.refusal_code(answer)
            assert code == "MessageTypeNotSupported", f"a message of an unknown type was answered {_told(answer)}"
    await _judge_unharmed(csms, spec, link)


@case(
    "ANSWERS_WHILE_WAITING_CS",
    "A station that waits for an answer itself still answers",
    requirements=["J.SYNC.02"],
    severity=Severity.NORMAL,
)
async def test_answers_while_waiting(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Have it send something, take a while to answer that, and ask it something meanwhile."""
    evse, connector = profile.connectors[0]
    triggers: dict[str, dict[str, object]] = {
        "Heartbeat": {},
        "StatusNotification": {"evse": {"id": evse, "connectorId": connector}},
        "MeterValues": {"evse": {"id": evse}},
    }
    delay = _delay(profile)
    for action, where in triggers.items():
        csms.answer(action, Late(delay))
        mark = csms.now
        answer = await csms.call("TriggerMessage", {"requestedMessage": action, **where})
        if answer["status"] != "Accepted":
            continue
        waiting = await csms.expect(action, after=mark)
        with spec("J.SYNC.02"):
            answered = await csms.attempt("GetVariables", READ, within=delay + profile.timing.answer)
            ours = await csms.answered(waiting, within=delay + profile.timing.answer)
            csms.touch(waiting, ours)
            assert answered.n < ours.n, "GetVariables was answered only after the station had its own answer"
        return
    raise AssertionError(f"none of {', '.join(triggers)} could be triggered")


def _delay(profile: SutProfile) -> float:
    """How long to keep a station waiting that is not to give up, in seconds."""
    return min(profile.timing.settle, 2.0)


async def _odd_call(csms: CsmsPeer, action: str, payload: object, *, within: float) -> Entry | None:
    """Send a request that is not in order, and return what is answered, if anything is."""
    message_id = str(uuid.uuid4())
    text = encode_call(message_id, action, payload) if isinstance(payload, dict) else None
    return await _odd(csms, text or json.dumps([Call.message_type, message_id, action, payload]), within=within)


async def _odd(csms: CsmsPeer, text: str, *, within: float) -> Entry | None:
    """Send a text, whatever it is, and return what is answered; None if nothing is, or the connection goes."""
    link = await csms.connected()
    sent = link.send(text)

    def answer() -> Entry | None:
        since = csms.transcript.entries[sent.n + 1 :]
        return next((entry for entry in since if entry.sender == "sut" and _is_answer(entry)), None)

    with contextlib.suppress(NotSeen):
        await csms.until(lambda: answer() is not None or csms.link is not link, "an answer", within=within)
    csms.touch(sent)
    return answer()


def _is_answer(entry: Entry) -> bool:
    return entry.frame is not None and entry.frame.message_type in (CallResult.message_type, CallError.message_type)


def _judge_refusal(  # noqa: PLR0913 -- by keyword
    csms: CsmsPeer, spec: Spec, answer: Entry | None, requirement: str, *, allowed: frozenset[str], what: str = ""
) -> None:
    """Judge that an odd request was refused, and with one of these codes."""
    about = f"a request with {what}" if what else "the request"
    code = None if answer is None else wire.refusal_code(answer)
    with spec("J.ANSWER.02"):
        assert answer is not None, f"{about} got no answer"
        csms.touch(answer)
        assert code is not None, f"{about} was not refused, but answered {_told(answer)}"
    if answer is None or code is None:
        spec.excuse(requirement, f"{about} was not refused")
        return
    with spec(requirement):
        csms.touch(answer)
        assert code in allowed, f"{about} was refused with {code}; expected any of {', '.join(sorted(allowed))}"


async def _judge_unharmed(csms: CsmsPeer, spec: Spec, link: Link) -> None:
    """Judge that the connection is still there, and of use."""
    with spec("J.CONN.01"):
        if link.closed is not None:
            csms.touch(link.closed)
        assert csms.link is link, "the station gave up its connection over it"
    try:
        await csms.connected()
    except NotSeen:
        spec.unproven("J.ANSWER.01", "the station did not come back")
        return
    with spec("J.ANSWER.01"):
        await csms.attempt("GetVariables", READ)


def _told(answer: Entry) -> str:
    return answer.text if len(answer.text) <= _SHOWN else f"{answer.text[:_SHOWN]}…"


_SHOWN = 200


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


# -- always on ----------------------------------------------------------------------------------------------------


@case(
    "WIRE_FRAMING_CS",
    "Every message is a JSON array of the right shape, in a text frame",
    requirements=["J.FRAME.01", "J.FRAME.02", "J.FRAME.03", "J.FRAME.04", "J.FRAME.06"],
    severity=Severity.CRITICAL,
    always_on=True,
)
async def test_framing(csms: CsmsPeer, spec: Spec, transcript: Transcript) -> None:
    """Look at every frame that the station sent."""
    await _some_traffic(csms, transcript)
    _judge(csms, spec, wire.framing(transcript, csms.identity), to_judge=_frames(csms))


@case(
    "WIRE_MESSAGE_IDS_CS",
    "Message ids are well-formed, never used twice, and repeated in the answer",
    requirements=["J.ID.01", "J.ID.02", "J.ID.03", "J.ID.05"],
    severity=Severity.CRITICAL,
    always_on=True,
)
async def test_message_ids(station: StationDriver, csms: CsmsPeer, spec: Spec, transcript: Transcript) -> None:
    """Look at the ids of the whole session; it must have had two boots, for an id outlasts a connection."""
    await _some_traffic(csms, transcript)
    if len(_connections(csms)) == 1:
        with contextlib.suppress(AssertionError):
            await reboot(station, csms)
            await _some_traffic(csms, transcript)
    _judge(csms, spec, wire.message_ids(transcript, csms.identity), to_judge=_frames(csms))


@case(
    "WIRE_ONE_OPEN_CALL_CS",
    "The station sends no request before its last one was answered",
    requirements=["J.SYNC.01"],
    severity=Severity.CRITICAL,
    always_on=True,
)
async def test_one_open_call(
    station: StationDriver, csms: CsmsPeer, spec: Spec, transcript: Transcript, profile: SutProfile
) -> None:
    """Let a boot and a report, when it has most to say, meet a CSMS that takes a while to answer."""
    delay = _delay(profile)
    for action in ("BootNotification", "StatusNotification", "NotifyEvent", "NotifyReport"):
        csms.answer(action, Late(delay), Late(delay))
    with contextlib.suppress(AssertionError):
        booted = await reboot(station, csms)
        await all_connectors_reported(csms, profile.connectors, after=booted.notification)
        await base_report(csms, "ConfigurationInventory")
    with contextlib.suppress(NotSeen):
        await csms.until(lambda: _all_answered(csms), "the last answers", within=2 * delay)
    misses = wire.one_open_call(transcript, csms.identity, patience=delay)
    _judge(csms, spec, misses, to_judge=_frames(csms, Call))


@case(
    "WIRE_PAYLOADS_CS",
    "Every message is one that OCPP has, and valid by its schema",
    requirements=["J.SCHEMA.01", "J.FRAME.05", "J.ACTION.01", "J.ACTION.02"],
    severity=Severity.CRITICAL,
    always_on=True,
)
async def test_payloads(csms: CsmsPeer, spec: Spec, transcript: Transcript) -> None:
    """Look at the payload of every request and every result."""
    await _some_traffic(csms, transcript)
    _judge(csms, spec, wire.payloads(transcript, csms.identity), to_judge=_frames(csms, Call, CallResult))


@case(
    "WIRE_TIMES_CS",
    "Times are written as RFC 3339 has them, in UTC",
    requirements=["J.TIME.01", "J.TIME.02", "J.TIME.04"],
    severity=Severity.NORMAL,
    always_on=True,
)
async def test_times(csms: CsmsPeer, spec: Spec, transcript: Transcript) -> None:
    """Look at every field that holds a time."""
    await _some_traffic(csms, transcript)
    written = any(True for _ in wire.written_times(transcript, csms.identity))
    _judge(csms, spec, wire.times(transcript, csms.identity), to_judge=written)


@case(
    "WIRE_ANSWERS_CS",
    "Every valid request is answered: with a result, in time, and once",
    requirements=["J.ANSWER.01", "J.ANSWER.03", "J.ANSWER.04"],
    severity=Severity.CRITICAL,
    always_on=True,
)
async def test_answers(csms: CsmsPeer, spec: Spec, transcript: Transcript, profile: SutProfile) -> None:
    """Look at what became of every request of the session; an answer that is late gets as much time again."""
    limit = profile.timing.answer
    await _some_traffic(csms, transcript)
    with contextlib.suppress(NotSeen):
        await csms.until(lambda: not _unanswered(csms), "late answers", within=limit)
    misses = wire.answers(transcript, csms.identity, limit=limit, now=transcript.clock.monotonic())
    asked = transcript.exchanges(sender="harness", station=csms.identity)
    _judge(csms, spec, misses, to_judge=bool(asked))


@case(
    "WIRE_HANDSHAKE_CS",
    "The station dials the right path, and names its OCPP versions",
    requirements=["J.HANDSHAKE.01", "J.HANDSHAKE.02", "J.HANDSHAKE.03"],
    severity=Severity.NORMAL,
    always_on=True,
)
async def test_handshake(csms: CsmsPeer, spec: Spec, transcript: Transcript, profile: SutProfile) -> None:
    """Look at every attempt to connect, let in or not."""
    endpoint = "/" + profile.listen.path.strip("/")
    misses = wire.handshakes(transcript, csms.identity, endpoint=endpoint, version=profile.versions[0])
    _judge(csms, spec, misses, to_judge=bool(wire.dialled(transcript, csms.identity)))


@case(
    "WIRE_REFUSALS_CS",
    "What the station refuses, it refuses with a code of its OCPP version and in the right form",
    requirements=["J.ERROR.01", "J.ERROR.04"],
    severity=Severity.NORMAL,
    always_on=True,
)
async def test_refusals(csms: CsmsPeer, spec: Spec, transcript: Transcript, profile: SutProfile) -> None:
    """Look at every CALLERROR; where it never came to one, provoke some."""
    if not wire.refused(transcript, csms.identity):
        with contextlib.suppress(AssertionError):
            await _odd_call(csms, "GetVariables", {}, within=profile.timing.answer)
            await _odd_call(csms, "MakeCoffee", {"cups": 1}, within=profile.timing.answer)
    if not wire.refused(transcript, csms.identity):
        spec.excuse("J.ERROR.01", "the station never sent a CALLERROR")
        spec.excuse("J.ERROR.04", "the station never sent a CALLERROR")
        return
    _judge(csms, spec, wire.refusals(transcript, csms.identity), to_judge=True)


async def _some_traffic(csms: CsmsPeer, transcript: Transcript) -> None:
    """Have the station answer, and report unless it was asked to before; what goes wrong is in the transcript."""
    with contextlib.suppress(AssertionError, LookupError, TypeError, ValueError):
        await csms.attempt("GetVariables", READ)
        if not transcript.exchanges(sender="harness", station=csms.identity, action="GetBaseReport"):
            await base_report(csms, "ConfigurationInventory")


def _judge(csms: CsmsPeer, spec: Spec, misses: wire.Misses, *, to_judge: object) -> None:
    """Turn what an oracle has found into findings that point at the frames."""
    for requirement, found in misses.items():
        if not to_judge:
            spec.unproven(requirement, "the station sent nothing that this could be judged by")
            continue
        with spec(requirement):
            csms.touch(*(entry for miss in found[:_POINTED_AT] for entry in miss.entries))
            assert not found, wire.summary(found)


_POINTED_AT = 20


def _frames(csms: CsmsPeer, *kinds: type) -> list[Entry]:
    return csms.transcript.frames(sender="sut", station=csms.identity, kind=kinds or None)


def _connections(csms: CsmsPeer) -> list[Entry]:
    return [entry for entry in csms.transcript.entries if entry.kind == "open" and entry.station == csms.identity]


def _all_answered(csms: CsmsPeer) -> bool:
    link = csms.link
    asked = csms.transcript.exchanges(sender="sut", station=csms.identity, link=link.number if link else None)
    return all(each.answer is not None for each in asked)


def _unanswered(csms: CsmsPeer) -> bool:
    """Whether a request on the present connection has got no answer yet."""
    link = csms.link
    if link is None:
        return False
    asked = csms.transcript.exchanges(sender="harness", station=csms.identity, link=link.number)
    return any(each.answer is None and isinstance(each.call.frame, Call) for each in asked)
