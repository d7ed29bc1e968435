"""The charging profiles that somebody has set before: set aside while cases set theirs, and put back afterwards."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

from conformance.oracles.kept_profiles import Wanted, told
from conformance.peers.csms import CsmsPeer
from conformance.peers.received import NoAnswer, NotSeen, Received, Refused

PURPOSES = ("TxProfile", "TxDefaultProfile", "ChargingStationMaxProfile")
"""What a CSMS can set; what limits a station from outside it can't clear either (K10.FR.06)."""

LASTING = ("TxDefaultProfile", "ChargingStationMaxProfile")
"""What outlives a transaction."""

Standing = tuple[int, Mapping[str, Any]]
"""An EVSE, 0 for the station, and a profile that it had."""

_requests = count(66_000)
_found: WeakKeyDictionary[CsmsPeer, list[Standing]] = WeakKeyDictionary()


@asynccontextmanager
async def set_aside(csms: CsmsPeer) -> AsyncIterator[None]:
    """Have the station without a charging profile for a block; at its end it has those that it had before the run.

    What these are can be asked in OCPP 2.0.1 alone, and of a station that reports them.
    """
    if csms not in _found:
        _found[csms] = await _standing(csms)
    await clear_all(csms)
    try:
        yield
    finally:
        with suppress(AssertionError):
            await csms.connected()
            await clear_all(csms)
            for evse, profile in _found[csms]:
                await csms.speak.set_charging_profile(evse, profile)


async def clear_all(csms: CsmsPeer) -> None:
    """Clear whatever a CSMS can have set, one purpose after the other; what the station says is not looked at.

    One that does not answer is not asked any further.
    """
    with suppress(NoAnswer):
        for purpose in PURPOSES:
            with suppress(Refused):
                await csms.speak.clear_charging_profiles(purpose=purpose)


async def _standing(csms: CsmsPeer) -> list[Standing]:
    """What the station has, as far as it can be asked, and tells in the time that an answer may take."""
    if csms.link is None or csms.link.version is None or csms.link.version.name == "1.6":
        return []
    found: list[Standing] = []
    with suppress(Refused, NoAnswer):
        for purpose in LASTING:
            found += await _reported(csms, purpose)
    return found


async def _reported(csms: CsmsPeer, purpose: str) -> list[Standing]:
    number, mark = next(_requests), csms.now
    answer = await csms.call("GetChargingProfiles", Wanted(purpose=purpose).request(number))
    parts: list[Received] = []

    def of_this(part: Received) -> bool:
        return part.get("requestId") == number

    with suppress(NotSeen):
        while answer.get("status") == "Accepted" and (not parts or parts[-1].get("tbc") is True):
            last = parts[-1] if parts else mark
            within = csms.patience.answer
            parts.append(await csms.expect("ReportChargingProfiles", after=last, where=of_this, within=within))
    return [
        (each.evse, each.profile)
        for each in told(parts)
        if isinstance(each.evse, int) and each.profile.get("chargingProfilePurpose") == purpose
    ]
