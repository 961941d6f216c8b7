import { WebSocketError, type WebSocketErrorCode } from "../frame/errors.ts";
import { checkNames, type Hints, type Names } from "../frame/known-options.ts";

/** Limits on what a peer can cost you. Exceeding one fails the connection with the code that it names. */
export interface Limits {
  /**
   * The longest payload of a frame, in bytes, or Infinity. A longer one is refused with its header
   * (`WS_ERR_UNSUPPORTED_MESSAGE_LENGTH`, 1009). Default 100 MiB; with `fragments`, where a frame passes through in
   * constant memory, Infinity.
   */
  readonly maxFrame?: number | undefined;
  /**
   * The longest message, in bytes, or Infinity. It holds for what has arrived and is announced, and again for what an
   * extension makes of it (`WS_ERR_UNSUPPORTED_MESSAGE_LENGTH`, 1009). Default 100 MiB; with `fragments` Infinity, except for
   * messages of an extension that has to collect them (compressed ones, where `perMessageDeflate()` was given a codec).
   */
  readonly maxMessage?: number | undefined;
  /**
   * The most frames that a message may be made of, empty ones included: 1 or more (`WS_ERR_TOO_MANY_BUFFERED_PARTS`, 1008).
   * Default 1,048,576: they are collected in one buffer and cost no memory of their own, only time.
   */
  readonly maxFragments?: number | undefined;
  /**
   * The most control frames in one `controlPeriod`, if you pass the time of arrival (`WS_ERR_TOO_MANY_CONTROL_FRAMES`, 1008).
   * What a peer has not used counts later, for up to 60 periods. Default 1000.
   */
  readonly maxControlFrames?: number | undefined;
  /** The period for `maxControlFrames`, in milliseconds. Default 1000. */
  readonly controlPeriod?: number | undefined;
  /**
   * The most automatic Pongs that wait for the next take(), which is not called while the peer does not read
   * (`WS_ERR_TOO_MANY_PENDING_PONGS`, 1008). That many Pings in one chunk are too many as well. Default 1000.
   */
  readonly maxPendingPongs?: number | undefined;
}

/** The limits that hold. @internal */
export type ReadLimits = AllLimits & {
  /** maxMessage where a message is collected. */
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
// The same objects for most connections: an idle one should cost little.
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

/** @throws RangeError for a limit that is too small, or not a number @throws TypeError for another name @internal */
export function readLimits(limits: Limits | undefined, fragments: boolean): ReadLimits {
  const defaults = fragments ? IN_PIECES : WHOLE;
  if (limits === undefined) return defaults;
  checkNames("limits", limits, KNOWN, HINTS);
  const read = { ...defaults };
  for (const name of Object.keys(DEFAULTS) as (keyof Limits)[]) {
    const value = limits[name];
    if (value === undefined) continue;
    // A message has one frame at least.
    const least = name === "maxFragments" ? 1 : 0;
    if (typeof value !== "number" || !(value >= least)) {
      throw new RangeError(`limits.${name} must be a number, ${least} or more`);
    }
    read[name] = value;
  }
  // It is compared with times of 31 bits.
  read.controlPeriod = Math.min(read.controlPeriod, 0x7fffffff);
  read.maxCollected = limits.maxMessage ?? MIB_100;
  return read;
}

/** The error of a limit that is exceeded. @internal */
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
