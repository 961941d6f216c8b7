// Our Close, the peer's, a broken rule, the end of the peer's stream and a reset: every interleaving of every choice,
// spread
// over turns of the event loop in every way, with and without messages. For Protocol, every sequence of up to six.

import { test } from "vitest";
import { ROLES } from "../support/wire.ts";
import { ACTIONS, CONSUMERS, type End, ENDS, interleavings, sequences } from "./support/endings.ts";
import { checkNode } from "./support/endings-node.ts";
import { checkProtocol, CHUNKINGS } from "./support/endings-protocol.ts";
import { checkStreams } from "./support/endings-streams.ts";
import { withoutTimers } from "./support/timers.ts";

withoutTimers();

const TIMEOUT = 1_800_000;
/** The number of connections that share turns. */
const TOGETHER = 512;

interface Order {
  readonly actions: readonly End[];
  readonly turns: number;
}

const orders: readonly Order[] = interleavings(ENDS).flatMap((actions) =>
  Array.from({ length: 1 << Math.max(0, actions.length - 1) }, (_, turns) => ({ actions, turns })),
);

async function forEach(check: (order: Order) => Promise<void>): Promise<void> {
  for (let at = 0; at < orders.length; at += TOGETHER) await Promise.all(orders.slice(at, at + TOGETHER).map(check));
}

for (const role of ROLES) {
  for (const chunking of CHUNKINGS) {
    test(
      `Protocol, ${role}, ${chunking}, ends as in the table after every sequence of up to six`,
      () => {
        for (let length = 0; length <= 6; length++) {
          for (const actions of sequences(ACTIONS, length)) checkProtocol(role, actions, chunking);
        }
      },
      TIMEOUT,
    );
  }

  for (const consumer of CONSUMERS) {
    for (const writing of ["at once", "later"] as const) {
      test(
        `a Connection of Node, ${role}, ${consumer}, which writes ${writing}, ends as in the table after ${orders.length} orders`,
        async () => {
          for (const messages of [true, false]) {
            await forEach((order) => checkNode({ ...order, role, consumer, messages, writing }));
          }
        },
        TIMEOUT,
      );
    }
  }

  test(
    `a pair of streams, ${role}, ends as in the table after ${orders.length} orders`,
    async () => {
      for (const messages of [true, false]) await forEach((order) => checkStreams({ ...order, role, messages }));
    },
    TIMEOUT,
  );
}
