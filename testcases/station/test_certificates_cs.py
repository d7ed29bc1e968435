"""Certificates at a station: its own, which it renews (A02, A03), and the roots that a CSMS installs (M03 to M05)."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.certificates import count, key_of_certificate, key_of_request
from conformance.oracles.tls import looks_like_an_address
from conformance.peers.certificate_scenes import (
    MANUFACTURER,
    ROOT,
    csr_of,
    delete,
    entry_of,
    hang_up,
    listed,
    offered,
    removed_after,
    replaces_roots,
    request_signing,
    shown,
    shown_next,
    unknown_sessions,
)
from conformance.peers.csms import CsmsPeer
from conformance.peers.csms_dialect import CertificateUse
from conformance.peers.handshakes import guarded
from conformance.peers.received import NotSeen, Refused
from conformance.peers.scenes import configured, reboot
from conformance.peers.security import StationSecurity
from conformance.sut.drivers import StationDriver, Unsupported
from conformance.sut.profile import SutProfile
from conformance.wire.certificates import hash_data, read
from conformance.wire.link import Link
from conformance.wire.transcript import Transcript

WITH_CERTIFICATE = "security-profile-3"
WITH_CERTIFICATE_16 = "security-profile-3 and security-extension"
WITH_TLS = "security-profile-2 or security-profile-3"
WITH_TLS_16 = "(security-profile-2 or security-profile-3) and security-extension"
CHECKS_ROOTS = "additional-root-certificate-check and (security-profile-2 or security-profile-3)"
WITH_MESSAGES_16 = "security-extension"

EVENT = "SecurityEventNotification"
SHORTEST_KEYS = {"RSA": ("A00.FR.502", 2048), "DSA": ("A00.FR.502", 2048), "EC": ("A00.FR.503", 224)}
KINDS_OF_KEYS = ("A00.FR.502", "A00.FR.503")
TEN_DAYS = 10
NO_ROOM_TO_TRY = 20
"""A store for more roots than this is not filled up."""
SIGNING_WAIT, SIGNING_REPEATS = ("SecurityCtrlr", "CertSigningWaitMinimum"), ("SecurityCtrlr", "CertSigningRepeatTimes")
SLACK = 0.2
"""Seconds that a wait may seem shorter than it was."""
LONGEST_CHAIN = 10_000
"""As many characters as CertificateSigned can hold."""
GARBAGE = "-----BEGIN CERTIFICATE-----\nTm90aGluZw==\n-----END CERTIFICATE-----\n"


# -- the station's own certificate ------------------------------------------------------------------------------------


@case(
    "TC_A_11_CS",
    "The station asks for a certificate for a new key, and connects with it",
    requirements=[
        "A02.FR.02",
        "A02.FR.03",
        "A02.FR.05",
        "A02.FR.08",
        "A00.FR.502",
        "A00.FR.503",
        "A00.FR.511",
        "CSR.SUBJECT.01",
        "CERTSIGN.RETURN.01",
    ],
    needs=WITH_CERTIFICATE,
    severity=Severity.BLOCKER,
)
@case(
    "TC_074_CS",
    "The Charge Point asks for a certificate for a new key, and connects with it",
    versions=["1.6"],
    requirements=[
        "A02.FR.02",
        "A02.FR.03",
        "A02.FR.05",
        "A02.FR.08",
        "A00.FR.502",
        "A00.FR.503",
        "A00.FR.511",
        "CSR.SUBJECT.01",
        "CERTSIGN.RETURN.01",
    ],
    needs=WITH_CERTIFICATE_16,
    severity=Severity.BLOCKER,
)
async def test_renewal(
    csms: CsmsPeer, security: StationSecurity, spec: Spec, profile: SutProfile, transcript: Transcript
) -> None:
    """Trigger a SignCertificate, sign the request, hand it over, and see what the station shows next."""
    door = await security.at(3)
    mark, former = csms.now, shown(csms)
    with spec.must("A02.FR.03"):
        request = await request_signing(csms)
        asked = csr_of(request)
        assert asked.signed, "the request is not signed with the key that it is for"
    with spec("A02.FR.05"):
        assert "PRIVATE KEY" not in request.entry.text, "SignCertificate has a private key in it"
    _judge_key(spec, asked.key.kind, asked.key.bits)
    with spec("A02.FR.02"):
        assert key_of_request(request["csr"]) != key_of_certificate(former), "the request is for the key in use"
    with spec("A00.FR.511"):
        _judge_name(asked.common_names, profile)
    await _judge_organization(csms, spec, asked.organizations)
    link, after = csms.link, csms.now
    with unknown_sessions(door):
        with spec.must("A02.FR.08"):
            signed = security.pki.sign(request["csr"])
            answer = await csms.speak.certificate_signed(signed)
            assert answer["status"] == "Accepted", f"a good certificate was answered {answer['status']}"
        with spec("CERTSIGN.RETURN.01"):
            await csms.until(
                lambda: csms.link not in (None, link),
                "the station to come back by itself with the new certificate",
                within=profile.timing.reconnect,
            )
        if csms.link is link:
            await hang_up(csms)
        await csms.connected()
        with spec("A02.FR.08"):
            assert read(shown(csms))[0].sha256 == read(signed)[0].sha256, "the station shows another certificate"
    with spec("A02.FR.05"):
        csms.touch(*(each for each in transcript.since(after) if each.sender == "sut" and each.kind == "frame"))
        told = [each for each in transcript.since(mark) if each.sender == "sut" and "PRIVATE KEY" in (each.text or "")]
        assert not told, "the station has sent a private key"


def _judge_key(spec: Spec, kind: str, bits: int) -> None:
    """A key has to be as long as its kind demands, and that of a kind that nobody asked for can't be judged."""
    binding, least = SHORTEST_KEYS.get(kind, (KINDS_OF_KEYS[1], 0))
    for requirement in KINDS_OF_KEYS:
        if requirement != binding:
            spec.excuse(requirement, f"the key is of the kind {kind}")
    with spec.must(binding):
        assert bits >= least, f"the key of the request has {bits} bits, {least} are due"


def _judge_name(names: tuple[str, ...], profile: SutProfile) -> None:
    """The common name is the serial number, where the profile tells it, and nothing like an address."""
    assert names, "the subject has no commonName"
    assert not any(looks_like_an_address(each) for each in names), f"the commonName {names[0]} is an address"
    serial = profile.sut.serial
    assert serial is None or serial in names, f"the commonName is {', '.join(names)}, the serial number is {serial}"


async def _judge_organization(csms: CsmsPeer, spec: Spec, names: tuple[str, ...]) -> None:
    """The organization is the one that the station is set up with, where that can be read."""
    try:
        operator = await csms.speak.read("CpoName")
    except AssertionError as missing:
        spec.excuse("CSR.SUBJECT.01", f"the name of the operator can't be read: {missing}")
        return
    with spec("CSR.SUBJECT.01"):
        assert operator in names, f"the organization is {', '.join(names) or 'missing'}, the operator is {operator!r}"


@case(
    "TC_A_14_CS",
    "A certificate from a stranger is refused and told of, and the one in use stays in use",
    requirements=["A02.FR.07", "CERTSIGN.EVENT.01"],
    needs=WITH_CERTIFICATE,
    severity=Severity.BLOCKER,
)
@case(
    "TC_077_CS",
    "A certificate from a stranger is refused and told of, and the one in use stays in use",
    versions=["1.6"],
    requirements=["A02.FR.07", "CERTSIGN.EVENT.01"],
    needs=WITH_CERTIFICATE_16,
    severity=Severity.BLOCKER,
)
async def test_stranger(csms: CsmsPeer, security: StationSecurity, spec: Spec) -> None:
    """Have a request signed by an authority that nobody has installed."""
    door = await security.at(3)
    former = shown(csms)
    request = await request_signing(csms)
    mark = csms.now
    with spec.must("A02.FR.07"):
        answer = await csms.speak.certificate_signed(security.pki.sign(request["csr"], defect="other-root"))
        assert answer["status"] == "Rejected", f"a certificate from a stranger was answered {answer['status']}"
    event = csms.speak.security_event("InvalidChargingStationCertificate")
    with spec("CERTSIGN.EVENT.01"):
        await csms.expect(EVENT, after=mark, type=event)
    with spec("A02.FR.07"):
        again = await shown_next(csms, door)
        assert read(again)[0].sha256 == read(former)[0].sha256, "the station does not show the certificate of before"


@case(
    "BAD_CERTIFICATES_CS",
    "A certificate is refused that is out of date, for another key or another station, or none at all",
    versions=["2.0.1", "1.6"],
    requirements=["A02.FR.06"],
    needs=WITH_CERTIFICATE,
    severity=Severity.CRITICAL,
)
async def test_bad_certificates(csms: CsmsPeer, security: StationSecurity, spec: Spec) -> None:
    """Hand over one that nobody has asked for, and then several, each for a request of its own."""
    await security.at(3)
    pki = security.pki
    with spec.must("A02.FR.06"):
        await _refused(csms, pki.station(key="RSA").certificates, "that nobody asked for")
    bad: tuple[tuple[str, Callable[[str], str]], ...] = (
        ("whose time is over", partial(pki.sign, defect="expired")),
        ("whose time is to come", partial(pki.sign, defect="not-yet-valid")),
        ("for another key", partial(pki.sign, key="other")),
        ("for another station", partial(pki.sign, cn="HM-9999-0001")),
        ("that can't be read", lambda _: GARBAGE),
    )
    for what, made in bad:
        request = await request_signing(csms)
        with spec.must("A02.FR.06"):
            await _refused(csms, made(request["csr"]), what)


async def _refused(csms: CsmsPeer, chain: str, what: str) -> None:
    """A certificate has to be Rejected; one that can't be read may be answered with a CALLERROR too."""
    try:
        status = (await csms.speak.certificate_signed(chain))["status"]
    except Refused:
        if chain != GARBAGE:
            raise
        return
    assert status == "Rejected", f"a certificate {what} was answered {status}"


@case(
    "LONG_CHAIN_CS",
    "A chain that is longer than the station says it takes is refused",
    versions=["2.0.1", "1.6"],
    requirements=["A02.FR.16"],
    needs=WITH_CERTIFICATE,
)
async def test_long_chain(csms: CsmsPeer, security: StationSecurity, spec: Spec) -> None:
    """Hand over a good certificate with more of what leads to it than there is room for."""
    await security.at(3)
    try:
        longest = int(await csms.speak.read("CertificateSignedMaxChainSize"))
    except (AssertionError, ValueError) as missing:
        spec.excuse("A02.FR.16", f"the station does not say how long a chain may be: {missing}")
        return
    request = await request_signing(csms)
    chain = security.pki.sign(request["csr"])
    last = chain[chain.rindex("-----BEGIN") :]
    chain += last * ((longest - len(chain)) // len(last) + 1)
    if len(chain) > LONGEST_CHAIN or len(chain) <= longest:
        spec.excuse("A02.FR.16", f"no message can hold a chain longer than {longest} characters")
        return
    with spec("A02.FR.16"):
        status = (await csms.speak.certificate_signed(chain))["status"]
        assert status == "Rejected", f"{len(chain)} characters, of {longest} that the station takes, were {status}"


@case(
    "TC_A_15_CS",
    "A station whose request for a certificate is refused keeps what it has, and asks again when it is told to",
    requirements=["CERTSIGN.REFUSED.01"],
    needs=WITH_CERTIFICATE,
)
@case(
    "SIGNING_REFUSED_CS",
    "A Charge Point whose request for a certificate is refused keeps what it has, and asks again when it is told to",
    versions=["1.6"],
    requirements=["CERTSIGN.REFUSED.01"],
    needs=WITH_CERTIFICATE_16,
)
async def test_request_refused(csms: CsmsPeer, security: StationSecurity, spec: Spec) -> None:
    """Refuse the first request, and look whether the station is still there, and the same."""
    await security.at(3)
    link, mark = csms.link, csms.now
    csms.answer("SignCertificate", {"status": "Rejected"})
    answer = await csms.speak.request_signing()
    assert answer["status"] == "Accepted", f"the trigger for SignCertificate was answered {answer['status']}"
    refused = await csms.expect("SignCertificate", after=mark)
    await csms.answered(refused, within=csms.patience.answer)
    with spec("CERTSIGN.REFUSED.01"):
        await csms.speak.question()
        assert csms.link is link, "the station has hung up"
        await request_signing(csms)


@case(
    "TC_A_23_CS",
    "A station that gets no certificate asks again, after twice the time, and then no more",
    requirements=["A02.FR.17", "A02.FR.18", "A02.FR.19"],
    needs="security-profile-3 and certificate-signing-retry",
)
async def test_no_certificate(csms: CsmsPeer, security: StationSecurity, spec: Spec) -> None:
    """Have it wait as short as can be, and hand over nothing until it has stopped asking."""
    await security.at(3)
    patience = csms.patience.answer
    async with configured(csms, {SIGNING_WAIT: "1", SIGNING_REPEATS: "1"}):
        asked = [await request_signing(csms)]
        for requirement, wait in (("A02.FR.17", 1.0), ("A02.FR.18", 2.0)):
            with spec.must(requirement):
                asked.append(await csms.expect("SignCertificate", after=asked[-1].n + 1, within=wait + patience))
                waited = asked[-1].at - asked[-2].at
                assert waited >= wait - SLACK, f"the next request came after {waited:.1f} s, {wait:g} s are due"
        with spec("A02.FR.19"), suppress(NotSeen):
            await csms.expect("SignCertificate", after=asked[-1].n + 1, within=2 * wait + SLACK)
            raise AssertionError("the station asks a fourth time, though the wait was to be doubled once")


@case(
    "RENEWED_IN_TIME_CS",
    "A station whose certificate ends within a month asks for another",
    versions=["2.0.1", "1.6"],
    requirements=["A03.FR.02"],
    needs=WITH_CERTIFICATE,
)
async def test_renewed_in_time(
    station: StationDriver, csms: CsmsPeer, security: StationSecurity, spec: Spec, profile: SutProfile
) -> None:
    """Give it one that is good for ten days, and restart it; then give it a good one again."""
    await security.at(3)
    request = await request_signing(csms)
    mark = csms.now
    await _take(csms, security.pki.sign(request["csr"], days=TEN_DAYS), profile)
    await reboot(station, csms)
    try:
        another = await csms.expect("SignCertificate", after=mark, within=profile.timing.boot)
    except NotSeen as missing:
        spec.warn("A03.FR.02", f"the certificate ends in {TEN_DAYS} days, and after a restart {missing}")
        another = await request_signing(csms)
    else:
        with spec("A03.FR.02"):
            new = key_of_request(another["csr"]) != key_of_request(request["csr"])
            assert new, "the request is for the key of the certificate that ends"
    await _take(csms, security.pki.sign(another["csr"]), profile)


async def _take(csms: CsmsPeer, chain: str, profile: SutProfile) -> None:
    """Have the station take a certificate and come back with it; raises AssertionError where it does not."""
    link = csms.link
    answer = await csms.speak.certificate_signed(chain)
    assert answer["status"] == "Accepted", f"a good certificate was answered {answer['status']}"
    await _returns(csms, link, profile)


async def _returns(csms: CsmsPeer, link: Link | None, profile: SutProfile) -> None:
    """Wait until the station is there on another connection; one that does not hang up by itself is hung up on."""
    with suppress(NotSeen):
        await csms.until(lambda: csms.link is not link, "the station to hang up", within=profile.timing.settle)
    if csms.link is link:
        await hang_up(csms)
    await csms.connected()


@case(
    "NEW_CERTIFICATE_FAILS_CS",
    "A station that is not let in with its new certificate comes with the old one, and keeps to that",
    requirements=["A02.FR.10", "A02.FR.28", "A02.FR.29"],
    needs=WITH_CERTIFICATE,
)
async def test_new_certificate_fails(
    station: StationDriver, csms: CsmsPeer, security: StationSecurity, spec: Spec, profile: SutProfile
) -> None:
    """Hand over a certificate that the CSMS does not let in, for it is revoked."""
    door = await security.at(3)
    assert door.tls is not None
    async with guarded(station, csms, door, profile):
        former, link, mark = shown(csms), csms.link, csms.now
        request = await request_signing(csms)
        revoked = security.pki.sign(request["csr"], defect="revoked")
        with door.presenting(replace(door.tls, crls=security.pki.crl)):
            answer = await csms.speak.certificate_signed(revoked)
            assert answer["status"] == "Accepted", f"a certificate that it can't see to be bad was {answer['status']}"
            with spec.must("A02.FR.28"):
                await _returns(csms, link, profile)
                assert read(shown(csms))[0].sha256 == read(former)[0].sha256, "the station shows a third certificate"
            with spec("A02.FR.29"):
                await csms.expect(EVENT, after=mark, type="DiscardedRenewedClientCertificate")
        with spec("A02.FR.10"):
            again = await shown_next(csms, door)
            assert read(again)[0].sha256 == read(former)[0].sha256, "the station has kept the certificate that failed"


# -- roots ------------------------------------------------------------------------------------------------------------


@case(
    "TC_M_01_CS",
    "A root of the CSMS is installed, and listed with the right hashes",
    requirements=["M05.FR.02", "M03.FR.03", "M03.FR.04"],
    needs=WITH_TLS,
    severity=Severity.CRITICAL,
)
@case(
    "TC_075_2_CS",
    "A root of the Central System is installed, and listed with the right hashes",
    versions=["1.6"],
    requirements=["M05.FR.02", "M03.FR.03", "M03.FR.04"],
    needs=WITH_TLS_16,
    severity=Severity.CRITICAL,
)
async def test_install_root(csms: CsmsPeer, security: StationSecurity, spec: Spec) -> None:
    """Install one beside that in use, or where there may be one only, the one that follows on it."""
    pki = security.pki
    if await replaces_roots(csms):
        await _install(csms, spec, ROOT, pki.next_root, pki.root)
    else:
        await _install(csms, spec, ROOT, pki.other_root)


@case(
    "TC_M_02_CS",
    "A root of the manufacturer is installed, and listed with the right hashes",
    requirements=["M05.FR.02", "M03.FR.03", "M03.FR.04"],
    needs=WITH_TLS,
)
@case(
    "TC_075_1_CS",
    "A root of the manufacturer is installed, and listed with the right hashes",
    versions=["1.6"],
    requirements=["M05.FR.02", "M03.FR.03", "M03.FR.04"],
    needs=WITH_TLS_16,
)
async def test_install_manufacturer(csms: CsmsPeer, security: StationSecurity, spec: Spec) -> None:
    """Install one that the station has no use for yet."""
    await _install(csms, spec, MANUFACTURER, security.pki.manufacturer_root)


async def _install(csms: CsmsPeer, spec: Spec, use: CertificateUse, pem: str, issuer: str | None = None) -> None:
    async with removed_after(csms, use, pem, issuer=issuer):
        with spec.must("M05.FR.02"):
            status = await offered(csms, use, pem)
            assert status == "Accepted", f"a good root was answered {status}"
        answer = await csms.speak.list_certificates(use)
        with spec.must("M03.FR.03"):
            assert answer["status"] == "Accepted", f"with a root installed, the list was answered {answer['status']}"
        with spec.must("M03.FR.04"):
            found = count(csms.speak.hashes_listed(answer), pem, issuer)
            assert found == 1, f"the root that was installed is listed {found} times with the right hashes"


@case(
    "TC_M_20_CS",
    "A root that is not in use is deleted",
    requirements=["M04.FR.02"],
    needs=WITH_TLS,
)
@case(
    "TC_076_CS",
    "A root that is not in use is deleted",
    versions=["1.6"],
    requirements=["M04.FR.02"],
    needs=WITH_TLS_16,
)
async def test_delete_root(csms: CsmsPeer, security: StationSecurity, spec: Spec) -> None:
    """Install one, have it deleted by the hashes that it is listed with, and look again."""
    use, pem = (MANUFACTURER, security.pki.manufacturer_root)
    if not await replaces_roots(csms):
        use, pem = ROOT, security.pki.other_root
    async with removed_after(csms, use, pem):
        status = await offered(csms, use, pem)
        assert status == "Accepted", f"a good root was answered {status}"
        with spec.must("M04.FR.02"):
            status = await delete(csms, use, pem)
            assert status == "Accepted", f"the deletion was answered {status or 'impossible: it is not listed'}"
            assert not await listed(csms, use, pem), "the root that was deleted is still listed"


@case(
    "TC_M_22_CS",
    "The deletion of a root that is not there is answered NotFound",
    requirements=["M04.FR.04"],
    needs=WITH_TLS,
)
@case(
    "DELETE_UNKNOWN_ROOT_CS",
    "The deletion of a root that is not there is answered NotFound",
    versions=["1.6"],
    requirements=["M04.FR.04"],
    needs=WITH_MESSAGES_16,
)
async def test_delete_unknown(csms: CsmsPeer, security: StationSecurity, spec: Spec) -> None:
    """Name one that nobody has installed."""
    with spec("M04.FR.04"):
        answer = await csms.speak.delete_certificate(hash_data(security.pki.other_root))
        assert answer["status"] == "NotFound", f"the deletion of an unknown root was answered {answer['status']}"


@case(
    "TC_M_23_CS",
    "The station's own certificate can't be deleted",
    requirements=["M04.FR.06"],
    needs=WITH_CERTIFICATE,
    severity=Severity.CRITICAL,
)
@case(
    "DELETE_OWN_CERTIFICATE_CS",
    "The Charge Point's own certificate can't be deleted",
    versions=["1.6"],
    requirements=["M04.FR.06"],
    needs=WITH_CERTIFICATE_16,
    severity=Severity.CRITICAL,
)
async def test_delete_own(csms: CsmsPeer, security: StationSecurity, spec: Spec) -> None:
    """Name the one that it shows, and see whether it still does."""
    door = await security.at(3)
    own, *above = csms.link.peer_chain if csms.link is not None else ()
    with spec.must("M04.FR.06"):
        answer = await csms.speak.delete_certificate(hash_data(own, above[0] if above else security.pki.root))
        allowed = ("Failed", "NotFound")
        assert answer["status"] in allowed, f"deleting the station's own certificate was answered {answer['status']}"
        await shown_next(csms, door)


@case(
    "TC_M_19_CS",
    "Where no certificate of a kind is installed, the list is answered NotFound",
    requirements=["M03.FR.02"],
    needs=WITH_TLS,
)
@case(
    "NO_ROOT_LISTED_CS",
    "Where no certificate of a kind is installed, the list is answered NotFound",
    versions=["1.6"],
    requirements=["M03.FR.02"],
    needs=WITH_MESSAGES_16,
)
async def test_none_listed(csms: CsmsPeer, spec: Spec) -> None:
    """Ask for a kind that there is none of: roots of mobility operators, or of manufacturers."""
    use = csms.speak.rare_use
    answer = await csms.speak.list_certificates(use)
    if csms.speak.hashes_listed(answer):
        spec.excuse("M03.FR.02", f"the station has a {use} of its own")
        return
    with spec("M03.FR.02"):
        assert answer["status"] == "NotFound", f"the list of nothing was answered {answer['status']}"


@case(
    "TC_M_07_CS",
    "What can't be a root is refused, and not listed: out of date, no authority, or no certificate at all",
    requirements=["M05.FR.07"],
    needs=WITH_TLS,
    severity=Severity.CRITICAL,
)
@case(
    "BAD_ROOTS_CS",
    "What can't be a root is refused, and not listed: out of date, no authority, or no certificate at all",
    versions=["1.6"],
    requirements=["M05.FR.07"],
    needs=WITH_TLS_16,
    severity=Severity.CRITICAL,
)
async def test_bad_roots(csms: CsmsPeer, security: StationSecurity, spec: Spec) -> None:
    """Try one after the other as a root of the CSMS."""
    pki = security.pki
    kinds = {"whose time is over": pki.expired_root, "of a station": pki.station_zoo["self-signed"].certificates}
    async with removed_after(csms, ROOT, *kinds.values()):
        for what, pem in kinds.items():
            with spec.must("M05.FR.07"):
                status = await offered(csms, ROOT, pem)
                assert status == "Rejected", f"a certificate {what} was answered {status} as a root"
                assert not await listed(csms, ROOT, pem), f"a certificate {what} is listed as a root"
        with spec("M05.FR.07"):
            status = await offered(csms, ROOT, GARBAGE)
            assert status == "Rejected" or status.startswith("CALLERROR"), f"what can't be read was answered {status}"


@case(
    "ROOT_AGAIN_CS",
    "A root that is installed already is taken again, and is there once",
    requirements=["M05.FR.17"],
    needs=WITH_TLS,
)
async def test_install_again(csms: CsmsPeer, security: StationSecurity, spec: Spec) -> None:
    """Install one twice."""
    pem = security.pki.manufacturer_root
    async with removed_after(csms, MANUFACTURER, pem):
        assert await offered(csms, MANUFACTURER, pem) == "Accepted", "a good root was not accepted"
        with spec("M05.FR.17"):
            status = await offered(csms, MANUFACTURER, pem)
            assert status == "Accepted", f"the root that is there already was answered {status}"
            times = await listed(csms, MANUFACTURER, pem)
            assert times == 1, f"the root is listed {times} times"


@case(
    "ROOT_STORE_FULL_CS",
    "A root too many for the store is refused, and not listed",
    versions=["2.0.1", "1.6"],
    requirements=["M05.FR.06"],
    needs=WITH_TLS,
)
async def test_full_store(csms: CsmsPeer, security: StationSecurity, spec: Spec) -> None:
    """Install as many as the station says that it has room for, and one more."""
    room = await csms.speak.room_for_roots()
    if room is None or room > NO_ROOM_TO_TRY:
        spec.excuse("M05.FR.06", "the station does not say how many roots it has room for, or for very many")
        return
    roots = security.pki.spare_roots(room + 1)
    async with removed_after(csms, MANUFACTURER, *roots):
        for pem in roots:
            status = await offered(csms, MANUFACTURER, pem)
            if status != "Accepted":
                break
        with spec("M05.FR.06"):
            assert status == "Rejected", f"the root that was one too many was answered {status}"
            assert not await listed(csms, MANUFACTURER, pem), "the root that was refused is listed"


@case(
    "ROOT_IN_USE_CS",
    "The root that the present connection is checked with is not deleted where it may not be, and that is told",
    versions=["2.0.1", "1.6"],
    requirements=["M04.FR.03", "16S.M04.FR.06"],
    needs=WITH_TLS,
    severity=Severity.CRITICAL,
)
async def test_root_in_use(csms: CsmsPeer, security: StationSecurity, spec: Spec) -> None:
    """Have it deleted, and where the station does that, put it back at once: it could not return without."""
    await security.at(2, 3)
    pem = security.pki.root
    if await entry_of(csms, ROOT, pem) is None:
        for requirement in ("M04.FR.03", "16S.M04.FR.06"):
            spec.excuse(requirement, "the station does not list the root in use")
        return
    status = await delete(csms, ROOT, pem)
    gone = not await listed(csms, ROOT, pem)
    if gone:
        await offered(csms, ROOT, pem)
    with spec("16S.M04.FR.06"):
        assert status == "Failed", f"the deletion of the root in use was answered {status}"
        assert not gone, "the root in use is not listed any more"
    if status == "Accepted" and gone:
        spec.excuse("M04.FR.03", "the station does delete the root in use, as it may")
        return
    with spec("M04.FR.03"):
        assert status == "Failed", f"the deletion that did not happen was answered {status}"
        assert not gone, "the root whose deletion Failed is not listed any more"


# -- a root that follows on another -----------------------------------------------------------------------------------


@case(
    "ROOT_REPLACED_CS",
    "A new root takes the place of the old one, which is there to fall back on until the new one has proved itself",
    versions=["2.0.1", "1.6"],
    requirements=["M05.FR.09", "M05.FR.10", "M05.FR.12", "M05.FR.13", "M05.FR.14"],
    needs=CHECKS_ROOTS,
)
async def test_root_replaced(station: StationDriver, csms: CsmsPeer, security: StationSecurity, spec: Spec) -> None:
    """Install the root that the old one has signed; show the old certificate, the new one, and look what is left."""
    if not station.can("commission"):
        raise Unsupported("commission", "the old root can't be put back over OCPP")
    pki, door = security.pki, await security.at(2, 3)
    assert door.tls is not None
    try:
        with spec.must("M05.FR.12"):
            status = await offered(csms, ROOT, pki.next_root)
            assert status == "Accepted", f"the root that follows on the old one was answered {status}"
        with spec.must("M05.FR.14"), unknown_sessions(door):
            await hang_up(csms)
        with door.presenting(replace(door.tls, chains=pki.server("next"))):
            with spec.must("M05.FR.10"):
                await hang_up(csms)
            answer = await csms.speak.list_certificates(ROOT)
            found = csms.speak.hashes_listed(answer)
            with spec("M05.FR.13"):
                assert not count(found, pki.root), "the old root is still listed, though the new one has proved itself"
            with spec("M05.FR.09"):
                assert len(found) == 1, f"{len(found)} roots of the CSMS are listed, and there may be one"
    finally:
        await security.commission(door.profile)


@case(
    "ROOT_OF_ANOTHER_CS",
    "A new root that the old one has not signed is refused where there may be one only",
    versions=["2.0.1", "1.6"],
    requirements=["M05.FR.11"],
    needs=CHECKS_ROOTS,
    severity=Severity.CRITICAL,
)
async def test_root_of_another(csms: CsmsPeer, security: StationSecurity, spec: Spec) -> None:
    """Try one that is signed by itself alone."""
    await security.at(2, 3)
    pem = security.pki.bare_root
    async with removed_after(csms, ROOT, pem):
        with spec("M05.FR.11"):
            status = await offered(csms, ROOT, pem)
            assert status == "Rejected", f"a root that the old one has not signed was answered {status}"
            assert not await listed(csms, ROOT, pem), "the root that was refused is listed"
