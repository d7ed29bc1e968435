"""Mutants of the 1.6 station: its logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference import log_defects
from conformance.reference.station.transfers import bring
from conformance.reference.station16 import ReferenceStation16

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload


class SecurityUnlogged(log_defects.Forgets, ReferenceStation16):
    """Keeps no security log."""

    breaks = "A04.FR.04"


class SecurityLogStandsStill(log_defects.FirstOnly, ReferenceStation16):
    """Writes no more into its security log once there is something in it."""

    breaks = "A04.FR.04"


class PasswordLogged(log_defects.Tells, ReferenceStation16):
    """Writes its password into its diagnostics."""

    breaks = "A01.FR.12"


class LogRefused(ReferenceStation16):
    """Has logs, and gives none away."""

    breaks = "16S.N01.FR.01"

    def on_get_log(self, request: Payload) -> Payload:  # noqa: ARG002
        """Refuse."""
        return {"status": "Rejected"}


class LogNotBrought(ReferenceStation16):
    """Says that it has uploaded a log, and has not."""

    breaks = "16S.N01.FR.02"

    async def upload(self, request: Payload, name: str, content: bytes) -> None:  # noqa: ARG002
        """Only talk."""
        self.report_upload("Uploading", request["requestId"])
        self.report_upload("Uploaded", request["requestId"])


class LogInTwoFiles(ReferenceStation16):
    """Uploads a log in two parts."""

    breaks = "16S.N01.FR.02"

    async def upload(self, request: Payload, name: str, content: bytes) -> None:
        """Bring one before the other."""
        await bring(request["log"]["remoteLocation"], f"{name}.1", content)
        await super().upload(request, name, content)


class LogWithOtherRequestId(ReferenceStation16):
    """Counts its uploads by itself."""

    breaks = "16S.N01.FR.07"

    def report_upload(self, status: str, number: int) -> None:
        """Tell another number."""
        super().report_upload(status, number + 1)


class UploadingUntold(ReferenceStation16):
    """Tells of an upload when it is over."""

    breaks = "16S.N01.FR.08"

    def report_upload(self, status: str, number: int) -> None:
        """Leave the beginning out."""
        if status != "Uploading":
            super().report_upload(status, number)


class UploadTakenForFailed(ReferenceStation16):
    """Says that an upload failed which went well."""

    breaks = "16S.N01.FR.09"

    def report_upload(self, status: str, number: int) -> None:
        """Say so."""
        super().report_upload("UploadFailure" if status == "Uploaded" else status, number)


class FailureTakenForUpload(ReferenceStation16):
    """Says that an upload went well which failed."""

    breaks = "16S.N01.FR.10"

    def report_upload(self, status: str, number: int) -> None:
        """Say so."""
        super().report_upload("Uploading" if status == "Uploading" else "Uploaded", number)


class SecondLogRefused(ReferenceStation16):
    """Has no time for another log while one is uploaded."""

    breaks = "16S.N01.FR.11"

    def on_get_log(self, request: Payload) -> Payload:
        """Refuse."""
        return {"status": "Rejected"} if self.uploading else super().on_get_log(request)
