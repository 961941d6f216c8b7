// What peers can be sent: anything, as crossws has it.

import { type Bytes, PreparedMessage } from "../index.ts";
import { isBytes } from "../frame/bytes.ts";
import type { Connection } from "../node/index.ts";

/** What goes out as it is. */
export type Payload = string | Bytes | Blob;

/** Options of send() and publish() of a peer. */
export interface PeerSendOptions {
  readonly compress?: boolean;
}

/**
 * The payload of a value: plain objects become JSON, arrays of numbers bytes, nothing an empty text.
 * @throws TypeError for what is none of all that
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

/** Whether it is an object literal or the like, of any realm, and no instance of a class. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype && Object.getPrototypeOf(prototype) !== null) return false;
  if (Symbol.iterator in value) return false;
  return !(Symbol.toStringTag in value) || Object.prototype.toString.call(value) === "[object Module]";
}

/** Sends a payload, compressed or not as the options say, or as the extension is configured. */
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

/** A message to any number of peers: encoded for the first of them, if there is one. */
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
