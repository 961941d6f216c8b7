// Close codes, sent and received, in both roles and on each layer. Encoders, and a decoder on the WASM core, get all 65,536.
// The others get those around the ends of each range, and some in between; close-codes.slow.ts has them all.

import { expect, test } from "vitest";
import { Protocol } from "../../src/index.ts";
import { ROLES } from "../support/wire.ts";
import * as layer from "./support/close-codes.ts";
import { EVERY_CODE, SOME, VALID } from "./support/close-codes.ts";
import { withoutStacks } from "./support/stacks.ts";
import { withoutTimers } from "./support/timers.ts";

withoutStacks();
withoutTimers();

test("2,012 codes may be sent", () => {
  expect(VALID).toHaveLength(2012);
});

for (const role of ROLES) {
  const core = role === "server" ? "wasm" : "portable";

  test(`${role}: an encoder sends only valid codes`, () => layer.encoded(role, core, EVERY_CODE));

  // Cut before the second byte of the code.
  const at = role === "server" ? 7 : 3;
  test(`${role}: a decoder accepts only valid codes`, () =>
    layer.decoded(role, core, core === "wasm" ? EVERY_CODE : SOME, at));

  test(`${role}: Protocol`, () => {
    layer.received(role, SOME);
    layer.answered(role, SOME);
    layer.sent(role, SOME);
  });

  test(`${role}: Protocol refuses values that are not codes`, () => {
    const protocol = new Protocol({ role });
    for (const code of [65_536, 66_536, 1000.5, -1, -1000, Number.NaN, Infinity, "1000", null, {}]) {
      expect(() => protocol.close(code as number)).toThrow(RangeError);
    }
    expect(protocol.state).toBe("open");
    expect(protocol.take()).toEqual([]);
  });

  test(`${role}: a Connection of Node`, async () => {
    await layer.sentByNode(role, SOME);
    await layer.receivedByNode(role, SOME);
  });

  test(`${role}: a pair of streams`, async () => {
    await layer.sentByStreams(role, SOME);
    await layer.receivedByStreams(role, SOME);
  });
}
