"""Monitors on variables: set, reported, cleared, and the events that they lead to (N02-N08)."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from conformance.reference.station.device_model import WRITE_ONLY, Component, Variable
from conformance.reference.station.remote import RemoteControl
from conformance.reference.station.reports import matches
from conformance.reference.station.rpc import Payload, RpcError

if TYPE_CHECKING:
    from conformance.reference.station.config import StationConfig
    from conformance.reference.station.device_model import DeviceModel
    from conformance.reference.station.rpc import Call

CONTROLLER = "MonitoringCtrlr"
UPPER, LOWER, DELTA, PERIODIC, ALIGNED = (
    "UpperThreshold",
    "LowerThreshold",
    "Delta",
    "Periodic",
    "PeriodicClockAligned",
)
THRESHOLDS, PERIODICS = (UPPER, LOWER), (PERIODIC, ALIGNED)
CRITERIA = {"ThresholdMonitoring": THRESHOLDS, "DeltaMonitoring": (DELTA,), "PeriodicMonitoring": PERIODICS}
NUMERIC = ("integer", "decimal")
MONITORS_PER_REPORT = 2
LEAST_SEVERE = 9
DAY = 86400

_ITEMS = {"SetVariableMonitoring": "setMonitoringData", "ClearVariableMonitoring": "id"}


class Monitoring(RemoteControl):
    """Keeps monitors in flash memory, and tells of what they are triggered by.

    A monitor is what `SetMonitoringData` says, with its id, and two notes: `told`, the value of its last event (Delta),
    and `beyond`, whether its threshold is exceeded.
    """

    def __init__(self, config: StationConfig) -> None:
        """Watch nothing until the CSMS has accepted the boot."""
        super().__init__(config)
        self._reporting_monitors = asyncio.Lock()
        self._watching = False
        self._look_due = False
        for place in self.evses.values():
            place.meter.changed = self.something_moved

    def build_model(self) -> DeviceModel:
        """Let the level and the base in force be read."""
        model = super().build_model()
        controller = Component(CONTROLLER)
        model.find(controller, "ActiveMonitoringLevel").live = lambda: str(self.monitoring_level())
        model.find(controller, "ActiveMonitoringBase").live = lambda: str(self.storage.get("monitoring_base", "All"))
        return model

    @property
    def monitors(self) -> list[Payload]:
        """The monitors, in flash memory (N07.FR.13)."""
        kept: list[Payload] = self.storage.setdefault("monitors", [])
        return kept

    def monitoring_level(self) -> int:
        """Return the highest severity number that is told (N05)."""
        return int(self.storage.get("monitoring_level", LEAST_SEVERE))

    def check_message_limits(self, call: Call) -> None:
        """Refuse more items or bytes than the station said it takes (N04.FR.09, N06.FR.06/07)."""
        super().check_message_limits(call)
        field = _ITEMS.get(call.action)
        if field is None:
            return
        if len(call.payload.get(field, ())) > self.model.number(CONTROLLER, "ItemsPerMessage", call.action):
            raise RpcError("OccurrenceConstraintViolation", f"too many items in {field}")
        if call.size > self.model.number(CONTROLLER, "BytesPerMessage", call.action):
            raise RpcError("FormatViolation", "the message is too long")

    # -- SetVariableMonitoring

    def on_set_variable_monitoring(self, request: Payload) -> Payload:
        """Answer SetVariableMonitoring: one result per item (N04.FR.01)."""
        results = [self.set_one_monitor(item) for item in request["setMonitoringData"]]
        self.after_answer(self.look)
        return {"setMonitoringResult": results}

    def set_one_monitor(self, item: Payload) -> Payload:
        """Set a monitor if it may be set; the result repeats what was asked for (N04.FR.02)."""
        refusal = self.objection_to_monitor(item)
        result: Payload = {
            "status": refusal or "Accepted",
            "type": item["type"],
            "severity": item["severity"],
            "component": item["component"],
            "variable": item["variable"],
        }
        return result if refusal else {"id": self.keep_monitor(item), **result}

    def objection_to_monitor(self, item: Payload) -> str | None:
        """Return the status that refuses a monitor, or None (N04.FR.03-06/10/13/14/16)."""
        variable = self.look_up(item)
        if isinstance(variable, str):
            return variable
        if "id" in item and not self.may_replace(item, variable):
            return "Rejected"
        if not self.supports_monitor(variable, item["type"]):
            return "UnsupportedMonitorType"
        if not 0 <= item["severity"] <= LEAST_SEVERE or not self.value_fits(variable, item):
            return "Rejected"
        return "Duplicate" if self.is_duplicate(item, variable) else None

    def may_replace(self, item: Payload, variable: Variable) -> bool:
        """Tell whether there is such a monitor, and on this variable (N04.FR.12/13/16)."""
        old = self.monitor(item["id"])
        return old is not None and self.variable_of(old) is variable

    def supports_monitor(self, variable: Variable, kind: str) -> bool:
        """Tell whether a variable can be monitored so: thresholds are for numbers (N04.FR.05)."""
        if variable.mutability == WRITE_ONLY:
            return False
        return kind not in THRESHOLDS or variable.type in NUMERIC

    def value_fits(self, variable: Variable, item: Payload) -> bool:
        """Tell whether a threshold is in the range of its variable, and others positive (N04.FR.06/14)."""
        value = item["value"]
        if item["type"] not in THRESHOLDS:
            return bool(value > 0 if item["type"] in PERIODICS else value >= 0)
        above = variable.minimum is None or value >= variable.minimum
        return above and (variable.maximum is None or value <= variable.maximum)

    def is_duplicate(self, item: Payload, variable: Variable) -> bool:
        """Tell whether there is another monitor of the kind and severity on the variable (N04.FR.10)."""
        return any(
            each["id"] != item.get("id")
            and (each["type"], each["severity"]) == (item["type"], item["severity"])
            and self.variable_of(each) is variable
            for each in self.monitors
        )

    def keep_monitor(self, item: Payload) -> int:
        """Store a monitor, in place of the one with its id, and return the id (N04.FR.11/12)."""
        number = item["id"] if "id" in item else self.unused_monitor_id()
        old = self.monitor(number)
        variable = self.look_up(item)
        told = variable.get() if isinstance(variable, Variable) else None
        new = {"transaction": False, **item, "id": number, "told": told, "beyond": False}
        if old is None:
            self.monitors.append(new)
        else:
            new["beyond"] = old["beyond"] and old["type"] == new["type"]
            self.monitors[self.monitors.index(old)] = new
        self.watch_periodic(new)
        return int(number)

    def unused_monitor_id(self) -> int:
        """Return an id that no monitor ever had."""
        self.storage["last_monitor_id"] = number = self.storage.get("last_monitor_id", 0) + 1
        return int(number)

    def monitor(self, number: int) -> Payload | None:
        """Return the monitor with an id."""
        return next((each for each in self.monitors if each["id"] == number), None)

    def variable_of(self, monitor: Payload) -> Variable | None:
        """Return what a monitor is on."""
        found = self.look_up(monitor)
        return found if isinstance(found, Variable) else None

    # -- ClearVariableMonitoring

    def on_clear_variable_monitoring(self, request: Payload) -> Payload:
        """Answer ClearVariableMonitoring: one result per id (N06.FR.05)."""
        return {
            "clearMonitoringResult": [
                {"id": number, "status": self.clear_one_monitor(number)} for number in request["id"]
            ]
        }

    def clear_one_monitor(self, number: int) -> str:
        """Take a monitor away, without any event (N06.FR.01/02, N07.FR.12)."""
        found = self.monitor(number)
        if found is None:
            return "NotFound"
        self.monitors.remove(found)
        return "Accepted"

    # -- SetMonitoringBase, SetMonitoringLevel

    def on_set_monitoring_base(self, request: Payload) -> Payload:
        """Answer SetMonitoringBase; no monitor of this make is wired or comes from the factory (N03)."""
        self.storage["monitoring_base"] = request["monitoringBase"]
        if request["monitoringBase"] != "All":
            self.monitors.clear()
        return {"status": "Accepted"}

    def on_set_monitoring_level(self, request: Payload) -> Payload:
        """Answer SetMonitoringLevel (N05.FR.01/02)."""
        if not 0 <= request["severity"] <= LEAST_SEVERE:
            return {"status": "Rejected"}
        self.storage["monitoring_level"] = request["severity"]
        return {"status": "Accepted"}

    # -- GetMonitoringReport

    def on_get_monitoring_report(self, request: Payload) -> Payload:
        """Answer GetMonitoringReport; the report follows unless nothing is found (N02.FR.01/10)."""
        found = self.monitors_to_report(request.get("monitoringCriteria", []), request.get("componentVariable", []))
        if not found:
            return {"status": "EmptyResultSet"}
        self.after_answer(partial(self.report_monitors, request["requestId"], found))
        return {"status": "Accepted"}

    def monitors_to_report(self, criteria: list[str], wanted: list[Payload]) -> list[Payload]:
        """Return the monitors that fit the criteria and the list, either of which may be empty (N02.FR.05/06/08/11)."""
        return [
            each
            for each in self.monitors
            if (not criteria or any(each["type"] in CRITERIA[name] for name in criteria))
            and (not wanted or any(self.is_on(each, item) for item in wanted))
        ]

    def is_on(self, monitor: Payload, item: Payload) -> bool:
        """Tell whether a monitor is on what an item of componentVariable names (N02.FR.16-21)."""
        variable = self.variable_of(monitor)
        return variable is not None and matches(variable, item)

    async def report_monitors(self, request_id: int, found: list[Payload]) -> None:
        """Send the NotifyMonitoringReports of one request, after those of earlier requests."""
        messages = self.monitoring_reports(request_id, found)
        await self.send_parts(self._reporting_monitors, "NotifyMonitoringReport", messages)

    def monitoring_reports(self, request_id: int, found: list[Payload]) -> list[Payload]:
        """Return the payloads: numbered from 0, the last one without more to come (N02.FR.03/04/09)."""
        parts = [found[start : start + MONITORS_PER_REPORT] for start in range(0, len(found), MONITORS_PER_REPORT)]
        generated_at = self.clock.stamp()
        return [
            {
                "requestId": request_id,
                "generatedAt": generated_at,
                "seqNo": number,
                "tbc": number < len(parts) - 1,
                "monitor": [self.monitor_entry(each) for each in part],
            }
            for number, part in enumerate(parts)
        ]

    def monitor_entry(self, monitor: Payload) -> Payload:
        """Return the MonitoringDataType of a monitor."""
        names = ("id", "transaction", "value", "type", "severity")
        return {
            "component": monitor["component"],
            "variable": monitor["variable"],
            "variableMonitoring": [{name: monitor[name] for name in names}],
        }

    # -- what triggers a monitor

    def start_up(self) -> None:
        """Go on with what is told at intervals."""
        super().start_up()
        for each in self.monitors:
            self.watch_periodic(each)

    def after_acceptance(self) -> None:
        """Look at all that is watched: it may have moved while the station was off (N07.FR.14)."""
        super().after_acceptance()
        self._watching = True
        self.something_moved()

    async def stop(self) -> None:
        """Watch nothing."""
        self._watching = False
        await super().stop()

    def variable_changed(self, variable: Variable) -> None:
        """Look whether that is watched."""
        super().variable_changed(variable)
        self.something_moved()

    def report_status_changes(self) -> None:
        """Look whether the availability is watched."""
        super().report_status_changes()
        self.something_moved()

    def something_moved(self) -> None:
        """Look soon, once for all that moves till then."""
        if self._watching and not self._look_due:
            self._look_due = True
            asyncio.get_running_loop().call_soon(self._look_soon)

    def _look_soon(self) -> None:
        self._look_due = False
        if self._watching:
            self.look_at_monitors()

    async def look(self) -> None:
        """Look after an answer."""
        self.something_moved()

    def look_at_monitors(self) -> None:
        """Tell of every monitor that is triggered now."""
        for each in list(self.monitors):
            variable = self.variable_of(each)
            if variable is None:
                continue
            if each["type"] == DELTA and self.has_changed(each, variable):
                each["told"] = variable.get()
                self.tell_event(each, variable, "Delta")
            elif each["type"] in THRESHOLDS:
                self.look_at_threshold(each, variable)

    def has_changed(self, monitor: Payload, variable: Variable) -> bool:
        """Tell whether a value differs from the last one told, a number by more than it may (N07.FR.18/19)."""
        then, now = monitor["told"], variable.get()
        if variable.type not in NUMERIC:
            return bool(then != now)
        return abs(number(now) - number(then)) > self.least_change(monitor)

    def least_change(self, monitor: Payload) -> float:
        """Return the change that is not told yet."""
        return float(monitor["value"])

    def look_at_threshold(self, monitor: Payload, variable: Variable) -> None:
        """Tell when a threshold is passed, in either direction (N07.FR.02/16/17)."""
        beyond = self.is_beyond(monitor, number(variable.get()))
        if beyond != monitor["beyond"]:
            monitor["beyond"] = beyond
            self.tell_event(monitor, variable, "Alerting", cleared=not beyond)

    def is_beyond(self, monitor: Payload, value: float) -> bool:
        """Tell whether a value is beyond a threshold, and not just at it."""
        limit = float(monitor["value"])
        return value > limit if monitor["type"] == UPPER else value < limit

    def watch_periodic(self, monitor: Payload) -> None:
        """Tell a value at intervals for as long as the monitor is there (N08.FR.06/07)."""
        if monitor["type"] in PERIODICS:
            self.tasks.start(self.tell_at_intervals(monitor))

    async def tell_at_intervals(self, monitor: Payload) -> None:
        """Tell the value, and wait again."""
        while True:
            await asyncio.sleep(self.seconds_to_next(monitor))
            variable = self.variable_of(monitor)
            if variable is None or not any(each is monitor for each in self.monitors):
                return
            if self._watching:
                self.tell_event(monitor, variable, "Periodic")

    def seconds_to_next(self, monitor: Payload) -> float:
        """Return the interval, or the time till the clock is at a multiple of it."""
        interval = float(monitor["value"])
        if monitor["type"] == PERIODIC:
            return interval
        now = self.clock.now()
        passed = (now - now.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
        return min(interval - passed % interval, DAY - passed)

    # -- telling it

    def tell_event(self, monitor: Payload, variable: Variable, trigger: str, *, cleared: bool = False) -> None:
        """Send an event, if its severity is one to be told (N05.FR.03, N07.FR.15)."""
        if self.model.flag(CONTROLLER, "Enabled") and self.is_told(monitor):
            self.send_monitor_event(
                monitor, self.event_message(self.event(monitor, variable, trigger, cleared=cleared))
            )

    def is_told(self, monitor: Payload) -> bool:
        """Tell whether a monitor is as severe as the level wants it."""
        return bool(monitor["severity"] <= self.monitoring_level())

    def send_monitor_event(self, monitor: Payload, message: Payload) -> None:
        """Send it, or keep it for later if it is severe enough for that (N07.FR.04)."""

        def keep() -> None:
            if self.is_kept_offline(monitor):
                self.send_surely("NotifyEvent", message)

        self.send("NotifyEvent", message, lost=keep)

    def is_kept_offline(self, monitor: Payload) -> bool:
        """Tell whether events of a monitor are kept while the station is offline."""
        return bool(monitor["severity"] <= self.model.number(CONTROLLER, "OfflineQueuingSeverity"))

    def event_message(self, event: Payload) -> Payload:
        """Return a NotifyEventRequest (N07.FR.07)."""
        return {"generatedAt": self.clock.stamp(), "seqNo": 0, "tbc": False, "eventData": [event]}

    def event(self, monitor: Payload, variable: Variable, trigger: str, *, cleared: bool) -> Payload:
        """Return the EventDataType (N07.FR.06, N08.FR.05)."""
        self.storage["last_event_id"] = event_id = self.storage.get("last_event_id", 0) + 1
        event: dict[str, Any] = {
            "eventId": event_id,
            "timestamp": self.clock.stamp(),
            "trigger": trigger,
            "actualValue": variable.get() or "",
            "component": monitor["component"],
            "variable": monitor["variable"],
            "variableMonitoringId": monitor["id"],
            "eventNotificationType": "CustomMonitor",
        }
        place = self.evses.get(variable.component.evse or 0)
        if place is not None and place.session.transaction is not None:
            event["transactionId"] = place.session.transaction.id
        return event | ({"cleared": True} if cleared else {})


def number(value: str | None) -> float:
    """Read the value of a numeric variable, 0 when unset."""
    return float(value or 0)
