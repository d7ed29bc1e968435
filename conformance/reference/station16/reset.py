"""Power, reboot and Reset (5.14)."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING

from conformance.reference.station.tasks import Tasks
from conformance.reference.station16.base import Session
from conformance.reference.station16.provisioning import Provisioning16

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload
    from conformance.reference.station16.config import StationConfig16


class Resets16(Provisioning16):
    """Switches the station on and off, and restarts it when told to."""

    def __init__(self, config: StationConfig16) -> None:
        """Start switched off."""
        super().__init__(config)
        self._reboots = Tasks()

    # -- power

    async def power_on(self) -> None:
        """Switch the mains on: a cold boot."""
        if not self.powered:
            self.powered = True
            self.start_up()

    async def power_off(self) -> None:
        """Switch the mains off: everything stops at once, and the link breaks without a goodbye."""
        self.powered = False
        await self._reboots.cancel()
        await self.stop()
        self.security_event = "StartupOfTheDevice"

    def start_up(self) -> None:
        """Begin a life: forget what a reboot forgets, read flash memory, start to work."""
        self.registration = None
        self.reported.clear()
        self.unreported.clear()
        self._readers.clear()
        self.configuration = self.build_configuration()
        for connector in self.connectors.values():
            connector.session = Session()
            connector.meter.power = 0
        self.stop_transactions_cut_by_power_loss()
        self.reload_outbox()
        for work in (
            self.connection_loop,
            self.send_loop,
            self.registration_loop,
            self.heartbeat_loop,
            self.clock_aligned_loop,
        ):
            self.tasks.start(work())

    async def stop(self) -> None:
        """Stop all activity and drop the link."""
        link = self.link
        await self.tasks.cancel()
        for connector in self.connectors.values():
            connector.meter.power = 0
        if link is not None:
            link.transport.abort()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await link.wait_closed()
        self.link = None
        self.link_up.clear()

    async def reboot(self) -> None:
        """Close the link in order and start again."""
        self.security_event = "ResetOrReboot"
        await self.close_link()
        await self.stop()
        await asyncio.sleep(self.config.reboot_time)
        self.start_up()

    # -- Reset

    def on_reset(self, request: Payload) -> Payload:
        """Answer Reset; the reset follows."""
        self.after_answer(partial(self.begin_reset, request["type"]))
        return {"status": "Accepted"}

    async def begin_reset(self, type: str) -> None:  # noqa: A002
        """Reset in a task of its own, for a reboot cancels all others."""
        self._reboots.start(self.carry_out_reset(type))

    async def carry_out_reset(self, type: str) -> None:  # noqa: A002
        """End what runs, give it time to be delivered, and reboot."""
        self.stop_transactions_for_reset(type)
        await self.await_delivery()
        await self.reboot()

    def stop_transactions_for_reset(self, type: str) -> None:  # noqa: A002
        """Stop every transaction before the reset, soft or hard (errata 3.36)."""
        for connector in self.connectors.values():
            self.stop_transaction(connector, self.reset_stop_reason(type))

    def reset_stop_reason(self, type: str) -> str:  # noqa: A002
        """Return the reason of StopTransaction: SoftReset or HardReset."""
        return f"{type}Reset"

    async def await_delivery(self) -> None:
        """Give the last messages time to be delivered; what isn't is sent after the reboot (errata 3.36)."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.config.reset_patience if self.link is not None else 0):
                await self.drained.wait()
