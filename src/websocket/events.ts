// The events of a WebSocket. They use the global classes CloseEvent and ErrorEvent, which older versions of Node do not have.

import type { WebSocket } from "./web-socket.ts";

/** A message has arrived. The event is an instance of the global `MessageEvent`. */
export interface WebSocketMessageEvent extends Event {
  /** A string for text. For binary messages, a Blob or an ArrayBuffer, depending on `binaryType`. The memory is yours. */
  readonly data: string | ArrayBuffer | Blob;
  /** The origin of the URL, such as `wss://example.com`. */
  readonly origin: string;
}

/** The connection has ended or could not be opened. The event is an instance of the global `CloseEvent`, if Node has one. */
export interface WebSocketCloseEvent extends Event {
  /** The code of the peer's Close; 1005 if it has no code, 1006 if the peer sent no Close (RFC 6455 §7.1.5). */
  readonly code: number;
  /** The reason in the peer's Close, or "". */
  readonly reason: string;
  /** Whether the peer sent a Close. */
  readonly wasClean: boolean;
}

/**
 * The connection has failed. The event is an instance of the global `ErrorEvent`, if Node has one. In browsers, and if another
 * program dispatches it, it is an Event without the details below.
 */
export interface WebSocketErrorEvent extends Event {
  /** The cause: a HandshakeError, a WebSocketError, or an error of the socket. */
  readonly error?: unknown;
  /** The message of `error`. */
  readonly message?: string;
}

/** The events of a WebSocket, by type. */
export interface WebSocketEventMap {
  /** The connection is open. */
  open: Event;
  /** A message has arrived. */
  message: WebSocketMessageEvent;
  /** The connection has failed. A close event follows. */
  error: WebSocketErrorEvent;
  /** The connection has ended. It is the last event. */
  close: WebSocketCloseEvent;
}

/** The value of an on-property. */
export type WebSocketHandler<T extends keyof WebSocketEventMap> = ((event: WebSocketEventMap[T]) => unknown) | null;

/** A listener for addEventListener(). In a function, `this` is the WebSocket. */
export type WebSocketListener<T extends keyof WebSocketEventMap> =
  | ((this: WebSocket, event: WebSocketEventMap[T]) => unknown)
  | { handleEvent(event: WebSocketEventMap[T]): unknown }
  | null;

/** Options of addEventListener(), as for every EventTarget. */
export interface WebSocketListenerOptions {
  /** Has no effect, except that the same listener can be added once with and once without it. Default false. */
  readonly capture?: boolean;
  /** Whether to remove the listener before it is called for the first time. Default false. */
  readonly once?: boolean;
  /** Has no effect. Default false. */
  readonly passive?: boolean;
  /** The listener is removed when this signal is aborted. Default none. */
  readonly signal?: AbortSignal;
}

type Maker<Details, Made> = new (type: string, details: Details) => Made;
type CloseDetails = Pick<WebSocketCloseEvent, "code" | "reason" | "wasClean">;
type ErrorDetails = Required<Pick<WebSocketErrorEvent, "error" | "message">>;

/** Replaces the global CloseEvent if it is missing. */
class OwnCloseEvent extends Event implements WebSocketCloseEvent {
  readonly #details: CloseDetails;

  constructor(type: string, details: CloseDetails) {
    super(type);
    this.#details = details;
  }

  get code(): number {
    return this.#details.code;
  }

  get reason(): string {
    return this.#details.reason;
  }

  get wasClean(): boolean {
    return this.#details.wasClean;
  }
}

/** Replaces the global ErrorEvent if it is missing. */
class OwnErrorEvent extends Event implements WebSocketErrorEvent {
  readonly #details: ErrorDetails;

  constructor(type: string, details: ErrorDetails) {
    super(type);
    this.#details = details;
  }

  get error(): unknown {
    return this.#details.error;
  }

  get message(): string {
    return this.#details.message;
  }
}

Object.defineProperty(OwnCloseEvent, "name", { value: "CloseEvent" });
Object.defineProperty(OwnErrorEvent, "name", { value: "ErrorEvent" });

const { CloseEvent = OwnCloseEvent, ErrorEvent = OwnErrorEvent } = globalThis as {
  readonly CloseEvent?: Maker<CloseDetails, WebSocketCloseEvent>;
  readonly ErrorEvent?: Maker<ErrorDetails, WebSocketErrorEvent>;
};

/** @internal */
export function closeEvent(details: CloseDetails): WebSocketCloseEvent {
  return new CloseEvent("close", details);
}

/** @internal */
export function errorEvent(error: unknown): WebSocketErrorEvent {
  return new ErrorEvent("error", { error, message: error instanceof Error ? error.message : String(error) });
}

/** @internal */
export function messageEvent(data: string | ArrayBuffer | Blob, origin: string): WebSocketMessageEvent {
  return new MessageEvent("message", { data, origin });
}
