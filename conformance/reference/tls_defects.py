"""What can be wrong with the TLS of a station in any version: whom it believes, what it offers, shows and tells.

`on` makes mutants of them. A defect says in its class body which requirement it breaks, as mutants do.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import warnings
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake

from conformance.reference.station.certificate_facts import common_names
from conformance.reference.station.certificate_store import CSMS_ROOT, OwnCertificate
from conformance.reference.station.power import Power
from conformance.reference.station.secure_dialling import ServerRefusedError, load_own

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

    from conformance.reference.station.secure_dialling import ClientLayer

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

RSA_BITS, HELLO, HANDSHAKE = 2048, 1, 22


def on(reference: type, module: str, *, unseen: tuple[type[Defect], ...] = ()) -> dict[str, type]:
    """Return every defect as a mutant of a reference station, by class name, for the module of this name.

    `unseen` are those that no case of the version has to do with.
    """
    return {
        each.__name__: type(
            each.__name__,
            (each, reference),
            {"__module__": module, "__doc__": each.__doc__, "breaks": each.breaks, "also": each.also},
        )
        for each in _below(Defect)
        if vars(each).get("breaks") and each not in unseen
    }


def _below(parent: type[Defect]) -> list[type[Defect]]:
    """Return every defect of this module that derives another."""
    children = [child for child in parent.__subclasses__() if child.__module__ == __name__]
    return [each for child in children for each in (child, *_below(child))]


class Defect(Power):
    """A station of any version with something wrong in its TLS; `lost` tells whether it had a connection before."""

    breaks: str = ""
    also: tuple[str, ...] = ()

    @property
    def lost(self) -> bool:
        """Tell whether this is the first attempt since a connection was lost, and mark that it is over."""
        first, self._first = getattr(self, "_first", False), False
        return first

    def link_found(self, slot: str) -> None:
        """Remember that there was one."""
        super().link_found(slot)
        self._first = True


# -- whom it believes --------------------------------------------------------------------------------------------------


class LooksForItself(Defect):
    """Checks certificates by its own means, after TLS is agreed, and overlooks something."""

    believes_anyone = False

    def tls_context(self, roots: list[x509.Certificate]) -> ssl.SSLContext:
        """Have nothing checked."""
        context = super().tls_context(roots)
        context.set_ciphers(":".join(self.suites()) + ":@SECLEVEL=0")
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    def check_server(self, connection: ssl.SSLObject, host: str) -> None:
        """Look at the whole chain."""
        shown = connection._sslobj.get_unverified_chain() or []  # type: ignore[attr-defined] # noqa: SLF001
        chain = [x509.load_der_x509_certificate(each.public_bytes(2)) for each in shown]
        if not self.believes(chain, host):
            raise ServerRefusedError("it is not to be believed", self.bad_server_certificate_event())

    def believes(self, chain: list[x509.Certificate], host: str) -> bool:
        """Tell whether a chain is that of the CSMS."""
        return self.is_its_name(chain[0], host) and self.is_strong(chain[0]) and self.leads_home(chain)

    def is_its_name(self, leaf: x509.Certificate, host: str) -> bool:
        """Tell whether a certificate names a host."""
        return host in common_names(leaf)

    def is_strong(self, leaf: x509.Certificate) -> bool:
        """Tell whether key, hash and use are as they have to be."""
        key = leaf.public_key()
        short = isinstance(key, rsa.RSAPublicKey) and key.key_size < RSA_BITS
        return not short and not isinstance(leaf.signature_hash_algorithm, hashes.SHA1) and self.is_for_servers(leaf)

    def is_for_servers(self, leaf: x509.Certificate) -> bool:
        """Tell whether its use is not another's."""
        try:
            used = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except x509.ExtensionNotFound:
            return True
        return ExtendedKeyUsageOID.SERVER_AUTH in used

    def leads_home(self, chain: list[x509.Certificate]) -> bool:
        """Tell whether each is issued by the next, the last by a root, and all are good now."""
        roots = self.certificates.roots(CSMS_ROOT)
        for place, each in enumerate(chain):
            above = chain[place + 1 :][:1] or roots
            if not self.is_timely(each) or not any(self.is_issued(each, one) for one in above):
                return False
        return True

    def is_timely(self, certificate: x509.Certificate) -> bool:
        """Tell whether a certificate is good now."""
        return certificate.not_valid_before_utc <= datetime.now(UTC) <= certificate.not_valid_after_utc

    def is_issued(self, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
        """Tell whether an authority has issued a certificate."""
        try:
            certificate.verify_directly_issued_by(issuer)
            return issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
            return False


class BelievesExpired(LooksForItself):
    """Believes certificates whose time is over, its authorities' too."""

    breaks = "A00.FR.308"

    def is_timely(self, certificate: x509.Certificate) -> bool:
        """Look at the beginning only."""
        return certificate.not_valid_before_utc <= datetime.now(UTC)


class BelievesTheFuture(LooksForItself):
    """Believes certificates whose time has not come yet."""

    breaks = "A00.FR.308"

    def is_timely(self, certificate: x509.Certificate) -> bool:
        """Look at the end only."""
        return datetime.now(UTC) <= certificate.not_valid_after_utc


class BelievesAnyRoot(LooksForItself):
    """Believes whoever has signed each other."""

    breaks = "A00.FR.308"

    def leads_home(self, chain: list[x509.Certificate]) -> bool:
        """Look at the times only."""
        return all(self.is_timely(each) for each in chain)


class BelievesStationsAsAuthorities(LooksForItself):
    """Believes a certificate that another has signed, authority or not."""

    breaks = "A00.FR.308"

    def is_issued(self, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
        """Look at the signature only."""
        try:
            certificate.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True


class BelievesAnyName(LooksForItself):
    """Believes a certificate whoever it names."""

    breaks = "A00.FR.309"
    also = ("TLS.WILDCARD.01",)

    def is_its_name(self, leaf: x509.Certificate, host: str) -> bool:  # noqa: ARG002
        """Take any."""
        return True


class BelievesWildcards(LooksForItself):
    """Believes wildcards, although nobody has allowed them."""

    breaks = "TLS.WILDCARD.01"

    def is_its_name(self, leaf: x509.Certificate, host: str) -> bool:
        """Take a star for any."""
        return super().is_its_name(leaf, host) or any(name.startswith("*") for name in common_names(leaf))


class BelievesTheWeak(LooksForItself):
    """Believes certificates with short keys and old hashes."""

    breaks = "TLS.KEY.01"

    def is_strong(self, leaf: x509.Certificate) -> bool:
        """Look at the use only."""
        return self.is_for_servers(leaf)


class BelievesClients(LooksForItself):
    """Believes a certificate that is for clients only."""

    breaks = "TLS.USAGE.01"

    def is_for_servers(self, leaf: x509.Certificate) -> bool:  # noqa: ARG002
        """Take any."""
        return True


# -- how it refuses ----------------------------------------------------------------------------------------------------


class AsksFirst(LooksForItself):
    """Asks for an upgrade, and looks at the certificate then."""

    breaks = "TLS.EARLY.01"

    async def await_handshake(self, layer: ClientLayer) -> None:
        """Send the request right after TLS is agreed."""
        await super().await_handshake(layer)
        try:
            self.check_server(layer.ssl_object, layer.ssl_object.server_hostname or "")
        except ServerRefusedError:
            lines = ["GET /ocpp/x HTTP/1.1", "Host: x", *(f"{k}: {v}" for k, v in self.handshake_headers().items())]
            layer.write("\r\n".join([*lines, "", ""]).encode())
            raise


class LeavesRefusedOpen(LooksForItself):
    """Refuses a server, and leaves the connection as it is."""

    breaks = "A00.FR.311"
    _left: ClassVar[list[ClientLayer]] = []

    async def await_handshake(self, layer: ClientLayer) -> None:
        """Forget to close what is not believed."""
        await super().await_handshake(layer)
        try:
            self.check_server(layer.ssl_object, layer.ssl_object.server_hostname or "")
        except ServerRefusedError:
            layer.close = lambda: None  # type: ignore[method-assign]
            self._left[:] = [*self._left[-20:], layer]
            raise


class TellsOfNoServer(Defect):
    """Refuses a server, and tells nobody."""

    breaks = "A00.FR.310"

    def server_refused(self, event: str, why: str) -> None:
        """Tell of other things only."""
        if event != self.bad_server_certificate_event():
            super().server_refused(event, why)


class TellsOfTheWrongEnd(Defect):
    """Tells of a bad server as if it were its own certificate."""

    breaks = "A00.FR.310"

    def server_refused(self, event: str, why: str) -> None:
        """Mix them up."""
        wrong = event == self.bad_server_certificate_event()
        super().server_refused("InvalidChargingStationCertificate" if wrong else event, why)


class TellsOfNoVersion(Defect):
    """Does not tell of a CSMS that has old versions only."""

    breaks = "A00.FR.316"

    def server_refused(self, event: str, why: str) -> None:
        """Tell of other things only."""
        if event != "InvalidTLSVersion":
            super().server_refused(event, why)


class TellsOfNoSuite(Defect):
    """Does not tell of a CSMS that has broken suites only."""

    breaks = "A00.FR.323"

    def server_refused(self, event: str, why: str) -> None:
        """Tell of other things only."""
        if event != "InvalidTLSCipherSuite":
            super().server_refused(event, why)


class TriesWithoutTls(Defect):
    """Tries without TLS when TLS has failed."""

    breaks = "TLS.FALLBACK.01"

    async def open_link(self, slot: str) -> ClientConnection:
        """Try the same address as ws."""
        try:
            return await super().open_link(slot)
        except ServerRefusedError:
            await plainly(self.url(slot))
            raise


class TriesOlderTls(Defect):
    """Tries with TLS 1.1 when what is newer has failed."""

    breaks = "TLS.FALLBACK.01"
    _content_with_less = False

    async def open_link(self, slot: str) -> ClientConnection:
        """Be content with less, once."""
        try:
            return await super().open_link(slot)
        except ServerRefusedError:
            self._content_with_less = not self._content_with_less
            raise

    def tls_context(self, roots: list[x509.Certificate]) -> ssl.SSLContext:
        """Offer what is old."""
        context = super().tls_context(roots)
        if self._content_with_less:
            context.set_ciphers("AES128-SHA:@SECLEVEL=0")
            old(context, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_1)
        return context


# -- what it offers ----------------------------------------------------------------------------------------------------


class SpeaksOldTls(Defect):
    """Goes along with TLS 1.0 and 1.1."""

    breaks = "A00.FR.313"

    def tls_context(self, roots: list[x509.Certificate]) -> ssl.SSLContext:
        """Offer them."""
        context = super().tls_context(roots)
        context.set_ciphers(":".join(self.suites()) + ":AES128-SHA:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
        old(context, ssl.TLSVersion.TLSv1)
        return context


class SpeaksInTheOpen(Defect):
    """Goes along with suites that encrypt nothing."""

    breaks = "A00.FR.320"

    def tls_context(self, roots: list[x509.Certificate]) -> ssl.SSLContext:
        """Offer them."""
        context = super().tls_context(roots)
        context.set_ciphers(":".join(self.suites()) + ":NULL-SHA256:ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0")
        return context


class HasHalfOfEachPair(Defect):
    """Has one suite of each pair."""

    breaks = "A00.FR.319"
    also = ("TLS.SECRECY.01",)

    def suites(self) -> tuple[str, ...]:
        """Leave two out."""
        return super().suites()[0], super().suites()[3]


class HasNoSecrecy(Defect):
    """Has the RSA suites only."""

    breaks = "TLS.SECRECY.01"

    def suites(self) -> tuple[str, ...]:
        """Leave those with ECDHE out."""
        return super().suites()[2:]


class TriesPlainFirst(Defect):
    """Tries without TLS when a connection was lost, and then with it."""

    breaks = "A00.FR.312"

    async def open_link(self, slot: str) -> ClientConnection:
        """Try the same address as ws."""
        url = self.url(slot)
        if self.lost and url.startswith("wss:"):
            await plainly(url)
        return await super().open_link(slot)


class OffersCompression(Defect):
    """Asks first whether the CSMS compresses."""

    breaks = "A00.FR.321"

    async def open_link(self, slot: str) -> ClientConnection:
        """Send a hello that offers it."""
        url = self.url(slot)
        if self.lost and url.startswith("wss:"):
            host, _, port = url.partition("://")[2].partition("/")[0].partition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(compressing_hello())
            with contextlib.suppress(OSError):
                await reader.read(1)
            writer.transport.abort()
        return await super().open_link(slot)


# -- what it shows of itself -------------------------------------------------------------------------------------------


class ShowsSomethingElse(Defect):
    """Shows a certificate that it has made for itself, in its first attempt to come back."""

    bits = 0
    owner = "Halfmoon Charging"
    number = 4711
    curve: ec.EllipticCurve = ec.SECP256R1()
    usage = True
    extensions: tuple[x509.ExtensionType, ...] = ()
    _due = False

    def certificate_to_show(self) -> OwnCertificate | None:
        """Show none where the other one is due."""
        own = super().certificate_to_show()
        self._due = own is not None and self.lost
        return None if self._due else own

    def tls_context(self, roots: list[x509.Certificate]) -> ssl.SSLContext:
        """Show the other one, however weak it is, with TLS 1.2, which takes any curve."""
        context = super().tls_context(roots)
        other = self.other() if self._due else None
        if other is not None:
            context.set_ciphers(":".join(self.suites()) + ":@SECLEVEL=0")
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            load_own(context, other)
        return context

    def other(self) -> OwnCertificate | None:
        """Return a certificate that signs itself."""
        key: Key = rsa.generate_private_key(65537, self.bits) if self.bits else ec.generate_private_key(self.curve)
        usage = (x509.KeyUsage(True, *[False] * 8),) if self.usage else ()  # noqa: FBT003 -- digitalSignature
        return signed_by_itself(key, self.name(), self.owner, self.number, (*usage, *self.extensions))

    def name(self) -> str:
        """Return its common name."""
        return self.config.nameplate.serial_number


class ShowsNone(ShowsSomethingElse):
    """Shows no certificate in its first attempt to come back."""

    breaks = "A00.FR.401"

    def other(self) -> OwnCertificate | None:
        """Return none."""
        return None


class ShowsShortRsaKey(ShowsSomethingElse):
    """Has an RSA key of 1024 bits."""

    breaks = "A00.FR.502"
    bits = 1024


class ShowsShortCurve(ShowsSomethingElse):
    """Has a key on a curve of 192 bits."""

    breaks = "A00.FR.503"
    curve = ec.SECP192R1()


class ShowsNoSerialNumber(ShowsSomethingElse):
    """Has a certificate whose serial number is zero."""

    breaks = "A00.FR.508"
    number = 0


class ShowsNoOwner(ShowsSomethingElse):
    """Has a certificate that names no owner."""

    breaks = "A00.FR.509"
    owner = ""


class ShowsAnotherName(ShowsSomethingElse):
    """Has a certificate that names another station."""

    breaks = "A00.FR.511"

    def name(self) -> str:
        """Return its neighbour's."""
        return f"{super().name()}-2"


class ShowsAnAddress(ShowsSomethingElse):
    """Has a certificate that names a URL."""

    breaks = "A00.FR.511"

    def name(self) -> str:
        """Return it."""
        return f"https://{super().name()}"


class ShowsNoKeyUsage(ShowsSomethingElse):
    """Has a certificate that says nothing of its use."""

    breaks = "A00.FR.512"
    usage = False


class ShowsExtendedKeyUsage(ShowsSomethingElse):
    """Has a certificate with an Extended Key Usage."""

    breaks = "A00.FR.514"
    extensions = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]),)


class ShowsAlternativeNames(ShowsSomethingElse):
    """Has a certificate with an alternative name."""

    breaks = "TLS.NAMES.01"
    extensions = (x509.SubjectAlternativeName([x509.DNSName("station.example")]),)


# -- sessions and what is kept -----------------------------------------------------------------------------------------


class InsistsOnItsSession(Defect):
    """Gives up an attempt in which the CSMS has forgotten its session."""

    breaks = "TLS.SESSION.01"
    _context: ssl.SSLContext | None = None
    _session: ssl.SSLSession | None = None
    _layer: ClientLayer | None = None

    def tls_context(self, roots: list[x509.Certificate]) -> ssl.SSLContext:
        """Keep one, to which the session belongs, and have it resumed by TLS 1.2, which tells at once."""
        if self._context is None:
            self._context = super().tls_context(roots)
            self._context.maximum_version = ssl.TLSVersion.TLSv1_2
            self._context.sslobject_class = self.resuming()
        return self._context

    def resuming(self) -> type[ssl.SSLObject]:
        """Return a class whose objects begin with the session that is kept."""
        station = self

        class Resuming(ssl.SSLObject):
            def do_handshake(self) -> None:
                if station._session is not None and self.session is None:
                    self.session = station._session
                super().do_handshake()

        return Resuming

    async def await_handshake(self, layer: ClientLayer) -> None:
        """Want it resumed."""
        wanted, self._session = self._session, None
        await super().await_handshake(layer)
        if wanted is not None and not layer.ssl_object.session_reused:
            raise ServerRefusedError("it has forgotten", None)
        self._session = layer.ssl_object.session


class ForgetsEvents(Defect):
    """Forgets the security events that it could not tell when it is switched off."""

    breaks = "A04.FR.02"

    def reload_outbox(self) -> None:
        """Take them out."""
        self.outbox[:] = [each for each in self.outbox if each["action"] != "SecurityEventNotification"]
        super().reload_outbox()


# -- helpers -----------------------------------------------------------------------------------------------------------


async def plainly(url: str) -> None:
    """Dial an address of wss without TLS."""
    with contextlib.suppress(OSError, InvalidHandshake, EOFError, TimeoutError):
        link = await connect("ws" + url.removeprefix("wss"), open_timeout=2, proxy=None)
        link.transport.abort()


def old(context: ssl.SSLContext, oldest: ssl.TLSVersion, newest: ssl.TLSVersion | None = None) -> None:
    """Have a context speak an old version; `ssl` warns of that."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = oldest
        if newest is not None:
            context.maximum_version = newest


def compressing_hello() -> bytes:
    """Return a hello of TLS 1.2 with the usual suites, that offers DEFLATE."""
    suites = bytes.fromhex("c02bc02c009c009d")
    extensions = bytes.fromhex("000a00040002001d000b00020100000d000a00080403040105030501")
    body = b"\3\3" + os.urandom(32) + b"\0" + len(suites).to_bytes(2, "big") + suites + b"\2\1\0"
    body += len(extensions).to_bytes(2, "big") + extensions
    message = bytes((HELLO,)) + len(body).to_bytes(3, "big") + body
    return bytes((HANDSHAKE, 3, 1)) + len(message).to_bytes(2, "big") + message


def signed_by_itself(
    key: Key, name: str, organization: str, number: int, extensions: tuple[x509.ExtensionType, ...]
) -> OwnCertificate:
    """Return a certificate that signs itself; its number may be zero, which nobody else makes."""
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if organization:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    subject, now = x509.Name(attributes), datetime.now(UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), number or 1)
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    for each in extensions:
        builder = builder.add_extension(each, critical=False)
    der = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    if not number:
        der = der.replace(b"\xa0\x03\x02\x01\x02\x02\x01\x01", b"\xa0\x03\x02\x01\x02\x02\x01\x00", 1)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return OwnCertificate(ssl.DER_cert_to_PEM_cert(der), secret)
