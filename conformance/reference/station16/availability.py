"""Status of the station and its connectors, and ChangeAvailability (4.9, 5.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.reference.station16.settings import Settings

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload
    from conformance.reference.station16.base import Connector
    from conformance.reference.station16.config import StationConfig16

STATION = 0
LOCK_FAILURE = "ConnectorLockFailure"
EV_GONE = "EV side disconnected"


class Availability16(Settings):
    """Knows the status of every connector, and tells the Central System when one changes."""

    def __init__(self, config: StationConfig16) -> None:
        """Start with nothing reported."""
        super().__init__(config)
        self.reported: dict[int, str] = {}
        self.unreported: set[int] = set()

    # -- what the status is

    def places(self) -> list[int]:
        """Return every connectorId that has a status: the station, then its connectors."""
        return [STATION, *self.connectors]

    def status(self, number: int) -> str:
        """Return the ChargePointStatus of the station (0) or of a connector."""
        return self.station_status() if number == STATION else self.connector_status(self.connectors[number])

    def station_status(self) -> str:
        """Return Available or Unavailable: nothing else can befall this main controller."""
        busy = any(connector.session.transaction for connector in self.connectors.values())
        return "Available" if self.is_operative(STATION) or busy else "Unavailable"

    def connector_status(self, connector: Connector) -> str:
        """Return the status that fault, transaction, availability, cable, driver and reservation add up to."""
        if connector.error != "NoError":
            return "Faulted"
        if connector.session.transaction is not None:
            return self.status_in_transaction(connector)
        if not self.is_operative(connector.number):
            return "Unavailable"
        if connector.finishing:
            return "Finishing"
        if connector.plugged or connector.session.id_tag is not None:
            return "Preparing"
        return "Reserved" if self.is_reserved(connector.number) else "Available"

    def status_in_transaction(self, connector: Connector) -> str:
        """Return the status of a connector that has a transaction; what the station holds back comes first (4.9)."""
        transaction = connector.session.transaction
        if transaction is not None and transaction.withheld:
            return "SuspendedEVSE"
        return "Charging" if connector.plugged and not connector.suspended_by_ev else "SuspendedEV"

    def is_operative(self, number: int) -> bool:
        """Tell whether the Central System wants a place to be in use."""
        settings: dict[str, str] = self.storage.get("availability", {})
        return settings.get(str(number)) != "Inoperative"

    def is_reserved(self, number: int) -> bool:
        """Tell whether a connector is kept for someone."""
        raise NotImplementedError

    # -- reporting it

    def status_payload(self, number: int) -> Payload:
        """Return a StatusNotification.req."""
        error = "NoError" if number == STATION else self.connectors[number].error
        payload: Payload = {
            "connectorId": number,
            "errorCode": error,
            "status": self.status(number),
            "timestamp": self.clock.stamp(),
        }
        info = self.status_info(number)
        return payload if info is None else {**payload, "info": info}

    def status_info(self, number: int) -> str | None:
        """Return what to say beside the status: that the EV left in the middle of a transaction (4.9)."""
        if number == STATION:
            return None
        connector = self.connectors[number]
        unplugged = connector.session.transaction is not None and not connector.plugged
        return EV_GONE if unplugged or (connector.finishing and not connector.plugged) else None

    def notify_status(self, number: int, *, asked: bool = False) -> None:
        """Send the status of one place; remember it for later when that can't be done now."""
        payload = self.status_payload(number)
        self.reported[number] = payload["status"]
        self.unreported.discard(number)
        self.send("StatusNotification", payload, asked=asked, lost=lambda: self.unreported.add(number))

    def report_status_changes(self) -> None:
        """Notify every place whose status is another than the Central System was last told (errata 3.19)."""
        for number in self.places():
            if self.status(number) != self.reported.get(number):
                self.notify_status(number)

    def after_reconnect(self, offline_seconds: float) -> None:  # noqa: ARG002
        """Report what changed while there was no link, as it is now (4.9)."""
        for number in sorted(self.unreported):
            self.notify_status(number)

    # -- changing it

    def on_change_availability(self, request: Payload) -> Payload:
        """Answer ChangeAvailability (5.2); the status notifications follow."""
        number = request["connectorId"]
        if number not in self.places():
            return {"status": "Rejected"}
        status = self.change_availability_status(request["type"], number)
        self.keep_availability(request["type"], number)
        self.after_answer(self._settle_availability)
        return {"status": status}

    def places_meant(self, number: int) -> list[int]:
        """Return the places that a change concerns: number 0 means the station and all its connectors (5.2)."""
        return self.places() if number == STATION else [number]

    def change_availability_status(self, wanted: str, number: int) -> str:
        """Return Scheduled when a transaction stands in the way of a change, else Accepted (5.2)."""
        concerned = [self.connectors[place] for place in self.places_meant(number) if place != STATION]
        busy = any(connector.session.transaction for connector in concerned)
        return "Scheduled" if wanted == "Inoperative" and busy else "Accepted"

    def keep_availability(self, wanted: str, number: int) -> None:
        """Write the setting to flash memory, where it outlives a reboot; a running transaction is left in peace."""
        settings: dict[str, Any] = self.storage.setdefault("availability", {})
        settings.update({str(place): wanted for place in self.places_meant(number)})

    async def _settle_availability(self) -> None:
        """Tell the Central System what became of the places."""
        self.availability_changed()
        self.report_status_changes()

    def availability_changed(self) -> None:
        """Hear that a place is, or is no longer, to be in use; out of use, there is nothing left to finish."""
        for connector in self.connectors.values():
            if not self.is_operative(connector.number) and connector.session.transaction is None:
                connector.finishing = False

    # -- faults

    async def set_fault(self, evse: int, connector: int, error: str) -> None:
        """Break a connector: `error` is a ChargePointErrorCode, "NoError" repairs it.

        A lock is found to be broken only when it is used.
        """
        place = self.connector_at(evse, connector)
        place.jammed = error == LOCK_FAILURE
        if place.jammed:
            return
        place.error = error
        self.fault_changed(place)
        if self.powered:
            self.report_status_changes()

    def fault_changed(self, connector: Connector) -> None:
        """Hear that a connector broke or is whole again."""
