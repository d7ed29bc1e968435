"""What a station says of the limits that it takes, and what is sure where it does not say."""

from collections.abc import Mapping
from dataclasses import dataclass

from conformance.cases.setpoint import Unit
from conformance.peers.csms import CsmsPeer
from conformance.sut.profile import SutProfile

UNITS, LEVELS = "ChargingScheduleAllowedChargingRateUnit", "ChargeProfileMaxStackLevel"
PERIODS = "ChargingScheduleMaxPeriods"
_UNITS: Mapping[str, Unit] = {"a": "A", "current": "A", "w": "W", "power": "W"}
_CLAIMS: Mapping[Unit, str] = {"A": "charging-rate-amperes", "W": "charging-rate-watts"}


@dataclass(frozen=True, slots=True)
class LimitsTold:
    """The units of limits, the highest stack level, and how many periods a schedule may have."""

    units: frozenset[Unit]
    top_level: int
    periods: int


async def limits_told(csms: CsmsPeer, profile: SutProfile) -> LimitsTold:
    """Ask a station for all of it.

    Where it does not say, its units are those that its profile claims, or amperes; level 0 and one period do anyhow.
    """
    said = {key: await _read(csms, key) for key in (UNITS, LEVELS, PERIODS)}
    words = (each.strip().lower() for each in said[UNITS].split(","))
    units = {_UNITS[each] for each in words if each in _UNITS}
    units = units or {unit for unit, claim in _CLAIMS.items() if profile.claims(claim)} or {"A"}
    return LimitsTold(frozenset(units), _number(said[LEVELS], otherwise=0), _number(said[PERIODS], otherwise=1))


async def _read(csms: CsmsPeer, key: str) -> str:
    try:
        return await csms.speak.read(key)
    except AssertionError:
        return ""


def _number(said: str, *, otherwise: int) -> int:
    return int(said) if said.strip().isdecimal() else otherwise
