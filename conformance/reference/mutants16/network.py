"""Mutants of a 1.6 station whose connection is lost: how it comes back, and what it tells then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station16 import ReferenceStation16

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload

LONG = 3600.0
SHORT = 0.05


class _Dialler(ReferenceStation16):
    """Knows how often it was turned away."""

    failures = 0

    def dial_failed(self, slot: str) -> None:
        """Count."""
        self.failures += 1
        super().dial_failed(slot)

    def link_found(self, slot: str) -> None:
        """Begin anew."""
        self.failures = 0
        super().link_found(slot)


class GivesUpInTheEnd(_Dialler):
    """Tries twice to come back, and never again."""

    breaks = "16J.RECONNECT.01"

    def reconnect_wait(self, attempt: int) -> float:
        """Wait for ever after the second failure."""
        return LONG if self.failures > 1 else super().reconnect_wait(attempt)


class HurriesAfterRefusal(ReferenceStation16):
    """Dials again at once whenever it was turned away."""

    breaks = "16J.RECONNECT.02"
    also = ("16J.RECONNECT.03",)

    def reconnect_wait(self, attempt: int) -> float:
        """Take no pause but the first."""
        return super().reconnect_wait(attempt) if attempt == 1 else SHORT


class HurriesWhenServiceIsDown(ReferenceStation16):
    """Backs off from a Central System that does not know it, and storms one that is out of service."""

    breaks = "16J.RECONNECT.03"
    came_back = 0

    def link_found(self, slot: str) -> None:
        """Count how often it was let in."""
        self.came_back += 1
        super().link_found(slot)

    def reconnect_wait(self, attempt: int) -> float:
        """Take no pause from the second outage on."""
        return SHORT if attempt > 1 and self.came_back > 1 else super().reconnect_wait(attempt)


class ChangesOfflineForgotten(ReferenceStation16):
    """Does not tell what changed while it was offline."""

    breaks = "16.STATUS.05"

    def after_reconnect(self, offline_seconds: float) -> None:
        """Say nothing."""


class OfflineStatusesQueued(ReferenceStation16):
    """Tells every status that its connectors had while it was offline."""

    breaks = "16.STATUS.06"

    def notify_status(self, number: int, *, asked: bool = False) -> None:
        """Keep what can't be sent now."""
        if self.link is None and self.accepted:
            self.kept.append(self.status_payload(number))
            self.reported[number] = self.status(number)
        else:
            super().notify_status(number, asked=asked)

    @property
    def kept(self) -> list[Payload]:
        """The statuses of the past."""
        found: list[Payload] = self.storage.setdefault("kept_statuses", [])
        return found

    def after_reconnect(self, offline_seconds: float) -> None:
        """Tell them all."""
        for payload in self.kept:
            self.send("StatusNotification", payload)
        self.kept.clear()
        super().after_reconnect(offline_seconds)
