"""Mutants of the 1.6 station: new firmware."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station.rpc import RpcError
from conformance.reference.station.transfers import fetch
from conformance.reference.station16 import ReferenceStation16
from conformance.reference.station16.transactions import Transactions16

if TYPE_CHECKING:
    from cryptography import x509

    from conformance.reference.station.rpc import Payload
    from conformance.reference.station16.base import Connector


class _Reports(ReferenceStation16):
    """Tells other statuses of an update."""

    says: dict[str, str] = {}  # noqa: RUF012

    def report_firmware(self, status: str, number: int) -> None:
        """Say another one; nothing for an empty one."""
        said = self.says.get(status, status)
        if said:
            super().report_firmware(said, number)


class DownloadedUntold(_Reports):
    """Does not tell that it has fetched its firmware."""

    breaks = "16S.L01.FR.01"
    says = {"Downloaded": ""}  # noqa: RUF012


class StepsOutOfOrder(_Reports):
    """Says that it has its firmware before it begins to fetch it."""

    breaks = "16S.L01.FR.01"
    says = {"Downloading": "Downloaded", "Downloaded": "Downloading"}  # noqa: RUF012


class MissingFirmwareTakenForBad(_Reports):
    """Says that the installation failed when there was nothing to install."""

    breaks = "16S.L01.FR.01"
    says = {"DownloadFailed": "InstallationFailed"}  # noqa: RUF012


class InstallationFails(_Reports):
    """Fetches good firmware, and does not install it."""

    breaks = "16S.L01.FR.05"
    says = {"Installed": "InstallationFailed"}  # noqa: RUF012


class InstallsAtOnce(ReferenceStation16):
    """Does not wait for the end of a transaction."""

    breaks = "16S.L01.FR.05"

    async def await_end_of_transactions(self) -> None:
        """Go on."""


class StrangerUntold(ReferenceStation16):
    """Keeps to itself that a stranger wanted to give it firmware."""

    breaks = "16S.L01.FR.02"

    async def refuse_signing_certificate(self, status: str) -> None:
        """Keep quiet."""


class BadSignatureUntold(ReferenceStation16):
    """Keeps to itself that its firmware was not that of its maker."""

    breaks = "16S.L01.FR.03"

    def is_critical(self, event: str) -> bool:
        """Count it among the others."""
        return event != "InvalidFirmwareSignature" and super().is_critical(event)


class SignatureIgnored(ReferenceStation16):
    """Installs whatever it has fetched."""

    breaks = "16S.L01.FR.04"

    def signature_fits(self, firmware: Payload, content: bytes) -> bool:  # noqa: ARG002
        """Find it good."""
        return True


class ConnectorsLeftOpen(ReferenceStation16):
    """Lets drivers begin while it waits to install."""

    breaks = "16S.L01.FR.07"

    def connector_status(self, connector: Connector) -> str:
        """Say what it is without that."""
        return Transactions16.connector_status(self, connector)


class FirmwareWithOtherRequestId(ReferenceStation16):
    """Counts its updates by itself."""

    breaks = "16S.L01.FR.10"

    def report_firmware(self, status: str, number: int) -> None:  # noqa: ARG002
        """Tell another number."""
        super().report_firmware(status, 1)


class UnsignedFirmwareTaken(ReferenceStation16):
    """Takes firmware as it was given before it had to be signed."""

    breaks = "16S.L01.FR.20"

    def on_update_firmware(self, request: Payload) -> Payload:
        """Fetch it."""

        async def update() -> None:
            await fetch(request["location"])

        self.after_answer(update)
        return {}


class UnsignedFirmwareUnknown(ReferenceStation16):
    """Has never heard of updates without a signature."""

    breaks = "16S.L01.FR.20"

    def on_update_firmware(self, request: Payload) -> Payload:  # noqa: ARG002
        """Say so."""
        raise RpcError("NotImplemented", "unknown")


class StrangerTaken(ReferenceStation16):
    """Takes firmware from anyone."""

    breaks = "16S.L01.FR.24"

    def is_of_manufacturer(self, certificate: x509.Certificate) -> bool:  # noqa: ARG002
        """Believe it."""
        return True


class StrangerRejected(ReferenceStation16):
    """Does not say what is wrong with a request for an update."""

    breaks = "16S.L01.FR.24"

    def on_signed_update_firmware(self, request: Payload) -> Payload:
        """Say no."""
        answer = super().on_signed_update_firmware(request)
        return {"status": "Rejected"} if answer["status"] == "InvalidCertificate" else answer


class InstalledForEver(ReferenceStation16):
    """Says for ever that it has installed its firmware."""

    breaks = "16S.L01.FR.28"

    def firmware_status_to_tell(self) -> Payload:
        """Say what it said last."""
        return dict(self.storage.get("firmware_status", {"status": "Idle"}))


class UpdateForgotten(ReferenceStation16):
    """Says that it is idle whatever has become of its update."""

    breaks = "16S.L01.FR.28"

    def firmware_status_to_tell(self) -> Payload:
        """Say so."""
        return {"status": "Idle"}


class DelayUntold(_Reports):
    """Does not tell that it has put a download off."""

    breaks = "16S.L01.FR.13"
    says = {"DownloadScheduled": ""}  # noqa: RUF012


class UpdateNotCalledOff(ReferenceStation16):
    """Has no ear for another update while one waits."""

    breaks = "16S.L01.FR.26"

    def on_signed_update_firmware(self, request: Payload) -> Payload:
        """Refuse."""
        return {"status": "Rejected"} if self.updating else super().on_signed_update_firmware(request)
