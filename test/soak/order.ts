// The order for one connection of a soak. Both ends get the same order.

/** The clients. */
export type ClientName = "ws" | "undici" | "wsframe" | "websockets" | "chromium";

/** A message: text or binary, its size in UTF-16 code units or bytes, and the number of frames. */
export type Item = readonly [kind: "text" | "binary", size: number, fragments: number];

/** How a connection is made: with or without permessage-deflate, over TLS, or over HTTP/2. */
export type Way = "deflate" | "bare" | "tls" | "http2";

export function isTls(way: Way): boolean {
  return way === "tls" || way === "http2";
}

/** Faults after which a connection can still end cleanly. */
export const HARMLESS = ["split", "delay", "stall"] as const;
/** Faults with which the proxy cuts a connection. */
export const CUTS = ["reset", "cut", "half-close", "truncate", "silence"] as const;
/** Faults that a client causes on its own socket. */
export const ABORTS = ["terminate", "reset", "half-close"] as const;
export type ProxyFault = (typeof HARMLESS)[number] | (typeof CUTS)[number];
export type Abort = (typeof ABORTS)[number];

export interface Order {
  readonly id: number;
  readonly client: ClientName;
  readonly way: Way;
  readonly url: string;
  /** The messages of the client and of the server, and the time between two of them, in milliseconds. */
  readonly up: readonly Item[];
  readonly down: readonly Item[];
  readonly pace: number;
  /** Whether the server echoes messages. */
  readonly echo: boolean;
  /** How long the connection receives broadcasts at least, in milliseconds; 0 for none. */
  readonly room: number;
  /** How long an end takes for each message, in milliseconds. */
  readonly slowServer: number;
  readonly slowClient: number;
  readonly pings: boolean;
  /** The end that closes when everything has been sent. An eager client does so without waiting for the answers. */
  readonly closer: "client" | "server" | "eager";
  readonly proxy: ProxyFault | undefined;
  /** The client's fault and its time, in milliseconds. */
  readonly abort: { readonly how: Abort; readonly after: number } | undefined;
}

/** The last message of each end. */
export const END = "\u0000end";

/** Whether the connection can end cleanly despite the faults in its order. */
export function isHarmless({ proxy, abort }: Order): boolean {
  return abort === undefined && (proxy === undefined || HARMLESS.some((fault) => fault === proxy));
}
