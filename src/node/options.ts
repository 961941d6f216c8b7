import { Keepalive, type KeepaliveOptions, Protocol, type ProtocolOptions, type Role } from "../index.ts";
import { readFragmentSize, readSliceSize } from "../protocol/options.ts";
import { DEFAULT_SLICE_SIZE } from "../protocol/thread.ts";
import type { Overflow } from "./outbox.ts";
import { isTested } from "./transport/sockets.ts";

/** Options of a connection once its handshake is done. */
export interface ConnectionOptions
  extends
    Omit<ProtocolOptions, "role" | "extensions" | "fragments" | "texts" | "textBytes" | "copies">,
    KeepaliveOptions {
  /**
   * What text messages are: strings, or Buffers of their UTF-8, which is checked either way. Listeners of "message" can tell
   * such a Buffer from a binary message by their second argument. Short Buffers share memory. Default `"string"`.
   */
  readonly textType?: "string" | "nodebuffer" | undefined;
  /**
   * What binary messages are, and the payloads of Pings and Pongs: a Uint8Array whose buffer nobody else has, or a Buffer.
   * Short Buffers share memory, as those of `Buffer.from()` do, and are made in less time. Default `"uint8array"`.
   */
  readonly binaryType?: "uint8array" | "nodebuffer" | undefined;
  /**
   * A number of bytes. The connection stops reading from its socket while more than this waits to be read by you or, on a
   * server, to be taken by the peer; a string that you have not read counts one for each UTF-16 code unit. `needDrain` is true, and a message in pieces waits, while more than this waits to be
   * written. Default 1 MiB.
   */
  readonly highWaterMark?: number | undefined;
  /** How many bytes may wait to be written before `overflow` applies. Default: `highWaterMark`. */
  readonly maxBufferedAmount?: number | undefined;
  /**
   * What happens to a message that would take `bufferedAmount` above `maxBufferedAmount`. `"queue"`: it waits with the
   * others. `"drop"`: `send()` returns false. 1008 or 1013: `send()` returns false, and the connection is closed with this
   * code, after what still waits. Pieces of a message that has begun are never dropped. Default `"queue"`.
   */
  readonly overflow?: Overflow | undefined;
  /**
   * How many bytes of a message are compressed or inflated at once, about. A longer one is processed in slices, between which
   * other connections get their turn: see docs/guide.md. One that is compressed is sent with a frame for each slice. Infinity
   * for none. Default 32768.
   */
  readonly sliceSize?: number | undefined;
  /**
   * Drop messages that arrive while nobody listens or iterates. Default false: they wait, and once `highWaterMark` is reached
   * the peer waits too.
   */
  readonly discardUnread?: boolean | undefined;
  /**
   * Close the connection (1001) after this many milliseconds without a message in either direction. Default Infinity: never.
   */
  readonly idleTimeout?: number | undefined;
  /**
   * Read from sockets into memory that all of them share, past the queue of their streams: see docs/architecture.md. It has no
   * effect on other runtimes, or on streams that are not sockets of Node. Default: true on Linux, where it is tested.
   */
  readonly directReads?: boolean | undefined;
  /**
   * Write to sockets from memory that is used again, and past the queue of their streams where nothing waits in it. The same
   * holds as for `directReads`. Default: true on Linux.
   */
  readonly directWrites?: boolean | undefined;
}

const DEFAULT_HIGH_WATER_MARK = 1048576;
const OVERFLOWS: ReadonlySet<unknown> = new Set(["queue", "drop", 1008, 1013]);

/** Those of ConnectionOptions that are a Connection's own, with their defaults. @internal */
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
    throw new RangeError("idleTimeout must be a number of more than 0");
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

/** Throws what a Connection with these options would throw, before there is a socket. @internal */
export function checkOptions(role: Role, options: ConnectionOptions): void {
  const protocol = new Protocol({ ...options, role, extensions: [] });
  void new Keepalive(protocol, 0, options);
  void ownOptions(options);
}
