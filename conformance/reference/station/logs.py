"""GetLog: the log of security events and that for diagnostics, brought to where the CSMS wants them (N01)."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from conformance.reference.station.clock import parse_moment
from conformance.reference.station.security_events import SecurityEvents
from conformance.reference.station.transfers import TransferError, bring

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from conformance.reference.station.config import StationConfig
    from conformance.reference.station.rpc import Payload

    Work = Callable[[], Coroutine[Any, Any, None]]

ATTEMPTS = 2
RETRY_INTERVAL = 1.0
NAMES = {"SecurityLog": "security", "DiagnosticsLog": "diagnostics"}


class Logs(SecurityEvents):
    """Uploads a log on request, one at a time."""

    def __init__(self, config: StationConfig) -> None:
        """Start with nothing to upload."""
        super().__init__(config)
        self._upload: asyncio.Task[None] | None = None
        self._upload_status: Payload = {"status": "Idle"}

    def on_get_log(self, request: Payload) -> Payload:
        """Answer GetLog; the upload follows, and takes the place of one that is under way (N01.FR.01, .11)."""
        content = self.log_file(request)
        if content is None:
            return {"status": "Rejected"}
        name = f"{NAMES[request['logType']]}-{request['requestId']}.log"
        self.after_answer(partial(self.begin_upload, request, name, content))
        return {"status": "AcceptedCanceled" if self.uploading else "Accepted", "filename": name}

    @property
    def uploading(self) -> bool:
        """Whether an upload is under way."""
        return self._upload is not None and not self._upload.done()

    # -- what is uploaded

    def log_file(self, request: Payload) -> bytes | None:
        """Return the log that is asked for, None when there is none."""
        lines = self.security_lines(request) if request["logType"] == "SecurityLog" else self.diagnostics_lines(request)
        return "".join(f"{line}\n" for line in lines).encode() if lines else None

    def security_lines(self, request: Payload) -> list[str]:
        """Return the security events of the time that is asked for (N01.FR.03)."""
        return [
            f"{entry['timestamp']} {entry['type']} {entry.get('techInfo', '')}".rstrip()
            for entry in self.security_log
            if self.is_wanted(entry["timestamp"], request["log"])
        ]

    def is_wanted(self, timestamp: str, bounds: Payload) -> bool:
        """Tell whether a moment lies in the time that is asked for."""
        moment = parse_moment(timestamp)
        oldest, latest = (parse_moment(bounds.get(name, "")) for name in ("oldestTimestamp", "latestTimestamp"))
        return moment is not None and (oldest is None or oldest <= moment) and (latest is None or moment <= latest)

    def diagnostics_lines(self, request: Payload) -> list[str]:  # noqa: ARG002
        """Return what helps to find a fault, without anything secret (N01.FR.04)."""
        nameplate = self.config.nameplate
        return [
            f"{self.clock.stamp()} {nameplate.vendor} {nameplate.model} firmware {nameplate.firmware_version}",
            f"registration {self.registration}, {len(self.outbox)} messages waiting",
        ]

    # -- uploading

    async def begin_upload(self, request: Payload, name: str, content: bytes) -> None:
        """Call off what is under way, and start."""
        if self._upload is not None and not self._upload.done():
            self._upload.cancel()
            self.upload_called_off(self._upload_status["requestId"])
        self._upload = self.tasks.start(self.upload(request, name, content))

    def upload_called_off(self, number: int) -> None:
        """Hear that another log is to be uploaded in place of that of a request."""

    async def upload(self, request: Payload, name: str, content: bytes) -> None:
        """Bring a log to where it is wanted, again if that fails, and say how it went (N01.FR.07-10)."""
        number = request["requestId"]
        self.report_upload("Uploading", number)
        attempts = max(request.get("retries", ATTEMPTS), 1)
        for attempt in range(1, attempts + 1):
            try:
                await bring(request["log"]["remoteLocation"], name, content)
            except TransferError as failure:
                if attempt == attempts:
                    self.report_upload(failure.status, number)
                    return
                await asyncio.sleep(request.get("retryInterval", RETRY_INTERVAL))
            else:
                self.report_upload("Uploaded", number)
                return

    def report_upload(self, status: str, number: int) -> None:
        """Queue a LogStatusNotification."""
        self._upload_status = {"status": status, "requestId": number}
        self.send_surely("LogStatusNotification", self._upload_status)

    def trigger_log_status(self, _: object) -> list[Work]:
        """Send the status of the upload that is under way, or say that there is none (N01.FR.12)."""

        async def status() -> None:
            payload = self._upload_status if self.uploading else {"status": "Idle"}
            self.send("LogStatusNotification", payload, asked=True)

        return [status]
