// Compares UTF-8 validation with Node's isUtf8() for every pair of bytes, which is the unit that the core checks. Each
// pair is followed by any number of continuation bytes, in the middle of a vector.

import { isUtf8 } from "node:buffer";
import { expect, test } from "vitest";
import { FrameDecoder, WebSocketError } from "../src/index.ts";

/** Longer than a vector. Messages of this length do not use the loop for short messages. */
const LENGTH = 200;
const AT = 37;
const HEADER = 4;
const MOST_CONTINUATIONS = 3;

/** Whether the decoder accepts the text in a frame. */
function accepts(frame: Uint8Array, core: "wasm" | "portable"): boolean {
  try {
    return new FrameDecoder({ role: "client", core }).decode(frame).length === 1;
  } catch (error) {
    if (error instanceof WebSocketError && error.code === "WS_ERR_INVALID_UTF8") return false;
    throw error;
  }
}

test.each(["wasm", "portable"] as const)("every pair with up to three continuations, %s core", (core) => {
  const frame = new Uint8Array(HEADER + LENGTH).fill(0x61);
  frame.set([0x81, 126, 0, LENGTH]);
  const text = frame.subarray(HEADER);
  const wrong: string[] = [];
  // The portable core works byte by byte, so the first and last byte of each class are enough.
  const step = core === "wasm" ? 1 : 15;
  for (let first = 0x7f; first < 0x100; first++) {
    for (let second = 0; second < 0x100; second += step) {
      for (let count = 0; count <= MOST_CONTINUATIONS; count++) {
        const sequence = [first, second, 0x80, 0xbf, 0x80].slice(0, 2 + count);
        text.set(sequence, AT);
        if (accepts(frame, core) !== isUtf8(text)) wrong.push(Buffer.from(sequence).toString("hex"));
        text.fill(0x61, AT, AT + sequence.length);
      }
    }
  }
  expect(wrong).toEqual([]);
});
