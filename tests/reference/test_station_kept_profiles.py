"""Charging profiles of the reference station, cleared, reported and brought by a remote start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.reference.conftest import Csms, Yard

pytestmark = pytest.mark.asyncio(loop_scope="function")

Payload = dict[str, Any]
TOKEN = {"idToken": "A", "type": "Central"}


def profile(number: int, *, purpose: str = "TxDefaultProfile", level: int = 0, limit: float = 10) -> Payload:
    schedule = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
    kind = "Relative"
    if purpose == "ChargingStationMaxProfile":
        kind, schedule["startSchedule"] = "Absolute", "2026-01-01T00:00:00Z"
    return {
        "id": number,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": [schedule],
    }


async def install(csms: Csms, evse: int, payload: Payload) -> None:
    answer = await csms.call("SetChargingProfile", {"evseId": evse, "chargingProfile": payload})
    assert answer == {"status": "Accepted"}


async def some(csms: Csms) -> None:
    """One of the station, one of all EVSEs, and one of each."""
    await install(csms, 0, profile(1, purpose="ChargingStationMaxProfile"))
    await install(csms, 0, profile(2, level=1))
    await install(csms, 1, profile(3))
    await install(csms, 2, profile(4))


async def reported(csms: Csms, number: int, *, evse: int | None = None, **criteria: Any) -> list[tuple[int, list[int]]]:
    """What is reported, by EVSE, of an accepted request."""
    request: Payload = {"requestId": number, "chargingProfile": criteria}
    if evse is not None:
        request["evseId"] = evse
    assert await csms.call("GetChargingProfiles", request) == {"status": "Accepted"}
    await csms.expect("ReportChargingProfiles", requestId=number, tbc=False)
    parts = csms.of("ReportChargingProfiles", requestId=number)
    assert [part["tbc"] for part in parts] == [True] * (len(parts) - 1) + [False]
    return [(part["evseId"], [each["id"] for each in part["chargingProfile"]]) for part in parts]


class TestReports:
    async def test_by_place(self, csms: Csms, yard: Yard) -> None:
        await yard.boot()
        await some(csms)
        assert await reported(csms, 1) == [(0, [1]), (0, [2]), (1, [3]), (2, [4])]
        assert await reported(csms, 2, evse=0) == [(0, [1]), (0, [2])]
        assert await reported(csms, 3, evse=2) == [(2, [4])]

    async def test_by_criteria(self, csms: Csms, yard: Yard) -> None:
        await yard.boot()
        await some(csms)
        assert await reported(csms, 1, chargingProfileId=[4, 1]) == [(0, [1]), (2, [4])]
        assert await reported(csms, 2, chargingProfilePurpose="TxDefaultProfile", stackLevel=1) == [(0, [2])]
        assert len(await reported(csms, 3, chargingLimitSource=["SO", "CSO"])) == 4

    async def test_nothing_to_report(self, csms: Csms, yard: Yard) -> None:
        await yard.boot()
        await some(csms)
        for evse, criteria in ((9, {}), (1, {"stackLevel": 1}), (0, {"chargingLimitSource": ["EMS"]})):
            request = {"requestId": 1, "evseId": evse, "chargingProfile": criteria}
            assert await csms.call("GetChargingProfiles", request) == {"status": "NoProfiles"}
        await csms.silence(0.1)

    async def test_one_report_after_the_other(self, csms: Csms, yard: Yard) -> None:
        await yard.boot()
        await some(csms)
        for number in (1, 2):
            await csms.call("GetChargingProfiles", {"requestId": number, "chargingProfile": {}})
        await csms.expect("ReportChargingProfiles", requestId=2, tbc=False)
        assert [part["requestId"] for part in csms.of("ReportChargingProfiles")] == [1] * 4 + [2] * 4


class TestClearing:
    async def test_by_id(self, csms: Csms, yard: Yard) -> None:
        await yard.boot()
        await some(csms)
        request = {"chargingProfileId": 3, "chargingProfileCriteria": {"stackLevel": 1}}
        assert await csms.call("ClearChargingProfile", request) == {"status": "Accepted"}
        assert await csms.call("ClearChargingProfile", request) == {"status": "Unknown"}
        assert len(await reported(csms, 1)) == 3

    async def test_by_criteria(self, csms: Csms, yard: Yard) -> None:
        await yard.boot()
        await some(csms)
        criteria = {"evseId": 0, "stackLevel": 1, "chargingProfilePurpose": "TxDefaultProfile"}
        assert await csms.call("ClearChargingProfile", {"chargingProfileCriteria": criteria}) == {"status": "Accepted"}
        assert await reported(csms, 1) == [(0, [1]), (1, [3]), (2, [4])]

    async def test_all(self, csms: Csms, yard: Yard) -> None:
        await yard.boot()
        await some(csms)
        assert await csms.call("ClearChargingProfile") == {"status": "Accepted"}
        assert await csms.call("ClearChargingProfile") == {"status": "Unknown"}

    async def test_what_comes_from_outside_stays(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot()
        outside = profile(-1, purpose="ChargingStationExternalConstraints")
        station.storage["charging_profiles"] = [{"evse": 0, "profile": outside}]
        assert await csms.call("ClearChargingProfile", {"chargingProfileId": -1}) == {"status": "Unknown"}
        assert await csms.call("ClearChargingProfile") == {"status": "Unknown"}
        await reported(csms, 1)
        assert csms.of("ReportChargingProfiles")[0]["chargingLimitSource"] == "Other"


class TestRemoteStart:
    async def start(self, csms: Csms, payload: Payload, number: int = 7) -> Any:
        request = {"idToken": TOKEN, "remoteStartId": number, "evseId": 1, "chargingProfile": payload}
        return await csms.call("RequestStartTransaction", request)

    async def test_limits_the_transaction(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot()
        await station.plug_in(1, 1)
        assert (await self.start(csms, profile(5, purpose="TxProfile")))["status"] == "Accepted"
        event = await csms.expect("TransactionEvent", triggerReason="ChargingStateChanged")
        await reported(csms, 1)
        (kept,) = csms.of("ReportChargingProfiles")[0]["chargingProfile"]
        assert kept == {**profile(5, purpose="TxProfile"), "transactionId": event["transactionInfo"]["transactionId"]}
        assert station.evses[1].meter.power == 10 * 230 * 3

    async def test_limits_from_the_first_reading(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot(variables={"TxCtrlr.TxStartPoint": "EnergyTransfer"})
        await station.plug_in(1, 1)
        assert (await self.start(csms, profile(5, purpose="TxProfile")))["status"] == "Accepted"
        await csms.expect("TransactionEvent", eventType="Started")
        assert station.evses[1].meter.power == 10 * 230 * 3

    async def test_goes_with_a_driver_who_may_not_charge(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot(
            variables={"AuthCtrlr.AuthorizeRemoteStart": "true", "AuthCacheCtrlr.Enabled": "false"}
        )
        csms.script["Authorize"] = [{"idTokenInfo": {"status": "Blocked"}}]
        assert await self.start(csms, profile(5, purpose="TxProfile")) == {"status": "Accepted"}
        await csms.expect("Authorize")
        await csms.call("GetLocalListVersion")  # by now the station has read the answer too
        await station.plug_in(1, 1)
        await station.present_id_token(1, "B")
        await csms.expect("TransactionEvent", triggerReason="ChargingStateChanged")
        request = {"requestId": 1, "chargingProfile": {}}
        assert await csms.call("GetChargingProfiles", request) == {"status": "NoProfiles"}

    @pytest.mark.parametrize(
        "wrong",
        [
            {"chargingProfilePurpose": "TxDefaultProfile"},
            {"transactionId": "x"},
            {"stackLevel": 99},
            {"chargingProfileKind": "Absolute"},
        ],
    )
    async def test_invalid(self, csms: Csms, yard: Yard, wrong: Payload) -> None:
        await yard.boot()
        answer = await self.start(csms, {**profile(5, purpose="TxProfile"), **wrong})
        assert answer["status"] == "Rejected"
        assert answer["statusInfo"]["reasonCode"]

    async def test_left_aside_without_smart_charging(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot(variables={"SmartChargingCtrlr.Enabled": "false"})
        await station.plug_in(1, 1)
        assert (await self.start(csms, profile(5, purpose="TxDefaultProfile")))["status"] == "Accepted"
        await csms.expect("TransactionEvent", triggerReason="ChargingStateChanged")
        assert station.evses[1].meter.power > 10 * 230 * 3
