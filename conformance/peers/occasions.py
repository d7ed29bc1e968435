"""What the cases on everything told of transactions share: occasions to tell something, and findings from the oracle.

A run that has had these occasions in other cases needs none of them again; what goes wrong in one is in the transcript.
"""

import contextlib
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from math import inf

from conformance.cases.catalogue import catalogue
from conformance.cases.spec import Spec
from conformance.oracles import wire
from conformance.oracles.transactions import Circumstances, Ledger, Made, judge, ledger, unseen
from conformance.oracles.transactions.meter import ENERGY
from conformance.peers.csms import CsmsPeer
from conformance.peers.csms_dialect import Setting
from conformance.peers.received import NotSeen, Received
from conformance.peers.replies import Answer, Error, Late, Silence
from conformance.peers.scenes import Charging, configured, pull_plug, running, stop_charging, transaction, vacated
from conformance.sut.drivers import DriverFailed, StationDriver, Unsupported
from conformance.sut.profile import SutProfile
from conformance.wire.faults import Network

_WHATEVER = (AssertionError, LookupError, TypeError, ValueError, Unsupported, DriverFailed)
"""How an occasion may go wrong: what is judged is in the transcript all the same."""

_POINTED_AT = 20
_OVER = "the transaction is over"
_A_MOMENT = 0.1
_SAMPLE = 1
"""Seconds between meter readings."""
_ATTEMPTS = 3
_transaction_ids = count(4711)
_INTERVAL = 1


class Occasions:
    """Has a station under test tell of transactions, in trouble and out of it."""

    def __init__(
        self, station: StationDriver, csms: CsmsPeer, network: Network, profile: SutProfile, *, wanted: bool = True
    ) -> None:
        """Where no occasion is `wanted`, what was told without one has to do."""
        self.wanted = wanted
        self._station = station
        self._csms = csms
        self._network = network
        self._profile = profile
        self._spot = profile.connectors[0]
        self._token = profile.parameters.valid_id_token.payload
        self._slack = profile.timing.tolerance + _A_MOMENT
        self._judged = catalogue(profile.version).judged

    # -- what was told ------------------------------------------------------------------------------------------------

    def book(self, identity: str | None = None) -> Ledger:
        """What was told so far."""
        csms, timing = self._csms, self._profile.timing
        around = Circumstances(
            made=self.made if identity in (None, csms.identity) else (),
            over=not running(csms),
            tolerance=timing.tolerance,
            patience=max(timing.settle, timing.queue, 1.0),
        )
        return ledger(
            csms.transcript,
            identity or csms.identity,
            version=self._profile.version,
            now=csms.transcript.clock.monotonic(),
            circumstances=around,
        )

    @property
    def made(self) -> list[Made]:
        """The transactions that ended offline, on an occasion of now or in an earlier case."""
        entries = self._csms.transcript.entries
        notes = [entry for entry in entries if entry.kind == "note" and entry.detail.get("text") == _OVER]
        return [Made(evse=each.detail["place"], since=entries[each.detail["since"]], until=each) for each in notes]

    def lacking(self, requirements: Collection[str]) -> bool:
        """Whether something has yet to happen for these to be judged, and may be made to."""
        judged = self._judged(requirements)
        return self.wanted and any(each in judged for each in unseen(self.book()))

    async def settled(self) -> None:
        """Wait until nothing more has come for as long as a station may take."""
        csms, quiet = self._csms, max(self._profile.timing.settle, 1.0) + 0.2
        if self._quiet_for() > quiet:
            return
        with contextlib.suppress(*_WHATEVER):
            await csms.connected()
            for _ in range(10):
                mark = csms.now
                await csms.until(
                    lambda mark=mark: bool(self._told(mark)),  # type: ignore[misc]
                    "no more of transactions",
                    within=quiet,
                )

    def _quiet_for(self) -> float:
        """For how many seconds nothing has been told on a connection that is still there."""
        book = self.book()
        last = book.links.last
        if last is None or last.closed is not None:
            return 0.0
        came = [each.call.at for event in book.events for each in event.deliveries]
        return book.now - max([last.opened.at, *came]) if came else inf

    def _told(self, mark: int) -> list[Received]:
        csms = self._csms
        return [each for action in csms.speak.transaction_messages for each in csms.seen(action, after=mark)]

    def _answer(self, *answers: Answer) -> None:
        """Answer the next messages of each kind about transactions with these."""
        for action in self._csms.speak.transaction_messages:
            self._csms.answer(action, *answers)

    # -- occasions ----------------------------------------------------------------------------------------------------

    async def outage(self) -> None:
        """A transaction that is cut off in its course, and ends offline where somebody can do that; then another.

        Before the break the harness answers nothing, so that one message is under way and others wait.
        """
        async with self._occasion({"MeterValueSampleInterval": str(_SAMPLE)}):
            csms, first = self._csms, len(self._csms.transcript.entries)
            await transaction(self._station, csms, self._spot, self._token)
            await self._more(csms.now)
            for action in csms.speak.transaction_messages:
                csms.keep_answering(action, Silence())
            mark = csms.now
            await self._more(mark)
            await self._pass(self._slack + _SAMPLE)
            async with self._network.turned_away():
                await csms.disconnected()
                self._answer()
                await self._pass(self._slack + 2 * _SAMPLE)
                await self._stopped_offline(first)
                await self._pass(self._slack)
            mark = csms.now
            await csms.connected(within=self._profile.timing.reconnect)
            await self._more(mark)
            await self._drained()

    async def _stopped_offline(self, first: int) -> None:
        """End a transaction without a connection, and begin another, as far as the driver can."""
        station, csms, place = self._station, self._csms, self._spot
        if place not in station.plugged or not station.can("unplug"):
            return
        if station.can("present_id_token"):
            await station.present_id_token(place[0], self._token["idToken"], self._token["type"])
            await self._pass(0.1)
        await pull_plug(station, place)
        await self._pass(0.1)
        number = place[0] if self._profile.version != "1.6" else self._profile.connectors.index(place) + 1
        csms.transcript.note(_OVER, since=first, place=number)
        await self._pass(self._slack)
        if station.can("present_id_token"):
            await station.plug_in(*place)
            await station.present_id_token(place[0], self._token["idToken"], self._token["type"])

    async def usual(self) -> None:
        """Two transactions on one connector, from a start to a stop in order, with readings all through."""
        settings: dict[Setting, str] = {"MeterValueSampleInterval": str(_SAMPLE)}
        for name in ("TxStartedMeasurands", "TxEndedMeasurands"):
            settings["SampledDataCtrlr", name] = ENERGY
        async with self._occasion(settings):
            for _ in range(2):
                session = await transaction(self._station, self._csms, self._spot, self._token)
                await self._pass(_SAMPLE + _A_MOMENT)
                await stop_charging(self._station, self._csms, session, self._token)

    async def failures(self) -> None:
        """Fail to process one message until its last attempt, and another once more than that."""
        settings: dict[Setting, str] = {
            "TransactionMessageAttempts": str(_ATTEMPTS),
            "TransactionMessageRetryInterval": str(_INTERVAL),
            "MeterValueSampleInterval": "0",
        }
        failed = Error("InternalError", "out of order")
        async with self._occasion(settings):
            csms = self._csms
            first, *others = csms.speak.transaction_messages
            once = [failed] * (_ATTEMPTS - 1)
            if others:
                csms.answer(first, *[failed] * _ATTEMPTS)
                csms.answer(others[0], *once)
            else:
                csms.answer(first, *once, Late(0.0), *[failed] * _ATTEMPTS)
            with contextlib.suppress(NotSeen):
                await transaction(self._station, csms, self._spot, self._token)
            await self._failed(first)
            if others:
                await self._cut_short()
                await self._failed(others[0])
            await self._pass(_INTERVAL * _ATTEMPTS + self._slack)

    async def _failed(self, action: str) -> None:
        """Wait until all attempts have been made that will fail."""
        csms, pauses = self._csms, sum(_INTERVAL * number for number in range(1, 2 * _ATTEMPTS))
        limit = pauses + csms.patience.for_action(action)
        with contextlib.suppress(NotSeen):
            await csms.until(lambda: not csms.unused.get(action), "the last attempt", within=limit)

    async def _cut_short(self) -> None:
        """Stop what was started, at the station where that can be done."""
        station = self._station
        if self._spot in station.plugged and station.can("unplug"):
            await pull_plug(station, self._spot)
        else:
            for identifier in running(self._csms):
                await self._csms.speak.remote_stop(identifier)

    async def remote_stop(self) -> None:
        """A transaction that the CSMS stops."""
        async with self._occasion({}):
            session = await transaction(self._station, self._csms, self._spot, self._token)
            await self._pass(self._slack)
            await self._csms.speak.remote_stop(session.transaction_id)
            await self._ended(session)

    async def pulled(self) -> None:
        """A transaction that ends because the EV is gone."""
        async with self._occasion({}):
            session = await transaction(self._station, self._csms, self._spot, self._token)
            await self._station.unplug(*self._spot)
            await self._ended(session)

    async def invalid_stops(self) -> None:
        """A transaction whose token turns out invalid, which stops it."""
        await self._invalid(stops=True)

    async def invalid_goes_on(self) -> None:
        """A transaction whose token turns out invalid, which stops its energy only."""
        await self._invalid(stops=False)

    async def _invalid(self, *, stops: bool) -> None:
        settings: dict[Setting, str] = {
            "StopTransactionOnInvalidId": str(stops).lower(),
            "MeterValueSampleInterval": str(_SAMPLE),
        }
        async with self._occasion(settings):
            csms = self._csms
            action = csms.speak.transaction_messages[0]
            csms.keep_answering(action, self._refusing)
            mark = csms.now
            session = await transaction(self._station, csms, self._spot, self._token)
            if stops:
                await self._ended(session)
            else:
                await self._pass(self._slack)
                for _ in range(2):
                    mark = csms.now
                    await self._more(mark)

    def _refusing(self, payload: object) -> dict[str, object]:
        if self._profile.version == "1.6":
            return {"transactionId": next(_transaction_ids), "idTagInfo": {"status": "Invalid"}}
        shown = isinstance(payload, dict) and "idToken" in payload
        return {"idTokenInfo": {"status": "Invalid"}} if shown else {}

    async def nobody_came(self) -> None:
        """A transaction that begins with the authorization, and for which nobody plugs in."""
        async with self._occasion({"ConnectionTimeOut": str(_INTERVAL)}):
            station, csms = self._station, self._csms
            mark = csms.now
            if station.can("present_id_token"):
                await station.present_id_token(self._spot[0], self._token["idToken"], self._token["type"])
            else:
                await csms.speak.remote_start(self._token, self._spot, 1)
            await self._more(mark)
            with contextlib.suppress(NotSeen):
                await csms.until(lambda: not running(csms), "the end", within=_INTERVAL + self._profile.timing.status)

    async def reset(self) -> None:
        """A transaction that a reset ends."""
        async with self._occasion({}):
            csms = self._csms
            await transaction(self._station, csms, self._spot, self._token)
            mark = csms.now
            await csms.speak.reset("now")
            await csms.expect("BootNotification", after=mark)
            await csms.connected(within=self._profile.timing.reconnect)
            await self.settled()

    # -- steps --------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _occasion(self, settings: Mapping[Setting, str]) -> AsyncIterator[None]:
        """Set the station as far as it lets us, and put everything back."""
        with contextlib.suppress(*_WHATEVER):
            async with AsyncExitStack() as afterwards:
                for name, value in settings.items():
                    with contextlib.suppress(*_WHATEVER):
                        await afterwards.enter_async_context(configured(self._csms, {name: value}))
                await afterwards.enter_async_context(vacated(self._station, self._csms))
                yield

    async def _more(self, mark: int) -> None:
        """Wait until something is told of a transaction."""
        with contextlib.suppress(NotSeen):
            await self._csms.until(
                lambda: bool(self._told(mark)), "more of the transaction", within=self._profile.timing.status
            )

    async def _pass(self, seconds: float) -> None:
        """Let some time pass, whatever is told."""
        with contextlib.suppress(NotSeen):
            await self._csms.until(lambda: False, "time to pass", within=seconds)

    async def _drained(self) -> None:
        """Wait until what was kept has come."""
        with contextlib.suppress(NotSeen):
            await self._csms.until(lambda: len(running(self._csms)) <= 1, "the end", within=self._profile.timing.status)

    async def _ended(self, session: Charging) -> None:
        with contextlib.suppress(NotSeen):
            await self._csms.speak.ended(session.transaction_id, after=session.event)


def judged(
    occasions: Occasions, csms: CsmsPeer, spec: Spec, requirements: Iterable[str], *, may_lack: Collection[str] = ()
) -> None:
    """Turn what the oracle finds into findings that point at the messages.

    What nothing came to show is unproven; for those in `may_lack` it is excused, unless that goes for all that there is
    to judge, and for all where nobody wanted it.
    """
    books = [occasions.book(each) for each in _identities(csms)]
    misses = wire.together(judge(book) for book in books)
    missing = unseen(books[0])
    requirements = catalogue(books[0].version).judged(requirements)
    may_lack = catalogue(books[0].version).judged(may_lack) if occasions.wanted else requirements
    if occasions.wanted and all(each in missing and not misses[each] for each in requirements):
        may_lack = ()
    for requirement in requirements:
        found = misses[requirement]
        if not found and requirement in missing:
            say = spec.excuse if requirement in may_lack else spec.unproven
            say(requirement, missing[requirement])
            continue
        with spec(requirement):
            csms.touch(*(entry for miss in found[:_POINTED_AT] for entry in miss.entries))
            assert not found, wire.summary(found)


def _identities(csms: CsmsPeer) -> list[str]:
    return list(dict.fromkeys([csms.identity, *wire.stations(csms.transcript)]))
