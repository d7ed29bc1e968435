"""Charging profiles as the harness's CSMS of 1.6 writes them: what the schemas say of them."""

from datetime import UTC, datetime

import pytest

from conformance.peers import v16
from conformance.wire.frames import Call, decode, encode_call
from conformance.wire.schemas import VERSIONS, check_call

PLAIN = v16.charging_profile(id=1, purpose="TxProfile", periods=[(0, 6.0)])
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_a_profile_holds_what_was_given_and_no_more() -> None:
    profile = v16.charging_profile(
        id=7,
        purpose="ChargingStationMaxProfile",
        kind="Recurring",
        stack_level=2,
        unit="W",
        periods=[(0, 7000.0), (60, 3500.5, 1)],
        start=NOON,
        duration=120,
        valid_from=NOON,
        valid_to="2027-01-01T00:00:00Z",
        recurrency="Daily",
        transaction="5",
    )
    assert profile == {
        "chargingProfileId": 7,
        "transactionId": 5,
        "stackLevel": 2,
        "chargingProfilePurpose": "ChargePointMaxProfile",
        "chargingProfileKind": "Recurring",
        "recurrencyKind": "Daily",
        "validFrom": "2026-06-01T12:00:00.000Z",
        "validTo": "2027-01-01T00:00:00Z",
        "chargingSchedule": {
            "duration": 120,
            "startSchedule": "2026-06-01T12:00:00.000Z",
            "chargingRateUnit": "W",
            "chargingSchedulePeriod": [
                {"startPeriod": 0, "limit": 7000.0},
                {"startPeriod": 60, "limit": 3500.5, "numberPhases": 1},
            ],
        },
    }


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("SetChargingProfile", v16.set_charging_profile(1, PLAIN)),
        ("ClearChargingProfile", v16.clear_charging_profile()),
        ("ClearChargingProfile", v16.clear_charging_profile(id=1, connector=0, purpose="TxProfile", stack_level=3)),
        ("GetCompositeSchedule", v16.get_composite_schedule(0, 60)),
        ("GetCompositeSchedule", v16.get_composite_schedule(1, 60, "W")),
        ("RemoteStartTransaction", v16.remote_start("A", profile=PLAIN)),
    ],
)
def test_what_is_asked_fits_its_schema(action: str, payload: dict) -> None:
    call = decode(encode_call("1", action, payload))
    assert isinstance(call, Call)
    assert check_call(VERSIONS["1.6"], call) == []
