"""Messages as a case sees them: camelCase dicts, as on the wire, that know where they stand in the transcript."""

from datetime import datetime
from typing import Any

from conformance.oracles import wire
from conformance.wire.frames import CallError
from conformance.wire.transcript import Entry


class MissingField(AssertionError):  # noqa: N818 -- reads as what happened
    """A case asked for a field that the message does not have."""


class Message(dict[str, Any]):
    """A payload, or an object in it; a field that is not there is a finding (AssertionError), not a KeyError."""

    def __init__(self, payload: dict[str, Any], where: str) -> None:
        super().__init__({key: _wrapped(value, f"{where}.{key}") for key, value in payload.items()})
        self._where = where

    def __missing__(self, key: str) -> Any:
        raise MissingField(f"{self._where} has no `{key}`; it has {', '.join(self) or 'nothing'}")


class Received(Message):
    """The payload of a call or of an answer that the system under test sent, and its entry in the transcript."""

    def __init__(self, payload: object, entry: Entry, what: str) -> None:
        super().__init__(payload if isinstance(payload, dict) else {}, what)
        self.entry = entry

    @property
    def action(self) -> str:
        """The action of the call; "" for an answer."""
        return getattr(self.entry.frame, "action", None) or ""

    @property
    def at(self) -> float:
        """When it arrived, in monotonic seconds."""
        return self.entry.at

    @property
    def utc(self) -> datetime:
        """When it arrived, by the clock of the harness."""
        return self.entry.utc

    @property
    def n(self) -> int:
        """Its number in the transcript."""
        return self.entry.n


class NotSeen(AssertionError):  # noqa: N818
    """Something awaited did not come in time."""


class NoAnswer(AssertionError):  # noqa: N818
    """A call got no answer: the time was up, or the connection went."""


class Refused(AssertionError):  # noqa: N818
    """A call was answered with a CALLERROR, also with one that is not quite well-formed."""

    def __init__(self, action: str, entry: Entry) -> None:
        code = wire.refusal_code(entry)
        assert code is not None, f"{entry.text} is no CALLERROR"
        self.code: str = code
        self.description: str = entry.frame.description if isinstance(entry.frame, CallError) else ""
        self.entry = entry
        super().__init__(f"{action} was answered with CALLERROR {self.code}: {self.description or 'no description'}")


def status_told(answer: Message) -> str:
    """The status of an answer, with what it says about the reason."""
    info = answer.get("statusInfo") or {}
    why = ": ".join(str(info[key]) for key in ("reasonCode", "additionalInfo") if info.get(key))
    return f"{answer['status']} ({why})" if why else str(answer["status"])


def _wrapped(value: object, where: str) -> object:
    if isinstance(value, dict):
        return Message(value, where)
    if isinstance(value, list):
        return [_wrapped(item, f"{where}[{index}]") for index, item in enumerate(value)]
    return value
