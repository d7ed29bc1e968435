"""What is read of certificates and requests, against cryptography's own and OpenSSL's view."""

import hashlib
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from tls_support import authority

from conformance.wire.certificates import Chain, Key, hash_data, key_of, pem_of, read, read_csr, read_der

KEY = ec.generate_private_key(ec.SECP256R1())


def name(cn: str, o: str = "") -> x509.Name:
    given = [(NameOID.ORGANIZATION_NAME, o)] if o else []
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in [*given, (NameOID.COMMON_NAME, cn)]])


def made(*extensions: x509.ExtensionType) -> x509.Certificate:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name("root", "o"), name("leaf", "owner"), KEY.public_key(), 0xABC)
    builder = builder.not_valid_before(begin).not_valid_after(begin + timedelta(days=1))
    for each in extensions:
        builder = builder.add_extension(each, critical=False)
    return builder.sign(KEY, hashes.SHA384())


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def test_what_is_in_a_certificate() -> None:
    usage = x509.KeyUsage(True, False, True, False, False, False, False, False, False)  # noqa: FBT003
    given = made(
        x509.SubjectAlternativeName([x509.DNSName("csms.example")]),
        usage,
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
        x509.BasicConstraints(ca=True, path_length=None),
    )
    (facts,) = read(pem(given))
    assert (facts.common_names, facts.organizations, facts.names) == (("leaf",), ("owner",), ("csms.example",))
    assert (facts.serial, str(facts.key), facts.version, facts.is_ca) == ("abc", "EC 256", 3, True)
    assert (facts.key_usage, facts.extended_key_usage) == (("digital_signature", "key_encipherment"), ("serverAuth",))
    assert facts.signature == "ecdsa-with-SHA384"
    shown = facts.to_json()
    assert (shown["not_before"], shown["not_after"]) == ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
    assert shown["sha256"] == hashlib.sha256(given.public_bytes(Encoding.DER)).hexdigest()
    assert read_der(given.public_bytes(Encoding.DER)) == shown
    assert pem_of(given.public_bytes(Encoding.DER)) == pem(given)
    assert read(pem(made()))[0].key_usage is None


@pytest.mark.parametrize("text", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(text)
    with pytest.raises(ValueError, match=r"."):
        hash_data(text)
    with pytest.raises(ValueError, match=r"."):
        read_csr(text)


def test_a_certificate_that_cant_be_read_is_named_by_its_digest() -> None:
    shown = read_der(b"nonsense")
    assert shown["sha256"] == hashlib.sha256(b"nonsense").hexdigest()
    assert shown["problem"]


def test_hashes_of_a_root_and_of_what_it_issued() -> None:
    root = x509.load_pem_x509_certificate(authority().root.encode())
    own = hash_data(authority().root)
    assert own["issuerNameHash"] == hashlib.sha256(root.issuer.public_bytes()).hexdigest()
    key = root.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert own["issuerKeyHash"] == hashlib.sha256(key).hexdigest()
    assert own["serialNumber"] == f"{root.serial_number:x}"
    leaf = authority().chain("x").certificates
    other = hash_data(leaf, authority().root, "SHA512")
    assert (other["hashAlgorithm"], len(other["issuerNameHash"])) == ("SHA512", 128)
    assert hash_data(leaf, authority().root)["issuerKeyHash"] == own["issuerKeyHash"]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")
def test_openssl_hashes_alike(tmp_path: object) -> None:
    file = f"{tmp_path}/root.pem"
    with open(file, "w") as handle:  # noqa: PTH123
        handle.write(authority().root)
    asked = ["openssl", "ocsp", "-sha256", "-issuer", file, "-cert", file, "-req_text", "-no_nonce"]
    said = subprocess.run(asked, check=False, capture_output=True, text=True).stdout.casefold()
    ours = hash_data(authority().root)
    assert ours["issuerNameHash"] in said
    assert ours["issuerKeyHash"] in said
    assert ours["serialNumber"] in said


def test_a_request() -> None:
    csr = x509.CertificateSigningRequestBuilder().subject_name(name("HM-1", "owner")).sign(KEY, hashes.SHA256())
    facts = read_csr(csr.public_bytes(Encoding.PEM).decode())
    assert (facts.common_names, facts.organizations, facts.signed) == (("HM-1",), ("owner",), True)
    assert (facts.key, facts.signature) == (Key("EC", 256), "ecdsa-with-SHA256")


def test_a_request_whose_signature_is_wrong() -> None:
    csr = x509.CertificateSigningRequestBuilder().subject_name(name("HM-1")).sign(KEY, hashes.SHA256())
    der = bytearray(csr.public_bytes(Encoding.DER))
    der[der.index(b"HM-1") + 3] = ord("2")
    text = pem_of(bytes(der)).replace("CERTIFICATE", "CERTIFICATE REQUEST")
    assert (read_csr(text).common_names, read_csr(text).signed) == (("HM-2",), False)


def test_kinds_of_keys() -> None:
    keys = [
        (rsa.generate_private_key(65537, 1024), "RSA 1024"),
        (ec.generate_private_key(ec.SECP384R1()), "EC 384"),
        (dsa.generate_private_key(1024), "DSA 1024"),
        (ed25519.Ed25519PrivateKey.generate(), "Ed25519 256"),
        (ed448.Ed448PrivateKey.generate(), "Ed448 448"),
    ]
    for key, kind in keys:
        assert str(key_of(key.public_key())) == kind
    assert str(key_of(None)) == "unknown"


def test_a_key_is_in_no_repr() -> None:
    assert "secret" not in repr(Chain("certificates", "secret"))
