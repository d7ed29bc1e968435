"""The security profiles of a station under test: the addresses for each, and how it gets from one to another (A00)."""

import atexit
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any, Protocol

from conformance.peers import scenes
from conformance.peers.csms import SECURE, CsmsPeer, CsmsServer, Endpoint
from conformance.pki import Pki
from conformance.sut.drivers import CsmsDriver, DriverFailed, Unsupported
from conformance.sut.profile import SutProfile
from conformance.sut.secret import Secret
from conformance.sut.tables import EmbeddedDriver
from conformance.wire.tls import ClientTls, ServerTls
from conformance.wire.transcript import Entry

WITH_CERTIFICATES = 3
"""The security profile in which the station shows a certificate."""


class Certificates:
    """The certificates of a run, of both ends: those of the profile's folder, or some that are made for the run."""

    def __init__(self, profile: SutProfile) -> None:
        self._profile = profile
        self.installed = profile.security.pki is not None or isinstance(profile.driver, EmbeddedDriver)
        """Whether the system under test is known to have those of them that it needs."""

    @cached_property
    def pki(self) -> Pki:
        """Made at the first call, where they are made; raises PkiError for a folder that holds none."""
        if self._profile.security.pki is not None:
            return Pki.load(Path(self._profile.security.pki))
        return self._made[0]

    @cached_property
    def folder(self) -> Path:
        """Where they lie as files."""
        if self._profile.security.pki is not None:
            return Path(self._profile.security.pki)
        return self._made[1]

    @property
    def _made(self) -> tuple[Pki, Path]:
        profile = self._profile
        embedded = isinstance(profile.driver, EmbeddedDriver)
        host = "localhost" if embedded or not profile.listen.host.strip("0.:") else profile.listen.host
        return _made_for(host, profile.identity, profile.sut.serial or profile.identity)


@cache
def _made_for(host: str, identity: str, serial: str) -> tuple[Pki, Path]:
    """Certificates for this process and their folder, which is gone when the process ends; raises DriverFailed."""
    made = Pki.new(hosts=tuple(dict.fromkeys((host, "127.0.0.1"))), identity=identity, serial=serial)
    folder = tempfile.TemporaryDirectory(prefix="ocpp-pki-")
    atexit.register(folder.cleanup)
    try:
        made.hand_out(Path(folder.name))
    except OSError as error:
        why = f"the test certificates can't be written to {folder.name} ({error.strerror or error}); make room"
        raise DriverFailed("start", why) from error
    return made, Path(folder.name)


class Installed(scenes.Operated, Protocol):
    """A station that somebody may be able to set up at its own place."""

    async def commission(
        self, security_profile: int, csms_url: str, *, root: bool = True, certificate: bool = True
    ) -> None:
        """Have it dial this address in this security profile, with nothing left of what it was told over OCPP."""


def shown_by(pki: Pki, security: int) -> ServerTls:
    """How a CSMS shows itself where there is TLS: both chains, and in profile 3 it asks for a certificate."""
    return ServerTls(pki.server(), client_roots=pki.client_root if security >= WITH_CERTIFICATES else "")


@dataclass(frozen=True)
class Door:
    """Where a station comes in, in one security profile; `url` is what it dials, without its identity."""

    endpoint: Endpoint
    url: str

    @property
    def profile(self) -> int:
        """The security profile."""
        return self.endpoint.security

    @property
    def tls(self) -> ServerTls | None:
        """How the harness shows itself to new connections at the moment; None without TLS."""
        return self.endpoint.listener.tls

    @contextmanager
    def presenting(self, tls: ServerTls | None) -> Iterator[None]:
        """Show itself otherwise to new connections for the length of a block; None: no TLS, where there should be."""
        listener = self.endpoint.listener
        before, listener.tls = listener.tls, tls
        try:
            yield
        finally:
            listener.tls = before

    @contextmanager
    def raised(self, other: "Door") -> Iterator[None]:
        """Be like the door of another security profile to new connections, for the length of a block.

        In OCPP 1.6 a station goes up to a higher profile without being told another address.
        """
        before = self.endpoint.security
        with self.presenting(other.tls):
            self.endpoint.security = other.profile
            try:
                yield
            finally:
                self.endpoint.security = before

    def handshakes(self, *, after: int = 0) -> list[Entry]:
        """The TLS handshakes that were begun here, good or not, from this entry of the transcript on."""
        links = {entry.link for entry in self.endpoint.asked()}
        entries = self.endpoint.listener.transcript.since(after)
        return [entry for entry in entries if entry.kind == "tls" and entry.link in links]


class StationSecurity:
    """In which security profile the station is, what certificates there are, and how to have it in another one."""

    def __init__(
        self, server: CsmsServer, csms: CsmsPeer, station: Installed, profile: SutProfile, certificates: Certificates
    ) -> None:
        self._server = server
        self._csms = csms
        self._station = station
        self._claims = profile
        self._certificates = certificates
        self._ports = {int(number): port for number, port in profile.security.ports.items()}
        self._last = server.first

    @property
    def pki(self) -> Pki:
        """The certificates of this run, of both ends, good and bad."""
        return self._certificates.pki

    @property
    def profile(self) -> int:
        """The security profile that the station has come in with last."""
        return self._here.security

    @property
    def _here(self) -> Endpoint:
        self._last = self._server.admitted_by(self._csms.link) or self._last
        return self._last

    @property
    def own_password(self) -> Secret | None:
        """The password that the station has of the profile."""
        return self._claims.password()

    async def door(self, security: int) -> Door:
        """Where it comes in, in this security profile: listened on from now on; raises OSError."""
        endpoint = await self._server.in_profile(security, self._ports.get(security, 0))
        return Door(endpoint, self.url(endpoint))

    def beside(self, door: Door) -> Door:
        """Another address for the same security profile, where nobody listens yet."""
        endpoint = self._server.beside(door.profile)
        return Door(endpoint, self.url(endpoint))

    def url(self, endpoint: Endpoint) -> str:
        """Where the station dials to come in at an address: by the name in the certificate, where there is one."""
        named = endpoint.security >= SECURE or self._claims.security.pki is not None
        return self._server.url_of(endpoint, self.pki.hosts[0] if named else None)

    async def at(self, *securities: int) -> Door:
        """Have the station in one of these security profiles: the one that it is in, or the first that it claims.

        Raises Unsupported where nobody can set it up for that.
        """
        if self.profile not in securities:
            claimed = [each for each in securities if self._claims.claims(f"security-profile-{each}")]
            await self.commission((claimed or list(securities))[0])
        return await self.door(self.profile)

    async def commission(self, security: int, *, root: bool = True, certificate: bool = True) -> Door:
        """Have the station set up anew for a security profile by an installer; raises Unsupported and DriverFailed.

        It gets the `root` of the CSMS and a `certificate` of its own unless it is to have none.
        """
        if not self._station.can("commission"):
            raise Unsupported(
                "commission",
                f"the station is in security profile {self.profile} and the driver can't set it up for {security}; "
                f"a run with [security] profile = {security} can judge this",
            )
        timing = self._claims.timing
        door = await self.door(security)
        own = self.own_password
        self._csms.passwords = () if own is None else (own.reveal(),)
        switch = partial(self._station.commission, security, door.url, root=root, certificate=certificate)
        await scenes.power_up(self._csms, switch, patience=timing.reconnect + timing.boot, settle=timing.settle)
        self._csms.keeper.commissioned()
        return door


class CsmsSecurity:
    """Where a CSMS under test lets stations in, in each security profile, and how the harness shows itself there."""

    def __init__(self, csms: CsmsDriver, profile: SutProfile, certificates: Certificates) -> None:
        self._csms = csms
        self._claims = profile
        self._certificates = certificates

    @property
    def pki(self) -> Pki:
        """The certificates of this run, of both ends, good and bad."""
        return self._certificates.pki

    @property
    def profile(self) -> int:
        """The security profile that stations use where a case does not say otherwise."""
        return self._claims.security.profile

    @property
    def urls(self) -> Mapping[int, str]:
        """Where stations dial, without their identity, by security profile."""
        named = {int(number): url for number, url in self._claims.security.urls.items()}
        return {**self._csms.urls, **named, self.profile: self._csms.url}

    @property
    def root(self) -> str:
        """What the certificate of the CSMS has to lead to, in PEM; whatever this machine trusts, if not said."""
        file = self._claims.security.root
        if file is None and not self._certificates.installed:
            file = ssl.get_default_verify_paths().cafile
        return self.pki.root if file is None else Path(file).read_text()

    def client(self, security: int, **changes: Any) -> ClientTls | None:
        """How a good station shows itself in a security profile, but for `changes` of `ClientTls`; None without TLS."""
        if security < SECURE:
            return None
        chain = self.pki.station() if security >= WITH_CERTIFICATES else None
        return replace(ClientTls(self.root, chain), **changes)

    def greeting(self, security: int | None = None, *, identity: str | None = None, **changes: Any) -> dict[str, Any]:
        """What makes a StationPeer come in a security profile: `url` and `tls`, and in profile 3 `serial`, no password.

        A station of another `identity` than the profile's has a certificate of its own there, with that for a serial
        number. Raises Unsupported where the profile does not say how to come in.
        """
        wanted = self.profile if security is None else security
        if wanted not in self.urls:
            raise Unsupported("connect", f'[security.urls] "{wanted}" does not say where stations dial in that profile')
        where = {"url": self.urls[wanted]}
        if wanted < WITH_CERTIFICATES:
            return where | {"tls": self.client(wanted, **changes)}
        serial = self.pki.serial
        if identity is not None and identity != self._claims.identity:
            serial = identity
            changes = {"chain": self.pki.station(cn=identity[:_LONGEST_NAME]), **changes}
        return where | {"tls": self.client(wanted, **changes), "serial": serial, "password": None}


_LONGEST_NAME = 64
"""How many characters a CN has at the most (RFC 5280 appendix A.1)."""
