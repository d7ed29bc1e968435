"""The events of one transaction by their numbers: what is missing, and what came too early."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it came: its seqNo and its eventType."""

    number: int
    kind: str


def told_events(payloads: Iterable[Mapping[str, Any]]) -> list[Event]:
    """The events among some TransactionEvent requests that have a number, in the order in which they came."""
    return [
        Event(each["seqNo"], str(each.get("eventType")))
        for each in payloads
        if isinstance(each.get("seqNo"), int) and not isinstance(each.get("seqNo"), bool)
    ]


def lost(events: Sequence[Event]) -> list[int]:
    """The numbers that are missing between the lowest and the highest."""
    numbers = {each.number for each in events}
    return [each for each in range(min(numbers), max(numbers) + 1) if each not in numbers] if numbers else []


def lost_in_a_row(events: Sequence[Event]) -> int:
    """How many numbers are missing in the longest gap."""
    numbers = sorted({each.number for each in events})
    return max((after - before - 1 for before, after in pairwise(numbers)), default=0)


def out_of_order(events: Sequence[Event]) -> str:
    """Why events did not come in the order of their numbers, repetitions aside; empty where they did."""
    highest: Event | None = None
    seen: set[int] = set()
    for each in events:
        if each.number in seen:
            continue
        seen.add(each.number)
        if highest is not None and each.number < highest.number:
            return f"the event with seqNo {each.number} came after the one with {highest.number}"
        highest = each
    return ""


def starts(events: Iterable[Mapping[str, Any]]) -> int:
    """How many transactions began in some Started events: those that are the same in number and time are one."""
    return len({(each.get("seqNo"), each.get("timestamp")) for each in events})
