"""Security events: the log that keeps them all, and which of them the CSMS is told of (A04)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.reference.station.messaging import Exchange

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload

LONGEST_LOG = 500
LONGEST_TECH_INFO = 255
ONLY_LOGGED = frozenset(
    {
        "AttemptedReplayAttacks",
        "CentralSystemFailedToAuthentication",
        "CsmsFailedToAuthenticate",
        "FailedToAuthenticateAtCsms",
        "FailedToAuthenticationAtCentralSystem",
        "InvalidMessages",
        "ReconfigurationOfSecurityParameters",
    }
)
"""What neither edition calls critical, nor says anywhere that the CSMS is to be told of."""


class SecurityEvents(Exchange):
    """Keeps the security log, and notifies what is critical."""

    @property
    def security_log(self) -> list[Payload]:
        """The newest security events, oldest first, in flash memory."""
        log: list[Payload] = self.storage.setdefault("security_log", [])
        return log

    def security_event_happened(self, event: str, tech_info: str | None = None) -> None:
        """Log a security event (A04.FR.04), and tell the CSMS of it if it is critical (A04.FR.01).

        No password and no key may be in `tech_info`.
        """
        entry: dict[str, Any] = {"type": event, "timestamp": self.clock.stamp()}
        if tech_info is not None:
            entry["techInfo"] = tech_info[:LONGEST_TECH_INFO]
        self.log_security_event(entry)
        if self.is_critical(event):
            self.notify_security_event(entry)

    def log_security_event(self, entry: Payload) -> None:
        """Write an event to the log, in place of the oldest one where there is no room."""
        self.security_log.append(dict(entry))
        del self.security_log[:-LONGEST_LOG]

    def is_critical(self, event: str) -> bool:
        """Tell whether the CSMS has to be told of an event at once."""
        return event not in ONLY_LOGGED

    def notify_security_event(self, entry: Payload) -> None:
        """Queue a critical security event for certain delivery (A04.FR.02)."""
        self.send_surely("SecurityEventNotification", dict(entry))
