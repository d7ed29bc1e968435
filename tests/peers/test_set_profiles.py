"""What is said of charging profiles that a CSMS sets."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conformance.oracles.kept_profiles import Installed
from conformance.peers.received import Message
from conformance.peers.set_profiles import check_above, check_status

START = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
PROFILE = Installed(1, {"id": 7, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 0})


def answer(*periods: tuple[int, float]) -> Message:
    listed = [{"startPeriod": start, "limit": limit} for start, limit in periods]
    told = {"evseId": 1, "duration": 600, "scheduleStart": START.isoformat(), "chargingRateUnit": "A"}
    return Message({"status": "Accepted", "schedule": {**told, "chargingSchedulePeriod": listed}}, "the answer")


def test_another_status_is_told_with_its_reason() -> None:
    refused = Message({"status": "Rejected", "statusInfo": {"reasonCode": "OutOfMemory"}}, "the answer")
    check_status(refused, PROFILE, "Rejected")
    with pytest.raises(AssertionError, match=r"expected Accepted for profile 7 .*, got Rejected \(OutOfMemory\)"):
        check_status(refused, PROFILE, "Accepted")


@pytest.mark.parametrize(
    ("periods", "window"),
    [
        (((0, 6.2),), {}),
        (((0, 6.0), (300, 32.0)), {"since": 300}),
        (((0, 6.0), (303, 32.0)), {"since": 300}),
        (((0, 32.0), (300, 6.0)), {"until": 300}),
        (((0, 32.0), (297, 6.0)), {"until": 300}),
        (((0, 32.0), (60, 6.0), (120, 32.0)), {"since": 120, "until": 600}),
    ],
)
def test_above_a_limit(periods: tuple[tuple[int, float], ...], window: dict[str, int]) -> None:
    check_above(answer(*periods), 1, 6.0, **_moments(window))


@pytest.mark.parametrize(
    ("periods", "window", "second"),
    [
        (((0, 6.0),), {}, 0),
        (((0, 6.05),), {}, 0),
        (((0, 32.0), (100, 5.0)), {}, 100),
        (((0, 6.0), (310, 32.0)), {"since": 300}, 305),
        (((0, 32.0), (290, 6.0)), {"until": 300}, 290),
    ],
)
def test_not_above_a_limit(periods: tuple[tuple[int, float], ...], window: dict[str, int], second: int) -> None:
    with pytest.raises(AssertionError, match=rf"the limit of 6 A does not hold for EVSE 1 in second {second},"):
        check_above(answer(*periods), 1, 6.0, **_moments(window))


def _moments(window: dict[str, int]) -> dict[str, Any]:
    return {name: START + timedelta(seconds=seconds) for name, seconds in window.items()}
