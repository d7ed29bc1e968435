"""Behaviour of the reference station, seen from a CSMS."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest

from conformance.reference.mutants import boot as boot_mutants
from conformance.reference.station import ReferenceStation, StationConfig
from conformance.reference.variants import variants

if TYPE_CHECKING:
    from tests.reference.conftest import Csms, Yard

pytestmark = pytest.mark.asyncio(loop_scope="function")

NOW = "2030-01-02T03:04:05.678Z"
Payload = dict[str, Any]
CONTROL = variants("station", "2.0.1").control
MUTANTS = variants("station", "2.0.1").mutants


def boot(status: str, interval: int = 300) -> Payload:
    return {"currentTime": NOW, "interval": interval, "status": status}


def item(component: str, variable: str, value: str | None = None, **more: Any) -> Payload:
    entry: Payload = {"component": {"name": component}, "variable": {"name": variable}, **more}
    return entry if value is None else {**entry, "attributeValue": value}


async def get(csms: Csms, component: str, variable: str, **more: Any) -> Payload:
    answer = await csms.call("GetVariables", {"getVariableData": [item(component, variable, **more)]})
    result: Payload = answer["getVariableResult"][0]
    return result


async def put(csms: Csms, component: str, variable: str, value: str, **more: Any) -> str:
    answer = await csms.call("SetVariables", {"setVariableData": [item(component, variable, value, **more)]})
    status: str = answer["setVariableResult"][0]["attributeStatus"]
    return status


class TestBoot:
    async def test_reports_itself_once_accepted(self, csms: Csms, yard: Yard) -> None:
        await yard.boot()
        assert [message.action for message in csms.messages] == [
            "BootNotification",
            *["StatusNotification"] * 3,
            "SecurityEventNotification",
        ]
        assert csms.messages[0].payload["reason"] == "PowerUp"
        assert [(status["evseId"], status["connectorId"]) for status in csms.of("StatusNotification")] == [
            (1, 1),
            (1, 2),
            (2, 1),
        ]
        assert csms.of("StatusNotification")[0]["timestamp"] >= NOW

    async def test_adopts_the_interval_unless_it_is_zero(self, csms: Csms, yard: Yard) -> None:
        csms.script["BootNotification"] += [boot("Accepted", 77), boot("Accepted", 0)]
        station = await yard.boot()
        assert (await get(csms, "OCPPCommCtrlr", "HeartbeatInterval"))["attributeValue"] == "77"
        await station.power_off()
        await station.power_on()
        await csms.expect("SecurityEventNotification", 2)
        assert (await get(csms, "OCPPCommCtrlr", "HeartbeatInterval"))["attributeValue"] == "300"

    async def test_pending_serves_the_csms_and_waits_for_the_trigger(self, csms: Csms, yard: Yard) -> None:
        csms.script["BootNotification"] += [boot("Pending", 60), boot("Pending", 60)]
        station = yard.build()
        await station.power_on()
        await csms.expect("BootNotification")
        assert (await get(csms, "OCPPCommCtrlr", "HeartbeatInterval"))["attributeStatus"] == "Accepted"
        start = {"idToken": {"idToken": "A", "type": "Central"}, "remoteStartId": 1, "evseId": 1}
        assert await csms.call("RequestStartTransaction", start) == {"status": "Rejected"}
        assert await csms.call("RequestStopTransaction", {"transactionId": "x"}) == {"status": "Rejected"}
        await csms.call("GetBaseReport", {"requestId": 3, "reportBase": "SummaryInventory"})
        await csms.expect("NotifyReport", requestId=3, tbc=False)
        trigger = {"requestedMessage": "StatusNotification", "evse": {"id": 2, "connectorId": 1}}
        assert await csms.call("TriggerMessage", trigger) == {"status": "Accepted"}
        await csms.expect("StatusNotification")
        await station.plug_in(1, 1)
        for count in (2, 3):
            assert await csms.call("TriggerMessage", {"requestedMessage": "BootNotification"}) == {"status": "Accepted"}
            assert (await csms.expect("BootNotification", count))["reason"] == "Triggered"
        await csms.expect("SecurityEventNotification")
        assert len(csms.of("StatusNotification")) == 4
        assert await csms.call("TriggerMessage", {"requestedMessage": "BootNotification"}) == {"status": "Rejected"}
        assert (await csms.expect("TransactionEvent"))["triggerReason"] == "CablePluggedIn"
        assert len(csms.connections) == 1

    async def test_rejected_keeps_silent_and_refuses(self, csms: Csms, yard: Yard) -> None:
        csms.script["BootNotification"] += [boot("Rejected", 1)]
        await yard.build().power_on()
        await csms.expect("BootNotification")
        assert await csms.call("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"}) == "SecurityError"
        await csms.silence(0.7)
        assert (await csms.expect("BootNotification", 2))["reason"] == "PowerUp"
        await csms.expect("SecurityEventNotification")

    @pytest.mark.parametrize("answer", [boot("Pending", 0), boot("Rejected", 0), "InternalError", {"status": "?"}])
    async def test_tries_again_at_its_own_pace(self, csms: Csms, yard: Yard, answer: Any) -> None:
        csms.script["BootNotification"] += [answer]
        await yard.boot()
        first, second = (message.at for message in csms.messages[:2])
        assert csms.messages[1].action == "BootNotification"
        assert second - first >= 0.09

    async def test_boots_after_a_link_lost_too_early(self, csms: Csms, yard: Yard) -> None:
        csms.silent.add("BootNotification")
        await yard.build().power_on()
        await csms.expect("BootNotification")
        csms.silent.clear()
        assert csms.connection is not None
        csms.connection.transport.abort()
        await csms.expect("SecurityEventNotification")
        assert len(csms.of("BootNotification")) == 2


class TestHeartbeat:
    async def test_beats_when_nothing_else_is_sent_and_sets_the_clock(self, csms: Csms, yard: Yard) -> None:
        csms.script["BootNotification"] += [boot("Accepted", 1)]
        csms.script["Heartbeat"] += [{"currentTime": "2031-05-05T00:00:00Z"}]
        await yard.boot()
        await csms.expect("Heartbeat", 2)
        last = (await get(csms, "ClockCtrlr", "DateTime"))["attributeValue"]
        assert last.startswith("2030-01-02")
        first, second = (message.at for message in csms.messages if message.action == "Heartbeat")
        assert second - first == pytest.approx(1, abs=0.3)

    async def test_a_new_interval_counts_at_once(self, csms: Csms, yard: Yard) -> None:
        await yard.boot()
        assert await put(csms, "OCPPCommCtrlr", "HeartbeatInterval", "1") == "Accepted"
        await csms.expect("Heartbeat", within=1.6)

    async def test_keeps_its_clock_without_heartbeat_as_time_source(self, csms: Csms, yard: Yard) -> None:
        await yard.boot(variables={"ClockCtrlr.TimeSource": "RealTimeClock"})
        assert not csms.of("StatusNotification")[0]["timestamp"].startswith("2030-01-02T03:04")


class TestVariables:
    @pytest.mark.parametrize(
        ("component", "variable", "more", "status"),
        [
            ("ocppcommctrlr", "HEARTBEATinterval", {}, "Accepted"),
            ("Nonsense", "HeartbeatInterval", {}, "UnknownComponent"),
            ("OCPPCommCtrlr", "Nonsense", {}, "UnknownVariable"),
            ("OCPPCommCtrlr", "MessageTimeout", {}, "UnknownVariable"),
            ("OCPPCommCtrlr", "HeartbeatInterval", {"attributeType": "MaxSet"}, "NotSupportedAttributeType"),
            ("SecurityCtrlr", "BasicAuthPassword", {}, "Rejected"),
        ],
    )
    async def test_reading(
        self, csms: Csms, yard: Yard, component: str, variable: str, more: Payload, status: str
    ) -> None:
        await yard.boot()
        result = await get(csms, component, variable, **more)
        assert result["attributeStatus"] == status
        assert result["attributeType"] == more.get("attributeType", "Actual")
        assert result["component"] == {"name": component}
        assert ("attributeValue" in result) is (status == "Accepted")

    @pytest.mark.parametrize(
        ("component", "variable", "value", "status"),
        [
            ("OCPPCommCtrlr", "OfflineThreshold", "5", "Accepted"),
            ("OCPPCommCtrlr", "OfflineThreshold", "5.5", "Rejected"),
            ("OCPPCommCtrlr", "OfflineThreshold", "-1", "Rejected"),
            ("AuthCtrlr", "LocalPreAuthorize", "yes", "Rejected"),
            ("TxCtrlr", "TxStartPoint", "PowerPathClosed", "Accepted"),
            ("TxCtrlr", "TxStartPoint", "EVConnected,Nonsense", "Rejected"),
            ("OCPPCommCtrlr", "NetworkConfigurationPriority", "1", "RebootRequired"),
            ("OCPPCommCtrlr", "NetworkConfigurationPriority", "2,1", "Rejected"),
            ("OCPPCommCtrlr", "ActiveNetworkProfile", "2", "Rejected"),
            ("SecurityCtrlr", "BasicAuthPassword", "short", "Rejected"),
            ("SecurityCtrlr", "OrganizationName", "Elsewhere", "Accepted"),
            ("SecurityCtrlr", "Nonsense", "1", "UnknownVariable"),
            ("Nonsense", "Nonsense", "1", "UnknownComponent"),
        ],
    )
    async def test_writing(
        self, csms: Csms, yard: Yard, component: str, variable: str, value: str, status: str
    ) -> None:
        await yard.boot()
        assert await put(csms, component, variable, value) == status

    async def test_instances_evses_and_number_of_results(self, csms: Csms, yard: Yard) -> None:
        await yard.boot()
        wanted = [
            {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "MessageTimeout", "instance": "default"}},
            {"component": {"name": "EVSE", "evse": {"id": 2}}, "variable": {"name": "AvailabilityState"}},
            {"component": {"name": "EVSE", "evse": {"id": 9}}, "variable": {"name": "AvailabilityState"}},
        ]
        results = (await csms.call("GetVariables", {"getVariableData": wanted}))["getVariableResult"]
        assert [result.get("attributeValue") for result in results] == ["2", "Available", None]
        assert [result["component"] for result in results] == [entry["component"] for entry in wanted]
        too_many = {"getVariableData": wanted[:1] * 21}
        assert await csms.call("GetVariables", too_many) == "OccurrenceConstraintViolation"

    async def test_settings_survive_reset_and_power_cycle(self, csms: Csms, yard: Yard) -> None:
        storage: Payload = {}
        station = await yard.boot(storage=storage)
        await put(csms, "OCPPCommCtrlr", "OfflineThreshold", "42")
        await csms.call("Reset", {"type": "Immediate"})
        await csms.expect("SecurityEventNotification", 2)
        assert (await get(csms, "OCPPCommCtrlr", "OfflineThreshold"))["attributeValue"] == "42"
        await station.power_off()
        other = yard.build(storage=json.loads(json.dumps(storage)))
        await other.power_on()
        await csms.expect("SecurityEventNotification", 3)
        assert (await get(csms, "OCPPCommCtrlr", "OfflineThreshold"))["attributeValue"] == "42"


class TestReports:
    async def report(self, csms: Csms, action: str, request: Payload) -> list[Payload]:
        assert await csms.call(action, request) == {"status": "Accepted"}
        await csms.expect("NotifyReport", requestId=request["requestId"], tbc=False)
        parts = csms.of("NotifyReport", requestId=request["requestId"])
        assert [part["seqNo"] for part in parts] == list(range(len(parts)))
        assert [part["tbc"] for part in parts] == [True] * (len(parts) - 1) + [False]
        return [entry for part in parts for entry in part["reportData"]]

    async def test_full_inventory_is_complete_and_keeps_secrets(self, csms: Csms, yard: Yard) -> None:
        await yard.boot(password="a-very-secret-password")
        entries = await self.report(csms, "GetBaseReport", {"requestId": 5, "reportBase": "FullInventory"})
        names = {(entry["component"]["name"], entry["variable"]["name"]) for entry in entries}
        assert {("EVSE", "Power"), ("Connector", "ConnectorType"), ("ClockCtrlr", "DateTime")} <= names
        assert len({json.dumps([entry["component"], entry["variable"]]) for entry in entries}) == len(entries)
        for entry in entries:
            for attribute in entry["variableAttribute"]:
                assert ("value" in attribute) is (attribute["mutability"] != "WriteOnly")
            kind = entry["variableCharacteristics"]
            if kind["dataType"].endswith("List"):
                values = entry["variableAttribute"][0]["value"].split(",")
                assert set(values) <= set(kind["valuesList"].split(","))
        assert "secret" not in json.dumps(entries)
        power = next(entry for entry in entries if entry["variable"]["name"] == "Power")
        assert power["variableCharacteristics"]["maxLimit"] == 22000

    async def test_configuration_and_summary(self, csms: Csms, yard: Yard) -> None:
        await yard.boot()
        settable = await self.report(csms, "GetBaseReport", {"requestId": 6, "reportBase": "ConfigurationInventory"})
        assert {entry["variableAttribute"][0]["mutability"] for entry in settable} == {"ReadWrite", "WriteOnly"}
        summary = await self.report(csms, "GetBaseReport", {"requestId": 7, "reportBase": "SummaryInventory"})
        assert sum(entry["variable"]["name"] == "AvailabilityState" for entry in summary) == 6

    async def test_custom_reports(self, csms: Csms, yard: Yard) -> None:
        await yard.boot()
        asked = {"component": {"name": "EVSE"}, "variable": {"name": "AvailabilityState"}}
        entries = await self.report(csms, "GetReport", {"requestId": 8, "componentVariable": [asked]})
        assert [entry["component"]["evse"]["id"] for entry in entries] == [1, 2]
        problem = {"requestId": 9, "componentCriteria": ["Problem"]}
        assert await csms.call("GetReport", problem) == {"status": "EmptyResultSet"}
        available = {"requestId": 10, "componentCriteria": ["Available"], "componentVariable": [asked]}
        assert len(await self.report(csms, "GetReport", available)) == 2

    async def test_one_after_the_other(self, csms: Csms, yard: Yard) -> None:
        await yard.boot()
        for number in (1, 2):
            await csms.call("GetBaseReport", {"requestId": number, "reportBase": "FullInventory"})
        await csms.expect("NotifyReport", requestId=2, tbc=False)
        ids = [part["requestId"] for part in csms.of("NotifyReport")]
        assert ids == sorted(ids)


class TestStatusAndReset:
    async def test_availability_lasts(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot()
        change = {"operationalStatus": "Inoperative", "evse": {"id": 1}}
        for _ in range(2):
            assert await csms.call("ChangeAvailability", change) == {"status": "Accepted"}
        await csms.expect("StatusNotification", 2, connectorStatus="Unavailable")
        await station.power_off()
        await station.power_on()
        await csms.expect("SecurityEventNotification", 2)
        assert [status["connectorStatus"] for status in csms.of("StatusNotification")[-3:]] == [
            "Unavailable",
            "Unavailable",
            "Available",
        ]
        await csms.call("ChangeAvailability", {"operationalStatus": "Operative", "evse": {"id": 1}})
        await csms.expect("StatusNotification", connectorStatus="Available", connectorId=2)
        unknown = {"operationalStatus": "Operative", "evse": {"id": 7}}
        assert (await csms.call("ChangeAvailability", unknown))["status"] == "Rejected"

    async def test_availability_waits_for_a_transaction(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot()
        await station.plug_in(1, 1)
        await csms.expect("TransactionEvent")
        assert await csms.call("ChangeAvailability", {"operationalStatus": "Inoperative"}) == {"status": "Scheduled"}
        await csms.expect("StatusNotification", connectorStatus="Unavailable", evseId=2)
        assert not csms.of("StatusNotification", connectorStatus="Unavailable", evseId=1)
        await station.unplug(1, 1)
        await csms.expect("StatusNotification", connectorStatus="Unavailable", evseId=1, connectorId=1)

    @pytest.mark.parametrize("kind", ["OnIdle", "Immediate"])
    async def test_reset_when_idle(self, csms: Csms, yard: Yard, kind: str) -> None:
        await yard.boot()
        assert await csms.call("Reset", {"type": kind}) == {"status": "Accepted"}
        assert (await csms.expect("BootNotification", 2))["reason"] == "RemoteReset"
        assert (await csms.expect("SecurityEventNotification", 2))["type"] == "ResetOrReboot"
        assert len(csms.connections) == 2
        assert len(csms.of("StatusNotification")) == 6

    async def test_immediate_reset_ends_transactions_first(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot()
        await station.plug_in(1, 1)
        await station.present_id_token(1, "A")
        await csms.until(lambda: [e for e in csms.of("TransactionEvent") if "idToken" in e])
        assert await csms.call("Reset", {"type": "Immediate"}) == {"status": "Accepted"}
        await csms.expect("BootNotification", 2)
        ended = csms.of("TransactionEvent")[-1]
        assert (ended["eventType"], ended["triggerReason"]) == ("Ended", "ResetCommand")
        assert ended["transactionInfo"]["stoppedReason"] == "ImmediateReset"
        assert ended["transactionInfo"]["chargingState"] == "EVConnected"
        await csms.expect("StatusNotification", connectorStatus="Occupied", count=2)

    async def test_unanswered_end_is_sent_again_after_the_reset(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot(reset_patience=0.1)
        await station.plug_in(1, 1)
        await csms.expect("TransactionEvent")
        csms.silent.add("TransactionEvent")
        await csms.call("Reset", {"type": "Immediate"})
        await csms.expect("TransactionEvent", eventType="Ended")
        csms.silent.clear()
        await csms.expect("BootNotification", 2)
        again = await csms.expect("TransactionEvent", 2, eventType="Ended")
        assert again["offline"] is True

    async def test_scheduled_reset_waits_for_the_last_transaction(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot()
        await station.plug_in(1, 1)
        await station.plug_in(2, 1)
        await csms.expect("TransactionEvent", 2)
        assert await csms.call("Reset", {"type": "OnIdle"}) == {"status": "Scheduled"}
        await station.unplug(1, 1)
        await csms.silence(0.0)
        await station.unplug(2, 1)
        assert (await csms.expect("BootNotification", 2))["reason"] == "ScheduledReset"
        assert len(csms.of("TransactionEvent", eventType="Ended")) == 2

    async def test_reset_of_one_evse(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot()
        await station.plug_in(1, 1)
        await csms.expect("TransactionEvent")
        assert await csms.call("Reset", {"type": "OnIdle", "evseId": 2}) == {"status": "Accepted"}
        await csms.expect("StatusNotification", 2, evseId=2, connectorStatus="Available")
        assert await csms.call("Reset", {"type": "Immediate", "evseId": 1}) == {"status": "Accepted"}
        await csms.expect("TransactionEvent", eventType="Ended", triggerReason="ResetCommand")
        await csms.expect("StatusNotification", 2, evseId=1, connectorId=1, connectorStatus="Occupied")
        assert await csms.call("Reset", {"type": "Immediate", "evseId": 9}) == {"status": "Rejected"}
        assert len(csms.of("BootNotification")) == 1

    async def test_reset_of_one_evse_unsupported(self, csms: Csms, yard: Yard) -> None:
        await yard.boot(evse_reset=False)
        assert await csms.call("Reset", {"type": "OnIdle", "evseId": 1}) == {"status": "Rejected"}
        place = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "AllowReset"}}
        result = await csms.call("GetVariables", {"getVariableData": [place]})
        assert result["getVariableResult"][0]["attributeValue"] == "false"


class TestTransactions:
    async def test_card_first(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot()
        await station.present_id_token(1, "A")
        await csms.expect("TransactionEvent", triggerReason="Authorized")
        await station.plug_in(1, 2)
        await csms.expect("TransactionEvent", 3)
        await station.ev_suspend(1)
        await station.ev_ready(1)
        await csms.expect("TransactionEvent", 5)
        await station.present_id_token(1, "A")
        await csms.expect("TransactionEvent", eventType="Ended")
        await station.unplug(1, 2)
        await csms.expect("StatusNotification", 2, connectorId=2, connectorStatus="Available")
        events = csms.of("TransactionEvent")
        assert [event["seqNo"] for event in events] == list(range(6))
        assert [event["transactionInfo"]["chargingState"] for event in events] == [
            "Idle",
            "EVConnected",
            "Charging",
            "SuspendedEV",
            "Charging",
            "EVConnected",
        ]
        assert ["idToken" in event for event in events] == [True, False, False, False, False, True]
        assert events[1]["evse"] == {"id": 1, "connectorId": 2}
        assert events[0]["meterValue"][0]["sampledValue"][0]["context"] == "Transaction.Begin"
        assert events[-1]["meterValue"][-1]["sampledValue"][0]["context"] == "Transaction.End"
        assert events[-1]["transactionInfo"]["stoppedReason"] == "Local"

    async def test_plug_first_and_remote_start_and_stop(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot()
        await station.plug_in(1, 1)
        started = await csms.expect("TransactionEvent", triggerReason="CablePluggedIn")
        identity = started["transactionInfo"]["transactionId"]
        request = {"idToken": {"idToken": "A", "type": "Central"}, "remoteStartId": 12, "evseId": 1}
        answer = await csms.call("RequestStartTransaction", request)
        assert answer == {"status": "Accepted", "transactionId": identity}
        event = await csms.expect("TransactionEvent", triggerReason="RemoteStart")
        assert event["transactionInfo"]["remoteStartId"] == 12
        assert event["idToken"]["idToken"] == "A"
        await csms.expect("TransactionEvent", 3)
        assert await csms.call("RequestStartTransaction", request) == {"status": "Rejected"}
        status = await csms.call("GetTransactionStatus", {"transactionId": identity})
        assert status == {"messagesInQueue": False, "ongoingIndicator": True}
        assert await csms.call("RequestStopTransaction", {"transactionId": "x"}) == {"status": "Rejected"}
        assert await csms.call("RequestStopTransaction", {"transactionId": identity}) == {"status": "Accepted"}
        ended = await csms.expect("TransactionEvent", eventType="Ended")
        assert ended["triggerReason"] == "RemoteStop"
        assert ended["transactionInfo"]["stoppedReason"] == "Remote"
        assert await csms.call("GetTransactionStatus") == {"messagesInQueue": False}

    async def test_unplugging_ends(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot()
        await station.plug_in(2, 1)
        await station.unplug(2, 1)
        ended = await csms.expect("TransactionEvent", eventType="Ended")
        assert ended["triggerReason"] == "EVCommunicationLost"
        assert ended["transactionInfo"]["stoppedReason"] == "EVDisconnected"
        assert ended["transactionInfo"]["chargingState"] == "Idle"

    async def test_refused_card_starts_nothing(self, csms: Csms, yard: Yard) -> None:
        csms.script["Authorize"] += [{"idTokenInfo": {"status": "Blocked"}}]
        station = await yard.boot()
        await station.present_id_token(1, "A")
        await csms.expect("Authorize")
        await csms.silence(0.1)

    async def test_card_that_turns_out_invalid_ends_the_transaction(self, csms: Csms, yard: Yard) -> None:
        csms.script["TransactionEvent"] += [{}, {"idTokenInfo": {"status": "Blocked"}}]
        station = await yard.boot()
        await station.plug_in(1, 1)
        await station.present_id_token(1, "A")
        ended = await csms.expect("TransactionEvent", eventType="Ended")
        assert (ended["triggerReason"], ended["transactionInfo"]["stoppedReason"]) == ("Deauthorized", "DeAuthorized")

    async def test_nobody_plugs_in(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot(variables={"TxCtrlr.EVConnectionTimeOut": "1"})
        await station.present_id_token(1, "A")
        ended = await csms.expect("TransactionEvent", eventType="Ended")
        assert (ended["triggerReason"], ended["transactionInfo"]["stoppedReason"]) == ("EVConnectTimeout", "Timeout")

    async def test_offline_transaction_is_delivered_later_in_order(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot()
        await station.cut_network()
        await station.plug_in(1, 1)
        await station.present_id_token(1, "A")
        await station.ev_suspend(1)
        await station.restore_network()
        await csms.expect("TransactionEvent", 3)
        events = csms.of("TransactionEvent")
        assert [event["seqNo"] for event in events] == list(range(len(events)))
        assert all(event["offline"] for event in events)
        await csms.expect("StatusNotification", connectorStatus="Occupied")
        assert len(csms.of("StatusNotification")) == 4
        assert len(csms.of("BootNotification")) == 1

    async def test_power_loss_ends_the_transaction_after_the_boot(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot()
        await station.plug_in(1, 1)
        started = await csms.expect("TransactionEvent")
        await station.power_off()
        await station.power_on()
        ended = await csms.expect("TransactionEvent", eventType="Ended")
        assert ended["transactionInfo"]["transactionId"] == started["transactionInfo"]["transactionId"]
        assert ended["transactionInfo"]["stoppedReason"] == "PowerLoss"
        assert csms.messages.index(next(m for m in csms.messages if m.payload is ended)) > 6

    async def test_failed_delivery_is_tried_again_and_given_up(self, csms: Csms, yard: Yard) -> None:
        quick = {
            "OCPPCommCtrlr.MessageAttempts[TransactionEvent]": "2",
            "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]": "0",
        }
        csms.script["TransactionEvent"] += ["InternalError", "InternalError"]
        station = await yard.boot(variables=quick)
        await station.plug_in(1, 1)
        await csms.expect("TransactionEvent", 2, eventType="Started")
        await station.unplug(1, 1)
        await csms.expect("TransactionEvent", eventType="Ended")
        assert len(csms.of("TransactionEvent", eventType="Started")) == 2


class TestConnection:
    async def test_handshake(self, csms: Csms, yard: Yard) -> None:
        await yard.boot(identity="CS 1/ü", password="a-very-secret-password")
        request = csms.attempts[0][1]
        assert request.path == "/ocpp/CS%201%2F%C3%BC"
        assert request.headers["Sec-WebSocket-Protocol"] == "ocpp2.0.1"
        scheme, token = request.headers["Authorization"].split()
        assert scheme == "Basic"
        assert base64.b64decode(token).decode() == "CS 1/ü:a-very-secret-password"

    async def test_back_off_doubles_and_is_reset(self, csms: Csms, yard: Yard) -> None:
        csms.refuse = lambda connection: connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "")
        station = yard.build(variables={"OCPPCommCtrlr.RetryBackOffRepeatTimes": "2"})
        waits: list[int] = []

        def note(attempt: int) -> float:
            waits.append(attempt)
            return 0.01

        expected = [station.reconnect_wait(attempt) for attempt in (1, 2)]
        assert expected == [0.02, 0.02]
        station.reconnect_wait = note  # type: ignore[method-assign]
        await station.power_on()
        await csms.until(lambda: len(csms.attempts) >= 4)
        csms.refuse = None
        await csms.expect("SecurityEventNotification")
        assert waits == list(range(1, len(waits) + 1))
        assert csms.connection is not None
        await csms.connection.close()
        await csms.until(lambda: len(csms.connections) == 2)
        assert waits[-1] == 1
        assert len(csms.of("BootNotification")) == 1

    async def test_back_off_formula(self, yard: Yard) -> None:
        station = yard.build(
            variables={
                "OCPPCommCtrlr.RetryBackOffWaitMinimum": "3",
                "OCPPCommCtrlr.RetryBackOffRandomRange": "2",
                "OCPPCommCtrlr.RetryBackOffRepeatTimes": "2",
            }
        )
        for attempt, base in ((1, 3), (2, 6), (3, 12), (4, 12)):
            assert base <= station.reconnect_wait(attempt) <= base + 2

    async def test_statuses_after_a_long_absence(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot(variables={"OCPPCommCtrlr.OfflineThreshold": "0"})
        await station.cut_network()
        await station.restore_network()
        await csms.expect("StatusNotification", 6)
        await csms.silence(0.1)

    async def test_nothing_to_say_after_a_short_absence(self, csms: Csms, yard: Yard) -> None:
        await yard.boot()
        assert csms.connection is not None
        await csms.connection.close()
        await csms.until(lambda: len(csms.connections) == 2)
        await csms.silence(0.1)

    async def test_a_link_that_dies_while_sending(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot()
        assert station.link is not None
        station.link.transport.abort()
        await station.plug_in(1, 1)
        assert (await csms.expect("TransactionEvent"))["offline"] is True
        await csms.expect("StatusNotification", connectorStatus="Occupied")

    async def test_power_cut_during_a_reset(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot()
        await csms.call("Reset", {"type": "Immediate"})
        await station.power_off()
        await station.power_on()
        await csms.expect("SecurityEventNotification", 2)
        assert csms.of("BootNotification")[-1]["reason"] == "PowerUp"

    async def test_pings(self, csms: Csms, yard: Yard) -> None:
        await yard.boot(variables={"OCPPCommCtrlr.WebSocketPingInterval": "0"})
        assert csms.connection is not None
        pinged = asyncio.Event()
        receive = csms.connection.protocol.recv_frame

        def watch(frame: Any) -> None:
            if frame.opcode.name == "PING":
                pinged.set()
            receive(frame)

        csms.connection.protocol.recv_frame = watch  # type: ignore[method-assign]
        assert await put(csms, "OCPPCommCtrlr", "WebSocketPingInterval", "1") == "Accepted"
        await asyncio.wait_for(pinged.wait(), 2)

    async def test_several_stations_at_once(self, csms: Csms, yard: Yard) -> None:
        stations = [yard.build(identity=f"CS{number}") for number in range(3)]
        for station in stations:
            await station.power_on()
        await csms.expect("SecurityEventNotification", 3)
        assert len({request.path for _, request in csms.attempts}) == 3

    async def test_network_profile_is_used_after_a_reset(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot()
        data = {
            "ocppVersion": "OCPP20",
            "ocppTransport": "JSON",
            "ocppCsmsUrl": csms.url + "2",
            "messageTimeout": 30,
            "securityProfile": 1,
            "ocppInterface": "Wired0",
        }
        request = {"configurationSlot": 2, "connectionData": data}
        assert await csms.call("SetNetworkProfile", request) == {"status": "Accepted"}
        assert (await csms.call("SetNetworkProfile", {**request, "configurationSlot": 9}))["status"] == "Rejected"
        downgrade = {**request, "connectionData": {**data, "securityProfile": 0}}
        assert (await csms.call("SetNetworkProfile", downgrade))["statusInfo"]["reasonCode"] == "NoSecurityDowngrade"
        assert await put(csms, "OCPPCommCtrlr", "NetworkConfigurationPriority", "2,1") == "RebootRequired"
        await csms.call("Reset", {"type": "OnIdle"})
        await csms.expect("SecurityEventNotification", 2)
        assert csms.attempts[-1][1].path == f"/ocpp2/{station.config.identity}"
        assert (await get(csms, "OCPPCommCtrlr", "ActiveNetworkProfile"))["attributeValue"] == "2"


class TestFraming:
    @pytest.mark.parametrize(
        ("raw", "message_id", "code"),
        [
            ("{", "-1", "RpcFrameworkError"),
            ("{}", "-1", "RpcFrameworkError"),
            ("[]", "-1", "RpcFrameworkError"),
            ('[2,7,"Reset",{}]', "-1", "RpcFrameworkError"),
            ('[2,"a",["Reset"],{}]', "a", "RpcFrameworkError"),
            ('[2,"a","Reset"]', "a", "RpcFrameworkError"),
            ('[2,"a","Reset",NaN]', "-1", "RpcFrameworkError"),
            ("[" * 100_000, "-1", "RpcFrameworkError"),
            ('[9,"a","Reset",{}]', "a", "MessageTypeNotSupported"),
            ('[2.0,"a","Reset",{}]', "a", "MessageTypeNotSupported"),
            ('[2,"a","Nonsense",{}]', "a", "NotImplemented"),
            ('[2,"a","reset",{}]', "a", "NotImplemented"),
            ('[2,"a","BootNotification",{}]', "a", "NotSupported"),
            ('[2,"a","PublishFirmware",{}]', "a", "NotSupported"),
            ('[2,"a","Reset",[]]', "a", "FormatViolation"),
            ('[2,"a","Reset",{}]', "a", "OccurrenceConstraintViolation"),
            ('[2,"a","Reset",{"type":7}]', "a", "TypeConstraintViolation"),
            ('[2,"a","Reset",{"type":"Sometime"}]', "a", "PropertyConstraintViolation"),
            ('[2,"a","Reset",{"type":"OnIdle","more":1}]', "a", "FormatViolation"),
        ],
    )
    async def test_bad_calls(self, csms: Csms, yard: Yard, raw: str, message_id: str, code: str) -> None:
        await yard.boot()
        await csms.send_raw(raw)
        frame = await asyncio.wait_for(csms.raw.get(), 2)
        assert frame[:3] == [4, message_id, code]
        assert isinstance(frame[3], str)
        assert isinstance(frame[4], dict)
        assert len(frame) == 5

    async def test_stray_answers_are_ignored(self, csms: Csms, yard: Yard) -> None:
        await yard.boot()
        for raw in ('[3,"x",{}]', '[4,"x","InternalError","",{}]', '[3,"x"]', "[4]", "[3]"):
            await csms.send_raw(raw)
        assert await csms.call("GetLocalListVersion") == {"versionNumber": 0}
        assert csms.raw.empty()

    async def test_one_call_at_a_time_and_answers_in_between(self, csms: Csms, yard: Yard) -> None:
        csms.silent.add("Authorize")
        station = await yard.boot()
        await station.present_id_token(1, "A")
        await csms.expect("Authorize")
        await station.plug_in(2, 1)
        await csms.silence(0.1)
        assert await csms.call("ClearCache") == {"status": "Rejected"}

    async def test_an_unexpected_failure_is_an_internal_error(self, csms: Csms, yard: Yard) -> None:
        class Broken(ReferenceStation):
            def on_clear_cache(self, request: Payload) -> Payload:
                raise RuntimeError(request)

        await yard.boot(Broken)
        assert await csms.call("ClearCache") == "InternalError"
        assert await csms.call("GetLocalListVersion") == {"versionNumber": 0}


class TestOtherCalls:
    async def test_triggers(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot()

        async def trigger(message: str, **evse: int) -> str:
            request = {"requestedMessage": message, **({"evse": evse} if evse else {})}
            status: str = (await csms.call("TriggerMessage", request))["status"]
            return status

        assert await trigger("Heartbeat") == "Accepted"
        await csms.expect("Heartbeat")
        assert await trigger("MeterValues", id=2) == "Accepted"
        assert (await csms.expect("MeterValues"))["evseId"] == 2
        assert await trigger("StatusNotification", id=1) == "Rejected"
        assert await trigger("StatusNotification", id=1, connectorId=2) == "Accepted"
        await csms.expect("StatusNotification", 4)
        assert await trigger("TransactionEvent") == "Rejected"
        await station.plug_in(1, 1)
        assert await trigger("TransactionEvent", id=1) == "Accepted"
        event = await csms.expect("TransactionEvent", triggerReason="Trigger")
        assert event["meterValue"]
        assert await trigger("LogStatusNotification") == "Accepted"
        await csms.expect("LogStatusNotification", status="Idle")
        assert await trigger("SignV2GCertificate") == "NotImplemented"

    async def test_unlock(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot()
        assert await csms.call("UnlockConnector", {"evseId": 9, "connectorId": 1}) == {"status": "UnknownConnector"}
        assert await csms.call("UnlockConnector", {"evseId": 1, "connectorId": 1}) == {"status": "Unlocked"}
        await station.plug_in(1, 1)
        await station.present_id_token(1, "A")
        await csms.expect("TransactionEvent", triggerReason="Authorized")
        answer = await csms.call("UnlockConnector", {"evseId": 1, "connectorId": 1})
        assert answer == {"status": "OngoingAuthorizedTransaction"}

    async def test_polite_refusals(self, csms: Csms, yard: Yard) -> None:
        await yard.boot()
        assert await csms.call("DataTransfer", {"vendorId": "x"}) == {"status": "UnknownVendorId"}
        assert await csms.call("GetInstalledCertificateIds") == {"status": "NotFound"}
        reservation = {"id": 1, "expiryDateTime": NOW, "idToken": {"idToken": "A", "type": "Central"}}
        assert await csms.call("ReserveNow", reservation) == {"status": "Rejected"}
        assert await csms.call("UnpublishFirmware", {"checksum": "0"}) == "NotSupported"


class TestMutants:
    async def test_registry(self) -> None:
        assert MUTANTS["boot-without-reason"] is boot_mutants.BootWithoutReason
        assert "control" not in MUTANTS
        for mutant in MUTANTS.values():
            assert mutant.__doc__
            assert issubclass(mutant, ReferenceStation)

    @pytest.mark.parametrize("name", sorted(MUTANTS))
    async def test_every_mutant_can_be_built(self, yard: Yard, name: str) -> None:
        yard.build(MUTANTS[name])  # what it does wrong, and that it is found out, is for `prove`

    async def test_control_is_compliant(self, csms: Csms, yard: Yard) -> None:
        await yard.boot(CONTROL)
        await csms.call("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
        await csms.until(lambda: any("tbc" not in part for part in csms.of("NotifyReport")))


_START = 60
"""Seconds in which a Python that loads the reference has surely come up, or ended, on a busy machine."""


class TestProcess:
    async def start(self, csms: Csms, *words: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "conformance.reference.station", "--csms-url", csms.url, "--identity", "P1", *words),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "OCPP_PASSWORD": "a-very-secret-password"},
        )

    async def test_actions(self, csms: Csms) -> None:
        process = await self.start(csms, "--off")
        assert process.stdin is not None
        assert process.stdout is not None
        ready = json.loads(await process.stdout.readline())
        assert ready["event"] == "ready"
        assert {"power_on", "plug_in", "present_id_token", "set_load"} <= set(ready["actions"])
        assert csms.attempts == []
        lines = [
            {"id": 1, "action": "power_on"},
            {"id": 2, "action": "plug_in", "args": {"evse": 9, "connector": 1}},
            {"id": 3, "action": "sing"},
            {"id": 4, "action": "present_id_token", "args": {"evse": 1, "idToken": "A", "type": "Central"}},
        ]
        process.stdin.write("".join(json.dumps(line) + "\n" for line in lines).encode() + b"rubbish\n")
        outcomes = [json.loads(await process.stdout.readline()) for _ in range(5)]
        assert [outcome.get("result") for outcome in outcomes] == ["done", "failed", "unsupported", "done", None]
        await csms.expect("SecurityEventNotification")
        assert "Authorization" in csms.attempts[0][1].headers
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), _START) == 0

    async def test_mutant_and_power_at_once(self, csms: Csms) -> None:
        process = await self.start(csms, "--mutant", "one-connector-unreported")
        await csms.expect("SecurityEventNotification", within=_START)
        assert len(csms.of("StatusNotification")) == 2
        assert process.stdin is not None
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), _START) == 0

    async def test_unknown_mutant(self, csms: Csms) -> None:
        process = await self.start(csms, "--mutant", "nonsense")
        assert await asyncio.wait_for(process.wait(), _START) == 1


async def test_wrong_subprotocol_is_no_link(csms: Csms, yard: Yard) -> None:
    station = ReferenceStation(StationConfig(csms.url, subprotocols=("ocpp9",)))
    await station.power_on()
    await csms.until(lambda: csms.attempts)
    await station.power_off()
    assert csms.messages == []
