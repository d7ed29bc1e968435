"""Schema verdicts, with the jsonschema package as a second opinion, and the rules that schemas don't hold."""

import copy
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.wire.frames import CallError, CallResult, Malformed, decode, encode_call, encode_result
from conformance.wire.schemas import (
    BY_SUBPROTOCOL,
    VERSIONS,
    Problem,
    Version,
    check_call,
    check_error,
    check_frame,
    check_result,
    parse_timestamp,
)

V16, V201, V21 = VERSIONS["1.6"], VERSIONS["2.0.1"], VERSIONS["2.1"]


def call(version: Version, action: str, payload: Any) -> list[Problem]:
    return check_call(version, decode(encode_call("1", action, payload)))


def keywords(problems: list[Problem]) -> set[tuple[str, str]]:
    return {(problem.path, problem.keyword) for problem in problems}


PROFILE: dict[str, Any] = {
    "idToken": {"idToken": "AABBCCDD", "type": "ISO14443"},
    "remoteStartId": 1,
    "evseId": 1,
    "chargingProfile": {
        "id": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "validFrom": "2026-01-01T00:00:00Z",
        "chargingSchedule": [
            {
                "id": 1,
                "chargingRateUnit": "A",
                "minChargingRate": 6.0,
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.1, "numberPhases": 3}],
            }
        ],
    },
}
EVENT: dict[str, Any] = {
    "eventType": "Updated",
    "timestamp": "2026-01-01T00:00:00.000Z",
    "triggerReason": "MeterValuePeriodic",
    "seqNo": 3,
    "transactionInfo": {"transactionId": "tx-1", "chargingState": "Charging"},
    "evse": {"id": 1, "connectorId": 1},
    "meterValue": [
        {
            "timestamp": "2026-01-01T00:00:00Z",
            "sampledValue": [
                {"value": 12.5, "measurand": "Voltage", "phase": "L1", "unitOfMeasure": {"unit": "V"}},
                {"value": 1, "context": "Sample.Periodic"},
            ],
        }
    ],
}
BOOT_16: dict[str, Any] = {"chargePointVendor": "V", "chargePointModel": "M", "meterType": "T"}
SEEDS = [
    (V201, "RequestStartTransaction", PROFILE),
    (V201, "TransactionEvent", EVENT),
    (V16, "BootNotification", BOOT_16),
]


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    steps = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, child in steps:
        yield from places(child, (*path, step))


ODD = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1.0,
        1.5,
        10**20,
        "",
        "x" * 300,
        "2026-01-01",
        "2026-01-01T00:00:00+01:00",
        [],
        {},
        [{}],
        {"a": 1},
    ]
)


@st.composite
def mutants(draw: Callable[..., Any]) -> tuple[Version, str, dict[str, Any]]:
    """A valid request with one to three things replaced, added or left out."""
    version, action, seed = draw(st.sampled_from(SEEDS))
    payload = copy.deepcopy(seed)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from([each for each in places(payload) if each]))
        parent = payload
        for step in place[:-1]:
            parent = parent[step]
        match draw(st.sampled_from(["replace", "remove", "add"])):
            case "replace":
                parent[place[-1]] = copy.deepcopy(draw(ODD))
            case "remove":
                del parent[place[-1]]
            case "add" if isinstance(parent, dict):
                parent[draw(st.sampled_from(["extra", "customData", "evseId", "id"]))] = copy.deepcopy(draw(ODD))
            case _:
                parent.append(copy.deepcopy(draw(ODD)))
        if not isinstance(payload, dict):
            break
    return version, action, payload


@cache
def second_opinion(folder: str, name: str) -> Any:
    document = json.loads(files("ocpp").joinpath(folder, "schemas", f"{name}.json").read_text("utf-8-sig"))
    draft = jsonschema.Draft4Validator if "draft-04" in document["$schema"] else jsonschema.Draft6Validator
    checker = jsonschema.FormatChecker(formats=())
    checker.checks("date-time")(lambda text: not isinstance(text, str) or parse_timestamp(text) is not None)
    return draft(document, format_checker=checker)


@settings(max_examples=400)
@given(mutants())
def test_the_verdicts_are_those_of_another_validator(mutant: tuple[Version, str, dict[str, Any]]) -> None:
    version, action, payload = mutant
    theirs = {
        ("".join(f"/{step}" for step in error.absolute_path), error.validator)
        for error in second_opinion(version.schema_folder, action + version.request_suffix).iter_errors(payload)
    }
    assert {each for each in keywords(call(version, action, payload)) if each[1] != "oneDecimal"} == theirs


@pytest.mark.parametrize(("version", "action", "payload"), SEEDS)
def test_a_good_request_has_no_problem(version: Version, action: str, payload: dict[str, Any]) -> None:
    assert call(version, action, payload) == []


@pytest.mark.parametrize("version", VERSIONS.values(), ids=list(VERSIONS))
def test_every_schema_compiles(version: Version) -> None:
    for action in version.actions:
        call(version, action, {})
        check_result(version, action, CallResult("1", {}, '[3,"1",{}]'))


def test_what_belongs_to_a_version() -> None:
    assert BY_SUBPROTOCOL["ocpp2.0.1"] is V201
    assert (len(V16.actions), len(V201.actions), len(V21.actions)) == (39, 64, 91)
    assert "OccurenceConstraintViolation" in V16.error_codes
    assert "OccurrenceConstraintViolation" in V201.error_codes
    assert "MessageTypeNotSupported" not in V16.error_codes


def test_actions_are_case_sensitive_and_unknown_ones_are_named() -> None:
    assert keywords(call(V201, "bootNotification", {})) == {("", "action")}
    assert keywords(call(V201, "BootNotificationRequest", {})) == {("", "action")}
    assert keywords(call(V201, "../BootNotification", {})) == {("", "action")}
    assert keywords(call(V16, "TransactionEvent", {})) == {("", "action")}
    assert keywords(check_result(V201, "Nonsense", CallResult("1", {}, '[3,"1",{}]'))) == {("", "action")}


def test_a_result_is_judged_by_the_action_of_its_request() -> None:
    good = {"currentTime": "2026-01-01T00:00:00Z", "interval": 300, "status": "Accepted"}
    assert check_result(V201, "BootNotification", decode(encode_result("1", good))) == []
    assert keywords(check_result(V201, "Heartbeat", decode(encode_result("1", good)))) == {("", "additionalProperties")}
    bad = decode(encode_result("1", {**good, "interval": None, "currentTime": "2026-01-01 00:00:00Z"}))
    assert keywords(check_result(V201, "BootNotification", bad)) == {("/interval", "type"), ("/currentTime", "format")}


def test_one_point_nought_is_an_integer_in_2_x_and_not_in_1_6() -> None:
    assert call(V201, "SetNetworkProfile", {"configurationSlot": 1})
    assert keywords(call(V16, "UnlockConnector", {"connectorId": 1.0})) == {("/connectorId", "type")}
    assert call(V201, "UnlockConnector", {"evseId": 1.0, "connectorId": 1}) == []


@given(st.integers(0, 10**6))
def test_1_6_takes_every_limit_with_one_decimal(tenths: int) -> None:
    limit = float(Decimal(tenths) / 10)
    period = {"startPeriod": 0, "limit": limit}
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [period]}
    profile = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": schedule,
    }
    payload = {"connectorId": 1, "csChargingProfiles": profile}
    assert call(V16, "SetChargingProfile", payload) == []
    period["limit"] = limit + 0.05
    assert {problem.keyword for problem in call(V16, "SetChargingProfile", payload)} == {"multipleOf"}


def with_limit(limit: str, rate: str = "6", data: str = "") -> str:
    text = json.dumps(PROFILE).replace("16.1", limit).replace("6.0", rate)
    return f'[2,"1","RequestStartTransaction",{text[:-1]}{data}}}]'


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (with_limit("16"), set()),
        (with_limit("16.10"), set()),
        (with_limit("1e-1"), set()),
        (with_limit("16.15"), {"limit"}),
        (with_limit("0.01", "6.25"), {"limit", "minChargingRate"}),
        (with_limit("16.1", data=',"customData":{"vendorId":"v","limit":1.234}'), set()),
        ('[2,"1","DataTransfer",{"vendorId":"v","data":{"limit":1.234}}]', set()),
    ],
)
def test_2_0_1_allows_one_decimal_in_a_charging_limit(raw: str, expected: set[str]) -> None:
    frame = decode(raw)
    found = [problem for problem in check_call(V201, frame) if problem.keyword == "oneDecimal"]
    assert {problem.path.rpartition("/")[2] for problem in found} == expected
    assert len(check_call(V201, frame)) == len(found)


def test_2_1_has_no_such_rule() -> None:
    assert not [each for each in check_call(V21, decode(with_limit("16.15"))) if each.keyword == "oneDecimal"]


@pytest.mark.parametrize(
    ("body", "twice"),
    [
        ('{"vendorId":"a"}', []),
        ('{ "vendorId" : "a" ,\n "data" : { "x" : "a:b" , "y":1.50, "z":"\\u003a\\u00e9\\/" } }', []),
        ('{"vendorId":"a","data":{"x":{},"y":{}}}', []),
        ('{"vendorId":"a","vendorId":"a"}', ["vendorId"]),
        ('{"vendorId" :"a","vendorId":"a"}', ["vendorId"]),
        ('{"vendorId":"a","data":[{"x":1,"x":2,"x":3}]}', ["x", "x"]),
        ('{"vendorId":"\\u003A","data":{"x":1,"x":1}}', ["x"]),
        ('{"vendorId":"a","data":{"x":1,"\\u0078":1}}', ["x"]),
    ],
)
def test_keys_given_twice_are_found_however_it_is_written(body: str, twice: list[str]) -> None:
    frame = decode(f'[2,"id:1","DataTransfer",{body}]')
    problems = [problem for problem in check_call(V201, frame) if problem.keyword == "duplicateKey"]
    assert [problem.message.split()[0] for problem in problems] == twice


@given(st.recursive(st.text(max_size=3), lambda inner: st.dictionaries(st.text(max_size=3), inner, max_size=3)))
def test_keys_given_once_never_count_as_twice(data: Any) -> None:
    try:
        raw = json.dumps([2, "1", "DataTransfer", {"vendorId": "v", "data": data}], ensure_ascii=True)
        frame = decode(raw)
    except UnicodeEncodeError:
        return
    if not isinstance(frame, Malformed):
        assert check_call(V201, frame) == []


@pytest.mark.parametrize(
    ("version", "code", "expected"),
    [
        (V201, "FormatViolation", set()),
        (V201, "FormationViolation", {("/errorCode", "errorCode")}),
        (V201, "occurrenceConstraintViolation", {("/errorCode", "errorCode")}),
        (V16, "FormationViolation", set()),
        (V16, "FormatViolation", {("/errorCode", "errorCodeSpelling")}),
        (V16, "OccurrenceConstraintViolation", {("/errorCode", "errorCodeSpelling")}),
        (V16, "SecurityError", set()),
        (V16, "RpcFrameworkError", {("/errorCode", "errorCode")}),
    ],
)
def test_error_codes_are_those_of_the_version(version: Version, code: str, expected: set[tuple[str, str]]) -> None:
    assert keywords(check_error(version, CallError("1", code, "", {}, f'[4,"1","{code}","",{{}}]'))) == expected


def test_the_description_of_an_error_has_its_length() -> None:
    raw = f'[4,"1","GenericError","{"x" * 256}",{{"a":1,"a":2}}]'
    frame = decode(raw)
    assert isinstance(frame, CallError)
    assert keywords(check_error(V201, frame)) == {("/errorDescription", "errorDescription"), ("", "duplicateKey")}


def test_any_frame_can_be_checked() -> None:
    assert check_frame(V201, decode("{")) == (Problem("", "frame", decode("{").reason),)
    assert check_frame(None, decode('[2,"1","X",{}]')) == ()
    assert check_frame(V201, decode('[3,"1",{}]')) == ()
    assert keywords(list(check_frame(V201, decode('[3,"1",{}]'), "Authorize"))) == {("", "required")}
    assert check_frame(V21, decode('[5,"1","GenericError","",{}]')) == ()
    assert keywords(list(check_frame(V21, decode('[6,"1","NotifyPeriodicEventStream",{}]')))) == {("", "required")}
    assert keywords(list(check_frame(V21, decode('[6,"1","Heartbeat",{}]')))) == {("", "action")}
    assert keywords(list(check_frame(V16, decode('[6,"1","Heartbeat",{}]')))) == {("", "action")}


def test_paths_are_json_pointers_and_messages_are_short() -> None:
    [problem] = call(V201, "Reset", {"type": "x" * 5000})
    assert (problem.path, problem.keyword) == ("/type", "enum")
    assert len(problem.message) <= 301
    assert problem.to_json() == {"path": "/type", "keyword": "enum", "message": problem.message}
    assert {each.path for each in call(V201, "BootNotification", PROFILE)} == {""}


def test_what_can_not_be_checked_is_a_problem_too() -> None:
    deep: dict[str, Any] = {}
    node = deep
    for _ in range(20_000):
        node["x"] = {}
        node = node["x"]
    assert check_call(V201, decode('[2,"1","Heartbeat",{}]')) == []
    frame = decode('[2,"1","DataTransfer",{"vendorId":"v"}]')
    frame.payload["data"] = deep
    assert "json" in {problem.keyword for problem in check_call(V201, frame)}
    while deep:
        deep = deep.popitem()[1]


@given(st.datetimes(timezones=st.just(UTC)), st.integers(-23 * 60, 23 * 60))
def test_timestamps_are_read_whatever_their_offset(time: datetime, minutes: int) -> None:
    try:
        local = time.astimezone(timezone(timedelta(minutes=minutes)))
    except OverflowError:
        return
    assert parse_timestamp(local.isoformat()) == time
    assert parse_timestamp(time.isoformat().replace("+00:00", "Z")) == time


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00Z",
        "2026-01-01T00:00:00+0100",
        "2026-01-01T00:00:00+01",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+01:60",
        "2026-01-01T00:00:00.Z",
        "0001-01-01T00:00:00+23:00",
        "٢٠٢٦-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z\n",
    ],
)
def test_what_is_no_timestamp_of_rfc_3339(text: str) -> None:
    assert parse_timestamp(text) is None


def test_timestamps_at_the_edge() -> None:
    assert parse_timestamp("2016-12-31T23:59:60Z") == datetime(2017, 1, 1, tzinfo=UTC)
    assert parse_timestamp("2026-01-01t00:00:00.1239999z") == datetime(2026, 1, 1, 0, 0, 0, 123999, tzinfo=UTC)
    assert parse_timestamp("2026-01-01T01:00:00+01:00") == datetime(2026, 1, 1, tzinfo=UTC)


def test_the_fields_that_hold_times() -> None:
    assert {"timestamp", "currentTime", "validFrom", "validTo"} <= V201.times & V16.times
    assert "generatedAt" in V201.times - V16.times
    assert "expiryDate" in V16.times - V201.times
    assert "interval" not in V201.times | V16.times
