"""OCPP-J 1.6 frames and payload validation, on the schemas that the `ocpp` package carries."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jsonschema_rs import Draft4Validator, Draft6Validator

from conformance.reference.station.rpc import (
    CALL,
    CALL_ERROR,
    CALL_RESULT,
    MAX_MESSAGE_ID,
    Answer,
    BadFrameError,
    Call,
    RpcError,
)

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

_SCHEMAS = files("ocpp") / "v16" / "schemas"
NO_ID = "-1"
_ERROR_CODES = {
    "required": "OccurenceConstraintViolation",
    "minItems": "OccurenceConstraintViolation",
    "maxItems": "OccurenceConstraintViolation",
    "type": "TypeConstraintViolation",
    "additionalProperties": "FormationViolation",
}
SECURITY_ACTIONS = frozenset(
    {
        "CertificateSigned",
        "DeleteCertificate",
        "ExtendedTriggerMessage",
        "GetInstalledCertificateIds",
        "GetLog",
        "InstallCertificate",
        "LogStatusNotification",
        "SecurityEventNotification",
        "SignCertificate",
        "SignedFirmwareStatusNotification",
        "SignedUpdateFirmware",
    }
)


def decode(raw: str | bytes) -> Call | Answer:
    """Read one WebSocket message; raise BadFrameError for what is neither a call nor an answer.

    What is not a frame at all gets no answer, and an unknown message type is to be ignored (OCPP-J 4.1.3). For a CALL
    whose id can't be read, 1.6 names no id to answer with: the one of later versions is taken.
    """
    try:
        frame = json.loads(raw)
    except ValueError as problem:
        raise BadFrameError("", None) from problem
    if not isinstance(frame, list) or not frame or isinstance(frame[0], bool | float):
        raise BadFrameError("", None)
    if frame[0] not in (CALL, CALL_RESULT, CALL_ERROR):
        raise BadFrameError("", None)
    message_id = _message_id(frame)
    if frame[0] != CALL:
        return _decode_answer(frame, message_id or NO_ID)
    if message_id is None:
        raise BadFrameError(NO_ID, RpcError("FormationViolation", "no usable message id"))
    if len(frame) != 4 or not isinstance(frame[2], str):  # noqa: PLR2004
        raise BadFrameError(message_id, RpcError("FormationViolation", "a CALL is [2, id, action, payload]"))
    size = len(raw.encode()) if isinstance(raw, str) else len(raw)
    return Call(message_id, frame[2], frame[3], size)


def _message_id(frame: list[Any]) -> str | None:
    """Return the frame's id, None when it can't be read."""
    if len(frame) > 1 and isinstance(frame[1], str) and 0 < len(frame[1]) <= MAX_MESSAGE_ID:
        return frame[1]
    return None


def _decode_answer(frame: list[Any], message_id: str) -> Answer:
    """Read a CALLRESULT or CALLERROR. A broken one is dropped: answering an answer could go on for ever."""
    if frame[0] == CALL_RESULT and len(frame) == 3 and isinstance(frame[2], dict):  # noqa: PLR2004
        return Answer(message_id, frame[2])
    if frame[0] == CALL_ERROR and len(frame) > 2:  # noqa: PLR2004
        description = str(frame[3]) if len(frame) > 3 else ""  # noqa: PLR2004
        return Answer(message_id, RpcError(str(frame[2]), description))
    raise BadFrameError(message_id, None)


@cache
def known_actions(*, security_extension: bool) -> frozenset[str]:
    """Return every action of OCPP 1.6, whoever may send it, with or without those of the security whitepaper."""
    names = (entry.name.removesuffix(".json") for entry in _SCHEMAS.iterdir() if entry.name.endswith(".json"))
    actions = frozenset(name for name in names if not name.endswith("Response"))
    return actions if security_extension else actions - SECURITY_ACTIONS


@cache
def _validator(message: str) -> Draft4Validator | Draft6Validator:
    """Load the schema of a message: "Reset" for the request, "ResetResponse" for the result."""
    schema = json.loads((_SCHEMAS / f"{message}.json").read_text(encoding="utf-8-sig"))
    kind = Draft6Validator if "draft-06" in schema["$schema"] else Draft4Validator
    return kind(schema, validate_formats=True)


def check_payload(message: str, payload: object) -> None:
    """Raise the RpcError that a payload deserves under the schema of `message`."""
    if not isinstance(payload, dict):
        raise RpcError("FormationViolation", "the payload is not a JSON object")
    first: ValidationError | None = next(iter(_validator(message).iter_errors(payload)), None)
    if first is None:
        return
    code = _ERROR_CODES.get(first.kind.name, "PropertyConstraintViolation")
    where = "/".join(str(part) for part in first.instance_path) or message
    raise RpcError(code, f"{where}: {first.message}")
