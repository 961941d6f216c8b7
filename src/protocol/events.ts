// What a Protocol tells: as events in a list, or through the calls of a sink.

import type { WebSocketError } from "../frame/errors.ts";

/** A text message. */
export interface TextEvent {
  readonly type: "text";
  /** The whole message. It is valid UTF-8, unless `allowInvalidUtf8` let U+FFFD in (RFC 6455 §8.1). */
  readonly data: string;
}

/** A binary message. */
export interface BinaryEvent {
  readonly type: "binary";
  /** The whole message. The bytes are yours, and nobody else has their buffer. */
  readonly data: Uint8Array<ArrayBuffer>;
}

/** A message begins. With the option `fragments`, in place of text and binary. */
export interface StartEvent {
  readonly type: "start";
  /** What its pieces are: strings of text, or bytes. */
  readonly kind: "text" | "binary";
}

/** The next characters or bytes of the message that has begun. */
export interface PieceEvent {
  readonly type: "piece";
  /** At least one character or byte, and no half of either. Bytes are yours. */
  readonly data: string | Uint8Array<ArrayBuffer>;
}

/** The message that has begun is complete. */
export interface EndEvent {
  readonly type: "end";
}

/** A Ping (RFC 6455 §5.5.2). Unless `autoPong` is off, its Pong is queued. */
export interface PingEvent {
  readonly type: "ping";
  /** Its payload, at most 125 bytes: yours. */
  readonly data: Uint8Array<ArrayBuffer>;
}

/** A Pong (§5.5.3). */
export interface PongEvent {
  readonly type: "pong";
  /** Its payload, at most 125 bytes: yours. It repeats the payload of the Ping that it answers (§5.5.3). */
  readonly data: Uint8Array<ArrayBuffer>;
}

/** The connection has ended: the last event, and there is always one. */
export interface CloseEvent {
  readonly type: "close";
  /** The code of the peer's Close; 1005 if it had none, 1006 if there was no Close (§7.1.5). */
  readonly code: number;
  /** The reason in the peer's Close. */
  readonly reason: string;
  /** Whether the peer has sent a Close. Ours was sent before, or is the answer to it. */
  readonly wasClean: boolean;
}

/** The peer has broken a rule or a limit. The Close that says so is queued, and a close event follows. */
export interface ErrorEvent {
  readonly type: "error";
  /** What was broken, and at which byte. Also in `protocol.error`. */
  readonly error: WebSocketError;
}

/** What `Protocol.receive()` returns: `type` says which it is. */
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
 * Where Protocol.push() delivers events: as calls, without an object for each. A callback may send on this Protocol and use
 * any other, but must not receive on this one.
 */
export interface MessageSink {
  /** A whole text message: see TextEvent. */
  text(data: string): void;
  /** A whole binary message: see BinaryEvent. */
  binary(data: Uint8Array<ArrayBuffer>): void;
  /** With the option `textBytes`, a whole text message in place of text(). @internal */
  textBytes?(data: Uint8Array<ArrayBuffer>): void;
  /** A Ping (RFC 6455 §5.5.2): see PingEvent. */
  ping(data: Uint8Array<ArrayBuffer>): void;
  /** A Pong (§5.5.3): see PongEvent. */
  pong(data: Uint8Array<ArrayBuffer>): void;
  /** The peer has broken a rule or a limit: see ErrorEvent. `close` follows. */
  error(error: WebSocketError): void;
  /** The connection has ended: the last call, and there is always one. See CloseEvent. */
  close(code: number, reason: string, wasClean: boolean): void;
  /** A message begins. This and the next two: with the option `fragments`, in place of text and binary. */
  start?(kind: "text" | "binary"): void;
  /** The next piece of it: see PieceEvent. */
  piece?(data: string | Uint8Array<ArrayBuffer>): void;
  /** It is complete. */
  end?(): void;
}

/** A sink that makes the list of events. @internal */
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

/** What ends a call in which the connection has ended, with bytes left to decode. @internal */
export const STOP: Error = /* @__PURE__ */ new Error("The connection has ended");

function stop(): never {
  throw STOP;
}

/** The sink of a connection that has ended: nothing may come after its close event. @internal */
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
