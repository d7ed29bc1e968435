"""The control: another CSMS, as compliant as the reference."""

from __future__ import annotations

import asyncio
import ssl
from http import HTTPStatus
from typing import Any

from cryptography import x509
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from conformance.reference.csms import ReferenceCsms
from conformance.reference.csms.base import Link
from conformance.reference.csms.connection import certificate_of
from conformance.reference.csms.records import StationRecord
from conformance.reference.csms.rpc import Call, Payload, RpcError, encode_result


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

    # -- who gets in

    def tls_context(self, profile: int, *, dates_later: bool) -> ssl.SSLContext:
        """Have no TLS 1.3."""
        context = super().tls_context(profile, dates_later=dates_later)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        return context

    def on_handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        """Make no difference between those who may not come in."""
        response = super().on_handshake(connection, request)
        if response is not None and response.status_code == HTTPStatus.FORBIDDEN:
            return connection.respond(HTTPStatus.UNAUTHORIZED, "no\n")
        return response

    def may_renew(self, record: StationRecord) -> bool:  # noqa: ARG002
        """Have every expired certificate renewed."""
        return True

    def of_station(self, record: StationRecord, certificate: x509.Certificate) -> bool:  # noqa: ARG002
        """Look whose certificate it is when the station says its first word."""
        return True

    def is_impostor(self, link: Link, call: Call) -> bool:
        """Look at it then."""
        certificate = certificate_of(link.connection)
        other = certificate is not None and not super().of_station(link.station, certificate)
        return other or super().is_impostor(link, call)

    async def turn_out(self, link: Link, call: Call) -> None:
        """Reject the boot first."""
        if call.action == "BootNotification":
            answer = {"currentTime": self.stamp(), "interval": 3600, "status": "Rejected"}
            await self.reply(link, encode_result(call.message_id, answer))
        await super().turn_out(link, call)

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
