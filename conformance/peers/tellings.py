"""Transactions as a station tells them to a CSMS under test, one message at a time: in order or not, again or late."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import uuid4

from conformance.peers import v16, v201
from conformance.peers.equipment import ChargingState, Evse, Meter, Transaction, stamp
from conformance.peers.received import NoAnswer, NotSeen, Received, Refused
from conformance.peers.replies import Payload
from conformance.peers.station import StationPeer
from conformance.peers.station_v16 import Station16
from conformance.wire.frames import CallResult, encode_call

_STEP = timedelta(minutes=1)
_STEP_WH = 100.0
"""What lies between one message of a recorded transaction and the next."""

ENDS_16: Sequence[str] = (
    *("Local", "DeAuthorized", "EmergencyStop", "EVDisconnected", "HardReset", "Other", "PowerLoss", "Reboot"),
    *("Remote", "SoftReset", "UnlockCommand"),
)
"""Why a transaction may end, in 1.6."""

ENDS_201: Mapping[str, str] = {
    "Local": "StopAuthorized",
    "DeAuthorized": "Deauthorized",
    "EmergencyStop": "AbnormalCondition",
    "EnergyLimitReached": "EnergyLimitReached",
    "EVDisconnected": "EVCommunicationLost",
    "GroundFault": "AbnormalCondition",
    "ImmediateReset": "ResetCommand",
    "LocalOutOfCredit": "StopAuthorized",
    "MasterPass": "StopAuthorized",
    "Other": "AbnormalCondition",
    "OvercurrentFault": "AbnormalCondition",
    "PowerLoss": "AbnormalCondition",
    "PowerQuality": "AbnormalCondition",
    "Reboot": "ResetCommand",
    "Remote": "RemoteStop",
    "SOCLimitReached": "ChargingStateChanged",
    "StoppedByEV": "ChargingStateChanged",
    "TimeLimitReached": "TimeLimitReached",
    "Timeout": "EVConnectTimeout",
}
"""Why a transaction may end, in 2.0.1: each stoppedReason, with a triggerReason that goes with it."""


@dataclass(frozen=True, slots=True)
class Told:
    """One message of a transaction: `what` it is in words, and its payload as it stands when it is sent."""

    what: str
    action: str
    payload: Callable[[], dict[str, Any]]

    def __str__(self) -> str:
        return self.what


class Recorded(Protocol):
    """A transaction of which every message can be made now and told whenever a case wants.

    Each message is a minute and 100 Wh after the one that was made before it. Ending it, or `close`, frees the EVSE.
    """

    running: Transaction

    def start(self, **fields: Any) -> Told:
        """Its first message; `fields` of the payload are put in, or replaced."""

    def update(self, **fields: Any) -> Told:
        """One in between: a periodic meter value."""

    def end(self, why: str = "Local", **fields: Any) -> Told:
        """Its last message; `why` is one of `ends`."""

    def odd_updates(self) -> list[Told]:
        """Messages in between that are right by the schema, and that a CSMS may well have its doubts about."""

    def odd_ends(self) -> list[Mapping[str, Any]]:
        """The same as fields for the last message, one set of them for each transaction."""


def recorded(
    station: StationPeer,
    evse: Evse,
    id_token: Mapping[str, Any],
    *,
    began: datetime | None = None,
    offline: bool = False,
) -> Recorded:
    """A transaction of a station, which began just now unless told otherwise; `offline` is a flag that 1.6 lacks."""
    made = Recorded16 if isinstance(station.dialect, Station16) else Recorded201
    return made(station, evse, id_token, began=began or station.equipment.clock.now(), offline=offline)


def strange_times(station: StationPeer) -> Mapping[str, datetime]:
    """Times that an event may have, from a station whose clock is wrong or that comes back after a long time."""
    now = station.equipment.clock.now()
    return {
        "a clock that was never set": datetime(1970, 1, 1, 0, 0, 7, tzinfo=UTC),
        "a year ago": now - timedelta(days=365),
        "an hour ahead": now + timedelta(hours=1),
        "past 2038": datetime(2040, 2, 29, 23, 59, 59, tzinfo=UTC),
    }


def ends(station: StationPeer) -> Sequence[str]:
    """Every reason for which a transaction may end, in the words of the version that is spoken."""
    return ENDS_16 if isinstance(station.dialect, Station16) else tuple(ENDS_201)


class _Record:
    """What the messages of one transaction have in common."""

    def __init__(
        self, station: StationPeer, evse: Evse, id_token: Mapping[str, Any], *, began: datetime, offline: bool
    ) -> None:
        self.station = station
        self.evse = evse
        self.id_token = dict(id_token)
        self.offline = offline
        self.running = station.equipment.begin(evse, evse.plugged or evse.connectors[0])
        self.running.authorized, self.running.id_token = True, self.id_token
        self._at, self._register = began - _STEP, evse.meter.register_wh - _STEP_WH
        self._made = 0

    def _next(self) -> tuple[str, float]:
        """The time and the reading of the next message."""
        self._at, self._register, self._made = self._at + _STEP, self._register + _STEP_WH, self._made + 1
        return stamp(self._at), round(self._register, 1)

    def _over(self) -> None:
        self.station.equipment.end(self.running)
        self.evse.meter = Meter(self._register)


class Recorded201(_Record):
    """In the words of 2.0.1: TransactionEvents."""

    def start(self, **fields: Any) -> Told:
        """Started, by the authorization of a driver whose plug is in."""
        said = {"idToken": self.id_token, "evse": {"id": self.evse.id, "connectorId": self.running.connector}}
        return self._told("the start", "Started", "Authorized", state="Charging", **(said | fields))

    def update(self, **fields: Any) -> Told:
        """Updated, by a periodic meter value."""
        return self._told(f"update {self._made}", "Updated", "MeterValuePeriodic", state="Charging", **fields)

    def end(self, why: str = "Local", **fields: Any) -> Told:
        """Ended."""
        said = {"idToken": self.id_token} if why == "Local" else {}
        made = self._told("the end", "Ended", ENDS_201[why], state="EVConnected", stopped=why, **(said | fields))
        self._over()
        return made

    def odd_updates(self) -> list[Told]:
        """Readings that can't be, and numbers that are out of line."""
        at = stamp(self._at)
        readings = {"a reading below nothing": -5.0, "a reading out of this world": 1e15, "a meter that runs back": 0.0}
        odd = [
            self._odd(words, meterValue=[v201.meter_value(register, watts=0.0, context="Sample.Periodic", at=at)])
            for words, register in readings.items()
        ]
        many = [v201.meter_value(self._register, watts=0.0, context="Sample.Periodic", at=at) for _ in range(100)]
        odd.append(self._odd("a hundred readings", meterValue=many))
        odd.append(self._odd("a gap in the numbers", seqNo=100_000))
        odd.append(self._odd("an EVSE that there is not", evse={"id": 99, "connectorId": 9}))
        odd.append(self._odd("a number of phases in vain", numberOfPhasesUsed=3, cableMaxCurrent=-1))
        return odd

    def _odd(self, words: str, **fields: Any) -> Told:
        made = self.update(**fields)
        return Told(words, made.action, made.payload)

    def odd_ends(self) -> list[Mapping[str, Any]]:
        """A reading that is less than the first one, one below nothing, and a reason that is none for an end."""
        at = stamp(self._at)
        odd = [v201.meter_value(register, watts=0.0, context="Transaction.End", at=at) for register in (1.0, -1.0)]
        return [*({"meterValue": [each]} for each in odd), {"triggerReason": "CablePluggedIn"}]

    def _told(
        self,
        what: str,
        kind: str,
        trigger: str,
        *,
        state: ChargingState,
        stopped: str | None = None,
        **fields: Any,
    ) -> Told:
        at, register = self._next()
        context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(kind, "Sample.Periodic")
        values = [v201.meter_value(register, watts=_STEP_WH * 60, context=context, at=at)]
        said = {"timestamp": at, "meterValue": values} | ({"offline": True} if self.offline else {}) | fields
        made = event(self.station, self.running, kind, trigger, state=state, stopped=stopped, **said)
        return Told(what, "TransactionEvent", lambda: made)


class Recorded16(_Record):
    """In the words of 1.6: what follows the start has the transaction id that its answer gave, -1 before it did."""

    def start(self, **fields: Any) -> Told:
        """StartTransaction."""
        at, register = self._next()
        said = {
            "connectorId": self._connector,
            "idTag": self.id_token["idToken"],
            "meterStart": round(register),
            "timestamp": at,
        }
        return Told("the start", "StartTransaction", lambda: said | fields)

    def update(self, **fields: Any) -> Told:
        """MeterValues."""
        at, register = self._next()
        values = [v16.meter_value(register, watts=_STEP_WH * 60, at=at)]
        said = {"connectorId": self._connector, "meterValue": values}
        what = f"meter values {self._made - 1}"
        return Told(what, "MeterValues", lambda: said | {"transactionId": self._number} | fields)

    def end(self, why: str = "Local", **fields: Any) -> Told:
        """StopTransaction."""
        at, register = self._next()
        said: dict[str, Any] = {"meterStop": round(register), "timestamp": at, "reason": why}
        if why == "Local":
            said["idTag"] = self.id_token["idToken"]
        self._over()
        return Told("the end", "StopTransaction", lambda: said | {"transactionId": self._number} | fields)

    def odd_updates(self) -> list[Told]:
        """Readings that can't be, and a connector that there is not."""
        at = stamp(self._at)
        readings = {"a reading below nothing": -5.0, "a reading out of this world": 1e15, "a meter that runs back": 0.0}
        odd = [
            self._odd(words, meterValue=[v16.meter_value(register, watts=0.0, at=at)])
            for words, register in readings.items()
        ]
        many = [v16.meter_value(self._register, watts=0.0, at=at) for _ in range(100)]
        odd.append(self._odd("a hundred readings", meterValue=many))
        odd.append(self._odd("a connector that there is not", connectorId=99))
        bare = {"timestamp": at, "sampledValue": [{"value": "not a number"}]}
        odd.append(self._odd("a reading that is none", meterValue=[bare]))
        return odd

    def _odd(self, words: str, **fields: Any) -> Told:
        made = self.update(**fields)
        return Told(words, made.action, made.payload)

    def odd_ends(self) -> list[Mapping[str, Any]]:
        """A reading that is less than the first one, and one out of this world."""
        return [{"meterStop": 0}, {"meterStop": -1}, {"meterStop": 2**31 - 1}]

    @property
    def _connector(self) -> int:
        dialect = self.station.dialect
        assert isinstance(dialect, Station16)
        return dialect.number(*self.station.equipment.place(self.evse.id, self.running.connector))

    @property
    def _number(self) -> int:
        return -1 if self.running.number is None else self.running.number


async def tell(
    station: StationPeer, record: Recorded, told: Told, *, message_id: str | None = None, number: bool = True
) -> Received:
    """Send a message of a recorded transaction, with a new message id unless one is given, and return the answer.

    The transactionId in the answer to a StartTransaction is taken over, unless `number` is False. Raises as `call`
    does.
    """
    chosen = message_id or str(uuid4())
    text = encode_call(chosen, told.action, told.payload())
    entry = await station.send_raw(text, chosen, what=f"the answer to {told} ({told.action})")
    if not isinstance(entry.frame, CallResult):
        raise Refused(told.action, entry)
    answer = Received(entry.frame.payload, entry, f"the answer to {told}")
    if number and told.action == "StartTransaction":
        record.running.number = answer["transactionId"]
    return answer


async def told_all(station: StationPeer, record: Recorded, messages: Iterable[Told]) -> list[str]:
    """Send messages of a recorded transaction one after the other; what was not answered with a CALLRESULT, in words.

    The first that is not answered at all is the last to be sent.
    """
    wrong: list[str] = []
    for told in messages:
        try:
            await tell(station, record, told)
        except Refused as refused:
            wrong.append(f"{told}: {refused}")
        except (NoAnswer, NotSeen) as missed:
            return [*wrong, f"{told}: {missed}"]
    return wrong


def token_status(answer: Mapping[str, Any]) -> str | None:
    """The status of the token that an answer tells, in either version; None where it tells none."""
    info = answer.get("idTokenInfo", answer.get("idTagInfo", {}))
    return info.get("status") if isinstance(info, Mapping) else None


def token_group(answer: Mapping[str, Any]) -> str | None:
    """The group, in 1.6 the parent, of the token that an answer tells; None where it tells none."""
    group = answer.get("idTokenInfo", {}).get("groupIdToken", {}).get("idToken")
    parent = answer.get("idTagInfo", {}).get("parentIdTag")
    found = parent if group is None else group
    return found if isinstance(found, str) else None


def refusals(station: StationPeer) -> Mapping[str, frozenset[str]]:
    """How a token may be answered that is blocked, expired or not known: in 2.0.1 a CSMS may keep the reason back."""
    if isinstance(station.dialect, Station16):
        return {
            "blocked": frozenset({"Blocked"}),
            "expired": frozenset({"Expired"}),
            "unknown": frozenset({"Invalid"}),
        }
    return {
        "blocked": frozenset({"Blocked", "Invalid"}),
        "expired": frozenset({"Expired", "Invalid"}),
        "unknown": frozenset({"Invalid", "Unknown"}),
    }


# -- OCPP 2.0.1 -------------------------------------------------------------------------------------------------------


def event(  # noqa: PLR0913 -- what may stand in an event, by keyword
    station: StationPeer,
    running: Transaction,
    kind: str,
    trigger: str,
    *,
    state: ChargingState | None = None,
    stopped: str | None = None,
    token: Mapping[str, Any] | None = None,
    place: bool = False,
    **fields: Any,
) -> dict[str, Any]:
    """A TransactionEvent with the next seqNo; `fields` of the payload are put in, or replaced."""
    if state is not None:
        running.charging_state = state
    info: dict[str, Any] = {"transactionId": running.id, "chargingState": running.charging_state}
    if stopped is not None:
        info["stoppedReason"] = stopped
    made: dict[str, Any] = {
        "eventType": kind,
        "timestamp": station.equipment.clock.stamp(),
        "triggerReason": trigger,
        "seqNo": running.next_seq_no(),
        "transactionInfo": info,
    }
    if token is not None:
        made["idToken"] = dict(token)
    if place:
        made["evse"] = {"id": running.evse.id, "connectorId": running.connector}
    if kind == "Ended":
        station.equipment.end(running)
    return made | fields


SIGNED: Mapping[str, str] = {
    "signedMeterData": "T0NNRnx7IkZWIjoiMS4wIiwiUEciOiJUMTIzNDUiLCJSRCI6W119fHsiU0QiOiIzMDQ0MDIyMCJ9",
    "signingMethod": "ECDSA-secp256r1-SHA256",
    "encodingMethod": "OCMF",
    "publicKey": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEbmV2ZXItdXNlZC1hbnl3aGVyZQ==",
}
"""What a meter has signed; nobody can check the signature, and a CSMS has to take it all the same."""


def energy(register_wh: float, *, at: str, context: str, signed: bool = False, bare: bool = False) -> dict[str, Any]:
    """One MeterValue of 2.0.1 with the energy register; `bare` leaves out everything that has a default."""
    sampled: dict[str, Any] = {"value": register_wh, "context": context}
    if not bare:
        sampled |= {
            "measurand": "Energy.Active.Import.Register",
            "location": "Outlet",
            "unitOfMeasure": {"unit": "Wh", "multiplier": 0},
        }
    if signed:
        sampled["signedMeterValue"] = dict(SIGNED)
    return {"timestamp": at, "sampledValue": [sampled]}


def series(station: StationPeer, running: Transaction, contexts: Sequence[str], *, signed: bool) -> list[Payload]:
    """Meter values of a transaction, a minute apart, the last one now: one for each reading context."""
    now, register = station.equipment.clock.now(), running.evse.meter.register_wh
    before = range(len(contexts) - 1, -1, -1)
    return [
        energy(register, at=stamp(now - each * _STEP), context=context, signed=signed)
        for each, context in zip(before, contexts, strict=True)
    ]


def begun(station: StationPeer, evse: Evse, id_token: Mapping[str, Any] | None = None) -> Transaction:
    """A transaction of which nothing has been told yet, with the EV's plug in or not."""
    running = station.equipment.begin(evse, evse.plugged or evse.connectors[0])
    if id_token is not None:
        running.authorized, running.id_token = True, dict(id_token)
    return running


async def occupied(station: StationPeer, evse: Evse) -> None:
    """The EV's plug goes into an EVSE; the connector tells so, and nothing else does."""
    connector = evse.connectors[0]
    connector.plugged = True
    await station.dialect.report(station.call, evse, connector)


async def vacated(station: StationPeer, evse: Evse) -> None:
    """The plug is out, and every connector of the EVSE tells that it is free, whatever becomes of a transaction."""
    at, dialect = station.equipment.clock.stamp(), station.dialect
    for connector in evse.connectors:
        connector.plugged = connector.finished = False
        if isinstance(dialect, Station16):
            told = v16.status_notification(dialect.number(evse, connector), "Available", at=at)
        else:
            told = v201.status_notification(evse.id, connector.id, "Available", at=at)
        await station.call("StatusNotification", told)


# -- meter values -----------------------------------------------------------------------------------------------------

_CONTEXTS = ("Interruption.Begin", "Interruption.End", "Other", "Sample.Clock", "Sample.Periodic", "Trigger")
_PHASES = ("L1", "L2", "L3", "N", "L1-N", "L2-N", "L3-N", "L1-L2", "L2-L3", "L3-L1")
_LOCATIONS = ("Body", "Cable", "EV", "Inlet", "Outlet")
_MEASURANDS: Mapping[str, str] = {
    "Current.Export": "A",
    "Current.Import": "A",
    "Current.Offered": "A",
    "Energy.Active.Export.Register": "kWh",
    "Energy.Active.Import.Register": "Wh",
    "Energy.Reactive.Export.Register": "varh",
    "Energy.Reactive.Import.Register": "kvarh",
    "Energy.Active.Export.Interval": "Wh",
    "Energy.Active.Import.Interval": "Wh",
    "Energy.Reactive.Export.Interval": "varh",
    "Energy.Reactive.Import.Interval": "varh",
    "Frequency": "Hz",
    "Power.Active.Export": "kW",
    "Power.Active.Import": "W",
    "Power.Factor": "",
    "Power.Offered": "W",
    "Power.Reactive.Export": "var",
    "Power.Reactive.Import": "kvar",
    "SoC": "Percent",
    "Voltage": "V",
}
"""What both versions measure, with a unit that goes with it."""

_ONLY_16 = {"RPM": "", "Temperature": "Celsius"}
_ONLY_201 = {
    "Energy.Active.Net": "Wh",
    "Energy.Reactive.Net": "varh",
    "Energy.Apparent.Net": "VAh",
    "Energy.Apparent.Import": "VAh",
    "Energy.Apparent.Export": "VAh",
}
_NOT_IN_16 = ("", "Hz")


def values_of_every_kind(station: StationPeer, evse: Evse) -> Mapping[str, dict[str, Any]]:
    """MeterValues of an EVSE with everything that a meter may tell, by what is special about them."""
    at = station.equipment.clock.stamp()
    dialect = station.dialect
    if isinstance(dialect, Station16):
        number = dialect.number(evse, evse.connectors[0])
        samples = _samples_16()
        return {
            words: {"connectorId": number, "meterValue": [{"timestamp": at, "sampledValue": sampled}]}
            for words, sampled in samples.items()
        }
    return {
        words: {"evseId": evse.id, "meterValue": [{"timestamp": at, "sampledValue": sampled}]}
        for words, sampled in _samples_201().items()
    }


def _samples_201() -> dict[str, list[dict[str, Any]]]:
    one = {"value": 12.5}
    found: dict[str, list[dict[str, Any]]] = {
        "a value alone": [one],
        "kilowatt-hours by a multiplier": [{**one, "unitOfMeasure": {"unit": "Wh", "multiplier": 3}}],
        "a value signed": [{**one, "signedMeterValue": dict(SIGNED)}],
        "every phase": [{**one, "measurand": "Voltage", "phase": each} for each in _PHASES],
        "every location": [{**one, "location": each} for each in _LOCATIONS],
    }
    found |= {f"the context {each}": [{**one, "context": each}] for each in _CONTEXTS}
    for each, unit in {**_MEASURANDS, **_ONLY_201}.items():
        measured = {**one, "measurand": each}
        found[each] = [{**measured, "unitOfMeasure": {"unit": unit}} if unit else measured]
    return found


def _samples_16() -> dict[str, list[dict[str, Any]]]:
    one = {"value": "12.5"}
    found: dict[str, list[dict[str, Any]]] = {
        "a value alone": [one],
        "a value signed": [{"value": SIGNED["signedMeterData"], "format": "SignedData"}],
        "every phase": [{**one, "measurand": "Voltage", "phase": each} for each in _PHASES],
        "every location": [{**one, "location": each} for each in _LOCATIONS],
    }
    found |= {f"the context {each}": [{**one, "context": each}] for each in _CONTEXTS}
    for each, unit in {**_MEASURANDS, **_ONLY_16}.items():
        measured = {**one, "measurand": each}
        found[each] = [measured if unit in _NOT_IN_16 else {**measured, "unit": unit}]
    return found


def idle_values(station: StationPeer, evses: Iterable[Evse]) -> list[dict[str, Any]]:
    """Clock-aligned MeterValues of the whole station, and of these EVSEs, in none of which a transaction runs."""
    at, dialect = station.equipment.clock.stamp(), station.dialect
    total = sum(each.meter.register_wh for each in station.equipment.evses)
    if isinstance(dialect, Station16):
        registers = {0: total} | {dialect.number(each, each.connectors[0]): each.meter.register_wh for each in evses}
        return [
            {"connectorId": number, "meterValue": [v16.meter_value(wh, watts=0.0, context="Sample.Clock", at=at)]}
            for number, wh in registers.items()
        ]
    registers = {0: total} | {each.id: each.meter.register_wh for each in evses}
    return [
        {"evseId": number, "meterValue": [v201.meter_value(wh, watts=0.0, context="Sample.Clock", at=at)]}
        for number, wh in registers.items()
    ]
