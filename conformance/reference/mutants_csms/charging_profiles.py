"""Mutants whose operator sets, clears and asks about charging profiles, and that are told of limits from elsewhere."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from conformance.reference.csms import ReferenceCsms
from conformance.reference.csms.base import Link
from conformance.reference.csms.records import Command, StationRecord
from conformance.reference.csms.rpc import Payload, RpcError
from conformance.reference.mutants_csms.commands import Sulking
from conformance.reference.mutants_csms.transactions import Refusing, says

_EXTERNAL = "ChargingStationExternalConstraints"
_MAXIMA = ("ChargingStationMaxProfile", "ChargePointMaxProfile")
_BOTH = ("CSMS.PROFILE.01", "CSMS.PROFILE.02")


class Rewriting(ReferenceCsms):
    """Can be made to change the profiles that it sets; by itself it is as compliant as the reference."""

    def prepare_set_charging_profile(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Send what becomes of it."""
        name = "csChargingProfiles" if "csChargingProfiles" in payload else "chargingProfile"
        profile = self.rewritten(payload[name])
        told = profile["chargingSchedule"]
        schedules = [self.scheduled(each, profile) for each in (told if isinstance(told, list) else [told])]
        profile = profile | {"chargingSchedule": schedules if isinstance(told, list) else schedules[0]}
        return [self.placed(payload | {name: profile}, profile)]

    def placed(self, request: Payload, profile: Payload) -> Payload:  # noqa: ARG002
        """Return the request with another place."""
        return request

    def rewritten(self, profile: Payload) -> Payload:
        """Return the profile with other fields."""
        return profile

    def scheduled(self, schedule: Payload, profile: Payload) -> Payload:  # noqa: ARG002
        """Return a schedule with other fields or periods."""
        return schedule | {"chargingSchedulePeriod": self.paced(schedule["chargingSchedulePeriod"])}

    def paced(self, periods: list[Payload]) -> list[Payload]:
        """Return other periods."""
        return periods


def without(payload: Payload, *names: str) -> Payload:
    """Return a payload without some of its fields."""
    return {name: value for name, value in payload.items() if name not in names}


def at(request: Payload, number: int) -> Payload:
    """Return a request with another EVSE, or in 1.6 another connector."""
    return request | {"evseId" if "evseId" in request else "connectorId": number}


# -- profiles that are set: where, what for, how they stack -----------------------------------------------------------


class StacksHigher(Rewriting):
    """Counts the levels of profiles from 1, whatever it is told."""

    breaks = "CSMS.PROFILE.01"

    def rewritten(self, profile: Payload) -> Payload:
        """Add one."""
        return profile | {"stackLevel": profile["stackLevel"] + 1}


class SetsDefaultsForAll(Rewriting):
    """Sets every default profile for the whole station."""

    breaks = "CSMS.PROFILE.01"

    def placed(self, request: Payload, profile: Payload) -> Payload:
        """Know of no place of its own for a default."""
        return at(request, 0) if profile["chargingProfilePurpose"] == "TxDefaultProfile" else request


class NeverRecurs(Rewriting):
    """Sets a profile that is to recur for once."""

    breaks = "CSMS.PROFILE.01"

    def rewritten(self, profile: Payload) -> Payload:
        """Make it Absolute."""
        recurs = profile["chargingProfileKind"] == "Recurring"
        return without(profile, "recurrencyKind") | {"chargingProfileKind": "Absolute"} if recurs else profile


class ForgetsTheTransaction(Rewriting):
    """Sets profiles for transactions without naming the transaction."""

    breaks = "K01.FR.03"
    also: tuple[str, ...] = ("CSMS.PROFILE.01",)
    versions: tuple[str, ...] = ("2.0.1",)

    def rewritten(self, profile: Payload) -> Payload:
        """Leave it out."""
        return without(profile, "transactionId")


class ForgetsWhoseItIs(ForgetsTheTransaction):
    """Sets profiles for transactions without naming the transaction that it was told."""

    breaks = "CSMS.PROFILE.01"
    also = ()
    versions = ("1.6",)


class SetsTransactionsForAll(Rewriting):
    """Sets profiles for transactions for the whole station."""

    breaks = "K01.FR.16"
    also = ("CSMS.PROFILE.01",)

    def placed(self, request: Payload, profile: Payload) -> Payload:
        """Name no EVSE."""
        return at(request, 0) if profile["chargingProfilePurpose"] == "TxProfile" else request


class SetsMaximaAtTheFirst(Rewriting):
    """Sets the maximum of a station at its first EVSE."""

    breaks = "K04.FR.03"
    also = ("CSMS.PROFILE.01",)

    def placed(self, request: Payload, profile: Payload) -> Payload:
        """Take the station for one."""
        return at(request, 1) if profile["chargingProfilePurpose"] in _MAXIMA else request


class MakesMaximaRelative(Rewriting):
    """Sets the maximum of a station relative to nothing."""

    breaks = "K01.FR.38"
    also = _BOTH
    versions = ("2.0.1",)

    def rewritten(self, profile: Payload) -> Payload:
        """Change the kind."""
        relative = profile["chargingProfilePurpose"] in _MAXIMA
        return profile | {"chargingProfileKind": "Relative"} if relative else profile

    def scheduled(self, schedule: Payload, profile: Payload) -> Payload:
        """Have no start then."""
        return without(schedule, "startSchedule") if profile["chargingProfileKind"] == "Relative" else schedule


class NamesATransactionAlways(Rewriting):
    """Names a transaction in each profile."""

    breaks = "CSMS.PROFILE.03"
    also = ("CSMS.PROFILE.01",)

    def rewritten(self, profile: Payload) -> Payload:
        """Make one up."""
        return {"transactionId": "none" if "id" in profile else 0} | profile


class RecursAlways(Rewriting):
    """Says how a profile recurs that does not."""

    breaks = "CSMS.PROFILE.04"
    also = ("CSMS.PROFILE.01",)

    def rewritten(self, profile: Payload) -> Payload:
        """Fill in every field."""
        return {"recurrencyKind": "Daily"} | profile


class HasOneIdForAll(Rewriting):
    """Gives all profiles one id."""

    breaks = "CSMS.PROFILE.06"

    def rewritten(self, profile: Payload) -> Payload:
        """Count to one."""
        return profile | {"id" if "id" in profile else "chargingProfileId": 1}


class NumbersProfilesAnew(Rewriting):
    """Gives each profile that it sets a new id, the one that takes the place of another too."""

    breaks = "K01.FR.06"
    versions: tuple[str, ...] = ("2.0.1",)
    purposes: tuple[str, ...] = ("TxDefaultProfile", *_MAXIMA)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._ids = count(1)

    def rewritten(self, profile: Payload) -> Payload:
        """Take the next number."""
        return profile | {"id": next(self._ids)} if profile["chargingProfilePurpose"] in self.purposes else profile


class NumbersTransactionProfilesAnew(NumbersProfilesAnew):
    """Gives each profile of a transaction a new id, the one that takes the place of another too."""

    breaks = "K01.FR.39"
    purposes = ("TxProfile",)


# -- their schedules --------------------------------------------------------------------------------------------------


class HalvesLimits(Rewriting):
    """Sets half of each limit, to be on the safe side."""

    breaks = "CSMS.PROFILE.02"

    def paced(self, periods: list[Payload]) -> list[Payload]:
        """Divide."""
        return [period | {"limit": round(period["limit"] / 2, 1)} for period in periods]


class CutsLimits(Rewriting):
    """Keeps limits as whole numbers."""

    breaks = "CSMS.PROFILE.02"

    def paced(self, periods: list[Payload]) -> list[Payload]:
        """Cut what comes after the point."""
        return [period | {"limit": int(period["limit"])} for period in periods]


class TakesWattsForAmperes(Rewriting):
    """Sets each limit in the other unit, without converting it."""

    breaks = "CSMS.PROFILE.02"

    def scheduled(self, schedule: Payload, profile: Payload) -> Payload:  # noqa: ARG002
        """Mix them up."""
        return schedule | {"chargingRateUnit": "A" if schedule["chargingRateUnit"] == "W" else "W"}


class ForgetsPhases(Rewriting):
    """Sets limits without the number of phases that they are for."""

    breaks = "CSMS.PROFILE.02"

    def paced(self, periods: list[Payload]) -> list[Payload]:
        """Leave it out."""
        return [without(period, "numberPhases") for period in periods]


class KeepsTenPeriods(Rewriting):
    """Sets the first ten periods of a schedule."""

    breaks = "CSMS.PROFILE.02"

    def paced(self, periods: list[Payload]) -> list[Payload]:
        """Have room for no more."""
        return periods[:10]


class NeverEnds(Rewriting):
    """Sets profiles that are valid for ever."""

    breaks = "CSMS.PROFILE.02"

    def rewritten(self, profile: Payload) -> Payload:
        """Leave the end out."""
        return without(profile, "validTo")


class ForgetsHowLong(Rewriting):
    """Sets schedules that go on for ever."""

    breaks = "CSMS.PROFILE.02"

    def scheduled(self, schedule: Payload, profile: Payload) -> Payload:  # noqa: ARG002
        """Leave the duration out."""
        return without(schedule, "duration")


class TakesLocalTimeForUtc(Rewriting):
    """Sets schedules that start an hour too late: it takes the time on its own wall for UTC."""

    breaks = "CSMS.PROFILE.02"

    def scheduled(self, schedule: Payload, profile: Payload) -> Payload:  # noqa: ARG002
        """Read the clock on the wall."""
        if "startSchedule" not in schedule:
            return schedule
        later = datetime.fromisoformat(schedule["startSchedule"]) + timedelta(hours=1)
        return schedule | {"startSchedule": later.isoformat().replace("+00:00", "Z")}


class AddsNoise(Rewriting):
    """Sets limits with what is left of a conversion to and fro."""

    breaks = "CSMS.PROFILE.05"
    also = ("CSMS.PROFILE.02",)

    def paced(self, periods: list[Payload]) -> list[Payload]:
        """Leave it there."""
        return [period | {"limit": period["limit"] + 0.0003} for period in periods]

    def check_command(self, link: Link, command: Command, payload: Payload) -> None:
        """Find nothing wrong with it."""
        if command.action != "SetChargingProfile":
            super().check_command(link, command, payload)


class NamesAPhase(Rewriting):
    """Names a phase to use, for a single phase, where the station can't switch them."""

    breaks = "K01.FR.20"
    also: tuple[str, ...] = ("CSMS.PROFILE.02",)
    versions = ("2.0.1",)

    def paced(self, periods: list[Payload]) -> list[Payload]:
        """Take the second."""
        return [period | {"numberPhases": 1, "phaseToUse": 2} for period in periods]


class NamesAPhaseOfThree(NamesAPhase):
    """Names a phase to use where three are."""

    breaks = "K01.FR.19"
    also = ("K01.FR.20", "CSMS.PROFILE.02")

    def paced(self, periods: list[Payload]) -> list[Payload]:
        """Take the second of them."""
        return [period | {"phaseToUse": 2} for period in periods]


class StartsItsFirstPeriodLater(Rewriting):
    """Starts each period a second late, the first too."""

    breaks = "K01.FR.31"
    also = ("CSMS.PROFILE.02",)

    def paced(self, periods: list[Payload]) -> list[Payload]:
        """Count from 1."""
        return [period | {"startPeriod": period["startPeriod"] + 1} for period in periods]


class RepeatsItsLastPeriod(Rewriting):
    """Sets the last period of a schedule twice."""

    breaks = "K01.FR.35"
    also = ("CSMS.PROFILE.02",)
    versions = ("2.0.1",)

    def paced(self, periods: list[Payload]) -> list[Payload]:
        """Make sure of it."""
        return [*periods, periods[-1]]


class OffersAChoice(Rewriting):
    """Sets two schedules to choose from, where nobody charges by ISO 15118."""

    breaks = "K01.FR.34"
    also = ("CSMS.PROFILE.02",)
    versions = ("2.0.1",)

    def rewritten(self, profile: Payload) -> Payload:
        """Put another beside it."""
        told = profile["chargingSchedule"]
        return profile | {"chargingSchedule": [*told, told[0] | {"id": told[0]["id"] + 1}]}


class ForgetsWhenItStarts(Rewriting):
    """Sets Absolute schedules without a start."""

    breaks = "K01.FR.40"
    also = ("CSMS.PROFILE.02",)
    versions = ("2.0.1",)

    def scheduled(self, schedule: Payload, profile: Payload) -> Payload:  # noqa: ARG002
        """Leave it out."""
        return without(schedule, "startSchedule")


class StampsEverySchedule(Rewriting):
    """Sets Relative schedules with a start."""

    breaks = "K01.FR.41"
    also = ("CSMS.PROFILE.02",)
    versions = ("2.0.1",)

    def scheduled(self, schedule: Payload, profile: Payload) -> Payload:  # noqa: ARG002
        """Fill in every field."""
        return {"startSchedule": self.stamp()} | schedule


# -- profiles that are cleared ----------------------------------------------------------------------------------------


class ClearsTheNextOne(ReferenceCsms):
    """Clears the profile with the next id."""

    breaks = "CSMS.CLEARPROFILE.01"

    def prepare_clear_charging_profile(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Add one."""
        names = ("chargingProfileId", "id")
        return [payload | {name: payload[name] + 1 for name in names if name in payload}]


class ClearsByAllItKnows(ReferenceCsms):
    """Names the level of a profile beside its id."""

    breaks = "CSMS.CLEARPROFILE.01"

    def prepare_clear_charging_profile(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Fill in every field."""
        if "chargingProfileId" in payload:
            return [payload | {"chargingProfileCriteria": {"stackLevel": 0}}]
        return [payload | {"stackLevel": 0} if "id" in payload else payload]


class ClearsEveryLevel(ReferenceCsms):
    """Clears profiles of every level, where it was told one."""

    breaks = "CSMS.CLEARPROFILE.02"

    def prepare_clear_charging_profile(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Leave it out."""
        criteria = payload.get("chargingProfileCriteria")
        kept = without(payload, "stackLevel")
        return [kept if criteria is None else kept | {"chargingProfileCriteria": without(criteria, "stackLevel")}]


class ClearsDefaultsOnly(ReferenceCsms):
    """Asked to clear everything, clears the defaults."""

    breaks = "16.PROFILECS.14"
    versions = ("1.6",)

    def prepare_clear_charging_profile(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Never leave everything out."""
        return [payload or {"chargingProfilePurpose": "TxDefaultProfile"}]


class ClearsEverything(ReferenceCsms):
    """Clears every profile, whichever it is told."""

    breaks = "K10.FR.02"
    also = ("CSMS.CLEARPROFILE.01", "CSMS.CLEARPROFILE.02")
    versions = ("2.0.1",)

    def prepare_clear_charging_profile(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Name none."""
        return [{}]


# -- what it asks for -------------------------------------------------------------------------------------------------


class AsksEverywhere(ReferenceCsms):
    """Asks for the profiles of every EVSE, where it was told one."""

    breaks = "CSMS.GETPROFILES.01"
    versions = ("2.0.1",)

    def prepare_get_charging_profiles(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Leave it out."""
        return super().prepare_get_charging_profiles(station, without(payload, "evseId"))


class AsksTheFirstEvse(ReferenceCsms):
    """Asks for the profiles of the first EVSE, whichever it was told, or none."""

    breaks = "CSMS.GETPROFILES.01"
    versions = ("2.0.1",)

    def prepare_get_charging_profiles(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Know one only."""
        return super().prepare_get_charging_profiles(station, payload | {"evseId": 1})


class TakesZeroForNone(ReferenceCsms):
    """Leaves out what is 0 when it asks for profiles: the station as EVSE 0, and the lowest level."""

    breaks = "CSMS.GETPROFILES.01"
    also = ("K09.FR.03",)
    versions = ("2.0.1",)

    def prepare_get_charging_profiles(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Ask whether there is any."""
        criteria = {name: value for name, value in payload["chargingProfile"].items() if value}
        kept = {name: value for name, value in payload.items() if value}
        return super().prepare_get_charging_profiles(station, kept | {"chargingProfile": criteria})


class AsksForNothingInParticular(ReferenceCsms):
    """Asks for profiles without any criterion."""

    breaks = "K09.FR.03"
    also = ("CSMS.GETPROFILES.01",)
    versions = ("2.0.1",)

    def prepare_get_charging_profiles(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Want them all."""
        return super().prepare_get_charging_profiles(station, payload | {"chargingProfile": {}})


class AsksForADay(ReferenceCsms):
    """Asks for the schedule of a day, for however long it was told."""

    breaks = "CSMS.COMPOSITE.01"

    def prepare_get_composite_schedule(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Have a fixed picture of it."""
        return [payload | {"duration": 86_400}]


class AsksInNoUnit(ReferenceCsms):
    """Leaves the unit of a schedule to the station, although it was told one."""

    breaks = "CSMS.COMPOSITE.01"

    def prepare_get_composite_schedule(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Leave it out."""
        return [without(payload, "chargingRateUnit")]


class AsksForTheStationOnly(ReferenceCsms):
    """Asks for the schedule of the whole station, whichever EVSE it was told."""

    breaks = "CSMS.COMPOSITE.01"

    def prepare_get_composite_schedule(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Have one picture for all."""
        return [at(payload, 0)]


# -- remote starts with a profile -------------------------------------------------------------------------------------


class StartsWith(ReferenceCsms):
    """Can be made to change the profile of a remote start; by itself it is as compliant as the reference."""

    def prepare_request_start_transaction(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Send what becomes of it."""
        return super().prepare_request_start_transaction(station, self.started(payload))

    def prepare_remote_start_transaction(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Send what becomes of it."""
        return [self.started(payload)]

    def started(self, request: Payload) -> Payload:
        """Return the request with another profile."""
        if "chargingProfile" not in request:
            return request
        return request | {"chargingProfile": self.profiled(request["chargingProfile"])}

    def profiled(self, profile: Payload) -> Payload:
        """Return another profile."""
        return profile


class StartsWithoutAProfile(StartsWith):
    """Starts transactions without the profile that it was told."""

    breaks = "CSMS.REMOTESTART.02"

    def started(self, request: Payload) -> Payload:
        """Leave it out."""
        return without(request, "chargingProfile")


class StartsWithAnotherLimit(StartsWith):
    """Starts transactions with a limit of its own."""

    breaks = "CSMS.REMOTESTART.02"

    def profiled(self, profile: Payload) -> Payload:
        """Take 32 A."""
        told = profile["chargingSchedule"]
        schedule = (told[0] if isinstance(told, list) else told) | {
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 32.0}]
        }
        return profile | {"chargingSchedule": [schedule] if isinstance(told, list) else schedule}


class StartsWithADefault(StartsWith):
    """Starts transactions with a default profile."""

    breaks = "K05.FR.02"
    also = ("CSMS.REMOTESTART.02",)

    def profiled(self, profile: Payload) -> Payload:
        """Name the wrong purpose."""
        return profile | {"chargingProfilePurpose": "TxDefaultProfile"}


class NamesTheNextTransaction(StartsWith):
    """Names a transaction in the profile of a remote start, although there is none yet."""

    breaks = "F01.FR.11"
    also = ("CSMS.REMOTESTART.02",)

    def profiled(self, profile: Payload) -> Payload:
        """Make one up."""
        return profile | {"transactionId": "the-next-one" if "id" in profile else 4711}


# -- limits from elsewhere --------------------------------------------------------------------------------------------


class SetsLimitsAgain(ReferenceCsms):
    """Sets a limit from elsewhere again, once it is told of that."""

    breaks = "K01.FR.22"
    versions = ("2.0.1",)

    def on201_notify_charging_limit(self, station: StationRecord, request: Payload) -> Payload:
        """Make it last."""
        for schedule in request.get("chargingSchedule", []):
            profile = {
                "id": 77,
                "stackLevel": 0,
                "chargingProfilePurpose": _EXTERNAL,
                "chargingProfileKind": "Absolute",
                "chargingSchedule": [schedule],
            }
            self.command(station.identity, "SetChargingProfile", {"evseId": 0, "chargingProfile": profile})
        return super().on201_notify_charging_limit(station, request)


class SetsWhatIsReported(ReferenceCsms):
    """Sets each profile again that a station reports."""

    breaks = "K01.FR.22"
    versions = ("2.0.1",)

    def on201_report_charging_profiles(self, station: StationRecord, request: Payload) -> Payload:
        """Make them last."""
        for profile in request["chargingProfile"]:
            if profile["chargingProfilePurpose"] == _EXTERNAL:
                payload = {"evseId": request["evseId"], "chargingProfile": profile}
                self.command(station.identity, "SetChargingProfile", payload)
        return super().on201_report_charging_profiles(station, request)


class ClearsReportedLimits(ReferenceCsms):
    """Clears limits from elsewhere when it finds any in a report."""

    breaks = "K10.FR.06"
    versions = ("2.0.1",)

    def on201_report_charging_profiles(self, station: StationRecord, request: Payload) -> Payload:
        """Want none but its own."""
        if any(profile["chargingProfilePurpose"] == _EXTERNAL for profile in request["chargingProfile"]):
            criteria = {"chargingProfileCriteria": {"chargingProfilePurpose": _EXTERNAL}}
            self.command(station.identity, "ClearChargingProfile", criteria)
        return super().on201_report_charging_profiles(station, request)


class ClearsWhatHasGone(ReferenceCsms):
    """Clears limits from elsewhere when it is told that one has gone."""

    breaks = "K10.FR.06"
    versions = ("2.0.1",)

    def on201_cleared_charging_limit(self, station: StationRecord, request: Payload) -> Payload:
        """Clean up."""
        criteria = {"chargingProfileCriteria": {"chargingProfilePurpose": _EXTERNAL}}
        self.command(station.identity, "ClearChargingProfile", criteria)
        return super().on201_cleared_charging_limit(station, request)


class StumblesOverALimit(ReferenceCsms):
    """Answers a limit from elsewhere with an error."""

    breaks = "J.ANSWER.01"
    versions = ("2.0.1",)

    def on201_notify_charging_limit(self, station: StationRecord, request: Payload) -> Payload:  # noqa: ARG002
        """Look for an EVSE that is not named."""
        raise RpcError("InternalError", "evseId")


class KnowsNoLimits(ReferenceCsms):
    """Has not heard of limits from elsewhere, nor that they go."""

    breaks = "J.ANSWER.01"
    versions = ("2.0.1",)

    def on201_notify_charging_limit(self, station: StationRecord, request: Payload) -> Payload:  # noqa: ARG002
        """Know nothing of it."""
        raise RpcError("NotSupported", "no limits but its own")

    def on201_cleared_charging_limit(self, station: StationRecord, request: Payload) -> Payload:  # noqa: ARG002
        """Know nothing of it."""
        raise RpcError("NotSupported", "no limits but its own")


class StumblesOverReports(ReferenceCsms):
    """Answers a report about profiles with an error."""

    breaks = "J.ANSWER.01"
    versions = ("2.0.1",)

    def on201_report_charging_profiles(self, station: StationRecord, request: Payload) -> Payload:  # noqa: ARG002
        """Have no table for them."""
        raise RpcError("InternalError", "no such table")


class StumblesOverOtherSources(ReferenceCsms):
    """Answers a report about profiles that are not its own with an error."""

    breaks = "J.ANSWER.01"
    versions = ("2.0.1",)

    def on201_report_charging_profiles(self, station: StationRecord, request: Payload) -> Payload:
        """Expect its own."""
        if request["chargingLimitSource"] != "CSO":
            raise RpcError("InternalError", "who was that?")
        return super().on201_report_charging_profiles(station, request)


class SurprisedByItsRate(Refusing):
    """Does not take it that the rate of a transaction changes by what is not its own doing."""

    breaks = "J02.FR.19"
    versions = ("2.0.1",)

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Know no such reason."""
        return says(event, "Updated", "ChargingRateChanged")


# -- after an answer --------------------------------------------------------------------------------------------------


class GivesUpOnRejectedProfiles(Sulking):
    """Sends no more commands once a profile was rejected."""

    breaks = "CSMS.COMMAND.01"

    def learn_set_charging_profile(self, station: StationRecord, _payload: Payload, answer: Payload) -> None:
        """Take it personally."""
        if answer["status"] == "Rejected":
            self.sulk(station)


class GivesUpWithoutSmartCharging(Sulking):
    """Sends no more commands once a profile was answered with an error."""

    breaks = "CSMS.COMMAND.01"

    async def call_once(self, link: Link, action: str, payload: Payload) -> Payload:
        """Take it personally."""
        try:
            return await super().call_once(link, action, payload)
        except RpcError:
            if action == "SetChargingProfile":
                self.sulk(link.station)
            raise


class GivesUpOnClearing(Sulking):
    """Sends no more commands once there was nothing to clear."""

    breaks = "CSMS.COMMAND.01"

    def learn_clear_charging_profile(self, station: StationRecord, _payload: Payload, answer: Payload) -> None:
        """Have lost the thread."""
        if answer["status"] == "Unknown":
            self.sulk(station)


class GivesUpWithoutASchedule(Sulking):
    """Sends no more commands once a composite schedule was promised and did not come."""

    breaks = "CSMS.COMMAND.01"

    def learn_get_composite_schedule(self, station: StationRecord, _payload: Payload, answer: Payload) -> None:
        """Draw nothing."""
        if answer["status"] == "Accepted" and not {"schedule", "chargingSchedule"} & set(answer):
            self.sulk(station)


class GivesUpOnLongSchedules(Sulking):
    """Sends no more commands once it has been shown a schedule of more periods than it can draw."""

    breaks = "CSMS.COMMAND.01"

    def learn_get_composite_schedule(self, station: StationRecord, _payload: Payload, answer: Payload) -> None:
        """Run out of paper."""
        schedule = answer.get("schedule") or answer.get("chargingSchedule") or {}
        if len(schedule.get("chargingSchedulePeriod", [])) > 100:  # noqa: PLR2004
            self.sulk(station)

    def on201_report_charging_profiles(self, station: StationRecord, request: Payload) -> Payload:
        """Run out of paper."""
        schedules = [each for profile in request["chargingProfile"] for each in profile["chargingSchedule"]]
        if any(len(each["chargingSchedulePeriod"]) > 100 for each in schedules):  # noqa: PLR2004
            self.sulk(station)
        return super().on201_report_charging_profiles(station, request)
