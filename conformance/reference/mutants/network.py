"""Mutants of the connection: losing it, coming back, and what is told afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station import ReferenceStation

if TYPE_CHECKING:
    from conformance.reference.station.config import StationConfig
    from conformance.reference.station.rpc import Payload

NEVER = 1e6


class OnlyChangesAfterLongOutage(ReferenceStation):
    """Reports no more than what changed, however long it was offline."""

    breaks = "B04.FR.01"

    def connectors_to_report_after_reconnect(self, offline_seconds: float) -> list[tuple[int, int]]:  # noqa: ARG002
        """Leave the threshold aside."""
        return sorted(self.unreported)


class OneConnectorForgottenAfterOutage(ReferenceStation):
    """Reports all connectors but the last after a long time offline."""

    breaks = "B04.FR.01"

    def connectors_to_report_after_reconnect(self, offline_seconds: float) -> list[tuple[int, int]]:
        """Leave out the last connector."""
        return super().connectors_to_report_after_reconnect(offline_seconds)[:-1] or sorted(self.unreported)


class StaleStatusAfterLongOutage(ReferenceStation):
    """Tells after a long time offline how its connectors were before."""

    breaks = "B04.FR.01"

    def after_reconnect(self, offline_seconds: float) -> None:
        """Say that every connector is free."""
        for evse, connector in self.connectors_to_report_after_reconnect(offline_seconds):
            status: Payload = {**self.status_payload(evse, connector), "connectorStatus": "Available"}
            self.send("StatusNotification", status)


class ChangesOfflineForgotten(ReferenceStation):
    """Reports nothing after a short time offline."""

    breaks = "B04.FR.02"

    def connectors_to_report_after_reconnect(self, offline_seconds: float) -> list[tuple[int, int]]:
        """Report only what a long outage asks for."""
        wanted = super().connectors_to_report_after_reconnect(offline_seconds)
        return wanted if wanted == self.connectors() else []


class AllConnectorsAfterShortOutage(ReferenceStation):
    """Reports every connector after the shortest outage."""

    breaks = "STATUS.REPEAT.01"

    def connectors_to_report_after_reconnect(self, offline_seconds: float) -> list[tuple[int, int]]:  # noqa: ARG002
        """Leave the threshold aside."""
        return self.connectors()


class GivesUpAfterLoss(ReferenceStation):
    """Never dials again once its connection is lost."""

    breaks = "J.RECONNECT.01"

    def reconnect_wait(self, attempt: int) -> float:  # noqa: ARG002
        """Wait for ever."""
        return NEVER


class GivesUpAfterFailedAttempt(ReferenceStation):
    """Dials once after a lost connection, and never again if that fails."""

    breaks = "J.RECONNECT.01"

    def reconnect_wait(self, attempt: int) -> float:
        """Wait for ever after the first attempt."""
        return super().reconnect_wait(attempt) if attempt == 1 else NEVER


class ReconnectsAtOnce(ReferenceStation):
    """Dials as soon as the connection is lost."""

    breaks = "J.RECONNECT.02"

    def reconnect_wait(self, attempt: int) -> float:
        """Skip the first wait."""
        return 0.02 if attempt == 1 else super().reconnect_wait(attempt)


class FirstAttemptLate(ReferenceStation):
    """Takes two seconds more than it should before its first attempt."""

    breaks = "J.RECONNECT.03"

    def reconnect_wait(self, attempt: int) -> float:
        """Dawdle once."""
        return super().reconnect_wait(attempt) + (2 if attempt == 1 else 0)


class BackOffNotDoubled(ReferenceStation):
    """Waits equally long before each attempt."""

    breaks = "J.RECONNECT.04"

    def reconnect_wait(self, attempt: int) -> float:  # noqa: ARG002
        """Take every attempt for the first."""
        return super().reconnect_wait(1)


class BackOffQuadrupled(ReferenceStation):
    """Waits four times as long after a failed attempt, not twice."""

    breaks = "J.RECONNECT.05"

    def reconnect_wait(self, attempt: int) -> float:
        """Double the second wait once more."""
        return super().reconnect_wait(attempt) * (2 if attempt == 2 else 1)  # noqa: PLR2004


class BackOffWithoutLimit(ReferenceStation):
    """Doubles its wait for ever."""

    breaks = "J.RECONNECT.06"

    def reconnect_wait(self, attempt: int) -> float:
        """Leave the number of repeats aside."""
        return self.model.number("OCPPCommCtrlr", "RetryBackOffWaitMinimum") * 2.0 ** (attempt - 1)


class GivesUpAfterRepeats(ReferenceStation):
    """Stops dialling when it has doubled its wait as often as it was told."""

    breaks = "J.RECONNECT.06"

    def reconnect_wait(self, attempt: int) -> float:
        """Wait for ever after the last doubling."""
        repeats = self.model.number("OCPPCommCtrlr", "RetryBackOffRepeatTimes")
        return super().reconnect_wait(attempt) if attempt <= repeats + 1 else NEVER


class BackOffNotReset(ReferenceStation):
    """Goes on doubling although a connection succeeded in between."""

    breaks = "J.RECONNECT.07"

    def __init__(self, config: StationConfig) -> None:
        """Count the attempts of a lifetime."""
        super().__init__(config)
        self._attempts = 0

    def reconnect_wait(self, attempt: int) -> float:  # noqa: ARG002
        """Count on."""
        self._attempts += 1
        return super().reconnect_wait(self._attempts)


class BootsAfterReconnect(ReferenceStation):
    """Sends a BootNotification whenever it has lost its connection."""

    breaks = "J.RECONNECT.08"

    def connected(self, offline_seconds: float | None) -> None:
        """Register anew."""
        super().connected(offline_seconds)
        if offline_seconds is not None and self.accepted:
            self.registration = None
            self.tasks.start(self.registration_loop())


class OneDoublingFewer(ReferenceStation):
    """Doubles its wait one time fewer than it was told."""

    breaks = "J.RECONNECT.10"

    def reconnect_wait(self, attempt: int) -> float:
        """Stop growing one attempt early."""
        repeats = int(self.model.number("OCPPCommCtrlr", "RetryBackOffRepeatTimes"))
        return super().reconnect_wait(min(attempt, max(repeats, 1)))


class MuteAfterReconnect(ReferenceStation):
    """Answers nothing any more once its connection was lost."""

    breaks = "J.ANSWER.01"

    def __init__(self, config: StationConfig) -> None:
        """Begin in good order."""
        super().__init__(config)
        self._lost = False

    def disconnected(self) -> None:
        """Keep in mind that the connection was lost."""
        super().disconnected()
        self._lost = True

    async def transmit(self, frame: str) -> None:
        """Keep answers back."""
        if not (self._lost and frame.startswith(("[3,", "[4,"))):
            await super().transmit(frame)
