"""States that many cases start from or pass through, reached in whatever way the station under test allows."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal, Protocol

from conformance.peers.csms import CsmsPeer
from conformance.peers.peer import Peer
from conformance.peers.received import Message, NotSeen, Received
from conformance.peers.v201 import get_variables, remote_start, set_variables, variable
from conformance.wire.transcript import Entry

Connector = tuple[int, int]
"""EVSE id and connector id."""

_request_ids = count(1000)


class Operated(Protocol):
    """The part of a station driver that scenes use."""

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
    """Give a station that has just connected the time to boot; one that was running before need not."""
    try:
        await csms.until(lambda: csms.registration is not None, "the first BootNotification", within=within)
    except NotSeen:
        csms.begin()


async def restart(station: Operated, csms: CsmsPeer) -> Literal["power cycle", "reset"]:
    """Make the station boot: by its mains where the driver can, by a Reset over OCPP where not."""
    if station.can("power_cycle"):
        await station.power_cycle()
        return "power cycle"
    answer = await csms.call("Reset", {"type": "Immediate"})
    assert answer["status"] in ("Accepted", "Scheduled"), f"Reset was answered {answer['status']}"
    return "reset"


async def reboot(station: Operated, csms: CsmsPeer) -> Boot:
    """Make the station boot, and wait for its BootNotification."""
    mark = csms.now
    how = await restart(station, csms)
    return Boot(how, await csms.expect("BootNotification", after=mark))


async def ready(station: Operated, csms: CsmsPeer, *, patience: float) -> None:
    """Bring the station back to where every case starts: connected, accepted, no transaction.

    Raises NotSeen where that can't be had within `patience` seconds a step.
    """
    if csms.link is None:
        try:
            await csms.connected(within=patience)
        except NotSeen:
            if not station.can("power_cycle"):
                raise
            await station.power_cycle()
            await csms.connected(within=patience)
    if csms.registration in ("Pending", "Rejected"):
        await csms.until(lambda: csms.registration == "Accepted", "a boot to be accepted", within=patience)


# -- connector status -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConnectorStatus:
    """What a station said of one connector, in a StatusNotification or as an event of its device model."""

    connector: Connector
    status: str
    message: Received


def connector_statuses(messages: Iterable[Received]) -> list[ConnectorStatus]:
    """Every connector status in these calls, in order.

    A station may use StatusNotification, or NotifyEvent about the AvailabilityState of a Connector (G01.FR.07 ff.).
    """
    found = []
    for message in messages:
        match message.action:
            case "StatusNotification":
                found.append(_from_status_notification(message))
            case "NotifyEvent":
                found += _from_notify_event(message)
    return [each for each in found if each is not None]


def _from_status_notification(message: Received) -> ConnectorStatus | None:
    match message:
        case {"evseId": int(evse), "connectorId": int(connector), "connectorStatus": str(status)}:
            return ConnectorStatus((evse, connector), status, message)
    return None


def _from_notify_event(message: Received) -> list[ConnectorStatus | None]:
    events = message.get("eventData")
    return [_from_event(message, event) for event in events] if isinstance(events, list) else []


def _from_event(message: Received, event: object) -> ConnectorStatus | None:
    match event:
        case {
            "actualValue": str(status),
            "component": {"name": "Connector", "evse": {"id": int(evse), "connectorId": int(connector)}},
            "variable": {"name": "AvailabilityState"},
        }:
            return ConnectorStatus((evse, connector), status, message)
    return None


async def all_connectors_reported(
    csms: Peer, connectors: Iterable[Connector], *, after: Received | Entry | int, within: float | None = None
) -> dict[Connector, ConnectorStatus]:
    """Wait until the status of each of these connectors has come, and return the last one of each.

    Raises NotSeen naming the connectors that were not reported.
    """
    wanted = list(connectors)

    def reported() -> dict[Connector, ConnectorStatus]:
        return {each.connector: each for each in connector_statuses(csms.traffic(after=after))}

    limit = csms.patience.for_action("StatusNotification") if within is None else within
    try:
        await csms.until(lambda: all(each in reported() for each in wanted), "the status of every connector", within=limit)
    except NotSeen:
        got = reported()
        csms.touch(*(each.message for each in got.values()))
        missing = ", ".join(f"EVSE {evse} connector {connector}" for evse, connector in wanted if (evse, connector) not in got)
        raise NotSeen(f"no status came for {missing} within {limit:g} s") from None
    statuses = reported()
    csms.touch(*(each.message for each in statuses.values()))
    return statuses


# -- variables ------------------------------------------------------------------------------------------------------


async def read_variable(csms: Peer, component: str, name: str, *, evse: int | None = None) -> str:
    """The actual value of a variable; raises AssertionError where the station does not give it."""
    answer = await csms.call("GetVariables", get_variables(variable(component, name, evse=evse)))
    result: Message = answer["getVariableResult"][0]
    assert result["attributeStatus"] == "Accepted", f"{component}.{name} can't be read: {result['attributeStatus']}"
    value: str = result["attributeValue"]
    return value


async def write_variable(csms: Peer, component: str, name: str, value: str) -> None:
    """Set a variable; raises AssertionError where the station does not accept the value at once."""
    item = variable(component, name) | {"attributeValue": value}
    answer = await csms.call("SetVariables", set_variables(item))
    status = answer["setVariableResult"][0]["attributeStatus"]
    assert status == "Accepted", f"{component}.{name} = {value} was answered {status}"


@asynccontextmanager
async def configured(csms: Peer, settings: Mapping[tuple[str, str], str]) -> AsyncIterator[None]:
    """Set variables, named by component and variable, for the length of a block, and put back what was there.

    Raises AssertionError where a value is not accepted: a precondition of the case, not a finding.
    """
    before: dict[tuple[str, str], str] = {}
    try:
        for (component, name), value in settings.items():
            was = await read_variable(csms, component, name)
            if was != value:
                await write_variable(csms, component, name, value)
                before[component, name] = was
        yield
    finally:
        for (component, name), value in reversed(before.items()):
            await write_variable(csms, component, name, value)


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


# -- transactions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Charging:
    """A transaction in which energy flows."""

    connector: Connector
    transaction_id: str
    event: Received


async def charging(
    station: Operated, csms: Peer, connector: Connector, id_token: Mapping[str, str]
) -> Charging:
    """Plug in, authorize, and wait until the station says that it charges.

    The token is presented at the station where the driver can, and sent with a remote start where not; a station
    without a driver for its cable has to do with the remote start. Raises NotSeen or AssertionError where no energy
    comes to flow.
    """
    mark = csms.now
    evse = connector[0]
    if station.can("plug_in"):
        await station.plug_in(*connector)
    if station.can("present_id_token"):
        await station.present_id_token(evse, id_token["idToken"], id_token["type"])
    else:
        answer = await csms.call("RequestStartTransaction", remote_start(id_token, evse=evse))
        assert answer["status"] == "Accepted", f"RequestStartTransaction was answered {answer['status']}"
    event = await csms.expect(
        "TransactionEvent",
        after=mark,
        where=lambda message: message["transactionInfo"].get("chargingState") == "Charging"
        and _evse_of(csms, message) == evse,
        within=csms.patience.for_action("TransactionEvent"),
    )
    return Charging(connector, event["transactionInfo"]["transactionId"], event)


def _evse_of(csms: Peer, event: Received) -> int | None:
    """The EVSE of a transaction: only its first event after plug-in has to name it (E01.FR.16)."""
    identifier = event["transactionInfo"]["transactionId"]
    for each in csms.seen("TransactionEvent"):
        if each["transactionInfo"].get("transactionId") == identifier and isinstance(each.get("evse"), dict):
            return int(each["evse"]["id"])
    return None


async def stop_charging(station: Operated, csms: Peer, session: Charging, id_token: Mapping[str, str]) -> Received:
    """Stop the transaction, pull the plug, and return the event that ended it."""
    if station.can("present_id_token"):
        await station.present_id_token(session.connector[0], id_token["idToken"], id_token["type"])
    else:
        answer = await csms.call("RequestStopTransaction", {"transactionId": session.transaction_id})
        assert answer["status"] == "Accepted", f"RequestStopTransaction was answered {answer['status']}"
    if station.can("unplug"):
        await station.unplug(*session.connector)
    return await ended(csms, session)


async def ended(csms: Peer, session: Charging) -> Received:
    """The event that ends the transaction."""
    return await csms.expect(
        "TransactionEvent",
        eventType="Ended",
        where=lambda message: message["transactionInfo"]["transactionId"] == session.transaction_id,
        after=session.event,
    )
