"""The oracle of composite schedules on random sets of charging profiles, against a second one that knows only seconds.

The second implementation reads the JSON itself, walks over every second, and shares nothing with the first.
`make schedules` does this with 20,000 sets for each version, and says what a set takes.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from time import perf_counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.oracles.charging import Book, Course, EvseLimits, Running, Site, Step, differences, expected

SETS = int(os.environ.get("OCPP_SCHEDULES", "200"))
often = settings(max_examples=SETS, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

SECONDS = 120
DAY = 86400
WEEK = 7 * DAY
STARTS = [  # around both changes of the clocks in Europe, one in America, a turn of the year, and a day like others
    datetime(2026, 3, 29, 0, 59, tzinfo=UTC),
    datetime(2026, 10, 25, 0, 59, 30, tzinfo=UTC),
    datetime(2026, 3, 8, 6, 59, tzinfo=UTC),
    datetime(2025, 12, 31, 23, 59, tzinfo=UTC),
    datetime(2026, 5, 4, 12, tzinfo=UTC),
]
ZONES = [timedelta(), timedelta(hours=2), timedelta(hours=-5, minutes=-30), timedelta(hours=5, minutes=45)]


# -- random sets --------------------------------------------------------------------------------------------------


@dataclass
class Scenario:
    """What is asked of a station, what runs on it, and how it is built; times are seconds from the first moment."""

    first: datetime
    requests: list[tuple[str, dict[str, Any]]]
    running: dict[int, tuple[str, int]]
    phases: dict[int, int]
    watts: dict[int, int | None]
    voltage: int
    all_watts: int | None
    least: int


@st.composite
def scenarios(draw: st.DrawFn, version: str) -> Scenario:
    """Up to seven requests; ids and stack levels are few, so that they meet."""
    first = draw(st.sampled_from(STARTS))
    evses = draw(st.integers(1, 2))
    requests = [draw(_requests(version, first, evses)) for _ in range(draw(st.integers(1, 7)))]
    numbers = range(1, evses + 1)
    power = st.sampled_from([None, 3000, 11000, 22000])
    return Scenario(
        first,
        requests,
        {each: (f"T{each}", draw(st.integers(-90, 30))) for each in numbers if draw(st.booleans())},
        {each: draw(st.sampled_from([3, 3, 1, 0])) for each in numbers},
        {each: draw(power) for each in numbers},
        draw(st.sampled_from([230, 120])),
        draw(power),
        draw(st.sampled_from([6, 0])),
    )


@st.composite
def _requests(draw: st.DrawFn, version: str, first: datetime, evses: int) -> tuple[str, dict[str, Any]]:
    kind = draw(st.sampled_from(["set"] * 8 + ["clear", "over"]))
    if kind == "over":
        return kind, {"id": f"T{draw(st.integers(1, 2))}"}
    most = "ChargePointMaxProfile" if version == "1.6" else "ChargingStationMaxProfile"
    if kind == "clear":
        if draw(st.booleans()):
            return kind, {"id": draw(st.integers(1, 5))}
        purposes = st.sampled_from(["TxDefaultProfile", "TxProfile", most])
        return kind, {
            name: draw(values)
            for name, values in (
                ("evse", st.integers(0, 2)),
                ("purpose", purposes),
                ("stack_level", st.integers(0, 2)),
            )
            if draw(st.booleans())
        }
    purposes = ["TxDefaultProfile", "TxDefaultProfile", "TxProfile", most]
    purpose = draw(st.sampled_from([*purposes, *(["ChargingStationExternalConstraints"] if version != "1.6" else [])]))
    evse = 0 if purpose == most else draw(st.integers(1 if purpose == "TxProfile" else 0, evses))
    transaction = f"T{evse}" if purpose == "TxProfile" else None
    return kind, {"evse": evse, "profile": draw(_profiles(version, first, purpose)), "transaction": transaction}


@st.composite
def _profiles(draw: st.DrawFn, version: str, first: datetime, purpose: str) -> dict[str, Any]:
    kinds = ["Absolute", "Daily", "Weekly", *(["Relative"] if "Tx" in purpose else [])]
    kind = draw(st.sampled_from(kinds))
    cycle = {"Daily": DAY, "Weekly": WEEK}.get(kind)
    unit = draw(st.sampled_from("AW"))
    most = 400 if unit == "A" else 120_000
    start, periods = 0, []
    for number in range(draw(st.integers(1, 4))):
        if number:
            start += draw(st.integers(1, 60)) if cycle is None or draw(st.integers(0, 9)) else cycle - 30
        period: dict[str, Any] = {"startPeriod": start, "limit": draw(st.integers(0, most)) / 10}
        phases = draw(st.sampled_from([None, None, 1, 3]))
        periods.append(period if phases is None else period | {"numberPhases": phases})
    schedule: dict[str, Any] = {"chargingRateUnit": unit, "chargingSchedulePeriod": periods}
    if kind != "Relative":
        back = draw(st.integers(-3, 20)) * (cycle or 0)
        schedule["startSchedule"] = draw(_times(first, -150 - back, 60 - back))
    durations = st.integers(0, 180) if cycle is None else st.integers(0, 180) | st.integers(cycle - 90, cycle + 90)
    if draw(st.booleans()):
        schedule["duration"] = draw(durations)
    if not draw(st.integers(0, 4)):
        schedule["minChargingRate"] = draw(st.integers(0, most // 2)) / 10
    number = draw(st.integers(1, 5))
    profile: dict[str, Any] = {
        "stackLevel": draw(st.integers(0, 2)),
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind if cycle is None else "Recurring",
    }
    if version == "1.6":
        profile |= {"chargingProfileId": number, "chargingSchedule": schedule}
    else:
        profile |= {"id": number, "chargingSchedule": [schedule | {"id": number}]}
    if cycle is not None:
        profile["recurrencyKind"] = kind
    for name in ("validFrom", "validTo"):
        if not draw(st.integers(0, 3)):
            profile[name] = draw(_times(first, -60, SECONDS + 30))
    return profile


@st.composite
def _times(draw: st.DrawFn, first: datetime, low: int, high: int) -> str:
    moment = first + timedelta(seconds=draw(st.integers(low, high)))
    return moment.astimezone(timezone(draw(st.sampled_from(ZONES)))).isoformat().replace("+00:00", "Z")


# -- the second implementation: every second for itself -----------------------------------------------------------


@dataclass
class Held:
    """A profile as the JSON has it, numbers and times taken out; times are seconds since 1970."""

    evse: int
    id: int
    purpose: str
    level: int
    kind: str
    unit: str
    periods: list[tuple[int, Fraction, int]]
    start: int | None
    duration: float
    valid: tuple[float, float]
    transaction: str | None
    rate: Fraction | None


@dataclass
class Station:
    """A compliant station of seconds."""

    version: str
    scenario: Scenario
    held: list[Held] = field(default_factory=list)

    def accepts(self, new: Held) -> bool:
        """Whether it may be sent, and is not to be rejected: no twin at the same place and time."""
        if self.version == "1.6":
            return True
        for old in self.held:
            same_place = old.evse == new.evse or (new.purpose == "TxDefaultProfile" and 0 in (old.evse, new.evse))
            twins = same_place and (old.purpose, old.level) == (new.purpose, new.level) and old.id != new.id
            if twins and old.valid[0] < new.valid[1] and new.valid[0] < old.valid[1]:
                return False
            if old.id == new.id and ("Ext" in old.purpose) != ("Ext" in new.purpose):
                return False
        return True

    def set(self, new: Held) -> None:
        place = (new.evse, new.purpose, new.level)
        kept = []
        for old in self.held:
            if old.id == new.id or (self.version == "1.6" and (old.evse, old.purpose, old.level) == place):
                continue
            kept.append(old)
        self.held = [*kept, new]

    def clear(self, **wanted: Any) -> None:
        for old in list(self.held):
            told = {"id": old.id, "evse": old.evse, "purpose": old.purpose, "stack_level": old.level}
            if "Ext" not in old.purpose and all(told[name] == value for name, value in wanted.items()):
                self.held.remove(old)

    def over(self, transaction: str) -> None:
        self.held = [each for each in self.held if each.transaction != transaction]

    def began(self, evse: int) -> int:
        second = self.scenario.running[evse][1] if evse in self.scenario.running else 0
        return _epoch(self.scenario.first) + second

    def says(self, held: Held, now: int, evse: int) -> tuple[Fraction, int] | None:
        """Limit and phases of this second, None if it says nothing."""
        if not held.valid[0] <= now < held.valid[1]:
            return None
        start = self.began(evse) if held.start is None else held.start
        if now < start:
            return None
        since = now - start
        if held.kind == "Daily":
            since = (now % DAY - start % DAY) % DAY
        elif held.kind == "Weekly":
            since = (now % WEEK - start % WEEK) % WEEK
        if since >= held.duration:
            return None
        found = None
        for begin, limit, phases in held.periods:
            if begin <= since:
                found = (limit, phases)
        return found

    def top(self, candidates: list[Held], now: int, evse: int) -> tuple[Held, Fraction, int] | None:
        for level in (2, 1, 0):
            for held in candidates:
                said = self.says(held, now, evse) if held.level == level else None
                if said is not None:
                    return (held, *said)
        return None

    def own(self, evse: int, now: int) -> list[tuple[Held, Fraction, int]]:
        tx, default, external = [], [], []
        for held in self.held:
            runs = evse in self.scenario.running and held.transaction == self.scenario.running[evse][0]
            if held.purpose == "TxProfile" and held.evse == evse and runs:
                tx.append(held)
            if held.purpose == "TxDefaultProfile" and held.evse == evse:
                default.append(held)
            if held.purpose == "TxDefaultProfile" and held.evse == 0:
                levels = {each.level for each in self.held if each.evse == evse and each.purpose == "TxDefaultProfile"}
                if self.version != "1.6" or held.level not in levels:
                    default.append(held)
            if "Ext" in held.purpose and held.evse == evse:
                external.append(held)
        found = [self.top(tx, now, evse) or self.top(default, now, evse), self.top(external, now, evse)]
        return [each for each in found if each is not None]

    def doubtful(self, evse: int, now: int) -> bool:
        """Whether 1.6 leaves open if the default holds: there are profiles of the transaction, but none speaks."""
        mine = [
            each
            for each in self.held
            if each.purpose == "TxProfile"
            and each.evse == evse
            and evse in self.scenario.running
            and each.transaction == self.scenario.running[evse][0]
        ]
        return self.version == "1.6" and bool(mine) and self.top(mine, now, evse) is None

    def overall(self, now: int) -> list[tuple[Held, Fraction, int]]:
        found = []
        for word in ("Max", "Ext"):
            said = self.top([each for each in self.held if word in each.purpose and each.evse == 0], now, 0)
            if said is not None:
                found.append(said)
        return found

    def limit(  # noqa: PLR0911 -- case by case
        self, evse: int, now: int, unit: str
    ) -> tuple[Fraction | None, Fraction | None]:
        """The limit of this second and the least of it that may be said."""
        built = self.scenario
        overall = self.overall(now)
        if evse:
            own = self.own(evse, now)
            all_in = (built.phases[evse], built.watts[evse], unit, len(built.phases))
            if self.doubtful(evse, now):  # own is the default, or nothing: there are no external ones in 1.6
                if not overall:
                    return None, None
                return self.lowest([], overall, *all_in)[0], self.lowest(own, overall, *all_in)[1]
            if not own and not overall:
                return None, None
            return self.lowest(own, overall, *all_in)
        total: Fraction | None = Fraction()
        least = Fraction()
        for each, phases in built.phases.items():
            own = self.own(each, now)
            limit, low = self.lowest(own, [], phases, built.watts[each], unit, 1) if own else (Fraction(), Fraction())
            least += low if each in built.running else 0
            bound = own and not self.doubtful(each, now) and (self.version != "1.6" or each in built.running)
            total = total + limit if bound and total is not None else None
        if total is None and not overall:
            return None, None
        if not overall:
            return total, least
        limit, low = self.lowest([], overall, max(built.phases.values()), built.all_watts, unit, 1)
        return (limit if total is None else min(total, limit)), min(least, low)

    def lowest(
        self, own: list[Any], overall: list[Any], phases: int, watts: int | None, unit: str, parts: int
    ) -> tuple[Fraction, Fraction]:
        volts = self.scenario.voltage
        most, amperes, used, needed = [], [], [phases], []
        for held, limit, told in own + overall:
            on = min(told, phases)
            used.append(on)
            per_phase = limit if held.unit == "A" else limit / (volts * (told if phases else 1))
            if held.unit == unit:
                most.append(limit)
            elif unit == "W":
                most.append(limit * volts * max(on, 1))
            elif self.version == "1.6":
                most.append(limit / (volts * max(on, 1)))
            else:
                most.append(per_phase)
            amperes.append(per_phase / parts if (held, limit, told) in overall and parts > 1 else per_phase)
            if held.rate is not None:
                needed.append(held.rate if held.unit == "A" else held.rate / (volts * (told if phases else 1)))
        if phases:
            needed.append(Fraction(self.scenario.least))
        factor = 1 if unit == "A" else volts * max(min(used), 1)
        least = min(amperes) * factor
        if watts is not None:
            least = min(least, Fraction(watts) / (1 if unit == "W" else volts * max(phases, 1)))
        if any(least < each * factor for each in needed):
            least = Fraction()
        return min(most), min(least, *most)


def _epoch(moment: datetime | str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() if isinstance(moment, str) else moment.timestamp())


def _held(evse: int, profile: dict[str, Any], transaction: str | None) -> Held:
    schedule = profile["chargingSchedule"]
    schedule = schedule[0] if isinstance(schedule, list) else schedule
    endless = float("inf")
    return Held(
        evse,
        profile.get("id", profile.get("chargingProfileId")),
        profile["chargingProfilePurpose"],
        profile["stackLevel"],
        profile.get("recurrencyKind", profile["chargingProfileKind"]),
        schedule["chargingRateUnit"],
        [
            (each["startPeriod"], Fraction(round(each["limit"] * 10), 10), each.get("numberPhases", 3))
            for each in schedule["chargingSchedulePeriod"]
        ],
        _epoch(schedule["startSchedule"]) if "startSchedule" in schedule else None,
        schedule.get("duration", endless),
        (
            _epoch(profile["validFrom"]) if "validFrom" in profile else -endless,
            _epoch(profile["validTo"]) if "validTo" in profile else endless,
        ),
        transaction,
        Fraction(round(schedule["minChargingRate"] * 10), 10) if "minChargingRate" in schedule else None,
    )


# -- both, side by side -------------------------------------------------------------------------------------------


def _both(version: str, scenario: Scenario) -> tuple[Book, Station]:
    """What both hold after the requests that a compliant station accepts."""
    book, station = Book(version), Station(version, scenario)
    for kind, request in scenario.requests:
        if kind == "clear":
            book.clear(**request)
            station.clear(**request)
        elif kind == "over":
            book.transaction_over(request["id"])
            station.over(request["id"])
        else:
            held = _held(**request)
            if station.accepts(held):
                book.set(**request)
                station.set(held)
    return book, station


def _agree(version: str, scenario: Scenario) -> None:
    book, station = _both(version, scenario)
    EFFORT.sets.append(0.0)
    site = Site(
        {each: EvseLimits(phases, scenario.watts[each]) for each, phases in scenario.phases.items()},
        scenario.voltage,
        scenario.all_watts,
        scenario.least,
    )
    running = [
        Running(evse, transaction, scenario.first + timedelta(seconds=began))
        for evse, (transaction, began) in scenario.running.items()
    ]
    last = scenario.first + timedelta(seconds=SECONDS)
    now = _epoch(scenario.first)
    for evse in [0, *scenario.phases]:
        for unit in ("A", "W"):
            with EFFORT.timed():
                course = expected(book, site, evse, scenario.first, last, unit, running)
            by_second = [station.limit(evse, now + second, unit) for second in range(SECONDS)]
            steps = [
                Step(scenario.first + timedelta(seconds=second), *limits) for second, limits in enumerate(by_second)
            ]
            assert course == Course.of(scenario.first, last, unit, steps)
            told = Course.of(scenario.first, last, unit, [Step(each.start, each.limit, each.limit) for each in steps])
            assert differences(told, course, tolerance=0, edge=0) == []


@dataclass
class Effort:
    """What the oracle itself took, in seconds, of each set."""

    sets: list[float] = field(default_factory=list)
    courses: int = 0

    @contextmanager
    def timed(self) -> Iterator[None]:
        began = perf_counter()
        yield
        self.sets[-1] += perf_counter() - began
        self.courses += 1

    def __str__(self) -> str:
        mean, most = sum(self.sets) / len(self.sets) * 1000, max(self.sets) * 1000
        return (
            f"{len(self.sets)} sets of charging profiles, {self.courses} composite schedules: "
            f"{mean:.2f} ms a set, {most:.1f} ms at most"
        )


EFFORT = Effort()


@pytest.fixture(scope="module", autouse=True)
def _time_per_set(request: pytest.FixtureRequest) -> Iterator[None]:
    """Say what the oracle takes for a set; nobody is held to it."""
    yield
    plugins = request.config.pluginmanager
    terminal, capture = plugins.get_plugin("terminalreporter"), plugins.get_plugin("capturemanager")
    if terminal is not None and capture is not None and EFFORT.sets:
        with capture.global_and_fixture_disabled():
            terminal.write_line(f"\n{EFFORT}")


@often
@given(scenarios("2.0.1"))
def test_agrees_with_the_seconds_in_2_0_1(scenario: Scenario) -> None:
    _agree("2.0.1", scenario)


@often
@given(scenarios("1.6"))
def test_agrees_with_the_seconds_in_1_6(scenario: Scenario) -> None:
    _agree("1.6", scenario)
