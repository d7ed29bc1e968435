"""Mutants of the station's TLS: what can be wrong in any version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference import tls_defects
from conformance.reference.station16 import ReferenceStation16

if TYPE_CHECKING:
    from cryptography import x509

UNSEEN = (
    tls_defects.BelievesTheFuture,  # as the next, shown to those only that can be told to try again soon
    tls_defects.BelievesStationsAsAuthorities,
    tls_defects.ForgetsEvents,  # which 1.6 does not call critical
    tls_defects.ShowsExtendedKeyUsage,  # of which 1.6 says nothing
)

globals().update(tls_defects.on(ReferenceStation16, __name__, unseen=UNSEEN))


class InstallsWhatIsOver(ReferenceStation16):
    """Installs roots whose time is over, or that are none."""

    breaks = "16S.M05.FR.06"

    def is_good_root(self, root: x509.Certificate) -> bool:  # noqa: ARG002
        """Take any."""
        return True

    def objection_to_root(self, use: str, chain: list[x509.Certificate]) -> str | None:
        """Tell of it all the same."""
        if chain and not super().is_good_root(chain[0]):
            self.security_event_happened(self.bad_server_certificate_event(), "a root that is none")
        return super().objection_to_root(use, chain)


class TellsOfNoBadRoot(ReferenceStation16):
    """Refuses a root whose time is over, and tells nobody."""

    breaks = "16S.INSTALL.01"

    def security_event_happened(self, event: str, tech_info: str | None = None) -> None:
        """Tell of other things only."""
        if event != self.bad_server_certificate_event():
            super().security_event_happened(event, tech_info)
