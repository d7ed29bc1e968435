"""What a compliant CSMS of OCPP 1.6 answers, and builders for the payloads that cases send, for both roles."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Any

from conformance.peers.v201 import Period, boot, get_log, now, stamp

__all__ = [
    "CSMS_ANSWERS",
    "boot",
    "boot_notification",
    "change_configuration",
    "charging_profile",
    "clear_charging_profile",
    "get_composite_schedule",
    "get_configuration",
    "get_log",
    "id_tag_info",
    "meter_value",
    "now",
    "remote_start",
    "set_charging_profile",
    "signed_update_firmware",
    "started",
    "status_notification",
]

Payload = Mapping[str, Any]

_transaction_ids = count(1)
_PURPOSES = {"ChargingStationMaxProfile": "ChargePointMaxProfile"}
"""What a purpose of 2.0.1 is called here."""


# -- what a CSMS answers ----------------------------------------------------------------------------------------------


def id_tag_info(status: str = "Accepted", **more: str) -> Callable[[Payload], Payload]:
    """An answer to Authorize or StopTransaction; `more` are `expiryDate` and `parentIdTag`."""
    return lambda _: {"idTagInfo": {"status": status, **more}}


def started(status: str = "Accepted", *, transaction_id: int | None = None) -> Callable[[Payload], Payload]:
    """An answer to StartTransaction, with a transactionId that was never given before unless one is to be told."""
    return lambda _: {
        "transactionId": next(_transaction_ids) if transaction_id is None else transaction_id,
        "idTagInfo": {"status": status},
    }


def _stopped(request: Payload) -> Payload:
    """A tag that is shown to stop is answered with its status."""
    return {"idTagInfo": {"status": "Accepted"}} if "idTag" in request else {}


def _nothing(_: Payload) -> Payload:
    return {}


CSMS_ANSWERS: dict[str, Callable[[Payload], Payload]] = {
    "Authorize": id_tag_info(),
    "BootNotification": boot("Accepted"),
    "DataTransfer": lambda _: {"status": "UnknownVendorId"},
    "DiagnosticsStatusNotification": _nothing,
    "FirmwareStatusNotification": _nothing,
    "Heartbeat": lambda _: {"currentTime": now()},
    "LogStatusNotification": _nothing,
    "MeterValues": _nothing,
    "SecurityEventNotification": _nothing,
    "SignCertificate": lambda _: {"status": "Rejected"},
    "SignedFirmwareStatusNotification": _nothing,
    "StartTransaction": started(),
    "StatusNotification": _nothing,
    "StopTransaction": _stopped,
}


# -- what a CSMS sends ------------------------------------------------------------------------------------------------


def get_configuration(*keys: str) -> dict[str, Any]:
    """A GetConfiguration request: for these keys, for all without one."""
    return {"key": list(keys)} if keys else {}


def change_configuration(key: str, value: str) -> dict[str, Any]:
    """A ChangeConfiguration request."""
    return {"key": key, "value": value}


def remote_start(id_tag: str, *, connector: int | None = 1, profile: Payload | None = None) -> dict[str, Any]:
    """A RemoteStartTransaction request, with a charging profile if there is one."""
    request: dict[str, Any] = {"idTag": id_tag}
    if connector is not None:
        request["connectorId"] = connector
    return request if profile is None else {**request, "chargingProfile": dict(profile)}


def charging_profile(  # noqa: PLR0913 -- a profile is described in one place, by keyword
    *,
    id: int,  # noqa: A002 -- what 2.0.1 calls it
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
    """A ChargingProfile; amperes unless `unit` says W, the purposes as 2.0.1 or 1.6 calls them. None is left out."""
    schedule: dict[str, Any] = {
        "chargingRateUnit": unit or "A",
        "chargingSchedulePeriod": [
            dict(zip(("startPeriod", "limit", "numberPhases"), each, strict=False)) for each in periods
        ],
    }
    if start is not None:
        schedule["startSchedule"] = stamp(start)
    if duration is not None:
        schedule["duration"] = duration
    profile: dict[str, Any] = {
        "chargingProfileId": id,
        "stackLevel": stack_level,
        "chargingProfilePurpose": _PURPOSES.get(purpose, purpose),
        "chargingProfileKind": kind,
        "chargingSchedule": schedule,
    }
    if recurrency is not None:
        profile["recurrencyKind"] = recurrency
    if valid_from is not None:
        profile["validFrom"] = stamp(valid_from)
    if valid_to is not None:
        profile["validTo"] = stamp(valid_to)
    if transaction is not None:
        profile["transactionId"] = int(transaction)
    return profile


def set_charging_profile(connector: int, profile: Payload) -> dict[str, Any]:
    """A SetChargingProfile request."""
    return {"connectorId": connector, "csChargingProfiles": dict(profile)}


def clear_charging_profile(
    *,
    id: int | None = None,  # noqa: A002 -- what the field is called
    connector: int | None = None,
    purpose: str | None = None,
    stack_level: int | None = None,
) -> dict[str, Any]:
    """A ClearChargingProfile request: for all profiles without any criterion."""
    criteria = {
        "id": id,
        "connectorId": connector,
        "chargingProfilePurpose": None if purpose is None else _PURPOSES.get(purpose, purpose),
        "stackLevel": stack_level,
    }
    return {name: value for name, value in criteria.items() if value is not None}


def get_composite_schedule(connector: int, seconds: int, unit: str | None = None) -> dict[str, Any]:
    """A GetCompositeSchedule request."""
    request: dict[str, Any] = {"connectorId": connector, "duration": seconds}
    return request if unit is None else {**request, "chargingRateUnit": unit}


def signed_update_firmware(  # noqa: PLR0913 -- what the request holds, by keyword
    number: int,
    url: str,
    *,
    certificate: str,
    signature: str,
    retrieve: datetime | str | None = None,
    install: datetime | str | None = None,
    retries: int | None = None,
    retry_interval: int | None = None,
) -> dict[str, Any]:
    """A SignedUpdateFirmware request, to be fetched now unless `retrieve` says when; the interval is in seconds."""
    firmware = {
        "location": url,
        "retrieveDateTime": now() if retrieve is None else stamp(retrieve),
        "signingCertificate": certificate,
        "signature": signature,
    }
    if install is not None:
        firmware["installDateTime"] = stamp(install)
    more = {"retries": retries, "retryInterval": retry_interval}
    given = {name: value for name, value in more.items() if value is not None}
    return {"requestId": number, "firmware": firmware, **given}


# -- what a station sends ---------------------------------------------------------------------------------------------


def boot_notification(**fields: str) -> dict[str, Any]:
    """A BootNotification; `fields` replace or add to the vendor and the model."""
    return {"chargePointVendor": "Conformance", "chargePointModel": "Harness", **fields}


def status_notification(
    connector: int, status: str, *, error: str = "NoError", at: str | None = None
) -> dict[str, Any]:
    """A StatusNotification; connector 0 is the station."""
    return {"connectorId": connector, "errorCode": error, "status": status, "timestamp": at or now()}


def meter_value(register_wh: float, *, watts: float, context: str = "Sample.Periodic", at: str) -> dict[str, Any]:
    """One MeterValue with the energy register in watt-hours and the power in watts."""
    return {
        "timestamp": at,
        "sampledValue": [
            {
                "value": f"{register_wh:.1f}",
                "context": context,
                "measurand": "Energy.Active.Import.Register",
                "unit": "Wh",
            },
            {"value": f"{watts:.1f}", "context": context, "measurand": "Power.Active.Import", "unit": "W"},
        ],
    }
