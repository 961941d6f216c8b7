// The output of `--json`. All offsets are in bytes from the start of the file.

import { Opcode } from "wsframe";
import { toHex } from "./bytes.ts";
import type { Stream } from "./stream.ts";
import type { Inspection } from "./inspect.ts";
import type { FrameRow } from "./row.ts";
import { OPCODES, opcodeName } from "./names.ts";
import { asText, closeCodeOf } from "./preview.ts";
import type { Speed } from "./speed.ts";

/** How many bytes of trailing data are shown. */
const TRAILING_PREVIEW = 128;
/** How many bytes are shown before the faulty byte, and from it on. */
const ERROR_PREVIEW = 8;

/** How many frames are serialized at a time. */
const PIECE_FRAMES = 1000;

/**
 * Returns the JSON of one direction in pieces, because the frames of a large file can exceed the maximum length of a string.
 * `speed` is undefined if it was not measured.
 */
export function* toJson(
  stream: Stream,
  inspection: Inspection,
  speed: Speed | null | undefined,
): Generator<string, void> {
  const base = stream.head?.length ?? 0;
  const { first, last, skipped, counts, error, incomplete, trailing } = inspection;
  const wrong = error && base + error.error.byteOffset;
  const { file, role, rsv, size } = stream;
  yield `${JSON.stringify({ file, role, rsv, size, httpLength: base }).slice(0, -1)},"frames":[`;
  for (const [index, rows] of [first, last].entries()) {
    if (index > 0 && first.length > 0 && rows.length > 0) yield ",";
    for (let at = 0; at < rows.length; at += PIECE_FRAMES) {
      const piece = rows.slice(at, at + PIECE_FRAMES).map((row) => JSON.stringify(frameJson(row, base)));
      yield `${at > 0 ? "," : ""}${piece.join(",")}`;
    }
  }
  const rest = {
    // The frames that --limit leaves out come before the last ones of `frames`.
    framesLeftOut: skipped,
    error: error
      ? {
          code: error.error.code,
          closeCode: error.error.closeCode,
          byteOffset: wrong,
          rule: error.error.rule,
          message: error.message,
          frameOffset: base + error.frameOffset,
          frame: error.row ? frameJson(error.row, base) : null,
          ...bytesAround(stream, error.error.byteOffset, base),
        }
      : null,
    incomplete: incomplete
      ? {
          offset: base + incomplete.offset,
          present: incomplete.present,
          missing: incomplete.missing ?? null,
          missingOf: incomplete.row ? "payload" : "header",
          frame: incomplete.row ? frameJson(incomplete.row, base) : null,
        }
      : null,
    trailing: trailing
      ? {
          offset: base + trailing.offset,
          length: trailing.bytes.length,
          ...previewJson(trailing.bytes.subarray(0, TRAILING_PREVIEW), trailing.bytes.length, true),
        }
      : null,
    summary: {
      frames: counts.frames,
      messages: counts.messages,
      compressedFrames: counts.compressedFrames,
      byOpcode: Object.fromEntries(OPCODES.map((opcode) => [opcodeName(opcode), counts.byOpcode.get(opcode) ?? 0])),
      payloadBytes: counts.payloadBytes,
      wireBytes: counts.wireBytes,
      overheadBytes: counts.wireBytes - counts.payloadBytes,
    },
    ...(speed !== undefined && { speed }),
  };
  yield `],${JSON.stringify(rest).slice(1)}`;
}

function frameJson(row: FrameRow, base: number): object {
  const { opcode, preview } = row;
  const closeCode = opcode === Opcode.Close ? closeCodeOf(preview) : undefined;
  const binary = row.compressed || row.messageOpcode === Opcode.Binary;
  return {
    offset: base + row.offset,
    payloadOffset: base + row.payloadOffset,
    opcode,
    name: opcodeName(opcode),
    fin: row.fin,
    rsv: row.rsv,
    masked: row.maskKey !== undefined,
    maskKey: row.maskKey ? toHex(row.maskKey) : null,
    payloadLength: row.payloadLength,
    compressed: row.compressed,
    ...(closeCode === undefined
      ? previewJson(preview, row.payloadLength, !binary)
      : { closeCode, reason: asText(preview.subarray(2), false) ?? "" }),
  };
}

/** Returns `text` or `hex`, and `truncated` if that is not all of the `length` bytes. */
function previewJson(bytes: Uint8Array, length: number, tryText: boolean): object {
  const more = bytes.length < length;
  const text = tryText ? asText(bytes, more) : undefined;
  return { ...(text === undefined ? { hex: toHex(bytes) } : { text }), truncated: more };
}

function bytesAround({ bytes }: Stream, at: number, base: number): object {
  const from = Math.max(0, at - ERROR_PREVIEW);
  return { bytesOffset: base + from, bytes: toHex(bytes.subarray(from, at + ERROR_PREVIEW)) };
}
