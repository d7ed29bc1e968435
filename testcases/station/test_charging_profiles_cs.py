"""Use case K01: charging profiles that a CSMS sets are taken or refused, and hold where and as long as they say."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.charging import Running, reported
from conformance.oracles.charging.course import shown
from conformance.oracles.kept_profiles import Installed
from conformance.peers.csms import CsmsPeer
from conformance.peers.kept_profiles import (
    ROUNDING,
    Rates,
    check_composite,
    drafted,
    no_profiles,
    rates,
    still_there,
    whole_seconds,
)
from conformance.peers.received import NoAnswer, Received, Refused
from conformance.peers.scenes import reboot, running, vacated
from conformance.peers.transaction_scenes import under_way
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile

MAX, DEFAULT, TX = "ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile"
STATION = 0
ACCEPTS = "PROFILE.SET.01"
LOWEST = ((0, 0),)
"""One period, with the least that an EV charges with: less than any EVSE does by itself."""
NEAR = timedelta(seconds=5)
"""What lies so near to a moment is not looked at: clocks differ, and schedules are told in whole seconds."""
SOON = timedelta(seconds=300)
UNKNOWN = "no-such-transaction-4711"


# -- taken ------------------------------------------------------------------------------------------------------------


@case(
    "TC_K_01_CS",
    "A default profile for one EVSE is taken, and limits that EVSE and no other",
    requirements=[ACCEPTS, "K01.FR.07", "K01.FR.15"],
    severity=Severity.BLOCKER,
    needs="smart-charging",
)
async def test_default_of_one_evse(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set it, and look at the composite schedule of each EVSE."""
    evse, *others = [each.id for each in profile.evse]
    async with no_profiles(csms):
        rate = await rates(csms, profile, evse)
        mine = await _taken(csms, spec, evse, drafted(csms, rate, DEFAULT, steps=LOWEST, duration=3600))
        answer = await _composite(csms, evse, rate)
        with spec("K01.FR.07"):
            check_composite(answer, profile, evse, [mine])
        answers = {each: await _composite(csms, each, rate) for each in others}
        with spec("K01.FR.15"):
            for other, told in answers.items():
                _check_above(told, other, rate.limit(0))


@case(
    "TC_K_10_CS",
    "A default profile for the whole station is taken, and limits every EVSE",
    requirements=[ACCEPTS, "K01.FR.14"],
    severity=Severity.BLOCKER,
    needs="smart-charging",
)
async def test_default_of_all_evses(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set it for EVSE 0, and look at the composite schedule of each EVSE."""
    async with no_profiles(csms):
        rate = await rates(csms, profile, profile.evse[0].id)
        mine = await _taken(csms, spec, STATION, drafted(csms, rate, DEFAULT, steps=LOWEST, duration=3600))
        answers = {each.id: await _composite(csms, each.id, rate) for each in profile.evse}
        with spec("K01.FR.14"):
            for evse, answer in answers.items():
                check_composite(answer, profile, evse, [mine])


@case(
    "TC_K_03_CS",
    "A maximum for the whole station is taken, and limits what it expects to draw",
    requirements=[ACCEPTS, "K01.FR.07"],
    severity=Severity.BLOCKER,
    needs="smart-charging",
)
async def test_maximum_of_the_station(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set it, and look at the composite schedule of the station and of an EVSE."""
    evse = profile.evse[0].id
    async with no_profiles(csms):
        rate = await rates(csms, profile, evse)
        mine = await _taken(csms, spec, STATION, drafted(csms, rate, MAX, steps=((0, 4),), duration=3600))
        answers = {each: await _composite(csms, each, rate) for each in (STATION, evse)}
        with spec("K01.FR.07"):
            for each, answer in answers.items():
                check_composite(answer, profile, each, [mine])


@case(
    "TC_K_60_CS",
    "A profile for a transaction that runs is taken, and limits that transaction",
    requirements=[ACCEPTS, "K01.FR.04"],
    severity=Severity.BLOCKER,
    needs="smart-charging",
)
async def test_running_transaction(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, set a relative TxProfile, and look at the composite schedule of the EVSE."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    evse = spot[0]
    async with no_profiles(csms), vacated(station, csms):
        rate = await rates(csms, profile, evse)
        session = await under_way(station, csms, spot, token)
        draft = drafted(csms, rate, TX, steps=LOWEST, kind="Relative", transaction=session.transaction_id)
        mine = await _taken(csms, spec, evse, draft)
        answer = await _composite(csms, evse, rate)
        with spec("K01.FR.04"):
            now = [Running(evse, session.transaction_id, session.event.utc)]
            check_composite(answer, profile, evse, [mine], now)


@case(
    "TC_K_28_CS",
    "A default profile that comes while an EV charges limits it from then on, and the transaction goes on",
    requirements=[ACCEPTS, "K01.FR.32"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_default_while_charging(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, set it, and look at the composite schedule of the EVSE and at the transaction."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    evse = spot[0]
    async with no_profiles(csms), vacated(station, csms):
        rate = await rates(csms, profile, evse)
        session = await under_way(station, csms, spot, token)
        draft = drafted(csms, rate, DEFAULT, steps=LOWEST, duration=3600)
        mine = await _taken(csms, spec, evse, draft)
        answer = await _composite(csms, evse, rate)
        with spec("K01.FR.32"):
            now = [Running(evse, session.transaction_id, session.event.utc)]
            check_composite(answer, profile, evse, [mine], now)
            assert session.transaction_id in running(csms), "the transaction ended when a default profile came"


# -- replaced, and kept ---------------------------------------------------------------------------------------------


@case(
    "TC_K_04_CS",
    "A profile with the id of another takes its place",
    requirements=[ACCEPTS, "K01.FR.05"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_same_id(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set a default profile, then the same with a higher limit, and look at the composite schedule."""
    evse = profile.evse[0].id
    async with no_profiles(csms):
        rate = await rates(csms, profile, evse)
        first = await _taken(csms, spec, evse, drafted(csms, rate, DEFAULT, steps=LOWEST, duration=3600))
        other = drafted(csms, rate, DEFAULT, steps=((0, 3),), duration=3600) | {"id": first.id}
        second = Installed(evse, other)
        with spec.must("K01.FR.05"):
            _check_status(await csms.speak.set_charging_profile(evse, other), second, "Accepted")
        answer = await _composite(csms, evse, rate)
        with spec("K01.FR.05"):
            check_composite(answer, profile, evse, [second])
            _check_above(answer, evse, rate.limit(0))


@case(
    "TC_K_13_CS",
    "A profile outlives a reboot",
    requirements=[ACCEPTS, "K01.FR.27"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_reboot(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set a default profile, reboot, and look at the composite schedule."""
    evse = profile.evse[0].id
    async with no_profiles(csms):
        rate = await rates(csms, profile, evse)
        mine = await _taken(csms, spec, evse, drafted(csms, rate, DEFAULT, steps=LOWEST, duration=3600))
        await reboot(station, csms)
        answer = await _composite(csms, evse, rate)
        with spec("K01.FR.27"):
            check_composite(answer, profile, evse, [mine])


# -- in time ----------------------------------------------------------------------------------------------------------


@case(
    "TC_K_21_CS",
    "A profile holds from its validFrom on, and not before",
    requirements=[ACCEPTS, "K01.FR.36"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_valid_from(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set a relative default profile that is valid in five minutes, and look at what lies ahead."""
    evse = profile.evse[0].id
    async with no_profiles(csms):
        rate = await rates(csms, profile, evse)
        then = whole_seconds() + SOON
        draft = drafted(csms, rate, DEFAULT, steps=LOWEST, kind="Relative", valid_from=then)
        mine = await _taken(csms, spec, evse, draft)
        answer = await _composite(csms, evse, rate)
        with spec("K01.FR.36"):
            check_composite(answer, profile, evse, [mine], edge=NEAR)
            _check_above(answer, evse, rate.limit(0), until=then)


@case(
    "TC_K_22_CS",
    "A profile holds until its validTo, and not from then on",
    requirements=[ACCEPTS, "K01.FR.37"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_valid_to(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set a default profile for all EVSEs that is valid for five minutes more, and look at what lies ahead."""
    async with no_profiles(csms):
        rate = await rates(csms, profile, profile.evse[0].id)
        now = whole_seconds()
        then = now + SOON
        draft = drafted(csms, rate, DEFAULT, steps=LOWEST, valid_from=now - SOON, valid_to=then)
        mine = await _taken(csms, spec, STATION, draft)
        answers = {each: await _composite(csms, each, rate) for each in (STATION, *(evse.id for evse in profile.evse))}
        with spec("K01.FR.37"):
            for evse, answer in answers.items():
                check_composite(answer, profile, evse, [mine], edge=NEAR)
                if evse != STATION:
                    _check_above(answer, evse, rate.limit(0), since=then)


@case(
    "TC_K_23_CS",
    "A schedule limits from its start on, and not before",
    requirements=[ACCEPTS, "K01.FR.30"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_start_schedule(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set a default profile that starts in a minute, and look at what lies ahead."""
    evse = profile.evse[0].id
    async with no_profiles(csms):
        rate = await rates(csms, profile, evse)
        then = whole_seconds() + timedelta(seconds=60)
        mine = await _taken(csms, spec, evse, drafted(csms, rate, DEFAULT, steps=LOWEST, start=then))
        answer = await _composite(csms, evse, rate)
        with spec("K01.FR.30"):
            check_composite(answer, profile, evse, [mine], edge=NEAR)
            _check_above(answer, evse, rate.limit(0), until=then)


@case(
    "TC_K_19_CS",
    "A profile that recurs begins anew each day at its start, and says nothing once its duration is over",
    requirements=[ACCEPTS, "K01.FR.13", "K01.FR.40"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_recurring(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set a daily default profile that started yesterday and ends in five minutes, and look at what lies ahead."""
    evse = profile.evse[0].id
    async with no_profiles(csms):
        rate = await rates(csms, profile, evse)
        then = whole_seconds() + SOON
        length = timedelta(minutes=30)
        draft = drafted(
            csms,
            rate,
            DEFAULT,
            steps=LOWEST,
            kind="Recurring",
            recurrency="Daily",
            start=then - length - timedelta(days=1),
            duration=int(length.total_seconds()),
        )
        mine = await _taken(csms, spec, evse, draft)
        answer = await _composite(csms, evse, rate)
        with spec("K01.FR.40"):
            check_composite(answer, profile, evse, [mine], edge=NEAR)
        with spec("K01.FR.13"):
            _check_above(answer, evse, rate.limit(0), since=then)


# -- refused ----------------------------------------------------------------------------------------------------------


@case(
    "TC_K_02_CS",
    "A profile for a transaction is refused where none runs",
    requirements=["K01.FR.09"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_no_transaction(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set a TxProfile on an EVSE that is free."""
    evse = profile.evse[0].id
    async with no_profiles(csms):
        rate = await rates(csms, profile, evse)
        await _refused(csms, spec, "K01.FR.09", evse, drafted(csms, rate, TX, steps=LOWEST, transaction=UNKNOWN))


@case(
    "TC_K_11_CS",
    "A profile for a transaction is refused for the whole station",
    requirements=["K01.FR.16"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_transaction_profile_for_all(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set a TxProfile for EVSE 0."""
    async with no_profiles(csms):
        rate = await rates(csms, profile, profile.evse[0].id)
        await _refused(csms, spec, "K01.FR.16", STATION, drafted(csms, rate, TX, steps=LOWEST, transaction=UNKNOWN))


@case(
    "TC_K_16_CS",
    "A profile for a transaction that is not known is refused where another runs",
    requirements=["K01.FR.33"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_unknown_transaction(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, and set a TxProfile for another transaction."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with no_profiles(csms), vacated(station, csms):
        rate = await rates(csms, profile, spot[0])
        await under_way(station, csms, spot, token)
        await _refused(csms, spec, "K01.FR.33", spot[0], drafted(csms, rate, TX, steps=LOWEST, transaction=UNKNOWN))


@case(
    "TC_K_12_CS",
    "A profile in a unit that the station does not have is refused",
    requirements=["K01.FR.26"],
    severity=Severity.CRITICAL,
    needs="smart-charging and not (charging-rate-amperes and charging-rate-watts)",
)
async def test_unknown_unit(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set a default profile in the other unit."""
    evse = profile.evse[0].id
    units = await csms.speak.read(("SmartChargingCtrlr", "RateUnit"))
    other = "W" if "W" not in units else "A"
    assert other not in units, f"the station has both units: {units}"
    async with no_profiles(csms):
        known = await rates(csms, profile, evse)
        rate = Rates(other, known.top_level, known.periods, known.evse, known.volts, known.least)
        await _refused(csms, spec, "K01.FR.26", evse, drafted(csms, rate, DEFAULT, steps=LOWEST))


@case(
    "TC_K_14_CS",
    "A profile for an EVSE that there is not is refused",
    requirements=["K01.FR.28"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_unknown_evse(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set a default profile one EVSE beyond the last."""
    async with no_profiles(csms):
        rate = await rates(csms, profile, profile.evse[0].id)
        beyond = max(each.id for each in profile.evse) + 1
        await _refused(csms, spec, "K01.FR.28", beyond, drafted(csms, rate, DEFAULT, steps=LOWEST))


@case(
    "TC_K_15_CS",
    "A station without smart charging says so when it is sent a profile",
    requirements=["K01.FR.29"],
    severity=Severity.NORMAL,
    needs="not smart-charging",
)
async def test_not_supported(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set a default profile."""
    draft = csms.speak.charging_profile(
        id=4711, purpose=DEFAULT, periods=[(0, profile.parameters.least_current)], start=whole_seconds()
    )
    request = {"evseId": profile.evse[0].id, "chargingProfile": draft}
    with spec("K01.FR.29"):
        refusal = await csms.call_error("SetChargingProfile", request)
        assert refusal.code in ("NotSupported", "NotImplemented"), (
            f"expected the CALLERROR NotSupported or NotImplemented, got {refusal.code}"
        )


# -- the steps --------------------------------------------------------------------------------------------------------


async def _taken(csms: CsmsPeer, spec: Spec, evse: int, draft: Mapping[str, Any]) -> Installed:
    """Set a profile that nothing speaks against, and judge whether it is accepted."""
    mine = Installed(evse, draft)
    with spec.must(ACCEPTS):
        _check_status(await csms.speak.set_charging_profile(evse, draft), mine, "Accepted")
    return mine


async def _refused(csms: CsmsPeer, spec: Spec, requirement: str, evse: int, draft: Mapping[str, Any]) -> None:
    """Set a profile that has to be rejected, and judge whether it is, and is not kept either."""
    bad = Installed(evse, draft)
    with spec.must(requirement):
        _check_status(await csms.speak.set_charging_profile(evse, draft), bad, "Rejected")
    kept: set[int] = set()
    with suppress(NoAnswer, Refused):
        kept = await still_there(csms, bad)
    with spec(requirement):
        assert not kept, f"{bad} was rejected, and is reported among those that the station has"


def _check_status(answer: Received, profile: Installed, expected: str) -> None:
    reason = answer.get("statusInfo")
    code = f" ({reason.get('reasonCode')})" if isinstance(reason, dict) else ""
    assert answer["status"] == expected, f"expected {expected} for {profile}, got {answer['status']}{code}"


async def _composite(csms: CsmsPeer, evse: int, rate: Rates) -> Received:
    """What lies ahead for ten minutes; raises AssertionError where the station does not tell it."""
    answer = await csms.speak.composite_schedule(evse, 600, rate.unit)
    assert answer["status"] == "Accepted", f"GetCompositeSchedule of EVSE {evse} was answered {answer['status']}"
    return answer


def _check_above(
    answer: Received, evse: int, limit: float, *, since: datetime | None = None, until: datetime | None = None
) -> None:
    """Raise AssertionError where a composite schedule has this limit, or less, in a time in which it does not hold."""
    course = reported(answer, evse)
    first = course.first if since is None else since + NEAR
    last = course.last if until is None else until - NEAR
    for moment in (first, *(each for each in course.edges if first < each < last)):
        told = course.at(moment)
        assert told is None or told > limit + ROUNDING, (
            f"the limit of {limit:g} {course.unit} does not hold for EVSE {evse} in second "
            f"{(moment - course.first).total_seconds():g}, and the composite schedule has {shown(told)} {course.unit}"
        )
