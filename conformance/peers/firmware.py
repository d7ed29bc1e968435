"""New firmware for a station of OCPP 1.6: what there is to be installed, and how far an update has come (L01)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.peers.certificate_scenes import MANUFACTURER, offered, removed_after
from conformance.peers.csms import CsmsPeer
from conformance.peers.received import Received
from conformance.peers.security import StationSecurity
from conformance.peers.v16 import signed_update_firmware
from conformance.sut.profile import SutProfile
from conformance.sut.tables import EmbeddedDriver, Firmware

STATUS = "SignedFirmwareStatusNotification"
FAILED = ("DownloadFailed", "InstallationFailed", "InstallVerificationFailed", "InvalidSignature")
"""How an update can end without new firmware."""
OVER = ("Installed", *FAILED)


@dataclass(frozen=True)
class Image:
    """Firmware, the certificate of who has signed it in PEM, and the signature in Base64."""

    content: bytes = field(repr=False)
    certificate: str = field(repr=False)
    signature: str = field(repr=False)


@asynccontextmanager
async def image_for(csms: CsmsPeer, profile: SutProfile, security: StationSecurity) -> AsyncIterator[Image | None]:
    """Firmware that the station has to take, for the length of a block: that of the profile; None where it has none.

    A reference takes anything that is signed by a root of a manufacturer, which is installed in it.
    """
    given = profile.parameters.firmware
    if given is not None:
        yield _read(given)
        return
    if not isinstance(profile.driver, EmbeddedDriver):
        yield None
        return
    pki, content = security.pki, b"Firmware for the reference station"
    async with removed_after(csms, MANUFACTURER, pki.manufacturer_root):
        status = await offered(csms, MANUFACTURER, pki.manufacturer_root)
        assert status == "Accepted", f"the root of the manufacturer was answered {status}"
        yield Image(content, pki.firmware_signer.certificates, pki.sign_firmware(content))


def _read(given: Firmware) -> Image:
    """What a profile names."""
    certificate, signature = (Path(each).read_text(encoding="ascii") for each in (given.certificate, given.signature))
    return Image(Path(given.file).read_bytes(), certificate, "".join(signature.split()))


async def ask_for_update(csms: CsmsPeer, number: int, url: str, image: Image, **more: Any) -> str:
    """Ask for an update; the status. `more` are keywords of `signed_update_firmware`."""
    request = signed_update_firmware(
        number, url, **{"certificate": image.certificate, "signature": image.signature, **more}
    )
    status: str = (await csms.call("SignedUpdateFirmware", request))["status"]
    return status


def steps(csms: CsmsPeer, *, after: int) -> list[Received]:
    """What the station has told of an update since then."""
    return csms.seen(STATUS, after=after)


async def update_over(csms: CsmsPeer, *, after: int, within: float) -> Received:
    """Wait for the status that ends an update; raises NotSeen."""
    return await csms.expect(STATUS, after=after, within=within, where=lambda told: told["status"] in OVER)
