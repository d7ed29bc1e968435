"""What cases do at a station while it can't reach the harness as its CSMS, and what brings it back."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from conformance.peers.csms import CsmsPeer
from conformance.peers.csms_dialect import Connector
from conformance.peers.received import NotSeen
from conformance.sut.profile import SutProfile
from conformance.wire.faults import Network

Token = Mapping[str, str]


class Handled(Protocol):
    """The part of a station driver that is used here."""

    def can(self, action: str) -> bool:
        """Whether the driver knows how to do this."""

    async def plug_in(self, evse: int, connector: int) -> None:
        """Put an EV's plug into the connector."""

    async def unplug(self, evse: int, connector: int) -> None:
        """Pull it out."""

    async def present_id_token(self, evse: int, id_token: str, type: str) -> None:  # noqa: A002
        """Hold a card to the reader."""

    async def ev_suspend(self, evse: int) -> None:
        """The EV stops asking for energy."""

    async def ev_ready(self, evse: int) -> None:
        """The EV asks for energy."""


async def moment(csms: CsmsPeer, profile: SutProfile, *, what: str = "the station to notice") -> None:
    """Give the station time to do something that can't be seen."""
    await passed(csms, profile.timing.settle, what)


async def passed(csms: CsmsPeer, seconds: float, what: str) -> None:
    """Let so many seconds pass, for something that nothing on the wire tells."""
    with suppress(NotSeen):
        await csms.until(lambda: False, what, within=seconds)


@asynccontextmanager
async def offline(
    csms: CsmsPeer, network: Network, profile: SutProfile, *, listening: bool = True
) -> AsyncIterator[None]:
    """Cut the station off for the length of a block, and wait until it is back.

    Its attempts are turned away, or where `listening` is false, nobody takes them.
    """
    async with network.turned_away() if listening else network.refused():
        await csms.disconnected()
        await moment(csms, profile, what="the station to notice that it is offline")
        yield
    await csms.connected()


async def present(station: Handled, spot: Connector, token: Token) -> None:
    """Hold a card to the reader."""
    await station.present_id_token(spot[0], token["idToken"], token["type"])


async def plug_and_present(
    station: Handled, csms: CsmsPeer, spot: Connector, token: Token, profile: SutProfile
) -> None:
    """Plug in and present a token, and give the station a moment for each."""
    await station.plug_in(*spot)
    await moment(csms, profile)
    await present(station, spot, token)
    await moment(csms, profile)


async def present_and_unplug(
    station: Handled, csms: CsmsPeer, spot: Connector, token: Token, profile: SutProfile
) -> None:
    """Present the token again and pull the plug, and give the station a moment for each."""
    await present(station, spot, token)
    await moment(csms, profile)
    await station.unplug(*spot)
    await moment(csms, profile)


async def something_happens(station: Handled, csms: CsmsPeer, evse: int, profile: SutProfile) -> None:
    """Have a running transaction something to tell: the EV pauses, or else the meter is read once more.

    For the latter the sampling interval has to be `meter_interval`.
    """
    if station.can("ev_suspend") and station.can("ev_ready"):
        await station.ev_suspend(evse)
        await moment(csms, profile)
        await station.ev_ready(evse)
        await moment(csms, profile)
    else:
        await passed(csms, profile.parameters.meter_interval + profile.timing.settle, "the meter to be read")
