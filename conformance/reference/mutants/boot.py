"""Mutants of the boot: registration, status reports after it, heartbeat, clock."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from conformance.reference.boot_defects import Beats
from conformance.reference.station import ReferenceStation
from conformance.reference.station.rpc import RpcError

if TYPE_CHECKING:
    from conformance.reference.station.remote import Work
    from conformance.reference.station.rpc import Call, Payload


class BootReasonAlwaysUnknown(ReferenceStation):
    """Never says why it boots."""

    breaks = "B01.FR.09"
    also = ("BOOT.REASON.02",)

    def boot_reason(self) -> str:
        """Forget the reason."""
        return "Unknown"


class BootWithoutReason(ReferenceStation):
    """Leaves the reason out of BootNotification."""

    breaks = "B01.FR.09"
    also = ("B01.FR.01", "BOOT.REASON.02")

    def boot_payload(self) -> Payload:
        """Drop the reason."""
        payload = super().boot_payload()
        del payload["reason"]
        return payload


class StatusBeforeAccepted(ReferenceStation):
    """Reports its connectors as soon as it is connected, without waiting for the CSMS to accept it."""

    breaks = "B01.FR.08"
    also = ("B02.FR.02", "B03.FR.02")

    def may_send(self, action: str, *, asked: bool = False) -> bool:
        """Let statuses through at any time."""
        return action == "StatusNotification" or super().may_send(action, asked=asked)

    def connected(self, offline_seconds: float | None) -> None:
        """Report too early."""
        super().connected(offline_seconds)
        if offline_seconds is None:
            for spot in self.connectors():
                self.notify_status(*spot)


class OneConnectorUnreported(ReferenceStation):
    """Forgets one connector when it reports their states after a boot."""

    breaks = "B01.FR.05"

    def connectors_to_report_after_boot(self) -> list[tuple[int, int]]:
        """Leave out the last connector."""
        return super().connectors_to_report_after_boot()[:-1]


class BootIntervalNotAdopted(ReferenceStation):
    """Keeps its own heartbeat interval whatever the CSMS says."""

    breaks = "B01.FR.04"
    also = ("G02.FR.01",)

    def heartbeat_interval_from_boot(self, interval: int) -> int | None:  # noqa: ARG002
        """Adopt nothing."""
        return None


class ClockNotSet(ReferenceStation):
    """Ignores the time in the BootNotification response."""

    breaks = "B01.FR.06"
    also = ("G02.FR.06",)

    def set_clock(self, current_time: str) -> None:
        """Leave the clock alone."""


class RejectedIntervalIgnored(ReferenceStation):
    """Comes back half a second after a rejection, whatever interval it was given."""

    breaks = "B03.FR.02"
    also = ("B03.FR.06", "B02.FR.04")

    def boot_retry_wait(self, answer: Payload) -> float:
        """Hurry after a rejection."""
        hurry = answer["status"] == "Rejected" and answer["interval"]
        return 0.5 if hurry else super().boot_retry_wait(answer)


class AnswersWhileRejected(ReferenceStation):
    """Serves the CSMS although it was rejected."""

    breaks = "B03.FR.08"

    def answer_while_rejected(self, call: Call) -> Payload:
        """Answer as if nothing had happened."""
        return self.dispatch(call)


class RemoteStartWhilePending(ReferenceStation):
    """Accepts a remote start while its boot is pending."""

    breaks = "B02.FR.05"

    def on_request_start_transaction(self, request: Payload) -> Payload:
        """Accept too early."""
        if self.registration == "Pending":
            return {"status": "Accepted"}
        return super().on_request_start_transaction(request)


class BootSkipped(ReferenceStation):
    """Comes back from a restart as if the CSMS knew it: no BootNotification."""

    breaks = "B01.FR.01"
    also = ("B01.FR.03",)

    async def registration_loop(self) -> None:
        """Take acceptance for granted."""
        await self.link_up.wait()
        self.registration = "Accepted"
        self.after_acceptance()


class BootWithoutVendor(ReferenceStation):
    """Introduces itself without saying who made it."""

    breaks = "B01.FR.01"

    def boot_payload(self) -> Payload:
        """Blank the vendor's name."""
        payload = super().boot_payload()
        payload["chargingStation"]["vendorName"] = ""
        return payload


class ResumesAfterResetWithoutBoot(ReferenceStation):
    """Boots when the mains come on, but not after a Reset."""

    breaks = "B01.FR.03"
    also = ("B01.FR.01", "B01.FR.05", "B11.FR.04")

    async def registration_loop(self) -> None:
        """Take acceptance for granted after a reset."""
        if self.cause == "PowerUp":
            await super().registration_loop()
            return
        await self.link_up.wait()
        self.registration = "Accepted"
        self.start_after_boot()


class PowerUpReasonUnknown(ReferenceStation):
    """Does not tell that its power had been away."""

    breaks = "BOOT.REASON.02"

    def boot_reason(self) -> str:
        """Forget the power cut."""
        reason = super().boot_reason()
        return "Unknown" if reason == "PowerUp" else reason


class PowerUpCalledRemoteReset(ReferenceStation):
    """Says after a power cut that the CSMS had asked for it."""

    breaks = "B01.FR.09"
    also = ("BOOT.REASON.02",)

    def boot_reason(self) -> str:
        """Blame the CSMS."""
        reason = super().boot_reason()
        return "RemoteReset" if reason == "PowerUp" else reason


class DeafWhilePending(ReferenceStation):
    """Refuses to be set up while its boot is pending."""

    breaks = "B02.FR.01"

    def answer(self, call: Call) -> Payload:
        """Refuse what a pending station has to serve."""
        if self.registration == "Pending" and call.action in ("GetVariables", "SetVariables", "GetBaseReport"):
            raise RpcError("SecurityError", "pending")
        return super().answer(call)


class ReportsNothingWhilePending(ReferenceStation):
    """Accepts to report while its boot is pending, and sends nothing."""

    breaks = "B02.FR.01"

    def may_send(self, action: str, *, asked: bool = False) -> bool:
        """Hold reports back."""
        if self.registration == "Pending" and action == "NotifyReport":
            return False
        return super().may_send(action, asked=asked)


class StatusWhilePending(ReferenceStation):
    """Reports a connector although its boot is pending."""

    breaks = "B02.FR.02"

    def may_send(self, action: str, *, asked: bool = False) -> bool:
        """Let statuses through while pending."""
        if self.registration == "Pending" and action == "StatusNotification":
            return True
        return super().may_send(action, asked=asked)

    def booted(self, answer: Payload) -> None:
        """Report too early."""
        super().booted(answer)
        if self.registration == "Pending":
            self.notify_status(*self.connectors()[0])


class PendingIntervalIgnored(ReferenceStation):
    """Asks again half a second after it was told to wait."""

    breaks = "B02.FR.04"

    def boot_retry_wait(self, answer: Payload) -> float:
        """Hurry while pending."""
        return 0.5 if answer["status"] == "Pending" else super().boot_retry_wait(answer)


class HangsUpWhilePending(ReferenceStation):
    """Drops the connection before it boots on request."""

    breaks = "B02.FR.06"

    def trigger_boot(self, evse: Payload) -> list[Work] | None:
        """Hang up first."""
        steps = super().trigger_boot(evse)
        return None if steps is None else [self.close_link, *steps]


class TakesBootTriggerWhenAccepted(ReferenceStation):
    """Accepts a trigger for a BootNotification although the last one was accepted."""

    breaks = "F06.FR.17"

    def trigger_boot(self, evse: Payload) -> list[Work] | None:
        """Accept whenever asked, and send nothing."""

        async def nothing() -> None:
            """Forget about it."""

        return super().trigger_boot(evse) or [nothing]


class BootsNoMoreWhenRejected(ReferenceStation):
    """Gives up for good once it was rejected."""

    breaks = "B03.FR.06"

    async def await_boot_retry(self, wait: float) -> None:
        """Wait for ever."""
        await (asyncio.Event().wait() if self.registration == "Rejected" else super().await_boot_retry(wait))


class BootsNoMoreWhenPending(ReferenceStation):
    """Waits to be asked for the next boot once it is pending."""

    breaks = "B02.FR.08"

    async def await_boot_retry(self, wait: float) -> None:
        """Wait for the trigger alone."""
        await super().await_boot_retry(3600.0 if self.registration == "Pending" else wait)


class FloodsWhenPending(ReferenceStation):
    """Pending and told to wait 0 s, asks again at once."""

    breaks = "B02.FR.07"

    def boot_retry_wait(self, answer: Payload) -> float:
        """Take the interval at its word."""
        hurry = answer["status"] == "Pending" and not answer["interval"]
        return 0.05 if hurry else super().boot_retry_wait(answer)


class FloodsWhenRejected(ReferenceStation):
    """Rejected and told to wait 0 s, asks again at once."""

    breaks = "B03.FR.05"

    def boot_retry_wait(self, answer: Payload) -> float:
        """Take the interval at its word."""
        hurry = answer["status"] == "Rejected" and not answer["interval"]
        return 0.05 if hurry else super().boot_retry_wait(answer)


class BeatsWhenPending(Beats, ReferenceStation):
    """Pending and told to wait 0 s, sends heartbeats without a pause."""

    breaks = "B02.FR.07"
    also = ("B02.FR.02",)
    when = "Pending"


class BeatsWhenRejected(Beats, ReferenceStation):
    """Rejected and told to wait 0 s, sends heartbeats without a pause."""

    breaks = "B03.FR.05"
    also = ("B03.FR.02",)
    when = "Rejected"


class SpeaksWhileRejected(ReferenceStation):
    """Reports a connector although it was rejected."""

    breaks = "B03.FR.02"

    def may_send(self, action: str, *, asked: bool = False) -> bool:
        """Let statuses through while rejected."""
        if self.registration == "Rejected" and action == "StatusNotification":
            return True
        return super().may_send(action, asked=asked)

    def booted(self, answer: Payload) -> None:
        """Report too early."""
        super().booted(answer)
        if self.registration == "Rejected":
            self.notify_status(*self.connectors()[0])


class HeartbeatsTooOften(ReferenceStation):
    """Sends heartbeats four times as often as it was told."""

    breaks = "B01.FR.04"

    def heartbeat_due(self) -> float:
        """Hurry."""
        return self.last_sent + self.model.number("OCPPCommCtrlr", "HeartbeatInterval") / 4


class PingsInsteadOfHeartbeats(ReferenceStation):
    """Sends WebSocket pings, and no heartbeats at all."""

    breaks = "G02.FR.02"

    def heartbeat_due(self) -> float:
        """Never come to it."""
        return asyncio.get_running_loop().time() + 3600.0

    def ping_interval(self) -> float:
        """Ping twice a second."""
        return 0.5


class NoStartupEvent(ReferenceStation):
    """Notifies no security event when it starts."""

    breaks = "A04.FR.01"

    def startup_security_event(self) -> str | None:
        """Keep quiet."""
        return None


class PendingBootRepeatedAtOnce(ReferenceStation):
    """Takes the first Pending for a lost answer and asks again at once."""

    breaks = "B02.FR.04"

    def boot_retry_wait(self, answer: Payload) -> float:
        """Lose patience once."""
        if answer["status"] == "Pending" and not self.impatient_once:
            self.impatient_once = True
            return 0.0
        return super().boot_retry_wait(answer)

    impatient_once = False


class TriggeredBootNeverSent(ReferenceStation):
    """Accepts a trigger for a BootNotification, and sends none."""

    breaks = "F06.FR.10"
    also = ("B02.FR.08",)

    def boot_on_request(self) -> None:
        """Forget about it."""

    async def await_boot_retry(self, wait: float) -> None:
        """Wait for the trigger alone."""
        await super().await_boot_retry(3600.0 if self.registration == "Pending" else wait)


class TriggeredBootKeepsReason(ReferenceStation):
    """Gives the reason of its last start for a boot that the CSMS asked for."""

    breaks = "B01.FR.09"

    def boot_reason(self) -> str:
        """Leave the trigger out of it."""
        return self.cause
