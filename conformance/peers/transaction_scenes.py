"""The course of a transaction in OCPP 2.0.1, step by step: how each step is brought about, and what is told of it."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count, pairwise
from typing import Any, Literal, Protocol

from conformance.cases.spec import Spec
from conformance.peers.csms import CsmsPeer
from conformance.peers.csms_dialect import Charging, Connector
from conformance.peers.received import NotSeen, Received, status_told
from conformance.peers.replies import Chosen, Error, Silence
from conformance.peers.scenes import Operated, charging, configured, reboot, transaction
from conformance.peers.v201 import CSMS_ANSWERS
from conformance.sut.drivers import DriverFailed, Unsupported
from conformance.sut.profile import SutProfile
from conformance.sut.tables import OperatorDriver
from conformance.wire.faults import Network

EVENT = "TransactionEvent"
CONNECTED = ("EVConnected", "SuspendedEVSE", "SuspendedEV", "Charging")
"""Charging states that an EV which is plugged in may have."""
EARLY = frozenset({"Authorized", "ParkingBayOccupancy"})
"""Start points that a driver without a plug reaches."""
ENDS_WITH_DRIVER = frozenset({"Authorized", "PowerPathClosed", "EnergyTransfer"})
"""Stop points that are reached once the driver is no longer authorized."""
CACHE = ("AuthCacheCtrlr", "Enabled")
ASK_THE_CSMS: Mapping[tuple[str, str], str] = {
    ("AuthCtrlr", "Enabled"): "true",
    ("AuthCtrlr", "DisableRemoteAuthorization"): "false",
    CACHE: "false",
}
"""Settings with which a station asks the CSMS about every card that is not in a local list."""

Where = Callable[[Received], bool]


class EvSide(Operated, Protocol):
    """A driver that can do what an EV does, and get at both ends of a cable."""

    async def ev_ready(self, evse: int) -> None:
        """Have the EV ask for energy."""

    async def ev_suspend(self, evse: int) -> None:
        """Have it stop asking."""

    async def ev_depart(self, evse: int) -> None:
        """Drive it out of the parking bay."""

    async def disconnect_ev(self, evse: int, connector: int) -> None:
        """Pull the plug out of the EV, and leave the cable in the socket."""


_numbers = count(500_000)
_TWO_READINGS = 2.5
HARMLESS = (EVENT, "Heartbeat", "MeterValues", "NotifyEvent", "StatusNotification", "SecurityEventNotification")
"""What a station may send at any time."""


# -- settings ---------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def as_far_as_possible(csms: CsmsPeer, settings: Mapping[tuple[str, str], str]) -> AsyncIterator[None]:
    """Change settings for the length of a block; one that the station does not have or not let go of stays as it is."""
    async with AsyncExitStack() as afterwards:
        for setting, value in settings.items():
            changed = configured(csms, {setting: value})
            try:
                await afterwards.enter_async_context(changed)
            except AssertionError:
                continue
        yield


@asynccontextmanager
async def start_points(station: Operated, csms: CsmsPeer, *wanted: str) -> AsyncIterator[None]:
    """Have transactions start at these points only, for the length of a block."""
    async with _points(station, csms, "TxStartPoint", wanted):
        yield


@asynccontextmanager
async def stop_points(station: Operated, csms: CsmsPeer, *wanted: str) -> AsyncIterator[None]:
    """Have transactions stop at these points only, for the length of a block."""
    async with _points(station, csms, "TxStopPoint", wanted):
        yield


async def points(csms: CsmsPeer, variable: Literal["TxStartPoint", "TxStopPoint"]) -> set[str]:
    """The start or the stop points that are set."""
    value = await csms.speak.read(("TxCtrlr", variable))
    return {each.strip() for each in value.split(",") if each.strip()}


@asynccontextmanager
async def _points(
    station: Operated, csms: CsmsPeer, variable: Literal["TxStartPoint", "TxStopPoint"], wanted: Collection[str]
) -> AsyncIterator[None]:
    """Set points, or do with those that can't be changed where they hold the one that is wanted.

    The claims of the profile have ruled out those that hold another which comes before it.
    """
    setting = ("TxCtrlr", variable)
    before = await points(csms, variable)
    if before == set(wanted):
        yield
        return
    status = await csms.speak.write(setting, ",".join(wanted))
    if status not in ("Accepted", "RebootRequired"):
        assert before & set(wanted), f"{variable} = {','.join(wanted)} was answered {status}"
        yield
        return
    try:
        if status == "RebootRequired":
            await reboot(station, csms)
        yield
    finally:
        await csms.connected()
        if await csms.speak.write(setting, ",".join(sorted(before))) == "RebootRequired":
            await reboot(station, csms)


@asynccontextmanager
async def time_for_the_plug(csms: CsmsPeer, *values: int) -> AsyncIterator[float]:
    """Give drivers as little time to plug in as the station lets us, for the length of a block; yields the seconds."""
    setting = ("TxCtrlr", "EVConnectionTimeOut")
    async with AsyncExitStack() as afterwards:
        for value in values or (1, 5, 15, 30):
            try:
                await afterwards.enter_async_context(configured(csms, {setting: str(value)}))
            except AssertionError:
                continue
            break
        yield float(await csms.speak.read(setting))


@asynccontextmanager
async def sampled(station: Operated, csms: CsmsPeer, profile: SutProfile) -> AsyncIterator[float]:
    """See to it that something is told of a transaction every few seconds, for the length of a block; yields how many.

    Where the EV can be paused, and no person is needed for that, it will do: nothing is changed then, and 0 is yielded.
    """
    if station.can("ev_suspend") and station.can("ev_ready") and not isinstance(profile.driver, OperatorDriver):
        yield 0.0
        return
    setting = ("SampledDataCtrlr", "TxUpdatedInterval")
    async with AsyncExitStack() as afterwards:
        for seconds in (2, 10, 30):
            try:
                await afterwards.enter_async_context(configured(csms, {setting: str(seconds)}))
            except AssertionError:
                continue
            break
        yield float(await csms.speak.read(setting))


@dataclass(frozen=True, slots=True)
class Retries:
    """How a station repeats events, in seconds.

    `timeout` is what it takes it to see that no answer comes, `next_event` how long another event may be in coming.
    """

    attempts: int
    interval: float
    timeout: float
    next_event: float = 0.0

    def pause(self, repetition: int) -> float:
        """From one attempt to the next: the first repetition is number 1 (E13.FR.03)."""
        return self.timeout + self.interval * repetition

    def until_next(self) -> float:
        """From the last attempt to what comes after it."""
        return self.timeout + self.next_event

    def longest(self) -> float:
        """From the first attempt to the last."""
        return sum(map(self.pause, range(1, self.attempts)))


@asynccontextmanager
async def retries(csms: CsmsPeer, *, attempts: int, interval: int, silent: bool) -> AsyncIterator[Retries]:
    """Have events repeated so, as far as the station lets us, for the length of a block; yields how it does it.

    `silent`: they will get no answer, so that each attempt takes the MessageTimeout.
    """
    names = ("MessageAttempts", "MessageAttemptInterval")
    before = {name: await _communication(csms, name, EVENT) for name in names}
    changed = []
    try:
        for name, value in zip(names, (attempts, interval), strict=True):
            if before[name] != str(value) and await _communicate(csms, name, str(value)) == "Accepted":
                changed.append(name)
        count, pause = [float(await _communication(csms, name, EVENT)) for name in names]
        timeout = float(await _communication(csms, "MessageTimeout", "Default")) if silent else 0.0
        yield Retries(int(count), pause, timeout)
    finally:
        await csms.connected()
        for name in changed:
            await _communicate(csms, name, before[name])


async def _communication(csms: CsmsPeer, name: str, instance: str) -> str:
    item = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": name, "instance": instance}}
    answer = await csms.call("GetVariables", {"getVariableData": [item]})
    result = answer["getVariableResult"][0]
    assert result["attributeStatus"] == "Accepted", f"{name}[{instance}] can't be read: {result['attributeStatus']}"
    value: str = result["attributeValue"]
    return value


async def _communicate(csms: CsmsPeer, name: str, value: str) -> str:
    item = {
        "component": {"name": "OCPPCommCtrlr"},
        "variable": {"name": name, "instance": EVENT},
        "attributeValue": value,
    }
    answer = await csms.call("SetVariables", {"setVariableData": [item]})
    status: str = answer["setVariableResult"][0]["attributeStatus"]
    return status


@asynccontextmanager
async def offline(csms: CsmsPeer, network: Network, profile: SutProfile) -> AsyncIterator[None]:
    """Have the station offline for the length of a block, and know it; at the end it is back."""
    async with network.turned_away():
        await csms.disconnected()
        await csms.silence(for_=profile.timing.settle)
        yield
    await csms.connected(within=profile.timing.reconnect)


# -- what the driver and the EV do ------------------------------------------------------------------------------------


async def present(station: Operated, connector: Connector, id_token: Mapping[str, str]) -> None:
    """Hold a card to the reader of the EVSE; raises Unsupported."""
    await station.present_id_token(connector[0], id_token["idToken"], id_token["type"])


def somebody_plugs_in(station: Operated) -> None:
    """Raise Unsupported where nobody can plug in an EV: before a driver is authorized who would wait for that."""
    if not station.can("plug_in"):
        raise Unsupported("plug_in", "the driver can't plug in an EV")


async def under_way(station: Operated, csms: CsmsPeer, connector: Connector, id_token: Mapping[str, str]) -> Charging:
    """Have an EV charge, or where nobody can plug one in a transaction run; raises NotSeen or AssertionError."""
    if station.can("plug_in"):
        return await charging(station, csms, connector, id_token)
    return await transaction(station, csms, connector, id_token)


async def authorize(
    station: Operated, csms: CsmsPeer, connector: Connector, id_token: Mapping[str, str]
) -> Literal["local", "remote"]:
    """Have a driver authorized: with the card where that can be presented, by a remote start where not."""
    if station.can("present_id_token"):
        try:
            await present(station, connector, id_token)
        except Unsupported:
            pass
        else:
            return "local"
    answer = await csms.speak.remote_start(id_token, connector, next(_numbers))
    assert answer["status"] == "Accepted", f"the remote start was answered {status_told(answer)}"
    return "remote"


def remote_number() -> int:
    """A remoteStartId that was not used before."""
    return next(_numbers)


async def let_go(
    station: Operated, csms: CsmsPeer, session: Charging, id_token: Mapping[str, str]
) -> Literal["local", "remote"]:
    """Have the driver end the charging, with the card where that can be presented, remotely where not."""
    if station.can("present_id_token"):
        try:
            await present(station, session.connector, id_token)
        except Unsupported:
            pass
        else:
            return "local"
    answer = await csms.speak.remote_stop(session.transaction_id)
    assert answer["status"] == "Accepted", f"the remote stop was answered {answer['status']}"
    return "remote"


async def something_happens(
    station: EvSide, csms: CsmsPeer, connector: Connector, seconds: float, *, wait: bool = True
) -> None:
    """Have at least two things happen in a transaction: readings every so many seconds, or with 0 the EV pauses.

    With `wait` they have happened when this returns. The connection may be down.
    """
    if not seconds:
        await station.ev_suspend(connector[0])
        await station.ev_ready(connector[0])
    elif wait:
        await csms.silence(for_=_TWO_READINGS * seconds, allow=HARMLESS)


@asynccontextmanager
async def driven_out(station: EvSide, connector: Connector) -> AsyncIterator[None]:
    """Have the parking bay free at the end of a block, as far as somebody can see to that."""
    try:
        yield
    finally:
        with suppress(DriverFailed, Unsupported):
            await station.ev_depart(connector[0])


async def comes_out(station: Operated, connector: Connector) -> bool:
    """Whether a cable can be pulled out of its socket: a driver fails where it is locked."""
    try:
        await station.unplug(*connector)
    except DriverFailed:
        return False
    return True


def fixed(profile: SutProfile) -> Connector:
    """The first connector with a cable of its own, by its type, or the first of all: there an EV is disconnected."""
    return _first(profile, "c", "w")


def detachable(profile: SutProfile) -> Connector:
    """The first socket, by its type, or the first of all connectors."""
    return _first(profile, "s")


def _first(profile: SutProfile, *kinds: str) -> Connector:
    every = [(evse.id, each.id, each.type) for evse in profile.evse for each in evse.connector]
    return next(((evse, number) for evse, number, type_ in every if type_.startswith(kinds)), profile.connectors[0])


async def disconnect_ev(station: EvSide, profile: SutProfile, connector: Connector) -> None:
    """Pull the plug out of the EV: of a cable that belongs to the station, that is the plug; raises Unsupported."""
    kinds = {(evse.id, each.id): each.type for evse in profile.evse for each in evse.connector}
    if kinds[connector].startswith("s"):
        await station.disconnect_ev(*connector)
    else:
        await station.unplug(*connector)


# -- what the station tells of it -------------------------------------------------------------------------------------


def kind(event: Received) -> str:
    """The eventType."""
    return str(event.get("eventType"))


def trigger(event: Received) -> str:
    """The triggerReason."""
    return str(event.get("triggerReason"))


def state(event: Received) -> str | None:
    """The chargingState, None where the event does not tell it."""
    return _info(event).get("chargingState")


def stopped_reason(event: Received) -> str | None:
    """The stoppedReason, None where it is left out."""
    return _info(event).get("stoppedReason")


def transaction_id(event: Received) -> str:
    """The transactionId, empty where it is missing."""
    return str(_info(event).get("transactionId", ""))


def _info(event: Received) -> Mapping[str, str]:
    info = event.get("transactionInfo")
    return info if isinstance(info, dict) else {}


def in_words(event: Received) -> str:
    """An event in a few words."""
    parts = (kind(event), trigger(event), state(event), stopped_reason(event))
    return " ".join(part for part in parts if part)


class Course:
    """What a station tells of the transactions of one EVSE, from the moment on at which this is made."""

    def __init__(self, csms: CsmsPeer, connector: Connector) -> None:
        self._csms = csms
        self.connector = connector
        self.since = csms.now

    def events(self, *, after: Received | int | None = None) -> list[Received]:
        """The events so far, in the order in which they came; what names no EVSE counts as of this one (E01.FR.16)."""
        evse = self.connector[0]
        places: dict[str, object] = {}
        for event in self._csms.seen(EVENT):
            if isinstance(event.get("evse"), dict):
                places.setdefault(transaction_id(event), event["evse"].get("id"))
        first = self.since if after is None else after
        return [each for each in self._csms.seen(EVENT, after=first) if places.get(transaction_id(each), evse) == evse]

    async def event(
        self, what: str, where: Where, *, after: Received | int | None = None, within: float | None = None
    ) -> Received:
        """The first event of which `where` holds; raises NotSeen with what was told instead."""

        def found() -> Received | None:
            return next((each for each in self.events(after=after) if where(each)), None)

        limit = self._csms.patience.for_action(EVENT) if within is None else within
        try:
            await self._csms.until(lambda: found() is not None, what, within=limit)
        except NotSeen as missing:
            told = self.events(after=after)
            self._csms.touch(*told[-3:])
            raise NotSeen(f"{missing}; {self.told(after=after)}") from None
        event = found()
        assert event is not None
        self._csms.touch(event)
        return event

    def told(self, *, after: Received | int | None = None) -> str:
        """What was told so far, in words."""
        return f"told was: {', '.join(map(in_words, self.events(after=after))) or 'nothing'}"

    async def started(self, *, after: Received | int | None = None) -> Received:
        """The event that starts a transaction."""
        return await self.event("the start of a transaction", lambda event: kind(event) == "Started", after=after)

    async def triggered(self, *reasons: str, after: Received | int | None = None) -> Received:
        """The first event for one of these reasons."""
        what = f"an event for {' or '.join(reasons)}"
        return await self.event(what, lambda event: trigger(event) in reasons, after=after)

    async def shows(self, *states: str, after: Received | int | None = None) -> Received:
        """The first event with one of these charging states."""
        what = f"the charging state {' or '.join(states)}"
        return await self.event(what, lambda event: state(event) in states, after=after)

    async def ended(self, *, after: Received | int | None = None, within: float | None = None) -> Received:
        """The event that ends a transaction."""
        what = "the end of the transaction"
        return await self.event(what, lambda event: kind(event) == "Ended", after=after, within=within)

    async def none(self, what: str, where: Where, *, for_: float, after: Received | int | None = None) -> None:
        """See that no such event comes for so many seconds; raises AssertionError where one does, or has come."""
        try:
            event = await self.event(what, where, after=after, within=for_)
        except NotSeen:
            return
        raise AssertionError(f"{what} was not due, and the station told: {in_words(event)}")

    async def authorized(self, *, after: Received | int | None = None) -> Received:
        """The event that tells of the driver: the first with a token."""
        return await self.event("an event with the idToken", lambda event: "idToken" in event, after=after)


# -- whether it was told right ----------------------------------------------------------------------------------------


def check_trigger(event: Received, *allowed: str) -> None:
    """Raise AssertionError where the triggerReason is none of these."""
    assert trigger(event) in allowed, (
        f"expected the triggerReason {' or '.join(allowed)} in {in_words(event)}, got {trigger(event)}"
    )


def check_state(event: Received, *allowed: str) -> None:
    """Raise AssertionError where the chargingState is none of these."""
    assert state(event) in allowed, (
        f"expected the chargingState {' or '.join(allowed)} in {in_words(event)}, got {state(event) or 'none'}"
    )


def check_reason(event: Received, *allowed: str, may_be_left_out: bool = False) -> None:
    """Raise AssertionError where the stoppedReason is none of these."""
    got = stopped_reason(event)
    expected = " or ".join([*allowed, *(["none"] if may_be_left_out else [])])
    assert got in allowed or (got is None and may_be_left_out), (
        f"expected the stoppedReason {expected} in {in_words(event)}, got {got or 'none'}"
    )


def check_token(event: Received, id_token: Mapping[str, str]) -> None:
    """Raise AssertionError where the event does not name this token."""
    got = event["idToken"]
    same = got["type"] == id_token["type"] and got["idToken"].lower() == id_token["idToken"].lower()
    assert same, f"expected the token {id_token['idToken']} ({id_token['type']}), got {got['idToken']} ({got['type']})"


def check_place(event: Received, connector: Connector) -> None:
    """Raise AssertionError where the event does not name EVSE and connector."""
    place = event["evse"]
    got = (place.get("id"), place.get("connectorId"))
    expected = f"EVSE {connector[0]} connector {connector[1]}"
    assert got == connector, f"expected {expected} in {in_words(event)}, got EVSE {got[0]} connector {got[1]}"


async def judge_card_shown(  # noqa: PLR0913 -- by keyword
    csms: CsmsPeer,
    spec: Spec,
    profile: SutProfile,
    id_token: Mapping[str, str],
    *,
    after: int,
    before: Received,
) -> None:
    """Judge whether the CSMS was asked about a card, of a station that knows none by itself (C01.FR.02)."""
    asked = csms.seen("Authorize", after=after, before=before)
    if not asked and await _may_know_cards(csms, profile):
        spec.excuse("C01.FR.02", "the station may have the card in its cache or its local list")
        return
    with spec("C01.FR.02"):
        assert asked, "a card was presented, and the station did not ask the CSMS about it"
        csms.touch(asked[0])
        check_token(asked[0], id_token)


async def _may_know_cards(csms: CsmsPeer, profile: SutProfile) -> bool:
    """Whether a card may be known to the station by itself: by a list, or a cache that is in use."""
    if profile.claims("local-authorization-list"):
        return True
    if not profile.claims("authorization-cache"):
        return False
    try:
        return (await csms.speak.read(CACHE)).lower() != "false"
    except AssertionError:
        return True


async def judge_plug_timeout(
    csms: CsmsPeer, spec: Spec, profile: SutProfile, course: Course, *, within: float
) -> Received | None:
    """Judge what is told when no plug came in time (E03.FR.05), where there is a transaction to tell it of."""
    if not await points(csms, "TxStartPoint") & EARLY:
        spec.excuse("E03.FR.05", "no start point is reached without a plug, so there is no transaction to end")
        await course.none("a transaction", lambda event: kind(event) == "Started", for_=within - profile.timing.answer)
        return None
    with spec.must("E03.FR.05"):
        event = await course.event(
            "an event for EVConnectTimeout", lambda event: trigger(event) == "EVConnectTimeout", within=within
        )
        if "Authorized" in await points(csms, "TxStopPoint"):
            assert kind(event) == "Ended", f"expected the end of the transaction, got {in_words(event)}"
        if kind(event) == "Ended":
            check_reason(event, "Timeout")
    return event


# -- answers ----------------------------------------------------------------------------------------------------------


def by_default(event: Mapping[str, object]) -> Chosen:
    """What a compliant CSMS answers to an event."""
    return CSMS_ANSWERS[EVENT](event)


class Unaccepted:
    """Answers the next event of a transaction with a refusal, every time or so many times, and all others as usual."""

    def __init__(
        self, csms: CsmsPeer, session: Charging, refusal: Error | Silence, *, times: int | None = None
    ) -> None:
        self._csms = csms
        self._session = session
        self._refusal = refusal
        self._times = times
        self._since = csms.now
        self._number: int | None = None
        self._refused = 0

    def __call__(self, event: Mapping[str, Any]) -> Chosen:
        """The answer to an event."""
        info = event.get("transactionInfo", {})
        if info.get("transactionId") != self._session.transaction_id:
            return by_default(event)
        if self._number is None:
            self._number = event.get("seqNo")
        if event.get("seqNo") != self._number or (self._times is not None and self._refused >= self._times):
            return by_default(event)
        self._refused += 1
        return self._refusal

    @property
    def attempts(self) -> list[Received]:
        """Each time that the event came."""
        return [event for event in self._mine() if event.get("seqNo") == self._number]

    def _mine(self) -> list[Received]:
        seen = self._csms.seen(EVENT, after=self._since)
        return [event for event in seen if transaction_id(event) == self._session.transaction_id]

    def pauses(self) -> list[float]:
        """The seconds between the attempts."""
        self._csms.touch(*self.attempts)
        times = [event.at for event in self.attempts]
        return [later - earlier for earlier, later in pairwise(times)]

    async def came(self, times: int, *, within: float) -> None:
        """Wait until the event has come so many times; raises NotSeen."""
        await self._csms.until(lambda: len(self.attempts) >= times, f"attempt {times} to tell an event", within=within)
        self._csms.touch(*self.attempts)

    async def followed(self, *, within: float) -> None:
        """Wait until an event came after the last attempt so far that is another; raises NotSeen."""

        def another() -> bool:
            return self._mine()[-1].get("seqNo") != self._number

        await self._csms.until(another, "another event after the last attempt", within=within)
