"""What is judged of every frame, and what is not."""

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.oracles import wire
from conformance.wire.frames import Call, CallResult, decode
from conformance.wire.schemas import VERSIONS, check_frame
from conformance.wire.transcript import Clock, Entry, Transcript

STATION = "CS001"
V201, V16 = VERSIONS["2.0.1"], VERSIONS["1.6"]
STATUS = {"timestamp": "2026-01-01T10:00:00Z", "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
STATUS_16 = {"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": "2026-01-01T10:00:00Z"}
READ = {"getVariableData": [{"component": {"name": "ClockCtrlr"}, "variable": {"name": "DateTime"}}]}


BOOTS = {
    "2.0.1": {"reason": "PowerUp", "chargingStation": {"model": "m", "vendorName": "v"}},
    "1.6": {"chargePointVendor": "v", "chargePointModel": "m"},
}


class Session:
    """A transcript in the making, with a clock that stands still unless it is told."""

    def __init__(self, version: str = "2.0.1") -> None:
        self.version = VERSIONS[version]
        self.time = 100.0
        start = datetime(2026, 1, 1, tzinfo=UTC)
        self.transcript = Transcript(Clock(lambda: start + timedelta(seconds=self.time), lambda: self.time))
        self.link = 0
        self.connect()

    def connect(self, *, version: str | None = "", sender: Any = "sut", **detail: Any) -> None:
        self.link = self.transcript.new_link()
        spoken = self.version.subprotocol
        dialled = {"path": f"/ocpp/{STATION}", "identity": STATION, "offered": (spoken,), "chosen": spoken}
        told = {**dialled, "status": 101, "error": None, **detail}
        self.transcript.add("handshake", link=self.link, station=STATION, sender=sender, detail=told)
        agreed = self.version.name if version == "" else version
        self.transcript.add("open", link=self.link, station=STATION, detail={"version": agreed})

    def close(self, sender: Any = "sut") -> None:
        self.transcript.add("close", link=self.link, station=STATION, sender=sender, detail={"code": 1006})

    def sut(self, *items: Any, raw: str | bytes | None = None) -> Entry:
        return self._frame("sut", raw if raw is not None else json.dumps(list(items)))

    def csms(self, *items: Any, raw: str | None = None, **detail: Any) -> Entry:
        return self._frame("harness", raw if raw is not None else json.dumps(list(items)), detail)

    def boot(self, status: str, *, by: str = "sut") -> None:
        """Let a station boot and be answered, `by` whichever end is the station."""
        one, other = (self.sut, self.csms) if by == "sut" else (self.csms, self.sut)
        number = f"boot {len(self.transcript.entries)}"
        one(2, number, "BootNotification", BOOTS[self.version.name])
        other(3, number, {"status": status, "currentTime": "2026-01-01T10:00:00Z", "interval": 5})

    def call(self, message_id: str, action: str = "StatusNotification", payload: Any = None) -> Entry:
        """Let the station call, and be answered."""
        entry = self.sut(2, message_id, action, STATUS if payload is None else payload)
        self.csms(3, message_id, {})
        return entry

    def fault(self, phase: str, name: str = "stalled") -> None:
        self.transcript.add("fault", sender="harness", detail={"fault": name, "phase": phase})

    def _frame(self, sender: Any, text: str | bytes, detail: Any = None) -> Entry:
        frame = decode(text, self.version.message_types, null_for_nothing=self.version.null_for_nothing)
        action = None
        if isinstance(frame, CallResult):
            asked = self.transcript.asked(self.link, "sut" if sender == "harness" else "harness", frame.message_id)
            action = getattr(asked.frame, "action", None) if asked else None
        problems = check_frame(self.version, frame, action)
        return self.transcript.add(
            "frame", link=self.link, station=STATION, sender=sender, frame=frame, problems=problems, detail=detail
        )

    def answers(self, now: float | None = None, role: Any = "station") -> wire.Misses:
        return wire.answers(self.transcript, STATION, limit=5.0, now=self.time if now is None else now, role=role)


@pytest.fixture
def session() -> Session:
    return Session()


@pytest.fixture
def session_16() -> Session:
    return Session("1.6")


def missed(misses: wire.Misses) -> list[str]:
    return [requirement for requirement, found in misses.items() for _ in found]


def test_a_session_in_order_has_no_misses(session: Session) -> None:
    session.call("a")
    session.csms(2, "r", "GetVariables", READ)
    session.sut(4, "r", "NotSupported", "", {})
    assert missed(wire.framing(session.transcript, STATION)) == []
    assert missed(wire.message_ids(session.transcript, STATION)) == []
    assert missed(wire.one_open_call(session.transcript, STATION, patience=1)) == []
    assert missed(wire.payloads(session.transcript, STATION)) == []
    assert missed(wire.refusals(session.transcript, STATION)) == []
    assert missed(wire.times(session.transcript, STATION)) == []
    assert missed(session.answers()) == []
    assert missed(wire.handshakes(session.transcript, STATION, endpoint="/ocpp", version="2.0.1")) == []


# -- framing


@pytest.mark.parametrize(
    ("text", "requirement"),
    [
        ('[2,"a","Heartbeat",{},1]', "J.FRAME.01"),
        ('[3,"a"]', "J.FRAME.01"),
        ("{}", "J.FRAME.01"),
        ("[]", "J.FRAME.01"),
        ('[2,"a",7,{}]', "J.FRAME.01"),
        ('[2,"a","Heartbeat","{}"]', "J.FRAME.01"),
        ('[4,"a",7,"",{}]', "J.FRAME.01"),
        ('[2,"a","Heartbeat",{}', "J.FRAME.02"),
        ("coffee", "J.FRAME.02"),
        ('[2,"a","Heartbeat",{"x":NaN}]', "J.FRAME.02"),
        ('["2","a","Heartbeat",{}]', "J.FRAME.03"),
        ('[5,"a","Heartbeat",{}]', "J.FRAME.03"),
        ('[2.0,"a","Heartbeat",{}]', "J.FRAME.03"),
        ('[true,"a","Heartbeat",{}]', "J.FRAME.03"),
        ('[2,"a","Heartbeat",null]', "J.FRAME.04"),
        ('[3,"a",null]', "J.FRAME.04"),
        (b'[2,"a","Heartbeat",{}]', "J.FRAME.06"),
    ],
)
def test_a_broken_frame_breaks_one_requirement(session: Session, text: str | bytes, requirement: str) -> None:
    session.sut(raw=text)
    assert missed(wire.framing(session.transcript, STATION)) == [requirement]
    assert missed(wire.refusals(session.transcript, STATION)) == []


@pytest.mark.parametrize(
    ("text", "requirements"),
    [
        ('[2,"a","Heartbeat",null]', ["J.FRAME.04"]),
        ('[2,"a","Heartbeat", null ] ', ["J.FRAME.04"]),
        ('[2,"a","Heartbeat",{}]', []),
        ('[2,"a","DataTransfer",{"vendorId":"null"}]', []),
        ('[4,"a","GenericError","",null]', []),
        ('[5,"a","GenericError","",{}]', ["J.FRAME.03"]),
    ],
)
def test_1_6_knows_null_for_an_empty_payload(session_16: Session, text: str, requirements: list[str]) -> None:
    session_16.sut(raw=text)
    assert missed(wire.framing(session_16.transcript, STATION)) == requirements


def test_a_null_payload_is_answered_like_an_empty_one_or_refused(session_16: Session) -> None:
    session_16.boot("Accepted", by="harness")
    session_16.csms(raw='[2,"a","Heartbeat",null]')
    session_16.sut(4, "a", "FormationViolation", "", {})
    session_16.csms(raw='[2,"b","Heartbeat",null]')
    session_16.time += 10
    assert missed(session_16.answers(role="csms")) == []


def test_provocations_of_the_harness_are_not_judged(session: Session) -> None:
    session.csms(raw="coffee")
    session.csms(raw='[2,"","Heartbeat",null]')
    session.csms(2, "a", "MakeCoffee", {"since": "noon"})
    assert missed(wire.framing(session.transcript, STATION)) == []
    assert missed(wire.message_ids(session.transcript, STATION)) == []
    assert missed(wire.payloads(session.transcript, STATION)) == []


# -- message ids


@pytest.mark.parametrize(
    ("message_id", "requirement"), [("x" * 37, "J.ID.01"), (7, "J.ID.01"), (None, "J.ID.01"), ("", "J.ID.05")]
)
def test_ill_formed_ids(session: Session, message_id: Any, requirement: str) -> None:
    session.sut(2, message_id, "Heartbeat", {})
    assert missed(wire.message_ids(session.transcript, STATION)) == [requirement]
    assert missed(wire.framing(session.transcript, STATION)) == []


def test_an_id_is_not_used_twice_even_on_another_connection(session: Session) -> None:
    session.call("1")
    session.close()
    session.connect()
    session.call("1", "Heartbeat", {})
    misses = wire.message_ids(session.transcript, STATION)
    assert missed(misses) == ["J.ID.02"]
    assert "#2" in wire.summary(misses["J.ID.02"])


def test_a_message_that_was_answered_is_not_repeated_with_its_id(session: Session) -> None:
    session.call("1")
    session.call("1")
    assert missed(wire.message_ids(session.transcript, STATION)) == ["J.ID.02"]


def test_a_repeat_of_an_unanswered_message_may_keep_its_id(session: Session) -> None:
    event = {"eventType": "Updated", "seqNo": 1}
    session.sut(2, "1", "TransactionEvent", event)
    session.close()
    session.connect()
    session.call("1", "TransactionEvent", {**event, "offline": True})
    assert missed(wire.message_ids(session.transcript, STATION)) == []


def test_a_repeat_after_a_refusal_may_keep_its_id(session: Session) -> None:
    session.sut(2, "1", "StatusNotification", STATUS)
    session.csms(4, "1", "InternalError", "", {})
    session.call("1")
    assert missed(wire.message_ids(session.transcript, STATION)) == []


@pytest.mark.parametrize(("lived_on", "misses"), [(False, []), (True, ["J.ID.02"])])
def test_an_answer_may_have_been_lost_with_its_connection(
    session: Session, *, lived_on: bool, misses: list[str]
) -> None:
    session.call("1")
    if lived_on:
        session.call("2")
    session.close()
    session.connect()
    session.call("1")
    assert missed(wire.message_ids(session.transcript, STATION)) == misses


def test_an_answer_that_a_fault_kept_from_the_wire_is_none(session: Session) -> None:
    session.sut(2, "1", "StatusNotification", STATUS)
    session.csms(3, "1", {}, dropped=True)
    session.call("1")
    assert missed(wire.message_ids(session.transcript, STATION)) == []


@pytest.mark.parametrize("message_id", [None, "", "x" * 40, "made up"])
def test_1_6_says_nothing_of_ids_where_none_could_be_read(session_16: Session, message_id: Any) -> None:
    session_16.csms(raw="coffee")
    session_16.sut(4, message_id, "FormationViolation", "", {})
    assert missed(wire.message_ids(session_16.transcript, STATION)) == []
    assert missed(session_16.answers()) == []
    session_16.sut(4, message_id, "FormationViolation", "", {})
    found = missed(wire.message_ids(session_16.transcript, STATION)) + missed(session_16.answers())
    assert found, "one broken message is answered once"


def test_an_answer_with_a_wrong_id_is_told_from_one_that_nobody_asked_for(session: Session) -> None:
    session.csms(2, "r", "GetVariables", READ)
    session.sut(3, "R", {"getVariableResult": []})
    session.sut(3, "S", {})
    session.time += 10
    assert missed(wire.message_ids(session.transcript, STATION)) == ["J.ID.03"]
    assert missed(session.answers()) == ["J.ANSWER.03"]


# -- one open call


def test_two_open_calls(session: Session) -> None:
    session.sut(2, "1", "StatusNotification", STATUS)
    session.sut(2, "2", "StatusNotification", STATUS)
    session.csms(3, "1", {})
    session.csms(3, "2", {})
    assert missed(wire.one_open_call(session.transcript, STATION, patience=1)) == ["J.SYNC.01"]


def test_a_call_that_went_unanswered_for_long_has_timed_out(session: Session) -> None:
    session.sut(2, "1", "StatusNotification", STATUS)
    session.time += 1
    session.sut(2, "2", "StatusNotification", STATUS)
    assert missed(wire.one_open_call(session.transcript, STATION, patience=1)) == []


def test_another_connection_begins_anew(session: Session) -> None:
    session.sut(2, "1", "StatusNotification", STATUS)
    session.close()
    session.connect()
    session.sut(2, "2", "StatusNotification", STATUS)
    assert missed(wire.one_open_call(session.transcript, STATION, patience=1)) == []


STEPS = st.lists(st.tuples(st.sampled_from(["call", "answer", "wait", "reconnect"]), st.integers(0, 3)), max_size=25)


@given(STEPS)
def test_open_calls_as_a_naive_count_has_them(steps: list[tuple[str, int]]) -> None:
    session, number, expected = Session(), 0, 0
    opened: dict[int, list[tuple[str, float]]] = defaultdict(list)
    for step, value in steps:
        mine = opened[session.link]
        if step == "call":
            expected += any(session.time - at < 2 for _, at in mine)
            number += 1
            mine.append((str(number), session.time))
            session.sut(2, str(number), "StatusNotification", STATUS)
        elif step == "answer" and mine:
            session.csms(3, mine.pop(value % len(mine))[0], {})
        elif step == "wait":
            session.time += value
        elif step == "reconnect":
            session.close()
            session.connect()
    assert len(wire.one_open_call(session.transcript, STATION, patience=2)["J.SYNC.01"]) == expected


# -- payloads


@pytest.mark.parametrize(
    ("action", "payload", "requirements"),
    [
        ("StatusNotification", STATUS | {"extra": 1}, ["J.SCHEMA.01"]),
        ("StatusNotification", {"evseId": 1}, ["J.SCHEMA.01"] * 3),
        ("StatusNotification", STATUS | {"connectorStatus": None}, ["J.SCHEMA.01"] * 2),
        ("StatusNotification", STATUS | {"customData": None}, ["J.FRAME.05"]),
        ("StatusNotification", STATUS | {"customData": {"vendorId": "x", "more": None}}, []),
        ("StatusNotification", STATUS | {"timestamp": "noon"}, []),
        (
            "NotifyReport",
            {"requestId": 1, "generatedAt": "2026-01-01T10:00:00Z", "seqNo": 0, "reportData": []},
            ["J.FRAME.05"],
        ),
        ("MeterValues", {"evseId": 1, "meterValue": []}, ["J.SCHEMA.01"]),
        (
            "BootNotification",
            {"reason": "PowerUp", "chargingStation": {"model": "m", "vendorName": "v", "modem": {}}},
            ["J.FRAME.05"],
        ),
        ("Heartbeat", {}, []),
        ("heartbeat", {}, ["J.ACTION.01"]),
        ("HeartbeatRequest", {}, ["J.ACTION.01"]),
        ("MakeCoffee", {"cups": None}, ["J.ACTION.02"]),
    ],
)
def test_payloads(session: Session, action: str, payload: dict[str, Any], requirements: list[str]) -> None:
    session.sut(2, "1", action, payload)
    found = missed(wire.payloads(session.transcript, STATION))
    assert found == requirements or (set(found) == set(requirements) and requirements[0] == "J.SCHEMA.01")


@pytest.mark.parametrize(
    ("action", "payload", "requirements"),
    [
        ("StatusNotification", STATUS_16, []),
        ("StatusNotification", STATUS_16 | {"info": None}, ["J.FRAME.05"]),
        ("StatusNotification", STATUS_16 | {"timestamp": "noon"}, []),
        ("StatusNotification", STATUS_16 | {"status": "Occupied"}, ["J.SCHEMA.01"]),
        ("StatusNotification", STATUS_16 | {"customData": {"vendorId": "x"}}, ["J.SCHEMA.01"]),
        ("StatusNotification", STATUS_16 | {"connectorId": 1.0}, []),
        ("StatusNotification", STATUS_16 | {"connectorId": 1.5}, ["J.SCHEMA.01"]),
        ("MeterValues", {"connectorId": 1, "meterValue": [{**STATUS_16}]}, ["16J.SCHEMA.02", "J.SCHEMA.01"]),
        ("NotifyReport", {}, ["J.ACTION.02"]),
        ("statusNotification", STATUS_16, ["J.ACTION.01"]),
        ("SecurityEventNotification", {"type": "x", "timestamp": "2026-01-01T10:00:00Z"}, []),
    ],
)
def test_payloads_of_1_6(session_16: Session, action: str, payload: dict[str, Any], requirements: list[str]) -> None:
    session_16.sut(2, "1", action, payload)
    assert sorted(set(missed(wire.payloads(session_16.transcript, STATION)))) == requirements


@pytest.mark.parametrize("unit", ["Celsius", "Celcius"])
def test_both_spellings_of_celsius_are_right(session_16: Session, unit: str) -> None:
    value = {"timestamp": "2026-01-01T10:00:00Z", "sampledValue": [{"value": "21", "unit": unit}]}
    session_16.sut(2, "1", "MeterValues", {"connectorId": 1, "meterValue": [value]})
    stop = {"transactionId": 1, "meterStop": 1, "timestamp": "2026-01-01T10:00:00Z", "transactionData": [value]}
    session_16.sut(2, "2", "StopTransaction", stop)
    assert missed(wire.payloads(session_16.transcript, STATION)) == []


def test_empty_lists_are_no_news_to_1_6(session_16: Session) -> None:
    session_16.csms(2, "r", "GetConfiguration", {})
    session_16.sut(3, "r", {"configurationKey": [], "unknownKey": []})
    assert missed(wire.payloads(session_16.transcript, STATION)) == []


def test_a_result_is_judged_by_the_schema_of_its_request(session: Session) -> None:
    session.csms(2, "r", "GetVariables", READ)
    session.sut(3, "r", {"status": "Accepted"})
    assert set(missed(wire.payloads(session.transcript, STATION))) == {"J.SCHEMA.01"}


def test_a_result_for_an_action_that_nobody_knows_is_free(session: Session) -> None:
    session.csms(2, "r", "MakeCoffee", {})
    session.sut(3, "r", {"status": "Accepted"})
    assert missed(wire.payloads(session.transcript, STATION)) == []


def test_a_connection_without_a_version_is_not_judged_by_any(session: Session) -> None:
    session.connect(version=None)
    session.sut(2, "1", "MakeCoffee", {})
    assert missed(wire.payloads(session.transcript, STATION)) == []


# -- refusals


@pytest.mark.parametrize(
    ("items", "requirements"),
    [
        ((4, "r", "NotSupported", "", {}), []),
        ((4, "r", "FormationViolation", "", {}), ["J.ERROR.01"]),
        ((4, "r", "BadRequest", "x" * 256, {}), ["J.ERROR.01", "J.ERROR.04"]),
        ((4, "r", "NotSupported", "x" * 255, {}), []),
        ((4, "r", "NotSupported", "", "details"), ["J.ERROR.04"]),
        ((4, "r", "NotSupported", None, None), ["J.ERROR.04", "J.ERROR.04"]),
    ],
)
def test_refusals(session: Session, items: tuple[Any, ...], requirements: list[str]) -> None:
    session.csms(2, "r", "MakeCoffee", {})
    answer = session.sut(*items)
    assert missed(wire.refusals(session.transcript, STATION)) == requirements
    assert missed(wire.framing(session.transcript, STATION)) == []
    assert wire.refused(session.transcript, STATION)
    assert wire.refusal_code(answer) == items[2]


@pytest.mark.parametrize(
    ("items", "requirements"),
    [
        ((4, "r", "FormationViolation", "x" * 256, {}), []),
        ((4, "r", "OccurenceConstraintViolation", "", {}), []),
        ((4, "r", "FormatViolation", "", {}), ["16J.ERROR.09"]),
        ((4, "r", "OccurrenceConstraintViolation", "", {}), ["16J.ERROR.09"]),
        ((4, "r", "RpcFrameworkError", "", {}), ["J.ERROR.01"]),
        ((4, "r", "MessageTypeNotSupported", "", {}), ["J.ERROR.01"]),
        ((4, "r", "NotSupported", "", []), ["J.ERROR.04"]),
    ],
)
def test_refusals_in_1_6(session_16: Session, items: tuple[Any, ...], requirements: list[str]) -> None:
    session_16.csms(2, "r", "MakeCoffee", {})
    session_16.sut(*items)
    assert missed(wire.refusals(session_16.transcript, STATION)) == requirements


@pytest.mark.parametrize(
    ("text", "code"), [('[4,"r"', ""), ('[4,"r"]', ""), ('[4,"r",1,"",{}]', ""), ('[3,"r",{}]', None)]
)
def test_the_code_of_what_is_hardly_a_refusal(session: Session, text: str, code: str | None) -> None:
    session.csms(2, "r", "MakeCoffee", {})
    assert wire.refusal_code(session.sut(raw=text)) == code


# -- times


@pytest.mark.parametrize(
    ("text", "requirements"),
    [
        ("2026-01-01T10:00:00Z", []),
        ("2026-01-01T10:00:00.123Z", []),
        ("2026-01-01T10:00:00.1234Z", ["J.TIME.02"]),
        ("2026-01-01T10:00:00", ["16J.TIME.01"]),
        ("2026-01-01 10:00:00Z", ["16J.TIME.01"]),
        ("20260101T100000Z", ["16J.TIME.01"]),
        ("2026-01-01T10:00:00+02:00", ["J.TIME.04"]),
        ("2026-01-01T10:00:00.123456-02:00", ["J.TIME.02", "J.TIME.04"]),
    ],
)
def test_times(session: Session, text: str, requirements: list[str]) -> None:
    session.call("1", payload=STATUS | {"timestamp": text, "customData": {"vendorId": "x", "timestamp": "noon"}})
    assert missed(wire.times(session.transcript, STATION)) == requirements


@pytest.mark.parametrize(
    ("text", "requirements"),
    [
        ("2026-01-01T10:00:00Z", []),
        ("2026-01-01T10:00:00.1234567Z", []),
        ("2026-12-31T23:59:60Z", []),
        ("20260101T100000Z", []),
        ("2026-01-01T10:00Z", []),
        ("2026-01-01T10:00:00+02:00", ["J.TIME.04"]),
        ("2026-01-01T10:00:00+02", ["J.TIME.04"]),
        ("2026-01-01T10:00:00", ["16J.TIME.06"]),
        ("2026-01-01", ["16J.TIME.01"]),
        ("10:00:00Z", ["16J.TIME.01"]),
        ("2026-01-01 10:00:00Z", ["16J.TIME.01"]),
        ("1767261600", ["16J.TIME.01"]),
        ("Thu Jan 01 2026", ["16J.TIME.01"]),
    ],
)
def test_times_of_1_6(session_16: Session, text: str, requirements: list[str]) -> None:
    session_16.call("1", payload=STATUS_16 | {"timestamp": text})
    assert missed(wire.times(session_16.transcript, STATION)) == requirements


OFFSETS = st.none() | st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)), OFFSETS, st.booleans())  # noqa: DTZ001
def test_times_as_their_parts_have_them(local: datetime, zone: timezone | None, utc_as_z: bool) -> None:  # noqa: FBT001
    moment = local.replace(tzinfo=zone)
    text = moment.isoformat()
    text = text.replace("+00:00", "Z") if utc_as_z else text
    expected: dict[str, set[str]] = {"2.0.1": set(), "1.6": set()}
    if moment.tzinfo is None:
        expected = {"2.0.1": {"16J.TIME.01"}, "1.6": {"16J.TIME.06"}}
    else:
        if moment.microsecond:
            expected["2.0.1"].add("J.TIME.02")
        if moment.utcoffset() or not utc_as_z:
            expected = {version: {*each, "J.TIME.04"} for version, each in expected.items()}
    for version, status in (("2.0.1", STATUS), ("1.6", STATUS_16)):
        session = Session(version)
        session.call("1", payload=status | {"timestamp": text})
        assert set(missed(wire.times(session.transcript, STATION))) == expected[version]


def test_times_of_a_connection_without_a_version_are_not_known(session: Session) -> None:
    session.connect(version=None)
    session.sut(2, "1", "StatusNotification", STATUS | {"timestamp": "noon"})
    assert missed(wire.times(session.transcript, STATION)) == []


# -- answers


def test_silence_is_a_miss_once_the_time_is_up(session: Session) -> None:
    session.csms(2, "r", "GetVariables", READ)
    assert missed(session.answers(now=session.time + 4.9)) == []
    assert missed(session.answers(now=session.time + 5)) == ["J.ANSWER.01"]


def test_a_late_answer_is_late_and_not_missing(session: Session) -> None:
    session.csms(2, "r", "GetVariables", READ)
    session.time += 6
    session.sut(3, "r", {"getVariableResult": []})
    assert missed(session.answers()) == ["J.ANSWER.04"]


@pytest.mark.parametrize(
    ("code", "requirements"),
    [
        ("InternalError", ["J.ANSWER.01"]),
        ("NotSupported", []),
        ("NotImplemented", []),
        ("SecurityError", []),
        ("OccurrenceConstraintViolation", []),
        ("TypeConstraintViolation", ["J.ANSWER.01"]),
        ("BadRequest", []),
    ],
)
def test_refusing_a_valid_call(session: Session, code: str, requirements: list[str]) -> None:
    session.csms(2, "r", "GetVariables", READ)
    session.sut(4, "r", code, "", {})
    assert missed(session.answers()) == requirements


@pytest.mark.parametrize(
    ("code", "requirements"),
    [
        ("PropertyConstraintViolation", []),
        ("OccurenceConstraintViolation", []),
        ("OccurrenceConstraintViolation", []),
        ("NotImplemented", []),
        ("InternalError", ["J.ANSWER.01"]),
        ("RpcFrameworkError", []),
    ],
)
def test_refusing_a_valid_call_in_1_6(session_16: Session, code: str, requirements: list[str]) -> None:
    session_16.csms(2, "r", "ChangeConfiguration", {"key": "HeartbeatInterval", "value": "-1"})
    session_16.sut(4, "r", code, "", {})
    assert missed(session_16.answers()) == requirements


def test_refusing_a_connector_that_there_is_not(session_16: Session) -> None:
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}]}
    profile = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": schedule,
    }
    session_16.csms(2, "r", "SetChargingProfile", {"connectorId": 9, "csChargingProfiles": profile})
    session_16.sut(4, "r", "PropertyConstraintViolation", "", {})
    assert missed(session_16.answers()) == []


def test_a_limit_of_another_action_is_no_excuse(session_16: Session) -> None:
    session_16.csms(2, "r", "ClearCache", {})
    session_16.sut(4, "r", "OccurenceConstraintViolation", "", {})
    assert missed(session_16.answers()) == ["J.ANSWER.01"]


def test_an_invalid_call_may_be_dropped_or_refused(session: Session) -> None:
    session.csms(2, "r", "GetVariables", {})
    session.csms(2, "s", "GetVariables", {})
    session.sut(4, "s", "OccurrenceConstraintViolation", "", {})
    session.time += 10
    assert missed(session.answers()) == []


def test_answering_twice_and_unasked(session: Session) -> None:
    session.csms(2, "r", "GetVariables", READ)
    for _ in range(2):
        session.sut(3, "r", {"getVariableResult": []})
    session.sut(3, "nobody", {})
    assert missed(session.answers()) == ["J.ANSWER.03", "J.ANSWER.03"]


def test_answers_to_provocations_were_asked_for(session: Session) -> None:
    session.csms(raw="coffee")
    session.sut(4, "-1", "RpcFrameworkError", "", {})
    session.csms(9, "x", "Heartbeat", {})
    session.sut(4, "x", "MessageTypeNotSupported", "", {})
    session.sut(2, "1", "StatusNotification", STATUS)
    session.csms(3, "1", {"nonsense": True})
    session.sut(4, "1", "FormatViolation", "", {})
    assert missed(session.answers()) == []
    assert missed(wire.message_ids(session.transcript, STATION)) == []


def test_minus_one_without_a_provocation_was_not_asked_for(session: Session) -> None:
    session.sut(4, "-1", "RpcFrameworkError", "", {})
    assert missed(session.answers()) == ["J.ANSWER.03"]


def test_an_answer_on_the_next_connection_was_asked_for(session: Session) -> None:
    session.csms(2, "r", "GetVariables", READ)
    session.close()
    session.connect()
    session.sut(3, "r", {"getVariableResult": []})
    session.time += 10
    assert missed(session.answers()) == []


def test_a_stall_excuses_silence_while_it_lasts(session: Session) -> None:
    session.csms(2, "r", "GetVariables", READ, dropped=True)
    session.fault("begin")
    session.csms(2, "s", "GetVariables", READ)
    session.time += 2
    session.fault("end")
    session.time += 1
    session.csms(2, "t", "GetVariables", READ)
    session.time += 10
    session.fault("begin")
    misses = session.answers()
    assert missed(misses) == ["J.ANSWER.01"]
    assert '"t"' in misses["J.ANSWER.01"][0].entries[0].text


@pytest.mark.parametrize("action", ["power_off", "cut_network"])
def test_a_cut_that_the_driver_made_excuses_silence(session: Session, action: str) -> None:
    session.csms(2, "r", "GetVariables", READ)
    session.transcript.note(f"driver: {action}")
    session.csms(2, "s", "GetVariables", READ)
    session.time += 10
    assert missed(session.answers()) == []
    session.connect()
    session.csms(2, "t", "GetVariables", READ)
    session.time += 10
    assert missed(session.answers()) == ["J.ANSWER.01"]


def test_a_rejected_station_need_not_answer(session: Session) -> None:
    session.sut(2, "1", "BootNotification", {})
    session.csms(3, "1", {"status": "Rejected"})
    session.csms(2, "r", "GetVariables", READ)
    session.sut(2, "2", "BootNotification", {})
    session.csms(3, "2", {"status": "Accepted"})
    session.csms(2, "s", "GetVariables", READ)
    session.time += 10
    misses = session.answers()["J.ANSWER.01"]
    assert [miss.entries[0].text for miss in misses] == [json.dumps([2, "s", "GetVariables", READ])]


@pytest.mark.parametrize(("version", "requirements"), [("2.0.1", ["J.ANSWER.01"]), ("1.6", [])])
def test_while_pending_1_6_only_recommends_an_answer(version: str, requirements: list[str]) -> None:
    session = Session(version)
    session.boot("Pending")
    session.csms(2, "r", "ClearCache", {})
    session.csms(2, "s", "ClearCache", {})
    session.sut(4, "s", "SecurityError", "", {})
    session.time += 10
    assert missed(session.answers()) == requirements


@pytest.mark.parametrize("version", ["2.0.1", "1.6"])
@pytest.mark.parametrize(
    ("registration", "expected"),
    [
        ((), []),
        (("Pending",), []),
        (("Rejected",), []),
        (("Accepted",), ["J.ANSWER.01"]),
        (("Pending", "Accepted"), ["J.ANSWER.01"]),
        (("Accepted", "Pending"), []),
    ],
)
def test_a_csms_has_other_rules_until_it_accepts(
    version: str, registration: tuple[str, ...], expected: list[str]
) -> None:
    session = Session(version)
    for status in registration:
        session.boot(status, by="harness")
    session.csms(2, "r", "Heartbeat", {})
    session.time += 10
    assert missed(session.answers(role="csms")) == expected


def test_a_csms_always_answers_a_boot(session: Session) -> None:
    session.csms(2, "r", "BootNotification", BOOTS["2.0.1"])
    session.csms(2, "s", "BootNotification", BOOTS["2.0.1"])
    session.sut(4, "s", "InternalError", "", {})
    session.time += 10
    assert missed(session.answers(role="csms")) == ["J.ANSWER.01", "J.ANSWER.01"]


ANSWERS = st.sampled_from(["", "result", "SecurityError", "InternalError", "late"])
EVENTS = st.lists(st.tuples(st.sampled_from(["Accepted", "Pending", "Rejected", "ask", "wait"]), ANSWERS), max_size=15)


@given(EVENTS, st.sampled_from(["2.0.1", "1.6"]), st.sampled_from(["station", "csms"]))
def test_answers_as_a_naive_reading_has_them(events: list[tuple[str, str]], version: str, role: str) -> None:
    session, status, expected = Session(version), "", []
    for number, (event, how) in enumerate(events):
        if event == "wait":
            session.time += 1
        elif event != "ask":
            status = event
            session.boot(status, by="sut" if role == "station" else "harness")
        else:
            session.csms(2, f"r{number}", "ClearCache" if role == "station" else "Heartbeat", {})
            session.time += 6 if how == "late" else 0
            if how in ("result", "late"):
                session.sut(3, f"r{number}", {})
            elif how:
                session.sut(4, f"r{number}", how, "", {})
            free = {"csms": ("", "Pending", "Rejected"), "station": ("Rejected", "Pending")}[role]
            if (role, version, status) == ("station", "2.0.1", "Pending") or status not in free:
                expected += {"": ["J.ANSWER.01"], "InternalError": ["J.ANSWER.01"], "late": ["J.ANSWER.04"]}.get(
                    how, []
                )
    session.time += 10
    assert sorted(missed(session.answers(role=role))) == sorted(expected)


def test_several_stations_of_one_csms_are_judged_together(session: Session) -> None:
    session.sut(2, "1", "MakeCoffee", {})
    assert wire.stations(session.transcript) == [STATION]
    one = wire.payloads(session.transcript, STATION)
    both = wire.together([one, one])
    assert missed(both) == ["J.ACTION.02", "J.ACTION.02"]
    assert set(both) == set(one)


# -- handshakes


@pytest.mark.parametrize(
    ("detail", "requirements"),
    [
        ({"offered": ()}, ["J.HANDSHAKE.01"]),
        ({"offered": ("ocpp1.6",)}, ["J.HANDSHAKE.01"]),
        ({"offered": ("ocpp2.0.1", "ocpp1.6", "ocpp2.1")}, []),
        ({"offered": ("ocpp201", "ocpp2.0.1")}, ["J.HANDSHAKE.02"]),
        ({"path": f"/{STATION}", "status": 404}, ["J.HANDSHAKE.03"]),
        ({"path": f"/ocpp//{STATION}"}, ["J.HANDSHAKE.03"]),
        ({"path": f"/ocpp/{STATION}?x=/y"}, []),
        ({"path": "", "identity": "", "status": None}, []),
        ({"path": "/x/somebody", "identity": "somebody", "status": 404}, []),
    ],
)
def test_handshakes(session: Session, detail: dict[str, Any], requirements: list[str]) -> None:
    session.connect(**detail)
    found = wire.handshakes(session.transcript, STATION, endpoint="/ocpp", version="2.0.1")
    assert missed(found) == requirements


DEFLATE = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
AGREED = {"sec-websocket-extensions": "permessage-deflate"}


@pytest.mark.parametrize(
    ("detail", "requirements"),
    [
        ({}, []),
        ({"offered": ("ocpp0.1", "ocpp2.0.1")}, []),
        ({"offered": (), "headers": {"Sec-WebSocket-Protocol": "ocpp0.1 ,ocpp2.0.1"}}, []),
        ({"offered": (), "headers": {"Sec-WebSocket-Protocol": "ocpp0.1"}}, ["J.HANDSHAKE.08"]),
        ({"offered": ("ocpp2.0.1", "ocpp1.6"), "chosen": "ocpp1.6"}, []),
        ({"offered": ("ocpp0.1", "ocpp2.0.1"), "chosen": "ocpp0.1"}, ["J.HANDSHAKE.09"]),
        ({"chosen": "ocpp1.6"}, ["J.HANDSHAKE.09"]),
        ({"chosen": None}, ["J.HANDSHAKE.09"]),
        ({"offered": ("ocpp2.0.1", "ocpp1.6"), "chosen": "ocpp2.0.1, ocpp1.6"}, ["J.HANDSHAKE.09"]),
        ({"chosen": None, "status": 401}, []),
        ({"chosen": None, "status": None}, []),
        ({"offered": ("ocpp0.1",), "chosen": "ocpp0.1"}, ["J.HANDSHAKE.08"]),
        ({"offered": ("ocpp0.1",)}, ["J.HANDSHAKE.08"]),
        ({"offered": ()}, ["J.HANDSHAKE.08"]),
        ({"offered": (), "chosen": None}, []),
        ({"offered": ("ocpp1.6",), "chosen": None}, []),
        ({"headers": DEFLATE, "response_headers": AGREED}, []),
        ({"headers": DEFLATE, "response_headers": {}}, ["J.COMPRESS.01"]),
        ({"headers": {}, "response_headers": AGREED}, ["J.CONN.02"]),
    ],
)
def test_what_a_csms_answers_to_an_upgrade(session: Session, detail: dict[str, Any], requirements: list[str]) -> None:
    session.connect(sender="harness", **detail)
    found = wire.upgrades(session.transcript, STATION, version="2.0.1", patience=1, now=session.time)
    assert missed(found) == requirements


@pytest.mark.parametrize(
    ("after", "sender", "requirements"),
    [
        (0.5, "sut", []),
        (5.0, "sut", []),
        (0.5, "harness", []),
        (5.0, "harness", ["J.HANDSHAKE.08"]),
        (5.0, None, ["J.HANDSHAKE.08"]),
        (0.5, None, []),
    ],
)
def test_without_a_common_version_the_connection_is_closed(
    session: Session, after: float, sender: str | None, requirements: list[str]
) -> None:
    session.connect(version=None, sender="harness", offered=("ocpp0.1",), chosen=None)
    session.time += after
    if sender is not None:
        session.close(sender)
    found = wire.upgrades(session.transcript, STATION, version="2.0.1", patience=1, now=session.time)
    assert missed(found) == requirements


def test_the_summary_counts_what_it_does_not_tell(session: Session) -> None:
    for number in range(5):
        session.sut(2, f"{number}", "MakeCoffee", {})
    text = wire.summary(wire.payloads(session.transcript, STATION)["J.ACTION.02"])
    assert text.count("MakeCoffee") == wire.SHOWN
    assert text.endswith("and 2 more")


def test_a_call_is_what_the_harness_takes_it_for(session: Session) -> None:
    assert isinstance(session.sut(2, "1", "Heartbeat", {}).frame, Call)
