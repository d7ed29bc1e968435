"""OCPP-J 1.6 frames and payload validation, on the schemas that the `ocpp` package carries."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from jsonschema_rs import Draft4Validator, Draft6Validator

from conformance.reference.station.clock import parse_moment
from conformance.reference.station.rpc import (
    CALL,
    CALL_ERROR,
    CALL_RESULT,
    NO_MESSAGE_ID,
    Answer,
    BadFrameError,
    Call,
    RpcError,
    Validator,
    check_against,
    decode_answer,
    message_id_of,
    read_json,
    size_of,
)

_SCHEMAS = files("ocpp") / "v16" / "schemas"
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
    whose id can't be read, 1.6 names no id to answer with: the one of later versions is taken. A payload of null means
    that there is none (4.2.1, 4.2.2).
    """
    frame = read_json(raw)
    kind = frame[0] if isinstance(frame, list) and frame and type(frame[0]) is int else None
    if kind in (CALL, CALL_RESULT) and frame[-1] is None:
        frame[-1] = {}
    if kind in (CALL_RESULT, CALL_ERROR):
        return decode_answer(frame)
    if kind != CALL:
        raise BadFrameError(NO_MESSAGE_ID, None)
    message_id = message_id_of(frame)
    if message_id == NO_MESSAGE_ID:
        raise BadFrameError(message_id, RpcError("FormationViolation", "no usable message id"))
    if len(frame) != 4 or not isinstance(frame[2], str):  # noqa: PLR2004
        raise BadFrameError(message_id, RpcError("FormationViolation", "a CALL is [2, id, action, payload]"))
    return Call(message_id, frame[2], frame[3], size_of(raw))


@cache
def known_actions(*, security_extension: bool) -> frozenset[str]:
    """Return every action of OCPP 1.6, whoever may send it, with or without those of the security whitepaper."""
    names = (entry.name.removesuffix(".json") for entry in _SCHEMAS.iterdir() if entry.name.endswith(".json"))
    actions = frozenset(name for name in names if not name.endswith("Response"))
    return actions if security_extension else actions - SECURITY_ACTIONS


@cache
def _validator(message: str) -> Validator:
    """Load the schema of a message, "Reset" or "ResetResponse"; times may be anything that ISO 8601 allows."""
    schema = json.loads((_SCHEMAS / f"{message}.json").read_text(encoding="utf-8-sig"))
    kind = Draft6Validator if "draft-06" in schema["$schema"] else Draft4Validator
    return kind(schema, validate_formats=True, formats={"date-time": lambda text: parse_moment(text) is not None})


def check_payload(message: str, payload: object) -> None:
    """Raise the RpcError that a payload deserves under the schema of `message`."""
    check_against(_validator(message), payload, _ERROR_CODES)
