"""What a message costs the CSMS's end in CPU time: the harness's wire against the `ocpp` library's own CSMS.

    python bench/wire.py [--scale 1.0] [--server NAME=MODULE:FUNCTION …]

Each server runs in this process and its stations in another one, one call at a time on each of ten connections,
without compression; only this process's CPU time counts (`time.process_time`, all threads). Per message: read,
decode, validate, record (the harness), answer. The numbers go to reports/bench.json, one flat object.

`--server` adds another server to the run: a function without arguments that gives an async context manager, which
gives the URL to dial without the identity. Its numbers are called `NAME_boot_us` and so on.
"""

import argparse
import asyncio
import contextlib
import importlib
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import ocpp.routing
import ocpp.v201
import websockets.asyncio.client
import websockets.asyncio.server
import websockets.exceptions

from conformance.wire.frames import Call, encode_result
from conformance.wire.link import Accept, HandshakeInfo, Link, Listener
from conformance.wire.transcript import Entry, JsonLinesSink, Transcript

REPORT = Path(__file__).resolve().parent.parent / "reports" / "bench.json"
CONNECTIONS = 10
TIME = "2026-01-01T00:00:00Z"

Server = Callable[[], contextlib.AbstractAsyncContextManager[str]]

BOOT: dict[str, Any] = {
    "reason": "PowerUp",
    "chargingStation": {"model": "SingleSocketCharger", "vendorName": "VendorX", "serialNumber": "0123456789"},
}
EVENT: dict[str, Any] = {
    "eventType": "Updated",
    "timestamp": TIME,
    "triggerReason": "MeterValuePeriodic",
    "seqNo": 7,
    "transactionInfo": {"transactionId": "0d3f8e1c-5b0e-4f0c-9d3e-0c2d6a1f7b11", "chargingState": "Charging"},
    "evse": {"id": 1, "connectorId": 1},
    "meterValue": [
        {
            "timestamp": f"2026-01-01T00:0{minute}:00Z",
            "sampledValue": [
                {
                    "value": 230.1 + phase,
                    "context": "Sample.Periodic",
                    "measurand": "Power.Active.Import",
                    "phase": f"L{phase}",
                    "location": "Outlet",
                    "unitOfMeasure": {"unit": "W", "multiplier": 0},
                }
                for phase in (1, 2, 3, 1)
            ],
        }
        for minute in range(10)
    ],
}
MESSAGES = {"boot": ("BootNotification", BOOT), "transaction": ("TransactionEvent", EVENT)}
ANSWERS = {
    "BootNotification": {"currentTime": TIME, "interval": 300, "status": "Accepted"},
    "TransactionEvent": {},
}
COUNTS = {"boot": 3000, "transaction": 1500}
SLOW_COUNTS = {"boot": 1000, "transaction": 150}
ROUNDS = 3


# -- servers ----------------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def harness(sink: JsonLinesSink | None = None) -> AsyncIterator[str]:
    """The harness's wire with a responder that knows two answers."""

    def admit(_: HandshakeInfo) -> Accept:
        return Accept("ocpp2.0.1")

    def answer(link: Link, entry: Entry) -> None:
        if isinstance(entry.frame, Call) and not entry.problems:
            link.send(encode_result(entry.frame.message_id, ANSWERS[entry.frame.action]))

    listener = Listener("127.0.0.1", 0, admit, Transcript(sink=sink), on_frame=answer)
    await listener.start()
    try:
        yield f"ws://127.0.0.1:{listener.port}"
    finally:
        await listener.stop()


@contextlib.asynccontextmanager
async def harness_with_file() -> AsyncIterator[str]:
    """The same, and every entry is written to a file at once."""
    with tempfile.TemporaryDirectory() as folder:
        sink = JsonLinesSink(Path(folder) / "wire.jsonl")
        try:
            async with harness(sink) as url:
                yield url
        finally:
            sink.close()


class LibraryCsms(ocpp.v201.ChargePoint):
    """The CSMS that one writes with the `ocpp` library."""

    @ocpp.routing.on("BootNotification")
    def on_boot(self, **_: Any) -> ocpp.v201.call_result.BootNotification:
        """Accept."""
        return ocpp.v201.call_result.BootNotification(current_time=TIME, interval=300, status="Accepted")

    @ocpp.routing.on("TransactionEvent")
    def on_event(self, **_: Any) -> ocpp.v201.call_result.TransactionEvent:
        """Take note."""
        return ocpp.v201.call_result.TransactionEvent()


@contextlib.asynccontextmanager
async def library() -> AsyncIterator[str]:
    """The `ocpp` library on `websockets`, validation on, as it comes."""

    async def connected(connection: websockets.asyncio.server.ServerConnection) -> None:
        with contextlib.suppress(websockets.exceptions.ConnectionClosed):
            await LibraryCsms("CS", connection).start()

    async with websockets.asyncio.server.serve(
        connected, "127.0.0.1", 0, subprotocols=[websockets.Subprotocol("ocpp2.0.1")], compression=None
    ) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


# -- stations, in their own process -----------------------------------------------------------------------------------


async def stations(url: str, kind: str, count: int) -> None:
    """Warm up, say so, wait for a line, send the messages, say so."""
    action, payload = MESSAGES[kind]
    text = json.dumps(payload, separators=(",", ":"))
    links = [
        await websockets.asyncio.client.connect(
            f"{url}/CS{number}", subprotocols=[websockets.Subprotocol("ocpp2.0.1")], compression=None
        )
        for number in range(CONNECTIONS)
    ]

    async def talk(link: websockets.asyncio.client.ClientConnection, name: str, calls: int) -> None:
        for number in range(calls):
            await link.send(f'[2,"{name}-{number}","{action}",{text}]')
            answer = await link.recv()
            if not str(answer).startswith("[3,"):
                sys.exit(f"the server answered {str(answer)[:200]}")

    await asyncio.gather(*(talk(link, f"warm-{n}", 10) for n, link in enumerate(links)))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await asyncio.gather(*(talk(link, f"go-{n}", count // CONNECTIONS) for n, link in enumerate(links)))
    print("done", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    for link in links:
        await link.close()


# -- the run ----------------------------------------------------------------------------------------------------------


async def measure(server: Server, kind: str, count: int) -> float:
    """The CPU time of one message in µs."""
    async with server() as url:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            __file__,
            "--stations",
            url,
            kind,
            str(count),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert child.stdin is not None
        assert child.stdout is not None
        for line in (b"ready", b"done"):
            start = time.process_time()
            if (await child.stdout.readline()).strip() != line:
                sys.exit("the stations failed")
            spent = time.process_time() - start
            child.stdin.write(b"\n")
        await child.stdin.drain()
        await child.wait()
    return spent / (count // CONNECTIONS * CONNECTIONS) * 1e6


def run(servers: dict[str, Server], scale: float) -> dict[str, float]:
    """All numbers by name: of each the least of some rounds, in which the servers take turns."""
    numbers: dict[str, float] = {}
    for kind, (action, payload) in MESSAGES.items():
        numbers[f"{kind}_bytes"] = len(json.dumps([2, "go-0-0", action, payload], separators=(",", ":")))
        for _ in range(ROUNDS):
            for name, server in servers.items():
                count = max(int((SLOW_COUNTS if name == "ocpp" else COUNTS)[kind] * scale), CONNECTIONS)
                spent = asyncio.run(measure(server, kind, count))
                numbers[f"{name}_{kind}_us"] = min(spent, numbers.get(f"{name}_{kind}_us", spent))
        numbers[f"{kind}_ratio"] = numbers[f"ocpp_{kind}_us"] / numbers[f"harness_{kind}_us"]
    return {name: round(value, 1) for name, value in numbers.items()}


def table(numbers: dict[str, float], servers: dict[str, Server]) -> str:
    """The numbers for a terminal."""
    head = f"{'CPU µs per message':24}" + "".join(f"{kind:>14}" for kind in MESSAGES)
    rows = [f"{name:24}" + "".join(f"{numbers[f'{name}_{kind}_us']:14.1f}" for kind in MESSAGES) for name in servers]
    sizes = f"{'bytes':24}" + "".join(f"{numbers[f'{kind}_bytes']:14.0f}" for kind in MESSAGES)
    ratio = f"{'ocpp / harness':24}" + "".join(f"{numbers[f'{kind}_ratio']:14.1f}" for kind in MESSAGES)
    return "\n".join([head, sizes, *rows, ratio])


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description="CPU per message: the harness's wire against the ocpp library")
    parser.add_argument("--stations", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--scale", type=float, default=1.0, help="how many messages, as a factor (default 1)")
    parser.add_argument("--server", action="append", default=[], metavar="NAME=MODULE:FUNCTION")
    options = parser.parse_args()
    if options.stations:
        url, kind, count = options.stations
        asyncio.run(stations(url, kind, int(count)))
        return
    servers: dict[str, Server] = {"harness": harness, "harness_file": harness_with_file, "ocpp": library}
    for given in options.server:
        name, _, place = given.partition("=")
        module, _, function = place.partition(":")
        servers[name] = getattr(importlib.import_module(module), function)
    numbers = run(servers, options.scale)
    print(table(numbers, servers))
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(numbers, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
