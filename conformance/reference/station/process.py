"""The process protocol: actions in on standard input, outcomes on standard output, one JSON object a line."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any, Protocol, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    Action = Callable[..., Coroutine[Any, Any, Any]]

SOMETIMES = ("disconnect_ev", "ev_stop", "ev_arrive", "ev_depart", "set_fault", "commission")
"""What not every station can."""


class Operated(Protocol):
    """A station of any edition, as it is operated."""

    async def power_on(self) -> None:
        """Switch the mains on."""

    async def power_off(self) -> None:
        """Switch the mains off."""

    async def plug_in(self, evse: int, connector: int) -> None:
        """Put an EV's plug into a connector."""

    async def unplug(self, evse: int, connector: int) -> None:
        """Pull the plug out of a connector."""

    async def present_id_token(self, evse: int, id_token: str, type: str = ...) -> None:  # noqa: A002
        """Hold a card to the reader of an EVSE."""

    async def ev_ready(self, evse: int) -> None:
        """Have the EV ask for energy."""

    async def ev_suspend(self, evse: int) -> None:
        """Have the EV stop asking for energy."""

    async def set_load(self, evse: int, watts: float) -> None:
        """Set what the EV would draw."""

    async def measure_load(self, evse: int) -> dict[str, Any]:
        """Read what it draws."""

    async def cut_network(self) -> None:
        """Take the network away."""

    async def restore_network(self) -> None:
        """Bring the network back."""

    async def commission(
        self, security_profile: int, csms_url: str, root_file: str, certificate_file: str, key_file: str
    ) -> None:
        """Set the station up for an address and a security profile."""


class StationProcess:
    """Operates a station as the lines of docs/process-driver.md say."""

    def __init__(self, station: Operated, output: TextIO) -> None:
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
            "measure_load": station.measure_load,
            "cut_network": station.cut_network,
            "restore_network": station.restore_network,
            "commission": self._commission,
        }
        for name in (
            "disconnect_ev",
            "ev_stop",
            "ev_arrive",
            "ev_depart",
            "set_fault",
            "commission",
        ):  # not in every version
            if hasattr(station, name):
                self._actions[name] = getattr(station, name)
        self._station = station

    async def _present_id_token(self, evse: int, idToken: str, type: str = "ISO14443") -> None:  # noqa: A002, N803
        """Take the arguments as they are spelled on the line."""
        await self._station.present_id_token(evse, idToken, type)

    async def _commission(
        self,
        securityProfile: int,  # noqa: N803
        csmsUrl: str,  # noqa: N803
        rootFile: str,  # noqa: N803
        certificateFile: str,  # noqa: N803
        keyFile: str,  # noqa: N803
    ) -> None:
        """Take the arguments as they are spelled on the line."""
        await self._station.commission(securityProfile, csmsUrl, rootFile, certificateFile, keyFile)

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
            value = await action(**(request.get("args") or {}))
        except (KeyError, TypeError, ValueError) as problem:
            return {**outcome, "result": "failed", "message": f"bad args: {type(problem).__name__}: {problem}"}
        return {**outcome, "result": "done"} | ({} if value is None else {"value": value})

    def _write(self, message: dict[str, Any]) -> None:
        """Write a line and flush it."""
        self._output.write(json.dumps(message, separators=(",", ":")) + "\n")
        self._output.flush()


async def standard_input() -> asyncio.StreamReader:
    """Return standard input as a stream."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader
