"""Certificates over OCPP 1.6: roots as a Central System wants them, and the own one (whitepaper A02, M03-M05)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.reference.station.certificate_facts import to_pem
from conformance.reference.station.certificate_store import CSMS_ROOT
from conformance.reference.station.roots import Roots
from conformance.reference.station16.reset import Resets16

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from cryptography import x509

    from conformance.reference.station.renewal import SigningRequest
    from conformance.reference.station.rpc import Payload

    Work = Callable[[], Coroutine[Any, Any, None]]

MANUFACTURER_ROOT = "ManufacturerRootCertificate"
USES = {"CentralSystemRootCertificate": CSMS_ROOT, MANUFACTURER_ROOT: MANUFACTURER_ROOT}
"""What the roots of 1.6 are called in flash memory."""


class Certificates16(Roots, Resets16):
    """Does with certificates what a Central System asks for."""

    def after_acceptance(self) -> None:
        """Renew the own certificate too, when it is time."""
        super().after_acceptance()
        self.renew_if_due()

    # -- the own certificate

    def organization(self) -> str:
        """Return CpoName (A02.FR.13)."""
        return self.configuration["CpoName"].value

    async def ask_until_signed(self, request: SigningRequest, *, asked: bool) -> None:
        """Ask once: to ask again by itself is not recommended (A02)."""
        await self.ask_for_certificate(request, asked=asked)

    def longest_chain(self) -> int | None:
        """Return CertificateSignedMaxChainSize."""
        return int(self.configuration.number("CertificateSignedMaxChainSize"))

    def bad_own_certificate_event(self) -> str:
        """Return the security event that a signed certificate is that can't be used (A02.FR.07)."""
        return "InvalidChargePointCertificate"

    def trigger_signing(self, number: int | None) -> list[Work]:  # noqa: ARG002
        """Ask for a new certificate (A02.FR.02)."""

        async def sign() -> None:
            self.renew_certificate(asked=True)

        return [sign]

    def on_certificate_signed(self, request: Payload) -> Payload:
        """Answer CertificateSigned (A02.FR.06-08)."""
        return {"status": "Accepted" if self.certificate_signed(request["certificateChain"]) else "Rejected"}

    # -- roots

    def checks_new_roots(self) -> bool:
        """Return AdditionalRootCertificateCheck."""
        return self.configuration.flag("AdditionalRootCertificateCheck")

    def most_roots(self) -> float | None:
        """Return CertificateStoreMaxLength (M05.FR.03)."""
        return self.configuration.number("CertificateStoreMaxLength")

    def on_install_certificate(self, request: Payload) -> Payload:
        """Answer InstallCertificate (M05)."""
        use = USES[request["certificateType"]]
        status, objection = self.try_root(use, request["certificate"])
        if use == CSMS_ROOT and objection == "InvalidCertificate":
            self.security_event_happened(self.bad_server_certificate_event(), "a root that can't be used")
        return {"status": status}

    def on_get_installed_certificate_ids(self, request: Payload) -> Payload:
        """Answer GetInstalledCertificateIds (M03)."""
        found = self.certificates.listed([USES[request["certificateType"]]])
        if not found:
            return {"status": "NotFound"}
        return {"status": "Accepted", "certificateHashData": [hash_data for _, hash_data in found]}

    def is_indispensable(self, use: str, root: x509.Certificate) -> bool:
        """Tell whether the present connection was checked with a root (M04.FR.06)."""
        return use == CSMS_ROOT and to_pem(root) == self.root_in_use()

    def root_in_use(self) -> str | None:
        """Return the root that the present connection was checked with, in PEM; None without TLS."""
        connection = None if self.link is None else self.link.transport.get_extra_info("ssl_object")
        if connection is None:
            return None
        path = connection._sslobj.get_verified_chain()  # noqa: SLF001 -- public since Python 3.13 only
        return str(path[-1].public_bytes()) if path else None

    def manufacturer_roots(self) -> list[x509.Certificate]:
        """Return the installed ManufacturerRootCertificates."""
        return self.certificates.roots(MANUFACTURER_ROOT)
