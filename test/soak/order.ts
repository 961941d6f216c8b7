// What a connection of a soak is told to do. Both of its ends get the same order.

/** Who connects. */
export type ClientName = "ws" | "undici" | "wsframe" | "websockets" | "chromium";

/** A message: text or binary, its size in UTF-16 code units or bytes, and in how many frames it is sent. */
export type Item = readonly [kind: "text" | "binary", size: number, fragments: number];

/** Where a connection goes: with permessage-deflate or without, over TLS, over HTTP/2. */
export type Way = "deflate" | "bare" | "tls" | "http2";

export function isTls(way: Way): boolean {
  return way === "tls" || way === "http2";
}

/** What happens on the way, after which a connection can still end cleanly. */
export const HARMLESS = ["split", "delay", "stall"] as const;
/** What the proxy does to cut a connection. */
export const CUTS = ["reset", "cut", "half-close", "truncate", "silence"] as const;
/** What a client does to its own socket. */
export const ABORTS = ["terminate", "reset", "half-close"] as const;
export type ProxyFault = (typeof HARMLESS)[number] | (typeof CUTS)[number];
export type Abort = (typeof ABORTS)[number];

export interface Order {
  readonly id: number;
  readonly client: ClientName;
  readonly way: Way;
  readonly url: string;
  /** What the client sends, and what the server sends; the time between two of them, in milliseconds. */
  readonly up: readonly Item[];
  readonly down: readonly Item[];
  readonly pace: number;
  /** The server sends back what it gets. */
  readonly echo: boolean;
  /** The connection gets the broadcasts, for at least this many milliseconds; 0 for none. */
  readonly room: number;
  /** How long an end takes for each message, in milliseconds. */
  readonly slowServer: number;
  readonly slowClient: number;
  readonly pings: boolean;
  /** Who closes once all is said. An eager client does so without waiting for the answers. */
  readonly closer: "client" | "server" | "eager";
  readonly proxy: ProxyFault | undefined;
  /** What the client does to its socket, and when, in milliseconds. */
  readonly abort: { readonly how: Abort; readonly after: number } | undefined;
}

/** The last message of each side. */
export const END = "\u0000end";

/** Whether nothing in an order keeps its connection from ending cleanly. */
export function isHarmless({ proxy, abort }: Order): boolean {
  return abort === undefined && (proxy === undefined || HARMLESS.some((fault) => fault === proxy));
}
