"""Certificates between a CSMS and a station: new ones, roots, and the logs and the firmware that rest on them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.issued import faults_of_issued
from conformance.peers.csms_boot import AnotherStation, served
from conformance.peers.csms_credentials import (
    all_certificates,
    delete_certificate,
    get_log,
    install_certificate,
    installed_certificates,
    let_in,
    listing,
    refused_certificate,
    refused_root,
    renewal,
    root_of_csms,
    sign_certificate,
    signed_update,
    signing_request,
    tampered,
)
from conformance.peers.csms_scenes import commanded, reads
from conformance.peers.received import NotSeen, Refused
from conformance.peers.security import CsmsSecurity
from conformance.peers.station import StationPeer
from conformance.sut.drivers import CsmsDriver, DriverFailed, Unsupported
from conformance.sut.profile import SutProfile
from conformance.wire.certificates import hash_data

BY_CERTIFICATE = "security-profile-3"
WITH_TLS = "security-profile-2 or security-profile-3"

WITH_CERTIFICATES = 3

ACCEPTED, REJECTED = {"status": "Accepted"}, {"status": "Rejected"}
PLACE = "http://127.0.0.1:9/"


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
            now, skew = peer.equipment.clock.now(), timedelta(seconds=profile.timing.clock)
            faults = faults_of_issued(sent["certificateChain"], request.csr, now, skew=skew)
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
    "TC_077_CSMS",
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


# -- certificates at the station --------------------------------------------------------------------------------------


@case(
    "TC_M_01_CSMS",
    "Asked to install a root for itself, the CSMS does, and lists it",
    requirements=["CSMS.INSTALL.01", "CSMS.CERTIFICATES.01"],
    needs=WITH_TLS,
)
@case(
    "TC_075_2_CSMS",
    "Asked to install a root for itself, the central system does, and lists it",
    versions=["1.6"],
    requirements=["16S.CENTRAL.09", "16S.CENTRAL.07"],
    needs=f"security-extension and ({WITH_TLS})",
)
async def test_installs_own_root(
    station: StationPeer, security: CsmsSecurity, csms: CsmsDriver, spec: Spec, profile: SutProfile
) -> None:
    """One that comes after the present one."""
    await installs(station, csms, spec, profile, root_of_csms(station), security.pki.next_root)


@case(
    "TC_M_02_CSMS",
    "Asked to install a root of the manufacturer, the CSMS does, and lists it",
    requirements=["CSMS.INSTALL.01", "CSMS.CERTIFICATES.01"],
    needs=WITH_TLS,
)
@case(
    "TC_075_1_CSMS",
    "Asked to install a root of the manufacturer, the central system does, and lists it",
    versions=["1.6"],
    requirements=["16S.CENTRAL.09", "16S.CENTRAL.07"],
    needs=f"security-extension and ({WITH_TLS})",
)
async def test_installs_root_of_manufacturer(
    station: StationPeer, security: CsmsSecurity, csms: CsmsDriver, spec: Spec, profile: SutProfile
) -> None:
    """As it is needed for signed firmware."""
    await installs(station, csms, spec, profile, "ManufacturerRootCertificate", security.pki.manufacturer_root)


async def installs(  # noqa: PLR0913 -- fixtures
    station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile, kind: str, certificate: str
) -> None:
    """Have a certificate installed, and listed."""
    with spec("CSMS.INSTALL.01"):
        await commanded(csms, station, profile, install_certificate(kind, certificate))
    with spec("CSMS.CERTIFICATES.01"):
        await commanded(csms, station, profile, installed_certificates(station, kind))


@case(
    "TC_M_05_CSMS",
    "A station that installs no certificate is heard, and the CSMS goes on",
    requirements=["CSMS.INSTALL.01", "A04.FR.03", "CSMS.COMMAND.01"],
    needs=WITH_TLS,
)
@case(
    "TC_078_CSMS",
    "A charge point that installs no certificate is heard, and the central system goes on",
    versions=["1.6"],
    requirements=["16S.CENTRAL.09", "16S.A04.FR.03", "CSMS.COMMAND.01"],
    needs=f"security-extension and ({WITH_TLS})",
)
async def test_not_installed(
    station: StationPeer, security: CsmsSecurity, csms: CsmsDriver, spec: Spec, profile: SutProfile
) -> None:
    """Once it fails to, and once it finds the certificate not valid, and tells of it."""
    kind = root_of_csms(station)
    for status in ("Failed", "Rejected"):
        station.answer("InstallCertificate", {"status": status})
        with spec.must("CSMS.INSTALL.01"):
            await commanded(csms, station, profile, install_certificate(kind, security.pki.next_root))
        with spec("A04.FR.03"):
            await station.call("SecurityEventNotification", refused_root(station))
        with spec.must("CSMS.COMMAND.01"):
            await commanded(csms, station, profile, reads(station)[0])


@case(
    "TC_M_13_CSMS",
    "Asked for the roots of the manufacturer at a station, the CSMS asks for those",
    requirements=["CSMS.CERTIFICATES.01"],
    needs=WITH_TLS,
)
async def test_lists_roots_of_manufacturer(
    station: StationPeer, security: CsmsSecurity, csms: CsmsDriver, spec: Spec, profile: SutProfile
) -> None:
    """There is one."""
    kind, data = "ManufacturerRootCertificate", hash_data(security.pki.manufacturer_root)
    station.answer("GetInstalledCertificateIds", listing(station, kind, data))
    with spec("CSMS.CERTIFICATES.01"):
        await commanded(csms, station, profile, installed_certificates(station, kind))


@case(
    "TC_M_18_CSMS",
    "Asked for all certificates at a station, the CSMS names no type",
    requirements=["CSMS.CERTIFICATES.01"],
    needs=WITH_TLS,
)
async def test_lists_all(
    station: StationPeer, security: CsmsSecurity, csms: CsmsDriver, spec: Spec, profile: SutProfile
) -> None:
    """There are two."""
    of_csms = listing(station, root_of_csms(station), hash_data(security.pki.root))
    of_manufacturer = listing(station, "ManufacturerRootCertificate", hash_data(security.pki.manufacturer_root))
    name = "certificateHashDataChain"
    station.answer("GetInstalledCertificateIds", {**of_csms, name: [*of_csms[name], *of_manufacturer[name]]})
    with spec("CSMS.CERTIFICATES.01"):
        await commanded(csms, station, profile, all_certificates())


@case(
    "TC_M_19_CSMS",
    "There is no certificate of the type that the CSMS asks for, and it goes on",
    requirements=["CSMS.CERTIFICATES.01", "CSMS.COMMAND.01"],
    needs=WITH_TLS,
)
async def test_lists_none(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """Nothing of the manufacturer is there."""
    station.answer("GetInstalledCertificateIds", {"status": "NotFound"})
    with spec.must("CSMS.CERTIFICATES.01"):
        await commanded(csms, station, profile, installed_certificates(station, "ManufacturerRootCertificate"))
    with spec("CSMS.COMMAND.01"):
        await commanded(csms, station, profile, reads(station)[0])


@case(
    "TC_M_21_CSMS",
    "A station that does not delete a certificate says so, and the CSMS goes on",
    requirements=["CSMS.DELETE.01", "CSMS.COMMAND.01"],
    needs=WITH_TLS,
)
async def test_not_deleted(
    station: StationPeer, security: CsmsSecurity, csms: CsmsDriver, spec: Spec, profile: SutProfile
) -> None:
    """It is the root in use."""
    kind, data = root_of_csms(station), hash_data(security.pki.root)
    station.keep_answering("GetInstalledCertificateIds", listing(station, kind, data))
    await commanded(csms, station, profile, installed_certificates(station, kind))
    station.answer("DeleteCertificate", {"status": "Failed"})
    with spec.must("CSMS.DELETE.01"):
        await commanded(csms, station, profile, delete_certificate(data))
    with spec("CSMS.COMMAND.01"):
        await commanded(csms, station, profile, reads(station)[0])


@case(
    "TC_M_20_CSMS",
    "Asked to delete a certificate, the CSMS names it as the station does",
    requirements=["CSMS.CERTIFICATES.01", "CSMS.DELETE.01", "M04.FR.07"],
    needs=WITH_TLS,
)
@case(
    "TC_076_CSMS",
    "Asked to delete a certificate, the central system names it as the charge point does",
    versions=["1.6"],
    requirements=["16S.CENTRAL.07", "16S.CENTRAL.08", "16S.M04.FR.07"],
    needs="security-extension",
)
async def test_deletes(
    station: StationPeer, security: CsmsSecurity, csms: CsmsDriver, spec: Spec, profile: SutProfile
) -> None:
    """The station lists it with SHA-384, which is its own choice."""
    kind, root = root_of_csms(station), security.pki.next_root
    data = hash_data(root, algorithm="SHA384")
    station.keep_answering("GetInstalledCertificateIds", listing(station, kind, data))
    with spec("CSMS.CERTIFICATES.01"):
        await commanded(csms, station, profile, installed_certificates(station, kind))
    station.answer("DeleteCertificate", ACCEPTED)
    with spec.must("CSMS.DELETE.01"):
        call = await commanded(csms, station, profile, delete_certificate(data))
    with spec("M04.FR.07"):
        asked = call["certificateHashData"]
        other = [name for name in data if str(asked[name]).casefold() != data[name].casefold()]
        assert not other, f"{', '.join(other)} of the certificate to delete differ from what the station has listed"


# -- logs and firmware ------------------------------------------------------------------------------------------------


@case(
    "SECURITY_LOG_CSMS",
    "Asked for the security log, the CSMS has the station upload it, and hears how that goes",
    requirements=["CSMS.LOG.01", "J.ANSWER.01"],
)
@case(
    "TC_079_CSMS",
    "Asked for the security log, the central system has the charge point upload it, and hears how that goes",
    versions=["1.6"],
    requirements=["16S.CENTRAL.10", "J.ANSWER.01"],
    needs="security-extension",
)
async def test_security_log(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """An upload that succeeds, as far as the station tells."""
    station.answer("GetLog", {"status": "Accepted", "filename": "security.log"})
    with spec.must("CSMS.LOG.01"):
        call = await commanded(csms, station, profile, get_log("SecurityLog", PLACE))
    with spec("J.ANSWER.01"):
        for status in ("Uploading", "Uploaded"):
            await station.call("LogStatusNotification", {"status": status, "requestId": call["requestId"]})


@case(
    "TC_080_CSMS",
    "Asked for an update with signed firmware, the central system orders it, and hears how that goes",
    versions=["1.6"],
    requirements=["16S.CENTRAL.11", "16S.L01.FR.11", "J.ANSWER.01"],
    needs="security-extension and firmware-management",
)
async def test_signed_update(
    station: StationPeer, security: CsmsSecurity, csms: CsmsDriver, spec: Spec, profile: SutProfile
) -> None:
    """An update that succeeds, with the restart that belongs to it."""
    number = await ordered_update(station, security, csms, spec, profile)
    with spec("J.ANSWER.01"):
        await tells_of_update(
            station, number, "Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting"
        )
        await station.reboot("FirmwareUpdate")
        await station.call("SecurityEventNotification", {"type": "FirmwareUpdated", "timestamp": now_at(station)})
        await station.report_all_connectors()
        await tells_of_update(station, number, "Installed")


@case(
    "TC_081_CSMS",
    "The central system hears that the signature of firmware was not right",
    versions=["1.6"],
    requirements=["16S.CENTRAL.11", "16S.L01.FR.11", "J.ANSWER.01"],
    needs="security-extension and firmware-management",
)
async def test_wrong_signature(
    station: StationPeer, security: CsmsSecurity, csms: CsmsDriver, spec: Spec, profile: SutProfile
) -> None:
    """An update that ends with that."""
    number = await ordered_update(station, security, csms, spec, profile)
    with spec("J.ANSWER.01"):
        await tells_of_update(station, number, "Downloading", "Downloaded", "InvalidSignature")
        await station.call(
            "SecurityEventNotification", {"type": "InvalidFirmwareSignature", "timestamp": now_at(station)}
        )


async def ordered_update(
    station: StationPeer, security: CsmsSecurity, csms: CsmsDriver, spec: Spec, profile: SutProfile
) -> int:
    """Have the CSMS order an update; the id that it has given it."""
    signer, image = security.pki.firmware_signer.certificates, b"new firmware"
    wanted = signed_update(PLACE, security.pki.sign_firmware(image), signer, now_at(station))
    station.answer(wanted.action, ACCEPTED)
    with spec.must("16S.CENTRAL.11"):
        call = await commanded(csms, station, profile, wanted)
    with spec("16S.L01.FR.11"):
        sent = call["firmware"]["signingCertificate"]
        assert sent.split() == signer.split(), "signingCertificate is not the one that the firmware was signed with"
    number: int = call["requestId"]
    return number


async def tells_of_update(station: StationPeer, number: int, *statuses: str) -> None:
    """Tell how far an update has come."""
    for status in statuses:
        await station.call("SignedFirmwareStatusNotification", {"status": status, "requestId": number})


def now_at(station: StationPeer) -> str:
    """The time, as the station tells it."""
    return station.equipment.clock.stamp()
