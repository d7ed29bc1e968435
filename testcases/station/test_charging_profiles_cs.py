"""Use case K01: charging profiles that a CSMS sets are taken or refused, and hold where and as long as they say."""

from datetime import timedelta

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.charging import Running
from conformance.oracles.kept_profiles import Installed
from conformance.peers.csms import CsmsPeer
from conformance.peers.kept_profiles import Rates, check_composite, drafted, rates, whole_seconds
from conformance.peers.scenes import reboot, running, vacated
from conformance.peers.set_profiles import (
    ACCEPTS,
    LOWEST,
    NEAR,
    check_above,
    check_status,
    composite,
    refused,
    taken,
)
from conformance.peers.standing_profiles import set_aside
from conformance.peers.transaction_scenes import under_way
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile

MAX, DEFAULT, TX = "ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile"
STATION = 0
SOON = timedelta(seconds=300)
UNKNOWN = "no-such-transaction-4711"
_A_DAY = 86_400


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
    async with set_aside(csms):
        rate = await rates(csms, profile, evse)
        mine = await taken(csms, spec, evse, drafted(csms, rate, DEFAULT, steps=LOWEST, duration=3600))
        answer = await composite(csms, evse, rate)
        with spec("K01.FR.07"):
            check_composite(answer, profile, evse, [mine])
        answers = {each: await composite(csms, each, rate) for each in others}
        with spec("K01.FR.15"):
            for other, told in answers.items():
                check_above(told, other, rate.limit(0))


@case(
    "TC_K_10_CS",
    "A default profile for the whole station is taken, and limits every EVSE",
    requirements=[ACCEPTS, "K01.FR.14"],
    severity=Severity.BLOCKER,
    needs="smart-charging",
)
async def test_default_of_all_evses(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set it for EVSE 0, and look at the composite schedule of each EVSE."""
    async with set_aside(csms):
        rate = await rates(csms, profile, profile.evse[0].id)
        mine = await taken(csms, spec, STATION, drafted(csms, rate, DEFAULT, steps=LOWEST, duration=3600))
        answers = {each.id: await composite(csms, each.id, rate) for each in profile.evse}
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
    async with set_aside(csms):
        rate = await rates(csms, profile, evse)
        mine = await taken(csms, spec, STATION, drafted(csms, rate, MAX, steps=((0, 4),), duration=3600))
        answers = {each: await composite(csms, each, rate) for each in (STATION, evse)}
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
    async with set_aside(csms), vacated(station, csms):
        rate = await rates(csms, profile, evse)
        session = await under_way(station, csms, spot, token)
        draft = drafted(csms, rate, TX, steps=LOWEST, kind="Relative", transaction=session.transaction_id)
        mine = await taken(csms, spec, evse, draft)
        answer = await composite(csms, evse, rate)
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
    async with set_aside(csms), vacated(station, csms):
        rate = await rates(csms, profile, evse)
        session = await under_way(station, csms, spot, token)
        draft = drafted(csms, rate, DEFAULT, steps=LOWEST, duration=3600)
        mine = await taken(csms, spec, evse, draft)
        answer = await composite(csms, evse, rate)
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
    async with set_aside(csms):
        rate = await rates(csms, profile, evse)
        first = await taken(csms, spec, evse, drafted(csms, rate, DEFAULT, steps=LOWEST, duration=3600))
        other = drafted(csms, rate, DEFAULT, steps=((0, 3),), duration=3600) | {"id": first.id}
        second = Installed(evse, other)
        with spec.must("K01.FR.05"):
            check_status(await csms.speak.set_charging_profile(evse, other), second, "Accepted")
        answer = await composite(csms, evse, rate)
        with spec("K01.FR.05"):
            check_composite(answer, profile, evse, [second])
            check_above(answer, evse, rate.limit(0))


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
    async with set_aside(csms):
        rate = await rates(csms, profile, evse)
        mine = await taken(csms, spec, evse, drafted(csms, rate, DEFAULT, steps=LOWEST, duration=3600))
        await reboot(station, csms)
        answer = await composite(csms, evse, rate)
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
    async with set_aside(csms):
        rate = await rates(csms, profile, evse)
        then = whole_seconds() + SOON
        draft = drafted(csms, rate, DEFAULT, steps=LOWEST, kind="Relative", valid_from=then)
        mine = await taken(csms, spec, evse, draft)
        answer = await composite(csms, evse, rate)
        with spec("K01.FR.36"):
            check_composite(answer, profile, evse, [mine], edge=NEAR)
            check_above(answer, evse, rate.limit(0), until=then)


@case(
    "TC_K_22_CS",
    "A profile holds until its validTo, and not from then on",
    requirements=[ACCEPTS, "K01.FR.37"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_valid_to(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set a default profile for all EVSEs that is valid for five minutes more, and look at what lies ahead."""
    async with set_aside(csms):
        rate = await rates(csms, profile, profile.evse[0].id)
        now = whole_seconds()
        then = now + SOON
        draft = drafted(csms, rate, DEFAULT, steps=LOWEST, valid_from=now - SOON, valid_to=then)
        mine = await taken(csms, spec, STATION, draft)
        answers = {each: await composite(csms, each, rate) for each in (STATION, *(evse.id for evse in profile.evse))}
        with spec("K01.FR.37"):
            for evse, answer in answers.items():
                check_composite(answer, profile, evse, [mine], edge=NEAR)
                if evse != STATION:
                    check_above(answer, evse, rate.limit(0), since=then)


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
    async with set_aside(csms):
        rate = await rates(csms, profile, evse)
        then = whole_seconds() + timedelta(seconds=60)
        mine = await taken(csms, spec, evse, drafted(csms, rate, DEFAULT, steps=LOWEST, start=then))
        answer = await composite(csms, evse, rate)
        with spec("K01.FR.30"):
            check_composite(answer, profile, evse, [mine], edge=NEAR)
            check_above(answer, evse, rate.limit(0), until=then)


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
    async with set_aside(csms):
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
        mine = await taken(csms, spec, evse, draft)
        answer = await composite(csms, evse, rate)
        with spec("K01.FR.40"):
            check_composite(answer, profile, evse, [mine], edge=NEAR)
        with spec("K01.FR.13"):
            check_above(answer, evse, rate.limit(0), since=then)


@case(
    "PROFILE_OUTLASTED_CS",
    "Each period holds until the next one, the last one until the schedule is over, and none beyond that",
    requirements=[ACCEPTS, "K01.FR.11", "K01.FR.12"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_duration(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set a default profile that has periods left when its duration is over, and look at what lies ahead."""
    evse = profile.evse[0].id
    async with set_aside(csms):
        rate = await rates(csms, profile, evse)
        then = whole_seconds() + SOON
        length = 360
        steps = ((0, 0), (180, 1), (length, 0), (500, 0))[: max(rate.periods, 1)]
        draft = drafted(csms, rate, DEFAULT, steps=steps, start=then - timedelta(seconds=length), duration=length)
        mine = await taken(csms, spec, evse, draft)
        answer = await composite(csms, evse, rate)
        with spec("K01.FR.12"):
            check_composite(answer, profile, evse, [mine], edge=NEAR)
        with spec("K01.FR.11"):
            check_above(answer, evse, rate.limit(1), since=then)


@case(
    "PROFILE_WITHOUT_VALIDITY_CS",
    "A profile without validFrom and validTo holds as long as nobody takes it away",
    requirements=[ACCEPTS, "K01.FR.10"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_no_validity(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set a default profile without an end, and look a day ahead, or as far as the station tells."""
    evse = profile.evse[0].id
    async with set_aside(csms):
        rate = await rates(csms, profile, evse)
        mine = await taken(csms, spec, evse, drafted(csms, rate, DEFAULT, steps=LOWEST))
        answer = await composite(csms, evse, rate, _A_DAY)
        with spec("K01.FR.10"):
            check_composite(answer, profile, evse, [mine])


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
    async with set_aside(csms):
        rate = await rates(csms, profile, evse)
        await refused(csms, spec, "K01.FR.09", evse, drafted(csms, rate, TX, steps=LOWEST, transaction=UNKNOWN))


@case(
    "TC_K_11_CS",
    "A profile for a transaction is refused for the whole station",
    requirements=["K01.FR.16"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_transaction_profile_for_all(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set a TxProfile for EVSE 0."""
    async with set_aside(csms):
        rate = await rates(csms, profile, profile.evse[0].id)
        await refused(csms, spec, "K01.FR.16", STATION, drafted(csms, rate, TX, steps=LOWEST, transaction=UNKNOWN))


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
    async with set_aside(csms), vacated(station, csms):
        rate = await rates(csms, profile, spot[0])
        await under_way(station, csms, spot, token)
        await refused(csms, spec, "K01.FR.33", spot[0], drafted(csms, rate, TX, steps=LOWEST, transaction=UNKNOWN))


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
    async with set_aside(csms):
        known = await rates(csms, profile, evse)
        rate = Rates(other, known.top_level, known.periods, known.evse, known.volts, known.least)
        await refused(csms, spec, "K01.FR.26", evse, drafted(csms, rate, DEFAULT, steps=LOWEST))


@case(
    "TC_K_14_CS",
    "A profile for an EVSE that there is not is refused",
    requirements=["K01.FR.28"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_unknown_evse(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set a default profile one EVSE beyond the last."""
    async with set_aside(csms):
        rate = await rates(csms, profile, profile.evse[0].id)
        beyond = max(each.id for each in profile.evse) + 1
        await refused(csms, spec, "K01.FR.28", beyond, drafted(csms, rate, DEFAULT, steps=LOWEST))


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
