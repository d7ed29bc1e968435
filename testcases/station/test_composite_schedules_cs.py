"""Use cases K01, K02 and K08, chapter 3.13 of OCPP 1.6: what several charging profiles come to.

A station says so in its composite schedule of the next hour, in which everything is seen that is set up; nothing is
waited for. What the limits should be is found by `conformance.oracles.charging`, and compared by value over time.
"""

from datetime import timedelta, timezone
from random import Random
from time import monotonic

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.composites import DEFAULT, MAX, MIDDLE, STATION, TX, Desk, Told, desk, drafts
from conformance.peers.csms import CsmsPeer
from conformance.peers.kept_profiles import whole_seconds
from conformance.peers.received import NotSeen, Refused
from conformance.sut.drivers import DriverFailed, StationDriver, Unsupported
from conformance.sut.profile import SutProfile

VERSIONS = ["2.0.1", "1.6"]
HIGH, LOW, HIGHEST = 8, 2, 9
"""Steps of `Rates` above and below the MIDDLE."""
THIRD = 1200
"""A third of an hour, in seconds."""
SEED, SETS, IN_A_TRANSACTION = 20_260_504, 50, 10


@case(
    "COMPOSITE_STACK_CS",
    "The profile of the highest stack level counts, be its limit higher or lower, until its schedule is over",
    versions=VERSIONS,
    requirements=["K01.FR.17"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_stack_levels(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Put a profile on top, then renew the one below it: the order in which they come means nothing."""
    async with desk(station, csms, profile) as at:
        if at.levels == 1:
            spec.excuse("K01.FR.17", "the station has one stack level only")
            return
        below = at.book.entries[0].profile.id
        await at.put(DEFAULT, (0, HIGH), (THIRD, LOW), level=1, duration=2 * THIRD)
        on_top = await at.ask()
        await at.put(DEFAULT, (0, MIDDLE), number=below)
        renewed = await at.ask()
        with spec("K01.FR.17"):
            _agrees(at, on_top, f"levels 0 and 1 of {DEFAULT}")
            _agrees(at, renewed, f"levels 0 and 1 of {DEFAULT}, level 0 set again")


@case(
    "COMPOSITE_PURPOSES_CS",
    "Of the station's maximum and the default profile the lower limit counts, at any time",
    versions=VERSIONS,
    requirements=["K08.FR.04"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_purposes(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set a maximum that is now above, now below; ask for the EVSE, and for the station."""
    async with desk(station, csms, profile) as at:
        await at.put(MAX, (0, HIGH), (THIRD, LOW), (2 * THIRD, HIGHEST))
        own, all_in = await at.ask(), await at.ask(evse=STATION)
        with spec("K08.FR.04"):
            _agrees(at, own, f"{MAX} and {DEFAULT}")
            _agrees(at, all_in, f"the station, by {MAX}", evse=STATION)


@case(
    "COMPOSITE_PERIODS_CS",
    "The periods of a composite schedule start at 0 and are in order, whatever order profiles came in",
    versions=VERSIONS,
    requirements=["K01.FR.31", "K01.FR.35"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_order_of_periods(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Have one made of several profiles, and then offer schedules that begin late, or are out of order."""
    async with desk(station, csms, profile) as at:
        await at.put(MAX, (0, HIGH), (2 * THIRD, LOW))
        told = [await at.ask()]
        for starts in ((THIRD, 2 * THIRD), (0, 2 * THIRD, THIRD)):
            rate = at.rate
            periods = [rate.period(start, LOW + place) for place, start in enumerate(starts)]
            if await _was_accepted(at, periods):
                told.append(await at.ask())
                await at.clear()
                await at.put(DEFAULT, (0, MIDDLE))
        starts_told = [[each["startPeriod"] for each in _periods(one)] for one in told]
        with spec("K01.FR.31"):
            csms.touch(*(each.answer for each in told))
            for one in starts_told:
                assert min(one) == 0, f"expected the first period to start at 0, got {one}"
        with spec("K01.FR.35"):
            csms.touch(*(each.answer for each in told))
            for one in starts_told:
                assert one == sorted(set(one)), f"expected periods in the order of their starts, got {one}"


@case(
    "COMPOSITE_UNITS_CS",
    "Watts become amperes per phase, and back, by the nominal voltage and the phases that are meant",
    versions=VERSIONS,
    requirements=["K01.FR.49", "K01.FR.50", "K01.FR.51"],
    severity=Severity.CRITICAL,
    needs="smart-charging and charging-rate-amperes and charging-rate-watts",
)
async def test_units(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set a limit in one unit, and ask in the other."""
    phases = profile.evse[0].phases
    if not phases:
        for each in ("K01.FR.49", "K01.FR.50", "K01.FR.51"):
            spec.excuse(each, "direct current has no phases, and its voltage is that of the battery")
        return
    async with desk(station, csms, profile) as at:
        assert len(at.rates) > 1, "the station takes limits in one unit only, though the profile claims both"
        number = at.book.entries[0].profile.id
        limit = at.rates["W"].limit(HIGH if phases > 1 else MIDDLE)

        async def set_watts(*more: int) -> Told:
            await at.put(DEFAULT, number=number, unit="W", periods=[(0, limit, *more)])
            return await at.ask(unit="A")

        named = await set_watts(phases)
        with spec("K01.FR.50"):
            _agrees(at, named, f"{limit:g} W on {phases} phases, in amperes")
        await _judge_default_phases(spec, at, named, await set_watts() if phases == 3 else None, limit)
        amperes = at.rates["A"].limit(LOW)
        await at.put(DEFAULT, number=number, unit="A", periods=[(0, amperes, phases)])
        in_watts = await at.ask(unit="W")
        with spec("K01.FR.51"):
            _agrees(at, in_watts, f"{amperes:g} A on each of {phases} phases, in watts")


async def _judge_default_phases(spec: Spec, at: Desk, named: Told, unnamed: Told | None, limit: float) -> None:
    """Judge whether a limit in watts that names no phases comes to the same as one that names three."""
    if unnamed is None:
        spec.excuse("K01.FR.49", f"the EVSE has {at.rate.evse.phases} of the three phases that are meant by default")
        return
    with spec("K01.FR.49"):
        at.csms.touch(named.answer, unnamed.answer)
        got, expected = (each.course.at(each.course.first + timedelta(seconds=60)) for each in (unnamed, named))
        assert got is not None, "expected a limit in the composite schedule, got none"
        assert expected is not None, "expected a limit in the composite schedule, got none"
        assert abs(got - expected) <= at.slack("A"), (
            f"{limit:g} W without a number of phases: expected as many amperes as for three phases, "
            f"{float(expected):g}, got {float(got):g}"
        )


@case(
    "COMPOSITE_TX_PROFILE_OVER_CS",
    "When a TxProfile runs out, by its duration or its validTo, default profile and maximum count again",
    requirements=["K02.FR.08"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_tx_profile_over(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """While an EV charges, set a TxProfile that ends in 20 minutes, in either way, with a maximum and without."""
    async with desk(station, csms, profile, in_transaction=True) as at:
        number = await at.put(TX, (0, HIGH), duration=THIRD)
        by_duration = await _overruling(at)
        with spec("K02.FR.08"):
            _agrees(at, by_duration, "a TxProfile whose duration is over", since=THIRD - 120)
        await at.put(TX, (0, HIGH), number=number, valid_to=whole_seconds() + timedelta(seconds=THIRD))
        by_validity = await _overruling(at)
        with spec("K02.FR.08"):
            _agrees(at, by_validity, "a TxProfile that is not valid any more", since=THIRD - 60)
        await at.put(MAX, (0, HIGHEST), (2 * THIRD, LOW))
        with_maximum = await at.ask()
        with spec("K02.FR.08"):
            _agrees(at, with_maximum, f"a TxProfile that is over, and a {MAX}", since=THIRD - 60)


async def _overruling(at: Desk) -> Told:
    """The composite schedule, once it is seen that the TxProfile counts at first; others judge that."""
    told = await at.ask()
    wrong = at.wrong(told, until=THIRD - 120)
    assert not wrong, f"while the {TX} is in force: {wrong[0]}"
    return told


@case(
    "COMPOSITE_VALIDITY_CS",
    "A profile counts from its validFrom until its validTo, to the minute",
    versions=VERSIONS,
    requirements=["K01.FR.36", "K01.FR.37"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_validity(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Put a profile on top that is valid for the second third of the hour, written with another offset."""
    async with desk(station, csms, profile) as at:
        if at.levels == 1:
            for each in ("K01.FR.36", "K01.FR.37"):
                spec.excuse(each, "the station has one stack level only")
            return
        zone = timezone(timedelta(hours=-3, minutes=-30))
        first, last = ((whole_seconds() + timedelta(seconds=each)).astimezone(zone) for each in (THIRD, 2 * THIRD))
        await at.put(DEFAULT, (0, HIGH), level=1, valid_from=first.isoformat(), valid_to=last.isoformat())
        told = await at.ask()
        with spec("K01.FR.36"):
            _agrees(at, told, "a profile that is valid in 20 minutes", until=1.5 * THIRD)
        with spec("K01.FR.37"):
            _agrees(at, told, "a profile that is valid for 20 minutes more", since=1.5 * THIRD)


@case(
    "COMPOSITE_RECURRING_CS",
    "A schedule that recurs every day or week does so to the minute, and leaves the time in between to others",
    versions=VERSIONS,
    requirements=["COMPOSITE.01", "K01.FR.13"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_recurring(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Put schedules on top that started days ago, by the clock of another zone: all but one start again soon."""
    async with desk(station, csms, profile) as at:
        if at.levels == 1:
            for each in ("COMPOSITE.01", "K01.FR.13"):
                spec.excuse(each, "the station has one stack level only")
            return
        number, half = at.number(), THIRD / 2
        for recurrency, days, hours in (("Daily", 3, 5.5), ("Weekly", 14, -8), ("Weekly", 10, 2)):
            zone = timezone(timedelta(hours=hours))
            start = (whole_seconds() + timedelta(seconds=half, days=-days)).astimezone(zone).isoformat()
            times = {"recurrency": recurrency, "start": start, "duration": THIRD}
            await at.put(DEFAULT, (0, HIGH), (THIRD // 2, LOW), number=number, level=1, kind="Recurring", **times)
            told = await at.ask()
            what = f"{recurrency} since {start}, for {THIRD} s"
            in_between_is_wrong = at.wrong(told, until=half)
            with spec("K01.FR.13"):
                _agrees(at, told, f"{what}, in between", until=half)
                _agrees(at, told, f"{what}, afterwards", since=half + THIRD)
            if in_between_is_wrong:
                spec.unproven("COMPOSITE.01", f"{what}: what holds in between is wrong already")
                continue
            with spec("COMPOSITE.01"):
                _agrees(at, told, what, since=half, until=half + THIRD)


@case(
    "COMPOSITE_DUPLICATES_CS",
    "A default profile is rejected whose level another has, for one EVSE where that is for all, or the other way round",
    requirements=["K01.FR.52", "K01.FR.53"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_duplicates(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Offer a second one of the same level, and see that the first still counts."""
    async with desk(station, csms, profile) as at:
        for requirement, first, second in (("K01.FR.52", at.evse, STATION), ("K01.FR.53", STATION, at.evse)):
            await at.clear()
            await at.put(DEFAULT, (0, MIDDLE), evse=first)
            before = list(at.book.entries)
            answer = await at.offer(DEFAULT, (0, LOW), evse=second)
            at.book.entries = before
            told = await at.ask()
            with spec(requirement):
                csms.touch(answer)
                assert answer["status"] == "Rejected", (
                    f"a {DEFAULT} of level 0 for EVSE {first} is there: expected another for EVSE {second} to be "
                    f"Rejected, got {answer['status']}"
                )
                _agrees(at, told, f"a {DEFAULT} after another of its level was offered")


@case(
    "COMPOSITE_RANDOM_CS",
    f"Fifty random sets of profiles (seed {SEED}) come to what they should",
    versions=VERSIONS,
    requirements=["COMPOSITE.02"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_random_sets(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set them one after the other; what the station rejects is not in force. Some are for a transaction, if it can."""
    random, found, judged, began = Random(SEED), [], 0, monotonic()
    async with desk(station, csms, profile) as at:
        for number in range(1, SETS + 1):
            if monotonic() - began > profile.timing.case / 2:
                break
            if number == SETS - IN_A_TRANSACTION + 1 and not await _charges_as_it_may(at, station, profile):
                break
            wrong = await _one_set(at, random)
            judged += wrong is not None
            found += [f"set {number}: {each}" for each in wrong or ()]
        if not judged:
            spec.unproven("COMPOSITE.02", f"the station rejected every profile of {SETS} random sets (seed {SEED})")
            return
        with spec("COMPOSITE.02"):
            assert not found, f"of {judged} random sets (seed {SEED}), {'; '.join(found[:3])}"


async def _charges_as_it_may(at: Desk, station: StationDriver, profile: SutProfile) -> bool:
    """Whether an EV charges that takes what the highest limit leaves it: a station may tell of what it expects."""
    await at.clear()
    try:
        if at.transaction is None:
            await at.begin(station, profile)
    except (NotSeen, DriverFailed, Unsupported):
        return False
    await at.put(DEFAULT, (0, HIGHEST))
    return not at.wrong(await at.ask())


async def _one_set(at: Desk, random: Random) -> list[str] | None:
    """What is wrong with the composite schedules of one random set; None where the station took nothing of it."""
    await at.clear()
    said = []
    for each in drafts(random, at):
        fields = dict(each.fields)
        try:
            answer = await at.offer(each.purpose, *each.steps, **fields)
        except Refused:
            continue
        if answer["status"] == "Accepted":
            said.append(str(each))
    unit, place = random.choice(list(at.rates)), random.choice([at.evse, at.evse, STATION])
    if not said:
        return None
    told = await at.ask(evse=place, unit=unit)
    at.csms.touch(told.answer)
    wrong = at.wrong(told, evse=place)
    return [f"EVSE {place} {wrong[0]} ({'; '.join(said)})"] if wrong else []


# -- whether it was told right ----------------------------------------------------------------------------------------


def _agrees(  # noqa: PLR0913 -- by keyword
    at: Desk, told: Told, what: str, *, evse: int | None = None, since: float | None = None, until: float | None = None
) -> None:
    """Raise AssertionError where a composite schedule says another limit than the profiles come to."""
    at.csms.touch(told.answer)
    wrong = at.wrong(told, evse=evse, since=since, until=until)
    assert not wrong, f"{what}: {'; '.join(wrong)}"


def _periods(told: Told) -> list[dict[str, int]]:
    answer = told.answer
    schedule = answer["schedule"] if "schedule" in answer else answer["chargingSchedule"]
    periods: list[dict[str, int]] = schedule["chargingSchedulePeriod"]
    return periods


async def _was_accepted(at: Desk, periods: list[tuple[int, float] | tuple[int, float, int]]) -> bool:
    """Whether a schedule with such periods was taken, though it should not have been sent."""
    try:
        answer = await at.offer(DEFAULT, periods=periods, number=at.book.entries[0].profile.id)
    except (Refused, ValueError) as why:
        return isinstance(why, ValueError)
    return bool(answer["status"] == "Accepted")
