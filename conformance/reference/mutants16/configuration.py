"""Mutants of GetConfiguration and ChangeConfiguration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station16 import ReferenceStation16

if TYPE_CHECKING:
    from conformance.reference.station16.config import StationConfig16
    from conformance.reference.station16.configuration import Key


class UnknownKeysSwallowed(ReferenceStation16):
    """Says nothing of the keys that it doesn't have."""

    breaks = "16.CONFIG.03"
    also = ("16.CONFIG.04",)

    def look_up_keys(self, names: list[str]) -> tuple[list[Key], list[str]]:
        """Forget what is unknown."""
        return super().look_up_keys(names)[0], []


class RequiredKeyMissing(ReferenceStation16):
    """Does not list how often it tries to deliver a message."""

    breaks = "16.CONFIG.08"
    also = ("16.CONFIG.01", "16.CONFIG.09")

    def keys_to_list(self) -> list[Key]:
        """Leave one out."""
        return [key for key in super().keys_to_list() if key.name != "TransactionMessageAttempts"]


class NothingReadOnly(ReferenceStation16):
    """Says of every key that it can be changed."""

    breaks = "16.CONFIG.10"
    also = ("16.CONFIG.14",)

    def reported_readonly(self, key: Key) -> bool:  # noqa: ARG002
        """Pretend."""
        return False


class PasswordReadable(ReferenceStation16):
    """Shows its password to whoever reads the configuration."""

    breaks = "16.CONFIG.15"
    also = ("16S.KEY.01",)

    def readable_value(self, key: Key) -> str | None:
        """Give everything away."""
        return key.value


class ChangeNotMade(ReferenceStation16):
    """Accepts a change, and leaves everything as it was."""

    breaks = "16.CHANGE.02"
    also = ("16.CHANGE.03", "16.CHANGE.12", "16.HEARTBEAT.08")

    def store_value(self, key: Key, value: str) -> None:
        """Forget the value."""


class UnknownKeyRejected(ReferenceStation16):
    """Takes a key that it doesn't have for one that can't be changed."""

    breaks = "16.CHANGE.05"

    def status_of_unknown_key(self) -> str:
        """Mix them up."""
        return "Rejected"


class AnyValueTaken(ReferenceStation16):
    """Takes any value for any key that can be written."""

    breaks = "16.CHANGE.06"
    also = ("16.CHANGE.07", "16.CHANGE.09", "16.CHANGE.10", "16.CHANGE.11", "16S.A05.FR.01")

    def __init__(self, config: StationConfig16) -> None:
        """Start with nothing taken."""
        super().__init__(config)
        self.taken: dict[str, str] = {}

    def value_fits(self, key: Key, value: str) -> bool:  # noqa: ARG002
        """Look at nothing."""
        return True

    def store_value(self, key: Key, value: str) -> None:
        """Keep what makes no sense apart, and go on working with the old value."""
        if super().value_fits(key, value):
            self.taken.pop(key.name, None)
            super().store_value(key, value)
        else:
            self.taken[key.name] = value

    def readable_value(self, key: Key) -> str | None:
        """Show what was taken."""
        value = super().readable_value(key)
        return value if value is None else self.taken.get(key.name, value)


class RebootNotMentioned(ReferenceStation16):
    """Does not say that a change needs a restart."""

    breaks = "16.CHANGE.03"

    def status_of_change(self, key: Key) -> str:  # noqa: ARG002
        """Always be done at once."""
        return "Accepted"
