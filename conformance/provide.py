"""The fixtures that a test case gets: the public API of the plugin.

`station` and `csms` always mean the two ends of the link: the harness's end is a peer, the other is a
driver that operates the system under test. `network` breaks what lies between; `another_station` adds to what a CSMS
under test has to serve; `spec` notes findings; `transcript` is the evidence.
"""

from collections.abc import AsyncIterator, Callable, Sequence

import pytest
import pytest_asyncio

from conformance.bench import Bench, Subject
from conformance.cases.matrix import Moment, some
from conformance.cases.spec import Spec
from conformance.peers.csms import CsmsPeer, Endpoint
from conformance.peers.files import Files
from conformance.peers.security import CsmsSecurity, StationSecurity
from conformance.peers.station import StationPeer
from conformance.rig import CsmsRig, StationRig
from conformance.sut.drivers import CsmsDriver, StationDriver
from conformance.sut.profile import SutProfile
from conformance.wire.faults import Network, StationNetwork
from conformance.wire.transcript import Transcript


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def ocpp_bench(pytestconfig: pytest.Config) -> AsyncIterator[Bench]:
    """The bench that the system under test stands on, for the whole session."""
    async with pytestconfig.stash[Bench.KEY] as bench:  # without one, nothing that asks for it is collected
        yield bench


@pytest.fixture
def ocpp_subject(request: pytest.FixtureRequest, ocpp_bench: Bench) -> Subject:  # noqa: ARG001 -- says who needs one
    """What the test is run on: which system under test, in which version, as which case."""
    found: Subject = request.node.stash[Bench.SUBJECT]
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def rig(ocpp_bench: Bench, ocpp_subject: Subject) -> AsyncIterator[StationRig | CsmsRig]:
    """The system under test, back in the state from which every case starts."""
    async with ocpp_bench.case(ocpp_subject) as ready:
        yield ready


@pytest.fixture
def csms(rig: StationRig | CsmsRig) -> CsmsPeer | CsmsDriver:
    """The CSMS: the harness's end when a station is under test, else what operates the one under test."""
    return rig.csms


@pytest.fixture
def station(rig: StationRig | CsmsRig) -> StationDriver | StationPeer:
    """The station: what can be done to the one under test at its own place, or the harness's end for a CSMS."""
    return rig.station


@pytest.fixture
def another_station(rig: StationRig | CsmsRig) -> Callable[..., StationPeer]:
    """Makes one more station for the CSMS under test: of an identity, with keywords of StationPeer."""
    if not isinstance(rig, CsmsRig):
        raise TypeError("another_station is for a CSMS under test")
    return rig.another


@pytest.fixture
def endpoints(rig: StationRig | CsmsRig) -> tuple[Endpoint, Endpoint]:
    """The two addresses of the harness as a CSMS: where the station is at home, and one where nobody listens yet."""
    if not isinstance(rig, StationRig):
        raise TypeError("endpoints is for a station under test")
    return rig.server.first, rig.server.second


@pytest.fixture
def security(rig: StationRig | CsmsRig) -> StationSecurity | CsmsSecurity:
    """The security profiles: the certificates of the run, and how the two ends meet in each profile."""
    return rig.security


@pytest.fixture
def network(rig: StationRig | CsmsRig) -> Network | StationNetwork:
    """What lies between the two ends, and can fail."""
    return rig.network


@pytest_asyncio.fixture(loop_scope="session")
async def files(rig: StationRig | CsmsRig) -> AsyncIterator[Files]:
    """A place at the harness where a station fetches files and brings them, by HTTP; new for each case."""
    if not isinstance(rig, StationRig):
        raise TypeError("files is for a station under test")
    async with rig.files() as place:
        yield place


@pytest.fixture
def moments(ocpp_bench: Bench) -> Callable[..., Sequence[Moment]]:
    """Of the moments that a fault is for, in the order of their weight, those to be judged in this run.

    `usual` says how many are where the matrix is not wanted in full, `proving` how many when cases are proven.
    """

    def chosen(*every: Moment, usual: int = 2, proving: int = 1) -> Sequence[Moment]:
        if ocpp_bench.proving:
            return some(every, proving)
        return some(every, None if ocpp_bench.run.settings.fault_matrix else usual)

    return chosen


@pytest.fixture
def transcript(rig: StationRig | CsmsRig) -> Transcript:
    """The record of everything that went over the wire with this system under test."""
    return rig.transcript


@pytest.fixture
def profile(rig: StationRig | CsmsRig) -> SutProfile:
    """What the system under test claims, and the values that cases need; of the one version that is spoken."""
    return rig.profile


@pytest.fixture
def spec(request: pytest.FixtureRequest, ocpp_subject: Subject) -> Spec:  # noqa: ARG001 -- tells that it needs one
    """What turns the asserts in a block into findings."""
    found: Spec = request.node.stash[Bench.SPEC]
    return found
