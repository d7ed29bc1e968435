"""Mutants of monitoring: what the CSMS passes on, and what it does with reports and events."""

from __future__ import annotations

from typing import Any

from conformance.reference.csms import ReferenceCsms
from conformance.reference.csms.records import StationRecord
from conformance.reference.csms.rpc import Payload, RpcError
from conformance.reference.mutants_csms.commands import Sulking


class _Of201:
    """Is about OCPP 2.0.1 alone."""

    versions = ("2.0.1",)


class ReportsAllMonitors(_Of201, ReferenceCsms):
    """Asks for all monitors, whichever its operator wants."""

    breaks = "CSMS.MONITORING.01"

    def prepare_get_monitoring_report(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Leave everything out."""
        return super().prepare_get_monitoring_report(station, {"requestId": payload["requestId"]})


class ReportsSomeMonitors(_Of201, ReferenceCsms):
    """Asks for thresholds and changes, where its operator wants all monitors."""

    breaks = "CSMS.MONITORING.01"

    def prepare_get_monitoring_report(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Always name criteria."""
        named: Payload = {"monitoringCriteria": ["DeltaMonitoring", "ThresholdMonitoring"]}
        return super().prepare_get_monitoring_report(station, named | payload)


class SetsAllAsBase(_Of201, ReferenceCsms):
    """Sets the base to all monitors, whichever its operator wants."""

    breaks = "CSMS.MONITORING.02"

    def prepare_set_monitoring_base(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Take all."""
        return [payload | {"monitoringBase": "All"}]


class SetsAnotherSeverity(_Of201, ReferenceCsms):
    """Sets every monitor as one that is for danger to life."""

    breaks = "CSMS.MONITORING.03"

    def prepare_set_variable_monitoring(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Make it severe."""
        return [{"setMonitoringData": [each | {"severity": 0} for each in payload["setMonitoringData"]]}]


class SetsAnotherLevel(_Of201, ReferenceCsms):
    """Wants to be told everything, whichever level its operator wants."""

    breaks = "CSMS.MONITORING.04"

    def prepare_set_monitoring_level(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Take the lowest."""
        return [{"severity": 9}]


class ClearsTheNext(_Of201, ReferenceCsms):
    """Clears monitors that nobody has named."""

    breaks = "CSMS.MONITORING.05"

    def prepare_clear_variable_monitoring(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Count from another number."""
        return super().prepare_clear_variable_monitoring(station, {"id": [each + 10_000 for each in payload["id"]]})


class ClearsTheFirstOnly(_Of201, ReferenceCsms):
    """Told to clear more monitors than the station takes at once, forgets those that are too many."""

    breaks = "CSMS.MONITORING.05"

    def prepare_clear_variable_monitoring(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Send the first request."""
        return super().prepare_clear_variable_monitoring(station, payload)[:1]


class ClearsTooManyAtOnce(_Of201, ReferenceCsms):
    """Clears as many monitors at once as its operator wants."""

    breaks = "N06.FR.04"

    def monitors_per_message(self, station: StationRecord) -> int | None:  # noqa: ARG002
        """Know of no limit."""
        return None


class TakesNoMonitors(_Of201, ReferenceCsms):
    """Answers a report on monitors with an error."""

    breaks = "CSMS.MONITORING.06"

    def on201_notify_monitoring_report(self, station: StationRecord, request: Payload) -> Payload:  # noqa: ARG002
        """Have no place for it."""
        raise RpcError("NotSupported", "no monitors here")


class TakesOnePartOfMonitors(_Of201, ReferenceCsms):
    """Takes the first part of a report on monitors only."""

    breaks = "CSMS.MONITORING.06"

    def on201_notify_monitoring_report(self, station: StationRecord, request: Payload) -> Payload:
        """Look at the number."""
        if request["seqNo"]:
            raise RpcError("GenericError", "was there more?")
        return super().on201_notify_monitoring_report(station, request)


class GivesUpOnMonitors(_Of201, Sulking):
    """Sends no more commands once a station did not want its monitors."""

    breaks = "CSMS.COMMAND.01"

    def learn_set_monitoring_level(self, station: StationRecord, _payload: Payload, answer: Payload) -> None:
        """Take it personally."""
        if answer["status"] == "Rejected":
            self.sulk(station)

    def learn_clear_variable_monitoring(self, station: StationRecord, _payload: Payload, answer: Payload) -> None:
        """Take it personally."""
        if any(each["status"] == "Rejected" for each in answer["clearMonitoringResult"]):
            self.sulk(station)


class _Choosy(_Of201, ReferenceCsms):
    """Answers events with an error where it does not like them."""

    def dislikes(self, event: Payload) -> bool:
        """Tell whether an event is one of those."""
        raise NotImplementedError

    def on201_notify_event(self, station: StationRecord, request: Payload) -> Payload:
        """Look at each."""
        if any(self.dislikes(each) for each in request["eventData"]):
            raise RpcError("PropertyConstraintViolation", "not such an event")
        return super().on201_notify_event(station, request)


class TakesNoPeriodicEvents(_Choosy):
    """Takes alerts and changes only."""

    breaks = "N07.FR.03"

    def dislikes(self, event: Payload) -> bool:
        """Look at the trigger."""
        return bool(event["trigger"] == "Periodic")


class TakesNoClearedEvents(_Choosy):
    """Does not take that something is over."""

    breaks = "N07.FR.03"

    def dislikes(self, event: Payload) -> bool:
        """Look whether it is."""
        return bool(event.get("cleared", False))


class ThanksForEvents(_Of201, ReferenceCsms):
    """Says that it has accepted an event, though there is no field for that."""

    breaks = "N07.FR.03"

    def on201_notify_event(self, station: StationRecord, request: Payload) -> Payload:
        """Say more than there is to say."""
        answer: dict[str, Any] = super().on201_notify_event(station, request)
        return answer | {"status": "Accepted"}
