"""How a station was set, and since when, as far as the transcript tells: by what it was asked, and what it answered."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from conformance.wire.frames import Call, CallResult
from conformance.wire.transcript import Entry, Transcript

_COMMUNICATION = "OCPPCommCtrlr"

VARIABLES: Mapping[str, tuple[str, str, str]] = {
    "attempts": (_COMMUNICATION, "MessageAttempts", "TransactionEvent"),
    "interval": (_COMMUNICATION, "MessageAttemptInterval", "TransactionEvent"),
    "message_timeout": (_COMMUNICATION, "MessageTimeout", "Default"),
    "sample_interval": ("SampledDataCtrlr", "TxUpdatedInterval", ""),
    "started_measured": ("SampledDataCtrlr", "TxStartedMeasurands", ""),
    "ended_measured": ("SampledDataCtrlr", "TxEndedMeasurands", ""),
    "stop_on_invalid": ("TxCtrlr", "StopTxOnInvalidId", ""),
}
"""What matters to transactions in OCPP 2.0.1: component, variable and instance."""

KEYS: Mapping[str, str] = {
    "attempts": "TransactionMessageAttempts",
    "interval": "TransactionMessageRetryInterval",
    "message_timeout": "MessageTimeout",
    "sample_interval": "MeterValueSampleInterval",
    "stop_on_invalid": "StopTransactionOnInvalidId",
}
"""The same in OCPP 1.6."""

_NAMES = {tuple(part.casefold() for part in each): name for name, each in VARIABLES.items()}
_NAMES_16 = {key.casefold(): name for name, key in KEYS.items()}
_LISTS = frozenset({"started_measured", "ended_measured"})


@dataclass(frozen=True, slots=True)
class Settings:
    """Every value that became known: the name of the setting, from when on, and what it was, None where in doubt."""

    known: tuple[tuple[str, datetime, float | None], ...]

    def through(self, name: str, began: datetime, ended: datetime) -> float | None:
        """What a setting was all the time from `began` to `ended`; None where that is not known, or it changed."""
        value: float | None = None
        for each, since, told in self.known:
            if each != name or since > ended:
                continue
            if since <= began:
                value = told
            elif told != value:
                return None
        return value


def settings(transcript: Transcript, station: str) -> Settings:
    """The settings of a station in a session, those of them that `VARIABLES` and `KEYS` name."""
    found = []
    for exchange in transcript.exchanges(sender="harness", station=station):
        asked, answer = exchange.call.frame, exchange.answer
        if isinstance(asked, Call) and answer is not None and isinstance(answer.frame, CallResult):
            reader = _READERS.get(asked.action)
            if reader is not None:
                found += [(name, answer.utc, value) for name, value in reader(exchange.call, answer)]
    return Settings(tuple(sorted(found, key=lambda each: each[1])))


def _read_variables(_: Entry, answer: Entry) -> Iterator[tuple[str, float | None]]:
    for result in _items(answer, "getVariableResult"):
        name = _name(result)
        if name and result.get("attributeStatus") == "Accepted":
            yield name, _value(name, result.get("attributeValue"))


def _written_variables(call: Entry, answer: Entry) -> Iterator[tuple[str, float | None]]:
    wanted = {_name(item): item.get("attributeValue") for item in _items(call, "setVariableData")}
    for result in _items(answer, "setVariableResult"):
        name, status = _name(result), result.get("attributeStatus")
        if name and status in ("Accepted", "RebootRequired"):
            yield name, _value(name, wanted.get(name)) if status == "Accepted" else None


def _read_keys(_: Entry, answer: Entry) -> Iterator[tuple[str, float | None]]:
    for item in _items(answer, "configurationKey"):
        name = _NAMES_16.get(str(item.get("key")).casefold())
        if name is not None:
            yield name, _value(name, item.get("value"))


def _written_key(call: Entry, answer: Entry) -> Iterator[tuple[str, float | None]]:
    asked = _payload(call)
    name, status = _NAMES_16.get(str(asked.get("key")).casefold()), _payload(answer).get("status")
    if name is not None and status in ("Accepted", "RebootRequired"):
        yield name, _value(name, asked.get("value")) if status == "Accepted" else None


_READERS = {
    "GetVariables": _read_variables,
    "SetVariables": _written_variables,
    "GetConfiguration": _read_keys,
    "ChangeConfiguration": _written_key,
}


def _payload(entry: Entry) -> Mapping[str, object]:
    payload = getattr(entry.frame, "payload", None)
    return payload if isinstance(payload, Mapping) else {}


def _items(entry: Entry, name: str) -> list[Mapping[str, object]]:
    items = _payload(entry).get(name)
    return [each for each in items if isinstance(each, Mapping)] if isinstance(items, list) else []


def _name(item: Mapping[str, object]) -> str:
    """Which setting an item of GetVariables or SetVariables is about; empty for another, or another attribute."""
    component, variable = item.get("component"), item.get("variable")
    if not isinstance(component, Mapping) or not isinstance(variable, Mapping) or "evse" in component:
        return ""
    if item.get("attributeType", "Actual") != "Actual":
        return ""
    parts = (component.get("name"), variable.get("name"), variable.get("instance", ""))
    return _NAMES.get(tuple(str(part).casefold() for part in parts), "")


def _value(name: str, told: object) -> float | None:
    if not isinstance(told, str):
        return None
    if name in _LISTS:
        return float(bool(told.strip()))
    if told.strip().casefold() in ("true", "false"):
        return float(told.strip().casefold() == "true")
    try:
        return float(told)
    except ValueError:
        return None
