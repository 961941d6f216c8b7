"""The client of aiohttp."""

import asyncio

import aiohttp
from aiohttp import WSMsgType
from lines import orders, report, split


async def obey(ws, command):
    name, rest, code, reason = split(command)
    if name == "!ping":
        await ws.ping(rest)
    elif name == "!close" and code:
        await ws.close(code=code, message=reason.encode())
    elif name == "!abort":
        ws._response.connection.transport.abort()


async def talk(order):
    pings, pongs = [], []
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(
            order["url"],
            protocols=order["protocols"],
            compress=15 if order["deflate"] else 0,
            max_msg_size=0,
            autoping=False,
        ) as ws:
            while not ws.closed:
                message = await ws.receive()
                if message.type is WSMsgType.TEXT:
                    if message.data.startswith("!"):
                        await obey(ws, message.data)
                    else:
                        await ws.send_str(message.data)
                elif message.type is WSMsgType.BINARY:
                    await ws.send_bytes(message.data)
                elif message.type is WSMsgType.PING:
                    pings.append(message.data.decode())
                    await ws.pong(message.data)
                elif message.type is WSMsgType.PONG:
                    pongs.append(message.data.decode())
                elif message.type is WSMsgType.CLOSE:
                    # By now, it has answered, always with 1000.
                    report(order["url"], message.data or 1005, message.extra, ws.protocol, pings, pongs)
                    return
            report(order["url"], ws.close_code or 1006, "", ws.protocol, pings, pongs)


for order in orders():
    asyncio.run(talk(order))
