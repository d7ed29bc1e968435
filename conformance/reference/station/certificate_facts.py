"""What a station reads from a certificate: whom it names, when and for what it is good, and how OCPP calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from conformance.reference.station.rpc import Payload

SMALLEST_RSA, SMALLEST_EC = 2048, 224
_ALGORITHMS: dict[str, type[hashes.HashAlgorithm]] = {
    "SHA256": hashes.SHA256,
    "SHA384": hashes.SHA384,
    "SHA512": hashes.SHA512,
}


def read_chain(pem: str) -> list[x509.Certificate]:
    """Return the certificates of a PEM text, in their order; none when it can't be read."""
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        return []


def to_pem(certificate: x509.Certificate) -> str:
    """Return a certificate in PEM."""
    return certificate.public_bytes(Encoding.PEM).decode()


def common_names(certificate: x509.Certificate) -> list[str]:
    """Return the commonNames of a subject."""
    return [str(each.value) for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]


def organizations(certificate: x509.Certificate) -> list[str]:
    """Return the organizationNames of a subject."""
    return [str(each.value) for each in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]


def alternative_names(certificate: x509.Certificate) -> list[str]:
    """Return the DNS names among the subjectAltNames."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return names.get_values_for_type(x509.DNSName)


def is_current(certificate: x509.Certificate, now: datetime) -> bool:
    """Tell whether a certificate is good at a moment."""
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def is_authority(certificate: x509.Certificate) -> bool:
    """Tell whether a certificate may sign others."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def is_for_clients(certificate: x509.Certificate) -> bool:
    """Tell whether a certificate may be shown by a client: nothing in it says that it is for something else."""
    try:
        uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.CLIENT_AUTH in uses or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in uses


def is_strong(certificate: x509.Certificate) -> bool:
    """Tell whether key and signature are as strong as OCPP demands (A00.FR.502-504)."""
    signed_with = certificate.signature_hash_algorithm
    hashed = signed_with is None or signed_with.digest_size >= hashes.SHA224.digest_size
    return hashed and has_long_key(certificate.public_key())


def has_long_key(key: object) -> bool:
    """Tell whether a public key is of a kind that OCPP knows, and long enough (A00.FR.502/503)."""
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= SMALLEST_RSA
    return isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= SMALLEST_EC


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Tell whether one certificate was signed by another."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def leads_to(chain: list[x509.Certificate], roots: Iterable[x509.Certificate], now: datetime) -> bool:
    """Tell whether a chain, the leaf first, is a path of good certificates to one of the roots (RFC 5280, 6)."""
    roots = list(roots)
    certificate, others = chain[0], chain[1:]
    while is_current(certificate, now) and is_strong(certificate):
        if any(is_issued_by(certificate, root) and is_current(root, now) for root in roots):
            return True
        issuer = next((each for each in others if is_authority(each) and is_issued_by(certificate, each)), None)
        if issuer is None:
            return False
        others.remove(issuer)
        certificate = issuer
    return False


def hash_data(certificate: x509.Certificate, issuer: x509.Certificate, algorithm: str = "SHA256") -> Payload:
    """Return the CertificateHashDataType of a certificate: two hashes of its issuer, and its serial number."""
    key = issuer.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        bits = key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    else:
        bits = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return {
        "hashAlgorithm": algorithm,
        "issuerNameHash": digest(certificate.issuer.public_bytes(), algorithm),
        "issuerKeyHash": digest(bits, algorithm),
        "serialNumber": f"{certificate.serial_number:x}",
    }


def digest(data: bytes, algorithm: str) -> str:
    """Return a hash in hexadecimal digits."""
    machine = hashes.Hash(_ALGORITHMS[algorithm]())
    machine.update(data)
    return machine.finalize().hex()
