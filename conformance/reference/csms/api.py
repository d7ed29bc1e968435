"""The HTTP API by which an operator works the CSMS.

    GET, POST, DELETE /api/stations/{identity}    what is believed of a station, provision or change it, forget it
    GET  /api/stations                            the identities known
    POST /api/stations/{identity}/commands        {"action", "payload"} → 202 {"command": n}, at once
    GET  /api/commands/{n}[?wait=seconds]         how a command goes, its answer; `wait` for it to be settled
    GET, POST, DELETE /api/tokens/{idToken}       {"status", "type", "group", "single"}

The body that provisions a station may hold "policy" (a word of "accept", "pending", "reject", or a list of them: one
for each BootNotification, the last one stays), "interval", "password" (text) or "passwordHex", null for none, and
"serial", "renewsExpired" and "securityProfile", which are those of StationSetup. What it leaves out stays as it is.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from dataclasses import asdict, fields, replace
from http import HTTPStatus
from typing import Any, Protocol

from ocpp.v201.enums import AuthorizationStatusEnumType

from conformance.reference.csms.config import StationSetup, TokenSetup
from conformance.reference.csms.http import Answer, HttpError, HttpRequest, HttpServer
from conformance.reference.csms.records import Command, StationRecord
from conformance.reference.csms.rpc import Payload

LONGEST_WAIT = 120.0
TOKEN_STATUSES = tuple(member.value for member in AuthorizationStatusEnumType)
_SECURITY = {"serial": "serial", "renewsExpired": "renews_expired", "securityProfile": "security_profile"}
_STATION_KEYS = {"policy", "interval", "password", "passwordHex", *_SECURITY}


class Operated(Protocol):
    """What the API needs of a CSMS."""

    stations: dict[str, StationRecord]
    tokens: dict[str, TokenSetup]
    commands: dict[int, Command]

    def provision(self, identity: str, setup: StationSetup | None = None) -> StationRecord:
        """Make a station known or change it."""

    def remove(self, identity: str) -> bool:
        """Forget a station."""

    def set_token(self, id_token: str, token: TokenSetup | None = None) -> None:
        """Make a token known or change it."""

    def remove_token(self, id_token: str) -> bool:
        """Forget a token."""

    def command(self, identity: str, action: str, payload: Payload | None = None) -> Command:
        """Queue a command."""


class Api:
    """The API of one CSMS."""

    def __init__(self, csms: Operated) -> None:
        """Listen to nobody yet."""
        self._csms = csms
        self._http = HttpServer(self.answer)

    async def start(self, host: str, port: int) -> None:
        """Listen."""
        await self._http.start(host, port)

    async def stop(self) -> None:
        """Stop listening."""
        await self._http.stop()

    @property
    def port(self) -> int:
        """The port in use."""
        return self._http.port

    async def answer(self, request: HttpRequest) -> Answer:
        """Find who answers a request, by its method and path."""
        match request.method, *request.segments:
            case ["GET", "api", "stations"]:
                return HTTPStatus.OK, sorted(self._csms.stations)
            case [_, "api", "stations", identity]:
                return self._on_station(request, identity)
            case ["POST", "api", "stations", identity, "commands"]:
                return self._command(request, identity)
            case ["GET", "api", "commands", number]:
                return await self._command_state(request, number)
            case [_, "api", "tokens", id_token]:
                return self._on_token(request, id_token)
        raise HttpError(HTTPStatus.NOT_FOUND, f"there is no {request.method} /{'/'.join(request.segments)}")

    def _on_station(self, request: HttpRequest, identity: str) -> Answer:
        """Show, provision or forget a station."""
        known = self._csms.stations.get(identity)
        if request.method == "POST":
            setup = station_setup(request.body, known)
            return HTTPStatus.OK if known else HTTPStatus.CREATED, self._csms.provision(identity, setup).view()
        if known is None:
            raise HttpError(HTTPStatus.NOT_FOUND, f"unknown station {identity}")
        if request.method == "GET":
            return HTTPStatus.OK, known.view()
        if request.method == "DELETE":
            self._csms.remove(identity)
            return HTTPStatus.NO_CONTENT, None
        raise HttpError(HTTPStatus.METHOD_NOT_ALLOWED, "expected GET, POST or DELETE")

    def _command(self, request: HttpRequest, identity: str) -> Answer:
        """Queue a command."""
        if identity not in self._csms.stations:
            raise HttpError(HTTPStatus.NOT_FOUND, f"unknown station {identity}")
        action, payload = request.body.get("action"), request.body.get("payload", {})
        if not isinstance(action, str) or not isinstance(payload, dict):
            raise HttpError(HTTPStatus.BAD_REQUEST, 'expected {"action": "…", "payload": {…}}')
        return HTTPStatus.ACCEPTED, {"command": self._csms.command(identity, action, payload).number}

    async def _command_state(self, request: HttpRequest, number: str) -> Answer:
        """Tell how a command goes."""
        command = self._csms.commands.get(int(number)) if number.isdecimal() else None
        if command is None:
            raise HttpError(HTTPStatus.NOT_FOUND, f"unknown command {number}")
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds(request.query.get("wait", "0"))):
                await command.done.wait()
        return HTTPStatus.OK, command.view()

    def _on_token(self, request: HttpRequest, id_token: str) -> Answer:
        """Show, lay down or forget a token."""
        known = self._csms.tokens.get(id_token.casefold())
        if request.method == "POST":
            token = token_setup(request.body, known)
            self._csms.set_token(id_token, token)
            return HTTPStatus.OK if known else HTTPStatus.CREATED, asdict(token)
        if known is None:
            raise HttpError(HTTPStatus.NOT_FOUND, f"unknown token {id_token}")
        if request.method == "GET":
            return HTTPStatus.OK, asdict(known)
        if request.method == "DELETE":
            self._csms.remove_token(id_token)
            return HTTPStatus.NO_CONTENT, None
        raise HttpError(HTTPStatus.METHOD_NOT_ALLOWED, "expected GET, POST or DELETE")


def seconds(text: str) -> float:
    """Read how long to wait."""
    with suppress(ValueError):
        wait = float(text)
        if math.isfinite(wait) and wait >= 0:
            return min(wait, LONGEST_WAIT)
    raise HttpError(HTTPStatus.BAD_REQUEST, f"wait: expected seconds ≥ 0; got {text}")


def station_setup(body: Payload, known: StationRecord | None) -> StationSetup:
    """Read how a station is to be set up, starting from how it is."""
    refuse_unknown_keys(body, _STATION_KEYS)
    setup = StationSetup()
    if known is not None:
        setup = known.as_set_up()
    changes: dict[str, Any] = {}
    if "policy" in body:
        words = [body["policy"]] if isinstance(body["policy"], str) else body["policy"]
        changes["policy"] = tuple(words) if isinstance(words, list) and all(isinstance(w, str) for w in words) else ()
    if "interval" in body:
        changes["interval"] = body["interval"]
    if "password" in body or "passwordHex" in body:
        changes["password"] = password_in(body)
    changes |= {field: body[name] for name, field in _SECURITY.items() if name in body}
    try:
        return replace(setup, **changes)
    except ValueError as problem:
        raise HttpError(HTTPStatus.BAD_REQUEST, str(problem)) from problem


def password_in(body: Payload) -> bytes | None:
    """Read a password, as text or in hex digits."""
    name = "password" if "password" in body else "passwordHex"
    value = body[name]
    if value is None:
        return None
    try:
        return bytes.fromhex(value) if name == "passwordHex" else value.encode()
    except (AttributeError, TypeError, ValueError) as problem:
        raise HttpError(
            HTTPStatus.BAD_REQUEST, f"{name}: expected a string, of hex digits for passwordHex"
        ) from problem


def token_setup(body: Payload, known: TokenSetup | None) -> TokenSetup:
    """Read what is to be known of a token, starting from what is."""
    names = {field.name for field in fields(TokenSetup)}
    refuse_unknown_keys(body, names)
    token = replace(known or TokenSetup(), **body)
    texts = [value for value in (token.type, token.group) if value is not None]
    if not all(isinstance(value, str) for value in [token.status, *texts]) or not isinstance(token.single, bool):
        raise HttpError(HTTPStatus.BAD_REQUEST, "expected texts as status, type and group, true or false as single")
    if token.status not in TOKEN_STATUSES:
        raise HttpError(HTTPStatus.BAD_REQUEST, f"status: expected one of {', '.join(TOKEN_STATUSES)}")
    return token


def refuse_unknown_keys(body: Payload, known: set[str]) -> None:
    """Raise HttpError for keys that mean nothing."""
    if unknown := sorted(set(body) - known):
        raise HttpError(
            HTTPStatus.BAD_REQUEST, f"unknown keys {', '.join(unknown)}; known are {', '.join(sorted(known))}"
        )
