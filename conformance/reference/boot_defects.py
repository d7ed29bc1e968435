"""What stations of either version get wrong while their boot is not accepted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from conformance.reference.station.registration import Registration

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload


class Beats(Registration):
    """Sends one heartbeat after the other when it was told to wait 0 s; `when` is what its boot was answered."""

    when = ""

    def may_send(self, action: str, *, asked: bool = False) -> bool:
        """Let heartbeats through too early."""
        return (self.registration == self.when and action == "Heartbeat") or super().may_send(action, asked=asked)

    def booted(self, answer: Payload) -> None:
        """Begin."""
        super().booted(answer)
        if self.registration == self.when and not answer["interval"]:
            self.tasks.start(self.beat())

    async def beat(self) -> None:
        """Go on until the next boot is due."""
        for _ in range(20):
            await self.heartbeat()
            await asyncio.sleep(0.01)
