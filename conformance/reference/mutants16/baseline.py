"""Mutants of the settings: a charge point whose configuration has drifted from its baseline."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.reference.mutants16.configuration import _WithoutKey
from conformance.reference.station16 import ReferenceStation16
from conformance.reference.station16.configuration import BOOLEAN, Key

if TYPE_CHECKING:
    from typing import Any


class KeyGone(_WithoutKey):
    """Has lost a key."""

    breaks = "16.BASELINE.VARIABLES.01"
    lacks = "HalfmoonTimeZone"


class KeyAdded(ReferenceStation16):
    """Has a key more, from an update that nobody announced."""

    breaks = "16.BASELINE.VARIABLES.02"

    def keys_to_list(self) -> list[Key]:
        """Add it."""
        return [*super().keys_to_list(), Key("HalfmoonCloud", BOOLEAN, "true")]


class _KeyOtherwise(ReferenceStation16):
    """Lists the key `target` with something changed."""

    target = "ConnectionTimeOut"
    changed: dict[str, Any] = {}  # noqa: RUF012 -- each class has its own

    def keys_to_list(self) -> list[Key]:
        """Change it."""
        return [replace(key, **self.changed) if key.name == self.target else key for key in super().keys_to_list()]


class KeyMoved(_KeyOtherwise):
    """Has another value than it was given."""

    breaks = "16.BASELINE.VALUE.01"
    changed = {"value": "61"}  # noqa: RUF012


class KeyBelowRange(_KeyOtherwise):
    """Has room for fewer ids than the fleet needs."""

    breaks = "16.BASELINE.VALUE.01"
    target = "LocalAuthListMaxLength"
    changed = {"value": "99"}  # noqa: RUF012


class KeyLocked(_KeyOtherwise):
    """Lets nobody set any more what could be set."""

    breaks = "16.BASELINE.MUTABILITY.01"
    changed = {"readonly": True}  # noqa: RUF012
