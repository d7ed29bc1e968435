"""Signed firmware updates (whitepaper L01). The firmware that is fetched is checked, and then thrown away."""

from __future__ import annotations

import asyncio
import base64
import binascii
from functools import partial
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from conformance.reference.station.certificate_facts import is_current, is_issued_by
from conformance.reference.station.clock import parse_moment
from conformance.reference.station.transfers import TransferError, fetch
from conformance.reference.station16.remote import RemoteControl16

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from conformance.reference.station.rpc import Payload
    from conformance.reference.station16.base import Connector
    from conformance.reference.station16.config import StationConfig16

    Work = Callable[[], Coroutine[Any, Any, None]]

ATTEMPTS = 2
RETRY_INTERVAL = 1.0
INSTALLED, IDLE = "Installed", "Idle"


class Firmware16(RemoteControl16):
    """Fetches new firmware, installs it if it is the manufacturer's, and says at each step how far it is."""

    def __init__(self, config: StationConfig16) -> None:
        """Start with nothing to update."""
        super().__init__(config)
        self._update: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self.closing_down = False

    # -- SignedUpdateFirmware

    def on_signed_update_firmware(self, request: Payload) -> Payload:
        """Answer SignedUpdateFirmware; the update follows, and takes the place of one that is under way."""
        status = self.signing_certificate_status(request["firmware"]["signingCertificate"])
        if status != "Accepted":
            self.after_answer(partial(self.refuse_signing_certificate, status))
            return {"status": status}
        self.after_answer(partial(self.begin_update, request))
        return {"status": "AcceptedCanceled" if self.updating else "Accepted"}

    @property
    def updating(self) -> bool:
        """Whether an update is under way, or waits."""
        return self._update is not None and not self._update.done()

    def signing_certificate_status(self, pem: str) -> str:
        """Return Accepted for a certificate that a manufacturer's root has signed (L01.FR.23, .24)."""
        try:
            certificate = x509.load_pem_x509_certificate(pem.encode())
        except ValueError:
            return "InvalidCertificate"
        return "Accepted" if self.is_of_manufacturer(certificate) else "InvalidCertificate"

    def is_of_manufacturer(self, certificate: x509.Certificate) -> bool:
        """Tell whether a certificate is valid now, and signed by a root of a manufacturer itself (L01, L01.FR.12)."""
        current = is_current(certificate, self.clock.now())
        return current and any(is_issued_by(certificate, root) for root in self.manufacturer_roots())

    async def refuse_signing_certificate(self, status: str) -> None:
        """Raise the security event that is due (L01.FR.02)."""
        self.security_event_happened("InvalidFirmwareSigningCertificate", status)

    # -- the update

    async def begin_update(self, request: Payload) -> None:
        """Call off what is under way, and start."""
        if self._update is not None:
            self._update.cancel()
        self.closing_down = False
        self._update = self.tasks.start(self.update_firmware(request))

    async def update_firmware(self, request: Payload) -> None:
        """Take every step of an update."""
        number, firmware = request["requestId"], request["firmware"]
        await self.await_moment(firmware["retrieveDateTime"], "DownloadScheduled", number)
        self.report_firmware("Downloading", number)
        content = await self.download(request)
        if content is None:
            self.report_firmware("DownloadFailed", number)
            return
        self.report_firmware("Downloaded", number)
        if not self.signature_fits(firmware, content):
            self.report_firmware("InvalidSignature", number)
            self.security_event_happened("InvalidFirmwareSignature")
            return
        self.report_firmware("SignatureVerified", number)
        if "installDateTime" in firmware:
            await self.await_moment(firmware["installDateTime"], "InstallScheduled", number)
        await self.await_end_of_transactions()
        self.report_firmware("Installing", number)
        self.storage["installed"] = number
        self._reboots.start(self.reboot())

    async def await_moment(self, timestamp: str, status: str, number: int) -> None:
        """Report a status and wait, unless that moment has passed (L01.FR.13, .16)."""
        moment = parse_moment(timestamp)
        wait = (moment - self.clock.now()).total_seconds() if moment is not None else 0
        if wait > 0:
            self.report_firmware(status, number)
            await asyncio.sleep(wait)

    async def download(self, request: Payload) -> bytes | None:
        """Return the new firmware, None when it can't be had."""
        attempts = max(request.get("retries", ATTEMPTS), 1)
        for attempt in range(1, attempts + 1):
            try:
                return await fetch(request["firmware"]["location"])
            except TransferError:
                if attempt < attempts:
                    await asyncio.sleep(request.get("retryInterval", RETRY_INTERVAL))
        return None

    def signature_fits(self, firmware: Payload, content: bytes) -> bool:
        """Tell whether the firmware is what the manufacturer has signed (L01.FR.04)."""
        try:
            signature = base64.b64decode(firmware["signature"], validate=True)
            key = x509.load_pem_x509_certificate(firmware["signingCertificate"].encode()).public_key()
            if isinstance(key, rsa.RSAPublicKey):
                key.verify(signature, content, padding.PSS(padding.MGF1(SHA256()), padding.PSS.AUTO), SHA256())
            elif isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(signature, content, ec.ECDSA(SHA256()))
            else:
                return False
        except (InvalidSignature, UnsupportedAlgorithm, binascii.Error, ValueError):
            return False
        return True

    async def await_end_of_transactions(self) -> None:
        """Take unused connectors out of use until nobody charges any more (L01.FR.06, .07)."""
        while any(connector.session.transaction for connector in self.connectors.values()):
            self.closing_down = True
            self.report_status_changes()
            self._idle.clear()
            await self._idle.wait()

    def became_idle(self) -> None:
        """Hear that a transaction may have ended."""
        super().became_idle()
        self._idle.set()

    def connector_status(self, connector: Connector) -> str:
        """Keep connectors out of use while the station waits to install."""
        status = super().connector_status(connector)
        free = connector.session.transaction is None and status != "Faulted"
        return "Unavailable" if self.closing_down and free else status

    # -- what is told of it

    def report_firmware(self, status: str, number: int) -> None:
        """Queue a SignedFirmwareStatusNotification, and remember it (L01.FR.01, .10)."""
        self.storage["firmware_status"] = {"status": status, "requestId": number}
        self.send_surely("SignedFirmwareStatusNotification", dict(self.storage["firmware_status"]))

    def trigger_firmware_status(self, number: int | None) -> list[Work]:  # noqa: ARG002
        """Send the last status again, or Idle where nothing is under way (L01.FR.28, .29)."""

        async def status() -> None:
            self.send("SignedFirmwareStatusNotification", self.firmware_status_to_tell(), asked=True)

        return [status]

    def firmware_status_to_tell(self) -> Payload:
        """Return what to say when asked: after Installed, and before any update, the station is idle."""
        last: Payload = self.storage.get("firmware_status", {"status": IDLE})
        return {"status": IDLE} if last["status"] == INSTALLED else last

    def start_up(self) -> None:
        """Begin a life without an update: one that a reboot broke off has failed."""
        self._update = None
        self.closing_down = False
        super().start_up()

    def after_acceptance(self) -> None:
        """Tell of the firmware that was installed by this boot."""
        super().after_acceptance()
        number = self.storage.pop("installed", None)
        if number is not None:
            self.security_event_happened("FirmwareUpdated")
            self.report_firmware(INSTALLED, number)
