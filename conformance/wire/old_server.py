"""A server that goes on in an old TLS whatever it is offered, made by hand: OpenSSL would refuse by itself."""

import asyncio
import os
import ssl
from typing import Any, cast

from conformance.wire.certificates import read_der
from conformance.wire.tls import SecuredLink, ServerTls
from conformance.wire.tls_messages import ClientHello, read_client_hello
from conformance.wire.tls_names import ALERTS, SUITE_NAMES, VERSIONS, named

_NUMBERS = {"1.0": 0x0301, "1.1": 0x0302, "1.2": 0x0303}
_ALERT, _HANDSHAKE, _HEADER = 21, 22, 5
_CLIENT_HELLO, _SERVER_HELLO, _CERTIFICATE, _DONE, _KEY_EXCHANGE = 1, 2, 11, 14, 16
_SUITE = 0x002F
"""TLS_RSA_WITH_AES_128_CBC_SHA, which every version up to 1.2 has to have."""


class OldServer(asyncio.Protocol):
    """One connection: a hello is answered as far as ServerHelloDone, and what comes then is noted."""

    def __init__(self, link: SecuredLink, tls: ServerTls) -> None:
        """`tls.by_hand` is the version."""
        assert tls.by_hand is not None
        self._link = link
        self._version = _NUMBERS[tls.by_hand]
        pem = tls.chains[0].certificates
        blocks = [each + ssl.PEM_FOOTER for each in pem.split(ssl.PEM_FOOTER) if ssl.PEM_HEADER in each]
        self._chain = [ssl.PEM_cert_to_DER_cert(each.strip()) for each in blocks]
        self._tcp: asyncio.Transport | None = None
        self._data = b""
        self._hello: ClientHello | None = None
        self._told = False
        link.given_up = self._ended

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TCP is there."""
        self._tcp = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self._link.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Take in records."""
        self._data += data
        while len(self._data) >= _HEADER:
            size = _HEADER + int.from_bytes(self._data[3:_HEADER], "big")
            if len(self._data) < size:
                return
            kind, record, self._data = self._data[0], self._data[_HEADER:size], self._data[size:]
            self._take(kind, record)

    def eof_received(self) -> bool | None:
        """The other end will send no more."""
        self._ended("the connection ended before TLS was agreed")
        return self._link.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """TCP is gone."""
        self._ended("the connection was lost before TLS was agreed")
        self._link.connection_lost(exc)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _take(self, kind: int, record: bytes) -> None:
        if kind == _ALERT:
            name = named(ALERTS, record[-1])
            self._tell(f"the other end refused: {name}", alert_received=name)
        elif kind != _HANDSHAKE:
            self._tell("no TLS came")
        elif record[:1] == bytes((_CLIENT_HELLO,)) and self._hello is None:
            self._hello = read_client_hello(record)
            self._answer(self._hello)
        elif record[:1] == bytes((_KEY_EXCHANGE,)):
            self._tell(f"the other end went along with {VERSIONS[self._version]}", went_along=True)

    def _answer(self, hello: ClientHello) -> None:
        chosen = self._version.to_bytes(2, "big") + os.urandom(32) + b"\0" + _SUITE.to_bytes(2, "big") + b"\0"
        if hello.renegotiates_safely:
            chosen += bytes.fromhex("0005ff01000100")
        chain = b"".join(_sized(each) for each in self._chain)
        for kind, body in ((_SERVER_HELLO, chosen), (_CERTIFICATE, _sized(chain)), (_DONE, b"")):
            message = bytes((kind,)) + _sized(body)
            record = bytes((_HANDSHAKE,)) + self._version.to_bytes(2, "big") + len(message).to_bytes(2, "big") + message
            assert self._tcp is not None
            self._tcp.write(record)

    def _ended(self, error: str) -> None:
        if not self._told:
            self._tell(error)

    def _tell(self, error: str, **more: Any) -> None:
        if self._told:
            return
        self._told = True
        hello = self._hello
        detail = {
            "ok": False,
            "version": None if hello is None else VERSIONS[self._version],
            "suite": None if hello is None else named(SUITE_NAMES, _SUITE),
            "resumed": False,
            "sni": None if hello is None else hello.server_name,
            "offered": {} if hello is None else hello.offered(),
            "chain": [],
            "shown": [] if hello is None else [read_der(each) for each in self._chain],
            "alert_sent": None,
            "alert_received": None,
            "error": error,
            "data": 0,
            **more,
        }
        self._link.secured(detail, ())
        if self._tcp is not None:
            self._tcp.close()


def _sized(data: bytes) -> bytes:
    return len(data).to_bytes(3, "big") + data
