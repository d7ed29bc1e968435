"""The messages of smart charging: profiles are set, cleared and asked about (5.5, 5.7, 5.11, 5.16, 9.4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import floor
from typing import TYPE_CHECKING

from conformance.reference.station.rpc import Payload, RpcError
from conformance.reference.station16.availability import STATION
from conformance.reference.station16.limits import Limits16
from conformance.reference.station16.profiles import (
    ALL_PHASES,
    CHARGE_POINT_MAX,
    RECURRING,
    RELATIVE,
    TX,
    TX_DEFAULT,
    UNITS,
    Allowance,
    Profile,
)

if TYPE_CHECKING:
    from datetime import datetime

    from conformance.reference.station16.base import Transaction


class SmartCharging16(Limits16):
    """Lets the Central System limit what is drawn."""

    # -- setting

    def on_set_charging_profile(self, request: Payload) -> Payload:
        """Answer SetChargingProfile (5.16); a connector that doesn't exist is a CALLERROR (errata 3.39)."""
        number, payload = request["connectorId"], request["csChargingProfiles"]
        self.check_connector(number)
        profile = self.bound(Profile(number, payload))
        if not (self.is_set_where_it_may_be(profile) and self.fits(profile)):
            return {"status": "Rejected"}
        self.install(profile)
        self.after_answer(self.follow_new_limits)
        return {"status": "Accepted"}

    def check_connector(self, number: int) -> None:
        """Raise an RpcError for a place that the station doesn't have."""
        if number not in self.places():
            raise RpcError("PropertyConstraintViolation", f"there is no connector {number}")

    def bound(self, profile: Profile) -> Profile:
        """Tie a TxProfile to the transaction that it is for, where there is one."""
        connector = self.connectors.get(profile.connector)
        transaction = None if connector is None else connector.session.transaction
        if profile.purpose != TX or transaction is None or not self.is_meant(transaction, profile):
            return profile
        return replace(profile, transaction=transaction.number)

    def is_meant(self, transaction: Transaction, profile: Profile) -> bool:
        """Tell whether a profile that may name a transaction is for this one."""
        return profile.payload.get("transactionId") in (None, transaction.id)

    def is_set_where_it_may_be(self, profile: Profile) -> bool:
        """Tell whether a purpose is in its place: the station's, a running transaction's, or anywhere (3.13.1)."""
        if profile.purpose == CHARGE_POINT_MAX:
            return profile.connector == STATION
        return profile.purpose == TX_DEFAULT or profile.transaction is not None

    def fits(self, profile: Profile) -> bool:
        """Tell whether the station can do what a profile says."""
        return (
            self.fits_stack(profile)
            and self.fits_periods(profile)
            and self.fits_unit(profile)
            and self.starts_somewhere(profile)
            and self.has_room(profile)
        )

    def fits_stack(self, profile: Profile) -> bool:
        """Tell whether the level is not above ChargeProfileMaxStackLevel."""
        return profile.level <= self.configuration.number("ChargeProfileMaxStackLevel")

    def fits_periods(self, profile: Profile) -> bool:
        """Tell whether there are not too many periods, the first at 0 and the others after one another."""
        starts = [period["startPeriod"] for period in profile.schedule["chargingSchedulePeriod"]]
        few = len(starts) <= self.configuration.number("ChargingScheduleMaxPeriods")
        return few and starts[:1] == [0] and starts == sorted(set(starts))

    def fits_unit(self, profile: Profile) -> bool:
        """Tell whether the station can limit in this unit."""
        return self.knows_unit(profile.schedule["chargingRateUnit"])

    def knows_unit(self, unit: str) -> bool:
        """Tell whether ChargingScheduleAllowedChargingRateUnit has a unit."""
        return UNITS[unit] in self.configuration.members("ChargingScheduleAllowedChargingRateUnit")

    def starts_somewhere(self, profile: Profile) -> bool:
        """Tell whether it can be known when the schedule starts: a recurring one, or the station's, is in the open."""
        kind: str = profile.payload["chargingProfileKind"]
        if kind == RECURRING:
            return "recurrencyKind" in profile.payload and "startSchedule" in profile.schedule
        return kind != RELATIVE or profile.purpose != CHARGE_POINT_MAX

    def has_room(self, profile: Profile) -> bool:
        """Tell whether one more profile can be kept."""
        kept = [each for each in self.profiles if not self.replaces(profile, each)]
        return len(kept) < self.configuration.number("MaxChargingProfilesInstalled")

    # -- clearing

    def on_clear_charging_profile(self, request: Payload) -> Payload:
        """Answer ClearChargingProfile (5.5, errata 3.25, 3.26)."""
        gone = [profile for profile in self.profiles if self.is_to_be_cleared(profile, request)]
        if not gone:
            return {"status": "Unknown"}
        self.profiles = [profile for profile in self.profiles if profile not in gone]
        self.after_answer(self.follow_new_limits)
        return {"status": "Accepted"}

    def is_to_be_cleared(self, profile: Profile, request: Payload) -> bool:
        """Tell whether a profile has the id, or without one all else that is asked for."""
        if "id" in request:
            return bool(profile.id == request["id"])
        mine = {
            "connectorId": profile.connector,
            "chargingProfilePurpose": profile.purpose,
            "stackLevel": profile.level,
        }
        return all(request.get(name, value) == value for name, value in mine.items())

    # -- what it comes to

    def on_get_composite_schedule(self, request: Payload) -> Payload:
        """Answer GetCompositeSchedule (5.7)."""
        number, seconds = request["connectorId"], request["duration"]
        unit = request.get("chargingRateUnit", self.own_unit())
        if number not in self.places() or seconds <= 0 or not self.knows_unit(unit):
            return {"status": "Rejected"}
        start = self.clock.now()
        schedule = {
            "duration": seconds,
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": self.composite_periods(number, start, seconds, unit),
        }
        stamp = start.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"status": "Accepted", "connectorId": number, "scheduleStart": stamp, "chargingSchedule": schedule}

    def own_unit(self) -> str:
        """Return the unit of a composite schedule that may be in any."""
        return next(unit for unit in UNITS if self.knows_unit(unit))

    def composite_periods(self, number: int, start: datetime, seconds: int, unit: str) -> list[Payload]:
        """Return the periods of the composite schedule of a connector, or with 0 of the station."""
        last = start + timedelta(seconds=seconds)
        periods: list[Payload] = []
        for moment in [start, *self.changes(start, last)]:
            period = self.composite_period(number, moment, start, unit)
            if not periods or periods[-1] != {**period, "startPeriod": periods[-1]["startPeriod"]}:
                periods.append(period)
        return periods

    def composite_period(self, number: int, moment: datetime, start: datetime, unit: str) -> Payload:
        """Return one period of a composite schedule, that of a moment; as from `start`, where nothing runs."""
        allowed = self.station_allowance(moment)
        phases = ALL_PHASES
        if number == STATION:
            allowed &= self.sum_of_connectors(moment, start)
        else:
            connector = self.connectors[number]
            phases = connector.config.phases
            allowed &= self.own_allowance(connector, moment, self.began(connector, start))
        limit = allowed.current(phases) if unit == "A" else allowed.power(phases)
        period: Payload = {
            "startPeriod": round((moment - start).total_seconds()),
            "limit": floor(limit * 10 + 1e-6) / 10,
        }
        return period if allowed.phases == ALL_PHASES else {**period, "numberPhases": allowed.phases}

    def sum_of_connectors(self, moment: datetime, start: datetime) -> Allowance:
        """Return what all connectors may draw together, but for the limit of the station."""
        each = [
            (self.own_allowance(connector, moment, self.began(connector, start)), connector.config.phases)
            for connector in self.connectors.values()
        ]
        amperes = sum(allowed.current(phases) for allowed, phases in each)
        return Allowance(amperes, sum(allowed.power(phases) for allowed, phases in each))

    # -- from afar

    def on_remote_start_transaction(self, request: Payload) -> Payload:
        """Refuse a remote start with a profile that can't be that of a transaction (5.11, 5.16.2)."""
        payload = request.get("chargingProfile")
        if payload is not None and not self.may_be_ordered(Profile(request.get("connectorId", 0), payload)):
            return {"status": "Rejected"}
        return super().on_remote_start_transaction(request)

    def may_be_ordered(self, profile: Profile) -> bool:
        """Tell whether a profile can be that of a transaction yet to come."""
        return profile.purpose == TX and "transactionId" not in profile.payload and self.fits(profile)
