"""The doors of the reference CSMS: TLS, alerts, certificates of stations."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from conformance.reference.csms import CsmsConfig, ReferenceCsms, SecuritySetup, StationSetup

OPERATOR = "Example CPO"
SERIAL = "SN-1"


class Pki:
    """An authority for the CSMS and one for stations."""

    def __init__(self) -> None:
        self.root = trustme.CA()
        self.client_root = trustme.CA(key_type=trustme.KeyType.ECDSA)
        self.other_root = trustme.CA()
        rsa = self.root.issue_cert("127.0.0.1", common_name="127.0.0.1", key_type=trustme.KeyType.RSA)
        ecdsa = self.root.issue_cert("127.0.0.1", common_name="127.0.0.1", key_type=trustme.KeyType.ECDSA)
        self.chains = tuple(chain_of(leaf) for leaf in (rsa, ecdsa))

    def setup(self, **more: Any) -> SecuritySetup:
        root = self.client_root
        known = {"chains": self.chains, "client_roots": root.cert_pem.bytes().decode(), "operator": OPERATOR}
        signing = root.cert_pem.bytes().decode(), root.private_key_pem.bytes().decode()
        return SecuritySetup(**(known | {"signing": signing} | more))

    def station(
        self,
        cn: str = SERIAL,
        o: str = OPERATOR,
        ca: trustme.CA | None = None,
        not_after: datetime | None = None,
    ) -> trustme.LeafCert:
        return (ca or self.client_root).issue_cert(common_name=cn, organization_name=o, not_after=not_after)


def chain_of(leaf: trustme.LeafCert) -> tuple[str, str]:
    chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
    return chain.decode(), leaf.private_key_pem.bytes().decode()


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki()


def client(pki: Pki, leaf: trustme.LeafCert | None = None, suite: str | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    pki.root.configure_trust(context)
    if leaf is not None:
        leaf.configure_cert(context)
    if suite is not None:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(suite)
    return context


@asynccontextmanager
async def running(
    pki: Pki, station: StationSetup | None = None, kind: type[ReferenceCsms] = ReferenceCsms, **more: Any
) -> AsyncIterator[ReferenceCsms]:
    setup = station or StationSetup(password=b"p" * 16, serial=SERIAL)
    config = CsmsConfig(stations={"CS1": setup}, security=pki.setup(), call_timeout=2.0)
    csms = kind(replace(config, **more))
    await csms.start()
    try:
        yield csms
    finally:
        await csms.stop()


def dialled(csms: ReferenceCsms, profile: int, context: ssl.SSLContext | None, version: str = "ocpp2.0.1") -> connect:
    headers = {"Authorization": "Basic Q1MxOnBwcHBwcHBwcHBwcHBwcHA="} if profile != 3 else {}
    return connect(
        f"{csms.urls[profile]}/CS1",
        ssl=context,
        subprotocols=[version],  # type: ignore[list-item]
        additional_headers=headers,
        proxy=None,
    )


async def call(link: ClientConnection, action: str, payload: dict[str, Any]) -> Any:
    await link.send(json.dumps([2, "1", action, payload]))
    return json.loads(await link.recv())[2]


def boot(serial: str | None = None) -> dict[str, Any]:
    station = {"model": "m", "vendorName": "v"} | ({} if serial is None else {"serialNumber": serial})
    return {"reason": "PowerUp", "chargingStation": station}


async def test_all_doors_serve(pki: Pki) -> None:
    async with running(pki) as csms:
        assert sorted(csms.urls) == [1, 2, 3]
        assert csms.url == csms.urls[1]
        for profile, context in ((1, None), (2, client(pki)), (3, client(pki, pki.station()))):
            async with dialled(csms, profile, context) as link:
                assert (await call(link, "BootNotification", boot(SERIAL)))["status"] == "Accepted"


@pytest.mark.parametrize(
    "suite",
    ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "AES128-GCM-SHA256", "AES256-GCM-SHA384"],
)
async def test_every_suite(pki: Pki, suite: str) -> None:
    async with running(pki) as csms, dialled(csms, 3, client(pki, pki.station(), suite)) as link:
        tls = link.transport.get_extra_info("ssl_object")
        assert tls.cipher()[0] == suite
        assert tls.version() == "TLSv1.2"
        assert tls.compression() is None


async def alert(csms: ReferenceCsms, profile: int, context: ssl.SSLContext) -> str:
    host, port = address(csms, profile)
    with pytest.raises(ssl.SSLError) as caught:
        await said(host, port, context)
    return str(caught.value.reason)


async def said(host: str, port: int, context: ssl.SSLContext) -> bytes:
    reader, writer = await asyncio.open_connection(host, port, ssl=context)
    try:
        return await reader.read()
    finally:
        writer.close()


def address(csms: ReferenceCsms, profile: int) -> tuple[str, int]:
    host, port = csms.urls[profile].removeprefix("wss://").removesuffix("/ocpp").split(":")
    return host, int(port)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_alerts_say_why(pki: Pki) -> None:
    past = datetime.now(UTC) - timedelta(days=1)
    async with running(pki) as csms:
        for maximum in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for leaf, why in (
                (None, "ALERT_CERTIFICATE_REQUIRED ALERT_HANDSHAKE_FAILURE"),
                (pki.station(ca=pki.other_root), "ALERT_UNKNOWN_CA"),
                (pki.station(not_after=past), "ALERT_CERTIFICATE_EXPIRED"),
            ):
                context = client(pki, leaf)
                context.maximum_version = maximum
                heard = await alert(csms, 3, context)
                assert any(each in heard for each in why.split())
        old = client(pki)
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        assert "PROTOCOL_VERSION" in await alert(csms, 2, old)
        assert "HANDSHAKE_FAILURE" in await alert(csms, 2, client(pki, suite="ECDHE-RSA-AES128-GCM-SHA256"))
        assert {event["type"] for event in csms.security_log} == {"InvalidChargingStationCertificate"}


@pytest.mark.parametrize(("cn", "o"), [("SN-2", OPERATOR), ("CS1", OPERATOR), (SERIAL, "Someone else")])
async def test_certificates_of_others(pki: Pki, cn: str, o: str) -> None:
    async with running(pki) as csms:
        with pytest.raises(InvalidStatus) as refused:
            async with dialled(csms, 3, client(pki, pki.station(cn, o))):
                pass
        assert refused.value.response.status_code == 403
        async with dialled(csms, 3, client(pki, pki.station())) as link:
            assert (await call(link, "BootNotification", boot(SERIAL)))["status"] == "Accepted"


async def test_serial_number_of_the_boot(pki: Pki) -> None:
    async with running(pki) as csms:
        async with dialled(csms, 3, client(pki, pki.station())) as link:
            with pytest.raises(ConnectionClosed):
                await call(link, "BootNotification", boot("SN-2"))
        assert csms.stations["CS1"].registration is None
        async with dialled(csms, 3, client(pki, pki.station()), "ocpp1.6") as link:
            told = {"chargePointModel": "m", "chargePointVendor": "v", "chargePointSerialNumber": "SN-2"}
            with pytest.raises(ConnectionClosed):
                await call(link, "BootNotification", told)


async def test_password_at_the_door_with_tls(pki: Pki) -> None:
    async with running(pki) as csms:
        with pytest.raises(InvalidStatus) as refused:
            async with connect(f"{csms.urls[2]}/CS1", ssl=client(pki), proxy=None):
                pass
        assert refused.value.response.status_code == 401


async def test_no_lower_profile(pki: Pki) -> None:
    setup = StationSetup(password=b"p" * 16, security_profile=2)
    async with running(pki, setup) as csms:
        with pytest.raises(InvalidStatus) as refused:
            async with dialled(csms, 1, None):
                pass
        assert refused.value.response.status_code == 403
        async with dialled(csms, 2, client(pki)):
            pass


async def test_bad_handshakes_disturb_nobody(pki: Pki) -> None:
    async with running(pki) as csms, dialled(csms, 2, client(pki)) as link:
        host, port = address(csms, 3)

        async def knock(words: bytes) -> bytes:
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(words)
            answer = await reader.read()
            writer.close()
            return answer

        await asyncio.gather(*(knock(b"nothing that TLS would begin with") for _ in range(200)))
        assert (await call(link, "BootNotification", boot()))["status"] == "Accepted"


async def test_handshake_that_takes_too_long(pki: Pki) -> None:
    async with running(pki, open_timeout=0.1) as csms:
        host, port = address(csms, 2)
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"\x16")
        with suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 2) == b""
        writer.close()


# -- certificates over OCPP


def csr(cn: str = SERIAL, o: str = OPERATOR, key: Any = None) -> tuple[str, Any]:
    key = key or ec.generate_private_key(ec.SECP256R1())
    names = [x509.NameAttribute(NameOID.COMMON_NAME, cn), x509.NameAttribute(NameOID.ORGANIZATION_NAME, o)]
    asked = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names)).sign(key, hashes.SHA256())
    return asked.public_bytes(serialization.Encoding.PEM).decode(), key


async def calls_until(link: ClientConnection, action: str, answers: dict[str, Any]) -> dict[str, Any]:
    """Answer calls of the CSMS until one comes with this action; return its payload."""
    while True:
        frame = json.loads(await asyncio.wait_for(link.recv(), 5))
        if frame[0] == 2:
            await link.send(json.dumps([3, frame[1], answers.get(frame[2], {"status": "Accepted"})]))
            if frame[2] == action:
                return dict(frame[3])


@pytest.mark.parametrize("version", ["ocpp2.0.1", "ocpp1.6"])
async def test_a_new_certificate(pki: Pki, version: str, tmp_path: Path) -> None:
    async with running(pki) as csms:
        asked, key = csr()
        async with dialled(csms, 3, client(pki, pki.station()), version) as link:
            await call(link, "BootNotification", boot_in(version))
            assert await call(link, "SignCertificate", {"csr": asked}) == {"status": "Accepted"}
            told = await calls_until(link, "CertificateSigned", {})
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (tmp_path / "new.pem").write_bytes(told["certificateChain"].encode() + secret)
        context = client(pki)
        context.load_cert_chain(tmp_path / "new.pem")
        async with dialled(csms, 3, context, version) as link:
            assert (await call(link, "BootNotification", boot_in(version)))["status"] == "Accepted"
        assert csms.stations["CS1"].notices["certificateSigned"] == {"status": "Accepted"}


def boot_in(version: str) -> dict[str, Any]:
    return boot(SERIAL) if version == "ocpp2.0.1" else {"chargePointModel": "m", "chargePointVendor": "v"}


def flipped(asked: str) -> str:
    lines = asked.splitlines()
    lines[-2] = lines[-2][:-8] + ("A" if lines[-2][-8] != "A" else "B") + lines[-2][-7:]
    return "\n".join(lines)


async def test_requests_that_nobody_signs(pki: Pki) -> None:
    weak = rsa.generate_private_key(65537, 1024)
    async with running(pki) as csms, dialled(csms, 2, client(pki)) as link:
        await call(link, "BootNotification", boot(SERIAL))
        bad = [csr(cn="SN-2"), csr(o="Someone else"), csr(key=weak)]
        for asked in [*(each[0] for each in bad), "nothing", flipped(csr()[0])]:
            answer = await call(link, "SignCertificate", {"csr": asked, "certificateType": "V2GCertificate"})
            assert answer == {"status": "Rejected"}
        await call(link, "SignCertificate", {"csr": csr()[0], "certificateType": "V2GCertificate"})
        told = await calls_until(link, "CertificateSigned", {"CertificateSigned": {"status": "Rejected"}})
        assert told["certificateType"] == "V2GCertificate"


async def test_no_authority_no_certificate(pki: Pki) -> None:
    async with (
        running(pki, security=pki.setup(signing=None)) as csms,
        dialled(csms, 2, client(pki)) as link,
    ):
        await call(link, "BootNotification", boot(SERIAL))
        assert await call(link, "SignCertificate", {"csr": csr()[0]}) == {"status": "Rejected"}


@pytest.mark.parametrize("version", ["ocpp2.0.1", "ocpp1.6"])
async def test_an_expired_certificate_is_renewed(pki: Pki, version: str) -> None:
    past = pki.station(not_after=datetime.now(UTC) - timedelta(days=1))
    setup = StationSetup(serial=SERIAL, renews_expired=True)
    action = {"ocpp2.0.1": "TriggerMessage", "ocpp1.6": "ExtendedTriggerMessage"}[version]
    async with running(pki, setup) as csms:
        async with dialled(csms, 3, client(pki, past), version) as link:
            assert (await call(link, "BootNotification", boot_in(version)))["status"] == "Pending"
            assert "Certificate" in (await calls_until(link, action, {}))["requestedMessage"]
            assert await call(link, "SignCertificate", {"csr": csr()[0]}) == {"status": "Accepted"}
            await calls_until(link, "CertificateSigned", {})
        async with dialled(csms, 3, client(pki, pki.station()), version) as link:
            assert (await call(link, "BootNotification", boot_in(version)))["status"] == "Accepted"


async def test_an_expired_certificate_of_another(pki: Pki) -> None:
    past = pki.station(not_after=datetime.now(UTC) - timedelta(days=1))
    async with running(pki, StationSetup(serial=SERIAL)) as csms:
        csms.provision("CS2", StationSetup(renews_expired=True))
        with pytest.raises(InvalidStatus):
            async with dialled(csms, 3, client(pki, past)):
                pass


@pytest.mark.parametrize("version", ["ocpp2.0.1", "ocpp1.6"])
async def test_after_an_upgrade(pki: Pki, version: str) -> None:
    async with running(pki) as csms:
        async with dialled(csms, 1, None, version) as link:
            await call(link, "BootNotification", boot_in(version))
            if version == "ocpp1.6":
                csms.command("CS1", "ChangeConfiguration", {"key": "SecurityProfile", "value": "2"})
                await calls_until(link, "ChangeConfiguration", {})
            else:
                await upgrade(csms, link, 2)
        async with dialled(csms, 1, None, version):
            pass
        async with dialled(csms, 2, client(pki), version):
            pass
        with pytest.raises(InvalidStatus):
            async with dialled(csms, 1, None, version):
                pass
        async with dialled(csms, 3, client(pki, pki.station()), version):
            pass
        csms.provision("CS1", StationSetup(password=b"p" * 16, serial=SERIAL))
        async with dialled(csms, 1, None, version):
            pass


async def upgrade(csms: ReferenceCsms, link: ClientConnection, profile: int) -> None:
    data = {
        "ocppVersion": "OCPP20", "ocppTransport": "JSON", "ocppCsmsUrl": csms.urls[profile], "messageTimeout": 30,
        "securityProfile": profile, "ocppInterface": "Wired0",
    }  # fmt: skip
    csms.command("CS1", "SetNetworkProfile", {"configurationSlot": 1, "connectionData": data})
    await calls_until(link, "SetNetworkProfile", {})
    about = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "NetworkConfigurationPriority"}}
    csms.command("CS1", "SetVariables", {"setVariableData": [about | {"attributeValue": "1"}]})
    result = {"setVariableResult": [about | {"attributeStatus": "Accepted"}]}
    await calls_until(link, "SetVariables", {"SetVariables": result})


async def test_revoked(pki: Pki) -> None:
    good, bad = pki.station(), pki.station()
    root = x509.load_pem_x509_certificate(pki.client_root.cert_pem.bytes())
    signer = serialization.load_pem_private_key(pki.client_root.private_key_pem.bytes(), None)
    revoked = x509.load_pem_x509_certificate(bad.cert_chain_pems[0].bytes())
    now = datetime.now(UTC)
    entry = x509.RevokedCertificateBuilder().serial_number(revoked.serial_number).revocation_date(now).build()
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(root.subject)
        .last_update(now - timedelta(days=1))
        .next_update(now + timedelta(days=1))
        .add_revoked_certificate(entry)
        .sign(signer, hashes.SHA256())  # type: ignore[arg-type]
    )
    pem = crl.public_bytes(serialization.Encoding.PEM).decode()
    async with running(pki, security=pki.setup(crl=pem)) as csms:
        assert "REVOKED" in await alert(csms, 3, client(pki, bad))
        async with dialled(csms, 3, client(pki, good)):
            pass


async def test_a_folder_of_certificates(pki: Pki, tmp_path: Path) -> None:
    for name, (certificates, key) in zip(("server-rsa", "server-ecdsa"), pki.chains, strict=True):
        (tmp_path / f"{name}.pem").write_text(certificates)
        (tmp_path / f"{name}.key").write_text(key)
    async with running(pki, security=SecuritySetup.read(tmp_path, OPERATOR)) as csms:
        assert sorted(csms.urls) == [1, 2]
    (tmp_path / "client-root.pem").write_text(pki.client_root.cert_pem.bytes().decode())
    setup = SecuritySetup.read(tmp_path, OPERATOR)
    async with running(pki, security=setup) as csms, dialled(csms, 3, client(pki, pki.station())):
        pass
