"""TLS as each end of a link presents itself, in the terms of OCPP's security profiles (Part 2 A00)."""

from dataclasses import dataclass
from typing import Literal

from conformance.wire.certificates import Chain

TlsVersion = Literal["1.0", "1.1", "1.2", "1.3"]

SUITES = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
)
"""The suites of TLS 1.2 that a CSMS has to support, all of them, as OpenSSL calls them (A00.FR.318)."""


@dataclass(frozen=True, slots=True)
class ServerTls:
    """How the harness shows itself as a CSMS.

    `chains` are offered side by side, RSA and ECDSA for instance. With `client_roots` (PEM) a client certificate that
    leads to one of them is asked for, and required (profile 3); `crls` (PEM) say which of them are revoked.
    """

    chains: tuple[Chain, ...]
    client_roots: str = ""
    crls: str = ""
    oldest: TlsVersion = "1.2"
    newest: TlsVersion = "1.3"
    suites: tuple[str, ...] = SUITES


@dataclass(frozen=True, slots=True)
class ClientTls:
    """How the harness shows itself as a station.

    `roots` (PEM) are what the certificate of the CSMS must lead to, unless `verifies` is False; `chain` is that of the
    station itself (profile 3). `server_name` goes out as SNI: the host of the URL where it is None, nothing where "".
    """

    roots: str
    chain: Chain | None = None
    verifies: bool = True
    server_name: str | None = None
    oldest: TlsVersion = "1.2"
    newest: TlsVersion = "1.3"
    suites: tuple[str, ...] = SUITES
