"""The door of a CSMS: who gets in, in which version, and how it bears with breaks, doubles and bad neighbours."""

from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms_boot import (
    AnotherStation,
    boots_until_accepted,
    came_on,
    gone,
    handshake,
    pause,
    provisioned,
    served,
)
from conformance.peers.csms_scenes import Command, commanded, reads
from conformance.peers.replies import Silence
from conformance.peers.station import NotConnected, StationPeer
from conformance.sut.drivers import CsmsDriver
from conformance.sut.profile import SutProfile
from conformance.wire.link import IDENTITY_LENGTH, Link, LinkClosed
from conformance.wire.transcript import Entry

UNKNOWN_VERSION = "ocpp0.1"
"""A version that nobody speaks."""

PROTOCOL = "Sec-WebSocket-Protocol"

SWITCHED = 101
NOT_FOUND = 404


# -- versions ---------------------------------------------------------------------------------------------------------


@case(
    "TC_B_58_CSMS",
    "The CSMS chooses a version that it speaks, and lets nobody in who offers none",
    requirements=["J.HANDSHAKE.08", "J.HANDSHAKE.09"],
    severity=Severity.CRITICAL,
)
@case(
    "TC_088_CSMS",
    "The central system chooses a version that it speaks, and lets nobody in who offers none",
    versions=["1.6"],
    requirements=["16J.HANDSHAKE.08", "16J.HANDSHAKE.09"],
    severity=Severity.CRITICAL,
)
async def test_subprotocol(station: StationPeer, spec: Spec, profile: SutProfile) -> None:
    """Offer a version that nobody speaks, alone and before the right one."""
    await station.disconnect()
    with spec("J.HANDSHAKE.08"):
        await _no_version(station, profile, subprotocols=(UNKNOWN_VERSION,))
    with spec("J.HANDSHAKE.09"):
        await _agrees(station, subprotocols=(UNKNOWN_VERSION, station.greeting.subprotocols[0]))
        await served(station)


@case(
    "SUBPROTOCOL_LISTS_CSMS",
    "The CSMS reads the list of versions as HTTP and WebSocket have it",
    versions=["2.0.1", "1.6"],
    requirements=["J.HANDSHAKE.08", "J.HANDSHAKE.09"],
    severity=Severity.NORMAL,
)
async def test_subprotocol_lists(station: StationPeer, spec: Spec, profile: SutProfile) -> None:
    """The right version last, without blanks, on a line of its own; then in wrong case, half, and not at all."""
    name = station.greeting.subprotocols[0]
    await station.disconnect()
    with spec("J.HANDSHAKE.09"):
        await _agrees(station, subprotocols=(name,))
        await _agrees(station, subprotocols=(UNKNOWN_VERSION, "soap", "ocpp1.7.1", name))
        await _agrees(station, subprotocols=(), headers=((PROTOCOL, f"{UNKNOWN_VERSION},{name}"),))
        await _agrees(station, subprotocols=(), headers=((PROTOCOL, f"{UNKNOWN_VERSION} ,\t{name} "),))
        await _agrees(station, subprotocols=(UNKNOWN_VERSION,), headers=((PROTOCOL, name),))
        await _agrees(station, subprotocols=(name,), headers=((PROTOCOL, UNKNOWN_VERSION),))
    with spec("J.HANDSHAKE.08"):
        await _no_version(station, profile, subprotocols=(name.upper(),))
        await _no_version(station, profile, subprotocols=(name.removeprefix("ocpp"), f"{name}.9"))
        await _no_version(station, profile, subprotocols=(), headers=())


async def _agrees(station: StationPeer, **offer: Any) -> None:
    """The CSMS agrees to the version that is judged; the connection stays open."""
    await station.disconnect()
    entry, _ = await handshake(station, **offer)
    offered, chosen, right = _offered(entry), entry.detail["chosen"], station.greeting.subprotocols[0]
    assert entry.detail["status"] == SWITCHED, (
        f"offered {offered}, the CSMS did not open the connection: {entry.detail['error']}"
    )
    assert chosen == right, f"offered {offered}, the CSMS chose {chosen or 'none'}, not {right}"


async def _no_version(station: StationPeer, profile: SutProfile, **offer: Any) -> None:
    """The CSMS names no version, and either does not open the connection or closes it."""
    await station.disconnect()
    entry, link = await handshake(station, **offer)
    offered, chosen = _offered(entry), entry.detail["chosen"]
    if entry.detail["status"] != SWITCHED:
        return
    assert not chosen, f"offered {offered}, the CSMS chose {chosen}"
    if link is None:
        return
    closed = await gone(station, link, within=profile.timing.settle)
    await station.disconnect()
    assert closed, f"offered {offered}, the CSMS kept the connection open without a version"


def _offered(entry: Entry) -> str:
    named = [value for name, value in entry.detail["headers"].items() if name.casefold() == PROTOCOL.casefold()]
    return f"'{', '.join(map(str, named))}'" if named else "no version"


@case(
    "VERSION_IN_URL_CSMS",
    "A version in the path does not decide which version is spoken",
    versions=["2.0.1", "1.6"],
    requirements=["J.HANDSHAKE.10"],
    severity=Severity.MINOR,
)
async def test_version_in_url(station: StationPeer, spec: Spec, profile: SutProfile) -> None:
    """Dial a path with another version in it; a CSMS may have no such path."""
    other = {"1.6": "2.0.1", "2.0.1": "1.6"}[profile.version]
    base, right = urlsplit(station.url).path.rstrip("/"), station.greeting.subprotocols[0]
    dialled = 0
    for path in (f"{base}/ocpp{other}", f"{base}/{other}"):
        await station.disconnect()
        entry, _ = await handshake(station, path=path)
        if entry.detail["status"] != SWITCHED:
            continue
        dialled += 1
        with spec("J.HANDSHAKE.10"):
            chosen = entry.detail["chosen"]
            assert chosen == right, f"dialled {path} offering {right}, and the CSMS chose {chosen}"
            await served(station)
    if not dialled:
        spec.excuse("J.HANDSHAKE.10", "the CSMS takes nobody in on a path with another version in it")


# -- who gets in ------------------------------------------------------------------------------------------------------


@case(
    "UNKNOWN_IDENTITY_CSMS",
    "A station that the CSMS does not know is refused with 404, and nobody else feels it",
    versions=["2.0.1", "1.6"],
    requirements=["J.HANDSHAKE.07", "CSMS.CONN.04"],
    severity=Severity.NORMAL,
    needs="refuses-unknown-stations",
)
async def test_unknown_identity(
    station: StationPeer, another_station: AnotherStation, spec: Spec, profile: SutProfile
) -> None:
    """Dial as somebody else, and as somebody of nearly the same name, with the password of the station."""
    password = profile.password()
    link = await station.connected()
    for identity in (profile.parameters.unknown_identity, f"{profile.identity[:46]}-X"):
        stranger = another_station(identity, password=password.reveal() if password else None)
        with spec("J.HANDSHAKE.07"):
            entry, _ = await handshake(stranger)
            status = entry.detail["status"]
            assert status == NOT_FOUND, f"{identity}, whom the CSMS does not know, got HTTP {status}"
        await stranger.close()
    with spec("CSMS.CONN.04"):
        assert link.is_open, "the connection of a station was closed when another was refused"
        await served(station)


@case(
    "WRONG_PATH_CSMS",
    "A path that is not that of the CSMS gives no connection",
    versions=["2.0.1", "1.6"],
    requirements=["CSMS.CONN.03"],
    severity=Severity.MINOR,
    needs="not accepts-any-path",
)
async def test_wrong_path(station: StationPeer, spec: Spec, profile: SutProfile) -> None:
    """Dial where no station dials, with the right identity; then where it should."""
    await station.disconnect()
    path = profile.parameters.wrong_path
    with spec("CSMS.CONN.03"):
        entry, link = await handshake(station, path=path)
        assert link is None, f"the CSMS opened a connection on {entry.detail['path']}"
    await station.disconnect()
    await station.connect()
    await served(station)


@case(
    "IDENTITY_ENCODED_CSMS",
    "A station is known by its identity, whatever characters that has",
    versions=["2.0.1", "1.6"],
    requirements=["J.HANDSHAKE.12"],
    severity=Severity.MINOR,
)
async def test_identity_encoded(
    csms: CsmsDriver, another_station: AnotherStation, spec: Spec, profile: SutProfile
) -> None:
    """One that has every kind of character that it may have."""
    async with provisioned(csms, "C*S-4_7=1+1|a@B.c", another_station, profile) as station:
        with spec("J.HANDSHAKE.12"):
            await _taken_on(station, profile)


@case(
    "IDENTITY_LENGTH_CSMS",
    "An identity may be as long as the documents allow",
    requirements=["CSMS.BOOT.01"],
    severity=Severity.MINOR,
)
async def test_identity_length(
    csms: CsmsDriver, another_station: AnotherStation, spec: Spec, profile: SutProfile
) -> None:
    """One of full length that differs from another only in its last character."""
    identity = "CS" + "0123456789" * 4 + "ABCDEF"
    assert len(identity) == IDENTITY_LENGTH
    async with provisioned(csms, identity, another_station, profile) as station:
        with spec("CSMS.BOOT.01"):
            await _taken_on(station, profile)


async def _taken_on(station: StationPeer, profile: SutProfile) -> None:
    """The CSMS lets a station in that it knows, and accepts its boot sooner or later."""
    await station.connect()
    last = await boots_until_accepted(station, profile, await station.boot())
    assert last["status"] == "Accepted", f"the boot of {station.identity} was answered {last['status']}"


# -- connections that break -------------------------------------------------------------------------------------------


@case(
    "RECONNECT_WITHOUT_BOOT_CSMS",
    "A station that comes back without a new boot is served",
    versions=["2.0.1", "1.6"],
    requirements=["J.RECONNECT.08"],
    severity=Severity.CRITICAL,
)
async def test_reconnect(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Lose the connection in each way, and come back at once; both sides have something to say after that."""
    read = reads(station)[0]
    for how in ("close", "fin", "reset"):
        await station.disconnect(how)
        await _connect(station)
        with spec("J.RECONNECT.08"):
            await served(station)
            await station.report_all_connectors()
    if csms.can(read.action):
        with spec("J.RECONNECT.08"):
            await commanded(csms, station, profile, read)


async def _connect(station: StationPeer) -> Link:
    """Come back; a CSMS that has not yet noticed that the old connection is gone may refuse the new one once."""
    with suppress(NotConnected):
        return await station.connect()
    return await station.connect()


@case(
    "SAME_IDENTITY_TWICE_CSMS",
    "Of two connections of one station the newer is served",
    versions=["2.0.1", "1.6"],
    requirements=["CSMS.CONN.02"],
    severity=Severity.NORMAL,
)
async def test_same_identity_twice(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Connect again while connected; then end the older one, if the CSMS has not."""
    first, second, third, *_ = reads(station)
    older = await station.connected()
    with spec.must("CSMS.CONN.02"):
        newer = await station.connect()
        await _served_on(station, newer)
    operated = csms.can(first.action)
    if operated:
        with spec("CSMS.CONN.02"):
            call = await commanded(csms, station, profile, first)
            assert came_on(call, newer), "a command came on the older of two connections"
    with suppress(LinkClosed):
        older.start_close(1000, "another connection is in use")
    await older.wait_closed()
    with spec("CSMS.CONN.02"):
        assert newer.is_open, "with the older of two connections the newer one ended, too"
        await _served_on(station, newer)
        if operated:
            await commanded(csms, station, profile, second)
    await station.disconnect()
    await _connect(station)
    with spec("CSMS.CONN.02"):
        await served(station)
        if operated:
            await commanded(csms, station, profile, third)


async def _served_on(station: StationPeer, link: Link) -> None:
    assert link.is_open, "the CSMS closed the newer of two connections"
    assert station.link is link, "the newer of two connections is gone"
    await served(station)


@case(
    "VANISHED_STATION_CSMS",
    "A station that vanished without a word and comes back is served at once",
    versions=["2.0.1", "1.6"],
    requirements=["CSMS.CONN.02"],
    severity=Severity.CRITICAL,
)
async def test_vanished(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """As when a mobile network drops it: on the old connection nothing goes out or comes in, not even its end."""
    first, second, *_ = reads(station)
    older = await station.connected()
    older.stall()
    task = csms.launch(second.action, second.payload)  # the CSMS may well be waiting for an answer there
    await pause(station, "the command to be on its way", profile.timing.settle)
    try:
        with spec.must("CSMS.CONN.02"):
            newer = await station.connect()
            await station.report_all_connectors()
            await _served_on(station, newer)
        if csms.can(first.action):
            with spec("CSMS.CONN.02"):
                call = await commanded(csms, station, profile, first)
                assert came_on(call, newer), "a command came on the connection that has vanished"
    finally:
        task.cancel()
        older.abort()


# -- others -----------------------------------------------------------------------------------------------------------


@case(
    "NEIGHBOUR_CSMS",
    "A station that misbehaves is not felt by another",
    versions=["2.0.1", "1.6"],
    requirements=["CSMS.CONN.04"],
    severity=Severity.CRITICAL,
)
async def test_neighbour(
    station: StationPeer, csms: CsmsDriver, another_station: AnotherStation, spec: Spec, profile: SutProfile
) -> None:
    """The station sends rubbish, does not answer, and stops reading; another is served as ever, and can be asked."""
    assert profile.parameters.second_identity, "the profile names no second_identity, which the CSMS knows too"
    password = profile.password()
    neighbour = another_station(
        profile.parameters.second_identity, password=password.reveal() if password else None, heartbeats=False
    )
    await neighbour.bring_up()
    mine, theirs = reads(station), reads(neighbour)
    with spec("CSMS.CONN.04"):
        link = await station.connected()
        for rubbish in RUBBISH:
            with suppress(LinkClosed):
                link.send(rubbish)
        await served(neighbour)
    if await gone(station, link, within=profile.timing.settle):
        await station.connect()
    operated = csms.can(mine[0].action)
    if operated:
        station.keep_answering(mine[0].action, Silence())
        csms.launch(mine[0].action, mine[0].payload)
        await station.expect(mine[0].action, where=mine[0].fits, within=profile.timing.command)
        with spec("CSMS.CONN.04"):
            await served(neighbour)
            await _asked(neighbour, csms, profile, theirs[1])
    link = await station.connected()
    link.stall()
    with spec("CSMS.CONN.04"):
        await neighbour.report_all_connectors()
        if operated:
            await _asked(neighbour, csms, profile, theirs[2])
    link.abort()


RUBBISH = ("{", "[2]", "null", '[2,"x","MakeCoffee",{}]', '[4,"x","GenericError","",{}]', "[" * 200)


async def _asked(station: StationPeer, csms: CsmsDriver, profile: SutProfile, command: Command) -> None:
    """Have the CSMS send a command to a station other than that of the profile."""
    mark = station.now
    task = csms.launch(command.action, command.payload, identity=station.identity)
    try:
        await station.expect(command.action, where=command.fits, after=mark, within=profile.timing.command)
    finally:
        task.cancel()


# -- WebSocket --------------------------------------------------------------------------------------------------------


@case(
    "PING_CSMS",
    "A ping is answered with a pong",
    versions=["2.0.1", "1.6"],
    requirements=["J.PING.04"],
    severity=Severity.NORMAL,
)
async def test_ping(station: StationPeer, spec: Spec, profile: SutProfile) -> None:
    """With nothing in it, with something, and with as much as a ping can hold."""
    link = await station.connected()
    with spec("J.PING.04"):
        for data in (b"", b"still there?", b"p" * 125):
            ping = link.ping(data)
            await station.until(
                lambda ping=ping: any(_answers(each, ping) for each in station.transcript.since(ping.n)),  # type: ignore[misc]
                f"the pong to a ping with {len(data)} bytes",
                within=profile.timing.answer,
            )


def _answers(entry: Entry, ping: Entry) -> bool:
    same = entry.link == ping.link and entry.detail.get("data") == ping.detail["data"]
    return entry.kind == "pong" and entry.sender == "sut" and same
