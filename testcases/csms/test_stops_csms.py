"""Use cases E06, E07, E10: whatever ends or suspends a transaction, the CSMS answers it."""

from typing import Any

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers import v16
from conformance.peers.csms_scenes import charging, judged, station_16, station_201, valid_token
from conformance.peers.equipment import ChargingState, Transaction
from conformance.peers.station import StationPeer
from conformance.peers.tellings import begun, ends, event, occupied, recorded, refusals, tell, vacated
from conformance.sut.drivers import CsmsDriver
from conformance.sut.profile import SutProfile

# -- by the driver ----------------------------------------------------------------------------------------------------


@case(
    "TC_E_15_CSMS",
    "A transaction ends when the driver stops it: the CSMS takes that, and tells the status of the token",
    requirements=["CSMS.STOP.01", "E01.FR.12"],
    severity=Severity.BLOCKER,
)
async def test_stop_authorized(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The card is held to the reader again."""
    running = await charging(csms, station, profile, station.equipment.evses[0])
    async with judged(station, spec, profile):
        await ended(station, running, "StopAuthorized", "Local", "EVConnected", token=running.id_token)


@case(
    "TC_E_07_CSMS",
    "A transaction ends when the contactor opens, since the driver stops it: the CSMS takes that",
    requirements=["CSMS.STOP.01"],
    severity=Severity.CRITICAL,
)
async def test_power_path_opened(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Without the token, which is known from the start."""
    running = await charging(csms, station, profile, station.equipment.evses[0])
    async with judged(station, spec, profile):
        await ended(station, running, "StopAuthorized", "Local", "EVConnected")


@case(
    "TC_E_08_CSMS",
    "A transaction ends when no more energy flows, after the driver has stopped it: the CSMS takes that",
    requirements=["CSMS.STOP.01"],
    severity=Severity.NORMAL,
)
async def test_energy_stopped(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """What the driver has done was told before that."""
    running = await charging(csms, station, profile, station.equipment.evses[0])
    await station_201(station).stop_energy(station.call, running, running.id_token or {})
    async with judged(station, spec, profile):
        await ended(station, running, "ChargingStateChanged", "Local", "EVConnected")


# -- by the car -------------------------------------------------------------------------------------------------------


@case(
    "TC_E_22_CSMS",
    "A transaction ends when the EV wants no more: the CSMS takes that",
    requirements=["CSMS.STOP.01"],
    severity=Severity.NORMAL,
)
async def test_stopped_by_ev(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The EV suspends."""
    running = await charging(csms, station, profile, station.equipment.evses[0])
    async with judged(station, spec, profile):
        await ended(station, running, "ChargingStateChanged", "StoppedByEV", "SuspendedEV")


@case(
    "TC_E_14_CSMS",
    "A transaction ends when the plug is taken out of the station: the CSMS takes that",
    requirements=["CSMS.STOP.01"],
    severity=Severity.CRITICAL,
)
async def test_unplugged_here(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """After the driver has stopped the energy."""
    running = await charging(csms, station, profile, station.equipment.evses[0])
    await station_201(station).stop_energy(station.call, running, running.id_token or {})
    await updated(station, running, "ChargingStateChanged", "EVConnected")
    async with judged(station, spec, profile):
        await ended(station, running, "EVCommunicationLost", "EVDisconnected", "Idle")
    await vacated(station, running.evse)


@case(
    "TC_E_20_CSMS",
    "A transaction ends when the plug is taken out of the car: the CSMS takes that",
    requirements=["CSMS.STOP.01"],
    severity=Severity.NORMAL,
)
async def test_unplugged_there(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The EV has suspended before; then all that the station knows is that it is gone."""
    running = await charging(csms, station, profile, station.equipment.evses[0])
    await updated(station, running, "ChargingStateChanged", "SuspendedEV")
    async with judged(station, spec, profile):
        await ended(station, running, "EVCommunicationLost", "EVDisconnected", "Idle")
    await vacated(station, running.evse)


@case(
    "TC_E_17_CSMS",
    "A transaction loses its authorization when the plug is taken out of the car: the CSMS takes its end",
    requirements=["CSMS.STOP.01"],
    severity=Severity.NORMAL,
)
async def test_deauthorized_by_car(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The cable stays in the station, so the connector stays occupied."""
    running = await charging(csms, station, profile, station.equipment.evses[0])
    await updated(station, running, "ChargingStateChanged", "SuspendedEV")
    async with judged(station, spec, profile):
        await ended(station, running, "EVCommunicationLost", "EVDisconnected", "Idle")


@case(
    "TC_005_1_CSMS",
    "A transaction ends when the plug is taken out of the car: the central system takes that, and every state",
    versions=["1.6"],
    requirements=["16.TX.09", "16.STATUS.08"],
    severity=Severity.CRITICAL,
)
async def test_ev_side(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Suspended by the EV, stopped, finishing, and free once the cable is out."""
    running = await charging(csms, station, profile, station.equipment.evses[0])
    connector = station_16(station).number(*station.equipment.connectors[0])
    async with judged(station, spec, profile):
        suspended = v16.status_notification(connector, "SuspendedEV", at=station.equipment.clock.stamp())
        await station.call("StatusNotification", suspended)
        await station.stop(running, "unplugged")
        await vacated(station, running.evse)


@case(
    "TC_E_19_CSMS",
    "A transaction ends when the car leaves the bay: the CSMS takes that",
    requirements=["CSMS.STOP.01"],
    severity=Severity.NORMAL,
)
async def test_bay_left(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The plug is out before that."""
    running = await charging(csms, station, profile, station.equipment.evses[0])
    await station_201(station).stop_energy(station.call, running, running.id_token or {})
    await updated(station, running, "EVCommunicationLost", "Idle")
    await vacated(station, running.evse)
    async with judged(station, spec, profile):
        await ended(station, running, "EVDeparted", "Local", "Idle")


@case(
    "TC_E_26_CSMS",
    "The plug is taken out of the car and put in again: the CSMS takes what comes of that",
    requirements=["J02.FR.19", "CSMS.STATUS.01"],
    severity=Severity.NORMAL,
)
async def test_suspended_by_plug(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The transaction is suspended meanwhile, and goes on."""
    running = await charging(csms, station, profile, station.equipment.evses[0])
    await updated(station, running, "ChargingStateChanged", "SuspendedEV")
    async with judged(station, spec, profile):
        await updated(station, running, "EVCommunicationLost", "Idle")
        await vacated(station, running.evse)
        await occupied(station, running.evse)
        await updated(station, running, "CablePluggedIn", "EVConnected")
        await updated(station, running, "ChargingStateChanged", "Charging")


# -- by the station ---------------------------------------------------------------------------------------------------


@case(
    "TC_E_39_CSMS",
    "A transaction ends since nobody plugs in: the CSMS takes that",
    requirements=["CSMS.STOP.01"],
    severity=Severity.NORMAL,
)
async def test_timeout(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The driver was authorized, and the station has waited for long enough."""
    token = await valid_token(csms, profile)
    running = begun(station, station.equipment.evses[0], token)
    started = event(station, running, "Started", "Authorized", state="Idle", token=token)
    await station.call("TransactionEvent", started)
    async with judged(station, spec, profile):
        await ended(station, running, "EVConnectTimeout", "Timeout", "Idle")


@case(
    "TC_E_16_CSMS",
    "A transaction starts with a token that the CSMS does not know: it says so, and takes the end",
    requirements=["E01.FR.12", "CSMS.STOP.01"],
    severity=Severity.BLOCKER,
)
@case(
    "UNKNOWN_TOKEN_CHARGES_CSMS",
    "A transaction starts with a token that the central system does not know: it says so, and takes the end",
    versions=["1.6"],
    requirements=["16.TX.06", "16.TX.09"],
    severity=Severity.BLOCKER,
)
async def test_deauthorized(station: StationPeer, spec: Spec, profile: SutProfile) -> None:
    """Somebody has let the driver in without asking."""
    token = profile.parameters.invalid_id_token
    record = recorded(station, station.equipment.evses[0], token.payload)
    async with judged(station, spec, profile, expected={token.id_token: refusals(station)["unknown"]}):
        await tell(station, record, record.start())
        await tell(station, record, record.end("DeAuthorized"))


@case(
    "ENDS_OF_EVERY_KIND_CSMS",
    "A transaction may end for any reason that there is: the CSMS takes them all",
    versions=["2.0.1", "1.6"],
    requirements=["CSMS.STOP.01"],
    severity=Severity.CRITICAL,
)
async def test_ends_of_every_kind(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """One transaction for each, started by the driver."""
    token = await valid_token(csms, profile)
    for why in ends(station):
        record = recorded(station, station.equipment.evses[0], token)
        await tell(station, record, record.start())
        async with judged(station, spec, profile):
            await tell(station, record, record.end(why))


# -- steps ------------------------------------------------------------------------------------------------------------


async def ended(
    station: StationPeer, running: Transaction, trigger: str, reason: str, state: ChargingState, **said: Any
) -> None:
    """Send the last event of a transaction."""
    running.evse.meter.watts = 0.0
    await station.call(
        "TransactionEvent", event(station, running, "Ended", trigger, stopped=reason, state=state, **said)
    )


async def updated(station: StationPeer, running: Transaction, trigger: str, state: ChargingState) -> None:
    """Send an event in between."""
    await station.call("TransactionEvent", event(station, running, "Updated", trigger, state=state))
