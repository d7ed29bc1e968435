"""The state of a station, split into what hardware keeps, what flash keeps and what a reboot loses."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.reference.station.clock import Clock
from conformance.reference.station.device_data import controller_variables, infrastructure_variables
from conformance.reference.station.device_model import Component, DeviceModel
from conformance.reference.station.meter import Meter
from conformance.reference.tasks import Tasks

if TYPE_CHECKING:
    from datetime import datetime

    from conformance.reference.station.config import EvseConfig, StationConfig
    from conformance.reference.station.rpc import Payload


@dataclass
class Transaction:
    """A running transaction of an EVSE (part E); `ready` is when its EV could charge for the first time."""

    id: str
    evse: int
    connector: int | None = None
    sequence: int = 0
    charging_state: str = "Idle"
    remote_start_id: int | None = None
    stopped_reason: str | None = None
    token_sent: bool = False
    ready: datetime | None = None


@dataclass
class Session:
    """What an EVSE knows of its present user; lost at a reboot. `start_profile` is for a transaction to come."""

    token: Payload | None = None
    group: Payload | None = None
    authorizing: bool = False
    remote_start_id: int | None = None
    start_profile: Payload | None = None
    withheld: bool = False
    transaction: Transaction | None = None

    @property
    def authorized(self) -> bool:
        """Whether a driver may charge here."""
        return self.token is not None


@dataclass
class Evse:
    """One EVSE: its hardware and cable, which outlive a reboot, and its session, which doesn't.

    `cable_left` is the socket in which a cable is that no EV hangs on, `lock` the token that lets it out.
    """

    number: int
    config: EvseConfig
    meter: Meter
    load: float
    plugged: int | None = None
    suspended_by_ev: bool = False
    unseen_plug_in: bool = False
    cable_left: int | None = None
    lock: Payload | None = None
    bay_occupied: bool = False
    session: Session = field(default_factory=Session)

    @property
    def connectors(self) -> range:
        """The connector numbers, from 1."""
        return range(1, len(self.config.connectors) + 1)

    @property
    def phases(self) -> int:
        """Phases of the connector in use, or of the first."""
        return self.config.connectors[(self.plugged or 1) - 1].phases


class StationCore:
    """What a station of any edition has, and the hooks through which the layers above hear of events below."""

    def __init__(self, config: StationConfig) -> None:
        """Build a station that is switched off."""
        self.config = config
        self.storage = {} if config.storage is None else config.storage
        self.clock = Clock(self.storage.get("clock_offset", 0.0))
        self.tasks = Tasks()
        self.powered = False
        self.registration: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether the CSMS has accepted this boot."""
        return self.registration == "Accepted"

    def connected(self, offline_seconds: float | None) -> None:
        """Hear that a link is up; `offline_seconds` is None for the first one after a boot."""

    def after_reconnect(self, offline_seconds: float) -> None:
        """Hear that the link is back after so many seconds, the boot still being accepted."""

    def disconnected(self) -> None:
        """Hear that the link is gone."""

    def became_idle(self) -> None:
        """Hear that a transaction ended or a driver left."""

    def result_arrived(self, action: str, payload: Payload, result: Payload) -> None:
        """Hear what the CSMS answered to a call, before the next frame is read."""


class StationBase(StationCore):
    """Builds the state of a 2.0.1 station."""

    def __init__(self, config: StationConfig) -> None:
        """Build a station that is switched off."""
        super().__init__(config)
        self.evses = {
            number: Evse(number, evse, Meter(time.monotonic), config.load)
            for number, evse in enumerate(config.evses, start=1)
        }
        self.model = self.build_model()

    def build_model(self) -> DeviceModel:
        """Build the device model as it is after a boot: initial values, then what flash memory holds."""
        variables = [
            *controller_variables(self.config),
            *infrastructure_variables(self.config, self.availability_state, self.power_reading),
        ]
        model = DeviceModel(variables, self.storage.setdefault("variables", {}))
        model.find(Component("ClockCtrlr"), "DateTime").live = self.clock.stamp
        return model

    def power_reading(self, evse: int) -> str:
        """Return the power an EVSE delivers now, in watts."""
        return f"{self.evses[evse].meter.power:g}"

    def availability_state(self, evse: int | None = None, connector: int | None = None) -> str:
        """Return the AvailabilityState of the station, an EVSE or a connector."""
        raise NotImplementedError
