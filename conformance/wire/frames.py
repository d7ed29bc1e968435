"""OCPP-J frames: text from a WebSocket to typed values, and back.

Decoding never raises: what is no proper frame becomes `Malformed`, with as much of it as could be read, so that a
peer can still answer with a CALLERROR. Beside the fields named in the design every frame has a `message_type`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec

MESSAGE_ID_LENGTH = 36
"""The most characters that a message id may have (Part 4 §4.1.4)."""

UNREADABLE_ID = "-1"
"""The message id of a CALLERROR about a message whose own id could not be read (Part 4 §4.2.3)."""

MESSAGE_TYPES = frozenset({2, 3, 4, 5, 6})
"""Every message type number of any version; 5 and 6 exist from 2.1 on."""


@dataclass(frozen=True, slots=True)
class _Request:
    message_id: str
    action: str
    payload: dict[str, Any]
    raw: str = field(repr=False, compare=False)


class Call(_Request):
    """A request, `[2, id, action, payload]` (Part 4 §4.2.1)."""

    __slots__ = ()
    message_type: ClassVar[int] = 2


class Send(_Request):
    """A message that gets no answer, `[6, id, action, payload]` (2.1 only: Part 4 §4.2.4)."""

    __slots__ = ()
    message_type: ClassVar[int] = 6


@dataclass(frozen=True, slots=True)
class CallResult:
    """The answer to a request, `[3, id, payload]` (Part 4 §4.2.2)."""

    message_type: ClassVar[int] = 3
    message_id: str
    payload: dict[str, Any]
    raw: str = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class _Refusal:
    message_id: str
    code: str
    description: str
    details: dict[str, Any]
    raw: str = field(repr=False, compare=False)


class CallError(_Refusal):
    """The refusal of a request, `[4, id, code, description, details]` (Part 4 §4.2.3)."""

    __slots__ = ()
    message_type: ClassVar[int] = 4


class CallResultError(_Refusal):
    """The refusal of an answer, `[5, id, code, description, details]` (2.1 only: Part 4 §4.2.3)."""

    __slots__ = ()
    message_type: ClassVar[int] = 5


@dataclass(frozen=True, slots=True)
class Malformed:
    """What is no frame of OCPP-J: why, and what could be read of it all the same.

    `message_id`, `message_type` and `action` are None where they could not be read; `message_id` may break the rules
    (too long, empty, the digits of a number), since that is what an answer has to repeat.
    """

    reason: str
    message_id: str | None
    raw: str = field(repr=False, compare=False)
    message_type: int | None = None
    action: str | None = None


_CLASSES: dict[int, type[Any]] = {
    each.message_type: each for each in (Call, CallResult, CallError, CallResultError, Send)
}
_NAMES = {2: "CALL", 3: "CALLRESULT", 4: "CALLERROR", 5: "CALLRESULTERROR", 6: "SEND"}

Frame = Call | CallResult | CallError | CallResultError | Send | Malformed

_WITH_PAYLOAD = (2, 3)
_SANE_INTEGER = 2**63
_LENGTHS = {2: 4, 3: 3, 4: 5, 5: 5, 6: 4}
_decode_json = msgspec.json.Decoder().decode
_encode_json = msgspec.json.Encoder().encode
_READABLE_START = re.compile(
    r"""\s*\[\s*(?P<type>\d{1,9})(?:\.0+)?\s*
        (?:,\s*(?:(?P<id>"(?:[^"\\]|\\.){0,4096}")|(?P<number>-?\d{1,18}))\s*
        (?:,\s*(?P<action>"(?:[^"\\]|\\.){0,256}"))?)?""",
    re.VERBOSE | re.DOTALL,
)


def decode(
    data: str | bytes, message_types: frozenset[int] = MESSAGE_TYPES, *, null_for_nothing: bool = False
) -> Frame:
    """Read one WebSocket message: text as `str`, a binary message as `bytes`.

    Never raises. `message_types` are the numbers that the version in use knows; any other number gives `Malformed`,
    as do bytes, since OCPP-J uses text messages only. With `null_for_nothing` a payload may be null: that is {}.
    """
    if not isinstance(data, str):
        return _unreadable("binary frame", bytes(data).decode("utf-8", "backslashreplace"))
    try:
        items = _decode_json(data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return _unreadable(_reason(error), data.encode("utf-8", "backslashreplace").decode())
    if type(items) is not list or not items:
        what = "an empty one" if items == [] else _kind(items)
        return Malformed(f"a message is a JSON array with elements, this is {what}", None, data)
    number = items[0]
    if type(number) is not int or number not in message_types:
        return _unknown_type(items, data)
    if null_for_nothing and number in _WITH_PAYLOAD and items[-1] is None:
        items[-1] = {}
    reason = _fault(number, items)
    if reason is not None:
        return _malformed(reason, number, items, data)
    frame: Frame = _CLASSES[number](*items[1:], data)
    return frame


def encode_call(message_id: str, action: str, payload: Mapping[str, Any]) -> str:
    """The text of a CALL. Raises TypeError or ValueError for what JSON can't express."""
    return _encode_json((2, message_id, action, payload)).decode()


def encode_result(message_id: str, payload: Mapping[str, Any]) -> str:
    """The text of a CALLRESULT. Raises TypeError or ValueError for what JSON can't express."""
    return _encode_json((3, message_id, payload)).decode()


def encode_error(message_id: str, code: str, description: str = "", details: Mapping[str, Any] | None = None) -> str:
    """The text of a CALLERROR. Raises TypeError or ValueError for what JSON can't express."""
    return _encode_json((4, message_id, code, description, details or {})).decode()


def _fault(number: int, items: list[Any]) -> str | None:
    """What keeps an array with a known message type from being a frame."""
    if len(items) != _LENGTHS[number]:
        return f"a {_NAMES[number]} has {_LENGTHS[number]} elements, this has {len(items)}"
    message_id = items[1]
    if type(message_id) is not str:
        return f"a message id is a string, this is {_kind(message_id)}"
    if not 0 < len(message_id) <= MESSAGE_ID_LENGTH:
        return f"a message id has 1 to {MESSAGE_ID_LENGTH} characters, this has {len(message_id)}"
    return _wrong_kind(number, items)


def _wrong_kind(number: int, items: list[Any]) -> str | None:
    """The first element after the message id that is of another JSON type than it has to be."""
    if number != CallResult.message_type and type(items[2]) is not str:
        what = "action" if number in (2, 6) else "errorCode"
        return f"the {what} is a string, this is {_kind(items[2])}"
    if number in (4, 5) and type(items[3]) is not str:
        return f"the errorDescription is a string, this is {_kind(items[3])}"
    if type(items[-1]) is not dict:
        what = "payload" if number in (2, 3, 6) else "errorDetails"
        return f"the {what} is an object, this is {_kind(items[-1])}"
    return None


def _unknown_type(items: list[Any], raw: str) -> Malformed:
    number = items[0]
    if type(number) is int:
        return _malformed(f"unknown message type {_short(number)}", number, items, raw)
    if type(number) is float and number.is_integer() and abs(number) < _SANE_INTEGER:
        return _malformed(f"the message type is an integer, this is written {number!r}", int(number), items, raw)
    return _malformed(f"the message type is an integer, this is {_kind(number)}", None, items, raw)


def _malformed(reason: str, number: int | None, items: list[Any], raw: str) -> Malformed:
    message_id: str | None = None
    if len(items) > 1:
        if type(items[1]) is str:
            message_id = items[1]
        elif type(items[1]) is int and abs(items[1]) < _SANE_INTEGER:
            message_id = str(items[1])
    if number is not None and abs(number) >= _SANE_INTEGER:
        number = None
    action = items[2] if number in (2, 6) and items[2:] and type(items[2]) is str else None
    return Malformed(reason, message_id, raw, number, action)


def _unreadable(reason: str, raw: str) -> Malformed:
    """A text that is no JSON may still show its message id at the start."""
    found = _READABLE_START.match(raw)
    if found is None:
        return Malformed(reason, None, raw)
    number = int(found["type"])
    action = _string(found["action"]) if number in (2, 6) else None
    return Malformed(reason, found["number"] or _string(found["id"]), raw, number, action)


def _string(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        value: str = _decode_json(text)
    except (msgspec.MsgspecError, ValueError):
        return None
    return value


def _reason(error: Exception) -> str:
    if isinstance(error, msgspec.ValidationError):
        return "a number in it is out of range"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, UnicodeError):
        return "not UTF-8"
    if "truncated" in str(error):
        return "not JSON: it ends too early, or holds half of a surrogate pair"
    return f"not JSON: {str(error).removeprefix('JSON is malformed: ')}"


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"


def _short(number: int) -> str:
    return str(number) if abs(number) < _SANE_INTEGER else "of more than 64 bits"
