// The interfaces of an extension (RFC 6455 §9): how it is negotiated, and how it changes messages. permessage-deflate
// implements them, and so can your own extensions.

import type { Copies } from "./bytes.ts";
import type { WebSocketError } from "./errors.ts";
import type { Role } from "./options.ts";

/**
 * The parameters of an extension in the order of Sec-WebSocket-Extensions (RFC 6455 §9.1). The value is `true` for a
 * parameter without one. Quotes have been removed. A peer may repeat names.
 */
export type ExtensionParameters = readonly (readonly [name: string, value: string | true])[];

/** A configured extension. One object serves any number of connections. */
export interface Extension {
  /** Its registered token in lower case, for example "permessage-deflate". */
  readonly name: string;
  /** The RSV bits that it owns, as in `frame.rsv`: 4 for RSV1. Two extensions of a connection must not share a bit. */
  readonly rsv: number;
  /** Role client: returns the parameters to offer, in order of preference. */
  offer(): readonly ExtensionParameters[];
  /**
   * Role server: returns the parameters of the response to one offer, or undefined to decline it. It must not throw,
   * whatever the client wrote.
   */
  accept(offer: ExtensionParameters): ExtensionParameters | undefined;
  /** Role client: returns whether the parameters of the response answer one of the offers. */
  confirm(response: ExtensionParameters): boolean;
  /** Starts the extension on a connection, with the parameters of the response. */
  open(role: Role, response: ExtensionParameters): ExtensionSession;
}

/** An extension that the opening handshake agreed on, and the parameters of the response. */
export interface AgreedExtension {
  /** The configured extension. */
  readonly extension: Extension;
  /** The parameters in the response. */
  readonly parameters: ExtensionParameters;
}

/** A message to send, or one fragment of it. */
export interface OutgoingPart {
  /** Borrowed until encode() returns. */
  readonly payload: Uint8Array;
  /** Whether the message is text. Otherwise it is binary. */
  readonly text: boolean;
  /** Whether this is the first part of its message. */
  readonly first: boolean;
  /** Whether this is the last part of its message. */
  readonly last: boolean;
  /** The option of `send(data, { compress })`. If undefined, the extension decides. */
  readonly compress: boolean | undefined;
}

/** A message that has arrived. */
export interface IncomingMessage {
  /** The whole payload as received, unmasked. Borrowed until decode() returns. */
  readonly payload: Uint8Array;
  /** The maximum length of the result, in bytes. */
  readonly maxLength: number;
  /** Offset of the end of the message in the stream, in bytes, for errors. */
  readonly byteOffset: number;
}

/** How a connection wants to receive messages. @internal */
export interface Delivery {
  /** Whether to deliver messages in pieces. */
  readonly fragments: boolean;
  readonly textBytes: boolean;
  readonly allowInvalidUtf8: boolean;
  readonly allocate: (length: number) => Uint8Array<ArrayBuffer>;
  readonly copies: Copies | undefined;
}

/** Learns about an error before it is thrown. @internal */
export interface FailureHandler {
  /** Returns `error`. */
  failed(error: WebSocketError): WebSocketError;
}

/** Receives a message as it is decoded. @internal */
export interface ArrivalSink {
  text(data: string): void;
  textBytes?(data: Uint8Array<ArrayBuffer>): void;
  binary(data: Uint8Array<ArrayBuffer>): void;
  piece?(data: string | Uint8Array<ArrayBuffer>): void;
  end?(): void;
}

/** A message that is decoded while it arrives. @internal */
export interface Arrival {
  /** Whether the whole message has been decoded. */
  readonly done: boolean;
  /** Whether advance() was stopped before it had used all bytes. */
  interrupted: boolean;
  /** How many bytes an interruption holds back. */
  readonly heldBytes: number;
  /**
   * Adds the next bytes of the message. They are borrowed until advance() has used them, or interrupt() is called.
   *
   * @param announced total payload length of the message's frames up to this one, in bytes
   * @param last whether the message ends with these bytes
   * @param byteOffset where in the stream their frame ends, for errors
   */
  feed(bytes: Uint8Array, announced: number, last: boolean, byteOffset: number): void;
  /** Decodes the next piece. Returns its length in bytes, or -1 if it needs more input. @throws WebSocketError */
  advance(sink: ArrivalSink): number;
  /** Stops advance() for now. */
  interrupt(): void;
  /** Delivers the rest. @throws WebSocketError */
  deliver(sink: ArrivalSink): void;
}

/** An extension on one connection: it encodes outgoing messages and decodes incoming ones. */
export interface ExtensionSession {
  /**
   * Returns the payload to send instead of the part's, or undefined to send the whole message unchanged. The first part
   * decides: after bytes, it must return bytes for each part up to the last; after undefined, it is not called for the
   * other parts. The first frame gets the RSV bits of the extension.
   *
   * The part's payload is borrowed until the call returns. Do not write to the returned bytes afterwards.
   */
  encode(part: OutgoingPart): Uint8Array | undefined;
  /**
   * Returns the original of a message that arrived with the RSV bits of the extension. The payload is borrowed until
   * the call returns.
   *
   * @throws WebSocketError if the message is invalid, or longer than maxLength; throw as soon as that is known
   */
  decode(message: IncomingMessage): Uint8Array;
  /**
   * Starts to decode a message while it arrives. There is only one such message at a time. Without this method,
   * messages are collected and passed to decode(). @internal
   */
  begin?(text: boolean, maxLength: number, delivery: Delivery, handler: FailureHandler): Arrival;
  /**
   * Like encode(), for a whole text message. The result is borrowed, and valid until the next call of any extension.
   * Without this method, encode() gets the text as bytes.
   */
  encodeText?(text: string, compress: boolean | undefined): Uint8Array<ArrayBuffer> | undefined;
  /**
   * Whether encode() would change a whole message of this length in bytes. Without this method, that is not known in
   * advance.
   */
  wants?(length: number, compress: boolean | undefined): boolean;
  /** Milliseconds without an outgoing message after which release() is called. Infinity or undefined: never. */
  readonly releaseAfter?: number | undefined;
  /** Frees memory for outgoing messages that the session can do without. */
  release?(): void;
  /** Frees all memory, because the connection has ended. */
  end?(): void;
  /**
   * Like encode(), for a whole message that goes to many connections. The result must not depend on earlier messages.
   * `encoded` belongs to the message: store results there under a key that contains everything they depend on, so that
   * other sessions can reuse them. `compress` is the same as in OutgoingPart. Without this method, each session encodes
   * for itself.
   */
  encodePrepared?(payload: Uint8Array, encoded: Map<string, Uint8Array>, compress?: boolean): Uint8Array | undefined;
}
