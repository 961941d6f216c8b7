// addEventListener() and the on-properties, as in browsers.

// These tests assign the on-properties.
/* oxlint-disable unicorn/prefer-add-event-listener */

import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocketError } from "../../src/index.ts";
import { type Connection, connect, type EventOf, serve, type WebSocketServer } from "../../src/node/index.ts";

let server: WebSocketServer;
let connection: Connection;
let peer: Connection;

beforeEach(async () => {
  let accept!: (accepted: Connection) => void;
  const accepted = new Promise<Connection>((resolve) => {
    accept = resolve;
  });
  server = await serve({ host: "127.0.0.1", closeTimeout: 500 }, accept);
  connection = await connect(`ws://127.0.0.1:${server.port}`, { closeTimeout: 500 });
  peer = await accepted;
});

afterEach(async () => {
  connection.terminate();
  await server.close();
});

/** Sends a message to the connection, and waits until it has arrived. */
async function deliver(text: string): Promise<void> {
  const came = new Promise<void>((resolve) => {
    const listener = (data: unknown): void => {
      if (data !== text) return;
      connection.off("message", listener);
      resolve();
    };
    connection.on("message", listener);
  });
  peer.send(text);
  await came;
}

const ended = (): Promise<unknown> => new Promise((resolve) => connection.on("close", resolve));

describe("one function for several events", () => {
  test.each(["addEventListener", "on-properties"])("%s", async (way) => {
    const seen: string[] = [];
    const listener = ({ type }: { readonly type: string }): void => void seen.push(type);
    if (way === "addEventListener") {
      connection.addEventListener("message", listener);
      connection.addEventListener("error", listener);
      connection.addEventListener("close", listener);
    } else {
      connection.onmessage = connection.onerror = connection.onclose = listener;
    }
    await deliver("one");
    // No extension uses RSV2.
    peer.socket.write(Uint8Array.of(0xa1, 0));
    await ended();
    expect(seen).toEqual(["message", "error", "close"]);
  });

  test("removing it from one event keeps it for the others", async () => {
    const seen: string[] = [];
    const listener = ({ type }: { readonly type: string }): void => void seen.push(type);
    connection.addEventListener("message", listener);
    connection.addEventListener("close", listener);
    connection.removeEventListener("message", listener);
    await deliver("one");
    connection.close();
    await ended();
    expect(seen).toEqual(["close"]);
  });
});

test("a listener is not added twice for the same event", async () => {
  let calls = 0;
  const listener = (): void => void calls++;
  connection.addEventListener("message", listener);
  connection.addEventListener("message", listener, { once: true });
  await deliver("one");
  await deliver("two");
  expect(calls).toBe(2);
  connection.removeEventListener("message", listener);
  await deliver("three");
  expect(calls).toBe(2);
});

test("a property and a listener with the same function are independent", async () => {
  let calls = 0;
  const listener = (): void => void calls++;
  connection.onmessage = listener;
  connection.addEventListener("message", listener);
  await deliver("one");
  expect(calls).toBe(2);
  connection.removeEventListener("message", listener);
  await deliver("two");
  expect(calls).toBe(3);
  expect(connection.onmessage).toBe(listener);
  connection.addEventListener("message", listener);
  connection.onmessage = null;
  await deliver("three");
  expect(calls).toBe(4);
});

test("a property is null at first, and again after it is set to null", async () => {
  expect([connection.onmessage, connection.onclose, connection.onerror]).toEqual([null, null, null]);
  const seen: unknown[] = [];
  connection.onmessage = ({ data }) => seen.push(data);
  await deliver("one");
  connection.onmessage = null;
  await deliver("two");
  expect(connection.onmessage).toBeNull();
  connection.onmessage = ({ data }) => seen.push(data);
  Object.assign(connection, { onmessage: undefined });
  expect(connection.onmessage).toBeNull();
  await deliver("three");
  expect(seen).toEqual(["one"]);
  expect(() => Object.assign(connection, { onmessage: "log" })).toThrow(TypeError);
});

test("a new value of a property keeps its position among the listeners", async () => {
  const seen: string[] = [];
  connection.onmessage = () => seen.push("first");
  connection.addEventListener("message", () => seen.push("second"));
  connection.onmessage = () => seen.push("replaced");
  await deliver("one");
  expect(seen).toEqual(["replaced", "second"]);
});

test("removeAllListeners() removes them, too, and they can be added again", async () => {
  let calls = 0;
  const listener = (): void => void calls++;
  for (const name of ["message", undefined] as const) {
    connection.addEventListener("message", listener);
    connection.onmessage = listener;
    if (name === undefined) connection.removeAllListeners();
    else connection.removeAllListeners(name);
    expect(connection.onmessage).toBeNull();
    await deliver("unheard");
    expect(calls).toBe(0);
  }
  connection.addEventListener("message", listener);
  connection.onmessage = listener;
  await deliver("heard");
  expect(calls).toBe(2);
});

test("this and target are the connection; handleEvent of an object is looked up for each event", async () => {
  const seen: unknown[] = [];
  connection.addEventListener("message", function (event) {
    seen.push(this === connection, event.target === connection);
  });
  connection.onmessage = function ({ target }) {
    seen.push(this === connection, target === connection);
  };
  const object = {
    handleEvent({ data }: EventOf["message"]): void {
      seen.push(this === object, data);
    },
  };
  connection.addEventListener("message", object);
  connection.addEventListener("message", object);
  await deliver("one");
  expect(seen.splice(0)).toEqual([true, true, true, true, true, "one"]);
  object.handleEvent = () => seen.push("another");
  await deliver("two");
  expect(seen.splice(0)).toEqual([true, true, true, true, "another"]);
  connection.removeEventListener("message", object);
  await deliver("three");
  expect(seen).toEqual([true, true, true, true]);
});

test("once: for one event, even if the listener adds itself again", async () => {
  const seen: unknown[] = [];
  const listener = ({ data }: EventOf["message"]): void => {
    seen.push(data);
    if (data === "one") connection.addEventListener("message", listener, { once: true });
  };
  connection.addEventListener("message", listener, { once: true });
  for (const text of ["one", "two", "three"]) await deliver(text);
  expect(seen).toEqual(["one", "two"]);
});

test("a listener that another one removes is not called for the same event", async () => {
  const seen: string[] = [];
  const later = (): void => void seen.push("later");
  connection.addEventListener("message", () => connection.removeEventListener("message", later));
  connection.addEventListener("message", later);
  await deliver("one");
  expect(seen).toEqual([]);
});

describe("signal", () => {
  test("removes the listener when it aborts", async () => {
    const controller = new AbortController();
    const seen: unknown[] = [];
    connection.addEventListener("message", ({ data }) => seen.push(data), controller);
    await deliver("one");
    controller.abort();
    await deliver("two");
    expect(seen).toEqual(["one"]);
  });

  test("adds no listener if it has already aborted", async () => {
    const seen: unknown[] = [];
    connection.addEventListener("message", ({ data }) => seen.push(data), { signal: AbortSignal.abort() });
    await deliver("one");
    expect(seen).toEqual([]);
  });

  test("does not remove a listener that was added after its own was removed", async () => {
    const controller = new AbortController();
    const seen: unknown[] = [];
    const listener = ({ data }: EventOf["message"]): void => void seen.push(data);
    connection.addEventListener("message", listener, controller);
    connection.removeEventListener("message", listener);
    connection.addEventListener("message", listener);
    controller.abort();
    await deliver("one");
    expect(seen).toEqual(["one"]);
  });
});

test("null and unknown events are ignored, as in browsers; a listener of any other type is a TypeError", async () => {
  const names: string[] = ["open", "ping", "toString"];
  for (const name of names) {
    connection.addEventListener(name as "message", () => expect.unreachable());
    expect(connection.listenerCount(name as "message")).toBe(0);
  }
  connection.addEventListener("message", null);
  connection.removeEventListener("message", null);
  expect(() => connection.addEventListener("message", "log" as unknown as null)).toThrow(TypeError);
  peer.ping("not for listeners");
  await deliver("one");
});

test("messages wait for the first listener of this kind", async () => {
  peer.send("early");
  await sleep(50);
  const seen: unknown[] = [];
  connection.onmessage = ({ data }) => seen.push(data);
  await deliver("late");
  expect(seen).toEqual(["early", "late"]);
});

test("an error event has the error, its message and its code", async () => {
  const events: EventOf["error"][] = [];
  connection.onerror = (event) => events.push(event);
  peer.socket.write(Uint8Array.of(0xa1, 0));
  await ended();
  expect(events).toHaveLength(1);
  const [{ error, message }] = events as [EventOf["error"]];
  expect(error).toBeInstanceOf(WebSocketError);
  expect(error).toBe(connection.error);
  expect(message).toBe(error.message);
  expect(error.code).toBe("WS_ERR_UNEXPECTED_RSV_2_3");
});
