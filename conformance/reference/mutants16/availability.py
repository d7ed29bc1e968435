"""Mutants of the availability of a 1.6 station: what makes it unavailable, and what that outlasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station.rpc import RpcError
from conformance.reference.station16 import ReferenceStation16
from conformance.reference.station16.availability import STATION

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload


class ChangeAvailabilityRefused(ReferenceStation16):
    """Refuses ChangeAvailability with a CALLERROR."""

    breaks = "16.AVAIL.01"

    def on_change_availability(self, request: Payload) -> Payload:  # noqa: ARG002
        """Refuse."""
        raise RpcError("NotSupported", "no ChangeAvailability here")


class ChangeUnreported(ReferenceStation16):
    """Takes a connector out of use, and does not say so."""

    breaks = "16.AVAIL.04"

    async def _settle_availability(self) -> None:
        """Keep it quiet."""
        self.availability_changed()
        self.reported = {number: self.status(number) for number in self.places()}


class StationOnlyUnavailable(ReferenceStation16):
    """Takes connector 0 for the station alone, and leaves its connectors in use."""

    breaks = "16.AVAIL.05"

    def places_meant(self, number: int) -> list[int]:
        """Look at nothing but the number."""
        return [number]


class ConnectorsOnlyUnavailable(ReferenceStation16):
    """Takes connector 0 for all connectors, and leaves itself in use."""

    breaks = "16.AVAIL.05"

    def places_meant(self, number: int) -> list[int]:
        """Leave the station out."""
        return [place for place in super().places_meant(number) if place != STATION]


class _Forgetful(ReferenceStation16):
    """Is available again after every restart."""

    also: tuple[str, ...] = ("16.AVAIL.06", "16.RESET.09", "16.STATUS.04")

    def start_up(self) -> None:
        """Forget what the Central System wanted."""
        self.storage.pop("availability", None)
        super().start_up()


class UnavailableForgotten(_Forgetful):
    """Does not keep that it is unavailable."""

    breaks = "16.STATUS.04"


class AvailabilityForgotten(_Forgetful):
    """Does not keep its availability."""

    breaks = "16.AVAIL.06"


class AvailableAfterReset(ReferenceStation16):
    """Keeps its availability over a power cut, and not over a reset."""

    breaks = "16.RESET.09"
    also = ("16.AVAIL.06", "16.STATUS.04")

    async def reboot(self) -> None:
        """Forget what the Central System wanted."""
        self.storage.pop("availability", None)
        await super().reboot()
