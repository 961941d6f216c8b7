import { PreparedMessage } from "../index.ts";

/** The least that a frame has: so that empty messages count as well. */
const SMALLEST_HEADER = 2;

/**
 * What a message counts in a queue, in bytes: its payload, text as UTF-8, and two for its header. 0 for what is no message.
 * @internal
 */
export function dataSize(data: unknown): number {
  if (typeof data === "string") return SMALLEST_HEADER + utf8Length(data);
  if (data instanceof PreparedMessage) return SMALLEST_HEADER + data.payload.length;
  if (ArrayBuffer.isView(data) || data instanceof ArrayBuffer) return SMALLEST_HEADER + data.byteLength;
  return 0;
}

function utf8Length(text: string): number {
  let length = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    // Both halves of a surrogate pair count two.
    if (unit > 0x7f) length += unit > 0x7ff && (unit & 0xf800) !== 0xd800 ? 2 : 1;
  }
  return length;
}
