// Longer runs of the fuzzer, also with a check of each load and store of the core; and what it is that would be seen.

import { describe, expect, test } from "vitest";
import {
  INFLATE_BASE,
  INFLATE_IN,
  INFLATE_OUT,
  INFLATE_OUT_END,
  INFLATE_REACH,
  INFLATE_SLOTS,
  INFLATE_STATE_SIZE,
  INFLATE_WINDOW,
  INPUT,
} from "../../assembly/deflate/memory.ts";
import { OutOfBounds } from "../fuzz/deflate/checked.ts";
import { runArrival } from "../fuzz/compression/arrivals.ts";
import { runConnections } from "../fuzz/compression/connections.ts";
import { nodeOracle } from "../fuzz/deflate/node-oracle.ts";
import { runRound } from "../fuzz/deflate/rounds.ts";
import { Stray, WatchedCore } from "../fuzz/deflate/watched-core.ts";

describe.each([false, true])("with loads and stores checked: %s", (checked) => {
  test("the core is right by zlib", () => {
    const core = new WatchedCore({ checked });
    let messages = 0;
    for (let seed = 1000; seed < 1020; seed++) {
      const { inflated, deflated, corrupted } = runRound(seed, { core, oracle: nodeOracle, size: 50 });
      messages += inflated + deflated + corrupted;
    }
    expect(messages).toBeGreaterThan(8000);
  });
});

test("between many connections, what arrives is what was sent", () => {
  let messages = 0;
  for (let seed = 1000; seed < 1020; seed++) messages += runConnections(seed, { steps: 4000 });
  expect(messages).toBeGreaterThan(10_000);
});

test("what comes of messages that are wrong, too long or no text is the same, however they arrive", () => {
  for (let seed = 1000; seed < 6000; seed++) runArrival(seed);
});

describe("what watches the core", () => {
  /** A slot in which "abc" is to be inflated, with room for so much. */
  function prepared(checked: boolean, room: number): { core: WatchedCore; slot: number; inEnd: number } {
    const core = new WatchedCore({ checked });
    const slot = INFLATE_SLOTS;
    const input = Buffer.from("4a4c4a0600", "hex");
    core.bytes.fill(0, slot, slot + INFLATE_STATE_SIZE);
    core.bytes.set(input, INPUT);
    core.setU32(slot + INFLATE_IN, INPUT);
    core.setU32(slot + INFLATE_REACH, 32768);
    for (const field of [INFLATE_BASE, INFLATE_OUT]) core.setU32(slot + field, slot + INFLATE_WINDOW);
    core.setU32(slot + INFLATE_OUT_END, slot + INFLATE_WINDOW + room);
    return { core, slot, inEnd: INPUT + input.length };
  }

  test.each([false, true])("finds nothing where nothing is wrong, checked: %s", (checked) => {
    const { core, slot, inEnd } = prepared(checked, 1000);
    core.inflate(slot, inEnd, 0);
    expect(Buffer.from(core.bytes.subarray(slot + INFLATE_WINDOW, slot + INFLATE_WINDOW + 3)).toString()).toBe("abc");
  });

  // A place for output that ends before it begins, as an unsigned number is a very large one.
  test("sees a store that it must not make", () => {
    const { core, slot, inEnd } = prepared(false, -1);
    expect(() => core.inflate(slot, inEnd, 0)).toThrow(Stray);
  });

  test("sees it before it happens, checked", () => {
    const { core, slot, inEnd } = prepared(true, -1);
    expect(() => core.inflate(slot, inEnd, 0)).toThrow(OutOfBounds);
  });
});
