"""OCPP 1.6, chapter 4.9, and OCPP-J with its errata: the connection is lost, and the station comes back."""

from contextlib import AsyncExitStack, suppress

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.backoff import waits
from conformance.peers.csms import CsmsPeer
from conformance.peers.received import NotSeen
from conformance.peers.scenes import Connector, ConnectorStatus, connectors_show, pull_plug
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile
from conformance.wire.faults import Network

SHORTEST_WAIT = 1.0
"""Between two attempts, in seconds, where the documents ask only for an appropriate pause: our own measure."""

ATTEMPTS = 2


@case(
    "RECONNECT_AFTER_REFUSAL_CS",
    "Turned away, the station tries again until it is let in, and takes a pause before each attempt",
    versions=["1.6"],
    requirements=["16J.RECONNECT.01", "16J.RECONNECT.02", "16J.RECONNECT.03"],
    severity=Severity.CRITICAL,
)
async def test_refused(csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile) -> None:
    """Tell it twice that nobody knows it (404), then twice that the service is down (503), and let it in each time."""
    for status, requirement in ((404, "16J.RECONNECT.02"), (503, "16J.RECONNECT.03")):
        mark = csms.now
        async with network.turned_away(status):
            await csms.disconnected()
            with spec.must(requirement):
                await _attempted(csms, ATTEMPTS, after=mark, within=ATTEMPTS * profile.timing.reconnect)
        with spec.must("16J.RECONNECT.01"):
            await csms.connected(within=profile.timing.reconnect)
        with spec(requirement):
            for wait in waits(csms.transcript.entries, csms.identity, since=mark)[1:]:
                csms.touch(wait.begin, wait.end)
                assert wait.seconds >= SHORTEST_WAIT - profile.timing.tolerance, (
                    f"attempt {wait.attempt} came {wait.seconds:.2f} s after one that was answered HTTP {status}"
                )


async def _attempted(csms: CsmsPeer, attempts: int, *, after: int, within: float) -> None:
    """Wait until so many attempts to connect have been turned away; raises NotSeen."""

    def seen() -> int:
        return sum(
            entry.kind == "handshake" and entry.station == csms.identity for entry in csms.transcript.entries[after:]
        )

    await csms.until(lambda: seen() >= attempts, f"attempt {attempts} to connect", within=within)


@case(
    "OFFLINE_STATUS_CS",
    "Back from offline, the station tells what its connectors are now, and not what they were meanwhile",
    versions=["1.6"],
    requirements=["16.STATUS.05", "16.STATUS.06"],
    severity=Severity.CRITICAL,
)
async def test_status_after_outage(
    station: StationDriver, csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile
) -> None:
    """Turn it away; plug an EV into one connector, and into another for a moment; then let it come back."""
    spot, passing = profile.connectors[0], profile.connectors[-1]
    mark = csms.now
    async with AsyncExitStack() as afterwards:
        afterwards.push_async_callback(_unplugged, station, csms)
        async with network.turned_away():
            await csms.disconnected()
            await _attempted(csms, 1, after=mark, within=profile.timing.reconnect)  # now it has noticed, too
            if passing != spot:
                await station.plug_in(*passing)
                await station.unplug(*passing)
            await station.plug_in(*spot)
        await csms.connected(within=profile.timing.reconnect)
        with spec("16.STATUS.05"):
            await connectors_show(csms, [spot], *csms.speak.in_use, after=mark)
        if passing == spot:
            spec.excuse("16.STATUS.06", "there is one connector only, and it is in use")
            return
        with suppress(NotSeen):
            await csms.until(
                lambda: bool(_in_use(csms, passing, mark)), "no status of the past", within=profile.timing.settle
            )
        with spec("16.STATUS.06"):
            past = _in_use(csms, passing, mark)
            csms.touch(*(each.message for each in past))
            assert not past, (
                f"{csms.speak.name(passing)} was free before the station was back, and was reported {past[0].status}"
            )


def _in_use(csms: CsmsPeer, connector: Connector, mark: int) -> list[ConnectorStatus]:
    """What was said of a connector that was in use."""
    found = csms.speak.statuses(csms.traffic(after=mark))
    return [each for each in found if each.connector == connector and each.status in csms.speak.in_use]


async def _unplugged(station: StationDriver, csms: CsmsPeer) -> None:
    """Pull all plugs, and give the station a moment to say so."""
    mark = csms.now
    pulled = [each for each in sorted(station.plugged) if await pull_plug(station, each)]
    if pulled:
        with suppress(NotSeen):
            await connectors_show(csms, pulled, "Available", after=mark)
