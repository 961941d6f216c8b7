// Event handlers, listeners and events.

/* oxlint-disable unicorn/prefer-add-event-listener */
import { describe, expect, test } from "vitest";
import { HandshakeError, WebSocketError } from "../../src/index.ts";
import { WebSocket as Ours } from "../../src/websocket/index.ts";
import { answer, frames, listen } from "../node/support/peer.ts";
import { until, watchLeftovers } from "../node/support/watch.ts";
import { text } from "../support/wire.ts";
import {
  type Constructor,
  IMPLEMENTATIONS,
  next,
  type Peer,
  record,
  SERVERS,
  startServer,
} from "./support/implementations.ts";

watchLeftovers();

const TYPES = ["open", "message", "error", "close"] as const;

/** A socket that fails to connect, after its last event. */
async function finished(WebSocket: Constructor): Promise<WebSocket> {
  const socket = new WebSocket("ws://127.0.0.1:1");
  await next(socket, "close");
  return socket;
}

/** Starts a server that sends three messages and ends its stream without a Close. Returns its URL. */
async function threeAndGone(): Promise<string> {
  const { port } = await listen(async (peer) => {
    await peer.write(answer(await peer.head()));
    await peer.write(frames("server", text("a"), text("b"), text("c")));
    peer.socket.end();
  });
  return `ws://127.0.0.1:${port}`;
}

describe.each(IMPLEMENTATIONS)("%s", (_name, WebSocket) => {
  test.each(TYPES)("on%s accepts a function or null", async (type) => {
    const socket = (await finished(WebSocket)) as unknown as Record<string, unknown>;
    const handler = () => {};
    expect(socket[`on${type}`]).toBe(null);
    socket[`on${type}`] = handler;
    expect(socket[`on${type}`]).toBe(handler);
    for (const other of [undefined, 1, "text", null, false]) {
      socket[`on${type}`] = handler;
      socket[`on${type}`] = other;
      expect(socket[`on${type}`]).toBe(null);
    }
  });

  test("supports once, signal, objects with handleEvent, and removeEventListener", async () => {
    const socket = await finished(WebSocket);
    const called: string[] = [];
    const add = (name: string) => () => void called.push(name);
    const controller = new AbortController();
    const removed = add("removed");
    socket.addEventListener("open", add("once"), { once: true });
    socket.addEventListener("open", add("signal"), { signal: controller.signal });
    socket.addEventListener("open", { handleEvent: add("object") });
    socket.addEventListener("open", removed);
    socket.removeEventListener("open", removed);
    socket.dispatchEvent(new Event("open"));
    controller.abort();
    socket.dispatchEvent(new Event("open"));
    expect(called).toEqual(["once", "signal", "object", "object"]);
  });
});

describe("event handler attributes", () => {
  test("a replaced handler keeps its place among the listeners; after null it is called last", async () => {
    const socket = await finished(Ours);
    const called: string[] = [];
    const add = (name: string) => () => void called.push(name);
    socket.addEventListener("message", add("first"));
    socket.onmessage = add("handler");
    socket.addEventListener("message", add("last"));
    socket.onmessage = add("other handler");
    socket.dispatchEvent(new Event("message"));
    expect(called.splice(0)).toEqual(["first", "other handler", "last"]);
    socket.onmessage = null;
    socket.dispatchEvent(new Event("message"));
    expect(called.splice(0)).toEqual(["first", "last"]);
    socket.onmessage = add("handler again");
    socket.dispatchEvent(new Event("message"));
    expect(called).toEqual(["first", "last", "handler again"]);
  });

  test("an object that is not a function is kept, and not called", async () => {
    const socket = (await finished(Ours)) as unknown as { onopen: unknown } & EventTarget;
    const object = { handleEvent: () => expect.fail("It must not be called") };
    socket.onopen = object;
    socket.dispatchEvent(new Event("open"));
    expect(socket.onopen).toBe(object);
    socket.onopen = 1;
    expect(socket.onopen).toBe(null);
  });

  test("a function that is both handler and listener is called twice; `this` is the socket", async () => {
    const socket = await finished(Ours);
    const targets: unknown[] = [];
    const listener = function (this: unknown, { target }: Event) {
      targets.push(this, target);
    };
    socket.onclose = listener;
    socket.addEventListener("close", listener);
    socket.dispatchEvent(new Event("close"));
    expect(targets).toEqual([socket, socket, socket, socket]);
  });
});

describe.each(SERVERS)("against %s", (server) => {
  test("emits no message event after close(), although messages arrive", async () => {
    const url = await startServer(server, (peer) => {
      for (let i = 0; i < 100; i++) peer.send(`${i}`);
      peer.onMessage(() => peer.send("answer"));
    });
    const socket = new Ours(url);
    const log = record(socket as WebSocket);
    await next(socket as WebSocket, "message");
    socket.send("question");
    socket.close(1000);
    await next(socket as WebSocket, "close");
    expect(log).toEqual(["open 1", "message 1 0", "close 3 1000  true"]);
  });

  test("runs promise callbacks of a listener before the next event", async () => {
    const url = await startServer(server, (peer) => {
      for (const data of ["a", "b", "c"]) peer.send(data);
      peer.close(1000);
    });
    const socket = new Ours(url);
    const log: string[] = [];
    for (const type of TYPES) {
      socket.addEventListener(type, async () => {
        log.push(type);
        for (let i = 0; i < 5; i++) await Promise.resolve();
        log.push(`${type}, later, ${socket.readyState}`);
      });
    }
    await next(socket as WebSocket, "close");
    await until(
      () => log.at(-1) === "close, later, 3",
      () => log.join(),
    );
    expect(log).toEqual(
      ["open", "message", "message", "message", "close"].flatMap((type) => [
        type,
        `${type}, later, ${type === "close" ? 3 : 1}`,
      ]),
    );
  });

  test("an exception in a listener is uncaught, and has no other effect", async () => {
    const peers: Peer[] = [];
    const url = await startServer(server, (peer) => {
      peers.push(peer);
      peer.onMessage((data) => peer.send(data));
    });
    const others = process.listeners("uncaughtException");
    const uncaught: string[] = [];
    const onUncaught = (error: Error) => void uncaught.push(error.message);
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", onUncaught);
    try {
      const socket = new Ours(url);
      const got: string[] = [];
      for (const type of TYPES) {
        socket.addEventListener(type, () => {
          throw new Error(`a listener of ${type}`);
        });
      }
      socket.onmessage = ({ data }) => {
        got.push(String(data));
        throw new Error("a handler");
      };
      await next(socket as WebSocket, "open");
      for (const data of ["a", "b"]) socket.send(data);
      await until(
        () => got.length === 2,
        () => got.join(),
      );
      socket.close(3000);
      expect((await next(socket as WebSocket, "close")).code).toBe(3000);
      expect(await peers[0]!.end).toEqual([3000, ""]);
      await until(
        () => uncaught.length === 6,
        () => uncaught.join(),
      );
      expect(uncaught).toEqual([
        "a listener of open",
        "a listener of message",
        "a handler",
        "a listener of message",
        "a handler",
        "a listener of close",
      ]);
    } finally {
      process.off("uncaughtException", onUncaught);
      for (const other of others) process.on("uncaughtException", other);
    }
  });
});

test("listeners that are added for one event at a time miss none", async () => {
  const socket = new Ours(await threeAndGone()) as WebSocket;
  await next(socket, "open");
  for (const data of ["a", "b", "c"]) expect((await next(socket, "message")).data).toBe(data);
  await next(socket, "close");
});

test("events are instances of the global classes, if Node has them", async () => {
  const { port } = await listen(async (peer) => {
    await peer.write(answer(await peer.head()));
    await peer.write(frames("server", text("a"), { opcode: 3, payload: new Uint8Array(0) }));
    await peer.leave();
  });
  const socket = new Ours(`ws://127.0.0.1:${port}`);
  const events: Event[] = [];
  for (const type of TYPES) socket.addEventListener(type, (event) => events.push(event));
  await next(socket as WebSocket, "close");
  const [open, message, error, close] = events;
  for (const event of events) expect(event).toBeInstanceOf(Event);
  expect(open!.constructor).toBe(Event);
  expect(message).toBeInstanceOf(MessageEvent);
  expect([error!.constructor.name, close!.constructor.name]).toEqual(["ErrorEvent", "CloseEvent"]);
  const { CloseEvent, ErrorEvent } = globalThis as { CloseEvent?: unknown; ErrorEvent?: unknown };
  if (CloseEvent !== undefined) expect(close!.constructor).toBe(CloseEvent);
  if (ErrorEvent !== undefined) expect(error!.constructor).toBe(ErrorEvent);
  expect(Object.keys(close!)).toEqual(Object.keys(new Event("close")));
});

describe("an error event has the cause", () => {
  async function failure(socket: Ours): Promise<unknown> {
    const event = await next(socket as WebSocket, "error");
    const { error, message } = event as Event & { error: Error; message: string };
    expect(message).toBe(error.message);
    await next(socket as WebSocket, "close");
    return error;
  }

  test("a refused handshake", async () => {
    const error = await failure(new Ours(`${await startServer("ws")}/401`));
    expect(error).toBeInstanceOf(HandshakeError);
    expect(error).toMatchObject({ status: 401 });
  });

  test("no server listens", async () => {
    expect(await failure(new Ours("ws://127.0.0.1:1"))).toMatchObject({ code: "ECONNREFUSED" });
  });

  test("an invalid frame", async () => {
    const { port } = await listen(async (peer) => {
      await peer.write(answer(await peer.head()));
      await peer.write(frames("server", text("good"), { opcode: 3, payload: new Uint8Array(0) }));
      await peer.leave();
    });
    const error = await failure(new Ours(`ws://127.0.0.1:${port}`));
    expect(error).toBeInstanceOf(WebSocketError);
    expect(error).toMatchObject({ code: "WS_ERR_INVALID_OPCODE" });
  });

  test("close() while connecting", async () => {
    const { port } = await listen(() => {});
    const socket = new Ours(`ws://127.0.0.1:${port}`);
    const log = record(socket as WebSocket);
    socket.close();
    // The event must not come before close() returns.
    expect([socket.readyState, log]).toEqual([2, []]);
    expect(await failure(socket)).toMatchObject({ message: "The WebSocket was closed before it was open" });
    expect(log).toEqual(["error 3", "close 3 1006  false"]);
  });

  test("a lost connection has no error event, as in browsers", async () => {
    const socket = new Ours(await threeAndGone());
    const log = record(socket as WebSocket);
    await next(socket as WebSocket, "close");
    expect(log.filter((line) => !line.startsWith("message"))).toEqual(["open 1", "close 3 1006  false"]);
  });

  test("the server chose no subprotocol", async () => {
    const { port, peers } = await listen(async (peer) => {
      await peer.write(answer(await peer.head()));
    });
    const socket = new Ours(`ws://127.0.0.1:${port}`, "chat");
    const log = record(socket as WebSocket);
    expect(await failure(socket)).toMatchObject({ message: /none of the subprotocols/ });
    expect(log).toEqual(["error 3", "close 3 1006  false"]);
    await peers[0]!.gone();
  });
});
