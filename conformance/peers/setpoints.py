"""Asking a station to keep to charging limits, and finding out what becomes of each of them."""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Literal

from conformance.cases.catalogue import catalogue
from conformance.cases.setpoint import Chart, Drawn, Outcome, Series, Setpoint, Unit
from conformance.cases.spec import Spec
from conformance.oracles.charging import Book, Course, EvseLimits, Running, Site, expected, reported
from conformance.oracles.charging.outcome import (
    Allowance,
    Current,
    Judged,
    Seen,
    Told,
    amps,
    judge,
    reported_otherwise,
    total,
)
from conformance.peers.ammeter import Ammeter, Look, measuring
from conformance.peers.csms import CsmsPeer
from conformance.peers.csms_dialect import Connector
from conformance.peers.received import NoAnswer, NotSeen, Received, Refused
from conformance.peers.scenes import Charging, charging, stop_charging, vacated
from conformance.sut.drivers import DriverFailed, StationDriver, Unsupported
from conformance.sut.profile import SutProfile

TOLD, ENFORCED = "SETPOINT.TOLD.01", "SETPOINT.ENFORCED.01"
REJECTED, DOWNGRADED = "SETPOINT.REJECTED.01", "SETPOINT.DOWNGRADED.01"
METER = "SETPOINT.METER.01"

Purpose = Literal["TxProfile", "TxDefaultProfile", "ChargingStationMaxProfile"]
PURPOSES: Sequence[Purpose] = ("TxProfile", "TxDefaultProfile", "ChargingStationMaxProfile")
STATION = 0
"""The place of what limits the whole station."""

RATE_UNIT, LEVELS = "ChargingScheduleAllowedChargingRateUnit", "ChargeProfileMaxStackLevel"
_AMPLE = 16.0
"""Amperes that every EVSE is taken to deliver where its profile does not say."""
_AGO = timedelta(seconds=60)
_HORIZON = timedelta(hours=1)
_LOOKS = 2
_PACE = 5
"""How often the meters are looked at in the time that a station has to follow a limit."""

_ids = count(77_000)


@dataclass
class Ride:
    """An EV that charges: its transaction, its meters, and what it draws when nobody limits it."""

    session: Charging
    meter: Ammeter
    began: datetime
    load: float | None = None
    seen: Current | None = None

    @property
    def evse(self) -> int:
        """The EVSE that it is at."""
        return self.session.connector[0]

    @property
    def connector(self) -> Connector:
        """The connector that it is at."""
        return self.session.connector


@dataclass
class _Note:
    """What was found of one rule: whether it holds, None where that could not be seen, and why."""

    holds: bool | None
    why: str


@dataclass
class _Lines:
    """What will be drawn: the limits and reports from a moment on, and what flowed when."""

    limits: list[tuple[datetime, Course | None]] = field(default_factory=list)
    reports: list[tuple[datetime, Course | None]] = field(default_factory=list)
    drawn: dict[str, list[tuple[datetime, float]]] = field(default_factory=dict)
    marks: list[tuple[datetime, str]] = field(default_factory=list)


class Trial:
    """Asks one station for limits, one after the other, and notes what becomes of each."""

    def __init__(self, station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
        self.station = station
        self.csms = csms
        self.spec = spec
        self.profile = profile
        self.rides: list[Ride] = []
        self.book = Book(profile.version)
        self.unit: Unit = "A"
        self.levels = 0
        parameters = profile.parameters
        self.allowance = Allowance(parameters.limit_tolerance.amperes, parameters.limit_tolerance.percent)
        self._speak = csms.speak
        self._clock = csms.transcript.clock.utcnow
        self._site = Site(
            evses={each.id: EvseLimits(each.phases, each.max_power_w) for each in profile.evse},
            voltage=parameters.nominal_voltage,
            least_amperes=parameters.least_current,
        )
        self._notes: dict[str, list[_Note]] = {}
        self._ids: dict[object, int] = {}
        self._lines = _Lines()
        self._silent = ""
        self._last: dict[int, Told] = {}

    # -- limits to choose from --------------------------------------------------------------------------------------

    def amperes(self, part: float) -> float:
        """A limit in whole amperes: part 0 is the least that an EV charges with, part 1 what this one draws unlimited.

        Raises AssertionError where the EV draws too little for that, or nothing at all: nobody could see a limit.
        """
        least, most = self.least, self.most
        assert most > least + 1, f"the EV draws {amps(most)} without a limit: too little to see one"
        return least + float(int(part * (most - least)))

    @property
    def least(self) -> float:
        """What an EV charges with at least."""
        return self.profile.parameters.least_current

    @property
    def most(self) -> float:
        """What the EVs at hand draw, or the EVSE delivers, or any EVSE does."""
        loads = [each.load for each in self.rides if each.load is not None]
        first = self._site.evses[self.profile.connectors[0][0]]
        capacity = self._capacity(self.profile.connectors[0][0])
        if loads and min(loads) > self.least:
            return min(loads)
        return capacity if capacity is not None else _AMPLE if first.phases else 2 * _AMPLE

    def _capacity(self, evse: int) -> float | None:
        built = self._site.evses[evse]
        watts = built.watts
        return None if watts is None else float(watts) / (self._voltage * max(built.phases, 1))

    @property
    def _voltage(self) -> float:
        return self.profile.parameters.nominal_voltage

    # -- EVs --------------------------------------------------------------------------------------------------------

    async def charge(self, connector: Connector | None = None) -> Ride:
        """Let an EV charge that wants all it can get, and see how much that is; raises as `charging` does."""
        connector = connector or self.profile.connectors[0]
        await self._want(connector[0], part=1.0)
        token = self._token(len(self.rides))
        session = await charging(self.station, self.csms, connector, token)
        return self.ride(session)

    def ride(self, session: Charging) -> Ride:
        """Watch an EV that charges already."""
        ride = Ride(session, Ammeter(self.station, self.csms, self.profile, session), self._clock())
        self.rides.append(ride)
        self._limits_changed()
        return ride

    async def unlimited(self, ride: Ride) -> None:
        """See what an EV draws that nobody limits."""
        look = await self._steady(ride)
        if look is not None:
            ride.load = min(each.least for each in look.currents)
            ride.seen = look.currents[0]

    async def leave(self, ride: Ride) -> None:
        """Stop its transaction and pull its plug; its own limits end with it."""
        await stop_charging(self.station, self.csms, ride.session, self._token(self.rides.index(ride)))
        self.gone(ride)

    def gone(self, ride: Ride) -> None:
        """Its transaction is over."""
        self.rides.remove(ride)
        self.book.transaction_over(self._transaction(ride))
        self._limits_changed()

    async def _want(self, evse: int, *, part: float) -> None:
        """Let the EVs at an EVSE want a part of what that can deliver, where the driver can."""
        power = next(each.max_power_w for each in self.profile.evse if each.id == evse)
        if power is not None and self.station.can("set_load"):
            with suppress(Unsupported, DriverFailed):
                await self.station.set_load(evse, power * part)

    def _token(self, number: int) -> Mapping[str, str]:
        parameters = self.profile.parameters
        return (parameters.valid_id_token if number == 0 else parameters.other_valid_id_token).payload

    def _transaction(self, ride: Ride) -> object:
        """Its id as profiles of this version name it."""
        identifier = ride.session.transaction_id
        return int(identifier) if self.profile.version == "1.6" else identifier

    # -- asking for a limit -----------------------------------------------------------------------------------------

    def draft(  # noqa: PLR0913 -- a limit is described by keyword
        self,
        amperes: float | Sequence[tuple[int, float]],
        *,
        purpose: Purpose = "TxProfile",
        level: int = 0,
        evse: int | None = None,
        phases: int | None = None,
        unit: str | None = None,
        transaction: str | None = None,
        start: datetime | None = None,
    ) -> dict[str, Any]:
        """A profile with this limit, or with these from so many seconds after its start on; it began a minute ago.

        The same limit set anew, of the same purpose and level at the same place, is the same profile with other
        contents.
        """
        place = STATION if purpose == "ChargingStationMaxProfile" else self._evse(evse)
        steps = [(0, amperes)] if isinstance(amperes, int | float) else list(amperes)
        own = self._site.evses[place or self._evse(None)].phases
        meant = phases or (own if own not in (0, 3) else None)
        periods = []
        for at, limit in steps:
            told = self._in_unit(limit, unit or self.unit, meant or (own or 1))
            periods.append((at, told) if meant is None else (at, told, meant))
        key = (place, purpose, level)
        fields: dict[str, Any] = {"transaction": transaction} if transaction is not None else {}
        return self._speak.charging_profile(
            id=self._ids.setdefault(key, next(_ids)),
            purpose=purpose,
            stack_level=level,
            unit=unit or self.unit,
            periods=periods,
            start=start or (self._clock() - _AGO).replace(microsecond=0),
            **fields,
        )

    def _in_unit(self, amperes: float, unit: str, phases: int) -> float:
        return amperes if unit == "A" else round(amperes * self._voltage * phases, 1)

    def _evse(self, evse: int | None) -> int:
        if evse is not None:
            return evse
        return self.rides[0].evse if self.rides else self.profile.connectors[0][0]

    async def ask(  # noqa: PLR0913 -- as above
        self,
        what: str,
        amperes: float | Sequence[tuple[int, float]],
        *,
        purpose: Purpose = "TxProfile",
        level: int = 0,
        ride: Ride | None = None,
        rules: tuple[str, str] = (TOLD, ENFORCED),
        phases: int | None = None,
        unit: str | None = None,
        start: datetime | None = None,
    ) -> Judged:
        """Ask for a limit and see what becomes of it; `rules` are what it is judged by in schedule and current."""
        ride = ride or (self.rides[0] if self.rides else None)
        payload = self.draft(
            amperes,
            purpose=purpose,
            level=level,
            evse=None if ride is None else ride.evse,
            phases=phases,
            unit=unit,
            transaction=ride.session.transaction_id if ride is not None and purpose == "TxProfile" else None,
            start=start,
        )
        place = STATION if purpose == "ChargingStationMaxProfile" else self._evse(None if ride is None else ride.evse)
        before = self._last.get(place) or await self.told(place)
        answer = await self.set(place, payload)
        self._mark(what)
        nominal = amperes if isinstance(amperes, int | float) else amperes[0][1]
        return await self._see(what, place, answer, payload, before, nominal, rules)

    async def send(self, amperes: float, ride: Ride | None = None) -> None:
        """Ask for a limit of a transaction, and look no further: another one follows."""
        ride = ride or self.rides[0]
        payload = self.draft(amperes, evse=ride.evse, transaction=ride.session.transaction_id)
        await self.set(ride.evse, payload)
        self._mark(amps(amperes))

    async def set(self, place: int, payload: Mapping[str, Any]) -> str:
        """Send a profile for an EVSE, or 0 for the station; the answer, as people read it."""
        try:
            answer = await self._speak.set_charging_profile(self._spot(place), payload)
        except Refused as refused:
            return f"CALLERROR {refused.code}"
        status = str(answer.get("status"))
        if status == "Accepted":
            self.book.set(place, payload)
            self._limits_changed()
        return _with_reason(answer, status, self.profile.version)

    def _spot(self, place: int) -> int | Connector:
        """Where a profile goes: the connector of the EV there, where there is one."""
        at = [each.connector for each in self.rides if each.evse == place]
        first = [each for each in self.profile.connectors if each[0] == place]
        return (at or first)[0] if place else STATION

    async def clear(self, *, purpose: Purpose, level: int | None = None) -> None:
        """Clear what was set for a purpose; AssertionError where the station does not do it."""
        answer = await self._speak.clear_charging_profiles(purpose=purpose, stack_level=level)
        assert answer["status"] == "Accepted", f"ClearChargingProfile of {purpose} was answered {answer['status']}"
        self.book.clear(purpose=purpose, stack_level=level)
        self._limits_changed()

    async def still(
        self,
        what: str,
        *,
        place: int | None = None,
        rules: tuple[str, str] = (TOLD, ENFORCED),
        before: Told | None = None,
    ) -> Judged:
        """See whether the limit that should hold now does, without asking for another."""
        self._mark(what)
        spot = self._evse(None) if place is None else place
        return await self._see(what, spot, "", None, before or Told(None, known=False), None, rules)

    # -- looking ----------------------------------------------------------------------------------------------------

    async def _see(  # noqa: PLR0913 -- everything that is known of one setpoint
        self,
        what: str,
        place: int,
        answer: str,
        payload: Mapping[str, Any] | None,
        before: Told,
        nominal: float | None,
        rules: tuple[str, str],
    ) -> Judged:
        accepted = answer in ("", "Accepted")
        course = self._expected(place)
        now = self._clock()
        asked, least = course.at(now), course.least(now)
        if not accepted or asked is None:
            asked = least = None
        limit = float(asked) if asked is not None else nominal
        assert limit is not None, f"no limit holds that could be looked for: {what}"
        rides = [each for each in self.rides if place in (STATION, each.evse)]
        drawn_before = total(each.seen for each in rides if each.seen is not None) if rides else None
        after = await self.told(place)
        seen = Seen(
            asked=limit,
            least=None if least is None else float(least),
            accepted=accepted,
            before=before,
            after=after,
            drawn=await self._drawn(rides, limit) if rides else (),
            drawn_before=drawn_before if any(each.seen for each in rides) else None,
            load=self._load(rides),
            capacity=self._capacity(place) if place else None,
        )
        if payload is not None and reported_otherwise(seen):
            await self.set(place, payload)
            seen = replace(seen, again=await self.told(place))
        judged = judge(seen, self.allowance)
        self._record(what, nominal if nominal is not None else limit, answer, seen, judged, rules, measured=bool(rides))
        return judged

    def _load(self, rides: Sequence[Ride]) -> float | None:
        loads = [each.load for each in rides if each.load is not None]
        return sum(loads) if rides and len(loads) == len(rides) else None

    def _running(self) -> list[Running]:
        return [Running(each.evse, self._transaction(each), each.began) for each in self.rides]

    def _expected(self, place: int) -> Course:
        """What the limit is, by the rules, from now on."""
        now = self._clock()
        return expected(self.book, self._site, place, now - timedelta(seconds=1), now + _HORIZON, "A", self._running())

    async def course(self, place: int) -> tuple[Course | None, Course]:
        """What the station reports for the next hour, None where it reports nothing, and what is expected."""
        begin = self._clock()
        found = await self._schedule(place, int(_HORIZON.total_seconds()))
        first, last = begin, begin + _HORIZON
        return found, expected(self.book, self._site, place, first, last, self.unit, self._running())

    async def told(self, place: int) -> Told:
        """What the station reports of the limit that holds now."""
        if self.csms.link is None:
            return Told(None, known=False)
        course = await self._schedule(place, int(_HORIZON.total_seconds()))
        self._lines.reports.append((self._clock(), course if place == self.place else None))
        if course is None:
            told = Told(None, self._silent)
        else:
            value = course.at(max(course.first, self._clock()))
            told = Told(None if value is None else self._amperes(float(value), place))
        self._last[place] = told
        return told

    def _amperes(self, value: float, place: int) -> float:
        if self.unit == "A":
            return value
        phases = self._site.evses[place].phases if place else max(each.phases for each in self._site.evses.values())
        return value / (self._voltage * max(phases, 1))

    async def _schedule(self, place: int, seconds: int) -> Course | None:
        """The composite schedule, None where the station gives none; then `_silent` says how that was."""
        if self._silent.startswith("no answer"):
            return None
        asked = self._clock()
        try:
            answer = await self._speak.composite_schedule(self._spot(place), seconds, self.unit)
            self._silent = f"GetCompositeSchedule was answered {answer.get('status')}, without a schedule"
            return reported(answer, asked=asked, seconds=seconds) if answer.get("status") == "Accepted" else None
        except Refused as refused:
            self._silent = f"GetCompositeSchedule was answered with CALLERROR {refused.code}"
        except NoAnswer:
            self._silent = "no answer came to GetCompositeSchedule"
        except ValueError as wrong:
            self._silent = f"the schedule can't be read: {wrong}"[:200]
        return None

    async def _drawn(self, rides: Sequence[Ride], limit: float) -> tuple[Current, ...]:
        """What all these EVs draw together once they had time to follow a limit; empty where it can't be measured."""
        most = self.allowance.above(limit)
        deadline = time.monotonic() + self.profile.timing.ramp
        kept: list[tuple[Current, ...]] = []
        while True:
            over = time.monotonic() >= deadline
            looks = [await self._look(each, thorough=over or bool(kept)) for each in rides]
            if any(each is None for each in looks):
                return ()
            found = _together([each for each in looks if each is not None])
            kept = [*kept, found] if over or all(each.most <= most for each in found) else []
            if len(kept) >= _LOOKS:
                break
            if not kept:
                await self._wait(self.profile.timing.ramp / _PACE)
        for ride, look in zip(rides, looks, strict=True):
            assert look is not None
            ride.seen = look.currents[0]
            self._compare(ride, look)
        return tuple(each for one in kept for each in one)

    async def _steady(self, ride: Ride) -> Look | None:
        """What flows when it has settled: two looks that show the same, or the last that time allows."""
        deadline = time.monotonic() + self.profile.timing.ramp
        before: Look | None = None
        while True:
            look = await self._look(ride, thorough=True)
            if look is None:
                return None
            steady = before is not None and abs(look.currents[0].least - before.currents[0].least) <= _STEADY
            if (steady and look.currents[0].least > 0) or time.monotonic() >= deadline:
                self._compare(ride, look)
                return look
            before = look
            if look.currents[0].least == 0:
                await self._wait(self.profile.timing.ramp / _PACE)

    async def _look(self, ride: Ride, *, thorough: bool) -> Look | None:
        look = await ride.meter.look(thorough=thorough)
        if look is not None:
            worst = max(look.currents, key=lambda each: each.least)
            self._lines.drawn.setdefault(f"EVSE {ride.evse}", []).append((look.at, worst.most))
        return look

    def _compare(self, ride: Ride, look: Look) -> None:
        """Whether the two meters agree, where there are two."""
        if look.told is None or look.shown is None or not self.spec.declares(METER):
            return
        told, shown = look.told, look.shown
        slack = max(self.allowance.amperes, shown.most * self.allowance.percent / 100)
        apart = max(told.least - shown.most, shown.least - told.most)
        words = f"the station tells of {amps(told.most)} at EVSE {ride.evse}, the other meter shows {amps(shown.most)}"
        self.note(METER, words, holds=apart <= slack)

    async def _wait(self, seconds: float) -> None:
        with suppress(NotSeen):
            await self.csms.until(lambda: False, "the station to follow its limit", within=seconds)

    # -- noting -----------------------------------------------------------------------------------------------------

    def note(self, rule: str, why: str, *, holds: bool | None) -> None:
        """Note whether a rule holds, None where that could not be seen, and why."""
        self._notes.setdefault(rule, []).append(_Note(holds, why))

    def _record(  # noqa: PLR0913 -- as above
        self,
        what: str,
        asked: float,
        answer: str,
        seen: Seen,
        judged: Judged,
        rules: tuple[str, str],
        *,
        measured: bool,
    ) -> None:
        last = max(seen.drawn, key=lambda each: each.least, default=None)
        self.spec.setpoints.append(
            Setpoint(
                what,
                round(asked, 1),
                judged.outcome,
                answer or "not asked again",
                None if seen.after.limit is None else round(seen.after.limit, 2),
                None if last is None else round(last.most, 2),
                reason=judged.reason,
            )
        )
        told, kept = rules
        because = f"{what}: {judged.reason or judged.outcome.value}"
        if not seen.accepted:
            clean = judged.outcome is Outcome.REJECTED
            rule = REJECTED if self.spec.declares(REJECTED) else kept
            self.note(rule, f"{because} ({answer})", holds=None if judged.outcome is Outcome.NOT_JUDGED else clean)
            return
        if judged.outcome is Outcome.CONTRADICTED:
            self.note(DOWNGRADED if self.spec.declares(DOWNGRADED) else told, because, holds=False)
        else:
            self.note(told, because, holds=judged.told)
            if judged.outcome is Outcome.DOWNGRADED:
                self.note(DOWNGRADED, because, holds=True)
        if measured:
            self.note(kept, because, holds=judged.kept)

    def conclude(self) -> None:
        """Judge what the case declares by everything that was noted, and keep the chart."""
        for rule in self.spec.case.requirements:
            notes = self._noted(rule)
            if any(each.holds is not None for each in notes):
                with self.spec(rule):
                    misses = [each.why for each in notes if each.holds is False]
                    assert not misses, "; ".join(dict.fromkeys(misses))
            unseen = list(dict.fromkeys(each.why for each in notes if each.holds is None))
            if unseen and all(each.holds is not False for each in notes):
                self.spec.unproven(rule, "; ".join(unseen))
            if not notes and rule not in self.spec.judged:
                self.spec.excuse(rule, "nothing happened that it is about")

    def blame(self) -> None:
        """Judge only what was missed: where the case has come to a premature end."""
        for rule in self.spec.case.requirements:
            misses = [each.why for each in self._noted(rule) if each.holds is False]
            if misses:
                with self.spec(rule):
                    raise AssertionError("; ".join(dict.fromkeys(misses)))

    def _noted(self, rule: str) -> list[_Note]:
        """What was noted of a rule, by whatever id it goes in this version."""
        known = catalogue(self.profile.version)
        return [note for name, notes in self._notes.items() if rule in known.named(name) for note in notes]

    # -- the chart --------------------------------------------------------------------------------------------------

    place: int = 1
    """Whose limit the chart shows: an EVSE, or the station."""

    def _limits_changed(self) -> None:
        self._lines.limits.append((self._clock(), self._expected(self.place)))

    def _mark(self, what: str) -> None:
        self._lines.marks.append((self._clock(), what))

    def mark(self, what: str) -> None:
        """Note in the chart that something is done now."""
        self._mark(what)

    def drew(self, ride: Ride, found: Sequence[tuple[datetime, Current]]) -> None:
        """Note in the chart what was told later of what flowed before."""
        self._lines.drawn.setdefault(f"EVSE {ride.evse}", []).extend((at, each.most) for at, each in found)

    def chart(self, title: str) -> Chart:
        """What was asked for, reported and drawn."""
        lines = self._lines
        drawn = {name: sorted(points) for name, points in lines.drawn.items()}
        times = [at for points in drawn.values() for at, _ in points]
        times += [at for at, _ in [*lines.limits, *lines.reports]] + [at for at, _ in lines.marks]
        begin, end = (min(times), max(times)) if times else (self._clock(), self._clock())

        def since(at: datetime) -> float:
            return round((at - begin).total_seconds(), 3)

        def steps(kind: Drawn, found: Sequence[tuple[datetime, Course | None]], of: Callable[[float], float]) -> Series:
            points: list[tuple[float, float | None]] = []
            ends = [at for at, _ in found[1:]] + [end]
            for (at, course), until in zip(found, ends, strict=True):
                inner = [] if course is None else [each.start for each in course.steps if at < each.start < until]
                for moment in [at, *inner]:
                    value = None if course is None else course.at(max(course.first, moment))
                    points.append((since(moment), None if value is None else round(of(float(value)), 2)))
            if points:
                points.append((since(end), points[-1][1]))
            return Series(kind, tuple(points))

        several = len(drawn) > 1
        own = [each for each in lines.reports if each[1] is not None or not any(one for _, one in lines.reports)]
        series = [
            steps("limit", lines.limits, lambda value: value),
            steps("reported", own, lambda value: self._amperes(value, self.place)),
            *(
                Series("drawn", tuple((since(at), round(value, 2)) for at, value in points), name if several else "")
                for name, points in drawn.items()
            ),
        ]
        marks = tuple((since(at), what) for at, what in lines.marks)
        return Chart(title, tuple(each for each in series if each.points), marks=marks)


_STEADY = 0.5
"""Amperes by which two looks at a meter may differ where nothing changes."""


def _together(looks: Sequence[Look]) -> tuple[Current, ...]:
    """What several EVs draw together: by the station's meters, and by those of somebody else where all have one."""
    found = []
    for which in ("told", "shown"):
        each = [getattr(look, which) for look in looks]
        if all(one is not None for one in each):
            found.append(total(each))
    return tuple(found) or (total(look.currents[0] for look in looks),)


def _with_reason(answer: Received, status: str, version: str) -> str:
    """A refusal with its reason, or with the remark that it has none where one could have been given."""
    if status == "Accepted" or version == "1.6":
        return status
    info = answer.get("statusInfo")
    reason = info.get("reasonCode") if isinstance(info, dict) else None
    return f"{status} ({reason or 'no reason given'})"


@asynccontextmanager
async def setpoints(
    station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile, *, place: int | None = None
) -> AsyncIterator[Trial]:
    """Have a station without any limit, with its meters on, for a block; judge and leave it so at the end.

    `place` is whose limit the chart shows, 0 for the station; the first EVSE unless told.
    """
    async with AsyncExitStack() as afterwards:
        await afterwards.enter_async_context(_unlimited(csms))
        await afterwards.enter_async_context(measuring(csms, profile))
        await afterwards.enter_async_context(vacated(station, csms))
        trial = Trial(station, csms, spec, profile)
        trial.unit, trial.levels = await _unit(csms), await _levels(csms)
        trial.place = profile.connectors[0][0] if place is None else place
        afterwards.push_async_callback(_restore_loads, trial)
        try:
            yield trial
        except (AssertionError, Unsupported, DriverFailed):
            trial.blame()
            raise
        finally:
            spec.charts.append(trial.chart(spec.case.title))
        trial.conclude()


async def _restore_loads(trial: Trial) -> None:
    """Let EVs want an ordinary amount again."""
    for evse in {each[0] for each in trial.profile.connectors}:
        await trial._want(evse, part=0.5)  # noqa: SLF001 -- of this module


async def _unit(csms: CsmsPeer) -> Unit:
    """The unit of limits: amperes where the station takes them or does not say, else watts."""
    try:
        said = await csms.speak.read(RATE_UNIT)
    except AssertionError:
        return "A"
    units = {each.strip().lower() for each in said.split(",")}
    return "W" if units & {"w", "power"} and not units & {"a", "current"} else "A"


async def _levels(csms: CsmsPeer) -> int:
    """The highest stack level; 0 where the station does not say."""
    try:
        return int(await csms.speak.read(LEVELS))
    except (AssertionError, ValueError):
        return 0


@asynccontextmanager
async def _unlimited(csms: CsmsPeer) -> AsyncIterator[None]:
    """No profile of ours before a block, and none after it."""
    await clear_all(csms)
    try:
        yield
    finally:
        with suppress(AssertionError):
            await csms.connected()
            await clear_all(csms)


async def clear_all(csms: CsmsPeer) -> None:
    """Clear whatever a CSMS can have set; what the station says to that is not looked at."""
    for purpose in PURPOSES:
        with suppress(Refused):
            await csms.speak.clear_charging_profiles(purpose=purpose)
