"""Mutants of metering: by the clock, in transactions, at their end, and signed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from conformance.reference.station import ReferenceStation
from conformance.reference.station.clock import parse_moment

if TYPE_CHECKING:
    from conformance.reference.station.base import Evse
    from conformance.reference.station.rpc import Payload

ALIGNED, SAMPLED = "AlignedDataCtrlr", "SampledDataCtrlr"
CLOCK, PERIODIC, BEGIN, END = "Sample.Clock", "Sample.Periodic", "Transaction.Begin", "Transaction.End"


def renamed(values: list[Payload], context: str) -> list[Payload]:
    """Return the same readings under another context."""
    return [{**each, "sampledValue": [{**one, "context": context} for one in each["sampledValue"]]} for each in values]


def without_last(values: list[Payload]) -> list[Payload]:
    """Return readings that lack the last measurand of each, or have none where there is one only."""
    shorter = [{**each, "sampledValue": each["sampledValue"][:-1]} for each in values]
    return [each for each in shorter if each["sampledValue"]]


def renamed_measurand(values: list[Payload]) -> list[Payload]:
    """Return the same readings, said to be of the voltage."""
    return [
        {**each, "sampledValue": [{**one, "measurand": "Voltage"} for one in each["sampledValue"]]} for each in values
    ]


# -- by the clock -----------------------------------------------------------------------------------------------------


class ClockContextMissing(ReferenceStation):
    """Does not say that readings were taken by the clock."""

    breaks = "J01.FR.08"

    def meter_values(self, place: Evse, context: str, setting: tuple[str, str]) -> list[Payload]:
        """Take them for samples, unless they are for the end."""
        values = super().meter_values(place, context, setting)
        return renamed(values, PERIODIC) if context == CLOCK and setting[1] == "Measurands" else values


class NoClockAlignedValues(ReferenceStation):
    """Sends no MeterValues by the clock."""

    breaks = "J01.FR.14"

    def aligned_places(self) -> list[Evse]:
        """Leave out what is idle."""
        return [place for place in super().aligned_places() if place.session.transaction is not None]


class LastEvseNotRead(ReferenceStation):
    """Reads the meter of the first EVSE only."""

    breaks = "J01.FR.14"

    def aligned_places(self) -> list[Evse]:
        """Leave out the others."""
        return super().aligned_places()[:1]


class ClockMeasurandMissing(ReferenceStation):
    """Leaves the last measurand out of what it sends by the clock."""

    breaks = "J01.FR.14"

    def aligned_payload(self, place: Evse) -> Payload:
        """Drop one."""
        payload = super().aligned_payload(place)
        return {**payload, "meterValue": without_last(payload["meterValue"])}


class ClockIntervalDoubled(ReferenceStation):
    """Reads its meters by the clock half as often as it should."""

    breaks = "J01.FR.14"
    also = ("J01.FR.22",)

    def seconds_to_alignment(self, variable: str) -> float | None:
        """Wait for one moment more."""
        wait = super().seconds_to_alignment(variable)
        return None if wait is None else wait + self.model.number(ALIGNED, variable)


class IdleEvsesForgottenInTransaction(ReferenceStation):
    """Reads no other meter by the clock while one EVSE is in a transaction."""

    breaks = "J01.FR.14"

    def aligned_places(self) -> list[Evse]:
        """Prefer what is in a transaction."""
        busy = [place for place in super().aligned_places() if place.session.transaction is not None]
        return busy or super().aligned_places()


class SilentAfterIdleOnly(ReferenceStation):
    """Reads its meters no more once a transaction has kept it from it."""

    breaks = "J01.FR.14"
    kept = False

    def is_kept_to_idle(self) -> bool:
        """Stay silent."""
        self.kept = self.kept or super().is_kept_to_idle()
        return self.kept


class NoClockValuesInTransaction(ReferenceStation):
    """Reads the meter of an EVSE by the clock only without a transaction."""

    breaks = "J01.FR.22"

    def aligned_places(self) -> list[Evse]:
        """Leave out what is busy."""
        return [place for place in super().aligned_places() if place.session.transaction is None]


class ClockMeasurandMissingInTransaction(ReferenceStation):
    """Leaves the last measurand out of the events that it sends by the clock."""

    breaks = "J01.FR.22"

    def event_meter_values(self, place: Evse, event_type: str, trigger: str) -> list[Payload]:
        """Drop one."""
        values = super().event_meter_values(place, event_type, trigger)
        return without_last(values) if trigger == "MeterValueClock" else values


class ClockEventsCalledPeriodic(ReferenceStation):
    """Takes a reading by the clock in a transaction for a sample."""

    breaks = "J01.FR.22"

    def aligned_trigger(self) -> str:
        """Call it one."""
        return "MeterValuePeriodic"


class ClockValuesDespiteTransaction(ReferenceStation):
    """Sends readings by the clock in transactions although they are to be kept to idle times."""

    breaks = "J01.FR.20"

    def is_kept_to_idle(self) -> bool:
        """Leave the setting aside."""
        return False


class OtherEvsesSendDespiteTransaction(ReferenceStation):
    """Keeps only the EVSE with the transaction from sending readings by the clock."""

    breaks = "J01.FR.20"

    def is_kept_to_idle(self) -> bool:
        """Let the others go on."""
        return False

    def aligned_places(self) -> list[Evse]:
        """Leave out what is busy."""
        idle = [place for place in super().aligned_places() if place.session.transaction is None]
        return idle if self.model.flag(ALIGNED, "SendDuringIdle") else super().aligned_places()


class NotEvenWithTheDay(ReferenceStation):
    """Reads its meters at even distances, but from any moment on."""

    breaks = "METER.ALIGNED.01"

    def day_begins_late_by(self) -> float:
        """Begin the day half an interval late."""
        return max(self.model.number(ALIGNED, "Interval"), self.model.number(ALIGNED, "TxEndedInterval")) / 2


# -- in transactions --------------------------------------------------------------------------------------------------


class StartedWithoutMeterValues(ReferenceStation):
    """Starts transactions without a reading, where the EVSE and the connector are known."""

    breaks = "E01.FR.09"

    def event_meter_values(self, place: Evse, event_type: str, trigger: str) -> list[Payload]:
        """Leave it out."""
        if event_type == "Started" and place.plugged is not None:
            return []
        return super().event_meter_values(place, event_type, trigger)


class StartedMeasurandMissing(ReferenceStation):
    """Leaves the last measurand out of the reading for the start."""

    breaks = "E01.FR.09"
    also = ("E01.FR.17",)

    def event_meter_values(self, place: Evse, event_type: str, trigger: str) -> list[Payload]:
        """Drop one."""
        values = super().event_meter_values(place, event_type, trigger)
        return without_last(values) if event_type == "Started" else values


class StartedWithWrongContext(ReferenceStation):
    """Takes the reading for the start for a sample."""

    breaks = "E01.FR.09"
    also = ("E01.FR.17",)

    def event_meter_values(self, place: Evse, event_type: str, trigger: str) -> list[Payload]:
        """Call it one."""
        values = super().event_meter_values(place, event_type, trigger)
        return renamed(values, PERIODIC) if event_type == "Started" else values


class BeginForgottenWithoutCable(ReferenceStation):
    """Has no reading for the start of a transaction that began before the cable was in."""

    breaks = "E01.FR.17"

    def event_meter_values(self, place: Evse, event_type: str, trigger: str) -> list[Payload]:
        """Leave it out."""
        if event_type == "Started" and place.plugged is None:
            return []
        return super().event_meter_values(place, event_type, trigger)


class ConnectorNotNamed(ReferenceStation):
    """Names the EVSE in its events, never the connector."""

    breaks = "E01.FR.16"

    def event_payload(self, place: Evse, event_type: str, trigger: str, connector: int | None = None) -> Payload:
        """Leave it out."""
        event = super().event_payload(place, event_type, trigger, connector)
        return {**event, "evse": {"id": place.number}}


class NoSamples(ReferenceStation):
    """Sends no samples."""

    breaks = "J02.FR.11"

    def sample_due(self, place: Evse) -> None:
        """Skip every one."""


class SamplesHalfAsOften(ReferenceStation):
    """Sends every other sample."""

    breaks = "J02.FR.11"
    skip = False

    def sample_due(self, place: Evse) -> None:
        """Skip every other."""
        self.skip = not self.skip
        if not self.skip:
            super().sample_due(place)


class SampleMeasurandMissing(ReferenceStation):
    """Leaves the last measurand out of its samples."""

    breaks = "J02.FR.11"

    def event_meter_values(self, place: Evse, event_type: str, trigger: str) -> list[Payload]:
        """Drop one."""
        values = super().event_meter_values(place, event_type, trigger)
        return without_last(values) if trigger == "MeterValuePeriodic" else values


class SamplesSaidToBeByTheClock(ReferenceStation):
    """Says of its samples that they were taken by the clock."""

    breaks = "J02.FR.04"

    def event_meter_values(self, place: Evse, event_type: str, trigger: str) -> list[Payload]:
        """Call them so."""
        values = super().event_meter_values(place, event_type, trigger)
        return renamed(values, CLOCK) if trigger == "MeterValuePeriodic" else values


class SamplesRepeated(ReferenceStation):
    """Sends with every sample the one before."""

    breaks = "J02.FR.10"

    def event_meter_values(self, place: Evse, event_type: str, trigger: str) -> list[Payload]:
        """Add what is older than the interval."""
        values = super().event_meter_values(place, event_type, trigger)
        interval = self.model.number(SAMPLED, "TxUpdatedInterval")
        if trigger != "MeterValuePeriodic" or not values:
            return values
        at = parse_moment(values[0]["timestamp"])
        assert at is not None
        earlier = (at - timedelta(seconds=2 * interval)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return [{**values[0], "timestamp": earlier}, *values]


# -- at the end -------------------------------------------------------------------------------------------------------


class EndedWithoutClockValues(ReferenceStation):
    """Keeps nothing by the clock for the end of a transaction."""

    breaks = "METER.ENDED.01"

    def keep_reading(self, place: Evse, context: str, controller: str) -> None:
        """Keep samples only."""
        if controller != ALIGNED:
            super().keep_reading(place, context, controller)


class EndedClockMeasurandWrong(ReferenceStation):
    """Keeps by the clock another measurand than it was asked for."""

    breaks = "METER.ENDED.01"

    def readings_to_keep(self, place: Evse, context: str, controller: str) -> list[Payload]:
        """Keep the voltage."""
        values = super().readings_to_keep(place, context, controller)
        return renamed_measurand(values) if controller == ALIGNED else values


class EndedWithoutSamples(ReferenceStation):
    """Keeps no sample for the end of a transaction."""

    breaks = "METER.ENDED.02"

    def keep_reading(self, place: Evse, context: str, controller: str) -> None:
        """Keep what is by the clock only."""
        if controller != SAMPLED:
            super().keep_reading(place, context, controller)


class EndedLastSampleOnly(ReferenceStation):
    """Keeps one sample for the end of a transaction, the last."""

    breaks = "METER.ENDED.02"

    def keep_reading(self, place: Evse, context: str, controller: str) -> None:
        """Forget the one before."""
        if controller == SAMPLED:
            self.kept_readings()[str(place.number)] = []
        super().keep_reading(place, context, controller)


class EndedWithoutEndReading(ReferenceStation):
    """Has no reading for the end of a transaction."""

    breaks = "E06.FR.11"

    def event_meter_values(self, place: Evse, event_type: str, trigger: str) -> list[Payload]:
        """Leave it out."""
        values = super().event_meter_values(place, event_type, trigger)
        return [each for each in values if each["sampledValue"][0]["context"] != END]


class EndReadingCalledSample(ReferenceStation):
    """Takes the reading for the end of a transaction for a sample when it says why it was taken."""

    breaks = "E06.FR.11"
    also = ("METER.ENDED.02",)

    def event_meter_values(self, place: Evse, event_type: str, trigger: str) -> list[Payload]:
        """Call it one."""
        values = super().event_meter_values(place, event_type, trigger)
        return [*values[:-1], *renamed(values[-1:], "Other")] if event_type == "Ended" else values


# -- signed -----------------------------------------------------------------------------------------------------------


class ClockValuesNotSigned(ReferenceStation):
    """Signs nothing that it reads by the clock."""

    breaks = "J01.FR.21"

    def signs(self, controller: str) -> bool:
        """Sign samples only."""
        return controller != ALIGNED and super().signs(controller)


class SamplesNotSigned(ReferenceStation):
    """Signs no samples."""

    breaks = "J02.FR.21"

    def signs(self, controller: str) -> bool:
        """Sign what is by the clock only."""
        return controller != SAMPLED and super().signs(controller)


class PublicKeyNeverSent(ReferenceStation):
    """Leaves the public key empty, whatever was set."""

    breaks = "METER.SIGNED.01"

    def public_key_to_send(self, place: Evse) -> str:  # noqa: ARG002
        """Send none."""
        return ""
