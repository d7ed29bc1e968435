"""Mutants of the 1.6 station: its certificate, and the roots that it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference import certificate_defects
from conformance.reference.mutants16.control import Plain16
from conformance.reference.station16 import ReferenceStation16

if TYPE_CHECKING:
    from cryptography import x509

globals().update(certificate_defects.on(ReferenceStation16, Plain16, __name__))


class RootInUseDeleted(ReferenceStation16):
    """Deletes the root that it needs to come back."""

    breaks = "16S.M04.FR.06"

    def is_indispensable(self, use: str, root: x509.Certificate) -> bool:  # noqa: ARG002
        """Let it go."""
        return False
