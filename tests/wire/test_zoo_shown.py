"""Every member of the zoo can be shown by the harness, and OpenSSL's own programs, as the other end, say why not."""

import asyncio
import re
import shutil
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from wire_support import PATIENCE, Serve, of, seen

from conformance.pki import Pki, recipe
from conformance.wire.certificates import Chain
from conformance.wire.link import HandshakeFailed, dial
from conformance.wire.tls import ClientTls, ServerTls, able
from conformance.wire.transcript import Transcript

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here")

WHY = {
    "expired": "certificate has expired",
    "not-yet-valid": "certificate is not yet valid",
    "wrong-host": "hostname mismatch",
    "another-station": "hostname mismatch",
    "wildcard": "hostname mismatch",  # of localhost OpenSSL takes no wildcard at all
    "right-cn-wrong-san": "hostname mismatch",
    "unknown-root": "unable to get (local )?issuer certificate|self-signed certificate",
    "other-root": "unable to get (local )?issuer certificate|self-signed certificate",
    "missing-intermediate": "unable to get local issuer certificate|unable to verify the first certificate",
    "self-signed": "self-signed certificate",
    "signed-by-a-station": "invalid CA certificate|issuer certificate doesn't have a public key|.*CA.*",
    "expired-intermediate": "certificate has expired",
    "weak-key": "EE certificate key too weak|ee key too small",
    "sha1": "CA signature digest algorithm too weak|.*md too weak",
    "wrong-usage": "unsuitable certificate purpose|unsupported certificate purpose",
    "revoked": "certificate revoked",
}
"""In OpenSSL's words, of more than one version; it has nothing against those that are missing here."""


@cache
def pki() -> Pki:
    return Pki.new()


def written(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, encoding="ascii")
    return str(folder / name)


def shown(end: str, name: str) -> tuple[Chain, ...]:
    return pki().server_zoo[name] if end == "server" else (pki().station_zoo[name],)


@pytest.mark.parametrize(("end", "name"), [(end, name) for end in ("server", "station") for name in recipe(end)])
def test_the_harness_can_show_it(end: str, name: str) -> None:
    chains = shown(end, name)
    tls = ServerTls(chains) if end == "server" else ClientTls(pki().root, chains[0], verifies=False)
    assert able(tls) == ""


@needs_openssl
@pytest.mark.parametrize("name", recipe("server"))
async def test_a_client_of_openssl(name: str, serve: Serve, transcript: Transcript, tmp_path: Path) -> None:
    trust = written(tmp_path, "trust.pem", pki().root + pki().crl)
    async with serve(tls=ServerTls(shown("server", name))) as listener:
        process = await asyncio.create_subprocess_exec(
            *("openssl", "s_client", "-connect", f"127.0.0.1:{listener.port}", "-servername", "localhost"),
            *("-CAfile", trust, "-crl_check", "-verify_hostname", "localhost"),
            *("-verify_return_error", "-auth_level", "2", "-cipher", "ALL:@SECLEVEL=0"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(PATIENCE):
            said = (await process.communicate())[0].decode()
        entry = await seen(transcript, of("tls"))
    assert entry.detail["shown"][0]["sha256"]
    if name in WHY:
        assert re.search(f"verify error:num=\\d+:({WHY[name]})", said, re.IGNORECASE), said
        assert not entry.detail["ok"] or any(late.detail.get("late") for late in transcript.entries)
    else:
        assert "Verify return code: 0 (ok)" in said
        assert entry.detail["ok"]


@needs_openssl
@pytest.mark.parametrize("name", recipe("station"))
async def test_a_server_of_openssl(name: str, tmp_path: Path) -> None:
    own = pki().server()[1]
    file = written(tmp_path, "server.pem", f"{own.key}\n{own.certificates}")
    trust = written(tmp_path, "trust.pem", pki().root + pki().crl)
    process = await asyncio.create_subprocess_exec(
        *("openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", file, "-cert_chain", file, "-key", file),
        *("-Verify", "3", "-CAfile", trust, "-crl_check", "-verify_return_error"),
        *("-auth_level", "2", "-cipher", "ALL:@SECLEVEL=0", "-naccept", "1"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    transcript = Transcript()
    async with asyncio.timeout(PATIENCE):
        while not (line := (await process.stdout.readline()).decode()).startswith("ACCEPT"):
            assert line
        port = int(line.rpartition(":")[2])
        tls = ClientTls(pki().root, shown("station", name)[0], server_name="localhost")
        dialling = asyncio.ensure_future(dial(f"wss://127.0.0.1:{port}/CS001", ["ocpp2.0.1"], transcript, tls=tls))
        said = ""
        while "verify error" not in said and "CIPHER is" not in said:
            said += (await process.stdout.readline()).decode()
        process.kill()
        with suppress(HandshakeFailed):
            (await dialling).abort()
        await process.communicate()
    assert transcript.entries[0].kind == "tls"
    if name in WHY:
        assert re.search(f"verify error:num=\\d+:({WHY[name]})", said, re.IGNORECASE), said
    else:
        assert "verify error" not in said
