"""The logs of a station, brought to where the CSMS wants them (N01), and what has to be in them (A01, A04)."""

from collections.abc import Mapping
from itertools import count
from typing import Any

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms import CsmsPeer
from conformance.peers.csms_dialect import LogKind
from conformance.peers.files import Files
from conformance.peers.received import NotSeen, Received
from conformance.peers.scenes import reboot
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile

WITH_MESSAGES = "security-extension"
STATUS = "LogStatusNotification"
UNDER_WAY = ("Uploading", "Idle")
FAILED = ("UploadFailure", "BadMessage", "PermissionDenied", "NotSupportedOperation")
FORBIDDEN = 403
PACKED = (b"\x1f\x8b", b"PK", b"BZh", b"\xfd7zXZ", b"7z")
"""How a file begins that is packed."""

_numbers = count(8_100)


async def _over(csms: CsmsPeer, profile: SutProfile, *, after: int, number: int | None = None) -> Received:
    """Wait for the status that ends an upload, of this request where one is named; raises NotSeen."""

    def fits(told: Mapping[str, Any]) -> bool:
        return told["status"] not in UNDER_WAY and (number is None or told.get("requestId", number) == number)

    return await csms.expect(STATUS, after=after, within=profile.timing.report, where=fits)


@case(
    "TC_079_CS",
    "The security log is brought to where it is wanted, and each step is told",
    versions=["1.6"],
    requirements=["16S.N01.FR.01", "16S.N01.FR.02", "16S.N01.FR.07", "16S.N01.FR.08", "16S.N01.FR.09"],
    needs=WITH_MESSAGES,
    severity=Severity.CRITICAL,
)
async def test_security_log(csms: CsmsPeer, files: Files, spec: Spec, profile: SutProfile) -> None:
    """Ask for it, and look what is brought and told."""
    number, mark = next(_numbers), csms.now
    with spec.must("16S.N01.FR.01"):
        answer = await csms.speak.get_log("SecurityLog", number, files.url("logs"))
        assert answer["status"] == "Accepted", f"GetLog of the security log was answered {answer['status']}"
        if not answer.get("filename"):
            spec.warn("16S.N01.FR.01", "the answer does not say how the file is called")
    with spec("16S.N01.FR.08"):
        await csms.expect(STATUS, after=mark, status="Uploading")
    over = await _over(csms, profile, after=mark)
    if over["status"] in FAILED and not files.transfers:
        for requirement in ("16S.N01.FR.02", "16S.N01.FR.09"):
            spec.unproven(requirement, f"the station can't bring a file by HTTP: it tells of {over['status']}")
    else:
        with spec("16S.N01.FR.09"):
            assert over["status"] == "Uploaded", f"the upload is told to be {over['status']}"
        with spec("16S.N01.FR.02"):
            csms.touch(answer, over)
            brought = files.brought("logs")
            assert len(brought) == 1, f"{len(brought)} files were brought"
            assert brought[0].content, "the file that was brought is empty"
    with spec("16S.N01.FR.07"):
        told = csms.seen(STATUS, after=mark)
        csms.touch(*told)
        others = [each for each in told if each["status"] != "Idle" and each.get("requestId") != number]
        assert not others, f"{others[0]['status']} was told with the requestId {others[0].get('requestId')}"


@case(
    "LOG_REFUSED_CS",
    "An upload that fails is told as failed",
    versions=["1.6"],
    requirements=["16S.N01.FR.10"],
    needs=WITH_MESSAGES,
)
async def test_upload_fails(csms: CsmsPeer, files: Files, spec: Spec, profile: SutProfile) -> None:
    """Forbid the station to bring its log."""
    mark = csms.now
    url = files.refuse("logs", FORBIDDEN)
    answer = await csms.speak.get_log("SecurityLog", next(_numbers), url, retries=1, retry_interval=1)
    assert answer["status"] == "Accepted", f"GetLog of the security log was answered {answer['status']}"
    with spec("16S.N01.FR.10"):
        over = await _over(csms, profile, after=mark)
        assert over["status"] in FAILED, f"the upload that was forbidden is told to be {over['status']}"


@case(
    "LOG_CALLED_OFF_CS",
    "A new request for a log calls off the upload that is under way",
    versions=["1.6"],
    requirements=["16S.N01.FR.11"],
    needs=WITH_MESSAGES,
)
async def test_called_off(csms: CsmsPeer, files: Files, spec: Spec, profile: SutProfile) -> None:
    """Hold the first upload, and ask for another."""
    files.hold("slow")
    answer = await csms.speak.get_log("SecurityLog", next(_numbers), files.url("slow"))
    assert answer["status"] == "Accepted", f"GetLog of the security log was answered {answer['status']}"
    try:
        await files.begun("slow", within=profile.timing.report)
    except NotSeen:
        spec.unproven("16S.N01.FR.11", "the station brings nothing by HTTP: there is no upload to be called off")
        return
    number, mark = next(_numbers), csms.now
    with spec.must("16S.N01.FR.11"):
        answer = await csms.speak.get_log("SecurityLog", number, files.url("logs"))
        assert answer["status"] == "AcceptedCanceled", f"GetLog during an upload was answered {answer['status']}"
        await files.upload("logs", within=profile.timing.report)
        await csms.expect(STATUS, after=mark, status="Uploaded", requestId=number)


@case(
    "SECURITY_LOG_CS",
    "What concerns security is in the security log, and no password is in any log",
    versions=["2.0.1", "1.6"],
    requirements=["A04.FR.04", "A01.FR.12"],
    needs="security-profile-1 or security-profile-2 or security-profile-3",
    severity=Severity.CRITICAL,
)
async def test_events_logged(
    station: StationDriver, csms: CsmsPeer, files: Files, spec: Spec, profile: SutProfile
) -> None:
    """Fetch the security log before and after a restart, which is a security event, and then the other log too."""
    before = await _fetched(csms, files, profile, "SecurityLog")
    boot = await reboot(station, csms)
    await csms.answered(boot.notification, within=csms.patience.answer)
    after = await _fetched(csms, files, profile, "SecurityLog")
    if after is not None and not files.transfers:
        for requirement in ("A04.FR.04", "A01.FR.12"):
            spec.unproven(requirement, "the station has a log, and can't bring it by HTTP")
        return
    with spec("A04.FR.04"):
        assert after, "there is no security log, though the station was restarted"
        assert after != before, "the security log is the same before and after a restart"
    password = profile.password()
    if password is None:
        spec.excuse("A01.FR.12", "the station has no password")
        return
    logs = [log for log in (before, after, await _fetched(csms, files, profile, "DiagnosticsLog")) if log]
    if any(log.startswith(PACKED) for log in logs):
        spec.unproven("A01.FR.12", "a log is packed, and nobody here looks into it")
        return
    with spec("A01.FR.12"):
        told = b"".join(logs)
        forms = {form.encode() for form in profile.secrets()}
        assert not any(form in told for form in forms), "a log tells the password of the station"


async def _fetched(csms: CsmsPeer, files: Files, profile: SutProfile, kind: LogKind) -> bytes | None:
    """A log that the station brings, empty where it fails in that; None where it has none to bring."""
    number, mark = next(_numbers), csms.now
    folder = f"{kind}-{number}"
    answer = await csms.speak.get_log(kind, number, files.url(folder))
    if answer["status"] != "Accepted":
        return None
    await _over(csms, profile, after=mark, number=number)  # of the one before it may be told again after a restart
    brought = files.brought(folder)
    return brought[-1].content if brought else b""
