"""What a station says of the longest requests that it takes (ItemsPerMessage, BytesPerMessage) holds."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.device_model import DeviceModel
from conformance.oracles.inventory import told
from conformance.peers.csms import CsmsPeer
from conformance.peers.full_messages import Item, Room, Unreachable, Wrap, as_long, as_many, one_more
from conformance.peers.inventories import BaseReport, ask_for_report, collect, fetch, stated_limit
from conformance.peers.received import Message, Refused
from conformance.peers.scenes import preserved
from conformance.peers.v201 import get_variables, item_key, set_variables, variable
from conformance.sut.profile import SutProfile

CUSTOM = "custom-report or advanced-device-management"
THRESHOLD = ("OCPPCommCtrlr", "OfflineThreshold")
TOO_MANY = ("OccurrenceConstraintViolation", "OccurenceConstraintViolation")
TOO_LONG = ("FormatViolation", "FormationViolation")

Answered = Callable[[Sequence[Item]], Awaitable[None]]
"""Sends a request of these items, and asserts that all of them are answered."""


@case(
    "READ_AS_MANY_CS",
    "As many variables can be read at once as the station says, and in as many bytes",
    requirements=["LIMIT.ITEMS.01", "LIMIT.BYTES.01", "B06.FR.16", "B06.FR.17"],
    severity=Severity.NORMAL,
)
async def test_read(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for a threshold after variables that are not there, up to the limit and beyond."""

    async def answered(items: Sequence[Item]) -> None:
        found: list[Message] = (await csms.call("GetVariables", get_variables(*items)))["getVariableResult"]
        all_there(items, found)

    room = await room_of(csms, profile, "GetVariables")
    await try_limits(spec, room, lambda items: get_variables(*items), variable(*THRESHOLD), answered)


@case(
    "SET_AS_MANY_CS",
    "As many variables can be set at once as the station says, and in as many bytes",
    requirements=["LIMIT.ITEMS.01", "LIMIT.BYTES.01", "LIMIT.ITEMS.02", "LIMIT.BYTES.02"],
    severity=Severity.NORMAL,
)
async def test_set(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set a threshold after variables that are not there, up to the limit and beyond."""

    async def answered(items: Sequence[Item]) -> None:
        found: list[Message] = (await csms.call("SetVariables", set_variables(*items)))["setVariableResult"]
        all_there(items, found)

    room = await room_of(csms, profile, "SetVariables")
    async with preserved(csms, THRESHOLD) as before:
        last = {**variable(*THRESHOLD), "attributeValue": "300" if before[THRESHOLD] != "300" else "600"}
        await try_limits(spec, room, lambda items: set_variables(*items), last, answered)


@case(
    "REPORT_AS_MANY_CS",
    "A report can be asked for of as many variables as the station says, and in as many bytes",
    requirements=["LIMIT.ITEMS.01", "LIMIT.BYTES.01", "B08.FR.17", "B08.FR.18"],
    needs=CUSTOM,
    severity=Severity.NORMAL,
)
async def test_report(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for a threshold after variables that are not there, up to the limit and beyond; it is in the report."""

    async def answered(items: Sequence[Item]) -> None:
        mark = csms.now
        report: BaseReport = await ask_for_report(csms, variables=items, pause=profile.timing.settle)
        assert report.status == "Accepted", f"GetReport of {len(items)} variables was answered {report.status}"
        report = await collect(csms, report, after=mark)
        assert report.model.find(*THRESHOLD), f"{'.'.join(THRESHOLD)}, which was asked for last, is not in the report"

    def wrap(items: Sequence[Item]) -> dict[str, Any]:
        return {"requestId": 700_000, "componentVariable": list(items)}

    room = await room_of(csms, profile, "GetReport")
    await try_limits(spec, room, wrap, variable(*THRESHOLD), answered)


# -- steps ------------------------------------------------------------------------------------------------------------


async def room_of(csms: CsmsPeer, profile: SutProfile, action: str) -> Room:
    """What the station says that it takes with an action, which it must say."""
    model = (await fetch(csms, "FullInventory", pause=profile.timing.settle)).model
    items, size = [await limit(csms, model, name, action) for name in ("ItemsPerMessage", "BytesPerMessage")]
    assert items, f"the station does not say how many items {action} may have"
    assert size, f"the station does not say how many bytes {action} may have"
    return Room(action, items, size)


async def limit(csms: CsmsPeer, model: DeviceModel, name: str, action: str) -> int | None:
    """A limit by the inventory, and where that lacks it, by its name."""
    stated = stated_limit(model, name, action)
    if stated is None:
        with suppress(AssertionError, ValueError):
            stated = int(await csms.speak.read(("DeviceDataCtrlr", name, action)))
    return stated


async def try_limits(spec: Spec, room: Room, wrap: Wrap, last: Item, answered: Answered) -> None:
    """Send what is as much as the station takes, and more; `last` is the one item that the station knows."""
    within, beyond = spec.case.requirements[:2], spec.case.requirements[2:]
    with spec(within[0]):
        await answered(as_many(room, wrap, last))
    try:
        longest = as_long(room, wrap, last)
    except Unreachable as reason:
        spec.excuse(within[1], f"{reason}")
    else:
        with spec(within[1]):
            await answered(longest)
    for requirement, make, codes in ((beyond[0], one_more, TOO_MANY), (beyond[1], longer, TOO_LONG)):
        try:
            items = make(room, wrap, last)
        except Unreachable as reason:
            spec.excuse(requirement, f"{reason}")
            continue
        with spec(requirement):
            await answered_or_refused(items, answered, codes)


def longer(room: Room, wrap: Wrap, last: Item) -> list[Item]:
    """Items that have one byte more than is taken; raises Unreachable."""
    return as_long(room, wrap, last, beyond=1)


async def answered_or_refused(items: Sequence[Item], answered: Answered, codes: Sequence[str]) -> None:
    """See that a request that asks too much is answered as any other, or refused for that."""
    code = codes[0]
    try:
        await answered(items)
    except Refused as refusal:
        code = refusal.code
    assert code in codes, f"a request beyond the limit may be refused as {codes[0]}, and was as {code}"


def all_there(items: Sequence[Item], found: Sequence[Message]) -> None:
    """See that each item has one result, and that nothing was wrong with the last one."""
    keys = [item_key(each) for each in found]
    wanted = [item_key(each) for each in items]
    missing = [f"there is no result for {each.component}.{each.variable}" for each in wanted if each not in keys]
    assert not missing, told(missing)
    assert len(found) == len(items), f"{len(items)} variables were named, and {len(found)} results came"
    status = found[keys.index(wanted[-1])]["attributeStatus"]
    assert status in ("Accepted", "RebootRequired"), f"{'.'.join(THRESHOLD)}, the last of them, was {status}"
