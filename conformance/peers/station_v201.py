"""The harness's station in OCPP 2.0.1: what it says, and how it answers a CSMS."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from conformance.peers import v201
from conformance.peers.charging_profiles import ChargingProfiles, Installed
from conformance.peers.device_model import DeviceModel, Variable
from conformance.peers.dialect import Handler, Host, Reply, Say, Told
from conformance.peers.equipment import ChargingState, Connector, Equipment, Evse, Transaction
from conformance.peers.received import Received
from conformance.peers.replies import Error, Payload
from conformance.peers.upkeep_v201 import Upkeep201

_STOPS = {
    "local": ("StopAuthorized", "Local"),
    "remote": ("RemoteStop", "Remote"),
    "unplugged": ("EVCommunicationLost", "EVDisconnected"),
    "deauthorized": ("Deauthorized", "DeAuthorized"),
    "reset": ("ResetCommand", "ImmediateReset"),
    "emergency": ("AbnormalCondition", "EmergencyStop"),
    "power loss": ("AbnormalCondition", "PowerLoss"),
}
"""Why a transaction ends: triggerReason and stoppedReason."""

_STATION_PURPOSES = ("ChargingStationMaxProfile", "ChargingStationExternalConstraints")


class Station201:
    """One station's side of OCPP 2.0.1: transactions start and stop with the plug or the authorization."""

    while_rejected = Error("SecurityError", "this station was rejected")
    while_pending: Mapping[str, Payload] = {
        "RequestStartTransaction": {"status": "Rejected"},
        "RequestStopTransaction": {"status": "Rejected"},
    }

    def __init__(self, host: Host, equipment: Equipment, *, identity: str, serial: str, items_per_message: int) -> None:
        self._host = host
        self._serial = serial
        self._equipment = equipment
        self._items = items_per_message
        self._told = Told()
        self._reset_due = False
        self._network_profiles: dict[int, Mapping[str, Any]] = {}
        self.model = DeviceModel(equipment, items_per_message=items_per_message, serial=identity)
        self.profiles = ChargingProfiles()
        self.upkeep = Upkeep201(host, self.model)
        self.handlers: dict[str, Handler] = {
            **self.upkeep.handlers,
            "CancelReservation": self._cancel_reservation,
            "ChangeAvailability": self._change_availability,
            "ClearChargingProfile": self._clear_charging_profile,
            "GetBaseReport": self._get_base_report,
            "GetChargingProfiles": self._get_charging_profiles,
            "GetCompositeSchedule": self._get_composite_schedule,
            "GetReport": self._get_report,
            "GetTransactionStatus": self._get_transaction_status,
            "GetVariables": lambda asked: Reply(
                {"getVariableResult": [self.model.read(each) for each in asked["getVariableData"]]}
            ),
            "RequestStartTransaction": self._request_start,
            "RequestStopTransaction": self._request_stop,
            "ReserveNow": self._reserve_now,
            "Reset": self._reset,
            "SetChargingProfile": self._set_charging_profile,
            "SetNetworkProfile": self._set_network_profile,
            "SetVariables": self._set_variables,
            "TriggerMessage": self._trigger_message,
            "UnlockConnector": self._unlock_connector,
        }

    # -- boot and status ----------------------------------------------------------------------------------------------

    def boot_notification(self, reason: str) -> dict[str, Any]:
        """Who it is, and why it boots."""
        return v201.boot_notification(reason, serialNumber=self._serial[:25], firmwareVersion="1.0")

    def accepted(self, interval: int) -> None:
        """Keep the heartbeat interval."""
        if interval > 0:
            self.model.find("OCPPCommCtrlr", "HeartbeatInterval").value = str(interval)

    def forget_session(self) -> None:
        """A scheduled reset has happened with any reboot."""
        self._reset_due = False
        self._told.clear()

    async def report(self, say: Say, evse: Evse, connector: Connector) -> Received:
        """StatusNotification of one connector."""
        status = self._equipment.status(evse, connector)
        self._told.note((evse.id, connector.id), status)
        at = self._equipment.clock.stamp()
        return await say("StatusNotification", v201.status_notification(evse.id, connector.id, status, at=at))

    async def report_all(self, say: Say) -> list[Received]:
        """StatusNotification of every connector."""
        return [await self.report(say, *each) for each in self._equipment.connectors]

    async def _report_changes(self, say: Say) -> None:
        for evse, connector in self._equipment.connectors:
            if self._told.differs((evse.id, connector.id), self._equipment.status(evse, connector)):
                await self.report(say, evse, connector)

    # -- charging -----------------------------------------------------------------------------------------------------

    async def authorize(self, say: Say, id_token: Mapping[str, Any]) -> str:
        """AuthorizeRequest; the status of the answer."""
        answer = await say("Authorize", {"idToken": dict(id_token)})
        return str(answer["idTokenInfo"]["status"])

    async def plug_in(self, say: Say, evse: Evse, connector: Connector) -> None:
        """The connector is occupied, and a transaction starts, or goes on with energy."""
        connector.plugged = True
        await self._report_changes(say)
        running = evse.transaction
        if running is None:
            running = self._equipment.begin(evse, connector)
            await self.event(say, running, "Started", "CablePluggedIn", state="EVConnected", place=True)
        else:
            await self.event(say, running, "Updated", "CablePluggedIn", state="EVConnected", place=True)
        if running.authorized:
            await self._charge(say, running)

    async def unplug(self, say: Say, evse: Evse, connector: Connector) -> None:
        """A transaction that runs ends, and the connector is free."""
        connector.plugged = connector.finished = False
        if evse.transaction is not None and evse.transaction.connector == connector.id:
            await self.stop(say, evse.transaction, "unplugged")
        await self._report_changes(say)

    async def start(
        self, say: Say, evse: Evse, id_token: Mapping[str, Any], remote_start_id: int | None = None
    ) -> Transaction:
        """The authorization starts a transaction or goes into the one that the plug has started."""
        running, kind = evse.transaction, "Updated"
        if running is None:
            running, kind = self._equipment.begin(evse, evse.plugged or evse.connectors[0]), "Started"
        running.authorized, running.id_token, running.remote_start_id = True, dict(id_token), remote_start_id
        held = self._equipment.reservation(evse)
        if held is not None:
            running.reservation, evse.reservation = held.id, None
        trigger = "Authorized" if remote_start_id is None else "RemoteStart"
        state: ChargingState = "EVConnected" if evse.plugged else "Idle"
        answer = await self.event(say, running, kind, trigger, state=state, place=kind == "Started", token=id_token)
        if answer.get("idTokenInfo", {}).get("status", "Accepted") != "Accepted":
            if self.model.find("TxCtrlr", "StopTxOnInvalidId").value == "true":
                await self.stop(say, running, "deauthorized")
        elif evse.plugged is not None and not running.ended:
            await self._charge(say, running)
        await self._report_changes(say)
        return running

    async def _charge(self, say: Say, running: Transaction) -> None:
        self._equipment.charge(running)
        await self.event(say, running, "Updated", "ChargingStateChanged", state="Charging")

    async def stop_energy(self, say: Say, transaction: Transaction, id_token: Mapping[str, Any]) -> Received:
        """The driver holds the card to the reader again: no more energy flows, and the plug has yet to come out."""
        transaction.evse.meter.watts = 0.0
        return await self.event(say, transaction, "Updated", "StopAuthorized", state="EVConnected", token=id_token)

    async def stop(
        self, say: Say, transaction: Transaction, why: str, id_token: Mapping[str, Any] | None = None
    ) -> Received:
        """The last event of a transaction."""
        trigger, stopped = _STOPS[why]
        self._equipment.end(transaction)
        self.profiles.forget(transaction.id)
        answer = await self.event(say, transaction, "Ended", trigger, stopped=stopped, token=id_token)
        self._equipment.apply_waiting()
        await self._report_changes(say)
        if self._reset_due and not self._equipment.transactions:
            self._reset_due = False
            self._host.later(lambda: self._host.restart("ScheduledReset"))
        return answer

    async def sample(self, say: Say, evse: Evse) -> Received:
        """A periodic meter value, within a transaction where one runs."""
        if evse.transaction is None:
            return await say("MeterValues", self._meter_values(evse, "Sample.Clock"))
        return await self.event(say, evse.transaction, "Updated", "MeterValuePeriodic")

    def _meter_values(self, evse: Evse, context: str) -> dict[str, Any]:
        return {"evseId": evse.id, "meterValue": [self._meter_value(evse, context)]}

    def _meter_value(self, evse: Evse, context: str) -> dict[str, Any]:
        meter, at = evse.meter, self._equipment.clock.stamp()
        return v201.meter_value(meter.register_wh, watts=meter.watts, context=context, at=at)

    async def event(  # noqa: PLR0913 -- what may stand in an event, by keyword
        self,
        say: Say,
        transaction: Transaction,
        kind: str,
        trigger: str,
        *,
        state: ChargingState | None = None,
        stopped: str | None = None,
        place: bool = False,
        token: Mapping[str, Any] | None = None,
    ) -> Received:
        """A TransactionEvent; the EVSE is named where that is new (E01.FR.16)."""
        if state is not None:
            transaction.charging_state = state
        info: dict[str, Any] = {"transactionId": transaction.id, "chargingState": transaction.charging_state}
        if stopped is not None:
            info["stoppedReason"] = stopped
        if transaction.remote_start_id is not None and trigger == "RemoteStart":
            info["remoteStartId"] = transaction.remote_start_id
        context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(kind, "Sample.Periodic")
        event: dict[str, Any] = {
            "eventType": kind,
            "timestamp": self._equipment.clock.stamp(),
            "triggerReason": trigger,
            "seqNo": transaction.next_seq_no(),
            "transactionInfo": info,
            "meterValue": [self._meter_value(transaction.evse, "Trigger" if trigger == "Trigger" else context)],
        }
        if place:
            event["evse"] = {"id": transaction.evse.id, "connectorId": transaction.connector}
        if token is not None:
            event["idToken"] = dict(token)
            if transaction.reservation is not None:
                event["reservationId"] = transaction.reservation
        return await say("TransactionEvent", event)

    # -- the device model ---------------------------------------------------------------------------------------------

    def _set_variables(self, asked: Payload) -> Reply:
        results, taken = [], []
        for item in asked["setVariableData"]:
            result, variable = self.model.write(item)
            results.append(result)
            taken += [variable] if variable is not None else []

        async def act() -> None:
            for variable in taken:
                await self._take_effect(variable)

        return Reply({"setVariableResult": results}, act if taken else None)

    async def _take_effect(self, variable: Variable) -> None:
        if variable.name == "HeartbeatInterval":
            self._host.heartbeat_every(float(variable.value))
        elif variable.name == "BasicAuthPassword":
            await self._host.reconnect(variable.value)

    def _get_base_report(self, asked: Payload) -> Reply:
        return self._reporting(asked, self.model.base_report(asked["reportBase"]))

    def _get_report(self, asked: Payload) -> Reply:
        criteria, places = asked.get("componentCriteria", []), asked.get("componentVariable", [])
        return self._reporting(asked, self.model.report(criteria, places))

    def _reporting(self, asked: Payload, variables: Sequence[Variable]) -> Reply:
        if not variables:
            return _status("EmptyResultSet")

        async def tell() -> None:
            for part in self.report_parts(asked["requestId"], variables):
                await self._host.say("NotifyReport", part)

        return Reply({"status": "Accepted"}, tell)

    def report_parts(self, request_id: int, variables: Iterable[Variable] | None = None) -> list[dict[str, Any]]:
        """The NotifyReports of one report, a full inventory unless other variables are named."""
        items = [each.reported() for each in (self.model.variables if variables is None else variables)]
        cut = [items[at : at + self._items] for at in range(0, len(items), self._items)]
        at = self._equipment.clock.stamp()
        return [
            {
                "requestId": request_id,
                "generatedAt": at,
                "seqNo": number,
                "tbc": number < len(cut) - 1,
                "reportData": part,
            }
            for number, part in enumerate(cut)
        ]

    def _set_network_profile(self, asked: Payload) -> Reply:
        data, slots = asked["connectionData"], self.model.find("OCPPCommCtrlr", "NetworkConfigurationPriority").values
        current = int(self.model.find("SecurityCtrlr", "SecurityProfile").value)
        usable = (
            str(asked["configurationSlot"]) in slots
            and data["ocppTransport"] == "JSON"
            and str(data["ocppCsmsUrl"]).startswith(("ws://", "wss://"))
            and data["securityProfile"] >= current
        )
        if not usable:
            return _status("Rejected")
        self._network_profiles[asked["configurationSlot"]] = data
        return _status("Accepted")

    # -- remote control -----------------------------------------------------------------------------------------------

    def _reset(self, asked: Payload) -> Reply:
        if "evseId" in asked:
            return self._reset_evse(asked)
        running = self._equipment.transactions
        if running and asked["type"] == "OnIdle":
            self._reset_due = True
            return _status("Scheduled")

        async def act() -> None:
            for each in running:
                if not each.ended:
                    await self.stop(self._host.say, each, "reset")
            await self._host.restart("RemoteReset")

        return Reply({"status": "Accepted"}, act)

    def _reset_evse(self, asked: Payload) -> Reply:
        evse = self._equipment.evse(asked["evseId"])
        if evse is None or (evse.transaction is not None and asked["type"] == "OnIdle"):
            return _status("Rejected")

        async def act() -> None:
            if evse.transaction is not None:
                await self.stop(self._host.say, evse.transaction, "reset")
            for connector in evse.connectors:
                await self.report(self._host.say, evse, connector)

        return Reply({"status": "Accepted"}, act)

    def _request_start(self, asked: Payload) -> Reply:
        token = asked["idToken"]
        evse = self._equipment.evse(asked["evseId"]) if "evseId" in asked else self._equipment.free(token)
        profile = asked.get("chargingProfile")
        wrong = profile is not None and profile["chargingProfilePurpose"] != "TxProfile"
        if evse is None or wrong or not self._equipment.can_start(evse, token):
            return _status("Rejected")

        async def act() -> None:
            running = await self.start(self._host.say, evse, token, asked["remoteStartId"])
            if profile is not None and not running.ended:
                self.profiles.install(_installed(evse.id, profile, running.id), by_place=False)

        running = evse.transaction
        known = {} if running is None else {"transactionId": running.id}
        return Reply({"status": "Accepted", **known}, act)

    def _request_stop(self, asked: Payload) -> Reply:
        running = self._equipment.transaction(asked["transactionId"])
        if running is None:
            return _status("Rejected")

        async def act() -> None:
            if not running.ended:
                await self.stop(self._host.say, running, "remote")

        return Reply({"status": "Accepted"}, act)

    def _get_transaction_status(self, asked: Payload) -> Reply:
        if "transactionId" not in asked:
            return Reply({"messagesInQueue": False})
        running = self._equipment.transaction(asked["transactionId"])
        return Reply({"ongoingIndicator": running is not None, "messagesInQueue": False})

    def _unlock_connector(self, asked: Payload) -> Reply:
        evse = self._equipment.evse(asked["evseId"])
        if evse is None or evse.connector(asked["connectorId"]) is None:
            return _status("UnknownConnector")
        busy = evse.transaction is not None and evse.transaction.authorized
        return _status("OngoingAuthorizedTransaction" if busy else "Unlocked")

    def _change_availability(self, asked: Payload) -> Reply:
        place = asked.get("evse", {})
        evse = self._equipment.evse(place.get("id")) if place else None
        connector = evse.connector(place["connectorId"]) if evse is not None and "connectorId" in place else None
        if (place and evse is None) or ("connectorId" in place and connector is None):
            return _status("Rejected")
        done = self._equipment.set_availability(evse, connector, operative=asked["operationalStatus"] == "Operative")
        return Reply({"status": "Accepted" if done else "Scheduled"}, self._tell_changes)

    def _reserve_now(self, asked: Payload) -> Reply:
        token = asked["idToken"]
        evse = self._equipment.evse(asked["evseId"]) if "evseId" in asked else self._equipment.free(token)
        if evse is None:
            return _status("Rejected" if "evseId" in asked else "Occupied")
        kind = asked.get("connectorType")
        if kind is not None and kind not in [each.type for each in evse.connectors]:
            return _status("Rejected")
        status = self._equipment.reserve(evse, asked["id"], token, asked["expiryDateTime"])
        return Reply({"status": status}, self._tell_changes)

    def _cancel_reservation(self, asked: Payload) -> Reply:
        found = self._equipment.cancel_reservation(asked["reservationId"])
        return Reply({"status": "Accepted" if found else "Rejected"}, self._tell_changes)

    async def _tell_changes(self) -> None:
        await self._report_changes(self._host.say)

    def _trigger_message(self, asked: Payload) -> Reply:
        place = asked.get("evse", {})
        evses = [each for each in self._equipment.evses if not place or each.id == place["id"]]
        idle: Payload = {"status": "Idle"}
        plain = {"Heartbeat": {}, "LogStatusNotification": idle, "FirmwareStatusNotification": idle}
        match asked["requestedMessage"]:
            case "BootNotification":
                known = self._host.registration == "Accepted"
                return _status("Rejected") if known else Reply({"status": "Accepted"}, self._boot_triggered)
            case "MeterValues":
                return self._saying(*(("MeterValues", self._meter_values(each, "Trigger")) for each in evses))
            case "TransactionEvent":
                return self._trigger_transactions([each for each in evses if each.transaction is not None])
            case "StatusNotification":
                return self._trigger_status(evses[0] if place and evses else None, place.get("connectorId"))
            case action if action in plain:
                return self._saying((action, plain[action]))
        return _status("NotImplemented")

    async def _boot_triggered(self) -> None:
        await self._host.say("BootNotification", self.boot_notification("Triggered"))

    def _saying(self, *messages: tuple[str, Payload]) -> Reply:
        async def tell() -> None:
            for action, payload in messages:
                await self._host.say(action, payload)

        return Reply({"status": "Accepted"}, tell) if messages else _status("Rejected")

    def _trigger_transactions(self, evses: list[Evse]) -> Reply:
        async def tell() -> None:
            for each in evses:
                if each.transaction is not None:
                    await self.event(self._host.say, each.transaction, "Updated", "Trigger")

        return Reply({"status": "Accepted"}, tell) if evses else _status("Rejected")

    def _trigger_status(self, evse: Evse | None, number: object) -> Reply:
        """Only for a connector that is named (F06.FR.12)."""
        connector = evse.connector(number) if evse is not None and isinstance(number, int) else None
        if evse is None or connector is None:
            return _status("Rejected")

        async def tell() -> None:
            await self.report(self._host.say, evse, connector)

        return Reply({"status": "Accepted"}, tell)

    # -- smart charging -----------------------------------------------------------------------------------------------

    def _set_charging_profile(self, asked: Payload) -> Reply:
        profile, evse = asked["chargingProfile"], self._equipment.evse(asked["evseId"])
        if not self._acceptable(profile, asked["evseId"], evse):
            return _status("Rejected")
        transaction = profile.get("transactionId")
        self.profiles.install(_installed(asked["evseId"], profile, transaction), by_place=False)
        self._count_profiles()
        return _status("Accepted")

    def _acceptable(self, profile: Payload, evse_id: int, evse: Evse | None) -> bool:
        """The rules of K01 that a profile can break by itself or by what else is installed."""
        purpose, kind, schedules = (
            profile["chargingProfilePurpose"],
            profile["chargingProfileKind"],
            profile["chargingSchedule"],
        )
        if evse is None and (evse_id != 0 or purpose == "TxProfile"):
            return False  # K01.FR.28, K01.FR.16
        if purpose in _STATION_PURPOSES and (evse_id != 0 or kind == "Relative"):
            return False  # K01.FR.38
        running = evse.transaction if evse is not None else None
        if purpose == "TxProfile" and (running is None or running.id != profile.get("transactionId")):
            return False  # K01.FR.09, K01.FR.33
        return not self._duplicate(profile, evse_id) and all(_well_formed(each, kind) for each in schedules)

    def _duplicate(self, profile: Payload, evse_id: int) -> bool:
        """K01.FR.52 and 53: the station's own default against that of an EVSE."""
        return profile["chargingProfilePurpose"] == "TxDefaultProfile" and any(
            each.purpose == "TxDefaultProfile"
            and each.stack_level == profile["stackLevel"]
            and each.id != profile["id"]
            and (each.evse == 0) != (evse_id == 0)
            for each in self.profiles.installed
        )

    def _clear_charging_profile(self, asked: Payload) -> Reply:
        criteria = asked.get("chargingProfileCriteria", {})
        identifier = asked.get("chargingProfileId")
        found = self.profiles.matching(
            ids=None if identifier is None else [identifier],
            evse=criteria.get("evseId"),
            purpose=criteria.get("chargingProfilePurpose"),
            stack_level=criteria.get("stackLevel"),
        )
        cleared = self.profiles.clear(found)
        self._count_profiles()
        return _status("Accepted" if cleared else "Unknown")

    def _get_charging_profiles(self, asked: Payload) -> Reply:
        criteria = asked["chargingProfile"]
        found = self.profiles.matching(
            ids=criteria.get("chargingProfileId"),
            evse=asked.get("evseId"),
            purpose=criteria.get("chargingProfilePurpose"),
            stack_level=criteria.get("stackLevel"),
        )
        if not found or "CSO" not in criteria.get("chargingLimitSource", ["CSO"]):
            return _status("NoProfiles")
        places = sorted({each.evse for each in found})
        messages: list[tuple[str, Payload]] = [
            (
                "ReportChargingProfiles",
                {
                    "requestId": asked["requestId"],
                    "chargingLimitSource": "CSO",
                    "evseId": place,
                    "chargingProfile": [each.payload for each in found if each.evse == place],
                    "tbc": place != places[-1],
                },
            )
            for place in places
        ]
        return self._saying(*messages)

    def _get_composite_schedule(self, asked: Payload) -> Reply:
        evse = self._equipment.evse(asked["evseId"])
        if evse is None and asked["evseId"] != 0:
            return _status("Rejected")
        unit, clock = asked.get("chargingRateUnit", "A"), self._equipment.clock
        evses = self._equipment.evses if evse is None else [evse]
        schedule = {
            "evseId": asked["evseId"],
            "duration": asked["duration"],
            "scheduleStart": clock.stamp(),
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": self.profiles.composite(evses, clock.now(), asked["duration"], unit),
        }
        return Reply({"status": "Accepted", "schedule": schedule})

    def _count_profiles(self) -> None:
        entries = self.model.find("SmartChargingCtrlr", "Entries", "ChargingProfiles")
        entries.value = str(len(self.profiles.installed))


def _well_formed(schedule: Payload, kind: str) -> bool:
    """K01.FR.31, 35, 40, 41: the first period at 0, the others later and later; a start where one is due."""
    starts = [period["startPeriod"] for period in schedule["chargingSchedulePeriod"]]
    return starts[0] == 0 and starts == sorted(set(starts)) and ("startSchedule" in schedule) != (kind == "Relative")


def _installed(evse: int, profile: Payload, transaction: object) -> Installed:
    return Installed(
        evse=evse,
        id=profile["id"],
        purpose=profile["chargingProfilePurpose"],
        stack_level=profile["stackLevel"],
        payload=profile,
        schedule=profile["chargingSchedule"][0],
        transaction=transaction,
    )


def _status(status: str) -> Reply:
    return Reply({"status": status})
