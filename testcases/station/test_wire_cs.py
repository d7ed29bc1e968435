"""OCPP-J, Part 4 chapters 3 and 4: what only a station does, which dials, and may be asked while it waits itself.

What holds for both roles is in testcases/both.
"""

from functools import partial

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles import wire
from conformance.peers.csms import CsmsPeer
from conformance.peers.odd_messages import requests_to
from conformance.peers.received import Refused
from conformance.peers.replies import Late
from conformance.peers.wire_scenes import judge
from conformance.sut.profile import SutProfile

BOTH = ("2.0.1", "1.6")


@case(
    "ANSWERS_WHILE_WAITING_CS",
    "A station that waits for an answer itself still answers",
    versions=BOTH,
    requirements=["J.SYNC.02"],
    severity=Severity.NORMAL,
)
async def test_answers_while_waiting(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Have it send something, take a while to answer that, and ask it something meanwhile."""
    place = profile.connectors[0]
    delay = min(profile.timing.settle, 2.0)
    for action, where in {"Heartbeat": None, "StatusNotification": place, "MeterValues": place}.items():
        csms.answer(action, Late(delay))
        mark = csms.now
        try:
            answer = await csms.speak.trigger(action, where)
        except Refused:
            continue
        if answer["status"] != "Accepted":
            continue
        waiting = await csms.expect(action, after=mark)
        with spec("J.SYNC.02"):
            question, payload = requests_to(profile).plain
            answered = await csms.attempt(question, payload, within=delay + profile.timing.answer)
            ours = await csms.answered(waiting, within=delay + profile.timing.answer)
            csms.touch(waiting, ours)
            assert answered.n < ours.n, f"{question} was answered only after the station had its own answer"
        return
    raise AssertionError("the station sends none of the messages on request that every station has")


@case(
    "WIRE_HANDSHAKE_CS",
    "The station dials the right path, and names its OCPP versions",
    versions=BOTH,
    requirements=["J.HANDSHAKE.01", "J.HANDSHAKE.02", "J.HANDSHAKE.03"],
    severity=Severity.NORMAL,
    always_on=True,
)
async def test_handshake(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Look at every attempt to connect, let in or not."""
    endpoint = "/" + profile.listen.path.strip("/")
    oracle = partial(wire.handshakes, endpoint=endpoint, version=profile.version)
    judge(csms, spec, oracle, by=wire.dialled(csms.transcript, csms.identity))
