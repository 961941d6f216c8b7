// Undocumented members that programs use: _sender for broadcasts of Socket.IO, _socket, and timers that must not keep a process
// alive.

import { Socket as NetSocket } from "node:net";
import { describe } from "vitest";
import { both, differs, each } from "./support/both.ts";
import { type Implementation, internals, type Socket } from "./support/implementations.ts";
import { outcome, reached, show, until } from "./support/log.ts";
import { text } from "./support/raw.ts";

interface SenderClass {
  frame(
    data: Buffer | string,
    options: { fin?: boolean; rsv1?: boolean; opcode: number; mask?: boolean; readOnly?: boolean },
  ): (Buffer | string)[];
}

function sender(api: Implementation): SenderClass {
  return (api.module as { Sender: SenderClass }).Sender;
}

/** Sends to a paused reader until messages wait in the sender. */
async function fill(reader: Socket, writer: Socket): Promise<void> {
  reader.pause();
  const chunk = Buffer.alloc(1 << 20);
  while (writer.bufferedAmount < 1 << 21) {
    writer.send(chunk);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("_socket", () => {
  both("is the underlying stream on both sides", async (lab) => {
    const { client, peer } = await lab.pair();
    return [client, peer].map((socket) => {
      const { _socket } = internals(socket);
      return [
        _socket instanceof NetSocket,
        typeof _socket.remoteAddress,
        typeof _socket.remotePort,
        _socket.writable,
        _socket.destroyed,
        _socket.bytesRead > 0,
        _socket.bytesWritten > 0,
      ];
    });
  });

  each("is null until a client is open, and is kept after the end", async (lab) => {
    const { url } = await lab.listen();
    const { socket, log } = lab.connect(url);
    const before = internals(socket)._socket === null;
    await until(log, "open");
    const open = internals(socket)._socket !== null;
    socket.terminate();
    await until(log, "close");
    return [before, open, internals(socket)._socket !== null, internals(socket)._socket.destroyed];
  });

  each("has the remoteAddress of the request's socket", async (lab) => {
    const { server, port } = await lab.serve();
    const seen: unknown[] = [];
    server.on("connection", (socket, request) => {
      const { _socket } = internals(socket);
      seen.push(_socket === (request.socket as NetSocket), _socket.remoteAddress);
    });
    await (await lab.dial(port)).handshake();
    await reached(
      () => seen.length > 0,
      () => "no connection",
    );
    return seen;
  });

  both("emits 'drain' after a slow reader has read", async (lab) => {
    const { client, peer } = await lab.pair();
    await fill(client, peer);
    const drained = new Promise<string>((resolve) => internals(peer)._socket.once("drain", () => resolve("drained")));
    client.resume();
    return [await drained, peer.bufferedAmount];
  });

  differs(
    "writableLength and writableNeedDrain of a slow reader's socket",
    "`_socket.writableLength`, `_socket.writableNeedDrain`",
    async (lab) => {
      const { client, peer } = await lab.pair();
      const { _socket } = internals(peer);
      await fill(client, peer);
      return [_socket.writableLength > 1 << 20, _socket.writableNeedDrain];
    },
    { ws: [true, true], wsframe: [false, false] },
  );

  both("ref() and unref()", async (lab) => {
    const { client, log } = await lab.pair();
    const { _socket } = internals(client);
    const same = [_socket.unref() === _socket, _socket.ref() === _socket];
    client.send("still");
    await until(log.peer, "message");
    return same;
  });

  both("destroy() ends the connection", async (lab) => {
    const { client, log } = await lab.pair();
    internals(client)._socket.destroy();
    await until(log.client, "close");
    await until(log.peer, "close");
    return log;
  });

  both("end() ends the connection", async (lab) => {
    const { client, log } = await lab.pair();
    internals(client)._socket.end();
    await until(log.client, "close");
    await until(log.peer, "close");
    return log;
  });

  both("pause() and resume() of the socket", async (lab) => {
    const { client, peer, log } = await lab.pair();
    log.client.length = 0;
    internals(client)._socket.pause();
    peer.send("one");
    await new Promise((resolve) => setTimeout(resolve, 15));
    const before = log.client.length;
    internals(client)._socket.resume();
    await until(log.client, "message");
    return { before, log: log.client };
  });

  each("supports setTimeout()", async (lab) => {
    const { socket } = await lab.serverAgainstRaw();
    const { _socket } = internals(socket);
    const timeout = new Promise<string>((resolve) => _socket.setTimeout(20, () => resolve("timeout")));
    return [_socket.timeout, await timeout];
  });

  both("does not pass on its 'error' to the WebSocket", async (lab) => {
    const { client, log } = await lab.pair();
    log.client.length = 0;
    internals(client)._socket.destroy(new Error("of the socket"));
    await until(log.client, "close");
    return log.client;
  });

  both("cork() and uncork() around several messages", async (lab) => {
    const { client, log } = await lab.pair();
    log.peer.length = 0;
    const { _socket } = internals(client);
    _socket.cork();
    client.send("one");
    client.send("two");
    _socket.uncork();
    await until(log.peer, "message", 2);
    return log.peer;
  });
});

describe("frames made once and sent to many", () => {
  const cases: readonly (readonly [string, Buffer | string, object])[] = [
    ["text", Buffer.from("hello"), { fin: true, rsv1: false, opcode: 1, mask: false, readOnly: false }],
    ["binary", Buffer.from([1, 2, 3]), { fin: true, opcode: 2 }],
    ["200 bytes", Buffer.alloc(200, "a"), { fin: true, opcode: 2, readOnly: true }],
    ["70,000 bytes", Buffer.alloc(70_000, "a"), { fin: true, opcode: 1 }],
    ["an empty payload", Buffer.alloc(0), { fin: true, opcode: 1 }],
    ["a fragment", Buffer.from("part"), { fin: false, opcode: 1 }],
    ["rsv1", Buffer.from("x"), { fin: true, opcode: 1, rsv1: true }],
    ["a string", "größer", { fin: true, opcode: 1 }],
    ["a ping", Buffer.from("x"), { fin: true, opcode: 9 }],
  ];
  for (const [what, data, options] of cases) {
    each(`Sender.frame() of ${what}: the bytes`, ({ api }) => {
      const list = sender(api).frame(data, options as { opcode: number });
      return [
        Array.isArray(list),
        Buffer.concat(list.map((part) => Buffer.from(part as string)))
          .toString("hex")
          .slice(0, 100),
      ];
    });
  }

  each("Sender.frame() with generateMask", ({ api }) => {
    const list = sender(api).frame(Buffer.from("hello"), {
      fin: true,
      opcode: 1,
      mask: true,
      generateMask: (mask: Buffer) => mask.fill(7),
    } as never);
    return Buffer.concat(list as Buffer[]).toString("hex");
  });

  both("_sender.sendFrame(), as Socket.IO broadcasts", async (lab) => {
    const { server, url } = await lab.serve();
    const logs = [];
    for (let index = 0; index < 3; index++) {
      const { socket, log } = lab.connect(url);
      await until(log, "open");
      socket.binaryType = "nodebuffer";
      log.length = 0;
      logs.push(log);
    }
    await reached(
      () => server.clients.size === 3,
      () => "not all there",
    );
    const list = sender(lab.server).frame(Buffer.from("broadcast"), {
      readOnly: false,
      mask: false,
      rsv1: false,
      opcode: 1,
      fin: true,
    });
    const results: string[] = [];
    for (const peer of server.clients) {
      peer.send("before");
      internals(peer)._sender.sendFrame(list, (error) => results.push(show(error ?? undefined)));
      peer.send("after");
    }
    for (const log of logs) await until(log, "message", 3);
    await reached(
      () => results.length === 3,
      () => "no callbacks",
    );
    return { logs, results };
  });

  both("sendFrame() with a list of one, and without a callback", async (lab) => {
    const { peer, log } = await lab.pair();
    log.client.length = 0;
    const whole = Buffer.concat(sender(lab.server).frame(Buffer.from("one"), { fin: true, opcode: 2 }) as Buffer[]);
    internals(peer)._sender.sendFrame([whole]);
    internals(peer)._sender.sendFrame(sender(lab.server).frame("two", { fin: true, opcode: 1 }));
    await until(log.client, "message", 2);
    return log.client;
  });

  each("sendFrame() of a closed socket calls its callback with an error", async (lab) => {
    const { socket, log } = await lab.serverAgainstRaw();
    const list = sender(lab.api).frame(Buffer.from("x"), { fin: true, opcode: 1 });
    socket.terminate();
    await until(log, "close");
    const results: boolean[] = [];
    internals(socket)._sender.sendFrame(list, (error) => results.push(error instanceof Error));
    await reached(
      () => results.length === 1,
      () => "no callback",
    );
    return results;
  });

  for (const [what, options] of [
    ["a ping", { fin: true, opcode: 9 }],
    ["a fragment", { fin: false, opcode: 1 }],
  ] as const) {
    differs(
      `sendFrame() of ${what}`,
      "`_sender.sendFrame()`",
      async (lab) => {
        const { socket, raw } = await lab.serverAgainstRaw();
        const list = sender(lab.api).frame(Buffer.from("x"), options);
        const result = outcome(() => internals(socket)._sender.sendFrame(list)).split(":", 1)[0];
        socket.ping("mark");
        await raw.seesFrames(1);
        return [result, raw.frames[0]];
      },
      {
        ws: ["undefined", what === "a ping" ? "ping x" : "text x more"],
        wsframe: ["throws TypeError", "ping mark"],
      },
    );
  }

  each("sendFrame() keeps the order with send()", async (lab) => {
    const { socket, raw } = await lab.serverAgainstRaw();
    for (let index = 0; index < 10; index++) {
      socket.send(`message ${index}`);
      internals(socket)._sender.sendFrame(
        sender(lab.api).frame(Buffer.from(`frame ${index}`), { fin: true, opcode: 1 }),
      );
    }
    return raw.seesFrames(20);
  });
});

each("supports the methods of EventEmitter", async (lab) => {
  const { socket, log, raw } = await lab.serverAgainstRaw();
  const seen: string[] = [];
  socket.once("message", () => seen.push("once"));
  socket.prependListener("message", () => seen.push("first"));
  const listener = (): void => void seen.push("never");
  socket.on("message", listener);
  socket.off("message", listener);
  raw.write(text("x"), text("y"));
  await until(log, "message", 2);
  return {
    seen,
    names: socket
      .eventNames()
      .map(String)
      .filter((name) => name === "message"),
  };
});

both("keeps properties that programs add to a socket", async (lab) => {
  const { peer, server } = await lab.pair();
  const marked = peer as typeof peer & { isAlive?: boolean };
  marked.isAlive = true;
  return [...server.clients].map((socket) => (socket as typeof marked).isAlive);
});

both("the heartbeat in the README of ws works", async (lab) => {
  const { server, peer, client, log } = await lab.pair();
  const alive = new Map<unknown, boolean>();
  peer.on("pong", () => alive.set(peer, true));
  const beat = (): void => {
    for (const socket of server.clients) {
      if (alive.get(socket) === false) {
        socket.terminate();
        continue;
      }
      alive.set(socket, false);
      socket.ping();
    }
  };
  beat();
  await until(log.client, "ping");
  await until(log.peer, "pong");
  client.pause();
  beat();
  beat();
  await until(log.peer, "close");
  return { log: log.peer, left: server.clients.size };
});
