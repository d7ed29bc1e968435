"""What the installed charging profiles allow at a moment, and what they come to over time (K01, K02, K08)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import floor
from typing import TYPE_CHECKING

from conformance.reference.station.charging_profiles import (
    CONTROLLER,
    STATION_MAX,
    TX,
    TX_DEFAULT,
    WHOLE_STATION,
    ChargingProfile,
    ChargingProfiles,
)
from conformance.reference.station.meter import NOMINAL_VOLTAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from conformance.reference.station.base import Evse
    from conformance.reference.station.rpc import Payload

DEFAULT_PHASES = 3
CYCLES = {"Daily": timedelta(days=1), "Weekly": timedelta(weeks=1)}
AMPERES, WATTS = "A", "W"


@dataclass(frozen=True)
class Rate:
    """A limit: so many amperes on each of so many phases, 0 phases for direct current."""

    amperes: float
    phases: int

    @property
    def watts(self) -> float:
        """What flows at the nominal voltage."""
        return self.amperes * NOMINAL_VOLTAGE * max(self.phases, 1)

    def lower(self, other: Rate | None) -> Rate:
        """Return what keeps to both."""
        return self if other is None else Rate(min(self.amperes, other.amperes), min(self.phases, other.phases))


class ChargingLimits(ChargingProfiles):
    """Merges charging profiles, and answers GetCompositeSchedule."""

    # -- one profile

    def is_valid(self, profile: ChargingProfile, moment: datetime) -> bool:
        """Tell whether a profile counts at a moment (K01.FR.10/36/37)."""
        return not self.is_early(profile, moment) and not self.is_over(profile, moment)

    def is_early(self, profile: ChargingProfile, moment: datetime) -> bool:
        """Tell whether a profile does not count yet (K01.FR.36)."""
        return profile.valid_from is not None and moment < profile.valid_from

    def is_over(self, profile: ChargingProfile, moment: datetime) -> bool:
        """Tell whether a profile no longer counts (K01.FR.37)."""
        return profile.valid_to is not None and moment >= profile.valid_to

    def schedule_start(self, profile: ChargingProfile, moment: datetime, ready: datetime) -> datetime:
        """Return when the schedule started that runs at a moment, or will start: `ready` for a relative one."""
        if profile.kind == "Relative" or profile.start is None:
            return ready
        cycle = self.cycle(profile)
        if cycle is None or moment < profile.start:
            return profile.start
        return profile.start + (moment - profile.start) // cycle * cycle

    def cycle(self, profile: ChargingProfile) -> timedelta | None:
        """Return after what time a schedule begins anew, None for never."""
        return CYCLES.get(profile.recurrency or "") if profile.kind == "Recurring" else None

    def profile_rate(self, profile: ChargingProfile, moment: datetime, ready: datetime, phases: int) -> Rate | None:
        """Return what a profile allows at a moment, None where it says nothing."""
        if not self.is_valid(profile, moment):
            return None
        elapsed = (moment - self.schedule_start(profile, moment, ready)).total_seconds()
        period = self.period_at(profile, elapsed)
        return None if period is None else self.rate_of(period, profile.schedule["chargingRateUnit"], phases)

    def period_at(self, profile: ChargingProfile, elapsed: float) -> Payload | None:
        """Return the period that holds so many seconds into a schedule (K01.FR.11/12/30)."""
        duration = self.schedule_duration(profile)
        if elapsed < 0 or (duration is not None and elapsed >= duration):
            return None
        begun = [period for period in profile.periods if period["startPeriod"] <= elapsed]
        return begun[-1] if begun else None

    def schedule_duration(self, profile: ChargingProfile) -> float | None:
        """Return how long a schedule lasts, None for without end."""
        return profile.schedule.get("duration")

    def rate_of(self, period: Payload, unit: str, phases: int) -> Rate:
        """Return the limit of a period on an EVSE with so many phases (K01.FR.45/49/50/51)."""
        meant = period.get("numberPhases", self.default_phases())
        amperes = period["limit"] if unit == AMPERES else self.amperes_of(period["limit"], meant if phases else 1)
        return Rate(float(amperes), min(meant, phases))

    def default_phases(self) -> int:
        """Return for how many phases a limit is meant that does not say it (K01.FR.49)."""
        return DEFAULT_PHASES

    def amperes_of(self, watts: float, phases: int) -> float:
        """Return the current of each phase that makes up a power (K01.FR.50)."""
        return watts / (NOMINAL_VOLTAGE * phases)

    # -- all of them

    def leading_rate(
        self, profiles: Iterable[ChargingProfile], moment: datetime, ready: datetime, phases: int
    ) -> Rate | None:
        """Return what the highest stack level allows that says something at a moment (K01.FR.17)."""
        for profile in sorted(profiles, key=lambda each: each.stack_level, reverse=True):
            if (rate := self.profile_rate(profile, moment, ready, phases)) is not None:
                return rate
        return None

    def transaction_profiles(self, place: Evse) -> list[ChargingProfile]:
        """Return the TxProfiles of the transaction that runs on an EVSE."""
        transaction = place.session.transaction
        return [
            each
            for each in self.charging_profiles()
            if each.purpose == TX and transaction is not None and each.transaction == transaction.id
        ]

    def default_profiles(self, place: Evse) -> list[ChargingProfile]:
        """Return the TxDefaultProfiles of an EVSE: its own and those of all EVSEs (K01.FR.14/15)."""
        return [
            each
            for each in self.charging_profiles()
            if each.purpose == TX_DEFAULT and each.evse in (WHOLE_STATION, place.number)
        ]

    def station_profiles(self) -> list[ChargingProfile]:
        """Return what limits the station as a whole."""
        return [each for each in self.charging_profiles() if each.purpose == STATION_MAX]

    def session_rate(self, place: Evse, moment: datetime, ready: datetime) -> Rate | None:
        """Return what a transaction is allowed: by its own profiles, or else by default (K02.FR.04/08, K08.FR.06)."""
        own = self.leading_rate(self.transaction_profiles(place), moment, ready, place.phases)
        return own or self.leading_rate(self.default_profiles(place), moment, ready, place.phases)

    def station_rate(self, moment: datetime) -> Rate | None:
        """Return what the station as a whole is allowed."""
        phases = max(place.phases for place in self.evses.values())
        return self.leading_rate(self.station_profiles(), moment, moment, phases) if self.manages_charging() else None

    def hardware_rate(self, place: Evse) -> Rate:
        """Return what an EVSE can deliver."""
        return Rate(place.config.max_power / (NOMINAL_VOLTAGE * max(place.phases, 1)), place.phases)

    def evse_rate(self, place: Evse, moment: datetime, ready: datetime) -> Rate:
        """Return what an EVSE may deliver by its own profiles, at most what it can."""
        own = self.session_rate(place, moment, ready) if self.manages_charging() else None
        return self.hardware_rate(place).lower(own)

    def merged_rate(self, place: Evse, moment: datetime, ready: datetime) -> Rate:
        """Return what an EVSE may deliver by all profiles (K08.FR.04)."""
        return self.evse_rate(place, moment, ready).lower(self.station_rate(moment))

    def ready_since(self, place: Evse, otherwise: datetime) -> datetime:
        """Return since when the EV of a transaction could charge: there relative schedules start (K01.FR.42)."""
        transaction = place.session.transaction
        return transaction.ready if transaction is not None and transaction.ready is not None else otherwise

    # -- over time

    def rate_edges(self, first: datetime, last: datetime) -> list[datetime]:
        """Return the moments after `first` and before `last` at which a limit may change."""
        found: set[datetime] = set()
        for profile in self.charging_profiles():
            for place in self.evses.values():
                found.update(self.profile_edges(profile, first, last, self.ready_since(place, first)))
        return sorted(moment for moment in found if first < moment < last)

    def profile_edges(
        self, profile: ChargingProfile, first: datetime, last: datetime, ready: datetime
    ) -> Iterator[datetime]:
        """Yield when the limit of one profile may change."""
        yield from (moment for moment in (profile.valid_from, profile.valid_to) if moment is not None)
        start, cycle = self.schedule_start(profile, first, ready), self.cycle(profile)
        duration = self.schedule_duration(profile)
        while start < last:
            yield from (start + timedelta(seconds=period["startPeriod"]) for period in profile.periods)
            if duration is not None:
                yield start + timedelta(seconds=duration)
            if cycle is None:
                return
            start += cycle

    # -- GetCompositeSchedule

    def on_get_composite_schedule(self, request: Payload) -> Payload:
        """Answer GetCompositeSchedule (K08.FR.02/05/07)."""
        evse, duration = request["evseId"], request["duration"]
        unit = request.get("chargingRateUnit", self.rate_unit_by_default())
        refusal = self.objection_to_composite_schedule(evse, unit)
        if refusal is not None:
            return {"status": "Rejected", "statusInfo": {"reasonCode": refusal}}
        start = self.clock.now().replace(microsecond=0)
        schedule = {
            "evseId": evse,
            "duration": duration,
            "scheduleStart": start.isoformat().replace("+00:00", "Z"),
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": self.composite_periods(evse, start, duration, unit),
        }
        return {"status": "Accepted", "schedule": schedule}

    def rate_unit_by_default(self) -> str:
        """Return the unit for those who name none: amperes where they are known."""
        return next(iter(self.model.members(CONTROLLER, "RateUnit")), AMPERES)

    def objection_to_composite_schedule(self, evse: int, unit: str) -> str | None:
        """Return the reason code for not telling a schedule, None where it can be told."""
        if not self.manages_charging():
            return "NotEnabled"
        if evse not in (WHOLE_STATION, *self.evses):
            return "UnknownEvse"
        return None if self.knows_rate_unit(unit) else "UnsupportedRateUnit"

    def composite_periods(self, evse: int, start: datetime, duration: int, unit: str) -> list[Payload]:
        """Return the periods of a composite schedule, equal neighbours in one."""
        periods: list[Payload] = []
        for moment in (start, *self.rate_edges(start, start + timedelta(seconds=duration))):
            period = self.composite_period(evse, moment, start, unit)
            if periods and periods[-1]["startPeriod"] == period["startPeriod"]:
                periods.pop()
            if not periods or self.differs(periods[-1], period):
                periods.append(period)
        return periods

    @staticmethod
    def differs(one: Payload, other: Payload) -> bool:
        """Tell whether two periods allow something else."""
        return {**one, "startPeriod": 0} != {**other, "startPeriod": 0}

    def composite_period(self, evse: int, moment: datetime, start: datetime, unit: str) -> Payload:
        """Return what is allowed from a moment on, as one period."""
        if evse == WHOLE_STATION:
            limit, phases = self.station_total(moment, start, unit)
        else:
            place = self.evses[evse]
            rate = self.merged_rate(place, moment, self.ready_since(place, start))
            limit, phases = self.limit_in(rate, unit), rate.phases
        period: Payload = {"startPeriod": round((moment - start).total_seconds()), "limit": tenths(limit)}
        return {**period, "numberPhases": phases} if phases else period

    def station_total(self, moment: datetime, start: datetime, unit: str) -> tuple[float, int]:
        """Return what all EVSEs may take from the grid together, and on how many phases (K08.FR.03)."""
        rates = [self.evse_rate(place, moment, self.ready_since(place, start)) for place in self.evses.values()]
        whole = self.station_rate(moment)
        total = sum(self.limit_in(rate.lower(whole), unit) for rate in rates)
        limit = total if whole is None else min(total, self.limit_in(whole, unit))
        return limit, max(rate.lower(whole).phases for rate in rates)

    @staticmethod
    def limit_in(rate: Rate, unit: str) -> float:
        """Return a limit in amperes per phase, or in watts."""
        return rate.watts if unit == WATTS else rate.amperes


def tenths(limit: float) -> float:
    """Return a limit with one decimal, never more than it is."""
    return floor(limit * 10 + 1e-6) / 10
