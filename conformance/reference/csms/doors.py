"""The three doors of the CSMS, one for each security profile, and TLS at two of them (Part 2 A00)."""

from __future__ import annotations

import logging
import ssl
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import Server, serve

from conformance.reference.csms.certificates import Certificates
from conformance.reference.csms.config import CsmsConfig, SecuritySetup
from conformance.reference.csms.connection import BASIC, CERTIFICATES, TLS, DoorConnection
from conformance.reference.csms.credentials import names_in
from conformance.reference.tls import TlsLayer

logger = logging.getLogger(__name__)

SUITES = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
)
NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME, which Python's ssl has no name for."""
BACKLOG = 1024
"""How many stations may wait to be accepted: after a power cut all of them come at once."""


class Doors(Certificates):
    """Opens the doors. What TLS asks for and allows is decided here, who may come in by which door in `entry`."""

    def __init__(self, config: CsmsConfig | None = None) -> None:
        """Keep every door shut."""
        super().__init__(config)
        self.servers: dict[int, Server] = {}
        self._contexts: dict[tuple[int, bool], ssl.SSLContext] = {}

    def profiles(self) -> Sequence[int]:
        """Return the security profiles served."""
        security = self.config.security
        if security is None:
            return (BASIC,)
        return (BASIC, TLS, CERTIFICATES) if security.client_roots else (BASIC, TLS)

    async def open_doors(self) -> None:
        """Listen for stations."""
        for profile in self.profiles():
            self.servers[profile] = await self.open_door(profile, self.port_for(profile))

    def port_for(self, profile: int) -> int:
        """Return the port to listen on, 0 for any."""
        if profile == BASIC or self.config.security is None:
            return self.config.port
        return self.config.security.ports.get(profile, 0)

    async def open_door(self, profile: int, port: int) -> Server:
        """Listen for stations that come in one security profile."""
        return await serve(
            self.serve_connection,
            self.config.host,
            port,
            create_connection=partial(self.new_connection, profile),  # type: ignore[arg-type]
            process_request=self.on_handshake,
            select_subprotocol=self.select_subprotocol,
            open_timeout=self.config.open_timeout,
            ping_interval=self.config.ping_interval,
            close_timeout=self.config.close_timeout,
            backlog=BACKLOG,
            **self.serve_options(),
        )

    def serve_options(self) -> dict[str, Any]:
        """Return more arguments for the WebSocket server: compression is on by default (RFC 7692)."""
        return {"max_size": self.config.largest_message}

    def new_connection(self, profile: int, *args: Any, **options: Any) -> DoorConnection:
        """Return what serves somebody who has come to a door; TLS and all else have yet to begin."""
        return DoorConnection(profile, None if profile == BASIC else self.tls_layer, *args, **options)

    async def close_doors(self) -> None:
        """Close every connection."""
        for server in self.servers.values():
            server.close()
        for server in self.servers.values():
            await server.wait_closed()
        self.servers.clear()

    @property
    def urls(self) -> dict[int, str]:
        """The address stations dial, without their identity, for each security profile."""
        return {profile: self.url_of(profile, server) for profile, server in self.servers.items()}

    def url_of(self, profile: int, server: Server) -> str:
        """Return the address of a door, where there is TLS by the name in the certificate."""
        port = server.sockets[0].getsockname()[1]
        if profile == BASIC or self.config.security is None:
            return f"ws://{self.config.host}:{port}/ocpp"
        return f"wss://{name_in(self.config.security.chains[0][0]) or self.config.host}:{port}/ocpp"

    # -- TLS

    def tls_layer(self, connection: DoorConnection) -> TlsLayer:
        """Return what does TLS for a connection."""

        def refused(why: str) -> None:
            self.handshake_failed(connection, why)

        context = self.context_for(connection.profile)
        begin = partial(context.wrap_bio, server_side=True)
        return TlsLayer(connection, begin, patience=self.config.open_timeout, refused=refused)

    def handshake_failed(self, connection: DoorConnection, why: str) -> None:
        """Take note of a handshake that came to nothing."""
        logger.info("no TLS with somebody at the door of security profile %d: %s", connection.profile, why)
        if connection.profile == CERTIFICATES and "certificate" in why:
            self.log_security("InvalidChargingStationCertificate", why)

    def context_for(self, profile: int) -> ssl.SSLContext:
        """Return the context for the next handshake; the dates of certificates may be for later (A00.FR.429)."""
        late = any(self.may_renew(station) for station in self.stations.values())
        if (profile, late) not in self._contexts:
            self._contexts[profile, late] = self.tls_context(profile, dates_later=late)
        return self._contexts[profile, late]

    def tls_context(self, profile: int, *, dates_later: bool) -> ssl.SSLContext:
        """Return how TLS is spoken in a security profile."""
        assert self.config.security is not None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = self.oldest_tls()
        context.set_ciphers(":".join(self.tls_suites()))
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
        with tempfile.TemporaryDirectory() as folder:
            for certificates, key in self.server_chains(self.config.security):
                context.load_cert_chain(written(folder, certificates), written(folder, key))
            if profile == CERTIFICATES:
                self.ask_for_certificates(context, self.config.security, folder, dates_later=dates_later)
        return context

    def oldest_tls(self) -> ssl.TLSVersion:
        """Return the oldest version of TLS that will do (A00.FR.313, A00.FR.416)."""
        return ssl.TLSVersion.TLSv1_2

    def tls_suites(self) -> Sequence[str]:
        """Return the suites of TLS 1.2 (A00.FR.318, A00.FR.421); those of TLS 1.3 are all fit for use."""
        return SUITES

    def server_chains(self, security: SecuritySetup) -> Sequence[tuple[str, str]]:
        """Return the certificates to show, with their keys (A00.FR.307, A00.FR.410)."""
        return security.chains

    def ask_for_certificates(
        self, context: ssl.SSLContext, security: SecuritySetup, folder: str, *, dates_later: bool
    ) -> None:
        """Ask every station for its certificate, and verify its path (A00.FR.403). No ticket outlives this CSMS."""
        context.verify_mode = self.demand()
        context.load_verify_locations(cadata=security.client_roots)
        if security.crl and self.heeds_revocation():
            context.load_verify_locations(written(folder, security.crl))
            context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
        if dates_later:
            context.verify_flags |= NO_CHECK_TIME
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0

    def demand(self) -> ssl.VerifyMode:
        """Return whether a certificate is needed (A00.FR.407)."""
        return ssl.VerifyMode.CERT_REQUIRED

    def heeds_revocation(self) -> bool:
        """Tell whether revoked certificates are refused."""
        return True


def name_in(chain: str) -> str:
    """Return the commonName of a certificate, "" where there is none."""
    named = names_in(x509.load_pem_x509_certificate(chain.encode()).subject, NameOID.COMMON_NAME)
    return named[0] if named else ""


def written(folder: str, text: str) -> Path:
    """Write a text into a file of its own, because OpenSSL reads keys and revocation lists from files alone."""
    with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".pem", delete=False) as file:
        file.write(text)
    return Path(file.name)
