"""The two ends of the harness meet in each security profile."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from conformance.peers.csms import CsmsServer
from conformance.peers.peer import Patience
from conformance.peers.security import Door, shown_by
from conformance.peers.station import NotConnected, StationPeer
from conformance.pki import Pki
from conformance.wire.tls import ClientTls
from conformance.wire.transcript import Transcript

PATIENCE = Patience(answer=5, default=5, actions={})
PKI = Pki.new()


@asynccontextmanager
async def door(security: int) -> AsyncIterator[tuple[CsmsServer, Door]]:
    server = CsmsServer(
        Transcript(),
        host="127.0.0.1",
        port=0,
        path="/ocpp",
        versions=["2.0.1"],
        patience=PATIENCE,
        tls=lambda number: shown_by(PKI, number),
    )
    server.peer("CS001", password="a-password-of-24-letters")
    endpoint = await server.in_profile(security)
    try:
        yield server, Door(endpoint, server.url_of(endpoint, "localhost"))
    finally:
        await server.stop()


def station(server: CsmsServer, at: Door, tls: ClientTls | None, password: str | None) -> StationPeer:
    return StationPeer("CS001", server.transcript, PATIENCE, url=at.url, tls=tls, password=password)


@pytest.mark.parametrize("security", [1, 2, 3])
async def test_a_good_station_comes_in_in_each_profile(security: int) -> None:
    async with door(security) as (server, at):
        tls = ClientTls(PKI.root, PKI.station() if security == 3 else None)
        password = None if security == 3 else "a-password-of-24-letters"
        peer = station(server, at, tls if security > 1 else None, password)
        await peer.bring_up()
        assert server.admitted_by(server.peer("CS001").link) is at.endpoint
        handshakes = [entry.detail["ok"] for entry in at.handshakes() if not entry.detail.get("late")]
        assert handshakes == ([] if security == 1 else [True])
        await peer.close()


async def test_who_has_no_certificate_does_not_come_in_in_profile_3() -> None:
    async with door(3) as (server, at):
        peer = station(server, at, ClientTls(PKI.root), "a-password-of-24-letters")
        with pytest.raises(NotConnected):
            await peer.connect()
        assert server.peer("CS001").link is None


async def test_another_certificate_is_shown_for_the_length_of_a_block() -> None:
    async with door(2) as (server, at):
        peer = station(server, at, ClientTls(PKI.root), "a-password-of-24-letters")
        assert at.tls is not None
        with at.presenting(replace(at.tls, chains=PKI.server_zoo["expired"])), pytest.raises(NotConnected):
            await peer.connect()
        await server.peer("CS001").until(lambda: bool(at.handshakes()), "the end of the handshake", within=5)
        [refused] = at.handshakes()
        assert not refused.detail["ok"]
        assert (await peer.connect()).is_open
        await peer.close()
