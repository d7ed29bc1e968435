"""The place for files: what is offered can be fetched, what is brought is kept."""

import asyncio
from collections.abc import Iterable

import pytest

from conformance.peers.files import Files
from conformance.peers.received import NotSeen


async def ask(files: Files, text: str, body: bytes = b"", *, pieces: Iterable[bytes] = ()) -> bytes:
    """Send one request, and give whatever comes back."""
    port = int(files.url().rsplit(":", 1)[1].rstrip("/"))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text.encode() + body)
    for piece in pieces:
        writer.write(piece)
    answer = await reader.read()
    writer.close()
    return answer


async def test_offered_file_is_fetched() -> None:
    async with Files("127.0.0.1") as files:
        url = files.offer("new/firmware.bin", b"new firmware")
        assert url.endswith("/new/firmware.bin")
        answer = await ask(files, "GET /new/firmware.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert answer.endswith(b"\r\n\r\nnew firmware")
        head = await ask(files, "HEAD /new/firmware.bin HTTP/1.1\r\n\r\n")
        assert b"Content-Length: 12\r\n" in head
        assert head.endswith(b"\r\n\r\n")
        assert [each.good for each in files.transfers] == [True, True]


async def test_url_is_what_the_other_end_dials() -> None:
    async with Files("127.0.0.1", known_as="harness.example") as files:
        assert files.url("x").startswith("http://harness.example:")
    async with Files("127.0.0.1", known_as="fe80::1") as files:
        assert files.url("x").startswith("http://[fe80::1]:")


async def test_missing_and_refused_files() -> None:
    async with Files("127.0.0.1") as files:
        assert b" 404 " in await ask(files, "GET /other HTTP/1.1\r\n\r\n")
        files.refuse("logs", 403)
        assert b" 403 " in await ask(files, "PUT /logs/one.txt HTTP/1.1\r\nContent-Length: 3\r\n\r\n", b"abc")
        assert b" 405 " in await ask(files, "PATCH /other HTTP/1.1\r\n\r\n")
        assert files.brought() == []


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_brought_file_is_kept(method: str) -> None:
    async with Files("127.0.0.1") as files:
        asked = asyncio.ensure_future(files.upload("logs", within=5))
        answer = await ask(files, f"{method} /logs/a%20b.txt?x=1 HTTP/1.1\r\nContent-Length: 3\r\n\r\n", b"abc")
        assert b" 201 " in answer
        brought = await asked
        assert (brought.name, brought.content) == ("logs/a b.txt", b"abc")
        assert "abc" not in repr(brought)


async def test_chunks_and_leave_to_continue() -> None:
    async with Files("127.0.0.1") as files:
        head = "PUT /log HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
        answer = await ask(files, head, pieces=[b"3\r\nabc\r\n", b"2;x=y\r\nde\r\n", b"0\r\n", b"\r\n"])
        assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 ")
        assert files.brought("log")[0].content == b"abcde"


async def test_transfers_can_be_held() -> None:
    async with Files("127.0.0.1") as files:
        held = files.hold("log")
        asked = asyncio.ensure_future(ask(files, "PUT /log HTTP/1.1\r\nContent-Length: 1\r\n\r\n", b"x"))
        await files.begun("log", within=5)
        assert files.brought() == []
        held.set()
        assert b" 201 " in await asked


async def test_what_does_not_come_is_told() -> None:
    async with Files("127.0.0.1") as files:
        with pytest.raises(NotSeen, match=r"a file under http://127.0.0.1:\d+/log did not come within 0.01 s"):
            await files.upload("log", within=0.01)
        with pytest.raises(NotSeen, match="a request for"):
            await files.begun("log", within=0.01)


@pytest.mark.parametrize(
    "text",
    [
        "nonsense\r\n\r\n",
        "PUT /x HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "PUT /x HTTP/1.1\r\nContent-Length: z\r\n\r\n",
    ],
)
async def test_nonsense_is_hung_up_on(text: str) -> None:
    async with Files("127.0.0.1") as files:
        assert await ask(files, text) == b""
        assert files.transfers == []


async def test_stopping_breaks_off() -> None:
    files = Files("127.0.0.1")
    async with files:
        files.hold("")
        asked = asyncio.ensure_future(ask(files, "GET /x HTTP/1.1\r\n\r\n"))
        await files.begun(within=5)
    assert await asked == b""
    await files.stop()
