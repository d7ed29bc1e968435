"""Power, reboot and Reset (5.14)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from conformance.reference.station.power import Power
from conformance.reference.station16.base import Session
from conformance.reference.station16.connection import COMMISSIONED, FORMER_PROFILE
from conformance.reference.station16.provisioning import Provisioning16

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.reference.station.meter import Meter
    from conformance.reference.station.rpc import Payload


class Resets16(Power, Provisioning16):
    """Begins and ends the lives of the station, and resets it when told to."""

    # -- power

    def meters(self) -> Iterable[Meter]:
        """Return the meter of each connector."""
        return [connector.meter for connector in self.connectors.values()]

    async def power_off(self) -> None:
        """Switch the mains off: the next boot is a cold one."""
        await super().power_off()
        self.security_event = "StartupOfTheDevice"

    def forget_commissioning(self) -> None:
        """Take out of flash memory what an installer sets up: certificates, password, security profile."""
        super().forget_commissioning()
        self.storage.pop(FORMER_PROFILE, None)
        for key in COMMISSIONED:
            self.storage["configuration"].pop(key, None)

    def start_up(self) -> None:
        """Begin a life: forget what a reboot forgets, read flash memory, start to work."""
        self.registration = None
        self.reported.clear()
        self.unreported.clear()
        self._readers.clear()
        self.configuration = self.build_configuration()
        for connector in self.connectors.values():
            connector.session = Session()
        self.cut_energy()
        self.stop_transactions_cut_by_power_loss()
        self.forget_transactions()
        self.reload_outbox()
        for work in (
            self.connection_loop,
            self.send_loop,
            self.registration_loop,
            self.heartbeat_loop,
            self.clock_aligned_loop,
            self.limits_loop,
        ):
            self.tasks.start(work())

    async def reboot(self) -> None:
        """Restart, and say so in a security event."""
        self.security_event = "ResetOrReboot"
        await self.restart()

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
