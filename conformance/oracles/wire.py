"""What every frame of the system under test has to be, whatever the case: judged over the transcript of a session.

Each function looks at one side of it and returns the misses of each requirement that it judges, all of them named,
also those without a miss. Only what the system under test sent is judged, never the harness's own provocations; and
it is not to blame for what a fault, a scripted silence or a lost connection kept from it.

Each connection is judged by the version that it speaks. `station` is an identity: that of the system under test, or
one that the harness had when a CSMS was under test. Requirements have their ids of 2.0.1, and those of 1.6 where only
that has the rule, or has two for one.
"""

import json
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from conformance.cases.case import Role
from conformance.wire.frames import MESSAGE_ID_LENGTH, Call, CallError, CallResult, Malformed
from conformance.wire.schemas import (
    BY_SUBPROTOCOL,
    VERSIONS,
    Problem,
    Version,
    check_call,
    check_result,
    parse_timestamp,
)
from conformance.wire.transcript import Entry, Exchange, Transcript


@dataclass(frozen=True, slots=True)
class Miss:
    """One thing that breaks a requirement: in words, and the entries that show it."""

    message: str
    entries: tuple[Entry, ...]


Misses = Mapping[str, Sequence[Miss]]
"""The misses by requirement."""

SHOWN = 3
"""How many misses a summary tells in words; the others are counted."""


def stations(transcript: Transcript) -> list[str]:
    """Every identity that a connection of the session was opened for, in the order of their first."""
    opened = (entry.station for entry in transcript.entries if entry.kind == "open")
    return list(dict.fromkeys(each for each in opened if each is not None))


def together(parts: Iterable[Misses]) -> Misses:
    """What was found for several stations, as one."""
    found: dict[str, list[Miss]] = defaultdict(list)
    for part in parts:
        for requirement, misses in part.items():
            found[requirement] += misses
    return found


def summary(misses: Sequence[Miss]) -> str:
    """The misses in one line, each with the number of its entry."""
    told = [f"#{miss.entries[-1].n}: {miss.message}" for miss in misses[:SHOWN]]
    more = len(misses) - SHOWN
    return "; ".join(told) + (f"; and {more} more" if more > 0 else "")


# -- framing ----------------------------------------------------------------------------------------------------


def framing(transcript: Transcript, station: str) -> Misses:
    """J.FRAME.01 to .04 and .06: text frames with JSON arrays of the right shape (Part 4 4.1.2, 4.1.3, 4.2)."""
    requirements = ("J.FRAME.01", "J.FRAME.02", "J.FRAME.03", "J.FRAME.04", "J.FRAME.06")
    found = _malformed(transcript, station, requirements)
    found["J.FRAME.04"] += [
        Miss(_NULL_PAYLOAD, (entry,))
        for entry in transcript.frames(sender="sut", station=station, kind=(Call, CallResult))
        if _says_null(entry)
    ]
    return found


_NULL_PAYLOAD = "an empty payload is written null, not {}"


def _says_null(entry: Entry) -> bool:
    """Whether a payload was written null where that is as good as {} (1.6-J 4.2.1)."""
    frame = entry.frame
    if not isinstance(frame, Call | CallResult) or frame.payload:
        return False
    return frame.raw.rstrip().removesuffix("]").rstrip().endswith("null")


def _malformed(transcript: Transcript, station: str, requirements: Iterable[str]) -> dict[str, list[Miss]]:
    """The misses of these requirements in frames that could not be decoded."""
    found: dict[str, list[Miss]] = {requirement: [] for requirement in requirements}
    for entry in transcript.frames(sender="sut", station=station, kind=Malformed):
        assert isinstance(entry.frame, Malformed)
        for requirement, message in _faults(entry.frame):
            if requirement in found:
                found[requirement].append(Miss(message, (entry,)))
    return found


_BINARY, _NOT_UTF8 = "binary frame", "not UTF-8"
_TYPES = {2: "CALL", 3: "CALLRESULT", 4: "CALLERROR"}
_LENGTHS = {2: 4, 3: 3, 4: 5}


def _faults(frame: Malformed) -> Iterator[tuple[str, str]]:
    """Which requirements a malformed frame breaks, and how."""
    if frame.reason == _BINARY:
        yield "J.FRAME.06", "a binary frame, not a text frame"
        return
    try:
        items = json.loads(frame.raw, parse_constant=_no_json)
    except (ValueError, RecursionError):
        items = _NO_JSON
    if items is _NO_JSON or frame.reason == _NOT_UTF8:
        yield "J.FRAME.02", frame.reason
    elif not isinstance(items, list) or not items:
        yield "J.FRAME.01", "no JSON array with elements"
    elif type(items[0]) is not int or items[0] not in _LENGTHS:
        yield "J.FRAME.03", f"the message type is {json.dumps(items[0])[:40]}"
    elif len(items) != _LENGTHS[items[0]]:
        number = items[0]
        yield "J.FRAME.01", f"a {_TYPES[number]} has {_LENGTHS[number]} items, this has {len(items)}"
    else:
        faults = [*_faulty_id(items[1]), *_faulty_items(items)]
        yield from faults or [("J.FRAME.01", frame.reason)]


_NO_JSON = object()


def _no_json(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _faulty_id(message_id: object) -> Iterator[tuple[str, str]]:
    if not isinstance(message_id, str):
        yield "J.ID.01", f"the message id is {json.dumps(message_id)[:40]}, not a string"
    elif not message_id:
        yield "J.ID.05", "the message id is empty"
    elif len(message_id) > MESSAGE_ID_LENGTH:
        yield "J.ID.01", f"the message id has {len(message_id)} characters, {MESSAGE_ID_LENGTH} are allowed"


def _faulty_items(items: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """What is wrong after the message id of a frame with the right number of items."""
    if items[0] == CallError.message_type:
        if not isinstance(items[2], str):
            yield "J.FRAME.01", "the error code is no string"
        if not isinstance(items[3], str):
            yield "J.ERROR.04", "the description of a CALLERROR is no string"
        if not isinstance(items[4], dict):
            yield "J.ERROR.04", f"the details of a CALLERROR are {_kind(items[4])}, not an object"
        return
    if items[0] == Call.message_type and not isinstance(items[2], str):
        yield "J.FRAME.01", "the action is no string"
    if items[-1] is None:
        yield "J.FRAME.04", _NULL_PAYLOAD
    elif not isinstance(items[-1], dict):
        yield "J.FRAME.01", f"the payload is {_kind(items[-1])}, not an object"


def _kind(value: object) -> str:
    return {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}.get(type(value), "a number")


# -- message ids ----------------------------------------------------------------------------------------------------


def message_ids(transcript: Transcript, station: str) -> Misses:
    """J.ID.01, .02, .03 and .05: well-formed, never used twice, and repeated in answers (Part 4 4.1.4).

    What 1.6 has for an id where there was none to repeat is left open, and who repeats a bad id of the harness is not
    to blame for it.
    """
    repeated = _repeats_of_bad_ids(transcript, station)
    versions, without_id = _versions(transcript), _answers_to_the_unreadable(transcript, station)
    found: dict[str, list[Miss]] = {
        requirement: [
            miss
            for miss in misses
            if miss.entries[0].n not in repeated
            and not (miss.entries[0].n in without_id and versions.get(miss.entries[0].link) == VERSIONS["1.6"])
        ]
        for requirement, misses in _malformed(transcript, station, ("J.ID.01", "J.ID.05")).items()
    }
    found["J.ID.02"] = list(_reused(transcript, station))
    found["J.ID.03"] = [
        Miss(f"the answer has the id {_shown(answer)}, and #{call.n} waits for one", (call, answer))
        for answer, call in _stray(transcript, station)
        if call is not None
    ]
    return found


def _repeats_of_bad_ids(transcript: Transcript, station: str) -> set[int]:
    """The numbers of answers that carry an id which the harness had sent, although it is none."""
    found: set[int] = set()
    sent: set[tuple[int | None, str]] = set()
    for entry in transcript.frames(station=station, kind=Malformed):
        given = _raw_id(entry)
        if given is None:
            continue
        if entry.sender == "harness":
            sent.add((entry.link, given))
        elif (entry.link, given) in sent:
            found.add(entry.n)
    return found


def _raw_id(entry: Entry) -> str | None:
    """The id of a broken frame as it stands there, None where there is none to be found."""
    try:
        items = json.loads(entry.text)
    except (ValueError, RecursionError):
        return None
    return json.dumps(items[1]) if isinstance(items, list) and len(items) > 1 else None


def _reused(transcript: Transcript, station: str) -> Iterator[Miss]:
    """Calls with the id of an earlier one that they do not repeat."""
    before: dict[str, list[Exchange]] = defaultdict(list)
    for exchange in transcript.exchanges(sender="sut", station=station):
        call = exchange.call
        if not isinstance(call.frame, Call):
            continue
        earlier = before[call.frame.message_id]
        wrong = next((each for each in earlier if not _may_repeat(transcript, each, call)), None)
        if wrong is not None:
            what = "was answered" if _same(wrong.call, call) else f"was a {getattr(wrong.call.frame, 'action', '')}"
            message = f"{call.frame.action} has the id of #{wrong.call.n}, which {what}"
            yield Miss(message, (wrong.call, call))
        earlier.append(exchange)


def _may_repeat(transcript: Transcript, earlier: Exchange, call: Entry) -> bool:
    """Whether a call may be a repeat: of the same message, to which no result has arrived for all that is known."""
    if not _same(earlier.call, call):
        return False
    answer = earlier.answer
    if answer is None or not isinstance(answer.frame, CallResult) or answer.detail.get("dropped"):
        return True
    return (
        not any(  # a sign of life after the answer shows that the link was still good
            entry.link == answer.link and entry.sender == "sut" and entry.kind in ("frame", "ping", "pong")
            for entry in transcript.entries[answer.n + 1 : call.n]
        )
        and (call.link != answer.link)
    )


def _same(one: Entry, other: Entry) -> bool:
    """Whether two calls are the same message; queued events are marked offline when they are sent again."""
    first, second = one.frame, other.frame
    if not isinstance(first, Call) or not isinstance(second, Call):
        return False
    return first.action == second.action and _essence(first) == _essence(second)


def _essence(call: Call) -> dict[str, Any]:
    return {name: value for name, value in call.payload.items() if name != "offline"}


def _stray(transcript: Transcript, station: str) -> Iterator[tuple[Entry, Entry | None]]:
    """Answers to nothing that was asked, each with the open call that it may have been meant for."""
    known: dict[str, list[int]] = defaultdict(list)
    for entry in transcript.frames(sender="harness", station=station):
        if entry.frame is not None and entry.frame.message_id is not None and _asks(entry):
            known[entry.frame.message_id].append(entry.n)
    excused = _answers_to_the_unreadable(transcript, station)
    open_calls = [
        each
        for each in transcript.exchanges(sender="harness", station=station)
        if each.answer is None and isinstance(each.call.frame, Call)
    ]
    taken: set[int] = set()
    for answer in transcript.unasked():
        if answer.sender != "sut" or answer.station != station or answer.frame is None:
            continue
        message_id = answer.frame.message_id
        if message_id is not None and any(n < answer.n for n in known.get(message_id, ())):
            continue
        if answer.n in excused:
            continue
        meant = [each.call for each in open_calls if each.call.link == answer.link and each.call.n < answer.n]
        call = next((each for each in meant if each.n not in taken), None)
        if call is not None:
            taken.add(call.n)
        yield answer, call


def _answers_to_the_unreadable(transcript: Transcript, station: str) -> set[int]:
    """The numbers of CALLERRORs that were sent for a broken message of the harness, one for each of these."""
    found: set[int] = set()
    broken: Counter[int | None] = Counter()
    for entry in transcript.frames(station=station):
        if entry.sender == "harness" and isinstance(entry.frame, Malformed):
            broken[entry.link] += 1
        elif _refuses(entry) and _to_no_call(transcript, entry) and broken[entry.link] > 0:
            broken[entry.link] -= 1
            found.add(entry.n)
    return found


def _to_no_call(transcript: Transcript, answer: Entry) -> bool:
    exchange = transcript.exchange(answer)
    return exchange is None or isinstance(exchange.call.frame, Malformed)


def _refuses(entry: Entry) -> bool:
    return entry.sender == "sut" and entry.frame is not None and entry.frame.message_type == CallError.message_type


def _asks(entry: Entry) -> bool:
    """Whether a frame of the harness may be answered: a request, or a provocation of any kind."""
    return isinstance(entry.frame, Call | Malformed) or bool(entry.problems)


def _shown(entry: Entry) -> str:
    return "none" if entry.frame is None else json.dumps(entry.frame.message_id)


# -- one open call ----------------------------------------------------------------------------------------------------


def one_open_call(transcript: Transcript, station: str, *, patience: float) -> Misses:
    """J.SYNC.01: no call before the last one on the connection was answered or timed out (Part 4 4.1.1).

    A station may set its time-out as it likes, so a call that went unanswered for `patience` seconds is no longer
    held against the next one.
    """
    misses: list[Miss] = []
    left_open: dict[int | None, list[Exchange]] = defaultdict(list)
    for exchange in transcript.exchanges(sender="sut", station=station):
        call = exchange.call
        waiting = [
            each
            for each in left_open[call.link]
            if call.at - each.call.at < patience and (each.answer is None or each.answer.n > call.n)
        ]
        for each in waiting[-1:]:
            since = f"{call.at - each.call.at:.2f} s after {_name(each.call)} (#{each.call.n}), still unanswered"
            misses.append(Miss(f"{_name(call)} was sent {since}", (each.call, call)))
        left_open[call.link] = [*waiting, exchange]
    return {"J.SYNC.01": misses}


def _name(entry: Entry) -> str:
    return getattr(entry.frame, "action", None) or "a message"


# -- payloads ----------------------------------------------------------------------------------------------------


def payloads(transcript: Transcript, station: str) -> Misses:
    """J.SCHEMA.01, J.FRAME.05, J.ACTION.01 and .02: known actions, valid payloads, nothing empty in them.

    For 1.6 also 16J.SCHEMA.02: nothing is added within objects, which its first schemas had let pass.
    """
    versions = _versions(transcript)
    found: dict[str, list[Miss]] = {
        requirement: [] for requirement in ("J.SCHEMA.01", "16J.SCHEMA.02", "J.FRAME.05", "J.ACTION.01", "J.ACTION.02")
    }
    for entry in transcript.frames(sender="sut", station=station, kind=(Call, CallResult)):
        version = versions.get(entry.link)
        action = transcript.action_of(entry)
        if version is None or action is None:
            continue
        for requirement, message in _wrong_payload(version, action, entry):
            found[requirement].append(Miss(message, (entry,)))
    return found


def _wrong_payload(version: Version, action: str, entry: Entry) -> Iterator[tuple[str, str]]:
    frame = entry.frame
    assert isinstance(frame, Call | CallResult)
    if action not in version.actions:
        if isinstance(frame, Call):
            yield _wrong_action(version, action)
        return
    payload = frame.payload
    for path in _empty_fields(payload, _EMPTY[version.name]):
        without = _without(payload, path)
        if not any(problem.keyword == "required" for problem in _check(version, action, frame, without)):
            payload = without
            yield "J.FRAME.05", f"{action}: {_pointer(path)} is empty, and was not left out"
    for problem in _check(version, action, frame, payload):
        if problem.keyword == "duplicateKey" or _is_time(version, problem) or _is_whole(problem):
            continue
        added = version.name == "1.6" and problem.keyword == "additionalProperties" and problem.path
        requirement = "16J.SCHEMA.02" if added else "J.SCHEMA.01"
        yield requirement, f"{action}: {problem.path or 'payload'}: {problem.message}"


_EMPTY: Mapping[str, tuple[object, ...]] = {"1.6": (None,), "2.0.1": (None, {}, []), "2.1": (None, {}, [])}
"""What an optional field without content is not to be written as, by version."""


def _is_time(version: Version, problem: Problem) -> bool:
    """Whether it is about how a time is written, which is another rule."""
    return problem.keyword == "format" and problem.path.rpartition("/")[2] in version.times


def _is_whole(problem: Problem) -> bool:
    """Whether 300.0 is all that is wrong: no integer to the schemas of 1.6, and to JSON the same as 300."""
    return problem.keyword == "type" and _WHOLE.fullmatch(problem.message) is not None


_WHOLE = re.compile(r'-?\d+\.0 is not of type "integer"')


def _wrong_action(version: Version, action: str) -> tuple[str, str]:
    plain = action.removesuffix("Request").casefold()
    meant = next((each for each in version.actions if each.casefold() == plain), None)
    if meant is not None:
        return "J.ACTION.01", f"the action is written {action[:60]}, not {meant}"
    return "J.ACTION.02", f"{action[:60]} is no action of {version.name}"


def _check(version: Version, action: str, frame: Call | CallResult, payload: dict[str, Any]) -> list[Problem]:
    if isinstance(frame, Call):
        return check_call(version, Call(frame.message_id, action, payload, frame.raw))
    return check_result(version, action, CallResult(frame.message_id, payload, frame.raw))


_Path = tuple[str | int, ...]


def _empty_fields(node: object, empty: tuple[object, ...], path: _Path = ()) -> Iterator[_Path]:
    """The paths of fields that are one of `empty`; what stands in customData is free."""
    if isinstance(node, dict):
        for name, value in node.items():
            if value in empty:
                yield (*path, name)
            elif name != "customData":
                yield from _empty_fields(value, empty, (*path, name))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _empty_fields(value, empty, (*path, index))


def _without(node: Any, path: _Path) -> Any:
    """A copy of the payload without the field at `path`."""
    step, *rest = path
    if isinstance(node, list):
        return [_without(value, tuple(rest)) if index == step else value for index, value in enumerate(node)]
    if not rest:
        return {name: value for name, value in node.items() if name != step}
    return {name: _without(value, tuple(rest)) if name == step else value for name, value in node.items()}


def _pointer(path: _Path) -> str:
    return "".join(f"/{step}" for step in path)


def _versions(transcript: Transcript) -> dict[int | None, Version]:
    """The version that each connection speaks."""
    return {
        entry.link: VERSIONS[entry.detail["version"]]
        for entry in transcript.entries
        if entry.kind == "open" and entry.detail.get("version") in VERSIONS
    }


# -- refusals ----------------------------------------------------------------------------------------------------


def refusals(transcript: Transcript, station: str) -> Misses:
    """J.ERROR.01 and .04: the code is one of this version, description and details are as they must (Part 4 4.2.3).

    For 1.6 also 16J.ERROR.09: two codes are spelt as it has them, mistakes and all.
    """
    found = _malformed(transcript, station, ("J.ERROR.01", "16J.ERROR.09", "J.ERROR.04"))
    for entry in transcript.frames(sender="sut", station=station, kind=CallError):
        for problem in entry.problems:
            if problem.keyword in _ABOUT_ERRORS:
                requirement, prefix = _ABOUT_ERRORS[problem.keyword]
                found[requirement].append(Miss(prefix + problem.message, (entry,)))
    return found


_ABOUT_ERRORS = {
    "errorCode": ("J.ERROR.01", ""),
    "errorCodeSpelling": ("16J.ERROR.09", ""),
    "errorDescription": ("J.ERROR.04", "the description has "),
}


def refused(transcript: Transcript, station: str) -> bool:
    """Whether the system under test has sent anything that was meant as a CALLERROR."""
    frames = transcript.frames(sender="sut", station=station, kind=(CallError, Malformed))
    return any(refusal_code(entry) is not None for entry in frames)


def refusal_code(answer: Entry) -> str | None:
    """The code of a CALLERROR, also of one that is not quite well-formed; None for anything else."""
    frame = answer.frame
    if isinstance(frame, CallError):
        return frame.code
    if not isinstance(frame, Malformed) or frame.message_type != CallError.message_type:
        return None
    try:
        items = json.loads(frame.raw)
    except (ValueError, RecursionError):
        return ""
    return items[2] if len(items) > _CODE and isinstance(items[2], str) else ""


_CODE = 2
"""The place of the code in a CALLERROR."""


# -- times ----------------------------------------------------------------------------------------------------

_DECIMALS = 3


def times(transcript: Transcript, station: str) -> Misses:
    """J.TIME.01, .02 and .04: RFC 3339, at most three decimals, in UTC (Part 2 3.1).

    1.6 has two rules for the first of them: 16J.TIME.01, a time of ISO 8601, and 16J.TIME.06, with its offset. They
    stand for J.TIME.01 of 2.0.1, which allows RFC 3339 only.
    """
    versions = _versions(transcript)
    requirements = ("16J.TIME.01", "16J.TIME.06", "J.TIME.02", "J.TIME.04")
    found: dict[str, list[Miss]] = {requirement: [] for requirement in requirements}
    for entry, name, text in written_times(transcript, station):
        for requirement, message in _wrong_time(versions[entry.link], text):
            found[requirement].append(Miss(f"{name} {message}", (entry,)))
    return found


def _wrong_time(version: Version, text: str) -> Iterator[tuple[str, str]]:
    of_1_6 = version.name == "1.6"
    if parse_timestamp(text) is None:
        known = _iso_8601(text) if of_1_6 else None
        if known is None:
            kind = "ISO 8601, with date and time" if of_1_6 else "RFC 3339 with Z or an offset"
            yield "16J.TIME.01", f"{text[:60]!r} is no time of {kind}"
            return
        if known.tzinfo is None:
            yield "16J.TIME.06", f"{text} has neither Z nor an offset"
            return
    decimals = len(text.partition(".")[2].rstrip("Zz").partition("+")[0].partition("-")[0])
    if decimals > _DECIMALS and not of_1_6:
        yield "J.TIME.02", f"{text} has {decimals} decimals, {_DECIMALS} are allowed"
    if text[-1] not in "Zz":
        yield "J.TIME.04", f"{text} is not given in UTC with Z"


def _iso_8601(text: str) -> datetime | None:
    """A date and time in any of the usual forms of ISO 8601; aware where it says its offset."""
    try:
        return datetime.fromisoformat(text) if "T" in text.upper() else None
    except ValueError:
        return None


def written_times(transcript: Transcript, station: str) -> Iterator[tuple[Entry, str, str]]:
    """Every time that the system under test has written: the entry, the name of the field, the text."""
    versions = _versions(transcript)
    for entry in transcript.frames(sender="sut", station=station, kind=(Call, CallResult)):
        assert isinstance(entry.frame, Call | CallResult)
        version = versions.get(entry.link)
        if version is not None:
            for name, text in _times_in(entry.frame.payload, version.times):
                yield entry, name, text


def _times_in(node: object, names: frozenset[str]) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name in names and isinstance(value, str):
                yield name, value
            elif name != "customData":
                yield from _times_in(value, names)
    elif isinstance(node, list):
        for value in node:
            yield from _times_in(value, names)


# -- answers ----------------------------------------------------------------------------------------------------

_ALWAYS_ALLOWED = frozenset({"NotImplemented", "NotSupported", "SecurityError"})
_OVER_LIMIT: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "2.0.1": (
        frozenset({"GetVariables", "SetVariables", "GetReport"}),
        frozenset({"OccurrenceConstraintViolation", "FormatViolation"}),
    ),
    "1.6": (
        frozenset(
            {
                "ChangeConfiguration",
                "GetConfiguration",
                "RemoteStartTransaction",
                "SendLocalList",
                "SetChargingProfile",
            }
        ),
        frozenset(
            {
                "FormatViolation",
                "FormationViolation",
                "OccurenceConstraintViolation",
                "OccurrenceConstraintViolation",
                "PropertyConstraintViolation",
                "TypeConstraintViolation",
            }
        ),
    ),
}
"""The actions that hold what may be too much or out of range for a station, and the codes to say so, by version."""
_OUT_OF_REACH = frozenset({"driver: power_off", "driver: cut_network"})


def answers(transcript: Transcript, station: str, *, limit: float, now: float, role: Role = "station") -> Misses:
    """J.ANSWER.01, .03 and .04: every valid call is answered with a result, once, and within `limit` seconds.

    `now` is the monotonic time: calls whose time is not up yet are left out. So are calls on a connection that went,
    that was stalled or cut, and calls before the station was accepted, as far as they have rules of their own. A
    refusal is right where the other side does not offer the action or names a security reason, and for more items or
    bytes than a station takes (B06.FR.16, .17), or values out of range (1.6, among them errata 3.39 and TC_060_CS).
    """
    found: dict[str, list[Miss]] = {requirement: [] for requirement in ("J.ANSWER.01", "J.ANSWER.03", "J.ANSWER.04")}
    versions = _versions(transcript)
    meant = {call.n for _, call in _stray(transcript, station) if call is not None}
    excused = _Excuses(transcript, station, limit, role)
    for exchange in transcript.exchanges(sender="harness", station=station):
        call, answer, version = exchange.call, exchange.answer, versions.get(exchange.call.link)
        if not isinstance(call.frame, Call) or call.problems or _says_null(call) or version is None:
            continue
        if excused.not_accepted(call, version):
            continue
        if answer is None:
            if now - call.at >= limit and call.n not in meant and not excused.unanswered(call):
                message = f"{call.frame.action} was not answered within {limit:g} s"
                found["J.ANSWER.01"].append(Miss(message, (call,)))
            continue
        if not _right(version, call.frame.action, answer):
            what = getattr(answer.frame, "code", "a broken frame")
            found["J.ANSWER.01"].append(
                Miss(f"{call.frame.action}, which was valid, was answered {what}", (call, answer))
            )
        if answer.at - call.at > limit and not excused.unanswered(call):
            message = f"the answer to {call.frame.action} took {answer.at - call.at:.1f} s, {limit:g} s is the limit"
            found["J.ANSWER.04"].append(Miss(message, (call, answer)))
    found["J.ANSWER.03"] += [
        Miss("a call was answered twice", (entry,))
        for entry in transcript.duplicates()
        if entry.sender == "sut" and entry.station == station
    ]
    found["J.ANSWER.03"] += [
        Miss(f"an answer with the id {_shown(entry)}, which nobody asked for", (entry,))
        for entry, call in _stray(transcript, station)
        if call is None
    ]
    return found


def _right(version: Version, action: str, answer: Entry) -> bool:
    if isinstance(answer.frame, CallError):
        code = answer.frame.code
        limited, over_limit = _OVER_LIMIT.get(version.name, (frozenset(), frozenset()))
        return code in _ALWAYS_ALLOWED or (action in limited and code in over_limit) or not _is_known(version, code)
    # A broken answer is no silence, and a broken refusal is judged as such.
    return True


def _is_known(version: Version, code: str) -> bool:
    """Whether a code is one that this version has; another one is judged as a wrong code already."""
    return code in version.error_codes | version.error_code_variants


class _Excuses:
    """Why a call may have gone unanswered, or been refused."""

    def __init__(self, transcript: Transcript, station: str, limit: float, role: Role) -> None:
        self._limit = limit
        self._role = role
        self._closed: dict[int | None, float] = {}
        self._cut: list[float] = []
        self._stalls: list[tuple[float, float]] = []
        began: float | None = None
        for entry in transcript.entries:
            if entry.kind == "close":
                self._closed.setdefault(entry.link, entry.at)
            elif entry.kind == "note" and entry.detail.get("text") in _OUT_OF_REACH:
                self._cut.append(entry.at)
            elif entry.kind == "fault" and entry.detail.get("fault") == "stalled":
                if entry.detail.get("phase") == "begin":
                    began = entry.at
                elif began is not None:
                    self._stalls.append((began, entry.at))
                    began = None
        if began is not None:
            self._stalls.append((began, float("inf")))
        self._opened = {entry.link: entry.at for entry in transcript.entries if entry.kind == "open"}
        boots = [
            (each.answer.n, each.answer.frame.payload.get("status"))
            for each in transcript.exchanges(
                sender="sut" if role == "station" else "harness", station=station, action="BootNotification"
            )
            if each.answer is not None and isinstance(each.answer.frame, CallResult)
        ]
        self._boots = sorted((n, str(status)) for n, status in boots)

    def unanswered(self, call: Entry) -> bool:
        """Whether the call, or its answer, may have been lost."""
        until = call.at + self._limit
        if call.detail.get("dropped") or self._closed.get(call.link, float("inf")) <= until:
            return True
        opened = self._opened.get(call.link, call.at)
        if any(opened <= cut <= until for cut in self._cut):
            return True
        return any(began <= until and call.at <= ended for began, ended in self._stalls)

    def not_accepted(self, call: Entry, version: Version) -> bool:
        """Whether the call came before the boot was accepted, when other rules say what becomes of it.

        A station answers while it is pending, which 1.6 only recommends; a CSMS always answers a boot.
        """
        before = bisect_right(self._boots, (call.n, ""))
        status = self._boots[before - 1][1] if before > 0 else None
        if self._role == "csms":
            return status != "Accepted" and getattr(call.frame, "action", "") != "BootNotification"
        return status == "Rejected" or (status == "Pending" and version.name == "1.6")


# -- handshakes ----------------------------------------------------------------------------------------------------


def handshakes(transcript: Transcript, station: str, *, endpoint: str, version: str) -> Misses:
    """J.HANDSHAKE.01, .02 and .03: names its versions by their registered names, and dials endpoint/identity.

    `endpoint` is the path that the station was given, without its identity (Part 4 3.1).
    """
    found: dict[str, list[Miss]] = {
        requirement: [] for requirement in ("J.HANDSHAKE.01", "J.HANDSHAKE.02", "J.HANDSHAKE.03")
    }
    spoken = VERSIONS[version].subprotocol
    for entry in dialled(transcript, station):
        offered = tuple(entry.detail["offered"])
        if not offered:
            found["J.HANDSHAKE.01"].append(Miss("no version is named in Sec-WebSocket-Protocol", (entry,)))
        elif spoken not in offered:
            found["J.HANDSHAKE.01"].append(Miss(f"{spoken} is not among {', '.join(offered)[:100]}", (entry,)))
        odd = [name for name in offered if name not in _REGISTERED]
        if odd:
            found["J.HANDSHAKE.02"].append(Miss(f"{', '.join(odd)[:100]} is no registered name", (entry,)))
        path = str(entry.detail.get("path", "")).partition("?")[0]
        if unquote(path.rpartition("/")[0]) != unquote(endpoint.rstrip("/")):
            expected = f"{endpoint.rstrip('/')}/{station}"
            found["J.HANDSHAKE.03"].append(Miss(f"{path[:100]} was dialled, not {expected}", (entry,)))
    return found


_REGISTERED = frozenset({*BY_SUBPROTOCOL, "ocpp1.2", "ocpp1.5", "ocpp2.0"})


def dialled(transcript: Transcript, station: str) -> list[Entry]:
    """The handshakes for this identity that came to a proper request, opened or refused."""
    return [
        entry
        for entry in transcript.entries
        if entry.kind == "handshake" and entry.detail.get("identity") == station and entry.detail["status"] is not None
    ]


def upgrades(transcript: Transcript, station: str, *, version: str, patience: float, now: float) -> Misses:
    """J.HANDSHAKE.08 and .09, J.CONN.02 and J.COMPRESS.01: what a CSMS answers to the harness's request to connect.

    A request that it refuses is not judged: it may not know the station, or want another password. Where no version is
    agreed on, it may take `patience` seconds to close the connection; `now` is the monotonic time (Part 4 3.2, 3.3).
    """
    requirements = ("J.HANDSHAKE.08", "J.HANDSHAKE.09", "J.CONN.02", "J.COMPRESS.01")
    found: dict[str, list[Miss]] = {requirement: [] for requirement in requirements}
    closed = {entry.link: entry for entry in transcript.entries if entry.kind == "close"}
    for entry in dialled(transcript, station):
        if entry.detail["status"] != _SWITCHED:
            continue
        for requirement, message in [*_wrong_choice(entry, version), *_wrong_extensions(entry)]:
            found[requirement].append(Miss(message, (entry,)))
        if _nothing_in_common(entry) and entry.detail["chosen"] is None:
            end = closed.get(entry.link)
            open_for = (now if end is None else end.at) - entry.at
            if open_for >= patience and (end is None or end.sender != "sut"):
                message = f"without a common version, the connection was left open for {open_for:.1f} s"
                found["J.HANDSHAKE.08"].append(Miss(message, (entry,) if end is None else (entry, end)))
    return found


_SWITCHED = 101


def _wrong_choice(upgrade: Entry, version: str) -> Iterator[tuple[str, str]]:
    offered, chosen = _offers(upgrade), upgrade.detail["chosen"]
    told = f"of {', '.join(offered) or 'no version'}, {chosen or 'none'} was selected"
    if VERSIONS[version].subprotocol in offered:
        if chosen not in offered or chosen not in BY_SUBPROTOCOL:
            yield "J.HANDSHAKE.09", told
    elif chosen is not None and (chosen not in offered or chosen not in BY_SUBPROTOCOL):
        yield "J.HANDSHAKE.08", told


def _nothing_in_common(upgrade: Entry) -> bool:
    """Whether versions were offered, and none of them exists."""
    offered = _offers(upgrade)
    return bool(offered) and not any(name in _REGISTERED for name in offered)


def _offers(upgrade: Entry) -> tuple[str, ...]:
    """The versions that the header named, however it was written."""
    named = (name.strip() for name in _header(upgrade, "headers", "sec-websocket-protocol").split(","))
    return tuple(name for name in named if name) or tuple(upgrade.detail["offered"])


def _wrong_extensions(upgrade: Entry) -> Iterator[tuple[str, str]]:
    offered, agreed = (_header(upgrade, which, _EXTENSIONS) for which in ("headers", "response_headers"))
    if agreed and not offered:
        yield "J.CONN.02", f"the extension {agreed[:100]} was agreed to, and had not been offered"
    if _DEFLATE in offered and _DEFLATE not in agreed:
        yield "J.COMPRESS.01", f"{_DEFLATE} was offered, and not agreed to"


def _header(upgrade: Entry, which: str, wanted: str) -> str:
    headers = upgrade.detail.get(which) or {}
    return ", ".join(str(value) for name, value in headers.items() if name.casefold() == wanted)


_EXTENSIONS = "sec-websocket-extensions"
_DEFLATE = "permessage-deflate"
