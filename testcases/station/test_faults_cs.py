"""The matrix: each fault of the network at moments of a transaction, from before it starts to after it ended."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from conformance.cases.case import case
from conformance.cases.matrix import Moment
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms import CsmsPeer
from conformance.peers.fault_scenes import AGAIN, LOST, OFFLINE, ORDER, SAME, Lasting, Striking, trials
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile
from conformance.wire.faults import Network
from conformance.wire.transcript import Entry

BOTH = ("2.0.1", "1.6")
Moments = Callable[..., Sequence[Moment]]

SLOWNESS = 0.2
"""Seconds that everything takes on a slow line, each way."""
NARROWNESS = 4000
"""Bytes in a second on a narrow one."""


@case(
    "FAULT_OUTAGE_CS",
    "The network is gone for a while: everything is told afterwards, in its order, as it was made",
    versions=BOTH,
    requirements=[LOST, OFFLINE, ORDER],
    severity=Severity.BLOCKER,
)
async def test_outage(  # noqa: PLR0913 -- fixtures
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile, moments: Moments
) -> None:
    """Nobody listens any more, and the connection is reset."""
    async with trials(station, csms, network, spec, profile) as trial:
        fault = Lasting("outage", network.refused)
        for moment in moments("at stop", "charging", "not started", "start told", "suspended", "resuming", "end told"):
            await trial.make(fault, moment)


@case(
    "FAULT_TURNED_AWAY_CS",
    "The station is turned away with HTTP 503 or 401 for a while: nothing is lost by that",
    versions=BOTH,
    requirements=[LOST, OFFLINE],
    severity=Severity.CRITICAL,
)
async def test_turned_away(  # noqa: PLR0913 -- fixtures
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile, moments: Moments
) -> None:
    """The CSMS closes the connection, and answers the upgrade with a status."""
    async with trials(station, csms, network, spec, profile) as trial:
        for moment in moments("at stop", "resuming", "not started", "end told"):
            await trial.make(Lasting("HTTP 503", lambda: network.turned_away(503)), moment)
        for moment in moments("end told", "at stop", usual=1, proving=0):
            await trial.make(Lasting("HTTP 401", lambda: network.turned_away(401)), moment)


@case(
    "FAULT_DROPPED_CS",
    "The connection is reset, or ends without a goodbye, and can be had again at once: nothing is lost or changed",
    versions=BOTH,
    requirements=[LOST, SAME, ORDER],
    severity=Severity.CRITICAL,
)
async def test_dropped(  # noqa: PLR0913 -- fixtures
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile, moments: Moments
) -> None:
    """RST, then FIN."""
    async with trials(station, csms, network, spec, profile) as trial:
        for moment in moments("end told", "charging", "start told", "resuming", "at stop"):
            await trial.make(Lasting("reset", network.reset), moment)
        for moment in moments("start told", "at stop", "charging", usual=1, proving=0):
            await trial.make(Lasting("FIN", network.fin), moment)


@case(
    "FAULT_HALF_OPEN_CS",
    "The network swallows everything for a while without a word: nothing is lost by that",
    versions=BOTH,
    requirements=[LOST],
    severity=Severity.CRITICAL,
)
async def test_half_open(  # noqa: PLR0913 -- fixtures
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile, moments: Moments
) -> None:
    """The connection looks good, until the station finds out by its pings."""
    async with trials(station, csms, network, spec, profile, WebSocketPingInterval="1") as trial:
        fault = Lasting("half-open", network.stalled, drops=False, seconds=2.2)
        for moment in moments("charging", "at stop", "start told", "end told"):
            await trial.make(fault, moment)


@case(
    "FAULT_NO_PONG_CS",
    "Pings are not answered for a while, and all else is: nothing is lost by that",
    versions=BOTH,
    requirements=[LOST],
)
async def test_no_pong(  # noqa: PLR0913 -- fixtures
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile, moments: Moments
) -> None:
    """A station that pings takes the connection for dead and makes another."""
    async with trials(station, csms, network, spec, profile, WebSocketPingInterval="1") as trial:
        fault = Lasting("no pong", network.no_pong, drops=False, seconds=2.2)
        for moment in moments("charging", "suspended", "at stop", usual=1):
            await trial.make(fault, moment)


@case(
    "FAULT_SLOW_HANDSHAKE_CS",
    "The connection is lost, and the next takes its time to open: nothing is lost by that",
    versions=BOTH,
    requirements=[LOST],
)
async def test_slow_handshake(  # noqa: PLR0913 -- fixtures
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile, moments: Moments
) -> None:
    """The upgrade is answered late."""

    @asynccontextmanager
    async def slowly() -> AsyncIterator[Entry]:
        async with network.slow_handshake(1.0) as begin, network.reset():
            yield begin
            await csms.connected()

    async with trials(station, csms, network, spec, profile) as trial:
        for moment in moments("charging", "at stop", "start told", "end told", usual=1):
            await trial.make(Lasting("slow handshake", slowly), moment)


@case(
    "FAULT_SLOW_CS",
    "Everything takes its time on the way: nothing is lost, and nothing told again for that",
    versions=BOTH,
    requirements=[LOST, ORDER],
)
async def test_slow(  # noqa: PLR0913 -- fixtures
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile, moments: Moments
) -> None:
    """Delay and jitter, then little bandwidth."""
    async with trials(station, csms, network, spec, profile) as trial:
        for moment in moments("not started", "at stop", "charging", "resuming", usual=1):
            slow = Lasting(
                "delay, jitter",
                lambda: network.delayed(SLOWNESS, jitter=SLOWNESS / 2, seed=1),
                drops=False,
                seconds=10 * SLOWNESS,
            )
            await trial.make(slow, moment)
        for moment in moments("charging", "at stop", usual=1, proving=0):
            narrow = Lasting("narrow line", lambda: network.narrow(NARROWNESS), drops=False, seconds=1.0)
            await trial.make(narrow, moment)


@case(
    "FAULT_NO_ANSWER_CS",
    "A message about a transaction arrives and is not answered: it is told again, and says the same",
    versions=BOTH,
    requirements=[AGAIN, SAME],
    severity=Severity.CRITICAL,
)
async def test_no_answer(  # noqa: PLR0913 -- fixtures
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile, moments: Moments
) -> None:
    """The connection stays, and the answer never comes."""
    async with trials(station, csms, network, spec, profile) as trial:
        fault = Striking("no answer", network.unanswered)
        for moment in moments("end told", "start told", "charging", "resuming"):
            await trial.make(fault, moment)


@case(
    "FAULT_ANSWER_CUT_OFF_CS",
    "A message about a transaction arrives, and the connection ends before or in its answer: it is told again",
    versions=BOTH,
    requirements=[LOST, SAME],
    severity=Severity.CRITICAL,
)
async def test_answer_cut_off(  # noqa: PLR0913 -- fixtures
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile, moments: Moments
) -> None:
    """A reset instead of the answer, then an answer that breaks off in mid-frame."""
    async with trials(station, csms, network, spec, profile) as trial:
        for moment in moments("end told", "start told", "charging", "resuming"):
            await trial.make(Striking("answer reset", network.reset_before_answer), moment)
        for moment in moments("start told", "end told", "charging", usual=1, proving=0):
            await trial.make(Striking("answer cut", network.cut), moment)


@case(
    "FAULT_CALLERROR_CS",
    "A message about a transaction is answered with an error once: it is told again, and says the same",
    versions=BOTH,
    requirements=[AGAIN, SAME],
    severity=Severity.CRITICAL,
)
async def test_call_error(  # noqa: PLR0913 -- fixtures
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile, moments: Moments
) -> None:
    """The CSMS is out of order for one message."""
    async with trials(station, csms, network, spec, profile) as trial:
        fault = Striking("CALLERROR", network.erring)
        for moment in moments("end told", "start told", "charging", "resuming"):
            await trial.make(fault, moment)
