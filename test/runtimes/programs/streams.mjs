// Runs "wsframe/streams" over every kind of socket of the runtime.

import { once } from "node:events";
import { connect, createServer } from "node:net";
import { Duplex } from "node:stream";
import { perMessageDeflate } from "wsframe";
import { each } from "./each.mjs";
import { runtime } from "./runtime.mjs";
import { streamCases } from "./stream-cases.mjs";

const origin = process.argv[2];
const extensions = [perMessageDeflate()];

/**
 * Deno's Duplex.toWeb() cannot close a writing side that the socket has already ended. It throws an exception that
 * cannot be caught, as Node 26.3 did (nodejs/node#64120). Earlier versions of Node do not report the peer's end while
 * our own side is open.
 */
const allowHalfOpen = "Deno" in globalThis;

const kinds = {
  "node:net": {
    async connect(port) {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen });
      await once(socket, "connect");
      return Duplex.toWeb(socket);
    },
    async listen(accept) {
      const server = createServer({ allowHalfOpen }, (socket) => accept(Duplex.toWeb(socket)));
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      return { port: server.address().port, stop: () => new Promise((resolve) => server.close(resolve)) };
    },
  },
  ...(globalThis.Deno && {
    "Deno.Conn": {
      connect: (port) => Deno.connect({ hostname: "127.0.0.1", port }),
      async listen(accept) {
        const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
        void (async () => {
          for await (const connection of listener) accept(connection);
        })();
        return { port: listener.addr.port, stop: () => listener.close() };
      },
    },
  }),
  ...(globalThis.Bun && {
    "Bun.connect": {
      async connect(port) {
        const { duplex, handlers } = bunDuplex();
        await Bun.connect({ hostname: "127.0.0.1", port, socket: handlers });
        return duplex;
      },
      async listen(accept) {
        const byEvent = (name) => (socket, value) => socket.data.handlers[name]?.(socket, value);
        const listener = Bun.listen({
          hostname: "127.0.0.1",
          port: 0,
          socket: {
            open(socket) {
              socket.data = bunDuplex();
              socket.data.handlers.open(socket);
              accept(socket.data.duplex);
            },
            data: byEvent("data"),
            drain: byEvent("drain"),
            end: byEvent("end"),
            close: byEvent("close"),
            error: byEvent("error"),
          },
        });
        return { port: listener.port, stop: () => listener.stop() };
      },
    },
  }),
};

/** The callbacks of a Bun socket as a pair of streams, because Bun has none. */
function bunDuplex() {
  let socket;
  let incoming;
  let drained = () => {};
  let ended = false;
  const end = () => {
    if (!ended) incoming.close();
    ended = true;
  };
  const readable = new ReadableStream({
    start(controller) {
      incoming = controller;
    },
    pull: () => socket?.resume(),
    cancel: () => {
      ended = true;
      socket.end();
    },
  });
  const writable = new WritableStream({
    async write(chunk) {
      for (let at = 0; at < chunk.length;) {
        // write() accepts as many bytes as the operating system does, and returns that number.
        const room = new Promise((resolve) => {
          drained = resolve;
        });
        at += socket.write(chunk.subarray(at));
        if (at < chunk.length) await room;
      }
    },
    close: () => socket.end(),
    abort: () => socket.terminate(),
  });
  const handlers = {
    open(opened) {
      socket = opened;
    },
    data(_, bytes) {
      // The bytes belong to the socket, so they are copied.
      incoming.enqueue(new Uint8Array(bytes));
      if (incoming.desiredSize <= 0) socket.pause();
    },
    drain: () => drained(),
    end,
    close() {
      end();
      drained();
    },
    error: (_, error) => incoming.error(error),
  };
  return { duplex: { readable, writable }, handlers };
}

const found = { runtime: runtime() };
for (const [name, kind] of Object.entries(kinds)) found[name] = await each(streamCases(kind, origin, extensions));
console.log(JSON.stringify(found));
