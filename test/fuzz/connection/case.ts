// The cases of the target "connection", as plain JSON.

import type { Role } from "../../../src/index.ts";

/** The options of a Connection that vary. The others keep their defaults. */
export interface CaseOptions {
  readonly highWaterMark?: number;
  readonly maxBufferedAmount?: number;
  readonly overflow?: "queue" | "drop" | 1008 | 1013;
  readonly sliceSize?: number;
  readonly fragmentSize?: number;
  readonly discardUnread?: boolean;
  readonly idleTimeout?: number;
  readonly pingInterval?: number;
  readonly pongTimeout?: number;
  readonly closeTimeout?: number;
  readonly directReads?: boolean;
  readonly directWrites?: boolean;
  readonly textType?: "string" | "nodebuffer";
  readonly binaryType?: "uint8array" | "nodebuffer";
  readonly autoPong?: boolean;
  readonly limits?: {
    readonly maxMessage?: number;
    readonly maxFragments?: number;
    readonly maxControlFrames?: number;
    readonly controlPeriod?: number;
  };
}

/** The socket that carries the bytes. */
export interface CaseSocket {
  /** A Duplex in JavaScript, or a net.Socket over a simulated handle. */
  readonly kind: "duplex" | "net";
  /** How many bytes the system accepts before the peer has read them. */
  readonly capacity: number;
  /** The longest chunks that are read, in turn. */
  readonly reads: readonly number[];
  /** For a Duplex: its high-water mark for writing. */
  readonly mark: number;
  /** For a Duplex: when it reports that the system has accepted a chunk. */
  readonly replies: "now" | "tick" | "later";
  /** For a Duplex: whether it delivers received bytes from inside calls that write. */
  readonly eager: boolean;
  readonly writev: boolean;
  /** How long bytes travel, in milliseconds. */
  readonly latency: number;
}

/** The peer's own behaviour. */
export interface CasePeer {
  /** Whether the peer answers Pings. */
  readonly pongs: boolean;
  /** Whether the peer answers our Close. */
  readonly closes: boolean;
  /** Whether the peer ends its side after both Closes, or after our side has ended. */
  readonly fins: boolean;
  /** How many bytes the peer reads per millisecond, or null for no limit. */
  readonly rate: number | null;
}

export type Listening = "on" | "property" | "event" | "loop";
export type SentKind = "text" | "binary" | "prepared" | "shared" | "text bytes";

/** A call on the Connection. */
export type Call =
  | {
      readonly call: "send";
      readonly kind: SentKind;
      readonly size: number;
      readonly callback?: boolean;
      readonly copy?: boolean;
      readonly fragmentSize?: number;
      readonly compress?: boolean;
    }
  /** One message, sent by calls with `fin: false`. */
  | { readonly call: "parts"; readonly kind: "text" | "binary"; readonly sizes: readonly number[] }
  /** One message, sent from a source. */
  | {
      readonly call: "pieces";
      readonly kind: "text" | "binary";
      readonly sizes: readonly number[];
      /** How long each piece takes, in milliseconds. 0 is a microtask, -1 is no promise at all. */
      readonly wait: number;
      /** The source throws instead of returning this piece. */
      readonly fails?: number;
      /** The source reuses one buffer for all pieces. */
      readonly reuses?: boolean;
      readonly stream?: boolean;
      readonly compress?: boolean;
    }
  | { readonly call: "ping" | "pong"; readonly size: number; readonly callback?: boolean }
  | { readonly call: "close"; readonly code?: number; readonly reason?: string }
  /** Resumes after this many milliseconds. */
  | { readonly call: "pause"; readonly for: number }
  | { readonly call: "listen"; readonly how: Listening }
  | { readonly call: "terminate" | "resume" | "unlisten" | "leave" | "drained" | "throw" | "invalid" }
  /** Blocks the event loop for this many milliseconds. */
  | { readonly call: "block"; readonly for: number };

/** A write of the peer. */
export type Wrote =
  | {
      readonly write: "message";
      readonly kind: "text" | "binary";
      readonly size: number;
      /** The number of frames. */
      readonly frames: number;
      readonly compress?: boolean;
      /** Whether to send a Ping between its frames. */
      readonly ping?: boolean;
    }
  /** Many short messages. */
  | { readonly write: "messages"; readonly kind: "text" | "binary"; readonly size: number; readonly count: number }
  | { readonly write: "ping" | "pong"; readonly size: number }
  | { readonly write: "close"; readonly code?: number }
  /** A protocol error. See BAD. */
  | { readonly write: "bad"; readonly rule: number };

export type Step =
  | { readonly after: number; readonly calls: readonly Call[] }
  /** All in one write. */
  | { readonly after: number; readonly writes: readonly Wrote[] }
  | { readonly after: number; readonly wire: "fin" | "reset" | "stop" | "go" | "mute" }
  /** The peer repeatedly writes Pings: `pings` of them every `every` milliseconds, `times` times. */
  | { readonly after: number; readonly pings: number; readonly every: number; readonly times: number }
  /** The peer reads this many bytes and stops. */
  | { readonly after: number; readonly takes: number };

/** How the case ends the connection if nothing else has. */
export type Finale = "close" | "peer" | "fin" | "reset" | "terminate" | "dead" | "dead close" | "both";

export interface ConnectionCase {
  readonly role: Role;
  readonly socket: CaseSocket;
  /** How far performance.now() advances at each call, in milliseconds. */
  readonly clock: number;
  readonly options: CaseOptions;
  readonly compress: boolean;
  readonly peer: CasePeer;
  /** How many bytes of the peer arrive together with the handshake. */
  readonly head: number;
  /** The calls that handlers make, in turn. */
  readonly on: {
    readonly message: readonly (readonly Call[])[];
    readonly ping: readonly Call[];
    readonly closing: readonly Call[];
    /** The calls in the "error" handler. Null if there is no such handler. */
    readonly error: readonly Call[] | null;
    readonly close: readonly Call[];
    /** When the promise of a message in pieces settles. */
    readonly sent: readonly Call[];
    /** When the callback of send() is called. */
    readonly callback: readonly Call[];
  };
  /** How long the body of a loop takes for each message, in turn. -1 is no await, 0 is a microtask. */
  readonly waits: readonly number[];
  readonly steps: readonly Step[];
  readonly finale: Finale;
}

/** The payload of a message: its number, followed by bytes that depend on their position. */
export function payload(id: number, kind: "text" | "binary", size: number, ascii: "ascii" | "any" = "any"): Buffer {
  if (kind === "binary") {
    const bytes = Buffer.allocUnsafe(size);
    for (let i = 0; i < size; i++) bytes[i] = (id * 31 + i * 7) & 255;
    if (size >= 4) bytes.writeUInt32LE(id, 0);
    return bytes;
  }
  const head = `${id};`;
  if (size <= head.length) return Buffer.from(head.slice(0, size));
  // Some texts contain characters of several bytes.
  if (ascii === "any" && id % 3 === 0) {
    const filler = "größe 漢字 😀 ";
    return Buffer.from(head + filler.repeat(Math.ceil(size / filler.length)).slice(0, size & ~1));
  }
  return Buffer.from(head.padEnd(size, "abcdefghijklmnopqrstuvwxyz"));
}
