"""The doors of the reference CSMS: TLS, alerts, certificates of stations."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme
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
        return SecuritySetup(
            chains=self.chains, client_roots=self.client_root.cert_pem.bytes().decode(), operator=OPERATOR, **more
        )

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
