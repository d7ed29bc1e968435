"""A bad network on purpose, at the harness's end as a CSMS; each fault is a context manager and in the transcript.

A fault is switched on when its block is entered, off when it is left, and both are entries of the kind `fault`. The
same fault can't be on twice at a time.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

from conformance.wire.link import Listener, Refuse
from conformance.wire.transcript import Entry

Drop = Literal["close", "reset", "fin", "keep"]
"""What becomes of the connections that exist: a close frame (1001), RST, FIN without a close frame, or nothing."""


class Network:
    """What can go wrong between a station and the harness as its CSMS."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self._on: set[str] = set()

    @asynccontextmanager
    async def refused(self, drop: Drop = "reset") -> AsyncIterator[Entry]:
        """Nobody listens: TCP connections are refused. Attempts can't be seen then; those of `turned_away` can.

        Raises OSError at the end if the address can't be had again.
        """
        async with self._fault("refused", drop=drop) as begin:
            await self.listener.pause()
            try:
                self._drop(drop)
                yield begin
            finally:
                await self.listener.resume()

    @asynccontextmanager
    async def turned_away(
        self, status: int = 503, drop: Drop = "close", *, reason: str = "out of service"
    ) -> AsyncIterator[Entry]:
        """TCP connections are taken in, but every upgrade is answered with this HTTP status."""
        async with self._fault("turned_away", status=status, drop=drop) as begin:
            self.listener.turned_away = Refuse(status, reason)
            try:
                self._drop(drop)
                yield begin
            finally:
                self.listener.turned_away = None

    @asynccontextmanager
    async def stalled(self) -> AsyncIterator[Entry]:
        """A black hole: nothing is read, what the harness sends is dropped, new TCP connections get no answer.

        What the station sends meanwhile is read at the end, as far as its buffers and ours hold it.
        """
        async with self._fault("stalled") as begin:
            self.listener.stalled = True
            for link in self.listener.connections:
                link.stall()
            try:
                yield begin
            finally:
                self.listener.stalled = False
                for link in self.listener.connections:
                    link.unstall()

    @asynccontextmanager
    async def _fault(self, name: str, **given: Any) -> AsyncIterator[Entry]:
        if name in self._on:
            raise RuntimeError(f"the network is {name} already")
        transcript = self.listener.transcript
        self._on.add(name)
        begin = transcript.add("fault", sender="harness", detail={"fault": name, "phase": "begin", **given})
        try:
            yield begin
        finally:
            self._on.discard(name)
            transcript.add("fault", sender="harness", detail={"fault": name, "phase": "end", **given})

    def _drop(self, how: Drop) -> None:
        for link in self.listener.connections:
            match how:
                case "close":
                    link.start_close(1001, "out of service")
                case "reset":
                    link.abort()
                case "fin":
                    link.fin()
                case "keep":
                    pass
