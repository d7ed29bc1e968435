"""Certificates and requests for them as OCPP names and compares them (Part 2 A02, M03; RFC 6960)."""

from collections.abc import Iterable, Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from conformance.wire.certificates import hash_data

_FIELDS = ("issuerNameHash", "issuerKeyHash", "serialNumber")


def names(given: Mapping[str, Any], pem: str, issuer: str | None = None) -> bool:
    """Whether a CertificateHashData is that of a certificate, by whatever algorithm; digits in either case.

    `issuer`, in PEM too, is the certificate itself unless given.
    """
    try:
        right = hash_data(pem, issuer, str(given.get("hashAlgorithm")))
    except KeyError:
        return False
    return all(str(given.get(field)).casefold() == right[field].casefold() for field in _FIELDS)


def count(given: Iterable[Mapping[str, Any]], pem: str, issuer: str | None = None) -> int:
    """How many of these CertificateHashData are of a certificate."""
    return sum(names(each, pem, issuer) for each in given)


def key_of_request(csr: str) -> bytes:
    """The public key in a certificate signing request (PEM), as DER; raises ValueError for what is none."""
    return _der(x509.load_pem_x509_csr(csr.encode()))


def key_of_certificate(pem: str) -> bytes:
    """The public key in the first certificate of a PEM text, as DER; raises ValueError for what is none."""
    return _der(x509.load_pem_x509_certificate(pem.encode()))


def _der(one: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    return one.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
