import { WebSocketError, type WebSocketErrorCode } from "../frame/errors.ts";
import { checkNames, type Hints, type Names } from "../frame/known-options.ts";

/**
 * Limits on the memory and work that a peer can cause. A peer that exceeds one fails the connection, with the error code and
 * the close code given below. Each limit is a number from 0, or Infinity for no limit.
 */
export interface Limits {
  /**
   * The longest payload of a frame, in bytes, or Infinity. A longer frame is refused as soon as its header arrives
   * (`WS_ERR_UNSUPPORTED_MESSAGE_LENGTH`, 1009). Default 100 MiB. With `fragments`, frames take constant memory and the default
   * is Infinity.
   */
  readonly maxFrame?: number | undefined;
  /**
   * The longest message, in bytes, or Infinity (`WS_ERR_UNSUPPORTED_MESSAGE_LENGTH`, 1009). It applies to the announced length
   * of the frames, and again to the result of an extension such as decompression. Default 100 MiB. With `fragments` the default
   * is Infinity, except for messages that an extension has to collect. permessage-deflate does that only if you pass it a
   * codec.
   */
  readonly maxMessage?: number | undefined;
  /**
   * The most frames in a message, including empty ones: 1 or more (`WS_ERR_TOO_MANY_BUFFERED_PARTS`, 1008). Default 1,048,576.
   * Fragments are collected in one buffer, so each costs time but no memory of its own.
   */
  readonly maxFragments?: number | undefined;
  /**
   * The most control frames in one `controlPeriod` (`WS_ERR_TOO_MANY_CONTROL_FRAMES`, 1008). It is enforced only if you pass
   * the time to receive(), push() or commit(). An unused allowance carries over, for up to 60 periods. Default 1000.
   */
  readonly maxControlFrames?: number | undefined;
  /** The period of `maxControlFrames`, in milliseconds. Default 1000. */
  readonly controlPeriod?: number | undefined;
  /**
   * The most automatic Pongs that can wait for the next take() (`WS_ERR_TOO_MANY_PENDING_PONGS`, 1008). They pile up while the
   * peer does not read, or if one chunk holds too many Pings. Default 1000.
   */
  readonly maxPendingPongs?: number | undefined;
}

/** All limits, with defaults filled in. @internal */
export type ReadLimits = AllLimits & {
  /** `maxMessage` for messages that are collected. */
  readonly maxCollected: number;
};

type AllLimits = { readonly [Name in keyof Limits]-?: number };

const MIB_100 = 104857600;
const DEFAULTS: AllLimits = {
  maxFrame: MIB_100,
  maxMessage: MIB_100,
  maxFragments: 1048576,
  maxControlFrames: 1000,
  controlPeriod: 1000,
  maxPendingPongs: 1000,
};
// Shared by most connections, to keep idle ones small.
const WHOLE: ReadLimits = { ...DEFAULTS, maxCollected: MIB_100 };
const IN_PIECES: ReadLimits = { ...WHOLE, maxFrame: Infinity, maxMessage: Infinity };

const KNOWN: Names<Limits> = {
  maxFrame: true,
  maxMessage: true,
  maxFragments: true,
  maxControlFrames: true,
  controlPeriod: true,
  maxPendingPongs: true,
};

const HINTS: Hints = {
  maxBufferedChunks: "it has no equivalent: chunks are not kept",
  maxPayload: "use `maxMessage`",
  maxPendingAutoPongs: "use `maxPendingPongs`",
};

/** @throws RangeError if a limit is too small or not a number @throws TypeError for an unknown name @internal */
export function readLimits(limits: Limits | undefined, fragments: boolean): ReadLimits {
  const defaults = fragments ? IN_PIECES : WHOLE;
  if (limits === undefined) return defaults;
  checkNames("limits", limits, KNOWN, HINTS);
  const read = { ...defaults };
  for (const name of Object.keys(DEFAULTS) as (keyof Limits)[]) {
    const value = limits[name];
    if (value === undefined) continue;
    // A message has at least one frame.
    const least = name === "maxFragments" ? 1 : 0;
    if (typeof value !== "number" || !(value >= least)) {
      throw new RangeError(`limits.${name} must be a number, ${least} or more`);
    }
    read[name] = value;
  }
  // Elapsed times have 31 bits.
  read.controlPeriod = Math.min(read.controlPeriod, 0x7fffffff);
  read.maxCollected = limits.maxMessage ?? MIB_100;
  return read;
}

/** The error for an exceeded limit. @internal */
export function limitError(
  code: WebSocketErrorCode,
  closeCode: number,
  limit: keyof Limits,
  byteOffset: number,
): WebSocketError {
  return new WebSocketError(code, `The limit ${limit} is exceeded (byte ${byteOffset})`, {
    closeCode,
    byteOffset,
    rule: limit,
  });
}
