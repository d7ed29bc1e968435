"""Mutants of GetVariables: the results, their names, types and values, what is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station import ReferenceStation
from conformance.reference.station.device_model import Component, Variable

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload

THRESHOLD = "OfflineThreshold"


class ReadAnsweredTwice(ReferenceStation):
    """Gives two results for each variable that it is asked for."""

    breaks = "B06.FR.01"

    def on_get_variables(self, request: Payload) -> Payload:
        """Repeat every result."""
        results = super().on_get_variables(request)["getVariableResult"]
        return {"getVariableResult": [*results, *results]}


class LastReadUnanswered(ReferenceStation):
    """Forgets the last of several variables that it is asked for."""

    breaks = "B06.FR.01"

    def on_get_variables(self, request: Payload) -> Payload:
        """Drop the last result, if there are others."""
        results = super().on_get_variables(request)["getVariableResult"]
        return {"getVariableResult": results[:-1] or results}


class ReadNamesAnother(ReferenceStation):
    """Names another variable in a result than it was asked for."""

    breaks = "B06.FR.02"

    def get_one_variable(self, item: Payload) -> Payload:
        """Rename the variable."""
        result = super().get_one_variable(item)
        return {**result, "variable": {**result["variable"], "name": "HeartbeatInterval"}}


class ReadNamesAnotherComponent(ReferenceStation):
    """Names its own abbreviation of the component in a result."""

    breaks = "B06.FR.02"

    def get_one_variable(self, item: Payload) -> Payload:
        """Rename the component."""
        result = super().get_one_variable(item)
        name = result["component"]["name"].removesuffix("rlr")
        return {**result, "component": {**result["component"], "name": name}}


class ReadWithoutAttributeType(ReferenceStation):
    """Leaves out the attribute type that it was asked for."""

    breaks = "B06.FR.03"

    def get_one_variable(self, item: Payload) -> Payload:
        """Drop the type."""
        result = super().get_one_variable(item)
        if "attributeType" in item:
            del result["attributeType"]
        return result


class ReadAlwaysActual(ReferenceStation):
    """Says Actual in a result whatever attribute type it was asked for."""

    breaks = "B06.FR.03"

    def get_one_variable(self, item: Payload) -> Payload:
        """Overwrite the type."""
        return {**super().get_one_variable(item), "attributeType": "Actual"}


class ReadsFactorySetting(ReferenceStation):
    """Reads what a threshold was when it left the factory, not what it was set to."""

    breaks = "B06.FR.04"

    def get_one_variable(self, item: Payload) -> Payload:
        """Overwrite the value."""
        result = super().get_one_variable(item)
        if result["variable"]["name"] == THRESHOLD and result["attributeStatus"] == "Accepted":
            result["attributeValue"] = "60"
        return result


class UnknownComponentRejected(ReferenceStation):
    """Rejects to read from a component that it does not have."""

    breaks = "B06.FR.06"

    def look_up(self, item: Payload) -> Variable | str:
        """Say something else."""
        found = super().look_up(item)
        return "Rejected" if found == "UnknownComponent" else found


class UnknownComponentWithValue(ReferenceStation):
    """Sends a value along with the news that there is no such component."""

    breaks = "B06.FR.06"

    def read_attribute(self, item: Payload, attribute_type: str) -> tuple[str, str | None]:
        """Add a value."""
        status, value = super().read_attribute(item, attribute_type)
        return status, "none" if status == "UnknownComponent" else value


class UnknownVariableAsComponent(ReferenceStation):
    """Takes a variable that it does not have for a component that it does not have."""

    breaks = "B06.FR.07"

    def look_up(self, item: Payload) -> Variable | str:
        """Say something else."""
        found = super().look_up(item)
        return "UnknownComponent" if found == "UnknownVariable" else found


class UnknownVariableWithValue(ReferenceStation):
    """Sends a value along with the news that there is no such variable."""

    breaks = "B06.FR.07"

    def read_attribute(self, item: Payload, attribute_type: str) -> tuple[str, str | None]:
        """Add a value."""
        status, value = super().read_attribute(item, attribute_type)
        return status, "" if status == "UnknownVariable" else value


class EveryTypeIsActual(ReferenceStation):
    """Gives the actual value whatever attribute type it is asked for."""

    breaks = "B06.FR.08"

    def read_attribute(self, item: Payload, attribute_type: str) -> tuple[str, str | None]:  # noqa: ARG002
        """Ignore the type."""
        return super().read_attribute(item, "Actual")


class UnsupportedTypeRejected(ReferenceStation):
    """Rejects to read an attribute type that a variable does not have."""

    breaks = "B06.FR.08"

    def read_attribute(self, item: Payload, attribute_type: str) -> tuple[str, str | None]:
        """Say something else."""
        status, value = super().read_attribute(item, attribute_type)
        return ("Rejected" if status == "NotSupportedAttributeType" else status), value


class PasswordReadable(ReferenceStation):
    """Tells its password to whoever asks."""

    breaks = "B06.FR.09"

    def read_attribute(self, item: Payload, attribute_type: str) -> tuple[str, str | None]:
        """Tell it."""
        if item["variable"]["name"] == "BasicAuthPassword":
            return "Accepted", "correct-horse-battery"
        return super().read_attribute(item, attribute_type)


class WriteOnlyUnknown(ReferenceStation):
    """Denies that it has a password."""

    breaks = "B06.FR.09"

    def read_attribute(self, item: Payload, attribute_type: str) -> tuple[str, str | None]:
        """Deny it."""
        if item["variable"]["name"] == "BasicAuthPassword":
            return "UnknownVariable", None
        return super().read_attribute(item, attribute_type)


class ReadWithoutValue(ReferenceStation):
    """Accepts every read, and gives no value."""

    breaks = "B06.FR.10"

    def get_one_variable(self, item: Payload) -> Payload:
        """Drop the value."""
        result = super().get_one_variable(item)
        result.pop("attributeValue", None)
        return result


class ReadRejected(ReferenceStation):
    """Gives the value of a threshold, and says that it was Rejected."""

    breaks = "B06.FR.10"

    def get_one_variable(self, item: Payload) -> Payload:
        """Overwrite the status."""
        result = super().get_one_variable(item)
        if result["variable"]["name"] == THRESHOLD and result["attributeStatus"] == "Accepted":
            result["attributeStatus"] = "Rejected"
        return result


class ReadWithoutDefaultType(ReferenceStation):
    """Leaves out the attribute type where it was asked for none."""

    breaks = "B06.FR.11"

    def get_one_variable(self, item: Payload) -> Payload:
        """Drop the type."""
        result = super().get_one_variable(item)
        if "attributeType" not in item:
            del result["attributeType"]
        return result


class InstanceLeftOut(ReferenceStation):
    """Leaves the name of the instance out of its results."""

    breaks = "B06.FR.14"

    def get_one_variable(self, item: Payload) -> Payload:
        """Drop the instance."""
        result = super().get_one_variable(item)
        return {**result, "variable": {"name": result["variable"]["name"]}}


class OtherInstanceRead(ReferenceStation):
    """Reads the same instance whichever it is asked for."""

    breaks = "B06.FR.14"

    def look_up(self, item: Payload) -> Variable | str:
        """Look up one and the same."""
        name = item["variable"]["name"]
        if name == "BytesPerMessage" and item["variable"].get("instance"):
            return self.model.find(Component("DeviceDataCtrlr"), name, "GetReport")
        return super().look_up(item)


class InstanceGuessed(ReferenceStation):
    """Picks an instance where none was named and one is needed."""

    breaks = "B06.FR.15"

    def look_up(self, item: Payload) -> Variable | str:
        """Fall back to some instance."""
        found = super().look_up(item)
        if found == "UnknownVariable" and not item["variable"].get("instance"):
            name = item["variable"]["name"].casefold()
            return next((each for each in self.model if each.name.casefold() == name), found)
        return found
