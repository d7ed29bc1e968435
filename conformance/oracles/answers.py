"""How a CSMS answers what a station tells of its connectors, tokens and transactions, judged over the transcript."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.oracles.wire import Miss
from conformance.wire.frames import Call, CallError, CallResult
from conformance.wire.transcript import Exchange, Transcript

STATUS, AUTHORIZE, TOKEN = "CSMS.STATUS.01", "C01.FR.07", "E01.FR.12"
START, EVENT, STOP, VALUES = "CSMS.START.01", "J02.FR.19", "CSMS.STOP.01", "J01.FR.18"

_ABOUT: Mapping[str, tuple[str, ...]] = {
    "StatusNotification": (STATUS,),
    "NotifyEvent": (STATUS,),
    "Authorize": (AUTHORIZE,),
    "MeterValues": (VALUES,),
    "StartTransaction": (START,),
    "StopTransaction": (STOP,),
}
_EVENTS: Mapping[str, tuple[str, ...]] = {"Started": (START, EVENT), "Updated": (EVENT,), "Ended": (STOP, EVENT)}


@dataclass(frozen=True, slots=True)
class Judgement:
    """One answer by one rule, of which `requirements` names ids, the sharpest first; `miss` None where it is right."""

    requirements: tuple[str, ...]
    miss: Miss | None


def answers(
    transcript: Transcript,
    station: str,
    *,
    since: int,
    expected: Mapping[str, frozenset[str]],
    pending: bool = False,
) -> Iterator[Judgement]:
    """Judge the answers to what a station has said from entry `since` on.

    `expected` are the statuses by which a token may be answered, by its id; any will do for others. A call that has no
    answer yet is only held against the CSMS where `pending` is set.
    """
    for exchange in transcript.exchanges(sender="harness", station=station, since=since):
        call = exchange.call.frame
        if not isinstance(call, Call) or not isinstance(call.payload, Mapping):
            continue
        about = _EVENTS.get(str(call.payload.get("eventType")), ()) or _ABOUT.get(call.action, ())
        if not about or (exchange.answer is None and not pending):
            continue
        frame = exchange.answer.frame if exchange.answer is not None else None
        if isinstance(frame, CallResult):
            yield from _result(exchange, call, frame, about, expected)
        else:
            yield Judgement(about, _miss(exchange, f"{_words(call)} was {_fate(frame)}"))


def _result(
    exchange: Exchange, call: Call, result: CallResult, about: tuple[str, ...], expected: Mapping[str, frozenset[str]]
) -> Iterator[Judgement]:
    told = result.payload
    if call.action == "StartTransaction" and not isinstance(told.get("transactionId"), int):
        yield Judgement(about, _miss(exchange, "the answer to StartTransaction has no transactionId"))
        return
    if call.action == "Authorize":
        wrong = _wrong_status(call.payload, told, expected)
        yield Judgement(about, _miss(exchange, wrong) if wrong else None)
        return
    yield Judgement(about, None)
    if call.action in ("TransactionEvent", "StartTransaction") and _token(call.payload) is not None:
        wrong = _wrong_status(call.payload, told, expected)
        yield Judgement((TOKEN,), _miss(exchange, wrong) if wrong else None)


def _wrong_status(asked: Mapping[str, Any], told: Mapping[str, Any], expected: Mapping[str, frozenset[str]]) -> str:
    """What is wrong with how the token of a request is answered; nothing where it is right."""
    info = told.get("idTokenInfo", told.get("idTagInfo"))
    status = info.get("status") if isinstance(info, Mapping) else None
    token = _token(asked)
    if not isinstance(status, str):
        return f"the answer tells no status of the token {token}"
    allowed = expected.get(token or "")
    if allowed is not None and status not in allowed:
        return f"the token {token} is answered {status}, expected {' or '.join(sorted(allowed))}"
    return ""


def _token(asked: Mapping[str, Any]) -> str | None:
    """The token that a request names, in either version."""
    token = asked.get("idToken", asked.get("idTag"))
    if isinstance(token, Mapping):
        token = token.get("idToken")
    return token if isinstance(token, str) else None


def _words(call: Call) -> str:
    kind, why = call.payload.get("eventType"), call.payload.get("triggerReason")
    return call.action if kind is None else f"{call.action} {kind} ({why})"


def _fate(frame: object) -> str:
    return f"answered with CALLERROR {frame.code}" if isinstance(frame, CallError) else "not answered"


def _miss(exchange: Exchange, words: str) -> Miss:
    return Miss(words, (exchange.call,) if exchange.answer is None else (exchange.call, exchange.answer))
