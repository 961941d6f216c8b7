// Checks the first two bytes of a frame against the reference decoder, in both roles and on both cores, after any frames and
// with any RSV bits owned. If the first byte decides alone, three second bytes must do; first-bytes.slow.ts has them all.

import { expect, test } from "vitest";
import { CORES, ROLES } from "../support/wire.ts";
import { expectedVerdict, isPossible, STATES, Subject } from "./support/first-bytes.ts";
import { withoutStacks } from "./support/stacks.ts";
import { EVERY_BYTE } from "./support/utf8.ts";

const SOME_BYTES = [0, 0x7e, 0xff];

withoutStacks();

for (const role of ROLES) {
  for (const state of Object.keys(STATES)) {
    test(`role ${role}, ${state}`, () => {
      let accepted = 0;
      for (const rsv of [0, 4, 7]) {
        if (!isPossible(state, rsv)) continue;
        const setting = { role, rsv, state };
        const subjects = CORES.map((core) => new Subject(setting, core));
        const check = (...bytes: number[]): string => {
          const stream = Uint8Array.from(bytes);
          const expected = expectedVerdict(setting, stream);
          for (const subject of subjects) {
            const found = subject.verdict(stream);
            if (found !== expected) expect.fail(`rsv ${rsv}, ${bytes}: expected ${expected}, got ${found}`);
          }
          return expected;
        };
        for (const first of EVERY_BYTE) {
          const decided = check(first).includes("WS_ERR_") || state === "after a Close";
          for (const second of decided ? SOME_BYTES : EVERY_BYTE) {
            if (!check(first, second).includes("WS_ERR_")) accepted++;
          }
        }
      }
      // Half of the second bytes have the wrong MASK bit.
      expect(accepted).toBeGreaterThan(500);
    });
  }
}
