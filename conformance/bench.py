"""The bench: keeps the system under test between cases, or sets up a fresh variant for each when proving."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, NoReturn, Self

import msgspec
import pytest

from conformance.cases.case import Case
from conformance.cases.proving import CONTROL, REFERENCE, Breaks
from conformance.cases.spec import Spec
from conformance.peers.journal import journal_path
from conformance.peers.peer import Waiting
from conformance.peers.received import NotSeen
from conformance.rig import UNREADY, CsmsRig, NeverConnected, Say, StationRig, create_rig, patience
from conformance.run import Run
from conformance.sut.drivers import DriverFailed, Unsupported
from conformance.sut.profile import SutProfile
from conformance.sut.tables import EmbeddedDriver, ProcessDriver
from conformance.target import Part, Target
from conformance.wire.transcript import Transcript

_LAST_WORDS = 1.0
_MOST_ABSENCES = 3
"""In how many cases in a row a station is waited for in vain; after that only one that comes by itself is used."""


class Overdue(AssertionError):  # noqa: N818 -- reads as what happened
    """A case took longer than the profile allows."""


class GivenUp(AssertionError):  # noqa: N818 -- reads as what happened
    """A system under test that never came in this version, or is gone: it is not waited for again."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a test is run on: a part of a target, as which case, and when proving, on which variant of the reference.

    `guest` is whether the case belongs to another part, and judges this one because it is always on.
    """

    target: Target
    part: Part
    case: Case
    variant: str = ""
    guest: bool = False

    def __str__(self) -> str:
        kind = f"{self.target.role}-{self.target.version}-{self.name}"
        return f"{kind}-{self.variant}" if self.variant else kind

    @property
    def name(self) -> str:
        """The case, with the part that it judges where that is not its own: `WIRE_TIMES_CS@security`."""
        return f"{self.case.id}@{self.part.name}" if self.guest else self.case.id


class Bench:
    """Hands each case a rig in the state from which every case starts."""

    KEY: ClassVar = pytest.StashKey["Bench"]()
    SPEC: ClassVar = pytest.StashKey[Spec]()
    SUBJECT: ClassVar = pytest.StashKey[Subject]()
    UNASKED: ClassVar = pytest.StashKey[bool]()
    """That a case runs only because it is always on: nobody chose it."""

    def __init__(self, run: Run, *, proving: bool, say: Say, pace: float = 3.0) -> None:
        """`pace` is after how many seconds of waiting to say what for, and then again after thrice as many."""
        self.run = run
        self.proving = proving
        self.rig: StationRig | CsmsRig | None = None
        self.used = False
        """Whether a system under test was ever asked for."""
        self.doubtful = False
        """Whether the last case may have left the system under test in an odd state."""
        self.case_id = ""
        self._target = run.targets[0]
        self._part = next(iter(self._target.parts.values()))
        self._given_up: set[Target] = set()
        self._absences = 0
        self._on_rig: Subject | None = None
        self._say = say
        self._pace = pace
        self._progress: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._progress = asyncio.create_task(self._show_progress())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._progress
        await self._drop()

    def begin(self, subject: Subject) -> None:
        """The next test is about this."""
        self.case_id, self._target, self._part = subject.case.id, subject.target, subject.part

    @asynccontextmanager
    async def case(self, subject: Subject) -> AsyncIterator[StationRig | CsmsRig]:
        """The rig for one case; when proving, a fresh one of this variant of the reference.

        Raises one of UNREADY where the starting state can't be had, or GivenUp. An address that can't be had ends the
        session with exit code 2, as does a system under test that comes in none of the versions that it is to run in.
        """
        if self.proving or self._on_rig is None or self._on_rig.part is not subject.part:
            await self._drop()
        if subject.target in self._given_up:
            raise GivenUp(f"{subject.target.name} never came up before; the notes of the run say why")
        if self.rig is None:
            self.rig, self._on_rig = await self._set_up(subject), subject
            self.doubtful = False
            self._absences = 0
        rig = self.rig
        doubtful, self.doubtful = self.doubtful, False
        rig.peer.begin(subject.case.id)
        try:
            await self._ready(rig, doubtful=doubtful)
        except (*UNREADY, GivenUp):
            if not subject.case.always_on:  # what is judged by the transcript needs no system under test
                raise
        rig.peer.begin(subject.case.id)
        yield rig
        await rig.settle()

    async def _ready(self, rig: StationRig | CsmsRig, *, doubtful: bool) -> None:
        """Bring the system under test to where every case starts; a station that stays away is not waited for for ever.

        A CSMS is dialled each time, which takes no time where there is none.
        """
        if rig.peer.link is None and self._absences >= _MOST_ABSENCES:
            raise GivenUp("the station is gone, and is not waited for any more")
        try:
            await rig.ready(doubtful=doubtful)
        except UNREADY:
            gone = rig.peer.link is None and isinstance(rig, StationRig)
            self._absences = self._absences + 1 if gone else 0
            if self._absences == _MOST_ABSENCES:
                rig.peer.patience = replace(rig.peer.patience, actions={**rig.peer.patience.actions, "connection": 0.0})
                message = self.told(f"the station did not come back in {_MOST_ABSENCES} cases, {self.case_id} the last")
                self.run.note(f"{self._target.name}: {message}")
                self._say(f"{message}; it is not waited for any more, and used again once it is there by itself")
            raise
        if self._absences:
            self._absences, rig.peer.patience = 0, patience(rig.profile)

    def started(self) -> int:
        """The number of the next entry of the transcript."""
        return len(self._transcript.entries)

    def waited(self) -> float:
        """How long the current case has waited for the system under test, in seconds."""
        return self.rig.peer.waited if self.rig else 0.0

    def remarks(self) -> list[str]:
        """What people should know of this run, as far as the peer has come upon it."""
        return self.rig.peer.remarks if self.rig else []

    def touched(self) -> tuple[int, ...]:
        """The entries that the case has looked at since this was asked last."""
        return self.rig.touched() if self.rig else ()

    async def last_words(self) -> None:
        """Give the driver a moment to say that its program has ended, where the connection has: it may be the cause."""
        rig = self.rig
        if rig is None or rig.peer.link is not None or not isinstance(rig.profile.driver, ProcessDriver):
            return
        with contextlib.suppress(NotSeen):
            await rig.peer.until(
                lambda: rig.peer.link is not None or bool(rig.driver.trouble), "a connection", within=_LAST_WORDS
            )

    def told(self, reason: str) -> str:
        """A reason, with what is wrong with the driver where something is: it may be the cause."""
        trouble = self.rig.driver.trouble if self.rig else ""
        return reason if not trouble or trouble in reason else f"{reason}; {trouble}"

    def malformed(self, first: int) -> str:
        """What is wrong, by the schema, with what came from the system under test since entry `first`."""
        for entry in self._transcript.entries[first:]:
            if entry.sender == "sut" and entry.problems:
                problem = entry.problems[0]
                return f"a message that does not follow its schema: {problem.path or 'payload'}: {problem.message}"
        return ""

    @property
    def _transcript(self) -> Transcript:
        if self.rig is None or self._on_rig is None or self._on_rig.part is not self._part:
            return self._part.transcript
        return self.rig.transcript

    async def _set_up(self, subject: Subject) -> StationRig | CsmsRig:
        self.used = True
        target = subject.target
        profile, transcript = target.profile, subject.part.transcript
        if self.proving:
            transcript = Transcript()
            transcript.redact(profile.secrets())
        if claims := claims_of(target, subject.variant):
            profile = msgspec.structs.replace(profile, features=profile.features | claims)
        mutant = _class_of(target, subject.variant)
        journal = self._journal(target.profile)
        try:
            rig = create_rig(profile, transcript, self.run.folder, mutant, say=self._say, journal=journal)
        except OSError as error:
            self._stop(f"{journal}: the journal of what is to be put back can't be read ({error.strerror or error})")
        try:
            await rig.start()
            for each in await rig.recover():
                self.run.note(f"{target.name}: {each}")
        except BaseException as error:
            await rig.stop()
            match error:
                case NeverConnected() if not self.proving:
                    self._give_up(target, str(error))
                case OSError():
                    self._stop(
                        f"{error.strerror or error}; free the address, or set another host or port under [listen] in "
                        f"the profile"
                    )
                case DriverFailed() | Unsupported() if not self.proving:
                    self._give_up(target, f"the driver could not start the system under test: {error}")
            raise
        return rig

    def _give_up(self, target: Target, message: str) -> NoReturn:
        """Leave a target alone from now on; where that goes for all that were to be judged, the run is over."""
        self._given_up.add(target)
        if all(each in self._given_up for each in self.run.targets if each.chosen):
            self._stop(message)
        self.run.note(f"{target.name}: {message}")
        raise GivenUp(message)

    def _stop(self, message: str) -> NoReturn:
        pytest.exit(self.run.stop(message), returncode=2)

    async def _drop(self) -> None:
        rig, subject, self.rig, self._on_rig = self.rig, self._on_rig, None, None
        if rig is None:
            return
        try:
            if subject is not None and not self.proving:
                for each in await rig.leave():
                    self._say(self.run.note(f"{subject.target.name}: {each}"))
        finally:
            await rig.stop()

    def _journal(self, profile: SutProfile) -> Path | None:
        """Where it is kept what is changed at a station; nowhere for one that does not outlive the run."""
        if isinstance(profile.driver, EmbeddedDriver):
            return None
        return journal_path(Path(self.run.settings.reports), profile.identity, profile.version)

    async def _show_progress(self) -> None:
        """Say what is being waited for, and for how long, so that nobody takes a slow station for a hung harness."""
        said: tuple[Waiting, float] | None = None
        while True:
            await asyncio.sleep(self._pace / 3)
            waiting = self.rig.peer.waiting if self.rig else None
            if waiting is None:
                continue
            now = time.monotonic()
            since = now - waiting.since
            due = said[1] + 3 * self._pace if said and said[0] is waiting else waiting.since + self._pace
            if now >= due:
                said = (waiting, now)
                self._say(
                    f"{self.case_id}: waiting for {waiting.what}, {since:.0f} s of at most {waiting.within:.0f} s"
                )


# -- variants of the references, which only a proving run needs -------------------------------------------------------


def mutants_of(target: Target) -> dict[str, Breaks]:
    """The mutants of a target by name, with what each breaks, by the ids that this has in the target's version.

    One that breaks only what that version has no rule for is left out.
    """
    from conformance.reference.variants import variants  # noqa: PLC0415

    named = target.catalogue.named
    found: dict[str, Breaks] = {}
    for name, each in variants(target.role, target.version).mutants.items():
        meant = named(vars(each)["breaks"])
        if meant:
            found[name] = Breaks(meant, tuple(id_ for also in getattr(each, "also", ()) for id_ in named(also)))
    return found


def others_of(target: Target) -> list[str]:
    """The compliant variants, by name, for the cases that need a station that can less than the reference."""
    from conformance.reference.variants import variants  # noqa: PLC0415

    return list(variants(target.role, target.version).others)


def claims_of(target: Target, variant: str) -> dict[str, bool]:
    """What a variant of the reference can do other than its profile says."""
    if not variant or variant == REFERENCE:
        return {}
    from conformance.reference import variants  # noqa: PLC0415

    chosen = _class_of(target, variant)
    return variants.claims_of(chosen) if chosen is not None else {}


def _class_of(target: Target, variant: str) -> type | None:
    if not variant or variant == REFERENCE:
        return None
    from conformance.reference.variants import variants  # noqa: PLC0415

    known = variants(target.role, target.version)
    if variant == CONTROL:
        return known.control
    return known.others[variant] if variant in known.others else known.mutants[variant]
