"""Use case B05: the CSMS sets variables."""

from collections.abc import Iterable
from typing import Any

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.inventory import told
from conformance.peers.csms import CsmsPeer
from conformance.peers.csms_dialect import Setting
from conformance.peers.inventories import fetch
from conformance.peers.received import Message, Received, Refused
from conformance.peers.scenes import preserved
from conformance.peers.v201 import get_variables, item_key, item_shown, now, set_variables, variable
from conformance.sut.profile import SutProfile

THRESHOLD = ("OCPPCommCtrlr", "OfflineThreshold")
OFFLINE = ("AuthCtrlr", "LocalAuthorizeOffline")
RETRIES = ("OCPPCommCtrlr", "ResetRetries")
TIMEOUT = ("OCPPCommCtrlr", "MessageTimeout", "Default")
DONE = ("Accepted", "RebootRequired")
NUMBER, FRACTION, TRUTH, WORD = "300", "300.1", "true", "abc"
FORMATS: dict[tuple[str, str], tuple[str, ...]] = {
    THRESHOLD: (FRACTION, TRUTH, "now", WORD),
    ("SmartChargingCtrlr", "LimitChangeSignificance"): (TRUTH, "now", WORD),
    ("AuthCtrlr", "AuthorizeRemoteStart"): (NUMBER, FRACTION, "now", WORD),
    ("ClockCtrlr", "NextTimeOffsetTransitionDateTime"): (NUMBER, FRACTION, TRUTH, WORD),
}
"""Variables of each type, and what is no value of it; `now` stands for the present time."""


# -- what can be set --------------------------------------------------------------------------------------------------


@case(
    "TC_B_09_CS",
    "One variable is set",
    requirements=["B05.FR.01", "B05.FR.02", "B05.FR.03", "B05.FR.10", "B05.FR.12", "B06.FR.10"],
    severity=Severity.BLOCKER,
)
async def test_one(csms: CsmsPeer, spec: Spec) -> None:
    """Set a threshold to 300, with the attribute type named, and to 600 without; each time it is what is read then."""
    with spec.must("B06.FR.10"):
        (read,) = (await csms.call("GetVariables", get_variables(variable(*THRESHOLD))))["getVariableResult"]
        told_value = read["attributeStatus"] != "Accepted" or "attributeValue" in read
        assert told_value, f"reading {'.'.join(THRESHOLD)} was Accepted, and brought no value"
    async with preserved(csms, THRESHOLD):
        with spec.must("B05.FR.01"):
            (first,) = results(await write(csms, item(THRESHOLD, "300", attribute="Actual")), 1)
        with spec("B05.FR.02"):
            assert item_key(first) == item_key(item(THRESHOLD, "300")), (
                f"set {'.'.join(THRESHOLD)}, the result is {item_shown(first)}"
            )
        with spec("B05.FR.03"):
            assert first["attributeType"] == "Actual", f"Actual was set, the result says {first['attributeType']}"
        with spec("B05.FR.10"):
            await is_set(csms, first, THRESHOLD, "300")
        with spec("B05.FR.12"):
            (second,) = results(await write(csms, item(THRESHOLD, "600")), 1)
            given = second["attributeType"]
            assert given == "Actual", f"no type was named, so Actual is due, and the result says {given}"
        with spec("B05.FR.10"):
            await is_set(csms, second, THRESHOLD, "600")


@case(
    "TC_B_10_CS",
    "Two variables are set with one request",
    requirements=["B05.FR.01", "B05.FR.02", "B05.FR.03", "B05.FR.10"],
    severity=Severity.CRITICAL,
)
async def test_two(csms: CsmsPeer, spec: Spec) -> None:
    """Change a number and a switch, in whatever order the results come; a station without the switch has a count."""
    if not await takes(csms, spec, len("ab")):
        return
    second = OFFLINE if await is_known(csms, OFFLINE) else RETRIES
    async with preserved(csms, THRESHOLD, second) as before:
        other = ("false" if before[OFFLINE] == "true" else "true") if second == OFFLINE else few(before[RETRIES])
        wanted: dict[tuple[str, str], str] = {THRESHOLD: another(before[THRESHOLD]), second: other}
        items = [item(each, value, attribute="Actual") for each, value in wanted.items()]
        with spec.must("B05.FR.01"):
            found = results(await write(csms, *items), 2)
        with spec.must("B05.FR.02"):
            missing = {item_key(each) for each in items} - {item_key(each) for each in found}
            assert not missing, told(
                [f"no result for {item_shown(each)}" for each in items if item_key(each) in missing]
            )
        with spec("B05.FR.03"):
            for each in found:
                assert each["attributeType"] == "Actual", f"Actual was set, a result says {each['attributeType']}"
        by_key = {item_key(each): each for each in found}
        with spec("B05.FR.10"):
            for name, value in wanted.items():
                await is_set(csms, by_key[item_key(item(name, value))], name, value)


# -- what can't be set ------------------------------------------------------------------------------------------------


@case(
    "TC_B_11_CS",
    "Values that are not of the type of a variable, and one that is",
    requirements=["B05.FR.07", "B05.FR.10"],
    severity=Severity.CRITICAL,
)
async def test_formats(csms: CsmsPeer, spec: Spec) -> None:
    """Try each wrong value on a number, a fraction, a switch and a time, as far as there are such variables."""
    known = [each for each in FORMATS if each == THRESHOLD or await is_readable(csms, each)]
    async with preserved(csms, *known) as before:
        with spec("B05.FR.07"):
            wrong: list[str] = []
            for name in known:
                for value in FORMATS[name]:
                    wrong += await not_taken(csms, name, now() if value == "now" else value)
                after = await csms.speak.read(name)
                if after != before[name]:
                    wrong.append(f"{'.'.join(name)} was {before[name]}, and reads {after} after what was refused")
            assert not wrong, told(wrong)
        with spec("B05.FR.10"):
            value = another(before[THRESHOLD])
            (result,) = results(await write(csms, item(THRESHOLD, value)), 1)
            await is_set(csms, result, THRESHOLD, value)


@case(
    "TC_B_35_CS",
    "Setting something of a component that is not there",
    requirements=["B05.FR.02", "B05.FR.04"],
    severity=Severity.NORMAL,
)
async def test_unknown_component(csms: CsmsPeer, spec: Spec) -> None:
    """Try it."""
    await refused(csms, spec, "B05.FR.04", item(("UnknownComponent", "OfflineThreshold"), "300"), "UnknownComponent")


@case(
    "TC_B_36_CS",
    "Setting a variable that its component does not have",
    requirements=["B05.FR.02", "B05.FR.05"],
    severity=Severity.NORMAL,
)
async def test_unknown_variable(csms: CsmsPeer, spec: Spec) -> None:
    """Try it."""
    await refused(csms, spec, "B05.FR.05", item(("OCPPCommCtrlr", "UnknownVariable"), "300"), "UnknownVariable")


@case(
    "TC_B_37_CS",
    "Setting an attribute type that the variable does not have",
    requirements=["B05.FR.03", "B05.FR.06"],
    severity=Severity.NORMAL,
)
async def test_unsupported_attribute(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set the target of a threshold to its actual value; a station that shows a target of it can't be judged."""
    async with preserved(csms, THRESHOLD) as before:
        wanted = item(THRESHOLD, before[THRESHOLD], attribute="Target")
        with spec.must("B05.FR.06"):
            (result,) = results(await write(csms, wanted), 1)
        with spec("B05.FR.03"):
            assert result["attributeType"] == "Target", f"Target was set, the result says {result['attributeType']}"
        if result["attributeStatus"] in DONE and await shows_target(csms, profile):
            spec.unproven("B05.FR.06", "this station's inventory shows a target for OfflineThreshold")
            return
        with spec("B05.FR.06"):
            says(result, wanted, "NotSupportedAttributeType")


@case(
    "TC_B_39_CS",
    "Setting a variable that can only be read",
    requirements=["B05.FR.02", "B05.FR.09"],
    severity=Severity.CRITICAL,
)
async def test_read_only(csms: CsmsPeer, spec: Spec) -> None:
    """Make a time-out longer that nobody can set; it must stay what it was."""
    async with preserved(csms, TIMEOUT) as before:
        wanted = item(TIMEOUT, another(before[TIMEOUT]))
        await refused(csms, spec, "B05.FR.09", wanted, "Rejected")
        with spec("B05.FR.09"):
            after = await csms.speak.read(TIMEOUT)
            assert after == before[TIMEOUT], (
                f"{item_shown(wanted)} can't be set, and went from {before[TIMEOUT]} to {after}"
            )


# -- several at once --------------------------------------------------------------------------------------------------


@case(
    "SET_MIXED_CS",
    "Of several variables in a request each has its own fate",
    requirements=["B05.FR.01", "B05.FR.02", "B05.FR.04", "B05.FR.05", "B05.FR.07", "B05.FR.09", "B05.FR.10"],
    severity=Severity.NORMAL,
)
async def test_mixed(csms: CsmsPeer, spec: Spec) -> None:
    """Put one that can be set between four that can't, in one request; only that one changes."""
    names = (("UnknownComponent", "OfflineThreshold"), ("OCPPCommCtrlr", "UnknownVariable"))
    if not await takes(csms, spec, len(names) + 3):
        return
    second = OFFLINE if await is_known(csms, OFFLINE) else RETRIES
    async with preserved(csms, THRESHOLD, second, TIMEOUT) as before:
        value = another(before[THRESHOLD])
        no_component, no_variable = (item(each, NUMBER) for each in names)
        fixed, malformed = item(TIMEOUT, another(before[TIMEOUT])), item(second, WORD)
        good = item(THRESHOLD, value)
        items = (no_component, fixed, good, malformed, no_variable)
        with spec.must("B05.FR.01"):
            found = results(await write(csms, *items), len(items))
        with spec.must("B05.FR.02"):
            missing = {item_key(each) for each in items} - {item_key(each) for each in found}
            assert not missing, told(
                [f"no result for {item_shown(each)}" for each in items if item_key(each) in missing]
            )
        by_key = {item_key(each): each for each in found}
        for requirement, each, status in (
            ("B05.FR.04", no_component, "UnknownComponent"),
            ("B05.FR.05", no_variable, "UnknownVariable"),
            ("B05.FR.07", malformed, "Rejected"),
            ("B05.FR.09", fixed, "Rejected"),
        ):
            with spec(requirement):
                says(by_key[item_key(each)], each, status)
        with spec("B05.FR.10"):
            await is_set(csms, by_key[item_key(good)], THRESHOLD, value)


@case(
    "SET_TWICE_CS",
    "A variable that one request names twice is refused, or is what the station says",
    requirements=["SET.TWICE.01"],
    severity=Severity.MINOR,
)
async def test_twice(csms: CsmsPeer, spec: Spec) -> None:
    """Set a threshold to 300 and 600 at once, which no CSMS should do; the station may refuse that as it likes."""
    values = ("300", "600")
    async with preserved(csms, THRESHOLD) as before:
        with spec("SET.TWICE.01"):
            try:
                found = results(await write(csms, *(item(THRESHOLD, each) for each in values)), len(values))
            except Refused:
                found = []
            statuses = [each["attributeStatus"] for each in found]
            taken = [value for value, status in zip(values, statuses, strict=False) if status in DONE]
            after = await csms.speak.read(THRESHOLD)
            lawful = taken or [before[THRESHOLD]]
            assert after in lawful or "RebootRequired" in statuses, (
                f"{' and '.join(values)} were {' and '.join(statuses) or 'refused'}, and {after} is read; "
                f"it was {before[THRESHOLD]}"
            )


# -- steps ------------------------------------------------------------------------------------------------------------


def item(name: tuple[str, ...], value: str, *, attribute: str | None = None) -> dict[str, Any]:
    """One item of SetVariables: component, variable, and perhaps the instance of that."""
    component, variable_, *instance = name
    place = variable(component, variable_, attribute=attribute, instance=instance[0] if instance else None)
    return {**place, "attributeValue": value}


async def write(csms: CsmsPeer, *items: dict[str, Any]) -> Received:
    """Set variables; raises Refused and NoAnswer."""
    return await csms.call("SetVariables", set_variables(*items))


def results(answer: Received, expected: int) -> list[Message]:
    """The results of a SetVariables, which must be as many as the variables."""
    found: list[Message] = answer["setVariableResult"]
    assert len(found) == expected, f"{expected} were to be set, and {len(found)} results came"
    return found


def another(number: str) -> str:
    """A number other than this one, and lawful where that is."""
    return "300" if number != "300" else "600"


def few(number: str) -> str:
    """A small number other than this one: a station need not take hundreds of everything."""
    return "3" if number != "3" else "2"


async def is_set(csms: CsmsPeer, result: Message, name: Setting, value: str) -> None:
    """A result that says that a value was set, which is then read; at once, unless that takes a reboot."""
    status = result["attributeStatus"]
    assert status in DONE, f"{item_shown(result)} = {value} was answered {status}"
    if status == "Accepted":
        after = await csms.speak.read(name)
        assert after == value, f"{item_shown(result)} was set to {value}, and {after} is read"


def says(result: Message, wanted: dict[str, Any], status: str) -> None:
    """A result that tells why nothing was set."""
    given = result["attributeStatus"]
    assert given == status, f"{item_shown(wanted)} = {wanted['attributeValue']}: expected {status}, got {given}"


async def refused(csms: CsmsPeer, spec: Spec, requirement: str, wanted: dict[str, Any], status: str) -> None:
    """Try to set what can't be set: the result names it, and says why."""
    with spec.must(requirement):
        (result,) = results(await write(csms, wanted), 1)
    with spec("B05.FR.02"):
        assert item_key(result) == item_key(wanted), f"set {item_shown(wanted)}, the result is {item_shown(result)}"
    with spec(requirement):
        says(result, wanted, status)


async def not_taken(csms: CsmsPeer, name: tuple[str, str], value: str) -> Iterable[str]:
    """Try a value that is none; what is wrong with the answer in words."""
    (result,) = results(await write(csms, item(name, value)), 1)
    status = result["attributeStatus"]
    return [] if status == "Rejected" else [f"{item_shown(result)} = {value}: expected Rejected, got {status}"]


async def is_known(csms: CsmsPeer, name: tuple[str, str]) -> bool:
    """Whether the station has a variable, by what it says itself."""
    return await status_of(csms, name) not in ("UnknownComponent", "UnknownVariable")


async def is_readable(csms: CsmsPeer, name: tuple[str, str]) -> bool:
    """Whether the value of a variable can be had."""
    return await status_of(csms, name) == "Accepted"


async def status_of(csms: CsmsPeer, name: tuple[str, str]) -> str:
    """What comes of reading a variable."""
    (result,) = (await csms.call("GetVariables", get_variables(variable(*name))))["getVariableResult"]
    return str(result["attributeStatus"])


async def takes(csms: CsmsPeer, spec: Spec, count: int) -> bool:
    """Whether a SetVariables may have so many variables, by what the station says; else the case judges nothing."""
    try:
        most = int(await csms.speak.read(("DeviceDataCtrlr", "ItemsPerMessage", "SetVariables")))
    except (AssertionError, ValueError):
        for requirement in spec.case.requirements:
            spec.unproven(requirement, "the station does not say how many variables it takes with a SetVariables")
        return False
    if most < count:
        for requirement in spec.case.requirements:
            spec.excuse(requirement, f"the station takes {most} variables with a SetVariables, and {count} are needed")
    return most >= count


async def shows_target(csms: CsmsPeer, profile: SutProfile) -> bool:
    """Whether the inventory has a target for the threshold; one that can't be had shows none."""
    try:
        model = (await fetch(csms, "FullInventory", pause=profile.timing.settle)).model
    except AssertionError:
        return False
    found = model.find(*THRESHOLD)
    return found is not None and "target" in found.attributes
