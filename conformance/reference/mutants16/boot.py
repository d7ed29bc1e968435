"""Mutants of the boot of a 1.6 station: registration, status reports after it, clock, availability."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from conformance.reference.boot_defects import Beats
from conformance.reference.station.rpc import RpcError
from conformance.reference.station16 import ReferenceStation16

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Call, Payload
    from conformance.reference.station16.configuration import Key

LONG = 3600.0


class BootSkipped(ReferenceStation16):
    """Comes up as if the Central System knew it: no BootNotification."""

    breaks = "16.BOOT.01"
    also = ("16.BOOT.03",)

    async def registration_loop(self) -> None:
        """Take acceptance for granted."""
        await self.link_up.wait()
        self.registration = "Accepted"
        self.after_acceptance()


class BootWithoutVendor(ReferenceStation16):
    """Introduces itself without saying who made it."""

    breaks = "16.BOOT.01"

    def boot_payload(self) -> Payload:
        """Blank the vendor's name."""
        return {**super().boot_payload(), "chargePointVendor": ""}


class BootsOnlyOnce(ReferenceStation16):
    """Boots when it is first switched on, and never again, whatever makes it restart."""

    breaks = "16.BOOT.03"

    async def registration_loop(self) -> None:
        """Take acceptance for granted once there was one."""
        if "accepted" not in self.storage:
            await super().registration_loop()
            self.storage["accepted"] = True
            return
        await self.link_up.wait()
        self.registration = "Accepted"
        self.after_acceptance()


class StatusBeforeAccepted(ReferenceStation16):
    """Reports its connectors as soon as it is connected, without waiting to be accepted."""

    breaks = "16.BOOT.04"
    also = ("16.BOOT.13", "16.BOOT.19")

    def may_send(self, action: str, *, asked: bool = False) -> bool:
        """Let statuses through at any time."""
        return action == "StatusNotification" or super().may_send(action, asked=asked)

    def connected(self, offline_seconds: float | None) -> None:
        """Report too early."""
        super().connected(offline_seconds)
        if offline_seconds is None:
            for number in self.places():
                self.notify_status(number)


class BootIntervalNotAdopted(ReferenceStation16):
    """Keeps its own heartbeat interval whatever the Central System says."""

    breaks = "16.BOOT.05"
    also = ("16.HEARTBEAT.01", "16.HEARTBEAT.07")

    def heartbeat_interval_from_boot(self, interval: int) -> int | None:  # noqa: ARG002
        """Adopt nothing."""
        return None


class HeartbeatsTooOften(ReferenceStation16):
    """Sends heartbeats four times as often as it was told."""

    breaks = "16.BOOT.05"

    def heartbeat_due(self) -> float:
        """Hurry."""
        return self.last_sent + self.configuration.number("HeartbeatInterval") / 4


class PingsInsteadOfHeartbeats(ReferenceStation16):
    """Sends WebSocket pings, and no heartbeats at all."""

    breaks = "16.HEARTBEAT.01"

    def heartbeat_due(self) -> float:
        """Never come to it."""
        return asyncio.get_running_loop().time() + LONG

    def ping_interval(self) -> float:
        """Ping twice a second."""
        return 0.5


class BootIntervalHidden(ReferenceStation16):
    """Adopts the interval of its boot, and shows another in its configuration."""

    breaks = "16.HEARTBEAT.07"
    hides = False

    def adopt_heartbeat_interval(self, interval: int) -> None:
        """Keep it secret."""
        super().adopt_heartbeat_interval(interval)
        self.hides = True

    def store_value(self, key: Key, value: str) -> None:
        """Show what was set since."""
        super().store_value(key, value)
        if key.name == "HeartbeatInterval":
            self.hides = False

    def readable_value(self, key: Key) -> str | None:
        """Show what it had from the factory."""
        return "300" if self.hides and key.name == "HeartbeatInterval" else super().readable_value(key)


class NewPaceIgnored(ReferenceStation16):
    """Goes on with the pace of its boot, whatever HeartbeatInterval is changed to."""

    breaks = "16.HEARTBEAT.08"
    pace = 300.0

    def adopt_heartbeat_interval(self, interval: int) -> None:
        """Remember the pace for good."""
        super().adopt_heartbeat_interval(interval)
        self.pace = float(interval)

    def heartbeat_due(self) -> float:
        """Look at no key."""
        return self.last_sent + self.pace


class LastConnectorUnreported(ReferenceStation16):
    """Forgets one connector when it reports their states after a boot."""

    breaks = "16.BOOT.06"

    def places_to_report_after_boot(self) -> list[int]:
        """Leave out the last connector."""
        return super().places_to_report_after_boot()[:-1]


class StationUnreported(ReferenceStation16):
    """Reports its connectors after a boot, but not itself."""

    breaks = "16.BOOT.07"

    def places_to_report_after_boot(self) -> list[int]:
        """Leave out connector 0."""
        return super().places_to_report_after_boot()[1:]


class ClockNotSet(ReferenceStation16):
    """Ignores the time that the Central System tells."""

    breaks = "16.BOOT.08"
    also = ("16.HEARTBEAT.05", "16J.TIME.05")

    def set_clock(self, current_time: str) -> None:
        """Leave the clock alone."""


class HeartbeatTimeIgnored(ReferenceStation16):
    """Takes its time from its boot, and never again from a heartbeat."""

    breaks = "16.HEARTBEAT.05"

    def result_arrived(self, action: str, payload: Payload, result: Payload) -> None:
        """Look at the own clock instead."""
        told = {**result, "currentTime": self.clock.stamp()} if action == "Heartbeat" else result
        super().result_arrived(action, payload, told)


class IntervalIgnored(ReferenceStation16):
    """Asks again half a second after it was turned away, whatever interval it was given."""

    breaks = "16.BOOT.10"
    also = ("16.BOOT.13",)

    def boot_retry_wait(self, answer: Payload) -> float:
        """Hurry."""
        return min(0.5, super().boot_retry_wait(answer))


class BootsNoMoreWhenPending(ReferenceStation16):
    """Waits to be asked for the next boot once it is pending."""

    breaks = "16.BOOT.11"

    async def await_boot_retry(self, wait: float) -> None:
        """Wait for the trigger alone."""
        await super().await_boot_retry(LONG if self.registration == "Pending" else wait)


class BootsNoMoreWhenRejected(ReferenceStation16):
    """Gives up for good once it was rejected."""

    breaks = "16.BOOT.28"

    async def await_boot_retry(self, wait: float) -> None:
        """Wait for ever."""
        await super().await_boot_retry(LONG if self.registration == "Rejected" else wait)


class FloodsWhenPending(ReferenceStation16):
    """Pending and told to wait 0 s, asks again at once."""

    breaks = "16.BOOT.12"

    def boot_retry_wait(self, answer: Payload) -> float:
        """Take the interval at its word."""
        hurry = answer["status"] == "Pending" and not answer["interval"]
        return 0.05 if hurry else super().boot_retry_wait(answer)


class FloodsWhenRejected(ReferenceStation16):
    """Rejected and told to wait 0 s, asks again at once."""

    breaks = "16.BOOT.29"

    def boot_retry_wait(self, answer: Payload) -> float:
        """Take the interval at its word."""
        hurry = answer["status"] == "Rejected" and not answer["interval"]
        return 0.05 if hurry else super().boot_retry_wait(answer)


class BeatsWhenPending(Beats, ReferenceStation16):
    """Pending and told to wait 0 s, sends heartbeats without a pause."""

    breaks = "16.BOOT.12"
    also = ("16.BOOT.19",)
    when = "Pending"


class BeatsWhenRejected(Beats, ReferenceStation16):
    """Rejected and told to wait 0 s, sends heartbeats without a pause."""

    breaks = "16.BOOT.29"
    also = ("16.BOOT.13",)
    when = "Rejected"


class _Talkative(ReferenceStation16):
    """Reports a connector although its boot was not accepted."""

    when = ""

    def may_send(self, action: str, *, asked: bool = False) -> bool:
        """Let statuses through too early."""
        return (self.registration == self.when and action == "StatusNotification") or super().may_send(
            action, asked=asked
        )

    def booted(self, answer: Payload) -> None:
        """Report too early."""
        super().booted(answer)
        if self.registration == self.when:
            self.notify_status(1)


class SpeaksWhileRejected(_Talkative):
    """Reports a connector although it was rejected."""

    breaks = "16.BOOT.13"
    when = "Rejected"


class SpeaksWhilePending(_Talkative):
    """Reports a connector although its boot is pending."""

    breaks = "16.BOOT.19"
    when = "Pending"


class SpeaksInsteadOfBooting(SpeaksWhilePending):
    """Reports a connector although its boot is pending, and never boots again."""

    breaks = "16.BOOT.19"
    also = ("16.BOOT.11",)

    async def await_boot_retry(self, wait: float) -> None:
        """Wait for the trigger alone."""
        await super().await_boot_retry(LONG if self.registration == "Pending" else wait)


class HangsUpWhilePending(ReferenceStation16):
    """Drops the connection while its boot is pending, and comes back for the next boot."""

    breaks = "16.BOOT.17"

    def booted(self, answer: Payload) -> None:
        """Hang up in a moment."""
        super().booted(answer)
        if self.registration == "Pending":
            self.tasks.start(self.hang_up())

    async def hang_up(self) -> None:
        """Give the Central System the time to read and write."""
        await asyncio.sleep(0.3)
        await self.close_link()


class RefusesWhilePending(ReferenceStation16):
    """Refuses to be set up while its boot is pending."""

    breaks = "16.BOOT.18"

    def answer(self, call: Call) -> Payload:
        """Refuse what a pending station should serve."""
        if self.registration == "Pending" and call.action in ("GetConfiguration", "ChangeConfiguration"):
            raise RpcError("SecurityError", "pending")
        return super().answer(call)


class KeepsNothingWhilePending(ReferenceStation16):
    """Accepts to be set up while its boot is pending, and keeps nothing of it."""

    breaks = "16.BOOT.18"

    def store_value(self, key: Key, value: str) -> None:
        """Forget the value."""
        if self.registration != "Pending":
            super().store_value(key, value)


class AnswersWhileRejected(ReferenceStation16):
    """Serves the Central System although it was rejected."""

    breaks = "16.BOOT.14"

    def answer_while_rejected(self, call: Call) -> Payload:
        """Answer as if nothing had happened."""
        return self.dispatch(call)


class RemoteStartWhilePending(ReferenceStation16):
    """Charges on request while its boot is pending."""

    breaks = "16.BOOT.21"

    def may_transact(self) -> bool:
        """Begin too early."""
        return self.registration == "Pending" or super().may_transact()


class NoStartupEvent(ReferenceStation16):
    """Notifies no security event when it starts."""

    breaks = "16S.A04.FR.01"

    def notify_security_event(self, entry: Payload) -> None:
        """Keep it quiet."""


class BootsAfterEveryReconnect(ReferenceStation16):
    """Registers anew whenever its connection was lost."""

    breaks = "16.BOOT.23"

    def connected(self, offline_seconds: float | None) -> None:
        """Begin from the beginning."""
        if offline_seconds is not None and self.accepted:
            self.registration = None
            self.tasks.start(self.registration_loop())
        super().connected(offline_seconds)


class DeafAfterReconnect(ReferenceStation16):
    """Answers nothing more once its connection was lost."""

    breaks = "16J.ANSWER.01"
    deaf = False

    def connected(self, offline_seconds: float | None) -> None:
        """Stop listening."""
        self.deaf = self.deaf or offline_seconds is not None
        super().connected(offline_seconds)

    async def _reply(self, frame: str) -> None:
        """Keep answers back."""
        if not self.deaf:
            await super()._reply(frame)

    def start_up(self) -> None:
        """Listen again after a restart."""
        self.deaf = False
        super().start_up()
