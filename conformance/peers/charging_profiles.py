"""The charging profiles that a station keeps, and what they come to: a composite schedule."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from conformance.peers.equipment import PHASES, VOLTAGE, Evse
from conformance.wire.schemas import parse_timestamp

_CYCLE = {"Daily": timedelta(days=1), "Weekly": timedelta(weeks=1)}
_OVERALL = frozenset({"ChargingStationMaxProfile", "ChargePointMaxProfile", "ChargingStationExternalConstraints"})


@dataclass(frozen=True, slots=True)
class Installed:
    """One profile where it was put: EVSE 0 is the station; `schedule` is the one that this station follows."""

    evse: int
    id: int
    purpose: str
    stack_level: int
    payload: Mapping[str, Any]
    schedule: Mapping[str, Any]
    transaction: object = None

    def limit(self, moment: datetime, began: datetime) -> float | None:
        """Its limit in watts at a moment, None where it says nothing; a relative schedule starts at `began`."""
        valid_from, valid_to = (parse_timestamp(str(self.payload.get(key, ""))) for key in ("validFrom", "validTo"))
        if (valid_from is not None and moment < valid_from) or (valid_to is not None and moment >= valid_to):
            return None
        start = self._start(moment, began)
        elapsed = (moment - start).total_seconds()
        duration = self.schedule.get("duration")
        if elapsed < 0 or (duration is not None and elapsed >= duration):
            return None
        current = [each for each in self.schedule["chargingSchedulePeriod"] if each["startPeriod"] <= elapsed]
        return self._watts(current[-1]) if current else None

    def moments(self, first: datetime, last: datetime, began: datetime) -> Iterator[datetime]:
        """When its limit may change between two moments."""
        for key in ("validFrom", "validTo"):
            told = parse_timestamp(str(self.payload.get(key, "")))
            if told is not None:
                yield told
        cycle = _CYCLE.get(str(self.payload.get("recurrencyKind")))
        start = self._start(first, began)
        while start < last:
            for period in self.schedule["chargingSchedulePeriod"]:
                yield start + timedelta(seconds=period["startPeriod"])
            if self.schedule.get("duration") is not None:
                yield start + timedelta(seconds=self.schedule["duration"])
            if cycle is None:
                return
            start += cycle

    def _start(self, moment: datetime, began: datetime) -> datetime:
        told = parse_timestamp(str(self.schedule.get("startSchedule", ""))) or began
        cycle = _CYCLE.get(str(self.payload.get("recurrencyKind")))
        if self.payload["chargingProfileKind"] != "Recurring" or cycle is None or moment < told:
            return told
        return told + ((moment - told) // cycle) * cycle

    def _watts(self, period: Mapping[str, Any]) -> float:
        limit = float(period["limit"])
        return (
            limit if self.schedule["chargingRateUnit"] == "W" else limit * VOLTAGE * period.get("numberPhases", PHASES)
        )


class ChargingProfiles:
    """All profiles of a station."""

    def __init__(self) -> None:
        self.installed: list[Installed] = []

    def install(self, profile: Installed, *, by_place: bool) -> None:
        """Put a profile in; it takes the place of one of the same id, or (1.6) of the same purpose and level there."""
        self.installed = [
            each
            for each in self.installed
            if each.id != profile.id
            and not (
                by_place
                and (each.evse, each.purpose, each.stack_level) == (profile.evse, profile.purpose, profile.stack_level)
            )
        ]
        self.installed.append(profile)

    def matching(
        self,
        *,
        ids: Iterable[int] | None = None,
        evse: int | None = None,
        purpose: str | None = None,
        stack_level: int | None = None,
    ) -> list[Installed]:
        """The profiles that meet everything that is asked for."""
        wanted = None if ids is None else set(ids)
        return [
            each
            for each in self.installed
            if (wanted is None or each.id in wanted)
            and evse in (None, each.evse)
            and purpose in (None, each.purpose)
            and stack_level in (None, each.stack_level)
        ]

    def clear(self, profiles: Iterable[Installed]) -> bool:
        """Remove profiles; whether there were any."""
        gone = list(profiles)
        self.installed = [each for each in self.installed if each not in gone]
        return bool(gone)

    def forget(self, transaction: object) -> None:
        """Remove the profiles of a transaction that is over (K02.FR.05)."""
        self.clear([each for each in self.installed if transaction is not None and each.transaction == transaction])

    def composite(self, evses: Iterable[Evse], start: datetime, seconds: int, unit: str) -> list[dict[str, Any]]:
        """The periods of a composite schedule over these EVSEs together, in `unit`, adjacent equal ones merged."""
        chosen = list(evses)
        last = start + timedelta(seconds=seconds)
        moments = {start}
        for evse in chosen:
            began = _began(evse, start)
            for each in self.installed:
                moments |= {moment for moment in each.moments(start, last, began) if start < moment < last}
        periods: list[dict[str, Any]] = []
        for moment in sorted(moments):
            total = sum(self._limit(evse, moment, _began(evse, start)) for evse in chosen)
            overall = [self._top(moment, start, 0, {purpose}) for purpose in _OVERALL]
            watts = min([total, *(each for each in overall if each is not None)])
            limit = round(watts if unit == "W" else watts / (VOLTAGE * PHASES), 1)
            if not periods or periods[-1]["limit"] != limit:
                periods.append({"startPeriod": int((moment - start).total_seconds()), "limit": limit})
        return periods

    def _limit(self, evse: Evse, moment: datetime, began: datetime) -> float:
        identifiers = (evse.transaction.id, evse.transaction.number) if evse.transaction is not None else ()
        own = self._top(moment, began, evse.id, {"TxProfile"}, identifiers)
        if own is None:
            own = self._top(moment, began, evse.id, {"TxDefaultProfile"})
        if own is None:
            own = self._top(moment, began, 0, {"TxDefaultProfile"})
        return evse.max_power_w if own is None else min(own, evse.max_power_w)

    def _top(
        self, moment: datetime, began: datetime, evse: int, purposes: set[str], transactions: Iterable[object] = ()
    ) -> float | None:
        """The limit of the highest stack level that says something at this moment (K01.FR.17)."""
        known = set(transactions)
        saying = [
            (each.stack_level, limit)
            for each in self.installed
            if each.evse == evse
            and each.purpose in purposes
            and (each.purpose != "TxProfile" or each.transaction in known)
            and (limit := each.limit(moment, began)) is not None
        ]
        return max(saying)[1] if saying else None


def _began(evse: Evse, otherwise: datetime) -> datetime:
    return evse.transaction.began if evse.transaction is not None else otherwise
