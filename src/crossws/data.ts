// Converts the values that crossws accepts as messages, and sends them.

import { type Bytes, PreparedMessage } from "../index.ts";
import { isBytes } from "../frame/bytes.ts";
import type { Connection } from "../node/index.ts";

/** Data that is sent without conversion. */
export type Payload = string | Bytes | Blob;

/** Options of send() and publish() of a peer. */
export interface PeerSendOptions {
  readonly compress?: boolean;
}

/**
 * Converts a value to a payload. Plain objects become JSON, arrays of numbers become bytes, and null and undefined become an empty
 * text.
 * @throws TypeError for other objects
 */
export function toPayload(value: unknown): Payload {
  if (typeof value === "string" || isBytes(value) || value instanceof Blob) return value;
  if (value === undefined || value === null) return "";
  if (typeof value === "function" || typeof value === "symbol") return "{}";
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return Uint8Array.from(value);
  if (isPlain(value)) return JSON.stringify(value);
  throw new TypeError("data must be a string, bytes, a Blob, a plain object or a primitive value");
}

/** Whether a value is a plain object of any realm, not an instance of a class. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype && Object.getPrototypeOf(prototype) !== null) return false;
  if (Symbol.iterator in value) return false;
  return !(Symbol.toStringTag in value) || Object.prototype.toString.call(value) === "[object Module]";
}

/** Sends a payload. Without the option `compress`, the extension decides whether to compress it. */
export function sendPayload(
  connection: Connection,
  payload: Payload | PreparedMessage,
  { compress }: PeerSendOptions = {},
): void {
  const options = compress === undefined ? undefined : { compress };
  if (payload instanceof Blob) void connection.send(payload.stream(), { ...options, binary: true });
  else if (options === undefined) connection.send(payload);
  else connection.send(payload, options);
}

/** A message to any number of peers. It is encoded once, for the first peer. */
export class Broadcast {
  readonly payload: Payload;
  readonly #options: PeerSendOptions | undefined;
  #message: PreparedMessage | Blob | undefined = undefined;

  /** @throws TypeError */
  constructor(data: unknown, options: PeerSendOptions | undefined) {
    this.payload = toPayload(data);
    this.#options = options;
  }

  sendTo(connection: Connection): void {
    const { payload } = this;
    this.#message ??= payload instanceof Blob ? payload : new PreparedMessage(payload);
    sendPayload(connection, this.#message, this.#options);
  }
}
