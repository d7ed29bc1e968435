"""OpenSSL's own programs, as the other end, agree with the transcript about version, suite and alert."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tls_support import authority, good, stranger
from wire_support import PATIENCE, Serve, of, seen

from conformance.wire.certificates import Chain
from conformance.wire.hello import hello, probe
from conformance.wire.link import HandshakeFailed, dial
from conformance.wire.tls import ClientTls, ServerTls
from conformance.wire.transcript import Transcript

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")


def written(folder: Path, name: str, text: str) -> str:
    file = folder / name
    file.write_text(text)
    return str(file)


async def openssl(*asked: str) -> str:
    """What `openssl` has to say, with its input at an end."""
    process = await asyncio.create_subprocess_exec(
        "openssl",
        *asked,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(PATIENCE):
        said, _ = await process.communicate()
    return said.decode()


@pytest.mark.parametrize(
    ("options", "server", "alert"),
    [
        pytest.param((), good, None, id="agreed"),
        pytest.param(("-tls1_2",), good, None, id="agreed, 1.2"),
        pytest.param(("-tls1_2", "-cipher", "AES256-GCM-SHA384"), good, None, id="agreed, RSA"),
        pytest.param((), lambda: stranger().server(), "unknown_ca", id="unknown root"),
        pytest.param(
            ("-verify_hostname", "localhost"),
            lambda: authority().server("elsewhere.example"),
            "bad_certificate",
            id="another name",
        ),
        pytest.param(("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), good, "protocol_version", id="too old"),
        pytest.param(("-tls1_2", "-cipher", "AES128-SHA"), good, "handshake_failure", id="no suite"),
        pytest.param(
            ("-tls1_2",), lambda: replace(good(), client_roots=authority().root), "handshake_failure", id="no client"
        ),
    ],
)
async def test_a_client(
    options: tuple[str, ...], server: object, alert: str | None, serve: Serve, transcript: Transcript, tmp_path: Path
) -> None:
    assert callable(server)
    root = written(tmp_path, "root.pem", authority().root)
    async with serve(tls=server()) as listener:
        to = ("-connect", f"127.0.0.1:{listener.port}", "-servername", "localhost", "-CAfile", root)
        said = await openssl("s_client", *to, "-verify_return_error", "-msg", *options)
        entry = await seen(transcript, of("tls"))
    alerts = re.findall(r"(<<<|>>>) .*Alert.*fatal (\w+)", said)
    if alert is None:
        version, suite = re.findall(r"New, (TLSv1\.\d), Cipher is (\S+)", said)[0]
        assert (entry.detail["ok"], entry.detail["version"], alerts) == (True, version, [])
        assert await openssl("ciphers", "-convert", entry.detail["suite"]) == f"OpenSSL cipher name: {suite}\n"
    else:
        (direction, name) = alerts[0]
        assert name == alert
        told = entry.detail["alert_received" if direction == ">>>" else "alert_sent"]
        assert told == alert
        assert entry.detail["ok"] is False


@asynccontextmanager
async def s_server(folder: Path, chain: Chain, *options: str) -> AsyncIterator[tuple[int, Any, list[str]]]:
    """`openssl s_server` on a port of its own; what it says so far."""
    file = written(folder, "server.pem", f"{chain.key}\n{chain.certificates}")
    process = await asyncio.create_subprocess_exec(
        *("openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", file, "-key", file, "-msg", *options),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    said: list[str] = []
    try:
        async with asyncio.timeout(PATIENCE):
            while not (said and said[-1].startswith("ACCEPT")):
                said.append((await process.stdout.readline()).decode())
        yield int(said[-1].rpartition(":")[2]), process.stdout, said
    finally:
        process.terminate()
        said.append((await process.stdout.read()).decode())
        await process.wait()


async def until_an_alert(output: asyncio.StreamReader, said: list[str]) -> None:
    async with asyncio.timeout(PATIENCE):
        while "Alert" not in said[-1]:
            said.append((await output.readline()).decode())


@pytest.mark.parametrize(
    ("ours", "options", "alert"),
    [
        pytest.param({}, (), "bad_certificate", id="another name"),
        pytest.param({"server_name": "x", "roots": "other"}, (), "unknown_ca", id="unknown root"),
        pytest.param({"server_name": "x", "newest": "1.2"}, ("-tls1_3",), "protocol_version", id="too new"),
        pytest.param(
            {"server_name": "x", "newest": "1.2", "suites": ("AES128-GCM-SHA256",)},
            (),
            "handshake_failure",
            id="no suite",
        ),
    ],
)
async def test_a_server(ours: dict[str, object], options: tuple[str, ...], alert: str, tmp_path: Path) -> None:
    given = {**ours, "roots": stranger().root if "roots" in ours else authority().root}
    transcript = Transcript()
    async with s_server(tmp_path, authority().chain("x"), *options) as (port, output, said):
        with pytest.raises(HandshakeFailed, match="TLS"):
            await dial(f"wss://127.0.0.1:{port}/CS001", ["ocpp2.0.1"], transcript, tls=ClientTls(**given))  # type: ignore[arg-type]
        await until_an_alert(output, said)
    entry = transcript.entries[0]
    (direction, name), *_ = re.findall(r"(<<<|>>>) .*Alert.*fatal (\w+)", "".join(said))
    assert name == alert
    assert entry.detail["alert_received" if direction == ">>>" else "alert_sent"] == alert


async def test_a_hello_by_hand(tmp_path: Path) -> None:
    async with s_server(tmp_path, authority().chain("x"), "-tls1_2") as (port, _, said):
        reply = await probe("127.0.0.1", port, hello(server_name="x"), Transcript(), PATIENCE)
    assert (reply.version, reply.suite) == ("TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")
    assert "ClientHello" in "".join(said)
    assert isinstance(good(), ServerTls)
