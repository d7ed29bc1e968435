"""What a CSMS sends to a station, judged over the transcript of a session: rules that hold whoever asked for it.

Each function returns the misses of each requirement that it judges, all of them named, also those without a miss.
"""

from collections.abc import Mapping
from typing import Any

from conformance.oracles.wire import Miss, Misses
from conformance.wire.frames import Call, CallResult
from conformance.wire.transcript import Entry, Transcript

_TRIGGERS = ("TriggerMessage", "ExtendedTriggerMessage")


def triggers(transcript: Transcript, station: str) -> Misses:
    """F06.FR.13, 16.TRIGGER.13: a trigger for a state names the connector, and in 1.6 one above 0."""
    nowhere, station_itself = [], []
    for entry in transcript.frames(sender="sut", station=station, kind=Call):
        asked = _asked(entry, *_TRIGGERS)
        if asked is None:
            continue
        evse = asked.get("evse")
        if asked.get("requestedMessage") == "StatusNotification" and not (
            isinstance(evse, Mapping) and "connectorId" in evse
        ):
            nowhere.append(Miss("a StatusNotification is triggered without naming the connector", (entry,)))
        number = asked.get("connectorId")
        if isinstance(number, int) and number <= 0:
            station_itself.append(Miss(f"the trigger names connector {number}", (entry,)))
    return {"F06.FR.13": nowhere, "16.TRIGGER.13": station_itself}


def boots_triggered(transcript: Transcript, station: str) -> Misses:
    """CSMS.TRIGGER.02: no boot is triggered from an accepted one until the station boots of its own accord."""
    misses: list[Miss] = []
    accepted: Entry | None = None
    for entry in transcript.frames(station=station, kind=(Call, CallResult)):
        if _asked(entry, "BootNotification") is not None:
            accepted = None
        elif isinstance(entry.frame, CallResult) and transcript.action_of(entry) == "BootNotification":
            accepted = entry if entry.frame.payload.get("status") == "Accepted" else None
        asked = _asked(entry, *_TRIGGERS) if entry.sender == "sut" else None
        if accepted is not None and asked is not None and asked.get("requestedMessage") == "BootNotification":
            misses.append(Miss(f"a boot is triggered although #{accepted.n} accepted one", (accepted, entry)))
    return {"CSMS.TRIGGER.02": misses}


def set_twice(transcript: Transcript, station: str) -> Misses:
    """B05.FR.13: no SetVariables holds one attribute of one variable twice."""
    misses: list[Miss] = []
    for entry in transcript.frames(sender="sut", station=station, kind=Call):
        asked = _asked(entry, "SetVariables") or {}
        items = asked.get("setVariableData")
        seen: list[object] = []
        for item in items if isinstance(items, list) else ():
            place = _place(item)
            if place is not None and place in seen:
                misses.append(Miss(f"{place[0]}.{place[2]} is set twice in one request", (entry,)))
            seen.append(place)
    return {"B05.FR.13": misses}


def _asked(entry: Entry, *actions: str) -> Mapping[str, Any] | None:
    """The payload of a call of one of these actions."""
    frame = entry.frame
    return frame.payload if isinstance(frame, Call) and frame.action in actions else None


def _place(item: object) -> tuple[object, ...] | None:
    """What identifies an attribute of a variable, names in either case; None where that can't be read."""
    component, variable = _field(item, "component"), _field(item, "variable")
    names = [_field(each, key) for each in (component, variable) for key in ("name", "instance")]
    if not isinstance(names[0], str) or not isinstance(names[2], str):
        return None
    evse = _field(component, "evse")
    folded = (each.casefold() if isinstance(each, str) else each for each in names)
    return (*folded, _field(evse, "id"), _field(evse, "connectorId"), _field(item, "attributeType") or "Actual")


def _field(node: object, name: str) -> Any:
    return node.get(name) if isinstance(node, Mapping) else None
