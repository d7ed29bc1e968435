"""The oracle of transactions on random histories, with losses and repeats put in: it names them all, and nothing else.

What was put in is known; a second implementation, as simple as can be, reads it out of the transcript again; and the
oracle has to agree with both. `make histories` does this 10,000 times for each version.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transaction_support import BEGIN, Session, Session16, Session201, event

from conformance.oracles.transactions import Made, account, judge
from conformance.wire.transcript import Transcript

HISTORIES = int(os.environ.get("OCPP_HISTORIES", "200"))
often = settings(max_examples=HISTORIES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

TICK = 10.0
SLACK = timedelta(seconds=2)
PAUSE = 0.01

LOST, DOUBLED, MISMARKED, CUT, CUT_AND_LOST = "lost", "doubled", "mismarked", "cut", "cut and lost"


@dataclass
class Told:
    """One message of a history: of which transaction, its number and tick, what the meter shows, and its flaw."""

    tx: int
    evse: int
    number: int
    last: int
    tick: int
    wh: int
    flaw: str = ""

    @property
    def time(self) -> float:
        return TICK * (self.tick + 1) + self.evse

    @property
    def kind(self) -> str:
        return "Started" if self.number == 0 else "Ended" if self.number == self.last else "Updated"


@dataclass
class History:
    """All messages, and in which ticks the station is offline."""

    told: list[Told]
    offline: list[bool]
    made: dict[int, tuple[int, int]] = field(default_factory=dict)

    def is_offline(self, tick: int) -> bool:
        return tick < len(self.offline) and self.offline[tick]

    def broken(self, one: Told, other: Told) -> bool:
        return any(self.is_offline(tick) for tick in range(one.tick, other.tick + 1))


@st.composite
def histories(draw: st.DrawFn, *, evses: int, flaws: tuple[str, ...]) -> History:
    """Up to four transactions on each EVSE, one after the other, and a random network."""
    told, made, number = [], {}, 0
    for evse in range(1, evses + 1):
        tick, register = draw(st.integers(0, 3)), draw(st.integers(0, 10_000))
        for _ in range(draw(st.integers(0 if evse > 1 else 1, 4))):
            last, began = draw(st.integers(1, 6)), register
            for each in range(last + 1):
                flaw = draw(st.sampled_from(["", "", "", "", *flaws]))
                told.append(Told(number, evse, each, last, tick, register, flaw))
                if each < last:
                    register += draw(st.integers(0, 5_000))
                tick += 1
            made[number] = (began, register)
            number += 1
            tick += draw(st.integers(0, 2))
    told.sort(key=lambda each: each.time)
    offline = draw(st.lists(st.booleans(), max_size=told[-1].tick + 1))
    history = History(told, offline, made)
    for each in told:
        others = [other for other in told if other is not each and other.tick == each.tick and other.time > each.time]
        near = history.is_offline(each.tick + 1) and not history.is_offline(each.tick) and not others
        if each.flaw in (CUT, CUT_AND_LOST) and not near:
            each.flaw = ""
    return history


def happenings(history: History) -> Iterator[tuple[float, str, Told | None]]:
    """Everything in the order of its time."""
    found: list[tuple[float, str, Told | None]] = [(each.time, "event", each) for each in history.told]
    ticks = len(history.offline) + 1
    for tick in range(ticks):
        before, now = tick > 0 and history.is_offline(tick - 1), history.is_offline(tick)
        if before is not now:
            found.append((TICK * (tick + 1) - 4, "close" if now else "open", None))
    return iter(sorted(found, key=lambda each: each[0]))


# -- 2.0.1


def play(history: History) -> Session201:
    """Let a station tell a history, with its flaws."""
    session, queue = Session201(), []
    notes: dict[int, Any] = {}
    for time, what, told in happenings(history):
        session.at(max(time, session.time))
        if what == "close":
            session.close()
        elif what == "open":
            session.connect()
            for payload in queue:
                _send(session, payload)
            queue.clear()
        elif told is not None:
            if told.number == 0:
                notes[told.tx] = session.transcript.note("plugged in")
            _tell(session, history, told, queue)
            if told.number == told.last:
                register, until = history.made[told.tx]
                note = session.transcript.note("pulled out")
                session.made.append(
                    Made(evse=told.evse, since=notes[told.tx], until=note, register=register, register_until=until)
                )
    return session


def _tell(session: Session201, history: History, told: Told, queue: list[Any]) -> None:
    offline = history.is_offline(told.tick)
    marked = offline is not (told.flaw == MISMARKED)
    payload = event(
        told.kind, told.number, told.time, id=f"tx{told.tx}", evse=told.evse, wh=float(told.wh), offline=marked
    )
    copies = {LOST: 0, DOUBLED: 2}.get(told.flaw, 1)
    if offline:
        queue += [payload] * copies
    elif told.flaw in (CUT, CUT_AND_LOST):
        session.tell("TransactionEvent", payload, None, took=PAUSE)
        queue += [{**payload, "offline": True}] if told.flaw == CUT else []
    else:
        for _ in range(copies):
            _send(session, payload)


def _send(session: Session201, payload: Any) -> None:
    session.tell("TransactionEvent", payload, {}, took=PAUSE)
    session.after(PAUSE)


@dataclass
class Findings:
    """What is wrong with a history, whoever found it."""

    requirements: set[str] = field(default_factory=set)
    begins: set[str] = field(default_factory=set)
    ends: set[str] = field(default_factory=set)
    missing: dict[str, set[int]] = field(default_factory=dict)
    forgotten: int = 0
    doubled: dict[str, int] = field(default_factory=dict)
    given_up: dict[str, int] = field(default_factory=dict)
    kwh_lost: float = 0.0


def put_in(history: History) -> Findings:
    """What the flaws of a history come to."""
    found = Findings()
    for tx, (begin, end) in history.made.items():
        all_of_it = sorted((each for each in history.told if each.tx == tx), key=lambda each: each.number)
        told = [each for each in all_of_it if each.flaw != LOST]
        billable = told[-1].wh - told[0].wh if told else 0
        found.kwh_lost += (end - begin - billable) / 1000
        if told:
            _put_losses(found, history, told)
            _put_others(found, history, told)
        else:
            found.forgotten += 1
            found.requirements.add("TX.WHOLE.01")
    return found


def _put_losses(found: Findings, history: History, told: list[Told]) -> None:
    name = f"tx{told[0].tx}"
    if told[0].number:
        found.begins.add(name)
        found.requirements.add("TX.WHOLE.01")
    if told[-1].number < told[-1].last:
        found.ends.add(name)
        found.requirements.add("TX.WHOLE.01")
    for one, other in pairwise(told):
        if other.number > one.number + 1:
            found.missing.setdefault(name, set()).update(range(one.number + 1, other.number))
            found.requirements.add("E04.FR.01" if history.broken(one, other) else "E01.FR.07")


def _put_others(found: Findings, history: History, told: list[Told]) -> None:
    name = f"tx{told[0].tx}"
    for each in told:
        if each.flaw == DOUBLED:
            found.doubled[name] = found.doubled.get(name, 0) + 1
            found.requirements.add("TX.DOUBLE.01")
        elif each.flaw == MISMARKED:
            found.requirements.add("E04.FR.03" if history.is_offline(each.tick) else "TX.OFFLINE.01")
        elif each.flaw == CUT_AND_LOST:
            found.given_up[name] = found.given_up.get(name, 0) + 1
            found.requirements.add("E04.FR.02")


Message = tuple[datetime, dict[str, Any], bool, bool]


def naive(session: Session201) -> Findings:
    """The same by reading the transcript once more, transaction by transaction and number by number."""
    found = Findings()
    by_id: dict[str, list[Message]] = {}
    for message in _calls(session.transcript):
        by_id.setdefault(message[1]["transactionInfo"]["transactionId"], []).append(message)
    breaks = _breaks(session.transcript)
    for name, messages in by_id.items():
        _naive_deliveries(found, name, messages, breaks)
        _naive_numbers(found, name, {payload["seqNo"]: payload for _, payload, _, _ in messages}, breaks)
    for made in session.made:
        name = next((each for each, messages in by_id.items() if _is_of(made, messages[0][1])), None)
        assert made.register is not None
        assert made.register_until is not None
        found.kwh_lost += (made.register_until - made.register) / 1000
        if name is None:
            found.forgotten += 1
            found.requirements.add("TX.WHOLE.01")
        else:
            values = [payload["meterValue"][0]["sampledValue"][0]["value"] for _, payload, _, _ in by_id[name]]
            found.kwh_lost -= (max(values) - min(values)) / 1000
    return found


def _naive_deliveries(found: Findings, name: str, messages: list[Message], breaks: list[Any]) -> None:
    answered: Counter[int] = Counter()
    for _, payload, was_answered, same_link in messages:
        if answered[payload["seqNo"]]:
            found.doubled[name] = found.doubled.get(name, 0) + 1
            found.requirements.add("TX.DOUBLE.01")
        answered[payload["seqNo"]] += was_answered
        made, marked = _time(payload), payload.get("offline") is True
        if any(one < made < other for one, other in breaks) and not marked:
            found.requirements.add("E04.FR.03")
        if same_link and marked:
            found.requirements.add("TX.OFFLINE.01")
    unanswered = {payload["seqNo"] for _, payload, _, _ in messages if not answered[payload["seqNo"]]}
    if unanswered:
        found.given_up[name] = len(unanswered)
        found.requirements.add("E04.FR.02")


def _naive_numbers(found: Findings, name: str, told: dict[int, dict[str, Any]], breaks: list[Any]) -> None:
    kinds = {payload["eventType"] for payload in told.values()}
    for kind, lacking in (("Started", found.begins), ("Ended", found.ends)):
        if kind not in kinds:
            lacking.add(name)
            found.requirements.add("TX.WHOLE.01")
    for number in range(min(told), max(told)):
        if number in told:
            continue
        found.missing.setdefault(name, set()).add(number)
        below = _time(told[max(each for each in told if each < number)])
        above = _time(told[min(each for each in told if each > number)])
        broken = any(one <= above + SLACK and below - SLACK <= other for one, other in breaks)
        found.requirements.add("E04.FR.01" if broken else "E01.FR.07")


def _is_of(made: Made, payload: dict[str, Any]) -> bool:
    """Whether an event is of a transaction, by its place and time."""
    assert made.until is not None
    inside = made.since.utc - SLACK <= _time(payload) <= made.until.utc + SLACK
    return bool(payload["evse"]["id"] == made.evse and inside)


def _calls(transcript: Transcript) -> list[tuple[datetime, dict[str, Any], bool, bool]]:
    """Each call of the station: when, what, whether it was answered, and whether on the connection that it is of."""
    frames = [(entry, json.loads(entry.text)) for entry in transcript.entries if entry.kind == "frame"]
    answers = {items[1] for _, items in frames if items[0] == 3}
    opened = {entry.link: entry.utc for entry in transcript.entries if entry.kind == "open"}
    return [
        (entry.utc, items[3], items[1] in answers, opened[entry.link] < _time(items[3]))
        for entry, items in frames
        if items[0] == 2
    ]


def _time(payload: dict[str, Any]) -> datetime:
    told = payload.get("timestamp") or payload["meterValue"][0]["timestamp"]
    return datetime.fromisoformat(told)


def _breaks(transcript: Transcript) -> list[tuple[datetime, datetime]]:
    """From when to when there was no connection."""
    closed = [entry.utc for entry in transcript.entries if entry.kind == "close"]
    opened = [entry.utc for entry in transcript.entries if entry.kind == "open"]
    return list(zip(closed, opened[1:], strict=True))


def by_oracle(session: Session201) -> Findings:
    """What the oracle says."""
    book = session.book(over=True)
    found = Findings(requirements={name for name, misses in judge(book).items() if misses})
    sums = account(book)
    for each in sums.accounts:
        if not each.id:
            found.forgotten += 1
            continue
        for what in each.missing:
            numbers = re.findall(r"\d+", what)
            if what == "its begin":
                found.begins.add(each.id)
            elif what == "its end":
                found.ends.add(each.id)
            else:
                found.missing.setdefault(each.id, set()).update(range(int(numbers[0]), int(numbers[-1]) + 1))
        found.doubled |= {each.id: each.doubled} if each.doubled else {}
        found.given_up |= {each.id: each.given_up} if each.given_up else {}
    found.kwh_lost = sums.kwh_lost
    return found


def _same(one: Findings, other: Findings) -> None:
    assert round(one.kwh_lost, 6) == round(other.kwh_lost, 6)
    one.kwh_lost = other.kwh_lost = 0.0
    assert one == other


@given(histories(evses=2, flaws=(LOST, LOST, DOUBLED, MISMARKED, CUT, CUT_AND_LOST)))
@often
def test_what_was_put_in_is_what_is_found(history: History) -> None:
    session = play(history)
    expected, second, judged = put_in(history), naive(session), by_oracle(session)
    _same(second, expected)
    expected, second = put_in(history), naive(session)
    _same(judged, expected)


@given(histories(evses=2, flaws=(CUT,)))
@often
def test_without_flaws_nothing_is_found(history: History) -> None:
    assert by_oracle(play(history)) == Findings()


# -- 1.6


def play_16(history: History) -> Session16:
    """Let a station of 1.6 tell a history: a start, samples at every tick, and a stop."""
    session, queue = Session16(), []
    ids: dict[int, int] = {}
    for time, what, told in happenings(history):
        session.at(max(time, session.time))
        if what == "close":
            session.close()
        elif what == "open":
            session.connect()
            for each in queue:
                _say(session, ids, each)
            queue.clear()
        elif told is not None and told.flaw != LOST:
            copies = [told] * (2 if told.flaw == DOUBLED else 1)
            if history.is_offline(told.tick):
                queue += copies
            else:
                for each in copies:
                    _say(session, ids, each)
    return session


def _say(session: Session16, ids: dict[int, int], told: Told) -> None:
    """Send a message, with the transaction id as far as it is known by now."""
    if told.kind == "Started":
        session.start(wh=told.wh, at=told.time, given=100 + told.tx)
        ids[told.tx] = 100 + told.tx
    elif told.kind == "Ended":
        session.stop(tx=ids.get(told.tx, -1), wh=told.wh, at=told.time)
    else:
        session.values(tx=ids.get(told.tx), wh=told.wh, at=told.time)


@dataclass
class Findings16:
    """What is wrong with a history of 1.6: rules, and by the begin of each transaction what is lost and doubled."""

    requirements: set[str] = field(default_factory=set)
    orphans: int = 0
    ends: set[str] = field(default_factory=set)
    samples: dict[str, int] = field(default_factory=dict)
    doubled: dict[str, int] = field(default_factory=dict)


def put_in_16(history: History) -> Findings16:
    found = Findings16()
    for tx, group in groupby(sorted(history.told, key=lambda each: (each.tx, each.number)), lambda each: each.tx):
        told = [each for each in group if each.flaw != LOST]
        if not told or told[0].number:
            if told and told[-1].kind == "Ended":
                found.orphans += 1
                found.requirements.add("16.TX.04")
                if told[-1].flaw == DOUBLED:
                    found.requirements.add("16.TX.DOUBLE.01")
            found.requirements |= {"16.TX.DOUBLE.01"} if any(each.flaw == DOUBLED for each in told) else set()
            continue
        name = str(100 + tx)
        if told[-1].kind != "Ended":
            found.ends.add(name)
            found.requirements.add("16.TX.08")
        for one, other in pairwise(told):
            if other.number > one.number + 1:
                found.samples[name] = found.samples.get(name, 0) + other.number - one.number - 1
                found.requirements.add("16.TX.35" if history.broken(one, other) else "16.TX.43")
        doubled = sum(each.flaw == DOUBLED for each in told)
        if doubled:
            found.doubled[name] = doubled
            found.requirements.add("16.TX.DOUBLE.01")
    return found


def naive_16(session: Session16) -> Findings16:
    """Once more, from the transcript alone: every message is said once, so what is equal is doubled."""
    found = Findings16()
    breaks = _breaks(session.transcript)
    entries = [json.loads(entry.text) for entry in session.transcript.entries if entry.kind == "frame"]
    given = {items[1]: items[2]["transactionId"] for items in entries if items[0] == 3 and "transactionId" in items[2]}
    messages: dict[Any, list[dict[str, Any]]] = {}
    for items in entries:
        if items[0] != 2:
            continue
        name = given[items[1]] if items[2] == "StartTransaction" else items[3].get("transactionId", -1)
        payload = {"action": items[2], **items[3]}
        if payload in messages.setdefault(name, []):
            found.requirements.add("16.TX.DOUBLE.01")
            if name != -1:
                found.doubled[str(name)] = found.doubled.get(str(name), 0) + 1
        else:
            messages[name].append(payload)
    for name, told in messages.items():
        if name == -1:
            found.orphans = sum(each["action"] == "StopTransaction" for each in told)
            found.requirements |= {"16.TX.04"} if found.orphans else set()
            continue
        if not any(each["action"] == "StopTransaction" for each in told):
            found.ends.add(str(name))
            found.requirements.add("16.TX.08")
        for one, other in pairwise(sorted(_time(each) for each in told)):
            lost = round((other - one).total_seconds() / TICK) - 1
            if lost:
                found.samples[str(name)] = found.samples.get(str(name), 0) + lost
                broken = any(begin <= other + SLACK and one - SLACK <= end for begin, end in breaks)
                found.requirements.add("16.TX.35" if broken else "16.TX.43")
    return found


def by_oracle_16(session: Session16) -> Findings16:
    book = session.book(over=True, sample_interval=TICK)
    found = Findings16(requirements={name for name, misses in judge(book).items() if misses})
    for each in account(book).accounts:
        if each.missing == ("its begin",):
            found.orphans += 1
            continue
        ended = "its end" in each.missing
        found.ends |= {each.id} if ended else set()
        lost = each.lost - ended
        found.samples |= {each.id: lost} if lost else {}
        found.doubled |= {each.id: each.doubled} if each.doubled else {}
    return found


def _can_be_told_apart(history: History) -> bool:
    """Whether no stop of a lost start could be that of another transaction, whose stop is lost."""
    starts = {each.tx for each in history.told if each.number == 0 and each.flaw == LOST}
    stops = {each.tx for each in history.told if each.kind == "Ended" and each.flaw == LOST}
    return not (starts and stops)


@given(histories(evses=1, flaws=(LOST, DOUBLED)).filter(_can_be_told_apart))
@often
def test_what_was_put_in_is_what_is_found_16(history: History) -> None:
    session = play_16(history)
    expected = put_in_16(history)
    assert naive_16(session) == expected
    assert by_oracle_16(session) == expected


def test_the_clock_of_a_history_is_that_of_its_transcript() -> None:
    session: Session = play(History([Told(0, 1, 0, 1, 0, 0), Told(0, 1, 1, 1, 1, 10)], [], {0: (0, 10)}))
    first = next(entry for entry in session.transcript.entries if entry.kind == "frame")
    assert first.utc - BEGIN == timedelta(seconds=TICK + 1)
