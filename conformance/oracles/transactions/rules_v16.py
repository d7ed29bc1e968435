"""What is judged of the transactions of a station of OCPP 1.6 (3.7, 4.7, 4.8, 4.10, 6.45 to 6.49, and the errata)."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from conformance.oracles.transactions import meter
from conformance.oracles.transactions.delivering import Found, Names, delivering, wrong_time
from conformance.oracles.transactions.ledger import FAILURES, Delivery, Event, Ledger, Loss, Outcome, Transaction
from conformance.oracles.transactions.measuring import falling, two_values
from conformance.oracles.transactions.meter import RESOLUTION, Reading
from conformance.oracles.transactions.v16 import STOP, UNKNOWN, VALUES, connector_of, during, id_of
from conformance.oracles.wire import Miss
from conformance.wire.frames import Call, CallResult
from conformance.wire.transcript import Entry

REQUIREMENTS = (
    "16.TX.04",
    "16.TX.08",
    "16.TX.10",
    "16.TX.11",
    "16.TX.12",
    "16.TX.33",
    "16.TX.34",
    "16.TX.35",
    "16.TX.36",
    "16.TX.37",
    "16.TX.38",
    "16.TX.39",
    "16.TX.40",
    "16.TX.43",
    "16.TX.54",
    "16.TX.REPEAT.01",
    "16.TX.DOUBLE.01",
    "16.TX.TIME.01",
    "16.TX.TIME.02",
    "16.TX.METER.01",
    "16.TX.METER.02",
)
"""Every requirement that is judged, by its id."""

_NAMES = Names(
    same="16.TX.REPEAT.01",
    double="16.TX.DOUBLE.01",
    kept="16.TX.35",
    again="16.TX.37",
    pace="16.TX.38",
    dropped="16.TX.39",
    least=2,  # a message may be skipped only where the CSMS fails to process it repeatedly (3.7.1)
)

_SAMPLED = frozenset({meter.PERIODIC, meter.CLOCK})
_MAINS_OFF = "driver: power_off"
_LONG = 1.5
"""How many intervals between two samples show that there should have been one in between."""


def rules(book: Ledger) -> Found:
    """Every miss in a ledger, with the requirement that it is a miss of."""
    yield from delivering(book, _NAMES)
    yield from whole(book)
    yield from order(book)
    for transaction in book.transactions:
        yield from ids(book, transaction)
        yield from times(book, transaction)
        yield from metering(transaction)
        yield from reasons(book, transaction)
        yield from not_accepted(book, transaction)


# -- nothing lost -----------------------------------------------------------------------------------------------------


def whole(book: Ledger) -> Found:
    """16.TX.04 and .08: every transaction is told by one StartTransaction and by one StopTransaction (4.8, 4.10)."""
    for event in book.loose:
        if event.kind == STOP and not _from_before(book, event) and book.overdue(event.first.settled, event):
            message = f"{event.kind} with the transaction id {id_of(event)}, and no StartTransaction that it fits"
            yield "16.TX.04", Miss(message, (event.first.call,))
    for made in book.forgotten:
        if book.overdue_at_the_end():
            yield "16.TX.04", Miss(f"nothing was told of the transaction made on connector {made.evse}", (made.since,))
    for transaction in book.transactions:
        stops = transaction.of_kind(STOP)
        for event in stops[1:]:
            message = f"{transaction.id}: another StopTransaction came for it"
            yield "16.TX.08", Miss(message, (stops[0].first.call, event.first.call))
        for loss in losses(book, transaction):
            yield loss.requirement, Miss(f"{transaction.id}: {loss.message}", loss.entries)


def losses(book: Ledger, transaction: Transaction) -> Iterator[Loss]:
    """What never came of a transaction: its end, and samples in its course."""
    if transaction.stop is None:
        yield from _without_stop(book, transaction)
    yield from _without_samples(book, transaction)


def _from_before(book: Ledger, event: Event) -> bool:
    began = book.links.began
    return not book.circumstances.idle_at_first or (began is not None and event.time is not None and event.time < began)


def _without_stop(book: Ledger, transaction: Transaction) -> Iterator[Loss]:
    last, what = transaction.calls[-1], "its end"
    told = book.on_evse(transaction.evse)
    following = next(iter(told[told.index(transaction) + 1 :]), None)
    if following is not None:
        start = following.events[0]
        if _mains_off(book, last.n, start.first.call.n):
            return  # what becomes of it then is 16.POWER.01
        if book.overdue(start.first.settled, start):
            message = f"no StopTransaction came, and {following.id} began on its connector"
            yield Loss("16.TX.08", message, (last, start.first.call), what)
    elif freed := _freed(book, transaction):
        message = "no StopTransaction came; its connector is Available, and the station does not know it any more"
        yield Loss("16.TX.08", message, (last, *freed), what)
    elif book.circumstances.over and book.overdue_at_the_end():
        yield Loss("16.TX.08", "it is over, and no StopTransaction came", (last,), what)


def _freed(book: Ledger, transaction: Transaction) -> tuple[Entry, ...]:
    """What shows that a transaction is over: its remote stop is Rejected, and its connector became Available."""
    first, last, station = transaction.calls[0].n, transaction.calls[-1].n, book.station
    if _mains_off(book, last, None):
        return ()
    freed = [
        each
        for each in book.transcript.frames(sender="sut", kind=Call, station=station, since=last)
        if isinstance(each.frame, Call)
        and each.frame.action == "StatusNotification"
        and each.frame.payload.get("status") == "Available"
        and each.frame.payload.get("connectorId") == transaction.evse
        and book.overdue(each.at)
    ]
    refused = [
        each.answer
        for each in book.transcript.exchanges(
            sender="harness", action="RemoteStopTransaction", station=station, since=first
        )
        if each.answer is not None
        and isinstance(each.answer.frame, CallResult)
        and each.answer.frame.payload.get("status") == "Rejected"
        and isinstance(each.call.frame, Call)
        and str(each.call.frame.payload.get("transactionId")) == transaction.id
    ]
    return (freed[0], refused[0]) if freed and refused else ()


def _mains_off(book: Ledger, since: int, until: int | None) -> bool:
    return any(each.detail.get("text") == _MAINS_OFF for each in book.transcript.entries[since:until])


def _without_samples(book: Ledger, transaction: Transaction) -> Iterator[Loss]:
    """A sample comes for every interval, and those that were taken offline do too (3.7, 4.7, errata 3.15)."""
    start, stop = transaction.start, transaction.stop
    if start is None or start.time is None:
        return
    taken: dict[datetime, Event] = {start.time: start}
    for event in transaction.of_kind(VALUES):
        for reading in event.readings:
            if reading.context == meter.PERIODIC and reading.time is not None:
                taken.setdefault(reading.time, event)
    if stop is not None and stop.time is not None:
        taken.setdefault(stop.time, stop)
    for one, other in pairwise(sorted(taken)):
        after, interval = taken[other], book.set_between("sample_interval", one, other)
        if not interval:
            continue
        longest = timedelta(seconds=interval * _LONG + book.circumstances.tolerance)
        if other - one <= longest or _booted(book, one, other) or not book.overdue(after.first.settled, after):
            continue
        name = "16.TX.35" if book.links.broken(one, other) else "16.TX.43"
        between = f"from between {one:%H:%M:%S} and {other:%H:%M:%S}"
        count = max(round((other - one).total_seconds() / interval) - 1, 1)
        entries = (taken[one].first.call, after.first.call)
        yield Loss(name, f"no sample came {between}", entries, f"samples {between}", count)


def _booted(book: Ledger, one: datetime, other: datetime) -> bool:
    """Whether the station started anew between two times, or right after: then it was without power before."""
    boots = book.transcript.exchanges(sender="sut", station=book.station, action="BootNotification")
    slack = timedelta(seconds=book.circumstances.tolerance)
    return any(one < each.call.utc < other + slack for each in boots)


# -- order ------------------------------------------------------------------------------------------------------------


def order(book: Ledger) -> Found:
    """16.TX.36: messages about transactions come in the order of their times, and new ones wait for old ones (3.7)."""
    slack = timedelta(seconds=book.circumstances.tolerance)
    related = [each for each in book.events if each.time is not None and _related(each)]
    newest: Event | None = None
    for event in related:
        if newest is not None and _time(event) < _time(newest) - slack:
            message = f"{event} of {_clock(event)} came after {newest} of {_clock(newest)}"
            yield "16.TX.36", Miss(message, (newest.first.call, event.first.call))
        if newest is None or _time(event) > _time(newest):
            newest = event
    for event in related:
        for one, other in pairwise(event.deliveries):
            passed = next((each for each in related if _passes(each, event, one, other)), None)
            if passed is not None:
                message = f"{passed} came while {event}, which is older, had failed and was still to be sent again"
                yield "16.TX.36", Miss(message, (one.call, passed.first.call))


def _related(event: Event) -> bool:
    """Whether the order of a message matters: of meter values only those sampled periodically or by the clock."""
    return event.kind != VALUES or any(each.context in _SAMPLED for each in event.readings)


def _passes(newer: Event, older: Event, one: Delivery, other: Delivery) -> bool:
    between = one.call.n < newer.first.call.n < other.call.n
    return between and one.outcome in (*FAILURES, Outcome.CUT) and _time(newer) > _time(older)


# -- ids and times ----------------------------------------------------------------------------------------------------


def ids(book: Ledger, transaction: Transaction) -> Found:
    """16.TX.10, .40, 16.TX.METER.02: later messages bear the id of the answer, or -1 where none came (errata 3.18)."""
    start = transaction.start
    if start is None:
        return
    slack = timedelta(seconds=book.circumstances.tolerance)
    for event in transaction.of_kind(VALUES, STOP):
        number, entries = id_of(event), (*start.last.entries, event.first.call)
        if number in transaction.ids:
            if event.kind == VALUES and not _fits(transaction, event, slack):
                message = f"{transaction.id}: {event} of {_clock(event)}, when it did not run on that connector"
                yield "16.TX.METER.02", Miss(message, (event.first.call,))
        elif not transaction.ids:
            if number != UNKNOWN and (number is not None or event.kind == STOP):
                message = f"{event} bears the id {number}, although none was given: -1 stands for that"
                yield "16.TX.40", Miss(message, entries)
        elif _is_wrong(transaction, start, event, slack):
            told = " or ".join(map(str, dict.fromkeys(transaction.ids)))
            message = f"{event} bears {'no id' if number is None else f'the id {number}'}, and {told} was given"
            yield "16.TX.10", Miss(message, entries)


def _fits(transaction: Transaction, event: Event, slack: timedelta) -> bool:
    here = connector_of(event) in (transaction.evse, 0)
    return here and (event.time is None or during(transaction, event.time, slack))


def _is_wrong(transaction: Transaction, start: Event, event: Event, slack: timedelta) -> bool:
    """Whether an id that is none of those given is wrong, or none where one is due."""
    number = id_of(event)
    if number is None and event.kind == VALUES:
        within = event.time is not None and during(transaction, event.time, -slack)
        stopped = transaction.stop is not None
        return within and stopped and connector_of(event) != 0 and _known_before(start, event)
    return number != UNKNOWN or _known_before(start, event)


def _known_before(start: Event, event: Event) -> bool:
    """Whether the station surely knew the transaction id when it first sent a message."""
    known = [each.answer.n for each in start.deliveries if each.outcome is Outcome.ACKNOWLEDGED and each.answer]
    return any(each < event.first.call.n for each in known)


def times(book: Ledger, transaction: Transaction) -> Found:
    """16.TX.TIME.01 and .02: times are those of the events, not of their delivery; a stop is later than its start."""
    slack = timedelta(seconds=book.circumstances.tolerance)
    for event in transaction.events:
        wrong = wrong_time(event, transaction.made, slack)
        if wrong:
            yield "16.TX.TIME.01", Miss(f"{transaction.id}: {event} {wrong}", (event.first.call,))
    start, stop = transaction.start, transaction.stop
    if start is None or stop is None or start.time is None or stop.time is None:
        return
    if stop.time < start.time - slack:
        message = f"{transaction.id}: it stopped at {_clock(stop)}, and started at {_clock(start)}"
        yield "16.TX.TIME.02", Miss(message, (start.first.call, stop.first.call))


# -- meter ------------------------------------------------------------------------------------------------------------


def metering(transaction: Transaction) -> Found:
    """16.TX.54 and 16.TX.METER.01: registers never fall, and a bill says what was reported (errata 3.78)."""
    registers: dict[tuple[str, str, str], list[tuple[Event, Reading]]] = defaultdict(list)
    for event in transaction.events:
        if event.kind == VALUES and connector_of(event) != transaction.evse:
            continue
        for reading in event.readings:
            if reading.measurand.endswith(".Register") and reading.time is not None:
                registers[reading.register].append((event, reading))
    for readings in registers.values():
        yield from falling("16.TX.54", transaction, readings)
        yield from two_values("16.TX.METER.01", transaction, readings)


# -- why it stopped ---------------------------------------------------------------------------------------------------


def reasons(book: Ledger, transaction: Transaction) -> Found:
    """16.TX.11 and .12: the reason is left out only where it is Local, which it is not after a command (6.49, 7.36)."""
    stop = transaction.stop
    if stop is None or stop.time is None or stop.payload.get("reason") not in (None, "Local"):
        return
    for why, answer in commands(book, transaction):
        after = (stop.time - answer.utc).total_seconds()
        if -book.circumstances.tolerance <= after <= book.circumstances.patience and answer.n < stop.first.call.n:
            name = "16.TX.11" if stop.payload.get("reason") is None else "16.TX.12"
            message = f"{transaction.id}: it was stopped by a command, and its reason is Local, not {why}"
            yield name, Miss(message, (answer, stop.first.call))
            return


def commands(book: Ledger, transaction: Transaction) -> Iterator[tuple[str, Entry]]:
    """The accepted commands that stop a transaction, with the reason that each gives it."""
    for exchange in book.transcript.exchanges(sender="harness", station=book.station):
        asked, answer = exchange.call.frame, exchange.answer
        if (
            answer is None
            or not isinstance(answer.frame, CallResult)
            or answer.frame.payload.get("status") != "Accepted"
        ):
            continue
        action, payload = getattr(asked, "action", ""), getattr(asked, "payload", {})
        if action == "RemoteStopTransaction" and payload.get("transactionId") in transaction.ids:
            yield "Remote", answer
        elif action == "Reset":
            yield f"{payload.get('type')}Reset", answer


def not_accepted(book: Ledger, transaction: Transaction) -> Found:
    """16.TX.33 and .34: a token that turns out invalid stops the transaction, or its energy (4.8, errata 3.17).

    With StopTransactionOnInvalidId true it stops soon, with the reason DeAuthorized; with false its register stands
    still. MaxEnergyOnInvalidId has to be 0, if there is one. A transaction that had stopped before is not judged.
    """
    answer = refusal(transaction)
    stops = None if answer is None else book.setting("stop_on_invalid", answer.utc)
    if answer is None or stops is None:
        return
    slack = timedelta(seconds=book.circumstances.tolerance)
    stop = transaction.stop
    if stop is not None and (stop.time is None or stop.time <= answer.utc + slack) and not _deauthorized(stop):
        return
    if not stops:
        yield from _still_charging(transaction, answer, slack)
    elif stop is None:
        if book.overdue(answer.at):
            yield "16.TX.33", Miss(f"{transaction.id}: its token was not accepted, and it did not stop", (answer,))
    elif not _deauthorized(stop):
        given = stop.payload.get("reason") or "Local, since none is told"
        message = f"{transaction.id}: its token was not accepted, and the reason of its stop is {given}"
        yield "16.TX.33", Miss(message, (answer, stop.first.call))


def _deauthorized(stop: Event) -> bool:
    return stop.payload.get("reason") == "DeAuthorized"


def refusal(transaction: Transaction) -> Entry | None:
    """The answer that did not accept the token with which a transaction started."""
    start = transaction.start
    for each in start.deliveries if start is not None else ():
        frame = each.answer.frame if each.answer is not None else None
        info = frame.payload.get("idTagInfo") if isinstance(frame, CallResult) else None
        if each.outcome is Outcome.ACKNOWLEDGED and isinstance(info, dict) and info.get("status") != "Accepted":
            return each.answer
    return None


def _still_charging(transaction: Transaction, answer: Entry, slack: timedelta) -> Found:
    told = [(event, each) for event in transaction.events for each in event.readings if each.is_energy]
    after = [(event, each) for event, each in told if each.time is not None and each.time > answer.utc + slack]
    if not after:
        return
    lowest = min(after, key=lambda each: each[1].value)
    highest = max(after, key=lambda each: each[1].value)
    if highest[1].value > lowest[1].value + RESOLUTION:
        what = f"its token was not accepted, and {highest[1].value - lowest[1].value:g} Wh went on flowing"
        yield "16.TX.34", Miss(f"{transaction.id}: {what}", (answer, highest[0].first.call))


def _time(event: Event) -> datetime:
    assert event.time is not None
    return event.time


def _clock(event: Event) -> str:
    return f"{_time(event):%H:%M:%S}" if event.time is not None else "an unreadable time"
