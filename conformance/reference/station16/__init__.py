"""Reference charging station for OCPP 1.6-J (edition 2, errata, security whitepaper edition 3).

The hardware is that of the 2.0.1 reference: EVSE 1 with a fixed cable and a socket, EVSE 2 with a fixed cable. What
OCPP 1.6 calls a connector is an outlet that is operated by itself, so this firmware runs each of them on a meter of its
own and numbers them through, EVSE by EVSE: (1, 1) → 1, (1, 2) → 2, (2, 1) → 3. Number 0 is the station. Actions keep
the numbers of the hardware; an id token is presented to the reader of an EVSE, which serves all its connectors.
"""

from conformance.reference.station.config import ConnectorConfig, EvseConfig, Nameplate
from conformance.reference.station16.config import StationConfig16
from conformance.reference.station16.station import ReferenceStation16

__all__ = ["ConnectorConfig", "EvseConfig", "Nameplate", "ReferenceStation16", "StationConfig16"]
