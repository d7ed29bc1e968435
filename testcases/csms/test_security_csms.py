"""Who a station is to a CSMS: its password, how that changes, and a higher security profile."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import pairwise

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms_boot import AnotherStation, provisioned, served
from conformance.peers.csms_credentials import (
    answers_to,
    kept_out,
    known,
    let_in,
    longest_password,
    new_password,
    orders_up,
    refusals,
    wrong_credentials,
)
from conformance.peers.csms_scenes import commanded
from conformance.peers.received import NoAnswer, Refused
from conformance.peers.security import CsmsSecurity
from conformance.peers.station import NotConnected, StationPeer
from conformance.peers.visits import levels, visitor
from conformance.sut.drivers import CsmsDriver, DriverFailed, Unsupported
from conformance.sut.profile import SutProfile
from conformance.sut.secret import Secret

BY_PASSWORD = "security-profile-1 or security-profile-2"
BY_PASSWORD_IN = (1, 2)
HIGHER = "(security-profile-2 and (security-profile-1 or security-profile-3))"
NO_PASSWORD = "the profile has no password, so nobody can be refused for a wrong one"
ODD_BYTES = bytes((0, 58, 255, 254, 128)) * 4
"""A key of 20 bytes with zeros and colons, which is no UTF-8."""


# -- passwords --------------------------------------------------------------------------------------------------------


@case(
    "TC_A_01_CSMS",
    "A station with the right password is let in, whatever characters that has",
    requirements=["A00.FR.207"],
    needs=BY_PASSWORD,
    severity=Severity.BLOCKER,
)
@case(
    "TC_085_CSMS",
    "A charge point with the right password is let in, whatever characters that has",
    versions=["1.6"],
    requirements=["16S.AUTH.01"],
    needs=BY_PASSWORD,
    severity=Severity.BLOCKER,
)
async def test_right_password(  # noqa: PLR0913 -- fixtures
    station: StationPeer,
    another_station: AnotherStation,
    security: CsmsSecurity,
    csms: CsmsDriver,
    spec: Spec,
    profile: SutProfile,
) -> None:
    """In each security profile that has passwords; then with odd ones, where the CSMS can be told of them."""
    own = profile.password()
    if own is None:
        unproven(spec)
        return
    await station.disconnect()
    for number in levels(security, profile, *BY_PASSWORD_IN):
        peer = another_station(profile.identity, security=number, password=own.reveal())
        with spec("A00.FR.207"):
            await let_in(peer, "the right password", within=profile.timing.settle)
            await served(peer)
        await peer.close()
    if not csms.can("set_password"):
        return
    try:
        for words, odd in odd_passwords(own, longest_password(station)):
            await csms.set_password(odd)
            with spec("A00.FR.207"):
                await let_in(station, words, within=profile.timing.settle, password=odd.reveal())
                await served(station)
            await station.disconnect()
    finally:
        await csms.set_password(own)


def odd_passwords(own: Secret, longest: int) -> list[tuple[str, Secret]]:
    """Passwords as a station may have them, in words."""
    start = own.successor(5).reveal()
    return [
        ("a password with colons in it", Secret(f"{start}:a:b:{start}:::")),
        ("a password with blanks and signs in it", Secret(f"{start} %+/=&\"'\\ {start}")),
        ("a password of 16 characters", own.successor(16)),
        (f"a password of {longest} characters", own.successor(longest)),
    ]


@case(
    "TC_A_02_CSMS",
    "A station whose user name is not its identity is refused",
    requirements=["A00.FR.207"],
    needs=BY_PASSWORD,
    severity=Severity.BLOCKER,
)
async def test_wrong_user(
    station: StationPeer, another_station: AnotherStation, security: CsmsSecurity, spec: Spec, profile: SutProfile
) -> None:
    """With the right password, in each security profile that has passwords."""
    own = profile.password()
    if own is None:
        unproven(spec)
        return
    await station.disconnect()
    async for peer in known_by_password(another_station, security, profile, own):
        with spec("A00.FR.207"):
            await kept_out(peer, "another user name than its identity", user=f"{profile.identity}Invalid")


@case(
    "TC_A_03_CSMS",
    "A station with a wrong password is refused",
    requirements=["A00.FR.207"],
    needs=BY_PASSWORD,
    severity=Severity.BLOCKER,
)
async def test_wrong_password(
    station: StationPeer, another_station: AnotherStation, security: CsmsSecurity, spec: Spec, profile: SutProfile
) -> None:
    """With one that is as long as they may be, in each security profile that has passwords."""
    own = profile.password()
    if own is None:
        unproven(spec)
        return
    await station.disconnect()
    async for peer in known_by_password(another_station, security, profile, own):
        with spec("A00.FR.207"):
            await kept_out(peer, "a wrong password", password=own.successor(longest_password(peer)).reveal())


@case(
    "WRONG_CREDENTIALS_CSMS",
    "Credentials that are wrong in any way let nobody in, and the right ones still do",
    versions=["2.0.1", "1.6"],
    requirements=["A00.FR.207"],
    needs=BY_PASSWORD,
    severity=Severity.CRITICAL,
)
async def test_wrong_credentials(
    station: StationPeer, another_station: AnotherStation, security: CsmsSecurity, spec: Spec, profile: SutProfile
) -> None:
    """One after the other, in each security profile that has passwords."""
    own = profile.password()
    if own is None:
        unproven(spec)
        return
    password, stranger = own.reveal(), profile.parameters.second_identity
    await station.disconnect()
    async for peer in known_by_password(another_station, security, profile, own):
        wrong = [
            ("another user name than its identity", {"user": f"{profile.identity}Invalid"}),
            ("a wrong password", {"password": own.successor(longest_password(peer)).reveal()}),
            *wrong_credentials(profile.identity, password, stranger=stranger),
        ]
        for words, changes in wrong:
            with spec("A00.FR.207"):
                await kept_out(peer, words, **changes)
        try:
            await let_in(peer, "the right password, after wrong ones", within=profile.timing.settle)
        except AssertionError as locked_out:  # as a defence that is fair, but then anybody can keep a station out
            spec.warn("A00.FR.207", str(locked_out))
        await peer.close()


@case(
    "PASSWORD_OF_ANOTHER_CSMS",
    "The password of one station does not let another one in",
    versions=["2.0.1", "1.6"],
    requirements=["A00.FR.207"],
    needs=BY_PASSWORD,
    severity=Severity.CRITICAL,
)
async def test_password_of_another(  # noqa: PLR0913 -- fixtures
    station: StationPeer,
    another_station: AnotherStation,
    csms: CsmsDriver,
    security: CsmsSecurity,
    spec: Spec,
    profile: SutProfile,
) -> None:
    """Give a second station a password of its own; each comes with that of the other, and with the other's name."""
    own, second = profile.password(), profile.parameters.second_identity
    if own is None:
        unproven(spec)
        return
    assert second, "the profile names no second_identity, which the CSMS knows too"
    theirs = own.successor(longest_password(station))
    await csms.set_password(theirs, identity=second)
    try:
        await station.disconnect()
        for number in levels(security, profile, *BY_PASSWORD_IN):
            mine = another_station(profile.identity, security=number, password=own.reveal())
            other = another_station(second, security=number, password=theirs.reveal())
            await known(mine, within=profile.timing.settle)
            with spec("A00.FR.207"):
                await kept_out(mine, "the password of another station", password=theirs.reveal())
                await kept_out(other, "the password of another station", password=own.reveal())
                await kept_out(mine, "name and password of another", user=second, password=theirs.reveal())
                await let_in(other, "the password that it was given", within=profile.timing.settle)
            await other.close()
    finally:
        await csms.set_password(own, identity=second)


async def known_by_password(
    another_station: AnotherStation, security: CsmsSecurity, profile: SutProfile, own: Secret
) -> AsyncIterator[StationPeer]:
    """The station in each security profile that has passwords, once it is known to be let in with its own."""
    for number in levels(security, profile, *BY_PASSWORD_IN):
        peer = another_station(profile.identity, security=number, password=own.reveal())
        await known(peer, within=profile.timing.settle)
        yield peer


def unproven(spec: Spec) -> None:
    """Say that nothing can be judged."""
    for requirement in spec.case.requirements:
        spec.unproven(requirement, NO_PASSWORD)


# -- new passwords ----------------------------------------------------------------------------------------------------


@case(
    "TC_A_09_CSMS",
    "A new password that the station accepted is the only one that lets it in",
    requirements=["A01.FR.02", "A01.FR.03"],
    needs=BY_PASSWORD,
    severity=Severity.BLOCKER,
)
@case(
    "TC_073_CSMS",
    "A new key that the charge point accepted is the only one that lets it in, whatever bytes it has",
    versions=["1.6"],
    requirements=["16S.A01.FR.02", "16S.A01.FR.03", "16S.AUTH.02"],
    needs=BY_PASSWORD,
    severity=Severity.BLOCKER,
)
async def test_new_password(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Change it, come back with it, and then with the old one; in 1.6 once more, to bytes that are no text."""
    own = profile.password()
    if own is None:
        unproven(spec)
        return
    other = own.successor(longest_password(station)).reveal()
    async with password_put_back(station, csms, profile, own, other, ODD_BYTES):
        with spec.must("A01.FR.02"):
            await changes_password(station, csms, profile, other, "Accepted")
        await station.disconnect()
        with spec.must("A01.FR.03"):
            await let_in(station, "its new password", within=profile.timing.settle, password=other)
            await served(station)
        await station.disconnect()
        with spec("A01.FR.03"):
            await kept_out(station, "a password that has been changed", password=own.reveal())
        if spec.declares("16S.AUTH.02"):
            await station.connect(password=other)
            await changes_password(station, csms, profile, ODD_BYTES, "Accepted")
            await station.disconnect()
            with spec("16S.AUTH.02"):
                await let_in(station, "a key that is no text", within=profile.timing.settle, password=ODD_BYTES)
                await served(station)


@case(
    "TC_A_10_CSMS",
    "A new password that the station rejected changes nothing",
    requirements=["A01.FR.02", "A01.FR.04"],
    needs=BY_PASSWORD,
    severity=Severity.CRITICAL,
)
@case(
    "KEY_NOT_ACCEPTED_CSMS",
    "A new key that the charge point rejected or knows nothing of changes nothing",
    versions=["1.6"],
    requirements=["16S.A01.FR.02", "16S.A01.FR.04"],
    needs=BY_PASSWORD,
    severity=Severity.CRITICAL,
)
async def test_password_rejected(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Refuse it, come back with the old one, and try the new one; in 1.6 refuse it in the other way, too."""
    own = profile.password()
    if own is None:
        unproven(spec)
        return
    other = own.successor(longest_password(station)).reveal()
    for status in refusals(station):
        async with password_put_back(station, csms, profile, own, other):
            if station.link is None:
                await station.connect()
            with spec.must("A01.FR.02"):
                await changes_password(station, csms, profile, other, status)
            await station.disconnect()
            with spec("A01.FR.04"):
                await kept_out(station, f"a password that it answered {status} to", password=other)
                await let_in(station, "the password that it has kept", within=profile.timing.settle)
                told = (await station.boot())["status"]
                assert told in ("Accepted", "Pending"), f"with the password that it has kept, its boot was {told}"


async def changes_password(
    station: StationPeer, csms: CsmsDriver, profile: SutProfile, password: str | bytes, status: str
) -> None:
    """Have the CSMS change the password, answer this, and go on: an answer that a connection ends with may be lost."""
    wanted = new_password(station, password)
    station.answer(wanted.action, answers_to(wanted, status))
    await commanded(csms, station, profile, wanted)
    with suppress(NoAnswer, Refused):
        await station.heartbeat()


@asynccontextmanager
async def password_put_back(
    station: StationPeer, csms: CsmsDriver, profile: SutProfile, own: Secret, *others: str | bytes
) -> AsyncIterator[None]:
    """In the end the CSMS takes the password of the profile again, instead of `others`: it is told so, or changes it.

    Raises DriverFailed where it does not.
    """
    try:
        yield
    finally:
        await station.disconnect()
        if csms.can("set_password"):
            await csms.set_password(own)
        else:
            await change_back(station, csms, profile, own, others)


async def change_back(
    station: StationPeer, csms: CsmsDriver, profile: SutProfile, own: Secret, others: Sequence[str | bytes]
) -> None:
    """Come in with whichever password does, and have the CSMS change it to that of the profile."""
    for password in (own.reveal(), *others):
        with suppress(NotConnected):
            await station.connect(password=password)
            break
    else:
        raise DriverFailed("set_password", f"no password lets {station.identity} in any more; set it by hand")
    if password != own.reveal():
        await changes_password(station, csms, profile, own.reveal(), "Accepted")
    await station.disconnect()


# -- higher security profiles -----------------------------------------------------------------------------------------


@case(
    "TC_A_19_CSMS",
    "Once a station has come in with a higher security profile, a lower one lets it in no more",
    requirements=["CSMS.NETWORK.01", "CSMS.SETVARIABLES.01", "CSMS.RESET.01", "CSMS.BOOT.01", "A05.FR.07"],
    needs=HIGHER,
    severity=Severity.BLOCKER,
)
@case(
    "HIGHER_PROFILE_CSMS",
    "Once a charge point has come in with a higher security profile, a lower one lets it in no more",
    versions=["1.6"],
    requirements=["16S.CENTRAL.06", "16.BOOT.25", "16S.A05.FR.09"],
    needs=f"security-extension and {HIGHER}",
    severity=Severity.BLOCKER,
)
async def test_going_up(
    another_station: AnotherStation, security: CsmsSecurity, csms: CsmsDriver, spec: Spec, profile: SutProfile
) -> None:
    """A station that nobody has seen before goes up step by step, and tries the step before each time."""
    identity = "HIGHER-001"
    steps = levels(security, profile, 1, 2, 3)
    if len(steps) == 1:
        raise Unsupported("connect", "[security.urls] says of one security profile only where stations dial in it")

    def comes(number: int) -> StationPeer:
        return visitor(another_station, profile, number, identity)

    async with provisioned(csms, identity, another_station, profile):
        for lower, higher in pairwise(steps):
            peer = comes(lower)
            await peer.bring_up()
            for order in orders_up(peer, higher, security.urls[higher]):
                peer.answer(order.command.action, order.answer)
                with spec.must(order.rule):
                    await commanded(csms, peer, profile, order.command)
            await peer.disconnect()
            upgraded = comes(higher)
            with spec.must("CSMS.BOOT.01"):
                await let_in(upgraded, f"security profile {higher}, as it was told", within=profile.timing.settle)
                await upgraded.accepted()
            await upgraded.disconnect()
            with spec("A05.FR.07"):
                await kept_out(comes(lower), f"security profile {lower}, after {higher}")
                await let_in(upgraded, f"security profile {higher}, once more", within=profile.timing.settle)
            await upgraded.disconnect()
