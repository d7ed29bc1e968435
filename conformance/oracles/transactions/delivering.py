"""What holds for the delivery of messages about transactions in both versions: repeats, their number and their pace."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from conformance.oracles.transactions.ledger import FAILURES, STARTS, STOPS, Delivery, Event, Ledger, Made, Outcome
from conformance.oracles.wire import Miss
from conformance.wire.frames import Call

Found = Iterator[tuple[str, Miss]]
"""The misses, each with the id of what it is a miss of."""


@dataclass(frozen=True, slots=True)
class Names:
    """What the rules of delivery are called in one version.

    `least` is how often a message has to be tried at least, also by a station that does not tell how often it tries.
    """

    same: str
    double: str
    kept: str
    again: str
    pace: str
    dropped: str
    least: int = 1


_SHARE = 0.05
"""The part of a pause that timers may be off."""


def delivering(book: Ledger, names: Names) -> Found:
    """Repeats are equal to the first, come only after a failure, at the right pace, and no more often than set."""
    for event in book.events:
        for delivery, how in event.changes:
            yield names.same, Miss(f"{event} was sent again with {how}", (event.first.call, delivery.call))
        for one, other in event.doubles:
            yield names.double, Miss(f"{event} was sent again after it was acknowledged", (*one.entries, other.call))
        yield from _too_often(book, event, names)
        for number, (one, other) in enumerate(pairwise(event.deliveries), start=1):
            if one.outcome in FAILURES:
                yield from _pace(book, event, number, other, names)
        yield from _given_up(book, event, names)


def _failures(event: Event, upto: int) -> int:
    """How many of the first deliveries have surely failed."""
    return sum(each.outcome in FAILURES for each in event.deliveries[:upto])


def _too_often(book: Ledger, event: Event, names: Names) -> Found:
    attempts = book.setting("attempts", event.first.call.utc, event.last.call.utc)
    if attempts is None:
        return
    for number, delivery in enumerate(event.deliveries):
        if number and _failures(event, number) >= max(attempts, 1):
            before = event.deliveries[number - 1]
            message = f"{event} was sent again after {_failures(event, number)} failures, {attempts:g} attempts are set"
            yield names.dropped, Miss(message, (*before.entries, delivery.call))


def _pace(book: Ledger, event: Event, number: int, after: Delivery, names: Names) -> Found:
    """Whether the pause after the delivery of this number, which failed, was right (Part 2 E13.FR.03; 1.6 3.7.1).

    How many transmissions went before may be counted with or without those that broke off.
    """
    before, tolerance = event.deliveries[number - 1], book.circumstances.tolerance
    interval = book.setting("interval", before.call.utc, after.call.utc)
    timeout = book.setting("message_timeout", before.call.utc, after.call.utc)
    if interval is None or before.call.link != after.call.link or book.links.stalled(before.call.at, after.call.at):
        return
    least = interval * max(_failures(event, number), 1)
    most = interval * number
    waited = after.call.at - before.settled
    if waited < least - max(tolerance, least * _SHARE):
        message = f"{event} was sent again {waited:.1f} s after its failure number {number}, {least:g} s are due"
        yield names.pace, Miss(message, (*before.entries, after.call))
    elif before.outcome is Outcome.REFUSED or timeout is not None:
        due = _when_free(book, event, before.settled + most)
        if after.call.at > due + max(tolerance, most * _SHARE):
            message = f"{event} was sent again {waited:.1f} s after its failure number {number}, {most:g} s are due"
            yield names.pace, Miss(message, (*before.entries, after.call))


def _when_free(book: Ledger, event: Event, due: float) -> float:
    """When a station could send what was due, for it may only have one call open at a time."""
    mine = {each.call.n for each in event.deliveries}
    for exchange in book.transcript.exchanges(sender="sut", station=book.station):
        call, answer = exchange.call, exchange.answer
        if call.n in mine or call.at > due or not isinstance(call.frame, Call):
            continue
        if answer is not None and not answer.detail.get("dropped"):
            due = max(due, answer.at)
        else:
            due = max(due, call.at + (book.setting("message_timeout", call.utc) or 0.0))
    return due


def _given_up(book: Ledger, event: Event, names: Names) -> Found:
    """Whether a message was given up that the station had to send again."""
    last, attempts = event.last, book.setting("attempts", event.first.call.utc, event.last.call.utc)
    if event.answered or last.outcome not in (*FAILURES, Outcome.CUT):
        return
    count = len(event.deliveries)
    if attempts is not None and count >= attempts:
        return
    by_outage = last.outcome is Outcome.CUT or book.links.lost_between(last.call.at, book.now)
    if attempts is None and not by_outage and not (count < names.least and _passed_over(book, event)):
        return
    pause = (book.setting("interval", last.call.utc) or 0.0) * count
    if book.overdue(last.settled + pause, event):
        what = f"{event} was {last.outcome}, and never sent again"
        told = what if attempts is None else f"{what}: {count} of {attempts:g} attempts were made"
        yield names.kept if by_outage else names.again, Miss(told, last.entries)


def _passed_over(book: Ledger, event: Event) -> bool:
    """Whether the station has gone on to tell how another transaction begins or ends, or this one.

    It may still be waiting to send a message again when it does not tell when; newer ones have to wait as long.
    """
    return any(
        other.kind in (*STARTS, *STOPS)
        and other.first.call.n > event.last.call.n
        and (other.time is None or event.time is None or other.time >= event.time)
        for other in book.events
        if other is not event
    )


def wrong_time(event: Event, made: Made | None, slack: timedelta) -> str:
    """What is wrong about the time of an event, by when it came and when its transaction was made; empty if nothing."""
    time, came = event.time, event.first.call.utc
    if time is None:
        return ""
    if time > came + slack:
        return f"tells {time:%H:%M:%S}, and came at {came:%H:%M:%S} already"
    rounded = slack if time.microsecond else slack + timedelta(seconds=1)  # who tells no fractions cuts them off
    if made is not None and time < made.since.utc - rounded:
        return f"tells {time:%H:%M:%S}, and its transaction was made after {made.since.utc:%H:%M:%S}"
    if made is not None and made.until is not None and time > made.until.utc + slack:
        return f"tells {time:%H:%M:%S}, and its transaction was over at {made.until.utc:%H:%M:%S}"
    return ""
