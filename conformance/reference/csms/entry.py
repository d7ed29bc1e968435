"""The door: who may connect, in which version, and who has to leave for it (Part 4, chapter 3)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import unquote

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from conformance.reference.csms.base import Link
from conformance.reference.csms.connection import CERTIFICATES, chain_of, profile_of
from conformance.reference.csms.messaging import Messaging
from conformance.reference.csms.records import StationRecord
from conformance.reference.csms.rpc import DIALECTS

logger = logging.getLogger(__name__)

ENDPOINT = "/ocpp/"
REPLACED, NO_COMMON_VERSION, REMOVED = 1008, 1002, 1008


class Entry(Messaging):
    """Lets stations in and serves their connections."""

    # -- the opening handshake

    def on_handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer the request for an upgrade, or let it pass with None."""
        record = self.admit_identity(self.identity_in(request.path))
        if record is None:
            return connection.respond(HTTPStatus.NOT_FOUND, "unknown charging station\n")
        profile = profile_of(connection)
        if not self.profile_allowed(record, profile):
            return connection.respond(HTTPStatus.FORBIDDEN, "this security profile is not for this station\n")
        if profile == CERTIFICATES and (fault := self.fault_of_chain(record, chain_of(connection))):
            self.log_security("InvalidChargingStationCertificate", fault, record.identity)
            return connection.respond(HTTPStatus.FORBIDDEN, f"{fault}\n")
        if self.password_needed(profile) and not self.credentials_match(record, self.credentials_in(request)):
            response = connection.respond(HTTPStatus.UNAUTHORIZED, "wrong or missing credentials\n")
            response.headers["WWW-Authenticate"] = 'Basic realm="OCPP", charset="UTF-8"'
            return response
        return None

    def identity_in(self, path: str) -> str | None:
        """Return the last element of a path, percent-decoded; None when the path is not of this endpoint.

        What stands between endpoint and identity, such as a version, decides nothing (Part 4, 3.1.1).
        """
        path = path.partition("?")[0]
        last = path.rpartition("/")[2]
        return unquote(last) if path.startswith(ENDPOINT) and last else None

    def admit_identity(self, identity: str | None) -> StationRecord | None:
        """Return the record of the station that wants in, None to turn it away with 404."""
        return self.stations.get(identity) if identity is not None else None

    def choose_subprotocol(self, offered: Sequence[str]) -> str | None:
        """Return the first version offered that is spoken here, None for none: the station says what it prefers."""
        return next((name for name in offered if name in self.config.subprotocols and name in DIALECTS), None)

    def select_subprotocol(self, _connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        """Tell `websockets` which version it shall agree to."""
        chosen = self.choose_subprotocol(offered)
        return None if chosen is None else Subprotocol(chosen)

    # -- a connection's life

    async def serve_connection(self, connection: ServerConnection) -> None:
        """Serve one connection from its first to its last frame."""
        identity = self.identity_in(connection.request.path) if connection.request is not None else None
        record = self.stations.get(identity) if identity is not None else None
        dialect = DIALECTS.get(connection.subprotocol or "")
        if record is None or dialect is None:
            await connection.close(NO_COMMON_VERSION, "no common version of OCPP")
            return
        link = Link(connection, record, dialect)
        self.replace_link(link)
        sender = self.tasks.start(self.deliver_commands(link))
        try:
            async for raw in connection:
                await self.receive(link, raw)
        except ConnectionClosed:
            pass
        finally:
            self.drop_link(link)
            await sender

    def replace_link(self, link: Link) -> None:
        """Make a connection the one of its station; an older one is closed, whatever state it is in."""
        station = link.station
        older = self.links.get(station.identity)
        self.links[station.identity] = link
        station.connected = True
        station.must_renew = self.has_expired_certificate(link.connection)
        self.note_version(station, link.dialect.version)
        if older is not None:
            self.drop_link(older)
            self.tasks.start(older.connection.close(REPLACED, "the station has connected anew"))

    def note_version(self, station: StationRecord, version: str) -> None:
        """Take note of the version a station speaks now; what it said of itself in another one is void."""
        if station.version not in (None, version):
            station.variables.clear()
            station.configuration.clear()
            station.connectors.clear()
        station.version = version

    def drop_link(self, link: Link) -> None:
        """Stop using a connection; whoever waits for an answer on it is told."""
        link.gone = True
        link.wake.set()
        self.fail_open_calls(link)
        if self.links.get(link.station.identity) is link:
            del self.links[link.station.identity]
            link.station.connected = False

    def remove(self, identity: str) -> bool:
        """Forget a station, its commands and its connection; tell whether it was known."""
        record = self.stations.pop(identity, None)
        if record is None:
            return False
        for command in record.queue:
            command.finish("removed")
        record.queue.clear()
        link = self.links.get(identity)
        if link is not None:
            self.drop_link(link)
            self.tasks.start(link.connection.close(REMOVED, "the station is no longer known"))
        return True
