"""What the harness's station of OCPP 2.0.1 answers about its upkeep: lists, certificates, logs, monitors, messages."""

from collections.abc import Mapping
from typing import Any

from conformance.peers.device_model import DeviceModel
from conformance.peers.dialect import Handler, Host, Reply
from conformance.peers.replies import Payload
from conformance.wire.certificates import hash_data

_KINDS = {
    "ThresholdMonitoring": ("UpperThreshold", "LowerThreshold"),
    "DeltaMonitoring": ("Delta",),
    "PeriodicMonitoring": ("Periodic", "PeriodicClockAligned"),
}
_HIGHEST_SEVERITY = 9


class LocalList:
    """The local authorization list (D01, D02), by token; in 1.6 by idTag."""

    def __init__(self) -> None:
        self.version = 0
        self.entries: dict[str, Mapping[str, Any]] = {}

    def send(self, version: int, kind: str, entries: Mapping[str, Mapping[str, Any] | None]) -> str:
        """Take a list or changes to one; entries without information are removed. Gives the status."""
        if kind == "Differential" and version <= self.version:
            return "VersionMismatch"
        kept = {} if kind == "Full" else dict(self.entries)
        for token, info in entries.items():
            if info is None:
                kept.pop(token, None)
            else:
                kept[token] = info
        self.version, self.entries = version, kept
        return "Accepted"


class Certificates:
    """The root certificates that were installed, by nothing but their hashes."""

    def __init__(self) -> None:
        self.installed: list[tuple[str, dict[str, str]]] = []

    def install(self, kind: str, pem: str) -> str:
        """Keep a certificate. Gives the status."""
        try:
            data = hash_data(pem)
        except ValueError:
            return "Rejected"
        if (kind, data) not in self.installed:
            self.installed.append((kind, data))
        return "Accepted"

    def delete(self, data: Mapping[str, Any]) -> str:
        """Forget a certificate. Gives the status."""
        kept = [each for each in self.installed if not _same_certificate(each[1], data)]
        gone, self.installed = len(kept) < len(self.installed), kept
        return "Accepted" if gone else "NotFound"


def _same_certificate(one: Mapping[str, str], other: Mapping[str, Any]) -> bool:
    return all(str(one[key]).casefold() == str(other.get(key)).casefold() for key in one)


class Upkeep201:
    """State and answers. A file transfer is told to have failed: this station has no files and takes none."""

    def __init__(self, host: Host, model: DeviceModel) -> None:
        self._host = host
        self._model = model
        self.local_list = LocalList()
        self.certificates = Certificates()
        self._messages: dict[int, Mapping[str, Any]] = {}
        self._monitors: dict[int, Mapping[str, Any]] = {}
        self.handlers: dict[str, Handler] = {
            "CertificateSigned": lambda _: _status("Rejected"),  # it has never asked for one
            "ClearCache": lambda _: _status("Accepted"),
            "ClearDisplayMessage": self._clear_display_message,
            "ClearVariableMonitoring": self._clear_variable_monitoring,
            "CostUpdated": lambda _: Reply({}),
            "CustomerInformation": self._customer_information,
            "DataTransfer": lambda _: _status("UnknownVendorId"),
            "DeleteCertificate": lambda asked: _status(self.certificates.delete(asked["certificateHashData"])),
            "GetDisplayMessages": self._get_display_messages,
            "GetInstalledCertificateIds": self._get_installed_certificate_ids,
            "GetLocalListVersion": lambda _: Reply({"versionNumber": self.local_list.version}),
            "GetLog": self._get_log,
            "GetMonitoringReport": self._get_monitoring_report,
            "InstallCertificate": self._install_certificate,
            "PublishFirmware": lambda _: _status("Rejected"),
            "SendLocalList": self._send_local_list,
            "SetDisplayMessage": self._set_display_message,
            "SetMonitoringBase": self._set_monitoring_base,
            "SetMonitoringLevel": lambda asked: _status(
                "Accepted" if 0 <= asked["severity"] <= _HIGHEST_SEVERITY else "Rejected"
            ),
            "SetVariableMonitoring": lambda asked: Reply(
                {"setMonitoringResult": [self._set_monitor(each) for each in asked["setMonitoringData"]]}
            ),
            "UnpublishFirmware": lambda _: _status("NoFirmware"),
            "UpdateFirmware": self._update_firmware,
        }

    # -- tokens and certificates --------------------------------------------------------------------------------------

    def _send_local_list(self, asked: Payload) -> Reply:
        given = asked.get("localAuthorizationList", [])
        entries = {each["idToken"]["idToken"]: each.get("idTokenInfo") for each in given}
        if len(entries) < len(given) or (asked["updateType"] == "Full" and None in entries.values()):
            return _status("Failed")
        status = self.local_list.send(asked["versionNumber"], asked["updateType"], entries)
        self._model.find("LocalAuthListCtrlr", "Entries").value = str(len(self.local_list.entries))
        return _status(status)

    def _install_certificate(self, asked: Payload) -> Reply:
        status = self.certificates.install(asked["certificateType"], asked["certificate"])
        self._model.find("SecurityCtrlr", "CertificateEntries").value = str(len(self.certificates.installed))
        return _status(status)

    def _get_installed_certificate_ids(self, asked: Payload) -> Reply:
        kinds = asked.get("certificateType")
        found = [
            {"certificateType": kind, "certificateHashData": data}
            for kind, data in self.certificates.installed
            if kinds is None or kind in kinds
        ]
        return Reply({"status": "Accepted", "certificateHashDataChain": found}) if found else _status("NotFound")

    def _customer_information(self, asked: Payload) -> Reply:
        named = [key for key in ("customerCertificate", "idToken", "customerIdentifier") if key in asked]
        if len(named) != 1:
            return _status("Invalid")

        async def tell() -> None:
            text = "" if asked["report"] else "removed"
            told = {"data": text, "seqNo": 0, "generatedAt": self._now(), "requestId": asked["requestId"]}
            await self._host.say("NotifyCustomerInformation", told)

        return Reply({"status": "Accepted"}, tell if asked["report"] or asked["clear"] else None)

    # -- files --------------------------------------------------------------------------------------------------------

    def _get_log(self, asked: Payload) -> Reply:
        async def tell() -> None:
            for status in ("Uploading", "UploadFailure"):
                told = {"status": status, "requestId": asked["requestId"]}
                await self._host.say("LogStatusNotification", told)

        return Reply({"status": "Accepted", "filename": f"{asked['logType']}.log"}, tell)

    def _update_firmware(self, asked: Payload) -> Reply:
        async def tell() -> None:
            for status in ("Downloading", "DownloadFailed"):
                told = {"status": status, "requestId": asked["requestId"]}
                await self._host.say("FirmwareStatusNotification", told)

        return Reply({"status": "Accepted"}, tell)

    # -- display ------------------------------------------------------------------------------------------------------

    def _set_display_message(self, asked: Payload) -> Reply:
        message = asked["message"]
        transaction = message.get("transactionId")
        if transaction is not None and self._host.equipment.transaction(transaction) is None:
            return _status("UnknownTransaction")
        self._messages[message["id"]] = message
        return _status("Accepted")

    def _clear_display_message(self, asked: Payload) -> Reply:
        return _status("Unknown" if self._messages.pop(asked["id"], None) is None else "Accepted")

    def _get_display_messages(self, asked: Payload) -> Reply:
        found = [
            each
            for each in self._messages.values()
            if each["id"] in asked.get("id", [each["id"]])
            and all(each.get(key) == asked[key] for key in ("priority", "state") if key in asked)
        ]

        async def tell() -> None:
            await self._host.say("NotifyDisplayMessages", {"requestId": asked["requestId"], "messageInfo": found})

        return Reply({"status": "Accepted"}, tell) if found else _status("Unknown")

    # -- monitors -----------------------------------------------------------------------------------------------------

    def _set_monitor(self, asked: Payload) -> dict[str, Any]:
        result = {key: asked[key] for key in ("type", "severity", "component", "variable")}
        status = self._model.known(asked)
        if status == "Accepted":
            status, number = self._place_monitor(asked)
            result["id"] = number
        return result | {"status": status}

    def _place_monitor(self, asked: Payload) -> tuple[str, int]:
        given = asked.get("id")
        if given is not None and given not in self._monitors:
            return "Rejected", given
        same = [
            number
            for number, each in self._monitors.items()
            if all(each[key] == asked[key] for key in ("type", "severity", "component", "variable"))
        ]
        if same and given not in same:
            return "Duplicate", same[0]
        number = max(self._monitors, default=0) + 1 if given is None else given
        self._monitors[number] = {"transaction": False, **asked, "id": number}
        return "Accepted", number

    def _clear_variable_monitoring(self, asked: Payload) -> Reply:
        def clear(number: int) -> str:
            return "NotFound" if self._monitors.pop(number, None) is None else "Accepted"

        return Reply({"clearMonitoringResult": [{"id": each, "status": clear(each)} for each in asked["id"]]})

    def _set_monitoring_base(self, asked: Payload) -> Reply:
        if asked["monitoringBase"] != "All":
            self._monitors.clear()
        return _status("Accepted")

    def _get_monitoring_report(self, asked: Payload) -> Reply:
        criteria = asked.get("monitoringCriteria", list(_KINDS))
        kinds = {kind for each in criteria for kind in _KINDS.get(each, ())}
        places = asked.get("componentVariable")
        found = [
            {
                "component": each["component"],
                "variable": each["variable"],
                "variableMonitoring": [
                    {key: each[key] for key in ("id", "transaction", "value", "type", "severity")},
                ],
            }
            for each in self._monitors.values()
            if each["type"] in kinds and (places is None or _about(each, places))
        ]

        async def tell() -> None:
            head = {"requestId": asked["requestId"], "seqNo": 0, "generatedAt": self._now()}
            await self._host.say("NotifyMonitoringReport", {**head, "monitor": found})

        return Reply({"status": "Accepted"}, tell) if found else _status("EmptyResultSet")

    def _now(self) -> str:
        return self._host.equipment.clock.stamp()


def _about(monitor: Mapping[str, Any], places: list[Mapping[str, Any]]) -> bool:
    return any(
        each["component"] == monitor["component"] and each.get("variable", monitor["variable"]) == monitor["variable"]
        for each in places
    )


def _status(status: str) -> Reply:
    return Reply({"status": status})
