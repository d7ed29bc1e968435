"""Mutants of the station's TLS: what can be wrong in any version."""

from __future__ import annotations

from conformance.reference import tls_defects
from conformance.reference.station16 import ReferenceStation16

UNSEEN = (
    tls_defects.BelievesTheFuture,  # as the next, shown to those only that can be told to try again soon
    tls_defects.BelievesStationsAsAuthorities,
    tls_defects.ForgetsEvents,  # which 1.6 does not call critical
    tls_defects.ShowsExtendedKeyUsage,  # of which 1.6 says nothing
)

globals().update(tls_defects.on(ReferenceStation16, __name__, unseen=UNSEEN))


class TellsOfNoBadRoot(ReferenceStation16):
    """Refuses a root whose time is over, and tells nobody."""

    breaks = "16S.INSTALL.01"

    def security_event_happened(self, event: str, tech_info: str | None = None) -> None:
        """Tell of other things only."""
        if event != self.bad_server_certificate_event():
            super().security_event_happened(event, tech_info)
