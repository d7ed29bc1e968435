"""OCPP-J, Part 4 chapters 3 and 4: what a station or a CSMS makes of messages that are not in order."""

import json
import uuid

import pytest

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles import wire
from conformance.peers.odd_messages import (
    CODES,
    Provoker,
    is_json,
    judge_not_served,
    judge_refusal,
    judge_unharmed,
    payload_codes,
    requests_to,
    shown,
    unharmed,
    unknown_codes,
    unreadable,
)
from conformance.peers.peer import Peer
from conformance.peers.received import NotSeen
from conformance.sut.profile import SutProfile
from conformance.wire.frames import CallResult, encode_call, encode_error, encode_result

BOTH = ("2.0.1", "1.6")


@pytest.fixture
def provoker(peer: Peer) -> Provoker:
    """Who says it."""
    return Provoker(peer)


@case(
    "UNKNOWN_ACTION_CS",
    "A request that a station's OCPP version does not have is refused as not implemented",
    versions=BOTH,
    requirements=["J.ANSWER.02", "J.ANSWER.05", "J.ERROR.02", "J.CONN.01", "J.ANSWER.01"],
    severity=Severity.NORMAL,
)
@case(
    "UNKNOWN_ACTION_CSMS",
    "A request that a CSMS's OCPP version does not have is refused as not implemented",
    versions=BOTH,
    requirements=["J.ANSWER.02", "J.ANSWER.05", "J.ERROR.02", "CSMS.CONN.01", "J.ANSWER.01"],
    severity=Severity.NORMAL,
)
async def test_unknown_action(provoker: Provoker, spec: Spec, profile: SutProfile) -> None:
    """Ask it for coffee; for something in lower case; for something that only another version has."""
    for what, request in requests_to(profile).unknown.items():
        answer = await provoker.ask(request, within=profile.timing.answer)
        allowed = unknown_codes(CODES[profile.version], what)
        judge_not_served(provoker.peer, spec, answer, what=what)
        judge_refusal(provoker.peer, spec, answer, "J.ERROR.02", what=what, allowed=allowed)
        if answer is None:
            break
    await judge_unharmed(provoker, spec, profile)


@case(
    "UNOFFERED_ACTION_CS",
    "A request that OCPP has, but not for a station, is refused as not supported",
    versions=BOTH,
    requirements=["J.ANSWER.02", "J.ANSWER.05", "J.ERROR.03", "J.CONN.01", "J.ANSWER.01"],
    severity=Severity.MINOR,
)
@case(
    "UNOFFERED_ACTION_CSMS",
    "A request that OCPP has, but not for a CSMS, is refused as not supported",
    versions=BOTH,
    requirements=["J.ANSWER.02", "J.ANSWER.05", "J.ERROR.03", "CSMS.CONN.01", "J.ANSWER.01"],
    severity=Severity.MINOR,
)
async def test_unoffered_action(provoker: Provoker, spec: Spec, profile: SutProfile) -> None:
    """Ask it for what only the other end serves, and for what not everyone offers, where a result is as good."""
    requests, codes = requests_to(profile), CODES[profile.version]
    async with unharmed(provoker, spec, profile):
        for what, request in requests.unoffered.items():
            answer = await provoker.ask(request, within=profile.timing.answer)
            judge_not_served(provoker.peer, spec, answer, what=what)
            judge_refusal(provoker.peer, spec, answer, "J.ERROR.03", what=what, allowed=codes.unoffered)
        for what, request in requests.rare.items():
            answer = await provoker.ask(request, within=profile.timing.answer)
            with spec("J.ANSWER.01"):
                assert answer is not None, f"a request {what} got no answer"
            if answer is not None and not isinstance(answer.frame, CallResult):
                judge_refusal(provoker.peer, spec, answer, "J.ERROR.03", what=what, allowed=codes.unoffered)


@case(
    "BAD_PAYLOAD_CS",
    "A request with a bad payload is refused by a station, and does no harm",
    versions=BOTH,
    requirements=["J.ANSWER.02", "J.ANSWER.05", "J.ERROR.05", "J.CONN.01", "J.ANSWER.01"],
    severity=Severity.NORMAL,
)
@case(
    "BAD_PAYLOAD_CSMS",
    "A request with a bad payload is refused by a CSMS, and does no harm",
    versions=BOTH,
    requirements=["J.ANSWER.02", "J.ANSWER.05", "J.ERROR.05", "CSMS.CONN.01", "J.ANSWER.01"],
    severity=Severity.NORMAL,
)
async def test_bad_payload(provoker: Provoker, spec: Spec, profile: SutProfile) -> None:
    """Break the schema in many ways; one that does not answer once is not asked further."""
    requests, codes = requests_to(profile), CODES[profile.version]
    for what, request in {**requests.bad, **requests.doubtful}.items():
        answer = await provoker.ask(request, within=profile.timing.answer)
        if what in requests.bad:
            judge_not_served(provoker.peer, spec, answer, what=what)
        judge_refusal(provoker.peer, spec, answer, "J.ERROR.05", what=what, allowed=payload_codes(codes, what))
        if answer is None:
            break
    await judge_unharmed(provoker, spec, profile)


@case(
    "NULL_PAYLOAD_CS",
    "A station takes null for an empty payload, or refuses it as a bad one",
    versions=BOTH,
    requirements=["J.ERROR.05", "J.CONN.01", "J.ANSWER.01"],
    severity=Severity.MINOR,
)
@case(
    "NULL_PAYLOAD_CSMS",
    "A CSMS takes null for an empty payload, or refuses it as a bad one",
    versions=BOTH,
    requirements=["J.ERROR.05", "CSMS.CONN.01", "J.ANSWER.01"],
    severity=Severity.MINOR,
)
async def test_null_payload(provoker: Provoker, spec: Spec, profile: SutProfile) -> None:
    """Write null, which OCPP-J calls bad practice."""
    action, _ = requests_to(profile).plain
    answer = await provoker.ask((action, None), within=profile.timing.settle)
    if answer is None:
        spec.excuse("J.ERROR.05", "a payload of null was dropped, as it may be")
    else:
        with spec("J.ERROR.05"):
            provoker.peer.touch(answer)
            code = wire.refusal_code(answer)
            served = isinstance(answer.frame, CallResult)
            assert served or code in CODES[profile.version].no_object, f"a payload of null was refused with {code}"
    await judge_unharmed(provoker, spec, profile)


@case(
    "BROKEN_MESSAGE_CS",
    "What is no message at all is refused or ignored by a station, and does no harm",
    versions=BOTH,
    requirements=["J.ID.04", "J.ANSWER.02", "J.ERROR.06", "J.ERROR.07", "J.CONN.01", "J.ANSWER.01"],
    severity=Severity.NORMAL,
)
@case(
    "BROKEN_MESSAGE_CSMS",
    "What is no message at all is refused or ignored by a CSMS, and does no harm",
    versions=BOTH,
    requirements=["J.ID.04", "J.ANSWER.02", "J.ERROR.06", "J.ERROR.07", "CSMS.CONN.01", "J.ANSWER.01"],
    severity=Severity.NORMAL,
)
async def test_broken_message(provoker: Provoker, spec: Spec, profile: SutProfile) -> None:
    """Send it text that is no JSON, arrays that are no message, ids that are none, and types that do not exist."""
    peer, codes = provoker.peer, CODES[profile.version]
    plain = requests_to(profile).plain
    async with unharmed(provoker, spec, profile):
        for text, ids in unreadable(plain).items():
            answer = await provoker.say(text, within=profile.timing.settle)
            if answer is None:
                for requirement in ("J.ID.04", "J.ANSWER.02", "J.ERROR.07"):
                    spec.excuse(requirement, f"{text} was dropped, as it may be")
                continue
            with spec("J.ERROR.07"):
                peer.touch(answer)
                assert is_json(answer.text), f"the answer to broken JSON is broken itself: {shown(answer)}"
            with spec("J.ANSWER.02"):
                peer.touch(answer)
                assert wire.refusal_code(answer) is not None, f"{text} was not refused, but answered {shown(answer)}"
            with spec("J.ID.04"):
                peer.touch(answer)
                given = answer.frame.message_id if answer.frame is not None else None
                assert given in ids, f'the id of {text} can\'t be read or used, so "-1" is due, and {given!r} came'
        for message_type, allowed in ((9, codes.unknown_type), ("2", codes.no_type)):
            answer = await provoker.say(
                json.dumps([message_type, str(uuid.uuid4()), *plain]), within=profile.timing.settle
            )
            if answer is None and not codes.ignores_types:
                spec.excuse("J.ERROR.06", "the message of an unknown type was dropped, as it may be")
                continue
            with spec("J.ERROR.06"):
                if answer is not None:
                    peer.touch(answer)
                    code = wire.refusal_code(answer)
                    assert code in allowed, f"a message of the type {message_type!r} was answered {shown(answer)}"


@case(
    "UNASKED_ANSWER_CS",
    "A station ignores an answer to what it never asked",
    versions=BOTH,
    requirements=["J.ANSWER.03", "J.CONN.01", "J.ANSWER.01"],
    severity=Severity.MINOR,
)
@case(
    "UNASKED_ANSWER_CSMS",
    "A CSMS ignores an answer to what it never asked",
    versions=BOTH,
    requirements=["J.ANSWER.03", "CSMS.CONN.01", "J.ANSWER.01"],
    severity=Severity.MINOR,
)
async def test_unasked_answer(provoker: Provoker, spec: Spec, profile: SutProfile) -> None:
    """Send it a result and a refusal, with ids that it has never used."""
    async with unharmed(provoker, spec, profile):
        for text in (encode_result(str(uuid.uuid4()), {}), encode_error(str(uuid.uuid4()), "GenericError")):
            answer = await provoker.say(text, within=profile.timing.settle)
            with spec("J.ANSWER.03"):
                if answer is not None:
                    provoker.peer.touch(answer)
                assert answer is None, f"an answer that it had not asked for was answered {answer and shown(answer)}"


@case(
    "CUSTOM_DATA_CS",
    "A request with customData of an unknown vendor is served by a station like any other",
    requirements=["J.ANSWER.01", "J.CONN.01"],
    severity=Severity.NORMAL,
)
@case(
    "CUSTOM_DATA_CSMS",
    "A request with customData of an unknown vendor is served by a CSMS like any other",
    requirements=["J.ANSWER.01", "CSMS.CONN.01"],
    severity=Severity.NORMAL,
)
async def test_custom_data(provoker: Provoker, spec: Spec, profile: SutProfile) -> None:
    """Add fields of one's own where 2.0.1 has a place for them (Part 4 9)."""
    action, payload = requests_to(profile).plain
    custom = {"vendorId": "org.example.coffee", "cups": [1, {"milk": True}]}
    answer = await provoker.ask((action, {**payload, "customData": custom}), within=profile.timing.answer)
    with spec("J.ANSWER.01"):
        assert answer is not None, f"{action} with customData got no answer"
        provoker.peer.touch(answer)
        assert isinstance(answer.frame, CallResult), f"{action} with customData was answered {shown(answer)}"
    await judge_unharmed(provoker, spec, profile)


@case(
    "ODD_FRAMES_CS",
    "A station reads a message in several WebSocket frames, and answers a ping between them",
    versions=BOTH,
    requirements=["J.ANSWER.01", "J.PING.04", "J.CONN.01"],
    severity=Severity.NORMAL,
)
@case(
    "ODD_FRAMES_CSMS",
    "A CSMS reads a message in several WebSocket frames, and answers a ping between them",
    versions=BOTH,
    requirements=["J.ANSWER.01", "J.PING.04", "CSMS.CONN.01"],
    severity=Severity.NORMAL,
)
async def test_odd_frames(provoker: Provoker, spec: Spec, profile: SutProfile) -> None:
    """Cut a message in three, with a ping after the first part; then send a binary one, and take any answer."""
    peer = provoker.peer
    action, payload = requests_to(profile).plain
    text, ping = encode_call(str(uuid.uuid4()), action, payload), uuid.uuid4().bytes.hex()
    mark = peer.now
    parts = (text[:7], text[7:20], text[20:])
    answer = await provoker.send(
        lambda link: link.send_in_parts(*parts, ping=ping.encode()), within=profile.timing.answer
    )
    with spec("J.ANSWER.01"):
        assert answer is not None, f"{action} in three frames got no answer"
        peer.touch(answer)
        assert isinstance(answer.frame, CallResult), f"{action} in three frames was answered {shown(answer)}"

    def answered() -> bool:
        return any(
            entry.kind == "pong" and entry.sender == "sut" and entry.detail["data"] == ping
            for entry in peer.transcript.entries[mark:]
        )

    with spec("J.PING.04"):
        try:
            await peer.until(answered, "a pong", within=profile.timing.settle)
        except NotSeen:
            raise AssertionError("a ping between the frames of a message was not answered") from None
    await judge_unharmed(provoker, spec, profile)
    again = Provoker(peer)
    await again.send(
        lambda link: link.send_binary(encode_call(str(uuid.uuid4()), action, payload).encode()),
        within=profile.timing.settle,
    )
    await judge_unharmed(again, spec, profile, may_hang_up=True)
