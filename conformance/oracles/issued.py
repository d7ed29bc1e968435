"""Whether what a CSMS sends a station as its new certificate is one for the request (Part 2 A02, A03; RFC 5280)."""

from datetime import datetime, timedelta
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

_NAMES = {"commonName": NameOID.COMMON_NAME, "organizationName": NameOID.ORGANIZATION_NAME}


def faults_of_issued(chain: str, csr: str, now: datetime, *, skew: timedelta = timedelta()) -> list[str]:
    """What is wrong with a chain of certificates (PEM) as the answer to a certificate signing request (PEM), in words.

    The leaf comes first, is for the key and the names of the request, and is valid; each further one has signed the one
    before it. The clock of who has signed it may be ahead of `now` by `skew`. To which root they lead is not judged:
    that is the affair of the operator.
    """
    asked = x509.load_pem_x509_csr(csr.encode())
    try:
        certificates = x509.load_pem_x509_certificates(chain.encode())
    except ValueError as error:
        return [f"certificateChain is no PEM of certificates: {error}"]
    leaf = certificates[0]
    return [*_of_another(leaf, asked), *_out_of_date(leaf, now, skew), *_broken(certificates)]


def _of_another(leaf: x509.Certificate, asked: x509.CertificateSigningRequest) -> list[str]:
    faults = []
    if _key(leaf) != _key(asked):
        faults.append("the first certificate is not for the key of the request")
    for name, oid in _NAMES.items():
        wanted, given = _named(asked, oid), _named(leaf, oid)
        if wanted and wanted != given:
            faults.append(f"{name} is {', '.join(given) or 'missing'} in the certificate, not {', '.join(wanted)}")
    return faults


def _named(one: x509.Certificate | x509.CertificateSigningRequest, oid: x509.ObjectIdentifier) -> list[str]:
    return sorted(str(each.value) for each in one.subject.get_attributes_for_oid(oid))


def _key(one: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    return one.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _out_of_date(leaf: x509.Certificate, now: datetime, skew: timedelta) -> list[str]:
    if leaf.not_valid_before_utc - skew <= now <= leaf.not_valid_after_utc:
        return []
    return [f"the certificate is valid from {leaf.not_valid_before_utc} to {leaf.not_valid_after_utc}, and it is {now}"]


def _broken(certificates: list[x509.Certificate]) -> list[str]:
    faults = []
    for number, (one, above) in enumerate(pairwise(certificates), start=1):
        try:
            one.verify_directly_issued_by(above)
        except (ValueError, TypeError, InvalidSignature):
            faults.append(f"certificate {number} of the chain was not signed by the next one")
    return faults
