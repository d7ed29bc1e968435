"""The matrix: each fault of the network at moments of a transaction, told to the CSMS by a station that repeats."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from conformance.cases.case import case
from conformance.cases.matrix import Moment
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.fault_rides import ALIKE, ANSWERED, SERVED, rides
from conformance.peers.fault_scenes import Lasting, Striking
from conformance.peers.station import NotConnected, StationPeer
from conformance.sut.drivers import CsmsDriver
from conformance.sut.profile import SutProfile
from conformance.wire.faults import StationNetwork
from conformance.wire.transcript import Entry

BOTH = ("2.0.1", "1.6")
Moments = Callable[..., Sequence[Moment]]

SLOWNESS = 0.2
"""Seconds that everything takes on a slow line, each way."""
NARROWNESS = 4000
"""Bytes in a second on a narrow one."""


@case(
    "FAULT_OUTAGE_CSMS",
    "The station has no network for a while: what it tells afterwards is answered, and it is served as before",
    versions=BOTH,
    requirements=[ANSWERED, SERVED, ALIKE],
    severity=Severity.BLOCKER,
)
async def test_outage(  # noqa: PLR0913 -- fixtures
    station: StationPeer, csms: CsmsDriver, network: StationNetwork, spec: Spec, profile: SutProfile, moments: Moments
) -> None:
    """The connection is reset, and there is no way to the CSMS."""
    async with rides(station, csms, network, spec, profile) as ride:
        fault = Lasting("outage", network.refused)
        for moment in moments(
            "start told", "at stop", "not started", "charging", "suspended", "resuming", "end told", usual=3
        ):
            await ride.make(fault, moment)


@case(
    "FAULT_DROPPED_CSMS",
    "The connection is reset, or ends without a goodbye, and the station is back at once: it is served as before",
    versions=BOTH,
    requirements=[ANSWERED, SERVED, ALIKE],
    severity=Severity.CRITICAL,
)
async def test_dropped(  # noqa: PLR0913 -- fixtures
    station: StationPeer, csms: CsmsDriver, network: StationNetwork, spec: Spec, profile: SutProfile, moments: Moments
) -> None:
    """RST, then FIN."""
    async with rides(station, csms, network, spec, profile) as ride:
        for moment in moments("start told", "charging", "suspended", "resuming", "at stop", "end told"):
            await ride.make(Lasting("reset", network.reset), moment)
        for moment in moments("end told", "charging", "start told", "resuming", "at stop", proving=0):
            await ride.make(Lasting("FIN", network.fin), moment)


@case(
    "FAULT_HALF_OPEN_CSMS",
    "The network swallows everything without a word, and the station dials anew: it is served as before",
    versions=BOTH,
    requirements=[ANSWERED, SERVED],
    severity=Severity.CRITICAL,
)
async def test_half_open(  # noqa: PLR0913 -- fixtures
    station: StationPeer, csms: CsmsDriver, network: StationNetwork, spec: Spec, profile: SutProfile, moments: Moments
) -> None:
    """To the CSMS the old connection may look good for a while."""
    async with rides(station, csms, network, spec, profile) as ride:
        fault = Lasting("half-open", network.stalled, drops=False, seconds=0.5)
        for moment in moments("charging", "at stop", "start told", "resuming", "end told"):
            await ride.make(fault, moment)


@case(
    "FAULT_SLOW_CSMS",
    "Everything takes its time on the way: each message is answered",
    versions=BOTH,
    requirements=[ANSWERED],
)
async def test_slow(  # noqa: PLR0913 -- fixtures
    station: StationPeer, csms: CsmsDriver, network: StationNetwork, spec: Spec, profile: SutProfile, moments: Moments
) -> None:
    """Delay and jitter, then little bandwidth."""
    async with rides(station, csms, network, spec, profile) as ride:
        for moment in moments("charging", "at stop", "not started", "suspended", "resuming", usual=1):
            slow = Lasting("delay, jitter", lambda: network.delayed(SLOWNESS, jitter=SLOWNESS / 2, seed=1), drops=False)
            await ride.make(slow, moment)
        for moment in moments("charging", "not started", "at stop", usual=1, proving=0):
            narrow = Lasting("narrow line", lambda: network.narrow(NARROWNESS), drops=False)
            await ride.make(narrow, moment)


@case(
    "FAULT_SLOW_HANDSHAKE_CSMS",
    "The connection is lost, and the next takes its time to open: the station is let in and served",
    versions=BOTH,
    requirements=[ANSWERED, SERVED],
)
async def test_slow_handshake(  # noqa: PLR0913 -- fixtures
    station: StationPeer, csms: CsmsDriver, network: StationNetwork, spec: Spec, profile: SutProfile, moments: Moments
) -> None:
    """The request for the upgrade comes late."""

    @asynccontextmanager
    async def slowly() -> AsyncIterator[Entry]:
        async with network.slow_handshake(0.3) as begin, network.reset():
            yield begin
            with suppress(NotConnected):
                await station.come_back()

    async with rides(station, csms, network, spec, profile) as ride:
        for moment in moments("charging", "at stop", "start told", "end told"):
            await ride.make(Lasting("slow handshake", slowly), moment)


@case(
    "FAULT_NO_ANSWER_CSMS",
    "An answer is lost on a connection that stays: what comes again is answered, and as before",
    versions=BOTH,
    requirements=[ANSWERED, ALIKE],
    severity=Severity.CRITICAL,
)
async def test_no_answer(  # noqa: PLR0913 -- fixtures
    station: StationPeer, csms: CsmsDriver, network: StationNetwork, spec: Spec, profile: SutProfile, moments: Moments
) -> None:
    """The station has to repeat what the CSMS knows already."""
    async with rides(station, csms, network, spec, profile) as ride:
        fault = Striking("no answer", network.unanswered)
        for moment in moments("start told", "end told", "charging", "suspended", "resuming"):
            await ride.make(fault, moment)


@case(
    "FAULT_CUT_OFF_CSMS",
    "The connection ends before an answer has come, or in the middle of a message: what comes again is answered",
    versions=BOTH,
    requirements=[ANSWERED, SERVED, ALIKE],
    severity=Severity.CRITICAL,
)
async def test_cut_off(  # noqa: PLR0913 -- fixtures
    station: StationPeer, csms: CsmsDriver, network: StationNetwork, spec: Spec, profile: SutProfile, moments: Moments
) -> None:
    """A reset instead of the answer, then a message that breaks off in mid-frame."""
    async with rides(station, csms, network, spec, profile) as ride:
        for moment in moments("start told", "end told", "charging", "suspended", "resuming"):
            await ride.make(Striking("answer reset", network.reset_before_answer), moment)
        for moment in moments("end told", "start told", "charging", "resuming", proving=0):
            await ride.make(Striking("message cut", network.cut), moment)
