"""Use cases K08, K09 and K11 to K13: what a CSMS asks a station about charging, what it is told, and the rules of K."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles import profiles_sent as sent
from conformance.oracles.wire import summary
from conformance.peers.charging_orders import (
    COMPOSITE,
    GET,
    HOUR,
    Period,
    asked_just_so,
    clear_by_id,
    clear_like,
    cleared,
    composite_schedule,
    default_profile,
    external_limit,
    get_profiles,
    having,
    is_told,
    keeps,
    limits_from_elsewhere,
    listings,
    odd_charging_answers,
    remote_start_limited,
    reported,
    set_profile,
    start_profile,
    station_maximum,
    transaction_profile,
)
from conformance.peers.csms_scenes import (
    DEFAULT,
    Command,
    accepting,
    charging,
    commanded,
    judged,
    reads,
    valid_token,
)
from conformance.peers.received import NoAnswer, NotSeen, Refused
from conformance.peers.replies import Payload
from conformance.peers.station import StationPeer
from conformance.peers.tellings import event
from conformance.sut.drivers import CsmsDriver, DriverFailed, Unsupported
from conformance.sut.profile import SutProfile
from conformance.wire.frames import Call
from conformance.wire.transcript import Transcript

ACCEPTED = {"status": "Accepted"}
DEFAULT_PURPOSE, MAXIMUM, EXTERNAL = (
    "TxDefaultProfile",
    "ChargingStationMaxProfile",
    "ChargingStationExternalConstraints",
)
NOT_HERE = ("NotSupported", "NotImplemented")


# -- the profiles of a station ----------------------------------------------------------------------------------------


@case(
    "TC_K_29_CSMS",
    "The CSMS asks for the profiles of the station itself, and takes the report",
    requirements=["CSMS.GETPROFILES.01", "J.ANSWER.01"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_get_station(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """While somebody charges."""
    await charging(csms, station, profile, station.equipment.evses[0])
    await listed(station, csms, spec, profile, get_profiles(0, chargingProfilePurpose=MAXIMUM))


@case(
    "TC_K_30_CSMS",
    "The CSMS asks for the profiles of one EVSE, and takes the report",
    requirements=["CSMS.GETPROFILES.01", "J.ANSWER.01"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_get_evse(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The defaults there."""
    await listed(station, csms, spec, profile, get_profiles(1, chargingProfilePurpose=DEFAULT_PURPOSE))


@case(
    "TC_K_31_CSMS",
    "The CSMS asks for profiles without naming an EVSE, and takes the reports about each",
    requirements=["CSMS.GETPROFILES.01", "J.ANSWER.01"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_get_everywhere(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """One part of the report for each EVSE."""
    evses = [each.id for each in station.equipment.evses]
    await listed(station, csms, spec, profile, get_profiles(chargingProfilePurpose=DEFAULT_PURPOSE), evses=evses)


@case(
    "TC_K_32_CSMS",
    "The CSMS asks for a profile by its id, and takes the report",
    requirements=["CSMS.GETPROFILES.01", "J.ANSWER.01"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_get_by_id(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Nothing else is named beside it."""
    await listed(station, csms, spec, profile, get_profiles(chargingProfileId=[default_profile().id]))


@case(
    "TC_K_33_CSMS",
    "The CSMS asks for the profiles of one EVSE with a level, and takes the report",
    requirements=["CSMS.GETPROFILES.01", "J.ANSWER.01"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_get_level(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Level 0, which is easily taken for none."""
    await listed(station, csms, spec, profile, get_profiles(1, stackLevel=0))


@case(
    "TC_K_34_CSMS",
    "The CSMS asks for the profiles of one EVSE from one source, and takes the report",
    requirements=["CSMS.GETPROFILES.01", "J.ANSWER.01"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_get_source(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Those that came from the CSMS."""
    await listed(station, csms, spec, profile, get_profiles(1, chargingLimitSource=["CSO"]))


@case(
    "TC_K_35_CSMS",
    "The CSMS asks for the profiles of the last EVSE with a purpose, and takes the report",
    requirements=["CSMS.GETPROFILES.01", "J.ANSWER.01"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_get_purpose(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The defaults there."""
    last = station.equipment.evses[-1].id
    await listed(station, csms, spec, profile, get_profiles(last, chargingProfilePurpose=DEFAULT_PURPOSE))


@case(
    "TC_K_36_CSMS",
    "The CSMS asks for the profiles of one EVSE with a purpose and a level, and takes the report",
    requirements=["CSMS.GETPROFILES.01", "J.ANSWER.01"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_get_purpose_and_level(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Both have to match."""
    criteria = {"chargingProfilePurpose": DEFAULT_PURPOSE, "stackLevel": 0}
    await listed(station, csms, spec, profile, get_profiles(1, **criteria))


async def listed(  # noqa: PLR0913 -- what these have in common
    station: StationPeer,
    csms: CsmsDriver,
    spec: Spec,
    profile: SutProfile,
    command: Command,
    *,
    evses: Sequence[int] = (),
) -> None:
    """The station has a maximum, and a default for each EVSE; the CSMS asks for some, and each report is answered."""
    defaults = [default_profile(evse=each.id) for each in station.equipment.evses]
    with having(station, station_maximum(), *defaults):
        asked = await asked_just_so(csms, station, spec, profile, command, GET, sent.got)
        for evse in evses or (None,):
            with spec("J.ANSWER.01"):
                await station.told(
                    "ReportChargingProfiles",
                    after=asked,
                    where=lambda part, evse=evse: evse in (None, part["evseId"]),  # type: ignore[misc]
                )


@case(
    "TC_K_52_CSMS",
    "The CSMS takes a report about a limit from elsewhere, and sets none like it",
    requirements=["CSMS.GETPROFILES.01", "J.ANSWER.01", "K01.FR.22", "K10.FR.06"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_get_external(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """By its purpose, which only a station may use, and a negative id."""
    mark = station.now
    command = get_profiles(0, chargingProfilePurpose=EXTERNAL)
    station.keep_answering(command.action, accepting(command, otherwise=ACCEPTED))
    asked = await asked_just_so(csms, station, spec, profile, command, GET, sent.got)
    with spec("J.ANSWER.01"):
        told = reported(asked["requestId"], 0, [external_limit(station)], source="EMS")
        await station.call("ReportChargingProfiles", told)
    await reads_one(csms, station, profile)
    judge(station, spec, ("K01.FR.22", "K10.FR.06"), since=mark)


@case(
    "REPORT_IN_PARTS_CSMS",
    "A long report about profiles comes in parts, from several sources: the CSMS takes each, and goes on",
    requirements=["J.ANSWER.01", "CSMS.COMMAND.01"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_parts(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Many profiles, long schedules, and what is rare in them; every part but the last says that others follow."""
    command = get_profiles(chargingProfilePurpose=DEFAULT_PURPOSE)
    station.keep_answering(command.action, accepting(command, otherwise=ACCEPTED))
    asked = await commanded(csms, station, profile, command)
    parts = [*odd_parts(station)]
    for number, (evse, source, profiles) in enumerate(parts, 1):
        with spec("J.ANSWER.01"):
            more = number < len(parts)
            told = reported(asked["requestId"], evse, profiles, source=source, more=more)
            await station.call("ReportChargingProfiles", told)
    with spec("CSMS.COMMAND.01"):
        await reads_one(csms, station, profile)


def odd_parts(station: StationPeer) -> list[tuple[int, str, list[Payload]]]:
    """The parts of a report: where, from whom, and the profiles."""
    stack: list[Payload] = [default_profile(level=level).payload(station) for level in range(8)]
    long = tuple(Period(60 * minute, 6.0 + minute % 26) for minute in range(1024))
    forever = default_profile(valid=None, duration=None, level=9, periods=long).payload(station)
    other: dict[str, Any] = {"id": -2147483648, "customData": {"vendorId": "com.example", "colour": "green"}}
    schedule = external_limit(station)["chargingSchedule"][0] | {"minChargingRate": 6.1}
    negotiated = [schedule | {"id": number} for number in (1, 2, 3)]
    return [
        (1, "CSO", stack),
        (1, "CSO", [forever]),
        (0, "EMS", [external_limit(station) | other]),
        (0, "SO", [external_limit(station) | {"chargingSchedule": negotiated}]),
        (2, "Other", [default_profile(evse=2).payload(station)]),
    ]


# -- composite schedules ----------------------------------------------------------------------------------------------


@case(
    "TC_K_43_CSMS",
    "The CSMS asks what an EVSE may draw, for as long and in the unit that it was told",
    requirements=["CSMS.COMPOSITE.01"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
@case(
    "TC_066_CSMS",
    "The central system asks what a connector may draw, for as long and in the unit that it was told",
    versions=["1.6"],
    requirements=["16.PROFILECS.15"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_composite(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Five minutes in either unit."""
    for unit in ("A", "W"):
        command = composite_schedule(station, 1, 300, unit)
        await asked_just_so(csms, station, spec, profile, command, COMPOSITE, sent.composite)


@case(
    "TC_K_44_CSMS",
    "The CSMS asks what the whole station may draw",
    requirements=["CSMS.COMPOSITE.01"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
@case(
    "COMPOSITE_OF_STATION_CSMS",
    "The central system asks what the whole charge point may draw",
    versions=["1.6"],
    requirements=["16.PROFILECS.15"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_composite_station(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """EVSE 0."""
    command = composite_schedule(station, 0, HOUR)
    await asked_just_so(csms, station, spec, profile, command, COMPOSITE, sent.composite)


# -- answers of every kind --------------------------------------------------------------------------------------------


@case(
    "CHARGING_ANSWERS_CSMS",
    "Whatever a station answers about charging profiles, within the schema, the CSMS can send other commands",
    versions=["2.0.1", "1.6"],
    requirements=["CSMS.COMMAND.01"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_answers(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Refusals with every reason, schedules that are empty, odd or long, and errors, one after the other."""
    await reads_one(csms, station, profile)
    told = ""
    for odd in odd_charging_answers(station):
        command = odd.command
        station.keep_answering(command.action, accepting(command, odd.answer, otherwise=DEFAULT))
        with spec.must("CSMS.COMMAND.01"):
            try:
                await commanded(csms, station, profile, command)
            except Unsupported:
                continue
            except NotSeen as missing:
                raise AssertionError(f"{missing}; before it, {told or 'nothing odd was answered'}") from missing
        told = f"{command} was answered with {odd.what}"
    keeps(station).clear()
    with spec("CSMS.COMMAND.01"):
        await reads_one(csms, station, profile)
        await station.heartbeat()


# -- limits from elsewhere --------------------------------------------------------------------------------------------


@case(
    "TC_K_48_CSMS",
    "The CSMS takes a limit from elsewhere, and sets none like it",
    requirements=["J.ANSWER.01", "K01.FR.22"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_limit(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Without a schedule, and with one, of the whole station and of an EVSE."""
    mark = station.now
    schedule = external_limit(station)["chargingSchedule"]
    for told in (
        {"chargingLimit": {"chargingLimitSource": "EMS"}},
        {"chargingLimit": {"chargingLimitSource": "SO", "isGridCritical": True}, "chargingSchedule": schedule},
        {"chargingLimit": {"chargingLimitSource": "EMS"}, "chargingSchedule": schedule, "evseId": 1},
    ):
        await taken(station, spec, "NotifyChargingLimit", told)
    await reads_one(csms, station, profile)
    judge(station, spec, ("K01.FR.22",), since=mark)


@case(
    "TC_K_50_CSMS",
    "The CSMS takes it that a limit from elsewhere is gone",
    requirements=["J.ANSWER.01"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_limit_gone(station: StationPeer, spec: Spec) -> None:
    """Nobody charges."""
    await taken(station, spec, "ClearedChargingLimit", {"chargingLimitSource": "EMS"})
    await taken(station, spec, "ClearedChargingLimit", {"chargingLimitSource": "Other", "evseId": 1})


@case(
    "TC_K_51_CSMS",
    "The CSMS takes it that a limit from elsewhere is gone while somebody charges, and what that changes",
    requirements=["J.ANSWER.01", "J02.FR.19"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_limit_gone_charging(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The rate changes by it."""
    evse = station.equipment.evses[0]
    running = await charging(csms, station, profile, evse)
    await taken(station, spec, "ClearedChargingLimit", {"chargingLimitSource": "EMS"})
    async with judged(station, spec, profile):
        changed = event(station, running, "Updated", "ChargingRateChanged", state="Charging")
        await station.call("TransactionEvent", changed)


async def taken(station: StationPeer, spec: Spec, action: str, told: Payload) -> None:
    """Tell something of a limit; the certification asks no CSMS to have these messages, so that one without may say so.

    Raises nothing.
    """
    try:
        await station.call(action, told)
    except Refused as refused:
        if refused.code in NOT_HERE:
            spec.warn("J.ANSWER.01", f"it does not know {action}: limits from elsewhere go by unnoticed")
            return
        with spec("J.ANSWER.01"):
            raise
    except NoAnswer:
        with spec("J.ANSWER.01"):
            raise
    else:
        with spec("J.ANSWER.01"):
            pass


# -- always on --------------------------------------------------------------------------------------------------------


@case(
    "PROFILES_BY_THE_RULES_CSMS",
    "What the CSMS sends about charging profiles, of its own accord or not, keeps to the rules for them",
    versions=["2.0.1", "1.6"],
    requirements=list(sent.RULES),
    severity=Severity.CRITICAL,
    always_on=True,
    needs="smart-charging",
)
async def test_by_the_rules(
    station: StationPeer, csms: CsmsDriver, spec: Spec, transcript: Transcript, profile: SutProfile
) -> None:
    """Look at all of the session; where the CSMS had no occasion for something, give it one.

    Nobody has asked it for anything that breaks a rule: what does is its own making.
    """
    async with cleared(csms, station):
        if not sent_so_far(transcript, station) >= {"SetChargingProfile", "ClearChargingProfile"}:
            with suppress(AssertionError, Unsupported, DriverFailed):
                await occasions(station, csms, profile)
    seen = sent_so_far(transcript, station)
    for requirement in sent.RULES:
        actions = OCCASIONS.get(requirement, {"SetChargingProfile"})
        if not seen & {"SetChargingProfile", *STARTS}:
            spec.unproven(requirement, "the CSMS has sent no charging profile")
        elif not seen & actions:
            spec.excuse(requirement, f"the CSMS has sent no {' or '.join(sorted(actions))}")
        else:
            judge(station, spec, (requirement,), since=0)


STARTS = frozenset({"RequestStartTransaction", "RemoteStartTransaction"})
OCCASIONS = {
    "K05.FR.02": STARTS,
    "F01.FR.11": STARTS,
    "K09.FR.03": {"GetChargingProfiles"},
    "K10.FR.02": {"ClearChargingProfile"},
    "K10.FR.06": {"ClearChargingProfile"},
}
"""What a rule is about, where that is not SetChargingProfile."""


def sent_so_far(transcript: Transcript, station: StationPeer) -> set[str]:
    """The actions that the CSMS has called, those that may carry a profile only where they did."""
    frames = [each.frame for each in transcript.frames(sender="sut", station=station.identity, kind=Call)]
    calls = [each for each in frames if isinstance(each, Call)]
    return {each.action for each in calls if each.action not in STARTS or "chargingProfile" in each.payload}


async def occasions(station: StationPeer, csms: CsmsDriver, profile: SutProfile) -> None:
    """Profiles of each purpose and kind, each replaced once, a remote start with one, limits from elsewhere."""
    daily = default_profile(kind="Recurring", recurs="Daily", valid=None, periods=(Period(0, 6.0), Period(60, 9.0)))
    setting = [default_profile(evse=0, level=1, valid=None), daily, station_maximum()]
    asked = [set_profile(station, each) for each in setting]
    asked += [set_profile(station, each.limited_to(*[10.0] * len(each.periods))) for each in setting]
    asked += [clear_like(station, daily), clear_by_id(station, setting[0].id), *listings(station)]
    await tried(csms, station, profile, *asked)
    evse = station.equipment.evses[0]
    start = remote_start_limited(station, await valid_token(csms, profile), evse, start_profile(evse))
    station.keep_answering(start.action, {"status": "Rejected"})
    await tried(csms, station, profile, start)
    running = await charging(csms, station, profile, evse)
    wanted = transaction_profile(running)
    absolute = replace(wanted, kind="Absolute", duration=HOUR)
    await tried(csms, station, profile, *(set_profile(station, each) for each in (wanted, absolute)))
    for action, told in limits_from_elsewhere(station):
        with suppress(Refused, NoAnswer):
            await station.call(action, told)
    await tried(csms, station, profile, reads(station)[0])
    await station.unplug(evse.id, evse.connectors[0].id)


async def tried(csms: CsmsDriver, station: StationPeer, profile: SutProfile, *commands: Command) -> None:
    """Have the CSMS send these, where it can."""
    for each in commands:
        with suppress(NotSeen, Unsupported, DriverFailed):
            await commanded(csms, station, profile, each)


# -- steps ------------------------------------------------------------------------------------------------------------


async def reads_one(csms: CsmsDriver, station: StationPeer, profile: SutProfile) -> None:
    """Have it send something else: what comes by then was all."""
    await commanded(csms, station, profile, reads(station)[0])


def judge(station: StationPeer, spec: Spec, requirements: Sequence[str], *, since: int) -> None:
    """Judge some of the rules for what a CSMS sends about profiles, from entry `since` on."""
    found = sent.rules(station.transcript, station.identity, told=is_told)
    for requirement in requirements:
        with spec(requirement):
            late = [miss for miss in found[requirement] if miss.entries[-1].n >= since]
            station.touch(*(entry for miss in late for entry in miss.entries))
            assert not late, summary(late)
