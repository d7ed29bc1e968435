"""Commands that need more than being passed on: what they are completed with, and what their answers tell."""

from __future__ import annotations

import json
from typing import Any

from conformance.reference.csms.base import Link
from conformance.reference.csms.records import Command, StationRecord, variable_key
from conformance.reference.csms.rpc import Payload, RpcError
from conformance.reference.csms.transactions import Transactions

_TRIGGERED = {
    "SignChargingStationCertificate": ("SignCertificate",),
    "SignChargePointCertificate": ("SignCertificate",),
    "SignV2GCertificate": ("SignCertificate",),
    "SignCombinedCertificate": ("SignCertificate",),
    "StatusNotification": ("StatusNotification", "NotifyEvent"),
}


class Commands(Transactions):
    """Makes requests of commands (`prepare_<action>`) and learns from answers (`learn_<action>`).

    Every other action of the version in use goes out just as it was asked for.
    """

    # -- variables

    def prepare_get_variables(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Ask for each variable once, in as many messages as the station needs (B06.FR.05)."""
        return self.split(station, "GetVariables", "getVariableData", payload)

    def prepare_set_variables(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Set in as many messages as the station needs, none with a variable twice (B05.FR.11, B05.FR.13)."""
        return self.split(station, "SetVariables", "setVariableData", payload)

    def split(self, station: StationRecord, action: str, name: str, payload: Payload) -> list[Payload]:
        """Return a request as the requests whose lists obey the station's limits."""
        batches = self.batches(payload[name], self.items_per_message(station, action))
        limit = self.bytes_per_message(station, action)
        return [payload | {name: part} for batch in batches for part in self.within_bytes(name, batch, limit)]

    def batches(self, items: list[Payload], limit: int | None) -> list[list[Payload]]:
        """Put items into lists no longer than `limit`; a variable comes once in each, an exact repetition never."""
        result: list[list[Payload]] = [[]]
        for item in without_repetitions(items):
            keys = {attribute_key(other) for other in result[-1]}
            if attribute_key(item) in keys or (limit is not None and len(result[-1]) >= limit):
                result.append([])
            result[-1].append(item)
        return result

    def within_bytes(self, name: str, items: list[Payload], limit: int | None) -> list[list[Payload]]:
        """Halve a list until the payload that holds it is no longer than `limit` bytes."""
        if limit is None or len(items) <= 1 or len(json.dumps({name: items}).encode()) <= limit:
            return [items]
        half = len(items) // 2
        return self.within_bytes(name, items[:half], limit) + self.within_bytes(name, items[half:], limit)

    def items_per_message(self, station: StationRecord, action: str) -> int | None:
        """Return how many items a request may hold, None while the station has not told."""
        return as_limit(self.value_of(station, "DeviceDataCtrlr", "ItemsPerMessage", action))

    def bytes_per_message(self, station: StationRecord, action: str) -> int | None:
        """Return how many bytes a request may have, None while the station has not told."""
        return as_limit(self.value_of(station, "DeviceDataCtrlr", "BytesPerMessage", action))

    def learn_get_variables(self, station: StationRecord, _payload: Payload, answer: Payload) -> None:
        """Keep the values read."""
        for result in answer["getVariableResult"]:
            if result["attributeStatus"] == "Accepted":
                self.note_value(station, result, result.get("attributeValue", ""))

    def learn_set_variables(self, station: StationRecord, payload: Payload, answer: Payload) -> None:
        """Keep the values set; a password that was set is the one to come with from now on (A01.FR.03)."""
        values = {attribute_key(item): item["attributeValue"] for item in payload["setVariableData"]}
        for result in answer["setVariableResult"]:
            value = values.get(attribute_key(result))
            if result["attributeStatus"] not in ("Accepted", "RebootRequired") or value is None:
                continue
            if variable_key(result["component"], result["variable"])[4] != "basicauthpassword":
                self.note_value(station, result, value)
            elif result["attributeStatus"] == "Accepted":
                self.password_changed(station, value.encode())

    def password_changed(self, station: StationRecord, password: bytes) -> None:
        """Let a station in with its new password only."""
        station.password = password

    # -- reports

    def on_boot_notification(self, station: StationRecord, request: Payload) -> Payload:
        """Ask a station that has never been here before what it is made of (B07.FR.14)."""
        new = self.is_new_station(station)
        answer = super().on_boot_notification(station, request)
        if new and station.registration == "Accepted":
            station.inventory_asked = True
            self.command(station.identity, "GetBaseReport", {"reportBase": "FullInventory"})
        return answer

    def is_new_station(self, station: StationRecord) -> bool:
        """Tell whether a station was made known while this CSMS ran, and its inventory was never asked for."""
        laid_down = station.identity in self.config.stations
        return station.version == "2.0.1" and not laid_down and not station.inventory_asked

    def prepare_get_base_report(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Number the request."""
        return [{"requestId": station.next_request_id()} | payload]

    def prepare_get_report(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Number the request, each of them if the station can't take it as one (B08.FR.06)."""
        if "componentVariable" not in payload:
            return self.prepare_get_base_report(station, payload)
        parts = self.split(station, "GetReport", "componentVariable", payload)
        return [request for part in parts for request in self.prepare_get_base_report(station, part)]

    def expect_from(self, station: StationRecord, action: str, payload: Payload) -> None:
        """Await a report, or the message that is being triggered; these may come before Accepted (B02.FR.02)."""
        if action in ("GetBaseReport", "GetReport"):
            station.awaited_reports.add(payload["requestId"])
        if action in ("TriggerMessage", "ExtendedTriggerMessage"):
            station.triggered.update(triggered_actions(payload["requestedMessage"]))

    def learn_get_base_report(self, station: StationRecord, payload: Payload, answer: Payload) -> None:
        """Await no report where none was promised."""
        if answer["status"] != "Accepted":
            station.awaited_reports.discard(payload["requestId"])

    def learn_get_report(self, station: StationRecord, payload: Payload, answer: Payload) -> None:
        """Await no report where none was promised."""
        self.learn_get_base_report(station, payload, answer)

    # -- triggers and transactions

    def check_command(self, link: Link, command: Command, payload: Payload) -> None:
        """Raise RpcError for a boot that is triggered after one was accepted (1.6 errata 3.40, F06.FR.17) as well."""
        if self.triggers_boot_again(link.station, command.action, payload):
            raise RpcError("SecurityError", "the last boot was accepted: no other is triggered")
        super().check_command(link, command, payload)

    def triggers_boot_again(self, station: StationRecord, action: str, payload: Payload) -> bool:
        """Tell whether a command triggers the boot of a station that was accepted."""
        triggers = action in ("TriggerMessage", "ExtendedTriggerMessage")
        wanted = payload.get("requestedMessage")
        return triggers and wanted == "BootNotification" and station.registration == "Accepted"

    def learn_trigger_message(self, station: StationRecord, payload: Payload, answer: Payload) -> None:
        """Await no message where none was promised."""
        if answer["status"] != "Accepted":
            station.triggered.difference_update(triggered_actions(payload["requestedMessage"]))

    def learn_extended_trigger_message(self, station: StationRecord, payload: Payload, answer: Payload) -> None:
        """Await no message where none was promised."""
        self.learn_trigger_message(station, payload, answer)

    def prepare_request_start_transaction(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Number the request."""
        return [{"remoteStartId": station.next_request_id()} | payload]

    def prepare_get_charging_profiles(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Number the request."""
        return [{"requestId": station.next_request_id()} | payload]

    # -- monitoring

    def prepare_get_monitoring_report(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Number the request."""
        return [{"requestId": station.next_request_id()} | payload]

    def prepare_clear_variable_monitoring(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Clear in as many messages as the station needs (N06.FR.04)."""
        ids = payload["id"]
        at_once = self.monitors_per_message(station) or len(ids)
        return [{"id": ids[at : at + at_once]} for at in range(0, len(ids), at_once)]

    def monitors_per_message(self, station: StationRecord) -> int | None:
        """Return how many monitors a request may clear, None while the station has not told."""
        return as_limit(self.value_of(station, "MonitoringCtrlr", "ItemsPerMessage", "ClearVariableMonitoring"))

    # -- configuration of 1.6

    def prepare_get_configuration(self, station: StationRecord, payload: Payload) -> list[Payload]:
        """Ask for as many keys at once as the station answers, as far as it has told (1.6, 5.8)."""
        keys = payload.get("key") or []
        limit = self.keys_per_message(station)
        if limit is None or len(keys) <= limit:
            return [payload]
        return [payload | {"key": keys[at : at + limit]} for at in range(0, len(keys), limit)]

    def keys_per_message(self, station: StationRecord) -> int | None:
        """Return how many keys a GetConfiguration may name, None while the station has not told."""
        return as_limit(station.configuration.get("getconfigurationmaxkeys", {}).get("value"))

    def learn_get_configuration(self, station: StationRecord, _payload: Payload, answer: Payload) -> None:
        """Keep the keys read."""
        for entry in answer.get("configurationKey", []):
            station.configuration[entry["key"].casefold()] = entry

    def learn_change_configuration(self, station: StationRecord, payload: Payload, answer: Payload) -> None:
        """Keep the value set; AuthorizationKey is the password to come with, in hex digits."""
        if answer["status"] not in ("Accepted", "RebootRequired"):
            return
        key, value = payload["key"], payload["value"]
        if key.casefold() != "authorizationkey":
            station.configuration.setdefault(key.casefold(), {"key": key, "readonly": False})["value"] = value
        elif answer["status"] == "Accepted":
            self.password_changed(station, bytes_of_key(value))


def triggered_actions(requested: str) -> tuple[str, ...]:
    """Return the actions that a trigger makes come."""
    return _TRIGGERED.get(requested, (requested,))


def attribute_key(item: Payload) -> tuple[Any, ...]:
    """Return what identifies an attribute of a variable; without a type it is the actual value."""
    key = variable_key(item["component"], item.get("variable", {}))
    return (*key, item.get("attributeType", "Actual"))


def without_repetitions(items: list[Payload]) -> list[Payload]:
    """Drop every item that asks for just what an earlier one asked for, as long as nothing came between."""
    kept: list[Payload] = []
    for item in items:
        same = [other for other in kept if attribute_key(other) == attribute_key(item)]
        if not same or same[-1].get("attributeValue") != item.get("attributeValue"):
            kept.append(item)
    return kept


def bytes_of_key(value: str) -> bytes:
    """Return the bytes of an AuthorizationKey: hex digits by the rules, but some write plain text."""
    try:
        return bytes.fromhex(value)
    except ValueError:
        return value.encode()


def as_limit(value: str | None) -> int | None:
    """Return a limit that a station has told; None for what is no positive number."""
    return int(value) if value is not None and value.isdecimal() and int(value) > 0 else None
