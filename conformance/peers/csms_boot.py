"""What cases about the boot and the door of a CSMS under test share."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

from conformance.oracles.clock import Reading
from conformance.peers.peer import Peer
from conformance.peers.received import NoAnswer, NotSeen, Received
from conformance.peers.replies import Payload
from conformance.peers.station import How, NotConnected, StationPeer
from conformance.peers.variety import Said
from conformance.sut.drivers.actions import DriverFailed, Unsupported
from conformance.sut.drivers.csms_driver import CsmsDriver
from conformance.sut.profile import SutProfile
from conformance.wire.frames import Call, CallError, CallResult
from conformance.wire.link import Link
from conformance.wire.schemas import parse_timestamp
from conformance.wire.transcript import Entry

GONE = "the connection is gone"

AnotherStation = Callable[..., StationPeer]
"""What the fixture `another_station` is."""


# -- boots that are put off -------------------------------------------------------------------------------------------


@asynccontextmanager
async def put_off(csms: CsmsDriver, station: StationPeer, profile: SutProfile, status: str) -> AsyncIterator[Received]:
    """Have the CSMS answer boots Pending or Rejected, and boot on a new connection; gives the answer.

    In the end boots are accepted again. Raises AssertionError where the boot is answered otherwise, Unsupported and
    DriverFailed where nobody can set the CSMS so.
    """
    await csms.set_registration(status, interval=profile.parameters.pending_interval)
    try:
        await station.disconnect()
        await station.connect()
        answer = await station.boot()
        told = answer["status"]
        assert told == status, f"the CSMS was set to answer boots {status}, and answered {told}"
        yield answer
    finally:
        await csms.set_registration("Accepted")


async def boots_until_accepted(station: StationPeer, profile: SutProfile, answer: Received) -> Received:
    """Boot again after each interval, or when asked to, until accepted or for as often as the profile has patience.

    A connection that the CSMS has closed meanwhile is made again. Gives the last answer.
    """
    for _ in range(profile.parameters.boot_attempts):
        if answer["status"] == "Accepted":
            break
        pause = answer["interval"] or profile.parameters.heartbeat_interval
        with suppress(NotSeen):
            await booted_after(station, answer, within=pause)
        if station.link is None:
            await station.connect()
        newest = station.booted
        answer = await station.boot() if newest is None or newest.n <= answer.n else newest
    station.touch(answer)
    return answer


async def rebooted(station: StationPeer, profile: SutProfile, reason: str, *, how: How = "close") -> Received:
    """Go away, come back and boot until accepted; AssertionError where the profile has no patience for more boots."""
    last = await boots_until_accepted(station, profile, await station.reboot(reason, how=how))
    assert last["status"] == "Accepted", f"the boot of a station that is known was answered {last['status']}"
    return last


async def booted_after(station: StationPeer, answer: Received, *, within: float) -> None:
    """Wait for the answer to a boot after this one, which the CSMS has triggered; raises NotSeen."""

    def booted() -> bool:
        return station.booted is not None and station.booted.n > answer.n

    await station.until(booted, "the answer to another boot", within=within)


async def none_came(station: StationPeer, *actions: str, since: int, for_: float) -> None:
    """Wait for so long; AssertionError if the CSMS sends one of these calls meanwhile, or any if none is named."""

    def came() -> list[Received]:
        return [each for each in station.traffic(after=since) if not actions or each.action in actions]

    with suppress(NotSeen):
        await station.until(lambda: bool(came()), f"nothing to come for {for_:g} s", within=for_)
    found = came()
    station.touch(*found)
    assert not found, f"{found[0].action} came: {found[0].entry.text[:200]}"


async def pause(station: StationPeer, what: str, seconds: float) -> None:
    """Let so many seconds go by, waiting for what can't be seen."""
    with suppress(NotSeen):
        await station.until(lambda: False, what, within=seconds)


# -- what is said, and how it is answered -----------------------------------------------------------------------------


async def refused_with(station: StationPeer, said: Iterable[Said], code: str) -> list[str]:
    """Say these, one after the other, where each has to be refused with this code; what came instead, in words.

    The first that is not answered at all is the last to be said.
    """
    wrong: list[str] = []
    for action, payload in said:
        entry = await _answer(station, action, payload)
        if isinstance(entry, str):
            return [*wrong, f"{action}: {entry}"]
        if isinstance(entry.frame, CallError) and entry.frame.code == code:
            continue
        wrong.append(f"{action} was answered {_shown(entry)}")
    return wrong


async def taken(station: StationPeer, said: Iterable[tuple[str, Said]]) -> list[str]:
    """Say these, which a CSMS has to take; what was not answered with a CALLRESULT, in words.

    The first that is not answered at all is the last to be said.
    """
    wrong: list[str] = []
    for words, (action, payload) in said:
        entry = await _answer(station, action, payload)
        if isinstance(entry, str):
            return [*wrong, f"{words}: {entry}"]
        if not isinstance(entry.frame, CallResult):
            wrong.append(f"{words}: {action} was answered {_shown(entry)}")
    return wrong


async def _answer(station: StationPeer, action: str, payload: Payload) -> Entry | str:
    """The answer to a call, or why there is none."""
    if station.link is None:
        return GONE
    try:
        return await station.attempt(action, payload)
    except (NoAnswer, NotSeen) as silence:
        return GONE if station.link is None else str(silence)


def listed(wrong: list[str]) -> str:
    """The first few of what is wrong, as one text."""
    more = f"; and {len(wrong) - _FEW} more" if len(wrong) > _FEW else ""
    return "; ".join(wrong[:_FEW]) + more


_FEW = 3


def _shown(entry: Entry) -> str:
    return f"CALLERROR {entry.frame.code}" if isinstance(entry.frame, CallError) else entry.text[:100]


def reading(station: StationPeer, answer: Received) -> Reading:
    """The time that an answer tells; AssertionError where it tells none."""
    told = parse_timestamp(answer["currentTime"])
    assert told is not None, f"currentTime is no time with its offset: {answer['currentTime']}"
    exchange = station.transcript.exchange(answer.entry)
    assert exchange is not None
    station.touch(answer)
    return Reading(told, exchange.call.utc, answer.entry.utc)


def is_interval(value: object) -> bool:
    """Whether this can be the interval of an answer to a boot: whole seconds, no fewer than none."""
    return not isinstance(value, bool) and isinstance(value, int | float) and value == int(value) >= 0


# -- connections ------------------------------------------------------------------------------------------------------


async def handshake(station: StationPeer, **changes: Any) -> tuple[Entry, Link | None]:
    """Dial as `StationPeer.connect` does, whatever comes of it: the handshake, and the connection if there is one.

    Raises NotConnected where there is no answer to the upgrade.
    """
    mark = station.now
    try:
        link = await station.connect(**changes)
    except NotConnected as refused:
        if refused.entry is None:
            raise
        return refused.entry, None
    entry = next(each for each in station.transcript.since(mark) if each.kind == "handshake")
    station.touch(entry)
    return entry, link


async def served(peer: Peer) -> None:
    """Show that the CSMS serves this station; AssertionError where it does not."""
    answer = await peer.call("Heartbeat", {})
    assert answer["currentTime"], "the answer to Heartbeat holds no time"


async def gone(station: StationPeer, link: Link, *, within: float) -> bool:
    """Whether the CSMS ends a connection within so many seconds."""
    with suppress(NotSeen):
        await station.until(lambda: link.closed is not None, "the end of the connection", within=within)
    return link.closed is not None


def came_on(call: Received, link: Link) -> bool:
    """Whether a call came on this connection."""
    assert isinstance(call.entry.frame, Call)
    return call.entry.link == link.number


@asynccontextmanager
async def provisioned(
    csms: CsmsDriver, identity: str, another_station: AnotherStation, profile: SutProfile
) -> AsyncIterator[StationPeer]:
    """A station that was never seen before, known for a while; raises Unsupported and DriverFailed."""
    if not csms.can("remove_station"):
        raise Unsupported("remove_station", "a station that is made known has to be forgotten again")
    password = profile.password()
    await csms.provision_station(identity, password=password)
    try:
        yield another_station(identity, password=password.reveal() if password else None)
    finally:
        with suppress(Unsupported, DriverFailed):
            await csms.remove_station(identity)
