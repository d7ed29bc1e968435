"""The process protocol: actions in on standard input, outcomes on standard output, one JSON object a line."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from conformance.reference.station.station import ReferenceStation

    Action = Callable[..., Coroutine[Any, Any, None]]


class StationProcess:
    """Operates a station as the lines of docs/process-driver.md say."""

    def __init__(self, station: ReferenceStation, output: TextIO) -> None:
        """Write outcomes to `output`."""
        self._output = output
        self._actions: dict[str, Action] = {
            "power_off": station.power_off,
            "power_on": station.power_on,
            "plug_in": station.plug_in,
            "unplug": station.unplug,
            "present_id_token": self._present_id_token,
            "ev_ready": station.ev_ready,
            "ev_suspend": station.ev_suspend,
            "set_load": station.set_load,
            "cut_network": station.cut_network,
            "restore_network": station.restore_network,
        }
        self._station = station

    async def _present_id_token(self, evse: int, idToken: str, type: str = "ISO14443") -> None:  # noqa: A002, N803
        """Take the arguments as they are spelled on the line."""
        await self._station.present_id_token(evse, idToken, type)

    async def run(self, lines: asyncio.StreamReader) -> None:
        """Carry out one line after the other until the input ends; then the power goes off."""
        self._write({"event": "ready", "actions": list(self._actions)})
        while line := await lines.readline():
            if line.strip():
                self._write(await self._carry_out(line))
        await self._station.power_off()

    async def _carry_out(self, line: bytes) -> dict[str, Any]:
        """Return the outcome of one request."""
        try:
            request = json.loads(line)
        except ValueError:
            return {"event": "error", "message": "expected one JSON object a line"}
        if not isinstance(request, dict):
            return {"event": "error", "message": "expected a JSON object with id and action"}
        outcome: dict[str, Any] = {"id": request.get("id")}
        action = self._actions.get(str(request.get("action")))
        if action is None:
            return {**outcome, "result": "unsupported", "message": f"no action {request.get('action')!r}"}
        try:
            await action(**(request.get("args") or {}))
        except (KeyError, TypeError, ValueError) as problem:
            return {**outcome, "result": "failed", "message": f"bad args: {type(problem).__name__}: {problem}"}
        return {**outcome, "result": "done"}

    def _write(self, message: dict[str, Any]) -> None:
        """Write a line and flush it."""
        self._output.write(json.dumps(message, separators=(",", ":")) + "\n")
        self._output.flush()


async def standard_input() -> asyncio.StreamReader:
    """Return standard input as a stream."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader
