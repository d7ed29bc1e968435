"""Mutants of the limits of requests about variables: fewer items, fewer bytes than stated, and odd refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station import ReferenceStation
from conformance.reference.station.rpc import RpcError

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Call, Payload

FIELDS = {"GetVariables": "getVariableData", "SetVariables": "setVariableData", "GetReport": "componentVariable"}


class TakesFewerItems(ReferenceStation):
    """Refuses one item less than it says that it takes."""

    breaks = "LIMIT.ITEMS.01"
    also = ("LIMIT.BYTES.01",)

    def check_message_limits(self, call: Call) -> None:
        """Count one more."""
        super().check_message_limits(call)
        field = FIELDS.get(call.action)
        if field and len(call.payload.get(field, ())) >= self.model.number(
            "DeviceDataCtrlr", "ItemsPerMessage", call.action
        ):
            raise RpcError("OccurrenceConstraintViolation", "too many items")


class AnswersHalf(ReferenceStation):
    """Leaves whatever comes after the tenth item."""

    breaks = "LIMIT.ITEMS.01"
    also = ("LIMIT.BYTES.01", "LIMIT.ITEMS.02", "LIMIT.BYTES.02", "B06.FR.16", "B06.FR.17", "B08.FR.17", "B08.FR.18")

    def dispatch(self, call: Call) -> Payload:
        """Cut the list."""
        field = FIELDS.get(call.action)
        if field and field in call.payload:
            del call.payload[field][10:]
        return super().dispatch(call)


class TakesFewerBytes(ReferenceStation):
    """Refuses requests that have three quarters of the bytes that it says that it takes."""

    breaks = "LIMIT.BYTES.01"

    def check_message_limits(self, call: Call) -> None:
        """Take less."""
        super().check_message_limits(call)
        if call.action in FIELDS and call.size > 0.75 * self.model.number(
            "DeviceDataCtrlr", "BytesPerMessage", call.action
        ):
            raise RpcError("FormatViolation", "the message is too long")


class _OddlyRefused(ReferenceStation):
    """Refuses a request that is beyond a limit, and says something else than that."""

    action = ""
    code = ""

    def check_message_limits(self, call: Call) -> None:
        """Say something else."""
        try:
            super().check_message_limits(call)
        except RpcError as error:
            if (call.action, error.code) == (self.action, self.code):
                raise RpcError("InternalError", "no") from None
            raise


class TooManyReadsAnError(_OddlyRefused):
    """Takes too many variables to be read for an error of its own."""

    breaks = "B06.FR.16"
    action, code = "GetVariables", "OccurrenceConstraintViolation"


class TooLongReadsAnError(_OddlyRefused):
    """Takes too long a request to read variables for an error of its own."""

    breaks = "B06.FR.17"
    action, code = "GetVariables", "FormatViolation"


class TooManySetsAnError(_OddlyRefused):
    """Takes too many variables to be set for an error of its own."""

    breaks = "LIMIT.ITEMS.02"
    action, code = "SetVariables", "OccurrenceConstraintViolation"


class TooLongSetsAnError(_OddlyRefused):
    """Takes too long a request to set variables for an error of its own."""

    breaks = "LIMIT.BYTES.02"
    action, code = "SetVariables", "FormatViolation"


class TooManyReportedAnError(_OddlyRefused):
    """Takes too many variables to be reported for an error of its own."""

    breaks = "B08.FR.17"
    action, code = "GetReport", "OccurrenceConstraintViolation"


class TooLongReportAnError(_OddlyRefused):
    """Takes too long a request for a report for an error of its own."""

    breaks = "B08.FR.18"
    action, code = "GetReport", "FormatViolation"
