"""Mutants of what is done with charging profiles that a CSMS sets (K01)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.mutants.control import Plain, Unmanaged
from conformance.reference.station import ReferenceStation
from conformance.reference.station.charging_profiles import TX, TX_DEFAULT, WHOLE_STATION, ChargingProfile
from conformance.reference.station.rpc import RpcError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from conformance.reference.station.base import Evse
    from conformance.reference.station.charging_limits import Rate
    from conformance.reference.station.rpc import Call, Payload


# -- taken


class TakesNoProfile(ReferenceStation):
    """Rejects every charging profile."""

    breaks = "PROFILE.SET.01"

    def objection_to_charging_profile(self, profile: ChargingProfile) -> str | None:  # noqa: ARG002
        """Object to everything."""
        return "OutOfMemory"


class FollowsNoProfile(ReferenceStation):
    """Accepts charging profiles, and goes on as it did before."""

    breaks = "K01.FR.07"

    def leading_rate(
        self,
        profiles: Iterable[ChargingProfile],  # noqa: ARG002
        moment: datetime,  # noqa: ARG002
        ready: datetime,  # noqa: ARG002
        phases: int,  # noqa: ARG002
    ) -> Rate | None:
        """Look at none."""
        return None


class DefaultForEveryEvse(ReferenceStation):
    """Applies the default profile of one EVSE to all."""

    breaks = "K01.FR.15"

    def default_profiles(self, place: Evse) -> list[ChargingProfile]:  # noqa: ARG002
        """Take those of all."""
        return [each for each in self.charging_profiles() if each.purpose == TX_DEFAULT]


class DefaultForFirstEvse(ReferenceStation):
    """Applies the default profile of the station to its first EVSE only."""

    breaks = "K01.FR.14"

    def default_profiles(self, place: Evse) -> list[ChargingProfile]:
        """Take EVSE 0 for EVSE 1."""
        found = super().default_profiles(place)
        return found if place.number == 1 else [each for each in found if each.evse != WHOLE_STATION]


class NoDefaultForAll(ReferenceStation):
    """Keeps the default profile of the station, and applies it to no EVSE."""

    breaks = "K01.FR.14"

    def default_profiles(self, place: Evse) -> list[ChargingProfile]:
        """Take those of the EVSE only."""
        return [each for each in super().default_profiles(place) if each.evse != WHOLE_STATION]


class TxProfileIgnored(ReferenceStation):
    """Accepts the profile of a transaction, and does not apply it."""

    breaks = "K01.FR.04"

    def transaction_profiles(self, place: Evse) -> list[ChargingProfile]:  # noqa: ARG002
        """Find none."""
        return []


class DefaultForLaterTransactions(ReferenceStation):
    """Applies a default profile to transactions only that start after it came."""

    breaks = "K01.FR.32"

    def default_profiles(self, place: Evse) -> list[ChargingProfile]:
        """Spare the one that runs."""
        return [] if place.session.transaction is not None else super().default_profiles(place)


class EndsForDefault(ReferenceStation):
    """Ends what runs when a default profile comes."""

    breaks = "K01.FR.32"

    def install_charging_profile(self, profile: ChargingProfile) -> None:
        """Stop first."""
        super().install_charging_profile(profile)
        for place in self.evses.values():
            self.end_transaction(place, "AbnormalCondition", "Other")


# -- replaced, and kept


class KeepsTheOlder(ReferenceStation):
    """Accepts a profile with a known id, and keeps the one that it has."""

    breaks = "K01.FR.05"

    def install_charging_profile(self, profile: ChargingProfile) -> None:
        """Let well alone."""
        if all(each.id != profile.id for each in self.charging_profiles()):
            super().install_charging_profile(profile)


class RefusesKnownIds(ReferenceStation):
    """Rejects a profile whose id is in use."""

    breaks = "K01.FR.05"

    def fault_in_id(self, profile: ChargingProfile) -> str | None:
        """Have each id once."""
        known = any(each.id == profile.id for each in self.charging_profiles())
        return "InvalidProfile" if known else super().fault_in_id(profile)


class ForgetsProfiles(ReferenceStation):
    """Loses all charging profiles when it boots."""

    breaks = "K01.FR.27"

    def charging_profiles_lost_at_boot(self) -> list[ChargingProfile]:
        """All of them."""
        return self.charging_profiles()


# -- in time


class AtOnceWithoutValidFrom(ReferenceStation):
    """Takes no notice of validFrom."""

    breaks = "K01.FR.36"

    def is_early(self, profile: ChargingProfile, moment: datetime) -> bool:  # noqa: ARG002
        """Never."""
        return False


class NeverWithValidFrom(ReferenceStation):
    """Never applies a profile that has a validFrom."""

    breaks = "K01.FR.36"

    def is_early(self, profile: ChargingProfile, moment: datetime) -> bool:  # noqa: ARG002
        """Always."""
        return profile.valid_from is not None


class ForEverWithoutValidTo(ReferenceStation):
    """Takes no notice of validTo."""

    breaks = "K01.FR.37"

    def is_over(self, profile: ChargingProfile, moment: datetime) -> bool:  # noqa: ARG002
        """Never."""
        return False


class NeverWithValidTo(ReferenceStation):
    """Never applies a profile that has a validTo."""

    breaks = "K01.FR.37"

    def is_over(self, profile: ChargingProfile, moment: datetime) -> bool:  # noqa: ARG002
        """Always."""
        return profile.valid_to is not None


class AtOnceBeforeStart(ReferenceStation):
    """Applies a schedule that starts later at once."""

    breaks = "K01.FR.30"

    def period_at(self, profile: ChargingProfile, elapsed: float) -> Payload | None:
        """Take what is to come for its beginning."""
        return super().period_at(profile, max(elapsed, 0))


class NeverStartsLater(ReferenceStation):
    """Counts a schedule from when it is asked about it, so that one that starts later never does."""

    breaks = "K01.FR.30"

    def is_early(self, profile: ChargingProfile, moment: datetime) -> bool:
        """Look at the start as it is now."""
        return super().is_early(profile, moment) or (profile.start is not None and profile.start > self.clock.now())


class RecursNever(ReferenceStation):
    """Runs a recurring schedule once."""

    breaks = "K01.FR.40"

    def cycle(self, profile: ChargingProfile) -> timedelta | None:  # noqa: ARG002
        """None."""
        return None


class RecursWithoutPause(ReferenceStation):
    """Takes no notice of the duration of a recurring schedule."""

    breaks = "K01.FR.13"

    def schedule_duration(self, profile: ChargingProfile) -> float | None:
        """Go on until it begins anew."""
        return None if profile.kind == "Recurring" else super().schedule_duration(profile)


# -- refused


class TxProfileWithoutTransaction(ReferenceStation):
    """Accepts a TxProfile where no transaction runs."""

    breaks = "K01.FR.09"

    def fault_without_transaction(self, profile: ChargingProfile) -> str | None:  # noqa: ARG002
        """There may be one soon."""
        return None


class TxProfileForAll(ReferenceStation):
    """Accepts a TxProfile for the whole station."""

    breaks = "K01.FR.16"

    def objection_to_charging_profile(self, profile: ChargingProfile) -> str | None:
        """Take any."""
        if profile.purpose == TX and profile.evse == WHOLE_STATION:
            return None
        return super().objection_to_charging_profile(profile)


class TxProfileForAnyTransaction(ReferenceStation):
    """Accepts a TxProfile for a transaction that it does not know, where another runs."""

    breaks = "K01.FR.33"

    def fault_of_other_transaction(self, profile: ChargingProfile) -> str | None:  # noqa: ARG002
        """Do not compare."""
        return None


class ProfileForNoEvse(ReferenceStation):
    """Accepts a profile for an EVSE that it does not have."""

    breaks = "K01.FR.28"

    def fault_in_evse(self, profile: ChargingProfile) -> str | None:  # noqa: ARG002
        """Do not count."""
        return None


class KeepsWhatItRejects(ReferenceStation):
    """Rejects a profile, and keeps it all the same."""

    breaks = "K01.FR.28"
    also = ("K01.FR.09", "K01.FR.16", "K01.FR.33")

    def objection_to_charging_profile(self, profile: ChargingProfile) -> str | None:
        """Install first."""
        reason = super().objection_to_charging_profile(profile)
        if reason is not None:
            self.install_charging_profile(profile)
        return reason


class AnyUnitByPlain(Plain):
    """Accepts a profile in watts, though it knows amperes only."""

    breaks = "K01.FR.26"

    def fault_in_rate_unit(self, profile: ChargingProfile) -> str | None:  # noqa: ARG002
        """Do not look."""
        return None


class RejectedUnitKeptByPlain(Plain):
    """Rejects a profile in watts, and keeps it."""

    breaks = "K01.FR.26"

    def fault_in_rate_unit(self, profile: ChargingProfile) -> str | None:
        """Install first."""
        reason = super().fault_in_rate_unit(profile)
        if reason is not None:
            self.install_charging_profile(profile)
        return reason


class RejectsByUnmanaged(Unmanaged):
    """Has no smart charging, and rejects a charging profile as if it had."""

    breaks = "K01.FR.29"

    def dispatch(self, call: Call) -> Payload:
        """Answer."""
        return {"status": "Rejected"} if call.action == "SetChargingProfile" else super().dispatch(call)


class FailsByUnmanaged(Unmanaged):
    """Has no smart charging, and calls a charging profile an internal error."""

    breaks = "K01.FR.29"

    def dispatch(self, call: Call) -> Payload:
        """Break."""
        if call.action == "SetChargingProfile":
            raise RpcError("InternalError", "something went wrong")
        return super().dispatch(call)
