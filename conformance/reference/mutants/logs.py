"""Mutants of the 2.0.1 station: its logs."""

from __future__ import annotations

from conformance.reference import log_defects
from conformance.reference.station import ReferenceStation


class SecurityUnlogged(log_defects.Forgets, ReferenceStation):
    """Keeps no security log."""

    breaks = "A04.FR.04"


class SecurityLogStandsStill(log_defects.FirstOnly, ReferenceStation):
    """Writes no more into its security log once there is something in it."""

    breaks = "A04.FR.04"


class PasswordLogged(log_defects.Tells, ReferenceStation):
    """Writes its password into its diagnostics."""

    breaks = "A01.FR.12"
