"""Certificates over OCPP 2.0.1: roots that a CSMS installs, lists and deletes, and the own one (A02, M03-M05)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station.certificate_facts import (
    has_long_key,
    is_authority,
    is_current,
    is_issued_by,
    read_chain,
)
from conformance.reference.station.certificate_store import CSMS_ROOT
from conformance.reference.station.device_model import Component
from conformance.reference.station.network_profiles import NetworkProfiles
from conformance.reference.station.renewal import Renewal
from conformance.reference.station.secure_dialling import TLS_PROFILES

if TYPE_CHECKING:
    from cryptography import x509

    from conformance.reference.station.device_model import DeviceModel
    from conformance.reference.station.rpc import Payload

CONTROLLER = "SecurityCtrlr"
OWN = "ChargingStationCertificate"


class Certificates(Renewal, NetworkProfiles):
    """Does with certificates what a CSMS asks for."""

    def build_model(self) -> DeviceModel:
        """Let the number of roots be read."""
        model = super().build_model()
        model.find(Component(CONTROLLER), "CertificateEntries").live = lambda: str(self.certificates.count())
        return model

    def after_acceptance(self) -> None:
        """Renew the own certificate too, when it is time."""
        super().after_acceptance()
        self.renew_if_due()

    # -- the own certificate

    def organization(self) -> str:
        """Return OrganizationName."""
        return self.model.text(CONTROLLER, "OrganizationName")

    def signing_wait(self) -> float:
        """Return CertSigningWaitMinimum."""
        return self.model.number(CONTROLLER, "CertSigningWaitMinimum")

    def signing_repeats(self) -> int:
        """Return CertSigningRepeatTimes."""
        return int(self.model.number(CONTROLLER, "CertSigningRepeatTimes"))

    def longest_chain(self) -> int | None:
        """Return MaxCertificateChainSize."""
        return int(self.model.number(CONTROLLER, "MaxCertificateChainSize"))

    def attempts_with_new_certificate(self) -> int:
        """Return how many attempts the network profiles get, all together (A02.FR.28)."""
        return self.attempts_allowed() * len(self.slots_at_boot())

    def signing_payload(self, csr: str) -> Payload:
        """Return the SignCertificateRequest, with the use of the certificate (A02.FR.13)."""
        return {"csr": csr, "certificateType": OWN}

    def on_certificate_signed(self, request: Payload) -> Payload:
        """Answer CertificateSigned (A02.FR.06-08, A02.FR.16)."""
        if request.get("certificateType", OWN) != OWN:
            return {"status": "Rejected"}
        accepted = self.certificate_signed(request["certificateChain"])
        return {"status": "Accepted" if accepted else "Rejected"}

    # -- roots

    def on_install_certificate(self, request: Payload) -> Payload:
        """Answer InstallCertificate (M05)."""
        use, chain = request["certificateType"], read_chain(request["certificate"])
        objection = self.objection_to_root(use, chain)
        if objection is not None:
            return {"status": "Rejected", "statusInfo": {"reasonCode": objection}}
        try:
            self.install_root(use, chain[0])
        except OSError:
            return {"status": "Failed"}
        self.certificates_changed()
        return {"status": "Accepted"}

    def objection_to_root(self, use: str, chain: list[x509.Certificate]) -> str | None:
        """Return the reason code that speaks against a root, or None (M05.FR.06/07/11)."""
        if len(chain) != 1 or not self.is_good_root(chain[0]):
            return "InvalidCertificate"
        if not self.follows_on_the_old(use, chain[0]):
            return "NotSignedByOldRoot"
        if not self.certificates.has_root(use, chain[0]) and not self.has_room():
            return "NoRoom"
        return None

    def is_good_root(self, root: x509.Certificate) -> bool:
        """Tell whether a certificate can be a root: valid now, strong, and signed by itself or a root that is here."""
        signed = any(is_issued_by(root, each) for each in (root, *self.certificates.roots()))
        current = is_current(root, self.clock.now())
        return signed and current and is_authority(root) and has_long_key(root.public_key())

    def follows_on_the_old(self, use: str, root: x509.Certificate) -> bool:
        """Tell whether a root may take the place of the old one, where there may be one only (M05.FR.10/11)."""
        old = self.certificates.roots(use)
        if use != CSMS_ROOT or not self.checks_new_roots() or not old:
            return True
        return any(is_issued_by(root, each) for each in old)

    def checks_new_roots(self) -> bool:
        """Return AdditionalRootCertificateCheck."""
        return self.model.flag(CONTROLLER, "AdditionalRootCertificateCheck")

    def has_room(self) -> bool:
        """Tell whether another certificate fits (M05.FR.06)."""
        most = self.model.find(Component(CONTROLLER), "CertificateEntries").maximum
        return most is None or self.certificates.count() < most

    def install_root(self, use: str, root: x509.Certificate) -> None:
        """Write a root to flash memory, beside the others or in their place (M05.FR.02/12/17)."""
        if use == CSMS_ROOT and self.checks_new_roots() and not self.certificates.has_root(use, root):
            self.certificates.replace_root(use, root)
        else:
            self.certificates.add_root(use, root)

    def on_get_installed_certificate_ids(self, request: Payload) -> Payload:
        """Answer GetInstalledCertificateIds (M03)."""
        found = self.certificates.listed(request.get("certificateType", []))
        if not found:
            return {"status": "NotFound"}
        chains = [{"certificateType": use, "certificateHashData": hash_data} for use, hash_data in found]
        return {"status": "Accepted", "certificateHashDataChain": chains}

    def on_delete_certificate(self, request: Payload) -> Payload:
        """Answer DeleteCertificate (M04)."""
        wanted = request["certificateHashData"]
        if self.certificates.is_own(wanted):
            return self.answer_to_deleting_own()
        found = self.certificates.find_root(wanted)
        if found is None:
            return {"status": "NotFound"}
        if self.is_indispensable(*found):
            return {"status": "Failed"}
        self.certificates.remove_root(*found)
        self.certificates_changed()
        return {"status": "Accepted"}

    def answer_to_deleting_own(self) -> Payload:
        """Refuse to delete the own certificate (M04.FR.06)."""
        return {"status": "Failed"}

    def is_indispensable(self, use: str, root: x509.Certificate) -> bool:
        """Tell whether a root is the last one that the CSMS in use could be known by (M04.FR.03)."""
        return use == CSMS_ROOT and self.dialled_profile in TLS_PROFILES and self.certificates.roots(use) == [root]
