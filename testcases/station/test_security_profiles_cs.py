"""Use cases A00 and A05: how a station shows who it is, and its way to a higher security profile, never to a lower."""

from contextlib import suppress
from dataclasses import replace

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.inventory import told
from conformance.peers.csms import CsmsPeer, Entrance
from conformance.peers.network_profiles import PRIORITY, hurried, survey
from conformance.peers.received import NotSeen
from conformance.peers.scenes import configured, restart
from conformance.peers.security import Door, StationSecurity
from conformance.peers.upgrades import PROFILE, Ascent, Stairs, stairs, taken
from conformance.sut.drivers import StationDriver, Unsupported
from conformance.sut.profile import SutProfile
from conformance.wire.faults import Network
from conformance.wire.link import Link

BY_PASSWORD = "security-profile-1 or security-profile-2"
HIGHER = "security-profile-2 or security-profile-3"
MAY_GO_DOWN = ("SecurityCtrlr", "AllowSecurityProfileDowngrade")
NOWHERE_HIGHER = "the station claims one security profile only"
FAILURES = 2


# -- user name and password -------------------------------------------------------------------------------------------


@case(
    "TC_A_01_CS",
    "The station comes with its identity and its password, whenever it connects",
    requirements=["A00.FR.202", "A00.FR.204", "PASSWORD.TEXT.01"],
    needs=BY_PASSWORD,
    severity=Severity.BLOCKER,
)
@case(
    "TC_085_CS",
    "The charge point comes with its identity and its password, whenever it connects",
    versions=["1.6"],
    requirements=["16S.A00.FR.202", "16S.A00.FR.204", "16S.A00.FR.205"],
    needs=BY_PASSWORD,
    severity=Severity.BLOCKER,
)
async def test_credentials(  # noqa: PLR0913 -- fixtures
    station: StationDriver,
    csms: CsmsPeer,
    network: Network,
    security: StationSecurity,
    spec: Spec,
    profile: SutProfile,
) -> None:
    """Let it boot, and then return after a lost connection, letting in whoever comes."""
    own = profile.password()
    if own is None:
        for requirement in spec.case.requirements:
            spec.unproven(requirement, "the profile has no password, so nobody knows what the station has to come with")
        return
    await security.at(1, 2)
    mark = len(csms.entrances)
    admitted, csms.passwords = csms.passwords, ()
    try:
        before = csms.now
        await restart(station, csms)
        await csms.expect("BootNotification", after=before)
        await csms.connected(within=profile.timing.reconnect)
        async with network.reset():
            await csms.disconnected()
        await csms.connected(within=profile.timing.reconnect)
    finally:
        csms.passwords = admitted
    came = csms.entrances[mark:]
    with spec("A00.FR.202"):
        bare = [each for each in came if each.password is None]
        assert not bare, f"{len(bare)} of {len(came)} requests to connect came without user name and password"
    with spec("A00.FR.204"):
        others = {each.user for each in came if each.password is not None and each.user != csms.identity}
        assert not others, (
            f"the user name is {told([repr(each) for each in others])}, and the identity {csms.identity!r}"
        )
    with spec("PASSWORD.TEXT.01"):
        assert all(same(each, own.reveal()) for each in came), "a password came that is not the one the station has"


# -- up ---------------------------------------------------------------------------------------------------------------


@case(
    "TC_A_19_CS",
    "Up to a higher security profile, step by step, and not back again",
    requirements=["A00.FR.001", "A05.FR.04", "A05.FR.05", "A05.FR.06", "A05.FR.09", "TLS.FALLBACK.01"],
    needs=HIGHER,
    severity=Severity.BLOCKER,
)
async def test_up(
    station: StationDriver, csms: CsmsPeer, security: StationSecurity, spec: Spec, profile: SutProfile
) -> None:
    """From the lowest that it claims to the highest; on the way it gets a server that can't be believed."""
    async with stairs(security, csms, station, profile) as way:
        if not list(way.steps):
            excuse_all(spec, NOWHERE_HIGHER)
            return
        await security.commission(way.claimed[0])
        async with hurried(csms, 1):
            for low, high in way.steps:
                ascent, asked = await way.step(low, high)
                link = await climb(ascent, spec)
                with spec("A05.FR.06"):
                    problems = await asked.problems()
                    assert not problems, told(problems)
                with spec("A00.FR.001"):
                    lower = ascent.low.endpoint.asked(after=ascent.entry_of(link).n + 1)
                    assert not lower, f"the station is in profile {high}, and asks to be let in by {low} as well"
                if low > 1:
                    continue
                with spec("A05.FR.09"):
                    status = await asked.ask_back()
                    assert status == "Rejected", f"a list with the slot of profile {low} was answered {status}"
                with spec.must("TLS.FALLBACK.01"):
                    await stays_up(ascent, security)
        if way.claimed[0] > 1:
            for requirement in ("A05.FR.09", "TLS.FALLBACK.01"):
                spec.excuse(requirement, "the station does not claim profile 1, so it was not there")


@case(
    "TC_083_CS",
    "Up to a higher security profile, step by step",
    versions=["1.6"],
    requirements=["16S.A05.FR.05", "16S.A05.FR.07"],
    needs=HIGHER,
    severity=Severity.BLOCKER,
)
async def test_up_by_key(
    station: StationDriver, csms: CsmsPeer, security: StationSecurity, spec: Spec, profile: SutProfile
) -> None:
    """From the lowest that it claims to the highest."""
    async with stairs(security, csms, station, profile) as way:
        if not list(way.steps):
            excuse_all(spec, NOWHERE_HIGHER)
            return
        await security.commission(way.claimed[0])
        for low, high in way.steps:
            await climb(await way.step_by_key(low, high), spec)


@case(
    "HIGHER_PROFILE_LEADS_NOWHERE_CS",
    "A higher security profile that leads nowhere is given up for the one before",
    versions=["1.6"],
    requirements=["16S.A05.FR.08"],
    needs=HIGHER,
)
async def test_up_and_back(
    station: StationDriver, csms: CsmsPeer, security: StationSecurity, spec: Spec, profile: SutProfile
) -> None:
    """Ask for it, where nobody answers to it."""
    async with stairs(security, csms, station, profile) as way:
        if not list(way.steps):
            excuse_all(spec, NOWHERE_HIGHER)
            return
        low, high = next(way.steps)
        door = await security.commission(low)
        ascent = await way.step_by_key(low, high, leads_there=False)
        shown = ascent.high.tls
        assert shown is not None
        nobody = replace(shown, chains=security.pki.server_zoo["unknown-root"])
        with ascent.high.presenting(nobody):
            with door.presenting(nobody):
                status = await ascent.way.ask()
                assert taken(status), f"profile {high} was answered {status}"
                mark = await ascent.way.follow()
                await csms.until(lambda: bool(ascent.failed(after=mark)), "an attempt", within=profile.timing.reconnect)
            with spec("16S.A05.FR.08"):
                await returns(ascent, door, after=mark)


@case(
    "TC_A_20_CS",
    "No profile with TLS without a root certificate of the CSMS",
    requirements=["A05.FR.02"],
    needs=HIGHER,
    severity=Severity.CRITICAL,
)
async def test_up_without_root(
    station: StationDriver, csms: CsmsPeer, security: StationSecurity, spec: Spec, profile: SutProfile
) -> None:
    """Ask a station for it that has none."""
    async with stairs(security, csms, station, profile) as way:
        await refused_without(way, "A05.FR.02", spec, root=False)


@case(
    "TC_A_21_CS",
    "No profile 3 without a certificate of the station's own",
    requirements=["A05.FR.03"],
    needs="security-profile-3",
    severity=Severity.CRITICAL,
)
async def test_up_without_certificate(
    station: StationDriver, csms: CsmsPeer, security: StationSecurity, spec: Spec, profile: SutProfile
) -> None:
    """Ask a station for it that has none, but a root certificate."""
    async with stairs(security, csms, station, profile) as way:
        await refused_without(way, "A05.FR.03", spec, root=True)


@case(
    "NO_ROOT_NO_TLS_CS",
    "No profile with TLS without a root certificate of the central system, nor profile 3 without one's own",
    versions=["1.6"],
    requirements=["16S.A05.FR.03", "16S.A05.FR.04"],
    needs=HIGHER,
    severity=Severity.CRITICAL,
)
async def test_up_by_key_without(
    station: StationDriver, csms: CsmsPeer, security: StationSecurity, spec: Spec, profile: SutProfile
) -> None:
    """Ask a charge point for it that has neither, and for profile 3 one that has a root."""
    async with stairs(security, csms, station, profile) as way:
        await refused_without(way, "16S.A05.FR.03", spec, root=False)
        if 3 in way.claimed:
            await refused_without(way, "16S.A05.FR.04", spec, root=True)
        else:
            spec.excuse("16S.A05.FR.04", "the station does not claim profile 3")


# -- down -------------------------------------------------------------------------------------------------------------


@case(
    "TC_A_22_CS",
    "No network profile with less security than the station has",
    requirements=["B09.FR.04", "B09.FR.31"],
    needs=HIGHER,
    severity=Severity.BLOCKER,
)
async def test_down(
    station: StationDriver, csms: CsmsPeer, security: StationSecurity, spec: Spec, profile: SutProfile
) -> None:
    """Try one with profile 1, and one with the profile below."""
    door = await highest(security, profile)
    trip = await survey(csms, station, profile, (door.endpoint, door.endpoint))
    low = (await security.door(1)).url
    with spec("B09.FR.31"):
        status = (await trip.fill(trip.spare, trip.connection(low, securityProfile=1)))["status"]
        assert status == "Rejected", f"profile 1 was answered {status} in profile {door.profile}"
    if await may_go_down(csms):
        spec.excuse("B09.FR.04", "AllowSecurityProfileDowngrade is true")
        return
    below = await security.door(door.profile - 1)
    with spec("B09.FR.04"):
        status = (await trip.fill(trip.spare, trip.connection(below.url, securityProfile=below.profile)))["status"]
        assert status == "Rejected", f"profile {below.profile} was answered {status} in profile {door.profile}"


@case(
    "DOWN_WHERE_ALLOWED_CS",
    "Down from profile 3 to 2 where that is allowed, by a list of priorities and in no other way",
    requirements=["A00.FR.005", "A05.FR.08", "A05.FR.10"],
    needs="security-profile-3 and security-profile-2",
    severity=Severity.CRITICAL,
)
async def test_down_where_allowed(
    station: StationDriver, csms: CsmsPeer, security: StationSecurity, spec: Spec, profile: SutProfile
) -> None:
    """Try to set the profile itself; then allow to go down, and try that, and forbid it again."""
    async with stairs(security, csms, station, profile):
        door = await security.commission(3)
        with spec("A00.FR.005"):
            status = await csms.speak.write(PROFILE, "2")
            reads = await csms.speak.read(PROFILE)
            assert not taken(status), f"setting {PROFILE} to 2 was answered {status}"
            assert reads == "3", f"{PROFILE} reads {reads} after that"
        below = await security.door(2)
        trip = await survey(csms, station, profile, (door.endpoint, below.endpoint))
        connection = trip.connection(below.url, securityProfile=2)
        listed = f"{trip.spare},{trip.active}"
        try:
            async with configured(csms, {MAY_GO_DOWN: "true"}):
                filled = await trip.fill(trip.spare, connection)
                assert filled["status"] == "Accepted", f"SetNetworkProfile was answered {filled['status']}"
                with spec("A05.FR.08"):
                    status = await csms.speak.write(PRIORITY, listed)
                    assert taken(status), f"a list with profile 2 was answered {status} where that is allowed"
                await csms.speak.write(PRIORITY, trip.active)
        except AssertionError as error:
            for requirement in ("A05.FR.08", "A05.FR.10"):
                spec.excuse(requirement, f"nobody can allow it to go down: {error}")
            return
        with spec("A05.FR.10"):
            status = await csms.speak.write(PRIORITY, listed)
            assert status == "Rejected", f"a list with profile 2 was answered {status} in profile 3"


@case(
    "TC_084_CS",
    "No security profile that is not above the present one",
    versions=["1.6"],
    requirements=["16S.A00.FR.005", "16S.A05.FR.01"],
    needs=HIGHER,
    severity=Severity.BLOCKER,
)
async def test_down_by_key(csms: CsmsPeer, security: StationSecurity, spec: Spec, profile: SutProfile) -> None:
    """Try each lower one, and the one that it has."""
    door = await highest(security, profile)
    with spec("16S.A05.FR.01"):
        wrong = []
        for each in range(door.profile + 1):
            status = await csms.speak.write(PROFILE, str(each))
            if status != "Rejected":
                wrong.append(f"profile {each} was answered {status}")
        assert not wrong, f"in profile {door.profile} {told(wrong)}"
    with spec("16S.A00.FR.005"):
        reads = await csms.speak.read(PROFILE)
        assert reads == str(door.profile), f"{PROFILE} was {door.profile}, and reads {reads} now"


# -- steps ------------------------------------------------------------------------------------------------------------


def same(entrance: Entrance, password: str) -> bool:
    """Whether a station came with this password, if it came with any."""
    return entrance.password is None or entrance.password == password


def excuse_all(spec: Spec, because: str) -> None:
    """Say that nothing binds."""
    for requirement in spec.case.requirements:
        spec.excuse(requirement, because)


async def highest(security: StationSecurity, profile: SutProfile) -> Door:
    """Have the station in the highest profile that it claims, if anybody can, or else in 2 or 3."""
    with suppress(Unsupported):
        return await security.at(3 if profile.claims("security-profile-3") else 2)
    return await security.at(2, 3)


async def may_go_down(csms: CsmsPeer) -> bool:
    """Whether the station may be downgraded."""
    with suppress(AssertionError):  # it has no such variable
        return await csms.speak.read(MAY_GO_DOWN) == "true"
    return False


async def climb(ascent: Ascent, spec: Spec) -> Link:
    """Ask for the higher profile, and see that the station comes in by it."""
    with spec.must("A05.FR.04"):
        status = await ascent.way.ask()
        assert taken(status), f"from profile {ascent.low.profile} to {ascent.high.profile} was answered {status}"
    mark = await ascent.way.follow()
    with spec.must("A05.FR.05"):
        link = await ascent.arrival(after=mark)
        came = ascent.came(link)
        assert came == ascent.high.profile, f"the station came in profile {came}, and not in {ascent.high.profile}"
    await ascent.booted(after=mark)
    return link


async def stays_up(ascent: Ascent, security: StationSecurity) -> None:
    """Show a certificate that can't be believed for a while, and see that the station does not come with less."""
    shown = ascent.high.tls
    assert shown is not None
    csms, mark = ascent.csms, ascent.csms.now
    with ascent.high.presenting(replace(shown, chains=security.pki.server_zoo["unknown-root"])):
        async with ascent.high.endpoint.network.reset():
            await csms.disconnected()
        with suppress(NotSeen):
            what = f"{FAILURES} attempts to connect"
            within = ascent.profile.timing.reconnect
            await csms.until(lambda: len(ascent.attempts(after=mark)) >= FAILURES, what, within=within)
    lower = [ascent.security_of(each) for each in ascent.low.endpoint.asked(after=mark)]
    assert not lower, f"the station tried profile {lower[0]} once it had come to {ascent.high.profile}"
    await ascent.arrival(after=csms.now)


async def returns(ascent: Ascent, door: Door, *, after: int) -> None:
    """See that the station comes back by the profile that it had."""
    csms, timing = ascent.csms, ascent.profile.timing
    back = "the station to come back by the profile before"
    within = timing.reconnect + timing.boot
    await csms.until(
        lambda: any(
            each.detail["error"] is None and csms.link is not None and each.link == csms.link.number
            for each in door.endpoint.asked(after=after)
        ),
        back,
        within=within,
    )


async def refused_without(way: Stairs, requirement: str, spec: Spec, *, root: bool) -> None:
    """Ask for a higher profile of a station that has no certificate of its own, and with `root` that of the CSMS."""
    low, high = way.claimed[0], 3 if root else next(each for each in way.claimed if each > 1)
    if low == high or (low > 1 and not root):
        spec.excuse(requirement, "the station claims no lower profile that does without")
        return
    await way.security.commission(low, root=root, certificate=False)
    ascent = await way.one_step(low, high)
    csms = ascent.csms
    link, mark = csms.link, csms.now
    with spec(requirement):
        status = await ascent.way.ask()
        assert status == "Rejected", f"profile {high} was answered {status}"
        changed = await ascent.unmoved(link, after=mark)
        assert not changed, changed
