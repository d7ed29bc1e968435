"""Use cases K01, K05 and K10: charging profiles that an operator sets and clears, and transactions started with one."""

from dataclasses import replace

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles import profiles_sent as sent
from conformance.oracles.wire import summary
from conformance.peers import v16
from conformance.peers.charging_orders import (
    AT_START,
    CLEAR_CRITERIA,
    CLEAR_ID,
    HOUR,
    PLACE,
    Period,
    asked_just_so,
    clear_all,
    clear_by_id,
    clear_like,
    cleared,
    default_profile,
    get_profiles,
    having,
    is_told,
    remote_start_limited,
    set_as_told,
    set_profile,
    start_as_told,
    start_profile,
    station_maximum,
    transaction_profile,
)
from conformance.peers.csms_scenes import accepting, charging, commanded, judged, reads, station_16, valid_token
from conformance.peers.equipment import Evse
from conformance.peers.received import NotSeen, Received
from conformance.peers.replies import Error
from conformance.peers.station import StationPeer
from conformance.sut.drivers import CsmsDriver, DriverFailed
from conformance.sut.profile import SutProfile

ACCEPTED, REJECTED, UNKNOWN = {"status": "Accepted"}, {"status": "Rejected"}, {"status": "Unknown"}
WHOLE_DAY = 24 * HOUR
MAXIMUM = "ChargingStationMaxProfile"


# -- defaults and the maximum of the station --------------------------------------------------------------------------


@case(
    "TC_K_01_CSMS",
    "A default profile for one EVSE: the CSMS sets it there, with all that it was told",
    requirements=["CSMS.PROFILE.01", "CSMS.PROFILE.02"],
    severity=Severity.BLOCKER,
    needs="smart-charging",
)
@case(
    "TC_056_CSMS",
    "A default profile for one connector: the central system sets it there, with all that it was told",
    versions=["1.6"],
    requirements=["16.PROFILECS.01", "16.PROFILECS.02"],
    severity=Severity.BLOCKER,
    needs="smart-charging",
)
async def test_default(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """6 A for an hour from now."""
    async with cleared(csms, station):
        await set_as_told(csms, station, spec, profile, set_profile(station, default_profile()))


@case(
    "TC_K_10_CSMS",
    "A default profile for all EVSEs: the CSMS sets it for the station",
    requirements=["CSMS.PROFILE.01", "CSMS.PROFILE.02"],
    severity=Severity.CRITICAL,
    needs="smart-charging and default-profile-for-station",
)
@case(
    "DEFAULT_FOR_ALL_CSMS",
    "A default profile for all connectors: the central system sets it for the charge point",
    versions=["1.6"],
    requirements=["16.PROFILECS.01", "16.PROFILECS.02"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_default_for_all(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """At EVSE 0."""
    async with cleared(csms, station):
        await set_as_told(csms, station, spec, profile, set_profile(station, default_profile(evse=0)))


@case(
    "TC_K_03_CSMS",
    "A maximum for the station: the CSMS sets it there",
    requirements=["CSMS.PROFILE.01", "CSMS.PROFILE.02"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
@case(
    "STATION_MAXIMUM_CSMS",
    "A maximum for the charge point: the central system sets it there",
    versions=["1.6"],
    requirements=["16.PROFILECS.01", "16.PROFILECS.02"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_station_maximum(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """8 A for an hour from now."""
    async with cleared(csms, station):
        await set_as_told(csms, station, spec, profile, set_profile(station, station_maximum()))


@case(
    "TC_K_19_CSMS",
    "A default profile that recurs: the CSMS sets it for each day, and for each week",
    requirements=["CSMS.PROFILE.01", "CSMS.PROFILE.02"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
@case(
    "RECURRING_PROFILE_CSMS",
    "A default profile that recurs: the central system sets it for each day, and for each week",
    versions=["1.6"],
    requirements=["16.PROFILECS.01", "16.PROFILECS.02"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_recurring(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The second takes the place of the first."""
    daily = default_profile(kind="Recurring", recurs="Daily", valid=None)
    async with cleared(csms, station):
        for each in (daily, replace(daily, recurs="Weekly")):
            await set_as_told(csms, station, spec, profile, set_profile(station, each))


@case(
    "SCHEDULE_UNCHANGED_CSMS",
    "A schedule of a whole day comes to the station as the operator wrote it: each period, limit and time",
    versions=["2.0.1", "1.6"],
    requirements=["CSMS.PROFILE.01", "CSMS.PROFILE.02"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_unchanged(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Watts with a decimal, 0, one phase now and then; and in amperes."""
    hours = [
        Period(hour * HOUR, 0.0 if hour == 3 else round(4000.1 + 250 * hour, 1), 1 + 2 * (hour % 2))
        for hour in range(24)
    ]
    day = default_profile(periods=tuple(hours), unit="W", duration=WHOLE_DAY, valid=2 * WHOLE_DAY)
    amperes = (Period(0, 6.1), Period(60, 16.0, 1), Period(900, 9.7, 3), Period(1500, 31.9))
    async with cleared(csms, station):
        for each in (day, replace(day, periods=amperes, unit="A")):
            await set_as_told(csms, station, spec, profile, set_profile(station, each))


# -- transactions -----------------------------------------------------------------------------------------------------


@case(
    "TC_K_60_CSMS",
    "A profile for a transaction that runs: the CSMS sets it for that one",
    requirements=["CSMS.PROFILE.01", "CSMS.PROFILE.02"],
    severity=Severity.BLOCKER,
    needs="smart-charging",
)
@case(
    "TC_057_CSMS",
    "A profile for a transaction that runs: the central system sets it for that one",
    versions=["1.6"],
    requirements=["16.PROFILECS.01", "16.PROFILECS.02"],
    severity=Severity.BLOCKER,
    needs="smart-charging",
)
async def test_transaction(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """On the last EVSE."""
    running = await charging(csms, station, profile, station.equipment.evses[-1])
    async with cleared(csms, station):
        await set_as_told(csms, station, spec, profile, set_profile(station, transaction_profile(running)))


@case(
    "TX_PROFILE_ABSOLUTE_CSMS",
    "A profile for a transaction with times of its own: the CSMS sets it, and another limit takes its place",
    requirements=["CSMS.PROFILE.01", "CSMS.PROFILE.02", "K01.FR.39"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
@case(
    "TX_PROFILE_ABSOLUTE_16_CSMS",
    "A profile for a transaction with times of its own: the central system sets it, and another limit takes its place",
    versions=["1.6"],
    requirements=["16.PROFILECS.01", "16.PROFILECS.02"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_transaction_again(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Within the same transaction; no two of its profiles may have one level."""
    running = await charging(csms, station, profile, station.equipment.evses[0])
    wanted = transaction_profile(running, kind="Absolute", duration=HOUR)
    mark = station.now
    async with cleared(csms, station):
        for each in (wanted, wanted.limited_to(10.0)):
            await set_as_told(csms, station, spec, profile, set_profile(station, each))
        await reads_one(csms, station, profile)
        judge(station, spec, "K01.FR.39", since=mark)


@case(
    "TC_K_02_CSMS",
    "A profile for a transaction that is over is rejected, and the CSMS goes on",
    requirements=["CSMS.PROFILE.01", "CSMS.COMMAND.01"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
@case(
    "TX_PROFILE_TOO_LATE_CSMS",
    "A profile for a transaction that is over is rejected, and the central system goes on",
    versions=["1.6"],
    requirements=["16.PROFILECS.01", "16.COMMAND.01"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_too_late(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """A CSMS that sends no such profile is as right."""
    evse = station.equipment.evses[0]
    running = await charging(csms, station, profile, evse)
    await station.stop(running)
    await station.unplug(evse.id, evse.connectors[0].id)
    command = set_profile(station, transaction_profile(running))
    station.keep_answering(command.action, REJECTED)
    try:
        asked = await commanded(csms, station, profile, command)
    except (NotSeen, DriverFailed):
        spec.excuse(PLACE, "nothing is sent about a transaction that is over")
    else:
        with spec(PLACE):
            wrong = sent.place_and_kind(command.payload, asked)
            assert not wrong, f"{command} is not what was asked for: {sent.words(wrong)}"
    await goes_on(csms, station, spec, profile)


# -- several, and other answers ---------------------------------------------------------------------------------------


@case(
    "TC_K_04_CSMS",
    "A profile with another limit takes the place of the one before: the CSMS sets it under the same id",
    requirements=["CSMS.PROFILE.01", "CSMS.PROFILE.02", "K01.FR.06"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
@case(
    "PROFILE_REPLACED_CSMS",
    "A profile with another limit takes the place of the one before",
    versions=["1.6"],
    requirements=["16.PROFILECS.01", "16.PROFILECS.02"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_replaced(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """8 A, then 6 A; one under another id may only be there once the first is cleared."""
    mark = station.now
    async with cleared(csms, station):
        for each in (8.0, 6.0):
            wanted = default_profile(valid=None).limited_to(each)
            await set_as_told(csms, station, spec, profile, set_profile(station, wanted))
        await reads_one(csms, station, profile)
        judge(station, spec, "K01.FR.06", since=mark)


@case(
    "TC_K_70_CSMS",
    "Two profiles while a transaction runs: the CSMS sets a default and a maximum, each under its own id",
    requirements=["CSMS.PROFILE.01", "CSMS.PROFILE.02", "CSMS.PROFILE.06"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
@case(
    "TWO_PROFILES_CSMS",
    "Two profiles while a transaction runs: the central system sets a default and a maximum, each under its own id",
    versions=["1.6"],
    requirements=["16.PROFILECS.01", "16.PROFILECS.02", "16.PROFILECS.16"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_two(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """One must not take the place of the other."""
    await charging(csms, station, profile, station.equipment.evses[0])
    async with cleared(csms, station):
        ids = []
        for each in (default_profile(), station_maximum()):
            asked = await set_as_told(csms, station, spec, profile, set_profile(station, each))
            ids.append(profile_id(asked))
        with spec("CSMS.PROFILE.06"):
            assert ids[0] != ids[1], f"both profiles have the id {ids[0]}, so that the second replaces the first"


@case(
    "TC_K_15_CSMS",
    "A station without smart charging answers a profile with an error: the CSMS goes on",
    requirements=["CSMS.PROFILE.01", "CSMS.COMMAND.01"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
@case(
    "PROFILE_NOT_SUPPORTED_CSMS",
    "A charge point without smart charging answers a profile with an error: the central system goes on",
    versions=["1.6"],
    requirements=["16.PROFILECS.01", "16.COMMAND.01"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_not_supported(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """CALLERROR NotSupported."""
    command = set_profile(station, default_profile())
    station.keep_answering(command.action, Error("NotSupported", "no smart charging here"))
    await asked_just_so(csms, station, spec, profile, command, PLACE, sent.place_and_kind)
    await goes_on(csms, station, spec, profile)


# -- clearing ---------------------------------------------------------------------------------------------------------


@case(
    "TC_K_05_CSMS",
    "A profile that the station has reported is cleared by its id",
    requirements=["CSMS.CLEARPROFILE.01", "J.ANSWER.01"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_clear_by_id(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """It asks for the profiles first, and learns the id by that."""
    there = station_maximum()
    with having(station, there):
        listed = await commanded(csms, station, profile, get_profiles(0, chargingProfilePurpose=MAXIMUM))
        with spec("J.ANSWER.01"):
            await station.told("ReportChargingProfiles", after=listed)
        command = clear_by_id(station, there.id)
        await asked_just_so(csms, station, spec, profile, command, CLEAR_ID, sent.cleared)


@case(
    "TC_K_06_CSMS",
    "A default profile is cleared by its place, purpose and level",
    requirements=["CSMS.CLEARPROFILE.02"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_clear_like(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Nothing else is cleared by that."""
    there = default_profile(level=1)
    with having(station, there):
        await asked_just_so(csms, station, spec, profile, clear_like(station, there), CLEAR_CRITERIA, sent.cleared)


@case(
    "TC_K_08_CSMS",
    "The station has no profile that is to be cleared: the CSMS goes on",
    requirements=["CSMS.CLEARPROFILE.02", "CSMS.COMMAND.01"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
@case(
    "NOTHING_TO_CLEAR_CSMS",
    "The charge point has no profile that is to be cleared: the central system goes on",
    versions=["1.6"],
    requirements=["16.PROFILECS.13", "16.COMMAND.01"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_nothing_to_clear(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Unknown."""
    command = clear_like(station, default_profile())
    station.keep_answering(command.action, UNKNOWN)
    await asked_just_so(csms, station, spec, profile, command, CLEAR_CRITERIA, sent.cleared)
    await goes_on(csms, station, spec, profile)


@case(
    "TC_067_CSMS",
    "Of three profiles one is cleared by its id, one by what it is for, and the rest without naming any",
    versions=["1.6"],
    requirements=["16.PROFILECS.01", "16.PROFILECS.12", "16.PROFILECS.13", "16.PROFILECS.14"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_clear_three(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Default profiles of three levels."""
    stack = [default_profile(level=level) for level in range(3)]
    async with cleared(csms, station):
        ids = []
        for each in stack:
            command = set_profile(station, each)
            asked = await asked_just_so(csms, station, spec, profile, command, PLACE, sent.place_and_kind)
            ids.append(profile_id(asked))
        by_id = clear_by_id(station, ids[0])
        await asked_just_so(csms, station, spec, profile, by_id, CLEAR_ID, sent.cleared)
        like = clear_like(station, stack[1])
        await asked_just_so(csms, station, spec, profile, like, CLEAR_CRITERIA, sent.cleared)
        await asked_just_so(csms, station, spec, profile, clear_all(), "16.PROFILECS.14", sent.cleared)


# -- remote starts ----------------------------------------------------------------------------------------------------


@case(
    "TC_K_37_CSMS",
    "A remote start with a profile: the CSMS sends both, and takes what comes of it",
    requirements=["CSMS.REMOTESTART.01", "CSMS.REMOTESTART.02", "K05.FR.02", "F01.FR.11", "J02.FR.19"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_start(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The plug is in already, and its transaction goes on with the profile."""
    token, evse = await valid_token(csms, profile), station.equipment.evses[0]
    await station.plug_in(evse.id, evse.connectors[0].id)
    running = evse.transaction
    assert running is not None
    told = {**ACCEPTED, "transactionId": running.id}
    asked = await started_with_profile(csms, station, spec, profile, token, evse, told)
    async with judged(station, spec, profile):
        await station.dialect.start(station.call, evse, token, asked["remoteStartId"])


@case(
    "TC_059_CSMS",
    "A remote start with a profile: the central system sends both, and takes what comes of it",
    versions=["1.6"],
    requirements=[
        "16.TX.50",
        "16.PROFILECS.11",
        "16.PROFILECS.09",
        "16.PROFILECS.10",
        "16.TX.03",
        "16.STATUS.08",
        "16.TX.05",
        "16.TX.06",
    ],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_start_16(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The driver plugs in after it."""
    token, evse = await valid_token(csms, profile), station.equipment.evses[0]
    await started_with_profile(csms, station, spec, profile, token, evse, ACCEPTED)
    number = station_16(station).number(evse, evse.connectors[0])
    async with judged(station, spec, profile):
        await station.authorize(token)
        preparing = v16.status_notification(number, "Preparing", at=station.equipment.clock.stamp())
        await station.call("StatusNotification", preparing)
        evse.connectors[0].plugged = True
        await station.dialect.start(station.call, evse, token)


# -- steps ------------------------------------------------------------------------------------------------------------


async def started_with_profile(  # noqa: PLR0913 -- what both versions have in common
    csms: CsmsDriver,
    station: StationPeer,
    spec: Spec,
    profile: SutProfile,
    token: dict[str, str],
    evse: Evse,
    answer: dict[str, str],
) -> Received:
    """Have the CSMS start a transaction with a profile, and judge the call; what has to follow is up to the case."""
    command = remote_start_limited(station, token, evse, start_profile(evse))
    station.keep_answering(command.action, accepting(command, otherwise=answer))
    with spec.must("CSMS.REMOTESTART.01"):
        asked = await commanded(csms, station, profile, command)
    with spec(AT_START):
        wrong = start_as_told(command.payload, asked)
        assert not wrong, f"the profile in {command} is not what was asked for: {sent.words(wrong)}"
    for requirement in ("K05.FR.02", "F01.FR.11"):
        judge(station, spec, requirement, since=asked.n)
    return asked


async def goes_on(csms: CsmsDriver, station: StationPeer, spec: Spec, profile: SutProfile) -> None:
    """After a refusal the CSMS can send another command, and answers."""
    with spec("CSMS.COMMAND.01"):
        await reads_one(csms, station, profile)
        await station.heartbeat()


async def reads_one(csms: CsmsDriver, station: StationPeer, profile: SutProfile) -> None:
    """Have it send something else: what comes by then was all."""
    await commanded(csms, station, profile, reads(station)[0])


def profile_id(asked: Received) -> int:
    """The id that a profile has come with, which a CSMS may choose."""
    carried = sent.Carried.read(asked)
    assert carried is not None
    assert isinstance(carried.id, int), f"the profile has the id {carried.id}"
    return carried.id


def judge(station: StationPeer, spec: Spec, requirement: str, *, since: int) -> None:
    """Judge one of the rules for what a CSMS sends about profiles, from entry `since` on."""
    if not spec.declares(requirement):
        return
    with spec(requirement):
        found = sent.rules(station.transcript, station.identity, told=is_told)[requirement]
        late = [miss for miss in found if miss.entries[-1].n >= since]
        station.touch(*(entry for miss in late for entry in miss.entries))
        assert not late, summary(late)
