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
   * How long the closing handshake may take, in milliseconds, from the first Close to the end of the duplex. What has not
   * been read by then is lost with it. Infinity for no limit. Default 10,000.
   */
  readonly closeTimeout?: number | undefined;
}

/** Options of openWebSocketStream(). */
export interface WebSocketStreamOptions extends ConnectionStreamOptions, Pick<ProtocolOptions, "role" | "extensions"> {
  /** The subprotocol that the handshake has agreed on. Default none. */
  readonly protocol?: string | undefined;
  /** Bytes that came behind the head of the handshake. Default none. */
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
   * The messages, strings for text. It ends with the peer's Close, and fails with a WebSocketStreamError when the connection
   * ends otherwise, after the messages before. Cancelling it closes the connection, with the code of the reason (see abort).
   */
  readonly readable: ReadableStream<string | Uint8Array<ArrayBuffer>>;
  /**
   * Where messages go: strings as text, bytes as binary, and PreparedMessages. Closing it sends a Close with 1000 and waits for the end of the
   * connection. Aborting it sends one with `closeCode` and `reason` of the abort's reason, if they are there and may be sent,
   * else without a code. It fails with a WebSocketStreamError when the connection ends.
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
   * Sends a Close: without a code an empty one; with a reason alone, 1000.
   * @throws RangeError if the code must not be sent (RFC 6455 §7.4)
   */
  close(info?: CloseInfo): void;
}

/**
 * A connection whose handshake is done, as streams of messages.
 *
 * Backpressure goes both ways: while as many bytes as the mark wait in the readable, nothing is read from the duplex; and a
 * write waits while 64 KiB are queued, beside the one chunk that the duplex is taking. What is written in answer to what one chunk brought leaves in one write.
 *
 * Pings and the peer's Close are answered as they are reached, whether or not anybody writes; a Ping behind messages that
 * nobody reads waits with them. Bytes that are written are borrowed until the duplex has taken them.
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
