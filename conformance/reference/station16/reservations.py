"""ReserveNow and CancelReservation (5.1, 5.13)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from conformance.reference.station.clock import parse_moment
from conformance.reference.station16.authorization import Authorization

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload
    from conformance.reference.station16.base import Connector

REFUSALS = {"Faulted": "Faulted", "Unavailable": "Unavailable", "Available": "Accepted"}


class Reservations(Authorization):
    """Keeps connectors for those who reserved them, in flash memory."""

    @property
    def reservations(self) -> dict[str, Payload]:
        """The requests that were accepted, by reservationId."""
        found: dict[str, Payload] = self.storage.setdefault("reservations", {})
        return found

    def reservation_of(self, number: int) -> Payload | None:
        """Return the reservation of a connector, None when there is none or its time is over."""
        for reservation in self.reservations.values():
            expiry = parse_moment(reservation["expiryDate"])
            if reservation["connectorId"] == number and expiry is not None and expiry > self.clock.now():
                return reservation
        return None

    def is_reserved(self, number: int) -> bool:
        """Tell whether a connector is kept for someone."""
        return self.reservation_of(number) is not None

    def may_use(self, connector: Connector, id_tag: str, parent: str | None = None) -> bool:
        """Tell whether a reservation, if there is one, leaves a connector to a tag or to its parent (5.13)."""
        reservation = self.reservation_of(connector.number)
        if reservation is None or reservation["idTag"].casefold() == id_tag.casefold():
            return True
        wanted = reservation.get("parentIdTag")
        return wanted is not None and parent is not None and wanted.casefold() == parent.casefold()

    def on_reserve_now(self, request: Payload) -> Payload:
        """Answer ReserveNow (5.13); the status follows."""
        status = self.reservation_status(request)
        if status == "Accepted":
            self.reservations[str(request["reservationId"])] = request
            self.after_answer(self.keep_reservation)
        return {"status": status}

    def reservation_status(self, request: Payload) -> str:
        """Return the ReservationStatus for a request; the station as a whole can't be reserved."""
        connector = self.connectors.get(request["connectorId"])
        if connector is None or parse_moment(request["expiryDate"]) is None:
            return "Rejected"
        present = self.reservations.get(str(request["reservationId"]))
        status = self.connector_status(connector)
        if status == "Reserved" and present is not None and present["connectorId"] == connector.number:
            return "Accepted"
        return REFUSALS.get(status, "Occupied")

    async def keep_reservation(self) -> None:
        """Report what is reserved now, and what is free again once its time is over."""
        self.report_status_changes()
        for reservation in list(self.reservations.values()):
            expiry = parse_moment(reservation["expiryDate"])
            if expiry is not None:
                self.tasks.start(self._expire(reservation, (expiry - self.clock.now()).total_seconds()))

    async def _expire(self, reservation: dict[str, Any], seconds: float) -> None:
        """Drop a reservation after so many seconds, if it is still there."""
        await asyncio.sleep(max(seconds, 0))
        if self.reservations.get(str(reservation["reservationId"])) is reservation:
            self.drop_reservation(reservation)
            self.report_status_changes()

    def drop_reservation(self, reservation: Payload) -> None:
        """Forget a reservation."""
        self.reservations.pop(str(reservation["reservationId"]), None)

    def on_cancel_reservation(self, request: Payload) -> Payload:
        """Answer CancelReservation (5.1)."""
        if self.reservations.pop(str(request["reservationId"]), None) is None:
            return {"status": "Rejected"}
        self.after_answer(self.keep_reservation)
        return {"status": "Accepted"}

    def availability_changed(self) -> None:
        """Drop reservations of connectors that are no longer in use (5.13)."""
        super().availability_changed()
        self._drop_unusable()

    def fault_changed(self, connector: Connector) -> None:
        """Drop the reservation of a connector that broke (5.13)."""
        super().fault_changed(connector)
        self._drop_unusable()

    def _drop_unusable(self) -> None:
        """Drop reservations whose connector is Faulted or Unavailable."""
        for reservation in list(self.reservations.values()):
            number = reservation["connectorId"]
            if self.connectors[number].error != "NoError" or not self.is_operative(number):
                self.drop_reservation(reservation)
