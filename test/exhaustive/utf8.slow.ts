// Every string of up to three bytes, and every string of four bytes from the ends of each class, on both cores and cut at every
// place: in a text frame in chunks, in a text of several frames, and in the reason of a Close.
//
// The portable core takes ten times as long. It gets all strings of three bytes only with EXHAUSTIVE=1 in the environment;
// otherwise those that begin with an end of a class.

import { expect, test } from "vitest";
import { CORES } from "../support/wire.ts";
import { CoreText } from "./support/core-text.ts";
import { checkAllCuts } from "./support/decoder-text.ts";
import { withoutStacks } from "./support/stacks.ts";
import { EDGES, EVERY_BYTE, strings, wrongAt, wrongForReference } from "./support/utf8.ts";

const TIMEOUT = 1_800_000;

withoutStacks();

function assertRight(wrong: string | undefined): void {
  if (wrong !== undefined) expect.fail(wrong);
}

test(
  "the reference decoder accepts the same UTF-8 as V8",
  () => {
    for (const text of strings(2, EVERY_BYTE)) assertSame(text);
    for (const text of strings(4, EDGES)) assertSame(text);
  },
  TIMEOUT,
);

function assertSame(text: Uint8Array): void {
  if (wrongAt(text) !== wrongForReference(text)) expect.fail(Buffer.from(text).toString("hex"));
}

for (const name of CORES) {
  test(
    `the ${name} core: every string of up to three bytes`,
    () => {
      const core = new CoreText(name);
      const leads = name === "wasm" || process.env["EXHAUSTIVE"] === "1" ? EVERY_BYTE : EDGES;
      let count = 0;
      for (const length of [1, 2]) {
        for (const text of strings(length, EVERY_BYTE)) assertRight(core.check(text));
      }
      const text = new Uint8Array(3);
      for (const lead of leads) {
        text[0] = lead;
        for (const rest of strings(2, EVERY_BYTE)) {
          text.set(rest, 1);
          assertRight(core.check(text));
          count++;
        }
      }
      expect(count).toBe(leads.length * 65_536);
      console.log(`${name}: ${count + 65_792} strings in ${core.runs} ways`);
    },
    TIMEOUT,
  );

  test(
    `the ${name} core: every string of four bytes from the ends of each class`,
    () => {
      const core = new CoreText(name);
      for (const text of strings(4, EDGES)) assertRight(core.check(text));
      console.log(`${name}: ${EDGES.length ** 4} strings in ${core.runs} ways`);
    },
    TIMEOUT,
  );

  test(
    `a decoder on the ${name} core: every string of two bytes, and of three from the ends of each class`,
    () => {
      for (const text of strings(2, EVERY_BYTE)) assertRight(checkAllCuts(name, text));
      for (const text of strings(3, EDGES)) assertRight(checkAllCuts(name, text));
    },
    TIMEOUT,
  );
}

test(
  "the vectors of the WASM core: every string of up to three bytes, inside one and across two",
  () => {
    const core = new CoreText("wasm");
    for (const length of [1, 2, 3]) {
      for (const text of strings(length, EVERY_BYTE)) {
        for (const before of [5, 14, 15]) assertRight(core.checkInside(text, before, 40));
      }
    }
    console.log(`vectors: ${core.runs} texts`);
  },
  TIMEOUT,
);

test(
  "the vectors of the WASM core: every string of four bytes from the ends of each class, at every place of one",
  () => {
    const core = new CoreText("wasm");
    for (const text of strings(4, EDGES)) {
      for (let before = 0; before <= 16; before++) assertRight(core.checkInside(text, before, 40));
    }
    console.log(`vectors: ${core.runs} texts`);
  },
  TIMEOUT,
);
