// Messages with two faults: the first one is the error, however they are cut.

import { constants, deflateRawSync } from "node:zlib";
import { expect, test } from "vitest";
import { encodeFrame, perMessageDeflate, Protocol, type ProtocolOptions } from "../../src/index.ts";

const flushed = (data: Uint8Array): Buffer => deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH });
const good = Buffer.from("good ".repeat(100));
const noText = Buffer.from([0xff]);
const noBlock = Buffer.from([0x06]);

const CASES: [string, Buffer, number, string, string][] = [
  [
    "invalid UTF-8, then invalid DEFLATE",
    Buffer.concat([flushed(Buffer.concat([good, noText])), noBlock]),
    1000,
    "WS_ERR_INVALID_UTF8",
    "",
  ],
  ["no DEFLATE", Buffer.concat([flushed(good), noBlock]), 1000, "WS_ERR_INVALID_COMPRESSED_DATA", good.toString()],
  ["invalid UTF-8, then too long", flushed(Buffer.concat([good, noText, good])), 501, "WS_ERR_INVALID_UTF8", ""],
  [
    "too long, then invalid UTF-8",
    flushed(Buffer.concat([good, noText])),
    490,
    "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
    good.toString().slice(0, 490),
  ],
];

/** The delivered pieces, and the code of the error. */
function arrive(payload: Uint8Array, step: number, options: Partial<ProtocolOptions>): [string, string | undefined] {
  const client = new Protocol({ role: "client", extensions: [perMessageDeflate()], ...options });
  const frame = encodeFrame({ opcode: 1, rsv: 4, payload: new Uint8Array(payload) }, { role: "server" });
  let pieces = "";
  for (let at = 0; at < frame.length; at += step) {
    for (const event of client.receive(frame.subarray(at, at + step))) {
      if (event.type === "piece" || event.type === "text") pieces += String(event.data);
    }
  }
  return [pieces, client.error?.code];
}

test.each(CASES)("%s", (_, payload, maxMessage, code, text) => {
  for (const step of [1, 2, 7, 100_000]) {
    expect(arrive(payload, step, { limits: { maxMessage } })).toEqual(["", code]);
    const [pieces, found] = arrive(payload, step, { limits: { maxMessage }, fragments: true });
    expect(found).toBe(code);
    // An invalid whole text is not delivered at all.
    if (text === "") expect(good.toString().startsWith(pieces)).toBe(true);
    else expect(pieces).toBe(text);
  }
});
