"""Boot, registration, heartbeat and clock (4.2, 4.6)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from conformance.reference.station.registration import Registration
from conformance.reference.station16.smart_charging import SmartCharging16

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload
    from conformance.reference.station16.config import StationConfig16
    from conformance.reference.station16.configuration import Key


LONGEST_WITHOUT_HEARTBEAT = 86_400.0


class Provisioning16(Registration, SmartCharging16):
    """What a 1.6 station tells of itself when it boots, and what governs its heartbeat."""

    config: StationConfig16

    def __init__(self, config: StationConfig16) -> None:
        """Start unregistered."""
        super().__init__(config)
        self.security_event = "StartupOfTheDevice"
        self.last_heartbeat = 0.0

    def boot_payload(self) -> Payload:
        """Return the BootNotification.req."""
        nameplate = self.config.nameplate
        return {
            "chargePointVendor": nameplate.vendor,
            "chargePointModel": nameplate.model,
            "chargePointSerialNumber": nameplate.serial_number,
            "firmwareVersion": nameplate.firmware_version,
        }

    def adopt_heartbeat_interval(self, interval: int) -> None:
        """Take over the interval of BootNotification.conf (4.2)."""
        self.configuration["HeartbeatInterval"].value = str(interval)

    def after_acceptance(self) -> None:
        """Do what is due once accepted: statuses, security event, what was held back."""
        self.last_heartbeat = asyncio.get_running_loop().time()
        self.reported = {number: self.status(number) for number in self.places()}
        for number in self.places_to_report_after_boot():
            self.notify_status(number)
        if self.config.security_extension:
            self.security_event_happened(self.security_event)
        self.tasks.start(self.keep_reservation())
        for connector in self.connectors.values():
            if self.connector_status(connector) == "Preparing" and not self.start_if_ready(connector):
                self.tasks.start(self.await_user(connector, connector.session))
        self.wake_sender()

    def places_to_report_after_boot(self) -> list[int]:
        """Return the connectorIds to report after Accepted: 0 and all connectors (errata 3.22)."""
        return self.places()

    def heartbeat_due(self) -> float:
        """Return when the next Heartbeat is due, on the loop's clock: one a day even when much else is sent (4.6)."""
        due = self.last_sent + self.configuration.number("HeartbeatInterval")
        return min(due, self.last_heartbeat + LONGEST_WITHOUT_HEARTBEAT)

    async def heartbeat(self, *, asked: bool = False) -> None:
        """Send a Heartbeat, and remember when."""
        self.last_heartbeat = asyncio.get_running_loop().time()
        await super().heartbeat(asked=asked)

    def key_changed(self, key: Key) -> None:
        """Make a new heartbeat interval effective at once."""
        super().key_changed(key)
        if key.name == "HeartbeatInterval":
            self.heartbeat_interval_changed()
