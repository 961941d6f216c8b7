// Passes text through a FrameDecoder, cut into chunks or frames.

import { FrameDecoder, WebSocketError } from "../../../src/index.ts";
import { concat, serialize } from "../../reference/serialize.ts";
import { wrongAt } from "./utf8.ts";

/** The ways to pass a text to a decoder. */
export const WAYS = ["frame", "fragments", "reason"] as const;
export type Way = (typeof WAYS)[number];

const KEY = [0xa5, 0x5a, 0x0f, 0xf0];
const CODE = Uint8Array.of(0x03, 0xe8);
const SINK = { header() {}, payload() {}, end() {} };

/** The chunks of a text cut at `cuts`, and where each of its bytes is in the stream; the last entry is its end. */
function chunksOf(way: Way, text: Uint8Array, cuts: readonly number[]): { chunks: Uint8Array[]; offsets: number[] } {
  const edges = [0, ...cuts, text.length];
  const chunks: Uint8Array[] = [];
  const offsets: number[] = [];
  if (way === "fragments") {
    let at = 0;
    for (let i = 0; i + 1 < edges.length; i++) {
      const payload = text.subarray(edges[i], edges[i + 1]);
      const frame = serialize({ opcode: i === 0 ? 1 : 0, fin: i + 2 === edges.length, payload, maskKey: KEY });
      const start = at + frame.length - payload.length;
      for (let k = 0; k < payload.length; k++) offsets.push(start + k);
      chunks.push(frame);
      at += frame.length;
    }
    return { chunks, offsets: [...offsets, at] };
  }
  const opcode = way === "reason" ? 8 : 1;
  const payload = way === "reason" ? concat([CODE, text]) : text;
  const frame = serialize({ opcode, payload, maskKey: KEY });
  const start = frame.length - text.length;
  for (let k = 0; k <= text.length; k++) offsets.push(start + k);
  for (let i = 0; i + 1 < edges.length; i++) {
    chunks.push(frame.subarray(i === 0 ? 0 : start + edges[i]!, start + edges[i + 1]!));
  }
  return { chunks, offsets };
}

/** Returns how the decoder's result for a text is wrong, or undefined. */
export function checkText(
  core: "wasm" | "portable",
  way: Way,
  text: Uint8Array,
  cuts: readonly number[],
): string | undefined {
  const { chunks, offsets } = chunksOf(way, text, cuts);
  const wrong = wrongAt(text);
  const expected = wrong < 0 ? "accepted" : `WS_ERR_INVALID_UTF8 ${offsets[wrong]}`;
  for (const via of ["push", "decode"] as const) {
    const decoder = new FrameDecoder({ role: "server", core, copy: true });
    let found = "accepted";
    try {
      for (const chunk of chunks) {
        if (via === "push") decoder.push(chunk, SINK);
        else decoder.decode(chunk);
      }
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      found = `${error.code} ${error.byteOffset}`;
    }
    if (found !== expected) {
      return `${core}, ${way}, ${via}, ${Buffer.from(text).toString("hex")} cut at ${cuts}: expected ${expected}, got ${found}`;
    }
  }
  return undefined;
}

/** The positions of the bits that are set in a number. */
export function cutsOf(bits: number): number[] {
  const cuts: number[] = [];
  for (let i = 0; bits >> i > 0; i++) if (bits & (1 << i)) cuts.push(i + 1);
  return cuts;
}

/** Checks a text cut in every way. */
export function checkAllCuts(core: "wasm" | "portable", text: Uint8Array): string | undefined {
  for (const way of WAYS) {
    for (let bits = 0; bits < 1 << Math.max(0, text.length - 1); bits++) {
      const wrong = checkText(core, way, text, cutsOf(bits));
      if (wrong !== undefined) return wrong;
    }
  }
  return undefined;
}
