"""Mutants of a 1.6 station whose mains fail: what becomes of its transactions."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from conformance.reference.mutants16.boot import BootsOnlyOnce, LastConnectorUnreported
from conformance.reference.mutants16.control import Plain16
from conformance.reference.mutants16.reset import ReasonLeftOut, StopOfAnotherTransaction
from conformance.reference.station16 import ReferenceStation16

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload
    from conformance.reference.station16.base import Connector, Transaction


class CutTransactionForgotten(ReferenceStation16):
    """Never tells that the power cut has ended a transaction."""

    breaks = "16.POWER.01"

    def start_up(self) -> None:
        """Forget what ran."""
        self.running.clear()
        super().start_up()


class PowerLossCalledOther(ReferenceStation16):
    """Gives the reason Other for what a power cut ended."""

    breaks = "16.POWER.02"

    def stop_payload(self, connector: Connector, transaction: Transaction, reason: str, id_tag: str | None) -> Payload:
        """Give no reason worth the name."""
        told = "Other" if reason == "PowerLoss" else reason
        return super().stop_payload(connector, transaction, told, id_tag)


class PlugForgottenByPowerCut(ReferenceStation16):
    """Takes a connector with a plug in it for free after a power cut."""

    breaks = "16.POWER.03"
    cuts = 0

    async def power_off(self) -> None:
        """Count."""
        await super().power_off()
        self.cuts += 1

    def connector_status(self, connector: Connector) -> str:
        """Overlook the plug."""
        status = super().connector_status(connector)
        return "Available" if self.cuts and status in ("Preparing", "Finishing") else status


class EndsTwiceAfterPowerCut(ReferenceStation16):
    """Tells twice that the power cut has ended a transaction, with another time each."""

    breaks = "16.TX.08"

    def start_up(self) -> None:
        """Say it all once more."""
        super().start_up()
        for entry in [each for each in self.outbox if each["action"] == "StopTransaction"]:
            later = (self.clock.now() + timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
            payload = {**entry["payload"], "timestamp": later}
            self.send_surely("StopTransaction", payload, transaction=entry["transaction"])


# -- with power of its own


class EndsTwiceBeforePowerCut(Plain16):
    """With the power that it has left it ends a transaction, and does so again when it is back."""

    breaks = "16.TX.08"

    async def power_off(self) -> None:
        """Remember what ran."""
        records = {number: dict(record) for number, record in self.running.items()}
        await super().power_off()
        self.running.update(records)


class CutTransactionForgottenByPlain(Plain16):
    """Has power left, and never tells that a transaction has ended."""

    breaks = "16.POWER.01"

    def stop_transactions_for_power_cut(self) -> None:
        """Forget what ran."""
        self.running.clear()


class PowerLossCalledOtherByPlain(PowerLossCalledOther, Plain16):
    """Gives the reason Other for what it ends before a power cut."""

    breaks = "16.POWER.02"


class PlugForgottenByPlain(PlugForgottenByPowerCut, Plain16):
    """Has power left, and forgets the plug all the same."""

    breaks = "16.POWER.03"


class BootsOnlyOnceByPlain(BootsOnlyOnce, Plain16):
    """Has power left, and does not boot after a power cut."""

    breaks = "16.BOOT.03"


class LastConnectorUnreportedByPlain(LastConnectorUnreported, Plain16):
    """Has power left, and forgets one connector when it is back."""

    breaks = "16.BOOT.06"


class StopOfAnotherTransactionByPlain(StopOfAnotherTransaction, Plain16):
    """Ends a transaction before a power cut by an id that it was never given."""

    breaks = "16.TX.10"


class ReasonLeftOutByPlain(ReasonLeftOut, Plain16):
    """Does not say why it ends a transaction before a power cut."""

    breaks = "16.TX.11"
