"""What a 1.6 station is made of and where it dials."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.reference.station.config import StationConfig


@dataclass
class StationConfig16(StationConfig):
    """Everything needed to build a `ReferenceStation16`.

    As for a 2.0.1 station, but `variables` overrides initial values of configuration keys, keyed by their names, and
    `password` is the plain password, at least 16 bytes, that AuthorizationKey holds in hexadecimal. OCPP 1.6 has no
    configuration keys for the back-off, so it stands here, in seconds: minimum and random part of the first wait, and
    how often the wait doubles. Without `security_extension` the station knows no message of the security whitepaper.
    """

    subprotocols: tuple[str, ...] = ("ocpp1.6",)
    back_off_minimum: float = 1.0
    back_off_spread: float = 1.0
    back_off_doublings: int = 5
    security_extension: bool = True
