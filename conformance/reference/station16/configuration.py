"""The configuration keys of a 1.6 station, and the rules for their values (chapter 9 of the specification)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from conformance.reference.station16.config import StationConfig16

BOOLEAN, INTEGER, STRING, LIST = "boolean", "integer", "string", "CSL"
MEASURANDS = ("Energy.Active.Import.Register", "Power.Active.Import", "Current.Import", "Voltage")
PROFILES = ("Core", "LocalAuthListManagement", "RemoteTrigger", "Reservation", "SmartCharging")
ROTATIONS = ("NotApplicable", "Unknown", "RST", "RTS", "SRT", "STR", "TRS", "TSR")
MAX_KEYS = 60
MAX_STACK_LEVEL = 8
MAX_PERIODS = 24
MAX_PROFILES = 12
LARGEST_INTEGER = 2**31 - 1
MAX_LIST_LENGTH = 100
MAX_LIST_UPDATE = 20
SHORTEST_KEY = 16
LONGEST_KEY = 20
MAX_CERTIFICATES = 8
MAX_CHAIN = 6_000

_INTEGER = re.compile(r"[+-]?\d+")
_HEXADECIMAL = re.compile(r"([0-9A-Fa-f]{2})+")


@dataclass
class Key:
    """One configuration key. `minimum` and `maximum` bound a number; `values` are the items that a list may hold."""

    name: str
    type: str
    value: str = ""
    readonly: bool = False
    write_only: bool = False
    minimum: int = 0
    maximum: int | None = None
    values: tuple[str, ...] = ()
    max_items: int | None = None
    needs_reboot: bool = False

    def accepts(self, value: str) -> bool:
        """Tell whether a value has the right format and lies in range."""
        if self.type == BOOLEAN:
            return value.lower() in ("true", "false")
        if self.type == INTEGER:
            return self._accepts_number(value)
        if self.type == LIST:
            return self._accepts_items(items(value))
        return True

    def _accepts_number(self, value: str) -> bool:
        """Tell whether a value is an integer in range."""
        if not _INTEGER.fullmatch(value):
            return False
        return self.minimum <= int(value) <= (LARGEST_INTEGER if self.maximum is None else self.maximum)

    def _accepts_items(self, found: tuple[str, ...]) -> bool:
        """Tell whether a list is no longer than it may be and holds only what it may."""
        if self.max_items is not None and len(found) > self.max_items:
            return False
        return all(item in self.values for item in found) if self.values else True


def items(value: str) -> tuple[str, ...]:
    """Split a comma-separated list."""
    return tuple(item.strip() for item in value.split(",") if item.strip())


class Configuration:
    """All keys of a station: what the factory set, then what flash memory holds. Names ignore case."""

    def __init__(self, keys: list[Key], flash: MutableMapping[str, Any]) -> None:
        """Take the keys, and overwrite their values by those in flash memory."""
        self._keys = {key.name.casefold(): key for key in keys}
        self._flash = flash
        for name, value in flash.items():
            self[name].value = value

    def __iter__(self) -> Iterator[Key]:
        """Go through the keys in alphabetical order."""
        return iter(self._keys[name] for name in sorted(self._keys))

    def __getitem__(self, name: str) -> Key:
        """Return a key; raise KeyError when there is none."""
        return self._keys[name.casefold()]

    def find(self, name: str) -> Key | None:
        """Return a key, None when there is none."""
        return self._keys.get(name.casefold())

    def number(self, name: str) -> float:
        """Return the value of a numeric key."""
        return float(self[name].value)

    def flag(self, name: str) -> bool:
        """Return the value of a boolean key."""
        return self[name].value.lower() == "true"

    def members(self, name: str) -> tuple[str, ...]:
        """Return the items of a list."""
        return items(self[name].value)

    def store(self, key: Key, value: str) -> None:
        """Set a value, and keep it over power cycles."""
        key.value = self._flash[key.name] = value


def factory_keys(config: StationConfig16) -> list[Key]:
    """Return every key with its value from the factory."""
    outlets = [outlet for evse in config.evses for outlet in evse.connectors]
    fixed_cables = all(outlet.type.startswith("c") for outlet in outlets)
    keys = [*_core_keys(len(outlets)), _unlock_key(fixed_cables=fixed_cables), *_list_keys(), *_measurand_keys()]
    keys += _charging_keys()
    if config.security_extension:
        keys += _security_keys(config)
    for key in keys:
        key.value = config.variables.get(key.name, key.value)
    return keys


def _core_keys(connectors: int) -> list[Key]:
    """Return the keys of the Core profile."""
    rotations = tuple(f"{number}.{rotation}" for number in range(connectors + 1) for rotation in ROTATIONS)
    rotation = ",".join(f"{number}.RST" for number in range(connectors + 1))
    return [
        Key("AllowOfflineTxForUnknownId", BOOLEAN, "true"),
        Key("AuthorizationCacheEnabled", BOOLEAN, "true"),
        Key("AuthorizeRemoteTxRequests", BOOLEAN, "false"),
        Key("ClockAlignedDataInterval", INTEGER, "0", maximum=86_400),
        Key("ConnectionTimeOut", INTEGER, "60", minimum=1),
        Key("ConnectorPhaseRotation", LIST, rotation, values=rotations, max_items=connectors + 1),
        Key("ConnectorPhaseRotationMaxLength", INTEGER, str(connectors + 1), readonly=True),
        Key("GetConfigurationMaxKeys", INTEGER, str(MAX_KEYS), readonly=True),
        Key("HalfmoonTimeZone", STRING, "UTC", needs_reboot=True),
        Key("HeartbeatInterval", INTEGER, "300", minimum=1),
        Key("LocalAuthorizeOffline", BOOLEAN, "true"),
        Key("LocalPreAuthorize", BOOLEAN, "false"),
        Key("MessageTimeout", INTEGER, "30", minimum=1),
        Key("MeterValueSampleInterval", INTEGER, "60"),
        Key("NumberOfConnectors", INTEGER, str(connectors), readonly=True),
        Key("ResetRetries", INTEGER, "1"),
        Key("StopTransactionOnEVSideDisconnect", BOOLEAN, "true"),
        Key("StopTransactionOnInvalidId", BOOLEAN, "true"),
        Key("SupportedFeatureProfiles", LIST, ",".join(PROFILES), readonly=True),
        Key("TransactionMessageAttempts", INTEGER, "3", minimum=1),
        Key("TransactionMessageRetryInterval", INTEGER, "5"),
        Key("WebSocketPingInterval", INTEGER, "0"),
    ]


def _unlock_key(*, fixed_cables: bool) -> Key:
    """Return the key for what becomes of a cable whose EV is gone: one that is fixed stays (errata 3.84)."""
    return Key("UnlockConnectorOnEVSideDisconnect", BOOLEAN, "false" if fixed_cables else "true", readonly=fixed_cables)


def _list_keys() -> list[Key]:
    """Return the keys of the LocalAuthListManagement profile; Reservation has none without connector 0."""
    return [
        Key("LocalAuthListEnabled", BOOLEAN, "true"),
        Key("LocalAuthListMaxLength", INTEGER, str(MAX_LIST_LENGTH), readonly=True),
        Key("SendLocalListMaxLength", INTEGER, str(MAX_LIST_UPDATE), readonly=True),
    ]


def _charging_keys() -> list[Key]:
    """Return the keys of the SmartCharging profile."""
    return [
        Key("ChargeProfileMaxStackLevel", INTEGER, str(MAX_STACK_LEVEL), readonly=True),
        Key("ChargingScheduleAllowedChargingRateUnit", LIST, "Current,Power", readonly=True),
        Key("ChargingScheduleMaxPeriods", INTEGER, str(MAX_PERIODS), readonly=True),
        Key("ConnectorSwitch3to1PhaseSupported", BOOLEAN, "true", readonly=True),
        Key("MaxChargingProfilesInstalled", INTEGER, str(MAX_PROFILES), readonly=True),
    ]


def _measurand_keys() -> list[Key]:
    """Return the keys that choose what is measured, each with the length that its list may have."""
    chosen = {
        "MeterValuesAlignedData": MEASURANDS[0],
        "MeterValuesSampledData": MEASURANDS[0],
        "StopTxnAlignedData": "",
        "StopTxnSampledData": "",
    }
    longest = str(len(MEASURANDS))
    lists = [Key(name, LIST, value, values=MEASURANDS, max_items=len(MEASURANDS)) for name, value in chosen.items()]
    return [*lists, *(Key(f"{name}MaxLength", INTEGER, longest, readonly=True) for name in chosen)]


def _security_keys(config: StationConfig16) -> list[Key]:
    """Return the keys of the security whitepaper."""
    return [
        Key("AdditionalRootCertificateCheck", BOOLEAN, "false", readonly=True),
        Key("AuthorizationKey", STRING, (config.password or "").encode().hex(), write_only=True),
        Key("CertificateSignedMaxChainSize", INTEGER, str(MAX_CHAIN), readonly=True),
        Key("CertificateStoreMaxLength", INTEGER, str(MAX_CERTIFICATES), readonly=True),
        Key("CpoName", STRING, config.security.organization),
        Key("SecurityProfile", INTEGER, str(first_security_profile(config)), maximum=3),
    ]


def first_security_profile(config: StationConfig16) -> int:
    """Return the security profile that the station was installed with; 1 takes a password."""
    return config.security.profile if config.password or config.security.profile > 1 else 0


def is_authorization_key(value: str) -> bool:
    """Tell whether a value is the hexadecimal form of 16 to 20 bytes (whitepaper 7.2)."""
    return bool(_HEXADECIMAL.fullmatch(value)) and SHORTEST_KEY <= len(value) // 2 <= LONGEST_KEY
