"""The record of everything on the wire: append-only, and the only evidence there is.

An answer belongs to the request with its message id on the same link, sent the other way. Where a request was sent
again with the same id, which retries may do, an answer goes to the newest that has none.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from types import MappingProxyType
from typing import Any, Literal, Protocol, overload

import msgspec

from conformance.wire.frames import Frame, Malformed
from conformance.wire.redaction import Secrets
from conformance.wire.schemas import Problem

Kind = Literal["tls", "handshake", "open", "frame", "ping", "pong", "close", "fault", "note"]
Sender = Literal["sut", "harness"]

_CALLS = frozenset({2, 6})
_ANSWERS = frozenset({3, 4})
_REFUSED_ANSWER = 5
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One thing that happened.

    `n` is its place in the transcript, from 0; `utc` and `at` are when: aware, and in monotonic seconds. `link` is the
    number of the connection, `station` the identity, `sender` who did it. `problems` are those that the schema finds
    in `frame`. What `detail` holds depends on `kind`:

    * handshake: `path`, `identity`, `offered`, `chosen`, `headers`, `status` (the HTTP status, None where it did not
      come to one), `error` (None if the connection was opened), `remote`, `compression`; and `received`, how many bytes
      had come where it failed before it could be answered
    * tls: `ok`, `version`, `suite`, `resumed`, `sni`, `offered` (`versions`, `suites`, `compression`, `groups`,
      `signature_algorithms`, by the names of IANA), `chain` (of the other end: what `CertificateFacts.to_json` gives
      for each certificate, or `sha256` and `problem`), `shown` (that of the harness), `alert_sent`, `alert_received`
      (as in RFC 8446), `error` (None if TLS was agreed) and `data` (how many bytes of the application had come). An
      alert after that is another entry, with `late`; a hello that was sent just to see the reply has `probe`, and
      who took an old version that was answered by hand has `went_along`. `sender` is who dialled
    * open: `subprotocol`, `version`
    * frame: nothing, or `dropped` for one that a fault kept from the wire, or cut off; such an answer answers nothing
    * ping, pong: `data`
    * close: `code`, `reason`, `by` (a sender or None), `how`: "close frame", "reset", "eof" or "timeout"; and `error`
    * fault: `fault`, `phase` ("begin", "end", or "strikes" with the number of the frame that it concerns as `frame`),
      and what the fault was given
    * note: `text`, and whatever goes with it

    Entries are equal only to themselves. The value of an Authorization header is never in one.
    """

    n: int
    utc: datetime
    at: float
    kind: Kind
    link: int | None = None
    station: str | None = None
    sender: Sender | None = None
    frame: Frame | None = None
    problems: tuple[Problem, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    secrets: Secrets | None = field(default=None, repr=False)

    @property
    def text(self) -> str:
        """The frame as it was on the wire, without secrets; "" for what is no frame."""
        if self.frame is None:
            return ""
        return self.frame.raw if self.secrets is None else self.secrets.text(self.frame.raw)

    def to_json(self) -> dict[str, Any]:
        """The entry as JSON values, without secrets; a frame gives `type`, `id`, `action` and `raw`."""
        result: dict[str, Any] = {
            "n": self.n,
            "utc": self.utc.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "at": self.at,
            "kind": self.kind,
        }
        for name in ("link", "station", "sender"):
            value = getattr(self, name)
            if value is not None:
                result[name] = value
        if self.frame is not None:
            result["frame"] = {
                "type": self.frame.message_type,
                "id": self.frame.message_id,
                "action": getattr(self.frame, "action", None),
                "raw": self.text,
            }
        if self.problems:
            result["problems"] = [problem.to_json() for problem in self.problems]
        if self.detail:
            result["detail"] = dict(self.detail)
        if self.secrets is None or not self.secrets.known:
            return result
        frame = result.pop("frame", None)
        hidden: dict[str, Any] = self.secrets.value(result)
        if frame is not None:
            hidden["frame"] = {**self.secrets.value({**frame, "raw": ""}), "raw": frame["raw"]}
        return hidden

    def __str__(self) -> str:
        """One line for people, without secrets."""
        who = f"{self.sender} " if self.sender else ""
        what = self.text or ", ".join(f"{name}={value}" for name, value in self.to_json().get("detail", {}).items())
        return f"#{self.n} {self.utc:%H:%M:%S.%f} {who}{self.kind} {what}"


@dataclass(frozen=True, slots=True, eq=False)
class Exchange:
    """A request and what came of it.

    `answer` is None until one came; it may be `Malformed` if its type and id could be read. `later` are further
    answers to the same request; `refusal` says that the requester rejected the answer (2.1's CALLRESULTERROR).
    """

    call: Entry
    answer: Entry | None
    later: tuple[Entry, ...] = ()
    refusal: Entry | None = None


class Sink(Protocol):
    """Takes each entry as it is made."""

    def write(self, entry: Entry) -> None:
        """Keep one entry. Must not raise."""


class JsonLinesSink:
    """Writes one line of JSON per entry, handed to the operating system at once, at the end of the file.

    Opening raises OSError. When writing fails (disk full), the error is kept as `failure` and nothing more is written:
    the file then ends within that line, and the transcript in memory goes on.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.failure: OSError | None = None
        self._file = self.path.open("ab", buffering=0)

    def write(self, entry: Entry) -> None:
        """Write one entry as a line."""
        if self.failure is not None or self._file.closed:
            return
        line = memoryview(_line(entry))
        try:
            while line:
                line = line[self._file.write(line) :]
        except OSError as error:
            self.failure = error

    def close(self) -> None:
        """Close the file; entries that come later are not written."""
        try:
            self._file.close()
        except OSError as error:
            self.failure = self.failure or error


def _line(entry: Entry) -> bytes:
    values = entry.to_json()
    try:
        return msgspec.json.encode(values, enc_hook=_plain) + b"\n"
    except UnicodeEncodeError:
        return msgspec.json.encode(_sane(values), enc_hook=_plain) + b"\n"


def _plain(value: object) -> object:
    """What JSON can hold instead of a value that it can't."""
    return dict(value) if isinstance(value, Mapping) else repr(value)


def _sane(value: Any) -> Any:
    """The same without lone surrogates, which UTF-8 can't hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {_sane(key): _sane(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_sane(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class Clock:
    """Where times come from: `utcnow` gives an aware time in UTC, `monotonic` seconds."""

    utcnow: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = monotonic


SYSTEM_CLOCK = Clock()
"""The clocks of this computer."""


class _Record:
    """An exchange in the making."""

    __slots__ = ("answer", "call", "later", "refusal")

    def __init__(self, call: Entry) -> None:
        self.call = call
        self.answer: Entry | None = None
        self.later: list[Entry] = []
        self.refusal: Entry | None = None

    def exchange(self) -> Exchange:
        return Exchange(self.call, self.answer, tuple(self.later), self.refusal)


class _View(Sequence[Entry]):
    """The entries, for reading."""

    __slots__ = ("_entries",)

    def __init__(self, entries: list[Entry]) -> None:
        self._entries = entries

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | Sequence[Entry]:
        return self._entries[index]

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)


_Key = tuple[int | None, Sender | None, str | None]


class Transcript:
    """Everything that happened, in order. To be used from one thread."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK, sink: Sink | None = None) -> None:
        self.clock = clock
        self.sink = sink
        self.secrets = Secrets()
        self._entries: list[Entry] = []
        self._view = _View(self._entries)
        self._frames: list[Entry] = []
        self._calls: list[_Record] = []
        self._by_id: dict[_Key, list[_Record]] = {}
        self._by_entry: dict[int, _Record] = {}
        self._unasked: list[Entry] = []
        self._watchers: list[Callable[[Entry], None]] = []
        self._unannounced: deque[Entry] = deque()
        self._announcing = False
        self._links = 0

    # -- writing ----------------------------------------------------------------------------------------------------

    def add(  # noqa: PLR0913 -- the fields of an entry, by name
        self,
        kind: Kind,
        *,
        link: int | None = None,
        station: str | None = None,
        sender: Sender | None = None,
        frame: Frame | None = None,
        problems: tuple[Problem, ...] = (),
        detail: Mapping[str, Any] | None = None,
    ) -> Entry:
        """Append an entry with the time of now, write it to the sink and tell the watchers.

        A watcher may add entries: they are announced after this one. What a watcher raises is raised here, after the
        entry was kept.
        """
        if frame is not None:
            self.secrets.learn(frame)
        entry = Entry(
            len(self._entries),
            self.clock.utcnow(),
            self.clock.monotonic(),
            kind,
            link,
            station,
            sender,
            frame,
            problems,
            MappingProxyType(dict(detail)) if detail else _NOTHING,
            self.secrets,
        )
        self._entries.append(entry)
        if frame is not None:
            self._file(entry, frame)
        if self.sink is not None:
            self.sink.write(entry)
        if self._watchers:
            self._announce(entry)
        return entry

    def new_link(self) -> int:
        """The number for another connection, from 1."""
        self._links += 1
        return self._links

    def note(self, text: str, **detail: Any) -> Entry:
        """Append a remark of the harness."""
        return self.add("note", sender="harness", detail={"text": text, **detail})

    def redact(self, secrets: Iterable[str]) -> None:
        """Hide these texts in whatever is exported from now on, of earlier entries too.

        To be called before the first connection: lines that the sink has already written stay as they are. Passwords
        that go over the wire in SetVariables, ChangeConfiguration or SetNetworkProfile are taken up unasked.
        """
        self.secrets.add(secrets)

    # -- watching ---------------------------------------------------------------------------------------------------

    def watch(self, callback: Callable[[Entry], None]) -> None:
        """Call back with every entry from now on, at once and in order."""
        self._watchers.append(callback)

    def unwatch(self, callback: Callable[[Entry], None]) -> None:
        """Stop calling back; nothing happens if it was not watching."""
        if callback in self._watchers:
            self._watchers.remove(callback)

    # -- reading ----------------------------------------------------------------------------------------------------

    @property
    def entries(self) -> Sequence[Entry]:
        """All entries so far, by their numbers; it grows as they come."""
        return self._view

    def since(self, n: int) -> Sequence[Entry]:
        """The entries from number `n` on."""
        return self._entries[max(n, 0) :]

    def frames(  # noqa: PLR0913 -- filters, by name
        self,
        *,
        sender: Sender | None = None,
        kind: type[Any] | tuple[type[Any], ...] | None = None,
        action: str | None = None,
        station: str | None = None,
        link: int | None = None,
        since: int = 0,
    ) -> list[Entry]:
        """The entries with frames that meet all of these, in order.

        `kind` is a class of frame or several; `action` is that of the request, for an answer too; `since` the number
        to begin with.
        """
        first = bisect_left(self._frames, since, key=_number) if since else 0
        return [
            entry
            for entry in (self._frames[first:] if first else self._frames)
            if (sender is None or entry.sender == sender)
            and (kind is None or isinstance(entry.frame, kind))
            and (station is None or entry.station == station)
            and (link is None or entry.link == link)
            and (action is None or self.action_of(entry) == action)
        ]

    def action_of(self, entry: Entry) -> str | None:
        """The action that a frame is about: its own, or that of the request it answers; None where unknown."""
        action: str | None = getattr(entry.frame, "action", None)
        if action is None:
            record = self._by_entry.get(entry.n)
            action = getattr(record.call.frame, "action", None) if record is not None else None
        return action

    def exchanges(
        self,
        *,
        sender: Sender | None = None,
        action: str | None = None,
        station: str | None = None,
        link: int | None = None,
        since: int = 0,
    ) -> list[Exchange]:
        """Requests with their answers, in the order of the requests; `sender` is who asked.

        Broken requests whose type and id could be read are there too, with what was answered.
        """
        first = bisect_left(self._calls, since, key=_call_number) if since else 0
        return [
            record.exchange()
            for record in (self._calls[first:] if first else self._calls)
            if (sender is None or record.call.sender == sender)
            and (station is None or record.call.station == station)
            and (link is None or record.call.link == link)
            and (action is None or getattr(record.call.frame, "action", None) == action)
        ]

    def exchange(self, entry: Entry) -> Exchange | None:
        """The exchange that a frame is part of, as request or as answer; None for no such part."""
        record = self._by_entry.get(entry.n)
        return None if record is None else record.exchange()

    def asked(self, link: int | None, sender: Sender, message_id: str | None) -> Entry | None:
        """The newest request with this id that `sender` made on a link, preferably one without an answer."""
        records = self._by_id.get((link, sender, message_id))
        return None if records is None else _open(records).call

    def unasked(self) -> list[Entry]:
        """Answers to no request that is known; those to the id "-1" are among them."""
        return list(self._unasked)

    def duplicates(self) -> list[Entry]:
        """Answers to a request that already had one."""
        return sorted((entry for record in self._calls for entry in record.later), key=_number)

    # -- inside -----------------------------------------------------------------------------------------------------

    def _file(self, entry: Entry, frame: Frame) -> None:
        """Put a frame where look-ups find it."""
        self._frames.append(entry)
        number = frame.message_type
        if number == 2:  # noqa: PLR2004 -- the first, for it is every other frame
            self._file_call(entry, frame)
        elif number in _ANSWERS:
            self._file_answer(entry, frame)
        elif number == _REFUSED_ANSWER:
            record = self._find(entry.link, entry.sender, frame.message_id)
            if record is None:
                self._unasked.append(entry)
            else:
                record.refusal = entry
                self._by_entry[entry.n] = record

    def _file_call(self, entry: Entry, frame: Frame) -> None:
        if frame.message_id is None:
            return
        record = _Record(entry)
        self._calls.append(record)
        self._by_entry[entry.n] = record
        self._by_id.setdefault((entry.link, entry.sender, frame.message_id), []).append(record)

    def _file_answer(self, entry: Entry, frame: Frame) -> None:
        asker: Sender | None = {"sut": "harness", "harness": "sut"}.get(entry.sender or "")  # type: ignore[assignment]
        record = self._find(entry.link, asker, frame.message_id)
        if record is None:
            if type(frame) is not Malformed or frame.message_id is not None:
                self._unasked.append(entry)
            return
        self._by_entry[entry.n] = record
        if entry.detail.get("dropped"):
            return  # nobody was answered
        if record.answer is None:
            record.answer = entry
        else:
            record.later.append(entry)

    def _find(self, link: int | None, sender: Sender | None, message_id: str | None) -> _Record | None:
        records = self._by_id.get((link, sender, message_id))
        return None if records is None else _open(records)

    def _announce(self, entry: Entry) -> None:
        self._unannounced.append(entry)
        if self._announcing:
            return
        self._announcing = True
        failure: Exception | None = None
        try:
            while self._unannounced:
                each = self._unannounced.popleft()
                for watcher in tuple(self._watchers):
                    try:
                        watcher(each)
                    except Exception as error:  # noqa: BLE001 -- one watcher must not blind the others
                        failure = failure or error
        finally:
            self._announcing = False
        if failure is not None:
            raise failure


def _open(records: list[_Record]) -> _Record:
    """The newest that has no answer, or the newest."""
    for record in reversed(records):
        if record.answer is None:
            return record
    return records[-1]


def _number(entry: Entry) -> int:
    return entry.n


def _call_number(record: _Record) -> int:
    return record.call.n
