"""Use cases B11 and B12, in 1.6 Reset: the CSMS resets the station or one EVSE of it, without and with transactions."""

from contextlib import suppress

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms_boot import rebooted
from conformance.peers.csms_scenes import ResetKind, accepting, charging, commanded, reset, station_201
from conformance.peers.equipment import Evse, Transaction
from conformance.peers.received import Received
from conformance.peers.replies import Payload
from conformance.peers.station import StationPeer
from conformance.peers.v201 import status_notification
from conformance.sut.drivers import CsmsDriver
from conformance.sut.profile import SutProfile

ACCEPTED, SCHEDULED, REJECTED = {"status": "Accepted"}, {"status": "Scheduled"}, {"status": "Rejected"}


# -- the station, no transaction --------------------------------------------------------------------------------------


@case(
    "TC_B_20_CSMS",
    "Reset when idle: the CSMS asks for it, and takes the station on again",
    requirements=["CSMS.RESET.01", "CSMS.BOOT.01", "J.ANSWER.01"],
    severity=Severity.CRITICAL,
)
@case(
    "TC_014_CSMS",
    "Soft reset: the central system asks for it, and takes the charge point on again",
    versions=["1.6"],
    requirements=["16.RESET.12", "16.BOOT.25", "16J.ANSWER.01"],
    severity=Severity.CRITICAL,
)
async def test_on_idle(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Nothing goes on, so the station restarts at once."""
    await reset_by(csms, station, spec, profile, "OnIdle", ACCEPTED)
    await boots_again(station, spec, profile, "RemoteReset")


@case(
    "RESET_IMMEDIATE_CSMS",
    "Immediate reset: the CSMS asks for it, and takes the station on again",
    requirements=["CSMS.RESET.01", "CSMS.BOOT.01", "J.ANSWER.01"],
    severity=Severity.NORMAL,
)
@case(
    "TC_013_CSMS",
    "Hard reset: the central system asks for it, and takes the charge point on again",
    versions=["1.6"],
    requirements=["16.RESET.11", "16.BOOT.25", "16J.ANSWER.01"],
    severity=Severity.CRITICAL,
)
async def test_immediate(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The connection goes without a word, as it does when a controller is reset."""
    await reset_by(csms, station, spec, profile, "Immediate", ACCEPTED)
    await boots_again(station, spec, profile, "RemoteReset", abruptly=True)


# -- the station, with a transaction ----------------------------------------------------------------------------------


@case(
    "TC_B_21_CSMS",
    "Reset when idle, during a transaction: the CSMS takes what comes until the driver leaves, and the boot then",
    requirements=["CSMS.RESET.01", "E01.FR.12", "CSMS.BOOT.01", "J.ANSWER.01"],
    severity=Severity.CRITICAL,
)
async def test_on_idle_in_transaction(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Say that the reset is scheduled, let the driver stop and pull the plug, and boot."""
    evse = station.equipment.evses[0]
    running = await charging(csms, station, profile, evse)
    await reset_by(csms, station, spec, profile, "OnIdle", SCHEDULED)
    await driver_leaves(station, spec, profile, evse, running)
    await boots_again(station, spec, profile, "ScheduledReset")


@case(
    "TC_B_22_CSMS",
    "Immediate reset, during a transaction: the CSMS takes its end, and the boot",
    requirements=["CSMS.RESET.01", "CSMS.BOOT.01", "J.ANSWER.01"],
    severity=Severity.CRITICAL,
)
@case(
    "RESET_HARD_CHARGING_CSMS",
    "Hard reset, during a transaction: the central system takes its end, and the boot",
    versions=["1.6"],
    requirements=["16.RESET.11", "16.BOOT.25", "16J.ANSWER.01"],
    severity=Severity.NORMAL,
)
async def test_immediate_in_transaction(
    station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile
) -> None:
    """The station ends the transaction before it goes; the plug is still in when it is back."""
    running = await charging(csms, station, profile, station.equipment.evses[0])
    await reset_by(csms, station, spec, profile, "Immediate", ACCEPTED)
    with spec("J.ANSWER.01"):
        await station.stop(running, "reset")
    await boots_again(station, spec, profile, "RemoteReset")


@case(
    "RESET_SOFT_CHARGING_CSMS",
    "Soft reset, during a transaction: the central system takes its end, and the boot",
    versions=["1.6"],
    requirements=["16.RESET.12", "16.BOOT.25", "16J.ANSWER.01"],
    severity=Severity.NORMAL,
)
async def test_soft_in_transaction(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The charge point ends the transaction before it goes; the plug is still in when it is back."""
    running = await charging(csms, station, profile, station.equipment.evses[0])
    await reset_by(csms, station, spec, profile, "OnIdle", ACCEPTED)
    with spec("J.ANSWER.01"):
        await station.stop(running, "soft reset")
    await boots_again(station, spec, profile, "RemoteReset")


@case(
    "RESET_LATE_END_CSMS",
    "Immediate reset, during a transaction that the station can end only after its boot",
    requirements=["CSMS.RESET.01", "CSMS.BOOT.01", "J.ANSWER.01"],
    severity=Severity.NORMAL,
)
@case(
    "RESET_LATE_STOP_CSMS",
    "Hard reset, during a transaction that the charge point can stop only after its boot",
    versions=["1.6"],
    requirements=["16.RESET.11", "16.BOOT.25", "16J.ANSWER.01"],
    severity=Severity.NORMAL,
)
async def test_late_end(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """A hard reset may leave it no time for that."""
    running = await charging(csms, station, profile, station.equipment.evses[0])
    await reset_by(csms, station, spec, profile, "Immediate", ACCEPTED)
    station.equipment.end(running)
    await boots_again(station, spec, profile, "RemoteReset", abruptly=True)
    with spec("J.ANSWER.01"):
        await station.stop(running, "reset")


@case(
    "TC_032_1_CSMS",
    "A power failure during a transaction: the central system takes the boot, and the end that comes after it",
    versions=["1.6"],
    requirements=["16.BOOT.25", "16J.ANSWER.01", "16.POWER.04"],
    severity=Severity.NORMAL,
)
async def test_power_failure(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The mains go during a transaction, and the charge point stops it when it is back."""
    running = await charging(csms, station, profile, station.equipment.evses[0])
    station.equipment.end(running)
    await boots_again(station, spec, profile, "PowerUp", abruptly=True)
    mark = station.now
    with suppress(AssertionError):
        await station.stop(running, "power loss")
    with spec("16.POWER.04"):
        await station.told("StopTransaction", after=mark, within=0)


# -- one EVSE ---------------------------------------------------------------------------------------------------------


@case(
    "TC_B_25_CSMS",
    "Reset of an EVSE when idle: the CSMS asks for that one",
    requirements=["CSMS.RESET.02", "J.ANSWER.01"],
    severity=Severity.NORMAL,
    needs="reset-evse",
)
async def test_evse_on_idle(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """It is unavailable for a moment; the station does not boot."""
    evse = station.equipment.evses[0]
    await reset_by(csms, station, spec, profile, "OnIdle", ACCEPTED, evse=evse)
    with spec("J.ANSWER.01"):
        for connector in evse.connectors:
            for status in ("Unavailable", "Available"):
                at = station.equipment.clock.stamp()
                payload = status_notification(evse.id, connector.id, status, at=at)
                await station.call("StatusNotification", payload)


@case(
    "TC_B_26_CSMS",
    "Reset of an EVSE when idle, during a transaction: the CSMS takes what comes until the driver leaves",
    requirements=["CSMS.RESET.02", "E01.FR.12", "J.ANSWER.01"],
    severity=Severity.NORMAL,
    needs="reset-evse",
)
async def test_evse_on_idle_in_transaction(
    station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile
) -> None:
    """Say that the reset is scheduled, and let the driver stop and pull the plug."""
    evse = station.equipment.evses[0]
    running = await charging(csms, station, profile, evse)
    await reset_by(csms, station, spec, profile, "OnIdle", SCHEDULED, evse=evse)
    await driver_leaves(station, spec, profile, evse, running)


@case(
    "TC_B_27_CSMS",
    "Immediate reset of an EVSE, during a transaction: the CSMS takes its end",
    requirements=["CSMS.RESET.02", "J.ANSWER.01"],
    severity=Severity.NORMAL,
    needs="reset-evse",
)
async def test_evse_immediate_in_transaction(
    station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile
) -> None:
    """The transaction ends with the reset; the plug is still in."""
    evse = station.equipment.evses[0]
    running = await charging(csms, station, profile, evse)
    await reset_by(csms, station, spec, profile, "Immediate", ACCEPTED, evse=evse)
    with spec("J.ANSWER.01"):
        await station.stop(running, "reset")


# -- steps ------------------------------------------------------------------------------------------------------------


async def reset_by(  # noqa: PLR0913 -- the step that all of these have in common
    csms: CsmsDriver,
    station: StationPeer,
    spec: Spec,
    profile: SutProfile,
    kind: ResetKind,
    answer: Payload,
    *,
    evse: Evse | None = None,
) -> Received:
    """Have the CSMS reset the station, or one EVSE of it; a Reset that comes again, or any other, is rejected."""
    command = reset(station, kind, evse=None if evse is None else evse.id)
    station.keep_answering("Reset", accepting(command, answer, otherwise=REJECTED, others=REJECTED))
    with spec.must("CSMS.RESET.01" if evse is None else "CSMS.RESET.02"):
        return await commanded(csms, station, profile, command)


async def driver_leaves(
    station: StationPeer, spec: Spec, profile: SutProfile, evse: Evse, running: Transaction
) -> None:
    """The driver holds the card to the reader again, and takes the plug out."""
    token = profile.parameters.valid_id_token.payload
    with spec("E01.FR.12"):
        answer = await station_201(station).stop_energy(station.call, running, token)
        assert answer["idTokenInfo"]["status"], "the token is told without a status"
    with spec("J.ANSWER.01"):
        await station.unplug(evse.id, running.connector)


async def boots_again(
    station: StationPeer, spec: Spec, profile: SutProfile, reason: str, *, abruptly: bool = False
) -> None:
    """Go away, come back, boot until accepted, and tell the state of every connector."""
    with spec.must("CSMS.BOOT.01"):
        await rebooted(station, profile, reason, how="reset" if abruptly else "close")
    with spec("J.ANSWER.01"):
        await station.report_all_connectors()
