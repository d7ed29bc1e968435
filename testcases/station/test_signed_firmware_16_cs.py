"""White paper L01: new firmware, which the charge point installs only if its maker has signed it."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms import CsmsPeer
from conformance.peers.files import Files
from conformance.peers.firmware import FAILED, STATUS, Image, ask_for_update, image_for, steps, update_over
from conformance.peers.received import NotSeen
from conformance.peers.scenes import charging, connectors_show, latest_statuses, running, stop_charging, vacated
from conformance.peers.security import StationSecurity
from conformance.peers.v201 import now
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile

NEEDS = "security-extension and signed-firmware"
NOTHING_TO_INSTALL = "the profile has no firmware that the station could take: [parameters] firmware"
EVENT = "SecurityEventNotification"
ORDER = ("Downloading", "Downloaded", "SignatureVerified", "Installing", "Installed")
"""What has to be told of an update, in this order; some of it more than once, and more in between."""
MAY_LACK = ("SignatureVerified", "Installing")
INSTALLING = ("Installing", "InstallRebooting", "Installed")
AN_HOUR = timedelta(hours=1)
TRIGGER = {"requestedMessage": "FirmwareStatusNotification"}

_numbers = count(8_500)


@case(
    "TC_080_CS",
    "Firmware that its maker has signed is fetched and installed, and each step is told",
    versions=["1.6"],
    requirements=["16S.L01.FR.01", "16S.L01.FR.05", "16S.L01.FR.10", "16S.L01.FR.28"],
    needs=NEEDS,
    severity=Severity.BLOCKER,
)
async def test_update(csms: CsmsPeer, files: Files, security: StationSecurity, spec: Spec, profile: SutProfile) -> None:
    """Have it installed at once, and ask afterwards how it stands."""
    async with image_for(csms, profile, security) as image:
        if image is None:
            for requirement in ("16S.L01.FR.01", "16S.L01.FR.05", "16S.L01.FR.10", "16S.L01.FR.28"):
                spec.unproven(requirement, NOTHING_TO_INSTALL)
            return
        number, mark = next(_numbers), csms.now
        status = await ask_for_update(csms, number, files.offer("firmware", image.content), image)
        assert status == "Accepted", f"SignedUpdateFirmware was answered {status}"
        with spec.must("16S.L01.FR.05"):
            over = await update_over(csms, after=mark, within=_patience(profile))
            assert over["status"] == "Installed", f"the update has ended with {over['status']}"
    told = steps(csms, after=mark)
    csms.touch(*told)
    with spec("16S.L01.FR.01"):
        course = [each["status"] for each in told]
        missing = [each for each in ORDER if each not in course and each not in MAY_LACK]
        assert not missing, f"{', '.join(missing)} was never told, but {', '.join(course)}"
        known = [each for each in course if each in ORDER]
        assert known == sorted(known, key=ORDER.index), f"the steps came as {', '.join(course)}"
    with spec("16S.L01.FR.10"):
        others = [each for each in told if each["status"] != "Idle" and each.get("requestId") != number]
        assert not others, f"{others[0]['status']} was told with the requestId {others[0].get('requestId')}"
    with spec("16S.L01.FR.28"):
        assert await _triggered(csms) == "Idle", "after Installed the charge point does not say that it is idle"


def _patience(profile: SutProfile) -> float:
    """How long an update may take that needs a restart, in seconds."""
    return 2 * profile.timing.boot + profile.timing.report


async def _triggered(csms: CsmsPeer) -> str:
    """How an update stands by what the station says when it is asked; raises AssertionError where it does not."""
    mark = csms.now
    answer = await csms.call("ExtendedTriggerMessage", TRIGGER)
    assert answer["status"] == "Accepted", f"the trigger for the status of the firmware was answered {answer['status']}"
    status: str = (await csms.expect(STATUS, after=mark))["status"]
    return status


@case(
    "TC_081_CS",
    "Firmware with a signature that is not its maker's is not installed",
    versions=["1.6"],
    requirements=["16S.L01.FR.03", "16S.L01.FR.04", "16S.L01.FR.28"],
    needs=NEEDS,
    severity=Severity.BLOCKER,
)
async def test_bad_signature(
    csms: CsmsPeer, files: Files, security: StationSecurity, spec: Spec, profile: SutProfile
) -> None:
    """Offer an image of which one byte is another."""
    async with image_for(csms, profile, security) as image:
        if image is None:
            for requirement in ("16S.L01.FR.03", "16S.L01.FR.04", "16S.L01.FR.28"):
                spec.unproven(requirement, NOTHING_TO_INSTALL)
            return
        number, mark = next(_numbers), csms.now
        tampered = image.content[:-1] + bytes((image.content[-1] ^ 1,))
        status = await ask_for_update(csms, number, files.offer("firmware", tampered), image)
        assert status == "Accepted", f"SignedUpdateFirmware was answered {status}"
        with spec.must("16S.L01.FR.04"):
            over = await update_over(csms, after=mark, within=_patience(profile))
            assert over["status"] == "InvalidSignature", f"the update has ended with {over['status']}"
            course = [each["status"] for each in steps(csms, after=mark)]
            assert "Installing" not in course, "what has no good signature was installed"
        with spec("16S.L01.FR.03"):
            await csms.expect(EVENT, after=mark, type="InvalidFirmwareSignature")
        with spec("16S.L01.FR.28"):
            status = await _triggered(csms)
            assert status == "InvalidSignature", f"asked how it stands, the charge point says {status}"


@case(
    "FIRMWARE_OF_A_STRANGER_CS",
    "Firmware of somebody whom the charge point does not know is not even fetched",
    versions=["1.6"],
    requirements=["16S.L01.FR.02", "16S.L01.FR.24"],
    needs=NEEDS,
    severity=Severity.CRITICAL,
)
async def test_stranger(
    csms: CsmsPeer, files: Files, security: StationSecurity, spec: Spec, profile: SutProfile
) -> None:
    """Name a certificate that leads to no root of a manufacturer; there is nothing to be fetched."""
    stranger = Image(b"", security.pki.station_zoo["self-signed"].certificates, "bm9uZQ==")
    mark = csms.now
    with spec.must("16S.L01.FR.24"):
        status = await ask_for_update(csms, next(_numbers), files.url("firmware"), stranger)
        assert status == "InvalidCertificate", f"the certificate of a stranger was answered {status}"
        await _nothing_fetched(files, profile)
    with spec("16S.L01.FR.02"):
        await csms.expect(EVENT, after=mark, type="InvalidFirmwareSigningCertificate")


async def _nothing_fetched(files: Files, profile: SutProfile) -> None:
    """Nothing is asked for at the place for files; raises AssertionError."""
    try:
        await files.begun(within=profile.timing.settle)
    except NotSeen:
        return
    raise AssertionError("the firmware was fetched")


@case(
    "UNSIGNED_FIRMWARE_CS",
    "An update of the old kind, without a signature, is not known any more",
    versions=["1.6"],
    requirements=["16S.L01.FR.20"],
    needs=NEEDS,
    severity=Severity.CRITICAL,
)
async def test_unsigned(csms: CsmsPeer, files: Files, spec: Spec, profile: SutProfile) -> None:
    """Ask for one; there is nothing to be fetched."""
    request = {"location": files.url("firmware"), "retrieveDate": now()}
    with spec.must("16S.L01.FR.20"):
        refused = await csms.call_error("UpdateFirmware", request)
        assert refused.code == "NotSupported", f"UpdateFirmware was answered with the CALLERROR {refused.code}"
        await _nothing_fetched(files, profile)


@case(
    "FIRMWARE_MISSING_CS",
    "Firmware that can't be fetched is told as such",
    versions=["1.6"],
    requirements=["16S.L01.FR.01"],
    needs=NEEDS,
)
async def test_missing(
    csms: CsmsPeer, files: Files, security: StationSecurity, spec: Spec, profile: SutProfile
) -> None:
    """Name a place where nothing is."""
    async with image_for(csms, profile, security) as image:
        if image is None:
            spec.unproven("16S.L01.FR.01", NOTHING_TO_INSTALL)
            return
        mark = csms.now
        status = await ask_for_update(csms, next(_numbers), files.url("firmware"), image, retries=1, retry_interval=1)
        assert status == "Accepted", f"SignedUpdateFirmware was answered {status}"
        with spec("16S.L01.FR.01"):
            over = await update_over(csms, after=mark, within=_patience(profile))
            assert over["status"] == "DownloadFailed", f"the update has ended with {over['status']}"
            course = [each["status"] for each in steps(csms, after=mark)]
            assert not set(course) & (set(FAILED) - {"DownloadFailed"}), f"the steps were {', '.join(course)}"


@case(
    "FIRMWARE_WAITS_CS",
    "An installation waits for the end of a transaction, and meanwhile nobody else can begin one",
    versions=["1.6"],
    requirements=["16S.L01.FR.05", "16S.L01.FR.07"],
    needs=NEEDS,
)
async def test_waits(  # noqa: PLR0913 -- fixtures
    station: StationDriver, csms: CsmsPeer, files: Files, security: StationSecurity, spec: Spec, profile: SutProfile
) -> None:
    """Ask for an update while an EV charges, and end its transaction."""
    async with image_for(csms, profile, security) as image, vacated(station, csms):
        if image is None:
            for requirement in ("16S.L01.FR.05", "16S.L01.FR.07"):
                spec.unproven(requirement, NOTHING_TO_INSTALL)
            return
        spot, *others = profile.connectors
        session = await charging(station, csms, spot, profile.parameters.valid_id_token.payload)
        mark = csms.now
        status = await ask_for_update(csms, next(_numbers), files.offer("firmware", image.content), image)
        assert status == "Accepted", f"SignedUpdateFirmware was answered {status}"

        def installing() -> bool:
            return any(each["status"] in INSTALLING for each in steps(csms, after=mark))

        def closed() -> bool:
            latest = latest_statuses(csms, after=mark)
            return all(each in latest and latest[each].status == "Unavailable" for each in others)

        with suppress(NotSeen):
            await csms.until(lambda: installing() or closed(), "the update to come so far", within=_patience(profile))
        if installing():
            with suppress(NotSeen):
                await csms.until(
                    lambda: session.transaction_id not in running(csms), "an end", within=profile.timing.boot
                )
            with spec.must("16S.L01.FR.05"):
                csms.touch(*steps(csms, after=mark))
                assert session.transaction_id in running(csms), "the installation has ended the transaction"
            for requirement in ("16S.L01.FR.05", "16S.L01.FR.07"):
                spec.excuse(requirement, "the charge point can install and charge at the same time")
            return
        with spec("16S.L01.FR.07"):
            await connectors_show(csms, others, "Unavailable", after=mark)
        await stop_charging(station, csms, session, profile.parameters.valid_id_token.payload)
        with spec("16S.L01.FR.05"):
            over = await update_over(csms, after=mark, within=_patience(profile))
            assert over["status"] == "Installed", f"the update has ended with {over['status']}"


@case(
    "FIRMWARE_CALLED_OFF_CS",
    "A download that is put off is told as such, and called off by another request",
    versions=["1.6"],
    requirements=["16S.L01.FR.13", "16S.L01.FR.26"],
    needs=NEEDS,
)
async def test_called_off(
    csms: CsmsPeer, files: Files, security: StationSecurity, spec: Spec, profile: SutProfile
) -> None:
    """Ask for an update in an hour, and then for one at once of which there is nothing."""
    async with image_for(csms, profile, security) as image:
        if image is None:
            for requirement in ("16S.L01.FR.13", "16S.L01.FR.26"):
                spec.unproven(requirement, NOTHING_TO_INSTALL)
            return
        first, second, mark = next(_numbers), next(_numbers), csms.now
        url = files.offer("firmware", image.content)
        status = await ask_for_update(csms, first, url, image, retrieve=datetime.now(UTC) + AN_HOUR)
        assert status == "Accepted", f"SignedUpdateFirmware was answered {status}"
        with spec("16S.L01.FR.13"):
            await csms.expect(STATUS, after=mark, status="DownloadScheduled", requestId=first)
        status = await ask_for_update(csms, second, files.url("none"), image, retries=1, retry_interval=1)
        with spec("16S.L01.FR.26"):
            assert status == "AcceptedCanceled", f"another request while an update is put off was answered {status}"
        if status == "Rejected":
            return
        over = await update_over(csms, after=mark, within=_patience(profile))
        with spec("16S.L01.FR.26"):
            assert over.get("requestId") == second, f"{over['status']} was told of the update that was called off"
