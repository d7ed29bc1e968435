"""Mutants that bear too little: of handshakes that fail or never end, of absurd sizes, and of floods."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from conformance.reference.csms import ReferenceCsms
from conformance.reference.csms.base import Link
from conformance.reference.csms.config import CsmsConfig
from conformance.reference.csms.connection import BASIC, DoorConnection

END_OF_REQUEST = b"\r\n\r\n"
TOO_BIG = 1009


# -- handshakes


class SeatedConnection(DoorConnection):
    """Takes a seat when somebody comes, and turns everybody away when none is left."""

    csms: CsmsWithSeats

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Look for a seat, once."""
        if transport.get_extra_info("ssl_object") is None:
            if len(self.csms.taken) >= self.csms.seats:
                transport.set_protocol(asyncio.Protocol())
                transport.close()
                return
            self.csms.taken.add(self)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stand up again."""
        if self.csms.gives_back:
            self.csms.taken.discard(self)
        super().connection_lost(exc)


class CsmsWithSeats(ReferenceCsms):
    """Has so many seats for those who have yet to be let in."""

    seats = 0
    gives_back = True

    def __init__(self, config: CsmsConfig | None = None) -> None:
        """Be patient with everybody."""
        super().__init__(replace(config or CsmsConfig(), open_timeout=3600.0))
        self.taken: set[DoorConnection] = set()

    def new_connection(self, profile: int, *args: Any, **options: Any) -> DoorConnection:
        """Show the way to the seats."""
        made = SeatedConnection(profile, None if profile == BASIC else self.tls_layer, *args, **options)
        made.csms = self
        return made

    def handshake_failed(self, connection: DoorConnection, why: str) -> None:
        """Have a seat back."""
        super().handshake_failed(connection, why)
        if self.gives_back:
            self.taken.discard(connection)

    def on_handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        """Have a seat back from whoever goes in."""
        response = super().on_handshake(connection, request)
        if response is None and isinstance(connection, DoorConnection):
            self.taken.discard(connection)
        return response


class ForgetsWhoHasLeft(CsmsWithSeats):
    """Keeps something for good of each handshake that failed, until there is no more room."""

    breaks = "CSMS.HARD.01"
    seats = 400
    gives_back = False


class WaitsForEverybody(CsmsWithSeats):
    """Has room for 50 who have not finished their handshakes, and no limit to how long that may take."""

    breaks = "CSMS.HARD.02"
    seats = 50


class OneHandshakeAtATime(CsmsWithSeats):
    """Begins no handshake while another is not finished."""

    breaks = "CSMS.HARD.02"
    seats = 1


# -- sizes


class PatientConnection(DoorConnection):
    """Takes requests of any size, by cutting off what the server below would not take."""

    _request = b""
    _whole = False

    def data_received(self, data: bytes) -> None:
        """Wait for the end of the request."""
        if self._whole:
            super().data_received(data)
            return
        self._request += data
        head, end, rest = self._request.partition(END_OF_REQUEST)
        if end:
            self._whole = True
            super().data_received(b"\r\n".join(self._short(head.split(b"\r\n"))) + end + rest)

    def _short(self, lines: list[bytes]) -> list[bytes]:
        """Return the lines that matter."""
        method, target, version = lines[0].split(b" ")
        first = b" ".join((method, target.partition(b"?")[0], version))
        return [first, *(line for line in lines[1:] if not line.startswith(b"X-Padding"))]


class ReadsAnyRequest(ReferenceCsms):
    """Reads requests of any size."""

    breaks = "CSMS.HARD.03"

    def new_connection(self, profile: int, *args: Any, **options: Any) -> DoorConnection:
        """Read patiently."""
        return PatientConnection(profile, None if profile == BASIC else self.tls_layer, *args, **options)


class ReadsAnyFrame(ReferenceCsms):
    """Reads frames of any size."""

    breaks = "CSMS.HARD.03"

    def serve_options(self) -> dict[str, Any]:
        """Set no limit."""
        return super().serve_options() | {"max_size": None}


class ChokingConnection(DoorConnection):
    """Takes the CSMS with it when a frame is too long."""

    csms: ChokesOnLongFrames

    def data_received(self, data: bytes) -> None:
        """Look what the server below has made of it."""
        super().data_received(data)
        sent = self.protocol.close_sent
        self.csms.choked = self.csms.choked or (sent is not None and sent.code == TOO_BIG)


class ChokesOnLongFrames(ReferenceCsms):
    """Lets nobody in any more after a frame that was too long."""

    breaks = "CSMS.HARD.03"
    choked = False

    def new_connection(self, profile: int, *args: Any, **options: Any) -> DoorConnection:
        """Watch it."""
        made = ChokingConnection(profile, None if profile == BASIC else self.tls_layer, *args, **options)
        made.csms = self
        return made

    def on_handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        """Be out of order."""
        if self.choked:
            return connection.respond(HTTPStatus.INTERNAL_SERVER_ERROR, "out of memory\n")
        return super().on_handshake(connection, request)


# -- floods


class OneMessageAfterTheOther(ReferenceCsms):
    """Takes its time over each message, in the order in which they came from all stations."""

    breaks = "CSMS.HARD.04"

    def __init__(self, config: CsmsConfig | None = None) -> None:
        """Have one pair of hands."""
        super().__init__(config)
        self._waiting: asyncio.Queue[tuple[Link, str | bytes]] = asyncio.Queue()

    async def start(self) -> None:
        """Begin to work."""
        await super().start()
        self.tasks.start(self._work())

    async def receive(self, link: Link, raw: str | bytes) -> None:
        """Put it on the pile."""
        self._waiting.put_nowait((link, raw))

    async def _work(self) -> None:
        """Take what lies longest."""
        while True:
            link, raw = await self._waiting.get()
            await asyncio.sleep(0.01)
            await super().receive(link, raw)
