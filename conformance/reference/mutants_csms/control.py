"""The control: another CSMS, as compliant as the reference."""

from __future__ import annotations

import asyncio
from typing import Any

from conformance.reference.csms import ReferenceCsms
from conformance.reference.csms.base import Link
from conformance.reference.csms.records import StationRecord
from conformance.reference.csms.rpc import Call, Payload, RpcError


class Control(ReferenceCsms):
    """Differs where the documents leave it free: ids, order, pace, size of requests, wording."""

    breaks: str | None = None
    also: tuple[str, ...] = ()

    def new_message_id(self) -> str:
        """Have ids of full length."""
        return super().new_message_id().upper()

    def new_transaction_id(self) -> int:
        """Begin with large numbers."""
        return super().new_transaction_id() + 1_000_000

    def status_of_unknown(self) -> str:
        """Call an unknown token invalid."""
        return "Invalid"

    def items_per_message(self, station: StationRecord, action: str) -> int | None:
        """Use half of what is allowed."""
        limit = super().items_per_message(station, action)
        return None if limit is None else max(1, limit // 2)

    def boot_interval(self, station: StationRecord, status: str) -> int:
        """Be called a little more often, unless the operator says how often."""
        return max(1, super().boot_interval(station, status) - (station.setup.interval is None))

    def refusal(self, call: Call) -> RpcError:  # noqa: ARG002
        """Say less."""
        return RpcError("SecurityError", "", {"hint": "boot first"})

    def on201_transaction_event(self, station: StationRecord, request: Payload) -> Payload:
        """Tell what a finished transaction costs."""
        answer = super().on201_transaction_event(station, request)
        return answer | {"totalCost": 0.0} if request["eventType"] == "Ended" else answer

    def prepare_set_charging_profile(self, station: StationRecord, payload: Payload) -> list[Payload]:  # noqa: ARG002
        """Leave out what goes without saying, and write times in its own way."""
        name = "csChargingProfiles" if "csChargingProfiles" in payload else "chargingProfile"
        return [payload | {name: terse(payload[name])}]

    async def transmit(self, link: Link, frame: str) -> None:
        """Take a moment over everything."""
        await asyncio.sleep(0.005)
        await super().transmit(link, frame)


def terse(told: Any) -> Any:
    """Say the same of a charging profile: no three phases, and times in milliseconds."""
    if isinstance(told, dict):
        return {
            name: f"{value[:-1]}.000Z" if name in _TIMES else terse(value)
            for name, value in told.items()
            if (name, value) != ("numberPhases", 3)
        }
    return [terse(each) for each in told] if isinstance(told, list) else told


_TIMES = ("validFrom", "validTo", "startSchedule")
