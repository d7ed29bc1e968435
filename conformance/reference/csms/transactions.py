"""Transactions: kept by what identifies them, so that late, repeated and shuffled messages change nothing."""

from __future__ import annotations

from conformance.reference.csms.authorization import Authorization
from conformance.reference.csms.records import StationRecord, Transaction
from conformance.reference.csms.rpc import Payload

NO_ID = -1
"""What stands for the id of a transaction that was never given one (1.6)."""


class Transactions(Authorization):
    """Answers what stations tell of transactions; an answer never depends on whether it was given before."""

    # -- 2.0.1

    def on201_transaction_event(self, station: StationRecord, request: Payload) -> Payload:
        """Keep an event, and tell the status of the token in it (E01.FR.12)."""
        info = request["transactionInfo"]
        transaction = self.transaction_of(station, info["transactionId"])
        if self.is_new(transaction, request):
            self.keep_event(transaction, request)
        if "idToken" not in request:
            return {}
        starting = transaction if request["eventType"] == "Started" else None
        return {"idTokenInfo": self.id_token_info(request["idToken"], starting)}

    def transaction_of(self, station: StationRecord, transaction_id: str | int) -> Transaction:
        """Return the transaction with an id, a new one for an id not heard of yet."""
        return station.transactions.setdefault(transaction_id, Transaction(station.identity, transaction_id))

    def is_new(self, transaction: Transaction, event: Payload) -> bool:
        """Tell whether an event has not come before."""
        return (event["seqNo"], event["eventType"]) not in transaction.events

    def keep_event(self, transaction: Transaction, event: Payload) -> None:
        """Put an event in its place."""
        transaction.events[event["seqNo"], event["eventType"]] = event
        transaction.started = transaction.started or event["eventType"] == "Started"
        transaction.ended = transaction.ended or event["eventType"] == "Ended"
        evse = event.get("evse", {})
        transaction.evse_id = evse.get("id", transaction.evse_id)
        transaction.connector_id = evse.get("connectorId", transaction.connector_id)
        if "idToken" in event and transaction.id_token is None:
            transaction.id_token = event["idToken"]["idToken"]
        if event["eventType"] == "Ended":
            transaction.stopped_reason = event["transactionInfo"].get("stoppedReason", "Local")

    def on201_meter_values(self, station: StationRecord, request: Payload) -> Payload:
        """Keep meter values that belong to no transaction."""
        station.meter_values.append(request)
        return {}

    # -- 1.6

    def on16_start_transaction(self, station: StationRecord, request: Payload) -> Payload:
        """Give the transaction an id; the same request again gets the same one."""
        transaction = self.same_start(station, request)
        if transaction is None:
            transaction = self.transaction_of(station, self.new_transaction_id())
            transaction.started = True
            transaction.connector_id = request["connectorId"]
            transaction.id_token = request["idTag"]
            transaction.events[0, "StartTransaction"] = request
        return {
            "idTagInfo": self.id_tag_info(request["idTag"], transaction),
            "transactionId": transaction.transaction_id,
        }

    def same_start(self, station: StationRecord, request: Payload) -> Transaction | None:
        """Return the transaction that this very request has started before."""
        known = station.transactions.values()
        return next((one for one in known if one.events.get((0, "StartTransaction")) == request), None)

    def on16_stop_transaction(self, station: StationRecord, request: Payload) -> Payload:
        """End a transaction, also one not heard of, and tell the status of the idTag if there is one.

        Ends of transactions that never got an id (errata 3.18) are all kept.
        """
        transaction = self.transaction_of(station, request["transactionId"])
        nameless = request["transactionId"] == NO_ID and request not in transaction.events.values()
        if nameless or not transaction.ended:
            transaction.ended = True
            transaction.stopped_reason = request.get("reason", "Local")
            transaction.events[len(transaction.events), "StopTransaction"] = request
        return {"idTagInfo": self.id_tag_info(request["idTag"])} if "idTag" in request else {}

    def on16_meter_values(self, station: StationRecord, request: Payload) -> Payload:
        """Keep meter values, with their transaction if they name one that is known; a repetition is dropped."""
        transaction = station.transactions.get(request.get("transactionId", ""))
        if transaction is None:
            station.meter_values.append(request)
        elif request not in transaction.events.values():
            transaction.events[len(transaction.events), "MeterValues"] = request
        return {}
