"""TLS from the station's end, for all editions: whom it believes, what it shows of itself, and why it refuses (A00)."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from websockets.asyncio.client import ClientConnection
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import enable_client_permessage_deflate
from websockets.uri import parse_uri

from conformance.reference.station.certificate_facts import alternative_names, common_names, to_pem
from conformance.reference.station.certificate_store import (
    CSMS_ROOT,
    STORED_CERTIFICATES,
    CertificateStore,
    OwnCertificate,
)
from conformance.reference.station.dialling import CLOSE_PATIENCE, OPEN_PATIENCE, Dialling
from conformance.reference.tls import TlsLayer

if TYPE_CHECKING:
    from conformance.reference.station.config import StationConfig

PASSWORD_PROFILES = (1, 2)
TLS_PROFILES = (2, 3)
CERTIFICATE_PROFILE = 3
SUITES = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
)
"""What is offered up to TLS 1.2: both pairs of A00.FR.319."""

_HANDSHAKE_RECORD = 22
_VERSION_REASONS = ("UNSUPPORTED_PROTOCOL", "PROTOCOL_VERSION", "WRONG_VERSION_NUMBER", "WRONG_SSL_VERSION")
_SUITE_REASONS = ("INSUFFICIENT_SECURITY", "CIPHER_RETURNED", "NO_SHARED_CIPHER", "DH_KEY_TOO_SMALL")


class ServerRefusedError(OSError):
    """The station will not talk to this server; `event` is the security event that this is, None when it is none."""

    def __init__(self, why: str, event: str | None) -> None:
        """Keep why."""
        super().__init__(why)
        self.event = event


class ClientLayer(TlsLayer):
    """A TLS layer that says when its handshake is done, and why it failed."""

    def __init__(self, above: asyncio.Protocol, context: ssl.SSLContext, server_name: str) -> None:
        """Be ready for a connection to a server of a name."""
        begin = partial(context.wrap_bio, server_hostname=server_name)
        super().__init__(above, begin, refused=self._note)
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.problem: Exception | None = None
        self.answered_with: int | None = None

    def data_received(self, data: bytes) -> None:
        """Note what kind of record the server answers with first."""
        if self.answered_with is None:
            self.answered_with = data[0]
        super().data_received(data)

    def _establish(self) -> None:
        """Let the handshake be done."""
        super()._establish()
        if not self.done.done():
            self.done.set_result(None)

    def _fail(self, problem: Exception) -> None:
        """Keep why it failed."""
        self.problem = problem
        super()._fail(problem)

    def _note(self, why: str) -> None:
        """Let the handshake have failed."""
        if not self.done.done():
            self.done.set_exception(ConnectionError(why))


class SecureDialling(Dialling):
    """Dials by the rules of the security profile in use."""

    def __init__(self, config: StationConfig) -> None:
        """Start with the certificates in flash memory."""
        super().__init__(config)
        self.certificates = CertificateStore(self.storage, config.security)
        self.dialled_profile = config.security.profile
        self._shown: OwnCertificate | None = None

    # -- what differs by edition

    def profile_of(self, slot: str) -> int:
        """Return the security profile that an address is dialled in."""
        raise NotImplementedError

    def bad_server_certificate_event(self) -> str:
        """Return the security event that the certificate of a server is when it can't be believed."""
        return "InvalidCsmsCertificate"

    # -- dialling

    async def dial(self, slot: str) -> ClientConnection | None:
        """Try once to connect, by the profile of the address."""
        self.dialled_profile = self.profile_of(slot)
        return await super().dial(slot)

    async def open_link(self, slot: str) -> ClientConnection:
        """Open a link, with TLS where the address demands it; a server that is not believed is an event."""
        url = self.url(slot)
        if not url.startswith("wss:"):
            return await super().open_link(slot)
        try:
            return await self.open_by_some_roots(url)
        except ServerRefusedError as refusal:
            if refusal.event is not None:
                self.server_refused(refusal.event, str(refusal))
            raise

    async def open_by_some_roots(self, url: str) -> ClientConnection:
        """Open a link with TLS: by the roots in use, else by the one that they have followed on (M05.FR.14)."""
        roots, fallback = self.certificates.roots(CSMS_ROOT), self.certificates.fallback()
        try:
            link = await self.open_secure_link(url, roots)
        except ServerRefusedError as refusal:
            if fallback is None or refusal.event != self.bad_server_certificate_event():
                raise
            return await self.open_secure_link(url, [fallback])
        if fallback is not None:
            self.certificates.remove_root(CSMS_ROOT, fallback)
            self.certificates_changed()
        return link

    async def open_secure_link(self, url: str, roots: list[x509.Certificate]) -> ClientConnection:
        """Open a link with TLS to a server that leads to one of the roots; raises ServerRefusedError for another."""
        uri = parse_uri(url)
        protocol = ClientProtocol(
            uri,
            subprotocols=self.subprotocols(),
            extensions=enable_client_permessage_deflate(None),
            max_size=None,
        )
        link = ClientConnection(protocol, ping_interval=None, close_timeout=CLOSE_PATIENCE)
        layer = ClientLayer(link, self.tls_context(roots), uri.host)
        raw = None
        try:
            async with asyncio.timeout(OPEN_PATIENCE):
                raw, _ = await asyncio.get_running_loop().create_connection(lambda: layer, uri.host, uri.port)
                await self.await_handshake(layer)
                self.check_server(layer.ssl_object, uri.host)
                await link.handshake(self.handshake_headers())
        except ServerRefusedError:
            layer.close()
            raise
        except BaseException:
            if raw is not None:
                raw.abort()
            raise
        return link

    async def await_handshake(self, layer: ClientLayer) -> None:
        """Wait until TLS stands; raises ServerRefusedError when it can't."""
        try:
            await layer.done
        except ConnectionError as failure:
            problem = layer.problem
            event = None if problem is None else self.event_of(problem, layer.answered_with)
            raise ServerRefusedError(str(failure), event) from problem

    def event_of(self, problem: Exception, answered_with: int | None) -> str | None:
        """Return the security event that a failed handshake is; the server answered with a record of that type."""
        reason = getattr(problem, "reason", None) or ""
        if isinstance(problem, ssl.SSLCertVerificationError):
            return self.bad_server_certificate_event()
        if any(known in reason for known in _VERSION_REASONS):
            return "InvalidTLSVersion"
        if any(known in reason for known in _SUITE_REASONS):
            return "InvalidTLSCipherSuite"
        if "HANDSHAKE_FAILURE" in reason and answered_with != _HANDSHAKE_RECORD:
            return "InvalidTLSCipherSuite"
        return None

    def server_refused(self, event: str, why: str) -> None:
        """Make a security event of a refused server, once for however many attempts (A00.FR.316)."""
        if not any(entry["payload"].get("type") == event for entry in self.outbox):
            self.security_event_happened(event, why)

    # -- whom to believe

    def check_server(self, connection: ssl.SSLObject, host: str) -> None:
        """Look at the certificate of a server whose path is good; raises ServerRefusedError."""
        certificate = x509.load_der_x509_certificate(connection.getpeercert(binary_form=True) or b"")
        objection = self.objection_to_server(certificate, host)
        if objection is not None:
            raise ServerRefusedError(objection, self.bad_server_certificate_event())

    def objection_to_server(self, certificate: x509.Certificate, host: str) -> str | None:
        """Return why a certificate is not that of a host: its commonName is the FQDN, no wildcard (A00.FR.309/412)."""
        if is_address(host):  # there is no FQDN; OpenSSL has compared the address
            return None
        if host.casefold() not in (name.casefold() for name in common_names(certificate)):
            return "the commonName is not the host's"
        names = [name.casefold() for name in alternative_names(certificate)]
        if names and host.casefold() not in names:
            return "the host is met by a wildcard only"
        return None

    def tls_context(self, roots: list[x509.Certificate]) -> ssl.SSLContext:
        """Return how TLS is to be spoken."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = self.oldest_tls()
        context.set_ciphers(":".join(self.suites()) + ":@SECLEVEL=2")
        context.options |= ssl.OP_NO_COMPRESSION
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        if roots:
            context.load_verify_locations(cadata="".join(to_pem(root) for root in roots))
        if (own := self.certificate_to_show()) is not None:
            load_own(context, own)
        return context

    def oldest_tls(self) -> ssl.TLSVersion:
        """Return the oldest version that is spoken (A00.FR.313/416)."""
        return ssl.TLSVersion.TLSv1_2

    def suites(self) -> tuple[str, ...]:
        """Return the cipher suites up to TLS 1.2 (A00.FR.319/422)."""
        return SUITES

    # -- what to show

    def certificate_to_show(self) -> OwnCertificate | None:
        """Return the own certificate to show in this attempt: none but in profile 3."""
        if self.dialled_profile != CERTIFICATE_PROFILE:
            return None
        own = self.certificates.own()
        self._shown = own[-1] if own else None
        return self._shown

    def forget_certificates(self) -> None:
        """Be as factory and installer say."""
        self.storage.pop(STORED_CERTIFICATES, None)
        self.certificates = CertificateStore(self.storage, self.config.security)
        self.certificates_changed()

    def certificates_changed(self) -> None:
        """Hear that a certificate was added or removed."""


def is_address(host: str) -> bool:
    """Tell whether a host is given by its IP address."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def load_own(context: ssl.SSLContext, own: OwnCertificate) -> None:
    """Have a context show a certificate; `ssl` takes keys from files only."""
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(own.key + own.chain)
        file.flush()
        context.load_cert_chain(file.name)
