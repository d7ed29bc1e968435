"""The WebSocket link of a station of any edition: dialling, ping, loss and return."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.typing import Subprotocol

from conformance.reference.station.security_events import SecurityEvents

if TYPE_CHECKING:
    from conformance.reference.station.config import StationConfig

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
        self.coming_back = False

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

    async def come_back(self) -> None:
        """Drop the link for a new one, without any back-off: nothing has failed."""
        self.coming_back = True
        await self.close_link()

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
            link = await self.open_link(slot)
        except (OSError, TimeoutError, InvalidHandshake, InvalidURI, EOFError, ValueError):
            return None
        if link.subprotocol not in self.config.subprotocols or not self.network_up.is_set():
            link.transport.abort()
            return None
        return link

    async def open_link(self, slot: str) -> ClientConnection:
        """Open a link without TLS; raises what `dial` takes for a failure."""
        return await connect(
            self.url(slot),
            subprotocols=self.subprotocols(),
            additional_headers=self.handshake_headers(),
            ping_interval=None,
            open_timeout=OPEN_PATIENCE,
            close_timeout=CLOSE_PATIENCE,
            max_size=None,
            proxy=None,
        )

    def subprotocols(self) -> list[Subprotocol]:
        """Return what is offered in the handshake."""
        return [Subprotocol(name) for name in self.config.subprotocols]

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
        self.coming_back = False
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
