"""Requests about variables that are as long as a station says that it takes them, and longer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.wire.frames import encode_call

_ID = "0" * 36
_NAME = 50
_VALUE = 1000
_MOST = 200
"""More items than that are tried on nobody."""

Item = dict[str, Any]
Wrap = Callable[[Sequence[Item]], Mapping[str, Any]]


@dataclass(frozen=True)
class Room:
    """How many items, and how many bytes from the first bracket to the last, a station takes with an action."""

    action: str
    items: int
    size: int


class Unreachable(Exception):  # noqa: N818 -- reads as what it is
    """No request of the kind wanted can be made: why."""


def as_many(room: Room, wrap: Wrap, last: Item) -> list[Item]:
    """As many items as are taken, or as fit; each is about something that no station has, but for the last one."""
    for count in range(min(room.items, _MOST), 0, -1):
        items = [*(_item(number, last) for number in range(count - 1)), last]
        if _size(room.action, wrap(items)) <= room.size:
            return items
    raise Unreachable(f"not even one item fits into {room.size} bytes")


def one_more(room: Room, wrap: Wrap, last: Item) -> list[Item]:
    """One item more than are taken, in no more bytes than are; raises Unreachable."""
    if room.items > _MOST:
        raise Unreachable(f"the station takes {room.items} items, which is more than is tried")
    items = [*(_item(number, last) for number in range(room.items)), last]
    if _size(room.action, wrap(items)) > room.size:
        raise Unreachable(f"{len(items)} items do not fit into {room.size} bytes")
    return items


def as_long(room: Room, wrap: Wrap, last: Item, *, beyond: int = 0) -> list[Item]:
    """Items that are no more than are taken, and have as many bytes as are, or so many more; raises Unreachable."""
    items = as_many(room, wrap, last)
    short = room.size + beyond - _size(room.action, wrap(items))
    for item in items[:-1]:
        short -= _stretch(item, short)
    if short:
        raise Unreachable(f"{len(items)} items never have {room.size + beyond} bytes")
    return items


def _item(number: int, like: Item) -> Item:
    name = f"{number:03}"
    item: Item = {
        "component": {"name": f"NoSuchCtrlr{name}", "instance": name},
        "variable": {"name": f"NoSuchVariable{name}", "instance": name},
    }
    return item | ({"attributeValue": name} if "attributeValue" in like else {})


def _stretch(item: Item, by: int) -> int:
    """Make an item longer, by so many bytes at most; by how many."""
    done = 0
    for holder, field, most in (
        (item["component"], "name", _NAME),
        (item["component"], "instance", _NAME),
        (item["variable"], "name", _NAME),
        (item["variable"], "instance", _NAME),
        (item, "attributeValue", _VALUE),
    ):
        if field in holder:
            more = min(most - len(holder[field]), by - done)
            holder[field] += "x" * more
            done += more
    return done


def _size(action: str, payload: Mapping[str, Any]) -> int:
    return len(encode_call(_ID, action, payload).encode())
