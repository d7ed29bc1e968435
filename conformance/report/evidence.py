"""The wire trace of a case, for people: what was sent when, by whom, and where the findings point."""

import datetime as dt
import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from conformance.cases.verdict import Verdict
from conformance.report import view

_LONGEST_PAYLOAD = 2000
_LONGEST_TRACE = 200_000
_LONGEST_DETAIL = 300
_LAST_SHARE = 0.4
_NARROW = 88
_MOST_PROBLEMS = 8
_INDENT = " " * 14
_SEND = 6
_WITH_ACTION = (2, _SEND)
_ACTION = 2
"""The place of the action in a request; in an answer, that of its first part."""
_OFF_THE_WIRE = ("fault", "note")
_CALMED = frozenset({"ping", "pong"})
_NAMES = {3: "CALLRESULT", 4: "CALLERROR", 5: "CALLRESULTERROR"}
_ARROWS = {"sut": "SUT → harness", "harness": "SUT ← harness"}

_Row = Mapping[str, Any]


class Mark(Protocol):
    """What points at frames: a `Finding` or a `FindingRow`."""

    @property
    def requirement(self) -> str:
        """The requirement that was judged."""

    @property
    def verdict(self) -> Verdict:
        """What it came to."""

    @property
    def frames(self) -> tuple[int, ...]:
        """The numbers of transcript entries."""


class Exported(Protocol):
    """An `Entry` of the transcript: it exports itself without secrets."""

    def to_json(self) -> dict[str, Any]:
        """The entry as JSON values, without secrets."""


def trace_text(entries: Iterable[Exported | _Row], findings: Iterable[Mark]) -> str:
    """The trace of a case: its transcript entries in order, with what the findings point at.

    `entries` are entries of the transcript, or lines of `transcript.jsonl` as dicts. Only what they export is shown,
    so that no secret gets in. Times are seconds since the first entry. The text takes about 200,000 characters at
    most: of a longer one the beginning and the end are kept.
    """
    rows = [entry if isinstance(entry, Mapping) else entry.to_json() for entry in entries]
    if not rows:
        return "nothing was on the wire\n"
    marks = _marks(findings)
    actions: dict[tuple[object, object, object], str] = {}
    began = float(rows[0]["at"])
    start = dt.datetime.fromisoformat(str(rows[0]["utc"]))
    head = f"times are seconds after {start:%Y-%m-%d %H:%M:%S.%f} UTC; entries {rows[0]['n']} to {rows[-1]['n']}\n"
    blocks = [
        _beats(row, began) if isinstance(row, list) else _block(row, began, marks, actions)
        for row in _folded(rows, marks)
    ]
    return head + _capped(blocks)


def _marks(findings: Iterable[Mark]) -> dict[int, list[str]]:
    marks: dict[int, list[str]] = {}
    for finding in findings:
        passed = finding.verdict is Verdict.PASS
        mark = finding.requirement if passed else f"{finding.requirement} {finding.verdict}"
        for number in finding.frames:
            if mark not in marks.setdefault(number, []):
                marks[number].append(mark)
    return marks


def _folded(rows: Iterable[_Row], marks: Mapping[int, object]) -> Iterator[_Row | list[_Row]]:
    """The rows, with each run of pings and pongs that nothing points at as one list."""
    beats: list[_Row] = []
    for row in rows:
        if row["kind"] in _CALMED and row["n"] not in marks:
            beats.append(row)
            continue
        if beats:
            yield beats
            beats = []
        yield row
    if beats:
        yield beats


def _beats(rows: list[_Row], began: float) -> str:
    counts = [(kind, sum(row["kind"] == kind for row in rows)) for kind in ("ping", "pong")]
    said = ", ".join(view.plural(number, kind) for kind, number in counts if number)
    return f"{_when(rows[0], began)}   ({said})\n"


def _block(
    row: _Row, began: float, marks: Mapping[int, list[str]], actions: dict[tuple[object, object, object], str]
) -> str:
    what, body = _frame(row, actions) if "frame" in row else _event(row)
    link = f" link {row['link']}" if row.get("link") is not None else ""
    arrow = "" if row["kind"] in _OFF_THE_WIRE else _ARROWS.get(row.get("sender", ""), "")
    pointed = "".join(f"  ◀ {mark}" for mark in marks.get(row["n"], ()))
    lines = [f"{_when(row, began)} {arrow:<13}{link} {what}{pointed}\n"]
    problems = row.get("problems", ())
    lines += [f"{_INDENT}! {_problem(problem)}\n" for problem in problems[:_MOST_PROBLEMS]]
    if len(problems) > _MOST_PROBLEMS:
        lines.append(f"{_INDENT}! … and {len(problems) - _MOST_PROBLEMS} more\n")
    if body:
        lines.append(body)
    return "".join(lines)


def _when(row: _Row, began: float) -> str:
    return f"#{row['n']:<5} {float(row['at']) - began:9.3f}"


def _frame(row: _Row, actions: dict[tuple[object, object, object], str]) -> tuple[str, str]:
    """What a frame is, on one line, and its payload on those after it."""
    frame = row["frame"]
    kind, message_id, action, raw = frame.get("type"), frame.get("id"), frame.get("action"), str(frame.get("raw", ""))
    if kind in _WITH_ACTION:
        actions[row.get("link"), row.get("sender"), message_id] = str(action)
        name = f"{action}{' (SEND)' if kind == _SEND else ''}"
    else:
        about = actions.get((row.get("link"), _other(row.get("sender")), message_id))
        name = f"{_NAMES.get(kind, 'not an OCPP message')}{f' to {about}' if about else ''}"
    dropped = "  (kept from the wire)" if row.get("detail", {}).get("dropped") else ""
    identified = f" [{view.one_line(str(message_id), 40)}]" if message_id is not None else ""
    return f"{view.one_line(name, 120)}{identified}{dropped}", _payload(kind, raw)


def _other(sender: object) -> str:
    return "harness" if sender == "sut" else "sut"


def _payload(kind: object, raw: str) -> str:
    """What a frame carries, on one line if it is short; what can't be read stays as it was on the wire."""
    if len(raw) > _LONGEST_TRACE:
        return _indented(raw)
    try:
        items = json.loads(
            raw, object_pairs_hook=_Object, parse_int=_Number, parse_float=_Number, parse_constant=_Number
        )
        if kind in _WITH_ACTION and len(items) > _ACTION + 1:
            return _indented(_pretty(items[_ACTION + 1]))
        if kind in _NAMES and len(items) > _ACTION:
            return _indented("  ".join(_pretty(item) for item in items[_ACTION:]))
    except (ValueError, TypeError, RecursionError):
        return _indented(raw)
    return _indented(raw)


class _Number(str):
    """A number as it was written: neither `16.10` nor `1e400` survives being read."""

    __slots__ = ()


class _Object(list[tuple[str, Any]]):
    """The members of an object as they were sent, also those whose name comes twice."""


def _pretty(value: object, depth: int = 0) -> str:
    flat = _flat(value)
    if not isinstance(value, list) or len(flat) + depth <= _NARROW:
        return flat
    if isinstance(value, _Object):
        members = [f"{_flat(name)}: {_pretty(each, depth + 1)}" for name, each in value]
    else:
        members = [_pretty(each, depth + 1) for each in value]
    inner, outer = "\n" + " " * (depth + 1), "\n" + " " * depth
    first, last = "{}" if isinstance(value, _Object) else "[]"
    return first + inner + f",{inner}".join(members) + outer + last


def _flat(value: object) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, _Object):
        return "{" + ", ".join(f"{_flat(name)}: {_flat(each)}" for name, each in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flat(each) for each in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _indented(text: str) -> str:
    cut = text[:_LONGEST_PAYLOAD]
    lines = [f"{_INDENT}{view.harmless(line)}\n" for line in cut.split("\n")]
    if len(text) > len(cut):
        lines.append(f"{_INDENT}… cut here, {len(text)} characters in all: see the transcript\n")
    return "".join(lines)


def _event(row: _Row) -> tuple[str, str]:
    """What else happened, on one line, and the headers of a handshake on those after it."""
    detail = dict(row.get("detail", {}))
    kind = row["kind"]
    if kind == "note":
        text = str(detail.pop("text", ""))
        return f"-- {view.one_line(text, _LONGEST_DETAIL)}{_details(detail)}", ""
    if kind == "fault":
        return f"** network fault: {detail.pop('fault', '?')} {detail.pop('phase', '')}{_details(detail)}", ""
    if kind == "handshake":
        status, headers = detail.pop("status", None), detail.pop("headers", None) or {}
        listed = headers.items() if isinstance(headers, Mapping) else headers
        shown = "\n".join(f"{name}: {value}" for name, value in listed)
        return f"handshake {'failed' if status is None else status}{_details(detail)}", _indented(
            shown
        ) if shown else ""
    if kind == "tls":
        return _tls(detail)
    return f"{kind}{_details(detail)}", ""


def _tls(detail: dict[str, Any]) -> tuple[str, str]:
    """A TLS handshake on one line, and what was offered and shown in it on those after it."""
    late, failed = detail.pop("late", False), not detail.pop("ok", False)
    name = "TLS ended late" if late else "TLS failed" if failed else "TLS agreed"
    offered = detail.pop("offered", None) or {}
    lines = [] if late else [f"offered {each}: {', '.join(map(str, offered[each]))}" for each in offered]
    for who, chain in (("the other end", detail.pop("chain", ())), ("the harness", detail.pop("shown", ()))):
        lines += [] if late else [f"{who} showed {_certificate(each)}" for each in chain]
    return f"{name}{_details(detail)}", _indented("\n".join(lines)) if lines else ""


def _certificate(facts: Mapping[str, Any]) -> str:
    if "problem" in facts:
        return f"a certificate that can't be read: {facts['problem']}"
    until = f"{facts['not_before']} to {facts['not_after']}"
    names = f", for {', '.join(facts['names'])}" if facts.get("names") else ""
    return f"{facts['subject']} by {facts['issuer']}, {facts['key']}, {facts['signature']}, {until}{names}"


def _details(detail: Mapping[str, Any]) -> str:
    shown = {name: value for name, value in detail.items() if value not in (None, "", [], {})}
    return "".join(f", {name} {view.one_line(_word(value), _LONGEST_DETAIL)}" for name, value in shown.items())


def _word(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _problem(problem: Mapping[str, str]) -> str:
    return view.one_line(
        f"{problem['path'] or 'payload'}: {problem['message']} ({problem['keyword']})", _LONGEST_DETAIL
    )


def _capped(blocks: list[str]) -> str:
    """All blocks, or the first and the last ones with a note of how many lie between."""
    if sum(map(len, blocks)) <= _LONGEST_TRACE:
        return "".join(blocks)
    tail: deque[str] = deque()
    room = _LONGEST_TRACE * _LAST_SHARE
    while len(blocks[-1]) <= room:
        room -= len(blocks[-1])
        tail.appendleft(blocks.pop())
    kept: list[str] = []
    room = _LONGEST_TRACE * (1 - _LAST_SHARE)
    while len(blocks[len(kept)]) <= room:
        room -= len(blocks[len(kept)])
        kept.append(blocks[len(kept)])
    return "".join([*kept, f"\n… {len(blocks) - len(kept)} entries left out: see the transcript …\n\n", *tail])
