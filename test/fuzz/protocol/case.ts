// The cases of the target "protocol": connections and calls on them, as plain JSON.

export interface ProtocolCase {
  readonly connections: readonly Settings[];
  readonly calls: readonly Call[];
}

/** Options of a connection. -1 represents Infinity, which JSON does not have. */
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
  /** The source of keys. "nested" is a function that makes calls on other connections. */
  readonly maskKey?: "fixed" | "function" | "nested";
  /** Message buffers are not zeroed. */
  readonly dirty?: boolean;
  /** Options that adapters use: text is delivered as bytes, and messages are copied together. */
  readonly textBytes?: boolean;
  readonly copies?: boolean;
  readonly texts?: boolean;
  readonly deflate?: DeflateSettings;
  /** Whether a FrameDecoder receives the same bytes. */
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
  /** The result of the handshake. */
  readonly serverNoContextTakeover?: boolean;
  readonly clientNoContextTakeover?: boolean;
  readonly serverMaxWindowBits?: number;
  readonly clientMaxWindowBits?: number;
}

/** Text; bytes, one for each character; or one byte many times. */
export type Data = { readonly t: string } | { readonly b: string } | { readonly f: number; readonly n: number };

/** Frames or messages that a peer sends. */
export interface Incoming {
  readonly op: number;
  readonly data?: Data;
  /** Default true. */
  readonly fin?: boolean;
  readonly rsv?: number;
  /** The masking-key, or -1 for none. Default: 0 if a mask is required. */
  readonly key?: number;
  readonly lengthBytes?: 1 | 3 | 9;
  /** The length in the header. */
  readonly claims?: string;
  /** A whole message in frames of this many bytes each. */
  readonly cut?: number;
  /** Whether a Ping follows each of these frames. */
  readonly pings?: boolean;
  /** A whole message, compressed. */
  readonly deflate?: {
    readonly level: number;
    /** The number of blocks with BFINAL set. */
    readonly finals?: number;
    /** A bit to flip, and the number of bytes to leave out at the end. */
    readonly flip?: number;
    readonly drop?: number;
  };
}

/** Calls made in the callbacks of a call: in callback number `at`, or the first one of a source of keys. */
interface Nesting {
  readonly at?: number;
  readonly inside?: readonly Call[];
}

export type Via = "push" | "receive" | "commit" | "window";
export type Form = "bytes" | "offset" | "view" | "buffer" | "shared";

export type Call = { readonly c: number } & (
  | (Nesting & {
      readonly op: "in";
      /** These bytes arrive after everything that the peer sent before. */
      readonly sends?: readonly Incoming[];
      /** How many of the pending bytes arrive now, or -1 for all. */
      readonly size: number;
      readonly via: Via;
      readonly form?: Form;
      /** How much time has passed. If undefined, no time is passed to the connection. */
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
  /** Saves and restores the decoder of a connection with `decoder`. */
  | { readonly op: "move" }
  | { readonly op: "tick"; readonly later: number }
  | { readonly op: "alive"; readonly later: number }
  /** In a callback, throws an exception. */
  | { readonly op: "throw" }
);

/** Calls with invalid arguments, which must be refused. */
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
