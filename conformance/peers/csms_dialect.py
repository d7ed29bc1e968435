"""What a version of OCPP is to the harness's CSMS: how it asks things of a station, and how it reads what one tells."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from conformance.peers.received import Received

Connector: TypeAlias = tuple[int, int]
"""EVSE id and connector id, as in the profile; a version that numbers connectors through takes them in that order."""

STATION: Connector = (0, 0)
"""The station as a whole, where it has a status of its own (connector 0 of OCPP 1.6)."""

Place: TypeAlias = int | Connector | None
"""An EVSE by its id, one connector, or with None the whole station."""

Setting: TypeAlias = str | tuple[str, str] | tuple[str, str, str]
"""What can be set in any version: by its key of OCPP 1.6, or by component, variable and its instance of 2.0.1."""

Telling: TypeAlias = Literal["start", "course", "end"]
"""What a message tells of a transaction: its start, something in its course, or its end."""


ResetKind: TypeAlias = Literal["idle", "now"]
"""When idle: OnIdle, or the Soft reset of 1.6, which ends transactions. At once: Immediate, or Hard."""

SETTINGS: Mapping[str, tuple[str, str] | tuple[str, str, str]] = {
    "AdditionalRootCertificateCheck": ("SecurityCtrlr", "AdditionalRootCertificateCheck"),
    "AllowOfflineTxForUnknownId": ("AuthCtrlr", "OfflineTxForUnknownIdEnabled"),
    "AuthorizeRemoteTxRequests": ("AuthCtrlr", "AuthorizeRemoteStart"),
    "CertificateSignedMaxChainSize": ("SecurityCtrlr", "MaxCertificateChainSize"),
    "ChargeProfileMaxStackLevel": ("SmartChargingCtrlr", "ProfileStackLevel"),
    "ChargingScheduleAllowedChargingRateUnit": ("SmartChargingCtrlr", "RateUnit"),
    "ChargingScheduleMaxPeriods": ("SmartChargingCtrlr", "PeriodsPerSchedule"),
    "ClockAlignedDataInterval": ("AlignedDataCtrlr", "Interval"),
    "ConnectionTimeOut": ("TxCtrlr", "EVConnectionTimeOut"),
    "CpoName": ("SecurityCtrlr", "OrganizationName"),
    "HeartbeatInterval": ("OCPPCommCtrlr", "HeartbeatInterval"),
    "LocalAuthorizeOffline": ("AuthCtrlr", "LocalAuthorizeOffline"),
    "LocalPreAuthorize": ("AuthCtrlr", "LocalPreAuthorize"),
    "MeterValuesAlignedData": ("AlignedDataCtrlr", "Measurands"),
    "MeterValuesSampledData": ("SampledDataCtrlr", "TxUpdatedMeasurands"),
    "MeterValueSampleInterval": ("SampledDataCtrlr", "TxUpdatedInterval"),
    "ResetRetries": ("OCPPCommCtrlr", "ResetRetries"),
    "StopTransactionOnEVSideDisconnect": ("TxCtrlr", "StopTxOnEVSideDisconnect"),
    "StopTransactionOnInvalidId": ("TxCtrlr", "StopTxOnInvalidId"),
    "MessageTimeout": ("OCPPCommCtrlr", "MessageTimeout", "Default"),
    "TransactionMessageAttempts": ("OCPPCommCtrlr", "MessageAttempts", "TransactionEvent"),
    "TransactionMessageRetryInterval": ("OCPPCommCtrlr", "MessageAttemptInterval", "TransactionEvent"),
    "SecurityProfile": ("SecurityCtrlr", "SecurityProfile"),
    "WebSocketPingInterval": ("OCPPCommCtrlr", "WebSocketPingInterval"),
}
"""Keys of OCPP 1.6, and the variable of 2.0.1 that sets the same."""


@dataclass(frozen=True, slots=True)
class ConnectorStatus:
    """What a station said of one connector, or of itself, and the message that said it."""

    connector: Connector
    status: str
    message: Received


@dataclass(frozen=True, slots=True)
class Charging:
    """A transaction that runs, and the message by which that was seen."""

    connector: Connector
    transaction_id: str
    event: Received


CertificateUse: TypeAlias = Literal[
    "CSMSRootCertificate", "ManufacturerRootCertificate", "V2GRootCertificate", "MORootCertificate"
]
"""What a root certificate is for, as 2.0.1 calls it; 1.6 knows the first two."""

LogKind: TypeAlias = Literal["SecurityLog", "DiagnosticsLog"]

SecurityEvent: TypeAlias = Literal[
    "InvalidCsmsCertificate",
    "InvalidChargingStationCertificate",
    "InvalidTLSVersion",
    "InvalidTLSCipherSuite",
    "FailedToAuthenticateAtCsms",
    "CsmsFailedToAuthenticate",
    "FirmwareUpdated",
    "InvalidFirmwareSignature",
    "InvalidFirmwareSigningCertificate",
    "ReconfigurationOfSecurityParameters",
    "SettingSystemTime",
    "ResetOrReboot",
    "StartupOfTheDevice",
]
"""Security events that both versions know, as 2.0.1 calls them."""


class CsmsDialect(Protocol):
    """The CSMS's side of one version, towards one station."""

    # -- what the version has -------------------------------------------------------------------------------------

    @property
    def transaction_messages(self) -> tuple[str, ...]:
        """The actions by which a station tells of transactions."""

    @property
    def own_places(self) -> tuple[Connector, ...]:
        """What has a status beside the connectors: the station, or nothing."""

    @property
    def in_use(self) -> frozenset[str]:
        """The statuses of a connector that an EV is plugged into, or a driver uses."""

    @property
    def spare_setting(self) -> Setting:
        """An interval in whole seconds that every station has, and that can be changed without much effect."""

    @property
    def connectors_apart(self) -> bool:
        """Whether every connector has charging profiles of its own, and not the EVSE."""

    def name(self, connector: Connector) -> str:
        """A connector, or the station, in the words of the version."""

    # -- what a CSMS asks: each raises as `Peer.call` does, and says no more of the answer than it tells --------------

    async def question(self) -> None:
        """Ask something that every station can answer, and take any answer; raises NoAnswer."""

    async def reset(self, kind: ResetKind, *, evse: int | None = None) -> Received:
        """Ask for a reset of the station, or where the version knows that of one EVSE."""

    async def read(self, setting: Setting) -> str:
        """The value of a setting; raises AssertionError where the station does not give it."""

    async def write(self, setting: Setting, value: str) -> str:
        """Change a setting; the status that the station answers."""

    async def change_availability(self, place: Place, *, operative: bool) -> str:
        """Take a place into use or out of it; Accepted, or the first other status that the station answers."""

    async def trigger(self, message: str, connector: Connector | None = None) -> Received:
        """Ask for a message."""

    async def remote_start(
        self,
        id_token: Mapping[str, str],
        connector: Connector,
        number: int,
        *,
        within: float | None = None,
        charging_profile: Mapping[str, Any] | None = None,
    ) -> Received:
        """Ask for a transaction; `number` marks the request where the version can do that."""

    async def remote_stop(self, transaction_id: str) -> Received:
        """Ask for the end of a transaction."""

    def charging_profile(self, **fields: Any) -> dict[str, Any]:
        """A charging profile with one schedule, as the version writes it; what is not given is left out.

        `id`, `purpose` (as 2.0.1 calls it), `kind` (Absolute unless given), `stack_level` (0), `unit` (A),
        `periods=[(start, limit), (start, limit, phases), …]`, `start`, `duration` in seconds, `valid_from`,
        `valid_to`, `recurrency` and `transaction`; moments are datetimes, or text that is sent as it is.
        """

    async def set_charging_profile(
        self, evse: int | Connector, profile: Mapping[str, Any], *, within: float | None = None
    ) -> Received:
        """Ask for a charging profile to be installed on an EVSE, or with 0 on the station.

        Where connectors have profiles of their own (1.6), a connector can be named, and an EVSE is its first one.
        """

    async def clear_charging_profiles(self, *, evse: int | Connector | None = None, **criteria: Any) -> Received:
        """Ask for charging profiles to be removed: by `id`, or by `evse`, `purpose` and `stack_level` together."""

    async def composite_schedule(
        self, evse: int | Connector, seconds: int, unit: str | None = None, *, within: float | None = None
    ) -> Received:
        """Ask for what all profiles of an EVSE, or with 0 of the station, come to in the next seconds."""

    # -- security ---------------------------------------------------------------------------------------------------

    def security_event(self, event: SecurityEvent) -> str:
        """What the version calls a security event."""

    def certificate_use(self, use: CertificateUse) -> str:
        """What the version calls the use of a root certificate."""

    async def install_certificate(self, use: CertificateUse, pem: str, *, within: float | None = None) -> Received:
        """Ask for a root certificate to be installed."""

    @property
    def rare_use(self) -> CertificateUse:
        """A use of roots that few stations have one for."""

    async def room_for_roots(self) -> int | None:
        """How many more roots the station has room for, by what it says; None where it does not say."""

    async def list_certificates(self, use: CertificateUse, *, within: float | None = None) -> Received:
        """Ask for the root certificates for one use."""

    def hashes_listed(self, answer: Received) -> list[Mapping[str, Any]]:
        """Every CertificateHashData in the answer to that."""

    async def delete_certificate(self, hash_data: Mapping[str, Any], *, within: float | None = None) -> Received:
        """Ask for a certificate to be deleted."""

    async def request_signing(self) -> Received:
        """Ask for a SignCertificate of the certificate with which the station connects."""

    async def certificate_signed(self, chain: str, *, within: float | None = None) -> Received:
        """Hand over the certificate that was signed, in PEM, the leaf first."""

    async def get_log(  # noqa: PLR0913 -- what the request holds, by keyword
        self,
        kind: LogKind,
        number: int,
        url: str,
        *,
        retries: int | None = None,
        retry_interval: int | None = None,
        within: float | None = None,
    ) -> Received:
        """Ask for a log to be brought to a URL; `number` is the requestId, the interval is in seconds."""

    # -- what a station tells -------------------------------------------------------------------------------------

    def identity(self, boot: Received) -> tuple[str, str]:
        """Vendor and model in a BootNotification; raises AssertionError where one is missing."""

    def statuses(self, messages: Iterable[Received]) -> list[ConnectorStatus]:
        """Every status of a connector, or of the station, in these calls, in order."""

    def running(self) -> list[str]:
        """The transactions that the station has begun and not ended in this session, by what it has told.

        An end that nobody has answered ends nothing.
        """

    def telling(self, what: Telling) -> tuple[str, Callable[[Mapping[str, Any]], bool]]:
        """The action of the messages that tell this, and which of them do, by their payload."""

    def of_transaction(self, message: Received, transaction_id: str) -> bool:
        """Whether a message that tells of transactions tells of this one."""

    async def began(self, connector: Connector, *, after: int, number: int, plugged: bool) -> Charging:
        """Wait for a transaction there in which the driver is authorized; raises NotSeen.

        `number` is that of the remote start, if there was one; where no plug is in, any transaction will do.
        """

    def metered(self, message: Received, connector: Connector) -> bool:
        """Whether MeterValues are of this connector, or where these have no meters of their own, of its EVSE."""

    async def energy(self, session: Charging, *, after: int) -> Received:
        """Wait for the message that says that energy flows; raises NotSeen."""

    def told_of_stop(self, session: Charging, *, after: int) -> bool:
        """Whether the station has told something that a driver's stop leads to."""

    def told_of_unplug(self, transaction_id: str, *, after: int) -> bool:
        """Whether the station has told, without ending the transaction, that its plug is out."""

    async def ended(self, transaction_id: str, *, after: Received | int, within: float | None = None) -> Received:
        """Wait for the message that ends a transaction; raises NotSeen."""
