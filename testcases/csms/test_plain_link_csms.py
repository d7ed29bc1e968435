"""What a CSMS claims of TLS must not have a way around it."""

from urllib.parse import urlsplit

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms_boot import AnotherStation
from conformance.peers.security import CsmsSecurity
from conformance.peers.station import StationPeer
from conformance.sut.drivers import Unsupported
from conformance.sut.profile import SutProfile

SWITCHED = 101


@case(
    "PLAIN_LINK_CSMS",
    "Nobody comes in without TLS, unless the CSMS claims security profile 1 as well, and there only",
    versions=["2.0.1", "1.6"],
    requirements=["A00.FR.312"],
    severity=Severity.BLOCKER,
    needs="security-profile-2 or security-profile-3",
)
async def test_plain_link(
    station: StationPeer, another_station: AnotherStation, security: CsmsSecurity, spec: Spec, profile: SutProfile
) -> None:
    """Ask for a plain WebSocket, with the right password, where there is TLS, and wherever else stations dial."""
    secure = [url for url in security.urls.values() if _is_secure(url)]
    if not secure:
        raise Unsupported("connect", "[dial] and [security.urls] name no address that begins with wss")
    others = (
        [] if profile.claims("security-profile-1") else [url for url in security.urls.values() if url not in secure]
    )
    await station.disconnect()
    for url in (*secure, *others):
        plain = urlsplit(url)._replace(scheme="ws").geturl()
        visitor = another_station(profile.identity, url=plain, tls=None, password=station.greeting.password)
        with spec("A00.FR.312"):
            refused = await visitor.turned_away(within=profile.timing.answer)
            assert refused.status != SWITCHED, f"a plain WebSocket was opened at {plain}, and closed afterwards only"


def _is_secure(url: str) -> bool:
    return urlsplit(url).scheme == "wss"
