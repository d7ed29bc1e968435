"""What a station says of the limits that it takes, and what is taken for sure where it does not."""

from types import SimpleNamespace
from typing import Any

import pytest

from conformance.peers.limits_told import LEVELS, PERIODS, UNITS, LimitsTold, limits_told

ALL = {UNITS: "Current, Power", LEVELS: "3", PERIODS: "10"}


class Speak:
    def __init__(self, said: dict[str, str]) -> None:
        self.said = said

    async def read(self, key: str) -> str:
        assert key in self.said, f"{key} can't be read"
        return self.said[key]


@pytest.mark.parametrize(
    ("said", "claims", "expected"),
    [
        (ALL, (), LimitsTold(frozenset({"A", "W"}), 3, 10)),
        (ALL | {UNITS: "W"}, ("charging-rate-amperes",), LimitsTold(frozenset({"W"}), 3, 10)),
        ({}, ("charging-rate-watts",), LimitsTold(frozenset({"W"}), 0, 1, bounds=False)),
        ({}, (), LimitsTold(frozenset({"A"}), 0, 1, bounds=False)),
        ({UNITS: "", LEVELS: "many", PERIODS: "-1"}, (), LimitsTold(frozenset({"A"}), 0, 1, bounds=False)),
    ],
)
async def test_what_is_said_counts_and_else_what_is_claimed(
    said: dict[str, str], claims: tuple[str, ...], expected: LimitsTold
) -> None:
    csms: Any = SimpleNamespace(speak=Speak(said))
    profile: Any = SimpleNamespace(claims=lambda name: name in claims)
    assert await limits_told(csms, profile) == expected
