"""Use cases G03 and G04, in 1.6 chapter 5.2: the CSMS takes places out of use and into use again, and that lasts."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms import CsmsPeer
from conformance.peers.csms_dialect import Connector, Place
from conformance.peers.received import NotSeen
from conformance.peers.scenes import (
    Charging,
    connectors_show,
    ended,
    inoperative,
    latest_statuses,
    pull_plug,
    restart,
    running,
    settled_statuses,
    stop_authorized,
    transaction,
    vacated,
)
from conformance.sut.drivers import StationDriver, Unsupported
from conformance.sut.profile import SutProfile

OUT = "Unavailable"
ANSWERS = ("Accepted", "Rejected", "Scheduled")


@dataclass(frozen=True, slots=True)
class Rules:
    """The requirements that a change of availability is judged by; `able` is that the answer comes true."""

    answered: str
    able: str
    told: str
    same: str
    scheduled: str


PART = Rules("G03.FR.01", "G03.FR.02", "G03.FR.04", "G03.FR.03", "G03.FR.05")
WHOLE = Rules("G04.FR.02", "G04.FR.03", "G04.FR.05", "G04.FR.04", "G04.FR.06")
ANY_16 = Rules("16.AVAIL.01", "16.AVAIL.09", "16.AVAIL.04", "16.AVAIL.02", "16.AVAIL.03")
RULES = {("2.0.1", False): PART, ("2.0.1", True): WHOLE, ("1.6", False): ANY_16, ("1.6", True): ANY_16}
"""By the version, and whether the change is for the whole station."""


# -- out of use and back ----------------------------------------------------------------------------------------------


@case(
    "TC_G_03_CS",
    "An EVSE is taken out of use: all its connectors are, and are reported so",
    requirements=["G03.FR.01", "G03.FR.02", "G03.FR.04", "G03.FR.06"],
    severity=Severity.CRITICAL,
)
async def test_evse_out_of_use(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Nothing is plugged in anywhere."""
    evse = _evse(profile)
    async with _in_use_at_the_end(csms, evse):
        await _taken_out(csms, spec, profile, evse, effect=("G03.FR.06",))


@case(
    "TC_G_04_CS",
    "An EVSE is taken into use again: its connectors are as they were, and are reported so",
    requirements=["G03.FR.01", "G03.FR.02", "G03.FR.04", "G03.FR.07"],
    severity=Severity.CRITICAL,
)
async def test_evse_into_use(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """After it was out of use."""
    evse = _evse(profile)
    async with inoperative(csms, _concerned(profile, evse), place=evse):
        await _taken_in(csms, spec, profile, evse, effect=("G03.FR.07",))


@case(
    "TC_G_05_CS",
    "The station is taken out of use: all connectors are, and are reported so",
    requirements=["G04.FR.01", "G04.FR.02", "G04.FR.03", "G04.FR.05", "G04.FR.07"],
    severity=Severity.CRITICAL,
)
@case(
    "STATION_OUT_OF_USE_CS",
    "The station is taken out of use by connector 0: all connectors are, and are reported so",
    versions=["1.6"],
    requirements=["16.AVAIL.01", "16.AVAIL.04", "16.AVAIL.05", "16.AVAIL.09"],
    severity=Severity.CRITICAL,
)
async def test_station_out_of_use(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Nothing is plugged in anywhere."""
    async with _in_use_at_the_end(csms, None):
        await _taken_out(csms, spec, profile, None, effect=_declared(spec, "G04.FR.01", "G04.FR.07"))


@case(
    "TC_G_06_CS",
    "The station is taken into use again: its connectors are as they were, and are reported so",
    requirements=["G04.FR.01", "G04.FR.02", "G04.FR.03", "G04.FR.05", "G04.FR.08"],
    severity=Severity.CRITICAL,
)
@case(
    "STATION_INTO_USE_CS",
    "The station is taken into use again by connector 0: all connectors are, and are reported so",
    versions=["1.6"],
    requirements=["16.AVAIL.01", "16.AVAIL.04", "16.AVAIL.05", "16.AVAIL.09"],
    severity=Severity.CRITICAL,
)
async def test_station_into_use(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """After it was out of use."""
    async with inoperative(csms, profile.connectors):
        await _taken_in(csms, spec, profile, None, effect=_declared(spec, "G04.FR.01", "G04.FR.08"))


@case(
    "TC_G_07_CS",
    "A connector is taken out of use, and is reported so",
    requirements=["G03.FR.01", "G03.FR.02", "G03.FR.04"],
    severity=Severity.CRITICAL,
)
@case(
    "CONNECTOR_OUT_OF_USE_CS",
    "A connector is taken out of use, and is reported so",
    versions=["1.6"],
    requirements=["16.AVAIL.01", "16.AVAIL.04", "16.AVAIL.09"],
    severity=Severity.CRITICAL,
)
async def test_connector_out_of_use(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """The others stay as they are."""
    spot = profile.connectors[0]
    async with _in_use_at_the_end(csms, spot):
        mark = csms.now
        await _taken_out(csms, spec, profile, spot)
        others = [each for each in profile.connectors if each != spot]
        with suppress(NotSeen):
            await csms.until(
                lambda: any(_shows(csms, each, mark) == OUT for each in others),
                "another to go with it",
                within=profile.timing.settle,
            )
        with spec(_rules(profile, spot).able):
            _none_show(csms, others, OUT, after=mark)


@case(
    "TC_G_08_CS",
    "A connector is taken into use again, and is reported so",
    requirements=["G03.FR.01", "G03.FR.02", "G03.FR.04"],
    severity=Severity.CRITICAL,
)
@case(
    "CONNECTOR_INTO_USE_CS",
    "A connector is taken into use again, and is reported so",
    versions=["1.6"],
    requirements=["16.AVAIL.01", "16.AVAIL.04", "16.AVAIL.09"],
    severity=Severity.CRITICAL,
)
async def test_connector_into_use(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """After it was out of use."""
    spot = profile.connectors[0]
    async with inoperative(csms, [spot], place=spot):
        await _taken_in(csms, spec, profile, spot)


# -- nothing to change ------------------------------------------------------------------------------------------------


@case(
    "TC_G_09_CS",
    "An EVSE that is in use is taken into use: Accepted",
    requirements=["G03.FR.01", "G03.FR.03"],
)
async def test_evse_stays_in_use(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Nothing is to be changed."""
    await _same(csms, spec, profile, _evse(profile), operative=True)


@case(
    "TC_G_10_CS",
    "An EVSE that is out of use is taken out of use: Accepted",
    requirements=["G03.FR.01", "G03.FR.03"],
)
async def test_evse_stays_out_of_use(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Nothing is to be changed."""
    await _same(csms, spec, profile, _evse(profile), operative=False)


@case(
    "TC_G_12_CS",
    "A station that is in use is taken into use: Accepted",
    requirements=["G04.FR.02", "G04.FR.04"],
)
@case(
    "STATION_STAYS_IN_USE_CS",
    "A station that is in use is taken into use by connector 0: Accepted",
    versions=["1.6"],
    requirements=["16.AVAIL.01", "16.AVAIL.02"],
)
async def test_station_stays_in_use(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Nothing is to be changed."""
    await _same(csms, spec, profile, None, operative=True)


@case(
    "TC_G_13_CS",
    "A station that is out of use is taken out of use: Accepted",
    requirements=["G04.FR.02", "G04.FR.04"],
)
@case(
    "STATION_STAYS_OUT_OF_USE_CS",
    "A station that is out of use is taken out of use by connector 0: Accepted",
    versions=["1.6"],
    requirements=["16.AVAIL.01", "16.AVAIL.02"],
)
async def test_station_stays_out_of_use(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Nothing is to be changed."""
    await _same(csms, spec, profile, None, operative=False)


@case(
    "TC_G_15_CS",
    "A connector that is in use is taken into use: Accepted",
    requirements=["G03.FR.01", "G03.FR.03"],
)
@case(
    "CONNECTOR_STAYS_IN_USE_CS",
    "A connector that is in use is taken into use: Accepted",
    versions=["1.6"],
    requirements=["16.AVAIL.01", "16.AVAIL.02"],
)
async def test_connector_stays_in_use(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Nothing is to be changed."""
    await _same(csms, spec, profile, profile.connectors[0], operative=True)


@case(
    "TC_G_16_CS",
    "A connector that is out of use is taken out of use: Accepted",
    requirements=["G03.FR.01", "G03.FR.03"],
)
@case(
    "CONNECTOR_STAYS_OUT_OF_USE_CS",
    "A connector that is out of use is taken out of use: Accepted",
    versions=["1.6"],
    requirements=["16.AVAIL.01", "16.AVAIL.02"],
)
async def test_connector_stays_out_of_use(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Nothing is to be changed."""
    await _same(csms, spec, profile, profile.connectors[0], operative=False)


# -- during a transaction ---------------------------------------------------------------------------------------------


@case(
    "TC_G_11_CS",
    "An EVSE that charges is taken out of use when the transaction is over",
    requirements=["G03.FR.01", "G03.FR.04", "G03.FR.05"],
    severity=Severity.CRITICAL,
)
async def test_evse_scheduled(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Scheduled, and nothing happens to the driver."""
    await _scheduled(station, csms, spec, profile, _evse(profile))


@case(
    "TC_G_14_CS",
    "A station where somebody charges is taken out of use when the transaction is over",
    requirements=["G04.FR.02", "G04.FR.05", "G04.FR.06"],
    severity=Severity.CRITICAL,
)
@case(
    "STATION_SCHEDULED_CS",
    "A station where somebody charges is taken out of use by connector 0 when the transaction is over",
    versions=["1.6"],
    requirements=["16.AVAIL.01", "16.AVAIL.03", "16.AVAIL.04"],
    severity=Severity.CRITICAL,
)
async def test_station_scheduled(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Scheduled; whether idle connectors are out of use at once, or all of them afterwards, is left to the station."""
    await _scheduled(station, csms, spec, profile, None)


@case(
    "TC_G_17_CS",
    "A connector that charges is taken out of use when the transaction is over",
    requirements=["G03.FR.01", "G03.FR.04", "G03.FR.05"],
    severity=Severity.CRITICAL,
)
@case(
    "CONNECTOR_SCHEDULED_CS",
    "A connector that charges is taken out of use when the transaction is over",
    versions=["1.6"],
    requirements=["16.AVAIL.01", "16.AVAIL.03", "16.AVAIL.04"],
    severity=Severity.CRITICAL,
)
async def test_connector_scheduled(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Scheduled, and nothing happens to the driver."""
    await _scheduled(station, csms, spec, profile, profile.connectors[0])


@case(
    "SCHEDULED_TAKEN_BACK_CS",
    "A change that waits for the end of a transaction is taken back before, and does not come",
    versions=["2.0.1", "1.6"],
    requirements=["G03.FR.02"],
)
async def test_scheduled_taken_back(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """The second answer may be Accepted, as nothing changes at the moment, or Scheduled, as a transaction runs."""
    spot = profile.connectors[0]
    able = _rules(profile, spot).able
    async with vacated(station, csms), _in_use_at_the_end(csms, spot):
        session = await transaction(station, csms, spot, profile.parameters.valid_id_token.payload)
        status = await csms.speak.change_availability(spot, operative=False)
        assert status == "Scheduled", f"during a transaction, ChangeAvailability Inoperative was answered {status}"
        with spec(able):
            status = await csms.speak.change_availability(spot, operative=True)
            assert status in ("Accepted", "Scheduled"), f"to take back what was Scheduled was answered {status}"
        end = await _driven_off(station, csms, profile, session)
        shown = await _state(csms, profile, spot, after=end)
        with spec(able):
            assert shown != OUT, f"{csms.speak.name(spot)} was to stay in use, and was {OUT} after the transaction"


# -- what lasts -------------------------------------------------------------------------------------------------------


@case(
    "TC_G_18_CS",
    "An EVSE that was taken out of use is so after a power cut or a reset, and the others are not",
    requirements=["G03.FR.08"],
    severity=Severity.CRITICAL,
)
async def test_evse_persists(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """By its mains where the driver can, by an immediate reset where not."""
    evse = _evse(profile)
    mine = _concerned(profile, evse)
    async with inoperative(csms, mine, place=evse):
        mark = csms.now
        how = await restart(station, csms)
        boot = await csms.expect("BootNotification", after=mark)
        statuses = await settled_statuses(csms, profile.connectors, after=boot, settle=profile.timing.settle)
        with spec("G03.FR.08"):
            for spot in profile.connectors:
                right = (statuses[spot].status == OUT) == (spot in mine)
                assert right, (
                    f"EVSE {evse} alone was out of use, and {csms.speak.name(spot)} was "
                    f"{statuses[spot].status} after a {how}"
                )


@case(
    "SCHEDULED_PERSISTS_CS",
    "A change that waits for the end of a transaction is not forgotten over a power cut or a reset",
    versions=["2.0.1", "1.6"],
    requirements=["G03.FR.08"],
)
async def test_scheduled_persists(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Whether the transaction goes on then is left to the station."""
    spot = profile.connectors[0]
    token = profile.parameters.valid_id_token.payload
    async with vacated(station, csms), _in_use_at_the_end(csms, spot):
        session = await transaction(station, csms, spot, token)
        status = await csms.speak.change_availability(spot, operative=False)
        assert status == "Scheduled", f"during a transaction, ChangeAvailability Inoperative was answered {status}"
        mark = csms.now
        how = await restart(station, csms)
        boot = await csms.expect("BootNotification", after=mark)
        await settled_statuses(csms, [spot], after=boot, settle=profile.timing.settle)
        if session.transaction_id in running(csms):
            with suppress(AssertionError):
                await stop_authorized(station, csms, session, token)
        await pull_plug(station, spot)
        with suppress(NotSeen):
            await connectors_show(csms, [spot], OUT, after=boot)
        shown = await _state(csms, profile, spot, after=mark)
        with spec("G03.FR.08"):
            assert shown == OUT, (
                f"{csms.speak.name(spot)} was to be out of use after the transaction, and after a {how} "
                f"and the end of the transaction it was {shown}"
            )


@case(
    "AVAILABILITY_LEVELS_CS",
    "Station, EVSE and connector are in or out of use each by itself",
    requirements=["G03.FR.07", "G04.FR.08"],
)
async def test_levels(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Take a connector out of use, and then what is around it; with that back in use, the connector is still out."""
    spot, evse = profile.connectors[0], _evse(profile)
    async with inoperative(csms, [spot], place=spot):
        for place, rule in ((evse, "G03.FR.07"), (None, "G04.FR.08")):
            around = [each for each in _concerned(profile, place) if each != spot]
            async with inoperative(csms, around, place=place):
                mark = csms.now
                status = await csms.speak.change_availability(place, operative=True)
                assert status == "Accepted", f"ChangeAvailability Operative was answered {status}"
                with spec.must(rule):
                    await _back(csms, around, after=mark)
                    with suppress(NotSeen):
                        await csms.until(
                            lambda since=mark: _shows(csms, spot, since) not in (None, OUT),  # type: ignore[misc]
                            "the connector to be in use",
                            within=profile.timing.settle,
                        )
                    shown = _shows(csms, spot, 0)
                    assert shown == OUT, (
                        f"{csms.speak.name(spot)} was taken out of use by itself, and was {shown} "
                        f"when {_name(place)} was taken into use"
                    )


# -- what it is about -------------------------------------------------------------------------------------------------


@case(
    "AVAILABILITY_UNKNOWN_CS",
    "To take a place out of use that the station does not have is refused",
    versions=["2.0.1", "1.6"],
    requirements=["G03.FR.02"],
    severity=Severity.MINOR,
)
async def test_unknown_place(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Whether by Rejected or by an error is left to the station, as long as it claims no success."""
    unknown = max(evse.id for evse in profile.evse) + 90
    mark = csms.now
    with spec("G03.FR.02"):
        status = "an error"
        with suppress(AssertionError):
            status = await csms.speak.change_availability((unknown, 1), operative=False)
        assert status not in ("Accepted", "Scheduled"), f"there is no EVSE {unknown}, and the answer was {status}"
    with suppress(AssertionError):
        if any(each.status == OUT for each in latest_statuses(csms, after=mark).values()):
            await csms.speak.change_availability(None, operative=True)


@case(
    "OUT_OF_USE_STARTS_NOTHING_CS",
    "Nobody can charge where the CSMS has taken a place out of use",
    versions=["2.0.1", "1.6"],
    requirements=["AVAIL.USE.01"],
    severity=Severity.CRITICAL,
)
async def test_starts_nothing(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Plug in there and show a card, or where that can't be done ask for a remote start."""
    spot = profile.connectors[0]
    place = spot[0]
    async with vacated(station, csms), inoperative(csms, _concerned(profile, place), place=place):
        before = set(running(csms))
        await _tried(station, csms, spot, profile)
        with spec("AVAIL.USE.01"):
            with suppress(NotSeen):
                await csms.until(
                    lambda: bool(set(running(csms)) - before), "no transaction", within=profile.timing.settle
                )
            begun = set(running(csms)) - before
            assert not begun, f"EVSE {place} was out of use, and transaction {', '.join(begun)} began there"


async def _tried(station: StationDriver, csms: CsmsPeer, spot: Connector, profile: SutProfile) -> None:
    """What a driver can do to charge."""
    token = profile.parameters.valid_id_token
    shown = False
    with suppress(Unsupported):
        await station.plug_in(*spot)
    with suppress(Unsupported):
        await station.present_id_token(spot[0], token.id_token, token.type)
        shown = True
    if not shown:
        with suppress(AssertionError):
            await csms.speak.remote_start(token.payload, spot, 4711)


# -- what these cases have in common ----------------------------------------------------------------------------------


def _evse(profile: SutProfile) -> int:
    """The EVSE with the most connectors, and of those the first."""
    return max(profile.evse, key=lambda evse: len(evse.connector)).id


def _concerned(profile: SutProfile, place: Place) -> list[Connector]:
    """The connectors of a place."""
    return [each for each in profile.connectors if place is None or place in (each, each[0])]


def _name(place: Place) -> str:
    if place is None:
        return "the station"
    return f"EVSE {place}" if isinstance(place, int) else f"connector {place[1]} of EVSE {place[0]}"


def _rules(profile: SutProfile, place: Place) -> Rules:
    return RULES[profile.version, place is None]


def _declared(spec: Spec, *requirements: str) -> tuple[str, ...]:
    return tuple(each for each in requirements if spec.declares(each))


@asynccontextmanager
async def _in_use_at_the_end(csms: CsmsPeer, place: Place) -> AsyncIterator[None]:
    """Take a place into use again after the block, as far as it can be had."""
    try:
        yield
    finally:
        with suppress(AssertionError):
            await csms.connected()
            await csms.speak.change_availability(place, operative=True)


async def _asked(csms: CsmsPeer, spec: Spec, rules: Rules, place: Place, *, operative: bool) -> str:
    """Ask for a change; without an answer there is nothing to judge."""
    with spec.must(rules.answered):
        status = await csms.speak.change_availability(place, operative=operative)
        assert status in ANSWERS, f"ChangeAvailability was answered {status}"
    return status


async def _taken_out(
    csms: CsmsPeer, spec: Spec, profile: SutProfile, place: Place, *, effect: Iterable[str] = ()
) -> None:
    """Take a place out of use, and judge what comes of it."""
    rules, mark = _rules(profile, place), csms.now
    status = await _asked(csms, spec, rules, place, operative=False)
    with spec.must(rules.able):
        assert status == "Accepted", f"nobody charges, and to take {_name(place)} out of use was answered {status}"
    concerned = _concerned(profile, place)
    with suppress(NotSeen):
        await connectors_show(csms, concerned, OUT, after=mark)
    untold = [each for each in concerned if _shows(csms, each, mark) != OUT]
    states = {each: await _state(csms, profile, each, after=mark) for each in untold}
    wrong = {each: state for each, state in states.items() if state is not None and state != OUT}
    for requirement in effect or (rules.able,):
        with spec(requirement):
            assert not wrong, f"{_name(place)} was taken out of use, and {_told(csms, wrong)}"
    with spec(rules.told):
        silent = [each for each in untold if each not in wrong]
        assert not silent, f"{_name(place)} was taken out of use, and no status came of {_list(csms, silent)}"


async def _taken_in(
    csms: CsmsPeer, spec: Spec, profile: SutProfile, place: Place, *, effect: Iterable[str] = ()
) -> None:
    """Take a place into use again, and judge what comes of it."""
    rules, mark = _rules(profile, place), csms.now
    status = await _asked(csms, spec, rules, place, operative=True)
    with spec.must(rules.able):
        assert status == "Accepted", f"nobody charges, and to take {_name(place)} into use was answered {status}"
    concerned = _concerned(profile, place)
    with suppress(NotSeen):
        await _back(csms, concerned, after=mark)
    untold = [each for each in concerned if _shows(csms, each, mark) in (None, OUT)]
    states = {each: await _state(csms, profile, each, after=mark) for each in untold}
    wrong = {each: state for each, state in states.items() if state == OUT}
    for requirement in effect or (rules.able,):
        with spec(requirement):
            assert not wrong, f"{_name(place)} was taken into use, and {_told(csms, wrong)}"
    with spec(rules.told):
        silent = [each for each in untold if each not in wrong]
        assert not silent, f"{_name(place)} was taken into use, and no status came of {_list(csms, silent)}"


async def _same(csms: CsmsPeer, spec: Spec, profile: SutProfile, place: Place, *, operative: bool) -> None:
    """Ask for the state that a place has."""
    rules = _rules(profile, place)

    async def again() -> None:
        status = await _asked(csms, spec, rules, place, operative=operative)
        with spec(rules.same):
            state = "in use" if operative else "out of use"
            assert status == "Accepted", f"{_name(place)} was {state}, and to take it so was answered {status}"

    if operative:
        await again()
        return
    async with inoperative(csms, _concerned(profile, place), place=place):
        await again()


async def _scheduled(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile, place: Place) -> None:
    """Charge, take the place out of use, and judge what comes of it then, and when the transaction is over."""
    rules = _rules(profile, place)
    spot = _concerned(profile, place)[0]
    async with vacated(station, csms), _in_use_at_the_end(csms, place):
        session = await transaction(station, csms, spot, profile.parameters.valid_id_token.payload)
        mark = csms.now
        status = await _asked(csms, spec, rules, place, operative=False)
        with spec.must(rules.scheduled):
            assert status == "Scheduled", f"a transaction runs, and to take {_name(place)} out of use was {status}"
        with spec(rules.scheduled):
            with suppress(NotSeen):
                await csms.until(
                    lambda: session.transaction_id not in running(csms) or _shows(csms, spot, mark) == OUT,
                    "the transaction to suffer",
                    within=profile.timing.settle,
                )
            assert session.transaction_id in running(csms), "the change of availability ended the transaction"
            assert _shows(csms, spot, mark) != OUT, f"{csms.speak.name(spot)} was {OUT} while the transaction ran"
        await _driven_off(station, csms, profile, session)
        concerned = _concerned(profile, place)
        with suppress(NotSeen):
            await connectors_show(csms, concerned, OUT, after=mark)
        untold = [each for each in concerned if _shows(csms, each, mark) != OUT]
        states = {each: await _state(csms, profile, each, after=mark) for each in untold}
        wrong = {each: state for each, state in states.items() if state is not None and state != OUT}
        with spec(rules.scheduled):
            assert not wrong, (
                f"{_name(place)} was to be out of use after the transaction, and then {_told(csms, wrong)}"
            )
        with spec(rules.told):
            silent = [each for each in untold if each not in wrong]
            assert not silent, f"the transaction was over, and no status {OUT} came of {_list(csms, silent)}"


async def _driven_off(station: StationDriver, csms: CsmsPeer, profile: SutProfile, session: Charging) -> int:
    """End the transaction, pull the plug, and wait for the message that ends it; the moment after that."""
    if session.transaction_id in running(csms):
        await stop_authorized(station, csms, session, profile.parameters.valid_id_token.payload)
    await pull_plug(station, session.connector)
    await ended(csms, session)
    return csms.now


def _shows(csms: CsmsPeer, spot: Connector, mark: int) -> str | None:
    """The last status of a connector that was told since then, if any."""
    told = latest_statuses(csms, after=mark).get(spot)
    if told is None:
        return None
    csms.touch(told.message)
    return told.status


async def _state(csms: CsmsPeer, profile: SutProfile, spot: Connector, *, after: int) -> str | None:
    """The status of a connector now: asked for where the station claims that it can be, else as it was told last."""
    if profile.claims("trigger-status-notification"):
        with suppress(AssertionError):
            mark = csms.now
            if (await csms.speak.trigger("StatusNotification", spot))["status"] == "Accepted":
                await csms.until(
                    lambda: _shows(csms, spot, mark) is not None,
                    "the status that was asked for",
                    within=csms.patience.for_action("StatusNotification"),
                )
                return _shows(csms, spot, mark)
    return _shows(csms, spot, after)


async def _back(csms: CsmsPeer, connectors: Iterable[Connector], *, after: int) -> None:
    """Wait until each of these connectors was told to be in use; raises NotSeen."""
    wanted = list(connectors)

    def out() -> list[Connector]:
        return [each for each in wanted if _shows(csms, each, after) in (None, OUT)]

    try:
        await csms.until(
            lambda: not out(), "connectors to be in use", within=csms.patience.for_action("StatusNotification")
        )
    except NotSeen:
        raise NotSeen(f"{_list(csms, out())} did not come into use") from None


def _none_show(csms: CsmsPeer, connectors: Iterable[Connector], status: str, *, after: int) -> None:
    """Raise AssertionError where one of these connectors was told to have this status."""
    wrong = {each: status for each in connectors if _shows(csms, each, after) == status}
    assert not wrong, f"it was about another, and {_told(csms, wrong)}"


def _told(csms: CsmsPeer, states: dict[Connector, str]) -> str:
    return ", ".join(f"{csms.speak.name(each)} was {state}" for each, state in states.items())


def _list(csms: CsmsPeer, connectors: Iterable[Connector]) -> str:
    return ", ".join(map(csms.speak.name, connectors))
