"""The harness as a CSMS: it listens on one address for the whole session, and stations come and go."""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from conformance.peers import v16, v201
from conformance.peers.csms_dialect import Connector, CsmsDialect
from conformance.peers.csms_v16 import Csms16
from conformance.peers.csms_v201 import Csms201
from conformance.peers.keeper import Keeper
from conformance.peers.peer import Default, Patience, Peer
from conformance.peers.replies import Answer, Error
from conformance.wire.faults import Network
from conformance.wire.frames import Call
from conformance.wire.link import Accept, HandshakeInfo, Link, Listener, Refuse, negotiate
from conformance.wire.schemas import VERSIONS
from conformance.wire.tls import ServerTls
from conformance.wire.transcript import Entry, Transcript

SECURE = 2
"""The first of the security profiles that has TLS, and the last that has a password (A00)."""

DEFAULTS: Mapping[str, Mapping[str, Default]] = {"1.6": v16.CSMS_ANSWERS, "2.0.1": v201.CSMS_ANSWERS}
"""What a compliant CSMS answers, by version and action."""


def _no_tls(security: int) -> ServerTls:
    raise ValueError(f"there are no certificates for security profile {security}")


@dataclass(frozen=True, slots=True)
class Entrance:
    """An attempt of a station to connect: the number of the connection, the user name and password that it came with.

    `security` is the profile of the address that it came to.
    """

    link: int
    password: str | None = field(default=None, repr=False)
    user: str | None = None
    security: int = 1


class CsmsPeer(Peer):
    """The CSMS's end towards one station.

    It answers in the version of the connection, which may change from one to the next. Until it has accepted a station
    that it had answered Pending or Rejected, it refuses what the station may not send yet with a SecurityError
    (B02.FR.09, B03.FR.07). A station that never booted here, because it was running before the harness was, is served.
    """

    registration: str | None = None

    def __init__(
        self,
        identity: str,
        transcript: Transcript,
        patience: Patience,
        defaults: Mapping[str, Mapping[str, Default]],
        connectors: Sequence[Connector] = (),
    ) -> None:
        super().__init__(identity, transcript, patience, defaults)
        self._dialects: Mapping[str, CsmsDialect] = {"2.0.1": Csms201(self), "1.6": Csms16(self, connectors)}
        self.written_off: set[str] = set()
        """Transactions that the station began, never ended, and will not or can't end when it is asked to."""
        self.passwords: tuple[str, ...] = ()
        """The passwords that the station is let in with; with none of them it needs none."""
        self.entrances: list[Entrance] = []
        """How the station came to the door, let in or not."""
        self.resets_written_off = 0
        """Resets that were agreed to before this entry of the transcript are no longer waited for."""
        self.keeper = Keeper(self)
        """What has been changed at the station, and is to be put back."""

    async def attempt(self, action: str, payload: Mapping[str, Any], *, within: float | None = None) -> Entry:
        """Call the station and return the entry of whatever answer it gives; raises NoAnswer.

        What the request changes is noted first, and struck out where the answer shows that it is as it was.
        """
        evidence = len(self._touched)
        fresh = await self.keeper.before(action, payload)
        del self._touched[evidence:]  # what was asked to know what is replaced says nothing about the case
        entry = await super().attempt(action, payload, within=within)
        self.keeper.after(action, payload, entry, fresh)
        return entry

    @property
    def speak(self) -> CsmsDialect:
        """How to ask things and to read what comes, in the version of the connection, or else the first of its own."""
        version = self.link.version.name if self.link is not None and self.link.version is not None else None
        return self._dialects[version or next(iter(self._defaults))]

    def lets_in(self, request: HandshakeInfo, security: int = 1) -> bool:
        """Whether the station may connect, by its password where it needs one; keeps in mind what it came with."""
        given = request.credentials
        user, password = (None, None) if given is None else given
        self.entrances.append(Entrance(request.link, password, user, security))
        if not self.passwords or security > SECURE:
            return True
        if given is None or not hmac.compare_digest(given[0].encode(), request.identity.encode()):
            return False
        known = any(hmac.compare_digest(given[1].encode(), each.encode()) for each in self.passwords)
        return known or self.keeper.admits(given[1])

    def default_answer(self, call: Call, version: str) -> Answer:
        """What a compliant CSMS says to this call, in this version of OCPP."""
        if self.registration in ("Pending", "Rejected") and not self._may_send(call):
            return Error("SecurityError", f"{call.action} before the boot was accepted")
        return super().default_answer(call, version)

    def gave(self, call: Call, answer: Mapping[str, Any]) -> None:
        """Keep in mind what the last boot was told."""
        if call.action == "BootNotification" and isinstance(answer.get("status"), str):
            self.registration = answer["status"]

    def _may_send(self, call: Call) -> bool:
        """While pending a station may send what it was asked for (B02.FR.01, 1.6 §4.2); while rejected, nothing."""
        return call.action == "BootNotification" or (
            self.registration == "Pending" and (call.action in _ON_REQUEST or call.action in self._triggered())
        )

    def _triggered(self) -> set[str]:
        """The actions that the station was asked to send, in this case."""
        asked = (
            entry.frame
            for entry in self.transcript.entries[self._mark :]
            if entry.sender == "harness" and entry.station == self.identity and isinstance(entry.frame, Call)
        )
        return {str(call.payload.get("requestedMessage")) for call in asked if call.action in _TRIGGERS}


_TRIGGERS = frozenset({"TriggerMessage", "ExtendedTriggerMessage"})
_ON_REQUEST = frozenset({"NotifyReport", "NotifyMonitoringReport", "NotifyCustomerInformation"})


class Endpoint:
    """One address of the harness as a CSMS: who asked to be let in there, and how to make it fail.

    Who comes in there does so in the security profile `security`, which a case may change with what is shown there.
    """

    def __init__(self, security: int, listen: Callable[[Callable[[Entry], None]], Listener]) -> None:
        self._asked: list[Entry] = []
        self.security = security
        self.listener = listen(self._asked.append)
        self.network = Network(self.listener)

    def asked(self, *, after: int = 0) -> list[Entry]:
        """The handshakes that were begun here, let in or not, from this entry of the transcript on."""
        return [entry for entry in self._asked if entry.n >= after]

    def admitted(self, link: Link | None) -> bool:
        """Whether a connection came in here."""
        return link is not None and any(entry.link == link.number for entry in self._asked)


class CsmsServer:
    """Listens on one address and hands each connection to the peer of the identity in its path.

    There can be a second address, for stations that are sent there, and one more for each security profile: whoever
    comes in there meets the same peer.
    """

    def __init__(  # noqa: PLR0913 -- the address, by keyword
        self,
        transcript: Transcript,
        *,
        host: str,
        port: int,
        path: str,
        versions: Sequence[str],
        patience: Patience,
        second_port: int | None = None,
        security: int = 1,
        tls: Callable[[int], ServerTls] = _no_tls,
    ) -> None:
        """`security` is the profile of both addresses; `tls` makes what is shown in a profile that has TLS."""
        self.transcript = transcript
        self.path = "/" + path.strip("/")
        self._host = host
        self._versions = tuple(versions)
        self._patience = patience
        self._peers: dict[str, CsmsPeer] = {}
        self._tls = tls
        self.first = self._endpoint(port, security)
        self.second = self._endpoint(0 if second_port is None else second_port, security)
        self._by_security = {security: self.first}
        self._beside = {security: self.second}
        self.listener = self.first.listener

    async def start(self) -> None:
        """Listen on the first address; raises OSError where it can't be had."""
        await self.listener.start()

    async def stop(self) -> None:
        """Close every connection and the listening sockets."""
        for each in self.endpoints:
            await each.listener.stop()
        for peer in self._peers.values():
            await peer.close()

    @property
    def url(self) -> str:
        """Where stations dial, without their identity."""
        return self.url_of(self.first)

    def url_of(self, endpoint: Endpoint, host: str | None = None) -> str:
        """Where stations dial to come in at an address; by the name of this host where they need one."""
        host = host or self._host
        host = f"[{host}]" if ":" in host else host
        scheme = "ws" if endpoint.security < SECURE else "wss"
        return f"{scheme}://{host}:{endpoint.listener.port}{'' if self.path == '/' else self.path}"

    async def in_profile(self, security: int, port: int = 0) -> Endpoint:
        """The address for a security profile, which is listened on from now on; raises OSError."""
        if security not in self._by_security:
            self._by_security[security] = self._endpoint(port, security)
        endpoint = self._by_security[security]
        await endpoint.listener.start()
        return endpoint

    def beside(self, security: int) -> Endpoint:
        """A second address for a security profile, where nobody listens yet."""
        if security not in self._beside:
            self._beside[security] = self._endpoint(0, security)
        return self._beside[security]

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Every address that there is."""
        return (*self._by_security.values(), *self._beside.values())

    def admitted_by(self, link: Link | None) -> Endpoint | None:
        """The address that a connection came in at."""
        return next((each for each in self.endpoints if each.admitted(link)), None)

    def peer(self, identity: str, *, password: str | None = None, connectors: Sequence[Connector] = ()) -> CsmsPeer:
        """The peer for one station, made at the first call; a password is then asked of that station.

        `connectors` are those of the station, in the order in which OCPP 1.6 numbers them.
        """
        if identity not in self._peers:
            defaults = {version: DEFAULTS[version] for version in self._versions if version in DEFAULTS}
            self._peers[identity] = CsmsPeer(
                identity, self.transcript, self._patience, defaults or DEFAULTS, connectors
            )
        if password is not None:
            self._peers[identity].passwords = (password,)
        return self._peers[identity]

    async def listen_too(self, port: int) -> Listener:
        """Listen on another port as well, until that listener is stopped; raises OSError where it can't be had."""
        security = self.first.security
        listener = self._listener(port, security, partial(self._admit, security))
        await listener.start()
        return listener

    def _endpoint(self, port: int, security: int) -> Endpoint:
        def listen(on_handshake: Callable[[Entry], None]) -> Listener:
            return self._listener(port, security, lambda request: self._admit(endpoint.security, request), on_handshake)

        endpoint = Endpoint(security, listen)
        return endpoint

    def _listener(
        self,
        port: int,
        security: int,
        admit: Callable[[HandshakeInfo], Accept | Refuse],
        on_handshake: Callable[[Entry], None] | None = None,
    ) -> Listener:
        return Listener(
            self._host,
            port,
            admit,
            self.transcript,
            tls=self._tls(security) if security >= SECURE else None,
            on_handshake=on_handshake,
            on_open=self._opened,
            on_frame=self._received,
            on_close=self._closed,
        )

    def _admit(self, security: int, request: HandshakeInfo) -> Accept | Refuse:
        if request.prefix.rstrip("/") != self.path.rstrip("/"):
            return Refuse(404, f"stations dial {self.path}/<identity> here")
        if request.identity not in self._peers:
            return Refuse(404, f"no station {request.identity} is expected here")
        if not self._peers[request.identity].lets_in(request, security):
            return Refuse(401, "wrong user name or password")
        return Accept(negotiate(request.subprotocols, [VERSIONS[each].subprotocol for each in self._versions]))

    def _opened(self, link: Link) -> None:
        self._peers[link.identity].attach(link)

    def _received(self, link: Link, entry: Entry) -> None:
        self._peers[link.identity].received(link, entry)

    def _closed(self, link: Link, _: Entry) -> None:
        self._peers[link.identity].detach(link)
