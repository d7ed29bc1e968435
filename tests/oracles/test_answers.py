"""How a CSMS answers what it is told: which answer breaks which rule."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.oracles.answers import AUTHORIZE, EVENT, START, STATUS, STOP, TOKEN, VALUES, answers
from conformance.wire.frames import decode
from conformance.wire.transcript import Transcript

STATION = "CS001"
KNOWN = {"GOOD": frozenset({"Accepted"}), "BAD": frozenset({"Invalid", "Unknown"})}
ERROR = object()
NOTHING = object()


class Session:
    """A transcript in the making, in which the CSMS is the system under test."""

    def __init__(self) -> None:
        self.transcript = Transcript()
        self.link = self.transcript.new_link()
        self.transcript.add("open", link=self.link, station=STATION, detail={"version": "2.0.1"})

    def frame(self, sender: Any, *items: Any) -> None:
        frame = decode(json.dumps(items), frozenset({2, 3, 4}))
        self.transcript.add("frame", link=self.link, station=STATION, sender=sender, frame=frame)

    def told(self, action: str, payload: dict[str, Any], answer: Any) -> None:
        number = str(len(self.transcript.entries))
        self.frame("harness", 2, number, action, payload)
        if answer is ERROR:
            self.frame("sut", 4, number, "InternalError", "", {})
        elif answer is not NOTHING:
            self.frame("sut", 3, number, answer)

    def judged(self, *, since: int = 0, pending: bool = False) -> list[tuple[str, bool]]:
        found = answers(self.transcript, STATION, since=since, expected=KNOWN, pending=pending)
        return [(each.requirements[0], each.miss is None) for each in found]


@pytest.fixture
def session() -> Session:
    return Session()


def event(kind: str, token: str | None = None) -> dict[str, Any]:
    named = {} if token is None else {"idToken": {"idToken": token, "type": "ISO14443"}}
    return {"eventType": kind, "triggerReason": "Authorized", **named}


def info(status: str) -> dict[str, Any]:
    return {"idTokenInfo": {"status": status}}


def tag(status: str) -> dict[str, Any]:
    return {"idTagInfo": {"status": status}}


@pytest.mark.parametrize(
    ("action", "payload", "requirement"),
    [
        ("StatusNotification", {}, STATUS),
        ("NotifyEvent", {}, STATUS),
        ("MeterValues", {}, VALUES),
        ("StopTransaction", {}, STOP),
        ("TransactionEvent", event("Started"), START),
        ("TransactionEvent", event("Updated"), EVENT),
        ("TransactionEvent", event("Ended"), STOP),
    ],
)
def test_every_message_has_its_rule(session: Session, action: str, payload: dict[str, Any], requirement: str) -> None:
    session.told(action, payload, {})
    session.told(action, payload, ERROR)
    session.told(action, payload, NOTHING)
    assert session.judged() == [(requirement, True), (requirement, False)]
    assert session.judged(pending=True) == [(requirement, True), (requirement, False), (requirement, False)]


@pytest.mark.parametrize(
    ("payload", "answer", "right"),
    [
        ({"idToken": {"idToken": "GOOD"}}, info("Accepted"), True),
        ({"idToken": {"idToken": "GOOD"}}, info("Blocked"), False),
        ({"idToken": {"idToken": "BAD"}}, info("Unknown"), True),
        ({"idToken": {"idToken": "BAD"}}, info("Accepted"), False),
        ({"idToken": {"idToken": "SOME"}}, info("ConcurrentTx"), True),
        ({"idToken": {"idToken": "SOME"}}, {}, False),
        ({"idTag": "GOOD"}, tag("Accepted"), True),
        ({"idTag": "BAD"}, tag("Accepted"), False),
        ({"idTag": "SOME"}, {"idTagInfo": None}, False),
    ],
)
def test_an_authorize_is_answered_with_the_status(
    session: Session, payload: dict[str, Any], answer: Any, *, right: bool
) -> None:
    session.told("Authorize", payload, answer)
    assert session.judged() == [(AUTHORIZE, right)]


def test_a_token_in_an_event_is_judged_apart_from_the_event(session: Session) -> None:
    session.told("TransactionEvent", event("Started", "GOOD"), {})
    session.told("TransactionEvent", event("Updated", "BAD"), info("Invalid"))
    session.told("TransactionEvent", event("Ended", "GOOD"), ERROR)
    assert session.judged() == [(START, True), (TOKEN, False), (EVENT, True), (TOKEN, True), (STOP, False)]


def test_a_start_of_1_6_needs_an_id(session: Session) -> None:
    session.told("StartTransaction", {"idTag": "GOOD"}, {"transactionId": 7, **tag("Accepted")})
    session.told("StartTransaction", {"idTag": "GOOD"}, tag("Accepted"))
    assert session.judged() == [(START, True), (TOKEN, True), (START, False)]


def test_what_is_no_concern_of_it(session: Session) -> None:
    session.told("Heartbeat", {}, ERROR)
    session.told("StopTransaction", {}, ERROR)
    assert session.judged(since=len(session.transcript.entries)) == []
    assert session.judged() == [(STOP, False)]


def test_a_miss_says_what_and_where(session: Session) -> None:
    session.told("TransactionEvent", event("Started", "BAD"), info("Accepted"))
    (miss,) = [
        each.miss for each in answers(session.transcript, STATION, since=0, expected=KNOWN) if each.miss is not None
    ]
    assert miss.message == "the token BAD is answered Accepted, expected Invalid or Unknown"
    assert [entry.n for entry in miss.entries] == [1, 2]


@given(st.lists(st.tuples(st.sampled_from(["Started", "Updated", "Ended"]), st.booleans())))
def test_each_answer_counts_once(told: list[tuple[str, bool]]) -> None:
    session = Session()
    for kind, right in told:
        session.told("TransactionEvent", event(kind), {} if right else ERROR)
    names = {"Started": START, "Updated": EVENT, "Ended": STOP}
    assert session.judged() == [(names[kind], right) for kind, right in told]
