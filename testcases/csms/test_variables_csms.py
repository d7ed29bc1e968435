"""Use cases B05 and B06, in 1.6 GetConfiguration and ChangeConfiguration: the CSMS reads and sets what can be set."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms_scenes import (
    base_report,
    change_configuration,
    commanded,
    custom_report,
    get_configuration,
    get_variables,
    reads,
    same_variable,
    set_variables,
    sets,
    station_16,
    station_201,
)
from conformance.peers.received import NotSeen, Received
from conformance.peers.replies import Payload
from conformance.peers.station import StationPeer
from conformance.peers.v201 import variable
from conformance.sut.drivers import CsmsDriver, DriverFailed, Unsupported
from conformance.sut.profile import SutProfile

OFFLINE_THRESHOLD = variable("OCPPCommCtrlr", "OfflineThreshold")
REMOTE_START = variable("AuthCtrlr", "AuthorizeRemoteStart")
FEW = 2
"""What the station says it takes at once where a case is about that."""
FEW_BYTES = 300
"""How long a request may be that it takes, where a case is about that: room for two or three variables."""


# -- 2.0.1 ------------------------------------------------------------------------------------------------------------


@case(
    "TC_B_06_CSMS",
    "Asked for one variable, the CSMS reads it",
    requirements=["CSMS.GETVARIABLES.01"],
    severity=Severity.CRITICAL,
)
async def test_read_one(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Its actual value, whatever else of it is read with that."""
    with spec("CSMS.GETVARIABLES.01"):
        await commanded(csms, station, profile, get_variables(OFFLINE_THRESHOLD))


@case(
    "TC_B_07_CSMS",
    "Asked for two variables of two components, the CSMS reads both",
    requirements=["CSMS.GETVARIABLES.01", "CSMS.GETVARIABLES.02"],
    severity=Severity.NORMAL,
    needs="get-several-variables",
)
async def test_read_several(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """In one request, as it claims to be able to."""
    items, mark = [OFFLINE_THRESHOLD, REMOTE_START], station.now
    with spec.must("CSMS.GETVARIABLES.01"):
        await commanded(csms, station, profile, get_variables(*items))
    with spec("CSMS.GETVARIABLES.02"):
        await each_read(station, items, after=mark, within=profile.timing.command)
        together = [call for call in station.seen("GetVariables", after=mark) if not unread([call], items)]
        assert together, f"expected both variables in one GetVariables, and each came in one of its own: {told(items)}"


@case(
    "TC_B_09_CSMS",
    "Asked to set one variable, the CSMS sets it",
    requirements=["CSMS.SETVARIABLES.01", "B05.FR.13"],
    severity=Severity.CRITICAL,
)
async def test_set_one(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """To the value that was given."""
    mark = station.now
    with spec.must("CSMS.SETVARIABLES.01"):
        await commanded(csms, station, profile, set_variables(OFFLINE_THRESHOLD | {"attributeValue": "123"}))
    with spec("B05.FR.13"):
        nothing_set_twice(station.seen("SetVariables", after=mark))


@case(
    "TC_B_10_CSMS",
    "Asked to set two variables of two components, the CSMS sets both",
    requirements=["CSMS.SETVARIABLES.01", "CSMS.SETVARIABLES.02", "B05.FR.13"],
    severity=Severity.NORMAL,
    needs="set-several-variables",
)
async def test_set_several(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """In one request, as it claims to be able to; booleans are written in small letters."""
    items = [OFFLINE_THRESHOLD | {"attributeValue": "123"}, REMOTE_START | {"attributeValue": "false"}]
    mark = station.now
    with spec.must("CSMS.SETVARIABLES.01"):
        await commanded(csms, station, profile, set_variables(*items))
    with spec("CSMS.SETVARIABLES.02"):
        await each_set(station, items, after=mark, within=profile.timing.command)
        together = [call for call in station.seen("SetVariables", after=mark) if not unset([call], items)]
        assert together, f"expected both variables in one SetVariables, and each came in one of its own: {told(items)}"
    with spec("B05.FR.13"):
        nothing_set_twice(station.seen("SetVariables", after=mark))


@case(
    "SET_TWICE_CSMS",
    "Asked to set one variable to two values, the CSMS does not put both into one request",
    requirements=["B05.FR.13"],
    severity=Severity.MINOR,
)
async def test_set_twice(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """One after the other, one of them, or neither: all of that is right."""
    mark = station.now
    values = [OFFLINE_THRESHOLD | {"attributeValue": value} for value in ("200", "123")]
    try:
        await commanded(csms, station, profile, set_variables(*values))
    except (DriverFailed, NotSeen) as refused:
        spec.excuse("B05.FR.13", f"the CSMS does not do what is asked here, as it should not: {refused}")
        return
    with spec("B05.FR.13"):
        nothing_set_twice(station.seen("SetVariables", after=mark))


@case(
    "ITEMS_PER_MESSAGE_CSMS",
    "The CSMS puts no more into a request than the station says it takes",
    requirements=[
        "B05.FR.11",
        "B06.FR.05",
        "B08.FR.06",
        "CSMS.GETVARIABLES.02",
        "CSMS.SETVARIABLES.02",
    ],
    severity=Severity.NORMAL,
)
async def test_items_per_message(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Tell it, by a report or by the variables themselves, and have it ask for five at once."""
    for name in ("GetVariables", "SetVariables", "GetReport"):
        station_201(station).model.find("DeviceDataCtrlr", "ItemsPerMessage", name).value = str(FEW)
    await tell_limits(csms, station, profile)
    mark = station.now
    items = [item for each in reads(station) for item in each.payload["getVariableData"]]
    values = [item | {"attributeValue": station_201(station).model.read(item)["attributeValue"]} for item in items]

    await commanded(csms, station, profile, get_variables(*items))
    with spec("CSMS.GETVARIABLES.02"):
        await each_read(station, items, after=mark, within=profile.timing.command)
    with spec("B06.FR.05"):
        none_longer(station.seen("GetVariables", after=mark), "getVariableData")

    await commanded(csms, station, profile, set_variables(*values))
    with spec("CSMS.SETVARIABLES.02"):
        await each_set(station, values, after=mark, within=profile.timing.command)
    with spec("B05.FR.11"):
        none_longer(station.seen("SetVariables", after=mark), "setVariableData")

    if not profile.applies("custom-report or advanced-device-management"):
        spec.excuse("B08.FR.06", "the CSMS does not claim that it can ask for custom reports")
        return
    await commanded(csms, station, profile, custom_report(*items))
    with spec("B08.FR.06"):
        none_longer(station.seen("GetReport", after=mark), "componentVariable")


@case(
    "TC_B_08_CSMS",
    "The CSMS reads no more variables at once than the station says it takes: five where it takes four",
    requirements=["B06.FR.05", "CSMS.GETVARIABLES.02"],
    severity=Severity.NORMAL,
)
async def test_read_too_many(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Four and one, or less in more requests; which of them first is left to the CSMS."""
    limit = 4
    station_201(station).model.find("DeviceDataCtrlr", "ItemsPerMessage", "GetVariables").value = str(limit)
    await tell_limits(csms, station, profile)
    limits = [(name, of) for name in ("ItemsPerMessage", "BytesPerMessage") for of in ("GetReport", "GetVariables")]
    items = [variable("DeviceDataCtrlr", name, instance=of) for name, of in limits]
    items.append(REMOTE_START)
    mark = station.now
    await commanded(csms, station, profile, get_variables(*items))
    with spec("CSMS.GETVARIABLES.02"):
        await each_read(station, items, after=mark, within=profile.timing.command)
    with spec("B06.FR.05"):
        none_longer(station.seen("GetVariables", after=mark), "getVariableData", limit)


@case(
    "BYTES_PER_MESSAGE_CSMS",
    "The CSMS makes no request longer than the station says it takes",
    requirements=["CSMS.BYTES.01", "CSMS.GETVARIABLES.02", "CSMS.SETVARIABLES.02"],
    severity=Severity.MINOR,
)
async def test_bytes_per_message(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Tell it, and have it read and set five at once; each of them fits, and all of them do not."""
    for name in ("GetVariables", "SetVariables"):
        station_201(station).model.find("DeviceDataCtrlr", "BytesPerMessage", name).value = str(FEW_BYTES)
    await tell_limits(csms, station, profile, "BytesPerMessage")
    mark = station.now
    items = [item for each in reads(station) for item in each.payload["getVariableData"]]
    values = [item | {"attributeValue": station_201(station).model.read(item)["attributeValue"]} for item in items]
    await commanded(csms, station, profile, get_variables(*items))
    with spec("CSMS.GETVARIABLES.02"):
        await each_read(station, items, after=mark, within=profile.timing.command)
    await commanded(csms, station, profile, set_variables(*values))
    with spec("CSMS.SETVARIABLES.02"):
        await each_set(station, values, after=mark, within=profile.timing.command)
    with spec("CSMS.BYTES.01"):
        for call in (*station.seen("GetVariables", after=mark), *station.seen("SetVariables", after=mark)):
            size = len(json.dumps(dict(call), separators=(",", ":"), ensure_ascii=False).encode())
            assert size <= FEW_BYTES, f"the station takes {FEW_BYTES} bytes, and {call.action} has {size} (#{call.n})"


# -- 1.6 --------------------------------------------------------------------------------------------------------------


@case(
    "TC_019_1_CSMS",
    "Asked for all settings, the CSMS reads them without naming any",
    versions=["1.6"],
    requirements=["16.CONFIG.22"],
    severity=Severity.CRITICAL,
)
async def test_read_all_keys(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """No key and an empty list of keys mean the same."""
    with spec("16.CONFIG.22"):
        await commanded(csms, station, profile, get_configuration())


@case(
    "TC_019_2_CSMS",
    "Asked for one setting, the CSMS reads that one",
    versions=["1.6"],
    requirements=["16.CONFIG.23"],
    severity=Severity.NORMAL,
)
async def test_read_one_key(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Others may be read with it; to read all and pick one is not what was asked."""
    with spec("16.CONFIG.23"):
        await commanded(csms, station, profile, get_configuration("SupportedFeatureProfiles"))


@case(
    "TC_021_CSMS",
    "Asked to change a setting, the CSMS changes it",
    versions=["1.6"],
    requirements=["16.CHANGE.13"],
    severity=Severity.CRITICAL,
)
async def test_change(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """To the value that was given, which is a string."""
    with spec("16.CHANGE.13"):
        await commanded(csms, station, profile, change_configuration("MeterValueSampleInterval", "60"))


@case(
    "TC_040_1_CSMS",
    "A station that does not know a setting says so, and the CSMS goes on",
    versions=["1.6"],
    requirements=["16.CHANGE.13", "16.CHANGE.15"],
    severity=Severity.NORMAL,
)
async def test_change_not_supported(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Whether the station really lacks it, the CSMS can't know: any key will do."""
    await change_refused(station, csms, spec, profile, "60", "NotSupported")


@case(
    "TC_040_2_CSMS",
    "A station that does not take a value says so, and the CSMS goes on",
    versions=["1.6"],
    requirements=["16.CHANGE.13", "16.CHANGE.15"],
    severity=Severity.NORMAL,
)
async def test_change_rejected(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """A number of seconds below 0 makes no sense."""
    await change_refused(station, csms, spec, profile, "-1", "Rejected")


@case(
    "MAX_KEYS_CSMS",
    "The CSMS asks for no more keys at once than the station says it answers",
    versions=["1.6"],
    requirements=["16.CONFIG.07", "16.CONFIG.23"],
    severity=Severity.MINOR,
)
async def test_max_keys(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Tell it, and have it read five."""
    station_16(station).keys["GetConfigurationMaxKeys"].value = str(FEW)
    await commanded(csms, station, profile, get_configuration("GetConfigurationMaxKeys"))
    mark = station.now
    keys = [key for each in reads(station) for key in each.payload["key"]]

    def unread_keys() -> list[str]:
        calls = station.seen("GetConfiguration", after=mark)
        named = {key.casefold() for call in calls for key in call.get("key", [])}
        return [key for key in keys if key.casefold() not in named]

    await csms.command("GetConfiguration", {"key": keys})
    with spec("16.CONFIG.23"):
        what = f"GetConfiguration for each of {', '.join(keys)}"
        await station.until(lambda: not unread_keys(), what, within=profile.timing.command)
    with spec("16.CONFIG.07"):
        none_longer(station.seen("GetConfiguration", after=mark), "key")


# -- steps ------------------------------------------------------------------------------------------------------------


async def change_refused(  # noqa: PLR0913 -- the steps of two cases
    station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile, value: str, status: str
) -> None:
    """Have a key changed, refuse that, and see that a Heartbeat is answered and another command comes."""
    station.keep_answering("ChangeConfiguration", {"status": status})
    with spec.must("16.CHANGE.13"):
        await commanded(csms, station, profile, change_configuration("MeterValueSampleInterval", value))
    with spec("16.CHANGE.15"):
        await station.heartbeat()
        await commanded(csms, station, profile, get_configuration("MeterValueSampleInterval"))


async def tell_limits(
    csms: CsmsDriver, station: StationPeer, profile: SutProfile, name: str = "ItemsPerMessage"
) -> None:
    """Let the CSMS know how much the station takes at once: by a full inventory, or by the variables if it has none."""
    try:
        asked = await commanded(csms, station, profile, base_report("FullInventory"))
    except Unsupported:
        names = ("GetVariables", "SetVariables", "GetReport")
        limit = variable("DeviceDataCtrlr", name)
        items = [limit | {"variable": {"name": name, "instance": of}} for of in names]
        mark = station.now
        await commanded(csms, station, profile, get_variables(*items))
        await each_read(station, items, after=mark, within=profile.timing.command)
        return
    await station.told("NotifyReport", after=asked, where=last_of(asked), within=profile.timing.report)


def last_of(asked: Received) -> Callable[[Payload], bool]:
    """Picks the last part of the report that was asked for."""
    return lambda part: part["requestId"] == asked["requestId"] and not part.get("tbc", False)


async def each_read(station: StationPeer, items: Sequence[Payload], *, after: int, within: float) -> None:
    """Wait until each of these variables was asked for; raises NotSeen."""
    what = f"GetVariables for each of {told(items)}"
    await station.until(lambda: not unread(station.seen("GetVariables", after=after), items), what, within=within)
    station.touch(*station.seen("GetVariables", after=after))


async def each_set(station: StationPeer, items: Sequence[Payload], *, after: int, within: float) -> None:
    """Wait until each of these variables was set to its value; raises NotSeen."""
    what = f"SetVariables for each of {told(items)}"
    await station.until(lambda: not unset(station.seen("SetVariables", after=after), items), what, within=within)
    station.touch(*station.seen("SetVariables", after=after))


def unread(calls: Sequence[Received], items: Sequence[Payload]) -> list[Payload]:
    """Those of these variables that none of the requests asks for."""
    asked = _items(calls, "getVariableData")
    return [item for item in items if not any(same_variable(each, item) for each in asked)]


def unset(calls: Sequence[Received], items: Sequence[Payload]) -> list[Payload]:
    """Those of these variables that none of the requests sets to that value."""
    asked = _items(calls, "setVariableData")
    return [item for item in items if not any(sets(each, item) for each in asked)]


def none_longer(calls: Sequence[Received], name: str, limit: int = FEW) -> None:
    """See that no request has a longer list of this name than the station takes."""
    assert calls, f"nothing came of which the {name} could be counted"
    for call in calls:
        count = len(call.get(name, []))
        assert count <= limit, f"the station takes {limit} at once, and {call.action} has {count} in {name} (#{call.n})"


def nothing_set_twice(calls: Sequence[Received]) -> None:
    """See that no request sets one attribute of one variable twice."""
    for call in calls:
        items: list[dict[str, Any]] = call["setVariableData"]
        for number, item in enumerate(items):
            twice = [other for other in items[:number] if same_variable(item, other)]
            assert not twice, f"{told([item])} is in one SetVariables twice (#{call.n})"


def _items(calls: Sequence[Received], name: str) -> list[dict[str, Any]]:
    return [item for call in calls for item in call[name]]


def told(items: Sequence[Payload]) -> str:
    """These variables in words."""
    return ", ".join(f"{item['component']['name']}.{item['variable']['name']}" for item in items)
