"""What a reference station is made of and where it dials."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import MutableMapping


@dataclass(frozen=True)
class ConnectorConfig:
    """One outlet or fixed cable: its ConnectorEnum value and the AC phases it is fed with (0 for DC)."""

    type: str = "sType2"
    phases: int = 3


@dataclass(frozen=True)
class EvseConfig:
    """One EVSE: its connectors, numbered from 1 in order, and the most it can deliver in watts."""

    connectors: tuple[ConnectorConfig, ...] = (ConnectorConfig(),)
    max_power: float = 22_000.0


@dataclass(frozen=True)
class Nameplate:
    """What BootNotification says of the hardware. The vendor is fictional."""

    vendor: str = "Halfmoon Charging"
    model: str = "Tideway 22"
    serial_number: str = "HM-0000-4711"
    firmware_version: str = "3.8.1"


@dataclass(frozen=True)
class SecuritySetup:
    """What factory and installer lay down: the security profile, and in PEM the roots of the CSMS and the own chain.

    `certificate` and `key` are those of the station (profile 3), `organization` is who operates it (A00.FR.509).
    """

    profile: int = 1
    roots: str = ""
    certificate: str = ""
    key: str = field(default="", repr=False)
    organization: str = "Halfmoon Charging"


DEFAULT_EVSES = (
    EvseConfig(connectors=(ConnectorConfig("cType2"), ConnectorConfig("sType2"))),
    EvseConfig(connectors=(ConnectorConfig("cType2"),)),
)


@dataclass
class StationConfig:
    """Everything needed to build a `ReferenceStation`.

    `csms_url` is the address without the identity. `storage` stands for flash memory: whatever the station must
    remember over power cycles goes into it as plain values; without one the station object keeps its own.
    `variables` overrides initial values of the device model, keyed "Component.Variable" or
    "Component.Variable[instance]". Times are in seconds. `queue_capacity` is how many TransactionEvents may wait before
    some are dropped. `least_current` is what an EV charges with at least, in amperes; `charging_profiles` is how many
    are kept.
    """

    csms_url: str
    identity: str = "CS001"
    password: str | None = None
    storage: MutableMapping[str, Any] | None = None
    subprotocols: tuple[str, ...] = ("ocpp2.0.1",)
    security: SecuritySetup = field(default_factory=SecuritySetup)
    nameplate: Nameplate = field(default_factory=Nameplate)
    evses: tuple[EvseConfig, ...] = DEFAULT_EVSES
    evse_reset: bool = True
    variables: dict[str, str] = field(default_factory=dict)
    reboot_time: float = 0.05
    own_boot_interval: float = 2.0
    reset_patience: float = 5.0
    load: float = 11_000.0
    least_current: float = 6.0
    charging_profiles: int = 20
    queue_capacity: int = 1000
