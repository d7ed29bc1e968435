"""Use cases G03 to G05 and B09, in 1.6 chapter 5.2: the CSMS takes places out of use, and moves stations elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms_scenes import (
    accepting,
    change_availability,
    charging,
    commanded,
    reads,
    set_network_profile,
    station_201,
    tells_status,
)
from conformance.peers.equipment import Connector, Evse
from conformance.peers.station import StationPeer
from conformance.peers.v201 import now
from conformance.sut.drivers import CsmsDriver
from conformance.sut.profile import SutProfile

OUT, FREE = "Unavailable", "Available"


# -- out of use, and into use again -----------------------------------------------------------------------------------


@case(
    "TC_G_03_CSMS",
    "Asked to take an EVSE out of use, the CSMS does, and hears that it is",
    requirements=["CSMS.AVAIL.01", "CSMS.STATUS.01"],
    severity=Severity.CRITICAL,
)
async def test_evse_out_of_use(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """An EVSE, and no connector of it."""
    await changed(csms, station, spec, profile, station.equipment.evses[0], operative=False)


@case(
    "TC_G_04_CSMS",
    "Asked to take an EVSE into use again, the CSMS does, and hears that it is",
    requirements=["CSMS.AVAIL.01", "CSMS.STATUS.01"],
    severity=Severity.CRITICAL,
)
async def test_evse_into_use(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """It was out of use."""
    await changed(csms, station, spec, profile, station.equipment.evses[0], operative=True)


@case(
    "TC_G_05_CSMS",
    "Asked to take a station out of use, the CSMS does, and hears that it is",
    requirements=["CSMS.AVAIL.01", "CSMS.STATUS.01"],
    severity=Severity.CRITICAL,
)
@case(
    "STATION_OUT_OF_USE_CSMS",
    "Asked to take a charge point out of use, the central system does, and hears that it is",
    versions=["1.6"],
    requirements=["CSMS.AVAIL.01", "CSMS.STATUS.01"],
    severity=Severity.CRITICAL,
)
async def test_station_out_of_use(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """All of it, and no part by name."""
    await changed(csms, station, spec, profile, operative=False)


@case(
    "TC_G_06_CSMS",
    "Asked to take a station into use again, the CSMS does, and hears that it is",
    requirements=["CSMS.AVAIL.01", "CSMS.STATUS.01"],
    severity=Severity.CRITICAL,
)
@case(
    "STATION_INTO_USE_CSMS",
    "Asked to take a charge point into use again, the central system does, and hears that it is",
    versions=["1.6"],
    requirements=["CSMS.AVAIL.01", "CSMS.STATUS.01"],
    severity=Severity.CRITICAL,
)
async def test_station_into_use(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """It was out of use."""
    await changed(csms, station, spec, profile, operative=True)


@case(
    "TC_G_07_CSMS",
    "Asked to take a connector out of use, the CSMS does, and hears that it is",
    requirements=["CSMS.AVAIL.01", "CSMS.STATUS.01"],
    severity=Severity.CRITICAL,
)
@case(
    "CONNECTOR_OUT_OF_USE_CSMS",
    "Asked to take a connector out of use, the central system does, and hears that it is",
    versions=["1.6"],
    requirements=["CSMS.AVAIL.01", "CSMS.STATUS.01"],
    severity=Severity.CRITICAL,
)
async def test_connector_out_of_use(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """That connector alone."""
    evse = station.equipment.evses[0]
    await changed(csms, station, spec, profile, evse, evse.connectors[0], operative=False)


@case(
    "TC_G_08_CSMS",
    "Asked to take a connector into use again, the CSMS does, and hears that it is",
    requirements=["CSMS.AVAIL.01", "CSMS.STATUS.01"],
    severity=Severity.CRITICAL,
)
@case(
    "CONNECTOR_INTO_USE_CSMS",
    "Asked to take a connector into use again, the central system does, and hears that it is",
    versions=["1.6"],
    requirements=["CSMS.AVAIL.01", "CSMS.STATUS.01"],
    severity=Severity.CRITICAL,
)
async def test_connector_into_use(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """It was out of use."""
    evse = station.equipment.evses[0]
    await changed(csms, station, spec, profile, evse, evse.connectors[0], operative=True)


# -- during a transaction ---------------------------------------------------------------------------------------------


@case(
    "TC_G_11_CSMS",
    "Asked to take an EVSE out of use that charges, the CSMS does, and takes what comes of it later",
    requirements=["CSMS.AVAIL.01", "J.ANSWER.01"],
)
async def test_evse_scheduled(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The station answers that this has to wait."""
    await scheduled(csms, station, spec, profile, station.equipment.evses[0])


@case(
    "TC_G_14_CSMS",
    "Asked to take a station out of use that charges, the CSMS does, and takes what comes of it later",
    requirements=["CSMS.AVAIL.01", "J.ANSWER.01"],
)
@case(
    "STATION_SCHEDULED_CSMS",
    "Asked to take a charge point out of use that charges, the central system does, and takes what comes of it later",
    versions=["1.6"],
    requirements=["CSMS.AVAIL.01", "16J.ANSWER.01"],
)
async def test_station_scheduled(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The station answers that this has to wait."""
    await scheduled(csms, station, spec, profile)


@case(
    "TC_G_17_CSMS",
    "Asked to take a connector out of use that charges, the CSMS does, and takes what comes of it later",
    requirements=["CSMS.AVAIL.01", "J.ANSWER.01"],
)
@case(
    "CONNECTOR_SCHEDULED_CSMS",
    "Asked to take a connector out of use that charges, the central system does, and takes what comes of it later",
    versions=["1.6"],
    requirements=["CSMS.AVAIL.01", "16J.ANSWER.01"],
)
async def test_connector_scheduled(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The station answers that this has to wait."""
    evse = station.equipment.evses[0]
    await scheduled(csms, station, spec, profile, evse, evse.connectors[0])


# -- a lock that fails ------------------------------------------------------------------------------------------------


@case(
    "TC_G_20_CSMS",
    "A station tells of a connector lock that failed, and the CSMS answers",
    requirements=["G05.FR.03"],
)
async def test_lock_failure(station: StationPeer, spec: Spec) -> None:
    """By an event of the lock's own component."""
    evse = station.equipment.evses[0]
    place = {"id": evse.id, "connectorId": evse.connectors[0].id}
    event = {
        "eventId": 1,
        "timestamp": now(),
        "trigger": "Delta",
        "actualValue": "true",
        "eventNotificationType": "HardWiredNotification",
        "component": {"name": "ConnectorPlugRetentionLock", "evse": place},
        "variable": {"name": "Problem"},
    }
    with spec("G05.FR.03"):
        await station.call("NotifyEvent", {"generatedAt": event["timestamp"], "seqNo": 0, "eventData": [event]})


# -- network profiles -------------------------------------------------------------------------------------------------


@case(
    "TC_B_42_CSMS",
    "Asked to set a network profile, the CSMS sets it",
    requirements=["CSMS.NETWORK.01"],
)
async def test_network_profile(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The station keeps it, and stays where it is."""
    with spec("CSMS.NETWORK.01"):
        await commanded(csms, station, profile, set_network_profile(*connection(station)))


@case(
    "TC_B_44_CSMS",
    "A station fails to keep a network profile, and the CSMS goes on",
    requirements=["CSMS.NETWORK.01", "CSMS.COMMAND.01"],
)
async def test_network_profile_fails(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Failed is no refusal of what was asked."""
    command = set_network_profile(*connection(station))
    station.keep_answering("SetNetworkProfile", accepting(command, *[{"status": "Failed"}] * 3))
    with spec.must("CSMS.NETWORK.01"):
        await commanded(csms, station, profile, command)
    with spec("CSMS.COMMAND.01"):
        await commanded(csms, station, profile, reads(station)[0])
        await station.heartbeat()


def connection(station: StationPeer) -> tuple[int, dict[str, object]]:
    """The last slot of the station, and where it could go instead."""
    model = station_201(station).model
    slot = int(model.find("OCPPCommCtrlr", "NetworkConfigurationPriority").values[-1])
    return slot, {
        "ocppVersion": "OCPP20",
        "ocppTransport": "JSON",
        "ocppCsmsUrl": "wss://csms.example.com/ocpp",
        "messageTimeout": 30,
        "securityProfile": int(model.find("SecurityCtrlr", "SecurityProfile").value),
        "ocppInterface": "Wired0",
    }


# -- steps ------------------------------------------------------------------------------------------------------------


async def changed(  # noqa: PLR0913 -- the step that all of these have in common
    csms: CsmsDriver,
    station: StationPeer,
    spec: Spec,
    profile: SutProfile,
    evse: Evse | None = None,
    connector: Connector | None = None,
    *,
    operative: bool,
) -> None:
    """Have a place taken into use or out of it, and see that the CSMS takes the statuses that come of it."""
    with in_use_at_the_end(station, evse, connector):
        if operative:
            station.equipment.set_availability(evse, connector, operative=False)
            await station.report_all_connectors()
        mark = station.now
        with spec.must("CSMS.AVAIL.01"):
            command = change_availability(station, evse, connector, operative=operative)
            await commanded(csms, station, profile, command)
        with spec("CSMS.STATUS.01"):
            for place in concerned(station, evse, connector):
                status = tells_status(station, *place, status=FREE if operative else OUT)
                await station.told("StatusNotification", after=mark, where=status)


async def scheduled(  # noqa: PLR0913 -- the step that all of these have in common
    csms: CsmsDriver,
    station: StationPeer,
    spec: Spec,
    profile: SutProfile,
    evse: Evse | None = None,
    connector: Connector | None = None,
) -> None:
    """Charge, have the place taken out of use, and see that the CSMS takes the end and the statuses after that."""
    where = evse or station.equipment.evses[0]
    with in_use_at_the_end(station, evse, connector):
        running = await charging(csms, station, profile, where)
        mark = station.now
        with spec.must("CSMS.AVAIL.01"):
            command = change_availability(station, evse, connector, operative=False)
            await commanded(csms, station, profile, command)
        with spec("J.ANSWER.01"):
            await station.stop(running, "local", id_token=profile.parameters.valid_id_token.payload)
            await station.unplug(where.id, where.connectors[0].id)
            for place in concerned(station, evse, connector):
                await station.told("StatusNotification", after=mark, where=tells_status(station, *place, status=OUT))


@contextmanager
def in_use_at_the_end(station: StationPeer, evse: Evse | None, connector: Connector | None) -> Iterator[None]:
    """Have the place in use again after the block."""
    try:
        yield
    finally:
        station.equipment.set_availability(evse, connector, operative=True)


def concerned(station: StationPeer, evse: Evse | None, connector: Connector | None) -> list[tuple[Evse, Connector]]:
    """The connectors that a change is about."""
    return [
        (place, each)
        for place, each in station.equipment.connectors
        if evse in (None, place) and connector in (None, each)
    ]
