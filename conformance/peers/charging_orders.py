"""What an operator asks of a CSMS about charging profiles, in either version, and what the CSMS makes of it."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from conformance.cases.spec import Spec
from conformance.oracles import profiles_sent as sent
from conformance.peers.charging_profiles import Installed
from conformance.peers.csms_scenes import Command, OddAnswer, commanded, remote_start
from conformance.peers.equipment import Evse, Transaction
from conformance.peers.received import NotSeen, Received
from conformance.peers.replies import Error, Payload
from conformance.peers.station import StationPeer
from conformance.peers.station_v16 import Station16
from conformance.peers.station_v201 import Station201
from conformance.sut.drivers.actions import DriverFailed, Unsupported
from conformance.sut.drivers.csms_driver import CsmsDriver
from conformance.sut.profile import SutProfile

Purpose = Literal["default", "transaction", "station"]
Kind = Literal["Absolute", "Recurring", "Relative"]

PLACE, SCHEDULE = "CSMS.PROFILE.01", "CSMS.PROFILE.02"
CLEAR_ID, CLEAR_CRITERIA = "CSMS.CLEARPROFILE.01", "CSMS.CLEARPROFILE.02"
GET, COMPOSITE, AT_START = "CSMS.GETPROFILES.01", "CSMS.COMPOSITE.01", "CSMS.REMOTESTART.02"

HOUR = 3600
_PURPOSES: Mapping[Purpose, str] = {
    "default": "TxDefaultProfile",
    "transaction": "TxProfile",
    "station": "ChargingStationMaxProfile",
}
_FIRST_ID = 73_000_000
_LEVELS, _EVSES = 10, 1000


# -- profiles ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` on, in seconds, this limit; `phases` None leaves them out, which means three."""

    start: int
    limit: float
    phases: int | None = None


def this_second() -> datetime:
    """Now, in whole seconds: a time that every CSMS can keep."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A charging profile as an operator wants it; EVSE 0 is the station.

    Profiles of one purpose, place and level have one id, so that none is ever there twice by what the operator asked.
    A schedule that is not Relative begins at `start`. `valid` is how long the profile is, in seconds from then.
    """

    purpose: Purpose
    evse: int = 1
    level: int = 0
    kind: Kind = "Absolute"
    periods: tuple[Period, ...] = (Period(0, 6.0),)
    unit: Literal["A", "W"] = "A"
    duration: int | None = HOUR
    valid: int | None = None
    recurs: Literal["Daily", "Weekly"] | None = None
    transaction: Transaction | None = None
    start: datetime = field(default_factory=this_second)

    @property
    def id(self) -> int:
        """Its id."""
        return _FIRST_ID + (list(_PURPOSES).index(self.purpose) * _EVSES + self.evse) * _LEVELS + self.level

    def limited_to(self, *limits: float) -> "Wanted":
        """The same with other limits."""
        changed = zip(self.periods, limits, strict=True)
        return replace(self, periods=tuple(replace(each, limit=limit) for each, limit in changed))

    def payload(self, station: StationPeer, *, at_start: bool = False) -> dict[str, Any]:
        """The profile as it goes over the wire; one in a remote start names no transaction."""
        newer = not isinstance(station.dialect, Station16)
        purpose = _PURPOSES[self.purpose]
        told: dict[str, Any] = {
            "id" if newer else "chargingProfileId": self.id,
            "stackLevel": self.level,
            "chargingProfilePurpose": purpose if newer or self.purpose != "station" else "ChargePointMaxProfile",
            "chargingProfileKind": self.kind,
        }
        if self.recurs is not None:
            told["recurrencyKind"] = self.recurs
        if self.valid is not None:
            ends = self.start + timedelta(seconds=self.valid)
            told |= {"validFrom": _written(self.start), "validTo": _written(ends)}
        if self.transaction is not None and not at_start:
            told["transactionId"] = self.transaction.id if newer else self.transaction.number
        return told | {"chargingSchedule": [{"id": 1, **self._schedule}] if newer else self._schedule}

    @property
    def _schedule(self) -> dict[str, Any]:
        made: dict[str, Any] = {
            "chargingRateUnit": self.unit,
            "chargingSchedulePeriod": [
                {"startPeriod": each.start, "limit": each.limit}
                | ({} if each.phases is None else {"numberPhases": each.phases})
                for each in self.periods
            ],
        }
        if self.kind != "Relative":
            made["startSchedule"] = _written(self.start)
        return made if self.duration is None else made | {"duration": self.duration}


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def default_profile(**fields: Any) -> Wanted:
    """A TxDefaultProfile, Absolute from now on and valid as long as its schedule lasts."""
    return Wanted("default", **{"valid": HOUR, "periods": (Period(0, 6.0, 3),), **fields})


def station_maximum(**fields: Any) -> Wanted:
    """A maximum for the whole station."""
    return Wanted("station", **{"evse": 0, "periods": (Period(0, 8.0),), **fields})


def transaction_profile(running: Transaction, **fields: Any) -> Wanted:
    """A Relative TxProfile for a transaction."""
    told = {"evse": running.evse.id, "kind": "Relative", "duration": None, "periods": (Period(0, 7.0),)}
    return Wanted("transaction", transaction=running, **{**told, **fields})


def start_profile(evse: Evse) -> Wanted:
    """A Relative TxProfile for a transaction that is still to start."""
    return Wanted("transaction", evse=evse.id, kind="Relative", duration=None, periods=(Period(0, 7.0),))


def is_told(carried: sent.Carried) -> bool:
    """Whether a profile has an id that only the operator gives."""
    return isinstance(carried.id, int) and _FIRST_ID <= carried.id < _FIRST_ID + len(_PURPOSES) * _EVSES * _LEVELS


# -- what to ask for --------------------------------------------------------------------------------------------------


def _any(_: Payload) -> bool:
    return True


def place(station: StationPeer, evse: int) -> dict[str, int]:
    """How a call names an EVSE, 0 the station: in 1.6 by its first connector."""
    if not isinstance(station.dialect, Station16):
        return {"evseId": evse}
    found = station.equipment.evse(evse)
    return {"connectorId": 0 if found is None else station.dialect.number(found, found.connectors[0])}


def set_profile(station: StationPeer, wanted: Wanted) -> Command:
    """Set a profile."""
    name = "csChargingProfiles" if isinstance(station.dialect, Station16) else "chargingProfile"
    payload = {**place(station, wanted.evse), name: wanted.payload(station)}
    return Command("SetChargingProfile", payload, _any)


def clear_by_id(station: StationPeer, profile_id: int) -> Command:
    """Clear the profile with this id."""
    name = "id" if isinstance(station.dialect, Station16) else "chargingProfileId"
    return Command("ClearChargingProfile", {name: profile_id}, _any)


def clear_like(station: StationPeer, wanted: Wanted) -> Command:
    """Clear the profiles with the place, purpose and level of this one."""
    told = wanted.payload(station)
    criteria = place(station, wanted.evse) | {name: told[name] for name in ("chargingProfilePurpose", "stackLevel")}
    older = isinstance(station.dialect, Station16)
    return Command("ClearChargingProfile", criteria if older else {"chargingProfileCriteria": criteria}, _any)


def clear_all() -> Command:
    """Clear every profile (1.6)."""
    return Command("ClearChargingProfile", {}, _any)


def get_profiles(evse: int | None = None, **criteria: Any) -> Command:
    """Ask which profiles an EVSE has, all of them where none is named (2.0.1); `criteria` as over the wire."""
    where = {} if evse is None else {"evseId": evse}
    return Command("GetChargingProfiles", {"requestId": 8100, **where, "chargingProfile": criteria}, _any)


def listings(station: StationPeer) -> list[Command]:
    """What there is to ask about the profiles of a station; nothing in 1.6."""
    older = isinstance(station.dialect, Station16)
    return [] if older else [get_profiles(chargingProfilePurpose=_PURPOSES["default"])]


def composite_schedule(station: StationPeer, evse: int, seconds: int, unit: Literal["A", "W"] = "A") -> Command:
    """Ask what a place may draw from now on."""
    payload = {**place(station, evse), "duration": seconds, "chargingRateUnit": unit}
    return Command("GetCompositeSchedule", payload, _any)


def remote_start_limited(station: StationPeer, id_token: Mapping[str, str], evse: Evse, wanted: Wanted) -> Command:
    """Start a transaction with a profile."""
    command = remote_start(station, id_token, evse)
    carried = {"chargingProfile": wanted.payload(station, at_start=True)}
    return Command(command.action, {**command.payload, **carried}, command.fits)


# -- what the CSMS makes of it ----------------------------------------------------------------------------------------

Differences = Callable[[Payload, Payload], list[str]]


async def nearest(
    csms: CsmsDriver, station: StationPeer, profile: SutProfile, command: Command, differs: Differences
) -> Received:
    """Have the CSMS send a command, and give the call that is meant by it.

    That is the first that comes, unless another follows soon that is just what was asked for: a CSMS may send some of
    its own accord. Raises as `commanded` does.
    """
    mark = station.now
    first = await commanded(csms, station, profile, command)
    if not differs(command.payload, first):
        return first
    with suppress(NotSeen):
        return await station.expect(
            command.action,
            where=lambda asked: not differs(command.payload, asked),
            after=mark,
            within=profile.timing.settle,
        )
    station.touch(first)
    return first


async def asked_just_so(  # noqa: PLR0913 -- the step that all of these have in common
    csms: CsmsDriver,
    station: StationPeer,
    spec: Spec,
    profile: SutProfile,
    command: Command,
    requirement: str,
    differs: Differences,
) -> Received:
    """Have the CSMS send a command, and judge that what it sends says just this; ends the case where it does not."""
    with spec.must(requirement):
        asked = await nearest(csms, station, profile, command, differs)
        wrong = differs(command.payload, asked)
        assert not wrong, f"{command} is not what was asked for: {sent.words(wrong)}"
    return asked


async def set_as_told(
    csms: CsmsDriver, station: StationPeer, spec: Spec, profile: SutProfile, command: Command
) -> Received:
    """Have the CSMS set a profile, and judge what it sends."""
    asked = await asked_just_so(csms, station, spec, profile, command, PLACE, sent.place_and_kind)
    schedule_as_told(spec, command, asked, SCHEDULE)
    return asked


def schedule_as_told(spec: Spec, command: Command, asked: Received, requirement: str) -> None:
    """Judge that the schedule of a profile came as it was told."""
    with spec(requirement):
        wrong = sent.schedule(command.payload, asked, at=asked.utc)
        assert not wrong, f"{command} is not what was asked for: {sent.words(wrong)}"


def start_as_told(told: Payload, asked: Payload) -> list[str]:
    """What differs in the profile of a remote start; where that starts is another matter."""
    at = asked.utc if isinstance(asked, Received) else datetime.now(UTC)
    there = {**asked, **{name: told.get(name) for name in ("evseId", "connectorId")}}
    return sent.place_and_kind(told, there) + sent.schedule(told, there, at=at)


# -- what the station has ---------------------------------------------------------------------------------------------


def keeps(station: StationPeer) -> list[Installed]:
    """The profiles that the station of the harness has."""
    dialect = station.dialect
    return dialect.profiles.installed if isinstance(dialect, Station201 | Station16) else []


@contextmanager
def having(station: StationPeer, *profiles: Wanted) -> Iterator[None]:
    """The station has these, as if it had been told long ago, until the block is over."""
    for each in profiles:
        payload = each.payload(station)
        schedule = payload["chargingSchedule"]
        keeps(station).append(
            Installed(
                evse=each.evse,
                id=each.id,
                purpose=payload["chargingProfilePurpose"],
                stack_level=each.level,
                payload=payload,
                schedule=schedule[0] if isinstance(schedule, list) else schedule,
                transaction=payload.get("transactionId"),
            )
        )
    try:
        yield
    finally:
        keeps(station).clear()


@asynccontextmanager
async def cleared(csms: CsmsDriver, station: StationPeer) -> AsyncIterator[None]:
    """Afterwards the station has no profile, and the CSMS was told to clear each, where it can."""
    try:
        yield
    finally:
        for each in tuple(keeps(station)):
            with suppress(Unsupported, DriverFailed):
                await csms.command("ClearChargingProfile", clear_by_id(station, each.id).payload)
        with suppress(NotSeen):
            await station.until(lambda: not keeps(station), "the profiles to be cleared", within=1.0)
        keeps(station).clear()


def reported(
    request_id: int, evse: int, profiles: Sequence[Mapping[str, Any]], *, source: str = "CSO", more: bool = False
) -> dict[str, Any]:
    """One part of a report about profiles (2.0.1); `more` says that others follow."""
    part = {"requestId": request_id, "chargingLimitSource": source, "evseId": evse, "chargingProfile": list(profiles)}
    return part | ({"tbc": True} if more else {})


def limits_from_elsewhere(station: StationPeer) -> list[tuple[str, Payload]]:
    """What a station tells of a limit that comes, and goes, and is not of the CSMS; nothing in 1.6."""
    if isinstance(station.dialect, Station16):
        return []
    schedule = external_limit(station)["chargingSchedule"]
    source = {"chargingLimitSource": "EMS"}
    return [
        ("NotifyChargingLimit", {"chargingLimit": source, "chargingSchedule": schedule}),
        ("ClearedChargingLimit", source),
    ]


def external_limit(station: StationPeer) -> dict[str, Any]:
    """A limit from elsewhere as a station reports it (2.0.1)."""
    limit = station_maximum(duration=None).payload(station)
    return limit | {"id": -1, "chargingProfilePurpose": "ChargingStationExternalConstraints"}


# -- odd answers ------------------------------------------------------------------------------------------------------

_REASONS = ("InvalidProfile", "InvalidSchedule", "InvalidStackLevel", "DuplicateProfile", "UnsupportedRateUnit")
_LONG = 1024


def odd_charging_answers(station: StationPeer) -> list[OddAnswer]:
    """Answers about charging profiles that are rare, but right."""
    setting, clearing = set_profile(station, default_profile()), clear_like(station, default_profile())
    asking = composite_schedule(station, 1, HOUR)
    older = isinstance(station.dialect, Station16)
    found = [*(_composites_16(asking) if older else _composites_201(asking))]
    for command, statuses in ((setting, ("Rejected",)), (clearing, ("Unknown",)), (asking, ("Rejected",))):
        found += [OddAnswer(status, command, {"status": status}) for status in statuses]
        errors = (Error("NotSupported"), Error("NotImplemented", "no such action"), Error("InternalError", "x" * 255))
        found += [OddAnswer(f"CALLERROR {error.code}", command, error) for error in errors]
    if older:
        return [*found, OddAnswer("NotSupported", setting, {"status": "NotSupported"})]
    for reason in _REASONS:
        info = {"reasonCode": reason, "additionalInfo": "told so by the EVSE"}
        found.append(OddAnswer(f"Rejected ({reason})", setting, {"status": "Rejected", "statusInfo": info}))
    info = {"reasonCode": "Unspecified"}
    found.append(OddAnswer("Unknown with a reason", clearing, {"status": "Unknown", "statusInfo": info}))
    listing = get_profiles(1, stackLevel=0)
    return [*found, OddAnswer("NoProfiles", listing, {"status": "NoProfiles", "statusInfo": info})]


def _composites_201(asking: Command) -> Iterator[OddAnswer]:
    yield OddAnswer("Accepted, and no schedule", asking, {"status": "Accepted"})
    for what, periods in _odd_periods():
        schedule = {
            "evseId": 1,
            "duration": HOUR,
            "scheduleStart": "2030-01-01T00:00:00.123Z",
            "chargingRateUnit": "W",
            "chargingSchedulePeriod": periods,
        }
        yield OddAnswer(what, asking, {"status": "Accepted", "schedule": schedule})


def _composites_16(asking: Command) -> Iterator[OddAnswer]:
    yield OddAnswer("Accepted, and no schedule", asking, {"status": "Accepted", "connectorId": 1})
    for what, periods in _odd_periods():
        schedule = {"chargingRateUnit": "W", "chargingSchedulePeriod": periods}
        told = {"connectorId": 1, "scheduleStart": "2030-01-01T00:00:00.123Z", "chargingSchedule": schedule}
        yield OddAnswer(what, asking, {"status": "Accepted", **told})


def _odd_periods() -> Iterator[tuple[str, list[Payload]]]:
    yield "nothing to draw", [{"startPeriod": 0, "limit": 0}]
    yield "a limit on one phase", [{"startPeriod": 0, "limit": 1380.5, "numberPhases": 1}]
    yield "a long schedule", [{"startPeriod": 3 * each, "limit": 1000.5 + each} for each in range(_LONG)]
