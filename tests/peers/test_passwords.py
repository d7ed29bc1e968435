"""The password of a station: changed for a block, and its own again after it, whatever happened."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from conformance.peers.passwords import Rotation, rotation
from conformance.reference.mutants.control import Control
from conformance.reference.mutants.passwords import KeepsRefusedPassword, NewPasswordUnused, StaysWithOldConnection
from conformance.reference.station import ReferenceStation
from conformance.reference.station.rpc import Payload
from conformance.rig import StationRig, create_rig
from conformance.sut.profile import load_profile, resolve
from conformance.sut.secret import Secret
from conformance.wire.transcript import Transcript

PROFILE = load_profile(resolve("reference-station")).in_version("2.0.1")
SOON = 3.0
PASSWORD = PROFILE.password()
assert PASSWORD is not None
OWN = PASSWORD.reveal()


class Stubborn(ReferenceStation):
    """Takes one new password, and no other after that."""

    def write_attribute(self, item: Payload, attribute_type: str) -> tuple[str, Payload | None]:
        """Refuse the second."""
        if len(item["attributeValue"]) < 40:
            return "Rejected", None
        return super().write_attribute(item, attribute_type)


@asynccontextmanager
async def rig(kind: type = ReferenceStation) -> AsyncIterator[StationRig]:
    made = create_rig(PROFILE, Transcript(), Path(), kind)
    assert isinstance(made, StationRig)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


def in_use(on: StationRig) -> str | None:
    return on.csms.entrances[-1].password


@asynccontextmanager
async def rotating(on: StationRig, length: int = 40) -> AsyncIterator[Rotation]:
    own = Secret(OWN)
    settle = PROFILE.timing.settle
    async with rotation(
        on.station, on.csms, on.network, own=own, other=own.successor(length), settle=settle
    ) as passwords:
        yield passwords


@pytest.mark.parametrize("kind", [ReferenceStation, Control, StaysWithOldConnection])
async def test_the_password_is_another_in_the_block_and_its_own_after_it(kind: type) -> None:
    async with rig(kind) as on:
        async with rotating(on) as passwords:
            came = passwords.came
            if await passwords.change(passwords.other) == "RebootRequired":
                await passwords.restart()
            elif not await passwords.returned(came, within=PROFILE.timing.settle):
                await passwords.drop()
            passwords.admit(passwords.other)
            assert await passwords.returned(came, within=SOON)
            assert passwords.came_with(passwords.other, came)
        assert in_use(on) == OWN
        assert on.csms.passwords == (OWN,)


async def change_and_fail(on: StationRig) -> None:
    async with rotating(on) as passwords:
        await passwords.change(passwords.other)
        raise ZeroDivisionError


async def test_a_block_that_fails_leaves_its_own_password_all_the_same() -> None:
    async with rig() as on:
        with pytest.raises(ZeroDivisionError):
            await change_and_fail(on)
        assert in_use(on) == OWN
        assert on.csms.passwords == (OWN,)


async def test_a_station_that_keeps_what_it_refused_gets_its_own_back() -> None:
    async with rig(KeepsRefusedPassword) as on:
        async with rotating(on, 15) as passwords:
            assert await passwords.change(passwords.other) == "Rejected"
            came = passwords.came
            await passwords.restart()
            assert await passwords.returned(came, within=SOON)
            assert passwords.came_with(passwords.other, came)
        assert in_use(on) == OWN


async def test_a_station_that_comes_with_a_password_that_is_not_taken_is_not_waited_for() -> None:
    async with rig(NewPasswordUnused) as on, rotating(on) as passwords:
        came = passwords.came
        await passwords.change(passwords.other)
        passwords.admit(passwords.other)
        assert not await passwords.returned(came, within=60)


async def test_a_password_that_can_not_be_put_back_is_told_of_and_still_let_in() -> None:
    async with rig(Stubborn) as on:
        with pytest.raises(AssertionError, match="could not be put back: that was Rejected"):
            async with rotating(on) as passwords:
                await passwords.change(passwords.other)
        assert len(on.csms.passwords) == len({OWN, in_use(on)})


async def test_nothing_that_is_kept_tells_a_password() -> None:
    async with rig() as on:
        async with rotating(on) as passwords:
            await passwords.change(passwords.other)
            other = passwords.other.reveal()
        kept = "".join(f"{each.to_json()} {each}" for each in on.transcript.entries)
        assert "BasicAuthPassword" in kept
        assert OWN not in kept
        assert other not in kept
        assert other not in f"{on.csms.entrances}"


def test_the_successor_of_a_secret_is_always_the_same_and_as_long_as_it_should_be() -> None:
    secret = Secret("halfmoon-tideway")
    assert secret.successor(40).reveal() == Secret("halfmoon-tideway").successor(40).reveal()
    assert secret.successor(40).reveal() != Secret("halfmoon-tidewax").successor(40).reveal()
    assert len(secret.successor(64).reveal()) == len(secret.reveal()) * 4
    assert secret.successor(40).reveal().isalnum()
