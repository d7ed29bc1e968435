"""One WebSocket connection, and the door it came in by."""

from __future__ import annotations

import asyncio
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
        self.certificate: x509.Certificate | None = None
        self._secure = secure

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: with TLS if that is due, else with HTTP."""
        tls = transport.get_extra_info("ssl_object")
        if self._secure is not None and tls is None:
            wrap(cast("asyncio.Transport", transport), self._secure(self))  # uvloop's is one in all but its class
            return
        shown = None if tls is None else tls.getpeercert(binary_form=True)
        self.certificate = None if shown is None else x509.load_der_x509_certificate(shown)
        super().connection_made(transport)


def profile_of(connection: ServerConnection) -> int:
    """Return the security profile of a connection."""
    return connection.profile if isinstance(connection, DoorConnection) else BASIC


def certificate_of(connection: ServerConnection) -> x509.Certificate | None:
    """Return the certificate that a station has shown."""
    return connection.certificate if isinstance(connection, DoorConnection) else None
