// Runs Python's wsproto and websockets on the same bytes as the reference decoder.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { everything } from "../reference/peers/all.ts";
import { arrivals, findingsOf, type Results, runPeer, unneededRows } from "../reference/peers/check.ts";
import { random } from "../reference/peers/corpus.ts";
import type { Peer } from "../reference/peers/peer.ts";
import { pythonPeer } from "../reference/peers/python.ts";
import { byRule } from "../reference/peers/verdict.ts";
import { expectPublished } from "../reference/published.ts";
import { pythonWith } from "./support.ts";

describe.each([
  ["wsproto", "python3-wsproto"],
  ["websockets", "python3-websockets"],
] as const)("%s", (library, debianPackage) => {
  describe.skipIf(pythonWith(library, debianPackage) === undefined)("is installed", () => {
    let peer: Peer;
    let results: Results;
    beforeAll(async () => {
      peer = (await pythonPeer(library))!;
      results = await runPeer(peer, everything(1, 300));
    }, 600_000);
    afterAll(() => peer?.stop?.());

    test("has no unexplained differences", { timeout: 600_000 }, () => {
      expect(findingsOf(peer, results)).toEqual([]);
    });

    test("needs every row", { timeout: 600_000 }, () => {
      expect(unneededRows(peer, results).map(({ says }) => says)).toEqual([]);
    });

    test("docs/reliability.md shows the result", () => {
      expectPublished(library, byRule(results));
    });

    test("random streams", { timeout: 600_000 }, async () => {
      for (let seed = 1000; seed < 1003; seed++) {
        expect(findingsOf(peer, await runPeer(peer, arrivals(random(seed, 150), seed)))).toEqual([]);
      }
    });
  });
});
