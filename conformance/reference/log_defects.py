"""What stations of either version get wrong with their logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station.logs import Logs

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload


class Forgets(Logs):
    """Keeps no security log."""

    def log_security_event(self, entry: Payload) -> None:
        """Let it go."""


class FirstOnly(Logs):
    """Writes its security log until there is something in it."""

    def log_security_event(self, entry: Payload) -> None:
        """Keep the first."""
        if not self.security_log:
            super().log_security_event(entry)


class Tells(Logs):
    """Tells its password to whoever reads its diagnostics."""

    def diagnostics_lines(self, request: Payload) -> list[str]:
        """Say it."""
        return [*super().diagnostics_lines(request), f"password {self.config.password}"]
