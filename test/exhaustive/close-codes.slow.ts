// All 65,536 close codes, sent and received, in both roles and on each layer.

import { test } from "vitest";
import { CORES, ROLES } from "../support/wire.ts";
import * as layer from "./support/close-codes.ts";
import { EVERY_CODE } from "./support/close-codes.ts";
import { withoutStacks } from "./support/stacks.ts";
import { withoutTimers } from "./support/timers.ts";

const TIMEOUT = 1_800_000;

withoutStacks();
withoutTimers();

for (const role of ROLES) {
  for (const core of CORES) {
    test(`${role}: a ${core} encoder sends only valid codes`, () => layer.encoded(role, core, EVERY_CODE), TIMEOUT);

    test(
      `${role}: a ${core} decoder accepts only valid codes, cut at every byte`,
      () => {
        const length = role === "server" ? 8 : 4;
        for (let at = 0; at <= length; at++) layer.decoded(role, core, EVERY_CODE, at);
      },
      TIMEOUT,
    );
  }

  test(`${role}: received by Protocol`, () => layer.received(role, EVERY_CODE), TIMEOUT);
  test(`${role}: received by Protocol as the answer`, () => layer.answered(role, EVERY_CODE), TIMEOUT);
  test(`${role}: sent by Protocol`, () => layer.sent(role, EVERY_CODE), TIMEOUT);
  test(`${role}: sent by a Connection of Node`, () => layer.sentByNode(role, EVERY_CODE), TIMEOUT);
  test(`${role}: received by a Connection of Node`, () => layer.receivedByNode(role, EVERY_CODE), TIMEOUT);
  test(`${role}: sent by a pair of streams`, () => layer.sentByStreams(role, EVERY_CODE), TIMEOUT);
  test(`${role}: received by a pair of streams`, () => layer.receivedByStreams(role, EVERY_CODE), TIMEOUT);
}
