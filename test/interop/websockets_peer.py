"""A peer made of Python's websockets, server or client. It echoes messages and obeys those of the form "!...".

    python3 websockets_peer.py server '{"subprotocols": [], "deflate": {}}'
    python3 websockets_peer.py client '{...}' ws://127.0.0.1:1234/

A server prints its port. When a connection has ended, the peer prints a line of JSON that describes it.
"""

import asyncio
import json
import sys

import websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory
from websockets.frames import Close

LIFETIME = 60


async def fragments(ws):
    for i, part in enumerate(["Zwölf ", "", "Boxkämpfer", " 🥊"]):
        if i > 0:
            await ws.ping(f"between {i}")
        yield part


async def obey(ws, command, pongs):
    name, _, rest = command.partition(" ")
    if name == "!ping":
        await (await ws.ping(rest))
        pongs.append(rest)
    elif name == "!fragments":
        await ws.send(fragments(ws))
    elif name == "!close" and rest:
        code, _, reason = rest.partition(" ")
        await ws.close(int(code), reason)
    elif name == "!close":
        await ws.write_close_frame(Close(1000, ""), b"")
    elif name == "!abort":
        ws.transport.abort()


async def talk(ws):
    pongs = []
    try:
        async for message in ws:
            if isinstance(message, str) and message.startswith("!"):
                await obey(ws, message, pongs)
            else:
                await ws.send(message)
    except websockets.ConnectionClosed:
        pass
    await asyncio.wait_for(ws.wait_closed(), LIFETIME)
    received = ws.close_rcvd
    print(
        json.dumps(
            {
                "code": received and received.code,
                "reason": received and received.reason,
                "subprotocol": ws.subprotocol,
                "pings": [],
                "pongs": pongs,
            }
        )
    )


def settings(options, factory):
    deflate = options.get("deflate")
    return {
        "subprotocols": options["subprotocols"] or None,
        "compression": None,
        "extensions": None if deflate is None else [factory(**deflate)],
        "max_size": None,
        "ping_interval": None,
    }


async def main():
    role, options = sys.argv[1], json.loads(sys.argv[2])
    if role == "server":
        async with websockets.serve(talk, "127.0.0.1", 0, **settings(options, ServerPerMessageDeflateFactory)) as server:
            print(server.sockets[0].getsockname()[1])
            await asyncio.sleep(LIFETIME)
    else:
        async with websockets.connect(sys.argv[3], **settings(options, ClientPerMessageDeflateFactory)) as ws:
            await talk(ws)


asyncio.run(asyncio.wait_for(main(), LIFETIME))
