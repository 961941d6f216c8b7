// What ws takes as data.

import { types } from "node:util";
import { isValidCloseCode } from "../index.ts";

/** What may be sent. Numbers are sent as text; undefined and null as nothing. */
export type Payload = string | number | ArrayBufferLike | ArrayBufferView | Blob | readonly number[] | null | undefined;

const EMPTY: Buffer = Buffer.alloc(0);

/** As text, bytes or a Blob. @throws TypeError for what is no data @internal */
export function asPayload(data: unknown): string | ArrayBufferView | Blob {
  if (typeof data === "string") return data;
  if (typeof data === "number") return String(data);
  if (ArrayBuffer.isView(data)) return data;
  if (data === undefined || data === null || data === false) return EMPTY;
  if (types.isAnyArrayBuffer(data)) return new Uint8Array(data);
  if (isBlob(data)) return data;
  // As Buffer.from() reads lists and what has a valueOf(), or says what is wrong.
  return Buffer.from(data as readonly number[]);
}

/** A Blob of any realm or library. */
function isBlob(data: unknown): data is Blob {
  return (
    typeof data === "object" &&
    data !== null &&
    "arrayBuffer" in data &&
    typeof data.arrayBuffer === "function" &&
    "stream" in data &&
    typeof data.stream === "function" &&
    (Object.prototype.toString.call(data) === "[object Blob]" ||
      Object.prototype.toString.call(data) === "[object File]")
  );
}

/**
 * The reason of a Close as text.
 * @throws TypeError for a code that must not be sent @throws RangeError for more than 123 bytes @internal
 */
export function asReason(code: number | undefined, data: string | Uint8Array | undefined): string {
  if (code === undefined) return "";
  if (!isValidCloseCode(code)) throw new TypeError("First argument must be a valid error code number");
  if (data === undefined || data.length === 0) return "";
  if (Buffer.byteLength(data) > 123) throw new RangeError("The message must not be greater than 123 bytes");
  return typeof data === "string" ? data : new TextDecoder("utf-8", { ignoreBOM: true }).decode(data);
}

/** In bytes. @internal */
export function sizeOf(payload: string | ArrayBufferView | Blob): number {
  if (typeof payload === "string") return Buffer.byteLength(payload);
  return "size" in payload ? payload.size : payload.byteLength;
}
