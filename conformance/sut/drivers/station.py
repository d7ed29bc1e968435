"""The station as the cases see it: one object that can be operated, whoever or whatever does it."""

import asyncio
from typing import TYPE_CHECKING, Any

from conformance.sut.drivers.actions import ACTIONS, Context, DriverFailed, Hands, Measured, Operable, Unsupported


class StationDriver:
    """Operates a station through some kind of driver.

    Every action raises Unsupported where it can't be done and DriverFailed where it went wrong or took longer than
    `ceiling` seconds, and is noted in the transcript. That an action was done says nothing about the wire.
    """

    def __init__(self, hands: Hands, *, ceiling: float) -> None:
        self._hands = hands
        self._ceiling = ceiling
        self._context: Context | None = None
        self.plugged: set[tuple[int, int]] = set()
        """EVSE and connector of every plug that was put in and not pulled out again, as far as the driver said."""

    # -- the driver itself --------------------------------------------------------------------------------------------

    async def start(self, context: Context) -> None:
        """Get the driver ready, and the station up where the driver can do that; raises DriverFailed."""
        self._context = context
        try:
            async with asyncio.timeout(self._ceiling):
                await self._hands.start(context)
        except TimeoutError:
            raise DriverFailed("start", f"the driver was not ready within {self._ceiling:g} s") from None

    async def stop(self) -> None:
        """Let go of the station; whatever the driver started ends."""
        self._context = None
        await self._hands.stop()

    def can(self, action: str) -> bool:
        """Whether the driver knows an action, `plug_in` for instance, as far as it can tell without trying."""
        if action == "power_cycle":
            return self.can("power_off") and self.can("power_on")
        return action in ACTIONS and self._hands.can(action)

    @property
    def trouble(self) -> str:
        """Why the driver is of no more use: the program that ended, for instance; empty while it works."""
        return self._hands.trouble

    # -- actions ------------------------------------------------------------------------------------------------------

    async def power_off(self) -> None:
        """Mains off, at once, with no goodbye on the wire."""
        await self._act("power_off")

    async def power_on(self) -> None:
        """Mains on: a cold boot."""
        await self._act("power_on")

    async def power_cycle(self) -> None:
        """Mains off and on again."""
        if not self.can("power_on"):
            raise Unsupported("power_cycle", "the driver can't switch the mains on again")
        await self.power_off()
        await self.power_on()

    async def plug_in(self, evse: int = 1, connector: int = 1) -> None:
        """An EV's plug goes into the connector."""
        await self._act("plug_in", evse=evse, connector=connector)
        self.plugged.add((evse, connector))

    async def unplug(self, evse: int = 1, connector: int = 1) -> None:
        """The plug comes out."""
        await self._act("unplug", evse=evse, connector=connector)
        self.plugged.discard((evse, connector))

    async def disconnect_ev(self, evse: int = 1, connector: int = 1) -> None:
        """The cable comes out of the EV; one that is the EV's own stays in the socket until it is unplugged."""
        await self._act("disconnect_ev", evse=evse, connector=connector)

    async def present_id_token(self, evse: int, id_token: str, type: str = "ISO14443") -> None:  # noqa: A002
        """Somebody holds a card to the reader of that EVSE."""
        await self._act("present_id_token", evse=evse, id_token=id_token, type=type)

    async def ev_ready(self, evse: int = 1) -> None:
        """The EV asks for energy."""
        await self._act("ev_ready", evse=evse)

    async def ev_suspend(self, evse: int = 1) -> None:
        """The EV stops asking, and stays plugged in."""
        await self._act("ev_suspend", evse=evse)

    async def ev_stop(self, evse: int = 1) -> None:
        """The EV ends the charging itself, and stays plugged in."""
        await self._act("ev_stop", evse=evse)

    async def ev_arrive(self, evse: int = 1) -> None:
        """An EV is driven into the parking bay of that EVSE."""
        await self._act("ev_arrive", evse=evse)

    async def ev_depart(self, evse: int = 1) -> None:
        """It is driven out."""
        await self._act("ev_depart", evse=evse)

    async def set_load(self, evse: int, watts: float) -> None:
        """The EV would draw this much, in watts, if it were allowed to."""
        await self._act("set_load", evse=evse, watts=watts)

    async def measure_load(self, evse: int) -> Measured:
        """What the EV draws, by a meter of somebody else than the station."""
        told = await self._act("measure_load", evse=evse)
        try:
            measured = Measured.read(told)
        except ValueError as wrong:
            raise DriverFailed("measure_load", str(wrong)) from None
        if self._context is not None:
            self._context.note("driver: measured", evse=evse, amperes=list(measured.amperes), watts=measured.watts)
        return measured

    async def set_fault(self, evse: int, connector: int, error: str) -> None:
        """The connector breaks, as this ChargePointErrorCode of OCPP 1.6 says; NoError: it is whole again."""
        await self._act("set_fault", evse=evse, connector=connector, error=error)

    async def cut_network(self) -> None:
        """The station's own network goes away."""
        await self._act("cut_network")

    async def restore_network(self) -> None:
        """And comes back."""
        await self._act("restore_network")

    async def commission(
        self, security_profile: int, csms_url: str, *, root: bool = True, certificate: bool = True
    ) -> None:
        """An installer sets it up for this address and security profile, and it boots; what came over OCPP is gone.

        Without `root` or `certificate` it has none of the kind.
        """
        files = self._context.station_files() if self._context is not None else {}
        wanted = {"root_file": root, "certificate_file": certificate, "key_file": certificate}
        files = {name: file if wanted[name] else "" for name, file in files.items()}
        await self._act("commission", security_profile=security_profile, csms_url=csms_url, **files)

    async def _act(self, action: str, **args: object) -> Any:
        if self._context is None:
            raise DriverFailed(action, "the driver has not been started")
        note = self._context.note
        note(f"driver: {action}", **args)
        try:
            async with asyncio.timeout(self._ceiling):
                return await self._hands.act(action, **args)
        except TimeoutError:
            why = f"the driver did not finish within {self._ceiling:g} s"
            note(f"driver: {action} failed", why=why)
            raise DriverFailed(action, why) from None
        except Unsupported as error:
            note(f"driver: {action} is not supported", why=error.why)
            raise
        except DriverFailed as error:
            note(f"driver: {action} failed", why=error.why)
            raise


if TYPE_CHECKING:
    _: type[Operable] = StationDriver
