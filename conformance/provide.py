"""The fixtures that a test case gets: the public API of the plugin.

`station` and `csms` always mean the two ends of the link. For a station under test, `station` operates it and `csms` is
the harness's end; `network` breaks what lies between; `spec` notes findings; `transcript` is the evidence.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from conformance.bench import Bench
from conformance.cases.case import case_of
from conformance.cases.spec import Spec
from conformance.peers.csms import CsmsPeer
from conformance.rig import StationRig
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile
from conformance.wire.faults import Network
from conformance.wire.transcript import Transcript


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def ocpp_bench(pytestconfig: pytest.Config) -> AsyncIterator[Bench]:
    """The bench that the system under test stands on, for the whole session."""
    async with pytestconfig.stash[Bench.KEY] as bench:  # without one, nothing that asks for it is collected
        yield bench


@pytest.fixture
def ocpp_variant(request: pytest.FixtureRequest) -> str | None:
    """Which variant of the reference a proving run tries; None outside of one."""
    return getattr(request, "param", None)


@pytest_asyncio.fixture(loop_scope="session")
async def rig(ocpp_bench: Bench, ocpp_variant: str | None, request: pytest.FixtureRequest) -> AsyncIterator[StationRig]:
    """The system under test, back in the state from which every case starts."""
    case = case_of(request.function)
    async with ocpp_bench.case(ocpp_variant, always_on=case is not None and case.always_on) as ready:
        yield ready


@pytest.fixture
def csms(rig: StationRig) -> CsmsPeer:
    """The CSMS's end of the link: the harness's, when a station is under test."""
    return rig.csms


@pytest.fixture
def station(rig: StationRig) -> StationDriver:
    """The station: what can be done to it at its own place, by a program, an API or a person."""
    return rig.station


@pytest.fixture
def network(rig: StationRig) -> Network:
    """What lies between the two ends, and can fail."""
    return rig.network


@pytest.fixture
def transcript(rig: StationRig) -> Transcript:
    """The record of everything that went over the wire in this session."""
    return rig.transcript


@pytest.fixture
def profile(rig: StationRig) -> SutProfile:
    """What the system under test claims, and the values that cases need."""
    return rig.profile


@pytest.fixture
def spec(request: pytest.FixtureRequest, ocpp_bench: Bench) -> Spec:  # noqa: ARG001 -- tells that it needs one
    """What turns the asserts in a block into findings."""
    found: Spec = request.node.stash[Bench.SPEC]
    return found
