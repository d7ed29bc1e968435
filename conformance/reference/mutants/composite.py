"""Mutants of what several charging profiles come to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from conformance.reference.station import ReferenceStation
from conformance.reference.station.charging_limits import Rate
from conformance.reference.station.charging_profiles import TX, TX_DEFAULT, WHOLE_STATION
from conformance.reference.station.meter import NOMINAL_VOLTAGE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.reference.station.base import Evse
    from conformance.reference.station.charging_profiles import ChargingProfile
    from conformance.reference.station.rpc import Payload

LINE_TO_LINE = 400
HALF_AN_HOUR = timedelta(minutes=30)


# -- stack levels


class _Leads(ReferenceStation):
    """Has another idea of which profile of a purpose counts."""

    def first_of(self, profiles: list[ChargingProfile]) -> list[ChargingProfile]:
        """Return the profiles, the one that counts first."""
        raise NotImplementedError

    def leading_rate(
        self, profiles: Iterable[ChargingProfile], moment: datetime, ready: datetime, phases: int
    ) -> Rate | None:
        """Take the first that says something."""
        for profile in self.first_of(list(profiles)):
            if (rate := self.profile_rate(profile, moment, ready, phases)) is not None:
                return rate
        return None


class LowestStackLevelCounts(_Leads):
    """Takes the stack level for a rank: the first comes first."""

    breaks = "K01.FR.17"

    def first_of(self, profiles: list[ChargingProfile]) -> list[ChargingProfile]:
        """Begin with level 0."""
        return sorted(profiles, key=lambda each: each.stack_level)


class NewestProfileCounts(_Leads):
    """Has the profile count that came last, whatever its stack level."""

    breaks = "K01.FR.17"

    def first_of(self, profiles: list[ChargingProfile]) -> list[ChargingProfile]:
        """Begin with the newest."""
        return profiles[::-1]


class LowestOfTheStack(ReferenceStation):
    """Takes the lowest limit of all stack levels."""

    breaks = "K01.FR.17"

    def leading_rate(
        self, profiles: Iterable[ChargingProfile], moment: datetime, ready: datetime, phases: int
    ) -> Rate | None:
        """Merge what all of them say."""
        rates = [self.profile_rate(profile, moment, ready, phases) for profile in profiles]
        said = [rate for rate in rates if rate is not None]
        return min(said, key=lambda rate: rate.amperes, default=None)


class NothingBelowTheTop(ReferenceStation):
    """Looks at the highest stack level only, also when its schedule is over."""

    breaks = "K01.FR.17"

    def leading_rate(
        self, profiles: Iterable[ChargingProfile], moment: datetime, ready: datetime, phases: int
    ) -> Rate | None:
        """Take the top, whatever it says."""
        highest = max(profiles, key=lambda each: each.stack_level, default=None)
        return None if highest is None else self.profile_rate(highest, moment, ready, phases)


# -- purposes


class ToldWithoutTheMaximum(ReferenceStation):
    """Leaves the maximum of the station out of what it tells of an EVSE."""

    breaks = "K08.FR.04"

    def merged_rate(self, place: Evse, moment: datetime, ready: datetime) -> Rate:
        """Look at the EVSE alone."""
        return self.evse_rate(place, moment, ready)


class MaximumOverrules(ReferenceStation):
    """Has the maximum of the station hold where it is above the limit of an EVSE, too."""

    breaks = "K08.FR.04"

    def merged_rate(self, place: Evse, moment: datetime, ready: datetime) -> Rate:
        """Take it if there is one."""
        return self.station_rate(moment) or super().merged_rate(place, moment, ready)


class StationToldWithoutItsMaximum(ReferenceStation):
    """Adds up its EVSEs when it is asked about itself, and forgets its own maximum."""

    breaks = "K08.FR.04"

    def station_total(self, moment: datetime, start: datetime, unit: str) -> tuple[float, int]:
        """Add up."""
        rates = [self.evse_rate(place, moment, start) for place in self.evses.values()]
        return sum(self.limit_in(rate, unit) for rate in rates), max(rate.phases for rate in rates)


# -- the order of periods


class FirstPeriodAtOne(ReferenceStation):
    """Counts the seconds of a composite schedule from one."""

    breaks = "K01.FR.31"

    def composite_periods(self, evse: int, start: datetime, duration: int, unit: str) -> list[Payload]:
        """Move the first period."""
        first, *others = super().composite_periods(evse, start, duration, unit)
        return [{**first, "startPeriod": 1}, *others]


class PeriodsOfTheLateAsTheyAre(ReferenceStation):
    """Takes a schedule that begins late, and has its composite schedule begin as late."""

    breaks = "K01.FR.31"

    def begins_late(self, profile: ChargingProfile) -> bool:  # noqa: ARG002
        """Have nothing against it."""
        return False

    def composite_periods(self, evse: int, start: datetime, duration: int, unit: str) -> list[Payload]:
        """Leave out what comes before."""
        periods = super().composite_periods(evse, start, duration, unit)
        late = any(super(PeriodsOfTheLateAsTheyAre, self).begins_late(each) for each in self.charging_profiles())
        return periods[1:] if late and len(periods) > 1 else periods


class PeriodsBackwards(ReferenceStation):
    """Tells the periods of a composite schedule from the last to the first."""

    breaks = "K01.FR.35"

    def composite_periods(self, evse: int, start: datetime, duration: int, unit: str) -> list[Payload]:
        """Turn them round."""
        return super().composite_periods(evse, start, duration, unit)[::-1]


class PeriodsAsTheyCome(ReferenceStation):
    """Takes a schedule that is out of order, and tells its periods as they came."""

    breaks = "K01.FR.35"

    def is_out_of_order(self, profile: ChargingProfile) -> bool:  # noqa: ARG002
        """Have nothing against it."""
        return False

    def composite_periods(self, evse: int, start: datetime, duration: int, unit: str) -> list[Payload]:
        """Hand such a schedule on."""
        for each in self.charging_profiles():
            if super().is_out_of_order(each):
                return each.periods
        return super().composite_periods(evse, start, duration, unit)


# -- watts and amperes


class OnePhaseByDefault(ReferenceStation):
    """Takes a limit that names no number of phases as one for a single phase."""

    breaks = "K01.FR.49"

    def default_phases(self) -> int:
        """Assume one."""
        return 1


class WattsOverOnePhase(ReferenceStation):
    """Has all watts of a limit flow over each phase."""

    breaks = "K01.FR.50"

    def amperes_of(self, watts: float, phases: int) -> float:  # noqa: ARG002
        """Leave the phases out of it."""
        return watts / NOMINAL_VOLTAGE


class WattsByLineVoltage(ReferenceStation):
    """Divides watts by the voltage between two phases."""

    breaks = "K01.FR.50"

    def amperes_of(self, watts: float, phases: int) -> float:
        """Take that voltage."""
        return watts / (LINE_TO_LINE * phases)


class AmperesInAll(ReferenceStation):
    """Takes a limit in amperes for the sum of all phases."""

    breaks = "K01.FR.51"

    @staticmethod
    def limit_in(rate: Rate, unit: str) -> float:
        """Leave the phases out of it."""
        return rate.amperes * NOMINAL_VOLTAGE if unit == "W" else rate.amperes


# -- when a TxProfile runs out


class NoFallBackFromTxProfile(ReferenceStation):
    """Lets a transaction have what it likes once its TxProfile is over."""

    breaks = "K02.FR.08"

    def session_rate(self, place: Evse, moment: datetime, ready: datetime) -> Rate | None:
        """Look for nothing else where there is one."""
        own = self.transaction_profiles(place)
        return (
            self.leading_rate(own, moment, ready, place.phases) if own else super().session_rate(place, moment, ready)
        )


class TxProfileBeyondItsDuration(ReferenceStation):
    """Goes on with the last period of a TxProfile when its schedule is over."""

    breaks = "K02.FR.08"

    def schedule_duration(self, profile: ChargingProfile) -> float | None:
        """Forget how long it is."""
        return None if profile.purpose == TX else super().schedule_duration(profile)


class TxProfileBeyondItsValidity(ReferenceStation):
    """Goes on with a TxProfile that is not valid any more."""

    breaks = "K02.FR.08"

    def is_over(self, profile: ChargingProfile, moment: datetime) -> bool:
        """Overlook it."""
        return profile.purpose != TX and super().is_over(profile, moment)


class NoMaximumAfterTxProfile(ReferenceStation):
    """Falls back from a TxProfile to the default profile, and forgets the maximum of the station over it."""

    breaks = "K02.FR.08"

    def merged_rate(self, place: Evse, moment: datetime, ready: datetime) -> Rate:
        """Leave that out."""
        own = self.transaction_profiles(place)
        over = bool(own) and self.leading_rate(own, moment, ready, place.phases) is None
        return self.evse_rate(place, moment, ready) if over else super().merged_rate(place, moment, ready)


# -- validity


class ValidFromTheBeginning(ReferenceStation):
    """Overlooks validFrom."""

    breaks = "K01.FR.36"

    def is_early(self, profile: ChargingProfile, moment: datetime) -> bool:  # noqa: ARG002
        """Never."""
        return False


class ValidFromWithoutItsOffset(ReferenceStation):
    """Reads validFrom as if it had been written in UTC."""

    breaks = "K01.FR.36"

    def is_early(self, profile: ChargingProfile, moment: datetime) -> bool:
        """Drop the offset."""
        told = profile.payload.get("validFrom")
        return told is not None and moment.replace(tzinfo=None) < datetime.fromisoformat(told).replace(tzinfo=None)


class ValidForever(ReferenceStation):
    """Overlooks validTo."""

    breaks = "K01.FR.37"

    def is_over(self, profile: ChargingProfile, moment: datetime) -> bool:  # noqa: ARG002
        """Never."""
        return False


# -- recurring schedules


class RecursOnce(ReferenceStation):
    """Takes a schedule that recurs for one that does not."""

    breaks = "COMPOSITE.01"

    def cycle(self, profile: ChargingProfile) -> timedelta | None:  # noqa: ARG002
        """Never."""
        return None


class WeeklyEveryDay(ReferenceStation):
    """Starts what recurs every week anew every day."""

    breaks = "COMPOSITE.01"

    def cycle(self, profile: ChargingProfile) -> timedelta | None:
        """A day, at the most."""
        cycle = super().cycle(profile)
        return None if cycle is None else min(cycle, timedelta(days=1))


class RecursByTheWrittenHour(ReferenceStation):
    """Reads the start of what recurs as if it had been written in UTC."""

    breaks = "COMPOSITE.01"

    def schedule_start(self, profile: ChargingProfile, moment: datetime, ready: datetime) -> datetime:
        """Drop the offset."""
        start = super().schedule_start(profile, moment, ready)
        if profile.kind != "Recurring":
            return start
        offset = datetime.fromisoformat(profile.schedule["startSchedule"]).utcoffset() or timedelta()
        return super().schedule_start(profile, moment - offset, ready) + offset


class RecursWithoutEnd(ReferenceStation):
    """Goes on with the last period of what recurs until it starts again."""

    breaks = "K01.FR.13"

    def schedule_duration(self, profile: ChargingProfile) -> float | None:
        """Forget how long it is."""
        return None if profile.kind == "Recurring" else super().schedule_duration(profile)


# -- duplicates


class _KeepsRivals(ReferenceStation):
    """Takes a default profile although another of its level is there."""

    new_one_is_for_all = True

    def rivals(self, profile: ChargingProfile, other: ChargingProfile) -> bool:
        """Have nothing against one kind of them."""
        elsewhere = profile.purpose == TX_DEFAULT and profile.evse != other.evse
        kept = elsewhere and (profile.evse == WHOLE_STATION) == self.new_one_is_for_all
        return not kept and super().rivals(profile, other)


class DefaultForAllBesideOthers(_KeepsRivals):
    """Takes a default profile for all EVSEs although one has another of that level."""

    breaks = "K01.FR.52"


class DefaultForOneBesideThatForAll(_KeepsRivals):
    """Takes a default profile for one EVSE although all have another of that level."""

    breaks = "K01.FR.53"
    new_one_is_for_all = False


class _RejectsAndKeeps(ReferenceStation):
    """Rejects a default profile because of another of its level, and puts it in its place all the same."""

    new_one_is_for_all = True

    def fault_in_uniqueness(self, profile: ChargingProfile) -> str | None:
        """Replace the other one."""
        fault = super().fault_in_uniqueness(profile)
        if fault is not None and (profile.evse == WHOLE_STATION) == self.new_one_is_for_all:
            self.remove_charging_profiles([each for each in self.charging_profiles() if self.rivals(profile, each)])
            self.install_charging_profile(profile)
        return fault


class RejectedForAllAndKept(_RejectsAndKeeps):
    """Rejects a default profile for all EVSEs because one has another of that level, and keeps it nevertheless."""

    breaks = "K01.FR.52"


class RejectedForOneAndKept(_RejectsAndKeeps):
    """Rejects a default profile for one EVSE because all have another of that level, and keeps it nevertheless."""

    breaks = "K01.FR.53"
    new_one_is_for_all = False


# -- all together


class NothingChangesLater(ReferenceStation):
    """Tells no change of a limit that is more than half an hour ahead."""

    breaks = "COMPOSITE.02"

    def rate_edges(self, first: datetime, last: datetime) -> list[datetime]:
        """Stop looking."""
        return super().rate_edges(first, min(last, first + HALF_AN_HOUR))


class TwoOfAPurpose(_Leads):
    """Looks at two profiles of a purpose, and not at a third."""

    breaks = "COMPOSITE.02"

    def first_of(self, profiles: list[ChargingProfile]) -> list[ChargingProfile]:
        """Forget the oldest."""
        return sorted(profiles[-2:], key=lambda each: each.stack_level, reverse=True)


class RecursWhenNoLongerValid(ReferenceStation):
    """Overlooks the validTo of what recurs."""

    breaks = "COMPOSITE.02"

    def is_over(self, profile: ChargingProfile, moment: datetime) -> bool:
        """Have it come again."""
        return profile.kind != "Recurring" and super().is_over(profile, moment)
