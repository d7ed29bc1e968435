"""The WebSocket link: dialling, back-off, network profiles, ping, loss and return (Part 4 chapter 5, B10)."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import random
from typing import TYPE_CHECKING
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.typing import Subprotocol

from conformance.reference.station.device_model import Component
from conformance.reference.station.messaging import Messaging
from conformance.reference.station.security_events import SecurityEvents

if TYPE_CHECKING:
    from conformance.reference.station.config import StationConfig
    from conformance.reference.station.device_model import Variable
    from conformance.reference.station.rpc import Payload

SHORTEST_WAIT = 0.02
CLOSE_PATIENCE = 0.2
PONG_PATIENCE = 10.0
OPEN_PATIENCE = 10.0


class Dialling(SecurityEvents):
    """Keeps a link to the CSMS up for as long as the station runs."""

    def __init__(self, config: StationConfig) -> None:
        """Start with a network, but no link."""
        super().__init__(config)
        self.network_up = asyncio.Event()
        self.network_up.set()
        self._offline_since: float | None = None
        self._ping_changed = asyncio.Event()

    async def cut_network(self) -> None:
        """Take the network away: the link breaks without a goodbye, and no attempt is made."""
        self.network_up.clear()
        await self.abort_link()

    async def restore_network(self) -> None:
        """Bring the network back; the station then reconnects after its first back-off."""
        self.network_up.set()

    async def abort_link(self) -> None:
        """Drop the link without a closing handshake."""
        if (link := self.link) is not None:
            link.transport.abort()
            await link.wait_closed()

    async def close_link(self) -> None:
        """Close the link in order; a CSMS that doesn't take part gets a short time only."""
        if (link := self.link) is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_PATIENCE):
                    await link.close(1001, "reset")
            link.transport.abort()

    async def connection_loop(self) -> None:
        """Dial, serve, and dial again, for as long as the station runs."""
        self._offline_since = None
        self.begin_dialling()
        attempt = 0
        while True:
            if not self.network_up.is_set():
                await self.network_up.wait()
                attempt = 1
            if attempt:
                await asyncio.sleep(self.reconnect_wait(attempt))
            if not self.network_up.is_set():
                continue
            slot = self.slot_to_dial()
            link = await self.dial(slot)
            if link is None:
                attempt += 1
                self.dial_failed(slot)
                continue
            attempt = 1
            await self._serve(link, slot)

    def begin_dialling(self) -> None:
        """Hear that a boot begins to look for its CSMS."""

    def dial_failed(self, slot: str) -> None:
        """Hear that an attempt to connect failed."""

    def reconnect_wait(self, attempt: int) -> float:
        """Return the seconds before reconnection attempt `attempt` (from 1)."""
        raise NotImplementedError

    def slot_to_dial(self) -> str:
        """Return which of the addresses it knows the station tries next."""
        raise NotImplementedError

    def url(self, slot: str) -> str:
        """Return the address to dial, identity included."""
        raise NotImplementedError

    def handshake_headers(self) -> dict[str, str]:
        """Return the headers of the handshake that HTTP Basic authentication needs."""
        raise NotImplementedError

    async def dial(self, slot: str) -> ClientConnection | None:
        """Try once to connect; None when it failed."""
        try:
            link = await connect(
                self.url(slot),
                subprotocols=[Subprotocol(name) for name in self.config.subprotocols],
                additional_headers=self.handshake_headers(),
                ssl=self.config.ssl_context,
                ping_interval=None,
                open_timeout=OPEN_PATIENCE,
                close_timeout=CLOSE_PATIENCE,
                max_size=None,
                proxy=None,
            )
        except (OSError, TimeoutError, InvalidHandshake, InvalidURI, EOFError, ValueError):
            return None
        if link.subprotocol not in self.config.subprotocols or not self.network_up.is_set():
            link.transport.abort()
            return None
        return link

    async def _serve(self, link: ClientConnection, slot: str) -> None:
        """Read from a link until it goes."""
        self.link = link
        pings = self.tasks.start(self._ping_loop(link))
        self._arrived(slot)
        try:
            async for message in link:
                await self.receive(message)
        except ConnectionClosed:
            pass
        finally:
            pings.cancel()
            self._departed(link)

    def _arrived(self, slot: str) -> None:
        """Note that the link is up, and tell the layers above."""
        self.link_found(slot)
        offline_seconds = None
        if self._offline_since is not None:
            offline_seconds = asyncio.get_running_loop().time() - self._offline_since
        self.link_up.set()
        self.connected(offline_seconds)
        self.wake_sender()

    def link_found(self, slot: str) -> None:
        """Hear which address answered."""

    def _departed(self, link: ClientConnection) -> None:
        """Note that the link is down, and tell the layers above."""
        self.note_link_lost(link)
        self._offline_since = asyncio.get_running_loop().time()
        self.drop_link_jobs()
        self.disconnected()

    def ping_interval(self) -> float:
        """Return the seconds between pings, 0 for none."""
        raise NotImplementedError

    async def _ping_loop(self, link: ClientConnection) -> None:
        """Ping, and drop a link that doesn't pong."""
        while True:
            interval = self.ping_interval()
            self._ping_changed.clear()
            try:
                async with asyncio.timeout(interval or None):
                    await self._ping_changed.wait()
                continue
            except TimeoutError:
                pass
            try:
                async with asyncio.timeout(min(interval, PONG_PATIENCE)):
                    await (await link.ping())
            except TimeoutError:
                link.transport.abort()
            except ConnectionClosed:
                return

    def ping_interval_changed(self) -> None:
        """Make a new ping interval effective at once."""
        self._ping_changed.set()


class Connection(Dialling, Messaging):
    """The link of a 2.0.1 station: its network profiles, and the variables that govern it."""

    def __init__(self, config: StationConfig) -> None:
        """Start with a network, but no link."""
        super().__init__(config)
        self._failures = 0
        self._position = 0
        self._good_slot: str | None = None
        self._slots: tuple[str, ...] = ("1",)
        self._coming_back = False
        self._profiles: dict[str, Payload] = {}

    def begin_dialling(self) -> None:
        """Begin with the first network profile; what is stored from now on is for the next boot (B09)."""
        self._failures = self._position = 0
        self._good_slot = None
        self._slots = self.slots_at_boot()
        self._profiles = dict(self.storage.get("network_profiles", {}))

    def dial_failed(self, slot: str) -> None:  # noqa: ARG002
        """Count the failures of a network profile."""
        self._failures += 1

    def reconnect_wait(self, attempt: int) -> float:
        """Return the seconds before reconnection attempt `attempt` (from 1), as Part 4 section 5.3 has it."""
        if self._coming_back and attempt == 1:
            return SHORTEST_WAIT
        minimum = self.model.number("OCPPCommCtrlr", "RetryBackOffWaitMinimum")
        spread = self.model.number("OCPPCommCtrlr", "RetryBackOffRandomRange")
        doublings = min(attempt - 1, int(self.model.number("OCPPCommCtrlr", "RetryBackOffRepeatTimes")))
        wait = minimum * 2.0**doublings + random.uniform(0, spread)
        return max(wait, SHORTEST_WAIT)

    def slots_at_boot(self) -> tuple[str, ...]:
        """Return NetworkConfigurationPriority as it was at the boot: a new one needs a reboot (B10.FR.01/04)."""
        return self.model.members("OCPPCommCtrlr", "NetworkConfigurationPriority") or ("1",)

    def slot_to_dial(self) -> str:
        """Return the configuration slot to try next (B10.FR.03/04/07)."""
        slots = self._slots
        if self._failures >= self.attempts_allowed():
            self._failures = 0
            self._position += 1
        if self._position < len(slots):
            return slots[self._position]
        return self.last_good_slot(slots)

    def attempts_allowed(self) -> int:
        """Return how often a network profile is tried before the next one."""
        return int(self.model.number("OCPPCommCtrlr", "NetworkProfileConnectionAttempts"))

    def last_good_slot(self, slots: tuple[str, ...]) -> str:
        """Return the slot that last worked, or begin the list again when none ever did."""
        last: str | None = self.storage.get("last_good_slot")
        if last is not None:
            return last
        self._position = 0
        return slots[0]

    def network_profile(self, slot: str) -> Payload:
        """Return the NetworkConnectionProfile of a slot; slot 1 comes from the factory."""
        return self._profiles.get(slot) or {"ocppCsmsUrl": self.config.csms_url}

    def url(self, slot: str) -> str:
        """Return the address to dial: the CSMS's, then the percent-encoded identity."""
        base = str(self.network_profile(slot)["ocppCsmsUrl"]).rstrip("/")
        return f"{base}/{quote(self.config.identity, safe='')}"

    def handshake_headers(self) -> dict[str, str]:
        """Return the Authorization header when there is a password (A00.FR.204/205)."""
        password = self.model.text("SecurityCtrlr", "BasicAuthPassword")
        if not password:
            return {}
        token = base64.b64encode(f"{self.config.identity}:{password}".encode()).decode()
        return {"Authorization": f"Basic {token}"}

    def link_found(self, slot: str) -> None:
        """Note which network profile works."""
        self._coming_back = False
        self.model.find(Component("OCPPCommCtrlr"), "ActiveNetworkProfile").value = slot
        self.storage["last_good_slot"] = slot
        if self._good_slot not in (None, slot):
            self.profile_switched()
        self._good_slot = slot
        self._failures = self._position = 0

    def profile_switched(self) -> None:
        """Hear that the link goes to another CSMS than before (B10.FR.10)."""

    async def come_back(self) -> None:
        """Drop the link for a new one, without any back-off: nothing has failed."""
        self._coming_back = True
        await self.close_link()

    def ping_interval(self) -> float:
        """Return the seconds between pings, 0 for none."""
        return self.model.number("OCPPCommCtrlr", "WebSocketPingInterval")

    def variable_changed(self, variable: Variable) -> None:
        """Make a new ping interval effective at once, and come back with a new password (A01)."""
        if variable.name == "WebSocketPingInterval":
            self.ping_interval_changed()
        elif variable.name == "BasicAuthPassword":
            self.after_answer(self.come_back)
