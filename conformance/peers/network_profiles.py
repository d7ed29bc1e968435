"""Sending a station to the other address of the harness, and bringing it back (B09, B10)."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from conformance.peers.csms import CsmsPeer, Endpoint
from conformance.peers.csms_dialect import Setting
from conformance.peers.inventories import fetch
from conformance.peers.ledger import safety_of
from conformance.peers.received import NoAnswer, NotSeen, Received
from conformance.peers.scenes import Operated, configured, reset_to_come
from conformance.sut.drivers import DriverFailed, Unsupported
from conformance.sut.profile import SutProfile
from conformance.wire.link import Link
from conformance.wire.transcript import Entry

PRIORITY = ("OCPPCommCtrlr", "NetworkConfigurationPriority")
ACTIVE = ("OCPPCommCtrlr", "ActiveNetworkProfile")
ATTEMPTS = ("OCPPCommCtrlr", "NetworkProfileConnectionAttempts")
TAKEN = ("Accepted", "RebootRequired")
_WAIT = ("OCPPCommCtrlr", "RetryBackOffWaitMinimum")
_SPREAD = ("OCPPCommCtrlr", "RetryBackOffRandomRange")
_REPEATS = ("OCPPCommCtrlr", "RetryBackOffRepeatTimes")
_SECURE = 2
_slots: WeakKeyDictionary[CsmsPeer, tuple[str, ...]] = WeakKeyDictionary()
"""The slots of each station, which only a report tells, and which stay the same."""


@dataclass
class Journey:
    """The network profiles of a station that a case plays with: what was there, and what has become of it.

    `active` is the slot that the station is connected with, `priority` the list as it reads, `slots` those that it
    has. `spare` is the one to play with: not the active one, and not in the list where there is such a one.
    """

    csms: CsmsPeer
    station: Operated
    profile: SutProfile
    home: Endpoint
    away: Endpoint
    url: str
    """Where the station finds the first address, without its identity."""
    active: str
    priority: str
    slots: tuple[str, ...]
    security: int
    timeout: int
    spent: float = 0.0
    """Seconds that the station may wait between its attempts to connect, in all."""
    _filled: set[str] = field(default_factory=set)
    _reordered: bool = False

    @property
    def spare(self) -> str:
        """The slot to play with; raises AssertionError where the station has none."""
        listed = [each.strip() for each in self.priority.split(",")]
        others = sorted((each for each in self.slots if each != self.active), key=listed.__contains__)
        assert others, f"there is no slot but the one in use, {self.active}"
        return others[0]

    @property
    def spare_is_listed(self) -> bool:
        """Whether the slot to play with is in the priority list, and may hold something of use."""
        return self.spare in [each.strip() for each in self.priority.split(",")]

    # -- what a CSMS asks ---------------------------------------------------------------------------------------------

    def connection(self, url: str, **changes: Any) -> dict[str, Any]:
        """A network profile, with the security of the present one unless `changes` say otherwise."""
        technologies = self.profile.claims_map().get("communication-technologies")
        wired = not isinstance(technologies, tuple) or "ethernet" in map(str.casefold, technologies)
        whole = {
            "ocppVersion": "OCPP20",
            "ocppTransport": "JSON",
            "ocppCsmsUrl": url,
            "messageTimeout": self.timeout,
            "securityProfile": self.security,
            "ocppInterface": "Wired0" if wired else "Wireless0",
        }
        return whole | changes

    async def fill(self, slot: str | int, data: dict[str, Any]) -> Received:
        """SetNetworkProfile; raises Refused and NoAnswer."""
        if str(slot) in self.slots:
            self._filled.add(str(slot))
        return await self.csms.call("SetNetworkProfile", {"configurationSlot": int(slot), "connectionData": data})

    async def point_away(self, slot: str) -> Received:
        """Have a slot lead to the second address, which is listened on from now on."""
        return await self.fill(slot, self.connection(await self.open_away()))

    async def open_away(self) -> str:
        """Listen on the second address, and say where the station finds it."""
        await self.away.listener.start()
        if self.profile.parameters.second_url is not None:
            return self.profile.parameters.second_url
        assert (self.security < _SECURE) == (self.away.security < _SECURE), (
            "the station has left the security profile of [security]: say in [parameters] second_url where it can go"
        )
        return _at(self.url, self.away.listener.port)

    async def prioritize(self, *slots: str) -> str:
        """Set the priority list; the status that the station answers."""
        self._reordered = True
        return await self.csms.speak.write(PRIORITY, ",".join(slots))

    async def restart(self) -> int:
        """Have the station restart, unless it already does so by itself; the first entry that is after it was asked.

        Raises AssertionError where it does not agree.
        """
        mark, link = self.csms.now, self.csms.link
        try:
            answer = await self.csms.speak.reset("idle")
            assert answer["status"] in ("Accepted", "Scheduled"), f"Reset was answered {answer['status']}"
        except (NoAnswer, NotSeen):
            if link is not None and link.is_open:
                raise
        return mark

    # -- what the station does ----------------------------------------------------------------------------------------

    def attempts(self, *, after: int) -> list[tuple[str, Entry]]:
        """The attempts to connect from an entry on, in order, each with "home" or "away"."""
        both = [("home", each) for each in self.home.asked(after=after)]
        both += [("away", each) for each in self.away.asked(after=after)]
        return sorted(both, key=lambda each: each[1].n)

    def course(self, *, after: int) -> list[str]:
        """Where the attempts went, in order; those that were let in end with a +."""
        tried = self.attempts(after=after)
        self.csms.touch(*(entry for _, entry in tried))
        return [where + ("+" if entry.detail["error"] is None else "") for where, entry in tried]

    async def attempted(self, count: int, *, after: int, booting: bool = True) -> None:
        """Wait for so many attempts to connect, which a station that is `booting` takes longer for; raises NotSeen."""
        what = f"{count} attempts to connect"
        limit = self._patience if booting else self.profile.timing.reconnect + self.spent
        await self.csms.until(lambda: len(self.attempts(after=after)) >= count, what, within=limit)

    async def arrival(self, *, after: int) -> Link:
        """Wait until the station is connected by a handshake after this entry; raises NotSeen."""

        def there() -> bool:
            link = self.csms.link
            new = {entry.link for _, entry in self.attempts(after=after)}
            return link is not None and link.is_open and link.number in new

        await self.csms.until(there, "the station to connect after its restart", within=self._patience)
        assert self.csms.link is not None
        return self.csms.link

    async def booted(self, *, after: int) -> Received:
        """Wait for a BootNotification and for its answer, after which the station may be asked things again."""
        boot = await self.csms.expect("BootNotification", after=after)
        await self.csms.answered(boot, within=self.profile.timing.answer)
        with suppress(NotSeen):  # what the station has to say once it knows that it may work
            await self.csms.until(
                lambda: bool(self.csms.traffic(after=boot)),
                "the first message after the boot",
                within=self.profile.timing.settle,
            )
        return boot

    async def read_active(self) -> str:
        """What ActiveNetworkProfile reads."""
        return await self.csms.speak.read(ACTIVE)

    @property
    def _patience(self) -> float:
        return self.profile.timing.reconnect + self.profile.timing.boot + self.spent

    # -- the way back -------------------------------------------------------------------------------------------------

    async def come_home(self) -> str:
        """Put back the priority list and have the station at home again; what could not be done, in words.

        A slot can't be emptied, nor what was in it be read: one that was filled leads home in the end.
        """
        missing = ""
        try:
            await self._come_home()
        except (AssertionError, OSError, Unsupported, DriverFailed) as error:
            missing = self._lost(error)
        if self.home.admitted(self.csms.link):
            await self.away.listener.stop()
        if missing:
            self._remark(missing)
        return missing

    async def _come_home(self) -> None:
        csms = self.csms
        if reset_to_come(csms) and csms.link is not None:
            with suppress(NotSeen):
                over = "the restart to begin, or to be over"
                await csms.until(lambda: csms.link is None or not reset_to_come(csms), over, within=self._patience)
        if csms.link is None:
            await self._fetched()
        if reset_to_come(csms):
            with suppress(NotSeen):
                boot = self.profile.timing.boot
                await csms.until(lambda: not reset_to_come(csms), "the restart to be over", within=boot)
        refused = ""
        if self._reordered:
            status = await self.prioritize(*self.priority.split(","))
            refused = "" if status in TAKEN else f", as putting it back was answered {status}"
        if (self._reordered and not refused) or not self.home.admitted(self.csms.link):
            await self._restarted()
        for slot in sorted(self._filled):
            await self.fill(slot, self.connection(self.url))
            self._remark(
                f"slot {slot} of the station's network profiles was filled, and leads to {self.url} now: "
                f"what it held before nobody can tell, and OCPP 2.0.1 can't empty it"
            )
        assert self.home.admitted(self.csms.link), f"it is not connected to {self.url}"
        reads = await self.csms.speak.read(PRIORITY)
        assert reads == self.priority, f"the priority list was {self.priority}, and reads {reads}{refused}"

    async def _restarted(self) -> None:
        """Restart over OCPP, and where that does not bring the station home, by its mains."""
        try:
            mark = await self.restart()
            await self.arrival(after=mark)
            await self.booted(after=mark)
            home = self.home.admitted(self.csms.link)
        except AssertionError:
            home = False
        if not home and self.station.can("power_cycle"):
            await self._cycled()

    async def _fetched(self) -> None:
        """Wait for a station that is away, and switch it off and on where it does not come."""
        switched = self.station.can("power_cycle")
        try:
            await self.csms.connected(within=self.profile.timing.reconnect if switched else self._patience)
        except NotSeen:
            if not switched:
                raise
            await self._cycled()

    async def _cycled(self) -> None:
        mark = self.csms.now
        await self.station.power_cycle()
        await self.arrival(after=mark)
        await self.booted(after=mark)

    def _lost(self, error: Exception) -> str:
        link = self.csms.link
        if link is None:
            where = f"can't be reached at either address: let it connect to {self.url} again by hand"
        elif self.away.admitted(link):
            where = f"is still at the second address: set its priority list to {self.priority} and restart it by hand"
        else:
            where = "is at its first address, and not all is as it was"
        return f"the station was sent to another address, and {where} ({error})"

    def _remark(self, text: str) -> None:
        if text not in self.csms.remarks:
            self.csms.remarks.append(text)


@asynccontextmanager
async def journey(
    csms: CsmsPeer,
    station: Operated,
    profile: SutProfile,
    endpoints: tuple[Endpoint, Endpoint],
    *,
    attempts: int | None = None,
) -> AsyncIterator[Journey]:
    """Play with the network profiles of a station for the length of a block, and bring it home whatever happens.

    With `attempts` it is set how often each profile is tried, and as short a wait between as the station takes. Raises
    AssertionError where the station does not say what slots it has, where the profile says hands off, where the number
    of attempts can't be set, and where the station is not as before after a block that went well.
    """
    name = ".".join(PRIORITY)
    assert not safety_of(profile).forbids(name), f"[parameters] hands_off names {name}"
    async with AsyncExitStack() as afterwards:
        if attempts is not None:
            await afterwards.enter_async_context(hurried(csms, attempts))
        opened = await survey(csms, station, profile, endpoints)
        if attempts is not None:
            longest = await _number(csms, _WAIT, 0) * 2 ** await _number(csms, _REPEATS, 0)
            opened.spent = (longest + await _number(csms, _SPREAD, 0)) * (2 * attempts + 1)
        try:
            yield opened
        except BaseException:
            await opened.come_home()
            raise
        missing = await opened.come_home()
        assert not missing, missing


@asynccontextmanager
async def hurried(csms: CsmsPeer, attempts: int) -> AsyncIterator[None]:
    """Have each network profile tried so often for the length of a block, with as short a wait as the station takes.

    Raises AssertionError where the number of attempts can't be set.
    """
    async with AsyncExitStack() as afterwards:
        await afterwards.enter_async_context(configured(csms, {ATTEMPTS: str(attempts)}))
        for setting, value in ((_REPEATS, "0"), (_SPREAD, "0"), (_WAIT, "1")):
            with suppress(AssertionError):  # then it waits as long as it does
                await afterwards.enter_async_context(configured(csms, {setting: value}))
        yield


async def survey(
    csms: CsmsPeer, station: Operated, profile: SutProfile, endpoints: tuple[Endpoint, Endpoint]
) -> Journey:
    """What there is to play with: `journey` without the way back. The station is at the first of the addresses."""
    priority = await csms.speak.read(PRIORITY)
    listed = tuple(each.strip() for each in priority.split(","))
    if csms not in _slots:
        report = await fetch(csms, "FullInventory", pause=profile.timing.settle)
        found = report.model.find(*PRIORITY)
        _slots[csms] = found.characteristics.values if found is not None and found.characteristics is not None else ()
    active = listed[0]
    with suppress(AssertionError):
        active = await csms.speak.read(ACTIVE)
    security = await _number(csms, ("SecurityCtrlr", "SecurityProfile"), 1)
    return Journey(
        csms,
        station,
        profile,
        *endpoints,
        url=_reached(csms, endpoints[0], profile, secure=security >= _SECURE),
        active=active,
        priority=priority,
        slots=_slots[csms] or listed,
        security=security,
        timeout=await _number(csms, ("OCPPCommCtrlr", "MessageTimeout", "Default"), 30) or 30,
    )


async def _number(csms: CsmsPeer, setting: Setting, otherwise: int) -> int:
    """A setting that is a whole number; another number where it can't be had."""
    try:
        return int(await csms.speak.read(setting))
    except (AssertionError, ValueError):
        return otherwise


def _reached(csms: CsmsPeer, home: Endpoint, profile: SutProfile, *, secure: bool) -> str:
    """Where the station finds the first address, by what it asked for when it connected."""
    entry = next(each for each in reversed(home.asked()) if each.detail["error"] is None)
    csms.touch(entry)
    headers = {name.casefold(): value for name, value in entry.detail["headers"].items()}
    host = headers.get("host") or f"{profile.listen.host}:{home.listener.port}"
    path = profile.listen.path.strip("/")
    return f"{'wss' if secure else 'ws'}://{host}" + (f"/{path}" if path else "")


def _at(url: str, port: int) -> str:
    """The same address with another port."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
    return parts._replace(netloc=f"{host}:{port}").geturl()
