"""Use case B04 and Part 4 chapter 5.3: the connection is lost, and the station comes back."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.backoff import (
    BackOff,
    Wait,
    bounds,
    one_doubling_short,
    rather_long,
    too_long,
    too_short,
    waits,
)
from conformance.peers.csms import CsmsPeer
from conformance.peers.received import NotSeen
from conformance.peers.scenes import (
    Connector,
    all_connectors_reported,
    configured,
    read_variable,
)
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile
from conformance.wire.faults import Network

THRESHOLD = ("OCPPCommCtrlr", "OfflineThreshold")
SHORT_THRESHOLD = 1
UNKNOWN_REPEATS = "OCPPCommCtrlr.RetryBackOffRepeatTimes can't be read, so nobody knows how far the wait may grow"


@case(
    "TC_B_51_CS",
    "Offline for longer than OfflineThreshold: every connector is reported afterwards",
    requirements=["B04.FR.01"],
    severity=Severity.CRITICAL,
)
async def test_long_outage(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Turn it away until the threshold is well behind; plug in an EV meanwhile, where somebody can."""
    spot = profile.connectors[0]
    clear = _clear(profile)
    async with AsyncExitStack() as afterwards:
        await afterwards.enter_async_context(configured(csms, {THRESHOLD: str(SHORT_THRESHOLD)}))
        mark = csms.now
        async with network.turned_away():
            await csms.disconnected()
            plugged = station.can("plug_in")
            if plugged:
                await afterwards.enter_async_context(_ev(station, csms, spot))
            await csms.silence(for_=SHORT_THRESHOLD + clear)
        await csms.connected(within=_until_back(profile))
        offline = _offline(csms, mark)
        assert offline >= SHORT_THRESHOLD + clear, f"the station was offline for {offline:.1f} s only"
        with spec("B04.FR.01"):
            statuses = await all_connectors_reported(csms, profile.connectors, after=mark)
            assert not plugged or statuses[spot].status == "Occupied", (
                f"EVSE {spot[0]} connector {spot[1]}, where an EV was plugged in, was reported {statuses[spot].status}"
            )


@case(
    "TC_B_52_CS",
    "Offline for less than OfflineThreshold: what has changed is reported afterwards",
    requirements=["B04.FR.02", "STATUS.REPEAT.01"],
    severity=Severity.CRITICAL,
)
async def test_short_outage(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Plug in an EV while it is turned away, and let it come back as soon as it tries."""
    spot = profile.connectors[0]
    threshold = 2 * int(_until_back(profile))
    async with AsyncExitStack() as afterwards:
        await afterwards.enter_async_context(configured(csms, {THRESHOLD: str(threshold)}))
        mark = csms.now
        async with network.turned_away():
            await csms.disconnected()
            plugged = station.can("plug_in")
            if plugged:
                await afterwards.enter_async_context(_ev(station, csms, spot))
        await csms.connected(within=_until_back(profile))
        offline = _offline(csms, mark)
        assert offline <= threshold - _clear(profile), f"the station was offline for {offline:.1f} s"
        if plugged:
            with spec("B04.FR.02"):
                await _reported(csms, spot, "Occupied", after=mark, within=profile.timing.status)
        else:
            spec.unproven("B04.FR.02", "the driver can't plug in an EV, so no status changed while it was offline")
        with contextlib.suppress(NotSeen):
            await csms.until(lambda: _others(csms, spot, mark) != [], "no other status", within=profile.timing.settle)
        if csms.seen("BootNotification", after=mark):
            spec.excuse("STATUS.REPEAT.01", "the station booted, and reports every connector therefore (B01.FR.05)")
        else:
            with spec("STATUS.REPEAT.01"):
                others = _others(csms, spot, mark)
                assert not others, f"not changed, and reported all the same: {', '.join(others)}"


@case(
    "TC_B_57_CS",
    "The connection is lost: the station comes back with a growing back-off",
    requirements=["J.RECONNECT.01", "J.RECONNECT.02", "J.RECONNECT.04", "J.RECONNECT.07"],
    severity=Severity.CRITICAL,
)
async def test_back_off(csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile) -> None:
    """Hang up and let it in at once; hang up again, turn away its first attempt, and let in the second."""
    async with _back_off(csms, profile, repeats=2) as settings:
        mark = csms.now
        await _hang_up(csms)
        with spec.must("J.RECONNECT.01"):
            await csms.connected(within=_until_attempt(settings, 1, profile))
        again = csms.now
        async with network.turned_away():
            with spec.must("J.RECONNECT.01"):
                await _turned_away(csms, 1, after=again, within=_until_attempt(settings, 1, profile))
        with spec.must("J.RECONNECT.01"):
            await csms.connected(within=_until_attempt(settings, 2, profile))
        tolerance = profile.timing.tolerance
        seen = waits(csms.transcript.entries, csms.identity, since=mark)
        afterwards = waits(csms.transcript.entries, csms.identity, since=again)
        with spec("J.RECONNECT.02"):
            for wait in _attempts(csms, seen, 1):
                assert not too_short(wait, settings, tolerance=tolerance), too_short(
                    wait, settings, tolerance=tolerance
                )
        with spec("J.RECONNECT.07"):
            (wait,) = _attempts(csms, afterwards, 1)
            late = too_long(wait, settings, slack=_slack(profile))
            assert not late, f"after a connection that succeeded {late}"
        if settings.repeats is None:
            spec.unproven("J.RECONNECT.04", UNKNOWN_REPEATS)
        else:
            with spec("J.RECONNECT.04"):
                (wait,) = _attempts(csms, afterwards, 2)
                early = too_short(wait, settings, tolerance=tolerance)
                assert not early, f"after one that failed {early}"


@case(
    "RECONNECT_BACK_OFF_LIMITS_CS",
    "The back-off grows as far as it was set, and no further",
    requirements=["J.RECONNECT.03", "J.RECONNECT.05", "J.RECONNECT.06", "J.RECONNECT.10"],
    severity=Severity.NORMAL,
)
async def test_back_off_limits(csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile) -> None:
    """Let it double its wait once, and turn it away until it has to keep to that.

    The documents can be read in two ways (Part 4 5.3): whether the random part is doubled with the base, and
    whether the last doubling counts. Outside of both a wait is wrong, between them it is worth a remark.
    """
    async with _back_off(csms, profile, repeats=1) as settings:
        assert settings.repeats is not None, UNKNOWN_REPEATS
        refusals = settings.repeats + 1
        longest = sum(bounds(settings, attempt).wide for attempt in range(1, refusals + 2))
        assert longest <= profile.timing.case, f"with its own back-off this would take up to {longest:g} s"
        mark = csms.now
        async with network.turned_away():
            for attempt in range(1, refusals + 1):
                await _turned_away(csms, attempt, after=mark, within=_until_attempt(settings, attempt, profile))
        with spec.must("J.RECONNECT.06"):
            await csms.connected(within=_until_attempt(settings, refusals + 1, profile))
        tolerance, slack = profile.timing.tolerance, _slack(profile)
        seen = waits(csms.transcript.entries, csms.identity, since=mark)
        with spec("J.RECONNECT.03"):
            for wait in _attempts(csms, seen, 1):
                assert not too_long(wait, settings, slack=slack), too_long(wait, settings, slack=slack)
        growing = _attempts(csms, seen, *range(2, settings.repeats + 2))
        with spec("J.RECONNECT.05"):
            for wait in growing:
                assert not too_long(wait, settings, slack=slack), too_long(wait, settings, slack=slack)
        for wait in growing:
            if rather_long(wait, settings, slack=slack):
                spec.warn("J.RECONNECT.05", rather_long(wait, settings, slack=slack))
        with spec("J.RECONNECT.06"):
            (last,) = _attempts(csms, seen, refusals + 1)
            late, early = too_long(last, settings, slack=slack), too_short(last, settings, tolerance=tolerance)
            assert not late, f"the back-off grew on: {late}"
            assert not early, f"the back-off was not kept: {early}"
        with spec("J.RECONNECT.10"):
            for wait in _attempts(csms, seen, *range(2, refusals + 2)):
                short = one_doubling_short(wait, settings, tolerance=tolerance)
                assert not short, short


@case(
    "RECONNECT_RESUMES_CS",
    "After a plain reconnect the station goes on as before, without booting anew",
    versions=["2.0.1", "1.6"],
    requirements=["J.RECONNECT.08", "J.ANSWER.01"],
    severity=Severity.NORMAL,
)
async def test_resumes(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Hang up politely, then break the connection off; each time it has to be of use again."""
    for politely in (True, False):
        mark = csms.now
        await _hang_up(csms, politely=politely)
        await csms.connected(within=_until_back(profile))
        with spec("J.ANSWER.01"):
            await csms.speak.question()
        with contextlib.suppress(NotSeen):
            await csms.until(
                lambda mark=mark: bool(csms.seen("BootNotification", after=mark)),  # type: ignore[misc]
                "no BootNotification",
                within=profile.timing.settle,
            )
        boots = csms.seen("BootNotification", after=mark)
        if boots:
            with contextlib.suppress(NotSeen):  # or the next case finds a station that was cut off in its boot
                await all_connectors_reported(csms, profile.connectors, after=boots[-1])
        with spec("J.RECONNECT.08"):
            csms.touch(*boots)
            assert not boots, "the station sent a BootNotification, although it had only lost its connection"


# -- the outage -------------------------------------------------------------------------------------------------------


def _until_back(profile: SutProfile) -> float:
    """How long a station may take to be back, in seconds."""
    return profile.timing.reconnect


def _clear(profile: SutProfile) -> float:
    """How far from the threshold an outage has to be, in seconds, to be clearly longer or shorter."""
    return 3 * profile.timing.tolerance


async def _hang_up(csms: CsmsPeer, *, politely: bool = True) -> None:
    """End the connection, and wait until it is gone; the next one is let in."""
    link = await csms.connected()
    if politely:
        link.start_close(1001, "out of service")
    else:
        link.abort()
    await csms.disconnected()


def _offline(csms: CsmsPeer, mark: int) -> float:
    """For how many seconds there was no connection since `mark`."""
    mine = [entry for entry in csms.transcript.entries[mark:] if entry.station == csms.identity]
    closed = next(entry for entry in mine if entry.kind == "close")
    opened = next(entry for entry in mine if entry.kind == "open" and entry.n > closed.n)
    csms.touch(closed, opened)
    return opened.at - closed.at


@asynccontextmanager
async def _ev(station: StationDriver, csms: CsmsPeer, spot: Connector) -> AsyncIterator[None]:
    """An EV that is plugged in for the length of a block; at its end the connector is free again."""
    await station.plug_in(*spot)
    try:
        yield
    finally:
        mark = csms.now
        await station.unplug(*spot)
        with contextlib.suppress(NotSeen):
            await _reported(csms, spot, "Available", after=mark, within=csms.patience.for_action("StatusNotification"))


async def _reported(csms: CsmsPeer, spot: Connector, status: str, *, after: int, within: float) -> None:
    """Wait until the last that was said of a connector is this status; raises NotSeen."""

    def said() -> list[str]:
        found = [each for each in csms.speak.statuses(csms.traffic(after=after)) if each.connector == spot]
        csms.touch(*(each.message for each in found))
        return [each.status for each in found]

    try:
        await csms.until(
            lambda: said()[-1:] == [status], f"{status} for EVSE {spot[0]} connector {spot[1]}", within=within
        )
    except NotSeen as missing:
        raise NotSeen(f"{missing}; reported was {', '.join(said()) or 'nothing'}") from None


def _others(csms: CsmsPeer, spot: Connector, mark: int) -> list[str]:
    """The other connectors that were reported since `mark`, in words."""
    found = [each for each in csms.speak.statuses(csms.traffic(after=mark)) if each.connector != spot]
    csms.touch(*(each.message for each in found))
    return [f"EVSE {each.connector[0]} connector {each.connector[1]} {each.status}" for each in found]


# -- the back-off -----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _back_off(csms: CsmsPeer, profile: SutProfile, *, repeats: int) -> AsyncIterator[BackOff]:
    """Set the back-off as far as the station lets us, and say how it stands then."""
    wanted = {
        "RetryBackOffWaitMinimum": int(_slack(profile)) + 1,
        "RetryBackOffRandomRange": 0,
        "RetryBackOffRepeatTimes": repeats,
        "NetworkProfileConnectionAttempts": 3,
    }
    async with AsyncExitStack() as afterwards:
        for name, value in wanted.items():
            with contextlib.suppress(AssertionError):  # then it is judged by the value that it keeps
                await afterwards.enter_async_context(configured(csms, {("OCPPCommCtrlr", name): str(value)}))
        minimum, spread = [await _number(csms, name) for name in list(wanted)[:2]]
        try:
            times: float | None = await _number(csms, "RetryBackOffRepeatTimes")
        except AssertionError:
            times = None
        yield BackOff(minimum, spread, None if times is None else int(times))


async def _number(csms: CsmsPeer, name: str) -> float:
    value = await read_variable(csms, "OCPPCommCtrlr", name)
    assert value.strip().replace(".", "", 1).isdigit(), f"OCPPCommCtrlr.{name} is {value!r}, not a number"
    return float(value)


def _slack(profile: SutProfile) -> float:
    """What noticing the loss and dialling may add to a wait, in seconds: no document bounds it."""
    return profile.timing.tolerance + profile.timing.settle


def _until_attempt(settings: BackOff, attempt: int, profile: SutProfile) -> float:
    """How long to wait for an attempt, in seconds, before concluding that none will come."""
    return bounds(settings, attempt).wide + profile.timing.reconnect


async def _turned_away(csms: CsmsPeer, attempts: int, *, after: int, within: float) -> None:
    """Wait until so many attempts have been turned away; raises NotSeen."""

    def seen() -> int:
        return sum(
            entry.kind == "handshake" and entry.station == csms.identity for entry in csms.transcript.entries[after:]
        )

    await csms.until(lambda: seen() >= attempts, f"attempt {attempts} to connect", within=within)


def _attempts(csms: CsmsPeer, seen: list[Wait], *numbers: int) -> list[Wait]:
    """The waits before these attempts, which are named as evidence."""
    found = [wait for wait in seen if wait.attempt in numbers]
    csms.touch(*(entry for wait in found for entry in (wait.begin, wait.end)))
    return found
