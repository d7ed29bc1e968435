"""What every frame of the system under test has to be, whatever the case: judged over the transcript of a session.

Each function looks at one side of it and returns the misses of each requirement that it judges, all of them named,
also those without a miss. Only what the system under test sent is judged, never the harness's own provocations; and
it is not to blame for what a fault, a scripted silence or a lost connection kept from it.
"""

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from conformance.wire.frames import MESSAGE_ID_LENGTH, UNREADABLE_ID, Call, CallError, CallResult, Malformed
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


def summary(misses: Sequence[Miss]) -> str:
    """The misses in one line, each with the number of its entry."""
    told = [f"#{miss.entries[-1].n}: {miss.message}" for miss in misses[:SHOWN]]
    more = len(misses) - SHOWN
    return "; ".join(told) + (f"; and {more} more" if more > 0 else "")


# -- framing ----------------------------------------------------------------------------------------------------


def framing(transcript: Transcript, station: str) -> Misses:
    """J.FRAME.01 to .04 and .06: text frames with JSON arrays of the right shape (Part 4 4.1.2, 4.1.3, 4.2)."""
    return _malformed(transcript, station, ("J.FRAME.01", "J.FRAME.02", "J.FRAME.03", "J.FRAME.04", "J.FRAME.06"))


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
        yield "J.FRAME.04", "an empty payload is written null, not {}"
    elif not isinstance(items[-1], dict):
        yield "J.FRAME.01", f"the payload is {_kind(items[-1])}, not an object"


def _kind(value: object) -> str:
    return {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}.get(type(value), "a number")


# -- message ids ----------------------------------------------------------------------------------------------------


def message_ids(transcript: Transcript, station: str) -> Misses:
    """J.ID.01, .02, .03 and .05: well-formed, never used twice, and repeated in answers (Part 4 4.1.4)."""
    found = _malformed(transcript, station, ("J.ID.01", "J.ID.05"))
    found["J.ID.02"] = list(_reused(transcript, station))
    found["J.ID.03"] = [
        Miss(f"the answer has the id {_shown(answer)}, and #{call.n} waits for one", (call, answer))
        for answer, call in _stray(transcript, station)
        if call is not None
    ]
    return found


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
    broken: list[Entry] = []
    for entry in transcript.frames(sender="harness", station=station):
        if entry.frame is not None and entry.frame.message_id is not None and _asks(entry):
            known[entry.frame.message_id].append(entry.n)
        if isinstance(entry.frame, Malformed):
            broken.append(entry)
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
        if message_id == UNREADABLE_ID and any(each.link == answer.link and each.n < answer.n for each in broken):
            continue
        meant = [each.call for each in open_calls if each.call.link == answer.link and each.call.n < answer.n]
        call = next((each for each in meant if each.n not in taken), None)
        if call is not None:
            taken.add(call.n)
        yield answer, call


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
    """J.SCHEMA.01, J.FRAME.05, J.ACTION.01 and .02: known actions, valid payloads, nothing empty in them."""
    versions = _versions(transcript)
    found: dict[str, list[Miss]] = {
        requirement: [] for requirement in ("J.SCHEMA.01", "J.FRAME.05", "J.ACTION.01", "J.ACTION.02")
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
    needed, payload = [], frame.payload
    for path in _empty_fields(payload):
        without = _without(payload, path)
        if any(problem.keyword == "required" for problem in _check(version, action, frame, without)):
            needed.append(path)
        else:
            payload = without
            yield "J.FRAME.05", f"{action}: {_pointer(path)} is empty, and was not left out"
    for problem in _check(version, action, frame, payload):
        if problem.keyword == "duplicateKey" or (problem.keyword == "format" and _is_time(problem)):
            continue
        yield "J.SCHEMA.01", f"{action}: {problem.path or 'payload'}: {problem.message}"


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


def _empty_fields(node: object, path: _Path = ()) -> Iterator[_Path]:
    """The paths of fields that are null, {} or []; what stands in customData is free."""
    if isinstance(node, dict):
        for name, value in node.items():
            if value is None or value in ({}, []):
                yield (*path, name)
            elif name != "customData":
                yield from _empty_fields(value, (*path, name))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _empty_fields(value, (*path, index))


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
    """J.ERROR.01 and .04: the code is one of this version, description and details are as they must (Part 4 4.2.3)."""
    found = _malformed(transcript, station, ("J.ERROR.01", "J.ERROR.04"))
    for entry in transcript.frames(sender="sut", station=station, kind=CallError):
        for problem in entry.problems:
            if problem.keyword == "errorCode":
                found["J.ERROR.01"].append(Miss(problem.message, (entry,)))
            elif problem.keyword == "errorDescription":
                found["J.ERROR.04"].append(Miss(f"the description has {problem.message}", (entry,)))
    return found


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

TIMES = frozenset(
    {
        "cacheExpiryDateTime",
        "currentTime",
        "departureTime",
        "endDateTime",
        "expiryDateTime",
        "generatedAt",
        "installDateTime",
        "latestTimestamp",
        "oldestTimestamp",
        "retrieveDateTime",
        "scheduleStart",
        "startDateTime",
        "startSchedule",
        "timeBase",
        "timestamp",
        "validFrom",
        "validTo",
    }
)
"""The fields of 2.0.1 that hold a time, wherever they stand."""

_DECIMALS = 3


def times(transcript: Transcript, station: str) -> Misses:
    """J.TIME.01, .02 and .04: RFC 3339, at most three decimals, in UTC (Part 2 3.1)."""
    found: dict[str, list[Miss]] = {requirement: [] for requirement in ("J.TIME.01", "J.TIME.02", "J.TIME.04")}
    for entry, name, text in written_times(transcript, station):
        if parse_timestamp(text) is None:
            found["J.TIME.01"].append(
                Miss(f"{name} {text[:60]!r} is no time of RFC 3339 with Z or an offset", (entry,))
            )
            continue
        decimals = len(text.partition(".")[2].rstrip("Zz").partition("+")[0].partition("-")[0])
        if decimals > _DECIMALS:
            found["J.TIME.02"].append(Miss(f"{name} {text} has {decimals} decimals, {_DECIMALS} are allowed", (entry,)))
        if text[-1] not in "Zz":
            found["J.TIME.04"].append(Miss(f"{name} {text} is not given in UTC with Z", (entry,)))
    return found


def written_times(transcript: Transcript, station: str) -> Iterator[tuple[Entry, str, str]]:
    """Every time that the system under test has written: the entry, the name of the field, the text."""
    for entry in transcript.frames(sender="sut", station=station, kind=(Call, CallResult)):
        assert isinstance(entry.frame, Call | CallResult)
        for name, text in _times_in(entry.frame.payload):
            yield entry, name, text


def _times_in(node: object) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name in TIMES and isinstance(value, str):
                yield name, value
            elif name != "customData":
                yield from _times_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from _times_in(value)


def _is_time(problem: Problem) -> bool:
    return problem.path.rpartition("/")[2] in TIMES


# -- answers ----------------------------------------------------------------------------------------------------

_ALWAYS_ALLOWED = frozenset({"NotImplemented", "NotSupported", "SecurityError"})
_LIMITED = frozenset({"GetVariables", "SetVariables", "GetReport"})
_OVER_LIMIT = frozenset({"OccurrenceConstraintViolation", "FormatViolation"})
_OUT_OF_REACH = frozenset({"driver: power_off", "driver: cut_network"})


def answers(transcript: Transcript, station: str, *, limit: float, now: float) -> Misses:
    """J.ANSWER.01, .03 and .04: every valid call is answered with a result, once, and within `limit` seconds.

    `now` is the monotonic time: calls whose time is not up yet are left out. So are calls on a connection that went,
    that was stalled or cut, and calls to a station that was rejected. A refusal is right where the station does not
    offer the action or names a security reason, and for more items or bytes than it takes (B06.FR.16, .17).
    """
    found: dict[str, list[Miss]] = {requirement: [] for requirement in ("J.ANSWER.01", "J.ANSWER.03", "J.ANSWER.04")}
    meant = {call.n for _, call in _stray(transcript, station) if call is not None}
    excused = _Excuses(transcript, station, limit)
    for exchange in transcript.exchanges(sender="harness", station=station):
        call, answer = exchange.call, exchange.answer
        if not isinstance(call.frame, Call) or call.problems:
            continue
        if answer is None:
            if now - call.at >= limit and call.n not in meant and not excused.unanswered(call):
                message = f"{call.frame.action} was not answered within {limit:g} s"
                found["J.ANSWER.01"].append(Miss(message, (call,)))
            continue
        if not _right(call.frame.action, answer):
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


def _right(action: str, answer: Entry) -> bool:
    if isinstance(answer.frame, CallError):
        code = answer.frame.code
        return code in _ALWAYS_ALLOWED or (action in _LIMITED and code in _OVER_LIMIT) or not _is_known(code)
    # A broken answer is no silence, and a broken refusal is judged as such.
    return True


def _is_known(code: str) -> bool:
    """Whether a code is one that 2.0.1 has; another one is judged as a wrong code already."""
    return code in VERSIONS["2.0.1"].error_codes


class _Excuses:
    """Why a call may have gone unanswered."""

    def __init__(self, transcript: Transcript, station: str, limit: float) -> None:
        self._limit = limit
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
            for each in transcript.exchanges(sender="sut", station=station, action="BootNotification")
            if each.answer is not None and isinstance(each.answer.frame, CallResult)
        ]
        self._boots = sorted((n, str(status)) for n, status in boots)

    def unanswered(self, call: Entry) -> bool:
        until = call.at + self._limit
        if call.detail.get("dropped") or self._closed.get(call.link, float("inf")) <= until:
            return True
        opened = self._opened.get(call.link, call.at)
        if any(opened <= cut <= until for cut in self._cut):
            return True
        if any(began <= until and call.at <= ended for began, ended in self._stalls):
            return True
        before = bisect_right(self._boots, (call.n, ""))
        return before > 0 and self._boots[before - 1][1] == "Rejected"


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
        offered = tuple(entry.detail.get("offered") or ())
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
    """The handshakes of this station that came to a proper request, opened or refused."""
    return [
        entry
        for entry in transcript.entries
        if entry.kind == "handshake"
        and entry.sender == "sut"
        and entry.detail.get("identity") == station
        and entry.detail.get("status") is not None
    ]
