"""Requests that are as long as they may be: no item and no byte more, and exactly so many where that can be."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.oracles.device_model import key_of
from conformance.peers.full_messages import Item, Room, Unreachable, as_long, as_many, one_more
from conformance.peers.v201 import get_variables, set_variables, variable
from conformance.wire.frames import encode_call

READ = variable("OCPPCommCtrlr", "OfflineThreshold")
SET = {**READ, "attributeValue": "300"}
LEAST = 400


def size(action: str, payload: Mapping[str, Any]) -> int:
    return len(encode_call("0" * 36, action, payload))


def wrap_of(action: str, items: Sequence[Item]) -> dict[str, Any]:
    return get_variables(*items) if action == "GetVariables" else set_variables(*items)


@given(
    action=st.sampled_from(["GetVariables", "SetVariables"]),
    items=st.integers(1, 40),
    bytes_=st.integers(LEAST, 20_000),
    beyond=st.integers(0, 1),
)
def test_the_longest_request_is_exactly_as_long_as_it_may_be(action: str, items: int, bytes_: int, beyond: int) -> None:
    def wrap(given_: Sequence[Item]) -> dict[str, Any]:
        return wrap_of(action, given_)

    last = READ if action == "GetVariables" else SET
    room = Room(action, items, bytes_)
    many = as_many(room, wrap, last)
    assert len(many) <= items
    assert size(action, wrap(many)) <= bytes_
    assert many[-1] is last
    try:
        longest = as_long(room, wrap, last, beyond=beyond)
    except Unreachable:
        assert size(action, wrap(many)) + 1400 * (len(many) - 1) < bytes_ + beyond or len(many) == 1 or items < 40
        return
    assert size(action, wrap(longest)) == bytes_ + beyond
    assert len({key_of(each["component"], each["variable"]) for each in longest}) == len(longest) == len(many)
    assert all(
        len(text) <= 50 for each in longest for text in (*each["component"].values(), *each["variable"].values())
    )
    assert all(len(each.get("attributeValue", "")) <= 1000 for each in longest)


def test_one_item_more() -> None:
    made = one_more(Room("GetVariables", 20, 4096), lambda items: get_variables(*items), READ)
    assert len(made) == 21


@pytest.mark.parametrize(
    ("room", "says"),
    [(Room("GetVariables", 20, 1000), "21 items do not fit"), (Room("GetVariables", 1000, 10**6), "1000 items")],
)
def test_one_item_more_that_can_not_be(room: Room, says: str) -> None:
    with pytest.raises(Unreachable, match=says):
        one_more(room, lambda items: get_variables(*items), READ)


def test_no_room_at_all() -> None:
    with pytest.raises(Unreachable, match="not even one"):
        as_many(Room("GetVariables", 20, 10), lambda items: get_variables(*items), READ)
