"""Use cases E01 to E03: whatever starts a transaction, the CSMS answers it, and says what it knows of the token."""

from typing import Any

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms_scenes import judged, station_16, valid_token
from conformance.peers.equipment import Transaction
from conformance.peers.station import StationPeer
from conformance.peers.tellings import begun, energy, event, occupied, vacated
from conformance.sut.drivers import CsmsDriver
from conformance.sut.profile import SutProfile

# -- the usual ways ---------------------------------------------------------------------------------------------------


@case(
    "TC_E_03_CSMS",
    "A driver plugs in and is authorized then: the CSMS accepts the token, and takes the transaction",
    requirements=["C01.FR.07", "CSMS.START.01", "J02.FR.19", "E01.FR.12"],
    severity=Severity.BLOCKER,
)
@case(
    "TC_003_CSMS",
    "A driver plugs in and is authorized then: the central system accepts the token, and takes the transaction",
    versions=["1.6"],
    requirements=["16.STATUS.08", "16.TX.03", "16.TX.05", "16.TX.06"],
    severity=Severity.BLOCKER,
)
async def test_cable_first(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """In 2.0.1 the plug starts the transaction here, and the authorization goes into it."""
    token = await valid_token(csms, profile)
    evse = station.equipment.evses[0]
    async with judged(station, spec, profile):
        await station.plug_in(evse.id, evse.connectors[0].id)
        await station.start(evse.id, id_token=token)


@case(
    "TC_E_04_CSMS",
    "A driver is authorized and plugs in then: the CSMS accepts the token, and takes the transaction",
    requirements=["C01.FR.07", "CSMS.START.01", "J02.FR.19", "E01.FR.12"],
    severity=Severity.BLOCKER,
)
async def test_authorization_first(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The authorization starts the transaction, at an EVSE that is known from the plug on."""
    token = await valid_token(csms, profile)
    evse = station.equipment.evses[0]
    running = begun(station, evse, token)
    async with judged(station, spec, profile):
        await station.authorize(token)
        await tell(station, running, "Started", "Authorized", state="Idle", token=token)
        await occupied(station, evse)
        await tell(station, running, "Updated", "CablePluggedIn", state="EVConnected", place=True)
        await tell(station, running, "Updated", "ChargingStateChanged", state="Charging")


@case(
    "TC_004_1_CSMS",
    "A driver is authorized and plugs in then: the central system accepts the token, and takes the transaction",
    versions=["1.6"],
    requirements=["16.STATUS.08", "16.TX.03", "16.TX.05", "16.TX.06"],
    severity=Severity.BLOCKER,
)
async def test_identification_first(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The charge point waits for the plug before it starts the transaction."""
    token = await valid_token(csms, profile)
    evse = station.equipment.evses[0]
    async with judged(station, spec, profile):
        await station.authorize(token)
        await preparing(station)
        evse.connectors[0].plugged = True
        await station.dialect.start(station.call, evse, token)


@case(
    "CACHED_TOKEN_CSMS",
    "A transaction starts with a token that the station knew by itself, and the CSMS takes it without an Authorize",
    requirements=["CSMS.START.01", "E01.FR.12"],
    severity=Severity.CRITICAL,
)
@case(
    "TC_007_CSMS",
    "A transaction starts with a token from the charge point's cache, and the central system takes it",
    versions=["1.6"],
    requirements=["16.TX.05", "16.TX.06"],
    severity=Severity.CRITICAL,
)
async def test_cached(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The first that the CSMS hears of the token is the transaction."""
    token = await valid_token(csms, profile)
    evse = station.equipment.evses[0]
    await occupied(station, evse)
    async with judged(station, spec, profile):
        await station.dialect.start(station.call, evse, token)


@case(
    "TC_E_38_CSMS",
    "The EV is not ready to be charged: the CSMS takes that",
    requirements=["J02.FR.19"],
    severity=Severity.NORMAL,
)
async def test_ev_not_ready(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Authorization first, then the plug, and then the EV suspends."""
    token = await valid_token(csms, profile)
    evse = station.equipment.evses[0]
    running = begun(station, evse, token)
    await tell(station, running, "Started", "Authorized", state="Idle", token=token)
    await occupied(station, evse)
    async with judged(station, spec, profile):
        await tell(station, running, "Updated", "CablePluggedIn", state="EVConnected", place=True)
        await tell(station, running, "Updated", "ChargingStateChanged", state="SuspendedEV")


# -- every start point ------------------------------------------------------------------------------------------------


@case(
    "TC_E_12_CSMS",
    "A transaction starts when a car drives into the bay: the CSMS takes it",
    requirements=["CSMS.START.01"],
    severity=Severity.NORMAL,
)
async def test_bay_occupied(station: StationPeer, spec: Spec, profile: SutProfile) -> None:
    """Nobody is known yet, nor where they will plug in."""
    running = begun(station, station.equipment.evses[0])
    async with judged(station, spec, profile):
        await tell(station, running, "Started", "EVDetected", state="Idle")


@case(
    "TC_E_09_CSMS",
    "A transaction starts with the plug: the CSMS takes it",
    requirements=["CSMS.START.01", "CSMS.STATUS.01"],
    severity=Severity.CRITICAL,
)
async def test_ev_connected(station: StationPeer, spec: Spec, profile: SutProfile) -> None:
    """Nobody is known yet."""
    evse = station.equipment.evses[0]
    running = begun(station, evse)
    async with judged(station, spec, profile):
        await occupied(station, evse)
        await tell(station, running, "Started", "CablePluggedIn", state="EVConnected", place=True)


@case(
    "TC_E_10_CSMS",
    "A transaction starts with the authorization, before the plug is in: the CSMS accepts the token",
    requirements=["C01.FR.07", "CSMS.START.01", "E01.FR.12"],
    severity=Severity.CRITICAL,
)
async def test_authorized(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """At which EVSE the driver will charge, is not known."""
    token = await valid_token(csms, profile)
    running = begun(station, station.equipment.evses[0], token)
    async with judged(station, spec, profile):
        await station.authorize(token)
        await tell(station, running, "Started", "Authorized", state="Idle", token=token)


@case(
    "TC_E_11_CSMS",
    "A transaction starts with the first signed reading: the CSMS accepts the token",
    requirements=["C01.FR.07", "CSMS.START.01", "E01.FR.12"],
    severity=Severity.NORMAL,
)
async def test_data_signed(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The meter has signed that it shows nothing yet."""
    at = station.equipment.clock.stamp()
    reading = energy(0.0, at=at, context="Transaction.Begin", signed=True)
    await starts_after_plug(
        station, csms, spec, profile, trigger="SignedDataReceived", state="EVConnected", meterValue=[reading]
    )


@case(
    "TC_E_01_CSMS",
    "A transaction starts when the contactor closes: the CSMS accepts the token",
    requirements=["C01.FR.07", "CSMS.START.01", "E01.FR.12"],
    severity=Severity.NORMAL,
)
async def test_power_path_closed(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """No energy flows yet."""
    await starts_after_plug(station, csms, spec, profile, trigger="ChargingStateChanged", state="SuspendedEVSE")


@case(
    "TC_E_02_CSMS",
    "A transaction starts when energy flows: the CSMS accepts the token",
    requirements=["C01.FR.07", "CSMS.START.01", "E01.FR.12"],
    severity=Severity.NORMAL,
)
async def test_energy_transfer(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Its first event says that it is charging."""
    await starts_after_plug(station, csms, spec, profile, trigger="ChargingStateChanged", state="Charging")


# -- numbers ----------------------------------------------------------------------------------------------------------


@case(
    "TC_E_53_CSMS",
    "Two transactions in a row both number their events from 0: the CSMS takes both",
    requirements=["CSMS.START.01", "J02.FR.19", "CSMS.STOP.01"],
    severity=Severity.CRITICAL,
)
async def test_numbers_from_zero(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """On one EVSE, with the same token."""
    token = await valid_token(csms, profile)
    evse = station.equipment.evses[0]
    for _ in range(2):
        async with judged(station, spec, profile):
            await station.plug_in(evse.id, evse.connectors[0].id)
            await station.start(evse.id, id_token=token)
            await station.unplug(evse.id, evse.connectors[0].id)


@case(
    "TRANSACTION_IDS_CSMS",
    "Every transaction gets an id above 0 that no other one has",
    versions=["1.6"],
    requirements=["16.TX.49"],
    severity=Severity.CRITICAL,
)
async def test_transaction_ids(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Of two on one connector, one after the other, and of one on each connector at once."""
    tokens = [await valid_token(csms, profile), await valid_token(csms, profile, other=True)]
    numbers: list[int | None] = []
    for _ in range(2):
        running = await station.start(station.equipment.evses[0].id, id_token=tokens[0])
        numbers.append(running.number)
        await station.stop(running)
    for evse, token in zip(station.equipment.evses, tokens, strict=False):
        numbers.append((await station.start(evse.id, id_token=token)).number)
    with spec("16.TX.49"):
        assert all(number is not None and number > 0 for number in numbers), f"the transactions have the ids {numbers}"
        assert len(set(numbers)) == len(numbers), f"two transactions have the same id: {numbers}"


# -- given up ---------------------------------------------------------------------------------------------------------


@case(
    "TC_004_2_CSMS",
    "A driver is authorized and never plugs in: the central system takes the states of the connector",
    versions=["1.6"],
    requirements=["16.STATUS.08"],
    severity=Severity.NORMAL,
)
async def test_never_plugged_in(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The connector is being prepared, and is free again."""
    await station.authorize(await valid_token(csms, profile))
    async with judged(station, spec, profile):
        await preparing(station)
        await vacated(station, station.equipment.evses[0])


@case(
    "TC_024_CSMS",
    "The plug can't be locked: the central system takes the fault",
    versions=["1.6"],
    requirements=["16.STATUS.08"],
    severity=Severity.NORMAL,
)
async def test_lock_failure(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """No transaction starts; the connector is free again once the driver has left."""
    await station.authorize(await valid_token(csms, profile))
    async with judged(station, spec, profile):
        await preparing(station)
        await preparing(station, status="Faulted", error="ConnectorLockFailure")
        await vacated(station, station.equipment.evses[0])


# -- steps ------------------------------------------------------------------------------------------------------------


async def tell(station: StationPeer, running: Transaction, kind: str, trigger: str, **said: Any) -> None:
    """Send an event."""
    await station.call("TransactionEvent", event(station, running, kind, trigger, **said))


async def starts_after_plug(
    station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile, *, trigger: str, **said: Any
) -> None:
    """The driver is authorized and plugs in, and the transaction starts later than that."""
    token = await valid_token(csms, profile)
    evse = station.equipment.evses[0]
    running = begun(station, evse, token)
    await occupied(station, evse)
    async with judged(station, spec, profile):
        await station.authorize(token)
        await tell(station, running, "Started", trigger, token=token, place=True, **said)
    await tell(station, running, "Updated", "ChargingStateChanged", state="Charging")


async def preparing(station: StationPeer, status: str = "Preparing", error: str = "NoError") -> None:
    """Tell a state of the first connector of which there is no transaction yet."""
    number = station_16(station).number(*station.equipment.connectors[0])
    at = station.equipment.clock.stamp()
    said = {"connectorId": number, "status": status, "errorCode": error, "timestamp": at}
    await station.call("StatusNotification", said)
