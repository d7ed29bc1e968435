"""A station that shows itself to a CSMS under test in TLS, as it should or not, and what comes of it."""

import ipaddress
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from conformance.cases.zoo import Reception, Refuses, Shown
from conformance.peers.csms_boot import AnotherStation, gone
from conformance.peers.received import NoAnswer, NotSeen
from conformance.peers.security import WITH_CERTIFICATES, CsmsSecurity
from conformance.peers.station import NotConnected, StationPeer
from conformance.sut.drivers import Unsupported
from conformance.sut.profile import SutProfile
from conformance.wire.frames import CallResult
from conformance.wire.hello import Reply, hello, probe
from conformance.wire.strain import Place
from conformance.wire.tls import ClientTls
from conformance.wire.transcript import Entry

_MOMENT = 0.3
SECURE = (2, 3)
"""The security profiles with TLS."""

_SIGN = ("SignChargingStationCertificate", "SignChargePointCertificate")


@dataclass(frozen=True)
class Visit:
    """What came of a visit: what the CSMS said of the boot, None where it never came to that, and how it ended.

    `ended` says whether the connection was refused or ended by the CSMS, `renewing` whether it wants the certificate
    renewed; `tls` is the entry of the TLS handshake, `words` tell it for people.
    """

    status: str | None
    ended: bool
    words: str
    tls: Entry | None = None
    renewing: bool = False
    http: int | None = None
    """The HTTP status with which the upgrade was refused; None where it was not, or where it never came to that."""

    @property
    def let_in(self) -> bool:
        """Whether the station was accepted."""
        return self.status == "Accepted"

    @property
    def agreed(self) -> bool:
        """Whether TLS was agreed, as far as both ends have said, or there is none."""
        return self.tls is None or bool(self.tls.detail["ok"])

    @property
    def put_off(self) -> bool:
        """Whether it was let in for nothing but to have its certificate renewed (A00.FR.406, A00.FR.429)."""
        return self.status == "Pending" and self.renewing

    @property
    def alert(self) -> str:
        """The TLS alert that the CSMS sent, "" for none."""
        return str(self.tls.detail["alert_received"] or "") if self.tls is not None else ""

    def shown(self, what: str, wrong: str = "", refuses: Refuses = "must not") -> Shown:
        """The line of the report about it."""
        outcome = Reception.ACCEPTED if self.let_in else Reception.REFUSED
        return Shown(what, outcome, wrong=wrong, refuses=refuses, alert=self.alert, why=self.words)


async def visit(station: StationPeer, profile: SutProfile, tls: ClientTls | None = None) -> Visit:
    """Come as `tls` says, boot, and see what comes of it; in the end the station is gone."""
    mark = station.now
    try:
        link = await station.connect(tls=tls, within=profile.timing.answer)
    except NotConnected as refused:
        tls_entry = _tls(station, mark)
        return Visit(None, refused.entry is not None, str(refused), tls_entry, http=refused.status)
    try:
        status = await booted(station)
        ended = status not in ("Accepted", "Pending") and await gone(station, link, within=profile.timing.settle)
        renewing = status == "Pending" and await _asked_to_renew(station, mark, profile)
    finally:
        await station.disconnect()
    said = f"its boot was answered {status}" if status is not None else "it was connected, and its boot not answered"
    left = ", and the connection was ended" if ended else ", and it stayed connected"
    words = said if status in ("Accepted", "Pending") else said + left
    return Visit(status, ended, words, _tls(station, mark), renewing)


async def welcomed(station: StationPeer, profile: SutProfile, tls: ClientTls | None = None) -> Visit:
    """The visit of a station that has to be let in, again for a while where HTTP refuses it.

    A CSMS may take a moment until it knows that the last connection has ended, and let nobody in on two at once; behind
    something else that ends TLS it learns of it later still.
    """
    deadline = time.monotonic() + profile.timing.settle
    while True:
        came = await visit(station, profile, tls)
        if came.let_in or came.http is None or time.monotonic() + _MOMENT > deadline:
            return came
        await _wait(station, _MOMENT)


async def let_go(station: StationPeer, profile: SutProfile) -> None:
    """Wait until the CSMS knows that this station, which was let in, is gone: who comes next is refused for himself."""
    begun = time.monotonic()
    again = await visit(station, profile)
    if again.http is not None and (await welcomed(station, profile)).let_in:
        await _wait(station, time.monotonic() - begun)


async def _wait(station: StationPeer, seconds: float) -> None:
    with suppress(NotSeen):
        await station.until(lambda: False, "the CSMS to know that a connection has ended", within=seconds)


async def booted(station: StationPeer) -> str | None:
    """What a BootNotification was answered, None where it was not."""
    try:
        entry = await station.attempt("BootNotification", station.dialect.boot_notification("PowerUp"))
    except (NoAnswer, NotSeen):
        return None
    return str(entry.frame.payload.get("status")) if isinstance(entry.frame, CallResult) else None


async def _asked_to_renew(station: StationPeer, mark: int, profile: SutProfile) -> bool:
    def asked() -> bool:
        return any(each.get("requestedMessage") in _SIGN for each in station.traffic(after=mark))

    with suppress(NotSeen):
        await station.until(asked, "a request to renew the certificate", within=profile.timing.settle)
    return asked()


def _tls(station: StationPeer, mark: int) -> Entry | None:
    """The TLS handshake since then: the late word on it, where there is one."""
    found = [each for each in station.transcript.since(mark) if each.kind == "tls"]
    station.touch(*found)
    return found[-1] if found else None


async def agreed(station: StationPeer, tls: ClientTls | None) -> Entry | None:
    """The TLS handshake of a connection that is made for nothing else, as it was when both ends believed it done."""
    mark = station.now
    with suppress(NotConnected):
        await station.connect(tls=tls)
    await station.disconnect()
    found = [each for each in station.transcript.since(mark) if each.kind == "tls"]
    station.touch(*found)
    return found[0] if found else None


def visitor(another_station: AnotherStation, profile: SutProfile, level: int, identity: str = "") -> StationPeer:
    """The station of the profile, or one of another identity, as it comes in a security profile."""
    password = profile.password()
    known = {} if password is None or level >= WITH_CERTIFICATES else {"password": password.reveal()}
    return another_station(identity or profile.identity, security=level, heartbeats=False, **known)


def levels(security: CsmsSecurity, profile: SutProfile, *wanted: int) -> list[int]:
    """Those of the security profiles in which the CSMS says that stations may come; raises Unsupported for none."""
    claimed = [each for each in wanted if profile.claims(f"security-profile-{each}")]
    found = [each for each in claimed if each in security.urls]
    if not found:
        names = " or ".join(map(str, claimed or wanted))
        raise Unsupported("connect", f"[security.urls] does not say where stations dial in security profile {names}")
    return found


def place(station: StationPeer) -> Place:
    """Where a station dials, and with what."""
    greeting = station.greeting
    return Place(greeting.url(station.url), greeting.subprotocols[0], station.tls, greeting.credentials)


async def replied(station: StationPeer, profile: SutProfile, **offered: Sequence[str]) -> Reply:
    """What the CSMS says to a hello that offers this (`wire.hello.hello`); raises NotConnected without TCP."""
    split = urlsplit(station.url)
    host, mark = split.hostname or "", station.now
    said = hello(server_name=None if _is_number(host) else host, **offered)
    try:
        reply = await probe(host, split.port or 443, said, station.transcript, profile.timing.answer)
    except OSError as error:
        raise NotConnected(f"no TCP connection to {station.url}: {error}") from None
    station.touch(*station.transcript.since(mark))
    return reply


def _is_number(host: str) -> bool:
    """Whether a host is an address and no name, so that it does not go into a hello (RFC 6066 section 3)."""
    with suppress(ValueError):
        ipaddress.ip_address(host)
        return True
    return False


@contextmanager
def talking(there: Place) -> Iterator[None]:
    """Tell of a connection that is not to be had, or ends too soon, as of something missed: the harness is whole."""
    try:
        yield
    except (OSError, EOFError) as error:
        raise NotConnected(f"{there.url}: {error or type(error).__name__}") from None


def changed(tls: ClientTls | None, **changes: Any) -> ClientTls:
    """The same but for these; there must be TLS."""
    assert tls is not None, "there is no TLS in this security profile"
    return replace(tls, **changes)
