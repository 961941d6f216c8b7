"""Python's websockets, server or client."""

import asyncio
import sys

import websockets
from lines import FRAGMENTS, end_with_input, orders, report, say, split
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory
from websockets.frames import Close


async def fragments(ws):
    for i, part in enumerate(FRAGMENTS):
        if i > 0:
            await ws.ping(f"between {i}")
        yield part


async def obey(ws, command, pongs):
    name, rest, code, reason = split(command)
    if name == "!ping":
        await (await ws.ping(rest))
        pongs.append(rest)
    elif name == "!fragments":
        await ws.send(fragments(ws))
    elif name == "!close" and code:
        await ws.close(code, reason)
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
    await ws.wait_closed()
    got = ws.close_rcvd
    report(ws.path, got.code if got else 1006, got and got.reason, ws.subprotocol, pongs=pongs)


def settings(factory):
    extensions = [factory()] if factory else None
    return {"compression": None, "extensions": extensions, "max_size": None, "ping_interval": None}


async def serve():
    end_with_input()
    common = {"host": "127.0.0.1", "port": 0, "subprotocols": ["chat"]}
    plain = await websockets.serve(talk, **common, **settings(None))
    deflate = await websockets.serve(talk, **common, **settings(ServerPerMessageDeflateFactory))
    port = lambda server: server.sockets[0].getsockname()[1]
    say({"plain": port(plain), "deflate": port(deflate)})
    await asyncio.Future()


async def connect(order):
    factory = ClientPerMessageDeflateFactory if order["deflate"] else None
    async with websockets.connect(order["url"], subprotocols=order["protocols"] or None, **settings(factory)) as ws:
        await talk(ws)


if sys.argv[1] == "server":
    asyncio.run(serve())
else:
    for order in orders():
        asyncio.run(connect(order))
