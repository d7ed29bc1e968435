"""What it comes to: events and energy that got lost, and what was told twice, in words and in numbers for a table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from conformance.oracles.transactions import meter, rules_v16, rules_v201, v16, v201
from conformance.oracles.transactions.ledger import FAILURES, Ledger, Loss, Made, Outcome, Transaction

_LOSSES = {v201.VERSION: rules_v201.losses, v16.VERSION: rules_v16.losses}
_PLACES = {v201.VERSION: "EVSE", v16.VERSION: "connector"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What came of one transaction.

    * `id` is empty for one that the station never told of; `place` says where it was, "EVSE 1" for instance
    * `events`: the messages that came, each counted once; `lost`: those that never came, as far as that is known
    * `doubled`: how often a message came again although it had been acknowledged
    * `given_up`: messages that came, and that the station never saw acknowledged
    * `used`: the energy that flowed, as far as is known, and `billable`: what the messages tell of it, in kWh; None
      where it can't be told
    * `kwh_lost`: what was used and can't be billed; `kwh_doubled`: what is billed twice by whoever believes a message
      about the end that came again
    """

    id: str
    place: str
    began: datetime | None
    ended: datetime | None
    events: int
    lost: int
    doubled: int
    given_up: int
    missing: tuple[str, ...]
    used: float | None
    billable: float | None
    kwh_doubled: float = 0.0

    @property
    def kwh_lost(self) -> float | None:
        """The energy that was used and can't be billed; None where something is lost and can't be measured."""
        if self.used is None:
            return None if self.lost else 0.0
        return max(self.used - (self.billable or 0.0), 0.0)

    @property
    def name(self) -> str:
        """What it is called in a sentence."""
        return f"Transaction {self.id} on {self.place}" if self.id else f"A transaction on {self.place}"

    @property
    def words(self) -> str:
        """What was lost or doubled, in plain words; empty where nothing was."""
        told = [*self._lost_words(), *self._doubled_words()]
        return f"{self.name}: {'; '.join(told)}." if told else ""

    def _lost_words(self) -> Iterator[str]:
        if not self.id:
            yield "nothing of it was ever told"
        elif self.missing:
            yield f"{' and '.join(self.missing)} never came"
        lost = self.kwh_lost
        if lost:
            yield f"{lost:.3f} kWh can't be billed"
        elif lost is None:
            yield "how much energy that is can't be told"

    def _doubled_words(self) -> Iterator[str]:
        if self.doubled:
            yield f"{_count(self.doubled, 'message')} came again after the acknowledgement"
        if self.kwh_doubled:
            yield f"{self.kwh_doubled:.3f} kWh may be billed twice"
        if self.given_up:
            yield f"{_count(self.given_up, 'message')} came and stayed without an acknowledgement"


@dataclass(frozen=True, slots=True)
class Accounts:
    """All transactions of a ledger, and what they add up to."""

    accounts: tuple[Account, ...]

    @property
    def lost(self) -> int:
        """How many messages never came."""
        return sum(each.lost for each in self.accounts)

    @property
    def given_up(self) -> int:
        """How many messages came, were not acknowledged, and never came again."""
        return sum(each.given_up for each in self.accounts)

    @property
    def doubled(self) -> int:
        """How often a message came again although it had been acknowledged."""
        return sum(each.doubled for each in self.accounts)

    @property
    def kwh_lost(self) -> float:
        """The energy that can't be billed, at least: what can't be told is not in it."""
        return sum(each.kwh_lost or 0.0 for each in self.accounts)

    @property
    def kwh_doubled(self) -> float:
        """The energy that may be billed twice."""
        return sum(each.kwh_doubled for each in self.accounts)

    @property
    def measured(self) -> bool:
        """Whether the energy of everything that was lost is known."""
        return all(each.kwh_lost is not None for each in self.accounts)

    def row(self) -> Mapping[str, int | float | bool]:
        """The sums by name, for one row of a table."""
        return {
            "transactions": len(self.accounts),
            "events": sum(each.events for each in self.accounts),
            "lost": self.lost,
            "doubled": self.doubled,
            "given_up": self.given_up,
            "kwh_used": round(sum(each.used or 0.0 for each in self.accounts), 3),
            "kwh_lost": round(self.kwh_lost, 3),
            "kwh_doubled": round(self.kwh_doubled, 3),
            "measured": self.measured,
        }

    @property
    def words(self) -> tuple[str, ...]:
        """One sentence for each transaction of which something was lost or doubled, after one for all of them."""
        each = tuple(account.words for account in self.accounts if account.words)
        total = f"{_count(len(self.accounts), 'transaction')}: "
        if not self.lost and not self.doubled and not self.kwh_lost:
            return (f"{total}nothing lost, nothing doubled.", *each)
        least = "" if self.measured else "at least "
        lost = f"{_count(self.lost, 'message')} lost, {self.doubled} doubled"
        money = f"{least}{self.kwh_lost:.3f} kWh can't be billed, {self.kwh_doubled:.3f} kWh may be billed twice."
        return (f"{total}{lost}; {money}", *each)


def account(book: Ledger) -> Accounts:
    """What every transaction of a ledger comes to, with those that were made and never told of at the end."""
    found = [_account(book, each) for each in book.transactions if each.events]
    found += [_orphan(book, each) for each in book.loose if book.version == v16.VERSION and each.kind == v16.STOP]
    if book.overdue_at_the_end():
        found += [_forgotten(book, each) for each in book.forgotten]
    return Accounts(tuple(found))


def _account(book: Ledger, transaction: Transaction) -> Account:
    losses = list(_LOSSES[book.version](book, transaction))
    billable, used = _billable(transaction), _used(book, transaction, losses)
    stops = transaction.of_kind("Ended", v16.STOP)
    ends_again = max(len(stops) - 1, 0) + sum(len(each.doubles) for each in stops)
    return Account(
        id=transaction.id,
        place=_place(book, transaction.evse),
        began=transaction.began,
        ended=transaction.ended,
        events=len(transaction.events),
        lost=sum(each.count for each in losses),
        doubled=sum(len(each.doubles) for each in transaction.events),
        given_up=_given_up(book, transaction),
        missing=tuple(each.what for each in losses),
        used=used,
        billable=billable,
        kwh_doubled=(billable or 0.0) * ends_again,
    )


def _given_up(book: Ledger, transaction: Transaction) -> int:
    failed = (*FAILURES, Outcome.CUT)
    left = [each for each in transaction.events if not each.answered and each.last.outcome in failed]
    return sum(book.overdue(each.last.settled, each) for each in left)


def _register(transaction: Transaction) -> list[float]:
    """The readings of the energy register, in Wh and in the order of their times, those of the begin first."""
    told = [each for event in transaction.events for each in event.readings]
    ordered = meter.energy(told)
    first = [each for each in ordered if each.context == meter.BEGIN]
    return [each.value for each in (*first[:1], *(other for other in ordered if other is not next(iter(first), None)))]


def _billable(transaction: Transaction) -> float | None:
    """What a bill can be made of, in kWh: from the begin that was told to the last reading that was."""
    shown = _register(transaction)
    return max(shown[-1] - shown[0], 0.0) / 1000 if len(shown) > 1 else None


def _used(book: Ledger, transaction: Transaction, losses: list[Loss]) -> float | None:
    """What was used, in kWh, as the meter and the neighbours on the EVSE show it."""
    shown = _register(transaction)
    made = transaction.made or Made(evse=0, since=transaction.calls[0])
    missing = {each.what for each in losses}
    told = [each for each in book.on_evse(transaction.evse) if transaction.evse is not None]
    place = told.index(transaction) if transaction in told else 0
    begin = made.register if made.register is not None else next(iter(shown), None)
    if made.register is None and "its begin" in missing and place:
        begin = next((each[-1] for each in [_register(told[place - 1])] if each), begin)
    ends = [made.register_until, *shown]
    if made.register_until is None and "its end" in missing and place + 1 < len(told):
        ends += _register(told[place + 1])[:1]
    known = [each for each in ends if each is not None]
    if begin is None or not known or (len(known) == 1 and known[0] == begin):
        return None
    return max(max(known) - begin, 0.0) / 1000


def _orphan(book: Ledger, stop: object) -> Account:
    event = next(each for each in book.loose if each is stop)
    shown = [each.value for each in meter.energy(event.readings)]
    billable = (shown[-1] - shown[0]) / 1000 if len(shown) > 1 else None
    return Account(
        id=str(v16.id_of(event)),
        place="an unknown connector",
        began=None,
        ended=event.time,
        events=1,
        lost=1,
        doubled=len(event.doubles),
        given_up=0,
        missing=("its begin",),
        used=billable,
        billable=billable,
    )


def _forgotten(book: Ledger, made: Made) -> Account:
    known = made.register is not None and made.register_until is not None
    used = (made.register_until or 0.0) - (made.register or 0.0) if known else None
    return Account(
        id="",
        place=_place(book, made.evse),
        began=made.since.utc,
        ended=None if made.until is None else made.until.utc,
        events=0,
        lost=2,
        doubled=0,
        given_up=0,
        missing=("its begin", "its end"),
        used=None if used is None else used / 1000,
        billable=None,
    )


def _place(book: Ledger, evse: int | None) -> str:
    return f"{_PLACES[book.version]} {evse}" if evse is not None else f"an unknown {_PLACES[book.version]}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
