"""Mutants of the station's TLS: what can be wrong in any version."""

from __future__ import annotations

from conformance.reference import tls_defects
from conformance.reference.station import ReferenceStation

globals().update(tls_defects.on(ReferenceStation, __name__))
