// Our Close, the peer's, a broken rule, the end of the peer's stream and a reset, in every order. Checks the events, that
// "close" comes once and last, its code, and the written frames against a table (support/endings.ts). endings.slow.ts has
// longer sequences, spread over turns in every way.

import { test } from "vitest";
import { ROLES } from "../support/wire.ts";
import { ACTIONS, ENDS, interleavings, sequences } from "./support/endings.ts";
import { checkNode } from "./support/endings-node.ts";
import { checkProtocol, CHUNKINGS } from "./support/endings-protocol.ts";
import { checkStreams } from "./support/endings-streams.ts";
import { withoutTimers } from "./support/timers.ts";

withoutTimers();

/** All actions in one turn, or each in a turn of its own. */
const TURNS = [0, ~0];

for (const role of ROLES) {
  test(`Protocol, ${role}: every sequence of up to three`, () => {
    for (const chunking of CHUNKINGS) {
      for (const length of [0, 1, 2, 3]) {
        for (const actions of sequences(ACTIONS, length)) checkProtocol(role, actions, chunking);
      }
    }
  });

  for (const consumer of ["listener", "loop"] as const) {
    test(`a Connection of Node, ${role}, ${consumer}: every interleaving`, async () => {
      const cases = interleavings(ENDS).flatMap((actions) => TURNS.map((turns) => ({ actions, turns })));
      const same = { role, consumer, messages: true, writing: "at once" } as const;
      await Promise.all(cases.map((one) => checkNode({ ...one, ...same })));
    });
  }

  test(`a pair of streams, ${role}: every interleaving of up to three`, async () => {
    const cases = interleavings(ENDS, 3).flatMap((actions) => TURNS.map((turns) => ({ actions, turns })));
    await Promise.all(cases.map((one) => checkStreams({ ...one, role, messages: true })));
  });
}
