// Recorded connections that end early: what came before is delivered, and the end is the right one, whichever byte is the last.
// prefixes.slow.ts has all lengths up to 16 KiB, and the headers after that.

import { test } from "vitest";
import { CORES } from "../support/wire.ts";
import { checkByteByByte, checkDecode, checkNode, checkProtocol, checkPush, recordings } from "./support/prefixes.ts";
import { withoutTimers } from "./support/timers.ts";

withoutTimers();

/** How much of each is looked at here, in bytes: captures.test.ts has the whole. */
const MOST = 2048;
const ALL = 128;

for (const recording of recordings(MOST)) {
  const lengths = [...Array(ALL).keys(), recording.stream.length];

  test(`${recording.name}: the frames`, () => {
    for (const core of CORES) {
      for (const length of lengths) {
        checkPush(recording, core, length);
        checkDecode(recording, core, length);
      }
      checkByteByByte(recording, core, MOST);
    }
  });

  test(`${recording.name}: the messages`, async () => {
    for (const core of CORES) for (const length of lengths) checkProtocol(recording, core, length);
    await checkNode(recording, lengths);
  });
}
