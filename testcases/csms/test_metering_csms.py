"""Use cases J01 and J02: meter values by the clock and by the interval, signed and plain, of every kind there is."""

from collections.abc import Sequence

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms_boot import listed, taken
from conformance.peers.csms_scenes import charging, judged, valid_token
from conformance.peers.station import StationPeer
from conformance.peers.tellings import (
    begun,
    energy,
    event,
    idle_values,
    occupied,
    recorded,
    series,
    tell,
    values_of_every_kind,
)
from conformance.sut.drivers import CsmsDriver
from conformance.sut.profile import SutProfile

ROUNDS = 3
CLOCK = ("Sample.Clock", "Sample.Clock", "Transaction.End")
PERIODIC = ("Sample.Periodic", "Sample.Periodic", "Transaction.End")

# -- by the clock -----------------------------------------------------------------------------------------------------


@case(
    "TC_J_01_CSMS",
    "Meter values by the clock, with no transaction: the CSMS answers them",
    requirements=["J01.FR.18"],
    severity=Severity.CRITICAL,
)
@case(
    "METER_VALUES_IDLE_CSMS",
    "Meter values by the clock, with no transaction: the central system answers them",
    versions=["1.6"],
    requirements=["16.TX.48"],
    severity=Severity.CRITICAL,
)
async def test_clock_idle(station: StationPeer, spec: Spec, profile: SutProfile) -> None:
    """Of the whole station and of each EVSE, three times."""
    async with judged(station, spec, profile):
        for _ in range(ROUNDS):
            for values in idle_values(station, station.equipment.evses):
                await station.call("MeterValues", values)


@case(
    "TC_J_02_CSMS",
    "Meter values by the clock, during a transaction: the CSMS answers them",
    requirements=["J01.FR.18", "J02.FR.19"],
    severity=Severity.CRITICAL,
)
async def test_clock_charging(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Those of the transaction come in its events, those of the other EVSEs by themselves."""
    evse, *others = station.equipment.evses
    running = await charging(csms, station, profile, evse)
    async with judged(station, spec, profile):
        for _ in range(ROUNDS):
            for values in idle_values(station, others):
                await station.call("MeterValues", values)
            at = station.equipment.clock.stamp()
            reading = energy(evse.meter.register_wh, at=at, context="Sample.Clock")
            told = event(station, running, "Updated", "MeterValueClock", meterValue=[reading])
            await station.call("TransactionEvent", told)


@case(
    "TC_J_03_CSMS",
    "A transaction ends with all that was measured by the clock: the CSMS answers it",
    requirements=["J02.FR.19"],
    severity=Severity.NORMAL,
)
async def test_clock_ended(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The last value is that of the end."""
    await ended_with(station, csms, spec, profile, CLOCK)


@case(
    "TC_J_04_CSMS",
    "A transaction ends with all that was measured by the clock, and signed: the CSMS answers it",
    requirements=["J02.FR.19"],
    severity=Severity.NORMAL,
)
async def test_clock_signed(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The last value is that of the end."""
    await ended_with(station, csms, spec, profile, CLOCK, signed=True)


# -- by the interval --------------------------------------------------------------------------------------------------


@case(
    "TC_J_07_CSMS",
    "A transaction starts with a meter value, where the plug is in: the CSMS answers it",
    requirements=["J02.FR.19"],
    severity=Severity.NORMAL,
)
async def test_sampled_started(station: StationPeer, spec: Spec, profile: SutProfile) -> None:
    """The EVSE is known."""
    evse = station.equipment.evses[0]
    await occupied(station, evse)
    running = begun(station, evse)
    reading = energy(evse.meter.register_wh, at=station.equipment.clock.stamp(), context="Transaction.Begin")
    async with judged(station, spec, profile):
        told = event(station, running, "Started", "CablePluggedIn", state="EVConnected", place=True)
        await station.call("TransactionEvent", told | {"meterValue": [reading]})


@case(
    "TC_J_08_CSMS",
    "A transaction tells its first meter value once the plug is in: the CSMS answers it",
    requirements=["J02.FR.19"],
    severity=Severity.NORMAL,
)
async def test_sampled_later(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """It has started before the EVSE was known, so without a value."""
    token, evse = await valid_token(csms, profile), station.equipment.evses[0]
    running = begun(station, evse, token)
    async with judged(station, spec, profile):
        started = event(station, running, "Started", "Authorized", state="Idle", token=token)
        await station.call("TransactionEvent", started)
        await occupied(station, evse)
        reading = energy(evse.meter.register_wh, at=station.equipment.clock.stamp(), context="Transaction.Begin")
        plugged = event(station, running, "Updated", "CablePluggedIn", state="EVConnected", place=True)
        await station.call("TransactionEvent", plugged | {"meterValue": [reading]})
        charges = event(station, running, "Updated", "ChargingStateChanged", state="Charging")
        await station.call("TransactionEvent", charges)


@case(
    "TC_J_09_CSMS",
    "Meter values at intervals, during a transaction: the CSMS answers them",
    requirements=["J02.FR.19"],
    severity=Severity.CRITICAL,
)
@case(
    "METER_VALUES_CHARGING_CSMS",
    "Meter values at intervals, during a transaction: the central system answers them",
    versions=["1.6"],
    requirements=["16.TX.48"],
    severity=Severity.CRITICAL,
)
async def test_sampled(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Three of them."""
    record = recorded(station, station.equipment.evses[0], await valid_token(csms, profile))
    await tell(station, record, record.start())
    async with judged(station, spec, profile):
        for _ in range(ROUNDS):
            await tell(station, record, record.update())
    await tell(station, record, record.end())


@case(
    "TC_J_10_CSMS",
    "A transaction ends with all that was measured at intervals: the CSMS answers it",
    requirements=["J02.FR.19"],
    severity=Severity.NORMAL,
)
async def test_sampled_ended(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The last value is that of the end."""
    await ended_with(station, csms, spec, profile, PERIODIC)


@case(
    "TC_J_11_CSMS",
    "A transaction ends with all that was measured at intervals, and signed: the CSMS answers it",
    requirements=["J02.FR.19"],
    severity=Severity.NORMAL,
)
async def test_sampled_signed(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The last value is that of the end."""
    await ended_with(station, csms, spec, profile, PERIODIC, signed=True)


@case(
    "STOP_WITH_VALUES_CSMS",
    "A transaction ends with all that was measured: the central system answers it",
    versions=["1.6"],
    requirements=["16.TX.09"],
    severity=Severity.NORMAL,
)
async def test_stop_with_values(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """From beginning to end, by the clock and at intervals, plain and signed."""
    record = recorded(station, station.equipment.evses[0], await valid_token(csms, profile))
    await tell(station, record, record.start())
    every = values_of_every_kind(station, record.running.evse).values()
    measured = [each["meterValue"][0] for each in every]
    async with judged(station, spec, profile):
        await tell(station, record, record.end(transactionData=measured))


# -- of every kind ----------------------------------------------------------------------------------------------------


@case(
    "METER_VALUES_OF_EVERY_KIND_CSMS",
    "Whatever a meter measures, within the schema, the CSMS answers it",
    versions=["2.0.1", "1.6"],
    requirements=["J01.FR.18"],
    severity=Severity.NORMAL,
)
async def test_every_kind(station: StationPeer, spec: Spec) -> None:
    """Every measurand, phase, place and context, with units and without."""
    values = values_of_every_kind(station, station.equipment.evses[0])
    wrong = await taken(station, [(words, ("MeterValues", told)) for words, told in values.items()])
    with spec("J01.FR.18"):
        assert not wrong, listed(wrong)


# -- steps ------------------------------------------------------------------------------------------------------------


async def ended_with(  # noqa: PLR0913 -- what these have in common
    station: StationPeer,
    csms: CsmsDriver,
    spec: Spec,
    profile: SutProfile,
    contexts: Sequence[str],
    *,
    signed: bool = False,
) -> None:
    """End a transaction with values of these contexts, by the plug."""
    running = await charging(csms, station, profile, station.equipment.evses[0])
    values = series(station, running, contexts, signed=signed)
    running.evse.meter.watts = 0.0
    async with judged(station, spec, profile):
        told = event(station, running, "Ended", "EVCommunicationLost", stopped="EVDisconnected", state="Idle")
        await station.call("TransactionEvent", told | {"meterValue": values})
