"""A station of the harness finds something else than its good CSMS, and what is seen of that."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.peers.csms import CsmsPeer, CsmsServer
from conformance.peers.handshakes import Attempt, Guardian, guarded, refusal
from conformance.peers.peer import Patience
from conformance.peers.received import NotSeen
from conformance.peers.security import Door, shown_by
from conformance.peers.station import NotConnected, StationPeer
from conformance.pki import Pki
from conformance.wire.connection import LinkOptions
from conformance.wire.tls import ClientTls, ServerTls
from conformance.wire.transcript import Entry, Transcript

PKI = Pki.new()
PATIENCE = Patience(answer=5, default=5, actions={})
PROFILE: Any = SimpleNamespace(
    timing=SimpleNamespace(reconnect=3, settle=0.2, answer=0.3), claims=lambda _: True, role="station"
)


class Mains:
    """What operates the station: its power is out of reach."""

    def __init__(self) -> None:
        self.cycled = 0

    async def power_cycle(self) -> None:
        self.cycled += 1


@asynccontextmanager
async def station(
    tls: ClientTls | None, *, plain: bool = False, options: LinkOptions | None = None
) -> AsyncIterator[tuple[Guardian, CsmsPeer, Door, Mains]]:
    """A station that dials, and dials again; with `plain` without TLS first."""
    server = CsmsServer(
        Transcript(),
        host="127.0.0.1",
        port=0,
        path="/ocpp",
        versions=["2.0.1"],
        patience=PATIENCE,
        tls=lambda number: shown_by(PKI, number),
    )
    csms = server.peer("CS001")
    endpoint = await server.in_profile(2)
    door = Door(endpoint, server.url_of(endpoint, "localhost"))
    peer = StationPeer("CS001", server.transcript, PATIENCE, url=door.url, tls=tls, options=options)

    async def dials() -> None:
        while True:
            with suppress(NotConnected):
                if plain:
                    peer.url = door.url.replace("wss", "ws")
                    await peer.connect()
            with suppress(NotConnected):
                peer.url = door.url
                link = await peer.connect()
                await link.wait_closed()
            await asyncio.sleep(0.02)

    dialling = asyncio.create_task(dials())
    mains = Mains()
    try:
        await csms.connected()
        csms.begin()
        yield Guardian(mains, csms, door, PROFILE, quick=True), csms, door, mains  # type: ignore[arg-type]
    finally:
        dialling.cancel()
        await peer.close()
        await server.stop()


def bad(door: Door, name: str) -> ServerTls:
    assert door.tls is not None
    return replace(door.tls, chains=PKI.server_zoo[name])


async def test_a_refusal() -> None:
    async with station(ClientTls(PKI.root)) as (guardian, csms, door, mains):
        mark = csms.now
        attempt = await guardian.shown(bad(door, "expired"))
        assert attempt is not None
        assert (attempt.agreed, attempt.asked, attempt.over) == (False, False, True)
        assert attempt.alert == refusal(attempt) == "certificate_expired"
        assert await guardian.ended(attempt)
        assert guardian.lesser(after=mark) == ""
        assert csms.link is not None
        assert csms.link.is_open
        assert not await guardian.told("InvalidCsmsCertificate", after=mark, patient=False)
        assert mains.cycled == 0


async def test_a_station_that_takes_what_it_finds() -> None:
    async with station(ClientTls("", verifies=False)) as (guardian, csms, door, _):
        before = csms.link
        attempt = await guardian.shown(bad(door, "self-signed"))
        assert attempt is not None
        assert (attempt.agreed, attempt.asked, attempt.over, refusal(attempt)) == (True, True, False, "")
        assert csms.link is not before


async def test_what_is_done_after_the_attempt() -> None:
    async with station(ClientTls(PKI.root)) as (guardian, _, door, mains):
        await guardian.shown(bad(door, "unknown-root"), then=mains.power_cycle)
        assert mains.cycled == 1


async def test_a_station_that_tries_with_less() -> None:
    async with station(ClientTls(PKI.root), plain=True) as (guardian, csms, door, _):
        mark = csms.now
        attempt = await guardian.shown(bad(door, "expired"))
        assert attempt is not None
        assert attempt.alert == "certificate_expired"
        assert guardian.lesser(after=mark) == "the station dialled without TLS"


async def test_a_station_that_has_nothing_newer() -> None:
    old = ClientTls(PKI.root, oldest="1.1", newest="1.1", suites=("AES128-SHA",))
    server = ServerTls(PKI.server(), oldest="1.1", suites=("AES128-SHA", "AES128-GCM-SHA256"))
    async with station(ClientTls(PKI.root)) as (guardian, csms, door, _):
        mark = csms.now
        with door.presenting(server):
            other = StationPeer("CS001", csms.transcript, PATIENCE, url=door.url, tls=old)
            await other.connect()
            await other.close()
        assert guardian.lesser(after=mark) == "the station offered TLSv1.1 only"


async def test_a_welcome() -> None:
    async with station(ClientTls(PKI.root)) as (guardian, _, door, _mains):
        assert door.tls is not None
        tries = await guardian.welcomed(replace(door.tls, newest="1.2"))
        assert tries[-1].tls.detail["version"] == "TLSv1.2"


async def test_nobody_comes() -> None:
    async with station(ClientTls(PKI.root)) as (guardian, csms, door, _):
        quick: Any = guardian
        quick._timing = SimpleNamespace(reconnect=0.1, settle=0.05, answer=0.1)
        door.endpoint.listener.options = LinkOptions(handshake_timeout=0.1)
        with pytest.raises(NotSeen):
            await guardian.welcomed(bad(door, "expired"))
        await csms.connected()


async def test_settings_that_a_station_has_not_are_left_alone() -> None:
    async with (
        station(ClientTls(PKI.root)) as (_, csms, door, mains),
        guarded(mains, csms, door, PROFILE) as guardian,  # type: ignore[arg-type]
    ):
        assert isinstance(guardian.quick, bool)


def entry(kind: Any, **detail: Any) -> Entry:
    return Transcript().add(kind, link=1, sender="sut", detail=detail)


def test_how_an_attempt_reads() -> None:
    agreed, failed = (entry("tls", ok=ok, alert_received=None, error="x") for ok in (True, False))
    silent = entry("handshake", status=None, received=0, error="the connection ended")
    late = entry("handshake", status=None, received=0, error="no complete handshake within 10 s")
    half = entry("handshake", status=None, received=9, error="the connection ended")
    turned = entry("handshake", status=400, error="no")
    assert refusal(None) == "the station did not dial"
    assert refusal(Attempt(failed, silent, None)) == "x"
    assert refusal(Attempt(agreed, silent, None)) == "the station ended the connection"
    assert not Attempt(agreed, silent, None).asked
    assert Attempt(agreed, half, None).asked
    assert Attempt(agreed, turned, None).over
    assert not Attempt(agreed, late, None).over
    assert not Attempt(agreed, None, None).over
    assert Attempt(agreed, None, None).entries == [agreed]
