"""How a system is operated: cases see a `StationDriver` or a `CsmsDriver`; `create_…` makes it from a profile."""

from conformance.sut.drivers.actions import (
    ACTIONS,
    Cable,
    Card,
    Context,
    DriverFailed,
    Hands,
    Load,
    Measured,
    NetworkPlug,
    Note,
    Operable,
    Power,
    Unsupported,
    Vehicle,
)
from conformance.sut.drivers.create import create_csms_driver, create_driver
from conformance.sut.drivers.csms_driver import CsmsDriver, CsmsHands
from conformance.sut.drivers.station import StationDriver
from conformance.sut.operations import OPERATIONS

__all__ = [
    "ACTIONS",
    "OPERATIONS",
    "Cable",
    "Card",
    "Context",
    "CsmsDriver",
    "CsmsHands",
    "DriverFailed",
    "Hands",
    "Load",
    "Measured",
    "NetworkPlug",
    "Note",
    "Operable",
    "Power",
    "StationDriver",
    "Unsupported",
    "Vehicle",
    "create_csms_driver",
    "create_driver",
]
