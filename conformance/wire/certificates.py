"""Certificates: how they are handed around, what is in them, and how OCPP names them."""

import re
import ssl
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class Chain:
    """What an end shows of itself: `certificates` in PEM, the leaf first and no root, and the private key, in PEM."""

    certificates: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Key:
    """The kind and the size of a public key: RSA, DSA (bits of the modulus), EC (bits of the curve), or another."""

    kind: str
    bits: int

    def __str__(self) -> str:
        return f"{self.kind} {self.bits}" if self.bits else self.kind


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What is in a certificate. Names are in the form of RFC 4514; times are aware; `serial` and `sha256` hexadecimal.

    `names` are the DNS names and IP addresses of the subjectAltName; `key_usage` and `extended_key_usage` are as the
    certificate has them, None without the extension; `is_ca` says what the basic constraints do.
    """

    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    key: Key
    signature: str
    sha256: str
    version: int = 3
    common_names: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    key_usage: tuple[str, ...] | None = None
    extended_key_usage: tuple[str, ...] | None = None
    is_ca: bool = False

    def to_json(self) -> dict[str, Any]:
        """The facts as the transcript has them."""
        return {
            "subject": self.subject,
            "issuer": self.issuer,
            "serial": self.serial,
            "not_before": f"{self.not_before:%Y-%m-%dT%H:%M:%SZ}",
            "not_after": f"{self.not_after:%Y-%m-%dT%H:%M:%SZ}",
            "key": str(self.key),
            "signature": self.signature,
            "sha256": self.sha256,
            "version": self.version,
            "common_names": list(self.common_names),
            "organizations": list(self.organizations),
            "names": list(self.names),
            "key_usage": None if self.key_usage is None else list(self.key_usage),
            "extended_key_usage": None if self.extended_key_usage is None else list(self.extended_key_usage),
        }


@dataclass(frozen=True, slots=True)
class CsrFacts:
    """What is in a certificate signing request, and whether its own signature fits."""

    subject: str
    common_names: tuple[str, ...]
    organizations: tuple[str, ...]
    key: Key
    signature: str
    signed: bool


def read(pem: str) -> tuple[CertificateFacts, ...]:
    """The certificates of a PEM text, in order; raises ValueError where there is none, or one that can't be read."""
    found = [_facts(each) for each in _certificates(pem)]
    if not found:
        raise ValueError("no certificate in PEM")
    return tuple(found)


def read_der(der: bytes) -> dict[str, Any]:
    """One certificate as the transcript has it; of one that can't be read, its digest and the problem."""
    try:
        with _quiet():
            return _facts(x509.load_der_x509_certificate(der)).to_json()
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        digest = hashes.Hash(hashes.SHA256())
        digest.update(der)
        return {"sha256": digest.finalize().hex(), "problem": str(error)}


def hash_data(pem: str, issuer: str | None = None, algorithm: str = "SHA256") -> dict[str, str]:
    """CertificateHashData of the first certificate of a PEM text: the hashes are of its issuer, as in OCSP.

    Without `issuer`, in PEM, it is its own. Raises ValueError for what is no certificate.
    """
    found = _certificates(pem)
    above = _certificates(issuer) if issuer is not None else found
    if not found or not above:
        raise ValueError("no certificate in PEM")
    with _quiet():
        asked = ocsp.OCSPRequestBuilder().add_certificate(found[0], above[0], _HASHES[algorithm]).build()
    return {
        "hashAlgorithm": algorithm,
        "issuerNameHash": asked.issuer_name_hash.hex(),
        "issuerKeyHash": asked.issuer_key_hash.hex(),
        "serialNumber": f"{asked.serial_number:x}",
    }


def read_csr(pem: str) -> CsrFacts:
    """A certificate signing request in PEM; raises ValueError for what is none."""
    with _quiet():
        try:
            csr = x509.load_pem_x509_csr(pem.encode())
            return CsrFacts(
                csr.subject.rfc4514_string(),
                _named(csr.subject, NameOID.COMMON_NAME),
                _named(csr.subject, NameOID.ORGANIZATION_NAME),
                key_of(csr.public_key()),
                _signature(csr),
                csr.is_signature_valid,
            )
        except (UnsupportedAlgorithm, x509.InvalidVersion) as error:
            raise ValueError(str(error)) from error


def pem_of(der: bytes) -> str:
    """A certificate in DER as PEM, whether or not it can be read."""
    return ssl.DER_cert_to_PEM_cert(der)


def key_of(public: object) -> Key:
    """The kind and size of a public key."""
    match public:
        case rsa.RSAPublicKey():
            return Key("RSA", public.key_size)
        case ec.EllipticCurvePublicKey():
            return Key("EC", public.curve.key_size)
        case dsa.DSAPublicKey():
            return Key("DSA", public.key_size)
        case ed25519.Ed25519PublicKey():
            return Key("Ed25519", 256)
        case ed448.Ed448PublicKey():
            return Key("Ed448", 448)
    return Key("unknown", 0)


def _certificates(pem: str) -> list[x509.Certificate]:
    with _quiet():
        try:
            return [x509.load_pem_x509_certificate(each.encode()) for each in _PEM.findall(pem)]
        except (UnsupportedAlgorithm, x509.InvalidVersion) as error:
            raise ValueError(str(error)) from error


def _facts(certificate: x509.Certificate) -> CertificateFacts:
    with _quiet():
        try:
            key = key_of(certificate.public_key())
        except (ValueError, UnsupportedAlgorithm):
            key = Key("unknown", 0)
        names, usage, extended, is_ca = _extensions(certificate)
        return CertificateFacts(
            certificate.subject.rfc4514_string(),
            certificate.issuer.rfc4514_string(),
            f"{certificate.serial_number:x}",
            certificate.not_valid_before_utc.astimezone(UTC),
            certificate.not_valid_after_utc.astimezone(UTC),
            key,
            _signature(certificate),
            certificate.fingerprint(hashes.SHA256()).hex(),
            certificate.version.value + 1,
            _named(certificate.subject, NameOID.COMMON_NAME),
            _named(certificate.subject, NameOID.ORGANIZATION_NAME),
            names,
            usage,
            extended,
            is_ca,
        )


def _extensions(
    certificate: x509.Certificate,
) -> tuple[tuple[str, ...], tuple[str, ...] | None, tuple[str, ...] | None, bool]:
    names: tuple[str, ...] = ()
    usage: tuple[str, ...] | None = None
    extended: tuple[str, ...] | None = None
    is_ca = False
    try:
        extensions = list(certificate.extensions)
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        extensions = []
    for each in extensions:
        value = each.value
        if isinstance(value, x509.SubjectAlternativeName):
            addresses = (str(address) for address in value.get_values_for_type(x509.IPAddress))
            names = (*value.get_values_for_type(x509.DNSName), *addresses)
        elif isinstance(value, x509.KeyUsage):
            usage = tuple(name for name in _USAGES if getattr(value, name))
        elif isinstance(value, x509.ExtendedKeyUsage):
            extended = tuple(oid._name for oid in value)  # noqa: SLF001 -- the name has no other way out
        elif isinstance(value, x509.BasicConstraints):
            is_ca = value.ca
    return names, usage, extended, is_ca


_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)


def _named(name: x509.Name, oid: x509.ObjectIdentifier) -> tuple[str, ...]:
    return tuple(str(each.value) for each in name.get_attributes_for_oid(oid))


def _signature(signed: x509.Certificate | x509.CertificateSigningRequest) -> str:
    return signed.signature_algorithm_oid._name  # noqa: SLF001 -- the name has no other way out


@contextmanager
def _quiet() -> Iterator[None]:
    """What is odd in a certificate is for the judgement, not for the one who reads the log."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        yield
