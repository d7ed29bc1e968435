"""One WebSocket connection, and the door it came in by."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, cast

from cryptography import x509
from websockets.asyncio.server import ServerConnection

from conformance.reference.tls import TlsLayer, wrap

BASIC, TLS, CERTIFICATES = 1, 2, 3
"""The security profiles, each with a door of its own."""


class DoorConnection(ServerConnection):
    """A connection that knows its security profile, and the certificate that was shown.

    Where `secure` is given, TLS goes below it before the first word is read.
    """

    def __init__(
        self, profile: int, secure: Callable[[DoorConnection], TlsLayer] | None, *args: Any, **options: Any
    ) -> None:
        """Wait for a station."""
        super().__init__(*args, **options)
        self.profile = profile
        self.chain: list[x509.Certificate] = []
        self._secure = secure

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: with TLS if that is due, else with HTTP."""
        tls = transport.get_extra_info("ssl_object")
        if self._secure is not None and tls is None:
            wrap(cast("asyncio.Transport", transport), self._secure(self))  # uvloop's is one in all but its class
            return
        self.chain = chain_shown(tls)
        super().connection_made(transport)


def chain_shown(tls: ssl.SSLObject | None) -> list[x509.Certificate]:
    """Return the certificates that lead from that of a station to a root, [] without one.

    Up to Python 3.12 there is no public way to more than the first.
    """
    first = None if tls is None else tls.getpeercert(binary_form=True)
    if tls is None or first is None:
        return []
    verified: list[Any] = getattr(getattr(tls, "_sslobj", None), "get_verified_chain", list)() or []
    if not verified:
        return [x509.load_der_x509_certificate(first)]
    return [x509.load_der_x509_certificate(ssl.PEM_cert_to_DER_cert(each.public_bytes())) for each in verified]


def profile_of(connection: ServerConnection) -> int:
    """Return the security profile of a connection."""
    return connection.profile if isinstance(connection, DoorConnection) else BASIC


def certificate_of(connection: ServerConnection) -> x509.Certificate | None:
    """Return the certificate that a station has shown."""
    return next(iter(chain_of(connection)), None)


def chain_of(connection: ServerConnection) -> list[x509.Certificate]:
    """Return that certificate and those above it."""
    return connection.chain if isinstance(connection, DoorConnection) else []
