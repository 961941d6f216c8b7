// What the constructor takes beyond the standard.

import { checkNames, type Hints, type Names } from "../frame/known-options.ts";
import { createRequest, type HeaderSource, perMessageDeflate } from "../index.ts";
import { readDelay } from "../node/delay.ts";
import type { ConnectOptions } from "../node/index.ts";
import { CLIENT_HINTS } from "../node/known-options.ts";
import { checkOptions } from "../node/options.ts";

/**
 * Options of a WebSocket beyond the standard: those of connect() that a client needs. `extensions` is `[perMessageDeflate()]` by default.
 */
export interface WebSocketOptions extends Pick<
  ConnectOptions,
  | "agent"
  | "closeTimeout"
  | "extensions"
  | "handshakeTimeout"
  | "headers"
  | "http2"
  | "limits"
  | "origin"
  | "pingInterval"
  | "pongTimeout"
  | "socketPath"
  | "tls"
> {}

/** The second argument of Node's own WebSocket, with the options of this one: for programs that were written for that. */
export interface WebSocketInit extends Omit<WebSocketOptions, "headers"> {
  /** The subprotocols, or one. Default none. */
  readonly protocols?: string | Iterable<string> | undefined;
  /** Further header fields. Default none. */
  readonly headers?: HeaderSource | readonly (readonly string[])[] | undefined;
}

const NAMES: Names<WebSocketOptions> = {
  agent: true,
  closeTimeout: true,
  extensions: true,
  handshakeTimeout: true,
  headers: true,
  http2: true,
  limits: true,
  origin: true,
  pingInterval: true,
  pongTimeout: true,
  socketPath: true,
  tls: true,
};

const HINTS: Hints = {
  ...CLIENT_HINTS,
  dispatcher: "use an `agent`",
  perMessageDeflate: "it is offered by default; `extensions: []` offers nothing",
  protocol: "subprotocols are the second argument",
  protocols: "subprotocols are the second argument",
  signal: "call close(), which also gives up connecting",
};

/** The same, apart from the subprotocols. @internal */
export function optionsOf({ protocols: _protocols, headers, ...rest }: WebSocketInit): WebSocketOptions {
  if (headers === undefined) return rest;
  return {
    ...rest,
    headers: isPairs(headers) ? headers.map(([name = "", value = ""]) => [name, value] as const) : headers,
  };
}

/**
 * The options of connect(), checked now: the constructor throws what connect() would reject with.
 * @throws TypeError, RangeError @internal
 */
export function readOptions(url: string, protocols: readonly string[], options: WebSocketOptions = {}): ConnectOptions {
  checkNames("new WebSocket()", options, NAMES, HINTS);
  const all = { ...options, protocols, extensions: options.extensions ?? [perMessageDeflate()] };
  void createRequest(url, all);
  if (options.handshakeTimeout !== undefined) readDelay("handshakeTimeout", options.handshakeTimeout);
  if (options.socketPath === "") throw new TypeError("socketPath must not be empty");
  checkOptions("client", options);
  return all;
}

function isPairs(headers: HeaderSource | readonly (readonly string[])[]): headers is readonly (readonly string[])[] {
  return Array.isArray(headers);
}
