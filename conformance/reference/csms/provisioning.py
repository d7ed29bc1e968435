"""Registration, heartbeats, statuses, reports and notices: everything that leads to no decision about money."""

from __future__ import annotations

from conformance.reference.csms.config import REGISTRATIONS
from conformance.reference.csms.entry import Entry
from conformance.reference.csms.records import Report, StationRecord, variable_key
from conformance.reference.csms.rpc import Payload


class Provisioning(Entry):
    """Answers what stations tell of themselves. `on_…` is of both versions, `on16_…` and `on201_…` of one."""

    # -- registration

    def on_boot_notification(self, station: StationRecord, request: Payload) -> Payload:
        """Decide about a station that has booted (B01.FR.02)."""
        status = self.registration_for(station)
        station.registration = status
        station.boot = request
        station.boots += 1
        station.triggered.clear()
        station.awaited_reports.clear()
        return {"currentTime": self.stamp(), "interval": self.boot_interval(station, status), "status": status}

    def registration_for(self, station: StationRecord) -> str:
        """Return the registration status due next; the last word of the policy stays."""
        word = station.policy.pop(0) if len(station.policy) > 1 else station.policy[0]
        return REGISTRATIONS[word]

    def boot_interval(self, station: StationRecord, status: str) -> int:
        """Return the heartbeat interval for an accepted station, for another the wait before its next boot."""
        if station.setup.interval is not None:
            return station.setup.interval
        return self.config.heartbeat_interval if status == "Accepted" else self.config.retry_interval

    def on_heartbeat(self, station: StationRecord, _request: Payload) -> Payload:
        """Give the time."""
        station.last_heartbeat = self.stamp()
        return {"currentTime": self.stamp()}

    # -- statuses and events

    def on16_status_notification(self, station: StationRecord, request: Payload) -> Payload:
        """Note the status of a connector; connector 0 is the whole charge point."""
        self.note_status(station, 0, request["connectorId"], request["status"], request)
        return {}

    def on201_status_notification(self, station: StationRecord, request: Payload) -> Payload:
        """Note the status of a connector."""
        self.note_status(station, request["evseId"], request["connectorId"], request["connectorStatus"], request)
        return {}

    def note_status(
        self,
        station: StationRecord,
        evse_id: int,
        connector_id: int,
        status: str,
        request: Payload,
    ) -> None:
        """Keep the last status heard of a connector; `evse_id` is 0 in 1.6."""
        station.connectors[evse_id, connector_id] = {
            "evseId": evse_id,
            "connectorId": connector_id,
            "status": status,
            "timestamp": request.get("timestamp"),
            "errorCode": request.get("errorCode"),
        }

    def on201_notify_event(self, station: StationRecord, request: Payload) -> Payload:
        """Keep events; one about a connector's AvailabilityState is a status (G01)."""
        for event in request["eventData"]:
            station.events.append(event)
            evse = event["component"].get("evse", {})
            about = event["component"]["name"], event["variable"]["name"]
            if about == ("Connector", "AvailabilityState") and "connectorId" in evse:
                self.note_status(station, evse["id"], evse["connectorId"], event["actualValue"], event)
        return {}

    def on_security_event_notification(self, station: StationRecord, request: Payload) -> Payload:
        """Keep a security event (A04.FR.03)."""
        station.security_events.append(request)
        return {}

    # -- reports

    def on201_notify_report(self, station: StationRecord, request: Payload) -> Payload:
        """Keep a part of a report, and the variables in it; parts may come in any order."""
        number = request["requestId"]
        report = station.reports.setdefault(number, Report())
        report.parts[request["seqNo"]] = request.get("reportData", [])
        if not request.get("tbc", False):
            report.last = request["seqNo"]
        if report.complete:
            station.awaited_reports.discard(number)
        for entry in request.get("reportData", []):
            self.note_variable(station, entry)
        return {}

    def note_variable(self, station: StationRecord, entry: Payload) -> None:
        """Keep what a report says of one variable."""
        key = variable_key(entry["component"], entry["variable"])
        known = station.variables.setdefault(
            key, {"component": entry["component"], "variable": entry["variable"], "attributes": {}}
        )
        for attribute in entry["variableAttribute"]:
            known["attributes"][attribute.get("type", "Actual")] = attribute
        if "variableCharacteristics" in entry:
            known["characteristics"] = entry["variableCharacteristics"]

    def note_value(self, station: StationRecord, item: Payload, value: str) -> None:
        """Keep the value of one attribute of a variable."""
        key = variable_key(item["component"], item["variable"])
        known = station.variables.setdefault(
            key, {"component": item["component"], "variable": item["variable"], "attributes": {}}
        )
        attribute_type = item.get("attributeType", "Actual")
        known["attributes"].setdefault(attribute_type, {"type": attribute_type})["value"] = value

    def value_of(self, station: StationRecord, component: str, variable: str, instance: str = "") -> str | None:
        """Return the last known actual value of a variable, None for one that was never heard of."""
        known = station.variables.get(variable_key({"name": component}, {"name": variable, "instance": instance}), {})
        value: str | None = known.get("attributes", {}).get("Actual", {}).get("value")
        return value

    # -- notices

    def take_note(self, station: StationRecord, name: str, request: Payload) -> Payload:
        """Keep the last notice of a kind."""
        station.notices[name] = request
        return {}

    def on_firmware_status_notification(self, station: StationRecord, request: Payload) -> Payload:
        """Keep how a firmware update goes."""
        return self.take_note(station, "firmwareStatus", request)

    def on16_signed_firmware_status_notification(self, station: StationRecord, request: Payload) -> Payload:
        """Keep how a signed firmware update goes."""
        return self.take_note(station, "signedFirmwareStatus", request)

    def on16_diagnostics_status_notification(self, station: StationRecord, request: Payload) -> Payload:
        """Keep how an upload of diagnostics goes."""
        return self.take_note(station, "diagnosticsStatus", request)

    def on_log_status_notification(self, station: StationRecord, request: Payload) -> Payload:
        """Keep how an upload of logs goes."""
        return self.take_note(station, "logStatus", request)

    def on201_publish_firmware_status_notification(self, station: StationRecord, request: Payload) -> Payload:
        """Keep how the publishing of firmware goes."""
        return self.take_note(station, "publishFirmwareStatus", request)

    def on201_notify_monitoring_report(self, station: StationRecord, request: Payload) -> Payload:
        """Keep a report on monitors."""
        return self.take_note(station, "monitoringReport", request)

    def on201_notify_customer_information(self, station: StationRecord, request: Payload) -> Payload:
        """Keep what a station knows of a customer."""
        return self.take_note(station, "customerInformation", request)

    def on201_notify_display_messages(self, station: StationRecord, request: Payload) -> Payload:
        """Keep which messages a station displays."""
        return self.take_note(station, "displayMessages", request)

    def on201_notify_charging_limit(self, station: StationRecord, request: Payload) -> Payload:
        """Keep a limit that came from elsewhere."""
        return self.take_note(station, "chargingLimit", request)

    def on201_cleared_charging_limit(self, station: StationRecord, request: Payload) -> Payload:
        """Keep that a limit from elsewhere is gone."""
        return self.take_note(station, "clearedChargingLimit", request)

    def on201_report_charging_profiles(self, station: StationRecord, request: Payload) -> Payload:
        """Keep which charging profiles a station has."""
        return self.take_note(station, "chargingProfiles", request)

    def on201_reservation_status_update(self, station: StationRecord, request: Payload) -> Payload:
        """Keep what became of a reservation."""
        return self.take_note(station, "reservationStatus", request)

    def on_data_transfer(self, station: StationRecord, request: Payload) -> Payload:
        """Accept data of the vendors in the config (P01.FR.05, P01.FR.06)."""
        messages = self.config.vendors.get(request["vendorId"])
        if messages is None:
            return {"status": self.unknown_vendor()}
        if messages and request.get("messageId") not in messages:
            return {"status": "UnknownMessageId"}
        self.take_note(station, "dataTransfer", request)
        return {"status": "Accepted"}

    def unknown_vendor(self) -> str:
        """Return the status for the data of a vendor nobody here knows."""
        return "UnknownVendorId"
