"""OCPP 1.6, chapters 3.13, 5.5, 5.7 and 5.16: charging profiles are set, merged, told, kept and cleared."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.charging_v16 import (
    DEFAULT,
    HOUR,
    MAXIMUM,
    OF_TRANSACTION,
    Profiles,
    ago,
    ahead,
    smart_charging,
)
from conformance.peers.csms import CsmsPeer
from conformance.peers.csms_dialect import STATION, Charging, Connector
from conformance.peers.received import Refused
from conformance.peers.scenes import all_connectors_reported, connectors_show, reboot, running, stop_charging
from conformance.peers.transaction_scenes import somebody_plugs_in, under_way
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile

SMART = "smart-charging"
REFUSALS = ("Rejected", "NotSupported", "CALLERROR PropertyConstraintViolation")
DAY = 86_400
NOBODYS_TRANSACTION = "2000000001"
ROOM_TO_FILL = 30
MANY_PERIODS = 500
A_WHILE = 60.0
NOTHING_TOLD = "the station reports no composite schedule while it has no charging profile"


# -- profiles of each purpose -----------------------------------------------------------------------------------------


@case(
    "TC_056_CS",
    "A default profile is accepted, and the composite schedule of its connector follows it",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.01", "16.CP.40", "16.CP.41", "16.CP.42"],
    severity=Severity.BLOCKER,
)
async def test_default_profile(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set it while the connector is free, and ask for the next 300 seconds."""
    spot = profile.connectors[0]
    async with smart_charging(station, csms, profile) as profiles:
        payload = profiles.drafted(DEFAULT, start=ago(1), duration=300, steps=[(0, 2), (100, 4), (200, 3)])
        await _accepted(spec, profiles, spot, payload)
        await _judge_composite(spec, "16.CP.41", profiles, spot, seconds=300)


@case(
    "TC_057_CS",
    "A profile for the transaction that runs is accepted, and the composite schedule follows it",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.01", "16.CP.40", "16.CP.41", "16.CP.42"],
    severity=Severity.BLOCKER,
)
async def test_tx_profile(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, set it, and ask for the next 300 seconds."""
    async with smart_charging(station, csms, profile) as profiles:
        session = await _charging(station, csms, profile)
        payload = profiles.drafted(
            OF_TRANSACTION,
            transaction=session.transaction_id,
            start=ago(1),
            duration=300,
            steps=[(0, 3), (100, 2), (200, 4)],
        )
        await _accepted(spec, profiles, session.connector, payload, session)
        await _judge_composite(spec, "16.CP.41", profiles, session.connector, session, seconds=300)


@case(
    "TC_058_1_CS",
    "A profile for a transaction is refused while none runs",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.22"],
    severity=Severity.CRITICAL,
)
async def test_no_transaction(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set it on a free connector, once with the number of a transaction that there is not, once without any."""
    spot = profile.connectors[0]
    async with smart_charging(station, csms, profile) as profiles:
        for transaction in (NOBODYS_TRANSACTION, None):
            with spec("16.CP.22"):
                payload = profiles.drafted(OF_TRANSACTION, steps=[(0, 1)], transaction=transaction)
                await _refused(profiles, spot, payload)


@case(
    "TC_058_2_CS",
    "A profile for another transaction than the one that runs is refused",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.23"],
    severity=Severity.CRITICAL,
)
async def test_wrong_transaction(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, and set a profile with the number of a transaction that there is not."""
    async with smart_charging(station, csms, profile) as profiles:
        session = await _charging(station, csms, profile)
        with spec("16.CP.23"):
            payload = profiles.drafted(OF_TRANSACTION, transaction=NOBODYS_TRANSACTION, steps=[(0, 1)])
            await _refused(profiles, session.connector, payload)


@case(
    "TC_082_CS",
    "A default profile that is set, and changed, while a transaction runs holds for it",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.01", "16.CP.28", "16.CP.40", "16.CP.42"],
    severity=Severity.CRITICAL,
)
async def test_default_in_transaction(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge without a profile, set a default one, and then another in its place."""
    async with smart_charging(station, csms, profile) as profiles:
        session = await _charging(station, csms, profile)
        spot = session.connector
        for step in (3, 5):
            await _accepted(spec, profiles, spot, profiles.drafted(DEFAULT, steps=[(0, step)]))
            await _judge_composite(spec, "16.CP.28", profiles, spot, session)


@case(
    "TX_PROFILE_OVERRULES_CS",
    "The profile of a transaction holds instead of the default one, also where it allows more",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.26"],
    severity=Severity.CRITICAL,
)
async def test_overruled(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Have a default profile with a low limit and a high stack level, and charge with a profile of its own."""
    async with smart_charging(station, csms, profile) as profiles:
        session = await _charging(station, csms, profile)
        spot = session.connector
        await profiles.set(spot, DEFAULT, level=profiles.level(1), steps=[(0, 1)])
        await profiles.set(spot, OF_TRANSACTION, session=session, steps=[(0, 4)], transaction=session.transaction_id)
        with spec("16.CP.26"):
            profiles.check(await profiles.composite(spot), spot, session)


@case(
    "TX_PROFILE_RUNS_OUT_CS",
    "A profile of a transaction that is over before this leaves it under no default profile",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.39"],
    severity=Severity.MINOR,
)
async def test_tx_profile_runs_out(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Have a default profile without an end, and one of the transaction for twenty minutes."""
    async with smart_charging(station, csms, profile) as profiles:
        session = await _charging(station, csms, profile)
        spot = session.connector
        before = await profiles.account(spot)
        if before is None:
            spec.unproven("16.CP.39", NOTHING_TOLD)
            return
        await profiles.set(spot, DEFAULT, steps=[(0, 1)])
        await profiles.set(
            spot,
            OF_TRANSACTION,
            session=session,
            transaction=session.transaction_id,
            start=ago(1),
            duration=1200,
            steps=[(0, 3)],
        )
        with spec("16.CP.39"):
            profiles.check_same(await profiles.account(spot), before, part=(1210, HOUR))


@case(
    "TX_PROFILE_ENDS_CS",
    "The profile of a transaction ends with it: the next one is under the default profile",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.27"],
    severity=Severity.CRITICAL,
)
async def test_tx_profile_ends(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Stop charging, ask what holds then, and charge again."""
    async with smart_charging(station, csms, profile) as profiles:
        session = await _charging(station, csms, profile)
        spot = session.connector
        await profiles.set(spot, DEFAULT, steps=[(0, 2)])
        await profiles.set(spot, OF_TRANSACTION, session=session, steps=[(0, 4)], transaction=session.transaction_id)
        await stop_charging(station, csms, session, profile.parameters.valid_id_token.payload)
        profiles.book.transaction_over(int(session.transaction_id))
        with spec("16.CP.27"):
            profiles.check(await profiles.composite(spot), spot)
        await connectors_show(csms, [spot], "Available", after=session.event)
        second = await _charging(station, csms, profile)
        with spec("16.CP.27"):
            profiles.check(await profiles.composite(spot), spot, second)


@case(
    "DEFAULT_PROFILE_REMOVED_CS",
    "A transaction goes on, and without the default profile, when this is cleared",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.29"],
)
async def test_default_removed(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge under a default profile, and clear it."""
    async with smart_charging(station, csms, profile) as profiles:
        session = await _charging(station, csms, profile)
        spot = session.connector
        before = await profiles.account(spot)
        await profiles.set(spot, DEFAULT, steps=[(0, 1)])
        status = await profiles.clear(purpose=DEFAULT)
        assert status == "Accepted", f"ClearChargingProfile was answered {status}"
        with spec("16.CP.29"):
            profiles.check_same(await profiles.account(spot), before)
            assert session.transaction_id in running(csms), "the transaction was ended"


@case(
    "DEFAULT_PROFILE_PLACES_CS",
    "A default profile of the whole station holds for each connector, but for one that has its own",
    versions=["1.6"],
    needs=f"{SMART} and evses > 1",
    requirements=["16.CP.24", "16.CP.25"],
)
async def test_default_places(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set one on connector 0, and then one of the same stack level on the first connector."""
    spot, other = profile.connectors[0], profile.connectors[-1]
    async with smart_charging(station, csms, profile) as profiles:
        await profiles.set(STATION, DEFAULT, steps=[(0, 2)])
        for each in (spot, other):
            with spec("16.CP.24"):
                profiles.check(await profiles.composite(each), each)
        await profiles.set(spot, DEFAULT, steps=[(0, 4)])
        for each in (spot, other):
            with spec("16.CP.25"):
                profiles.check(await profiles.composite(each), each)


@case(
    "PROFILE_PLACES_CS",
    "The limit of the station is set on connector 0 only, the profile of a transaction never there",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.20", "16.CP.21"],
    severity=Severity.CRITICAL,
)
async def test_places(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set both in the wrong place while a transaction runs."""
    async with smart_charging(station, csms, profile) as profiles:
        session = await _charging(station, csms, profile)
        with spec("16.CP.20"):
            outcome = await profiles.outcome(session.connector, profiles.drafted(MAXIMUM))
            assert outcome in REFUSALS, f"a {MAXIMUM} of one connector was answered {outcome}"
        with spec("16.CP.21"):
            payload = profiles.drafted(OF_TRANSACTION, transaction=session.transaction_id)
            outcome = await profiles.outcome(STATION, payload)
            assert outcome in REFUSALS, f"a {OF_TRANSACTION} of connector 0 was answered {outcome}"


# -- what is accepted -------------------------------------------------------------------------------------------------


@case(
    "PROFILE_UNKNOWN_CONNECTOR_CS",
    "Charging profiles and composite schedules of a connector that there is not are refused",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.02", "16.CP.03", "16.CP.43"],
)
async def test_unknown_connector(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for both by a number beyond the last connector."""
    nowhere = (len(profile.connectors) + 7, 1)
    async with smart_charging(station, csms, profile) as profiles:
        outcome = await profiles.outcome(nowhere, profiles.drafted(DEFAULT))
        with spec("16.CP.02"):
            assert outcome != "Accepted", "the profile was accepted"
        with spec("16.CP.03"):
            assert outcome == "CALLERROR PropertyConstraintViolation", f"SetChargingProfile was answered {outcome}"
        with spec("16.CP.43"):
            answer = await csms.speak.composite_schedule(nowhere, HOUR)
            assert answer["status"] == "Rejected", f"GetCompositeSchedule was answered {answer['status']}"


@case(
    "PROFILE_ENUMERATIONS_CS",
    "A rate unit that there is not is answered with an error of its property",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.04", "16.CP.45"],
    severity=Severity.MINOR,
)
async def test_enumerations(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set a profile in volts, and ask for a composite schedule in volts."""
    spot = profile.connectors[0]
    async with smart_charging(station, csms, profile) as profiles:
        with spec("16.CP.04"):
            outcome = await profiles.outcome(spot, profiles.drafted(DEFAULT, unit="V"))
            assert outcome == "CALLERROR PropertyConstraintViolation", f"SetChargingProfile was answered {outcome}"
        with spec("16.CP.45"):
            outcome = await _composite_outcome(csms, spot, "V")
            assert outcome == "CALLERROR PropertyConstraintViolation", f"GetCompositeSchedule was answered {outcome}"


@case(
    "PROFILE_UNIT_CS",
    "A profile in a unit that the station does not limit in is refused",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.06"],
)
async def test_unit(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set it in the other unit than the one that is listed."""
    async with smart_charging(station, csms, profile) as profiles:
        others = {"A", "W"} - profiles.can.units
        if not others:
            spec.excuse("16.CP.06", "the station limits in amperes and in watts")
            return
        with spec("16.CP.06"):
            await _refused(profiles, profile.connectors[0], profiles.drafted(DEFAULT, unit=others.pop()))


@case(
    "PROFILE_STACK_LEVEL_CS",
    "A profile above the highest stack level is refused, or followed nevertheless",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.05", "16.CP.07"],
)
async def test_stack_level(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set one with ChargeProfileMaxStackLevel plus one."""
    spot = profile.connectors[0]
    async with smart_charging(station, csms, profile) as profiles:
        payload = profiles.drafted(DEFAULT, level=profiles.can.top_level + 1, steps=[(0, 2)])
        await _refused_or_followed(spec, profiles, spot, payload, "16.CP.07")


@case(
    "PROFILE_PERIODS_CS",
    "A profile of too many periods is refused, or followed nevertheless",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.05", "16.CP.08"],
)
async def test_periods(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set one with ChargingScheduleMaxPeriods plus one, of ten seconds each."""
    spot = profile.connectors[0]
    async with smart_charging(station, csms, profile) as profiles:
        if profiles.can.periods > MANY_PERIODS:
            for each in ("16.CP.05", "16.CP.08"):
                spec.unproven(each, f"{profiles.can.periods} periods are too many to try")
            return
        steps = [(10 * place, 2 + place % 2) for place in range(profiles.can.periods + 1)]
        payload = profiles.drafted(DEFAULT, start=ago(1), steps=steps)
        await _refused_or_followed(spec, profiles, spot, payload, "16.CP.08")


@case(
    "PROFILES_TOO_MANY_CS",
    "One profile more than can be kept is refused, or followed nevertheless",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.05", "16.CP.09"],
)
async def test_too_many(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set as many as MaxChargingProfilesInstalled, in different places and levels, and one more."""
    async with smart_charging(station, csms, profile) as profiles:
        most, levels = profiles.can.profiles, max(profiles.can.top_level, 1)
        if most is None:
            for each in ("16.CP.05", "16.CP.09"):
                spec.unproven(each, "the station does not say how many profiles it keeps")
            return
        places = [(STATION, MAXIMUM, level) for level in range(levels)]
        places += [(spot, DEFAULT, level) for spot in profile.connectors for level in range(levels)]
        kept = 0
        if most < min(len(places), ROOM_TO_FILL):
            for spot, purpose, level in places[:most]:
                payload = profiles.drafted(purpose, level=level, steps=[(0, 9 if purpose == MAXIMUM else 2)])
                if await profiles.outcome(spot, payload) != "Accepted":
                    break
                kept += 1
        if kept < most:
            for each in ("16.CP.05", "16.CP.09"):
                spec.unproven(each, f"the station could not be filled with {most} profiles")
            return
        spot, purpose, level = places[most]
        payload = profiles.drafted(purpose, level=level, steps=[(0, 1)])
        await _refused_or_followed(spec, profiles, spot, payload, "16.CP.09")


@case(
    "PROFILE_SAME_ID_CS",
    "A profile takes the place of the one with its id",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.10"],
    severity=Severity.CRITICAL,
)
async def test_same_id(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set one at a higher stack level, and then again at a lower one with another limit."""
    spot = profile.connectors[0]
    async with smart_charging(station, csms, profile) as profiles:
        first = await profiles.set(spot, DEFAULT, level=profiles.level(1), steps=[(0, 2)])
        await profiles.set(spot, DEFAULT, id=first["chargingProfileId"], steps=[(0, 4)])
        with spec("16.CP.10"):
            profiles.check(await profiles.composite(spot), spot)


@case(
    "PROFILE_SAME_PLACE_CS",
    "A profile takes the place of the one with its purpose and stack level on its connector",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.11"],
    severity=Severity.CRITICAL,
)
async def test_same_place(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set two with ids of their own, and clear the second: nothing is left."""
    spot = profile.connectors[0]
    async with smart_charging(station, csms, profile) as profiles:
        before = await profiles.account(spot)
        await profiles.set(spot, DEFAULT, steps=[(0, 2)])
        second = await profiles.set(spot, DEFAULT, steps=[(0, 4)])
        with spec("16.CP.11"):
            profiles.check(await profiles.composite(spot), spot)
        await profiles.clear(id=second["chargingProfileId"])
        with spec("16.CP.11"):
            profiles.check_same(await profiles.account(spot), before)


@case(
    "PROFILE_FROM_LATER_CS",
    "A profile that is valid only later takes the place of another at once",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.12"],
)
async def test_from_later(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Replace a profile by one that is valid from half an hour on: until then nothing holds."""
    spot = profile.connectors[0]
    async with smart_charging(station, csms, profile) as profiles:
        before = await profiles.account(spot)
        if before is None:
            spec.unproven("16.CP.12", NOTHING_TOLD)
            return
        await profiles.set(spot, DEFAULT, steps=[(0, 2)])
        await profiles.set(spot, DEFAULT, steps=[(0, 4)], valid_from=ahead(HOUR / 2))
        with spec("16.CP.12"):
            told = await profiles.account(spot)
            profiles.check_same(told, before, part=(0, HOUR / 2 - A_WHILE))
            profiles.check(await profiles.composite(spot), spot)


@case(
    "PROFILES_OUTLAST_REBOOT_CS",
    "Charging profiles are there again after a reboot",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.13"],
    severity=Severity.CRITICAL,
)
async def test_outlast_reboot(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Limit the station and a connector, and restart."""
    spot, other = profile.connectors[0], profile.connectors[-1]
    async with smart_charging(station, csms, profile) as profiles:
        await profiles.set(STATION, MAXIMUM, steps=[(0, 4)])
        await profiles.set(spot, DEFAULT, steps=[(0, 1)])
        before = {each: await profiles.account(each) for each in (spot, other)}
        booted = await reboot(station, csms)
        await all_connectors_reported(csms, profile.connectors, after=booted.notification)
        for each, told in before.items():
            with spec("16.CP.13"):
                profiles.check_same(await profiles.account(each), told)


# -- over time --------------------------------------------------------------------------------------------------------


@case(
    "TC_072_CS",
    "Of two profiles of one purpose the one with the higher stack level holds, then the other again",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.01", "16.CP.30", "16.CP.40", "16.CP.42"],
    severity=Severity.CRITICAL,
)
async def test_stacked(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Stack a short profile on a long one, and ask for the next 350 seconds."""
    spot = profile.connectors[0]
    async with smart_charging(station, csms, profile) as profiles:
        assert profiles.can.top_level, "the station has one stack level only"
        start, end = ago(1), ahead(400)
        common: dict[str, Any] = {"start": start, "valid_from": start, "valid_to": end}
        lower = profiles.drafted(DEFAULT, duration=400, steps=[(0, 0), (100, 2), (200, 4)], **common)
        upper = profiles.drafted(DEFAULT, level=1, duration=150, steps=[(0, 1), (100, 3)], **common)
        for payload in (lower, upper):
            await _accepted(spec, profiles, spot, payload)
        await _judge_composite(spec, "16.CP.30", profiles, spot, seconds=350)


@case(
    "TC_066_CS",
    "The lowest of all purposes holds: of the station, and of the transaction or by default",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.01", "16.CP.31", "16.CP.40", "16.CP.42"],
    severity=Severity.BLOCKER,
)
async def test_merged(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, have a profile of each purpose, and ask for the next 400 seconds.

    The default profile ends first: whether it would hold again where that of the transaction ends sooner is disputed.
    """
    async with smart_charging(station, csms, profile) as profiles:
        session = await _charging(station, csms, profile)
        spot, start = session.connector, ago(1)
        default = [(0, 0), (60, 3), (120, 2), (180, 6), (220, 2)]
        own = [(0, 2), (50, 4), (140, 7), (200, 0), (240, 5)]
        common: dict[str, Any] = {"start": start, "valid_from": start, "valid_to": ahead(400)}
        maximum = profiles.drafted(MAXIMUM, start=start, duration=DAY, steps=[(0, 3)])
        await _accepted(spec, profiles, STATION, maximum)
        await _accepted(spec, profiles, spot, profiles.drafted(DEFAULT, duration=250, steps=default, **common))
        payload = profiles.drafted(
            OF_TRANSACTION, transaction=session.transaction_id, duration=260, steps=own, **common
        )
        await _accepted(spec, profiles, spot, payload, session)
        await _judge_composite(spec, "16.CP.31", profiles, spot, session, seconds=400)


@case(
    "PROFILE_VALIDITY_CS",
    "A profile holds from its validFrom until its validTo",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.32", "16.CP.33"],
)
async def test_validity(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Stack one that is valid for twenty minutes on one that is always valid."""
    spot = profile.connectors[0]
    async with _stack(station, csms, profile) as profiles:
        await profiles.set(spot, DEFAULT, level=1, steps=[(0, 4)], valid_from=ahead(600), valid_to=ahead(1800))
        answer = await profiles.composite(spot)
        with spec("16.CP.32"):
            profiles.check(answer, spot, part=(0, 1700))
        with spec("16.CP.33"):
            profiles.check(answer, spot, part=(1700, HOUR))


@case(
    "PROFILE_DURATION_CS",
    "The last period lasts until the duration is over, and later ones never come",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.34"],
)
async def test_duration(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Stack a schedule with a period after its end on one without an end."""
    spot = profile.connectors[0]
    async with _stack(station, csms, profile) as profiles:
        await profiles.set(spot, DEFAULT, level=1, start=ago(1), duration=1500, steps=[(0, 4), (600, 5), (1800, 6)])
        with spec("16.CP.34"):
            profiles.check(await profiles.composite(spot), spot)


@case(
    "PROFILE_RECURRING_CS",
    "A recurring profile starts anew after a day or a week, and what is longer than that is cut off",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.35", "16.CP.36", "16.CP.37"],
)
async def test_recurring(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Stack one that starts again in ten minutes, for twenty, on one without an end; then one of two days."""
    spot = profile.connectors[0]
    short: dict[str, Any] = {"kind": "Recurring", "level": 1, "duration": 1200, "steps": [(0, 4), (600, 5)]}
    async with _stack(station, csms, profile) as profiles:
        for recurrency, days in (("Daily", 1), ("Daily", 6), ("Weekly", 7), ("Weekly", 3)):
            await profiles.set(spot, DEFAULT, start=ago(days * DAY - 600), recurrency=recurrency, **short)
            answer = await profiles.composite(spot)
            with spec("16.CP.35"):
                profiles.check(answer, spot, part=(0, 1790))
            with spec("16.CP.36"):
                profiles.check(answer, spot, part=(1810, HOUR))
        long = [(0, 4), (900, 5), (DAY + 600, 6)]
        await profiles.set(
            spot,
            DEFAULT,
            level=1,
            kind="Recurring",
            recurrency="Daily",
            start=ago(DAY + 300),
            duration=2 * DAY,
            steps=long,
        )
        with spec("16.CP.37"):
            profiles.check(await profiles.composite(spot), spot)


@case(
    "PROFILE_RELATIVE_CS",
    "A relative profile counts from the start of the transaction",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.38"],
)
async def test_relative(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set one of two periods in a transaction that has just begun; a minute more or less is not looked at."""
    async with smart_charging(station, csms, profile) as profiles:
        session = await _charging(station, csms, profile)
        spot = session.connector
        await profiles.set(
            spot,
            OF_TRANSACTION,
            session=session,
            kind="Relative",
            transaction=session.transaction_id,
            steps=[(0, 2), (1800, 4)],
        )
        with spec("16.CP.38"):
            profiles.check(await profiles.composite(spot), spot, session, edge=A_WHILE)


# -- composite schedules and clearing ---------------------------------------------------------------------------------


@case(
    "COMPOSITE_OF_STATION_CS",
    "The composite schedule of connector 0 is below the limit of the station",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.40", "16.CP.42", "16.CP.44"],
)
async def test_composite_of_station(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Limit the station in two steps, and ask what it expects to take."""
    async with smart_charging(station, csms, profile) as profiles:
        await profiles.set(STATION, MAXIMUM, start=ago(1), steps=[(0, 5), (1800, 2)])
        await _judge_composite(spec, "16.CP.44", profiles, STATION)


@case(
    "TC_067_CS",
    "Profiles are cleared by id, by purpose and stack level, and all together",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.01", "16.CP.50", "16.CP.51", "16.CP.52"],
    severity=Severity.BLOCKER,
)
async def test_clear(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set three on one another, and clear them again one after the other: what held before holds again."""
    spot = profile.connectors[0]
    async with smart_charging(station, csms, profile) as profiles:
        assert profiles.can.top_level, "the station has one stack level only"
        nothing = await profiles.account(spot)
        await _accepted(spec, profiles, STATION, profiles.drafted(MAXIMUM, steps=[(0, 6), (600, 7)]))
        of_station = await profiles.account(spot)
        await _accepted(spec, profiles, spot, profiles.drafted(DEFAULT, steps=[(0, 1), (600, 2)]))
        lower = await profiles.account(spot)
        upper = profiles.drafted(DEFAULT, level=1, steps=[(0, 3), (600, 4)])
        await _accepted(spec, profiles, spot, upper)
        with spec("16.CP.50"):
            await _cleared(profiles, id=upper["chargingProfileId"])
            profiles.check_same(await profiles.account(spot), lower)
        with spec("16.CP.51"):
            await _cleared(profiles, purpose=DEFAULT, stack_level=0)
            profiles.check_same(await profiles.account(spot), of_station)
        with spec("16.CP.52"):
            await _cleared(profiles)
            profiles.check_same(await profiles.account(spot), nothing)


@case(
    "CLEAR_CRITERIA_CS",
    "Only what meets all criteria is cleared; an id stands for itself",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.50", "16.CP.51", "16.CP.53"],
)
async def test_clear_criteria(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Clear by criteria that no profile meets all of, then by those of one, then the other by its id and wrong ones."""
    spot = profile.connectors[0]
    async with smart_charging(station, csms, profile) as profiles:
        assert profiles.can.top_level, "the station has one stack level only"
        nothing = await profiles.account(spot)
        lower = await profiles.set(spot, DEFAULT, steps=[(0, 2)])
        one = await profiles.account(spot)
        await profiles.set(spot, DEFAULT, level=1, steps=[(0, 4)])
        both = await profiles.account(spot)
        for criteria in (
            {"spot": STATION, "purpose": DEFAULT},
            {"purpose": MAXIMUM, "stack_level": 1},
            {"spot": spot, "purpose": DEFAULT, "stack_level": profiles.can.top_level + 1},
        ):
            status = await profiles.clear(**criteria)
            with spec("16.CP.53"):
                assert status == "Unknown", f"ClearChargingProfile that nothing meets was answered {status}"
            with spec("16.CP.51"):
                profiles.check_same(await profiles.account(spot), both)
        with spec("16.CP.51"):
            await _cleared(profiles, spot=spot, purpose=DEFAULT, stack_level=1)
            profiles.check_same(await profiles.account(spot), one)
        with spec("16.CP.50"):
            await _cleared(profiles, spot=STATION, id=lower["chargingProfileId"], purpose=MAXIMUM, stack_level=1)
            profiles.check_same(await profiles.account(spot), nothing)


# -- remote starts ----------------------------------------------------------------------------------------------------


@case(
    "TC_059_CS",
    "A remote start brings the profile of its transaction, and this is followed",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.40", "16.CP.42", "16.CP.60"],
    severity=Severity.CRITICAL,
)
async def test_remote_start(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Have a default profile too, start remotely, and ask for the next 300 seconds."""
    async with smart_charging(station, csms, profile) as profiles:
        spot = profile.connectors[0]
        await profiles.set(spot, DEFAULT, steps=[(0, 1)])
        payload = profiles.drafted(OF_TRANSACTION, start=ago(1), duration=DAY, steps=[(0, 3), (100, 4)])
        session = await _started_remotely(station, csms, profile, payload)
        profiles.record(spot, payload, session)
        await _judge_composite(spec, "16.CP.60", profiles, spot, session, seconds=300)


@case(
    "TC_060_CS",
    "A remote start with a profile that is not for a transaction is refused",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.61"],
)
async def test_remote_start_refused(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for one with a default profile, and for one with a limit of the station."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with smart_charging(station, csms, profile) as profiles:
        for purpose in (DEFAULT, MAXIMUM):
            payload = profiles.drafted(purpose)
            try:
                answer = await csms.speak.remote_start(token, spot, 0, charging_profile=payload)
                outcome = str(answer["status"])
            except Refused as refused:
                outcome = f"CALLERROR {refused.code}"
            with spec("16.CP.61"):
                said = f"a remote start with a {purpose} was answered {outcome}"
                assert outcome in ("Rejected", "CALLERROR PropertyConstraintViolation"), said


@case(
    "REMOTE_PROFILE_REPLACED_CS",
    "A profile for a transaction takes the place of the one that it was started with",
    versions=["1.6"],
    needs=SMART,
    requirements=["16.CP.62"],
)
async def test_remote_profile_replaced(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Start remotely with a profile, set another of the same stack level, and clear this: nothing is left."""
    async with smart_charging(station, csms, profile) as profiles:
        spot = profile.connectors[0]
        payload = profiles.drafted(OF_TRANSACTION, steps=[(0, 2)])
        session = await _started_remotely(station, csms, profile, payload)
        profiles.record(spot, payload, session)
        second = await profiles.set(
            spot, OF_TRANSACTION, session=session, transaction=session.transaction_id, steps=[(0, 4)]
        )
        with spec("16.CP.62"):
            profiles.check(await profiles.composite(spot), spot, session)
            await _cleared(profiles, id=second["chargingProfileId"])
            status = await profiles.clear(id=payload["chargingProfileId"])
            assert status == "Unknown", f"the first profile was still there: clearing it was answered {status}"


# -- steps ------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _stack(station: StationDriver, csms: CsmsPeer, profile: SutProfile) -> AsyncIterator[Profiles]:
    """Have a default profile without an end at the lowest stack level of the first connector."""
    async with smart_charging(station, csms, profile) as profiles:
        assert profiles.can.top_level, "the station has one stack level only"
        await profiles.set(profile.connectors[0], DEFAULT, steps=[(0, 2)])
        yield profiles


async def _charging(station: StationDriver, csms: CsmsPeer, profile: SutProfile) -> Charging:
    """Charge on the first connector."""
    return await under_way(station, csms, profile.connectors[0], profile.parameters.valid_id_token.payload)


async def _started_remotely(
    station: StationDriver, csms: CsmsPeer, profile: SutProfile, payload: Mapping[str, Any]
) -> Charging:
    """Have a transaction on the first connector by a remote start with a profile."""
    somebody_plugs_in(station)
    spot, mark = profile.connectors[0], csms.now
    await station.plug_in(*spot)
    token = profile.parameters.valid_id_token.payload
    answer = await csms.speak.remote_start(token, spot, 0, charging_profile=payload)
    assert answer["status"] == "Accepted", f"the remote start was answered {answer['status']}"
    return await csms.speak.began(spot, after=mark, number=0, plugged=True)


async def _accepted(
    spec: Spec, profiles: Profiles, spot: Connector, payload: dict[str, Any], session: Charging | None = None
) -> None:
    """Set a profile that has to be accepted."""
    with spec.must("16.CP.01"):
        outcome = await profiles.outcome(spot, payload, session)
        assert outcome == "Accepted", f"SetChargingProfile was answered {outcome}"


async def _refused(profiles: Profiles, spot: Connector, payload: dict[str, Any]) -> None:
    """Check that a profile is refused, and has no effect, as far as the station tells what holds."""
    tells, before = True, None
    try:
        before = await profiles.account(spot)
    except AssertionError:
        tells = False
    outcome = await profiles.outcome(spot, payload)
    assert outcome in REFUSALS, f"SetChargingProfile was answered {outcome}"
    if tells:
        profiles.check_same(await profiles.account(spot), before)


async def _refused_or_followed(
    spec: Spec, profiles: Profiles, spot: Connector, payload: dict[str, Any], limit: str
) -> None:
    """Judge a profile beyond what the station says that it takes: if it is accepted, it has to be followed."""
    outcome = await profiles.outcome(spot, payload)
    with spec(limit):
        assert outcome != "Accepted", "the profile was accepted"
    if outcome != "Accepted":
        spec.excuse("16.CP.05", f"the profile was answered {outcome}")
        return
    with spec("16.CP.05"):
        profiles.check(await profiles.composite(spot), spot)


async def _cleared(profiles: Profiles, **criteria: Any) -> None:
    status = await profiles.clear(**criteria)
    assert status == "Accepted", f"ClearChargingProfile was answered {status}"


async def _composite_outcome(csms: CsmsPeer, spot: Connector, unit: str) -> str:
    try:
        return str((await csms.speak.composite_schedule(spot, HOUR, unit))["status"])
    except Refused as refused:
        return f"CALLERROR {refused.code}"


async def _judge_composite(
    spec: Spec, requirement: str, profiles: Profiles, spot: Connector, *sessions: Charging, seconds: int = HOUR
) -> None:
    """Judge the composite schedule of the next seconds: what it says of itself, and by this requirement its limits."""
    with spec.must(requirement):
        answer = await profiles.composite(spot, seconds)
    with spec("16.CP.40"):
        profiles.check_frame(answer, spot, seconds, *sessions)
    with spec("16.CP.42"):
        assert "startSchedule" not in answer["chargingSchedule"], "the schedule has a startSchedule of its own"
    with spec(requirement):
        profiles.check(answer, spot, *sessions, seconds=seconds)
