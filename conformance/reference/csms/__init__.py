"""Reference CSMS for OCPP 1.6 and 2.0.1, on `websockets` and the schemas of `ocpp`."""

from conformance.reference.csms.config import CsmsConfig, SecuritySetup, StationSetup, TokenSetup
from conformance.reference.csms.csms import ReferenceCsms
from conformance.reference.csms.records import Command

__all__ = ["Command", "CsmsConfig", "ReferenceCsms", "SecuritySetup", "StationSetup", "TokenSetup"]
