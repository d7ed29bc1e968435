"""Certificates of stations: how they get new ones, and what follows from a higher security profile (A02, A05)."""

from __future__ import annotations

from datetime import timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from conformance.reference.csms.base import Link
from conformance.reference.csms.commands import Commands
from conformance.reference.csms.credentials import names_in
from conformance.reference.csms.records import StationRecord
from conformance.reference.csms.rpc import Payload

SMALLEST_RSA, SMALLEST_EC = 2048, 224
"""In bits (A00.FR.502, A00.FR.503)."""
BEFORE = timedelta(hours=1)
"""How long before its making a certificate is valid: the clock of a station may be late."""
LIFE = timedelta(days=365)

StationKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


class Certificates(Commands):
    """Signs certificates for stations, renews expired ones, and keeps the security profiles they were brought to."""

    # -- requests to sign

    def on_sign_certificate(self, station: StationRecord, request: Payload) -> Payload:
        """Have a certificate signed if that can be done, and send it after the answer (A02.FR.11, A02.FR.12)."""
        self.take_note(station, "signCertificate", request)
        certificates = self.signed(station, request)
        if certificates is None:
            return {"status": "Rejected"}
        self.command(station.identity, "CertificateSigned", self.certificate_signed(request, certificates))
        return {"status": "Accepted"}

    def certificate_signed(self, request: Payload, certificates: str) -> Payload:
        """Return the request that brings a certificate, of the type that was asked for (A02.FR.14)."""
        kind = {"certificateType": request["certificateType"]} if "certificateType" in request else {}
        return {"certificateChain": certificates} | kind

    def signed(self, station: StationRecord, request: Payload) -> str | None:
        """Return what to send for a request, in PEM; None if nobody here would sign that."""
        if self.config.security is None or self.config.security.signing is None:
            return None
        asked = read_csr(request["csr"])
        if asked is None or self.fault_of_csr(station, asked):
            return None
        return self.sign(asked, *self.config.security.signing)

    def fault_of_csr(self, station: StationRecord, asked: x509.CertificateSigningRequest) -> str:
        """Return why a request is not fit to be signed, "" when it is."""
        key = asked.public_key()
        if not isinstance(key, StationKey) or key.key_size < smallest(key):
            return "the key is too short"
        if names_in(asked.subject, NameOID.COMMON_NAME) != [self.serial_of(station)]:
            return "the commonName is not the serial number of the station"
        operator = self.config.security.operator if self.config.security is not None else ""
        if operator and names_in(asked.subject, NameOID.ORGANIZATION_NAME) != [operator]:
            return "the organizationName is not the operator"
        return ""

    def sign(self, asked: x509.CertificateSigningRequest, chain: str, key: str) -> str:
        """Return a certificate for a request, and what is between it and the root."""
        above = x509.load_pem_x509_certificates(chain.encode())
        signer = serialization.load_pem_private_key(key.encode(), None)
        assert isinstance(signer, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
        own = self.certificate_for(asked, above[0]).sign(signer, hashes.SHA256())
        shown = [own, *(each for each in above if each.subject != each.issuer)]
        return "".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in shown)

    def certificate_for(
        self, asked: x509.CertificateSigningRequest, issuer: x509.Certificate
    ) -> x509.CertificateBuilder:
        """Return what is to be signed."""
        key = asked.public_key()
        assert isinstance(key, StationKey)
        issuer_key = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        return (
            x509.CertificateBuilder()
            .subject_name(asked.subject)
            .issuer_name(issuer.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now() - BEFORE)
            .not_valid_after(self.now() + LIFE)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage_of(key), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key), critical=False)
        )

    def learn_certificate_signed(self, station: StationRecord, _payload: Payload, answer: Payload) -> None:
        """Keep whether a station took its certificate; one that did not asks again when it is told to (A02.FR.20)."""
        self.take_note(station, "certificateSigned", answer)

    # -- certificates that have expired

    def registration_for(self, station: StationRecord) -> str:
        """Keep a station waiting whose certificate has to be renewed (A00.FR.429)."""
        return "Pending" if station.must_renew else super().registration_for(station)

    def on_boot_notification(self, station: StationRecord, request: Payload) -> Payload:
        """Have an expired certificate renewed at once (A00.FR.429)."""
        answer = super().on_boot_notification(station, request)
        if station.must_renew and station.registration == "Pending":
            self.renew(station)
        return answer

    def renew(self, station: StationRecord) -> None:
        """Have a station ask for a new certificate."""
        if station.version == "1.6":
            wanted = {"requestedMessage": "SignChargePointCertificate"}
            self.command(station.identity, "ExtendedTriggerMessage", wanted)
        else:
            self.command(station.identity, "TriggerMessage", {"requestedMessage": "SignChargingStationCertificate"})

    # -- installed certificates

    def learn_get_installed_certificate_ids(self, station: StationRecord, _payload: Payload, answer: Payload) -> None:
        """Keep which certificates a station has."""
        self.take_note(station, "installedCertificateIds", answer)

    # -- higher security profiles

    def learn_set_network_profile(self, station: StationRecord, payload: Payload, answer: Payload) -> None:
        """Keep which security profile a slot has."""
        if answer["status"] == "Accepted":
            station.slots[str(payload["configurationSlot"])] = payload["connectionData"]["securityProfile"]

    def learn_set_variables(self, station: StationRecord, payload: Payload, answer: Payload) -> None:
        """Note that a station was told to use other slots."""
        super().learn_set_variables(station, payload, answer)
        asked = {
            str(item["variable"]["name"]).casefold(): item["attributeValue"] for item in payload["setVariableData"]
        }
        for result in answer["setVariableResult"]:
            name = str(result["variable"]["name"]).casefold()
            if name == "networkconfigurationpriority" and result["attributeStatus"] in ("Accepted", "RebootRequired"):
                slots = [slot.strip() for slot in asked[name].split(",")]
                self.order_profile(station, [station.slots[slot] for slot in slots if slot in station.slots])

    def learn_change_configuration(self, station: StationRecord, payload: Payload, answer: Payload) -> None:
        """Note that a station was told to use another security profile (1.6)."""
        super().learn_change_configuration(station, payload, answer)
        if payload["key"].casefold() == "securityprofile" and answer["status"] in ("Accepted", "RebootRequired"):
            self.order_profile(station, [int(payload["value"])])

    def order_profile(self, station: StationRecord, profiles: list[int]) -> None:
        """Await a station in the highest of these security profiles; a lower one than before may be used at once."""
        station.ordered_profile = max(profiles, default=None)
        if station.ordered_profile is not None:
            station.security_profile = min(station.security_profile, station.ordered_profile)

    def replace_link(self, link: Link) -> None:
        """Let a station that came in the security profile ordered come in no lower one again (A05.FR.07)."""
        super().replace_link(link)
        self.note_profile(link.station, link.profile)

    def note_profile(self, station: StationRecord, profile: int) -> None:
        """Take note of the security profile that a station has come in."""
        if station.ordered_profile is not None and profile >= station.ordered_profile:
            station.security_profile = max(station.security_profile, station.ordered_profile)
            station.ordered_profile = None


def read_csr(text: str) -> x509.CertificateSigningRequest | None:
    """Read a request in PEM; None if that can't be read, or was not signed with the key in it."""
    try:
        asked = x509.load_pem_x509_csr(text.encode())
        valid = asked.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature):
        return None
    return asked if valid else None


def smallest(key: StationKey) -> int:
    """Return how many bits a key of its kind has to have."""
    return SMALLEST_RSA if isinstance(key, rsa.RSAPublicKey) else SMALLEST_EC


def usage_of(key: StationKey) -> x509.KeyUsage:
    """Return what a station may use its key for."""
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=isinstance(key, rsa.RSAPublicKey),
        data_encipherment=False,
        key_agreement=isinstance(key, ec.EllipticCurvePublicKey),
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
