// Events: their order, their arguments, and the listeners of browsers.

// These tests assign the on-properties.
/* oxlint-disable unicorn/prefer-add-event-listener */

import { IncomingMessage } from "node:http";
import { PassThrough } from "node:stream";
import { describe, expect } from "vitest";
import { answer, request } from "../node/support/peer.ts";
import { both, each } from "./support/both.ts";
import { accept } from "./support/lab.ts";
import { outcome, reached, show, until } from "./support/log.ts";
import { closing, ping, pong, Raw, text } from "./support/raw.ts";

const ignore = (): void => {};
const ROLES = ["server", "client"] as const;

describe("order", () => {
  both(
    "from the handshake to the end",
    async (lab) => {
      const { client, peer, log } = await lab.pair();
      client.ping("1");
      client.send("2");
      client.pong("3");
      client.send(Buffer.from("4"));
      await until(log.peer, "message", 2);
      await until(log.client, "pong");
      peer.close(1000, "done");
      await until(log.client, "close");
      await until(log.peer, "close");
      return log;
    },
    {
      client: ["upgrade", "open", "pong Buffer 1", "close 1000 Buffer done"],
      peer: ["ping Buffer 1", "message Buffer 2", "pong Buffer 3", "message Buffer 4 binary", "close 1000 Buffer done"],
    },
  );

  each("messages in the same chunk as the response", async (lab) => {
    const { url } = await lab.listen(async (raw) => {
      await raw.handshake();
      raw.socket.write(Buffer.concat([Buffer.from(answer(raw.head)), raw.serialize(text("first"), ping("second"))]));
    });
    const { socket, log } = lab.connect(url);
    // Programs often add the listener in the 'open' event.
    const late: string[] = [];
    socket.on("open", () => socket.on("message", (data) => late.push(show(data))));
    await until(log, "ping");
    return { log, late };
  });

  each("messages in the same chunk as the request", async (lab) => {
    const { server, port } = await lab.serve();
    const log: string[] = [];
    server.on("connection", (socket) => {
      log.push("connection");
      socket.on("message", (data) => log.push(show(data)));
    });
    const frames = new Raw(new PassThrough(), "client").serialize(text("first"));
    await lab.dial(port, Buffer.concat([Buffer.from(request()), frames]));
    await until(log, "Buffer");
    return log;
  });

  each("emits 'open' in a later turn, with a new readyState", async (lab) => {
    const { url } = await lab.listen();
    const { socket, log } = lab.connect(url);
    log.push(`state ${socket.readyState}`);
    socket.on("upgrade", () => log.push(`state ${socket.readyState}`));
    socket.on("open", () => log.push(`state ${socket.readyState}`));
    await until(log, "open");
    return log;
  });

  for (const role of ROLES) {
    each(`${role}: sends an automatic Pong before the 'ping' event`, async (lab) => {
      const { socket, raw } = await lab.against(role);
      socket.on("ping", () => socket.send("after"));
      raw.write(ping("x"));
      return raw.seesFrames(2);
    });

    each(`${role}: the state in the 'close' event`, async (lab) => {
      const { socket, log, raw } = await lab.against(role);
      log.length = 0;
      socket.on("close", () => log.push(`state ${socket.readyState}`));
      raw.write(closing(1000));
      await raw.gone();
      raw.socket.end();
      await until(log, "state");
      return log;
    });
  }
});

describe("'upgrade'", () => {
  each("has the response", async (lab) => {
    const { url } = await lab.listen((raw) => accept(raw, "X-One: 1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"));
    const { socket, log } = lab.connect(url);
    let response: IncomingMessage | undefined;
    socket.on("upgrade", (came) => (response = came));
    await until(log, "open");
    const { statusCode, statusMessage, headers, httpVersion } = response!;
    return [
      response instanceof IncomingMessage,
      statusCode,
      statusMessage,
      httpVersion,
      headers["x-one"],
      headers["set-cookie"],
      headers.upgrade,
      headers.connection,
    ];
  });
});

describe("'unexpected-response'", () => {
  const refusal =
    "HTTP/1.1 401 Unauthorized\r\nX-Reason: none\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nbody";

  each("emits an error without a listener", async (lab) => {
    const { url } = await lab.listen((raw) => raw.handshake().then(() => raw.socket.write(refusal)));
    const { log } = lab.connect(url);
    await until(log, "close");
    return log;
  });

  each("passes the request and the response to the listener", async (lab) => {
    const { url, peers } = await lab.listen((raw) => raw.handshake().then(() => raw.socket.write(refusal)));
    const { socket, log } = lab.connect(url);
    let body = "";
    socket.on("unexpected-response", (request, response) => {
      log.push(`${request.method} ${response.statusCode} ${response.statusMessage} ${response.headers["x-reason"]}`);
      log.push(`state ${socket.readyState}`);
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => {
        log.push(`body ${body}`);
        request.destroy();
        socket.close();
      });
    });
    await until(log, "close");
    await peers[0]!.gone();
    return log;
  });

  each("emits the error of request.destroy(error)", async (lab) => {
    const { url } = await lab.listen((raw) => raw.handshake().then(() => raw.socket.write(refusal)));
    const { socket, log } = lab.connect(url);
    socket.on("unexpected-response", (request) => request.destroy(new Error("mine")));
    await until(log, "close");
    return log;
  });

  for (const status of [200, 204, 301, 304, 400, 404, 426, 500, 503]) {
    each(`${status}`, async (lab) => {
      const { url } = await lab.listen((raw) =>
        raw.handshake().then(() => raw.socket.end(`HTTP/1.1 ${status} Text\r\nContent-Length: 0\r\n\r\n`)),
      );
      const { log } = lab.connect(url);
      await until(log, "close");
      return log;
    });
  }
});

describe("on-properties", () => {
  both("onopen, onmessage, onerror, onclose", async (lab) => {
    const { server, url } = await lab.serve();
    const events: string[] = [];
    server.on("connection", (socket) => {
      socket.onmessage = ({ data, type, target }) => {
        events.push(`${type} ${show(data)} ${target === socket}`);
        socket.send(data as string);
      };
      socket.onclose = ({ code, reason, wasClean, type }) => events.push(`${type} ${code} ${reason} ${wasClean}`);
    });
    const { socket } = lab.connect(url);
    const own: string[] = [];
    socket.onopen = ({ type, target }) => {
      own.push(`${type} ${target === socket}`);
      socket.send("text");
      socket.send(Buffer.from("bytes"));
    };
    socket.onmessage = (event) => {
      own.push(`${event.type} ${show(event.data)}`);
      if (own.length === 3) socket.close(1001, "bye");
    };
    socket.onclose = ({ code, reason, wasClean }) => own.push(`close ${code} ${reason} ${wasClean}`);
    await until(own, "close");
    await until(events, "close");
    return { own, events };
  });

  each("removes a listener with null, replaces it with a function, and ignores other values", async (lab) => {
    const { socket, raw } = await lab.serverAgainstRaw();
    const seen: string[] = [];
    const results: unknown[] = [];
    const first = (): void => void seen.push("first");
    const second = (): void => void seen.push("second");
    for (const name of ["onopen", "onmessage", "onerror", "onclose"] as const) {
      results.push(`${name} ${String(socket[name])}`);
      socket[name] = first;
      results.push(socket[name] === first);
      socket[name] = second;
      results.push(socket[name] === second, socket.listenerCount(name.slice(2)));
      socket[name] = null;
      results.push(socket[name] === null, socket.listenerCount(name.slice(2)));
      socket[name] = { handleEvent: first } as never;
      results.push(socket[name] === null);
      socket[name] = undefined as never;
      results.push(socket[name] === null);
    }
    socket.onmessage = first;
    raw.write(text("x"));
    await until(seen, "first");
    return { results: results.map(String), seen };
  });

  each("calls a listener twice that was added both as a property and with addEventListener()", async (lab) => {
    const { socket, raw } = await lab.serverAgainstRaw();
    const seen: string[] = [];
    const listener = (): void => void seen.push("shared");
    socket.addEventListener("message", listener);
    socket.onmessage = listener;
    socket.on("message", () => seen.push("emitter"));
    raw.write(text("x"));
    await until(seen, "emitter");
    socket.removeEventListener("message", listener);
    const left = socket.onmessage === listener;
    raw.write(text("y"));
    await until(seen, "emitter", 2);
    return { seen, left };
  });

  each("calls listeners in the order of adding, replaced ones last", async (lab) => {
    const { socket, raw } = await lab.serverAgainstRaw();
    const seen: string[] = [];
    socket.onmessage = () => seen.push("replaced");
    socket.on("message", () => seen.push("second"));
    socket.onmessage = () => seen.push("first");
    raw.write(text("x"));
    await until(seen, "first");
    return seen;
  });

  each("calls listeners with the socket as this", async (lab) => {
    const { socket, raw } = await lab.serverAgainstRaw();
    const seen: string[] = [];
    socket.onmessage = function (this: unknown) {
      seen.push(String(this === socket));
    };
    socket.addEventListener("message", function (this: unknown) {
      seen.push(String(this === socket));
    });
    raw.write(text("x"));
    await until(seen, "", 2);
    return seen;
  });
});

describe("addEventListener()", () => {
  each("the events and their fields", async (lab) => {
    const { socket, log, raw } = await lab.serverAgainstRaw();
    const seen: Record<string, string>[] = [];
    for (const type of ["message", "error", "close"] as const) {
      socket.addEventListener(type, (event: object) => {
        const fields: Record<string, string> = { class: event.constructor.name };
        for (const key in event) {
          const value = (event as Record<string, unknown>)[key];
          fields[key] = value === socket ? "the socket" : show(value);
        }
        seen.push(fields);
      });
    }
    raw.write(text("text"), { opcode: 2, payload: Buffer.from("bytes") }, { opcode: 3 });
    await raw.gone();
    raw.socket.end();
    await until(log, "close");
    return seen;
  });

  each("the 'open' event", async (lab) => {
    const { url } = await lab.listen();
    const { socket, log } = lab.connect(url);
    const seen: unknown[] = [];
    socket.addEventListener("open", (event) => {
      seen.push(event.constructor.name, event.type, event.target === socket, Object.keys(event).length);
    });
    await until(log, "open");
    return seen;
  });

  for (const type of ["nodebuffer", "arraybuffer", "fragments", "blob"]) {
    each(`data with binaryType ${type}`, async (lab) => {
      const { socket, log, raw } = await lab.serverAgainstRaw();
      socket.binaryType = type as "nodebuffer";
      const seen: string[] = [];
      socket.addEventListener("message", ({ data }) => seen.push(show(data)));
      raw.write(text("text"), { opcode: 2, payload: Buffer.from("bytes") });
      await until(log, "message", 2);
      return seen;
    });
  }

  each("adds the same listener once", async (lab) => {
    const { socket, raw } = await lab.serverAgainstRaw();
    const seen: string[] = [];
    const listener = (): void => void seen.push("called");
    socket.addEventListener("message", listener);
    socket.addEventListener("message", listener);
    socket.addEventListener("message", listener, { once: true });
    raw.write(text("x"), text("y"));
    await until(seen, "called", 2);
    return seen;
  });

  each("once", async (lab) => {
    const { socket, log, raw } = await lab.serverAgainstRaw();
    const seen: string[] = [];
    const listener = (): void => void seen.push("called");
    socket.addEventListener("message", listener, { once: true });
    raw.write(text("x"), text("y"));
    await until(log, "message", 2);
    socket.addEventListener("message", listener, { once: true });
    raw.write(text("z"));
    await until(log, "message", 3);
    return seen;
  });

  each("calls handleEvent() with the object as this", async (lab) => {
    const { socket, raw } = await lab.serverAgainstRaw();
    const seen: string[] = [];
    const listener = {
      handleEvent(event: { type: string }) {
        seen.push(`${event.type} ${String(this === listener)}`);
      },
    };
    socket.addEventListener("message", listener);
    socket.addEventListener("message", listener);
    raw.write(text("x"));
    await until(seen, "message");
    socket.removeEventListener("message", listener);
    return [...seen, socket.listenerCount("message")];
  });

  each("removeEventListener()", async (lab) => {
    const { socket, log, raw } = await lab.serverAgainstRaw();
    const seen: string[] = [];
    const one = (): void => void seen.push("one");
    const two = (): void => void seen.push("two");
    socket.addEventListener("message", one);
    socket.addEventListener("message", two, { once: true });
    socket.removeEventListener("message", one);
    socket.removeEventListener("message", two);
    socket.removeEventListener("message", two);
    socket.removeEventListener("close", one);
    raw.write(text("x"));
    await until(log, "message");
    return [seen.length, socket.listenerCount("message"), socket.listenerCount("close")];
  });

  each("removeEventListener() does not remove a listener of on()", async (lab) => {
    const { socket, log, raw } = await lab.serverAgainstRaw();
    const seen: string[] = [];
    const listener = (): void => void seen.push("called");
    socket.on("message", listener);
    socket.removeEventListener("message", listener as never);
    raw.write(text("x"));
    await until(log, "message");
    return seen;
  });

  each("ignores other types", async (lab) => {
    const { socket } = await lab.serverAgainstRaw();
    const before = socket.listenerCount("ping");
    return [
      outcome(() => socket.addEventListener("ping" as "open", () => {})),
      outcome(() => socket.addEventListener("nonsense" as "open", () => {})),
      outcome(() => socket.removeEventListener("nonsense" as "open", ignore)),
      socket.listenerCount("ping") - before,
      socket.listenerCount("nonsense"),
    ];
  });

  each("listenerCount() includes the listeners", async (lab) => {
    const { socket } = await lab.serverAgainstRaw();
    const before = socket.listenerCount("message");
    socket.addEventListener("message", () => {});
    socket.onmessage = () => {};
    const added = socket.listenerCount("message") - before;
    socket.removeAllListeners("message");
    return [added, socket.listenerCount("message"), String(socket.onmessage)];
  });

  each("wasClean", async (lab) => {
    const seen: string[] = [];
    const { socket, log, raw } = await lab.serverAgainstRaw();
    socket.addEventListener("close", (event) => seen.push(`handshake ${event.wasClean} ${event.code}`));
    raw.write(closing(1000, "x"));
    await raw.gone();
    raw.socket.end();
    await until(log, "close");

    const cut = await lab.serverAgainstRaw();
    cut.socket.addEventListener("close", (event) => seen.push(`cut ${event.wasClean} ${event.code}`));
    cut.raw.socket.destroy();
    await until(cut.log, "close");

    const half = await lab.serverAgainstRaw();
    half.socket.addEventListener("close", (event) => seen.push(`half ${event.wasClean} ${event.code}`));
    half.socket.close(1000);
    await half.raw.seesFrames(1);
    half.raw.socket.end();
    await until(half.log, "close");
    return seen;
  });
});

describe("'ping' and 'pong'", () => {
  for (const role of ROLES) {
    each(`${role}: have Buffers, also for empty payloads`, async (lab) => {
      const { log, raw } = await lab.against(role);
      log.length = 0;
      raw.write(ping(""), ping("one"), pong(""), pong("two"));
      await until(log, "pong", 2);
      await raw.seesFrames(2);
      return { log, told: raw.frames };
    });
  }
});

each("does not catch errors of listeners", async (lab) => {
  const { socket, raw } = await lab.serverAgainstRaw();
  const caught = new Promise<Error>((resolve) => {
    process.setUncaughtExceptionCaptureCallback(resolve);
  });
  try {
    socket.once("message", () => {
      throw new Error("of a listener");
    });
    raw.write(text("x"));
    return [(await caught).message, socket.readyState];
  } finally {
    process.setUncaughtExceptionCaptureCallback(null);
  }
});

both("events of the server and of its sockets", async (lab) => {
  const { server, url } = await lab.serve();
  const order: string[] = [];
  server.on("headers", () => order.push("headers"));
  server.on("connection", (socket, request) => {
    order.push(`connection ${socket.readyState} ${request.url}`);
    socket.on("close", () => order.push(`close, ${server.clients.size} left`));
  });
  server.on("close", () => order.push("server close"));
  const { socket, log } = lab.connect(`${url}/path?a=b`);
  await until(log, "open");
  await reached(
    () => order.length === 2,
    () => order.join(),
  );
  socket.close();
  await until(order, "close");
  server.close();
  await until(order, "server close");
  expect(server.clients.size).toBe(0);
  return order;
});
