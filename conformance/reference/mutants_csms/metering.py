"""Mutants that are told what meters show."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.csms import ReferenceCsms
from conformance.reference.csms.records import StationRecord
from conformance.reference.csms.rpc import Payload, RpcError
from conformance.reference.mutants_csms.transactions import Refusing, says


def sampled(request: Payload) -> Iterator[Payload]:
    """Go through the values of a request."""
    for value in request.get("meterValue", []):
        yield from value["sampledValue"]


def contexts(request: Payload) -> set[str]:
    """Return the reading contexts of a request."""
    return {each.get("context", "Sample.Periodic") for each in sampled(request)}


class Choosy(ReferenceCsms):
    """Can be made to refuse MeterValues; by itself it is as compliant as the reference."""

    def dislikes(self, station: StationRecord, request: Payload) -> bool:  # noqa: ARG002
        """Tell whether it does not take these."""
        return False

    def on201_meter_values(self, station: StationRecord, request: Payload) -> Payload:
        """Refuse them then."""
        if self.dislikes(station, request):
            raise RpcError("InternalError", "these can't be")
        return super().on201_meter_values(station, request)

    def on16_meter_values(self, station: StationRecord, request: Payload) -> Payload:
        """Refuse them then."""
        if self.dislikes(station, request):
            raise RpcError("InternalError", "these can't be")
        return super().on16_meter_values(station, request)


# -- by themselves ----------------------------------------------------------------------------------------------------


class KnowsNoMainMeter(Choosy):
    """Takes no values of the station as a whole."""

    breaks = "J01.FR.18"

    def dislikes(self, station: StationRecord, request: Payload) -> bool:  # noqa: ARG002
        """Want an EVSE, or a connector."""
        return request.get("evseId", request.get("connectorId")) == 0


class MeasuresNothingBetweenTransactions(Choosy):
    """Takes no values that belong to no transaction."""

    breaks = "J01.FR.18"
    versions = ("1.6",)

    def dislikes(self, station: StationRecord, request: Payload) -> bool:  # noqa: ARG002
        """Want an id."""
        return "transactionId" not in request


class MeasuresNothingInTransactions(Choosy):
    """Takes no values of a transaction but with its end."""

    breaks = "16.TX.48"
    versions = ("1.6",)

    def dislikes(self, station: StationRecord, request: Payload) -> bool:  # noqa: ARG002
        """Have no use for them."""
        return "transactionId" in request


class KnowsFewMeasurands(Choosy):
    """Takes registers of energy and power, and what little else it knows."""

    breaks = "J01.FR.18"

    def dislikes(self, station: StationRecord, request: Payload) -> bool:  # noqa: ARG002
        """Look for what else there is."""
        return any(each.get("measurand") in ("Frequency", "Power.Factor") for each in sampled(request))


class KnowsOnePhase(Choosy):
    """Takes no values between two phases."""

    breaks = "J01.FR.18"

    def dislikes(self, station: StationRecord, request: Payload) -> bool:  # noqa: ARG002
        """Look at the phases."""
        return any(each.get("phase") == "L1-L2" for each in sampled(request))


class WantsAUnit(Choosy):
    """Takes no value that leaves out everything that has a default."""

    breaks = "J01.FR.18"

    def dislikes(self, station: StationRecord, request: Payload) -> bool:  # noqa: ARG002
        """Know no defaults."""
        return any(set(each) == {"value"} for each in sampled(request))


# -- in events --------------------------------------------------------------------------------------------------------


class KnowsNoClock(Refusing):
    """Takes no event that comes by the clock."""

    breaks = "J02.FR.19"
    versions = ("2.0.1",)

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Know intervals only."""
        return says(event, "Updated", "MeterValueClock")


class KnowsNoInterval(Refusing):
    """Takes no event that comes at intervals."""

    breaks = "J02.FR.19"
    versions = ("2.0.1",)

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Know the clock only."""
        return says(event, "Updated", "MeterValuePeriodic")


class WantsTheEndOnly(Refusing):
    """Takes no end of a transaction that tells what was measured by the clock."""

    breaks = "J02.FR.19"
    versions = ("2.0.1",)
    context = "Sample.Clock"

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Want one value."""
        return event["eventType"] == "Ended" and self.context in contexts(event)


class WantsTheEndAlone(WantsTheEndOnly):
    """Takes no end of a transaction that tells what was measured at intervals."""

    breaks = "J02.FR.19"
    versions = ("2.0.1",)
    context = "Sample.Periodic"


class ReadsNoSignatures(Refusing):
    """Takes no values that are signed, at the end of a transaction."""

    breaks = "J02.FR.19"
    versions = ("2.0.1",)

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Want numbers."""
        return event["eventType"] == "Ended" and any("signedMeterValue" in each for each in sampled(event))


class WantsNoFirstReading(Refusing):
    """Takes no transaction that starts with a reading, before anybody is known."""

    breaks = "J02.FR.19"
    versions = ("2.0.1",)
    also = ("CSMS.START.01",)

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Know nobody to charge for it."""
        return says(event, "Started") and "idToken" not in event and "Transaction.Begin" in contexts(event)


class WantsTheFirstReadingAtOnce(Refusing):
    """Takes no first reading that comes after the start."""

    breaks = "J02.FR.19"
    versions = ("2.0.1",)

    def objects(self, station: StationRecord, event: Payload) -> bool:  # noqa: ARG002
        """Think that it has missed it."""
        return says(event, "Updated") and "Transaction.Begin" in contexts(event)


class WantsNoTransactionData(Refusing):
    """Takes no end of a transaction that tells what was measured."""

    breaks = "16.TX.09"
    versions = ("1.6",)

    def objects16(self, station: StationRecord, action: str, request: Payload) -> bool:  # noqa: ARG002
        """Have it already."""
        return action == "StopTransaction" and bool(request.get("transactionData"))
