"""Registration, heartbeat and clock, as stations of all editions have them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from conformance.reference.station.clock import parse_moment
from conformance.reference.station.rpc import ConnectionLostError, NotSentError, Payload, RpcError
from conformance.reference.station.security_events import SecurityEvents

if TYPE_CHECKING:
    from conformance.reference.station.config import StationConfig


class Registration(SecurityEvents):
    """Registers the station with the CSMS and stays in touch."""

    def __init__(self, config: StationConfig) -> None:
        """Start unregistered."""
        super().__init__(config)
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

    def boot_payload(self) -> Payload:
        """Return the request of BootNotification."""
        raise NotImplementedError

    def booted(self, answer: Payload) -> None:
        """Adopt what the answer to BootNotification says: status, time, heartbeat interval."""
        self.registration = answer["status"]
        if self.clock_follows_heartbeat():
            self.set_clock(answer["currentTime"])
        if self.accepted:
            interval = self.heartbeat_interval_from_boot(answer["interval"])
            if interval is not None:
                self.adopt_heartbeat_interval(interval)
            self.heartbeat_interval_changed()
            self.after_acceptance()

    def heartbeat_interval_from_boot(self, interval: int) -> int | None:
        """Return the heartbeat interval to adopt, None to keep the own one: 0 leaves it to the station."""
        return interval if interval > 0 else None

    def adopt_heartbeat_interval(self, interval: int) -> None:
        """Make an interval the one that the CSMS can read."""
        raise NotImplementedError

    def boot_retry_wait(self, answer: Payload) -> float:
        """Return the seconds until the next BootNotification: with interval 0 the station chooses."""
        interval: int = answer["interval"]
        return float(interval) if interval > 0 else self.config.own_boot_interval

    async def await_boot_retry(self, wait: float) -> None:
        """Wait for the interval to pass, or for the CSMS to ask for a BootNotification."""
        self.triggered = False
        try:
            async with asyncio.timeout(wait):
                await self._boot_now.wait()
        except TimeoutError:
            return
        self.triggered = True

    def boot_on_request(self) -> None:
        """Send the next BootNotification now, because the CSMS asked for it."""
        self._boot_now.set()

    def after_acceptance(self) -> None:
        """Do what is due once accepted: statuses, security event, what was held back."""
        raise NotImplementedError

    def connected(self, offline_seconds: float | None) -> None:
        """Bring the CSMS up to date after a plain reconnect, without another BootNotification."""
        self.heartbeat_interval_changed()
        if offline_seconds is not None and self.accepted:
            self.after_reconnect(offline_seconds)

    # -- heartbeat and clock

    async def heartbeat_loop(self) -> None:
        """Send a Heartbeat whenever nothing was sent for the interval."""
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
        """Return when the next Heartbeat is due, on the loop's clock."""
        raise NotImplementedError

    def heartbeat_interval_changed(self) -> None:
        """Make a new heartbeat interval effective at once."""
        self._heartbeat_changed.set()

    async def heartbeat(self, *, asked: bool = False) -> None:
        """Send a Heartbeat; its answer sets the clock."""
        with contextlib.suppress(RpcError, TimeoutError, ConnectionLostError, NotSentError):
            await self.call("Heartbeat", {}, asked=asked)

    def clock_follows_heartbeat(self) -> bool:
        """Tell whether the CSMS sets the clock."""
        return True

    def set_clock(self, current_time: str) -> None:
        """Set the clock to what the CSMS says it is."""
        moment = parse_moment(current_time)
        if moment is not None:
            self.clock.set(moment)
            self.storage["clock_offset"] = self.clock.offset
