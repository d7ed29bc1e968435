"""Use cases K05, K09 and K10: profiles that come with a remote start, are reported, and are cleared."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.charging import Running
from conformance.oracles.kept_profiles import (
    CSO,
    Installed,
    Wanted,
    ending,
    faults,
    misattributed,
    repeated,
    told,
)
from conformance.peers.csms import CsmsPeer
from conformance.peers.kept_profiles import (
    REPORT,
    ProfileReport,
    Rates,
    ask,
    ask_only,
    check_composite,
    collect,
    drafted,
    install,
    rates,
    still_there,
    unanswered,
    unused_id,
)
from conformance.peers.received import NotSeen, Received, Refused
from conformance.peers.scenes import Charging, Connector, reboot, running, vacated
from conformance.peers.standing_profiles import set_aside
from conformance.peers.transaction_scenes import (
    EVENT,
    HARMLESS,
    remote_number,
    somebody_plugs_in,
    time_for_the_plug,
    under_way,
)
from conformance.peers.v201 import clear_charging_profiles
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile

MAX, DEFAULT, TX = "ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile"
STATION = 0
REMOTE = "(remote-start-iso14443 or remote-start-no-authorization)"
OTHER_SOURCES = ("SO", "EMS", "Other")
_FEW = 3
_AROUND_READY = timedelta(seconds=5)
"""How far from what it tells a station may see an EV ready for energy."""


# -- K10: cleared -----------------------------------------------------------------------------------------------------


@case(
    "TC_K_05_CS",
    "A profile is cleared by its id, and no other with it",
    requirements=["K10.FR.03"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_clear_by_id(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set two, clear one, and ask which is still there."""
    evse = profile.evse[0].id
    async with set_aside(csms):
        rate = await rates(csms, profile, evse)
        other = await install(csms, rate, STATION, MAX)
        cleared = await install(csms, rate, evse, DEFAULT)
        await _cleared(csms, spec, "K10.FR.03", gone=[cleared], kept=[other], id=cleared.id)


@case(
    "TC_K_06_CS",
    "A profile is cleared by its purpose and its stack level, while an EV charges",
    requirements=["K10.FR.04"],
    severity=Severity.CRITICAL,
    needs="smart-charging",
)
async def test_clear_by_criteria(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set profiles that share the purpose or the level, clear the one that has both, and ask which are still there."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with set_aside(csms), vacated(station, csms):
        rate = await rates(csms, profile, spot[0])
        others = [await install(csms, rate, STATION, MAX)]
        if rate.top_level:
            others.append(await install(csms, rate, spot[0], DEFAULT, level=1))
        cleared = await install(csms, rate, spot[0], DEFAULT)
        await under_way(station, csms, spot, token)
        await _cleared(csms, spec, "K10.FR.04", gone=[cleared], kept=others, purpose=DEFAULT, stack_level=0)


@case(
    "TC_K_07_CS",
    "Clearing a purpose and a level that no profile has leaves all profiles alone, and is answered so",
    requirements=["K10.FR.01"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_clear_unknown_criteria(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set one, clear another, and ask whether the first is still there."""
    evse = profile.evse[0].id
    async with set_aside(csms):
        rate = await rates(csms, profile, evse)
        other = await install(csms, rate, evse, DEFAULT, level=rate.level(1))
        answer = await csms.speak.clear_charging_profiles(purpose=MAX, stack_level=0)
        left = await still_there(csms, other)
        with spec("K10.FR.01"):
            csms.touch(answer)
            _says_unknown(answer, f"no {MAX} was set")
            assert left, f"no {MAX} was set, and clearing it cleared {other}"


@case(
    "TC_K_08_CS",
    "Clearing a profile where there is none is answered so",
    requirements=["K10.FR.01"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_clear_nothing(csms: CsmsPeer, spec: Spec) -> None:
    """Clear an id that was never set."""
    async with set_aside(csms):
        number = unused_id()
        with spec("K10.FR.01"):
            answer = await csms.speak.clear_charging_profiles(id=number)
            _says_unknown(answer, f"no profile {number} was set")


@case(
    "TC_K_24_CS",
    "All profiles of a purpose and a stack level are cleared at once",
    requirements=["K10.FR.04"],
    severity=Severity.NORMAL,
    needs="smart-charging and evses > 1",
)
async def test_clear_several(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set the same on two EVSEs and something else on the station, clear the first two, and ask what is still there."""
    one, two = (evse.id for evse in profile.evse[:2])
    async with set_aside(csms):
        rate = await rates(csms, profile, one)
        other = await install(csms, rate, STATION, MAX)
        cleared = [
            await install(csms, rate, one, DEFAULT),
            await install(csms, await rates(csms, profile, two), two, DEFAULT),
        ]
        await _cleared(csms, spec, "K10.FR.04", gone=cleared, kept=[other], purpose=DEFAULT, stack_level=0)


@case(
    "CLEAR_PROFILES_OF_EVSE_CS",
    "The profiles of one EVSE are cleared, or those of the station itself, and no others",
    requirements=["K10.FR.04"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_clear_by_evse(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set one profile on each EVSE and one on the station; clear those of the first EVSE, then those of EVSE 0."""
    async with set_aside(csms):
        (overall,) = await _on_station(csms, profile)
        first, *others = await _on_every_evse(csms, profile)
        await _cleared(csms, spec, "K10.FR.04", gone=[first], kept=[overall, *others], evse=first.evse)
        await _cleared(csms, spec, "K10.FR.04", gone=[overall], kept=others, evse=STATION)


@case(
    "CLEAR_PROFILES_BY_ID_FIRST_CS",
    "A request to clear that names an id is about that profile, whatever else it names",
    requirements=["KEPT.CLEAR.01"],
    severity=Severity.MINOR,
    needs="smart-charging",
)
async def test_clear_id_and_criteria(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Name the id of one profile and the purpose of another."""
    evse = profile.evse[0].id
    async with set_aside(csms):
        rate = await rates(csms, profile, evse)
        other = await install(csms, rate, STATION, MAX)
        named = await install(csms, rate, evse, DEFAULT)
        answer = await _tried(csms, "ClearChargingProfile", clear_charging_profiles(id=named.id, purpose=MAX))
        left = await still_there(csms, named, other)
        with spec("KEPT.CLEAR.01"):
            assert left == {other.id}, (
                f"asked to clear profile {named.id}, and told of the purpose {MAX} besides, the station still has "
                f"{_named(left, [named, other])}, after {_shown(answer)}"
            )


@case(
    "CLEAR_ALL_PROFILES_CS",
    "A request to clear without any criterion clears all profiles, or is refused and clears none",
    requirements=["KEPT.CLEAR.02"],
    severity=Severity.MINOR,
    needs="smart-charging",
)
async def test_clear_all(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set two profiles, send an empty request, and ask what is still there."""
    evse = profile.evse[0].id
    async with set_aside(csms):
        rate = await rates(csms, profile, evse)
        both = [await install(csms, rate, STATION, MAX), await install(csms, rate, evse, DEFAULT)]
        answer = await _tried(csms, "ClearChargingProfile", clear_charging_profiles())
        left = await still_there(csms, *both)
        expected = set() if _status(answer) == "Accepted" else {each.id for each in both}
        with spec("KEPT.CLEAR.02"):
            assert left == expected, (
                f"a request to clear without any criterion was answered {_shown(answer)}, and the station still has "
                f"{_named(left, both)}"
            )


@case(
    "CLEARED_PROFILE_STAYS_AWAY_CS",
    "A profile that was cleared does not come back with a reboot",
    requirements=["K10.FR.03"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_clear_for_good(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set a profile, clear it, let the station boot, and ask whether it is there again."""
    evse = profile.evse[0].id
    async with set_aside(csms):
        cleared = await install(csms, await rates(csms, profile, evse), evse, DEFAULT)
        answer = await csms.speak.clear_charging_profiles(id=cleared.id)
        assert answer["status"] == "Accepted", f"{cleared} was to be cleared, and the answer is {answer['status']}"
        assert not await still_there(csms, cleared), f"{cleared} was cleared, and is still there"
        boot = await reboot(station, csms)
        await csms.answered(boot.notification, within=profile.timing.answer)
        left = await still_there(csms, cleared)
        with spec("K10.FR.03"):
            csms.touch(answer, boot.notification)
            assert not left, f"{cleared} was cleared, and is there again after a {boot.how}"


async def _on_station(csms: CsmsPeer, profile: SutProfile) -> list[Installed]:
    """Limit the station."""
    return [await install(csms, await rates(csms, profile, profile.evse[0].id), STATION, MAX)]


async def _on_every_evse(csms: CsmsPeer, profile: SutProfile) -> list[Installed]:
    """Limit every EVSE by default, of a large station the first few."""
    some = [evse.id for evse in profile.evse][:_FEW]
    return [await install(csms, await rates(csms, profile, evse), evse, DEFAULT) for evse in some]


async def _cleared(
    csms: CsmsPeer,
    spec: Spec,
    requirement: str,
    *,
    gone: Iterable[Installed],
    kept: Iterable[Installed],
    **criteria: Any,
) -> None:
    """Clear by these criteria, and judge by what the station then reports."""
    gone, kept = list(gone), list(kept)
    with spec.must(requirement):
        answer = await csms.speak.clear_charging_profiles(**criteria)
        assert answer["status"] == "Accepted", f"{gone[0]} was to be cleared, and the answer is {answer['status']}"
    left = await still_there(csms, *gone, *kept)
    with spec(requirement):
        csms.touch(answer)
        wrong = [f"{each} was cleared, and is still there" for each in gone if each.id in left]
        wrong += [f"{each} was not to be cleared, and is gone" for each in kept if each.id not in left]
        assert not wrong, "; ".join(wrong)


def _says_unknown(answer: Received, because: str) -> None:
    assert answer["status"] == "Unknown", f"{because}, and clearing it is answered {answer['status']}, not Unknown"


def _named(ids: Iterable[int], installed: Iterable[Installed]) -> str:
    return " and ".join(str(each) for each in installed if each.id in ids) or "none of them"


# -- K09: reported ----------------------------------------------------------------------------------------------------


@case(
    "TC_K_29_CS",
    "Asked for the profiles of EVSE 0, the station reports its own and no others",
    requirements=["K09.FR.02", "K09.FR.05"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_get_station(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set one on the station and one of the same level on an EVSE, and ask for this level of EVSE 0."""
    evse = profile.evse[0].id
    async with set_aside(csms):
        rate = await rates(csms, profile, evse)
        own = await install(csms, rate, STATION, MAX)
        await install(csms, rate, evse, DEFAULT)
        await _reported(csms, spec, profile, "K09.FR.05", Wanted(evse=STATION, stack_level=0), [own])


@case(
    "TC_K_30_CS",
    "Asked for the profiles of an EVSE, the station reports those and no others",
    requirements=["K09.FR.02", "K09.FR.04"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_get_evse(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set some on the station and on every EVSE, and ask for one purpose of the first EVSE."""
    evse = profile.evse[0].id
    async with set_aside(csms):
        rate = await rates(csms, profile, evse)
        await install(csms, rate, STATION, MAX)
        wanted = [await install(csms, rate, evse, DEFAULT, level=level) for level in range(rate.level(1) + 1)]
        for other in profile.evse[1:_FEW]:
            await install(csms, await rates(csms, profile, other.id), other.id, DEFAULT)
        await _reported(csms, spec, profile, "K09.FR.04", Wanted(evse=evse, purpose=DEFAULT), wanted)


@case(
    "TC_K_31_CS",
    "Asked for profiles without naming an EVSE, the station reports those of all EVSEs and its own",
    requirements=["K09.FR.02", "K09.FR.06"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_get_all(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set one on the station and one on every EVSE, and ask for the level that they have in common."""
    async with set_aside(csms):
        wanted = [*await _on_station(csms, profile), *await _on_every_evse(csms, profile)]
        await _reported(csms, spec, profile, "K09.FR.06", Wanted(stack_level=0), wanted)


@case(
    "TC_K_32_CS",
    "Asked for profiles by their ids, the station reports those under the number of the request",
    requirements=["K09.FR.01", "K09.FR.02"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_get_by_id(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set one on the station and one on an EVSE, and ask for both by their ids."""
    evse = profile.evse[0].id
    async with set_aside(csms):
        rate = await rates(csms, profile, evse)
        both = [await install(csms, rate, STATION, MAX), await install(csms, rate, evse, DEFAULT)]
        ids = tuple(each.id for each in both)
        await _reported(csms, spec, profile, "K09.FR.01", Wanted(ids=ids), both)


@case(
    "TC_K_33_CS",
    "Asked for a stack level of an EVSE, the station reports the profile that has it",
    requirements=["K09.FR.02", "K09.FR.04"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_get_level(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set two levels on an EVSE, and the same on the station; ask for the upper one of the EVSE."""
    evse = profile.evse[0].id
    async with set_aside(csms):
        rate = await rates(csms, profile, evse)
        level = rate.level(1)
        await install(csms, rate, STATION, MAX, level=level)
        found = [await install(csms, rate, evse, DEFAULT, level=each) for each in range(level + 1)]
        await _reported(csms, spec, profile, "K09.FR.04", Wanted(evse=evse, stack_level=level), found[-1:])


@case(
    "TC_K_34_CS",
    "Asked for profiles of the CSMS, the station reports them; of a source without any it says so",
    requirements=["K09.FR.02", "K09.FR.04"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_get_source(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set some on an EVSE, ask for those of the CSMS, and then for those of other sources."""
    evse = profile.evse[0].id
    async with set_aside(csms):
        rate = await rates(csms, profile, evse)
        found = [await install(csms, rate, evse, DEFAULT, level=level) for level in range(rate.level(1) + 1)]
        await _reported(csms, spec, profile, "K09.FR.04", Wanted(evse=evse, sources=(CSO,)), found)
        others = await ask(csms, Wanted(evse=evse, sources=OTHER_SOURCES))
        with spec("K09.FR.04"):
            csms.touch(others.answer, *others.parts)
            ours = {each.id for each in found} & {each.id for each in told(others.parts)}
            assert not ours, f"what the CSMS has set is reported as of {' or '.join(OTHER_SOURCES)}"
            nothing = others.status == "Accepted" and not others.parts
            assert not nothing, f"the profiles of {' or '.join(OTHER_SOURCES)} are to be reported, and there are none"


@case(
    "TC_K_35_CS",
    "Asked for a purpose of an EVSE that charges, the station reports the profiles of this purpose",
    requirements=["K09.FR.02", "K09.FR.04"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_get_purpose(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set default profiles and, while it charges, one for the transaction; ask for the default ones."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with set_aside(csms), vacated(station, csms):
        rate = await rates(csms, profile, spot[0])
        await install(csms, rate, STATION, MAX)
        found = [await install(csms, rate, spot[0], DEFAULT, level=level) for level in range(rate.level(1) + 1)]
        session = await under_way(station, csms, spot, token)
        await install(csms, rate, spot[0], TX, transaction=session.transaction_id)
        await _reported(csms, spec, profile, "K09.FR.04", Wanted(evse=spot[0], purpose=DEFAULT), found)


@case(
    "TC_K_36_CS",
    "Asked for a purpose and a stack level of an EVSE, the station reports the profile that has both",
    requirements=["K09.FR.02", "K09.FR.04"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_get_purpose_and_level(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set two levels on an EVSE and the upper one on the station; ask for the lower one of the EVSE."""
    evse = profile.evse[0].id
    async with set_aside(csms):
        rate = await rates(csms, profile, evse)
        level = rate.level(1)
        await install(csms, rate, STATION, MAX)
        found = [await install(csms, rate, evse, DEFAULT, level=each) for each in range(level + 1)]
        wanted = Wanted(evse=evse, purpose=DEFAULT, stack_level=0)
        await _reported(csms, spec, profile, "K09.FR.04", wanted, found[:1])


@case(
    "REPORTED_PROFILES_ONCE_CS",
    "A report of profiles follows its announcement, tells each profile once, and whose it is",
    requirements=["J.ORDER.01", "K09.FR.02", "KEPT.REPORT.01", "KEPT.SOURCE.01"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_report_complete(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set profiles on the station and on every EVSE, for every EVSE too, and look at the report as a whole."""
    async with set_aside(csms):
        rate = await rates(csms, profile, profile.evse[0].id)
        found = [await install(csms, rate, STATION, MAX)]
        if rate.top_level:
            found.append(await install(csms, rate, STATION, DEFAULT, level=1))
        found += await _on_every_evse(csms, profile)
        report = await ask(csms, Wanted(ids=tuple(each.id for each in found)), linger=profile.timing.settle)
        assert report.parts, f"profiles were asked for by their ids, and {_nothing(report)}"
        csms.touch(*report.parts)
        with spec("J.ORDER.01"):
            assert report.parts[0].n > report.answer.n, "the first part of the report came before the answer"
        with spec("K09.FR.02"):
            _ends_well(report)
        with spec("KEPT.REPORT.01"):
            csms.touch(*report.parts)
            twice = repeated(report.parts)
            assert not twice, "; ".join(twice)
        with spec("KEPT.SOURCE.01"):
            wrong = misattributed(report.parts, found)
            assert not wrong, "; ".join(wrong)


@case(
    "REPORTED_PROFILES_OVERLAP_CS",
    "Asked for profiles again while a report is still under way, the station reports both in full",
    requirements=["K09.FR.01", "K09.FR.02", "K09.FR.06"],
    severity=Severity.MINOR,
    needs="smart-charging",
)
async def test_reports_overlap(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for all profiles, and for those of the station before the first part of the report is answered."""
    async with set_aside(csms):
        found = [*await _on_station(csms, profile), *await _on_every_evse(csms, profile)]
        mark = csms.now
        async with unanswered(csms, REPORT):
            first = await ask_only(csms, Wanted(stack_level=0))
            assert first.status == "Accepted", f"the first request was answered {first.status}"
            await csms.until(
                lambda: bool(csms.seen(REPORT, after=mark)), "a report", within=csms.patience.for_action("NotifyReport")
            )
            second = await ask_only(csms, Wanted(evse=STATION, stack_level=0))
        first = await collect(csms, first, after=mark, linger=profile.timing.settle)
        if second.status != "Accepted":
            second = await _asked_again(csms, second, profile)
        reports = [first, await collect(csms, second, after=mark, linger=profile.timing.settle)]
        with spec("K09.FR.01"):
            _numbered(csms, reports, after=mark)
        with spec("K09.FR.02"):
            for each in reports:
                _ends_well(each)
        with spec("K09.FR.06"):
            wrong = faults(reports[0].parts, first.wanted, found) + faults(reports[1].parts, second.wanted, found[:1])
            assert not wrong, "; ".join(wrong)


@case(
    "REPORTED_PROFILES_NONE_CS",
    "Asked for profiles that there are not, of an EVSE that there is not either, the station says so",
    requirements=["KEPT.NONE.01"],
    severity=Severity.NORMAL,
    needs="smart-charging",
)
async def test_get_nothing(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set a profile; ask for the id of none, for a purpose without any, and for profiles of an EVSE too many."""
    evse = profile.evse[0].id
    beyond = 1 + max(each.id for each in profile.evse)
    async with set_aside(csms):
        await install(csms, await rates(csms, profile, evse), evse, DEFAULT)
        for wanted, what in (
            (Wanted(ids=(unused_id(),)), "an id that no profile has"),
            (Wanted(evse=evse, purpose=TX), "a purpose that no profile of the EVSE has"),
        ):
            mark = csms.now
            with spec("KEPT.NONE.01"):
                _none(csms, await ask_only(csms, wanted), what, after=mark)
        mark = csms.now
        try:
            report = await ask_only(csms, Wanted(evse=beyond, purpose=DEFAULT))
        except Refused as refused:  # the documents name no other answer, and none for an EVSE that there is not
            spec.warn("KEPT.NONE.01", f"asked for EVSE {beyond}, which the station does not have: {refused}")
        else:
            with spec("KEPT.NONE.01"):
                _none(csms, report, f"EVSE {beyond}, which it does not have", after=mark)


def _none(csms: CsmsPeer, report: ProfileReport, what: str, *, after: int) -> None:
    """Raise AssertionError where profiles are told of that there are not."""
    assert report.status == "NoProfiles", f"asked for {what}, it answers {report.status}, not NoProfiles"
    came = csms.seen(REPORT, after=after)
    assert not came, f"asked for {what}, it answers NoProfiles, and reports some"


async def _reported(  # noqa: PLR0913 -- what is judged, and by what
    csms: CsmsPeer, spec: Spec, profile: SutProfile, requirement: str, wanted: Wanted, expected: Iterable[Installed]
) -> None:
    """Ask, and judge the report: by the requirement what is in it, and by K09.FR.02 where it ends."""
    with spec.must(requirement):
        report = await ask(csms, wanted, linger=profile.timing.settle)
        assert report.parts, f"there are profiles like that, and {_nothing(report)}"
    with spec(requirement):
        if requirement == "K09.FR.01":
            wrong = [
                f"the request has the number {report.number}, and a part of its report {part['requestId']}"
                for part in report.parts
                if part["requestId"] != report.number
            ]
            assert not wrong, "; ".join(wrong)
        wrong = faults(report.parts, wanted, expected)
        assert not wrong, "; ".join(wrong)
    with spec("K09.FR.02"):
        csms.touch(*report.parts)
        _ends_well(report)


def _nothing(report: ProfileReport) -> str:
    return report.broken_off if report.status == "Accepted" else f"the answer is {report.status}"


def _ends_well(report: ProfileReport) -> None:
    """Raise AssertionError where a report does not end with its last part and only there."""
    assert not report.broken_off, report.broken_off
    wrong = ending(report.parts)
    assert not wrong, wrong


def _numbered(csms: CsmsPeer, reports: Iterable[ProfileReport], *, after: int) -> None:
    """Raise AssertionError where a part bears a number that nobody has asked under."""
    asked = {report.number for report in reports}
    numbers = {part["requestId"] for part in csms.seen(REPORT, after=after)}
    assert numbers <= asked, f"asked under {sorted(asked)}, the station reports under {sorted(numbers - asked)} as well"


async def _asked_again(csms: CsmsPeer, report: ProfileReport, profile: SutProfile) -> ProfileReport:
    """Ask once more where a station was too busy with another report: it need not make two at a time."""
    with suppress(NotSeen):
        await csms.until(lambda: False, "a station that is busy", within=profile.timing.settle)
    again = await ask_only(csms, report.wanted)
    assert again.status == "Accepted", f"the second request was answered {again.status}"
    return again


# -- K05: with a remote start -----------------------------------------------------------------------------------------


@case(
    "TC_K_37_CS",
    "A profile that comes with a remote start is that of its transaction",
    requirements=["F01.FR.10", "F01.FR.13", "K05.FR.03"],
    severity=Severity.CRITICAL,
    needs=f"smart-charging and NOT cable-lock-before-authorization and {REMOTE}",
)
async def test_start_with_profile(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Plug in, start remotely with a limit, charge, and ask for the profile and for what it comes to."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with set_aside(csms), vacated(station, csms):
        rate = await rates(csms, profile, spot[0])
        await _plugged_in(station, csms, profile, spot)
        waiting, mark = running(csms), csms.now
        limit = drafted(csms, rate, TX, kind="Relative")
        number, answer = await _start(csms, token, spot, limit)
        if _status(answer) != "Accepted":
            plain = await csms.speak.remote_start(token, spot, remote_number())
            assert plain["status"] == "Accepted", f"the remote start was answered {_shown(answer)}, without profile too"
            with spec.must("F01.FR.10"):
                csms.touch(answer.entry)
                raise AssertionError(f"with a profile the remote start was answered {_shown(answer)}, without Accepted")
        session = await csms.speak.began(spot, after=mark, number=number, plugged=True)
        _judge_id(csms, spec, answer, session, waiting)
        await _judge_profile(csms, spec, profile, rate, session, limit, after=mark)


@case(
    "TC_K_38_CS",
    "A station without smart charging starts remotely whatever profile comes with the request",
    requirements=["F01.FR.12", "F01.FR.13"],
    severity=Severity.NORMAL,
    needs=f"not smart-charging and {REMOTE}",
)
async def test_start_profile_ignored(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Start remotely with a limit, plug in, and charge."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    limit = csms.speak.charging_profile(id=unused_id(), purpose=TX, kind="Relative", periods=[(0, 6.0)])
    async with vacated(station, csms):
        if not profile.claims("cable-lock-before-authorization"):
            await _plugged_in(station, csms, profile, spot)
        waiting, mark = running(csms), csms.now
        with spec.must("F01.FR.12"):
            number, answer = await _start(csms, token, spot, limit)
            assert _status(answer) == "Accepted", f"the remote start was answered {_shown(answer)}"
        if spot not in station.plugged:
            await station.plug_in(*spot)
        with spec.must("F01.FR.12"):
            session = await csms.speak.began(spot, after=mark, number=number, plugged=True)
            await csms.speak.energy(session, after=mark)
        _judge_id(csms, spec, answer, session, waiting)


@case(
    "REMOTE_START_PROFILE_WAITS_CS",
    "A profile that comes with a remote start waits for the plug",
    requirements=["F01.FR.10", "K05.FR.03"],
    severity=Severity.NORMAL,
    needs=f"smart-charging and {REMOTE}",
)
async def test_profile_waits(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Start remotely with a limit, then plug in, and ask for the profile and for what it comes to."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    somebody_plugs_in(station)
    async with set_aside(csms), vacated(station, csms):
        rate = await rates(csms, profile, spot[0])
        limit = drafted(csms, rate, TX, kind="Relative")
        mark = csms.now
        number, answer = await _start(csms, token, spot, limit)
        assert _status(answer) == "Accepted", f"the remote start was answered {_shown(answer)}"
        await station.plug_in(*spot)
        session = await csms.speak.began(spot, after=mark, number=number, plugged=True)
        await _judge_profile(csms, spec, profile, rate, session, limit, after=mark)


@case(
    "REMOTE_START_PROFILE_LAPSES_CS",
    "A profile that comes with a remote start is gone if nobody plugs in, and is not that of whoever comes next",
    requirements=["F01.FR.10"],
    severity=Severity.NORMAL,
    needs=f"smart-charging and {REMOTE}",
)
async def test_profile_lapses(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Start remotely with a limit, let the time for plugging in pass, and have another driver charge there."""
    spot = profile.connectors[0]
    token, other = profile.parameters.valid_id_token.payload, profile.parameters.other_valid_id_token.payload
    somebody_plugs_in(station)
    async with set_aside(csms), vacated(station, csms), time_for_the_plug(csms) as seconds:
        rate = await rates(csms, profile, spot[0])
        limit = drafted(csms, rate, TX, kind="Relative")
        _, answer = await _start(csms, token, spot, limit)
        assert _status(answer) == "Accepted", f"the remote start was answered {_shown(answer)}"
        await csms.silence(for_=seconds + profile.timing.settle, allow=HARMLESS)
        session = await under_way(station, csms, spot, other)
        there = await still_there(csms, Installed(spot[0], limit))
        with spec("F01.FR.10"):
            csms.touch(answer.entry, session.event)
            assert not there, (
                f"profile {limit['id']} came with a remote start for which nobody plugged in, and the station has it "
                f"in the transaction of another driver"
            )


@case(
    "REMOTE_START_INVALID_PROFILE_CS",
    "A remote start with a profile that is none for a transaction, or that can't be followed, is refused",
    requirements=["F01.FR.26"],
    severity=Severity.NORMAL,
    needs=f"smart-charging and {REMOTE}",
)
async def test_start_invalid_profile(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for a start with a default profile, and with one that says nothing of its first minute."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with set_aside(csms), vacated(station, csms):
        rate = await rates(csms, profile, spot[0])
        for limit, what in (
            (drafted(csms, rate, DEFAULT, kind="Relative"), f"the purpose {DEFAULT}"),
            (drafted(csms, rate, TX, kind="Relative", steps=((60, 3),)), "a first period that begins at 60"),
        ):
            with spec("F01.FR.26"):
                _, answer = await _start(csms, token, spot, limit)
                assert _status(answer) != "Accepted", f"a remote start with a profile of {what} was accepted"


async def _plugged_in(station: StationDriver, csms: CsmsPeer, profile: SutProfile, spot: Connector) -> None:
    """Plug in an EV, and let the station begin a transaction for that if it does."""
    mark = csms.now
    await station.plug_in(*spot)
    with suppress(NotSeen):
        await csms.expect(EVENT, eventType="Started", after=mark, within=profile.timing.settle)


async def _start(
    csms: CsmsPeer, token: Mapping[str, str], spot: Connector, limit: Mapping[str, Any]
) -> tuple[int, Received | Refused]:
    """Start remotely with a profile; the number of the request, and what the station says to it."""
    number = remote_number()
    try:
        return number, await csms.speak.remote_start(token, spot, number, charging_profile=limit)
    except Refused as refused:
        return number, refused


async def _judge_profile(  # noqa: PLR0913 -- what is judged, and by what
    csms: CsmsPeer,
    spec: Spec,
    profile: SutProfile,
    rate: Rates,
    session: Charging,
    limit: Mapping[str, Any],
    *,
    after: int,
) -> None:
    """Judge whether a profile that came with a remote start is that of its transaction, and limits it."""
    evse = session.connector[0]
    ready = await csms.speak.energy(session, after=after)
    mine = Installed(evse, dict(limit) | {"transactionId": session.transaction_id})
    report = await ask(csms, Wanted(ids=(mine.id,)))
    with spec("F01.FR.10"):
        assert report.parts, f"{mine} came with the remote start, and {_nothing(report)}"
        wrong = faults(report.parts, report.wanted, [mine])
        assert not wrong, "; ".join(wrong)
    composite = await csms.speak.composite_schedule(evse, 300, rate.unit)
    with spec("K05.FR.03"):
        assert composite["status"] == "Accepted", f"GetCompositeSchedule was answered {composite['status']}"
        begun = [Running(evse, session.transaction_id, ready.utc)]
        check_composite(composite, profile, evse, [mine], begun, edge=_AROUND_READY)


def _judge_id(
    csms: CsmsPeer, spec: Spec, answer: Received | Refused, session: Charging, waiting: Iterable[str]
) -> None:
    """Judge whether a transaction that waited for its driver is named in the answer to the remote start."""
    if session.transaction_id not in waiting:
        spec.excuse("F01.FR.13", "plugging in began no transaction")
        return
    with spec("F01.FR.13"):
        csms.touch(answer.entry)
        given = answer.get("transactionId") if isinstance(answer, Received) else None
        assert given == session.transaction_id, (
            f"transaction {session.transaction_id} waited for a driver, and the answer to the remote start names "
            f"{given or 'none'}"
        )


async def _tried(csms: CsmsPeer, action: str, request: Mapping[str, Any]) -> Received | Refused:
    """Ask for what not every station takes; what it says to it."""
    try:
        return await csms.call(action, request)
    except Refused as refused:
        return refused


def _status(answer: Received | Refused) -> str | None:
    return str(answer.get("status")) if isinstance(answer, Received) else None


def _shown(answer: Received | Refused) -> str:
    return _status(answer) or str(answer)
