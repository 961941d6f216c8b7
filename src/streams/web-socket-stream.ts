// Messages in, messages out, over a duplex of bytes: the pair of the WebSocketStream proposal.

import { type Bytes, type PreparedMessage, type ProtocolOptions, serializeExtensions } from "../index.ts";
import { Connection } from "./connection.ts";
import { checkStreamNames } from "./known-options.ts";
import type { StreamMarks } from "./marks.ts";

/** A connection as two streams of bytes: a Deno.Conn, what `connect()` of Workers returns, `Duplex.toWeb()` of node:stream. */
export interface ByteDuplex {
  /**
   * What the peer sends. Chunks may be cut anywhere; they are left as they are. Of a ReadableStream what is used: those of the
   * DOM and of node:stream have types that do not fit each other.
   */
  readonly readable: Pick<ReadableStream<Uint8Array>, "cancel" | "locked"> & {
    getReader(): ReadableStreamDefaultReader<Uint8Array>;
  };
  /** What the peer gets. */
  readonly writable: WritableStream<Uint8Array>;
}

/** Options of a connection as streams that do not come from its handshake. */
export interface ConnectionStreamOptions
  extends Omit<ProtocolOptions, "role" | "extensions" | "fragments">, StreamMarks {
  /**
   * How long the closing handshake may take, in milliseconds. It limits two waits: that of the peer's Close for a reader that
   * may still answer what came before it; and that for the peer, to answer our Close and to end the duplex. The second starts
   * again whenever the duplex takes data, up to 30 times as long in all. A client gives a server that has answered one
   * second to end the duplex. Infinity for no limit. Default 10,000.
   */
  readonly closeTimeout?: number | undefined;
}

/** Options of openWebSocketStream(). */
export interface WebSocketStreamOptions extends ConnectionStreamOptions, Pick<ProtocolOptions, "role" | "extensions"> {
  /** The subprotocol that the handshake has agreed on. Default none. */
  readonly protocol?: string | undefined;
  /** Bytes that came after the head of the handshake. Default none. */
  readonly head?: Bytes | undefined;
}

/** How to close a connection, and how it was closed. */
export interface CloseInfo {
  /** Of a connection that was closed: the peer's; 1005 if it had none. */
  readonly closeCode?: number | undefined;
  /** Why, in at most 123 bytes of UTF-8: what is longer is cut at a character. */
  readonly reason?: string | undefined;
}

/** A connection as streams of messages: what `opened` and `closed` of the WebSocketStream proposal tell, in one object. */
export interface WebSocketStreamPair {
  /**
   * The messages, strings for text; bytes are yours. It ends with the peer's Close, and fails with a WebSocketStreamError when
   * the connection ends otherwise, after the messages before. Until you ask for the message after the last one, you can answer
   * what came before a Close or an error. Cancelling it closes the connection, with the code of the reason (see abort).
   */
  readonly readable: ReadableStream<string | Uint8Array<ArrayBuffer>>;
  /**
   * Where messages go: strings as text, bytes as binary, and PreparedMessages. Bytes are borrowed until write() resolves.
   * Closing it sends a Close with 1000 and waits for the end of the connection. Aborting it sends one with `closeCode` and
   * `reason` of the abort's reason, if they are there and may be sent, else without a code. It fails with a
   * WebSocketStreamError when the connection ends.
   */
  readonly writable: WritableStream<string | Bytes | PreparedMessage>;
  /** The subprotocol; empty for none. */
  readonly protocol: string;
  /** The extensions as in Sec-WebSocket-Extensions; empty for none. */
  readonly extensions: string;
  /**
   * When the connection has ended and the streams of the duplex are free: what the peer's Close said. Rejects with a
   * WebSocketStreamError if there was none.
   */
  readonly closed: Promise<{ readonly closeCode: number; readonly reason: string }>;
  /**
   * Sends a Close after the messages whose write() has resolved: without a code an empty one; with a reason alone, 1000.
   * Messages go on arriving until the peer's Close, but when 64 KiB (or the mark, if it is higher) wait to be read, more are
   * dropped.
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
 * Pings are answered as they are reached, whether or not anybody writes; one that comes after messages that nobody reads waits
 * with them. The peer's Close is answered once nobody may want to answer what came before it: when the reader has asked for
 * the next message, when the writable has been closed, after a second without a reader, or after `closeTimeout`.
 *
 * If an extension or `allocate` throws, the connection fails with 1011, and the streams with that exception as their cause.
 *
 * It takes hold of both streams of the duplex until `closed` settles, and ends them.
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
