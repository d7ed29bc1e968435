"""Watching what EVs draw while a station is asked for limits, until they had time to follow."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from conformance.oracles.charging.outcome import Allowance, Current, amps, total
from conformance.oracles.charging.recording import Recording
from conformance.peers.ammeter import Ammeter, Look, other_meter
from conformance.peers.csms import CsmsPeer
from conformance.peers.csms_dialect import Connector
from conformance.peers.received import NotSeen
from conformance.peers.scenes import Charging
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile

_LOOKS = 2
_PACE = 5
"""How often the meters are looked at in the time that a station has to follow a limit."""

_STEADY = 0.5
"""Amperes by which two looks at a meter may differ where nothing changes."""

_NEAR = 0.8
"""The part of a limit that an EV draws which has come up to it; one that draws less may still be on its way."""


@dataclass
class Ride:
    """An EV that charges: its transaction, its meters, and what it draws when nobody limits it.

    `seen` and `watts` are what it was last seen to draw.
    """

    session: Charging
    meter: Ammeter
    began: datetime
    load: float | None = None
    seen: Current | None = None
    watts: float | None = None

    @property
    def evse(self) -> int:
        """The EVSE that it is at."""
        return self.session.connector[0]

    @property
    def connector(self) -> Connector:
        """The connector that it is at."""
        return self.session.connector


class Watch:
    """Looks at the meters of EVs; `compared` is told in words whether the two meters of one agree, where it has two."""

    def __init__(
        self, csms: CsmsPeer, profile: SutProfile, record: Recording, compared: Callable[[str, bool], None]
    ) -> None:
        self._csms = csms
        self._profile = profile
        self._record = record
        self._compared = compared
        self._clock = csms.transcript.clock.utcnow
        tolerance = profile.parameters.limit_tolerance
        self.allowance = Allowance(tolerance.amperes, tolerance.percent)

    async def drawn(self, rides: Sequence[Ride], limit: float) -> tuple[Current, ...]:
        """What all these EVs draw together once they had time to follow a limit; empty where it can't be measured."""
        most, deadline = self.allowance.above(limit), self._deadline()
        kept: list[tuple[Current, ...]] = []
        while True:
            over = time.monotonic() >= deadline
            looks = [await self.look(each, thorough=over or bool(kept)) for each in rides]
            if any(each is None for each in looks):
                return ()
            found = _together([each for each in looks if each is not None])
            if len(rides) > 1:
                self.flowed(None, max(each.most for each in found))
            kept = [*kept, found] if over or self._is_there(found, limit, most) else []
            if len(kept) >= _LOOKS:
                break
            if not kept:
                await self.pause()
        for ride, look in zip(rides, looks, strict=True):
            assert look is not None
            ride.seen, ride.watts = look.currents[0], look.watts
            self._compare(ride, look)
        return tuple(each for one in kept for each in one)

    def _is_there(self, found: Sequence[Current], limit: float, most: float) -> bool:
        """Whether what flows has come down, or up, to a limit."""
        near = limit * _NEAR if limit >= self._profile.parameters.least_current else 0.0
        return all(each.most <= most and each.most >= near for each in found)

    async def steady(self, ride: Ride) -> Look | None:
        """What flows when it has settled: two looks that show the same, or the last that time allows."""
        deadline = self._deadline()
        before: Look | None = None
        while True:
            look = await self.look(ride)
            if look is None:
                return None
            steady = before is not None and abs(look.currents[0].least - before.currents[0].least) <= _STEADY
            if (steady and look.currents[0].least > 0) or time.monotonic() >= deadline:
                self._compare(ride, look)
                return look
            before = look
            if look.currents[0].least == 0:
                await self.pause()

    async def flows(self, ride: Ride) -> None:
        """Wait until energy flows, where the meters show it; raises AssertionError where none comes to."""
        deadline = time.monotonic() + self._csms.patience.for_action("StatusNotification")
        while True:
            look = await self.look(ride)
            if look is None or look.currents[0].least > 0:
                return
            assert time.monotonic() < deadline, f"no energy came to flow at EVSE {ride.evse}"
            await self.pause()

    async def other(self, station: StationDriver, ride: Ride | None, evse: int, limit: float | None) -> Current | None:
        """What the meter of somebody else shows once a limit had time to be followed, None where there is none."""
        deadline = self._deadline()
        while True:
            current = await other_meter(station, self._profile, evse) if ride is None else await ride.meter.shown()
            there = limit is not None and current is not None and 0 < current.most <= self.allowance.above(limit)
            if current is None or there or time.monotonic() >= deadline:
                return current
            await self.pause()

    async def until(self, moment: datetime, rides: Sequence[Ride]) -> None:
        """Let the time pass until a moment, looking at the meters now and then for the chart."""
        ramp = self._profile.timing.ramp
        while (left := (moment - self._clock()).total_seconds()) > 0:
            await self._wait(min(left, max(ramp, left / _PACE)))
            if self._csms.link is not None and (moment - self._clock()).total_seconds() > ramp:
                for ride in rides:
                    await self.look(ride, thorough=False)

    async def look(self, ride: Ride, *, thorough: bool = True) -> Look | None:
        """One look at the meters of an EV, None where there are none."""
        look = await ride.meter.look(thorough=thorough)
        if look is not None:
            worst = max(look.currents, key=lambda each: each.least)
            self.flowed(ride.evse, worst.most, look.at)
        return look

    def flowed(self, evse: int | None, amperes: float | None, at: datetime | None = None) -> None:
        """Keep for the chart what flows at an EVSE, or with None at both together; the line ends where nothing does."""
        self._record.flowed("both" if evse is None else f"EVSE {evse}", at or self._clock(), amperes)

    def _compare(self, ride: Ride, look: Look) -> None:
        """Whether the two meters agree, where there are two."""
        if look.told is None or look.shown is None:
            return
        told, shown = look.told, look.shown
        apart = max(told.least - shown.most, shown.least - told.most)
        words = f"the station tells of {amps(told.most)} at EVSE {ride.evse}, the other meter shows {amps(shown.most)}"
        self._compared(words, apart <= self.allowance.above(shown.most) - shown.most)

    async def pause(self) -> None:
        """Give the station a part of the time that it has to follow a limit."""
        await self._wait(self._profile.timing.ramp / _PACE)

    def _deadline(self) -> float:
        return time.monotonic() + self._profile.timing.ramp

    async def _wait(self, seconds: float) -> None:
        with suppress(NotSeen):
            await self._csms.until(lambda: False, "the station to follow its limit", within=seconds)


def _together(looks: Sequence[Look]) -> tuple[Current, ...]:
    """What several EVs draw together: by the station's meters, and by those of somebody else where all have one."""
    found = []
    for which in ("told", "shown"):
        each = [getattr(look, which) for look in looks]
        if all(one is not None for one in each):
            found.append(total(each))
    return tuple(found) or (total(look.currents[0] for look in looks),)
