// Our end of a connection, of serve() or connect(), for tests that wait for one thing after the other.

import type { Connection } from "../../../src/node/index.ts";
import { Queue } from "../../peers/support/queue.ts";

/** What a frame is, without what it says. */
export interface FrameHead {
  readonly opcode: number;
  readonly fin: boolean;
  /** RSV1: with permessage-deflate, that the message is compressed. */
  readonly rsv1: boolean;
  readonly length: number;
}

const TAIL = 2048;

/** Reads the heads of frames off what passes on a socket. Apart from what is tested, it knows RFC 6455 §5.2 and no more. */
class FrameTap {
  readonly heads: FrameHead[] = [];
  /** How many bytes have passed. */
  bytes = 0;
  /** The last of them. */
  tail: Buffer = Buffer.alloc(0);
  #head: Uint8Array = new Uint8Array(0);
  /** What is left of the payload of the frame. */
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
      // Byte by byte: heads are short, and may be cut anywhere.
      this.#head = Buffer.concat([this.#head, chunk.subarray(at, ++at)]);
      this.#take();
    }
  }

  /** Takes the head, if all of it is there. */
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
  /** What was on the wire. */
  readonly received = new FrameTap();
  readonly sent = new FrameTap();

  /** In the turn in which the connection has come. */
  constructor(connection: Connection) {
    this.connection = connection;
    const { socket } = connection;
    // Not its "data": a connection may take chunks before that.
    const push = socket.push.bind(socket);
    socket.push = (chunk: Uint8Array | null) => {
      if (chunk) this.received.push(chunk);
      return push(chunk);
    };
    const write = socket.write.bind(socket) as (chunk: Uint8Array, callback: () => void) => boolean;
    socket.write = ((chunk: Uint8Array, callback: () => void) => {
      this.sent.push(chunk);
      return write(chunk, callback);
    }) as typeof socket.write;
    connection.on("message", (data) => this.messages.push(data));
    connection.on("ping", (data) => this.pings.push(Buffer.from(data).toString()));
    connection.on("pong", (data) => this.pongs.push(Buffer.from(data).toString()));
    connection.on("error", (error) => this.errors.push(error));
    this.closed = new Promise((resolve) => {
      connection.on("close", (code, reason, wasClean) => resolve({ code, reason, wasClean }));
    });
  }
}
