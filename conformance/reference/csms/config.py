"""How a reference CSMS is set up: where it listens, which stations and tokens it knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REGISTRATIONS = {"accept": "Accepted", "pending": "Pending", "reject": "Rejected"}


@dataclass(frozen=True)
class StationSetup:
    """What the operator lays down for one station.

    `policy` holds the answers to the next BootNotifications, "accept", "pending" or "reject"; the last one stays.
    `interval` (seconds) overrides the interval of those answers. With a `password` the station must use HTTP Basic
    authentication in security profiles 1 and 2; 1.6 stations send arbitrary bytes there. `serial` is what its
    certificate must name in profile 3: its identity, unless given. `renews_expired` lets it in with a certificate that
    has expired, to have that renewed while it is Pending (A00.FR.429). It may not come in a profile below
    `security_profile`, nor below the one it was brought to.
    """

    policy: tuple[str, ...] = ("accept",)
    interval: int | None = None
    password: bytes | None = None
    serial: str | None = None
    renews_expired: bool = False
    security_profile: int = 1

    def __post_init__(self) -> None:
        """Refuse what is no policy."""
        if not self.policy or not set(self.policy) <= set(REGISTRATIONS):
            raise ValueError(f"policy: expected one or more of {', '.join(REGISTRATIONS)}; got {list(self.policy)}")
        if self.interval is not None and (isinstance(self.interval, bool) or not isinstance(self.interval, int)):
            raise ValueError(f"interval: expected whole seconds; got {self.interval!r}")
        if self.serial is not None and not isinstance(self.serial, str):
            raise ValueError(f"serial: expected a string; got {self.serial!r}")
        if self.renews_expired not in (True, False):
            raise ValueError(f"renewsExpired: expected true or false; got {self.renews_expired!r}")
        if isinstance(self.security_profile, bool) or self.security_profile not in (1, 2, 3):
            raise ValueError(f"securityProfile: expected 1, 2 or 3; got {self.security_profile!r}")


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


SIGNING = "authorities/issuing-ecdsa"
"""Who signs certificates for stations, in a folder of certificates."""


@dataclass(frozen=True)
class SecuritySetup:
    """What security profiles 2 and 3 need; everything in PEM.

    `chains` are pairs of a certificate chain, the leaf first, and its key: one of RSA and one of ECDSA serve all four
    suites (A00.FR.318). Certificates of stations lead to `client_roots` and name the `operator` as their organization,
    unless that is "". With `crl`, every issuer of such a certificate has a list of its own there. `signing` is the
    chain and key of who signs certificates for stations; without it none are signed. Without `client_roots` there is
    no door for profile 3.
    """

    chains: Sequence[tuple[str, str]] = field(repr=False)
    client_roots: str = field(default="", repr=False)
    crl: str = field(default="", repr=False)
    signing: tuple[str, str] | None = field(default=None, repr=False)
    operator: str = ""
    ports: Mapping[int, int] = field(default_factory=dict)
    """The ports of profiles 2 and 3: any free ones, unless given."""

    @classmethod
    def read(cls, folder: Path, operator: str = "", ports: Mapping[int, int] | None = None) -> SecuritySetup:
        """Read a folder as `ocpp-conformance pki` makes it; only the certificates of a server have to be there."""

        def text(name: str) -> str:
            file = folder / name
            return file.read_text() if file.exists() else ""

        pairs = [(text(f"{name}.pem"), text(f"{name}.key")) for name in ("server-rsa", "server-ecdsa", SIGNING)]
        *chains, signing = pairs
        return cls(
            chains=[pair for pair in chains if all(pair)],
            client_roots=text("client-root.pem"),
            crl=text("crl.pem"),
            signing=signing if all(signing) else None,
            operator=operator,
            ports=ports or {},
        )


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
    open_timeout: float = 10.0
    """How long a station may take for the TLS handshake, and again for that of WebSocket."""
    largest_message: int = 16 << 20
    """In bytes, decompressed; who sends more is cut off (1009)."""
    vendors: Mapping[str, Any] = field(default_factory=dict)
    """Vendor ids whose DataTransfer is understood; the value holds their message ids, empty for any."""
    security: SecuritySetup | None = None
    """None for security profile 1 alone."""
