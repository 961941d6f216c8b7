// Short runs of the fuzzer, the same each time. `npm run fuzz -- deflate` runs longer.

import { expect, test } from "vitest";
import { runArrival } from "../fuzz/compression/arrivals.ts";
import { nodeOracle } from "../fuzz/deflate/node-oracle.ts";
import { type Counts, runRound } from "../fuzz/deflate/rounds.ts";
import { WatchedCore } from "../fuzz/deflate/watched-core.ts";

test("the core agrees with zlib on inflating, compressing and refusing, cut anywhere, in changing slots", () => {
  const total: Counts = { inflated: 0, deflated: 0, corrupted: 0, understood: 0, tooFar: 0 };
  const core = new WatchedCore({ checked: false });
  for (let seed = 1; seed <= 1; seed++) {
    const counts = runRound(seed, { core, oracle: nodeOracle, size: 60 });
    for (const key of Object.keys(counts) as (keyof Counts)[]) total[key] += counts[key];
  }
  expect(total.inflated).toBeGreaterThan(60);
  expect(total.deflated).toBeGreaterThan(110);
  expect(total.corrupted).toBeGreaterThan(290);
  // Valid messages must be about as frequent as invalid ones.
  expect(total.understood / total.corrupted).toBeGreaterThan(0.3);
  expect(total.understood / total.corrupted).toBeLessThan(0.8);
});

test("the result of invalid messages does not depend on how they arrive", () => {
  const codes = Array.from({ length: 100 }, (_, i) => runArrival(i));
  for (const code of [
    undefined,
    "WS_ERR_INVALID_UTF8",
    "WS_ERR_INVALID_COMPRESSED_DATA",
    "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
    "WS_ERR_INFLATE_RATIO",
  ]) {
    expect(codes.filter((each) => each === code).length, code).toBeGreaterThan(1);
  }
});
