"""Mutants of SetVariables: the results, what they name, what is taken and what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station import ReferenceStation
from conformance.reference.station.device_model import READ_ONLY

if TYPE_CHECKING:
    from conformance.reference.station.device_model import Variable
    from conformance.reference.station.rpc import Payload

THRESHOLD = "OfflineThreshold"
UNKNOWN = ("UnknownComponent", "UnknownVariable")


# -- the results


class SetAnsweredTwice(ReferenceStation):
    """Gives two results for each variable that is set."""

    breaks = "B05.FR.01"

    def on_set_variables(self, request: Payload) -> Payload:
        """Repeat every result."""
        results = super().on_set_variables(request)["setVariableResult"]
        return {"setVariableResult": [*results, *results]}


class LastSetUnanswered(ReferenceStation):
    """Forgets the last of several variables that are set."""

    breaks = "B05.FR.01"

    def on_set_variables(self, request: Payload) -> Payload:
        """Drop the last result, if there are others."""
        results = super().on_set_variables(request)["setVariableResult"]
        return {"setVariableResult": results[:-1] or results}


class SetNamesAnother(ReferenceStation):
    """Names its own abbreviation of the component in a result."""

    breaks = "B05.FR.02"

    def set_one_variable(self, item: Payload) -> Payload:
        """Rename the component."""
        result = super().set_one_variable(item)
        name = result["component"]["name"].removesuffix("rlr").removesuffix("Component")
        return {**result, "component": {**result["component"], "name": name}}


class SetLeavesInstanceOut(ReferenceStation):
    """Leaves the name of the instance out of the results of what is set."""

    breaks = "B05.FR.02"

    def set_one_variable(self, item: Payload) -> Payload:
        """Drop the instance."""
        result = super().set_one_variable(item)
        return {**result, "variable": {"name": result["variable"]["name"]}}


class SetNamesTheFirst(ReferenceStation):
    """Names the first variable of a request in every result."""

    breaks = "B05.FR.02"

    def on_set_variables(self, request: Payload) -> Payload:
        """Overwrite the names."""
        first, *others = super().on_set_variables(request)["setVariableResult"]
        place = {each: first[each] for each in ("component", "variable")}
        return {"setVariableResult": [first, *({**each, **place} for each in others)]}


class SetWithoutAttributeType(ReferenceStation):
    """Leaves out the attribute type that was named."""

    breaks = "B05.FR.03"

    def set_one_variable(self, item: Payload) -> Payload:
        """Drop the type."""
        result = super().set_one_variable(item)
        if "attributeType" in item:
            del result["attributeType"]
        return result


class SetAlwaysActual(ReferenceStation):
    """Says Actual in a result whatever attribute type was named."""

    breaks = "B05.FR.03"

    def set_one_variable(self, item: Payload) -> Payload:
        """Overwrite the type."""
        return {**super().set_one_variable(item), "attributeType": "Actual"}


class SetWithoutDefaultType(ReferenceStation):
    """Leaves out the attribute type where none was named."""

    breaks = "B05.FR.12"

    def set_one_variable(self, item: Payload) -> Payload:
        """Drop the type."""
        result = super().set_one_variable(item)
        if "attributeType" not in item:
            del result["attributeType"]
        return result


# -- what is set


class SetRefused(ReferenceStation):
    """Sets a threshold, and says that it was Rejected."""

    breaks = "B05.FR.10"

    def set_one_variable(self, item: Payload) -> Payload:
        """Overwrite the status."""
        result = super().set_one_variable(item)
        if result["variable"]["name"] == THRESHOLD and result["attributeStatus"] == "Accepted":
            result["attributeStatus"] = "Rejected"
        return result


class SetForgotten(ReferenceStation):
    """Says that a threshold was set, and leaves it as it was."""

    breaks = "B05.FR.10"

    def keep_variable(self, variable: Variable, value: str) -> None:
        """Keep nothing of it."""
        if variable.name != THRESHOLD:
            super().keep_variable(variable, value)


class AllOrNothing(ReferenceStation):
    """Rejects whatever could be set when something else in the request can't."""

    breaks = "B05.FR.10"

    def on_set_variables(self, request: Payload) -> Payload:
        """Look at all of them first."""
        results = super().on_set_variables(request)["setVariableResult"]
        if any(each["attributeStatus"] != "Accepted" for each in results):
            for each in results:
                if each["attributeStatus"] == "Accepted":
                    each["attributeStatus"] = "Rejected"
        return {"setVariableResult": results}


# -- what can't be set


class _SaysOtherwise(ReferenceStation):
    """Says something else where a variable can't be set."""

    status = ""
    instead = "Rejected"

    def write_attribute(self, item: Payload, attribute_type: str) -> tuple[str, Payload | None]:
        """Overwrite the status."""
        status, reason = super().write_attribute(item, attribute_type)
        return (self.instead if status == self.status else status), reason


class SettingUnknownComponentRejected(_SaysOtherwise):
    """Rejects to set something of a component that it does not have."""

    breaks = "B05.FR.04"
    status = "UnknownComponent"


class SettingUnknownVariableAsComponent(_SaysOtherwise):
    """Takes a variable that it does not have for a component that it does not have, when it is set."""

    breaks = "B05.FR.05"
    status, instead = UNKNOWN[1], UNKNOWN[0]


class SettingUnsupportedTypeRejected(_SaysOtherwise):
    """Rejects to set an attribute type that a variable does not have."""

    breaks = "B05.FR.06"
    status = "NotSupportedAttributeType"


class EveryTypeSetsActual(ReferenceStation):
    """Sets the actual value whatever attribute type is named."""

    breaks = "B05.FR.06"

    def write_attribute(self, item: Payload, attribute_type: str) -> tuple[str, Payload | None]:  # noqa: ARG002
        """Ignore the type."""
        return super().write_attribute(item, "Actual")


class TakesAnyText(ReferenceStation):
    """Takes whatever it is given for a value, and goes on with what it had."""

    breaks = "B05.FR.07"
    also = ("B05.FR.08",)

    def write_attribute(self, item: Payload, attribute_type: str) -> tuple[str, Payload | None]:
        """Accept what is no value."""
        status, reason = super().write_attribute(item, attribute_type)
        malformed = reason is not None and reason.get("reasonCode") == "InvalidValue"
        return ("Accepted", None) if malformed else (status, reason)


class KeepsRejectedNumber(ReferenceStation):
    """Rejects a number that is none, and keeps it all the same."""

    breaks = "B05.FR.07"

    def write_attribute(self, item: Payload, attribute_type: str) -> tuple[str, Payload | None]:
        """Keep a fraction for a whole number."""
        status, reason = super().write_attribute(item, attribute_type)
        found = self.look_up(item)
        value = item["attributeValue"]
        if status == "Rejected" and not isinstance(found, str) and found.type == "integer" and value.endswith(".1"):
            found.value = value.removesuffix(".1")
        return status, reason


class SwitchTakesAnyWord(ReferenceStation):
    """Takes any word for a switch to be off."""

    breaks = "B05.FR.07"

    def write_attribute(self, item: Payload, attribute_type: str) -> tuple[str, Payload | None]:
        """Guess what is meant."""
        found = self.look_up(item)
        if not isinstance(found, str) and found.type == "boolean" and item["attributeValue"] not in ("true", "false"):
            item = {**item, "attributeValue": "false"}
        return super().write_attribute(item, attribute_type)


class ReadOnlyUnknown(ReferenceStation):
    """Denies that it has what can only be read, when it is set."""

    breaks = "B05.FR.09"

    def write_attribute(self, item: Payload, attribute_type: str) -> tuple[str, Payload | None]:
        """Deny it."""
        found = self.look_up(item)
        if not isinstance(found, str) and found.mutability == READ_ONLY:
            return "UnknownVariable", None
        return super().write_attribute(item, attribute_type)


class SetsReadOnly(ReferenceStation):
    """Sets what can only be read."""

    breaks = "B05.FR.09"

    def write_attribute(self, item: Payload, attribute_type: str) -> tuple[str, Payload | None]:
        """Keep the value."""
        found = self.look_up(item)
        if not isinstance(found, str) and found.mutability == READ_ONLY:
            self.keep_variable(found, item["attributeValue"])
            return "Accepted", None
        return super().write_attribute(item, attribute_type)


# -- twice


class SecondSetForgotten(ReferenceStation):
    """Accepts every value of a variable that is set twice, and ends up with another."""

    breaks = "SET.TWICE.01"

    def on_set_variables(self, request: Payload) -> Payload:
        """Put back what was there."""
        names = [(each["component"]["name"], each["variable"]["name"]) for each in request["setVariableData"]]
        found = self.look_up(request["setVariableData"][0])
        before = "" if isinstance(found, str) else found.value
        answer = super().on_set_variables(request)
        if len(set(names)) < len(names) and not isinstance(found, str):
            self.keep_variable(found, before or "")
        return answer


class TwiceSetAnsweredOnce(ReferenceStation):
    """Gives one result for a variable that a request names twice."""

    breaks = "SET.TWICE.01"

    def on_set_variables(self, request: Payload) -> Payload:
        """Drop the results of what was there before."""
        results = super().on_set_variables(request)["setVariableResult"]
        by_name = {(each["component"]["name"], each["variable"]["name"]): each for each in results}
        return {"setVariableResult": [*by_name.values()]}
