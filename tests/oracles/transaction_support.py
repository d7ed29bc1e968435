"""Transcripts of sessions in which a station told of transactions, written down second by second."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from conformance.oracles.transactions import Circumstances, Ledger, Made, judge, ledger
from conformance.wire.frames import decode
from conformance.wire.schemas import VERSIONS
from conformance.wire.transcript import Clock, Entry, Transcript

STATION = "CS001"
BEGIN = datetime(2026, 1, 1, 10, tzinfo=UTC)
REGISTER = "Energy.Active.Import.Register"
ERROR = "InternalError"


def stamp(seconds: float) -> str:
    """A time of the session as it is written in messages."""
    return (BEGIN + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Session:
    """A transcript in the making, of one station; the clock stands still unless it is told."""

    version = "2.0.1"

    def __init__(self, *, connected: bool = True) -> None:
        self.time = 0.0
        self.transcript = Transcript(Clock(lambda: BEGIN + timedelta(seconds=self.time), lambda: self.time))
        self.link = 0
        self._ids = 0
        self.made: list[Made] = []
        if connected:
            self.connect()

    def at(self, seconds: float) -> None:
        """Let it be so many seconds after the begin."""
        assert seconds >= self.time, (seconds, self.time)
        self.time = seconds

    def after(self, seconds: float) -> None:
        """Let time pass."""
        self.time += seconds

    # -- the connection

    def connect(self) -> None:
        """Let the station connect."""
        self.link = self.transcript.new_link()
        self.transcript.add("handshake", link=self.link, station=STATION, sender="sut", detail={"status": 101})
        self.transcript.add("open", link=self.link, station=STATION, detail={"version": self.version})

    def close(self, how: str = "close frame", sender: Any = "harness") -> None:
        """End the connection."""
        self.transcript.add("close", link=self.link, station=STATION, sender=sender, detail={"how": how})

    def fault(self, name: str, phase: str) -> None:
        """Note that a fault begins or ends."""
        self.transcript.add("fault", sender="harness", detail={"fault": name, "phase": phase})

    def ping(self) -> None:
        """Let the station show that it is there."""
        self.transcript.add("ping", link=self.link, station=STATION, sender="sut")

    # -- messages

    def frame(self, sender: Any, *items: Any) -> Entry:
        """One frame, as it is."""
        frame = decode(json.dumps(items), VERSIONS[self.version].message_types)
        return self.transcript.add("frame", link=self.link, station=STATION, sender=sender, frame=frame)

    def tell(self, action: str, payload: Any, answer: Any = None, *, took: float = 0.1) -> Entry:
        """Let the station call; `answer` is a payload, the code of a CALLERROR, or None for none."""
        self._ids += 1
        number = f"s{self._ids}"
        entry = self.frame("sut", 2, number, action, payload)
        self.after(took)
        if isinstance(answer, str):
            self.frame("harness", 4, number, answer, "", {})
        elif answer is not None:
            self.frame("harness", 3, number, answer)
        return entry

    def ask(self, action: str, payload: Any, answer: Any) -> Entry:
        """Let the harness call, and the station answer."""
        self._ids += 1
        number = f"h{self._ids}"
        self.frame("harness", 2, number, action, payload)
        return self.frame("sut", 3, number, answer)

    def boot(self, status: str = "Accepted", *, tells: float | None = None) -> None:
        """Let the station boot, and be told the right time or another."""
        now = stamp(self.time if tells is None else tells)
        self.tell("BootNotification", {}, {"status": status, "currentTime": now, "interval": 300})

    # -- judgement

    def book(self, *, idle: float = 60.0, **circumstances: Any) -> Ledger:
        """What was told, read after a while of silence on a connection that is still good."""
        around = Circumstances(made=tuple(self.made), **{"patience": 5.0, **circumstances})
        return ledger(self.transcript, STATION, version=self.version, now=self.time + idle, circumstances=around)

    def missed(self, **circumstances: Any) -> set[str]:
        """The requirements that were missed."""
        return {name for name, misses in judge(self.book(**circumstances)).items() if misses}


class Session201(Session):
    """A session of OCPP 2.0.1."""

    def event(self, kind: str, number: int, *, answer: Any = ..., again: Any = None, **told: Any) -> dict[str, Any]:
        """Let the station send an event; what it tells beyond the usual, or else, is in `told`.

        `id`, `evse`, `at`, `wh`, `trigger`, `state`, `reason` and `offline` are short for fields of the message.
        """
        payload = again if again is not None else event(kind, number, self.time, **told)
        self.tell("TransactionEvent", payload, {} if answer is ... else answer)
        return payload

    def whole(self, **told: Any) -> None:
        """A transaction of three events, a second apart."""
        wh = told.pop("wh", 1000.0)
        numbers = told.pop("numbers", (0, 1, 2))
        for kind, number, energy in zip(("Started", "Updated", "Ended"), numbers, (wh, wh + 10, wh + 20), strict=True):
            self.event(kind, number, wh=energy, **told)
            self.after(1)


_TRIGGERS = {"Started": "Authorized", "Updated": "MeterValuePeriodic", "Ended": "StopAuthorized"}
_CONTEXTS = {"Started": "Transaction.Begin", "Updated": "Sample.Periodic", "Ended": "Transaction.End"}


def event(kind: str, number: int, now: float, **told: Any) -> dict[str, Any]:
    """A TransactionEvent in order, but for what is told otherwise; what is told None is left out."""
    id_, evse, at = told.pop("id", "tx1"), told.pop("evse", 1), told.pop("at", now)
    wh, context = told.pop("wh", None), told.pop("context", _CONTEXTS[kind])
    info: dict[str, Any] = {"transactionId": id_}
    info |= {"chargingState": told.pop("state", "Charging" if kind == "Updated" else "EVConnected")}
    if kind == "Ended":
        info["stoppedReason"] = told.pop("reason", "Local")
    payload: dict[str, Any] = {
        "eventType": kind,
        "timestamp": stamp(at),
        "triggerReason": told.pop("trigger", _TRIGGERS[kind]),
        "seqNo": number,
        "transactionInfo": {name: value for name, value in info.items() if value is not None},
        "evse": None if evse is None else {"id": evse, "connectorId": 1},
        "idToken": {"idToken": "T1", "type": "ISO14443"} if kind == "Started" else None,
        "offline": True if told.pop("offline", False) else None,
        "meterValue": None if wh is None else [meter_value(wh, at, context)],
    }
    return {name: value for name, value in {**payload, **told}.items() if value is not None}


def meter_value(wh: float, at: float, context: str) -> dict[str, Any]:
    """One reading of the energy register."""
    sample = {"value": wh, "context": context, "measurand": REGISTER, "unitOfMeasure": {"unit": "Wh"}}
    return {"timestamp": stamp(at), "sampledValue": [sample]}


class Session16(Session):
    """A session of OCPP 1.6."""

    version = "1.6"

    def start(
        self, *, connector: int = 1, wh: int = 1000, given: Any = 7, status: str = "Accepted", **told: Any
    ) -> None:
        """Let the station tell of a start; `given` is the id in the answer, the code of a CALLERROR, or None."""
        payload = {
            "connectorId": connector,
            "idTag": "T1",
            "meterStart": wh,
            "timestamp": stamp(told.pop("at", self.time)),
        }
        answer = given if given is None or isinstance(given, str) else {"transactionId": given}
        if isinstance(answer, dict):
            answer["idTagInfo"] = {"status": status}
        self.tell("StartTransaction", {**payload, **told}, answer)

    def values(
        self, *, tx: int | None = 7, connector: int = 1, wh: float = 1010, answer: Any = ..., **told: Any
    ) -> None:
        """Let the station tell a sample."""
        context = told.pop("context", "Sample.Periodic")
        sample = {"value": str(wh), "context": context, "measurand": REGISTER, "unit": "Wh"}
        value = {"timestamp": stamp(told.pop("at", self.time)), "sampledValue": [sample]}
        payload = {"connectorId": connector, "meterValue": [value], **({} if tx is None else {"transactionId": tx})}
        self.tell("MeterValues", {**payload, **told}, {} if answer is ... else answer)

    def stop(self, *, tx: int = 7, wh: int = 1020, answer: Any = ..., **told: Any) -> None:
        """Let the station tell of a stop."""
        payload = {
            "transactionId": tx,
            "meterStop": wh,
            "timestamp": stamp(told.pop("at", self.time)),
            "reason": "Local",
        }
        payload = {name: value for name, value in {**payload, **told}.items() if value is not None}
        self.tell("StopTransaction", payload, {} if answer is ... else answer)

    def whole(self, **told: Any) -> None:
        """A transaction with one sample, a second between the messages."""
        tx, wh = told.get("tx", 7), told.get("wh", 1000)
        connector = told.get("connector", 1)
        self.start(given=tx, wh=wh, connector=connector)
        self.after(1)
        self.values(tx=tx, wh=wh + 10, connector=connector)
        self.after(1)
        self.stop(tx=tx, wh=wh + 20)
        self.after(1)


Story = Callable[[Any], None]
