"""What a compliant CSMS of OCPP 1.6 answers, and builders for the payloads that cases send, for both roles."""

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from conformance.peers.v201 import boot, now

__all__ = [
    "CSMS_ANSWERS",
    "boot",
    "boot_notification",
    "change_configuration",
    "get_configuration",
    "id_tag_info",
    "meter_value",
    "now",
    "remote_start",
    "started",
    "status_notification",
]

Payload = Mapping[str, Any]

_transaction_ids = count(1)


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


def remote_start(id_tag: str, *, connector: int | None = 1) -> dict[str, Any]:
    """A RemoteStartTransaction request."""
    return {"idTag": id_tag} if connector is None else {"idTag": id_tag, "connectorId": connector}


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
