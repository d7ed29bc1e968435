"""Mutants of the boot: registration, status reports after it, heartbeat, clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station import ReferenceStation

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Call, Payload


class BootReasonAlwaysUnknown(ReferenceStation):
    """Never says why it boots."""

    breaks = "B01.FR.09"

    def boot_reason(self) -> str:
        """Forget the reason."""
        return "Unknown"


class BootWithoutReason(ReferenceStation):
    """Leaves the reason out of BootNotification."""

    breaks = "B01.FR.09"
    also = ("B01.FR.01",)

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
        return 0.5 if answer["status"] == "Rejected" else super().boot_retry_wait(answer)


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
