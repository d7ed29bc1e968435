"""Mutants of what several charging profiles come to, in 1.6."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from math import floor
from typing import TYPE_CHECKING, Any

from conformance.reference.station16 import ReferenceStation16
from conformance.reference.station16.availability import STATION
from conformance.reference.station16.profiles import ANYTHING, RECURRING, Allowance, Profile

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.reference.station.rpc import Payload
    from conformance.reference.station16.base import Connector

HALF_AN_HOUR = timedelta(minutes=30)
MONTHS = 3600 * 24 * 100


# -- stack levels -----------------------------------------------------------------------------------------------------


class _Prevails(ReferenceStation16):
    """Has another idea of which profile prevails."""

    def first_of(self, profiles: list[Profile]) -> list[Profile]:
        """Return the profiles, the one that prevails first."""
        raise NotImplementedError

    def prevailing(self, profiles: list[Profile], moment: datetime, began: datetime) -> Allowance:
        """Take the first that says something."""
        for profile in self.first_of(profiles):
            if (allowed := profile.allowance(moment, began)) is not None:
                return allowed
        return ANYTHING


class LowestLevelPrevails(_Prevails):
    """Takes the stack level for a rank: the first comes first."""

    breaks = "16.COMPOSITE.01"

    def first_of(self, profiles: list[Profile]) -> list[Profile]:
        """Begin with level 0."""
        return sorted(profiles, key=lambda each: each.level)


class NewestPrevails(_Prevails):
    """Has the profile prevail that came last, whatever its stack level."""

    breaks = "16.COMPOSITE.01"

    def first_of(self, profiles: list[Profile]) -> list[Profile]:
        """Begin with the newest."""
        return profiles[::-1]


class LowestOfAllLevels(ReferenceStation16):
    """Takes the lowest limit of all stack levels."""

    breaks = "16.COMPOSITE.01"

    def prevailing(self, profiles: list[Profile], moment: datetime, began: datetime) -> Allowance:
        """Merge what all of them say."""
        allowed = ANYTHING
        for profile in profiles:
            allowed &= profile.allowance(moment, began) or ANYTHING
        return allowed


# -- purposes ---------------------------------------------------------------------------------------------------------


class ConnectorToldWithoutTheMaximum(ReferenceStation16):
    """Leaves the maximum of the station out of what it tells of a connector."""

    breaks = "16.COMPOSITE.02"

    _silent = False

    def composite_period(self, number: int, moment: datetime, start: datetime, unit: str) -> Payload:
        """Look at the connector alone."""
        self._silent = number != STATION
        try:
            return super().composite_period(number, moment, start, unit)
        finally:
            self._silent = False

    def station_allowance(self, moment: datetime) -> Allowance:
        """Forget it for a while."""
        return ANYTHING if self._silent else super().station_allowance(moment)


class TotalToldWithoutTheMaximum(ReferenceStation16):
    """Adds up its connectors when it is asked about itself, and forgets its own maximum."""

    breaks = "16.COMPOSITE.02"

    _silent = False

    def composite_period(self, number: int, moment: datetime, start: datetime, unit: str) -> Payload:
        """Add up."""
        self._silent = number == STATION
        try:
            return super().composite_period(number, moment, start, unit)
        finally:
            self._silent = False

    def station_allowance(self, moment: datetime) -> Allowance:
        """Forget it for a while."""
        return ANYTHING if self._silent else super().station_allowance(moment)


# -- the order of periods ---------------------------------------------------------------------------------------------


class FirstPeriodLate(ReferenceStation16):
    """Counts the seconds of a composite schedule from one."""

    breaks = "16.COMPOSITE.03"

    def composite_periods(self, number: int, start: datetime, seconds: int, unit: str) -> list[Payload]:
        """Move the first period."""
        first, *others = super().composite_periods(number, start, seconds, unit)
        return [{**first, "startPeriod": 1}, *others]


# -- profiles read otherwise ------------------------------------------------------------------------------------------


class _Reads(ReferenceStation16):
    """Reads something else in the profiles that it keeps than they say."""

    def read(self, profile: Profile) -> Profile:
        """Return what it takes a profile for."""
        raise NotImplementedError

    def prevailing(self, profiles: list[Profile], moment: datetime, began: datetime) -> Allowance:
        """Go by that."""
        return super().prevailing([self.read(profile) for profile in profiles], moment, began)

    def changes(self, first: datetime, last: datetime) -> list[datetime]:
        """Look where that changes, too."""
        more = {moment for each in self.profiles for moment in self.read(each).changes(first, last, first)}
        return sorted({*super().changes(first, last), *more})


def _changed(profile: Profile, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> Profile:
    """Return a profile after a change of its payload and its schedule."""
    schedule = dict(profile.schedule)
    payload = {**profile.payload, "chargingSchedule": schedule}
    change(payload, schedule)
    return replace(profile, payload=payload)


class RecursWithoutAnEnd(_Reads):
    """Goes on with the last period of what recurs until it starts again."""

    breaks = "16.COMPOSITE.04"

    def read(self, profile: Profile) -> Profile:
        """Forget how long it is."""
        if profile.cycle is None:
            return profile
        return _changed(profile, lambda _, schedule: schedule.update(duration=MONTHS))


class ValidAtOnce(_Reads):
    """Overlooks validFrom."""

    breaks = "16.COMPOSITE.05"

    def read(self, profile: Profile) -> Profile:
        """Drop it."""
        return _changed(profile, lambda payload, _: payload.pop("validFrom", None))


class ValidFromByTheWrittenHour(_Reads):
    """Reads validFrom as if it had been written in UTC."""

    breaks = "16.COMPOSITE.05"

    def read(self, profile: Profile) -> Profile:
        """Drop the offset."""
        return _changed(profile, lambda payload, _: _without_offset(payload, "validFrom"))


class NeverInvalid(_Reads):
    """Overlooks validTo."""

    breaks = "16.COMPOSITE.06"

    def read(self, profile: Profile) -> Profile:
        """Drop it."""
        return _changed(profile, lambda payload, _: payload.pop("validTo", None))


def _without_offset(holder: dict[str, Any], name: str) -> None:
    """Have a time say the same hour of UTC."""
    if name in holder:
        holder[name] = datetime.fromisoformat(holder[name]).replace(tzinfo=None).isoformat() + "Z"


class SinglePhaseByDefault(_Reads):
    """Takes a limit that names no number of phases as one for a single phase."""

    breaks = "16.COMPOSITE.07"

    def read(self, profile: Profile) -> Profile:
        """Assume one."""
        periods = [{"numberPhases": 1, **each} for each in profile.schedule["chargingSchedulePeriod"]]
        return _changed(profile, lambda _, schedule: schedule.update(chargingSchedulePeriod=periods))


class RecursNever(_Reads):
    """Takes a schedule that recurs for one that does not."""

    breaks = "16.COMPOSITE.10"

    def read(self, profile: Profile) -> Profile:
        """Call it absolute."""
        return _changed(profile, lambda payload, _: payload.update(chargingProfileKind="Absolute"))


class WeeklyIsDaily(_Reads):
    """Starts what recurs every week anew every day."""

    breaks = "16.COMPOSITE.10"

    def read(self, profile: Profile) -> Profile:
        """Call it daily."""
        return _changed(profile, lambda payload, _: payload.update(recurrencyKind="Daily"))


class RecursByTheHourAsWritten(_Reads):
    """Reads the start of what recurs as if it had been written in UTC."""

    breaks = "16.COMPOSITE.10"

    def read(self, profile: Profile) -> Profile:
        """Drop the offset."""
        if profile.cycle is None:
            return profile
        return _changed(profile, lambda _, schedule: _without_offset(schedule, "startSchedule"))


class RecursBeyondItsValidity(_Reads):
    """Overlooks the validTo of what recurs."""

    breaks = "16.COMPOSITE.11"

    def read(self, profile: Profile) -> Profile:
        """Drop it."""
        if profile.payload["chargingProfileKind"] != RECURRING:
            return profile
        return _changed(profile, lambda payload, _: payload.pop("validTo", None))


class ThirdLevelForgotten(_Prevails):
    """Looks at two profiles of a purpose, and not at a third."""

    breaks = "16.COMPOSITE.11"

    def first_of(self, profiles: list[Profile]) -> list[Profile]:
        """Forget the oldest."""
        return sorted(profiles[-2:], key=lambda each: each.level, reverse=True)


class NothingLaterThanHalfAnHour(ReferenceStation16):
    """Tells no change of a limit that is more than half an hour ahead."""

    breaks = "16.COMPOSITE.11"

    def changes(self, first: datetime, last: datetime) -> list[datetime]:
        """Stop looking."""
        return super().changes(first, min(last, first + HALF_AN_HOUR))


# -- watts and amperes ------------------------------------------------------------------------------------------------


class _Converts(ReferenceStation16):
    """Converts limits otherwise."""

    def converted(self, allowed: Allowance, unit: str, phases: int) -> float:
        """Return a limit in a unit."""
        raise NotImplementedError

    def composite_period(self, number: int, moment: datetime, start: datetime, unit: str) -> Payload:
        """Tell that of a connector."""
        period = super().composite_period(number, moment, start, unit)
        if number == STATION:
            return period
        connector = self.connectors[number]
        allowed = self.allowed_at(connector, moment, start)
        return {**period, "limit": floor(self.converted(allowed, unit, connector.config.phases) * 10 + 1e-6) / 10}

    def allowed_at(self, connector: Connector, moment: datetime, start: datetime) -> Allowance:
        """Return what a connector may draw at a moment."""
        own = self.own_allowance(connector, moment, self.began(connector, start))
        return own & self.station_allowance(moment)


class AllWattsOnOnePhase(_Converts):
    """Has all watts of a limit flow over each phase."""

    breaks = "16.COMPOSITE.08"

    def converted(self, allowed: Allowance, unit: str, phases: int) -> float:
        """Leave the phases out of it."""
        return allowed.current(1) if unit == "A" else allowed.power(phases)


class AmperesOfAllPhases(_Converts):
    """Takes a limit in amperes for the sum of all phases."""

    breaks = "16.COMPOSITE.09"

    def converted(self, allowed: Allowance, unit: str, phases: int) -> float:
        """Leave the phases out of it."""
        return allowed.current(phases) if unit == "A" else allowed.power(1)
