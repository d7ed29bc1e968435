"""Mutants of what becomes of a charging limit: in what is reported, and in what is really drawn."""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import count
from math import floor
from typing import TYPE_CHECKING, Any

from conformance.reference.station import ReferenceStation
from conformance.reference.station.charging_limits import Rate
from conformance.reference.station.charging_profiles import STATION_MAX, TX, TX_DEFAULT, WHOLE_STATION, ChargingProfile
from conformance.reference.station.smart_charging import LONGEST_LOOK_AHEAD

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from conformance.reference.station.base import Evse
    from conformance.reference.station.rpc import Payload

_KEPT = "SETPOINT.ENFORCED.01"
_EVERYWHERE = (
    _KEPT,
    "SETPOINT.KEPT.01",
    "SETPOINT.PHASES.01",
    "SETPOINT.COURSE.01",
    "K02.FR.04",
    "K02.FR.05",
    "K03.FR.03",
    "K04.FR.05",
    "K06.FR.01",
    "K07.FR.01",
)
"""What goes with a station that follows no limit at all, wherever one is asked for."""


# -- silently ignored


class SaysAcceptedOnly(ReferenceStation):
    """Accepts every charging profile, and keeps none."""

    breaks = "SETPOINT.TOLD.01"
    also = _EVERYWHERE

    def install_charging_profile(self, profile: ChargingProfile) -> None:
        """Forget it at once."""


class TellsOfNoLimit(ReferenceStation):
    """Keeps to its limits, and reports what its hardware could do."""

    breaks = "SETPOINT.TOLD.01"
    also = ("SETPOINT.KEPT.01", "SETPOINT.PHASES.01", "K02.FR.04", "K02.FR.05", "K03.FR.03", "K04.FR.05", *_EVERYWHERE)

    def composite_period(self, evse: int, moment: datetime, start: datetime, unit: str) -> Payload:
        """Say what could flow."""
        period = super().composite_period(evse, moment, start, unit)
        places = self.evses.values() if evse == WHOLE_STATION else [self.evses[evse]]
        return {**period, "limit": floor(sum(self.limit_in(self.hardware_rate(each), unit) for each in places))}


class IgnoresStackLevels(ReferenceStation):
    """Follows the profile of the lowest stack level."""

    breaks = "SETPOINT.TOLD.01"

    def leading_rate(
        self, profiles: Iterable[ChargingProfile], moment: datetime, ready: datetime, phases: int
    ) -> Rate | None:
        """Begin at the other end."""
        for profile in sorted(profiles, key=lambda each: each.stack_level):
            if (rate := self.profile_rate(profile, moment, ready, phases)) is not None:
                return rate
        return None


class DrawsWhatItLikes(ReferenceStation):
    """Reports its limits rightly, and lets EVs draw what they like."""

    breaks = _KEPT
    also = _EVERYWHERE

    def allowed_rate(self, place: Evse) -> Rate:
        """Allow all that there is."""
        return self.hardware_rate(place)


class DrawsMoreThanItTells(ReferenceStation):
    """Lets EVs draw what they like, and tells of a current that keeps to the limit."""

    breaks = _KEPT
    also = ("SETPOINT.METER.01", *_EVERYWHERE)

    def allowed_rate(self, place: Evse) -> Rate:
        """Allow all that there is."""
        return self.hardware_rate(place)

    def meter_values(self, place: Evse, context: str, setting: tuple[str, str]) -> list[Payload]:
        """Show what should flow."""
        values = super().meter_values(place, context, setting)
        rate = super().allowed_rate(place)
        told = {"Current.Import": rate.amperes, "Power.Active.Import": rate.watts}
        for value in values:
            for sample in value["sampledValue"]:
                if sample["measurand"] in told:
                    sample["value"] = round(min(sample["value"], told[sample["measurand"]]), 3)
        return values


class ResumesWithoutLimit(ReferenceStation):
    """Limits an EV that charges, and no longer one that has paused since."""

    breaks = _KEPT
    _resumed: frozenset[int] = frozenset()

    async def ev_ready(self, evse: int) -> None:
        """Forget that there was a limit."""
        self._resumed |= {evse}
        await super().ev_ready(evse)

    def allowed_rate(self, place: Evse) -> Rate:
        """Allow all that there is after a pause."""
        return self.hardware_rate(place) if place.number in self._resumed else super().allowed_rate(place)


class MuteMeter(ReferenceStation):
    """Tells of two thirds of the current that flows."""

    breaks = "SETPOINT.METER.01"

    def meter_values(self, place: Evse, context: str, setting: tuple[str, str]) -> list[Payload]:
        """Show less."""
        values = super().meter_values(place, context, setting)
        for value in values:
            for sample in value["sampledValue"]:
                if sample["measurand"] in ("Current.Import", "Power.Active.Import"):
                    sample["value"] = round(sample["value"] * 2 / 3, 3)
        return values


class FirstLimitOnly(ReferenceStation):
    """Accepts a new limit of the same id, and goes on with the old one."""

    breaks = "K03.FR.03"
    also = (_KEPT,)

    def install_charging_profile(self, profile: ChargingProfile) -> None:
        """Keep what is there."""
        if all(each.id != profile.id for each in self.charging_profiles()):
            super().install_charging_profile(profile)


# -- one against the other


class LowestOfAll(ReferenceStation):
    """Keeps a transaction to its default limit even where its own one allows more."""

    breaks = "K02.FR.04"

    def session_rate(self, place: Evse, moment: datetime, ready: datetime) -> Rate | None:
        """Take the lower."""
        own = super().session_rate(place, moment, ready)
        default = self.leading_rate(self.default_profiles(place), moment, ready, place.phases)
        return own.lower(default) if own is not None else None


class TxProfileForEver(ReferenceStation):
    """Applies the limit of one transaction to all that come after it."""

    breaks = "K02.FR.05"

    def forget_transaction_profiles(self, transaction: str) -> None:
        """Keep them."""

    def transaction_profiles(self, place: Evse) -> list[ChargingProfile]:
        """Take those of any."""
        running = place.session.transaction is not None
        return [each for each in self.charging_profiles() if running and each.purpose == TX]


class EachGetsAll(ReferenceStation):
    """Lets each EVSE have what the whole station may take."""

    breaks = "K04.FR.05"

    def share_of(self, place: Evse, rate: Rate, whole: Rate) -> Rate:  # noqa: ARG002
        """Don't divide it."""
        return rate.lower(whole)


class NoStationMaximum(ReferenceStation):
    """Reports the maximum of the station, and lets EVs draw more."""

    breaks = "K04.FR.05"

    def allowed_rate(self, place: Evse) -> Rate:
        """Look at the limits of the EVSE only."""
        now = self.clock.now()
        return self.evse_rate(place, now, self.ready_since(place, now))


# -- rejected, and made another one


class AppliesWhatItRejects(ReferenceStation):
    """Rejects a limit, and applies it all the same."""

    breaks = "SETPOINT.REJECTED.01"

    def on_set_charging_profile(self, request: Payload) -> Payload:
        """Say no, and do it."""
        answer = super().on_set_charging_profile(request)
        if answer["status"] != "Rejected":
            return answer
        payload = copy.deepcopy(request["chargingProfile"])
        place = self.evses.get(request["evseId"])
        if payload["chargingProfilePurpose"] == TX and place is not None and place.session.transaction is not None:
            payload["transactionId"] = place.session.transaction.id
        evse = WHOLE_STATION if payload["chargingProfilePurpose"] == STATION_MAX else request["evseId"]
        self.install_charging_profile(ChargingProfile(evse, payload))
        return answer


class RoundsAsItLikes(ReferenceStation):
    """Has whole amperes only, and makes another number of them each time."""

    breaks = "SETPOINT.DOWNGRADED.01"

    def __init__(self, *args: Any, **keywords: Any) -> None:
        """Begin with the nearest."""
        super().__init__(*args, **keywords)
        self._less = count()

    def install_charging_profile(self, profile: ChargingProfile) -> None:
        """Round down, and a little more the next time."""
        payload = copy.deepcopy(profile.payload)
        for period in payload["chargingSchedule"][0]["chargingSchedulePeriod"]:
            if period["limit"] % 1:
                period["limit"] = floor(period["limit"]) - next(self._less)
        super().install_charging_profile(replace(profile, payload=payload))


# -- phases, and the course of time


class AllPhasesAlways(ReferenceStation):
    """Accepts a limit for one phase, and uses all of them."""

    breaks = "SETPOINT.PHASES.01"

    def rate_of(self, period: Payload, unit: str, phases: int) -> Rate:
        """Overlook how many are meant."""
        return Rate(super().rate_of(period, unit, phases).amperes, phases)


class WattsOfOnePhase(ReferenceStation):
    """Makes amperes of watts as if there were one phase."""

    breaks = "SETPOINT.PHASES.01"

    def amperes_of(self, watts: float, phases: int) -> float:  # noqa: ARG002
        """Divide by the voltage alone."""
        return super().amperes_of(watts, 1)


class OnePeriodBehind(ReferenceStation):
    """Follows the period before the one that holds."""

    breaks = "SETPOINT.COURSE.01"

    def period_at(self, profile: ChargingProfile, elapsed: float) -> Payload | None:
        """Miss the last edge."""
        if super().period_at(profile, elapsed) is None:
            return None
        begun = [each for each in profile.periods if each["startPeriod"] <= elapsed]
        return begun[-2:][0]


class NeverLooksAtTheClock(ReferenceStation):
    """Reports how a limit will change, and applies it as it was when it came."""

    breaks = "SETPOINT.COURSE.01"
    _since: datetime | None = None

    def seconds_to_next_limit(self) -> float:
        """Wait for something to happen."""
        return LONGEST_LOOK_AHEAD.total_seconds()

    def install_charging_profile(self, profile: ChargingProfile) -> None:
        """Note when."""
        self._since = self.clock.now()
        super().install_charging_profile(profile)

    def allowed_rate(self, place: Evse) -> Rate:
        """Look at that moment."""
        moment = self._since or self.clock.now()
        return self.evse_rate(place, moment, self.ready_since(place, moment))


class PlansLate(ReferenceStation):
    """Follows the clock rightly, and reports each later period ten minutes late."""

    breaks = "SETPOINT.COURSE.01"

    def composite_periods(self, evse: int, start: datetime, duration: int, unit: str) -> list[Payload]:
        """Put off what is more than a minute away."""
        found = super().composite_periods(evse, start, duration, unit)
        return [
            each if each["startPeriod"] < 60 else {**each, "startPeriod": each["startPeriod"] + 600}  # noqa: PLR2004
            for each in found
        ]


# -- without a connection, and after a reboot


class ForgetsDefaults(ReferenceStation):
    """Forgets its default limits when it starts anew."""

    breaks = "SETPOINT.KEPT.01"

    def charging_profiles_lost_at_boot(self) -> list[ChargingProfile]:
        """All of them."""
        return self.charging_profiles()


class UnlimitedOffline(ReferenceStation):
    """Limits a transaction only as long as there is a connection."""

    breaks = "K06.FR.01"

    def disconnected(self) -> None:
        """Let EVs have what they want."""
        super().disconnected()
        self.limits_changed()

    def allowed_rate(self, place: Evse) -> Rate:
        """Allow all that there is while nobody looks."""
        return self.hardware_rate(place) if self.is_offline() else super().allowed_rate(place)


class ForgetsTxProfilesOffline(ReferenceStation):
    """Forgets the limits of transactions when the connection is lost."""

    breaks = "K06.FR.01"

    def disconnected(self) -> None:
        """Begin with a clean slate."""
        super().disconnected()
        self.remove_charging_profiles([each for each in self.charging_profiles() if each.purpose == TX])


class NoDefaultOffline(ReferenceStation):
    """Keeps no default limit where a transaction starts without a connection."""

    breaks = "K07.FR.01"

    def disconnected(self) -> None:
        """Forget them."""
        super().disconnected()
        self.remove_charging_profiles([each for each in self.charging_profiles() if each.purpose == TX_DEFAULT])
