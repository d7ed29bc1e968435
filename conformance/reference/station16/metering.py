"""Meter values: sampled in transactions, aligned with the clock, and for StopTransaction (3.16, 4.7)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from conformance.reference.station16.reservations import Reservations

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload
    from conformance.reference.station16.base import Connector, Transaction
    from conformance.reference.station16.config import StationConfig16
    from conformance.reference.station16.configuration import Key

METERING_KEYS = ("MeterValueSampleInterval", "ClockAlignedDataInterval")
SECONDS_PER_DAY = 86_400


class Metering(Reservations):
    """Reads the meters and sends what was configured."""

    def __init__(self, config: StationConfig16) -> None:
        """Start with nothing measured."""
        super().__init__(config)
        self._intervals_changed = asyncio.Event()

    # -- what is measured

    def meter_value(self, connector: Connector, context: str, key: str) -> list[Payload]:
        """Return the MeterValue of a connector now, for the measurands of a configuration key; empty for none."""
        readings = connector.meter.sample(self.configuration.members(key), connector.lines, context)
        if not readings:
            return []
        return [{"timestamp": self.clock.stamp(), "sampledValue": [sampled_value(reading) for reading in readings]}]

    def meter_reading(self, connector: Connector) -> int:
        """Return the energy register in whole Wh, as meterStart and meterStop want it."""
        return int(connector.meter.register)

    def meter_values_payload(self, connector: Connector, values: list[Payload]) -> Payload:
        """Return a MeterValues.req, with the transactionId if there is one (errata 3.16)."""
        payload: Payload = {"connectorId": connector.number, "meterValue": values}
        transaction = connector.session.transaction
        if transaction is not None and transaction.id is not None:
            payload["transactionId"] = transaction.id
        return payload

    def send_meter_values(self, connector: Connector, context: str, key: str) -> None:
        """Queue the present values of a connector, with the other transaction-related messages (3.7)."""
        values = self.meter_value(connector, context, key)
        transaction = connector.session.transaction
        if values:
            notes = {} if transaction is None else {"transaction": transaction.number}
            self.send_surely("MeterValues", self.meter_values_payload(connector, values), **notes)

    # -- when

    async def sample_transaction(self, connector: Connector, transaction: Transaction) -> None:
        """Take samples every MeterValueSampleInterval while a transaction runs; 0 takes none."""
        while connector.session.transaction is transaction:
            passed = await self._interval_passed(self.sample_interval() or None)
            if passed and connector.session.transaction is transaction:
                self.take_sample(connector, transaction)

    def sample_interval(self) -> float:
        """Return the seconds between samples, 0 for none."""
        return self.configuration.number("MeterValueSampleInterval")

    def take_sample(self, connector: Connector, transaction: Transaction) -> None:
        """Send one sample, and keep one for StopTransaction."""
        self.send_meter_values(connector, "Sample.Periodic", "MeterValuesSampledData")
        transaction.data += self.meter_value(connector, "Sample.Periodic", "StopTxnSampledData")

    async def clock_aligned_loop(self) -> None:
        """Read all meters whenever the day has lasted a multiple of ClockAlignedDataInterval; 0 reads none."""
        while True:
            if await self._interval_passed(self.seconds_to_alignment()):
                for connector in self.connectors.values():
                    self.take_aligned_sample(connector)

    def seconds_to_alignment(self) -> float | None:
        """Return how long it is to the next aligned moment, None without such moments."""
        interval = self.configuration.number("ClockAlignedDataInterval")
        if not interval:
            return None
        now = self.clock.now()
        since_midnight = (now - now.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
        return min(interval - since_midnight % interval, SECONDS_PER_DAY - since_midnight)

    def take_aligned_sample(self, connector: Connector) -> None:
        """Send one aligned reading, and keep one for StopTransaction."""
        if not self.accepted:
            return
        self.send_meter_values(connector, "Sample.Clock", "MeterValuesAlignedData")
        if (transaction := connector.session.transaction) is not None:
            transaction.data += self.meter_value(connector, "Sample.Clock", "StopTxnAlignedData")

    async def _interval_passed(self, seconds: float | None) -> bool:
        """Wait so many seconds, None for ever; False when the intervals changed meanwhile."""
        changed = self._intervals_changed
        try:
            async with asyncio.timeout(seconds):
                await changed.wait()
        except TimeoutError:
            return True
        return False

    def key_changed(self, key: Key) -> None:
        """Make new intervals effective at once."""
        super().key_changed(key)
        if key.name in METERING_KEYS:
            self._intervals_changed.set()
            self._intervals_changed = asyncio.Event()

    def transaction_data(self, connector: Connector, transaction: Transaction) -> list[Payload]:
        """Return the transactionData of StopTransaction: what was kept, and a last reading (3.16.5, errata 3.14)."""
        return [*transaction.data, *self.meter_value(connector, "Transaction.End", "StopTxnSampledData")]


def sampled_value(reading: Payload) -> Payload:
    """Return a SampledValue of 1.6: all of it in strings, the unit beside the value."""
    return {**without_unit(reading), "value": str(reading["value"]), "unit": reading["unitOfMeasure"]["unit"]}


def without_unit(reading: Payload) -> Payload:
    """Leave out how 2.0.1 writes the unit."""
    return {name: value for name, value in reading.items() if name != "unitOfMeasure"}
