"""A place for files at the harness, which stations fetch firmware from and bring their logs to, by HTTP."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Self
from urllib.parse import unquote, urlsplit

from conformance.peers.received import NotSeen

_LONGEST_HEAD = 2**16
_LARGEST_FILE = 2**25
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Transfer:
    """One request that came: `name` is the path without the leading slash, `content` what was brought or fetched."""

    method: str
    name: str
    status: int
    content: bytes = field(repr=False)

    @property
    def good(self) -> bool:
        """Whether it was let through."""
        return self.status < HTTPStatus.BAD_REQUEST


class Files:
    """A small HTTP server on one address, with its files in memory: GET fetches them, PUT and POST bring new ones.

    `transfers` are in the order in which they ended, refused ones included.
    """

    def __init__(self, host: str, port: int = 0, *, known_as: str = "") -> None:
        """`known_as` is the host as the other end dials it, where that is not what is listened on."""
        self.transfers: list[Transfer] = []
        self._host = host
        self._known_as = known_as or host
        self._port = port
        self._server: asyncio.Server | None = None
        self._offered: dict[str, bytes] = {}
        self._refused: dict[str, int] = {}
        self._held: dict[str, asyncio.Event] = {}
        self._begun: set[str] = set()
        self._news = asyncio.Event()
        self._busy: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; raises OSError where the address can't be had."""
        self._server = await asyncio.start_server(self._serve, self._host, self._port, limit=_LONGEST_HEAD)

    async def stop(self) -> None:
        """Break off what is under way, and let go of the address."""
        if self._server is None:
            return
        self._server.close()
        for task in tuple(self._busy):
            task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)
        self._server = None

    # -- what there is ------------------------------------------------------------------------------------------------

    def url(self, name: str = "") -> str:
        """Where a file of this name is, or a folder to bring one to."""
        assert self._server is not None, "the place for files has not been started"
        host = f"[{self._known_as}]" if ":" in self._known_as else self._known_as
        return f"http://{host}:{self._server.sockets[0].getsockname()[1]}/{name}"

    def offer(self, name: str, content: bytes) -> str:
        """Have a file to be fetched; its URL."""
        self._offered[name] = content
        return self.url(name)

    def refuse(self, name: str, status: int) -> str:
        """Answer whatever is asked of this name, or of anything below it, with an HTTP status; the URL."""
        self._refused[name] = status
        return self.url(name)

    def hold(self, name: str) -> asyncio.Event:
        """Have transfers of this name, or of anything below it, wait until this event is set."""
        return self._held.setdefault(name, asyncio.Event())

    # -- what has come ------------------------------------------------------------------------------------------------

    def brought(self, name: str = "") -> list[Transfer]:
        """What was brought under a name, and taken, in order."""
        return [each for each in self.transfers if each.good and each.method != "GET" and _below(each.name, name)]

    async def upload(self, name: str = "", *, within: float) -> Transfer:
        """Wait until something has been brought under a name, and taken; raises NotSeen."""
        await self._until(lambda: bool(self.brought(name)), f"a file under {self.url(name)}", within)
        return self.brought(name)[0]

    async def begun(self, name: str = "", *, within: float) -> None:
        """Wait until a request has come for a name or anything below it, whether it is over or not; raises NotSeen."""
        await self._until(
            lambda: any(_below(each, name) for each in self._begun), f"a request for {self.url(name)}", within
        )

    async def _until(self, done: Callable[[], bool], what: str, within: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while not done():
                    self._news.clear()
                    await self._news.wait()
        if not done():
            raise NotSeen(f"{what} did not come within {within:g} s")

    # -- HTTP ---------------------------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._busy.add(task)
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._answer(reader, writer)
        except (OSError, EOFError, ValueError, TimeoutError, asyncio.LimitOverrunError):
            pass
        finally:
            self._busy.discard(task)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one request; the connection ends with it."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        name = unquote(urlsplit(target).path).lstrip("/")
        self._begun.add(name)
        self._news.set()
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await _body(reader, headers)
        for held in [event for each, event in self._held.items() if _below(name, each)]:
            await held.wait()
        status, content = self._decide(method, name)
        writer.write(_head(status, len(content)) + (b"" if method == "HEAD" else content))
        await writer.drain()
        self.transfers.append(Transfer(method, name, status, content if method == "GET" else body))
        self._news.set()

    def _decide(self, method: str, name: str) -> tuple[int, bytes]:
        """The status and the content of the answer to a request."""
        refused = next((status for each, status in self._refused.items() if _below(name, each)), None)
        if refused is not None:
            return refused, b""
        if method in ("PUT", "POST"):
            return HTTPStatus.CREATED, b""
        if method not in ("GET", "HEAD"):
            return HTTPStatus.METHOD_NOT_ALLOWED, b""
        if name in self._offered:
            return HTTPStatus.OK, self._offered[name]
        return HTTPStatus.NOT_FOUND, b""


def _below(name: str, folder: str) -> bool:
    """Whether a name is this one, or in this folder."""
    return not folder or name == folder or name.startswith(folder.rstrip("/") + "/")


def _head(status: int, length: int) -> bytes:
    reason = HTTPStatus(status).phrase
    return f"HTTP/1.1 {status:d} {reason}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n".encode()


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    """What a request brings; raises ValueError where that is too much, EOFError where it ends too soon."""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return await _chunks(reader)
    return await reader.readexactly(_acceptable(int(headers.get("content-length") or 0)))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(_acceptable(len(body) + size) - len(body))
        await reader.readline()
    while (await reader.readline()).strip():
        pass
    return body


def _acceptable(size: int) -> int:
    if not 0 <= size <= _LARGEST_FILE:
        raise ValueError(f"{size} bytes are too many")
    return size
