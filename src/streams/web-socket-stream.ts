// A connection as streams of messages over a duplex of bytes: the pair of the WebSocketStream proposal.

import { type Bytes, type PreparedMessage, type ProtocolOptions, serializeExtensions } from "../index.ts";
import { Connection } from "./connection.ts";
import { checkStreamNames } from "./known-options.ts";
import type { StreamMarks } from "./marks.ts";

/**
 * A connection as two streams of bytes: a Deno.Conn, a Socket of `connect()` in Workers, or `Duplex.toWeb()` of
 * node:stream.
 */
export interface ByteDuplex {
  /**
   * The bytes from the peer, in chunks of any size, which are not changed. This type has only the members of
   * ReadableStream that are used, because the types of the DOM and of node:stream are not compatible.
   */
  readonly readable: Pick<ReadableStream<Uint8Array>, "cancel" | "locked"> & {
    getReader(): ReadableStreamDefaultReader<Uint8Array>;
  };
  /** The bytes for the peer. Do not change a chunk: it may be a PreparedMessage, which other connections send, too. */
  readonly writable: WritableStream<Uint8Array>;
}

/** Options of a connection as streams, without those of its handshake. */
export interface ConnectionStreamOptions
  extends
    Omit<ProtocolOptions, "role" | "extensions" | "fragments" | "texts" | "textBytes" | "copies" | "checked">,
    StreamMarks {
  /**
   * How long each part of the closing handshake may take, in milliseconds (RFC 6455 §7.1.1). First, the time for the
   * reader to answer what arrived before the peer's Close. Then, the time for the peer to answer our Close and to end
   * the duplex. This starts again whenever the duplex takes data, up to 30 times `closeTimeout` in total. A server that
   * has answered our Close gets one second to end the duplex. Infinity for no limit. Default 10,000.
   */
  readonly closeTimeout?: number | undefined;
  /**
   * About how many bytes of a message are compressed or inflated at once. A longer message is processed in slices, and
   * other connections get their turn in between. When it is compressed, each slice is sent in a frame of its own.
   * Infinity for no slices. Default 32,768.
   */
  readonly sliceSize?: number | undefined;
}

/** Options of openWebSocketStream(). */
export interface WebSocketStreamOptions extends ConnectionStreamOptions, Pick<ProtocolOptions, "role" | "extensions"> {
  /** The subprotocol that the handshake agreed on. Default none. */
  readonly protocol?: string | undefined;
  /** Bytes that arrived after the head of the handshake. They are only read. Default none. */
  readonly head?: Bytes | undefined;
}

/** The code and reason to close a connection with. */
export interface CloseInfo {
  /** The close code (RFC 6455 §7.4). Default: a Close without a code, or 1000 if there is a reason. */
  readonly closeCode?: number | undefined;
  /** The reason, up to 123 bytes of UTF-8. A longer one is cut at a character. Default none. */
  readonly reason?: string | undefined;
}

/**
 * A connection as streams of messages: in one object, what `opened` and `closed` of the WebSocketStream proposal
 * resolve with.
 */
export interface WebSocketStreamPair {
  /**
   * The messages: strings for text, bytes that are yours for binary. It ends after the peer's Close. If the connection
   * ends in another way, it fails with a WebSocketStreamError, after the messages that arrived before. Until you ask
   * for another message after the last one, you can answer what arrived before a Close or an error. Cancelling it
   * closes the connection, as aborting `writable` does.
   */
  readonly readable: ReadableStream<string | Uint8Array<ArrayBuffer>>;
  /**
   * Sends messages: strings as text, bytes as binary, and PreparedMessages. Bytes are borrowed: do not change them
   * until write() resolves. Closing it sends a Close with 1000 and waits for the end of the connection. Aborting it
   * sends a Close with the `closeCode` and `reason` of the abort reason if they are valid, or else a Close without a
   * code. It fails with a WebSocketStreamError when the connection ends.
   */
  readonly writable: WritableStream<string | Bytes | PreparedMessage>;
  /** The subprotocol, or "" (RFC 6455 §1.9). */
  readonly protocol: string;
  /** The extensions as in Sec-WebSocket-Extensions, or "" (RFC 6455 §9.1). */
  readonly extensions: string;
  /**
   * Resolves with the code and reason of the peer's Close, once the connection has ended and the streams of the duplex
   * are unlocked. Rejects with a WebSocketStreamError if there was no Close.
   */
  readonly closed: Promise<{ readonly closeCode: number; readonly reason: string }>;
  /**
   * Sends a Close after the messages whose write() has resolved (RFC 6455 §7.1.2). Without a code the Close is empty;
   * with only a reason, the code is 1000. Messages still arrive until the peer's Close. While 64 KiB of them (or
   * `readableHighWaterMark`, if that is more) wait to be read, further messages are dropped.
   * @throws RangeError if the code must not be sent (RFC 6455 §7.4)
   */
  close(info?: CloseInfo): void;
}

/**
 * Opens a connection as streams of messages, over a duplex whose handshake is done. It locks both streams of the duplex
 * until `closed` settles, and ends them.
 *
 * Backpressure works in both directions. While `readableHighWaterMark` bytes wait in the readable, nothing is read from
 * the duplex, and decoding stops, even in the middle of a chunk. A write waits while 64 KiB are queued, not counting
 * what the duplex is already taking. The answers to one chunk leave in one write.
 *
 * Pings are answered when they are reached, whether or not you write. A Ping after unread messages waits with them. The
 * peer's Close is answered as soon as the reader asks for another message, you close the writable, one second has
 * passed without a reader, or `closeTimeout` has passed. Until then you can answer what arrived before it.
 *
 * If an extension or `allocate` throws, the connection fails with 1011, and the streams fail with that exception as
 * their cause.
 *
 * @throws TypeError and RangeError as Protocol does
 * @throws TypeError for unknown options, or if a stream of the duplex is locked
 */
export function openWebSocketStream(duplex: ByteDuplex, options: WebSocketStreamOptions): WebSocketStreamPair {
  checkStreamNames("openWebSocketStream()", options);
  return openPair(duplex, options);
}

/** Like openWebSocketStream(), with options that are already checked and include those of the handshake. @internal */
export function openPair(duplex: ByteDuplex, options: WebSocketStreamOptions): WebSocketStreamPair {
  const connection = new Connection(duplex, options);
  const { readable, writable, closed } = connection;
  const named = (options.extensions ?? []).map((item) =>
    "extension" in item
      ? { name: item.extension.name, parameters: item.parameters }
      : { name: item.name, parameters: [] },
  );
  return {
    readable,
    writable,
    protocol: options.protocol ?? "",
    extensions: serializeExtensions(named),
    closed,
    close: ({ closeCode, reason = "" } = {}) =>
      connection.close(closeCode === undefined && reason !== "" ? 1000 : closeCode, reason),
  };
}
