"""The reference CSMS: OCPP 1.6 and 2.0.1 at the same doors, with an HTTP API beside them."""

from __future__ import annotations

from conformance.reference.csms.api import Api
from conformance.reference.csms.config import CsmsConfig
from conformance.reference.csms.connection import BASIC
from conformance.reference.csms.doors import Doors
from conformance.reference.csms.records import Command
from conformance.reference.csms.rpc import Payload


class ReferenceCsms(Doors):
    """A small compliant CSMS. `start` it, `provision` stations, tell it what to `command`, `stop` it.

    A mutant derives this class and overrides one method; every layer below is made of small ones.
    """

    def __init__(self, config: CsmsConfig | None = None) -> None:
        """Listen to nobody yet."""
        super().__init__(config)
        self._api = Api(self)

    async def start(self) -> None:
        """Listen for stations and for operators."""
        await self.open_doors()
        await self._api.start(self.config.host, self.config.api_port)

    async def stop(self) -> None:
        """Close every connection and end every task; commands that are still queued or under way are lost."""
        await self._api.stop()
        await self.close_doors()
        await self.tasks.cancel()
        for station in self.stations.values():
            for command in station.queue:
                command.finish("lost")
            station.queue.clear()

    @property
    def url(self) -> str:
        """The address stations dial in security profile 1, without their identity."""
        if BASIC not in self.servers:
            raise RuntimeError("the CSMS has not been started")
        return self.urls[BASIC]

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
