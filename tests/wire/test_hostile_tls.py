"""Whatever bytes come where TLS is spoken, the listener lives, nothing is raised, and a good station is let in."""

import asyncio
import ssl
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tls_support import authority, good, secure
from wire_support import PATIENCE, admit, of, seen

from conformance.wire.hello import hello
from conformance.wire.link import Listener, dial
from conformance.wire.tls import ClientTls, context_of
from conformance.wire.transcript import Transcript

HELLOS = [
    hello(
        ["TLSv1.3", "TLSv1.2"], ["TLS_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256"], server_name="localhost"
    ),
    hello(),
    hello(["SSLv3"], compression=["DEFLATE", "null"]),
    b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10",
    b"GET / HTTP/1.1\r\n\r\n",
]


@st.composite
def damaged(draw: Any) -> bytes:
    data = bytearray(draw(st.sampled_from(HELLOS)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        data[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(data)


@pytest.mark.parametrize("by_hand", [None, "1.1"])
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(data=st.one_of(damaged(), st.binary(max_size=200)), ends=st.sampled_from(["eof", "close"]))
def test_bytes_instead_of_a_handshake(by_hand: Any, data: bytes, ends: str) -> None:
    async def scenario() -> None:
        complaints: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        transcript = Transcript()
        tls = ClientTls(authority().root)
        shown = good() if by_hand is None else type(good())(good().chains, by_hand=by_hand)
        listener = Listener("127.0.0.1", 0, admit, transcript, tls=shown)
        await listener.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(data)
        if ends == "eof":
            writer.write_eof()
            try:
                async with asyncio.timeout(PATIENCE):
                    await reader.read()
            except ConnectionError:
                pass
        writer.close()
        await seen(transcript, of("handshake"))
        listener.tls = good()
        await (await dial(secure(listener), ["ocpp1.6"], Transcript(), tls=tls)).close()
        await listener.stop()
        assert complaints == []
        assert [entry.kind for entry in transcript.entries[:2]] == ["tls", "handshake"]

    asyncio.run(scenario())


@pytest.mark.parametrize("newest", ["1.2", "1.3"])
async def test_bytes_after_a_handshake(newest: Any, transcript: Transcript) -> None:
    context = context_of(ClientTls(authority().root, newest=newest))
    listener = Listener("127.0.0.1", 0, admit, transcript, tls=good())
    await listener.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    made = context.wrap_bio(coming, going, server_hostname="localhost")
    while True:
        try:
            made.do_handshake()
            break
        except ssl.SSLWantReadError:
            writer.write(going.read())
            coming.write(await reader.read(9999))
    writer.write(going.read())
    made.write(b"GET / HTTP/1.1\r\n")
    record = bytearray(going.read())
    record[-1] ^= 1
    writer.write(record)
    late = await seen(transcript, of("tls", late=True))
    assert (late.detail["ok"], late.detail["alert_sent"]) == (False, "bad_record_mac")
    failed = await seen(transcript, of("handshake"))
    assert (failed.detail["status"], failed.detail["error"]) == (None, "TLS: bad_record_mac")
    writer.close()
    await listener.stop()
