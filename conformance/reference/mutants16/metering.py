"""Mutants of a 1.6 station that sends meter values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station16 import ReferenceStation16

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload
    from conformance.reference.station16.base import Connector, Transaction

LATE = 1.0


class SamplesTooSeldom(ReferenceStation16):
    """Takes twice the time between its samples."""

    breaks = "16.TX.43"
    also = ("16.TX.35",)

    def sample_interval(self) -> float:
        """Double it."""
        return 2 * super().sample_interval()


class NeverSamples(ReferenceStation16):
    """Sends no meter values in transactions."""

    breaks = "16.TX.43"
    also = ("16.TX.35",)

    def take_sample(self, connector: Connector, transaction: Transaction) -> None:
        """Do nothing."""


class SamplesWithoutPower(ReferenceStation16):
    """Samples the energy register alone, whatever it was asked for."""

    breaks = "16.TX.44"

    def meter_value(self, connector: Connector, context: str, key: str) -> list[Payload]:
        """Drop the rest."""
        values = super().meter_value(connector, context, key)
        return only_energy(values) if key == "MeterValuesSampledData" else values


class AlignedWithoutPower(ReferenceStation16):
    """Reads the energy register alone by the clock, whatever it was asked for."""

    breaks = "16.TX.46"

    def meter_value(self, connector: Connector, context: str, key: str) -> list[Payload]:
        """Drop the rest."""
        values = super().meter_value(connector, context, key)
        return only_energy(values) if key == "MeterValuesAlignedData" else values


def only_energy(values: list[Payload]) -> list[Payload]:
    """Drop every other measurand."""
    kept = "Energy.Active.Import.Register"
    return [
        {**value, "sampledValue": [each for each in value["sampledValue"] if each["measurand"] == kept]}
        for value in values
    ]


class AlignedToNothing(ReferenceStation16):
    """Reads its meters at the pace that was set, and a second past the times of day."""

    breaks = "16.TX.45"

    def seconds_to_alignment(self) -> float | None:
        """Be late."""
        wait = super().seconds_to_alignment()
        if wait is None:
            return None
        interval = self.configuration.number("ClockAlignedDataInterval")
        return (wait + LATE) % interval or interval


class NeverAligned(ReferenceStation16):
    """Reads no meter by the clock."""

    breaks = "16.TX.45"

    def take_aligned_sample(self, connector: Connector) -> None:
        """Do nothing."""


class MeterValuesOfNoTransaction(ReferenceStation16):
    """Never says to which transaction its meter values belong."""

    breaks = "16.TX.10"

    def meter_values_payload(self, connector: Connector, values: list[Payload]) -> Payload:
        """Leave it out."""
        payload = super().meter_values_payload(connector, values)
        payload.pop("transactionId", None)
        return payload

    def transaction_id_known(self, number: int, transaction_id: int) -> None:
        """Leave it out of what is queued, too."""
        super().transaction_id_known(number, transaction_id)
        for entry in self.outbox:
            if entry["action"] == "MeterValues":
                entry["payload"].pop("transactionId", None)
