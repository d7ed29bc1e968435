"""The station's inventory, where a buyer begins: it is what it claims to be, and agrees with itself."""

from contextlib import suppress

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.device_model import DeviceModel, Variable
from conformance.oracles.inventory import (
    Fault,
    against_claims,
    explicitly_writable,
    judge,
    lacking,
    note,
    told,
    worth_reading,
)
from conformance.peers.csms import CsmsPeer
from conformance.peers.inventories import claimed, fetch, items_per_message, read_all
from conformance.peers.received import NotSeen, Received
from conformance.peers.scenes import reboot
from conformance.peers.v201 import get_variables, variable
from conformance.sut.drivers import StationDriver, Unsupported
from conformance.sut.profile import SutProfile
from conformance.sut.tables import Product

READINGS = 200
REQUESTS = 40
OTHER_TYPES = ("Target", "MinSet", "MaxSet")
SAMPLE = 6
MISSING = "missing"
OPTIONAL = {
    "DM.PASSWORD.01": ("SecurityCtrlr", "BasicAuthPassword"),
    "DM.IDENTITY.01": ("SecurityCtrlr", "Identity"),
    "DM.NETWORK.01": ("OCPPCommCtrlr", "NetworkConfigurationPriority"),
    "DM.NETWORK.02": ("OCPPCommCtrlr", "ActiveNetworkProfile"),
}


@case(
    "INVENTORY_AS_CLAIMED_CS",
    "The station is the one of its profile, with these EVSEs and connectors and no others",
    requirements=[
        "CLAIM.IDENTITY.01",
        "CLAIM.IDENTITY.02",
        "CLAIM.IDENTITY.03",
        "CLAIM.EVSE.01",
        "CLAIM.EVSE.02",
        "CLAIM.CONNECTOR.01",
        "CLAIM.CONNECTOR.02",
        "CLAIM.CONNECTORTYPE.01",
        "CLAIM.POWER.01",
    ],
    severity=Severity.BLOCKER,
)
async def test_as_claimed(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Take its last boot, or bring one about, and its full inventory; a station that makes none shows no EVSE."""
    with spec.must("CLAIM.EVSE.01"):
        report = await fetch(csms, "FullInventory", pause=profile.timing.settle)
    faults = list(against_claims(report.model, claimed(profile)))
    for requirement in spec.case.requirements:
        if requirement == "CLAIM.POWER.01" and not any(evse.max_power_w for evse in profile.evse):
            spec.excuse(requirement, "the profile states no max_power_w")
        elif not requirement.startswith("CLAIM.IDENTITY"):
            note(spec, requirement, faults, hint=report.hint)
    boots = csms.seen("BootNotification", after=0)
    boot = boots[-1] if boots else (await reboot(station, csms)).notification
    csms.touch(boot)
    judge_identity(spec, boot, profile.sut)


@case(
    "FEATURES_AS_CLAIMED_CS",
    "What the profile claims to be built in shows in the device model, and nothing else does",
    requirements=["CLAIM.FEATURE.01", "CLAIM.FEATURE.02"],
    severity=Severity.NORMAL,
)
async def test_features(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Compare the claims that the documents tie to a variable with the full inventory."""
    report = await fetch(csms, "FullInventory", pause=profile.timing.settle)
    faults = list(against_claims(report.model, claimed(profile)))
    for requirement in spec.case.requirements:
        note(spec, requirement, faults, hint=report.hint)


@case(
    "INVENTORY_NUMBERING_CS",
    "EVSEs and connectors are numbered and addressed as they should be, and nothing is there twice",
    requirements=["DM.TIER.01", "DM.EVSE.01", "DM.CONNECTOR.01", "DM.DUPLICATE.01"],
    severity=Severity.NORMAL,
)
async def test_numbering(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Look at the places in the full inventory; one that shows no EVSE has nothing numbered."""
    model = await judge_inventory(csms, spec, profile)
    if not model.evses:
        spec.unproven("DM.EVSE.01", "the inventory shows no EVSE")
    if not model.connectors:
        spec.unproven("DM.CONNECTOR.01", "the inventory shows no connector")


@case(
    "INVENTORY_VALUES_CS",
    "Values are what they may be, and fit what else is known",
    requirements=[
        "DM.VALUE.03",
        "DM.VALUE.04",
        "DM.VALUE.05",
        "DM.LIMIT.02",
        "DM.PASSWORD.01",
        "DM.IDENTITY.01",
        "DM.NETWORK.01",
        "DM.NETWORK.02",
    ],
    severity=Severity.NORMAL,
)
async def test_values(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Look at the values in the full inventory; some belong to variables that need not be there."""
    await judge_inventory(csms, spec, profile)


@case(
    "INVENTORY_MARKS_CS",
    "Standard variables tell their unit, their room and that they are kept",
    requirements=["DM.PERSIST.01", "DM.UNIT.01", "DM.LIMIT.03"],
    severity=Severity.MINOR,
)
async def test_marks(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Look at what the full inventory says around the values."""
    await judge_inventory(csms, spec, profile)


@case(
    "INVENTORY_CONFIGURATION_CS",
    "The configuration inventory is the part of the full one that can be set",
    requirements=["B07.FR.07", "B07.FR.08"],
    severity=Severity.NORMAL,
)
async def test_configuration_is_part(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Compare the two; what the full inventory does not call writable is not asked for."""
    full = await fetch(csms, "FullInventory", pause=profile.timing.settle)
    configuration = await fetch(csms, "ConfigurationInventory", pause=profile.timing.settle)
    with spec("B07.FR.08"):
        missing = lacking(configuration.model, full.model, "the full inventory", which=lambda _: True)
        assert not missing, told(missing, hint=full.hint)
    with spec("B07.FR.07"):
        missing = lacking(full.model, configuration.model, "the configuration inventory", which=explicitly_writable)
        assert not missing, told(missing, hint=configuration.hint)


@case(
    "INVENTORY_ATTRIBUTES_CS",
    "An attribute type that can be read is in the full inventory, too",
    requirements=["B07.FR.11"],
    severity=Severity.MINOR,
)
async def test_attribute_types(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask some variables that have numbers for the attribute types that they do not show."""
    model = (await fetch(csms, "FullInventory", pause=profile.timing.settle)).model
    unshown = [
        (each, type_)
        for each in with_numbers(model)[:SAMPLE]
        for type_ in OTHER_TYPES
        if type_.casefold() not in each.attributes
    ]
    if not unshown:
        spec.excuse("B07.FR.11", "the inventory has no number that lacks an attribute type")
        return
    with spec("B07.FR.11"):
        for each, type_ in unshown:
            answer = await csms.call("GetVariables", get_variables({**each.payload, "attributeType": type_}))
            status = answer["getVariableResult"][0]["attributeStatus"]
            assert status != "Accepted", f"{each} has a {type_}, by GetVariables, and the inventory shows none"


@case(
    "INVENTORY_READS_ALIKE_CS",
    "A variable reads the same by GetVariables as in the inventory",
    requirements=["DM.AGREE.01"],
    severity=Severity.MINOR,
)
async def test_reads_alike(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Read what should not move, and where it differs look once more: what then moved is left out."""
    before = (await fetch(csms, "FullInventory", pause=profile.timing.settle)).model
    at_once = items_per_message(before, "GetVariables")
    wanted = worth_reading(before, min(READINGS, REQUESTS * at_once))
    with spec("DM.AGREE.01"):
        readings = await read_all(csms, wanted, at_once=at_once)
        differ = {place: each for place, each in enumerate(wanted) if not agrees(each, readings.get(place))}
        if not differ:
            return
        after = (await fetch(csms, "FullInventory", pause=profile.timing.settle)).model
        still = {place: each for place, each in differ.items() if stands_still(each, after)}
        wrong = [
            f"{each} is {each.value!r} in the inventory, and reads {told_reading(readings.get(place))}"
            for place, each in still.items()
        ]
        assert not wrong, told(wrong)


@case(
    "INVENTORY_LASTS_CS",
    "The inventory has the same variables when it is asked for again, and after a restart",
    requirements=["DM.AGREE.02"],
    severity=Severity.MINOR,
)
async def test_lasts(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Fetch it three times, the last time after a restart; values may differ."""
    pause = profile.timing.settle
    reports = [await fetch(csms, "FullInventory", pause=pause) for _ in range(2)]
    await reboot(station, csms)
    await csms.until(lambda: csms.registration == "Accepted", "the boot to be accepted", within=profile.timing.boot)
    reports.append(await fetch(csms, "FullInventory", pause=pause))
    first, second, third = (report.model for report in reports)
    with spec("DM.AGREE.02"):
        wrong = [
            *lacking(first, second, "the second inventory", which=lambda _: True),
            *lacking(second, first, "the first inventory", which=lambda _: True),
            *lacking(first, third, "the inventory after the restart", which=lambda _: True),
            *lacking(third, first, "the inventory before the restart", which=lambda _: True),
        ]
        assert not wrong, told(wrong, hint=next((report.hint for report in reports if report.hint), ""))


@case(
    "CONNECTOR_STATE_CS",
    "A connector's AvailabilityState is the status that was notified last",
    requirements=["DM.STATE.01"],
    severity=Severity.NORMAL,
)
async def test_connector_state(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Read it as it is, and with an EV plugged in where that can be done; a connector need not have the variable."""
    connectors = profile.connectors
    for connector in connectors:
        if last_status(csms, connector) is None:
            await ask_for_status(csms, connector)
    known = [each for each in connectors if last_status(csms, each) is not None]
    assert known, "no status was ever notified, so there is nothing to compare with"
    having = [each for each in known if await read_state(csms, each) is not MISSING]
    if not having:
        spec.excuse("DM.STATE.01", "no connector has a variable AvailabilityState, and it need not (appendix 1.4)")
        return
    with spec("DM.STATE.01"):
        for each in having:
            await state_agrees(csms, each, profile)
    if not (station.can("plug_in") and station.can("unplug")):
        return
    first = having[0]
    before = last_status(csms, first)
    try:
        await station.plug_in(*first)
    except Unsupported:
        return
    try:
        with suppress(NotSeen):  # that a status is due is for other cases to judge
            await csms.until(
                lambda: last_status(csms, first) != before, "a status after the plug", within=profile.timing.status
            )
        with spec("DM.STATE.01"):
            await state_agrees(csms, first, profile)
    finally:
        await station.unplug(*first)
    with suppress(NotSeen):
        await notified_as(csms, first, before, within=profile.timing.status)


# -- steps ------------------------------------------------------------------------------------------------------------


async def judge_inventory(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> DeviceModel:
    """Fetch the full inventory, and judge by it all that the case declares."""
    report = await fetch(csms, "FullInventory", pause=profile.timing.settle)
    faults: list[Fault] = judge(report.model, claimed(profile))
    for requirement in spec.case.requirements:
        name = OPTIONAL.get(requirement)
        if name is not None and report.model.find(*name) is None:
            spec.excuse(requirement, f"the inventory has no {'.'.join(name)}")
        else:
            note(spec, requirement, faults, hint=report.hint)
    return report.model


def judge_identity(spec: Spec, boot: Received, product: Product) -> None:
    """Compare what the profile states of the product with what the station said at its boot."""
    csms_sees = boot.get("chargingStation")
    given = csms_sees if isinstance(csms_sees, dict) else {}
    for requirement, pairs in (
        ("CLAIM.IDENTITY.01", {"vendorName": product.vendor, "model": product.model}),
        ("CLAIM.IDENTITY.02", {"serialNumber": product.serial}),
        ("CLAIM.IDENTITY.03", {"firmwareVersion": product.firmware}),
    ):
        stated = {field: value for field, value in pairs.items() if value is not None}
        if not stated:
            spec.excuse(requirement, f"the profile states no {' and no '.join(pairs)}")
            continue
        with spec(requirement):
            for field, value in stated.items():
                says = given.get(field)
                assert says == value, f"{field} at the boot is {says!r}, and the profile says {value!r}"


def with_numbers(model: DeviceModel) -> list[Variable]:
    """The variables that hold numbers, those of EVSEs first: they are the likeliest to have a target or limits."""
    numbers = [
        each
        for each in model
        if each.actual and each.characteristics and each.characteristics.type.casefold() in ("integer", "decimal")
    ]
    return sorted(numbers, key=lambda each: each.key.evse is None)


def agrees(variable_: Variable, reading: dict[str, object] | None) -> bool:
    """Whether a reading says the same as the inventory."""
    return (
        reading is not None
        and reading.get("attributeStatus") == "Accepted"
        and reading.get("attributeValue") == variable_.value
    )


def told_reading(reading: dict[str, object] | None) -> str:
    """A reading in words."""
    if reading is None:
        return "nothing"
    value, status = reading.get("attributeValue"), reading.get("attributeStatus")
    return f"{value!r}" if status == "Accepted" and value is not None else f"{status}, without a value"


def stands_still(variable_: Variable, later: DeviceModel) -> bool:
    """Whether a later inventory shows the value of the earlier one."""
    found = later.variables.get(variable_.key)
    return found is not None and found.value == variable_.value


def last_status(csms: CsmsPeer, connector: tuple[int, int]) -> str | None:
    """What the station said of a connector last, in the whole session."""
    messages = [*csms.seen("StatusNotification", after=0), *csms.seen("NotifyEvent", after=0)]
    found = csms.speak.statuses(sorted(messages, key=lambda each: each.n))
    return next((each.status for each in reversed(found) if each.connector == connector), None)


async def ask_for_status(csms: CsmsPeer, connector: tuple[int, int]) -> None:
    """Have the status of a connector sent, of a station that was running before it came here."""
    evse = {"id": connector[0], "connectorId": connector[1]}
    mark = csms.now
    answer = await csms.call("TriggerMessage", {"requestedMessage": "StatusNotification", "evse": evse})
    if answer["status"] == "Accepted":
        with suppress(NotSeen):
            await csms.expect("StatusNotification", after=mark, evseId=evse["id"], connectorId=evse["connectorId"])


async def notified_as(csms: CsmsPeer, connector: tuple[int, int], state: str | None, *, within: float) -> None:
    """Wait until a status is the last one of a connector."""
    await csms.until(lambda: last_status(csms, connector) == state, f"the status {state}", within=within)


async def read_state(csms: CsmsPeer, connector: tuple[int, int]) -> str | None:
    """The AvailabilityState of a connector: MISSING where it has none, None where it was accepted without a value."""
    evse, number = connector
    item = variable("Connector", "AvailabilityState", evse=evse)
    item["component"]["evse"]["connectorId"] = number
    result = (await csms.call("GetVariables", get_variables(item)))["getVariableResult"][0]
    status = result["attributeStatus"]
    if status in ("UnknownComponent", "UnknownVariable"):
        return MISSING
    assert status == "Accepted", f"the AvailabilityState of connector {number} of EVSE {evse} can't be read: {status}"
    state: str | None = result.get("attributeValue")
    return state


async def state_agrees(csms: CsmsPeer, connector: tuple[int, int], profile: SutProfile) -> None:
    """Compare the state of a connector with what was notified; either may be about to change, so look twice."""
    evse, number = connector
    for _ in range(2):
        state = await read_state(csms, connector)
        with suppress(NotSeen):
            await notified_as(csms, connector, state, within=profile.timing.settle)
            return
    notified = last_status(csms, connector)
    name = f"connector {number} of EVSE {evse}"
    raise AssertionError(f"{name} reads {state or 'nothing'}, and {notified} was notified last")
