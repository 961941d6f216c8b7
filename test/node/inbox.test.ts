import { expect, test } from "vitest";
import { Inbox } from "../../src/node/inbox.ts";
import { Random } from "../support/random.ts";

test("first in, first out, in any sequence, and the size is counted", () => {
  const inbox = new Inbox();
  const model: (string | Uint8Array)[] = [];
  const random = new Random(1);
  for (let i = 0; i < 50_000; i++) {
    // The inbox grows to several thousand messages, shrinks, and is sometimes empty.
    if (random.chance(i % 10_000 < 5000 ? 0.6 : 0.35)) {
      const message = i % 3 === 0 ? new Uint8Array(i % 7) : "x".repeat(i % 5);
      inbox.push(message);
      model.push(message);
    } else {
      expect(inbox.shift()).toBe(model.shift());
    }
    expect(inbox.isEmpty).toBe(model.length === 0);
    if (i % 1000 === 0) expect(inbox.bytes).toBe(model.reduce((sum, { length }) => sum + length + 64, 0));
  }
  while (model.length > 0) expect(inbox.shift()).toBe(model.shift());
  expect([inbox.isEmpty, inbox.bytes, inbox.shift()]).toEqual([true, 0, undefined]);
});

test("takes a million waiting messages in linear time", () => {
  const inbox = new Inbox();
  for (let i = 0; i < 1_000_000; i++) inbox.push("");
  const begin = performance.now();
  for (let i = 0; i < 1_000_000; i++) inbox.shift();
  // With Array.shift() it would take minutes.
  expect(performance.now() - begin).toBeLessThan(2000);
});
