"""Certificates over OCPP 2.0.1: roots that a CSMS installs, lists and deletes, and the own one (A02, M03-M05)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station.device_model import Component
from conformance.reference.station.network_profiles import NetworkProfiles
from conformance.reference.station.roots import Roots

if TYPE_CHECKING:
    from conformance.reference.station.device_model import DeviceModel
    from conformance.reference.station.rpc import Payload

CONTROLLER = "SecurityCtrlr"
OWN = "ChargingStationCertificate"


class Certificates(Roots, NetworkProfiles):
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
        status, objection = self.try_root(request["certificateType"], request["certificate"])
        return {"status": status} | ({} if objection is None else {"statusInfo": {"reasonCode": objection}})

    def checks_new_roots(self) -> bool:
        """Return AdditionalRootCertificateCheck."""
        return self.model.flag(CONTROLLER, "AdditionalRootCertificateCheck")

    def most_roots(self) -> float | None:
        """Return the maximum of CertificateEntries (M05.FR.06)."""
        return self.model.find(Component(CONTROLLER), "CertificateEntries").maximum

    def on_get_installed_certificate_ids(self, request: Payload) -> Payload:
        """Answer GetInstalledCertificateIds (M03)."""
        found = self.certificates.listed(request.get("certificateType", []))
        if not found:
            return {"status": "NotFound"}
        chains = [{"certificateType": use, "certificateHashData": hash_data} for use, hash_data in found]
        return {"status": "Accepted", "certificateHashDataChain": chains}
