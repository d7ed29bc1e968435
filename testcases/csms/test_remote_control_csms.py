"""Use cases F01 to F05 and E14: transactions that an operator starts, stops and asks about, and connectors unlocked."""

from typing import Any

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers import v16
from conformance.peers.csms_scenes import (
    Command,
    accepting,
    charging,
    commanded,
    judged,
    reads,
    remote_start,
    remote_stop,
    station_16,
    transaction_status,
    unlock,
    valid_token,
)
from conformance.peers.equipment import Evse, Transaction
from conformance.peers.received import Received
from conformance.peers.replies import Payload
from conformance.peers.station import StationPeer
from conformance.peers.tellings import begun, event, occupied, vacated
from conformance.sut.drivers import CsmsDriver
from conformance.sut.profile import SutProfile

ACCEPTED, REJECTED = {"status": "Accepted"}, {"status": "Rejected"}
QUEUED, NOTHING_QUEUED = {"messagesInQueue": True}, {"messagesInQueue": False}


# -- remote start -----------------------------------------------------------------------------------------------------


@case(
    "TC_F_01_CSMS",
    "A remote start where the plug is in: the CSMS asks for it, and takes what comes of it",
    requirements=["CSMS.REMOTESTART.01", "J02.FR.19", "E01.FR.12"],
    severity=Severity.BLOCKER,
)
async def test_start_plugged(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The plug has started a transaction already, and the driver comes into it."""
    token, evse = await valid_token(csms, profile), station.equipment.evses[0]
    await station.plug_in(evse.id, evse.connectors[0].id)
    command, running = remote_start(station, token, evse), evse.transaction
    assert running is not None
    told = {**ACCEPTED, "transactionId": running.id}
    asked = await asked_for(csms, station, spec, profile, command, "CSMS.REMOTESTART.01", told)
    async with judged(station, spec, profile):
        await station.dialect.start(station.call, evse, token, asked["remoteStartId"])


@case(
    "TC_010_CSMS",
    "A remote start where the plug is in: the central system asks for it, and takes what comes of it",
    versions=["1.6"],
    requirements=["16.TX.50", "16.TX.03", "16.TX.05", "16.TX.06"],
    severity=Severity.BLOCKER,
)
async def test_start_plugged_16(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The charge point asks about the token first."""
    token, evse = await valid_token(csms, profile), station.equipment.evses[0]
    await station.plug_in(evse.id, evse.connectors[0].id)
    await asked_for(csms, station, spec, profile, remote_start(station, token, evse), "16.TX.50", ACCEPTED)
    async with judged(station, spec, profile):
        await station.authorize(token)
        await station.dialect.start(station.call, evse, token)


@case(
    "TC_F_02_CSMS",
    "A remote start before the plug, and a station that asks about the token: the CSMS takes what comes of it",
    requirements=["CSMS.REMOTESTART.01", "C01.FR.07", "CSMS.START.01", "J02.FR.19", "E01.FR.12"],
    severity=Severity.CRITICAL,
)
async def test_start_first(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """AuthorizeRemoteStart is true there."""
    await started_before_plug(station, csms, spec, profile, asks=True)


@case(
    "TC_F_03_CSMS",
    "A remote start before the plug, and a station that does not ask about the token: the CSMS takes it",
    requirements=["CSMS.REMOTESTART.01", "CSMS.START.01", "J02.FR.19", "E01.FR.12"],
    severity=Severity.CRITICAL,
)
async def test_start_first_unasked(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """AuthorizeRemoteStart is false there."""
    await started_before_plug(station, csms, spec, profile, asks=False)


@case(
    "TC_011_1_CSMS",
    "A remote start before the plug: the central system asks for it, and takes what comes of it",
    versions=["1.6"],
    requirements=["16.TX.50", "16.TX.03", "16.STATUS.08", "16.TX.05", "16.TX.06"],
    severity=Severity.CRITICAL,
)
async def test_start_first_16(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The transaction starts when the driver plugs in."""
    token, evse = await valid_token(csms, profile), station.equipment.evses[0]
    await asked_for(csms, station, spec, profile, remote_start(station, token, evse), "16.TX.50", ACCEPTED)
    async with judged(station, spec, profile):
        await station.authorize(token)
        await state(station, evse, "Preparing")
        evse.connectors[0].plugged = True
        await station.dialect.start(station.call, evse, token)


@case(
    "TC_F_04_CSMS",
    "A remote start, and nobody plugs in: the CSMS takes what the station tells of that",
    requirements=["CSMS.REMOTESTART.01", "CSMS.START.01", "J02.FR.19"],
    severity=Severity.NORMAL,
)
async def test_start_timeout(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Where the transaction does not end by that."""
    token, evse = await valid_token(csms, profile), station.equipment.evses[0]
    command = remote_start(station, token, evse)
    asked = await asked_for(csms, station, spec, profile, command, "CSMS.REMOTESTART.01", ACCEPTED)
    running = begun(station, evse, token)
    running.remote_start_id = asked["remoteStartId"]
    async with judged(station, spec, profile):
        await tell(station, running, "Started", "RemoteStart", token=token, place=True)
        await tell(station, running, "Updated", "EVConnectTimeout")


@case(
    "TC_011_2_CSMS",
    "A remote start, and nobody plugs in: the central system takes the states of the connector",
    versions=["1.6"],
    requirements=["16.TX.50", "16.TX.03", "16.STATUS.08"],
    severity=Severity.NORMAL,
)
async def test_start_timeout_16(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The connector is being prepared, and is free again."""
    token, evse = await valid_token(csms, profile), station.equipment.evses[0]
    await asked_for(csms, station, spec, profile, remote_start(station, token, evse), "16.TX.50", ACCEPTED)
    async with judged(station, spec, profile):
        await station.authorize(token)
        await state(station, evse, "Preparing")
        await vacated(station, evse)


@case(
    "REMOTE_START_REJECTED_CSMS",
    "A remote start that the station rejects leaves the CSMS able to go on",
    requirements=["CSMS.REMOTESTART.01", "CSMS.COMMAND.01"],
    severity=Severity.NORMAL,
)
@case(
    "TC_026_CSMS",
    "A remote start that the charge point rejects leaves the central system able to go on",
    versions=["1.6"],
    requirements=["16.TX.50", "16.COMMAND.01"],
    severity=Severity.NORMAL,
)
async def test_start_rejected(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """No transaction comes of it."""
    token = await valid_token(csms, profile)
    command = remote_start(station, token, station.equipment.evses[0])
    await asked_for(csms, station, spec, profile, command, "CSMS.REMOTESTART.01", REJECTED)
    await goes_on(csms, station, spec, profile)


# -- remote stop ------------------------------------------------------------------------------------------------------


@case(
    "TC_E_21_CSMS",
    "A remote stop: the CSMS asks for the end of that transaction, and takes it",
    requirements=["F03.FR.01", "CSMS.STOP.01"],
    severity=Severity.BLOCKER,
)
@case(
    "TC_012_CSMS",
    "A remote stop: the central system asks for the end of that transaction, and takes it",
    versions=["1.6"],
    requirements=["16.TX.51", "16.TX.09"],
    severity=Severity.BLOCKER,
)
async def test_stop(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The driver pulls the plug after it."""
    evse = station.equipment.evses[0]
    running = await charging(csms, station, profile, evse)
    await asked_for(csms, station, spec, profile, remote_stop(station, running), "F03.FR.01", ACCEPTED)
    async with judged(station, spec, profile):
        await station.stop(running, "remote")
    await station.unplug(evse.id, evse.connectors[0].id)


@case(
    "REMOTE_STOP_REJECTED_CSMS",
    "A remote stop that the station rejects leaves the CSMS able to go on",
    requirements=["F03.FR.01", "CSMS.COMMAND.01"],
    severity=Severity.NORMAL,
)
@case(
    "TC_028_CSMS",
    "A remote stop that the charge point rejects leaves the central system able to go on",
    versions=["1.6"],
    requirements=["16.TX.51", "16.COMMAND.01"],
    severity=Severity.NORMAL,
)
async def test_stop_rejected(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """As if the station knew no such transaction; it goes on."""
    evse = station.equipment.evses[0]
    running = await charging(csms, station, profile, evse)
    await asked_for(csms, station, spec, profile, remote_stop(station, running), "F03.FR.01", REJECTED)
    await goes_on(csms, station, spec, profile)


# -- unlocking --------------------------------------------------------------------------------------------------------


@case(
    "TC_F_06_CSMS",
    "A connector is unlocked from afar: the CSMS asks for that one",
    requirements=["CSMS.UNLOCK.01"],
    severity=Severity.NORMAL,
    needs="unlock-connector",
)
@case(
    "TC_017_1_CSMS",
    "A connector is unlocked from afar: the central system asks for that one",
    versions=["1.6"],
    requirements=["16.TX.86"],
    severity=Severity.NORMAL,
)
async def test_unlock(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Each of them, one after the other."""
    for evse in station.equipment.evses:
        await asked_for(csms, station, spec, profile, unlock(station, evse), "CSMS.UNLOCK.01", {"status": "Unlocked"})


@case(
    "TC_017_2_CSMS",
    "A charge point with fixed cables can't unlock any: the central system can go on",
    versions=["1.6"],
    requirements=["16.TX.86", "16.COMMAND.01"],
    severity=Severity.MINOR,
)
async def test_unlock_fixed(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """There is nothing to unlock."""
    await not_unlocked(station, csms, spec, profile, station.equipment.evses[0], "NotSupported")


@case(
    "TC_030_CSMS",
    "A connector does not open: the central system can go on",
    versions=["1.6"],
    requirements=["16.TX.86", "16.COMMAND.01"],
    severity=Severity.NORMAL,
)
async def test_unlock_failed(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The lock is stuck."""
    await not_unlocked(station, csms, spec, profile, station.equipment.evses[0], "UnlockFailed")


@case(
    "TC_031_CSMS",
    "A connector that the charge point does not know can't be unlocked: the central system can go on",
    versions=["1.6"],
    requirements=["16.TX.86", "16.COMMAND.01"],
    severity=Severity.MINOR,
)
async def test_unlock_unknown(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The last one, of which the charge point knows nothing all at once."""
    await not_unlocked(station, csms, spec, profile, station.equipment.evses[-1], "NotSupported")


@case(
    "TC_018_1_CSMS",
    "A connector is unlocked during a transaction: the central system takes its end",
    versions=["1.6"],
    requirements=["16.TX.86", "16.TX.09", "16.STATUS.08"],
    severity=Severity.NORMAL,
)
async def test_unlock_charging(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Finishing first, as the official case has it, then the end, then free."""
    evse = station.equipment.evses[0]
    running = await charging(csms, station, profile, evse)
    await asked_for(csms, station, spec, profile, unlock(station, evse), "16.TX.86", {"status": "Unlocked"})
    async with judged(station, spec, profile):
        await state(station, evse, "Finishing")
        await station.stop(running, "unlock")
        await vacated(station, evse)


# -- how transactions stand -------------------------------------------------------------------------------------------


@case(
    "TC_E_30_CSMS",
    "Asked how a transaction stands that goes on, the CSMS asks for that one",
    requirements=["CSMS.TXSTATUS.01"],
    severity=Severity.NORMAL,
    needs="transaction-status",
)
async def test_status(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Nothing is queued."""
    running = await charging(csms, station, profile, station.equipment.evses[0])
    told = {"ongoingIndicator": True, **NOTHING_QUEUED}
    await asked_for(csms, station, spec, profile, transaction_status(running), "CSMS.TXSTATUS.01", told)


@case(
    "TC_E_29_CSMS",
    "Asked how a transaction stands after an outage, the CSMS asks for that one, and takes what was queued",
    requirements=["CSMS.TXSTATUS.01", "J02.FR.19"],
    severity=Severity.NORMAL,
    needs="transaction-status",
)
async def test_status_queued(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """It goes on."""
    running = await charging(csms, station, profile, station.equipment.evses[0])
    missed = await outage(station, running)
    told = {"ongoingIndicator": True, **QUEUED}
    await asked_for(csms, station, spec, profile, transaction_status(running), "CSMS.TXSTATUS.01", told)
    async with judged(station, spec, profile):
        await station.call("TransactionEvent", missed)


@case(
    "TC_E_31_CSMS",
    "Asked how a transaction stands of which it has the end already, the CSMS takes what comes after that",
    requirements=["CSMS.TXSTATUS.01", "CSMS.TX.02"],
    severity=Severity.NORMAL,
    needs="transaction-status",
)
async def test_status_ended(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Two events have stayed behind that come before the end."""
    evse = station.equipment.evses[0]
    running = await charging(csms, station, profile, evse)
    missed = [await outage(station, running, trigger="StopAuthorized", state="EVConnected")]
    missed.append(event(station, running, "Updated", "ChargingStateChanged", state="EVConnected", offline=True))
    await vacated(station, evse)
    running.evse.meter.watts = 0.0
    end = event(station, running, "Ended", "EVCommunicationLost", stopped="EVDisconnected", state="Idle", offline=True)
    await station.call("TransactionEvent", end)
    told = {"ongoingIndicator": False, **QUEUED}
    await asked_for(csms, station, spec, profile, transaction_status(running), "CSMS.TXSTATUS.01", told)
    with spec("CSMS.TX.02"):
        for each in missed:
            await station.call("TransactionEvent", each)


@case(
    "TC_E_33_CSMS",
    "Asked whether anything is queued after an outage, the CSMS asks without naming a transaction, and takes it",
    requirements=["CSMS.TXSTATUS.02", "J02.FR.19"],
    severity=Severity.NORMAL,
    needs="transaction-status",
)
async def test_status_of_all_queued(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """A transaction goes on."""
    running = await charging(csms, station, profile, station.equipment.evses[0])
    missed = await outage(station, running)
    await asked_for(csms, station, spec, profile, transaction_status(), "CSMS.TXSTATUS.02", QUEUED)
    async with judged(station, spec, profile):
        await station.call("TransactionEvent", missed)


@case(
    "TC_E_34_CSMS",
    "Asked whether anything is queued, the CSMS asks without naming a transaction",
    requirements=["CSMS.TXSTATUS.02"],
    severity=Severity.NORMAL,
    needs="transaction-status",
)
async def test_status_of_all(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Nothing is."""
    await asked_for(csms, station, spec, profile, transaction_status(), "CSMS.TXSTATUS.02", NOTHING_QUEUED)


# -- steps ------------------------------------------------------------------------------------------------------------


async def asked_for(  # noqa: PLR0913 -- the step that all of these have in common
    csms: CsmsDriver,
    station: StationPeer,
    spec: Spec,
    profile: SutProfile,
    command: Command,
    requirement: str,
    answer: Payload,
) -> Received:
    """Have the CSMS send a command, answer it like this, and give its call; what has to follow is up to the case."""
    station.keep_answering(command.action, accepting(command, otherwise=answer))
    with spec.must(requirement):
        return await commanded(csms, station, profile, command)


async def goes_on(csms: CsmsDriver, station: StationPeer, spec: Spec, profile: SutProfile) -> None:
    """After a refusal the CSMS can send another command, and answers."""
    with spec("CSMS.COMMAND.01"):
        await commanded(csms, station, profile, reads(station)[0])
        await station.heartbeat()


async def not_unlocked(  # noqa: PLR0913 -- what these have in common
    station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile, evse: Evse, status: str
) -> None:
    """Ask for a connector, have that refused, and go on."""
    await asked_for(csms, station, spec, profile, unlock(station, evse), "16.TX.86", {"status": status})
    await goes_on(csms, station, spec, profile)


async def started_before_plug(
    station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile, *, asks: bool
) -> None:
    """A remote start, a transaction that starts by it, and the plug at last."""
    token, evse = await valid_token(csms, profile), station.equipment.evses[0]
    command = remote_start(station, token, evse)
    asked = await asked_for(csms, station, spec, profile, command, "CSMS.REMOTESTART.01", ACCEPTED)
    running = begun(station, evse, token)
    running.remote_start_id = asked["remoteStartId"]
    async with judged(station, spec, profile):
        if asks:
            await station.authorize(token)
        await tell(station, running, "Started", "RemoteStart", token=token, place=True)
        await occupied(station, evse)
        await tell(station, running, "Updated", "CablePluggedIn", state="EVConnected")
        await tell(station, running, "Updated", "ChargingStateChanged", state="Charging")


async def tell(station: StationPeer, running: Transaction, kind: str, trigger: str, **said: Any) -> None:
    """Send an event; one by a remote start has its id."""
    made = event(station, running, kind, trigger, **said)
    if trigger == "RemoteStart":
        made["transactionInfo"]["remoteStartId"] = running.remote_start_id
    await station.call("TransactionEvent", made)


async def outage(station: StationPeer, running: Transaction, **said: Any) -> dict[str, Any]:
    """The connection is lost for a moment; the event of the transaction that could not be told meanwhile."""
    await station.disconnect("reset")
    wanted: dict[str, Any] = {"trigger": "MeterValuePeriodic", "state": "Charging", **said}
    missed = event(station, running, "Updated", **wanted, offline=True)
    await station.come_back()
    return missed


async def state(station: StationPeer, evse: Evse, status: str) -> None:
    """Tell a state of the first connector of an EVSE (1.6)."""
    number = station_16(station).number(evse, evse.connectors[0])
    told = v16.status_notification(number, status, at=station.equipment.clock.stamp())
    await station.call("StatusNotification", told)
