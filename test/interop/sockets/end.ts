// Our end of a connection, of serve() or connect(), for tests that wait for one event after another.

import type { Duplex } from "node:stream";
import type { Connection } from "../../../src/node/index.ts";
import { Queue } from "../../peers/support/queue.ts";

/** The header of a frame, without its payload. */
export interface FrameHead {
  readonly opcode: number;
  readonly fin: boolean;
  /** RSV1. With permessage-deflate, it marks a compressed message. */
  readonly rsv1: boolean;
  readonly length: number;
}

const TAIL = 2048;

/**
 * Reads frame headers from the bytes that pass through a socket. It implements only RFC 6455 §5.2, independently of the
 * tested code.
 */
class FrameTap {
  readonly heads: FrameHead[] = [];
  /** The number of bytes so far. */
  bytes = 0;
  /** The last bytes. */
  tail: Buffer = Buffer.alloc(0);
  #head: Uint8Array = new Uint8Array(0);
  /** The rest of the current payload. */
  #left = 0;

  push(chunk: Uint8Array): void {
    this.bytes += chunk.length;
    this.tail = Buffer.concat([this.tail, chunk.subarray(-TAIL)]).subarray(-TAIL);
    let at = 0;
    while (at < chunk.length) {
      const skipped = Math.min(this.#left, chunk.length - at);
      this.#left -= skipped;
      at += skipped;
      if (this.#left > 0 || at === chunk.length) return;
      // Byte by byte, because headers are short and may be cut anywhere.
      this.#head = Buffer.concat([this.#head, chunk.subarray(at, ++at)]);
      this.#take();
    }
  }

  /** Parses the header if it is complete. */
  #take(): void {
    const head = Buffer.from(this.#head);
    if (head.length < 2) return;
    const [first, second] = [head[0]!, head[1]!];
    const short = second & 0x7f;
    const extended = short === 127 ? 8 : short === 126 ? 2 : 0;
    if (head.length < 2 + extended + (second & 0x80 ? 4 : 0)) return;
    const length = short === 127 ? Number(head.readBigUInt64BE(2)) : short === 126 ? head.readUInt16BE(2) : short;
    this.heads.push({ opcode: first & 15, fin: first >= 0x80, rsv1: (first & 0x40) !== 0, length });
    this.#head = new Uint8Array(0);
    this.#left = length;
  }
}

/** Watches the chunks that a socket reads into the window of its thread, or the chunks pushed to its stream. */
function tapReads(socket: Duplex, tap: FrameTap): void {
  const fields = socket as unknown as Record<symbol, unknown>;
  const symbols = Object.getOwnPropertySymbols(socket);
  const window = symbols.map((symbol) => fields[symbol]).find((value) => value instanceof Uint8Array);
  const field = symbols.find((symbol) => typeof fields[symbol] === "function");
  let seen = false;
  if (window !== undefined && field !== undefined) {
    const onRead = fields[field] as (this: Duplex, length: number, bytes: Uint8Array) => boolean;
    fields[field] = function (this: Duplex, length: number, bytes: Uint8Array) {
      tap.push(bytes.subarray(0, length));
      // The socket may also continue with push().
      seen = true;
      const goesOn = onRead.call(this, length, bytes);
      seen = false;
      return goesOn;
    };
  }
  // Not its "data" event, because a stream may have chunks before there is a listener.
  const push = socket.push.bind(socket);
  socket.push = (chunk: Uint8Array | null) => {
    if (chunk && !seen) tap.push(chunk);
    return push(chunk);
  };
}

/** Watches everything written to the system, through the queue of the stream or around it. */
function tapWrites(socket: Duplex, tap: FrameTap): void {
  const write = socket._write.bind(socket);
  socket._write = (chunk: Uint8Array, encoding, callback) => {
    tap.push(chunk);
    write(chunk, encoding, callback);
  };
  const writev = socket._writev?.bind(socket);
  if (writev === undefined) return;
  socket._writev = (chunks, callback) => {
    for (const { chunk } of chunks) tap.push(chunk as Uint8Array);
    writev(chunks, callback);
  };
}

export interface Ended {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

export class End {
  readonly connection: Connection;
  readonly messages = new Queue<string | Uint8Array>("a message for us");
  readonly pings = new Queue<string>("a Ping for us");
  readonly pongs = new Queue<string>("a Pong for us");
  readonly errors: Error[] = [];
  readonly closed: Promise<Ended>;
  /** The bytes that passed in each direction. */
  readonly received = new FrameTap();
  readonly sent = new FrameTap();

  /** Call it in the turn in which the connection was made. */
  constructor(connection: Connection) {
    this.connection = connection;
    tapReads(connection.socket, this.received);
    tapWrites(connection.socket, this.sent);
    connection.on("message", (data) => this.messages.push(data));
    connection.on("ping", (data) => this.pings.push(Buffer.from(data).toString()));
    connection.on("pong", (data) => this.pongs.push(Buffer.from(data).toString()));
    connection.on("error", (error) => this.errors.push(error));
    this.closed = new Promise((resolve) => {
      connection.on("close", (code, reason, wasClean) => resolve({ code, reason, wasClean }));
    });
  }
}
