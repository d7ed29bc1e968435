"""What a station makes of a CSMS that it must not believe: shown to it in TLS, and seen in the transcript (A00)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus

from conformance.oracles.tls import version_problem
from conformance.peers.csms import CsmsPeer
from conformance.peers.received import NotSeen
from conformance.peers.scenes import Operated, configured
from conformance.peers.security import Door
from conformance.sut.profile import SutProfile
from conformance.wire.tls import PLAIN, ServerTls
from conformance.wire.transcript import Entry

_COMMUNICATION = "OCPPCommCtrlr"
_WAIT = (_COMMUNICATION, "RetryBackOffWaitMinimum")
WILDCARDS = ("SecurityCtrlr", "AllowCSMSTLSWildcards")


@dataclass(frozen=True)
class Attempt:
    """One attempt to connect: how TLS went, how the upgrade went (None if it was never asked for), and its end."""

    tls: Entry
    upgrade: Entry | None
    close: Entry | None

    @property
    def agreed(self) -> bool:
        """Whether TLS was agreed, as far as the harness can see: a station may find out later what is wrong."""
        return bool(self.tls.detail["ok"] or self.tls.detail.get("went_along"))

    @property
    def asked(self) -> bool:
        """Whether anything of HTTP came, or of what comes before it where there can be none."""
        if self.tls.detail.get("went_along"):
            return True
        detail = {} if self.upgrade is None else self.upgrade.detail
        return detail.get("status") is not None or bool(detail.get("received"))

    @property
    def over(self) -> bool:
        """Whether the connection has come to its end, and not by the harness."""
        if self.tls.detail.get("went_along"):
            return False
        if self.upgrade is None or "no complete handshake" in str(self.upgrade.detail["error"]):
            return False
        return self.upgrade.detail["status"] != HTTPStatus.SWITCHING_PROTOCOLS or self.close is not None

    @property
    def alert(self) -> str:
        """The alert that the station sent, empty for none."""
        return str(self.tls.detail["alert_received"] or "")

    @property
    def entries(self) -> list[Entry]:
        """What there is to show of it."""
        return [each for each in (self.tls, self.upgrade, self.close) if each is not None]


class Guardian:
    """Shows a station something else than its good CSMS, one at a time, and lets it come back after each."""

    def __init__(self, station: Operated, csms: CsmsPeer, door: Door, profile: SutProfile, *, quick: bool) -> None:
        """`quick`: the station tries again soon after a connection was lost."""
        self._station = station
        self._csms = csms
        self._door = door
        self._timing = profile.timing
        self.quick = quick

    def attempts(self, *, after: int) -> list[Attempt]:
        """The attempts of the station from an entry on whose TLS handshake has come to an end."""
        entries = self._csms.transcript.since(after)
        found = []
        for tls in entries:
            if tls.kind == "tls" and tls.sender == "sut" and not tls.detail.get("late"):
                mine = [each for each in entries if each.link == tls.link]
                ends = [next((each for each in mine if each.kind == kind), None) for kind in ("handshake", "close")]
                found.append(Attempt(tls, *ends))
        return found

    async def shown(
        self, tls: ServerTls, *, restarts: bool = False, then: Callable[[], Awaitable[None]] | None = None
    ) -> Attempt | None:
        """Have the station find this, once, and the good one again; its attempt, None where it made none.

        The connection is lost, or with `restarts` the station switched off and on; `then` is done after the attempt.
        Raises NotSeen where it does not come back to the good one.
        """
        csms = self._csms
        with self._door.presenting(tls):
            mark = csms.now
            if restarts:
                await self._station.power_cycle()
            elif csms.link is not None:
                csms.link.abort()
            with suppress(NotSeen):
                await csms.until(lambda: bool(self._tries(mark)), "an attempt to connect", within=self._within)
        with suppress(NotSeen):
            await csms.until(lambda: self._through(mark), "what comes of it", within=self._timing.settle)
        tries = self._tries(mark)[:1]  # before anything is done about it
        csms.touch(*(entry for each in tries for entry in each.entries))
        taken = csms.link
        if taken is not None and taken.is_open and any(each.tls.link == taken.number for each in tries):
            taken.abort()
        if then is not None:
            await then()
        await csms.connected(within=self._within)
        return tries[0] if tries else None

    async def shortest_wait(self) -> float:
        """How long the station waits before it tries again, in seconds; raises AssertionError where it does not say."""
        value = await self._csms.speak.read(_WAIT)
        assert value.strip().replace(".", "", 1).isdigit(), f"{'.'.join(_WAIT)} is {value!r}, not a number"
        return float(value)

    async def welcomed(self, tls: ServerTls) -> list[Attempt]:
        """Have the station find this, which is good, after its connection is lost; its attempts, and it is there again.

        Raises AssertionError where it does not come.
        """
        csms = self._csms
        with self._door.presenting(tls):
            mark = csms.now
            if csms.link is not None:
                csms.link.abort()
            try:
                await csms.connected(within=self._within)
            finally:
                tries = self.attempts(after=mark)
                csms.touch(*(each.tls for each in tries))
        return tries

    async def ended(self, attempt: Attempt, *, patient: bool = True) -> bool:
        """Whether the station ends that connection, at the latest a while after it has come back."""
        connections = self._door.endpoint.listener

        def gone() -> bool:
            return all(each.number != attempt.tls.link for each in connections.connections)

        with suppress(NotSeen):
            limit = self._timing.settle + (self._timing.answer if patient else 0)
            await self._csms.until(gone, "the end of the connection", within=limit)
        return gone()

    async def told(self, event: str, *, after: int, patient: bool = True) -> bool:
        """Whether the station tells of a security event, by its name in the version that is spoken."""
        timing = self._timing
        try:
            await self._csms.expect(
                "SecurityEventNotification",
                where=lambda message: message["type"] == event,
                after=after,
                within=timing.settle + (timing.answer if patient else 0),
            )
        except NotSeen:
            return False
        return True

    def lesser(self, *, after: int) -> str:
        """What the station tried with less security from an entry on, in words, empty for nothing."""
        entries = self._csms.transcript.since(after)
        plain = [each for each in entries if each.kind == "tls" and each.detail["error"] == PLAIN]
        secured = {each.link for each in entries if each.kind == "tls"}
        plain += [each for each in entries if self._dialled(each) and each.link not in secured]
        if plain:
            self._csms.touch(*plain)
            return "the station dialled without TLS"
        for attempt in self.attempts(after=after):
            offered = attempt.tls.detail["offered"].get("versions", ())
            if offered and all(version_problem(each) for each in offered if each != "GREASE"):
                self._csms.touch(attempt.tls)
                return f"the station offered {', '.join(offered)} only"
        return ""

    # -- inside -------------------------------------------------------------------------------------------------------

    @property
    def _within(self) -> float:
        return self._timing.reconnect + self._door.endpoint.listener.options.handshake_timeout

    def _tries(self, mark: int) -> list[Attempt]:
        """The attempts from an entry on that were made with TLS."""
        return [each for each in self.attempts(after=mark) if each.tls.detail["error"] != PLAIN]

    def _through(self, mark: int) -> bool:
        """Whether the first attempt is over."""
        return any(each.over for each in self._tries(mark)[:1])

    def _dialled(self, entry: Entry) -> bool:
        return entry.kind == "handshake" and entry.sender == "sut" and entry.station == self._csms.identity


@asynccontextmanager
async def guarded(
    station: Operated, csms: CsmsPeer, door: Door, profile: SutProfile, *, wait: str = "0"
) -> AsyncIterator[Guardian]:
    """Show things to a station for the length of a block, in which it waits as short as it can between attempts.

    Where it can be told so, it waits for `wait` seconds at first and goes nowhere else meanwhile (TC_A_05_CS, errata
    2025-02), and takes no wildcards.
    """
    wanted: list[tuple[tuple[str, str], tuple[str, ...]]] = [
        (WILDCARDS, ("false",)),
        ((_COMMUNICATION, "RetryBackOffRepeatTimes"), ("0" if wait == "0" else "1",)),
        ((_COMMUNICATION, "RetryBackOffRandomRange"), ("0",)),
        ((_COMMUNICATION, "NetworkProfileConnectionAttempts"), ("3",)),
        (_WAIT, tuple(dict.fromkeys((wait, "1")))),
    ]
    quick = False
    async with AsyncExitStack() as afterwards:
        for setting, values in wanted:
            for value in values:
                with suppress(AssertionError):  # then it is as it is
                    await afterwards.enter_async_context(configured(csms, {setting: value}))
                    quick = setting == _WAIT
                    break
        yield Guardian(station, csms, door, profile, quick=quick)


def refusal(attempt: Attempt | None) -> str:
    """How the station refused, in words; empty where it took what it was shown."""
    if attempt is None:
        return "the station did not dial"
    if not attempt.agreed:
        return attempt.alert or str(attempt.tls.detail["error"])
    return "" if attempt.asked and not attempt.over else "the station ended the connection"
