// The options of the constructor that the standard does not have.

import { checkNames, type Hints, type Names } from "../frame/known-options.ts";
import { createRequest, type HeaderSource, perMessageDeflate } from "../index.ts";
import { readDelay } from "../node/delay.ts";
import type { ConnectOptions } from "../node/index.ts";
import { CLIENT_HINTS, requestOptions } from "../node/known-options.ts";
import { checkOptions } from "../node/options.ts";

/**
 * Options of a WebSocket that the standard does not have. They are options of connect(). The default of `extensions` is
 * `[perMessageDeflate()]`.
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

/**
 * The second argument in the form of Node's own WebSocket, for programs written for that. It also accepts the options of this
 * class.
 */
export interface WebSocketInit extends Omit<WebSocketOptions, "headers"> {
  /** One subprotocol, or a list of them. Default none. */
  readonly protocols?: string | Iterable<string> | undefined;
  /** Additional header fields. Default none. */
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
  dispatcher: "use the option `agent`",
  perMessageDeflate: "compression is offered by default; `extensions: []` turns it off",
  protocol: "pass subprotocols as the second argument",
  protocols: "pass subprotocols as the second argument",
  signal: "to give up connecting, call close()",
};

/** Converts the second argument to options, without the subprotocols. @internal */
export function optionsOf({ protocols: _protocols, headers, ...rest }: WebSocketInit): WebSocketOptions {
  if (headers === undefined) return rest;
  return {
    ...rest,
    headers: isPairs(headers) ? headers.map(([name = "", value = ""]) => [name, value] as const) : headers,
  };
}

/**
 * Makes the options of connect(), and checks them now, so that the constructor throws what connect() would reject with.
 * @throws TypeError, RangeError @internal
 */
export function readOptions(url: string, protocols: readonly string[], options: WebSocketOptions = {}): ConnectOptions {
  checkNames("new WebSocket()", options, NAMES, HINTS);
  const all = { ...options, protocols, extensions: options.extensions ?? [perMessageDeflate()] };
  void createRequest(url, requestOptions(all));
  if (options.handshakeTimeout !== undefined) readDelay("handshakeTimeout", options.handshakeTimeout);
  if (options.socketPath === "") throw new TypeError("socketPath must not be empty");
  checkOptions("client", options);
  return all;
}

function isPairs(headers: HeaderSource | readonly (readonly string[])[]): headers is readonly (readonly string[])[] {
  return Array.isArray(headers);
}
