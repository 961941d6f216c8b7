// The events of a Protocol, as objects in a list or as calls of a sink.

import type { WebSocketError } from "../frame/errors.ts";

/** A text message. */
export interface TextEvent {
  readonly type: "text";
  /** The whole message. It is valid UTF-8 (RFC 6455 §8.1). With `allowInvalidUtf8`, U+FFFD replaces invalid bytes. */
  readonly data: string;
}

/** A binary message. */
export interface BinaryEvent {
  readonly type: "binary";
  /** The whole message. The bytes are yours, and nothing else uses their buffer. */
  readonly data: Uint8Array<ArrayBuffer>;
}

/** A message begins. With the option `fragments`, messages arrive as start, piece and end instead of text or binary. */
export interface StartEvent {
  readonly type: "start";
  /** The kind of its pieces: strings for `"text"`, bytes for `"binary"`. */
  readonly kind: "text" | "binary";
}

/** The next piece of the current message. */
export interface PieceEvent {
  readonly type: "piece";
  /** At least one character or byte. A character is never cut. Bytes are yours. */
  readonly data: string | Uint8Array<ArrayBuffer>;
}

/** The current message is complete. */
export interface EndEvent {
  readonly type: "end";
}

/** A Ping (RFC 6455 §5.5.2). Its Pong is already queued, unless `autoPong` is off. */
export interface PingEvent {
  readonly type: "ping";
  /** Its payload, 0 to 125 bytes. The bytes are yours. */
  readonly data: Uint8Array<ArrayBuffer>;
}

/** A Pong (RFC 6455 §5.5.3). */
export interface PongEvent {
  readonly type: "pong";
  /** Its payload, 0 to 125 bytes: that of the Ping it answers. The bytes are yours. */
  readonly data: Uint8Array<ArrayBuffer>;
}

/** The connection has ended. This event comes exactly once, and it is the last one. */
export interface CloseEvent {
  readonly type: "close";
  /** The code of the peer's Close: 1005 if the Close had no code, 1006 if there was no Close (RFC 6455 §7.1.5). */
  readonly code: number;
  /** The reason of the peer's Close; empty if it gave none. */
  readonly reason: string;
  /** Whether the peer sent a Close. Ours was sent earlier, or is the answer. */
  readonly wasClean: boolean;
}

/** The peer broke a rule or exceeded a limit. A Close that reports it is queued, and a close event follows. */
export interface ErrorEvent {
  readonly type: "error";
  /** Which rule was broken, and at which byte. Also available as `protocol.error`. */
  readonly error: WebSocketError;
}

/** An event that `Protocol.receive()` returns. `type` tells the kinds apart. */
export type ProtocolEvent =
  | TextEvent
  | BinaryEvent
  | StartEvent
  | PieceEvent
  | EndEvent
  | PingEvent
  | PongEvent
  | CloseEvent
  | ErrorEvent;

/**
 * Receives events from Protocol.push() as calls, without an object for each event. A callback may send on the same Protocol and
 * use any other one. It must not receive on the same one.
 */
export interface MessageSink {
  /** A whole text message: see TextEvent. */
  text(data: string): void;
  /** A whole binary message: see BinaryEvent. */
  binary(data: Uint8Array<ArrayBuffer>): void;
  /** Called instead of text() with the option `textBytes`: a whole text message. @internal */
  textBytes?(data: Uint8Array<ArrayBuffer>): void;
  /** A Ping (RFC 6455 §5.5.2): see PingEvent. */
  ping(data: Uint8Array<ArrayBuffer>): void;
  /** A Pong (§5.5.3): see PongEvent. */
  pong(data: Uint8Array<ArrayBuffer>): void;
  /** The peer broke a rule or exceeded a limit: see ErrorEvent. A call of close() follows. */
  error(error: WebSocketError): void;
  /** The connection has ended: see CloseEvent. This call comes exactly once, and it is the last one. */
  close(code: number, reason: string, wasClean: boolean): void;
  /** A message begins: see StartEvent. Required with the option `fragments`, like piece() and end(). */
  start?(kind: "text" | "binary"): void;
  /** The next piece of the message: see PieceEvent. */
  piece?(data: string | Uint8Array<ArrayBuffer>): void;
  /** The message is complete: see EndEvent. */
  end?(): void;
}

/** A sink that collects events in a list. @internal */
export class EventList implements MessageSink {
  readonly events: ProtocolEvent[] = [];

  text(data: string): void {
    this.events.push({ type: "text", data });
  }

  binary(data: Uint8Array<ArrayBuffer>): void {
    this.events.push({ type: "binary", data });
  }

  start(kind: "text" | "binary"): void {
    this.events.push({ type: "start", kind });
  }

  piece(data: string | Uint8Array<ArrayBuffer>): void {
    this.events.push({ type: "piece", data });
  }

  end(): void {
    this.events.push({ type: "end" });
  }

  ping(data: Uint8Array<ArrayBuffer>): void {
    this.events.push({ type: "ping", data });
  }

  pong(data: Uint8Array<ArrayBuffer>): void {
    this.events.push({ type: "pong", data });
  }

  error(error: WebSocketError): void {
    this.events.push({ type: "error", error });
  }

  close(code: number, reason: string, wasClean: boolean): void {
    this.events.push({ type: "close", code, reason, wasClean });
  }
}

/** Thrown to leave a call when the connection has ended before all bytes are decoded. @internal */
export const STOP: Error = /* @__PURE__ */ new Error("The connection has ended");

function stop(): never {
  throw STOP;
}

/** The sink after the close event, when nothing more may be delivered. @internal */
export const STOPPED: MessageSink = {
  text: stop,
  textBytes: stop,
  binary: stop,
  start: stop,
  piece: stop,
  end: stop,
  ping: stop,
  pong: stop,
  error: stop,
  close: stop,
};
