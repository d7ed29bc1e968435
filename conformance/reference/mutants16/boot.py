"""Mutants of the boot of a 1.6 station: registration, status reports after it, clock, availability."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station16 import ReferenceStation16

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Call, Payload


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


class IntervalIgnored(ReferenceStation16):
    """Asks again half a second after it was turned away, whatever interval it was given."""

    breaks = "16.BOOT.10"
    also = ("16.BOOT.13",)

    def boot_retry_wait(self, answer: Payload) -> float:
        """Hurry."""
        return min(0.5, super().boot_retry_wait(answer))


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


class UnavailableForgotten(ReferenceStation16):
    """Is available again after every restart."""

    breaks = "16.STATUS.04"
    also = ("16.AVAIL.06", "16.RESET.09")

    def start_up(self) -> None:
        """Forget what the Central System wanted."""
        self.storage.pop("availability", None)
        super().start_up()
