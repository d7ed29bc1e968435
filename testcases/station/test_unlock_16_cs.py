"""OCPP 1.6, chapter 5.18: the Central System unlocks a connector, or finds that it has no lock."""

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms import CsmsPeer
from conformance.peers.csms_dialect import Connector
from conformance.peers.received import Received
from conformance.peers.scenes import charging, vacated
from conformance.peers.scenes_v16 import LOCK_FAILURE, broken, cable, debounced, number, shows, socket, stopped
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile

STATUSES = ("Unlocked", "UnlockFailed", "NotSupported")


@case(
    "TC_017_1_CS",
    "A socket that nobody uses is unlocked",
    versions=["1.6"],
    needs="detachable-cable",
    requirements=["16.TX.27"],
)
async def test_unlock(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """There may be a cable in it or not."""
    with spec("16.TX.27"):
        answer = await _unlock(csms, number(csms, _socket(profile)))
        assert answer["status"] == "Unlocked", f"UnlockConnector was answered {answer['status']}"


@case(
    "TC_017_2_CS",
    "A fixed cable has no lock to open",
    versions=["1.6"],
    needs="fixed-cable",
    requirements=["16.TX.72"],
)
async def test_unlock_fixed(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Its unlocking is NotSupported."""
    with spec("16.TX.72"):
        answer = await _unlock(csms, number(csms, _cable(profile)))
        assert answer["status"] == "NotSupported", f"UnlockConnector was answered {answer['status']}"


@case(
    "TC_018_1_CS",
    "Unlocking a socket in a transaction stops that first",
    versions=["1.6"],
    needs="detachable-cable",
    requirements=["16.STATUS.01", "16.STATUS.14", "16.TX.27", "16.TX.28"],
    severity=Severity.CRITICAL,
)
async def test_unlock_in_transaction(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Charge with the driver's own cable, unlock it, and pull it."""
    spot = _socket(profile)
    async with vacated(station, csms), debounced(csms, profile):
        session = await charging(station, csms, spot, profile.parameters.valid_id_token.payload)
        mark = csms.now
        with spec("16.TX.27"):
            answer = await _unlock(csms, number(csms, spot))
            assert answer["status"] == "Unlocked", f"UnlockConnector was answered {answer['status']}"
        with spec.must("16.TX.28"):
            stop = await stopped(csms, session)
            reason = stop.get("reason")
            assert reason == "UnlockCommand", f"expected the reason UnlockCommand, got {reason}"
        if spot not in station.plugged:
            for requirement in ("16.STATUS.14", "16.STATUS.01"):
                spec.excuse(requirement, "nobody could plug an EV in")
            return
        with spec("16.STATUS.14"):
            await shows(csms, spot, "Finishing", after=mark)
        await station.unplug(*spot)
        with spec("16.STATUS.01"):
            await shows(csms, spot, "Available", after=mark)


@case(
    "TC_018_2_CS",
    "In a transaction, too, a fixed cable has no lock to open",
    versions=["1.6"],
    needs="fixed-cable",
    requirements=["16.TX.72"],
)
async def test_unlock_fixed_in_transaction(
    station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile
) -> None:
    """What becomes of the transaction is left open."""
    spot = _cable(profile)
    async with vacated(station, csms):
        await charging(station, csms, spot, profile.parameters.valid_id_token.payload)
        with spec("16.TX.72"):
            answer = await _unlock(csms, number(csms, spot))
            assert answer["status"] == "NotSupported", f"UnlockConnector was answered {answer['status']}"


@case(
    "TC_030_CS",
    "A lock that does not open is told of",
    versions=["1.6"],
    needs="detachable-cable and lock-failure",
    requirements=["16.TX.29"],
)
async def test_unlock_fails(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Break the lock of a socket, with a cable in it where somebody can put one in, and unlock it."""
    spot = _socket(profile)
    async with vacated(station, csms), broken(station, spot, LOCK_FAILURE):
        if station.can("plug_in"):
            await station.plug_in(*spot)
        with spec("16.TX.29"):
            answer = await _unlock(csms, number(csms, spot))
            assert answer["status"] == "UnlockFailed", f"UnlockConnector was answered {answer['status']}"


@case(
    "TC_031_CS",
    "A connector that does not exist can't be unlocked",
    versions=["1.6"],
    requirements=["16.TX.30"],
)
async def test_unlock_unknown(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Name one beyond the last."""
    with spec("16.TX.30"):
        answer = await _unlock(csms, len(profile.connectors) + 1)
        assert answer["status"] == "NotSupported", f"UnlockConnector was answered {answer['status']}"


async def _unlock(csms: CsmsPeer, connector: int) -> Received:
    return await csms.call("UnlockConnector", {"connectorId": connector})


def _socket(profile: SutProfile) -> Connector:
    spot = socket(profile)
    assert spot is not None, "detachable-cable is claimed, and the profile lists no connector that is a socket (s…)"
    return spot


def _cable(profile: SutProfile) -> Connector:
    spot = cable(profile)
    assert spot is not None, "fixed-cable is claimed, and the profile lists no connector with a cable (c…)"
    return spot
