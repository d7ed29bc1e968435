"""A run in which certificates are shown, renewed and refused leaves no secret anywhere: no password and no private key.

Every key that is made while it runs, at either end, is written aside by a module that Python loads first.
"""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from run_support import Done, own_tests, profile, pytest_command, run

from conformance.pki import Pki
from conformance.sut.secret import Secret

PASSWORD = "A-password-that-nobody-guesses"

WATCH = """
import os
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

def watched(make):
    def made(*words, **more):
        key = make(*words, **more)
        form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        with open(os.environ["MADE_KEYS"], "ab") as file:
            file.write(key.private_bytes(serialization.Encoding.PEM, *form))
        return key
    return made

ec.generate_private_key = watched(ec.generate_private_key)
rsa.generate_private_key = watched(rsa.generate_private_key)
"""

STATION = '''
from dataclasses import replace

from conformance.cases.zoo import Reception, Shown


async def test_renewed_and_refused(security, csms, spec):
    """A station shows its certificate, has it renewed, refuses two that are not good, and takes another password."""
    door = await security.at(3)
    await csms.speak.request_signing()
    request = await csms.expect("SignCertificate")
    await csms.speak.certificate_signed(security.pki.sign(request["csr"], key="other"))
    await csms.speak.certificate_signed(security.pki.sign(request["csr"]))
    for name in ("expired", "self-signed"):
        member = security.pki.server_zoo.member(name)
        before = len(door.handshakes())
        with door.presenting(replace(door.tls, chains=security.pki.server_zoo[name])):
            async with door.endpoint.network.reset():
                await csms.disconnected()
            await csms.until(lambda: len(door.handshakes()) > before, "a handshake", within=15)
        last = door.handshakes()[-1].detail
        spec.shown.append(Shown(name, Reception.REFUSED, member.wrong, member.refuses, str(last["alert_received"])))
    await csms.until(lambda: csms.link is not None, "the station", within=20)
    with spec("VENDOR-1"):
        assert security.pki.station() == security.pki.server()[0], "chains are told of without their keys"
    raise RuntimeError(f"broke off with {security.pki.server()} and {security.own_password} and {door.tls}")


async def test_password(security, csms, profile):
    """In security profile 2 the password goes over the wire."""
    door = await security.at(2)
    password = security.own_password.successor(40).reveal()
    if profile.version == "1.6":
        await csms.call("ChangeConfiguration", {"key": "AuthorizationKey", "value": password.encode().hex()[:40]})
        return
    item = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    await csms.call("SetVariables", {"setVariableData": [{**item, "attributeValue": password}]})
'''

CSMS = '''
import pytest

from conformance.cases.zoo import Reception, Shown
from conformance.peers.station import NotConnected


async def test_renewed_and_refused(security, station, another_station, spec):
    """A CSMS refuses two stations whose certificates are not good, and lets in a good one, with a request to sign."""
    await station.disconnect()
    for name in ("expired", "self-signed"):
        member = security.pki.station_zoo.member(name)
        peer = another_station(station.identity, **security.greeting(3, chain=security.pki.station_zoo[name]))
        with pytest.raises(NotConnected):
            await peer.connect()
        spec.shown.append(Shown(name, Reception.REFUSED, member.wrong, member.refuses))
    peer = another_station(station.identity, **security.greeting(3))
    await peer.connect()
    with spec("VENDOR-1"):
        assert security.pki.station() == security.pki.server()[0], "chains are told of without their keys"
    raise RuntimeError(f"broke off with {security.pki.station()} and {security.client(3)}")


async def test_password(security, station, another_station, profile):
    """In security profile 2 the password goes over the wire."""
    await station.disconnect()
    own = profile.password()
    await another_station(station.identity, **security.greeting(2), password=own.reveal()).connect()
    with pytest.raises(NotConnected):
        await another_station(station.identity, **security.greeting(2), password=own.successor(40).reveal()).connect()
'''


@pytest.fixture(scope="module", params=["station 2.0.1", "station 1.6", "csms 2.0.1"])
def target(request: pytest.FixtureRequest) -> list[str]:
    return str(request.param).split()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, target: list[str]) -> Path:
    return tmp_path_factory.mktemp("security")


@pytest.fixture(scope="module")
def pki(folder: Path) -> Pki:
    made = Pki.new(serial="CS001")
    made.save(folder / "pki")
    return made


@pytest.fixture(scope="module")
def done(folder: Path, pki: Pki, target: list[str]) -> Done:
    """A run in security profiles 2 and 3, in which certificates are shown, renewed and refused."""
    (folder / "watch").mkdir()
    (folder / "watch" / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    work = folder / "work"
    work.mkdir()
    path = profile(
        work / "sut.toml",
        role=target[0],
        versions=(target[1],),
        driver=f'kind = "embedded"\n[security]\npki = {json.dumps(str(folder / "pki"))}\n'
        '[credentials]\npassword_env = "SUT_PASSWORD"',
        reconnect=15,
    )
    own_tests(work, STATION if target[0] == "station" else CSMS)
    env = {"PYTHONPATH": f"{folder / 'watch'}", "MADE_KEYS": str(folder / "keys"), "SUT_PASSWORD": PASSWORD}
    env["PYTHONPATH"] += f":{Path(__file__).parent.parent}"
    return run(pytest_command(f"--ocpp-sut={path}", "-v", "--showlocals", "test_own.py"), work, env=env)


def keys(folder: Path) -> list[str]:
    """Every private key of the run, in PEM."""
    text = "".join(each.read_text(encoding="ascii") for each in [folder / "keys", *(folder / "pki").rglob("*.key")])
    return re.findall(r"-----BEGIN PRIVATE KEY-----.*?-----END PRIVATE KEY-----\n", text, re.DOTALL)


def forms_of_key(pem: str) -> Iterator[str]:
    """How a private key could be written down: lines of its PEM in both forms, and its numbers."""
    key = load_pem_private_key(pem.encode(), None)
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        lines = key.private_bytes(Encoding.PEM, form, NoEncryption()).decode().splitlines()[1:-1]
        public = 8 if isinstance(key, rsa.RSAPrivateKey) else 0  # the modulus comes first, and is in the certificate
        yield from (line for line in lines[public:] if len(line) > 30)
    numbers = key.private_numbers()
    for number in [numbers.d, numbers.p] if isinstance(key, rsa.RSAPrivateKey) else [numbers.private_value]:
        yield from (str(number), f"{number:x}", base64.b64encode(number.to_bytes(256, "big").lstrip(b"\0")).decode())


def forms_of_password(password: str) -> Iterator[str]:
    yield from (password, password.encode().hex()[:40], password.encode().hex()[:40].upper())
    yield base64.b64encode(f"CS001:{password}".encode()).decode()


def test_it_did_what_it_says(done: Done, folder: Path) -> None:
    assert done.case("test_password")["verdict"] == "PASS", done.text
    broken = done.case("test_renewed_and_refused")
    assert "RuntimeError: broke off" in broken["reason"], done.text
    assert [each["what"] for each in broken["shown"]] == ["expired", "self-signed"]
    assert "Who was let in" in done.out
    made_while_it_ran = re.findall("BEGIN", (folder / "keys").read_text(encoding="ascii"))
    assert made_while_it_ran, "of what is not good, and of the station"


def test_no_secret_is_in_what_it_leaves_or_says(done: Done, folder: Path) -> None:
    own = Secret(PASSWORD)
    forms = [form for each in (own, own.successor(40)) for form in forms_of_password(each.reveal())]
    for pem in keys(folder):
        told = list(forms_of_key(pem))
        assert any(form in pem for form in told)
        forms += told
    assert len(forms) > 100
    files = {each: each.read_bytes() for each in (folder / "work").rglob("*") if each.is_file()}
    names = {each.name for each in files}
    assert {"result.json", "certificate.html", "junit.xml", "test_own.py"} <= names
    assert any("transcript" in name for name in names)
    assert any("allure-results" in str(each) for each in files)
    said = {str(each): content.decode("utf-8", "replace") for each, content in files.items()} | {"said": done.text}
    leaks = {name: [form for form in forms if form in text] for name, text in said.items()}
    assert {name: found for name, found in leaks.items() if found} == {}
    assert [name for name, text in said.items() if "PRIVATE KEY" in text] == []
