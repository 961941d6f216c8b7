// Writes past the queue of a socket's stream: what the system takes at once is done when the call returns.

import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { isSocket } from "./sockets.ts";

/** Who hears that a write has ended which the system did not take at once. Not internal itself: the published types name it. */
export interface Writer {
  /** @internal */
  wrote(error: Error | null | undefined): void;
}

/** One write. An object for each that is under way: the callback must tell whose it was. */
class DirectWrite {
  writer: Writer | undefined = undefined;
  /** Whether the call is running. */
  #calling = false;
  #error: Error | null | undefined = undefined;

  /** Returns whether the system has taken everything. @throws what was wrong with the socket */
  start(socket: Socket, bytes: Uint8Array): boolean {
    this.#calling = true;
    this.#error = undefined;
    // It does not use the encoding of bytes.
    socket._write(bytes, "buffer" as BufferEncoding, this.#called);
    const done = !this.#calling;
    this.#calling = false;
    if (this.#error) throw this.#error;
    return done;
  }

  readonly #called = (error?: Error | null): void => {
    if (this.#calling) {
      this.#calling = false;
      this.#error = error;
      return;
    }
    const { writer } = this;
    this.writer = undefined;
    if (spare.length < MOST_SPARE) spare.push(this);
    writer?.wrote(error);
  };
}

const MOST_SPARE = 64;
const spare: DirectWrite[] = [];

/** Whether writeDirectly() may be used for this stream. @internal */
export function writesDirectly(socket: Duplex): boolean {
  return isSocket(socket) && typeof socket._write === "function" && socket._write === Socket.prototype._write;
}

/** Whether nothing is queued in the socket, so that a direct write is in order. @internal */
export function isClear(socket: Duplex): boolean {
  return socket.writableLength === 0 && socket.writableCorked === 0 && !(socket as Socket).connecting;
}

/**
 * Writes bytes, which are borrowed until they are written. Returns true if the system has taken everything. If not,
 * `writer.wrote()` is called later: before that, write nothing else, and do not end the socket. The socket must be clear.
 * @throws what was wrong with the socket
 * @internal
 */
export function writeDirectly(socket: Duplex, bytes: Uint8Array, writer: Writer): boolean {
  const write = spare.pop() ?? new DirectWrite();
  const done = write.start(socket as Socket, bytes);
  if (done) spare.push(write);
  else write.writer = writer;
  return done;
}
