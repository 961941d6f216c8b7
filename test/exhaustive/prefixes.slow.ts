// Recorded connections that end early: after each byte of the first 16 KiB, and after each byte of each later header. Earlier
// messages are delivered, and the ending is correct.

import { expect, test } from "vitest";
import { CORES } from "../support/wire.ts";
import { checkByteByByte, checkDecode, checkNode, checkProtocol, checkPush, recordings } from "./support/prefixes.ts";
import { withoutTimers } from "./support/timers.ts";

withoutTimers();

const TIMEOUT = 1_800_000;
const ALL = 16_384;
/** For slower tests: each byte and each header up to here. */
const SOME = 2048;

test("there are twelve recordings, in both directions", () => {
  expect(recordings()).toHaveLength(24);
});

for (const recording of recordings()) {
  const lengths = recording.lengths(ALL);
  const { name } = recording;

  for (const core of CORES) {
    // The portable core takes ten times as long. It gets the beginning of a long stream, and the whole stream byte by byte.
    const few = core === "wasm" ? lengths : lengths.filter((length) => length <= ALL);

    test(
      `${name}, ${core} core: the frames`,
      () => {
        for (const length of few) checkPush(recording, core, length);
        checkByteByByte(recording, core, Infinity);
        console.log(`${name}, ${core} core: ${few.length} lengths`);
      },
      TIMEOUT,
    );

    test(
      `${name}, ${core} core: the messages`,
      () => {
        for (const length of few) checkProtocol(recording, core, length);
      },
      TIMEOUT,
    );
  }

  test(
    `${name}: the frames of decode()`,
    () => {
      for (const length of lengths.filter((length) => length <= ALL)) checkDecode(recording, "wasm", length);
    },
    TIMEOUT,
  );

  test(
    `${name}: a Connection of Node`,
    async () => {
      await checkNode(
        recording,
        recording.lengths(SOME).filter((length) => length <= ALL),
      );
    },
    TIMEOUT,
  );
}
