"""Mutants of the door: which version is spoken, who gets in, and what becomes of connections."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from conformance.reference.csms import ReferenceCsms
from conformance.reference.csms.base import Link
from conformance.reference.csms.config import CsmsConfig
from conformance.reference.csms.records import Command, StationRecord

# -- versions


class NamesItsFavouriteVersion(ReferenceCsms):
    """Agrees to 2.0.1 where nothing is offered that it speaks."""

    breaks = "J.HANDSHAKE.08"
    also = ("J.HANDSHAKE.09",)

    def choose_subprotocol(self, offered: Sequence[str]) -> str | None:
        """Be sure that it will do."""
        return super().choose_subprotocol(offered) or "ocpp2.0.1"


class StaysWithoutAVersion(ReferenceCsms):
    """Keeps a connection open on which no version was agreed."""

    breaks = "J.HANDSHAKE.08"

    async def serve_connection(self, connection: ServerConnection) -> None:
        """Wait for better times."""
        if connection.subprotocol is None:
            await connection.wait_closed()
        await super().serve_connection(connection)


class CaresForNoCase(ReferenceCsms):
    """Takes a version whose name is written in any case."""

    breaks = "J.HANDSHAKE.08"

    def choose_subprotocol(self, offered: Sequence[str]) -> str | None:
        """Fold it."""
        return super().choose_subprotocol([each.casefold() for each in offered])


class LooksAtTheFirstOffer(ReferenceCsms):
    """Looks at the first of the versions offered only."""

    breaks = "J.HANDSHAKE.09"

    def choose_subprotocol(self, offered: Sequence[str]) -> str | None:
        """Take it or leave it."""
        return super().choose_subprotocol(offered[:1])


class RepeatsTheOffer(ReferenceCsms):
    """Names every version that was offered."""

    breaks = "J.HANDSHAKE.09"

    def choose_subprotocol(self, offered: Sequence[str]) -> str | None:
        """Agree to all."""
        return super().choose_subprotocol(offered) and ", ".join(offered)


class ReadsOneHeaderLine(ReferenceCsms):
    """Reads the first header line of versions only."""

    breaks = "J.HANDSHAKE.09"

    def select_subprotocol(self, connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        """Stop there."""
        lines = connection.request.headers.get_all("Sec-WebSocket-Protocol") if connection.request else []
        first = [each.strip() for each in lines[0].split(",")] if lines else []
        return super().select_subprotocol(connection, [each for each in offered if each in first])


class VersionOfTheUrl(ReferenceCsms):
    """Speaks the version that stands in the path, whatever was offered."""

    breaks = "J.HANDSHAKE.10"

    def select_subprotocol(self, connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        """Look at the path."""
        path = connection.request.path if connection.request is not None else ""
        named = next((each for each in self.config.subprotocols if each.removeprefix("ocpp") in path), None)
        return super().select_subprotocol(connection, offered) if named is None else Subprotocol(named)


# -- who gets in


class AcceptsUnknownIdentity(ReferenceCsms):
    """Lets in stations that nobody has provisioned."""

    breaks = "J.HANDSHAKE.07"

    def admit_identity(self, identity: str | None) -> StationRecord | None:
        """Provision whoever comes."""
        if identity is not None and identity not in self.stations:
            self.provision(identity)
        return super().admit_identity(identity)


class ForbidsUnknownIdentity(ReferenceCsms):
    """Turns a station away that it does not know, but as one without a right to come."""

    breaks = "J.HANDSHAKE.07"

    def on_handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        """Choose another status."""
        response = super().on_handshake(connection, request)
        if response is not None and response.status_code == HTTPStatus.NOT_FOUND:
            return connection.respond(HTTPStatus.FORBIDDEN, "who are you\n")
        return response


class PanicsOverStrangers(ReferenceCsms):
    """Closes every connection when a station wants in that it does not know."""

    breaks = "CSMS.CONN.04"

    def admit_identity(self, identity: str | None) -> StationRecord | None:
        """Trust nobody any more."""
        record = super().admit_identity(identity)
        if record is None:
            for link in tuple(self.links.values()):
                self.tasks.start(link.connection.close(1011, "intruder"))
        return record


class AnyPathWillDo(ReferenceCsms):
    """Takes the end of any path for an identity."""

    breaks = "CSMS.CONN.03"

    def identity_in(self, path: str) -> str | None:
        """Not look at the rest."""
        return super().identity_in("/ocpp/" + path.rpartition("/")[2])


class DecodesNoPath(ReferenceCsms):
    """Takes an identity as it stands in the path, percent signs included."""

    breaks = "J.HANDSHAKE.12"

    def identity_in(self, path: str) -> str | None:
        """Leave it so."""
        return None if super().identity_in(path) is None else path.rpartition("/")[2]


class LikesShortIdentities(ReferenceCsms):
    """Has room for an identity of 20 characters only."""

    breaks = "CSMS.BOOT.01"
    also = ("J.HANDSHAKE.12",)
    versions = ("2.0.1",)

    def admit_identity(self, identity: str | None) -> StationRecord | None:
        """Measure it."""
        return super().admit_identity(identity if identity is None else identity[:20])


# -- connections


class BootOnEveryConnection(ReferenceCsms):
    """Wants a boot on every connection before anything else."""

    breaks = "J.RECONNECT.08"
    also = ("CSMS.CONN.02", "CSMS.CONN.04")

    def replace_link(self, link: Link) -> None:
        """Forget what was."""
        link.station.registration = None
        super().replace_link(link)


class RefusesASecondConnection(ReferenceCsms):
    """Turns a station away that it believes to be connected."""

    breaks = "CSMS.CONN.02"

    def on_handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        """Look whether it is there already."""
        if self.identity_in(request.path) in self.links:
            return connection.respond(HTTPStatus.CONFLICT, "you are here already\n")
        return super().on_handshake(connection, request)


class CommandsGoToTheOlder(ReferenceCsms):
    """Answers on a second connection, but sends commands on the first."""

    breaks = "CSMS.CONN.02"

    def replace_link(self, link: Link) -> None:
        """Keep the first."""
        older = self.links.get(link.station.identity)
        if older is None:
            super().replace_link(link)


class OfflineWhenTheOlderEnds(ReferenceCsms):
    """Believes a station gone when the older of its connections ends."""

    breaks = "CSMS.CONN.02"

    def drop_link(self, link: Link) -> None:
        """Mix them up."""
        super().drop_link(link)
        self.links.pop(link.station.identity, None)


class OneQueueForAll(ReferenceCsms):
    """Sends the next command, to whichever station, when the last was answered."""

    breaks = "CSMS.CONN.04"

    def __init__(self, config: CsmsConfig | None = None) -> None:
        """Be very patient."""
        super().__init__(replace(config or CsmsConfig(), call_timeout=600.0))
        self._turn = asyncio.Lock()

    async def carry_out(self, link: Link, command: Command) -> None:
        """Wait for one's turn."""
        async with self._turn:
            await super().carry_out(link, command)


class AnswersNoPings(ReferenceCsms):
    """Leaves pings unanswered."""

    breaks = "J.PING.04"

    async def serve_connection(self, connection: ServerConnection) -> None:
        """Swallow the pongs."""
        protocol, send = connection.protocol, connection.protocol.send_frame

        def send_frame(frame: Frame) -> None:
            if frame.opcode is not Opcode.PONG:
                send(frame)

        setattr(protocol, "send_frame", send_frame)  # noqa: B010 -- a method, which may not be assigned to
        await super().serve_connection(connection)
