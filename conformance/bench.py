"""The bench: keeps the system under test between cases, or sets up a fresh variant for each when proving."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import ClassVar, NoReturn, Self

import msgspec
import pytest

from conformance.cases.proving import CONTROL, PLAIN, REFERENCE
from conformance.cases.spec import Spec
from conformance.peers import scenes
from conformance.peers.peer import Waiting
from conformance.peers.received import NoAnswer, NotSeen
from conformance.rig import NeverConnected, StationRig
from conformance.run import Run
from conformance.sut.drivers import DriverFailed, Unsupported
from conformance.sut.tables import EmbeddedDriver, ProcessDriver
from conformance.wire.transcript import Transcript

Say = Callable[[str], None]

_LAST_WORDS = 1.0


class Overdue(AssertionError):  # noqa: N818 -- reads as what happened
    """A case took longer than the profile allows."""


class Bench:
    """Hands each case a rig in the state from which every case starts."""

    KEY: ClassVar = pytest.StashKey["Bench"]()
    SPEC: ClassVar = pytest.StashKey[Spec]()

    def __init__(self, run: Run, *, proving: bool, say: Say, pace: float = 3.0) -> None:
        """`pace` is after how many seconds of waiting to say what for, and then again after thrice as many."""
        self.run = run
        self.proving = proving
        self.rig: StationRig | None = None
        self.used = False
        """Whether a system under test was ever asked for."""
        self.doubtful = False
        """Whether the last case may have left the system under test in an odd state."""
        self.case_id = ""
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

    @asynccontextmanager
    async def case(self, variant: str | None, *, always_on: bool = False) -> AsyncIterator[StationRig]:
        """The rig for one case; when proving, a fresh one of this variant of the reference.

        Raises NotSeen, NoAnswer, Unsupported or DriverFailed where the starting state can't be had. A system under
        test that never comes at all, or an address that can't be had, ends the session with exit code 2.
        """
        if self.proving:
            await self._drop()
        if self.rig is None:
            self.rig = await self._set_up(variant)
        rig = self.rig
        rig.csms.begin()
        try:
            await self._starting_state(rig)
        except (NotSeen, NoAnswer, Unsupported, DriverFailed):
            if not always_on:  # what is judged by the transcript can be judged without a system under test
                raise
        rig.csms.begin()
        yield rig

    async def _starting_state(self, rig: StationRig) -> None:
        """Bring the station back to where every case starts.

        After a case that did not pass nobody knows what state it is in. One that is switched on and off without a
        person is restarted then; any other has to show that it still answers.
        """
        station, patience = rig.station, rig.profile.timing.reconnect
        doubtful, self.doubtful = self.doubtful, False
        automatic = isinstance(rig.profile.driver, EmbeddedDriver | ProcessDriver)
        if station.trouble:
            await scenes.power_up(rig.csms, station.power_on, patience=patience)
        elif doubtful and automatic and station.can("power_cycle"):
            await scenes.power_up(rig.csms, station.power_cycle, patience=patience)
        await scenes.ready(station, rig.csms, patience=patience)
        if doubtful and not automatic:
            await scenes.responsive(rig.csms)

    def started(self) -> int:
        """The number of the next entry of the transcript."""
        return len(self._transcript.entries)

    def waited(self) -> float:
        """How long the current case has waited for the system under test, in seconds."""
        return self.rig.csms.waited if self.rig else 0.0

    def touched(self) -> tuple[int, ...]:
        """The entries that the case has looked at since this was asked last."""
        return self.rig.csms.touched() if self.rig else ()

    async def last_words(self) -> None:
        """Give the driver a moment to say that its program has ended, where the connection has: it may be the cause."""
        rig = self.rig
        if rig is not None and rig.csms.link is None and isinstance(rig.profile.driver, ProcessDriver):
            with contextlib.suppress(NotSeen):
                await self._link_or_trouble(rig, within=_LAST_WORDS)

    async def _link_or_trouble(self, rig: StationRig, *, within: float) -> None:
        await rig.csms.until(
            lambda: rig.csms.link is not None or bool(rig.station.trouble), "a connection", within=within
        )

    def told(self, reason: str) -> str:
        """A reason, with what is wrong with the driver where something is: it may be the cause."""
        trouble = self.rig.station.trouble if self.rig else ""
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
        return self.rig.transcript if self.rig else self.run.transcript

    async def _set_up(self, variant: str | None) -> StationRig:
        self.used = True
        transcript = Transcript() if self.proving else self.run.transcript
        transcript.redact(self.run.profile.secrets())
        profile = self.run.profile
        if claims := claims_of(variant):
            profile = msgspec.structs.replace(profile, features=profile.features | claims)
        rig = StationRig(profile, transcript, self.run.folder, _mutant(variant), say=self._say)
        try:
            await rig.start()
        except BaseException as error:
            await rig.stop()
            match error:
                case NeverConnected() if not self.proving:
                    self._give_up(str(error))
                case OSError():
                    self._give_up(
                        f"{error.strerror or error}; free the address, or set another host or port under [listen] in "
                        f"the profile"
                    )
                case DriverFailed() | Unsupported() if not self.proving:
                    self._give_up(f"the driver could not start the system under test: {error}")
            raise
        return rig

    def _give_up(self, message: str) -> NoReturn:
        pytest.exit(self.run.stop(message), returncode=2)

    async def _drop(self) -> None:
        rig, self.rig = self.rig, None
        if rig is not None:
            await rig.stop()

    async def _show_progress(self) -> None:
        """Say what is being waited for, and for how long, so that nobody takes a slow station for a hung harness."""
        said: tuple[Waiting, float] | None = None
        while True:
            await asyncio.sleep(self._pace / 3)
            waiting = self.rig.csms.waiting if self.rig else None
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


def _mutant(variant: str | None) -> type | None:
    if not variant or variant == REFERENCE:
        return None
    from conformance.reference import mutants  # noqa: PLC0415 -- only a proving run needs the reference

    controls = {CONTROL: mutants.CONTROL, PLAIN: mutants.PLAIN}
    chosen: type = controls.get(variant) or mutants.all_mutants()[variant]
    return chosen


def claims_of(variant: str | None) -> dict[str, bool]:
    """What a variant of the reference can do other than its profile says."""
    mutant = _mutant(variant)
    if mutant is None:
        return {}
    from conformance.reference import mutants  # noqa: PLC0415 -- only a proving run needs the reference

    return mutants.claims_of(mutant)
