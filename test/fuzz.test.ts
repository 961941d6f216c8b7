import { expect, test } from "vitest";
import { runSeed } from "./fuzz/differential.ts";

test("the fuzzer finds nothing in a short run", () => {
  let frames = 0;
  let againstWs = 0;
  for (let seed = 1_000_000; frames < 10_000; seed++) {
    const result = runSeed(seed);
    expect(result.finding).toBeUndefined();
    frames += result.frames;
    if (result.comparedWithWs) againstWs++;
  }
  expect(againstWs).toBeGreaterThan(75);
});
