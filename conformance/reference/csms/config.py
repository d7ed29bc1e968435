"""How a reference CSMS is set up: where it listens, which stations and tokens it knows."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

REGISTRATIONS = {"accept": "Accepted", "pending": "Pending", "reject": "Rejected"}


@dataclass(frozen=True)
class StationSetup:
    """What the operator lays down for one station.

    `policy` holds the answers to the next BootNotifications, "accept", "pending" or "reject"; the last one stays.
    `interval` (seconds) overrides the interval of those answers. With a `password` the station must use HTTP Basic
    authentication; 1.6 stations send arbitrary bytes there.
    """

    policy: tuple[str, ...] = ("accept",)
    interval: int | None = None
    password: bytes | None = None

    def __post_init__(self) -> None:
        """Refuse what is no policy."""
        if not self.policy or not set(self.policy) <= set(REGISTRATIONS):
            raise ValueError(f"policy: expected one or more of {', '.join(REGISTRATIONS)}; got {list(self.policy)}")
        if self.interval is not None and (isinstance(self.interval, bool) or not isinstance(self.interval, int)):
            raise ValueError(f"interval: expected whole seconds; got {self.interval!r}")


@dataclass(frozen=True)
class TokenSetup:
    """What the CSMS knows of an idToken (an idTag in 1.6).

    `status` is an AuthorizationStatusEnumType of 2.0.1; `type` None stands for every type. A token with
    `single` takes part in one transaction at a time.
    """

    status: str = "Accepted"
    type: str | None = None
    group: str | None = None
    single: bool = False


@dataclass(frozen=True)
class CsmsConfig:
    """Everything needed to build a `ReferenceCsms`. Port 0 is any free one; times are in seconds."""

    host: str = "127.0.0.1"
    port: int = 0
    api_port: int = 0
    stations: Mapping[str, StationSetup] = field(default_factory=dict)
    tokens: Mapping[str, TokenSetup] = field(default_factory=dict)
    subprotocols: tuple[str, ...] = ("ocpp2.0.1", "ocpp1.6")
    heartbeat_interval: int = 300
    retry_interval: int = 60
    call_timeout: float = 30.0
    ping_interval: float | None = 20.0
    close_timeout: float = 2.0
    vendors: Mapping[str, Any] = field(default_factory=dict)
    """Vendor ids whose DataTransfer is understood; the value holds their message ids, empty for any."""
    ssl_context: ssl.SSLContext | None = None
