"""The remaining calls of a Central System: triggers, unlocking, and polite refusals (5.6, 5.17, 5.18)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from conformance.reference.station.logs import Logs
from conformance.reference.station16.certificates import Certificates16

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from conformance.reference.station.rpc import Payload
    from conformance.reference.station16.base import Connector

    Work = Callable[[], Coroutine[Any, Any, None]]
    Triggers = dict[str, Callable[[int | None], list[Work] | None]]


class RemoteControl16(Logs, Certificates16):
    """Does what the Central System asks for. Actions without a method here are answered NotSupported.

    These are diagnostics and firmware: their profile is not in SupportedFeatureProfiles.
    """

    # -- triggers

    def on_trigger_message(self, request: Payload) -> Payload:
        """Answer TriggerMessage; the message follows (5.17)."""
        more: Triggers = {
            "DiagnosticsStatusNotification": partial(self.trigger_idle_status, "DiagnosticsStatusNotification"),
            "FirmwareStatusNotification": partial(self.trigger_idle_status, "FirmwareStatusNotification"),
        }
        return self.trigger({**self.triggers(), **more}, request)

    def on_extended_trigger_message(self, request: Payload) -> Payload:
        """Answer ExtendedTriggerMessage; the message follows (whitepaper 5.5, 6.16)."""
        more: Triggers = {
            "FirmwareStatusNotification": self.trigger_firmware_status,
            "LogStatusNotification": self.trigger_log_status,
            "SignChargePointCertificate": self.trigger_signing,
        }
        return self.trigger({**self.triggers(), **more}, request)

    def trigger_firmware_status(self, number: int | None) -> list[Work]:
        """Say how the update of the firmware stands."""
        raise NotImplementedError

    def triggers(self) -> Triggers:
        """Return what both kinds of trigger can ask for."""
        return {
            "BootNotification": self.trigger_boot,
            "Heartbeat": self.trigger_heartbeat,
            "MeterValues": self.trigger_meter_values,
            "StatusNotification": self.trigger_status,
        }

    def trigger(self, triggers: Triggers, request: Payload) -> Payload:
        """Return the TriggerMessageStatus, and do afterwards what was asked."""
        wanted = request["requestedMessage"]
        if wanted not in triggers:
            return {"status": "NotImplemented"}
        work = triggers[wanted](request.get("connectorId"))
        if not work:
            return {"status": "Rejected"}
        for step in work:
            self.after_answer(step)
        return {"status": "Accepted"}

    def trigger_boot(self, number: int | None) -> list[Work] | None:  # noqa: ARG002
        """Send a BootNotification, unless the last one was accepted (errata 3.35)."""

        async def boot() -> None:
            self.boot_on_request()

        return None if self.accepted else [boot]

    def trigger_heartbeat(self, number: int | None) -> list[Work]:  # noqa: ARG002
        """Send a Heartbeat."""
        return [partial(self.heartbeat, asked=True)]

    def trigger_status(self, number: int | None) -> list[Work]:
        """Send the status of one place, or of the station and all connectors."""

        async def status(place: int) -> None:
            self.notify_status(place, asked=True)

        return [partial(status, place) for place in self.places() if number in (None, place)]

    def trigger_meter_values(self, number: int | None) -> list[Work]:
        """Send the values of MeterValuesSampledData for one connector, or for all (errata 3.46)."""

        async def meter_values(connector: Connector) -> None:
            values = self.meter_value(connector, "Trigger", "MeterValuesSampledData")
            self.send("MeterValues", self.meter_values_payload(connector, values), asked=True)

        meant = [connector for connector in self.connectors.values() if number in (None, connector.number)]
        return [partial(meter_values, place) for place in meant if self.configuration.members("MeterValuesSampledData")]

    def trigger_idle_status(self, action: str, number: int | None) -> list[Work]:  # noqa: ARG002
        """Report that nothing of the kind is going on."""

        async def status() -> None:
            self.send(action, {"status": "Idle"}, asked=True)

        return [status]

    # -- cable

    def on_unlock_connector(self, request: Payload) -> Payload:
        """Answer UnlockConnector (5.18): only a socket has a lock; a transaction there is stopped first."""
        connector = self.connectors.get(request["connectorId"])
        if connector is None or connector.fixed_cable:
            return {"status": "NotSupported"}
        if connector.jammed:
            return {"status": "UnlockFailed"}
        self.after_answer(partial(self.unlocked, connector))
        return {"status": "Unlocked"}

    async def unlocked(self, connector: Connector) -> None:
        """Stop the transaction of an unlocked connector, and let go of its cable."""
        self.stop_transaction(connector, "UnlockCommand")
        self.release_cable(connector)

    # -- what this make of station doesn't have

    def on_data_transfer(self, request: Payload) -> Payload:
        """Refuse: no vendor extension is known, nor a message of the own vendor (5.6)."""
        own = request["vendorId"] == self.config.nameplate.vendor
        return {"status": "UnknownMessageId" if own else "UnknownVendorId"}
