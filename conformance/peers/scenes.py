"""States that many cases start from or pass through, reached in whatever way the station under test allows."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Literal, Protocol

from conformance.cases.spec import Spec
from conformance.peers.csms import CsmsPeer
from conformance.peers.csms_dialect import Charging, Connector, ConnectorStatus, Place, Setting
from conformance.peers.csms_v201 import read_variable
from conformance.peers.peer import Peer
from conformance.peers.received import NotSeen, Received, status_told
from conformance.sut.drivers import DriverFailed, Unsupported
from conformance.wire.frames import Call, CallResult
from conformance.wire.transcript import Entry

__all__ = [
    "Boot",
    "Charging",
    "Connector",
    "ConnectorStatus",
    "Operated",
    "Report",
    "all_connectors_reported",
    "base_report",
    "charging",
    "configured",
    "connectors_show",
    "ended",
    "first_boot",
    "inoperative",
    "latest_statuses",
    "only_boots",
    "power_up",
    "preserved",
    "pull_plug",
    "read_variable",
    "ready",
    "reboot",
    "report_parts",
    "reset_to_come",
    "responsive",
    "restart",
    "running",
    "settled_statuses",
    "stop_authorized",
    "stop_charging",
    "transaction",
    "vacate",
    "vacated",
    "write_setting",
]

_request_ids = count(1000)
_FREED_WITHIN = 1.0
"""Seconds from the end of a transaction that nobody has plugged in for until its connector can be had again."""


class Operated(Protocol):
    """The part of a station driver that scenes use."""

    @property
    def plugged(self) -> Collection[Connector]:
        """The connectors that an EV was plugged into and not pulled out of again."""

    def can(self, action: str) -> bool:
        """Whether the driver knows how to do this."""

    async def power_cycle(self) -> None:
        """Mains off, and on again."""

    async def plug_in(self, evse: int, connector: int) -> None:
        """Put an EV's plug into the connector."""

    async def unplug(self, evse: int, connector: int) -> None:
        """Pull it out."""

    async def present_id_token(self, evse: int, id_token: str, type: str) -> None:  # noqa: A002
        """Hold a card to the reader."""


# -- boot -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Boot:
    """A boot that was brought about: how, and the BootNotification that came of it."""

    how: Literal["power cycle", "reset"]
    notification: Received


async def first_boot(csms: CsmsPeer, *, within: float) -> None:
    """Give a station that has just connected the time to boot, and to hear that it may work.

    One that was running before need not boot; one that has nothing to say after its boot need not speak.
    """
    try:
        await csms.until(lambda: csms.registration is not None, "the first BootNotification", within=within)
    except NotSeen:
        csms.begin()
        return
    with suppress(NotSeen):
        await csms.until(
            lambda: any(message.action != "BootNotification" for message in csms.traffic()),
            "the first message after the boot",
            within=within,
        )


async def restart(station: Operated, csms: CsmsPeer) -> Literal["power cycle", "reset"]:
    """Make the station boot: by its mains where the driver can, by a Reset over OCPP where not."""
    if station.can("power_cycle"):
        await station.power_cycle()
        return "power cycle"
    answer = await csms.speak.reset("now")
    assert answer["status"] in ("Accepted", "Scheduled"), f"Reset was answered {answer['status']}"
    return "reset"


async def reboot(station: Operated, csms: CsmsPeer) -> Boot:
    """Make the station boot, and wait for its BootNotification."""
    mark = csms.now
    how = await restart(station, csms)
    return Boot(how, await csms.expect("BootNotification", after=mark))


async def responsive(csms: CsmsPeer) -> None:
    """See that the station answers a request at all; raises NoAnswer where it does not.

    A station that one case left dumb must not be blamed by each of those after it.
    """
    await csms.speak.question()


async def ready(station: Operated, csms: CsmsPeer, *, patience: float, settle: float) -> None:
    """Bring the station back to where every case starts: connected, accepted, no plug, no transaction.

    One that had to be restarted for that gets `settle` seconds to take note that it may work. Raises NotSeen where
    the connection can't be had within `patience` seconds a step, DriverFailed where a plug can't be pulled. A
    transaction that will not end is written off.
    """
    await _connected_and_accepted(station, csms, patience=patience, settle=settle)
    await vacate(station, csms)
    await _connected_and_accepted(station, csms, patience=patience, settle=settle)


async def power_up(csms: CsmsPeer, switch: Callable[[], Awaitable[None]], *, patience: float, settle: float) -> None:
    """Bring the station up by its switch, and give it `patience` seconds to be accepted again.

    A CSMS asks nothing of a station that has not booted. That it boots is for other cases to judge. One that was
    accepted may not know yet that it may work: it gets `settle` seconds to say something. Raises NotSeen where it does
    not even connect.
    """
    mark = csms.now

    def spoken() -> bool:
        boots = csms.seen("BootNotification", after=mark)
        return any(message.action != "BootNotification" for message in csms.traffic(after=boots[-1]))

    def accepted() -> bool:
        return bool(csms.seen("BootNotification", after=mark)) and csms.registration == "Accepted"

    await switch()
    with suppress(NotSeen):
        await csms.until(accepted, "a boot to be accepted", within=patience)
        await csms.until(spoken, "the first message after the boot", within=settle)
    await csms.connected(within=patience)


async def _connected_and_accepted(station: Operated, csms: CsmsPeer, *, patience: float, settle: float) -> None:
    try:
        if csms.link is None:
            await csms.connected(within=patience)
        if csms.registration in ("Pending", "Rejected"):
            await csms.until(lambda: csms.registration == "Accepted", "a boot to be accepted", within=patience)
    except NotSeen:
        if not station.can("power_cycle"):
            raise
        await power_up(csms, station.power_cycle, patience=patience, settle=settle)


@contextmanager
def only_boots(  # noqa: PLR0913 -- by keyword
    csms: CsmsPeer,
    spec: Spec,
    requirement: str,
    *,
    after: Received,
    for_: float | None = None,
    or_else: Collection[str] = (),
) -> Iterator[None]:
    """Judge at the end of a block, however that comes, that a station sent boots alone until one was accepted.

    That is judged of `for_` seconds where no more is known than that; `or_else` are actions that it was asked for.
    """
    try:
        yield
    finally:
        boots = csms.seen("BootNotification", after=after)
        accepted = next((each for each in boots if _was_accepted(csms, each)), None)
        until = after.at + for_ if accepted is None and for_ is not None else float("inf")
        with spec(requirement):
            for message in csms.traffic(after=after, before=accepted):
                if message.at < until and message.action not in ("BootNotification", *or_else):
                    csms.touch(after, message)
                    raise AssertionError(f"{message.action} came before the boot was accepted")


def _was_accepted(csms: CsmsPeer, notification: Received) -> bool:
    exchange = csms.transcript.exchange(notification.entry)
    frame = exchange.answer.frame if exchange is not None and exchange.answer is not None else None
    return isinstance(frame, CallResult) and frame.payload.get("status") == "Accepted"


# -- connector status -------------------------------------------------------------------------------------------------


async def all_connectors_reported(
    csms: CsmsPeer, connectors: Iterable[Connector], *, after: Received | Entry | int, within: float | None = None
) -> dict[Connector, ConnectorStatus]:
    """Wait until the status of each of these connectors has come, and return the last one of each.

    Raises NotSeen naming the connectors that were not reported.
    """
    wanted = list(connectors)

    def reported() -> dict[Connector, ConnectorStatus]:
        return {each.connector: each for each in csms.speak.statuses(csms.traffic(after=after))}

    limit = csms.patience.for_action("StatusNotification") if within is None else within
    try:
        await csms.until(
            lambda: all(each in reported() for each in wanted), "the status of every connector", within=limit
        )
    except NotSeen:
        got = reported()
        csms.touch(*(each.message for each in got.values()))
        missing = ", ".join(csms.speak.name(each) for each in wanted if each not in got)
        raise NotSeen(f"no status came for {missing} within {limit:g} s") from None
    statuses = reported()
    csms.touch(*(each.message for each in statuses.values()))
    return statuses


def latest_statuses(csms: CsmsPeer, *, after: Received | Entry | int) -> dict[Connector, ConnectorStatus]:
    """The last status of each connector that the station has reported so far."""
    return {each.connector: each for each in csms.speak.statuses(csms.traffic(after=after))}


async def settled_statuses(
    csms: CsmsPeer, connectors: Iterable[Connector], *, after: Received | Entry | int, settle: float
) -> dict[Connector, ConnectorStatus]:
    """Wait until each of these connectors was reported and none was again for `settle` seconds; the last of each.

    A station may call a connector Unavailable until it has checked itself (B01). Raises NotSeen where one is never
    reported; one that reports without end is taken at its word after the time that a status may take.
    """
    await all_connectors_reported(csms, connectors, after=after)
    deadline = time.monotonic() + csms.patience.for_action("StatusNotification")
    while time.monotonic() < deadline:
        count = len(csms.speak.statuses(csms.traffic(after=after)))
        try:
            await csms.until(
                lambda count=count: len(csms.speak.statuses(csms.traffic(after=after))) > count,  # type: ignore[misc]
                "another connector status",
                within=settle,
            )
        except NotSeen:
            break
    statuses = latest_statuses(csms, after=after)
    csms.touch(*(each.message for each in statuses.values()))
    return statuses


async def connectors_show(
    csms: CsmsPeer, connectors: Iterable[Connector], *statuses: str, after: Received | Entry | int
) -> None:
    """Wait until the last status of each of these connectors is one of `statuses`; raises NotSeen naming the others."""
    wanted = list(connectors)

    def others() -> dict[Connector, str]:
        latest = latest_statuses(csms, after=after)
        shown = {each: latest[each].status if each in latest else "not reported" for each in wanted}
        return {connector: status for connector, status in shown.items() if status not in statuses}

    limit = csms.patience.for_action("StatusNotification")
    try:
        await csms.until(lambda: not others(), f"the status {' or '.join(statuses)}", within=limit)
    except NotSeen:
        told = ", ".join(f"{csms.speak.name(connector)}: {status}" for connector, status in others().items())
        raise NotSeen(f"{' or '.join(statuses)} did not come within {limit:g} s for {told}") from None
    finally:
        latest = latest_statuses(csms, after=after)
        csms.touch(*(latest[each].message for each in wanted if each in latest))


@asynccontextmanager
async def inoperative(csms: CsmsPeer, connectors: Iterable[Connector], *, place: Place = None) -> AsyncIterator[None]:
    """Make an EVSE, a connector, or with neither the whole station inoperative for the length of a block.

    `connectors` are those that this concerns. Raises AssertionError where the station does not do it at once, or
    does not report them Unavailable: a precondition of the case, not a finding.
    """
    mark = csms.now
    status = await csms.speak.change_availability(place, operative=False)
    try:
        assert status == "Accepted", f"ChangeAvailability Inoperative was answered {status}"
        await connectors_show(csms, connectors, "Unavailable", after=mark)
        yield
    finally:
        with suppress(AssertionError):
            await csms.connected()
            await csms.speak.change_availability(place, operative=True)


# -- settings ---------------------------------------------------------------------------------------------------------


async def write_setting(csms: CsmsPeer, setting: Setting, value: str) -> None:
    """Change a setting; raises AssertionError where the station does not accept the value at once."""
    status = await csms.speak.write(setting, value)
    assert status == "Accepted", f"{_said(setting)} = {value} was answered {status}"


def _said(setting: Setting) -> str:
    return setting if isinstance(setting, str) else ".".join(setting)


@asynccontextmanager
async def configured(
    csms: CsmsPeer, settings: Mapping[Setting, str] | Mapping[tuple[str, str], str] | Mapping[str, str]
) -> AsyncIterator[None]:
    """Change settings for the length of a block, and put back what was there.

    Raises AssertionError where a value is not accepted: a precondition of the case, not a finding.
    """
    before: dict[Setting, str] = {}
    try:
        for setting, value in settings.items():
            was = await csms.speak.read(setting)
            if was != value:
                before[setting] = was  # first: a station may refuse a value and take it all the same
                await write_setting(csms, setting, value)
        yield
    finally:
        for setting, value in reversed(before.items()):
            await write_setting(csms, setting, value)


@asynccontextmanager
async def preserved(csms: CsmsPeer, *settings: Setting) -> AsyncIterator[dict[Setting, str]]:
    """Give the values of these settings to a block that tries to change them, and put back whatever differs after it.

    Raises AssertionError where one can't be read, or can't be put back.
    """
    before = {each: await csms.speak.read(each) for each in settings}
    try:
        yield before
    finally:
        for setting, value in before.items():
            if await csms.speak.read(setting) != value:
                status = await csms.speak.write(setting, value)
                assert status in ("Accepted", "RebootRequired"), f"{_said(setting)} = {value} was answered {status}"


# -- reports ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Report:
    """A report of the device model: the answer to the request and the NotifyReports that followed."""

    request_id: int
    answer: Received
    parts: tuple[Received, ...]

    @property
    def items(self) -> list[dict[str, Any]]:
        """All `reportData` of all parts, in order."""
        return [item for part in self.parts for item in part.get("reportData", [])]


async def base_report(csms: Peer, base: str, *, request_id: int | None = None) -> Report:
    """Ask for a base report (`FullInventory`, …) and collect it.

    Raises AssertionError where it is not accepted, NotSeen where a part does not come in time.
    """
    number = next(_request_ids) if request_id is None else request_id
    mark = csms.now
    answer = await csms.call("GetBaseReport", {"requestId": number, "reportBase": base})
    assert answer["status"] == "Accepted", f"GetBaseReport {base} was answered {answer['status']}"
    return Report(number, answer, tuple(await report_parts(csms, number, after=mark)))


async def report_parts(csms: Peer, request_id: int, *, after: int) -> list[Received]:
    """The NotifyReports of one request, until one says that nothing follows."""
    parts: list[Received] = []
    while not parts or parts[-1].get("tbc", False):
        last = after if not parts else parts[-1]
        parts.append(await csms.expect("NotifyReport", after=last, requestId=request_id))
    return parts


# -- transactions -----------------------------------------------------------------------------------------------------


async def transaction(station: Operated, csms: CsmsPeer, connector: Connector, id_token: Mapping[str, str]) -> Charging:
    """Plug in, authorize, and wait until a transaction runs in which the driver is authorized.

    The token is presented at the station where the driver can, and sent with a remote start where not; a station
    whose driver has no plug has to do with the remote start. Whether energy flows is not looked at. Raises NotSeen or
    AssertionError where no transaction comes of it.
    """
    mark, number = csms.now, next(_request_ids)
    plugged = await _done(station, "plug_in", lambda: station.plug_in(*connector))
    shown = await _done(
        station,
        "present_id_token",
        lambda: station.present_id_token(connector[0], id_token["idToken"], id_token["type"]),
    )
    if not shown:
        answer = await csms.speak.remote_start(id_token, connector, number)
        assert answer["status"] == "Accepted", f"the remote start was answered {status_told(answer)}"
    try:
        return await csms.speak.began(connector, after=mark, number=number, plugged=plugged)
    except NotSeen as missing:
        where = csms.speak.name(connector)
        raise NotSeen(f"no transaction came to run on {where}{_without_plug(plugged=plugged)}: {missing}") from None


async def charging(station: Operated, csms: CsmsPeer, connector: Connector, id_token: Mapping[str, str]) -> Charging:
    """Plug in, authorize, and wait until the station says that it charges.

    As `transaction`, and then energy has to flow; raises NotSeen where none comes to.
    """
    mark = csms.now
    session = await transaction(station, csms, connector, id_token)
    try:
        return replace(session, event=await csms.speak.energy(session, after=mark))
    except NotSeen as missing:
        why = _without_plug(plugged=connector in station.plugged)
        raise NotSeen(f"no energy came to flow on {csms.speak.name(connector)}{why}: {missing}") from None


def _without_plug(*, plugged: bool) -> str:
    return "" if plugged else " (nobody could plug an EV in)"


async def stop_authorized(station: Operated, csms: CsmsPeer, session: Charging, id_token: Mapping[str, str]) -> None:
    """Let the driver end the transaction: with the card where that can be presented, remotely where not.

    Waits until the station has told something of it: a plug that is pulled sooner looks like another story. Raises
    AssertionError where the station refuses the remote stop of a transaction that it has not ended.
    """
    mark = csms.now
    shown = await _done(
        station,
        "present_id_token",
        lambda: station.present_id_token(session.connector[0], id_token["idToken"], id_token["type"]),
    )
    if not shown:
        answer = await csms.speak.remote_stop(session.transaction_id)
        over = session.transaction_id not in running(csms)
        assert over or answer["status"] == "Accepted", f"the remote stop was answered {answer['status']}"
    with suppress(NotSeen):
        await csms.until(
            lambda: csms.speak.told_of_stop(session, after=mark), "the stop to be told", within=_patience(csms)
        )


def _patience(csms: CsmsPeer) -> float:
    """How long what is told of a transaction may take."""
    return csms.patience.for_action(csms.speak.transaction_messages[0])


async def stop_charging(station: Operated, csms: CsmsPeer, session: Charging, id_token: Mapping[str, str]) -> Received:
    """Stop the transaction, pull the plug, and return the message that ended it.

    Some stations end it with the authorization, some only when the plug is out (TxStopPoint). Raises NotSeen where
    it does not end.
    """
    await stop_authorized(station, csms, session, id_token)
    await pull_plug(station, session.connector)
    return await ended(csms, session)


async def pull_plug(station: Operated, connector: Connector) -> bool:
    """Pull the plug where the driver can; whether it is out."""
    if connector in station.plugged:
        await _done(station, "unplug", lambda: station.unplug(*connector))
    return connector not in station.plugged


async def ended(csms: CsmsPeer, session: Charging, *, within: float | None = None) -> Received:
    """The message that ends the transaction; raises NotSeen."""
    return await csms.speak.ended(session.transaction_id, after=session.event, within=within)


def running(csms: CsmsPeer) -> list[str]:
    """The transactions that the station has begun and not ended in this session, by what it has told.

    An end that nobody has answered ends nothing.
    """
    return csms.speak.running()


@asynccontextmanager
async def vacated(station: Operated, csms: CsmsPeer) -> AsyncIterator[None]:
    """Leave the station without a plug, a transaction or a reset to come, whatever happens in the block.

    What tells of transactions is answered by default from then on, whatever the block scripted. What can't be had is
    left to whoever needs it next: it says nothing about what was judged in the block.
    """
    try:
        yield
    finally:
        for action in csms.speak.transaction_messages:
            csms.answer(action)
        with suppress(AssertionError, DriverFailed, Unsupported):
            await vacate(station, csms)


async def vacate(station: Operated, csms: CsmsPeer) -> None:
    """Pull every plug, end every transaction, and sit out a reset that waited for that.

    A transaction that the station neither ends nor wants to be stopped is written off: it may have lost it.
    """
    if csms.link is None:
        await csms.connected()
    mark = csms.now
    pulled = [each for each in sorted(station.plugged) if await pull_plug(station, each)]
    agreed = _reset_agreed(csms)
    if agreed is not None and csms.link is not None and csms.link.number != agreed.link:
        await _sit_out_reset(csms)  # it is back, and has not booted: until then nothing may be asked of it
    left = [each for each in running(csms) if each not in csms.written_off]
    for identifier in left:
        await _end(csms, identifier, mark if pulled else None)
    if left:
        await _freed(csms)
    if reset_to_come(csms):
        await _sit_out_reset(csms)


async def _freed(csms: CsmsPeer) -> None:
    """Let connectors whose transactions have ended be told free: not before may anybody be let in there again."""

    def free() -> bool:
        latest = latest_statuses(csms, after=0).values()
        return all(each.status in ("Available", "Unavailable", "Faulted") for each in latest)

    with suppress(NotSeen):
        await csms.until(free, "the connectors to be free again", within=_FREED_WITHIN)


async def _sit_out_reset(csms: CsmsPeer) -> None:
    patience = csms.patience.for_action("BootNotification")
    with suppress(NotSeen):
        await csms.until(lambda: not reset_to_come(csms), "the reset to be over", within=patience)
    csms.resets_written_off = csms.now


async def _end(csms: CsmsPeer, identifier: str, pulled_at: int | None) -> None:
    """End one transaction: by the plug that was just pulled, else by a remote stop."""

    def over() -> bool:
        return identifier not in running(csms)

    patience = _patience(csms)
    if pulled_at is not None:
        with suppress(NotSeen):
            await csms.until(
                lambda: over() or csms.speak.told_of_unplug(identifier, after=pulled_at),
                f"transaction {identifier} to end with the plug out",
                within=patience,
            )
    if over():
        return
    try:
        answer = await csms.speak.remote_stop(identifier)
        if answer["status"] == "Accepted":
            await csms.until(over, f"transaction {identifier} to end", within=patience)
    except AssertionError:
        pass
    if not over() and csms.link is not None:
        csms.written_off.add(identifier)


def reset_to_come(csms: CsmsPeer) -> bool:
    """Whether the station has agreed to restart as a whole, and has not booted since, as far as that is waited for."""
    return _reset_agreed(csms) is not None


def _reset_agreed(csms: CsmsPeer) -> Entry | None:
    """The answer by which the station agreed to the restart that is to come."""
    asked: dict[str, bool] = {}
    agreed: Entry | None = None
    for entry in csms.transcript.entries[csms.resets_written_off :]:
        if entry.station != csms.identity:
            continue
        match entry.frame:
            case Call(action="Reset", message_id=message_id, payload=dict(payload)) if entry.sender == "harness":
                asked[message_id] = not payload.get("evseId")
            case CallResult(message_id=message_id, payload={"status": "Accepted" | "Scheduled"}):
                if entry.sender == "sut" and asked.get(message_id, False):
                    agreed = agreed or entry
            case Call(action="BootNotification") if entry.sender == "sut":
                agreed = None
    return agreed


async def _done(station: Operated, action: str, act: Callable[[], Awaitable[None]]) -> bool:
    """Have something done at the station; False where the driver can't."""
    if not station.can(action):
        return False
    try:
        await act()
    except Unsupported:
        return False
    return True
