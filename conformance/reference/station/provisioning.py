"""Boot, registration, heartbeat and clock (B01, B02, B03, G02)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station.device_model import Component, Variable
from conformance.reference.station.kept_profiles import KeptProfiles
from conformance.reference.station.registration import Registration

if TYPE_CHECKING:
    from conformance.reference.station.config import StationConfig
    from conformance.reference.station.rpc import Payload

CONTROLLER = Component("OCPPCommCtrlr")


class Provisioning(Registration, KeptProfiles):
    """What a 2.0.1 station tells of itself when it boots, and what governs its heartbeat and clock."""

    def __init__(self, config: StationConfig) -> None:
        """Start unregistered."""
        super().__init__(config)
        self.cause = "PowerUp"

    def boot_reason(self) -> str:
        """Return the BootReason of the message to send now (B01.FR.09, B02.FR.04)."""
        return "Triggered" if self.triggered else self.cause

    def boot_payload(self) -> Payload:
        """Return the BootNotificationRequest."""
        nameplate = self.config.nameplate
        return {
            "reason": self.boot_reason(),
            "chargingStation": {
                "model": nameplate.model,
                "vendorName": nameplate.vendor,
                "serialNumber": nameplate.serial_number,
                "firmwareVersion": nameplate.firmware_version,
            },
        }

    def adopt_heartbeat_interval(self, interval: int) -> None:
        """Take over the interval of BootNotificationResponse (B01.FR.04)."""
        self.model.find(CONTROLLER, "HeartbeatInterval").value = str(interval)

    def after_acceptance(self) -> None:
        """Do what is due once accepted: statuses, security event, what was held back."""
        for spot in self.connectors_to_report_after_boot():
            self.notify_status(*spot)
        if (event := self.startup_security_event()) is not None:
            self.security_event_happened(event)
        self.start_after_boot()
        self.wake_sender()

    def connectors_to_report_after_boot(self) -> list[tuple[int, int]]:
        """Return the connectors to report after Accepted: all of them (B01.FR.05)."""
        return self.connectors()

    def startup_security_event(self) -> str | None:
        """Return the security event that a boot is (A04.FR.01, list of security events)."""
        return "StartupOfTheDevice" if self.cause == "PowerUp" else "ResetOrReboot"

    def profile_switched(self) -> None:
        """Register anew with the CSMS of another network profile (B10.FR.10)."""
        if self.accepted:
            self.registration = None
            self.tasks.start(self.registration_loop())

    def heartbeat_due(self) -> float:
        """Return when the next Heartbeat is due, on the loop's clock (G02.FR.02/05)."""
        return self.last_sent + self.model.number("OCPPCommCtrlr", "HeartbeatInterval")

    def clock_follows_heartbeat(self) -> bool:
        """Tell whether TimeSource has Heartbeat (B01.FR.06, G02.FR.06)."""
        return "Heartbeat" in self.model.members("ClockCtrlr", "TimeSource")

    def set_clock(self, current_time: str) -> None:
        """Let what goes by the clock follow."""
        super().set_clock(current_time)
        self.clock_was_set()

    def variable_changed(self, variable: Variable) -> None:
        """Make a new heartbeat interval effective at once."""
        super().variable_changed(variable)
        if variable.name == "HeartbeatInterval":
            self.heartbeat_interval_changed()
