"""What the cases about the wire make of what the oracles find."""

import json
from typing import Any

import pytest

from conformance.cases.case import Case
from conformance.cases.catalogue import catalogue
from conformance.cases.spec import Counted, Spec
from conformance.cases.verdict import Verdict
from conformance.oracles import wire
from conformance.peers.peer import Patience, Peer
from conformance.peers.wire_scenes import all_answered, identities, judge, judge_misses, said
from conformance.wire.frames import Call, decode
from conformance.wire.transcript import Entry, Sender, Transcript

PATIENCE = Patience(answer=1, default=1, actions={})


@pytest.fixture
def peer() -> Peer:
    return Peer("CS001", Transcript(), PATIENCE, {"2.0.1": {}})


@pytest.fixture
def spec() -> Spec:
    return Spec(Case("X_CSMS", "x", "csms", ("2.0.1",), ("J.ID.02", "J.ID.03")), catalogue("2.0.1"))


def frame(peer: Peer, sender: Sender, *items: Any, station: str = "CS001") -> Entry:
    raw = json.dumps(items)
    return peer.transcript.add("frame", link=1, station=station, sender=sender, frame=decode(raw))


def findings(spec: Spec) -> dict[str, Verdict]:
    return {each.requirement: each.verdict for each in spec.findings}


def oracle(transcript: Transcript, station: str) -> wire.Misses:
    calls = transcript.frames(sender="sut", station=station, kind=Call)
    return {"J.ID.02": [wire.Miss(f"{station} has one", (each,)) for each in calls], "J.ID.03": []}


def test_misses_of_every_station_become_findings(peer: Peer, spec: Spec) -> None:
    for station in ("CS001", "CS002"):
        peer.transcript.add("open", link=1, station=station, detail={"version": "2.0.1"})
    frame(peer, "sut", 2, "1", "Reset", {}, station="CS002")
    assert identities(peer) == ["CS001", "CS002"]
    judge(peer, spec, oracle, by=said(peer))
    assert findings(spec) == {"J.ID.02": Verdict.FAIL, "J.ID.03": Verdict.PASS}
    assert "CS002 has one" in spec.findings[0].message


@pytest.mark.parametrize(("last", "verdict"), [(1, Verdict.FAIL), (2, Verdict.NOT_APPLICABLE)])
def test_what_another_case_has_found_is_not_counted_again(peer: Peer, last: int, verdict: Verdict) -> None:
    for number in range(2):
        frame(peer, "sut", 2, f"{number}", "Reset", {})
    case = Case("X_CSMS", "x", "csms", ("2.0.1",), ("J.ID.02",))
    spec = Spec(case, catalogue("2.0.1"), counted=[Counted("Y_CSMS", "J.ID.02", 0, last)])
    judge_misses(peer, spec, "J.ID.02", oracle(peer.transcript, "CS001")["J.ID.02"])
    assert findings(spec) == {"J.ID.02": verdict}


def test_what_there_is_nothing_to_judge_by_stays_unproven(peer: Peer, spec: Spec) -> None:
    frame(peer, "sut", 3, "1", {})
    judge(peer, spec, oracle, by=said(peer), instead={"J.ID.02": said(peer, Call)})
    assert findings(spec) == {"J.ID.02": Verdict.INCONCLUSIVE, "J.ID.03": Verdict.PASS}


def test_without_a_connection_nothing_is_awaited(peer: Peer) -> None:
    frame(peer, "harness", 2, "1", "Reset", {})
    assert all_answered(peer, "harness")
