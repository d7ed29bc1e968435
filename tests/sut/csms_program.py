"""A driver program for a CSMS, for the tests: it does whatever it is asked, and shows what that was."""

import json
import sys


def say(message: object) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main() -> None:
    say({"event": "ready", "actions": json.loads(sys.argv[1]), "url": "ws://127.0.0.1:1/csms"})
    for line in sys.stdin:
        request = json.loads(line)
        say({"event": "asked", "request": request})
        if request["args"].get("action") == "ClearCache":
            say({"id": request["id"], "result": "failed", "message": "no such station"})
        else:
            say({"id": request["id"], "result": "done", "value": {"asked": request["action"]}})


if __name__ == "__main__":
    main()
