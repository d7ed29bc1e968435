"""Mutants of the configuration: a station whose settings have drifted from its baseline, without a word to anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.mutants.reports import Altered
from conformance.reference.station import ReferenceStation
from conformance.reference.station.device_model import READ_ONLY, READ_WRITE, Component, Variable

if TYPE_CHECKING:
    from conformance.reference.station.device_model import DeviceModel
    from conformance.reference.station.rpc import Payload

COMMUNICATION = Component("OCPPCommCtrlr")
GONE = "OfflineThreshold"


class SettingGone(ReferenceStation):
    """Has lost a variable, in reports and when it is asked for."""

    breaks = "BASELINE.VARIABLES.01"

    def base_report(self, base: str) -> list[Variable] | None:
        """Leave it out."""
        return [each for each in super().base_report(base) or [] if each.name != GONE]

    def look_up(self, item: Payload) -> Variable | str:
        """Know nothing of it."""
        found = super().look_up(item)
        return "UnknownVariable" if isinstance(found, Variable) and found.name == GONE else found


class SettingAdded(ReferenceStation):
    """Has a variable more, from an update that nobody announced."""

    breaks = "BASELINE.VARIABLES.02"

    def build_model(self) -> DeviceModel:
        """Add it."""
        model = super().build_model()
        model.add(Variable(Component("HalfmoonCloud"), "Enabled", "boolean", READ_WRITE, "true"))
        return model


class SettingMoved(Altered):
    """Has another value than it was given."""

    breaks = "BASELINE.VALUE.01"
    target = "TxCtrlr.EVConnectionTimeOut"
    field, becomes = "value", "121"


class SettingNamedOtherwise(Altered):
    """Has an identity that is none of this fleet."""

    breaks = "BASELINE.VALUE.01"
    target = "SecurityCtrlr.Identity"
    field, becomes = "value", "OTHER"


class SettingLocked(Altered):
    """Lets nobody set any more what could be set."""

    breaks = "BASELINE.MUTABILITY.01"
    target = "TxCtrlr.EVConnectionTimeOut"
    field, becomes = "mutability", READ_ONLY


class SettingNarrowed(Altered):
    """Takes fewer values than before."""

    breaks = "BASELINE.LIMITS.01"
    target = "TxCtrlr.EVConnectionTimeOut"
    field, becomes = "maxLimit", 9


class SettingOfOtherType(Altered):
    """Takes a text where it took a number."""

    breaks = "BASELINE.LIMITS.01"
    target = "OCPPCommCtrlr.ResetRetries"
    field, becomes = "dataType", "string"
