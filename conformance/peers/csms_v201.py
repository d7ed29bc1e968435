"""The harness's CSMS in OCPP 2.0.1: how it asks, and how it reads."""

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from conformance.peers.csms_alike import AskedAlike
from conformance.peers.csms_dialect import (
    SETTINGS,
    CertificateUse,
    Charging,
    Connector,
    ConnectorStatus,
    Place,
    ResetKind,
    SecurityEvent,
    Setting,
    Telling,
)
from conformance.peers.peer import Peer
from conformance.peers.received import Received
from conformance.peers.v201 import (
    charging_profile,
    clear_charging_profiles,
    composite_schedule,
    get_variables,
    remote_start,
    set_variables,
    variable,
)
from conformance.wire.frames import Call, CallResult

_EVENT = "TransactionEvent"
_KINDS: Mapping[Telling, str] = {"start": "Started", "course": "Updated", "end": "Ended"}
_RESET: Mapping[ResetKind, str] = {"idle": "OnIdle", "now": "Immediate"}
_BY_THE_CLOCK = ("MeterValuePeriodic", "MeterValueClock", "Trigger", "EnergyLimitReached", "ChargingRateChanged")
"""Reasons for an event that have nothing to do with what a driver does."""


_report_ids = itertools.count(71_000)


class Csms201(AskedAlike):
    """See `CsmsDialect`."""

    transaction_messages = (_EVENT,)
    own_places: tuple[Connector, ...] = ()
    in_use = frozenset({"Occupied"})
    spare_setting: Setting = ("OCPPCommCtrlr", "OfflineThreshold")
    connectors_apart = False
    rare_use: CertificateUse = "MORootCertificate"

    def __init__(self, csms: Peer) -> None:
        self._csms = csms

    def name(self, connector: Connector) -> str:
        """EVSE and connector."""
        return f"EVSE {connector[0]} connector {connector[1]}"

    # -- asking -----------------------------------------------------------------------------------------------------

    async def question(self) -> None:
        """Read the spare setting."""
        component, name, _ = _variable(self.spare_setting)
        await self._csms.attempt("GetVariables", get_variables(variable(component, name)))

    async def reset(self, kind: ResetKind, *, evse: int | None = None) -> Received:
        """Reset, of the station or an EVSE."""
        request = {"type": _RESET[kind]} | ({} if evse is None else {"evseId": evse})
        return await self._csms.call("Reset", request)

    async def read(self, setting: Setting) -> str:
        """GetVariables of one."""
        component, name, instance = _variable(setting)
        return await read_variable(self._csms, component, name, instance=instance)

    async def write(self, setting: Setting, value: str) -> str:
        """SetVariables of one."""
        component, name, instance = _variable(setting)
        item = variable(component, name, instance=instance) | {"attributeValue": value}
        answer = await self._csms.call("SetVariables", set_variables(item))
        status: str = answer["setVariableResult"][0]["attributeStatus"]
        return status

    async def change_availability(self, place: Place, *, operative: bool) -> str:
        """ChangeAvailability of the station, an EVSE or a connector."""
        request: dict[str, Any] = {"operationalStatus": "Operative" if operative else "Inoperative"}
        if isinstance(place, int):
            request["evse"] = {"id": place}
        elif place is not None:
            request["evse"] = {"id": place[0], "connectorId": place[1]}
        status: str = (await self._csms.call("ChangeAvailability", request))["status"]
        return status

    async def trigger(self, message: str, connector: Connector | None = None) -> Received:
        """TriggerMessage."""
        request: dict[str, Any] = {"requestedMessage": message}
        if connector is not None:
            request["evse"] = {"id": connector[0], "connectorId": connector[1]}
        return await self._csms.call("TriggerMessage", request)

    async def remote_start(
        self,
        id_token: Mapping[str, str],
        connector: Connector,
        number: int,
        *,
        within: float | None = None,
        charging_profile: Mapping[str, Any] | None = None,
    ) -> Received:
        """RequestStartTransaction, of the EVSE."""
        request = remote_start(id_token, evse=connector[0], remote_start_id=number)
        if charging_profile is not None:
            request["chargingProfile"] = dict(charging_profile)
        return await self._csms.call("RequestStartTransaction", request, within=within)

    async def remote_stop(self, transaction_id: str) -> Received:
        """RequestStopTransaction."""
        return await self._csms.call("RequestStopTransaction", {"transactionId": transaction_id})

    # -- smart charging ---------------------------------------------------------------------------------------------

    def charging_profile(self, **fields: Any) -> dict[str, Any]:
        """See `conformance.peers.v201.charging_profile`."""
        return charging_profile(**fields)

    async def set_charging_profile(
        self, evse: int | Connector, profile: Mapping[str, Any], *, within: float | None = None
    ) -> Received:
        """SetChargingProfile."""
        request = {"evseId": _evse(evse), "chargingProfile": dict(profile)}
        return await self._csms.call("SetChargingProfile", request, within=within)

    async def clear_charging_profiles(self, *, evse: int | Connector | None = None, **criteria: Any) -> Received:
        """ClearChargingProfile."""
        request = clear_charging_profiles(evse=None if evse is None else _evse(evse), **criteria)
        return await self._csms.call("ClearChargingProfile", request)

    async def composite_schedule(
        self, evse: int | Connector, seconds: int, unit: str | None = None, *, within: float | None = None
    ) -> Received:
        """GetCompositeSchedule."""
        request = composite_schedule(_evse(evse), seconds, unit)
        return await self._csms.call("GetCompositeSchedule", request, within=within)

    # -- security ---------------------------------------------------------------------------------------------------

    def security_event(self, event: SecurityEvent) -> str:
        """Its own name."""
        return event

    def certificate_use(self, use: CertificateUse) -> str:
        """Its own name."""
        return use

    async def install_certificate(self, use: CertificateUse, pem: str, *, within: float | None = None) -> Received:
        """InstallCertificate."""
        request = {"certificateType": use, "certificate": pem}
        return await self._csms.call("InstallCertificate", request, within=within)

    async def room_for_roots(self) -> int | None:
        """The maxLimit of CertificateEntries, less its value."""
        number = next(_report_ids)
        mark = self._csms.now
        where = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "CertificateEntries"}}
        answer = await self._csms.call("GetReport", {"requestId": number, "componentVariable": [where]})
        if answer["status"] != "Accepted":
            return None
        report = await self._csms.expect("NotifyReport", after=mark, requestId=number)
        for item in report.get("reportData", []):
            most = item.get("variableCharacteristics", {}).get("maxLimit")
            if most is not None:
                return int(most) - int(await self.read(("SecurityCtrlr", "CertificateEntries")))
        return None

    async def list_certificates(self, use: CertificateUse, *, within: float | None = None) -> Received:
        """GetInstalledCertificateIds of one type."""
        return await self._csms.call("GetInstalledCertificateIds", {"certificateType": [use]}, within=within)

    def hashes_listed(self, answer: Received) -> list[Mapping[str, Any]]:
        """Those in certificateHashDataChain."""
        return [each["certificateHashData"] for each in answer.get("certificateHashDataChain", [])]

    async def request_signing(self) -> Received:
        """TriggerMessage of SignChargingStationCertificate."""
        return await self.trigger("SignChargingStationCertificate")

    async def certificate_signed(self, chain: str, *, within: float | None = None) -> Received:
        """CertificateSigned, of the certificate of the charging station."""
        request = {"certificateChain": chain, "certificateType": "ChargingStationCertificate"}
        return await self._csms.call("CertificateSigned", request, within=within)

    # -- boot and status --------------------------------------------------------------------------------------------

    def identity(self, boot: Received) -> tuple[str, str]:
        """What chargingStation says."""
        station = boot["chargingStation"]
        return station["vendorName"], station["model"]

    def statuses(self, messages: Iterable[Received]) -> list[ConnectorStatus]:
        """StatusNotification, or NotifyEvent about the AvailabilityState of a Connector (G01.FR.07 ff.)."""
        found: list[ConnectorStatus | None] = []
        for message in messages:
            match message.action:
                case "StatusNotification":
                    found.append(_from_status_notification(message))
                case "NotifyEvent":
                    found += _from_notify_event(message)
        return [each for each in found if each is not None]

    # -- transactions -----------------------------------------------------------------------------------------------

    def running(self) -> list[str]:
        """Started, and without an Ended that is answered and that no later event goes beyond."""
        csms = self._csms
        begun: dict[str, None] = {}
        last: dict[str, tuple[int, bool]] = {}
        for entry in csms.transcript.entries:
            if entry.sender != "sut" or entry.station != csms.identity or not isinstance(entry.frame, Call):
                continue
            match entry.frame.payload:
                case {"eventType": kind, "seqNo": int(number), "transactionInfo": {"transactionId": str(identifier)}}:
                    if kind == "Started":
                        begun[identifier] = None
                    exchange = csms.transcript.exchange(entry)
                    answer = exchange.answer if exchange is not None else None
                    over = kind == "Ended" and answer is not None and isinstance(answer.frame, CallResult)
                    last[identifier] = max(last.get(identifier, (-1, False)), (number, over))
        return [each for each in begun if not last[each][1]]

    def telling(self, what: Telling) -> tuple[str, Callable[[Mapping[str, Any]], bool]]:
        """By the eventType."""
        kind = _KINDS[what]
        return _EVENT, lambda event: event.get("eventType") == kind

    def of_transaction(self, message: Received, transaction_id: str) -> bool:
        """By the transactionId in transactionInfo."""
        info = message.get("transactionInfo")
        return isinstance(info, dict) and info.get("transactionId") == transaction_id

    async def began(self, connector: Connector, *, after: int, number: int, plugged: bool) -> Charging:
        """An event that shows that the driver is authorized: not every station repeats the token in it."""
        event = await self._csms.expect(
            _EVENT,
            after=after,
            where=lambda message: (
                self._on(message, connector[0], after) and _authorized(message, number, plugged=plugged)
            ),
        )
        return Charging(connector, event["transactionInfo"]["transactionId"], event)

    def _on(self, event: Received, evse: int, first: int) -> bool:
        """Whether an event belongs to a transaction of this EVSE; not every event has to name it (E01.FR.16)."""
        identifier = event["transactionInfo"]["transactionId"]
        for each in self._csms.seen(_EVENT, after=first):
            if self.of_transaction(each, identifier) and isinstance(each.get("evse"), dict):
                return bool(each["evse"].get("id") == evse)
        return True

    def metered(self, message: Received, connector: Connector) -> bool:
        """By the EVSE."""
        return message.get("evseId") == connector[0]

    async def energy(self, session: Charging, *, after: int) -> Received:
        """An event with the chargingState Charging."""
        if session.event["transactionInfo"].get("chargingState") == "Charging":
            return session.event
        return await self._csms.expect(
            _EVENT,
            after=after,
            where=lambda message: (
                self.of_transaction(message, session.transaction_id)
                and message["transactionInfo"].get("chargingState") == "Charging"
            ),
            within=max(self._csms.patience.for_action(_EVENT), self._csms.patience.for_action("StatusNotification")),
        )

    def told_of_stop(self, session: Charging, *, after: int) -> bool:
        """Any event of the transaction but those that come by themselves."""
        return any(
            self.of_transaction(event, session.transaction_id) and event.get("triggerReason") not in _BY_THE_CLOCK
            for event in self._csms.seen(_EVENT, after=after)
        )

    def told_of_unplug(self, transaction_id: str, *, after: int) -> bool:
        """An event for that reason."""
        return any(
            event.get("triggerReason") in ("EVCommunicationLost", "EVDeparted")
            and self.of_transaction(event, transaction_id)
            for event in self._csms.seen(_EVENT, after=after)
        )

    async def ended(self, transaction_id: str, *, after: Received | int, within: float | None = None) -> Received:
        """The Ended event."""
        return await self._csms.expect(
            _EVENT,
            eventType="Ended",
            where=lambda message: self.of_transaction(message, transaction_id),
            after=after,
            within=within,
        )


async def read_variable(
    csms: Peer, component: str, name: str, *, evse: int | None = None, instance: str | None = None
) -> str:
    """The actual value of a variable; raises AssertionError where the station does not give it."""
    answer = await csms.call("GetVariables", get_variables(variable(component, name, evse=evse, instance=instance)))
    result = answer["getVariableResult"][0]
    assert result["attributeStatus"] == "Accepted", f"{component}.{name} can't be read: {result['attributeStatus']}"
    value: str = result["attributeValue"]
    return value


def _variable(setting: Setting) -> tuple[str, str, str | None]:
    """Component, variable and its instance."""
    if not isinstance(setting, tuple):
        assert setting in SETTINGS, f"OCPP 2.0.1 has no variable like the key {setting}"
        setting = SETTINGS[setting]
    component, name, *instance = setting
    return component, name, next(iter(instance), None)


def _from_status_notification(message: Received) -> ConnectorStatus | None:
    match message:
        case {"evseId": int(evse), "connectorId": int(connector), "connectorStatus": str(status)}:
            return ConnectorStatus((evse, connector), status, message)
    return None


def _from_notify_event(message: Received) -> list[ConnectorStatus | None]:
    events = message.get("eventData")
    return [_from_event(message, event) for event in events] if isinstance(events, list) else []


def _from_event(message: Received, event: object) -> ConnectorStatus | None:
    match event:
        case {
            "actualValue": str(status),
            "component": {"name": "Connector", "evse": {"id": int(evse), "connectorId": int(connector)}},
            "variable": {"name": "AvailabilityState"},
        }:
            return ConnectorStatus((evse, connector), status, message)
    return None


def _authorized(event: Received, remote_start_id: int, *, plugged: bool) -> bool:
    info = event["transactionInfo"]
    return (
        event["eventType"] != "Ended"
        and (
            "idToken" in event
            or event.get("triggerReason") in ("Authorized", "RemoteStart")
            or info.get("remoteStartId") == remote_start_id
            or info.get("chargingState") in ("Charging", "SuspendedEV", "SuspendedEVSE")
        )
    ) or (not plugged and event["eventType"] == "Started")


def _evse(evse: int | Connector) -> int:
    return evse if isinstance(evse, int) else evse[0]
