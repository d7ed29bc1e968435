"""Sending a station away and bringing it home, also where it does not want to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from conformance.files import data
from conformance.peers.network_profiles import PRIORITY, Journey, journey
from conformance.reference.mutants.network_profiles import GivesUpWhenAllFail
from conformance.reference.station import ReferenceStation
from conformance.rig import StationRig
from conformance.sut.profile import load_profile
from conformance.wire.transcript import Transcript

pytestmark = pytest.mark.asyncio(loop_scope="function")


class NoWayBack(ReferenceStation):
    """Does not let its list be changed by anybody but its first CSMS."""

    def write_attribute(self, item: dict[str, Any], attribute_type: str) -> tuple[str, dict[str, Any] | None]:
        if item["variable"]["name"] == PRIORITY[1] and self.model.text("OCPPCommCtrlr", "ActiveNetworkProfile") != "1":
            return "Rejected", None
        return super().write_attribute(item, attribute_type)


@asynccontextmanager
async def rig(folder: Path, kind: type | None = None, **parameters: Any) -> AsyncIterator[StationRig]:
    profile = load_profile(data("fixtures/profiles/reference-station.toml")).in_version("2.0.1")
    timing = msgspec.structs.replace(profile.timing, reconnect=1.0, boot=1.5, settle=0.1)
    own = msgspec.structs.replace(profile.parameters, **parameters)
    profile = msgspec.structs.replace(profile, timing=timing, parameters=own)
    made = StationRig(profile, Transcript(), folder, kind)
    try:
        await made.start()
        await made.ready(doubtful=False)
        made.csms.begin()
        yield made
    finally:
        await made.stop()


def trip(rig: StationRig, **options: Any) -> Any:
    return journey(rig.csms, rig.station, rig.profile, (rig.server.first, rig.server.second), **options)


async def go(away: Journey) -> int:
    assert (await away.point_away(away.spare))["status"] == "Accepted"
    assert await away.prioritize(away.spare, away.active) == "RebootRequired"
    return await away.restart()


async def there(away: Journey, mark: int) -> None:
    await away.arrival(after=mark)
    await away.booted(after=mark)


async def test_there_and_back(tmp_path: Path) -> None:
    async with rig(tmp_path) as station:
        async with trip(station) as away:
            assert (away.active, away.spare, away.slots, away.priority) == ("1", "2", ("1", "2", "3"), "1")
            mark = await go(away)
            await there(away, mark)
            assert away.course(after=mark) == ["away+"]
            assert station.server.second.admitted(station.csms.link)
        assert station.server.first.admitted(station.csms.link)
        assert not station.server.second.listener.is_listening
        assert await station.csms.speak.read(PRIORITY) == "1"
        [remark] = station.csms.remarks
        assert remark.startswith("slot 2 of the station's network profiles was filled, and leads to ws://127.0.0.1:")
        await station.csms.speak.write(PRIORITY, "2,1")
        mark = station.csms.now
        async with trip(station) as home:
            await there(home, await home.restart())
        assert station.server.first.asked(after=mark), "the slot leads home now"
        assert station.csms.remarks == [remark]


async def fails(station: StationRig, *, on_the_way: bool) -> None:
    async with trip(station) as away:
        mark = await go(away)
        if not on_the_way:
            await there(away, mark)
        raise AssertionError("something else")


@pytest.mark.parametrize("on_the_way", [False, True])
async def test_brought_home_after_a_failure(tmp_path: Path, *, on_the_way: bool) -> None:
    async with rig(tmp_path) as station:
        with pytest.raises(AssertionError, match="something else"):
            await fails(station, on_the_way=on_the_way)
        assert station.server.first.admitted(station.csms.link)
        assert await station.csms.speak.read(PRIORITY) == "1"


async def test_a_station_that_stays_away(tmp_path: Path) -> None:
    async with rig(tmp_path, NoWayBack) as station:
        with pytest.raises(AssertionError, match="is still at the second address"):
            async with trip(station) as away:
                await there(away, await go(away))
        assert any("set its priority list to 1 and restart it by hand" in each for each in station.csms.remarks)
        assert station.server.second.listener.is_listening, "or nobody could reach it any more"
        assert await station.csms.speak.read(PRIORITY) == "2,1"


async def test_a_station_that_has_to_be_switched_off_and_on(tmp_path: Path) -> None:
    async with rig(tmp_path, GivesUpWhenAllFail) as station:
        async with trip(station, attempts=1) as away:
            first, second = away.home.network.turned_away(drop="keep"), away.away.network.turned_away(drop="keep")
            async with first, second:
                await away.attempted(2, after=await go(away))
        assert station.server.first.admitted(station.csms.link)
        assert await station.csms.speak.read(PRIORITY) == "1"


async def test_hands_off(tmp_path: Path) -> None:
    async with rig(tmp_path, hands_off=("*NetworkConfigurationPriority",)) as station:
        with pytest.raises(AssertionError, match="hands_off"):
            async with trip(station):
                pass


async def test_another_way_to_the_second_address(tmp_path: Path) -> None:
    async with rig(tmp_path, second_url="ws://harness.example:0/ocpp") as station, trip(station) as away:
        assert await away.open_away() == "ws://harness.example:0/ocpp"
