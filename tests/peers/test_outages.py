"""What cases do at a station that can't reach the harness."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import pytest

from conformance.peers.outages import (
    moment,
    offline,
    plug_and_present,
    present_and_unplug,
    something_happens,
)
from conformance.peers.received import NotSeen
from conformance.sut.profile import load_profile, resolve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from conformance.peers.csms import CsmsPeer
    from conformance.wire.faults import Network

PROFILE = load_profile(resolve("reference-station"))
SETTLE, INTERVAL = PROFILE.timing.settle, PROFILE.parameters.meter_interval
TOKEN = {"idToken": "04AB", "type": "ISO14443"}
SPOT = (1, 2)


class Log:
    """Stands for the harness's CSMS, the network and the station, and keeps what was asked of them in order."""

    def __init__(self, *able: str) -> None:
        self.done: list[Any] = []
        self._able = able

    def can(self, action: str) -> bool:
        return action in self._able

    async def until(self, condition: Callable[[], bool], what: str, *, within: float) -> None:
        assert not condition()
        self.done.append(within)
        raise NotSeen(what)

    async def disconnected(self) -> None:
        self.done.append("disconnected")

    async def connected(self) -> None:
        self.done.append("connected")

    async def plug_in(self, evse: int, connector: int) -> None:
        self.done.append(("plug_in", evse, connector))

    async def unplug(self, evse: int, connector: int) -> None:
        self.done.append(("unplug", evse, connector))

    async def present_id_token(self, evse: int, id_token: str, type: str) -> None:  # noqa: A002
        self.done.append((evse, id_token, type))

    async def ev_suspend(self, evse: int) -> None:
        self.done.append(("ev_suspend", evse))

    async def ev_ready(self, evse: int) -> None:
        self.done.append(("ev_ready", evse))

    @asynccontextmanager
    async def _fault(self, name: str) -> AsyncIterator[None]:
        self.done.append(name)
        yield
        self.done.append(f"no longer {name}")

    def turned_away(self) -> Any:
        return self._fault("turned away")

    def refused(self) -> Any:
        return self._fault("refused")


def peer(log: Log) -> CsmsPeer:
    """The log as the CSMS."""
    return cast("CsmsPeer", log)


@pytest.mark.asyncio
@pytest.mark.parametrize(("listening", "fault"), [(True, "turned away"), (False, "refused")])
async def test_offline(*, listening: bool, fault: str) -> None:
    """The station has a moment to notice, and is waited for afterwards."""
    log = Log()
    async with offline(peer(log), cast("Network", log), PROFILE, listening=listening):
        log.done.append("block")
    assert log.done == [fault, "disconnected", SETTLE, "block", f"no longer {fault}", "connected"]


@pytest.mark.asyncio
async def test_a_driver_comes_and_goes() -> None:
    """With a moment for each step."""
    log = Log()
    await plug_and_present(log, peer(log), SPOT, TOKEN, PROFILE)
    await present_and_unplug(log, peer(log), SPOT, TOKEN, PROFILE)
    card = (1, "04AB", "ISO14443")
    assert log.done == [("plug_in", 1, 2), SETTLE, card, SETTLE, card, SETTLE, ("unplug", 1, 2), SETTLE]


@pytest.mark.asyncio
async def test_something_happens() -> None:
    """By the EV where it can be told to, else by the meter."""
    log = Log("ev_suspend", "ev_ready")
    await something_happens(log, peer(log), 1, PROFILE)
    assert log.done == [("ev_suspend", 1), SETTLE, ("ev_ready", 1), SETTLE]
    log = Log("ev_suspend")
    await something_happens(log, peer(log), 1, PROFILE)
    assert log.done == [INTERVAL + SETTLE]


@pytest.mark.asyncio
async def test_a_moment_is_no_failure() -> None:
    """Nothing was awaited."""
    log = Log()
    await moment(peer(log), PROFILE)
    assert log.done == [SETTLE]
