"""1.6 stations that get charging profiles wrong: setting, keeping, merging, telling and clearing them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from conformance.reference.station.rpc import Payload, RpcError
from conformance.reference.station16 import ReferenceStation16
from conformance.reference.station16.availability import STATION
from conformance.reference.station16.profiles import (
    ANYTHING,
    CHARGE_POINT_MAX,
    RECURRING,
    TX,
    TX_DEFAULT,
    UNITS,
    Allowance,
    Profile,
)

if TYPE_CHECKING:
    from datetime import datetime

    from conformance.reference.station16.base import Connector, Transaction
    from conformance.reference.station16.config import StationConfig16


# -- setting ----------------------------------------------------------------------------------------------------------


class DefaultProfileRefused(ReferenceStation16):
    """Takes no default profiles."""

    breaks = "16.CP.01"

    def is_set_where_it_may_be(self, profile: Profile) -> bool:
        """Not if it is one."""
        return profile.purpose != TX_DEFAULT and super().is_set_where_it_may_be(profile)


class TxProfileRefused(ReferenceStation16):
    """Takes no profiles of transactions."""

    breaks = "16.CP.01"

    def is_set_where_it_may_be(self, profile: Profile) -> bool:
        """Not if it is one."""
        return profile.purpose != TX and super().is_set_where_it_may_be(profile)


class DefaultProfileRefusedInTransaction(ReferenceStation16):
    """Takes no default profiles while a transaction runs."""

    breaks = "16.CP.01"

    def is_set_where_it_may_be(self, profile: Profile) -> bool:
        """Not if one runs."""
        busy = profile.purpose == TX_DEFAULT and self.in_transaction()
        return not busy and super().is_set_where_it_may_be(profile)


class ProfileOfNoConnectorAccepted(ReferenceStation16):
    """Takes profiles for connectors that it does not have."""

    breaks = "16.CP.02"
    also = ("16.CP.03",)

    def check_connector(self, number: int) -> None:
        """Let any pass."""


class ProfileOfNoConnectorRejected(ReferenceStation16):
    """Answers a profile for a connector that it does not have with a status."""

    breaks = "16.CP.03"

    def on_set_charging_profile(self, request: Payload) -> Payload:
        """Reject it."""
        try:
            return super().on_set_charging_profile(request)
        except RpcError:
            return {"status": "Rejected"}


class _AnyUnit(ReferenceStation16):
    """Does not know which units there are."""

    asks_about: str

    def check_request(self, action: str, payload: object) -> None:
        """Look at everything but the units of one action."""
        if action != self.asks_about:
            super().check_request(action, payload)


class VoltsRejected(_AnyUnit):
    """Answers a profile in volts with a status."""

    breaks = "16.CP.04"
    asks_about = "SetChargingProfile"

    def fits_unit(self, profile: Profile) -> bool:
        """Only if it is a unit."""
        return profile.schedule["chargingRateUnit"] in UNITS


class ScheduleInVoltsRejected(_AnyUnit):
    """Answers the question for a schedule in volts with a status."""

    breaks = "16.CP.45"
    asks_about = "GetCompositeSchedule"

    def knows_unit(self, unit: str) -> bool:
        """Only if it is a unit."""
        return unit in UNITS


class OtherUnitAccepted(ReferenceStation16):
    """Says that it limits currents only, and takes profiles in watts."""

    breaks = "16.CP.06"

    def __init__(self, config: StationConfig16) -> None:
        """Leave power out."""
        variables = {**config.variables, "ChargingScheduleAllowedChargingRateUnit": "Current"}
        super().__init__(replace(config, variables=variables))

    def fits_unit(self, profile: Profile) -> bool:  # noqa: ARG002
        """Always."""
        return True


class HighLevelAccepted(ReferenceStation16):
    """Takes, and follows, profiles above its highest stack level."""

    breaks = "16.CP.07"

    def fits_stack(self, profile: Profile) -> bool:  # noqa: ARG002
        """Always."""
        return True


class HighLevelSwallowed(ReferenceStation16):
    """Accepts profiles above its highest stack level, and forgets them."""

    breaks = "16.CP.05"
    also = ("16.CP.07",)

    def fits_stack(self, profile: Profile) -> bool:  # noqa: ARG002
        """Always."""
        return True

    def install(self, profile: Profile) -> None:
        """Only what is allowed."""
        if super().fits_stack(profile):
            super().install(profile)


class ManyPeriodsAccepted(ReferenceStation16):
    """Takes, and follows, profiles of more periods than it says."""

    breaks = "16.CP.08"

    def fits_periods(self, profile: Profile) -> bool:  # noqa: ARG002
        """Always."""
        return True


class ManyPeriodsCutOff(ReferenceStation16):
    """Accepts profiles of more periods than it says, and follows none."""

    breaks = "16.CP.05"
    also = ("16.CP.08",)

    def fits_periods(self, profile: Profile) -> bool:  # noqa: ARG002
        """Always."""
        return True

    def install(self, profile: Profile) -> None:
        """Only what is allowed."""
        if super().fits_periods(profile):
            super().install(profile)


class ManyProfilesAccepted(ReferenceStation16):
    """Keeps, and follows, more profiles than it says."""

    breaks = "16.CP.09"

    def has_room(self, profile: Profile) -> bool:  # noqa: ARG002
        """Always."""
        return True


class ManyProfilesSwallowed(ReferenceStation16):
    """Accepts more profiles than it has room for, and forgets them."""

    breaks = "16.CP.05"
    also = ("16.CP.09",)

    def has_room(self, profile: Profile) -> bool:  # noqa: ARG002
        """Always."""
        return True

    def install(self, profile: Profile) -> None:
        """Only as long as there is room."""
        if super().has_room(profile):
            super().install(profile)


class SameIdStacked(ReferenceStation16):
    """Keeps a profile beside another with its id."""

    breaks = "16.CP.10"

    def replaces(self, new: Profile, old: Profile) -> bool:
        """Only in the same place."""
        place = (new.connector, new.purpose, new.level) == (old.connector, old.purpose, old.level)
        return place and super().replaces(new, old)


class SamePlaceStacked(ReferenceStation16):
    """Keeps a profile beside another of its purpose and stack level."""

    breaks = "16.CP.11"
    also = ("16.CP.62", "16.CP.12")

    def replaces(self, new: Profile, old: Profile) -> bool:
        """Only with the same id."""
        return new.id == old.id

    def prevailing(self, profiles: list[Profile], moment: datetime, began: datetime) -> Allowance:
        """Prefer the newest."""
        return super().prevailing(profiles[::-1], moment, began)


class OldProfileUntilTheNewIsValid(ReferenceStation16):
    """Keeps a profile until the one that replaces it is valid."""

    breaks = "16.CP.12"

    def install(self, profile: Profile) -> None:
        """Put it beside the old one if that is still to hold."""
        if profile.is_valid(self.clock.now()):
            super().install(profile)
        else:
            self.profiles = [*self.profiles, profile]

    def prevailing(self, profiles: list[Profile], moment: datetime, began: datetime) -> Allowance:
        """Prefer the newest."""
        return super().prevailing(profiles[::-1], moment, began)


class ProfilesForgottenAtReboot(ReferenceStation16):
    """Starts without any profile."""

    breaks = "16.CP.13"

    def start_up(self) -> None:
        """Forget them."""
        self.profiles = []
        super().start_up()


class StationLimitForgottenAtReboot(ReferenceStation16):
    """Starts without the limit of the station."""

    breaks = "16.CP.13"

    def start_up(self) -> None:
        """Forget it."""
        self.profiles = [each for each in self.profiles if each.purpose != CHARGE_POINT_MAX]
        super().start_up()


# -- purposes ---------------------------------------------------------------------------------------------------------


class StationLimitOnConnector(ReferenceStation16):
    """Takes a limit of the station for one connector."""

    breaks = "16.CP.20"

    def is_set_where_it_may_be(self, profile: Profile) -> bool:
        """Anywhere."""
        return profile.purpose == CHARGE_POINT_MAX or super().is_set_where_it_may_be(profile)


class TxProfileOnStation(ReferenceStation16):
    """Takes the profile of a transaction for connector 0."""

    breaks = "16.CP.21"

    def is_set_where_it_may_be(self, profile: Profile) -> bool:
        """There too."""
        of_station = profile.purpose == TX and profile.connector == STATION
        return of_station or super().is_set_where_it_may_be(profile)


class TxProfileInAdvance(ReferenceStation16):
    """Takes the profile of a transaction that is still to come."""

    breaks = "16.CP.22"

    def is_set_where_it_may_be(self, profile: Profile) -> bool:
        """Wherever nothing runs."""
        place = self.connectors.get(profile.connector)
        free = profile.purpose == TX and place is not None and place.session.transaction is None
        return free or super().is_set_where_it_may_be(profile)


class TxProfileMadeDefault(ReferenceStation16):
    """Rejects the profile of a transaction where none runs, and follows it as a default profile."""

    breaks = "16.CP.22"

    def on_set_charging_profile(self, request: Payload) -> Payload:
        """Keep it all the same."""
        answer = super().on_set_charging_profile(request)
        payload = request["csChargingProfiles"]
        place = self.connectors.get(request["connectorId"])
        ours = payload["chargingProfilePurpose"] == TX and place is not None and place.session.transaction is None
        if ours and answer["status"] == "Rejected":
            self.install(Profile(request["connectorId"], {**payload, "chargingProfilePurpose": TX_DEFAULT}))
        return answer


class TxProfileOfAnother(ReferenceStation16):
    """Takes the profile of another transaction for the one that runs."""

    breaks = "16.CP.23"

    def is_meant(self, transaction: Transaction, profile: Profile) -> bool:  # noqa: ARG002
        """Always."""
        return True


class DefaultOfStationIgnored(ReferenceStation16):
    """Follows the default profiles of a connector only."""

    breaks = "16.CP.24"
    also = ("16.CP.25",)

    def defaults_of(self, connector: Connector) -> list[Profile]:
        """Leave out those of the station."""
        return [each for each in super().defaults_of(connector) if each.connector != STATION]


class DefaultOfStationPreferred(ReferenceStation16):
    """Follows the default profile of the station where a connector has its own."""

    breaks = "16.CP.25"

    def defaults_of(self, connector: Connector) -> list[Profile]:
        """Look at those of the station first."""
        of_station = [each for each in self.profiles if each.purpose == TX_DEFAULT and each.connector == STATION]
        return of_station or super().defaults_of(connector)


class DefaultOfConnectorForAll(ReferenceStation16):
    """Follows the default profile of one connector at all of them."""

    breaks = "16.CP.25"

    def defaults_of(self, connector: Connector) -> list[Profile]:
        """Look at the newest."""
        defaults = [each for each in self.profiles if each.purpose == TX_DEFAULT]
        return defaults[-1:] or super().defaults_of(connector)


class DefaultProfileMerged(ReferenceStation16):
    """Lets the default profile hold beside the one of a transaction."""

    breaks = "16.CP.26"
    also = ("16.CP.60",)

    def own_allowance(self, connector: Connector, moment: datetime, began: datetime) -> Allowance:
        """Take the lower one."""
        default = self.prevailing(self.defaults_of(connector), moment, began)
        return super().own_allowance(connector, moment, began) & default


class TxProfileOutlivesTransaction(ReferenceStation16):
    """Keeps the profile of a transaction for the next one."""

    breaks = "16.CP.27"

    def forget_transactions(self) -> None:
        """Keep them."""

    def is_for(self, profile: Profile, transaction: Transaction | None) -> bool:
        """Any."""
        return transaction is not None and profile.transaction is not None


class TxProfileBecomesDefault(ReferenceStation16):
    """Follows the profile of a transaction as the default one once this is over."""

    breaks = "16.CP.27"

    def forget_transactions(self) -> None:
        """Give it another purpose, above all others."""
        running = {transaction.number for _, transaction in self.in_transaction()}
        self.profiles = [
            replace(
                each,
                transaction=None,
                payload={**each.payload, "chargingProfilePurpose": TX_DEFAULT, "stackLevel": 7},
            )
            if each.purpose == TX and each.transaction not in running
            else each
            for each in self.profiles
        ]


class _DefaultsAtStart(ReferenceStation16):
    """Remembers what default profiles there were when a transaction began."""

    def transaction_began(self, connector: Connector, transaction: Transaction) -> None:
        """Note them."""
        super().transaction_began(connector, transaction)
        noted = self.storage.setdefault("defaults", {})
        noted[str(transaction.number)] = [each.record for each in self.defaults_of(connector)]

    def noted(self, transaction: Transaction) -> list[Profile]:
        """Return what was noted for a transaction."""
        return [Profile(**record) for record in self.storage["defaults"].get(str(transaction.number), [])]


class DefaultForTheNextOnly(_DefaultsAtStart):
    """Follows a new default profile from the next transaction on."""

    breaks = "16.CP.28"

    def profiles_of(self, connector: Connector) -> list[Profile]:
        """Look at what there was at the start."""
        found, transaction = super().profiles_of(connector), connector.session.transaction
        if transaction is None or any(each.purpose == TX for each in found):
            return found
        return self.noted(transaction)


class UpdateForTheNextOnly(ReferenceStation16):
    """Follows the first default profile that a transaction gets until it ends."""

    breaks = "16.CP.28"

    def replaces(self, new: Profile, old: Profile) -> bool:
        """Keep the default profile of a transaction, and follow it: it comes first."""
        kept = new.purpose == TX_DEFAULT and new.id != old.id and bool(self.in_transaction())
        return not kept and super().replaces(new, old)


class RemovedDefaultStays(ReferenceStation16):
    """Goes on under a default profile that was cleared."""

    breaks = "16.CP.29"

    def on_clear_charging_profile(self, request: Payload) -> Payload:
        """Keep it while a transaction runs."""
        kept = [each for each in self.profiles if each.purpose == TX_DEFAULT] if self.in_transaction() else []
        answer = super().on_clear_charging_profile(request)
        if "chargingProfilePurpose" in request:
            self.profiles = [*self.profiles, *(each for each in kept if each not in self.profiles)]
        return answer


class TransactionEndsWithDefault(ReferenceStation16):
    """Ends transactions when their default profile is cleared."""

    breaks = "16.CP.29"

    def on_clear_charging_profile(self, request: Payload) -> Payload:
        """Stop them."""
        answer = super().on_clear_charging_profile(request)
        if request.get("chargingProfilePurpose") == TX_DEFAULT:
            for connector, _ in self.in_transaction():
                self.stop_transaction(connector, "Other")
        return answer


# -- over time --------------------------------------------------------------------------------------------------------


class LowestLevelHolds(ReferenceStation16):
    """Follows the lowest stack level."""

    breaks = "16.CP.30"
    also = ("16.CP.32", "16.CP.34", "16.CP.35", "16.CP.37", "16.CP.36", "16.CP.33")

    def prevailing(self, profiles: list[Profile], moment: datetime, began: datetime) -> Allowance:
        """Look from below."""
        for profile in sorted(profiles, key=lambda each: each.level):
            if (allowed := profile.allowance(moment, began)) is not None:
                return allowed
        return ANYTHING


class HighestLevelAlone(ReferenceStation16):
    """Follows nothing when the highest stack level says nothing."""

    breaks = "16.CP.30"
    also = ("16.CP.32", "16.CP.33", "16.CP.34", "16.CP.35", "16.CP.36")

    def prevailing(self, profiles: list[Profile], moment: datetime, began: datetime) -> Allowance:
        """Look at one only."""
        return super().prevailing(sorted(profiles, key=lambda each: each.level)[-1:], moment, began)


class StationLimitNotMerged(ReferenceStation16):
    """Leaves the limit of the station out of the schedule of a connector."""

    breaks = "16.CP.31"

    def composite_period(self, number: int, moment: datetime, start: datetime, unit: str) -> Payload:
        """Look at the connector only."""
        if number == STATION:
            return super().composite_period(number, moment, start, unit)
        kept, self.profiles = self.profiles, [each for each in self.profiles if each.purpose != CHARGE_POINT_MAX]
        try:
            return super().composite_period(number, moment, start, unit)
        finally:
            self.profiles = kept


class _Rewritten(ReferenceStation16):
    """Keeps another profile than it was sent."""

    def install(self, profile: Profile) -> None:
        """Change it first."""
        super().install(replace(profile, payload=self.rewritten(profile.payload)))

    def rewritten(self, payload: Payload) -> Payload:
        """Return what is kept instead."""
        return payload


class ValidFromIgnored(_Rewritten):
    """Follows profiles before they are valid."""

    breaks = "16.CP.32"
    also = ("16.CP.12",)

    def rewritten(self, payload: Payload) -> Payload:
        """Leave the beginning out."""
        return {name: value for name, value in payload.items() if name != "validFrom"}


class ValidToIgnored(_Rewritten):
    """Follows profiles after they were valid."""

    breaks = "16.CP.33"

    def rewritten(self, payload: Payload) -> Payload:
        """Leave the end out."""
        return {name: value for name, value in payload.items() if name != "validTo"}


class DurationIgnored(_Rewritten):
    """Goes on with the periods of a schedule whose duration is over."""

    breaks = "16.CP.34"
    also = ("16.CP.30", "16.CP.31", "16.CP.36", "16.CP.40", "16.CP.41")

    def rewritten(self, payload: Payload) -> Payload:
        """Leave the duration out."""
        schedule = {name: value for name, value in payload["chargingSchedule"].items() if name != "duration"}
        return {**payload, "chargingSchedule": schedule}


class LastPeriodForOneMinute(ReferenceStation16):
    """Lets the last period of a schedule with a duration last for a minute."""

    breaks = "16.CP.34"
    also = ("16.CP.31", "16.CP.35", "16.CP.41")

    def install(self, profile: Profile) -> None:
        """Make the duration shorter."""
        schedule = profile.schedule
        if "duration" in schedule:
            in_time = [
                each["startPeriod"]
                for each in schedule["chargingSchedulePeriod"]
                if each["startPeriod"] < schedule["duration"]
            ]
            schedule = {**schedule, "duration": min(in_time[-1] + 60, schedule["duration"])}
        super().install(replace(profile, payload={**profile.payload, "chargingSchedule": schedule}))


class NeverRecurs(_Rewritten):
    """Follows a recurring schedule once."""

    breaks = "16.CP.35"
    also = ("16.CP.37",)

    def rewritten(self, payload: Payload) -> Payload:
        """Make it one that doesn't recur."""
        kind = payload["chargingProfileKind"]
        return {**payload, "chargingProfileKind": "Absolute" if kind == RECURRING else kind}


class RecursDaily(_Rewritten):
    """Has every recurring schedule recur daily."""

    breaks = "16.CP.35"

    def rewritten(self, payload: Payload) -> Payload:
        """Make it a daily one."""
        return {**payload, "recurrencyKind": "Daily"} if "recurrencyKind" in payload else payload


class RecurringWithoutEnd(_Rewritten):
    """Goes on with a recurring schedule until it recurs."""

    breaks = "16.CP.36"
    also = ("16.CP.35",)

    def rewritten(self, payload: Payload) -> Payload:
        """Leave its duration out."""
        schedule = payload["chargingSchedule"]
        if payload["chargingProfileKind"] == RECURRING:
            schedule = {name: value for name, value in schedule.items() if name != "duration"}
        return {**payload, "chargingSchedule": schedule}


class LongRecurringNotCut(_Rewritten):
    """Follows a recurring schedule to its end before it starts again."""

    breaks = "16.CP.37"

    def rewritten(self, payload: Payload) -> Payload:
        """Have it recur only where it is short enough."""
        long = payload["chargingSchedule"].get("duration", 0) > timedelta(days=1).total_seconds()
        return {**payload, "chargingProfileKind": "Absolute"} if long else payload


class RelativeToAnHourAgo(ReferenceStation16):
    """Counts a relative schedule from long before its transaction."""

    breaks = "16.CP.38"

    def prevailing(self, profiles: list[Profile], moment: datetime, began: datetime) -> Allowance:
        """Take another start."""
        return super().prevailing(profiles, moment, began - timedelta(hours=1))


# -- composite schedules ----------------------------------------------------------------------------------------------


class ScheduleOfAnotherTime(ReferenceStation16):
    """Tells composite schedules of half the time that was asked for."""

    breaks = "16.CP.40"

    def on_get_composite_schedule(self, request: Payload) -> Payload:
        """Halve it."""
        return super().on_get_composite_schedule({**request, "duration": request["duration"] // 2})


class ScheduleOfAnotherConnector(ReferenceStation16):
    """Says that every composite schedule is about the last connector."""

    breaks = "16.CP.40"
    also = (
        "16.CP.28",
        "16.CP.30",
        "16.CP.31",
        "16.CP.41",
        "16.CP.44",
        "16.CP.60",
    )

    def on_get_composite_schedule(self, request: Payload) -> Payload:
        """Name it."""
        answer = super().on_get_composite_schedule(request)
        return {**answer, "connectorId": len(self.connectors)} if "connectorId" in answer else answer


class ScheduleOfYesterday(ReferenceStation16):
    """Tells composite schedules that start a day before they were asked for."""

    breaks = "16.CP.40"
    also = ("16.CP.28", "16.CP.30", "16.CP.31", "16.CP.41", "16.CP.44", "16.CP.60")

    def on_get_composite_schedule(self, request: Payload) -> Payload:
        """Tell another start."""
        answer = super().on_get_composite_schedule(request)
        if "scheduleStart" in answer:
            start = self.clock.now() - timedelta(days=1)
            answer["scheduleStart"] = start.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return answer


class ScheduleOfTheFirstPeriod(ReferenceStation16):
    """Tells of a composite schedule what holds now."""

    breaks = "16.CP.41"
    also = (
        "16.CP.12",
        "16.CP.30",
        "16.CP.31",
        "16.CP.32",
        "16.CP.33",
        "16.CP.34",
        "16.CP.35",
        "16.CP.36",
        "16.CP.37",
        "16.CP.38",
        "16.CP.44",
        "16.CP.60",
    )

    def composite_periods(self, number: int, start: datetime, seconds: int, unit: str) -> list[Payload]:
        """Leave the rest out."""
        return super().composite_periods(number, start, seconds, unit)[:1]


class ScheduleNotMerged(ReferenceStation16):
    """Tells the limit of the hardware as the composite schedule of a transaction."""

    breaks = "16.CP.41"
    also = ("16.CP.26", "16.CP.27", "16.CP.28", "16.CP.31", "16.CP.38", "16.CP.60", "16.CP.62")

    def composite_period(self, number: int, moment: datetime, start: datetime, unit: str) -> Payload:
        """Look at no profile where a transaction runs."""
        place = self.connectors.get(number)
        if place is None or place.session.transaction is None:
            return super().composite_period(number, moment, start, unit)
        kept, self.profiles = self.profiles, []
        try:
            return super().composite_period(number, moment, start, unit)
        finally:
            self.profiles = kept


class ScheduleWithStart(ReferenceStation16):
    """Puts a startSchedule into the schedule that it tells."""

    breaks = "16.CP.42"

    def on_get_composite_schedule(self, request: Payload) -> Payload:
        """Say it twice."""
        answer = super().on_get_composite_schedule(request)
        if "chargingSchedule" in answer:
            answer["chargingSchedule"]["startSchedule"] = answer["scheduleStart"]
        return answer


class ScheduleOfNoConnector(ReferenceStation16):
    """Tells a composite schedule of connectors that it does not have."""

    breaks = "16.CP.43"

    def on_get_composite_schedule(self, request: Payload) -> Payload:
        """Tell that of the station."""
        known = request["connectorId"] in self.places()
        return super().on_get_composite_schedule(request if known else {**request, "connectorId": STATION})


class StationExpectsAll(ReferenceStation16):
    """Expects of the station what its connectors can take, whatever its limit."""

    breaks = "16.CP.44"

    def composite_period(self, number: int, moment: datetime, start: datetime, unit: str) -> Payload:
        """Leave the limit of the station out."""
        period = super().composite_period(number, moment, start, unit)
        if number != STATION:
            return period
        total = self.sum_of_connectors(moment, start)
        return {**period, "limit": round(total.current(3) if unit == "A" else total.power(3), 1)}


# -- clearing ---------------------------------------------------------------------------------------------------------


class ClearedByIdStays(ReferenceStation16):
    """Accepts to clear a profile by its id, and keeps it."""

    breaks = "16.CP.50"
    also = ("16.CP.11", "16.CP.51", "16.CP.62")

    def on_clear_charging_profile(self, request: Payload) -> Payload:
        """Keep it."""
        kept = self.profiles
        answer = super().on_clear_charging_profile(request)
        if "id" in request:
            self.profiles = kept
        return answer


class ClearedByIdAndMore(ReferenceStation16):
    """Clears by id only what meets the other criteria too."""

    breaks = "16.CP.50"

    def is_to_be_cleared(self, profile: Profile, request: Payload) -> bool:
        """Look at all."""
        others = {name: value for name, value in request.items() if name != "id"}
        return super().is_to_be_cleared(profile, request) and super().is_to_be_cleared(profile, others)


class ClearedByAnyCriterion(ReferenceStation16):
    """Clears what meets one of the criteria."""

    breaks = "16.CP.51"
    also = ("16.CP.50", "16.CP.52", "16.CP.53")

    def is_to_be_cleared(self, profile: Profile, request: Payload) -> bool:
        """Look at one after the other."""
        if "id" in request or not request:
            return super().is_to_be_cleared(profile, request)
        return any(
            super(ClearedByAnyCriterion, self).is_to_be_cleared(profile, {name: request[name]}) for name in request
        )


class LevelNotLookedAt(ReferenceStation16):
    """Clears whatever the stack level."""

    breaks = "16.CP.51"
    also = ("16.CP.50", "16.CP.53")

    def is_to_be_cleared(self, profile: Profile, request: Payload) -> bool:
        """Leave it out."""
        others = {name: value for name, value in request.items() if name != "stackLevel"}
        return super().is_to_be_cleared(profile, others)


class ClearedByCriteriaStays(ReferenceStation16):
    """Accepts to clear profiles by criteria, and keeps them."""

    breaks = "16.CP.51"
    also = ("16.CP.29", "16.CP.50", "16.CP.52")

    def on_clear_charging_profile(self, request: Payload) -> Payload:
        """Keep them."""
        kept = self.profiles
        answer = super().on_clear_charging_profile(request)
        if request and "id" not in request:
            self.profiles = kept
        return answer


class StationLimitNotCleared(ReferenceStation16):
    """Keeps the limit of the station when all profiles are cleared, unless it is the last one."""

    breaks = "16.CP.52"

    def is_to_be_cleared(self, profile: Profile, request: Payload) -> bool:
        """Leave it out."""
        kept = not request and profile.purpose == CHARGE_POINT_MAX
        return not kept and super().is_to_be_cleared(profile, request)


class NothingClearedAccepted(ReferenceStation16):
    """Accepts to clear what there is not."""

    breaks = "16.CP.53"
    also = ("16.CP.62",)

    def on_clear_charging_profile(self, request: Payload) -> Payload:
        """Accept all."""
        super().on_clear_charging_profile(request)
        return {"status": "Accepted"}


# -- remote starts ----------------------------------------------------------------------------------------------------


class RemoteProfileIgnored(ReferenceStation16):
    """Starts remotely, and ignores the profile that came with it."""

    breaks = "16.CP.60"

    def driver_authorized(
        self,
        connector: Connector,
        id_tag: str,
        parent: str | None = None,
        profile: Payload | None = None,  # noqa: ARG002
    ) -> None:
        """Leave it out."""
        super().driver_authorized(connector, id_tag, parent)


class RemoteDefaultProfileAccepted(ReferenceStation16):
    """Starts remotely with whatever profile comes with it."""

    breaks = "16.CP.61"

    def may_be_ordered(self, profile: Profile) -> bool:  # noqa: ARG002
        """Always."""
        return True


class RemoteStationLimitAccepted(ReferenceStation16):
    """Starts remotely with a limit of the station."""

    breaks = "16.CP.61"

    def may_be_ordered(self, profile: Profile) -> bool:
        """That too."""
        return profile.purpose == CHARGE_POINT_MAX or super().may_be_ordered(profile)


class RemoteProfileStays(ReferenceStation16):
    """Keeps the profile that a transaction was started with beside any other."""

    breaks = "16.CP.62"

    def transaction_began(self, connector: Connector, transaction: Transaction) -> None:
        """Remember which it is."""
        super().transaction_began(connector, transaction)
        self.storage["ordered"] = (connector.session.profile or {}).get("chargingProfileId")

    def replaces(self, new: Profile, old: Profile) -> bool:
        """Not that one."""
        return self.storage.get("ordered") != old.id and super().replaces(new, old)
