"""Smart charging at the 1.6 reference station: what it accepts, what it makes of it, and what it draws."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conformance.peers.v16 import charging_profile
from conformance.reference.station16 import ReferenceStation16, StationConfig16
from tests.reference.test_station16 import Csms16, Yard, csms, yard

__all__ = ["csms", "yard"]

pytestmark = pytest.mark.asyncio(loop_scope="function")

Payload = dict[str, Any]
DEFAULT, OURS, MAXIMUM = "TxDefaultProfile", "TxProfile", "ChargePointMaxProfile"


async def put(csms: Csms16, connector: int = 2, **fields: Any) -> Any:
    """Set a profile: 10 A by default; return the status, or the code of a CALLERROR."""
    fields = {"id": 1, "purpose": DEFAULT, "periods": [(0, 10)], **fields}
    request = {"connectorId": connector, "csChargingProfiles": charging_profile(**fields)}
    answer = await csms.call("SetChargingProfile", request)
    return answer if isinstance(answer, str) else answer["status"]


async def clear(csms: Csms16, **criteria: Any) -> str:
    status: str = (await csms.call("ClearChargingProfile", criteria))["status"]
    return status


async def limits(csms: Csms16, connector: int = 2, *, seconds: int = 600, unit: str | None = "A") -> Any:
    """Return the composite schedule as pairs of start and limit, or the status."""
    request: Payload = {"connectorId": connector, "duration": seconds}
    answer = await csms.call("GetCompositeSchedule", request if unit is None else {**request, "chargingRateUnit": unit})
    if answer["status"] != "Accepted":
        return answer["status"]
    assert answer["connectorId"] == connector
    schedule = answer["chargingSchedule"]
    assert schedule["duration"] == seconds
    assert "startSchedule" not in schedule
    return [(period["startPeriod"], period["limit"]) for period in schedule["chargingSchedulePeriod"]]


def drawn(station: ReferenceStation16, evse: int = 1) -> list[float]:
    return [round(each, 2) for each in station.currents_drawn(evse)]


class TestSetting:
    @pytest.mark.parametrize(
        ("connector", "fields", "status"),
        [
            (1, {}, "Accepted"),
            (0, {}, "Accepted"),
            (0, {"purpose": MAXIMUM}, "Accepted"),
            (1, {"purpose": MAXIMUM}, "Rejected"),
            (0, {"purpose": MAXIMUM, "kind": "Relative"}, "Rejected"),
            (1, {"kind": "Relative"}, "Accepted"),
            (0, {"purpose": OURS}, "Rejected"),
            (1, {"purpose": OURS}, "Rejected"),
            (1, {"purpose": OURS, "transaction": "5"}, "Rejected"),
            (9, {}, "PropertyConstraintViolation"),
            (1, {"unit": "V"}, "PropertyConstraintViolation"),
            (1, {"stack_level": 8}, "Accepted"),
            (1, {"stack_level": 9}, "Rejected"),
            (1, {"periods": [(start, 6) for start in range(24)]}, "Accepted"),
            (1, {"periods": [(start, 6) for start in range(25)]}, "Rejected"),
            (1, {"periods": [(1, 6)]}, "Rejected"),
            (1, {"periods": [(0, 6), (60, 8), (30, 7)]}, "Rejected"),
            (1, {"kind": "Recurring"}, "Rejected"),
            (1, {"kind": "Recurring", "recurrency": "Daily"}, "Rejected"),
            (1, {"kind": "Recurring", "start": datetime(2030, 1, 1, tzinfo=UTC)}, "Rejected"),
            (1, {"kind": "Recurring", "recurrency": "Daily", "start": datetime(2030, 1, 1, tzinfo=UTC)}, "Accepted"),
        ],
    )
    async def test_what_is_accepted(
        self, csms: Csms16, yard: Yard, connector: int, fields: Payload, status: str
    ) -> None:
        await yard.boot()
        assert await put(csms, connector, **fields) == status

    async def test_a_unit_that_it_does_not_limit_in_is_rejected(self, csms: Csms16, yard: Yard) -> None:
        await yard.boot(variables={"ChargingScheduleAllowedChargingRateUnit": "Power"})
        assert [await put(csms, unit="A"), await put(csms, unit="W")] == ["Rejected", "Accepted"]
        assert [await limits(csms, unit="A"), await limits(csms, unit=None)] == ["Rejected", [(0, 10)]]

    async def test_there_is_room_for_so_many(self, csms: Csms16, yard: Yard) -> None:
        await yard.boot(variables={"MaxChargingProfilesInstalled": "2"})
        assert [await put(csms, id=number, stack_level=number) for number in (1, 2, 3)] == [
            "Accepted",
            "Accepted",
            "Rejected",
        ]
        assert await put(csms, id=4, stack_level=2) == "Accepted"

    async def test_a_tx_profile_is_for_a_transaction_that_runs(self, csms: Csms16, yard: Yard) -> None:
        await yard.charging()
        statuses = [
            await put(csms, purpose=OURS, transaction="7002"),
            await put(csms, 1, purpose=OURS),
            await put(csms, purpose=OURS, transaction="7001"),
            await put(csms, purpose=OURS),
        ]
        assert statuses == ["Rejected", "Rejected", "Accepted", "Accepted"]


class TestReplacing:
    async def test_the_same_id_replaces_wherever_it_is(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.boot()
        await put(csms, 1, id=1, stack_level=0)
        await put(csms, 2, id=1, stack_level=3, purpose=DEFAULT)
        assert [(each.connector, each.level) for each in station.profiles] == [(2, 3)]

    async def test_purpose_and_level_replace_on_their_connector(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.boot()
        for number, (connector, level) in enumerate([(1, 0), (1, 0), (1, 1), (2, 0), (0, 0)]):
            await put(csms, connector, id=number, stack_level=level)
        await put(csms, 0, id=9, purpose=MAXIMUM)
        assert [each.id for each in station.profiles] == [1, 2, 3, 4, 9]


class TestComposite:
    async def test_without_profiles_the_hardware_is_the_limit(self, csms: Csms16, yard: Yard) -> None:
        await yard.boot()
        assert await limits(csms) == [(0, 31.8)]
        assert await limits(csms, unit="W") == [(0, 22_000)]
        assert await limits(csms, 0, unit="W") == [(0, 66_000)]

    @pytest.mark.parametrize(("connector", "seconds"), [(9, 60), (1, 0), (1, -1)])
    async def test_what_can_not_be_reported(self, csms: Csms16, yard: Yard, connector: int, seconds: int) -> None:
        await yard.boot()
        assert await limits(csms, connector, seconds=seconds) == "Rejected"

    async def test_the_highest_level_that_says_something_prevails(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.boot()
        start = station.clock.now() - timedelta(seconds=1)
        await put(csms, id=1, start=start, duration=400, periods=[(0, 6), (100, 8), (200, 10)])
        await put(csms, id=2, start=start, duration=150, periods=[(0, 7), (100, 9)], stack_level=1)
        assert await limits(csms, seconds=350) == [(0, 7), (99, 9), (149, 8), (199, 10)]

    async def test_purposes_are_merged_to_the_lowest(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.charging()
        start = station.clock.now() - timedelta(seconds=1)
        await put(csms, 0, id=1, purpose=MAXIMUM, start=start, duration=86_400)
        await put(csms, id=2, start=start, duration=300, periods=[(0, 6), (60, 10), (120, 8), (180, 15), (260, 8)])
        await put(
            csms,
            id=3,
            purpose=OURS,
            start=start,
            duration=260,
            periods=[(0, 8), (50, 11), (140, 16), (200, 6), (240, 12)],
        )
        assert await limits(csms, seconds=400) == [(0, 8), (49, 10), (199, 6), (239, 10)]

    async def test_a_default_of_the_station_is_replaced_for_one_connector(self, csms: Csms16, yard: Yard) -> None:
        await yard.boot()
        await put(csms, 0, id=1, periods=[(0, 10)])
        await put(csms, 1, id=2, periods=[(0, 14)])
        assert [await limits(csms, 1), await limits(csms, 2)] == [[(0, 14)], [(0, 10)]]
        await clear(csms, id=2)
        assert await limits(csms, 1) == [(0, 10)]

    async def test_units_are_converted(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.boot()
        begun = station.clock.now() - timedelta(seconds=1)
        await put(csms, unit="W", periods=[(0, 6900), (61, 2300, 1), (121, 3450)], start=begun)
        assert await limits(csms) == [(0, 10), (60, 10), (120, 5)]
        assert await limits(csms, unit="W") == [(0, 6900), (60, 2300), (120, 3450)]

    async def test_the_station_expects_what_its_connectors_may(self, csms: Csms16, yard: Yard) -> None:
        await yard.boot()
        await put(csms, 0, id=1, periods=[(0, 8)])
        assert await limits(csms, 0) == [(0, 24)]
        await put(csms, 0, id=2, purpose=MAXIMUM, periods=[(0, 20)])
        assert await limits(csms, 0) == [(0, 20)]


class TestClearing:
    @pytest.mark.parametrize(
        ("criteria", "left"),
        [
            ({"id": 1}, [2, 3, 4]),
            ({"id": 1, "connectorId": 3, "stackLevel": 7}, [2, 3, 4]),
            ({"connectorId": 0}, [1, 2]),
            ({"chargingProfilePurpose": DEFAULT}, [4]),
            ({"stackLevel": 0}, [2]),
            ({"chargingProfilePurpose": DEFAULT, "stackLevel": 0}, [2, 4]),
            ({"chargingProfilePurpose": DEFAULT, "stackLevel": 0, "connectorId": 0}, [1, 2, 4]),
            ({}, []),
            ({"id": 9}, None),
            ({"connectorId": 3}, None),
        ],
    )
    async def test_what_meets_all_criteria(
        self, csms: Csms16, yard: Yard, criteria: Payload, left: list[int] | None
    ) -> None:
        station = await yard.boot()
        await put(csms, 1, id=1)
        await put(csms, 1, id=2, stack_level=1)
        await put(csms, 0, id=3)
        await put(csms, 0, id=4, purpose=MAXIMUM)
        assert await clear(csms, **criteria) == ("Unknown" if left is None else "Accepted")
        assert [each.id for each in station.profiles] == ([1, 2, 3, 4] if left is None else left)


class TestFollowing:
    async def test_what_is_drawn_follows_the_limit_and_the_meter_tells_so(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.charging(variables={"MeterValuesSampledData": "Current.Import"})
        assert drawn(station) == [15.94] * 3
        await put(csms, purpose=OURS)
        assert drawn(station) == [10] * 3
        await csms.call("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 2})
        values = await csms.expect("MeterValues")
        assert float(values["meterValue"][0]["sampledValue"][0]["value"]) == 10
        await put(csms, purpose=OURS, periods=[(0, 16, 1)])
        assert drawn(station) == [15.94, 0, 0]
        await put(csms, purpose=OURS, periods=[(0, 3450)], unit="W")
        assert csms.statuses(2)[-1] == "Charging"
        await clear(csms)
        assert drawn(station) == [15.94] * 3

    async def test_too_low_a_limit_suspends(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.charging()
        await put(csms, periods=[(0, 5.9)])
        await csms.until_status(2, "SuspendedEVSE")
        assert drawn(station) == [0] * 3
        await station.ev_suspend(1)
        await station.ev_ready(1)
        await put(csms, periods=[(0, 6)])
        await csms.until_status(2, "Charging")
        assert drawn(station) == [6] * 3

    async def test_a_schedule_is_followed_as_time_passes(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.charging()
        start = station.clock.now() - timedelta(seconds=59.8)
        await put(csms, start=start, periods=[(0, 12), (60, 0), (61, 8)])
        assert drawn(station) == [12] * 3
        await csms.until_status(2, "SuspendedEVSE")
        await csms.until_status(2, "Charging")
        assert drawn(station) == [8] * 3

    async def test_the_limit_of_the_station_is_shared(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.charging()
        await station.plug_in(2, 1)
        await station.present_id_token(2, "B")
        await csms.until_status(3, "Charging")
        assert [drawn(station, 1), drawn(station, 2)] == [[15.94] * 3] * 2
        await put(csms, 0, purpose=MAXIMUM, periods=[(0, 20)])
        assert [drawn(station, 1), drawn(station, 2)] == [[10] * 3] * 2
        await put(csms, 2, id=2, purpose=OURS, periods=[(0, 7)])
        assert [drawn(station, 1), drawn(station, 2)] == [[7] * 3, [13] * 3]
        await station.set_load(2, 2760)
        assert [drawn(station, 1), drawn(station, 2)] == [[7] * 3, [4] * 3]
        await put(csms, 0, purpose=MAXIMUM, periods=[(0, 6900)], unit="W")
        await csms.until_status(3, "SuspendedEVSE")
        assert drawn(station, 2) == [0] * 3
        await station.unplug(1, 2)
        await csms.until_status(3, "Charging")

    async def test_the_profile_of_a_transaction_goes_with_it(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.charging()
        await put(csms, 0, id=1, periods=[(0, 9)])
        await put(csms, id=2, purpose=OURS, periods=[(0, 12)])
        assert drawn(station) == [12] * 3
        await station.present_id_token(1, "A")
        await csms.until_status(2, "Finishing")
        assert [each.id for each in station.profiles] == [1]
        assert await limits(csms) == [(0, 9)]
        await station.unplug(1, 2)
        await station.plug_in(1, 2)
        await station.present_id_token(1, "A")
        await csms.expect("StartTransaction", 2)
        assert drawn(station) == [9] * 3

    async def test_profiles_outlive_a_reboot_but_for_those_of_transactions(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.charging()
        await put(csms, 0, id=1, periods=[(0, 9)])
        await put(csms, id=2, purpose=OURS, periods=[(0, 12)])
        await station.power_off()
        again = ReferenceStation16(StationConfig16(csms.url, storage=dict(station.storage)))
        yard.stations.append(again)
        await again.power_on()
        await csms.expect("SecurityEventNotification", 2)
        assert await limits(csms) == [(0, 9)]
        assert [each.id for each in again.profiles] == [1]


class TestRemoteStart:
    async def start(self, csms: Csms16, **fields: Any) -> str:
        profile = charging_profile(**{"id": 5, "purpose": OURS, "kind": "Relative", "periods": [(0, 11)], **fields})
        request = {"idTag": "A", "connectorId": 2, "chargingProfile": profile}
        status: str = (await csms.call("RemoteStartTransaction", request))["status"]
        return status

    @pytest.mark.parametrize(
        "fields", [{"purpose": DEFAULT}, {"purpose": MAXIMUM}, {"transaction": "1"}, {"stack_level": 99}]
    )
    async def test_a_profile_that_is_none_of_a_transaction_is_rejected(
        self, csms: Csms16, yard: Yard, fields: Payload
    ) -> None:
        await yard.boot()
        assert await self.start(csms, **fields) == "Rejected"

    async def test_its_profile_is_that_of_the_transaction(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.boot()
        await put(csms, id=1, periods=[(0, 9)])
        assert await self.start(csms, periods=[(0, 11), (300, 8)]) == "Accepted"
        await csms.until_status(2, "Preparing")
        await station.plug_in(1, 2)
        await csms.until_status(2, "Charging")
        await csms.expect("StartTransaction")
        assert drawn(station) == [11] * 3
        (first, _), (second, limit) = await limits(csms)
        assert (first, limit) == (0, 8)
        assert second in (299, 300)
        assert await put(csms, id=6, purpose=OURS, transaction="7001", periods=[(0, 7)]) == "Accepted"
        assert [each.id for each in station.profiles] == [1, 6]
        assert drawn(station) == [7] * 3

    async def test_a_profile_whose_start_came_to_nothing_is_forgotten(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.boot(variables={"ConnectionTimeOut": "1"})
        assert await self.start(csms) == "Accepted"
        await csms.until_status(2, "Preparing")
        await csms.until_status(2, "Available")
        await station.plug_in(1, 2)
        await station.present_id_token(1, "A")
        await csms.until_status(2, "Charging")
        assert drawn(station) == [15.94] * 3
