"""Mutants of the inventory: a station that is not what it claims, or does not agree with itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.mutants.reports import Altered, Lacking
from conformance.reference.station import ReferenceStation
from conformance.reference.station.device_model import READ_ONLY, Component, Variable

if TYPE_CHECKING:
    from conformance.reference.station.device_model import DeviceModel
    from conformance.reference.station.rpc import Payload

# -- what it claims


class Additional(ReferenceStation):
    """Has a variable that the others don't."""

    component = Component("")
    name, type, value = "Available", "boolean", "true"

    def build_model(self) -> DeviceModel:
        """Add it."""
        model = super().build_model()
        model.add(Variable(self.component, self.name, self.type, READ_ONLY, self.value, constant=True))
        return model


class OtherBoot(ReferenceStation):
    """Introduces itself as another product."""

    field = ""

    def boot_payload(self) -> Payload:
        """Change one thing."""
        payload = super().boot_payload()
        payload["chargingStation"][self.field] = "Other"
        return payload


class OtherVendor(OtherBoot):
    """Is of another make than claimed."""

    breaks = "CLAIM.IDENTITY.01"
    field = "vendorName"


class OtherModel(OtherBoot):
    """Is another model than claimed."""

    breaks = "CLAIM.IDENTITY.01"
    field = "model"


class OtherSerialNumber(OtherBoot):
    """Has another serial number than claimed."""

    breaks = "CLAIM.IDENTITY.02"
    field = "serialNumber"


class OtherFirmware(OtherBoot):
    """Runs another firmware than claimed."""

    breaks = "CLAIM.IDENTITY.03"
    field = "firmwareVersion"


class NoSuchEvse(ReferenceStation):
    """Does not show one of its EVSEs."""

    breaks = "CLAIM.EVSE.01"

    def base_report(self, base: str) -> list[Variable] | None:
        """Leave out the component that stands for it."""
        hidden = Component("EVSE", evse=2)
        return [each for each in super().base_report(base) or [] if each.component != hidden]


class GhostEvse(Additional):
    """Shows an EVSE that it does not have."""

    breaks = "CLAIM.EVSE.02"
    component = Component("EVSE", evse=3)


class EvseShownTwice(Additional):
    """Shows one EVSE under two names."""

    breaks = "CLAIM.EVSE.02"
    component = Component("EVSE", instance="left", evse=1)


class NoSuchConnector(ReferenceStation):
    """Does not show one of its connectors."""

    breaks = "CLAIM.CONNECTOR.01"

    def base_report(self, base: str) -> list[Variable] | None:
        """Leave it out."""
        hidden = Component("Connector", evse=1, connector=2)
        return [each for each in super().base_report(base) or [] if each.component != hidden]


class GhostConnector(Additional):
    """Shows a connector that it does not have."""

    breaks = "CLAIM.CONNECTOR.02"
    component = Component("Connector", evse=2, connector=2)


class ConnectorShownTwice(Additional):
    """Shows one connector under two names."""

    breaks = "CLAIM.CONNECTOR.02"
    component = Component("Connector", instance="left", evse=1, connector=1)


class OtherConnectorType(Altered):
    """Has a connector of another type than claimed."""

    breaks = "CLAIM.CONNECTORTYPE.01"
    target = "Connector@1.2.ConnectorType"
    field, becomes = "value", "cCCS2"


class ConnectorTypeUntold(Lacking):
    """Does not say what type a connector is."""

    breaks = "CLAIM.CONNECTORTYPE.01"
    targets = ("Connector@2.1.ConnectorType",)


class LessPower(Altered):
    """Has an EVSE with half the power claimed."""

    breaks = "CLAIM.POWER.01"
    target = "EVSE@2.Power"
    field, becomes = "maxLimit", 11_000.0


class PowerUntold(Altered):
    """Does not say what power an EVSE has."""

    breaks = "CLAIM.POWER.01"
    target = "EVSE@1.Power"
    field = "maxLimit"


class EvsesNotResettable(ReferenceStation):
    """Says that none of its EVSEs can be reset by itself."""

    breaks = "CLAIM.FEATURE.01"

    def report_entry(self, variable: Variable) -> Payload:
        """Deny it."""
        entry = super().report_entry(variable)
        if variable.name == "AllowReset":
            entry["variableAttribute"][0]["value"] = "false"
        return entry


class UnclaimedReservations(Additional):
    """Says that it takes reservations, which nobody claimed."""

    breaks = "CLAIM.FEATURE.02"
    component = Component("ReservationCtrlr")


# -- where things are


class Readdressed(ReferenceStation):
    """Reports a component at another place than it has."""

    old, new = Component(""), Component("")

    def report_entry(self, variable: Variable) -> Payload:
        """Move it."""
        entry = super().report_entry(variable)
        if variable.component == self.old:
            entry["component"] = self.new.payload()
        return entry


class StationOnAnEvse(Readdressed):
    """Addresses the station as if it were on an EVSE."""

    breaks = "DM.TIER.01"
    old, new = Component("ChargingStation"), Component("ChargingStation", evse=1)


class EvseWithoutId(Additional):
    """Shows an EVSE without saying which."""

    breaks = "DM.TIER.01"
    component = Component("EVSE")


class EvseNumberSkipped(ReferenceStation):
    """Calls its second EVSE 3."""

    breaks = "DM.EVSE.01"

    def report_entry(self, variable: Variable) -> Payload:
        """Renumber it."""
        entry = super().report_entry(variable)
        if variable.component.evse == 2:  # noqa: PLR2004 -- its number
            entry["component"]["evse"]["id"] = 3
        return entry


class ConnectorNumberSkipped(Readdressed):
    """Calls its second connector 3."""

    breaks = "DM.CONNECTOR.01"
    old, new = Component("Connector", evse=1, connector=2), Component("Connector", evse=1, connector=3)


class EntryTwice(ReferenceStation):
    """Reports a variable twice."""

    breaks = "DM.DUPLICATE.01"

    def base_report(self, base: str) -> list[Variable] | None:
        """Repeat the first."""
        variables = super().base_report(base) or []
        return [*variables, variables[0]]


# -- values


class ValueAboveLimit(Altered):
    """Reports a number above its own limit."""

    breaks = "DM.VALUE.03"
    target = "SecurityCtrlr.CertificateEntries"
    field, becomes = "value", "11"


class TextAboveLimit(Altered):
    """Reports a text longer than its own limit."""

    breaks = "DM.VALUE.03"
    target = "SecurityCtrlr.OrganizationName"
    field, becomes = "maxLimit", 4


class StateOfItsOwn(Altered):
    """Has a word of its own for being available."""

    breaks = "DM.VALUE.04"
    target = "EVSE@1.AvailabilityState"

    def alter(self, entry: Payload) -> None:
        """Use it."""
        entry["variableAttribute"][0]["value"] = "Operative"
        entry["variableCharacteristics"]["valuesList"] += ",Operative"


class PhasesBeyondThree(Altered):
    """Says that it has four phases."""

    breaks = "DM.VALUE.04"
    target = "ChargingStation.SupplyPhases"
    field, becomes = "value", "4"


class TargetWithoutValue(Altered):
    """Reports an attribute without a value."""

    breaks = "DM.VALUE.05"
    target = "EVSE@1.Power"

    def alter(self, entry: Payload) -> None:
        """Add a target."""
        entry["variableAttribute"].append({"type": "Target", "mutability": READ_ONLY})


class LimitsCrossed(Altered):
    """Reports a lower limit above the upper one."""

    breaks = "DM.LIMIT.02"
    target = "SecurityCtrlr.BasicAuthPassword"
    field, becomes = "minLimit", 65


class PasswordTooLong(Altered):
    """Takes passwords of more characters than there may be."""

    breaks = "DM.PASSWORD.01"
    target = "SecurityCtrlr.BasicAuthPassword"
    field, becomes = "maxLimit", 65


class PasswordTooShort(Altered):
    """Takes only passwords of fewer characters than everybody must take."""

    breaks = "DM.PASSWORD.01"
    target = "SecurityCtrlr.BasicAuthPassword"
    field, becomes = "maxLimit", 20


class IdentityOfItsOwn(Altered):
    """Shows another identity than it connects with."""

    breaks = "DM.IDENTITY.01"
    target = "SecurityCtrlr.Identity"
    field, becomes = "value", "CS000"


class SlotsUntold(Altered):
    """Does not say which slots it has for network profiles."""

    breaks = "DM.NETWORK.01"
    target = "OCPPCommCtrlr.NetworkConfigurationPriority"
    field = "valuesList"


class ActiveSlotElsewhere(Altered):
    """Uses a network profile that is not among those to be used."""

    breaks = "DM.NETWORK.02"
    target = "OCPPCommCtrlr.ActiveNetworkProfile"
    field, becomes = "value", "3"


class NotPersistent(Altered):
    """Does not say that a setting is kept."""

    breaks = "DM.PERSIST.01"
    target = "OCPPCommCtrlr.OfflineThreshold"
    field, becomes = "persistent", False


class UnitUntold(Altered):
    """Does not say what a number counts."""

    breaks = "DM.UNIT.01"
    target = "OCPPCommCtrlr.OfflineThreshold"
    field = "unit"


class OtherUnit(Altered):
    """Counts milliseconds where seconds are due."""

    breaks = "DM.UNIT.01"
    target = "TxCtrlr.EVConnectionTimeOut"
    field, becomes = "unit", "ms"


class RoomUntold(Altered):
    """Does not say how many certificates fit."""

    breaks = "DM.LIMIT.03"
    target = "SecurityCtrlr.CertificateEntries"
    field = "maxLimit"


# -- agreeing with itself


class InventoryOfOldValues(Altered):
    """Reports a value that it reads otherwise."""

    breaks = "DM.AGREE.01"
    target = "SecurityCtrlr.OrganizationName"
    field, becomes = "value", "Formerly Charging"


class InventoryBeyondReading(Additional):
    """Reports a variable that can't be read."""

    breaks = "DM.AGREE.01"
    component = Component("Antenna")

    def look_up(self, item: Payload) -> Variable | str:
        """Deny it."""
        return "UnknownComponent" if item["component"]["name"] == "Antenna" else super().look_up(item)


class ShrinksOverRestart(ReferenceStation):
    """Has lost a variable when it comes back from a restart."""

    breaks = "DM.AGREE.02"
    starts = 0

    def start_up(self) -> None:
        """Count."""
        self.starts += 1
        super().start_up()

    def base_report(self, base: str) -> list[Variable] | None:
        """Leave one out, except in the first life."""
        variables = super().base_report(base) or []
        return variables if self.starts <= 1 else variables[:-1]


class GrowsOverRestart(ReferenceStation):
    """Has a new variable when it comes back from a restart."""

    breaks = "DM.AGREE.02"
    starts = 0

    def start_up(self) -> None:
        """Count."""
        self.starts += 1
        super().start_up()

    def base_report(self, base: str) -> list[Variable] | None:
        """Leave one out in the first life."""
        variables = super().base_report(base) or []
        return variables if self.starts > 1 else variables[:-1]


class EverySecondInventoryShort(ReferenceStation):
    """Leaves something out of every other inventory."""

    breaks = "DM.AGREE.02"
    asked = 0

    def base_report(self, base: str) -> list[Variable] | None:
        """Leave the last out now and then."""
        self.asked += 1
        variables = super().base_report(base) or []
        return variables if self.asked % 2 else variables[:-1]


class ConnectorAlwaysFree(ReferenceStation):
    """Reads as Available with an EV plugged in, though it notified the change."""

    breaks = "DM.STATE.01"

    def availability_state(self, evse: int | None = None, connector: int | None = None) -> str:
        """See no EV."""
        return "Available" if connector is not None else super().availability_state(evse, connector)


class ConnectorReadsOtherwise(ReferenceStation):
    """Has another word for a free connector in its device model than in its notifications."""

    breaks = "DM.STATE.01"

    def availability_state(self, evse: int | None = None, connector: int | None = None) -> str:
        """Use it."""
        state = super().availability_state(evse, connector)
        return "Unavailable" if connector is not None and state == "Available" else state
