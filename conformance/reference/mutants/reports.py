"""Mutants of the base reports: whether they come, how they are cut up, what is in them."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from conformance.reference.mutants.control import Plain
from conformance.reference.station import ReferenceStation
from conformance.reference.station.device_model import READ_ONLY, Component

if TYPE_CHECKING:
    from conformance.reference.station.device_model import DeviceModel, Variable
    from conformance.reference.station.rpc import Payload

OF_ATTRIBUTE = ("value", "mutability", "persistent")


class Altered(ReferenceStation):
    """Reports one variable, named by its path, otherwise than it is: a field becomes something else, or goes."""

    target = ""
    field = ""
    becomes: object = None

    def report_entry(self, variable: Variable) -> Payload:
        """Let the one variable be altered."""
        entry = super().report_entry(variable)
        if variable.path == self.target:
            self.alter(entry)
        return entry

    def alter(self, entry: Payload) -> None:
        """Change the field of the entry, of its Actual attribute or of its characteristics."""
        holder: Payload = entry["variableCharacteristics"]
        if self.field in OF_ATTRIBUTE:
            holder = entry["variableAttribute"][0]
        elif self.field in entry:
            holder = entry
        if self.becomes is None:
            del holder[self.field]
        else:
            holder[self.field] = self.becomes


class Lacking(ReferenceStation):
    """Leaves some variables out of some base reports."""

    targets: tuple[str, ...] = ()
    bases: tuple[str, ...] = ("FullInventory",)

    def base_report(self, base: str) -> list[Variable] | None:
        """Leave them out."""
        variables = super().base_report(base)
        if variables is None or base not in self.bases:
            return variables
        return [each for each in variables if each.path not in self.targets]


# -- whether they come


class BaseReportsEmpty(ReferenceStation):
    """Says of every base report that it would be empty."""

    breaks = "B07.FR.01"

    def on_get_base_report(self, request: Payload) -> Payload:  # noqa: ARG002
        """Report nothing."""
        return {"status": "EmptyResultSet"}


class OnlySummaryReports(ReferenceStation):
    """Makes no base report but the summary."""

    breaks = "B07.FR.12"

    def base_report(self, base: str) -> list[Variable] | None:
        """Lack the others."""
        return super().base_report(base) if base == "SummaryInventory" else None


class ReportsNeverSent(ReferenceStation):
    """Accepts to report, and does not."""

    breaks = "B07.FR.03"

    async def send_report(self, request_id: int, variables: list[Variable]) -> None:
        """Send nothing."""


class ReportTellsPassword(Altered):
    """Tells its password in reports."""

    breaks = "B07.FR.03"
    target = "SecurityCtrlr.BasicAuthPassword"
    field, becomes = "value", "correct-horse-battery"


class ReportWithOtherId(ReferenceStation):
    """Counts its reports itself, instead of taking the ids that they were asked for with."""

    breaks = "B07.FR.04"

    def report_messages(self, request_id: int, variables: list[Variable]) -> list[Payload]:  # noqa: ARG002
        """Give it an id of its own."""
        return super().report_messages(1, variables)


class ReportLosesId(ReferenceStation):
    """Puts the id that was asked for into the first part of a report only."""

    breaks = "B07.FR.04"

    def report_messages(self, request_id: int, variables: list[Variable]) -> list[Payload]:
        """Give the other parts no proper id."""
        first, *others = super().report_messages(request_id, variables)
        return [first, *({**each, "requestId": 0} for each in others)]


class SummaryEmptyByPlain(Plain):
    """Says of a summary that it does not make that it would be empty."""

    breaks = "B07.FR.02"

    def on_get_base_report(self, request: Payload) -> Payload:
        """Say so."""
        answer = super().on_get_base_report(request)
        return {"status": "EmptyResultSet"} if answer["status"] == "NotSupported" else answer


class SummaryOfAllByPlain(Plain):
    """Reports everything where it was asked for a summary that it does not make."""

    breaks = "B07.FR.02"

    def base_report(self, base: str) -> list[Variable] | None:
        """Report everything."""
        return super().base_report(base) or super().base_report("FullInventory")


class RefusedAndReportedByPlain(Plain):
    """Refuses to make a summary, and sends a report nevertheless."""

    breaks = "B07.FR.05"

    def on_get_base_report(self, request: Payload) -> Payload:
        """Send something."""
        answer = super().on_get_base_report(request)
        if answer["status"] == "NotSupported":
            variables = super().base_report("ConfigurationInventory") or []
            self.after_answer(partial(self.send_report, request["requestId"], variables))
        return answer


class SummaryWithoutEvses(ReferenceStation):
    """Leaves the EVSEs out of the summary."""

    breaks = "B07.FR.09"

    def base_report(self, base: str) -> list[Variable] | None:
        """Leave them out."""
        variables = super().base_report(base) or []
        return [each for each in variables if base != "SummaryInventory" or each.component.name != "EVSE"]


class SummaryWithoutStation(ReferenceStation):
    """Leaves the station itself out of the summary."""

    breaks = "B07.FR.09"

    def base_report(self, base: str) -> list[Variable] | None:
        """Leave it out."""
        variables = super().base_report(base) or []
        return [each for each in variables if base != "SummaryInventory" or each.component.name != "ChargingStation"]


# -- how they are cut up


class ReportNumberedFromOne(ReferenceStation):
    """Numbers the parts of a report from 1."""

    breaks = "B07.FR.10"

    def report_messages(self, request_id: int, variables: list[Variable]) -> list[Payload]:
        """Add one."""
        return [{**each, "seqNo": each["seqNo"] + 1} for each in super().report_messages(request_id, variables)]


class ReportNumbersSkip(ReferenceStation):
    """Leaves out every other number between the parts of a report."""

    breaks = "B07.FR.10"

    def report_messages(self, request_id: int, variables: list[Variable]) -> list[Payload]:
        """Double the numbers."""
        return [{**each, "seqNo": each["seqNo"] * 2} for each in super().report_messages(request_id, variables)]


class EveryPartTheLast(ReferenceStation):
    """Says of every part of a report that nothing follows."""

    breaks = "DM.REPORT.01"

    def report_messages(self, request_id: int, variables: list[Variable]) -> list[Payload]:
        """Leave `tbc` out."""
        messages = super().report_messages(request_id, variables)
        return [{key: value for key, value in each.items() if key != "tbc"} for each in messages]


class NoPartTheLast(ReferenceStation):
    """Says of every part of a report that more follows."""

    breaks = "DM.REPORT.01"

    def report_messages(self, request_id: int, variables: list[Variable]) -> list[Payload]:
        """Set `tbc` throughout."""
        return [{**each, "tbc": True} for each in super().report_messages(request_id, variables)]


class ReportBeforeAnswer(ReferenceStation):
    """Sends a report before it has answered the request for it."""

    breaks = "J.ORDER.01"

    async def _reply(self, frame: str) -> None:
        """Let what should follow go first."""
        if self._follow_ups:
            self._run_follow_ups()
            self.tasks.start(self._reply_late(frame))
        else:
            await super()._reply(frame)

    async def _reply_late(self, frame: str) -> None:
        """Answer after a while."""
        await asyncio.sleep(0.2)
        await super()._reply(frame)


# -- what is in them


class ConfigurationLacksThreshold(Lacking):
    """Leaves a variable that can be set out of the configuration inventory."""

    breaks = "B07.FR.07"
    targets = ("OCPPCommCtrlr.OfflineThreshold",)
    bases = ("ConfigurationInventory",)


class ConfigurationWithoutCharacteristics(Altered):
    """Reports without characteristics what can be set."""

    breaks = "B07.FR.07"
    target = "TxCtrlr.StopTxOnInvalidId"
    field = "variableCharacteristics"


class ConfigurationLacksOptional(Lacking):
    """Leaves a variable that can be set, and that nobody requires, out of the configuration inventory."""

    breaks = "B07.FR.07"
    targets = ("AuthCtrlr.OfflineTxForUnknownIdEnabled",)
    bases = ("ConfigurationInventory",)


class ConfigurationWithFixed(ReferenceStation):
    """Puts a variable that can't be set into the configuration inventory."""

    breaks = "DM.CONFIG.01"

    def base_report(self, base: str) -> list[Variable] | None:
        """Add one."""
        variables = super().base_report(base)
        if variables and base == "ConfigurationInventory":
            return [*variables, next(each for each in self.model if each.mutability == READ_ONLY)]
        return variables


class FullLacksTimeout(Lacking):
    """Leaves a variable that every station must have out of the full inventory."""

    breaks = "B07.FR.08"
    targets = ("TxCtrlr.EVConnectionTimeOut",)


class FullWithoutCharacteristics(Altered):
    """Reports a variable without its characteristics."""

    breaks = "B07.FR.08"
    target = "OCPPCommCtrlr.QueueAllMessages"
    field = "variableCharacteristics"


class FullLacksOptional(Lacking):
    """Leaves a variable out of the full inventory that is in the configuration inventory."""

    breaks = "B07.FR.08"
    targets = ("OCPPCommCtrlr.HeartbeatInterval",)


class UnsetAttributesUnreported(ReferenceStation):
    """Leaves an attribute type that it has out of its reports."""

    breaks = "B07.FR.11"

    def build_model(self) -> DeviceModel:
        """Have a target for the power."""
        model = super().build_model()
        model.find(Component("EVSE", evse=1), "Power").slots = {"Target": None}
        return model

    def report_entry(self, variable: Variable) -> Payload:
        """Report the actual value only."""
        entry = super().report_entry(variable)
        return {**entry, "variableAttribute": entry["variableAttribute"][:1]}


class LacksMessageLimit(Lacking):
    """Has no limit for what a request to read may hold."""

    breaks = "DM.REQUIRED.01"
    targets = ("DeviceDataCtrlr.BytesPerMessage[GetVariables]",)


class LacksEvsePhases(Lacking):
    """Does not say of one EVSE how many phases it has."""

    breaks = "DM.REQUIRED.02"
    targets = ("EVSE@2.SupplyPhases",)


class LacksConnectorType(Lacking):
    """Does not say of one connector what type it is."""

    breaks = "DM.REQUIRED.03"
    targets = ("Connector@1.2.ConnectorType",)


class ThresholdIsText(Altered):
    """Says that a number is a text."""

    breaks = "DM.TYPE.01"
    target = "OCPPCommCtrlr.OfflineThreshold"
    field, becomes = "dataType", "string"


class ThresholdIsFixed(Altered):
    """Says that a variable can't be written that should be writable."""

    breaks = "DM.MUTABILITY.01"
    target = "OCPPCommCtrlr.OfflineThreshold"
    field, becomes = "mutability", "ReadOnly"


class PowerWithoutLimit(Altered):
    """Does not say how much power an EVSE can deliver."""

    breaks = "DM.LIMIT.01"
    target = "EVSE@1.Power"
    field = "maxLimit"


class ListWithoutValues(Altered):
    """Does not say what a list can hold."""

    breaks = "DM.VALUESLIST.01"
    target = "TxCtrlr.TxStartPoint"
    field = "valuesList"


class ListWithEmptyValues(Altered):
    """Says that a list can hold nothing."""

    breaks = "DM.VALUESLIST.01"
    target = "SampledDataCtrlr.TxUpdatedMeasurands"
    field, becomes = "valuesList", ""


class ValueOutsideItsList(Altered):
    """Reports a value that is not in its own list of values."""

    breaks = "DM.VALUE.01"
    target = "OCPPCommCtrlr.FileTransferProtocols"
    field, becomes = "value", "HTTPS,SFTP"


class NumberInWords(Altered):
    """Reports a number in words."""

    breaks = "DM.VALUE.01"
    target = "OCPPCommCtrlr.ResetRetries"
    field, becomes = "value", "one"


class ValueLeftOut(Altered):
    """Reports a variable without its value."""

    breaks = "DM.VALUE.02"
    target = "DeviceDataCtrlr.ItemsPerMessage[GetReport]"
    field = "value"


class InventoryTellsPassword(Altered):
    """Tells its password in the inventory."""

    breaks = "DM.WRITEONLY.01"
    target = "SecurityCtrlr.BasicAuthPassword"
    field, becomes = "value", "correct-horse-battery"
