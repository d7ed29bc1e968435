"""The station peer as a CSMS sees it: a plain `websockets` server, and the harness's own CSMS peer."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from websockets.asyncio.server import ServerConnection, serve

from conformance.peers import v16, v201
from conformance.peers.csms import CsmsPeer, CsmsServer
from conformance.peers.equipment import Equipment
from conformance.peers.peer import Patience
from conformance.peers.received import NoAnswer, NotSeen, Refused
from conformance.peers.replies import Error, Raw, Silence
from conformance.peers.station import NotConnected, StationPeer
from conformance.wire.frames import Call, CallError
from conformance.wire.schemas import VERSIONS
from conformance.wire.transcript import Transcript

SOON = 3.0
PATIENCE = Patience(answer=SOON, default=SOON, actions={"connection": SOON})
TOKEN = {"idToken": "04E91C5A2B6C80", "type": "ISO14443"}
PASSWORD = "correct horse battery"


# -- a plain server ---------------------------------------------------------------------------------------------------


@dataclass
class PlainCsms:
    """A few lines of CSMS: it answers calls by `answers`, and keeps what it got."""

    url: str = ""
    answers: dict = field(default_factory=dict)
    calls: asyncio.Queue = field(default_factory=asyncio.Queue)
    answered: asyncio.Queue = field(default_factory=asyncio.Queue)
    socket: ServerConnection | None = None
    headers: list = field(default_factory=list)
    before: dict = field(default_factory=dict)

    async def serve(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.headers.append(socket.request.headers)
        async for text in socket:
            kind, id_, *rest = json.loads(text)
            if kind != 2:
                self.answered.put_nowait([kind, id_, *rest])
                continue
            self.calls.put_nowait(rest)
            for frame in self.before.pop(rest[0], []):
                await socket.send(json.dumps(frame))
            answer = self.answers.get(rest[0], {})
            if answer is not None:
                await socket.send(json.dumps([3, id_, answer]))

    async def ask(self, action: str, payload: dict) -> list:
        await self.socket.send(json.dumps([2, "q", action, payload]))
        async with asyncio.timeout(SOON):
            return await self.answered.get()


def told(status: str, interval: int = 300) -> dict:
    return {"currentTime": v201.now(), "interval": interval, "status": status}


@asynccontextmanager
async def plain(subprotocols=("ocpp2.0.1", "ocpp1.6"), **options) -> AsyncIterator[PlainCsms]:
    csms = PlainCsms()
    async with serve(csms.serve, "127.0.0.1", 0, subprotocols=list(subprotocols), **options) as server:
        csms.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ocpp"
        csms.answers["BootNotification"] = told("Accepted")
        csms.answers["Heartbeat"] = {"currentTime": v201.now()}
        yield csms


@asynccontextmanager
async def dialling(url: str, **options) -> AsyncIterator[StationPeer]:
    station = StationPeer("CS001", Transcript(), PATIENCE, **{"url": url, "back_off": 0.01, **options})
    try:
        yield station
    finally:
        await station.close()


async def test_boots_and_takes_over_what_it_is_told() -> None:
    async with plain() as csms, dialling(csms.url) as station:
        link = await station.connect()
        assert (link.subprotocol, link.identity) == ("ocpp2.0.1", "CS001")
        answer = await station.boot("PowerUp")
        assert (answer["status"], station.registration, station.interval) == ("Accepted", "Accepted", 300)
        action, payload = await csms.calls.get()
        assert action == "BootNotification"
        assert payload["reason"] == "PowerUp"


async def test_the_clock_is_that_of_the_csms() -> None:
    async with plain() as csms, dialling(csms.url) as station:
        csms.answers["BootNotification"] = {"currentTime": "2031-05-01T12:00:00Z", "interval": 0, "status": "Accepted"}
        await station.connect()
        await station.boot()
        assert station.equipment.clock.stamp().startswith("2031-05-01T12:00")


async def test_calls_of_the_csms_are_those_of_the_sut() -> None:
    async with plain() as csms, dialling(csms.url) as station:
        await station.connect()
        assert (await csms.ask("ClearCache", {}))[0] == 3
        call = await station.expect("ClearCache")
        assert call.entry.sender == "sut"
        assert [entry.sender for entry in station.transcript.entries if entry.kind == "handshake"] == ["harness"]


async def test_commands_before_the_boot_answer_are_served() -> None:
    async with plain() as csms, dialling(csms.url) as station:
        csms.before["BootNotification"] = [[2, "early", "GetVariables", GET_HEARTBEAT]]
        await station.connect()
        assert (await station.boot())["status"] == "Accepted"
        assert (await csms.answered.get())[:2] == [3, "early"]


async def test_pending_refuses_transactions_and_rejected_refuses_everything() -> None:
    start = v201.remote_start(TOKEN)
    async with plain() as csms, dialling(csms.url) as station:
        await station.connect()
        csms.answers["BootNotification"] = told("Pending")
        await station.boot()
        assert (await csms.ask("RequestStartTransaction", start))[2] == {"status": "Rejected"}
        assert (await csms.ask("GetVariables", GET_HEARTBEAT))[0] == 3
        csms.answers["BootNotification"] = told("Rejected")
        await station.boot()
        assert (await csms.ask("ClearCache", {}))[2] == "SecurityError"


async def test_a_rejected_station_of_1_6_says_nothing() -> None:
    async with plain() as csms, dialling(csms.url, versions=["1.6"]) as station:
        await station.connect()
        csms.answers["BootNotification"] = told("Rejected")
        await station.boot()
        await csms.socket.send(json.dumps([2, "1", "ClearCache", {}]))
        csms.answers["BootNotification"] = told("Accepted")
        await station.boot()
        assert (await csms.ask("ClearCache", {}))[:2] == [3, "q"]
        assert csms.answered.empty()


async def test_waits_until_it_is_accepted() -> None:
    async with plain() as csms, dialling(csms.url) as station:
        await station.connect()
        csms.answers["BootNotification"] = told("Pending", 0)
        with pytest.raises(NotSeen, match="answered Pending"):
            await station.accepted(within=0.05)

        async def accept_then_trigger() -> None:
            csms.answers["BootNotification"] = told("Accepted")
            await csms.socket.send(json.dumps([2, "t", "TriggerMessage", {"requestedMessage": "BootNotification"}]))

        csms.answers["BootNotification"] = told("Pending", 300)
        booting = asyncio.create_task(station.accepted(within=400))
        await station.until(lambda: station.registration == "Pending" and station.interval == 300, "", within=SOON)
        await accept_then_trigger()
        assert (await booting)["status"] == "Accepted"


async def test_sends_heartbeats_by_itself() -> None:
    async with plain() as csms, dialling(csms.url) as station:
        await station.connect()
        csms.answers["BootNotification"] = told("Accepted", 1)
        await station.boot()
        station.heartbeat_every(0.02)
        async with asyncio.timeout(SOON):
            while (await csms.calls.get())[0] != "Heartbeat":
                pass
        station.heartbeat_every(None)


@pytest.mark.parametrize("how", ["close", "fin", "reset"])
async def test_hangs_up_in_every_way(how: str) -> None:
    async with plain() as csms, dialling(csms.url) as station:
        await station.connect()
        await station.disconnect(how)
        assert station.link is None
        ends = [entry.detail["how"] for entry in station.transcript.entries if entry.kind == "close"]
        assert ends == [{"close": "close frame", "fin": "eof", "reset": "reset"}[how]]
        await station.connect()
        csms.answers["Heartbeat"] = None
        with pytest.raises(NoAnswer):
            await station.call("Heartbeat", {}, within=0.01)


async def test_two_connections_of_one_identity() -> None:
    async with plain() as csms, dialling(csms.url) as station:
        first = await station.connect()
        second = await station.connect()
        assert first.is_open
        assert station.link is second
        assert station.older == [first]
        await station.disconnect()
        assert station.link is first
        assert (await station.heartbeat())["currentTime"]


async def test_wrong_subprotocols_identities_paths_and_passwords() -> None:
    async with plain() as csms, dialling(csms.url, password=PASSWORD) as station:
        await station.connect()
        await station.connect(identity="CS 2", path="/elsewhere", password=None)
        paths = [each.detail["path"] for each in station.transcript.entries if each.kind == "handshake"]
        assert paths == ["/ocpp/CS001", "/elsewhere/CS%202"]
        assert "Authorization" in csms.headers[0]
        assert "Authorization" not in csms.headers[1]


async def test_who_is_turned_away_is_told_how() -> None:
    async with served(["2.0.1"], password=PASSWORD) as (server, _), dialling(server.url, password=PASSWORD) as station:
        for changes, status in (
            ({"identity": "nobody"}, 404),
            ({"path": "/no"}, 404),
            ({"password": "wrong password!"}, 401),
            ({"password": None}, 401),
            ({"user": "CS002"}, 401),
        ):
            refused = await station.turned_away(within=SOON, **changes)
            assert (refused.status, refused.closed) == (status, None), changes
        for subprotocols in (("ocpp1.5",), ()):
            refused = await station.turned_away(within=SOON, subprotocols=subprotocols)
            assert refused.closed.detail["code"] == 1002
        with pytest.raises(NotConnected, match="did not open the connection"):
            await station.connect(identity="nobody")
        with pytest.raises(AssertionError, match="had to be refused"):
            await station.turned_away(within=1.0)


async def test_nobody_there() -> None:
    async with dialling("ws://127.0.0.1:9/ocpp") as station:
        with pytest.raises(NotConnected, match="no TCP connection") as failure:
            await station.connect()
        assert failure.value.status is None
        assert (await station.turned_away(within=SOON)).status is None


async def test_answers_can_be_scripted_and_promise_nothing() -> None:
    async with plain() as csms, dialling(csms.url) as station:
        await station.connect()
        station.answer("Reset", {"status": "Accepted"}, Error("InternalError"), Raw('[3,"{id}",{"odd":1}]'), Silence())
        assert (await csms.ask("Reset", {"type": "Immediate"}))[2] == {"status": "Accepted"}
        assert (await csms.ask("Reset", {"type": "Immediate"}))[2] == "InternalError"
        assert (await csms.ask("Reset", {"type": "Immediate"}))[2] == {"odd": 1}
        station.keep_answering("Reset", {"status": "Rejected"})
        assert (await csms.ask("Reset", {"type": "Immediate"}))[2] == {"status": "Rejected"}
        assert station.link is not None
        assert csms.calls.empty()


@pytest.mark.parametrize("version", ["2.0.1", "1.6"])
async def test_error_codes_are_those_of_the_documents(version: str) -> None:
    async with plain() as csms, dialling(csms.url, versions=[version]) as station:
        await station.connect()
        assert (await csms.ask("Fly", {}))[2] == "NotImplemented"
        assert (await csms.ask("Heartbeat", {}))[2] == "NotSupported"
        missing = "OccurenceConstraintViolation" if version == "1.6" else "OccurrenceConstraintViolation"
        assert (await csms.ask("Reset", {}))[2] == missing
        await csms.socket.send('[2,"m","Reset"]')
        malformed = "FormationViolation" if version == "1.6" else "RpcFrameworkError"
        assert (await csms.answered.get())[:3] == [4, "m", malformed]
        assert (await csms.ask("ClearCache", {}))[0] == 3


GET_HEARTBEAT = v201.get_variables(v201.variable("OCPPCommCtrlr", "HeartbeatInterval"))


# -- the two peers against each other ---------------------------------------------------------------------------------


@asynccontextmanager
async def served(versions, password: str | None = None) -> AsyncIterator[tuple[CsmsServer, CsmsPeer]]:
    transcript = Transcript()
    server = CsmsServer(transcript, host="127.0.0.1", port=0, path="/ocpp", versions=versions, patience=PATIENCE)
    await server.start()
    peer = server.peer("CS001", password=password)
    try:
        yield server, peer
    finally:
        await server.stop()
        wrong = [each for each in transcript.entries if each.problems and "provoked" not in each.text]
        assert not wrong, [(str(each), each.problems) for each in wrong]


@dataclass
class Pair:
    csms: CsmsPeer
    station: StationPeer

    async def ask(self, action: str, payload: dict | None = None) -> dict:
        return dict(await self.csms.call(action, payload or {}))

    async def status(self, action: str, payload: dict | None = None) -> str:
        return (await self.ask(action, payload))["status"]


@asynccontextmanager
async def paired(version: str, **options) -> AsyncIterator[Pair]:
    async with (
        served([version], password=options.get("password")) as (server, csms),
        dialling(server.url, versions=[version], **options) as station,
    ):
        await station.bring_up()
        csms.begin()
        yield Pair(csms, station)


@pytest.fixture
async def new() -> AsyncIterator[Pair]:
    async with paired("2.0.1") as pair:
        yield pair


@pytest.fixture
async def old() -> AsyncIterator[Pair]:
    async with paired("1.6") as pair:
        yield pair


async def test_brings_itself_up() -> None:
    for version, statuses in (("2.0.1", 2), ("1.6", 3)):
        async with served([version]) as (server, csms), dialling(server.url, versions=[version]) as station:
            await station.bring_up()
            assert [each.action for each in csms.traffic()] == ["BootNotification"] + ["StatusNotification"] * statuses


async def test_one_server_answers_each_connection_in_its_version() -> None:
    async with served(["2.0.1", "1.6"]) as (server, csms):
        async with dialling(server.url, versions=["2.0.1", "1.6"]) as station:
            await station.bring_up()
            await station.disconnect()
            await station.connect(subprotocols=("ocpp1.6",))
            await station.boot()
            assert await station.authorize(TOKEN) == "Accepted"
            with pytest.raises(Refused) as failure:
                await station.call("NotifyReport", {"provoked": 1})
            assert failure.value.code == "NotImplemented"
        assert len(csms.seen("BootNotification")) == 2


async def test_csms_peer_of_1_6_answers_everything_a_station_may_send(old: Pair) -> None:
    sent = {
        "Authorize": {"idTag": "A"},
        "DataTransfer": {"vendorId": "x"},
        "DiagnosticsStatusNotification": {"status": "Idle"},
        "FirmwareStatusNotification": {"status": "Idle"},
        "Heartbeat": {},
        "LogStatusNotification": {"status": "Idle"},
        "MeterValues": {"connectorId": 1, "meterValue": [v16.meter_value(1.0, watts=0.0, at=v16.now())]},
        "SecurityEventNotification": {"type": "StartupOfTheDevice", "timestamp": v16.now()},
        "SignCertificate": {"csr": "-"},
        "SignedFirmwareStatusNotification": {"status": "Idle"},
        "StopTransaction": {"transactionId": 1, "meterStop": 1, "timestamp": v16.now(), "idTag": "A"},
    }
    for action, payload in sent.items():
        await old.station.call(action, payload)
    old.csms.answer("StartTransaction", v16.started("Blocked", transaction_id=7))
    answer = await old.station.call(
        "StartTransaction", {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": v16.now()}
    )
    assert (answer["transactionId"], answer["idTagInfo"]["status"]) == (7, "Blocked")


async def test_csms_peer_of_1_6_spells_as_1_6_does() -> None:
    async with served(["1.6"]) as (server, _), dialling(server.url, versions=["1.6"]) as station:
        await station.connect()
        entry = await station.send_raw('[2,"provoked","Heartbeat"]', "provoked", what="an answer")
        assert entry.frame.code == "FormationViolation"


async def test_what_a_pending_station_was_asked_for_is_taken(old: Pair) -> None:
    old.csms.answer("BootNotification", v16.boot("Pending"))
    await old.station.boot()
    with pytest.raises(Refused, match="SecurityError"):
        await old.station.heartbeat()
    mark = old.csms.now
    assert await old.status("TriggerMessage", {"requestedMessage": "Heartbeat"}) == "Accepted"
    beat = await old.csms.expect("Heartbeat", after=mark)
    assert (await old.csms.answered(beat, within=SOON)).frame.payload["currentTime"]


# -- every command ----------------------------------------------------------------------------------------------------

OF_A_CSMS = {
    "2.0.1": """CancelReservation CertificateSigned ChangeAvailability ClearCache ClearChargingProfile
        ClearDisplayMessage ClearVariableMonitoring CostUpdated CustomerInformation DataTransfer DeleteCertificate
        GetBaseReport GetChargingProfiles GetCompositeSchedule GetDisplayMessages GetInstalledCertificateIds
        GetLocalListVersion GetLog GetMonitoringReport GetReport GetTransactionStatus GetVariables InstallCertificate
        PublishFirmware RequestStartTransaction RequestStopTransaction ReserveNow Reset SendLocalList
        SetChargingProfile SetDisplayMessage SetMonitoringBase SetMonitoringLevel SetNetworkProfile
        SetVariableMonitoring SetVariables TriggerMessage UnlockConnector UnpublishFirmware UpdateFirmware""",
    "1.6": """CancelReservation CertificateSigned ChangeAvailability ChangeConfiguration ClearCache
        ClearChargingProfile DataTransfer DeleteCertificate ExtendedTriggerMessage GetCompositeSchedule
        GetConfiguration GetDiagnostics GetInstalledCertificateIds GetLocalListVersion GetLog InstallCertificate
        RemoteStartTransaction RemoteStopTransaction ReserveNow Reset SendLocalList SetChargingProfile
        SignedUpdateFirmware TriggerMessage UnlockConnector UpdateFirmware""",
}


@pytest.mark.parametrize("version", ["2.0.1", "1.6"])
async def test_serves_every_action_and_nothing_else(version: str) -> None:
    station = StationPeer("CS001", Transcript(), PATIENCE, url="ws://localhost", versions=[version])
    assert set(station.dialect.handlers) == set(OF_A_CSMS[version].split())
    assert set(station.dialect.handlers) <= VERSIONS[version].actions


async def test_reads_and_writes_variables(new: Pair) -> None:
    def item(component: str, name: str, value: str | None = None, **more) -> dict:
        found = v201.variable(component, name, **more)
        return found if value is None else found | {"attributeValue": value}

    answer = await new.ask(
        "GetVariables",
        v201.get_variables(
            item("ocppcommctrlr", "heartbeatinterval"),
            item("Nothing", "Here"),
            item("OCPPCommCtrlr", "Nothing"),
            item("OCPPCommCtrlr", "HeartbeatInterval", attribute="MaxSet"),
            item("SecurityCtrlr", "BasicAuthPassword"),
            item("EVSE", "AvailabilityState", evse=2),
        ),
    )
    assert [(each["attributeStatus"], each.get("attributeValue")) for each in answer["getVariableResult"]] == [
        ("Accepted", "300"),
        ("UnknownComponent", None),
        ("UnknownVariable", None),
        ("NotSupportedAttributeType", None),
        ("Rejected", None),
        ("Accepted", "Available"),
    ]
    answer = await new.ask(
        "SetVariables",
        v201.set_variables(
            item("OCPPCommCtrlr", "OfflineThreshold", "60"),
            item("OCPPCommCtrlr", "OfflineThreshold", "soon"),
            item("OCPPCommCtrlr", "HeartbeatInterval", "0"),
            item("AuthCtrlr", "Enabled", "yes"),
            item("SecurityCtrlr", "SecurityProfile", "2"),
            item("OCPPCommCtrlr", "NetworkConfigurationPriority", "2,1"),
            item("OCPPCommCtrlr", "NetworkConfigurationPriority", "1,9"),
            item("Nothing", "Here", "1"),
        ),
    )
    assert [each["attributeStatus"] for each in answer["setVariableResult"]] == [
        *("Accepted", "Rejected", "Rejected", "Rejected", "Rejected", "Accepted", "Rejected", "UnknownComponent")
    ]


async def test_reports_in_parts() -> None:
    async with paired("2.0.1", items_per_message=7) as pair:
        assert await pair.status("GetBaseReport", {"requestId": 5, "reportBase": "FullInventory"}) == "Accepted"
        parts = [await pair.csms.expect("NotifyReport", requestId=5)]
        while parts[-1]["tbc"]:
            parts.append(await pair.csms.expect("NotifyReport", requestId=5))
        assert [part["seqNo"] for part in parts] == list(range(len(parts)))
        assert all(len(part["reportData"]) == 7 for part in parts[:-1])
        named = {(each["component"]["name"], each["variable"]["name"]) for part in parts for each in part["reportData"]}
        assert ("SecurityCtrlr", "BasicAuthPassword") in named
        for base, some in (("ConfigurationInventory", True), ("SummaryInventory", True)):
            assert await pair.status("GetBaseReport", {"requestId": 6, "reportBase": base}) == "Accepted"
            last = await pair.csms.expect("NotifyReport", tbc=False, requestId=6)
            assert bool(last["reportData"]) is some


@pytest.mark.parametrize(
    ("criteria", "count"),
    [
        ({"componentVariable": [{"component": {"name": "Connector"}, "variable": {"name": "ConnectorType"}}]}, 2),
        ({"componentVariable": [{"component": {"name": "EVSE", "evse": {"id": 1}}}]}, 4),
        ({"componentCriteria": ["Problem"]}, 0),
        ({"componentVariable": [{"component": {"name": "Nothing"}}]}, 0),
        ({"componentCriteria": ["Enabled"], "componentVariable": [{"component": {"name": "AuthCtrlr"}}]}, 4),
    ],
)
async def test_reports_what_was_asked_for(new: Pair, criteria: dict, count: int) -> None:
    status = await new.status("GetReport", {"requestId": 9, **criteria})
    assert status == ("Accepted" if count else "EmptyResultSet")
    if count:
        assert len((await new.csms.expect("NotifyReport", requestId=9))["reportData"]) == count


async def test_a_reset_ends_with_a_boot(new: Pair, old: Pair) -> None:
    assert await new.status("Reset", {"type": "Immediate"}) == "Accepted"
    await new.csms.expect("BootNotification", reason="RemoteReset")
    for evse in (1, 2):
        await new.csms.expect("StatusNotification", evseId=evse)
    assert await old.status("Reset", {"type": "Soft"}) == "Accepted"
    boot = await old.csms.expect("BootNotification")
    await old.csms.expect("StatusNotification", connectorId=2, after=boot)
    assert len([each for each in old.csms.transcript.entries if each.kind == "open"]) == 2


async def test_a_reset_on_idle_waits_for_the_transaction(new: Pair) -> None:
    await new.station.plug_in()
    running = await new.station.start(id_token=TOKEN)
    assert await new.status("Reset", {"type": "OnIdle"}) == "Scheduled"
    await new.station.stop(running, id_token=TOKEN)
    await new.csms.expect("BootNotification", reason="ScheduledReset")


async def test_a_reset_of_all_ends_the_transactions(new: Pair, old: Pair) -> None:
    await new.station.start(id_token=TOKEN)
    assert await new.status("Reset", {"type": "Immediate"}) == "Accepted"
    ended = await new.csms.expect("TransactionEvent", eventType="Ended")
    assert ended["transactionInfo"]["stoppedReason"] == "ImmediateReset"
    await new.csms.expect("BootNotification", after=ended)
    await old.station.start(id_token=TOKEN)
    assert await old.status("Reset", {"type": "Hard"}) == "Accepted"
    await old.csms.expect("StopTransaction", reason="HardReset")
    await old.csms.expect("BootNotification")


async def test_a_new_password_is_used_at_once() -> None:
    async with paired("2.0.1", password=PASSWORD) as pair:
        server_side = pair.csms
        item = v201.variable("SecurityCtrlr", "BasicAuthPassword") | {"attributeValue": "another password 42"}
        answer = await pair.ask("SetVariables", v201.set_variables(item))
        assert answer["setVariableResult"][0]["attributeStatus"] == "Accepted"
        await server_side.until(
            lambda: any(
                each.kind == "handshake" and each.detail["status"] == 401 for each in server_side.transcript.entries
            ),
            "a refused handshake",
            within=SOON,
        )
        assert pair.station.greeting.password == "another password 42"


async def test_charges_in_2_0_1(new: Pair) -> None:
    station, csms = new.station, new.csms
    await station.plug_in()
    running = await station.start(id_token=TOKEN)
    await station.sample()
    await station.stop(running, id_token=TOKEN)
    await station.unplug()
    events = csms.seen("TransactionEvent")
    assert [(each["eventType"], each["triggerReason"]) for each in events] == [
        ("Started", "CablePluggedIn"),
        ("Updated", "Authorized"),
        ("Updated", "ChargingStateChanged"),
        ("Updated", "MeterValuePeriodic"),
        ("Ended", "StopAuthorized"),
    ]
    assert [each["seqNo"] for each in events] == list(range(5))
    assert {each["transactionInfo"]["transactionId"] for each in events} == {running.id}
    assert [each["connectorStatus"] for each in csms.seen("StatusNotification")] == ["Occupied", "Available"]


async def test_charges_in_1_6(old: Pair) -> None:
    station, csms = old.station, old.csms
    csms.answer("StartTransaction", v16.started(transaction_id=77))
    await station.plug_in(2)
    running = await station.start(2, id_token=TOKEN)
    await station.sample(2)
    await station.stop(running, id_token=TOKEN)
    await station.unplug(2)
    assert [each["status"] for each in csms.seen("StatusNotification")] == [
        *("Preparing", "Charging", "Finishing", "Available")
    ]
    assert {each["connectorId"] for each in csms.seen("StatusNotification")} == {2}
    assert (await csms.expect("MeterValues"))["transactionId"] == 77
    stop = await csms.expect("StopTransaction", reason="Local", transactionId=77)
    assert stop["meterStop"] >= (await csms.expect("StartTransaction"))["meterStart"]


async def test_a_blocked_token_starts_nothing(new: Pair, old: Pair) -> None:
    new.csms.answer("Authorize", {"idTokenInfo": {"status": "Blocked"}})
    with pytest.raises(AssertionError, match="Blocked"):
        await new.station.start(id_token=TOKEN)
    new.csms.answer("TransactionEvent", {"idTokenInfo": {"status": "Blocked"}})
    await new.station.start(id_token=TOKEN)
    assert (await new.csms.expect("TransactionEvent", eventType="Ended"))["triggerReason"] == "Deauthorized"
    old.csms.answer("StartTransaction", v16.started("Blocked"))
    await old.station.start(id_token=TOKEN)
    await old.csms.expect("StopTransaction", reason="DeAuthorized")


async def test_starts_and_stops_remotely(new: Pair, old: Pair) -> None:
    answer = await new.ask("RequestStartTransaction", v201.remote_start(TOKEN, remote_start_id=42))
    assert answer == {"status": "Accepted"}
    started = await new.csms.expect("TransactionEvent", eventType="Started", triggerReason="RemoteStart")
    assert started["transactionInfo"]["remoteStartId"] == 42
    assert await new.status("RequestStartTransaction", v201.remote_start(TOKEN)) == "Rejected"
    assert await new.status("UnlockConnector", {"evseId": 1, "connectorId": 1}) == "OngoingAuthorizedTransaction"
    identifier = started["transactionInfo"]["transactionId"]
    assert await new.ask("GetTransactionStatus", {"transactionId": identifier}) == {
        "ongoingIndicator": True,
        "messagesInQueue": False,
    }
    assert await new.ask("GetTransactionStatus") == {"messagesInQueue": False}
    assert await new.status("TriggerMessage", {"requestedMessage": "TransactionEvent"}) == "Accepted"
    await new.csms.expect("TransactionEvent", triggerReason="Trigger")
    assert await new.status("RequestStopTransaction", {"transactionId": identifier}) == "Accepted"
    await new.csms.expect("TransactionEvent", eventType="Ended", triggerReason="RemoteStop")
    assert await new.status("RequestStopTransaction", {"transactionId": identifier}) == "Rejected"

    old.csms.answer("StartTransaction", v16.started(transaction_id=5))
    assert await old.status("RemoteStartTransaction", v16.remote_start("A")) == "Accepted"
    await old.csms.expect("StatusNotification", connectorId=1)
    assert await old.status("RemoteStopTransaction", {"transactionId": 6}) == "Rejected"
    assert await old.status("RemoteStopTransaction", {"transactionId": 5}) == "Accepted"
    await old.csms.expect("StopTransaction", reason="Remote")
    assert await old.status("UnlockConnector", {"connectorId": 9}) == "NotSupported"


async def test_availability_waits_for_a_transaction(new: Pair, old: Pair) -> None:
    running = await new.station.start(id_token=TOKEN)
    assert await new.status("ChangeAvailability", {"operationalStatus": "Inoperative"}) == "Scheduled"
    await new.station.stop(running)
    await new.csms.expect("StatusNotification", evseId=1, connectorStatus="Unavailable")
    await new.csms.expect("StatusNotification", evseId=2, connectorStatus="Unavailable")
    assert await new.status("RequestStartTransaction", v201.remote_start(TOKEN)) == "Rejected"
    unknown = {"operationalStatus": "Operative", "evse": {"id": 9}}
    assert await new.status("ChangeAvailability", unknown) == "Rejected"
    assert await old.status("ChangeAvailability", {"connectorId": 2, "type": "Inoperative"}) == "Accepted"
    await old.csms.expect("StatusNotification", connectorId=2, status="Unavailable")
    assert await old.status("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}) == "Accepted"
    await old.csms.expect("StatusNotification", connectorId=0, status="Unavailable")


async def test_reservations(new: Pair, old: Pair) -> None:
    wanted = {"id": 1, "expiryDateTime": "2099-01-01T00:00:00Z", "idToken": TOKEN, "evseId": 1}
    assert await new.status("ReserveNow", wanted) == "Accepted"
    await new.csms.expect("StatusNotification", connectorStatus="Reserved")
    other = {"idToken": "other", "type": "Central"}
    assert await new.status("RequestStartTransaction", v201.remote_start(other)) == "Rejected"
    assert await new.status("ReserveNow", wanted | {"id": 2}) == "Occupied"
    await new.station.start(id_token=TOKEN)
    assert (await new.csms.expect("TransactionEvent"))["reservationId"] == 1
    assert await new.status("CancelReservation", {"reservationId": 1}) == "Rejected"
    wanted = {"connectorId": 1, "expiryDate": "2099-01-01T00:00:00Z", "idTag": "A", "reservationId": 3}
    assert await old.status("ReserveNow", wanted) == "Accepted"
    assert await old.status("ReserveNow", wanted | {"connectorId": 0}) == "Rejected"
    assert await old.status("CancelReservation", {"reservationId": 3}) == "Accepted"
    assert [each["status"] for each in old.csms.seen("StatusNotification")][:1] == ["Reserved"]


TRIGGERED_201 = {
    "Heartbeat": "Heartbeat",
    "LogStatusNotification": "LogStatusNotification",
    "FirmwareStatusNotification": "FirmwareStatusNotification",
    "MeterValues": "MeterValues",
}


async def test_sends_what_is_triggered(new: Pair, old: Pair) -> None:
    for wanted, action in TRIGGERED_201.items():
        assert await new.status("TriggerMessage", {"requestedMessage": wanted}) == "Accepted"
        await new.csms.expect(action)
    for wanted, status in {
        "BootNotification": "Rejected",
        "StatusNotification": "Rejected",
        "TransactionEvent": "Rejected",
        "SignV2GCertificate": "NotImplemented",
    }.items():
        assert await new.status("TriggerMessage", {"requestedMessage": wanted}) == status
    one = {"requestedMessage": "StatusNotification", "evse": {"id": 2, "connectorId": 1}}
    assert await new.status("TriggerMessage", one) == "Accepted"
    await new.csms.expect("StatusNotification", evseId=2)
    for wanted in ("Heartbeat", "StatusNotification", "MeterValues"):
        assert await old.status("TriggerMessage", {"requestedMessage": wanted}) == "Accepted"
        await old.csms.expect(wanted)
    boot = {"requestedMessage": "BootNotification"}
    assert await old.status("TriggerMessage", boot) == "Rejected"
    old.station.registration = "Pending"
    assert await old.status("TriggerMessage", boot) == "Accepted"
    await old.csms.expect("BootNotification")
    assert await old.status("TriggerMessage", {"requestedMessage": "Heartbeat", "connectorId": 9}) == "Rejected"
    wanted = {"requestedMessage": "SignChargePointCertificate"}
    assert await old.status("ExtendedTriggerMessage", wanted) == "NotImplemented"


async def test_configuration_keys(old: Pair) -> None:
    everything = await old.ask("GetConfiguration", {})
    keys = {each["key"]: each for each in everything["configurationKey"]}
    assert keys["NumberOfConnectors"] == {"key": "NumberOfConnectors", "readonly": True, "value": "2"}
    assert "AuthorizationKey" not in keys
    some = await old.ask("GetConfiguration", v16.get_configuration("heartbeatinterval", "Nothing", "AuthorizationKey"))
    assert some["unknownKey"] == ["Nothing"]
    assert [each.get("value") for each in some["configurationKey"]] == ["300", None]
    for key, value, status in (
        ("MeterValueSampleInterval", "60", "Accepted"),
        ("MeterValueSampleInterval", "-1", "Rejected"),
        ("NumberOfConnectors", "3", "Rejected"),
        ("Nothing", "1", "NotSupported"),
        ("HeartbeatInterval", "900", "Accepted"),
        ("AuthorizationKey", "short", "Rejected"),
    ):
        assert await old.status("ChangeConfiguration", v16.change_configuration(key, value)) == status, key


async def test_an_authorization_key_is_used_as_bytes() -> None:
    async with plain() as csms, dialling(csms.url, versions=["1.6"], password=PASSWORD) as station:
        await station.connect()
        key = v16.change_configuration("AuthorizationKey", "00ff" * 10)
        assert (await csms.ask("ChangeConfiguration", key))[2] == {"status": "Accepted"}
        await station.until(lambda: len(csms.headers) == 2, "another connection", within=SOON)
        assert station.greeting.password == b"\x00\xff" * 10


PROFILE = {
    "id": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Absolute",
    "chargingSchedule": [
        {
            "id": 1,
            "startSchedule": "2020-01-01T00:00:00Z",
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10}],
        }
    ],
}


def changed(schedule: dict | None = None, **fields) -> dict:
    made = {**PROFILE, **fields}
    made["chargingSchedule"] = [{**PROFILE["chargingSchedule"][0], **(schedule or {})}]
    return made


@pytest.mark.parametrize(
    ("evse", "profile", "status"),
    [
        (1, PROFILE, "Accepted"),
        (0, PROFILE, "Accepted"),
        (9, PROFILE, "Rejected"),
        (1, changed(chargingProfilePurpose="ChargingStationMaxProfile"), "Rejected"),
        (1, changed(chargingProfilePurpose="TxProfile", transactionId="no"), "Rejected"),
        (0, changed(chargingProfilePurpose="TxProfile"), "Rejected"),
        (1, changed(chargingProfileKind="Relative"), "Rejected"),
        (1, changed({"chargingSchedulePeriod": [{"startPeriod": 5, "limit": 1}]}), "Rejected"),
    ],
)
async def test_charging_profiles_are_checked(new: Pair, evse: int, profile: dict, status: str) -> None:
    assert await new.status("SetChargingProfile", {"evseId": evse, "chargingProfile": profile}) == status


async def test_charging_profiles_come_to_a_composite_schedule(new: Pair) -> None:
    async def schedule(evse: int) -> list[float]:
        asked = {"duration": 3600, "evseId": evse, "chargingRateUnit": "A"}
        answer = await new.ask("GetCompositeSchedule", asked)
        return [each["limit"] for each in answer["schedule"]["chargingSchedulePeriod"]]

    assert await schedule(1) == [32.0]
    await new.ask("SetChargingProfile", {"evseId": 1, "chargingProfile": PROFILE})
    assert await schedule(1) == [10.0]
    assert await schedule(0) == [42.0]
    top = changed(
        {"chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}], "chargingRateUnit": "A"},
        id=2,
        chargingProfilePurpose="ChargingStationMaxProfile",
    )
    assert await new.status("SetChargingProfile", {"evseId": 0, "chargingProfile": top}) == "Accepted"
    assert await schedule(0) == [6.0]
    assert await new.status("GetCompositeSchedule", {"duration": 1, "evseId": 9}) == "Rejected"
    daily = changed(
        {"chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8}, {"startPeriod": 43200, "limit": 16}]},
        id=3,
        stackLevel=1,
        chargingProfileKind="Recurring",
        recurrencyKind="Daily",
    )
    await new.ask("SetChargingProfile", {"evseId": 2, "chargingProfile": daily})
    assert await new.status("ClearChargingProfile", {"chargingProfileId": 2}) == "Accepted"
    answer = await new.ask("GetCompositeSchedule", {"duration": 86400, "evseId": 2, "chargingRateUnit": "A"})
    assert {each["limit"] for each in answer["schedule"]["chargingSchedulePeriod"]} == {8.0, 16.0}
    wanted = {"requestId": 3, "chargingProfile": {"chargingProfilePurpose": "TxDefaultProfile"}}
    assert await new.status("GetChargingProfiles", wanted) == "Accepted"
    first = await new.csms.expect("ReportChargingProfiles", evseId=1, tbc=True)
    await new.csms.expect("ReportChargingProfiles", evseId=2, tbc=False, after=first)
    assert await new.status("ClearChargingProfile", {"chargingProfileId": 77}) == "Unknown"


async def test_charging_profiles_of_1_6(old: Pair) -> None:
    profile = {key: value for key, value in PROFILE.items() if key not in ("id", "chargingSchedule")}
    profile["chargingProfileId"] = 1
    profile["chargingSchedule"] = {key: value for key, value in PROFILE["chargingSchedule"][0].items() if key != "id"}
    assert await old.status("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile}) == "Accepted"
    same_place = {**profile, "chargingProfileId": 2}
    assert await old.status("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": same_place}) == "Accepted"
    assert [each.id for each in old.station.dialect.profiles.installed] == [2]
    tx = {**profile, "chargingProfilePurpose": "TxProfile"}
    assert await old.status("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": tx}) == "Rejected"
    answer = await old.ask("GetCompositeSchedule", {"connectorId": 1, "duration": 60})
    assert answer["chargingSchedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 10.0}]
    assert await old.status("ClearChargingProfile", {"connectorId": 1}) == "Accepted"
    assert await old.status("ClearChargingProfile", {}) == "Unknown"


async def test_local_lists(new: Pair, old: Pair) -> None:
    entry = {"idToken": TOKEN, "idTokenInfo": {"status": "Accepted"}}
    full = {"versionNumber": 3, "updateType": "Full", "localAuthorizationList": [entry]}
    assert await new.status("SendLocalList", full) == "Accepted"
    assert await new.ask("GetLocalListVersion") == {"versionNumber": 3}
    assert await new.status("SendLocalList", full | {"updateType": "Differential"}) == "VersionMismatch"
    twice = full | {"versionNumber": 4, "localAuthorizationList": [entry, entry]}
    assert await new.status("SendLocalList", twice) == "Failed"
    removal = {"versionNumber": 4, "updateType": "Differential", "localAuthorizationList": [{"idToken": TOKEN}]}
    assert await new.status("SendLocalList", removal) == "Accepted"
    assert await old.status("SendLocalList", {"listVersion": 1, "updateType": "Full"}) == "Accepted"
    assert await old.ask("GetLocalListVersion") == {"listVersion": 1}


async def test_certificates(new: Pair, old: Pair, root: str) -> None:
    install = {"certificateType": "CSMSRootCertificate", "certificate": root}
    assert await new.status("GetInstalledCertificateIds") == "NotFound"
    assert await new.status("InstallCertificate", install | {"certificate": "rubbish"}) == "Rejected"
    assert await new.status("InstallCertificate", install) == "Accepted"
    answer = await new.ask("GetInstalledCertificateIds", {"certificateType": ["CSMSRootCertificate"]})
    (chain,) = answer["certificateHashDataChain"]
    assert chain["certificateHashData"] == expected_hashes(root)
    delete = {"certificateHashData": dict(chain["certificateHashData"])}
    assert await new.status("DeleteCertificate", delete) == "Accepted"
    assert await new.status("DeleteCertificate", delete) == "NotFound"
    kind = "CentralSystemRootCertificate"
    assert await old.status("InstallCertificate", {"certificateType": kind, "certificate": root}) == "Accepted"
    assert len((await old.ask("GetInstalledCertificateIds", {"certificateType": kind}))["certificateHashData"]) == 1


@pytest.fixture(scope="module")
def root() -> str:
    import trustme

    return trustme.CA().cert_pem.bytes().decode()


def expected_hashes(pem: str) -> dict[str, str]:
    """The same by a library that knows better."""
    import hashlib

    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    certificate = x509.load_pem_x509_certificate(pem.encode())
    key = certificate.public_key()
    form = PublicFormat.PKCS1 if "RSA" in type(key).__name__ else PublicFormat.UncompressedPoint
    encoding = Encoding.DER if form is PublicFormat.PKCS1 else Encoding.X962
    return {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": hashlib.sha256(certificate.issuer.public_bytes()).hexdigest(),
        "issuerKeyHash": hashlib.sha256(key.public_bytes(encoding, form)).hexdigest(),
        "serialNumber": f"{certificate.serial_number:x}",
    }


async def test_upkeep_of_2_0_1(new: Pair) -> None:
    log = {"logType": "SecurityLog", "requestId": 1, "log": {"remoteLocation": "http://x/"}}
    assert await new.status("GetLog", log) == "Accepted"
    await new.csms.expect("LogStatusNotification", status="UploadFailure", requestId=1)
    firmware = {"requestId": 2, "firmware": {"location": "http://x/", "retrieveDateTime": v201.now()}}
    assert await new.status("UpdateFirmware", firmware) == "Accepted"
    await new.csms.expect("FirmwareStatusNotification", status="DownloadFailed", requestId=2)
    about = {"requestId": 3, "report": True, "clear": False}
    assert await new.status("CustomerInformation", about) == "Invalid"
    assert await new.status("CustomerInformation", about | {"customerIdentifier": "x"}) == "Accepted"
    await new.csms.expect("NotifyCustomerInformation", requestId=3)
    message = {"id": 1, "priority": "NormalCycle", "message": {"format": "UTF8", "content": "hello"}}
    assert await new.status("SetDisplayMessage", {"message": message | {"transactionId": "x"}}) == "UnknownTransaction"
    assert await new.status("SetDisplayMessage", {"message": message}) == "Accepted"
    assert await new.status("GetDisplayMessages", {"requestId": 4}) == "Accepted"
    await new.csms.expect("NotifyDisplayMessages", requestId=4)
    assert await new.status("ClearDisplayMessage", {"id": 1}) == "Accepted"
    assert await new.status("ClearDisplayMessage", {"id": 1}) == "Unknown"
    assert await new.ask("CostUpdated", {"totalCost": 1, "transactionId": "x"}) == {}
    assert await new.status("SetMonitoringLevel", {"severity": 10}) == "Rejected"
    data = {
        "ocppVersion": "OCPP20",
        "ocppTransport": "JSON",
        "ocppCsmsUrl": "wss://x",
        "messageTimeout": 30,
        "securityProfile": 1,
        "ocppInterface": "Wired0",
    }
    assert await new.status("SetNetworkProfile", {"configurationSlot": 2, "connectionData": data}) == "Accepted"
    assert await new.status("SetNetworkProfile", {"configurationSlot": 7, "connectionData": data}) == "Rejected"


async def test_monitors(new: Pair) -> None:
    monitor = {
        "value": 1,
        "type": "Delta",
        "severity": 5,
        "component": {"name": "EVSE", "evse": {"id": 1}},
        "variable": {"name": "Power"},
    }
    data = {"setMonitoringData": [monitor, monitor, monitor | {"component": {"name": "x"}}, monitor | {"id": 9}]}
    results = (await new.ask("SetVariableMonitoring", data))["setMonitoringResult"]
    assert [each["status"] for each in results] == ["Accepted", "Duplicate", "UnknownComponent", "Rejected"]
    assert await new.status("GetMonitoringReport", {"requestId": 1}) == "Accepted"
    assert len((await new.csms.expect("NotifyMonitoringReport", requestId=1))["monitor"]) == 1
    wanted = {"requestId": 2, "monitoringCriteria": ["PeriodicMonitoring"]}
    assert await new.status("GetMonitoringReport", wanted) == "EmptyResultSet"
    cleared = await new.ask("ClearVariableMonitoring", {"id": [1, 2]})
    assert [each["status"] for each in cleared["clearMonitoringResult"]] == ["Accepted", "NotFound"]
    assert await new.status("SetMonitoringBase", {"monitoringBase": "FactoryDefault"}) == "Accepted"


async def test_upkeep_of_1_6(old: Pair) -> None:
    assert (await old.ask("GetDiagnostics", {"location": "http://x/"}))["fileName"]
    await old.csms.expect("DiagnosticsStatusNotification", status="UploadFailed")
    assert await old.ask("UpdateFirmware", {"location": "http://x/", "retrieveDate": v16.now()}) == {}
    await old.csms.expect("FirmwareStatusNotification", status="DownloadFailed")
    firmware = {"location": "x", "retrieveDateTime": v16.now(), "signingCertificate": "x", "signature": "x"}
    assert await old.status("SignedUpdateFirmware", {"requestId": 8, "firmware": firmware}) == "Accepted"
    await old.csms.expect("SignedFirmwareStatusNotification", status="DownloadFailed", requestId=8)
    log = {"logType": "SecurityLog", "requestId": 1, "log": {"remoteLocation": "http://x/"}}
    assert await old.status("GetLog", log) == "Accepted"
    await old.csms.expect("LogStatusNotification", status="UploadFailure", requestId=1)
    assert await old.status("DataTransfer", {"vendorId": "x"}) == "UnknownVendorId"


def test_the_equipment_is_as_the_profile_claims(profile_of: Callable[[], list]) -> None:
    made = Equipment.claimed(profile_of())
    assert [(evse.id, connector.type) for evse, connector in made.connectors] == [(1, "cType2"), (3, "cCCS2")]
    assert made.evses[1].max_power_w == 50_000
    assert len(Equipment.claimed([]).connectors) == 2


@pytest.fixture
def profile_of() -> Callable[[], list]:
    from conformance.sut.tables import Connector, Evse

    return lambda: [
        Evse(id=1, connector=(Connector(id=1, type="cType2"),)),
        Evse(id=3, connector=(Connector(id=1, type="cCCS2"),), max_power_w=50_000),
    ]


async def test_one_call_at_a_time(new: Pair) -> None:
    """Whatever the station has to say, it waits for the answer before it says the next."""
    await new.ask("TriggerMessage", {"requestedMessage": "MeterValues"})
    await new.ask("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
    await new.station.heartbeat()
    await new.csms.expect("NotifyReport", tbc=False)
    open_calls = 0
    for entry in new.csms.transcript.entries:
        if isinstance(entry.frame, Call) and entry.sender == "sut":
            open_calls += 1
        elif entry.kind == "frame" and entry.sender == "harness" and not isinstance(entry.frame, Call):
            assert not isinstance(entry.frame, CallError)
            open_calls -= 1
        assert open_calls in (0, 1)


@pytest.mark.parametrize("version", ["2.0.1", "1.6"])
async def test_a_csms_that_shares_no_code(version: str) -> None:
    """The reference CSMS: it boots, is commanded, charges; nothing that either sends breaks a schema."""
    from conformance.reference.csms.config import CsmsConfig, StationSetup, TokenSetup
    from conformance.reference.csms.csms import ReferenceCsms

    config = CsmsConfig(
        stations={"CS001": StationSetup(password=PASSWORD.encode())}, tokens={TOKEN["idToken"]: TokenSetup()}
    )
    csms = ReferenceCsms(config)
    await csms.start()
    try:
        async with dialling(csms.url, versions=[version], password=PASSWORD) as station:
            assert (await station.turned_away(within=SOON, password="wrong password!")).status == 401
            await station.bring_up()
            await station.plug_in()
            running = await station.start(id_token=TOKEN)
            await station.stop(running, id_token=TOKEN)
            await station.unplug()
            csms.command("CS001", "Reset", {"type": "Soft" if version == "1.6" else "Immediate"})
            await station.expect("Reset")
            await station.until(lambda: station.registration is None, "the reboot", within=SOON)
            await station.until(lambda: station.registration == "Accepted", "a new boot", within=SOON)
            assert not [str(each) for each in station.transcript.entries if each.problems]
    finally:
        await csms.stop()
