"""Power, reboot and Reset (B11, B12)."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from conformance.reference.station.base import Evse, Session
from conformance.reference.station.power import Power
from conformance.reference.station.provisioning import Provisioning

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.reference.station.config import StationConfig
    from conformance.reference.station.meter import Meter
    from conformance.reference.station.rpc import Payload

EVSE_RESET_TIME = 0.05
COMMISSIONED = (
    "SecurityCtrlr.BasicAuthPassword",
    "SecurityCtrlr.SecurityProfile",
    "OCPPCommCtrlr.NetworkConfigurationPriority",
)
"""The variables that are as an installer left them, once he was here."""


class Resets(Power, Provisioning):
    """Begins and ends the lives of the station, and resets it or an EVSE when told to."""

    def __init__(self, config: StationConfig) -> None:
        """Start switched off, with no reset planned."""
        super().__init__(config)
        self.scheduled_resets: set[int] = set()

    # -- power

    def meters(self) -> Iterable[Meter]:
        """Return the meter of each EVSE."""
        return [place.meter for place in self.evses.values()]

    async def power_off(self) -> None:
        """Switch the mains off; the reason of a reboot under way is forgotten."""
        await super().power_off()
        self.storage.pop("next_boot_reason", None)

    def forget_commissioning(self) -> None:
        """Take out of flash memory what an installer sets up: network profiles, certificates, password."""
        super().forget_commissioning()
        for place in ("network_profiles", "last_good_slot"):
            self.storage.pop(place, None)
        for variable in COMMISSIONED:
            self.storage["variables"].pop(variable, None)

    def start_up(self) -> None:
        """Begin a life: forget what a reboot forgets, read flash memory, start to work."""
        self.cause = self.storage.pop("next_boot_reason", "PowerUp")
        self.registration = None
        self.triggered = False
        self.reported.clear()
        self.unreported.clear()
        self.resetting.clear()
        self.scheduled_resets.clear()
        self.model = self.build_model()
        for place in self.evses.values():
            place.session = Session()
        self.cut_energy()
        self.end_transactions_cut_by_power_loss()
        self.reload_outbox()
        for work in (self.connection_loop, self.send_loop, self.registration_loop, self.heartbeat_loop):
            self.tasks.start(work())
        self.watch_the_clock()

    async def reboot(self, reason: str) -> None:
        """Restart; the next BootNotification tells `reason`."""
        self.storage["next_boot_reason"] = reason
        await self.restart()

    # -- Reset

    def on_reset(self, request: Payload) -> Payload:
        """Answer Reset; the reset follows, at once or when the station is idle."""
        evse = request.get("evseId")
        status = self.reset_status(request["type"], evse)
        if status == "Accepted":
            self.after_answer(partial(self.begin_reset, request["type"], evse))
        elif status == "Scheduled":
            self.scheduled_resets.add(evse or 0)
        return {"status": status}

    def reset_status(self, type: str, evse: int | None) -> str:  # noqa: A002
        """Return Accepted, Scheduled or Rejected for a Reset (B11.FR.07/09, B12.FR.01/02/09)."""
        if evse is not None and evse != 0 and (evse not in self.evses or not self.config.evse_reset):
            return "Rejected"
        if type == "Immediate" or self.is_idle(evse or None):
            return "Accepted"
        return "Scheduled"

    def is_idle(self, evse: int | None) -> bool:
        """Tell whether nothing goes on that a reset would disturb: no transaction, no driver (errata 2025-06)."""
        places = self.evses.values() if evse is None else [self.evses[evse]]
        return not any(
            place.session.transaction or place.session.authorized or place.session.authorizing for place in places
        )

    async def begin_reset(self, type: str, evse: int | None) -> None:  # noqa: A002
        """End what must end, and reset. A task of its own, for a reboot cancels all others."""
        self._reboots.start(self.carry_out_reset(type, evse, "RemoteReset"))

    async def carry_out_reset(self, type: str, evse: int | None, reason: str) -> None:  # noqa: A002
        """Reset the station or an EVSE."""
        if type == "Immediate":
            self.end_transactions_for_reset(evse or None)
        await self.await_delivery()
        if evse:
            await self.reset_evse(self.evses[evse])
        else:
            await self.reboot(self.reset_boot_reason(reason))

    def reset_boot_reason(self, reason: str) -> str:
        """Return the boot reason after a Reset: RemoteReset, or ScheduledReset for a postponed one."""
        return reason

    def end_transactions_for_reset(self, evse: int | None) -> None:
        """End running transactions for an immediate reset (B12.FR.04/08)."""
        for place in self.evses.values():
            if evse in (None, place.number) and place.session.transaction is not None:
                place.session.transaction.charging_state = self.state_without_energy(place)
                self.end_transaction(place, "ResetCommand", self.reset_stopped_reason())

    def reset_stopped_reason(self) -> str:
        """Return the stoppedReason of a transaction that an immediate reset ends (B12.FR.04)."""
        return "ImmediateReset"

    async def reset_evse(self, place: Evse) -> None:
        """Restart one EVSE: for a moment Unavailable, then as before (B11.FR.08)."""
        place.session = Session()
        self.resetting.add(place.number)
        self.report_status_changes()
        await asyncio.sleep(EVSE_RESET_TIME)
        self.resetting.discard(place.number)
        self.report_status_changes()

    def became_idle(self) -> None:
        """Carry out resets that waited for this."""
        super().became_idle()
        for evse in sorted(self.scheduled_resets):
            if self.is_idle(evse or None):
                self.scheduled_resets.discard(evse)
                self._reboots.start(self.carry_out_reset("OnIdle", evse or None, "ScheduledReset"))
