"""What a CSMS sends to a station: which of it breaks a rule, and what does not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.oracles import commands
from conformance.wire.frames import decode
from conformance.wire.transcript import Transcript

STATION = "CS001"


class Session:
    """A transcript in the making, in which the CSMS is the system under test."""

    def __init__(self) -> None:
        self.transcript = Transcript()
        self.link = self.transcript.new_link()
        self.transcript.add("open", link=self.link, station=STATION, detail={"version": "2.0.1"})

    def frame(self, sender: Any, *items: Any) -> None:
        self.transcript.add(
            "frame",
            link=self.link,
            station=STATION,
            sender=sender,
            frame=decode(json.dumps(items), frozenset({2, 3, 4})),
        )

    def command(self, action: str, payload: dict[str, Any]) -> None:
        number = str(len(self.transcript.entries))
        self.frame("sut", 2, number, action, payload)
        self.frame("harness", 3, number, {})

    def boot(self, status: str) -> None:
        number = str(len(self.transcript.entries))
        self.frame("harness", 2, number, "BootNotification", {})
        self.frame("sut", 3, number, {"status": status})

    def missed(self, judge: Any) -> list[str]:
        return [requirement for requirement, found in judge(self.transcript, STATION).items() for _ in found]


@pytest.fixture
def session() -> Session:
    return Session()


def item(name: str, **more: Any) -> dict[str, Any]:
    return {"component": {"name": "TxCtrlr"}, "variable": {"name": name}, "attributeValue": "1", **more}


@pytest.mark.parametrize(
    ("payload", "wrong"),
    [
        ({"requestedMessage": "StatusNotification", "evse": {"id": 1, "connectorId": 1}}, []),
        ({"requestedMessage": "StatusNotification", "evse": {"id": 1}}, ["F06.FR.13"]),
        ({"requestedMessage": "StatusNotification", "evse": 1}, ["F06.FR.13"]),
        ({"requestedMessage": "MeterValues"}, []),
        ({"requestedMessage": "MeterValues", "connectorId": 1}, []),
        ({"requestedMessage": "MeterValues", "connectorId": 0}, ["16.TRIGGER.13"]),
        ({"requestedMessage": "MeterValues", "connectorId": "0"}, []),
    ],
)
@pytest.mark.parametrize("action", ["TriggerMessage", "ExtendedTriggerMessage"])
def test_triggers_name_their_connector(session: Session, action: str, payload: dict, wrong: list[str]) -> None:
    session.command(action, payload)
    assert session.missed(commands.triggers) == wrong


def test_other_calls_trigger_nothing(session: Session) -> None:
    session.command("GetReport", {"requestedMessage": "StatusNotification"})
    session.frame("harness", 2, "a", "TriggerMessage", {"requestedMessage": "StatusNotification"})
    assert session.missed(commands.triggers) == []


def test_no_boot_is_triggered_once_one_was_accepted(session: Session) -> None:
    trigger = {"requestedMessage": "BootNotification"}
    session.command("TriggerMessage", trigger)
    for status in ("Pending", "Rejected"):
        session.boot(status)
        session.command("TriggerMessage", trigger)
    assert session.missed(commands.boots_triggered) == []
    session.boot("Accepted")
    session.command("TriggerMessage", {"requestedMessage": "Heartbeat"})
    session.command("TriggerMessage", trigger)
    assert session.missed(commands.boots_triggered) == ["CSMS.TRIGGER.02"]
    session.frame("harness", 2, "again", "BootNotification", {})
    session.command("ExtendedTriggerMessage", trigger)
    assert session.missed(commands.boots_triggered) == ["CSMS.TRIGGER.02"]


@pytest.mark.parametrize(
    ("items", "wrong"),
    [
        ([item("A"), item("B")], 0),
        ([item("A"), item("a", attributeType="Actual")], 1),
        ([item("A"), item("A", attributeType="Target")], 0),
        ([item("A"), item("A") | {"component": {"name": "TxCtrlr", "evse": {"id": 1}}}], 0),
        ([item("A"), item("A") | {"variable": {"name": "A", "instance": "x"}}], 0),
        ([item("A"), item("A"), item("A")], 2),
        ([{}, {}], 0),
        ("nothing", 0),
    ],
)
def test_nothing_is_set_twice_at_once(session: Session, items: Any, wrong: int) -> None:
    session.command("SetVariables", {"setVariableData": items})
    assert session.missed(commands.set_twice) == ["B05.FR.13"] * wrong


def test_setting_something_again_later_is_right(session: Session) -> None:
    for _ in range(2):
        session.command("SetVariables", {"setVariableData": [item("A")]})
    session.command("GetVariables", {"setVariableData": [item("A"), item("A")]})
    assert session.missed(commands.set_twice) == []


_NODES = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["component", "variable", "name", "evse", "id", "instance"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(_NODES)
def test_whatever_stands_there_can_be_judged(node: Any) -> None:
    session = Session()
    for name in ("setVariableData", "evse", "requestedMessage"):
        session.command("SetVariables", {name: node})
        session.command("TriggerMessage", {name: node, "connectorId": node})
    for judge in (commands.set_twice, commands.triggers, commands.boots_triggered):
        judge(session.transcript, STATION)
