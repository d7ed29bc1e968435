"""Use cases N02 to N08: monitors on variables, and what the station tells of them."""

from contextlib import suppress
from itertools import pairwise

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.monitors import out_of_order, place
from conformance.peers.csms import CsmsPeer
from conformance.peers.monitors import (
    LEAST_SEVERE,
    SET,
    Event,
    Payload,
    availability,
    base_restored,
    clear,
    event,
    events,
    free_severity,
    limited,
    monitored,
    report,
    set_monitors,
    swept,
    told_all,
    wanted,
)
from conformance.peers.received import NotSeen
from conformance.peers.scenes import charging, configured, pull_plug, ready, reboot, stop_charging, vacated
from conformance.peers.transaction_scenes import offline
from conformance.peers.v201 import variable
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile
from conformance.wire.faults import Network

NEEDS = "advanced-device-management"
STATION = availability()
QUEUING = ("MonitoringCtrlr", "OfflineQueuingSeverity")
FAR_TOO_HIGH = 1e9
A_LITTLE = 1.0
"""Less than any EV charges with, in watts and in kilowatts."""
EVERY_SECOND = 1

# -- setting ----------------------------------------------------------------------------------------------------------


@case(
    "TC_N_08_CS",
    "A monitor is set, and is there",
    requirements=["N04.FR.01", "N04.FR.02", "N04.FR.08", "N04.FR.11"],
    severity=Severity.CRITICAL,
    needs=NEEDS,
)
async def test_one_monitor(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Have the availability of an EVSE watched, and ask for the monitors on it."""
    where = availability(profile.evse[0].id)
    item = wanted(where, severity=await free_severity(csms, where))
    async with swept(csms):
        answer = await csms.call(SET, {"setMonitoringData": [item]})
        results = answer["setMonitoringResult"]
        with spec.must("N04.FR.01"):
            assert len(results) == 1, f"one monitor was asked for, and {len(results)} results came"
        (result,) = results
        with spec("N04.FR.02"):
            got, asked = place(result["component"], result["variable"]), place(item["component"], item["variable"])
            assert got == asked, f"asked for a monitor on {asked}, got a result for {got}"
        if result["status"] == "UnsupportedMonitorType":
            for requirement in ("N04.FR.08", "N04.FR.11"):
                spec.unproven(requirement, "this station does not monitor the availability of an EVSE")
            return
        with spec.must("N04.FR.08"):
            assert result["status"] == "Accepted", f"expected Accepted, got {result['status']}"
        with spec.must("N04.FR.11"):
            assert "id" in result, "the monitor was accepted, and its id was not told"
        found = await report(csms, where)
        same = [each for each in found.monitors if each.id == result["id"]]
        with spec("N04.FR.08"):
            assert same, f"monitor {result['id']} was accepted, and GetMonitoringReport does not tell of it"
            assert same[0].is_on(where), "the monitor is reported on another variable"
            assert same[0].kind == "Delta", f"expected the type Delta, got {same[0].kind}"


@case(
    "TC_N_09_CS",
    "Monitors on two variables in one request",
    requirements=["N04.FR.01", "N04.FR.08"],
    severity=Severity.NORMAL,
    needs=NEEDS,
)
async def test_two_variables(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Have the availability of the station and that of an EVSE watched."""
    places = [STATION, availability(profile.evse[0].id)]
    items = [wanted(where, severity=await free_severity(csms, where)) for where in places]
    await both_are_set(csms, spec, items)


@case(
    "TC_N_10_CS",
    "Two monitors on one variable",
    requirements=["N04.FR.01", "N04.FR.08"],
    severity=Severity.NORMAL,
    needs=NEEDS,
)
async def test_two_severities(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Have the availability of an EVSE watched with two severities."""
    where = availability(profile.evse[0].id)
    first = await free_severity(csms, where)
    second = await free_severity(csms, where, but=first)
    await both_are_set(csms, spec, [wanted(where, severity=each) for each in (first, second)])


@case(
    "TC_N_11_CS",
    "A monitor on a component that is not there",
    requirements=["N04.FR.03"],
    severity=Severity.NORMAL,
    needs=NEEDS,
)
async def test_unknown_component(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for one on an EVSE that is not there, and one on a component that nobody has."""
    missing = max(each.id for each in profile.evse) + 97
    nobody = variable("NonExistent", "Power")
    async with swept(csms):
        evse, unknown = await set_monitors(csms, wanted(availability(missing)), wanted(nobody, "UpperThreshold", 1234))
        with spec("N04.FR.03"):
            expected = ("UnknownComponent", "Rejected")
            assert evse["status"] in expected, f"EVSE {missing} is not there, and the monitor is {evse['status']}"
            expected = ("UnknownComponent", "UnknownVariable")
            assert unknown["status"] in expected, f"expected UnknownComponent, got {unknown['status']}"
            named = [each["id"] for each in (evse, unknown) if "id" in each]
            assert not named, f"monitors that were refused have the ids {named}"


@case(
    "TC_N_37_CS",
    "A monitor on a variable that is not there",
    requirements=["N04.FR.04"],
    severity=Severity.NORMAL,
    needs=NEEDS,
)
async def test_unknown_variable(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for one on a variable that no EVSE has."""
    async with swept(csms):
        (result,) = await set_monitors(csms, wanted(variable("EVSE", "UnknownVariable", evse=profile.evse[0].id)))
        with spec("N04.FR.04"):
            assert result["status"] == "UnknownVariable", f"expected UnknownVariable, got {result['status']}"


@case(
    "TC_N_39_CS",
    "A monitor stays on its variable",
    requirements=["N04.FR.16"],
    severity=Severity.NORMAL,
    needs=NEEDS,
)
async def test_other_variable(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Try to have a monitor on another variable by its id."""
    where = availability(profile.evse[0].id)
    severity = await free_severity(csms, where, STATION)
    async with monitored(csms, wanted(where, severity=severity)) as (number,):
        (result,) = await set_monitors(csms, wanted(STATION, severity=severity, number=number))
        found = [each for each in await told_all(csms) if each.id == number]
        with spec("N04.FR.16"):
            assert result["status"] == "Rejected", f"expected Rejected, got {result['status']}"
            assert found, f"monitor {number} is gone"
            assert found[0].is_on(where), f"monitor {number} is on another variable now"


@case(
    "TC_N_40_CS",
    "A monitor is replaced",
    requirements=["N04.FR.12"],
    severity=Severity.CRITICAL,
    needs=NEEDS,
)
async def test_replaced(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Give a monitor another severity, and see it reported so, once."""
    where = availability(profile.evse[0].id)
    first = await free_severity(csms, where)
    second = await free_severity(csms, where, but=first)
    async with monitored(csms, wanted(where, severity=first)) as (number,):
        (result,) = await set_monitors(csms, wanted(where, severity=second, number=number))
        found = (await report(csms, where, criteria=["DeltaMonitoring"])).monitors
        with spec("N04.FR.12"):
            assert result["status"] == "Accepted", f"expected Accepted, got {result['status']}"
            now = [each.severity for each in found if each.severity in (first, second)]
            assert now == [second], f"the severity was to be {second} instead of {first}, and {now} is reported"


@case(
    "MONITOR_DUPLICATE_CS",
    "A variable has one monitor of a kind and severity",
    requirements=["N04.FR.10", "N04.FR.13"],
    severity=Severity.NORMAL,
    needs=NEEDS,
)
async def test_duplicate(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for the same monitor twice, and for another by an id that no monitor has."""
    where = availability(profile.evse[0].id)
    first = await free_severity(csms, where)
    second = await free_severity(csms, where, but=first)
    async with swept(csms), monitored(csms, wanted(where, severity=first)):
        (again,) = await set_monitors(csms, wanted(where, severity=first))
        with spec("N04.FR.10"):
            assert again["status"] == "Duplicate", f"expected Duplicate, got {again['status']}"
        number = max(each.id for each in await told_all(csms)) + 1000
        (unknown,) = await set_monitors(csms, wanted(where, severity=second, number=number))
        with spec("N04.FR.13"):
            assert unknown["status"] == "Rejected", f"no monitor {number} is there, and it was {unknown['status']}"


@case(
    "TC_N_12_CS",
    "A change that is less than nothing",
    requirements=["N04.FR.14"],
    severity=Severity.NORMAL,
    needs=NEEDS,
)
async def test_negative_delta(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for a Delta monitor with a negative value."""
    where = availability(profile.evse[0].id)
    item = wanted(where, value=-1, severity=await free_severity(csms, where))
    async with swept(csms):
        (result,) = await set_monitors(csms, item)
        if result["status"] == "UnsupportedMonitorType":
            spec.unproven("N04.FR.14", "this station does not monitor the availability of an EVSE")
            return
        with spec("N04.FR.14"):
            assert result["status"] == "Rejected", f"expected Rejected, got {result['status']}"


@case(
    "TC_N_43_CS",
    "Of three monitors one can't be",
    requirements=["N04.FR.01", "N04.FR.14"],
    severity=Severity.NORMAL,
    needs=NEEDS,
)
async def test_one_of_three(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for two thresholds, and between them for a Delta monitor with a negative value."""
    where = power(profile)
    severity = await free_severity(csms, where)
    kinds = (("UpperThreshold", A_LITTLE), ("Delta", -1), ("LowerThreshold", A_LITTLE))
    items = [wanted(where, kind, value, severity=severity) for kind, value in kinds]
    async with swept(csms):
        results = (await csms.call(SET, {"setMonitoringData": items}))["setMonitoringResult"]
        with spec.must("N04.FR.01"):
            assert len(results) == len(items), f"{len(items)} monitors were asked for, and {len(results)} results came"
        status = {each["type"]: each["status"] for each in results}
        if status["Delta"] in ("UnsupportedMonitorType", "UnknownVariable"):
            spec.unproven("N04.FR.14", f"this station does not monitor the power of an EVSE: {status['Delta']}")
            return
        with spec("N04.FR.14"):
            assert status["Delta"] == "Rejected", f"a Delta monitor of -1 was answered {status['Delta']}"


@case(
    "TC_N_13_CS",
    "A threshold that no value can reach",
    requirements=["N04.FR.06"],
    severity=Severity.NORMAL,
    needs=NEEDS,
)
async def test_threshold_out_of_range(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for an alert when an EVSE delivers more power than any can."""
    where = power(profile)
    item = wanted(where, "UpperThreshold", FAR_TOO_HIGH, severity=await free_severity(csms, where))
    async with swept(csms):
        (result,) = await set_monitors(csms, item)
        if result["status"] in ("UnsupportedMonitorType", "UnknownVariable"):
            spec.unproven("N04.FR.06", f"this station does not monitor the power of an EVSE: {result['status']}")
            return
        with spec("N04.FR.06"):
            assert result["status"] == "Rejected", f"{FAR_TOO_HIGH:g} W was answered {result['status']}"


# -- clearing ---------------------------------------------------------------------------------------------------------


@case(
    "TC_N_18_CS",
    "Monitors are cleared, and are gone",
    requirements=["N06.FR.01", "N06.FR.05"],
    severity=Severity.CRITICAL,
    needs=NEEDS,
)
async def test_cleared(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Clear two at once, and look for them."""
    places = [STATION, availability(profile.evse[0].id)]
    items = [wanted(where, severity=await free_severity(csms, where)) for where in places]
    async with monitored(csms, *items) as numbers:
        answer = await csms.call("ClearVariableMonitoring", {"id": list(numbers)})
        results = {each["id"]: each["status"] for each in answer["clearMonitoringResult"]}
        with spec("N06.FR.05"):
            assert sorted(results) == sorted(numbers), f"{numbers} were to be cleared, and results came for {results}"
        left = [each.id for each in await told_all(csms) if each.id in numbers]
        with spec("N06.FR.01"):
            others = {number: status for number, status in results.items() if status != "Accepted"}
            assert not others, f"expected Accepted, got {others}"
            assert not left, f"{left} were cleared, and are still reported"


@case(
    "TC_N_19_CS",
    "A monitor that is not there is cleared",
    requirements=["N06.FR.02"],
    severity=Severity.NORMAL,
    needs=NEEDS,
)
async def test_clear_unknown(csms: CsmsPeer, spec: Spec) -> None:
    """Clear one with an id that none has."""
    number = max((each.id for each in await told_all(csms)), default=123_455) + 1
    results = await clear(csms, number)
    with spec("N06.FR.02"):
        assert results == {number: "NotFound"}, f"no monitor {number} is there: expected NotFound, got {results}"


# -- reporting --------------------------------------------------------------------------------------------------------


@case(
    "TC_N_01_CS",
    "Monitors are reported by their kind",
    requirements=["N02.FR.01", "N02.FR.04", "N02.FR.06", "N02.FR.09"],
    severity=Severity.NORMAL,
    needs=NEEDS,
)
async def test_by_kind(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Have monitors of several kinds, and ask for those of each, and of two kinds."""
    evse, watts = availability(profile.evse[0].id), power(profile)
    items = [
        wanted(where, kind, value, severity=await free_severity(csms, where))
        for where, kind, value in (
            (watts, "UpperThreshold", A_LITTLE),
            (watts, "LowerThreshold", A_LITTLE),
            (evse, "Delta", 1),
            (evse, "Periodic", 3600),
            (STATION, "PeriodicClockAligned", 3600),
        )
    ]
    groups = {
        "ThresholdMonitoring": {"UpperThreshold", "LowerThreshold"},
        "DeltaMonitoring": {"Delta"},
        "PeriodicMonitoring": {"Periodic", "PeriodicClockAligned"},
    }
    async with limited(csms, LEAST_SEVERE), monitored(csms, *items) as numbers:
        for names in (["ThresholdMonitoring"], ["ThresholdMonitoring", "DeltaMonitoring"], ["PeriodicMonitoring"]):
            kinds = set().union(*(groups[name] for name in names))
            found = await report(csms, criteria=names)
            with spec.must("N02.FR.01"):
                assert found.status == "Accepted", f"{' and '.join(names)} was answered {found.status}"
            with spec("N02.FR.04"):
                others = {part["requestId"] for part in found.parts} - {found.number}
                assert not others, f"report {found.number} was asked for, and parts came of {others}"
            with spec("N02.FR.09"):
                wrong = out_of_order(found.parts)
                assert not wrong, wrong
            with spec("N02.FR.06"):
                strange = {each.kind for each in found.monitors} - kinds
                assert not strange, f"{' and '.join(names)} was asked for, and {', '.join(strange)} is reported"
                ours = [number for number, item in zip(numbers, items, strict=True) if item["type"] in kinds]
                missing = set(ours) - {each.id for each in found.monitors}
                assert not missing, f"{' and '.join(names)} was asked for, and {missing} are not reported"


@case(
    "TC_N_02_CS",
    "Monitors are reported by the variable",
    requirements=["N02.FR.08"],
    severity=Severity.NORMAL,
    needs=NEEDS,
)
async def test_by_variable(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Have monitors on three variables, and ask for those on one, and on all that an EVSE has."""
    evse, watts = availability(profile.evse[0].id), power(profile)
    whole = {"component": evse["component"]}
    items = [wanted(where, severity=await free_severity(csms, where)) for where in (STATION, evse, watts)]
    async with monitored(csms, *items) as numbers:
        on_station, on_evse, on_power = numbers
        for asked, expected in (((STATION,), {on_station}), ((STATION, whole), {on_station, on_evse, on_power})):
            found = {each.id for each in (await report(csms, *asked)).monitors if each.id in numbers}
            with spec("N02.FR.08"):
                assert found == expected, f"of {numbers} {sorted(expected)} were asked for, and {found} are reported"


@case(
    "TC_N_03_CS",
    "Monitors are reported by kind and variable",
    requirements=["N02.FR.05", "N02.FR.10"],
    severity=Severity.NORMAL,
    needs=NEEDS,
)
async def test_by_both(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for thresholds where there are only changes watched, and for changes where there are some."""
    evse = availability(profile.evse[0].id)
    places = (STATION, evse)
    items = [wanted(where, severity=await free_severity(csms, where)) for where in (*places, power(profile))]
    async with monitored(csms, *items) as numbers:
        none = await report(csms, *places, criteria=["ThresholdMonitoring"])
        with spec("N02.FR.10"):
            assert none.status == "EmptyResultSet", f"there are no such monitors, and the answer is {none.status}"
        found = await report(csms, *places, criteria=["DeltaMonitoring"])
        with spec("N02.FR.05"):
            kinds = {each.kind for each in found.monitors}
            assert kinds <= {"Delta"}, f"monitors of type Delta were asked for, and {kinds} are reported"
            ours = {each.id for each in found.monitors if each.id in numbers}
            assert ours == set(numbers[:2]), f"of {numbers} the first two were asked for, and {ours} are reported"


@case(
    "TC_N_47_CS",
    "All monitors are reported",
    requirements=["N02.FR.11"],
    severity=Severity.NORMAL,
    needs=NEEDS,
)
async def test_all_reported(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Have two, and ask for whatever there is."""
    items = [
        wanted(where, severity=await free_severity(csms, where))
        for where in (STATION, availability(profile.evse[0].id), power(profile))
    ]
    async with monitored(csms, *items) as numbers:
        found = await report(csms)
        with spec("N02.FR.11"):
            missing = set(numbers) - {each.id for each in found.monitors}
            assert not missing, f"monitors {numbers} are there, and {missing} are not reported"


# -- base and level ---------------------------------------------------------------------------------------------------


@case(
    "TC_N_05_CS",
    "Each set of monitors can be chosen",
    requirements=["N03.FR.01", "N03.FR.03", "N03.FR.04"],
    severity=Severity.NORMAL,
    needs=NEEDS,
)
async def test_bases(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Choose each; what a CSMS has set stays with All, and goes with FactoryDefault."""
    where = availability(profile.evse[0].id)
    async with (
        base_restored(csms),
        monitored(csms, wanted(where, severity=await free_severity(csms, where))) as (ours,),
    ):
        for base in ("All", "FactoryDefault", "HardWiredOnly"):
            answer = await csms.call("SetMonitoringBase", {"monitoringBase": base})
            with spec.must("N03.FR.01"):
                assert answer["status"] == "Accepted", f"SetMonitoringBase {base} was answered {answer['status']}"
            there = ours in [each.id for each in await told_all(csms)]
            if base == "All":
                with spec("N03.FR.03"):
                    assert there, "a monitor that a CSMS had set is gone with All"
            elif base == "FactoryDefault":
                with spec("N03.FR.04"):
                    assert not there, "a monitor that a CSMS had set is still there with FactoryDefault"


@case(
    "TC_N_06_CS",
    "Without all monitors but the hard-wired ones",
    requirements=["N03.FR.05"],
    severity=Severity.NORMAL,
    needs=NEEDS,
)
async def test_hard_wired_only(csms: CsmsPeer, spec: Spec) -> None:
    """Set one, choose HardWiredOnly, and look for it."""
    async with (
        base_restored(csms),
        monitored(csms, wanted(STATION, severity=await free_severity(csms, STATION))) as (ours,),
    ):
        before = [each.id for each in await told_all(csms)]
        assert ours in before, f"monitor {ours} was accepted, and is not reported"
        answer = await csms.call("SetMonitoringBase", {"monitoringBase": "HardWiredOnly"})
        assert answer["status"] == "Accepted", f"SetMonitoringBase HardWiredOnly was answered {answer['status']}"
        with spec("N03.FR.05"):
            left = [each.id for each in (await report(csms, STATION)).monitors]
            assert ours not in left, f"monitor {ours} was set by a CSMS, and is still there"


@case(
    "TC_N_16_CS",
    "What is less severe than the level is not told",
    requirements=["N05.FR.03"],
    severity=Severity.NORMAL,
    needs=NEEDS,
)
async def test_level(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Watch an EVSE with one severity, ask for what is more severe only, and plug in."""
    evse, connector = profile.connectors[0]
    where = availability(evse)
    severity = await free_severity(csms, where)
    item = wanted(where, severity=severity)
    async with vacated(station, csms), monitored(csms, item) as (number,), limited(csms, severity - 1):
        mark = csms.now
        await station.plug_in(evse, connector)
        with spec("N05.FR.03"):
            with suppress(NotSeen):
                await csms.until(
                    lambda: bool(events(csms, number, where, after=mark)), "no event", within=2 * profile.timing.settle
                )
            told = events(csms, number, where, after=mark)
            assert not told, f"an event of severity {severity} was told, and the level is {severity - 1}"
        await pull_plug(station, (evse, connector))


@case(
    "TC_N_17_CS",
    "A level that is out of range",
    requirements=["N05.FR.02"],
    severity=Severity.MINOR,
    needs=NEEDS,
)
async def test_level_out_of_range(csms: CsmsPeer, spec: Spec) -> None:
    """Ask for a level above all, and for one below."""
    try:
        for severity in (LEAST_SEVERE + 1, -1):
            answer = await csms.call("SetMonitoringLevel", {"severity": severity})
            with spec("N05.FR.02"):
                assert answer["status"] == "Rejected", f"level {severity} was answered {answer['status']}"
    finally:
        with suppress(AssertionError):
            await csms.call("SetMonitoringLevel", {"severity": LEAST_SEVERE})


# -- what is told -----------------------------------------------------------------------------------------------------


@case(
    "MONITOR_CHANGE_TOLD_CS",
    "A change at the station is told",
    requirements=["N07.FR.06", "N07.FR.07", "N07.FR.19"],
    severity=Severity.BLOCKER,
    needs=NEEDS,
)
async def test_change_told(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Watch the availability of an EVSE, put a plug in, and pull it out: the CSMS asks for nothing."""
    evse, connector = profile.connectors[0]
    where = availability(evse)
    item = wanted(where, severity=await free_severity(csms, where))
    async with vacated(station, csms), limited(csms, LEAST_SEVERE), monitored(csms, item) as (number,):
        for happens, shown in ((station.plug_in, "Occupied"), (station.unplug, "Available")):
            mark = csms.now
            await happens(evse, connector)
            with spec.must("N07.FR.19"):
                told = await event(csms, number, where, after=mark)
                with suppress(NotSeen):  # it may come there by way of another state
                    for nth in range(2, _STATES):
                        if told.value == shown:
                            break
                        told = await event(csms, number, where, after=mark, nth=nth)
                assert told.trigger == "Delta", f"expected the trigger Delta, got {told.trigger}"
                assert told.value == shown, f"{shown} was to be told, and {told.value} was"
            check_source(spec, told, number, where)
            with spec("N07.FR.07"):
                assert told.message["seqNo"] == 0, f"expected seqNo 0, got {told.message['seqNo']}"


_STATES = 5
"""How many states a connector can be in."""


@case(
    "TC_N_45_CS",
    "A value changes by more than it may",
    requirements=["N07.FR.18"],
    severity=Severity.NORMAL,
    needs=NEEDS,
)
async def test_delta(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Watch the power of an EVSE, and charge there."""
    where, token = power(profile), profile.parameters.valid_id_token.payload
    item = wanted(where, "Delta", A_LITTLE, severity=await free_severity(csms, where))
    async with vacated(station, csms), limited(csms, LEAST_SEVERE), monitored(csms, item) as (number,):
        mark = csms.now
        await charging(station, csms, profile.connectors[0], token)
        with spec("N07.FR.18"):
            told = await event(csms, number, where, after=mark)
            assert told.trigger == "Delta", f"expected the trigger Delta, got {told.trigger}"
            assert abs(float(told.value)) > A_LITTLE, f"the power has changed to {told.value}, less than it may"


@case(
    "TC_N_20_CS",
    "A threshold is exceeded, and is not any more",
    requirements=["N07.FR.02", "N07.FR.06", "N07.FR.07", "N07.FR.16", "N07.FR.17"],
    severity=Severity.CRITICAL,
    needs=NEEDS,
)
async def test_thresholds(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Watch the power of an EVSE: it charges, and is stopped."""
    where, token = power(profile), profile.parameters.valid_id_token.payload
    severity = await free_severity(csms, where)
    upper, lower = (wanted(where, f"{name}Threshold", A_LITTLE, severity=severity) for name in ("Upper", "Lower"))
    async with vacated(station, csms), limited(csms, LEAST_SEVERE), monitored(csms, upper) as (high,):
        mark = csms.now
        session = await charging(station, csms, profile.connectors[0], token)
        with spec.must("N07.FR.16"):
            told = await event(csms, high, where, after=mark)
            assert told.trigger == "Alerting", f"expected the trigger Alerting, got {told.trigger}"
            assert float(told.value) > A_LITTLE, f"{told.value} was told, which does not exceed {A_LITTLE:g}"
            assert not told.cleared, "the threshold was exceeded, and the event says that it is cleared"
        check_source(spec, told, high, where)
        with spec("N07.FR.07"):
            assert told.message["seqNo"] == 0, f"expected seqNo 0, got {told.message['seqNo']}"
        async with monitored(csms, lower) as (low,):
            mark = csms.now
            await stop_charging(station, csms, session, token)
            with spec("N07.FR.02"):
                back = await event(csms, high, where, after=mark)
                assert back.cleared, "no power flows any more, and the event does not say that this is cleared"
            with spec("N07.FR.17"):
                below = await event(csms, low, where, after=mark)
                assert below.trigger == "Alerting", f"expected the trigger Alerting, got {below.trigger}"
                assert float(below.value) < A_LITTLE, f"{below.value} was told, which is not below {A_LITTLE:g}"


@case(
    "TC_N_22_CS",
    "A change while the station is offline is told later",
    requirements=["N07.FR.04"],
    severity=Severity.CRITICAL,
    needs=f"{NEEDS} and offline-event-severity",
)
async def test_offline(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Watch an EVSE with a severity that is to be queued, cut the line, and plug in."""
    evse, connector = profile.connectors[0]
    where = availability(evse)
    severity = await free_severity(csms, where)
    item, queued = wanted(where, severity=severity), {QUEUING: str(severity)}
    async with (
        vacated(station, csms),
        configured(csms, queued),
        limited(csms, LEAST_SEVERE),
        monitored(csms, item) as (number,),
    ):
        mark = csms.now
        async with offline(csms, network, profile):
            await station.plug_in(evse, connector)
        with spec("N07.FR.04"):
            told = await event(csms, number, where, after=mark)
            assert told.value == "Occupied", f"Occupied was to be told, and {told.value} was"
        await pull_plug(station, (evse, connector))


@case(
    "TC_N_23_CS",
    "What is not severe enough is not told later",
    requirements=["MONITOR.OFFLINE.01"],
    severity=Severity.NORMAL,
    needs=f"{NEEDS} and offline-event-severity",
)
async def test_not_kept(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Watch an EVSE with a severity that is not to be queued, cut the line, plug in and pull the plug out."""
    evse, connector = profile.connectors[0]
    where = availability(evse)
    severity = await free_severity(csms, where)
    item, queued = wanted(where, severity=severity), {QUEUING: str(severity - 1)}
    async with (
        vacated(station, csms),
        configured(csms, queued),
        limited(csms, LEAST_SEVERE),
        monitored(csms, item) as (number,),
    ):
        mark = csms.now
        async with offline(csms, network, profile):
            await station.plug_in(evse, connector)
            await csms.silence(for_=profile.timing.settle)
            await station.unplug(evse, connector)
        with spec("MONITOR.OFFLINE.01"):
            with suppress(NotSeen):
                await csms.until(
                    lambda: bool(events(csms, number, where, after=mark)), "no event", within=2 * profile.timing.settle
                )
            told = events(csms, number, where, after=mark)
            assert not told, f"an event of severity {severity} was kept, and only {severity - 1} was to be"


@case(
    "TC_N_51_CS",
    "A threshold is moved past the value",
    requirements=["N07.FR.11"],
    severity=Severity.NORMAL,
    needs=NEEDS,
)
async def test_threshold_moved(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge, move the threshold above the power, and then below it again."""
    where, token = power(profile), profile.parameters.valid_id_token.payload
    severity = await free_severity(csms, where)
    item = wanted(where, "UpperThreshold", A_LITTLE, severity=severity)
    async with vacated(station, csms), limited(csms, LEAST_SEVERE), monitored(csms, item) as (number,):
        mark = csms.now
        session = await charging(station, csms, profile.connectors[0], token)
        now = float((await event(csms, number, where, after=mark)).value)
        for factor in (1.5, 1.1):
            mark = csms.now
            above = wanted(where, "UpperThreshold", round(now * factor, 1), severity=severity, number=number)
            (result,) = await set_monitors(csms, above)
            if result["status"] == "Accepted":
                break
        else:
            spec.unproven("N07.FR.11", f"no threshold above the power of {now:g} was accepted: {result['status']}")
            return
        with spec("N07.FR.11"):
            back = await event(csms, number, where, after=mark)
            assert back.cleared, "the threshold is above the power now, and the event does not say that it is cleared"
            mark = csms.now
            (result,) = await set_monitors(csms, {**item, "id": number})
            assert result["status"] == "Accepted", f"{A_LITTLE:g} was answered {result['status']}"
            again = await event(csms, number, where, after=mark)
            assert again.trigger == "Alerting", f"expected the trigger Alerting, got {again.trigger}"
            assert not again.cleared, "the threshold is below the power again, and the event says that it is cleared"
        await stop_charging(station, csms, session, token)


@case(
    "TC_N_52_CS",
    "A monitor that is cleared tells nothing any more",
    requirements=["N07.FR.12"],
    severity=Severity.NORMAL,
    needs=NEEDS,
)
async def test_cleared_is_silent(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge above a threshold, clear its monitor, and stop."""
    where, token = power(profile), profile.parameters.valid_id_token.payload
    item = wanted(where, "UpperThreshold", A_LITTLE, severity=await free_severity(csms, where))
    async with vacated(station, csms), limited(csms, LEAST_SEVERE), monitored(csms, item) as (number,):
        mark = csms.now
        session = await charging(station, csms, profile.connectors[0], token)
        await event(csms, number, where, after=mark)
        mark = csms.now
        answer = await clear(csms, number)
        assert answer == {number: "Accepted"}, f"clearing monitor {number} was answered {answer}"
        await stop_charging(station, csms, session, token)
        with spec("N07.FR.12"):
            with suppress(NotSeen):
                await csms.until(
                    lambda: bool(events(csms, number, where, after=mark)), "no event", within=2 * profile.timing.settle
                )
            told = events(csms, number, where, after=mark)
            assert not told, f"monitor {number} was cleared, and an event of it came after that"


@case(
    "TC_N_24_CS",
    "A value is told at intervals",
    requirements=["N08.FR.04", "N08.FR.05", "N08.FR.06"],
    severity=Severity.NORMAL,
    needs=NEEDS,
)
async def test_periodic(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Have the availability of an EVSE told every second, and see it twice."""
    where = availability(profile.evse[0].id)
    mark = csms.now
    item = wanted(where, "Periodic", EVERY_SECOND, severity=await free_severity(csms, where))
    async with limited(csms, LEAST_SEVERE), monitored(csms, item) as (number,):
        with spec.must("N08.FR.06"):
            told = [await event(csms, number, where, after=mark, nth=nth) for nth in (1, 2)]
            gaps = [later.message.at - sooner.message.at for sooner, later in pairwise(told)]
            assert min(gaps) >= EVERY_SECOND / 2, f"it was to be told every second, and came {min(gaps):.2f} s later"
        with spec("N08.FR.05"):
            others = {each.trigger for each in told} - {"Periodic"}
            assert not others, f"expected the trigger Periodic, got {', '.join(others)}"
        with spec("N08.FR.04"):
            numbers = [each.message["seqNo"] for each in told]
            assert numbers == [0, 0], f"expected seqNo 0, got {numbers}"


@case(
    "TC_N_53_CS",
    "A monitor outlives a reboot",
    requirements=["N07.FR.13"],
    severity=Severity.CRITICAL,
    needs=NEEDS,
)
async def test_reboot(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set one, reboot, and look for it; it may have another id (N04.FR.19)."""
    where = power(profile)
    item = wanted(where, "UpperThreshold", A_LITTLE, severity=await free_severity(csms, where))
    async with monitored(csms, item) as (number,):
        await reboot(station, csms)
        await ready(station, csms, patience=profile.timing.boot, settle=profile.timing.settle)
        found = await report(csms, criteria=["ThresholdMonitoring"])
        ours = [
            each
            for each in found.monitors
            if each.is_on(where) and (each.kind, each.severity) == (item["type"], item["severity"])
        ]
        with spec("N07.FR.13"):
            assert ours, f"monitor {number} was there before the reboot, and is not reported after it"
            value = ours[0].monitor["value"]
            assert value == A_LITTLE, f"the threshold was {A_LITTLE:g}, and is {value:g} after the reboot"
        for each in ours:
            await clear(csms, each.id)


# -- what these cases have in common ----------------------------------------------------------------------------------


def power(profile: SutProfile) -> Payload:
    """Where the power of the first EVSE is told."""
    return variable("EVSE", "Power", evse=profile.connectors[0][0])


async def both_are_set(csms: CsmsPeer, spec: Spec, items: list[Payload]) -> None:
    """Set two monitors with one request, and judge that both are there."""
    async with swept(csms):
        answer = await csms.call(SET, {"setMonitoringData": items})
        results = answer["setMonitoringResult"]
        with spec.must("N04.FR.01"):
            assert len(results) == len(items), f"{len(items)} monitors were asked for, and {len(results)} results came"
        unable = [each["status"] for each in results if each["status"] == "UnsupportedMonitorType"]
        if unable:
            spec.unproven("N04.FR.08", "this station does not monitor the availability there")
            return
        with spec("N04.FR.08"):
            refused = [each["status"] for each in results if each["status"] != "Accepted"]
            assert not refused, f"expected Accepted, got {', '.join(refused)}"
            missing = {each["id"] for each in results} - {each.id for each in await told_all(csms)}
            assert not missing, f"monitors {missing} were accepted, and are not reported"


def check_source(spec: Spec, told: Event, number: int, where: Payload) -> None:
    """Judge that an event says which monitor it comes of, on which variable."""
    with spec("N07.FR.06"):
        assert told.monitor == number, f"the event is of monitor {number}, and it says {told.monitor or 'none'}"
        assert told.is_on(where), "the event is about another variable than its monitor"
