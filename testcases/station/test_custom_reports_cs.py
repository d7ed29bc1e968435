"""Use case B08: the CSMS asks for a report by criteria, components and variables."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.device_model import DeviceModel, Key, Variable
from conformance.oracles.inventory import described, gaps, told
from conformance.peers.csms import CsmsPeer
from conformance.peers.inventories import BaseReport, ask_for_report, collect, fetch
from conformance.peers.v201 import get_variables, variable
from conformance.sut.profile import SutProfile

CUSTOM = "custom-report or advanced-device-management"
CRITERIA = {"Active": "B08.FR.07", "Available": "B08.FR.08", "Enabled": "B08.FR.09", "Problem": "B08.FR.10"}
EVERY_REPORT = ("B08.FR.01", "B08.FR.03", "B08.FR.04", "B08.FR.12", "B08.FR.14")
STATE = "AvailabilityState"
LIMIT = ("DeviceDataCtrlr", "ItemsPerMessage")
WITHOUT_INSTANCE = ("evse", "connector")
"""What has instance names in some stations' reports is told apart by numbers all the same."""

Place = tuple[str, str, int | None, int | None]
Wanted = Callable[[Key], bool]


# -- by criteria ------------------------------------------------------------------------------------------------------


@case(
    "TC_B_16_CS",
    "A report of what is enabled",
    requirements=[*EVERY_REPORT, "B08.FR.09", "B06.FR.09", "DM.AGREE.01"],
    needs=CUSTOM,
    severity=Severity.NORMAL,
)
async def test_enabled(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Compare it with the full inventory, and read what it says is enabled, and what can only be written."""
    full = (await fetch(csms, "FullInventory", pause=profile.timing.settle)).model
    report = await obtained(csms, spec, profile, criteria=["Enabled"])
    judge_criteria(spec, "B08.FR.09", ["Enabled"], full, report)
    with spec("DM.AGREE.01"):
        for each in report.model:
            if each.key.variable == "enabled":
                status, value = await reading(csms, each)
                assert value == each.value, f"{each} is {each.value} in the report, and reads {value or status}"
    hidden = [each for each in report.model if each.actual and each.actual.mutability == "WriteOnly"]
    if not hidden:
        spec.excuse("B06.FR.09", "the report has nothing that can only be written")
        return
    with spec("B06.FR.09"):
        for each in hidden:
            status, value = await reading(csms, each)
            assert not value, f"{each} is write-only, and its value was told"
            assert status == "Rejected", f"{each} is write-only, and reading it was {status}"


@case(
    "REPORT_CRITERIA_CS",
    "Reports of what is active, available or has a problem, and of what meets one of two criteria",
    requirements=["B08.FR.07", "B08.FR.08", "B08.FR.10", "B08.FR.13"],
    needs=CUSTOM,
    severity=Severity.NORMAL,
)
async def test_criteria(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Compare each with the full inventory; a criterion need not be supported, and nothing need meet it."""
    full = (await fetch(csms, "FullInventory", pause=profile.timing.settle)).model
    for requirement, criteria in (
        ("B08.FR.07", ["Active"]),
        ("B08.FR.08", ["Available"]),
        ("B08.FR.10", ["Problem"]),
        ("B08.FR.13", ["Available", "Problem"]),
    ):
        with spec.must(requirement):
            report = await custom(csms, profile, criteria=criteria)
            if report.status != "NotSupported":
                assert report.status in ("Accepted", "EmptyResultSet"), f"{report.base}: answered {report.status}"
        if report.status == "NotSupported":
            spec.excuse(requirement, f"the station does not support the criterion {report.base}")
        else:
            judge_criteria(spec, requirement, criteria, full, report)


@case(
    "TC_B_19_CS",
    "A report by a criterion that the station does not support, beside one that it does",
    requirements=["B08.FR.02"],
    needs=CUSTOM,
    severity=Severity.MINOR,
)
async def test_unsupported_criterion(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for each criterion alone, and for one that is refused together with one that is not."""
    answers = {each: await custom(csms, profile, criteria=[each]) for each in CRITERIA}
    lacking = [each for each, report in answers.items() if report.status == "NotSupported"]
    if not lacking:
        spec.excuse("B08.FR.02", "the station supports every criterion")
        return
    others = [each for each in CRITERIA if each not in lacking]
    criteria = [*others[:1], lacking[0]]
    with spec("B08.FR.02"):
        report = await custom(csms, profile, criteria=criteria)
        assert report.status == "NotSupported", (
            f"{lacking[0]} alone is not supported, and {report.base} was answered {report.status}"
        )


# -- by components and variables --------------------------------------------------------------------------------------


@case(
    "TC_B_17_CS",
    "A report of one variable of one EVSE",
    requirements=[*EVERY_REPORT, "B08.FR.11"],
    needs=CUSTOM,
    severity=Severity.NORMAL,
)
async def test_one_variable(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for the state of the first EVSE."""
    evse = profile.evse[0].id
    report = await obtained(csms, spec, profile, variables=[state_of(evse)])
    nothing_else(spec, "B08.FR.11", report, is_state_of(evse))
    with spec("B08.FR.03"):
        present(report, is_state_of(evse), f"the {STATE} of EVSE {evse}")


@case(
    "TC_B_18_CS",
    "A report of one variable, if its component is available, and if it has a problem",
    requirements=[*EVERY_REPORT, "B08.FR.05", "B08.FR.15"],
    needs=CUSTOM,
    severity=Severity.NORMAL,
)
async def test_both(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for the state of the first EVSE by each criterion; one without a problem has nothing to report."""
    evse = profile.evse[0].id
    assert await says(csms, "Available", evse) != "false", f"EVSE {evse} says that it is not available"
    report = await obtained(csms, spec, profile, criteria=["Available"], variables=[state_of(evse)])
    nothing_else(spec, "B08.FR.05", report, is_state_of(evse))
    with spec("B08.FR.03"):
        present(report, is_state_of(evse), f"the {STATE} of EVSE {evse}")
    if await says(csms, "Problem", evse) == "true":
        spec.unproven("B08.FR.15", f"EVSE {evse} says that it has a problem")
        return
    with spec("B08.FR.15"):
        asked = await ask_for_report(
            csms, criteria=["Problem"], variables=[state_of(evse)], pause=profile.timing.settle
        )
        assert asked.status == "EmptyResultSet", (
            f"EVSE {evse} has no problem, so nothing is to be reported, and the answer is {asked.status}"
        )


@case(
    "TC_B_54_CS",
    "A report of a variable without an instance has all instances",
    requirements=[*EVERY_REPORT, "B08.FR.11", "B08.FR.21"],
    needs=CUSTOM,
    severity=Severity.NORMAL,
)
async def test_every_instance(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for the message limits, and compare with the full inventory; two of them every station has."""
    full = (await fetch(csms, "FullInventory", pause=profile.timing.settle)).model
    report = await obtained(csms, spec, profile, variables=[variable(*LIMIT)])
    nothing_else(spec, "B08.FR.11", report, is_limit)
    with spec("B08.FR.21"):
        for instance in ("GetReport", "GetVariables"):
            assert report.model.find(*LIMIT, instance), f"{'.'.join(LIMIT)}[{instance}] is not in the report"
        all_of(full, report, is_limit)


@case(
    "TC_B_55_CS",
    "A report of one instance of a variable has no other",
    requirements=[*EVERY_REPORT, "B08.FR.11"],
    needs=CUSTOM,
    severity=Severity.NORMAL,
)
async def test_one_instance(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for one message limit."""
    report = await obtained(csms, spec, profile, variables=[variable(*LIMIT, instance="GetReport")])

    def wanted(key: Key) -> bool:
        return is_limit(key) and key.instance == "getreport"

    nothing_else(spec, "B08.FR.11", report, wanted)
    with spec("B08.FR.03"):
        present(report, wanted, f"{'.'.join(LIMIT)}[GetReport]")


@case(
    "TC_B_56_CS",
    "A report of a variable of EVSEs without a number has all EVSEs",
    requirements=[*EVERY_REPORT, "B08.FR.11", "B08.FR.23"],
    needs=CUSTOM,
    severity=Severity.NORMAL,
)
async def test_every_evse(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for the state of the EVSEs."""
    report = await obtained(csms, spec, profile, variables=[variable("EVSE", STATE)])
    nothing_else(spec, "B08.FR.11", report, is_state)
    with spec("B08.FR.23"):
        for evse in profile.evse:
            present(report, is_state_of(evse.id), f"the {STATE} of EVSE {evse.id}")


@case(
    "REPORT_COMPONENT_CS",
    "A report of a component has all its variables, and all connectors of an EVSE",
    requirements=["B08.FR.11", "B08.FR.20", "B08.FR.22", "B08.FR.23"],
    needs=CUSTOM,
    severity=Severity.NORMAL,
)
async def test_components(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for a controller, and for a variable of the connectors of an EVSE and of all; compare with the inventory."""
    full = (await fetch(csms, "FullInventory", pause=profile.timing.settle)).model
    evse = profile.evse[0].id
    of_connector = next((each.key.variable for each in full if is_component("connector", evse)(each.key)), "")
    shared = {"variable": {"name": of_connector}}
    cases: tuple[tuple[str, dict[str, Any], Wanted], ...] = (
        ("B08.FR.20", {"component": {"name": "OCPPCommCtrlr"}}, is_component("ocppcommctrlr")),
        (
            "B08.FR.22",
            {"component": {"name": "Connector", "evse": {"id": evse}}, **shared},
            is_component("connector", evse, of_connector),
        ),
        (
            "B08.FR.23",
            {"component": {"name": "Connector"}, **shared},
            is_component("connector", variable_=of_connector),
        ),
    )
    for requirement, asked, wanted in cases:
        if not any(wanted(each.key) for each in full):
            spec.excuse(requirement, f"the inventory has no {asked['component']['name']}")
            continue
        with spec(requirement):
            report = await custom(csms, profile, variables=[asked])
            assert report.status == "Accepted", f"{asked['component']['name']} is there: {report.status} is wrong"
            all_of(full, report, wanted)
        nothing_else(spec, "B08.FR.11", report, wanted)


@case(
    "REPORT_COMPONENT_INSTANCE_CS",
    "A report of a component that has instances has the one that was named, or all",
    requirements=["B08.FR.24", "B08.FR.25"],
    needs=CUSTOM,
    severity=Severity.MINOR,
)
async def test_component_instances(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Take a component with instances from the full inventory, that with the most of them; most stations have none."""
    full = (await fetch(csms, "FullInventory", pause=profile.timing.settle)).model
    instances: dict[str, dict[str, Variable]] = {}
    for each in full:
        if each.key.component_instance and each.key.component not in WITHOUT_INSTANCE:
            instances.setdefault(each.key.component, {})[each.key.component_instance] = each
    if not instances:
        for requirement in spec.case.requirements:
            spec.excuse(requirement, "the inventory has no component with an instance")
        return
    folded = max(instances, key=lambda name: len(instances[name]))
    of_component = is_component(folded)
    instance, one = next(iter(instances[folded].items()))
    payload = dict(one.payload)["component"]
    assert isinstance(payload, Mapping)
    name = {"name": payload["name"]}

    def of_instance(key: Key) -> bool:
        return of_component(key) and key.component_instance == instance

    for requirement, component, wanted in (
        ("B08.FR.24", {**name, "instance": payload["instance"]}, of_instance),
        ("B08.FR.25", name, of_component),
    ):
        with spec(requirement):
            report = await custom(csms, profile, variables=[{"component": component}])
            assert report.status == "Accepted", f"{component['name']} is there, and its report is {report.status}"
            all_of(full, report, wanted)
            more = [f"{each}" for each in report.model if not wanted(each.key)]
            assert not more, told([f"{each} was not asked for" for each in more])


# -- steps ------------------------------------------------------------------------------------------------------------


async def custom(
    csms: CsmsPeer,
    profile: SutProfile,
    *,
    criteria: Sequence[str] = (),
    variables: Sequence[Mapping[str, Any]] = (),
) -> BaseReport:
    """Ask for a report, and collect it where it is accepted; raises Refused and NoAnswer."""
    mark = csms.now
    asked = await ask_for_report(csms, criteria=criteria, variables=variables, pause=profile.timing.settle)
    if asked.status != "Accepted":
        return asked
    report = await collect(csms, asked, after=mark)
    csms.touch(report.answer, *report.parts)
    return report


async def obtained(
    csms: CsmsPeer,
    spec: Spec,
    profile: SutProfile,
    *,
    criteria: Sequence[str] = (),
    variables: Sequence[Mapping[str, Any]] = (),
) -> BaseReport:
    """Have a report made, and judge what holds for every one: accepted, numbered, described, with the right id."""
    with spec.must("B08.FR.01"):
        report = await custom(csms, profile, criteria=criteria, variables=variables)
        assert report.status == "Accepted", f"GetReport of {report.base} was answered {report.status}"
    with spec.must("B08.FR.03"):
        assert report.parts, f"the report was accepted, and {report.broken_off}"
        assert report.model.variables or report.model.unreadable, "the report was accepted, and is empty"
        secrets = [f"{each} is write-only, and its value is told" for each in report.model if tells_secret(each)]
        assert not secrets, told(secrets)
    with spec("B08.FR.04"):
        for part in report.parts:
            number = part["requestId"]
            assert number == report.request_id, f"the report was asked for as {report.request_id}, and bears {number}"
    with spec("B08.FR.12"):
        wrong = described(report.model)
        assert not wrong, told(wrong)
    with spec("B08.FR.14"):
        numbering = gaps(report.numbers)
        assert not numbering, numbering
    return report


def judge_criteria(
    spec: Spec, requirement: str, criteria: Sequence[str], full: DeviceModel, report: BaseReport
) -> None:
    """Compare the components of a report with those of the full inventory that meet one of the criteria.

    Of a component that lacks the variable only a warning is given: the text has it reported, where the criterion is not
    Problem, and the official case looks for nothing but variables of that name.
    """
    meeting, lacking, others = sorted_out(full, criteria)
    told_of = {place(each.key) for each in report.model}
    with spec(requirement):
        missing = [
            f"{named(each)} meets {report.base}, and is not reported" for each in sorted(meeting - told_of, key=str)
        ]
        wrong = [
            f"{named(each)} does not meet {report.base}, and is reported" for each in sorted(others & told_of, key=str)
        ]
        assert not missing + wrong, told(missing + wrong, hint=report.hint)
    silent = sorted(lacking - told_of, key=str)
    if silent:
        text = [f"{named(each)} has no {' and no '.join(criteria)}, and is not reported" for each in silent]
        spec.warn(requirement, told(text, hint=report.hint))


def sorted_out(full: DeviceModel, criteria: Sequence[str]) -> tuple[set[Place], set[Place], set[Place]]:
    """The components of an inventory that meet a criterion, that do for lack of its variable, and that do not."""
    every = {place(each.key) for each in full}
    values = {(place(each.key), each.key.variable): each.value for each in full}
    meeting: set[Place] = set()
    lacking: set[Place] = set()
    for criterion in criteria:
        for each in every:
            known = (each, criterion.casefold()) in values
            if known and values[each, criterion.casefold()] == "true":
                meeting.add(each)
            elif not known and criterion != "Problem":
                lacking.add(each)
    return meeting, lacking - meeting, every - meeting - lacking


def place(key: Key) -> Place:
    """The component that a variable belongs to."""
    instance = "" if key.component in WITHOUT_INSTANCE else key.component_instance
    return key.component, instance, key.evse, key.connector


def named(component: Place) -> str:
    """A component in words."""
    name, instance, *numbers = component
    told_numbers = ",".join(str(each) for each in numbers if each is not None)
    return f"{name}{f'[{instance}]' if instance else ''}{f'({told_numbers})' if told_numbers else ''}"


def nothing_else(spec: Spec, requirement: str, report: BaseReport, wanted: Wanted) -> None:
    """Judge that a report has nothing but what was asked for."""
    with spec(requirement):
        more = [f"{each} was not asked for" for each in report.model if not wanted(each.key)]
        assert not more, told(more)


def present(report: BaseReport, wanted: Wanted, what: str) -> None:
    """See that there is something of what was asked for."""
    assert any(wanted(each.key) for each in report.model), f"{what} is not in the report"


def all_of(full: DeviceModel, report: BaseReport, wanted: Wanted) -> None:
    """See that a report has all that the full inventory has of what was asked for."""
    missing = [
        f"{each} is not in the report" for each in full if wanted(each.key) and each.key not in report.model.variables
    ]
    assert not missing, told(missing, hint=report.hint)


def tells_secret(each: Variable) -> bool:
    """Whether a report gives the value of something that may only be written; an empty one gives nothing away."""
    return any(attribute.value for attribute in each.attributes.values() if attribute.mutability == "WriteOnly")


def state_of(evse: int) -> dict[str, Any]:
    """How to ask for the state of an EVSE."""
    return variable("EVSE", STATE, evse=evse)


def is_state(key: Key) -> bool:
    """Whether this is the state of some EVSE."""
    return key.component == "evse" and key.variable == STATE.casefold()


def is_state_of(evse: int) -> Wanted:
    """Whether this is the state of that EVSE."""
    return lambda key: is_state(key) and key.evse == evse


def is_limit(key: Key) -> bool:
    """Whether this is how many items some message may have."""
    return (key.component, key.variable) == tuple(each.casefold() for each in LIMIT)


def is_component(name: str, evse: int | None = None, variable_: str | None = None) -> Wanted:
    """Whether this belongs to a component of that name; at that EVSE, and of that name, if one is given."""
    return lambda key: key.component == name and evse in (None, key.evse) and variable_ in (None, key.variable)


async def reading(csms: CsmsPeer, each: Variable) -> tuple[str, str | None]:
    """What comes of reading a variable: the status and the value."""
    answer = await csms.call("GetVariables", get_variables(dict(each.payload)))
    (result,) = answer["getVariableResult"]
    return result["attributeStatus"], result.get("attributeValue")


async def says(csms: CsmsPeer, name: str, evse: int) -> str | None:
    """The value of a variable of an EVSE, None where it has none."""
    answer = await csms.call("GetVariables", get_variables(variable("EVSE", name, evse=evse)))
    (result,) = answer["getVariableResult"]
    value: str | None = result.get("attributeValue")
    return value
