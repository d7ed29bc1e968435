"""The charging profiles that a CSMS installs: what is refused, what replaces what, and how long they stay (K01)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from conformance.reference.station.clock import parse_moment
from conformance.reference.station.metering import Metering

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from conformance.reference.station.base import Evse
    from conformance.reference.station.rpc import Payload

CONTROLLER = "SmartChargingCtrlr"
WHOLE_STATION = 0
STATION_MAX = "ChargingStationMaxProfile"
EXTERNAL = "ChargingStationExternalConstraints"
TX, TX_DEFAULT = "TxProfile", "TxDefaultProfile"
ONE_PHASE = 1


@dataclass(frozen=True)
class ChargingProfile:
    """A profile as it was sent, and the EVSE that it is for; 0 is the whole station."""

    evse: int
    payload: Payload

    @property
    def id(self) -> int:
        """Its number."""
        return int(self.payload["id"])

    @property
    def purpose(self) -> str:
        """A ChargingProfilePurposeEnum value."""
        return str(self.payload["chargingProfilePurpose"])

    @property
    def kind(self) -> str:
        """A ChargingProfileKindEnum value."""
        return str(self.payload["chargingProfileKind"])

    @property
    def recurrency(self) -> str | None:
        """Daily or Weekly, if it recurs."""
        return self.payload.get("recurrencyKind")

    @property
    def stack_level(self) -> int:
        """Its rank among profiles of one purpose."""
        return int(self.payload["stackLevel"])

    @property
    def transaction(self) -> str | None:
        """The transaction that a TxProfile is for."""
        return self.payload.get("transactionId")

    @property
    def schedule(self) -> Payload:
        """Its first schedule, and its only one without ISO 15118."""
        first: Payload = self.payload["chargingSchedule"][0]
        return first

    @property
    def periods(self) -> list[Payload]:
        """The periods of the schedule, as they were sent."""
        found: list[Payload] = self.schedule["chargingSchedulePeriod"]
        return found

    @property
    def start(self) -> datetime | None:
        """When its schedule starts, None for a relative one."""
        return parse_moment(self.schedule.get("startSchedule") or "")

    @property
    def valid_from(self) -> datetime | None:
        """From when on it counts, None for ever since."""
        return parse_moment(self.payload.get("validFrom") or "")

    @property
    def valid_to(self) -> datetime | None:
        """From when on it no longer counts, None for never."""
        return parse_moment(self.payload.get("validTo") or "")

    def overlaps(self, other: ChargingProfile) -> bool:
        """Tell whether there is a moment at which both are valid."""
        return not (_ends_before(self, other) or _ends_before(other, self))


def _ends_before(one: ChargingProfile, other: ChargingProfile) -> bool:
    return one.valid_to is not None and other.valid_from is not None and one.valid_to <= other.valid_from


class ChargingProfiles(Metering):
    """Keeps charging profiles in flash memory, and answers SetChargingProfile."""

    # -- the store

    def charging_profiles(self) -> list[ChargingProfile]:
        """Return what is installed, in the order in which it came."""
        return [ChargingProfile(row["evse"], row["profile"]) for row in self._stored_profiles()]

    def install_charging_profile(self, profile: ChargingProfile) -> None:
        """Keep a profile, in the place of those that it replaces (K01.FR.05)."""
        kept = [each for each in self.charging_profiles() if not self.replaces(profile, each)]
        self._store_profiles([*kept, profile])

    def replaces(self, profile: ChargingProfile, other: ChargingProfile) -> bool:
        """Tell whether a profile takes the place of one that is installed: of that with its id, wherever it is."""
        return profile.id == other.id

    def remove_charging_profiles(self, profiles: Iterable[ChargingProfile]) -> None:
        """Forget profiles."""
        gone = list(profiles)
        self._store_profiles([each for each in self.charging_profiles() if each not in gone])

    def charging_profiles_changed(self) -> None:
        """Hear that the collection is another one (K01.FR.07)."""

    def _stored_profiles(self) -> list[dict[str, Any]]:
        stored: list[dict[str, Any]] = self.storage.get("charging_profiles", [])
        return stored

    def _store_profiles(self, profiles: list[ChargingProfile]) -> None:
        self.storage["charging_profiles"] = [{"evse": each.evse, "profile": each.payload} for each in profiles]
        self.charging_profiles_changed()

    def end_session(self, place: Evse) -> None:
        """Forget the profiles of the transaction that is over (K02.FR.05)."""
        transaction = place.session.transaction
        if transaction is not None:
            self.forget_transaction_profiles(transaction.id)
        super().end_session(place)

    def forget_transaction_profiles(self, transaction: str) -> None:
        """Forget the TxProfiles of one transaction."""
        self.remove_charging_profiles([each for each in self.charging_profiles() if each.transaction == transaction])

    def end_transactions_cut_by_power_loss(self) -> None:
        """Forget the profiles of transactions that a reboot or a power loss has ended."""
        super().end_transactions_cut_by_power_loss()
        for each in self.charging_profiles_lost_at_boot():
            self.remove_charging_profiles([each])

    def charging_profiles_lost_at_boot(self) -> list[ChargingProfile]:
        """Return what does not outlive a reboot: what belongs to a transaction, for none does (K01.FR.27)."""
        return [each for each in self.charging_profiles() if each.purpose == TX]

    # -- SetChargingProfile

    def on_set_charging_profile(self, request: Payload) -> Payload:
        """Answer SetChargingProfile."""
        profile = ChargingProfile(request["evseId"], request["chargingProfile"])
        reason = self.objection_to_charging_profile(profile)
        if reason is not None:
            return {"status": "Rejected", "statusInfo": {"reasonCode": reason}}
        self.install_charging_profile(profile)
        return {"status": "Accepted"}

    def objection_to_charging_profile(self, profile: ChargingProfile) -> str | None:
        """Return the reason code that speaks against a profile, None where it can be installed."""
        for check in self.charging_profile_checks():
            if (reason := check(profile)) is not None:
                return reason
        return None

    def charging_profile_checks(self) -> tuple[Callable[[ChargingProfile], str | None], ...]:
        """Return what a profile is checked for, in order."""
        return (
            self.fault_in_enabling,
            self.fault_in_evse,
            self.fault_in_purpose,
            self.fault_in_transaction,
            self.fault_in_stack_level,
            self.fault_in_kind,
            self.fault_in_validity,
            self.fault_in_rate_unit,
            self.fault_in_periods,
            self.fault_in_phases,
            self.fault_in_id,
            self.fault_in_uniqueness,
            self.fault_in_number,
        )

    def manages_charging(self) -> bool:
        """Tell whether smart charging is switched on."""
        return self.model.flag(CONTROLLER, "Enabled")

    def fault_in_enabling(self, profile: ChargingProfile) -> str | None:  # noqa: ARG002
        """Object where smart charging is switched off."""
        return None if self.manages_charging() else "NotEnabled"

    def fault_in_evse(self, profile: ChargingProfile) -> str | None:
        """Object to an EVSE that isn't there (K01.FR.28)."""
        return None if profile.evse in (WHOLE_STATION, *self.evses) else "UnknownEvse"

    def fault_in_purpose(self, profile: ChargingProfile) -> str | None:
        """Object to what a CSMS can't set, or not there (K01.FR.16/22, K04.FR.03)."""
        if profile.purpose == EXTERNAL:
            return "InvalidProfile"
        if profile.purpose == TX:
            return self.fault_in_place_of_tx_profile(profile)
        misplaced = profile.purpose == STATION_MAX and profile.evse != WHOLE_STATION
        return "InvalidProfile" if misplaced else None

    def fault_in_place_of_tx_profile(self, profile: ChargingProfile) -> str | None:
        """Object to a TxProfile for the whole station (K01.FR.16)."""
        return "InvalidProfile" if profile.evse == WHOLE_STATION else None

    def fault_in_transaction(self, profile: ChargingProfile) -> str | None:
        """Object to a TxProfile without its transaction (K01.FR.03/09/33)."""
        if profile.purpose != TX:
            return None
        place = self.evses.get(profile.evse)
        if place is None or place.session.transaction is None:
            return self.fault_without_transaction(profile)
        if profile.transaction is None:
            return "MissingParam"
        return None if profile.transaction == place.session.transaction.id else self.fault_of_other_transaction(profile)

    def fault_without_transaction(self, profile: ChargingProfile) -> str | None:  # noqa: ARG002
        """Object to a TxProfile where no transaction runs (K01.FR.09)."""
        return "TxNotFound"

    def fault_of_other_transaction(self, profile: ChargingProfile) -> str | None:  # noqa: ARG002
        """Object to a TxProfile for a transaction that does not run there (K01.FR.33)."""
        return "TxNotFound"

    def fault_in_stack_level(self, profile: ChargingProfile) -> str | None:
        """Object to a level above ProfileStackLevel."""
        return (
            None
            if 0 <= profile.stack_level <= self.model.number(CONTROLLER, "ProfileStackLevel")
            else ("InvalidStackLevel")
        )

    def fault_in_kind(self, profile: ChargingProfile) -> str | None:
        """Object to a schedule whose start does not fit its kind (K01.FR.38/40/41)."""
        if profile.kind == "Relative":
            return self.fault_in_relative(profile)
        if profile.start is None:
            return self.fault_without_start(profile)
        return "InvalidProfile" if profile.kind == "Recurring" and profile.recurrency is None else None

    def fault_in_relative(self, profile: ChargingProfile) -> str | None:
        """Object to a relative schedule with a start, or for the whole station's maximum (K01.FR.38/41)."""
        if profile.purpose == STATION_MAX:
            return "InvalidProfile"
        return "InvalidSchedule" if "startSchedule" in profile.schedule else None

    def fault_without_start(self, profile: ChargingProfile) -> str | None:  # noqa: ARG002
        """Object to an absolute or recurring schedule without a start (K01.FR.40)."""
        return "InvalidSchedule"

    def fault_in_validity(self, profile: ChargingProfile) -> str | None:
        """Object to a profile that is never valid."""
        never = profile.valid_from and profile.valid_to and profile.valid_to <= profile.valid_from
        return "InvalidProfile" if never else None

    def fault_in_rate_unit(self, profile: ChargingProfile) -> str | None:
        """Object to a unit that RateUnit does not name (K01.FR.26)."""
        return None if self.knows_rate_unit(profile.schedule["chargingRateUnit"]) else "UnsupportedRateUnit"

    def knows_rate_unit(self, unit: str) -> bool:
        """Tell whether RateUnit names a unit."""
        return unit in self.model.members(CONTROLLER, "RateUnit")

    def fault_in_periods(self, profile: ChargingProfile) -> str | None:
        """Object to periods out of order, too many of them, or a limit below nothing (K01.FR.31/35)."""
        faulty = (
            len(profile.payload["chargingSchedule"]) > 1
            or len(profile.periods) > self.model.number(CONTROLLER, "PeriodsPerSchedule")
            or self.begins_late(profile)
            or self.is_out_of_order(profile)
            or any(period["limit"] < 0 for period in profile.periods)
        )
        return "InvalidSchedule" if faulty else None

    def begins_late(self, profile: ChargingProfile) -> bool:
        """Tell whether the first period does not start at 0 (K01.FR.31)."""
        return bool(profile.periods[0]["startPeriod"] != 0)

    def is_out_of_order(self, profile: ChargingProfile) -> bool:
        """Tell whether a period does not start after the one before it (K01.FR.35)."""
        starts = [period["startPeriod"] for period in profile.periods]
        return any(later <= earlier for earlier, later in pairwise(starts))

    def fault_in_phases(self, profile: ChargingProfile) -> str | None:
        """Object to phases that can't be chosen: which one is used is given, how many is not (K01.FR.43/48)."""
        for period in profile.periods:
            phases, used = period.get("numberPhases"), period.get("phaseToUse")
            if phases is not None and not 1 <= phases <= 3:  # noqa: PLR2004
                return "InvalidSchedule"
            if used is not None and (phases != ONE_PHASE or not self.uses_phase(used)):
                return "PhaseConflict"
        return None

    def uses_phase(self, phase: int) -> bool:
        """Tell whether a single phase would be this one: the first is, it can't be switched."""
        return phase == 1

    def fault_in_id(self, profile: ChargingProfile) -> str | None:
        """Object to taking the place of a limit from outside (K01.FR.05)."""
        taken = any(each.purpose == EXTERNAL and self.replaces(profile, each) for each in self.charging_profiles())
        return "InvalidProfile" if taken else None

    def fault_in_uniqueness(self, profile: ChargingProfile) -> str | None:
        """Object to a second profile for the same purpose, level and place at the same time (K01.FR.06/39/52/53)."""
        others = [each for each in self.charging_profiles() if not self.replaces(profile, each)]
        return "DuplicateProfile" if any(self.rivals(profile, each) for each in others) else None

    def rivals(self, profile: ChargingProfile, other: ChargingProfile) -> bool:
        """Tell whether it would be open which of two profiles holds."""
        if (profile.purpose, profile.stack_level) != (other.purpose, other.stack_level):
            return False
        if profile.purpose == TX:
            return profile.transaction == other.transaction
        if profile.evse != other.evse:
            return profile.purpose == TX_DEFAULT and WHOLE_STATION in (profile.evse, other.evse)
        return profile.overlaps(other)

    def fault_in_number(self, profile: ChargingProfile) -> str | None:
        """Object to one profile more than can be kept."""
        others = [each for each in self.charging_profiles() if not self.replaces(profile, each)]
        return "TooManyElements" if len(others) >= self.config.charging_profiles else None
