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
    """The units of limits, the highest stack level, and how many periods a schedule may have.

    `bounds` says whether the station tells the highest level and the most periods: what is beyond them is unknown else.
    """

    units: frozenset[Unit]
    top_level: int
    periods: int
    bounds: bool = True


async def limits_told(csms: CsmsPeer, profile: SutProfile) -> LimitsTold:
    """Ask a station for all of it.

    Where it does not say, its units are those that its profile claims, or amperes; level 0 and one period do anyhow.
    """
    said = {key: await _read(csms, key) for key in (UNITS, LEVELS, PERIODS)}
    words = (each.strip().lower() for each in said[UNITS].split(","))
    units = {_UNITS[each] for each in words if each in _UNITS}
    units = units or {unit for unit, claim in _CLAIMS.items() if profile.claims(claim)} or {"A"}
    levels, periods = _number(said[LEVELS]), _number(said[PERIODS])
    bounds = levels is not None and periods is not None
    return LimitsTold(frozenset(units), levels or 0, 1 if periods is None else periods, bounds)


async def _read(csms: CsmsPeer, key: str) -> str:
    try:
        return await csms.speak.read(key)
    except AssertionError:
        return ""


def _number(said: str) -> int | None:
    return int(said) if said.strip().isdecimal() else None
