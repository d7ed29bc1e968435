"""A few lines of station, run by the process driver: it misbehaves where it is told to.

`mini_station.py CSMS_URL IDENTITY [key=value …]` with `identity`, `path`, `subprotocol` to dial with, `die=ACTION` to
end when that is asked of it, `exit=CODE` to end at once, `say=TEXT` to print first, `jsonl=1` to take driver requests,
`deaf=1` to take none and only end when the harness does.
"""

# ruff: noqa: T201 -- it talks on standard output

import json
import os
import sys
import threading
from urllib.parse import urlsplit, urlunsplit

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

BOOT = {"reason": "PowerUp", "chargingStation": {"model": "Mini", "vendorName": "Test"}}


def serve(socket: ClientConnection, told: dict[str, str]) -> None:
    socket.send(json.dumps([2, "boot", "BootNotification", BOOT]))
    for text in socket:
        message = json.loads(text)
        if message[0] != 2:
            continue
        if message[2] == told.get("die"):
            print("out of smoke", file=sys.stderr, flush=True)
            os._exit(7)
        socket.send(json.dumps([3, message[1], {"status": "Accepted"}]))


def take_requests() -> None:
    print(json.dumps({"event": "ready", "actions": ["plug_in"]}), flush=True)
    for line in sys.stdin:
        print(json.dumps({"id": json.loads(line)["id"], "result": "done"}), flush=True)


def main() -> int:
    url, identity = sys.argv[1:3]
    told = dict(word.split("=", 1) for word in sys.argv[3:])
    if "say" in told:
        print(told["say"], flush=True)
    if "deaf" in told:
        threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    if "exit" in told:
        return int(told["exit"])
    if "jsonl" in told:
        threading.Thread(target=take_requests, daemon=True).start()
    if "path" in told:
        url = urlunsplit(urlsplit(url)._replace(path=told["path"]))
    target = f"{url}/{told.get('identity', identity)}"
    try:
        with connect(target, subprotocols=[told.get("subprotocol", "ocpp2.0.1")]) as socket:
            serve(socket, told)
    except (ConnectionClosed, InvalidHandshake, OSError) as error:
        print(f"gave up: {error}", file=sys.stderr, flush=True)
    threading.Event().wait(60)
    return 0


if __name__ == "__main__":
    sys.exit(main())
