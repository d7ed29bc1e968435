"""A station that shows itself to a CSMS: what is told of a visit, whatever came of it."""

import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace as changed_struct
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from conformance.cases.verdict import Verdict
from conformance.cases.zoo import Reception
from conformance.peers import visits
from conformance.peers.peer import Patience
from conformance.peers.station import NotConnected, StationPeer
from conformance.pki import Pki, making
from conformance.reference.csms import CsmsConfig, ReferenceCsms, SecuritySetup, StationSetup
from conformance.reference.csms.base import Link
from conformance.sut.drivers import Unsupported
from conformance.sut.profile import load_profile, resolve
from conformance.wire.tls import ClientTls
from conformance.wire.transcript import Transcript

SOON = 5.0
PKI = Pki.new(identity="CS001", serial="CS001")
PROFILE = load_profile(resolve("reference-csms"))
GOOD = ClientTls(PKI.root, PKI.station())


def installed() -> SecuritySetup:
    signer = PKI._authority("issuing-ecdsa")
    return SecuritySetup(
        chains=[(chain.certificates, chain.key) for chain in PKI.server()],
        client_roots=PKI.client_root,
        crl=PKI.crl,
        signing=(signer.pem, making.key_pem(signer.key)),
        operator=PKI.operator,
    )


@asynccontextmanager
async def csms(
    version: str = "2.0.1", kind: type[ReferenceCsms] = ReferenceCsms, **setup: Any
) -> AsyncIterator[tuple[ReferenceCsms, StationPeer]]:
    """A CSMS with doors, and a station that dials the one of profile 3."""
    served = kind(CsmsConfig(stations={"CS001": StationSetup(**setup)}, security=installed(), call_timeout=SOON))
    await served.start()
    patience = Patience(answer=SOON, default=SOON, actions={"connection": SOON})
    station = StationPeer(
        "CS001", Transcript(), patience, url=served.urls[3], versions=[version], tls=GOOD, heartbeats=False
    )
    station.begin()
    try:
        yield served, station
    finally:
        await station.close()
        await served.stop()


@pytest.mark.parametrize("version", ["2.0.1", "1.6"])
async def test_a_good_visit(version: str) -> None:
    async with csms(version) as (served, station):
        came = await visits.visit(station, PROFILE)
        assert came.let_in
        assert not came.put_off
        assert came.shown("good").verdict is Verdict.PASS
        assert came.tls is not None
        assert station.link is None
        boot = served.stations["CS001"].boot
        assert "CS001" in str(boot)


@pytest.mark.parametrize("name", ["expired", "other-root", "wrong-cn", "wrong-o"])
async def test_a_certificate_that_will_not_do(name: str) -> None:
    async with csms() as (_, station):
        came = await visits.visit(station, PROFILE, replace(GOOD, chain=PKI.station_zoo[name]))
        assert came.status is None
        assert came.ended
        assert bool(came.alert) == (name in ("expired", "other-root"))
        assert came.shown(name, "wrong", "must").outcome is Reception.REFUSED


async def test_a_certificate_to_be_renewed() -> None:
    async with csms(renews_expired=True) as (_, station):
        expired = replace(GOOD, chain=PKI.station_zoo["expired"])
        came = await visits.visit(station, PROFILE, expired)
        assert came.status == "Pending"
        assert came.put_off
        for name in ("expired-intermediate", "not-yet-valid"):
            refused = await visits.visit(station, PROFILE, replace(GOOD, chain=PKI.station_zoo[name]))
            assert refused.status is None, name


async def test_another_serial_number() -> None:
    async with csms() as (_, station):
        other = StationPeer(
            "CS001", Transcript(), station.patience, url=station.url, tls=GOOD, heartbeats=False, serial="CS002"
        )
        came = await visits.visit(other, PROFILE)
        assert came.status is None
        assert came.ended
        assert "ended" in came.words


async def test_a_boot_that_is_rejected() -> None:
    async with csms(policy=("reject",)) as (_, station):
        came = await visits.visit(station, PROFILE)
        assert (came.status, came.ended, came.let_in) == ("Rejected", False, False)


class Deaf(ReferenceCsms):
    async def receive(self, link: Link, raw: str | bytes) -> None:
        pass


async def test_no_answer_to_the_boot() -> None:
    async with csms(kind=Deaf) as (_, station):
        station.patience = Patience(answer=0.1, default=0.1, actions={"connection": SOON})
        came = await visits.visit(station, PROFILE)
        assert (came.status, came.ended) == (None, False)


class Slow(ReferenceCsms):
    """Lets nobody in on two connections, and takes its time to see that one has ended."""

    holds = 0.5

    def on_handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        if time.monotonic() < self.until:
            return connection.respond(HTTPStatus.CONFLICT, "once is enough\n")
        return super().on_handshake(connection, request)

    async def serve_connection(self, connection: ServerConnection) -> None:
        self.until = math.inf
        await super().serve_connection(connection)
        self.until = time.monotonic() + self.holds

    until = 0.0


async def test_a_csms_that_holds_on_to_a_connection_that_has_ended() -> None:
    async with csms(kind=Slow) as (served, station):
        patient = changed_struct(PROFILE, timing=changed_struct(PROFILE.timing, settle=SOON))
        assert (await visits.visit(station, patient)).let_in
        again = await visits.visit(station, patient)
        assert (again.status, again.http, again.ended) == (None, 409, True)
        assert (await visits.welcomed(station, patient)).let_in
        await visits.let_go(station, patient)
        assert isinstance(served, Slow)
        assert time.monotonic() > served.until
        served.until = math.inf
        assert (await visits.welcomed(station, PROFILE)).http == 409


async def test_what_was_agreed() -> None:
    async with csms() as (served, station):
        entry = await visits.agreed(station, GOOD)
        assert entry is not None
        assert entry.detail["ok"]
        plain = StationPeer("CS001", Transcript(), station.patience, url=served.urls[1])
        assert await visits.agreed(plain, None) is None
        there = visits.place(station)
        assert there.url.endswith("/CS001")
        assert there.tls is GOOD


async def test_what_is_said_to_a_hello() -> None:
    async with csms() as (served, station):
        for url in (served.urls[2], served.urls[2].replace("localhost", "127.0.0.1")):
            station.url = url
            reply = await visits.replied(station, PROFILE, versions=("TLSv1.0",))
            assert reply.alert == "protocol_version"
    with pytest.raises(NotConnected, match="no TCP"):
        await visits.replied(station, PROFILE)


def test_where_stations_may_come() -> None:
    doors: Any = SimpleNamespace(urls={2: "wss://there:1/x"})
    assert visits.levels(doors, PROFILE, 2, 3) == [2]
    with pytest.raises(Unsupported, match="security profile 3"):
        visits.levels(doors, PROFILE, 3)
    nothing = changed_struct(PROFILE, features={})
    with pytest.raises(Unsupported, match="2 or 3"):
        visits.levels(doors, nothing, 2, 3)


def test_there_must_be_tls() -> None:
    assert visits.changed(GOOD, server_name="x").server_name == "x"
    with pytest.raises(AssertionError, match="no TLS"):
        visits.changed(None)
