"""The state of a 1.6 station, split into what hardware keeps, what flash keeps and what a reboot loses."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.reference.station.base import StationCore
from conformance.reference.station.meter import Meter
from conformance.reference.station16.configuration import Configuration, factory_keys

if TYPE_CHECKING:
    from conformance.reference.station.config import ConnectorConfig
    from conformance.reference.station.rpc import Payload
    from conformance.reference.station16.config import StationConfig16


@dataclass
class Transaction:
    """A running transaction. `number` is the station's own, `id` the one that StartTransaction.conf brought.

    `began` is in seconds of the monotonic clock.
    """

    number: int
    id_tag: str
    id: int | None = None
    parent: str | None = None
    withheld: bool = False
    began: float = field(default_factory=time.monotonic)
    data: list[Payload] = field(default_factory=list)


@dataclass
class Session:
    """What a connector knows of its present user, and the charging profile ordered for them; lost at a reboot."""

    id_tag: str | None = None
    parent: str | None = None
    profile: Payload | None = None
    transaction: Transaction | None = None


@dataclass
class Connector:
    """One connector: its hardware and cable, which outlive a reboot, and its session, which doesn't.

    `lines` is the number of phases that energy flows on, if it flows;
    `finishing` says that its user still has something to take away; `cable_left`, that a cable is in the socket without
    an EV; `cable_owner`, that the station holds this cable until the id tag is shown again.
    """

    number: int
    evse: int
    config: ConnectorConfig
    meter: Meter
    load: float
    max_power: float
    plugged: bool = False
    suspended_by_ev: bool = False
    finishing: bool = False
    cable_left: bool = False
    cable_owner: str | None = None
    jammed: bool = False
    error: str = "NoError"
    lines: int = 1
    session: Session = field(default_factory=Session)

    @property
    def fixed_cable(self) -> bool:
        """Whether the cable belongs to the station, so that there is nothing to lock."""
        return self.config.type.startswith("c")


class StationBase16(StationCore):
    """Builds the state of a 1.6 station."""

    config: StationConfig16

    def __init__(self, config: StationConfig16) -> None:
        """Build a station that is switched off."""
        super().__init__(config)
        self.connectors: dict[int, Connector] = {}
        for evse, place in enumerate(config.evses, start=1):
            for outlet in place.connectors:
                number = len(self.connectors) + 1
                meter = Meter(time.monotonic)
                self.connectors[number] = Connector(number, evse, outlet, meter, config.load, place.max_power)
                self.connectors[number].lines = max(outlet.phases, 1)
        self.configuration = self.build_configuration()

    def build_configuration(self) -> Configuration:
        """Build the configuration as it is after a boot: initial values, then what flash memory holds."""
        flash: dict[str, Any] = self.storage.setdefault("configuration", {})
        return Configuration(factory_keys(self.config), flash)

    def connector_at(self, evse: int, connector: int) -> Connector:
        """Return the connector that the hardware numbers so; raise KeyError when there is none."""
        of_evse = self.connectors_of(evse)
        if not 1 <= connector <= len(of_evse):
            raise KeyError(connector)
        return of_evse[connector - 1]

    def connectors_of(self, evse: int) -> list[Connector]:
        """Return the connectors of an EVSE, in order; raise KeyError when there is no such EVSE."""
        found = [connector for connector in self.connectors.values() if connector.evse == evse]
        if not found:
            raise KeyError(evse)
        return found
