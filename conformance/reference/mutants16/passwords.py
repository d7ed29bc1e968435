"""Mutants of the change of AuthorizationKey: what is taken, kept and told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station16 import ReferenceStation16

if TYPE_CHECKING:
    from conformance.reference.station16.configuration import Key

KEY = "AuthorizationKey"
LEAST_DIGITS = 32


class NewKeyUnused(ReferenceStation16):
    """Accepts a new key, comes back, and uses the old one."""

    breaks = "16S.A01.FR.01"

    def store_value(self, key: Key, value: str) -> None:
        """Keep what was there."""
        super().store_value(key, key.value if key.name == KEY else value)


class NewKeyForgotten(ReferenceStation16):
    """Has its old key again after a restart."""

    breaks = "16S.A01.FR.01"

    def store_value(self, key: Key, value: str) -> None:
        """Keep it in mind only."""
        if key.name == KEY:
            key.value = value
        else:
            super().store_value(key, value)


class KeepsRefusedKey(ReferenceStation16):
    """Refuses a key that is too short, and uses it all the same."""

    breaks = "16S.A01.FR.01"

    def value_fits(self, key: Key, value: str) -> bool:
        """Keep it."""
        fits = super().value_fits(key, value)
        if key.name == KEY and not fits:
            self.configuration.store(key, value)
        return fits


class TakesShortKey(ReferenceStation16):
    """Accepts a key that is too short, and does without it."""

    breaks = "16S.AUTH.04"

    def value_fits(self, key: Key, value: str) -> bool:
        """Take it."""
        return key.name == KEY or super().value_fits(key, value)

    def store_value(self, key: Key, value: str) -> None:
        """Keep only what is long enough."""
        if key.name != KEY or len(value) >= LEAST_DIGITS:
            super().store_value(key, value)


class StaysWithOldConnection(ReferenceStation16):
    """Keeps its connection when its key is changed."""

    breaks = "16S.AUTH.03"

    def key_changed(self, key: Key) -> None:
        """Stay."""
        if key.name != KEY:
            super().key_changed(key)


class TellsNewKey(ReferenceStation16):
    """Tells its new key in a security event."""

    breaks = "16S.A01.FR.12"

    def key_changed(self, key: Key) -> None:
        """Tell it."""
        super().key_changed(key)
        if key.name == KEY:
            event = {"type": "ReconfigurationOfSecurityParameters", "timestamp": self.clock.stamp()}
            self.send_surely("SecurityEventNotification", {**event, "techInfo": f"{KEY}={key.value}"})
