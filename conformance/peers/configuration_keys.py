"""The configuration keys of the harness's own station (OCPP 1.6)."""

from collections.abc import Iterator
from dataclasses import dataclass
from string import hexdigits

from conformance.peers.equipment import Equipment

_MEASURANDS = "Energy.Active.Import.Register,Power.Active.Import"
_KEY_BYTES = (16, 20)


@dataclass(eq=False)
class Key:
    """One key: what it holds, and what it takes (`boolean`, `integer`, `list` or `hex`)."""

    name: str
    value: str
    type: str = "integer"
    readonly: bool = False
    write_only: bool = False
    allowed: tuple[str, ...] = ()

    def takes(self, value: str) -> bool:
        """Whether this is a value that it can have."""
        match self.type:
            case "boolean":
                return value.casefold() in ("true", "false")
            case "integer":
                return value.isascii() and value.isdigit()
            case "hex":
                low, high = (2 * each for each in _KEY_BYTES)
                return low <= len(value) <= high and len(value) % 2 == 0 and set(value) <= set(hexdigits)
        members = {each.strip() for each in value.split(",")} if value else set()
        return not self.allowed or members <= set(self.allowed)


class ConfigurationKeys:
    """All keys, found without regard to case."""

    def __init__(self, equipment: Equipment, *, most_at_once: int) -> None:
        self._keys = {each.name.casefold(): each for each in _keys(equipment, most_at_once)}

    def __iter__(self) -> Iterator[Key]:
        """Every key."""
        return iter(self._keys.values())

    def __getitem__(self, name: str) -> Key:
        return self._keys[name.casefold()]

    def get(self, name: str) -> Key | None:
        """A key by its name, if there is one."""
        return self._keys.get(name.casefold())

    def change(self, name: str, value: str) -> str:
        """Set a key. Gives the status of ChangeConfiguration."""
        key = self.get(name)
        if key is None:
            return "NotSupported"
        if key.readonly or not key.takes(value):
            return "Rejected"
        key.value = value
        return "Accepted"

    def is_true(self, name: str) -> bool:
        """Whether a switch is on."""
        return self[name].value.casefold() == "true"


def _keys(equipment: Equipment, most_at_once: int) -> Iterator[Key]:
    connectors = len(equipment.connectors)
    yield Key("AuthorizeRemoteTxRequests", "false", "boolean")
    yield Key("ClockAlignedDataInterval", "0")
    yield Key("ConnectionTimeOut", "120")
    yield Key("ConnectorPhaseRotation", ",".join(f"{number}.RST" for number in range(connectors + 1)), "list")
    yield Key("GetConfigurationMaxKeys", str(most_at_once), readonly=True)
    yield Key("HeartbeatInterval", "300")
    for name in ("LocalAuthorizeOffline", "StopTransactionOnEVSideDisconnect", "StopTransactionOnInvalidId"):
        yield Key(name, "true", "boolean")
    yield Key("LocalPreAuthorize", "false", "boolean")
    yield Key("AuthorizationCacheEnabled", "true", "boolean")
    for name in ("MeterValuesAlignedData", "MeterValuesSampledData", "StopTxnAlignedData", "StopTxnSampledData"):
        yield Key(name, _MEASURANDS, "list", allowed=tuple(_MEASURANDS.split(",")))
    yield Key("MeterValueSampleInterval", "0")
    yield Key("NumberOfConnectors", str(connectors), readonly=True)
    yield Key("ResetRetries", "1")
    yield Key(
        "SupportedFeatureProfiles",
        "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger",
        "list",
        readonly=True,
    )
    yield Key("TransactionMessageAttempts", "3")
    yield Key("TransactionMessageRetryInterval", "60")
    yield Key("UnlockConnectorOnEVSideDisconnect", "true", "boolean")
    yield Key("WebSocketPingInterval", "0")
    yield Key("LocalAuthListEnabled", "true", "boolean")
    yield Key("LocalAuthListMaxLength", "1000", readonly=True)
    yield Key("SendLocalListMaxLength", "100", readonly=True)
    yield Key("ChargeProfileMaxStackLevel", "9", readonly=True)
    yield Key("ChargingScheduleAllowedChargingRateUnit", "Current,Power", "list", readonly=True)
    yield Key("ChargingScheduleMaxPeriods", "24", readonly=True)
    yield Key("MaxChargingProfilesInstalled", "100", readonly=True)
    yield Key("SecurityProfile", "1", readonly=True)
    yield Key("CpoName", "Conformance", "text")
    yield Key("AuthorizationKey", "", "hex", write_only=True)
