"""Mutants that are wrong about certificates: those that they give out, and those that stations keep."""

from __future__ import annotations

from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from conformance.reference.csms import ReferenceCsms
from conformance.reference.csms.config import CsmsConfig
from conformance.reference.csms.records import StationRecord
from conformance.reference.csms.rpc import Payload, RpcError
from conformance.reference.mutants_csms.commands import Sulking

Shown = tuple[bytes, bytes] | None

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


# -- certificates at the station

_OTHER = {
    "CSMSRootCertificate": "ManufacturerRootCertificate",
    "CentralSystemRootCertificate": "ManufacturerRootCertificate",
    "ManufacturerRootCertificate": "MORootCertificate",
}
_OTHER_16 = _OTHER | {"ManufacturerRootCertificate": "CentralSystemRootCertificate"}


def other(station: StationRecord, kind: str) -> str:
    """Return a type of certificates that is not meant."""
    return (_OTHER_16 if station.version == "1.6" else _OTHER)[kind]


class InstallsItAsAnother(ReferenceCsms):
    """Installs a certificate as one of another type."""

    breaks = "CSMS.INSTALL.01"

    def prepare_install_certificate(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Mix them up."""
        return [payload | {"certificateType": other(station, payload["certificateType"])}]


class InstallsItsOwnCertificate(ReferenceCsms):
    """Installs what it shows itself, whatever is to be installed."""

    breaks = "CSMS.INSTALL.01"

    def prepare_install_certificate(self, _station: StationRecord, payload: Payload) -> list[Payload]:
        """Take what lies there."""
        assert self.config.security is not None
        return [payload | {"certificate": self.config.security.chains[0][0]}]


class ListsOthers(ReferenceCsms):
    """Asks for certificates of another type."""

    breaks = "CSMS.CERTIFICATES.01"

    def prepare_get_installed_certificate_ids(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Mix them up."""
        asked = payload.get("certificateType", ["CSMSRootCertificate"])
        swapped = other(station, asked) if isinstance(asked, str) else [other(station, each) for each in asked]
        return [{"certificateType": swapped}]


class DeletesAnother(ReferenceCsms):
    """Deletes the first certificate that there ever was."""

    breaks = "CSMS.DELETE.01"

    def prepare_delete_certificate(self, _station: StationRecord, payload: Payload) -> list[Payload]:
        """Count from one."""
        return [{"certificateHashData": payload["certificateHashData"] | {"serialNumber": "1"}}]


class KnowsOneHash(ReferenceCsms):
    """Calls every hash one by SHA-256."""

    breaks = "M04.FR.07"

    def prepare_delete_certificate(self, _station: StationRecord, payload: Payload) -> list[Payload]:
        """Not look."""
        return [{"certificateHashData": payload["certificateHashData"] | {"hashAlgorithm": "SHA256"}}]


class SulksOverCertificates(Sulking):
    """Sends no more commands once a station did not do what it was told about certificates."""

    breaks = "CSMS.COMMAND.01"

    def learn_install_certificate(self, station: StationRecord, _payload: Payload, answer: Payload) -> None:
        """Look whether it did."""
        if answer["status"] != "Accepted":
            self.sulk(station)

    def learn_delete_certificate(self, station: StationRecord, payload: Payload, answer: Payload) -> None:
        """Look here as well."""
        self.learn_install_certificate(station, payload, answer)

    def learn_get_installed_certificate_ids(self, station: StationRecord, payload: Payload, answer: Payload) -> None:
        """Look here, too."""
        self.learn_install_certificate(station, payload, answer)


# -- logs and firmware


class FetchesDiagnostics(ReferenceCsms):
    """Has another log uploaded than it was asked for."""

    breaks = "CSMS.LOG.01"

    def prepare_get_log(self, _station: StationRecord, payload: Payload) -> list[Payload]:
        """Think that they are all the same."""
        return [payload | {"logType": "DiagnosticsLog"}]


class HearsOfNoUpload(ReferenceCsms):
    """Does not want to know that a log was uploaded."""

    breaks = "J.ANSWER.01"

    def on_log_status_notification(self, station: StationRecord, request: Payload) -> Payload:
        """Have no use for it."""
        if request["status"] == "Uploaded":
            raise RpcError("InternalError", "where is it?")
        return super().on_log_status_notification(station, request)


class HearsOfNoSignature(ReferenceCsms):
    """Does not know that firmware has signatures."""

    breaks = "J.ANSWER.01"
    versions = ("1.6",)

    def on16_signed_firmware_status_notification(self, station: StationRecord, request: Payload) -> Payload:
        """Stumble over the word."""
        if "Signature" in request["status"]:
            raise RpcError("InternalError", "which signature?")
        return super().on16_signed_firmware_status_notification(station, request)


class OrdersOldFirmware(ReferenceCsms):
    """Has a station fetch its firmware where it always was."""

    breaks = "16S.CENTRAL.11"
    versions = ("1.6",)

    def prepare_signed_update_firmware(self, _station: StationRecord, payload: Payload) -> list[Payload]:
        """Know the place."""
        return [payload | {"firmware": payload["firmware"] | {"location": "http://firmware.example.com/"}}]


class SignsForOthers(ReferenceCsms):
    """Sends its own certificate in place of that of whoever signed the firmware."""

    breaks = "16S.L01.FR.11"
    versions = ("1.6",)

    def prepare_signed_update_firmware(self, _station: StationRecord, payload: Payload) -> list[Payload]:
        """Answer for it."""
        assert self.config.security is not None
        own = self.config.security.chains[0][0]
        return [payload | {"firmware": payload["firmware"] | {"signingCertificate": own}}]
