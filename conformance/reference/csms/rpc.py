"""OCPP-J frames of 1.6 and 2.0.1, and the schemas that the `ocpp` package carries for them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, NoReturn

from jsonschema_rs import Draft4Validator, Draft6Validator

Payload = dict[str, Any]

CALL, CALL_RESULT, CALL_ERROR = 2, 3, 4
CALL_LENGTH, RESULT_LENGTH, ERROR_LENGTH = 4, 3, 5
MAX_DESCRIPTION = 255
MAX_MESSAGE_ID = 36
NO_MESSAGE_ID = "-1"

_KEYWORD_CODES = {
    "additionalProperties": "FormatViolation",
    "maxItems": "OccurrenceConstraintViolation",
    "minItems": "OccurrenceConstraintViolation",
    "required": "OccurrenceConstraintViolation",
    "type": "TypeConstraintViolation",
}


@dataclass(frozen=True)
class Dialect:
    """What differs between two versions of OCPP-J.

    `spellings` turns the error codes of 2.0.1, which the code uses throughout, into those of this version.
    """

    version: str
    subprotocol: str
    folder: str
    request_suffix: str
    ignores_unknown_types: bool
    null_payload: bool
    spellings: tuple[tuple[str, str], ...] = ()

    def spell(self, code: str) -> str:
        """Return an error code as this version writes it."""
        return dict(self.spellings).get(code, code)


V201 = Dialect("2.0.1", "ocpp2.0.1", "v201", "Request", ignores_unknown_types=False, null_payload=False)
V16 = Dialect(
    "1.6",
    "ocpp1.6",
    "v16",
    "",
    ignores_unknown_types=True,
    null_payload=True,
    spellings=(
        ("FormatViolation", "FormationViolation"),
        ("OccurrenceConstraintViolation", "OccurenceConstraintViolation"),
        ("RpcFrameworkError", "FormationViolation"),
        ("MessageTypeNotSupported", "GenericError"),
    ),
)
DIALECTS = {dialect.subprotocol: dialect for dialect in (V201, V16)}


class RpcError(Exception):
    """An error that goes over the wire as CALLERROR, or came as one."""

    def __init__(self, code: str, description: str = "", details: Payload | None = None) -> None:
        """Keep an error code in the spelling of 2.0.1, a description of at most 255 characters, and details."""
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description[:MAX_DESCRIPTION]
        self.details = details or {}


class ConnectionLostError(Exception):
    """The link went away before the call was answered."""


@dataclass(frozen=True)
class Call:
    """A request of the station."""

    message_id: str
    action: str
    payload: Any


@dataclass(frozen=True)
class Answer:
    """What came back for a call of ours: a payload, or the station's error."""

    message_id: str
    result: Payload | RpcError


class BadFrameError(Exception):
    """A frame that leads nowhere; `error` is the answer due, None where silence is."""

    def __init__(self, message_id: str, error: RpcError | None) -> None:
        """Keep the id to answer with."""
        super().__init__(str(error))
        self.message_id = message_id
        self.error = error


def decode(dialect: Dialect, raw: str | bytes) -> Call | Answer:
    """Read one WebSocket message; raise BadFrameError for what is neither a call nor an answer."""
    try:
        frame = json.loads(raw, parse_constant=_no_constant)
    except (ValueError, RecursionError) as problem:
        raise BadFrameError(NO_MESSAGE_ID, RpcError("RpcFrameworkError", "not JSON")) from problem
    if not isinstance(frame, list) or not frame:
        raise BadFrameError(NO_MESSAGE_ID, RpcError("RpcFrameworkError", "not a JSON array with something in it"))
    kind = frame[0] if type(frame[0]) is int else None
    if kind in (CALL_RESULT, CALL_ERROR):
        return _read_answer(dialect, frame)
    if kind == CALL:
        return _read_call(dialect, frame)
    if dialect.ignores_unknown_types:
        raise BadFrameError(_read_id(frame), None)
    raise BadFrameError(_read_id(frame), RpcError("MessageTypeNotSupported", "expected message type 2, 3 or 4"))


def _no_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which are no JSON."""
    raise ValueError(name)


def _read_id(frame: list[Any]) -> str:
    """Return the message id, or "-1" in place of one that can't be used (Part 4, 4.2.3)."""
    message_id = frame[1] if len(frame) > 1 else None
    usable = isinstance(message_id, str) and 0 < len(message_id) <= MAX_MESSAGE_ID
    return str(message_id) if usable else NO_MESSAGE_ID


def _read_call(dialect: Dialect, frame: list[Any]) -> Call:
    """Read a CALL."""
    message_id = _read_id(frame)
    if message_id == NO_MESSAGE_ID:
        raise BadFrameError(message_id, RpcError("RpcFrameworkError", "the message id is no string of 1 to 36"))
    if len(frame) != CALL_LENGTH or not isinstance(frame[2], str):
        raise BadFrameError(message_id, RpcError("RpcFrameworkError", "expected [2, id, action, payload]"))
    return Call(message_id, frame[2], _or_empty(dialect, frame[3]))


def _read_answer(dialect: Dialect, frame: list[Any]) -> Answer:
    """Read a CALLRESULT or CALLERROR. A broken one gets no answer: that could go on for ever."""
    message_id = _read_id(frame)
    if frame[0] == CALL_RESULT and len(frame) == RESULT_LENGTH:
        payload = _or_empty(dialect, frame[2])
        if isinstance(payload, dict):
            return Answer(message_id, payload)
    if frame[0] == CALL_ERROR and RESULT_LENGTH <= len(frame) <= ERROR_LENGTH and isinstance(frame[2], str):
        description = frame[3] if len(frame) > RESULT_LENGTH else ""
        details = frame[4] if len(frame) == ERROR_LENGTH and isinstance(frame[4], dict) else {}
        return Answer(message_id, RpcError(frame[2], str(description), details))
    raise BadFrameError(message_id, None)


def _or_empty(dialect: Dialect, payload: Any) -> Any:
    """Turn the null that 1.6 allows for "nothing" into an empty object."""
    return {} if payload is None and dialect.null_payload else payload


def encode_call(message_id: str, action: str, payload: Payload) -> str:
    """Return a CALL as compact JSON."""
    return json.dumps([CALL, message_id, action, payload], separators=(",", ":"))


def encode_result(message_id: str, payload: Payload) -> str:
    """Return a CALLRESULT as compact JSON."""
    return json.dumps([CALL_RESULT, message_id, payload], separators=(",", ":"))


def encode_error(dialect: Dialect, message_id: str, error: RpcError) -> str:
    """Return a CALLERROR as compact JSON, its code spelled as the version in use has it."""
    frame = [CALL_ERROR, message_id, dialect.spell(error.code), error.description, error.details]
    return json.dumps(frame, separators=(",", ":"))


@cache
def known_actions(dialect: Dialect) -> frozenset[str]:
    """Return every action of a version, whoever may send it."""
    names = [entry.name.removesuffix(".json") for entry in (files("ocpp") / dialect.folder / "schemas").iterdir()]
    requests = [name for name in names if name.endswith(dialect.request_suffix) and not name.endswith("Response")]
    return frozenset(name.removesuffix(dialect.request_suffix) for name in requests)


@cache
def _validator(dialect: Dialect, message: str) -> Draft4Validator | Draft6Validator:
    """Load the schema of a message; 1.6 is Draft 4, and its times are ISO 8601, of which RFC 3339 is a part."""
    source = files("ocpp") / dialect.folder / "schemas" / f"{message}.json"
    schema = json.loads(source.read_text(encoding="utf-8-sig"))
    if dialect is V16:
        return Draft4Validator(schema, validate_formats=True, formats={"date-time": _is_iso_8601})
    return Draft6Validator(schema, validate_formats=True)


def _is_iso_8601(text: str) -> bool:
    """Tell whether a text is a date and time."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return "T" in text.upper()


def check_request(dialect: Dialect, action: str, payload: object) -> None:
    """Raise the RpcError that the payload of a request deserves."""
    _check(dialect, action + dialect.request_suffix, payload)


def check_response(dialect: Dialect, action: str, payload: object) -> None:
    """Raise the RpcError that the payload of a response would deserve."""
    _check(dialect, f"{action}Response", payload)


def _check(dialect: Dialect, message: str, payload: object) -> None:
    """Hold a payload against the schema of a message."""
    if not isinstance(payload, dict):
        raise RpcError("FormatViolation", "the payload is not a JSON object")
    try:
        first = next(iter(_validator(dialect, message).iter_errors(payload)), None)
    except ValueError as problem:
        raise RpcError("FormatViolation", f"unreadable payload: {problem}") from problem
    if first is None:
        return
    where = "/".join(str(part) for part in first.instance_path) or message
    raise RpcError(
        _KEYWORD_CODES.get(first.kind.name, "PropertyConstraintViolation"),
        f"{where}: {first.message}",
    )
