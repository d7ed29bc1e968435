"""GetBaseReport, GetReport and the NotifyReports they lead to (B07, B08)."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from conformance.reference.station.device_model import READ_ONLY, WRITE_ONLY, Component, Variable
from conformance.reference.station.rpc import ConnectionLostError, NotSentError, Payload, RpcError
from conformance.reference.station.variables import Variables

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.reference.station.config import StationConfig

    Filter = Callable[[Variable], bool]

ITEMS_PER_REPORT = 15
SUMMARY = ("AvailabilityState", "Available", "Problem")


class Reports(Variables):
    """Sends the device model, or parts of it, to the CSMS."""

    def __init__(self, config: StationConfig) -> None:
        """Start with no report running."""
        super().__init__(config)
        self._reporting = asyncio.Lock()

    def on_get_base_report(self, request: Payload) -> Payload:
        """Answer GetBaseReport; the report follows (B07.FR.01-03)."""
        variables = self.base_report(request["reportBase"])
        if variables is None:
            return {"status": "NotSupported"}
        if not variables:
            return {"status": "EmptyResultSet"}
        self.after_answer(partial(self.send_report, request["requestId"], variables))
        return {"status": "Accepted"}

    def base_report(self, base: str) -> list[Variable] | None:
        """Return the variables of a base report, None for an unsupported one (B07.FR.07-09)."""
        filters: dict[str, Filter] = {
            "ConfigurationInventory": lambda variable: variable.mutability != READ_ONLY,
            "FullInventory": lambda _: True,
            "SummaryInventory": lambda variable: variable.name in SUMMARY,
        }
        chosen = filters.get(base)
        return None if chosen is None else [variable for variable in self.model if chosen(variable)]

    def on_get_report(self, request: Payload) -> Payload:
        """Answer GetReport; the report follows unless nothing matches (B08.FR.01/15)."""
        variables = self.custom_report(request.get("componentCriteria", []), request.get("componentVariable", []))
        if not variables:
            return {"status": "EmptyResultSet"}
        self.after_answer(partial(self.send_report, request["requestId"], variables))
        return {"status": "Accepted"}

    def custom_report(self, criteria: list[str], wanted: list[Payload]) -> list[Variable]:
        """Return the variables that fit the criteria and the list, either of which may be empty (B08.FR.05/11)."""
        return [
            variable
            for variable in self.model
            if (not criteria or any(self.fits_criterion(variable.component, name) for name in criteria))
            and (not wanted or any(matches(variable, item) for item in wanted))
        ]

    def fits_criterion(self, component: Component, criterion: str) -> bool:
        """Tell whether a component fits Active, Available, Enabled or Problem (B08.FR.07-10)."""
        values = [
            variable.get() for variable in self.model if variable.component == component and variable.name == criterion
        ]
        if criterion == "Problem":
            return "true" in values
        return not values or "true" in values

    async def send_report(self, request_id: int, variables: list[Variable]) -> None:
        """Send the NotifyReports of one request, after those of earlier requests."""
        await self.send_parts(self._reporting, "NotifyReport", self.report_messages(request_id, variables))

    async def send_parts(self, turn: asyncio.Lock, action: str, messages: list[Payload]) -> None:
        """Send the parts of one report when it is its turn; what is refused or unanswered does not stop the rest."""
        async with turn:
            for message in messages:
                try:
                    await self.call(action, message, asked=True)
                except (RpcError, TimeoutError):
                    continue
                except (ConnectionLostError, NotSentError):
                    return

    def report_messages(self, request_id: int, variables: list[Variable]) -> list[Payload]:
        """Return the NotifyReport payloads: numbered from 0, the last one without more to come (B07.FR.04/10)."""
        chunks = self.report_chunks([self.report_entry(variable) for variable in variables])
        generated_at = self.clock.stamp()
        return [
            {
                "requestId": request_id,
                "generatedAt": generated_at,
                "seqNo": number,
                "tbc": number < len(chunks) - 1,
                "reportData": chunk,
            }
            for number, chunk in enumerate(chunks)
        ]

    def report_chunks(self, entries: list[Payload]) -> list[list[Payload]]:
        """Split the entries over messages."""
        return [entries[start : start + ITEMS_PER_REPORT] for start in range(0, len(entries), ITEMS_PER_REPORT)]

    def report_entry(self, variable: Variable) -> Payload:
        """Return the ReportDataType of a variable, with all its attribute types (B07.FR.11)."""
        return {
            "component": variable.component.payload(),
            "variable": variable.variable_payload(),
            "variableAttribute": [
                self.report_attribute(variable, attribute_type) for attribute_type in variable.attribute_types()
            ],
            "variableCharacteristics": variable.characteristics(),
        }

    def report_attribute(self, variable: Variable, attribute_type: str) -> Payload:
        """Return one VariableAttributeType; what is write-only stays secret (B07.FR.03, errata 2025-02)."""
        attribute: Payload = {
            "type": attribute_type,
            "mutability": variable.mutability,
            "persistent": variable.persistent,
            "constant": variable.constant,
        }
        value = variable.get(attribute_type)
        if variable.mutability != WRITE_ONLY and value is not None:
            attribute["value"] = value
        return attribute


def matches(variable: Variable, item: Payload) -> bool:
    """Tell whether a ComponentVariableType covers a variable: what it leaves out matches all (B08.FR.20-25)."""
    asked, here = Component.read(item["component"]).folded(), variable.component.folded()
    if asked.name != here.name or (asked.instance and asked.instance != here.instance):
        return False
    if asked.evse is not None and asked.evse != here.evse:
        return False
    if asked.connector is not None and asked.connector != here.connector:
        return False
    wanted = item.get("variable")
    if wanted is None:
        return True
    instance = (wanted.get("instance") or "").casefold()
    return wanted["name"].casefold() == variable.name.casefold() and (
        not instance or instance == (variable.instance or "").casefold()
    )
