"""Hello by hand, and what comes back: against OpenSSL as the server, and against what is no server at all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tls_support import good
from wire_support import Serve

from conformance.wire.hello import Reply, hello, probe, read_reply
from conformance.wire.tls_messages import read_certificates, read_client_hello, read_server_hello
from conformance.wire.tls_names import greased, named
from conformance.wire.transcript import Transcript

ECDSA = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"


async def test_a_server_goes_along(serve: Serve) -> None:
    ours = Transcript()
    async with serve(tls=good()) as listener:
        reply = await probe("127.0.0.1", listener.port, hello(suites=[ECDSA], server_name="localhost"), ours, 5)
        assert reply == Reply("TLSv1.2", ECDSA, "null")
        assert (reply.agreed, reply.silent) == (True, False)
        newest = hello(["TLSv1.3", "TLSv1.2"], ["TLS_AES_128_GCM_SHA256", ECDSA])
        assert (await probe("127.0.0.1", listener.port, newest, ours, 5)).version == "TLSv1.3"
    entry = ours.entries[0]
    assert (entry.kind, entry.detail["probe"], entry.detail["ok"]) == ("tls", True, False)
    assert entry.detail["offered"]["suites"] == [ECDSA]
    assert entry.detail["sni"] == "localhost"
    assert ECDSA in entry.detail["error"]


@pytest.mark.parametrize("version", ["TLSv1.0", "TLSv1.1", "SSLv3"])
async def test_an_old_version_is_refused(version: str, serve: Serve) -> None:
    async with serve(tls=good()) as listener:
        reply = await probe(
            "127.0.0.1", listener.port, hello([version], ["TLS_RSA_WITH_AES_128_CBC_SHA"]), Transcript(), 5
        )
    assert reply.alert in ("protocol_version", "handshake_failure")
    assert str(reply) == f"the alert {reply.alert}"


async def test_a_broken_suite_is_refused(serve: Serve) -> None:
    async with serve(tls=replace(good(), newest="1.2")) as listener:
        asked = hello(suites=["TLS_RSA_WITH_NULL_SHA", "TLS_RSA_WITH_RC4_128_MD5"])
        assert (await probe("127.0.0.1", listener.port, asked, Transcript(), 5)).alert == "handshake_failure"


async def test_compression_is_left_alone(serve: Serve) -> None:
    async with serve(tls=good()) as listener:
        asked = hello(suites=[ECDSA], compression=["DEFLATE", "null"])
        assert (await probe("127.0.0.1", listener.port, asked, Transcript(), 5)).compression == "null"


@asynccontextmanager
async def saying(data: bytes, *, closes: bool) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(data)
        if not closes:
            await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def test_what_is_no_reply() -> None:
    ours = Transcript()
    async with saying(b"", closes=True) as port:
        reply = await probe("127.0.0.1", port, b"GET / HTTP/1.1\r\n\r\n", ours, 5)
        assert (reply.closed, str(reply)) == (True, "the end of the connection")
    assert ours.entries[0].detail["offered"] == {}
    for data in (b"", b"\x16", b"\x16\x03\x03\x00\x00"):
        async with saying(data, closes=False) as port:
            reply = await probe("127.0.0.1", port, hello(), ours, 0.1)
            assert (reply.silent, str(reply)) == (True, "nothing")
    with pytest.raises(OSError, match=r"."):
        await probe("127.0.0.1", port, hello(), ours, 0.1)


@given(st.binary(max_size=200), st.booleans())
def test_nothing_that_comes_makes_a_reader_raise(data: bytes, newest: bool) -> None:  # noqa: FBT001
    read_client_hello(data).offered()
    read_server_hello(data)
    read_certificates(data, newest=newest)
    read_reply(data, closed=False)


@given(st.integers(0, 120), st.integers(0, 255))
def test_nor_does_a_damaged_hello(place: int, value: int) -> None:
    data = bytearray(hello(["TLSv1.3", "TLSv1.2"], server_name="localhost"))
    data[min(place + 5, len(data) - 1)] = value
    read_client_hello(bytes(data[5:])).offered()


def test_names_of_numbers() -> None:
    assert greased(0x1A1A)
    assert not greased(0x1A2A)
    assert named({1: "one"}, 0x2A2A) == "GREASE"
    assert named({1: "one"}, 2) == "0x0002"
