// Recorded connections that end early, at any byte: earlier messages are delivered, and the ending is correct. prefixes.slow.ts
// has all lengths up to 16 KiB, and the headers after that.

import { test } from "vitest";
import { CORES } from "../support/wire.ts";
import { checkByteByByte, checkDecode, checkNode, checkProtocol, checkPush, recordings } from "./support/prefixes.ts";
import { withoutTimers } from "./support/timers.ts";

withoutTimers();

/** The bytes of each recording that are tested here. captures.test.ts tests the rest. */
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
