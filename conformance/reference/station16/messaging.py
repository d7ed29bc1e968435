"""The RPC layer of OCPP-J 1.6: frames, error codes, and how transaction-related messages are retried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station.messaging import SECURITY_EVENT_RETRY, Exchange
from conformance.reference.station.rpc import Answer, Call, NoAnswerError, Payload, RpcError
from conformance.reference.station16.base import StationBase16
from conformance.reference.station16.rpc import check_payload, decode, known_actions

if TYPE_CHECKING:
    from conformance.reference.station16.config import StationConfig16

TRANSACTION_MESSAGES = ("StartTransaction", "StopTransaction", "MeterValues")


class Messaging16(Exchange, StationBase16):
    """Sends calls one after the other and answers those of the Central System."""

    def __init__(self, config: StationConfig16) -> None:
        """Start without a link."""
        super().__init__(config)

    def decode(self, raw: str | bytes) -> Call | Answer:
        """Read one WebSocket message; raise BadFrameError for what is neither a call nor an answer."""
        return decode(raw)

    def known_actions(self) -> frozenset[str]:
        """Return every action that the station has heard of: others are answered NotImplemented."""
        return known_actions(security_extension=self.config.security_extension)

    def check_request(self, action: str, payload: object) -> None:
        """Raise the RpcError that the payload of a request deserves."""
        check_payload(action, payload)

    def check_result(self, action: str, payload: object) -> None:
        """Raise the RpcError that the payload of a result deserves."""
        check_payload(f"{action}Response", payload)

    def answer_while_rejected(self, call: Call) -> Payload:
        """Say nothing while the boot is rejected (4.2)."""
        raise NoAnswerError(call.action)

    def is_transaction_message(self, action: str) -> bool:
        """Tell whether a message of the persistent queue is transaction-related: these keep their order (3.7)."""
        return action in TRANSACTION_MESSAGES

    def message_timeout(self) -> float:
        """Return for how many seconds an answer is waited for (errata 3.83)."""
        return self.configuration.number("MessageTimeout")

    def retry_wait(self, action: str, attempts: int) -> float | None:
        """Return the pause in seconds before sending a message again, None to give it up (3.7.1)."""
        if not self.is_transaction_message(action):
            return SECURITY_EVENT_RETRY * attempts
        if attempts >= self.configuration.number("TransactionMessageAttempts"):
            return None
        return self.configuration.number("TransactionMessageRetryInterval") * attempts

    def worth_retrying(self, action: str, problem: Exception) -> bool:
        """Give up on what the Central System doesn't know: a security event in a plain 1.6 system."""
        unknown = isinstance(problem, RpcError) and problem.code in ("NotImplemented", "NotSupported")
        return self.is_transaction_message(action) or not unknown
