"""When a station was online, as the harness saw it, and where that is not sure (Part 2, terminology: Offline).

Two clocks are at work. What a station writes into a message is compared with the UTC of entries, with a tolerance;
how long something took is told by their monotonic seconds.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from conformance.wire.frames import Call, CallResult
from conformance.wire.transcript import Entry, Transcript

_LAST = datetime.max.replace(tzinfo=UTC)
_NEVER = float("inf")
_OUT_OF_REACH = frozenset({"driver: power_off", "driver: cut_network"})
_AFTER_A_STALL = 10.0
"""A connection that ends within so many seconds of a stall is taken to have ended by it."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection of a station.

    `ready` is from when messages about transactions may be sent on it: since it was opened, or since the boot on it was
    accepted, None where that never came. `closed` is None while it is open.
    """

    link: int | None
    version: str
    opened: Entry
    ready: Entry | None
    closed: Entry | None


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, in both clocks."""

    begin: datetime
    end: datetime
    began: float
    ended: float

    def overlaps(self, began: float, ended: float) -> bool:
        """Whether any of it lies between two monotonic times."""
        return self.began <= ended and began <= self.ended


@dataclass(frozen=True, slots=True)
class Links:
    """All connections of one station, in their order.

    `unsure` are the stretches in which a station may have taken itself for online or offline: the network was a black
    hole, or the harness gave up a connection that the station may have thought good. `stalls` are the black holes.
    """

    connections: tuple[Connection, ...]
    unsure: tuple[Span, ...]
    stalls: tuple[Span, ...]
    tolerance: float
    _by_link: dict[int | None, Connection] = field(default_factory=dict)

    def of(self, entry: Entry) -> Connection | None:
        """The connection that an entry belongs to."""
        return self._by_link.get(entry.link)

    @property
    def began(self) -> datetime | None:
        """When the first connection was opened."""
        return self.connections[0].opened.utc if self.connections else None

    @property
    def last(self) -> Connection | None:
        """The newest connection."""
        return self.connections[-1] if self.connections else None

    @property
    def outages(self) -> list[tuple[datetime, datetime]]:
        """From when to when there was no connection, between two of them."""
        pairs = pairwise(self.connections)
        return [(_end(one), other.opened.utc) for one, other in pairs if _end(one) < other.opened.utc]

    def online(self, time: datetime) -> Connection | None:
        """The connection that was open at a time of the station's clock, None where that is not sure."""
        if self._is_unsure(time):
            return None
        slack = timedelta(seconds=self.tolerance)
        for each in self.connections:
            ready = each.ready
            if ready is not None and ready.utc + slack < time < _minus(_end(each), slack):
                return each
        return None

    def offline(self, time: datetime) -> bool:
        """Whether a time of the station's clock lies surely between two connections."""
        if self._is_unsure(time) or not self.connections:
            return False
        slack = timedelta(seconds=self.tolerance)
        if not self.connections[0].opened.utc < time < self.connections[-1].opened.utc:
            return False
        return not any(each.opened.utc - slack <= time <= _plus(_end(each), slack) for each in self.connections)

    def broken(self, begin: datetime | None, end: datetime | None) -> bool:
        """Whether the station may have been offline for any while from one time to another."""
        if begin is None or end is None:
            return False
        slack = timedelta(seconds=self.tolerance)
        spans = [*self.outages, *((each.begin, each.end) for each in self.unsure)]
        return any(one <= end + slack and begin - slack <= other for one, other in spans)

    def lost_between(self, began: float, ended: float) -> bool:
        """Whether a connection ended between two monotonic times."""
        return any(each.closed is not None and began <= each.closed.at <= ended for each in self.connections)

    def stalled(self, began: float, ended: float) -> bool:
        """Whether the network was a black hole for any while between two monotonic times."""
        return any(each.overlaps(began, ended) for each in self.stalls)

    def had_time(self, since: float, until: float, seconds: float, busy: Iterable[tuple[float, float]] = ()) -> bool:
        """Whether a station had so many seconds on end to send something, after `since`, and nothing else to do."""
        for each in self.connections:
            if each.ready is None:
                continue
            began = max(since, each.ready.at)
            ended = until if each.closed is None else min(until, each.closed.at)
            taken = [*busy, *((span.began, span.ended) for span in self.stalls)]
            if any(free >= seconds for free in _free(began, ended, taken)):
                return True
        return False

    def _is_unsure(self, time: datetime) -> bool:
        slack = timedelta(seconds=self.tolerance)
        return any(_minus(each.begin, slack) <= time <= _plus(each.end, slack) for each in self.unsure)


def links(transcript: Transcript, station: str, *, tolerance: float) -> Links:
    """The connections of a station in a session; `tolerance` is how many seconds its clock and ours may differ."""
    connections = tuple(_connections(transcript, station))
    stalls = tuple(_stalls(transcript))
    unsure = [*stalls, *_half_open(transcript, station, connections, stalls)]
    return Links(connections, tuple(unsure), stalls, tolerance, {each.link: each for each in connections})


def _connections(transcript: Transcript, station: str) -> Iterator[Connection]:
    closed = {entry.link: entry for entry in reversed(transcript.entries) if entry.kind == "close"}
    ready = _boots(transcript, station)
    for entry in transcript.entries:
        if entry.kind == "open" and entry.station == station:
            version = str(entry.detail.get("version") or "")
            yield Connection(entry.link, version, entry, ready.get(entry.link, entry), closed.get(entry.link))


def _boots(transcript: Transcript, station: str) -> dict[int | None, Entry | None]:
    """By connection, the answer that accepted the boot which came on it before anything about a transaction."""
    begun: dict[int | None, int] = {}
    for entry in transcript.frames(sender="sut", station=station, kind=Call):
        if getattr(entry.frame, "action", "") in _ABOUT_TRANSACTIONS:
            begun.setdefault(entry.link, entry.n)
    found: dict[int | None, Entry | None] = {}
    for each in transcript.exchanges(sender="sut", station=station, action="BootNotification"):
        link = each.call.link
        if each.call.n > begun.get(link, each.call.n) or found.get(link) is not None:
            continue
        answer = each.answer
        accepted = (
            answer is not None
            and not answer.detail.get("dropped")
            and isinstance(answer.frame, CallResult)
            and answer.frame.payload.get("status") == "Accepted"
        )
        found[link] = answer if accepted else None
    return found


_ABOUT_TRANSACTIONS = frozenset({"TransactionEvent", "StartTransaction", "StopTransaction", "MeterValues"})


def _stalls(transcript: Transcript) -> Iterator[Span]:
    began: Entry | None = None
    for entry in transcript.entries:
        if entry.kind != "fault" or entry.detail.get("fault") != "stalled":
            continue
        if entry.detail.get("phase") == "begin":
            began = entry
        elif began is not None:
            yield _span(began, entry)
            began = None
    if began is not None:
        yield _span(began, None)


def _half_open(
    transcript: Transcript, station: str, connections: Sequence[Connection], stalls: Sequence[Span]
) -> Iterator[Span]:
    """The stretches at the end of connections in which the two ends need not have thought the same of it."""
    gone = [entry for entry in transcript.entries if entry.kind == "note" and entry.detail.get("text") in _OUT_OF_REACH]
    dialled = [entry for entry in transcript.entries if entry.kind == "handshake" and entry.station == station]
    for each in connections:
        end = each.closed
        for note in gone:
            if each.opened.n < note.n and (end is None or note.n < end.n):
                yield _span(note, end)
        if end is None:
            continue
        again = next((entry for entry in dialled if entry.n > end.n), None)
        stall = next((span for span in stalls if span.began <= end.at <= span.ended + _AFTER_A_STALL), None)
        if stall is not None:
            yield replace(_span(end, again), begin=stall.begin, began=stall.began)
        elif end.detail.get("how") == "timeout":
            yield _span(end, again)


def _span(begin: Entry, end: Entry | None) -> Span:
    return Span(begin.utc, _LAST if end is None else end.utc, begin.at, _NEVER if end is None else end.at)


def _end(connection: Connection) -> datetime:
    return _LAST if connection.closed is None else connection.closed.utc


def _free(began: float, ended: float, taken: Iterable[tuple[float, float]]) -> Iterator[float]:
    """How long each stretch is that is left between two times."""
    for one, other in sorted(taken):
        if other <= max(began, one) or one >= ended:
            continue
        yield one - began
        began = max(began, other)
    yield ended - began


def _plus(time: datetime, slack: timedelta) -> datetime:
    return time if time == _LAST else time + slack


def _minus(time: datetime, slack: timedelta) -> datetime:
    return time if time == _LAST else time - slack
