"""Boot, registration, heartbeat and clock (B01, B02, B03, G02)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from conformance.reference.station.clock import parse_moment
from conformance.reference.station.device_model import Component, Variable
from conformance.reference.station.rpc import ConnectionLostError, NotSentError, Payload, RpcError
from conformance.reference.station.transactions import Transactions

if TYPE_CHECKING:
    from conformance.reference.station.config import StationConfig

CONTROLLER = Component("OCPPCommCtrlr")


class Provisioning(Transactions):
    """Registers the station with the CSMS and stays in touch."""

    def __init__(self, config: StationConfig) -> None:
        """Start unregistered."""
        super().__init__(config)
        self.cause = "PowerUp"
        self.triggered = False
        self._boot_now = asyncio.Event()
        self._heartbeat_changed = asyncio.Event()

    # -- registration

    async def registration_loop(self) -> None:
        """Send BootNotification until the CSMS accepts it."""
        while not self.accepted:
            await self.link_up.wait()
            self._boot_now.clear()
            try:
                answer = await self.call("BootNotification", self.boot_payload())
            except ConnectionLostError:
                continue
            except (RpcError, TimeoutError, NotSentError):
                wait = self.config.own_boot_interval
            else:
                wait = self.boot_retry_wait(answer)
            if not self.accepted:
                await self.await_boot_retry(wait)

    def result_arrived(self, action: str, payload: Payload, result: Payload) -> None:
        """Adopt what the answers to BootNotification and Heartbeat bring."""
        super().result_arrived(action, payload, result)
        if action == "BootNotification":
            self.booted(result)
        elif action == "Heartbeat" and self.clock_follows_heartbeat():
            self.set_clock(result["currentTime"])

    def boot_reason(self) -> str:
        """Return the BootReason of the message to send now (B01.FR.09)."""
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

    def booted(self, answer: Payload) -> None:
        """Adopt what a BootNotificationResponse says: status, time, heartbeat interval."""
        self.registration = answer["status"]
        if self.clock_follows_heartbeat():
            self.set_clock(answer["currentTime"])
        if self.accepted:
            interval = self.heartbeat_interval_from_boot(answer["interval"])
            if interval is not None:
                self.model.find(CONTROLLER, "HeartbeatInterval").value = str(interval)
            self._heartbeat_changed.set()
            self.after_acceptance()

    def heartbeat_interval_from_boot(self, interval: int) -> int | None:
        """Return the heartbeat interval to adopt, None to keep the own one (B01.FR.04)."""
        return interval if interval > 0 else None

    def boot_retry_wait(self, answer: Payload) -> float:
        """Return the seconds until the next BootNotification (B02.FR.07/08, B03.FR.05/06)."""
        interval: int = answer["interval"]
        return float(interval) if interval > 0 else self.config.own_boot_interval

    async def await_boot_retry(self, wait: float) -> None:
        """Wait for the interval to pass, or for the CSMS to ask for a BootNotification (B02.FR.04)."""
        self.triggered = False
        try:
            async with asyncio.timeout(wait):
                await self._boot_now.wait()
        except TimeoutError:
            return
        self.triggered = True

    def boot_on_request(self) -> None:
        """Send the next BootNotification now, with reason Triggered."""
        self._boot_now.set()

    def after_acceptance(self) -> None:
        """Do what is due once accepted: statuses, security event, what was held back."""
        for spot in self.connectors_to_report_after_boot():
            self.notify_status(*spot)
        if (event := self.startup_security_event()) is not None:
            self.notify_security_event(event)
        self.start_after_boot()
        self.wake_sender()

    def connectors_to_report_after_boot(self) -> list[tuple[int, int]]:
        """Return the connectors to report after Accepted: all of them (B01.FR.05)."""
        return self.connectors()

    def startup_security_event(self) -> str | None:
        """Return the security event that a boot is (A04.FR.01, list of security events)."""
        return "StartupOfTheDevice" if self.cause == "PowerUp" else "ResetOrReboot"

    def notify_security_event(self, event: str) -> None:
        """Queue a critical security event for certain delivery (A04.FR.02)."""
        self.send_surely("SecurityEventNotification", {"type": event, "timestamp": self.clock.stamp()})

    def connected(self, offline_seconds: float | None) -> None:
        """Bring the CSMS up to date after a plain reconnect, without another BootNotification."""
        self._heartbeat_changed.set()
        if offline_seconds is not None and self.accepted:
            self.after_reconnect(offline_seconds)

    def profile_switched(self) -> None:
        """Register anew with the CSMS of another network profile (B10.FR.10)."""
        if self.accepted:
            self.registration = None
            self.tasks.start(self.registration_loop())

    # -- heartbeat and clock

    async def heartbeat_loop(self) -> None:
        """Send a Heartbeat whenever nothing was sent for the interval (G02.FR.02/05)."""
        while True:
            await self.link_up.wait()
            wait = self.heartbeat_due() - asyncio.get_running_loop().time() if self.accepted else None
            if wait is not None and wait <= 0:
                await self.heartbeat()
                continue
            self._heartbeat_changed.clear()
            try:
                async with asyncio.timeout(wait):
                    await self._heartbeat_changed.wait()
            except TimeoutError:
                continue

    def heartbeat_due(self) -> float:
        """Return when the next Heartbeat is due, on the loop's clock."""
        return self.last_sent + self.model.number("OCPPCommCtrlr", "HeartbeatInterval")

    async def heartbeat(self, *, asked: bool = False) -> None:
        """Send a Heartbeat; its answer sets the clock (G02.FR.06)."""
        with contextlib.suppress(RpcError, TimeoutError, ConnectionLostError, NotSentError):
            await self.call("Heartbeat", {}, asked=asked)

    def clock_follows_heartbeat(self) -> bool:
        """Tell whether TimeSource has Heartbeat (B01.FR.06)."""
        return "Heartbeat" in self.model.members("ClockCtrlr", "TimeSource")

    def set_clock(self, current_time: str) -> None:
        """Set the clock to what the CSMS says it is."""
        moment = parse_moment(current_time)
        if moment is not None:
            self.clock.set(moment)
            self.storage["clock_offset"] = self.clock.offset

    def variable_changed(self, variable: Variable) -> None:
        """Make a new heartbeat interval effective at once."""
        super().variable_changed(variable)
        if variable.name == "HeartbeatInterval":
            self._heartbeat_changed.set()
