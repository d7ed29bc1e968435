"""The way up to a higher security profile, on the references, and the way back by an installer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from conformance.peers.network_profiles import PRIORITY
from conformance.peers.upgrades import PROFILE, Stairs, stairs, taken
from conformance.reference.mutants.security_profiles import HigherProfileUntold, OldProfileListed
from conformance.reference.mutants16.security_profiles import HigherProfileUnused
from conformance.reference.station import ReferenceStation
from conformance.reference.station16 import ReferenceStation16
from conformance.rig import StationRig, create_rig
from conformance.sut.drivers import Unsupported
from conformance.sut.profile import load_profile, resolve
from conformance.wire.transcript import Transcript

CLASSES = {"2.0.1": ReferenceStation, "1.6": ReferenceStation16}


@asynccontextmanager
async def rig(version: str, kind: type | None = None) -> AsyncIterator[StationRig]:
    profile = load_profile(resolve("reference-station")).in_version(version)
    made = create_rig(profile, Transcript(), Path(), kind or CLASSES[version])
    assert isinstance(made, StationRig)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


@asynccontextmanager
async def climbing(on: StationRig) -> AsyncIterator[Stairs]:
    async with stairs(on.security, on.csms, on.station, on.profile) as way:
        await on.security.commission(1)
        yield way


async def test_up_by_network_profiles_and_back_by_an_installer() -> None:
    async with rig("2.0.1") as on:
        async with climbing(on) as way:
            assert list(way.steps) == [(1, 2), (2, 3)]
            for low, high in way.steps:
                ascent, asked = await way.step(low, high)
                assert taken(await ascent.way.ask())
                assert asked.filled == "Accepted"
                link = await ascent.arrival(after=await ascent.way.follow())
                assert ascent.came(link) == high
                await ascent.booted(after=0)
                assert await asked.problems() == []
                assert await asked.ask_back() == "Rejected"
            assert on.security.profile == 3
        assert on.security.profile == 1
        assert await on.csms.speak.read(PRIORITY) == "1"
        assert not on.csms.keeper.left()


async def test_up_by_the_key_and_back_by_an_installer() -> None:
    async with rig("1.6") as on:
        async with climbing(on) as way:
            for low, high in way.steps:
                ascent = await way.step_by_key(low, high)
                assert taken(await ascent.way.ask())
                link = await ascent.arrival(after=await ascent.way.follow())
                assert ascent.came(link) == high
                assert await on.csms.speak.read(PROFILE) == str(high)
        assert await on.csms.speak.read(PROFILE) == "1"
        assert not on.csms.keeper.left()


@pytest.mark.parametrize(
    ("kind", "told"), [(HigherProfileUntold, "SecurityProfile reads 1"), (OldProfileListed, "list")]
)
async def test_what_is_left_of_the_lower_profile_is_seen(kind: type, told: str) -> None:
    async with rig("2.0.1", kind) as on, climbing(on) as way:
        ascent, asked = await way.step(1, 2)
        await ascent.way.ask()
        mark = await ascent.way.follow()
        await ascent.arrival(after=mark)
        await ascent.booted(after=mark)
        [problem] = await asked.problems()
        assert told in problem


async def test_one_that_comes_in_vain_is_not_waited_for() -> None:
    async with rig("1.6", HigherProfileUnused) as on, climbing(on) as way:
        ascent = await way.step_by_key(1, 2)
        await ascent.way.ask()
        with pytest.raises(AssertionError, match="never let in"):
            await ascent.arrival(after=await ascent.way.follow())


@pytest.mark.parametrize("version", CLASSES)
async def test_a_refusal_leaves_everything_as_it_was(version: str) -> None:
    async with rig(version) as on, climbing(on) as way:
        await on.security.commission(1, root=False, certificate=False)
        ascent = await way.one_step(1, 2)
        link, mark = on.csms.link, on.csms.now
        assert await ascent.way.ask() == "Rejected"
        assert await ascent.unmoved(link, after=mark) == ""
        await on.security.commission(1)
        assert "left its connection" in await ascent.unmoved(link, after=mark)


async def test_nobody_goes_up_who_can_not_be_brought_back() -> None:
    async with rig("2.0.1") as on:
        on.station.can = lambda action: action != "commission"  # type: ignore[method-assign]
        with pytest.raises(Unsupported, match="nobody can bring the station back"):
            async with climbing(on):
                pass
