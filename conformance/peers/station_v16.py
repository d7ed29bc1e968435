"""The harness's station in OCPP 1.6: what it says, and how it answers a central system."""

from collections.abc import Mapping
from typing import Any

from conformance.peers import v16
from conformance.peers.charging_profiles import ChargingProfiles, Installed
from conformance.peers.configuration_keys import ConfigurationKeys, Key
from conformance.peers.dialect import Handler, Host, Reply, Say, Told
from conformance.peers.equipment import Connector, Equipment, Evse, Transaction
from conformance.peers.received import Received
from conformance.peers.replies import Payload, Silence
from conformance.peers.upkeep_v201 import Certificates, LocalList

_STOPS = {
    "local": "Local",
    "remote": "Remote",
    "unplugged": "EVDisconnected",
    "deauthorized": "DeAuthorized",
    "reset": "HardReset",
    "soft reset": "SoftReset",
    "unlock": "UnlockCommand",
    "emergency": "EmergencyStop",
    "power loss": "PowerLoss",
}
_CHARGING = {"Charging": "Charging", "SuspendedEV": "SuspendedEV", "SuspendedEVSE": "SuspendedEVSE"}


class Station16:
    """One station's side of OCPP 1.6. Its connectors are numbered through, whatever EVSE they are on."""

    while_rejected = Silence()  # 1.6 §4.2
    while_pending: Mapping[str, Payload] = {
        "RemoteStartTransaction": {"status": "Rejected"},
        "RemoteStopTransaction": {"status": "Rejected"},
    }

    def __init__(
        self,
        host: Host,
        equipment: Equipment,
        *,
        identity: str,  # noqa: ARG002 -- no key of 1.6 tells it
        serial: str,
        items_per_message: int,
    ) -> None:
        self._host = host
        self._equipment = equipment
        self._serial = serial
        self._told = Told()
        self.keys = ConfigurationKeys(equipment, most_at_once=max(items_per_message, 10))
        self.profiles = ChargingProfiles()
        self.local_list = LocalList()
        self.certificates = Certificates()
        self.handlers: dict[str, Handler] = {
            "CancelReservation": self._cancel_reservation,
            "CertificateSigned": lambda _: _status("Rejected"),  # it has never asked for one
            "ChangeAvailability": self._change_availability,
            "ChangeConfiguration": self._change_configuration,
            "ClearCache": lambda _: _status("Accepted"),
            "ClearChargingProfile": self._clear_charging_profile,
            "DataTransfer": lambda _: _status("UnknownVendorId"),
            "DeleteCertificate": lambda asked: _status(self.certificates.delete(asked["certificateHashData"])),
            "ExtendedTriggerMessage": self._trigger_message,
            "GetCompositeSchedule": self._get_composite_schedule,
            "GetConfiguration": self._get_configuration,
            "GetDiagnostics": self._get_diagnostics,
            "GetInstalledCertificateIds": self._get_installed_certificate_ids,
            "GetLocalListVersion": lambda _: Reply({"listVersion": self.local_list.version}),
            "GetLog": self._get_log,
            "InstallCertificate": lambda asked: _status(
                self.certificates.install(asked["certificateType"], asked["certificate"])
            ),
            "RemoteStartTransaction": self._remote_start,
            "RemoteStopTransaction": self._remote_stop,
            "ReserveNow": self._reserve_now,
            "Reset": self._reset,
            "SendLocalList": self._send_local_list,
            "SetChargingProfile": self._set_charging_profile,
            "SignedUpdateFirmware": self._signed_update_firmware,
            "TriggerMessage": self._trigger_message,
            "UnlockConnector": self._unlock_connector,
            "UpdateFirmware": self._update_firmware,
        }

    # -- places -------------------------------------------------------------------------------------------------------

    def number(self, evse: Evse, connector: Connector) -> int:
        """The number of a connector in 1.6."""
        return self._equipment.connectors.index((evse, connector)) + 1

    def _place(self, number: object) -> tuple[Evse, Connector] | None:
        """The connector of this number, if there is one."""
        connectors = self._equipment.connectors
        return connectors[number - 1] if isinstance(number, int) and 0 < number <= len(connectors) else None

    def _number_of(self, running: Transaction) -> int:
        return self.number(*self._equipment.place(running.evse.id, running.connector))

    # -- boot and status ----------------------------------------------------------------------------------------------

    def boot_notification(self, reason: str) -> dict[str, Any]:  # noqa: ARG002 -- 1.6 does not tell it
        """Who it is."""
        return v16.boot_notification(chargePointSerialNumber=self._serial[:25], firmwareVersion="1.0")

    def accepted(self, interval: int) -> None:
        """Keep the heartbeat interval."""
        if interval > 0:
            self.keys["HeartbeatInterval"].value = str(interval)

    def forget_session(self) -> None:
        """Nobody was told anything yet."""
        self._told.clear()

    def status(self, evse: Evse, connector: Connector) -> str:
        """The state of a connector in the words of 1.6."""
        coarse = self._equipment.status(evse, connector)
        if coarse != "Occupied":
            return coarse
        running = evse.transaction
        if running is not None and running.connector == connector.id:
            return _CHARGING.get(running.charging_state, "Preparing")
        return "Finishing" if connector.finished else "Preparing"

    async def report(self, say: Say, evse: Evse, connector: Connector) -> Received:
        """StatusNotification of one connector."""
        number, status = self.number(evse, connector), self.status(evse, connector)
        self._told.note(number, status)
        return await say("StatusNotification", v16.status_notification(number, status, at=self._now()))

    async def report_all(self, say: Say) -> list[Received]:
        """StatusNotification of the station, as connector 0, and of every connector."""
        return [
            await self._report_station(say),
            *[await self.report(say, *each) for each in self._equipment.connectors],
        ]

    async def _report_station(self, say: Say) -> Received:
        status = "Available" if self._equipment.operative else "Unavailable"
        self._told.note(0, status)
        return await say("StatusNotification", v16.status_notification(0, status, at=self._now()))

    async def _report_changes(self, say: Say) -> None:
        if self._told.differs(0, "Available" if self._equipment.operative else "Unavailable"):
            await self._report_station(say)
        for each in self._equipment.connectors:
            if self._told.differs(self.number(*each), self.status(*each)):
                await self.report(say, *each)

    async def _tell_changes(self) -> None:
        await self._report_changes(self._host.say)

    def _now(self) -> str:
        return self._equipment.clock.stamp()

    # -- charging -----------------------------------------------------------------------------------------------------

    async def authorize(self, say: Say, id_token: Mapping[str, Any]) -> str:
        """Authorize.req; the status of the answer."""
        answer = await say("Authorize", {"idTag": id_token["idToken"]})
        return str(answer["idTagInfo"]["status"])

    async def plug_in(self, say: Say, evse: Evse, connector: Connector) -> None:
        """The connector is being prepared, or energy flows."""
        connector.plugged = True
        if evse.transaction is not None and evse.transaction.authorized:
            self._equipment.charge(evse.transaction)
        await self._report_changes(say)

    async def unplug(self, say: Say, evse: Evse, connector: Connector) -> None:
        """A transaction that runs ends, and the connector is free."""
        connector.plugged = connector.finished = False
        if evse.transaction is not None and evse.transaction.connector == connector.id:
            await self.stop(say, evse.transaction, "unplugged")
        await self._report_changes(say)

    async def start(
        self,
        say: Say,
        evse: Evse,
        id_token: Mapping[str, Any],
        remote_start_id: int | None = None,  # noqa: ARG002 -- unknown to 1.6
    ) -> Transaction:
        """StartTransaction.req; its answer gives the transactionId."""
        running = self._equipment.begin(evse, evse.plugged or evse.connectors[0])
        running.authorized, running.id_token = True, dict(id_token)
        request: dict[str, Any] = {
            "connectorId": self._number_of(running),
            "idTag": id_token["idToken"],
            "meterStart": round(running.meter_start),
            "timestamp": self._now(),
        }
        held = self._equipment.reservation(evse)
        if held is not None:
            running.reservation, evse.reservation = held.id, None
            request["reservationId"] = held.id
        answer = await say("StartTransaction", request)
        running.number = answer["transactionId"]
        if answer["idTagInfo"]["status"] != "Accepted" and self.keys.is_true("StopTransactionOnInvalidId"):
            await self.stop(say, running, "deauthorized")
        elif evse.plugged is not None and not running.ended:
            self._equipment.charge(running)
        await self._report_changes(say)
        return running

    async def stop(
        self, say: Say, transaction: Transaction, why: str, id_token: Mapping[str, Any] | None = None
    ) -> Received:
        """StopTransaction.req, with the transactionId that the central system gave."""
        self._equipment.end(transaction)
        self.profiles.forget(transaction.number)
        request: dict[str, Any] = {
            "transactionId": -1 if transaction.number is None else transaction.number,
            "meterStop": round(transaction.evse.meter.register_wh),
            "timestamp": self._now(),
            "reason": _STOPS[why],
        }
        if id_token is not None:
            request["idTag"] = id_token["idToken"]
        answer = await say("StopTransaction", request)
        self._equipment.apply_waiting()
        await self._report_changes(say)
        return answer

    async def sample(self, say: Say, evse: Evse) -> Received:
        """A periodic meter value, within a transaction where one runs."""
        return await say("MeterValues", self._meter_values(evse, evse.connectors[0], "Sample.Periodic"))

    def _meter_values(self, evse: Evse, connector: Connector, context: str) -> dict[str, Any]:
        meter, running = evse.meter, evse.transaction
        values: dict[str, Any] = {
            "connectorId": self.number(evse, connector) if running is None else self._number_of(running),
            "meterValue": [v16.meter_value(meter.register_wh, watts=meter.watts, context=context, at=self._now())],
        }
        if running is not None and running.number is not None:
            values["transactionId"] = running.number
        return values

    # -- configuration ------------------------------------------------------------------------------------------------

    def _get_configuration(self, asked: Payload) -> Reply:
        names = asked.get("key") or [each.name for each in self.keys if not each.write_only]
        found = [key for name in names if (key := self.keys.get(name)) is not None]
        unknown = [name for name in names if self.keys.get(name) is None]
        answer: dict[str, Any] = {"configurationKey": [_shown(each) for each in found]}
        return Reply(answer | ({"unknownKey": unknown} if unknown else {}))

    def _change_configuration(self, asked: Payload) -> Reply:
        name, value = asked["key"], asked["value"]
        status = self.keys.change(name, value)

        async def act() -> None:
            if name.casefold() == "heartbeatinterval":
                self._host.heartbeat_every(float(value))
            elif name.casefold() == "authorizationkey":
                await self._host.reconnect(bytes.fromhex(value))

        return Reply({"status": status}, act if status == "Accepted" else None)

    # -- remote control -----------------------------------------------------------------------------------------------

    def _reset(self, asked: Payload) -> Reply:
        why = "reset" if asked["type"] == "Hard" else "soft reset"

        async def act() -> None:
            for each in self._equipment.transactions:
                await self.stop(self._host.say, each, why)
            await self._host.restart("RemoteReset")

        return Reply({"status": "Accepted"}, act)

    def _remote_start(self, asked: Payload) -> Reply:
        token = {"idToken": asked["idTag"]}
        if "connectorId" in asked:
            place = self._place(asked["connectorId"])
            evse = place[0] if place is not None else None
        else:
            evse = self._equipment.free(token)
        profile = asked.get("chargingProfile")
        wrong = profile is not None and profile["chargingProfilePurpose"] != "TxProfile"
        if evse is None or wrong or not self._equipment.can_start(evse, token):
            return _status("Rejected")

        async def act() -> None:
            allowed = not self.keys.is_true("AuthorizeRemoteTxRequests")
            if allowed or await self.authorize(self._host.say, token) == "Accepted":
                running = await self.start(self._host.say, evse, token)
                if profile is not None and not running.ended:
                    installed = _installed(evse.id, profile, running.number)
                    self.profiles.install(installed, by_place=True)

        return Reply({"status": "Accepted"}, act)

    def _remote_stop(self, asked: Payload) -> Reply:
        running = self._equipment.transaction(asked["transactionId"])
        if running is None:
            return _status("Rejected")

        async def act() -> None:
            if not running.ended:
                await self.stop(self._host.say, running, "remote")

        return Reply({"status": "Accepted"}, act)

    def _unlock_connector(self, asked: Payload) -> Reply:
        place = self._place(asked["connectorId"])
        if place is None:
            return _status("NotSupported")
        running = place[0].transaction

        async def act() -> None:
            if running is not None and not running.ended:
                await self.stop(self._host.say, running, "unlock")

        return Reply({"status": "Unlocked"}, act)

    def _change_availability(self, asked: Payload) -> Reply:
        place = self._place(asked["connectorId"])
        if place is None and asked["connectorId"] != 0:
            return _status("Rejected")
        evse, connector = place or (None, None)
        done = self._equipment.set_availability(evse, connector, operative=asked["type"] == "Operative")
        return Reply({"status": "Accepted" if done else "Scheduled"}, self._tell_changes)

    def _reserve_now(self, asked: Payload) -> Reply:
        place = self._place(asked["connectorId"])
        if place is None:
            return _status("Rejected")  # connector 0 included: ReserveConnectorZeroSupported is not there
        token = {"idToken": asked["idTag"]}
        status = self._equipment.reserve(place[0], asked["reservationId"], token, asked["expiryDate"])
        return Reply({"status": status}, self._tell_changes)

    def _cancel_reservation(self, asked: Payload) -> Reply:
        found = self._equipment.cancel_reservation(asked["reservationId"])
        return Reply({"status": "Accepted" if found else "Rejected"}, self._tell_changes)

    def _trigger_message(self, asked: Payload) -> Reply:
        number, kind = asked.get("connectorId"), asked["requestedMessage"]
        if number not in (None, 0) and self._place(number) is None:
            return _status("Rejected")
        if kind == "BootNotification":  # errata 3.35
            known = self._host.registration == "Accepted"
            return _status("Rejected") if known else Reply({"status": "Accepted"}, self._boot_triggered)
        simple = {
            "Heartbeat": {},
            "DiagnosticsStatusNotification": {"status": "Idle"},
            "FirmwareStatusNotification": {"status": "Idle"},
            "LogStatusNotification": {"status": "Idle"},
        }
        if kind in simple:
            return self._saying(kind, simple[kind])
        chosen = self._place(number)
        places = self._equipment.connectors if chosen is None else [chosen]

        async def tell() -> None:
            if kind == "StatusNotification" and chosen is None:
                await self._report_station(self._host.say)
            for each in places:
                if kind == "StatusNotification":
                    await self.report(self._host.say, *each)
                else:
                    await self._host.say("MeterValues", self._meter_values(*each, "Trigger"))

        known = kind in ("StatusNotification", "MeterValues")
        return Reply({"status": "Accepted"}, tell) if known else _status("NotImplemented")

    async def _boot_triggered(self) -> None:
        await self._host.say("BootNotification", self.boot_notification("Triggered"))

    def _saying(self, action: str, *payloads: Payload, answer: Payload | None = None) -> Reply:
        async def tell() -> None:
            for each in payloads:
                await self._host.say(action, each)

        return Reply({"status": "Accepted"} if answer is None else answer, tell)

    # -- files: this station has none and takes none ------------------------------------------------------------------

    def _get_diagnostics(self, _: Payload) -> Reply:
        told = [{"status": "Uploading"}, {"status": "UploadFailed"}]
        return self._saying("DiagnosticsStatusNotification", *told, answer={"fileName": "diagnostics.log"})

    def _get_log(self, asked: Payload) -> Reply:
        told = [{"status": each, "requestId": asked["requestId"]} for each in ("Uploading", "UploadFailure")]
        answer = {"status": "Accepted", "filename": f"{asked['logType']}.log"}
        return self._saying("LogStatusNotification", *told, answer=answer)

    def _update_firmware(self, _: Payload) -> Reply:
        told = [{"status": "Downloading"}, {"status": "DownloadFailed"}]
        return self._saying("FirmwareStatusNotification", *told, answer={})

    def _signed_update_firmware(self, asked: Payload) -> Reply:
        told = [{"status": each, "requestId": asked["requestId"]} for each in ("Downloading", "DownloadFailed")]
        return self._saying("SignedFirmwareStatusNotification", *told)

    # -- lists and certificates ---------------------------------------------------------------------------------------

    def _send_local_list(self, asked: Payload) -> Reply:
        given = asked.get("localAuthorizationList", [])
        entries = {each["idTag"]: each.get("idTagInfo") for each in given}
        if len(entries) < len(given) or asked["listVersion"] <= 0:
            return _status("Failed")
        return _status(self.local_list.send(asked["listVersion"], asked["updateType"], entries))

    def _get_installed_certificate_ids(self, asked: Payload) -> Reply:
        found = [data for kind, data in self.certificates.installed if kind == asked["certificateType"]]
        return Reply({"status": "Accepted", "certificateHashData": found}) if found else _status("NotFound")

    # -- smart charging -----------------------------------------------------------------------------------------------

    def _set_charging_profile(self, asked: Payload) -> Reply:
        profile, place = asked["csChargingProfiles"], self._place(asked["connectorId"])
        purpose = profile["chargingProfilePurpose"]
        if place is None and (asked["connectorId"] != 0 or purpose == "TxProfile"):
            return _status("Rejected")
        if purpose == "ChargePointMaxProfile" and place is not None:
            return _status("Rejected")
        running = place[0].transaction if place is not None else None
        told = profile.get("transactionId")
        if purpose == "TxProfile" and (running is None or told not in (None, running.number)):
            return _status("Rejected")
        transaction = running.number if purpose == "TxProfile" and running is not None else None
        evse = 0 if place is None else place[0].id
        self.profiles.install(_installed(evse, profile, transaction), by_place=True)
        return _status("Accepted")

    def _clear_charging_profile(self, asked: Payload) -> Reply:
        place = self._place(asked.get("connectorId"))
        found = self.profiles.matching(
            ids=[asked["id"]] if "id" in asked else None,
            evse=place[0].id if place is not None else asked.get("connectorId"),
            purpose=asked.get("chargingProfilePurpose"),
            stack_level=asked.get("stackLevel"),
        )
        return _status("Accepted" if self.profiles.clear(found) else "Unknown")

    def _get_composite_schedule(self, asked: Payload) -> Reply:
        place = self._place(asked["connectorId"])
        if place is None and asked["connectorId"] != 0:
            return _status("Rejected")
        unit, clock = asked.get("chargingRateUnit", "A"), self._equipment.clock
        evses = self._equipment.evses if place is None else [place[0]]
        start = clock.stamp()
        schedule = {
            "duration": asked["duration"],
            "startSchedule": start,
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": self.profiles.composite(evses, clock.now(), asked["duration"], unit),
        }
        return Reply(
            {
                "status": "Accepted",
                "connectorId": asked["connectorId"],
                "scheduleStart": start,
                "chargingSchedule": schedule,
            }
        )


def _installed(evse: int, profile: Payload, transaction: object) -> Installed:
    return Installed(
        evse=evse,
        id=profile["chargingProfileId"],
        purpose=profile["chargingProfilePurpose"],
        stack_level=profile["stackLevel"],
        payload=profile,
        schedule=profile["chargingSchedule"],
        transaction=transaction,
    )


def _shown(key: Key) -> dict[str, Any]:
    shown: dict[str, Any] = {"key": key.name, "readonly": key.readonly}
    return shown if key.write_only else shown | {"value": key.value}


def _status(status: str) -> Reply:
    return Reply({"status": status})
