"""Mutants of a 1.6 station that is to unlock a connector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.mutants16.charging import _Discreet
from conformance.reference.station16 import ReferenceStation16
from conformance.reference.station16.availability import LOCK_FAILURE

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload
    from conformance.reference.station16.base import Connector, Transaction


class UnlockingNotSupported(ReferenceStation16):
    """Says that its sockets have no lock."""

    breaks = "16.TX.27"

    def on_unlock_connector(self, request: Payload) -> Payload:
        """Do it, and say otherwise."""
        super().on_unlock_connector(request)
        return {"status": "NotSupported"}


class UnlockingFailsAlways(ReferenceStation16):
    """Says that a lock did not open which did."""

    breaks = "16.TX.27"

    def on_unlock_connector(self, request: Payload) -> Payload:
        """Do it, and say otherwise."""
        answer = super().on_unlock_connector(request)
        return {"status": "UnlockFailed"} if answer["status"] == "Unlocked" else answer


class UnlocksFixedCable(ReferenceStation16):
    """Says that it has unlocked what has no lock."""

    breaks = "16.TX.72"

    def on_unlock_connector(self, request: Payload) -> Payload:
        """Pretend."""
        answer = super().on_unlock_connector(request)
        return {"status": "Unlocked"} if request["connectorId"] in self.connectors else answer


class UnlocksWhatIsNotThere(ReferenceStation16):
    """Says that it could not unlock a connector that does not exist."""

    breaks = "16.TX.30"

    def on_unlock_connector(self, request: Payload) -> Payload:
        """Take it for a failure."""
        if request["connectorId"] not in self.connectors:
            return {"status": "UnlockFailed"}
        return super().on_unlock_connector(request)


class UnlocksAndGoesOn(ReferenceStation16):
    """Unlocks a connector, and lets its transaction go on."""

    breaks = "16.TX.28"

    async def unlocked(self, connector: Connector) -> None:
        """Leave the transaction alone."""
        self.release_cable(connector)


class UnlockingCalledRemote(ReferenceStation16):
    """Gives the reason Remote for what was ended to unlock a connector."""

    breaks = "16.TX.28"

    def stop_payload(self, connector: Connector, transaction: Transaction, reason: str, id_tag: str | None) -> Payload:
        """Give another reason."""
        told = "Remote" if reason == "UnlockCommand" else reason
        return super().stop_payload(connector, transaction, told, id_tag)


class AvailableUntold(_Discreet):
    """Never tells that a connector is free again."""

    breaks = "16.STATUS.01"
    kept = ("Available",)


class NothingLeftUntold(_Discreet):
    """Never tells that a transaction has left a connector in another state."""

    breaks = "16.STATUS.14"
    also = ("16.STATUS.01",)
    kept = ("Available", "Finishing")


class JammedLockCalledOpen(ReferenceStation16):
    """Says that a lock has opened that did not."""

    breaks = "16.TX.29"

    def on_unlock_connector(self, request: Payload) -> Payload:
        """Trust it."""
        answer = super().on_unlock_connector(request)
        return {"status": "Unlocked"} if answer["status"] == "UnlockFailed" else answer


class ChargesUnlocked(ReferenceStation16):
    """Charges with a cable that it could not lock."""

    breaks = "16.TX.52"

    def locks(self, connector: Connector) -> bool:  # noqa: ARG002
        """Trust it."""
        return True


class LockFailureCalledOther(ReferenceStation16):
    """Gives another error for a lock that has failed."""

    breaks = "16.TX.52"

    def status_payload(self, number: int) -> Payload:
        """Give no error worth the name."""
        payload = super().status_payload(number)
        told = "OtherError" if payload["errorCode"] == LOCK_FAILURE else payload["errorCode"]
        return {**payload, "errorCode": told}


class FaultUntold(_Discreet):
    """Never tells that a connector is broken."""

    breaks = "16.STATUS.16"
    kept = ("Faulted",)


class ChargesBroken(ReferenceStation16):
    """Charges with a connector that is broken."""

    breaks = "16.STATUS.16"

    def start_if_ready(self, connector: Connector) -> bool:
        """Overlook it."""
        error, connector.error = connector.error, "NoError"
        try:
            return super().start_if_ready(connector)
        finally:
            connector.error = error

    def free_connector(self, candidates: list[Connector], id_tag: str, parent: str | None) -> Connector | None:
        """Overlook it here, too."""
        broken = [each for each in candidates if each.error != "NoError"]
        return broken[0] if broken else super().free_connector(candidates, id_tag, parent)
