"""One system under test on the bench: its driver, the peer it talks to, the network between, and the record of it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from conformance.peers import scenes
from conformance.peers.csms import CsmsPeer, CsmsServer
from conformance.peers.peer import Patience
from conformance.sut.drivers import Context, StationDriver, create_driver
from conformance.sut.profile import SutProfile
from conformance.sut.tables import EmbeddedDriver
from conformance.wire.faults import Network
from conformance.wire.transcript import Transcript


class NeverConnected(Exception):  # noqa: N818 -- reads as what happened
    """The system under test never came: what was listened on, for how long, and who came instead."""


class StationRig:
    """A station under test and the CSMS that the harness plays for it; kept for a whole session."""

    def __init__(
        self,
        profile: SutProfile,
        transcript: Transcript,
        folder: Path,
        mutant: type | None = None,
        *,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.profile = profile
        self.transcript = transcript
        self.folder = folder
        self._say = say
        self.server = CsmsServer(
            transcript,
            host=profile.listen.host,
            port=profile.listen.port,
            path=profile.listen.path,
            versions=profile.versions,
            patience=patience(profile),
        )
        self.password = profile.password()
        self.csms: CsmsPeer = self.server.peer(
            profile.identity, password=self.password.reveal() if self.password else None
        )
        self.network = Network(self.server.listener)
        self.station: StationDriver = create_driver(profile, mutant=mutant)

    async def start(self) -> None:
        """Listen, start the driver, and wait for the station.

        Raises OSError where the address can't be had, DriverFailed, and NeverConnected.
        """
        await self.server.start()
        if not isinstance(self.profile.driver, EmbeddedDriver):
            self._say(f"listening for the station at {self.server.url}/{quote(self.profile.identity, safe='')}")
        await self.station.start(
            Context(
                csms_url=self.server.url,
                identity=self.profile.identity,
                password=self.password,
                folder=self.folder,
                note=self._note,
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

    async def stop(self) -> None:
        """Let go of the station and the address."""
        await self.station.stop()
        await self.server.stop()

    def _note(self, text: str, **detail: object) -> None:
        self.transcript.note(text, **detail)

    def _nobody_came(self) -> str:
        timing = self.profile.timing
        expected = (
            f"listened on {self.server.url}/{self.profile.identity} for {timing.connect:g} s "
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


def _handshake(detail: Mapping[str, object]) -> str:
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
