// Messages in, messages out, over a duplex of bytes: the pair of the WebSocketStream proposal.

import { type Bytes, type PreparedMessage, type ProtocolOptions, serializeExtensions } from "../index.ts";
import { Connection } from "./connection.ts";
import { checkStreamNames } from "./known-options.ts";
import type { StreamMarks } from "./marks.ts";

/** A connection as two streams of bytes: a Deno.Conn, what `connect()` of Workers returns, `Duplex.toWeb()` of node:stream. */
export interface ByteDuplex {
  /**
   * What the peer sends. Chunks may be cut anywhere; they are not changed. The type has only what is used of a
   * ReadableStream, since those of the DOM and of node:stream do not fit each other.
   */
  readonly readable: Pick<ReadableStream<Uint8Array>, "cancel" | "locked"> & {
    getReader(): ReadableStreamDefaultReader<Uint8Array>;
  };
  /** What the peer gets. */
  readonly writable: WritableStream<Uint8Array>;
}

/** Options of a connection as streams that do not come from its handshake. */
export interface ConnectionStreamOptions
  extends Omit<ProtocolOptions, "role" | "extensions" | "fragments" | "texts" | "textBytes" | "copies">, StreamMarks {
  /**
   * How long the closing handshake may take, in milliseconds. It bounds two waits: the time that a reader has to answer what
   * came before the peer's Close; and the time that the peer has to answer our Close and to end the duplex. The second starts
   * again whenever the duplex takes data, up to 30 times as long in all. A client gives a server that has answered one second
   * to end the duplex. Infinity for no limit. Default 10,000.
   */
  readonly closeTimeout?: number | undefined;
  /**
   * How many bytes of a message are compressed or inflated at once, about. A longer one is processed in slices, between which
   * other connections get their turn. One that is compressed is sent with a frame for each slice. Infinity for none. Default
   * 32768.
   */
  readonly sliceSize?: number | undefined;
}

/** Options of openWebSocketStream(). */
export interface WebSocketStreamOptions extends ConnectionStreamOptions, Pick<ProtocolOptions, "role" | "extensions"> {
  /** The subprotocol that the handshake has agreed on. Default none. */
  readonly protocol?: string | undefined;
  /** Bytes that came after the head of the handshake. Default none. */
  readonly head?: Bytes | undefined;
}

/** The code and reason to close a connection with. */
export interface CloseInfo {
  /** The close code (RFC 6455 §7.4). Default: a Close without a code; with a reason, 1000. */
  readonly closeCode?: number | undefined;
  /** Why, in at most 123 bytes of UTF-8: what is longer is cut at a character. */
  readonly reason?: string | undefined;
}

/** A connection as streams of messages: what `opened` and `closed` of the WebSocketStream proposal tell, in one object. */
export interface WebSocketStreamPair {
  /**
   * The messages: strings for text, bytes that are yours for binary. It ends with the peer's Close. If the connection ends in
   * another way, it fails with a WebSocketStreamError, after the messages that came before. Until you ask for the message
   * after the last one, you can answer what came before a Close or an error. Cancelling it closes the connection, like
   * aborting `writable`.
   */
  readonly readable: ReadableStream<string | Uint8Array<ArrayBuffer>>;
  /**
   * Takes messages: strings as text, bytes as binary, and PreparedMessages. Bytes are borrowed until write() resolves.
   * Closing it sends a Close with 1000 and waits for the end of the connection. Aborting it sends a Close with the
   * `closeCode` and `reason` of the abort's reason, if they may be sent, else without a code. It fails with a
   * WebSocketStreamError when the connection ends.
   */
  readonly writable: WritableStream<string | Bytes | PreparedMessage>;
  /** The subprotocol; empty for none. */
  readonly protocol: string;
  /** The extensions as in Sec-WebSocket-Extensions; empty for none. */
  readonly extensions: string;
  /**
   * Resolves with the code and reason of the peer's Close, once the connection has ended and the streams of the duplex are
   * unlocked. Rejects with a WebSocketStreamError if there was no Close.
   */
  readonly closed: Promise<{ readonly closeCode: number; readonly reason: string }>;
  /**
   * Sends a Close after the messages whose write() has resolved: without a code an empty one; with a reason alone, 1000.
   * Messages go on arriving until the peer's Close; while 64 KiB of them (or the mark, if it is higher) wait to be read,
   * further ones are dropped.
   * @throws RangeError if the code must not be sent (RFC 6455 §7.4)
   */
  close(info?: CloseInfo): void;
}

/**
 * A connection whose handshake is done, as streams of messages.
 *
 * Backpressure goes both ways. While as many bytes as the mark wait in the readable, nothing is read from the duplex, and a
 * chunk that is being decoded stops in its middle. A write waits while 64 KiB are queued, beside those that the duplex is
 * taking. The answers to one chunk leave in one write.
 *
 * Pings are answered as they are reached, whether or not you write; one that comes after messages that nobody reads waits
 * with them. The peer's Close is answered when the reader has asked for the next message, when you have closed the writable,
 * after a second without a reader, or after `closeTimeout`: until then you can answer what came before it.
 *
 * If an extension or `allocate` throws, the connection fails with 1011, and the streams with that exception as their cause.
 *
 * It locks both streams of the duplex until `closed` settles, and ends them.
 *
 * @throws TypeError and RangeError as Protocol, TypeError for unknown options or if a stream of the duplex is locked
 */
export function openWebSocketStream(duplex: ByteDuplex, options: WebSocketStreamOptions): WebSocketStreamPair {
  checkStreamNames("openWebSocketStream()", options);
  return openPair(duplex, options);
}

/** The same for options that have been checked, with those of the handshake. @internal */
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
