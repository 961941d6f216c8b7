// How connections end: by close(), by terminate() or by the peer, and the events on each side.

import type { Socket as NetSocket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect } from "vitest";
import { both, differs, each } from "./support/both.ts";
import { outcome, reached, show, until } from "./support/log.ts";
import { closing, ping, text } from "./support/raw.ts";

const ROLES = ["server", "client"] as const;

describe("the closing handshake", () => {
  for (const [what, args] of [
    ["without arguments", []],
    ["with a code", [1000]],
    ["with an application's code", [4999]],
    ["with a reason", [1001, "going"]],
    ["with a reason that is not ASCII", [3000, "größer"]],
    ["with a reason that is bytes", [1000, Buffer.from("bytes")]],
    ["with a reason of 123 bytes", [1000, "x".repeat(123)]],
    ["with an empty reason", [1000, ""]],
  ] as const) {
    for (const by of ["client", "peer"] as const) {
      both(`close() ${what}, by the ${by === "peer" ? "server" : by}`, async (lab) => {
        const pair = await lab.pair();
        const { log } = pair;
        log.client.length = log.peer.length = 0;
        pair[by].close(...(args as unknown as [number, string]));
        const state = pair[by].readyState;
        await until(log.client, "close");
        await until(log.peer, "close");
        return { state, log };
      });
    }
  }

  both("close() on both sides at once", async (lab) => {
    const { client, peer, log } = await lab.pair();
    log.client.length = log.peer.length = 0;
    client.close(3001, "client");
    peer.close(3002, "server");
    await until(log.client, "close");
    await until(log.peer, "close");
    return log;
  });

  both("close() after send() loses no message", async (lab) => {
    const { client, log } = await lab.pair();
    log.peer.length = 0;
    for (let index = 0; index < 3; index++) client.send(`message ${index}`);
    client.ping("x");
    client.close(1000);
    await until(log.peer, "close");
    return log.peer;
  });

  both("terminate() after send() loses no message that the system accepts", async (lab) => {
    const { client, peer, log } = await lab.pair();
    log.client.length = 0;
    peer.on("message", () => {
      peer.send("in a listener");
      peer.terminate();
    });
    client.send("go");
    await until(log.client, "close");
    return log.client;
  });

  both("terminate() in the 'error' event does not stop the Close with the error code", async (lab) => {
    const { client, peer, log } = await lab.pair({ server: { maxPayload: 10 } });
    log.client.length = 0;
    peer.on("error", () => peer.terminate());
    client.send("x".repeat(11));
    await until(log.client, "close");
    return log.client;
  });

  both("close() works through a Proxy of the socket", async (lab) => {
    const { peer, log } = await lab.pair();
    log.client.length = 0;
    const proxy = new Proxy(peer, { get: (target, name) => Reflect.get(target, name) as unknown });
    proxy.send("a");
    proxy.ping("b");
    const seen = [proxy.readyState, proxy.bufferedAmount >= 0, proxy.protocol];
    proxy.close(1000, "c");
    await until(log.client, "close");
    return { seen, log: log.client };
  });

  for (const [what, args] of [
    ["the code 1005", [1005]],
    ["the code 1006", [1006]],
    ["a code out of range", [5000]],
    ["a code below 1000", [999]],
    ["a code that is text", ["1000"]],
    ["a reason of 124 bytes", [1000, "x".repeat(124)]],
    ["a reason of 124 bytes in 62 letters", [1000, "ä".repeat(62)]],
    ["a reason that is an object", [1000, { length: 1 }]],
  ] as const) {
    each(`close() refuses ${what}`, async (lab) => {
      const { socket } = await lab.serverAgainstRaw();
      const result = outcome(() => socket.close(...(args as unknown as [number, string])));
      return { result, state: socket.readyState };
    });
  }

  for (const role of ROLES) {
    each(`${role}: answers a Close with the same code`, async (lab) => {
      const { socket, log, raw } = await lab.against(role);
      log.length = 0;
      raw.write(closing(3456, "bye"));
      await raw.gone();
      const state = socket.readyState;
      raw.socket.end();
      await until(log, "close");
      return { log, state, told: raw.frames, after: socket.readyState };
    });

    each(`${role}: answers a Close without a code`, async (lab) => {
      const { log, raw } = await lab.against(role);
      log.length = 0;
      raw.write(closing());
      await raw.gone();
      raw.socket.end();
      await until(log, "close");
      return { log, told: raw.frames };
    });

    each(`${role}: emits messages before a Close, and ignores those after it`, async (lab) => {
      const { log, raw } = await lab.against(role);
      log.length = 0;
      raw.write(text("before"), closing(1000), text("after"));
      await raw.gone();
      raw.socket.end();
      await until(log, "close");
      return { log, told: raw.frames };
    });

    each(`${role}: emits messages after close() until the peer's Close`, async (lab) => {
      const { socket, log, raw } = await lab.against(role);
      log.length = 0;
      socket.close(1000);
      await raw.seesFrames(1);
      raw.write(text("still"), ping("x"), closing(1000));
      await raw.gone();
      raw.socket.end();
      await until(log, "close");
      return { log, told: raw.frames };
    });

    each(`${role}: emits 'close' with the peer's code instead of its own`, async (lab) => {
      const { socket, log, raw } = await lab.against(role);
      log.length = 0;
      socket.close(1000, "mine");
      await raw.seesFrames(1);
      raw.write(closing(4000, "yours"));
      await raw.gone();
      raw.socket.end();
      await until(log, "close");
      return { log, told: raw.frames };
    });
  }
});

describe("without a Close", () => {
  for (const role of ROLES) {
    each(`${role}: the peer ends its side`, async (lab) => {
      const { socket, log, raw } = await lab.against(role);
      log.length = 0;
      raw.socket.end();
      await until(log, "close");
      await raw.gone();
      return { log, told: raw.frames, state: socket.readyState };
    });

    each(`${role}: the peer ends its side inside a frame`, async (lab) => {
      const { log, raw } = await lab.against(role);
      log.length = 0;
      raw.socket.end(raw.serialize(text("hello")).subarray(0, 4));
      await until(log, "close");
      return { log, told: raw.frames };
    });

    each(`${role}: the peer resets the connection`, async (lab) => {
      const { log, raw } = await lab.against(role);
      log.length = 0;
      (raw.socket as NetSocket).resetAndDestroy();
      await until(log, "close");
      return log;
    });

    each(`${role}: close() that the peer answers by ending`, async (lab) => {
      const { socket, log, raw } = await lab.against(role);
      log.length = 0;
      socket.close(1000);
      await raw.seesFrames(1);
      raw.socket.end();
      await until(log, "close");
      return { log, told: raw.frames };
    });

    each(`${role}: closes after closeTimeout if the peer does not`, async (lab) => {
      const { socket, log, raw } = await lab.against(role, { closeTimeout: 60 });
      log.length = 0;
      const start = performance.now();
      socket.close(1000, "x");
      await until(log, "close");
      const took = performance.now() - start;
      expect(took).toBeGreaterThan(50);
      expect(took).toBeLessThan(600);
      await raw.gone();
      return { log, told: raw.frames };
    });

    each(`${role}: closes after closeTimeout if the peer sends a Close but keeps the stream open`, async (lab) => {
      const { log, raw } = await lab.against(role, { closeTimeout: 60 });
      log.length = 0;
      raw.write(closing(1000));
      const start = performance.now();
      await until(log, "close");
      expect(performance.now() - start).toBeGreaterThan(50);
      return { log, told: raw.frames };
    });

    each(`${role}: ignores a second close()`, async (lab) => {
      const { socket, log, raw } = await lab.against(role);
      log.length = 0;
      socket.close(1000, "first");
      const again = outcome(() => socket.close(1001, "second"));
      await raw.seesFrames(1);
      raw.write(closing(1000));
      await raw.gone();
      raw.socket.end();
      await until(log, "close");
      const closed = [outcome(() => socket.close()), outcome(() => socket.terminate()), outcome(() => socket.close(1))];
      return { again, closed, log, told: raw.frames };
    });

    each(`${role}: terminate()`, async (lab) => {
      const { socket, log, raw } = await lab.against(role);
      log.length = 0;
      socket.terminate();
      const state = socket.readyState;
      await raw.gone();
      await until(log, "close");
      return { state, log, told: raw.frames, after: socket.readyState };
    });

    each(`${role}: terminate() after close()`, async (lab) => {
      const { socket, log, raw } = await lab.against(role);
      log.length = 0;
      socket.close(1000);
      socket.terminate();
      await until(log, "close");
      await raw.gone();
      return log;
    });
  }
});

describe("after the end", () => {
  for (const role of ROLES) {
    for (const method of ["send", "ping", "pong"] as const) {
      each(`${role}: ${method}() while closing and when closed`, async (lab) => {
        const { socket, log, raw } = await lab.against(role);
        log.length = 0;
        const results: string[] = [];
        const call = (data: unknown): void => {
          const callback = (error?: Error): void => void results.push(show(error));
          results.push(
            outcome(() =>
              method === "send" ? socket.send(data as string, callback) : socket[method](data, undefined, callback),
            ),
            `buffered ${socket.bufferedAmount}`,
          );
        };
        raw.socket.pause();
        socket.close(1000);
        await raw.sees(() => socket.bufferedAmount === 0, "an empty buffer");
        call("12345");
        call(Buffer.from("äb"));
        call(new Uint16Array(2));
        call(7);
        call("");
        call(undefined);
        await sleep(1);
        socket.terminate();
        await until(log, "close");
        const before = socket.bufferedAmount;
        call("12");
        await sleep(1);
        // Call it again without a callback.
        results.push(
          outcome(() => socket[method]("x")),
          `more ${socket.bufferedAmount - before}`,
        );
        return { results, log };
      });
    }
  }

  each("counts the size of a Blob in bufferedAmount", async (lab) => {
    const { socket, log } = await lab.against("client");
    socket.terminate();
    await until(log, "close");
    const before = socket.bufferedAmount;
    socket.send(new Blob(["12345"]));
    return `+${socket.bufferedAmount - before}`;
  });

  each("calls the callback of send() in a later turn", async (lab) => {
    const { socket, log } = await lab.against("client");
    socket.terminate();
    await until(log, "close");
    const order: string[] = [];
    socket.send("x", () => order.push("callback"));
    order.push("returned");
    await sleep(1);
    return order;
  });

  both("bufferedAmount returns to 0 when everything is sent", async (lab) => {
    const { client, peer, log } = await lab.pair();
    const before = client.bufferedAmount;
    await new Promise((resolve) => client.send("x".repeat(1000), resolve));
    await until(log.peer, "message");
    peer.close();
    await until(log.client, "close");
    return [before, client.bufferedAmount];
  });
});

describe("before it is open", () => {
  for (const method of ["send", "ping", "pong"] as const) {
    each(`${method}() throws`, async (lab) => {
      const { url } = await lab.listen(() => {});
      const { socket } = lab.connect(url);
      return [outcome(() => socket[method]("x")), outcome(() => socket[method]("x", (() => {}) as never))];
    });
  }

  for (const method of ["close", "terminate"] as const) {
    each(`${method}() right after the constructor`, async (lab) => {
      const { url } = await lab.listen(() => {});
      const { socket, log } = lab.connect(url);
      socket[method]();
      log.push(`state ${socket.readyState}`);
      await until(log, "close");
      return [...log, `state ${socket.readyState}`, `buffered ${socket.bufferedAmount}`];
    });

    each(`${method}() twice`, async (lab) => {
      const { url } = await lab.listen(() => {});
      const { socket, log } = lab.connect(url);
      socket[method]();
      await until(log, "close");
      log.push(outcome(() => socket[method]()));
      return log;
    });

    each(`${method}() when the server has received the request`, async (lab) => {
      const { url, peers } = await lab.listen(() => {});
      const { socket, log } = lab.connect(url);
      await reached(
        () => peers.length > 0 && peers[0]!.head.length > 0,
        () => "no request",
      );
      socket[method]();
      await until(log, "close");
      await peers[0]!.gone();
      return log;
    });

    each(`${method}() in the 'upgrade' event`, async (lab) => {
      const { url, peers } = await lab.listen();
      const { socket, log } = lab.connect(url);
      socket.on("upgrade", () => socket[method]());
      await until(log, "close");
      await peers[0]!.gone();
      return log;
    });

    both(`${method}() in the 'open' event`, async (lab) => {
      const { url } = await lab.serve();
      const { socket, log } = lab.connect(url);
      socket.on("open", () => socket[method]());
      await until(log, "close");
      return log;
    });
  }

  each("close() before the handshake ends ignores its arguments", async (lab) => {
    const { url } = await lab.listen(() => {});
    const { socket, log } = lab.connect(url);
    log.push(outcome(() => socket.close(12, "x".repeat(200))));
    await until(log, "close");
    return log;
  });

  each("send() after a failed handshake adds to bufferedAmount", async (lab) => {
    const { url } = await lab.listen((raw) => raw.socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"));
    const { socket, log } = lab.connect(url);
    await until(log, "close");
    socket.send("12345");
    socket.ping(Buffer.from("12"));
    return [...log, `buffered ${socket.bufferedAmount}`];
  });
});

both("close() of the server's socket in the 'connection' event", async (lab) => {
  const { server, url } = await lab.serve();
  server.on("connection", (socket) => socket.close(4001, "no"));
  const { log } = lab.connect(url);
  await until(log, "close");
  return log;
});

both("close() in the 'message' event, before more messages arrive", async (lab) => {
  const { client, peer, log } = await lab.pair();
  log.peer.length = log.client.length = 0;
  peer.on("message", () => peer.close(1000));
  client.send("one");
  client.send("two");
  await until(log.peer, "close");
  await until(log.client, "close");
  return log;
});

differs(
  "terminate() in the 'message' event, with more messages in the chunk",
  "`terminate()`",
  async (lab) => {
    const { socket, log, raw } = await lab.serverAgainstRaw();
    log.length = 0;
    socket.on("message", () => socket.terminate());
    raw.write(text("one"), text("two"), ping("three"));
    await until(log, "close");
    return log;
  },
  {
    ws: ["message Buffer one", "message Buffer two", "ping Buffer three", "close 1006 Buffer "],
    wsframe: ["message Buffer one", "close 1006 Buffer "],
  },
);

differs(
  "close() with a reason of bytes that are not UTF-8",
  "bytes sent as text that are not UTF-8",
  async (lab) => {
    const { socket, raw } = await lab.serverAgainstRaw();
    socket.close(1000, Buffer.of(0xff));
    return raw.seesFrames(1);
  },
  { ws: ["close 1000 ff"], wsframe: ["close 1000 efbfbd"] },
);

each("readyState goes from 0 to 3", async (lab) => {
  const { url, peers } = await lab.listen();
  const { socket, log } = lab.connect(url);
  const states = [socket.readyState];
  await until(log, "open");
  states.push(socket.readyState);
  socket.close();
  states.push(socket.readyState);
  const raw = peers[0]!;
  await raw.seesFrames(1);
  raw.write(closing());
  raw.socket.end();
  await until(log, "close");
  states.push(socket.readyState);
  return states.map(String);
});
