"""Controls: other stations, as compliant as the reference."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from conformance.reference.station import ReferenceStation

if TYPE_CHECKING:
    from conformance.reference.station.config import StationConfig
    from conformance.reference.station.rpc import Payload


class Control(ReferenceStation):
    """Differs where the documents leave it free: names, order of statuses, size of report parts, pace."""

    breaks: str | None = None
    also: tuple[str, ...] = ()

    def boot_payload(self) -> Payload:
        """Come from another vendor, and leave out what is optional."""
        payload = super().boot_payload()
        payload["chargingStation"] = {"model": "Ebb 2", "vendorName": "Lowwater Works"}
        return payload

    def connectors_to_report_after_boot(self) -> list[tuple[int, int]]:
        """Begin with the last connector."""
        return super().connectors_to_report_after_boot()[::-1]

    def report_chunks(self, entries: list[Payload]) -> list[list[Payload]]:
        """Send smaller parts."""
        return [entries[start : start + 7] for start in range(0, len(entries), 7)]

    async def transmit(self, frame: str) -> None:
        """Take a moment over everything."""
        await asyncio.sleep(0.005)
        await super().transmit(frame)


class Plain(ReferenceStation):
    """Another compliant station: one that can be reset only as a whole."""

    breaks: str | None = None
    also: tuple[str, ...] = ()
    claims: ClassVar[dict[str, bool]] = {"reset-evse": False}

    def __init__(self, config: StationConfig) -> None:
        """Leave the reset of an EVSE out."""
        super().__init__(replace(config, evse_reset=False))
