"""The remaining calls of a CSMS: triggers, unlocking, and polite refusals."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from conformance.reference.station.certificates import Certificates
from conformance.reference.station.logs import Logs

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from conformance.reference.station.base import Evse
    from conformance.reference.station.rpc import Payload

    Work = Callable[[], Coroutine[Any, Any, None]]


class RemoteControl(Logs, Certificates):
    """Does what the CSMS asks for."""

    # -- TriggerMessage

    def on_trigger_message(self, request: Payload) -> Payload:
        """Answer TriggerMessage; the message follows (F06.FR.04/05/08)."""
        wanted = request["requestedMessage"]
        triggers: dict[str, Callable[[Payload], list[Work] | None]] = {
            "BootNotification": self.trigger_boot,
            "Heartbeat": self.trigger_heartbeat,
            "StatusNotification": self.trigger_status,
            "MeterValues": self.trigger_meter_values,
            "TransactionEvent": self.trigger_transaction_event,
            "SignChargingStationCertificate": self.trigger_signing,
            "FirmwareStatusNotification": partial(self.trigger_idle_status, "FirmwareStatusNotification"),
            "LogStatusNotification": self.trigger_log_status,
        }
        if wanted not in triggers:
            return {"status": "NotImplemented"}
        work = triggers[wanted](request.get("evse", {}))
        if not work:
            return {"status": "Rejected"}
        for step in work:
            self.after_answer(step)
        return {"status": "Accepted"}

    def trigger_boot(self, evse: Payload) -> list[Work] | None:  # noqa: ARG002
        """Send a BootNotification, unless the last one was accepted (F06.FR.17)."""

        async def boot() -> None:
            self.boot_on_request()

        return None if self.accepted else [boot]

    def trigger_heartbeat(self, evse: Payload) -> list[Work]:  # noqa: ARG002
        """Send a Heartbeat."""
        return [partial(self.heartbeat, asked=True)]

    def trigger_status(self, evse: Payload) -> list[Work] | None:
        """Send the status of one connector; anything but a connector is refused (F06.FR.12)."""
        number, connector = evse.get("id"), evse.get("connectorId")
        if number is None or connector is None or not self.exists(number, connector):
            return None

        async def status() -> None:
            self.notify_status(number, connector, asked=True)

        return [status]

    def trigger_meter_values(self, evse: Payload) -> list[Work] | None:
        """Send the meter values of one EVSE, or of all (F06.FR.06/11)."""

        async def meter_values(place: Evse) -> None:
            values = self.meter_values(place, "Trigger", ("AlignedDataCtrlr", "Measurands"))
            self.send("MeterValues", {"evseId": place.number, "meterValue": values}, asked=True)

        if not self.model.members("AlignedDataCtrlr", "Measurands"):
            return None
        return [partial(meter_values, place) for place in self.evses_meant(evse)]

    def trigger_transaction_event(self, evse: Payload) -> list[Work] | None:
        """Send an Updated event of every running transaction meant (F06.FR.07)."""

        async def event(place: Evse) -> None:
            if place.session.transaction is not None:
                self.send_event(place, "Updated", "Trigger", asked=True)

        return [partial(event, place) for place in self.evses_meant(evse) if place.session.transaction]

    def trigger_signing(self, evse: Payload) -> list[Work]:  # noqa: ARG002
        """Ask for a new certificate (A02.FR.02)."""

        async def sign() -> None:
            self.renew_certificate(asked=True)

        return [sign]

    def upload_called_off(self, number: int) -> None:
        """Say that an upload was called off (N01.FR.20)."""
        self.report_upload("AcceptedCanceled", number)

    def trigger_idle_status(self, action: str, evse: Payload) -> list[Work]:  # noqa: ARG002
        """Report that no firmware update or log upload is going on (F06.FR.15/16)."""

        async def status() -> None:
            self.send(action, {"status": "Idle"}, asked=True)

        return [status]

    def evses_meant(self, evse: Payload) -> list[Evse]:
        """Return the EVSE that a request names, or all of them when it names none or the station as a whole."""
        number = evse.get("id")
        return [place for place in self.evses.values() if number in (None, 0, place.number)]

    # -- cable

    def on_unlock_connector(self, request: Payload) -> Payload:
        """Answer UnlockConnector (F05)."""
        evse, connector = request["evseId"], request["connectorId"]
        if evse not in self.evses or connector not in self.evses[evse].connectors:
            return {"status": "UnknownConnector"}
        place = self.evses[evse]
        if place.session.transaction is not None and place.session.authorized and place.plugged == connector:
            return {"status": "OngoingAuthorizedTransaction"}
        return {"status": "Unlocked"}

    # -- what this make of station doesn't have

    def on_data_transfer(self, request: Payload) -> Payload:  # noqa: ARG002
        """Refuse: no vendor extension is known (P01)."""
        return {"status": "UnknownVendorId"}

    def on_get_local_list_version(self, request: Payload) -> Payload:  # noqa: ARG002
        """There is no local list (D02.FR.03)."""
        return {"versionNumber": 0}

    def on_update_firmware(self, request: Payload) -> Payload:  # noqa: ARG002
        """Refuse: the firmware can't be updated over the air."""
        return {"status": "Rejected"}

    def on_reserve_now(self, request: Payload) -> Payload:  # noqa: ARG002
        """Reservations are not taken (H01.FR.01)."""
        return {"status": "Rejected"}

    def on_cancel_reservation(self, request: Payload) -> Payload:  # noqa: ARG002
        """There is no reservation to cancel."""
        return {"status": "Rejected"}
