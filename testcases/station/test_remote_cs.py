"""Use cases F01, F02 and F03: the CSMS starts and stops transactions."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import count

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms import CsmsPeer
from conformance.peers.received import NotSeen, Received
from conformance.peers.scenes import (
    Charging,
    Connector,
    charging,
    configured,
    inoperative,
    pull_plug,
    read_variable,
    running,
    vacated,
)
from conformance.peers.transaction_scenes import CONNECTED
from conformance.peers.v201 import remote_start
from conformance.sut.drivers import DriverFailed, StationDriver, Unsupported
from conformance.sut.profile import SutProfile

EVENT = "TransactionEvent"
BY_ITSELF = ("MeterValuePeriodic", "MeterValueClock", "Trigger")
"""Reasons for events that may come at any time, whatever was asked for."""

REMOTE = "(remote-start-iso14443 or remote-start-no-authorization)"
STOPS_BY_AUTHORIZATION = {"Authorized", "PowerPathClosed"}

_numbers = count(70_000)


@case(
    "TC_F_01_CS",
    "A remote start for an EV that is plugged in already",
    needs=f"NOT cable-lock-before-authorization and {REMOTE}",
    requirements=["F01.FR.04", "F01.FR.13", "F01.FR.19", "F01.FR.25"],
    severity=Severity.CRITICAL,
)
async def test_plugged_in_first(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Plug in, then ask for the start; a transaction that waits already is told by its id."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with vacated(station, csms):
        before = csms.now
        await station.plug_in(*spot)
        with suppress(NotSeen):
            await csms.expect(EVENT, eventType="Started", after=before, within=profile.timing.settle)
        waiting = running(csms)
        number, mark = next(_numbers), csms.now
        answer = await start(csms, token, spot, number)
        assert answer["status"] == "Accepted", f"the remote start was answered {answer['status']}"
        event = await next_event(csms, after=mark)
        with spec("F01.FR.19"):
            assert event["triggerReason"] == "RemoteStart", (
                f"the next event has the trigger reason {event['triggerReason']}, not RemoteStart"
            )
        identifier = event["transactionInfo"]["transactionId"]
        if identifier in waiting:
            with spec("F01.FR.13"):
                csms.touch(answer)
                assert answer.get("transactionId") == identifier, (
                    f"transaction {identifier} waited for a driver, and the answer to the remote start names "
                    f"{answer.get('transactionId') or 'none'}"
                )
            with spec("F01.FR.25"):
                judge_number(event, number)
        else:
            for requirement in ("F01.FR.13", "F01.FR.25"):
                spec.excuse(requirement, "plugging in began no transaction")
        with spec("F01.FR.04"):
            await csms.speak.energy(Charging(spot, identifier, event), after=mark)
            judge_token(csms, identifier, token, after=mark)


@case(
    "TC_F_02_CS",
    "A remote start before the EV is plugged in, of a token that has to be authorized first",
    needs=f"remote-start-authorized and {REMOTE}",
    requirements=["F01.FR.01", "F01.FR.04", "F02.FR.01"],
    severity=Severity.CRITICAL,
)
async def test_start_first_authorized(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set it to authorize, ask for the start, and plug in."""
    await _start_first(station, csms, spec, profile, authorized=True)


@case(
    "TC_F_03_CS",
    "A remote start before the EV is plugged in, of a token that is taken as it is",
    needs=f"remote-start-unauthorized and {REMOTE}",
    requirements=["F01.FR.02", "F01.FR.04", "F02.FR.01"],
    severity=Severity.CRITICAL,
)
async def test_start_first(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set it not to authorize, ask for the start, and plug in."""
    await _start_first(station, csms, spec, profile, authorized=False)


async def _start_first(
    station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile, *, authorized: bool
) -> None:
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    setting = ("AuthCtrlr", "AuthorizeRemoteStart")
    async with AsyncExitStack() as afterwards:
        await afterwards.enter_async_context(vacated(station, csms))
        wanted = "true" if authorized else "false"
        if await read_variable(csms, *setting) != wanted:
            await afterwards.enter_async_context(configured(csms, {setting: wanted}))
        await forget(csms)
        number, mark = next(_numbers), csms.now
        answer = await start(csms, token, spot, number)
        assert answer["status"] == "Accepted", f"the remote start was answered {answer['status']}"
        if authorized:
            with spec("F01.FR.01"):
                asked = await csms.expect("Authorize", after=mark)
                assert same(asked["idToken"], token), f"Authorize has the token {dict(asked['idToken'])}, not {token}"
        with suppress(NotSeen):  # a plug that goes in before the driver is authorized is another story
            await csms.until(lambda: bool(csms.seen(EVENT, after=mark)), "a start", within=profile.timing.settle)
        await station.plug_in(*spot)
        first = await csms.expect(EVENT, eventType="Started", after=mark)
        identifier = first["transactionInfo"]["transactionId"]
        with spec("F02.FR.01"):
            judge_number(first, number)
        with spec("F01.FR.04"):
            await csms.speak.energy(Charging(spot, identifier, first), after=mark)
            judge_token(csms, identifier, token, after=mark)
        if not authorized:
            with spec("F01.FR.02"):
                asks = csms.seen("Authorize", after=mark)
                csms.touch(*asks)
                assert not asks, "the station asked about the token, although AuthorizeRemoteStart is false"


@case(
    "TC_F_04_CS",
    "A remote start that nobody plugs in for comes to nothing, and the next one is taken",
    requirements=["C01.FR.26", "F02.FR.01", "F02.FR.07"],
    severity=Severity.NORMAL,
)
async def test_nobody_plugs_in(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Let the time for plugging in pass, and ask again."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    timeout = profile.parameters.connection_timeout
    settings = {("TxCtrlr", "EVConnectionTimeOut"): f"{timeout:g}"}
    if profile.claims("configurable-start-point") and profile.claims("start-point-authorized"):
        settings[("TxCtrlr", "TxStartPoint")] = "Authorized"
    async with vacated(station, csms), configured(csms, settings):
        number, mark = next(_numbers), csms.now
        answer = await start(csms, token, spot, number)
        assert answer["status"] == "Accepted", f"the remote start was answered {answer['status']}"
        started: Received | None = None
        with suppress(NotSeen):
            started = await csms.expect(EVENT, eventType="Started", after=mark, within=timeout + profile.timing.settle)
        if started is None:
            for requirement in ("F02.FR.01", "F02.FR.07"):
                spec.excuse(requirement, "no transaction began before a plug was in")
        else:
            with spec("F02.FR.01"):
                judge_number(started, number)
            identifier = started["transactionInfo"]["transactionId"]
            if not station.can("plug_in") and started["transactionInfo"].get("chargingState") in CONNECTED:
                for requirement in ("F02.FR.07", "C01.FR.26"):
                    spec.unproven(requirement, "it takes an EV for plugged in, and the driver can't unplug one")
                return
            if "ParkingBayOccupancy" in await stop_points(csms):
                spec.excuse("F02.FR.07", "the transaction ends when the parking bay is left (F02.FR.08)")
            else:
                with spec("F02.FR.07"):
                    over = await csms.speak.ended(
                        identifier, after=mark, within=timeout + csms.patience.for_action(EVENT)
                    )
                    reasons = (over["triggerReason"], over["transactionInfo"].get("stoppedReason"))
                    assert reasons == ("EVConnectTimeout", "Timeout"), (
                        f"the transaction ended with {reasons[0]} and {reasons[1] or 'no stoppedReason'}, not with "
                        f"EVConnectTimeout and Timeout"
                    )
        with spec("C01.FR.26"):
            again = await accepted_in_time(csms, token, spot, profile)
            assert again is not None, "long after EVConnectionTimeOut no other remote start is taken"


async def accepted_in_time(
    csms: CsmsPeer, token: Mapping[str, str], spot: Connector, profile: SutProfile
) -> Received | None:
    """Ask for a start until it is taken, for as long as an event may take to come; None where it never is."""
    rounds = max(2, int(csms.patience.for_action("StatusNotification") / max(profile.timing.settle, 0.1)) // 4)
    for _ in range(rounds):
        answer = await start(csms, token, spot, next(_numbers))
        if answer["status"] == "Accepted":
            return answer
        with suppress(NotSeen):
            await csms.until(lambda: False, "the EVSE to be free", within=profile.timing.settle)
    return None


@case(
    "TC_F_08_CS",
    "A remote stop ends the transaction",
    requirements=["F03.FR.03", "F03.FR.07", "F03.FR.09"],
    severity=Severity.CRITICAL,
)
async def test_stop(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge and ask for the stop; it ends the transaction where a stop point says so."""
    token = profile.parameters.valid_id_token.payload
    async with vacated(station, csms):
        ends = bool(STOPS_BY_AUTHORIZATION & await stop_points(csms))
        session = await charging(station, csms, profile.connectors[0], token)
        event = await _stopped(csms, spec, session)
        if ends:
            with spec("F03.FR.03"):
                assert event["eventType"] == "Ended", f"the remote stop led to {event['eventType']}, not to Ended"
                reason = event["transactionInfo"].get("stoppedReason")
                assert reason == "Remote", f"the stoppedReason is {reason or 'missing'}, not Remote"
        else:
            spec.excuse("F03.FR.03", "TxStopPoint does not end a transaction by a remote stop")


@case(
    "REMOTE_STOP_KEEPS_TRANSACTION_CS",
    "A remote stop ends the energy, and the transaction goes on until the plug is out",
    needs="configurable-stop-point and stop-point-ev-connected",
    requirements=["F03.FR.02", "F03.FR.07", "F03.FR.09"],
    severity=Severity.NORMAL,
)
async def test_stop_energy(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set EVConnected as the only stop point, charge, ask for the stop, and pull the plug."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with (
        vacated(station, csms),  # where nobody can pull the plug nothing ends it, until the setting is put back
        configured(csms, {("TxCtrlr", "TxStopPoint"): "EVConnected"}),
        _unplugged(station, csms, spot),
    ):
        session = await charging(station, csms, spot, token)
        mark = csms.now
        event = await _stopped(csms, spec, session)
        with spec("F03.FR.02"):
            assert event["eventType"] == "Updated", f"the remote stop led to {event['eventType']}, not to Updated"
            with suppress(NotSeen):
                await csms.until(
                    lambda: not energy_flows(csms, session, after=mark),
                    "the energy to stop",
                    within=profile.timing.status,
                )
            assert not energy_flows(csms, session, after=mark), "the last that was told is that energy flows"


@asynccontextmanager
async def _unplugged(station: StationDriver, csms: CsmsPeer, connector: Connector) -> AsyncIterator[None]:
    """Pull the plug at the end of a block, however that comes, and see that no transaction runs any more."""
    try:
        yield
    finally:
        with suppress(AssertionError, DriverFailed, Unsupported):
            if connector in station.plugged and await pull_plug(station, connector):
                await csms.until(
                    lambda: not running(csms), "the end of the transaction", within=csms.patience.for_action(EVENT)
                )


@case(
    "TC_F_09_CS",
    "A remote stop of a transaction that nobody knows is refused, and ends nothing",
    requirements=["F03.FR.08"],
    severity=Severity.NORMAL,
)
async def test_stop_unknown(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, and ask for the stop of another transaction."""
    token = profile.parameters.valid_id_token.payload
    async with vacated(station, csms):
        session = await charging(station, csms, profile.connectors[0], token)
        with spec("F03.FR.08"):
            answer = await csms.speak.remote_stop(f"{session.transaction_id[:20]}-no-such")
            assert answer["status"] == "Rejected", f"the stop of an unknown transaction was {answer['status']}"
            with suppress(NotSeen):
                await csms.until(
                    lambda: csms.speak.told_of_stop(session, after=answer.n), "no stop", within=profile.timing.settle
                )
            assert not csms.speak.told_of_stop(session, after=answer.n), (
                "the transaction that ran was stopped, and another was meant"
            )


# -- what can't be started ---------------------------------------------------------------------------------------------


@case(
    "REMOTE_START_BUSY_CS",
    "A remote start on an EVSE where another driver charges is refused, and disturbs nobody",
    needs=REMOTE,
    requirements=["F01.FR.24"],
    severity=Severity.CRITICAL,
)
async def test_start_busy(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge with one token, and ask for a start of another one on that EVSE."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with vacated(station, csms):
        session = await charging(station, csms, spot, token)
        mark = csms.now
        with spec("F01.FR.24"):
            answer = await start(csms, profile.parameters.other_valid_id_token.payload, spot, next(_numbers))
            assert answer["status"] == "Rejected", f"a remote start on an EVSE that charges was {answer['status']}"
            with suppress(NotSeen):
                await csms.until(
                    lambda: bool(_odd(csms, session, mark)), "no other start", within=profile.timing.settle
                )
            odd = _odd(csms, session, mark)
            csms.touch(*odd)
            assert not odd, f"after it was refused, a {odd[0]['eventType']} event came ({odd[0]['triggerReason']})"


def _odd(csms: CsmsPeer, session: Charging, mark: int) -> list[Received]:
    """Events that nobody had a reason for while a transaction goes on."""
    return [
        each
        for each in csms.seen(EVENT, after=mark)
        if each["triggerReason"] == "RemoteStart"
        or (each["eventType"] == "Ended" and csms.speak.of_transaction(each, session.transaction_id))
    ]


@case(
    "REMOTE_START_UNAVAILABLE_CS",
    "A remote start on an EVSE that is out of use is refused",
    needs=REMOTE,
    requirements=["F01.FR.23"],
    severity=Severity.NORMAL,
)
async def test_start_unavailable(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Make the EVSE inoperative, and ask for a start there."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    connectors = [each for each in profile.connectors if each[0] == spot[0]]
    async with vacated(station, csms), inoperative(csms, connectors, place=spot[0]):
        with spec("F01.FR.23"):
            answer = await start(csms, token, spot, next(_numbers))
            assert answer["status"] == "Rejected", f"a remote start on an EVSE out of use was {answer['status']}"


@case(
    "REMOTE_START_ANYWHERE_CS",
    "A remote start that names no EVSE is refused, or starts on one that the station chooses",
    needs=REMOTE,
    requirements=["F01.FR.20", "F02.FR.01"],
    severity=Severity.MINOR,
)
async def test_start_anywhere(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for a start without an EVSE, with a plug in one connector; F01.FR.07 allows to refuse that."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    number = next(_numbers)
    async with vacated(station, csms):
        mark = csms.now
        answer = await csms.call("RequestStartTransaction", remote_start(token, evse=None, remote_start_id=number))
        if answer["status"] != "Accepted":
            for requirement in ("F01.FR.20", "F02.FR.01"):
                spec.excuse(requirement, "the station refuses a remote start that names no EVSE (F01.FR.07)")
            return
        with suppress(NotSeen):
            await csms.until(lambda: bool(csms.seen(EVENT, after=mark)), "a start", within=profile.timing.settle)
        if not csms.seen(EVENT, after=mark):
            await station.plug_in(*spot)
        with spec.must("F01.FR.20"):
            started = await csms.expect(EVENT, eventType="Started", after=mark)
            chosen = started.get("evse", {}).get("id")
            assert chosen in {evse.id for evse in profile.evse}, f"the transaction is on EVSE {chosen}"
        with spec("F02.FR.01"):
            judge_number(started, number)


# -- asking -----------------------------------------------------------------------------------------------------------


async def start(csms: CsmsPeer, token: Mapping[str, str], spot: Connector, number: int) -> Received:
    """Ask for a start on an EVSE."""
    request = remote_start(token, evse=spot[0], remote_start_id=number)
    return await csms.call("RequestStartTransaction", request)


async def forget(csms: CsmsPeer) -> None:
    """Have the authorization cache cleared, if there is one."""
    with suppress(AssertionError):
        await csms.call("ClearCache", {})


async def stop_points(csms: CsmsPeer) -> set[str]:
    """The values of TxStopPoint."""
    return {each.strip() for each in (await read_variable(csms, "TxCtrlr", "TxStopPoint")).split(",")}


async def _stopped(csms: CsmsPeer, spec: Spec, session: Charging) -> Received:
    """Ask for the stop of a transaction, and return the event that it leads to."""
    mark = csms.now
    with spec.must("F03.FR.07"):
        answer = await csms.speak.remote_stop(session.transaction_id)
        assert answer["status"] == "Accepted", f"the remote stop of a running transaction was {answer['status']}"
    event = await next_event(csms, after=mark, of=session)
    with spec("F03.FR.09"):
        told = [event, *events(csms, session, after=event.n)]
        csms.touch(*told)
        reasons = list(dict.fromkeys(each["triggerReason"] for each in told))
        assert "RemoteStop" in reasons, f"the events after a remote stop have {', '.join(reasons)}, not RemoteStop"
    return next((each for each in told if each["triggerReason"] == "RemoteStop"), event)


# -- judging ----------------------------------------------------------------------------------------------------------


async def next_event(csms: CsmsPeer, *, after: int, of: Charging | None = None) -> Received:
    """The next event that has to do with what was asked for."""
    return await csms.expect(
        EVENT,
        after=after,
        where=lambda event: (
            event["triggerReason"] not in BY_ITSELF
            and (of is None or csms.speak.of_transaction(event, of.transaction_id))
        ),
    )


def events(csms: CsmsPeer, session: Charging, *, after: int) -> list[Received]:
    """The events of a transaction so far."""
    return [each for each in csms.seen(EVENT, after=after) if csms.speak.of_transaction(each, session.transaction_id)]


def energy_flows(csms: CsmsPeer, session: Charging, *, after: int) -> bool:
    """Whether the last charging state that was told of a transaction, since it charged, is Charging."""
    told = [each["transactionInfo"].get("chargingState") for each in events(csms, session, after=after)]
    known = [each for each in told if each is not None]
    return not known or known[-1] == "Charging"


def same(one: Mapping[str, object], other: Mapping[str, str]) -> bool:
    """Whether two tokens are equal: value and type, letter case aside (C01.FR.25)."""
    return all(str(one.get(key)).casefold() == other[key].casefold() for key in ("idToken", "type"))


def judge_number(event: Received, number: int) -> None:
    """Judge that an event names the remote start."""
    told = event["transactionInfo"].get("remoteStartId")
    assert told == number, f"the remoteStartId of the {event['eventType']} event is {told or 'missing'}, not {number}"


def judge_token(csms: CsmsPeer, identifier: str, token: Mapping[str, str], *, after: int) -> None:
    """Judge that the events of a transaction carry the token, and no other."""
    told = [
        each
        for each in csms.seen(EVENT, after=after)
        if csms.speak.of_transaction(each, identifier) and "idToken" in each
    ]
    csms.touch(*told)
    assert told, "no event of the transaction has an idToken"
    others = [dict(each["idToken"]) for each in told if not same(each["idToken"], token)]
    assert not others, f"an event has the token {others[0]}, and {dict(token)} was to be used"
