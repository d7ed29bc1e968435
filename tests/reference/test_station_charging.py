"""Smart charging of the reference station: what it takes, what that comes to, and what flows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from conformance.reference.station import ConnectorConfig, EvseConfig
from tests.reference.conftest import NOW

if TYPE_CHECKING:
    from conformance.reference.station import ReferenceStation
    from tests.reference.conftest import Csms, Payload, Yard

pytestmark = pytest.mark.asyncio(loop_scope="function")

EVENT = "TransactionEvent"
START = datetime.fromisoformat(NOW).replace(microsecond=0)
MAX, DEFAULT, TX = "ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile"
BIG = EvseConfig(max_power=69_000.0)
THREE_PHASES = 690.0


def at(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def profile(*periods: Any, id: int = 1, purpose: str = DEFAULT, **fields: Any) -> Payload:  # noqa: A002
    """A profile of (start, limit) periods, or of (start, limit, phases); in `unit` A, from 100 s ago unless told."""
    kind = fields.pop("kind", "Absolute")
    names = ("startPeriod", "limit", "numberPhases", "phaseToUse")
    schedule = {
        "id": id,
        "chargingRateUnit": fields.pop("unit", "A"),
        "chargingSchedulePeriod": [dict(zip(names, each, strict=False)) for each in periods or ((0, 10.0),)],
    }
    if (start := fields.pop("start", None if kind == "Relative" else at(-100))) is not None:
        schedule["startSchedule"] = start
    if "duration" in fields:
        schedule["duration"] = fields.pop("duration")
    named = {"chargingProfilePurpose": purpose, "chargingProfileKind": kind, "chargingSchedule": [schedule]}
    return {"id": id, "stackLevel": fields.pop("level", 0), **named, **fields}


async def put(csms: Csms, evse: int, payload: Payload) -> str:
    """Set a profile: Accepted, or the reason code of the rejection."""
    answer = await csms.call("SetChargingProfile", {"evseId": evse, "chargingProfile": payload})
    return answer["statusInfo"]["reasonCode"] if answer["status"] == "Rejected" else answer["status"]


async def ahead(csms: Csms, evse: int, seconds: int = 1000, unit: str | None = None) -> dict[int, float]:
    """The composite schedule: 0 or the seconds from START to the start of a period, and its limit."""
    request = {"evseId": evse, "duration": seconds, **({"chargingRateUnit": unit} if unit else {})}
    schedule = (await csms.call("GetCompositeSchedule", request))["schedule"]
    late = int((datetime.fromisoformat(schedule["scheduleStart"]) - START).total_seconds())
    found = {each["startPeriod"]: each["limit"] for each in schedule["chargingSchedulePeriod"]}
    return {start and start + late: limit for start, limit in found.items()}


async def charge(csms: Csms, station: ReferenceStation, evse: int = 1) -> str:
    """Have an EV charge; the transaction."""
    await station.plug_in(evse, 1)
    await station.present_id_token(evse, f"card {evse}")
    await told(csms, evse, "Charging")
    return csms.of(EVENT, evse={"id": evse, "connectorId": 1})[-1]["transactionInfo"]["transactionId"]


async def told(csms: Csms, evse: int, state: str, count: int = 1) -> None:
    def found() -> bool:
        events = [each for each in csms.of(EVENT) if each["evse"]["id"] == evse]
        return [each["transactionInfo"].get("chargingState") for each in events].count(state) >= count

    await csms.until(found)


def flows(station: ReferenceStation, evse: int) -> list[float]:
    return [round(each, 3) for each in station.currents(evse)]


# -- what is taken


@pytest.mark.parametrize(
    ("evse", "payload", "answer"),
    [
        (1, profile(), "Accepted"),
        (0, profile(), "Accepted"),
        (0, profile(purpose=MAX), "Accepted"),
        (1, profile(unit="W"), "Accepted"),
        (1, profile((0, 10.0, 1, 1)), "Accepted"),
        (1, profile(kind="Relative"), "Accepted"),
        (1, profile(kind="Recurring", recurrencyKind="Weekly"), "Accepted"),
        (1, profile(validFrom=at(0), validTo=at(10)), "Accepted"),
        (3, profile(), "UnknownEvse"),
        (1, profile(purpose=MAX), "InvalidProfile"),
        (0, profile(purpose=MAX, kind="Relative"), "InvalidProfile"),
        (0, profile(purpose="ChargingStationExternalConstraints"), "InvalidProfile"),
        (0, profile(purpose=TX, transactionId="a"), "InvalidProfile"),
        (1, profile(purpose=TX, transactionId="a"), "TxNotFound"),
        (1, profile(level=10), "InvalidStackLevel"),
        (1, profile(start=None), "InvalidSchedule"),
        (1, profile(kind="Relative", start=at(0)), "InvalidSchedule"),
        (1, profile(kind="Recurring"), "InvalidProfile"),
        (1, profile(validFrom=at(10), validTo=at(10)), "InvalidProfile"),
        (1, profile((1, 10.0)), "InvalidSchedule"),
        (1, profile((0, 10.0), (20, 8.0), (10, 9.0)), "InvalidSchedule"),
        (1, profile((0, 10.0), (0, 8.0)), "InvalidSchedule"),
        (1, profile(*((start, 10.0) for start in range(25))), "InvalidSchedule"),
        (1, profile((0, -1.0)), "InvalidSchedule"),
        (1, profile((0, 10.0, 4)), "InvalidSchedule"),
        (1, profile((0, 10.0, 1, 2)), "PhaseConflict"),
        (1, profile((0, 10.0, 3, 1)), "PhaseConflict"),
    ],
)
async def test_taken_and_refused(csms: Csms, yard: Yard, evse: int, payload: Payload, answer: str) -> None:
    station = await yard.boot()
    assert await put(csms, evse, payload) == answer
    assert len(station.charging_profiles()) == (answer == "Accepted")


async def test_for_a_transaction(csms: Csms, yard: Yard) -> None:
    station = await yard.boot()
    transaction = await charge(csms, station)
    assert await put(csms, 1, profile(purpose=TX)) == "MissingParam"
    assert await put(csms, 1, profile(purpose=TX, transactionId="another")) == "TxNotFound"
    assert await put(csms, 2, profile(purpose=TX, transactionId=transaction)) == "TxNotFound"
    assert await put(csms, 1, profile(purpose=TX, transactionId=transaction)) == "Accepted"
    assert await put(csms, 1, profile(id=2, purpose=TX, transactionId=transaction)) == "DuplicateProfile"
    assert await ahead(csms, 1) == {0: 10.0}
    await station.unplug(1, 1)
    await csms.expect(EVENT, eventType="Ended")
    assert station.charging_profiles() == []


async def test_one_for_each_purpose_level_and_place(csms: Csms, yard: Yard) -> None:
    station = await yard.boot(charging_profiles=3)
    assert await put(csms, 1, profile(id=1)) == "Accepted"
    assert await put(csms, 1, profile(id=2)) == "DuplicateProfile"
    assert await put(csms, 0, profile(id=2)) == "DuplicateProfile"
    assert await put(csms, 2, profile(id=2)) == "Accepted"
    assert await put(csms, 0, profile(id=3, level=1)) == "Accepted"
    assert await put(csms, 1, profile(id=4, level=1)) == "DuplicateProfile"
    assert await put(csms, 1, profile(id=4, level=2)) == "TooManyElements"
    assert await put(csms, 1, profile((0, 8.0), id=1, level=2)) == "Accepted"
    assert [(each.evse, each.id, each.stack_level) for each in station.charging_profiles()] == [
        (2, 2, 0),
        (0, 3, 1),
        (1, 1, 2),
    ]
    item = {
        "component": {"name": "SmartChargingCtrlr"},
        "variable": {"name": "Entries", "instance": "ChargingProfiles"},
    }
    answer = await csms.call("GetVariables", {"getVariableData": [item]})
    assert answer["getVariableResult"][0]["attributeValue"] == "3"


async def test_at_different_times_two_may_have_one_level(csms: Csms, yard: Yard) -> None:
    await yard.boot()
    assert await put(csms, 1, profile((0, 8.0), id=1, validTo=at(60))) == "Accepted"
    assert await put(csms, 1, profile((0, 9.0), id=2, validFrom=at(60))) == "Accepted"
    assert await put(csms, 1, profile(id=3, validFrom=at(59), validTo=at(61))) == "DuplicateProfile"
    assert list((await ahead(csms, 1)).values()) == [8.0, 9.0]


async def test_switched_off(csms: Csms, yard: Yard) -> None:
    station = await yard.boot(variables={"SmartChargingCtrlr.Enabled": "false"})
    assert await put(csms, 1, profile()) == "NotEnabled"
    answer = await csms.call("GetCompositeSchedule", {"evseId": 1, "duration": 10})
    assert answer["statusInfo"]["reasonCode"] == "NotEnabled"
    assert station.charging_profiles() == []


async def test_only_what_belongs_to_no_transaction_outlives_a_reboot(csms: Csms, yard: Yard) -> None:
    station = await yard.boot()
    transaction = await charge(csms, station)
    await put(csms, 1, profile(id=1, purpose=TX, transactionId=transaction))
    await put(csms, 1, profile(id=2))
    await put(csms, 0, profile(id=3, purpose=MAX))
    await station.power_off()
    await station.power_on()
    await csms.expect("BootNotification", 2)
    assert [each.id for each in station.charging_profiles()] == [2, 3]


# -- what it comes to


async def test_without_a_profile_an_evse_gives_what_it_can(csms: Csms, yard: Yard) -> None:
    await yard.boot()
    assert await ahead(csms, 1, unit="W") == {0: 22_000.0}
    assert await ahead(csms, 0, unit="W") == {0: 44_000.0}
    assert await ahead(csms, 1) == {0: 31.8}


@pytest.mark.parametrize(("evse", "unit", "reason"), [(3, "A", "UnknownEvse"), (1, "W", "UnsupportedRateUnit")])
async def test_not_told(csms: Csms, yard: Yard, evse: int, unit: str, reason: str) -> None:
    await yard.boot(variables={"SmartChargingCtrlr.RateUnit": "A"})
    answer = await csms.call("GetCompositeSchedule", {"evseId": evse, "duration": 10, "chargingRateUnit": unit})
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", reason)


async def test_levels_and_durations(csms: Csms, yard: Yard) -> None:
    await yard.boot()
    await put(csms, 1, profile((0, 20.0), (200, 18.0), id=1))
    await put(csms, 0, profile((0, 10.0), (250, 12.0), (300, 99.0), id=2, level=1, start=at(50), duration=300))
    assert await ahead(csms, 1) == {0: 20.0, 50: 10.0, 300: 12.0, 350: 18.0}
    assert await ahead(csms, 2) == {0: 31.8, 50: 10.0, 300: 12.0, 350: 31.8}


async def test_units_and_phases(csms: Csms, yard: Yard) -> None:
    await yard.boot()
    await put(csms, 1, profile((0, 6900.0), (200, 2300.0, 1), id=1, unit="W"))
    assert await ahead(csms, 1, unit="A") == {0: 10.0, 100: 10.0}
    assert await ahead(csms, 1, unit="W") == {0: 6900.0, 100: 2300.0}
    answer = await csms.call("GetCompositeSchedule", {"evseId": 1, "duration": 200, "chargingRateUnit": "A"})
    assert [each["numberPhases"] for each in answer["schedule"]["chargingSchedulePeriod"]] == [3, 1]


async def test_direct_current(csms: Csms, yard: Yard) -> None:
    station = await yard.boot(evses=(EvseConfig((ConnectorConfig("cCCS2", phases=0),), 46_000.0),), load=30_000.0)
    await charge(csms, station)
    await put(csms, 1, profile((0, 23_000.0, 3), unit="W"))
    assert await ahead(csms, 1, unit="W") == {0: 23_000.0}
    assert await ahead(csms, 1, unit="A") == {0: 100.0}
    await csms.until(lambda: flows(station, 1) == [100.0])


async def test_the_station_is_the_sum_and_its_maximum_holds_for_all(csms: Csms, yard: Yard) -> None:
    await yard.boot()
    await put(csms, 0, profile((0, 10.0), id=1))
    assert await ahead(csms, 0) == {0: 20.0}
    await put(csms, 0, profile((0, 30.0), (200, 16.0), (300, 6.0), id=2, purpose=MAX))
    assert await ahead(csms, 0) == {0: 20.0, 100: 16.0, 200: 6.0}
    assert await ahead(csms, 1) == {0: 10.0, 200: 6.0}
    assert await ahead(csms, 0, unit="W") == {0: 13_800.0, 100: 11_040.0, 200: 4140.0}


async def test_recurring(csms: Csms, yard: Yard) -> None:
    await yard.boot()
    daily = profile((0, 10.0), id=1, kind="Recurring", recurrencyKind="Daily", start=at(60 - 86_400), duration=30)
    await put(csms, 1, daily)
    week = timedelta(weeks=1).total_seconds()
    weekly = profile((0, 8.0), id=1, kind="Recurring", recurrencyKind="Weekly", start=at(-3 * week - 10), duration=20)
    assert await ahead(csms, 1, 86_400 + 600) == {0: 31.8, 60: 10.0, 90: 31.8, 86_460: 10.0, 86_490: 31.8}
    await put(csms, 1, weekly)
    found = await ahead(csms, 1, int(week))
    assert list(found.values()) == [8.0, 31.8, 8.0]


async def test_relative_schedules_start_when_an_ev_could_charge(csms: Csms, yard: Yard) -> None:
    station = await yard.boot()
    await put(csms, 1, profile((0, 10.0), (100, 12.0), kind="Relative"))
    assert list((await ahead(csms, 1)).values()) == [10.0, 12.0]
    await charge(csms, station)
    place = station.evses[1].session.transaction
    assert place is not None
    assert place.ready is not None
    place.ready -= timedelta(seconds=40)
    assert list((await ahead(csms, 1)).values()) == [10.0, 12.0]
    assert 60 <= list(await ahead(csms, 1))[1] <= 65


async def test_a_transaction_falls_back_to_the_default(csms: Csms, yard: Yard) -> None:
    station = await yard.boot()
    transaction = await charge(csms, station)
    await put(csms, 1, profile((0, 20.0), id=1))
    await put(csms, 1, profile((0, 8.0), id=2, purpose=TX, transactionId=transaction, duration=160))
    assert await ahead(csms, 1) == {0: 8.0, 60: 20.0}


# -- what flows


async def test_a_limit_holds_at_once_and_until_it_is_gone(csms: Csms, yard: Yard) -> None:
    station = await yard.boot(load=11_040.0)
    await charge(csms, station)
    assert flows(station, 1) == [16.0, 16.0, 16.0]
    await put(csms, 1, profile((0, 10.0)))
    event = await csms.expect(EVENT, triggerReason="ChargingRateChanged")
    assert event["transactionInfo"]["chargingState"] == "Charging"
    assert flows(station, 1) == [10.0, 10.0, 10.0]
    assert station.evses[1].meter.power == pytest.approx(10 * THREE_PHASES)
    await put(csms, 1, profile((0, 10.0, 1)))
    await csms.expect(EVENT, 2, triggerReason="ChargingRateChanged")
    assert flows(station, 1) == [10.0, 0.0, 0.0]
    await csms.call("TriggerMessage", {"requestedMessage": "TransactionEvent", "evse": {"id": 1}})
    event = await csms.expect(EVENT, triggerReason="Trigger")
    sampled = {each["measurand"]: each["value"] for each in event["meterValue"][0]["sampledValue"]}
    assert (event["numberOfPhasesUsed"], sampled["Current.Import"], sampled["Power.Active.Import"]) == (1, 10.0, 2300.0)
    await csms.call("ClearChargingProfile", {"chargingProfileId": 1})
    await csms.expect(EVENT, 3, triggerReason="ChargingRateChanged")
    assert flows(station, 1) == [16.0, 16.0, 16.0]


async def test_limits_change_by_the_clock(csms: Csms, yard: Yard) -> None:
    station = await yard.boot(load=11_040.0)
    await charge(csms, station)
    since = station.clock.now() - timedelta(seconds=99.7)
    await put(csms, 1, profile((0, 10.0), (100, 8.0), start=since.isoformat(), duration=101))
    await csms.expect(EVENT, 2, triggerReason="ChargingRateChanged")
    assert flows(station, 1) == [8.0, 8.0, 8.0]
    await csms.expect(EVENT, 3, triggerReason="ChargingRateChanged")
    assert flows(station, 1) == [16.0, 16.0, 16.0]


async def test_too_little_to_charge_with(csms: Csms, yard: Yard) -> None:
    station = await yard.boot()
    await charge(csms, station)
    await put(csms, 1, profile((0, 5.9)))
    await told(csms, 1, "SuspendedEVSE")
    assert flows(station, 1) == [0.0, 0.0, 0.0]
    await put(csms, 1, profile((0, 6.0)))
    await csms.until(lambda: csms.of(EVENT)[-1]["transactionInfo"]["chargingState"] == "Charging")
    assert flows(station, 1) == [6.0, 6.0, 6.0]


async def test_an_ev_that_comes_to_a_limit_keeps_to_it(csms: Csms, yard: Yard) -> None:
    station = await yard.boot()
    await put(csms, 0, profile((0, 7.0)))
    await charge(csms, station)
    assert flows(station, 1) == [7.0, 7.0, 7.0]
    await station.set_load(1, 3450.0)
    assert flows(station, 1) == [5.0, 5.0, 5.0]
    await put(csms, 1, profile((0, 0.0), id=2, level=1))
    await told(csms, 1, "SuspendedEVSE")
    await station.plug_in(2, 1)
    await station.present_id_token(2, "another")
    await told(csms, 2, "Charging")
    assert flows(station, 2) == [7.0, 7.0, 7.0]


async def test_the_maximum_of_the_station_is_shared(csms: Csms, yard: Yard) -> None:
    station = await yard.boot(evses=(BIG, BIG), load=69_000.0)
    await put(csms, 0, profile((0, 20.0), purpose=MAX))
    await charge(csms, station, 1)
    assert flows(station, 1) == [20.0, 20.0, 20.0]
    await charge(csms, station, 2)
    await csms.until(lambda: flows(station, 1) == [10.0, 10.0, 10.0] == flows(station, 2))
    await put(csms, 0, profile((0, 10.0), purpose=MAX))
    await told(csms, 2, "SuspendedEVSE")
    assert (flows(station, 1), flows(station, 2)) == ([10.0, 10.0, 10.0], [0.0, 0.0, 0.0])
    await station.unplug(1, 1)
    await told(csms, 2, "Charging", 2)
    assert flows(station, 2) == [10.0, 10.0, 10.0]


async def test_switching_smart_charging_off_lifts_all_limits(csms: Csms, yard: Yard) -> None:
    station = await yard.boot(load=11_040.0)
    await put(csms, 1, profile((0, 10.0)))
    await charge(csms, station)
    assert flows(station, 1) == [10.0, 10.0, 10.0]
    item = {"component": {"name": "SmartChargingCtrlr"}, "variable": {"name": "Enabled"}, "attributeValue": "false"}
    await csms.call("SetVariables", {"setVariableData": [item]})
    await csms.expect(EVENT, triggerReason="ChargingRateChanged")
    assert flows(station, 1) == [16.0, 16.0, 16.0]
