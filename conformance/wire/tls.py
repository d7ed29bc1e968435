"""TLS as each end of a link presents itself, in the terms of OCPP's security profiles (Part 2 A00), and on the wire.

It stands between the TCP connection and the link, in memory, so that the right alert goes out when a handshake fails
and what both ends said is known: hello, certificates and alerts are read as OpenSSL passes them by.
"""

import asyncio
import contextlib
import os
import re
import ssl
import tempfile
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from conformance.wire.certificates import Chain, pem_of, read_der
from conformance.wire.tls_messages import (
    ClientHello,
    ServerHello,
    read_certificates,
    read_client_hello,
    read_server_hello,
)
from conformance.wire.tls_names import ALERTS, SUITE_NAMES, VERSIONS, named

TlsVersion = Literal["1.0", "1.1", "1.2", "1.3"]

SUITES = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
)
"""The suites of TLS 1.2 that a CSMS has to support, all of them, as OpenSSL calls them (A00.FR.318)."""

_VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
_HANDSHAKE, _ALERT = 22, 21
_CLIENT_HELLO, _SERVER_HELLO, _CERTIFICATE = 1, 2, 11
_TLS13 = 0x0304
_PIECE = 1 << 16
_ROUNDS = 10
PLAIN = "a request in plain HTTP came, and no TLS"
"""The `error` of a TLS handshake where the other end did not speak TLS at all."""
_OURS = "the harness ended the connection before TLS was agreed"
_PARTING = 1.0
"""How many seconds the other end has to take an alert before the connection is reset."""


@dataclass(frozen=True, slots=True)
class ServerTls:
    """How the harness shows itself as a CSMS.

    `chains` are offered side by side, RSA and ECDSA for instance. With `client_roots` (PEM) a client certificate that
    leads to one of them is asked for, and required (profile 3); `crls` (PEM) say which of them are revoked, and must
    have one of whoever issued the station's certificate. `suites` are those of TLS 1.2 and before. With `by_hand`
    any hello is answered in that version, as an old CSMS may do it; nothing ever comes of that.
    """

    chains: tuple[Chain, ...]
    client_roots: str = ""
    crls: str = ""
    oldest: TlsVersion = "1.2"
    newest: TlsVersion = "1.3"
    suites: tuple[str, ...] = SUITES
    by_hand: Literal["1.0", "1.1", "1.2"] | None = None


@dataclass(frozen=True, slots=True)
class ClientTls:
    """How the harness shows itself as a station.

    `roots` (PEM) are what the certificate of the CSMS must lead to, unless `verifies` is False; `chain` is that of the
    station itself (profile 3). `server_name` goes out as SNI, and is what the certificate must be for: the host of the
    URL where it is None; with "" nothing goes out, and the name is not looked at.
    """

    roots: str
    chain: Chain | None = None
    verifies: bool = True
    server_name: str | None = None
    oldest: TlsVersion = "1.2"
    newest: TlsVersion = "1.3"
    suites: tuple[str, ...] = SUITES


class LocallyUnable(Exception):  # noqa: N818 -- reads as what happened
    """The OpenSSL of this machine can't do what was asked of it, which says nothing about the other end."""


@lru_cache(maxsize=128)
def context_of(tls: ServerTls | ClientTls) -> ssl.SSLContext:
    """The context in which OpenSSL does what `tls` says, the same for the same; raises LocallyUnable."""
    server = isinstance(tls, ServerTls)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    try:
        _limit(context, tls)
        if isinstance(tls, ServerTls):
            _serve(context, tls)
        else:
            _visit(context, tls)
    except (ssl.SSLError, ValueError) as error:
        raise LocallyUnable(f"this machine's OpenSSL ({ssl.OPENSSL_VERSION}) can't: {words(error)}") from None
    context.sslobject_class = _Object
    with contextlib.suppress(AttributeError):  # CPython has it
        context._msg_callback = _note  # type: ignore[attr-defined] # noqa: SLF001 -- there is no public way
    return context


def able(tls: ServerTls | ClientTls) -> str:
    """Why this machine can't do what `tls` says, "" if it can: tried with itself as the other end, in memory.

    Only the version and the suites are tried, not what is in certificates.
    """
    try:
        if isinstance(tls, ServerTls):
            if tls.by_hand is not None:
                return ""
            ends = replace(tls, client_roots="", crls=""), ClientTls("", verifies=False, suites=_ANY, oldest="1.0")
        else:
            anyone = ServerTls(_own_chains(), suites=_ANY, oldest="1.0")
            ends = anyone, replace(tls, verifies=False)
        return _try(*ends)
    except LocallyUnable as error:
        return str(error)


_ANY = ("ALL", "COMPLEMENTOFALL")


def _try(server: ServerTls, client: ClientTls) -> str:
    """Let both shake hands; what comes of it in words, "" for agreement."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = _wrapped(client, there, back)
    two = _wrapped(server, back, there)
    for _ in range(_ROUNDS):
        open_ends = 0
        for end in (one, two):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                open_ends += 1
            except ssl.SSLError as error:
                return f"this machine's OpenSSL ({ssl.OPENSSL_VERSION}) can't do that with itself: {words(error)}"
        if not open_ends:
            return ""
    return f"this machine's OpenSSL ({ssl.OPENSSL_VERSION}) comes to no end with itself"


def _wrapped(tls: ServerTls | ClientTls, coming: ssl.MemoryBIO, going: ssl.MemoryBIO) -> "_Object":
    serving = isinstance(tls, ServerTls)
    made = cast("_Object", context_of(tls).wrap_bio(coming, going, server_side=serving))
    made.seen = _Seen()
    return made


@lru_cache(maxsize=1)
def _own_chains() -> tuple[Chain, ...]:
    """A chain of either kind, for nothing but to try what this machine can do."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nobody")])
    now = datetime.now(UTC)
    keys = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())
    chains = []
    for key in keys:
        builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        made = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        chains.append(Chain(made.public_bytes(Encoding.PEM).decode(), secret.decode()))
    return tuple(chains)


def _limit(context: ssl.SSLContext, tls: ServerTls | ClientTls) -> None:
    """Versions and suites. OpenSSL's own idea of what is secure is left out: here weak ends are shown on purpose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = _VERSIONS[tls.oldest]
        context.maximum_version = _VERSIONS[tls.newest]
    context.set_ciphers(":".join((*tls.suites, "@SECLEVEL=0")))


def _serve(context: ssl.SSLContext, tls: ServerTls) -> None:
    for chain in tls.chains:
        _show(context, chain)
    if tls.client_roots:
        context.load_verify_locations(cadata=tls.client_roots)
        context.verify_mode = ssl.CERT_REQUIRED
    if tls.crls:
        with _file(tls.crls) as name:
            context.load_verify_locations(cafile=name)
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF


def _visit(context: ssl.SSLContext, tls: ClientTls) -> None:
    if tls.chain is not None:
        _show(context, tls.chain)
    if tls.verifies:
        context.load_verify_locations(cadata=tls.roots)
        context.verify_mode = ssl.CERT_REQUIRED
        context.check_hostname = tls.server_name != ""
    else:
        context.verify_mode = ssl.CERT_NONE


def _show(context: ssl.SSLContext, chain: Chain) -> None:
    with _file(f"{chain.key.strip()}\n{chain.certificates.strip()}\n") as name:
        context.load_cert_chain(name)


@contextlib.contextmanager
def _file(text: str) -> Iterator[str]:
    """A file that only its owner can read, while it is needed: OpenSSL takes chains and CRLs from nowhere else."""
    handle, name = tempfile.mkstemp(prefix="tls-", suffix=".pem")  # with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
        yield name
    finally:
        Path(name).unlink()


# -- what goes by ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Seen:
    """What both ends have said in a handshake, as far as it can be read."""

    client_hello: ClientHello | None = None
    server_hello: ServerHello | None = None
    certificates: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    alerts: dict[str, str] = field(default_factory=dict)


class _Object(ssl.SSLObject):
    """OpenSSL's end of a connection, with a place for what has gone by."""

    seen: _Seen


def _note(  # noqa: PLR0913 -- as ssl calls it
    connection: object, direction: str, version: int, content: int, kind: int, data: bytes
) -> None:
    """Read a message that goes by: `direction` is "read" or "write"."""
    seen = getattr(connection, "seen", None)
    if seen is None:
        return
    if content == _ALERT:
        seen.alerts[direction] = named(ALERTS, data[1])
    elif content == _HANDSHAKE and kind == _CLIENT_HELLO and seen.client_hello is None:
        seen.client_hello = read_client_hello(data)
    elif content == _HANDSHAKE and kind == _SERVER_HELLO:
        seen.server_hello = read_server_hello(data)
    elif content == _HANDSHAKE and kind == _CERTIFICATE:
        seen.certificates[direction] = read_certificates(data, newest=version == _TLS13)


def words(error: BaseException) -> str:
    """What OpenSSL says of a failure, without what is of use to nobody else."""
    text = re.sub(r"^\[[^]]*\]\s*|\s*\(_ssl\.c:\d+\)$", "", str(error.args[-1] if error.args else error))
    if "http request" in text:
        return PLAIN
    alert = re.sub(r"^(tlsv\d+|sslv3) (alert )?", "", text).replace(" ", "_")
    if alert != text and alert in ALERTS.values():
        return f"the other end sent the alert {alert}"  # OpenSSL names the TLS that first had it, which misleads
    return text or type(error).__name__


# -- on the wire -------------------------------------------------------------------------------------------------------


class SecuredLink(asyncio.Protocol):
    """What TLS asks of the link that it carries."""

    given_up: Callable[[str], None] | None = None
    """Whom a link tells that it is at its end, and why, in case TLS is not agreed yet; set by TLS."""

    def secured(self, detail: Mapping[str, Any], chain: tuple[str, ...]) -> None:
        """TLS is agreed, or is not (`ok`), or has ended late; `chain` is what the other end showed, in PEM."""
        raise NotImplementedError


class Layer(asyncio.Protocol):
    """TLS between a TCP connection, whose protocol it is, and a link."""

    def __init__(self, link: SecuredLink, tls: ServerTls | ClientTls, host: str = "") -> None:
        """`host` is that of the URL; raises LocallyUnable."""
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._tcp: asyncio.Transport | None = None
        self._transport = _Transport(self)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._seen = _Seen()
        name = None if isinstance(tls, ServerTls) or tls.server_name == "" else tls.server_name or host
        self._tls = cast(
            "_Object",
            context_of(tls).wrap_bio(self._in, self._out, server_side=isinstance(tls, ServerTls), server_hostname=name),
        )
        self._tls.seen = self._seen
        self._agreed: bool | None = None
        link.given_up = self._ended
        self._over = False
        self._paused = False
        self._received = 0
        self._last = b""
        self._waiting: deque[bytes] = deque()
        self._parting: asyncio.TimerHandle | None = None

    # -- what asyncio calls -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TCP is there."""
        self._tcp = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self._link.connection_made(self._transport)
        self._advance()

    def data_received(self, data: bytes) -> None:
        """Take in bytes, whatever they are."""
        if not self._over:
            self._in.write(data)
            self._last = data
            self._advance()

    def eof_received(self) -> bool | None:
        """The other end will send no more."""
        if not self._over:
            self._in.write_eof()
            self._advance()
            self._ended("the connection ended before TLS was agreed")
        if not self._over:
            self._link.eof_received()
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        """TCP is gone."""
        if self._parting is not None:
            self._parting.cancel()
        how = "ended" if exc is None else "was reset"
        self._ended(f"the connection {how} before TLS was agreed")
        self._over = True
        self._link.connection_lost(exc)

    def pause_writing(self) -> None:
        """The other end reads too slowly."""
        self._link.pause_writing()

    def resume_writing(self) -> None:
        """The other end has caught up."""
        self._link.resume_writing()

    # -- what the link calls, through its transport -------------------------------------------------------------------

    @property
    def tcp(self) -> asyncio.Transport:
        """The TCP connection."""
        assert self._tcp is not None
        return self._tcp

    @property
    def over(self) -> bool:
        """Whether there is nothing more to say."""
        return self._over

    def write(self, data: bytes) -> None:
        """Send, as soon as TLS is agreed."""
        if not self._over:
            self._waiting.append(bytes(data))
            if self._agreed:
                self._push()
                self._send()

    def close(self) -> None:
        """Say that nothing more will be sent, and end the TCP connection."""
        if not self._over:
            self._ended(_OURS)
            self._over = True
            if self._agreed:
                with contextlib.suppress(ssl.SSLError):
                    self._tls.unwrap()
            self._send()
            self.tcp.close()

    def abort(self) -> None:
        """End the TCP connection at once, but let an alert that has just gone out arrive."""
        self._ended(_OURS)
        if self._parting is None:
            self._over = True
            self.tcp.abort()

    def pause(self) -> None:
        """Take in nothing for now."""
        self._paused = True
        self.tcp.pause_reading()

    def resume(self) -> None:
        """Take in again, beginning with what has been waiting."""
        if self._paused:
            self._paused = False
            self.tcp.resume_reading()
            self._loop.call_soon(self._advance)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _advance(self) -> None:
        """Go on with the handshake, and read, as far as the bytes that have come go."""
        if self._over or self._paused or self._agreed is False:
            return
        try:
            if not self._agreed:
                self._tls.do_handshake()
                self._agree()
            self._push()
            self._read()
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            self._send()
            if self._agreed and not self._over:
                self._link.eof_received()
                self.close()
        except ssl.SSLError as error:
            self._break(error)
        self._send()

    def _read(self) -> None:
        while not self._over and not self._paused:
            data = self._tls.read(_PIECE)
            if not data:
                raise ssl.SSLZeroReturnError
            self._received += len(data)
            self._link.data_received(data)

    def _push(self) -> None:
        """Encrypt what waits to be sent."""
        with contextlib.suppress(ssl.SSLWantReadError):
            while self._waiting:
                self._tls.write(self._waiting[0])
                self._waiting.popleft()

    def _send(self) -> None:
        data = self._out.read()
        if data and not self.tcp.is_closing():
            self.tcp.write(data)

    def _agree(self) -> None:
        self._agreed = True
        self._send()
        self._record(ok=True, error=None)

    def _ended(self, error: str) -> None:
        """Where TLS was not agreed yet, it never will be."""
        if self._agreed is None:
            self._agreed = False
            self._record(ok=False, error=error)

    def _break(self, error: ssl.SSLError) -> None:
        """TLS has failed: the alert goes out, and the other end gets some time to take it."""
        self._over = True
        self._send()
        self._guess(error)
        late = {"late": True} if self._agreed else {}
        self._agreed = False
        self._record(ok=False, error=words(error), **late)
        self._parting = self._loop.call_later(_PARTING, self.tcp.abort)
        if self.tcp.can_write_eof():
            with contextlib.suppress(OSError):
                self.tcp.write_eof()

    def _guess(self, error: ssl.SSLError) -> None:
        """An alert that did not go by is known by what OpenSSL says, or by its bytes if its version was not liked."""
        match = re.match(r"(?:TLSV\d+|SSLV3)_ALERT_(\w+)", error.reason or "")
        if match is not None:
            self._seen.alerts.setdefault("read", match[1].lower())
        elif self._last[-7:-6] == bytes((_ALERT,)) and self._last[-4:-2] == b"\0\x02":
            self._seen.alerts.setdefault("read", named(ALERTS, self._last[-1]))

    def _record(self, *, ok: bool, error: str | None, **more: Any) -> None:
        seen = self._seen
        theirs = seen.certificates.get("read", ())
        if not theirs and ok and (leaf := self._tls.getpeercert(binary_form=True)):  # resumed
            theirs = (leaf,)
        chosen = seen.server_hello
        detail = {
            "ok": ok,
            "version": None if chosen is None else named(VERSIONS, chosen.version),
            "suite": None if chosen is None else named(SUITE_NAMES, chosen.suite),
            "resumed": bool(ok and self._tls.session_reused),
            "sni": None if seen.client_hello is None else seen.client_hello.server_name,
            "offered": {} if seen.client_hello is None else seen.client_hello.offered(),
            "chain": [read_der(each) for each in theirs],
            "shown": [read_der(each) for each in seen.certificates.get("write", ())],
            "alert_sent": seen.alerts.get("write"),
            "alert_received": seen.alerts.get("read"),
            "error": error,
            "data": self._received,
            **more,
        }
        self._link.secured(detail, tuple(pem_of(each) for each in theirs))


class _Transport(asyncio.Transport):
    """What a link sees of TLS."""

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self._layer = layer

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What TCP knows of itself; nothing of its socket once an alert is on its way, which a reset would overtake."""
        if name == "socket" and self._layer.over:
            return default
        return self._layer.tcp.get_extra_info(name, default)

    def is_closing(self) -> bool:
        """Whether nothing more can be sent."""
        return self._layer.over or self._layer.tcp.is_closing()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """How much may wait to be sent."""
        self._layer.tcp.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        """How much waits to be sent."""
        return self._layer.tcp.get_write_buffer_size()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send."""
        self._layer.write(bytes(data))

    def can_write_eof(self) -> bool:
        """TLS has no half-open connections."""
        return False

    def close(self) -> None:
        """End the connection."""
        self._layer.close()

    def abort(self) -> None:
        """End the connection at once."""
        self._layer.abort()

    def pause_reading(self) -> None:
        """Take in nothing for now."""
        self._layer.pause()

    def resume_reading(self) -> None:
        """Take in again."""
        self._layer.resume()
