// Texts about a frame.

import { mask, Opcode } from "wsframe";
import { closeName, opcodeName } from "../../cli/names.ts";
import { quotePayload, quoteText } from "../../cli/preview.ts";
import { counted } from "../../cli/style.ts";
import type { TappedFrame } from "../frame.ts";
import { type Header, readHeader } from "../header.ts";

/** How much of a payload a row of the list shows, in columns. */
const PREVIEW = 120;

/** Returns `client → server` or `server → client`. */
export function wayOf({ sender }: TappedFrame): string {
  return sender === "client" ? "client → server" : "server → client";
}

/** Returns the name of an opcode, or the number of a reserved one. */
export function kindOf(opcode: number): string {
  return opcodeName(opcode);
}

/** Returns the CSS class for a kind of frame. */
export function kindClass(opcode: number): string {
  if (opcode === Opcode.Text || opcode === Opcode.Binary || opcode === Opcode.Continuation) return opcodeName(opcode);
  return opcode & 8 && opcode <= Opcode.Pong ? "control" : "reserved";
}

/** Returns a part of the kept payload, unmasked, from `start` up to `end`. */
export function payloadOf({ raw }: TappedFrame, header: Header, start: number, end: number): Uint8Array {
  const from = header.headerLength + start;
  const bytes = raw.subarray(from, header.headerLength + end);
  if (header.maskKey === undefined || bytes.length === 0) return bytes;
  const payload = bytes.slice();
  mask(payload, header.maskKey, start);
  return payload;
}

/** Describes a frame on one line. */
export function previewOf(frame: TappedFrame): string {
  const error = frame.notes.find(({ type }) => type === "error");
  if (error?.type === "error") return `${error.message} (${error.rule})`;
  const header = readHeader(frame.raw);
  if (frame.notes.some(({ type }) => type === "incomplete")) return "incomplete: the stream ends here";
  const [note] = frame.notes;
  if (note?.type === "text" && frame.compressed) {
    const text = new TextEncoder().encode(note.text.slice(0, PREVIEW));
    return quoteText(text, PREVIEW, note.characters > PREVIEW);
  }
  const preview = payloadOf(frame, header, 0, PREVIEW);
  const payloadLength = Number(header.payloadLength ?? 0n);
  return quotePayload(
    {
      offset: 0,
      payloadOffset: 0,
      opcode: header.opcode,
      fin: header.fin,
      rsv: header.rsv,
      maskKey: undefined,
      payloadLength,
      messageOpcode: frame.messageOpcode,
      compressed: frame.compressed,
      received: preview.length,
      preview,
    },
    PREVIEW,
  );
}

/** Returns the payload length from the header in words. */
export function payloadLengthOf(header: Header): string {
  const { payloadLength } = header;
  return payloadLength === undefined ? "length unknown" : bytesOf(payloadLength);
}

/** Returns `1 byte` or `2,000 bytes`. A length beyond 2 ** 53 is rounded. */
export function bytesOf(length: bigint | number): string {
  return counted(Number(length), "byte");
}

/** Returns a close code with its name: `1000, normal closure`. */
export function closeOf(code: number): string {
  const name = closeName(code);
  return name === undefined ? String(code) : `${code}, ${name}`;
}
