// What a case of the fuzzer is: connections, and calls on them, as plain JSON.

export interface ProtocolCase {
  readonly connections: readonly Settings[];
  readonly calls: readonly Call[];
}

/** Options of a connection. -1 takes the place of Infinity, which JSON does not have. */
export interface Settings {
  readonly role: "server" | "client";
  readonly core: "wasm" | "portable";
  readonly fragments?: boolean;
  readonly autoPong?: boolean;
  readonly fragmentSize?: number;
  readonly sliceSize?: number;
  readonly textSlack?: number;
  readonly limits?: { readonly [Name in LimitName]?: number };
  readonly allowUnmasked?: boolean;
  readonly allowMasked?: boolean;
  readonly allowNonMinimalLength?: boolean;
  readonly allowInvalidClose?: boolean;
  readonly allowInvalidUtf8?: boolean;
  /** "nested": a function that makes calls on other connections. */
  readonly maskKey?: "fixed" | "function" | "nested";
  /** Buffers to collect in are not zeroed. */
  readonly dirty?: boolean;
  /** As adapters have them: texts as bytes, and copies of messages made together. */
  readonly textBytes?: boolean;
  readonly copies?: boolean;
  readonly texts?: boolean;
  readonly deflate?: DeflateSettings;
  /** A FrameDecoder gets the same bytes. */
  readonly decoder?: boolean;
  readonly keepalive?: { readonly pingInterval: number; readonly pongTimeout: number; readonly closeTimeout: number };
}

export type LimitName =
  | "maxFrame"
  | "maxMessage"
  | "maxFragments"
  | "maxControlFrames"
  | "controlPeriod"
  | "maxPendingPongs";

export interface DeflateSettings {
  readonly codec?: boolean;
  readonly threshold?: number;
  readonly level?: number;
  readonly history?: number;
  readonly maxInflateRatio?: number;
  readonly contextBudget?: number;
  /** What the handshake has agreed on. */
  readonly serverNoContextTakeover?: boolean;
  readonly clientNoContextTakeover?: boolean;
  readonly serverMaxWindowBits?: number;
  readonly clientMaxWindowBits?: number;
}

/** Text; bytes, one for each character; or one byte many times. */
export type Data = { readonly t: string } | { readonly b: string } | { readonly f: number; readonly n: number };

/** What a peer sends. */
export interface Incoming {
  readonly op: number;
  readonly data?: Data;
  /** Default true. */
  readonly fin?: boolean;
  readonly rsv?: number;
  /** The masking-key; -1 for none. Default: 0 where there has to be one. */
  readonly key?: number;
  readonly lengthBytes?: 1 | 3 | 9;
  /** What the header says that the length is. */
  readonly claims?: string;
  /** A whole message, in frames of so many bytes each. */
  readonly cut?: number;
  /** A Ping after each of these frames. */
  readonly pings?: boolean;
  /** A whole message, compressed. */
  readonly deflate?: {
    readonly level: number;
    /** How many blocks with BFINAL set. */
    readonly finals?: number;
    /** A bit to flip, and how many bytes to leave out at the end. */
    readonly flip?: number;
    readonly drop?: number;
  };
}

/** Calls made in callbacks of a call: in the one with the number `at`, or the first that a source of keys has. */
interface Nesting {
  readonly at?: number;
  readonly inside?: readonly Call[];
}

export type Via = "push" | "receive" | "commit" | "window";
export type Form = "bytes" | "offset" | "view" | "buffer" | "shared";

export type Call = { readonly c: number } & (
  | (Nesting & {
      readonly op: "in";
      /** Comes after what the peer has sent before. */
      readonly sends?: readonly Incoming[];
      /** How much of all that arrives now; -1 for all of it. */
      readonly size: number;
      readonly via: Via;
      readonly form?: Form;
      /** How much later it is; without it, the time is not told. */
      readonly later?: number;
    })
  | { readonly op: "reserve"; readonly sends?: readonly Incoming[]; readonly size: number }
  | (Nesting & { readonly op: "commit"; readonly later?: number })
  | { readonly op: "wrong"; readonly what: Wrong }
  | (Nesting & { readonly op: "end"; readonly via: "push" | "receive" })
  | { readonly op: "cut" }
  | { readonly op: "pause" }
  | (Nesting & { readonly op: "resume"; readonly later?: number })
  | (Nesting & {
      readonly op: "send";
      readonly data: Data;
      readonly prepared?: boolean;
      readonly form?: Form;
      readonly binary?: boolean;
      readonly fin?: boolean;
      readonly compress?: boolean;
      readonly fragmentSize?: number;
    })
  | { readonly op: "copy"; readonly data: Data }
  | (Nesting & { readonly op: "ping" | "pong"; readonly data?: Data })
  | { readonly op: "close"; readonly code?: number; readonly reason?: string }
  | { readonly op: "fail"; readonly closeCode: number }
  | { readonly op: "take"; readonly hold?: boolean }
  | { readonly op: "into"; readonly size: number; readonly hold?: boolean }
  | { readonly op: "release" }
  /** Saves and restores the decoder that has `decoder` set. */
  | { readonly op: "move" }
  | { readonly op: "tick"; readonly later: number }
  | { readonly op: "alive"; readonly later: number }
  /** In a callback: it throws. */
  | { readonly op: "throw" }
);

/** Wrong arguments, which are refused. */
export type Wrong =
  | "chunk"
  | "commit too long"
  | "commit negative"
  | "commit fraction"
  | "data"
  | "options"
  | "ping"
  | "reason"
  | "sink";
