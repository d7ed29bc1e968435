"""Parts E, F and J, and OCPP 1.6 chapters 3.7 and 4.7 to 4.10: what a station told of all its transactions.

These cases are always on: they judge every transaction of the whole session, whatever ran in it. Each brings about
what it needs to judge by, unless the session has had it.
"""

import pytest

from conformance.bench import Bench
from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms import CsmsPeer
from conformance.peers.occasions import Occasions, judged
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile
from conformance.wire.faults import Network

BOTH = ("2.0.1", "1.6")

WHOLE = [
    "TX.WHOLE.01",
    "E01.FR.07",
    "E01.FR.08",
    "E01.FR.14",
    "E04.FR.01",
    "E04.FR.02",
    "TX.START.01",
    "TX.END.01",
    "TX.TYPE.01",
    "TX.ORDER.01",
    "16.TX.04",
    "16.TX.08",
    "16.TX.10",
    "16.TX.35",
    "16.TX.36",
    "16.TX.43",
]
OFFLINE = ["E04.FR.03", "E11.FR.07", "TX.OFFLINE.01", "TX.OFFLINE.02", "TX.TIME.01", "TX.TIME.02"]
REPEATED = ["TX.REPEAT.01", "TX.DOUBLE.01", "E13.FR.02", "E13.FR.03", "E13.FR.04", "16.TX.40"]
REASONS = [
    "E01.FR.10",
    "E01.FR.15",
    "E01.FR.16",
    "E01.FR.18",
    "TX.STATE.01",
    "TX.TRIGGER.01",
    "E03.FR.05",
    "E05.FR.10",
    "E06.FR.08",
    "E07.FR.06",
    "F03.FR.03",
    "16.TX.11",
    "16.TX.12",
    "16.TX.33",
    "16.TX.34",
]
METER = ["J02.FR.16", "J02.FR.17", "TX.METER.01", "E01.FR.09", "E06.FR.11", "16.TX.54", "16.TX.METER.02"]


@pytest.fixture
def occasions(
    request: pytest.FixtureRequest, station: StationDriver, csms: CsmsPeer, network: Network, profile: SutProfile
) -> Occasions:
    """What has the station tell of transactions; in a run of other cases what these had it tell is enough."""
    return Occasions(station, csms, network, profile, wanted=not request.node.stash.get(Bench.UNASKED, False))


@case(
    "TRANSACTIONS_TOLD_WHOLE_CS",
    "Every transaction of a station is told from its begin to its end, with nothing left out and nothing twice",
    versions=BOTH,
    requirements=WHOLE,
    severity=Severity.BLOCKER,
    always_on=True,
)
async def test_whole(occasions: Occasions, csms: CsmsPeer, spec: Spec) -> None:
    """Look for events that never came, through a break of the connection too."""
    if occasions.lacking(WHOLE):
        await occasions.outage()
    await occasions.settled()
    judged(occasions, csms, spec, WHOLE)


@case(
    "TRANSACTIONS_TOLD_OFFLINE_CS",
    "What happened in transactions offline is told as such, and everything with the time at which it happened",
    versions=BOTH,
    requirements=OFFLINE,
    severity=Severity.CRITICAL,
    always_on=True,
)
async def test_offline(occasions: Occasions, csms: CsmsPeer, spec: Spec) -> None:
    """Compare what the events say with when there was a connection."""
    if occasions.lacking(OFFLINE) or (occasions.wanted and not occasions.made):
        await occasions.outage()
    await occasions.settled()
    judged(occasions, csms, spec, OFFLINE)


@case(
    "TRANSACTIONS_TOLD_AGAIN_CS",
    "What the CSMS failed to process is sent again, unchanged, after the right pauses and no more often than set",
    versions=BOTH,
    requirements=REPEATED,
    severity=Severity.CRITICAL,
    always_on=True,
)
async def test_repeated(occasions: Occasions, csms: CsmsPeer, spec: Spec) -> None:
    """Look at everything that came more than once, or should have."""
    if occasions.lacking(REPEATED):
        await occasions.failures()
    await occasions.settled()
    judged(occasions, csms, spec, REPEATED)


@case(
    "TRANSACTIONS_TOLD_REASONS_CS",
    "Events of transactions give reasons, charging states, tokens and places that fit what happened",
    versions=BOTH,
    requirements=REASONS,
    severity=Severity.NORMAL,
    always_on=True,
)
async def test_reasons(occasions: Occasions, csms: CsmsPeer, spec: Spec) -> None:
    """Compare events with one another, with commands and with answers; end transactions in ways not seen yet."""
    for requirements, occasion in (
        (("F03.FR.03", "16.TX.11", "16.TX.12", "E01.FR.10", "E01.FR.16", "E01.FR.18"), occasions.remote_stop),
        (("E07.FR.06", "TX.STATE.01"), occasions.pulled),
        (("E05.FR.10", "16.TX.33"), occasions.invalid_stops),
        (("16.TX.34",), occasions.invalid_goes_on),
        (("E03.FR.05",), occasions.nobody_came),
        (("E06.FR.08",), occasions.reset),
    ):
        if occasions.lacking(requirements):
            await occasion()
    await occasions.settled()
    judged(occasions, csms, spec, REASONS, may_lack=REASONS)


@case(
    "TRANSACTIONS_TOLD_METER_CS",
    "The meter in transactions never falls, and says the same in reports and in the bill",
    versions=BOTH,
    requirements=METER,
    severity=Severity.CRITICAL,
    always_on=True,
)
async def test_meter(occasions: Occasions, csms: CsmsPeer, spec: Spec) -> None:
    """Look at every reading of a register."""
    if occasions.lacking(METER):
        await occasions.usual()
    await occasions.settled()
    judged(occasions, csms, spec, METER)
