// The cases of the handshake target, as plain JSON. Bytes are latin1 strings, which are readable.

import type { PerMessageDeflateOptions } from "../../../src/index.ts";

/** The options of permessage-deflate that affect its negotiation. */
export type DeflateOptions = Pick<
  PerMessageDeflateOptions,
  "serverNoContextTakeover" | "clientNoContextTakeover" | "serverMaxWindowBits" | "clientMaxWindowBits" | "fallback"
>;

export interface HeadLimits {
  readonly maxHeadSize?: number;
  readonly maxHeaderFields?: number;
}

/** Bytes for a server. */
export interface RequestCase {
  readonly kind: "request";
  readonly text: string;
  readonly cuts: readonly number[];
  /** Whether to also run the head cut in two at each byte. */
  readonly everywhere: boolean;
  readonly limits: HeadLimits;
  readonly protocols: readonly string[];
  /** Default: the extension is not supported. */
  readonly deflate?: DeflateOptions;
}

/** Bytes for a client that has sent this request. */
export interface ResponseCase {
  readonly kind: "response";
  readonly text: string;
  readonly cuts: readonly number[];
  /** Whether to also run the head cut in two at each byte. */
  readonly everywhere: boolean;
  readonly limits: HeadLimits;
  readonly key: string;
  readonly protocols: readonly string[];
  readonly deflate?: DeflateOptions;
}

/** A client and a server of this package, which must agree. */
export interface PairCase {
  readonly kind: "pair";
  readonly client: { readonly protocols: readonly string[]; readonly deflate?: DeflateOptions };
  readonly server: { readonly protocols: readonly string[]; readonly deflate?: DeflateOptions };
}

/** The value of a header field. */
export interface ValueCase {
  readonly kind: "value";
  readonly value: string;
}

/** A text that can be made longer, to see whether the time grows faster than the text. */
export interface TimeCase {
  readonly kind: "time";
  readonly where: "head" | "status" | "field" | "Sec-WebSocket-Extensions" | "Sec-WebSocket-Protocol" | "Connection";
  readonly before: string;
  readonly repeated: string;
  readonly after: string;
}

export type HandshakeCase = RequestCase | ResponseCase | PairCase | ValueCase | TimeCase;
