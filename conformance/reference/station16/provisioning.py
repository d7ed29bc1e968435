"""Boot, registration, heartbeat and clock (4.2, 4.6)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from conformance.reference.station.clock import parse_moment
from conformance.reference.station.rpc import ConnectionLostError, NotSentError, Payload, RpcError
from conformance.reference.station16.transactions import Transactions16

if TYPE_CHECKING:
    from conformance.reference.station16.config import StationConfig16
    from conformance.reference.station16.configuration import Key


LONGEST_WITHOUT_HEARTBEAT = 86_400.0


class Provisioning16(Transactions16):
    """Registers the station with the Central System and stays in touch."""

    def __init__(self, config: StationConfig16) -> None:
        """Start unregistered."""
        super().__init__(config)
        self.security_event = "StartupOfTheDevice"
        self.last_heartbeat = 0.0
        self._boot_now = asyncio.Event()
        self._heartbeat_changed = asyncio.Event()

    # -- registration

    async def registration_loop(self) -> None:
        """Send BootNotification until the Central System accepts it."""
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
        elif action == "Heartbeat":
            self.set_clock(result["currentTime"])

    def boot_payload(self) -> Payload:
        """Return the BootNotification.req."""
        nameplate = self.config.nameplate
        return {
            "chargePointVendor": nameplate.vendor,
            "chargePointModel": nameplate.model,
            "chargePointSerialNumber": nameplate.serial_number,
            "firmwareVersion": nameplate.firmware_version,
        }

    def booted(self, answer: Payload) -> None:
        """Adopt what BootNotification.conf says: status, time, heartbeat interval."""
        self.registration = answer["status"]
        self.set_clock(answer["currentTime"])
        if self.accepted:
            self.last_heartbeat = asyncio.get_running_loop().time()
            interval = self.heartbeat_interval_from_boot(answer["interval"])
            if interval is not None:
                self.configuration["HeartbeatInterval"].value = str(interval)
            self._heartbeat_changed.set()
            self.after_acceptance()

    def heartbeat_interval_from_boot(self, interval: int) -> int | None:
        """Return the heartbeat interval to adopt, None to keep the own one: 0 leaves it to the station."""
        return interval if interval > 0 else None

    def boot_retry_wait(self, answer: Payload) -> float:
        """Return the seconds until the next BootNotification; with interval 0 the station chooses (4.2)."""
        interval: int = answer["interval"]
        return float(interval) if interval > 0 else self.config.own_boot_interval

    async def await_boot_retry(self, wait: float) -> None:
        """Wait for the interval to pass, or for the Central System to trigger a BootNotification."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._boot_now.wait()

    def boot_on_request(self) -> None:
        """Send the next BootNotification now."""
        self._boot_now.set()

    def after_acceptance(self) -> None:
        """Do what is due once accepted: statuses, security event, what was held back."""
        self.reported = {number: self.status(number) for number in self.places()}
        for number in self.places_to_report_after_boot():
            self.notify_status(number)
        if self.config.security_extension:
            self.notify_security_event(self.security_event)
        self.tasks.start(self.keep_reservation())
        for connector in self.connectors.values():
            if self.connector_status(connector) == "Preparing" and not self.start_if_ready(connector):
                self.tasks.start(self.await_user(connector, connector.session))
        self.wake_sender()

    def places_to_report_after_boot(self) -> list[int]:
        """Return the connectorIds to report after Accepted: 0 and all connectors (errata 3.22)."""
        return self.places()

    def notify_security_event(self, event: str) -> None:
        """Queue a critical security event for certain delivery (whitepaper A04.FR.01/02)."""
        self.send_surely("SecurityEventNotification", {"type": event, "timestamp": self.clock.stamp()})

    def connected(self, offline_seconds: float | None) -> None:
        """Bring the Central System up to date after a plain reconnect, without another BootNotification."""
        self._heartbeat_changed.set()
        if offline_seconds is not None and self.accepted:
            self.report_after_reconnect()

    # -- heartbeat and clock

    async def heartbeat_loop(self) -> None:
        """Send a Heartbeat whenever nothing was sent for the interval (4.6)."""
        while True:
            await self.link_up.wait()
            wait = self.heartbeat_due() - asyncio.get_running_loop().time() if self.accepted else None
            if wait is not None and wait <= 0:
                await self.heartbeat()
                continue
            self._heartbeat_changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._heartbeat_changed.wait()

    def heartbeat_due(self) -> float:
        """Return when the next Heartbeat is due, on the loop's clock: one a day even when much else is sent (4.6)."""
        due = self.last_sent + self.configuration.number("HeartbeatInterval")
        return min(due, self.last_heartbeat + LONGEST_WITHOUT_HEARTBEAT)

    async def heartbeat(self, *, asked: bool = False) -> None:
        """Send a Heartbeat; its answer sets the clock."""
        self.last_heartbeat = asyncio.get_running_loop().time()
        with contextlib.suppress(RpcError, TimeoutError, ConnectionLostError, NotSentError):
            await self.call("Heartbeat", {}, asked=asked)

    def set_clock(self, current_time: str) -> None:
        """Set the clock to what the Central System says it is."""
        moment = parse_moment(current_time)
        if moment is not None:
            self.clock.set(moment)
            self.storage["clock_offset"] = self.clock.offset

    def key_changed(self, key: Key) -> None:
        """Make a new heartbeat interval effective at once."""
        super().key_changed(key)
        if key.name == "HeartbeatInterval":
            self._heartbeat_changed.set()
