"""Use case K08: the station tells what all its charging profiles come to."""

import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.charging import Running, misordered
from conformance.oracles.kept_profiles import Installed
from conformance.peers.csms import CsmsPeer
from conformance.peers.kept_profiles import (
    ROUNDING,
    Rates,
    check_composite,
    check_place,
    install,
    rates,
    whole_seconds,
)
from conformance.peers.received import NotSeen, Received
from conformance.peers.scenes import Connector, vacated
from conformance.peers.standing_profiles import set_aside
from conformance.peers.transaction_scenes import Course, kind, under_way
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile
from conformance.wire.schemas import parse_timestamp

MAX, DEFAULT, TX = "ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile"
STATION = 0
_LOOKS = 5
"""How often a composite schedule is asked for in the time that a station has to follow a limit."""


@case(
    "TC_K_39_CS",
    "Without any profile the station tells a composite schedule all the same",
    requirements=["K08.FR.02", "K08.FR.03"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_nothing_set(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Clear all profiles, and ask for the next five minutes of the station."""
    async with set_aside(csms):
        rate = await rates(csms, profile, profile.evse[0].id)
        answer = await _obtained(csms, spec, profile, rate, STATION, 300)
        with spec("K08.FR.03"):
            check_place(answer, STATION)


@case(
    "TC_K_40_CS",
    "Of two default profiles the upper one holds as long as it lasts, then the lower one",
    requirements=["K08.FR.02", "K08.FR.06"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_stacked(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set a longer default profile and a shorter one above it, and ask for what lies ahead where no EV charges."""
    evse = profile.evse[0].id
    async with set_aside(csms):
        rate = await rates(csms, profile, evse)
        start = whole_seconds() - timedelta(seconds=10)
        lower = await install(
            csms, rate, evse, DEFAULT, steps=_few(rate, (0, 0), (100, 3), (200, 6)), start=start, duration=400
        )
        found = [lower]
        if rate.top_level:
            upper = await install(
                csms, rate, evse, DEFAULT, level=1, steps=_few(rate, (0, 2), (100, 5)), start=start, duration=150
            )
            found.append(upper)
        answer = await _obtained(csms, spec, profile, rate, evse, 350)
        with spec("K08.FR.06"):
            check_composite(answer, profile, evse, found)


@case(
    "TC_K_41_CS",
    "Of the profiles for the station, for any transaction and for this one, the lowest limit holds at each moment",
    requirements=["K08.FR.02", "K08.FR.04"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_purposes(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, set a profile of each purpose, and ask for what lies ahead."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    evse = spot[0]
    async with set_aside(csms), vacated(station, csms):
        rate = await rates(csms, profile, evse)
        session = await under_way(station, csms, spot, token)
        start = whole_seconds() - timedelta(seconds=5)
        found = [
            await install(csms, rate, STATION, MAX, steps=((0, 4),), start=start, duration=86_400),
            await install(
                csms,
                rate,
                evse,
                DEFAULT,
                steps=_few(rate, (0, 0), (60, 4), (120, 2), (180, 9), (260, 2)),
                start=start,
                duration=300,
            ),
            await install(
                csms,
                rate,
                evse,
                TX,
                steps=_few(rate, (0, 2), (50, 5), (140, 10), (200, 0), (240, 6)),
                start=start,
                duration=260,
                transaction=session.transaction_id,
            ),
        ]
        answer = await _obtained(csms, spec, profile, rate, evse, 400)
        with spec("K08.FR.04"):
            running = [Running(evse, session.transaction_id, start)]
            check_composite(answer, profile, evse, found, running)


@case(
    "TC_K_42_CS",
    "Asked for a composite schedule in a unit that it does not have, the station refuses",
    requirements=["K08.FR.07"],
    severity=Severity.MINOR,
    needs="smart-charging and (not charging-rate-amperes or not charging-rate-watts)",
)
async def test_unknown_unit(csms: CsmsPeer, spec: Spec) -> None:
    """Ask in the other unit."""
    units = await csms.speak.read(("SmartChargingCtrlr", "RateUnit"))
    other = "W" if "W" not in units else "A"
    with spec("K08.FR.07"):
        _refused(await csms.speak.composite_schedule(STATION, 300, other), f"the unit {other} is not among {units}")


@case(
    "TC_K_47_CS",
    "Asked for the composite schedule of an EVSE that there is not, the station refuses",
    requirements=["K08.FR.05"],
    severity=Severity.MINOR,
    needs="smart-charging",
)
async def test_unknown_evse(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for one EVSE too many."""
    beyond = 1 + max(evse.id for evse in profile.evse)
    rate = await rates(csms, profile, profile.evse[0].id)
    with spec("K08.FR.05"):
        _refused(await csms.speak.composite_schedule(beyond, 300, rate.unit), f"there is no EVSE {beyond}")


@case(
    "COMPOSITE_WITHOUT_UNIT_CS",
    "Asked for a composite schedule in no unit in particular, the station chooses one that it has",
    requirements=["K08.FR.02"],
    severity=Severity.MINOR,
    needs="smart-charging",
)
async def test_no_unit(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Limit an EVSE by default, and ask without a unit."""
    evse = profile.evse[0].id
    async with set_aside(csms):
        rate = await rates(csms, profile, evse)
        units = await csms.speak.read(("SmartChargingCtrlr", "RateUnit"))
        found = [await install(csms, rate, evse, DEFAULT)]
        with spec.must("K08.FR.02"):
            answer = await csms.speak.composite_schedule(evse, 300)
            assert answer["status"] == "Accepted", f"asked in no unit in particular, it answers {answer['status']}"
            unit = answer["schedule"]["chargingRateUnit"]
            assert unit in units, f"the schedule is in {unit}, which is not among {units}"
        if unit == rate.unit:
            with spec("K08.FR.02"):
                check_composite(answer, profile, evse, found)


@case(
    "STATION_COMPOSITE_IS_TOTAL_CS",
    "The composite schedule of the station is what all its EVSEs together expect to take",
    requirements=["K08.FR.03"],
    severity=Severity.NORMAL,
    needs="smart-charging and evses > 1",
)
async def test_total(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge at two EVSEs with a limit each, and ask for the total; then limit the station to less than that."""
    one, two = _spots(profile)
    tokens = (profile.parameters.valid_id_token.payload, profile.parameters.other_valid_id_token.payload)
    async with set_aside(csms), vacated(station, csms):
        rate = await rates(csms, profile, one[0])
        found, going = [], []
        for spot, token, step in zip((one, two), tokens, (1, 3), strict=True):
            own = await rates(csms, profile, spot[0])
            found.append(await install(csms, own, spot[0], DEFAULT, steps=((0, step), (150, step + 1))))
            session = await under_way(station, csms, spot, token)
            going.append(Running(spot[0], session.transaction_id, whole_seconds()))
        for limit in (None, 4):
            if limit is not None:
                found.append(await install(csms, rate, STATION, MAX, steps=((0, limit),)))
            answer = await _composite(csms, rate, STATION)
            with spec("K08.FR.03"):
                check_composite(answer, profile, STATION, found, going)


@case(
    "TC_K_09_CS",
    "Clearing the default profile of a transaction that runs lifts its limit, and nothing else",
    requirements=["K10.FR.07"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_default_cleared(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Limit an EVSE by default, charge, clear the profile, and compare what the composite schedule is then."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with set_aside(csms), vacated(station, csms):
        rate = await rates(csms, profile, spot[0])
        limit = await install(csms, rate, spot[0], DEFAULT, steps=((0, 1),), duration=800)
        course = Course(csms, spot)
        session = await under_way(station, csms, spot, token)
        before = await _highest(csms, rate, spot[0])
        assert before <= rate.limit(1) + ROUNDING, f"{limit} is set, and the composite schedule has {before:g}"
        answer = await csms.speak.clear_charging_profiles(purpose=DEFAULT)
        assert answer["status"] == "Accepted", f"{limit} was to be cleared, and the answer is {answer['status']}"
        with spec("K10.FR.07"):
            await _soon(csms, profile, lambda: _above(csms, rate, spot[0], rate.limit(1)))
            await course.none(
                "the end of the transaction", lambda event: kind(event) == "Ended", for_=profile.timing.settle
            )
            assert session.transaction_id in csms.speak.running(), "the transaction is over"


@case(
    "CLEARED_PROFILE_GIVES_WAY_CS",
    "Once the profile of a transaction is cleared, the default profile holds",
    requirements=["K10.FR.05"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_cleared_gives_way(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge with a default profile and a lower one for the transaction, and clear first the one, then the other."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with set_aside(csms), vacated(station, csms):
        rate = await rates(csms, profile, spot[0])
        default = await install(csms, rate, spot[0], DEFAULT, steps=((0, 5),))
        session = await under_way(station, csms, spot, token)
        running = [Running(spot[0], session.transaction_id, whole_seconds())]
        own = await install(csms, rate, spot[0], TX, steps=((0, 2),), transaction=session.transaction_id)
        for cleared, left in ((own, [default]), (default, [])):
            answer = await csms.speak.clear_charging_profiles(id=cleared.id)
            assert answer["status"] == "Accepted", f"{cleared} was to be cleared, and the answer is {answer['status']}"
            await _composite(csms, rate, spot[0])  # where none comes nobody can see what holds
            with spec("K10.FR.05"):
                if left:
                    await _soon(csms, profile, lambda: _comes_to(csms, profile, rate, spot[0], [default], running))
                else:
                    await _soon(csms, profile, lambda: _above(csms, rate, spot[0], rate.limit(5)))


# -- steps ------------------------------------------------------------------------------------------------------------


async def _obtained(  # noqa: PLR0913 -- what is asked for, and by whom
    csms: CsmsPeer, spec: Spec, profile: SutProfile, rate: Rates, evse: int, seconds: int
) -> Received:
    """Ask for a composite schedule, and judge what holds for every one: its start, its length and its unit."""
    asked = datetime.now(UTC)
    with spec.must("K08.FR.02"):
        answer = await csms.speak.composite_schedule(evse, seconds, rate.unit)
        assert answer["status"] == "Accepted", f"GetCompositeSchedule was answered {answer['status']}"
        schedule = answer["schedule"]
        assert schedule["duration"] == seconds, f"{seconds} s were asked for, and {schedule['duration']} s are told"
        unit = schedule["chargingRateUnit"]
        assert unit == rate.unit, f"limits in {rate.unit} were asked for, and they are told in {unit}"
        start = parse_timestamp(schedule["scheduleStart"])
        slack = timedelta(seconds=profile.timing.clock)
        assert start is not None, f"the schedule starts at {schedule['scheduleStart']}, which is no time"
        assert asked - slack <= start <= datetime.now(UTC) + slack, (
            f"asked for at {asked.isoformat(timespec='seconds')}, the schedule starts at {schedule['scheduleStart']}"
        )
        wrong = misordered(answer)
        late = [each["startPeriod"] for each in schedule["chargingSchedulePeriod"] if each["startPeriod"] >= seconds]
        assert not wrong, "; ".join(wrong)
        assert not late, f"{seconds} s were asked for, and a period begins at {late[0]}"
    return answer


async def _soon(csms: CsmsPeer, profile: SutProfile, check: Callable[[], Awaitable[None]]) -> None:
    """Check until it holds, for as long as a station may take to follow a limit; raises AssertionError."""
    deadline = time.monotonic() + profile.timing.ramp
    while True:
        try:
            return await check()
        except AssertionError:
            if time.monotonic() >= deadline:
                raise
        with suppress(NotSeen):
            await csms.until(lambda: False, "a new composite schedule", within=profile.timing.ramp / _LOOKS)


async def _comes_to(  # noqa: PLR0913 -- what is compared with what
    csms: CsmsPeer,
    profile: SutProfile,
    rate: Rates,
    evse: int,
    found: Sequence[Installed],
    running: Sequence[Running],
) -> None:
    """Raise AssertionError where the composite schedule of an EVSE is not what these profiles come to."""
    check_composite(await _composite(csms, rate, evse), profile, evse, found, running)


async def _above(csms: CsmsPeer, rate: Rates, evse: int, limit: float) -> None:
    """Raise AssertionError where the composite schedule of an EVSE stays as low as a limit that is cleared."""
    highest = await _highest(csms, rate, evse)
    assert highest > limit + ROUNDING, (
        f"the limit of {limit:g} {rate.unit} is cleared, and the composite schedule still has {highest:g} {rate.unit}"
    )


async def _highest(csms: CsmsPeer, rate: Rates, evse: int) -> float:
    """The highest limit of an EVSE in the next five minutes."""
    answer = await _composite(csms, rate, evse)
    return max(float(period["limit"]) for period in answer["schedule"]["chargingSchedulePeriod"])


async def _composite(csms: CsmsPeer, rate: Rates, evse: int) -> Received:
    """The composite schedule of an EVSE for the next five minutes; raises AssertionError where it is not told."""
    answer = await csms.speak.composite_schedule(evse, 300, rate.unit)
    assert answer["status"] == "Accepted", f"GetCompositeSchedule was answered {answer['status']}"
    assert "schedule" in answer, "GetCompositeSchedule was Accepted, and no schedule came"
    return answer


def _spots(profile: SutProfile) -> tuple[Connector, Connector]:
    """A connector of each of two EVSEs."""
    one, two = profile.evse[:2]
    return (one.id, one.connector[0].id), (two.id, two.connector[0].id)


def _refused(answer: Received, because: str) -> None:
    assert answer["status"] == "Rejected", f"{because}, and the answer is {answer['status']}"
    assert "schedule" not in answer, f"{because}, and a schedule is told"


def _few(rate: Rates, *steps: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    """As many of these periods as the station takes."""
    return steps[: rate.periods]
