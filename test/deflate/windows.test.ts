// What a connection holds between messages.

import { describe, expect, test } from "vitest";
import { HistoryWindow } from "../../src/deflate/window.ts";
import { Random } from "../support/random.ts";
import { json } from "./support/messages.ts";
import { open, parameters, receive, send } from "./support/session.ts";

test("a window holds the last bytes that went by, and no more memory than its size", () => {
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

test("a window copies what it keeps", () => {
  const window = new HistoryWindow();
  const bytes = Uint8Array.of(1, 2, 3);
  window.push(bytes, 100);
  bytes.fill(0);
  expect(window.last(100)).toEqual(Uint8Array.of(1, 2, 3));
});

describe("held by a connection", () => {
  const random = new Random(2);

  test("nothing before the first compressed message", () => {
    const session = open("server");
    send(session, json(random, 5000), false);
    expect(session.held).toBe(0);
  });

  test("about as much as has gone by, up to history and the window", () => {
    const sender = open("server");
    const receiver = open("client");
    const held: [number, number][] = [];
    for (let i = 0; i < 60; i++) {
      expect(receive(receiver, send(sender, json(random, 1000))!).length).toBeGreaterThan(999);
      held.push([sender.held, receiver.held]);
    }
    expect(held[0]).toEqual([2048, 2048]);
    expect(held[59]).toEqual([4096, 32768]);
  });

  test("up to the window once a message was long enough to make use of it", () => {
    const sender = open("server");
    send(sender, json(random, 100_000));
    expect(sender.held).toBe(32768);
  });

  test("no more than the windows that were agreed on", () => {
    const agreed = parameters("server_max_window_bits=9; client_max_window_bits=10");
    const [server, client] = [open("server", agreed), open("client", agreed)];
    for (let i = 0; i < 5; i++) {
      receive(client, send(server, json(random, 3000))!);
      receive(server, send(client, json(random, 3000))!);
    }
    expect([server.held, client.held]).toEqual([512 + 1024, 512 + 1024]);
  });

  test("nothing without context takeover", () => {
    const agreed = parameters("server_no_context_takeover; client_no_context_takeover");
    const [server, client] = [open("server", agreed), open("client", agreed)];
    receive(client, send(server, json(random, 3000))!);
    receive(server, send(client, json(random, 3000))!);
    expect([server.held, client.held]).toEqual([0, 0]);
  });

  test("nothing of what is sent, if that is this side's own choice", () => {
    const session = open("server", [], { serverNoContextTakeover: true });
    send(session, json(random, 3000));
    expect(session.held).toBe(0);
  });
});
