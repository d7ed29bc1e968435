"""TLS between a transport and a protocol, by way of memory: asyncio's own sends no alert when a handshake fails.

    transport ⇄ TlsLayer ⇄ TlsTransport ⇄ the protocol above, which sees the plain text only

The layer takes the protocol's place on a transport that is open already, on either side, as `wrap` does it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any

CHUNK = 65536
PATIENCE = 10.0
FAREWELL = 1.0
"""How long the other end has, in seconds, to read what was said last before the connection is cut."""


class TlsTransport(asyncio.Transport):
    """What the protocol above writes to."""

    def __init__(self, layer: TlsLayer, raw: asyncio.Transport) -> None:
        """Stand for the connection of a layer whose handshake is done."""
        super().__init__()
        self._layer = layer
        self._raw = raw

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return the SSLObject as `ssl_object`, its certificate as `peercert`, else what the transport below knows."""
        if name == "ssl_object":
            return self._layer.ssl_object
        if name == "peercert":
            return self._layer.ssl_object.getpeercert()
        return self._raw.get_extra_info(name, default)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send, encrypted."""
        self._layer.write(bytes(data))

    def can_write_eof(self) -> bool:
        """Tell that TLS closes both ways at once."""
        return False

    def close(self) -> None:
        """Say goodbye (close_notify) and close."""
        self._layer.close()

    def abort(self) -> None:
        """Cut the connection."""
        self._raw.abort()

    def is_closing(self) -> bool:
        """Tell whether nothing can be sent any more."""
        return self._layer.closing or self._raw.is_closing()

    def pause_reading(self) -> None:
        """Let the other end wait."""
        self._raw.pause_reading()

    def resume_reading(self) -> None:
        """Go on reading."""
        if not self.is_closing():
            self._raw.resume_reading()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Say when writing is to pause."""
        self._raw.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        """Return how many bytes wait to be sent, encrypted."""
        return self._raw.get_write_buffer_size()

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return the protocol above."""
        return self._layer.above


class TlsLayer(asyncio.Protocol):
    """One end of one TLS connection.

    When the handshake is done, `above.connection_made` gets a TlsTransport. When it is not done within `patience`
    seconds or fails, the alert that is due goes out, `refused` is told why, and `above` never hears of it.
    """

    def __init__(
        self,
        above: asyncio.Protocol,
        begin: Callable[[ssl.MemoryBIO, ssl.MemoryBIO], ssl.SSLObject],
        *,
        patience: float = PATIENCE,
        refused: Callable[[str], None] = lambda why: None,  # noqa: ARG005
    ) -> None:
        """Be ready for `connection_made`; `begin` says how, `partial(context.wrap_bio, server_side=True)` for one."""
        self.above = above
        self.closing = False
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.ssl_object = begin(self._incoming, self._outgoing)
        self._raw: asyncio.Transport
        self._patience = patience
        self._refused = refused
        self._ready = self._settled = False
        self._timer: asyncio.TimerHandle | None = None

    # -- what comes from below

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake."""
        self._raw = transport  # type: ignore[assignment]
        self._timer = asyncio.get_running_loop().call_later(self._patience, self._too_late)
        self._advance()

    def data_received(self, data: bytes) -> None:
        """Take what came in; after the end nobody wants it."""
        if not self.closing:
            self._incoming.write(data)
            self._advance()

    def eof_received(self) -> bool:
        """Take the end, with or without a goodbye."""
        if self._ready and not self.closing:
            self.above.eof_received()
            self.close()
        self._settle("the other end went away during the handshake")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Be gone."""
        self.closing = True
        self._stop_timer()
        self._settle("the connection was lost during the handshake")
        if self._ready:
            self.above.connection_lost(exc)

    def pause_writing(self) -> None:
        """Have the protocol above wait."""
        if self._ready:
            self.above.pause_writing()

    def resume_writing(self) -> None:
        """Have the protocol above go on."""
        if self._ready:
            self.above.resume_writing()

    # -- what comes from above

    def write(self, data: bytes) -> None:
        """Encrypt and send."""
        if self.closing or not data:
            return
        self.ssl_object.write(data)
        self._flush()

    def close(self) -> None:
        """Send close_notify, and close once the other end has."""
        if self.closing:
            return
        with suppress(ssl.SSLError):
            self.ssl_object.unwrap()
        self._part()

    # -- inside

    def _advance(self) -> None:
        """Go on with the handshake, then read."""
        try:
            if not self._settled:
                self.ssl_object.do_handshake()
                self._establish()
            self._read()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            self._flush()
        except (ssl.SSLError, ssl.CertificateError) as problem:
            self._fail(problem)

    def _establish(self) -> None:
        """Hand the connection to the protocol above."""
        self._stop_timer()
        self._flush()
        self._ready = self._settled = True
        self.above.connection_made(TlsTransport(self, self._raw))

    def _read(self) -> None:
        """Hand everything that can be read to the protocol above."""
        while not self.closing:
            try:
                data = self.ssl_object.read(CHUNK)
            except ssl.SSLZeroReturnError:
                data = b""
            if not data:
                self.above.eof_received()
                self.close()
                return
            self._flush()
            self.above.data_received(data)

    def _fail(self, problem: Exception) -> None:
        """Send the alert that OpenSSL has laid ready, and part."""
        self._settle(reason_of(problem))
        self._part()

    def _settle(self, why: str) -> None:
        """Tell why there was no handshake, unless there was one."""
        if not self._settled:
            self._settled = True
            self._refused(why)

    def _too_late(self) -> None:
        """Wait no longer for a handshake."""
        self._settle("the handshake took too long")
        self._raw.abort()

    def _part(self) -> None:
        """Send what is left and end this direction: to close at once would take the last words from the other end."""
        self._flush()
        self.closing = True
        self._stop_timer()
        if self._raw.is_closing():
            return
        self._timer = asyncio.get_running_loop().call_later(FAREWELL, self._raw.abort)
        self._raw.resume_reading()
        if self._raw.can_write_eof():
            self._raw.write_eof()
        else:
            self._raw.close()

    def _flush(self) -> None:
        """Send what OpenSSL has laid ready."""
        data = self._outgoing.read()
        if data and not self._raw.is_closing():
            self._raw.write(data)

    def _stop_timer(self) -> None:
        """Have the time that runs run out for nobody."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def wrap(transport: asyncio.Transport, layer: TlsLayer) -> None:
    """Put a layer on a transport that is open already, in the place of its protocol."""
    transport.set_protocol(layer)
    layer.connection_made(transport)


def reason_of(problem: Exception) -> str:
    """Return why TLS failed, in OpenSSL's words, for certificates in those of its verification."""
    told = getattr(problem, "verify_message", "") or getattr(problem, "reason", "") or str(problem)
    return str(told).lower().replace("_", " ")
