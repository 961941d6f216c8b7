// What a case of the target "connection" is: plain JSON.

import type { Role } from "../../../src/index.ts";

/** Options of a Connection that are varied. The rest keep their defaults. */
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

/** What carries the bytes. */
export interface CaseSocket {
  /** A Duplex in JavaScript, or a net.Socket over a handle that is simulated. */
  readonly kind: "duplex" | "net";
  /** How many bytes the system takes before the peer has read them. */
  readonly capacity: number;
  /** How long the chunks are at most that are read, in turn. */
  readonly reads: readonly number[];
  /** Of a Duplex: its mark for writing. */
  readonly mark: number;
  /** Of a Duplex: when it says that the system has taken a chunk. */
  readonly replies: "now" | "tick" | "later";
  /** Of a Duplex: it delivers what has arrived from inside of calls that write. */
  readonly eager: boolean;
  readonly writev: boolean;
  /** How long bytes are under way, in milliseconds. */
  readonly latency: number;
}

/** What the peer does by itself. */
export interface CasePeer {
  /** It answers Pings. */
  readonly pongs: boolean;
  /** It answers our Close. */
  readonly closes: boolean;
  /** It ends its side after both Closes, and when ours has ended. */
  readonly fins: boolean;
  /** How many bytes it reads in each millisecond: null for all of them. */
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
  /** One message, by calls with `fin: false`. */
  | { readonly call: "parts"; readonly kind: "text" | "binary"; readonly sizes: readonly number[] }
  /** One message from a source. */
  | {
      readonly call: "pieces";
      readonly kind: "text" | "binary";
      readonly sizes: readonly number[];
      /** How long each takes, in milliseconds: 0 is a microtask, -1 no promise at all. */
      readonly wait: number;
      /** The source throws in place of this piece. */
      readonly fails?: number;
      /** It uses one buffer for all pieces. */
      readonly reuses?: boolean;
      readonly stream?: boolean;
      readonly compress?: boolean;
    }
  | { readonly call: "ping" | "pong"; readonly size: number; readonly callback?: boolean }
  | { readonly call: "close"; readonly code?: number; readonly reason?: string }
  /** Goes on after so many milliseconds. */
  | { readonly call: "pause"; readonly for: number }
  | { readonly call: "listen"; readonly how: Listening }
  | { readonly call: "terminate" | "resume" | "unlisten" | "leave" | "drained" | "throw" | "invalid" }
  /** The event loop is blocked for so many milliseconds. */
  | { readonly call: "block"; readonly for: number };

/** What the peer writes. */
export type Wrote =
  | {
      readonly write: "message";
      readonly kind: "text" | "binary";
      readonly size: number;
      /** In how many frames. */
      readonly frames: number;
      readonly compress?: boolean;
      /** A Ping between its frames. */
      readonly ping?: boolean;
    }
  /** Many short ones. */
  | { readonly write: "messages"; readonly kind: "text" | "binary"; readonly size: number; readonly count: number }
  | { readonly write: "ping" | "pong"; readonly size: number }
  | { readonly write: "close"; readonly code?: number }
  /** A broken rule: see BAD. */
  | { readonly write: "bad"; readonly rule: number };

export type Step =
  | { readonly after: number; readonly calls: readonly Call[] }
  /** In one write. */
  | { readonly after: number; readonly writes: readonly Wrote[] }
  | { readonly after: number; readonly wire: "fin" | "reset" | "stop" | "go" | "mute" }
  /** The peer writes Pings for a while: so many, each `every` milliseconds, `times` times. */
  | { readonly after: number; readonly pings: number; readonly every: number; readonly times: number }
  /** The peer reads so many bytes, and stops. */
  | { readonly after: number; readonly takes: number };

/** How a connection ends that nothing has ended before. */
export type Finale = "close" | "peer" | "fin" | "reset" | "terminate" | "dead" | "dead close" | "both";

export interface ConnectionCase {
  readonly role: Role;
  readonly socket: CaseSocket;
  /** How far performance.now() goes with each call, in milliseconds. */
  readonly clock: number;
  readonly options: CaseOptions;
  readonly compress: boolean;
  readonly peer: CasePeer;
  /** How many bytes of the peer came with its handshake. */
  readonly head: number;
  /** What handlers call, in turn. */
  readonly on: {
    readonly message: readonly (readonly Call[])[];
    readonly ping: readonly Call[];
    readonly closing: readonly Call[];
    /** Null for no listener. */
    readonly error: readonly Call[] | null;
    readonly close: readonly Call[];
    /** Of the promise that send() has returned for pieces. */
    readonly sent: readonly Call[];
    /** Of a callback. */
    readonly callback: readonly Call[];
  };
  /** How long the body of a loop takes for each message, in turn: -1 for no await, 0 for a microtask. */
  readonly waits: readonly number[];
  readonly steps: readonly Step[];
  readonly finale: Finale;
}

/** The payload of a message: which one it is, and bytes that tell where they belong. */
export function payload(id: number, kind: "text" | "binary", size: number, ascii: "ascii" | "any" = "any"): Buffer {
  if (kind === "binary") {
    const bytes = Buffer.allocUnsafe(size);
    for (let i = 0; i < size; i++) bytes[i] = (id * 31 + i * 7) & 255;
    if (size >= 4) bytes.writeUInt32LE(id, 0);
    return bytes;
  }
  const head = `${id};`;
  if (size <= head.length) return Buffer.from(head.slice(0, size));
  // Some have characters of several bytes.
  if (ascii === "any" && id % 3 === 0) {
    const filler = "größe 漢字 😀 ";
    return Buffer.from(head + filler.repeat(Math.ceil(size / filler.length)).slice(0, size & ~1));
  }
  return Buffer.from(head.padEnd(size, "abcdefghijklmnopqrstuvwxyz"));
}
