"""The way up to a higher security profile, as each version has it (A05), and the way back by an installer."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from conformance.peers.csms import SECURE, CsmsPeer
from conformance.peers.network_profiles import PRIORITY, TAKEN, Journey, survey
from conformance.peers.received import NotSeen
from conformance.peers.scenes import Operated
from conformance.peers.security import WITH_CERTIFICATES, Door, StationSecurity
from conformance.sut.drivers import Unsupported
from conformance.sut.profile import SutProfile
from conformance.wire.link import Link
from conformance.wire.transcript import Entry

PROFILE = "SecurityProfile"
IN_VAIN = 4
"""So many attempts that come to nothing are enough to see that a station does not come in."""


class Way(Protocol):
    """How a version asks a station to go up, and has it done."""

    async def ask(self) -> str:
        """Ask; the status of the answer."""

    async def follow(self) -> int:
        """Have the station do what it agreed to; the entry from which on it may connect anew."""

    @property
    def restarted(self) -> bool:
        """Whether it was asked to restart for that."""


@dataclass
class Ascent:
    """One step up: from the security profile that the station is in, to a higher one."""

    csms: CsmsPeer
    profile: SutProfile
    low: Door
    high: Door
    way: Way
    others: tuple[Door, ...] = ()
    """Where it may come in as well."""

    def attempts(self, *, after: int) -> list[Entry]:
        """The attempts to connect at any of the addresses, in order, from an entry on."""
        everywhere = {id(each.endpoint): each.endpoint for each in (self.low, self.high, *self.others)}.values()
        return sorted((entry for each in everywhere for entry in each.asked(after=after)), key=lambda entry: entry.n)

    def security_of(self, attempt: Entry) -> int:
        """The security profile that an attempt was made in, as far as can be seen of it."""
        here = [each for each in self.csms.transcript.entries if each.kind == "tls" and each.link == attempt.link]
        self.csms.touch(attempt, *here)
        if not here:
            return 1
        return WITH_CERTIFICATES if here[0].detail.get("chain") else SECURE

    def failed(self, *, after: int) -> list[Entry]:
        """The attempts that came to nothing."""
        return [each for each in self.attempts(after=after) if each.detail["error"] is not None]

    async def arrival(self, *, after: int) -> Link:
        """Wait until the station is connected anew; raises AssertionError where it does not come, or comes in vain."""
        csms, timing = self.csms, self.profile.timing

        def is_in() -> bool:
            links = {each.link for each in self.attempts(after=after) if each.detail["error"] is None}
            return csms.link is not None and csms.link.is_open and csms.link.number in links

        def over() -> bool:
            return is_in() or len(self.failed(after=after)) >= IN_VAIN

        await csms.until(over, "the station to connect anew", within=timing.reconnect + timing.boot)
        assert is_in(), f"the station has tried to connect {len(self.failed(after=after))} times, and was never let in"
        assert csms.link is not None
        return csms.link

    def came(self, link: Link) -> int:
        """The security profile in which a connection was made."""
        return self.security_of(self.entry_of(link))

    def entry_of(self, link: Link) -> Entry:
        """The handshake of a connection."""
        return next(each for each in self.attempts(after=0) if each.link == link.number)

    async def booted(self, *, after: int) -> None:
        """Wait for the boot after a restart, if there is one, and until the station knows that it may work."""
        csms, timing = self.csms, self.profile.timing
        if not self.way.restarted:
            return
        with suppress(NotSeen):
            boot = await csms.expect("BootNotification", after=after, within=timing.answer)
            await csms.answered(boot, within=timing.answer)
            what = "the first message after the boot"
            await csms.until(lambda: bool(csms.traffic(after=boot)), what, within=timing.settle)

    async def unmoved(self, link: Link | None, *, after: int) -> str:
        """Give the station time to do something; what has changed, in words, or nothing."""
        with suppress(NotSeen):
            await self.csms.until(
                lambda: self.csms.link is not link or bool(self.attempts(after=after)),
                "a move of the station",
                within=self.profile.timing.settle,
            )
        if self.csms.link is not link or self.attempts(after=after):
            return "the station has left its connection, or tried to make another one"
        reads = await self.csms.speak.read(PROFILE)
        return "" if reads == str(self.low.profile) else f"{PROFILE} reads {reads} now"


@dataclass
class ByNetworkProfile:
    """OCPP 2.0.1: a network profile with more security, first in the list of priorities, and a restart."""

    csms: CsmsPeer
    trip: Journey
    high: Door
    filled: str = field(default="", init=False)
    """What SetNetworkProfile was answered."""
    restarted: bool = field(default=True, init=False)

    async def ask(self) -> str:
        """Fill a slot and set the list: the new one first, then the one in use."""
        trip = self.trip
        answer = await trip.fill(trip.spare, trip.connection(self.high.url, securityProfile=self.high.profile))
        self.filled = str(answer["status"])
        return await trip.prioritize(trip.spare, trip.active)

    async def follow(self) -> int:
        """Ask for the restart that a new list takes."""
        return await self.trip.restart()

    async def problems(self) -> list[str]:
        """What is not as it has to be once the station has come up (A05.FR.06), in words."""
        found = []
        reads = await self.csms.speak.read(PROFILE)
        if reads != str(self.high.profile):
            found.append(f"{PROFILE} reads {reads}, and the station came in profile {self.high.profile}")
        priority = await self.csms.speak.read(PRIORITY)
        if self.trip.active in [each.strip() for each in priority.split(",")]:
            found.append(f"slot {self.trip.active} with the lower profile is still in the list, {priority}")
        return found

    async def ask_back(self) -> str:
        """Set the list with the lower profile in it; the status."""
        return await self.csms.speak.write(PRIORITY, f"{self.trip.spare},{self.trip.active}")


@dataclass
class ByKey:
    """OCPP 1.6: the key SecurityProfile is changed, and the station comes back, after a restart if need be."""

    csms: CsmsPeer
    profile: SutProfile
    high: Door
    asked: int = field(default=0, init=False)
    status: str = field(default="", init=False)
    restarted: bool = field(default=False, init=False)
    _link: Link | None = field(default=None, init=False)

    async def ask(self) -> str:
        """Change the key."""
        self.asked, self._link = self.csms.now, self.csms.link
        self.status = await self.csms.speak.write(PROFILE, str(self.high.profile))
        return self.status

    async def follow(self) -> int:
        """Reset the station if it does not leave by itself."""
        csms, link = self.csms, self._link
        if self.status != "RebootRequired":
            with suppress(NotSeen):
                gone = "the station to leave its connection"
                await csms.until(lambda: csms.link is not link, gone, within=self.profile.timing.settle)
                return self.asked
        await csms.speak.reset("now")
        self.restarted = True
        return self.asked


class Stairs:
    """The security profiles that a station claims, and the steps between them."""

    def __init__(
        self, security: StationSecurity, csms: CsmsPeer, station: Operated, profile: SutProfile, raised: AsyncExitStack
    ) -> None:
        self.security = security
        self.claimed = tuple(each for each in (1, 2, 3) if profile.claims(f"security-profile-{each}"))
        self._csms = csms
        self._station = station
        self._profile = profile
        self._raised = raised

    @property
    def steps(self) -> Iterator[tuple[int, int]]:
        """Each step from one claimed profile to the next, from the lowest up."""
        return zip(self.claimed, self.claimed[1:], strict=False)

    async def one_step(self, low: int, high: int) -> Ascent:
        """A step up, in the version of the connection; it is not expected to lead anywhere."""
        if self._profile.version == "1.6":
            return await self.step_by_key(low, high, leads_there=False)
        return (await self.step(low, high))[0]

    async def step(self, low: int, high: int) -> tuple[Ascent, ByNetworkProfile]:
        """A step up of OCPP 2.0.1."""
        below, above = await self.security.door(low), await self.security.door(high)
        trip = await survey(self._csms, self._station, self._profile, (below.endpoint, above.endpoint))
        way = ByNetworkProfile(self._csms, trip, above)
        return Ascent(self._csms, self._profile, below, above, way), way

    async def step_by_key(self, low: int, high: int, *, leads_there: bool = True) -> Ascent:
        """A step up of OCPP 1.6, where the station is told no other address.

        Unless it is to lead nowhere, each address of a lower profile is like that of the higher one from now on.
        """
        below, above = await self.security.door(low), await self.security.door(high)
        for each in self.claimed if leads_there else ():
            if each < high:
                self._raised.enter_context((await self.security.door(each)).raised(above))
        others = tuple([await self.security.door(each) for each in self.claimed if each < low])
        return Ascent(self._csms, self._profile, below, above, ByKey(self._csms, self._profile, above), others)


@asynccontextmanager
async def stairs(
    security: StationSecurity, csms: CsmsPeer, station: Operated, profile: SutProfile
) -> AsyncIterator[Stairs]:
    """Play with the security profiles of a station for a block, after which an installer sets it up as it was.

    Raises Unsupported where nobody can do that: there is no other way back.
    """
    if not station.can("commission"):
        raise Unsupported("commission", "nobody can bring the station back to the security profile that it is in")
    home = security.profile
    async with AsyncExitStack() as raised:
        made = Stairs(security, csms, station, profile, raised)
        try:
            yield made
        finally:
            await raised.aclose()
            await security.commission(home)


def taken(status: str) -> bool:
    """Whether a station has agreed."""
    return status in TAKEN
