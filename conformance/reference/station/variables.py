"""GetVariables and SetVariables (B05, B06)."""

from __future__ import annotations

from conformance.reference.station.connection import Connection
from conformance.reference.station.device_model import (
    ACTUAL,
    READ_ONLY,
    WRITE_ONLY,
    Component,
    UnknownComponentError,
    UnknownVariableError,
    Variable,
)
from conformance.reference.station.rpc import Call, Payload, RpcError

_ITEMS = {"GetVariables": "getVariableData", "SetVariables": "setVariableData", "GetReport": "componentVariable"}


class Variables(Connection):
    """Lets the CSMS read and write the device model."""

    def check_message_limits(self, call: Call) -> None:
        """Refuse more items or bytes than the station said it takes (B06.FR.16/17, B08.FR.17/18)."""
        field = _ITEMS.get(call.action)
        if field is None:
            return
        if len(call.payload.get(field, ())) > self.model.number("DeviceDataCtrlr", "ItemsPerMessage", call.action):
            raise RpcError("OccurrenceConstraintViolation", f"too many items in {field}")
        if call.size > self.model.number("DeviceDataCtrlr", "BytesPerMessage", call.action):
            raise RpcError("FormatViolation", "the message is too long")

    # -- reading

    def on_get_variables(self, request: Payload) -> Payload:
        """Answer GetVariables: one result per item (B06.FR.01)."""
        return {"getVariableResult": [self.get_one_variable(item) for item in request["getVariableData"]]}

    def get_one_variable(self, item: Payload) -> Payload:
        """Return the GetVariableResult of one item, which repeats what was asked for (B06.FR.02/03/11)."""
        attribute_type = item.get("attributeType", ACTUAL)
        status, value = self.read_attribute(item, attribute_type)
        result = {
            "attributeStatus": status,
            "attributeType": attribute_type,
            "component": item["component"],
            "variable": item["variable"],
        }
        return result if value is None else {**result, "attributeValue": value}

    def read_attribute(self, item: Payload, attribute_type: str) -> tuple[str, str | None]:
        """Return the attributeStatus, and the value when it is Accepted (B06.FR.06-10/13)."""
        found = self.look_up(item)
        if isinstance(found, str):
            return found, None
        if attribute_type not in found.attribute_types():
            return "NotSupportedAttributeType", None
        if found.mutability == WRITE_ONLY:
            return "Rejected", None
        return "Accepted", found.get(attribute_type) or ""

    def look_up(self, item: Payload) -> Variable | str:
        """Return the variable that an item addresses, or the status that says why there is none."""
        component, variable = Component.read(item["component"]), item["variable"]
        try:
            return self.model.find(component, variable["name"], variable.get("instance"))
        except UnknownComponentError:
            return "UnknownComponent"
        except UnknownVariableError:
            return "UnknownVariable"

    # -- writing

    def on_set_variables(self, request: Payload) -> Payload:
        """Answer SetVariables: one result per item (B05.FR.01)."""
        return {"setVariableResult": [self.set_one_variable(item) for item in request["setVariableData"]]}

    def set_one_variable(self, item: Payload) -> Payload:
        """Return the SetVariableResult of one item, which repeats what was asked for (B05.FR.02/03/12)."""
        attribute_type = item.get("attributeType", ACTUAL)
        status, reason = self.write_attribute(item, attribute_type)
        result = {
            "attributeStatus": status,
            "attributeType": attribute_type,
            "component": item["component"],
            "variable": item["variable"],
        }
        return {**result, "attributeStatusInfo": reason} if reason else result

    def write_attribute(self, item: Payload, attribute_type: str) -> tuple[str, Payload | None]:
        """Set a value if it may be set; return the attributeStatus, and why it was refused (B05.FR.04-10)."""
        found = self.look_up(item)
        if isinstance(found, str):
            return found, None
        if attribute_type not in found.attribute_types():
            return "NotSupportedAttributeType", None
        if found.mutability == READ_ONLY:
            return "Rejected", {"reasonCode": "ReadOnly"}
        value = item["attributeValue"]
        fault = found.fault_in(value) or self.objection_to(found, value)
        if fault:
            return "Rejected", {"reasonCode": "InvalidValue", "additionalInfo": fault[:512]}
        self.keep_variable(found, value)
        return ("RebootRequired" if found.needs_reboot else "Accepted"), None

    def objection_to(self, variable: Variable, value: str) -> str | None:  # noqa: ARG002
        """Return why a well-formed value can't be used, or None."""
        return None

    def keep_variable(self, variable: Variable, value: str) -> None:
        """Store an accepted value, so that it is there after a reboot too."""
        self.model.store(variable, value)
        self.variable_changed(variable)
