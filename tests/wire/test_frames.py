"""Frames: what is proper decodes to itself, what is not never raises."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.wire.frames import (
    Call,
    CallError,
    CallResult,
    CallResultError,
    Malformed,
    Send,
    decode,
    encode_call,
    encode_error,
    encode_result,
)

KINDS = (Call, CallResult, CallError, CallResultError, Send, Malformed)
text_of_json = st.text(st.characters(exclude_categories=["Cs"]))
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | text_of_json,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text_of_json, inner, max_size=4),
    max_leaves=12,
)
payloads = st.dictionaries(text_of_json, values, max_size=4)
ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=36)


@given(ids, text_of_json, payloads)
def test_a_call_survives_the_round_trip(message_id: str, action: str, payload: dict[str, Any]) -> None:
    raw = encode_call(message_id, action, payload)
    assert decode(raw) == Call(message_id, action, payload, raw)
    assert json.loads(raw) == [2, message_id, action, payload]


@given(ids, payloads)
def test_a_result_survives_the_round_trip(message_id: str, payload: dict[str, Any]) -> None:
    raw = encode_result(message_id, payload)
    assert decode(raw) == CallResult(message_id, payload, raw)
    assert json.loads(raw) == [3, message_id, payload]


@given(ids, text_of_json, text_of_json, payloads)
def test_an_error_survives_the_round_trip(message_id: str, code: str, words: str, details: dict[str, Any]) -> None:
    raw = encode_error(message_id, code, words, details)
    assert decode(raw) == CallError(message_id, code, words, details, raw)
    assert json.loads(raw) == [4, message_id, code, words, details]


def test_the_frames_that_only_2_1_has() -> None:
    assert decode('[5,"a","GenericError","no",{}]') == CallResultError("a", "GenericError", "no", {}, "")
    assert decode('[6,"a","NotifyPeriodicEventStream",{}]') == Send("a", "NotifyPeriodicEventStream", {}, "")
    unknown = decode('[6,"a","NotifyPeriodicEventStream",{}]', frozenset({2, 3, 4}))
    assert unknown == Malformed("unknown message type 6", "a", "", 6, "NotifyPeriodicEventStream")


def test_null_is_nothing_where_a_version_says_so() -> None:
    assert decode('[2,"a","Heartbeat",null]', null_for_nothing=True) == Call("a", "Heartbeat", {}, "")
    assert decode('[3,"a",null]', null_for_nothing=True) == CallResult("a", {}, "")
    for raw in ('[2,"a",null]', "[2,null]", '[4,"a","GenericError","",null]', '[2,"a","Heartbeat",0]'):
        assert isinstance(decode(raw, null_for_nothing=True), Malformed)


def test_frames_of_one_shape_are_not_the_same() -> None:
    assert CallError("a", "x", "", {}, "") != CallResultError("a", "x", "", {}, "")
    assert Call("a", "x", {}, "") != Send("a", "x", {}, "")


@pytest.mark.parametrize(
    ("raw", "reason", "message_id", "message_type", "action"),
    [
        ("", "not JSON", None, None, None),
        ("NaN", "not JSON", None, None, None),
        ("\ufeff[2]", "not JSON", None, None, None),
        ("{}", "an object", None, None, None),
        ("[]", "an empty one", None, None, None),
        ("7", "a number", None, None, None),
        ("[null]", "the message type is an integer, this is null", None, None, None),
        ('["2","1","A",{}]', "the message type is an integer, this is a string", "1", None, None),
        ('[true,"1","A",{}]', "the message type is an integer, this is a boolean", "1", None, None),
        ('[2.0,"1","A",{}]', "written 2.0", "1", 2, "A"),
        ('[2.5,"1","A",{}]', "this is a number", "1", None, None),
        ('[7,"1","A",{}]', "unknown message type 7", "1", 7, None),
        (f'[{"9" * 30},"1"]', "more than 64 bits", "1", None, None),
        ("[2]", "has 4 elements, this has 1", None, 2, None),
        ('[2,"1","A"]', "has 4 elements, this has 3", "1", 2, "A"),
        ('[2,"1","A",{},1]', "has 4 elements, this has 5", "1", 2, "A"),
        ('[3,"1",{},{}]', "a CALLRESULT has 3 elements", "1", 3, None),
        ('[2,5,"A",{}]', "a message id is a string, this is a number", "5", 2, "A"),
        ('[2,5.5,"A",{}]', "a message id is a string, this is a number", None, 2, "A"),
        ('[2,null,"A",{}]', "a message id is a string, this is null", None, 2, "A"),
        (f'[2,{"9" * 300},"A",{{}}]', "a message id is a string", None, 2, "A"),
        ('[2,"","A",{}]', "1 to 36 characters, this has 0", "", 2, "A"),
        (f'[2,"{"x" * 37}","A",{{}}]', "1 to 36 characters, this has 37", "x" * 37, 2, "A"),
        ('[2,"1",["A"],{}]', "the action is a string, this is an array", "1", 2, None),
        ('[2,"1","A",null]', "the payload is an object, this is null", "1", 2, "A"),
        ('[2,"1","A",[]]', "the payload is an object, this is an array", "1", 2, "A"),
        ('[3,"1","x"]', "the payload is an object, this is a string", "1", 3, None),
        ('[4,"1",1,"",{}]', "the errorCode is a string", "1", 4, None),
        ('[4,"1","GenericError",null,{}]', "the errorDescription is a string, this is null", "1", 4, None),
        ('[4,"1","GenericError","",null]', "the errorDetails is an object, this is null", "1", 4, None),
        ('[2,"1","A",{"x":1e999}]', "out of range", "1", 2, "A"),
        ('[2,"1","A",{"x":' + "9" * 5000 + "}]", "out of range", "1", 2, "A"),
        ('[2,"1","A",{"x":"\\ud800"}]', "surrogate", "1", 2, "A"),
        ('[2,"1","A",{"x":"\ud800"}]', "not UTF-8", "1", 2, "A"),
        ('[2,"1","A",' + '{"x":' * 200_000, "nested too deeply", "1", 2, "A"),
        ('[2,"1","A",{"x":1', "ends too early", "1", 2, "A"),
        (' [ 2 , "a\\"b" , "A" , {', "ends too early", 'a"b', 2, "A"),
        ('[2,"\\ud800","A",{', "surrogate", None, 2, "A"),
        ('[3,17,{"x"', "ends too early", "17", 3, None),
    ],
)
def test_what_is_broken_says_why_and_what_could_be_read(
    raw: str, reason: str, message_id: str | None, message_type: int | None, action: str | None
) -> None:
    frame = decode(raw)
    assert isinstance(frame, Malformed)
    assert reason in frame.reason
    assert (frame.message_id, frame.message_type, frame.action) == (message_id, message_type, action)
    frame.raw.encode()


def test_binary_is_no_frame_but_can_be_read() -> None:
    frame = decode(b'[2,"1","A",{}]\xff')
    assert frame == Malformed("binary frame", "1", "", 2, "A")
    assert frame.raw == '[2,"1","A",{}]\\xff'


@given(st.text() | st.binary() | values.map(json.dumps) | st.lists(values, max_size=6).map(json.dumps))
def test_nothing_makes_it_raise(data: str | bytes) -> None:
    frame = decode(data)
    assert isinstance(frame, KINDS)
    frame.raw.encode()
    repr(frame)


@given(
    st.sampled_from([BOOT := '[2,"1","A",{"a":[1,{"b":"c"}]}]', '[3,"1",{}]', '[4,"1","GenericError","x",{"a":1}]']),
    st.integers(0, 60),
    st.integers(0, 5),
    st.text(max_size=5),
)
def test_nor_does_a_frame_with_a_few_characters_changed(raw: str, at: int, length: int, text: str) -> None:
    changed = raw[:at] + text + raw[at + length :]
    frame = decode(changed)
    if not isinstance(frame, Malformed):
        assert json.loads(changed)[:2] == [frame.message_type, frame.message_id]


@given(st.integers(0, 100_000))
def test_nor_does_any_depth(depth: int) -> None:
    assert isinstance(decode('[2,"1","A",' + '{"x":' * depth + "1" + "}" * depth + "]"), Call | Malformed)


def test_a_frame_does_not_show_its_text_in_its_repr() -> None:
    assert "raw" not in repr(decode('[2,"1","A",{}]'))
