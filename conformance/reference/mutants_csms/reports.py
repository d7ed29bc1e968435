"""Mutants of reports: which is asked for, what is taken of it, and what comes after one that came to nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from conformance.reference.csms import ReferenceCsms
from conformance.reference.csms.base import Link
from conformance.reference.csms.records import Command, StationRecord
from conformance.reference.csms.rpc import Payload, RpcError
from conformance.reference.mutants_csms.commands import Sulking

# -- which ------------------------------------------------------------------------------------------------------------


class _AsksForAnother(ReferenceCsms):
    """Asks for other base reports than are wanted."""

    instead: ClassVar[Mapping[str, str]] = {}

    def prepare_get_base_report(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Name another."""
        base = payload.get("reportBase")
        wanted = {"reportBase": self.instead.get(base, base)} if base else {}
        return super().prepare_get_base_report(station, payload | wanted)


class AsksForAllInstead(_AsksForAnother):
    """Asks for the full inventory where that of what can be configured is wanted."""

    breaks = "CSMS.BASEREPORT.01"
    versions = ("2.0.1",)
    instead: ClassVar[Mapping[str, str]] = {"ConfigurationInventory": "FullInventory"}


class AsksForLessInstead(_AsksForAnother):
    """Asks for what can be configured where the full inventory is wanted."""

    breaks = "CSMS.BASEREPORT.01"
    also = ("B07.FR.14",)
    versions = ("2.0.1",)
    instead: ClassVar[Mapping[str, str]] = {"FullInventory": "ConfigurationInventory"}


class AsksForNoSummary(_AsksForAnother):
    """Asks for the full inventory where a summary is wanted."""

    breaks = "CSMS.BASEREPORT.02"
    versions = ("2.0.1",)
    instead: ClassVar[Mapping[str, str]] = {"SummaryInventory": "FullInventory"}


class DropsTheCriteria(ReferenceCsms):
    """Asks for a custom report without its criteria."""

    breaks = "CSMS.REPORT.01"
    versions = ("2.0.1",)

    def prepare_get_report(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Leave them out."""
        wanted = {name: value for name, value in payload.items() if name != "componentCriteria"}
        return super().prepare_get_report(station, wanted)


class DropsThePlace(ReferenceCsms):
    """Asks for a custom report on every EVSE where one is meant."""

    breaks = "CSMS.REPORT.01"
    versions = ("2.0.1",)

    def prepare_get_report(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Leave out where."""
        places = [
            place | {"component": {"name": place["component"]["name"]}}
            for place in payload.get("componentVariable", [])
        ]
        return super().prepare_get_report(station, payload | {"componentVariable": places})


class DropsTheVariable(ReferenceCsms):
    """Asks for a custom report on all of a component where one variable of it is meant."""

    breaks = "CSMS.REPORT.01"
    versions = ("2.0.1",)

    def prepare_get_report(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Leave out what."""
        places = [{"component": place["component"]} for place in payload.get("componentVariable", [])]
        return super().prepare_get_report(station, payload | {"componentVariable": places})


class AsksForMoreBeside(ReferenceCsms):
    """Asks for the station's state beside what is wanted in a custom report."""

    breaks = "CSMS.REPORT.01"
    versions = ("2.0.1",)

    def prepare_get_report(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Add it."""
        more = {"component": {"name": "ChargingStation"}, "variable": {"name": "AvailabilityState"}}
        places = [*payload.get("componentVariable", []), more]
        return super().prepare_get_report(station, payload | {"componentVariable": places})


# -- what is taken ----------------------------------------------------------------------------------------------------


class RefusesReports(ReferenceCsms):
    """Takes no part of a report."""

    breaks = "J.ANSWER.01"
    versions = ("2.0.1",)

    def on201_notify_report(self, station: StationRecord, request: Payload) -> Payload:  # noqa: ARG002
        """Fail."""
        raise RpcError("InternalError", "there is no room for reports")


class CountsOnAttributeValues(ReferenceCsms):
    """Takes no part of a report in which an attribute has no value."""

    breaks = "J.ANSWER.01"
    versions = ("2.0.1",)

    def note_variable(self, station: StationRecord, entry: Payload) -> None:
        """Stumble over what is not there."""
        if not all("value" in attribute for attribute in entry["variableAttribute"]):
            raise RpcError("InternalError", "an attribute has no value")
        super().note_variable(station, entry)


class CountsOnCharacteristics(ReferenceCsms):
    """Takes no part of a report in which a variable has no characteristics."""

    breaks = "J.ANSWER.01"
    versions = ("2.0.1",)

    def note_variable(self, station: StationRecord, entry: Payload) -> None:
        """Stumble over what is not there."""
        if "variableCharacteristics" not in entry:
            raise RpcError("InternalError", "a variable has no characteristics")
        super().note_variable(station, entry)


class CountsOnData(ReferenceCsms):
    """Takes no part of a report that has no data."""

    breaks = "J.ANSWER.01"
    versions = ("2.0.1",)

    def on201_notify_report(self, station: StationRecord, request: Payload) -> Payload:
        """Stumble over what is not there."""
        if "reportData" not in request:
            raise RpcError("OccurrenceConstraintViolation", "a part of a report has no data")
        return super().on201_notify_report(station, request)


class TakesShortValuesOnly(ReferenceCsms):
    """Takes no part of a report in which a value has more than 1000 characters."""

    breaks = "J.ANSWER.01"
    versions = ("2.0.1",)

    def note_variable(self, station: StationRecord, entry: Payload) -> None:
        """Have no room for it."""
        if any(len(attribute.get("value", "")) > 1000 for attribute in entry["variableAttribute"]):  # noqa: PLR2004
            raise RpcError("PropertyConstraintViolation", "a value is too long")
        super().note_variable(station, entry)


class TakesFewPartsOnly(ReferenceCsms):
    """Takes no more than 20 parts of a report."""

    breaks = "J.ANSWER.01"
    versions = ("2.0.1",)

    def on201_notify_report(self, station: StationRecord, request: Payload) -> Payload:
        """Have no room for more."""
        if request["seqNo"] >= 20:  # noqa: PLR2004
            raise RpcError("InternalError", "the report is too long")
        return super().on201_notify_report(station, request)


class TakesTheNewestReportOnly(ReferenceCsms):
    """Takes no part of a report once another was asked for."""

    breaks = "J.ANSWER.01"
    versions = ("2.0.1",)

    newest: int | None = None

    def expect_from(self, station: StationRecord, action: str, payload: Payload) -> None:
        """Forget those before."""
        super().expect_from(station, action, payload)
        self.newest = payload["requestId"] if action in ("GetBaseReport", "GetReport") else self.newest

    def on201_notify_report(self, station: StationRecord, request: Payload) -> Payload:
        """Know of no other."""
        if request["requestId"] != self.newest:
            raise RpcError("InternalError", "nobody has asked for this report")
        return super().on201_notify_report(station, request)


# -- reports that come to nothing -------------------------------------------------------------------------------------


class GivesUpAfterARefusedReport(Sulking):
    """Sends no more commands once a base report was not accepted."""

    breaks = "CSMS.REPORT.02"
    versions = ("2.0.1",)

    def learn_get_base_report(self, station: StationRecord, payload: Payload, answer: Payload) -> None:
        """Take it amiss."""
        super().learn_get_base_report(station, payload, answer)
        if answer["status"] != "Accepted":
            self.sulk(station)


class GivesUpAfterAnEmptyReport(Sulking):
    """Sends no more commands once a report had nothing to tell, for it waits for that."""

    breaks = "CSMS.REPORT.02"
    versions = ("2.0.1",)

    def learn_get_base_report(self, station: StationRecord, payload: Payload, answer: Payload) -> None:
        """Wait."""
        super().learn_get_base_report(station, payload, answer)
        if answer["status"] == "EmptyResultSet":
            self.sulk(station)


class GivesUpAfterAFailedReport(Sulking):
    """Sends no more commands once a request for a report was answered with a CALLERROR."""

    breaks = "CSMS.REPORT.02"
    also = ("CSMS.COMMAND.01",)
    versions = ("2.0.1",)

    async def carry_out(self, link: Link, command: Command) -> None:
        """Take it amiss."""
        await super().carry_out(link, command)
        if command.state == "error" and command.action == "GetBaseReport":
            self.sulk(link.station)


class WaitsForTheEndOfAReport(ReferenceCsms):
    """Asks for no report while another has not come to its end."""

    breaks = "CSMS.REPORT.02"
    versions = ("2.0.1",)

    def may_send(self, station: StationRecord, command: Command) -> bool:
        """Wait for the last part."""
        waiting = command.action == "GetBaseReport" and bool(station.awaited_reports)
        return not waiting and super().may_send(station, command)


class WaitsForAReportOverABoot(ReferenceCsms):
    """Asks for no report while another has not come to its end, be it that the station has booted since."""

    breaks = "CSMS.REPORT.02"
    versions = ("2.0.1",)

    def may_send(self, station: StationRecord, command: Command) -> bool:
        """Wait for the last part."""
        waiting = command.action == "GetBaseReport" and any(not each.complete for each in station.reports.values())
        return not waiting and super().may_send(station, command)


class NumbersNoReports(ReferenceCsms):
    """Gives all its requests for reports the same number."""

    breaks = "CSMS.REQUESTID.01"
    versions = ("2.0.1",)

    def prepare_get_base_report(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Take the first that comes to mind."""
        return [payload | {"requestId": 1}]


class NeverAsksNewStations(ReferenceCsms):
    """Wants to know nothing of a station that it has never seen."""

    breaks = "B07.FR.14"
    versions = ("2.0.1",)

    def is_new_station(self, station: StationRecord) -> bool:  # noqa: ARG002
        """Think that all are alike."""
        return False
