// The memory of a connection between messages.

import { describe, expect, test } from "vitest";
import { DEFLATE_BUCKET_SIZE, DEFLATE_STATE_SIZE } from "../../assembly/deflate/memory.ts";
import { HistoryWindow } from "../../src/deflate/codec/window.ts";
import { Random } from "../support/random.ts";
import { json } from "./support/messages.ts";
import { evict } from "./support/evict.ts";
import { KINDS } from "./support/kinds.ts";
import { open, parameters, receive, send } from "./support/session.ts";

test("a window holds the last bytes, and no more memory than its size", () => {
  const random = new Random(1);
  for (let round = 0; round < 300; round++) {
    const size = random.pick([0, 1, 100, 256, 512, 1000, 4096, 32768]);
    const window = new HistoryWindow();
    let all: Uint8Array = new Uint8Array(0);
    for (let i = 0; i < 20; i++) {
      const added = random.bytes(random.integer(0, random.pick([1, 10, 300, 3000, 40_000])) % (2 * size + 10));
      window.push(added, size);
      all = Buffer.concat([all, added]);
      const expected = size === 0 ? all.subarray(0, 0) : all.subarray(-size);
      expect(Buffer.compare(window.last(size), expected)).toBe(0);
      const some = random.integer(1, 100);
      expect(window.last(some).length).toBe(Math.min(some, expected.length));
      expect(window.capacity).toBeLessThanOrEqual(Math.max(0, Math.min(size, Math.max(512, 2 * all.length))));
    }
    window.clear();
    expect([window.capacity, window.last(1).length]).toEqual([0, 0]);
  }
});

test("a window copies the bytes it keeps", () => {
  const window = new HistoryWindow();
  const bytes = Uint8Array.of(1, 2, 3);
  window.push(bytes, 100);
  bytes.fill(0);
  expect(window.last(100)).toEqual(Uint8Array.of(1, 2, 3));
});

/** The memory of a sender's context in the core: a window, and a table with 16 bytes for each 8 of its history. */
function context(window: number): number {
  const buckets = Math.max(64, window / 8);
  return DEFLATE_STATE_SIZE + DEFLATE_BUCKET_SIZE * buckets + window;
}

describe.each(KINDS)("memory of a connection, %s", (kind, { open }) => {
  const random = new Random(2);

  test("is zero before the first compressed message", () => {
    const [sender, receiver] = [open("server"), open("client")];
    send(sender, json(random, 5000), false);
    evict();
    expect([sender.held, receiver.held]).toEqual([0, 0]);
  });

  test("is about as much as was sent, up to history and the window", () => {
    const sender = open("server", [], { history: 4096 });
    const receiver = open("client");
    const held: [number, number][] = [];
    for (let i = 0; i < 60; i++) {
      expect(receive(receiver, send(sender, json(random, 1000))!).length).toBeGreaterThan(999);
      if (i === 0 || i === 59) evict();
      held.push([sender.held, receiver.held]);
    }
    const [first, last] = kind === "core" ? [context(2048), context(4096)] : [2048, 4096];
    expect(held[0]).toEqual([first, 2048]);
    expect(held[59]).toEqual([last, 32768]);
  });

  test("is up to the window after a message long enough to use it", () => {
    const sender = open("server");
    send(sender, json(random, 100_000));
    evict();
    expect(sender.held).toBe(kind === "core" ? context(32768) : 32768);
  });

  test("is at most the agreed windows", () => {
    const agreed = parameters("server_max_window_bits=9; client_max_window_bits=10");
    const [server, client] = [open("server", agreed), open("client", agreed)];
    for (let i = 0; i < 5; i++) {
      receive(client, send(server, json(random, 3000))!);
      receive(server, send(client, json(random, 3000))!);
    }
    evict();
    const [ofServer, ofClient] = kind === "core" ? [context(512), context(1024)] : [512, 1024];
    expect([server.held, client.held]).toEqual([ofServer + 1024, ofClient + 512]);
  });

  test("is zero without context takeover", () => {
    const agreed = parameters("server_no_context_takeover; client_no_context_takeover");
    const [server, client] = [open("server", agreed), open("client", agreed)];
    receive(client, send(server, json(random, 3000))!);
    receive(server, send(client, json(random, 3000))!);
    evict();
    expect([server.held, client.held]).toEqual([0, 0]);
  });

  test("is zero for sent data if this side chooses no context takeover", () => {
    const session = open("server", [], { serverNoContextTakeover: true });
    send(session, json(random, 3000));
    evict();
    expect(session.held).toBe(0);
  });

  test("is zero for sent data after release(), and unchanged for received data", () => {
    const [server, client] = [open("server"), open("client")];
    for (let i = 0; i < 10; i++) receive(client, send(server, json(random, 10_000))!);
    server.release();
    client.release();
    evict();
    expect([server.held, client.held]).toEqual([0, 32768]);
    // The peer can still use its full window.
    const message = json(random, 10_000);
    expect(receive(client, send(server, message)!)).toEqual(message);
  });

  test("is zero after end()", () => {
    const [server, client] = [open("server"), open("client")];
    receive(client, send(server, json(random, 10_000))!);
    evict();
    expect(server.held + client.held).toBeGreaterThan(0);
    server.end();
    client.end();
    expect([server.held, client.held]).toEqual([0, 0]);
  });
});

test("is only in the core while the connection is among the last 32 that worked", () => {
  const random = new Random(3);
  const [server, client] = [open("server"), open("client")];
  receive(client, send(server, json(random, 10_000))!);
  evict(31);
  expect([server.held, client.held]).toEqual([0, 0]);
  evict();
  expect([server.held, client.held]).toEqual([context(16384), 16384]);
  receive(client, send(server, json(random, 10))!);
  // The arrays are kept for the next time.
  expect([server.held, client.held]).toEqual([context(16384), 16384]);
});
