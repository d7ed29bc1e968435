"""What a station of OCPP 1.6 told of its transactions: read into a ledger (1.6 3.7, 4.7, 4.8, 4.10, errata 3.16, 3.18).

Its messages bear no numbers, and a transaction gets its id in the answer to its first one. So a message belongs to the
transaction with its id; where the id is none that was given, to the one that it fits by connector, time and meter.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from conformance.oracles.transactions import meter
from conformance.oracles.transactions.ledger import Delivery, Event, Ledger, Outcome, Transaction, differences
from conformance.oracles.transactions.meter import ENERGY, RESOLUTION, Reading, readings
from conformance.wire.frames import Call, CallResult
from conformance.wire.schemas import parse_timestamp
from conformance.wire.transcript import Exchange

VERSION = "1.6"
START, VALUES, STOP = "StartTransaction", "MeterValues", "StopTransaction"
_BEGINS = frozenset({"driver: plug_in", "driver: present_id_token"})
"""Notes of what a driver does who wants to charge."""
UNKNOWN = -1
"""The transaction id of messages about a transaction that never got one (errata 3.18)."""


def read(book: Ledger, deliveries: Sequence[tuple[Exchange, Delivery]]) -> None:
    """Sort every StartTransaction, MeterValues and StopTransaction into transactions, early ones once all are known."""
    seen: dict[str, list[Event]] = {START: [], VALUES: [], STOP: []}
    for exchange, delivery in deliveries:
        frame = exchange.call.frame
        assert isinstance(frame, Call)
        if frame.action not in seen:
            continue
        event = _event(frame.action, frame.payload)
        known = seen[frame.action]
        if not _repeats_one(book, known, event, delivery):
            event.deliveries.append(delivery)
            known.append(event)
            _sort_in(book, event, guess=event.kind == STOP)
        _note_id(book, delivery)
    early, book.loose = book.loose, []
    for event in early:
        _sort_in(book, event, guess=True)
    for transaction in book.transactions:
        transaction.events.sort(key=lambda event: event.first.call.n)


def id_of(event: Event) -> int | None:
    """The transaction id that a message bears."""
    return _whole(event.payload.get("transactionId"))


def connector_of(event: Event) -> int | None:
    """The connector that a message names."""
    return _whole(event.payload.get("connectorId"))


def given(delivery: Delivery) -> int | None:
    """The transaction id in an answer that may have arrived."""
    frame = delivery.answer.frame if delivery.answer is not None else None
    if not isinstance(frame, CallResult) or delivery.outcome in (Outcome.CUT, Outcome.UNANSWERED):
        return None
    return _whole(frame.payload.get("transactionId"))


def during(transaction: Transaction, time: datetime, slack: timedelta) -> bool:
    """Whether a transaction ran at a time, as far as its messages tell."""
    start, stop = transaction.start, transaction.stop
    if start is None or start.time is None or time < start.time - slack:
        return False
    return stop is None or stop.time is None or time <= stop.time + slack


def _event(action: str, payload: Mapping[str, object]) -> Event:
    time = parse_timestamp(str(payload.get("timestamp")))
    found: list[Reading] = []
    if action == START:
        found = _register(payload.get("meterStart"), meter.BEGIN, time)
    elif action == STOP:
        found = [*_register(payload.get("meterStop"), meter.END, time), *readings(payload.get("transactionData"))]
    else:
        found = readings(payload.get("meterValue"))
        time = max((each.time for each in found if each.time is not None), default=None)
    return Event(action, None, time, payload, found)


def _register(value: object, context: str, time: datetime | None) -> list[Reading]:
    number = _whole(value)
    return [] if number is None else [Reading(ENERGY, "", "Outlet", context, time, float(number))]


def _repeats_one(book: Ledger, seen: Sequence[Event], event: Event, delivery: Delivery) -> bool:
    """Add a delivery to the message that it repeats, if there is one: an equal one, else one that it may be altered."""
    for known in reversed(seen):
        if known.time == event.time and not differences(known.payload, event.payload):
            if _asked_anew(book, known, event, delivery):
                return False
            known.deliveries.append(delivery)
            return True
    for known in reversed(seen):
        if _is_altered(book, known, event, delivery):
            changed = differences(known.payload, event.payload)
            known.deliveries.append(delivery)
            known.changes.append((delivery, f"another {' and '.join(changed)}"))
            return True
    return False


def _is_altered(book: Ledger, known: Event, event: Event, delivery: Delivery) -> bool:
    """Whether a message is another one sent again, but changed: that one has not been acknowledged."""
    if known.last.outcome is Outcome.ACKNOWLEDGED:
        return False
    before, now = known.last.call.frame, delivery.call.frame
    same_id = before is not None and now is not None and before.message_id == now.message_id
    if event.kind == STOP:
        same = id_of(known) == id_of(event)
        return same and (same_id or id_of(event) != UNKNOWN or known.time == event.time)
    if connector_of(known) != connector_of(event):
        return False
    if event.kind == VALUES:
        return same_id and known.time == event.time
    stopped = any(each.stop is not None for each in book.transactions if known in each.events)
    if stopped or (not same_id and _begun_anew(book, known, delivery)) or known.text("idTag") != event.text("idTag"):
        return False
    same_meter = known.payload.get("meterStart") == event.payload.get("meterStart")
    return same_id or known.time == event.time or (same_meter and not known.answered)


def _asked_anew(book: Ledger, known: Event, event: Event, delivery: Delivery) -> bool:
    """Whether meter values were told, and asked for once more at the same moment: another reading, and the same."""
    return (
        event.kind == VALUES
        and known.last.outcome is Outcome.ACKNOWLEDGED
        and any(
            each.sender == "harness"
            and isinstance(each.frame, Call)
            and each.frame.action in ("TriggerMessage", "ExtendedTriggerMessage")
            and each.frame.payload.get("requestedMessage") == VALUES
            for each in book.transcript.entries[known.last.call.n + 1 : delivery.call.n]
        )
    )


def _begun_anew(book: Ledger, known: Event, delivery: Delivery) -> bool:
    """Whether somebody wanted another transaction since a start was told last: it may be lost, and this one new."""
    return any(
        each.detail.get("text") in _BEGINS
        or (each.sender == "harness" and isinstance(each.frame, Call) and each.frame.action == "RemoteStartTransaction")
        for each in book.transcript.entries[known.last.call.n + 1 : delivery.call.n]
    )


def _note_id(book: Ledger, delivery: Delivery) -> None:
    """Note the id that the answer to a StartTransaction gives."""
    number = given(delivery)
    frame = delivery.call.frame
    if number is None or not isinstance(frame, Call) or frame.action != START:
        return
    for transaction in book.transactions:
        start = transaction.start
        if start is not None and delivery in start.deliveries:
            transaction.ids.append(number)
            transaction.id = str(number)


def _sort_in(book: Ledger, event: Event, *, guess: bool) -> None:
    """Put a message where it belongs by its id; where it has none that was given, where it fits."""
    if event.kind == START:
        name = f"connector {connector_of(event)}, #{event.first.call.n}"
        book.transactions.append(Transaction(name, connector_of(event), [event]))
        return
    found = _with_id(book, event) or (_fitting(book, event) if guess else None)
    if found is None:
        book.loose.append(event)
    else:
        found.events.append(event)


def _with_id(book: Ledger, event: Event) -> Transaction | None:
    number = id_of(event)
    return next((each for each in reversed(book.transactions) if number in each.ids), None)


def _fitting(book: Ledger, event: Event) -> Transaction | None:
    """The transaction that a message with no id, or a wrong one, must mean."""
    slack = timedelta(seconds=book.circumstances.tolerance)
    if event.time is None:
        return None
    if event.kind == VALUES:
        on_it = [each for each in reversed(book.transactions) if each.evse == connector_of(event)]
        return next((each for each in on_it if during(each, event.time, slack)), None)
    running = [each for each in book.transactions if each.stop is None and during(each, event.time, slack)]
    at_end = next((each.value for each in event.readings if each.context == meter.END), 0.0)
    fitting = [each for each in running if _begin(each) <= at_end + RESOLUTION]
    fitting.sort(key=lambda each: bool(each.ids) is (id_of(event) == UNKNOWN))
    return next(iter(fitting), None)


def _begin(transaction: Transaction) -> float:
    start = transaction.start
    return start.readings[0].value if start is not None and start.readings else 0.0


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
