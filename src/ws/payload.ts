// Converts the data that ws accepts for messages, control frames and close reasons.

import { types } from "node:util";
import { isValidCloseCode } from "../index.ts";

/** Data that may be sent. Numbers are sent as text, undefined and null as an empty payload. */
export type Payload = string | number | ArrayBufferLike | ArrayBufferView | Blob | readonly number[] | null | undefined;

const EMPTY: Buffer = Buffer.alloc(0);

/** Converts data to text, bytes or a Blob. @throws TypeError for data of another type @internal */
export function asPayload(data: unknown): string | ArrayBufferView | Blob {
  if (typeof data === "string") return data;
  if (typeof data === "number") return String(data);
  if (ArrayBuffer.isView(data)) return data;
  if (data === undefined || data === null || data === false) return EMPTY;
  if (types.isAnyArrayBuffer(data)) return new Uint8Array(data);
  if (isBlob(data)) return data;
  // Buffer.from() reads lists and objects with valueOf(), and throws for others.
  return Buffer.from(data as readonly number[]);
}

/** Whether data is a Blob, also one of another realm or library. */
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
 * Converts the reason of a Close to text.
 * @throws TypeError for a code that must not be sent @throws RangeError for more than 123 bytes @internal
 */
export function asReason(code: number | undefined, data: string | Uint8Array | undefined): string {
  if (code === undefined) return "";
  if (!isValidCloseCode(code)) throw new TypeError("First argument must be a valid error code number");
  if (data === undefined || data.length === 0) return "";
  if (Buffer.byteLength(data) > 123) throw new RangeError("The message must not be greater than 123 bytes");
  return typeof data === "string" ? data : new TextDecoder("utf-8", { ignoreBOM: true }).decode(data);
}

/** The length in bytes. @internal */
export function sizeOf(payload: string | ArrayBufferView | Blob): number {
  if (typeof payload === "string") return Buffer.byteLength(payload);
  return "size" in payload ? payload.size : payload.byteLength;
}
