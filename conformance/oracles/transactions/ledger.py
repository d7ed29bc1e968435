"""What a station told of its transactions, message by message: as made, and as delivered."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any

from conformance.oracles.transactions.links import Connection, Links, links
from conformance.oracles.transactions.meter import Reading
from conformance.oracles.transactions.settings import Settings, settings
from conformance.wire.frames import Call, CallResult
from conformance.wire.schemas import parse_timestamp
from conformance.wire.transcript import Entry, Exchange, Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A transaction that the case made at the station, whatever went over the wire.

    `evse` is the EVSE (1.6: the connector). `since` is an entry before its first event, the driver's note for instance,
    `until` one after its last, None where it still runs. `register` and `register_until` are what the meter showed at
    its begin and end, in Wh, where that is known.
    """

    evse: int
    since: Entry
    until: Entry | None = None
    register: float | None = None
    register_until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the transcript does not tell: what was done to the station, how it is set, and how exact times are.

    Where a setting is None, it is what the transcript tells of it, and what depends on one that is not known is not
    judged.

    * `attempts` and `interval`: MessageAttempts and MessageAttemptInterval for TransactionEvent; in 1.6
      TransactionMessageAttempts and TransactionMessageRetryInterval, in seconds
    * `message_timeout`: after how many seconds the station gives up waiting for an answer
    * `room`: how many messages about transactions the station says it can keep while offline; with less to keep,
      running low on memory is no excuse. None: it never is
    * `sample_interval`: SampledDataCtrlr.TxUpdatedInterval or MeterValueSampleInterval, in seconds
    * `started_measured` and `ended_measured`: whether meter values are set for the first and the last message
    * `stop_on_invalid`: StopTransactionOnInvalidId (1.6)
    * `made`: transactions that are known to have been made in the session
    * `over`: whether, as the case saw to, all of them have ended
    * `idle_at_first`: whether no transaction ran when the session began
    * `tolerance`: by how many seconds a time may be off: clocks, and how long a break takes to be noticed
    * `patience`: how many seconds a station may take for what it could do at once
    """

    attempts: int | None = None
    interval: float | None = None
    message_timeout: float | None = None
    room: int | None = None
    sample_interval: float | None = None
    started_measured: bool | None = None
    ended_measured: bool | None = None
    stop_on_invalid: bool | None = None
    made: Sequence[Made] = ()
    over: bool = False
    idle_at_first: bool = True
    tolerance: float = 2.0
    patience: float = 30.0


class Outcome(StrEnum):
    """What became of one delivery, for all that the station can know."""

    ACKNOWLEDGED = "acknowledged"
    """It was answered in time, and the station went on."""
    UNCERTAIN = "answered"
    """It was answered; whether that arrived is not known."""
    LATE = "answered late"
    """It was answered after the station's time-out, or so late that this can't be told."""
    REFUSED = "refused"
    """It was answered with a CALLERROR, or with what is no answer."""
    UNANSWERED = "not answered"
    """No answer came on a connection that stayed."""
    CUT = "cut off"
    """No answer came before the connection went."""


FAILURES = frozenset({Outcome.REFUSED, Outcome.UNANSWERED})
"""The outcomes that count as a failure to process a message (Part 2 E13; 1.6 3.7.1)."""

_ANSWERS = frozenset({Outcome.ACKNOWLEDGED, Outcome.UNCERTAIN, Outcome.LATE})

AT_ONCE = 5.0
"""An answer within so many seconds is in time where the time-out of the station is not known."""

_SIGN_OF_LIFE = 1.0
"""What a station sends so many seconds after an answer shows that the connection was still good."""


@dataclass(frozen=True, slots=True, eq=False)
class Delivery:
    """One time that a message came. `settled` is when the station knew what became of it, in monotonic seconds."""

    call: Entry
    answer: Entry | None
    outcome: Outcome
    settled: float

    @property
    def payload(self) -> Mapping[str, Any]:
        """What it said."""
        frame = self.call.frame
        return frame.payload if isinstance(frame, Call) else {}

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The message, and its answer if there is one."""
        return (self.call,) if self.answer is None else (self.call, self.answer)


@dataclass(slots=True, eq=False)
class Event:
    """One message about a transaction: what it says, and every time that it came.

    `kind` is the eventType, in 1.6 the action. `number` is its seqNo, None in 1.6. `time` is the station's own, None
    where it can't be read. `changes` are deliveries that differ from the first, and how.
    """

    kind: str
    number: int | None
    time: datetime | None
    payload: Mapping[str, Any]
    readings: Sequence[Reading]
    deliveries: list[Delivery] = field(default_factory=list)
    changes: list[tuple[Delivery, str]] = field(default_factory=list)
    numbers: set[int] = field(default_factory=set)

    @property
    def first(self) -> Delivery:
        """When it first came."""
        return self.deliveries[0]

    @property
    def last(self) -> Delivery:
        """When it last came."""
        return self.deliveries[-1]

    @property
    def acknowledged(self) -> bool:
        """Whether the station knows for sure that it arrived."""
        return any(each.outcome is Outcome.ACKNOWLEDGED for each in self.deliveries)

    @property
    def answered(self) -> bool:
        """Whether it was ever answered with a result that may have arrived."""
        return any(each.outcome in _ANSWERS for each in self.deliveries)

    @property
    def doubles(self) -> list[tuple[Delivery, Delivery]]:
        """Each delivery that came although the one before it had been acknowledged, after that one."""
        pairs = zip(self.deliveries, self.deliveries[1:], strict=False)
        return [(one, other) for one, other in pairs if one.outcome is Outcome.ACKNOWLEDGED]

    def text(self, name: str) -> str:
        """A field of the message that is a string; empty where it isn't."""
        value = self.payload.get(name)
        return value if isinstance(value, str) else ""

    def inner(self, name: str) -> Mapping[str, Any]:
        """A field of the message that is an object; empty where it isn't."""
        value = self.payload.get(name)
        return value if isinstance(value, Mapping) else {}

    def __str__(self) -> str:
        return self.kind if self.number is None else f"{self.kind} (seqNo {self.number})"


@dataclass(slots=True, eq=False)
class Transaction:
    """All that was told of one transaction. In 1.6 `ids` are the transaction ids that it was given.

    `events` are in the order of their numbers, in 1.6 in that of their coming. `earlier` says that it may have begun
    before the session, `again` which one had its id before, and `made` what the case knows of it.
    """

    id: str
    evse: int | None = None
    events: list[Event] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    earlier: bool = False
    again: "Transaction | None" = None
    made: Made | None = None

    def of_kind(self, *kinds: str) -> list[Event]:
        """Its events of these kinds, in their order."""
        return [each for each in self.events if each.kind in kinds]

    @property
    def start(self) -> Event | None:
        """The event with which it began, None where that never came."""
        return next(iter(self.of_kind(*STARTS)), None)

    @property
    def stop(self) -> Event | None:
        """The event with which it ended, None where that never came."""
        return next(iter(self.of_kind(*STOPS)), None)

    @property
    def calls(self) -> list[Entry]:
        """The first coming of each event, in the order of their coming."""
        return sorted((each.first.call for each in self.events), key=lambda entry: entry.n)

    @property
    def began(self) -> datetime | None:
        """The earliest time that any of its events tells."""
        return min((each.time for each in self.events if each.time is not None), default=None)

    @property
    def ended(self) -> datetime | None:
        """The time of its last event, None where that never came."""
        return None if self.stop is None else self.stop.time


@dataclass(frozen=True, slots=True)
class Loss:
    """Messages that never came: how many, what they told, the requirement, and the entries that show it.

    `allowed` says that a station may drop them, for want of memory.
    """

    requirement: str
    message: str
    entries: tuple[Entry, ...]
    what: str
    count: int = 1
    allowed: bool = False


STARTS = ("Started", "StartTransaction")
STOPS = ("Ended", "StopTransaction")


@dataclass(eq=False)
class Ledger:
    """All transactions of one station in one version, by a session so far. `now` is the monotonic time of the reading.

    `loose` are messages that belong to no transaction that is known: meter values in between, or a StopTransaction of
    1.6 with an id that nobody gave.
    """

    transcript: Transcript
    station: str
    version: str
    links: Links
    settings: Settings
    circumstances: Circumstances
    now: float
    transactions: list[Transaction] = field(default_factory=list)
    loose: list[Event] = field(default_factory=list)

    @cached_property
    def events(self) -> list[Event]:
        """Every message about a transaction, in the order of their first coming."""
        found = [event for each in self.transactions for event in each.events]
        return sorted([*found, *self.loose], key=lambda event: event.first.call.n)

    @property
    def forgotten(self) -> list[Made]:
        """The transactions that the case made and that the station never told of."""
        told = [each.made for each in self.transactions]
        return [each for each in self.circumstances.made if not any(each is made for made in told)]

    def on_evse(self, evse: int | None) -> list[Transaction]:
        """The transactions of one EVSE, in the order in which they began."""
        found = [each for each in self.transactions if each.evse == evse and each.events]
        return sorted(found, key=_order)

    def setting(self, name: str, began: datetime, ended: datetime | None = None) -> float | None:
        """What a setting was, by its name in `Circumstances`, all the time from one time to another."""
        given: float | None = getattr(self.circumstances, name)
        return self.settings.through(name, began, ended or began) if given is None else given

    def set_between(self, name: str, began: datetime, ended: datetime | None) -> float | None:
        """The same between two times of the station's clock, which is not that of the settings."""
        slack = timedelta(seconds=self.circumstances.tolerance)
        last = began if ended is None else ended
        first = min(began + slack, last)
        return self.setting(name, first, max(last - slack, first))

    def overdue(self, since: float, event: Event | None = None) -> bool:
        """Whether the station had the time to send what was due at `since`, and was free to.

        It is not free while a message that was made before `event` is under way, or any other waits for its next
        attempt; where no event is given, any message keeps it busy.
        """
        busy = [span for each in self.events if each is not event for span in self._busy(each, event)]
        return self.links.had_time(since, self.now, self.circumstances.patience, busy)

    def overdue_at_the_end(self) -> bool:
        """Whether nothing more is to be expected now: it has had its time since it was last connected."""
        last = self.links.last
        return last is not None and last.closed is None and self.overdue(last.opened.at)

    def _busy(self, other: Event, event: Event | None) -> list[tuple[float, float]]:
        before = event is None or event.time is None or (other.time is not None and other.time < event.time)
        found = []
        for number, each in enumerate(other.deliveries, start=1):
            if each.outcome in FAILURES:
                more = number < (self.setting("attempts", each.call.utc) or number)
                again = other.deliveries[number].call.at if number < len(other.deliveries) else None
                wait = (self.setting("interval", each.call.utc) or 0.0) * number if more else 0.0
                found.append((each.call.at, each.settled + wait if again is None else again))
            elif before:
                found.append((each.call.at, each.settled))
        return found


def _order(transaction: Transaction) -> tuple[float, int]:
    began = transaction.began
    return (0.0 if began is None else began.timestamp(), transaction.events[0].first.call.n)


Reader = Callable[[Ledger, Sequence[tuple[Exchange, Delivery]]], None]


def fill(  # noqa: PLR0913 -- what a ledger is of, one by one
    transcript: Transcript, station: str, version: str, circumstances: Circumstances, now: float, reader: Reader
) -> Ledger:
    """Read a ledger: `reader` sorts the deliveries of this version into transactions."""
    found = links(transcript, station, tolerance=circumstances.tolerance)
    book = Ledger(transcript, station, version, found, settings(transcript, station), circumstances, now)
    reader(book, _deliveries(book))
    _leave_out_wrong_times(book)
    for each in book.transactions:
        each.earlier = each.earlier or _from_before(book, each)
    _match(book)
    return book


def _from_before(book: Ledger, transaction: Transaction) -> bool:
    """Whether a transaction may have begun before the session, or surely did."""
    first, began = book.links.began, transaction.began
    if not book.circumstances.idle_at_first and transaction.start is None:
        return True
    return first is not None and began is not None and began < first and transaction.start is None


def _deliveries(book: Ledger) -> list[tuple[Exchange, Delivery]]:
    """Every call of the station on a connection of this version, with what became of it."""
    calls: dict[int | None, int] = {}
    signs: dict[int | None, float] = {}
    for entry in book.transcript.entries:
        if entry.sender == "sut" and entry.station == book.station and entry.kind in ("frame", "ping", "pong"):
            signs[entry.link] = entry.at
            if isinstance(entry.frame, Call):
                calls[entry.link] = entry.n
    found = []
    for exchange in book.transcript.exchanges(sender="sut", station=book.station):
        connection = book.links.of(exchange.call)
        if connection is None or connection.version != book.version or not isinstance(exchange.call.frame, Call):
            continue
        link = exchange.call.link
        found.append((exchange, _delivery(book, exchange, connection, calls.get(link, -1), signs.get(link, 0.0))))
    return found


def _delivery(book: Ledger, exchange: Exchange, connection: Connection, last_call: int, last_sign: float) -> Delivery:
    call, answer = exchange.call, exchange.answer
    timeout = book.setting("message_timeout", call.utc)
    if answer is None or answer.detail.get("dropped"):
        gone = connection.closed
        cut = gone is not None and last_call <= call.n and (timeout is None or gone.at - call.at < timeout)
        if cut and gone is not None:
            return Delivery(call, answer, Outcome.CUT, gone.at)
        return Delivery(call, answer, Outcome.UNANSWERED, call.at + (timeout or 0.0))
    if not isinstance(answer.frame, CallResult):
        return Delivery(call, answer, Outcome.REFUSED, answer.at)
    if answer.at - call.at >= (AT_ONCE if timeout is None else timeout):
        outcome = Outcome.LATE
    elif not answer.problems and (last_call > answer.n or last_sign >= answer.at + _SIGN_OF_LIFE):
        outcome = Outcome.ACKNOWLEDGED
    else:
        outcome = Outcome.UNCERTAIN
    return Delivery(call, answer, outcome, answer.at)


def _leave_out_wrong_times(book: Ledger) -> None:
    """Leave out the times of a transaction that may have run while the station's clock was wrong by our doing."""
    for wrong, right in _told_wrong(book):
        for transaction in book.transactions:
            if all(each.last.call.n < wrong.n or _made_since(book, each, right) for each in transaction.events):
                continue
            for event in transaction.events:
                event.time = None
                event.readings = [replace(each, time=None) for each in event.readings]


def _made_since(book: Ledger, event: Event, right: Entry | None) -> bool:
    """Whether an event was made, by its own time, between the right time being told and its coming."""
    slack = timedelta(seconds=book.circumstances.tolerance)
    if right is None or event.time is None:
        return False
    return right.utc - slack <= event.time <= event.first.call.utc + slack


def _told_wrong(book: Ledger) -> list[tuple[Entry, Entry | None]]:
    """Every answer that told the station a wrong time, with the next that told it the right one."""
    slack = timedelta(seconds=max(book.circumstances.tolerance, _SIGN_OF_LIFE))
    found: list[tuple[Entry, Entry | None]] = []
    for exchange in book.transcript.exchanges(sender="sut", station=book.station):
        answer = exchange.answer
        frame = answer.frame if answer is not None else None
        if answer is None or not isinstance(frame, CallResult) or not isinstance(frame.payload.get("currentTime"), str):
            continue
        told = parse_timestamp(frame.payload["currentTime"])
        if told is None:
            continue
        if abs(told - answer.utc) > slack:
            if not found or found[-1][1] is not None:
                found.append((answer, None))
        elif found and found[-1][1] is None:
            found[-1] = (found[-1][0], answer)
    return found


def _match(book: Ledger) -> None:
    """Say of each transaction which of those made by the case it is: by EVSE, then by order or by time."""
    made: dict[int, list[Made]] = {}
    for each in book.circumstances.made:
        made.setdefault(each.evse, []).append(each)
    for evse, expected in made.items():
        told = [each for each in book.on_evse(evse) if not each.earlier]
        if len(told) == len(expected):
            for transaction, each in zip(told, expected, strict=True):
                transaction.made = each
            continue
        for each in expected:
            fitting = (other for other in told if other.made is None and _overlap(other, each, book.circumstances))
            found = next(fitting, None)
            if found is not None:
                found.made = each


def _overlap(transaction: Transaction, made: Made, circumstances: Circumstances) -> bool:
    times = [each.time.timestamp() for each in transaction.events if each.time is not None]
    slack = circumstances.tolerance
    until = float("inf") if made.until is None else made.until.utc.timestamp() + slack
    return bool(times) and min(times) <= until and max(times) >= made.since.utc.timestamp() - slack


def differences(first: Mapping[str, Any], other: Mapping[str, Any], *, ignoring: Iterable[str] = ()) -> list[str]:
    """The names of the fields in which two messages differ."""
    names = dict.fromkeys([*first, *other])
    left_out = {"customData", *ignoring}
    return [name for name in names if name not in left_out and first.get(name) != other.get(name)]
