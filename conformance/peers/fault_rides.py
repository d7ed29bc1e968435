"""One transaction told to a CSMS under test through one fault of the network, as a compliant station would."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from conformance.cases.matrix import Cell, Moment
from conformance.cases.spec import Spec
from conformance.cases.verdict import Verdict
from conformance.peers.csms_scenes import valid_token
from conformance.peers.fault_scenes import Fault, Lasting, Striking
from conformance.peers.received import NoAnswer, NotSeen, Refused
from conformance.peers.station import NotConnected, StationPeer
from conformance.peers.tellings import Recorded, Told, recorded, tell, token_status
from conformance.sut.drivers import CsmsDriver
from conformance.sut.profile import SutProfile
from conformance.wire.faults import StationNetwork
from conformance.wire.frames import CallResult
from conformance.wire.transcript import Entry

ANSWERED, SERVED, ALIKE = (f"CSMS.FAULT.0{number}" for number in range(1, 4))

_STEPS: Sequence[Moment] = ("not started", "charging", "suspended", "resuming", "at stop")
"""What each message of the transaction tells, by the moment at which a fault comes before it."""

_EARLIER = timedelta(minutes=10)
_KWH = 0.1
"""What flows between one message and the next."""

_TRIES = 2
_TOLD: dict[str, Moment] = {"start told": "not started", "end told": "at stop"}


@dataclass
class _Ride:
    """One transaction on its way: what was never acknowledged, and what else was wrong."""

    record: Recorded
    mark: int
    unanswered: list[str] = field(default_factory=list)
    wrong: list[tuple[str, str]] = field(default_factory=list)
    doubled: int = 0

    @property
    def tries(self) -> int:
        """How often the next message is sent: a CSMS that has gone silent is not waited for again and again."""
        return 0 if self.turned_away or self.unanswered else _TRIES

    @property
    def turned_away(self) -> bool:
        """Whether the station was not let in any more."""
        return any(name == SERVED for name, _ in self.wrong)


@dataclass
class Rides:
    """Makes cells of the matrix with a CSMS under test, one after the other, and judges all of them in the end."""

    station: StationPeer
    network: StationNetwork
    spec: Spec
    profile: SutProfile
    id_token: dict[str, str]
    _wrong: list[tuple[str, str]] = field(default_factory=list)
    _evidence: list[Entry] = field(default_factory=list)

    async def make(self, fault: Fault, moment: Moment) -> None:
        """One transaction with this fault at this moment."""
        station = self.station
        began = station.equipment.clock.now() - _EARLIER
        ride = _Ride(recorded(station, station.equipment.evses[0], self.id_token, began=began), station.now)
        for step in _STEPS:
            struck = _TOLD.get(moment, moment) == step
            if not struck:
                await self._deliver(ride, self._next(ride, step))
            elif isinstance(fault, Striking):
                await self._struck(ride, self._next(ride, step), fault.on)
                await self._deliver(ride, self._next(ride, step, again=True))
            elif moment in _TOLD:
                await self._struck(ride, self._next(ride, step), self.network.unanswered, fault)
                await self._deliver(ride, self._next(ride, step, again=True))
            else:
                await self._during(ride, fault, step)
        self._alike(ride)
        await self._serves(ride)
        self._note(fault, moment, ride)

    def conclude(self) -> None:
        """Judge what the case declares over all cells that were made."""
        self.station.touch(*self._evidence)
        for requirement in (ANSWERED, SERVED, ALIKE):
            if self.spec.declares(requirement):
                with self.spec(requirement):
                    wrong = [what for name, what in self._wrong if name == requirement]
                    assert not wrong, "; ".join(wrong)

    # -- the ride -----------------------------------------------------------------------------------------------------

    def _next(self, ride: _Ride, step: Moment, *, again: bool = False, **fields: Any) -> Told:
        """The message of a step; the same one again where it is repeated."""
        if not again:
            made: Callable[..., Told] = ride.record.update
            if step in ("not started", "at stop"):
                made = ride.record.start if step == "not started" else ride.record.end
            self._made = made(**fields)
        return self._made

    async def _during(self, ride: _Ride, fault: Lasting, step: Moment) -> None:
        """A message that is made while the fault lasts: kept without a connection, sent with one."""
        if fault.drops:
            async with fault.on():
                await self.station.disconnected()
                told = self._next(ride, step, **({"offline": True} if self.profile.version == "2.0.1" else {}))
            await self._deliver(ride, told)
            return
        if fault.seconds:  # nothing goes through, and nobody says so
            async with fault.on():
                sending = asyncio.ensure_future(self._send(ride, self._next(ride, step)))
                await self._wait(fault.seconds)
                await self._give_up(sending)
                await self.station.disconnect("reset")
            await self._deliver(ride, self._next(ride, step, again=True))
            return
        async with fault.on():
            await self._deliver(ride, self._next(ride, step))

    async def _struck(self, ride: _Ride, told: Told, on: Any, then: Lasting | None = None) -> None:
        """Send a message that the network strikes, and wait no longer than that takes; another fault may follow."""
        mark = self.station.now
        async with on(told.action, 1):
            sending = asyncio.ensure_future(self._send(ride, told))
            with suppress(NotSeen):
                await self.station.until(
                    lambda: sending.done() or any(map(_strikes, self.station.transcript.since(mark))),
                    f"{told} to be on its way",
                    within=self.profile.timing.answer,
                )
            if then is None:
                await self._give_up(sending)
                return
            async with then.on():
                await self._give_up(sending)
                if not then.drops:
                    await self._wait(then.seconds)
                    await self.station.disconnect("reset")

    async def _give_up(self, sending: "asyncio.Future[Any]") -> None:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)

    async def _deliver(self, ride: _Ride, told: Told) -> None:
        """Send a message until it is acknowledged, on another connection where that is due; not for ever."""
        reason = "not sent any more"
        for _ in range(ride.tries):
            try:
                if self.station.link is None:
                    await self.station.come_back()
                await self._send(ride, told)
            except NotConnected as missed:
                ride.wrong.append((SERVED, f"{told}: {missed}"))
                reason = "kept, for there was no connection any more"
                break
            except Refused as refused:
                reason = str(refused)
                self._evidence.append(refused.entry)
                break
            except (NoAnswer, NotSeen) as missed:
                reason = str(missed)
            else:
                return
        ride.unanswered.append(str(told))
        if not ride.turned_away:
            ride.wrong.append((ANSWERED, f"{told}: {reason}"))

    async def _send(self, ride: _Ride, told: Told) -> None:
        answer = await tell(self.station, ride.record, told)
        status = token_status(answer)
        if status not in (None, "Accepted"):  # it may charge, however often its transaction is told
            ride.wrong.append((ALIKE, f"{told}: the token was answered {status}"))
            self._evidence.append(answer.entry)

    def _alike(self, ride: _Ride) -> None:
        """A start that comes again begins no other transaction (1.6: its answer has the same id, heard or not)."""
        told = self.station.transcript.exchanges(
            sender="harness", action="StartTransaction", station=self.station.identity, since=ride.mark
        )
        answers = [each.answer for each in told if each.answer and isinstance(each.answer.frame, CallResult)]
        given = [each.frame.payload.get("transactionId") for each in answers if isinstance(each.frame, CallResult)]
        if len(set(given)) > 1:
            ride.doubled = len(set(given)) - 1
            ride.wrong.append((ALIKE, f"the start was told again, and answered with {' and '.join(map(str, given))}"))
            self._evidence += answers

    async def _serves(self, ride: _Ride) -> None:
        """After all that the CSMS serves the station as before."""
        if ride.turned_away:
            return
        try:
            if self.station.link is None:
                await self.station.come_back()
            await self.station.heartbeat()
        except (NotConnected, NoAnswer, Refused, NotSeen) as missed:
            ride.wrong.append((SERVED, f"afterwards: {missed}"))
            with suppress(AssertionError):
                await self.station.disconnect("reset")

    async def _wait(self, seconds: float) -> None:
        with suppress(NotSeen):
            await self.station.until(lambda: False, "time to pass", within=seconds)

    # -- the judgement ------------------------------------------------------------------------------------------------

    def _note(self, fault: Fault, moment: Moment, ride: _Ride) -> None:
        where = f"{fault.name}, {moment}"
        self._wrong += [(name, f"{where}: {what}") for name, what in dict.fromkeys(ride.wrong)]
        missed = {name for name, _ in ride.wrong if self.spec.declares(name)}
        verdict = Verdict.FAIL if missed - {ALIKE} else Verdict.WARN if missed else Verdict.PASS
        self.spec.cells.append(
            Cell(
                fault.name,
                moment,
                verdict,
                lost=len(ride.unanswered),
                doubled=ride.doubled,
                kwh_lost=_kwh_lost(ride),
                reason="; ".join(what for _, what in ride.wrong),
            )
        )


@asynccontextmanager
async def rides(
    station: StationPeer, csms: CsmsDriver, network: StationNetwork, spec: Spec, profile: SutProfile
) -> AsyncIterator[Rides]:
    """A token that may charge, a transaction for each cell, and the judgement of them all at the end of the block."""
    made = Rides(station, network, spec, profile, await valid_token(csms, profile))
    yield made
    made.conclude()


def _strikes(entry: Entry) -> bool:
    return entry.kind == "fault" and entry.detail.get("phase") == "strikes"


def _kwh_lost(ride: _Ride) -> float:
    """What can't be billed of the energy that was told: all of it without the start, else what the end would add."""
    if "the start" in ride.unanswered:
        return _KWH * (len(_STEPS) - 1)
    return _KWH if "the end" in ride.unanswered else 0.0
