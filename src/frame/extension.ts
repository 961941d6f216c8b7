// What an extension is (RFC 6455 §9): how it is negotiated, and what it does to messages. permessage-deflate is
// one; others are written against the same interfaces.

import type { Copies } from "./bytes.ts";
import type { WebSocketError } from "./errors.ts";
import type { Role } from "./options.ts";

/**
 * The parameters of an extension as they stand in Sec-WebSocket-Extensions, in their order: `true` for one without a
 * value. Quotes have been taken off. In what a peer wrote, names may repeat.
 */
export type ExtensionParameters = readonly (readonly [name: string, value: string | true])[];

/** An extension as it is configured: one serves any number of connections. */
export interface Extension {
  /** Its registered token, in lower case: "permessage-deflate". */
  readonly name: string;
  /** The RSV bits that it owns, as in `frame.rsv`: 4 for RSV1. No two extensions of a connection may share one. */
  readonly rsv: number;
  /** Role client: what to offer, in order of preference. */
  offer(): readonly ExtensionParameters[];
  /**
   * Role server: the parameters of the response to one offer, or undefined to decline it. What a client wrote must
   * never make it throw.
   */
  accept(offer: ExtensionParameters): ExtensionParameters | undefined;
  /** Role client: whether the parameters of a response are an answer to what offer() returns. */
  confirm(response: ExtensionParameters): boolean;
  /** Begins the extension on a connection, with the parameters of the response. */
  open(role: Role, response: ExtensionParameters): ExtensionSession;
}

/** What the opening handshake has agreed on: an extension with the parameters of the response. */
export interface AgreedExtension {
  /** The one that was configured. */
  readonly extension: Extension;
  /** The parameters in the response. */
  readonly parameters: ExtensionParameters;
}

/** A message, or a fragment of one, that is about to be sent. */
export interface OutgoingPart {
  /** Borrowed until encode() returns. */
  readonly payload: Uint8Array;
  /** Whether it is of a text message, and not a binary one. */
  readonly text: boolean;
  /** Whether it begins its message. */
  readonly first: boolean;
  /** Whether it ends its message. */
  readonly last: boolean;
  /** What the sender asks for with `send(data, { compress })`; undefined leaves it to the extension. */
  readonly compress: boolean | undefined;
}

/** What a message is that has arrived. */
export interface IncomingMessage {
  /** All of it, as it was on the wire, unmasked. Borrowed until decode() returns. */
  readonly payload: Uint8Array;
  /** The most bytes that the result may have. */
  readonly maxLength: number;
  /** Where in the stream the message ended, in bytes: for errors. */
  readonly byteOffset: number;
}

/** How a connection wants the messages that arrive. @internal */
export interface Delivery {
  /** Whether in pieces. */
  readonly fragments: boolean;
  readonly textBytes: boolean;
  readonly allowInvalidUtf8: boolean;
  readonly allocate: (length: number) => Uint8Array<ArrayBuffer>;
  readonly copies: Copies | undefined;
}

/** Who is told of an error before it is thrown. @internal */
export interface FailureHandler {
  /** Returns it. */
  failed(error: WebSocketError): WebSocketError;
}

/** Where a message goes that arrives. @internal */
export interface ArrivalSink {
  text(data: string): void;
  textBytes?(data: Uint8Array<ArrayBuffer>): void;
  binary(data: Uint8Array<ArrayBuffer>): void;
  piece?(data: string | Uint8Array<ArrayBuffer>): void;
  end?(): void;
}

/** A message that is decoded as it arrives. @internal */
export interface Arrival {
  /** Whether all of it is decoded. */
  readonly done: boolean;
  /** Whether advance() has been stopped before it was at the end of what has come. */
  interrupted: boolean;
  /** How many bytes an interruption has kept back. */
  readonly heldBytes: number;
  /**
   * The next bytes of the message. They are borrowed until advance() has come to their end, or interrupt() is called.
   *
   * @param announced how many bytes of the message are known to come together, those before and these included
   * @param last whether the message ends with these bytes
   * @param byteOffset where in the stream the frame ends that they are of: for errors
   */
  feed(bytes: Uint8Array, announced: number, last: boolean, byteOffset: number): void;
  /** Decodes the next piece. Returns its length in bytes, -1 if more has to come. @throws WebSocketError */
  advance(sink: ArrivalSink): number;
  /** Stops for now. */
  interrupt(): void;
  /** Delivers what has not been delivered. @throws WebSocketError */
  deliver(sink: ArrivalSink): void;
}

/** An extension on one connection. Both directions; not both ends. */
export interface ExtensionSession {
  /**
   * The payload to send in place of the part's, or undefined to send the message as it is. That is decided with its
   * first part: after bytes, more bytes are returned for each part up to the last; after undefined, no other part of
   * the message is asked for. The first frame gets the extension's RSV bits.
   *
   * The part's payload is borrowed until the call returns. What is returned must not be written to afterwards.
   */
  encode(part: OutgoingPart): Uint8Array | undefined;
  /**
   * What a message that came with the extension's RSV bits was before the peer encoded it. The payload is borrowed.
   *
   * @throws WebSocketError if it is wrong, or longer than maxLength (as soon as that shows, not when it is all there)
   */
  decode(message: IncomingMessage): Uint8Array;
  /** Begins to decode a message as it arrives, one after the other. Without this method it is collected. @internal */
  begin?(text: boolean, maxLength: number, delivery: Delivery, handler: FailureHandler): Arrival;
  /**
   * As encode(), of a whole text message. The result is borrowed: it is good until anything else of an extension is
   * called. Without this method encode() gets the text as bytes.
   */
  encodeText?(text: string, compress: boolean | undefined): Uint8Array<ArrayBuffer> | undefined;
  /** Whether encode() would take on a whole message of this length. Without this method nobody knows before. */
  wants?(length: number, compress: boolean | undefined): boolean;
  /**
   * After how many milliseconds without a message to encode to call release(). Infinity or undefined: never.
   */
  readonly releaseAfter?: number | undefined;
  /** Lets go of memory that it can do without: of what has been sent. */
  release?(): void;
  /** Lets go of all memory: the connection is over. */
  end?(): void;
  /**
   * As encode(), of a whole message that goes to many connections: the encoding must not depend on what was sent
   * before. `encoded` is the message's own: what this or another session keeps there, under a key that says all that it
   * depends on, need not be done again. `compress` as in OutgoingPart. Without this method each session encodes for
   * itself.
   */
  encodePrepared?(payload: Uint8Array, encoded: Map<string, Uint8Array>, compress?: boolean): Uint8Array | undefined;
}
