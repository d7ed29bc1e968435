"""Monitors of the reference station: set, reported, cleared, and what is told of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.reference.conftest import Csms, Yard

pytestmark = pytest.mark.asyncio(loop_scope="function")

Payload = dict[str, Any]
STATE: Payload = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "AvailabilityState"}}
POWER: Payload = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}}
PASSWORD: Payload = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}


async def ask(csms: Csms, where: Payload, kind: str = "Delta", value: float = 1, **more: Any) -> Payload:
    item = {"value": value, "type": kind, "severity": 5, **where, **more}
    answer = await csms.call("SetVariableMonitoring", {"setMonitoringData": [item]})
    (result,) = answer["setMonitoringResult"]
    return dict(result)


class TestSetting:
    @pytest.mark.parametrize(
        ("where", "kind", "value", "status"),
        [
            (STATE, "Delta", 1, "Accepted"),
            (STATE, "UpperThreshold", 1, "UnsupportedMonitorType"),
            (PASSWORD, "Delta", 1, "UnsupportedMonitorType"),
            (STATE, "Delta", -1, "Rejected"),
            (STATE, "Periodic", 0, "Rejected"),
            (POWER, "UpperThreshold", 1e9, "Rejected"),
            (POWER, "LowerThreshold", 10, "Accepted"),
            ({**STATE, "variable": {"name": "None"}}, "Delta", 1, "UnknownVariable"),
            ({**STATE, "component": {"name": "None"}}, "Delta", 1, "UnknownComponent"),
        ],
    )
    async def test_what_may_be_set(
        self, csms: Csms, yard: Yard, where: Payload, kind: str, value: float, status: str
    ) -> None:
        await yard.boot()
        result = await ask(csms, where, kind, value)
        assert result["status"] == status
        assert ("id" in result) == (status == "Accepted")

    async def test_severity_is_bounded(self, csms: Csms, yard: Yard) -> None:
        await yard.boot()
        assert (await ask(csms, STATE, severity=10))["status"] == "Rejected"

    async def test_by_id(self, csms: Csms, yard: Yard) -> None:
        await yard.boot()
        number = (await ask(csms, STATE))["id"]
        assert (await ask(csms, STATE))["status"] == "Duplicate"
        assert (await ask(csms, STATE, id=number, severity=4))["id"] == number
        assert (await ask(csms, POWER, id=number))["status"] == "Rejected"
        assert (await ask(csms, STATE, id=number + 1))["status"] == "Rejected"

    async def test_not_too_many(self, csms: Csms, yard: Yard) -> None:
        await yard.boot()
        items = [{"value": 1, "type": "Delta", "severity": 5, **STATE}] * 11
        answer = await csms.call("SetVariableMonitoring", {"setMonitoringData": items})
        assert answer == "OccurrenceConstraintViolation"
        long = {"id": list(range(10)), "customData": {"vendorId": "x", "filler": "y" * 4096}}
        assert await csms.call("ClearVariableMonitoring", long) == "FormatViolation"


class TestEvents:
    async def test_a_change_is_told_unless_it_is_not_severe_enough(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot()
        number = (await ask(csms, STATE))["id"]
        await station.plug_in(1, 1)
        await csms.expect("NotifyEvent")
        (event,) = csms.of("NotifyEvent")[-1]["eventData"]
        assert event["variableMonitoringId"] == number
        assert (event["trigger"], event["actualValue"]) == ("Delta", "Occupied")
        assert await csms.call("SetMonitoringLevel", {"severity": 10}) == {"status": "Rejected"}
        assert await csms.call("SetMonitoringLevel", {"severity": 4}) == {"status": "Accepted"}
        await station.unplug(1, 1)
        await csms.call("GetLocalListVersion", {})
        assert len(csms.of("NotifyEvent")) == 1

    @pytest.mark.parametrize("kind", ["Periodic", "PeriodicClockAligned"])
    async def test_at_intervals_till_it_is_cleared(self, csms: Csms, yard: Yard, kind: str) -> None:
        await yard.boot()
        number = (await ask(csms, STATE, kind, 0.02))["id"]
        await csms.expect("NotifyEvent")
        cleared = await csms.call("ClearVariableMonitoring", {"id": [number, number]})
        assert [each["status"] for each in cleared["clearMonitoringResult"]] == ["Accepted", "NotFound"]


class TestReports:
    async def test_parts(self, csms: Csms, yard: Yard) -> None:
        await yard.boot()
        assert await csms.call("GetMonitoringReport", {"requestId": 1}) == {"status": "EmptyResultSet"}
        for severity in (1, 2, 3):
            await ask(csms, STATE, severity=severity)
        await ask(csms, POWER, "UpperThreshold", 10)
        asked = {"requestId": 2, "monitoringCriteria": ["DeltaMonitoring"], "componentVariable": [STATE]}
        assert await csms.call("GetMonitoringReport", asked) == {"status": "Accepted"}
        await csms.expect("NotifyMonitoringReport", tbc=False)
        parts = csms.of("NotifyMonitoringReport", requestId=2)
        assert [part["seqNo"] for part in parts] == [0, 1]
        assert [len(part["monitor"]) for part in parts] == [2, 1]

    async def test_bases(self, csms: Csms, yard: Yard) -> None:
        await yard.boot()
        await ask(csms, STATE)
        for base, left in (("All", "Accepted"), ("HardWiredOnly", "EmptyResultSet")):
            assert await csms.call("SetMonitoringBase", {"monitoringBase": base}) == {"status": "Accepted"}
            assert await csms.call("GetMonitoringReport", {"requestId": 3}) == {"status": left}
