"""The reference CSMS, seen from the wire and through its HTTP API."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import uuid
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from conformance.reference.csms import CsmsConfig, ReferenceCsms, StationSetup, TokenSetup
from conformance.reference.csms.messaging import snake
from conformance.reference.csms.rpc import RpcError
from conformance.reference.variants import name_of, variants

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Payload = dict[str, Any]
PATIENCE = 10
BOOTS = {
    "2.0.1": {"reason": "PowerUp", "chargingStation": {"model": "Tideway", "vendorName": "Halfmoon"}},
    "1.6": {"chargePointVendor": "Halfmoon", "chargePointModel": "Tideway"},
}
BOTH = pytest.mark.parametrize("version", ["2.0.1", "1.6"])
STATUS = {"timestamp": "2024-05-05T05:05:05Z", "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
CONTROL = variants("csms", "2.0.1").control
MUTANTS = variants("csms", "2.0.1").mutants
EVERYONE = [ReferenceCsms, CONTROL]


@cache
def response_validator(version: str, action: str) -> Any:
    folder = {"2.0.1": "v201", "1.6": "v16"}[version]
    path = files("ocpp") / folder / "schemas" / f"{action}Response.json"
    kind = jsonschema_rs.Draft6Validator if version == "2.0.1" else jsonschema_rs.Draft4Validator
    return kind(json.loads(path.read_text(encoding="utf-8-sig")), validate_formats=True)


class Station:
    """A client that can say anything; answers calls by `answers`, in turn with its own."""

    def __init__(self, link: ClientConnection, version: str) -> None:
        self.link = link
        self.version = version
        self.answers: dict[str, Any] = {}
        self.calls: list[tuple[str, Payload]] = []
        self.results: asyncio.Queue[list[Any]] = asyncio.Queue()
        self.arrivals: asyncio.Queue[list[Any]] = asyncio.Queue()
        self.silent = False

    async def read(self) -> None:
        try:
            async for raw in self.link:
                await self.receive(json.loads(raw))
        except ConnectionClosed:
            pass

    async def receive(self, frame: list[Any]) -> None:
        if frame[0] != 2:
            self.results.put_nowait(frame)
            return
        _, message_id, action, payload = frame
        self.calls.append((action, payload))
        self.arrivals.put_nowait(frame)
        if not self.silent:
            answer = self.answers.get(action, {"status": "Accepted"})
            answer = answer(payload) if callable(answer) else answer
            kind = [4, message_id, answer, "", {}] if isinstance(answer, str) else [3, message_id, answer]
            await self.link.send(json.dumps(kind))

    async def exchange(self, text: str | bytes) -> list[Any]:
        """Send any frame, return the next answer."""
        await self.link.send(text)
        return await asyncio.wait_for(self.results.get(), PATIENCE)

    async def call(self, action: str, payload: Any = None) -> Any:
        """Return the payload of the result, or the code of the error."""
        message_id = str(uuid.uuid4())
        frame = await self.exchange(json.dumps([2, message_id, action, {} if payload is None else payload]))
        assert frame[1] == message_id
        if frame[0] == 4:
            assert len(frame) == 5
            return frame[2]
        response_validator(self.version, action).validate(frame[2])
        return frame[2]

    async def boot(self) -> Payload:
        result: Payload = await self.call("BootNotification", BOOTS[self.version])
        return result

    async def next_call(self) -> list[Any]:
        return await asyncio.wait_for(self.arrivals.get(), PATIENCE)


def credentials(user: str, password: bytes) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(user.encode() + b":" + password).decode()}


@asynccontextmanager
async def running(
    kind: type[ReferenceCsms] = ReferenceCsms,
    *,
    stations: dict[str, StationSetup] | None = None,
    **config: Any,
) -> AsyncIterator[ReferenceCsms]:
    known = {"CS1": StationSetup()} if stations is None else stations
    csms = kind(CsmsConfig(stations=known, **config))
    before = asyncio.all_tasks()
    await csms.start()
    try:
        yield csms
    finally:
        await csms.stop()
        assert asyncio.all_tasks() <= before


@asynccontextmanager
async def dial(
    csms: ReferenceCsms,
    version: str = "2.0.1",
    identity: str = "CS1",
    offered: list[str] | None = None,
    headers: dict[str, str] | None = None,
) -> AsyncIterator[Station]:
    offered = [f"ocpp{version}"] if offered is None else offered
    protocols: Any = offered or None
    async with connect(
        f"{csms.url}/{identity}", subprotocols=protocols, additional_headers=headers, proxy=None
    ) as link:
        station = Station(link, version)
        reader = asyncio.create_task(station.read())
        yield station
    await reader


@asynccontextmanager
async def accepted(csms: ReferenceCsms, version: str = "2.0.1", identity: str = "CS1") -> AsyncIterator[Station]:
    async with dial(csms, version, identity) as station:
        assert (await station.boot())["status"] == "Accepted"
        yield station


async def http(csms: ReferenceCsms, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    _, _, rest = csms.api_url.partition("//")
    host, _, port = rest.removesuffix("/api").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    data = b"" if body is None else json.dumps(body).encode()
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
    head, _, answer = (await asyncio.wait_for(reader.read(), PATIENCE)).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return int(head.split()[1]), json.loads(answer) if answer else None


# -- the door


@pytest.mark.parametrize(
    ("offered", "agreed"),
    [
        (["ocpp2.0.1"], "ocpp2.0.1"),
        (["ocpp1.6"], "ocpp1.6"),
        (["ocpp0.1", "ocpp2.0.1"], "ocpp2.0.1"),
        (["ocpp1.6", "ocpp2.0.1"], "ocpp1.6"),
        (["ocpp2.0.1", "ocpp1.6"], "ocpp2.0.1"),
    ],
)
async def test_agrees_to_the_first_version_it_knows(offered: list[str], agreed: str) -> None:
    async with running() as csms, dial(csms, offered=offered) as station:
        assert station.link.subprotocol == agreed


@pytest.mark.parametrize("offered", [[], ["ocpp0.1"]])
async def test_without_a_common_version_it_completes_the_handshake_and_closes(offered: list[str]) -> None:
    async with running() as csms, dial(csms, offered=offered) as station:
        assert station.link.subprotocol is None
        await asyncio.wait_for(station.link.wait_closed(), PATIENCE)
        assert not csms.stations["CS1"].connected


@pytest.mark.parametrize("identity", ["CS2", "", "CS1/"])
async def test_unknown_identities_get_404(identity: str) -> None:
    async with running() as csms:
        with pytest.raises(InvalidStatus) as refused:
            async with dial(csms, identity=identity):
                pass
    assert refused.value.response.status_code == 404


async def test_a_path_outside_the_endpoint_gets_404() -> None:
    async with running() as csms:
        with pytest.raises(InvalidStatus) as refused:
            await connect(csms.url.replace("/ocpp", "/other/CS1"), proxy=None)
    assert refused.value.response.status_code == 404


async def test_identities_are_percent_encoded_and_a_version_in_the_path_decides_nothing() -> None:
    name = "Köln 1/a%"
    async with running(stations={name: StationSetup()}) as csms:
        async with dial(csms, "2.0.1", "ocpp1.6/K%C3%B6ln%201%2Fa%25") as station:
            assert (await station.boot())["status"] == "Accepted"
        assert csms.stations[name].version == "2.0.1"


@BOTH
@pytest.mark.parametrize("password", [b"correct horse battery", bytes(range(250, 256)) * 3 + b":\x00"])
async def test_basic_authentication(version: str, password: bytes) -> None:
    async with running(stations={"CS1": StationSetup(password=password)}) as csms:
        async with dial(csms, version, headers=credentials("CS1", password)) as station:
            assert (await station.boot())["status"] == "Accepted"
        for wrong in (
            {},
            credentials("CS2", password),
            credentials("CS1", password + b"x"),
            {"Authorization": "Basic ???"},
            {"Authorization": "Bearer abc"},
        ):
            with pytest.raises(InvalidStatus) as refused:
                async with dial(csms, version, headers=wrong):
                    pass
            assert refused.value.response.status_code == 401
            assert "Basic" in refused.value.response.headers["WWW-Authenticate"]


async def test_a_new_password_holds_from_its_acceptance_on() -> None:
    old, new = b"old password 12345", "new pässword 12345"
    item = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    async with running(stations={"CS1": StationSetup(password=old)}) as csms:
        for status, password in (("Rejected", old), ("Accepted", new.encode())):
            async with dial(csms, headers=credentials("CS1", old)) as station:
                await station.boot()
                station.answers["SetVariables"] = {"setVariableResult": [{**item, "attributeStatus": status}]}
                await csms.call("CS1", "SetVariables", {"setVariableData": [{**item, "attributeValue": new}]})
            assert csms.stations["CS1"].password == password
        async with dial(csms, "1.6", headers=credentials("CS1", new.encode())) as station:
            await station.boot()
            await csms.call("CS1", "ChangeConfiguration", {"key": "AuthorizationKey", "value": "00FF" * 8})
        async with dial(csms, "1.6", headers=credentials("CS1", b"\x00\xff" * 8)):
            assert new not in json.dumps(csms.station_view("CS1"))


async def test_supports_compression() -> None:
    async with running() as csms, dial(csms) as station:
        assert "permessage-deflate" in station.link.response.headers["Sec-WebSocket-Extensions"]
        assert (await station.boot())["status"] == "Accepted"


async def test_the_newest_connection_wins() -> None:
    async with running() as csms, accepted(csms) as old:
        command = csms.command("CS1", "ClearCache")
        old.silent = True
        await old.next_call()
        async with dial(csms, "1.6") as new:
            await asyncio.wait_for(old.link.wait_closed(), PATIENCE)
            await asyncio.wait_for(command.done.wait(), PATIENCE)
            assert command.state == "lost"
            assert await csms.call("CS1", "ClearCache") == {"status": "Accepted"}
            assert (await new.call("Heartbeat"))["currentTime"]
            assert csms.stations["CS1"].connected
            assert csms.stations["CS1"].version == "1.6"
        await asyncio.wait_for(new.link.wait_closed(), PATIENCE)


# -- registration


@BOTH
@pytest.mark.parametrize("kind", EVERYONE)
async def test_boot_is_answered_with_time_interval_and_status(version: str, kind: type[ReferenceCsms]) -> None:
    async with running(kind, heartbeat_interval=17) as csms, dial(csms, version) as station:
        answer = await station.boot()
        assert answer["status"] == "Accepted"
        assert answer["interval"] in (16, 17)
        for result in (answer, await station.call("Heartbeat")):
            assert result["currentTime"].endswith("Z")
            given = datetime.fromisoformat(result["currentTime"])
            assert abs((datetime.now(UTC) - given).total_seconds()) < 5
        view = csms.station_view("CS1")
        assert view["boot"] == BOOTS[version]
        assert view["registration"] == "Accepted"
        assert view["lastHeartbeat"]


@BOTH
@pytest.mark.parametrize("word", ["pending", "reject"])
async def test_before_acceptance_only_boots_are_taken(version: str, word: str) -> None:
    setup = StationSetup(policy=(word, "accept"), interval=5)
    async with running(stations={"CS1": setup}) as csms, dial(csms, version) as station:
        assert await station.call("Heartbeat") == "SecurityError"
        answer = await station.boot()
        assert answer["status"] == {"pending": "Pending", "reject": "Rejected"}[word]
        assert answer["interval"] == 5
        for action in ("Heartbeat", "StatusNotification", "NotifyEvent", "NoSuchThing"):
            assert await station.call(action) == "SecurityError"
        assert csms.stations["CS1"].connectors == {}
        assert (await station.boot())["status"] == "Accepted"
        assert "currentTime" in await station.call("Heartbeat")


async def test_acceptance_outlives_the_connection() -> None:
    async with running() as csms:
        async with accepted(csms):
            pass
        async with dial(csms) as station:
            assert "currentTime" in await station.call("Heartbeat")


async def test_pending_stations_may_send_what_was_asked_for() -> None:
    async with running(stations={"CS1": StationSetup(("pending",))}) as csms, dial(csms) as station:
        await station.boot()
        station.answers["GetBaseReport"] = {"status": "Accepted"}
        await csms.call("CS1", "GetBaseReport", {"reportBase": "FullInventory"})
        request_id = station.calls[-1][1]["requestId"]
        part = {"requestId": request_id, "generatedAt": "2024-05-05T05:05:05Z", "seqNo": 0, "tbc": True}
        assert await station.call("NotifyReport", part | {"requestId": request_id + 1}) == "SecurityError"
        assert await station.call("NotifyReport", part) == {}
        assert await station.call("NotifyReport", part | {"seqNo": 1, "tbc": False}) == {}
        assert await station.call("NotifyReport", part | {"seqNo": 2}) == "SecurityError"

        trigger = {"requestedMessage": "StatusNotification", "evse": {"id": 1, "connectorId": 1}}
        station.answers["TriggerMessage"] = {"status": "Rejected"}
        await csms.call("CS1", "TriggerMessage", trigger)
        assert await station.call("StatusNotification", STATUS) == "SecurityError"
        station.answers["TriggerMessage"] = {"status": "Accepted"}
        await csms.call("CS1", "TriggerMessage", trigger)
        assert await station.call("StatusNotification", STATUS) == {}
        assert await station.call("Heartbeat") == "SecurityError"


async def test_a_link_that_is_closing_takes_no_command() -> None:
    async with running() as csms:
        async with accepted(csms):
            closing = asyncio.create_task(csms.links["CS1"].connection.close())
            await asyncio.sleep(0)
            command = csms.command("CS1", "ClearCache")
            await closing
        async with dial(csms):
            await asyncio.wait_for(command.done.wait(), PATIENCE)
            assert command.state == "answered"


async def test_commands_wait_for_the_registration_they_need() -> None:
    async with running(stations={"CS1": StationSetup(("reject", "pending", "accept"))}) as csms:
        start = csms.command("CS1", "RequestStopTransaction", {"transactionId": "T"})
        clear = csms.command("CS1", "ClearCache")
        async with dial(csms) as station:
            await csms.call("CS1", "TriggerMessage", {"requestedMessage": "BootNotification"})
            await station.boot()
            assert (start.state, clear.state) == ("queued", "queued")
            await station.boot()
            await asyncio.wait_for(clear.done.wait(), PATIENCE)
            assert start.state == "queued"
            await station.boot()
            await asyncio.wait_for(start.done.wait(), PATIENCE)
            assert [action for action, _ in station.calls] == [
                "TriggerMessage",
                "ClearCache",
                "RequestStopTransaction",
            ]


# -- bad frames


@BOTH
@pytest.mark.parametrize("kind", EVERYONE)
async def test_bad_frames_get_the_right_error_and_the_link_stays_usable(
    version: str, kind: type[ReferenceCsms]
) -> None:
    new = version == "2.0.1"
    rpc = "RpcFrameworkError" if new else "FormationViolation"
    form = "FormatViolation" if new else "FormationViolation"
    occurs = "OccurrenceConstraintViolation" if new else "OccurenceConstraintViolation"
    boot = BOOTS[version]
    vendor = "chargingStation" if new else "chargePointVendor"
    cases: list[tuple[Any, str, str]] = [
        ("{not json", "-1", rpc),
        (b"\xff\xfe", "-1", rpc),
        ("[" * 100_000, "-1", rpc),
        ('[2,"a","Heartbeat",{"x":NaN}]', "-1", rpc),
        ("{}", "-1", rpc),
        ("[]", "-1", rpc),
        ([2, 17, "Heartbeat", {}], "-1", rpc),
        ([2, "x" * 37, "Heartbeat", {}], "-1", rpc),
        ([2, "", "Heartbeat", {}], "-1", rpc),
        ([2, "id", "Heartbeat"], "id", rpc),
        ([2, "id", ["Heartbeat"], {}], "id", rpc),
        ([2, "id", "Heartbeat", {}, {}], "id", rpc),
        ([2, "id", "NoSuchThing", {}], "id", "NotImplemented"),
        ([2, "id", "heartbeat", {}], "id", "NotImplemented"),
        ([2, "id", "HeartbeatRequest", {}], "id", "NotImplemented"),
        ([2, "id", "StartTransaction" if new else "TransactionEvent", {}], "id", "NotImplemented"),
        ([2, "id", "Reset", {"type": "Immediate"}], "id", "NotSupported"),
        ([2, "id", "BootNotification", {}], "id", occurs),
        ([2, "id", "BootNotification", {**boot, vendor: 7}], "id", "TypeConstraintViolation"),
        ([2, "id", "BootNotification", {**boot, "extra": 1}], "id", form),
        ([2, "id", "BootNotification", [boot]], "id", form),
        ([2, "id", "DataTransfer", {"vendorId": "x" * 256}], "id", "PropertyConstraintViolation"),
    ]
    if new:
        cases.append(([5, "id", {}], "id", "MessageTypeNotSupported"))
        cases.append(([2.0, "id", "Heartbeat", {}], "id", "MessageTypeNotSupported"))
    async with running(kind) as csms, accepted(csms, version) as station:
        for frame, message_id, code in cases:
            raw = frame if isinstance(frame, (str, bytes)) else json.dumps(frame)
            answer = await station.exchange(raw)
            assert answer[:3] == [4, message_id, code], frame
            assert isinstance(answer[3], str)
            assert len(answer[3]) <= 255
            assert isinstance(answer[4], dict)
        assert "currentTime" in await station.call("Heartbeat")


@BOTH
async def test_stray_answers_are_ignored(version: str) -> None:
    async with running() as csms, accepted(csms, version) as station:
        for frame in ([3, "no", {}], [4, "no", "GenericError", "", {}], [3], [3, "no"], [4, None, 1], [3, "no", 1]):
            await station.link.send(json.dumps(frame))
        if version == "1.6":
            await station.link.send(json.dumps([7, "id", "what", {}]))
            assert "currentTime" in (await station.exchange('[2,"n","Heartbeat",null]'))[2]
        assert "currentTime" in await station.call("Heartbeat")


async def test_a_broken_handler_is_an_internal_error() -> None:
    class Broken(ReferenceCsms):
        def on_heartbeat(self, *_: Any) -> Payload:
            raise KeyError("oops")

    async with running(Broken) as csms, accepted(csms) as station:
        assert await station.call("Heartbeat") == "InternalError"


# -- what stations tell


async def test_statuses_events_and_reports_are_believed() -> None:
    async with running() as csms, accepted(csms) as station:
        assert await station.call("StatusNotification", STATUS) == {}
        event = {
            "eventId": 1,
            "timestamp": "2024-05-05T05:05:05+02:00",
            "trigger": "Delta",
            "actualValue": "Occupied",
            "eventNotificationType": "HardWiredNotification",
            "component": {"name": "Connector", "evse": {"id": 2, "connectorId": 1}},
            "variable": {"name": "AvailabilityState"},
        }
        assert (
            await station.call("NotifyEvent", {"generatedAt": STATUS["timestamp"], "seqNo": 0, "eventData": [event]})
            == {}
        )
        entry = {
            "component": {"name": "OCPPCommCtrlr"},
            "variable": {"name": "HeartbeatInterval"},
            "variableAttribute": [{"value": "300"}],
            "variableCharacteristics": {"dataType": "integer", "supportsMonitoring": False},
        }
        report = {"requestId": 9, "generatedAt": STATUS["timestamp"], "seqNo": 1, "reportData": [entry]}
        assert await station.call("NotifyReport", report) == {}
        assert not csms.stations["CS1"].reports[9].complete
        assert await station.call("NotifyReport", report | {"seqNo": 0, "tbc": True}) == {}
        security = {"type": "StartupOfTheDevice", "timestamp": STATUS["timestamp"]}
        assert await station.call("SecurityEventNotification", security) == {}
        view = csms.station_view("CS1")
        assert [(c["evseId"], c["status"]) for c in view["connectors"]] == [(1, "Available"), (2, "Occupied")]
        assert view["reports"]["9"]["complete"]
        assert view["variables"][0]["attributes"]["Actual"]["value"] == "300"
        assert view["securityEvents"] == [security]


NOTICES_201: dict[str, Payload] = {
    "FirmwareStatusNotification": {"status": "Installed"},
    "LogStatusNotification": {"status": "Uploaded"},
    "PublishFirmwareStatusNotification": {"status": "Idle"},
    "NotifyMonitoringReport": {"requestId": 1, "seqNo": 0, "generatedAt": "2024-05-05T05:05:05Z"},
    "NotifyCustomerInformation": {"data": "", "seqNo": 0, "generatedAt": "2024-05-05T05:05:05Z", "requestId": 1},
    "NotifyDisplayMessages": {"requestId": 1},
    "NotifyChargingLimit": {"chargingLimit": {"chargingLimitSource": "EMS"}},
    "ClearedChargingLimit": {"chargingLimitSource": "EMS"},
    "ReservationStatusUpdate": {"reservationId": 1, "reservationUpdateStatus": "Expired"},
    "SignCertificate": {"csr": "x"},
    "MeterValues": {
        "evseId": 1,
        "meterValue": [{"timestamp": "2024-05-05T05:05:05Z", "sampledValue": [{"value": 1.5}]}],
    },
}
NOTICES_16: dict[str, Payload] = {
    "FirmwareStatusNotification": {"status": "Installed"},
    "DiagnosticsStatusNotification": {"status": "Uploaded"},
    "SignedFirmwareStatusNotification": {"status": "Installed"},
    "LogStatusNotification": {"status": "Uploaded"},
    "SecurityEventNotification": {"type": "StartupOfTheDevice", "timestamp": "2024-05-05T05:05:05Z"},
    "SignCertificate": {"csr": "x"},
    "StatusNotification": {"connectorId": 0, "errorCode": "NoError", "status": "Available"},
    "MeterValues": {
        "connectorId": 1,
        "meterValue": [{"timestamp": "2024-05-05T05:05:05", "sampledValue": [{"value": "1"}]}],
    },
}


@pytest.mark.parametrize(("version", "notices"), [("2.0.1", NOTICES_201), ("1.6", NOTICES_16)])
async def test_every_notice_is_taken(version: str, notices: dict[str, Payload]) -> None:
    async with running() as csms, accepted(csms, version) as station:
        for action, payload in notices.items():
            assert await station.call(action, payload) in ({}, {"status": "Rejected"}), action


@BOTH
async def test_data_of_other_vendors_is_not_understood(version: str) -> None:
    async with running(vendors={"Halfmoon": ["tide"]}) as csms, accepted(csms, version) as station:
        assert await station.call("DataTransfer", {"vendorId": "Else"}) == {"status": "UnknownVendorId"}
        assert await station.call("DataTransfer", {"vendorId": "Halfmoon"}) == {"status": "UnknownMessageId"}
        known = {"vendorId": "Halfmoon", "messageId": "tide", "data": "x"}
        assert await station.call("DataTransfer", known) == {"status": "Accepted"}


# -- tokens and transactions

TOKENS = {
    "GOOD": TokenSetup(group="FLEET"),
    "BAD": TokenSetup("Blocked"),
    "OLD": TokenSetup("Expired"),
    "WRONG": TokenSetup("Invalid"),
    "BUSY": TokenSetup("ConcurrentTx"),
    "BROKE": TokenSetup("NoCredit"),
    "CARD": TokenSetup(type="ISO14443"),
    "ONE": TokenSetup(single=True),
}


def token(text: str, kind: str = "ISO14443") -> Payload:
    return {"idToken": text, "type": kind}


def event(kind: str, number: int, transaction: str = "T1", **more: Any) -> Payload:
    trigger = {"Started": "Authorized", "Updated": "MeterValuePeriodic", "Ended": "EVDeparted"}[kind]
    return {
        "eventType": kind,
        "timestamp": "2024-05-05T05:05:05Z",
        "triggerReason": trigger,
        "seqNo": number,
        "transactionInfo": {"transactionId": transaction},
        **more,
    }


async def test_authorize() -> None:
    async with running(tokens=TOKENS) as csms:
        expected = {"good": "Accepted", "BAD": "Blocked", "OLD": "Expired", "WRONG": "Invalid", "BUSY": "Accepted"}
        async with accepted(csms) as station:
            for text, status in {**expected, "BROKE": "NoCredit", "NOBODY": "Unknown"}.items():
                info = (await station.call("Authorize", {"idToken": token(text)}))["idTokenInfo"]
                assert info["status"] == status
                assert ("groupIdToken" in info) == (text == "good")
            other_type = await station.call("Authorize", {"idToken": token("CARD", "KeyCode")})
            assert other_type["idTokenInfo"]["status"] == "Unknown"
        async with accepted(csms, "1.6") as station:
            for text, status in {**expected, "BROKE": "Invalid", "NOBODY": "Invalid"}.items():
                info = (await station.call("Authorize", {"idTag": text}))["idTagInfo"]
                assert info["status"] == status
                assert info.get("parentIdTag") == ("FLEET" if text == "good" else None)


@pytest.mark.parametrize("kind", EVERYONE)
async def test_transaction_events_may_come_late_twice_and_shuffled(kind: type[ReferenceCsms]) -> None:
    async with running(kind, tokens=TOKENS) as csms, accepted(csms) as station:
        late = event("Ended", 3, offline=True)
        late["transactionInfo"] = late["transactionInfo"] | {"stoppedReason": "EVDisconnected"}
        assert (await station.call("TransactionEvent", late)).get("totalCost", 0) == 0
        start = event("Started", 0, idToken=token("GOOD"), evse={"id": 1, "connectorId": 2})
        for _ in range(2):
            answer = await station.call("TransactionEvent", start)
            assert answer["idTokenInfo"]["status"] == "Accepted"
        for number in (2, 2):
            assert await station.call("TransactionEvent", event("Updated", number)) == {}
        assert not csms.station_view("CS1")["transactions"][0]["complete"]
        assert await station.call("TransactionEvent", event("Updated", 1)) == {}
        (transaction,) = csms.station_view("CS1")["transactions"]
        assert transaction["complete"]
        assert transaction["sequence"] == [0, 1, 2, 3]
        assert (transaction["evseId"], transaction["connectorId"], transaction["idToken"]) == (1, 2, "GOOD")
        assert transaction["stoppedReason"] == "EVDisconnected"
        assert len(transaction["events"]) == 4


async def test_starts_are_checked() -> None:
    async with running(tokens=TOKENS) as csms, accepted(csms) as station:

        async def start(text: str, number: int = 0, kind: str = "ISO14443") -> str:
            request = event("Started", number, f"T-{text}-{number}", idToken=token(text, kind))
            status: str = (await station.call("TransactionEvent", request))["idTokenInfo"]["status"]
            return status

        assert await start("BAD") == "Blocked"
        assert await start("BUSY") == "ConcurrentTx"
        assert await start("", kind="NoAuthorization") == "Accepted"
        assert await start("GOOD") == await start("GOOD", 1) == "Accepted"
        assert await start("ONE") == await start("ONE") == "Accepted"
        assert await start("one", 1) == "ConcurrentTx"
        await station.call("TransactionEvent", event("Ended", 5, "T-ONE-0"))
        await station.call("TransactionEvent", event("Ended", 5, "T-one-1"))
        assert await start("ONE", 2) == "Accepted"


@pytest.mark.parametrize("kind", EVERYONE)
async def test_transactions_of_16(kind: type[ReferenceCsms]) -> None:
    request = {"connectorId": 1, "idTag": "GOOD", "meterStart": 7, "timestamp": "2024-05-05T05:05:05Z"}
    two = {"CS1": StationSetup(), "CS2": StationSetup()}
    async with (
        running(kind, tokens=TOKENS, stations=two) as csms,
        accepted(csms, "1.6") as station,
        accepted(csms, "1.6", "CS2") as other,
    ):
        first = await station.call("StartTransaction", request)
        assert first == await station.call("StartTransaction", request)
        assert first["idTagInfo"]["status"] == "Accepted"
        ids = {
            first["transactionId"],
            (await station.call("StartTransaction", request | {"meterStart": 8}))["transactionId"],
            (await other.call("StartTransaction", request))["transactionId"],
        }
        assert len(ids) == 3
        meter = {**NOTICES_16["MeterValues"], "transactionId": first["transactionId"]}
        assert await station.call("MeterValues", meter) == await station.call("MeterValues", meter) == {}
        stop = {"transactionId": first["transactionId"], "meterStop": 9, "timestamp": request["timestamp"]}
        assert await station.call("StopTransaction", stop) == {}
        again = await station.call("StopTransaction", stop | {"idTag": "GOOD"})
        assert again["idTagInfo"]["status"] == "Accepted"
        assert await station.call("StopTransaction", stop | {"transactionId": -1}) == {}
        view = csms.station_view("CS1")["transactions"][0]
        assert view["ended"]
        assert len(view["events"]) == 3


# -- commands


def variable(name: str, component: str = "OCPPCommCtrlr", **more: Any) -> Payload:
    return {"component": {"name": component}, "variable": {"name": name}, **more}


def read(payload: Payload) -> Payload:
    results = [
        {**item, "attributeStatus": "Accepted", "attributeValue": "2", "attributeType": "Actual"}
        for item in payload["getVariableData"]
    ]
    return {"getVariableResult": results}


def write(payload: Payload) -> Payload:
    results = [
        {"component": item["component"], "variable": item["variable"], "attributeStatus": "Accepted"}
        for item in payload["setVariableData"]
    ]
    return {"setVariableResult": results}


def limit(name: str) -> Payload:
    item = variable("ItemsPerMessage", "DeviceDataCtrlr")
    item["variable"]["instance"] = name
    return item


@pytest.mark.parametrize("kind", EVERYONE)
async def test_items_per_message_is_obeyed_once_known(kind: type[ReferenceCsms]) -> None:
    names = [variable(f"V{number}") for number in range(5)]
    async with running(kind) as csms, accepted(csms) as station:
        station.answers |= {"GetVariables": read, "SetVariables": write}
        answer = await csms.call("CS1", "GetVariables", {"getVariableData": [*names, limit("GetVariables")]})
        assert len(answer["getVariableResult"]) == 6
        assert len(station.calls) == 1
        await csms.call("CS1", "GetVariables", {"getVariableData": [limit("SetVariables")]})
        del station.calls[:]
        answer = await csms.call("CS1", "GetVariables", {"getVariableData": [*names, names[0]]})
        assert [result["variable"]["name"] for result in answer["getVariableResult"]] == ["V0", "V1", "V2", "V3", "V4"]
        sizes = [len(payload["getVariableData"]) for _, payload in station.calls]
        assert sizes == ([2, 2, 1] if kind is ReferenceCsms else [1] * 5)
        del station.calls[:]
        await csms.call("CS1", "SetVariables", {"setVariableData": [{**name, "attributeValue": "1"} for name in names]})
        assert len(station.calls) == (3 if kind is ReferenceCsms else 5)
        assert csms.station_view("CS1")["variables"][0]["attributes"]["Actual"]["value"] == "1"


async def test_a_variable_is_never_set_twice_in_one_request() -> None:
    values = [variable("A", attributeValue=value) for value in ("1", "1", "2")]
    values[2]["attributeType"] = "Actual"
    async with running() as csms, accepted(csms) as station:
        station.answers["SetVariables"] = write
        await csms.call("CS1", "SetVariables", {"setVariableData": [*values, variable("B", attributeValue="1")]})
        sent = [[item["attributeValue"] for item in payload["setVariableData"]] for _, payload in station.calls]
        assert sent == [["1"], ["2", "1"]]


async def test_bytes_per_message_is_obeyed_once_known() -> None:
    names = [variable(f"V{number}") for number in range(4)]
    bytes_limit = limit("GetVariables")
    bytes_limit["variable"]["name"] = "BytesPerMessage"
    async with running() as csms, accepted(csms) as station:
        station.answers["GetVariables"] = read
        csms.note_value(csms.stations["CS1"], bytes_limit, "200")
        await csms.call("CS1", "GetVariables", {"getVariableData": names})
        assert [len(payload["getVariableData"]) for _, payload in station.calls] == [2, 2]


async def test_max_keys_are_obeyed_once_known() -> None:
    keys = [f"Key{number}" for number in range(5)]
    async with running() as csms, accepted(csms, "1.6") as station:
        known = {"key": "GetConfigurationMaxKeys", "readonly": True, "value": "2"}
        station.answers["GetConfiguration"] = {"configurationKey": [known]}
        await csms.call("CS1", "GetConfiguration", {"key": keys})
        await csms.call("CS1", "GetConfiguration", {"key": keys})
        await csms.call("CS1", "GetConfiguration")
        asked = [payload.get("key") for _, payload in station.calls]
        assert asked == [keys, keys[:2], keys[2:4], keys[4:], None]


@BOTH
async def test_no_boot_is_triggered_after_an_accepted_one(version: str) -> None:
    wanted = {"requestedMessage": "BootNotification"}
    async with (
        running(stations={"CS1": StationSetup(policy=("pending", "accept"))}) as csms,
        dial(csms, version) as new,
    ):
        await new.boot()
        assert await csms.call("CS1", "TriggerMessage", wanted) == {"status": "Accepted"}
        await new.boot()
        with pytest.raises(RpcError, match="accepted"):
            await csms.call("CS1", "TriggerMessage", wanted)
        assert len(new.calls) == 1


@pytest.mark.parametrize(("version", "asked"), [("2.0.1", ["GetBaseReport"]), ("1.6", [])])
async def test_a_station_never_seen_before_is_asked_for_its_inventory_once(version: str, asked: list[str]) -> None:
    async with running() as csms:
        csms.provision("CS2")
        for expected in (asked, []):
            async with accepted(csms, version, "CS2") as station:
                await csms.call("CS2", "ClearCache")
                assert [action for action, _ in station.calls] == [*expected, "ClearCache"]
        async with accepted(csms, version) as known:
            await csms.call("CS1", "ClearCache")
            assert len(known.calls) == 1


@pytest.mark.parametrize("kind", EVERYONE)
async def test_one_call_is_open_at_a_time(kind: type[ReferenceCsms]) -> None:
    async with running(kind) as csms, accepted(csms) as station:
        station.silent = True
        commands = [csms.command("CS1", "ClearCache") for _ in range(3)]
        ids = []
        for command in commands:
            frame = await station.next_call()
            assert "currentTime" in await station.call("Heartbeat")  # crossing calls are answered
            assert station.arrivals.empty()
            ids.append(frame[1])
            await station.link.send(json.dumps([3, frame[1], {"status": "Accepted"}]))
            await asyncio.wait_for(command.done.wait(), PATIENCE)
        assert len(set(ids)) == 3


COMMANDS_201: dict[str, Payload] = {
    "GetReport": {"componentCriteria": ["Problem"], "componentVariable": [variable("AvailabilityState", "EVSE")]},
    "Reset": {"type": "OnIdle", "evseId": 1},
    "TriggerMessage": {"requestedMessage": "Heartbeat"},
    "ChangeAvailability": {"operationalStatus": "Inoperative"},
    "RequestStartTransaction": {"idToken": token("GOOD"), "evseId": 1},
    "RequestStopTransaction": {"transactionId": "T1"},
    "ClearCache": {},
    "SetNetworkProfile": {
        "configurationSlot": 1,
        "connectionData": {
            "ocppVersion": "OCPP20",
            "ocppTransport": "JSON",
            "ocppCsmsUrl": "wss://x",
            "messageTimeout": 30,
            "securityProfile": 2,
            "ocppInterface": "Wired0",
        },
    },
    "DataTransfer": {"vendorId": "Halfmoon"},
    "GetBaseReport": {"reportBase": "SummaryInventory"},
}
COMMANDS_16: dict[str, Payload] = {
    "Reset": {"type": "Hard"},
    "ChangeAvailability": {"connectorId": 0, "type": "Operative"},
    "ChangeConfiguration": {"key": "HeartbeatInterval", "value": "60"},
    "ClearCache": {},
    "RemoteStartTransaction": {"idTag": "GOOD"},
    "RemoteStopTransaction": {"transactionId": 1},
    "TriggerMessage": {"requestedMessage": "Heartbeat"},
    "ExtendedTriggerMessage": {"requestedMessage": "LogStatusNotification"},
    "DataTransfer": {"vendorId": "Halfmoon"},
}


@pytest.mark.parametrize(("version", "commands"), [("2.0.1", COMMANDS_201), ("1.6", COMMANDS_16)])
async def test_every_command_goes_out(version: str, commands: dict[str, Payload]) -> None:
    async with running() as csms, accepted(csms, version) as station:
        for action, payload in commands.items():
            assert await csms.call("CS1", action, payload) == {"status": "Accepted"}
            sent = station.calls[-1]
            assert sent[0] == action
            assert payload.items() <= sent[1].items()
        if version == "1.6":
            station.answers["GetConfiguration"] = {"configurationKey": [{"key": "K", "readonly": True, "value": "v"}]}
            await csms.call("CS1", "GetConfiguration", {"key": ["K"]})
            configuration = csms.station_view("CS1")["configuration"]
            assert {entry["key"]: entry["value"] for entry in configuration} == {"HeartbeatInterval": "60", "K": "v"}
        else:
            station.answers["UnlockConnector"] = {"status": "Unlocked"}
            await csms.call("CS1", "UnlockConnector", {"evseId": 1, "connectorId": 1})
            station.answers["GetTransactionStatus"] = {"messagesInQueue": False}
            await csms.call("CS1", "GetTransactionStatus")


async def test_how_commands_end() -> None:
    async with running(call_timeout=0.5) as csms, accepted(csms) as station:

        async def end(action: str, payload: Payload | None = None) -> tuple[str, str | None]:
            command = csms.command("CS1", action, payload)
            await asyncio.wait_for(command.done.wait(), PATIENCE)
            return command.state, command.error and command.error["code"]

        station.answers["ClearCache"] = "NotSupported"
        assert await end("ClearCache") == ("error", "NotSupported")
        station.answers["ClearCache"] = {"status": 1}
        assert await end("ClearCache") == ("error", "TypeConstraintViolation")
        assert await end("Reset", {"type": "Hard"}) == ("refused", "PropertyConstraintViolation")
        assert await end("RemoteStopTransaction") == ("refused", "NotImplemented")
        assert await end("GetVariables") == ("refused", "FormatViolation")
        assert await end("GetVariables", {"getVariableData": "x"}) == ("refused", "FormatViolation")
        station.silent = True
        assert await end("ClearCache") == ("timeout", None)
        station.silent = False
        station.answers["ClearCache"] = {"status": "Accepted"}
        assert await end("ClearCache") == ("answered", None)
        with pytest.raises(KeyError):
            csms.command("CS9", "ClearCache")


async def test_a_removed_station_is_dropped_with_its_commands() -> None:
    async with running() as csms:
        waiting = csms.command("CS1", "ClearCache")
        async with dial(csms) as station:
            assert csms.remove("CS1")
            await asyncio.wait_for(station.link.wait_closed(), PATIENCE)
        assert waiting.state == "removed"
        assert not csms.remove("CS1")


async def test_stopping_settles_what_is_queued() -> None:
    async with running() as csms:
        command = csms.command("CS1", "ClearCache")
    assert command.state == "lost"
    assert command.done.is_set()


# -- the HTTP API


async def test_operating_through_the_api() -> None:
    async with running(stations={}) as csms:
        created, _ = await http(csms, "POST", "/api/stations/CS%201", {"policy": ["pending", "accept"], "interval": 3})
        assert created == 201
        assert await http(csms, "POST", "/api/tokens/TAG", {"status": "Blocked"}) == (
            201,
            {"status": "Blocked", "type": None, "group": None, "single": False},
        )
        async with dial(csms, identity="CS%201") as station:
            assert (await station.boot()) | {"currentTime": ""} == {
                "currentTime": "",
                "interval": 3,
                "status": "Pending",
            }
            assert (await station.boot())["status"] == "Accepted"
            blocked = await station.call("Authorize", {"idToken": token("TAG")})
            assert blocked["idTokenInfo"]["status"] == "Blocked"
            order = {"action": "Reset", "payload": {"type": "Immediate"}}
            status, queued = await http(csms, "POST", "/api/stations/CS%201/commands", order)
            assert status == 202
            _, settled = await http(csms, "GET", f"/api/commands/{queued['command']}?wait=3")
            assert settled["state"] == "answered"
            assert settled["answer"] == {"status": "Accepted"}
            _, view = await http(csms, "GET", "/api/stations/CS%201")
            assert (view["connected"], view["version"], view["boots"]) == (True, "2.0.1", 2)
        assert await http(csms, "GET", "/api/stations") == (200, ["CS 1"])
        assert (await http(csms, "DELETE", "/api/stations/CS%201")) == (204, None)
        assert (await http(csms, "GET", "/api/stations/CS%201"))[0] == 404
        assert (await http(csms, "GET", "/api/tokens/tag"))[0] == 200
        assert (await http(csms, "DELETE", "/api/tokens/tag"))[0] == 204
        assert (await http(csms, "GET", "/api/tokens/tag"))[0] == 404


async def test_changing_a_station_leaves_the_rest_of_it_alone() -> None:
    async with running(stations={}) as csms:
        await http(csms, "POST", "/api/stations/CS1", {"password": "secret secret 12"})
        _, view = await http(csms, "POST", "/api/stations/CS1", {"policy": "reject"})
        assert view["policy"] == ["reject"]
        assert csms.stations["CS1"].password == b"secret secret 12"
        await http(csms, "POST", "/api/stations/CS1", {"passwordHex": "00ff"})
        assert csms.stations["CS1"].password == b"\x00\xff"
        await http(csms, "POST", "/api/stations/CS1", {"password": None})
        assert csms.stations["CS1"].password is None


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/", None, 404),
        ("GET", "/api/stations/CS9", None, 404),
        ("PUT", "/api/stations/CS1", None, 405),
        ("PUT", "/api/tokens/GOOD", None, 405),
        ("POST", "/api/stations/CS1", {"policy": "perhaps"}, 400),
        ("POST", "/api/stations/CS1", {"policy": 3}, 400),
        ("POST", "/api/stations/CS1", {"interval": "soon"}, 400),
        ("POST", "/api/stations/CS1", {"password": 3}, 400),
        ("POST", "/api/stations/CS1", {"passwordHex": "xy"}, 400),
        ("POST", "/api/stations/CS1", {"pasword": "x"}, 400),
        ("POST", "/api/stations/CS1", [], 400),
        ("POST", "/api/tokens/T", {"status": "Nice"}, 400),
        ("POST", "/api/tokens/T", {"status": 3}, 400),
        ("POST", "/api/stations/CS9/commands", {"action": "Reset"}, 404),
        ("POST", "/api/stations/CS1/commands", {}, 400),
        ("GET", "/api/commands/9", None, 404),
        ("GET", "/api/commands/x", None, 404),
        ("GET", "/api/commands/1?wait=x", None, 400),
    ],
)
async def test_bad_requests_are_told_what_is_wrong(method: str, path: str, body: Any, status: int) -> None:
    async with running(tokens=TOKENS) as csms:
        csms.command("CS1", "ClearCache")
        code, answer = await http(csms, method, path, body)
        assert code == status
        assert answer["error"]


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"POST /api/stations/X HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"411"),
        (b"POST /api/stations/X HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n", b"413"),
        (b"POST /api/stations/X HTTP/1.1\r\nContent-Length: 1\r\n\r\n{", b"400"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nA: " + b"b" * 100_000 + b"\r\n\r\n", b"431"),
    ],
)
async def test_broken_http(raw: bytes, status: bytes) -> None:
    async with running() as csms:
        port = int(csms.api_url.rpartition(":")[2].removesuffix("/api"))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(raw)
        assert (await asyncio.wait_for(reader.readline(), PATIENCE)).split()[1] == status
        writer.close()


async def test_stopping_drops_a_waiting_request() -> None:
    async with running() as csms:
        csms.command("CS1", "ClearCache")
        port = int(csms.api_url.rpartition(":")[2].removesuffix("/api"))
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /api/commands/1?wait=60 HTTP/1.1\r\n\r\n")
        await writer.drain()
        assert (await http(csms, "GET", "/api/stations"))[0] == 200
    writer.close()


# -- mutants and the program


def test_every_mutant_says_what_it_breaks() -> None:
    assert len(MUTANTS) >= 6
    assert "heartbeat-before-acceptance" in MUTANTS
    assert name_of(CONTROL) == "control"
    assert CONTROL not in MUTANTS.values()
    for name, mutant in MUTANTS.items():
        assert name_of(mutant) == name
        assert mutant.__doc__
        assert isinstance(mutant.breaks, str)


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=name_of)
async def test_mutants_still_boot_stations(mutant: type[ReferenceCsms]) -> None:
    async with running(mutant) as csms, dial(csms) as station:
        frame = await station.exchange(json.dumps([2, "id", "BootNotification", BOOTS["2.0.1"]]))
        assert frame[:2] == [3, "id"]
        assert frame[2]["status"] == "Accepted"


async def test_some_mutants_do_what_they_say() -> None:
    async with running(MUTANTS["heartbeat-before-acceptance"]) as csms, dial(csms) as station:
        assert "currentTime" in await station.call("Heartbeat")
        assert await station.call("StatusNotification", STATUS) == "SecurityError"
    async with running(MUTANTS["unknown-action-not-supported"]) as csms, accepted(csms) as station:
        assert await station.call("NoSuchThing") == "NotSupported"
    async with running(MUTANTS["two-open-calls"]) as csms, accepted(csms) as station:
        station.silent = True
        csms.command("CS1", "ClearCache")
        csms.command("CS1", "ClearCache")
        await station.next_call()
        await station.next_call()
    async with running(MUTANTS["accepts-unknown-identity"]) as csms, dial(csms, identity="Nobody") as station:
        assert (await station.boot())["status"] == "Accepted"
    async with running(MUTANTS["local-time-without-offset"]) as csms, dial(csms) as station:
        frame = await station.exchange(json.dumps([2, "id", "BootNotification", BOOTS["2.0.1"]]))
        assert datetime.fromisoformat(frame[2]["currentTime"]).tzinfo is None


def test_actions_become_method_names() -> None:
    assert snake("GetBaseReport") == "get_base_report"
    assert snake("NotifyEVChargingNeeds") == "notify_ev_charging_needs"
    assert snake("Get15118EVCertificate") == "get_15118_ev_certificate"


async def test_as_a_program() -> None:
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "conformance.reference.csms", "--station", "CS1", "--mutant", "control"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert program.stdout is not None
    lines = [(await asyncio.wait_for(program.stdout.readline(), 30)).decode() for _ in range(2)]
    url = lines[0].split()[1]
    async with connect(f"{url}/CS1", subprotocols=["ocpp1.6"], proxy=None) as link:  # type: ignore[list-item]
        assert link.subprotocol == "ocpp1.6"
        program.terminate()
        await asyncio.wait_for(link.wait_closed(), PATIENCE)
    assert await asyncio.wait_for(program.wait(), 30) == 0
