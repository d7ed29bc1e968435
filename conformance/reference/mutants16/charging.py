"""Mutants of a 1.6 station that charges: how transactions start and end, and what its connectors show meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station.rpc import RpcError
from conformance.reference.station16 import ReferenceStation16
from conformance.reference.station16.base import Session

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload
    from conformance.reference.station16.base import Connector, Transaction

STRANGER = "STRANGER"


# -- status -----------------------------------------------------------------------------------------------------------


class _Discreet(ReferenceStation16):
    """Keeps some status to itself."""

    kept: tuple[str, ...] = ()

    def notify_status(self, number: int, *, asked: bool = False) -> None:
        """Say nothing of it."""
        if number and self.status(number) in self.kept:
            self.reported[number] = self.status(number)
            return
        super().notify_status(number, asked=asked)


class PreparingUntold(_Discreet):
    """Never tells that a connector is in preparation."""

    breaks = "16.STATUS.11"
    kept = ("Preparing",)


class ChargingUntold(_Discreet):
    """Never tells that it charges."""

    breaks = "16.STATUS.13"
    kept = ("Charging",)


class FinishingUntold(_Discreet):
    """Never tells that a driver still has to take the plug away."""

    breaks = "16.STATUS.14"
    kept = ("Finishing",)


class SuspensionUntold(_Discreet):
    """Never tells that charging is suspended."""

    breaks = "16.STATUS.20"
    kept = ("SuspendedEV", "SuspendedEVSE")


class AvailableAfterTransaction(ReferenceStation16):
    """Takes a connector for free as soon as its transaction is over, whatever is plugged in."""

    breaks = "16.STATUS.14"

    def connector_status(self, connector: Connector) -> str:
        """Overlook what is left."""
        status = super().connector_status(connector)
        return "Available" if status == "Finishing" else status


class SuspensionUnexplained(ReferenceStation16):
    """Does not say that the EV has left."""

    breaks = "16.STATUS.21"

    def status_info(self, number: int) -> str | None:  # noqa: ARG002
        """Say nothing."""
        return None


class PreparesForEver(ReferenceStation16):
    """Waits for ever for a driver who has shown a card."""

    breaks = "16.STATUS.12"
    also: tuple[str, ...] = ("16.TX.70",)

    async def await_user(self, connector: Connector, session: Session) -> None:
        """Never give up."""


class WaitsForEverForRemoteStart(PreparesForEver):
    """Waits for ever for the plug of somebody whose transaction was started from afar."""

    breaks = "16.TX.21"
    also = ()


class CardOutlastsTimeout(ReferenceStation16):
    """Shows a connector as free again, and lets the driver charge all the same who never plugged in."""

    breaks = "16.TX.70"
    also: tuple[str, ...] = ("16.TX.21",)

    def __init__(self, *given: object) -> None:
        """Remember nobody yet."""
        super().__init__(*given)  # type: ignore[arg-type]
        self.late: dict[int, Session] = {}

    async def await_user(self, connector: Connector, session: Session) -> None:
        """Keep the driver in mind."""
        await super().await_user(connector, session)
        if connector.session is not session and session.id_tag is not None and session.transaction is None:
            self.late[connector.number] = session

    def cable_plugged_in(self, connector: Connector) -> None:
        """Let the late driver in."""
        late = self.late.pop(connector.number, None)
        if late is not None and connector.session.id_tag is None:
            connector.session = late
        super().cable_plugged_in(connector)


class RemoteStartOutlastsTimeout(CardOutlastsTimeout):
    """Starts what was asked for from afar when the plug comes, however late."""

    breaks = "16.TX.21"
    also = ("16.TX.70",)


# -- start ------------------------------------------------------------------------------------------------------------


class ChargesAnybody(ReferenceStation16):
    """Starts to charge as soon as a plug is in."""

    breaks = "16.TX.01"
    also = ("16.TX.04", "16.STATUS.11")

    def cable_plugged_in(self, connector: Connector) -> None:
        """Ask nobody."""
        if connector.session.id_tag is None:
            connector.session = Session(STRANGER)
        super().cable_plugged_in(connector)


class AsksNobody(ReferenceStation16):
    """Lets in every card without asking."""

    breaks = "16.TX.02"

    async def authorize(self, id_tag: str) -> Payload:  # noqa: ARG002
        """Accept."""
        return {"status": "Accepted"}


class StartUntold(ReferenceStation16):
    """Charges, and never says that a transaction has started."""

    breaks = "16.TX.04"
    also: tuple[str, ...] = ("16.TX.20",)

    def start_transaction(self, connector: Connector) -> None:
        """Say nothing of it."""
        super().start_transaction(connector)
        for job in [each for each in self._jobs if each.action == "StartTransaction"]:
            self._remove(job)


class StartOnFirstConnector(ReferenceStation16):
    """Miscounts the connectors in StartTransaction."""

    breaks = "16.TX.04"
    also: tuple[str, ...] = ("16.TX.20",)

    def start_payload(self, connector: Connector, transaction: Transaction) -> Payload:
        """Add one."""
        payload = super().start_payload(connector, transaction)
        return {**payload, "connectorId": payload["connectorId"] + 1}


class StartsForStranger(ReferenceStation16):
    """Names another token in StartTransaction."""

    breaks = "16.TX.04"
    also: tuple[str, ...] = ("16.TX.20",)

    def start_payload(self, connector: Connector, transaction: Transaction) -> Payload:
        """Put in another."""
        return {**super().start_payload(connector, transaction), "idTag": STRANGER}


class RefusedCardCharges(ReferenceStation16):
    """Lets in whoever the Central System refuses."""

    breaks = "16.TX.17"

    async def authorize(self, id_tag: str) -> Payload:
        """Take every answer for a yes."""
        return {**await super().authorize(id_tag), "status": "Accepted"}


class BlockedCardCharges(ReferenceStation16):
    """Knows that Invalid is a refusal, and takes other words for a yes."""

    breaks = "16.TX.17"

    async def authorize(self, id_tag: str) -> Payload:
        """Mistake the others."""
        info = await super().authorize(id_tag)
        return info if info["status"] in ("Accepted", "Invalid") else {**info, "status": "Accepted"}


class WaitsForAuthorizeAllTheSame(ReferenceStation16):
    """Asks for drivers whom it knows, whatever LocalPreAuthorize says."""

    breaks = "16.TX.71"

    async def authorize(self, id_tag: str) -> Payload:
        """Forget whom it knows."""
        kept = self.cache.pop(id_tag.casefold(), None)
        try:
            return await super().authorize(id_tag)
        finally:
            if kept is not None:
                self.cache.setdefault(id_tag.casefold(), kept)


# -- the card again ---------------------------------------------------------------------------------------------------


class AsksBeforeItStops(ReferenceStation16):
    """Asks for the card again with which it started."""

    breaks = "16.TX.14"

    async def tag_presented(self, evse: int, id_tag: str) -> None:
        """Ask first."""
        if self.session_of(evse, id_tag) is not None:
            await self.authorize(id_tag)
        await super().tag_presented(evse, id_tag)


class OwnCardIgnored(ReferenceStation16):
    """Does not stop for the card with which it started."""

    breaks = "16.TX.14"

    async def tag_presented(self, evse: int, id_tag: str) -> None:
        """Look away."""
        present = self.session_of(evse, id_tag)
        if present is None or present.session.transaction is None:
            await super().tag_presented(evse, id_tag)


class AnyCardStops(ReferenceStation16):
    """Stops for whoever holds up a card."""

    breaks = "16.TX.16"

    def session_of(self, evse: int, id_tag: str, parent: str | None = None) -> Connector | None:
        """Take every card for the right one."""
        busy = [each for each in self.connectors_of(evse) if each.session.transaction is not None]
        return busy[0] if busy else super().session_of(evse, id_tag, parent)


class GroupIgnored(ReferenceStation16):
    """Knows nothing of groups of cards."""

    breaks = "16.TX.15"

    @staticmethod
    def same_user(session: Session, id_tag: str, parent: str | None = None) -> bool:  # noqa: ARG004
        """Compare the tokens alone."""
        return ReferenceStation16.same_user(session, id_tag)


class StopsWithoutToken(ReferenceStation16):
    """Never says whose card has stopped a transaction."""

    breaks = "16.TX.13"

    def stop_payload(self, connector: Connector, transaction: Transaction, reason: str, id_tag: str | None) -> Payload:
        """Leave it out."""
        payload = super().stop_payload(connector, transaction, reason, id_tag)
        payload.pop("idTag", None)
        return payload


class StopsWithFirstToken(ReferenceStation16):
    """Names the token that started, whoever has stopped the transaction."""

    breaks = "16.TX.13"

    def stop_payload(self, connector: Connector, transaction: Transaction, reason: str, id_tag: str | None) -> Payload:
        """Mix them up."""
        return super().stop_payload(connector, transaction, reason, id_tag and transaction.id_tag)


# -- the EV's end of the cable ----------------------------------------------------------------------------------------


class EvMayLeave(ReferenceStation16):
    """Goes on without an EV, whatever StopTransactionOnEVSideDisconnect says."""

    breaks = "16.TX.31"

    def stops_on_disconnect(self) -> bool:
        """Never."""
        return False


class EvGoneCalledLocal(ReferenceStation16):
    """Calls it a stop of the driver's own when the EV has gone."""

    breaks = "16.TX.31"

    def stop_payload(self, connector: Connector, transaction: Transaction, reason: str, id_tag: str | None) -> Payload:
        """Give another reason."""
        told = "Local" if reason == "EVDisconnected" else reason
        return super().stop_payload(connector, transaction, told, id_tag)


class EvMayNotLeave(ReferenceStation16):
    """Stops when the EV has gone, whatever StopTransactionOnEVSideDisconnect says."""

    breaks = "16.TX.32"
    also = ("16.STATUS.20", "16.STATUS.21")

    def stops_on_disconnect(self) -> bool:
        """Always."""
        return True


# -- from afar --------------------------------------------------------------------------------------------------------


class RemoteStartNotSupported(ReferenceStation16):
    """Refuses remote starts with a CALLERROR."""

    breaks = "16.TX.18"

    def on_remote_start_transaction(self, request: Payload) -> Payload:  # noqa: ARG002
        """Refuse."""
        raise RpcError("NotSupported", "no remote starts here")


class RemoteStartNeverAuthorized(ReferenceStation16):
    """Starts what it is told to, whatever AuthorizeRemoteTxRequests says."""

    breaks = "16.TX.19"

    def authorizes_remote_starts(self) -> bool:
        """Never."""
        return False


class RemoteStartAlwaysAuthorized(ReferenceStation16):
    """Asks before every remote start, whatever AuthorizeRemoteTxRequests says."""

    breaks = "16.TX.19"

    def authorizes_remote_starts(self) -> bool:
        """Always."""
        return True


class RemoteStartForgotten(ReferenceStation16):
    """Accepts a remote start, and that is all."""

    breaks = "16.TX.20"
    also = ("16.STATUS.11",)

    async def start_remotely(self, connector: Connector, id_tag: str, profile: Payload | None) -> None:
        """Do nothing."""


class RemoteStartForStranger(ReferenceStation16):
    """Starts for another token than it was asked to."""

    breaks = "16.TX.20"

    def start_payload(self, connector: Connector, transaction: Transaction) -> Payload:
        """Put in another."""
        return {**super().start_payload(connector, transaction), "idTag": STRANGER}


class RemoteStartTakenTwice(ReferenceStation16):
    """Accepts a remote start where a transaction runs."""

    breaks = "16.TX.22"

    def on_remote_start_transaction(self, request: Payload) -> Payload:
        """Accept what can't be done."""
        super().on_remote_start_transaction(request)
        return {"status": "Accepted"}


class RemoteStartOfStation(ReferenceStation16):
    """Takes connector 0 in a remote start for the first one that is free."""

    breaks = "16.TX.23"

    def connector_for_remote_start(self, request: Payload) -> Connector | None:
        """Choose one."""
        if request.get("connectorId") == 0:
            request = {name: value for name, value in request.items() if name != "connectorId"}
        return super().connector_for_remote_start(request)


class RemoteStopRejected(ReferenceStation16):
    """Rejects every remote stop."""

    breaks = "16.TX.25"

    def on_remote_stop_transaction(self, request: Payload) -> Payload:  # noqa: ARG002
        """Reject."""
        return {"status": "Rejected"}


class RemoteStopForgotten(ReferenceStation16):
    """Accepts a remote stop, and goes on."""

    breaks = "16.TX.25"

    async def stop_remotely(self, connector: Connector, transaction: Transaction) -> None:
        """Do nothing."""


class RemoteStopCalledLocal(ReferenceStation16):
    """Calls a stop from afar one of the driver's own."""

    breaks = "16.TX.25"

    def stop_payload(self, connector: Connector, transaction: Transaction, reason: str, id_tag: str | None) -> Payload:
        """Give another reason."""
        return super().stop_payload(connector, transaction, "Local" if reason == "Remote" else reason, id_tag)


class UnknownRemoteStopAccepted(ReferenceStation16):
    """Accepts the remote stop of whatever."""

    breaks = "16.TX.26"

    def on_remote_stop_transaction(self, request: Payload) -> Payload:
        """Accept what can't be done."""
        super().on_remote_stop_transaction(request)
        return {"status": "Accepted"}


class RemoteStopOfAnyId(ReferenceStation16):
    """Stops whatever runs when it is told to stop something else."""

    breaks = "16.TX.26"

    def on_remote_stop_transaction(self, request: Payload) -> Payload:
        """Take the first that runs."""
        answer = super().on_remote_stop_transaction(request)
        if answer["status"] == "Rejected":
            for connector in self.connectors.values():
                self.stop_transaction(connector, "Remote")
        return answer
