"""The CSMS as the cases see it: one object that can be operated, whoever or whatever does it."""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from conformance.sut.drivers.actions import Context, DriverFailed, Unsupported
from conformance.sut.secret import Secret


class CsmsHands(Protocol):
    """One way of operating a CSMS: what a kind of driver implements."""

    def can(self, name: str) -> bool:
        """Whether this operation, or a command with this OCPP action, is known, as far as can be told untried."""

    async def start(self, context: Context) -> None:
        """Get ready, and bring the CSMS up where that is in this driver's power; raises DriverFailed."""

    async def stop(self) -> None:
        """Let go of everything, and leave nothing running."""

    async def act(self, action: str, **args: Any) -> Any:
        """Carry out one of OPERATIONS and give what a read asks for; raises Unsupported and DriverFailed."""

    @property
    def trouble(self) -> str:
        """Why the driver is of no more use, in words; empty while it is."""

    @property
    def url(self) -> str | None:
        """Where stations dial, without their identity, if the driver is who knows."""

    @property
    def urls(self) -> Mapping[int, str]:
        """The same in each security profile that the driver knows of."""


class CsmsDriver:
    """Operates a CSMS through some kind of driver.

    Everything here raises Unsupported where it can't be done and DriverFailed where it went wrong or took longer than
    `ceiling` seconds, and is noted in the transcript. That an operation was done says nothing about the wire: a CSMS
    may queue a command and call it done at once, and it may send commands that nobody asked for.
    """

    def __init__(self, hands: CsmsHands, *, ceiling: float) -> None:
        self._hands = hands
        self._ceiling = ceiling
        self._context: Context | None = None
        self._launched: set[asyncio.Task[None]] = set()

    # -- the driver itself --------------------------------------------------------------------------------------------

    async def start(self, context: Context) -> None:
        """Get the driver ready, and the CSMS up where the driver can do that; raises DriverFailed."""
        self._context = context
        try:
            async with asyncio.timeout(self._ceiling):
                await self._hands.start(context)
        except TimeoutError:
            raise DriverFailed("start", f"the driver was not ready within {self._ceiling:g} s") from None

    async def stop(self) -> None:
        """Let go of the CSMS; whatever the driver started ends."""
        for task in tuple(self._launched):
            task.cancel()
        await asyncio.gather(*self._launched, return_exceptions=True)
        self._context = None
        await self._hands.stop()

    def can(self, name: str) -> bool:
        """Whether the driver knows an operation, `add_token`, or a command, `Reset`, as far as can be told untried."""
        return self._hands.can(name)

    @property
    def trouble(self) -> str:
        """Why the driver is of no more use: the program that ended, for instance; empty while it works."""
        return self._hands.trouble

    @property
    def url(self) -> str:
        """Where stations dial, without their identity: as the driver says, else as the profile does."""
        told = self._hands.url
        return told if told is not None else self._running("url").csms_url

    @property
    def urls(self) -> Mapping[int, str]:
        """Where stations dial in each security profile, as far as the driver is who knows."""
        return self._hands.urls

    # -- commands -----------------------------------------------------------------------------------------------------

    async def command(self, action: str, payload: Mapping[str, Any] | None = None, *, identity: str = "") -> None:
        """Have the CSMS call a station: `action` and `payload` as they should go over the wire.

        The station is that of the profile unless another `identity` is named. A driver that can't ask for all that the
        payload says raises Unsupported, rather than ask for something else. Returns when the CSMS says that it has
        taken the command, or that the station has answered, whichever its interface tells.
        """
        await self._act("command", identity=self._identity(identity), action_name=action, payload=dict(payload or {}))

    def launch(
        self, action: str, payload: Mapping[str, Any] | None = None, *, identity: str = ""
    ) -> asyncio.Task[None]:
        """As `command`, in the background: where the case does not let the station answer. What fails is only noted."""

        async def run() -> None:
            try:
                await self.command(action, payload, identity=identity)
            except (Unsupported, DriverFailed):
                return

        task = asyncio.get_running_loop().create_task(run())
        self._launched.add(task)
        task.add_done_callback(self._launched.discard)
        return task

    # -- tokens -------------------------------------------------------------------------------------------------------

    async def add_token(self, id_token: str, type: str = "ISO14443") -> None:  # noqa: A002
        """Make a token known and accepted."""
        await self._act("add_token", id_token=id_token, type=type)

    async def block_token(self, id_token: str, type: str = "ISO14443") -> None:  # noqa: A002
        """Make a token known and blocked."""
        await self._act("block_token", id_token=id_token, type=type)

    async def expire_token(self, id_token: str, type: str = "ISO14443") -> None:  # noqa: A002
        """Make a token known and expired."""
        await self._act("expire_token", id_token=id_token, type=type)

    async def remove_token(self, id_token: str, type: str = "ISO14443") -> None:  # noqa: A002
        """Make a token unknown."""
        await self._act("remove_token", id_token=id_token, type=type)

    # -- stations -----------------------------------------------------------------------------------------------------

    async def provision_station(self, identity: str = "", *, password: Secret | None = None) -> None:
        """Make a station known, with a password where one is given."""
        await self._act("provision_station", identity=self._identity(identity), password=password)

    async def remove_station(self, identity: str = "") -> None:
        """Make a station unknown."""
        await self._act("remove_station", identity=self._identity(identity))

    async def set_password(self, password: Secret, identity: str = "") -> None:
        """Have the CSMS take this password of a station from now on; nothing is sent to the station by this."""
        await self._act("set_password", identity=self._identity(identity), password=password)

    async def set_registration(self, *statuses: str, interval: int | None = None, identity: str = "") -> None:
        """Say what the next BootNotifications of a station are answered: one status each, and the last for the rest.

        `interval` in seconds goes with them; that of the CSMS unless given.
        """
        await self._act(
            "set_registration", identity=self._identity(identity), statuses=list(statuses), interval=interval
        )

    # -- what the CSMS believes: never the only evidence --------------------------------------------------------------

    async def read_station(self, identity: str = "") -> Any:
        """What the CSMS believes of a station, in JSON of its own."""
        return await self._act("read_station", identity=self._identity(identity))

    async def read_token(self, id_token: str, type: str = "ISO14443") -> Any:  # noqa: A002
        """What it believes of a token, in JSON of its own."""
        return await self._act("read_token", id_token=id_token, type=type)

    async def read_transactions(self, identity: str = "") -> Any:
        """What it believes of the transactions of a station, in JSON of its own."""
        return await self._act("read_transactions", identity=self._identity(identity))

    # -- inside -------------------------------------------------------------------------------------------------------

    def _identity(self, identity: str) -> str:
        return identity or self._running("identity").identity

    def _running(self, action: str) -> Context:
        if self._context is None:
            raise DriverFailed(action, "the driver has not been started")
        return self._context

    async def _act(self, operation: str, **args: Any) -> Any:
        note = self._running(operation).note
        what = f"command {args['action_name']}" if operation == "command" else operation
        secret = args.get("password")
        note(f"driver: {what}", **_noted(args))
        try:
            async with asyncio.timeout(self._ceiling):
                return await self._hands.act(operation, **args)
        except TimeoutError:
            why = f"the driver did not finish within {self._ceiling:g} s"
            note(f"driver: {what} failed", why=why)
            raise DriverFailed(what, why) from None
        except (Unsupported, DriverFailed) as error:
            why = secret.scrub(error.why) if isinstance(secret, Secret) else error.why
            outcome = "is not supported" if isinstance(error, Unsupported) else "failed"
            note(f"driver: {what} {outcome}", why=why)
            raise type(error)(what, why) from None


def _noted(args: Mapping[str, Any]) -> dict[str, Any]:
    """What of a request is noted: no password, nor a payload, which may hold one and is to be seen on the wire."""
    kept = {name: value for name, value in args.items() if name not in ("payload", "action_name") and value is not None}
    return {name: str(value) if isinstance(value, Secret) else value for name, value in kept.items()}
