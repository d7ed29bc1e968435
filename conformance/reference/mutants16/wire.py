"""Mutants of the wire: what can be wrong in any version, and what only 1.6 has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from conformance.reference import wire_defects
from conformance.reference.station16 import ReferenceStation16
from conformance.reference.wire_defects import CALL_ERROR, CALL_RESULT, Spoils

if TYPE_CHECKING:
    pass

globals().update(wire_defects.on(ReferenceStation16, __name__))


class StatusOfNewVersion(Spoils, ReferenceStation16):
    """Reports a status that only OCPP 2.0.1 has."""

    breaks = "J.SCHEMA.01"

    def spoil(self, message: list[Any]) -> str:
        """Say Occupied."""
        message[3]["status"] = "Occupied"
        return json.dumps(message)


class ResultWithoutReadonly(Spoils, ReferenceStation16):
    """Leaves a required field out of its results."""

    breaks = "J.SCHEMA.01"
    spoilt = CALL_RESULT

    def spoil(self, message: list[Any]) -> str:
        """Do not say which keys can be changed."""
        for key in message[2].get("configurationKey", ()):
            del key["readonly"]
        return json.dumps(message)


class KeysWithAType(Spoils, ReferenceStation16):
    """Adds a field of its own to what it says of each key."""

    breaks = "16J.SCHEMA.02"
    spoilt = CALL_RESULT

    def spoil(self, message: list[Any]) -> str:
        """Say what kind of value each has."""
        for key in message[2].get("configurationKey", ()):
            key["type"] = "string"
        return json.dumps(message)


class NullForNothing(Spoils, ReferenceStation16):
    """Writes null for an optional field that it leaves empty."""

    breaks = "J.FRAME.05"

    def spoil(self, message: list[Any]) -> str:
        """Have no further information."""
        message[3]["info"] = None
        return json.dumps(message)


class ErrorCodeOfNewVersion(Spoils, ReferenceStation16):
    """Refuses with a code that only later versions have."""

    breaks = "J.ERROR.01"
    spoilt = CALL_ERROR

    def spoil(self, message: list[Any]) -> str:
        """Blame the framework."""
        message[2] = "RpcFrameworkError"
        return json.dumps(message)


class ErrorCodeSpeltRight(Spoils, ReferenceStation16):
    """Spells the error codes without the mistakes of OCPP 1.6."""

    breaks = "16J.ERROR.09"
    spoilt = CALL_ERROR

    def spoil(self, message: list[Any]) -> str:
        """Gain a letter, or lose two."""
        new = {"OccurenceConstraintViolation": "OccurrenceConstraintViolation", "FormationViolation": "FormatViolation"}
        message[2] = new.get(message[2], message[2])
        return json.dumps(message)
