"""The harness as a station: it dials the CSMS under test, boots, charges, and answers whatever it is asked."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from conformance.peers.dialect import Dialect, problem_code
from conformance.peers.equipment import Equipment, Evse, Transaction
from conformance.peers.peer import Patience, Peer, refusal
from conformance.peers.received import NoAnswer, NotSeen, Received, Refused
from conformance.peers.replies import Answer, Chosen, Error, Payload
from conformance.peers.station_v16 import Station16
from conformance.peers.station_v201 import Station201
from conformance.wire.frames import Call, CallResult, encode_call
from conformance.wire.link import HandshakeFailed, Line, Link, LinkOptions, dial
from conformance.wire.schemas import VERSIONS, Problem
from conformance.wire.tls import ClientTls
from conformance.wire.transcript import Entry, Transcript

SPOKEN: Mapping[str, Callable[..., Dialect]] = {"2.0.1": Station201, "1.6": Station16}
"""How the station speaks each version."""

_GRAVE = frozenset({"required", "type", "enum", "minItems"})
"""What has to be wrong with a request, as a keyword of JSON Schema, for the station to refuse it."""

How = Literal["close", "fin", "reset"]


class NotConnected(AssertionError):  # noqa: N818 -- reads as what happened
    """The CSMS did not let the station in: `status` is the HTTP status, `entry` the handshake, None without one."""

    def __init__(self, what: str, entry: Entry | None = None) -> None:
        super().__init__(what)
        self.entry = entry
        self.status: int | None = entry.detail["status"] if entry is not None else None


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """How a CSMS refused a connection: the handshake, None without TCP, and the end of what it had opened."""

    handshake: Entry | None
    closed: Entry | None = None

    @property
    def status(self) -> int | None:
        """The HTTP status of the answer to the upgrade, 101 where it was closed afterwards; None without one."""
        return self.handshake.detail["status"] if self.handshake is not None else None


@dataclass(frozen=True, slots=True)
class Greeting:
    """How the station asks for a connection; every part of it can be wrong on purpose.

    `identity` ends the path, `path` stands before it (None: that of the address of the CSMS). `user` is the identity
    unless another is named, `password` None sends no Authorization header. `headers` are added.
    """

    identity: str
    subprotocols: tuple[str, ...]
    user: str | None = None
    password: str | bytes | None = field(default=None, repr=False)
    path: str | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def url(self, base: str) -> str:
        """The URL to dial, for the address of a CSMS."""
        if self.path is not None:
            parts = urlsplit(base)
            base = f"{parts.scheme}://{parts.netloc}/{self.path.strip('/')}"
        return f"{base.rstrip('/')}/{quote(self.identity, safe='')}"

    @property
    def credentials(self) -> tuple[str, str | bytes] | None:
        """User name and password for HTTP Basic."""
        return None if self.password is None else (self.user or self.identity, self.password)


class StationPeer(Peer):
    """A station of one CSMS under test, which is who `call`, `expect` and `silence` are about.

    It answers everything that a CSMS may ask, from its own equipment, device model (2.0.1) and configuration keys
    (1.6), and does what its answer promised: reports, events, a reset with a new boot. An answer that a case scripts
    promises nothing: what has to follow is then up to the case. Until it was rejected or told to wait it serves all.
    It refuses a request that lacks something or holds what nobody can make sense of, and is lenient with the rest.
    """

    registration: str | None = None

    def __init__(  # noqa: PLR0913 -- what a station is made of, by keyword
        self,
        identity: str,
        transcript: Transcript,
        patience: Patience,
        *,
        url: str,
        versions: Sequence[str] = ("2.0.1",),
        password: str | bytes | None = None,
        user: str | None = None,
        serial: str | None = None,
        equipment: Equipment | None = None,
        items_per_message: int = 10,
        heartbeats: bool = True,
        back_off: float = 1.0,
        options: LinkOptions | None = None,
        tls: ClientTls | None = None,
        line: Line | None = None,
    ) -> None:
        """Connect to nobody yet.

        `url` is the address of the CSMS without the identity; `versions` are offered in this order. `serial` is the
        serial number that it boots with, its identity unless stated. `heartbeats` are sent by itself once it is
        accepted. `back_off` is the pause between attempts to come back after a reset, in seconds. `tls` is how it shows
        itself where the URL begins with wss. `line` is for faults: what the connections of several stations may have in
        common.
        """
        super().__init__(identity, transcript, patience, {version: {} for version in versions})
        self.url = url
        self.equipment = equipment or Equipment()
        self.greeting = Greeting(identity, tuple(VERSIONS[each].subprotocol for each in versions), user, password)
        self.interval: int | None = None
        """What the last boot was told, in seconds."""
        self.booted: Received | None = None
        """The answer to the last BootNotification."""
        self.older: list[Link] = []
        """Connections that are still open although a newer one has been made."""
        self.heartbeats = heartbeats
        self._back_off = back_off
        self._options = options
        self.tls = tls
        self._line = line or Line()
        self._dialects = {
            version: SPOKEN[version](
                self,
                self.equipment,
                identity=identity,
                serial=serial or identity,
                items_per_message=items_per_message,
            )
            for version in versions
        }
        self._after: dict[str, Callable[[], Awaitable[None]]] = {}
        self._heart: asyncio.Task[None] | None = None
        self._spoke = time.monotonic()

    # -- connections --------------------------------------------------------------------------------------------------

    async def connect(self, *, within: float | None = None, tls: ClientTls | None = None, **changes: Any) -> Link:
        """Dial the CSMS; `changes` are fields of `Greeting` that are to be otherwise, this once, as may be `tls`.

        A connection that is open stays so: what becomes of it is the affair of the CSMS. Raises NotConnected, which
        is an AssertionError, where there is no TCP connection, no upgrade or no answer within `within` seconds.
        """
        limit = self.patience.for_action("connection") if within is None else within
        greeting = replace(self.greeting, **changes)
        try:
            async with asyncio.timeout(limit):
                return await dial(
                    greeting.url(self.url),
                    greeting.subprotocols,
                    self.transcript,
                    credentials=greeting.credentials,
                    headers=greeting.headers,
                    options=self._options,
                    on_open=self.attach,
                    on_frame=self.received,
                    on_close=lambda link, _: self.detach(link),
                    tls=tls or self.tls,
                    line=self._line,
                )
        except HandshakeFailed as error:
            self.touch(error.entry)
            raise NotConnected(f"the CSMS did not open the connection: {error}", error.entry) from None
        except TimeoutError:
            raise NotConnected(f"the CSMS did not answer the upgrade within {limit:g} s") from None
        except OSError as error:
            raise NotConnected(f"no TCP connection to {greeting.url(self.url)}: {error}") from None

    async def turned_away(self, *, within: float, **changes: Any) -> TurnedAway:
        """Dial as `connect` does where the CSMS has to refuse, and tell how it did.

        Refusing the upgrade counts, and so does closing the connection within `within` seconds of it. Raises
        AssertionError where the connection stays open, and closes it.
        """
        try:
            link = await self.connect(within=within, **changes)
        except NotConnected as refused:
            return TurnedAway(refused.entry)
        opened = self._opening(link)
        try:
            await self._until(lambda: link.closed is not None, "the end of the connection", within)
        except NotSeen:
            link.start_close(1000)
            await link.wait_closed()
            raise AssertionError(
                f"this connection had to be refused, and was open for {within:g} s"
                f" (subprotocol {link.subprotocol or 'none'})"
            ) from None
        finally:
            self.touch(opened)
        assert link.closed is not None
        self.touch(link.closed)
        return TurnedAway(opened, link.closed)

    def _opening(self, link: Link) -> Entry:
        return next(each for each in self.transcript.entries if each.link == link.number and each.kind == "handshake")

    async def disconnect(self, how: How = "close", *, code: int = 1000, reason: str = "") -> None:
        """End the newest connection: with a close frame, with TCP's FIN only, or by a reset; waits until it is gone."""
        link = self.link
        if link is None:
            return
        match how:
            case "close":
                link.start_close(code, reason)
            case "fin":
                link.fin()
            case "reset":
                link.abort()
        await link.wait_closed()
        await self._until(lambda: self.link is not link, "the end of the connection", self.patience.answer)

    def attach(self, link: Link) -> None:
        """Take over a new connection, and leave an older one as it is."""
        if self.link is not None:
            self.older.append(self.link)
        self.link = link
        self._changed.set()

    def detach(self, link: Link) -> None:
        """Forget a connection that has ended; one before it that is still open is used again."""
        if link in self.older:
            self.older.remove(link)
        newest = self.link is link
        super().detach(link)
        if newest and self.older:
            self.link = self.older.pop()

    async def close(self) -> None:
        """Hang up and let go of everything."""
        self._stop_heart()
        await super().close()
        for link in [*self.older, *([self.link] if self.link is not None else [])]:
            link.start_close(1000)
            await link.wait_closed()

    @property
    def dialect(self) -> Dialect:
        """How it speaks on the connection that there is, or would on one in its first version."""
        return self._dialect_of(self.version_of(self.link) if self.link is not None else None)

    def _dialect_of(self, version: str | None) -> Dialect:
        found = self._dialects.get(version or "")
        return next(iter(self._dialects.values())) if found is None else found

    # -- boot ---------------------------------------------------------------------------------------------------------

    async def boot(self, reason: str = "PowerUp", **fields: Any) -> Received:
        """Send a BootNotification, with `fields` of the payload otherwise, and return the answer as it is.

        What it answers is taken over: the registration, the time and the heartbeat interval.
        """
        return await self.call("BootNotification", {**self.dialect.boot_notification(reason), **fields})

    async def accepted(self, reason: str = "PowerUp", *, within: float | None = None) -> Received:
        """Boot until the CSMS accepts, waiting each time as long as it was told; raises NotSeen."""
        limit = self.patience.for_action("BootNotification") if within is None else within
        deadline = time.monotonic() + limit
        answer = await self.boot(reason)
        while answer["status"] != "Accepted":
            pause = answer.get("interval") or self._back_off
            left = deadline - time.monotonic()
            with suppress(NotSeen):
                what = f"an accepted boot, after {answer['status']},"
                await self._until(lambda: self.registration == "Accepted", what, min(pause, max(left, 0.0)))
                assert self.booted is not None
                return self.booted
            if pause >= left:
                raise NotSeen(f"no boot was accepted within {limit:g} s; the last was answered {answer['status']}")
            answer = await self.boot(reason)
        return answer

    async def bring_up(self, reason: str = "PowerUp", *, within: float | None = None) -> Link:
        """Connect, boot until accepted, and tell the state of every connector: where most cases start."""
        link = await self.connect(within=within) if self.link is None else self.link
        await self.accepted(reason, within=within)
        await self.report_all_connectors()
        return link

    async def report_all_connectors(self) -> list[Received]:
        """Tell the state of every connector; in 1.6 that of the station, as connector 0, too. The answers."""
        return await self.dialect.report_all(self.call)

    async def heartbeat(self) -> Received:
        """Send a heartbeat and return the answer."""
        return await self.call("Heartbeat", {})

    # -- charging -----------------------------------------------------------------------------------------------------

    async def plug_in(self, evse: int = 1, connector: int = 1) -> None:
        """An EV's plug goes into a connector, and the CSMS is told."""
        await self.dialect.plug_in(self.call, *self.equipment.place(evse, connector))

    async def unplug(self, evse: int = 1, connector: int = 1) -> None:
        """It comes out; a transaction that runs there ends."""
        await self.dialect.unplug(self.call, *self.equipment.place(evse, connector))

    async def authorize(self, id_token: Mapping[str, Any]) -> str:
        """Ask about a token, `{"idToken": …, "type": …}` in either version, and return its status."""
        return await self.dialect.authorize(self.call, id_token)

    async def start(self, evse: int = 1, *, id_token: Mapping[str, Any]) -> Transaction:
        """A driver holds a card to the reader of an EVSE: authorize, and start or go on with a transaction.

        Raises AssertionError where the CSMS does not accept the token.
        """
        status = await self.authorize(id_token)
        assert status == "Accepted", f"the token {id_token['idToken']} was answered {status}"
        return await self.dialect.start(self.call, self._evse(evse), id_token)

    async def stop(
        self, transaction: Transaction, why: str = "local", *, id_token: Mapping[str, Any] | None = None
    ) -> Received:
        """A transaction ends; `why` is one of: local, remote, unplugged, reset, power loss and more. The answer."""
        return await self.dialect.stop(self.call, transaction, why, id_token)

    async def sample(self, evse: int = 1) -> Received:
        """Send what the meter shows, as a periodic value. The answer."""
        return await self.dialect.sample(self.call, self._evse(evse))

    def _evse(self, number: int) -> Evse:
        found = self.equipment.evse(number)
        if found is None:
            raise ValueError(f"the station of the harness has no EVSE {number}")
        return found

    # -- what a dialect has it do -------------------------------------------------------------------------------------

    async def say(self, action: str, payload: Payload) -> Received:
        """Make a call by its own doing: neither progress to show nor evidence. Raises as `call` does."""
        async with self._turn:
            link = self.link
            if link is None or not link.is_open:
                raise NoAnswer(f"{action} can't be sent: there is no connection")
            return await self._say_on(link, action, payload)

    async def _say_on(self, link: Link, action: str, payload: Payload) -> Received:
        message_id = str(uuid.uuid4())
        entry = await self._exchange(
            link,
            encode_call(message_id, action, payload),
            message_id,
            what=f"the answer to {action}",
            within=self.patience.answer,
            evidence=False,
        )
        if isinstance(entry.frame, CallResult):
            return Received(entry.frame.payload, entry, f"the answer to {action}")
        raise Refused(action, entry)

    async def reboot(self, reason: str, *, how: How = "close") -> Received:
        """Hang up, come back and boot; the answer as it is. What has to follow is up to the case.

        Nothing else is sent before the boot is answered (B01.FR.08). Raises as `connect` and `call` do.
        """
        answer = await self._boot_anew(reason, how)
        self.touch(answer)
        return answer

    async def restart(self, reason: str) -> None:
        """As a dialect has it done: hang up, come back, boot, and once accepted tell the state of every connector.

        Where it is answered Pending or Rejected, the next boot is up to the case.
        """
        answer = await self._boot_anew(reason, "close")
        if answer["status"] == "Accepted":
            await self.dialect.report_all(self.say)

    async def _boot_anew(self, reason: str, how: How) -> Received:
        async with self._turn:
            self._stop_heart()
            await self.disconnect(how, code=1001, reason="reboot")
            self.registration = None
            for each in self._dialects.values():
                each.forget_session()
            link = await self.come_back()
            return await self._say_on(link, "BootNotification", self.dialect.boot_notification(reason))

    async def come_back(self) -> Link:
        """Connect, trying again and again for as long as a connection may take to come; raises NotConnected."""
        deadline = time.monotonic() + self.patience.for_action("connection")
        while True:
            try:
                return await self.connect()
            except NotConnected:
                if time.monotonic() + self._back_off > deadline:
                    raise
                await asyncio.sleep(self._back_off)

    async def reconnect(self, password: str | bytes) -> None:
        """Hang up and come back with a new password, kept from then on (A01)."""
        async with self._turn:
            self.greeting = replace(self.greeting, password=password)
            self.transcript.secrets.observe(password.decode("latin-1") if isinstance(password, bytes) else password)
            await self.disconnect(code=1001, reason="new password")
            await self.come_back()

    def later(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something in the background; that the CSMS does not answer there is in the transcript."""

        async def do() -> None:
            with suppress(AssertionError, ConnectionError):
                await work()

        self._in_background(do())

    async def told(
        self,
        action: str,
        *,
        after: Received | Entry | int,
        where: Callable[[Payload], bool] = lambda _: True,
        within: float | None = None,
    ) -> Received:
        """Wait until it has made a call by its own doing, after entry `after`, that was answered; gives the answer.

        Raises Refused where that is a CALLERROR, NotSeen where there is none within so many seconds.
        """
        first = after if isinstance(after, int) else after.n + 1
        limit = self.patience.for_action(action) if within is None else within

        def answer() -> Entry | None:
            made = self.transcript.exchanges(sender="harness", action=action, station=self.identity, since=first)
            meant = (each for each in made if isinstance(each.call.frame, Call) and where(each.call.frame.payload))
            return next((each.answer for each in meant if each.answer is not None), None)

        await self._until(lambda: answer() is not None, f"the answer to a {action} of the station", limit)
        entry = answer()
        assert entry is not None
        self.touch(entry)
        if isinstance(entry.frame, CallResult):
            return Received(entry.frame.payload, entry, f"the answer to {action}")
        raise Refused(action, entry)

    # -- heartbeats ---------------------------------------------------------------------------------------------------

    def heartbeat_every(self, seconds: float | None) -> None:
        """Send a heartbeat whenever nothing else was sent for so many seconds; None or 0: never."""
        self._stop_heart()
        if seconds is not None and seconds > 0 and self.heartbeats:
            self._heart = asyncio.get_running_loop().create_task(self._beat(seconds))
            self._background.add(self._heart)
            self._heart.add_done_callback(self._background.discard)

    async def _beat(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(max(self._last_sent() + seconds - time.monotonic(), 0.01))
            if time.monotonic() - self._last_sent() >= seconds and self.link is not None:
                with suppress(AssertionError, ConnectionError):
                    await self.say("Heartbeat", {})

    def _last_sent(self) -> float:
        """When it last sent anything; while there is no connection, now."""
        return self._spoke if self.link is not None else time.monotonic()

    def _stop_heart(self) -> None:
        if self._heart is not None:
            self._heart.cancel()
            self._heart = None

    def _noticed(self, entry: Entry) -> None:
        super()._noticed(entry)
        if entry.kind == "frame" and entry.sender == "harness" and entry.station == self.identity:
            self._spoke = entry.at

    # -- answering ----------------------------------------------------------------------------------------------------

    def received(self, link: Link, entry: Entry) -> None:
        """Take a frame; the answer to a boot is taken over before anything that comes after it."""
        exchange = self.transcript.exchange(entry) if isinstance(entry.frame, CallResult) else None
        if exchange is not None and getattr(exchange.call.frame, "action", "") == "BootNotification":
            self._booted(link, entry)
        super().received(link, entry)

    def _booted(self, link: Link, entry: Entry) -> None:
        assert isinstance(entry.frame, CallResult)
        told = entry.frame.payload
        status, interval = told.get("status"), told.get("interval")
        self.booted = Received(told, entry, "the answer to BootNotification")
        self.registration = status if isinstance(status, str) else None
        self.interval = interval if isinstance(interval, int) else None
        if status == "Accepted":
            self.equipment.clock.set(told.get("currentTime"))
            self._dialect_of(self.version_of(link)).accepted(self.interval or 0)
            self.heartbeat_every(self.interval)
        else:
            self._stop_heart()
        self._changed.set()

    def default_answer(self, call: Call, version: str) -> Answer:
        """What a compliant station says to this call, in this version of OCPP."""
        dialect = self._dialect_of(version)
        if self.registration == "Rejected":
            return dialect.while_rejected
        if self.registration == "Pending" and call.action in dialect.while_pending:
            return dialect.while_pending[call.action]
        handler = dialect.handlers.get(call.action)
        if handler is None:
            return refusal(call, version)

        def decide(payload: Payload) -> Chosen:
            flaw = next((each for each in self._flaws(call) if each.keyword in _GRAVE), None)
            if flaw is not None:
                return Error(problem_code(version, flaw.keyword), flaw.message[:255])
            reply = handler(payload)
            if isinstance(reply, Error):
                return reply
            if reply.then is not None:
                self._after[call.message_id] = reply.then
            return reply.payload

        return decide

    def _flaws(self, call: Call) -> tuple[Problem, ...]:
        """What the schema finds wrong with a call that has just come."""
        return next((each.problems for each in reversed(self.transcript.entries) if each.frame is call), ())

    def answered_with(self, call: Received) -> Payload:
        """What the station has answered to a call; nothing where that was a CALLERROR, or is still to come."""
        exchange = self.transcript.exchange(call.entry)
        frame = exchange.answer.frame if exchange is not None and exchange.answer is not None else None
        return frame.payload if isinstance(frame, CallResult) else {}

    def answer_at_last(self, call: Received) -> None:
        """Give the default answer to a call that was met with `Silence`, if its connection is still there."""
        link = next((each for each in (self.link, *self.older) if each and each.number == call.entry.link), None)
        if link is not None and link.is_open and isinstance(call.entry.frame, Call):
            self._give(link, call.entry.frame, self.default_answer(call.entry.frame, self.version_of(link)))

    def gave(self, call: Call, answer: Mapping[str, Any]) -> None:  # noqa: ARG002 -- as all peers have it
        """Do what the answer has promised."""
        work = self._after.pop(call.message_id, None)
        if work is not None:
            self.later(work)
