"""Scenes of smart charging in OCPP 1.6: profiles are set and cleared, and what the station makes of them is judged."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Literal

from conformance.oracles.charging import Book, Course, EvseLimits, Running, Site, differences, expected, reported
from conformance.peers.csms import CsmsPeer
from conformance.peers.csms_dialect import Charging, Connector
from conformance.peers.limits_told import limits_told
from conformance.peers.received import Received, Refused
from conformance.peers.scenes import Operated, vacated
from conformance.peers.scenes_v16 import number
from conformance.sut.profile import SutProfile
from conformance.wire.schemas import parse_timestamp

__all__ = ["DEFAULT", "HOUR", "MAXIMUM", "OF_TRANSACTION", "Profiles", "ago", "ahead", "smart_charging"]

DEFAULT, OF_TRANSACTION, MAXIMUM = "TxDefaultProfile", "TxProfile", "ChargePointMaxProfile"
HOUR = 3600
EDGE = 3.0
"""Seconds around a change of the limit that are not looked at: clocks differ, and some stations count whole seconds."""

_ids = count(16_001)
_STEPS = 10
_AMPLE = 10.0
_LEAST_STEP = 1.0
_CLOCKS = 10.0


def ago(seconds: float) -> datetime:
    """A moment that was so many seconds ago."""
    return ahead(-seconds)


def ahead(seconds: float) -> datetime:
    """A moment that will be in so many seconds."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a station says that it can be told, or what is sure where it does not say; `profiles` is None then."""

    units: frozenset[Literal["A", "W"]]
    top_level: int
    periods: int
    profiles: int | None


class Profiles:
    """The profiles of a station: a record of what it accepted, beside what it says itself."""

    def __init__(self, csms: CsmsPeer, profile: SutProfile, abilities: Abilities) -> None:
        self._csms = csms
        self._profile = profile
        self.can = abilities
        self.book = Book("1.6")
        first = profile.evse[0]
        self._phases = first.phases
        amperes = "A" in abilities.units and (self._phases > 0 or "W" not in abilities.units)
        self.unit: Literal["A", "W"] = "A" if amperes else "W"
        evses = {evse.id: EvseLimits(evse.phases, evse.max_power_w) for evse in profile.evse}
        self._site = Site(
            {number(csms, spot): evses[spot[0]] for spot in profile.connectors},
            voltage=profile.parameters.nominal_voltage,
            least_amperes=profile.parameters.least_current,
        )

    # -- limits -----------------------------------------------------------------------------------------------------

    def limit(self, step: int) -> float:
        """A limit in the unit of the station: step 0 is the least that an EV charges with, 10 what the EVSE has."""
        parameters, evse = self._profile.parameters, self._profile.evse[0]
        per_ampere = parameters.nominal_voltage * (self._phases or 1)
        least = parameters.least_current
        most = least + _AMPLE if evse.max_power_w is None else evse.max_power_w / per_ampere
        width = max(most - least, 0.0) / _STEPS
        amperes = least + (int(width) * step if width >= _LEAST_STEP else round(width * step, 1))
        return amperes if self.unit == "A" else round(amperes * per_ampere, 1)

    def level(self, wanted: int) -> int:
        """Give this stack level, or the highest that the station has."""
        return min(wanted, self.can.top_level)

    def drafted(
        self, purpose: str, *, level: int = 0, steps: Sequence[tuple[int, int]] = ((0, 5),), **fields: Any
    ) -> dict[str, Any]:
        """A profile of these periods, each its start in seconds and its limit as a step; it began a minute ago."""
        if fields.get("kind", "Absolute") == "Absolute":
            fields.setdefault("start", ago(60))
        periods = [(start, self.limit(step)) for start, step in steps]
        if self._phases in (1, 2):
            periods = [(*each, self._phases) for each in periods]  # type: ignore[misc]
        return self._csms.speak.charging_profile(
            **{"id": next(_ids), "purpose": purpose, "stack_level": level, "unit": self.unit, "periods": periods}
            | fields
        )

    # -- asking -----------------------------------------------------------------------------------------------------

    async def outcome(self, spot: Connector, payload: dict[str, Any], session: Charging | None = None) -> str:
        """Ask for a profile: the status of the answer, or CALLERROR and its code. What is accepted is recorded."""
        try:
            status: str = (await self._csms.speak.set_charging_profile(spot, payload))["status"]
        except Refused as refused:
            return f"CALLERROR {refused.code}"
        if status == "Accepted":
            with suppress(ValueError):  # accepted, although nobody can say what it means
                self.record(spot, payload, session)
        return status

    def record(self, spot: Connector, payload: dict[str, Any], session: Charging | None = None) -> None:
        """Note that the station has this profile; one of a transaction is for this one."""
        transaction = None if session is None else int(session.transaction_id)
        self.book.set(number(self._csms, spot), payload, transaction)

    async def set(
        self, spot: Connector, purpose: str, *, session: Charging | None = None, **fields: Any
    ) -> dict[str, Any]:
        """Set a profile as `drafted` makes it; raises AssertionError where it is not accepted."""
        payload = self.drafted(purpose, **fields)
        outcome = await self.outcome(spot, payload, session)
        assert outcome == "Accepted", f"SetChargingProfile of a {purpose} was answered {outcome}"
        return payload

    async def clear(self, *, spot: Connector | None = None, **criteria: Any) -> str:
        """Clear profiles: the status of the answer."""
        where = {} if spot is None else {"evse": spot}
        status: str = (await self._csms.speak.clear_charging_profiles(**where, **criteria))["status"]
        if status == "Accepted":
            self.book.clear(evse=None if spot is None else number(self._csms, spot), **criteria)
        return status

    async def composite(self, spot: Connector, seconds: int = HOUR) -> Received:
        """The composite schedule of the next seconds; raises AssertionError where the station does not tell it."""
        answer = await self._csms.speak.composite_schedule(spot, seconds, self.unit)
        assert answer["status"] == "Accepted", f"GetCompositeSchedule was answered {answer['status']}"
        return answer

    # -- judging ----------------------------------------------------------------------------------------------------

    def check(
        self,
        answer: Received,
        spot: Connector,
        *sessions: Charging,
        seconds: int = HOUR,
        part: tuple[float, float] | None = None,
        edge: float = EDGE,
    ) -> None:
        """Check a composite schedule, or a part of it in seconds from its start, by what the station accepted.

        Raises AssertionError where it says something else for longer than around an edge.
        """
        told = self._told(answer, spot, seconds)
        first, last = told.first, min(told.last, told.first + timedelta(seconds=seconds + EDGE))
        if part is not None:
            first, last = (told.first + timedelta(seconds=each) for each in part)
        wanted = self._wanted(spot, first, last, told.unit, sessions)
        found = differences(told, wanted, tolerance=self._slack(), edge=edge)
        assert not found, f"{self._csms.speak.name(spot)}: {'; '.join(found)}"

    async def account(self, spot: Connector) -> Course | None:
        """What the station says of the next hour at this moment, None where it has nothing to say (Rejected)."""
        answer = await self._csms.speak.composite_schedule(spot, HOUR, self.unit)
        return self._told(answer, spot, HOUR) if answer["status"] == "Accepted" else None

    def check_same(self, told: Course | None, before: Course | None, *, part: tuple[float, float] = (0, HOUR)) -> None:
        """Check that a part of an account, in seconds from its start, says what an earlier one did."""
        if told is None or before is None:
            assert told is before, f"a schedule was {'reported' if told else 'refused'}, before it was not"
            return
        first, last = (told.first + timedelta(seconds=each) for each in part)
        wanted = Course(first, min(last, before.last), before.unit, before.steps)
        found = differences(told, wanted, tolerance=self._slack(), edge=EDGE)
        assert not found, "; ".join(found)

    def _wanted(
        self, spot: Connector, first: datetime, last: datetime, unit: Literal["A", "W"], sessions: Sequence[Charging]
    ) -> Course:
        running = [
            Running(number(self._csms, each.connector), int(each.transaction_id), self._began(each))
            for each in sessions
        ]
        return expected(self.book, self._site, number(self._csms, spot), first, last, unit, running)

    def check_frame(self, answer: Received, spot: Connector, seconds: int, *sessions: Charging) -> None:
        """Check that a composite schedule is about a connector, and the seconds since it was asked for.

        It may be over sooner where no limit holds from then on, for which a schedule has no words.
        """
        told = self._told(answer, spot, seconds)
        off = abs((told.first - answer.utc).total_seconds())
        allowed = _CLOCKS + self._profile.timing.tolerance
        assert off <= allowed, f"the schedule starts {off:.0f} s away from when it was asked for"
        length = (told.last - told.first).total_seconds()
        rest = told.last + timedelta(seconds=EDGE), told.first + timedelta(seconds=seconds)
        if length < seconds and (rest[0] >= rest[1] or self._unlimited(spot, *rest, told.unit, sessions)):
            return
        assert abs(length - seconds) <= 1, f"asked for {seconds} s, the schedule is about {length:g} s"

    def _unlimited(
        self, spot: Connector, first: datetime, last: datetime, unit: Literal["A", "W"], sessions: Sequence[Charging]
    ) -> bool:
        return all(each.limit is None for each in self._wanted(spot, first, last, unit, sessions).steps)

    def _told(self, answer: Received, spot: Connector, seconds: int) -> Course:
        try:
            return reported(answer, number(self._csms, spot), asked=answer.utc, seconds=seconds)
        except ValueError as error:
            raise AssertionError(str(error)) from None

    def _began(self, session: Charging) -> datetime:
        message = session.event
        told = parse_timestamp(str(message["timestamp"])) if "timestamp" in message else None
        return told or message.utc

    def _slack(self) -> float:
        """What a limit may be off by rounding."""
        return 0.15 if self.unit == "A" else 0.15 * self._profile.parameters.nominal_voltage * 3


async def _abilities(csms: CsmsPeer, profile: SutProfile) -> Abilities:
    told, profiles = await limits_told(csms, profile), None
    with suppress(AssertionError, ValueError):
        profiles = int(await csms.speak.read("MaxChargingProfilesInstalled"))
    return Abilities(told.units, told.top_level, told.periods, profiles)


@asynccontextmanager
async def smart_charging(station: Operated, csms: CsmsPeer, profile: SutProfile) -> AsyncIterator[Profiles]:
    """Have the station without a charging profile at the start of a block, and as empty as that again at its end."""
    profiles = Profiles(csms, profile, await _abilities(csms, profile))
    await profiles.clear()
    try:
        async with vacated(station, csms):
            yield profiles
    finally:
        with suppress(AssertionError):
            await csms.connected()
            await profiles.clear()
