"""Use cases M05 and B10: another CSMS, whose certificate leads to another root."""

from dataclasses import replace

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.certificate_scenes import ROOT, delete
from conformance.peers.csms import CsmsPeer
from conformance.peers.network_profiles import TAKEN, journey
from conformance.peers.security import StationSecurity
from conformance.sut.drivers import StationDriver, Unsupported
from conformance.sut.profile import SutProfile


@case(
    "TC_B_50_CS",
    "The station moves to a CSMS whose certificate leads to a new root",
    requirements=["B10.FR.04", "M05.FR.02"],
    severity=Severity.CRITICAL,
    needs="security-profile-2 or security-profile-3",
)
async def test_move_to_a_new_root(
    csms: CsmsPeer, station: StationDriver, spec: Spec, profile: SutProfile, security: StationSecurity
) -> None:
    """Install the root, send the station to an address that leads to it, and have it back with the old one."""
    if profile.claims("additional-root-certificate-check") and not station.can("commission"):
        raise Unsupported("commission", "the new root takes the place of the old, and nobody can put that back")
    door = await security.at(2, 3)
    away = security.beside(door)
    assert door.tls is not None
    new = replace(door.tls, chains=security.pki.server("next"))
    try:
        answer = await csms.speak.install_certificate("CSMSRootCertificate", security.pki.next_root)
        with spec.must("M05.FR.02"):
            assert answer["status"] == "Accepted", f"a good root was answered {answer['status']}"
        with away.presenting(new):
            async with journey(csms, station, profile, (door.endpoint, away.endpoint)) as trip:
                await trip.point_away(trip.spare)
                assert await trip.prioritize(trip.spare, trip.active) in TAKEN
                mark = await trip.restart()
                with spec.must("B10.FR.04"):
                    await trip.attempted(1, after=mark)
                    first = trip.course(after=mark)[0]
                    assert first.startswith("away"), f"the first slot leads away, and {first} was tried"
                with spec.must("M05.FR.02"):
                    await trip.arrival(after=mark)
                    course = trip.course(after=mark)
                    assert course[0] == "away+", f"the new root vouches for the CSMS, and the station went {course}"
                await trip.booted(after=mark)
                if profile.claims("additional-root-certificate-check"):  # it knows the new one only
                    await security.commission(door.profile)
    finally:
        await _forget(csms, station, security, door.profile)


async def _forget(csms: CsmsPeer, station: StationDriver, security: StationSecurity, number: int) -> None:
    """Have the station without the new root again."""
    if station.can("commission"):
        await security.commission(number)
        return
    await delete(csms, ROOT, security.pki.next_root, security.pki.root)
