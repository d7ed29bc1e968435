"""What a compliant CSMS of OCPP 2.0.1 answers, and builders for the payloads that cases send."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from conformance.oracles.device_model import Key, key_of

Payload = Mapping[str, Any]


def now() -> str:
    """The current time as RFC 3339 in UTC, in milliseconds."""
    return stamp(datetime.now(UTC))


def stamp(moment: datetime | str) -> str:
    """A moment as RFC 3339 in UTC, in milliseconds; text stays as it is."""
    if isinstance(moment, str):
        return moment
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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


def get_log(
    kind: str, number: int, url: str, *, retries: int | None = None, retry_interval: int | None = None
) -> dict[str, Any]:
    """A GetLog request, the same in 1.6; the interval is in seconds."""
    request: dict[str, Any] = {"logType": kind, "requestId": number, "log": {"remoteLocation": url}}
    more = {"retries": retries, "retryInterval": retry_interval}
    return request | {name: value for name, value in more.items() if value is not None}


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


def item_key(item: Mapping[str, Any]) -> Key:
    """The component and variable of an item or a result, as they are compared."""
    return key_of(item["component"], item["variable"])


def item_shown(item: Mapping[str, Any]) -> str:
    """An item or a result in words."""
    instance = item["variable"].get("instance")
    return f"{item['component']['name']}.{item['variable']['name']}{f'[{instance}]' if instance else ''}"


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


Period = tuple[int, float] | tuple[int, float, int]
"""Seconds since the start of the schedule, the limit from then on, and perhaps the phases that it is meant for."""


def charging_profile(  # noqa: PLR0913 -- a profile is described in one place, by keyword
    *,
    id: int,  # noqa: A002 -- as OCPP has it
    purpose: str,
    periods: Sequence[Period],
    kind: str = "Absolute",
    stack_level: int = 0,
    unit: str | None = None,
    start: datetime | str | None = None,
    duration: int | None = None,
    valid_from: datetime | str | None = None,
    valid_to: datetime | str | None = None,
    recurrency: str | None = None,
    transaction: str | None = None,
) -> dict[str, Any]:
    """A ChargingProfile with one schedule; amperes unless `unit` says W. What is None is left out."""
    schedule: dict[str, Any] = {
        "id": id,
        "chargingRateUnit": unit or "A",
        "chargingSchedulePeriod": [_period(*each) for each in periods],
    }
    if start is not None:
        schedule["startSchedule"] = stamp(start)
    if duration is not None:
        schedule["duration"] = duration
    profile: dict[str, Any] = {
        "id": id,
        "stackLevel": stack_level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": [schedule],
    }
    if recurrency is not None:
        profile["recurrencyKind"] = recurrency
    if valid_from is not None:
        profile["validFrom"] = stamp(valid_from)
    if valid_to is not None:
        profile["validTo"] = stamp(valid_to)
    if transaction is not None:
        profile["transactionId"] = transaction
    return profile


def _period(start: int, limit: float, phases: int | None = None) -> dict[str, Any]:
    period: dict[str, Any] = {"startPeriod": start, "limit": limit}
    return period if phases is None else {**period, "numberPhases": phases}


def clear_charging_profiles(
    *,
    id: int | None = None,  # noqa: A002 -- as OCPP has it
    evse: int | None = None,
    purpose: str | None = None,
    stack_level: int | None = None,
) -> dict[str, Any]:
    """A ClearChargingProfile request: by id, or by everything else that is given."""
    criteria = {"evseId": evse, "chargingProfilePurpose": purpose, "stackLevel": stack_level}
    given = {key: value for key, value in criteria.items() if value is not None}
    request: dict[str, Any] = {} if id is None else {"chargingProfileId": id}
    return {**request, "chargingProfileCriteria": given} if given else request


def composite_schedule(evse: int, seconds: int, unit: str | None = None) -> dict[str, Any]:
    """A GetCompositeSchedule request; EVSE 0 is the station, without a unit the station chooses it."""
    request: dict[str, Any] = {"evseId": evse, "duration": seconds}
    return request if unit is None else {**request, "chargingRateUnit": unit}


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
