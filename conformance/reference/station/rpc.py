"""OCPP-J frames and payload validation (Part 4), on the schemas that the `ocpp` package carries."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NoReturn

from jsonschema_rs import Draft4Validator, Draft6Validator

if TYPE_CHECKING:
    from collections.abc import Mapping

Payload = dict[str, Any]
Validator = Draft4Validator | Draft6Validator

CALL, CALL_RESULT, CALL_ERROR = 2, 3, 4
MAX_DESCRIPTION = 255
MAX_MESSAGE_ID = 36
NO_MESSAGE_ID = "-1"

_SCHEMAS = files("ocpp") / "v201" / "schemas"
_ERROR_CODES = {
    "required": "OccurrenceConstraintViolation",
    "minItems": "OccurrenceConstraintViolation",
    "maxItems": "OccurrenceConstraintViolation",
    "type": "TypeConstraintViolation",
    "additionalProperties": "FormatViolation",
}


class RpcError(Exception):
    """An error that goes over the wire as CALLERROR."""

    def __init__(self, code: str, description: str = "", details: Payload | None = None) -> None:
        """Keep `code` (a 2.0.1 error code), a description of at most 255 characters, and details."""
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description[:MAX_DESCRIPTION]
        self.details = details or {}


class ConnectionLostError(Exception):
    """The link went away before the call was answered."""


class NotSentError(Exception):
    """The call was withheld: the registration status forbids it."""


class NoAnswerError(Exception):
    """A call from the other side that gets no answer at all."""


@dataclass(frozen=True)
class Call:
    """A request from the other side, and how many bytes it took on the wire."""

    message_id: str
    action: str
    payload: Any
    size: int


@dataclass(frozen=True)
class Answer:
    """A result (payload) or an error for one of our own calls."""

    message_id: str
    result: Payload | RpcError


class BadFrameError(Exception):
    """A frame that can't be dispatched; `error` is the answer due, None when silence is."""

    def __init__(self, message_id: str, error: RpcError | None) -> None:
        """Keep the id to answer with."""
        super().__init__(str(error))
        self.message_id = message_id
        self.error = error


def decode(raw: str | bytes) -> Call | Answer:
    """Read one WebSocket message; raise BadFrameError for what is neither a call nor an answer."""
    frame = read_json(raw)
    if not isinstance(frame, list) or not frame:
        raise BadFrameError(NO_MESSAGE_ID, RpcError("RpcFrameworkError", "not a non-empty JSON array"))
    kind = frame[0] if type(frame[0]) is int else None
    if kind in (CALL_RESULT, CALL_ERROR):
        return decode_answer(frame)
    message_id = message_id_of(frame)
    if kind != CALL:
        raise BadFrameError(message_id, RpcError("MessageTypeNotSupported", "unknown message type number"))
    if message_id == NO_MESSAGE_ID:
        raise BadFrameError(message_id, RpcError("RpcFrameworkError", "no usable message id"))
    if len(frame) != 4 or not isinstance(frame[2], str):  # noqa: PLR2004
        raise BadFrameError(message_id, RpcError("RpcFrameworkError", "a CALL is [2, id, action, payload]"))
    return Call(message_id, frame[2], frame[3], size_of(raw))


def read_json(raw: str | bytes) -> Any:
    """Return what a WebSocket message holds, None when it is not JSON."""
    try:
        return json.loads(raw, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None


def _no_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which are no JSON."""
    raise ValueError(name)


def size_of(raw: str | bytes) -> int:
    """Return how many bytes a message took on the wire."""
    return len(raw.encode()) if isinstance(raw, str) else len(raw)


def message_id_of(frame: list[Any]) -> str:
    """Return the frame's id, or the placeholder for an id that can't be read."""
    if len(frame) > 1 and isinstance(frame[1], str) and 0 < len(frame[1]) <= MAX_MESSAGE_ID:
        return frame[1]
    return NO_MESSAGE_ID


def decode_answer(frame: list[Any]) -> Answer:
    """Read a CALLRESULT or CALLERROR. A broken one is dropped: answering an answer could go on for ever."""
    message_id = message_id_of(frame)
    if frame[0] == CALL_RESULT and len(frame) == 3 and isinstance(frame[2], dict):  # noqa: PLR2004
        return Answer(message_id, frame[2])
    if frame[0] == CALL_ERROR and len(frame) > 2:  # noqa: PLR2004
        description = str(frame[3]) if len(frame) > 3 else ""  # noqa: PLR2004
        return Answer(message_id, RpcError(str(frame[2]), description))
    raise BadFrameError(message_id, None)


def encode_call(message_id: str, action: str, payload: Payload) -> str:
    """Return a CALL as compact JSON."""
    return json.dumps([CALL, message_id, action, payload], separators=(",", ":"))


def encode_result(message_id: str, payload: Payload) -> str:
    """Return a CALLRESULT as compact JSON."""
    return json.dumps([CALL_RESULT, message_id, payload], separators=(",", ":"))


def encode_error(message_id: str, error: RpcError) -> str:
    """Return a CALLERROR as compact JSON."""
    frame = [CALL_ERROR, message_id, error.code, error.description, error.details]
    return json.dumps(frame, separators=(",", ":"))


@cache
def known_actions() -> frozenset[str]:
    """Return every action of OCPP 2.0.1, whoever may send it."""
    return frozenset(
        entry.name.removesuffix("Request.json") for entry in _SCHEMAS.iterdir() if entry.name.endswith("Request.json")
    )


@cache
def _validator(message: str) -> Draft6Validator:
    """Load the schema of a message ("ResetRequest")."""
    schema = json.loads((_SCHEMAS / f"{message}.json").read_text(encoding="utf-8-sig"))
    return Draft6Validator(schema, validate_formats=True)


def check_payload(message: str, payload: object) -> None:
    """Raise the RpcError that a payload deserves under the schema of `message`."""
    check_against(_validator(message), payload, _ERROR_CODES)


def check_against(validator: Validator, payload: object, codes: Mapping[str, str]) -> None:
    """Raise an RpcError for a payload that breaks a schema; `codes` holds the error codes for keywords of schemas."""
    if not isinstance(payload, dict):
        raise RpcError(codes["additionalProperties"], "the payload is not a JSON object")
    try:
        first = next(iter(validator.iter_errors(payload)), None)
    except ValueError as problem:
        raise RpcError(codes["additionalProperties"], f"unreadable payload: {problem}") from problem
    if first is not None:
        where = "/".join(str(part) for part in first.instance_path) or "payload"
        raise RpcError(codes.get(first.kind.name, "PropertyConstraintViolation"), f"{where}: {first.message}")
