"""The drivers of a CSMS, and what a profile may say of them."""

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from conformance.reference.csms.config import CsmsConfig, StationSetup
from conformance.reference.csms.csms import ReferenceCsms
from conformance.sut.drivers import Context, CsmsDriver, DriverFailed, Unsupported, create_csms_driver
from conformance.sut.drivers.terminal import Terminal
from conformance.sut.profile import ProfileError, SutProfile, load_profile
from conformance.sut.secret import Secret
from conformance.sut.tables import Parameters

CSMS = """
role = "csms"
versions = ["2.0.1", "1.6"]
identity = "CS 001"
[sut]
name = "Backend"
[dial]
url = "ws://127.0.0.1:9000/ocpp"
[timing]
action = 3
operator = 3
"""


@pytest.fixture
def csms_profile(tmp_path: Path) -> Callable[[str], SutProfile]:
    def load(driver: str) -> SutProfile:
        path = tmp_path / "csms.toml"
        path.write_text(CSMS + driver, encoding="utf-8")
        return load_profile(path)

    return load


@asynccontextmanager
async def started(driver: CsmsDriver, context: Context) -> AsyncIterator[CsmsDriver]:
    await driver.start(context)
    try:
        yield driver
    finally:
        await driver.stop()


# -- an HTTP API ------------------------------------------------------------------------------------------------------


@dataclass
class Api:
    """A few lines of HTTP server: it keeps what it is asked, and answers by `answers`, in turn; then 200 and {}."""

    port: int = 0
    asked: list[dict[str, Any]] = field(default_factory=list)
    answers: list[tuple[int, Any]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, _ = head[0].split()
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = (await reader.readexactly(int(headers.get("content-length", 0)))).decode()
        self.asked.append({"method": method, "path": path, "headers": headers, "body": body})
        status, answer = self.answers.pop(0) if self.answers else (200, {})
        content = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        extra = "Location: /elsewhere\r\n" if status == 302 else ""
        writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Length: {len(content)}\r\n{extra}Connection: close\r\n\r\n".encode()
            + content
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    made = Api()
    open_ones: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones[asyncio.ensure_future(made.serve(reader, writer))] = writer

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    await server.wait_closed()
    for task, writer in open_ones.items():  # a connection may outlive its test, but not its event loop
        task.cancel()
        writer.close()
    await asyncio.gather(*open_ones, *(writer.wait_closed() for writer in open_ones.values()), return_exceptions=True)


@pytest.fixture
def over_http(api: Api, csms_profile: Callable[[str], SutProfile]) -> Callable[[str], CsmsDriver]:
    def make(tables: str, **words: str) -> CsmsDriver:
        head = f'[driver]\nkind = "http"\nbase_url = "http://127.0.0.1:{api.port}/api"\n'
        return create_csms_driver(csms_profile(head + tables))

    return make


async def test_a_csms_may_number_its_requests_itself(api: Api, over_http: Any, context: Context) -> None:
    driver = over_http("""
[driver.command.GetBaseReport]
url = "/report"
body = { base = "{payload.reportBase}" }
""")
    async with started(driver, context) as csms:
        await csms.command("GetBaseReport", {"requestId": 7, "reportBase": "FullInventory"})
    assert json.loads(api.asked[0]["body"]) == {"base": "FullInventory"}


async def test_a_csms_may_number_charging_profiles_itself(api: Api, over_http: Any, context: Context) -> None:
    driver = over_http("""
[driver.command.SetChargingProfile]
url = "/stations/{identity}/limits"
body.evse = "{payload.evseId}"
body.level = "{payload.chargingProfile.stackLevel}"
body.unit = "{payload.chargingProfile.chargingSchedule.0.chargingRateUnit}"
[driver.command.GetChargingProfiles]
url = "/stations/{identity}/limits"
body = { evse = "{payload.evseId}" }
""")
    schedule = {"id": 1, "chargingRateUnit": "A"}
    profile = {"id": 77, "stackLevel": 3, "chargingSchedule": [schedule]}
    async with started(driver, context) as csms:
        await csms.command("SetChargingProfile", {"evseId": 1, "chargingProfile": profile})
        longer = {**profile, "chargingSchedule": [{**schedule, "duration": 60}]}
        with pytest.raises(Unsupported, match=r"no place for .*duration"):
            await csms.command("SetChargingProfile", {"evseId": 1, "chargingProfile": longer})
        criteria = {"chargingProfileId": [77]}
        with pytest.raises(Unsupported, match=r"no place for .*chargingProfileId"):
            await csms.command("GetChargingProfiles", {"evseId": 1, "chargingProfile": criteria})
    assert [json.loads(each["body"]) for each in api.asked] == [{"evse": 1, "level": 3, "unit": "A"}]


async def test_one_template_for_every_command(api: Api, over_http: Any, context: Context) -> None:
    driver = over_http("""
[driver.command.any]
url = "/stations/{identity}/{action}"
body = "{payload}"
""")
    async with started(driver, context) as csms:
        assert csms.can("Reset")
        assert csms.can("command")
        assert not csms.can("add_token")
        assert csms.url == "ws://127.0.0.1:9000/ocpp"
        await csms.command("SetVariables", {"setVariableData": [{"attributeValue": "1"}]})
        await csms.command("ClearCache", identity="other")
    first, second = api.asked
    assert (first["method"], first["path"]) == ("POST", "/api/stations/CS%20001/SetVariables")
    assert json.loads(first["body"]) == {"setVariableData": [{"attributeValue": "1"}]}
    assert first["headers"]["content-type"] == "application/json"
    assert (second["path"], second["body"]) == ("/api/stations/other/ClearCache", "{}")


async def test_values_keep_their_types_and_what_is_not_given_is_left_out(
    api: Api, over_http: Any, context: Context
) -> None:
    driver = over_http("""
[driver.command.Reset]
method = "PUT"
url = "/reset"
body = { kind = "{payload.type}", evse = "{payload.evseId}", all = ["{payload.evseId}"], n = 1, id = "x-{identity}" }
[driver.command.TriggerMessage]
url = "/{payload.evse.id}/trigger"
form = { what = "{payload.requestedMessage}", connector = "{payload.evse.connectorId}" }
""")
    async with started(driver, context) as csms:
        await csms.command("Reset", {"type": "Immediate", "evseId": 2})
        await csms.command("Reset", {"type": "OnIdle"})
        await csms.command("TriggerMessage", {"requestedMessage": "Heart beat", "evse": {"id": 1}})
        with pytest.raises(Unsupported, match=r"needs \{payload.evse.id\}"):
            await csms.command("TriggerMessage", {"requestedMessage": "Heartbeat"})
    bodies = [each["body"] for each in api.asked]
    assert json.loads(bodies[0]) == {"kind": "Immediate", "evse": 2, "all": [2], "n": 1, "id": "x-CS 001"}
    assert json.loads(bodies[1]) == {"kind": "OnIdle", "all": [], "n": 1, "id": "x-CS 001"}
    assert (api.asked[2]["path"], bodies[2]) == ("/api/1/trigger", "what=Heart+beat")


async def test_requests_know_the_version(api: Api, csms_profile: Any, context: Context) -> None:
    text = f'[driver]\nkind = "http"\nbase_url = "http://127.0.0.1:{api.port}/api"\n'
    text += '[driver.operation.provision_station]\nurl = "/{version}"\nbody = { protocol = "ocpp{version}" }'
    profile = csms_profile(text)
    for version in profile.versions:
        async with started(create_csms_driver(profile.in_version(version)), context) as csms:
            await csms.provision_station("CS2")
    assert [each["path"] for each in api.asked] == ["/api/2.0.1", "/api/1.6"]
    assert json.loads(api.asked[1]["body"]) == {"protocol": "ocpp1.6"}


async def test_never_asks_for_less_than_the_case_wants(api: Api, over_http: Any, context: Context) -> None:
    driver = over_http("""
[driver.command.Reset]
url = "/reboot"
fixed = { type = "Immediate" }
""")
    async with started(driver, context) as csms:
        await csms.command("Reset", {"type": "Immediate"})
        with pytest.raises(Unsupported, match=r"no place for payload\.evseId"):
            await csms.command("Reset", {"type": "Immediate", "evseId": 1})
        with pytest.raises(Unsupported, match=r"no place for payload\.type"):
            await csms.command("Reset", {"type": "OnIdle"})
        with pytest.raises(Unsupported, match=r"no \[driver.command.ClearCache\]"):
            await csms.command("ClearCache")
        with pytest.raises(Unsupported, match=r"always means type = 'Immediate'"):
            await csms.command("Reset")
        with pytest.raises(Unsupported, match=r"no \[driver.operation.add_token\]"):
            await csms.add_token("A")
    assert len(api.asked) == 1


async def test_graphql(api: Api, over_http: Any, context: Context) -> None:
    driver = over_http("""
[driver.operation.block_token]
url = "/graphql"
body = { query = "mutation($t: String!) { block(token: $t) {id} }", variables = { t = "{id_token}" } }
expect = { "data.block.ok" = ["true"] }
forbid = ["errors"]
""")
    async with started(driver, context) as csms:
        api.answers += [
            (200, {"data": {"block": {"ok": True}}, "errors": []}),
            (200, {"data": {"block": {"ok": False}}}),
            (200, {"errors": [{"message": "no"}], "data": {"block": {"ok": True}}}),
            (200, "rubbish"),
        ]
        await csms.block_token("04AB")
        for message in ("expected data.block.ok = true in the answer, got false", "has errors", "got nothing: rubbish"):
            with pytest.raises(DriverFailed, match=message):
                await csms.block_token("04AB")
    assert json.loads(api.asked[0]["body"])["variables"] == {"t": "04AB"}
    assert json.loads(api.asked[0]["body"])["query"].endswith("{id} }")


async def test_polls_until_it_is_done(api: Api, over_http: Any, context: Context) -> None:
    driver = over_http("""
[driver.command.any]
url = "/commands"
body = { action = "{action}", payload = "{payload}" }
status = [202]
[driver.command.any.poll]
url = "/commands/{answer.job.id}"
every = 0.01
done = { state = ["done"] }
failed = { state = ["failed"] }
""")
    job = {"job": {"id": 7}}
    async with started(driver, context) as csms:
        api.answers += [(202, job), (200, {"state": "queued"}), (503, "busy"), (200, {"state": "done"})]
        await csms.command("ClearCache")
        assert [each["path"] for each in api.asked] == ["/api/commands"] + ["/api/commands/7"] * 3
        api.answers += [(202, job), (200, {"state": "failed", "why": "offline"})]
        with pytest.raises(DriverFailed, match=r"it failed.*offline"):
            await csms.command("ClearCache")
        api.answers += [(200, job)]
        with pytest.raises(DriverFailed, match="expected HTTP 202 of the CSMS, got HTTP 200"):
            await csms.command("ClearCache")
        api.answers += [(202, {})]
        with pytest.raises(DriverFailed, match=r"can't poll.*answer.job.id"):
            await csms.command("ClearCache")


async def test_what_never_gets_done_ends_in_time(api: Api, over_http: Any, context: Context) -> None:
    driver = over_http("""
[driver.operation.remove_token]
url = "/x"
poll = { url = "/y", every = 0.01, done = { state = ["done"] } }
""")
    driver._hands._patience = 0.1
    async with started(driver, context) as csms:
        with pytest.raises(DriverFailed, match=r"had not done it within 0\.1 s"):
            await csms.remove_token("A")


async def test_secrets_come_from_elsewhere_and_show_nowhere(
    api: Api,
    over_http: Any,
    context: Context,
    notes: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("API_TOKEN", "top-secret-token")
    (tmp_path / "key.txt").write_text("file-secret\n", encoding="utf-8")
    driver = over_http("""
headers = { Authorization = "Bearer {env:API_TOKEN}", X-Api-Key = "{file:key.txt}" }
[driver.operation.set_password]
url = "/stations/{identity}"
method = "PATCH"
body = { password = "{password}" }
""")
    api.answers.append((500, "cannot set correct horse battery with top-secret-token, file-secret"))
    async with started(driver, context) as csms:
        with pytest.raises(DriverFailed) as failure:
            await csms.set_password(Secret("correct horse battery"))
    sent = api.asked[0]
    assert sent["headers"]["authorization"] == "Bearer top-secret-token"
    assert sent["headers"]["x-api-key"] == "file-secret"
    assert json.loads(sent["body"]) == {"password": "correct horse battery"}
    for text in (str(failure.value), str(notes)):
        assert "HTTP 500" in text
        for secret in ("top-secret", "file-secret", "correct horse"):
            assert secret not in text


async def test_reads(api: Api, over_http: Any, context: Context) -> None:
    driver = over_http("""
[driver.operation.read_station]
url = "/stations/{identity}"
method = "GET"
result = "data.0.station"
[driver.operation.read_transactions]
url = "/tx"
method = "GET"
""")
    async with started(driver, context) as csms:
        api.answers += [(200, {"data": [{"station": {"online": True}}]}), (200, {"data": []}), (200, [1, 2])]
        assert await csms.read_station() == {"online": True}
        with pytest.raises(DriverFailed, match=r"has no data\.0\.station"):
            await csms.read_station()
        assert await csms.read_transactions() == [1, 2]


async def test_a_redirection_is_not_followed_and_nobody_is_named(
    api: Api, over_http: Any, context: Context, csms_profile: Any
) -> None:
    driver = over_http('[driver.operation.remove_station]\nurl = "/x"\n')
    async with started(driver, context) as csms:
        api.answers.append((302, ""))
        with pytest.raises(DriverFailed, match="got HTTP 302: no text"):
            await csms.remove_station()
    gone = '[driver]\nkind = "http"\nbase_url = "http://127.0.0.1:9"\n[driver.operation.remove_station]\nurl = "/x"\n'
    async with started(create_csms_driver(csms_profile(gone)), context) as csms:
        with pytest.raises(DriverFailed, match=r"POST http://127\.0\.0\.1:9/x: "):
            await csms.remove_station()


async def test_a_command_in_the_background(api: Api, over_http: Any, context: Context, notes: Any) -> None:
    async with started(over_http('[driver.command.any]\nurl = "/{action}"\nbody = "{payload}"\n'), context) as csms:
        api.answers.append((500, "no"))
        await csms.launch("ClearCache")
    assert "driver: command ClearCache failed" in str(notes)


HTTP = '[driver]\nkind = "http"\nbase_url = "http://x"\n'


@pytest.mark.parametrize(
    ("driver", "message"),
    [
        ('[driver]\nkind = "http"', "[driver] base_url: expected a value, got none"),
        ('[driver]\nkind = "http"\nbase_url = "x"', "[driver] base_url: expected an address such as http://host"),
        (
            '[driver]\nkind = "htp"',
            '[driver] kind: expected embedded or process or http or operator or none, got "htp"',
        ),
        (HTTP + 'cwd = "no"', "[driver] cwd: expected a folder"),
        (HTTP + 'ca_file = "no.pem"', "[driver] ca_file: expected certificates in PEM, got no.pem"),
        (HTTP + '[driver.command.Resett]\nurl = "/x"', "[driver.command.Resett]: expected an OCPP action, or any"),
        (HTTP + '[driver.operation.ad_token]\nurl = "/x"', "[driver.operation.ad_token]: expected an operation"),
        (HTTP + "[driver.command.Reset]\nurll = '/x'", "[driver.command.Reset] urll: unknown key; did you mean url?"),
        (HTTP + "[driver.command.Reset]\nbody = 1", "[driver.command.Reset] url: expected a value, got none"),
        (HTTP + "[driver.command.Reset]\nurl = 'x'", "[driver.command.Reset] url: expected a path such as /stations"),
        (
            HTTP + "[driver.command.Reset]\nurl = '/{identiy}'",
            "[driver.command.Reset] url: {identiy} stands for nothing",
        ),
        (
            HTTP + "[driver.command.Reset]\nurl = '/'\nbody = { a = ['{paylod.type}'] }",
            "[driver.command.Reset] body: {paylod.type} stands for nothing; did you mean {payload}?",
        ),
        (
            HTTP + "headers = { Authorization = 'Bearer abc' }",
            "[driver.headers] Authorization: expected no secret in a profile; write {env:NAME}",
        ),
        (
            HTTP + "headers = { Authorization = '{env:NOT_SET}' }",
            "[driver.headers] Authorization: {env:NOT_SET}: expected a value in the environment variable NOT_SET",
        ),
        (
            HTTP + "[driver.command.Reset]\nurl = '/{file:no.txt}'",
            "[driver.command.Reset] url: {file:no.txt}: no.txt can't be read",
        ),
        (
            HTTP + "[driver.command.Reset]\nurl = '/'\nbody = 'x'\nform = { a = 'b' }",
            "[driver.command.Reset]: expected body or form, got both",
        ),
        (
            HTTP + "[driver.command.Reset]\nurl = '/'\npoll = { url = '/' }",
            "[driver.command.Reset.poll] done: expected a value, got none",
        ),
        (
            HTTP + "[driver.command.Reset]\nurl = '/'\nstatus = [99]",
            "[driver.command.Reset] status (entry 1): expected an integer ≥ 100, got 99",
        ),
        ("versions = 1", ""),
    ],
)
def test_what_is_wrong_is_said_in_terms_of_the_file(csms_profile: Any, driver: str, message: str) -> None:
    with pytest.raises(ProfileError) as failure:
        csms_profile(driver)
    assert str(failure.value).partition("csms.toml: ")[2].startswith(message)


def test_http_is_not_for_a_station(profile: Any) -> None:
    with pytest.raises(ProfileError, match="expected http only for a csms, got it for a station"):
        profile(after=HTTP)


def test_who_can_tell_where_it_listens_need_not_be_dialled_by_the_profile(tmp_path: Path) -> None:
    path = tmp_path / "csms.toml"
    text = CSMS.replace('[dial]\nurl = "ws://127.0.0.1:9000/ocpp"\n', "")
    path.write_text(text + '[driver]\nkind = "embedded"\n', encoding="utf-8")
    assert load_profile(path).dial is None
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ProfileError, match=r"\[dial\]: expected the address of the CSMS"):
        load_profile(path)


# -- the reference CSMS -----------------------------------------------------------------------------------------------

REFERENCE = """
[driver.command.any]
url = "/stations/{identity}/commands"
body = { action = "{action}", payload = "{payload}" }
status = [202]
[driver.operation.add_token]
url = "/tokens/{id_token}"
body = { status = "Accepted" }
[driver.operation.block_token]
url = "/tokens/{id_token}"
body = { status = "Blocked" }
[driver.operation.expire_token]
url = "/tokens/{id_token}"
body = { status = "Expired" }
[driver.operation.remove_token]
url = "/tokens/{id_token}"
method = "DELETE"
[driver.operation.read_token]
url = "/tokens/{id_token}"
method = "GET"
[driver.operation.provision_station]
url = "/stations/{identity}"
body = { password = "{password}" }
[driver.operation.remove_station]
url = "/stations/{identity}"
method = "DELETE"
[driver.operation.set_password]
url = "/stations/{identity}"
body = { password = "{password}" }
[driver.operation.set_registration]
url = "/stations/{identity}"
body = { policy = "{statuses}", interval = "{interval}" }
[driver.operation.read_station]
url = "/stations/{identity}"
method = "GET"
[driver.operation.read_transactions]
url = "/stations/{identity}"
method = "GET"
result = "transactions"
"""


@asynccontextmanager
async def by_http(csms_profile: Any, context: Context) -> AsyncIterator[CsmsDriver]:
    reference = ReferenceCsms(CsmsConfig(stations={context.identity: StationSetup()}))
    await reference.start()
    try:
        head = f'[driver]\nkind = "http"\nbase_url = "{reference.api_url}"\n'
        async with started(create_csms_driver(csms_profile(head + REFERENCE)), context) as csms:
            yield csms
    finally:
        await reference.stop()


@asynccontextmanager
async def embedded(csms_profile: Any, context: Context) -> AsyncIterator[CsmsDriver]:
    async with started(create_csms_driver(csms_profile('[driver]\nkind = "embedded"')), context) as csms:
        assert csms.url.startswith("ws://127.0.0.1:")
        yield csms


@pytest.mark.parametrize("way", [by_http, embedded])
async def test_operates_the_reference(way: Any, csms_profile: Any, context: Context) -> None:
    async with way(csms_profile, context) as csms:
        await csms.add_token("04AB")
        assert (await csms.read_token("04AB"))["status"] == "Accepted"
        await csms.block_token("04AB")
        assert (await csms.read_token("04AB"))["status"] == "Blocked"
        await csms.expire_token("04AB")
        assert (await csms.read_token("04AB"))["status"] == "Expired"
        await csms.remove_token("04AB")
        with pytest.raises(DriverFailed):
            await csms.read_token("04AB")
        await csms.provision_station("CS2", password=Secret("correct horse battery"))
        await csms.set_password(Secret("another horse battery"), "CS2")
        await csms.command("ClearCache", {})
        station = await csms.read_station()
        assert station["identity"] == context.identity
        assert len(station["queued"]) == 1
        assert await csms.read_transactions() == []
        await csms.remove_station("CS2")
        with pytest.raises(DriverFailed):
            await csms.read_station("CS2")
        with pytest.raises(DriverFailed):
            await csms.command("ClearCache", {}, identity="nobody")


async def test_the_embedded_one_knows_what_the_profile_says(csms_profile: Any, context: Context) -> None:
    second = '[parameters]\nsecond_identity = "CS2"\nblocked_id_token = { id_token = "B10C" }\n'
    driver = create_csms_driver(csms_profile(second + '[driver]\nkind = "embedded"'))
    async with started(driver, context) as csms:
        assert (await csms.read_station("CS2"))["identity"] == "CS2"
        assert (await csms.read_token("B10C"))["status"] == "Blocked"
        assert (await csms.read_token(Parameters().valid_id_token.id_token))["status"] == "Accepted"
        with pytest.raises(DriverFailed):
            await csms.read_token(Parameters().invalid_id_token.id_token)


async def test_the_embedded_one_answers_boots_as_told(csms_profile: Any, context: Context) -> None:
    async with embedded(csms_profile, context) as csms:
        await csms.set_registration("Pending", "Accepted", interval=5)
        assert (await csms.read_station())["policy"] == ["pending", "accept"]
        with pytest.raises(DriverFailed, match="can't do that"):
            await csms.set_registration("Perhaps")


# -- the others -------------------------------------------------------------------------------------------------------


def operated_by(lines: str, csms_profile: Any) -> tuple[CsmsDriver, io.StringIO]:
    shown = io.StringIO()
    terminal = Terminal(io.StringIO(lines), shown)
    return create_csms_driver(csms_profile('[driver]\nkind = "operator"'), terminal=terminal), shown


async def test_a_person_is_asked_to_click(csms_profile: Any, context: Context) -> None:
    driver, shown = operated_by("\nnever\nn\nf wrong button\n\n\n\n", csms_profile)
    async with started(driver, context) as csms:
        await csms.command("Reset", {"type": "OnIdle"})
        with pytest.raises(Unsupported, match="never"):
            await csms.command("ClearCache")
        assert not csms.can("ClearCache")
        assert csms.can("Reset")
        with pytest.raises(Unsupported, match="never"):
            await csms.command("ClearCache")
        with pytest.raises(Unsupported):
            await csms.add_token("A")
        with pytest.raises(DriverFailed, match="wrong button"):
            await csms.block_token("A")
        await csms.set_password(Secret("correct horse battery"))
        await csms.set_registration("Pending", "Accepted", interval=5)
        await csms.remove_station()
        with pytest.raises(Unsupported, match="not to tell"):
            await csms.read_station()
    text = shown.getvalue()
    assert "Reset to the station CS 001" in text
    assert '"type": "OnIdle"' in text
    assert "(password: correct horse battery)" in text
    assert "with Pending, then Accepted and the interval 5 s" in text
    assert "The CSMS is yours again" in text


def by_program(actions: list[str], csms_profile: Any) -> CsmsDriver:
    program = Path(__file__).with_name("csms_program.py")
    command = json.dumps([sys.executable, str(program), json.dumps(actions)])
    return create_csms_driver(csms_profile(f'[driver]\nkind = "process"\ncommand = {command}\n'))


async def test_a_program_does_it(csms_profile: Any, context: Context, notes: Any) -> None:
    async with started(by_program(["command", "read_station", "set_password"], csms_profile), context) as csms:
        assert csms.url == "ws://127.0.0.1:1/csms"
        assert csms.can("Reset")
        assert not csms.can("add_token")
        assert csms.trouble == ""
        await csms.command("Reset", {"type": "OnIdle"})
        assert await csms.read_station() == {"asked": "read_station"}
        await csms.set_password(Secret("correct horse battery"))
        with pytest.raises(DriverFailed, match="no such station"):
            await csms.command("ClearCache")
        with pytest.raises(Unsupported, match="does not know"):
            await csms.add_token("A")
    asked = [detail["message"]["request"] for text, detail in notes.taken if "asked" in str(detail)]
    assert asked[0]["args"] == {"identity": "CS 001", "action": "Reset", "payload": {"type": "OnIdle"}}


async def test_a_program_may_know_some_commands_only(csms_profile: Any, context: Context) -> None:
    async with started(by_program(["Reset"], csms_profile), context) as csms:
        await csms.command("Reset", {"type": "OnIdle"})
        with pytest.raises(Unsupported):
            await csms.command("ClearCache")


async def test_nobody_can_do_nothing(csms_profile: Any, context: Context) -> None:
    async with started(create_csms_driver(csms_profile("")), context) as csms:
        assert not csms.can("Reset")
        assert csms.url == context.csms_url
        with pytest.raises(Unsupported, match='kind = "none"'):
            await csms.command("Reset", {"type": "OnIdle"})
    with pytest.raises(DriverFailed, match="has not been started"):
        await csms.add_token("A")
    with pytest.raises(ValueError, match="a mutant runs in the embedded driver only"):
        create_csms_driver(csms_profile(""), mutant=object)


async def test_a_driver_that_hangs_is_given_up(csms_profile: Any, context: Context) -> None:
    class Hanging:
        trouble = ""
        url = None

        def can(self, name: str) -> bool:
            return True

        async def start(self, context: Context) -> None:
            if context.csms_url == "never":
                await asyncio.Event().wait()

        async def stop(self) -> None:
            pass

        async def act(self, action: str, **args: Any) -> Any:
            await asyncio.Event().wait()

    driver = CsmsDriver(Hanging(), ceiling=0.05)
    with pytest.raises(DriverFailed, match="was not ready within"):
        await driver.start(replace(context, csms_url="never"))
    async with started(driver, context) as csms:
        with pytest.raises(DriverFailed, match=r"did not finish within 0\.05 s"):
            await csms.add_token("A")
        csms.launch("ClearCache")
