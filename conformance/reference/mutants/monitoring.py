"""Mutants of the monitors: how they are set, kept, reported and cleared, and what is told of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from conformance.reference.station import ReferenceStation
from conformance.reference.station.monitoring import DELTA, LOWER, PERIODIC, UPPER

if TYPE_CHECKING:
    from conformance.reference.station.device_model import Variable
    from conformance.reference.station.rpc import Payload


# -- N02 reports


class MonitorReportRefused(ReferenceStation):
    """Reports no monitors by their kind."""

    breaks = "N02.FR.01"

    def on_get_monitoring_report(self, request: Payload) -> Payload:
        """Refuse."""
        if request.get("monitoringCriteria"):
            return {"status": "NotSupported"}
        return super().on_get_monitoring_report(request)


class MonitorReportOfOtherRequest(ReferenceStation):
    """Numbers its reports by itself."""

    breaks = "N02.FR.04"

    def monitoring_reports(self, request_id: int, found: list[Payload]) -> list[Payload]:
        """Take another number."""
        return super().monitoring_reports(request_id + 1, found)


class MonitorReportLaterPartsElsewhere(ReferenceStation):
    """Gives the id of the request with the first part of a report only."""

    breaks = "N02.FR.04"

    def monitoring_reports(self, request_id: int, found: list[Payload]) -> list[Payload]:
        """Count on."""
        parts = super().monitoring_reports(request_id, found)
        return [{**part, "requestId": request_id + part["seqNo"]} for part in parts]


class MonitorReportNumberedFromOne(ReferenceStation):
    """Counts the parts of a report from 1."""

    breaks = "N02.FR.09"

    def monitoring_reports(self, request_id: int, found: list[Payload]) -> list[Payload]:
        """Count otherwise."""
        parts = super().monitoring_reports(request_id, found)
        return [{**part, "seqNo": part["seqNo"] + 1} for part in parts]


class MonitorReportUnnumbered(ReferenceStation):
    """Gives every part of a report the same number."""

    breaks = "N02.FR.09"

    def monitoring_reports(self, request_id: int, found: list[Payload]) -> list[Payload]:
        """Do not count."""
        return [{**part, "seqNo": 0} for part in super().monitoring_reports(request_id, found)]


class MonitorKindsIgnored(ReferenceStation):
    """Reports monitors of all kinds, whichever were asked for, unless a variable is named."""

    breaks = "N02.FR.06"

    def monitors_to_report(self, criteria: list[str], wanted: list[Payload]) -> list[Payload]:
        """Forget the kinds."""
        return super().monitors_to_report(criteria if wanted else [], wanted)


class LowerThresholdsUnreported(ReferenceStation):
    """Takes upper thresholds for all there are."""

    breaks = "N02.FR.06"

    def monitors_to_report(self, criteria: list[str], wanted: list[Payload]) -> list[Payload]:
        """Leave out the lower ones."""
        found = super().monitors_to_report(criteria, wanted)
        return [each for each in found if not criteria or each["type"] != LOWER]


class MonitoredVariablesIgnored(ReferenceStation):
    """Reports the monitors on all variables, whichever were asked for, unless a kind is named."""

    breaks = "N02.FR.08"

    def monitors_to_report(self, criteria: list[str], wanted: list[Payload]) -> list[Payload]:
        """Forget the variables."""
        return super().monitors_to_report(criteria, wanted if criteria else [])


class MonitorsOnlyByFullName(ReferenceStation):
    """Reports no monitors where a component is named without a variable."""

    breaks = "N02.FR.08"

    def is_on(self, monitor: Payload, item: Payload) -> bool:
        """Want both."""
        return "variable" in item and super().is_on(monitor, item)


class EitherCriterionWillDo(ReferenceStation):
    """Reports the monitors that fit the kind or the variable."""

    breaks = "N02.FR.05"
    also = ("N02.FR.10",)

    def monitors_to_report(self, criteria: list[str], wanted: list[Payload]) -> list[Payload]:
        """Take either."""
        if not criteria or not wanted:
            return super().monitors_to_report(criteria, wanted)
        either = super().monitors_to_report(criteria, []) + super().monitors_to_report([], wanted)
        return [each for each in self.monitors if each in either]


class KindGoesBeforeVariable(ReferenceStation):
    """Looks at the kind alone where a kind and variables are named."""

    breaks = "N02.FR.05"

    def monitors_to_report(self, criteria: list[str], wanted: list[Payload]) -> list[Payload]:
        """Forget the variables."""
        return super().monitors_to_report(criteria, [] if criteria else wanted)


class EmptyMonitorReportAccepted(ReferenceStation):
    """Accepts to report monitors where there are none, and reports none."""

    breaks = "N02.FR.10"

    def on_get_monitoring_report(self, request: Payload) -> Payload:
        """Send one part without any."""
        answer = super().on_get_monitoring_report(request)
        if answer["status"] != "EmptyResultSet":
            return answer

        async def nothing() -> None:
            head = {"requestId": request["requestId"], "generatedAt": self.clock.stamp(), "seqNo": 0}
            self.send("NotifyMonitoringReport", head, asked=True)

        self.after_answer(nothing)
        return {"status": "Accepted"}


class FirstMonitorsOnly(ReferenceStation):
    """Reports two monitors where it is asked for all."""

    breaks = "N02.FR.11"

    def monitors_to_report(self, criteria: list[str], wanted: list[Payload]) -> list[Payload]:
        """Cut the list."""
        found = super().monitors_to_report(criteria, wanted)
        return found if criteria or wanted else found[:2]


# -- N03 bases


class FactoryMonitorsRefused(ReferenceStation):
    """Knows no base but All."""

    breaks = "N03.FR.01"

    def on_set_monitoring_base(self, request: Payload) -> Payload:
        """Refuse, and do nothing."""
        if request["monitoringBase"] == "FactoryDefault":
            return {"status": "NotSupported"}
        return super().on_set_monitoring_base(request)


class AllMonitorsForgotten(ReferenceStation):
    """Begins anew with every base, with All as well."""

    breaks = "N03.FR.03"

    def on_set_monitoring_base(self, request: Payload) -> Payload:
        """Delete them."""
        self.monitors.clear()
        return super().on_set_monitoring_base(request)


class FactoryKeepsCustomMonitors(ReferenceStation):
    """Keeps what a CSMS has set where it is told to be as from the factory."""

    breaks = "N03.FR.04"

    def on_set_monitoring_base(self, request: Payload) -> Payload:
        """Do nothing."""
        if request["monitoringBase"] == "FactoryDefault":
            return {"status": "Accepted"}
        return super().on_set_monitoring_base(request)


class HardWiredKeepsCustomMonitors(ReferenceStation):
    """Keeps what a CSMS has set where nothing but hard-wired monitors may be left."""

    breaks = "N03.FR.05"

    def on_set_monitoring_base(self, request: Payload) -> Payload:
        """Do nothing."""
        if request["monitoringBase"] == "HardWiredOnly":
            return {"status": "Accepted"}
        return super().on_set_monitoring_base(request)


# -- N04 setting


class OneResultTooMany(ReferenceStation):
    """Tells the last result of a SetVariableMonitoring twice."""

    breaks = "N04.FR.01"

    def on_set_variable_monitoring(self, request: Payload) -> Payload:
        """Repeat it."""
        results = super().on_set_variable_monitoring(request)["setMonitoringResult"]
        return {"setMonitoringResult": [*results, results[-1]]}


class MonitorOnOtherPlace(ReferenceStation):
    """Leaves the EVSE out of the result of a monitor."""

    breaks = "N04.FR.02"

    def set_one_monitor(self, item: Payload) -> Payload:
        """Name the component only."""
        return {**super().set_one_monitor(item), "component": {"name": item["component"]["name"]}}


class UnknownComponentMonitored(ReferenceStation):
    """Accepts monitors on components that it does not have."""

    breaks = "N04.FR.03"

    def objection_to_monitor(self, item: Payload) -> str | None:
        """Not mind."""
        refusal = super().objection_to_monitor(item)
        return None if refusal == "UnknownComponent" else refusal


class UnknownComponentHasId(ReferenceStation):
    """Gives a monitor an id on a component that it does not have."""

    breaks = "N04.FR.03"

    def set_one_monitor(self, item: Payload) -> Payload:
        """Add one."""
        result = super().set_one_monitor(item)
        return {"id": 4711, **result} if result["status"] == "UnknownComponent" else result


class UnknownVariableOfMonitorRejected(ReferenceStation):
    """Rejects a monitor on a variable that it does not have, as it would any other."""

    breaks = "N04.FR.04"

    def objection_to_monitor(self, item: Payload) -> str | None:
        """Say less."""
        refusal = super().objection_to_monitor(item)
        return "Rejected" if refusal == "UnknownVariable" else refusal


class UnlimitedThresholds(ReferenceStation):
    """Accepts a threshold that no value can reach."""

    breaks = "N04.FR.06"

    def value_fits(self, variable: Variable, item: Payload) -> bool:
        """Look at others only."""
        return item["type"] == UPPER or super().value_fits(variable, item)


class NegativeDelta(ReferenceStation):
    """Accepts a change that is less than nothing."""

    breaks = "N04.FR.14"

    def value_fits(self, variable: Variable, item: Payload) -> bool:
        """Look at others only."""
        return item["type"] == DELTA or super().value_fits(variable, item)


class MonitorsPromisedOnly(ReferenceStation):
    """Accepts a change of availability to be watched, and keeps nothing."""

    breaks = "N04.FR.08"

    def on_set_variable_monitoring(self, request: Payload) -> Payload:
        """Forget it."""
        answer = super().on_set_variable_monitoring(request)
        self.monitors.clear()
        return answer


class MonitorsRefused(ReferenceStation):
    """Refuses every monitor."""

    breaks = "N04.FR.08"

    def objection_to_monitor(self, item: Payload) -> str | None:
        """Refuse."""
        return super().objection_to_monitor(item) or "Rejected"


class MonitorWithoutId(ReferenceStation):
    """Keeps the id of a monitor to itself."""

    breaks = "N04.FR.11"

    def set_one_monitor(self, item: Payload) -> Payload:
        """Drop it."""
        return {name: part for name, part in super().set_one_monitor(item).items() if name != "id"}


class DuplicateMonitors(ReferenceStation):
    """Has as many monitors of a kind and severity on a variable as it is asked for."""

    breaks = "N04.FR.10"

    def is_duplicate(self, item: Payload, variable: Variable) -> bool:  # noqa: ARG002
        """Never."""
        return False


class DuplicateMonitorsRejected(ReferenceStation):
    """Does not say why it refuses a second monitor."""

    breaks = "N04.FR.10"

    def objection_to_monitor(self, item: Payload) -> str | None:
        """Say less."""
        refusal = super().objection_to_monitor(item)
        return "Rejected" if refusal == "Duplicate" else refusal


class MonitorsMultiply(ReferenceStation):
    """Sets another monitor where one is to be replaced."""

    breaks = "N04.FR.12"

    def keep_monitor(self, item: Payload) -> int:
        """Take a new id."""
        return super().keep_monitor({name: part for name, part in item.items() if name != "id"})


class MonitorsNotReplaced(ReferenceStation):
    """Accepts to replace a monitor, and leaves it as it was."""

    breaks = "N04.FR.12"

    def keep_monitor(self, item: Payload) -> int:
        """Leave it."""
        return int(item["id"]) if "id" in item else super().keep_monitor(item)


class MonitorIdChosenByCsms(ReferenceStation):
    """Sets a monitor by whatever id it is given."""

    breaks = "N04.FR.13"

    def may_replace(self, item: Payload, variable: Variable) -> bool:
        """Not mind."""
        return self.monitor(item["id"]) is None or super().may_replace(item, variable)


class MonitorsMove(ReferenceStation):
    """Moves a monitor to another variable."""

    breaks = "N04.FR.16"

    def may_replace(self, item: Payload, variable: Variable) -> bool:  # noqa: ARG002
        """Want it to be there only."""
        return self.monitor(item["id"]) is not None


class MonitorsLostByRefusal(ReferenceStation):
    """Refuses to move a monitor, and deletes it."""

    breaks = "N04.FR.16"

    def may_replace(self, item: Payload, variable: Variable) -> bool:
        """Delete it."""
        may = super().may_replace(item, variable)
        if not may and (old := self.monitor(item["id"])) is not None:
            self.monitors.remove(old)
        return may


# -- N05 levels


class LevelWithoutBounds(ReferenceStation):
    """Accepts any level."""

    breaks = "N05.FR.02"

    def on_set_monitoring_level(self, request: Payload) -> Payload:
        """Take what it can."""
        return super().on_set_monitoring_level({"severity": max(0, min(9, request["severity"]))})


class LevelForgotten(ReferenceStation):
    """Accepts a level, and tells everything."""

    breaks = "N05.FR.03"

    def is_told(self, monitor: Payload) -> bool:  # noqa: ARG002
        """Tell it."""
        return True


class LevelReached(ReferenceStation):
    """Tells events of one severity more than the level."""

    breaks = "N05.FR.03"

    def monitoring_level(self) -> int:
        """Add one."""
        return super().monitoring_level() + 1


# -- N06 clearing


class MonitorsStay(ReferenceStation):
    """Accepts to clear a monitor, and keeps it."""

    breaks = "N06.FR.01"

    def clear_one_monitor(self, number: int) -> str:
        """Look only."""
        return "NotFound" if self.monitor(number) is None else "Accepted"


class ClearingRejected(ReferenceStation):
    """Clears a monitor, and says that it can't be."""

    breaks = "N06.FR.01"

    def clear_one_monitor(self, number: int) -> str:
        """Say otherwise."""
        status = super().clear_one_monitor(number)
        return "Rejected" if status == "Accepted" else status


class ClearingToldOnce(ReferenceStation):
    """Clears all monitors that it is told to, and tells of the first."""

    breaks = "N06.FR.05"

    def on_clear_variable_monitoring(self, request: Payload) -> Payload:
        """Cut the results."""
        return {"clearMonitoringResult": super().on_clear_variable_monitoring(request)["clearMonitoringResult"][:1]}


class ClearingNothingAccepted(ReferenceStation):
    """Accepts to clear what is not there."""

    breaks = "N06.FR.02"

    def clear_one_monitor(self, number: int) -> str:
        """Accept it."""
        super().clear_one_monitor(number)
        return "Accepted"


# -- N07, N08 events


class Edited(ReferenceStation):
    """Tells events otherwise than they are."""

    def event(self, monitor: Payload, variable: Variable, trigger: str, *, cleared: bool) -> Payload:
        """Let it be edited."""
        event = super().event(monitor, variable, trigger, cleared=cleared)
        self.edit(event)
        return event

    def edit(self, event: Payload) -> None:
        """Change it."""


class EventsWithoutMonitor(Edited):
    """Does not say which monitor an event comes of."""

    breaks = "N07.FR.06"

    def edit(self, event: Payload) -> None:
        """Leave it out."""
        del event["variableMonitoringId"]


class EventsOfTheStation(Edited):
    """Tells every event as one of the station as such."""

    breaks = "N07.FR.06"

    def edit(self, event: Payload) -> None:
        """Name another component."""
        event["component"] = {"name": "ChargingStation"}


class EventsNumbered(ReferenceStation):
    """Numbers the messages of its events through."""

    breaks = "N07.FR.07"

    def event_message(self, event: Payload) -> Payload:
        """Count on."""
        message = super().event_message(event)
        return {**message, "seqNo": 0 if event["trigger"] == "Periodic" else event["eventId"]}


class PeriodicEventsNumbered(ReferenceStation):
    """Numbers the messages of its periodic events through."""

    breaks = "N08.FR.04"

    def event_message(self, event: Payload) -> Payload:
        """Count on."""
        message = super().event_message(event)
        return {**message, "seqNo": event["eventId"] if event["trigger"] == "Periodic" else 0}


class PeriodicAlerts(Edited):
    """Tells a value at intervals as an alert."""

    breaks = "N08.FR.05"

    def edit(self, event: Payload) -> None:
        """Name another trigger."""
        if event["trigger"] == "Periodic":
            event["trigger"] = "Alerting"


class PeriodicOnce(ReferenceStation):
    """Tells a value after the first interval, and never again."""

    breaks = "N08.FR.06"

    async def tell_at_intervals(self, monitor: Payload) -> None:
        """Stop after one."""
        interval = self.seconds_to_next(monitor)
        with_one = asyncio.timeout(interval * 1.5)
        try:
            async with with_one:
                await super().tell_at_intervals(monitor)
        except TimeoutError:
            return


class PeriodicTooOften(ReferenceStation):
    """Tells a value ten times as often as it is asked to."""

    breaks = "N08.FR.06"

    def seconds_to_next(self, monitor: Payload) -> float:
        """Hurry."""
        seconds = super().seconds_to_next(monitor)
        return seconds / 10 if monitor["type"] == PERIODIC else seconds


class ChangesUntold(ReferenceStation):
    """Tells no change of what is no number."""

    breaks = "N07.FR.19"

    def has_changed(self, monitor: Payload, variable: Variable) -> bool:
        """Look at numbers only."""
        return variable.type in ("integer", "decimal") and super().has_changed(monitor, variable)


class ChangesToldOnce(ReferenceStation):
    """Tells the first change, and no other."""

    breaks = "N07.FR.19"

    def has_changed(self, monitor: Payload, variable: Variable) -> bool:
        """Remember."""
        changed = super().has_changed(monitor, variable) and not monitor.get("over")
        if changed:
            monitor["over"] = True
        return changed


class ChangesAsAlerts(Edited):
    """Tells the change of a value that is no number as an alert."""

    breaks = "N07.FR.19"

    def edit(self, event: Payload) -> None:
        """Name another trigger."""
        if event["trigger"] == "Delta" and event["variable"]["name"] == "AvailabilityState":
            event["trigger"] = "Alerting"


class NumbersUntold(ReferenceStation):
    """Tells no change of a number."""

    breaks = "N07.FR.18"

    def has_changed(self, monitor: Payload, variable: Variable) -> bool:
        """Look at others only."""
        return variable.type not in ("integer", "decimal") and super().has_changed(monitor, variable)


class NumbersAsAlerts(Edited):
    """Tells the change of a number as an alert."""

    breaks = "N07.FR.18"

    def edit(self, event: Payload) -> None:
        """Name another trigger."""
        if event["trigger"] == "Delta" and event["variable"]["name"] == "Power":
            event["trigger"] = "Alerting"


class UpperThresholdSilent(ReferenceStation):
    """Tells of lower thresholds only."""

    breaks = "N07.FR.16"

    def is_beyond(self, monitor: Payload, value: float) -> bool:
        """Overlook the upper ones."""
        return monitor["type"] == LOWER and super().is_beyond(monitor, value)


class UpperThresholdAsDelta(Edited):
    """Tells of an upper threshold as of a change."""

    breaks = "N07.FR.16"

    def edit(self, event: Payload) -> None:
        """Name another trigger."""
        if event["trigger"] == "Alerting" and float(event["actualValue"]) > 0:
            event["trigger"] = "Delta"


class LowerThresholdSilent(ReferenceStation):
    """Tells of upper thresholds only."""

    breaks = "N07.FR.17"

    def is_beyond(self, monitor: Payload, value: float) -> bool:
        """Overlook the lower ones."""
        return monitor["type"] == UPPER and super().is_beyond(monitor, value)


class NeverCleared(ReferenceStation):
    """Does not tell that a threshold is no longer exceeded."""

    breaks = "N07.FR.02"

    def tell_event(self, monitor: Payload, variable: Variable, trigger: str, *, cleared: bool = False) -> None:
        """Keep that to itself."""
        if not cleared:
            super().tell_event(monitor, variable, trigger)


class ClearedUnmarked(Edited):
    """Tells that a threshold is no longer exceeded as if it were."""

    breaks = "N07.FR.02"

    def edit(self, event: Payload) -> None:
        """Leave the mark out."""
        event.pop("cleared", None)


class MonitorsLostByReboot(ReferenceStation):
    """Keeps its monitors till the next boot."""

    breaks = "N07.FR.13"

    def start_up(self) -> None:
        """Forget them."""
        self.monitors.clear()
        super().start_up()


class ThresholdsResetByReboot(ReferenceStation):
    """Has another threshold after a boot."""

    breaks = "N07.FR.13"

    def start_up(self) -> None:
        """Change it."""
        for each in self.monitors:
            each["value"] = 100
        super().start_up()


class NothingKeptOffline(ReferenceStation):
    """Forgets what happens while it is offline."""

    breaks = "N07.FR.04"

    def is_kept_offline(self, monitor: Payload) -> bool:  # noqa: ARG002
        """Never."""
        return False


class KeptOfflineAboveLevel(ReferenceStation):
    """Keeps events that are more severe than what is to be queued, and not those that are as severe."""

    breaks = "N07.FR.04"

    def is_kept_offline(self, monitor: Payload) -> bool:
        """Want more."""
        return super().is_kept_offline({"severity": monitor["severity"] + 1})


class AllKeptOffline(ReferenceStation):
    """Keeps all that happens while it is offline."""

    breaks = "MONITOR.OFFLINE.01"

    def is_kept_offline(self, monitor: Payload) -> bool:  # noqa: ARG002
        """Always."""
        return True


class ThresholdMovedUnseen(ReferenceStation):
    """Looks at a threshold that was moved when the value moves, and not before."""

    breaks = "N07.FR.11"

    async def look(self) -> None:
        """Wait for that."""


class ThresholdForgottenWhenMoved(ReferenceStation):
    """Takes a threshold that is moved for a new one, and does not tell that the old one is cleared."""

    breaks = "N07.FR.11"

    def keep_monitor(self, item: Payload) -> int:
        """Forget that it was exceeded."""
        number = super().keep_monitor(item)
        for each in self.monitors:
            if each["id"] == number:
                each["beyond"] = False
        return number


class ClearedByClearing(ReferenceStation):
    """Tells that a threshold is no longer exceeded when its monitor is removed."""

    breaks = "N07.FR.12"

    def clear_one_monitor(self, number: int) -> str:
        """Tell it."""
        found = self.monitor(number)
        if found is not None and found["beyond"] and (variable := self.variable_of(found)) is not None:
            self.tell_event(found, variable, "Alerting", cleared=True)
        return super().clear_one_monitor(number)
