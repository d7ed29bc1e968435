"""Use case B06: the CSMS reads variables."""

from typing import Any

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms import CsmsPeer
from conformance.peers.inventories import fetch
from conformance.peers.received import Message, Received
from conformance.peers.scenes import configured
from conformance.peers.v201 import get_variables, item_key, item_shown, variable
from conformance.sut.profile import SutProfile

THRESHOLD = ("OCPPCommCtrlr", "OfflineThreshold")
OFFLINE = ("AuthCtrlr", "LocalAuthorizeOffline")
LIMITS = ("ItemsPerMessage", "BytesPerMessage")
UNKNOWN = ("UnknownComponent", "UnknownVariable")


@case(
    "TC_B_06_CS",
    "One variable is read",
    requirements=["B06.FR.01", "B06.FR.02", "B06.FR.03", "B06.FR.04", "B06.FR.10", "B06.FR.11"],
    severity=Severity.CRITICAL,
)
async def test_one(csms: CsmsPeer, spec: Spec) -> None:
    """Read it, set it to 300 and read that, with the attribute type named and without."""
    item = variable(*THRESHOLD, attribute="Actual")
    with spec.must("B06.FR.01"):
        (first,) = results(await csms.call("GetVariables", get_variables(item)), 1)
    with spec("B06.FR.02"):
        assert item_key(first) == item_key(item), f"asked for {item_shown(item)}, got {item_shown(first)}"
    with spec("B06.FR.03"):
        assert first["attributeType"] == "Actual", f"asked for Actual, got {first['attributeType']}"
    with spec.must("B06.FR.10"):
        readable(first)
    async with configured(csms, {THRESHOLD: "300"}):
        with spec("B06.FR.04"):
            (second,) = results(await csms.call("GetVariables", get_variables(item)), 1)
            assert second["attributeValue"] == "300", f"300 was set, {second['attributeValue']} is read"
        with spec("B06.FR.11"):
            (third,) = results(await csms.call("GetVariables", get_variables(variable(*THRESHOLD))), 1)
            given = third["attributeType"]
            assert given == "Actual", f"no type was asked for, so Actual is due, and {given} came"


@case(
    "TC_B_07_CS",
    "Two variables are read with one request",
    requirements=["B06.FR.01", "B06.FR.02", "B06.FR.03", "B06.FR.04", "B06.FR.10"],
    severity=Severity.NORMAL,
)
async def test_two(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Read a number and a boolean, in whatever order they come back; one that is not there is another case's affair."""
    if await takes_one_at_a_time(csms):
        for requirement in spec.case.requirements:
            spec.excuse(requirement, "the station takes only one variable with a GetVariables")
        return
    other = profile.parameters.read_only_variable
    second = OFFLINE if await is_known(csms, OFFLINE) else (other.component, other.variable)
    wanted = {item_key(each): each for each in (variable(*name, attribute="Actual") for name in (THRESHOLD, second))}
    with spec.must("B06.FR.01"):
        found = results(await csms.call("GetVariables", get_variables(*wanted.values())), 2)
    with spec.must("B06.FR.02"):
        missing = wanted.keys() - {item_key(result) for result in found}
        assert not missing, f"no result for {', '.join(item_shown(wanted[each]) for each in missing)}"
    with spec("B06.FR.03"):
        for result in found:
            assert result["attributeType"] == "Actual", f"asked for Actual, got {result['attributeType']}"
    with spec.must("B06.FR.10"):
        for result in found:
            readable(result)
    settings = {THRESHOLD: "300"} | ({OFFLINE: "true"} if second == OFFLINE else {})
    async with configured(csms, settings):
        with spec("B06.FR.04"):
            found = results(await csms.call("GetVariables", get_variables(*wanted.values())), 2)
            values = {item_key(each): each["attributeValue"] for each in found}
            for name, value in settings.items():
                read = values.get(item_key(variable(*name)))
                assert read == value, f"{'.'.join(name)} was set to {value}, {read} is read"


@case(
    "TC_B_32_CS",
    "A variable of a component that is not there",
    requirements=["B06.FR.06"],
    severity=Severity.NORMAL,
)
async def test_unknown_component(csms: CsmsPeer, spec: Spec) -> None:
    """Ask for it."""
    with spec("B06.FR.06"):
        await refused(csms, variable("UnknownComponent", "OfflineThreshold"), "UnknownComponent")


@case(
    "TC_B_33_CS",
    "A variable that its component does not have",
    requirements=["B06.FR.07"],
    severity=Severity.NORMAL,
)
async def test_unknown_variable(csms: CsmsPeer, spec: Spec) -> None:
    """Ask for it."""
    with spec("B06.FR.07"):
        await refused(csms, variable("OCPPCommCtrlr", "UnknownVariable"), "UnknownVariable")


@case(
    "TC_B_34_CS",
    "An attribute type that the variable does not have",
    requirements=["B06.FR.03", "B06.FR.08"],
    severity=Severity.NORMAL,
)
async def test_unsupported_attribute(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for the target of a threshold; a station that shows one in its inventory can't be judged."""
    item = variable(*THRESHOLD, attribute="Target")
    with spec.must("B06.FR.08"):
        (result,) = results(await csms.call("GetVariables", get_variables(item)), 1)
    with spec("B06.FR.03"):
        assert result["attributeType"] == "Target", f"asked for Target, got {result['attributeType']}"
    if result["attributeStatus"] == "Accepted" and await shows_target(csms, profile):
        spec.unproven("B06.FR.08", "this station's inventory shows a target for OfflineThreshold")
        return
    with spec("B06.FR.08"):
        says(result, item, "NotSupportedAttributeType")


@case(
    "READ_INSTANCE_CS",
    "A variable with instances is read by the name of the instance, and not without",
    requirements=["B06.FR.14", "B06.FR.15"],
    severity=Severity.NORMAL,
)
async def test_instances(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Read each instance of a variable that must have some, and then the variable without one."""
    model = (await fetch(csms, "FullInventory", pause=profile.timing.settle)).model
    instances = [each for name in LIMITS for each in model.named("DeviceDataCtrlr", name) if each.key.instance]
    assert instances, "the inventory shows none of the message limits that every station must have"
    with spec("B06.FR.14"):
        for each in instances:
            (result,) = results(await csms.call("GetVariables", get_variables(dict(each.payload))), 1)
            got = item_key(result)
            assert got == each.key, f"asked for {each}, got {item_shown(result)}"
            assert result.get("attributeValue") == each.value, (
                f"{each} is {each.value} in the inventory, and reads {result.get('attributeValue', 'nothing')}"
            )
    without = [name for name in LIMITS if model.find("DeviceDataCtrlr", name) is None]
    if not without:
        spec.excuse("B06.FR.15", "this station has all its message limits without an instance, too")
        return
    with spec("B06.FR.15"):
        for name in without:
            await refused(csms, variable("DeviceDataCtrlr", name), *UNKNOWN)


@case(
    "READ_WRITE_ONLY_CS",
    "What may only be written can't be read",
    requirements=["B06.FR.09"],
    severity=Severity.CRITICAL,
)
async def test_write_only(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for each write-only variable of the inventory; where it shows none, for the password, which must not come."""
    model = (await fetch(csms, "FullInventory", pause=profile.timing.settle)).model
    hidden = [each for each in model if each.actual and each.actual.mutability == "WriteOnly"]
    password = variable("SecurityCtrlr", "BasicAuthPassword")
    if not hidden:
        answer = await csms.call("GetVariables", get_variables(password))
        if not any(result.get("attributeValue") for result in answer["getVariableResult"]):
            spec.excuse("B06.FR.09", "the inventory shows no write-only variable, and no password is told")
            return
    with spec("B06.FR.09"):
        for item in [dict(each.payload) for each in hidden] or [password]:
            (result,) = results(await csms.call("GetVariables", get_variables(item)), 1)
            assert not result.get("attributeValue"), f"{item_shown(item)} is write-only, and its value was told"
            status = result["attributeStatus"]
            assert status == "Rejected", f"{item_shown(item)} is write-only, and reading it was {status}"


# -- steps ------------------------------------------------------------------------------------------------------------


def results(answer: Received, expected: int) -> list[Message]:
    """The results of a GetVariables, which must be as many as were asked for."""
    found: list[Message] = answer["getVariableResult"]
    assert len(found) == expected, f"{expected} variables were asked for, and {len(found)} results came"
    return found


def readable(result: Message) -> None:
    """A result that succeeded says so, and has a value."""
    status = result["attributeStatus"]
    assert status == "Accepted", f"{item_shown(result)} can't be read: {status}"
    assert "attributeValue" in result, f"{item_shown(result)} was Accepted without a value"


def says(result: Message, item: dict[str, Any], *statuses: str) -> None:
    """A result that failed names what was asked for and why it failed, and has no value."""
    status = result["attributeStatus"]
    assert status in statuses, f"{item_shown(item)}: expected {' or '.join(statuses)}, got {status}"
    assert item_key(result) == item_key(item), f"asked for {item_shown(item)}, got {item_shown(result)}"
    assert "attributeValue" not in result, f"{item_shown(item)} is {status}, and came with a value"


async def refused(csms: CsmsPeer, item: dict[str, Any], *statuses: str) -> None:
    """Ask for something that is not there."""
    (result,) = results(await csms.call("GetVariables", get_variables(item)), 1)
    says(result, item, *statuses)


async def is_known(csms: CsmsPeer, name: tuple[str, str]) -> bool:
    """Whether the station has a variable, by what it says itself."""
    answer = await csms.call("GetVariables", get_variables(variable(*name)))
    return not any(result["attributeStatus"] in UNKNOWN for result in answer["getVariableResult"])


async def takes_one_at_a_time(csms: CsmsPeer) -> bool:
    """Whether the station wants no more than one variable in a GetVariables."""
    item = variable("DeviceDataCtrlr", "ItemsPerMessage")
    item["variable"]["instance"] = "GetVariables"
    answer = await csms.call("GetVariables", get_variables(item))
    return any(result.get("attributeValue") == "1" for result in answer["getVariableResult"])


async def shows_target(csms: CsmsPeer, profile: SutProfile) -> bool:
    """Whether the inventory has a target for the threshold; one that can't be had shows none."""
    try:
        model = (await fetch(csms, "FullInventory", pause=profile.timing.settle)).model
    except AssertionError:
        return False
    found = model.find(*THRESHOLD)
    return found is not None and "target" in found.attributes
