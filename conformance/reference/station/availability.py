"""Connector status and ChangeAvailability (G01, G03, G04)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.station.reports import Reports

if TYPE_CHECKING:
    from conformance.reference.station.config import StationConfig
    from conformance.reference.station.rpc import Payload

    Spot = tuple[int, int]


class Availability(Reports):
    """Knows the state of every connector, and tells the CSMS when one changes."""

    def __init__(self, config: StationConfig) -> None:
        """Start with nothing reported."""
        super().__init__(config)
        self.reported: dict[Spot, str] = {}
        self.unreported: set[Spot] = set()
        self.resetting: set[int] = set()

    # -- what the state is

    def connectors(self) -> list[Spot]:
        """Return every connector as (EVSE, connector)."""
        return [(evse.number, connector) for evse in self.evses.values() for connector in evse.connectors]

    def connector_status(self, evse: int, connector: int) -> str:
        """Return the ConnectorStatus of a connector."""
        place = self.evses[evse]
        if evse in self.resetting:
            return "Unavailable"
        if not self.is_operative(evse, connector) and not self.change_is_postponed(evse, connector):
            return "Unavailable"
        return "Occupied" if connector in (place.plugged, place.cable_left) else "Available"

    def is_operative(self, evse: int | None = None, connector: int | None = None) -> bool:
        """Tell whether the CSMS wants a place, and all that contains it, to be in use."""
        settings: dict[str, str] = self.storage.get("availability", {})
        keys = ["station"]
        if evse is not None:
            keys.append(f"{evse}")
        if connector is not None:
            keys.append(f"{evse}.{connector}")
        return all(settings.get(key) != "Inoperative" for key in keys)

    def change_is_postponed(self, evse: int, connector: int) -> bool:
        """Tell whether a transaction keeps a connector from becoming Unavailable for now (G03.FR.05)."""
        transaction = self.evses[evse].session.transaction
        if transaction is None:
            return False
        by_itself = self.storage.get("availability", {}).get(f"{evse}.{connector}") == "Inoperative"
        return transaction.connector in (None, connector) or not by_itself

    def availability_state(self, evse: int | None = None, connector: int | None = None) -> str:
        """Return AvailabilityState: a place is as available as the best of what it contains."""
        if evse is not None and connector is not None:
            return self.connector_status(evse, connector)
        if evse is not None:
            states = {self.connector_status(evse, number) for number in self.evses[evse].connectors}
            order = ("Occupied", "Available", "Unavailable")
        else:
            states = {self.availability_state(number) for number in self.evses}
            order = ("Available", "Occupied", "Unavailable")
        return next((state for state in order if state in states), "Unavailable")

    # -- reporting it

    def status_payload(self, evse: int, connector: int) -> Payload:
        """Return a StatusNotificationRequest."""
        return {
            "timestamp": self.clock.stamp(),
            "connectorStatus": self.connector_status(evse, connector),
            "evseId": evse,
            "connectorId": connector,
        }

    def notify_status(self, evse: int, connector: int, *, asked: bool = False) -> None:
        """Send the status of one connector; remember it for later when that can't be done now."""
        spot = (evse, connector)
        payload = self.status_payload(evse, connector)
        self.reported[spot] = payload["connectorStatus"]
        self.unreported.discard(spot)
        self.send("StatusNotification", payload, asked=asked, lost=lambda: self.unreported.add(spot))

    def report_status_changes(self) -> None:
        """Notify every connector whose status is another than the CSMS was last told (G01.FR.03-07)."""
        for spot in self.connectors():
            if self.connector_status(*spot) != self.reported.get(spot):
                self.notify_status(*spot)

    def after_reconnect(self, offline_seconds: float) -> None:
        """Report all connectors after a long absence, else those that changed (B04.FR.01/02)."""
        for spot in self.connectors_to_report_after_reconnect(offline_seconds):
            self.notify_status(*spot)

    def connectors_to_report_after_reconnect(self, offline_seconds: float) -> list[Spot]:
        """Return the connectors to report after having been offline for so many seconds."""
        if offline_seconds > self.model.number("OCPPCommCtrlr", "OfflineThreshold"):
            return self.connectors()
        return sorted(self.unreported)

    # -- changing it

    def on_change_availability(self, request: Payload) -> Payload:
        """Answer ChangeAvailability (G03, G04); the status notifications follow."""
        evse = request.get("evse", {}).get("id")
        connector = request.get("evse", {}).get("connectorId")
        if not self.exists(evse, connector):
            return {"status": "Rejected", "statusInfo": {"reasonCode": "UnknownEvse"}}
        status = self.change_availability_status(request["operationalStatus"], evse, connector)
        self.keep_availability(request["operationalStatus"], evse, connector)
        self.after_answer(self._settle_availability)
        return {"status": status}

    def exists(self, evse: int | None, connector: int | None = None) -> bool:
        """Tell whether the station has such an EVSE and connector; None stands for the whole."""
        if evse is None:
            return True
        return evse in self.evses and (connector is None or connector in self.evses[evse].connectors)

    def change_availability_status(self, wanted: str, evse: int | None, connector: int | None) -> str:
        """Return Scheduled when a transaction stands in the way of a change, else Accepted (G03.FR.03/05)."""
        if wanted == "Operative":
            return "Accepted"
        concerned = self.evses.values() if evse is None else [self.evses[evse]]
        for place in concerned:
            transaction = place.session.transaction
            if transaction and connector in (None, transaction.connector, place.plugged):
                return "Scheduled"
        return "Accepted"

    def keep_availability(self, wanted: str, evse: int | None, connector: int | None) -> None:
        """Write the setting to flash memory (G03.FR.08, G04.FR.09); a running transaction is left in peace."""
        key = "station" if evse is None else f"{evse}" if connector is None else f"{evse}.{connector}"
        self.storage.setdefault("availability", {})[key] = wanted

    async def _settle_availability(self) -> None:
        """Tell the CSMS what became of the connectors."""
        self.report_status_changes()
