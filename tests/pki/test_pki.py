"""The PKI as a whole: roots, renewal, keeping, what it costs."""

import itertools
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

from conformance.pki import Pki, PkiError, recipe


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki.new()


def certificates(pem: str) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(pem.encode())


def leads_to(pem: str, root: str) -> None:
    """Raise where it does not lead there."""
    shown = [*certificates(pem), *certificates(root)]
    for certificate, issuer in itertools.pairwise(shown):
        certificate.verify_directly_issued_by(issuer)


def test_it_costs_next_to_nothing_to_begin() -> None:
    code = """
import time
from conformance.pki import Pki
began = time.process_time()
pki = Pki.new()
pki.root
print(time.process_time() - began)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert float(done.stdout) < 0.5  # of the processor, with one RSA key that may take a few tries


def test_the_names_are_in_it() -> None:
    pki = Pki.new(hosts=("csms.example.com", "192.0.2.7"), serial="S1", operator="Somebody")
    [leaf, issuer] = certificates(pki.server()[0].certificates)
    assert leaf.subject.rfc4514_string() == "CN=csms.example.com,O=Somebody"
    san = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert san.get_values_for_type(x509.DNSName) == ["csms.example.com"]
    assert [str(each) for each in san.get_values_for_type(x509.IPAddress)] == ["192.0.2.7"]
    assert certificates(pki.station().certificates)[0].subject.rfc4514_string() == "CN=S1,O=Somebody"
    assert certificates(pki.station("S2", "Other").certificates)[0].subject.rfc4514_string() == "CN=S2,O=Other"
    assert "O=Somebody" in issuer.subject.rfc4514_string()
    assert not any(isinstance(each.value, x509.ExtendedKeyUsage) for each in leaf.extensions)


def test_good_chains_are_the_same_each_time(pki: Pki) -> None:
    assert pki.server() == pki.server()
    assert pki.station() == pki.station()
    assert pki.server_zoo["expired"] is pki.server_zoo["expired"]
    assert pki.next_root == pki.next_root


def test_two_of_them_know_nothing_of_each_other(pki: Pki) -> None:
    with pytest.raises(ValueError, match="does not match"):
        leads_to(Pki.new().station().certificates, pki.root)


@pytest.mark.parametrize("kind", ["RSA", "ECDSA"])
def test_the_kind_of_the_root(kind: str) -> None:
    key = certificates(Pki.new(root_key=kind).root)[0].public_key()
    assert isinstance(key, rsa.RSAPublicKey) == (kind == "RSA")


# -- roots ------------------------------------------------------------------------------------------------------------


def test_roots(pki: Pki) -> None:
    assert pki.client_root == pki.root
    for pem in (pki.root, pki.other_root, pki.bare_root, pki.manufacturer_root):
        leads_to(pem, pem)
    assert len({pki.root, pki.other_root, pki.bare_root, pki.manufacturer_root, pki.next_root}) == 5


def test_the_next_root_is_signed_by_this_one(pki: Pki) -> None:
    leads_to(pki.next_root, pki.root)
    for chain in pki.server("next"):
        leads_to(chain.certificates, pki.next_root)
    with pytest.raises(ValueError, match="does not match"):
        leads_to(pki.server("next")[0].certificates, pki.root)
    basic = certificates(pki.next_root)[0].extensions.get_extension_for_class(x509.BasicConstraints)
    assert basic.value.ca


def test_firmware(pki: Pki) -> None:
    signer = pki.firmware_signer
    leads_to(signer.certificates, pki.manufacturer_root)
    import base64

    key = certificates(signer.certificates)[0].public_key()
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    key.verify(base64.b64decode(pki.sign_firmware(b"image")), b"image", pss, hashes.SHA256())


def test_roots_for_a_store(pki: Pki) -> None:
    assert len({pki.root, pki.expired_root, *pki.spare_roots(3)}) == 5
    (expired,) = certificates(pki.expired_root)
    assert expired.not_valid_after_utc < datetime.now(UTC)
    expired.verify_directly_issued_by(expired)


# -- renewal ----------------------------------------------------------------------------------------------------------


def request(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, cn: str = "S1", o: str = "Somebody") -> str:
    given = [(NameOID.ORGANIZATION_NAME, o), (NameOID.COMMON_NAME, cn)]
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in given if value])
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return made.public_bytes(Encoding.PEM).decode()


KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize("key", [KEY, rsa.generate_private_key(65537, 2048)])
def test_a_request_is_signed(pki: Pki, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    chain = pki.sign(request(key))
    leads_to(chain, pki.root)
    leaf = certificates(chain)[0]
    assert leaf.public_key() == key.public_key()
    assert leaf.subject.rfc4514_string() == "CN=S1,O=Somebody"
    installed = certificates(pki.station().certificates)[0]
    assert leaf.not_valid_before_utc > installed.not_valid_before_utc


def test_a_request_is_signed_wrongly(pki: Pki) -> None:
    csr = request(KEY)
    assert certificates(pki.sign(csr, key="other"))[0].public_key() != KEY.public_key()
    assert certificates(pki.sign(csr, cn="S2", o="Other"))[0].subject.rfc4514_string() == "CN=S2,O=Other"
    for name in recipe("station"):
        assert certificates(pki.sign(csr, defect=name))
    assert certificates(pki.sign(request(KEY, o="")))[0].subject.rfc4514_string() == "CN=S1"


def test_a_request_that_is_none(pki: Pki) -> None:
    with pytest.raises(ValueError, match="PEM"):
        pki.sign("no request")
    der = bytearray(x509.load_pem_x509_csr(request(KEY).encode()).public_bytes(Encoding.DER))
    der[-1] ^= 1
    forged = x509.load_der_x509_csr(bytes(der)).public_bytes(Encoding.PEM).decode()
    with pytest.raises(ValueError, match="not signed by its own key"):
        pki.sign(forged)


# -- keeping ----------------------------------------------------------------------------------------------------------


def test_it_is_the_same_after_a_while(pki: Pki, tmp_path: Path) -> None:
    pki.save(tmp_path / "kept")
    again = Pki.load(tmp_path / "kept")
    for name in ("hosts", "identity", "serial", "operator", "root", "other_root", "bare_root", "manufacturer_root"):
        assert getattr(again, name) == getattr(pki, name)
    assert again.server() == pki.server()
    assert again.station() == pki.station()
    leads_to(again.next_root, pki.root)
    for chain in [*again.server_zoo["expired"], again.station_zoo["wrong-cn"]]:
        leads_to(chain.certificates, pki.root)
    [revoked] = certificates(again.station_zoo["revoked"].certificates)[:1]
    assert revoked.serial_number == certificates(pki.station_zoo["revoked"].certificates)[0].serial_number


def test_keys_are_for_their_owner_alone(pki: Pki, tmp_path: Path) -> None:
    pki.save(tmp_path)
    for file in tmp_path.rglob("*"):
        if file.is_file():
            private = "PRIVATE KEY" in file.read_text(encoding="ascii")
            assert private == (file.suffix == ".key")
            assert stat.S_IMODE(file.stat().st_mode) == (0o600 if private else 0o644)
    assert load_pem_private_key((tmp_path / "station.key").read_bytes(), None)


def test_keys_are_never_overwritten(pki: Pki, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    with pytest.raises(PkiError, match="expected a new or empty folder"):
        pki.save(tmp_path)
    with pytest.raises(PkiError, match="expected a new or empty folder"):
        pki.save(tmp_path / "mine")


def test_a_folder_that_holds_none(pki: Pki, tmp_path: Path) -> None:
    with pytest.raises(PkiError, match=r"make one with: ocpp-conformance pki"):
        Pki.load(tmp_path / "nowhere")
    pki.save(tmp_path / "kept")
    (tmp_path / "kept" / "station.key").unlink()
    with pytest.raises(PkiError, match=r"station\.key"):
        Pki.load(tmp_path / "kept")
    (tmp_path / "kept" / "pki.json").write_text("{}")
    with pytest.raises(PkiError, match="expected a folder of test certificates"):
        Pki.load(tmp_path / "kept")


def test_a_folder_whose_time_is_over(pki: Pki, tmp_path: Path) -> None:
    pki.save(tmp_path / "kept")
    old = pki.station_zoo["expired"]
    (tmp_path / "kept" / "station.pem").write_text(old.certificates)
    with pytest.raises(PkiError, match=r"were good until \d{4}-"):
        Pki.load(tmp_path / "kept")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"hosts": ()}, "host: expected"),
        ({"hosts": ("wss://csms.example.com",)}, "without scheme, port or path"),
        ({"hosts": ("csms.example.com:443",)}, "without scheme, port or path"),
        ({"hosts": ("a" * 65,)}, "of 64 characters at most"),
        ({"hosts": ("two words",)}, "host: expected"),
        ({"identity": "with space"}, "identity: expected"),
        ({"identity": ""}, "identity: expected"),
        ({"serial": "192.0.2.7"}, "no URL and no address"),
        ({"serial": "https://x"}, "no URL and no address"),
        ({"serial": "S" * 26}, "1 to 25 characters"),
        ({"operator": " "}, "operator: expected"),
    ],
)
def test_names_that_can_not_be(wrong: dict, message: str) -> None:
    with pytest.raises(PkiError, match=message):
        Pki.new(**wrong)


@pytest.mark.parametrize("host", ["localhost", "csms.example.com", "192.0.2.7", "2001:db8::7"])
def test_hosts_that_can_be(host: str) -> None:
    pki = Pki.new(hosts=(host,), root_key="ECDSA")
    assert certificates(pki.server()[1].certificates)[0].subject.rfc4514_string().startswith(f"CN={host},")
    expected = "*.example.com" if host == "csms.example.com" else "*"
    wildcard = certificates(pki.server_zoo["wildcard"][1].certificates)[0]
    assert wildcard.subject.rfc4514_string().startswith(f"CN={expected},")
