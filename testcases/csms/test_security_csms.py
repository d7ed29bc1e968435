"""Who a station is to a CSMS: its password and how that changes, new certificates, and a higher security profile."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.issued import faults_of_issued
from conformance.peers.csms_boot import AnotherStation, served
from conformance.peers.csms_credentials import (
    answers_to,
    kept_out,
    let_in,
    longest_password,
    new_password,
    refusals,
    refused_certificate,
    renewal,
    sign_certificate,
    signing_request,
    tampered,
    wrong_credentials,
)
from conformance.peers.csms_scenes import commanded
from conformance.peers.received import NoAnswer, NotSeen, Refused
from conformance.peers.security import CsmsSecurity
from conformance.peers.station import StationPeer
from conformance.sut.drivers import CsmsDriver, DriverFailed, Unsupported
from conformance.sut.profile import SutProfile
from conformance.sut.secret import Secret

BY_PASSWORD = "security-profile-1 or security-profile-2"
BY_CERTIFICATE = "security-profile-3"
WITH_TLS = "security-profile-2 or security-profile-3"

WITH_CERTIFICATES = 3
LONGEST_PASSWORD = 40
"""As many characters as every station of 2.0.1 must take."""

NO_PASSWORD = "the profile has no password, so nobody can be refused for a wrong one"
ODD_BYTES = bytes((0, 58, 255, 254, 128)) * 4
"""A key of 20 bytes with zeros and colons, which is no UTF-8."""

ACCEPTED, REJECTED = {"status": "Accepted"}, {"status": "Rejected"}
PLACE = "http://127.0.0.1:9/"


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
    for number in by_password(security, profile):
        peer = another_station(profile.identity, security=number, password=own.reveal())
        with spec("A00.FR.207"):
            await let_in(peer, "the right password", within=0)
            await served(peer)
        await peer.close()
    if not csms.can("set_password"):
        return
    try:
        for words, odd in odd_passwords(own):
            await csms.set_password(odd)
            with spec("A00.FR.207"):
                await let_in(station, words, within=profile.timing.settle, password=odd.reveal())
                await served(station)
            await station.disconnect()
    finally:
        await csms.set_password(own)


def odd_passwords(own: Secret) -> list[tuple[str, Secret]]:
    """Passwords as a station may have them, in words."""
    start = own.successor(8).reveal()
    return [
        ("a password with colons in it", Secret(f"{start}:a:b:{start}")),
        ("a password with blanks and signs in it", Secret(f"{start} %+/=&\"'\\ {start}")),
        ("a password of 16 characters", Secret(start * 2)),
        ("a password of 40 characters", own.successor(LONGEST_PASSWORD)),
    ]


@case(
    "TC_A_02_CSMS",
    "A station whose user name is not its identity is refused",
    requirements=["A00.FR.207"],
    needs=BY_PASSWORD,
    severity=Severity.BLOCKER,
)
async def test_wrong_user(
    another_station: AnotherStation, security: CsmsSecurity, spec: Spec, profile: SutProfile
) -> None:
    """With the right password, in each security profile that has passwords."""
    own = profile.password()
    if own is None:
        unproven(spec)
        return
    for number in by_password(security, profile):
        peer = another_station(profile.identity, security=number, password=own.reveal())
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
    another_station: AnotherStation, security: CsmsSecurity, spec: Spec, profile: SutProfile
) -> None:
    """With one that is as long as they may be, in each security profile that has passwords."""
    own = profile.password()
    if own is None:
        unproven(spec)
        return
    other = own.successor(LONGEST_PASSWORD).reveal()
    for number in by_password(security, profile):
        peer = another_station(profile.identity, security=number, password=own.reveal())
        with spec("A00.FR.207"):
            await kept_out(peer, "a wrong password", password=other)


@case(
    "WRONG_CREDENTIALS_CSMS",
    "Credentials that are wrong in any way let nobody in, and the right ones still do",
    versions=["2.0.1", "1.6"],
    requirements=["A00.FR.207"],
    needs=BY_PASSWORD,
    severity=Severity.CRITICAL,
)
async def test_wrong_credentials(
    another_station: AnotherStation, security: CsmsSecurity, spec: Spec, profile: SutProfile
) -> None:
    """One after the other, in each security profile that has passwords."""
    own = profile.password()
    if own is None:
        unproven(spec)
        return
    password, stranger = own.reveal(), profile.parameters.second_identity
    wrong = [
        ("another user name than its identity", {"user": f"{profile.identity}Invalid"}),
        ("a wrong password", {"password": own.successor(LONGEST_PASSWORD).reveal()}),
        *wrong_credentials(profile.identity, password, stranger=stranger),
    ]
    for number in by_password(security, profile):
        peer = another_station(profile.identity, security=number, password=password)
        for words, changes in wrong:
            with spec("A00.FR.207"):
                await kept_out(peer, words, **changes)
        with spec("A00.FR.207"):
            await let_in(peer, "the right password, after wrong ones", within=profile.timing.settle)
            await served(peer)
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
    theirs = own.successor(LONGEST_PASSWORD)
    await csms.set_password(theirs, identity=second)
    try:
        await station.disconnect()
        for number in by_password(security, profile):
            mine = another_station(profile.identity, security=number, password=own.reveal())
            other = another_station(second, security=number, password=theirs.reveal())
            with spec("A00.FR.207"):
                await kept_out(mine, "the password of another station", password=theirs.reveal())
                await kept_out(other, "the password of another station", password=own.reveal())
                await kept_out(mine, "name and password of another", user=second, password=theirs.reveal())
                await let_in(other, "the password that it was given", within=profile.timing.settle)
            await other.close()
    finally:
        await csms.set_password(own, identity=second)


def by_password(security: CsmsSecurity, profile: SutProfile) -> list[int]:
    """The security profiles with passwords in which stations can come in."""
    return [each for each in (1, 2) if each in security.urls and profile.claims(f"security-profile-{each}")]


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
    async with password_put_back(station, csms, profile, own):
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
        async with password_put_back(station, csms, profile, own):
            await station.connect() if station.link is None else None
            with spec.must("A01.FR.02"):
                await changes_password(station, csms, profile, other, status)
            await station.disconnect()
            with spec("A01.FR.04"):
                await kept_out(station, f"a password that it answered {status} to", password=other)
                await let_in(station, "the password that it has kept", within=profile.timing.settle)
                await served(station)


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
    station: StationPeer, csms: CsmsDriver, profile: SutProfile, own: Secret
) -> AsyncIterator[None]:
    """In the end the CSMS takes the password of the profile again: it is told so, or changes it back."""
    try:
        yield
    finally:
        if csms.can("set_password"):
            await csms.set_password(own)
        elif station.link is not None:
            await changes_password(station, csms, profile, own.reveal(), "Accepted")
        await station.disconnect()


# -- new certificates -------------------------------------------------------------------------------------------------


@case(
    "TC_A_11_CSMS",
    "A station that is told to gets a new certificate, and is let in with it",
    requirements=["CSMS.SIGN.05", "A02.FR.11", "A02.FR.14", "CSMS.SIGN.01", "CSMS.SIGN.02"],
    needs=BY_CERTIFICATE,
    severity=Severity.BLOCKER,
)
@case(
    "TC_074_CSMS",
    "A charge point that is told to gets a new certificate, and is let in with it",
    versions=["1.6"],
    requirements=["16S.CENTRAL.05", "16S.A02.FR.11", "16S.CENTRAL.01", "16S.CENTRAL.02"],
    needs="security-extension and security-profile-3",
    severity=Severity.BLOCKER,
)
async def test_renewal(  # noqa: PLR0913 -- fixtures
    station: StationPeer,
    another_station: AnotherStation,
    security: CsmsSecurity,
    csms: CsmsDriver,
    spec: Spec,
    profile: SutProfile,
) -> None:
    """Ask for one when told to, take it, and come back with it."""
    async with with_certificate(station, another_station, profile) as peer:
        request = signing_request(security.pki.serial, security.pki.operator)
        with spec.must("CSMS.SIGN.05"):
            await told_to_renew(peer, csms, profile)
        mark = peer.now
        peer.keep_answering("CertificateSigned", ACCEPTED)
        with spec.must("A02.FR.11"):
            asked = sign_certificate(peer, request.csr)
            answer = await peer.call("SignCertificate", asked)
            assert answer["status"] == "Accepted", f"a sound request was answered {answer['status']}"
        with spec.must("CSMS.SIGN.01"):
            sent = await peer.expect("CertificateSigned", after=mark, within=profile.timing.command)
            faults = faults_of_issued(sent["certificateChain"], request.csr, peer.equipment.clock.now())
            assert not faults, "; ".join(faults)
        with spec("A02.FR.14"):
            kind = sent.get("certificateType")
            wanted = asked.get("certificateType")
            assert kind == wanted, f"asked for a {wanted}, the CSMS sent a certificate of type {kind}"
        await peer.disconnect()
        with spec("CSMS.SIGN.02"):
            assert peer.tls is not None
            renewed = replace(peer.tls, chain=request.chain(sent["certificateChain"]))
            await let_in(peer, "its new certificate", within=profile.timing.settle, tls=renewed)
            await served(peer)


@case(
    "TC_A_14_CSMS",
    "A station that rejected its new certificate is let in with the old one, and heard",
    requirements=["A04.FR.03", "CSMS.SIGN.04"],
    needs=BY_CERTIFICATE,
    severity=Severity.CRITICAL,
)
@case(
    "CERTIFICATE_REJECTED_CSMS",
    "A charge point that rejected its new certificate is let in with the old one, and heard",
    versions=["1.6"],
    requirements=["16S.A04.FR.03", "16S.CENTRAL.04"],
    needs="security-extension and security-profile-3",
    severity=Severity.CRITICAL,
)
async def test_certificate_rejected(  # noqa: PLR0913 -- fixtures
    station: StationPeer,
    another_station: AnotherStation,
    security: CsmsSecurity,
    csms: CsmsDriver,
    spec: Spec,
    profile: SutProfile,
) -> None:
    """Ask for one when told to, reject it, and tell of it; then come back."""
    async with with_certificate(station, another_station, profile) as peer:
        await told_to_renew(peer, csms, profile)
        mark = peer.now
        peer.keep_answering("CertificateSigned", REJECTED)
        request = signing_request(security.pki.serial, security.pki.operator)
        await peer.call("SignCertificate", sign_certificate(peer, request.csr))
        await peer.expect("CertificateSigned", after=mark, within=profile.timing.command)
        with spec("A04.FR.03"):
            await peer.call("SecurityEventNotification", refused_certificate(peer))
        await peer.disconnect()
        with spec("CSMS.SIGN.04"):
            await let_in(peer, "the certificate that it has kept", within=profile.timing.settle)
            await served(peer)


@case(
    "BAD_SIGNING_REQUESTS_CSMS",
    "A request that is none is rejected, and one that is not sound gets no certificate",
    requirements=["A02.FR.12", "CSMS.SIGN.03"],
    needs=BY_CERTIFICATE,
    severity=Severity.NORMAL,
)
@case(
    "BAD_SIGNING_REQUESTS_16_CSMS",
    "A request that is none is rejected, and one that is not sound gets no certificate",
    versions=["1.6"],
    requirements=["A02.FR.12", "CSMS.SIGN.03"],
    needs="security-extension and security-profile-3",
    severity=Severity.NORMAL,
)
async def test_bad_requests(  # noqa: PLR0913 -- fixtures
    station: StationPeer,
    another_station: AnotherStation,
    security: CsmsSecurity,
    csms: CsmsDriver,
    spec: Spec,
    profile: SutProfile,
) -> None:
    """No request at all; then a signature that does not fit, a short key, and the name of another station."""
    pki = security.pki
    good = signing_request(pki.serial, pki.operator)
    unsound = [
        ("a signature that does not fit", tampered(good)),
        ("a key that is too short", signing_request(pki.serial, pki.operator, weak=True)),
        ("the name of another station", signing_request(f"{pki.serial}-X", pki.operator)),
    ]
    async with with_certificate(station, another_station, profile) as peer:
        peer.keep_answering("CertificateSigned", REJECTED)
        with suppress(Unsupported, DriverFailed, NotSeen):  # a CSMS may listen only to a station that it has asked
            await told_to_renew(peer, csms, profile)
        with spec("A02.FR.12"):
            answer = await peer.call("SignCertificate", sign_certificate(peer, "this is no request"))
            assert answer["status"] == "Rejected", f"what is no request was answered {answer['status']}"
        for words, request in unsound:
            mark = peer.now
            with spec("CSMS.SIGN.03"):
                with suppress(Refused):
                    answer = await peer.call("SignCertificate", sign_certificate(peer, request.csr))
                    if answer["status"] == "Accepted":
                        await no_certificate_came(peer, profile, words, after=mark)
                await served(peer)


async def no_certificate_came(peer: StationPeer, profile: SutProfile, words: str, *, after: int) -> None:
    """See that none follows."""
    with suppress(NotSeen):
        await peer.expect("CertificateSigned", after=after, within=profile.timing.settle)
    assert not peer.seen("CertificateSigned", after=after), f"a request with {words} got a certificate"


@asynccontextmanager
async def with_certificate(
    station: StationPeer, another_station: AnotherStation, profile: SutProfile
) -> AsyncIterator[StationPeer]:
    """The station of the profile, come in with a certificate."""
    await station.disconnect()
    peer = another_station(profile.identity, security=WITH_CERTIFICATES)
    await peer.bring_up()
    try:
        yield peer
    finally:
        await peer.close()


async def told_to_renew(peer: StationPeer, csms: CsmsDriver, profile: SutProfile) -> None:
    """Have the CSMS tell the station to ask for a new certificate."""
    wanted = renewal(peer)
    peer.answer(wanted.action, ACCEPTED)
    await commanded(csms, peer, profile, wanted)
