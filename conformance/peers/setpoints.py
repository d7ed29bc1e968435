"""Asking a station to keep to charging limits, and finding out what becomes of each of them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from conformance.cases.catalogue import catalogue
from conformance.cases.setpoint import Chart, Outcome, Setpoint, Unit
from conformance.cases.spec import Spec
from conformance.oracles.charging import Book, Course, EvseLimits, Running, Site, differences, expected, reported
from conformance.oracles.charging.outcome import (
    SLACK,
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
from conformance.oracles.charging.recording import Recording
from conformance.peers.ammeter import Ammeter, measuring
from conformance.peers.csms import CsmsPeer
from conformance.peers.csms_dialect import Connector
from conformance.peers.limits_told import limits_told
from conformance.peers.received import NoAnswer, NotSeen, Received, Refused
from conformance.peers.scenes import Charging, latest_statuses, stop_charging, transaction, vacated
from conformance.peers.setpoint_watch import Ride, Watch
from conformance.peers.standing_profiles import clear_all, set_aside
from conformance.sut.drivers import DriverFailed, StationDriver, Unsupported
from conformance.sut.profile import SutProfile

__all__ = [
    "COURSE",
    "DOWNGRADED",
    "ENFORCED",
    "KEPT",
    "METER",
    "PHASES",
    "PURPOSES",
    "REJECTED",
    "STATION",
    "TOLD",
    "Purpose",
    "Ride",
    "Trial",
    "setpoints",
]

TOLD, ENFORCED = "SETPOINT.TOLD.01", "SETPOINT.ENFORCED.01"
REJECTED, DOWNGRADED = "SETPOINT.REJECTED.01", "SETPOINT.DOWNGRADED.01"
METER, PHASES, COURSE, KEPT = "SETPOINT.METER.01", "SETPOINT.PHASES.01", "SETPOINT.COURSE.01", "SETPOINT.KEPT.01"

Purpose = Literal["TxProfile", "TxDefaultProfile", "ChargingStationMaxProfile"]
PURPOSES: Sequence[Purpose] = ("TxProfile", "TxDefaultProfile", "ChargingStationMaxProfile")
STATION = 0
"""The place of what limits the whole station."""

_AMPLE = 16.0
"""Amperes that every EVSE is taken to deliver where its profile does not say."""
_AGO = timedelta(seconds=60)
_HORIZON = timedelta(hours=1)
_AMPERES: frozenset[Unit] = frozenset({"A"})
_FIRST_ID = 77_000


@dataclass
class _Note:
    """What was found of one rule: whether it holds, None where that could not be seen, and why."""

    holds: bool | None
    why: str


class Trial:
    """Asks one station for limits, one after the other, and notes what becomes of each."""

    def __init__(self, station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
        self.station = station
        self.csms = csms
        self.spec = spec
        self.profile = profile
        self.rides: list[Ride] = []
        self.book = Book(profile.version)
        self.units = _AMPERES
        self.levels = 0
        self.periods = 1
        parameters = profile.parameters
        self._speak = csms.speak
        self._clock = csms.transcript.clock.utcnow
        self._site = Site(
            evses={each.id: EvseLimits(each.phases, each.max_power_w) for each in profile.evse},
            voltage=parameters.nominal_voltage,
            least_amperes=parameters.least_current,
        )
        self._notes: dict[str, list[_Note]] = {}
        self._answers: dict[int, str] = {}
        self._record = Recording()
        self._silent = ""
        self._loads: dict[int, float] = {}
        self._watch = Watch(csms, profile, self._record, self._meters_compared)

    @property
    def allowance(self) -> Allowance:
        """How far above a limit the current may be."""
        return self._watch.allowance

    # -- limits to choose from --------------------------------------------------------------------------------------

    def amperes(self, part: float) -> float:
        """A limit in whole amperes: part 0 is the least that an EV charges with, part 1 what this one draws unlimited.

        Raises AssertionError where the EV draws too little for that, or nothing at all: nobody could see a limit.
        """
        least, most = self.least, self.most
        assert most > least + 1, f"the EV draws {amps(most)} without a limit: too little to see one"
        return least + float(int(part * (most - least)))

    @property
    def unit(self) -> Unit:
        """The unit in which it is asked: amperes where the station takes them."""
        return "A" if "A" in self.units else "W"

    @property
    def capacity(self) -> float | None:
        """What the first EVSE delivers at most in each phase, None where nobody knows."""
        return self._capacity(self.profile.connectors[0][0])

    @property
    def least(self) -> float:
        """What an EV charges with at least."""
        return self.profile.parameters.least_current

    @property
    def most(self) -> float:
        """What the EVs at hand draw, or the EVSE delivers, or any EVSE does."""
        loads = list(self._loads.values())
        if loads and min(loads) > self.least:
            return min(loads)
        return _AMPLE if self.capacity is None else self.capacity

    def _capacity(self, evse: int) -> float | None:
        built = self._site.evses[evse]
        watts = built.watts
        return None if watts is None else float(watts) / (self._voltage * max(built.phases, 1))

    @property
    def _voltage(self) -> float:
        return self.profile.parameters.nominal_voltage

    # -- EVs --------------------------------------------------------------------------------------------------------

    async def charge(self, connector: Connector | None = None) -> Ride:
        """Let an EV charge that wants all it can get; raises as `transaction` does.

        A station that never says that energy flows is given the time to do so, and not more.
        """
        connector = connector or self.profile.connectors[0]
        await self.hungry(connector[0])
        token = self._token(len(self.rides))
        mark = self.csms.now
        session = await transaction(self.station, self.csms, connector, token)
        with suppress(NotSeen):
            session = replace(session, event=await self._speak.energy(session, after=mark))
        return self.ride(session)

    async def charge_unlimited(self, connector: Connector | None = None) -> Ride:
        """Let an EV charge, and see what it draws when nobody limits it."""
        ride = await self.charge(connector)
        await self.unlimited(ride)
        return ride

    def ride(self, session: Charging, brought: Mapping[str, Any] | None = None) -> Ride:
        """Watch an EV that charges already; its start may have brought a profile."""
        meter = Ammeter(self.station, self.csms, self.profile, session)
        ride = Ride(session, meter, self._clock(), self._loads.get(session.connector[0]))
        self.rides.append(ride)
        if brought is not None:
            self.book.set(ride.evse, brought, transaction=self._transaction(ride))
        self._limits_changed()
        return ride

    async def unlimited(self, ride: Ride) -> None:
        """See what an EV draws that nobody limits; the next one there is taken to draw as much."""
        look = await self._watch.steady(ride)
        if look is not None:
            ride.load = self._loads[ride.evse] = min(each.least for each in look.currents)
            ride.seen = look.currents[0]

    async def flows(self, ride: Ride) -> None:
        """Wait until energy flows, where the meters show it; raises AssertionError where none comes to."""
        await self._watch.flows(ride)

    async def leave(self, ride: Ride) -> None:
        """Stop its transaction, pull its plug, and wait until another one may come; its own limits end with it."""
        await stop_charging(self.station, self.csms, ride.session, self._token(self.rides.index(ride)))
        self.gone(ride)

        def free() -> bool:
            latest = latest_statuses(self.csms, after=0).get(ride.connector)
            return latest is None or latest.status in ("Available", "Unavailable", "Faulted")

        with suppress(NotSeen):
            within = self.csms.patience.for_action("StatusNotification")
            await self.csms.until(free, "the connector to be free again", within=within)

    def gone(self, ride: Ride) -> None:
        """Its transaction is over."""
        self.rides.remove(ride)
        self._watch.flowed(ride.evse, None)
        self.book.transaction_over(self._transaction(ride))
        self._limits_changed()

    async def hungry(self, evse: int) -> None:
        """Let EVs at an EVSE want all that it can deliver, where the driver can."""
        await self._want(evse, part=1.0)

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
        contents, from one case to the next: no two of them can be in each other's way.
        """
        place = STATION if purpose == "ChargingStationMaxProfile" else self._evse(evse)
        steps = [(0, amperes)] if isinstance(amperes, int | float) else list(amperes)
        own = self._site.evses[place or self._evse(None)].phases
        meant = phases or (own if own not in (0, 3) else None)
        periods = []
        for at, limit in steps:
            told = self._in_unit(limit, unit or self.unit, meant or (own or 1))
            periods.append((at, told) if meant is None else (at, told, meant))
        number = _FIRST_ID + 100 * place + 10 * PURPOSES.index(purpose) + level
        fields: dict[str, Any] = {"transaction": transaction} if transaction is not None else {}
        return self._speak.charging_profile(
            id=number,
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
        watch: bool = True,
    ) -> Judged:
        """Ask for a limit and see what becomes of it; `rules` are what it is judged by in schedule and current.

        Where not to `watch`, the current is not looked at: because no energy flows, for instance.
        """
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
        before = await self.told(place)
        answer = await self.set(place, payload)
        self.mark(what)
        nominal = amperes if isinstance(amperes, int | float) else amperes[0][1]
        return await self._see(what, place, answer, payload, before, nominal, rules, watch=watch)

    async def refused(self, what: str, amperes: float, place: int, payload: Mapping[str, Any]) -> None:
        """Ask for what has to be rejected, and see that nothing changes.

        A station that accepts it is left to other cases: nobody knows what should become of it.
        """
        before = await self.told(place)
        accepted = await self._request(place, payload)
        self.mark(what)
        if accepted.startswith("Accepted"):
            reason = "it was accepted; whether it may be is for other cases to say"
            self.spec.setpoints.append(Setpoint(what, amperes, Outcome.NOT_JUDGED, accepted, reason=reason))
            await clear_all(self.csms)
            return
        await self._see(what, place, accepted, payload, before, amperes, (REJECTED, REJECTED))

    async def send(self, amperes: float, ride: Ride | None = None) -> None:
        """Ask for a limit of a transaction, and look no further: another one follows."""
        ride = ride or self.rides[0]
        payload = self.draft(amperes, evse=ride.evse, transaction=ride.session.transaction_id)
        await self.set(ride.evse, payload)
        self.mark(amps(amperes))

    async def set(self, place: int, payload: Mapping[str, Any]) -> str:
        """Have a profile hold for an EVSE, or with 0 for the station; the answer, as people read it."""
        answer = await self._request(place, payload)
        if answer == "Accepted":
            self.book.set(place, payload)
            self._limits_changed()
        return answer

    async def _request(self, place: int, payload: Mapping[str, Any]) -> str:
        try:
            answer = await self._speak.set_charging_profile(self._spot(place), payload)
        except Refused as refused:
            return f"CALLERROR {refused.code}"
        return _with_reason(answer, str(answer.get("status")), self.profile.version)

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
    ) -> None:
        """See whether the limit that should hold now does, without asking for another; nothing where none was taken."""
        spot = self._evse(None) if place is None else place
        if self._expected(spot).at(self._clock()) is not None:
            self.mark(what)
            await self._see(what, spot, "", None, Told(None, known=False), None, rules)

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
        *,
        watch: bool = True,
    ) -> Judged:
        accepted = answer in ("", "Accepted")
        course = self._expected(place)
        now = self._clock()
        asked, least = course.at(now), course.least(now)
        if not accepted or asked is None:
            asked = least = None
        limit = float(asked) if asked is not None else nominal
        assert limit is not None, f"no limit holds that could be looked for: {what}"
        rides = [each for each in self.rides if watch and place in (STATION, each.evse)]
        drawn_before = total(each.seen for each in rides if each.seen is not None) if rides else None
        after = await self.told(place)
        seen = Seen(
            asked=limit,
            least=None if least is None else float(least),
            accepted=accepted,
            before=before,
            after=after,
            drawn=await self._watch.drawn(rides, limit) if rides else (),
            drawn_before=drawn_before if any(each.seen for each in rides) else None,
            load=self._load(rides),
            capacity=self._capacity(place) if place else None,
        )
        if payload is not None and reported_otherwise(seen):
            await self.set(place, payload)
            seen = replace(seen, again=await self.told(place))
        judged = judge(seen, self.allowance)
        if accepted and not judged.told and not self._tells_idle(place):
            judged = judge(replace(seen, after=Told(None, known=False)), self.allowance)
        said = self._answers.pop(place, "") or answer
        if not rides and judged.outcome is Outcome.NOT_JUDGED:
            self._answers[place] = said  # nobody charges: what becomes of it is still to be seen
        else:
            self._row(what, nominal if nominal is not None else limit, said, seen, _yet_to_show(judged, rides))
        self._judge(what, answer, seen, judged, rules, measured=bool(rides))
        return judged

    def _tells_idle(self, place: int) -> bool:
        """Whether the documents say what is reported: of a connector that nobody charges at, those of 1.6 do not."""
        charging = place == STATION or any(each.evse == place for each in self.rides)
        return charging or self.profile.version != "1.6"

    def _load(self, rides: Sequence[Ride]) -> float | None:
        loads = [each.load for each in rides if each.load is not None]
        return sum(loads) if rides and len(loads) == len(rides) else None

    def _running(self) -> list[Running]:
        return [Running(each.evse, self._transaction(each), each.began) for each in self.rides]

    def _expected(self, place: int) -> Course:
        """What the limit is, by the rules, from now on."""
        now = self._clock()
        return expected(self.book, self._site, place, now - timedelta(seconds=1), now + _HORIZON, "A", self._running())

    async def follows(self, rule: str) -> None:
        """Note whether the composite schedule of the next hour is as the rules have it, but for a moment at edges."""
        place = self.place
        begin = self._clock()
        found = await self._schedule(place, int(_HORIZON.total_seconds()))
        if found is None:
            self.note(rule, self._silent, holds=False)
            return
        wanted = expected(self.book, self._site, place, begin, begin + _HORIZON, self.unit, self._running())
        edge = 1 + self.profile.timing.tolerance
        wrong = differences(found, wanted, tolerance=self._slack(place), edge=edge)
        self.note(rule, f"the schedule of the next hour: {'; '.join(wrong)}", holds=not wrong)

    def _slack(self, place: int) -> float:
        """How far a reported limit may be off, in the unit of the station."""
        return SLACK if self.unit == "A" else SLACK * self._voltage * max(self._site.evses[place].phases, 1)

    async def told(self, place: int) -> Told:
        """What the station reports of the limit that holds now."""
        if self.csms.link is None:
            return Told(None, known=False)
        course = await self._schedule(place, int(_HORIZON.total_seconds()))
        if place == self.place:
            self._record.reports.append((self._clock(), course))
        if course is None:
            told = Told(None, self._silent)
        else:
            value = course.at(max(course.first, self._clock()))
            told = Told(None if value is None else self._amperes(float(value), place))
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
            if "schedule" in answer or "chargingSchedule" in answer:
                self._silent = f"the schedule can't be read: {wrong}"[:200]
        return None

    def one_phase(self, ride: Ride, amperes: float) -> None:
        """Note whether an EV that was last seen takes no more than this on one phase alone, by its power."""
        watts = ride.watts
        most = self._voltage * self.allowance.above(amperes)
        words = f"{amps(amperes)} on one phase is {self._voltage * amperes:.0f} W"
        if watts is None:
            self.note(PHASES, f"{words}, and the power could not be measured", holds=None)
        else:
            self.note(PHASES, f"{words}, and {watts:.0f} W are drawn", holds=watts <= most)

    @property
    def sampled_within(self) -> float:
        """Seconds in which the station takes a sample, where it was set to, and the current had time to follow."""
        timing = self.profile.timing
        return self.profile.parameters.meter_interval + timing.ramp + timing.settle

    async def until(self, moment: datetime) -> None:
        """Let the time pass until a moment."""
        await self._watch.until(moment, self.rides)

    async def kept_offline(self, ride: Ride, rule: str, *, since: datetime, until: datetime, after: int) -> None:
        """Judge what the station tells, once it is back, of what flowed while it was cut off."""

        def told() -> list[tuple[datetime, Current]]:
            found = ride.meter.told(after=after)
            return [(each.at, each.current) for each in found if each.current is not None and since <= each.at <= until]

        shown = any(each.known is False for each in self.spec.setpoints)
        if not shown:
            timing = self.profile.timing
            with suppress(NotSeen):
                within = max(timing.queue, timing.settle) + timing.answer
                await self.csms.until(lambda: bool(told()), "what flowed without a connection", within=within)
        for at, current in told():
            self._watch.flowed(ride.evse, current.most, at)
            self._judge_offline(rule, current, f"at {at:%H:%M:%S}", self._expected_at(ride.evse, at))
        if not shown and not told():
            self.note(rule, "nobody could see what flowed without a connection", holds=None)

    async def shown_offline(self, ride: Ride | None, evse: int, rule: str) -> bool:
        """Judge what the meter of somebody else shows while the station is cut off; False where there is none."""
        limit = self._expected_at(evse, self._clock())
        current = await self._watch.other(self.station, ride, evse, limit)
        if current is None:
            return False
        self._watch.flowed(evse, current.most)
        self._judge_offline(rule, current, "other meter", self._expected_at(evse, self._clock()))
        return True

    def _expected_at(self, evse: int, moment: datetime) -> float | None:
        limit = expected(self.book, self._site, evse, moment, moment + timedelta(seconds=1), "A", self._running()).at(
            moment
        )
        return None if limit is None else float(limit)

    def _judge_offline(self, rule: str, current: Current, how: str, limit: float | None) -> None:
        if limit is None:
            return
        most = self.allowance.above(limit)
        holds = False if current.least > most else None if current.most > most else True
        drawn = f"{amps(current.most)} {how}, where {amps(limit)} is the limit, without a connection"
        self.note(rule, drawn, holds=holds)
        outcome = Outcome.ENFORCED if holds else Outcome.NOT_JUDGED if holds is None else Outcome.IGNORED
        self.spec.setpoints.append(
            Setpoint(
                f"{amps(limit)} offline, {how}",
                limit,
                outcome,
                drawn=round(current.most, 2),
                reason="" if holds else drawn,
                known=False,
            )
        )

    # -- noting -----------------------------------------------------------------------------------------------------

    def note(self, rule: str, why: str, *, holds: bool | None) -> None:
        """Note whether a rule holds, None where that could not be seen, and why."""
        self._notes.setdefault(rule, []).append(_Note(holds, why))

    def _meters_compared(self, words: str, agree: bool) -> None:  # noqa: FBT001 -- as it is told
        if self.spec.declares(METER):
            self.note(METER, words, holds=agree)

    def _row(self, what: str, asked: float, answer: str, seen: Seen, judged: Judged) -> None:
        """What became of a limit, for the table."""
        last = max(seen.drawn, key=lambda each: each.least, default=None)
        self.spec.setpoints.append(
            Setpoint(
                what,
                round(asked, 1),
                judged.outcome,
                answer,
                None if seen.after.limit is None else round(seen.after.limit, 2),
                None if last is None else round(last.most, 2),
                reason=judged.reason,
                known=seen.after.known,
            )
        )

    def _judge(  # noqa: PLR0913 -- as above
        self, what: str, answer: str, seen: Seen, judged: Judged, rules: tuple[str, str], *, measured: bool
    ) -> None:
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
            if measured or judged.told is not None:
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
        self._record.limits.append((self._clock(), self._expected(self.place)))

    def mark(self, what: str) -> None:
        """Note in the chart that something is done now."""
        self._record.marks.append((self._clock(), what))

    def chart(self, title: str) -> Chart:
        """What was asked for, reported and drawn."""
        return self._record.chart(title, limit=float, report=lambda value: self._amperes(value, self.place))


def _yet_to_show(judged: Judged, rides: Sequence[Ride]) -> Judged:
    """What became of a limit, which is not known to be ignored before anybody charges: only that nobody is told."""
    if rides or judged.outcome is not Outcome.IGNORED:
        return judged
    return replace(judged, outcome=Outcome.NOT_JUDGED, reason=f"nobody charges who could show it; {judged.reason}")


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
        await afterwards.enter_async_context(set_aside(csms))
        await afterwards.enter_async_context(measuring(csms, profile))
        await afterwards.enter_async_context(vacated(station, csms))
        trial = Trial(station, csms, spec, profile)
        told = await limits_told(csms, profile)
        trial.units, trial.levels, trial.periods = told.units, told.top_level, told.periods
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
