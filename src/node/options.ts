import { type KeepaliveOptions, Protocol, type ProtocolOptions, type Role } from "../index.ts";
import { readTimes } from "../protocol/keepalive-times.ts";
import { readFragmentSize, readSliceSize } from "../protocol/options.ts";
import { DEFAULT_SLICE_SIZE } from "../protocol/thread.ts";
import type { Overflow } from "./outbox.ts";
import { isTested } from "./transport/sockets.ts";

/** Options of a connection after its handshake. */
export interface ConnectionOptions
  extends
    Omit<ProtocolOptions, "role" | "extensions" | "fragments" | "texts" | "textBytes" | "copies" | "checked">,
    KeepaliveOptions {
  /**
   * The type of text messages: strings, or Buffers with their UTF-8, which is validated in both cases. The second
   * argument of "message", `isBinary`, is false for such a Buffer. Short Buffers may share an ArrayBuffer. Default
   * `"string"`.
   */
  readonly textType?: "string" | "nodebuffer" | undefined;
  /**
   * The type of binary messages, and of the payloads of Pings and Pongs. The bytes are yours either way. A Uint8Array
   * has an ArrayBuffer of its own. Short Buffers may share one, as those of `Buffer.from()` do, and are faster to make.
   * Default `"uint8array"`.
   */
  readonly binaryType?: "uint8array" | "nodebuffer" | undefined;
  /**
   * Reading stops while more than this many bytes of messages are unread or, on a server, unsent. Unread strings count
   * one byte for each UTF-16 code unit. While more than this many bytes are unsent, `needDrain` is true, and a message
   * in pieces waits. Default 1,048,576 (1 MiB).
   */
  readonly highWaterMark?: number | undefined;
  /**
   * How many bytes may be unsent before `overflow` applies. Unlike in `bufferedAmount`, text always counts with its
   * length in UTF-8. A new message counts with its length before compression. Default: `highWaterMark`.
   */
  readonly maxBufferedAmount?: number | undefined;
  /**
   * What happens to a message that would raise the number of unsent bytes above `maxBufferedAmount`:
   *
   * - `"queue"`: it is queued.
   * - `"drop"`: send() returns false.
   * - `1008` or `1013`: send() returns false, and the connection is closed with this code after the queued messages.
   *
   * If a message is sent in pieces, it is never dropped after its first piece. Default `"queue"`.
   */
  readonly overflow?: Overflow | undefined;
  /**
   * About how many bytes of a message are compressed or inflated at once. A longer message is processed in slices, and
   * other connections get their turn in between: see docs/guide/send.md. When it is compressed, each slice is sent in a
   * frame of its own. Infinity for no slices. Default 32,768.
   */
  readonly sliceSize?: number | undefined;
  /**
   * Drop messages that arrive while there is no listener and no loop. Default false: they wait, and reading stops above
   * `highWaterMark`.
   */
  readonly discardUnread?: boolean | undefined;
  /**
   * Close the connection (1001) after this many milliseconds without a message in either direction. More than 0.
   * Default Infinity: never.
   */
  readonly idleTimeout?: number | undefined;
  /**
   * Read from sockets into memory that all sockets share, instead of through the queue of their streams: see
   * docs/architecture.md. It only affects sockets of Node itself, not other streams or runtimes. Default: true on
   * Linux, where it is tested.
   */
  readonly directReads?: boolean | undefined;
  /**
   * Write to sockets from memory that is reused, and bypass the queue of their streams when it is empty. It only
   * affects sockets of Node itself, as `directReads` does. Default: true on Linux.
   */
  readonly directWrites?: boolean | undefined;
}

const DEFAULT_HIGH_WATER_MARK = 1048576;
const OVERFLOWS: ReadonlySet<unknown> = new Set(["queue", "drop", 1008, 1013]);

/** The options that only a Connection has, with their defaults. @internal */
export type OwnOptions = Required<
  Pick<
    { readonly [K in keyof ConnectionOptions]: NonNullable<ConnectionOptions[K]> },
    | "highWaterMark"
    | "maxBufferedAmount"
    | "overflow"
    | "fragmentSize"
    | "sliceSize"
    | "discardUnread"
    | "idleTimeout"
    | "directReads"
    | "directWrites"
    | "textType"
    | "binaryType"
  >
>;

/** @throws RangeError @internal */
export function ownOptions(options: ConnectionOptions): OwnOptions {
  const { highWaterMark = DEFAULT_HIGH_WATER_MARK, idleTimeout = Infinity, overflow = "queue" } = options;
  const { maxBufferedAmount = highWaterMark, discardUnread = false } = options;
  const { directReads = isTested, directWrites = isTested } = options;
  const { textType = "string", binaryType = "uint8array" } = options;
  const fragmentSize = readFragmentSize(options.fragmentSize);
  const sliceSize = readSliceSize(options.sliceSize ?? DEFAULT_SLICE_SIZE);
  for (const [name, value] of Object.entries({ highWaterMark, maxBufferedAmount })) {
    if (typeof value !== "number" || !(value >= 0)) throw new RangeError(`${name} must be a number, 0 or more`);
  }
  if (typeof idleTimeout !== "number" || !(idleTimeout > 0)) {
    throw new RangeError("idleTimeout must be a number greater than 0");
  }
  if (!OVERFLOWS.has(overflow)) throw new RangeError('overflow must be "queue", "drop", 1008 or 1013');
  if (textType !== "string" && textType !== "nodebuffer") {
    throw new RangeError('textType must be "string" or "nodebuffer"');
  }
  if (binaryType !== "uint8array" && binaryType !== "nodebuffer") {
    throw new RangeError('binaryType must be "uint8array" or "nodebuffer"');
  }
  const sending = { maxBufferedAmount, overflow, fragmentSize, sliceSize };
  const types = { textType, binaryType };
  return { highWaterMark, ...sending, ...types, discardUnread, idleTimeout, directReads, directWrites };
}

/** Throws what a Connection with these options would throw, before a socket is opened. @internal */
export function checkOptions(role: Role, options: ConnectionOptions): void {
  void new Protocol({ ...options, role, extensions: [], checked: true });
  void readTimes(options);
  void ownOptions(options);
}
