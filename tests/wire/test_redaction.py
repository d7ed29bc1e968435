"""Secrets stay in memory: nothing that is exported has them, however they are written."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.wire.frames import decode, encode_call
from conformance.wire.redaction import (
    HIDDEN,
    Secrets,
    authorization,
    basic_credentials,
    without_secrets,
    without_userinfo,
)
from conformance.wire.transcript import Transcript

PASSWORD = 'Str0ng/pass word"é\\=+'


def basic(text: str | bytes) -> str:
    data = text.encode() if isinstance(text, str) else text
    return "Basic " + base64.b64encode(data).decode()


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        (basic("CS001:0123456789abcdef"), "Basic user=CS001 password=<16 characters>"),
        (basic("CS001:with:colons"), "Basic user=CS001 password=<11 characters>"),
        (basic("nocolon"), "Basic <12 unreadable characters>"),
        ("basic !!!", "basic <3 unreadable characters>"),
        ("Bearer abcdef", "Bearer <6 characters>"),
        ("abcdef", "<6 characters>"),
        ("", "<0 characters>"),
    ],
)
def test_an_authorization_header_keeps_its_scheme_and_user(header: str, shown: str) -> None:
    assert authorization(header) == shown


def test_credentials_are_read_from_a_basic_header() -> None:
    assert basic_credentials(basic("CS001:pä:ss")) == ("CS001", "pä:ss")
    assert basic_credentials(basic(b"CS001:\xff\x00")) == ("CS001", "\\xff\x00")
    assert basic_credentials("Bearer abc") is None
    assert basic_credentials(None) is None


def test_headers_and_urls_for_showing() -> None:
    headers = [("Host", "h"), ("authorization", basic("u:password1")), ("Cookie", "a=b"), ("X", "1"), ("X", "2")]
    assert without_secrets(headers) == {
        "Host": "h",
        "authorization": "Basic user=u password=<9 characters>",
        "Cookie": "<3 characters>",
        "X": "1, 2",
    }
    assert without_userinfo("ws://user:p@ss@host:1/path@x") == f"ws://{HIDDEN}@host:1/path@x"
    assert without_userinfo("ws://host/path@x") == "ws://host/path@x"


def strings(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from node
        for child in node.values():
            yield from strings(child)
    elif isinstance(node, list):
        for child in node:
            yield from strings(child)
    elif isinstance(node, str):
        yield node


characters = st.characters(exclude_categories=["Cs"])


@given(st.text(characters, min_size=8), st.text(characters, max_size=5), st.sampled_from([True, False]))
def test_a_known_secret_is_gone_from_the_text_and_what_it_decodes_to(
    secret: str,
    around: str,
    ascii_only: bool,  # noqa: FBT001
) -> None:
    secrets = Secrets()
    secrets.add([secret])
    raw = json.dumps([2, "1", "A", {"x": around + secret + around, "y": {secret: [secret]}}], ensure_ascii=ascii_only)
    hidden = secrets.text(raw)
    assert [each for each in strings(json.loads(hidden)) if secret in each] == []


@pytest.mark.parametrize(
    "written",
    [
        PASSWORD,
        json.dumps(PASSWORD)[1:-1],
        json.dumps(PASSWORD, ensure_ascii=False)[1:-1],
        json.dumps(PASSWORD)[1:-1].replace("/", "\\/"),
        "Str0ng%2Fpass%20word%22%C3%A9%5C%3D%2B",
    ],
)
def test_every_way_of_writing_a_secret_is_hidden(written: str) -> None:
    secrets = Secrets()
    secrets.add([PASSWORD, ""])
    assert secrets.text(f"before {written} after") == f"before {HIDDEN} after"


def test_a_secret_behind_odd_escapes_is_hidden() -> None:
    secrets = Secrets()
    secrets.add(["password1"])
    assert secrets.text('[2,"1","A",{"x":"\\u0070assword1"}]') == f'[2,"1","A",{{"x":"{HIDDEN}"}}]'
    untouched = '[2,"1","A",{"x": "line\\n"}]'
    assert secrets.text(untouched) == untouched


SET = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
OTHER = {"component": {"name": "X"}, "variable": {"name": "Interval"}, "attributeValue": "60"}
NETWORK = {
    "configurationSlot": 1,
    "connectionData": {
        "ocppVersion": "OCPP20",
        "ocppTransport": "JSON",
        "ocppCsmsUrl": "ws://x",
        "messageTimeout": 30,
        "securityProfile": 1,
        "ocppInterface": "Wired0",
        "apn": {"apn": "a", "apnPassword": "apn-password", "simPin": 1234, "apnAuthentication": "PAP"},
        "vpn": {"server": "s", "user": "u", "password": "vpn-password", "key": "shared-secret", "type": "PPTP"},
    },
}


@pytest.mark.parametrize(
    ("action", "payload", "secrets"),
    [
        ("SetVariables", {"setVariableData": [OTHER, {**SET, "attributeValue": "new-password-1"}]}, ["new-password-1"]),
        ("SetVariables", {"setVariableData": [{**SET, "attributeValue": "short"}]}, ["short"]),
        ("ChangeConfiguration", {"key": "AuthorizationKey", "value": "00112233445566"}, ["00112233445566"]),
        ("SetNetworkProfile", NETWORK, ["apn-password", "1234", "vpn-password", "shared-secret"]),
    ],
)
def test_what_a_request_sets_is_hidden_from_its_first_export_on(
    action: str, payload: dict[str, Any], secrets: list[str]
) -> None:
    transcript = Transcript()
    entry = transcript.add("frame", sender="harness", frame=decode(encode_call("1", action, payload)))
    shown = json.dumps(entry.to_json()) + entry.text + str(entry) + repr(transcript.secrets)
    for secret in secrets:
        assert secret not in shown
    assert entry.frame is not None
    assert entry.frame.payload == payload  # type: ignore[union-attr]
    assert json.loads(entry.text)[2] == action
    if action == "SetVariables":
        assert '"attributeValue":"60"' in entry.text or len(payload["setVariableData"]) == 1


def test_a_new_password_is_hidden_wherever_it_comes_up_again() -> None:
    transcript = Transcript()
    before = transcript.note("the password is new-password-1")
    payload = {"setVariableData": [{**SET, "attributeValue": "new-password-1"}]}
    transcript.add("frame", sender="harness", frame=decode(encode_call("1", "SetVariables", payload)))
    entry = transcript.add("frame", sender="sut", frame=decode('[4,"1","GenericError","no new-password-1",{}]'))
    assert "new-password-1" not in entry.text
    assert "new-password-1" not in json.dumps(before.to_json())


def test_a_broken_frame_is_searched_too() -> None:
    transcript = Transcript()
    raw = '[2,"1","SetVariables",{"setVariableData":[{"attributeValue":"new-password-1","variable":{"name":"Basic'
    entry = transcript.add("frame", sender="harness", frame=decode(raw))
    assert "new-password-1" not in entry.text
    assert entry.text.startswith('[2,"1","SetVariables",{"setVariableData":[{"attributeValue":"<secret>"')
    deep = '[2,"1","SetVariables",' + '{"password":' * 100_000 + '"abc'
    assert "abc" not in transcript.add("frame", sender="sut", frame=decode(deep)).text


def test_registered_secrets_are_hidden_in_notes_and_problems() -> None:
    transcript = Transcript()
    transcript.redact(["hunter2"])
    entry = transcript.note("tried hunter2", values=["hunter2", {"hunter2": 1}], count=3)
    assert entry.to_json()["detail"] == {"text": f"tried {HIDDEN}", "values": [HIDDEN, {HIDDEN: 1}], "count": 3}
    assert entry.detail["text"] == "tried hunter2"
