"""One transaction through one fault of the network: brought about at a moment, then lived to its end, and judged."""

import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Protocol

from conformance.cases.catalogue import catalogue
from conformance.cases.matrix import Cell, Moment
from conformance.cases.spec import Spec
from conformance.cases.verdict import Verdict
from conformance.oracles.transactions import Accounts, Circumstances, Ledger, account, judge, ledger
from conformance.oracles.wire import Miss
from conformance.peers.csms import CsmsPeer
from conformance.peers.csms_dialect import Charging, Telling
from conformance.peers.received import NotSeen, Received, status_told
from conformance.peers.scenes import charging, configured, pull_plug, stop_authorized, transaction, vacated
from conformance.sut.drivers import DriverFailed, StationDriver, Unsupported
from conformance.sut.profile import SutProfile
from conformance.wire.faults import Network, Which
from conformance.wire.transcript import Entry

Begin = Callable[[], AbstractAsyncContextManager[Entry]]


class BeginOn(Protocol):
    """Begins a fault that strikes the first `count` messages of an action that `which` picks."""

    def __call__(self, action: str, count: int, *, which: Which) -> AbstractAsyncContextManager[Entry]:
        """The block for as long as which it is on."""


LOST, AGAIN, OFFLINE, SAME, ORDER = (f"TX.FAULT.0{number}" for number in range(1, 6))

_MEANS: Mapping[str, tuple[str, ...]] = {
    LOST: ("TX.WHOLE.01", "E01.FR.07", "E04.FR.01", "E04.FR.02", "16.TX.04", "16.TX.08", "16.TX.35"),
    AGAIN: ("E13.FR.02", "16.TX.37"),
    OFFLINE: ("E04.FR.03", "E11.FR.07", "TX.OFFLINE.01"),
    SAME: ("TX.REPEAT.01", "TX.START.01", "TX.END.01", "16.TX.REPEAT.01"),
    ORDER: ("TX.ORDER.01", "TX.DOUBLE.01", "16.TX.36", "16.TX.DOUBLE.01"),
}
"""Which rules about transactions, in either version, a requirement of the matrix stands for."""

_SAMPLE = 1
"""Seconds between two meter values of a transaction that goes through faults, where the station lets us set that."""

_SETTINGS: Mapping[str, str] = {
    "MeterValueSampleInterval": str(_SAMPLE),
    "MessageTimeout": "2",
    "TransactionMessageAttempts": "3",
    "TransactionMessageRetryInterval": "1",
    "AllowOfflineTxForUnknownId": "true",
    "LocalAuthorizeOffline": "true",
}

_RESOLUTION = 0.002
"""By how many kWh two meter readings in whole Wh may be off."""

_numbers = count(500_000)


@dataclass(frozen=True, slots=True)
class Lasting:
    """A fault that lasts for a while, `seconds` at least; `drops` where the connection ends when it begins."""

    name: str
    on: Begin
    drops: bool = True
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Striking:
    """A fault that strikes the next message about a transaction at its moment."""

    name: str
    on: BeginOn


Fault = Lasting | Striking


@dataclass
class Trials:
    """Makes cells of the matrix with a station under test, one after the other, and judges all of them in the end."""

    station: StationDriver
    csms: CsmsPeer
    network: Network
    spec: Spec
    profile: SutProfile
    _stopped: bool = False
    _began_at: int = 0
    _due: Received | None = None
    """The message that was kept from being acknowledged, and has to come again."""
    repeats_within: float = 0.0
    """How many seconds a station may take to repeat a message, beyond those that it may take to tell anything."""
    _missed: dict[str, list[tuple[str, Miss]]] = field(default_factory=dict)
    _doubts: list[str] = field(default_factory=list)
    """Which messages did not come again, where the station does not tell whether and when they have to."""

    async def make(self, fault: Fault, moment: Moment) -> None:
        """One transaction with this fault at this moment."""
        mark, self._stopped, self._due, self._began_at = self.csms.now, False, None, 0
        try:
            async with vacated(self.station, self.csms):
                session = await self._through(fault, moment, mark)
                await self._to_the_end(session)
                await self._queue_sent(mark)
                await self._gone_on(mark)
                self._judge(fault, moment, mark)  # before a remote stop brings out the end of what was forgotten
        except (AssertionError, Unsupported, DriverFailed) as missed:
            with suppress(AssertionError, Unsupported, DriverFailed):
                await self._gone_on(mark, over=False)
            if not await self._forgot(fault, moment, mark):
                self.spec.cells.append(Cell(fault.name, moment, Verdict.INCONCLUSIVE, reason=str(missed)))

    def conclude(self) -> None:
        """Judge what the case declares over all cells that were made."""
        judged = [each for each in self.spec.cells if each.verdict is not Verdict.INCONCLUSIVE]
        for requirement in self.spec.case.requirements:
            if not judged:
                reasons = dict.fromkeys(f"{each.moment}: {each.reason}" for each in self.spec.cells)
                self.spec.unproven(requirement, "; ".join(reasons) or "no moment could be had")
                continue
            missed = self._missed.get(requirement.removeprefix("16."), [])
            if requirement == AGAIN and self._doubts and not missed:
                self.spec.unproven(requirement, "; ".join(self._doubts))
                continue
            with self.spec(requirement):
                self.csms.touch(*(entry for _, miss in missed for entry in miss.entries))
                assert not missed, "; ".join(f"{where}: {miss.message}" for where, miss in missed)

    # -- the ride -----------------------------------------------------------------------------------------------------

    async def _through(self, fault: Fault, moment: Moment, mark: int) -> Charging:
        match moment:
            case "not started":
                return await self._before_start(fault, mark)
            case "start told":
                return await self._start_told(fault, mark)
            case "end told" | "at stop":
                session = await self._charging(flowing=self.station.can("plug_in"))
                await (self._end_told if moment == "end told" else self._at_stop)(fault, session)
                return session
            case _:
                session = await self._charging()
                await self._in_its_course(fault, moment, session)
                return session

    async def _charging(self, *, flowing: bool = True) -> Charging:
        """A transaction; where nobody can plug in, energy need not flow in one that is only to be stopped."""
        begun = charging if flowing else transaction
        return await begun(self.station, self.csms, self._spot, self._token)

    async def _before_start(self, fault: Fault, mark: int) -> Charging:
        assert isinstance(fault, Lasting), "there is no message yet"
        self._needs("plug_in", "present_id_token")
        async with self._on(fault):
            await self._set_off()
            await self._wait(max(fault.seconds, _SAMPLE))
        return await self._began(mark)

    async def _start_told(self, fault: Fault, mark: int) -> Charging:
        async with self._struck("start", fault, mark):
            await self._set_off()
        return await self._began(mark)

    async def _end_told(self, fault: Fault, session: Charging) -> None:
        mark = self.csms.now
        async with self._struck("end", fault, mark):
            await self._stop(session)

    async def _at_stop(self, fault: Fault, session: Charging) -> None:
        if isinstance(fault, Striking):
            await self._end_told(fault, session)
            return
        assert self.station.can("present_id_token") or self.station.can("unplug"), (
            "nobody can stop the transaction at the station"
        )
        async with self._on(fault):
            if self.station.can("present_id_token"):
                await self._present()
                await self._wait(self.profile.timing.settle)  # a plug that is pulled sooner is another story
            await pull_plug(self.station, session.connector)
            self._stopped = True
            await self._wait(fault.seconds)

    async def _in_its_course(self, fault: Fault, moment: Moment, session: Charging) -> None:
        """While it charges, is suspended or resumes."""
        evse = session.connector[0]
        if moment in ("suspended", "resuming"):
            self._needs("ev_suspend", "ev_ready")
            await self.station.ev_suspend(evse)
            await self._wait(self.profile.timing.settle)
        if isinstance(fault, Lasting):
            async with self._on(fault):
                if moment == "resuming":
                    await self.station.ev_ready(evse)
                await self._wait(max(fault.seconds, 1.2 * _SAMPLE if moment == "charging" else 0.0))
            return
        mark = self.csms.now
        async with self._struck("course", fault, mark):
            if moment == "resuming":
                await self.station.ev_ready(evse)

    # -- its parts ----------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _on(self, fault: Lasting) -> AsyncIterator[None]:
        async with fault.on() as begin:
            self._began_at = begin.n
            if fault.drops:
                await self.csms.disconnected()
                await self._wait(self.profile.timing.settle)  # until the station has noticed it, too
            yield

    @asynccontextmanager
    async def _struck(self, what: Telling, fault: Fault, mark: int) -> AsyncIterator[None]:
        """The next message that tells this is struck; a fault that lasts begins before it could be acknowledged."""
        action, which = self.csms.speak.telling(what)
        strike: BeginOn = fault.on if isinstance(fault, Striking) else self.network.unanswered
        async with strike(action, 1, which=which):
            yield
            self._due = await self.csms.expect(action, where=which, after=mark)
            if isinstance(fault, Lasting):
                async with self._on(fault):
                    await self._wait(fault.seconds)

    async def _set_off(self) -> None:
        """A driver plugs in and shows the card; where nobody can, the transaction is asked for."""
        if self.station.can("plug_in"):
            await self.station.plug_in(*self._spot)
        if self.station.can("present_id_token"):
            await self._present()
            return
        answer = await self.csms.speak.remote_start(self._token, self._spot, next(_numbers))
        assert answer["status"] == "Accepted", f"the remote start was answered {status_told(answer)}"

    async def _began(self, mark: int) -> Charging:
        await self.csms.connected()
        plugged = self._spot in self.station.plugged
        return await self.csms.speak.began(self._spot, after=mark, number=0, plugged=plugged)

    async def _stop(self, session: Charging) -> None:
        await stop_authorized(self.station, self.csms, session, self._token)
        await pull_plug(self.station, session.connector)
        self._stopped = True

    async def _to_the_end(self, session: Charging) -> None:
        """Let the transaction end, if it has not, and everything be told."""
        csms, action = self.csms, self.csms.speak.telling("end")[0]
        await csms.connected()
        if not self._stopped:
            await self._stop(session)
        with suppress(NotSeen):
            await csms.until(
                lambda: not self._runs(session) and self._repeated(),
                "the end of the transaction",
                within=self._patience(action) + (self.repeats_within if self._due is not None else 0.0),
            )
        await self._wait(1.3 * self.profile.timing.settle)

    async def _queue_sent(self, mark: int) -> None:
        """Give a station that takes its time over what it kept the time that its profile says it takes."""

        def complete() -> bool:
            found = judge(self._book(mark, patience=self.profile.timing.settle))
            return not any(found.get(each) for each in _MEANS[LOST])

        if self.profile.timing.queue:
            with suppress(NotSeen):
                await self.csms.until(complete, "what was kept to be sent", within=self.profile.timing.queue)

    async def _gone_on(self, mark: int, *, over: bool = True) -> None:
        """Have a station that does not tell how often it tries go on to another transaction, or come back to this one.

        Newer messages have to wait for one that is to be sent again.
        """
        due = self._due
        if due is None or self._repeated() or not self.spec.declares(AGAIN):
            return
        book = self._book(mark, over=over)
        found = judge(book)
        if book.setting("attempts", due.utc) is not None or any(found.get(each) for each in _MEANS[AGAIN]):
            return
        async with vacated(self.station, self.csms):
            await self._stop(await self._charging(flowing=False))
        await self._wait(1.3 * self.profile.timing.settle)

    def _runs(self, session: Charging) -> bool:
        return session.transaction_id in self.csms.speak.running()

    def _repeated(self) -> bool:
        """Whether what was not acknowledged has come again: by its number, or when it happened."""
        due = self._due
        return due is None or any(_same_event(each, due) for each in self.csms.seen(due.action, after=due))

    async def _present(self) -> None:
        token = self._token
        await self.station.present_id_token(self._spot[0], token["idToken"], token["type"])

    def _needs(self, *actions: str) -> None:
        missing = [each for each in actions if not self.station.can(each)]
        assert not missing, f"the driver can't {' or '.join(missing)}"

    async def _wait(self, seconds: float) -> None:
        if seconds > 0:
            with suppress(NotSeen):
                await self.csms.until(lambda: False, "time to pass", within=seconds)

    def _patience(self, action: str) -> float:
        return self.csms.patience.for_action(action)

    @property
    def _spot(self) -> tuple[int, int]:
        return self.profile.connectors[0]

    @property
    def _token(self) -> dict[str, Any]:
        return self.profile.parameters.valid_id_token.payload

    # -- the judgement ------------------------------------------------------------------------------------------------

    async def _forgot(self, fault: Fault, moment: Moment, mark: int) -> bool:
        """Judge a ride that came to nothing as forgotten by the station; False where it is not, or not struck."""
        struck = self._began_at > 0 if self._due is None else not self._repeated()
        if not struck or not self._book(mark).transactions:
            return False
        await self._wait(1.3 * self.profile.timing.settle)
        await self._queue_sent(mark)
        found = judge(self._book(mark, over=False))
        if not any(found.get(each) for each in (*_MEANS[LOST], *_MEANS[AGAIN])):
            return False
        self._judge(fault, moment, mark, over=False)
        return True

    def _judge(self, fault: Fault, moment: Moment, mark: int, *, over: bool = True) -> None:
        book = self._book(mark, over=over)
        found = judge(book)
        wrong = {
            requirement: [miss for each in means for miss in found.get(each, ())]
            for requirement, means in _MEANS.items()
        }
        wrong[OFFLINE] += self._unmarked(book, fault, moment)
        for requirement, misses in wrong.items():
            where = f"{fault.name}, {moment}"
            self._missed.setdefault(requirement, []).extend((where, miss) for miss in misses)
        declared = {each.removeprefix("16.") for each in self.spec.case.requirements}
        told, verdict = account(book), self._verdict(each for each in declared if wrong.get(each))
        reasons = [miss.message for misses in wrong.values() for miss in misses]
        due = self._due
        blamed = any(wrong[each] for each in (AGAIN, LOST) if each in declared)
        if due is not None and AGAIN in declared and not self._repeated() and not blamed:
            reasons.append(self._doubt(due, book))
            self._doubts.append(f"{fault.name}, {moment}: {reasons[-1]}")
            verdict = Verdict.INCONCLUSIVE if verdict is Verdict.PASS else verdict
        self.spec.cells.append(
            Cell(
                fault.name,
                moment,
                verdict,
                lost=told.lost + told.given_up,
                doubled=told.doubled,
                kwh_lost=_kwh_lost(told),
                reason="; ".join(reasons),
            )
        )

    def _verdict(self, missed: Iterable[str]) -> Verdict:
        """What a cell comes to by the requirements that it misses, some of which only warn in a version."""
        rules, found = catalogue(self.profile.version), set(missed)
        mine = [rules[name] for each in found for name in rules.named(each) if name in self.spec.case.requirements]
        if any(each.binding for each in mine):
            return Verdict.FAIL
        return Verdict.WARN if found else Verdict.PASS

    def _doubt(self, due: Received, book: Ledger) -> str:
        """Why nobody can say whether a message that did not come again has to."""
        attempts = book.setting("attempts", due.utc)
        if attempts is None:
            return f"{due.action} did not come again, and the station does not tell how often it tries"
        return f"{due.action} did not come again in this time, and the station says that it tries {attempts:g} times"

    def _unmarked(self, book: Ledger, fault: Fault, moment: Moment) -> list[Miss]:
        """What must have happened while the connection was gone, and is not marked so: 2.0.1 has a mark for it.

        A transaction that was stopped without a connection has no events from then on that happened with one; one that
        was started so has its first.
        """
        if not isinstance(fault, Lasting) or not fault.drops or not book.transactions or self.profile.version == "1.6":
            return []
        late = [each for each in book.transactions[0].events if each.first.call.n > self._began_at]
        surely = late if moment == "at stop" else late[:1] if moment == "not started" else []
        return [
            Miss(f"{event} happened without a connection, and is not marked offline", (event.first.call,))
            for event in surely
            if event.payload.get("offline") is not True
        ]

    def _book(self, mark: int, *, over: bool = True, patience: float | None = None) -> Ledger:
        """What was told of the transactions that began since `mark`."""
        timing = self.profile.timing
        patience = max(timing.settle, timing.queue) if patience is None else patience
        circumstances = Circumstances(tolerance=timing.tolerance, patience=patience, over=over)
        book = ledger(
            self.csms.transcript,
            self.csms.identity,
            version=self.profile.version,
            now=time.monotonic(),
            circumstances=circumstances,
        )
        return replace(
            book,
            transactions=[each for each in book.transactions if each.calls and each.calls[0].n >= mark],
            loose=[each for each in book.loose if each.first.call.n >= mark],
        )


@asynccontextmanager
async def trials(
    station: StationDriver,
    csms: CsmsPeer,
    network: Network,
    spec: Spec,
    profile: SutProfile,
    **settings: str,
) -> AsyncIterator[Trials]:
    """Set the station so that faults show soon, as far as it lets us, and judge all cells at the end of the block."""
    made = Trials(station, csms, network, spec, profile)
    async with AsyncExitStack() as afterwards:
        for key, value in {**_SETTINGS, **settings}.items():
            with suppress(AssertionError):
                await afterwards.enter_async_context(configured(csms, {key: value}))
        for key in ("MessageTimeout", "TransactionMessageRetryInterval"):
            with suppress(AssertionError, ValueError):
                made.repeats_within += float(await csms.speak.read(key))
        yield made
    made.conclude()


def _same_event(one: Received, other: Received) -> bool:
    """Whether a message is about what another one told: by its number in one transaction, or when it happened."""
    if one.get("eventType") != other.get("eventType") or _transaction(one) != _transaction(other):
        return False
    return any(one.get(name) == other[name] for name in ("seqNo", "timestamp", "meterValue") if name in other)


def _transaction(message: Received) -> object:
    about = message.get("transactionInfo")
    return about.get("transactionId") if isinstance(about, dict) else None


def _kwh_lost(told: Accounts) -> float | None:
    """The energy that can't be billed; where every message came, less than the meter can show is none."""
    if not told.measured:
        return None
    return told.kwh_lost if told.lost or told.kwh_lost > _RESOLUTION else 0.0
