"""Use cases B09 and B10: network profiles, and the move to another CSMS and back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.inventory import told
from conformance.peers.csms import CsmsPeer, Endpoint
from conformance.peers.network_profiles import PRIORITY, TAKEN, Journey, journey
from conformance.peers.received import NotSeen
from conformance.peers.scenes import preserved
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile
from conformance.wire.link import Link

Endpoints = tuple[Endpoint, Endpoint]

NO_SLOT = 999
NO_ADDRESSES = ("not an address", "ws://", "http://")
NO_LISTS = ("999", "abc")


# -- what can't be set ------------------------------------------------------------------------------------------------


@case(
    "TC_B_43_CS",
    "A network profile for a slot that is not there",
    requirements=["B09.FR.05", "NETWORK.LATER.01"],
    severity=Severity.CRITICAL,
)
async def test_unknown_slot(
    csms: CsmsPeer, station: StationDriver, spec: Spec, profile: SutProfile, endpoints: Endpoints
) -> None:
    """Try it, with an address that would do; connection and priority list stay."""
    async with journey(csms, station, profile, endpoints) as trip:
        link = csms.link
        with spec("B09.FR.05"):
            answer = await trip.fill(NO_SLOT, trip.connection(trip.url))
            assert answer["status"] == "Rejected", f"slot {NO_SLOT} was answered {answer['status']}"
        await nothing_moved(trip, spec, link)


@case(
    "NETWORK_INVALID_CS",
    "Network profiles that no station can use",
    requirements=["B09.FR.02", "B09.FR.04", "NETWORK.LATER.01"],
    severity=Severity.CRITICAL,
)
async def test_invalid(
    csms: CsmsPeer, station: StationDriver, spec: Spec, profile: SutProfile, endpoints: Endpoints
) -> None:
    """Try addresses that are none, and an address without the security that the connection has."""
    async with journey(csms, station, profile, endpoints) as trip:
        link = csms.link
        with spec("B09.FR.02"):
            wrong: list[str] = []
            for address in NO_ADDRESSES:
                answer = await trip.fill(trip.spare, trip.connection(address))
                if answer["status"] != "Rejected":
                    wrong.append(f"the address {address!r} was answered {answer['status']}")
            assert not wrong, told(wrong)
        if not trip.security:
            spec.excuse("B09.FR.04", "the station is connected without security: there is no less")
        elif await may_be_downgraded(csms):
            spec.excuse("B09.FR.04", "AllowSecurityProfileDowngrade is true")
        else:
            with spec("B09.FR.04"):
                answer = await trip.fill(trip.spare, trip.connection(trip.url, securityProfile=0))
                status = answer["status"]
                assert status == "Rejected", f"profile {trip.security} is in use, and 0 was answered {status}"
        await nothing_moved(trip, spec, link)


@case(
    "NETWORK_PRIORITY_CS",
    "Priority lists with what is no slot",
    requirements=["B10.FR.02", "NETWORK.KEPT.01"],
    severity=Severity.CRITICAL,
)
async def test_invalid_priority(
    csms: CsmsPeer, station: StationDriver, spec: Spec, profile: SutProfile, endpoints: Endpoints
) -> None:
    """Try some, behind the slot in use; the list stays as it was."""
    async with journey(csms, station, profile, endpoints) as trip, preserved(csms, PRIORITY):
        with spec("B10.FR.02"):
            wrong: list[str] = []
            for entry in NO_LISTS:
                value = f"{trip.active},{entry}"
                status = await csms.speak.write(PRIORITY, value)
                if status != "Rejected":
                    wrong.append(f"the list {value} was answered {status}")
            assert not wrong, told(wrong)
        with spec("NETWORK.KEPT.01"):
            reads = await csms.speak.read(PRIORITY)
            assert reads == trip.priority or wrong, f"what was refused turned {trip.priority} into {reads}"


# -- what is set and not used -----------------------------------------------------------------------------------------


@case(
    "NETWORK_SPARE_SLOT_CS",
    "A network profile in a slot that is not in the priority list changes nothing",
    requirements=["B09.FR.01", "B09.FR.06", "NETWORK.LATER.01", "NETWORK.SPARE.01"],
    severity=Severity.NORMAL,
)
async def test_spare_slot(
    csms: CsmsPeer, station: StationDriver, spec: Spec, profile: SutProfile, endpoints: Endpoints
) -> None:
    """Have a spare slot lead away, and restart: the station comes back to where it was."""
    async with journey(csms, station, profile, endpoints) as trip:
        with spec.must("B09.FR.06"):
            assert len(trip.slots) > 1, f"the slots that there are: {', '.join(trip.slots)}"
        link = csms.link
        await filled(trip, spec)
        await nothing_moved(trip, spec, link)
        if trip.spare_is_listed:
            spec.excuse("NETWORK.SPARE.01", "every slot of the station is in its priority list")
            return
        mark = await trip.restart()
        with spec("NETWORK.SPARE.01"):
            await trip.arrival(after=mark)
            await trip.booted(after=mark)
            course = trip.course(after=mark)
            assert "away" not in " ".join(course), f"the list is {trip.priority}, and slot {trip.spare} was tried"


# -- the move ---------------------------------------------------------------------------------------------------------


@case(
    "TC_B_45_CS",
    "The station moves to another address",
    requirements=["B09.FR.01", "B10.FR.01", "B10.FR.04", "B10.FR.06", "NETWORK.ACTIVE.01"],
    severity=Severity.BLOCKER,
)
async def test_move(
    csms: CsmsPeer, station: StationDriver, spec: Spec, profile: SutProfile, endpoints: Endpoints
) -> None:
    """Fill a slot, put it first, and restart: the station leaves, and comes in at the other address."""
    async with journey(csms, station, profile, endpoints) as trip:
        old = csms.link
        mark = await sent_away(trip, spec)
        with spec.must("B10.FR.04"):
            await trip.arrival(after=mark)
            course = trip.course(after=mark)
            assert course[0] == "away+", f"the first slot leads away, and {shown(course)}"
        await trip.booted(after=mark)
        with spec("B10.FR.06"):
            assert old is not None
            await left_before(trip, old, mark)
        with spec("NETWORK.ACTIVE.01"):
            await shows_active(trip, trip.spare)


@case(
    "TC_B_46_CS",
    "The station can't move, and comes back",
    requirements=["B10.FR.03", "B10.FR.04"],
    severity=Severity.BLOCKER,
)
async def test_move_fails(
    csms: CsmsPeer, station: StationDriver, spec: Spec, profile: SutProfile, endpoints: Endpoints
) -> None:
    """Let it be turned away at the other address: it tries twice there, and then the second slot of its list."""
    attempts = 2
    async with journey(csms, station, profile, endpoints, attempts=attempts) as trip:
        async with trip.away.network.turned_away(drop="keep"):
            mark = await sent_away(trip)
            with spec.must("B10.FR.03"):
                await trip.arrival(after=mark)
            course = trip.course(after=mark)
            with spec("B10.FR.04"):
                assert course[0].startswith("away"), f"the first slot leads away, and {shown(course)}"
            with spec("B10.FR.03"):
                expected = ["away"] * attempts
                assert course[0] == "home+" or course[:-1] == expected, f"{shown(course)}; expected {attempts} away"
        await trip.booted(after=mark)


@case(
    "NETWORK_LOST_CS",
    "The station loses its CSMS, and goes to the next",
    requirements=["B10.FR.03", "B10.FR.10", "NETWORK.ACTIVE.01"],
    severity=Severity.CRITICAL,
)
async def test_lost(
    csms: CsmsPeer, station: StationDriver, spec: Spec, profile: SutProfile, endpoints: Endpoints
) -> None:
    """Have the second slot lead away, and turn the station away at home: it tries twice, moves, and boots there."""
    attempts = 2
    async with journey(csms, station, profile, endpoints, attempts=attempts) as trip:
        mark = await sent_away(trip, first=trip.active, then=trip.spare)
        await trip.arrival(after=mark)
        await trip.booted(after=mark)
        lost = csms.now
        async with trip.home.network.turned_away():
            await csms.disconnected()
            with spec.must("B10.FR.03"):
                await trip.arrival(after=lost)
                course = trip.course(after=lost)
                assert course[:-1] == ["home"] * attempts, f"{shown(course)}; expected {attempts} at home"
            with spec("B10.FR.10"):
                boot = await trip.booted(after=lost)
                assert trip.away.admitted(csms.link), f"{boot.action} came on another connection"
            with spec("NETWORK.ACTIVE.01"):
                await shows_active(trip, trip.spare)


@case(
    "TC_B_49_CS",
    "Nobody lets the station in, and it returns to whom it knew",
    requirements=["B10.FR.03", "B10.FR.07"],
    severity=Severity.CRITICAL,
    needs="network-profile-fallback",
)
async def test_all_fail(
    csms: CsmsPeer, station: StationDriver, spec: Spec, profile: SutProfile, endpoints: Endpoints
) -> None:
    """Let it be turned away at both addresses, once each: the next attempt is at the one where it was before."""
    async with journey(csms, station, profile, endpoints, attempts=1) as trip:
        async with all_failed(trip, spec) as mark:
            with spec.must("B10.FR.07"):
                await trip.attempted(3, after=mark, booting=False)
                course = trip.course(after=mark)
                assert course[2].startswith("home"), f"the last connection was at home, and {shown(course)}"
        await trip.arrival(after=mark)
        await trip.booted(after=mark)


@case(
    "NETWORK_NOBODY_CS",
    "Nobody lets the station in, and it goes on trying",
    requirements=["B10.FR.03", "B10.FR.09"],
    severity=Severity.CRITICAL,
)
async def test_goes_on(
    csms: CsmsPeer, station: StationDriver, spec: Spec, profile: SutProfile, endpoints: Endpoints
) -> None:
    """Let it be turned away at both addresses, once each: there is another attempt, wherever."""
    async with journey(csms, station, profile, endpoints, attempts=1) as trip:
        async with all_failed(trip, spec) as mark:
            with spec.must("B10.FR.09"):
                await trip.attempted(3, after=mark, booting=False)
        await trip.arrival(after=mark)
        await trip.booted(after=mark)


@case(
    "NETWORK_IN_USE_CS",
    "A new network profile for the slot in use",
    requirements=["NETWORK.LATER.01", "NETWORK.USED.01"],
    severity=Severity.CRITICAL,
)
async def test_slot_in_use(
    csms: CsmsPeer, station: StationDriver, spec: Spec, profile: SutProfile, endpoints: Endpoints
) -> None:
    """Move the station, and have the slot that it uses then lead home: it stays, and goes home with a restart.

    A station may refuse that; then it comes back to where it was.
    """
    async with journey(csms, station, profile, endpoints) as trip:
        mark = await sent_away(trip)
        link = await trip.arrival(after=mark)
        await trip.booted(after=mark)
        assert trip.away.admitted(link), "the station did not move, so the slot can't be overwritten while it is in use"
        order = await csms.speak.read(PRIORITY)
        answer = await trip.fill(trip.spare, trip.connection(trip.url))
        await nothing_moved(trip, spec, link, order=order)
        mark = await trip.restart()
        with spec("NETWORK.USED.01"):
            await trip.arrival(after=mark)
            course = trip.course(after=mark)
            status = answer["status"]
            expected = "home" if status == "Accepted" else "away"
            assert course[0].startswith(expected), f"the profile was {status}, and {shown(course)}"
            await shows_active(trip, trip.spare)
        await trip.booted(after=mark)


# -- steps ------------------------------------------------------------------------------------------------------------


async def filled(trip: Journey, spec: Spec | None = None) -> None:
    """Have the spare slot lead away."""
    if spec is None:
        answer = await trip.point_away(trip.spare)
        assert answer["status"] == "Accepted", f"slot {trip.spare} was answered {answer['status']}"
        return
    with spec.must("B09.FR.01"):
        await filled(trip)


async def sent_away(
    trip: Journey, spec: Spec | None = None, *, first: str | None = None, then: str | None = None
) -> int:
    """Fill the spare slot, set the order of the slots, away first unless said otherwise, and restart."""
    await filled(trip, spec)
    order = (first or trip.spare, then or trip.active)
    if spec is None:
        status = await trip.prioritize(*order)
        assert status in TAKEN, f"the list {','.join(order)} was answered {status}"
    else:
        with spec.must("B10.FR.01"):
            status = await trip.prioritize(*order)
            assert status in TAKEN, f"the list {','.join(order)} was answered {status}"
    return await trip.restart()


@asynccontextmanager
async def all_failed(trip: Journey, spec: Spec) -> AsyncIterator[int]:
    """Send the station away, turn it away once at each address, and then let it in at home alone for a block."""
    async with trip.away.network.turned_away(drop="keep"):
        async with trip.home.network.turned_away(drop="keep"):
            mark = await sent_away(trip)
            with suppress(NotSeen):
                await trip.attempted(2, after=mark)
            with spec("B10.FR.03"):
                course = trip.course(after=mark)
                assert sorted(course[:2]) == ["away", "home"], f"{shown(course)}; expected one at each address"
        yield mark


async def nothing_moved(trip: Journey, spec: Spec, link: Link | None, *, order: str | None = None) -> None:
    """See that the connection is the same for a while, and so is the priority list."""
    csms = trip.csms
    with suppress(NotSeen):
        await csms.until(lambda: csms.link is not link, "another connection", within=trip.profile.timing.settle)
    with spec("NETWORK.LATER.01"):
        assert csms.link is link, "the station gave up its connection, though nobody told it to restart"
        reads = await csms.speak.read(PRIORITY)
        expected = trip.priority if order is None else order
        assert reads == expected, f"the priority list was {expected}, and reads {reads}"
    await csms.connected()


async def left_before(trip: Journey, old: Link, mark: int) -> None:
    """See that the old connection was gone before the first attempt; one that is half open for us is not alive."""
    csms = trip.csms
    with suppress(NotSeen):
        await csms.until(lambda: old.closed is not None, "the old connection to end", within=trip.profile.timing.settle)
    (_, first), *_ = trip.attempts(after=mark)
    later = [entry for entry in csms.transcript.entries[first.n + 1 :] if entry.link == old.number]
    alive = [each for each in later if (each.sender == "sut" and each.kind != "close") or "answer" in each.detail]
    csms.touch(first, *alive)
    assert not alive, "the old connection was still served when the station tried the other address"


async def shows_active(trip: Journey, slot: str) -> None:
    """Read what slot is in use."""
    reads = await trip.read_active()
    assert reads == slot, f"the station is connected with slot {slot}, and ActiveNetworkProfile reads {reads}"


async def may_be_downgraded(csms: CsmsPeer) -> bool:
    """Whether the station says that its security may be lowered."""
    try:
        return await csms.speak.read(("SecurityCtrlr", "AllowSecurityProfileDowngrade")) == "true"
    except AssertionError:
        return False


def shown(course: list[str]) -> str:
    """Attempts to connect in words; a + is where the station was let in."""
    return f"the attempts went {' '.join(course) or 'nowhere'}"
