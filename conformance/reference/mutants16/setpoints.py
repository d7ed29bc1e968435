"""Mutants of what becomes of a charging limit: in what is reported, and in what is really drawn."""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import count
from math import floor, isfinite
from typing import TYPE_CHECKING, Any

from conformance.reference.station.meter import NOMINAL_VOLTAGE
from conformance.reference.station16 import ReferenceStation16
from conformance.reference.station16.availability import STATION
from conformance.reference.station16.limits import LEAST_CURRENT, LONGEST_WAIT
from conformance.reference.station16.profiles import ALL_PHASES, CHARGE_POINT_MAX, TX, TX_DEFAULT, Allowance, Profile

if TYPE_CHECKING:
    from datetime import datetime

    from conformance.reference.station.rpc import Payload
    from conformance.reference.station16.base import Connector, Transaction

_KEPT = "16.SETPOINT.02"
_EVERYWHERE = (
    _KEPT,
    "16.SETPOINT.06",
    "16.SETPOINT.07",
    "16.SETPOINT.08",
    "16.SETPOINT.09",
    "16.SETPOINT.10",
    "16.SETPOINT.11",
    "16.SETPOINT.12",
    "16.CP.26",
    "16.CP.27",
)
"""What goes with a station that follows no limit at all, wherever one is asked for."""


# -- silently ignored


class SaysAcceptedOnly(ReferenceStation16):
    """Accepts every charging profile, and keeps none."""

    breaks = "16.SETPOINT.01"
    also: tuple[str, ...] = _EVERYWHERE

    def install(self, profile: Profile) -> None:
        """Forget it at once."""


class TellsOfNoLimit(ReferenceStation16):
    """Keeps to its limits, and reports what its hardware could do."""

    breaks = "16.SETPOINT.01"
    also: tuple[str, ...] = _EVERYWHERE

    def composite_period(self, number: int, moment: datetime, start: datetime, unit: str) -> Payload:
        """Say what could flow."""
        period = super().composite_period(number, moment, start, unit)
        places = self.connectors.values() if number == STATION else [self.connectors[number]]
        limits = [(Allowance(watts=each.max_power), each.config.phases) for each in places]
        return {
            **period,
            "limit": floor(sum(one.current(lines) if unit == "A" else one.power(lines) for one, lines in limits)),
        }


class NoLimitToTell(ReferenceStation16):
    """Accepts charging profiles, does nothing about them, and can't tell what they come to."""

    breaks = "16.SETPOINT.01"
    also: tuple[str, ...] = _EVERYWHERE

    def install(self, profile: Profile) -> None:
        """Forget it at once."""

    def on_get_composite_schedule(self, request: Payload) -> Payload:  # noqa: ARG002
        """Tell nothing."""
        return {"status": "Rejected"}


class IgnoresStackLevels(ReferenceStation16):
    """Follows the profile of the lowest stack level."""

    breaks = "16.SETPOINT.01"

    def prevailing(self, profiles: list[Profile], moment: datetime, began: datetime) -> Allowance:
        """Begin at the other end."""
        turned = [replace(each, payload={**each.payload, "stackLevel": -each.level}) for each in profiles]
        return super().prevailing(turned, moment, began)


class DrawsWhatItLikes(ReferenceStation16):
    """Reports its limits rightly, and lets EVs draw what they like."""

    breaks = _KEPT
    also: tuple[str, ...] = _EVERYWHERE

    def shares(self) -> dict[int, float]:
        """Give all that there is."""
        return _all_that_there_is(self)

    def lines_used(self, connector: Connector) -> int:
        """Use all that there are."""
        return connector.config.phases


class DrawsMoreThanItTells(DrawsWhatItLikes):
    """Lets EVs draw what they like, and tells of a current that keeps to the limit."""

    breaks = _KEPT
    also = ("16.SETPOINT.05", *_EVERYWHERE)

    def meter_value(self, connector: Connector, context: str, key: str) -> list[Payload]:
        """Show what should flow."""
        lines = connector.config.phases
        allowed = self.allowed_now(connector)
        return _tell_at_most(super().meter_value(connector, context, key), allowed.current(lines), allowed.power(lines))


class ResumesWithoutLimit(ReferenceStation16):
    """Limits an EV that charges, and no longer one that has paused since."""

    breaks = _KEPT
    _resumed: frozenset[int] = frozenset()

    async def ev_ready(self, evse: int) -> None:
        """Forget that there was a limit."""
        self._resumed |= {evse}
        await super().ev_ready(evse)

    def shares(self) -> dict[int, float]:
        """Give all that there is after a pause."""
        free = {each.number for each in self.connectors.values() if each.evse in self._resumed}
        return super().shares() | {
            number: share for number, share in _all_that_there_is(self).items() if number in free
        }


class MuteMeter(ReferenceStation16):
    """Tells of two thirds of the current that flows."""

    breaks = "16.SETPOINT.05"

    def meter_value(self, connector: Connector, context: str, key: str) -> list[Payload]:
        """Show less."""
        lines = max(connector.lines, 1)
        watts = connector.meter.power * 2 / 3
        return _tell_at_most(super().meter_value(connector, context, key), watts / NOMINAL_VOLTAGE / lines, watts)


class FirstLimitOnly(ReferenceStation16):
    """Accepts a new limit of the same id, and goes on with the old one."""

    breaks = "16.SETPOINT.09"
    also = (_KEPT,)

    def install(self, profile: Profile) -> None:
        """Keep what is there."""
        if all(each.id != profile.id for each in self.profiles):
            super().install(profile)


# -- one against the other


class LowestOfAll(ReferenceStation16):
    """Keeps a transaction to its default limit even where its own one allows more."""

    breaks = "16.CP.26"

    def own_allowance(self, connector: Connector, moment: datetime, began: datetime) -> Allowance:
        """Take the lower."""
        own = super().own_allowance(connector, moment, began)
        return own & self.prevailing(self.defaults_of(connector), moment, began)


class TxProfileForEver(ReferenceStation16):
    """Applies the limit of one transaction to all that come after it."""

    breaks = "16.CP.27"

    def forget_transactions(self) -> None:
        """Keep what they had."""

    def is_for(self, profile: Profile, transaction: Transaction | None) -> bool:  # noqa: ARG002
        """Take those of any."""
        return transaction is not None


class EachGetsAll(ReferenceStation16):
    """Lets each connector have what the whole station may take."""

    breaks = "16.SETPOINT.10"

    def shares(self) -> dict[int, float]:
        """Don't divide it."""
        return _each_by(self, {each.number: self.allowed_now(each) for each in self.connectors.values()})


class NoStationMaximum(ReferenceStation16):
    """Reports the maximum of the station, and lets EVs draw more."""

    breaks = "16.SETPOINT.10"

    def shares(self) -> dict[int, float]:
        """Look at the limits of the connector only."""
        now = self.clock.now()
        own = {each.number: self.own_allowance(each, now, self.began(each, now)) for each in self.connectors.values()}
        return _each_by(self, own)


# -- rejected, and made another one


class AppliesWhatItRejects(ReferenceStation16):
    """Rejects a limit, and applies it all the same."""

    breaks = "16.SETPOINT.03"

    def on_set_charging_profile(self, request: Payload) -> Payload:
        """Say no, and do it."""
        answer = super().on_set_charging_profile(request)
        if answer["status"] != "Rejected":
            return answer
        number, payload = request["connectorId"], request["csChargingProfiles"]
        connector = self.connectors.get(number)
        transaction = connector.session.transaction if connector is not None else None
        if payload["chargingProfilePurpose"] == CHARGE_POINT_MAX:
            self.install(Profile(STATION, payload))
        elif transaction is not None:
            self.install(Profile(number, payload, transaction.number))
        self.after_answer(self.follow_new_limits)
        return answer


class RoundsAsItLikes(ReferenceStation16):
    """Has whole amperes only, and makes another number of them each time."""

    breaks = "16.SETPOINT.04"

    def __init__(self, *args: Any, **keywords: Any) -> None:
        """Begin with the nearest."""
        super().__init__(*args, **keywords)
        self._less = count()

    def install(self, profile: Profile) -> None:
        """Round down, and a little more the next time."""
        payload = copy.deepcopy(profile.payload)
        for period in payload["chargingSchedule"]["chargingSchedulePeriod"]:
            if period["limit"] % 1:
                period["limit"] = floor(period["limit"]) - next(self._less)
        super().install(replace(profile, payload=payload))


# -- phases, and the course of time


class AllPhasesAlways(ReferenceStation16):
    """Accepts a limit for one phase, and uses all of them."""

    breaks = "16.SETPOINT.07"

    def prevailing(self, profiles: list[Profile], moment: datetime, began: datetime) -> Allowance:
        """Overlook how many are meant."""
        return replace(super().prevailing(profiles, moment, began), phases=ALL_PHASES)


class WattsOfOnePhase(ReferenceStation16):
    """Makes amperes of watts as if there were one phase."""

    breaks = "16.SETPOINT.07"

    def prevailing(self, profiles: list[Profile], moment: datetime, began: datetime) -> Allowance:
        """Divide by the voltage alone."""
        found = super().prevailing(profiles, moment, began)
        return Allowance(amperes=found.watts / NOMINAL_VOLTAGE) if isfinite(found.watts) else found


class OnePeriodBehind(ReferenceStation16):
    """Follows the period before the one that holds."""

    breaks = "16.SETPOINT.08"

    def prevailing(self, profiles: list[Profile], moment: datetime, began: datetime) -> Allowance:
        """Miss the last edge."""
        return super().prevailing([_behind(each) for each in profiles], moment, began)


class NeverLooksAtTheClock(ReferenceStation16):
    """Reports how a limit will change, and applies it as it was when it came."""

    breaks = "16.SETPOINT.08"
    _since: datetime | None = None

    def seconds_to_change(self) -> float:
        """Wait for something to happen."""
        return LONGEST_WAIT

    def install(self, profile: Profile) -> None:
        """Note when."""
        self._since = self.clock.now()
        super().install(profile)

    def allowed_now(self, connector: Connector) -> Allowance:
        """Look at that moment."""
        moment = self._since or self.clock.now()
        return self.own_allowance(connector, moment, self.began(connector, moment))


class PlansLate(ReferenceStation16):
    """Follows the clock rightly, and reports each later period ten minutes late."""

    breaks = "16.SETPOINT.08"

    def composite_periods(self, number: int, start: datetime, seconds: int, unit: str) -> list[Payload]:
        """Put off what is more than a minute away."""
        return [
            each if each["startPeriod"] < 60 else {**each, "startPeriod": each["startPeriod"] + 600}  # noqa: PLR2004
            for each in super().composite_periods(number, start, seconds, unit)
        ]


# -- without a connection, and after a reboot


class ForgetsDefaults(ReferenceStation16):
    """Forgets its limits when its power is cut."""

    breaks = "16.SETPOINT.06"

    async def power_off(self) -> None:
        """Keep them where they don't last."""
        self.profiles = []
        await super().power_off()


class UnlimitedOffline(ReferenceStation16):
    """Limits a transaction only as long as there is a connection."""

    breaks = "16.SETPOINT.11"

    def disconnected(self) -> None:
        """Let EVs have what they want."""
        super().disconnected()
        self.rebalance()

    def shares(self) -> dict[int, float]:
        """Give all that there is while nobody looks."""
        return _all_that_there_is(self) if self.link is None else super().shares()


class ForgetsTxProfilesOffline(ReferenceStation16):
    """Forgets the limits of transactions when the connection is lost."""

    breaks = "16.SETPOINT.11"

    def disconnected(self) -> None:
        """Begin with a clean slate."""
        super().disconnected()
        self.profiles = [each for each in self.profiles if each.purpose != TX]


class NoDefaultOffline(ReferenceStation16):
    """Keeps no default limit where a transaction starts without a connection."""

    breaks = "16.SETPOINT.12"

    def disconnected(self) -> None:
        """Forget them."""
        super().disconnected()
        self.profiles = [each for each in self.profiles if each.purpose != TX_DEFAULT]


# -- what they have in common


def _all_that_there_is(station: ReferenceStation16) -> dict[int, float]:
    """What every connector that charges can give, in amperes of each phase."""
    return _each_by(station, {each.number: Allowance(watts=each.max_power) for each in station.connectors.values()})


def _each_by(station: ReferenceStation16, allowed: dict[int, Allowance]) -> dict[int, float]:
    """What every connector that charges draws by its own allowance, whatever the others do."""
    found = {}
    for connector, _ in station.in_transaction():
        phases = max(connector.config.phases, 1)
        most = allowed[connector.number].current(phases)
        if station.takes_energy(connector) and most >= LEAST_CURRENT:
            wanted = min(connector.load, connector.max_power) / (NOMINAL_VOLTAGE * phases)
            found[connector.number] = min(wanted, most)
    return found


def _tell_at_most(values: list[Payload], amperes: float, watts: float) -> list[Payload]:
    """Meter values that show no more than this."""
    told = {"Current.Import": amperes, "Power.Active.Import": watts}
    for value in values:
        for sample in value["sampledValue"]:
            if sample.get("measurand") in told:
                sample["value"] = str(round(min(float(sample["value"]), told[sample["measurand"]]), 3))
    return values


def _behind(profile: Profile) -> Profile:
    """A profile of which each period has the limit of the one before."""
    payload = copy.deepcopy(profile.payload)
    periods = payload["chargingSchedule"]["chargingSchedulePeriod"]
    limits = [each["limit"] for each in periods]
    for period, limit in zip(periods[1:], limits, strict=False):
        period["limit"] = limit
    return replace(profile, payload=payload)
