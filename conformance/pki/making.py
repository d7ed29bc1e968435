"""Authorities and the certificates that they give out: trustme's where it can, else cryptography's own."""

import datetime as dt
import functools
import ipaddress
from dataclasses import dataclass, replace

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from conformance.pki.recipe import KeyKind, Leaf
from conformance.wire.certificates import Chain

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

_TRUSTME = {"RSA": trustme.KeyType.RSA, "ECDSA": trustme.KeyType.ECDSA}
_USAGES = {"server": ExtendedKeyUsageOID.SERVER_AUTH, "client": ExtendedKeyUsageOID.CLIENT_AUTH}


@dataclass(frozen=True, slots=True)
class Authority:
    """Who signs: its certificate, its key, and the certificates between it and its root, itself included."""

    certificate: x509.Certificate
    key: Key
    path: tuple[x509.Certificate, ...] = ()

    @property
    def pem(self) -> str:
        """Its certificate."""
        return as_pem(self.certificate)


def root(operator: str, name: str, kind: KeyKind) -> Authority:
    """A root, signed by itself."""
    return _authority(trustme.CA(organization_name=operator, organization_unit_name=name, key_type=_TRUSTME[kind]))


def issuing(above: Authority, operator: str, name: str, kind: KeyKind) -> Authority:
    """An authority below a root, which signs the certificates of the ends."""
    ca = trustme.CA(
        trustme.CA.from_pem(above.pem.encode(), key_pem(above.key).encode()),
        organization_name=operator,
        organization_unit_name=name,
        key_type=_TRUSTME[kind],
    )
    made = _authority(ca)
    return replace(made, path=(made.certificate,))


def _authority(ca: trustme.CA) -> Authority:
    return Authority(x509.load_pem_x509_certificate(ca.cert_pem.bytes()), read_key(ca.private_key_pem.bytes().decode()))


def again(authority: Authority, above: Authority, days: tuple[float, float] | None = None) -> Authority:
    """The same authority with a certificate that `above` signed, valid for other days where they are given."""
    old = authority.certificate
    begins, ends = _period(days) if days else (old.not_valid_before_utc, old.not_valid_after_utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(above.certificate.subject)
        .public_key(authority.key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(_issuer_key(above.certificate), critical=False)
    )
    for extension in old.extensions:
        if not isinstance(extension.value, x509.AuthorityKeyIdentifier):
            builder = builder.add_extension(extension.value, critical=extension.critical)
    made = builder.sign(above.key, hashes.SHA256())
    return replace(authority, certificate=made, path=(made,))


def leaf(wanted: Leaf, key: PublicKey, by: Authority | None, own: Key | None = None) -> tuple[x509.Certificate, ...]:
    """The certificate of an end with those between it and the root; signed with its `own` key where `by` is None."""
    signer = by.key if by else own
    if signer is None:
        raise ValueError("who signs it?")
    subject = _name(wanted)
    begins, ends = _period(wanted.days)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key)
        .serial_number(wanted.number or x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(key), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
    if by:
        builder = builder.add_extension(_issuer_key(by.certificate), critical=False)
    if wanted.names:
        names = [_alternative(name) for name in wanted.names]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if wanted.usage != "any":
        builder = builder.add_extension(x509.ExtendedKeyUsage([_USAGES[wanted.usage]]), critical=False)
    made = builder.sign(signer, hashes.SHA256())
    if wanted.digest == "SHA1":
        made = _with_sha1(made, signer)
    return (made, *(by.path if by and wanted.shows == "whole" else ()))


def _name(wanted: Leaf) -> x509.Name:
    given = ((NameOID.ORGANIZATION_NAME, wanted.o), (NameOID.COMMON_NAME, wanted.cn))
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in given if value])


def _key_usage(key: PublicKey) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=isinstance(key, rsa.RSAPublicKey),  # TLS_RSA suites use it
        data_encipherment=False,
        key_agreement=isinstance(key, ec.EllipticCurvePublicKey),
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _issuer_key(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _period(days: tuple[float, float]) -> tuple[dt.datetime, dt.datetime]:
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    begins, ends = (now + dt.timedelta(days=each) for each in days)
    return begins, ends


_SHA256_WITH_RSA = bytes.fromhex("06092a864886f70d01010b")
_SHA1_WITH_RSA = bytes.fromhex("06092a864886f70d010105")


def _with_sha1(made: x509.Certificate, signer: Key) -> x509.Certificate:
    """The same certificate signed over SHA-1, which cryptography refuses to make."""
    if not isinstance(signer, rsa.RSAPrivateKey):
        raise TypeError("only an RSA signature keeps its length, whatever its digest")
    signed = made.tbs_certificate_bytes
    weak = signed.replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA, 1)
    digest = hashes.Hash(hashes.SHA1())  # noqa: S303  # the weakness is the point
    digest.update(weak)
    signature = signer.sign(digest.finalize(), padding.PKCS1v15(), Prehashed(hashes.SHA1()))  # noqa: S303
    whole = made.public_bytes(serialization.Encoding.DER).replace(signed, weak).replace(made.signature, signature)
    return x509.load_der_x509_certificate(whole.replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA))


def revoked(by: Authority, numbers: tuple[int, ...]) -> str:
    """The list of what an authority has revoked, in PEM."""
    begins, ends = _period((-30, 365))
    builder = x509.CertificateRevocationListBuilder().issuer_name(by.certificate.subject)
    builder = builder.last_update(begins).next_update(ends).add_extension(_issuer_key(by.certificate), critical=False)
    builder = builder.add_extension(x509.CRLNumber(1), critical=False)
    for number in numbers:
        entry = x509.RevokedCertificateBuilder().serial_number(number).revocation_date(begins)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(by.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@functools.cache
def shared_rsa_key(bits: int) -> rsa.RSAPrivateKey:
    """The one RSA key of all ends: making one takes longer than a handshake."""
    return rsa.generate_private_key(65537, bits)  # 1024 bits where the weakness is the point


def new_key(kind: KeyKind, bits: int = 2048) -> Key:
    """A key for an end: an own one on the curve P-256, or the shared RSA key."""
    return shared_rsa_key(bits) if kind == "RSA" else ec.generate_private_key(ec.SECP256R1())


def as_pem(*certificates: x509.Certificate) -> str:
    """Certificates in PEM, one after the other."""
    return "".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in certificates)


def key_pem(key: Key) -> str:
    """A private key in PEM, as PKCS #8."""
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def read_key(pem: str) -> Key:
    """A private key from its PEM; raises ValueError where it is none of a kind that is used here."""
    key = serialization.load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ValueError("the key is neither RSA nor of an elliptic curve")  # noqa: TRY004
    return key


def chain(certificates: tuple[x509.Certificate, ...], key: Key) -> Chain:
    """What an end shows of itself."""
    return Chain(as_pem(*certificates), key_pem(key))
