"""A client of the soak test: Python's websockets."""

import asyncio
import gc
import hashlib
import json
import logging
import os
import random
import resource
import socket
import ssl
import struct
import sys
import time

import websockets

END = "\0end"
POOL = 6 << 20
WORDS = ["price", "name", "größer", "€", "日本語", "𝄞𝄞", '{"id":', '"}', " ", "lorem ipsum", "\n", "ß", "0"]

seed = int(sys.argv[1])
certificate = sys.argv[2]
rng = random.Random(seed)
words = rng.choices(WORDS, k=100_000)
TEXT = "".join(words)
TEXT = TEXT * (POOL // len(TEXT) + 1)
BYTES = b"".join(rng.randbytes(65536) + bytes(i % 251 for i in range(65536)) for _ in range(POOL // 131072 + 1))
context = ssl.create_default_context(cafile=certificate)
connections = 0
# It logs each connection that is cut.
logging.getLogger("websockets").setLevel(logging.CRITICAL)


def say(**what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def make(kind, size):
    start = rng.randint(0, POOL - size)
    return (TEXT if kind == "text" else BYTES)[start : start + size]


class Chain:
    def __init__(self):
        self.last = bytes(32)
        self.hashes = []
        self.bytes = 0

    def add(self, data):
        is_text = isinstance(data, str)
        payload = data.encode() if is_text else data
        self.last = hashlib.sha256(self.last + (b"\1" if is_text else b"\2") + payload).digest()
        self.hashes.append(self.last.hex()[:16])
        self.bytes += len(payload)

    def direction(self):
        return {"count": len(self.hashes), "bytes": self.bytes, "hashes": self.hashes}


class Session:
    def __init__(self, ws, order):
        self.ws = ws
        self.order = order
        self.sent = Chain()
        self.received = Chain()
        self.pings = []
        self.pongs = "right"

    async def fragments(self, data, count):
        for i in range(count):
            yield data[len(data) * i // count : len(data) * (i + 1) // count]

    async def send(self, data, fragments=1):
        # The message may arrive even if sending it fails.
        self.sent.add(data)
        await self.ws.send(data if fragments == 1 else self.fragments(data, fragments))

    async def talk(self):
        order = self.order
        began = time.monotonic()
        for kind, size, fragments in order["up"]:
            await self.send(make(kind, size), fragments)
            if order["pings"] and len(self.pings) < 20:
                self.pings.append(await self.ws.ping(str(len(self.pings) + 1)))
            await asyncio.sleep(order["pace"] / 1000)
        await asyncio.sleep(max(order["room"] / 1000 - (time.monotonic() - began), 0))
        await self.send(END)

    async def abort(self):
        abort = self.order["abort"]
        await asyncio.sleep(abort["after"] / 1000)
        if abort["how"] == "half-close":
            # TLS connections cannot be half-closed.
            if self.ws.transport.can_write_eof():
                self.ws.transport.write_eof()
                return
        elif abort["how"] == "reset":
            linger = struct.pack("ii", 1, 0)
            self.ws.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.ws.transport.abort()

    async def run(self):
        tasks = [asyncio.ensure_future(self.quietly(self.talk()))]
        if self.order.get("abort"):
            tasks.append(asyncio.ensure_future(self.quietly(self.abort())))
        try:
            async for message in self.ws:
                await asyncio.sleep(self.order["slowClient"] / 1000)
                self.received.add(message)
                if message == END and self.order["closer"] == "client":
                    await self.ws.close(1000)
        except Exception:
            # The connection or one half of it has already ended, which raises an exception of asyncio.
            self.ws.transport.abort()
        await self.ws.wait_closed()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return self.report()

    async def quietly(self, awaitable):
        try:
            await awaitable
        except (websockets.ConnectionClosed, OSError, RuntimeError):
            pass

    def report(self):
        got = self.ws.close_rcvd
        answered = [ping.done() and not ping.cancelled() and ping.exception() is None for ping in self.pings]
        for ping in self.pings:
            ping.cancel()
        return {
            "opened": True,
            "code": got.code if got else 1006,
            "sent": self.sent.direction(),
            "received": self.received.direction(),
            "pings": len(self.pings),
            "pongs": "wrong" if got and not all(answered) else "right",
        }


async def connect(order):
    compression = None if order["way"] == "bare" else "deflate"
    tls = {"ssl": context} if order["url"].startswith("wss:") else {}
    options = {"max_size": None, "open_timeout": 20, "ping_timeout": None}
    ws = await websockets.connect(order["url"], compression=compression, **options, **tls)
    return await Session(ws, order).run()


async def follow(order):
    global connections
    connections += 1
    try:
        report = await connect(order)
    except Exception as error:
        nothing = {"count": 0, "bytes": 0, "hashes": []}
        report = {"opened": False, "code": 1006, "error": repr(error), "sent": nothing, "received": nothing}
        report.update(pings=0, pongs="right")
    connections -= 1
    say(type="report", id=order["id"], report=report)


def sample():
    gc.collect()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    with open("/proc/self/statm") as file:
        rss = int(file.read().split()[1]) * resource.getpagesize()
    cpu = usage.ru_utime + usage.ru_stime
    files = len(os.listdir("/proc/self/fd"))
    say(
        type="sample",
        sample=dict(heap=0, rss=rss, external=0, files=files, handles=0, p50=0, p99=0, cpu=cpu, connections=connections),
    )


async def main():
    # Hides errors such as a Ping without a Pong, which the report includes.
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    reader = asyncio.StreamReader(limit=1 << 24)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    say(type="ready", ports={})
    tasks = set()
    async for line in reader:
        said = json.loads(line)
        if said["type"] == "sample":
            sample()
        elif said["type"] == "order":
            task = asyncio.ensure_future(follow(said["order"]))
            tasks.add(task)
            task.add_done_callback(tasks.discard)


asyncio.run(main())
