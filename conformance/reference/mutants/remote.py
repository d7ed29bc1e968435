"""Mutants of remote control: starts and stops that the CSMS asks for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from conformance.reference.station import ReferenceStation

if TYPE_CHECKING:
    from conformance.reference.station.base import Evse, Session, Transaction
    from conformance.reference.station.rpc import Payload

NOBODY: dict[str, str] = {"idToken": "00000000", "type": "ISO14443"}


class RemoteStartWithAnotherToken(ReferenceStation):
    """Takes a remote start for one of a token of its own."""

    breaks = "F01.FR.04"

    def driver_authorized(self, place: Evse, token: Payload, trigger: str, group: Payload | None = None) -> None:
        """Use another token in what it tells."""
        super().driver_authorized(place, NOBODY if trigger == "RemoteStart" else token, trigger, group)


class RemoteStartWithoutToken(ReferenceStation):
    """Leaves the token of a remote start out of its events."""

    breaks = "F01.FR.04"

    def token_to_send(self, place: Evse) -> Payload | None:
        """Send it for cards only."""
        token = super().token_to_send(place)
        return None if place.session.remote_start_id is not None else token


class TransactionIdNotAnswered(ReferenceStation):
    """Does not tell the transaction that waits when it answers a remote start."""

    breaks = "F01.FR.13"

    def on_request_start_transaction(self, request: Payload) -> Payload:
        """Leave it out."""
        answer = super().on_request_start_transaction(request)
        return {key: value for key, value in answer.items() if key != "transactionId"}


class RemoteStartCalledAuthorized(ReferenceStation):
    """Takes a remote start for a card in what it tells."""

    breaks = "F01.FR.19"

    def driver_authorized(self, place: Evse, token: Payload, trigger: str, group: Payload | None = None) -> None:
        """Call it Authorized."""
        super().driver_authorized(place, token, "Authorized" if trigger == "RemoteStart" else trigger, group)


class RemoteStartIdForgottenWhenWaiting(ReferenceStation):
    """Leaves the remoteStartId out where a transaction waited already."""

    breaks = "F01.FR.25"

    def transaction_info(self, place: Evse, transaction: Transaction, event_type: str) -> Payload:
        """Send it at the start only."""
        info = super().transaction_info(place, transaction, event_type)
        return info if event_type == "Started" else {key: info[key] for key in info if key != "remoteStartId"}


class RemoteStartIdForgottenAtStart(ReferenceStation):
    """Leaves the remoteStartId out of the first event of a transaction."""

    breaks = "F02.FR.01"

    def transaction_info(self, place: Evse, transaction: Transaction, event_type: str) -> Payload:
        """Send it later only."""
        info = super().transaction_info(place, transaction, event_type)
        return info if event_type != "Started" else {key: info[key] for key in info if key != "remoteStartId"}


class RemoteStartNeverAuthorized(ReferenceStation):
    """Never asks about the token of a remote start."""

    breaks = "F01.FR.01"

    def authorizes_remote_start(self) -> bool:
        """Leave the setting aside."""
        return False


class RemoteStartAlwaysAuthorized(ReferenceStation):
    """Always asks about the token of a remote start."""

    breaks = "F01.FR.02"

    def authorizes_remote_start(self) -> bool:
        """Leave the setting aside."""
        return True


class WaitsForCableForEver(ReferenceStation):
    """Keeps a driver authorized who never plugs in."""

    breaks = "C01.FR.26"
    also = ("E03.FR.05", "F02.FR.07")

    async def await_cable(self, place: Evse, session: Session) -> None:
        """Do not look at the time."""


class CableTimeoutKeepsDriver(ReferenceStation):
    """Ends the transaction of a driver who never plugs in, and keeps the EVSE for that driver."""

    breaks = "C01.FR.26"

    async def await_cable(self, place: Evse, session: Session) -> None:
        """Keep the token."""
        token = session.token
        await super().await_cable(place, session)
        place.session.token = token


class CableTimeoutCalledLocal(ReferenceStation):
    """Calls the end of a transaction that nobody plugged in for a stop by the driver."""

    breaks = "F02.FR.07"
    also = ("E03.FR.05",)

    def end_transaction(
        self,
        place: Evse,
        trigger: str,
        reason: str,
        *,
        token: Payload | None = None,
        connector: int | None = None,
    ) -> None:
        """Give another reason."""
        if reason == "Timeout":
            trigger, reason = "StopAuthorized", "Local"
        super().end_transaction(place, trigger, reason, token=token, connector=connector)


class RemoteStopGoesOn(ReferenceStation):
    """Tells of a remote stop, and goes on with the transaction."""

    breaks = "F03.FR.03"
    also = ("E06.FR.03",)

    async def remote_stop(self, place: Evse, transaction_id: str) -> None:
        """Only tell of it."""
        if place.session.transaction is not None and place.session.transaction.id == transaction_id:
            place.session.withheld = True
            self.send_event(place, "Updated", "RemoteStop")
            place.meter.power = 0


class RemoteStopCalledLocal(ReferenceStation):
    """Gives Local as the reason of a remote stop."""

    breaks = "F03.FR.03"

    async def remote_stop(self, place: Evse, transaction_id: str) -> None:
        """Give another reason."""
        if place.session.transaction is not None and place.session.transaction.id == transaction_id:
            self.stop_authorized(place, "RemoteStop", "Local")


class RemoteStopLeavesEnergyOn(ReferenceStation):
    """Tells of a remote stop that does not end the transaction, and goes on charging."""

    breaks = "F03.FR.02"

    async def remote_stop(self, place: Evse, transaction_id: str) -> None:
        """Only tell of it, where the transaction goes on."""
        if "Authorized" in self.model.members("TxCtrlr", "TxStopPoint"):
            await super().remote_stop(place, transaction_id)
        elif place.session.transaction is not None and place.session.transaction.id == transaction_id:
            self.send_event(place, "Updated", "RemoteStop")


class RemoteStopAlwaysEnds(ReferenceStation):
    """Ends a transaction by a remote stop, whatever its stop points."""

    breaks = "F03.FR.02"

    async def remote_stop(self, place: Evse, transaction_id: str) -> None:
        """End it."""
        if place.session.transaction is not None and place.session.transaction.id == transaction_id:
            place.session.transaction.charging_state = self.state_without_energy(place)
            self.end_transaction(place, "RemoteStop", "Remote")


class RemoteStopRejected(ReferenceStation):
    """Refuses the remote stop of a transaction that runs."""

    breaks = "F03.FR.07"

    def on_request_stop_transaction(self, request: Payload) -> Payload:  # noqa: ARG002
        """Refuse it."""
        return {"status": "Rejected"}


class UnknownStopAccepted(ReferenceStation):
    """Agrees to the remote stop of a transaction that it does not know."""

    breaks = "F03.FR.08"

    def on_request_stop_transaction(self, request: Payload) -> Payload:
        """Agree to all."""
        super().on_request_stop_transaction(request)
        return {"status": "Accepted"}


class UnknownStopStopsAnother(ReferenceStation):
    """Refuses the remote stop of a transaction that it does not know, and stops the one that runs."""

    breaks = "F03.FR.08"

    def on_request_stop_transaction(self, request: Payload) -> Payload:
        """Take any for it."""
        answer = super().on_request_stop_transaction(request)
        if answer["status"] == "Rejected":
            for place in self.evses.values():
                if place.session.transaction is not None:
                    self.after_answer(partial(self.remote_stop, place, place.session.transaction.id))
        return answer


class RemoteStopCalledStopAuthorized(ReferenceStation):
    """Takes a remote stop for one at the station in the trigger reason."""

    breaks = "F03.FR.09"

    async def remote_stop(self, place: Evse, transaction_id: str) -> None:
        """Call it StopAuthorized."""
        if place.session.transaction is not None and place.session.transaction.id == transaction_id:
            self.stop_authorized(place, "StopAuthorized", "Remote")


class CableTimeoutNotTold(ReferenceStation):
    """Lets a driver go who never plugs in, and says of the end of the transaction that the EV left."""

    breaks = "F02.FR.07"
    also = ("E03.FR.05",)

    def end_transaction(
        self,
        place: Evse,
        trigger: str,
        reason: str,
        *,
        token: Payload | None = None,
        connector: int | None = None,
    ) -> None:
        """Give another trigger reason."""
        trigger = "EVDeparted" if reason == "Timeout" else trigger
        super().end_transaction(place, trigger, reason, token=token, connector=connector)


class RemoteStartOnBusyEvseAccepted(ReferenceStation):
    """Agrees to a remote start where another driver charges."""

    breaks = "F01.FR.24"

    def on_request_start_transaction(self, request: Payload) -> Payload:
        """Agree, and do nothing."""
        place = self.evses.get(request.get("evseId", 0))
        if place is not None and place.session.authorized:
            return {"status": "Accepted"}
        return super().on_request_start_transaction(request)


class RemoteStartOnBusyEvseTakesOver(ReferenceStation):
    """Refuses a remote start where another driver charges, and hands the transaction over all the same."""

    breaks = "F01.FR.24"

    def on_request_start_transaction(self, request: Payload) -> Payload:
        """Start it after the answer."""
        answer = super().on_request_start_transaction(request)
        place = self.evses.get(request.get("evseId", 0))
        if place is not None and place.session.authorized:
            self.after_answer(partial(self.remote_start, place, request))
        return answer


class RemoteStartOnUnavailableEvse(ReferenceStation):
    """Agrees to a remote start on an EVSE that is out of use."""

    breaks = "F01.FR.23"

    def evse_for_remote_start(self, evse: int | None) -> Evse | None:
        """Do not look whether it is in use."""
        return super().evse_for_remote_start(evse) or self.evses.get(evse or 0)


class ChosenEvseNeverStarts(ReferenceStation):
    """Agrees to a remote start that names no EVSE, and starts nowhere."""

    breaks = "F01.FR.20"

    async def remote_start(self, place: Evse, request: Payload) -> None:
        """Wait for an EVSE to be named."""
        if "evseId" in request:
            await super().remote_start(place, request)

    def cable_plugged_in(self, place: Evse) -> None:
        """Wait for a driver too."""
        if place.session.authorized:
            super().cable_plugged_in(place)
