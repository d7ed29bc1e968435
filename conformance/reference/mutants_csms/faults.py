"""Mutants that do not bear a bad network between a station and themselves."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from conformance.reference.csms import ReferenceCsms
from conformance.reference.csms.rpc import RpcError

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request, Response

    from conformance.reference.csms.base import Link
    from conformance.reference.csms.config import CsmsConfig
    from conformance.reference.csms.records import StationRecord, Transaction
    from conformance.reference.csms.rpc import Payload

ABNORMAL = 1006
ABOUT_TRANSACTIONS = ('"TransactionEvent"', '"StartTransaction"', '"StopTransaction"', '"MeterValues"')
PAUSE = 0.25
"""Seconds between two messages that are too long for an impatient CSMS."""


class Bereaved(ReferenceCsms):
    """Keeps in mind which stations have lost a connection without a goodbye; by itself it is compliant."""

    def __init__(self, config: CsmsConfig | None = None) -> None:
        """Have lost nobody yet."""
        super().__init__(config)
        self.lost: set[str] = set()

    def drop_link(self, link: Link) -> None:
        """Take note of it."""
        super().drop_link(link)
        if link.connection.close_code in (None, ABNORMAL):
            self.lost.add(link.station.identity)

    def replace_link(self, link: Link) -> None:
        """A station that comes while it is still here has lost its connection, too."""
        if link.station.identity in self.links:
            self.lost.add(link.station.identity)
        super().replace_link(link)


class MuteUnderFault(Bereaved):
    """Answers nothing about transactions any more once a connection was lost."""

    breaks = "CSMS.FAULT.01"

    async def receive(self, link: Link, raw: str | bytes) -> None:
        """Take in and be silent."""
        text = raw if isinstance(raw, str) else ""
        if link.station.identity not in self.lost or not any(each in text for each in ABOUT_TRANSACTIONS):
            await super().receive(link, raw)


class RefusesRepeatsUnderFault(ReferenceCsms):
    """Answers a message that it knows already with an error."""

    breaks = "CSMS.FAULT.01"

    def is_new(self, transaction: Transaction, event: Payload) -> bool:
        """Refuse what is not."""
        if not super().is_new(transaction, event):
            raise RpcError("InternalError", "known already")
        return True

    def same_start(self, station: StationRecord, request: Payload) -> Transaction | None:
        """Refuse the same again."""
        if super().same_start(station, request) is not None:
            raise RpcError("InternalError", "known already")
        return None


class ImpatientUnderFault(ReferenceCsms):
    """Takes a station that takes its time between two messages about a transaction for a broken one."""

    breaks = "CSMS.FAULT.01"

    def __init__(self, config: CsmsConfig | None = None) -> None:
        """Have time."""
        super().__init__(config)
        self._last: dict[str, float] = {}

    async def receive(self, link: Link, raw: str | bytes) -> None:
        """Look at the clock."""
        text = raw if isinstance(raw, str) else ""
        if any(each in text for each in ABOUT_TRANSACTIONS):
            now = time.monotonic()
            before = self._last.setdefault(link.station.identity, now)
            self._last[link.station.identity] = now
            if now - before > PAUSE:
                return
        await super().receive(link, raw)


class LocksOutUnderFault(Bereaved):
    """Lets nobody in again who has lost the connection without a goodbye."""

    breaks = "CSMS.FAULT.02"

    def on_handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        """Be out of service for them."""
        identity = self.identity_in(request.path)
        if identity in self.lost or identity in self.links:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "come back later\n")
        return super().on_handshake(connection, request)


class CountsTwiceUnderFault(ReferenceCsms):
    """Takes a start that comes again for the start of another transaction."""

    breaks = "CSMS.FAULT.03"

    def same_start(self, station: StationRecord, request: Payload) -> Transaction | None:  # noqa: ARG002
        """Know none."""
        return None

    def on201_transaction_event(self, station: StationRecord, request: Payload) -> Payload:
        """Find the token in use, by its own transaction."""
        known = not self.is_new(self.transaction_of(station, request["transactionInfo"]["transactionId"]), request)
        answer: dict[str, Any] = dict(super().on201_transaction_event(station, request))
        if known and request["eventType"] == "Started" and "idTokenInfo" in answer:
            answer["idTokenInfo"] = {"status": "ConcurrentTx"}
        return answer
