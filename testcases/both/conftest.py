"""What cases need that hold for stations and for CSMSs alike."""

import pytest

from conformance.peers.peer import Peer
from conformance.rig import CsmsRig, StationRig


@pytest.fixture
def peer(rig: StationRig | CsmsRig) -> Peer:
    """The harness's end of the link, whichever that is."""
    return rig.peer
