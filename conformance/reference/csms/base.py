"""What every layer of the CSMS builds on: its records and its clock."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from websockets.asyncio.server import ServerConnection

from conformance.reference.csms.config import CsmsConfig, StationSetup, TokenSetup
from conformance.reference.csms.connection import profile_of
from conformance.reference.csms.records import Command, StationRecord
from conformance.reference.csms.rpc import Answer, Dialect
from conformance.reference.tasks import Tasks


@dataclass(eq=False)
class Link:
    """One WebSocket connection of a station, and the calls on it that wait for an answer."""

    connection: ServerConnection
    station: StationRecord
    dialect: Dialect
    open: dict[str, asyncio.Future[Answer | None]] = field(default_factory=dict)
    gone: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def profile(self) -> int:
        """The security profile in which the station has come."""
        return profile_of(self.connection)


class CsmsBase:
    """The records of a CSMS. Nothing is kept on disk: a new object knows what its config says."""

    def __init__(self, config: CsmsConfig | None = None) -> None:
        """Lay down the stations and tokens of the config."""
        self.config = config or CsmsConfig()
        self.stations: dict[str, StationRecord] = {}
        self.tokens: dict[str, TokenSetup] = {}
        self.commands: dict[int, Command] = {}
        self.links: dict[str, Link] = {}
        self.tasks = Tasks()
        self._command_numbers = count(1)
        self._transaction_ids = count(1)
        for identity, setup in self.config.stations.items():
            self.provision(identity, setup)
        for id_token, token in self.config.tokens.items():
            self.set_token(id_token, token)

    # -- what the operator lays down

    def provision(self, identity: str, setup: StationSetup | None = None) -> StationRecord:
        """Make a station known, or change what is laid down for a known one; what it reported is kept."""
        setup = setup or StationSetup()
        record = self.stations.setdefault(identity, StationRecord(identity, setup))
        record.set_up(setup)
        return record

    def set_token(self, id_token: str, token: TokenSetup | None = None) -> None:
        """Make a token known or change it. Tokens are compared without regard to case."""
        self.tokens[id_token.casefold()] = token or TokenSetup()

    def remove_token(self, id_token: str) -> bool:
        """Forget a token; tell whether it was known."""
        return self.tokens.pop(id_token.casefold(), None) is not None

    # -- the clock

    def now(self) -> datetime:
        """Return the present."""
        return datetime.now(UTC)

    def stamp(self) -> str:
        """Return the present as RFC 3339, in UTC and without fractions of seconds."""
        return self.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    # -- identifiers

    def new_transaction_id(self) -> int:
        """Return a transaction id (1.6) that no other transaction has, of any station."""
        return next(self._transaction_ids)
