"""OCPP 1.6, chapters 4.1, 4.8 to 4.10: drivers start and stop charging at the station, or are not let in."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms import CsmsPeer
from conformance.peers.csms_dialect import Charging, Connector
from conformance.peers.received import NotSeen, Received
from conformance.peers.scenes import charging, configured, latest_statuses, transaction, vacated
from conformance.peers.scenes_v16 import (
    LOCK_FAILURE,
    NO_ERROR,
    broken,
    clear_cache,
    debounced,
    nothing_starts,
    number,
    present,
    read_flag,
    readable,
    set_where_possible,
    shows,
    socket,
    started,
    stopped,
)
from conformance.peers.v16 import id_tag_info, remote_start
from conformance.peers.v16 import started as start_answered
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile

ENERGY = ("Charging", "SuspendedEV", "SuspendedEVSE")
OVER = ("Finishing",)
OVER_WITH_CABLE_GONE = ("Finishing", "Available")
EV_GONE = "ev side disconnected"
GROUP = "GROUP-4711"
BY_CARD = "local-start-iso14443 or local-start-iso15693 or local-start-keycode"
"""A driver can start with a token at the station."""


# -- start ------------------------------------------------------------------------------------------------------------


@case(
    "TC_003_CS",
    "The plug first, then the card: the driver is authorized, and only then the transaction starts",
    versions=["1.6"],
    needs=BY_CARD,
    requirements=["16.STATUS.11", "16.STATUS.13", "16.TX.01", "16.TX.02", "16.TX.04"],
    severity=Severity.BLOCKER,
)
async def test_plug_first(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Plug in, see that nothing starts, and hold up the card."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with _prepared(station, csms, profile):
        plugged = csms.now
        await station.plug_in(*spot)
        with spec("16.STATUS.11"):
            await shows(csms, spot, "Preparing", after=plugged)
        with spec.must("16.TX.01"):
            await nothing_starts(csms, after=plugged, for_=profile.timing.settle)
        mark = csms.now
        await present(station, spot, token)
        await _judge_start(csms, spec, spot, token, mark)
        with spec("16.STATUS.13"):
            await shows(csms, spot, *ENERGY, after=mark)


@case(
    "TC_004_1_CS",
    "The card first, then the plug: the driver is authorized, and the transaction starts with the plug",
    versions=["1.6"],
    needs=BY_CARD,
    requirements=["16.STATUS.13", "16.TX.02", "16.TX.04"],
    severity=Severity.BLOCKER,
)
async def test_card_first(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Hold up the card, wait for the question to the CSMS, and plug in."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with _prepared(station, csms, profile):
        mark = csms.now
        await present(station, spot, token)
        with suppress(NotSeen):  # whether it asks is judged below
            await _authorized(csms, mark)
        await station.plug_in(*spot)
        await _judge_start(csms, spec, spot, token, mark)
        with spec("16.STATUS.13"):
            await shows(csms, spot, *ENERGY, after=mark)


@case(
    "TC_004_2_CS",
    "The card, and no plug: after ConnectionTimeOut the connector is free, and the card is of no use any more",
    versions=["1.6"],
    needs=BY_CARD,
    requirements=["16.STATUS.12", "16.TX.70"],
)
async def test_no_plug(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Let the time pass, and then plug in. A station with several connectors need not say which one it prepares."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    timeout = profile.parameters.connection_timeout
    async with _prepared(station, csms, profile), configured(csms, {"ConnectionTimeOut": str(timeout)}):
        mark = csms.now
        await present(station, spot, token)
        await _authorized(csms, mark)
        prepared = await _until_preparing(csms, profile, mark)
        with spec("16.STATUS.12"):
            await _let_time_pass(csms, profile, timeout, mark)
            if prepared:
                await shows(csms, prepared[0], "Available", after=prepared[1], within=profile.timing.status)
        if not prepared:
            spec.excuse("16.STATUS.12", "no connector was reported as Preparing for a card without a plug")
        plugged = csms.now
        await station.plug_in(*spot)
        with spec("16.TX.70"):
            await nothing_starts(csms, after=plugged, for_=profile.timing.settle)


@case(
    "TC_023_CS",
    "A card that the CSMS refuses starts no transaction",
    versions=["1.6"],
    needs=BY_CARD,
    requirements=["16.TX.17"],
    severity=Severity.BLOCKER,
)
async def test_refused(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Plug in, and hold up a card that is answered Invalid, Blocked, Expired and ConcurrentTx in turn."""
    await _refuse(station, csms, spec, profile, "Invalid", "Blocked", "Expired", "ConcurrentTx")


@case(
    "TC_023_4_CS",
    "A card that the CSMS calls Invalid starts no transaction",
    versions=["1.6"],
    needs=BY_CARD,
    requirements=["16.TX.17"],
    severity=Severity.CRITICAL,
)
async def test_invalid(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """The first part of TC_023_CS, by which later editions of the official cases tell card and remote start apart."""
    await _refuse(station, csms, spec, profile, "Invalid")


async def _refuse(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile, *statuses: str) -> None:
    """Plug in, and answer the same card with one status after the other."""
    spot, token = profile.connectors[0], profile.parameters.invalid_id_token.payload
    async with _prepared(station, csms, profile):
        await station.plug_in(*spot)
        for status in statuses:
            csms.keep_answering("Authorize", id_tag_info(status))
            csms.keep_answering("StartTransaction", start_answered(status))
            mark = csms.now
            await present(station, spot, token)
            await _authorized(csms, mark)
            with spec.must("16.TX.17"):
                await nothing_starts(csms, after=mark, for_=profile.timing.settle)
        csms.answer("Authorize")


@case(
    "TC_023_5_CS",
    "A remote start whose token the CSMS refuses starts no transaction",
    versions=["1.6"],
    needs="remote-start-authorized",
    requirements=["16.TX.17"],
    severity=Severity.CRITICAL,
)
async def test_refused_remotely(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """With AuthorizeRemoteTxRequests, ask for a start, and answer that the token is invalid."""
    spot, token = profile.connectors[0], profile.parameters.invalid_id_token.payload
    async with _prepared(station, csms, profile), configured(csms, {"AuthorizeRemoteTxRequests": "true"}):
        if station.can("plug_in"):
            await station.plug_in(*spot)
        csms.keep_answering("Authorize", id_tag_info("Invalid"))
        csms.keep_answering("StartTransaction", start_answered("Invalid"))
        mark = csms.now
        answer = await csms.speak.remote_start(token, spot, 0)
        if answer["status"] == "Accepted":
            with suppress(NotSeen):
                await _authorized(csms, mark)
        with spec("16.TX.17"):
            await nothing_starts(csms, after=mark, for_=profile.timing.settle)
        csms.answer("Authorize")


@case(
    "TC_024_CS",
    "A cable that can't be locked starts no transaction",
    versions=["1.6"],
    needs="detachable-cable and lock-failure",
    requirements=["16.TX.52"],
)
async def test_lock_failure(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Break the lock of a socket, ask for a start from afar, and plug in."""
    spot = socket(profile)
    assert spot is not None, "detachable-cable is claimed, and the profile lists no connector that is a socket (s…)"
    async with _prepared(station, csms, profile), broken(station, spot, LOCK_FAILURE):
        mark = csms.now
        answer = await csms.speak.remote_start(profile.parameters.valid_id_token.payload, spot, 0)
        assert answer["status"] == "Accepted", f"the remote start was answered {answer['status']}"
        with suppress(NotSeen):
            await shows(csms, spot, "Preparing", after=mark)
        await station.plug_in(*spot)
        with spec("16.TX.52"):
            told = await shows(csms, spot, "Faulted", after=mark, where=lambda each: each["errorCode"] != NO_ERROR)
            assert told["errorCode"] == LOCK_FAILURE, f"expected the error {LOCK_FAILURE}, got {told['errorCode']}"
        with spec("16.TX.52"):
            await nothing_starts(csms, after=mark, for_=profile.timing.settle)


@case(
    "TC_041_CS",
    "A connector that is broken says so, and starts no transaction",
    versions=["1.6"],
    requirements=["16.STATUS.16"],
)
async def test_faulted(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Break it, and try to start there, with a card where that can be presented, and from afar."""
    spot, token = _alone(profile), profile.parameters.valid_id_token.payload
    async with _prepared(station, csms, profile):
        mark = csms.now
        async with broken(station, spot, "OtherError"):
            with spec("16.STATUS.16"):
                told = await shows(csms, spot, "Faulted", after=mark)
                assert told["errorCode"] != NO_ERROR, "Faulted was reported with the error NoError"
            if station.can("plug_in"):
                await station.plug_in(*spot)
            if station.can("present_id_token"):
                await present(station, spot, token)
            await csms.attempt("RemoteStartTransaction", remote_start(token["idToken"], connector=number(csms, spot)))
            with spec("16.STATUS.16"):
                await nothing_starts(csms, after=mark, for_=profile.timing.settle)


# -- the cache --------------------------------------------------------------------------------------------------------


@case(
    "TC_007_1_CS",
    "A card that was let in before starts without waiting for the CSMS, where LocalPreAuthorize says so",
    versions=["1.6"],
    needs=f"authorization-cache and ({BY_CARD})",
    requirements=["16.TX.71"],
)
async def test_cached(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge once, which the station remembers; then plug in again, and hold up the same card."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with _prepared(station, csms, profile), _remembered(station, csms, profile, spot, token):
        mark = csms.now
        await station.plug_in(*spot)
        await present(station, spot, token)
        await _judge_not_asked(csms, spec, spot, mark)


@case(
    "TC_007_CS",
    "A remote start of a token that was let in before waits for no Authorize, where LocalPreAuthorize says so",
    versions=["1.6"],
    needs="authorization-cache and remote-start-authorized",
    requirements=["16.TX.71"],
)
async def test_cached_remotely(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """As with the card at the station, with AuthorizeRemoteTxRequests true: plug in first."""
    spot = profile.connectors[0]
    async with _cached_remote_start(station, csms, profile) as token:
        mark = csms.now
        if station.can("plug_in"):
            await station.plug_in(*spot)
            with suppress(NotSeen):
                await shows(csms, spot, "Preparing", after=mark)
        await _ask_for(csms, spot, token)
        await _judge_not_asked(csms, spec, spot, mark)


@case(
    "TC_007_2_CS",
    "A remote start of a token that was let in before waits for no Authorize, also where the plug comes after it",
    versions=["1.6"],
    needs="authorization-cache and remote-start-authorized",
    requirements=["16.TX.71"],
)
async def test_cached_remotely_first(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """TC_007_CS as later editions of the official cases name it: ask first, where the station takes that."""
    spot = profile.connectors[0]
    async with _cached_remote_start(station, csms, profile) as token:
        mark = csms.now
        taken = (await csms.speak.remote_start(token, spot, 0))["status"] == "Accepted"
        if station.can("plug_in"):
            await station.plug_in(*spot)
        if not taken:
            await _ask_for(csms, spot, token)
        await _judge_not_asked(csms, spec, spot, mark)


@asynccontextmanager
async def _cached_remote_start(
    station: StationDriver, csms: CsmsPeer, profile: SutProfile
) -> AsyncIterator[Mapping[str, str]]:
    """A station that checks remote starts, and a token that it remembers."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with (
        _prepared(station, csms, profile),
        configured(csms, {"AuthorizeRemoteTxRequests": "true"}),
        _remembered(station, csms, profile, spot, token),
    ):
        yield token


async def _ask_for(csms: CsmsPeer, spot: Connector, token: Mapping[str, str]) -> None:
    answer = await csms.speak.remote_start(token, spot, 0)
    assert answer["status"] == "Accepted", f"the remote start was answered {answer['status']}"


@asynccontextmanager
async def _remembered(
    station: StationDriver, csms: CsmsPeer, profile: SutProfile, spot: Connector, token: Mapping[str, str]
) -> AsyncIterator[None]:
    """Have the station remember a token by a transaction that is over, and start by what it remembers."""
    async with set_where_possible(csms, {"AuthorizationCacheEnabled": "true"}):
        session = await transaction(station, csms, spot, token)
        await csms.speak.remote_stop(session.transaction_id)
        await stopped(csms, session)
        if spot in station.plugged:
            mark = csms.now
            await station.unplug(*spot)
            with suppress(NotSeen):
                await shows(csms, spot, "Available", after=mark)
        async with configured(csms, {"LocalPreAuthorize": "true"}):
            yield
    await clear_cache(csms, profile)


async def _judge_not_asked(csms: CsmsPeer, spec: Spec, spot: Connector, mark: int) -> None:
    """The transaction starts with no answer to Authorize before it; a question that nobody waits for does no harm."""
    with spec("16.TX.71"):
        start = await started(csms, spot, after=mark)
        for asked in csms.seen("Authorize", after=mark, before=start):
            exchange = csms.transcript.exchange(asked.entry)
            csms.touch(asked)
            assert exchange is None or exchange.answer is None or exchange.answer.n > start.n, (
                "the station waited for an answer to Authorize, although it has let the token in before"
            )


# -- the card again ---------------------------------------------------------------------------------------------------


@case(
    "TC_068_CS",
    "Another driver's card does not stop the transaction; the card that started it does, without another question",
    versions=["1.6"],
    needs="local-stop",
    requirements=["16.STATUS.14", "16.TX.13", "16.TX.14", "16.TX.16"],
    severity=Severity.CRITICAL,
)
async def test_stopped_by_its_card(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge where a reader serves one connector only, as far as there is one; hold up another card, then the first."""
    spot, parameters = _alone(profile), profile.parameters
    token = parameters.valid_id_token.payload
    async with _prepared(station, csms, profile):
        session = await charging(station, csms, spot, token)
        await present(station, spot, parameters.other_valid_id_token.payload)
        with spec.must("16.TX.16"):
            await _goes_on(csms, session, profile)
        mark = csms.now
        await present(station, spot, token)
        stop = None
        with spec.must("16.TX.14"):
            stop = await stopped(csms, session)
            asked = [each for each in csms.seen("Authorize", after=mark, before=stop) if _same(each, token)]
            csms.touch(*asked)
            assert not asked, "the station asked for the token again with which the transaction had started"
        _judge_token(csms, spec, stop, token)
        with spec("16.STATUS.14"):
            await shows(csms, spot, *OVER, after=mark)


@case(
    "TC_069_CS",
    "Another card of the same group stops the transaction, once the CSMS has been asked for it",
    versions=["1.6"],
    needs="local-stop",
    requirements=["16.STATUS.14", "16.TX.13", "16.TX.15"],
    severity=Severity.CRITICAL,
)
async def test_stopped_by_its_group(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Give both cards the same parentIdTag; whether the second needs an Authorize depends on what is remembered."""
    spot, parameters = _alone(profile), profile.parameters
    other = parameters.other_valid_id_token.payload
    csms.keep_answering("Authorize", id_tag_info("Accepted", parentIdTag=GROUP))
    csms.keep_answering("StartTransaction", _started_in_group)
    async with _prepared(station, csms, profile):
        session = await charging(station, csms, spot, parameters.valid_id_token.payload)
        mark = csms.now
        await present(station, spot, other)
        stop = None
        with spec.must("16.TX.15"):
            stop = await stopped(csms, session)
        _judge_token(csms, spec, stop, other)
        with spec("16.STATUS.14"):
            await shows(csms, spot, *OVER, after=mark)
    csms.answer("Authorize")


def _started_in_group(request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to StartTransaction by a CSMS that knows the token's group."""
    answer = start_answered()(request)
    return {**answer, "idTagInfo": {"status": "Accepted", "parentIdTag": GROUP}}


def _judge_token(csms: CsmsPeer, spec: Spec, stop: Received | None, token: Mapping[str, str]) -> None:
    """The StopTransaction names the token that was shown."""
    assert stop is not None
    with spec("16.TX.13"):
        csms.touch(stop)
        assert _same(stop, token), (
            f"the transaction was stopped with the token {token['idToken']}, and StopTransaction names "
            f"{stop.get('idTag', 'none')}"
        )


# -- the EV's end of the cable ----------------------------------------------------------------------------------------


@case(
    "TC_005_1_CS",
    "Unplugged at the EV, the transaction stops, and the driver can take the cable",
    versions=["1.6"],
    needs="detachable-cable and drop-authorization-on-ev-disconnect and unlocks-on-ev-disconnect",
    requirements=["16.STATUS.14", "16.TX.31"],
    severity=Severity.CRITICAL,
)
async def test_unplugged_unlocks(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """With StopTransactionOnEVSideDisconnect and UnlockConnectorOnEVSideDisconnect true, at a socket."""
    spot = socket(profile) or profile.connectors[0]
    async with (
        _prepared(station, csms, profile),
        configured(csms, {"UnlockConnectorOnEVSideDisconnect": "true"}),
    ):
        await _unplugged_stops(station, csms, spec, profile, spot, OVER)


@case(
    "TC_005_2_CS",
    "Unplugged at the EV, the transaction stops, and the cable is let go only when it is unlocked",
    versions=["1.6"],
    needs="drop-authorization-on-ev-disconnect and (stays-locked-on-ev-disconnect or fixed-cable)",
    requirements=["16.STATUS.14", "16.TX.27", "16.TX.31"],
    severity=Severity.CRITICAL,
)
async def test_unplugged_stays_locked(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """With UnlockConnectorOnEVSideDisconnect false; at last unlock it from afar, which no fixed cable can be."""
    spot = (socket(profile) if profile.claims("stays-locked-on-ev-disconnect") else None) or profile.connectors[0]
    async with (
        _prepared(station, csms, profile),
        set_where_possible(csms, {"UnlockConnectorOnEVSideDisconnect": "false"}),
    ):
        await _unplugged_stops(station, csms, spec, profile, spot, OVER_WITH_CABLE_GONE)
        with spec("16.TX.27"):
            answer = await csms.call("UnlockConnector", {"connectorId": number(csms, spot)})
            assert answer["status"] in ("Unlocked", "NotSupported"), f"UnlockConnector was answered {answer['status']}"


async def _unplugged_stops(  # noqa: PLR0913 -- where, and how it may show
    station: StationDriver,
    csms: CsmsPeer,
    spec: Spec,
    profile: SutProfile,
    spot: Connector,
    over: tuple[str, ...],
) -> None:
    async with set_where_possible(csms, {"StopTransactionOnEVSideDisconnect": "true"}):
        assert await read_flag(csms, "StopTransactionOnEVSideDisconnect"), "the transaction is not to stop"
        session = await charging(station, csms, spot, profile.parameters.valid_id_token.payload)
        mark = csms.now
        await station.unplug(*spot)
        with spec.must("16.TX.31"):
            stop = await stopped(csms, session)
            reason = stop.get("reason")
            assert reason == "EVDisconnected", f"expected the reason EVDisconnected, got {reason}"
        with spec("16.STATUS.14"):
            await shows(csms, spot, *over, after=mark)


@case(
    "TC_005_3_CS",
    "Unplugged at the EV, the transaction goes on until it is stopped from afar",
    versions=["1.6"],
    needs="keep-authorization-on-ev-disconnect",
    requirements=["16.STATUS.14", "16.STATUS.20", "16.STATUS.21", "16.TX.25", "16.TX.32"],
    severity=Severity.CRITICAL,
)
async def test_unplugged_goes_on(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """With StopTransactionOnEVSideDisconnect false it is suspended, and says why."""
    spot = profile.connectors[0]
    async with (
        _prepared(station, csms, profile),
        set_where_possible(csms, {"UnlockConnectorOnEVSideDisconnect": "false"}),
        configured(csms, {"StopTransactionOnEVSideDisconnect": "false"}),
    ):
        session = await charging(station, csms, spot, profile.parameters.valid_id_token.payload)
        mark = csms.now
        await station.unplug(*spot)
        suspended = None
        with spec("16.STATUS.20"):
            suspended = await shows(csms, spot, "SuspendedEV", "SuspendedEVSE", after=mark)
        if suspended is None:
            spec.excuse("16.STATUS.21", "there was no such status to look at")
        else:
            with spec("16.STATUS.21"):
                csms.touch(suspended)
                info = suspended.get("info", "")
                assert EV_GONE in info.lower(), f"the status says {info or 'nothing'} of why charging is suspended"
        with spec.must("16.TX.32"):
            await _goes_on(csms, session, profile)
        mark = csms.now
        with spec.must("16.TX.25"):
            await _stopped_remotely(csms, session)
        with spec("16.STATUS.14"):
            await shows(csms, spot, *OVER_WITH_CABLE_GONE, after=mark)


# -- from afar --------------------------------------------------------------------------------------------------------


@case(
    "TC_010_CS",
    "The plug first, then a remote start: it is authorized first where the setting says so",
    versions=["1.6"],
    requirements=["16.STATUS.13", "16.TX.18", "16.TX.19", "16.TX.20"],
    severity=Severity.BLOCKER,
)
async def test_remote_start_plugged(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """With AuthorizeRemoteTxRequests true, as far as it can be."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    wish = {"AuthorizeRemoteTxRequests": "true"} if profile.claims("remote-start-authorized") else {}
    async with _prepared(station, csms, profile), set_where_possible(csms, wish):
        mark = csms.now
        if station.can("plug_in"):
            await station.plug_in(*spot)
            with suppress(NotSeen):
                await shows(csms, spot, "Preparing", after=mark)
        mark = csms.now
        await _remote_start(csms, spec, spot, token)
        await _begun(station, csms, spot, mark)
        await _judge_remote_start(csms, spec, spot, token, mark)


@case(
    "TC_011_1_CS",
    "A remote start first, then the plug: the connector waits for it, and the transaction starts",
    versions=["1.6"],
    requirements=["16.STATUS.11", "16.STATUS.13", "16.TX.18", "16.TX.19", "16.TX.20"],
    severity=Severity.BLOCKER,
)
async def test_remote_start_first(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """With AuthorizeRemoteTxRequests false, as far as it can be."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    wish = {"AuthorizeRemoteTxRequests": "false"} if profile.claims("remote-start-unauthorized") else {}
    async with _prepared(station, csms, profile), set_where_possible(csms, wish):
        mark = csms.now
        await _remote_start(csms, spec, spot, token)
        with spec("16.STATUS.11"):
            await shows(csms, spot, "Preparing", after=mark)
        if station.can("plug_in"):
            await station.plug_in(*spot)
        await _begun(station, csms, spot, mark)
        await _judge_remote_start(csms, spec, spot, token, mark)


@case(
    "TC_011_2_CS",
    "A remote start, and no plug: after ConnectionTimeOut the connector is free again",
    versions=["1.6"],
    requirements=["16.TX.18", "16.TX.21"],
)
async def test_remote_start_unused(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Let the time pass; a plug that comes later starts nothing."""
    spot, timeout = profile.connectors[0], profile.parameters.connection_timeout
    async with _prepared(station, csms, profile), configured(csms, {"ConnectionTimeOut": str(timeout)}):
        mark = csms.now
        await _remote_start(csms, spec, spot, profile.parameters.valid_id_token.payload)
        preparing = await shows(csms, spot, "Preparing", after=mark)
        if not station.can("plug_in"):
            try:
                await nothing_starts(csms, after=mark, for_=profile.timing.settle)
            except AssertionError:
                spec.unproven("16.TX.21", "it takes an EV for plugged in, and the driver can't unplug one")
                return
        with spec("16.TX.21"):
            await _let_time_pass(csms, profile, timeout, mark)
            await shows(csms, spot, "Available", after=preparing, within=profile.timing.status)
            if station.can("plug_in"):
                plugged = csms.now
                await station.plug_in(*spot)
                await nothing_starts(csms, after=plugged, for_=profile.timing.settle)


@case(
    "TC_012_CS",
    "A remote stop ends the transaction",
    versions=["1.6"],
    requirements=["16.STATUS.14", "16.TX.10", "16.TX.25"],
    severity=Severity.BLOCKER,
)
async def test_remote_stop(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, and ask for the end by the id that the transaction was given."""
    spot = profile.connectors[0]
    async with _prepared(station, csms, profile):
        session = await charging(station, csms, spot, profile.parameters.valid_id_token.payload)
        mark = csms.now
        with spec.must("16.TX.25"):
            answer = await csms.speak.remote_stop(session.transaction_id)
            assert answer["status"] == "Accepted", f"the remote stop was answered {answer['status']}"
            stop = await csms.expect("StopTransaction", after=session.event)
            assert stop.get("reason") == "Remote", f"expected the reason Remote, got {stop.get('reason')}"
        with spec("16.TX.10"):
            csms.touch(stop)
            assert str(stop["transactionId"]) == session.transaction_id, (
                f"the transaction was given the id {session.transaction_id}, and its end names {stop['transactionId']}"
            )
        if spot in station.plugged:
            with spec("16.STATUS.14"):
                await shows(csms, spot, *OVER, after=mark)
        else:
            spec.excuse("16.STATUS.14", "nobody could plug an EV in")


@case(
    "TC_026_CS",
    "A remote start where a transaction runs is Rejected",
    versions=["1.6"],
    requirements=["16.TX.22"],
)
async def test_remote_start_in_transaction(
    station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile
) -> None:
    """Ask for another one with the same token, and with that of another driver."""
    spot, parameters = profile.connectors[0], profile.parameters
    async with _prepared(station, csms, profile):
        session = await charging(station, csms, spot, parameters.valid_id_token.payload)
        for token in (parameters.valid_id_token, parameters.other_valid_id_token):
            with spec("16.TX.22"):
                answer = await csms.speak.remote_start(token.payload, spot, 0)
                assert answer["status"] == "Rejected", f"the remote start was answered {answer['status']}"
        with spec("16.TX.22"):
            await _goes_on(csms, session, profile)


@case(
    "TC_027_CS",
    "A remote start of connector 0 is refused",
    versions=["1.6"],
    requirements=["16.TX.23"],
)
async def test_remote_start_of_station(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """By Rejected, or by a CALLERROR."""
    async with _prepared(station, csms, profile):
        request = {"idTag": profile.parameters.valid_id_token.id_token, "connectorId": 0}
        mark = csms.now
        with spec("16.TX.23"):
            entry = await csms.attempt("RemoteStartTransaction", request)
            payload = getattr(entry.frame, "payload", None)
            status = payload.get("status") if isinstance(payload, dict) else None
            assert status in (None, "Rejected"), f"the remote start of connector 0 was answered {status}"
            await nothing_starts(csms, after=mark, for_=profile.timing.settle)


@case(
    "TC_028_CS",
    "A remote stop of a transaction that does not run is Rejected, and ends none",
    versions=["1.6"],
    requirements=["16.TX.26"],
)
async def test_remote_stop_unknown(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Name an id that was never given, while a transaction runs; and that of the transaction when it is over."""
    spot = profile.connectors[0]
    async with _prepared(station, csms, profile):
        session = await charging(station, csms, spot, profile.parameters.valid_id_token.payload)
        with spec("16.TX.26"):
            await _rejected(csms, str(int(session.transaction_id) + 1_000_000))
            await _goes_on(csms, session, profile)
        await _stopped_remotely(csms, session)
        with suppress(NotSeen):  # not in the very moment in which the answer to its end arrives
            await csms.until(lambda: False, "time to pass", within=profile.timing.settle)
        with spec("16.TX.26"):
            await _rejected(csms, session.transaction_id)


async def _rejected(csms: CsmsPeer, transaction_id: str) -> None:
    answer = await csms.speak.remote_stop(transaction_id)
    assert answer["status"] == "Rejected", f"the remote stop of transaction {transaction_id} was {answer['status']}"


async def _remote_start(csms: CsmsPeer, spec: Spec, spot: Connector, token: Mapping[str, str]) -> None:
    """Ask for a transaction, and go on where that is Accepted."""
    with spec.must("16.TX.18"):
        answer = await csms.speak.remote_start(token, spot, 0)
        assert answer["status"] in ("Accepted", "Rejected"), f"the remote start was answered {answer['status']}"
    assert answer["status"] == "Accepted", f"the remote start was answered {answer['status']}"


async def _begun(station: StationDriver, csms: CsmsPeer, spot: Connector, mark: int) -> None:
    """Where nobody could plug in, wait for the transaction; raises NotSeen: without a plug there need be none."""
    if spot not in station.plugged:
        within = csms.patience.for_action("StartTransaction")
        await csms.until(
            lambda: bool(csms.seen("StartTransaction", after=mark)),
            "StartTransaction, with nobody to plug an EV in,",
            within=within,
        )


async def _judge_remote_start(csms: CsmsPeer, spec: Spec, spot: Connector, token: Mapping[str, str], mark: int) -> None:
    """The transaction that a remote start has led to."""
    with spec.must("16.TX.20"):
        start = await csms.expect("StartTransaction", after=mark)
        assert start["connectorId"] == number(csms, spot), f"the transaction is on connector {start['connectorId']}"
        assert _same(start, token), (
            f"the remote start was for {token['idToken']}, and the transaction is for {start['idTag']}"
        )
    authorized = await readable(csms, "AuthorizeRemoteTxRequests")
    if authorized is None:
        spec.unproven("16.TX.19", "AuthorizeRemoteTxRequests can't be read")
    else:
        with spec("16.TX.19"):
            asked = [each for each in csms.seen("Authorize", after=mark, before=start) if _same(each, token)]
            csms.touch(*asked, start)
            wanted = authorized.strip().lower() == "true"
            assert bool(asked) == wanted, (
                f"AuthorizeRemoteTxRequests is {authorized}, and the token was {'' if asked else 'not '}put to the CSMS"
            )
    with spec("16.STATUS.13"):
        await shows(csms, spot, *ENERGY, after=mark)


async def _stopped_remotely(csms: CsmsPeer, session: Charging) -> None:
    """A remote stop is Accepted, and the transaction ends with its reason."""
    answer = await csms.speak.remote_stop(session.transaction_id)
    assert answer["status"] == "Accepted", f"the remote stop was answered {answer['status']}"
    stop = await stopped(csms, session)
    assert stop.get("reason") == "Remote", f"expected the reason Remote, got {stop.get('reason')}"


# -- what these cases have in common ----------------------------------------------------------------------------------


@asynccontextmanager
async def _prepared(station: StationDriver, csms: CsmsPeer, profile: SutProfile) -> AsyncIterator[None]:
    """Have the station ask for every driver, and tell every status at once; leave it empty afterwards."""
    async with vacated(station, csms), debounced(csms, profile):
        await clear_cache(csms, profile)
        async with set_where_possible(csms, {"LocalPreAuthorize": "false"}):
            yield


def _alone(profile: SutProfile) -> Connector:
    """A connector that has its reader to itself, as far as there is one: no other is started with a card there."""
    fewest = min(profile.evse, key=lambda each: len(each.connector))
    return fewest.id, fewest.connector[0].id


def _same(message: Mapping[str, Any], token: Mapping[str, str]) -> bool:
    """Whether a message names a token; case does not count."""
    return str(message.get("idTag", "")).casefold() == token["idToken"].casefold()


async def _authorized(csms: CsmsPeer, mark: int) -> None:
    """Wait until a driver was asked for, and the answer given; raises NotSeen."""
    asked = await csms.expect("Authorize", after=mark)
    await csms.answered(asked, within=csms.patience.answer)


async def _judge_start(csms: CsmsPeer, spec: Spec, spot: Connector, token: Mapping[str, str], mark: int) -> None:
    """The transaction is told of once, as it is, and not before the CSMS was asked for its driver."""
    with spec.must("16.TX.04"):
        start = await csms.expect("StartTransaction", after=mark)
        assert start["connectorId"] == number(csms, spot), f"the transaction is on connector {start['connectorId']}"
        assert _same(start, token), f"the token is {token['idToken']}, and the transaction is for {start['idTag']}"
        assert start["meterStart"] >= 0, f"meterStart is {start['meterStart']}"
        start["timestamp"]
    asked = [each for each in csms.seen("Authorize", after=mark, before=start) if _same(each, token)]
    if not asked and (await readable(csms, "LocalPreAuthorize") or "").lower() == "true":
        spec.excuse("16.TX.02", "LocalPreAuthorize can't be switched off, and the station may know the token")
        return
    with spec("16.TX.02"):
        csms.touch(*asked, start)
        assert asked, "the transaction was started for a token that the CSMS was not asked for"


async def _until_preparing(csms: CsmsPeer, profile: SutProfile, mark: int) -> tuple[Connector, Received] | None:
    """The connector that is prepared for a driver without a plug, where the station tells that."""
    with suppress(NotSeen):
        await csms.until(
            lambda: any(each.status == "Preparing" for each in latest_statuses(csms, after=mark).values()),
            "a connector to be prepared",
            within=profile.timing.settle,
        )
    found = [each for each in csms.speak.statuses(csms.traffic(after=mark)) if each.status == "Preparing"]
    return (found[0].connector, found[0].message) if found else None


async def _let_time_pass(csms: CsmsPeer, profile: SutProfile, seconds: float, mark: int) -> None:
    """Wait until so many seconds have passed since `mark`, and watch that no transaction starts meanwhile."""
    begun = csms.transcript.entries[mark].at if mark < csms.now else None
    passed = csms.transcript.entries[-1].at - begun if begun is not None else 0
    await nothing_starts(csms, after=mark, for_=max(seconds - passed, 0) + profile.timing.tolerance)


async def _goes_on(csms: CsmsPeer, session: Charging, profile: SutProfile) -> None:
    """Watch for a while that a transaction is not ended."""
    with suppress(NotSeen):
        await csms.until(
            lambda: bool(csms.seen("StopTransaction", after=session.event)),
            "no StopTransaction",
            within=profile.timing.settle,
        )
    stops = csms.seen("StopTransaction", after=session.event)
    csms.touch(*stops)
    assert not stops, f"the transaction was ended, with the reason {stops[0].get('reason', 'Local (left out)')}"
