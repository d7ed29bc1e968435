"""Mutants of the reset of a 1.6 station: the answer, the restart, and what it does to transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station.rpc import RpcError
from conformance.reference.station16 import ReferenceStation16

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload
    from conformance.reference.station16.base import Connector, Transaction


class ResetUnanswered(ReferenceStation16):
    """Restarts without a word when it is told to."""

    breaks = "16.RESET.01"
    muted = False

    def on_reset(self, request: Payload) -> Payload:
        """Remember to say nothing."""
        self.muted = True
        return super().on_reset(request)

    async def _reply(self, frame: str) -> None:
        """Keep the answer to a Reset back."""
        if self.muted:
            self.muted = False
            return
        await super()._reply(frame)


class ResetNotSupported(ReferenceStation16):
    """Refuses Reset with a CALLERROR."""

    breaks = "16.RESET.01"

    def on_reset(self, request: Payload) -> Payload:  # noqa: ARG002
        """Refuse."""
        raise RpcError("NotSupported", "no Reset here")


class HardResetNotCarriedOut(ReferenceStation16):
    """Accepts a hard reset and goes on as before."""

    breaks = "16.RESET.02"

    async def begin_reset(self, type: str) -> None:  # noqa: A002
        """Do nothing."""
        if type != "Hard":
            await super().begin_reset(type)


class SoftResetNotCarriedOut(ReferenceStation16):
    """Accepts a soft reset, ends what runs, and goes on without a restart."""

    breaks = "16.RESET.03"

    async def carry_out_reset(self, type: str) -> None:  # noqa: A002
        """Leave the restart out."""
        if type == "Hard":
            await super().carry_out_reset(type)
        else:
            self.stop_transactions_for_reset(type)


# -- transactions


class SoftResetDropsTransaction(ReferenceStation16):
    """Restarts softly, and tells the end of the transaction only afterwards."""

    breaks = "16.RESET.04"
    also = ("16.RESET.08",)

    def stop_transactions_for_reset(self, type: str) -> None:  # noqa: A002
        """Stop nothing before a soft reset."""
        if type == "Hard":
            super().stop_transactions_for_reset(type)


class HardResetForgetsTransaction(ReferenceStation16):
    """Restarts hard, and never tells that the transaction has ended."""

    breaks = "16.RESET.05"

    def stop_transactions_for_reset(self, type: str) -> None:  # noqa: A002
        """Forget what ran."""
        if type == "Hard":
            self.running.clear()
        else:
            super().stop_transactions_for_reset(type)


class UnansweredStopForgotten(ReferenceStation16):
    """Forgets a StopTransaction that had no answer before a restart."""

    breaks = "16.RESET.06"

    def start_up(self) -> None:
        """Empty the queue."""
        self.outbox.clear()
        super().start_up()


class HardResetCalledOther(ReferenceStation16):
    """Gives the reason Other for what a hard reset ends."""

    breaks = "16.RESET.07"

    def reset_stop_reason(self, type: str) -> str:  # noqa: A002
        """Give no reason worth the name."""
        return "Other" if type == "Hard" else super().reset_stop_reason(type)


class SoftResetCalledOther(ReferenceStation16):
    """Gives the reason Other for what a soft reset ends."""

    breaks = "16.RESET.08"

    def reset_stop_reason(self, type: str) -> str:  # noqa: A002
        """Give no reason worth the name."""
        return "Other" if type == "Soft" else super().reset_stop_reason(type)


class PlugForgottenByReset(ReferenceStation16):
    """Takes a connector with a plug in it for free after a reset."""

    breaks = "16.RESET.10"

    def connector_status(self, connector: Connector) -> str:
        """Overlook the plug."""
        status = super().connector_status(connector)
        overlooked = self.security_event == "ResetOrReboot" and status in ("Preparing", "Finishing")
        return "Available" if overlooked else status


class StopOfAnotherTransaction(ReferenceStation16):
    """Ends its transactions by an id that the Central System never gave."""

    breaks = "16.TX.10"

    def stop_payload(self, connector: Connector, transaction: Transaction, reason: str, id_tag: str | None) -> Payload:
        """Miscount."""
        payload = super().stop_payload(connector, transaction, reason, id_tag)
        return {**payload, "transactionId": payload["transactionId"] + 100_000}

    def transaction_id_known(self, number: int, transaction_id: int) -> None:
        """Miscount in what is queued, too."""
        super().transaction_id_known(number, transaction_id)
        for entry in self.outbox:
            if entry.get("transaction") == number and entry["action"] == "StopTransaction":
                entry["payload"]["transactionId"] = transaction_id + 100_000


class ReasonLeftOut(ReferenceStation16):
    """Never says why a transaction ended."""

    breaks = "16.TX.11"
    also: tuple[str, ...] = ("16.POWER.02",)

    def stop_payload(self, connector: Connector, transaction: Transaction, reason: str, id_tag: str | None) -> Payload:
        """Leave the reason out."""
        payload = super().stop_payload(connector, transaction, reason, id_tag)
        del payload["reason"]
        return payload
