"""The charging profiles that a compliant station holds, after all requests that it accepted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conformance.oracles.charging.profile import EXTERNAL, TX, ChargingProfile


@dataclass(frozen=True, slots=True)
class Entry:
    """A profile and where it was put: EVSE 0 is the station."""

    evse: int
    profile: ChargingProfile


class Book:
    """What a station of this version ("2.0.1" or "1.6") holds.

    A profile takes the place of one with the same id (K01.FR.05), and in 1.6 also of one with the same purpose and
    stack level on the same connector (OCPP 1.6 §3.13.2).
    """

    def __init__(self, version: str) -> None:
        self.version = version
        self.entries: list[Entry] = []

    def set(
        self, evse: int, profile: ChargingProfile | Mapping[str, Any], transaction: object = None
    ) -> ChargingProfile:
        """Put in a profile that was accepted, for this transaction if it names none; gives it as it is kept."""
        found = profile if isinstance(profile, ChargingProfile) else ChargingProfile.read(profile)
        if transaction is not None and found.transaction is None:
            found = found.of(transaction)
        new = Entry(evse, found)
        self.entries = [each for each in self.entries if not self._replaces(new, each)] + [new]
        return found

    def clear(
        self,
        *,
        id: int | None = None,  # noqa: A002 -- as the request calls it
        evse: int | None = None,
        purpose: str | None = None,
        stack_level: int | None = None,
    ) -> list[Entry]:
        """Take out, and give, what an accepted ClearChargingProfile of these criteria removes.

        An id stands for itself, whatever else is said (K10.FR.03; errata of 1.6 §3.26); all others must match (FR.04).
        External constraints stay (FR.04, 09). Of no criteria at all, everything is meant (errata of 1.6 §3.25).
        """
        purpose = "ChargingStationMaxProfile" if purpose == "ChargePointMaxProfile" else purpose
        gone = [
            each
            for each in self.entries
            if each.profile.purpose != EXTERNAL
            and (
                each.profile.id == id
                if id is not None
                else evse in (None, each.evse)
                and purpose in (None, each.profile.purpose)
                and stack_level in (None, each.profile.stack_level)
            )
        ]
        self.entries = [each for each in self.entries if each not in gone]
        return gone

    def transaction_over(self, id: object) -> list[Entry]:  # noqa: A002
        """Take out, and give, the profiles of a transaction that ended (K02.FR.05; OCPP 1.6 §3.13.1)."""
        gone = [each for each in self.entries if each.profile.purpose == TX and each.profile.transaction == id]
        self.entries = [each for each in self.entries if each not in gone]
        return gone

    def _replaces(self, new: Entry, old: Entry) -> bool:
        if EXTERNAL in (new.profile.purpose, old.profile.purpose):  # not the CSMS's (K01.FR.05)
            return new.profile.purpose == old.profile.purpose and new.profile.id == old.profile.id
        if new.profile.id == old.profile.id:
            return True
        return self.version == "1.6" and (new.evse, new.profile.purpose, new.profile.stack_level) == (
            old.evse,
            old.profile.purpose,
            old.profile.stack_level,
        )
