"""OCPP-J, Part 4 chapters 3 and 4: what only a CSMS does, which is dialled, and serves many.

What holds for both roles is in testcases/both.
"""

import contextlib
from functools import partial

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles import wire
from conformance.peers.csms_boot import AnotherStation
from conformance.peers.odd_messages import Provoker, judge_unharmed
from conformance.peers.station import NotConnected, StationPeer
from conformance.peers.wire_scenes import identities, judge
from conformance.sut.profile import SutProfile
from conformance.wire.link import LinkOptions
from conformance.wire.transcript import Entry

LARGE = 1_000_000
"""The characters of a message that is larger than most."""

UNKNOWN_VERSION = "ocpp0.1"
"""A version that nobody speaks."""


@case(
    "LARGE_MESSAGE_CSMS",
    "A very large message is taken or refused, and does no harm to anybody",
    versions=["2.0.1", "1.6"],
    requirements=["J.ANSWER.01", "CSMS.CONN.04"],
    severity=Severity.MINOR,
)
async def test_large_message(
    station: StationPeer, another_station: AnotherStation, spec: Spec, profile: SutProfile
) -> None:
    """Send one of a million characters, over which it may hang up, while another station is connected."""
    password, second = profile.password(), profile.parameters.second_identity
    neighbour = another_station(second or "", password=password.reveal() if password else None, heartbeats=False)
    link = await neighbour.bring_up() if second else None
    provoker = Provoker(station)
    await provoker.ask(("DataTransfer", {"vendorId": "org.example", "data": "x" * LARGE}), within=profile.timing.answer)
    await judge_unharmed(provoker, spec, profile, may_hang_up=True)
    if link is None:
        spec.unproven("CSMS.CONN.04", "the profile names no second_identity, which the CSMS knows too")
        return
    with spec("CSMS.CONN.04"):
        assert neighbour.link is link, "the connection of another station ended"
        await neighbour.report_all_connectors()


@case(
    "WIRE_HANDSHAKE_CSMS",
    "The CSMS agrees to nothing that it was not offered, to a version that it was, and to compression",
    versions=["2.0.1", "1.6"],
    requirements=["J.HANDSHAKE.08", "J.HANDSHAKE.09", "J.CONN.02", "J.COMPRESS.01"],
    severity=Severity.NORMAL,
    always_on=True,
)
async def test_handshake(
    station: StationPeer, another_station: AnotherStation, spec: Spec, profile: SutProfile
) -> None:
    """Look at every connection of the session: among them one without compression, and two with an unknown version."""
    await station.disconnect()
    password = profile.password()
    plain = another_station(
        profile.identity,
        user=profile.user,
        password=password.reveal() if password else None,
        options=LinkOptions(compression=False),
    )
    with contextlib.suppress(NotConnected):
        await plain.connect(subprotocols=(UNKNOWN_VERSION, *station.greeting.subprotocols))
        await plain.disconnect()
    with contextlib.suppress(AssertionError):
        await plain.turned_away(within=profile.timing.settle, subprotocols=(UNKNOWN_VERSION,))
    with contextlib.suppress(NotConnected):
        await station.connect()
    oracle = partial(
        wire.upgrades,
        version=profile.version,
        patience=profile.timing.settle,
        now=station.transcript.clock.monotonic(),
    )
    judge(station, spec, oracle, by=_dialled(station))


def _dialled(station: StationPeer) -> list[Entry]:
    return [entry for identity in identities(station) for entry in wire.dialled(station.transcript, identity)]
