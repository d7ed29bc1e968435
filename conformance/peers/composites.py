"""Scenes around composite schedules: profiles are set, and the station is asked what it makes of them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from conformance.oracles.charging import (
    Book,
    ChargingProfile,
    Course,
    EvseLimits,
    Running,
    Site,
    differences,
    expected,
    reported,
)
from conformance.oracles.charging.profile import Unit
from conformance.peers.csms import CsmsPeer
from conformance.peers.kept_profiles import Rates, whole_seconds
from conformance.peers.limits_told import limits_told
from conformance.peers.received import NotSeen, Received, Refused
from conformance.peers.scenes import Operated, charging, vacated
from conformance.peers.standing_profiles import clear_all, set_aside
from conformance.sut.drivers import DriverFailed, Unsupported
from conformance.sut.profile import SutProfile

MAX, DEFAULT, TX = "ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile"
STATION = 0
HOUR = 3600
EDGE = timedelta(seconds=10)
"""How far from a change of the limit nothing is judged: a station may count in whole seconds, and take its time."""
AHEAD = timedelta(minutes=2)
"""How far off the start of a composite schedule may be for the rest of it to be looked at."""
MIDDLE = 5
"""The step (of `Rates`) of the limit that the profile has which every case starts with."""

_A_MINUTE_AGO = timedelta(minutes=1)
_ROUNDED = 0.1
"""Amperes that rounding may cost."""
_profiles = count(61_000)


Step = tuple[int, int]
"""From which second of a schedule on, and which step of `Rates`."""


@dataclass(frozen=True, slots=True)
class Told:
    """A composite schedule as it came, as a course of limits, and what that should have been by the profiles then."""

    answer: Received
    course: Course
    should: Course


@dataclass(slots=True)
class Desk:
    """Where profiles are set and asked about: of one EVSE, its first connector where that matters, and of the station.

    `book` is what the station should hold, by what it accepted; `rates` in what its limits can be told, by unit.
    `tells_when_idle`: not only where a transaction runs.
    """

    csms: CsmsPeer
    rates: Mapping[Unit, Rates]
    evse: int
    book: Book
    site: Site
    running: Sequence[Running] = ()
    transaction: str | None = None
    tells_when_idle: bool = True

    @property
    def rate(self) -> Rates:
        """In the unit that the station likes best."""
        return next(iter(self.rates.values()))

    @property
    def levels(self) -> int:
        """How many stack levels the station has."""
        return self.rate.top_level + 1

    async def begin(self, station: Operated, profile: SutProfile) -> None:
        """Have an EV charge at the EVSE; raises NotSeen, AssertionError, DriverFailed and Unsupported."""
        connector = next(each for each in profile.connectors if each[0] == self.evse)
        began = datetime.now(UTC)
        session = await charging(station, self.csms, connector, profile.parameters.valid_id_token.payload)
        self.transaction = session.transaction_id
        self.running = [Running(self.evse, self.transaction, began)]

    # -- setting

    @staticmethod
    def number() -> int:
        """The id of a profile that was never set."""
        return next(_profiles)

    async def offer(
        self,
        purpose: str,
        *steps: Step,
        evse: int | None = None,
        number: int | None = None,
        level: int = 0,
        unit: Unit | None = None,
        **fields: Any,
    ) -> Received:
        """Ask for a profile to be set, of the EVSE unless another is named.

        Its schedule began a minute ago unless told otherwise. What is accepted is in the book. Raises Refused.
        """
        rate = self.rate if unit is None else self.rates[unit]
        if fields.get("kind", "Absolute") != "Relative":
            fields.setdefault("start", whole_seconds() - _A_MINUTE_AGO)
        fields.setdefault("periods", [rate.period(*each) for each in steps])
        payload = self.csms.speak.charging_profile(
            id=next(_profiles) if number is None else number,
            purpose=purpose,
            stack_level=level,
            unit=rate.unit,
            transaction=self.transaction if purpose == TX else None,
            **fields,
        )
        place = (STATION if purpose == MAX else self.evse) if evse is None else evse
        answer = await self.csms.speak.set_charging_profile(place, payload)
        if answer["status"] == "Accepted":
            kept = ChargingProfile.read(payload)
            self.book.set(place, kept.of(self.transaction) if purpose == TX else kept)
        return answer

    async def put(self, purpose: str, *steps: Step, **fields: Any) -> int:
        """Have a profile set, and return its id.

        Raises AssertionError where the station does not accept it: a precondition of the case, not a finding.
        """
        number = fields.setdefault("number", next(_profiles))
        try:
            answer = await self.offer(purpose, *steps, **fields)
        except Refused as refusal:
            raise AssertionError(f"a {purpose} was refused: {refusal}") from None
        assert answer["status"] == "Accepted", f"a {purpose} was answered {answer['status']}"
        return int(number)

    async def clear(self) -> None:
        """Clear everything."""
        await clear_all(self.csms)
        self.book.clear()

    # -- asking

    async def ask(self, *, evse: int | None = None, seconds: int = HOUR, unit: Unit | None = None) -> Told:
        """Ask for the composite schedule of the EVSE, unless another is named, in the first unit of the station.

        Raises AssertionError where none comes that starts about now and is about as long as was asked for: others
        judge that.
        """
        place = self.evse if evse is None else evse
        wanted = self.rates[unit].unit if unit is not None else self.rate.unit
        asked = datetime.now(UTC)
        answer = await self.csms.speak.composite_schedule(place, seconds, wanted)
        assert answer["status"] == "Accepted", f"GetCompositeSchedule was answered {answer['status']}"
        try:
            course = reported(answer, asked=asked, seconds=seconds)
        except ValueError as error:
            raise AssertionError(str(error)) from None
        assert abs(course.first - asked) < AHEAD, f"the schedule starts at {course.first}, it was asked for at {asked}"
        length = (course.last - course.first).total_seconds()
        course = course.between(course.first, course.first + timedelta(seconds=seconds) + EDGE)
        assert length >= seconds - EDGE.total_seconds(), f"the schedule is of {length:g} s, {seconds} s were asked for"
        should = expected(self.book, self.site, place, course.first, course.last, course.unit, self.running)
        return Told(answer, course, should)

    def wrong(self, told: Told, *, since: float | None = None, until: float | None = None) -> list[str]:
        """What is wrong with a composite schedule, between two seconds of it."""
        course = told.course
        first = course.first if since is None else course.first + timedelta(seconds=since)
        last = course.last if until is None else course.first + timedelta(seconds=until)
        return differences(
            course.between(first, last), told.should.between(first, last), tolerance=self.slack(course.unit), edge=EDGE
        )

    def slack(self, unit: str) -> float:
        """What rounding to a tenth of an ampere may cost in a unit."""
        return _ROUNDED if unit == "A" else _ROUNDED * self.rate.volts * (self.rate.evse.phases or 1)


@asynccontextmanager
async def desk(
    station: Operated, csms: CsmsPeer, profile: SutProfile, *, in_transaction: bool = False
) -> AsyncIterator[Desk]:
    """Have a station with one profile in force, of whose limit it tells; at the end it has what it had before.

    It is a TxDefaultProfile of the first EVSE, level 0, that began a minute ago and never ends. Where the station does
    not tell of it without a transaction, as in 1.6 it need not, one is started; or from the beginning, if that is asked
    for. Raises AssertionError where the profile is not accepted, or its limit not told: others judge that.
    """
    async with set_aside(csms), vacated(station, csms):
        found = Desk(
            csms,
            await _rates(csms, profile),
            profile.evse[0].id,
            Book(profile.version),
            _site(profile, apart=csms.speak.connectors_apart),
        )
        if in_transaction:
            await found.begin(station, profile)
        await found.put(DEFAULT, (0, MIDDLE))
        if wrong := found.wrong(await found.ask()):
            found.tells_when_idle = False
            assert not in_transaction, f"of a single {DEFAULT}: {wrong[0]}"
            try:
                await found.begin(station, profile)
            except (NotSeen, DriverFailed, Unsupported) as why:
                raise AssertionError(f"of a single {DEFAULT}: {wrong[0]}; and with no transaction: {why}") from None
            wrong = found.wrong(await found.ask())
            assert not wrong, f"of a single {DEFAULT}, in a transaction: {wrong[0]}"
        yield found


def _site(profile: SutProfile, *, apart: bool) -> Site:
    """How the station is built; of connectors that count apart, all but the first get numbers that no EVSE has."""
    built = {}
    for each in profile.evse:
        for place, connector in enumerate(each.connector if apart else each.connector[:1]):
            number = each.id if place == 0 else -(1000 * each.id + connector.id)
            built[number] = EvseLimits(each.phases, each.max_power_w)
    parameters = profile.parameters
    return Site(built, parameters.nominal_voltage, least_amperes=parameters.least_current)


async def _rates(csms: CsmsPeer, profile: SutProfile) -> dict[Unit, Rates]:
    """What the station says of the limits that it takes, or what is sure, for each of its units, amperes first."""
    told = await limits_told(csms, profile)
    one = Rates(
        unit="A",
        top_level=told.top_level,
        periods=told.periods,
        evse=profile.evse[0],
        volts=profile.parameters.nominal_voltage,
        least=profile.parameters.least_current,
    )
    every: tuple[Unit, Unit] = ("A", "W")
    return {each: replace(one, unit=each) for each in every if each in told.units}


# -- random sets ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Draft:
    """A profile of a random set, as `Desk.offer` takes it."""

    purpose: str
    steps: tuple[Step, ...]
    fields: Mapping[str, Any]

    def __str__(self) -> str:
        """For people: enough to know what was set."""
        told = ", ".join(f"{name}={value}" for name, value in self.fields.items() if value is not None)
        return f"{self.purpose} {self.steps} {told}"


def drafts(random: Random, at: Desk) -> list[Draft]:
    """Between one and four profiles that every station may be expected to merge, whatever it does not support.

    All changes are whole minutes away from each other, or from now; nothing is in them that the documents leave open:
    no two of one purpose share a level, relative schedules never change, others began in the past.
    """
    purposes = [MAX, DEFAULT, DEFAULT, *([TX] if at.transaction is not None else [])]
    free = {purpose: list(range(min(at.levels, 4))) for purpose in purposes}
    now, found = whole_seconds(), []
    for _ in range(random.randint(1, 4)):
        purpose = random.choice(purposes)
        if not free[purpose]:
            continue
        level = free[purpose].pop(random.randrange(len(free[purpose])))
        evse = random.choice([STATION, at.evse]) if purpose == DEFAULT else None
        fields: dict[str, Any] = {"level": level, "evse": evse, "unit": random.choice(list(at.rates))}
        fields |= _timing(random, purpose, now)
        periods = 1 if fields["kind"] == "Relative" else random.randint(1, min(4, at.rate.periods))
        starts = [0, *sorted(random.sample(range(1, 60), periods - 1))]
        steps = tuple((60 * start, random.randint(0, 9)) for start in starts)
        found.append(Draft(purpose, steps, fields))
    return found


def _timing(random: Random, purpose: str, now: datetime) -> dict[str, Any]:
    """When a profile is valid, and its schedule runs."""
    kinds = ["Absolute", "Absolute", "Recurring", *(["Relative"] if purpose != MAX else [])]
    fields: dict[str, Any] = {"kind": random.choice(kinds)}
    minutes = random.randint(0, 20)
    if fields["kind"] == "Absolute":
        fields["start"] = now - timedelta(minutes=1 + minutes)
    if fields["kind"] == "Recurring":
        days = random.randint(1, 6)
        fields |= {"recurrency": "Daily", "start": now + timedelta(minutes=20 - 2 * minutes) - timedelta(days=days)}
    if fields["kind"] != "Relative" and random.random() < 0.6:  # noqa: PLR2004 -- more often than not
        fields["duration"] = 60 * random.randint(5, 60)
    edges = sorted(random.sample(range(-10, 60), 2))
    for name, minute in zip(("valid_from", "valid_to"), edges, strict=True):
        if random.random() < 0.3:  # noqa: PLR2004 -- now and then
            fields[name] = now + timedelta(minutes=minute)
    return fields
