// Checks all 65,536 pairs of first bytes against the reference decoder: in both roles, on both cores, after any frames, with
// any RSV bits owned, in one chunk and in two. Also checks every first byte after every other.

import { expect, test } from "vitest";
import { concat, serialize } from "../reference/serialize.ts";
import { CORES, ROLES } from "../support/wire.ts";
import { expectedVerdict, isPossible, RSVS, type Setting, STATES, Subject } from "./support/first-bytes.ts";
import { withoutStacks } from "./support/stacks.ts";
import { EVERY_BYTE } from "./support/utf8.ts";

const TIMEOUT = 1_800_000;
const RELAXED = { allowUnmasked: true, allowMasked: true, allowInvalidClose: true };

withoutStacks();

function assertVerdict(setting: Setting, found: string, expected: string, bytes: Uint8Array): void {
  if (found !== expected) {
    expect.fail(
      `${JSON.stringify(setting)}, ${Buffer.from(bytes).toString("hex")}: expected ${expected}, got ${found}`,
    );
  }
}

for (const role of ROLES) {
  for (const state of Object.keys(STATES)) {
    test(
      `role ${role}, ${state}: every pair`,
      () => {
        let runs = 0;
        for (const rsv of RSVS.filter((bits) => isPossible(state, bits))) {
          for (const relaxed of [undefined, RELAXED]) {
            const setting = { role, rsv, state, ...(relaxed && { relaxed }) };
            const subjects = CORES.map((core) => new Subject(setting, core));
            const bytes = new Uint8Array(2);
            for (const first of EVERY_BYTE) {
              bytes[0] = first;
              const one = bytes.subarray(0, 1);
              const alone = expectedVerdict(setting, one);
              for (const subject of subjects) assertVerdict(setting, subject.verdict(one), alone, one);
              for (const second of EVERY_BYTE) {
                bytes[1] = second;
                const expected = expectedVerdict(setting, bytes);
                for (const subject of subjects) {
                  runs++;
                  assertVerdict(setting, subject.verdict(bytes), expected, bytes);
                  // If the first byte is refused, nothing reads the second.
                  if (alone !== "" || relaxed) continue;
                  runs++;
                  assertVerdict(setting, subject.verdict(one, bytes.subarray(1)), expected, bytes);
                }
              }
            }
          }
        }
        console.log(`role ${role}, ${state}: ${runs} streams`);
      },
      TIMEOUT,
    );
  }

  test(
    `role ${role}: every first byte after a frame with every first byte`,
    () => {
      let runs = 0;
      const maskKey = role === "server" ? [1, 2, 3, 4] : undefined;
      for (const state of Object.keys(STATES)) {
        for (const rsv of [0, 4, 7].filter((bits) => isPossible(state, bits))) {
          const setting = { role, rsv, state };
          const subjects = CORES.map((core) => new Subject(setting, core));
          for (const first of EVERY_BYTE) {
            const frame = serialize({ opcode: first & 15, rsv: (first >> 4) & 7, fin: first >= 128, maskKey });
            if (expectedVerdict(setting, frame).includes("WS_ERR_")) continue;
            for (const second of EVERY_BYTE) {
              const bytes = concat([frame, Uint8Array.of(second)]);
              const expected = expectedVerdict(setting, bytes);
              for (const subject of subjects) {
                runs++;
                assertVerdict(setting, subject.verdict(bytes), expected, bytes);
              }
            }
          }
        }
      }
      console.log(`role ${role}, two frames: ${runs} streams`);
    },
    TIMEOUT,
  );
}
