"""A client of python-socketio for programs/socket.io/server.js. Prints a report.

    socketio_client.py threads|asyncio <url> <transports>

"threads" selects the client on websocket-client, "asyncio" the one on aiohttp.
"""

import asyncio
import inspect
import json
import sys

import socketio

kind, url, transports = sys.argv[1], sys.argv[2], sys.argv[3].split(",")
client = socketio.Client(reconnection=False) if kind == "threads" else socketio.AsyncClient(reconnection=False)
said = []


@client.on("said")
def on_said(value):
    said.append(value if isinstance(value, str) else value.hex())


@client.on("question")
def on_question(number):
    return number * 2


@client.on("who")
def on_who():
    return "python"


async def result(value):
    """Returns the result of a call of either client."""
    return await value if inspect.isawaitable(value) else value


async def call(event, *data):
    return await result(client.call(event, data, timeout=10))


async def main():
    await result(client.connect(url, transports=transports))
    # After the upgrade, which the client starts when it connects.
    report = {"transport": client.transport() if callable(client.transport) else client.transport}
    report["how"] = await call("how")
    report["text"] = await call("echo", "a \U0001f600 é" * 1000) == "a \U0001f600 é" * 1000
    report["bytes"] = await call("echo", bytes(range(256)) * 1000) == bytes(range(256)) * 1000
    nested = await call("echo", {"list": [1, b"\x00\xff", {"deep": b"b"}], "none": None})
    report["nested"] = nested == {"list": [1, b"\x00\xff", {"deep": b"b"}], "none": None}
    report["join"] = await call("join", "room")
    report["ask"] = await call("ask")
    report["everybody"] = await call("everybody")
    await call("say", "room", "text")
    await call("say", "room", b"\x01\x02")
    await call("say", "elsewhere", "not for us")
    await call("echo", "after it")
    report["said"] = said
    report["many"] = [await call("echo", number) for number in range(100)] == list(range(100))
    await result(client.emit("leave"))
    await result(client.wait())
    report["connected"] = client.connected
    print(json.dumps(report))


asyncio.run(main())
