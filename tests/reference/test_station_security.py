"""Security profiles of the reference station: whom it believes, what it shows, and what it tells of a refusal."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from conformance.reference.station import ReferenceStation, SecuritySetup, StationConfig
from tests.reference.conftest import Csms, csms_running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="function")

SERIAL = "HM-0000-4711"
OPERATOR = "Halfmoon Charging"
PASSWORD = "correct horse battery"
SWIFT = {f"OCPPCommCtrlr.{name}": "0" for name in ("RetryBackOffWaitMinimum", "RetryBackOffRepeatTimes")}
ROOT, OTHER = trustme.CA(key_type=trustme.KeyType.ECDSA), trustme.CA(key_type=trustme.KeyType.ECDSA)
YEAR = timedelta(days=365)


def pem(*blobs: trustme.Blob) -> str:
    return "".join(blob.bytes().decode() for blob in blobs)


def server(ca: trustme.CA = ROOT, name: str = "localhost", san: str = "localhost", **more: Any) -> trustme.LeafCert:
    return ca.issue_cert(san, common_name=name, key_type=trustme.KeyType.ECDSA, **more)


def own(ca: trustme.CA = ROOT) -> dict[str, str]:
    leaf = ca.issue_cert(
        common_name=SERIAL, organization_name=OPERATOR, key_type=trustme.KeyType.ECDSA, not_after=now() + YEAR
    )
    return {"certificate": pem(*leaf.cert_chain_pems), "key": pem(leaf.private_key_pem)}


def now() -> datetime:
    return datetime.now(UTC)


def setup(profile: int, **more: str) -> SecuritySetup:
    return SecuritySetup(profile, **{"roots": pem(ROOT.cert_pem), **more})


def showing(leaf: trustme.LeafCert, clients: trustme.CA | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    if clients is not None:
        clients.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class Station(ReferenceStation):
    """Says when it has refused a server."""

    def __init__(self, config: StationConfig) -> None:
        super().__init__(config)
        self.refusal = asyncio.Event()

    def server_refused(self, event: str, why: str) -> None:
        super().server_refused(event, why)
        self.refusal.set()


class Scene:
    """A CSMS behind TLS, whose context can be exchanged between connections, and stations for it."""

    def __init__(self, csms: Csms, context: ssl.SSLContext) -> None:
        self.csms = csms
        self.context = context
        self.stations: list[Station] = []

    def build(self, security: SecuritySetup, **more: Any) -> Station:
        url = f"wss://localhost:{self.csms.port}/ocpp"
        more = {"password": PASSWORD, "own_boot_interval": 0.1, **more, "variables": SWIFT | more.get("variables", {})}
        self.stations.append(Station(StationConfig(url, security=security, **more)))
        return self.stations[-1]

    async def boot(self, security: SecuritySetup, **more: Any) -> Station:
        station = self.build(security, **more)
        await station.power_on()
        await self.csms.expect("SecurityEventNotification", type="StartupOfTheDevice")
        await self.csms.call("GetLocalListVersion")
        return station

    def show(self, leaf: trustme.LeafCert) -> None:
        leaf.configure_cert(self.context)


@asynccontextmanager
async def scene(leaf: trustme.LeafCert, clients: trustme.CA | None = None) -> AsyncIterator[Scene]:
    context = showing(leaf, clients)
    async with csms_running(context) as csms:
        made = Scene(csms, context)
        csms.script["BootNotification"] = [
            {"currentTime": now().isoformat(), "interval": 300, "status": "Accepted"} for _ in range(9)
        ]
        try:
            yield made
        finally:
            for station in made.stations:
                await station.power_off()


async def test_profile_2_takes_tls_and_password() -> None:
    async with scene(server()) as yard:
        await yard.boot(setup(2))
        assert yard.csms.attempts[0][1].headers["Authorization"].startswith("Basic ")


async def test_profile_3_shows_a_certificate_and_no_password() -> None:
    async with scene(server(), ROOT) as yard:
        await yard.boot(setup(3, **own()))
        assert "Authorization" not in yard.csms.attempts[0][1].headers
        shown = yard.csms.connection.transport.get_extra_info("peercert")
        assert (("commonName", SERIAL),) in shown["subject"]


BAD: dict[str, Callable[[], trustme.LeafCert]] = {
    "unknown root": lambda: server(OTHER),
    "expired": lambda: server(not_before=now() - 2 * YEAR, not_after=now() - YEAR),
    "not yet": lambda: server(not_before=now() + YEAR, not_after=now() + 2 * YEAR),
    "other host": lambda: server(name="example.com", san="example.com"),
    "other commonName": lambda: server(name="example.com"),
    "other alternative name": lambda: server(san="example.com"),
}


@pytest.mark.parametrize("what", BAD)
async def test_a_bad_server_is_refused_and_told_once(what: str) -> None:
    async with scene(BAD[what]()) as yard:
        station = yard.build(setup(2))
        await station.power_on()
        await asyncio.wait_for(station.refusal.wait(), 3)
        assert yard.csms.attempts == []
        yard.show(server())
        await yard.csms.expect("SecurityEventNotification", type="StartupOfTheDevice")
        await yard.csms.call("GetLocalListVersion")
        assert len(yard.csms.of("SecurityEventNotification", type="InvalidCsmsCertificate")) == 1


ALERTS = {70: "InvalidTLSVersion", 40: "InvalidTLSCipherSuite", 71: "InvalidTLSCipherSuite", 80: None}


@pytest.mark.parametrize("alert", ALERTS)
async def test_an_alert_tells_what_is_wrong_with_the_server(alert: int) -> None:
    dialled = asyncio.Event()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        if len(dialling) > 1:
            dialled.set()
        dialling.append(1)
        writer.write(bytes((21, 3, 1, 0, 2, 2, alert)))
        writer.close()

    dialling: list[int] = []
    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as listening, scene(server()) as yard:
        station = yard.build(setup(2))
        station.config.csms_url = f"wss://localhost:{listening.sockets[0].getsockname()[1]}/ocpp"
        await station.power_on()
        await asyncio.wait_for(dialled.wait(), 3)
        assert [entry["payload"]["type"] for entry in station.outbox] == [each for each in [ALERTS[alert]] if each]


async def test_a_refused_client_goes_on_dialling_and_tells_nothing() -> None:
    async with scene(server(), OTHER) as yard:
        yard.context.maximum_version = ssl.TLSVersion.TLSv1_2
        station = yard.build(setup(3, **own()))
        await station.power_on()
        yard.show(server())
        ROOT.configure_trust(yard.context)
        await yard.csms.expect("SecurityEventNotification", type="StartupOfTheDevice")
        assert len(yard.csms.of("SecurityEventNotification")) == 1


async def test_commission(tmp_path: Path) -> None:
    files = {"root": pem(ROOT.cert_pem), **own()}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    async with scene(server(), ROOT) as yard, csms_running() as plain:
        station = yard.build(setup(1, roots=""))
        station.config = replace(station.config, csms_url=plain.url)
        await station.power_on()
        await plain.expect("SecurityEventNotification")
        await station.commission(
            3,
            f"wss://localhost:{yard.csms.port}/ocpp",
            str(tmp_path / "root"),
            str(tmp_path / "certificate"),
            str(tmp_path / "key"),
        )
        await yard.csms.expect("SecurityEventNotification", type="StartupOfTheDevice")
        assert station.model.text("SecurityCtrlr", "SecurityProfile") == "3"
