"""Mutants of TLS: what the CSMS shows, what it speaks, and whose certificates it takes."""

from __future__ import annotations

import base64
import ssl
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from http import HTTPStatus
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from conformance.reference.csms import ReferenceCsms
from conformance.reference.csms.base import Link
from conformance.reference.csms.certificates import SMALLEST_RSA, usage_of
from conformance.reference.csms.config import SecuritySetup
from conformance.reference.csms.connection import DoorConnection
from conformance.reference.csms.doors import NO_CHECK_TIME, SUITES, name_in, written
from conformance.reference.csms.records import StationRecord
from conformance.reference.csms.rpc import Call
from conformance.reference.tls import TlsLayer

EVEN_WEAK = "@SECLEVEL=0"
HANDSHAKE, CERTIFICATE = 22, 11
"""The numbers of a record and of a message of TLS."""
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


# -- suites and versions


class HasNoRsaCertificate(ReferenceCsms):
    """Shows a certificate with an ECDSA key only."""

    breaks = "A00.FR.318"

    def server_chains(self, security: SecuritySetup) -> Sequence[tuple[str, str]]:
        """Leave out the other."""
        return [pair for pair in security.chains if isinstance(key_in(pair[0]), ec.EllipticCurvePublicKey)]


class HasNoEcdsaCertificate(ReferenceCsms):
    """Shows a certificate with an RSA key only."""

    breaks = "A00.FR.318"

    def server_chains(self, security: SecuritySetup) -> Sequence[tuple[str, str]]:
        """Leave out the other."""
        return [pair for pair in security.chains if isinstance(key_in(pair[0]), rsa.RSAPublicKey)]


class FindsAes128Enough(ReferenceCsms):
    """Has the suites with AES 128 only."""

    breaks = "A00.FR.318"

    def tls_suites(self) -> Sequence[str]:
        """Leave out the others."""
        return [suite for suite in SUITES if "128" in suite]


class WantsForwardSecrecy(ReferenceCsms):
    """Has the suites with ECDHE only, as most servers do."""

    breaks = "A00.FR.318"

    def tls_suites(self) -> Sequence[str]:
        """Leave out the others."""
        return [suite for suite in SUITES if suite.startswith("ECDHE")]


class TakesNoRsaStations(ReferenceCsms):
    """Takes certificates of stations with ECDSA keys only."""

    breaks = "A00.FR.318"

    def fault_of_certificate(self, record: StationRecord, certificate: x509.Certificate | None) -> str:
        """Look at the key."""
        if certificate is not None and isinstance(certificate.public_key(), rsa.RSAPublicKey):
            return "RSA is so old"
        return super().fault_of_certificate(record, certificate)


class SpeaksOldTls(ReferenceCsms):
    """Speaks TLS 1.0 with whoever has nothing newer."""

    breaks = "A00.FR.313"
    also = ("A00.FR.315",)
    versions = ("2.0.1",)

    def oldest_tls(self) -> ssl.TLSVersion:
        """Draw no line."""
        return ssl.TLSVersion.MINIMUM_SUPPORTED

    def tls_suites(self) -> Sequence[str]:
        """Have suites for it."""
        return [*SUITES, "AES128-SHA", "ECDHE-ECDSA-AES128-SHA", EVEN_WEAK]


class SpeaksOldTlsWithFriends(SpeaksOldTls):
    """Speaks TLS 1.0, but only with who names its host: many servers behind one address are found by their names."""

    def tls_context(self, profile: int, *, dates_later: bool) -> ssl.SSLContext:
        """Refuse whoever names none."""
        context = super().tls_context(profile, dates_later=dates_later)
        context.sni_callback = lambda _, name, __: None if name else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        return context


class SpeaksOnlyTheNewestTls(ReferenceCsms):
    """Speaks TLS 1.3 alone, which has none of the four suites."""

    breaks = "A00.FR.318"

    def oldest_tls(self) -> ssl.TLSVersion:
        """Draw the line there."""
        return ssl.TLSVersion.TLSv1_3


class AnonymousWillDo(ReferenceCsms):
    """Agrees to a suite in which neither end shows who it is."""

    breaks = "A00.FR.320"
    also = ("A00.FR.322",)

    def tls_suites(self) -> Sequence[str]:
        """Have one."""
        return [*SUITES, "AECDH-AES128-SHA", EVEN_WEAK]


class NullCipherWillDo(ReferenceCsms):
    """Agrees to a suite without encryption."""

    breaks = "A00.FR.320"
    also = ("A00.FR.322",)

    def tls_suites(self) -> Sequence[str]:
        """Have one."""
        return [*SUITES, "NULL-SHA256", EVEN_WEAK]


class HangingLayer(TlsLayer):
    """Neither says nor does anything about some failures of a handshake."""

    reasons: tuple[str, ...] = ()

    def _fail(self, problem: Exception) -> None:
        """Keep it to itself."""
        if any(each in str(problem).lower() for each in self.reasons):
            self.closing = True
            self._stop_timer()
        else:
            super()._fail(problem)


class HangingCsms(ReferenceCsms):
    """Leaves stations hanging whose handshake fails for one of some reasons."""

    reasons: tuple[str, ...] = ()

    def tls_layer(self, connection: DoorConnection) -> TlsLayer:
        """Be quiet about it."""
        begin = partial(self.context_for(connection.profile).wrap_bio, server_side=True)
        layer = HangingLayer(connection, begin, patience=self.config.open_timeout)
        layer.reasons = self.reasons
        return layer


class HangsOnOldVersions(HangingCsms):
    """Neither answers a station with an old TLS, nor hangs up."""

    breaks = "A00.FR.315"
    reasons = ("version", "protocol")


class HangsOnUnfitSuites(HangingCsms):
    """Neither answers a station with unfit suites, nor hangs up."""

    breaks = "A00.FR.322"
    reasons = ("cipher",)


class HangsOnBadCertificates(HangingCsms):
    """Neither lets a station in whose certificate is not good, nor hangs up."""

    breaks = "A00.FR.407"
    reasons = ("certificate",)


class CompressingLayer(TlsLayer):
    """Chooses compression where it is offered."""

    def _flush(self) -> None:
        """Write it into the ServerHello, where the method is the last byte but for the extensions."""
        data = bytearray(self._outgoing.read())
        if data[:1] == b"\x16" and data[5:6] == b"\x02" and self.offers_compression:
            data[46 + data[43]] = 1
            self.offers_compression = False
        if data and not self._raw.is_closing():
            self._raw.write(bytes(data))

    def data_received(self, data: bytes) -> None:
        """Look for the offer in the hello: how many methods there are stands after the session and the suites."""
        if data[:1] == b"\x16" and data[5:6] == b"\x01":
            suites = 44 + data[43]
            methods = suites + 2 + int.from_bytes(data[suites : suites + 2], "big")
            self.offers_compression = data[methods : methods + 1] > b"\x01"
        super().data_received(data)

    offers_compression = False


class Compresses(ReferenceCsms):
    """Agrees to compress."""

    breaks = "A00.FR.321"

    def tls_layer(self, connection: DoorConnection) -> TlsLayer:
        """Do it in the layer."""
        begin = partial(self.context_for(connection.profile).wrap_bio, server_side=True)
        return CompressingLayer(connection, begin, patience=self.config.open_timeout)


# -- the certificate of the CSMS


class OwnCertificates(ReferenceCsms):
    """Shows certificates that it has made itself."""

    def server_chains(self, security: SecuritySetup) -> Sequence[tuple[str, str]]:
        """Make one of each kind."""
        assert security.signing is not None
        return [self.own(security, rsa_key()), self.own(security, ec_key())]

    def own(self, security: SecuritySetup, key: Key) -> tuple[str, str]:
        """Make one as it should be."""
        return signed(security, key)


class ShowsItsOwnCertificateInTheNewestTls(OwnCertificates):
    """Shows a certificate that leads to no root but itself, and speaks TLS 1.3 alone."""

    breaks = "A00.FR.307"
    also = ("A00.FR.318",)

    def oldest_tls(self) -> ssl.TLSVersion:
        """Draw the line there."""
        return ssl.TLSVersion.TLSv1_3

    def own(self, security: SecuritySetup, key: Key) -> tuple[str, str]:
        """Sign it with its own key."""
        return signed(security, key, by=key)


class SignsItsOwnCertificate(OwnCertificates):
    """Shows a certificate that leads to no root but itself."""

    breaks = "A00.FR.307"

    def own(self, security: SecuritySetup, key: Key) -> tuple[str, str]:
        """Sign it with its own key."""
        return signed(security, key, by=key)


class HasAShortKey(OwnCertificates):
    """Has an RSA key of 1024 bits."""

    breaks = "A00.FR.502"

    def own(self, security: SecuritySetup, key: Key) -> tuple[str, str]:
        """Take another."""
        return signed(security, rsa_key(1024) if isinstance(key, rsa.RSAPrivateKey) else key)

    def tls_suites(self) -> Sequence[str]:
        """Have OpenSSL bear it."""
        return [*SUITES, EVEN_WEAK]


class HasAnIssuerOnAShortCurve(OwnCertificates):
    """Has certificates of an authority whose key is on a curve of 192 bits."""

    breaks = "A00.FR.503"
    also = ("A00.FR.307",)

    def own(self, security: SecuritySetup, key: Key) -> tuple[str, str]:
        """Show that of the authority, too."""
        issuer = ec.generate_private_key(ec.SECP192R1())
        above, _ = signed(security, issuer, cn="authority", ca=True)
        own, secret = signed(security, key, by=issuer, issuer="authority")
        return own + above, secret

    def tls_suites(self) -> Sequence[str]:
        """Have OpenSSL bear it."""
        return [*SUITES, EVEN_WEAK]


class HasNoSerialNumber(OwnCertificates):
    """Has a certificate whose serial number is 0."""

    breaks = "A00.FR.508"
    also = ("A00.FR.307",)

    def own(self, security: SecuritySetup, key: Key) -> tuple[str, str]:
        """Write it into a certificate with the serial number 1, which stands after the version."""
        chain, secret = signed(security, key, serial=1)
        first, *rest = x509.load_pem_x509_certificates(chain.encode())
        der = first.public_bytes(serialization.Encoding.DER).replace(b"\x02\x01\x01\x30", b"\x02\x01\x00\x30", 1)
        above = "".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in rest)
        return ssl.DER_cert_to_PEM_cert(der) + above, secret


class NamesNoOwner(OwnCertificates):
    """Has a certificate without an organization."""

    breaks = "A00.FR.509"

    def own(self, security: SecuritySetup, key: Key) -> tuple[str, str]:
        """Leave it out."""
        return signed(security, key, o="")


class NamesItsOwner(OwnCertificates):
    """Has a certificate whose common name is not its host, but what people call it."""

    breaks = "A00.FR.510"

    def own(self, security: SecuritySetup, key: Key) -> tuple[str, str]:
        """Put the host among the alternative names."""
        return signed(security, key, cn="Charging for everyone")


# -- certificates of stations


class GullibleLayer(TlsLayer):
    """Trusts the certificates that it is shown in TLS 1.2, where they can be read as they come."""

    trusts: ssl.SSLContext
    believes: Callable[[x509.Certificate], bool]
    _seen = b""

    def data_received(self, data: bytes) -> None:
        """Put the first certificate among the trusted ones before OpenSSL looks at it."""
        self._seen += data
        shown = first_certificate(self._seen) if not self._settled else None
        if shown is not None:
            self._seen = b""
            if self.believes(x509.load_der_x509_certificate(shown)):
                trust(self.trusts, shown)
        super().data_received(data)


class GullibleCsms(ReferenceCsms):
    """Trusts whatever certificate is shown."""

    def believes(self, certificate: x509.Certificate) -> bool:  # noqa: ARG002
        """Believe everybody."""
        return True

    def tls_context(self, profile: int, *, dates_later: bool) -> ssl.SSLContext:
        """Be able to read what comes, and to trust it alone."""
        context = super().tls_context(profile, dates_later=dates_later)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
        return context

    def heeds_revocation(self) -> bool:
        """Have no issuer whose list there could be."""
        return False

    def tls_layer(self, connection: DoorConnection) -> TlsLayer:
        """Have a context for each connection, lest trust lasts."""
        context = self.tls_context(connection.profile, dates_later=False)
        begin = partial(context.wrap_bio, server_side=True)
        layer = GullibleLayer(connection, begin, patience=self.config.open_timeout)
        layer.trusts, layer.believes = context, self.believes
        return layer


class TrustsWhoeverComes(GullibleCsms):
    """Takes certificates of any issuer, or of none."""

    breaks = "A00.FR.403"


class TakesAnyUsage(GullibleCsms):
    """Takes certificates that are for servers."""

    breaks = "TLS.USAGE.01"

    def believes(self, certificate: x509.Certificate) -> bool:
        """Look at what else there is to look at."""
        assert self.config.security is not None
        hashed, revoked = certificate.signature_hash_algorithm, revoked_by(self.config.security.crl)
        key = certificate.public_key()
        long_enough = not isinstance(key, rsa.RSAPublicKey) or key.key_size >= SMALLEST_RSA
        return long_enough and not isinstance(hashed, hashes.SHA1) and certificate.serial_number not in revoked

    def ask_for_certificates(
        self, context: ssl.SSLContext, security: SecuritySetup, folder: str, *, dates_later: bool
    ) -> None:
        """Trust none of the issuers, since what they say of a certificate's use would count."""
        alone = replace(security, client_roots=security.chains[0][0])
        super().ask_for_certificates(context, alone, folder, dates_later=dates_later)


class HasNoCalendar(ReferenceCsms):
    """Takes certificates that have expired, or are not yet valid."""

    breaks = "A00.FR.403"

    def tls_context(self, profile: int, *, dates_later: bool) -> ssl.SSLContext:
        """Look at no dates in TLS."""
        context = super().tls_context(profile, dates_later=dates_later)
        context.verify_flags |= NO_CHECK_TIME
        return context

    def in_date(self, certificate: x509.Certificate) -> bool:  # noqa: ARG002
        """Nor later."""
        return True

    def present(self) -> datetime:
        """Believe that everything has begun."""
        return super().present() + timedelta(days=3650)


class RenewsWithoutBeingTold(ReferenceCsms):
    """Lets stations with expired certificates wait, as if it was set up so, but renews nothing."""

    breaks = "A00.FR.403"

    def tls_context(self, profile: int, *, dates_later: bool) -> ssl.SSLContext:  # noqa: ARG002
        """Look at dates later."""
        return super().tls_context(profile, dates_later=True)

    def fault_of_certificate(self, record: StationRecord, certificate: x509.Certificate | None) -> str:
        """Forgive."""
        fault = super().fault_of_certificate(record, certificate)
        return "" if "expired" in fault else fault

    def renew(self, station: StationRecord) -> None:
        """Have no time for it."""


class TakesAnyOrganization(ReferenceCsms):
    """Takes certificates of stations that belong to anybody."""

    breaks = "A00.FR.404"

    def of_operator(self, certificate: x509.Certificate) -> bool:  # noqa: ARG002
        """Be everybody's friend."""
        return True


class TakesNoOrganization(ReferenceCsms):
    """Takes certificates of stations that name no organization."""

    breaks = "A00.FR.404"

    def of_operator(self, certificate: x509.Certificate) -> bool:
        """Look at it if there is one."""
        named = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        return not named or super().of_operator(certificate)


class TakesAnyStationForAnother(ReferenceCsms):
    """Takes a certificate of one station for that of another."""

    breaks = "A00.FR.405"
    also = ("B01.FR.12",)

    def of_station(self, record: StationRecord, certificate: x509.Certificate) -> bool:  # noqa: ARG002
        """Not look at the name."""
        return True

    def is_impostor(self, link: Link, call: Call) -> bool:  # noqa: ARG002
        """Nor later."""
        return False


class NeedsNoCertificate(ReferenceCsms):
    """Lets stations in that show no certificate."""

    breaks = "A00.FR.407"

    def demand(self) -> ssl.VerifyMode:
        """Ask, and be content with no answer."""
        return ssl.VerifyMode.CERT_OPTIONAL

    def fault_of_certificate(self, record: StationRecord, certificate: x509.Certificate | None) -> str:
        """Look at what there is."""
        return "" if certificate is None else super().fault_of_certificate(record, certificate)


class TakesWeakCertificates(ReferenceCsms):
    """Takes certificates with short keys and old hashes."""

    breaks = "TLS.KEY.01"

    def tls_suites(self) -> Sequence[str]:
        """Have OpenSSL bear it."""
        return [*SUITES, EVEN_WEAK]


class KnowsNothingOfRevocation(ReferenceCsms):
    """Takes certificates that were revoked."""

    breaks = "A00.FR.705"

    def heeds_revocation(self) -> bool:
        """Have no list."""
        return False


class ComparesNoSerialNumbers(ReferenceCsms):
    """Lets a station boot with another serial number than its certificate has."""

    breaks = "B01.FR.12"

    def is_impostor(self, link: Link, call: Call) -> bool:  # noqa: ARG002
        """Believe everything."""
        return False


class AnswersAnotherSerialNumber(ReferenceCsms):
    """Answers Rejected to a boot with another serial number than the certificate has, and stays connected."""

    breaks = "B01.FR.12"

    async def turn_out(self, link: Link, call: Call) -> None:  # noqa: ARG002
        """Be polite."""
        link.station.registration = "Rejected"


class ForgetsOnResumption(ReferenceCsms):
    """Does not remember the certificate of a station that resumes its TLS session."""

    breaks = "TLS.SESSION.01"

    def on_handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        """Miss it."""
        if resumed(connection):
            return connection.respond(HTTPStatus.FORBIDDEN, "no certificate was shown\n")
        return super().on_handshake(connection, request)


class TrustsResumedSessions(ReferenceCsms):
    """Looks at no certificate where a TLS session is resumed: it has done so before."""

    breaks = "A00.FR.405"

    def on_handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        """Let it pass."""
        return None if resumed(connection) else super().on_handshake(connection, request)

    def is_impostor(self, link: Link, call: Call) -> bool:
        """Believe it."""
        return not resumed(link.connection) and super().is_impostor(link, call)


def resumed(connection: ServerConnection) -> bool:
    """Tell whether a connection goes on with a TLS session."""
    tls = connection.transport.get_extra_info("ssl_object")
    return tls is not None and tls.session_reused


# -- making certificates


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return an RSA key, the same for all."""
    return rsa.generate_private_key(65537, bits)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    """Return a key on P-256, the same for all."""
    return ec.generate_private_key(ec.SECP256R1())


def key_in(chain: str) -> Any:
    """Return the public key of a certificate."""
    return x509.load_pem_x509_certificate(chain.encode()).public_key()


def signed(  # noqa: PLR0913 -- by keyword
    security: SecuritySetup,
    key: Key,
    *,
    cn: str | None = None,
    o: str | None = None,
    serial: int | None = None,
    by: Key | None = None,
    issuer: str | None = None,
    ca: bool = False,
) -> tuple[str, str]:
    """Return a chain for the CSMS and its key: as it should be, signed by the authority of the CSMS, unless said."""
    assert security.signing is not None
    host = name_in(security.chains[0][0])
    above = x509.load_pem_x509_certificates(security.signing[0].encode())
    signer = by or serialization.load_pem_private_key(security.signing[1].encode(), None)
    subject = named(host if cn is None else cn, security.operator or "operator" if o is None else o)
    issued_by = above[0].subject if by is None else named(issuer, None) if issuer else subject
    now = datetime.now(UTC)
    usage = usage_of(key.public_key())
    made = (
        x509.CertificateBuilder()
        .subject_name(named(cn, None) if ca else subject)
        .issuer_name(issued_by)
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    )
    if not ca:
        made = made.add_extension(usage, critical=True)
    own = made.sign(signer, hashes.SHA256())  # type: ignore[arg-type]
    shown = [own] if by is not None else [own, *(each for each in above if each.subject != each.issuer)]
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return "".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in shown), secret.decode()


def named(cn: str | None, o: str | None) -> x509.Name:
    """Return a subject."""
    given = ((NameOID.COMMON_NAME, cn), (NameOID.ORGANIZATION_NAME, o))
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in given if value])


# -- trusting certificates

CLIENT_AUTH_TRUSTED = bytes.fromhex("300c300a06082b06010505070302")
"""What OpenSSL puts behind a certificate that it trusts for clients (X509_CERT_AUX)."""


def first_certificate(seen: bytes) -> bytes | None:
    """Return the first certificate in what a client of TLS 1.2 has sent so far, in DER; None without one."""
    handshake, at = b"", 0
    while len(seen) >= at + 5:
        size = int.from_bytes(seen[at + 3 : at + 5], "big")
        if seen[at] == HANDSHAKE:
            handshake += seen[at + 5 : at + 5 + size]
        at += 5 + size
    at = 0
    while len(handshake) >= at + 4:
        kind, size = handshake[at], int.from_bytes(handshake[at + 1 : at + 4], "big")
        body = handshake[at + 4 : at + 4 + size]
        if kind == CERTIFICATE and len(body) == size and int.from_bytes(body[:3], "big"):
            return body[6 : 6 + int.from_bytes(body[3:6], "big")]
        at += 4 + size
    return None


def revoked_by(crl: str) -> set[int]:
    """Return the numbers of the certificates that are revoked."""
    end = "-----END X509 CRL-----\n"
    lists = [x509.load_pem_x509_crl((each + end).encode()) for each in crl.split(end) if each.strip()]
    return {entry.serial_number for each in lists for entry in each}


def trust(context: ssl.SSLContext, shown: bytes) -> None:
    """Have a context trust a certificate for clients, whatever it says itself."""
    body = base64.encodebytes(shown + CLIENT_AUTH_TRUSTED).decode()
    with tempfile.TemporaryDirectory() as folder:
        text = f"-----BEGIN TRUSTED CERTIFICATE-----\n{body}-----END TRUSTED CERTIFICATE-----\n"
        context.load_verify_locations(written(folder, text))
