"""Behaviour of the 1.6 reference station, seen from a Central System."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import tomllib
import uuid
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
import pytest_asyncio
from websockets.asyncio.server import ServerConnection, serve

from conformance.reference.mutants16 import configuration as configuration_mutants
from conformance.reference.mutants16.control import Plain16
from conformance.reference.station import SecuritySetup
from conformance.reference.station16 import ReferenceStation16, StationConfig16
from conformance.reference.station16.configuration import factory_keys
from conformance.reference.variants import claims_of, name_of, variants
from tests.reference.conftest import NOW, Csms, Message

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="function")

Payload = dict[str, Any]
CONTROL = variants("station", "1.6").control
MUTANTS = variants("station", "1.6").mutants
LATER = "2030-01-02T04:00:00Z"
HEX_KEY = "4F43415F4F4354545F61646D696E5F74657374"
ACCEPTED = {"status": "Accepted"}
REJECTED = {"status": "Rejected"}
DEFAULTS: dict[str, Payload] = {
    "BootNotification": {"currentTime": NOW, "interval": 300, "status": "Accepted"},
    "Heartbeat": {"currentTime": NOW},
    "Authorize": {"idTagInfo": ACCEPTED},
    "SignCertificate": ACCEPTED,
    "StopTransaction": {},
}
CATALOGUE = Path(__file__).parents[2] / "conformance" / "catalogue"


@cache
def validator(message: str) -> jsonschema_rs.Draft4Validator | jsonschema_rs.Draft6Validator:
    schema = json.loads((files("ocpp") / "v16" / "schemas" / f"{message}.json").read_text(encoding="utf-8-sig"))
    kind = jsonschema_rs.Draft6Validator if "draft-06" in schema["$schema"] else jsonschema_rs.Draft4Validator
    return kind(schema, validate_formats=True)


class Csms16(Csms):
    """The throwaway CSMS, speaking 1.6: transactions are numbered from 7001."""

    transactions = 7000

    async def receive(self, connection: ServerConnection, frame: list[Any]) -> None:
        if frame[0] != 2:
            await super().receive(connection, frame)
            return
        _, message_id, action, payload = frame
        validator(action).validate(payload)
        message = Message(action, payload, asyncio.get_running_loop().time())
        if action not in self.silent:
            await self.respond(connection, message_id, action)
        self.messages.append(message)
        self._news.set()

    @asynccontextmanager
    async def listening(self, context: ssl.SSLContext | None = None) -> AsyncIterator[None]:
        async with serve(
            self.serve,
            "127.0.0.1",
            0,
            subprotocols=["ocpp1.6"],
            process_request=self.on_request,
            close_timeout=0.1,
            ssl=context,
        ) as server:
            self.port = next(iter(server.sockets)).getsockname()[1]
            yield

    async def respond(self, connection: ServerConnection, message_id: str, action: str) -> None:
        if action == "StartTransaction" and not self.script[action]:
            self.transactions += 1
            self.script[action].append({"transactionId": self.transactions, "idTagInfo": ACCEPTED})
        elif not self.script[action]:
            self.script[action].append(DEFAULTS.get(action, {}))
        await super().respond(connection, message_id, action)

    async def call(self, action: str, payload: Payload | None = None) -> Any:
        message_id = str(uuid.uuid4())
        future: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._results[message_id] = future
        await self.send_raw(json.dumps([2, message_id, action, payload or {}]))
        frame = await asyncio.wait_for(future, 3)
        if frame[0] == 4:
            return frame[2]
        validator(f"{action}Response").validate(frame[2])
        return frame[2]

    def statuses(self, connector: int) -> list[str]:
        return [status["status"] for status in self.of("StatusNotification", connectorId=connector)]

    async def until_status(self, connector: int, status: str) -> Payload:
        await self.until(lambda: self.statuses(connector)[-1:] == [status])
        return self.of("StatusNotification", connectorId=connector)[-1]


@pytest_asyncio.fixture(loop_scope="function")
async def csms() -> AsyncIterator[Csms16]:
    csms = Csms16()
    async with csms.listening():
        yield csms


class Yard:
    """Builds stations for a Central System, and switches them off in the end."""

    def __init__(self, csms: Csms16, url: str = "") -> None:
        self.csms = csms
        self.url = url or csms.url
        self.stations: list[ReferenceStation16] = []

    def build(self, kind: type[ReferenceStation16] = ReferenceStation16, **settings: Any) -> ReferenceStation16:
        quick = {"back_off_minimum": 0.0, "back_off_spread": 0.0, "own_boot_interval": 0.1}
        self.stations.append(kind(StationConfig16(self.url, **{**quick, **settings})))
        return self.stations[-1]

    async def boot(self, kind: type[ReferenceStation16] = ReferenceStation16, **settings: Any) -> ReferenceStation16:
        """Return a station that is accepted and has reported itself."""
        station = self.build(kind, **settings)
        await station.power_on()
        await self.csms.expect("SecurityEventNotification")
        await self.csms.call("GetLocalListVersion")  # by now the station has read the answer too
        return station

    async def close(self) -> None:
        for station in self.stations:
            await station.power_off()

    async def charging(self, evse: int = 1, connector: int = 2, **settings: Any) -> ReferenceStation16:
        """Return a station that charges for tag A."""
        station = await self.boot(**settings)
        await station.plug_in(evse, connector)
        await station.present_id_token(evse, "A")
        await self.csms.until_status(connector if evse == 1 else 3, "Charging")
        await self.csms.expect("StartTransaction")
        await self.csms.call("GetLocalListVersion")
        return station


@pytest_asyncio.fixture(loop_scope="function")
async def yard(csms: Csms16) -> AsyncIterator[Yard]:
    yard = Yard(csms)
    yield yard
    await yard.close()
    ours = [task for task in asyncio.all_tasks() if "conformance/reference" in repr(task)]
    assert ours == [], "the station left tasks behind"


def boot(status: str, interval: int = 300) -> Payload:
    return {"currentTime": NOW, "interval": interval, "status": status}


async def get(csms: Csms16, key: str) -> Payload:
    answer = await csms.call("GetConfiguration", {"key": [key]})
    found: Payload = answer["configurationKey"][0]
    return found


async def put(csms: Csms16, key: str, value: str) -> str:
    status: str = (await csms.call("ChangeConfiguration", {"key": key, "value": value}))["status"]
    return status


class TestBoot:
    async def test_reports_itself_once_accepted(self, csms: Csms16, yard: Yard) -> None:
        await yard.boot()
        assert [message.action for message in csms.messages] == [
            "BootNotification",
            *["StatusNotification"] * 4,
            "SecurityEventNotification",
        ]
        assert csms.messages[0].payload["chargePointVendor"] == "Halfmoon Charging"
        statuses = csms.of("StatusNotification")
        assert [status["connectorId"] for status in statuses] == [0, 1, 2, 3]
        assert {(status["status"], status["errorCode"]) for status in statuses} == {("Available", "NoError")}
        assert statuses[0]["timestamp"] >= NOW
        assert csms.messages[-1].payload["type"] == "StartupOfTheDevice"

    async def test_adopts_the_interval_unless_it_is_zero(self, csms: Csms16, yard: Yard) -> None:
        csms.script["BootNotification"] += [boot("Accepted", 77), boot("Accepted", 0)]
        station = await yard.boot()
        assert (await get(csms, "HeartbeatInterval"))["value"] == "77"
        await station.power_off()
        await station.power_on()
        await csms.expect("SecurityEventNotification", 2)
        assert (await get(csms, "HeartbeatInterval"))["value"] == "300"

    async def test_pending_serves_and_waits_for_the_trigger(self, csms: Csms16, yard: Yard) -> None:
        csms.script["BootNotification"] += [boot("Pending", 60), boot("Pending", 60)]
        station = yard.build()
        await station.power_on()
        await csms.expect("BootNotification")
        assert await put(csms, "HeartbeatInterval", "200") == "Accepted"
        assert await csms.call("RemoteStartTransaction", {"idTag": "A", "connectorId": 1}) == REJECTED
        assert await csms.call("RemoteStopTransaction", {"transactionId": 1}) == REJECTED
        assert (
            await csms.call("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 2}) == ACCEPTED
        )
        await csms.expect("StatusNotification")
        await station.plug_in(1, 1)
        for count in (2, 3):
            assert await csms.call("TriggerMessage", {"requestedMessage": "BootNotification"}) == ACCEPTED
            await csms.expect("BootNotification", count)
        await csms.expect("SecurityEventNotification")
        assert csms.statuses(1) == ["Preparing"]
        assert len(csms.of("StatusNotification")) == 5
        assert await csms.call("TriggerMessage", {"requestedMessage": "BootNotification"}) == REJECTED
        assert len(csms.connections) == 1

    async def test_rejected_says_nothing_at_all(self, csms: Csms16, yard: Yard) -> None:
        csms.script["BootNotification"] += [boot("Rejected", 1)]
        await yard.build().power_on()
        await csms.expect("BootNotification")
        await csms.send_raw('[2,"a","GetConfiguration",{}]')
        await csms.silence(0.7)
        assert csms.raw.empty()
        await csms.expect("BootNotification", 2)
        await csms.expect("SecurityEventNotification")

    @pytest.mark.parametrize("answer", [boot("Pending", 0), boot("Rejected", 0), "InternalError", {"status": "?"}])
    async def test_tries_again_at_its_own_pace(self, csms: Csms16, yard: Yard, answer: Any) -> None:
        csms.script["BootNotification"] += [answer]
        await yard.boot()
        first, second = (message.at for message in csms.messages[:2])
        assert csms.messages[1].action == "BootNotification"
        assert second - first >= 0.09

    async def test_boots_after_a_link_lost_too_early(self, csms: Csms16, yard: Yard) -> None:
        csms.silent.add("BootNotification")
        await yard.build().power_on()
        await csms.expect("BootNotification")
        csms.silent.clear()
        assert csms.connection is not None
        csms.connection.transport.abort()
        await csms.expect("SecurityEventNotification")
        assert len(csms.of("BootNotification")) == 2

    async def test_a_plain_system_is_not_bothered_with_security_events(self, csms: Csms16, yard: Yard) -> None:
        csms.script["SecurityEventNotification"] += ["NotImplemented"]
        station = await yard.boot()
        await csms.until(lambda: not station.outbox)
        await yard.build(security_extension=False).power_on()
        await csms.expect("BootNotification", 2)
        assert await csms.call("ExtendedTriggerMessage", {"requestedMessage": "Heartbeat"}) == "NotImplemented"
        assert len(csms.of("SecurityEventNotification")) == 1

    async def test_heartbeats_when_nothing_else_is_sent(self, csms: Csms16, yard: Yard) -> None:
        csms.script["Heartbeat"] += [{"currentTime": "2031-05-05T00:00:00Z"}]
        station = await yard.boot()
        assert await put(csms, "HeartbeatInterval", "1") == "Accepted"
        await csms.expect("Heartbeat", within=1.6)
        await csms.until(lambda: station.clock.stamp().startswith("2031-05-05"))
        await csms.expect("Heartbeat", 2)


class TestConfiguration:
    async def test_lists_what_the_documents_require(self, csms: Csms16, yard: Yard) -> None:
        await yard.boot(password="a-very-secret-password")
        listed = {entry["key"]: entry for entry in (await csms.call("GetConfiguration"))["configurationKey"]}
        profiles = listed["SupportedFeatureProfiles"]["value"].split(",")
        keys = tomllib.loads((CATALOGUE / "keys-1.6.toml").read_text())["key"]
        for key in keys:
            if key.get("required") and key["profile"] in profiles:
                assert key["key"] in listed
            if key["key"] in listed:
                assert any(("W" in access) is not listed[key["key"]]["readonly"] for access in key["accessibility"])
        assert listed["NumberOfConnectors"]["value"] == "3"
        assert listed["SecurityProfile"]["value"] == "1"
        assert listed["AuthorizationKey"] == {"key": "AuthorizationKey", "readonly": False}

    async def test_fixed_cables_are_never_unlocked(self, csms: Csms16, yard: Yard) -> None:
        await yard.boot(Plain16)
        key = "UnlockConnectorOnEVSideDisconnect"
        assert await get(csms, key) == {"key": key, "readonly": True, "value": "false"}
        assert await put(csms, key, "true") == "Rejected"

    async def test_some_keys_and_unknown_ones(self, csms: Csms16, yard: Yard) -> None:
        await yard.boot()
        answer = await csms.call("GetConfiguration", {"key": ["heartbeatINTERVAL", "Nonsense", "HeartbeatInterval"]})
        assert answer == {
            "configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}],
            "unknownKey": ["Nonsense"],
        }
        assert await csms.call("GetConfiguration", {"key": ["Nonsense"]}) == {"unknownKey": ["Nonsense"]}
        assert await csms.call("GetConfiguration", {"key": ["X"] * 61}) == "OccurenceConstraintViolation"

    @pytest.mark.parametrize(
        ("key", "value", "status"),
        [
            ("connectiontimeout", "5", "Accepted"),
            ("ConnectionTimeOut", "5.5", "Rejected"),
            ("ConnectionTimeOut", "-1", "Rejected"),
            ("ConnectionTimeOut", "", "Rejected"),
            ("WebSocketPingInterval", "-1", "Rejected"),
            ("LocalPreAuthorize", "TRUE", "Accepted"),
            ("LocalPreAuthorize", "yes", "Rejected"),
            ("MeterValuesSampledData", "Voltage, Current.Import", "Accepted"),
            ("MeterValuesSampledData", "Voltage,Nonsense", "Rejected"),
            ("MeterValuesSampledData", "Voltage,Voltage,Voltage,Voltage,Voltage", "Rejected"),
            ("StopTxnSampledData", "", "Accepted"),
            ("ConnectorPhaseRotation", "1.RST,2.Unknown", "Accepted"),
            ("ConnectorPhaseRotation", "9.RST", "Rejected"),
            ("NumberOfConnectors", "4", "Rejected"),
            ("HalfmoonTimeZone", "Europe/Madrid", "RebootRequired"),
            ("CpoName", "Somebody", "Accepted"),
            ("Nonsense", "true", "NotSupported"),
            ("AuthorizationKey", "short", "Rejected"),
            ("AuthorizationKey", HEX_KEY, "Accepted"),
            ("SecurityProfile", "0", "Rejected"),
            ("SecurityProfile", "1", "Rejected"),
            ("SecurityProfile", "2", "Rejected"),
        ],
    )
    async def test_changing(self, csms: Csms16, yard: Yard, key: str, value: str, status: str) -> None:
        station = await yard.boot()
        before = (await csms.call("GetConfiguration"))["configurationKey"]
        assert await put(csms, key, value) == status
        after = (await csms.call("GetConfiguration"))["configurationKey"]
        if status not in ("Accepted", "RebootRequired"):
            assert after == before
        elif key not in ("AuthorizationKey", "StopTxnSampledData"):
            assert (await get(csms, key))["value"] == value
            await station.power_off()
            await station.power_on()
            await csms.expect("SecurityEventNotification", 2)
            assert (await get(csms, key))["value"] == value

    async def test_a_new_password_is_used_at_once(self, csms: Csms16, yard: Yard) -> None:
        await yard.boot(identity="CS 1/ü", password="a-very-secret-password")
        assert csms.attempts[0][1].path == "/ocpp/CS%201%2F%C3%BC"
        assert await put(csms, "AuthorizationKey", HEX_KEY) == "Accepted"
        await csms.until(lambda: len(csms.connections) == 2)
        tokens = [attempt[1].headers["Authorization"].split()[1] for attempt in csms.attempts]
        assert [base64.b64decode(token).decode() for token in tokens] == [
            "CS 1/ü:a-very-secret-password",
            "CS 1/ü:OCA_OCTT_admin_test",
        ]
        await csms.silence(0.1)
        assert "value" not in await get(csms, "AuthorizationKey")

    async def test_security_profile_goes_up_once_there_is_a_password(self, csms: Csms16, yard: Yard) -> None:
        await yard.boot()
        assert await put(csms, "AuthorizationKey", HEX_KEY) == "Accepted"
        assert await put(csms, "SecurityProfile", "1") == "Accepted"
        await csms.until(lambda: len(csms.connections) == 2)
        assert "Authorization" not in csms.attempts[0][1].headers
        assert "Authorization" in csms.attempts[1][1].headers

    async def test_keys_of_a_secure_station(self) -> None:
        secure = StationConfig16("wss://x", security=SecuritySetup(profile=3, organization="Operator"))
        names = {key.name: key for key in factory_keys(secure)}
        assert names["SecurityProfile"].value == "3"
        assert names["CpoName"].value == "Operator"
        plain = StationConfig16("ws://x", password="a-very-secret-password", security_extension=False)
        assert "AuthorizationKey" not in {key.name for key in factory_keys(plain)}
        assert "Authorization" in ReferenceStation16(plain).handshake_headers()


class TestAvailability:
    async def test_the_whole_station_stays_unavailable(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.boot()
        assert await csms.call("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}) == ACCEPTED
        for number in range(4):
            await csms.until_status(number, "Unavailable")
        await station.power_off()
        await station.power_on()
        await csms.expect("SecurityEventNotification", 2)
        assert [status["status"] for status in csms.of("StatusNotification")[-4:]] == ["Unavailable"] * 4
        assert await csms.call("RemoteStartTransaction", {"idTag": "A", "connectorId": 1}) == REJECTED
        assert await csms.call("ChangeAvailability", {"connectorId": 2, "type": "Operative"}) == ACCEPTED
        await csms.until_status(2, "Available")
        assert csms.statuses(0)[-1] == csms.statuses(1)[-1] == "Unavailable"

    async def test_after_the_transaction(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.charging()
        assert await csms.call("ChangeAvailability", {"connectorId": 2, "type": "Inoperative"}) == {
            "status": "Scheduled"
        }
        assert await csms.call("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}) == ACCEPTED
        assert await csms.call("ChangeAvailability", {"connectorId": 9, "type": "Inoperative"}) == REJECTED
        await csms.until_status(1, "Unavailable")
        assert csms.statuses(2)[-1] == "Charging"
        await station.present_id_token(1, "A")
        await csms.until_status(2, "Unavailable")

    async def test_faults(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.charging()
        await station.set_fault(1, 2, "GroundFailure")
        status = await csms.until_status(2, "Faulted")
        assert status["errorCode"] == "GroundFailure"
        assert (await csms.expect("StopTransaction"))["reason"] == "Other"
        assert await csms.call("RemoteStartTransaction", {"idTag": "A", "connectorId": 2}) == REJECTED
        await station.set_fault(1, 2, "NoError")
        await csms.until_status(2, "Finishing")


class TestTransactions:
    async def test_plug_first(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.boot()
        await station.plug_in(2, 1)
        await csms.until_status(3, "Preparing")
        await station.present_id_token(2, "A")
        start = await csms.expect("StartTransaction")
        assert start == {"connectorId": 3, "idTag": "A", "meterStart": 0, "timestamp": start["timestamp"]}
        assert csms.of("Authorize") == [{"idTag": "A"}]
        await csms.until_status(3, "Charging")
        await station.ev_suspend(2)
        await csms.until_status(3, "SuspendedEV")
        await station.set_load(2, 3000)
        await station.ev_ready(2)
        await csms.until_status(3, "Charging")
        assert station.connectors[3].meter.power == 3000
        await station.present_id_token(2, "a")
        stop = await csms.expect("StopTransaction", transactionId=7001, reason="Local", idTag="a")
        assert "transactionData" not in stop
        assert stop["meterStop"] >= start["meterStart"]
        await csms.until_status(3, "Finishing")
        await station.unplug(2, 1)
        await csms.until_status(3, "Available")
        assert len(csms.of("Authorize")) == 1

    async def test_card_first(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.boot()
        await station.present_id_token(1, "A")
        await csms.until_status(1, "Preparing")
        await station.plug_in(1, 2)
        await csms.until_status(2, "Charging")
        assert csms.statuses(1) == ["Available", "Preparing", "Available"]
        assert (await csms.expect("StartTransaction"))["connectorId"] == 2

    async def test_card_shown_twice_without_a_plug(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.boot()
        for status in ("Preparing", "Available"):
            await station.present_id_token(2, "A")
            await csms.until_status(3, status)
        assert csms.of("StartTransaction") == []

    async def test_nobody_comes(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.boot(variables={"ConnectionTimeOut": "0"})
        await station.present_id_token(2, "A")
        await csms.until(lambda: csms.statuses(3) == ["Available", "Preparing", "Available"])
        await station.plug_in(2, 1)
        await csms.until_status(3, "Finishing")
        await station.unplug(2, 1)
        await csms.until_status(3, "Available")
        assert csms.of("StartTransaction") == []

    async def test_a_refused_tag_starts_nothing(self, csms: Csms16, yard: Yard) -> None:
        csms.script["Authorize"] += [{"idTagInfo": {"status": "Blocked"}}, "InternalError"]
        station = await yard.boot()
        await station.plug_in(2, 1)
        for count in (1, 2):
            await station.present_id_token(2, "A")
            await csms.expect("Authorize", count)
            await csms.call("GetLocalListVersion")
        assert csms.statuses(3)[-1] == "Preparing"
        assert csms.of("StartTransaction") == []

    async def test_the_same_group_stops(self, csms: Csms16, yard: Yard) -> None:
        group = {"idTagInfo": {"status": "Accepted", "parentIdTag": "G"}}
        csms.script["Authorize"] += [group, {"idTagInfo": ACCEPTED}, group]
        station = await yard.boot()
        await station.plug_in(2, 1)
        await station.present_id_token(2, "A")
        await csms.until_status(3, "Charging")
        for tag, count in (("B", 2), ("C", 3)):
            await station.present_id_token(2, tag)
            await csms.expect("Authorize", count)
            await csms.call("GetLocalListVersion")
        assert (await csms.expect("StopTransaction"))["idTag"] == "C"

    @pytest.mark.parametrize("stops", ["true", "false"])
    async def test_a_tag_that_turns_out_invalid(self, csms: Csms16, yard: Yard, stops: str) -> None:
        csms.script["StartTransaction"] += [{"transactionId": 5, "idTagInfo": {"status": "Invalid"}}]
        station = await yard.boot(variables={"StopTransactionOnInvalidId": stops})
        await station.plug_in(2, 1)
        await station.present_id_token(2, "A")
        if stops == "true":
            await csms.expect("StopTransaction", transactionId=5, reason="DeAuthorized")
            await csms.until_status(3, "Finishing")
        else:
            await csms.until_status(3, "SuspendedEVSE")
            assert station.connectors[3].meter.power == 0
            assert csms.of("StopTransaction") == []

    async def test_remote_start_and_stop(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.boot()
        for number in (0, 9):
            assert await csms.call("RemoteStartTransaction", {"idTag": "R", "connectorId": number}) == REJECTED
        assert await csms.call("RemoteStartTransaction", {"idTag": "R"}) == ACCEPTED
        await csms.until_status(1, "Preparing")
        await station.plug_in(1, 1)
        assert (await csms.expect("StartTransaction"))["idTag"] == "R"
        await csms.call("GetLocalListVersion")
        assert csms.of("Authorize") == []
        assert await csms.call("RemoteStartTransaction", {"idTag": "S", "connectorId": 1}) == REJECTED
        assert await csms.call("RemoteStopTransaction", {"transactionId": 7002}) == REJECTED
        assert await csms.call("RemoteStopTransaction", {"transactionId": 7001}) == ACCEPTED
        assert (await csms.expect("StopTransaction"))["reason"] == "Remote"

    async def test_remote_start_asks_first_if_told_so(self, csms: Csms16, yard: Yard) -> None:
        csms.script["Authorize"] += [{"idTagInfo": {"status": "Invalid"}}]
        await yard.boot(variables={"AuthorizeRemoteTxRequests": "true"})
        assert await csms.call("RemoteStartTransaction", {"idTag": "R", "connectorId": 1}) == ACCEPTED
        await csms.expect("Authorize", idTag="R")
        await csms.call("GetLocalListVersion")
        assert csms.statuses(1) == ["Available"]

    async def test_the_ev_leaves(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.charging()
        await station.unplug(1, 2)
        assert (await csms.expect("StopTransaction"))["reason"] == "EVDisconnected"
        await csms.until_status(2, "Available")
        assert csms.of("StatusNotification", connectorId=2)[-2]["info"] == "EV side disconnected"

    async def test_the_ev_leaves_a_locked_cable_behind(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.charging(variables={"UnlockConnectorOnEVSideDisconnect": "false"})
        await station.unplug(1, 2)
        await csms.expect("StopTransaction")
        await csms.until_status(2, "Finishing")
        await station.unplug(1, 2)
        await csms.silence(0.05)
        await station.present_id_token(1, "A")
        await csms.until_status(2, "Available")
        assert len(csms.of("StartTransaction")) == 1

    async def test_the_ev_leaves_and_may_come_back(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.charging(variables={"StopTransactionOnEVSideDisconnect": "false"})
        await station.unplug(1, 2)
        assert (await csms.until_status(2, "SuspendedEV"))["info"] == "EV side disconnected"
        await station.plug_in(1, 2)
        await csms.until_status(2, "Charging")
        await station.unplug(1, 2)
        await csms.until_status(2, "SuspendedEV")
        assert await csms.call("RemoteStopTransaction", {"transactionId": 7001}) == ACCEPTED
        await csms.until_status(2, "Finishing")
        await station.unplug(1, 2)
        await csms.until_status(2, "Available")

    async def test_unlocking(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.charging()
        for number in (0, 1, 9):
            assert await csms.call("UnlockConnector", {"connectorId": number}) == {"status": "NotSupported"}
        station.connectors[2].jammed = True
        assert await csms.call("UnlockConnector", {"connectorId": 2}) == {"status": "UnlockFailed"}
        station.connectors[2].jammed = False
        assert await csms.call("UnlockConnector", {"connectorId": 2}) == {"status": "Unlocked"}
        assert (await csms.expect("StopTransaction"))["reason"] == "UnlockCommand"
        await csms.until_status(2, "Finishing")

    async def test_meter_values(self, csms: Csms16, yard: Yard) -> None:
        data = {
            "MeterValueSampleInterval": "1",
            "MeterValuesSampledData": "Power.Active.Import,Voltage",
            "StopTxnSampledData": "Energy.Active.Import.Register",
        }
        station = await yard.charging(variables=data)
        values = await csms.expect("MeterValues")
        assert (values["connectorId"], values["transactionId"]) == (2, 7001)
        power, voltage = values["meterValue"][0]["sampledValue"]
        assert (power["value"], power["unit"], power["context"]) == ("11000.0", "W", "Sample.Periodic")
        assert voltage["measurand"] == "Voltage"
        await station.present_id_token(1, "A")
        stop = await csms.expect("StopTransaction")
        contexts = [value["sampledValue"][0]["context"] for value in stop["transactionData"]]
        assert contexts == ["Transaction.Begin", "Sample.Periodic", "Transaction.End"]

    async def test_a_timer_that_goes_off_early_does_not_make_two_samples(self, yard: Yard) -> None:
        station = yard.build()
        station.configuration.store(station.configuration["ClockAlignedDataInterval"], "900")
        station.clock.set(datetime(2026, 11, 21, 9, 14, 59, 999_000, tzinfo=UTC))
        wait = station.seconds_to_alignment()
        assert wait is not None
        assert wait > 899

    async def test_clock_aligned_values(self, csms: Csms16, yard: Yard) -> None:
        await yard.charging(variables={"StopTxnAlignedData": "Voltage"})
        assert await put(csms, "ClockAlignedDataInterval", "1") == "Accepted"
        await csms.expect("MeterValues", 3, within=1.5)
        values = csms.of("MeterValues")
        assert [(value["connectorId"], value.get("transactionId")) for value in values[:3]] == [
            (1, None),
            (2, 7001),
            (3, None),
        ]
        assert values[0]["meterValue"][0]["sampledValue"][0]["context"] == "Sample.Clock"


class TestOffline:
    async def test_a_whole_transaction_comes_later_in_order(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.boot()
        await station.cut_network()
        await station.plug_in(2, 1)
        await station.present_id_token(2, "A")
        await asyncio.wait_for(_until(lambda: station.connectors[3].session.transaction), 1)
        await station.present_id_token(2, "A")
        await asyncio.wait_for(_until(lambda: len(station.outbox) == 2), 1)
        csms.script["StartTransaction"] += [{"transactionId": 0, "idTagInfo": ACCEPTED}]
        await station.restore_network()
        await csms.expect("StopTransaction", transactionId=0)
        actions = [message.action for message in csms.messages]
        assert actions.index("StartTransaction") < actions.index("StopTransaction")
        assert csms.statuses(3) == ["Available", "Finishing"]
        assert len(csms.of("BootNotification")) == 1

    async def test_queue_survives_a_power_cut(self, csms: Csms16, yard: Yard) -> None:
        storage: Payload = {}
        station = await yard.boot(storage=storage)
        await station.cut_network()
        await station.plug_in(2, 1)
        await station.present_id_token(2, "A")
        await asyncio.wait_for(_until(lambda: station.connectors[3].session.transaction), 1)
        await station.power_off()
        assert json.loads(json.dumps(storage)) == storage
        await station.restore_network()
        await station.power_on()
        assert (await csms.expect("StopTransaction"))["reason"] == "PowerLoss"
        assert csms.of("StopTransaction")[0]["transactionId"] == 7001
        await csms.until_status(3, "Finishing")

    async def test_power_cut_while_charging(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.charging()
        await station.power_off()
        await station.power_on()
        await csms.expect("StopTransaction", transactionId=7001, reason="PowerLoss")
        actions = [message.action for message in csms.messages]
        assert actions.index("StopTransaction") > actions.index("BootNotification", 1)

    async def test_unknown_tags_offline(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.boot(variables={"AllowOfflineTxForUnknownId": "false"})
        await csms.call(
            "SendLocalList",
            {
                "listVersion": 1,
                "updateType": "Full",
                "localAuthorizationList": [
                    {"idTag": "GOOD", "idTagInfo": ACCEPTED},
                    {"idTag": "BAD", "idTagInfo": {"status": "Blocked"}},
                    {"idTag": "OLD", "idTagInfo": {"status": "Accepted", "expiryDate": "2020-01-01T00:00:00Z"}},
                ],
            },
        )
        station.cache["cached"] = ACCEPTED
        await station.cut_network()
        answers = [(await station.authorize(tag))["status"] for tag in ("good", "BAD", "OLD", "CACHED", "UNKNOWN")]
        assert answers == ["Accepted", "Blocked", "Expired", "Accepted", "Invalid"]

    async def test_messages_are_tried_again_and_given_up(self, csms: Csms16, yard: Yard) -> None:
        csms.script["StartTransaction"] += ["InternalError", "InternalError"]
        quick = {"TransactionMessageAttempts": "2", "TransactionMessageRetryInterval": "0"}
        station = await yard.boot(variables=quick)
        await station.plug_in(2, 1)
        await station.present_id_token(2, "A")
        await csms.expect("StartTransaction", 2)
        await station.present_id_token(2, "A")
        await csms.expect("StopTransaction", transactionId=-1)
        assert len(csms.of("StartTransaction")) == 2

    async def test_retry_interval_grows(self, yard: Yard) -> None:
        station = yard.build(variables={"TransactionMessageRetryInterval": "60"})
        assert [station.retry_wait("StopTransaction", attempts) for attempts in (1, 2, 3)] == [60, 120, None]
        assert station.retry_wait("SecurityEventNotification", 9) is not None

    async def test_reconnects_without_another_boot(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.boot()
        csms.refuse = lambda connection: connection.respond(HTTPStatus.NOT_FOUND, "")
        assert csms.connection is not None
        await csms.connection.close()
        await csms.until(lambda: len(csms.attempts) >= 3)
        csms.refuse = None
        await csms.until(lambda: len(csms.connections) == 2)
        await csms.silence(0.1)
        slow = yard.build(back_off_minimum=3.0, back_off_spread=2.0, back_off_doublings=2)
        for attempt, base in ((1, 3), (2, 6), (3, 12), (4, 12)):
            assert base <= slow.reconnect_wait(attempt) <= base + 2
        assert station.slot_to_dial() == "1"


async def _until(condition: Any) -> None:
    """Let the station work until something holds that no message tells of."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0)


class TestReset:
    @pytest.mark.parametrize("kind", ["Soft", "Hard"])
    async def test_ends_the_transaction_first(self, csms: Csms16, yard: Yard, kind: str) -> None:
        await yard.charging()
        assert await csms.call("Reset", {"type": kind}) == ACCEPTED
        assert (await csms.expect("StopTransaction"))["reason"] == f"{kind}Reset"
        await csms.expect("SecurityEventNotification", type="ResetOrReboot")
        assert len(csms.of("BootNotification")) == 2
        assert csms.statuses(2)[-1] == "Finishing"
        assert csms.statuses(3) == ["Available", "Available"]

    async def test_what_is_not_delivered_comes_after_the_boot(self, csms: Csms16, yard: Yard) -> None:
        csms.silent.add("StopTransaction")
        await yard.charging(reset_patience=0.1)
        await csms.call("Reset", {"type": "Hard"})
        await csms.expect("BootNotification", 2)
        csms.silent.clear()
        await csms.expect("StopTransaction", 2, transactionId=7001, reason="HardReset")


class TestFraming:
    @pytest.mark.parametrize(
        ("raw", "message_id", "code"),
        [
            ('[2,7,"Reset",{}]', "-1", "FormationViolation"),
            ('[2,"a",["Reset"],{}]', "a", "FormationViolation"),
            ('[2,"a","Reset"]', "a", "FormationViolation"),
            ('[2,"a","Nonsense",{}]', "a", "NotImplemented"),
            ('[2,"a","reset",{}]', "a", "NotImplemented"),
            ('[2,"a","BootNotification",{}]', "a", "NotSupported"),
            ('[2,"a","GetDiagnostics",{"location":"ftp://x"}]', "a", "NotSupported"),
            ('[2,"a","UpdateFirmware",{}]', "a", "NotSupported"),
            ('[2,"a","Reset",[]]', "a", "FormationViolation"),
            ('[2,"a","Reset",{}]', "a", "OccurenceConstraintViolation"),
            ('[2,"a","Reset",{"type":7}]', "a", "TypeConstraintViolation"),
            ('[2,"a","Reset",{"type":"Sometime"}]', "a", "PropertyConstraintViolation"),
            ('[2,"a","Reset",{"type":"Soft","more":1}]', "a", "FormationViolation"),
        ],
    )
    async def test_bad_calls(self, csms: Csms16, yard: Yard, raw: str, message_id: str, code: str) -> None:
        await yard.boot()
        await csms.send_raw(raw)
        frame = await asyncio.wait_for(csms.raw.get(), 2)
        assert frame[:3] == [4, message_id, code]
        assert isinstance(frame[3], str)
        assert frame[4] == {}
        assert len(frame) == 5

    async def test_what_is_ignored(self, csms: Csms16, yard: Yard) -> None:
        await yard.boot()
        for raw in ("[" * 100_000, '[2,"a","ClearCache",NaN]', '[2.0,"a","ClearCache",{}]'):
            await csms.send_raw(raw)
        for raw in ("{", "{}", "[]", '[9,"a","Reset",{}]', '[true,"a"]', '[3,"x",{}]', '[4,"x","InternalError","",{}]'):
            await csms.send_raw(raw)
        for raw in ('[3,"x"]', "[4]", "[3]"):
            await csms.send_raw(raw)
        assert await csms.call("GetLocalListVersion") == {"listVersion": 0}
        assert csms.raw.empty()

    async def test_null_is_an_empty_payload(self, csms: Csms16, yard: Yard) -> None:
        await yard.boot()
        await csms.send_raw('[2,"a","GetLocalListVersion",null]')
        assert await asyncio.wait_for(csms.raw.get(), 2) == [3, "a", {"listVersion": 0}]

    async def test_times_of_iso_8601(self, csms: Csms16, yard: Yard) -> None:
        csms.script["BootNotification"] += [{"currentTime": "2031-05-05T05:05:05", "interval": 5, "status": "Accepted"}]
        station = await yard.boot()
        assert station.clock.stamp().startswith("2031-05-05")

    async def test_one_call_at_a_time_and_answers_in_between(self, csms: Csms16, yard: Yard) -> None:
        csms.silent.add("Authorize")
        station = await yard.boot()
        await station.present_id_token(1, "A")
        await csms.expect("Authorize")
        await station.plug_in(2, 1)
        await csms.silence(0.1)
        assert await csms.call("ClearCache") == ACCEPTED


class TestLocalListAndCache:
    async def test_list(self, csms: Csms16, yard: Yard) -> None:
        await yard.boot()

        async def send(version: int, kind: str, *entries: Payload) -> str:
            request = {"listVersion": version, "updateType": kind, "localAuthorizationList": list(entries)}
            status: str = (await csms.call("SendLocalList", request))["status"]
            return status

        entry = {"idTag": "A", "idTagInfo": ACCEPTED}
        assert await send(0, "Full", entry) == "Failed"
        assert await send(2, "Full", {"idTag": "A"}) == "Failed"
        assert await send(2, "Full", entry, entry) == "Failed"
        assert await send(2, "Full", *({"idTag": str(n), "idTagInfo": ACCEPTED} for n in range(21))) == "Failed"
        assert await csms.call("GetLocalListVersion") == {"listVersion": 0}
        assert await send(2, "Full", entry) == "Accepted"
        assert await send(2, "Differential", entry) == "VersionMismatch"
        assert await send(3, "Differential", {"idTag": "B", "idTagInfo": ACCEPTED}, {"idTag": "a"}) == "Accepted"
        assert await csms.call("GetLocalListVersion") == {"listVersion": 3}
        assert await put(csms, "LocalAuthListEnabled", "false") == "Accepted"
        assert await csms.call("GetLocalListVersion") == {"listVersion": -1}
        assert await send(4, "Full") == "NotSupported"

    async def test_preauthorized_by_the_list_and_contradicted(self, csms: Csms16, yard: Yard) -> None:
        csms.script["StartTransaction"] += [{"transactionId": 1, "idTagInfo": {"status": "Blocked"}}]
        station = await yard.boot(variables={"LocalPreAuthorize": "true"})
        entry = {"idTag": "A", "idTagInfo": ACCEPTED}
        request = {"listVersion": 1, "updateType": "Full", "localAuthorizationList": [entry]}
        assert await csms.call("SendLocalList", request) == ACCEPTED
        await station.plug_in(2, 1)
        await station.present_id_token(2, "A")
        await csms.expect("StopTransaction", reason="DeAuthorized")
        assert csms.of("Authorize") == []
        await csms.expect("StatusNotification", errorCode="LocalListConflict", connectorId=0)

    async def test_cache(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.charging(variables={"LocalPreAuthorize": "true"})
        await station.present_id_token(1, "A")
        await csms.until_status(2, "Finishing")
        await station.present_id_token(2, "A")
        await csms.until_status(3, "Preparing")
        assert len(csms.of("Authorize")) == 1
        station.cache.update({str(number): {"status": "Blocked"} for number in range(100)})
        station.learn("B", ACCEPTED)
        assert set(station.cache) == {"a", "b"}
        station.cache.update({str(number): ACCEPTED for number in range(98)})
        station.learn("C", ACCEPTED)
        assert len(station.cache) == 100
        assert "a" not in station.cache
        assert await csms.call("ClearCache") == ACCEPTED
        assert station.cache == {}
        assert await put(csms, "AuthorizationCacheEnabled", "false") == "Accepted"
        assert await csms.call("ClearCache") == REJECTED


class TestReservations:
    async def test_only_for_who_reserved(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.boot()
        request = {"connectorId": 3, "expiryDate": LATER, "idTag": "A", "reservationId": 4}
        assert await csms.call("ReserveNow", {**request, "connectorId": 0}) == REJECTED
        assert await csms.call("ReserveNow", request) == ACCEPTED
        await csms.until_status(3, "Reserved")
        assert await csms.call("ReserveNow", request) == ACCEPTED
        assert await csms.call("ReserveNow", {**request, "reservationId": 5}) == {"status": "Occupied"}
        assert await csms.call("RemoteStartTransaction", {"idTag": "B", "connectorId": 3}) == REJECTED
        await station.plug_in(2, 1)
        await station.present_id_token(2, "A")
        assert (await csms.expect("StartTransaction"))["reservationId"] == 4
        assert await csms.call("CancelReservation", {"reservationId": 4}) == REJECTED

    async def test_ends(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.boot()
        request = {"connectorId": 3, "expiryDate": LATER, "idTag": "A", "parentIdTag": "G", "reservationId": 4}
        assert await csms.call("ReserveNow", request) == ACCEPTED
        assert station.may_use(station.connectors[3], "B", "g")
        assert await csms.call("CancelReservation", {"reservationId": 4}) == ACCEPTED
        await csms.until_status(3, "Available")
        moment = station.clock.now().isoformat()[:19]
        assert await csms.call("ReserveNow", {**request, "expiryDate": f"{moment}.999Z"}) == ACCEPTED
        await csms.until(lambda: csms.statuses(3)[-2:] == ["Reserved", "Available"])
        assert await csms.call("ReserveNow", request) == ACCEPTED
        assert await csms.call("ChangeAvailability", {"connectorId": 3, "type": "Inoperative"}) == ACCEPTED
        await csms.until_status(3, "Unavailable")
        assert await csms.call("ReserveNow", request) == {"status": "Unavailable"}
        assert station.reservations == {}


class TestOtherCalls:
    async def test_triggers(self, csms: Csms16, yard: Yard) -> None:
        await yard.boot()

        async def trigger(message: str, connector: int | None = None, kind: str = "TriggerMessage") -> str:
            request: Payload = {"requestedMessage": message}
            if connector is not None:
                request["connectorId"] = connector
            status: str = (await csms.call(kind, request))["status"]
            return status

        assert await trigger("Heartbeat") == "Accepted"
        await csms.expect("Heartbeat")
        assert await trigger("MeterValues", 3) == "Accepted"
        values = await csms.expect("MeterValues")
        assert values["connectorId"] == 3
        assert values["meterValue"][0]["sampledValue"][0]["context"] == "Trigger"
        assert await trigger("StatusNotification", 9) == "Rejected"
        assert await trigger("StatusNotification") == "Accepted"
        await csms.expect("StatusNotification", 8)
        assert await trigger("StatusNotification", 0) == "Accepted"
        await csms.expect("StatusNotification", 3, connectorId=0)
        for message in ("DiagnosticsStatusNotification", "FirmwareStatusNotification"):
            assert await trigger(message) == "Accepted"
            await csms.expect(message, status="Idle")
        extended = "ExtendedTriggerMessage"
        assert await trigger("SignChargePointCertificate", kind=extended) == "Accepted"
        await csms.expect("SignCertificate")
        assert await trigger("FirmwareStatusNotification", kind=extended) == "Accepted"
        await csms.expect("SignedFirmwareStatusNotification", status="Idle")
        assert await trigger("LogStatusNotification", kind=extended) == "Accepted"
        await csms.expect("LogStatusNotification", status="Idle")

    async def test_polite_refusals(self, csms: Csms16, yard: Yard) -> None:
        await yard.boot()
        assert await csms.call("DataTransfer", {"vendorId": "x"}) == {"status": "UnknownVendorId"}
        assert await csms.call("DataTransfer", {"vendorId": "Halfmoon Charging"}) == {"status": "UnknownMessageId"}
        root = {"certificateType": "CentralSystemRootCertificate"}
        assert await csms.call("GetInstalledCertificateIds", root) == {"status": "NotFound"}
        assert await csms.call("InstallCertificate", {**root, "certificate": "x"}) == REJECTED
        assert await csms.call("CertificateSigned", {"certificateChain": "x"}) == REJECTED
        hashes = dict.fromkeys(("issuerNameHash", "issuerKeyHash", "serialNumber"), "0")
        data = {"certificateHashData": {"hashAlgorithm": "SHA256", **hashes}}
        assert await csms.call("DeleteCertificate", data) == {"status": "NotFound"}

    async def test_pings(self, csms: Csms16, yard: Yard) -> None:
        await yard.boot()
        assert csms.connection is not None
        pinged = asyncio.Event()
        receive = csms.connection.protocol.recv_frame

        def watch(frame: Any) -> None:
            if frame.opcode.name == "PING":
                pinged.set()
            receive(frame)

        csms.connection.protocol.recv_frame = watch  # type: ignore[method-assign]
        assert await put(csms, "WebSocketPingInterval", "1") == "Accepted"
        await asyncio.wait_for(pinged.wait(), 2)

    async def test_unknown_places(self, yard: Yard) -> None:
        station = yard.build()
        with pytest.raises(KeyError):
            await station.plug_in(3, 1)
        with pytest.raises(KeyError):
            await station.unplug(1, 3)


class TestMutants:
    async def test_registry(self) -> None:
        assert MUTANTS["password-readable"] is configuration_mutants.PasswordReadable
        assert name_of(CONTROL) not in MUTANTS
        assert claims_of(CONTROL) == {}
        known: set[str] = set()
        for file in CATALOGUE.glob("requirements-*.toml"):
            known |= {row["id"] for row in tomllib.loads(file.read_text(encoding="utf-8"))["requirement"]}
        for mutant in MUTANTS.values():
            assert mutant.__doc__
            assert {mutant.breaks, *getattr(mutant, "also", ())} <= known

    @pytest.mark.parametrize("name", sorted(MUTANTS))
    async def test_every_mutant_can_be_built(self, yard: Yard, name: str) -> None:
        yard.build(MUTANTS[name])  # what it does wrong, and that it is found out, is for `prove`

    async def test_control_is_compliant(self, csms: Csms16, yard: Yard) -> None:
        station = await yard.boot(CONTROL)
        listed = (await csms.call("GetConfiguration"))["configurationKey"]
        assert "AuthorizationKey" not in {entry["key"] for entry in listed}
        await csms.call("GetConfiguration", {"key": ["HeartbeatInterval", "Nonsense"]})
        await station.plug_in(2, 1)
        await csms.until_status(3, "Preparing")

    async def test_a_mutant_takes_nonsense_and_lives_on(self, csms: Csms16, yard: Yard) -> None:
        await yard.boot(configuration_mutants.AnyValueTaken)
        assert await put(csms, "HeartbeatInterval", "nonsense") == "Accepted"
        assert (await get(csms, "HeartbeatInterval"))["value"] == "nonsense"
        assert await csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"}) == ACCEPTED
        await csms.expect("Heartbeat")


_START = 60
"""Seconds in which a Python that loads the reference has surely come up, or ended, on a busy machine."""


class TestProcess:
    async def start(self, csms: Csms16, *words: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "conformance.reference.station16", "--csms-url", csms.url, "--identity", "P1", *words),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "OCPP_PASSWORD": "a-very-secret-password"},
        )

    async def test_actions(self, csms: Csms16) -> None:
        process = await self.start(csms, "--off", "--mutant", "station-unreported")
        assert process.stdin is not None
        assert process.stdout is not None
        ready = json.loads(await process.stdout.readline())
        assert {"power_on", "plug_in", "present_id_token", "set_load"} <= set(ready["actions"])
        assert csms.attempts == []
        lines = [
            {"id": 1, "action": "power_on"},
            {"id": 2, "action": "plug_in", "args": {"evse": 9, "connector": 1}},
            {"id": 3, "action": "present_id_token", "args": {"evse": 1, "idToken": "A", "type": "Central"}},
        ]
        process.stdin.write("".join(json.dumps(line) + "\n" for line in lines).encode())
        outcomes = [json.loads(await process.stdout.readline()) for _ in range(3)]
        assert [outcome.get("result") for outcome in outcomes] == ["done", "failed", "done"]
        await csms.expect("SecurityEventNotification")
        assert csms.statuses(0) == []
        assert "Authorization" in csms.attempts[0][1].headers
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), _START) == 0

    async def test_unknown_mutant(self, csms: Csms16) -> None:
        process = await self.start(csms, "--mutant", "nonsense")
        assert await asyncio.wait_for(process.wait(), _START) == 1
