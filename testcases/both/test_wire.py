"""OCPP-J, Part 4 chapters 3 and 4: how the messages of a station or a CSMS have to be, whatever they are about.

These cases are always on: they judge every frame of the whole session, whatever ran in it.
"""

import contextlib
from functools import partial

import pytest

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles import wire
from conformance.peers.odd_messages import Provoker, requests_to
from conformance.peers.peer import Peer
from conformance.peers.received import NotSeen
from conformance.peers.wire_scenes import CsmsTraffic, StationTraffic, Traffic, all_answered, identities, judge, said
from conformance.rig import CsmsRig, StationRig
from conformance.sut.profile import SutProfile
from conformance.wire.frames import Call, CallResult

BOTH = ("2.0.1", "1.6")


@pytest.fixture
def traffic(rig: StationRig | CsmsRig) -> Traffic:
    """What has the system under test say something."""
    if isinstance(rig, StationRig):
        return StationTraffic(rig.station, rig.csms, rig.profile)
    return CsmsTraffic(rig.station, rig.csms, rig.profile)


@case(
    "WIRE_FRAMING_CS",
    "Every message of a station is a JSON array of the right shape, in a text frame",
    versions=BOTH,
    requirements=["J.FRAME.01", "J.FRAME.02", "J.FRAME.03", "J.FRAME.04", "J.FRAME.06"],
    severity=Severity.CRITICAL,
    always_on=True,
)
@case(
    "WIRE_FRAMING_CSMS",
    "Every message of a CSMS is a JSON array of the right shape, in a text frame",
    versions=BOTH,
    requirements=["J.FRAME.01", "J.FRAME.02", "J.FRAME.03", "J.FRAME.04", "J.FRAME.06"],
    severity=Severity.CRITICAL,
    always_on=True,
)
async def test_framing(traffic: Traffic, peer: Peer, spec: Spec) -> None:
    """Look at every frame that was sent."""
    await traffic.some()
    judge(peer, spec, wire.framing, by=said(peer))


@case(
    "WIRE_MESSAGE_IDS_CS",
    "Message ids of a station are well-formed, never used twice, and repeated in the answer",
    versions=BOTH,
    requirements=["J.ID.01", "J.ID.02", "J.ID.03", "J.ID.05"],
    severity=Severity.CRITICAL,
    always_on=True,
)
@case(
    "WIRE_MESSAGE_IDS_CSMS",
    "Message ids of a CSMS are well-formed, never used twice, and repeated in the answer",
    versions=BOTH,
    requirements=["J.ID.01", "J.ID.02", "J.ID.03", "J.ID.05"],
    severity=Severity.CRITICAL,
    always_on=True,
)
async def test_message_ids(traffic: Traffic, peer: Peer, spec: Spec) -> None:
    """Look at the ids of the whole session; it must have had two beginnings, for an id outlasts a connection."""
    await traffic.some()
    opened = [entry for entry in peer.transcript.entries if entry.kind == "open" and entry.station == peer.identity]
    if len(opened) == 1:
        await traffic.anew()
    judge(peer, spec, wire.message_ids, by=said(peer), instead={"J.ID.02": said(peer, Call)})


@case(
    "WIRE_ONE_OPEN_CALL_CS",
    "A station sends no request before its last one was answered",
    versions=BOTH,
    requirements=["J.SYNC.01"],
    severity=Severity.CRITICAL,
    always_on=True,
)
@case(
    "WIRE_ONE_OPEN_CALL_CSMS",
    "A CSMS sends a station no request before its last one was answered",
    versions=BOTH,
    requirements=["J.SYNC.01"],
    severity=Severity.CRITICAL,
    always_on=True,
)
async def test_one_open_call(traffic: Traffic, peer: Peer, spec: Spec, profile: SutProfile) -> None:
    """Have it much to say, and take a while over each answer."""
    delay = min(profile.timing.settle, 2.0)
    await traffic.much(delay=delay)
    judge(peer, spec, partial(wire.one_open_call, patience=delay), by=said(peer, Call))


@case(
    "WIRE_PAYLOADS_CS",
    "Every message of a station is one that OCPP has, and valid by its schema",
    versions=BOTH,
    requirements=["J.SCHEMA.01", "16J.SCHEMA.02", "J.FRAME.05", "J.ACTION.01", "J.ACTION.02"],
    severity=Severity.CRITICAL,
    always_on=True,
)
@case(
    "WIRE_PAYLOADS_CSMS",
    "Every message of a CSMS is one that OCPP has, and valid by its schema",
    versions=BOTH,
    requirements=["J.SCHEMA.01", "16J.SCHEMA.02", "J.FRAME.05", "J.ACTION.01", "J.ACTION.02"],
    severity=Severity.CRITICAL,
    always_on=True,
)
async def test_payloads(traffic: Traffic, peer: Peer, spec: Spec) -> None:
    """Look at the payload of every request and every result."""
    await traffic.some()
    calls = said(peer, Call)
    judge(
        peer,
        spec,
        wire.payloads,
        by=said(peer, Call, CallResult),
        instead={"J.ACTION.01": calls, "J.ACTION.02": calls},
    )


@case(
    "WIRE_TIMES_CS",
    "Times are written by a station as its OCPP version has them, in UTC",
    versions=BOTH,
    requirements=["16J.TIME.01", "16J.TIME.06", "J.TIME.02", "J.TIME.04"],
    severity=Severity.NORMAL,
    always_on=True,
)
@case(
    "WIRE_TIMES_CSMS",
    "Times are written by a CSMS as its OCPP version has them, in UTC",
    versions=BOTH,
    requirements=["16J.TIME.01", "16J.TIME.06", "J.TIME.02", "J.TIME.04"],
    severity=Severity.NORMAL,
    always_on=True,
)
async def test_times(traffic: Traffic, peer: Peer, spec: Spec) -> None:
    """Look at every field that holds a time."""
    await traffic.some()
    written = [each for station in identities(peer) for each in wire.written_times(peer.transcript, station)]
    judge(peer, spec, wire.times, by=written)


@case(
    "WIRE_ANSWERS_CS",
    "A station answers every valid request: with a result, in time, and once",
    versions=BOTH,
    requirements=["J.ANSWER.01", "J.ANSWER.03", "J.ANSWER.04"],
    severity=Severity.CRITICAL,
    always_on=True,
)
@case(
    "WIRE_ANSWERS_CSMS",
    "A CSMS answers every valid request: with a result, in time, and once",
    versions=BOTH,
    requirements=["J.ANSWER.01", "J.ANSWER.03", "J.ANSWER.04"],
    severity=Severity.CRITICAL,
    always_on=True,
)
async def test_answers(traffic: Traffic, peer: Peer, spec: Spec, profile: SutProfile) -> None:
    """Look at what became of every request of the session; an answer that is late gets as much time again."""
    limit = profile.timing.answer
    await traffic.some()
    with contextlib.suppress(NotSeen):
        await peer.until(lambda: all_answered(peer, "harness"), "late answers", within=limit)
    now = peer.transcript.clock.monotonic()
    oracle = partial(wire.answers, limit=limit, now=now, role=profile.role)
    judge(peer, spec, oracle, by=peer.transcript.exchanges(sender="harness"))


@case(
    "WIRE_REFUSALS_CS",
    "What a station refuses, it refuses with a code of its OCPP version and in the right form",
    versions=BOTH,
    requirements=["J.ERROR.01", "16J.ERROR.09", "J.ERROR.04"],
    severity=Severity.NORMAL,
    always_on=True,
)
@case(
    "WIRE_REFUSALS_CSMS",
    "What a CSMS refuses, it refuses with a code of its OCPP version and in the right form",
    versions=BOTH,
    requirements=["J.ERROR.01", "16J.ERROR.09", "J.ERROR.04"],
    severity=Severity.NORMAL,
    always_on=True,
)
async def test_refusals(peer: Peer, spec: Spec, profile: SutProfile) -> None:
    """Look at every CALLERROR; where it never came to one, provoke some."""

    def refused() -> bool:
        return any(wire.refused(peer.transcript, station) for station in identities(peer))

    if not refused():
        requests = requests_to(profile)
        for request in [*requests.bad.values(), *requests.unknown.values()]:
            with contextlib.suppress(AssertionError):
                await Provoker(peer).ask(request, within=profile.timing.answer)
    if not refused():
        for requirement in ("J.ERROR.01", "16J.ERROR.09", "J.ERROR.04"):
            spec.excuse(requirement, "no CALLERROR was ever sent")
        return
    judge(peer, spec, wire.refusals, by=[True])
