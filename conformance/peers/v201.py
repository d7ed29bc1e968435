"""What a compliant CSMS of OCPP 2.0.1 answers, and builders for the payloads that cases send."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

Payload = Mapping[str, Any]


def now() -> str:
    """The current time as RFC 3339 in UTC, in milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def boot(status: str, *, interval: int = 300, time: str | None = None) -> Callable[[Payload], Payload]:
    """A BootNotification answer; `interval` in seconds, `time` the current time unless another is to be told."""
    return lambda _: {"currentTime": time or now(), "interval": interval, "status": status}


def _transaction_event(event: Payload) -> Payload:
    """A token shown in an event is answered with its status (E01.FR.12)."""
    return {"idTokenInfo": {"status": "Accepted"}} if "idToken" in event else {}


def _nothing(_: Payload) -> Payload:
    return {}


CSMS_ANSWERS: dict[str, Callable[[Payload], Payload]] = {
    "Authorize": lambda _: {"idTokenInfo": {"status": "Accepted"}},
    "BootNotification": boot("Accepted"),
    "ClearedChargingLimit": _nothing,
    "DataTransfer": lambda _: {"status": "UnknownVendorId"},
    "FirmwareStatusNotification": _nothing,
    "Get15118EVCertificate": lambda _: {"status": "Failed", "exiResponse": ""},
    "GetCertificateStatus": lambda _: {"status": "Failed"},
    "Heartbeat": lambda _: {"currentTime": now()},
    "LogStatusNotification": _nothing,
    "MeterValues": _nothing,
    "NotifyChargingLimit": _nothing,
    "NotifyCustomerInformation": _nothing,
    "NotifyDisplayMessages": _nothing,
    "NotifyEVChargingNeeds": lambda _: {"status": "Rejected"},
    "NotifyEVChargingSchedule": lambda _: {"status": "Accepted"},
    "NotifyEvent": _nothing,
    "NotifyMonitoringReport": _nothing,
    "NotifyReport": _nothing,
    "PublishFirmwareStatusNotification": _nothing,
    "ReportChargingProfiles": _nothing,
    "ReservationStatusUpdate": _nothing,
    "SecurityEventNotification": _nothing,
    "SignCertificate": lambda _: {"status": "Rejected"},
    "StatusNotification": _nothing,
    "TransactionEvent": _transaction_event,
}


def variable(
    component: str, name: str, *, attribute: str | None = None, evse: int | None = None, instance: str | None = None
) -> dict[str, Any]:
    """One item of a GetVariables request; add `attributeValue` to make it one of SetVariables."""
    item: dict[str, Any] = {"component": {"name": component}, "variable": {"name": name}}
    if evse is not None:
        item["component"]["evse"] = {"id": evse}
    if instance is not None:
        item["variable"]["instance"] = instance
    if attribute is not None:
        item["attributeType"] = attribute
    return item


def get_variables(*items: dict[str, Any]) -> dict[str, Any]:
    """A GetVariables request."""
    return {"getVariableData": list(items)}


def set_variables(*items: dict[str, Any]) -> dict[str, Any]:
    """A SetVariables request; each item is a `variable(…)` with an `attributeValue`."""
    return {"setVariableData": list(items)}


def remote_start(id_token: Mapping[str, str], *, evse: int | None = 1, remote_start_id: int = 1) -> dict[str, Any]:
    """A RequestStartTransaction request."""
    request: dict[str, Any] = {"idToken": dict(id_token), "remoteStartId": remote_start_id}
    if evse is not None:
        request["evseId"] = evse
    return request


# -- what a station sends ---------------------------------------------------------------------------------------------


def boot_notification(reason: str = "PowerUp", **fields: str) -> dict[str, Any]:
    """A BootNotification; `fields` replace or add to what it says of the station."""
    return {
        "reason": reason,
        "chargingStation": {"vendorName": "Conformance", "model": "Harness", **fields},
    }


def status_notification(evse: int, connector: int, status: str, *, at: str | None = None) -> dict[str, Any]:
    """A StatusNotification of one connector."""
    return {"timestamp": at or now(), "connectorStatus": status, "evseId": evse, "connectorId": connector}


def meter_value(register_wh: float, *, watts: float, context: str = "Sample.Periodic", at: str) -> dict[str, Any]:
    """One MeterValue with the energy register in watt-hours and the power in watts."""
    return {
        "timestamp": at,
        "sampledValue": [
            {
                "value": register_wh,
                "context": context,
                "measurand": "Energy.Active.Import.Register",
                "unitOfMeasure": {"unit": "Wh"},
            },
            {
                "value": watts,
                "context": context,
                "measurand": "Power.Active.Import",
                "unitOfMeasure": {"unit": "W"},
            },
        ],
    }
