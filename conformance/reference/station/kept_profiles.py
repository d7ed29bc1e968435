"""The charging profiles that are kept: with a remote start they come, a CSMS reads and clears them (K05, K09, K10)."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from conformance.reference.station.charging_profiles import EXTERNAL, TX, ChargingProfile
from conformance.reference.station.smart_charging import SmartCharging

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.reference.station.base import Evse, Transaction
    from conformance.reference.station.config import StationConfig
    from conformance.reference.station.rpc import Payload

PROFILES_PER_REPORT = 1
CSMS_SOURCE, OUTSIDE_SOURCE = "CSO", "Other"


class KeptProfiles(SmartCharging):
    """Takes profiles with remote starts, and answers GetChargingProfiles and ClearChargingProfile."""

    def __init__(self, config: StationConfig) -> None:
        """Start with no report running, and no remote start under way."""
        super().__init__(config)
        self._reporting_profiles = asyncio.Lock()
        self._profiles_to_come: dict[int, Payload] = {}

    # -- ClearChargingProfile

    def on_clear_charging_profile(self, request: Payload) -> Payload:
        """Answer ClearChargingProfile (K10.FR.01/03/04)."""
        found = self.profiles_to_clear(request)
        if not found:
            return {"status": "Unknown"}
        self.remove_charging_profiles(found)
        return {"status": "Accepted"}

    def profiles_to_clear(self, request: Payload) -> list[ChargingProfile]:
        """Return what is meant: the one with an id, else all that fit; never limits from outside (K10.FR.08/09)."""
        ours = [each for each in self.charging_profiles() if each.purpose != EXTERNAL]
        if "chargingProfileId" in request:
            return [each for each in ours if each.id == request["chargingProfileId"]]
        criteria = request.get("chargingProfileCriteria", {})
        return [each for each in ours if self.fits_clearing(each, criteria)]

    def fits_clearing(self, profile: ChargingProfile, criteria: Payload) -> bool:
        """Tell whether a profile has all that is named (K10.FR.04)."""
        has = {
            "evseId": profile.evse,
            "chargingProfilePurpose": profile.purpose,
            "stackLevel": profile.stack_level,
        }
        return all(has[key] == criteria[key] for key in has if key in criteria)

    # -- GetChargingProfiles

    def on_get_charging_profiles(self, request: Payload) -> Payload:
        """Answer GetChargingProfiles; the report follows, unless nothing is found (K09)."""
        found = self.profiles_to_report(request.get("evseId"), request["chargingProfile"])
        if not found:
            return {"status": "NoProfiles"}
        self.after_answer(partial(self.report_profiles, request["requestId"], found))
        return {"status": "Accepted"}

    def profiles_to_report(self, evse: int | None, criteria: Payload) -> list[ChargingProfile]:
        """Return the profiles of an EVSE, of the station as such or of all, that fit (K09.FR.04/05/06)."""
        return [
            each
            for each in self.charging_profiles()
            if self.is_of_evse(each, evse) and all(fits(each) for fits in self.filters(criteria))
        ]

    def is_of_evse(self, profile: ChargingProfile, evse: int | None) -> bool:
        """Tell whether a profile is one of an EVSE, of the station with 0, of any with None."""
        return evse in (None, profile.evse)

    def filters(self, criteria: Payload) -> list[Callable[[ChargingProfile], bool]]:
        """Return what a profile must be to be reported, for each criterion that is named."""
        known: dict[str, Callable[[ChargingProfile], bool]] = {
            "chargingProfileId": lambda each: each.id in criteria["chargingProfileId"],
            "chargingProfilePurpose": lambda each: each.purpose == criteria["chargingProfilePurpose"],
            "stackLevel": lambda each: each.stack_level == criteria["stackLevel"],
            "chargingLimitSource": lambda each: self.source_of(each) in criteria["chargingLimitSource"],
        }
        return [known[key] for key in known if key in criteria]

    def source_of(self, profile: ChargingProfile) -> str:
        """Return who has set a profile, a ChargingLimitSourceEnum value."""
        return OUTSIDE_SOURCE if profile.purpose == EXTERNAL else CSMS_SOURCE

    async def report_profiles(self, request_id: int, profiles: list[ChargingProfile]) -> None:
        """Send the reports of one request, after those of earlier requests."""
        messages = self.profile_reports(request_id, profiles)
        await self.send_parts(self._reporting_profiles, "ReportChargingProfiles", messages)

    def profile_reports(self, request_id: int, profiles: list[ChargingProfile]) -> list[Payload]:
        """Return the ReportChargingProfiles payloads, the last one without more to come (K09.FR.01/02)."""
        parts = self.report_parts(profiles)
        return [
            {
                "requestId": request_id,
                "chargingLimitSource": self.source_of(part[0]),
                "tbc": number < len(parts),
                "evseId": part[0].evse,
                "chargingProfile": [each.payload for each in part],
            }
            for number, part in enumerate(parts, start=1)
        ]

    def report_parts(self, profiles: list[ChargingProfile]) -> list[list[ChargingProfile]]:
        """Split profiles over messages: those of one EVSE and source only may share one, and not too many."""
        groups: dict[tuple[int, str], list[ChargingProfile]] = {}
        for each in profiles:
            groups.setdefault((each.evse, self.source_of(each)), []).append(each)
        most = self.profiles_per_report()
        return [group[start : start + most] for group in groups.values() for start in range(0, len(group), most)]

    def profiles_per_report(self) -> int:
        """Return how many profiles a message holds at most."""
        return PROFILES_PER_REPORT

    # -- RequestStartTransaction with a profile

    def on_request_start_transaction(self, request: Payload) -> Payload:
        """Refuse a start with an invalid profile, and keep a valid one for the transaction to come (K05)."""
        payload = request.get("chargingProfile")
        if payload is None or not self.manages_charging():
            return super().on_request_start_transaction(request)
        place = self.evse_for_remote_start(request.get("evseId"))
        reason = None if place is None else self.objection_to_start_profile(place, payload)
        if reason is not None:
            return {"status": "Rejected", "statusInfo": {"reasonCode": reason}}
        answer = super().on_request_start_transaction(request)
        if answer["status"] == "Accepted":
            self._profiles_to_come[request["remoteStartId"]] = payload
        return answer

    def objection_to_start_profile(self, place: Evse, payload: Payload) -> str | None:
        """Return the reason code that speaks against a profile for a transaction to come (K05.FR.05)."""
        if payload["chargingProfilePurpose"] != TX or "transactionId" in payload:
            return "InvalidProfile"
        waiting = place.session.transaction
        profile = ChargingProfile(place.number, {**payload, **({"transactionId": waiting.id} if waiting else {})})
        others = (check for check in self.charging_profile_checks() if check != self.fault_in_transaction)
        return next((reason for check in others if (reason := check(profile)) is not None), None)

    async def remote_start(self, place: Evse, request: Payload) -> None:
        """Start, and forget the profile if nothing comes of it."""
        await super().remote_start(place, request)
        self._profiles_to_come.pop(request["remoteStartId"], None)

    def driver_authorized(self, place: Evse, token: Payload, trigger: str, group: Payload | None = None) -> None:
        """Take the profile of a remote start for the session, and for the transaction if one waits already."""
        number = place.session.remote_start_id
        if trigger == "RemoteStart" and number is not None:
            place.session.start_profile = self._profiles_to_come.pop(number, None)
        if place.session.transaction is not None:
            self.adopt_start_profile(place, place.session.transaction)
        super().driver_authorized(place, token, trigger, group)

    def transaction_opens(self, place: Evse, transaction: Transaction) -> None:
        """Limit the transaction from its start."""
        super().transaction_opens(place, transaction)
        self.adopt_start_profile(place, transaction)

    def adopt_start_profile(self, place: Evse, transaction: Transaction) -> None:
        """Install the profile of the remote start for its transaction (K05.FR.03, F01.FR.10)."""
        payload, place.session.start_profile = place.session.start_profile, None
        if payload is not None:
            profile = ChargingProfile(place.number, {**payload, "transactionId": transaction.id})
            self.install_charging_profile(profile)
