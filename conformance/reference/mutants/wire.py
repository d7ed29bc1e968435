"""Mutants of the wire: what can be wrong in any version, and what only 2.0.1 has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from conformance.reference import wire_defects
from conformance.reference.station import ReferenceStation
from conformance.reference.station.rpc import RpcError
from conformance.reference.wire_defects import CALL_ERROR, CALL_RESULT, Defect, Spoils

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Call, Payload

globals().update(wire_defects.on(ReferenceStation, __name__))


# -- payloads and times


class StatusOfOldVersion(Spoils, ReferenceStation):
    """Reports a status that only OCPP 1.6 has."""

    breaks = "J.SCHEMA.01"

    def spoil(self, message: list[Any]) -> str:
        """Say Preparing."""
        message[3]["connectorStatus"] = "Preparing"
        return json.dumps(message)


class ResultWithoutStatus(Spoils, ReferenceStation):
    """Leaves a required field out of its results."""

    breaks = "J.SCHEMA.01"
    spoilt = CALL_RESULT

    def spoil(self, message: list[Any]) -> str:
        """Leave the status out of every result of GetVariables."""
        for result in message[2].get("getVariableResult", ()):
            del result["attributeStatus"]
        return json.dumps(message)


class NullForNothing(Spoils, ReferenceStation):
    """Writes null for an optional field that it leaves empty."""

    breaks = "J.FRAME.05"
    spoilt = "SecurityEventNotification"

    def spoil(self, message: list[Any]) -> str:
        """Have no further information."""
        message[3]["techInfo"] = None
        return json.dumps(message)


class EmptyListForNothing(Spoils, ReferenceStation):
    """Writes an empty list for an optional field that it leaves empty."""

    breaks = "J.FRAME.05"
    spoilt = "NotifyReport"

    def spoil(self, message: list[Any]) -> str:
        """Report nothing."""
        message[3]["reportData"] = []
        return json.dumps(message)


class TimeInMicroseconds(Spoils, ReferenceStation):
    """Writes its times with six decimals."""

    breaks = "J.TIME.02"

    def spoil(self, message: list[Any]) -> str:
        """Add three."""
        message[3]["timestamp"] = message[3]["timestamp"].rstrip("Z") + "001Z"
        return json.dumps(message)


# -- additions of vendors


class CustomDataRefused(ReferenceStation):
    """Finds fault with customData."""

    breaks = "J.ANSWER.01"

    def dispatch(self, call: Call) -> Payload:
        """Take it for a mistake."""
        if isinstance(call.payload, dict) and "customData" in call.payload:
            raise RpcError("FormatViolation", "customData is not known")
        return super().dispatch(call)


class HangsUpOnCustomData(Defect, ReferenceStation):
    """Drops the connection over customData."""

    breaks = "J.CONN.01"
    also = ("J.ANSWER.01",)

    def dispatch(self, call: Call) -> Payload:
        """Take offence."""
        if isinstance(call.payload, dict) and "customData" in call.payload:
            self.hang_up()
        return super().dispatch(call)


# -- refusals


class ErrorCodeOfOldVersion(Spoils, ReferenceStation):
    """Spells the error codes as OCPP 1.6 does."""

    breaks = "J.ERROR.01"
    spoilt = CALL_ERROR

    def spoil(self, message: list[Any]) -> str:
        """Lose a letter, or gain two."""
        old = {"OccurrenceConstraintViolation": "OccurenceConstraintViolation", "FormatViolation": "FormationViolation"}
        message[2] = old.get(message[2], message[2])
        return json.dumps(message)


class ErrorDescriptionTooLong(Spoils, ReferenceStation):
    """Describes errors at length."""

    breaks = "J.ERROR.04"
    spoilt = CALL_ERROR

    def spoil(self, message: list[Any]) -> str:
        """Say it in 300 characters."""
        message[3] = message[3].ljust(300, ".")
        return json.dumps(message)


class RepeatsBrokenJson(Spoils, ReferenceStation):
    """Quotes broken JSON as it is, and breaks its own message by it."""

    breaks = "J.ERROR.07"
    spoilt = CALL_ERROR

    def spoil(self, message: list[Any]) -> str:
        """Quote."""
        if message[1] != "-1":
            return json.dumps(message)
        return '[4,"-1","RpcFrameworkError","not JSON: {"coffee": "",{}]'


class UnknownTypeNotImplemented(Spoils, ReferenceStation):
    """Takes an unknown message type for an unknown action."""

    breaks = "J.ERROR.06"
    spoilt = CALL_ERROR

    def spoil(self, message: list[Any]) -> str:
        """Name the wrong thing."""
        message[2] = "NotImplemented" if message[2] == "MessageTypeNotSupported" else message[2]
        return json.dumps(message)
