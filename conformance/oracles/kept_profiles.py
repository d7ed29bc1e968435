"""Whether a report of charging profiles (K09) tells what was asked for, as it was set: pure, over payloads."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from conformance.wire.schemas import parse_timestamp

CSO = "CSO"
"""The source of what a CSMS has set (Part 2 3.11)."""

_PLAIN = ("stackLevel", "chargingProfilePurpose", "chargingProfileKind", "recurrencyKind", "transactionId")
_MOMENTS = ("validFrom", "validTo")
_A_SECOND = timedelta(seconds=1)
_ROUNDING = 0.1

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Installed:
    """A profile that a station has accepted: where, and what was sent. EVSE 0 is the station as a whole."""

    evse: int
    profile: Payload

    @property
    def id(self) -> int:
        """The id of the profile."""
        number: int = self.profile["id"]
        return number

    def __str__(self) -> str:
        purpose, level = self.profile["chargingProfilePurpose"], self.profile["stackLevel"]
        return f"profile {self.id} ({purpose} at level {level} of {_place(self.evse)})"


@dataclass(frozen=True, slots=True)
class Told:
    """One profile in a report: for which EVSE, from which source, in which of its parts, counted from 1."""

    evse: object
    source: object
    part: int
    profile: Payload

    @property
    def id(self) -> object:
        """Its id, None where it has none."""
        return self.profile.get("id")

    def __str__(self) -> str:
        purpose, level = self.profile.get("chargingProfilePurpose"), self.profile.get("stackLevel")
        return f"profile {self.id} ({purpose} at level {level} of {_place(self.evse)})"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: each field that is given must fit (K09.FR.04 to 06)."""

    evse: int | None = None
    ids: tuple[int, ...] = ()
    purpose: str | None = None
    stack_level: int | None = None
    sources: tuple[str, ...] = ()

    def request(self, number: int) -> dict[str, Any]:
        """A GetChargingProfiles request."""
        criteria = {
            "chargingProfilePurpose": self.purpose,
            "stackLevel": self.stack_level,
            "chargingProfileId": list(self.ids) or None,
            "chargingLimitSource": list(self.sources) or None,
        }
        given = {key: value for key, value in criteria.items() if value is not None}
        place = {} if self.evse is None else {"evseId": self.evse}
        return {"requestId": number, **place, "chargingProfile": given}

    def objection(self, told: Told) -> str:
        """What of a reported profile does not fit what was asked for, empty where all does."""
        pairs = (
            ("EVSE", self.evse, told.evse),
            ("purpose", self.purpose, told.profile.get("chargingProfilePurpose")),
            ("stack level", self.stack_level, told.profile.get("stackLevel")),
        )
        for name, asked, got in pairs:
            if asked is not None and got != asked:
                return f"{told} is reported, and was not asked for: the {name} asked for is {asked}"
        for name, choice, got in (("id", self.ids, told.id), ("source", self.sources, told.source)):
            if choice and got not in choice:
                return f"{told} is reported, and was not asked for: the {name} asked for is {_any(choice)}"
        return ""


def told(parts: Sequence[Payload]) -> list[Told]:
    """Every profile in the parts of a report."""
    return [
        Told(part.get("evseId"), part.get("chargingLimitSource"), number, profile)
        for number, part in enumerate(parts, start=1)
        for profile in part.get("chargingProfile", [])
    ]


def faults(parts: Sequence[Payload], wanted: Wanted, expected: Iterable[Installed]) -> list[str]:
    """What is wrong with a report, in words: what misses, what is not as it was set, what was not asked for.

    What a station has beside `expected`, from whatever source, may be in it as long as it was asked for.
    """
    entries = told(parts)
    wrong = [_wrong(each, entries) for each in expected]
    return [each for each in (*wrong, *map(wanted.objection, entries)) if each]


def _wrong(installed: Installed, entries: Sequence[Told]) -> str:
    found = [each for each in entries if each.id == installed.id]
    if not found:
        return f"{installed} is not reported"
    best = next((each for each in found if each.evse == installed.evse), found[0])
    if best.evse != installed.evse:
        return f"{installed} is reported for {_place(best.evse)}"
    different = differences(best.profile, installed.profile)
    return f"{installed} is not reported as it was set: {', '.join(different)}" if different else ""


def repeated(parts: Sequence[Payload]) -> list[str]:
    """The profiles that a report tells more than once."""
    counted = Counter(each.id for each in told(parts))
    return [f"profile {each} is reported {times} times" for each, times in counted.items() if times > 1]


def misattributed(parts: Sequence[Payload], expected: Iterable[Installed]) -> list[str]:
    """The profiles of the CSMS that a report gives to another source."""
    ours = {each.id for each in expected}
    return [
        f"{each} was set by the CSMS, and is reported with the source {each.source}, not {CSO}"
        for each in told(parts)
        if each.id in ours and each.source != CSO
    ]


def ending(parts: Sequence[Payload]) -> str:
    """What is wrong with what the parts of a finished report say of what follows (K09.FR.02), empty where nothing is.

    Whether something followed the part that says to be the last is for whoever collected them.
    """
    if len(parts) > 1:
        early = [str(number) for number, part in enumerate(parts[:-1], start=1) if part.get("tbc") is not True]
        if early:
            return f"part {', '.join(early)} of {len(parts)} says that nothing follows"
    if parts and parts[-1].get("tbc") is True:
        return f"the last of {len(parts)} parts says that more follows"
    return ""


# -- one profile against another --------------------------------------------------------------------------------------


def differences(reported: Payload, was_set: Payload) -> list[str]:
    """In what a reported profile differs from the one that was set; what was not set may be filled in."""
    found = [
        f"{key} is {reported.get(key)}, not {was_set[key]}"
        for key in _PLAIN
        if key in was_set and reported.get(key) != was_set[key]
    ]
    found += _other_moments(reported, was_set, _MOMENTS)
    before, after = was_set["chargingSchedule"], reported.get("chargingSchedule")
    if not isinstance(after, list) or len(after) != len(before):
        return [*found, "it has another number of schedules"]
    for one, other in zip(after, before, strict=True):
        found += _of_schedule(one, other)
    return found


def _of_schedule(reported: Payload, was_set: Payload) -> list[str]:
    found = [
        f"{key} is {reported.get(key)}, not {was_set[key]}"
        for key in ("chargingRateUnit", "duration")
        if key in was_set and reported.get(key) != was_set[key]
    ]
    found += _other_moments(reported, was_set, ("startSchedule",))
    before, after = was_set["chargingSchedulePeriod"], reported.get("chargingSchedulePeriod")
    if not isinstance(after, list) or len(after) != len(before):
        return [*found, "it has another number of periods"]
    return found + [each for one, other in zip(after, before, strict=True) for each in _of_period(one, other)]


def _of_period(reported: Payload, was_set: Payload) -> list[str]:
    start = was_set["startPeriod"]
    found = []
    if reported.get("startPeriod") != start:
        found.append(f"a period begins at {reported.get('startPeriod')}, not {start}")
    limit = reported.get("limit")
    if not isinstance(limit, int | float) or abs(limit - was_set["limit"]) > _ROUNDING:
        found.append(f"the limit from {start} s on is {limit}, not {was_set['limit']}")
    if "numberPhases" in was_set and reported.get("numberPhases") != was_set["numberPhases"]:
        found.append(f"numberPhases from {start} s on is {reported.get('numberPhases')}, not {was_set['numberPhases']}")
    return found


def _other_moments(reported: Payload, was_set: Payload, keys: Iterable[str]) -> list[str]:
    return [
        f"{key} is {reported.get(key)}, not {was_set[key]}"
        for key in keys
        if key in was_set and not _same(_moment(reported.get(key)), _moment(was_set[key]))
    ]


def _moment(text: object) -> datetime | None:
    return parse_timestamp(text) if isinstance(text, str) else None


def _same(one: datetime | None, other: datetime | None) -> bool:
    """Whether two moments are the same; a station may keep whole seconds."""
    return one is not None and other is not None and abs(one - other) < _A_SECOND


def _place(evse: object) -> str:
    return "the station" if evse == 0 else f"EVSE {evse}"


def _any(choice: Iterable[object]) -> str:
    return " or ".join(map(str, choice))
