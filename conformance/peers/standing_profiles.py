"""The charging profiles that somebody has set before: set aside while cases set theirs, and put back afterwards."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from conformance.peers.csms import CsmsPeer
from conformance.peers.received import NoAnswer, Refused

PURPOSES = ("TxProfile", "TxDefaultProfile", "ChargingStationMaxProfile")
"""What a CSMS can set; what limits a station from outside it can't clear either (K10.FR.06)."""


@asynccontextmanager
async def set_aside(csms: CsmsPeer) -> AsyncIterator[None]:
    """Have the station without a charging profile for a block; at its end it has those that it had before the run.

    What these are can be asked in OCPP 2.0.1 alone, and of a station that reports them.
    """
    theirs = await csms.keeper.profiles()
    await clear_all(csms)
    try:
        yield
    finally:
        with suppress(AssertionError):
            await csms.connected()
            await clear_all(csms)
            for each in theirs:
                await csms.call("SetChargingProfile", each.request)


async def clear_all(csms: CsmsPeer) -> None:
    """Clear whatever a CSMS can have set, one purpose after the other; what the station says is not looked at.

    One that does not answer is not asked any further.
    """
    with suppress(NoAnswer):
        for purpose in PURPOSES:
            with suppress(Refused):
                await csms.speak.clear_charging_profiles(purpose=purpose)
