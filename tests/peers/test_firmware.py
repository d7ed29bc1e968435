"""Firmware for a station: that of its profile."""

from pathlib import Path
from typing import Any, cast

from conformance.peers.csms import CsmsPeer
from conformance.peers.firmware import Image, image_for
from conformance.peers.security import StationSecurity
from conformance.sut.profile import SutProfile
from conformance.sut.tables import Firmware, Parameters, Product

NOBODY: Any = None


def profile(**parameters: Any) -> SutProfile:
    return SutProfile(
        role="station",
        versions=("1.6",),
        identity="CS001",
        sut=Product(name="Box"),
        parameters=Parameters(**parameters),
    )


async def test_firmware_of_a_profile(tmp_path: Path) -> None:
    files = {"file": "image", "certificate": "signer", "signature": "c2ln\nbmVk\n"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    given = Firmware(**{name: str(tmp_path / name) for name in files})
    peer, security = cast("CsmsPeer", NOBODY), cast("StationSecurity", NOBODY)
    async with image_for(peer, profile(firmware=given), security) as image:
        assert image == Image(b"image", "signer", "c2lnbmVk")
        assert "signer" not in repr(image)


async def test_without_any() -> None:
    async with image_for(NOBODY, profile(), NOBODY) as image:
        assert image is None
