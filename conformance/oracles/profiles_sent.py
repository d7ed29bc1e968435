"""Charging profiles as a CSMS sends them, in OCPP 2.0.1 and 1.6: against what it was told to send, and by the rules.

What it was told to send is compared by meaning: times as instants, limits as numbers, three phases where none are
named; the ids that a CSMS may number by itself are left out. The rules are judged over the transcript of a session.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, TypeGuard

from conformance.oracles.wire import Miss, Misses
from conformance.wire.frames import Call, CallResult
from conformance.wire.schemas import parse_timestamp
from conformance.wire.transcript import Entry, Transcript

Payload = Mapping[str, Any]

_STARTS = ("RequestStartTransaction", "RemoteStartTransaction")
_STATION_MAXIMA = ("ChargingStationMaxProfile", "ChargePointMaxProfile")
_EXTERNAL = "ChargingStationExternalConstraints"
_WHOLE = ("chargingProfilePurpose", "chargingProfileKind", "stackLevel", "transactionId", "recurrencyKind")
_PHASES = 3
_DECIMALS = 10
_INSTANT = timedelta(seconds=1)
_FEW = 4
_NO_TRANSACTION = object()


# -- reading ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Carried:
    """The profile in a SetChargingProfile or in a remote start; `place` is its EVSE or connector, None if not named.

    What can't be read is None, or not there.
    """

    place: object
    profile: Payload

    @classmethod
    def read(cls, payload: object) -> "Carried | None":
        """The profile that the payload of a call carries, in either version; None where there is none."""
        named = _field(payload, "chargingProfile")
        found = _field(payload, "csChargingProfiles") if named is None else named
        place = _field(payload, "evseId")
        return cls(_field(payload, "connectorId") if place is None else place, found) if _is_map(found) else None

    @property
    def id(self) -> object:
        """Its id."""
        return self.profile.get("id", self.profile.get("chargingProfileId"))

    @property
    def purpose(self) -> object:
        """Its purpose, as it stands there."""
        return self.profile.get("chargingProfilePurpose")

    @property
    def kind(self) -> object:
        """Absolute, Recurring or Relative."""
        return self.profile.get("chargingProfileKind")

    @property
    def schedules(self) -> list[Payload]:
        """Its schedules: one, but for ISO 15118."""
        told = self.profile.get("chargingSchedule")
        return [each for each in (told if isinstance(told, list) else [told]) if _is_map(each)]

    @property
    def valid(self) -> tuple[datetime | None, datetime | None]:
        """From when on and until when it is valid, None where it is not limited."""
        return _time(self.profile.get("validFrom")), _time(self.profile.get("validTo"))


def periods(schedule: Payload) -> list[Payload]:
    """The periods of a schedule."""
    told = schedule.get("chargingSchedulePeriod")
    return [each for each in told if _is_map(each)] if isinstance(told, list) else []


# -- against what it was told -----------------------------------------------------------------------------------------


def place_and_kind(told: Payload, sent: Payload) -> list[str]:
    """What differs in where a profile goes, what it is for and how it stacks."""
    wanted, came = Carried.read(told), Carried.read(sent)
    if wanted is None or came is None:
        return [] if wanted is None else ["it carries no profile"]
    found = [] if came.place == wanted.place else [_differs("the place", wanted.place, came.place)]
    names = [name for name in _WHOLE if wanted.profile.get(name) != came.profile.get(name)]
    return found + [_differs(name, wanted.profile.get(name), came.profile.get(name)) for name in names]


def schedule(told: Payload, sent: Payload, *, at: datetime) -> list[str]:
    """What differs in when a profile is valid and what it allows when; `at` is when it was sent.

    A validFrom that nobody asked for changes nothing where it has passed.
    """
    wanted, came = Carried.read(told), Carried.read(sent)
    if wanted is None or came is None:
        return [] if wanted is None else ["it carries no profile"]
    found = []
    for name in ("validFrom", "validTo"):
        one, other = wanted.profile.get(name), came.profile.get(name)
        began = _time(other)
        harmless = name == "validFrom" and one is None and began is not None and began <= at + _INSTANT
        if not (harmless or _same_time(one, other)):
            found.append(_differs(name, one, other))
    if len(wanted.schedules) != len(came.schedules):
        return [*found, _differs("the number of schedules", len(wanted.schedules), len(came.schedules))]
    for one, other in zip(wanted.schedules, came.schedules, strict=True):
        found += _schedule(one, other)
    return found


def _schedule(told: Payload, sent: Payload) -> Iterator[str]:
    if not _same_time(told.get("startSchedule"), sent.get("startSchedule")):
        yield _differs("startSchedule", told.get("startSchedule"), sent.get("startSchedule"))
    for name in ("chargingRateUnit", "duration", "minChargingRate"):
        if told.get(name) != sent.get(name):
            yield _differs(name, told.get(name), sent.get(name))
    wanted, came = periods(told), periods(sent)
    if len(wanted) != len(came):
        yield _differs("the number of periods", len(wanted), len(came))
        return
    for number, (one, other) in enumerate(zip(wanted, came, strict=True), 1):
        for name in ("startPeriod", "limit", "numberPhases", "phaseToUse"):
            usual = _PHASES if name == "numberPhases" else None
            if one.get(name, usual) != other.get(name, usual):
                yield _differs(f"{name} of period {number}", one.get(name), other.get(name))


def cleared(told: Payload, sent: Payload) -> list[str]:
    """What differs in which profiles a ClearChargingProfile names: by id, or by criteria, or all (1.6)."""
    wanted, came = _clear(told), _clear(sent)
    return _of_criteria(wanted, came)


def _clear(payload: Payload) -> Payload:
    """The criteria of either version by the names of 2.0.1; those of 1.6 stand beside the id."""
    criteria = payload.get("chargingProfileCriteria")
    found = {
        "id": payload.get("chargingProfileId", payload.get("id")),
        "place": payload.get("connectorId"),
        "purpose": payload.get("chargingProfilePurpose"),
        "stackLevel": payload.get("stackLevel"),
    }
    if _is_map(criteria):
        found |= {
            "place": criteria.get("evseId"),
            "purpose": criteria.get("chargingProfilePurpose"),
            "stackLevel": criteria.get("stackLevel"),
        }
    return found


def got(told: Payload, sent: Payload) -> list[str]:
    """What differs in which profiles a GetChargingProfiles asks for; lists may come in any order (2.0.1)."""
    wanted, came = told.get("chargingProfile"), sent.get("chargingProfile")
    if not (_is_map(wanted) and _is_map(came)):
        return ["it has no criteria"]
    found = _of_criteria({"evseId": told.get("evseId")}, {"evseId": sent.get("evseId")})
    names = ("chargingProfilePurpose", "stackLevel", "chargingProfileId", "chargingLimitSource")
    return found + _of_criteria(
        {name: _any_order(wanted.get(name)) for name in names}, {name: _any_order(came.get(name)) for name in names}
    )


def composite(told: Payload, sent: Payload) -> list[str]:
    """What differs in which composite schedule is asked for."""
    names = ("evseId", "connectorId", "duration", "chargingRateUnit")
    return _of_criteria({name: told.get(name) for name in names}, {name: sent.get(name) for name in names})


def _of_criteria(wanted: Payload, came: Payload) -> list[str]:
    return [_differs(name, value, came.get(name)) for name, value in wanted.items() if value != came.get(name)]


def _any_order(value: object) -> object:
    return sorted(value, key=str) if isinstance(value, list) else value


def _differs(what: str, told: object, sent: object) -> str:
    return f"{what} was to be {_shown(told)} and is {_shown(sent)}"


def _shown(value: object) -> str:
    return "left out" if value is None else str(value)


def words(differences: Sequence[str]) -> str:
    """The first few differences in one line."""
    more = len(differences) - _FEW
    return "; ".join(differences[:_FEW]) + (f"; and {more} more" if more > 0 else "")


# -- by the rules -----------------------------------------------------------------------------------------------------

RULES = (
    "K01.FR.03",
    "K01.FR.06",
    "K01.FR.16",
    "K01.FR.19",
    "K01.FR.20",
    "K01.FR.22",
    "K01.FR.31",
    "K01.FR.34",
    "K01.FR.35",
    "K01.FR.38",
    "K01.FR.39",
    "K01.FR.40",
    "K01.FR.41",
    "K04.FR.03",
    "K05.FR.02",
    "F01.FR.11",
    "K09.FR.03",
    "K10.FR.02",
    "K10.FR.06",
    "CSMS.PROFILE.03",
    "CSMS.PROFILE.04",
    "CSMS.PROFILE.05",
)
"""What `rules` judges, by the ids of 2.0.1."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A profile that the station has accepted and not lost since."""

    carried: Carried
    entry: Entry

    def matches(self, wanted: Payload) -> bool:
        """Whether a ClearChargingProfile takes it away; an id goes before everything else."""
        if wanted["id"] is not None:
            return bool(self.carried.id == wanted["id"])
        mine = {
            "place": self.carried.place,
            "purpose": self.carried.purpose,
            "stackLevel": self.carried.profile.get("stackLevel"),
        }
        return all(wanted[name] in (None, value) for name, value in mine.items())


def rules(transcript: Transcript, station: str) -> Misses:
    """The misses of all RULES in the calls that one station has got from the CSMS.

    The station of the harness can't switch phases, and charges nobody by ISO 15118. Rules of 2.0.1 that 1.6 has not are
    judged as well; its catalogue has no row for them.
    """
    found: dict[str, list[Miss]] = {name: [] for name in RULES}
    kept: list[_Kept] = []
    for entry in transcript.frames(station=station, kind=(Call, CallResult)):
        frame = entry.frame
        if isinstance(frame, CallResult):
            kept = _kept(transcript, entry, kept)
        elif isinstance(frame, Call) and entry.sender == "harness":
            kept = _still(kept, frame)
        elif isinstance(frame, Call):
            for name, message, others in _broken(frame, entry, kept):
                found[name].append(Miss(message, (*others, entry)))
    return found


def _kept(transcript: Transcript, answer: Entry, kept: list[_Kept]) -> list[_Kept]:
    """What the station has once it has given an answer."""
    frame, exchange = answer.frame, transcript.exchange(answer)
    asked = exchange.call.frame if exchange is not None else None
    if not (isinstance(frame, CallResult) and isinstance(asked, Call) and exchange is not None):
        return kept
    if not _is_map(frame.payload) or frame.payload.get("status") != "Accepted" or not _is_map(asked.payload):
        return kept
    if asked.action == "ClearChargingProfile":
        wanted = _clear(asked.payload)
        return [each for each in kept if not each.matches(wanted)]
    carried = Carried.read(asked.payload)
    if asked.action != "SetChargingProfile" or carried is None:
        return kept
    return [*(each for each in kept if each.carried.id != carried.id), _Kept(carried, exchange.call)]


def _still(kept: list[_Kept], said: Call) -> list[_Kept]:
    """What is left once the station has told the end of a transaction."""
    if said.action != "TransactionEvent" or _field(said.payload, "eventType") != "Ended":
        return kept
    over = _field(_field(said.payload, "transactionInfo"), "transactionId")
    return [each for each in kept if each.carried.profile.get("transactionId", _NO_TRANSACTION) != over]


def _broken(call: Call, entry: Entry, kept: Sequence[_Kept]) -> Iterator[tuple[str, str, tuple[Entry, ...]]]:
    """The rules that a call breaks, in words, with the entries that show why."""
    carried = Carried.read(call.payload)
    found: list[tuple[str, str]] = []
    if call.action == "GetChargingProfiles":
        found += _get(call.payload)
    elif call.action == "ClearChargingProfile" and _is_map(call.payload):
        found += _unclear(_clear(call.payload))
    elif carried is not None and call.action in _STARTS:
        found += [*_at_a_start(carried), *_of_schedules(carried)]
    elif carried is not None and call.action == "SetChargingProfile":
        found += [*_set(carried), *_of_schedules(carried)]
        yield from _twice(carried, entry, kept)
    for name, message in found:
        yield name, message, ()


def _get(payload: object) -> Iterator[tuple[str, str]]:
    criteria = _field(payload, "chargingProfile")
    names = ("chargingProfileId", "stackLevel", "chargingLimitSource", "chargingProfilePurpose")
    if not any(_field(criteria, name) not in (None, []) for name in names):
        yield "K09.FR.03", "GetChargingProfiles names neither ids nor any other criterion"


def _unclear(wanted: Payload) -> Iterator[tuple[str, str]]:
    if all(value is None for value in wanted.values()):
        yield "K10.FR.02", "ClearChargingProfile names neither an id nor any criterion"
    if wanted["purpose"] == _EXTERNAL:
        yield "K10.FR.06", f"ClearChargingProfile is about {_EXTERNAL}"


def _at_a_start(carried: Carried) -> Iterator[tuple[str, str]]:
    if carried.purpose != "TxProfile":
        yield "K05.FR.02", f"the profile in a remote start has the purpose {carried.purpose}"
    if "transactionId" in carried.profile:
        yield "F01.FR.11", "the profile in a remote start names a transaction"


def _set(carried: Carried) -> Iterator[tuple[str, str]]:
    purpose, place = carried.purpose, carried.place
    if purpose == "TxProfile" and "transactionId" not in carried.profile:
        yield "K01.FR.03", "a TxProfile names no transaction"
    if purpose != "TxProfile" and "transactionId" in carried.profile:
        yield "CSMS.PROFILE.03", f"a profile with the purpose {purpose} names a transaction"
    if purpose == "TxProfile" and place == 0:
        yield "K01.FR.16", "a TxProfile is set for the whole station"
    if purpose in _STATION_MAXIMA and place != 0:
        yield "K04.FR.03", f"the maximum of the station is set at {place}"
    if purpose == _EXTERNAL:
        yield "K01.FR.22", f"it sets a profile with the purpose {_EXTERNAL}"


def _of_schedules(carried: Carried) -> Iterator[tuple[str, str]]:
    kind, recurs = carried.kind, "recurrencyKind" in carried.profile
    if recurs != (kind == "Recurring") and (recurs or "chargingProfileId" not in carried.profile):  # 1.6 asks one way
        yield "CSMS.PROFILE.04", f"a profile of kind {kind} has {'a' if recurs else 'no'} recurrencyKind"
    if kind == "Relative" and carried.purpose in _STATION_MAXIMA:
        yield "K01.FR.38", "the maximum of the station is Relative"
    if len(carried.schedules) > 1:
        yield "K01.FR.34", f"a profile has {len(carried.schedules)} schedules, and nobody charges by ISO 15118"
    for each in carried.schedules:
        yield from _of_one(each, kind)


def _of_one(schedule: Payload, kind: object) -> Iterator[tuple[str, str]]:
    begins = "startSchedule" in schedule
    if kind in ("Absolute", "Recurring") and not begins:
        yield "K01.FR.40", f"a schedule of kind {kind} has no startSchedule"
    if kind == "Relative" and begins:
        yield "K01.FR.41", "a Relative schedule has a startSchedule"
    told = periods(schedule)
    starts = [each.get("startPeriod") for each in told]
    if starts and starts[0] != 0:
        yield "K01.FR.31", f"the first period starts at {starts[0]}"
    numbers = [each for each in starts if isinstance(each, int)]
    if any(one >= other for one, other in pairwise(numbers)):
        yield "K01.FR.35", f"the periods start at {', '.join(map(str, numbers))}"
    for each in told:
        if not _one_decimal(each.get("limit")):
            yield "CSMS.PROFILE.05", f"a limit is {each.get('limit')}"
        if "phaseToUse" in each:
            yield "K01.FR.20", "phaseToUse is set, and the EVSE can't switch phases"
            if each.get("numberPhases") != 1:
                yield "K01.FR.19", f"phaseToUse is set for {each.get('numberPhases', _PHASES)} phases"


def _one_decimal(limit: object) -> bool:
    return not isinstance(limit, int | float) or abs(limit * _DECIMALS - round(limit * _DECIMALS)) < 1e-6  # noqa: PLR2004


def _twice(carried: Carried, entry: Entry, kept: Sequence[_Kept]) -> Iterator[tuple[str, str, tuple[Entry, ...]]]:
    """K01.FR.06 and 39: no other profile has the same level, and the same place or transaction, at the same time."""
    level, purpose = carried.profile.get("stackLevel"), carried.purpose
    for each in kept:
        other = each.carried
        same = (other.purpose, other.profile.get("stackLevel")) == (purpose, level) and other.id != carried.id
        if not same:
            continue
        what = f"profile {other.id} has stackLevel {level} too, and is still there when profile {carried.id} is set"
        if purpose == "TxProfile":
            transaction = carried.profile.get("transactionId")
            if transaction is not None and other.profile.get("transactionId") == transaction:
                yield "K01.FR.39", f"{what} for the same transaction", (each.entry,)
        elif other.place == carried.place and _overlap(other.valid, carried.valid, entry.utc):
            yield "K01.FR.06", f"{what} with the purpose {purpose}", (each.entry,)


def _overlap(
    one: tuple[datetime | None, datetime | None], other: tuple[datetime | None, datetime | None], now: datetime
) -> bool:
    """Whether two validities have a moment in common, from now on."""
    begins = max(each for each in (one[0], other[0], now) if each is not None)
    ends = [each for each in (one[1], other[1]) if each is not None]
    return all(begins < each for each in ends)


# -- values -----------------------------------------------------------------------------------------------------------


def _is_map(value: object) -> TypeGuard[Payload]:
    return isinstance(value, Mapping)


def _field(node: object, name: str) -> Any:
    return node.get(name) if isinstance(node, Mapping) else None


def _time(text: object) -> datetime | None:
    return parse_timestamp(text) if isinstance(text, str) else None


def _same_time(one: object, other: object) -> bool:
    """Whether both are the same instant, or neither is there; a fraction of a second may be dropped."""
    first, second = _time(one), _time(other)
    if first is None or second is None:
        return one == other
    return abs(first - second) < _INSTANT
