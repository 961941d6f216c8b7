"""Code that the Python peers share: see ../process.ts."""

import json
import os
import sys
import threading


def say(value):
    print(json.dumps(value), flush=True)


def orders():
    """Yields a client's orders. The process ends with its input."""
    for line in sys.stdin:
        yield json.loads(line)


def end_with_input():
    """For servers: ends the process when its input ends."""

    def wait():
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def split(command):
    """Splits a command into its name and the rest. For a Close, also gives its code and reason."""
    name, _, rest = command.partition(" ")
    code, _, reason = rest.partition(" ") if name == "!close" else ("", "", "")
    return name, rest, int(code or 0), reason


def report(url, code, reason="", subprotocol=None, pings=None, pongs=None):
    say(
        {
            "id": url.rsplit("/", 1)[1],
            "code": code,
            "reason": reason or "",
            "subprotocol": subprotocol or "",
            **({} if pings is None else {"pings": pings}),
            **({} if pongs is None else {"pongs": pongs}),
        }
    )


FRAGMENTS = ["Zwölf ", "", "Boxkämpfer", " 🥊"]
