"""Security profiles and certificates of the 1.6 reference station, seen from a Central System."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from conformance.pki import Pki
from conformance.reference.station import SecuritySetup
from conformance.reference.station16 import ReferenceStation16, StationConfig16
from tests.reference.test_station16 import DEFAULTS, Csms16, Yard, csms, get, put, yard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from conformance.wire.certificates import Chain

pytestmark = pytest.mark.asyncio(loop_scope="function")

__all__ = ["csms", "yard"]

PASSWORD = "a-very-secret-password"
EVENT = "SecurityEventNotification"


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki.new()


def setup(pki: Pki, profile: int, own: Chain | None = None, **more: str) -> SecuritySetup:
    shown = {} if own is None else {"certificate": own.certificates, "key": own.key}
    return SecuritySetup(profile, **{"roots": pki.root, **shown, **more})


@asynccontextmanager
async def secure(pki: Pki, folder: Path, *, clients: bool = False) -> AsyncIterator[Yard]:
    """A Central System behind TLS, which asks for certificates of clients or not, and its yard."""
    shown = pki.server()[1]
    file = folder / "server.pem"
    file.write_text(shown.certificates + shown.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.load_verify_locations(cadata=pki.client_root)
    context.verify_mode = ssl.CERT_OPTIONAL if clients else ssl.CERT_NONE
    made = Csms16()
    async with made.listening(context):
        yard = Yard(made, f"wss://localhost:{made.port}/ocpp")
        yield yard
        await yard.close()


@pytest.fixture(autouse=True)
def present(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Central Systems tell the time of the host: certificates are good for a while only."""
    answer = {"currentTime": datetime.now(UTC).isoformat(), "interval": 300, "status": "Accepted"}
    monkeypatch.setitem(DEFAULTS, "BootNotification", answer)


class Telling(ReferenceStation16):
    """Says when it has refused a server."""

    def __init__(self, config: StationConfig16) -> None:
        super().__init__(config)
        self.refused = asyncio.Event()

    def server_refused(self, event: str, why: str) -> None:
        super().server_refused(event, why)
        self.refused.set()


class TestProfiles:
    async def test_profile_2(self, pki: Pki, tmp_path: Path) -> None:
        async with secure(pki, tmp_path) as yard:
            await yard.boot(password=PASSWORD, security=setup(pki, 2))
            assert "Authorization" in yard.csms.attempts[0][1].headers
            assert (await get(yard.csms, "SecurityProfile"))["value"] == "2"

    async def test_up_to_profile_3(self, pki: Pki, tmp_path: Path) -> None:
        async with secure(pki, tmp_path, clients=True) as yard:
            await yard.boot(password=PASSWORD, security=setup(pki, 2, pki.station()))
            assert await put(yard.csms, "SecurityProfile", "3") == "Accepted"
            await yard.csms.until(lambda: len(yard.csms.connections) == 2)
            assert "Authorization" not in yard.csms.attempts[1][1].headers
            assert (await get(yard.csms, "SecurityProfile"))["value"] == "3"
            assert await put(yard.csms, "SecurityProfile", "2") == "Rejected"

    async def test_not_without_what_it_takes(self, csms: Csms16, yard: Yard, pki: Pki) -> None:
        station = await yard.boot(security=SecuritySetup(1))
        assert await put(csms, "SecurityProfile", "1") == "Rejected"
        assert await put(csms, "SecurityProfile", "2") == "Rejected"
        station.config.security = setup(pki, 1)
        station.forget_certificates()
        assert await put(csms, "SecurityProfile", "2") == "Rejected"
        assert await put(csms, "SecurityProfile", "3") == "Rejected"
        assert len(csms.connections) == 1

    async def test_falls_back_where_the_new_profile_leads_nowhere(self, csms: Csms16, yard: Yard, pki: Pki) -> None:
        await yard.boot(password=PASSWORD, security=setup(pki, 1))
        assert await put(csms, "SecurityProfile", "2") == "Accepted"
        await csms.until(lambda: len(csms.connections) == 2)
        assert (await get(csms, "SecurityProfile"))["value"] == "1"

    async def test_bad_server(self, pki: Pki, tmp_path: Path) -> None:
        async with secure(pki, tmp_path) as yard:
            station = yard.build(Telling, password=PASSWORD, security=setup(pki, 2, roots=pki.other_root))
            assert isinstance(station, Telling)
            await station.power_on()
            await asyncio.wait_for(station.refused.wait(), 3)
            assert [each["type"] for each in station.security_log] == ["InvalidCentralSystemCertificate"]
            assert yard.csms.attempts == []

    async def test_commission(self, pki: Pki, tmp_path: Path, csms: Csms16, yard: Yard) -> None:
        files = {"root": pki.root, "certificate": pki.station().certificates, "key": pki.station().key}
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        station = await yard.boot(password=PASSWORD)
        await put(csms, "AuthorizationKey", "00" * 16)
        async with secure(pki, tmp_path, clients=True) as there:
            await station.commission(3, there.url, *(str(tmp_path / name) for name in files))
            await there.csms.expect(EVENT)
            assert (await get(there.csms, "SecurityProfile"))["value"] == "3"
            await station.commission(1, csms.url, "", "", "")
        await csms.expect(EVENT, 2)
        assert (await get(csms, "SecurityProfile"))["value"] == "1"
        first, last = csms.attempts[0][1], csms.attempts[-1][1]
        assert first.headers["Authorization"] == last.headers["Authorization"]


ROOT = {"certificateType": "CentralSystemRootCertificate"}
MANUFACTURER = {"certificateType": "ManufacturerRootCertificate"}


async def install(csms: Csms16, use: dict[str, str], pem: str) -> str:
    status: str = (await csms.call("InstallCertificate", {**use, "certificate": pem}))["status"]
    return status


async def listed(csms: Csms16, use: dict[str, str]) -> list[dict[str, str]]:
    answer = await csms.call("GetInstalledCertificateIds", use)
    assert answer["status"] == ("Accepted" if "certificateHashData" in answer else "NotFound")
    found: list[dict[str, str]] = answer.get("certificateHashData", [])
    return found


class TestRoots:
    async def test_install_list_delete(self, csms: Csms16, yard: Yard, pki: Pki) -> None:
        await yard.boot()
        assert await listed(csms, MANUFACTURER) == []
        assert await install(csms, MANUFACTURER, pki.manufacturer_root) == "Accepted"
        assert await install(csms, ROOT, pki.root) == "Accepted"
        assert await install(csms, ROOT, pki.root) == "Accepted"
        assert len(await listed(csms, ROOT)) == 1
        found = (await listed(csms, MANUFACTURER))[0]
        delete = {"certificateHashData": {**found, "issuerKeyHash": found["issuerKeyHash"].upper()}}
        assert await csms.call("DeleteCertificate", delete) == {"status": "Accepted"}
        assert await csms.call("DeleteCertificate", delete) == {"status": "NotFound"}
        assert await listed(csms, MANUFACTURER) == []
        assert len(await listed(csms, ROOT)) == 1

    async def test_what_is_no_root(self, csms: Csms16, yard: Yard, pki: Pki) -> None:
        await yard.boot()
        leaf = pki.station().certificates
        for text in ("x", leaf, pki.root + pki.other_root):
            assert await install(csms, MANUFACTURER, text) == "Rejected"
            assert await install(csms, ROOT, text) == "Rejected"
        await csms.expect(EVENT, 3, type="InvalidCentralSystemCertificate")

    async def test_full_store(self, csms: Csms16, yard: Yard, pki: Pki) -> None:
        await yard.boot(variables={"CertificateStoreMaxLength": "1"})
        assert await install(csms, ROOT, pki.root) == "Accepted"
        assert await install(csms, ROOT, pki.other_root) == "Rejected"
        assert await install(csms, ROOT, pki.root) == "Accepted"

    async def test_additional_check(self, csms: Csms16, yard: Yard, pki: Pki) -> None:
        await yard.boot(variables={"AdditionalRootCertificateCheck": "true"}, security=setup(pki, 1), password=PASSWORD)
        assert await install(csms, ROOT, pki.bare_root) == "Rejected"
        assert await install(csms, ROOT, pki.next_root) == "Accepted"

    async def test_root_in_use_stays(self, pki: Pki, tmp_path: Path) -> None:
        async with secure(pki, tmp_path) as yard:
            await yard.boot(password=PASSWORD, security=setup(pki, 2))
            used = (await listed(yard.csms, ROOT))[0]
            assert await install(yard.csms, ROOT, pki.other_root) == "Accepted"
            other = next(each for each in await listed(yard.csms, ROOT) if each != used)
            assert await yard.csms.call("DeleteCertificate", {"certificateHashData": used}) == {"status": "Failed"}
            assert await yard.csms.call("DeleteCertificate", {"certificateHashData": other}) == {"status": "Accepted"}


class TestOwnCertificate:
    async def asked(self, csms: Csms16, number: int = 1) -> str:
        answer = await csms.call("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})
        assert answer == {"status": "Accepted"}
        csr: str = (await csms.expect("SignCertificate", number))["csr"]
        return csr

    async def test_renewal(self, pki: Pki, tmp_path: Path) -> None:
        async with secure(pki, tmp_path, clients=True) as yard:
            own = setup(pki, 3, pki.station(), organization=pki.operator)
            await yard.boot(security=own)
            old = yard.csms.connection.transport.get_extra_info("peercert")
            signed = pki.sign(await self.asked(yard.csms))
            assert await yard.csms.call("CertificateSigned", {"certificateChain": signed}) == {"status": "Accepted"}
            await yard.csms.until(lambda: len(yard.csms.connections) == 2)
            await yard.csms.call("GetLocalListVersion")
            assert yard.csms.connection.transport.get_extra_info("peercert") != old
            assert len(yard.csms.of("BootNotification")) == 1

    async def test_bad_certificate(self, csms: Csms16, yard: Yard, pki: Pki) -> None:
        await yard.boot(security=setup(pki, 1, organization=pki.operator), password=PASSWORD)
        signed = pki.sign(await self.asked(csms), cn="another")
        assert await csms.call("CertificateSigned", {"certificateChain": signed}) == {"status": "Rejected"}
        await csms.expect(EVENT, type="InvalidChargePointCertificate")

    async def test_refused_request(self, csms: Csms16, yard: Yard, pki: Pki) -> None:
        await yard.boot()
        csms.script["SignCertificate"].append({"status": "Rejected"})
        first = await self.asked(csms)
        assert first != await self.asked(csms, 2)
