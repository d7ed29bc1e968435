"""Mutants of the change of a password: what is taken, kept and told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station import ReferenceStation
from conformance.reference.station.device_model import Component

if TYPE_CHECKING:
    from conformance.reference.station.device_model import DeviceModel, Variable
    from conformance.reference.station.rpc import Payload

PASSWORD = "BasicAuthPassword"  # noqa: S105 -- the name of a variable


class _WithPassword(ReferenceStation):
    """Does something of its own with a new password."""

    def build_model(self) -> DeviceModel:
        """Let the variable be altered."""
        model = super().build_model()
        self.alter(model.find(Component("SecurityCtrlr"), PASSWORD))
        return model

    def alter(self, variable: Variable) -> None:
        """Alter the variable of the password."""


class NewPasswordRefused(ReferenceStation):
    """Refuses every new password."""

    breaks = "A01.FR.01"

    def write_attribute(self, item: Payload, attribute_type: str) -> tuple[str, Payload | None]:
        """Refuse it."""
        if item["variable"]["name"] == PASSWORD:
            return "Rejected", None
        return super().write_attribute(item, attribute_type)


class NewPasswordUnused(ReferenceStation):
    """Accepts a new password, comes back, and uses the old one."""

    breaks = "A01.FR.01"

    def keep_variable(self, variable: Variable, value: str) -> None:
        """Keep what was there."""
        super().keep_variable(variable, variable.value or "" if variable.name == PASSWORD else value)


class NewPasswordCutOff(ReferenceStation):
    """Keeps the first twenty characters of a new password, as the version before did."""

    breaks = "A01.FR.01"

    def keep_variable(self, variable: Variable, value: str) -> None:
        """Keep some."""
        super().keep_variable(variable, value[:20] if variable.name == PASSWORD else value)


class NewPasswordForgotten(_WithPassword):
    """Has its old password again after a restart."""

    breaks = "A01.FR.01"

    def alter(self, variable: Variable) -> None:
        """Keep it in mind only."""
        variable.persistent = False
        variable.value = self.config.password


class KeepsRefusedPassword(ReferenceStation):
    """Refuses a password that is too short, and uses it all the same."""

    breaks = "A01.FR.01"

    def write_attribute(self, item: Payload, attribute_type: str) -> tuple[str, Payload | None]:
        """Keep it."""
        status, reason = super().write_attribute(item, attribute_type)
        found = self.look_up(item)
        if status == "Rejected" and not isinstance(found, str) and found.name == PASSWORD:
            self.model.store(found, item["attributeValue"])
        return status, reason


class TakesShortPassword(_WithPassword):
    """Takes a password that is too short, from the next one on."""

    breaks = "A00.FR.205"

    def alter(self, variable: Variable) -> None:
        """Forget the limit."""
        variable.minimum = 8

    def keep_variable(self, variable: Variable, value: str) -> None:
        """Keep only what is long enough."""
        if variable.name != PASSWORD or len(value) >= 16:  # noqa: PLR2004
            super().keep_variable(variable, value)


class StaysWithOldConnection(ReferenceStation):
    """Keeps its connection when its password is changed."""

    breaks = "PASSWORD.RETURN.01"

    async def come_back(self) -> None:
        """Stay."""


class TellsNewPassword(ReferenceStation):
    """Tells its new password in a security event."""

    breaks = "A01.FR.12"

    def variable_changed(self, variable: Variable) -> None:
        """Tell it."""
        super().variable_changed(variable)
        if variable.name == PASSWORD:
            event = {"type": "ReconfigurationOfSecurityParameters", "timestamp": self.clock.stamp()}
            self.send_surely("SecurityEventNotification", {**event, "techInfo": f"{PASSWORD}={variable.value}"})
