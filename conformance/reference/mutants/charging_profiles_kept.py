"""Mutants of charging profiles that are kept: cleared, reported, brought by a remote start, and told as a whole."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from conformance.reference.mutants.control import Plain, Unmanaged
from conformance.reference.mutants.remote import TransactionIdNotAnswered
from conformance.reference.station import ReferenceStation
from conformance.reference.station.charging_profiles import TX_DEFAULT, WHOLE_STATION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from conformance.reference.station.base import Evse, Transaction
    from conformance.reference.station.charging_limits import Rate
    from conformance.reference.station.charging_profiles import ChargingProfile
    from conformance.reference.station.config import StationConfig
    from conformance.reference.station.rpc import Payload


# -- cleared: K10


class ClearByIdInVain(ReferenceStation):
    """Keeps what it was to clear by its id, and says that it has cleared it."""

    breaks = "K10.FR.03"

    def on_clear_charging_profile(self, request: Payload) -> Payload:
        """Do nothing."""
        if "chargingProfileId" in request and self.profiles_to_clear(request):
            return {"status": "Accepted"}
        return super().on_clear_charging_profile(request)


class ClearByIdTakesAll(ReferenceStation):
    """Clears all profiles for one id."""

    breaks = "K10.FR.03"

    def profiles_to_clear(self, request: Payload) -> list[ChargingProfile]:
        """Take them all, if one is found."""
        found = super().profiles_to_clear(request)
        return self.charging_profiles() if found and "chargingProfileId" in request else found


class ClearedProfileComesBack(ReferenceStation):
    """Forgets at a reboot what was cleared by its id."""

    breaks = "K10.FR.03"

    def on_clear_charging_profile(self, request: Payload) -> Payload:
        """Leave it in flash memory."""
        if "chargingProfileId" in request:
            self.storage.setdefault("cleared", []).extend(self.profiles_to_clear(request))
        return super().on_clear_charging_profile(request)

    def start_up(self) -> None:
        """Find it there."""
        for each in self.storage.pop("cleared", []):
            self.install_charging_profile(each)
        super().start_up()


class ClearByIdUnknown(ReferenceStation):
    """Knows no profile by its id when it is to clear one."""

    breaks = "K10.FR.03"

    def profiles_to_clear(self, request: Payload) -> list[ChargingProfile]:
        """Look at nothing but criteria."""
        return [] if "chargingProfileId" in request else super().profiles_to_clear(request)


class ClearTakesAnyMatch(ReferenceStation):
    """Clears what has one of the things that are named, where it should have them all."""

    breaks = "K10.FR.04"

    def fits_clearing(self, profile: ChargingProfile, criteria: Payload) -> bool:
        """Look at one after the other."""
        fits = super().fits_clearing
        return any(fits(profile, {key: value}) for key, value in criteria.items())


class ClearTakesFirstMatch(ReferenceStation):
    """Clears one profile of several that fit."""

    breaks = "K10.FR.04"

    def profiles_to_clear(self, request: Payload) -> list[ChargingProfile]:
        """Stop after the first."""
        return super().profiles_to_clear(request)[:1]


class ClearIgnoresEvse(ReferenceStation):
    """Clears on all EVSEs what it was to clear on one."""

    breaks = "K10.FR.04"

    def fits_clearing(self, profile: ChargingProfile, criteria: Payload) -> bool:
        """Leave the EVSE aside."""
        return super().fits_clearing(profile, {key: criteria[key] for key in criteria if key != "evseId"})


class ClearTakesZeroForAll(ReferenceStation):
    """Clears everything where it was to clear what is set on the station itself."""

    breaks = "K10.FR.04"

    def fits_clearing(self, profile: ChargingProfile, criteria: Payload) -> bool:
        """Take EVSE 0 for none in particular."""
        named = {key: criteria[key] for key in criteria if key != "evseId" or criteria[key] != WHOLE_STATION}
        return super().fits_clearing(profile, named)


class ClearIgnoresLevel(ReferenceStation):
    """Clears a purpose at all levels where it was to clear one."""

    breaks = "K10.FR.04"

    def fits_clearing(self, profile: ChargingProfile, criteria: Payload) -> bool:
        """Leave the level aside."""
        return super().fits_clearing(profile, {key: criteria[key] for key in criteria if key != "stackLevel"})


class ClearIgnoresPurpose(ReferenceStation):
    """Clears a level whatever the purpose."""

    breaks = "K10.FR.04"

    def fits_clearing(self, profile: ChargingProfile, criteria: Payload) -> bool:
        """Leave the purpose aside where a level is named."""
        ignored = {"chargingProfilePurpose"} if "stackLevel" in criteria else set()
        return super().fits_clearing(profile, {key: criteria[key] for key in criteria if key not in ignored})


class ClearNothingAccepted(ReferenceStation):
    """Says that it has cleared what it never had."""

    breaks = "K10.FR.01"

    def on_clear_charging_profile(self, request: Payload) -> Payload:
        """Say so always."""
        return super().on_clear_charging_profile(request) | {"status": "Accepted"}


class ClearUnknownTakesAll(ReferenceStation):
    """Clears everything where it knows nothing of what it was to clear, and says that it does not know it."""

    breaks = "K10.FR.01"

    def on_clear_charging_profile(self, request: Payload) -> Payload:
        """Begin anew."""
        answer = super().on_clear_charging_profile(request)
        if answer["status"] == "Unknown":
            self.remove_charging_profiles(self.charging_profiles())
        return answer


class ClearPrefersCriteria(ReferenceStation):
    """Leaves the id aside where criteria are named with it."""

    breaks = "KEPT.CLEAR.01"

    def profiles_to_clear(self, request: Payload) -> list[ChargingProfile]:
        """Look at the criteria first."""
        both = "chargingProfileCriteria" in request
        return super().profiles_to_clear(
            {key: request[key] for key in request if key != "chargingProfileId" or not both}
        )


class ClearNeedsIdAndCriteria(ReferenceStation):
    """Takes an id for one criterion among others."""

    breaks = "KEPT.CLEAR.01"

    def profiles_to_clear(self, request: Payload) -> list[ChargingProfile]:
        """Look at all of them."""
        criteria = request.get("chargingProfileCriteria", {})
        return [each for each in super().profiles_to_clear(request) if self.fits_clearing(each, criteria)]


class ClearAllInVain(ReferenceStation):
    """Says that it has cleared everything, and has not."""

    breaks = "KEPT.CLEAR.02"

    def on_clear_charging_profile(self, request: Payload) -> Payload:
        """Do nothing where nothing is named."""
        return super().on_clear_charging_profile(request) if request else {"status": "Accepted"}


class ClearAllSecretly(ReferenceStation):
    """Clears everything where nothing is named, and says that there was nothing to clear."""

    breaks = "KEPT.CLEAR.02"

    def on_clear_charging_profile(self, request: Payload) -> Payload:
        """Say so."""
        answer = super().on_clear_charging_profile(request)
        return answer if request else {"status": "Unknown"}


class ClearedDefaultStays(ReferenceStation):
    """Limits a transaction to the end by the default profiles with which it began, even once they are cleared."""

    breaks = "K10.FR.07"

    def __init__(self, config: StationConfig) -> None:
        """Begin without a transaction."""
        super().__init__(config)
        self._defaults_of: dict[str, list[ChargingProfile]] = {}

    def transaction_opens(self, place: Evse, transaction: Transaction) -> None:
        """Remember them."""
        self._defaults_of[transaction.id] = super().default_profiles(place)
        super().transaction_opens(place, transaction)

    def default_profiles(self, place: Evse) -> list[ChargingProfile]:
        """Use those that were there."""
        transaction = place.session.transaction
        found = super().default_profiles(place)
        return found or (self._defaults_of[transaction.id] if transaction is not None else [])


class ClearedDefaultEndsTransaction(ReferenceStation):
    """Ends the transactions of a default profile that is cleared."""

    breaks = "K10.FR.07"

    def on_clear_charging_profile(self, request: Payload) -> Payload:
        """End them all."""
        defaults = any(each.purpose == TX_DEFAULT for each in self.profiles_to_clear(request))
        for place in self.evses.values() if defaults else ():
            self.end_transaction(place, "AbnormalCondition", "Other")
        return super().on_clear_charging_profile(request)


class ClearedLimitStays(ReferenceStation):
    """Limits by what is cleared until its transaction is over."""

    breaks = "K10.FR.05"

    def __init__(self, config: StationConfig) -> None:
        """Begin with nothing cleared."""
        super().__init__(config)
        self._cleared: list[ChargingProfile] = []

    def remove_charging_profiles(self, profiles: Iterable[ChargingProfile]) -> None:
        """Remember what was there."""
        gone = list(profiles)
        self._cleared += gone
        super().remove_charging_profiles(gone)

    def transaction_profiles(self, place: Evse) -> list[ChargingProfile]:
        """Use what was there, too."""
        transaction = place.session.transaction
        mine = [each for each in self._cleared if transaction is not None and each.transaction == transaction.id]
        return super().transaction_profiles(place) + mine


class ClearedLimitFlowsOn(ReferenceStation):
    """Tells of a limit that is cleared as of none, and goes on to hold an EV to the lowest that it ever had."""

    breaks = "K10.FR.05"

    def __init__(self, config: StationConfig) -> None:
        """Begin without a limit."""
        super().__init__(config)
        self._lowest: dict[str, Rate] = {}

    def allowed_rate(self, place: Evse) -> Rate:
        """Never raise it."""
        rate, transaction = super().allowed_rate(place), place.session.transaction
        if transaction is None or not self.can_charge_with(rate):
            return rate
        self._lowest[transaction.id] = rate.lower(self._lowest.get(transaction.id))
        return self._lowest[transaction.id]


# -- reported: K09


class ReportsUnderNoNumber(ReferenceStation):
    """Reports profiles under the number 0, whatever the request has."""

    breaks = "K09.FR.01"
    also = ("K09.FR.02", "K09.FR.06")

    def profile_reports(self, request_id: int, profiles: list[ChargingProfile]) -> list[Payload]:
        """Leave the number aside."""
        return [{**each, "requestId": 0} for each in super().profile_reports(request_id, profiles)]


class EachPartSaysLast(ReferenceStation):
    """Never says of a part of a report of profiles that more follows."""

    breaks = "K09.FR.02"

    def profile_reports(self, request_id: int, profiles: list[ChargingProfile]) -> list[Payload]:
        """Say that nothing does."""
        return [{**each, "tbc": False} for each in super().profile_reports(request_id, profiles)]


class NextRequestEndsReport(ReferenceStation):
    """Leaves a report of profiles unfinished when it is asked for another."""

    breaks = "K09.FR.02"
    also = ("K09.FR.06",)

    async def report_profiles(self, request_id: int, profiles: list[ChargingProfile]) -> None:
        """Send what is left only as long as nobody asks again."""
        self._asked = request_id
        for message in self.profile_reports(request_id, profiles):
            if self._asked == request_id:
                await self.call("ReportChargingProfiles", message, asked=True)


class LastPartSaysMore(ReferenceStation):
    """Says of a report of profiles of one level that more follows."""

    breaks = "K09.FR.02"

    def __init__(self, config: StationConfig) -> None:
        """Begin without a request."""
        super().__init__(config)
        self._promising: set[int] = set()

    def on_get_charging_profiles(self, request: Payload) -> Payload:
        """Notice such requests."""
        if "stackLevel" in request["chargingProfile"] and "evseId" in request:
            self._promising.add(request["requestId"])
        return super().on_get_charging_profiles(request)

    def profile_reports(self, request_id: int, profiles: list[ChargingProfile]) -> list[Payload]:
        """Say that more does."""
        reports = super().profile_reports(request_id, profiles)
        return [{**each, "tbc": True} for each in reports] if request_id in self._promising else reports


class GetIgnoresEvse(ReferenceStation):
    """Reports the profiles of all EVSEs where one is named."""

    breaks = "K09.FR.04"

    def is_of_evse(self, profile: ChargingProfile, evse: int | None) -> bool:
        """Leave it aside."""
        return super().is_of_evse(profile, evse or None)  # 0 stays in order: it is none of those

    def profiles_to_report(self, evse: int | None, criteria: Payload) -> list[ChargingProfile]:
        """Look everywhere, but for what is asked of the station itself."""
        return super().profiles_to_report(None if evse else evse, criteria)


class Choosy(ReferenceStation):
    """Leaves one criterion aside when it is asked for profiles."""

    ignored = ""

    def filters(self, criteria: Payload) -> list[Callable[[ChargingProfile], bool]]:
        """Do without it."""
        return super().filters({key: criteria[key] for key in criteria if key != self.ignored})


class GetIgnoresPurpose(Choosy):
    """Reports profiles of all purposes where one is named."""

    breaks = "K09.FR.04"
    ignored = "chargingProfilePurpose"


class GetIgnoresLevel(Choosy):
    """Reports profiles of all levels where one is named."""

    breaks = "K09.FR.04"
    ignored = "stackLevel"


class GetIgnoresSource(Choosy):
    """Reports profiles from all sources where one is named."""

    breaks = "K09.FR.04"
    ignored = "chargingLimitSource"


class ReportsOtherLimits(ReferenceStation):
    """Reports higher limits of an EVSE than were set."""

    breaks = "K09.FR.04"

    def profile_reports(self, request_id: int, profiles: list[ChargingProfile]) -> list[Payload]:
        """Add a tenth."""
        return [
            {**report, "chargingProfile": [raised(each) for each in report["chargingProfile"]]}
            for report in super().profile_reports(request_id, profiles)
        ]


def raised(profile: Payload) -> Payload:
    """A profile with limits a tenth higher."""
    return {
        **profile,
        "chargingSchedule": [
            {
                **schedule,
                "chargingSchedulePeriod": [
                    {**period, "limit": round(period["limit"] * 1.1, 1)}
                    for period in schedule["chargingSchedulePeriod"]
                ],
            }
            for schedule in profile["chargingSchedule"]
        ],
    }


class GetTakesZeroForAll(ReferenceStation):
    """Reports the profiles of all EVSEs where its own are asked for."""

    breaks = "K09.FR.05"
    also = ("K09.FR.06",)

    def is_of_evse(self, profile: ChargingProfile, evse: int | None) -> bool:
        """Take EVSE 0 for none in particular."""
        return super().is_of_evse(profile, evse or None)


class ReportsItselfAsFirstEvse(ReferenceStation):
    """Reports profiles of its own as if they were those of EVSE 1."""

    breaks = "K09.FR.05"

    def profile_reports(self, request_id: int, profiles: list[ChargingProfile]) -> list[Payload]:
        """Name another place."""
        reports = super().profile_reports(request_id, profiles)
        return [{**each, "evseId": each["evseId"] or 1} for each in reports]


class GetTakesAllForZero(ReferenceStation):
    """Reports only its own profiles where no EVSE is named."""

    breaks = "K09.FR.06"

    def profiles_to_report(self, evse: int | None, criteria: Payload) -> list[ChargingProfile]:
        """Take none in particular for EVSE 0, unless ids are asked for."""
        found = super().profiles_to_report(evse, criteria)
        return [each for each in found if each.evse == WHOLE_STATION] if evse is None else found


class NothingFoundAccepted(ReferenceStation):
    """Announces a report of profiles where there are none to report."""

    breaks = "KEPT.NONE.01"

    def on_get_charging_profiles(self, request: Payload) -> Payload:
        """Accept whatever is asked for."""
        return {**super().on_get_charging_profiles(request), "status": "Accepted"}


class NothingFoundReportsAll(ReferenceStation):
    """Reports all profiles where none are like those that are asked for, and says that it has none."""

    breaks = "KEPT.NONE.01"

    def on_get_charging_profiles(self, request: Payload) -> Payload:
        """Send them first."""
        answer = super().on_get_charging_profiles(request)
        if answer["status"] == "NoProfiles":
            for message in self.profile_reports(request["requestId"], self.charging_profiles()):
                self.send("ReportChargingProfiles", message)
        return answer


class StationDefaultOnEveryEvse(ReferenceStation):
    """Reports a default profile for all EVSEs once for each."""

    breaks = "KEPT.REPORT.01"

    def profile_reports(self, request_id: int, profiles: list[ChargingProfile]) -> list[Payload]:
        """Name it again and again."""
        reports = super().profile_reports(request_id, profiles)
        more = [
            {**report, "evseId": evse, "tbc": True}
            for report in reports
            if report["evseId"] == WHOLE_STATION
            and report["chargingProfile"][0]["chargingProfilePurpose"] == TX_DEFAULT
            for evse in self.evses
        ]
        return [*more, *reports]


class CsmsTakenForEnergyManager(ReferenceStation):
    """Reports what the CSMS has set as if an energy management system had."""

    breaks = "KEPT.SOURCE.01"

    def profile_reports(self, request_id: int, profiles: list[ChargingProfile]) -> list[Payload]:
        """Name another source."""
        return [{**each, "chargingLimitSource": "EMS"} for each in super().profile_reports(request_id, profiles)]


# -- with a remote start: K05, F01


class StartProfileForgotten(ReferenceStation):
    """Accepts a remote start with a profile, and starts without it."""

    breaks = "F01.FR.10"
    also = ("K05.FR.03",)

    def adopt_start_profile(self, place: Evse, transaction: Transaction) -> None:
        """Do nothing."""


class StartProfileNeedsPlug(ReferenceStation):
    """Loses the profile of a remote start that comes before the plug."""

    breaks = "F01.FR.10"
    also = ("K05.FR.03",)

    def driver_authorized(self, place: Evse, token: Payload, trigger: str, group: Payload | None = None) -> None:
        """Forget it where there is no plug."""
        if place.plugged is None:
            self._profiles_to_come.clear()
        super().driver_authorized(place, token, trigger, group)


class StartProfileStays(ReferenceStation):
    """Limits by the profile of a remote start whoever charges there next."""

    breaks = "F01.FR.10"

    def __init__(self, config: StationConfig) -> None:
        """Begin without one."""
        super().__init__(config)
        self._starts: dict[int, Payload] = {}

    def adopt_start_profile(self, place: Evse, transaction: Transaction) -> None:
        """Use the last one again."""
        last = place.session.start_profile or self._starts.get(place.number)
        if last is not None:
            self._starts[place.number] = place.session.start_profile = last
        super().adopt_start_profile(place, transaction)


class StartWithProfileRefused(ReferenceStation):
    """Refuses a remote start with any profile."""

    breaks = "F01.FR.10"

    def objection_to_start_profile(self, place: Evse, payload: Payload) -> str | None:
        """Object."""
        return super().objection_to_start_profile(place, payload) or "UnsupportedParam"


class StartProfileKeptButUnused(ReferenceStation):
    """Keeps the profile of a remote start, and does not limit anything by it."""

    breaks = "K05.FR.03"
    also = ("F01.FR.10",)

    def transaction_profiles(self, place: Evse) -> list[ChargingProfile]:
        """Leave out what began with the transaction."""
        if place.session.remote_start_id is not None:
            return []
        return super().transaction_profiles(place)


class PurposeOfStartProfileUnchecked(ReferenceStation):
    """Starts remotely with a profile that is for no transaction."""

    breaks = "F01.FR.26"

    def objection_to_start_profile(self, place: Evse, payload: Payload) -> str | None:
        """Take any purpose."""
        return super().objection_to_start_profile(place, {**payload, "chargingProfilePurpose": "TxProfile"})


class ScheduleOfStartProfileUnchecked(ReferenceStation):
    """Starts remotely with a profile whatever its periods are."""

    breaks = "F01.FR.26"

    def objection_to_start_profile(self, place: Evse, payload: Payload) -> str | None:
        """Look at nothing but the purpose."""
        return (
            super().objection_to_start_profile(place, payload)
            if payload["chargingProfilePurpose"] != "TxProfile"
            else None
        )


class StartProfileNotIgnored(Unmanaged):
    """Refuses a remote start because of a profile that it should leave aside."""

    breaks = "F01.FR.12"

    def on_request_start_transaction(self, request: Payload) -> Payload:
        """Say that it can't do that."""
        if "chargingProfile" in request:
            return {"status": "Rejected", "statusInfo": {"reasonCode": "UnsupportedParam"}}
        return super().on_request_start_transaction(request)


class StartProfileStops(Unmanaged):
    """Accepts a remote start with a profile, and does not start."""

    breaks = "F01.FR.12"

    async def remote_start(self, place: Evse, request: Payload) -> None:
        """Do nothing."""
        if "chargingProfile" not in request:
            await super().remote_start(place, request)


class TransactionIdNotAnsweredUnmanaged(TransactionIdNotAnswered, Unmanaged):
    """Does not tell the transaction that waits when it answers a remote start, and has no smart charging."""

    breaks = "F01.FR.13"


# -- as a whole: K08


class CompositeForHalfTheTime(ReferenceStation):
    """Tells a composite schedule for half the time that was asked for."""

    breaks = "K08.FR.02"

    def on_get_composite_schedule(self, request: Payload) -> Payload:
        """Break off."""
        return super().on_get_composite_schedule({**request, "duration": request["duration"] // 2})


class CompositeFromLater(ReferenceStation):
    """Tells a composite schedule that starts in a quarter of an hour."""

    breaks = "K08.FR.02"

    def on_get_composite_schedule(self, request: Payload) -> Payload:
        """Look ahead."""
        answer = super().on_get_composite_schedule(request)
        if "schedule" in answer:
            later = self.clock.now().replace(microsecond=0) + timedelta(minutes=15)
            answer["schedule"]["scheduleStart"] = later.isoformat().replace("+00:00", "Z")
        return answer


class CompositeBeyondItsEnd(ReferenceStation):
    """Tells a period of a composite schedule that begins when that is over."""

    breaks = "K08.FR.02"

    def composite_periods(self, evse: int, start: datetime, duration: int, unit: str) -> list[Payload]:
        """Add one."""
        periods = super().composite_periods(evse, start, duration, unit)
        return [*periods, {**periods[-1], "startPeriod": duration}]


class CompositeInWhateverUnit(ReferenceStation):
    """Tells composite schedules in watts only."""

    breaks = "K08.FR.02"

    def on_get_composite_schedule(self, request: Payload) -> Payload:
        """Leave the unit aside."""
        return super().on_get_composite_schedule({**request, "chargingRateUnit": "W"})


class CompositeNeedsUnit(ReferenceStation):
    """Tells no composite schedule to who names no unit."""

    breaks = "K08.FR.02"

    def rate_unit_by_default(self) -> str:
        """Do not choose."""
        return "none"


class CompositeMislabelled(ReferenceStation):
    """Calls watts what is amperes in a composite schedule for who names no unit."""

    breaks = "K08.FR.02"

    def on_get_composite_schedule(self, request: Payload) -> Payload:
        """Compute in one unit, and name the other."""
        if "chargingRateUnit" in request:
            return super().on_get_composite_schedule(request)
        answer = super().on_get_composite_schedule({**request, "chargingRateUnit": "W"})
        answer["schedule"]["chargingRateUnit"] = "A"
        return answer


class NoCompositeOfStation(ReferenceStation):
    """Tells the composite schedule of its first EVSE for its own."""

    breaks = "K08.FR.03"

    def on_get_composite_schedule(self, request: Payload) -> Payload:
        """Take one for the other."""
        return super().on_get_composite_schedule({**request, "evseId": request["evseId"] or 1})


class StationTotalIsLargest(ReferenceStation):
    """Tells of itself what the EVSE takes that takes most."""

    breaks = "K08.FR.03"

    def station_total(self, moment: datetime, start: datetime, unit: str) -> tuple[float, int]:
        """Do not add up."""
        rates = [self.merged_rate(place, moment, self.ready_since(place, start)) for place in self.evses.values()]
        return max(self.limit_in(rate, unit) for rate in rates), max(rate.phases for rate in rates)


class StationTotalUnlimited(ReferenceStation):
    """Tells of itself more than it may take."""

    breaks = "K08.FR.03"

    def station_total(self, moment: datetime, start: datetime, unit: str) -> tuple[float, int]:
        """Add up whatever the EVSEs may take."""
        rates = [self.evse_rate(place, moment, self.ready_since(place, start)) for place in self.evses.values()]
        return sum(self.limit_in(rate, unit) for rate in rates), max(rate.phases for rate in rates)


class MergedWithoutStation(ReferenceStation):
    """Leaves its own maximum out of the composite schedule of an EVSE."""

    breaks = "K08.FR.04"

    def merged_rate(self, place: Evse, moment: datetime, ready: datetime) -> Rate:
        """Look at the EVSE only."""
        return self.evse_rate(place, moment, ready)


class MergedWithoutTransaction(ReferenceStation):
    """Leaves the profile of the transaction out of the composite schedule of an EVSE."""

    breaks = "K08.FR.04"

    def transaction_profiles(self, place: Evse) -> list[ChargingProfile]:  # noqa: ARG002
        """Look at none."""
        return []


class CompositeOfUnknownEvse(ReferenceStation):
    """Tells a composite schedule of an EVSE that it does not have."""

    breaks = "K08.FR.05"

    def on_get_composite_schedule(self, request: Payload) -> Payload:
        """Take it for the first."""
        known = request["evseId"] in (WHOLE_STATION, *self.evses)
        return super().on_get_composite_schedule(request if known else {**request, "evseId": 1})


class NoDefaultWithoutTransaction(ReferenceStation):
    """Leaves default profiles out of the composite schedule as long as no transaction runs."""

    breaks = "K08.FR.06"

    def default_profiles(self, place: Evse) -> list[ChargingProfile]:
        """Wait for one."""
        return super().default_profiles(place) if place.session.transaction is not None else []


class CompositeInUnknownUnit(Plain):
    """Tells a composite schedule in amperes where one in watts is asked for, which it does not know."""

    breaks = "K08.FR.07"

    def on_get_composite_schedule(self, request: Payload) -> Payload:
        """Leave the unit aside."""
        return super().on_get_composite_schedule({**request, "chargingRateUnit": "A"})
