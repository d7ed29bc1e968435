"""Mains and reboots, as stations of all editions have them."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.reference.station.secure_dialling import SecureDialling
from conformance.reference.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.reference.station.config import StationConfig
    from conformance.reference.station.meter import Meter


class Power(SecureDialling):
    """Switches the station on and off, and restarts it."""

    def __init__(self, config: StationConfig) -> None:
        """Start switched off."""
        super().__init__(config)
        self._reboots = Tasks()

    def meters(self) -> Iterable[Meter]:
        """Return all meters: without the station in command no energy flows through them."""
        raise NotImplementedError

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

    async def commission(
        self, security_profile: int, csms_url: str, root_file: str, certificate_file: str, key_file: str
    ) -> None:
        """Do what an installer does: another address and profile, the certificates in these files, a cold boot.

        Whatever a CSMS had changed of these, and the password, is as before. A file that is "" is none.
        """
        await self.power_off()
        self.config.csms_url = csms_url
        self.config.security = replace(
            self.config.security,
            profile=security_profile,
            roots=text_of(root_file),
            certificate=text_of(certificate_file),
            key=text_of(key_file),
        )
        self.forget_commissioning()
        await self.power_on()

    def forget_commissioning(self) -> None:
        """Take out of flash memory what an installer sets up."""
        self.forget_certificates()

    def start_up(self) -> None:
        """Begin a life: forget what a reboot forgets, read flash memory, start to work."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Stop all activity and drop the link."""
        link = self.link
        await self.tasks.cancel()
        self.cut_energy()
        if link is not None:
            link.transport.abort()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await link.wait_closed()
        self.link = None
        self.link_up.clear()

    def cut_energy(self) -> None:
        """Let nothing flow."""
        for meter in self.meters():
            meter.power = 0

    async def restart(self) -> None:
        """Close the link in order and start again."""
        await self.close_link()
        await self.stop()
        await asyncio.sleep(self.config.reboot_time)
        self.start_up()

    async def await_delivery(self) -> None:
        """Give messages of ended transactions time to be delivered; what isn't is sent after the reboot."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.config.reset_patience if self.link is not None else 0):
                await self.drained.wait()


def text_of(file: str) -> str:
    """Return what a file holds; nothing for none."""
    return Path(file).read_text() if file else ""
