// Longer runs of the fuzzer, also with a check of each load and store of the core, and tests of that check.

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
  test("the core agrees with zlib", () => {
    const core = new WatchedCore({ checked });
    let messages = 0;
    for (let seed = 1000; seed < 1020; seed++) {
      const { inflated, deflated, corrupted } = runRound(seed, { core, oracle: nodeOracle, size: 50 });
      messages += inflated + deflated + corrupted;
    }
    expect(messages).toBeGreaterThan(8000);
  });
});

test("the messages of many busy connections arrive unchanged", () => {
  let messages = 0;
  for (let seed = 1000; seed < 1020; seed++) messages += runConnections(seed, { steps: 4000 });
  expect(messages).toBeGreaterThan(10_000);
});

test("the result of invalid messages does not depend on how they arrive", () => {
  for (let seed = 1000; seed < 6000; seed++) runArrival(seed);
});

describe("the check of loads and stores", () => {
  /** A slot in which to inflate "abc", with room for `room` bytes. */
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

  test.each([false, true])("reports nothing for a correct call, checked: %s", (checked) => {
    const { core, slot, inEnd } = prepared(checked, 1000);
    core.inflate(slot, inEnd, 0);
    expect(Buffer.from(core.bytes.subarray(slot + INFLATE_WINDOW, slot + INFLATE_WINDOW + 3)).toString()).toBe("abc");
  });

  // An end of the output before its start is a very large number when unsigned.
  test("reports a store that is not allowed", () => {
    const { core, slot, inEnd } = prepared(false, -1);
    expect(() => core.inflate(slot, inEnd, 0)).toThrow(Stray);
  });

  test("reports it before it happens, if checked", () => {
    const { core, slot, inEnd } = prepared(true, -1);
    expect(() => core.inflate(slot, inEnd, 0)).toThrow(OutOfBounds);
  });
});
