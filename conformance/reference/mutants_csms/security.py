"""Mutants that are wrong about who a station is: passwords, and certificates that they give out."""

from __future__ import annotations

from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from websockets.http11 import Request

from conformance.reference.csms import ReferenceCsms
from conformance.reference.csms.config import CsmsConfig
from conformance.reference.csms.records import StationRecord
from conformance.reference.csms.rpc import Payload

Shown = tuple[bytes, bytes] | None

# -- who gets in


class SplitsAtTheLastColon(ReferenceCsms):
    """Takes what stands after the last colon for the password."""

    breaks = "A00.FR.207"
    also = ("16S.AUTH.02",)

    def credentials_in(self, request: Request) -> Shown:
        """Read it from the end."""
        shown = super().credentials_in(request)
        if shown is None:
            return None
        user, _, password = b":".join(shown).rpartition(b":")
        return user, password


class LooksAtNoUserName(ReferenceCsms):
    """Lets in whoever has the password."""

    breaks = "A00.FR.207"

    def credentials_match(self, record: StationRecord, credentials: Shown) -> bool:
        """Believe the user name."""
        return super().credentials_match(record, credentials and (record.identity.encode(), credentials[1]))


class LooksAtNoPassword(ReferenceCsms):
    """Lets in whoever has the user name."""

    breaks = "A00.FR.207"
    also = ("A01.FR.03", "A01.FR.04")

    def credentials_match(self, record: StationRecord, credentials: Shown) -> bool:
        """Believe the password."""
        return super().credentials_match(record, credentials and (credentials[0], record.password or b""))


class WantsNoCredentials(ReferenceCsms):
    """Lets in whoever shows no credentials at all."""

    breaks = "A00.FR.207"

    def credentials_match(self, record: StationRecord, credentials: Shown) -> bool:
        """Trust the silent."""
        return credentials is None or super().credentials_match(record, credentials)


class LooksAtTheBeginning(ReferenceCsms):
    """Compares no more of the password than it was shown."""

    breaks = "A00.FR.207"

    def credentials_match(self, record: StationRecord, credentials: Shown) -> bool:
        """Cut the other one, too."""
        if credentials is None or record.password is None:
            return super().credentials_match(record, credentials)
        return credentials[0] == record.identity.encode() and record.password.startswith(credentials[1])


class KeepsTwentyFour(ReferenceCsms):
    """Looks at 24 characters of a password."""

    breaks = "A00.FR.207"

    def credentials_in(self, request: Request) -> Shown:
        """Have no room for more."""
        shown = super().credentials_in(request)
        return shown and (shown[0], shown[1][:24])


class CaresForNoCaseOfPasswords(ReferenceCsms):
    """Takes a password in any case."""

    breaks = "A00.FR.207"

    def credentials_match(self, record: StationRecord, credentials: Shown) -> bool:
        """Fold them."""
        if credentials is None or record.password is None:
            return super().credentials_match(record, credentials)
        return (credentials[0], credentials[1].lower()) == (record.identity.encode(), record.password.lower())


class TakesAnyPasswordItKnows(ReferenceCsms):
    """Lets a station in with the password of another."""

    breaks = "A00.FR.207"

    def credentials_match(self, record: StationRecord, credentials: Shown) -> bool:
        """Look through all of them."""
        known = {each.password for each in self.stations.values()}
        if credentials is not None and credentials[0] == record.identity.encode() and credentials[1] in known:
            return True
        return super().credentials_match(record, credentials)


# -- new passwords


class OldPasswordStillDoes(ReferenceCsms):
    """Goes on taking a password that was changed."""

    breaks = "A01.FR.03"

    def __init__(self, config: CsmsConfig | None = None) -> None:
        """Remember them all."""
        super().__init__(config)
        self.once: dict[str, list[bytes | None]] = {}

    def password_changed(self, station: StationRecord, password: bytes) -> None:
        """Keep the old one."""
        self.once.setdefault(station.identity, []).append(station.password)
        super().password_changed(station, password)

    def credentials_match(self, record: StationRecord, credentials: Shown) -> bool:
        """Try those, too."""
        right = credentials is not None and credentials[0] == record.identity.encode()
        if credentials is not None and right and credentials[1] in self.once.get(record.identity, []):
            return True
        return super().credentials_match(record, credentials)


class ForgetsNewPasswords(ReferenceCsms):
    """Tells a station its new password, and goes by the old one."""

    breaks = "A01.FR.03"
    also = ("16S.AUTH.02",)

    def password_changed(self, station: StationRecord, password: bytes) -> None:
        """Have more important things to do."""


class TakesRefusedPasswords(ReferenceCsms):
    """Goes by a new password, whatever the station answered."""

    breaks = "A01.FR.04"

    def learn_set_variables(self, station: StationRecord, payload: Payload, answer: Payload) -> None:
        """Not read the answer."""
        told = [each | {"attributeStatus": "Accepted"} for each in answer["setVariableResult"]]
        super().learn_set_variables(station, payload, answer | {"setVariableResult": told})

    def learn_change_configuration(self, station: StationRecord, payload: Payload, answer: Payload) -> None:
        """Not read that one either."""
        super().learn_change_configuration(station, payload, answer | {"status": "Accepted"})


class TakesNotSupportedForDone(ReferenceCsms):
    """Thinks that a station has a new key although it knows no such key."""

    breaks = "16S.A01.FR.04"
    versions = ("1.6",)

    def learn_change_configuration(self, station: StationRecord, payload: Payload, answer: Payload) -> None:
        """Know one kind of refusal."""
        status = "Accepted" if answer["status"] == "NotSupported" else answer["status"]
        super().learn_change_configuration(station, payload, answer | {"status": status})


class KnowsABetterPassword(ReferenceCsms):
    """Sends a station another password than it was told to."""

    breaks = "A01.FR.02"

    def prepare_set_variables(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Choose one."""
        items = [
            each | ({"attributeValue": "correct horse battery"} if "Password" in each["variable"]["name"] else {})
            for each in payload["setVariableData"]
        ]
        return super().prepare_set_variables(station, payload | {"setVariableData": items})

    def prepare_change_configuration(self, _station: StationRecord, payload: Payload) -> list[Payload]:
        """Choose one for 1.6."""
        return [payload | ({"value": "00" * 16} if payload["key"] == "AuthorizationKey" else {})]


class ReadsKeysAsText(ReferenceCsms):
    """Takes the bytes of a key for text, and loses those that are none."""

    breaks = "16S.AUTH.02"
    versions = ("1.6",)

    def password_changed(self, station: StationRecord, password: bytes) -> None:
        """Replace what can't be read."""
        super().password_changed(station, password.decode(errors="replace").encode())


# -- new certificates


class AsksForAnotherCertificate(ReferenceCsms):
    """Has a station renew its certificate for vehicles; in 1.6, that of a connector."""

    breaks = "CSMS.SIGN.05"

    def prepare_trigger_message(self, _station: StationRecord, payload: Payload) -> list[Payload]:
        """Mix them up."""
        signs = payload["requestedMessage"] == "SignChargingStationCertificate"
        return [payload | ({"requestedMessage": "SignV2GCertificate"} if signs else {})]

    def prepare_extended_trigger_message(self, _station: StationRecord, payload: Payload) -> list[Payload]:
        """Name a connector."""
        return [payload | {"connectorId": 1}]


class RejectsSoundRequests(ReferenceCsms):
    """Has no certificate for anybody."""

    breaks = "A02.FR.11"

    def signed(self, _station: StationRecord, _request: Payload) -> str | None:
        """Refuse."""
        return None


class NamesNoCertificateType(ReferenceCsms):
    """Does not say what a certificate is for."""

    breaks = "A02.FR.14"
    versions = ("2.0.1",)

    def certificate_signed(self, request: Payload, certificates: str) -> Payload:
        """Leave it out."""
        return {"certificateChain": super().certificate_signed(request, certificates)["certificateChain"]}


class SendsNoCertificate(ReferenceCsms):
    """Accepts a request, and leaves it at that."""

    breaks = "CSMS.SIGN.01"

    def on_sign_certificate(self, station: StationRecord, request: Payload) -> Payload:
        """Promise it."""
        return {"status": "Rejected" if self.signed(station, request) is None else "Accepted"}


class SendsTheChainBackwards(ReferenceCsms):
    """Sends the certificate of the issuer first."""

    breaks = "CSMS.SIGN.01"

    def certificate_signed(self, request: Payload, certificates: str) -> Payload:
        """Turn it round."""
        parts = x509.load_pem_x509_certificates(certificates.encode())
        turned = "".join(each.public_bytes(Encoding.PEM).decode() for each in reversed(parts))
        return super().certificate_signed(request, turned)


class MakesAKeyOfItsOwn(ReferenceCsms):
    """Signs a certificate for a key that the station does not have."""

    breaks = "CSMS.SIGN.01"

    def certificate_for(
        self, asked: x509.CertificateSigningRequest, issuer: x509.Certificate
    ) -> x509.CertificateBuilder:
        """Choose the key."""
        builder = super().certificate_for(asked, issuer)
        builder._public_key = ec.generate_private_key(ec.SECP256R1()).public_key()  # noqa: SLF001 -- it can be set once
        return builder


class SignsForTomorrow(ReferenceCsms):
    """Sends a certificate that is valid from tomorrow on."""

    breaks = "CSMS.SIGN.01"

    def certificate_for(
        self, asked: x509.CertificateSigningRequest, issuer: x509.Certificate
    ) -> x509.CertificateBuilder:
        """Take its time."""
        builder = super().certificate_for(asked, issuer)
        builder._not_valid_before = self.now() + timedelta(days=1)  # noqa: SLF001 -- it can be set once
        return builder


class RenamesTheStation(ReferenceCsms):
    """Puts a name of its own into the certificate."""

    breaks = "CSMS.SIGN.01"

    def certificate_for(
        self, asked: x509.CertificateSigningRequest, issuer: x509.Certificate
    ) -> x509.CertificateBuilder:
        """Invent one."""
        builder = super().certificate_for(asked, issuer)
        builder._subject_name = x509.Name(  # noqa: SLF001 -- it can be set once
            [x509.NameAttribute(NameOID.COMMON_NAME, "station")]
        )
        return builder


class DistrustsItsOwnSignature(ReferenceCsms):
    """Does not let a station in with the certificate that it has given it."""

    breaks = "CSMS.SIGN.02"

    def __init__(self, config: CsmsConfig | None = None) -> None:
        """Keep what was given."""
        super().__init__(config)
        self.given: set[int] = set()

    def certificate_signed(self, request: Payload, certificates: str) -> Payload:
        """Note the number."""
        self.given.add(x509.load_pem_x509_certificate(certificates.encode()).serial_number)
        return super().certificate_signed(request, certificates)

    def fault_of_certificate(self, record: StationRecord, certificate: x509.Certificate | None) -> str:
        """Look it up."""
        if certificate is not None and certificate.serial_number in self.given:
            return "nobody knows this certificate"
        return super().fault_of_certificate(record, certificate)


class SulksWhenRejected(ReferenceCsms):
    """Lets a station in no more that did not take its new certificate."""

    breaks = "CSMS.SIGN.04"

    def __init__(self, config: CsmsConfig | None = None) -> None:
        """Like everybody."""
        super().__init__(config)
        self.rejected: set[str] = set()

    def learn_certificate_signed(self, station: StationRecord, payload: Payload, answer: Payload) -> None:
        """Take offence."""
        super().learn_certificate_signed(station, payload, answer)
        if answer["status"] == "Rejected":
            self.rejected.add(station.identity)

    def fault_of_certificate(self, record: StationRecord, certificate: x509.Certificate | None) -> str:
        """Not forgive."""
        return super().fault_of_certificate(record, certificate) or (
            "it should have been renewed" if record.identity in self.rejected else ""
        )


class AcceptsWhatItCannotRead(ReferenceCsms):
    """Accepts a request that is none."""

    breaks = "A02.FR.12"

    def on_sign_certificate(self, station: StationRecord, request: Payload) -> Payload:
        """Have somebody else look at it later."""
        super().on_sign_certificate(station, request)
        return {"status": "Accepted"}


class SignsShortKeysAndStrangers(ReferenceCsms):
    """Signs a request whatever stands in it."""

    breaks = "CSMS.SIGN.03"

    def fault_of_csr(self, _station: StationRecord, _asked: x509.CertificateSigningRequest) -> str:
        """Find nothing."""
        return ""


class SignsForShortKeys(ReferenceCsms):
    """Signs a request for a key that is too short."""

    breaks = "CSMS.SIGN.03"

    def fault_of_csr(self, station: StationRecord, asked: x509.CertificateSigningRequest) -> str:
        """Not measure."""
        fault = super().fault_of_csr(station, asked)
        return "" if "short" in fault else fault


class SignsUnsignedRequests(ReferenceCsms):
    """Signs a request that was not made with the key in it."""

    breaks = "CSMS.SIGN.03"

    def signed(self, station: StationRecord, request: Payload) -> str | None:
        """Read it, and no more."""
        security = self.config.security
        try:
            asked = x509.load_pem_x509_csr(request["csr"].encode())
        except ValueError:
            return None
        if security is None or security.signing is None or self.fault_of_csr(station, asked):
            return None
        return self.sign(asked, *security.signing)
