"""Use cases B07 and B08: the CSMS asks for reports of the device model, and takes whatever may be in them."""

from collections.abc import Callable, Iterator
from typing import Any

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms_boot import provisioned, rebooted
from conformance.peers.csms_scenes import accepting, base_report, commanded, custom_report, station_201
from conformance.peers.received import NotSeen, Received
from conformance.peers.replies import Chosen, Error
from conformance.peers.station import StationPeer
from conformance.peers.v201 import variable
from conformance.sut.drivers import CsmsDriver
from conformance.sut.profile import SutProfile

CONFIGURATION, FULL, SUMMARY = "ConfigurationInventory", "FullInventory", "SummaryInventory"
ACCEPTED, REJECTED, EMPTY = {"status": "Accepted"}, {"status": "Rejected"}, {"status": "EmptyResultSet"}

AnotherStation = Callable[..., StationPeer]


# -- base reports -----------------------------------------------------------------------------------------------------


@case(
    "TC_B_12_CSMS",
    "Asked for what can be configured, the CSMS asks for that inventory, and takes it",
    requirements=["CSMS.BASEREPORT.01", "J.ANSWER.01"],
    severity=Severity.CRITICAL,
    needs="configuration-inventory",
)
async def test_configuration_inventory(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Part after part, each once the one before was answered."""
    await base_report_had(csms, station, spec, profile, CONFIGURATION, "CSMS.BASEREPORT.01")


@case(
    "TC_B_13_CSMS",
    "Asked for everything, the CSMS asks for the full inventory, and takes it",
    requirements=["CSMS.BASEREPORT.01", "J.ANSWER.01"],
    severity=Severity.CRITICAL,
    needs="full-inventory-manual",
)
async def test_full_inventory(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """As before, with all that there is."""
    await base_report_had(csms, station, spec, profile, FULL, "CSMS.BASEREPORT.01")


@case(
    "TC_B_14_CSMS",
    "Asked for a summary, the CSMS asks for that inventory, and takes it",
    requirements=["CSMS.BASEREPORT.02", "J.ANSWER.01"],
    severity=Severity.NORMAL,
    needs="summary-inventory or advanced-device-management",
)
async def test_summary_inventory(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """As before, with how available the station is."""
    await base_report_had(csms, station, spec, profile, SUMMARY, "CSMS.BASEREPORT.02")


# -- custom reports ---------------------------------------------------------------------------------------------------


@case(
    "TC_B_18_CSMS",
    "Asked by criteria and variable, the CSMS asks for just that, whether it is empty or not",
    requirements=["CSMS.REPORT.01", "J.ANSWER.01"],
    severity=Severity.NORMAL,
    needs="custom-report or advanced-device-management",
)
async def test_custom_report(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """First among the components with a problem, of which there are none, then among those that are available."""
    place = variable("EVSE", "AvailabilityState", evse=station.equipment.evses[0].id)
    for criterion, answer in (("Problem", EMPTY), ("Available", ACCEPTED)):
        command = custom_report(place, criteria=[criterion])
        station.keep_answering("GetReport", accepting(command, answer, otherwise=REJECTED))
        with spec.must("CSMS.REPORT.01"):
            asked = await commanded(csms, station, profile, command)
            named = asked["componentVariable"]
            assert len(named) == 1, f"one variable of one EVSE was wanted, and {len(named)} are in the request"
    dialect = station_201(station)
    with spec("J.ANSWER.01"):
        for part in dialect.report_parts(asked["requestId"], dialect.model.report(["Available"], [place])):
            await station.call("NotifyReport", part)


# -- what may be in a report ------------------------------------------------------------------------------------------


@case(
    "REPORT_VARIETY_CSMS",
    "Whatever a report holds, in however many parts, within the schema, the CSMS takes it",
    requirements=["J.ANSWER.01"],
    severity=Severity.CRITICAL,
)
async def test_variety(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """A report as large as those of real stations, with everything in it that is rare but right."""
    asked = await report_accepted(csms, station, profile)
    with spec("J.ANSWER.01"):
        for part in many_parts(station, asked["requestId"]):
            await station.call("NotifyReport", part)
            if part["seqNo"] % 8 == 0:
                await station.heartbeat()


def many_parts(station: StationPeer, request_id: int) -> Iterator[dict[str, Any]]:
    """A full inventory, then what is odd, then what a vendor has added; one part without a variable in between."""
    dialect = station_201(station)
    parts = [each["reportData"] for each in dialect.report_parts(request_id)]
    parts += [[item] for item in ODDITIES]
    parts += [[filler(number) for number in range(first, first + 10)] for first in range(0, 100, 10)]
    parts.insert(len(parts) // 2, [])
    for number, data in enumerate(parts):
        at = station.equipment.clock.stamp()
        part = {"requestId": request_id, "generatedAt": at, "seqNo": number}
        if number < len(parts) - 1:  # the last may leave it out: it is false unless said
            part["tbc"] = True
        if data:
            part["reportData"] = data
        yield part


def filler(number: int) -> dict[str, Any]:
    """A variable of a component that no document knows."""
    return {
        "component": {"name": "ExampleFan", "instance": f"rack {number // 4}", "evse": {"id": 1, "connectorId": 1}},
        "variable": {"name": "Speed", "instance": f"{number}"},
        "variableAttribute": [{"value": f"{number}.5", "mutability": "ReadOnly"}],
        "variableCharacteristics": {"dataType": "decimal", "supportsMonitoring": False, "unit": "1/min"},
    }


def odd(name: str, *attributes: dict[str, Any], **characteristics: Any) -> dict[str, Any]:
    """A variable with these attributes; without characteristics unless some are given."""
    item: dict[str, Any] = {
        "component": {"name": "ExampleUnit"},
        "variable": {"name": name},
        "variableAttribute": list(attributes),
    }
    if characteristics:
        item["variableCharacteristics"] = {"dataType": "string", "supportsMonitoring": False, **characteristics}
    return item


ODDITIES = (
    odd("Secret", {"type": "Actual", "mutability": "WriteOnly"}, maxLimit=40),
    odd("NothingSetYet", {"type": "Actual", "mutability": "ReadWrite", "persistent": True}),
    odd("Empty", {"value": ""}),
    odd("Long", {"value": "abcdefghi " * 250}),
    odd("Unicode", {"value": "Ladesäule, 充電 ⚡", "constant": True}),
    odd("Limits", {"value": "16"}, dataType="decimal", minLimit=-0.5, maxLimit=1e6, unit="A", supportsMonitoring=True),
    odd("Choice", {"value": "a"}, dataType="OptionList", valuesList="a,b,c"),
    odd(
        "AllAttributes",
        {"type": "Actual", "value": "5"},
        {"type": "Target", "value": "6", "mutability": "ReadWrite"},
        {"type": "MinSet", "value": "0"},
        {"type": "MaxSet", "value": "9"},
        dataType="integer",
    ),
    odd("Additions", {"value": "1", "customData": {"vendorId": "com.example", "colour": {"of": ["the", "case"]}}}),
    {
        "component": {"name": "evse", "evse": {"id": 1}, "customData": {"vendorId": "com.example"}},
        "variable": {"name": "POWER", "instance": "second"},
        "variableAttribute": [{"type": "MaxSet", "value": "22000"}],
    },
)


# -- reports that come to nothing -------------------------------------------------------------------------------------


@case(
    "REPORT_REFUSED_CSMS",
    "A report that the station refuses, or that is empty, leaves the CSMS able to ask again",
    requirements=["CSMS.REPORT.02"],
    severity=Severity.NORMAL,
)
async def test_refused(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Every answer that a station may give, one after the other."""
    command = base_report(FULL)
    answers: tuple[Chosen, ...] = (
        REJECTED,
        {"status": "NotSupported", "statusInfo": {"reasonCode": "UnsupportedRequest"}},
        EMPTY,
        Error("NotSupported"),
        Error("InternalError", "the device model can't be read", {"attempt": 1}),
    )
    told = ""
    for answer in (*answers, REJECTED):
        station.keep_answering("GetBaseReport", accepting(command, answer, otherwise=REJECTED))
        if not told:
            await commanded(csms, station, profile, command)
        else:
            with spec.must("CSMS.REPORT.02"):
                try:
                    await commanded(csms, station, profile, command)
                except NotSeen as missing:
                    raise AssertionError(f"after {told} no other could be had: {missing}") from missing
        told = f"a report that was answered {answer.code if isinstance(answer, Error) else shown(answer)}"


def shown(answer: Chosen) -> str:
    """The status that an answer tells."""
    return str(answer.get("status")) if isinstance(answer, dict) else str(answer)


@case(
    "REPORT_INTERRUPTED_CSMS",
    "A report that breaks off leaves the CSMS able to ask again, and what still comes of it is taken",
    requirements=["CSMS.REPORT.02", "CSMS.REQUESTID.01", "J.ANSWER.01"],
    severity=Severity.NORMAL,
)
async def test_interrupted(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Lose the connection after two parts; then send but one, and the others only while the next report is on."""
    broken = await report_accepted(csms, station, profile)
    with spec("J.ANSWER.01"):
        for part in parts_of(station, broken)[:2]:
            await station.call("NotifyReport", part)
    await rebooted(station, profile, "Watchdog", how="reset")
    await station.report_all_connectors()
    with spec.must("CSMS.REPORT.02"):
        left = await report_accepted(csms, station, profile)
    with spec("J.ANSWER.01"):
        await station.call("NotifyReport", parts_of(station, left)[0])
    with spec.must("CSMS.REPORT.02"):
        last = await report_accepted(csms, station, profile)
    with spec("CSMS.REQUESTID.01"):
        asked = [broken, left, last]
        station.touch(*asked)
        numbers = [each["requestId"] for each in asked]
        assert len(set(numbers)) == len(numbers), f"the requestIds of three reports are {numbers}"
    with spec("J.ANSWER.01"):
        for late, part in zip(parts_of(station, left)[1:], parts_of(station, last), strict=False):
            await station.call("NotifyReport", part)
            await station.call("NotifyReport", late)
        await station.call("NotifyReport", parts_of(station, last)[-1])


@case(
    "NEW_STATION_INVENTORY_CSMS",
    "The CSMS asks a station that it has never seen for its full inventory",
    requirements=["B07.FR.14"],
    severity=Severity.MINOR,
)
async def test_new_station(csms: CsmsDriver, another_station: AnotherStation, spec: Spec, profile: SutProfile) -> None:
    """Make a station known that was not before, and boot it."""
    async with provisioned(csms, f"{profile.identity[:40]}-NEW", another_station, profile) as new:
        await new.bring_up()
        with spec("B07.FR.14"):
            asked = await new.expect("GetBaseReport", reportBase=FULL, within=profile.timing.command)
            await new.told("NotifyReport", after=asked, within=profile.timing.report)


# -- steps ------------------------------------------------------------------------------------------------------------


async def base_report_had(  # noqa: PLR0913 -- the step that three cases have in common
    csms: CsmsDriver, station: StationPeer, spec: Spec, profile: SutProfile, base: str, requirement: str
) -> None:
    """Have the CSMS ask for a base report, and send it."""
    with spec.must(requirement):
        asked = await report_accepted(csms, station, profile, base)
        number = asked["requestId"]
        assert isinstance(number, int) and number >= 0, f"expected a requestId of 0 or more, got {number}"  # noqa: PT018
    with spec("J.ANSWER.01"):
        for part in parts_of(station, asked, base):
            await station.call("NotifyReport", part)


async def report_accepted(csms: CsmsDriver, station: StationPeer, profile: SutProfile, base: str = FULL) -> Received:
    """Have the CSMS ask for a base report, accept that, and leave the report to the case."""
    command = base_report(base)
    station.keep_answering("GetBaseReport", accepting(command, ACCEPTED, otherwise=REJECTED))
    return await commanded(csms, station, profile, command)


def parts_of(station: StationPeer, asked: Received, base: str = FULL) -> list[dict[str, Any]]:
    """The parts of a base report as the station has it."""
    dialect = station_201(station)
    return dialect.report_parts(asked["requestId"], dialect.model.base_report(base))
