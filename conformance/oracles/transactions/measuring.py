"""The meter in the transactions of OCPP 2.0.1: registers never fall, and the bill says what was reported (J02)."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from conformance.oracles.transactions import meter
from conformance.oracles.transactions.delivering import Found
from conformance.oracles.transactions.ledger import Event, Ledger, Transaction
from conformance.oracles.transactions.meter import RESOLUTION, Reading
from conformance.oracles.wire import Miss
from conformance.wire.transcript import Entry


def measuring(book: Ledger, transaction: Transaction) -> Found:
    """J02.FR.16 and .17, TX.METER.01, E01.FR.09 and E06.FR.11."""
    told = [(each, reading) for each in transaction.events for reading in each.readings]
    registers: dict[tuple[str, str, str], list[tuple[Event, Reading]]] = defaultdict(list)
    for event, reading in told:
        if reading.measurand.endswith(".Register") and reading.time is not None:
            registers[reading.register].append((event, reading))
    for readings in registers.values():
        yield from falling("J02.FR.16", transaction, readings)
        yield from two_values("TX.METER.01", transaction, readings)
    yield from _rebased(book, transaction)
    yield from _contexts(book, transaction)


def falling(name: str, transaction: Transaction, readings: list[tuple[Event, Reading]]) -> Found:
    """A register that shows less than before, in the order of the times of the readings (J02.FR.16, 16.TX.54)."""
    highest: tuple[Event, Reading] | None = None
    for event, reading in sorted(readings, key=lambda each: _time(each[1])):
        if highest is not None and reading.value < highest[1].value - RESOLUTION and highest[1].time != reading.time:
            what = f"{reading.measurand} fell from {highest[1].value:g} to {reading.value:g} Wh"
            yield name, Miss(f"{transaction.id}: {what}", _both(highest[0], event))
            return
        if highest is None or reading.value > highest[1].value:
            highest = event, reading


def two_values(name: str, transaction: Transaction, readings: list[tuple[Event, Reading]]) -> Found:
    """A register that shows two things at one time, or at the begin, in the reports and in the bill."""
    for (event, reading), (other, again) in _pairs(readings):
        if abs(reading.value - again.value) > RESOLUTION:
            when = "at the begin" if reading.context == meter.BEGIN else f"at {_time(reading):%H:%M:%S}"
            what = f"{reading.measurand} {when} is {reading.value:g} Wh, and in {other} {again.value:g} Wh"
            yield name, Miss(f"{transaction.id}: {what}", _both(event, other))
            return


def _pairs(readings: list[tuple[Event, Reading]]) -> Iterator[tuple[tuple[Event, Reading], tuple[Event, Reading]]]:
    """Readings of one register that have to be the same, from two messages.

    With times in whole seconds a periodic reading and that of the end may bear the same, and differ.
    """
    first: dict[object, tuple[Event, Reading]] = {}
    for each in readings:
        keys: list[object] = [(each[1].time, each[1].context)]
        if each[1].context == meter.BEGIN:
            keys.append(meter.BEGIN)
        for key in keys:
            known = first.setdefault(key, each)
            if known[0] is not each[0]:
                yield known, each


def _rebased(book: Ledger, transaction: Transaction) -> Found:
    """J02.FR.17: the register of an EVSE goes on from one transaction to the next."""
    if transaction.evse is None or transaction.earlier:
        return
    before = [each for each in book.on_evse(transaction.evse) if _is_before(each, transaction)]
    last = energy_of(before[-1]) if before else []
    now = energy_of(transaction)
    if last and now and now[0][1].value < last[-1][1].value - RESOLUTION:
        what = f"the register was at {last[-1][1].value:g} Wh before, and begins at {now[0][1].value:g} Wh"
        yield "J02.FR.17", Miss(f"{transaction.id}: {what}", _both(last[-1][0], now[0][0]))


def _is_before(one: Transaction, other: Transaction) -> bool:
    """Whether one transaction ended, as far as is known, before another began."""
    times = [each.time for each in one.events if each.time is not None]
    return one is not other and bool(times) and other.began is not None and max(times) <= other.began


def energy_of(transaction: Transaction) -> list[tuple[Event, Reading]]:
    """Every reading of the energy register in a transaction, in the order of their times."""
    found = [(event, each) for event in transaction.events for each in event.readings if each.is_energy]
    return sorted((each for each in found if each[1].time is not None), key=lambda each: _time(each[1]))


def _contexts(book: Ledger, transaction: Transaction) -> Found:
    """E01.FR.09 and E06.FR.11: readings of the begin in the first message, of the end in the last.

    Where the EVSE is not known at the begin, those of the begin may come later (E01.FR.17).
    """
    start, stop = transaction.start, transaction.stop
    if start is not None and ("id" in start.inner("evse") or start.readings):
        others = [each for each in start.readings if each.context == meter.BEGIN]
        due = _is_set(book, "started_measured", transaction) or bool(start.readings)
        if due and not others:
            message = f"{transaction.id}: Started holds no reading of the context {meter.BEGIN}"
            yield "E01.FR.09", Miss(message, (start.first.call,))
    if stop is not None:
        sampled = [each for each in stop.readings if each.context != meter.CLOCK]
        due = _is_set(book, "ended_measured", transaction) or bool(sampled)
        if due and not any(each.context == meter.END for each in stop.readings):
            message = f"{transaction.id}: Ended holds no reading of the context {meter.END}"
            yield "E06.FR.11", Miss(message, (stop.first.call,))


def _is_set(book: Ledger, name: str, transaction: Transaction) -> bool:
    """Whether meter values were set for a message, all the time that the transaction ran."""
    began, ended = transaction.began, transaction.ended
    return began is not None and bool(book.set_between(name, began, ended))


def _both(one: Event, other: Event) -> tuple[Entry, ...]:
    return (one.first.call,) if one is other else (one.first.call, other.first.call)


def _time(reading: Reading) -> datetime:
    assert reading.time is not None
    return reading.time
