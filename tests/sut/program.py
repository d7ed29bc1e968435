"""A driver program for the tests: it speaks the protocol of docs/process-driver.md, badly where it is told to.

Its arguments are `key=value` words; see `main`. It keeps no state but what it was sent, which `echo` shows.
"""

# ruff: noqa: T201, C901, PLR0912 -- a crowd of small misdeeds, on standard output

import json
import os
import subprocess
import sys
import threading
from pathlib import Path


def say(message: object) -> None:
    print(json.dumps(message) if not isinstance(message, str) else message, flush=True)


def main() -> int:
    told = dict(word.split("=", 1) for word in sys.argv[1:])
    print("program started", os.environ.get("OCPP_PASSWORD", "without a password"), file=sys.stderr, flush=True)
    if "child" in told:
        child = subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait(60)"])
        Path(told["child"]).write_text(str(child.pid), encoding="utf-8")
    if "garbage" in told:
        say(told["garbage"])
    if "exit" in told:
        print("giving up", file=sys.stderr, flush=True)
        return int(told["exit"])
    if "ready" in told:
        say(json.loads(told["ready"]))
    elif "mute" not in told:
        say({"event": "ready", "actions": ["plug_in", "unplug", "power_off", "power_on", "present_id_token", "dance"]})
    if "wait" in told:
        threading.Event().wait(60)
    for line in sys.stdin:
        request = json.loads(line)
        if request["action"] == "power_off":
            print("no more", file=sys.stderr, flush=True)
            return 7
        if request["action"] == "unplug":
            say({"id": request["id"], "result": "unsupported", "message": "no simulated cable"})
        elif request["action"] == "present_id_token":
            say({"event": "saw", "args": request["args"], "argv": sys.argv[1:], "env": os.environ.get("STATION_URL")})
            say({"event": "leak", "password": os.environ.get("OCPP_PASSWORD")})
            say({"id": request["id"], "result": "failed", "message": "the reader is dirty"})
        elif request["action"] == "power_on":
            if "wrong_id" in told:
                say({"id": json.loads(told["wrong_id"]), "result": "done"})
            elif "odd_result" in told:
                say({"id": request["id"], "result": told["odd_result"]})
            elif "nonsense" in told:
                say(told["nonsense"])
        else:
            say({"id": request["id"], "result": "done"})
            if "twice" in told:
                say({"id": request["id"], "result": "done"})
    return 0


if __name__ == "__main__":
    sys.exit(main())
