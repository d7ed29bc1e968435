"""Changing the password of a station (A01), and putting its own back whatever happens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from conformance.peers.changes import password_request
from conformance.peers.csms import CsmsPeer, Entrance
from conformance.peers.received import NotSeen
from conformance.peers.scenes import Operated, restart
from conformance.sut.secret import Secret
from conformance.wire.faults import Network

DONE = ("Accepted", "RebootRequired")
_ATTEMPTS = 2
"""How often a station may come with a password that is not taken, before it is believed to have no other."""


@dataclass
class Rotation:
    """The password of a station while a case tries another; `settle` seconds may pass before a change shows."""

    station: Operated
    csms: CsmsPeer
    network: Network
    own: Secret
    other: Secret
    settle: float
    version: str = "2.0.1"
    may_hold_other: bool = False
    _booting: int | None = None

    def admit(self, *passwords: Secret) -> None:
        """Let the station in with these passwords only."""
        self.csms.passwords = tuple(way for each in passwords for way in self.spellings(each))

    async def change(self, to: Secret) -> str:
        """Have the station take a password, and tell its answer; raises Refused and NoAnswer."""
        await self._booted()
        self.may_hold_other = self.may_hold_other or to is self.other
        answer = await self.csms.call(*password_request(self.version, to.reveal()))
        results = answer.get("setVariableResult")
        return str(answer["status"] if results is None else results[0]["attributeStatus"])

    def spellings(self, password: Secret) -> tuple[str, ...]:
        """How a station may send a password: as it is, and in 1.6 as the digits that it was given by.

        To send the digits is wrong there, but which of the two comes is for one case to judge.
        """
        text = password.reveal()
        return (text,) if self.version != "1.6" else (text, text.encode().hex(), text.encode().hex().upper())

    @property
    def came(self) -> int:
        """How many attempts to connect there were: a mark for what comes after."""
        return len(self.csms.entrances)

    async def returned(self, after: int, *, within: float) -> bool:
        """Wait until the station is in again after so many attempts; False where it is not, or has tried in vain."""
        csms = self.csms

        def attempts() -> list[Entrance]:
            return csms.entrances[after:]

        def is_in() -> bool:
            return csms.link is not None and any(each.link == csms.link.number for each in attempts())

        def over() -> bool:
            return is_in() or sum(each.password not in csms.passwords for each in attempts()) >= _ATTEMPTS

        with suppress(NotSeen):
            await csms.until(over, "the station to come back", within=within)
        return is_in()

    def came_with(self, password: Secret, after: int) -> bool:
        """Whether the station came with this password when it came last."""
        attempts = self.csms.entrances[after:]
        return bool(attempts) and attempts[-1].password in self.spellings(password)

    async def drop(self) -> None:
        """Break the connection, if there is one."""
        if self.csms.link is not None:
            async with self.network.reset():
                await self.csms.disconnected()

    async def restart(self) -> None:
        """Have the station booted, by hand or by OCPP."""
        self._booting = self.csms.now
        await restart(self.station, self.csms)

    async def _booted(self) -> None:
        """Wait for the boot of a restart, if there was one: nothing may be asked before."""
        mark, self._booting = self._booting, None
        if mark is not None:
            with suppress(NotSeen):
                boot = await self.csms.expect("BootNotification", after=mark)
                await self.csms.answered(boot, within=self.csms.patience.answer)

    async def restore(self) -> None:
        """See that the station has its own password; raises AssertionError where that can't be had.

        It is then let in with either from now on.
        """
        self.admit(self.own, self.other)
        patience = self.csms.patience.for_action("connection")
        await self.csms.connected(within=patience)
        if self.may_hold_other or self.came_with(self.other, 0):
            mark = self.came
            status = await self.change(self.own)
            if status == "RebootRequired":
                await self.restart()
            elif not await self.returned(mark, within=self.settle):
                await self.drop()
            back = await self.returned(mark, within=patience)
            assert back, f"the password could not be put back: that was {status}, and the station did not come back"
            assert self.came_with(self.own, mark), f"the password could not be put back: that was {status}, in vain"
        await self._booted()
        self.admit(self.own)


@asynccontextmanager
async def rotation(  # noqa: PLR0913 -- by keyword
    station: Operated,
    csms: CsmsPeer,
    network: Network,
    *,
    own: Secret,
    other: Secret,
    settle: float,
    version: str = "2.0.1",
) -> AsyncIterator[Rotation]:
    """Let the station in with either password for a block, and put its own back after it."""
    csms.transcript.secrets.add((own.reveal(), other.reveal()))
    passwords = Rotation(station, csms, network, own, other, settle, version)
    passwords.admit(own, other)
    try:
        yield passwords
    finally:
        await passwords.restore()
