"""Scenes around the charging profiles that a station of OCPP 2.0.1 keeps: put there, asked for, and cleared again."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from conformance.oracles.charging import Book, EvseLimits, Running, Site, differences, expected, reported
from conformance.oracles.kept_profiles import Installed, Wanted, told
from conformance.peers.csms import CsmsPeer
from conformance.peers.limits_told import limits_told
from conformance.peers.received import NotSeen, Received
from conformance.peers.replies import Held
from conformance.sut.profile import SutProfile
from conformance.sut.tables import Evse
from conformance.wire.frames import Call

REQUEST, REPORT = "GetChargingProfiles", "ReportChargingProfiles"

ROUNDED = timedelta(seconds=2)
"""What a station may lose of a moment by telling whole seconds, more than once."""
ROUNDING = 0.1
"""What it may lose of a limit, in the unit that it is told in: limits have one digit after the point."""

_requests = count(88_000)
_profiles = count(41_000)
_AMPLE = 10.0
"""Amperes above the least that any EVSE is taken to deliver, where the profile does not say what it does."""
_STEPS = 10
_LEAST_STEP = 1.0
_AGO = timedelta(seconds=60)


# -- what can be told to the station ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rates:
    """In what limits can be told to a station: its unit, its highest stack level, and how much an EVSE delivers."""

    unit: str
    top_level: int
    periods: int
    evse: Evse
    volts: float
    least: float

    def limit(self, step: int) -> float:
        """A limit in the unit of the station: step 0 is the least with which an EV charges, 10 what the EVSE has."""
        return self.of(self.amperes(step))

    def amperes(self, step: int) -> float:
        """The same in amperes per phase, whole ones where these are far enough apart."""
        phases = self.evse.phases or 1
        power = self.evse.max_power_w
        most = self.least + _AMPLE if power is None else power / (self.volts * phases)
        width = max(most - self.least, 0.0) / _STEPS
        return self.least + (int(step * width) if width >= _LEAST_STEP else round(step * width, 1))

    def of(self, amperes: float) -> float:
        """So many amperes per phase in the unit of the station."""
        return amperes if self.unit == "A" else round(amperes * self.volts * (self.evse.phases or 1), 1)

    def period(self, start: int, step: int) -> tuple[int, float] | tuple[int, float, int]:
        """A period of a schedule; the phases are named where they are not the three that are meant by default."""
        if self.evse.phases in (0, 3):
            return (start, self.limit(step))
        return (start, self.limit(step), self.evse.phases)

    def level(self, wanted: int) -> int:
        """A stack level, or the highest that the station has."""
        return min(wanted, self.top_level)


async def rates(csms: CsmsPeer, profile: SutProfile, evse: int) -> Rates:
    """What a station says of the limits that it takes, or what is sure where it does not say."""
    told = await limits_told(csms, profile)
    return Rates(
        unit="A" if "A" in told.units else "W",
        top_level=told.top_level,
        periods=told.periods,
        evse=next(each for each in profile.evse if each.id == evse),
        volts=profile.parameters.nominal_voltage,
        least=profile.parameters.least_current,
    )


def whole_seconds(moment: datetime | None = None) -> datetime:
    """A moment, or the present one, without what a station may leave out of it."""
    return (moment or datetime.now(UTC)).replace(microsecond=0)


# -- setting and clearing ---------------------------------------------------------------------------------------------


async def install(  # noqa: PLR0913 -- by keyword
    csms: CsmsPeer,
    rate: Rates,
    evse: int,
    purpose: str,
    *,
    level: int = 0,
    steps: Sequence[tuple[int, int]] = ((0, 3),),
    **fields: Any,
) -> Installed:
    """Set a profile of these periods, each its start in seconds and its limit as a step of `Rates`.

    It began a minute ago unless told otherwise. Raises AssertionError where the station does not accept it: a
    precondition of the case, not a finding.
    """
    payload = drafted(csms, rate, purpose, level=level, steps=steps, **fields)
    answer = await csms.speak.set_charging_profile(evse, payload)
    assert answer["status"] == "Accepted", f"{Installed(evse, payload)} was answered {answer['status']}"
    return Installed(evse, payload)


def drafted(
    csms: CsmsPeer,
    rate: Rates,
    purpose: str,
    *,
    level: int = 0,
    steps: Sequence[tuple[int, int]] = ((0, 3),),
    **fields: Any,
) -> dict[str, Any]:
    """The profile that `install` would set."""
    if fields.get("kind", "Absolute") != "Relative":
        fields.setdefault("start", whole_seconds() - _AGO)
    return csms.speak.charging_profile(
        id=next(_profiles),
        purpose=purpose,
        stack_level=level,
        unit=rate.unit,
        periods=[rate.period(*each) for each in steps],
        **fields,
    )


def unused_id() -> int:
    """The id of a profile that was never set."""
    return next(_profiles)


# -- asking -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ProfileReport:
    """The answer to GetChargingProfiles, and the reports that came of it.

    `broken_off` says why they may not be all, empty where the last of them said to be that.
    """

    wanted: Wanted
    number: int
    answer: Received
    parts: tuple[Received, ...] = ()
    broken_off: str = ""

    @property
    def status(self) -> str:
        """What the station answered."""
        return str(self.answer["status"])


async def ask(csms: CsmsPeer, wanted: Wanted, *, linger: float = 0.0) -> ProfileReport:
    """Ask for profiles, and collect what comes of it; for `linger` seconds more after what says to be the last part.

    Raises Refused and NoAnswer.
    """
    mark = csms.now
    report = await ask_only(csms, wanted)
    return await collect(csms, report, after=mark, linger=linger)


async def ask_only(csms: CsmsPeer, wanted: Wanted) -> ProfileReport:
    """Ask for profiles, and take the answer; raises Refused and NoAnswer."""
    number = next(_requests)
    answer = await csms.call(REQUEST, wanted.request(number))
    return ProfileReport(wanted, number, answer)


async def collect(csms: CsmsPeer, report: ProfileReport, *, after: int, linger: float = 0.0) -> ProfileReport:
    """Wait for the parts of a report that came after entry `after`, if there is to be one."""
    if report.status != "Accepted":
        csms.touch(report.answer)
        return report
    parts: list[Received] = []
    broken_off = ""
    while True:
        more = not parts or parts[-1].get("tbc") is True
        within = csms.patience.for_action("NotifyReport") if more else linger
        last = parts[-1] if parts else after
        try:
            part = await csms.expect(REPORT, after=last, where=_part_of(csms, report.number), within=within)
        except NotSeen as missing:
            if more:
                begun = f"the report broke off after {len(parts)} of its parts" if parts else "no report came"
                broken_off = f"{begun}: {missing}"
            break
        parts.append(part)
    csms.touch(report.answer, *parts)
    return ProfileReport(report.wanted, report.number, report.answer, tuple(parts), broken_off)


@asynccontextmanager
async def unanswered(csms: CsmsPeer, action: str) -> AsyncIterator[None]:
    """Have calls of this action wait for their answer until the end of a block."""
    over = asyncio.Event()
    csms.keep_answering(action, Held(over))
    try:
        yield
    finally:
        over.set()
        csms.answer(action)


class _part_of:  # noqa: N801 -- reads as a condition
    """Picks the parts of one report: those that bear its id, and those that bear none that was asked for otherwise."""

    def __init__(self, csms: CsmsPeer, number: int) -> None:
        asked = (
            entry.frame.payload.get("requestId")
            for entry in csms.transcript.entries
            if entry.sender == "harness" and isinstance(entry.frame, Call) and entry.frame.action == REQUEST
        )
        self._others = {each for each in asked if each != number}

    def __call__(self, part: Received) -> bool:
        """Whether this is a part of the report."""
        return part.get("requestId") not in self._others


async def still_there(csms: CsmsPeer, *installed: Installed) -> set[int]:
    """The ids of those of these profiles that the station still has, asked for one by one.

    Raises AssertionError where it accepts to report one and reports nothing.
    """
    found: set[int] = set()
    for each in installed:
        report = await ask(csms, Wanted(ids=(each.id,)))
        assert report.parts or report.status != "Accepted", f"{each} was asked for, and {report.broken_off}"
        found |= {entry.id for entry in told(report.parts) if entry.id == each.id and isinstance(entry.id, int)}
    return found


# -- what they come to ------------------------------------------------------------------------------------------------


def check_composite(  # noqa: PLR0913 -- what is compared with what
    answer: Received,
    profile: SutProfile,
    evse: int,
    found: Iterable[Installed],
    running: Sequence[Running] = (),
    *,
    edge: timedelta = ROUNDED,
) -> None:
    """Raise AssertionError where an accepted composite schedule is not what these profiles come to.

    What lies within `edge` of a change is left out.
    """
    check_place(answer, evse)
    course = reported(answer, evse)
    book = Book(profile.version)
    for each in found:
        book.set(each.evse, each.profile)
    wanted = expected(book, site(profile), evse, course.first, course.last, course.unit, running)
    wrong = differences(course, wanted, tolerance=ROUNDING, edge=edge)
    assert not wrong, f"the composite schedule is not what the profiles come to: {'; '.join(wrong)}"


def check_place(answer: Received, evse: int) -> None:
    """Raise AssertionError where a composite schedule is that of another EVSE."""
    of = answer["schedule"]["evseId"]
    assert of == evse, f"the composite schedule of EVSE {evse} was asked for, and that of EVSE {of} is told"


def site(profile: SutProfile) -> Site:
    """What the profile says of how the station is built."""
    return Site(
        evses={evse.id: EvseLimits(evse.phases, evse.max_power_w) for evse in profile.evse},
        voltage=profile.parameters.nominal_voltage,
        least_amperes=profile.parameters.least_current,
    )
