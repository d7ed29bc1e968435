"""Mutants of the reset: the answer, the restart, what it does to transactions, what outlasts it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from conformance.reference.mutants.control import Plain
from conformance.reference.station import ReferenceStation
from conformance.reference.station.device_model import Component
from conformance.reference.station.rpc import RpcError

if TYPE_CHECKING:
    from conformance.reference.station.base import Evse
    from conformance.reference.station.device_model import DeviceModel
    from conformance.reference.station.rpc import Payload

RESETS = ("RemoteReset", "ScheduledReset")

# -- the answer


class ResetUnanswered(ReferenceStation):
    """Restarts without a word when it is told to."""

    breaks = "B11.FR.01"
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


class ResetUnansweredByPlain(ResetUnanswered, Plain):
    """Says nothing to a Reset of an EVSE that it can't do."""

    breaks = "B11.FR.01"


class ResetNotSupported(ReferenceStation):
    """Refuses Reset with a CALLERROR."""

    breaks = "B11.FR.01"

    def on_reset(self, request: Payload) -> Payload:  # noqa: ARG002
        """Refuse."""
        raise RpcError("NotSupported", "no Reset here")


class OnIdleAcceptedInTransaction(ReferenceStation):
    """Accepts a reset for idle times in the middle of a transaction, and waits all the same."""

    breaks = "B12.FR.01"

    def on_reset(self, request: Payload) -> Payload:
        """Call it Accepted."""
        answer = super().on_reset(request)
        return {"status": "Accepted"} if answer["status"] == "Scheduled" else answer


class OnIdleRejectedInTransaction(ReferenceStation):
    """Rejects a reset for idle times because a transaction runs."""

    breaks = "B12.FR.01"

    def reset_status(self, type: str, evse: int | None) -> str:  # noqa: A002
        """Call it Rejected."""
        status = super().reset_status(type, evse)
        return "Rejected" if status == "Scheduled" else status


class ImmediateScheduledInTransaction(ReferenceStation):
    """Puts an immediate reset off until the transaction is over."""

    breaks = "B12.FR.02"

    def reset_status(self, type: str, evse: int | None) -> str:  # noqa: A002
        """Wait for the end of the transaction."""
        if type == "Immediate" and not self.is_idle(evse or None):
            return "Scheduled"
        return super().reset_status(type, evse)


class EvseResetAcceptedByPlain(Plain):
    """Accepts the reset of an EVSE that it can't do, and does nothing."""

    breaks = "B11.FR.09"
    also = ("B12.FR.09",)

    def on_reset(self, request: Payload) -> Payload:
        """Accept it."""
        return {"status": "Accepted"} if request.get("evseId") else super().on_reset(request)


class EvseResetScheduledByPlain(Plain):
    """Schedules the reset of an EVSE that it can't do, because a transaction runs there."""

    breaks = "B12.FR.09"

    def reset_status(self, type: str, evse: int | None) -> str:  # noqa: A002
        """Look at the transaction first."""
        return "Scheduled" if evse and not self.is_idle(evse) else super().reset_status(type, evse)


class EvseResetRejectedButDoneByPlain(Plain):
    """Rejects the reset of an EVSE, and ends its transaction all the same."""

    breaks = "B12.FR.09"

    def on_reset(self, request: Payload) -> Payload:
        """Say no and do half of it."""
        if evse := request.get("evseId"):
            self.end_transactions_for_reset(evse)
        return super().on_reset(request)


# -- the restart


class ResetNotCarriedOut(ReferenceStation):
    """Accepts a reset of the station and goes on as before."""

    breaks = "B11.FR.03"

    async def begin_reset(self, type: str, evse: int | None) -> None:  # noqa: A002
        """Do nothing unless it is about an EVSE."""
        if evse:
            await super().begin_reset(type, evse)


class GoneAfterReset(ReferenceStation):
    """Goes down for a reset, and stays there."""

    breaks = "B01.FR.03"

    def start_up(self) -> None:
        """Start after mains on only."""
        if self.storage.get("next_boot_reason") not in RESETS:
            super().start_up()


class NoStatusAfterReset(ReferenceStation):
    """Reports its connectors after mains on, and not after a reset."""

    breaks = "B11.FR.04"
    also = ("B01.FR.05",)

    def connectors_to_report_after_boot(self) -> list[tuple[int, int]]:
        """Report none after a reset."""
        return [] if self.cause in RESETS else super().connectors_to_report_after_boot()


class StatusBeforeBootAfterReset(ReferenceStation):
    """Reports its connectors before it registers, when it comes back from a reset."""

    breaks = "B11.FR.04"
    also = ("B01.FR.08",)

    def may_send(self, action: str, *, asked: bool = False) -> bool:
        """Let statuses through."""
        return action == "StatusNotification" or super().may_send(action, asked=asked)

    async def registration_loop(self) -> None:
        """Report first."""
        if self.cause in RESETS:
            await self.link_up.wait()
            for spot in self.connectors():
                self.notify_status(*spot)
            await asyncio.sleep(0.01)
        await super().registration_loop()


class ResetCalledPowerUp(ReferenceStation):
    """Calls every boot a PowerUp."""

    breaks = "B01.FR.09"

    def boot_reason(self) -> str:
        """Forget the reset."""
        reason = super().boot_reason()
        return "PowerUp" if reason in RESETS else reason


class ImmediateResetCalledScheduled(ReferenceStation):
    """Takes every reset for one that had to wait."""

    breaks = "B01.FR.09"

    def reset_boot_reason(self, reason: str) -> str:  # noqa: ARG002
        """Call it ScheduledReset."""
        return "ScheduledReset"


class ScheduledResetCalledRemote(ReferenceStation):
    """Makes no difference between a reset that had to wait and one that had not."""

    breaks = "BOOT.REASON.01"

    def reset_boot_reason(self, reason: str) -> str:  # noqa: ARG002
        """Call it RemoteReset."""
        return "RemoteReset"


class ResetNotNotified(ReferenceStation):
    """Notifies the CSMS of a start, and not of a reset."""

    breaks = "A04.FR.01"

    def startup_security_event(self) -> str | None:
        """Keep quiet about a reset."""
        return None if self.cause in RESETS else super().startup_security_event()


# -- transactions, the whole station


class ScheduledResetAtOnce(ReferenceStation):
    """Says that it will wait for the end of the transaction, and restarts at once."""

    breaks = "B12.FR.03"

    def on_reset(self, request: Payload) -> Payload:
        """Schedule a reset of the station, and do it now."""
        answer = super().on_reset(request)
        if answer["status"] == "Scheduled" and not request.get("evseId"):
            self.scheduled_resets.clear()
            self._reboots.start(self.carry_out_reset("OnIdle", None, "ScheduledReset"))
        return answer


class ScheduledResetEndsTransaction(ReferenceStation):
    """Says that it will wait for the end of the transaction, and ends it itself."""

    breaks = "B12.FR.03"

    def on_reset(self, request: Payload) -> Payload:
        """Schedule a reset of the station, and end what runs."""
        answer = super().on_reset(request)
        if answer["status"] == "Scheduled" and not request.get("evseId"):
            self.end_transactions_for_reset(None)
        return answer


class ScheduledResetBlamesReset(ReferenceStation):
    """Lets the driver end the transaction before a scheduled reset, and calls that the reset's doing."""

    breaks = "B12.FR.03"

    def event_payload(self, place: Evse, event_type: str, trigger: str, connector: int | None = None) -> Payload:
        """Give the reset as the trigger."""
        told = "ResetCommand" if event_type == "Ended" and 0 in self.scheduled_resets else trigger
        return super().event_payload(place, event_type, told, connector)


class ScheduledResetStoppedImmediately(ReferenceStation):
    """Lets the driver end the transaction before a scheduled reset, and gives ImmediateReset as the reason."""

    breaks = "B12.FR.03"

    def event_payload(self, place: Evse, event_type: str, trigger: str, connector: int | None = None) -> Payload:
        """Give the wrong reason."""
        event = super().event_payload(place, event_type, trigger, connector)
        if event_type == "Ended" and 0 in self.scheduled_resets:
            event["transactionInfo"]["stoppedReason"] = "ImmediateReset"
        return event


class ScheduledResetForgotten(ReferenceStation):
    """Never gets round to a reset of the station that had to wait."""

    breaks = "B12.FR.03"

    def became_idle(self) -> None:
        """Forget it."""
        self.scheduled_resets.discard(0)
        super().became_idle()


class ScheduledResetAfterFirstEnd(ReferenceStation):
    """Restarts when one transaction has ended, though another still runs."""

    breaks = "B12.FR.03"

    def became_idle(self) -> None:
        """Look at nothing else."""
        if 0 in self.scheduled_resets:
            self.scheduled_resets.discard(0)
            self._reboots.start(self.carry_out_reset("OnIdle", None, "ScheduledReset"))
        super().became_idle()


class ImmediateResetDropsTransaction(ReferenceStation):
    """Restarts at once and tells the end of the transaction only afterwards."""

    breaks = "B12.FR.04"

    def end_transactions_for_reset(self, evse: int | None) -> None:
        """End nothing for a reset of the station."""
        if evse is not None:
            super().end_transactions_for_reset(evse)


class ImmediateResetEndsByRemoteStop(ReferenceStation):
    """Gives RemoteStop as the trigger of what an immediate reset of the station ends."""

    breaks = "B12.FR.04"

    def event_payload(self, place: Evse, event_type: str, trigger: str, connector: int | None = None) -> Payload:
        """Give the wrong trigger."""
        told = "RemoteStop" if trigger == "ResetCommand" else trigger
        return super().event_payload(place, event_type, told, connector)


class ImmediateResetStoppedByReboot(ReferenceStation):
    """Gives Reboot as the reason for what an immediate reset of the station ends."""

    breaks = "B12.FR.04"

    def reset_stopped_reason(self) -> str:
        """Give the wrong reason."""
        return "Reboot"


class UnansweredEventForgotten(ReferenceStation):
    """Forgets over a reset what the CSMS has not confirmed."""

    breaks = "B12.FR.05"

    def start_up(self) -> None:
        """Empty the queue after a reset."""
        if self.storage.get("next_boot_reason") in RESETS:
            self.outbox.clear()
        super().start_up()


class UnansweredEventBlocksReset(ReferenceStation):
    """Does not reset before the CSMS has confirmed everything."""

    breaks = "B12.FR.05"

    async def await_delivery(self) -> None:
        """Wait for ever."""
        await self.drained.wait()


# -- one EVSE


class EvseResetRestartsStation(ReferenceStation):
    """Restarts the whole station where one EVSE was meant."""

    breaks = "B11.FR.08"

    async def reset_evse(self, place: Evse) -> None:  # noqa: ARG002
        """Restart everything."""
        await self.reboot("RemoteReset")


class EvseNotBackAfterReset(ReferenceStation):
    """Leaves an EVSE unavailable that was reset."""

    breaks = "B11.FR.08"

    async def reset_evse(self, place: Evse) -> None:
        """Stop half way."""
        self.resetting.add(place.number)
        self.report_status_changes()


class AllowResetFalse(ReferenceStation):
    """Can reset an EVSE by itself, and denies it in the device model."""

    breaks = "B11.FR.10"

    def build_model(self) -> DeviceModel:
        """Set AllowReset to false."""
        model = super().build_model()
        for evse in self.evses:
            model.find(Component("EVSE", evse=evse), "AllowReset").value = "false"
        return model


class EvseScheduledResetEndsTransaction(ReferenceStation):
    """Says that it will wait for the end of the transaction of an EVSE, and ends it itself."""

    breaks = "B12.FR.07"

    def on_reset(self, request: Payload) -> Payload:
        """Schedule a reset of the EVSE, and end what runs there."""
        answer = super().on_reset(request)
        if answer["status"] == "Scheduled" and (evse := request.get("evseId")):
            self.end_transactions_for_reset(evse)
        return answer


class EvseScheduledResetBlamesReset(ReferenceStation):
    """Lets the driver end the transaction before the reset of the EVSE, and calls that the reset's doing."""

    breaks = "B12.FR.07"

    def event_payload(self, place: Evse, event_type: str, trigger: str, connector: int | None = None) -> Payload:
        """Give the reset as the trigger."""
        told = "ResetCommand" if event_type == "Ended" and place.number in self.scheduled_resets else trigger
        return super().event_payload(place, event_type, told, connector)


class EvseImmediateResetDropsTransaction(ReferenceStation):
    """Resets an EVSE at once and never ends its transaction."""

    breaks = "B12.FR.08"

    def end_transactions_for_reset(self, evse: int | None) -> None:
        """End nothing for a reset of an EVSE."""
        if evse is None:
            super().end_transactions_for_reset(evse)


class EvseImmediateResetEndsByRemoteStop(ImmediateResetEndsByRemoteStop):
    """Gives RemoteStop as the trigger of what an immediate reset of the EVSE ends."""

    breaks = "B12.FR.08"


class EvseImmediateResetStoppedByReboot(ImmediateResetStoppedByReboot):
    """Gives Reboot as the reason for what an immediate reset of the EVSE ends."""

    breaks = "B12.FR.08"


# -- availability


class AvailabilityLost(ReferenceStation):
    """Forgets at every start some of what the CSMS made inoperative; a base for what exactly."""

    breaks: str | None = None
    after: tuple[str, ...] = ("PowerUp", *RESETS)

    def start_up(self) -> None:
        """Forget, then start."""
        if self.storage.get("next_boot_reason", "PowerUp") in self.after:
            kept = self.storage.get("availability", {})
            self.storage["availability"] = {key: value for key, value in kept.items() if not self.forgets(key)}
        super().start_up()

    def forgets(self, key: str) -> bool:  # noqa: ARG002
        """Tell whether the setting of a place is lost: `station`, an EVSE `1`, or a connector `1.2`."""
        return True


class ResetLosesAvailability(AvailabilityLost):
    """Keeps over a power cut what the CSMS made inoperative, and not over a reset."""

    breaks = "B11.FR.02"
    also = ("B01.FR.07", "B12.FR.06", "G01.FR.02", "G03.FR.08", "G04.FR.09")
    after = RESETS


class BootLosesAvailability(AvailabilityLost):
    """Forgets at every start what the CSMS made inoperative."""

    breaks = "B01.FR.07"
    also = ("B11.FR.02", "B12.FR.06", "G01.FR.02", "G03.FR.08", "G04.FR.09")


class BootLosesEvseAvailability(AvailabilityLost):
    """Forgets at every start which EVSEs and connectors the CSMS made inoperative."""

    breaks = "G03.FR.08"
    also = ("B01.FR.07", "B11.FR.02", "B12.FR.06", "G01.FR.02")

    def forgets(self, key: str) -> bool:
        """Forget all but the station."""
        return key != "station"


class BootLosesStationAvailability(AvailabilityLost):
    """Forgets at every start that the CSMS made the station as a whole inoperative."""

    breaks = "G04.FR.09"
    also = ("B01.FR.07",)

    def forgets(self, key: str) -> bool:
        """Forget the station."""
        return key == "station"
