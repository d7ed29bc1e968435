"""The device model of the harness's own station (2.0.1): its variables, and what may be done to them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.peers.equipment import PHASES, Connector, Equipment, Evse
from conformance.wire.schemas import parse_timestamp

_MINIMAL_PASSWORD, _LONGEST_PASSWORD = 16, 40


@dataclass(eq=False)
class Variable:
    """One variable of one component, with its only attribute, Actual.

    `live` gives the value of one that changes by itself. `maximum` bounds the length of a string. `reboot` says that
    a new value takes effect after a reboot.
    """

    component: str
    name: str
    type: str = "string"
    value: str = ""
    mutability: str = "ReadOnly"
    instance: str | None = None
    component_instance: str | None = None
    evse: int | None = None
    connector: int | None = None
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()
    live: Callable[[], str] | None = field(default=None, repr=False)
    reboot: bool = False

    @property
    def actual(self) -> str:
        """Its value now."""
        return self.value if self.live is None else self.live()

    def takes(self, value: str) -> bool:
        """Whether this is a value that it can have."""
        match self.type:
            case "boolean":
                return value in ("true", "false")
            case "integer" | "decimal":
                return self._in_range(value)
            case "dateTime":
                return parse_timestamp(value) is not None
            case "OptionList":
                return value in self.values
            case "MemberList" | "SequenceList":
                given = [each.strip() for each in value.split(",")] if value else []
                return len(set(given)) == len(given) and (not self.values or set(given) <= set(self.values))
        return (self.minimum or 0) <= len(value) and (self.maximum is None or len(value) <= self.maximum)

    def _in_range(self, value: str) -> bool:
        try:
            number = int(value) if self.type == "integer" else float(value)
        except ValueError:
            return False
        return (self.minimum is None or number >= self.minimum) and (self.maximum is None or number <= self.maximum)

    def of(self, component: Mapping[str, Any]) -> bool:
        """Whether it belongs to exactly this component; names mean the same in either case."""
        evse = component.get("evse") or {}
        return (
            _same(component.get("name"), self.component)
            and _same(component.get("instance"), self.component_instance)
            and (evse.get("id"), evse.get("connectorId")) == (self.evse, self.connector)
        )

    def named(self, variable: Mapping[str, Any]) -> bool:
        """Whether it is exactly this variable of its component."""
        return _same(variable.get("name"), self.name) and _same(variable.get("instance"), self.instance)

    @property
    def place(self) -> dict[str, Any]:
        """Its component and its name, as they go over the wire."""
        component: dict[str, Any] = {"name": self.component}
        if self.component_instance is not None:
            component["instance"] = self.component_instance
        if self.evse is not None:
            component["evse"] = {"id": self.evse}
            if self.connector is not None:
                component["evse"]["connectorId"] = self.connector
        variable = {"name": self.name} if self.instance is None else {"name": self.name, "instance": self.instance}
        return {"component": component, "variable": variable}

    def reported(self) -> dict[str, Any]:
        """One item of a report; the value of a write-only variable stays out (B08.FR.03, errata 2025-09)."""
        attribute: dict[str, Any] = {"type": "Actual", "mutability": self.mutability, "persistent": self.live is None}
        if self.mutability != "WriteOnly":
            attribute["value"] = self.actual
        characteristics: dict[str, Any] = {"dataType": self.type, "supportsMonitoring": self.type != "string"}
        if self.unit is not None:
            characteristics["unit"] = self.unit
        if self.minimum is not None:
            characteristics["minLimit"] = self.minimum
        if self.maximum is not None:
            characteristics["maxLimit"] = self.maximum
        if self.values:
            characteristics["valuesList"] = ",".join(self.values)
        return {**self.place, "variableAttribute": [attribute], "variableCharacteristics": characteristics}


class DeviceModel:
    """All variables of a station."""

    def __init__(self, equipment: Equipment, *, items_per_message: int, serial: str) -> None:
        self.items_per_message = items_per_message
        self.variables = [
            *_of_the_controllers(equipment, items_per_message, serial),
            *_of_the_station(equipment),
            *(each for evse in equipment.evses for each in _of_an_evse(equipment, evse)),
        ]

    def find(self, component: str, name: str, instance: str | None = None) -> Variable:
        """A variable of the station itself; raises KeyError where there is none."""
        for each in self.variables:
            if each.of({"name": component}) and each.named({"name": name, "instance": instance}):
                return each
        raise KeyError(f"{component}.{name}")

    def read(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """One result of GetVariables (B06)."""
        status, found = self._look_up(item)
        result = _result(item, "attributeStatus", status)
        if found is not None and found.mutability == "WriteOnly":
            result["attributeStatus"] = "Rejected"
        elif found is not None:
            result["attributeValue"] = found.actual
        return result

    def write(self, item: Mapping[str, Any]) -> tuple[dict[str, Any], Variable | None]:
        """One result of SetVariables (B05), and the variable if it has taken the value."""
        status, found = self._look_up(item)
        value = str(item["attributeValue"])
        if found is None:
            return _result(item, "attributeStatus", status), None
        if found.mutability == "ReadOnly" or not found.takes(value):
            return _result(item, "attributeStatus", "Rejected"), None
        found.value = value
        return _result(item, "attributeStatus", "RebootRequired" if found.reboot else "Accepted"), found

    def _look_up(self, item: Mapping[str, Any]) -> tuple[str, Variable | None]:
        component = [each for each in self.variables if each.of(item["component"])]
        found = next((each for each in component if each.named(item["variable"])), None)
        if not component:
            return "UnknownComponent", None
        if found is None:
            return "UnknownVariable", None
        if item.get("attributeType", "Actual") != "Actual":
            return "NotSupportedAttributeType", None
        return "Accepted", found

    def known(self, item: Mapping[str, Any]) -> str:
        """Whether a component and a variable are known: Accepted, or what is not."""
        return self._look_up({**item, "attributeType": "Actual"})[0]

    # -- reports ------------------------------------------------------------------------------------------------------

    def base_report(self, base: str) -> list[Variable]:
        """What a base report holds (B07)."""
        match base:
            case "FullInventory":
                return self.variables
            case "ConfigurationInventory":
                return [each for each in self.variables if each.mutability != "ReadOnly"]
        return [each for each in self.variables if each.name in _SUMMARY]

    def report(self, criteria: Iterable[str], wanted: Iterable[Mapping[str, Any]]) -> list[Variable]:
        """What a custom report holds (B08): components by any of these criteria, and these components and variables."""
        asked, places = list(criteria), list(wanted)
        return [
            each
            for each in self.variables
            if (not asked or any(self._meets(each, criterion) for criterion in asked))
            and (not places or any(_within(each, place) for place in places))
        ]

    def _meets(self, variable: Variable, criterion: str) -> bool:
        """One that lacks Active, Available or Enabled counts as if it were true; one without Problem has none."""
        component = variable.place["component"]
        told = next((each for each in self.variables if each.of(component) and _same(each.name, criterion)), None)
        return criterion != "Problem" if told is None else told.actual == "true"


_SUMMARY = frozenset({"Available", "AvailabilityState", "Problem", "Enabled", "Active"})


def _result(item: Mapping[str, Any], key: str, status: str) -> dict[str, Any]:
    """A result for one item: its component and variable as they were asked for."""
    kept = {name: item[name] for name in ("component", "variable")}
    return {key: status, "attributeType": item.get("attributeType", "Actual"), **kept}


def _within(variable: Variable, wanted: Mapping[str, Any]) -> bool:
    """Whether a report that asks for this is about that variable: what is left out stands for all (B08.FR.20-25)."""
    component, asked = wanted["component"], wanted.get("variable", {})
    evse = component.get("evse") or {}
    return (
        _same(component["name"], variable.component)
        and ("instance" not in component or _same(component["instance"], variable.component_instance))
        and evse.get("id") in (None, variable.evse)
        and evse.get("connectorId") in (None, variable.connector)
        and ("name" not in asked or _same(asked["name"], variable.name))
        and ("instance" not in asked or _same(asked["instance"], variable.instance))
    )


def _same(one: object, other: object) -> bool:
    return one == other or (isinstance(one, str) and isinstance(other, str) and one.casefold() == other.casefold())


# -- what there is ----------------------------------------------------------------------------------------------------

_MEASURANDS = ("Energy.Active.Import.Register", "Power.Active.Import")
_POINTS = ("ParkingBayOccupancy", "EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer")
_STATES = ("Available", "Occupied", "Reserved", "Unavailable", "Faulted")


def _of_the_controllers(equipment: Equipment, items: int, serial: str) -> Iterator[Variable]:
    yield from _communication()
    yield from _messages(items)
    yield from _security(serial)
    yield from _metering()
    clock = equipment.clock
    yield Variable("ClockCtrlr", "DateTime", "dateTime", live=clock.stamp)
    yield _choice("ClockCtrlr", "TimeSource", "SequenceList", "Heartbeat", ("Heartbeat", "RealTimeClock"))
    yield _switch("AuthCtrlr", "Enabled", "true")
    yield _switch("AuthCtrlr", "AuthorizeRemoteStart", "false")
    yield _switch("AuthCtrlr", "LocalAuthorizeOffline", "true")
    yield _switch("AuthCtrlr", "LocalPreAuthorize", "false")
    yield _switch("AuthCacheCtrlr", "Enabled", "true")
    yield _number("TxCtrlr", "EVConnectionTimeOut", 120)
    yield _switch("TxCtrlr", "StopTxOnEVSideDisconnect", "true")
    yield _switch("TxCtrlr", "StopTxOnInvalidId", "true")
    for name in ("TxStartPoint", "TxStopPoint"):
        yield Variable("TxCtrlr", name, "MemberList", "EVConnected,Authorized", values=_POINTS)
    yield Variable("LocalAuthListCtrlr", "Available", "boolean", "true")
    yield _switch("LocalAuthListCtrlr", "Enabled", "true")
    yield Variable("LocalAuthListCtrlr", "ItemsPerMessage", "integer", "100")
    yield Variable("LocalAuthListCtrlr", "BytesPerMessage", "integer", "65000")
    yield Variable("LocalAuthListCtrlr", "Entries", "integer", "0", maximum=1000)
    yield Variable("ReservationCtrlr", "Available", "boolean", "true")
    yield _switch("ReservationCtrlr", "Enabled", "true")
    yield Variable("SmartChargingCtrlr", "Available", "boolean", "true")
    yield _switch("SmartChargingCtrlr", "Enabled", "true")
    yield Variable("SmartChargingCtrlr", "Entries", "integer", "0", instance="ChargingProfiles", maximum=100)
    yield Variable("SmartChargingCtrlr", "LimitChangeSignificance", "decimal", "5", "ReadWrite", unit="Percent")
    yield Variable("SmartChargingCtrlr", "PeriodsPerSchedule", "integer", "24")
    yield Variable("SmartChargingCtrlr", "ProfileStackLevel", "integer", "9")
    yield Variable("SmartChargingCtrlr", "RateUnit", "MemberList", "A,W", values=("A", "W"))


def _communication() -> Iterator[Variable]:
    name = "OCPPCommCtrlr"
    yield Variable(name, "ActiveNetworkProfile", "integer", "1")
    yield Variable(name, "FileTransferProtocols", "MemberList", "HTTP,HTTPS", values=("HTTP", "HTTPS", "FTP", "FTPS"))
    yield Variable(name, "MessageTimeout", "integer", "30", instance="Default", unit="s")
    yield _number(name, "MessageAttempts", 3, instance="TransactionEvent", unit=None)
    yield _number(name, "MessageAttemptInterval", 60, instance="TransactionEvent")
    yield _choice(name, "NetworkConfigurationPriority", "SequenceList", "1", ("1", "2", "3"))
    yield _number(name, "NetworkProfileConnectionAttempts", 3, unit=None)
    yield _number(name, "HeartbeatInterval", 300, minimum=1)
    yield _number(name, "OfflineThreshold", 300)
    yield _number(name, "ResetRetries", 1, unit=None)
    yield _number(name, "RetryBackOffWaitMinimum", 10)
    yield _number(name, "RetryBackOffRandomRange", 10)
    yield _number(name, "RetryBackOffRepeatTimes", 5, unit=None)
    yield _number(name, "WebSocketPingInterval", 0)
    yield _switch(name, "UnlockOnEVSideDisconnect", "true")


def _messages(items: int) -> Iterator[Variable]:
    for instance in ("GetReport", "GetVariables", "SetVariables"):
        yield Variable("DeviceDataCtrlr", "ItemsPerMessage", "integer", str(items), instance=instance)
        yield Variable("DeviceDataCtrlr", "BytesPerMessage", "integer", "65000", instance=instance)
    for name in ("ItemsPerMessage", "BytesPerMessage"):
        value = str(items) if name == "ItemsPerMessage" else "65000"
        for instance in ("ClearVariableMonitoring", "SetVariableMonitoring"):
            yield Variable("MonitoringCtrlr", name, "integer", value, instance=instance)


def _security(serial: str) -> Iterator[Variable]:
    yield Variable(
        "SecurityCtrlr",
        "BasicAuthPassword",
        mutability="WriteOnly",
        minimum=_MINIMAL_PASSWORD,
        maximum=_LONGEST_PASSWORD,
    )
    yield Variable("SecurityCtrlr", "Identity", value=serial, maximum=48)
    yield Variable("SecurityCtrlr", "OrganizationName", value="Conformance", mutability="ReadWrite", maximum=64)
    yield Variable("SecurityCtrlr", "CertificateEntries", "integer", "0", maximum=10)
    yield Variable("SecurityCtrlr", "SecurityProfile", "integer", "1")


def _metering() -> Iterator[Variable]:
    both = ",".join(_MEASURANDS)
    for name in ("TxStartedMeasurands", "TxUpdatedMeasurands", "TxEndedMeasurands"):
        yield _choice("SampledDataCtrlr", name, "MemberList", both, _MEASURANDS)
    for name in ("TxUpdatedInterval", "TxEndedInterval"):
        yield _number("SampledDataCtrlr", name, 0)
    for name in ("Measurands", "TxEndedMeasurands"):
        yield _choice("AlignedDataCtrlr", name, "MemberList", both, _MEASURANDS)
    for name in ("Interval", "TxEndedInterval"):
        yield _number("AlignedDataCtrlr", name, 0)


def _of_the_station(equipment: Equipment) -> Iterator[Variable]:
    def state() -> str:
        return "Available" if equipment.operative else "Unavailable"

    yield Variable("ChargingStation", "Available", "boolean", "true")
    yield Variable("ChargingStation", "AvailabilityState", "OptionList", values=_STATES, live=state)
    yield Variable("ChargingStation", "SupplyPhases", "integer", str(PHASES))


def _of_an_evse(equipment: Equipment, evse: Evse) -> Iterator[Variable]:
    def state() -> str:
        return equipment.status(evse, evse.plugged or evse.connectors[0])

    power = evse.max_power_w
    yield Variable("EVSE", "Available", "boolean", "true", evse=evse.id)
    yield Variable("EVSE", "AvailabilityState", "OptionList", values=_STATES, evse=evse.id, live=state)
    yield Variable("EVSE", "SupplyPhases", "integer", str(PHASES), evse=evse.id)
    yield Variable("EVSE", "Power", "decimal", f"{power:.0f}", evse=evse.id, unit="W", maximum=power)
    for connector in evse.connectors:
        yield from _of_a_connector(equipment, evse, connector)


def _of_a_connector(equipment: Equipment, evse: Evse, connector: Connector) -> Iterator[Variable]:
    def state() -> str:
        return equipment.status(evse, connector)

    place: dict[str, Any] = {"evse": evse.id, "connector": connector.id}
    yield Variable("Connector", "Available", "boolean", "true", **place)
    yield Variable("Connector", "AvailabilityState", "OptionList", values=_STATES, live=state, **place)
    yield Variable("Connector", "ConnectorType", value=connector.type, **place)
    yield Variable("Connector", "SupplyPhases", "integer", str(PHASES), **place)


def _switch(component: str, name: str, value: str) -> Variable:
    return Variable(component, name, "boolean", value, "ReadWrite")


def _number(  # noqa: PLR0913 -- by keyword
    component: str,
    name: str,
    value: int,
    *,
    instance: str | None = None,
    unit: str | None = "s",
    minimum: float = 0,
) -> Variable:
    return Variable(component, name, "integer", str(value), "ReadWrite", instance, unit=unit, minimum=minimum)


def _choice(component: str, name: str, kind: str, value: str, values: tuple[str, ...]) -> Variable:
    return Variable(component, name, kind, value, "ReadWrite", values=values)
