"""The variables that this make of station has (Part 2, Referenced Components and Variables)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.reference.station.device_model import READ_ONLY, READ_WRITE, WRITE_ONLY, Component, Variable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.reference.station.config import StationConfig

    Live = dict[str, Callable[[], str]]

MEASURANDS = (
    "Energy.Active.Import.Register",
    "Power.Active.Import",
    "Current.Import",
    "Voltage",
)
START_STOP_POINTS = ("ParkingBayOccupancy", "EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer")
AVAILABILITY_STATES = ("Available", "Occupied", "Reserved", "Unavailable", "Faulted")
NETWORK_SLOTS = ("1", "2", "3")
BOOLEAN, INTEGER, DECIMAL, STRING = "boolean", "integer", "decimal", "string"

# component, variable, instance, type, mutability, value, further fields
Row = tuple[str, str, str | None, str, str, str, dict[str, Any]]
SECONDS: dict[str, Any] = {"unit": "s", "minimum": 0}
ENTRIES: dict[str, Any] = {"minimum": 0, "maximum": 10, "persistent": False}
COUNT: dict[str, Any] = {"minimum": 0}
FIXED: dict[str, Any] = {"constant": True}
METERED: dict[str, Any] = {"values": MEASURANDS}
POINTS: dict[str, Any] = {"values": START_STOP_POINTS}
STARTS: dict[str, Any] = {"values": (*START_STOP_POINTS, "DataSigned")}

COMMUNICATION: tuple[Row, ...] = (
    ("OCPPCommCtrlr", "HeartbeatInterval", None, INTEGER, READ_WRITE, "300", {"unit": "s", "minimum": 1}),
    ("OCPPCommCtrlr", "OfflineThreshold", None, INTEGER, READ_WRITE, "60", SECONDS),
    ("OCPPCommCtrlr", "WebSocketPingInterval", None, INTEGER, READ_WRITE, "30", SECONDS),
    ("OCPPCommCtrlr", "RetryBackOffWaitMinimum", None, INTEGER, READ_WRITE, "1", SECONDS),
    ("OCPPCommCtrlr", "RetryBackOffRandomRange", None, INTEGER, READ_WRITE, "0", SECONDS),
    ("OCPPCommCtrlr", "RetryBackOffRepeatTimes", None, INTEGER, READ_WRITE, "3", COUNT),
    ("OCPPCommCtrlr", "MessageTimeout", "Default", INTEGER, READ_ONLY, "2", SECONDS),
    ("OCPPCommCtrlr", "MessageAttempts", "TransactionEvent", INTEGER, READ_WRITE, "3", COUNT),
    ("OCPPCommCtrlr", "MessageAttemptInterval", "TransactionEvent", INTEGER, READ_WRITE, "5", SECONDS),
    ("OCPPCommCtrlr", "ResetRetries", None, INTEGER, READ_WRITE, "1", COUNT),
    ("OCPPCommCtrlr", "UnlockOnEVSideDisconnect", None, BOOLEAN, READ_WRITE, "true", {}),
    ("OCPPCommCtrlr", "FileTransferProtocols", None, "MemberList", READ_ONLY, "HTTPS", {"values": ("HTTPS",)}),
    (
        "OCPPCommCtrlr",
        "NetworkConfigurationPriority",
        None,
        "SequenceList",
        READ_WRITE,
        "1",
        {"values": NETWORK_SLOTS, "needs_reboot": True},
    ),
    ("OCPPCommCtrlr", "NetworkProfileConnectionAttempts", None, INTEGER, READ_WRITE, "3", {"minimum": 1}),
    ("OCPPCommCtrlr", "ActiveNetworkProfile", None, INTEGER, READ_ONLY, "1", {"persistent": False}),
    ("OCPPCommCtrlr", "QueueAllMessages", None, BOOLEAN, READ_ONLY, "false", FIXED),
    (
        "OCPPCommCtrlr",
        "PublicKeyWithSignedMeterValue",
        None,
        "OptionList",
        READ_WRITE,
        "OncePerTransaction",
        {"values": ("Never", "OncePerTransaction", "EveryMeterValue")},
    ),
)

GENERAL: tuple[Row, ...] = (
    ("DeviceDataCtrlr", "ItemsPerMessage", "GetReport", INTEGER, READ_ONLY, "20", FIXED),
    ("DeviceDataCtrlr", "ItemsPerMessage", "GetVariables", INTEGER, READ_ONLY, "20", FIXED),
    ("DeviceDataCtrlr", "ItemsPerMessage", "SetVariables", INTEGER, READ_ONLY, "20", FIXED),
    ("DeviceDataCtrlr", "BytesPerMessage", "GetReport", INTEGER, READ_ONLY, "4096", FIXED),
    ("DeviceDataCtrlr", "BytesPerMessage", "GetVariables", INTEGER, READ_ONLY, "4096", FIXED),
    ("DeviceDataCtrlr", "BytesPerMessage", "SetVariables", INTEGER, READ_ONLY, "16384", FIXED),
    ("DeviceDataCtrlr", "ConfigurationValueSize", None, INTEGER, READ_ONLY, "1000", {**FIXED, "maximum": 1000}),
    ("DeviceDataCtrlr", "ReportingValueSize", None, INTEGER, READ_ONLY, "2500", {**FIXED, "maximum": 2500}),
    (
        "ClockCtrlr",
        "TimeSource",
        None,
        "SequenceList",
        READ_WRITE,
        "Heartbeat,RealTimeClock",
        {"values": ("Heartbeat", "RealTimeClock")},
    ),
    ("ClockCtrlr", "DateTime", None, "dateTime", READ_ONLY, "", {"persistent": False}),
    (
        "HalfmoonDisplay",
        "Language",
        None,
        "OptionList",
        READ_WRITE,
        "en",
        {"values": ("en", "de", "nl"), "needs_reboot": True},
    ),
    ("SecurityCtrlr", "BasicAuthPassword", None, STRING, WRITE_ONLY, "", {"minimum": 16, "maximum": 64}),
    ("SecurityCtrlr", "CertificateEntries", None, INTEGER, READ_ONLY, "0", ENTRIES),
    ("SecurityCtrlr", "AdditionalRootCertificateCheck", None, BOOLEAN, READ_ONLY, "false", FIXED),
    ("SecurityCtrlr", "AllowSecurityProfileDowngrade", None, BOOLEAN, READ_WRITE, "false", {}),
    ("SecurityCtrlr", "MaxCertificateChainSize", None, INTEGER, READ_ONLY, "6000", {**FIXED, "maximum": 10_000}),
    ("SecurityCtrlr", "CertSigningWaitMinimum", None, INTEGER, READ_WRITE, "30", {"unit": "s", "minimum": 1}),
    ("SecurityCtrlr", "CertSigningRepeatTimes", None, INTEGER, READ_WRITE, "3", COUNT),
    ("SecurityCtrlr", "OrganizationName", None, STRING, READ_WRITE, "Halfmoon Charging", {"maximum": 64}),
    ("SecurityCtrlr", "SecurityProfile", None, INTEGER, READ_ONLY, "1", {}),
    ("SecurityCtrlr", "Identity", None, STRING, READ_ONLY, "", {"maximum": 48}),
)

SESSIONS: tuple[Row, ...] = (
    ("AuthCtrlr", "Enabled", None, BOOLEAN, READ_ONLY, "true", FIXED),
    ("AuthCtrlr", "AuthorizeRemoteStart", None, BOOLEAN, READ_WRITE, "false", {}),
    ("AuthCtrlr", "DisableRemoteAuthorization", None, BOOLEAN, READ_WRITE, "false", {}),
    ("AuthCtrlr", "LocalAuthorizeOffline", None, BOOLEAN, READ_WRITE, "true", {}),
    ("AuthCtrlr", "LocalPreAuthorize", None, BOOLEAN, READ_WRITE, "false", {}),
    ("AuthCtrlr", "OfflineTxForUnknownIdEnabled", None, BOOLEAN, READ_WRITE, "true", {}),
    ("AuthCacheCtrlr", "Available", None, BOOLEAN, READ_ONLY, "true", FIXED),
    ("AuthCacheCtrlr", "Enabled", None, BOOLEAN, READ_WRITE, "false", {}),
    ("AuthCacheCtrlr", "LifeTime", None, INTEGER, READ_WRITE, "0", SECONDS),
    ("TxCtrlr", "EVConnectionTimeOut", None, INTEGER, READ_WRITE, "60", {"unit": "s", "minimum": 1}),
    ("TxCtrlr", "StopTxOnEVSideDisconnect", None, BOOLEAN, READ_WRITE, "true", {}),
    ("TxCtrlr", "StopTxOnInvalidId", None, BOOLEAN, READ_WRITE, "true", {}),
    ("TxCtrlr", "TxStartPoint", None, "MemberList", READ_WRITE, "EVConnected,Authorized", STARTS),
    ("TxCtrlr", "TxStopPoint", None, "MemberList", READ_WRITE, "EVConnected,Authorized", POINTS),
    ("SampledDataCtrlr", "TxStartedMeasurands", None, "MemberList", READ_WRITE, MEASURANDS[0], METERED),
    ("SampledDataCtrlr", "TxUpdatedMeasurands", None, "MemberList", READ_WRITE, ",".join(MEASURANDS), METERED),
    ("SampledDataCtrlr", "TxUpdatedInterval", None, INTEGER, READ_WRITE, "60", SECONDS),
    ("SampledDataCtrlr", "TxEndedMeasurands", None, "MemberList", READ_WRITE, MEASURANDS[0], METERED),
    ("SampledDataCtrlr", "TxEndedInterval", None, INTEGER, READ_WRITE, "0", SECONDS),
    ("SampledDataCtrlr", "SignReadings", None, BOOLEAN, READ_WRITE, "false", {}),
    ("AlignedDataCtrlr", "Measurands", None, "MemberList", READ_WRITE, ",".join(MEASURANDS), METERED),
    ("AlignedDataCtrlr", "Interval", None, INTEGER, READ_WRITE, "0", SECONDS),
    ("AlignedDataCtrlr", "SendDuringIdle", None, BOOLEAN, READ_WRITE, "false", {}),
    ("AlignedDataCtrlr", "SignReadings", None, BOOLEAN, READ_WRITE, "false", {}),
    ("AlignedDataCtrlr", "TxEndedMeasurands", None, "MemberList", READ_WRITE, MEASURANDS[0], METERED),
    ("AlignedDataCtrlr", "TxEndedInterval", None, INTEGER, READ_WRITE, "0", SECONDS),
)

CHARGING: tuple[Row, ...] = (
    ("SmartChargingCtrlr", "Available", None, BOOLEAN, READ_ONLY, "true", FIXED),
    ("SmartChargingCtrlr", "Enabled", None, BOOLEAN, READ_WRITE, "true", {}),
    ("SmartChargingCtrlr", "ACPhaseSwitchingSupported", None, BOOLEAN, READ_ONLY, "false", FIXED),
    ("SmartChargingCtrlr", "ProfileStackLevel", None, INTEGER, READ_ONLY, "9", FIXED),
    ("SmartChargingCtrlr", "RateUnit", None, "MemberList", READ_ONLY, "A,W", {**FIXED, "values": ("A", "W")}),
    ("SmartChargingCtrlr", "PeriodsPerSchedule", None, INTEGER, READ_ONLY, "24", FIXED),
    ("SmartChargingCtrlr", "Entries", "ChargingProfiles", INTEGER, READ_ONLY, "0", {"minimum": 0, "persistent": False}),
    (
        "SmartChargingCtrlr",
        "LimitChangeSignificance",
        None,
        DECIMAL,
        READ_WRITE,
        "1",
        {"unit": "Percent", "minimum": 0},
    ),
)

MONITORING: tuple[Row, ...] = (
    ("MonitoringCtrlr", "Available", None, BOOLEAN, READ_ONLY, "true", FIXED),
    ("MonitoringCtrlr", "Enabled", None, BOOLEAN, READ_WRITE, "true", {}),
    ("MonitoringCtrlr", "ItemsPerMessage", "SetVariableMonitoring", INTEGER, READ_ONLY, "10", FIXED),
    ("MonitoringCtrlr", "ItemsPerMessage", "ClearVariableMonitoring", INTEGER, READ_ONLY, "10", FIXED),
    ("MonitoringCtrlr", "BytesPerMessage", "SetVariableMonitoring", INTEGER, READ_ONLY, "4096", FIXED),
    ("MonitoringCtrlr", "BytesPerMessage", "ClearVariableMonitoring", INTEGER, READ_ONLY, "4096", FIXED),
    ("MonitoringCtrlr", "OfflineQueuingSeverity", None, INTEGER, READ_WRITE, "5", {"minimum": 0, "maximum": 9}),
    ("MonitoringCtrlr", "ActiveMonitoringLevel", None, INTEGER, READ_ONLY, "9", {"minimum": 0, "maximum": 9}),
    (
        "MonitoringCtrlr",
        "ActiveMonitoringBase",
        None,
        "OptionList",
        READ_ONLY,
        "All",
        {"values": ("All", "FactoryDefault", "HardWiredOnly")},
    ),
)

ALL = COMMUNICATION + GENERAL + SESSIONS + CHARGING + MONITORING


def controller_variables(config: StationConfig) -> Iterator[Variable]:
    """Yield the variables of the controllers, with what the configuration says of them."""
    given = {
        "SecurityCtrlr.Identity": config.identity,
        "SecurityCtrlr.SecurityProfile": str(config.security.profile),
        "SecurityCtrlr.OrganizationName": config.security.organization,
        "SecurityCtrlr.BasicAuthPassword": config.password or "",
        **config.variables,
    }
    for component, name, instance, kind, mutability, value, more in ALL:
        variable = Variable(Component(component), name, kind, mutability, value, instance=instance, **more)
        variable.value = given.get(variable.path, value)
        yield variable


def infrastructure_variables(
    config: StationConfig,
    state_of: Callable[..., str],
    power_of: Callable[[int], str],
) -> Iterator[Variable]:
    """Yield what the station, its EVSEs and its connectors have; `state_of(evse, connector)` is read live."""
    station = Component("ChargingStation")
    phases = max((connector.phases for evse in config.evses for connector in evse.connectors), default=0)
    yield _state(station, state_of)
    yield from _presence(station, phases)
    yield Variable(station, "VendorName", STRING, READ_ONLY, config.nameplate.vendor, constant=True)
    yield Variable(station, "Model", STRING, READ_ONLY, config.nameplate.model, constant=True)
    for number, evse in enumerate(config.evses, start=1):
        place = Component("EVSE", evse=number)
        yield _state(place, lambda number=number: state_of(number))  # type: ignore[misc]
        yield from _presence(place, max(connector.phases for connector in evse.connectors))
        yield Variable(
            place,
            "Power",
            DECIMAL,
            READ_ONLY,
            unit="W",
            maximum=evse.max_power,
            persistent=False,
            live=lambda number=number: power_of(number),  # type: ignore[misc]
        )
        reset = "true" if config.evse_reset else "false"
        yield Variable(place, "AllowReset", BOOLEAN, READ_ONLY, reset, constant=True)
        for connector_number, connector in enumerate(evse.connectors, start=1):
            spot = Component("Connector", evse=number, connector=connector_number)
            yield _state(spot, lambda e=number, c=connector_number: state_of(e, c))  # type: ignore[misc]
            yield from _presence(spot, connector.phases)
            yield Variable(spot, "ConnectorType", STRING, READ_ONLY, connector.type, constant=True)


def _state(component: Component, live: Callable[[], str]) -> Variable:
    """Build AvailabilityState."""
    return Variable(
        component,
        "AvailabilityState",
        "OptionList",
        READ_ONLY,
        values=AVAILABILITY_STATES,
        persistent=False,
        live=live,
    )


def _presence(component: Component, phases: int) -> Iterator[Variable]:
    """Build Available and SupplyPhases."""
    yield Variable(component, "Available", BOOLEAN, READ_ONLY, "true", constant=True)
    yield Variable(component, "SupplyPhases", INTEGER, READ_ONLY, str(phases), constant=True)
