"""Logs and firmware of the 1.6 reference station: what it brings and fetches, and what it says of that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from cryptography import x509

from conformance.peers.files import Files
from conformance.peers.v16 import get_log, signed_update_firmware
from conformance.pki import Pki
from conformance.reference.station16 import ReferenceStation16
from tests.reference.conftest import NOW
from tests.reference.test_station16 import Csms16, Yard, csms, yard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="function")

__all__ = ["csms", "yard"]

LOG_STATUS, FIRMWARE_STATUS = "LogStatusNotification", "SignedFirmwareStatusNotification"
IMAGE = b"a new firmware"
MOMENT = datetime.fromisoformat(NOW)


@pytest_asyncio.fixture(loop_scope="function")
async def files() -> AsyncIterator[Files]:
    async with Files("127.0.0.1") as place:
        yield place


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki.new()


class Trusting(ReferenceStation16):
    """Takes any certificate for that of a manufacturer."""

    def is_of_manufacturer(self, certificate: x509.Certificate) -> bool:
        return certificate is not None


class TestLogs:
    async def test_security_log_is_brought(self, csms: Csms16, yard: Yard, files: Files) -> None:
        station = await yard.boot()
        station.security_event_happened("ReconfigurationOfSecurityParameters", "AuthorizationKey")
        answer = await csms.call("GetLog", get_log("SecurityLog", 7, files.url("logs")))
        assert answer["status"] == "Accepted"
        brought = await files.upload("logs", within=3)
        assert brought.name == f"logs/{answer['filename']}"
        events = [line.split()[1:] for line in brought.content.decode().splitlines()]
        assert events == [["StartupOfTheDevice"], ["ReconfigurationOfSecurityParameters", "AuthorizationKey"]]
        await csms.expect(LOG_STATUS, status="Uploaded", requestId=7)
        assert [each["status"] for each in csms.of(LOG_STATUS, requestId=7)] == ["Uploading", "Uploaded"]
        assert csms.of("SecurityEventNotification", type="ReconfigurationOfSecurityParameters") == []

    async def test_part_of_the_log(self, csms: Csms16, yard: Yard, files: Files) -> None:
        await yard.boot()
        request = get_log("SecurityLog", 7, files.url())
        for bounds in ({"oldestTimestamp": "2031-01-01T00:00:00Z"}, {"latestTimestamp": "2029-01-01T00:00:00Z"}):
            answer = await csms.call("GetLog", {**request, "log": {**request["log"], **bounds}})
            assert answer == {"status": "Rejected"}

    async def test_diagnostics_hold_no_secret(self, csms: Csms16, yard: Yard, files: Files) -> None:
        await yard.boot(password="a very long password")
        assert (await csms.call("GetLog", get_log("DiagnosticsLog", 8, files.url("logs"))))["status"] == "Accepted"
        content = (await files.upload("logs", within=3)).content
        assert b"3.8.1" in content
        assert b"password" not in content

    @pytest.mark.parametrize(
        ("status", "told"),
        [
            (403, "PermissionDenied"),
            (400, "BadMessage"),
            (405, "NotSupportedOperation"),
            (500, "UploadFailure"),
        ],
    )
    async def test_failure(self, csms: Csms16, yard: Yard, files: Files, status: int, told: str) -> None:
        await yard.boot()
        files.refuse("logs", status)
        await csms.call("GetLog", get_log("SecurityLog", 9, files.url("logs"), retries=2, retry_interval=0))
        await csms.expect(LOG_STATUS, status=told, requestId=9)
        assert len(files.transfers) == 2

    @pytest.mark.parametrize(
        ("url", "told"), [("ftp://127.0.0.1/logs", "NotSupportedOperation"), ("http://127.0.0.1:1/", "UploadFailure")]
    )
    async def test_no_way_there(self, csms: Csms16, yard: Yard, url: str, told: str) -> None:
        await yard.boot()
        await csms.call("GetLog", get_log("SecurityLog", 9, url, retries=1))
        await csms.expect(LOG_STATUS, status=told, requestId=9)

    async def test_new_request_takes_the_place_of_the_old(self, csms: Csms16, yard: Yard, files: Files) -> None:
        await yard.boot()
        files.hold("slow")
        await csms.call("GetLog", get_log("SecurityLog", 1, files.url("slow")))
        await files.begun("slow", within=3)
        trigger = {"requestedMessage": LOG_STATUS}
        assert (await csms.call("ExtendedTriggerMessage", trigger)) == {"status": "Accepted"}
        await csms.expect(LOG_STATUS, 2, status="Uploading", requestId=1)
        answer = await csms.call("GetLog", get_log("SecurityLog", 2, files.url("logs")))
        assert answer["status"] == "AcceptedCanceled"
        await csms.expect(LOG_STATUS, status="Uploaded", requestId=2)
        assert csms.of(LOG_STATUS, status="Uploaded", requestId=1) == []
        await csms.call("ExtendedTriggerMessage", trigger)
        assert "requestId" not in await csms.expect(LOG_STATUS, status="Idle")


class TestFirmware:
    async def ask(self, csms: Csms16, pki: Pki, url: str, **more: Any) -> str:
        signed = {"certificate": pki.firmware_signer.certificates, "signature": pki.sign_firmware(IMAGE), **more}
        answer = await csms.call("SignedUpdateFirmware", signed_update_firmware(5, url, **signed))
        status: str = answer["status"]
        return status

    def steps(self, csms: Csms16) -> list[str]:
        return [each["status"] for each in csms.of(FIRMWARE_STATUS, requestId=5)]

    async def test_update(self, csms: Csms16, yard: Yard, files: Files, pki: Pki) -> None:
        await yard.boot(Trusting)
        assert await self.ask(csms, pki, files.offer("image", IMAGE)) == "Accepted"
        await csms.expect(FIRMWARE_STATUS, status="Installed")
        assert self.steps(csms) == ["Downloading", "Downloaded", "SignatureVerified", "Installing", "Installed"]
        await csms.expect("BootNotification", 2)
        await csms.expect("SecurityEventNotification", type="FirmwareUpdated")
        await csms.call("ExtendedTriggerMessage", {"requestedMessage": "FirmwareStatusNotification"})
        await csms.expect(FIRMWARE_STATUS, status="Idle")

    @pytest.mark.parametrize("signature", ["bm9wZQ==", "no base64"])
    async def test_bad_signature(self, csms: Csms16, yard: Yard, files: Files, pki: Pki, signature: str) -> None:
        await yard.boot(Trusting)
        assert await self.ask(csms, pki, files.offer("image", IMAGE), signature=signature) == "Accepted"
        await csms.expect("SecurityEventNotification", type="InvalidFirmwareSignature")
        assert self.steps(csms) == ["Downloading", "Downloaded", "InvalidSignature"]
        await csms.call("ExtendedTriggerMessage", {"requestedMessage": "FirmwareStatusNotification"})
        await csms.expect(FIRMWARE_STATUS, 2, status="InvalidSignature", requestId=5)

    async def test_unknown_manufacturer(self, csms: Csms16, yard: Yard, files: Files, pki: Pki) -> None:
        await yard.boot()
        assert await self.ask(csms, pki, files.offer("image", IMAGE)) == "InvalidCertificate"
        assert await self.ask(csms, pki, files.url("image"), certificate="x") == "InvalidCertificate"
        await csms.expect("SecurityEventNotification", 2, type="InvalidFirmwareSigningCertificate")
        assert files.transfers == []

    async def test_nothing_to_fetch(self, csms: Csms16, yard: Yard, files: Files, pki: Pki) -> None:
        await yard.boot(Trusting)
        assert await self.ask(csms, pki, files.url("image"), retries=2, retry_interval=0) == "Accepted"
        await csms.expect(FIRMWARE_STATUS, status="DownloadFailed")
        assert len(files.transfers) == 2

    async def test_schedule_and_another_request(self, csms: Csms16, yard: Yard, files: Files, pki: Pki) -> None:
        await yard.boot(Trusting)
        url = files.offer("image", IMAGE)
        later = MOMENT + timedelta(hours=1)
        assert await self.ask(csms, pki, url, retrieve=later.astimezone(UTC)) == "Accepted"
        await csms.expect(FIRMWARE_STATUS, status="DownloadScheduled")
        assert await self.ask(csms, pki, url, install=later) == "AcceptedCanceled"
        await csms.expect(FIRMWARE_STATUS, status="InstallScheduled")

    async def test_waits_for_transactions(self, csms: Csms16, yard: Yard, files: Files, pki: Pki) -> None:
        station = await yard.boot(Trusting)
        await station.plug_in(1, 2)
        await station.present_id_token(1, "A")
        await csms.until_status(2, "Charging")
        await self.ask(csms, pki, files.offer("image", IMAGE))
        await csms.until_status(1, "Unavailable")
        await csms.until_status(3, "Unavailable")
        assert csms.of(FIRMWARE_STATUS, status="Installing") == []
        await station.present_id_token(1, "A")
        await csms.expect(FIRMWARE_STATUS, status="Installed")
        await csms.until_status(1, "Available")
