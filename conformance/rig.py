"""One system under test on the bench: its driver, the peer it talks to, the network between, and the record of it."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from conformance.peers import scenes
from conformance.peers.csms import CsmsPeer, CsmsServer
from conformance.peers.equipment import Equipment
from conformance.peers.files import Files
from conformance.peers.journal import Journal
from conformance.peers.keeper import Keeper
from conformance.peers.peer import Patience, Peer
from conformance.peers.received import NoAnswer, NotSeen, Refused
from conformance.peers.security import Certificates, CsmsSecurity, StationSecurity, shown_by
from conformance.peers.station import NotConnected, StationPeer
from conformance.sut.drivers import (
    Context,
    CsmsDriver,
    DriverFailed,
    StationDriver,
    Unsupported,
    create_csms_driver,
    create_driver,
)
from conformance.sut.drivers.actions import Note
from conformance.sut.profile import SutProfile
from conformance.sut.tables import EmbeddedDriver, ProcessDriver
from conformance.wire.faults import StationNetwork
from conformance.wire.link import Line, Listener
from conformance.wire.transcript import Transcript

Say = Callable[[str], None]

_PAUSE = 0.2
"""Seconds between attempts to reach a CSMS that is only starting."""


class NeverConnected(Exception):  # noqa: N818 -- reads as what happened
    """The two ends never met: what was tried, for how long, and what came of it."""


UNREADY = (NeverConnected, NotSeen, NoAnswer, Refused, NotConnected, Unsupported, DriverFailed)
"""What `Rig.ready` raises where the starting state can't be had."""


class Rig(Protocol):
    """A system under test, and the harness's end of its link."""

    profile: SutProfile
    transcript: Transcript

    async def start(self) -> None:
        """Bring both ends together; raises OSError where an address can't be had, DriverFailed, NeverConnected."""

    async def ready(self, *, doubtful: bool) -> None:
        """Bring the system under test to where every case starts; raises one of UNREADY.

        `doubtful`: the last case did not pass, and nobody knows what state it left behind.
        """

    async def settle(self) -> None:
        """Let go of what belongs to the case that has just ended."""

    async def recover(self) -> list[str]:
        """Put back what an earlier run has left behind; says what that was, and what could not be put back."""

    async def leave(self) -> list[str]:
        """Put back what this run has not put back yet; says what is left behind."""

    async def stop(self) -> None:
        """Let go of the system under test and of every address."""

    @property
    def peer(self) -> Peer:
        """The harness's end."""

    @property
    def driver(self) -> StationDriver | CsmsDriver:
        """What operates the system under test."""

    def touched(self) -> tuple[int, ...]:
        """The entries that the case has looked at since this was asked last."""


def create_rig(  # noqa: PLR0913 -- by keyword
    profile: SutProfile,
    transcript: Transcript,
    folder: Path,
    mutant: type | None = None,
    *,
    say: Say = lambda _: None,
    journal: Path | None = None,
) -> "StationRig | CsmsRig":
    """The rig for a profile of one version, not yet started; `mutant` is a class to run as the embedded reference.

    `journal` is the file for what is changed at a station and not yet put back; raises OSError where it can't be read.
    """
    if profile.role == "station":
        return StationRig(profile, transcript, folder, mutant, say=say, journal=journal)
    return CsmsRig(profile, transcript, folder, mutant, say=say)


class StationRig:
    """A station under test and the CSMS that the harness plays for it; kept for a whole session."""

    def __init__(  # noqa: PLR0913 -- by keyword
        self,
        profile: SutProfile,
        transcript: Transcript,
        folder: Path,
        mutant: type | None = None,
        *,
        say: Say = lambda _: None,
        journal: Path | None = None,
    ) -> None:
        self.profile = profile
        self.transcript = transcript
        self._folder = folder
        self._say = say
        self.certificates = Certificates(profile)
        self.server = CsmsServer(
            transcript,
            host=profile.listen.host,
            port=profile.listen.port,
            path=profile.listen.path,
            versions=profile.versions,
            patience=patience(profile),
            second_port=_port_of(profile.parameters.second_url),
            security=profile.security.profile,
            tls=lambda security: shown_by(self.certificates.pki, security),
        )
        self._password = profile.password()
        self.csms: CsmsPeer = self.server.peer(
            profile.identity,
            password=self._password.reveal() if self._password else None,
            connectors=profile.connectors,
        )
        self._elsewhere: list[Listener] = []
        self.keeper = self.csms.keeper = Keeper(self.csms, Journal(journal), self._password)
        self.network = self.server.first.network
        self.station: StationDriver = create_driver(profile, mutant=mutant)
        self.security = StationSecurity(self.server, self.csms, self.station, profile, self.certificates)

    @property
    def peer(self) -> CsmsPeer:
        """The harness's end."""
        return self.csms

    @property
    def driver(self) -> StationDriver:
        """What operates the station."""
        return self.station

    @property
    def url(self) -> str:
        """Where the station dials when the run begins, without its identity."""
        return self.security.url(self.server.first)

    def touched(self) -> tuple[int, ...]:
        """The entries that the case has looked at since this was asked last."""
        return self.csms.touched()

    async def start(self) -> None:
        """Listen, start the driver, and wait for the station.

        Raises OSError where the address can't be had, DriverFailed, and NeverConnected.
        """
        await self.server.start()
        await self._listen_where_led()
        if not isinstance(self.profile.driver, EmbeddedDriver):
            self._say(f"listening for the station at {self.url}/{quote(self.profile.identity, safe='')}")
        await self.station.start(
            Context(
                csms_url=self.url,
                identity=self.profile.identity,
                password=self._password,
                folder=self._folder,
                note=_taking_notes(self.transcript),
                security_profile=self.profile.security.profile,
                pki_folder=self.certificates.folder if self.certificates.installed else None,
                operator=self.certificates.pki.operator if self.certificates.installed else "",
            )
        )
        try:
            await self.csms.until(
                lambda: self.csms.link is not None or bool(self.station.trouble),
                "the station to connect",
                within=self.profile.timing.connect,
            )
        except AssertionError:
            raise NeverConnected(self._nobody_came()) from None
        if self.csms.link is None:
            raise NeverConnected(f"{self.station.trouble}\n{self._nobody_came()}")
        await scenes.first_boot(self.csms, within=self.profile.timing.settle + self.profile.timing.answer)

    async def ready(self, *, doubtful: bool) -> None:
        """Bring the station back to where every case starts: connected, accepted, no plug, no transaction.

        A doubtful one that is switched on and off without a person is restarted; any other has to show that it still
        answers.
        """
        limit, settle = self.profile.timing.reconnect, self.profile.timing.settle
        automatic = isinstance(self.profile.driver, EmbeddedDriver | ProcessDriver)
        if self.station.trouble:
            await scenes.power_up(self.csms, self.station.power_on, patience=limit, settle=settle)
        elif doubtful and automatic and self.station.can("power_cycle"):
            await scenes.power_up(self.csms, self.station.power_cycle, patience=limit, settle=settle)
        await scenes.ready(self.station, self.csms, patience=limit, settle=settle)
        if doubtful and not automatic:
            await scenes.responsive(self.csms)
        await self.keeper.restore(within=self.profile.timing.answer + settle)

    async def settle(self) -> None:
        """Nothing has to be let go of: the station stays, and is judged as it comes."""

    def files(self) -> Files:
        """A place for files at the address where the station finds the harness, not yet started."""
        listen = self.profile.listen
        return Files(listen.host, listen.files_port, known_as=self._dialled_host())

    def _dialled_host(self) -> str:
        """The host that the station has dialled last, by its own words; empty where it has not said any."""
        for entry in reversed(self.transcript.entries):
            if entry.kind == "handshake" and entry.sender == "sut" and entry.station == self.profile.identity:
                headers: Mapping[str, str] = entry.detail.get("headers") or {}
                host = next((value for name, value in headers.items() if name.lower() == "host"), "")
                with suppress(ValueError):
                    return urlsplit(f"//{host}").hostname or ""
        return ""

    async def recover(self) -> list[str]:
        """Put back what an earlier run has left in the journal; says what that was, and what could not be put back."""
        journal = self.keeper.journal
        found = list(journal)
        if found:
            self._say(f"putting back what an earlier run has changed: {'; '.join(each.what for each in found)}")
        await self.keeper.restore(within=self._ample)
        notes = await self._bring_home()
        if back := [str(each) for each in found if each.what not in journal]:
            notes.append(f"put back what an earlier run had left behind: {'; '.join(back)}")
        if left := self.keeper.left():
            notes.append(f"an earlier run has left this behind, and it is still so: {self._told(left)}")
        if journal.unreadable:
            notes.append(f"{journal.path}: {journal.unreadable} lines can't be read; see what they say")
        return notes

    async def leave(self) -> list[str]:
        """Put back what this run has not put back yet; says what is left behind."""
        notes = await self._set_up_anew()
        if list(self.keeper.journal):
            with suppress(NotSeen):
                await self.csms.connected(within=self._ample)
        await self.keeper.restore(within=self._ample, again=True)
        self.keeper.journal.close()
        left = self.keeper.left()
        return [*notes, f"left behind: {self._told(left)}"] if left else notes

    async def _set_up_anew(self) -> list[str]:
        """Have an installer undo what only one can: another security profile, and certificates; says what is left."""
        home, now = self.profile.security.profile, self.security.profile
        if (now == home and not self.keeper.needs_installer) or not self.station.can("commission"):
            return []
        try:
            await self.security.commission(home)
        except (*UNREADY, OSError) as error:
            return [f"the station is in security profile {now}, and could not be set up for {home} again: {error}"]
        return []

    async def _listen_where_led(self) -> None:
        """Listen where a run that was killed has sent the station: else it would never be seen again."""
        ports = {_port_of(each.url) for each in self.keeper.journal} - {None, self.server.listener.port}
        for port in ports:
            with suppress(OSError):
                self._elsewhere.append(await self.server.listen_too(port or 0))

    async def _bring_home(self) -> list[str]:
        """Have a station that is connected elsewhere restart, now that it knows its own address again."""
        timing, home = self.profile.timing, self.server.listener
        notes = []
        if any(self.csms.link in each.links for each in self._elsewhere):
            try:
                await self.csms.speak.reset("idle")
                within = timing.reconnect + timing.boot
                await self.csms.until(lambda: self.csms.link in home.links, "the station to come home", within=within)
                await scenes.first_boot(self.csms, within=timing.settle + timing.answer)
                notes.append("the station was at another address of an earlier run, and is back")
            except AssertionError as error:
                notes.append(f"an earlier run has left the station at another address: {error}. Restart it by hand")
        if self.csms.link in home.links:
            while self._elsewhere:
                await self._elsewhere.pop().stop()
        return notes

    @property
    def _ample(self) -> float:
        """How long the station may take to have everything put back, in seconds."""
        return 2 * self.profile.timing.answer + self.profile.timing.settle

    def _told(self, left: Mapping[str, str]) -> str:
        told = "; ".join(f"{what}: {why}" for what, why in left.items())
        path = self.keeper.journal.path
        if path is None:
            return told
        return f"{told}. The next run tries again; where you have seen to it, delete the line in {path}"

    async def stop(self) -> None:
        """Let go of the station and the address."""
        await self.station.stop()
        for each in self._elsewhere:
            await each.stop()
        await self.server.stop()

    def _nobody_came(self) -> str:
        timing = self.profile.timing
        expected = (
            f"listened on {self.url}/{self.profile.identity} for {timing.connect:g} s "
            f"(subprotocol {', '.join('ocpp' + version for version in self.profile.versions)})"
        )
        came = [_handshake(entry.detail) for entry in self.transcript.entries if entry.kind == "handshake"]
        if not came:
            return (
                f"no station connected: {expected}, and nobody came. Point the station at that address, or raise "
                f"[timing] connect in the profile"
            )
        return (
            f"the station of the profile did not connect: {expected}. Instead came "
            f"{'; '.join(dict.fromkeys(came))}. Mend the profile or the station's settings"
        )


class CsmsRig:
    """A CSMS under test and the stations that the harness plays for it; each case has new ones."""

    def __init__(
        self,
        profile: SutProfile,
        transcript: Transcript,
        folder: Path,
        mutant: type | None = None,
        *,
        say: Say = lambda _: None,
    ) -> None:
        self.profile = profile
        self.transcript = transcript
        self._say = say
        self._password = profile.password()
        certificates = Certificates(profile)
        self._context = Context(
            csms_url=profile.dial.url if profile.dial is not None else "",
            identity=profile.identity,
            password=self._password,
            folder=folder,
            note=_taking_notes(transcript),
            security_profile=profile.security.profile,
            pki_folder=certificates.folder if certificates.installed else None,
            operator=certificates.pki.operator if certificates.installed else "",
        )
        self._others: list[StationPeer] = []
        self._started = False
        self.network = StationNetwork(Line(), transcript)
        self.csms: CsmsDriver = create_csms_driver(profile, mutant=mutant)
        self.security = CsmsSecurity(self.csms, profile, certificates)
        self.station: StationPeer = self._new_station()

    @property
    def peer(self) -> StationPeer:
        """The harness's end."""
        return self.station

    @property
    def driver(self) -> CsmsDriver:
        """What operates the CSMS."""
        return self.csms

    def touched(self) -> tuple[int, ...]:
        """The entries that the case has looked at since this was asked last."""
        return tuple(sorted(n for each in (self.station, *self._others) for n in each.touched()))

    def another(self, identity: str, *, security: int | None = None, **made: Any) -> StationPeer:
        """One more station for the case, not yet connected; `made` are keywords of StationPeer.

        It comes in the security profile that is named, or in the usual one; where that has certificates, with its own.
        """
        usual: dict[str, Any] = {
            **self.security.greeting(security, identity=identity),
            "versions": self.profile.versions,
            "line": self.network.line,
        }
        station = StationPeer(identity, self.transcript, patience(self.profile), **(usual | made))
        self._others.append(station)
        return station

    async def start(self) -> None:
        """Start the driver, and have the station let in; raises DriverFailed and NeverConnected."""
        await self.csms.start(self._context)
        self._started = True
        await self._meet(within=self.profile.timing.connect)

    async def ready(self, *, doubtful: bool) -> None:
        """Bring a new station up: connected, accepted, and every connector reported.

        A doubtful CSMS that is started without a person is started anew; any other has to show that it still answers,
        as it does by accepting the boot.
        """
        automatic = isinstance(self.profile.driver, EmbeddedDriver | ProcessDriver)
        if self.csms.trouble or (doubtful and automatic):
            await self.station.close()
            await self.csms.stop()
            await self.csms.start(self._context)
            await self._meet(within=self.profile.timing.connect)
        elif self.station.link is None or self.station.booted is not None:
            await self.station.close()
            self.station = self._new_station()
            await self._come_back()
        await self.station.bring_up()

    async def settle(self) -> None:
        """End what the stations of a case have begun, and let go of all but the one of the profile."""
        others, self._others = self._others, []
        for station in others:
            await station.close()
        if self.station.link is None or self.station.registration != "Accepted":
            return
        try:
            for transaction in self.station.equipment.transactions:
                await self.station.stop(transaction)
        except UNREADY:  # the next case has a new station, and begins by looking whether the CSMS answers
            return

    async def recover(self) -> list[str]:
        """Nothing of a CSMS is changed for good."""
        return []

    async def leave(self) -> list[str]:
        """Nothing of a CSMS is changed for good."""
        return []

    async def stop(self) -> None:
        """Hang up, and let go of the CSMS."""
        await self.settle()
        await self.station.close()
        await self.csms.stop()

    async def _meet(self, *, within: float) -> None:
        """Connect a new station, again and again for so many seconds: a CSMS may take its time to listen."""
        deadline = time.monotonic() + within
        self.station = self._new_station()
        while True:
            try:
                await self.station.connect()
            except NotConnected as missed:
                if self.csms.trouble:
                    raise NeverConnected(f"{self.csms.trouble}\n{self._not_let_in(missed)}") from None
                if time.monotonic() + _PAUSE > deadline:
                    raise NeverConnected(self._not_let_in(missed)) from None
                await asyncio.sleep(_PAUSE)
            else:
                return

    async def _come_back(self) -> None:
        """Connect, again for a moment where HTTP refuses it: the CSMS may not know yet that the last one has ended."""
        deadline = time.monotonic() + self.profile.timing.settle
        while True:
            try:
                await self.station.connect()
            except NotConnected as refused:
                if refused.status is None or time.monotonic() + _PAUSE > deadline:
                    raise
                await asyncio.sleep(_PAUSE)
            else:
                return

    def _not_let_in(self, missed: NotConnected) -> str:
        path = quote(self.profile.identity, safe="")
        return (
            f"the CSMS did not let the station in: dialled {self.csms.url.rstrip('/')}/{path} for "
            f"{self.profile.timing.connect:g} s (subprotocol {', '.join(self.station.greeting.subprotocols)}), and "
            f"{missed}. Start the CSMS, make the station known to it, or mend [dial], identity or [credentials]"
        )

    def _new_station(self) -> StationPeer:
        made: dict[str, Any] = {
            "url": "",
            "versions": self.profile.versions,
            "user": self.profile.user,
            "password": self._password.reveal() if self._password else None,
            "equipment": Equipment.claimed(self.profile.evse) if self.profile.evse else None,
            "line": self.network.line,
        }
        if self._started:
            made |= self.security.greeting()
        return StationPeer(self.profile.identity, self.transcript, patience(self.profile), **made)


def _taking_notes(transcript: Transcript) -> Note:
    def note(text: str, **detail: object) -> None:
        transcript.note(text, **detail)

    return note


def _port_of(url: str | None) -> int | None:
    """The port that a URL names, if it does."""
    try:
        return None if url is None else urlsplit(url).port
    except ValueError:
        return None


def _handshake(detail: Mapping[str, object]) -> str:
    if not detail.get("path"):
        return f"somebody who got no further: {detail.get('error')}"
    offered = detail.get("offered") or ["no subprotocol"]
    assert isinstance(offered, list | tuple)
    text = f"{detail.get('path')} offering {', '.join(map(str, offered))}"
    status = detail.get("status")
    return text if status in (None, 101) else f"{text} (answered HTTP {status})"


def patience(profile: SutProfile) -> Patience:
    """How long the peer waits, by the profile's timing."""
    timing = profile.timing
    return Patience(
        answer=timing.answer,
        default=timing.answer,
        actions={
            "connection": timing.reconnect,
            "BootNotification": timing.boot,
            "StatusNotification": timing.status,
            "NotifyEvent": timing.status,
            "NotifyReport": timing.report,
        },
    )
