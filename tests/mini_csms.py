"""A few lines of CSMS, run by the process driver: it misbehaves where it is told to.

`mini_csms.py [key=value …]` with `refuse=STATUS` to answer every handshake with that, `die=ACTION` to end when a
station calls that, `exit=CODE` to end at once, `speaks=SUBPROTOCOL` to speak nothing else, `port=NUMBER` to say that it
listens there although nobody does, `holds=SECONDS` to take that long to see that a connection has ended, and to let
nobody in on a second one, `once=FILE` to begin to refuse or to exit only when that is there, and to make it.
"""

# ruff: noqa: T201 -- it talks on standard output

import json
import math
import os
import sys
import threading
import time
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

NOW = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
ANSWERS = {
    "BootNotification": {"currentTime": NOW, "interval": 300, "status": "Accepted"},
    "Heartbeat": {"currentTime": NOW},
    "DataTransfer": {"status": "Accepted"},
}


def what_is_told() -> dict[str, str]:
    told = dict(word.split("=", 1) for word in sys.argv[1:])
    if "once" in told and not Path(told["once"]).exists():
        Path(told["once"]).touch()
        told = {key: value for key, value in told.items() if key not in ("exit", "refuse")}
    return told


def main() -> int:
    told = what_is_told()
    if "exit" in told:
        print("no licence", file=sys.stderr, flush=True)
        return int(told["exit"])
    stations: dict[str, ServerConnection] = {}
    held = [0.0]

    def talk(socket: ServerConnection) -> None:
        assert socket.request is not None
        stations[socket.request.path.rpartition("/")[2]] = socket
        held.append(math.inf)
        try:
            for text in socket:
                message = json.loads(text)
                if message[0] == 2 and message[2] == told.get("die"):
                    print("out of memory", file=sys.stderr, flush=True)
                    os._exit(7)
                if message[0] == 2:
                    socket.send(json.dumps([3, message[1], ANSWERS.get(message[2], {})]))
        except ConnectionClosed:
            return
        finally:
            held.append(time.monotonic() + float(told.get("holds", 0)))

    def admit(socket: ServerConnection, request: Request) -> Response | None:
        if "holds" in told and time.monotonic() < held[-1]:
            return socket.respond(HTTPStatus.CONFLICT, "you are here already\n")
        return socket.respond(HTTPStatus(int(told["refuse"])), "go away\n") if "refuse" in told else None

    spoken = [told["speaks"]] if "speaks" in told else ["ocpp2.0.1", "ocpp1.6"]
    with serve(talk, "127.0.0.1", 0, subprotocols=spoken, process_request=admit) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = told.get("port") or server.socket.getsockname()[1]
        ready = {"event": "ready", "actions": ["command"], "url": f"ws://127.0.0.1:{port}/mini"}
        print(json.dumps(ready), flush=True)
        for line in sys.stdin:
            asked = json.loads(line)
            args = asked["args"]
            stations[args["identity"]].send(json.dumps([2, f"c{asked['id']}", args["action"], args["payload"]]))
            print(json.dumps({"id": asked["id"], "result": "done"}), flush=True)
        os._exit(0)  # whoever is still connected need not be waited for


if __name__ == "__main__":
    sys.exit(main())
