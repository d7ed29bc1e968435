"""Reference charging station for OCPP 2.0.1, on `websockets` and the schemas of `ocpp`."""

from conformance.reference.station.config import ConnectorConfig, EvseConfig, Nameplate, SecuritySetup, StationConfig
from conformance.reference.station.station import ReferenceStation

__all__ = ["ConnectorConfig", "EvseConfig", "Nameplate", "ReferenceStation", "SecuritySetup", "StationConfig"]
