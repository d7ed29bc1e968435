"""What a station of OCPP 2.0.1 told of its transactions: read into a ledger (Part 2 E, 1.60)."""

from collections.abc import Mapping, Sequence

from conformance.oracles.transactions.ledger import Delivery, Event, Ledger, Outcome, Transaction, differences
from conformance.oracles.transactions.meter import readings
from conformance.wire.frames import Call
from conformance.wire.schemas import parse_timestamp
from conformance.wire.transcript import Exchange

VERSION = "2.0.1"
_KINDS = ("Started", "Updated", "Ended")


def read(book: Ledger, deliveries: Sequence[tuple[Exchange, Delivery]]) -> None:
    """Sort every TransactionEvent into the transaction that it names.

    A message that can't be read is left out, for it breaks the schema. An id that comes up again in another Started
    event, after an Ended one or a boot, is another transaction.
    """
    known: dict[str, list[Transaction]] = {}
    boots = 0
    booted: dict[Transaction, int] = {}
    for exchange, delivery in deliveries:
        frame = exchange.call.frame
        assert isinstance(frame, Call)
        boots += frame.action == "BootNotification"
        if frame.action != "TransactionEvent":
            continue
        event = _event(frame.payload)
        if event is None:
            continue
        id_ = str(event.inner("transactionInfo").get("transactionId"))
        same = known.setdefault(id_.casefold(), [])
        if any(_repeats(each, event, delivery) for each in reversed(same)):
            continue
        if not same or _starts_anew(same[-1], event, rebooted=boots > booted[same[-1]]):
            same.append(Transaction(id_, again=same[-1] if same else None))
            book.transactions.append(same[-1])
        event.deliveries.append(delivery)
        same[-1].events.append(event)
        booted[same[-1]] = boots
    for transaction in book.transactions:
        transaction.events.sort(key=lambda event: (event.number or 0, event.first.call.n))
        transaction.evse = next((evse for evse in map(evse_of, transaction.events) if evse is not None), None)


def evse_of(event: Event) -> int | None:
    """The EVSE that an event names."""
    return _whole(event.inner("evse").get("id"))


def _event(payload: Mapping[str, object]) -> Event | None:
    kind, number = payload.get("eventType"), _whole(payload.get("seqNo"))
    info = payload.get("transactionInfo")
    if kind not in _KINDS or number is None or not isinstance(info, Mapping) or not info.get("transactionId"):
        return None
    time = parse_timestamp(str(payload.get("timestamp")))
    values = readings(payload.get("meterValue"))
    return Event(str(kind), number, time, payload, values, numbers={number})


def _starts_anew(before: Transaction, event: Event, *, rebooted: bool) -> bool:
    return event.kind == "Started" and before.start is not None and (before.stop is not None or rebooted)


def _repeats(transaction: Transaction, event: Event, delivery: Delivery) -> bool:
    """Add a delivery to the event that it repeats, if there is one; the queued may be marked offline (E11.FR.07)."""
    alike = [each for each in transaction.events if each.number == event.number or each.time == event.time]
    changes = [(each, differences(each.payload, event.payload, ignoring=("offline",))) for each in alike]
    for known, changed in changes:
        if not changed:
            known.deliveries.append(delivery)
            return True
    for known, changed in reversed(changes):
        if _is_altered(known, event, delivery, changed):
            known.deliveries.append(delivery)
            known.numbers |= event.numbers
            known.changes.append((delivery, f"another {' and '.join(changed)}"))
            return True
    return False


def _is_altered(known: Event, event: Event, delivery: Delivery, changed: Sequence[str]) -> bool:
    """Whether an event is another one sent again, but changed: that one has not been acknowledged."""
    if known.last.outcome is Outcome.ACKNOWLEDGED or known.kind != event.kind:
        return False
    before, now = known.last.call.frame, delivery.call.frame
    if before is not None and now is not None and before.message_id == now.message_id:
        return True
    if known.number == event.number:
        return known.text("triggerReason") == event.text("triggerReason") or known.time == event.time
    return changed == ["seqNo"]


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
