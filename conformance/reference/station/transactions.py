"""Transactions: authorization, start and stop points, events and their delivery (parts C, E and F)."""

from __future__ import annotations

import asyncio
import secrets
from functools import partial
from typing import TYPE_CHECKING

from conformance.reference.station.authorization import Authorization
from conformance.reference.station.base import Evse, Session, Transaction

if TYPE_CHECKING:
    from conformance.reference.station.config import StationConfig
    from conformance.reference.station.messaging import Job
    from conformance.reference.station.rpc import Payload

ENDS_WITH_AUTHORIZATION = {"Authorized", "PowerPathClosed", "EnergyTransfer"}
ENDS_WITH_CONNECTION = {"EVConnected", "PowerPathClosed", "EnergyTransfer"}


class Transactions(Authorization):
    """Runs the charging sessions of all EVSEs."""

    def __init__(self, config: StationConfig) -> None:
        """Start with no session."""
        super().__init__(config)
        self._ended: set[str] = set()

    # -- what happens at the station

    async def plug_in(self, evse: int, connector: int) -> None:
        """Put an EV's plug into a connector."""
        place = self.evses[evse]
        if place.plugged is not None:
            return
        if place.cable_left != connector:
            place.lock = None
        place.plugged, place.cable_left = connector, None
        if not self.powered:
            return
        self.report_status_changes()
        if self.may_transact():
            self.cable_plugged_in(place)
        else:
            place.unseen_plug_in = True

    async def unplug(self, evse: int, connector: int) -> None:
        """Pull the plug out of a connector; ValueError where a cable without an EV is locked there."""
        place = self.evses[evse]
        if place.cable_left == connector:
            self.remove_cable(place)
        elif place.plugged == connector:
            place.lock = None
            self.lose_ev(place)

    async def disconnect_ev(self, evse: int, connector: int) -> None:
        """Pull the plug out of the EV: a cable of the station's own hangs there, another stays in the socket."""
        place = self.evses[evse]
        if place.plugged != connector:
            return
        if place.config.connectors[connector - 1].type.startswith("s"):
            place.cable_left = connector
            place.lock = place.lock or self.token_that_unlocks(place)
        self.lose_ev(place)

    def token_that_unlocks(self, place: Evse) -> Payload | None:
        """Return who may pull out the cable of an EV that left, None for anybody (E09.FR.02/03, E10.FR.01)."""
        return None if self.model.flag("OCPPCommCtrlr", "UnlockOnEVSideDisconnect") else place.session.token

    def remove_cable(self, place: Evse) -> None:
        """Pull a cable without an EV out of its socket."""
        if place.lock is not None:
            raise ValueError("the cable is locked")
        place.cable_left = None
        if self.powered:
            self.report_status_changes()

    def lose_ev(self, place: Evse) -> None:
        """Notice that no EV is connected any more."""
        connector = place.plugged or 1
        place.plugged = None
        place.suspended_by_ev = False
        place.unseen_plug_in = False
        place.meter.power = 0
        if not self.powered:
            return
        self.report_status_changes()
        self.cable_unplugged(place, connector)

    async def present_id_token(self, evse: int, id_token: str, type: str = "ISO14443") -> None:  # noqa: A002
        """Hold a card to the reader of an EVSE; `type` is an IdTokenEnum value."""
        place = self.evses[evse]
        in_use = self.is_operative(evse) or self.evses[evse].session.transaction is not None
        if self.powered and self.may_transact() and in_use:
            self.tasks.start(self.token_presented(place, {"idToken": id_token, "type": type}))

    async def ev_ready(self, evse: int) -> None:
        """Have the EV ask for energy."""
        place = self.evses[evse]
        place.suspended_by_ev = False
        if place.session.transaction is None and place.session.authorized:
            self.advance(place, "ChargingStateChanged")
        else:
            self.settle_charging_state(place)

    async def ev_suspend(self, evse: int) -> None:
        """Have the EV stop asking for energy while it stays plugged in, or not ask for any once it is plugged in."""
        self.evses[evse].suspended_by_ev = True
        self.settle_charging_state(self.evses[evse])

    async def ev_stop(self, evse: int) -> None:
        """Have the EV end the charging itself (E15.FR.04/05)."""
        place = self.evses[evse]
        if self.powered and place.session.authorized:
            self.stop_authorized(place, "StopAuthorized", "StoppedByEV")

    async def ev_arrive(self, evse: int) -> None:
        """Drive an EV into the parking bay."""
        place = self.evses[evse]
        place.bay_occupied = True
        if self.powered and self.may_transact() and self.is_operative(evse):
            self.advance(place, "EVDetected")

    async def ev_depart(self, evse: int) -> None:
        """Drive the EV out of the parking bay."""
        place = self.evses[evse]
        place.bay_occupied = False
        if not self.powered or place.session.transaction is None:
            return
        if self.stops_with({"ParkingBayOccupancy"}):
            self.end_transaction(place, "EVDeparted", place.session.transaction.stopped_reason or "Local")
        else:
            self.send_event(place, "Updated", "EVDeparted")

    async def set_load(self, evse: int, watts: float) -> None:
        """Set what the EV would draw if it were allowed to."""
        place = self.evses[evse]
        place.load = float(watts)
        if place.meter.power:
            place.meter.power = self.power_drawn(place)

    def may_transact(self) -> bool:
        """Tell whether transactions may start: only once the CSMS has accepted this boot (B02, B03.FR.01)."""
        return self.accepted

    def start_after_boot(self) -> None:
        """Catch up with plugs that went in before the CSMS accepted the boot."""
        for place in self.evses.values():
            if place.plugged is not None and place.unseen_plug_in:
                place.unseen_plug_in = False
                self.cable_plugged_in(place)

    # -- the cable

    def cable_plugged_in(self, place: Evse) -> None:
        """Start or update the transaction of an EVSE that got a plug (E02.FR.05/06, E01.FR.16)."""
        session = place.session
        if session.transaction is None and not self.is_operative(place.number):
            return
        if session.transaction is not None:
            session.transaction.connector = place.plugged
        if session.transaction is None and session.remote_start_id is not None:
            self.advance(place, "RemoteStart")
        else:
            self.advance(place, "CablePluggedIn")

    def cable_unplugged(self, place: Evse, connector: int) -> None:
        """End or update the transaction of an EVSE that lost its plug (E06.FR.02/06, E09.FR.01)."""
        transaction = place.session.transaction
        if transaction is None:
            return
        transaction.charging_state = "Idle"
        deauthorized = not place.session.authorized or self.model.flag("TxCtrlr", "StopTxOnEVSideDisconnect")
        waits = set(self.model.members("TxCtrlr", "TxStopPoint")) == {"ParkingBayOccupancy"}
        if self.stops_with(ENDS_WITH_CONNECTION) or (deauthorized and not waits):
            reason = transaction.stopped_reason or "EVDisconnected"
            self.end_transaction(place, "EVCommunicationLost", reason, connector=connector)
        else:
            self.send_event(place, "Updated", "EVCommunicationLost", connector=connector)
            transaction.connector = None
            if deauthorized:
                place.session.token = None
            self.tasks.start(self.await_cable(place, place.session))

    # -- the driver

    async def token_presented(self, place: Evse, token: Payload) -> None:
        """Start or stop charging for a card (C01, E07)."""
        session = place.session
        if place.lock == token:
            place.lock = None
            if not session.authorized and place.plugged is None:
                return
        if session.authorizing:
            return
        if self.stops_without_asking(session, token):
            self.stop_authorized(place, "StopAuthorized", "Local", token)
            return
        session.authorizing = True
        info = await self.authorize(token)
        session.authorizing = False
        if info.get("status") != "Accepted":
            return
        if not session.authorized:
            self.driver_authorized(place, token, "Authorized", info.get("groupIdToken"))
        elif self.same_group(session, info):
            self.stop_authorized(place, "StopAuthorized", "Local", token)

    def driver_authorized(self, place: Evse, token: Payload, trigger: str, group: Payload | None = None) -> None:
        """Let a driver charge: the next event carries the token (E02.FR.01, E03.FR.01)."""
        place.session.token = token
        place.session.group = group
        if place.session.transaction is not None:
            place.session.transaction.token_sent = False
        self.advance(place, trigger)
        if place.plugged is None:
            self.tasks.start(self.await_cable(place, place.session))

    async def await_cable(self, place: Evse, session: Session) -> None:
        """End the authorization when no plug comes in time (E03.FR.05, C01.FR.26, E10.FR.02)."""
        await asyncio.sleep(self.model.number("TxCtrlr", "EVConnectionTimeOut"))
        if place.session is not session or place.plugged is not None or not session.authorized:
            return
        if session.transaction is not None and self.stops_with(ENDS_WITH_AUTHORIZATION | ENDS_WITH_CONNECTION):
            self.end_transaction(place, "EVConnectTimeout", "Timeout")
        elif session.transaction is not None:
            session.token = None
            self.send_event(place, "Updated", "EVConnectTimeout")
        else:
            self.end_session(place)

    def stop_authorized(self, place: Evse, trigger: str, reason: str, token: Payload | None = None) -> None:
        """End the authorization to charge, and the transaction with it if a stop point says so (E06, E07, F03)."""
        session = place.session
        transaction = session.transaction
        place.meter.power = 0
        if transaction is None:
            self.end_session(place)
            return
        transaction.charging_state = self.state_without_energy(place)
        if self.stops_with(ENDS_WITH_AUTHORIZATION):
            self.end_transaction(place, trigger, reason, token=token)
            return
        session.token = None
        transaction.stopped_reason = reason
        self.send_event(place, "Updated", trigger, token=token)

    def deauthorize(self, place: Evse) -> None:
        """Act on a token that the CSMS does not accept for a running transaction (E05.FR.02/09/10)."""
        transaction = place.session.transaction
        if transaction is None:
            return
        if self.model.flag("TxCtrlr", "StopTxOnInvalidId"):
            self.stop_authorized(place, "Deauthorized", "DeAuthorized")
        else:
            place.session.withheld = True
            self.settle_charging_state(place)

    # -- start, course and end

    def start_points(self) -> set[str]:
        """Return TxStartPoint."""
        return set(self.model.members("TxCtrlr", "TxStartPoint"))

    def stops_with(self, points: set[str]) -> bool:
        """Tell whether TxStopPoint holds one of these."""
        return bool(points & set(self.model.members("TxCtrlr", "TxStopPoint")))

    def should_start(self, place: Evse) -> bool:
        """Tell whether a start point is reached (E01.FR.01-06)."""
        points, plugged, authorized = self.start_points(), place.plugged is not None, place.session.authorized
        return (
            ("ParkingBayOccupancy" in points and place.bay_occupied)
            or ("EVConnected" in points and plugged)
            or ("Authorized" in points and authorized)
            or ("PowerPathClosed" in points and plugged and authorized)
            or ("DataSigned" in points and plugged and authorized and self.signs_readings())
            or ("EnergyTransfer" in points and plugged and authorized and not place.suspended_by_ev)
        )

    def advance(self, place: Evse, trigger: str) -> None:
        """Report a trigger in a new transaction or in the running one, then let energy flow if it may."""
        session = place.session
        if session.transaction is not None:
            session.transaction.charging_state = self.state_without_energy(place, session.transaction.charging_state)
            self.send_event(place, "Updated", trigger)
        elif self.should_start(place):
            self.start_transaction(place, trigger)
        self.settle_charging_state(place)

    def start_transaction(self, place: Evse, trigger: str) -> None:
        """Open a transaction and send Started."""
        transaction = Transaction(self.new_transaction_id(), place.number, place.plugged)
        by_energy = self.starts_by_energy(place)
        transaction.charging_state = "Charging" if by_energy else self.state_without_energy(place)
        place.session.transaction = transaction
        self.transaction_opens(place, transaction)
        if by_energy:
            place.meter.power = self.power_drawn(place)
            trigger = trigger if trigger == "RemoteStart" else "ChargingStateChanged"
        elif self.start_points() == {"DataSigned"}:
            trigger = trigger if trigger == "RemoteStart" else "SignedDataReceived"
        self.send_event(place, "Started", trigger)
        self.transaction_started(place, transaction)

    def transaction_opens(self, place: Evse, transaction: Transaction) -> None:
        """Hear that a transaction is there of which nothing was told yet."""

    def transaction_started(self, place: Evse, transaction: Transaction) -> None:
        """Hear that a transaction has begun."""

    def signs_readings(self) -> bool:
        """Tell whether the meter signs the readings of transactions (E01.FR.04)."""
        return self.model.flag("SampledDataCtrlr", "SignReadings")

    def starts_by_energy(self, place: Evse) -> bool:
        """Tell whether it is the flow of energy, and nothing before it, that starts a transaction (E01.FR.06)."""
        return self.start_points() == {"EnergyTransfer"} and self.charging_state(place) == "Charging"

    def new_transaction_id(self) -> str:
        """Return an id that this station never used before (E01.FR.08): a counter in flash, and a random part."""
        number: int = self.storage.get("transaction_counter", 0) + 1
        self.storage["transaction_counter"] = number
        return f"{number:06d}-{secrets.token_hex(8)}"

    @staticmethod
    def state_without_energy(place: Evse, present: str = "Idle") -> str:
        """Return the charging state while no energy flows."""
        if place.plugged is None:
            return "Idle"
        return present if present in ("Charging", "SuspendedEV", "SuspendedEVSE") else "EVConnected"

    def charging_state(self, place: Evse) -> str:
        """Return the ChargingState that cable, driver and EV add up to."""
        if place.plugged is None or not place.session.authorized:
            return self.state_without_energy(place)
        if place.session.withheld:
            return "SuspendedEVSE"
        return "SuspendedEV" if place.suspended_by_ev else "Charging"

    def power_drawn(self, place: Evse) -> float:
        """Return the watts that flow while charging."""
        return min(place.load, place.config.max_power)

    def phases_in_use(self, place: Evse) -> int:
        """Return over how many phases an EV charges."""
        return place.phases

    def settle_charging_state(self, place: Evse) -> None:
        """Switch the power and report a changed charging state (E01.FR.18/19)."""
        transaction = place.session.transaction
        if transaction is None:
            return
        state, before = self.charging_state(place), transaction.charging_state
        place.meter.power = self.power_drawn(place) if state == "Charging" else 0
        if state == before:
            return
        transaction.charging_state = state
        if before == "Charging" and self.stops_with({"EnergyTransfer"}):
            self.end_transaction(place, "ChargingStateChanged", self.reason_of_suspension(state))
        else:
            self.send_event(place, "Updated", "ChargingStateChanged")

    @staticmethod
    def reason_of_suspension(state: str) -> str:
        """Return the stoppedReason of a transaction that ends because energy no longer flows (E06.FR.07)."""
        return "StoppedByEV" if state == "SuspendedEV" else "DeAuthorized"

    def end_transaction(
        self,
        place: Evse,
        trigger: str,
        reason: str,
        *,
        token: Payload | None = None,
        connector: int | None = None,
    ) -> None:
        """Send Ended and forget the session (E06)."""
        transaction = place.session.transaction
        if transaction is None:
            return
        place.meter.power = 0
        transaction.stopped_reason = reason
        self.send_event(place, "Ended", trigger, token=token, connector=connector)
        self._ended.add(transaction.id)
        self.storage.get("running", {}).pop(transaction.id, None)
        self.end_session(place)

    def end_session(self, place: Evse) -> None:
        """Make the EVSE free for the next driver."""
        place.session = Session()
        self.report_status_changes()
        self.became_idle()

    # -- events

    def send_event(  # noqa: PLR0913 -- an event is described in one place, by keyword
        self,
        place: Evse,
        event_type: str,
        trigger: str,
        *,
        token: Payload | None = None,
        connector: int | None = None,
        asked: bool = False,
    ) -> None:
        """Queue a TransactionEvent about the running transaction of an EVSE."""
        event = self.event_payload(place, event_type, trigger, connector)
        stop_token = token or self.token_to_send(place)
        if stop_token is not None:
            event["idToken"] = stop_token
        if asked:
            event["meterValue"] = self.meter_values(place, "Trigger", ("SampledDataCtrlr", "TxUpdatedMeasurands"))
        self.remember_running(place, event)
        self.deliver_event(event)

    def token_to_send(self, place: Evse) -> Payload | None:
        """Return the driver's token for the first event after the authorization (E01.FR.10), then None."""
        transaction, token = place.session.transaction, place.session.token
        if transaction is None or token is None or transaction.token_sent:
            return None
        transaction.token_sent = True
        return token

    def deliver_event(self, event: Payload) -> None:
        """Queue an event for delivery; it is kept until the CSMS has it (E04.FR.01)."""
        self.send_surely("TransactionEvent", event)
        if len(self.queued_events()) > self.config.queue_capacity:
            self.thin_out_queue()

    def thin_out_queue(self) -> None:
        """Drop every other Updated event of a full queue, but the one being sent (E04.FR.07/08)."""
        current = self._current.entry if self._current is not None else None
        updated = [
            job
            for job in self._jobs
            if job.entry is not None and job.payload.get("eventType") == "Updated" and job.entry is not current
        ]
        for job in self.events_to_drop(updated):
            self._remove(job)

    def events_to_drop(self, updated: list[Job]) -> list[Job]:
        """Return which Updated events go: the first, the third, the fifth and so on (E04.FR.08)."""
        return updated[::2]

    def event_payload(self, place: Evse, event_type: str, trigger: str, connector: int | None = None) -> Payload:
        """Return a TransactionEventRequest without token, with the next sequence number."""
        transaction = place.session.transaction
        assert transaction is not None
        event: Payload = {
            "eventType": event_type,
            "timestamp": self.clock.stamp(),
            "triggerReason": trigger,
            "seqNo": self.next_sequence_number(transaction),
            "transactionInfo": self.transaction_info(place, transaction, event_type),
            "evse": self.event_place(transaction, connector),
        }
        if self.is_offline():
            event["offline"] = True
        if transaction.charging_state == "Charging":
            event["numberOfPhasesUsed"] = self.phases_in_use(place)
        if values := self.event_meter_values(place, event_type, trigger):
            event["meterValue"] = values
        return event

    def is_offline(self) -> bool:
        """Tell whether an event happening now happens offline (E04.FR.03)."""
        return self.link is None

    @staticmethod
    def next_sequence_number(transaction: Transaction) -> int:
        """Count the events of a transaction from 0."""
        number = transaction.sequence
        transaction.sequence += 1
        return number

    def transaction_info(self, place: Evse, transaction: Transaction, event_type: str) -> Payload:
        """Return the TransactionType of an event."""
        info: Payload = {"transactionId": transaction.id, "chargingState": transaction.charging_state}
        remote_start_id = place.session.remote_start_id
        if remote_start_id is not None and transaction.remote_start_id != remote_start_id:
            transaction.remote_start_id = remote_start_id
            info["remoteStartId"] = remote_start_id
        if event_type == "Ended" and transaction.stopped_reason:
            info["stoppedReason"] = transaction.stopped_reason
        return info

    @staticmethod
    def event_place(transaction: Transaction, connector: int | None) -> Payload:
        """Return the EVSEType of an event: the connector too, once the EV is connected (E01.FR.16)."""
        number = connector or transaction.connector
        return {"id": transaction.evse, **({"connectorId": number} if number else {})}

    def event_meter_values(self, place: Evse, event_type: str, trigger: str) -> list[Payload]:
        """Return the meter values that an event carries (J02)."""
        if event_type == "Started":
            return self.meter_values(place, "Transaction.Begin", ("SampledDataCtrlr", "TxStartedMeasurands"))
        if event_type == "Ended":
            return self.meter_values(place, "Transaction.End", ("SampledDataCtrlr", "TxEndedMeasurands"))
        if trigger == "MeterValuePeriodic":
            return self.meter_values(place, "Sample.Periodic", ("SampledDataCtrlr", "TxUpdatedMeasurands"))
        return []

    def meter_values(self, place: Evse, context: str, setting: tuple[str, str]) -> list[Payload]:
        """Return one MeterValueType with the measurands of a setting; empty when it names none."""
        samples = place.meter.sample(self.model.members(*setting), self.phases_in_use(place), context)
        return [{"timestamp": self.clock.stamp(), "sampledValue": samples}] if samples else []

    def result_arrived(self, action: str, payload: Payload, result: Payload) -> None:
        """Act on the CSMS's view of the token of an event (E05, E06.FR.04)."""
        super().result_arrived(action, payload, result)
        self.learn_group(payload, result)
        status = result.get("idTokenInfo", {}).get("status", "Accepted")
        if action != "TransactionEvent" or status == "Accepted":
            return
        for place in self.evses.values():
            transaction = place.session.transaction
            if transaction and transaction.id == payload["transactionInfo"]["transactionId"]:
                self.deauthorize(place)

    def learn_group(self, payload: Payload, result: Payload) -> None:
        """Take over the group that the CSMS gives to the token of a running transaction (C09.FR.03)."""
        group = result.get("idTokenInfo", {}).get("groupIdToken")
        for place in self.evses.values() if group is not None and "idToken" in payload else ():
            token = place.session.token
            if token is not None and self.same_token(token, payload["idToken"]):
                place.session.group = group

    # -- what flash memory knows, for the case that the power goes

    def remember_running(self, place: Evse, event: Payload) -> None:
        """Keep what is needed to end the transaction after a power loss."""
        transaction = place.session.transaction
        if transaction is None:
            return
        self.storage.setdefault("running", {})[transaction.id] = {
            "seqNo": event["seqNo"],
            "evse": event["evse"],
            "register": place.meter.register,
        }

    def end_transactions_cut_by_power_loss(self) -> None:
        """Queue Ended for transactions that were running when the power went (stoppedReason PowerLoss)."""
        running: dict[str, Payload] = self.storage.get("running", {})
        for transaction_id, last in running.items():
            self._ended.add(transaction_id)
            event: Payload = {
                "eventType": "Ended",
                "timestamp": self.clock.stamp(),
                "triggerReason": "AbnormalCondition",
                "seqNo": last["seqNo"] + 1,
                "offline": True,
                "transactionInfo": {"transactionId": transaction_id, "stoppedReason": "PowerLoss"},
                "evse": last["evse"],
            }
            place = self.evses.get(last["evse"]["id"])
            if place and (values := self.event_meter_values(place, "Ended", "AbnormalCondition")):
                event["meterValue"] = values
            self.outbox.append({"action": "TransactionEvent", "payload": event, "attempts": 0})
        running.clear()

    # -- what the CSMS asks for

    def on_request_start_transaction(self, request: Payload) -> Payload:
        """Answer RequestStartTransaction; the start follows (F01, F02)."""
        place = self.evse_for_remote_start(request.get("evseId"))
        if not self.may_transact() or place is None:
            return {"status": "Rejected"}
        self.after_answer(partial(self.remote_start, place, request))
        answer: Payload = {"status": "Accepted"}
        if place.session.transaction is not None:
            answer["transactionId"] = place.session.transaction.id
        return answer

    def evse_for_remote_start(self, evse: int | None) -> Evse | None:
        """Return the EVSE to start on, or None when it is unavailable or taken (F01.FR.20/23/24)."""
        candidates = self.evses.values() if evse is None else [self.evses[evse]] if evse in self.evses else []
        for place in candidates:
            usable = any(self.is_operative(place.number, connector) for connector in place.connectors)
            if usable and not place.session.authorized and not place.session.authorizing:
                return place
        return None

    async def remote_start(self, place: Evse, request: Payload) -> None:
        """Start for the token of a request, after an Authorize if AuthorizeRemoteStart is set (F01.FR.01/02)."""
        if self.authorizes_remote_start():
            place.session.authorizing = True
            info = await self.authorize(request["idToken"])
            place.session.authorizing = False
            if info.get("status") != "Accepted":
                return
        place.session.remote_start_id = request["remoteStartId"]
        self.driver_authorized(place, request["idToken"], "RemoteStart")

    def authorizes_remote_start(self) -> bool:
        """Tell whether the token of a remote start is authorized first."""
        return self.model.flag("AuthCtrlr", "AuthorizeRemoteStart")

    def on_request_stop_transaction(self, request: Payload) -> Payload:
        """Answer RequestStopTransaction; the stop follows (F03.FR.07/08)."""
        place = self.evse_of_transaction(request["transactionId"])
        if not self.may_transact() or place is None:
            return {"status": "Rejected"}
        self.after_answer(partial(self.remote_stop, place, request["transactionId"]))
        return {"status": "Accepted"}

    async def remote_stop(self, place: Evse, transaction_id: str) -> None:
        """Stop a transaction for the CSMS (F03.FR.02/03)."""
        if place.session.transaction is not None and place.session.transaction.id == transaction_id:
            self.stop_authorized(place, "RemoteStop", "Remote")

    def evse_of_transaction(self, transaction_id: str) -> Evse | None:
        """Return the EVSE on which a transaction runs."""
        for place in self.evses.values():
            if place.session.transaction is not None and place.session.transaction.id == transaction_id:
                return place
        return None

    def on_get_transaction_status(self, request: Payload) -> Payload:
        """Answer GetTransactionStatus (E14)."""
        transaction_id = request.get("transactionId")
        if transaction_id is None:
            return {"messagesInQueue": bool(self.queued_events())}
        return {
            "messagesInQueue": bool(self.queued_events(transaction_id)),
            "ongoingIndicator": self.evse_of_transaction(transaction_id) is not None,
        }
