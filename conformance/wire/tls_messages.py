"""The messages of a TLS handshake that can be read by whoever looks on: hello of both ends, and certificates (pure).

Each is read from the handshake message with its header of four bytes, as RFC 5246 and RFC 8446 lay it out. What is cut
short or makes no sense is read as far as it goes: nothing here raises for what the other end sends.
"""

from dataclasses import dataclass
from typing import Any

from conformance.wire.tls_names import GROUPS, SIGNATURES, SUITE_NAMES, VERSIONS, named

_SERVER_NAME, _GROUPS, _SIGNATURES, _VERSIONS = 0, 10, 13, 43
_RENEGOTIATION, _SIGNAL = 0xFF01, 0x00FF
_COMPRESSIONS = {0: "null", 1: "DEFLATE", 64: "LZS"}


class _Reader:
    """Bytes read one part after the other; beyond their end there is nothing."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, size: int) -> bytes:
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def part(self, size: int) -> "_Reader":
        """A part that is preceded by its length in so many bytes."""
        return _Reader(self.take(self.number(size)))

    def numbers(self, size: int) -> tuple[int, ...]:
        """What is left, as numbers of so many bytes each."""
        found = []
        while len(self.data) >= size:
            found.append(self.number(size))
        return tuple(found)

    def extensions(self) -> "dict[int, _Reader]":
        """The extensions by their numbers."""
        found = {}
        rest = self.part(2)
        while rest.data:
            number = rest.number(2)
            found[number] = rest.part(2)
        return found


@dataclass(frozen=True, slots=True)
class ClientHello:
    """What a client offers, in numbers; `server_name` is the SNI, None without one."""

    versions: tuple[int, ...]
    suites: tuple[int, ...]
    compressions: tuple[int, ...]
    groups: tuple[int, ...] = ()
    signatures: tuple[int, ...] = ()
    server_name: str | None = None
    extensions: tuple[int, ...] = ()

    @property
    def renegotiates_safely(self) -> bool:
        """Whether it wants to be told that renegotiation is safe (RFC 5746)."""
        return _RENEGOTIATION in self.extensions or _SIGNAL in self.suites

    def offered(self) -> dict[str, Any]:
        """The same by name, as the transcript has it; in the client's order of preference."""
        return {
            "versions": [named(VERSIONS, each) for each in self.versions],
            "suites": [named(SUITE_NAMES, each) for each in self.suites],
            "compression": [_COMPRESSIONS.get(each, f"0x{each:02x}") for each in self.compressions],
            "groups": [named(GROUPS, each) for each in self.groups],
            "signature_algorithms": [named(SIGNATURES, each) for each in self.signatures],
        }


@dataclass(frozen=True, slots=True)
class ServerHello:
    """What a server chose, in numbers."""

    version: int
    suite: int
    compression: int


def read_client_hello(message: bytes) -> ClientHello:
    """Read a ClientHello. Without the extension for it, every version up to the one that it names is offered."""
    rest = _Reader(message[4:])
    newest = rest.number(2)
    rest.take(32)
    rest.part(1)
    suites, compressions = rest.part(2).numbers(2), rest.part(1).numbers(1)
    extensions = rest.extensions()
    versions = extensions[_VERSIONS].part(1).numbers(2) if _VERSIONS in extensions else (newest,)
    groups = extensions[_GROUPS].part(2).numbers(2) if _GROUPS in extensions else ()
    signatures = extensions[_SIGNATURES].part(2).numbers(2) if _SIGNATURES in extensions else ()
    name = _server_name(extensions.get(_SERVER_NAME))
    return ClientHello(versions, suites, compressions, groups, signatures, name, tuple(extensions))


def _server_name(extension: _Reader | None) -> str | None:
    if extension is None:
        return None
    names = extension.part(2)
    names.number(1)
    return names.part(2).data.decode("ascii", "backslashreplace")


def read_server_hello(message: bytes) -> ServerHello:
    """Read a ServerHello."""
    rest = _Reader(message[4:])
    version = rest.number(2)
    rest.take(32)
    rest.part(1)
    suite, compression = rest.number(2), rest.number(1)
    chosen = rest.extensions().get(_VERSIONS)
    return ServerHello(version if chosen is None else chosen.number(2), suite, compression)


def read_certificates(message: bytes, *, newest: bool) -> tuple[bytes, ...]:
    """The certificates of a Certificate message in DER, the leaf first; `newest`: in the layout of TLS 1.3."""
    rest = _Reader(message[4:])
    if newest:
        rest.part(1)
    listed = rest.part(3)
    found = []
    while listed.data:
        found.append(listed.part(3).data)
        if newest:
            listed.part(2)
    return tuple(each for each in found if each)
