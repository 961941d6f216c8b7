// Runs all peers of this process on all streams, and checks the page that shows the result.

import { describe, expect, test } from "vitest";
import { everything, OTHERS, OURS } from "./peers/all.ts";
import { arrivals, findingsOf, type Results, runPeer, unneededRows } from "./peers/check.ts";
import { random } from "./peers/corpus.ts";
import { expectPublished } from "./published.ts";
import { byRule } from "./peers/verdict.ts";

const all = everything(1, 300);

describe.each([...OURS, ...OTHERS].map((peer) => [peer.name, peer] as const))("%s", (name, peer) => {
  let results: Promise<Results> | undefined;
  const run = () => (results ??= runPeer(peer, all));

  test("has no unexplained differences", { timeout: 600_000 }, async () => {
    expect(findingsOf(peer, await run())).toEqual([]);
  });

  test("needs every row", { timeout: 600_000 }, async () => {
    expect(unneededRows(peer, await run()).map(({ says }) => says)).toEqual([]);
  });

  test("docs/reliability.md shows the result", { timeout: 600_000 }, async () => {
    expectPublished(OURS.includes(peer) ? "wsframe" : name, byRule(await run()));
  });

  test("random streams", { timeout: 600_000 }, async () => {
    for (let seed = 1000; seed < 1003; seed++) {
      expect(findingsOf(peer, await runPeer(peer, arrivals(random(seed, 150), seed)))).toEqual([]);
    }
  });
});
