"""Use cases C01, C09 to C13 and C15: who may charge, online and while the CSMS is out of reach."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms import CsmsPeer
from conformance.peers.outages import moment, offline, passed, plug_and_present, present
from conformance.peers.received import NotSeen, Received
from conformance.peers.scenes import (
    Charging,
    Connector,
    charging,
    configured,
    read_variable,
    restart,
    stop_charging,
    vacated,
)
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile
from conformance.wire.faults import Network
from conformance.wire.schemas import parse_timestamp

EVENT = "TransactionEvent"
LOCAL = "(local-start-iso14443 or local-start-iso15693 or local-start-keycode)"
NO_LOCK = f"NOT cable-lock-before-authorization and {LOCAL}"
CACHED = f"authorization-cache and {LOCAL}"
UNKNOWN = f"offline-unknown-ids and {LOCAL}"
GROUP = {"idToken": "CONFORMANCE-GROUP", "type": "Central"}

CACHE_ON = ("AuthCacheCtrlr", "Enabled")
PREAUTHORIZE = ("AuthCtrlr", "LocalPreAuthorize")
AUTHORIZE_OFFLINE = ("AuthCtrlr", "LocalAuthorizeOffline")
UNKNOWN_OFFLINE = ("AuthCtrlr", "OfflineTxForUnknownIdEnabled")
STOP_ON_INVALID = ("TxCtrlr", "StopTxOnInvalidId")

Token = Mapping[str, str]


# -- a token that is refused ------------------------------------------------------------------------------------------


@case(
    "TC_C_02_CS",
    "A card that the CSMS calls Invalid starts nothing",
    needs=NO_LOCK,
    requirements=["C01.FR.01", "C01.FR.02"],
    severity=Severity.CRITICAL,
)
async def test_invalid(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Plug in and present it."""
    await _refused(station, csms, spec, profile, profile.parameters.invalid_id_token.payload, "Invalid")


@case(
    "TC_C_05_CS",
    "A card that the CSMS calls Invalid does not open the lock that keeps the plug out",
    needs=f"cable-lock-before-authorization and {LOCAL}",
    requirements=["C01.FR.01", "C01.FR.02"],
    severity=Severity.CRITICAL,
)
async def test_invalid_with_lock(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Present it; nobody can plug in before."""
    token = profile.parameters.invalid_id_token.payload
    await _refused(station, csms, spec, profile, token, "Invalid", plugged=False)


@case(
    "TC_C_06_CS",
    "A card that the CSMS calls Blocked starts nothing",
    needs=NO_LOCK,
    requirements=["C01.FR.01", "C01.FR.02"],
    severity=Severity.NORMAL,
)
async def test_blocked(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Plug in and present it."""
    await _refused(station, csms, spec, profile, profile.parameters.blocked_id_token.payload, "Blocked")


@case(
    "TC_C_07_CS",
    "A card that the CSMS calls Expired starts nothing",
    needs=NO_LOCK,
    requirements=["C01.FR.01", "C01.FR.02"],
    severity=Severity.NORMAL,
)
async def test_expired(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Plug in and present it."""
    await _refused(station, csms, spec, profile, profile.parameters.expired_id_token.payload, "Expired")


@case(
    "TC_C_56_CS",
    "A card that the CSMS calls Unknown starts nothing",
    needs=NO_LOCK,
    requirements=["C01.FR.01", "C01.FR.02"],
    severity=Severity.NORMAL,
)
async def test_unknown(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Plug in and present it."""
    await _refused(station, csms, spec, profile, profile.parameters.invalid_id_token.payload, "Unknown")


async def _refused(  # noqa: PLR0913 -- the fixtures of a case, and what it is about
    station: StationDriver,
    csms: CsmsPeer,
    spec: Spec,
    profile: SutProfile,
    token: Token,
    status: str,
    *,
    plugged: bool = True,
) -> None:
    spot, settle = profile.connectors[0], profile.timing.settle
    async with vacated(station, csms):
        await forget(csms)
        if plugged:
            before = csms.now
            await station.plug_in(*spot)
            with suppress(NotSeen):
                await csms.expect(EVENT, eventType="Started", after=before, within=settle)
        csms.keep_answering("Authorize", {"idTokenInfo": {"status": status}})
        mark = csms.now
        await present(station, spot, token)
        with spec.must("C01.FR.02"):
            await asked_about(csms, token, after=mark)
        with suppress(NotSeen):
            await csms.until(lambda: bool(let_in(csms, after=mark)), "no start", within=settle)
        with spec("C01.FR.01"):
            told = let_in(csms, after=mark)
            csms.touch(*told)
            assert not told, (
                f"the token was {status}, and an event tells that its driver was let in: {in_short(told[0])}"
            )


# -- a second token in a transaction ----------------------------------------------------------------------------------


@case(
    "TC_C_04_CS",
    "Another valid card does not end a transaction, the one that started it does",
    needs=LOCAL,
    requirements=["C01.FR.02", "C01.FR.03"],
    severity=Severity.CRITICAL,
)
async def test_other_card(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge with one, present the other, and then the first again."""
    spot, first = profile.connectors[0], profile.parameters.valid_id_token.payload
    other = profile.parameters.other_valid_id_token.payload
    async with vacated(station, csms):
        session = await charging(station, csms, spot, first)
        await forget(csms)
        mark = csms.now
        await present(station, spot, other)
        with spec("C01.FR.02"):
            await asked_about(csms, other, after=mark)
        with spec.must("C01.FR.03"):
            await not_stopped(csms, session, after=mark, within=profile.timing.settle)
        mark = csms.now
        await present(station, spot, first)
        with spec("C01.FR.03"):
            stopped = await stop_told(csms, session, after=mark)
            asks = [each for each in csms.seen("Authorize", after=mark, before=stopped) if same(each["idToken"], first)]
            csms.touch(*asks)
            assert not asks, "the station asked about the card that had started the transaction before it ended it"


@case(
    "TC_C_39_CS",
    "Another valid card of the same group ends a transaction",
    needs=LOCAL,
    requirements=["C09.FR.03", "C09.FR.05"],
    severity=Severity.NORMAL,
)
async def test_group(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Give both cards one group, charge with one and present the other."""
    spot, other = profile.connectors[0], profile.parameters.other_valid_id_token.payload
    async with vacated(station, csms):
        session = await _charging_in_group(station, csms, profile)
        await forget(csms)
        mark = csms.now
        await present(station, spot, other)
        with spec("C09.FR.05"):
            await asked_about(csms, other, after=mark)
        with spec("C09.FR.03"):
            await stop_told(csms, session, after=mark)


@case(
    "TC_C_42_CS",
    "A card of the same group that is refused does not end a transaction",
    needs=LOCAL,
    requirements=["C09.FR.11"],
    severity=Severity.NORMAL,
)
async def test_group_refused(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Give both cards one group, charge with one, and call the other Invalid."""
    spot, other = profile.connectors[0], profile.parameters.other_valid_id_token.payload
    async with vacated(station, csms):
        session = await _charging_in_group(station, csms, profile)
        await forget(csms)
        csms.keep_answering("Authorize", {"idTokenInfo": {"status": "Invalid", "groupIdToken": GROUP}})
        mark = csms.now
        await present(station, spot, other)
        await asked_about(csms, other, after=mark)
        with spec("C09.FR.11"):
            await not_stopped(csms, session, after=mark, within=profile.timing.settle)


async def _charging_in_group(station: StationDriver, csms: CsmsPeer, profile: SutProfile) -> Charging:
    info = {"idTokenInfo": {"status": "Accepted", "groupIdToken": GROUP}}
    csms.keep_answering("Authorize", info)
    csms.keep_answering(EVENT, lambda event: info if "idToken" in event else {})
    token = profile.parameters.valid_id_token.payload
    session = await charging(station, csms, profile.connectors[0], token)
    shown = [each for each in csms.seen(EVENT) if csms.speak.of_transaction(each, session.transaction_id)]
    for event in shown:
        await csms.answered(event, within=profile.timing.answer)
    return session


# -- offline ----------------------------------------------------------------------------------------------------------


@case(
    "TC_C_26_CS",
    "Offline a card that nobody knows may charge, and is stopped when the CSMS refuses it",
    needs=UNKNOWN,
    requirements=["C15.FR.02", "C15.FR.06", "C15.FR.08", "E04.FR.03"],
    severity=Severity.CRITICAL,
)
async def test_unknown_offline(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Start offline, come back, call the token Invalid, and see the energy stop but not the transaction."""
    async with _unknown_offline(station, csms, network, spec, profile, stop="false") as session:
        if "EnergyTransfer" in await read_variable(csms, "TxCtrlr", "TxStopPoint"):
            spec.excuse("C15.FR.06", "the stop point EnergyTransfer ends the transaction with the energy")
            return
        with spec("C15.FR.06"):
            await csms.expect(
                EVENT,
                eventType="Updated",
                where=lambda event: (
                    csms.speak.of_transaction(event, session.transaction_id)
                    and event["transactionInfo"].get("chargingState") == "SuspendedEVSE"
                ),
                after=session.event,
            )
            over = [each for each in of(csms, session) if each["eventType"] == "Ended"]
            csms.touch(*over)
            assert not over, "the transaction ended, although StopTxOnInvalidId is false"


@case(
    "OFFLINE_TOKEN_REFUSED_ENDS_CS",
    "A transaction that began offline ends when the CSMS refuses its card, where that is set",
    needs=UNKNOWN,
    requirements=["C15.FR.02", "C15.FR.04", "C15.FR.08", "E04.FR.03"],
    severity=Severity.NORMAL,
)
async def test_unknown_offline_ends(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Start offline, come back, call the token Invalid, and see the transaction end."""
    async with _unknown_offline(station, csms, network, spec, profile, stop="true") as session:
        points = await read_variable(csms, "TxCtrlr", "TxStopPoint")
        if not any(each in points for each in ("Authorized", "PowerPathClosed", "EnergyTransfer")):
            spec.excuse("C15.FR.04", f"with the stop point {points} the transaction goes on without energy (C15.FR.03)")
            return
        with spec("C15.FR.04"):
            over = await csms.speak.ended(session.transaction_id, after=session.event)
            reasons = (over["triggerReason"], over["transactionInfo"].get("stoppedReason"))
            assert reasons == ("Deauthorized", "DeAuthorized"), (
                f"the transaction ended with {reasons[0]} and {reasons[1] or 'no stoppedReason'}, not with "
                f"Deauthorized and DeAuthorized"
            )


@case(
    "OFFLINE_TOKEN_REFUSED_STAYS_CS",
    "A transaction that began offline goes on without energy when the CSMS refuses its card, where nothing ends it",
    needs=f"configurable-stop-point and stop-point-ev-connected and {UNKNOWN}",
    requirements=["C15.FR.02", "C15.FR.03", "C15.FR.08", "E04.FR.03"],
    severity=Severity.NORMAL,
)
async def test_unknown_offline_stays(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Have transactions end with the plug only, start offline, come back, and call the token Invalid."""
    async with (
        vacated(station, csms),
        configured(csms, {("TxCtrlr", "TxStopPoint"): "EVConnected"}),
        _unknown_offline(station, csms, network, spec, profile, stop="true") as session,
    ):
        with spec("C15.FR.03"):
            told = await csms.expect(
                EVENT,
                triggerReason="Deauthorized",
                where=lambda event: csms.speak.of_transaction(event, session.transaction_id),
                after=session.event,
            )
            assert told["eventType"] == "Updated", f"a refused token led to {told['eventType']}, and nothing ends it"
            states = [each["transactionInfo"].get("chargingState") for each in of(csms, session) if each.n >= told.n]
            assert {"SuspendedEVSE", "EVConnected"} & set(states), (
                f"the chargingState of a refused token is {states[0]}, not EVConnected or SuspendedEVSE"
            )


@asynccontextmanager
async def _unknown_offline(  # noqa: PLR0913 -- the fixtures of a case, and what it is about
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile, *, stop: str
) -> AsyncIterator[Charging]:
    """Start offline with a token that nobody knows, judge what comes of it, and call it Invalid."""
    spot, token = profile.connectors[0], profile.parameters.invalid_id_token.payload
    settings = {UNKNOWN_OFFLINE: "true", AUTHORIZE_OFFLINE: "true", STOP_ON_INVALID: stop}
    async with AsyncExitStack() as afterwards:
        await afterwards.enter_async_context(vacated(station, csms))
        await afterwards.enter_async_context(configured(csms, settings))
        with suppress(AssertionError):
            await afterwards.enter_async_context(configured(csms, {("TxCtrlr", "MaxEnergyOnInvalidId"): "0"}))
        await forget(csms)
        csms.keep_answering(EVENT, lambda event: {"idTokenInfo": {"status": "Invalid"}} if "idToken" in event else {})
        mark = csms.now
        async with offline(csms, network, profile):
            await plug_and_present(station, csms, spot, token, profile)
        with spec.must("C15.FR.02"):
            started = await csms.expect(EVENT, eventType="Started", after=mark)
        with spec.must("C15.FR.08"):
            shown = await csms.expect(EVENT, where=lambda event: same(event["idToken"], token), after=mark)
        session = Charging(spot, started["transactionInfo"]["transactionId"], shown)
        with spec("E04.FR.03"):
            judge_flags(csms, mark, profile)
        yield session


@case(
    "OFFLINE_UNKNOWN_REFUSED_CS",
    "Offline a card that nobody knows starts nothing, unless that is allowed",
    needs=LOCAL,
    requirements=["C13.FR.02"],
    severity=Severity.CRITICAL,
)
async def test_unknown_refused_offline(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Forbid it where it can be allowed, and present such a card offline."""
    settings = {UNKNOWN_OFFLINE: "false"} if profile.claims("offline-unknown-ids") else {}
    async with vacated(station, csms), configured(csms, settings):
        await forget(csms)
        token = profile.parameters.invalid_id_token.payload
        told = await _let_in_offline(station, csms, network, profile, token)
        with spec("C13.FR.02"):
            csms.touch(*told)
            assert not told, f"a token that nobody knows was let in offline: {in_short(told[0])}"


@case(
    "OFFLINE_CACHED_TOKEN_CS",
    "Offline a card that the cache knows as good may charge",
    needs=f"offline-authorization and {CACHED}",
    requirements=["AUTH.OFFLINE.01"],
    severity=Severity.NORMAL,
)
async def test_cached_offline(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Use it online, and again offline, where nobody else may charge."""
    token = profile.parameters.valid_id_token.payload
    async with _cache(station, csms, {AUTHORIZE_OFFLINE: "true", UNKNOWN_OFFLINE: "false"}, profile):
        await _used(station, csms, profile, token)
        told = await _let_in_offline(station, csms, network, profile, token)
        with spec("AUTH.OFFLINE.01"):
            assert told, "the cache has the token as Accepted, and no event tells that it was let in offline"
            csms.touch(*told)


@case(
    "OFFLINE_CACHE_NOT_ASKED_CS",
    "Offline no card may charge because the cache knows it, where that is switched off",
    needs=f"offline-authorization and {CACHED}",
    requirements=["AUTH.OFFLINE.02"],
    severity=Severity.NORMAL,
)
async def test_local_authorization_off(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Use it online, switch LocalAuthorizeOffline off, and present it offline."""
    token = profile.parameters.valid_id_token.payload
    async with _cache(station, csms, {AUTHORIZE_OFFLINE: "false", UNKNOWN_OFFLINE: "false"}, profile):
        await _used(station, csms, profile, token)
        told = await _let_in_offline(station, csms, network, profile, token)
        with spec("AUTH.OFFLINE.02"):
            csms.touch(*told)
            assert not told, f"LocalAuthorizeOffline is false, and a cached token was let in: {in_short(told[0])}"


@case(
    "OFFLINE_BLOCKED_TOKEN_CS",
    "Offline a card that the cache knows as refused may not charge, though unknown ones may",
    needs=f"offline-unknown-ids and {CACHED}",
    requirements=["AUTH.OFFLINE.03"],
    severity=Severity.NORMAL,
)
async def test_blocked_offline(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Have it refused online, and present it offline."""
    spot, token = profile.connectors[0], profile.parameters.blocked_id_token.payload
    async with _cache(station, csms, {AUTHORIZE_OFFLINE: "true", UNKNOWN_OFFLINE: "true"}, profile):
        csms.keep_answering("Authorize", {"idTokenInfo": {"status": "Blocked"}})
        mark = csms.now
        await present(station, spot, token)
        await csms.answered(await asked_about(csms, token, after=mark), within=profile.timing.answer)
        told = await _let_in_offline(station, csms, network, profile, token)
        with spec("AUTH.OFFLINE.03"):
            csms.touch(*told)
            assert not told, f"the cache has the token as Blocked, and it was let in offline: {in_short(told[0])}"


# -- the cache, online ------------------------------------------------------------------------------------------------


@case(
    "CACHE_PREAUTHORIZES_CS",
    "A card that the cache knows as good starts without being asked about, one that was refused does not",
    needs=CACHED,
    requirements=["C10.FR.03", "C12.FR.02"],
    severity=Severity.NORMAL,
)
async def test_preauthorize(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Use one card, have another refused, and present each again."""
    spot, good = profile.connectors[0], profile.parameters.valid_id_token.payload
    bad = profile.parameters.blocked_id_token.payload
    async with _cache(station, csms, {PREAUTHORIZE: "true"}, profile):
        await _used(station, csms, profile, good)
        with spec("C12.FR.02"):
            await _let_in_unasked(station, csms, spot, good)
        await _leave(station, csms, profile)
        csms.keep_answering("Authorize", {"idTokenInfo": {"status": "Blocked"}})
        mark = csms.now
        await present(station, spot, bad)
        await csms.answered(await asked_about(csms, bad, after=mark), within=profile.timing.answer)
        await moment(csms, profile)
        mark = csms.now
        await present(station, spot, bad)
        with spec("C10.FR.03"):
            await asked_about(csms, bad, after=mark)


@case(
    "CACHE_LEARNS_FROM_AUTHORIZE_CS",
    "What the answer to Authorize says of a card is kept, until the cache is cleared",
    needs=CACHED,
    requirements=["C10.FR.04", "C11.FR.01", "C11.FR.03"],
    severity=Severity.NORMAL,
)
async def test_cache_learns(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Let a card in, say no more of it in the answers to events, use it again, and clear the cache."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with _cache(station, csms, {PREAUTHORIZE: "true"}, profile):
        csms.keep_answering(EVENT, {})
        await _used(station, csms, profile, token)
        with spec("C10.FR.04"):
            await _let_in_unasked(station, csms, spot, token)
        await _leave(station, csms, profile)
        with spec("C11.FR.03"):
            answer = await csms.call("ClearCache", {})
            assert answer["status"] == "Accepted", f"ClearCache was answered {answer['status']} with the cache in use"
        if answer["status"] != "Accepted":
            spec.excuse("C11.FR.01", "the station says that it could not clear the cache (C11.FR.05)")
            return
        mark = csms.now
        await present(station, spot, token)
        with spec("C11.FR.01"):
            await asked_about(csms, token, after=mark)


@case(
    "CACHE_SWITCHED_OFF_CS",
    "A cache that is switched off lets nobody in, and can't be cleared",
    needs=CACHED,
    requirements=["C10.FR.11", "C11.FR.04"],
    severity=Severity.MINOR,
)
async def test_cache_off(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Use a card, switch the cache off, and present it again."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with _cache(station, csms, {PREAUTHORIZE: "true"}, profile):
        await _used(station, csms, profile, token)
        async with configured(csms, {CACHE_ON: "false"}):
            mark = csms.now
            await present(station, spot, token)
            with spec("C10.FR.11"):
                await asked_about(csms, token, after=mark)
            await _leave(station, csms, profile)
            with spec("C11.FR.04"):
                answer = await csms.call("ClearCache", {})
                assert answer["status"] == "Rejected", f"without a cache ClearCache was answered {answer['status']}"


@case(
    "CACHE_UPDATED_BY_EVENT_CS",
    "What the answer to an event says of a card replaces what the cache knew",
    needs=CACHED,
    requirements=["C10.FR.05"],
    severity=Severity.NORMAL,
)
async def test_cache_updated(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Let a card in, block it in the answer to the event that carries it, and present it again."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with _cache(station, csms, {PREAUTHORIZE: "true"}, profile):
        csms.keep_answering(EVENT, lambda event: {"idTokenInfo": {"status": "Blocked"}} if "idToken" in event else {})
        mark = csms.now
        await plug_and_present(station, csms, spot, token, profile)
        event = await csms.expect(EVENT, where=lambda each: same(each["idToken"], token), after=mark)
        await csms.answered(event, within=profile.timing.answer)
        await _leave(station, csms, profile)
        csms.keep_answering("Authorize", {"idTokenInfo": {"status": "Blocked"}})
        mark = csms.now
        await present(station, spot, token)
        with spec("C10.FR.05"):
            await asked_about(csms, token, after=mark)


@case(
    "CACHE_OUTLASTS_RESTART_CS",
    "What the cache knows of a card outlasts a restart of the station",
    needs=CACHED,
    requirements=["C10.FR.02"],
    severity=Severity.MINOR,
)
async def test_cache_lasts(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Use a card, restart, and present it again."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with _cache(station, csms, {PREAUTHORIZE: "true"}, profile):
        await _used(station, csms, profile, token)
        mark = csms.now
        await restart(station, csms)
        boot = await csms.expect("BootNotification", after=mark)
        await csms.answered(boot, within=profile.timing.answer)
        with suppress(NotSeen):
            await csms.expect("StatusNotification", after=boot)
        with spec("C10.FR.02"):
            await _let_in_unasked(station, csms, spot, token)


@case(
    "CACHE_ENTRY_EXPIRES_CS",
    "A card is forgotten when the time has come that the CSMS gave to the cache",
    needs=CACHED,
    requirements=["C10.FR.13"],
    severity=Severity.NORMAL,
)
async def test_cache_expiry(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Let a card in that may be remembered for a short time only, and present it after that."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    life = 2 * profile.timing.tolerance + profile.timing.settle

    def info() -> dict[str, Any]:
        expiry = (datetime.now(UTC) + timedelta(seconds=life)).isoformat(timespec="milliseconds")
        return {"idTokenInfo": {"status": "Accepted", "cacheExpiryDateTime": expiry.replace("+00:00", "Z")}}

    async with _cache(station, csms, {PREAUTHORIZE: "true"}, profile):
        csms.keep_answering("Authorize", lambda _: info())
        csms.keep_answering(EVENT, lambda event: info() if "idToken" in event else {})
        await _used(station, csms, profile, token)
        await passed(csms, life + profile.timing.tolerance, "the token to be forgotten")
        mark = csms.now
        await present(station, spot, token)
        with spec("C10.FR.13"):
            await asked_about(csms, token, after=mark)


@case(
    "CACHE_LIFETIME_CS",
    "A card is forgotten when nothing was heard of it for the lifetime of the cache",
    needs=f"cache-lifetime and {CACHED}",
    requirements=["C10.FR.10"],
    severity=Severity.NORMAL,
)
async def test_cache_lifetime(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set a short lifetime, use a card, and present it after that."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with _cache(station, csms, {PREAUTHORIZE: "true", ("AuthCacheCtrlr", "LifeTime"): "1"}, profile):
        await _used(station, csms, profile, token)
        await passed(csms, 1 + profile.timing.tolerance, "the token to be forgotten")
        mark = csms.now
        await present(station, spot, token)
        with spec("C10.FR.10"):
            await asked_about(csms, token, after=mark)


@case(
    "OFFLINE_UNKNOWN_NOT_CACHED_CS",
    "A card that was let in because the station was offline is not remembered as good",
    needs=f"offline-unknown-ids and {CACHED}",
    requirements=["C15.FR.01"],
    severity=Severity.NORMAL,
)
async def test_unknown_not_cached(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Let it in offline, tell nothing of it afterwards, and present it again."""
    spot, token = profile.connectors[0], profile.parameters.invalid_id_token.payload
    settings = {PREAUTHORIZE: "true", AUTHORIZE_OFFLINE: "true", UNKNOWN_OFFLINE: "true"}
    async with _cache(station, csms, settings, profile):
        csms.keep_answering(EVENT, {})
        mark = csms.now
        async with offline(csms, network, profile):
            await plug_and_present(station, csms, spot, token, profile)
        await csms.expect(EVENT, where=lambda event: same(event["idToken"], token), after=mark)
        await _leave(station, csms, profile)
        mark = csms.now
        await present(station, spot, token)
        with spec("C15.FR.01"):
            await asked_about(csms, token, after=mark)


@asynccontextmanager
async def _cache(
    station: StationDriver, csms: CsmsPeer, settings: Mapping[tuple[str, str], str], profile: SutProfile
) -> AsyncIterator[None]:
    """An empty cache in use for the length of a block, and with it some settings."""
    async with AsyncExitStack() as afterwards:
        await afterwards.enter_async_context(vacated(station, csms))
        with suppress(AssertionError):  # it may be in use always
            await afterwards.enter_async_context(configured(csms, {CACHE_ON: "true"}))
        for setting, value in settings.items():
            try:
                await read_variable(csms, *setting)
            except AssertionError:
                if setting == UNKNOWN_OFFLINE and not profile.claims("offline-unknown-ids"):
                    continue
                raise
            await afterwards.enter_async_context(configured(csms, {setting: value}))
        await forget(csms)
        try:
            yield
        finally:
            with suppress(AssertionError):
                await csms.connected()
            await forget(csms)


async def _used(station: StationDriver, csms: CsmsPeer, profile: SutProfile, token: Token) -> None:
    """Charge with a token and leave."""
    session = await charging(station, csms, profile.connectors[0], token)
    await stop_charging(station, csms, session, token)


async def _leave(station: StationDriver, csms: CsmsPeer, profile: SutProfile) -> None:
    """End whatever goes on."""
    async with vacated(station, csms):
        pass
    with suppress(NotSeen):
        await csms.until(lambda: not csms.speak.running(), "the end of the transaction", within=profile.timing.settle)


async def _let_in_unasked(station: StationDriver, csms: CsmsPeer, spot: Connector, token: Token) -> None:
    """Present a token and see that it is let in without an Authorize."""
    mark = csms.now
    await present(station, spot, token)
    if station.can("plug_in"):
        await station.plug_in(*spot)
    event = await csms.expect(EVENT, where=lambda each: same(each["idToken"], token), after=mark)
    asks = csms.seen("Authorize", after=mark, before=event)
    csms.touch(*asks)
    assert not asks, "the station asked about a token that its cache has to have as Accepted"


async def _let_in_offline(
    station: StationDriver, csms: CsmsPeer, network: Network, profile: SutProfile, token: Token
) -> list[Received]:
    """Present a token offline, come back, and return what tells that its driver was let in."""
    mark = csms.now
    async with offline(csms, network, profile):
        await plug_and_present(station, csms, profile.connectors[0], token, profile)
    with suppress(NotSeen):
        await csms.until(lambda: bool(let_in(csms, after=mark)), "who was let in", within=_telling(profile))
    return let_in(csms, after=mark)


def _telling(profile: SutProfile) -> float:
    """How long a station that is back may take to tell what it kept, in seconds."""
    return 3 * profile.timing.settle


# -- acting -----------------------------------------------------------------------------------------------------------


async def forget(csms: CsmsPeer) -> None:
    """Have the authorization cache cleared, if there is one."""
    with suppress(AssertionError):
        await csms.call("ClearCache", {})


# -- what was told ----------------------------------------------------------------------------------------------------


async def asked_about(csms: CsmsPeer, token: Token, *, after: int) -> Received:
    """The Authorize that asks about a token; raises NotSeen."""
    return await csms.expect("Authorize", where=lambda call: same(call["idToken"], token), after=after)


def let_in(csms: CsmsPeer, *, after: int) -> list[Received]:
    """The events that tell that a driver was let in."""
    return [each for each in csms.seen(EVENT, after=after) if _lets_in(each)]


def _lets_in(event: Received) -> bool:
    info: Any = event.get("transactionInfo", {})
    return "idToken" in event or event.get("triggerReason") == "Authorized" or info.get("chargingState") == "Charging"


def of(csms: CsmsPeer, session: Charging) -> list[Received]:
    """The events of a transaction."""
    return [each for each in csms.seen(EVENT) if csms.speak.of_transaction(each, session.transaction_id)]


def same(one: Mapping[str, object], other: Token) -> bool:
    """Whether two tokens are equal: value and type, letter case aside (C01.FR.25)."""
    return all(str(one.get(key)).casefold() == other[key].casefold() for key in ("idToken", "type"))


async def stop_told(csms: CsmsPeer, session: Charging, *, after: int) -> Received:
    """The event that tells that a driver has ended a transaction, or the energy of it; raises NotSeen."""
    return await csms.expect(
        EVENT,
        where=lambda event: (
            csms.speak.of_transaction(event, session.transaction_id)
            and (event["eventType"] == "Ended" or event["triggerReason"] == "StopAuthorized")
        ),
        after=after,
    )


async def not_stopped(csms: CsmsPeer, session: Charging, *, after: int, within: float) -> None:
    """Assert that nothing tells of the end of a transaction for a while."""
    with suppress(NotSeen):
        event = await csms.expect(
            EVENT,
            where=lambda event: (
                csms.speak.of_transaction(event, session.transaction_id)
                and (event["eventType"] == "Ended" or "idToken" in event or event["triggerReason"] == "StopAuthorized")
            ),
            after=after,
            within=within,
        )
        raise AssertionError(f"a card that may not end the transaction did: {in_short(event)}")


def judge_flags(csms: CsmsPeer, mark: int, profile: SutProfile) -> None:
    """Judge that events say offline that came after the outage that began at `mark`, and happened before its end."""
    entries = [each for each in csms.transcript.entries[mark:] if each.station == csms.identity]
    lost = next(each for each in entries if each.kind == "close")
    back = next(each for each in entries if each.kind == "open" and each.n > lost.n)
    end = back.utc - timedelta(seconds=profile.timing.tolerance)
    told = [each for each in csms.seen(EVENT, after=back) if happened_before(each, end)]
    csms.touch(*told)
    bare = [each for each in told if each.get("offline") is not True]
    assert not bare, f"an event that happened offline does not say so: {in_short(bare[0])}"


def happened_before(event: Received, moment: datetime) -> bool:
    """Whether the time of an event is before another."""
    at = parse_timestamp(str(event["timestamp"]))
    return at is not None and at < moment


def in_short(event: Received) -> str:
    """An event in a few words."""
    info: Any = event.get("transactionInfo", {})
    state = info.get("chargingState", "no charging state")
    return f"{event.get('eventType')} ({event.get('triggerReason')}, {state}, seqNo {event.get('seqNo')})"
