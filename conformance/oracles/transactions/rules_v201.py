"""What is judged of the transactions of a station of OCPP 2.0.1 (Part 2 E, F, J02, 1.60, 3.16, 3.67, 3.82)."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from conformance.oracles.transactions.delivering import Found, Names, delivering, wrong_time
from conformance.oracles.transactions.ledger import Delivery, Event, Ledger, Loss, Outcome, Transaction
from conformance.oracles.transactions.measuring import measuring
from conformance.oracles.transactions.reasons import reasons
from conformance.oracles.wire import Miss
from conformance.wire.frames import CallResult
from conformance.wire.transcript import Entry

REQUIREMENTS = (
    "TX.WHOLE.01",
    "E01.FR.07",
    "E04.FR.01",
    "E04.FR.08",
    "TX.START.01",
    "TX.END.01",
    "TX.TYPE.01",
    "E01.FR.08",
    "E01.FR.14",
    "TX.ORDER.01",
    "E04.FR.03",
    "E11.FR.07",
    "TX.OFFLINE.01",
    "TX.OFFLINE.02",
    "TX.TIME.01",
    "TX.TIME.02",
    "TX.REPEAT.01",
    "TX.DOUBLE.01",
    "E04.FR.02",
    "E13.FR.02",
    "E13.FR.03",
    "E13.FR.04",
    "E01.FR.10",
    "E01.FR.15",
    "E01.FR.16",
    "E01.FR.18",
    "TX.STATE.01",
    "TX.TRIGGER.01",
    "E03.FR.05",
    "E05.FR.10",
    "E06.FR.08",
    "E07.FR.06",
    "F03.FR.03",
    "J02.FR.16",
    "J02.FR.17",
    "TX.METER.01",
    "E01.FR.09",
    "E06.FR.11",
)
"""Every requirement that is judged, by its id."""

_NAMES = Names(
    same="TX.REPEAT.01",
    double="TX.DOUBLE.01",
    kept="E04.FR.02",
    again="E13.FR.02",
    pace="E13.FR.03",
    dropped="E13.FR.04",
)


def rules(book: Ledger) -> Found:
    """Every miss in a ledger, with the requirement that it is a miss of."""
    yield from delivering(book, _NAMES)
    yield from one_at_a_time(book)
    for made in book.forgotten:
        if book.overdue_at_the_end():
            yield "TX.WHOLE.01", Miss(f"nothing was told of the transaction made on EVSE {made.evse}", (made.since,))
    for transaction in book.transactions:
        if not transaction.events:
            continue
        yield from whole(book, transaction)
        yield from kinds(transaction)
        yield from order(transaction)
        yield from offline(book, transaction)
        yield from times(book, transaction)
        yield from reasons(book, transaction)
        yield from measuring(book, transaction)


# -- nothing lost -----------------------------------------------------------------------------------------------------


def whole(book: Ledger, transaction: Transaction) -> Found:
    """Started and Ended have come, and every number between them (Part 2 E 1.3.2, E04.FR.01, E04.FR.07 and .08)."""
    dropped: list[tuple[list[int], Event]] = []
    for loss in losses(book, transaction, dropped):
        if not loss.allowed:
            yield loss.requirement, Miss(f"{transaction.id}: {loss.message}", loss.entries)
    yield from _thinning(book, transaction, dropped)


def losses(
    book: Ledger, transaction: Transaction, dropped: list[tuple[list[int], Event]] | None = None
) -> Iterator[Loss]:
    """What never came of a transaction; numbers that may have been dropped are added to `dropped`."""
    first = transaction.events[0]
    due = first.first.settled + _pause(book, first)
    if transaction.start is None and not transaction.earlier and book.overdue(due, first):
        message = f"Started never came, {first} was the first"
        yield Loss("TX.WHOLE.01", message, (first.first.call,), "its begin", _before(book, first))
    for before, missing, after in gaps(transaction):
        if not book.overdue(after.first.settled + _pause(book, after), after):
            continue
        entries, told, count = (before.first.call, after.first.call), numbers(missing), len(missing)
        if book.links.surely_connected(before.time, after.time):
            message = f"{told} never came, from a time when the station was online"
            yield Loss("E01.FR.07", message, entries, told, count)
        else:
            message = f"{told} never came, from a time when the station was offline"
            allowed = _room_ran_out(book, before, missing, after)
            if allowed and dropped is not None:
                dropped.append((missing, after))
            yield Loss("E04.FR.01", message, entries, told, count, allowed)
    if transaction.stop is None:
        yield from _without_end(book, transaction)


def _before(book: Ledger, first: Event) -> int:
    """How many events there were before the first that came: at least one, more where the station counts from 0."""
    starts = [each.start for each in book.transactions if each.start is not None]
    return max(_number(first), 1) if all(each.number == 0 for each in starts) else 1


def gaps(transaction: Transaction) -> Iterator[tuple[Event, list[int], Event]]:
    """The numbers that never came between two events, with these."""
    for before, after in pairwise(transaction.events):
        low = max(before.numbers)
        missing = list(range(low + 1, min(after.numbers)))
        if missing:
            yield before, missing, after


def numbers(missing: Sequence[int]) -> str:
    """A run of sequence numbers in words."""
    if len(missing) == 1:
        return f"the event with seqNo {missing[0]}"
    return f"the events with seqNo {missing[0]} to {missing[-1]}"


def _pause(book: Ledger, event: Event) -> float:
    """After how long, once this event has come, one that was cut off before it would be sent again."""
    return book.setting("interval", event.first.call.utc) or 0.0


def _room_ran_out(book: Ledger, before: Event, missing: Sequence[int], after: Event) -> bool:
    """Whether there was more to keep than the station has room for: only then may it drop Updated events."""
    room, began, ended = book.circumstances.room, before.time, after.time
    if room is None or began is None or ended is None:
        return False
    outages = [(one, other) for one, other in book.links.outages if one < ended and began < other]
    kept = [each for each in book.events if any(one < each.time < other for one, other in outages if each.time)]
    return len(kept) + len(missing) > room


def _thinning(book: Ledger, transaction: Transaction, excused: Sequence[tuple[list[int], Event]]) -> Found:
    """E04.FR.08: what is dropped is taken from between the others, not all of it from their begin or their end."""
    if len(excused) != 1 or len(excused[0][0]) == 1:
        return
    missing, after = excused[0]
    kept = [
        each.number
        for each in transaction.of_kind("Updated")
        if each.number is not None and each.time is not None and book.links.offline(each.time)
    ]
    earlier = any(number < missing[0] for number in kept)
    later = any(number > missing[-1] for number in kept)
    if earlier != later:
        where = "last" if earlier else "first"
        message = f"{transaction.id}: {numbers(missing)} were dropped, the {where} of the outage at one go"
        yield "E04.FR.08", Miss(message, (after.first.call,))


def _without_end(book: Ledger, transaction: Transaction) -> Iterator[Loss]:
    """Whether a transaction has ended, for all that is known, and nobody was told."""
    last, message, shown = transaction.calls[-1], "", None
    following = next((each for each in book.on_evse(transaction.evse) if _follows(transaction, each)), None)
    answer = _no_longer(book, transaction)
    if transaction.evse is not None and following is not None:
        start = following.events[0]
        if book.overdue(start.first.settled + _pause(book, start), start):
            shown = start.first.call
            message = f"Ended never came, and {following.id} began on EVSE {transaction.evse}"
    elif answer is not None:
        shown = answer
        message = "Ended never came, and the station knows nothing more of it"
    elif book.circumstances.over and book.overdue_at_the_end():
        message = "it is over, and Ended never came"
    if message:
        yield Loss("TX.WHOLE.01", message, (last,) if shown is None else (last, shown), "its end")


def _follows(one: Transaction, other: Transaction) -> bool:
    return (
        other is not one and one.began is not None and other.start is not None and other.began is not None
    ) and other.began > one.began


def _no_longer(book: Ledger, transaction: Transaction) -> Entry | None:
    """The answer that says that a transaction has ended, and that nothing about it is queued (E14)."""
    after = transaction.calls[-1].n
    for exchange in book.transcript.exchanges(sender="harness", station=book.station, action="GetTransactionStatus"):
        asked, answer = getattr(exchange.call.frame, "payload", {}), exchange.answer
        if answer is None or not isinstance(answer.frame, CallResult) or exchange.call.n < after:
            continue
        said = answer.frame.payload
        nothing = said.get("ongoingIndicator") is False and said.get("messagesInQueue") is False
        if nothing and str(asked.get("transactionId")).casefold() == transaction.id.casefold():
            return answer
    return None


# -- one begin, one end, one id ---------------------------------------------------------------------------------------


def kinds(transaction: Transaction) -> Found:
    """Started first, Ended last, both once; no number and no transactionId used twice (Part 2 1.60.1, 2.6.4, 2.6.5)."""
    starts, stops = transaction.of_kind("Started"), transaction.of_kind("Ended")
    if transaction.again is not None:
        before = transaction.again.events[-1].first.call
        message = f"the transactionId {transaction.id} had been used before"
        yield "E01.FR.08", Miss(message, (before, transaction.events[0].first.call))
    for name, found in (("TX.START.01", starts), ("TX.END.01", stops)):
        for event in found[1:]:
            yield name, Miss(f"{transaction.id}: {event} is one more", (found[0].first.call, event.first.call))
    for event in transaction.events:
        if starts and _number(event) < _number(starts[0]):
            yield "TX.TYPE.01", Miss(f"{transaction.id}: {event} comes before Started", (event.first.call,))
        if stops and event.kind == "Updated" and _number(event) > _number(stops[-1]):
            yield "TX.TYPE.01", Miss(f"{transaction.id}: {event} comes after Ended", (event.first.call,))
    for one, other in pairwise(transaction.events):
        if one.number == other.number:
            message = f"{transaction.id}: {one} and {other} bear the same number"
            yield "E01.FR.07", Miss(message, (one.first.call, other.first.call))


def _number(event: Event) -> int:
    assert event.number is not None
    return event.number


def one_at_a_time(book: Ledger) -> Found:
    """E01.FR.14: no transaction begins on an EVSE before the one before it has ended."""
    slack = timedelta(seconds=book.circumstances.tolerance)
    for evse in dict.fromkeys(each.evse for each in book.transactions if each.evse is not None):
        told = [each for each in book.on_evse(evse) if each.start is not None and each.start.time is not None]
        for number, one in enumerate(told):
            for other in told[number + 1 :]:
                began, ended = other.began, one.ended
                if one.stop is not None and began is not None and ended is not None and began < ended - slack:
                    message = f"{other.id} began on EVSE {evse} before {one.id} ended"
                    yield "E01.FR.14", Miss(message, (one.stop.first.call, other.events[0].first.call))


def order(transaction: Transaction) -> Found:
    """TX.ORDER.01: events come for the first time in the order of their numbers."""
    for one, other in pairwise(transaction.events):
        if other.first.call.n < one.first.call.n:
            message = f"{transaction.id}: {other} came before {one}"
            yield "TX.ORDER.01", Miss(message, (other.first.call, one.first.call))


# -- offline ----------------------------------------------------------------------------------------------------------


def offline(book: Ledger, transaction: Transaction) -> Found:
    """E04.FR.03, E11.FR.07, TX.OFFLINE.01 and .02: marked offline is what was made, or still queued, while offline.

    Around a break and a reconnect either is right, as far as `tolerance` goes. So it is for what is made while older
    events are still being sent: those, too, are queued (E11.FR.02).
    """
    for event in transaction.events:
        if event.time is None:
            continue
        if book.links.offline(event.time):
            for each in event.deliveries:
                if each.payload.get("offline") is not True:
                    message = (
                        f"{transaction.id}: {event} of {_clock(event.time)} was made offline, and is not marked so"
                    )
                    yield "E04.FR.03", Miss(message, (each.call,))
                    break
            continue
        yield from _made_online(book, transaction, event)


def _made_online(book: Ledger, transaction: Transaction, event: Event) -> Found:
    assert event.time is not None
    made_on = book.links.online(event.time)
    if made_on is None:
        return
    before: Delivery | None = None
    for each in event.deliveries:
        marked = each.payload.get("offline") is True
        if each.call.link == made_on.link:
            if marked and not _queued(book, event.time, each):
                message = f"{transaction.id}: {event} of {_clock(event.time)} is marked offline, and was made online"
                yield "TX.OFFLINE.01", Miss(message, (made_on.opened, each.call))
                return
        elif not marked and each.call.n > made_on.opened.n and not _arrived(before):
            under_way = before is not None and before.outcome in (Outcome.CUT, Outcome.UNCERTAIN, Outcome.LATE)
            name = "TX.OFFLINE.02" if under_way else "E11.FR.07"
            message = f"{transaction.id}: {event} was queued when the connection was lost, and is not marked offline"
            yield name, Miss(message, (each.call,))
            return
        before = each


def _arrived(delivery: Delivery | None) -> bool:
    return delivery is not None and delivery.outcome is Outcome.ACKNOWLEDGED


def _queued(book: Ledger, time: datetime, delivery: Delivery) -> bool:
    """Whether messages from before the connection were still being sent at this time of the station's clock."""
    connection = book.links.of(delivery.call)
    if connection is None or connection.ready is None:
        return True
    slack = timedelta(seconds=book.circumstances.tolerance)
    latest = None
    for event in book.events:
        if event.time is not None and event.time > connection.ready.utc + slack:
            continue
        for each in event.deliveries:
            if each.call.link == connection.link:
                until = (each.answer or each.call).utc
                latest = until if latest is None else max(latest, until)
    return latest is not None and time <= latest + slack


# -- times ------------------------------------------------------------------------------------------------------------


def times(book: Ledger, transaction: Transaction) -> Found:
    """TX.TIME.01 and .02: the time is that of the event, not of its delivery, and does not fall (Part 2 1.60.1)."""
    slack = timedelta(seconds=book.circumstances.tolerance)
    for event in transaction.events:
        wrong = wrong_time(event, transaction.made, slack) or _wrong_reading(book, event, slack)
        if wrong:
            yield "TX.TIME.01", Miss(f"{transaction.id}: {event} {wrong}", (event.first.call,))
    timed = [each for each in transaction.events if each.time is not None]
    for one, other in pairwise(timed):
        if one.time is not None and other.time is not None and other.time < one.time - slack:
            message = f"{transaction.id}: {other} of {_clock(other.time)} is older than {one} of {_clock(one.time)}"
            yield "TX.TIME.02", Miss(message, (one.first.call, other.first.call))


def _wrong_reading(book: Ledger, event: Event, slack: timedelta) -> str:
    """What is wrong about the time of an event, by the readings in it (J02.FR.10)."""
    read = max((each.time for each in event.readings if each.time is not None), default=None)
    if event.time is None or read is None or event.kind == "Ended":
        return ""
    if read > event.time + slack:
        return f"tells {_clock(event.time)}, and holds a reading of {_clock(read)}"
    if event.text("triggerReason") == "MeterValuePeriodic" and _elsewhere(book, read, event.time):
        return f"tells {_clock(event.time)}, a time online, and its reading was taken at {_clock(read)}, offline"
    return ""


def _elsewhere(book: Ledger, read: datetime, time: datetime) -> bool:
    """Whether a reading was taken offline, and the event that it was taken for is said to be of later, online."""
    return book.links.offline(read) and book.links.online(time) is not None


def _clock(time: datetime | None) -> str:
    return "" if time is None else f"{time:%H:%M:%S}"
