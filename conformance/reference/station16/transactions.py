"""Charging sessions: from plug and card to StartTransaction and StopTransaction (3.5-3.7, 4.8-4.10)."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from conformance.reference.station16.availability import LOCK_FAILURE
from conformance.reference.station16.base import Connector, Session, Transaction
from conformance.reference.station16.metering import Metering

if TYPE_CHECKING:
    from conformance.reference.station.rpc import Payload
    from conformance.reference.station16.config import StationConfig16

UNKNOWN_TRANSACTION = -1
STARTABLE = ("Preparing", "Reserved", "Available", "Finishing")


class Transactions16(Metering):
    """Runs the charging sessions of all connectors."""

    def __init__(self, config: StationConfig16) -> None:
        """Start with no session."""
        super().__init__(config)
        self._readers: set[int] = set()

    # -- what happens at the station

    async def plug_in(self, evse: int, connector: int) -> None:
        """Put an EV's plug into a connector."""
        place = self.connector_at(evse, connector)
        if place.plugged:
            return
        place.plugged = True
        place.suspended_by_ev = place.finishing = place.cable_left = False
        place.cable_owner = None
        if self.powered:
            self.take_over_authorization(place)
            self.cable_plugged_in(place)

    async def unplug(self, evse: int, connector: int) -> None:
        """Pull the plug: out of the EV in a transaction, else out of the connector. A cable left over comes second."""
        place = self.connector_at(evse, connector)
        if not place.plugged:
            self.cable_taken(place)
            return
        place.plugged = False
        place.meter.power = 0
        if self.powered:
            self.cable_unplugged(place)
        else:
            place.finishing = False

    async def present_id_token(self, evse: int, id_token: str, type: str = "ISO14443") -> None:  # noqa: A002, ARG002
        """Hold a card to the reader of an EVSE; OCPP 1.6 knows no types of tokens."""
        self.connectors_of(evse)
        if not (self.powered and self.may_transact()) or evse in self._readers:
            return
        if self.link is None:
            await self.tag_presented(evse, id_token)  # nobody is asked, so the answer is there at once
        else:
            self.tasks.start(self.tag_presented(evse, id_token))

    async def ev_ready(self, evse: int) -> None:
        """Have the EVs at an EVSE ask for energy."""
        self._set_suspended(evse, suspended=False)

    async def ev_suspend(self, evse: int) -> None:
        """Have the EVs at an EVSE stop asking for energy while they stay plugged in."""
        self._set_suspended(evse, suspended=True)

    def _set_suspended(self, evse: int, *, suspended: bool) -> None:
        """Change what the EVs at an EVSE want."""
        for connector in self.connectors_of(evse):
            connector.suspended_by_ev = suspended
            self.settle(connector)

    async def set_load(self, evse: int, watts: float) -> None:
        """Set what an EV would draw at an EVSE if it were allowed to."""
        for connector in self.connectors_of(evse):
            connector.load = float(watts)
            if connector.meter.power:
                connector.meter.power = self.power_drawn(connector)

    def may_transact(self) -> bool:
        """Tell whether transactions may start: only once the Central System has accepted this boot (4.2.1)."""
        return self.accepted

    # -- the cable

    def take_over_authorization(self, connector: Connector) -> None:
        """Move the driver who showed a card at this EVSE to the connector that was plugged in."""
        if connector.session.id_tag is not None:
            return
        for other in self.connectors_of(connector.evse):
            waiting = other.session.id_tag is not None and other.session.transaction is None
            if waiting and not other.plugged and self.is_operative(connector.number):
                connector.session, other.session = other.session, Session()
                return

    def cable_plugged_in(self, connector: Connector) -> None:
        """Start charging if the driver is known, else wait for a card."""
        if connector.session.transaction is not None:
            self.settle(connector)
            return
        self.report_status_changes()
        if not self.start_if_ready(connector):
            self.tasks.start(self.await_user(connector, connector.session))

    def cable_unplugged(self, connector: Connector) -> None:
        """Act on an EV that left: end its transaction or suspend it (4.9, 4.10)."""
        transaction = connector.session.transaction
        if transaction is None:
            connector.finishing = False
            connector.session = Session()
            self.report_status_changes()
            self.became_idle()
            return
        connector.cable_left = not connector.fixed_cable
        if not self.stops_on_disconnect():
            self.settle(connector)
            return
        if not self.unlocks_on_disconnect():
            connector.cable_owner = transaction.id_tag if connector.cable_left else None
        self.stop_transaction(connector, "EVDisconnected")
        self.cable_taken(connector)

    def stops_on_disconnect(self) -> bool:
        """Tell whether a transaction ends when the EV leaves."""
        return self.configuration.flag("StopTransactionOnEVSideDisconnect")

    def unlocks_on_disconnect(self) -> bool:
        """Tell whether a socket lets go of the cable when the EV leaves."""
        return self.configuration.flag("UnlockConnectorOnEVSideDisconnect")

    def cable_taken(self, connector: Connector) -> None:
        """Take a cable without an EV out of its socket, unless it is locked there."""
        if connector.cable_left and connector.cable_owner is None and connector.session.transaction is None:
            connector.cable_left = connector.finishing = False
            if self.powered:
                self.report_status_changes()

    def release_cable(self, connector: Connector) -> None:
        """Unlock a cable without an EV: whoever asked for it takes it away."""
        connector.cable_owner = None
        self.cable_taken(connector)

    async def await_user(self, connector: Connector, session: Session) -> None:
        """Give up Preparing when plug or card doesn't come within ConnectionTimeOut (4.9 B1, B6)."""
        await asyncio.sleep(self.connection_timeout())
        if connector.session is not session or session.transaction is not None:
            return
        if connector.plugged and session.id_tag is None:
            connector.finishing = True
        connector.session = Session()
        self.report_status_changes()
        self.became_idle()

    def connection_timeout(self) -> float:
        """Return the seconds that a driver has for the next step."""
        return self.configuration.number("ConnectionTimeOut")

    # -- the driver

    async def tag_presented(self, evse: int, id_tag: str) -> None:
        """Start or stop charging for a card, or unlock the cable that was left."""
        for connector in self.connectors_of(evse):
            if connector.cable_owner is not None and connector.cable_owner.casefold() == id_tag.casefold():
                self.release_cable(connector)
                return
        if (present := self.session_of(evse, id_tag)) is not None:
            self.stopped_by_driver(present, id_tag)
            return
        self._readers.add(evse)
        try:
            info = await self.authorize(id_tag)
        finally:
            self._readers.discard(evse)
        if info["status"] != "Accepted":
            return
        parent: str | None = info.get("parentIdTag")
        if (chosen := self.connector_to_start(evse, id_tag, parent)) is not None:
            self.driver_authorized(chosen, id_tag, parent)
        elif (present := self.session_of(evse, id_tag, parent)) is not None:
            self.stopped_by_driver(present, id_tag)

    def session_of(self, evse: int, id_tag: str, parent: str | None = None) -> Connector | None:
        """Return the connector whose present user shows a card, or one of the same group."""
        for connector in self.connectors_of(evse):
            if self.same_user(connector.session, id_tag, parent):
                return connector
        return None

    def connector_to_start(self, evse: int, id_tag: str, parent: str | None) -> Connector | None:
        """Return the connector that a driver means: a plugged one first, then a free one."""
        return self.free_connector(self.connectors_of(evse), id_tag, parent)

    def free_connector(self, candidates: list[Connector], id_tag: str, parent: str | None) -> Connector | None:
        """Return the first of some connectors where a tag may start, in the order of `STARTABLE`."""
        for status in STARTABLE:
            for connector in candidates:
                free = connector.session.id_tag is None and not connector.cable_left
                if free and self.connector_status(connector) == status and self.may_use(connector, id_tag, parent):
                    return connector
        return None

    def driver_authorized(
        self, connector: Connector, id_tag: str, parent: str | None = None, profile: Payload | None = None
    ) -> None:
        """Let a driver charge as soon as there is a plug, by a charging profile if one was ordered."""
        connector.session = Session(id_tag, parent, profile)
        connector.finishing = False
        self.report_status_changes()
        if not self.start_if_ready(connector):
            self.tasks.start(self.await_user(connector, connector.session))

    def stopped_by_driver(self, connector: Connector, id_tag: str) -> None:
        """End a transaction for a card, or what was about to become one (4.9 B1)."""
        if connector.session.transaction is not None:
            self.stop_transaction(connector, "Local", id_tag)
            return
        connector.session = Session()
        self.report_status_changes()
        self.became_idle()

    # -- start, course and end

    def start_if_ready(self, connector: Connector) -> bool:
        """Start a transaction once there are a plug and a driver, and nothing speaks against it."""
        session = connector.session
        ready = connector.plugged and session.id_tag is not None and connector.error == "NoError"
        if not ready or not self.may_transact() or not self.is_operative(connector.number):
            return False
        if not self.locks(connector):
            self.lock_failed(connector)
            return False
        self.start_transaction(connector)
        return True

    def locks(self, connector: Connector) -> bool:
        """Lock the cable of a driver, and tell whether that has worked; a fixed one needs no lock."""
        return connector.fixed_cable or not connector.jammed

    def lock_failed(self, connector: Connector) -> None:
        """Report a cable that can't be locked (7.6)."""
        connector.error = LOCK_FAILURE
        self.fault_changed(connector)
        self.report_status_changes()

    def start_transaction(self, connector: Connector) -> None:
        """Open a transaction and queue StartTransaction (4.8)."""
        session = connector.session
        assert session.id_tag is not None
        transaction = Transaction(self.new_transaction_number(), session.id_tag, parent=session.parent)
        payload = self.start_payload(connector, transaction)
        session.transaction = transaction
        self.transaction_began(connector, transaction)
        transaction.data += self.meter_value(connector, "Transaction.Begin", "StopTxnSampledData")
        self.running[str(transaction.number)] = {"connector": connector.number}
        self.send_surely("StartTransaction", payload, transaction=transaction.number)
        self.settle(connector)
        self.tasks.start(self.sample_transaction(connector, transaction))

    def transaction_began(self, connector: Connector, transaction: Transaction) -> None:
        """Hear that a connector has a transaction now."""

    def start_payload(self, connector: Connector, transaction: Transaction) -> Payload:
        """Return a StartTransaction.req; it ends the reservation that it fulfils (4.8)."""
        payload: Payload = {
            "connectorId": connector.number,
            "idTag": transaction.id_tag,
            "meterStart": self.meter_reading(connector),
            "timestamp": self.clock.stamp(),
        }
        reservation = self.reservation_of(connector.number)
        if reservation is not None:
            self.drop_reservation(reservation)
            payload["reservationId"] = reservation["reservationId"]
        return payload

    @property
    def running(self) -> dict[str, Payload]:
        """What flash memory knows of running transactions, by their own numbers."""
        found: dict[str, Payload] = self.storage.setdefault("running", {})
        return found

    def new_transaction_number(self) -> int:
        """Return the next number of the station's own for a transaction."""
        number: int = self.storage.get("transaction_counter", 0) + 1
        self.storage["transaction_counter"] = number
        return number

    def power_drawn(self, connector: Connector) -> float:
        """Return the watts that flow while charging."""
        return min(connector.load, connector.max_power)

    def settle(self, connector: Connector) -> None:
        """Switch the power by the status, and report what changed."""
        if connector.session.transaction is not None:
            charging = self.connector_status(connector) == "Charging"
            connector.meter.power = self.power_drawn(connector) if charging else 0
        if self.powered:
            self.report_status_changes()

    def fault_changed(self, connector: Connector) -> None:
        """Stop the energy of a broken connector, and its transaction with it; repaired, it waits for its user."""
        super().fault_changed(connector)
        if connector.error == "NoError":
            return
        connector.meter.power = 0
        if connector.session.transaction is not None:
            self.stop_transaction(connector, "Other")
        connector.session = Session()

    def stop_transaction(self, connector: Connector, reason: str, id_tag: str | None = None) -> None:
        """Queue StopTransaction and make the connector ready for its user to leave (4.10)."""
        transaction = connector.session.transaction
        if transaction is None:
            return
        connector.meter.power = 0
        payload = self.stop_payload(connector, transaction, reason, id_tag)
        self.send_surely("StopTransaction", payload, transaction=transaction.number)
        self.running.pop(str(transaction.number), None)
        connector.session = Session()
        connector.finishing = (connector.plugged or connector.cable_left) and self.is_operative(connector.number)
        self.report_status_changes()
        self.became_idle()

    def stop_payload(
        self,
        connector: Connector,
        transaction: Transaction,
        reason: str,
        id_tag: str | None,
    ) -> Payload:
        """Return a StopTransaction.req."""
        payload: Payload = {
            "transactionId": UNKNOWN_TRANSACTION if transaction.id is None else transaction.id,
            "meterStop": self.meter_reading(connector),
            "timestamp": self.clock.stamp(),
            "reason": reason,
        }
        if id_tag is not None:
            payload["idTag"] = id_tag
        data = self.transaction_data(connector, transaction)
        return {**payload, "transactionData": data} if data else payload

    # -- what the Central System says

    def entry_delivered(self, entry: Payload, result: Payload) -> None:
        """Give the transactionId of StartTransaction.conf to all that belongs to the transaction (4.8)."""
        super().entry_delivered(entry, result)
        if entry["action"] == "StartTransaction":
            self.transaction_id_known(entry["transaction"], result["transactionId"])
            self.tag_judged(entry["transaction"], result["idTagInfo"])

    def entry_given_up(self, entry: Payload) -> None:
        """Go on with transactionId -1 when StartTransaction could not be delivered (errata 3.18)."""
        super().entry_given_up(entry)
        if entry["action"] == "StartTransaction":
            self.transaction_id_known(entry["transaction"], UNKNOWN_TRANSACTION)

    def transaction_id_known(self, number: int, transaction_id: int) -> None:
        """Note a transactionId: in the transaction, if it still runs, and in what is queued for it."""
        for entry in self.outbox:
            if entry.get("transaction") == number and entry["action"] != "StartTransaction":
                entry["payload"]["transactionId"] = transaction_id
        if str(number) in self.running:
            self.running[str(number)]["id"] = transaction_id
        if (connector := self.connector_of(number)) is not None and connector.session.transaction is not None:
            connector.session.transaction.id = transaction_id

    def connector_of(self, number: int) -> Connector | None:
        """Return where a transaction, by the station's own number, runs."""
        for connector in self.connectors.values():
            if connector.session.transaction is not None and connector.session.transaction.number == number:
                return connector
        return None

    def tag_judged(self, number: int, info: Payload) -> None:
        """Act on what StartTransaction.conf says of the tag (3.5.4, errata 3.17)."""
        connector = self.connector_of(number)
        if connector is None or connector.session.transaction is None:
            return
        connector.session.parent = info.get("parentIdTag", connector.session.parent)
        if info["status"] != "Accepted":
            self.deauthorize(connector)

    def deauthorize(self, connector: Connector) -> None:
        """End a transaction whose tag is not accepted, or only its energy (StopTransactionOnInvalidId)."""
        if self.configuration.flag("StopTransactionOnInvalidId"):
            self.stop_transaction(connector, "DeAuthorized")
        elif connector.session.transaction is not None:
            connector.session.transaction.withheld = True
            self.settle(connector)

    # -- from afar

    def on_remote_start_transaction(self, request: Payload) -> Payload:
        """Answer RemoteStartTransaction (5.11)."""
        connector = self.connector_for_remote_start(request) if self.may_transact() else None
        if connector is None:
            return {"status": "Rejected"}
        profile = request.get("chargingProfile")
        self.after_answer(partial(self.start_remotely, connector, request["idTag"], profile))
        return {"status": "Accepted"}

    def connector_for_remote_start(self, request: Payload) -> Connector | None:
        """Return the connector to start, None when there is none; 0 is not one."""
        number = request.get("connectorId")
        candidates = [connector for connector in self.connectors.values() if number in (None, connector.number)]
        known = self.known_locally(request["idTag"]) or {}
        return self.free_connector(candidates, request["idTag"], known.get("parentIdTag"))

    async def start_remotely(self, connector: Connector, id_tag: str, profile: Payload | None) -> None:
        """Start as if the driver had shown a card, or at once (AuthorizeRemoteTxRequests)."""
        info: dict[str, Any] = {"status": "Accepted"}
        if self.authorizes_remote_starts():
            info = await self.authorize(id_tag)
        if info["status"] == "Accepted" and connector.session.id_tag is None:
            self.driver_authorized(connector, id_tag, info.get("parentIdTag"), profile)

    def authorizes_remote_starts(self) -> bool:
        """Tell whether a remote start needs an authorization first (5.11)."""
        return self.configuration.flag("AuthorizeRemoteTxRequests")

    def on_remote_stop_transaction(self, request: Payload) -> Payload:
        """Answer RemoteStopTransaction (5.12)."""
        for connector in self.connectors.values():
            transaction = connector.session.transaction
            if self.may_transact() and transaction is not None and transaction.id == request["transactionId"]:
                self.after_answer(partial(self.stop_remotely, connector, transaction))
                return {"status": "Accepted"}
        return {"status": "Rejected"}

    async def stop_remotely(self, connector: Connector, transaction: Transaction) -> None:
        """Stop a transaction, if it is still the one that was meant."""
        if connector.session.transaction is transaction:
            self.stop_transaction(connector, "Remote")

    # -- power

    def stop_transactions_cut_by_power_loss(self) -> None:
        """Queue StopTransaction for what ran when the power went; it is sent after the boot (4.10, errata 3.36)."""
        for number, record in list(self.running.items()):
            connector = self.connectors[record["connector"]]
            transaction = Transaction(int(number), "", record.get("id"))
            payload = self.stop_payload(connector, transaction, "PowerLoss", None)
            self.outbox.append(
                {"action": "StopTransaction", "payload": payload, "attempts": 0, "transaction": int(number)}
            )
            connector.finishing = connector.plugged
            del self.running[number]
