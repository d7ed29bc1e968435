"""Changing settings to see whether that works, and putting all of them back."""

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from conformance.cases.safe import Safe
from conformance.cases.spec import Spec
from conformance.cases.tried import Fate, Tried
from conformance.oracles.setting_values import fits, others, same
from conformance.peers.csms import CsmsPeer
from conformance.peers.ledger import SET, Entry, Ledger, ledger, safety_of
from conformance.sut.profile import SutProfile

MUTE = "it does not tell its value, so nobody could put it back"
_LONGEST_TOLD = 60

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A setting that may be changed: how, and the value that it has now."""

    entry: Entry
    safe: Safe
    now: str

    @property
    def id(self) -> str:
        """By what it is found."""
        return self.entry.id

    def holds(self, found: Mapping[str, str], value: str) -> bool:
        """Whether it reads so."""
        return self.id in found and same(self.entry.kind, found[self.id], value)

    def reads(self, found: Mapping[str, str]) -> str:
        """What it reads, in words."""
        return shown(found[self.id]) if self.id in found else "nothing"


@dataclass
class Change:
    """What was done to one setting: the value that it was set to, the answer, and what became of it."""

    chosen: Chosen
    value: str = ""
    answer: str = ""
    fate: Fate | None = None
    why: str = ""

    @property
    def taken(self) -> bool:
        """Whether the station says that it took the value."""
        return self.answer in SET

    def fault(self, fate: Fate, why: str) -> str:
        """Note what is wrong, the first time, and give it in words."""
        if self.fate is None or fate is Fate.NOT_BACK:
            self.fate, self.why = fate, why
        return f"{self.chosen.entry} {why}"


@dataclass
class Book:
    """The settings of a station while a case changes some: what may be changed, and what was left alone and why."""

    csms: CsmsPeer
    ledger: Ledger
    entries: list[Entry] = field(default_factory=list)
    chosen: list[Chosen] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    touched: dict[str, Chosen] = field(default_factory=dict)
    late: set[str] = field(default_factory=set)
    """What was answered RebootRequired: until the restart nobody knows what it reads."""

    async def write(self, changes: Mapping[str, str]) -> dict[str, str]:
        """Set some of the chosen, by id; whatever comes of it, they are put back in the end."""
        by_id = {each.id: each for each in self.chosen}
        self.touched |= {id_: by_id[id_] for id_ in changes}
        return await self.ledger.write({by_id[id_].entry: value for id_, value in changes.items()})

    async def read(self, ids: Iterable[str]) -> dict[str, str]:
        """Read some of the chosen, by id."""
        wanted = set(ids)
        return await self.ledger.read(each.entry for each in self.chosen if each.id in wanted)

    async def restore(self) -> tuple[dict[str, str], dict[str, str]]:
        """Put back what was touched.

        What each was answered that had to be written, and of each that is not as it was what it reads, by id.
        """
        answers: dict[str, str] = {}
        found = await self.read(self.touched)
        moved = {
            id_: each.now for id_, each in self.touched.items() if id_ in self.late or not each.holds(found, each.now)
        }
        if moved:
            answers = await self.write(moved)
            found = await self.read(self.touched)
        self.late = {id_ for id_, answer in answers.items() if answer == "RebootRequired"}
        wrong = {
            id_: each.reads(found)
            for id_, each in self.touched.items()
            if id_ not in self.late and not each.holds(found, each.now)
        }
        self.touched = {id_: each for id_, each in self.touched.items() if id_ in wrong or id_ in self.late}
        return answers, wrong


@asynccontextmanager
async def book(
    csms: CsmsPeer, profile: SutProfile, spec: Spec, *, only: Collection[str] | None = None
) -> AsyncIterator[Book]:
    """All settings, and those that may be changed, with `only` no others than these.

    At the end of the block they are as they were, or the report says which are not. Raises AssertionError where the
    station lists nothing.
    """
    safety = safety_of(profile)
    opened = Book(csms, ledger(csms, profile))
    opened.entries = await opened.ledger.entries()
    writable = [each for each in opened.entries if each.access != "ReadOnly"]
    allowed = {each.id: safety.of(each.name) for each in writable}
    safe = {id_: each for id_, each in allowed.items() if isinstance(each, Safe)}
    values = await opened.ledger.read(each for each in writable if each.id in safe and each.access == "ReadWrite")
    for entry in writable:
        if only is not None and entry.id not in {each.casefold() for each in only}:
            continue
        found = allowed[entry.id]
        why = found if isinstance(found, str) else _unfit(entry, values.get(entry.id))
        if why:
            opened.left[entry.name] = why
        else:
            opened.chosen.append(Chosen(entry, safe[entry.id], values[entry.id]))
    try:
        yield opened
    finally:
        if opened.touched:
            await _put_back(csms, opened, spec)


async def _put_back(csms: CsmsPeer, opened: Book, spec: Spec) -> None:
    """Restore what a case left changed, and tell what could not be."""
    why = "it could not be put back"
    try:
        await csms.connected()
        _, wrong = await opened.restore()
    except AssertionError as error:
        wrong, why = dict.fromkeys(opened.touched, ""), f"it may not have been put back: {error}"
    known = {each.name for each in spec.tried if each.fate is Fate.NOT_BACK}
    spec.tried += [
        Tried(each.entry.name, Fate.NOT_BACK, shown(each.now), why=f"{why}{f', and reads {reads}' if reads else ''}")
        for each, reads in ((opened.touched[id_], reads) for id_, reads in wrong.items())
        if each.entry.name not in known
    ]


def _unfit(entry: Entry, value: str | None) -> str:
    """Why a setting that is safe is left alone all the same."""
    if entry.access == "WriteOnly":
        return "it can't be read, so nobody could put it back"
    if value is None:
        return MUTE
    if not entry.kind.type:
        return "it does not say what it is"
    if not fits(entry.kind, value):
        return f"it is {shown(value)}, which by its own characteristics can't be put back"
    return ""


async def change_all(opened: Book) -> tuple[list[Change], list[str], list[str]]:
    """Set everything that may be changed to another value, one request for many.

    Gives what was done, and as words what is not as it was answered, and what takes no value at all.
    """
    changes = {each.id: Change(each) for each in opened.chosen}
    candidates = {each.id: others(each.entry.kind, each.now, each.safe) for each in opened.chosen}
    untrue: list[str] = []
    for attempt in range(max(map(len, candidates.values()), default=0)):
        wanted = {
            id_: values[attempt]
            for id_, values in candidates.items()
            if attempt < len(values) and not changes[id_].taken and changes[id_].fate is None
        }
        if not wanted:
            break
        answers = await opened.write(wanted)
        found = await opened.read(wanted)
        for id_, value in wanted.items():
            change = changes[id_]
            change.value, change.answer = value, answers[id_]
            untrue += _untrue(change, found)
    opened.late |= {id_ for id_, each in changes.items() if each.answer == "RebootRequired"}
    done = [each for each in changes.values() if candidates[each.chosen.id]]
    for each in changes.values():
        if not candidates[each.chosen.id]:
            each.fate, each.why = Fate.LEFT_ALONE, "there is no other value that is known to do no harm"
    stuck = [
        each.fault(Fate.STUCK, f"takes no other value: {shown(each.value)} was answered {each.answer}")
        for each in done
        if not each.taken and each.fate is None
    ]
    return list(changes.values()), untrue, stuck


def _untrue(change: Change, found: Mapping[str, str]) -> list[str]:
    """What a change comes to that is not as it was answered."""
    chosen, value = change.chosen, change.value
    reads = chosen.reads(found)
    if change.answer == "Accepted" and not chosen.holds(found, value):
        return [change.fault(Fate.UNTRUE, f"was set to {shown(value)}, which was Accepted, and reads {reads}")]
    if not change.taken and not chosen.holds(found, chosen.now):
        was = shown(chosen.now)
        return [
            change.fault(Fate.UNTRUE, f"was {was}, {shown(value)} was answered {change.answer}, and it reads {reads}")
        ]
    return []


def rounds(values: Mapping[str, Sequence[_Value]]) -> Iterator[dict[str, _Value]]:
    """The first value of each, then the second of those that have one, and so on: what goes into one request."""
    for number in range(max(map(len, values.values()), default=0)):
        yield {id_: each[number] for id_, each in values.items() if number < len(each)}


def noted(spec: Spec, changes: Iterable[Change], fine: Fate) -> None:
    """Put what became of each setting into the report."""
    spec.tried += [
        Tried(
            each.chosen.entry.name, each.fate or fine, shown(each.chosen.now), shown(each.value), each.answer, each.why
        )
        for each in changes
    ]


def shown(value: str) -> str:
    """A value in words."""
    return (value if len(value) <= _LONGEST_TOLD else f"{value[:_LONGEST_TOLD]}…") or "nothing"
