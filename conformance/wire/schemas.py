"""What a message of each OCPP version has to look like: JSON schemas, and the rules that schemas don't hold.

The schemas are those that the `ocpp` package ships; the validators are compiled at first use and kept.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from importlib.resources import files
from typing import Any, ClassVar

import jsonschema_rs
import msgspec

from conformance.wire.frames import Call, CallError, CallResult, CallResultError, Frame, Malformed, Send


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a frame.

    `path` is a JSON Pointer into the payload, "" for the whole of it; `keyword` names the kind: a keyword of JSON
    Schema, or `frame`, `action`, `duplicateKey`, `oneDecimal`, `errorCode`, `errorCodeSpelling`, `errorDescription`,
    `json`; `message` is for people.
    """

    path: str
    keyword: str
    message: str

    def to_json(self) -> dict[str, str]:
        """The same as a JSON object."""
        return {"path": self.path, "keyword": self.keyword, "message": self.message}


@dataclass(frozen=True, slots=True)
class Version:
    """What sets one OCPP version apart on the wire."""

    name: str
    subprotocol: str
    error_codes: frozenset[str]
    message_types: frozenset[int]
    schema_folder: str
    request_suffix: str
    error_code_variants: frozenset[str] = frozenset()
    """Other spellings in use, which the errata tolerate."""
    one_decimal: frozenset[str] = frozenset()
    """Numbers that may have one digit after the point, by prose alone (2.0.1: Part 2 §2.11, §2.12)."""
    null_for_nothing: bool = False
    """Whether a payload without content may be written null (1.6-J §4.2.1)."""

    @property
    def actions(self) -> frozenset[str]:
        """Every action that is known, case-sensitive."""
        return _actions(self)

    @property
    def times(self) -> frozenset[str]:
        """The names of the fields that hold a time, wherever they stand."""
        return _times(self)


_CODES = frozenset(
    {
        "FormatViolation",
        "GenericError",
        "InternalError",
        "MessageTypeNotSupported",
        "NotImplemented",
        "NotSupported",
        "OccurrenceConstraintViolation",
        "PropertyConstraintViolation",
        "ProtocolError",
        "RpcFrameworkError",
        "SecurityError",
        "TypeConstraintViolation",
    }
)
_CODES_16 = frozenset(
    {
        "FormationViolation",
        "GenericError",
        "InternalError",
        "NotImplemented",
        "NotSupported",
        "OccurenceConstraintViolation",
        "PropertyConstraintViolation",
        "ProtocolError",
        "SecurityError",
        "TypeConstraintViolation",
    }
)

VERSIONS: dict[str, Version] = {
    version.name: version
    for version in (
        Version(
            name="1.6",
            subprotocol="ocpp1.6",
            error_codes=_CODES_16,
            message_types=frozenset({2, 3, 4}),
            schema_folder="v16",
            request_suffix="",
            error_code_variants=frozenset({"FormatViolation", "OccurrenceConstraintViolation"}),
            null_for_nothing=True,
        ),
        Version(
            name="2.0.1",
            subprotocol="ocpp2.0.1",
            error_codes=_CODES,
            message_types=frozenset({2, 3, 4}),
            schema_folder="v201",
            request_suffix="Request",
            one_decimal=frozenset({"limit", "minChargingRate"}),
        ),
        Version(
            name="2.1",
            subprotocol="ocpp2.1",
            error_codes=_CODES,
            message_types=frozenset({2, 3, 4, 5, 6}),
            schema_folder="v21",
            request_suffix="Request",
        ),
    )
}
"""The versions by name."""

BY_SUBPROTOCOL: dict[str, Version] = {version.subprotocol: version for version in VERSIONS.values()}
"""The versions by WebSocket subprotocol (Part 4 §3.1.2)."""

ERROR_DESCRIPTION_LENGTH = 255
"""The most characters that the description of a CALLERROR may have (Part 4 §4.2.3)."""


def check_call(version: Version, call: Call) -> list[Problem]:
    """What is wrong with a request; an unknown action is the keyword `action`."""
    schema = _schema(version, call.action, "request")
    if schema is None:
        return [_unknown(version, call.action)]
    return schema.problems(version, call.payload, call)


def check_send(version: Version, send: Send) -> list[Problem]:
    """What is wrong with an unconfirmed message (2.1 only)."""
    schema = _schema(version, send.action, "send")
    if schema is None:
        return [_unknown(version, send.action)]
    return schema.problems(version, send.payload, send)


def check_result(version: Version, action: str, result: CallResult) -> list[Problem]:
    """What is wrong with the answer to a request of `action`."""
    schema = _schema(version, action, "response")
    if schema is None:
        return [_unknown(version, action)]
    return schema.problems(version, result.payload, result)


def check_error(version: Version, error: CallError | CallResultError) -> list[Problem]:
    """What is wrong with a refusal: its code (Part 4 §4.3), the length of its description, keys given twice."""
    problems = []
    if error.code in version.error_code_variants:
        message = f"{error.code} is a later spelling; {version.name} has {_former(error.code)}"
        problems.append(Problem("/errorCode", "errorCodeSpelling", message))
    elif error.code not in version.error_codes:
        message = f"{_shortened(error.code)} is no error code of {version.name}"
        problems.append(Problem("/errorCode", "errorCode", message))
    length = len(error.description)
    if length > ERROR_DESCRIPTION_LENGTH and version.name != "1.6":
        message = f"{length} characters, {ERROR_DESCRIPTION_LENGTH} are allowed"
        problems.append(Problem("/errorDescription", "errorDescription", message))
    return problems + _duplicate_keys(error)


def check_frame(version: Version | None, frame: Frame, action: str | None = None) -> tuple[Problem, ...]:
    """What is wrong with any frame; `action` is that of the request, for an answer.

    Without a version, or for an answer to nothing known, only what needs neither is checked.
    """
    if type(frame) is Malformed:
        return (Problem("", "frame", frame.reason),)
    if version is None:
        return ()
    if type(frame) is Call:
        return tuple(check_call(version, frame))
    if type(frame) is CallResult:
        return () if action is None else tuple(check_result(version, action, frame))
    if type(frame) is Send:
        return tuple(check_send(version, frame))
    assert isinstance(frame, CallError | CallResultError)
    return tuple(check_error(version, frame))


def parse_timestamp(text: str) -> datetime | None:
    """A time of RFC 3339 as an aware time in UTC, to the microsecond; None for anything else.

    The offset is required, since 2.x asks for RFC 3339 (Part 2 §3.1) and a time without one can't be placed. Any
    number of fraction digits is read: that there are at most three is another rule. A leap second becomes the first
    second of the next minute.
    """
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        return None
    second = int(found["second"])
    leap = second == _LEAP_SECOND
    micros = int((found["fraction"] or "")[:6].ljust(6, "0"))
    try:
        time = datetime(  # noqa: DTZ001 -- the zone is set below
            int(found["year"]),
            int(found["month"]),
            int(found["day"]),
            int(found["hour"]),
            int(found["minute"]),
            second - leap,
            0 if leap else micros,
        )
        offset = timedelta(hours=int(found["offset_hour"] or 0), minutes=int(found["offset_minute"] or 0))
        zone = timezone(-offset if found["sign"] == "-" else offset)
        return (time.replace(tzinfo=zone) + timedelta(seconds=leap)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


_LEAP_SECOND = 60
_TIMESTAMP = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)[Tt]"
    r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<fraction>\d+))?"
    r"(?:[Zz]|(?P<sign>[+-])(?P<offset_hour>\d\d):(?P<offset_minute>[0-5]\d))",
    re.ASCII,
)

_SHOWN = 300
_DRAFTS: dict[str, Any] = {
    "http://json-schema.org/draft-04/schema": jsonschema_rs.Draft4Validator,
    "http://json-schema.org/draft-06/schema": jsonschema_rs.Draft6Validator,
}


class _Schema:
    """One compiled schema, and which of its numbers the one-decimal rule is about."""

    __slots__ = ("_one_decimal", "_validator")

    seen: ClassVar[dict[tuple[str, str, str], "_Schema | None"]] = {}

    def __init__(self, version: Version, document: dict[str, Any]) -> None:
        draft = _DRAFTS[str(document["$schema"]).rstrip("#")]
        self._validator = draft(document, validate_formats=True)
        self._one_decimal = frozenset(_properties(document, "type", "number")) & version.one_decimal

    def problems(self, version: Version, payload: dict[str, Any], frame: Call | CallResult | Send) -> list[Problem]:
        try:
            if self._validator.is_valid(payload):
                problems = []
            else:
                problems = [_problem(error) for error in self._validator.iter_errors(payload)]
        except (ValueError, TypeError, RecursionError) as error:
            return [Problem("", "json", f"can't be checked: {_shortened(str(error))}")]
        problems += _duplicate_keys(frame)
        if self._one_decimal and any(f'"{name}"' in frame.raw for name in self._one_decimal):
            problems += _too_precise(payload, self._one_decimal, version.name)
        return problems


def _schema(version: Version, action: str, kind: str) -> _Schema | None:
    key = (version.name, action, kind)
    try:
        return _Schema.seen[key]
    except KeyError:
        pass
    if action not in version.actions or (kind == "send" and Send.message_type not in version.message_types):
        return None  # not kept: whatever a system under test makes up would fill the memory
    suffix = {"request": version.request_suffix, "response": "Response", "send": ""}[kind]
    document = _document(version.schema_folder, action + suffix)
    found = None if document is None else _Schema(version, document)
    _Schema.seen[key] = found
    return found


def _document(folder: str, name: str) -> dict[str, Any] | None:
    try:
        text = files("ocpp").joinpath(folder, "schemas", f"{name}.json").read_text("utf-8-sig")
    except FileNotFoundError:
        return None
    document: dict[str, Any] = json.loads(text, strict=False)
    return document


def _messages(version: Version) -> list[str]:
    """The names of all schemas of a version."""
    found = files("ocpp").joinpath(version.schema_folder, "schemas").iterdir()
    return [entry.name.removesuffix(".json") for entry in found if entry.name.endswith(".json")]


@cache
def _actions(version: Version) -> frozenset[str]:
    names = (name for name in _messages(version) if not name.endswith("Response"))
    return frozenset(name.removesuffix(version.request_suffix) for name in names)


@cache
def _times(version: Version) -> frozenset[str]:
    documents = (_document(version.schema_folder, name) for name in _messages(version))
    return frozenset(name for each in documents for name in _properties(each, "format", "date-time"))


def _properties(node: object, keyword: str, value: str) -> Iterator[str]:
    """The names of the properties that say this of themselves, anywhere in a schema."""
    if isinstance(node, dict):
        for name, child in node.items():
            if isinstance(child, dict) and child.get(keyword) == value:
                yield name
            yield from _properties(child, keyword, value)
    elif isinstance(node, list):
        for child in node:
            yield from _properties(child, keyword, value)


def _problem(error: jsonschema_rs.ValidationError) -> Problem:
    keyword = error.kind.name
    if keyword == "falseSchema":  # what this validator calls additionalProperties where there are no properties
        return Problem(_pointer(error.instance_path), "additionalProperties", "no properties are allowed here")
    return Problem(_pointer(error.instance_path), keyword, _shortened(error.message))


def _pointer(path: list[str | int]) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _unknown(version: Version, action: str) -> Problem:
    return Problem("", "action", f"{_shortened(action)} is no action of {version.name}")


def _former(code: str) -> str:
    return "FormationViolation" if code == "FormatViolation" else "OccurenceConstraintViolation"


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


_encode_json = msgspec.json.Encoder().encode


def _duplicate_keys(frame: Call | CallResult | CallError | CallResultError | Send) -> list[Problem]:
    r"""Keys given twice in one object: the decoded payload has lost them, so the text is asked.

    What was decoded is encoded anew. The usual text is compact and ends with just that. Any other has as many colons
    as that: every pair of an object has one, and a colon within a string is written as itself, but for the escape
    \u003a.
    """
    raw = frame.raw
    last, others = _body(frame)
    try:
        again = _encode_json(last)
        if raw.endswith(again.decode() + "]"):
            return []
        colons = again.count(b":") + sum(text.count(":") for text in others)
        if raw.count(":") == colons and ("\\" not in raw or "\\u003" not in raw):
            return []
        found: list[Problem] = []
        json.loads(raw, object_pairs_hook=lambda pairs: _note_duplicates(pairs, found))
    except (ValueError, TypeError, RecursionError, msgspec.MsgspecError) as error:
        return [Problem("", "json", f"can't be checked: {_shortened(str(error))}")]
    return found


def _body(frame: Call | CallResult | CallError | CallResultError | Send) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The object at the end of a frame, and the strings before it."""
    if isinstance(frame, Call | Send):
        return frame.payload, (frame.message_id, frame.action)
    if isinstance(frame, CallResult):
        return frame.payload, (frame.message_id,)
    return frame.details, (frame.message_id, frame.code, frame.description)


def _note_duplicates(pairs: list[tuple[str, Any]], found: list[Problem]) -> dict[str, Any]:
    merged = dict(pairs)
    if len(merged) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                found.append(Problem("", "duplicateKey", f"{_shortened(name)} is given twice in one object"))
            seen.add(name)
    return merged


def _too_precise(node: object, names: frozenset[str], version: str, path: str = "") -> Iterator[Problem]:
    """Numbers of these names with more than one digit after the point, but not in customData, which is free."""
    if isinstance(node, dict):
        for name, value in node.items():
            where = path + _pointer([name])
            if name in names and isinstance(value, float) and round(value, 1) != value:
                yield Problem(where, "oneDecimal", f"{value!r} has more than one decimal, {version} allows one")
            if name != "customData":
                yield from _too_precise(value, names, version, where)
    elif isinstance(node, list):
        for index, item in enumerate(node):
            yield from _too_precise(item, names, version, f"{path}/{index}")
