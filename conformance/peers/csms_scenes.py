"""What cases about a CSMS under test share: somebody operates it, and the station sees what comes of that."""

from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

from conformance.cases.spec import CaseOver, Spec
from conformance.oracles.answers import answers
from conformance.oracles.wire import Miss, summary
from conformance.peers.equipment import Connector, Evse, Transaction
from conformance.peers.received import NotSeen, Received
from conformance.peers.replies import Chosen, Error, Late, Payload
from conformance.peers.station import StationPeer
from conformance.peers.station_v16 import Station16
from conformance.peers.station_v201 import Station201
from conformance.sut.drivers.actions import DriverFailed, Unsupported
from conformance.sut.drivers.csms_driver import CsmsDriver
from conformance.sut.profile import SutProfile
from conformance.sut.tables import IdToken

ResetKind = Literal["OnIdle", "Immediate"]
_KINDS: tuple[ResetKind, ...] = ("OnIdle", "Immediate")

_request_ids = count(8000)


@dataclass(frozen=True, slots=True)
class Command:
    """What an operator wants the CSMS to send, as it should go over the wire.

    `fits` tells a payload that does what was wanted from one about something else; it may be stumbled over.
    """

    action: str
    payload: Payload
    fits: Callable[[Payload], bool]

    def __str__(self) -> str:
        return self.action


# -- asking -----------------------------------------------------------------------------------------------------------


async def commanded(
    csms: CsmsDriver, station: StationPeer, profile: SutProfile, command: Command, *, within: float | None = None
) -> Received:
    """Have the CSMS send a command, and wait for the call that does so, for as long as the profile has patience.

    That the driver calls it a failure says nothing once the call has come: an interface may be of the opinion that a
    command which the station refused has failed. Raises NotSeen, Unsupported, and DriverFailed where nothing came.
    """
    mark = station.now
    limit = profile.timing.command if within is None else within
    try:
        await csms.command(command.action, command.payload, identity=station.identity)
    except DriverFailed:
        with suppress(NotSeen):
            return await _come(station, command, after=mark, within=0)
        raise
    return await _come(station, command, after=mark, within=limit)


async def _come(station: StationPeer, command: Command, *, after: int, within: float) -> Received:
    return await station.expect(command.action, where=command.fits, after=after, within=within)


DEFAULT = Late(0)
"""Answer as the station would without a script."""


def accepting(
    command: Command, *answers: Chosen, otherwise: Chosen = DEFAULT, others: Chosen = DEFAULT
) -> Callable[[Payload], Chosen]:
    """An answer for `Peer.keep_answering`: calls that fit the command get these, one each, and `otherwise` after that.

    `others` is for what else the CSMS asks by the same action, which it may without having been told to.
    """
    left = deque(answers)

    def answer(asked: Payload) -> Chosen:
        try:
            fits = command.fits(asked)
        except (LookupError, TypeError, AttributeError):
            fits = False
        if not fits:
            return others
        return left.popleft() if left else otherwise

    return answer


# -- what to ask for: OCPP 2.0.1 --------------------------------------------------------------------------------------


def same_variable(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two items name the same attribute of the same variable: Actual unless another is named."""
    return _place(one) == _place(other)


def _place(item: Mapping[str, Any]) -> tuple[object, ...]:
    component, variable, evse = item["component"], item["variable"], item["component"].get("evse") or {}
    return (
        *(_folded(each) for each in (component["name"], component.get("instance"))),
        *(_folded(each) for each in (variable["name"], variable.get("instance"))),
        evse.get("id"),
        evse.get("connectorId"),
        item.get("attributeType", "Actual"),
    )


def _folded(text: str | None) -> str | None:
    return None if text is None else text.casefold()


def get_variables(*items: dict[str, Any]) -> Command:
    """Read variables; a request with any of them fits."""
    return Command(
        "GetVariables",
        {"getVariableData": list(items)},
        lambda asked: any(same_variable(each, item) for each in asked["getVariableData"] for item in items),
    )


def set_variables(*items: dict[str, Any]) -> Command:
    """Set variables; a request that sets any of them to its value fits."""
    return Command(
        "SetVariables",
        {"setVariableData": list(items)},
        lambda asked: any(sets(each, item) for each in asked["setVariableData"] for item in items),
    )


def sets(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two items of SetVariables mean the same."""
    return same_variable(one, other) and one["attributeValue"] == other["attributeValue"]


def base_report(base: str) -> Command:
    """Ask for a base report; the CSMS may take another requestId."""
    payload = {"requestId": next(_request_ids), "reportBase": base}
    return Command("GetBaseReport", payload, lambda asked: asked["reportBase"] == base)


def custom_report(*places: dict[str, Any], criteria: Sequence[str] = ()) -> Command:
    """Ask for a custom report; a request with these criteria and any of these components and variables fits."""

    def fits(asked: Payload) -> bool:
        named = asked.get("componentVariable", [])
        return sorted(asked.get("componentCriteria", [])) == sorted(criteria) and any(
            same_variable(each, place) for each in named for place in places
        )

    wanted: dict[str, Any] = {"requestId": next(_request_ids), "componentVariable": list(places)}
    return Command("GetReport", wanted | ({"componentCriteria": list(criteria)} if criteria else {}), fits)


def station_201(station: StationPeer) -> Station201:
    """The station's side of OCPP 2.0.1, for cases of that version alone."""
    assert isinstance(station.dialect, Station201), "the connection is not one of OCPP 2.0.1"
    return station.dialect


# -- what to ask for: OCPP 1.6 ----------------------------------------------------------------------------------------


def get_configuration(*keys: str) -> Command:
    """Read keys, all of them where none is named; a request with any of them, or for all, fits."""

    def fits(asked: Payload) -> bool:
        named = {each.casefold() for each in asked.get("key", [])}
        return bool(named & {each.casefold() for each in keys}) if keys else not named

    return Command("GetConfiguration", {"key": list(keys)} if keys else {}, fits)


def change_configuration(key: str, value: str) -> Command:
    """Set a key."""
    return Command(
        "ChangeConfiguration",
        {"key": key, "value": value},
        lambda asked: asked["key"].casefold() == key.casefold() and asked["value"] == value,
    )


def station_16(station: StationPeer) -> Station16:
    """The station's side of OCPP 1.6, for cases of that version alone."""
    assert isinstance(station.dialect, Station16), "the connection is not one of OCPP 1.6"
    return station.dialect


# -- what to ask for: either version ----------------------------------------------------------------------------------


def reset(station: StationPeer, kind: ResetKind, *, evse: int | None = None) -> Command:
    """Reset the station, or in 2.0.1 one EVSE of it; what is Immediate there is Hard in 1.6, and OnIdle is Soft."""
    if isinstance(station.dialect, Station16):
        wanted: dict[str, Any] = {"type": "Hard" if kind == "Immediate" else "Soft"}
    else:
        wanted = {"type": kind} if evse is None else {"type": kind, "evseId": evse}
    return Command("Reset", wanted, lambda asked: {key: asked.get(key) for key in ("type", "evseId")} == _full(wanted))


def _full(wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {"evseId": None, **wanted}


def reads(station: StationPeer) -> list[Command]:
    """Harmless commands that can be told from each other: each reads one setting that the station has."""
    if isinstance(station.dialect, Station16):
        return [get_configuration(key) for key in _KEYS]
    return [
        get_variables({"component": {"name": component}, "variable": {"name": name}}) for component, name in _VARIABLES
    ]


_KEYS = (
    "MeterValueSampleInterval",
    "ConnectionTimeOut",
    "ClockAlignedDataInterval",
    "ResetRetries",
    "TransactionMessageAttempts",
)
_VARIABLES = (
    ("OCPPCommCtrlr", "OfflineThreshold"),
    ("OCPPCommCtrlr", "ResetRetries"),
    ("OCPPCommCtrlr", "RetryBackOffWaitMinimum"),
    ("OCPPCommCtrlr", "RetryBackOffRepeatTimes"),
    ("TxCtrlr", "EVConnectionTimeOut"),
)


def writes(station: StationPeer) -> list[Command]:
    """Harmless commands that each set one setting."""
    if isinstance(station.dialect, Station16):
        return [change_configuration("MeterValueSampleInterval", "60")]
    item = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "OfflineThreshold"}}
    return [set_variables({**item, "attributeValue": "123"})]


def trigger(station: StationPeer, message: str, *, evse: int | None = None, connector: int = 1) -> Command:
    """Have the station send a message, about one connector where an EVSE is named."""
    wanted: dict[str, Any] = {"requestedMessage": message}
    if evse is not None and isinstance(station.dialect, Station16):
        wanted["connectorId"] = station.dialect.number(*station.equipment.place(evse, connector))
    elif evse is not None:
        wanted["evse"] = {"id": evse, "connectorId": connector}
    return Command("TriggerMessage", wanted, lambda asked: asked["requestedMessage"] == message)


def remote_start(station: StationPeer, id_token: Mapping[str, str], evse: Evse | None = None) -> Command:
    """Start a transaction with a token, at an EVSE where one is named; the CSMS may take another remoteStartId."""
    if isinstance(station.dialect, Station16):
        wanted: dict[str, Any] = {"idTag": id_token["idToken"]}
        if evse is not None:
            wanted["connectorId"] = station.dialect.number(evse, evse.connectors[0])
        return Command("RemoteStartTransaction", wanted, lambda asked: _holds(asked, wanted))
    wanted = {"idToken": dict(id_token)} if evse is None else {"idToken": dict(id_token), "evseId": evse.id}
    payload = {"remoteStartId": next(_request_ids), **wanted}
    return Command("RequestStartTransaction", payload, lambda asked: _holds(asked, wanted))


def remote_stop(station: StationPeer, running: Transaction) -> Command:
    """Stop a transaction."""
    if isinstance(station.dialect, Station16):
        number = {"transactionId": running.number}
        return Command("RemoteStopTransaction", number, lambda asked: _holds(asked, number))
    wanted = {"transactionId": running.id}
    return Command("RequestStopTransaction", wanted, lambda asked: _holds(asked, wanted))


def unlock(station: StationPeer, evse: Evse) -> Command:
    """Unlock the first connector of an EVSE."""
    connector = evse.connectors[0]
    if isinstance(station.dialect, Station16):
        wanted = {"connectorId": station.dialect.number(evse, connector)}
    else:
        wanted = {"evseId": evse.id, "connectorId": connector.id}
    return Command("UnlockConnector", wanted, lambda asked: _holds(asked, wanted))


def change_availability(
    station: StationPeer, evse: Evse | None = None, connector: Connector | None = None, *, operative: bool
) -> Command:
    """Take the station, an EVSE or a connector of it into use or out of it; 1.6 knows no EVSE."""
    if isinstance(station.dialect, Station16):
        number = 0 if evse is None else station.dialect.number(evse, connector or evse.connectors[0])
        wanted: dict[str, Any] = {"connectorId": number, "type": _OPERATIVE[operative]}
        return Command("ChangeAvailability", wanted, lambda asked: _holds(asked, wanted))
    place = {} if evse is None else {"evse": {"id": evse.id} | ({"connectorId": connector.id} if connector else {})}
    payload = {"operationalStatus": _OPERATIVE[operative], **place}

    def fits(asked: Payload) -> bool:
        same = {key: asked.get("evse", {}).get(key) for key in ("id", "connectorId")} == {
            "id": None if evse is None else evse.id,
            "connectorId": None if connector is None else connector.id,
        }
        return same and asked["operationalStatus"] == _OPERATIVE[operative]

    return Command("ChangeAvailability", payload, fits)


_OPERATIVE = {True: "Operative", False: "Inoperative"}


def tells_status(station: StationPeer, evse: Evse, connector: Connector, *, status: str) -> Callable[[Payload], bool]:
    """Picks the StatusNotification by which the station tells that a connector has this status."""
    if isinstance(station.dialect, Station16):
        wanted = {"connectorId": station.dialect.number(evse, connector), "status": status}
    else:
        wanted = {"evseId": evse.id, "connectorId": connector.id, "connectorStatus": status}
    return lambda told: _holds(told, wanted)


def set_network_profile(slot: int, connection: Mapping[str, Any]) -> Command:
    """Store a network connection profile (2.0.1)."""
    return Command(
        "SetNetworkProfile",
        {"configurationSlot": slot, "connectionData": dict(connection)},
        lambda asked: asked["configurationSlot"] == slot and _holds(asked["connectionData"], connection),
    )


def monitoring_report(*places: dict[str, Any], criteria: Sequence[str] = ()) -> Command:
    """Ask for monitors by these criteria, components and variables, and by no others (2.0.1)."""

    def fits(asked: Payload) -> bool:
        named = asked.get("componentVariable", [])
        return (
            sorted(asked.get("monitoringCriteria", [])) == sorted(criteria)
            and len(named) == len(places)
            and all(any(same_variable(each, place) for each in named) for place in places)
        )

    wanted: dict[str, Any] = {"requestId": next(_request_ids)}
    wanted |= {"componentVariable": list(places)} if places else {}
    return Command("GetMonitoringReport", wanted | ({"monitoringCriteria": list(criteria)} if criteria else {}), fits)


def monitoring_base(base: str) -> Command:
    """Choose which monitors there are (2.0.1)."""
    wanted = {"monitoringBase": base}
    return Command("SetMonitoringBase", wanted, lambda asked: _holds(asked, wanted))


def monitoring_level(severity: int) -> Command:
    """Choose how severe an event must be to be told (2.0.1)."""
    wanted = {"severity": severity}
    return Command("SetMonitoringLevel", wanted, lambda asked: _holds(asked, wanted))


def set_monitor(monitor: Mapping[str, Any]) -> Command:
    """Set a monitor (2.0.1)."""
    same = ("value", "type", "severity")
    return Command(
        "SetVariableMonitoring",
        {"setMonitoringData": [dict(monitor)]},
        lambda asked: any(
            same_variable(each, monitor) and _holds(each, {name: monitor[name] for name in same})
            for each in asked["setMonitoringData"]
        ),
    )


def clear_monitors(*ids: int) -> Command:
    """Clear monitors; a request with any of them, and no others, fits (2.0.1)."""
    return Command("ClearVariableMonitoring", {"id": list(ids)}, lambda asked: set(asked["id"]) <= set(ids))


def transaction_status(running: Transaction | None = None) -> Command:
    """Ask how a transaction stands, or in general whether anything is queued (2.0.1)."""
    wanted = {} if running is None else {"transactionId": running.id}
    return Command(
        "GetTransactionStatus", wanted, lambda asked: asked.get("transactionId") == wanted.get("transactionId")
    )


def _holds(asked: Payload, wanted: Mapping[str, Any]) -> bool:
    """Whether a payload says all of this; nobody adds to a token what it has not."""
    return all(asked.get(name) == value for name, value in wanted.items())


def claimed_triggers(station: StationPeer, profile: SutProfile) -> list[str]:
    """The messages that the CSMS claims it can trigger, but for the boot, and in 2.0.1 what needs a transaction."""
    named = _TRIGGERED_16 if isinstance(station.dialect, Station16) else _TRIGGERED_201
    return [message for message, feature in named.items() if profile.claims(feature)]


_TRIGGERED_201 = {
    "MeterValues": "trigger-meter-values",
    "StatusNotification": "trigger-status-notification",
    "LogStatusNotification": "trigger-log-status",
    "FirmwareStatusNotification": "trigger-firmware-status",
}
_TRIGGERED_16 = {
    "MeterValues": "trigger-meter-values",
    "Heartbeat": "trigger-heartbeat",
    "StatusNotification": "trigger-status-notification",
    "DiagnosticsStatusNotification": "trigger-diagnostics-status",
    "FirmwareStatusNotification": "trigger-firmware-status",
}


# -- odd answers ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OddAnswer:
    """An answer to a command that is rare, but right; `what` it is in words."""

    what: str
    command: Command
    answer: Chosen


def odd_answers(station: StationPeer) -> list[OddAnswer]:
    """Refusals of every kind, errors, and results with what a CSMS may not count on."""
    if isinstance(station.dialect, Station16):
        return [*_odd_answers_16(station), *_errors(reads(station)[0])]
    return [*_odd_answers_201(station), *_errors(reads(station)[0])]


_ERRORS = (
    Error("NotSupported"),
    Error("NotImplemented", "no such action here"),
    Error("InternalError", "x" * 255, {"where": {"line": 7}, "tries": [1, 2]}),
    Error("GenericError", "", {"hint": "try again"}),
)


def _errors(command: Command) -> Iterator[OddAnswer]:
    for error in _ERRORS:
        yield OddAnswer(f"CALLERROR {error.code}", command, error)


def _odd_answers_201(station: StationPeer) -> Iterator[OddAnswer]:
    item = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "OfflineThreshold"}}
    info = {"reasonCode": "NotEnabled", "additionalInfo": "told so by the front panel"}
    read, write = get_variables(item), set_variables({**item, "attributeValue": "123"})
    for status in ("Rejected", "UnknownComponent", "UnknownVariable", "NotSupportedAttributeType"):
        result = {"attributeStatus": status, **item, "attributeStatusInfo": info}
        yield OddAnswer(status, read, {"getVariableResult": [result]})
        yield OddAnswer(status, write, {"setVariableResult": [{"attributeStatus": status, **item}]})
    yield OddAnswer("RebootRequired", write, {"setVariableResult": [{"attributeStatus": "RebootRequired", **item}]})
    long = {"attributeStatus": "Accepted", **item, "attributeType": "Actual", "attributeValue": "x" * 2500}
    custom = {"customData": {"vendorId": "com.example", "measured": [1, {"at": "dawn"}]}}
    yield OddAnswer("a long value and customData", read, {"getVariableResult": [long | custom], **custom})
    yield OddAnswer("an empty value", read, {"getVariableResult": [long | {"attributeValue": ""}]})
    for kind in _KINDS:
        yield OddAnswer("Rejected", reset(station, kind), {"status": "Rejected", "statusInfo": info})
    yield OddAnswer("Scheduled", reset(station, "OnIdle"), {"status": "Scheduled"})
    place = station.equipment.connectors[0]
    state = trigger(station, "StatusNotification", evse=place[0].id, connector=place[1].id)
    for status in ("Rejected", "NotImplemented"):
        yield OddAnswer(status, state, {"status": status, "statusInfo": info})


def _odd_answers_16(station: StationPeer) -> Iterator[OddAnswer]:
    name = "MeterValueSampleInterval"
    read, everything, write = get_configuration(name), get_configuration(), change_configuration(name, "60")
    key = {"key": name, "readonly": False}
    yield OddAnswer("an unknown key", read, {"unknownKey": [name]})
    yield OddAnswer("no value", read, {"configurationKey": [key]})
    yield OddAnswer("nothing at all", everything, {})
    others = [{"key": f"ExampleKey{number}", "readonly": True, "value": "x" * 500} for number in range(100)]
    odd = [{"key": "x" * 50, "readonly": True, "value": ""}, {"key": "Schlüssel 鍵", "readonly": True, "value": "⚡"}]
    yield OddAnswer("many long keys", everything, {"configurationKey": [*others, *odd], "unknownKey": ["Another"]})
    for status in ("Rejected", "NotSupported", "RebootRequired"):
        yield OddAnswer(status, write, {"status": status})
    for kind in _KINDS:
        yield OddAnswer("Rejected", reset(station, kind), {"status": "Rejected"})
    for status in ("Rejected", "NotImplemented"):
        yield OddAnswer(status, trigger(station, "Heartbeat"), {"status": status})


# -- states -----------------------------------------------------------------------------------------------------------


async def charging(csms: CsmsDriver, station: StationPeer, profile: SutProfile, evse: Evse) -> Transaction:
    """A transaction with the profile's token, in which energy flows.

    A driver that can't make the token known leaves that to whoever has set up the CSMS. Raises AssertionError where the
    token is not accepted.
    """
    token = await valid_token(csms, profile)
    await station.plug_in(evse.id, evse.connectors[0].id)
    return await station.start(evse.id, id_token=token)


async def valid_token(csms: CsmsDriver, profile: SutProfile, *, other: bool = False) -> dict[str, str]:
    """The profile's token that may charge, or the other one, made known to the CSMS where the driver can do that."""
    token = profile.parameters.other_valid_id_token if other else profile.parameters.valid_id_token
    with suppress(Unsupported, DriverFailed):
        await csms.add_token(token.id_token, token.type)
    return token.payload


async def blocked_token(csms: CsmsDriver, profile: SutProfile) -> IdToken:
    """The profile's token that is blocked, made so where the driver can do that."""
    token = profile.parameters.blocked_id_token
    with suppress(Unsupported, DriverFailed):
        await csms.block_token(token.id_token, token.type)
    return token


async def expired_token(csms: CsmsDriver, profile: SutProfile) -> IdToken:
    """The profile's token that has expired, made so where the driver can do that."""
    token = profile.parameters.expired_id_token
    with suppress(Unsupported, DriverFailed):
        await csms.expire_token(token.id_token, token.type)
    return token


# -- how it is answered -----------------------------------------------------------------------------------------------


@asynccontextmanager
async def judged(
    station: StationPeer, spec: Spec, profile: SutProfile, *, expected: Mapping[str, frozenset[str]] | None = None
) -> AsyncIterator[None]:
    """Judge the answers to what the station says within the block, by those of the rules that the case declares.

    These are the rules of `conformance.oracles.answers`. `expected` are the statuses that tokens may be answered by
    beside those of the profile that may charge. A wrong answer over which the scenario stumbles ends the case; where it
    stumbles over anything else, that is raised as it is.
    """
    mark, stumbled = station.now, None
    try:
        yield
    except AssertionError as error:
        stumbled = error
    valid = (profile.parameters.valid_id_token, profile.parameters.other_valid_id_token)
    allowed = {each.id_token: frozenset({"Accepted"}) for each in valid} | dict(expected or {})
    found: dict[str, list[Miss]] = defaultdict(list)
    for each in answers(
        station.transcript, station.identity, since=mark, expected=allowed, pending=stumbled is not None
    ):
        name = next((name for name in each.requirements if spec.declares(name)), None)
        if name is not None:
            found[name] += [each.miss] if each.miss is not None else []
    for name, misses in found.items():
        with spec(name):
            station.touch(*(entry for miss in misses for entry in miss.entries))
            assert not misses, summary(misses)
    if stumbled is not None:
        if any(found.values()):
            raise CaseOver(next(name for name, misses in found.items() if misses)) from stumbled
        raise stumbled
