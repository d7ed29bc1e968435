"""TLS at the doors of a CSMS: what it shows, what it speaks, and whom it lets in by their certificates (Part 2 A00)."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.cases.zoo import Reception, Shown
from conformance.oracles.tls import (
    CSMS_SUITES,
    key_problem,
    organization_problem,
    serial_problem,
    server_name_problem,
)
from conformance.peers.csms_boot import AnotherStation, gone
from conformance.peers.csms_credentials import let_in
from conformance.peers.security import CsmsSecurity
from conformance.peers.station import StationPeer
from conformance.peers.visits import (
    SECURE,
    Visit,
    agreed,
    booted,
    changed,
    let_go,
    levels,
    place,
    replied,
    talking,
    visit,
    visitor,
    welcomed,
)
from conformance.sut.profile import SutProfile
from conformance.wire.hello import Reply
from conformance.wire.strain import resume
from conformance.wire.tls import SUITES, ClientTls
from conformance.wire.transcript import Entry

BOTH = ("2.0.1", "1.6")
WITH_TLS = "security-profile-2 or security-profile-3"
Certificates = list[dict[str, Any]]
"""A chain as it stands in the transcript, the certificate of the CSMS first."""
IANA = dict(zip(SUITES, CSMS_SUITES, strict=True))
"""The names of the four suites in the documents, by those of OpenSSL."""
OF_CERTIFICATES = ("A00.FR.307", "A00.FR.502", "A00.FR.503", "A00.FR.508", "A00.FR.509", "A00.FR.510")
"""The rules for the certificate of a CSMS."""
THE_END = "with the end of the connection"
SWITCHED = " 101"
"""What stands in the first line where an upgrade is granted."""
OLD_SUITES = (
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_DHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
)
"""What servers that speak old versions have, one or the other of it."""
OLD_VERSIONS = ("TLSv1.1", "TLSv1.0", "SSLv3")
UNFIT = (
    (
        "suites without encryption",
        (
            "TLS_RSA_WITH_NULL_SHA256",
            "TLS_RSA_WITH_NULL_SHA",
            "TLS_RSA_WITH_NULL_MD5",
            "TLS_ECDHE_RSA_WITH_NULL_SHA",
            "TLS_ECDHE_ECDSA_WITH_NULL_SHA",
        ),
    ),
    (
        "anonymous suites",
        (
            "TLS_DH_anon_WITH_AES_128_GCM_SHA256",
            "TLS_DH_anon_WITH_AES_128_CBC_SHA",
            "TLS_ECDH_anon_WITH_AES_128_CBC_SHA",
        ),
    ),
    (
        "suites with RC4",
        (
            "TLS_RSA_WITH_RC4_128_SHA",
            "TLS_RSA_WITH_RC4_128_MD5",
            "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
            "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
        ),
    ),
    ("suites with DES", ("TLS_RSA_WITH_DES_CBC_SHA", "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA")),
)


# -- what the CSMS shows and speaks -----------------------------------------------------------------------------------


@case(
    "TC_A_04_CSMS",
    "The CSMS has all four suites, and shows a good certificate with each",
    requirements=["A00.FR.318", "A00.FR.321", *OF_CERTIFICATES],
    severity=Severity.BLOCKER,
    needs=WITH_TLS,
)
@case(
    "TC_086_CSMS",
    "The central system has all four suites, and shows a good certificate with each",
    versions=["1.6"],
    requirements=["A00.FR.318", "A00.FR.321", *OF_CERTIFICATES],
    severity=Severity.BLOCKER,
    needs=WITH_TLS,
)
async def test_server_certificate(
    station: StationPeer,
    security: CsmsSecurity,
    another_station: AnotherStation,
    spec: Spec,
    profile: SutProfile,
) -> None:
    """One suite after the other, without a look at the certificate, and then with one; compression offered besides."""
    await station.disconnect()
    for level in levels(security, profile, *SECURE):
        guest = visitor(another_station, profile, level)
        shown = [
            (_alone(guest, suite), chain) for suite in SUITES if (chain := await _with_suite(guest, level, suite, spec))
        ] or await _anyhow(guest)
        if not shown:
            for requirement in OF_CERTIFICATES:
                spec.unproven(requirement, "TLS 1.2 or 1.3 was agreed with no suite, so the certificate is not known")
        for _, chain in shown:
            _judge_chain(chain, urlsplit(guest.url).hostname or "", spec)
        for offer, _ in shown:
            with spec("A00.FR.307"):
                entry = await agreed(guest, offer)
                assert entry is not None, "there was no TLS handshake"
                assert entry.detail["ok"], f"the certificate of the CSMS won't do: {entry.detail['error']}"
        with spec("A00.FR.321"):
            reply = await replied(guest, profile, suites=CSMS_SUITES, compression=("DEFLATE", "null"))
            assert reply.compression in (None, "null"), f"the CSMS compresses: {reply}"
        came = await welcomed(guest, profile, changed(guest.tls, verifies=False))
        with spec("A00.FR.318"):
            assert came.agreed, f"a good station in security profile {level}: {came.words}"
        assert came.let_in or not came.agreed, f"in security profile {level}: {came.words}; {known_as(security)}"


def _alone(guest: StationPeer, suite: str) -> ClientTls:
    return changed(guest.tls, newest="1.2", suites=(suite,))


async def _anyhow(guest: StationPeer) -> list[tuple[ClientTls, Certificates]]:
    """What the CSMS shows whoever has TLS 1.3 and all the usual suites, and what to offer for that: one, or none."""
    offer = changed(guest.tls, suites=("DEFAULT",))
    entry = await agreed(guest, replace(offer, verifies=False))
    return [(offer, entry.detail["chain"])] if entry is not None and entry.detail["chain"] else []


async def _with_suite(guest: StationPeer, level: int, suite: str, spec: Spec) -> Certificates:
    """The certificates that the CSMS shows with one suite of TLS 1.2."""
    with spec("A00.FR.318"):
        entry = await agreed(guest, replace(_alone(guest, suite), verifies=False))
        assert entry is not None, "there was no TLS handshake"
        spec.shown.append(_suite_shown(suite, level, entry))
        assert entry.detail["ok"], f"offered {IANA[suite]} alone, the CSMS did not agree: {entry.detail['error']}"
        assert entry.detail["suite"] == IANA[suite], f"offered {IANA[suite]}, it took {entry.detail['suite']}"
        chain: Certificates = entry.detail["chain"]
        return chain
    return []


def _suite_shown(suite: str, level: int, entry: Entry) -> Shown:
    ok = entry.detail["ok"]
    outcome = Reception.ACCEPTED if ok else Reception.REFUSED
    name = suite.removesuffix("-SHA256").removesuffix("-SHA384")
    return Shown(f"{name} ({level})", outcome, refuses="must not", alert=entry.detail["alert_received"] or "")


def _judge_chain(chain: Certificates, host: str, spec: Spec) -> None:
    """What the documents ask of the certificates that a CSMS shows."""
    for certificate in chain:
        with spec("A00.FR.503" if str(certificate.get("key", "")).startswith("E") else "A00.FR.502"):
            problem = key_problem(certificate)
            assert problem is None, f"the certificate of {certificate.get('subject')}: {problem}"
    for requirement, problem in (
        ("A00.FR.508", serial_problem(chain[0])),
        ("A00.FR.509", organization_problem(chain[0])),
        ("A00.FR.510", server_name_problem(chain[0], host)),
    ):
        with spec(requirement):
            assert problem is None, f"the certificate of the CSMS: {problem}"


@case(
    "TC_A_06_CSMS",
    "Whoever has TLS 1.1 or older only is not let in, and the next with TLS 1.2 is",
    requirements=["A00.FR.313", "A00.FR.315"],
    severity=Severity.CRITICAL,
    needs=WITH_TLS,
)
@case(
    "OLD_TLS_CSMS",
    "Whoever has TLS 1.1 or older only is not let in, and the next with TLS 1.2 is",
    versions=["1.6"],
    requirements=["A00.FR.315"],
    severity=Severity.CRITICAL,
    needs=WITH_TLS,
)
async def test_old_version(
    station: StationPeer, security: CsmsSecurity, another_station: AnotherStation, spec: Spec, profile: SutProfile
) -> None:
    """A hello of each old version, with suites that an old server would like."""
    for level in levels(security, profile, *SECURE):
        guest = visitor(another_station, profile, level)
        for version in OLD_VERSIONS:
            reply = await replied(guest, profile, versions=(version,), suites=OLD_SUITES)
            spec.shown.append(_hello_shown(version, level, "it is older than TLS 1.2", reply))
            if spec.declares("A00.FR.313"):
                with spec("A00.FR.313"):
                    assert not reply.agreed, f"offered {version} alone, the CSMS said {reply}"
            with spec("A00.FR.315"):
                assert reply.alert or reply.closed, (
                    f"offered {version} alone, the CSMS did not hang up: it said {reply}"
                )
        await station.disconnect()
        then = await welcomed(guest, profile)
        assert then.let_in, f"a good station after those with old versions: {then.words}"


def _hello_shown(what: str, level: int, wrong: str, reply: Reply) -> Shown:
    outcome = Reception.ACCEPTED if reply.agreed else Reception.REFUSED
    return Shown(f"{what} ({level})", outcome, wrong=wrong, alert=reply.alert or "", why=str(reply))


@case(
    "UNFIT_SUITES_CSMS",
    "Whoever has unfit suites only is not let in",
    versions=BOTH,
    requirements=["A00.FR.320", "A00.FR.322"],
    severity=Severity.CRITICAL,
    needs=WITH_TLS,
)
async def test_unfit_suites(
    station: StationPeer, security: CsmsSecurity, another_station: AnotherStation, spec: Spec, profile: SutProfile
) -> None:
    """Suites without encryption, without authentication, and of ciphers that are broken."""
    for level in levels(security, profile, *SECURE):
        guest = visitor(another_station, profile, level)
        for kind, suites in UNFIT:
            reply = await replied(guest, profile, suites=suites)
            spec.shown.append(_hello_shown(kind, level, "it is unfit for use", reply))
            with spec("A00.FR.320"):
                assert not reply.agreed, f"offered {kind}, the CSMS said {reply}"
            with spec("A00.FR.322"):
                assert reply.alert or reply.closed, f"offered {kind} alone, the CSMS did not hang up: it said {reply}"
            if reply.silent:
                break
        await station.disconnect()
        then = await welcomed(guest, profile)
        assert then.let_in, f"a good station after those with unfit suites: {then.words}"


# -- certificates of stations -----------------------------------------------------------------------------------------


@case(
    "TC_A_07_CSMS",
    "A station with a good certificate is let in, with every suite",
    requirements=["A00.FR.318"],
    severity=Severity.BLOCKER,
    needs="security-profile-3",
)
@case(
    "TC_087_CSMS",
    "A charge point with a good certificate is let in, with every suite",
    versions=["1.6"],
    requirements=["A00.FR.318"],
    severity=Severity.BLOCKER,
    needs="security-profile-3",
)
async def test_client_certificate(
    station: StationPeer, security: CsmsSecurity, another_station: AnotherStation, spec: Spec, profile: SutProfile
) -> None:
    """With an ECDSA key and with an RSA key; in TLS 1.2 one suite after the other, then as both ends like it."""
    await station.disconnect()
    (level,) = levels(security, profile, 3)
    guest = visitor(another_station, profile, level)
    for suite in SUITES:
        with spec("A00.FR.318"):
            entry = await agreed(guest, _alone(guest, suite))
            assert entry is not None, "there was no TLS handshake"
            spec.shown.append(_suite_shown(suite, level, entry))
            assert entry.detail["ok"], f"offered {IANA[suite]} alone: {entry.detail['error']}"
    came = {
        key: await welcomed(guest, profile, changed(guest.tls, chain=security.pki.station(key=key)))
        for key in ("ECDSA", "RSA")
    }
    unknown = all(each.agreed and not each.let_in for each in came.values())
    assert not unknown, f"a good station: {came['ECDSA'].words}; {known_as(security)}"
    for key, each in came.items():
        spec.shown.append(each.shown(f"good, {key}"))
        with spec("A00.FR.318"):
            assert each.let_in, f"a station with a good certificate, {key}: {each.words}"


def known_as(security: CsmsSecurity) -> str:
    """What to look at where TLS was agreed with a station, and it is not let in all the same."""
    pki = security.pki
    return f"does the CSMS know the station by the serial number {pki.serial} and the operator {pki.operator}?"


MUST = {
    "other-root": "A00.FR.403",
    "self-signed": "A00.FR.403",
    "signed-by-a-station": "A00.FR.403",
    "expired-intermediate": "A00.FR.403",
    "expired": "A00.FR.403",
    "not-yet-valid": "A00.FR.403",
    "wrong-o": "A00.FR.404",
    "no-o": "A00.FR.404",
}
"""The certificates that let nobody in, and the rule for each."""

LONGER_NAMES = ("wrong-cn", "url-as-cn")
"""Those whose common name is not the serial number, but has it in it: by the letter that may be enough."""

RENEWABLE = ("expired", "wrong-o", "no-o")
"""Those with which a CSMS may let a station in as far as to have its certificate renewed (A00.FR.406, A00.FR.429)."""


@case(
    "TC_A_08_CSMS",
    "A station whose certificate is not good, or not its own, is not let in",
    requirements=["A00.FR.403", "A00.FR.404", "A00.FR.405", "A00.FR.407"],
    severity=Severity.BLOCKER,
    needs="security-profile-3",
)
@case(
    "BAD_CLIENT_CERTIFICATES_CSMS",
    "A charge point whose certificate is not good, or not its own, is not let in",
    versions=["1.6"],
    requirements=["A00.FR.403", "A00.FR.404", "A00.FR.405", "A00.FR.407"],
    severity=Severity.BLOCKER,
    needs="security-profile-3",
)
async def test_bad_client_certificates(
    station: StationPeer, security: CsmsSecurity, another_station: AnotherStation, spec: Spec, profile: SutProfile
) -> None:
    """One after the other: of nobody known, out of date, of somebody else, and none; the good one in the end."""
    zoo = security.pki.station_zoo
    await station.disconnect()
    (level,) = levels(security, profile, 3)
    guest = visitor(another_station, profile, level)
    await _good(guest, profile, security)
    hung: set[str] = set()
    for name, requirement in MUST.items():
        if requirement in hung:
            continue
        came = await visit(guest, profile, changed(guest.tls, chain=zoo[name]))
        wrong = zoo.member(name).wrong
        spec.shown.append(came.shown(name, wrong, "must"))
        renewed = name in RENEWABLE and came.put_off
        taken = came.let_in or (came.status == "Pending" and not renewed)
        with spec(requirement):
            assert not taken, f"a station whose certificate is not good ({wrong}): {came.words}"
        if not taken:
            _ends(came, spec, wrong, renewed=renewed)
        if came.status is None and not came.ended:
            hung.add(requirement)  # every such one takes its time
    for name in () if hung else LONGER_NAMES:
        came = await visit(guest, profile, changed(guest.tls, chain=zoo[name]))
        spec.shown.append(came.shown(name, zoo.member(name).wrong, "should"))
        if came.let_in:
            spec.warn("A00.FR.405", f"a station whose certificate is for another ({zoo.member(name).wrong}) got in")
    wrong = "it is that of another station"
    chain = security.pki.station(cn="SOMEBODY-ELSE")
    came = await visit(guest, profile, changed(guest.tls, chain=chain))
    spec.shown.append(came.shown("another station", wrong, "must"))
    with spec("A00.FR.405"):
        assert came.status not in ("Accepted", "Pending"), f"a station with a certificate, but {wrong}: {came.words}"
    came = await visit(guest, profile, changed(guest.tls, chain=None))
    spec.shown.append(came.shown("none", "there is no certificate", "must"))
    _ends(came, spec, "there is none")
    then = await welcomed(guest, profile)
    assert then.let_in, f"a good station after those that are not: {then.words}"


async def _good(guest: StationPeer, profile: SutProfile, security: CsmsSecurity) -> None:
    """See that the station is let in as it is: else it would say nothing that it is not with another certificate."""
    came = await welcomed(guest, profile)
    assert came.let_in, f"a good station, before those that are not: {came.words}; {known_as(security)}"
    await let_go(guest, profile)


def _ends(came: Visit, spec: Spec, wrong: str, *, renewed: bool = False) -> None:
    """The connection is refused or ended, unless the certificate is to be renewed on it."""
    with spec("A00.FR.407"):
        assert came.ended or renewed, f"a station whose certificate is not good ({wrong}): {came.words}"


SHOULD = {"weak-key": "TLS.KEY.01", "sha1": "TLS.KEY.01", "wrong-usage": "TLS.USAGE.01", "revoked": "A00.FR.705"}
"""The certificates that had better let nobody in."""


@case(
    "POOR_CLIENT_CERTIFICATES_CSMS",
    "A certificate that is weak, for something else or revoked lets no station in",
    versions=BOTH,
    requirements=["TLS.KEY.01", "TLS.USAGE.01", "A00.FR.705"],
    severity=Severity.NORMAL,
    needs="security-profile-3",
)
async def test_poor_client_certificates(
    station: StationPeer, security: CsmsSecurity, another_station: AnotherStation, spec: Spec, profile: SutProfile
) -> None:
    """One after the other."""
    zoo = security.pki.station_zoo
    await station.disconnect()
    (level,) = levels(security, profile, 3)
    guest = visitor(another_station, profile, level)
    await _good(guest, profile, security)
    for name, requirement in SHOULD.items():
        came = await visit(guest, profile, changed(guest.tls, chain=zoo[name]))
        member = zoo.member(name)
        spec.shown.append(came.shown(name, member.wrong, "should"))
        with spec(requirement):
            assert not came.let_in, f"a station whose certificate is poor ({member.wrong}): {came.words}"


@case(
    "SERIAL_NUMBER_AT_BOOT_CSMS",
    "A station that boots with another serial number than its certificate has is cut off",
    requirements=["B01.FR.12"],
    severity=Severity.CRITICAL,
    needs="security-profile-3",
)
async def test_serial_number_at_boot(
    station: StationPeer, security: CsmsSecurity, another_station: AnotherStation, spec: Spec, profile: SutProfile
) -> None:
    """The certificate is good, and the one of this station; what it says of itself is not."""
    await station.disconnect()
    (level,) = levels(security, profile, 3)
    other = another_station(profile.identity, security=level, serial=f"{security.pki.serial[:20]}-X", heartbeats=False)
    link = await let_in(other, "a good certificate", within=profile.timing.settle)
    await booted(other)
    with spec("B01.FR.12"):
        assert await gone(other, link, within=profile.timing.answer), (
            "a station booted with another serial number than its certificate has, and stayed connected"
        )
    await other.disconnect()
    then = await welcomed(visitor(another_station, profile, level), profile)
    assert then.let_in, f"the same station with its own serial number: {then.words}"


@case(
    "RESUMED_SESSION_CSMS",
    "A TLS session that is resumed is as good as a new one, and lets nobody in as another station",
    versions=BOTH,
    requirements=["TLS.SESSION.01", "A00.FR.405"],
    severity=Severity.CRITICAL,
    needs="security-profile-3",
)
async def test_resumed_session(
    station: StationPeer, security: CsmsSecurity, another_station: AnotherStation, spec: Spec, profile: SutProfile
) -> None:
    """The station leaves and comes back with its session; then it comes with that as another that the CSMS knows."""
    other = profile.parameters.second_identity
    assert other, "the profile names no second_identity, which the CSMS knows too"
    await station.disconnect()
    (level,) = levels(security, profile, 3)
    guest = visitor(another_station, profile, level)
    await _good(guest, profile, security)
    stranger = visitor(another_station, profile, level, other)
    mine, theirs = place(guest), place(stranger)
    with spec("TLS.SESSION.01"), talking(mine):
        came = await resume(mine, mine, within=profile.timing.answer, patience=profile.timing.settle)
        assert SWITCHED in came.first, f"a good station was answered {came.first or THE_END}"
        assert SWITCHED in came.then, f"a good station with the TLS session it had was answered {came.then or THE_END}"
    boot = json.dumps([2, "resumed", "BootNotification", stranger.dialect.boot_notification("PowerUp")])
    with talking(mine):
        came = await resume(mine, theirs, says=boot, within=profile.timing.answer)
    with spec("A00.FR.405"):
        how = "resumed" if came.resumed else "new"
        assert '"Accepted"' not in came.heard, (
            f"{other} got in with the certificate of {profile.identity}, in a {how} TLS session"
        )
