"""A throwaway CSMS for the tests of the reference station: answers politely, remembers all, checks every schema."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest_asyncio
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from conformance.reference.station import ReferenceStation, StationConfig

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

    from websockets.http11 import Request, Response

Payload = dict[str, Any]
NOW = "2030-01-02T03:04:05.678Z"
DEFAULTS: dict[str, Payload] = {
    "BootNotification": {"currentTime": NOW, "interval": 300, "status": "Accepted"},
    "Heartbeat": {"currentTime": NOW},
    "Authorize": {"idTokenInfo": {"status": "Accepted"}},
}


@cache
def validator(message: str) -> jsonschema_rs.Draft6Validator:
    path = files("ocpp") / "v201" / "schemas" / f"{message}.json"
    return jsonschema_rs.Draft6Validator(json.loads(path.read_text(encoding="utf-8-sig")), validate_formats=True)


@dataclass
class Message:
    action: str
    payload: Payload
    at: float


@dataclass
class Csms:
    """What came in, and what to answer: `script[action]` is used up first, a callable is called with the payload."""

    now: str = NOW
    port: int = 0
    messages: list[Message] = field(default_factory=list)
    script: defaultdict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    silent: set[str] = field(default_factory=set)
    connection: ServerConnection | None = None
    connections: list[float] = field(default_factory=list)
    attempts: list[tuple[float, Request]] = field(default_factory=list)
    refuse: Callable[[ServerConnection], Response | None] | None = None
    raw: asyncio.Queue[list[Any]] = field(default_factory=asyncio.Queue)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _results: dict[str, asyncio.Future[list[Any]]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ocpp"

    def on_request(self, connection: ServerConnection, request: Request) -> Response | None:
        self.attempts.append((asyncio.get_running_loop().time(), request))
        self._news.set()
        return self.refuse(connection) if self.refuse else None

    async def serve(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.connections.append(asyncio.get_running_loop().time())
        self._news.set()
        try:
            async for raw in connection:
                await self.receive(connection, json.loads(raw))
        except ConnectionClosed:
            pass

    async def receive(self, connection: ServerConnection, frame: list[Any]) -> None:
        if frame[0] != 2:
            if frame[1] in self._results:
                self._results.pop(frame[1]).set_result(frame)
            else:
                self.raw.put_nowait(frame)
            return
        _, message_id, action, payload = frame
        validator(f"{action}Request").validate(payload)
        message = Message(action, payload, asyncio.get_running_loop().time())
        if action not in self.silent:
            await self.respond(connection, message_id, action)
        self.messages.append(message)
        self._news.set()

    async def respond(self, connection: ServerConnection, message_id: str, action: str) -> None:
        answer = self.script[action].pop(0) if self.script[action] else DEFAULTS.get(action, {})
        if isinstance(answer, str):
            await connection.send(json.dumps([4, message_id, answer, "", {}]))
        else:
            await connection.send(json.dumps([3, message_id, answer]))

    async def send_raw(self, text: str) -> None:
        assert self.connection is not None
        await self.connection.send(text)

    async def call(self, action: str, payload: Payload | None = None) -> Any:
        """Return the result, or the error code of a CALLERROR."""
        message_id = str(uuid.uuid4())
        future: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._results[message_id] = future
        await self.send_raw(json.dumps([2, message_id, action, payload or {}]))
        frame = await asyncio.wait_for(future, 3)
        if frame[0] == 4:
            return frame[2]
        validator(f"{action}Response").validate(frame[2])
        return frame[2]

    async def until(self, condition: Callable[[], Any], within: float = 3.0) -> Any:
        async with asyncio.timeout(within):
            while not (found := condition()):
                self._news.clear()
                await self._news.wait()
        return found

    def of(self, action: str, **fields: Any) -> list[Payload]:
        return [
            message.payload
            for message in self.messages
            if message.action == action and fields.items() <= message.payload.items()
        ]

    async def expect(self, action: str, count: int = 1, within: float = 3.0, **fields: Any) -> Payload:
        """Return the `count`th message with these fields."""
        found: list[Payload] = await self.until(
            lambda: (hits := self.of(action, **fields))[count - 1 :] and hits, within
        )
        return found[count - 1]

    async def silence(self, seconds: float) -> None:
        """Fail if any message comes in within so many seconds."""
        count = len(self.messages)
        try:
            await self.until(lambda: len(self.messages) > count, seconds)
        except TimeoutError:
            return
        raise AssertionError(self.messages[count:])


@asynccontextmanager
async def csms_running(context: ssl.SSLContext | None = None) -> AsyncIterator[Csms]:
    csms = Csms()
    server = await serve(
        csms.serve,
        "127.0.0.1",
        0,
        subprotocols=["ocpp2.0.1"],
        process_request=csms.on_request,
        close_timeout=0.1,
        ssl=context,
    )
    async with server:
        csms.port = next(iter(server.sockets)).getsockname()[1]
        yield csms


@pytest_asyncio.fixture(loop_scope="function")
async def csms() -> AsyncIterator[Csms]:
    async with csms_running() as running:
        yield running


class Yard:
    """Builds stations for a CSMS, and switches them off in the end."""

    def __init__(self, csms: Csms) -> None:
        self.csms = csms
        self.stations: list[ReferenceStation] = []

    def build(self, kind: type[ReferenceStation] = ReferenceStation, **settings: Any) -> ReferenceStation:
        quick = {"OCPPCommCtrlr.RetryBackOffWaitMinimum": "0", **settings.pop("variables", {})}
        config = StationConfig(self.csms.url, variables=quick, **{"own_boot_interval": 0.1, **settings})
        self.stations.append(kind(config))
        return self.stations[-1]

    async def boot(self, kind: type[ReferenceStation] = ReferenceStation, **settings: Any) -> ReferenceStation:
        """Return a station that is accepted and has reported itself."""
        station = self.build(kind, **settings)
        await station.power_on()
        await self.csms.expect("SecurityEventNotification")
        await self.csms.call("GetLocalListVersion")  # by now the station has read the answer too
        return station


@pytest_asyncio.fixture(loop_scope="function")
async def yard(csms: Csms) -> AsyncIterator[Yard]:
    yard = Yard(csms)
    yield yard
    for station in yard.stations:
        await station.power_off()
    ours = [task for task in asyncio.all_tasks() if "conformance/reference" in repr(task)]
    assert ours == [], "the station left tasks behind"
