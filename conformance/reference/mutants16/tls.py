"""Mutants of the station's TLS: what can be wrong in any version."""

from __future__ import annotations

from conformance.reference import tls_defects
from conformance.reference.station16 import ReferenceStation16

UNSEEN = (tls_defects.BelievesTheFuture, tls_defects.BelievesStationsAsAuthorities)
"""Certificates that are shown to those only that can be told to try again soon."""

globals().update(tls_defects.on(ReferenceStation16, __name__, unseen=UNSEEN))
