"""Connections of both roles: a `Listener` takes them in (the harness as CSMS), `dial` makes one (as station).

All that a peer needs of a `Link`, which is in `connection`, can be had here. `tls`, of both, says how the harness shows
itself where the link is to be over TLS.
"""

import asyncio
import base64
import errno
import gc
import os
import socket
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidURI
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from conformance.wire.connection import (
    Callbacks,
    Core,
    Line,
    Link,
    LinkClosed,
    LinkOptions,
    in_words,
    quiet,
    shown,
)
from conformance.wire.old_server import OldServer
from conformance.wire.redaction import basic_credentials, without_secrets, without_userinfo
from conformance.wire.tls import ClientTls, Layer, ServerTls, context_of
from conformance.wire.transcript import Entry, Sender, Transcript

__all__ = [
    "IDENTITY_LENGTH",
    "Accept",
    "Admission",
    "HandshakeFailed",
    "HandshakeInfo",
    "Line",
    "Link",
    "LinkClosed",
    "LinkOptions",
    "Listener",
    "Refuse",
    "dial",
    "negotiate",
    "split_path",
]

IDENTITY_LENGTH = 48
"""The most characters that an identity may have (Part 4 §3.1.1)."""


@dataclass(frozen=True, slots=True)
class HandshakeInfo:
    """What a station asks for when it dials.

    `path` is as it was sent; the last element of it, percent-decoded, is `identity` ("" if there is none), what comes
    before is `prefix`. `subprotocols` are those offered, in order. `headers` are free of secrets; `credentials` are
    user name and password of HTTP Basic. `problems` say in words what is wrong with the identity (Part 4 §3.1.1).
    """

    link: int
    path: str
    prefix: str
    identity: str
    subprotocols: tuple[str, ...]
    headers: Mapping[str, str]
    remote: str
    credentials: tuple[str, str] | None = field(default=None, repr=False)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Accept:
    """Open the connection with this subprotocol.

    With None there is no common one: the handshake is completed without the header and the connection then closed
    with 1002 (Part 4 §3.2).
    """

    subprotocol: str | None


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer the upgrade with this HTTP status and a line of text, and headers such as WWW-Authenticate."""

    status: int
    reason: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


Admission = Callable[[HandshakeInfo], Accept | Refuse]


class HandshakeFailed(ConnectionError):  # noqa: N818 -- reads as what happened
    """The other end did not open the connection; `status` is the HTTP status, None without one."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.status: int | None = entry.detail["status"]
        super().__init__(entry.detail["error"])


class _Server(Core, ServerProtocol):
    """The core for the CSMS's end: who decides about subprotocols is the link."""

    link: "ServerLink"
    status: int | None = None

    def select_subprotocol(self, subprotocols: Sequence[Subprotocol]) -> Subprotocol | None:  # noqa: ARG002
        """Choose one; what is offered is in the request that the link has kept."""
        return self.link.decide()

    def send_response(self, response: Response) -> None:
        """Answer the upgrade."""
        self.status = response.status_code
        super().send_response(response)


class _Client(Core, ClientProtocol):
    """The core for the station's end."""

    link: "ClientLink"


class ServerLink(Link):
    """A connection that a station made to the harness."""

    def __init__(
        self, transcript: Transcript, options: LinkOptions, callbacks: Callbacks, listener: "Listener"
    ) -> None:
        extensions = [ServerPerMessageDeflateFactory(server_max_window_bits=12, client_max_window_bits=12)]
        protocol = _Server(
            extensions=extensions if options.compression else None, max_size=options.max_size, logger=quiet
        )
        protocol.link = self
        super().__init__(protocol, transcript, options, callbacks, listener.line)
        self._server = protocol
        self._listener = listener
        self._request: HandshakeInfo | None = None
        self._decision: Accept | Refuse | None = None

    _caller: Sender = "sut"

    def decide(self) -> Subprotocol | None:
        """Ask whether a proper upgrade is let in, and with which subprotocol."""
        assert self._request is not None
        try:
            self._decision = self._listener.decide(self._request)
        except Exception as error:  # noqa: BLE001 -- the harness's own code
            self._report(error, "the admission failed")
            self._decision = Refuse(500, "the harness failed")
        if isinstance(self._decision, Refuse) or self._decision.subprotocol is None:
            return None
        return Subprotocol(self._decision.subprotocol)

    def _take_handshake(self, event: Request | Response) -> None:
        assert isinstance(event, Request)
        server = self._server
        self._request = self._info(event)
        self.path, self.prefix, self.identity = self._request.path, self._request.prefix, self._request.identity
        if server.eof_sent or server.parser_exc is not None:
            self._handshake_failed("sent more before the handshake was complete")
            return
        response = server.accept(event)
        error: str | None = None
        match self._decision:
            case Refuse(status, reason, headers):
                response = _refusal(server, status, reason, headers)
                error = reason or response.reason_phrase
            case Accept(None):
                error = "no common subprotocol"
            case Accept():
                pass
            case None:
                error = in_words(server.handshake_exc) if server.handshake_exc is not None else "not accepted"
        upgraded = response.status_code == HTTPStatus.SWITCHING_PROTOCOLS
        self._record_handshake(
            status=response.status_code,
            error=error,
            offered=self._request.subprotocols,
            chosen=server.subprotocol if upgraded else None,
            headers=self._request.headers,
            compression=upgraded and bool(server.extensions),
            **({"problems": self._request.problems} if self._request.problems else {}),
        )
        server.send_response(response)
        if upgraded and error is None:
            self._open(server.subprotocol)
        elif upgraded:
            self._upgraded = True
            server.send_close(1002, "no common subprotocol")

    def _info(self, request: Request) -> HandshakeInfo:
        prefix, identity = split_path(request.path)
        header = ", ".join(request.headers.get_all("Authorization"))
        credentials = basic_credentials(header)
        _keep_secret(self.transcript, credentials, identity)
        offered = ",".join(request.headers.get_all("Sec-WebSocket-Protocol")).split(",")
        return HandshakeInfo(
            link=self.number,
            path=request.path,
            prefix=prefix,
            identity=identity,
            subprotocols=tuple(name for each in offered if (name := each.strip())),
            headers=MappingProxyType(without_secrets(request.headers.raw_items())),
            remote=self.remote,
            credentials=credentials,
            problems=tuple(_identity_problems(identity)),
        )


def _keep_secret(transcript: Transcript, credentials: tuple[str, str] | None, identity: str) -> None:
    """Hide a password that came, unless it is the identity: that is in every URL, and in every line of the record."""
    if credentials is not None and credentials[1] != identity:
        transcript.secrets.observe(credentials[1])


class ClientLink(Link):
    """A connection that the harness, as a station, makes to a CSMS."""

    _caller: Sender = "harness"

    def __init__(  # noqa: PLR0913 -- internal; `dial` is what one calls
        self,
        url: str,
        subprotocols: Sequence[str],
        *,
        transcript: Transcript,
        options: LinkOptions,
        callbacks: Callbacks,
        headers: Iterable[tuple[str, str]],
        line: Line,
    ) -> None:
        self.uri = parse_uri(url)
        protocol = _Client(
            self.uri,
            extensions=[_CLIENT_DEFLATE] if options.compression else None,
            subprotocols=[Subprotocol(name) for name in subprotocols] or None,
            max_size=options.max_size,
            logger=quiet,
        )
        protocol.link = self
        super().__init__(protocol, transcript, options, callbacks, line)
        self._client = protocol
        self._request = protocol.connect()
        for name, value in headers:
            if name.casefold() == "authorization":
                self._request.headers.pop(name, None)  # that of the URL
            self._request.headers[name] = value
        self.path = self._request.path
        self.prefix, self.identity = split_path(self.path)
        for value in self._request.headers.get_all("Authorization"):
            _keep_secret(transcript, basic_credentials(value), self.identity)
        self._offered = tuple(subprotocols)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TCP is there; ask for the upgrade."""
        super().connection_made(transport)
        self._client.send_request(self._request)
        self._flush()

    def connection_failed(self, error: OSError) -> None:
        """TCP could not be had."""
        self._handshake_failed(str(error))
        self._lost.set()

    async def handshaken(self) -> Entry:
        """Wait for the answer to the upgrade and return its entry."""
        await self._handshaken.wait()
        assert self._handshake is not None
        return self._handshake

    def _take_handshake(self, event: Request | Response) -> None:
        assert isinstance(event, Response)
        failure = self._client.handshake_exc
        chosen = event.headers.get_all("Sec-WebSocket-Protocol")
        self._record_handshake(
            status=event.status_code,
            error=None if failure is None else in_words(failure),
            chosen=", ".join(chosen) or None,
            compression=bool(self._client.extensions),
            response_headers=without_secrets(event.headers.raw_items()),
            **({"body": shown(bytes(event.body))} if event.body else {}),
        )
        if failure is None:
            self._open(self._client.subprotocol)

    def _record_handshake(self, *, status: int | None, error: str | None, **detail: Any) -> None:
        headers = without_secrets(self._request.headers.raw_items())
        super()._record_handshake(
            status=status, error=error, **{"offered": self._offered, "headers": headers, **detail}
        )


async def dial(  # noqa: PLR0913 -- by keyword
    url: str,
    subprotocols: Sequence[str],
    transcript: Transcript,
    *,
    credentials: tuple[str, str | bytes] | None = None,
    headers: Iterable[tuple[str, str]] = (),
    options: LinkOptions | None = None,
    on_handshake: Callable[[Entry], None] | None = None,
    on_open: Callable[[Link], None] | None = None,
    on_frame: Callable[[Link, Entry], None] | None = None,
    on_close: Callable[[Link, Entry], None] | None = None,
    tls: ClientTls | None = None,
    line: Line | None = None,
) -> Link:
    """Connect to a CSMS as the station whose identity ends the URL, and return the link once it is open.

    `credentials` are user name and password for HTTP Basic; `subprotocols` are offered in this order. Frames may come
    before this returns: `on_frame` gets them. `tls` is for URLs of wss. `line` is for faults, and may be that of other
    connections.

    Raises ValueError for a URL that is none, or one of wss without `tls`, OSError where there is no TCP connection,
    HandshakeFailed where the other end does not open it, or TLS was not agreed; the attempt is in the transcript all
    the same. Raises LocallyUnable where this machine can't do what `tls` says.
    """
    everything = [*headers]
    if credentials is not None:
        everything.append(("Authorization", _basic(*credentials)))
    callbacks = Callbacks(on_handshake, on_open, on_frame, on_close)
    try:
        link = ClientLink(
            url,
            subprotocols,
            transcript=transcript,
            options=options or LinkOptions(),
            callbacks=callbacks,
            headers=everything,
            line=line or Line(),
        )
    except (InvalidURI, ValueError) as error:
        raise ValueError(f"{without_userinfo(url)} is no URL of a WebSocket") from error
    if link.uri.secure and tls is None:
        raise ValueError(f"{without_userinfo(url)}: wss needs TLS, and it was not said how")
    host = link.uri.host
    layer = link if tls is None or not link.uri.secure else Layer(link, tls, host)
    loop = asyncio.get_running_loop()
    try:
        if link.line.away:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "there is no way to the CSMS at the moment")
        await loop.create_connection(lambda: layer, host, link.uri.port, family=socket.AF_UNSPEC)
        entry = await link.handshaken()
    except OSError as error:
        link.connection_failed(error)
        raise
    except asyncio.CancelledError:
        link.abort()
        raise
    if entry.detail["error"] is not None:
        link.abort()
        raise HandshakeFailed(entry)
    return link


class Listener:
    """Takes in connections on one address, and can go away for a while and come back at the same one.

    Port 0 means any that is free; `port` says which from `start` on. `turned_away` answers every proper upgrade with
    a refusal instead of asking `admit`; `line` is what its connections are on. Both are for faults.
    """

    def __init__(  # noqa: PLR0913 -- by keyword
        self,
        host: str,
        port: int,
        admit: Admission,
        transcript: Transcript,
        *,
        options: LinkOptions | None = None,
        on_handshake: Callable[[Entry], None] | None = None,
        on_open: Callable[[Link], None] | None = None,
        on_frame: Callable[[Link, Entry], None] | None = None,
        on_close: Callable[[Link, Entry], None] | None = None,
        tls: ServerTls | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.transcript = transcript
        self.options = options or LinkOptions()
        self.turned_away: Refuse | None = None
        self.line = Line()
        self._admit = admit
        self._callbacks = Callbacks(on_handshake, on_open, on_frame, on_close)
        self.tls = tls
        self._servers: list[asyncio.Server] = []
        self._reserved: list[socket.socket] = []

    @property
    def tls(self) -> ServerTls | None:
        """How the harness shows itself to those that connect from now on; None for no TLS. Raises LocallyUnable."""
        return self._tls

    @tls.setter
    def tls(self, tls: ServerTls | None) -> None:
        if tls is not None:
            context_of(tls)
        self._tls = tls

    @property
    def links(self) -> tuple[Link, ...]:
        """The open connections, oldest first."""
        return tuple(link for link in self.line.links if link.is_open)

    @property
    def connections(self) -> tuple[Link, ...]:
        """Every TCP connection, oldest first: open, in its handshake or about to end."""
        return self.line.links

    @property
    def is_listening(self) -> bool:
        """Whether connections are taken in."""
        return bool(self._servers)

    async def start(self) -> None:
        """Listen. Raises OSError, with host and port in it, where the address can't be had."""
        if self._servers:
            return
        if not self._reserved:
            self._reserved = await self._bind()
        try:
            while self._reserved:
                server = await asyncio.get_running_loop().create_server(self._factory, sock=self._reserved[0])
                self._servers.append(server)
                self._reserved.pop(0)
        except OSError as error:
            await self._unlisten()
            raise self._cannot(error) from error
        _collect_less(self)

    async def stop(self, *, grace: float = 2.0) -> None:
        """Stop listening, close the connections with 1001, and reset those that have not gone after `grace` seconds."""
        await self._unlisten()
        for each in self._reserved:
            each.close()
        self._reserved.clear()
        _collect_as_before(self)
        links = self.connections
        if not links:
            return
        closing = [asyncio.ensure_future(link.close(1001, "the harness stops")) for link in links]
        await asyncio.wait(closing, timeout=grace)
        for link in links:
            link.abort()
        await asyncio.gather(*closing, *(link.wait_closed() for link in links), return_exceptions=True)

    async def pause(self) -> None:
        """Refuse connections from now on, and keep the port; those that exist stay. Nothing happens if paused."""
        if not self._servers:
            return
        await self._unlisten()
        self._reserved = await self._bind()

    async def resume(self) -> None:
        """Listen again, on the same port. Raises OSError if that can't be had any more."""
        await self.start()

    # -- for its links ------------------------------------------------------------------------------------------------

    def decide(self, request: HandshakeInfo) -> Accept | Refuse:
        """What is answered to an upgrade."""
        return self.turned_away if self.turned_away is not None else self._admit(request)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _factory(self) -> asyncio.BaseProtocol:
        link = ServerLink(self.transcript, self.options, self._callbacks, self)
        if self.tls is None:
            return link
        return Layer(link, self.tls) if self.tls.by_hand is None else OldServer(link, self.tls)

    async def _bind(self) -> list[socket.socket]:
        """Sockets that hold the address and do not listen yet."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(
                self.host or None, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
        except OSError as error:
            raise self._cannot(error) from error
        sockets: list[socket.socket] = []
        failure: OSError | None = None
        for family, kind, protocol, _, address in dict.fromkeys(found):
            try:
                sockets.append(_bound(family, kind, protocol, (address[0], self.port, *address[2:])))
            except OSError as error:
                failure = error
                if error.errno not in _NO_SUCH_FAMILY:
                    break
            else:
                self.port = sockets[0].getsockname()[1]
                failure = None
        if failure is not None or not sockets:
            for each in sockets:
                each.close()
            raise self._cannot(failure or OSError(f"{self.host} has no address"))
        return sockets

    async def _unlisten(self) -> None:
        servers, self._servers = self._servers, []
        for server in servers:
            server.close()
        if servers:
            await asyncio.sleep(0)

    def _cannot(self, error: OSError) -> OSError:
        what = f"can't listen on {self.host or '*'} port {self.port}: {error.strerror or error}"
        return OSError(error.errno, what) if error.errno is not None else OSError(what)


_COLLECTION = (50_000, 20, 20)
_listening: set[Listener] = set()
_collection_before = gc.get_threshold()


def _collect_less(listener: Listener) -> None:
    """Let the garbage collector run less often while listening.

    A transcript only grows, and none of it is garbage; with the thresholds that Python begins with, half of the CPU
    time of a large message goes into looking for some.
    """
    global _collection_before  # noqa: PLW0603 -- the collector is one for the process
    if not _listening:
        _collection_before = gc.get_threshold()
        gc.set_threshold(
            *(max(now, ours) if now else 0 for now, ours in zip(_collection_before, _COLLECTION, strict=True))
        )
    _listening.add(listener)


def _collect_as_before(listener: Listener) -> None:
    if listener in _listening:
        _listening.remove(listener)
        if not _listening:
            gc.set_threshold(*_collection_before)


_NO_SUCH_FAMILY = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


_CLIENT_DEFLATE = ClientPerMessageDeflateFactory(
    server_max_window_bits=12, client_max_window_bits=12, compress_settings={"memLevel": 5}
)


def negotiate(offered: Iterable[str], spoken: Iterable[str]) -> str | None:
    """The first subprotocol of `spoken` that is offered, case-sensitive; None if there is none."""
    given = set(offered)
    return next((name for name in spoken if name in given), None)


def split_path(path: str) -> tuple[str, str]:
    """The path of a URL, with or without a query, as prefix and identity; the identity is percent-decoded."""
    prefix, _, last = path.partition("?")[0].rpartition("/")
    return prefix, unquote(last, errors="backslashreplace")


def _identity_problems(identity: str) -> Iterable[str]:
    if not identity:
        yield "the path ends without an identity"
    if len(identity) > IDENTITY_LENGTH:
        yield f"the identity has {len(identity)} characters, {IDENTITY_LENGTH} are allowed"
    if ":" in identity:
        yield "the identity has a colon"


def _refusal(server: ServerProtocol, status: int, reason: str, headers: Mapping[str, str]) -> Response:
    try:
        response = server.reject(status, f"{reason}\n" if reason else "")
    except ValueError:
        response = server.reject(500, f"{reason}\n" if reason else "")
        response.status_code, response.reason_phrase = status, ""
    for name, value in headers.items():
        response.headers[name] = value
    return response


def _basic(user: str, password: str | bytes) -> str:
    secret = password.encode() if isinstance(password, str) else password
    return "Basic " + base64.b64encode(user.encode() + b":" + secret).decode()


def _bound(family: int, kind: int, protocol: int, address: tuple[Any, ...]) -> socket.socket:
    made = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix" and sys.platform != "cygwin":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.setblocking(False)  # noqa: FBT003
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made
