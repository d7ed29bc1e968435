"""Files over HTTP: fetching firmware, and bringing a log to where it is wanted."""

from __future__ import annotations

import asyncio
import contextlib
from urllib.parse import quote, urlsplit

PATIENCE = 30.0
DEFAULT_PORT = 80
FIRST_BAD_STATUS = 300
_KINDS = {400: "BadMessage", 401: "PermissionDenied", 403: "PermissionDenied"}
_UNSUPPORTED = (405, 501)


class TransferError(Exception):
    """A transfer that failed; `status` is the UploadLogStatusEnum value that comes closest."""

    def __init__(self, status: str, reason: str) -> None:
        """Say what was wrong."""
        super().__init__(reason)
        self.status = status


async def fetch(url: str) -> bytes:
    """Return what is at a URL; raise TransferError."""
    return await _exchange("GET", url)


async def bring(folder: str, name: str, content: bytes) -> None:
    """Put a file of this name into the folder at a URL; raise TransferError."""
    await _exchange("PUT", f"{folder.rstrip('/')}/{quote(name)}", content)


async def _exchange(method: str, url: str, content: bytes = b"") -> bytes:
    """Make one request on a connection of its own, and return the body of the answer."""
    try:
        async with asyncio.timeout(PATIENCE):
            status, body = await _request(method, url, content)
    except (OSError, EOFError, ValueError, IndexError, TimeoutError, asyncio.LimitOverrunError) as problem:
        raise TransferError("UploadFailure", f"{method} failed: {type(problem).__name__}") from problem
    if status >= FIRST_BAD_STATUS:
        kind = "NotSupportedOperation" if status in _UNSUPPORTED else _KINDS.get(status, "UploadFailure")
        raise TransferError(kind, f"{method} was answered {status}")
    return body


async def _request(method: str, url: str, content: bytes) -> tuple[int, bytes]:
    """Return the status and the body that one request is answered with."""
    where = urlsplit(url)
    if where.scheme != "http" or where.hostname is None:
        raise TransferError("NotSupportedOperation", f"there is no way to {where.scheme or 'nowhere'} URLs")
    reader, writer = await asyncio.open_connection(where.hostname, where.port or DEFAULT_PORT)
    try:
        path = (where.path or "/") + (f"?{where.query}" if where.query else "")
        head = f"{method} {path} HTTP/1.1\r\nHost: {where.netloc.rpartition('@')[2]}\r\n"
        head += f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + content)
        await writer.drain()
        answer, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = headers.get("content-length")
        body = await reader.read() if length is None else await reader.readexactly(int(length))
        return int(answer.split()[1]), body
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
