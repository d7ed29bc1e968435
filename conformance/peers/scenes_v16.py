"""What drivers do at a station of OCPP 1.6, and where it tells of that: steps that many cases of charging share."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime

from conformance.peers.csms import CsmsPeer
from conformance.peers.csms_dialect import Charging, Connector
from conformance.peers.csms_v16 import Csms16
from conformance.peers.received import NotSeen, Received, Refused
from conformance.peers.scenes import Operated, configured
from conformance.sut.drivers import DriverFailed, StationDriver, Unsupported
from conformance.sut.profile import SutProfile
from conformance.wire.schemas import parse_timestamp
from conformance.wire.transcript import Entry

__all__ = [
    "LOCK_FAILURE",
    "NO_ERROR",
    "broken",
    "cable",
    "clear_cache",
    "coarse",
    "debounced",
    "let_in_offline",
    "listed",
    "moment",
    "nothing_starts",
    "number",
    "off",
    "present",
    "read_flag",
    "readable",
    "set_where_possible",
    "shows",
    "socket",
    "started",
    "stopped",
]

LOCK_FAILURE, NO_ERROR = "ConnectorLockFailure", "NoError"

CABLES = ("c",)
"""How the type of a connector begins that has a cable of its own; `s` is a socket, `w` is wireless."""


# -- where ------------------------------------------------------------------------------------------------------------


def number(csms: CsmsPeer, connector: Connector) -> int:
    """The connectorId of a connector."""
    assert isinstance(csms.speak, Csms16), "only OCPP 1.6 numbers connectors through"
    return csms.speak.number(connector)


def socket(profile: SutProfile) -> Connector | None:
    """The first connector for the driver's own cable, if there is one."""
    return next((spot for spot, type_ in _types(profile) if type_.lower().startswith("s")), None)


def cable(profile: SutProfile) -> Connector | None:
    """The first connector with a fixed cable, if there is one."""
    return next((spot for spot, type_ in _types(profile) if type_.lower().startswith(CABLES)), None)


def _types(profile: SutProfile) -> list[tuple[Connector, str]]:
    return [((evse.id, each.id), each.type) for evse in profile.evse for each in evse.connector]


# -- settings ---------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def debounced(csms: CsmsPeer, profile: SutProfile) -> AsyncIterator[None]:
    """Have every status told at once, where the station can hold short ones back."""
    async with AsyncExitStack() as afterwards:
        if profile.claims("status-debounce"):
            with suppress(AssertionError):
                await afterwards.enter_async_context(configured(csms, {"MinimumStatusDuration": "0"}))
        yield


@asynccontextmanager
async def set_where_possible(csms: CsmsPeer, settings: Mapping[str, str]) -> AsyncIterator[None]:
    """Change those settings that the station has and lets one change, for the length of a block."""
    async with AsyncExitStack() as afterwards:
        for key, value in settings.items():
            with suppress(AssertionError):
                await afterwards.enter_async_context(configured(csms, {key: value}))
        yield


async def readable(csms: CsmsPeer, key: str) -> str | None:
    """The value of a key, None where it can't be read."""
    with suppress(AssertionError):
        return await csms.speak.read(key)
    return None


async def read_flag(csms: CsmsPeer, key: str) -> bool:
    """Whether a key is true; raises AssertionError where it can't be read."""
    return (await csms.speak.read(key)).strip().lower() == "true"


async def clear_cache(csms: CsmsPeer, profile: SutProfile) -> None:
    """Have the station forget what it has learnt of tokens, where it remembers any."""
    if profile.claims("authorization-cache"):
        with suppress(Refused):
            await csms.call("ClearCache", {})


@asynccontextmanager
async def let_in_offline(csms: CsmsPeer, profile: SutProfile) -> AsyncIterator[None]:
    """Have the station let in any of our drivers while it is offline, for the length of a block.

    By letting in whom nobody knows, where it can do that, else by its list. Raises AssertionError where neither can be
    had; what it has learnt in the block it is told to forget.
    """
    async with AsyncExitStack() as afterwards:
        await clear_cache(csms, profile)
        afterwards.push_async_callback(_forget, csms, profile)
        await afterwards.enter_async_context(set_where_possible(csms, {"LocalAuthorizeOffline": "true"}))
        if profile.claims("offline-unknown-ids"):
            await afterwards.enter_async_context(configured(csms, {"AllowOfflineTxForUnknownId": "true"}))
        else:
            assert profile.claims("local-authorization-list"), "nothing is claimed by which a driver is let in offline"
            await afterwards.enter_async_context(set_where_possible(csms, {"LocalAuthListEnabled": "true"}))
            drivers = [profile.parameters.valid_id_token, profile.parameters.other_valid_id_token]
            accepted = {each.id_token: {"status": "Accepted"} for each in drivers}
            await afterwards.enter_async_context(listed(csms, accepted))
        yield


@asynccontextmanager
async def listed(csms: CsmsPeer, infos: Mapping[str, Mapping[str, str]]) -> AsyncIterator[None]:
    """Have tokens in the local list, for the length of a block, with their IdTagInfo; the rest stays as it is.

    Raises AssertionError where the station does not take them.
    """
    await _send_list(csms, [{"idTag": tag, "idTagInfo": dict(info)} for tag, info in infos.items()])
    try:
        yield
    finally:
        with suppress(AssertionError):
            await csms.connected()
            await _send_list(csms, [{"idTag": tag} for tag in infos])


async def _send_list(csms: CsmsPeer, entries: list[dict[str, object]]) -> None:
    version: int = (await csms.call("GetLocalListVersion", {}))["listVersion"]
    kind = "Differential" if version > 0 else "Full"
    known = [each for each in entries if "idTagInfo" in each] if kind == "Full" else entries
    request = {"listVersion": max(version, 0) + 1, "updateType": kind, "localAuthorizationList": known}
    answer = await csms.call("SendLocalList", request)
    assert answer["status"] == "Accepted", f"SendLocalList was answered {answer['status']}"


async def _forget(csms: CsmsPeer, profile: SutProfile) -> None:
    with suppress(AssertionError):
        await csms.connected()
        await clear_cache(csms, profile)


# -- what is done -----------------------------------------------------------------------------------------------------


async def present(station: Operated, connector: Connector, id_token: Mapping[str, str]) -> None:
    """Hold a card to the reader of a connector; raises Unsupported where nobody can."""
    await station.present_id_token(connector[0], id_token["idToken"], id_token["type"])


@asynccontextmanager
async def broken(station: StationDriver, connector: Connector, error: str) -> AsyncIterator[None]:
    """Break a connector, as a ChargePointErrorCode says, for the length of a block; raises Unsupported."""
    await station.set_fault(*connector, error)
    try:
        yield
    finally:
        with suppress(DriverFailed, Unsupported):
            await station.set_fault(*connector, NO_ERROR)


@asynccontextmanager
async def off(
    csms: CsmsPeer, profile: SutProfile, outage: AbstractAsyncContextManager[object], *, boots: bool = False
) -> AsyncIterator[int]:
    """An outage for the length of a block, and back from it at its end; a mark of when the connection went.

    The block begins when the station has had a moment to notice. One that `boots` in it takes longer to be back.
    """
    async with outage:
        await csms.disconnected()
        mark = csms.now
        await csms.silence(for_=profile.timing.settle)
        yield mark
    await csms.connected(within=profile.timing.reconnect + (profile.timing.boot if boots else 0))


# -- what is told -----------------------------------------------------------------------------------------------------


async def shows(
    csms: CsmsPeer,
    connector: Connector,
    *statuses: str,
    after: Received | Entry | int,
    within: float | None = None,
    where: Callable[[Received], bool] = lambda _: True,
) -> Received:
    """Wait until a connector is reported with one of these statuses; another may come before. Raises NotSeen."""
    mine = number(csms, connector)
    try:
        return await csms.expect(
            "StatusNotification",
            after=after,
            within=within,
            where=lambda each: each["connectorId"] == mine and each["status"] in statuses and where(each),
        )
    except NotSeen:
        told = [each["status"] for each in csms.seen("StatusNotification", after=after) if each["connectorId"] == mine]
        raise NotSeen(
            f"{' or '.join(statuses)} was not reported for {csms.speak.name(connector)}; "
            f"reported was {', '.join(told) or 'nothing'}"
        ) from None


async def started(
    csms: CsmsPeer, connector: Connector, *, after: Received | Entry | int, within: float | None = None
) -> Received:
    """Wait for the StartTransaction of a connector, answered or not; raises NotSeen."""
    return await csms.expect("StartTransaction", after=after, within=within, connectorId=number(csms, connector))


async def stopped(
    csms: CsmsPeer, session: Charging, *, after: Received | int | None = None, within: float | None = None
) -> Received:
    """Wait for the StopTransaction of a transaction; raises NotSeen."""
    return await csms.speak.ended(
        session.transaction_id, after=session.event if after is None else after, within=within
    )


async def nothing_starts(csms: CsmsPeer, *, after: int, for_: float) -> None:
    """Watch for so many seconds that no transaction is told to have started; AssertionError if one is."""
    with suppress(NotSeen):
        await csms.until(lambda: bool(csms.seen("StartTransaction", after=after)), "no StartTransaction", within=for_)
    found = csms.seen("StartTransaction", after=after)
    csms.touch(*found)
    assert not found, f"a transaction was started on connector {found[0]['connectorId']} for {found[0]['idTag']}"


def coarse(times: Iterable[datetime]) -> float:
    """By how much the difference of two times may be off because they are told without fractions, in seconds."""
    return 0.0 if any(each.microsecond for each in times) else 1.0


def moment(message: Mapping[str, object], name: str = "timestamp") -> datetime:
    """The time in a message; raises AssertionError where it is none."""
    found = parse_timestamp(str(message[name]))
    assert found is not None, f"{message[name]!r} is no time"
    return found
