"""Use cases N02 to N08: the CSMS asks for monitors, sets and clears them, and takes the events that come of them."""

from collections.abc import Sequence
from typing import Any

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.peers.csms_scenes import (
    Command,
    accepting,
    clear_monitors,
    commanded,
    get_variables,
    monitoring_base,
    monitoring_level,
    monitoring_report,
    reads,
    set_monitor,
    station_201,
)
from conformance.peers.replies import Payload
from conformance.peers.station import StationPeer
from conformance.peers.v201 import now, variable
from conformance.sut.drivers import CsmsDriver
from conformance.sut.profile import SutProfile

MONITORING = "advanced-device-management"
FEW = 2
"""How many ids the station says it takes at once where a case is about that."""

DELTA, THRESHOLD = "DeltaMonitoring", "ThresholdMonitoring"
ACCEPTED, EMPTY = {"status": "Accepted"}, {"status": "EmptyResultSet"}
POWER = variable("ChargingStation", "Power")
STATE = variable("ChargingStation", "AvailabilityState")


# -- reports ----------------------------------------------------------------------------------------------------------


@case(
    "TC_N_01_CSMS",
    "Asked by criteria for monitors, the CSMS asks for those, whether there are any or not",
    requirements=["CSMS.MONITORING.01", "CSMS.MONITORING.06"],
    needs=MONITORING,
)
async def test_by_criteria(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """First for what there is none of, then for what there is."""
    await reported(csms, station, spec, profile, monitoring_report(criteria=[DELTA]), [])
    await reported(csms, station, spec, profile, monitoring_report(criteria=[THRESHOLD]), [POWER])


@case(
    "TC_N_02_CSMS",
    "Asked by variable for monitors, the CSMS asks for those, whether there are any or not",
    requirements=["CSMS.MONITORING.01", "CSMS.MONITORING.06"],
    needs=MONITORING,
)
async def test_by_variable(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """First for what there is none of, then for what there is."""
    state = state_of_evse(station)
    await reported(csms, station, spec, profile, monitoring_report(POWER), [])
    await reported(csms, station, spec, profile, monitoring_report(state), [state])


@case(
    "TC_N_03_CSMS",
    "Asked by criteria and variable for monitors, the CSMS asks for those, whether there are any or not",
    requirements=["CSMS.MONITORING.01", "CSMS.MONITORING.06"],
    needs=MONITORING,
)
async def test_by_both(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """First for what there is none of, then for what there is."""
    await reported(csms, station, spec, profile, monitoring_report(state_of_evse(station), criteria=[DELTA]), [])
    await reported(csms, station, spec, profile, monitoring_report(POWER, criteria=[THRESHOLD]), [POWER])


@case(
    "TC_N_60_CSMS",
    "Asked by criteria and several variables for monitors, the CSMS asks for all of those at once",
    requirements=["CSMS.MONITORING.01", "CSMS.MONITORING.06"],
    needs=MONITORING,
)
async def test_by_several(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """First for what there is none of, then for what there is."""
    power, state = variable("EVSE", "Power", evse=station.equipment.evses[0].id), state_of_evse(station)
    await reported(csms, station, spec, profile, monitoring_report(POWER, power, criteria=[THRESHOLD]), [])
    await reported(csms, station, spec, profile, monitoring_report(STATE, state, criteria=[DELTA]), [STATE, state])


@case(
    "TC_N_47_CSMS",
    "Asked for all monitors, the CSMS asks without criteria and variables",
    requirements=["CSMS.MONITORING.01", "CSMS.MONITORING.06"],
    needs=MONITORING,
)
async def test_all(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The report comes in two parts."""
    await reported(csms, station, spec, profile, monitoring_report(), [POWER, STATE])


# -- monitors ---------------------------------------------------------------------------------------------------------


@case(
    "TC_N_05_CSMS",
    "Asked to set a monitoring base, the CSMS sets it, each of the three",
    requirements=["CSMS.MONITORING.02"],
    needs=MONITORING,
)
async def test_base(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """One after the other."""
    station.keep_answering("SetMonitoringBase", ACCEPTED)
    for base in ("All", "FactoryDefault", "HardWiredOnly"):
        with spec("CSMS.MONITORING.02"):
            await commanded(csms, station, profile, monitoring_base(base))


@case(
    "TC_N_08_CSMS",
    "Asked to set a monitor, the CSMS sets it",
    requirements=["CSMS.MONITORING.03"],
    needs=MONITORING,
)
async def test_set(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """On every change of the state of an EVSE."""
    monitor = {"value": 1, "type": "Delta", "severity": 8, **state_of_evse(station)}
    result = {"id": 1, "status": "Accepted", **{name: monitor[name] for name in monitor if name != "value"}}
    station.keep_answering("SetVariableMonitoring", {"setMonitoringResult": [result]})
    with spec("CSMS.MONITORING.03"):
        await commanded(csms, station, profile, set_monitor(monitor))


@case(
    "TC_N_16_CSMS",
    "Asked to set a monitoring level, the CSMS sets it",
    requirements=["CSMS.MONITORING.04"],
    needs=MONITORING,
)
async def test_level(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The station takes it."""
    station.keep_answering("SetMonitoringLevel", ACCEPTED)
    with spec("CSMS.MONITORING.04"):
        await commanded(csms, station, profile, monitoring_level(4))


@case(
    "TC_N_17_CSMS",
    "A station rejects a monitoring level, and the CSMS goes on",
    requirements=["CSMS.MONITORING.04", "CSMS.COMMAND.01"],
    needs=MONITORING,
)
async def test_level_rejected(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """As before, but Rejected."""
    station.keep_answering("SetMonitoringLevel", {"status": "Rejected"})
    with spec.must("CSMS.MONITORING.04"):
        await commanded(csms, station, profile, monitoring_level(4))
    with spec("CSMS.COMMAND.01"):
        await goes_on(csms, station, profile)


@case(
    "TC_N_44_CSMS",
    "A station does not let a monitor be cleared, and the CSMS goes on",
    requirements=["CSMS.MONITORING.05", "CSMS.COMMAND.01"],
    needs=MONITORING,
)
async def test_clear_rejected(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """It is one that is built in."""
    rejected = {"clearMonitoringResult": [{"status": "Rejected", "id": 7}]}
    station.keep_answering("ClearVariableMonitoring", rejected)
    with spec.must("CSMS.MONITORING.05"):
        await commanded(csms, station, profile, clear_monitors(7))
    with spec("CSMS.COMMAND.01"):
        await goes_on(csms, station, profile)


@case(
    "TC_N_18_CSMS",
    "The CSMS clears no more monitors at once than the station says it takes",
    requirements=["CSMS.MONITORING.05", "N06.FR.04"],
    needs=MONITORING,
)
async def test_clear_too_many(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Have it read how many that is, and clear more; that there are no such monitors does not matter."""
    name, of = "ItemsPerMessage", "ClearVariableMonitoring"
    station_201(station).model.find("MonitoringCtrlr", name, of).value = str(FEW)
    await commanded(csms, station, profile, get_variables(variable("MonitoringCtrlr", name, instance=of)))
    ids = tuple(range(901, 901 + 2 * FEW + 1))
    mark = station.now
    station.keep_answering(of, not_found)
    await commanded(csms, station, profile, clear_monitors(*ids))

    def left() -> set[int]:
        return set(ids).difference(*(call["id"] for call in station.seen(of, after=mark)))

    with spec("CSMS.MONITORING.05"):
        await station.until(lambda: not left(), "all of them to be cleared", within=profile.timing.command)
    with spec("N06.FR.04"):
        for call in station.seen(of, after=mark):
            count = len(call["id"])
            assert count <= FEW, f"the station takes {FEW} at once, and {of} has {count} ids (#{call.n})"


def not_found(asked: Payload) -> Payload:
    """The answer to a request to clear what there is not."""
    return {"clearMonitoringResult": [{"status": "NotFound", "id": each} for each in asked["id"]]}


# -- events -----------------------------------------------------------------------------------------------------------


@case(
    "TC_N_24_CSMS",
    "A station tells of a value time and again, and the CSMS answers each time",
    requirements=["N07.FR.03"],
    needs=MONITORING,
)
async def test_periodic_events(station: StationPeer, spec: Spec) -> None:
    """Three times, one after the other."""
    for number in range(3):
        await told(station, spec, trigger="Periodic", eventId=number, actualValue=str(number))


@case(
    "TC_N_49_CSMS",
    "A station tells that a value is back within its limits, and the CSMS answers",
    requirements=["N07.FR.03"],
    needs=MONITORING,
)
async def test_cleared_event(station: StationPeer, spec: Spec) -> None:
    """First that it is not, then that it is."""
    await told(station, spec, trigger="Alerting", eventId=11, actualValue="23000")
    await told(station, spec, trigger="Alerting", eventId=12, cause=11, actualValue="11000", cleared=True)


@case(
    "TC_N_50_CSMS",
    "A station tells of a value by the clock, and the CSMS answers",
    requirements=["N07.FR.03"],
    needs=MONITORING,
)
async def test_periodic_event(station: StationPeer, spec: Spec) -> None:
    """Two values in one message."""
    events = [event(trigger="Periodic", eventId=number, actualValue="11000") for number in (21, 22)]
    with spec("N07.FR.03"):
        answer = await station.call("NotifyEvent", {"generatedAt": now(), "seqNo": 0, "eventData": events})
        assert not set(answer) - {"customData"}, f"the answer is to be empty, and has {', '.join(answer)}"


# -- steps ------------------------------------------------------------------------------------------------------------


async def reported(  # noqa: PLR0913 -- the step that all reports have in common
    csms: CsmsDriver,
    station: StationPeer,
    spec: Spec,
    profile: SutProfile,
    command: Command,
    found: Sequence[dict[str, Any]],
) -> None:
    """Have monitors asked for, and report one for each of what is to be found, each in a part of its own."""
    answer = ACCEPTED if found else EMPTY
    station.keep_answering("GetMonitoringReport", accepting(command, answer, otherwise=EMPTY, others=EMPTY))
    with spec.must("CSMS.MONITORING.01"):
        asked = await commanded(csms, station, profile, command)
    for number, place in enumerate(found):
        monitor = {"id": number, "transaction": False, "value": 1, "type": "Delta", "severity": 8}
        part = {
            "requestId": asked["requestId"],
            "seqNo": number,
            "generatedAt": now(),
            "tbc": number + 1 < len(found),
            "monitor": [place | {"variableMonitoring": [monitor]}],
        }
        with spec("CSMS.MONITORING.06"):
            await station.call("NotifyMonitoringReport", part)


async def goes_on(csms: CsmsDriver, station: StationPeer, profile: SutProfile) -> None:
    """See that another command comes, and a Heartbeat is answered."""
    await commanded(csms, station, profile, reads(station)[0])
    await station.heartbeat()


async def told(station: StationPeer, spec: Spec, **fields: Any) -> None:
    """Tell of an event, and judge the answer."""
    with spec("N07.FR.03"):
        message = {"generatedAt": now(), "seqNo": 0, "eventData": [event(**fields)]}
        answer = await station.call("NotifyEvent", message)
        assert not set(answer) - {"customData"}, f"the answer is to be empty, and has {', '.join(answer)}"


def event(**fields: Any) -> dict[str, Any]:
    """An event of a monitor on the power of the station."""
    given = {"timestamp": now(), "eventNotificationType": "CustomMonitor", "variableMonitoringId": 1}
    return given | POWER | fields


def state_of_evse(station: StationPeer) -> dict[str, Any]:
    """The state of the first EVSE."""
    return variable("EVSE", "AvailabilityState", evse=station.equipment.evses[0].id)
