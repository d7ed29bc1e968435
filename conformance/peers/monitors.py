"""Scenes around the monitors of a station of OCPP 2.0.1: set, asked for, told of, and cleared again (block N)."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

from conformance.oracles.monitors import Event as EventOf
from conformance.oracles.monitors import Told, events_in, monitors_in
from conformance.peers.csms import CsmsPeer
from conformance.peers.received import NotSeen, Received
from conformance.peers.v201 import variable

__all__ = [
    "CLEAR",
    "EVENT",
    "REPORT",
    "SET",
    "MonitoringReport",
    "availability",
    "base_restored",
    "clear",
    "event",
    "events",
    "limited",
    "monitored",
    "report",
    "set_monitors",
    "swept",
    "told_all",
    "wanted",
]

SET, CLEAR, REPORT, EVENT = "SetVariableMonitoring", "ClearVariableMonitoring", "NotifyMonitoringReport", "NotifyEvent"
LEAST_SEVERE = 9

_requests = count(93_000)

Payload = dict[str, Any]
Event = EventOf[Received]


# -- what is asked for ------------------------------------------------------------------------------------------------


def wanted(
    where: Mapping[str, Any], kind: str = "Delta", value: float = 1, *, severity: int = 8, number: int | None = None
) -> Payload:
    """One item of a SetVariableMonitoring; `where` names component and variable."""
    item = {"value": value, "type": kind, "severity": severity, **where}
    return item if number is None else {"id": number, **item}


def availability(evse: int | None = None) -> Payload:
    """Where the availability of an EVSE, or of the station, is told."""
    return variable("ChargingStation" if evse is None else "EVSE", "AvailabilityState", evse=evse)


async def set_monitors(csms: CsmsPeer, *items: Payload) -> list[Payload]:
    """Ask for monitors; the result of each, in the order of the items. Raises AssertionError where one is missing."""
    answer = await csms.call(SET, {"setMonitoringData": list(items)})
    left: list[Payload] = list(answer["setMonitoringResult"])
    found = []
    for item in items:
        result = next((each for each in left if _answers(each, item)), None)
        assert result is not None, f"no result of SetVariableMonitoring is about {_shown(item)}"
        left.remove(result)
        found.append(result)
    assert not left, f"{len(items)} monitors were asked for, and {len(items) + len(left)} results came"
    return found


def _answers(result: Payload, item: Payload) -> bool:
    return (result["type"], result["severity"]) == (item["type"], item["severity"]) and _place(result) == _place(item)


def _place(item: Mapping[str, Any]) -> tuple[object, ...]:
    component, which = item["component"], item["variable"]
    evse = component.get("evse") or {}
    return (component["name"].casefold(), evse.get("id"), evse.get("connectorId"), which["name"].casefold())


def _shown(item: Payload) -> str:
    return f"{item['type']} of {item['component']['name']}.{item['variable']['name']} with severity {item['severity']}"


async def clear(csms: CsmsPeer, *numbers: int) -> dict[int, str]:
    """Ask to clear monitors; the status of each by its id."""
    answer = await csms.call(CLEAR, {"id": list(numbers)})
    return {each["id"]: each["status"] for each in answer["clearMonitoringResult"]}


@asynccontextmanager
async def monitored(csms: CsmsPeer, *items: Payload) -> AsyncIterator[list[int]]:
    """Have monitors for the length of a block; gives their ids, in the order of the items.

    Raises AssertionError where one is not accepted: a precondition of the case, not a finding. They are set one by
    one, and gone after the block, whatever becomes of it.
    """
    numbers: list[int] = []
    try:
        for item in items:
            (result,) = await set_monitors(csms, item)
            assert result["status"] == "Accepted", f"{_shown(item)} was answered {result['status']}"
            numbers.append(result["id"])
        yield numbers
    finally:
        with suppress(AssertionError):
            if csms.link is None:
                await csms.connected()
            for number in numbers:
                await clear(csms, number)


@asynccontextmanager
async def limited(csms: CsmsPeer, severity: int) -> AsyncIterator[None]:
    """Have the station tell events up to a severity for the length of a block, and then all of them."""
    try:
        answer = await csms.call("SetMonitoringLevel", {"severity": severity})
        assert answer["status"] == "Accepted", f"SetMonitoringLevel {severity} was answered {answer['status']}"
        yield
    finally:
        with suppress(AssertionError):
            await csms.call("SetMonitoringLevel", {"severity": LEAST_SEVERE})


# -- reports ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MonitoringReport:
    """The answer to GetMonitoringReport, and the parts of the report that came of it."""

    number: int
    answer: Received
    parts: tuple[Received, ...] = ()

    @property
    def status(self) -> str:
        """What the station answered."""
        return str(self.answer["status"])

    @property
    def monitors(self) -> list[Told]:
        """What is reported."""
        return monitors_in(self.parts)


async def report(
    csms: CsmsPeer, *where: Mapping[str, Any], criteria: Sequence[str] = (), linger: float = 0.0
) -> MonitoringReport:
    """Ask for a report of monitors, and collect it, with what comes for `linger` seconds more.

    Raises NotSeen where one that was promised does not come, or breaks off.
    """
    number, mark = next(_requests), csms.now
    request: Payload = {"requestId": number}
    if criteria:
        request["monitoringCriteria"] = list(criteria)
    if where:
        request["componentVariable"] = [dict(each) for each in where]
    answer = await csms.call("GetMonitoringReport", request)
    parts: list[Received] = []
    within = csms.patience.for_action("NotifyReport")
    while answer["status"] == "Accepted" and (not parts or parts[-1].get("tbc") is True):
        last = parts[-1] if parts else mark
        parts.append(await csms.expect(REPORT, after=last, within=within))
    if linger:
        with suppress(NotSeen):
            last = parts[-1] if parts else mark
            parts.append(await csms.expect(REPORT, after=last, within=linger))
    csms.touch(answer, *parts)
    return MonitoringReport(number, answer, tuple(parts))


async def told_all(csms: CsmsPeer) -> list[Told]:
    """Every monitor that the station has, none where it says so."""
    return (await report(csms)).monitors


# -- what is put back -------------------------------------------------------------------------------------------------


async def free_severity(csms: CsmsPeer, *where: Mapping[str, Any], but: int | None = None) -> int:
    """A severity that no monitor on these variables has; 8 of those that are free, or else the least severe."""
    with suppress(AssertionError):
        taken = {each.severity for each in await told_all(csms) if any(each.is_on(place) for place in where)} | {but}
        return next(each for each in (8, 7, 6, 5, 9, 4, 3, 2, 1) if each not in taken)
    return 8 if but != 8 else 7  # noqa: PLR2004


@asynccontextmanager
async def swept(csms: CsmsPeer) -> AsyncIterator[None]:
    """Leave no monitor that was not there before, whatever happens in the block, as far as the station tells."""
    before: set[int] | None = None
    with suppress(AssertionError):
        before = {each.id for each in await told_all(csms)}
    try:
        yield
    finally:
        if before is not None:
            with suppress(AssertionError):
                for each in await told_all(csms):
                    if each.id not in before:
                        await clear(csms, each.id)


@asynccontextmanager
async def base_restored(csms: CsmsPeer) -> AsyncIterator[None]:
    """Have all monitors active again after the block, and those that are gone set again."""
    before: list[Told] = []
    with suppress(AssertionError):
        before = await told_all(csms)
    try:
        yield
    finally:
        with suppress(AssertionError):
            await csms.call("SetMonitoringBase", {"monitoringBase": "All"})
            there = await told_all(csms)
            for each in before:
                if not any(each.is_like(other) for other in there):
                    fields = {name: part for name, part in each.monitor.items() if name != "id"}
                    await set_monitors(csms, {**fields, "component": each.component, "variable": each.variable})


# -- events -----------------------------------------------------------------------------------------------------------


def events(csms: CsmsPeer, number: int, where: Mapping[str, Any], *, after: int) -> list[Event]:
    """The events of a monitor that came after an entry of the transcript, and those on its variable of none."""
    found = events_in(csms.seen(EVENT, after=after))
    return [each for each in found if each.monitor == number or (each.monitor is None and each.is_on(where))]


async def event(csms: CsmsPeer, number: int, where: Mapping[str, Any], *, after: int, nth: int = 1) -> Event:
    """Wait for an event of a monitor on a variable; raises NotSeen."""
    within = csms.patience.for_action("StatusNotification")
    await csms.until(
        lambda: len(events(csms, number, where, after=after)) >= nth, f"event {nth} of monitor {number}", within=within
    )
    it = events(csms, number, where, after=after)[nth - 1]
    csms.touch(it.message)
    return it
