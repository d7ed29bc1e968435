"""Meter values: sampled in transactions, aligned with the clock, for the end of a transaction, signed (J01, J02)."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import timedelta
from typing import TYPE_CHECKING

from conformance.reference.station.signature import METHOD, MeterKey
from conformance.reference.station.transactions import Transactions

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.reference.station.base import Evse, Transaction
    from conformance.reference.station.config import StationConfig
    from conformance.reference.station.device_model import Variable
    from conformance.reference.station.rpc import Payload

SAMPLED, ALIGNED = "SampledDataCtrlr", "AlignedDataCtrlr"
SIGNED_MEASURAND = "Energy.Active.Import.Register"
SECONDS_PER_DAY = 86_400
EARLY = 0.01


class Metering(Transactions):
    """Reads the meters when it is time, and sends or keeps what was configured."""

    def __init__(self, config: StationConfig) -> None:
        """Start with nothing measured."""
        super().__init__(config)
        self._changed: dict[str, asyncio.Event] = {}
        self._meter_keys = {number: MeterKey() for number in self.evses}
        self._keys_sent: set[str] = set()

    # -- while a transaction runs

    def transaction_started(self, place: Evse, transaction: Transaction) -> None:
        """Begin to measure: what is kept for the end begins with the reading at the start (2.7.5, 2.7.6)."""
        super().transaction_started(place, transaction)
        self.kept_readings()[str(place.number)] = self.readings_to_keep(place, "Transaction.Begin", SAMPLED)
        self.tasks.start(self.sample_periodically(place, transaction))
        self.tasks.start(self.sample_for_end(place, transaction))

    async def sample_periodically(self, place: Evse, transaction: Transaction) -> None:
        """Send a meter reading every TxUpdatedInterval seconds while the transaction runs (J02.FR.11)."""
        while place.session.transaction is transaction:
            passed = await self._interval_passed(SAMPLED, "TxUpdatedInterval")
            if passed and place.session.transaction is transaction:
                self.sample_due(place)

    def sample_due(self, place: Evse) -> None:
        """Send one sample."""
        self.send_event(place, "Updated", "MeterValuePeriodic")

    async def sample_for_end(self, place: Evse, transaction: Transaction) -> None:
        """Keep a meter reading every TxEndedInterval seconds for the end of the transaction."""
        while place.session.transaction is transaction:
            passed = await self._interval_passed(SAMPLED, "TxEndedInterval")
            if passed and place.session.transaction is transaction:
                self.keep_reading(place, "Sample.Periodic", SAMPLED)

    def kept_readings(self) -> dict[str, list[Payload]]:
        """What was measured for the end of each transaction, by EVSE, in flash memory."""
        found: dict[str, list[Payload]] = self.storage.setdefault("kept_readings", {})
        return found

    def readings_to_keep(self, place: Evse, context: str, controller: str) -> list[Payload]:
        """Return the present values of an EVSE that belong into Ended."""
        return self.meter_values(place, context, (controller, "TxEndedMeasurands"))

    def keep_reading(self, place: Evse, context: str, controller: str) -> None:
        """Keep the present values of an EVSE for Ended."""
        self.kept_readings().setdefault(str(place.number), []).extend(self.readings_to_keep(place, context, controller))

    def event_meter_values(self, place: Evse, event_type: str, trigger: str) -> list[Payload]:
        """Return the meter values that an event carries: those of the clock, and at the end all that were kept."""
        if trigger == "MeterValueClock":
            return self.meter_values(place, "Sample.Clock", (ALIGNED, "Measurands"))
        values = super().event_meter_values(place, event_type, trigger)
        if event_type != "Ended":
            return values
        return [*self.kept_readings().pop(str(place.number), []), *values]

    # -- by the clock

    def watch_the_clock(self) -> None:
        """Begin to read the meters at the times of day that are set."""
        self.tasks.start(self.at_aligned_times("Interval", self.send_aligned_values))
        self.tasks.start(self.at_aligned_times("TxEndedInterval", self.keep_aligned_values))

    async def at_aligned_times(self, interval: str, due: Callable[[], None]) -> None:
        """Do what is due whenever the day has lasted a multiple of an interval; 0 means never."""
        while True:
            if await self._passed(self.seconds_to_alignment(interval), f"{ALIGNED}.{interval}"):
                due()

    def seconds_to_alignment(self, variable: str) -> float | None:
        """Return how long it is to the next aligned moment, None without such moments."""
        interval = self.model.number(ALIGNED, variable)
        if not interval:
            return None
        now = self.clock.now() - timedelta(seconds=self.day_begins_late_by())
        passed = (now - now.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
        due = ((passed + EARLY) // interval + 1) * interval
        return min(due, SECONDS_PER_DAY + EARLY) - passed

    def day_begins_late_by(self) -> float:
        """Return how many seconds past midnight, in UTC, the day begins that is divided into intervals."""
        return 0.0

    def send_aligned_values(self) -> None:
        """Send a reading of every EVSE: in an event where a transaction runs, else as MeterValues (J01.FR.14/22)."""
        if not self.accepted or self.is_kept_to_idle():
            return
        for place in self.aligned_places():
            if place.session.transaction is not None:
                self.send_event(place, "Updated", self.aligned_trigger())
            else:
                self.send_idle_values(place)

    def send_idle_values(self, place: Evse) -> None:
        """Send a reading of an EVSE without a transaction."""
        self.send("MeterValues", self.aligned_payload(place))

    def aligned_places(self) -> list[Evse]:
        """Return the EVSEs that are read by the clock: all of them, if there is something to read."""
        return list(self.evses.values()) if self.model.members(ALIGNED, "Measurands") else []

    def aligned_trigger(self) -> str:
        """Return the trigger reason of an event that the clock caused."""
        return "MeterValueClock"

    def aligned_payload(self, place: Evse) -> Payload:
        """Return the MeterValues of an idle EVSE."""
        return {
            "evseId": place.number,
            "meterValue": self.meter_values(place, "Sample.Clock", (ALIGNED, "Measurands")),
        }

    def is_kept_to_idle(self) -> bool:
        """Tell whether a transaction keeps the station from sending what the clock asks for (J01.FR.20)."""
        return self.model.flag(ALIGNED, "SendDuringIdle") and any(
            place.session.transaction is not None for place in self.evses.values()
        )

    def keep_aligned_values(self) -> None:
        """Keep a reading of every EVSE with a transaction for its end."""
        for place in self.evses.values():
            if place.session.transaction is not None:
                self.keep_reading(place, "Sample.Clock", ALIGNED)

    # -- signatures

    def meter_values(self, place: Evse, context: str, setting: tuple[str, str]) -> list[Payload]:
        """Return one MeterValueType, its energy register signed where that is wanted (J01.FR.21, J02.FR.21)."""
        values = super().meter_values(place, context, setting)
        if self.signs(setting[0]):
            for value in values:
                for sample in filter(self.can_be_signed, value["sampledValue"]):
                    sample["signedMeterValue"] = self.signed_meter_value(place, value["timestamp"], sample)
        return values

    def signs(self, controller: str) -> bool:
        """Tell whether what a controller governs is to be signed."""
        return self.model.flag(controller, "SignReadings")

    @staticmethod
    def can_be_signed(sample: Payload) -> bool:
        """Tell whether the meter signs this: only its energy register."""
        return bool(sample["measurand"] == SIGNED_MEASURAND)

    def signed_meter_value(self, place: Evse, timestamp: str, sample: Payload) -> Payload:
        """Return a reading in the Open Charge Metering Format with its signature."""
        reading = {
            "FV": "1.0",
            "GS": f"{self.config.nameplate.serial_number}-{place.number}",
            "RD": [{"TM": f"{timestamp} S", "RV": sample["value"], "RU": sample["unitOfMeasure"]["unit"], "ST": "G"}],
        }
        key = self._meter_keys[place.number]
        body = json.dumps(reading, separators=(",", ":"))
        record = f"OCMF|{body}|" + json.dumps({"SD": key.sign(body.encode())}, separators=(",", ":"))
        return {
            "signedMeterData": base64.b64encode(record.encode()).decode(),
            "signingMethod": METHOD,
            "encodingMethod": "OCMF",
            "publicKey": self.public_key_to_send(place),
        }

    def public_key_to_send(self, place: Evse) -> str:
        """Return the public key as often as PublicKeyWithSignedMeterValue has it, else an empty string."""
        rule = self.model.text("OCPPCommCtrlr", "PublicKeyWithSignedMeterValue")
        transaction = place.session.transaction
        if rule == "OncePerTransaction" and transaction is not None:
            if transaction.id in self._keys_sent:
                return ""
            self._keys_sent.add(transaction.id)
        return "" if rule == "Never" else self._meter_keys[place.number].public

    # -- waiting

    async def _interval_passed(self, controller: str, variable: str) -> bool:
        """Wait for an interval, for ever where it is 0; False when it was set anew meanwhile."""
        return await self._passed(self.model.number(controller, variable) or None, f"{controller}.{variable}")

    async def _passed(self, seconds: float | None, variable: str) -> bool:
        """Wait so many seconds, None for ever; False when a variable that governs them changed meanwhile."""
        changed = self._changed.setdefault(variable, asyncio.Event())
        try:
            async with asyncio.timeout(seconds):
                await changed.wait()
        except TimeoutError:
            return True
        return False

    def interval_changed(self, variable: str) -> None:
        """Make a new interval, or a new time of day, effective at once."""
        if (event := self._changed.pop(variable, None)) is not None:
            event.set()

    def clock_was_set(self) -> None:
        """Look anew for how long it is to the next aligned moment."""
        for name in ("Interval", "TxEndedInterval"):
            self.interval_changed(f"{ALIGNED}.{name}")

    def variable_changed(self, variable: Variable) -> None:
        """Begin new intervals when one is set."""
        super().variable_changed(variable)
        self.interval_changed(variable.path)
