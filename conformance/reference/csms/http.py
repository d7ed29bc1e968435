"""A tiny HTTP/1.1 server on asyncio streams: one request per connection, JSON in and out."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from conformance.reference.tasks import Tasks

logger = logging.getLogger(__name__)

MAX_BODY = 4 * 1024 * 1024
MAX_HEADERS = 100
PATIENCE = 30.0


class HttpError(Exception):
    """A request that gets an error status instead of an answer."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        """Keep the status and what to tell."""
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True)
class HttpRequest:
    """A request: its path in decoded segments, its query and its JSON object (empty without a body)."""

    method: str
    segments: tuple[str, ...]
    query: dict[str, str]
    body: dict[str, Any]


Answer = tuple[HTTPStatus, Any]
Handler = Callable[[HttpRequest], Awaitable[Answer]]


class HttpServer:
    """Serves one handler, which returns a status and what to put into the body as JSON, None for no body."""

    def __init__(self, handler: Handler) -> None:
        """Listen to nobody yet."""
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._tasks = Tasks()

    async def start(self, host: str, port: int) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, host, port)

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
            await self._tasks.cancel()
            await self._server.wait_closed()
            self._server = None

    @property
    def port(self) -> int:
        """The port in use."""
        if self._server is None:
            raise RuntimeError("the HTTP server has not been started")
        return int(self._server.sockets[0].getsockname()[1])

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection in a task of ours."""
        self._tasks.start(self._serve(reader, writer))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close."""
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                writer.write(encode(*await self._answer(reader)))
                await writer.drain()
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader) -> Answer:
        """Read a request and return what to answer."""
        try:
            async with asyncio.timeout(PATIENCE):
                request = await read_request(reader)
            return await self._handler(request)
        except HttpError as error:
            return error.status, {"error": error.message}
        except TimeoutError:
            return HTTPStatus.REQUEST_TIMEOUT, {"error": "the request did not arrive in time"}
        except (ConnectionError, asyncio.IncompleteReadError):
            raise
        except Exception:
            logger.exception("a request could not be answered")
            return HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "the request could not be answered"}


async def read_request(reader: asyncio.StreamReader) -> HttpRequest:
    """Read one request; raise HttpError for one that makes no sense."""
    try:
        method, target, _ = (await reader.readline()).decode("latin-1").split()
        split = urlsplit(target)
    except ValueError as problem:
        raise HttpError(HTTPStatus.BAD_REQUEST, "expected a request line of HTTP/1.1") from problem
    headers = await _read_headers(reader)
    segments = tuple(unquote(segment) for segment in split.path.strip("/").split("/"))
    return HttpRequest(method, segments, dict(parse_qsl(split.query)), await _read_body(reader, headers))


async def _read_headers(reader: asyncio.StreamReader) -> dict[str, str]:
    """Read header fields up to the empty line."""
    headers: dict[str, str] = {}
    for _ in range(MAX_HEADERS):
        try:
            line = (await reader.readline()).decode("latin-1").strip()
        except ValueError as problem:
            raise HttpError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "a header is too long") from problem
        if not line:
            return headers
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    raise HttpError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "too many headers")


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> dict[str, Any]:
    """Read the JSON object that a request carries."""
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not length.isdecimal():
        raise HttpError(HTTPStatus.LENGTH_REQUIRED, "expected a Content-Length")
    if int(length) > MAX_BODY:
        raise HttpError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"expected at most {MAX_BODY} bytes")
    try:
        body = json.loads(await reader.readexactly(int(length)) or b"{}")
    except ValueError as problem:
        raise HttpError(HTTPStatus.BAD_REQUEST, f"the body is not JSON: {problem}") from problem
    if not isinstance(body, dict):
        raise HttpError(HTTPStatus.BAD_REQUEST, "expected a JSON object as body")
    return body


def encode(status: HTTPStatus, answer: Any) -> bytes:
    """Return a response."""
    body = b"" if answer is None else json.dumps(answer).encode() + b"\n"
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", "Connection: close"]
    if status is not HTTPStatus.NO_CONTENT:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body
