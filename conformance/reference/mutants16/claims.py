"""Mutants that are not the station that they are claimed to be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.reference.station16 import ReferenceStation16

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload
    from conformance.reference.station16.config import StationConfig16
    from conformance.reference.station16.configuration import Key


class _OtherNameplate(ReferenceStation16):
    """Bears another nameplate."""

    field = ""
    says = ""

    def boot_payload(self) -> Payload:
        """Change one line of it."""
        return {**super().boot_payload(), self.field: self.says}


class OtherVendor(_OtherNameplate):
    """Was made by somebody else."""

    breaks = "16.CLAIM.IDENTITY.01"
    field, says = "chargePointVendor", "Crescent"


class OtherModel(_OtherNameplate):
    """Is another model."""

    breaks = "16.CLAIM.IDENTITY.01"
    field, says = "chargePointModel", "Tideway 11"


class OtherSerialNumber(_OtherNameplate):
    """Is another piece."""

    breaks = "16.CLAIM.IDENTITY.02"
    field, says = "chargePointSerialNumber", "HM-0000-0815"


class SerialNumberLeftOut(ReferenceStation16):
    """Does not say which piece it is."""

    breaks = "16.CLAIM.IDENTITY.02"

    def boot_payload(self) -> Payload:
        """Leave it out, which is allowed to all who claim none."""
        payload = super().boot_payload()
        del payload["chargePointSerialNumber"]
        return payload


class OtherFirmware(_OtherNameplate):
    """Runs another firmware."""

    breaks = "16.CLAIM.IDENTITY.03"
    field, says = "firmwareVersion", "3.9.0"


class SmallerThanClaimed(ReferenceStation16):
    """Has one connector less than it is claimed to have, and knows it."""

    breaks = "16.CLAIM.CONNECTOR.01"
    also = ("16.CLAIM.STATUS.01", "16.BOOT.06")

    def __init__(self, config: StationConfig16) -> None:
        """Leave the last EVSE out."""
        super().__init__(replace(config, evses=config.evses[:-1]))


class ConnectorsMiscounted(ReferenceStation16):
    """Says that it has one connector more than it has."""

    breaks = "16.CONFIG.17"
    also = ("16.CLAIM.CONNECTOR.01",)

    def readable_value(self, key: Key) -> str | None:
        """Count itself."""
        return str(len(self.connectors) + 1) if key.name == "NumberOfConnectors" else super().readable_value(key)


class GapInNumbers(ReferenceStation16):
    """Numbers its last connector as if there were one before it that is missing."""

    breaks = "16.STATUS.17"
    also = ("16.CLAIM.STATUS.01", "16.BOOT.06")

    def status_payload(self, number: int) -> Payload:
        """Skip a number."""
        payload = super().status_payload(number)
        return payload | {"connectorId": number + 1} if number == len(self.connectors) else payload


class ConnectorTooMany(ReferenceStation16):
    """Reports a connector that nobody has ever seen."""

    breaks = "16.CLAIM.STATUS.01"
    also = ("16.STATUS.17", "16.CONFIG.17")

    def after_acceptance(self) -> None:
        """Report one more."""
        super().after_acceptance()
        ghost = self.status_payload(len(self.connectors)) | {"connectorId": len(self.connectors) + 1}
        self.send("StatusNotification", ghost)


class ConnectorNeverReported(ReferenceStation16):
    """Never says a word of its last connector."""

    breaks = "16.CLAIM.STATUS.01"
    also = ("16.BOOT.06", "16.CONFIG.17", "16.STATUS.17")

    def notify_status(self, number: int, *, asked: bool = False) -> None:
        """Keep quiet about it."""
        if number != len(self.connectors):
            super().notify_status(number, asked=asked)


class ProfileUnnamed(ReferenceStation16):
    """Does not say that its messages can be triggered."""

    breaks = "16.CLAIM.FEATURE.01"

    def readable_value(self, key: Key) -> str | None:
        """Leave the last but one out."""
        value = super().readable_value(key)
        return (value or "").replace(",RemoteTrigger", "") if key.name == "SupportedFeatureProfiles" else value


class ProfileBoasted(ReferenceStation16):
    """Says that its firmware can be updated, which nobody claims for it."""

    breaks = "16.CLAIM.FEATURE.02"

    def readable_value(self, key: Key) -> str | None:
        """Add one."""
        value = super().readable_value(key)
        return f"{value},FirmwareManagement" if key.name == "SupportedFeatureProfiles" else value
