"""The reference CSMS: OCPP 1.6 and 2.0.1 on one endpoint, with an HTTP API beside it."""

from __future__ import annotations

from typing import Any

from websockets.asyncio.server import Server, serve

from conformance.reference.csms.api import Api
from conformance.reference.csms.commands import Commands
from conformance.reference.csms.config import CsmsConfig
from conformance.reference.csms.records import Command
from conformance.reference.csms.rpc import Payload


class ReferenceCsms(Commands):
    """A small compliant CSMS. `start` it, `provision` stations, tell it what to `command`, `stop` it.

    A mutant derives this class and overrides one method; every layer below is made of small ones.
    """

    def __init__(self, config: CsmsConfig | None = None) -> None:
        """Listen to nobody yet."""
        super().__init__(config)
        self._server: Server | None = None
        self._api = Api(self)

    async def start(self) -> None:
        """Listen for stations and for operators."""
        self._server = await serve(
            self.serve_connection,
            self.config.host,
            self.config.port,
            process_request=self.on_handshake,
            select_subprotocol=self.select_subprotocol,
            ping_interval=self.config.ping_interval,
            close_timeout=self.config.close_timeout,
            max_size=None,
            **self.serve_options(),
        )
        await self._api.start(self.config.host, self.config.api_port)

    def serve_options(self) -> dict[str, Any]:
        """Return more arguments for the WebSocket server: compression is on by default (RFC 7692)."""
        return {} if self.config.ssl_context is None else {"ssl": self.config.ssl_context}

    async def stop(self) -> None:
        """Close every connection and end every task; commands that are still queued or under way are lost."""
        await self._api.stop()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None
        await self.tasks.cancel()
        for station in self.stations.values():
            for command in station.queue:
                command.finish("lost")
            station.queue.clear()

    @property
    def port(self) -> int:
        """The port stations dial."""
        if self._server is None:
            raise RuntimeError("the CSMS has not been started")
        return int(next(iter(self._server.sockets)).getsockname()[1])

    @property
    def url(self) -> str:
        """The address stations dial, without their identity."""
        scheme = "ws" if self.config.ssl_context is None else "wss"
        return f"{scheme}://{self.config.host}:{self.port}/ocpp"

    @property
    def api_url(self) -> str:
        """The address of the HTTP API."""
        return f"http://{self.config.host}:{self._api.port}/api"

    def find_command(self, number: int) -> Command | None:
        """Return a command by its number."""
        return self.commands.get(number)

    def station_view(self, identity: str) -> Payload:
        """Return what is believed of a station; raise KeyError for an unknown one."""
        return self.stations[identity].view()
