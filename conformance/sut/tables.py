"""The tables of a SUT profile, as they stand in its TOML file."""

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

Version: TypeAlias = Literal["1.6", "2.0.1", "2.1"]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=100)]
Identity: TypeAlias = Annotated[str, Meta(min_length=1, max_length=48)]
Number: TypeAlias = Annotated[int, Meta(ge=1)]
Seconds: TypeAlias = Annotated[float, Meta(gt=0, le=86_400)]
Pause: TypeAlias = Annotated[float, Meta(ge=0, le=86_400)]


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file, in which a key that nobody reads is a mistake."""


class Product(Table, frozen=True, kw_only=True):
    """What the report says of the system under test."""

    name: Name
    vendor: str | None = None
    model: str | None = None
    firmware: str | None = None
    serial: str | None = None


class Listen(Table, frozen=True, kw_only=True):
    """Where the harness waits for a station; port 0 takes any that is free.

    files_port: where the station fetches files and brings its logs, by HTTP.
    """

    host: Name = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    path: str = "/ocpp"
    files_port: Annotated[int, Meta(ge=0, le=65_535)] = 0


class Dial(Table, frozen=True, kw_only=True):
    """Where a CSMS under test is found, without the identity: `ws://…` or `wss://…`."""

    url: str


class Connector(Table, frozen=True, kw_only=True):
    """One connector: its number on the EVSE, and its type as ConnectorType has it."""

    id: Number
    type: Annotated[str, Meta(min_length=1, max_length=50)]


class Evse(Table, frozen=True, kw_only=True):
    """One EVSE and its connectors.

    max_power_w: the most that it delivers, in watts. phases: how many it feeds an EV with, 0 for direct current.
    """

    id: Number
    connector: Annotated[tuple[Connector, ...], Meta(min_length=1)]
    max_power_w: Annotated[float, Meta(gt=0)] | None = None
    phases: Annotated[int, Meta(ge=0, le=3)] = 3


class IdToken(Table, frozen=True, kw_only=True):
    """An id token as a driver would present it."""

    id_token: Annotated[str, Meta(max_length=255)]
    type: Annotated[str, Meta(min_length=1, max_length=20)] = "ISO14443"

    @property
    def payload(self) -> dict[str, str]:
        """The token as it goes over the wire in OCPP 2.x; in 1.6 it is `id_token` alone."""
        return {"idToken": self.id_token, "type": self.type}


class GroupedIdToken(IdToken, frozen=True, kw_only=True):
    """An id token of a group, by the id of that group."""

    group: Annotated[str, Meta(min_length=1, max_length=36)]


class Variable(Table, frozen=True, kw_only=True):
    """A variable of the device model."""

    component: Name
    variable: Name
    instance: str | None = None


class WritableVariable(Table, frozen=True, kw_only=True):
    """A variable that may be changed without harm, and at least two values that it takes."""

    component: Name
    variable: Name
    instance: str | None = None
    values: Annotated[tuple[str, ...], Meta(min_length=2)]


class WritableKey(Table, frozen=True, kw_only=True):
    """A configuration key of OCPP 1.6 that may be changed without harm, and at least two values that it takes."""

    key: Annotated[str, Meta(min_length=1, max_length=50)]
    values: Annotated[tuple[Annotated[str, Meta(max_length=500)], ...], Meta(min_length=2)]


class Tolerance(Table, frozen=True, kw_only=True):
    """How far off a measured current may be: in amperes, and in per cent of what is expected."""

    amperes: Pause = 1
    percent: Pause = 5


class Firmware(Table, frozen=True, kw_only=True):
    """New firmware for a station, as its maker gives it out.

    file: the image. certificate: that of who has signed it, in PEM. signature: over the image, in Base64. All three
    are names of files, from where the profile lies.
    """

    file: Name
    certificate: Name
    signature: Name


class Parameters(Table, frozen=True, kw_only=True):
    """Values that cases need; the defaults suit any station or CSMS that has what the documents require.

    pending_interval: what a station that must wait is told to wait. heartbeat_interval: what an accepted one is told
    where a case counts heartbeats. clock_shift: how far off its clock is told to be for a while. meter_interval: how
    often its meters are read where a case watches that. connection_timeout: how long a driver has for plugging in
    where a case lets that time pass. All in seconds.

    queued_messages: how many messages of transactions an outage has to pile up.

    safe_variables, safe_keys: what the harness may change beside what it knows to be safe, with values that do no harm.
    hands_off: what it never changes to see whether that works, by name; * stands for anything.

    nominal_voltage: between phase and neutral, in volts; of direct current, that of the battery. least_current: what an
    EV draws at least if it charges at all, in amperes. limit_tolerance: how far above a charging limit the current
    drawn may be, in amperes and in per cent of the limit, whichever is more.

    firmware: new firmware for a station that claims signed-firmware; a reference needs none.
    baseline: a file with what the configuration should be, as `ocpp-conformance inventory --save` writes it.

    For a CSMS: second_identity, a station that it knows beside that of the profile, with the same password.
    unknown_identity, one that it does not know. wrong_path, where no station dials. boot_attempts: how often a station
    boots that is put off, before the harness gives up. grouped_id_token: a valid token of a group that it knows.
    bad_handshakes: how many of them it has to bear in a row. held_connections: how many that are begun and never
    finished at once. flood: how many messages of one station that waits for no answer.
    """

    valid_id_token: IdToken = IdToken(id_token="04E91C5A2B6C80")  # noqa: S106 -- a card's number, no password
    other_valid_id_token: IdToken = IdToken(id_token="04E91C5A2B6C81")  # noqa: S106
    invalid_id_token: IdToken = IdToken(id_token="04DEADBEEF0000")  # noqa: S106
    blocked_id_token: IdToken = IdToken(id_token="04B10C4EDCA2D0")  # noqa: S106
    expired_id_token: IdToken = IdToken(id_token="04E8914EDCA2D0")  # noqa: S106
    grouped_id_token: GroupedIdToken | None = None
    writable_variable: WritableVariable = WritableVariable(
        component="OCPPCommCtrlr", variable="OfflineThreshold", values=("300", "600")
    )
    read_only_variable: Variable = Variable(component="SecurityCtrlr", variable="SecurityProfile")
    reboot_variable: WritableVariable | None = None
    writable_key: WritableKey = WritableKey(key="MeterValueSampleInterval", values=("60", "90"))
    read_only_key: Annotated[str, Meta(min_length=1, max_length=50)] = "NumberOfConnectors"
    reboot_key: WritableKey | None = None
    safe_variables: tuple[WritableVariable, ...] = ()
    safe_keys: tuple[WritableKey, ...] = ()
    hands_off: tuple[Annotated[str, Meta(min_length=1)], ...] = ()
    pending_interval: Number = 20
    heartbeat_interval: Number = 10
    clock_shift: Number = 600
    meter_interval: Number = 10
    connection_timeout: Number = 20
    queued_messages: Number = 200
    nominal_voltage: Annotated[float, Meta(gt=0)] = 230
    least_current: Annotated[float, Meta(ge=0)] = 6
    limit_tolerance: Tolerance = Tolerance()
    baseline: Name | None = None
    firmware: Firmware | None = None
    second_url: str | None = None
    hard_wired_monitor: int | None = None
    preconfigured_monitor: int | None = None
    second_identity: Identity | None = None
    unknown_identity: Identity = "NOBODY-KNOWS-4711"
    wrong_path: str = "/no-station-dials-here"
    boot_attempts: Number = 5
    bad_handshakes: Number = 1000
    held_connections: Number = 100
    flood: Number = 1000


class Timing(Table, frozen=True, kw_only=True):
    """How long the harness waits, in seconds.

    connect: for the first connection. boot: for a BootNotification after mains on or a reset. answer: for the
    answer to a request. report: for each part of a report. status: for a status after what changed it. reconnect:
    for a new connection after a break. settle: for what may still come when nothing more is due. queue: for
    messages of transactions that the station kept while it was offline, once it is back; no less than settle in any
    case. ramp: for the current drawn to follow a limit. tolerance: what a measured time may be off. action: for a
    driver to do something. case: for a whole case. operator: for a person to answer.

    For a CSMS: command: for a command to come after the driver had it sent. call_timeout: for it to give up a
    command that gets no answer. clock: not at all, it is how far its clock may be off that of the harness.
    """

    connect: Seconds = 120
    boot: Seconds = 180
    answer: Seconds = 30
    report: Seconds = 120
    status: Seconds = 60
    reconnect: Seconds = 120
    settle: Pause = 5
    queue: Pause = 0
    ramp: Seconds = 15
    tolerance: Pause = 1
    action: Seconds = 60
    case: Seconds = 900
    operator: Seconds = 300
    command: Seconds = 60
    call_timeout: Seconds = 30
    clock: Pause = 10


class Credentials(Table, frozen=True, kw_only=True):
    """Who the station says it is: the user is its identity unless stated, the password is kept elsewhere."""

    user: str | None = None
    password_env: Name | None = None
    password_file: Name | None = None


SecurityProfile: TypeAlias = Literal[1, 2, 3]
Port: TypeAlias = Annotated[int, Meta(ge=0, le=65_535)]


class Security(Table, frozen=True, kw_only=True):
    """How the link is secured, in the numbers of the specification: 1 = password, 2 = TLS too, 3 = certificates.

    profile: the security profile that the system under test runs in when a run begins: what [listen] or [dial] is for.
    pki: the folder that `ocpp-conformance pki` has written, whose certificates are installed at the system under test;
    the references are given one that is made for each run.

    For a station: ports, where the harness waits for it in other security profiles, by their number as text.
    For a CSMS: urls, where it is found in other security profiles; root, a file with the root of its certificate (PEM);
    that of the folder, unless stated, or without a folder whatever this machine trusts.
    """

    profile: SecurityProfile = 1
    pki: Name | None = None
    ports: dict[Literal["1", "2", "3"], Port] = {}
    urls: dict[Literal["1", "2", "3"], str] = {}
    root: Name | None = None


class OneVersion(Table, frozen=True, kw_only=True):
    """What is otherwise in one of several versions: each key stands for that of the same name, features are added."""

    identity: Identity | None = None
    dial: Dial | None = None
    functional_profiles: tuple[str, ...] | None = None
    product_subtype: str | None = None
    features: dict[str, Any] = {}


class EmbeddedDriver(Table, frozen=True, kw_only=True, tag_field="kind", tag="embedded"):
    """The reference station or the reference CSMS, run inside the harness."""


class ProcessDriver(Table, frozen=True, kw_only=True, tag_field="kind", tag="process"):
    """A program; `cwd` starts from the profile's folder."""

    command: Annotated[tuple[str, ...], Meta(min_length=1)]
    protocol: Literal["jsonl", "none"] = "jsonl"
    cwd: str = "."
    env: dict[str, str] = {}


class OperatorDriver(Table, frozen=True, kw_only=True, tag_field="kind", tag="operator"):
    """A person at the terminal."""


class Poll(Table, frozen=True, kw_only=True):
    """Where to ask whether an operation is done, every so many seconds.

    `done` and `failed` name places in the JSON of the answer, with dots between the steps, and the values that mean it.
    """

    url: str
    method: Name = "GET"
    headers: dict[str, str] = {}
    body: Any = None
    every: Seconds = 1
    done: Annotated[dict[str, tuple[str, ...]], Meta(min_length=1)]
    failed: dict[str, tuple[str, ...]] = {}


class Operation(Table, frozen=True, kw_only=True):
    """One HTTP request. A `url` that begins with / is put after the base; `body` is JSON, or a text as it stands.

    `status` lists the HTTP statuses that mean success (any from 200 to 299 unless stated), `expect` places in the JSON
    of the answer and the values that do, `forbid` places that must not be there. `fixed` says what of a command the
    request means without naming it. `result` is the place of what a read asks for.
    """

    url: str
    method: Name = "POST"
    headers: dict[str, str] = {}
    body: Any = None
    form: dict[str, str] = {}
    status: tuple[Annotated[int, Meta(ge=100, le=599)], ...] = ()
    expect: dict[str, tuple[str, ...]] = {}
    forbid: tuple[str, ...] = ()
    fixed: dict[str, Any] = {}
    result: str | None = None
    poll: Poll | None = None


class HttpDriver(Table, frozen=True, kw_only=True, tag_field="kind", tag="http"):
    """A CSMS with an HTTP API: one templated request per operation, and per OCPP action or for `any` of them.

    Files, `ca_file` and those in templates, start from `cwd`, which starts from the profile's folder.
    """

    base_url: str
    headers: dict[str, str] = {}
    command: dict[str, Operation] = {}
    operation: dict[str, Operation] = {}
    ca_file: Name | None = None
    cwd: str = "."


class NoDriver(Table, frozen=True, kw_only=True, tag_field="kind", tag="none"):
    """Nobody: the system under test is left alone."""


Driver: TypeAlias = EmbeddedDriver | ProcessDriver | HttpDriver | OperatorDriver | NoDriver
