"""The journal of what a run has changed at a station and has not put back yet: it outlives the process."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

Request = tuple[str, dict[str, Any]]
"""An action and its payload."""


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a request replaces at a station.

    `what` names it for people and is its key in the journal, `was` is what was there before, empty where that can't be
    read, `undo` the request that brings it back, where one can be told beforehand. `hashes` are those of passwords that
    the station may have been given, `url` is where a network profile leads now. `case` and `at` say where and when it
    was changed.
    """

    what: str
    was: str = ""
    undo: Request | None = None
    hashes: tuple[str, ...] = ()
    url: str = ""
    case: str = ""
    at: str = ""

    def __str__(self) -> str:
        was = f" (was {self.was})" if self.was else ""
        now = f" (leads to {self.url})" if self.url else ""
        return f"{self.what}{was}{now}, changed by {self.case or 'a case'} at {self.at}"


class _Struck(msgspec.Struct, frozen=True):
    struck: str


class Journal:
    """The changes that are open, in the order in which they were made: in memory, and in a file where there is one.

    A change is on the disk before `open` returns, so that whatever ends the process leaves a trace of it. The file is
    JSON lines: a change, or the word that one was put back. It goes when nothing is open any more.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Take up what an earlier run has left open in the file; raises OSError."""
        self.path = path
        self.unreadable = 0
        """How many lines of the file could not be read; it is kept then."""
        self._open: dict[str, Change] = {}
        if path is not None and path.exists():
            self._load(path)

    def __iter__(self) -> Iterator[Change]:
        return iter(tuple(self._open.values()))

    def __contains__(self, what: object) -> bool:
        return isinstance(what, str) and what.casefold() in self._open

    def get(self, what: str) -> Change | None:
        """The open change of this, if there is one."""
        return self._open.get(what.casefold())

    def open(self, change: Change) -> None:
        """Note a change that is about to be made, in place of an open one of the same; raises OSError."""
        self._open[change.what.casefold()] = change
        self._append(change, lasting=True)

    def strike(self, what: str) -> None:
        """Note that something is as it was; raises OSError."""
        if self._open.pop(what.casefold(), None) is not None:
            self._append(_Struck(what), lasting=False)  # one that is lost is put back once more

    def close(self) -> None:
        """Remove the file where nothing is open; raises OSError."""
        if self.path is not None and not self._open and not self.unreadable:
            self.path.unlink(missing_ok=True)

    def _append(self, line: Change | _Struck, *, lasting: bool) -> None:
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            file.write(msgspec.json.encode(line) + b"\n")
            file.flush()
            if lasting:
                os.fsync(file.fileno())

    def _load(self, path: Path) -> None:
        content = path.read_bytes()
        *lines, torn = content.split(b"\n")
        for line in filter(bytes.strip, lines):
            try:
                read = msgspec.json.decode(line, type=dict[str, Any])
                if "struck" in read:
                    self._open.pop(msgspec.convert(read, _Struck).struck.casefold(), None)
                else:
                    change = msgspec.convert(read, Change)
                    self._open[change.what.casefold()] = change
            except (msgspec.MsgspecError, UnicodeDecodeError):
                self.unreadable += 1
        if torn:  # what it was about to announce was never sent
            path.write_bytes(content[: -len(torn)])


def journal_path(reports: Path, identity: str, version: str) -> Path:
    """Where the journal of a station in one version is kept, beside the reports."""
    return reports / "journal" / f"{quote(identity, safe=' ')}-{version}.jsonl"
