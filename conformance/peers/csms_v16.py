"""The harness's CSMS in OCPP 1.6: how it asks, and how it reads."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from conformance.peers.csms_alike import AskedAlike
from conformance.peers.csms_dialect import (
    SETTINGS,
    STATION,
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
from conformance.peers.received import NotSeen, Received
from conformance.peers.v16 import (
    change_configuration,
    charging_profile,
    clear_charging_profile,
    get_composite_schedule,
    get_configuration,
    remote_start,
    set_charging_profile,
)
from conformance.wire.frames import Call, CallResult
from conformance.wire.transcript import Entry

_TELLING: Mapping[Telling, str] = {"start": "StartTransaction", "course": "MeterValues", "end": "StopTransaction"}
_RESET: Mapping[ResetKind, str] = {"idle": "Soft", "now": "Hard"}
_REMOVED = "charging profiles that the charge point had before the run were removed: in OCPP 1.6 nobody can ask which"
_IN_TRANSACTION = frozenset({"Charging", "SuspendedEV", "SuspendedEVSE"})
_USES: Mapping[CertificateUse, str] = {"CSMSRootCertificate": "CentralSystemRootCertificate"}
_EVENTS: Mapping[SecurityEvent, str] = {
    "InvalidCsmsCertificate": "InvalidCentralSystemCertificate",
    "InvalidChargingStationCertificate": "InvalidChargePointCertificate",
    "FailedToAuthenticateAtCsms": "FailedToAuthenticationAtCentralSystem",
    "CsmsFailedToAuthenticate": "CentralSystemFailedToAuthentication",
}
"""What is called otherwise here than in 2.0.1."""
_KEYS = {variable: key for key, variable in SETTINGS.items()}


class Csms16(AskedAlike):
    """See `CsmsDialect`. Connectors are numbered through, in the order in which they are given."""

    transaction_messages = ("StartTransaction", "StopTransaction", "MeterValues")
    own_places: tuple[Connector, ...] = (STATION,)
    in_use = frozenset({"Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing"})
    spare_setting: Setting = "MeterValueSampleInterval"
    connectors_apart = True
    rare_use: CertificateUse = "ManufacturerRootCertificate"

    def __init__(self, csms: Peer, connectors: Sequence[Connector]) -> None:
        self._csms = csms
        self._connectors = tuple(connectors)

    # -- numbers ----------------------------------------------------------------------------------------------------

    def number(self, connector: Connector) -> int:
        """The connectorId of a connector; 0 for the station."""
        if connector == STATION:
            return 0
        return self._connectors.index(connector) + 1 if connector in self._connectors else connector[0]

    def connector(self, number: int) -> Connector:
        """The connector with a connectorId; one that nobody claimed counts as connector 0 of an EVSE of its number."""
        if number == 0:
            return STATION
        return self._connectors[number - 1] if 0 < number <= len(self._connectors) else (number, 0)

    def name(self, connector: Connector) -> str:
        """The number that 1.6 gives it."""
        number = self.number(connector)
        return f"connector {number}" if number else "the station (connector 0)"

    def _numbers(self, place: Place) -> list[int]:
        if place is None:
            return [0]
        if isinstance(place, int):
            return [self.number(each) for each in self._connectors if each[0] == place]
        return [self.number(place)]

    # -- asking -----------------------------------------------------------------------------------------------------

    async def question(self) -> None:
        """Read the spare setting."""
        await self._csms.attempt("GetConfiguration", get_configuration(_key(self.spare_setting)))

    async def reset(self, kind: ResetKind, *, evse: int | None = None) -> Received:
        """Reset; 1.6 has none of a part of the station."""
        assert evse is None, "OCPP 1.6 resets the whole station only"
        return await self._csms.call("Reset", {"type": _RESET[kind]})

    async def read(self, setting: Setting) -> str:
        """GetConfiguration of one key."""
        key = _key(setting)
        answer = await self._csms.call("GetConfiguration", get_configuration(key))
        for found in answer.get("configurationKey", []):
            if found["key"].casefold() == key.casefold():
                value: str = found["value"]
                return value
        raise AssertionError(f"{key} can't be read: the station does not know it")

    async def write(self, setting: Setting, value: str) -> str:
        """ChangeConfiguration."""
        answer = await self._csms.call("ChangeConfiguration", change_configuration(_key(setting), value))
        status: str = answer["status"]
        return status

    async def change_availability(self, place: Place, *, operative: bool) -> str:
        """ChangeAvailability: connector 0 for the station, one after the other for an EVSE."""
        for number in self._numbers(place):
            request = {"connectorId": number, "type": "Operative" if operative else "Inoperative"}
            status: str = (await self._csms.call("ChangeAvailability", request))["status"]
            if status != "Accepted":
                return status
        return "Accepted"

    async def trigger(self, message: str, connector: Connector | None = None) -> Received:
        """TriggerMessage."""
        request: dict[str, Any] = {"requestedMessage": message}
        if connector is not None:
            request["connectorId"] = self.number(connector)
        return await self._csms.call("TriggerMessage", request)

    async def remote_start(
        self,
        id_token: Mapping[str, str],
        connector: Connector,
        number: int,  # noqa: ARG002 -- 1.6 has no field for it
        *,
        within: float | None = None,
        charging_profile: Mapping[str, Any] | None = None,
    ) -> Received:
        """RemoteStartTransaction of the connector."""
        request = remote_start(id_token["idToken"], connector=self.number(connector), profile=charging_profile)
        return await self._csms.call("RemoteStartTransaction", request, within=within)

    async def remote_stop(self, transaction_id: str) -> Received:
        """RemoteStopTransaction."""
        return await self._csms.call("RemoteStopTransaction", {"transactionId": int(transaction_id)})

    # -- smart charging ---------------------------------------------------------------------------------------------

    def charging_profile(self, **fields: Any) -> dict[str, Any]:
        """See `conformance.peers.v16.charging_profile`."""
        return charging_profile(**fields)

    async def set_charging_profile(
        self, evse: int | Connector, profile: Mapping[str, Any], *, within: float | None = None
    ) -> Received:
        """SetChargingProfile; of an EVSE that is given by its id, the first connector is meant."""
        request = set_charging_profile(self._one(evse), profile)
        return await self._csms.call("SetChargingProfile", request, within=within)

    async def clear_charging_profiles(self, *, evse: int | Connector | None = None, **criteria: Any) -> Received:
        """ClearChargingProfile."""
        connector = None if evse is None else self._one(evse)
        mark = self._csms.now
        answer = await self._csms.call("ClearChargingProfile", clear_charging_profile(connector=connector, **criteria))
        if (
            answer.get("status") == "Accepted"
            and not self._has_set_profiles(mark)
            and _REMOVED not in self._csms.remarks
        ):
            self._csms.remarks.append(_REMOVED)
        return answer

    def _has_set_profiles(self, before: int) -> bool:
        """Whether a charging profile was sent to this station before an entry of the transcript."""
        return any(
            entry.sender == "harness"
            and entry.station == self._csms.identity
            and isinstance(entry.frame, Call)
            and ("csChargingProfiles" in entry.frame.payload or "chargingProfile" in entry.frame.payload)
            for entry in self._csms.transcript.entries[:before]
        )

    async def composite_schedule(
        self, evse: int | Connector, seconds: int, unit: str | None = None, *, within: float | None = None
    ) -> Received:
        """GetCompositeSchedule."""
        request = get_composite_schedule(self._one(evse), seconds, unit)
        return await self._csms.call("GetCompositeSchedule", request, within=within)

    def _one(self, evse: int | Connector) -> int:
        """The connectorId that is meant; an EVSE that nobody claimed is taken for a connector."""
        if evse in (0, STATION):
            return 0
        return (self._numbers(evse) or [evse if isinstance(evse, int) else evse[0]])[0]

    # -- security ---------------------------------------------------------------------------------------------------

    def security_event(self, event: SecurityEvent) -> str:
        """By the table of the white paper."""
        return _EVENTS.get(event, event)

    def certificate_use(self, use: CertificateUse) -> str:
        """Root certificates of the central system and of manufacturers."""
        return _USES.get(use, use)

    async def install_certificate(self, use: CertificateUse, pem: str, *, within: float | None = None) -> Received:
        """InstallCertificate."""
        request = {"certificateType": self.certificate_use(use), "certificate": pem}
        return await self._csms.call("InstallCertificate", request, within=within)

    async def room_for_roots(self) -> int | None:
        """CertificateStoreMaxLength, less those that are listed."""
        try:
            room = int(await self.read("CertificateStoreMaxLength"))
        except (AssertionError, ValueError):
            return None
        uses: tuple[CertificateUse, ...] = ("CSMSRootCertificate", "ManufacturerRootCertificate")
        return room - sum([len(self.hashes_listed(await self.list_certificates(use))) for use in uses])

    async def list_certificates(self, use: CertificateUse, *, within: float | None = None) -> Received:
        """GetInstalledCertificateIds."""
        request = {"certificateType": self.certificate_use(use)}
        return await self._csms.call("GetInstalledCertificateIds", request, within=within)

    def hashes_listed(self, answer: Received) -> list[Mapping[str, Any]]:
        """Those in certificateHashData."""
        return list(answer.get("certificateHashData", []))

    async def request_signing(self) -> Received:
        """ExtendedTriggerMessage of SignChargePointCertificate."""
        return await self._csms.call("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})

    async def certificate_signed(self, chain: str, *, within: float | None = None) -> Received:
        """CertificateSigned."""
        return await self._csms.call("CertificateSigned", {"certificateChain": chain}, within=within)

    # -- boot and status --------------------------------------------------------------------------------------------

    def identity(self, boot: Received) -> tuple[str, str]:
        """The two fields that are required."""
        return boot["chargePointVendor"], boot["chargePointModel"]

    def statuses(self, messages: Iterable[Received]) -> list[ConnectorStatus]:
        """StatusNotification; connector 0 is the station."""
        found = []
        for message in messages:
            match message:
                case {"connectorId": int(number), "status": str(status)} if message.action == "StatusNotification":
                    found.append(ConnectorStatus(self.connector(number), status, message))
        return found

    # -- transactions -----------------------------------------------------------------------------------------------

    def running(self) -> list[str]:
        """Started, and without a StopTransaction that is answered."""
        over = {
            str(call.payload.get("transactionId"))
            for entry, call in self._calls("StopTransaction")
            if self._answer(entry) is not None
        }
        return [each for each in self._begun() if each not in over]

    def _begun(self) -> dict[str, Mapping[str, Any]]:
        """What each transaction began with; one that was told again has the last id that it was given."""
        begun: dict[tuple[str, ...], tuple[str, Mapping[str, Any]]] = {}
        for entry, call in self._calls("StartTransaction"):
            match self._answer(entry):
                case {"transactionId": int(identifier)}:
                    request = call.payload
                    same = tuple(str(request.get(each)) for each in ("connectorId", "idTag", "timestamp", "meterStart"))
                    begun[same] = (str(identifier), request)
        return dict(begun.values())

    def _calls(self, action: str) -> Iterator[tuple[Entry, Call]]:
        """Every call of the station in this session with this action and an object for a payload."""
        for entry in self._csms.transcript.entries:
            if (
                entry.sender == "sut"
                and entry.station == self._csms.identity
                and isinstance(entry.frame, Call)
                and entry.frame.action == action
                and isinstance(entry.frame.payload, dict)
            ):
                yield entry, entry.frame

    def _answer(self, entry: Entry) -> Mapping[str, Any] | None:
        """The payload of the CALLRESULT that a call was given, if any."""
        exchange = self._csms.transcript.exchange(entry)
        answer = exchange.answer if exchange else None
        return answer.frame.payload if answer is not None and isinstance(answer.frame, CallResult) else None

    def telling(self, what: Telling) -> tuple[str, Callable[[Mapping[str, Any]], bool]]:
        """By the action."""
        return _TELLING[what], lambda _: True

    def of_transaction(self, message: Received, transaction_id: str) -> bool:
        """By the transactionId of the request, or of the answer to StartTransaction."""
        given = message if "transactionId" in message else self._answer(message.entry) or {}
        return str(given.get("transactionId")) == transaction_id

    async def began(
        self,
        connector: Connector,
        *,
        after: int,
        number: int,  # noqa: ARG002 -- 1.6 tells nobody which request a transaction comes from
        plugged: bool,  # noqa: ARG002 -- a transaction starts with its driver authorized, or not at all
    ) -> Charging:
        """A StartTransaction that was answered: the answer gives it its id."""
        csms = self._csms

        def known(message: Received) -> bool:
            return message["connectorId"] == self.number(connector) and "transactionId" in (
                self._answer(message.entry) or {}
            )

        start = await csms.expect("StartTransaction", after=after, where=known)
        answer = self._answer(start.entry)
        if answer is None:
            raise NotSeen("StartTransaction was not answered")
        return Charging(connector, str(answer["transactionId"]), start)

    def metered(self, message: Received, connector: Connector) -> bool:
        """By the connectorId."""
        return message.get("connectorId") == self.number(connector)

    async def energy(self, session: Charging, *, after: int) -> Received:
        """The status Charging of the connector."""
        return await self._csms.expect(
            "StatusNotification", after=after, connectorId=self.number(session.connector), status="Charging"
        )

    def told_of_stop(self, session: Charging, *, after: int) -> bool:
        """StopTransaction, or a status of the connector that no transaction has."""
        number = self.number(session.connector)
        return any(
            self.of_transaction(each, session.transaction_id)
            for each in self._csms.seen("StopTransaction", after=after)
        ) or any(
            each.get("connectorId") == number and each.get("status") not in _IN_TRANSACTION
            for each in self._csms.seen("StatusNotification", after=after)
        )

    def told_of_unplug(self, transaction_id: str, *, after: int) -> bool:
        """The connector is suspended; with the status after that the transaction is over."""
        number = self._begun().get(transaction_id, {}).get("connectorId")
        told = self._csms.seen("StatusNotification", after=after)
        last = [each.get("status") for each in told if each.get("connectorId") == number][-1:]
        return bool(last) and last[0] in ("SuspendedEV", "SuspendedEVSE")

    async def ended(self, transaction_id: str, *, after: Received | int, within: float | None = None) -> Received:
        """StopTransaction."""
        return await self._csms.expect(
            "StopTransaction",
            where=lambda message: self.of_transaction(message, transaction_id),
            after=after,
            within=within,
        )


def _key(setting: Setting) -> str:
    if isinstance(setting, str):
        return setting
    assert setting in _KEYS, f"OCPP 1.6 has no key like the variable {'.'.join(setting)}"
    return _KEYS[setting]
