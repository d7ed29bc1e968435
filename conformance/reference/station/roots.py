"""Roots as a CSMS installs, lists and deletes them, by the rules that all editions share (M03-M05)."""

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
from conformance.reference.station.renewal import Renewal
from conformance.reference.station.secure_dialling import TLS_PROFILES

if TYPE_CHECKING:
    from cryptography import x509

    from conformance.reference.station.rpc import Payload


class Roots(Renewal):
    """Judges roots, and writes those that are good to flash memory; a use is called as in 2.0.1."""

    # -- what differs by edition

    def checks_new_roots(self) -> bool:
        """Return AdditionalRootCertificateCheck."""
        raise NotImplementedError

    def most_roots(self) -> float | None:
        """Return how many roots fit, None for any number (M05.FR.06)."""
        raise NotImplementedError

    # -- installing

    def try_root(self, use: str, pem: str) -> tuple[str, str | None]:
        """Try to install a root; return the status of InstallCertificate, and the reason code of a Rejected."""
        chain = read_chain(pem)
        objection = self.objection_to_root(use, chain)
        if objection is not None:
            return "Rejected", objection
        try:
            self.install_root(use, chain[0])
        except OSError:
            return "Failed", None
        self.certificates_changed()
        return "Accepted", None

    def objection_to_root(self, use: str, chain: list[x509.Certificate]) -> str | None:
        """Return the reason code that speaks against a root, or None (M05.FR.06/07/11)."""
        if len(chain) != 1 or not self.is_good_root(chain[0]):
            return "InvalidCertificate"
        if not self.follows_on_the_old(use, chain[0]):
            return "NotSignedByOldRoot"
        if not self.certificates.has_root(use, chain[0]) and not self.has_room_for_root():
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

    def has_room_for_root(self) -> bool:
        """Tell whether another certificate fits (M05.FR.06)."""
        most = self.most_roots()
        return most is None or self.certificates.count() < most

    def install_root(self, use: str, root: x509.Certificate) -> None:
        """Write a root to flash memory, beside the others or in their place (M05.FR.02/12/17)."""
        if use == CSMS_ROOT and self.checks_new_roots() and not self.certificates.has_root(use, root):
            self.certificates.replace_root(use, root)
        else:
            self.certificates.add_root(use, root)

    # -- deleting

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
