"""TLS at both ends of the harness: what is agreed, what is refused and why, and that the faults work over it."""

import asyncio
import socket
import ssl
import tempfile
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from tls_support import EXPIRED, NOW, Authority, authority, good, secure, stranger
from wire_support import BOOT, PATIENCE, UPGRADE, Raw, Serve, of, seen

from conformance.report.evidence import trace_text
from conformance.wire.certificates import Chain, read
from conformance.wire.faults import Network, StationNetwork
from conformance.wire.frames import CallResult
from conformance.wire.link import HandshakeFailed, Line, LinkOptions, dial
from conformance.wire.tls import SUITES, ClientTls, LocallyUnable, ServerTls, TlsVersion, able, context_of, words
from conformance.wire.transcript import Entry, Transcript

OLD = ("AES128-SHA",)
ANSWER = lambda entry: isinstance(entry.frame, CallResult)  # noqa: E731
IANA = {
    "ECDHE-ECDSA-AES128-GCM-SHA256": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384": "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "AES128-GCM-SHA256": "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "AES256-GCM-SHA384": "TLS_RSA_WITH_AES_256_GCM_SHA384",
}


@pytest.fixture
def ours() -> Transcript:
    return Transcript()


def client(**changes: object) -> ClientTls:
    return replace(ClientTls(authority().root), **changes)  # type: ignore[arg-type]


async def refused(serve: Serve, there: Transcript, here: Transcript, server: ServerTls, us: ClientTls) -> list[Entry]:
    """Let a handshake fail; the "tls" entries of the server and the client, as soon as both have said what it was."""
    async with serve(tls=server) as listener:
        with pytest.raises(HandshakeFailed, match="TLS"):
            await dial(secure(listener), ["ocpp2.0.1"], here, tls=us)
        await seen(there, of("handshake", status=None))
    return [
        next(each for each in record.entries if each.kind == "tls" and not each.detail["ok"])
        for record in (there, here)
    ]


# -- agreed


async def test_what_was_agreed_is_told_at_both_ends(serve: Serve, transcript: Transcript, ours: Transcript) -> None:
    async with serve(tls=good()) as listener:
        link = await dial(secure(listener), ["ocpp2.0.1"], ours, tls=client())
        link.send(BOOT)
        await seen(ours, ANSWER)
        await link.close()
        await seen(transcript, of("close"))
    for record in (transcript, ours):
        assert [entry.kind for entry in record.entries if entry.kind != "frame"] == [
            "tls",
            "handshake",
            "open",
            "close",
        ]
        detail = record.entries[0].detail
        assert (detail["ok"], detail["version"], detail["sni"], detail["error"]) == (True, "TLSv1.3", "localhost", None)
        assert (detail["alert_sent"], detail["alert_received"], detail["data"]) == (None, None, 0)
        assert set(IANA.values()) < set(detail["offered"]["suites"])
        assert detail["offered"]["versions"] == ["TLSv1.3", "TLSv1.2"]
        assert detail["offered"]["compression"] == ["null"]
        assert {"x25519", "secp256r1"} <= set(detail["offered"]["groups"])
        assert "ecdsa_secp256r1_sha256" in detail["offered"]["signature_algorithms"]
    assert [entry.sender for entry in (transcript.entries[0], ours.entries[0])] == ["sut", "harness"]
    assert link.tls is ours.entries[0]
    (leaf,) = read("".join(link.peer_chain))
    assert ours.entries[0].detail["chain"] == transcript.entries[0].detail["shown"] == [leaf.to_json()]
    assert transcript.entries[0].detail["chain"] == []


@pytest.mark.parametrize("suite", SUITES)
async def test_each_suite_of_the_profiles(suite: str, serve: Serve, transcript: Transcript, ours: Transcript) -> None:
    async with serve(tls=replace(good(), newest="1.2")) as listener:
        link = await dial(secure(listener), ["ocpp1.6"], ours, tls=client(suites=(suite,)))
        await link.close()
    assert [record.entries[0].detail["suite"] for record in (transcript, ours)] == [IANA[suite]] * 2
    assert ours.entries[0].detail["version"] == "TLSv1.2"


async def test_a_client_certificate(serve: Serve, transcript: Transcript, ours: Transcript) -> None:
    chain = stranger().chain("station", common_name="HM-0000-4711", organization_name="operator")
    for newest in ("1.2", "1.3"):
        us, server = client(chain=chain, newest=newest), replace(good(), client_roots=stranger().root)
        async with serve(tls=server) as listener:
            mark = len(transcript.entries)
            link = await dial(secure(listener), ["ocpp2.0.1"], ours, tls=us)
            (there,) = listener.connections
            await link.close()
        assert there.peer_chain == (chain.certificates.strip() + "\n",)
        (shown,) = transcript.entries[mark].detail["chain"]
        assert (shown["common_names"], shown["organizations"]) == (["HM-0000-4711"], ["operator"])


async def test_a_session_is_resumed(serve: Serve, transcript: Transcript) -> None:
    context = context_of(client(newest="1.2"))
    async with serve(tls=good()) as listener:
        session = None
        for _ in range(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
            made = context.wrap_bio(coming, going, server_hostname="localhost", session=session)
            while True:
                try:
                    made.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    writer.write(going.read())
                    coming.write(await reader.read(9999))
            session = made.session
            writer.write(going.read())
            writer.close()
        await seen(transcript, of("tls", resumed=True))
    assert [entry.detail["resumed"] for entry in transcript.entries if entry.kind == "tls"] == [False, True]


async def test_the_harness_shows_another_to_the_next(serve: Serve, ours: Transcript) -> None:
    async with serve(tls=good()) as listener:
        first = await dial(secure(listener), ["ocpp2.0.1"], ours, tls=client())
        listener.tls = stranger().server()
        with pytest.raises(HandshakeFailed, match="TLS: unknown_ca"):
            await dial(secure(listener), ["ocpp2.0.1"], ours, tls=client())
        listener.tls = good()
        await (await dial(secure(listener), ["ocpp2.0.1"], ours, tls=client())).close()
        assert first.is_open


async def test_names_that_go_out(serve: Serve, transcript: Transcript, ours: Transcript) -> None:
    async with serve(tls=authority().server("localhost", "csms.example")) as listener:
        for name in ("csms.example", "", None):
            await (await dial(secure(listener), ["ocpp2.0.1"], ours, tls=client(server_name=name))).close()
    said = [entry.detail["sni"] for entry in transcript.entries if entry.kind == "tls"]
    assert said == ["csms.example", None, "localhost"]


# -- refused


@pytest.mark.parametrize("newest", ["1.2", "1.3"])
@pytest.mark.parametrize(
    ("wrong", "alert"),
    [
        pytest.param(lambda: stranger().server(), "unknown_ca", id="unknown root"),
        pytest.param(lambda: authority().server("elsewhere.example"), "bad_certificate", id="other name"),
        pytest.param(lambda: authority().server(**EXPIRED), "certificate_expired", id="expired"),
    ],
)
async def test_a_server_that_is_refused(
    wrong: object, alert: str, newest: TlsVersion, serve: Serve, transcript: Transcript, ours: Transcript
) -> None:
    assert callable(wrong)
    there, here = await refused(serve, transcript, ours, replace(wrong(), newest=newest), client())
    assert there.detail["alert_received"] == here.detail["alert_sent"] == alert
    assert there.detail["alert_sent"] is here.detail["alert_received"] is None
    assert there.detail["version"] == f"TLSv{newest}"
    assert there.detail["shown"] == here.detail["chain"]
    assert len(there.detail["shown"]) == 1
    assert (there.detail["data"], there.detail["error"] is None) == (0, False)
    (failed,) = [entry for entry in transcript.entries if entry.kind == "handshake"]
    assert (failed.detail["status"], failed.detail["error"]) == (None, f"TLS: {alert}")


@pytest.mark.parametrize("newest", ["1.2", "1.3"])
@pytest.mark.parametrize(
    ("chain", "alert"),
    [
        pytest.param(lambda: None, {"1.2": "handshake_failure", "1.3": "certificate_required"}, id="none"),
        pytest.param(lambda: authority().chain("x"), "unknown_ca", id="other root"),
        pytest.param(lambda: stranger().chain("x", **EXPIRED), "certificate_expired", id="expired"),
    ],
)
async def test_a_client_that_is_refused(
    chain: object, alert: object, newest: TlsVersion, serve: Serve, transcript: Transcript, ours: Transcript
) -> None:
    """With TLS 1.3 the client has long agreed when the alert comes, and has sent its request."""
    assert callable(chain)
    name = alert[newest] if isinstance(alert, dict) else alert
    server = replace(good(), client_roots=stranger().root)
    there, here = await refused(serve, transcript, ours, server, client(chain=chain(), newest=newest))
    assert there.detail["alert_sent"] == here.detail["alert_received"] == name
    assert ours.entries[0].detail["ok"] is (newest == "1.3")
    assert here.detail.get("late", False) is (newest == "1.3")
    assert bool(there.detail["chain"]) is (chain() is not None)
    assert ours.entries[-1].detail["error"] == f"TLS: {name}"


async def test_a_revoked_client(serve: Serve, transcript: Transcript, ours: Transcript) -> None:
    chain = stranger().chain("station")
    key = load_pem_private_key(stranger().ca.private_key_pem.bytes(), None)
    root, leaf = (x509.load_pem_x509_certificate(each.encode()) for each in (stranger().root, chain.certificates))
    gone = x509.RevokedCertificateBuilder(leaf.serial_number, NOW).build()
    builder = x509.CertificateRevocationListBuilder().issuer_name(root.subject).last_update(NOW - timedelta(hours=1))
    crl = builder.next_update(NOW + timedelta(days=1)).add_revoked_certificate(gone).sign(key, hashes.SHA256())  # type: ignore[arg-type]
    server = replace(good(), client_roots=stranger().root, crls=crl.public_bytes(Encoding.PEM).decode())
    there, _ = await refused(serve, transcript, ours, server, client(chain=chain))
    assert there.detail["alert_sent"] == "certificate_revoked"


async def test_no_version_in_common(serve: Serve, transcript: Transcript, ours: Transcript) -> None:
    there, here = await refused(serve, transcript, ours, good(), client(oldest="1.1", newest="1.1", suites=OLD))
    assert there.detail["alert_sent"] == here.detail["alert_received"] == "protocol_version"
    assert there.detail["offered"]["versions"] == ["TLSv1.1"]
    assert there.detail["version"] is None


async def test_an_old_server_is_refused(serve: Serve, transcript: Transcript, ours: Transcript) -> None:
    there, here = await refused(
        serve,
        transcript,
        ours,
        replace(good(), oldest="1.0", newest="1.1", suites=OLD),
        client(newest="1.2", suites=(*OLD, *SUITES)),
    )
    assert there.detail["alert_received"] == here.detail["alert_sent"] == "protocol_version"
    assert there.detail["version"] == here.detail["version"] == "TLSv1.1"
    assert able(replace(good(), oldest="1.0", newest="1.1", suites=OLD)) == ""
    assert "can't" in able(replace(good(), oldest="1.0", newest="1.1"))


async def test_no_suite_in_common(serve: Serve, transcript: Transcript, ours: Transcript) -> None:
    server = replace(good(), newest="1.2", suites=("NULL-SHA256",))
    there, here = await refused(serve, transcript, ours, server, client())
    assert there.detail["alert_sent"] == here.detail["alert_received"] == "handshake_failure"


@pytest.mark.parametrize("offers", ["1.2", "1.3"])
async def test_a_server_that_insists_on_what_is_old(
    offers: TlsVersion, serve: Serve, transcript: Transcript, ours: Transcript
) -> None:
    """It needs no OpenSSL that can do that, and says what the client makes of it."""
    insisting = replace(good(), by_hand="1.1")
    assert able(insisting) == ""
    there, here = await refused(serve, transcript, ours, insisting, client(newest=offers))
    assert there.detail["alert_received"] == here.detail["alert_sent"] == "protocol_version"
    assert there.detail["version"] == here.detail["version"] == "TLSv1.1"
    assert "went_along" not in there.detail
    assert there.detail["shown"][0]["key"] == "RSA 2048"


async def test_a_client_that_goes_along_with_it(serve: Serve, transcript: Transcript, ours: Transcript) -> None:
    us = client(oldest="1.0", newest="1.2", suites=(*OLD, *SUITES))
    there, _ = await refused(serve, transcript, ours, replace(good(), by_hand="1.0"), us)
    assert there.detail["went_along"]
    assert there.detail["error"] == "the other end went along with TLSv1.0"
    assert there.detail["suite"] == "TLS_RSA_WITH_AES_128_CBC_SHA"


@pytest.mark.parametrize("data", [b"", b"\x16\x03\x01\x00", b"GET / HTTP/1.1\r\n\r\n" + bytes(30000)])
async def test_what_an_old_server_makes_of_nothing(data: bytes, serve: Serve, transcript: Transcript) -> None:
    async with serve(tls=replace(good(), by_hand="1.1")) as listener:
        raw = await Raw.open(listener)
        raw.write(data)
        raw.writer.write_eof()
        await seen(transcript, of("handshake"))
        await raw.close()
    assert [entry.kind for entry in transcript.entries] == ["tls", "handshake"]
    assert transcript.entries[0].detail["offered"] == {}


# -- what is no TLS


async def test_plain_http_where_tls_is_spoken(serve: Serve, transcript: Transcript) -> None:
    async with serve(tls=good()) as listener:
        raw = await Raw.open(listener)
        raw.write(UPGRADE + b"Authorization: Basic c2VjcmV0OnNlY3JldC1wYXNzd29yZA==\r\n\r\n")
        await seen(transcript, of("handshake"))
        await raw.close()
    tls, handshake = transcript.entries[:2]
    assert tls.detail["error"] == "a request in plain HTTP came, and no TLS"
    assert handshake.detail["error"].startswith("TLS: ")
    assert "c2VjcmV0" not in str(tls) + str(handshake)


@pytest.mark.parametrize("data", [b"", b"\x16", b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03", b"\x80\x2e\x01\x00\x02"])
async def test_a_client_that_goes_away(data: bytes, serve: Serve, transcript: Transcript) -> None:
    async with serve(tls=good()) as listener:
        raw = await Raw.open(listener)
        raw.write(data)
        raw.writer.write_eof()
        tls = await seen(transcript, of("tls"))
        await seen(transcript, of("handshake"))
        await raw.close()
    assert tls.detail["ok"] is False
    assert [entry.kind for entry in transcript.entries] == ["tls", "handshake"]


async def test_a_reset_in_the_middle(serve: Serve, transcript: Transcript) -> None:
    async with serve(tls=good()) as listener:
        raw = await Raw.open(listener)
        raw.write(b"\x16\x03\x01")
        while not listener.connections:  # noqa: ASYNC110
            await asyncio.sleep(0)
        raw.reset()
        tls = await seen(transcript, of("tls"))
    assert "before TLS was agreed" in tls.detail["error"]


async def test_a_client_that_says_nothing(serve: Serve, transcript: Transcript) -> None:
    async with serve(tls=good(), options=LinkOptions(handshake_timeout=0.1)) as listener:
        raw = await Raw.open(listener)
        await seen(transcript, of("handshake"))
        await raw.rest()
        await raw.close()
    assert [entry.kind for entry in transcript.entries] == ["tls", "handshake"]
    assert "no complete handshake within 0.1 s" in transcript.entries[0].detail["error"]


async def test_a_server_without_tls(serve: Serve, ours: Transcript) -> None:
    async with serve() as listener:
        with pytest.raises(HandshakeFailed, match="TLS"):
            await dial(secure(listener), ["ocpp2.0.1"], ours, tls=client())
    assert [entry.kind for entry in ours.entries] == ["tls", "handshake"]


async def test_wss_has_to_be_told_how(serve: Serve, ours: Transcript) -> None:
    async with serve() as listener:
        with pytest.raises(ValueError, match="wss needs TLS"):
            await dial(secure(listener), ["ocpp2.0.1"], ours)
        link = await dial(secure(listener).replace("wss", "ws"), ["ocpp2.0.1"], ours, tls=client())
        assert link.tls is None
        await link.close()


async def test_nobody_there(ours: Transcript) -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(OSError, match=r"."):
        await dial(f"wss://127.0.0.1:{port}/CS001", ["ocpp2.0.1"], ours, tls=client())
    assert [entry.kind for entry in ours.entries][-1] == "handshake"


# -- faults


@pytest.mark.parametrize("fault", ["reset", "fin"])
async def test_connections_that_are_dropped(fault: str, serve: Serve, transcript: Transcript, ours: Transcript) -> None:
    async with serve(tls=good()) as listener:
        link = await dial(secure(listener), ["ocpp2.0.1"], ours, tls=client())
        async with getattr(Network(listener), fault)():
            close = await seen(ours, of("close"))
            assert close.detail["how"] == {"reset": "reset", "fin": "eof"}[fault]
            await seen(transcript, of("close", how=close.detail["how"]))
        await link.wait_closed()
        await (await dial(secure(listener), ["ocpp2.0.1"], ours, tls=client())).close()


async def test_a_black_hole(serve: Serve, transcript: Transcript, ours: Transcript) -> None:
    async with serve(tls=good()) as listener:
        link = await dial(secure(listener), ["ocpp2.0.1"], ours, tls=client())
        async with Network(listener).stalled():
            link.send(BOOT)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await dial(secure(listener), ["ocpp2.0.1"], ours, tls=client())
            assert not transcript.frames(sender="sut")
        await seen(ours, ANSWER)
        await link.close()


async def test_a_black_hole_at_the_dialling_end(serve: Serve, ours: Transcript) -> None:
    line = Line()
    async with serve(tls=good()) as listener:
        async with StationNetwork(line, ours).stalled():
            dialling = asyncio.ensure_future(dial(secure(listener), ["ocpp2.0.1"], ours, tls=client(), line=line))
            while not line.links:  # noqa: ASYNC110
                await asyncio.sleep(0)
            await asyncio.sleep(0.05)
            assert not dialling.done()
        async with asyncio.timeout(PATIENCE):
            await (await dialling).close()


async def test_a_message_cut_in_its_middle(serve: Serve, transcript: Transcript, ours: Transcript) -> None:
    async with serve(tls=good()) as listener:
        link = await dial(secure(listener), ["ocpp2.0.1"], ours, tls=client())
        async with Network(listener).cut("BootNotification", 1):
            link.send(BOOT)
            close = await seen(ours, of("close"))
            assert close.detail["how"] == "eof"
            await link.wait_closed()
    assert not ours.frames(kind=CallResult)
    assert transcript.frames(kind=CallResult)


async def test_a_narrow_line_and_slow_openings(serve: Serve, ours: Transcript) -> None:
    async with serve(tls=good()) as listener:
        network = Network(listener)
        async with network.narrow(20_000), network.slow_handshake(0.05):
            link = await dial(secure(listener), ["ocpp2.0.1"], ours, tls=client())
            link.send(BOOT)
            await seen(ours, ANSWER)
            await link.close()


async def test_a_large_message_both_ways(serve: Serve, transcript: Transcript, ours: Transcript) -> None:
    text = BOOT.replace("PowerUp", "x" * 3_000_000)
    async with serve(tls=good(), options=LinkOptions(compression=False)) as listener:
        link = await dial(secure(listener), ["ocpp2.0.1"], ours, tls=client(), options=LinkOptions(compression=False))
        link.send(text)
        entry = await seen(transcript, lambda entry: entry.kind == "frame")
        assert len(entry.text) == len(text)
        (there,) = listener.links
        there.send(text)
        await there.drain()
        await seen(ours, lambda entry: entry.sender == "sut" and len(entry.text) == len(text))
        await link.close()


async def test_stopping_in_the_midst_of_handshakes(serve: Serve, transcript: Transcript) -> None:
    async with serve(tls=good()) as listener:
        raws = [await Raw.open(listener) for _ in range(3)]
        raws[1].write(b"\x16\x03")
        raws[2].write(b"GET / HTTP/1.1\r\n\r\n")
        await seen(transcript, of("handshake"))
        while len(listener.connections) < len(raws):  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert [entry.kind for entry in transcript.entries] == ["tls", "handshake"] * 3
    for raw in raws:
        await raw.close()


# -- this machine


async def test_a_chain_that_is_none_is_our_own_affair(serve: Serve) -> None:
    odd = ServerTls((Chain(authority().root, stranger().chain("x").key),))
    async with serve() as listener:
        with pytest.raises(LocallyUnable, match="OpenSSL"):
            listener.tls = odd
        assert listener.tls is None
    with pytest.raises(LocallyUnable):
        context_of(ClientTls("no certificate"))


def test_what_this_machine_can_do() -> None:
    assert able(good()) == ""
    assert able(replace(good(), client_roots=stranger().root)) == ""
    assert able(client()) == ""
    for suite in SUITES:
        assert able(replace(good(), newest="1.2", suites=(suite,))) == ""
        assert able(client(newest="1.2", suites=(suite,))) == ""
    assert able(replace(good(), suites=("NO-SUCH-SUITE",)))
    only_ecdsa = replace(good(), chains=good().chains[1:], newest="1.2", suites=("AES128-GCM-SHA256",))
    assert "with itself" in able(only_ecdsa)
    assert able(replace(good(), oldest="1.3", newest="1.2"))


def test_contexts_are_kept_and_their_files_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    modes: list[int] = []
    load = ssl.SSLContext.load_cert_chain

    def loading(self: ssl.SSLContext, name: str) -> None:
        modes.append(Path(name).stat().st_mode & 0o777)
        load(self, name)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", loading)
    fresh = Authority().server()
    assert context_of(fresh) is context_of(replace(fresh))
    assert modes == [0o600] * 2
    assert not list(tmp_path.iterdir())


async def test_no_key_is_shown_anywhere(serve: Serve, transcript: Transcript, ours: Transcript) -> None:
    chain = authority().chain("station")
    server = replace(good(), client_roots=authority().root)
    async with serve(tls=server) as listener:
        await (await dial(secure(listener), ["ocpp2.0.1"], ours, tls=client(chain=chain))).close()
    everything = (
        repr(server) + repr(chain) + "".join(str(entry.to_json()) for entry in (*transcript.entries, *ours.entries))
    )
    assert "PRIVATE" not in everything
    assert "BEGIN" not in "".join(str(entry.to_json()) for entry in transcript.entries)


async def test_how_it_reads(serve: Serve, transcript: Transcript, ours: Transcript) -> None:
    await refused(serve, transcript, ours, authority().server("elsewhere.example"), client())
    text = trace_text(transcript.entries, ())
    assert "TLS failed, version TLSv1.3" in text
    assert "alert_received bad_certificate" in text
    assert "offered versions: TLSv1.3, TLSv1.2" in text
    assert "the harness showed " in text
    assert "for elsewhere.example" in text


@pytest.mark.parametrize(
    ("openssl", "ours"),
    [
        ("sslv3 alert handshake failure", "the other end sent the alert handshake_failure"),
        ("tlsv1 alert protocol version", "the other end sent the alert protocol_version"),
        ("tlsv13 alert certificate required", "the other end sent the alert certificate_required"),
        ("tlsv1 unrecognized name", "the other end sent the alert unrecognized_name"),
        ("tlsv1 something new", "tlsv1 something new"),
        ("wrong version number", "wrong version number"),
    ],
)
def test_an_alert_has_the_name_that_people_look_up(openssl: str, ours: str) -> None:
    """OpenSSL puts the TLS before it that first had the alert: SSLv3 for one that came in TLS 1.2."""
    error = ssl.SSLError(1, f"[SSL: X] {openssl} (_ssl.c:1006)")
    assert words(error) == ours
