"""How a station is operated: `StationDriver` is what cases see, and `create_driver` makes it from a profile."""

from conformance.sut.drivers.actions import (
    ACTIONS,
    Cable,
    Card,
    Context,
    DriverFailed,
    Hands,
    Load,
    NetworkPlug,
    Note,
    Operable,
    Power,
    Unsupported,
    Vehicle,
)
from conformance.sut.drivers.create import create_driver
from conformance.sut.drivers.station import StationDriver

__all__ = [
    "ACTIONS",
    "Cable",
    "Card",
    "Context",
    "DriverFailed",
    "Hands",
    "Load",
    "NetworkPlug",
    "Note",
    "Operable",
    "Power",
    "StationDriver",
    "Unsupported",
    "Vehicle",
    "create_driver",
]
