import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { runSeed } from "./fuzz/differential.ts";

const PARTS = 10;
const FRAMES = 40_000;

for (let part = 0; part < PARTS; part++) {
  const firstSeed = 2_000_000 + part * 1_000_000;
  test(`the fuzzer finds nothing in ${FRAMES} frames from seed ${firstSeed} on`, { timeout: 600_000 }, async () => {
    let frames = 0;
    let againstWs = 0;
    for (let seed = firstSeed; frames < FRAMES; seed++) {
      const result = runSeed(seed);
      expect(result.finding).toBeUndefined();
      frames += result.frames;
      if (result.comparedWithWs) againstWs++;
      // A task must end now and then: what WeakRefs refer to is kept until it does.
      if (seed % 256 === 0) await setImmediate();
    }
    expect(againstWs).toBeGreaterThan(300);
  });
}
