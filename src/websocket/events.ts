// The events of a WebSocket. Node has had a CloseEvent since version 23, and has had no ErrorEvent for longer.

import type { WebSocket } from "./web-socket.ts";

/** A message has arrived. On Node it is a global `MessageEvent`. */
export interface WebSocketMessageEvent extends Event {
  /** A string for text. For binary a Blob or an ArrayBuffer, as `binaryType` says; it is yours. */
  readonly data: string | ArrayBuffer | Blob;
  /** The origin of the URL, such as `wss://example.com`. */
  readonly origin: string;
}

/** The connection has ended, or could not be opened. It is a global `CloseEvent`, where there is one. */
export interface WebSocketCloseEvent extends Event {
  /** The code of the peer's Close; 1005 if it had none, 1006 if there was no Close (RFC 6455 §7.1.5). */
  readonly code: number;
  /** The reason in the peer's Close, or "". */
  readonly reason: string;
  /** Whether the peer sent a Close. */
  readonly wasClean: boolean;
}

/**
 * The connection has failed. It is a global `ErrorEvent`, where there is one; in browsers it is an Event without details, and so
 * are those that others dispatch.
 */
export interface WebSocketErrorEvent extends Event {
  /** Why: a HandshakeError, a WebSocketError, or an error of the socket. */
  readonly error?: unknown;
  /** The message of that error. */
  readonly message?: string;
}

/** The events of a WebSocket, by their types. */
export interface WebSocketEventMap {
  /** The connection is open. */
  open: Event;
  /** A message has arrived. */
  message: WebSocketMessageEvent;
  /** The connection has failed. A close event follows at once. */
  error: WebSocketErrorEvent;
  /** The connection has ended. It is the last event. */
  close: WebSocketCloseEvent;
}

/** The value of an on-property. */
export type WebSocketHandler<T extends keyof WebSocketEventMap> = ((event: WebSocketEventMap[T]) => unknown) | null;

/** What addEventListener() takes as a listener. In a function `this` is the WebSocket. */
export type WebSocketListener<T extends keyof WebSocketEventMap> =
  | ((this: WebSocket, event: WebSocketEventMap[T]) => unknown)
  | { handleEvent(event: WebSocketEventMap[T]): unknown }
  | null;

/** Options of addEventListener(), as of every EventTarget. */
export interface WebSocketListenerOptions {
  /** Has no effect, but tells listeners apart. Default false. */
  readonly capture?: boolean;
  /** Remove the listener before its first event is handed to it. Default false. */
  readonly once?: boolean;
  /** Has no effect. Default false. */
  readonly passive?: boolean;
  /** Removes the listener when it is aborted. Default none. */
  readonly signal?: AbortSignal;
}

type Maker<Details, Made> = new (type: string, details: Details) => Made;
type CloseDetails = Pick<WebSocketCloseEvent, "code" | "reason" | "wasClean">;
type ErrorDetails = Required<Pick<WebSocketErrorEvent, "error" | "message">>;

/** In the place of a global that is missing. */
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

/** In the place of a global that is missing. */
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
