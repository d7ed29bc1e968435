"""Reading the settings of a charge point of OCPP 1.6: all of them, and by name."""

from collections.abc import Iterable, Sequence

from conformance.cases.applicability import features
from conformance.oracles.configuration import Claimed, Settings, read
from conformance.peers.peer import Peer
from conformance.peers.received import Received
from conformance.peers.v16 import get_configuration
from conformance.sut.profile import SutProfile

_AT_ONCE = 10
_SECURITY_PROFILES = (1, 2, 3)


async def list_all(csms: Peer) -> Settings:
    """All settings; raises AssertionError where the list is empty, Refused and NoAnswer."""
    answer = await csms.call("GetConfiguration", get_configuration())
    settings = read(answer)
    assert len(settings), "asked for all settings, the charge point lists none"
    return settings


async def read_named(csms: Peer, names: Sequence[str]) -> tuple[Received, Settings]:
    """The answer to one GetConfiguration for these keys, of which there must be some."""
    answer = await csms.call("GetConfiguration", get_configuration(*names))
    return answer, read(answer)


async def read_each(csms: Peer, names: Iterable[str], *, at_once: int = 1) -> Settings:
    """What the charge point says of these keys, asked for `at_once` with each request."""
    wanted = list(names)
    found = Settings()
    for first in range(0, len(wanted), at_once):
        _, some = await read_named(csms, wanted[first : first + at_once])
        found.by_key |= some.by_key
        found.unknown += some.unknown
    return found


def keys_at_once(settings: Settings) -> int:
    """How many keys a request may hold without trying anybody: ten, or less where the charge point says so."""
    most = settings.number("GetConfigurationMaxKeys")
    return 1 if most is None else max(1, min(most, _AT_ONCE))


def claimed(profile: SutProfile) -> Claimed:
    """What a profile says of the charge point."""
    claims = profile.claims_map()
    rows = features(profile.version).of("station").values()
    secure = claims.get("security-extension", False)
    return Claimed(
        profiles=frozenset(row.official for row in rows if row.kind == "profile" and claims.get(row.name)),
        features=claims,
        connectors=len(profile.connectors),
        security_profiles=frozenset(
            each for each in _SECURITY_PROFILES if secure and claims.get(f"security-profile-{each}")
        ),
    )
